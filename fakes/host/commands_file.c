/* Commands that change the file tree: mkdir, rmdir, rm, touch, mv, cp, ln. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* Appends path and a name below it, with one slash between. */
static const char *join(struct call *call, const char *directory, struct span name)
{
    size_t length = strlen(directory);
    size_t size = length + name.length + 2;
    char *path = arena_alloc(&call->run->arena, size);
    if (path == NULL) {
        return "";
    }
    bool slash = length > 0 && directory[length - 1] != '/';
    (void)text_format(path, size, "%s%s%.*s", directory, slash ? "/" : "", (int)name.length, name.at);
    return path;
}

static struct span last_part(const char *path)
{
    struct span name = span_of(path);
    while (name.length > 1 && name.at[name.length - 1] == '/') {
        name.length--;
    }
    for (size_t i = name.length; i > 0; i--) {
        if (name.at[i - 1] == '/' && name.length > 1) {
            return (struct span){name.at + i, name.length - i};
        }
    }
    return name;
}

/* ---- directories ---- */

static enum tree_error make_parents(struct call *call, const char *path, uint32_t mode)
{
    char part[TREE_PATH_LIMIT + 1];
    size_t length = strlen(path);
    struct tree_node *node;
    enum tree_error error = TREE_OK;
    if (length > TREE_PATH_LIMIT) {
        return TREE_NAME_TOO_LONG;
    }
    for (size_t i = 1; i <= length && error == TREE_OK; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        error = call_find(call, part, true, &node);
        if (error == TREE_NO_ENTRY) {
            error = tree_make(call->files, call->shell->cwd, part, TREE_DIRECTORY, path[i] == '\0' ? mode : 0755,
                              call->run->now.unix_ns, &node);
        } else if (error == TREE_OK && node->kind != TREE_DIRECTORY) {
            error = path[i] == '\0' ? TREE_EXISTS : TREE_NOT_DIRECTORY;
        }
    }
    return error;
}

int command_mkdir(struct call *call)
{
    static const struct long_option names[] = {{"parents", 'p'}, {"mode", 'm'}, {"verbose", 'v'}, {NULL, 0}};
    struct option_reader options;
    bool parents = false;
    uint32_t mode = 0755;
    if (!options_start(&options, call, "pvm:", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        parents = parents || letter == 'p';
        if (letter == 'm' && !number_parse_octal(span_of(options.value), &mode)) {
            call_complain(call, "invalid mode '%s'\n", options.value);
            return 1;
        }
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        const char *path = options.operands[i];
        struct tree_node *made;
        enum tree_error error = parents ? make_parents(call, path, mode)
                                        : tree_make(call->files, call->shell->cwd, path, TREE_DIRECTORY, mode,
                                                    call->run->now.unix_ns, &made);
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot create directory ", path, error);
        }
    }
    return status;
}

int command_rmdir(struct call *call)
{
    struct option_reader options;
    int status = 0;
    if (!options_start(&options, call, "pv", NULL)) {
        return 1;
    }
    while (options_next(&options) != 0) {
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *node;
        enum tree_error error = call_find(call, options.operands[i], false, &node);
        if (error == TREE_OK) {
            error = node->kind != TREE_DIRECTORY ? TREE_NOT_DIRECTORY
                    : node->first_child != NULL  ? TREE_NOT_EMPTY
                                                 : tree_remove(call->files, node, call->run->now.unix_ns);
        }
        if (error != TREE_OK) {
            status = call_fail_path(call, "failed to remove ", options.operands[i], error);
        }
    }
    return status;
}

int command_rm(struct call *call)
{
    static const struct long_option names[] = {{"recursive", 'r'}, {"force", 'f'}, {"verbose", 'v'}, {NULL, 0}};
    struct option_reader options;
    bool recursive = false;
    bool force = false;
    if (!options_start(&options, call, "rRfvid", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        recursive = recursive || letter == 'r' || letter == 'R';
        force = force || letter == 'f';
    }
    if (options.wrong || (options.operand_count == 0 && !force)) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        const char *path = options.operands[i];
        struct span name = last_part(path);
        struct tree_node *node;
        if (span_equals(name, ".") || span_equals(name, "..")) {
            call_complain(call, "refusing to remove '.' or '..' directory: skipping '%s'\n", path);
            status = 1;
            continue;
        }
        enum tree_error error = call_find(call, path, false, &node);
        if (error == TREE_NO_ENTRY && force) {
            continue;
        }
        if (error == TREE_OK && node->parent == NULL) {
            call_complain(call, "it is dangerous to operate recursively on '/'\n");
            status = 1;
            continue;
        }
        if (error == TREE_OK) {
            error = node->kind == TREE_DIRECTORY && !recursive ? TREE_IS_DIRECTORY
                                                               : tree_remove(call->files, node, call->run->now.unix_ns);
        }
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot remove ", path, error);
        }
    }
    return status;
}

/* ---- touch ---- */

int command_touch(struct call *call)
{
    struct option_reader options;
    bool creates = true;
    int64_t when_ns = call->run->now.unix_ns;
    if (!options_start(&options, call, "acmd:t:", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        creates = creates && letter != 'c';
        if (letter == 'd' || letter == 't') {
            int64_t seconds;
            bool valid = letter == 'd' && options.value[0] == '@' && number_parse(span_of(options.value + 1), &seconds);
            if (!valid) {
                call_complain(call, "invalid date format '%s'\n", options.value);
                return 1;
            }
            when_ns = scale_rounded(seconds, NS_PER_S, 1);
        }
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing file operand");
    }
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *node;
        enum tree_error error = call_find(call, options.operands[i], true, &node);
        if (error == TREE_NO_ENTRY && !creates) {
            continue;
        }
        if (error == TREE_NO_ENTRY) {
            error = tree_open(call->files, call->shell->cwd, options.operands[i], when_ns, &node);
        }
        if (error == TREE_OK) {
            node->modified_ns = when_ns;
        } else {
            status = call_fail_path(call, "cannot touch ", options.operands[i], error);
        }
    }
    return status;
}

/* ---- mv, cp, ln: the last operand says where to ---- */

struct placement {
    struct call *call;
    const char **sources;
    int count;
    const char *target;
    bool into_directory;
};

/* Sorts the operands of `cp a b`, `cp a b dir/`, `cp -t dir a b`; false after a message. */
static bool place(struct call *call, struct option_reader *options, const char *target_option, struct placement *out)
{
    int count = options->operand_count - (target_option == NULL);
    if (options->operand_count == 0) {
        (void)call_usage(call, 1, "missing file operand");
        return false;
    }
    if (count == 0) {
        (void)call_usage(call, 1, "missing destination file operand after '%s'", options->operands[0]);
        return false;
    }
    const char *target = target_option == NULL ? options->operands[count] : target_option;
    struct tree_node *node;
    bool is_directory = call_find(call, target, true, &node) == TREE_OK && node->kind == TREE_DIRECTORY;
    if (count > 1 && !is_directory) {
        call_complain(call, "target '%s' is not a directory\n", target);
        return false;
    }
    *out = (struct placement){call, options->operands, count, target, is_directory};
    return true;
}

static const char *target_of(const struct placement *placement, const char *source)
{
    return placement->into_directory ? join(placement->call, placement->target, last_part(source)) : placement->target;
}

static bool ends_with_slash(const char *path)
{
    size_t length = strlen(path);
    return length > 0 && path[length - 1] == '/';
}

static int move_one(struct placement *placement, const char *source)
{
    struct call *call = placement->call;
    const char *target = target_of(placement, source);
    struct tree_node *node;
    struct tree_node *old;
    struct tree_node *directory;
    struct span name;
    enum tree_error error = call_find(call, source, false, &node);
    if (error != TREE_OK) {
        return call_fail_path(call, "cannot stat ", source, error);
    }
    bool taken = call_find(call, target, false, &old) == TREE_OK;
    if (taken && old == node) {
        call_complain(call, "'%s' and '%s' are the same file\n", source, target);
        return 1;
    }
    error = tree_find_parent(call->files, call->shell->cwd, target, &directory, &name);
    if (error == TREE_OK && ends_with_slash(target) && node->kind != TREE_DIRECTORY) {
        error = TREE_NOT_DIRECTORY;
    }
    if (error == TREE_OK && tree_is_below(directory, node)) {
        call_complain(call, "cannot move '%s' to a subdirectory of itself, '%s'\n", source, target);
        return 1;
    }
    if (error == TREE_OK && taken && old->kind == TREE_DIRECTORY) {
        error = node->kind != TREE_DIRECTORY ? TREE_IS_DIRECTORY : old->first_child != NULL ? TREE_NOT_EMPTY : TREE_OK;
    } else if (error == TREE_OK && taken && node->kind == TREE_DIRECTORY) {
        error = TREE_NOT_DIRECTORY;
    }
    if (error == TREE_OK && taken) {
        error = tree_remove(call->files, old, call->run->now.unix_ns);
    }
    if (error == TREE_OK) {
        error = tree_move(call->files, node, directory, name, call->run->now.unix_ns);
    }
    if (error == TREE_OK) {
        return 0;
    }
    call->run->killed = call->run->killed || error == TREE_NO_MEMORY;
    call_complain(call, "cannot move '%s' to '%s': %s\n", source, target, tree_error_text(error));
    return 1;
}

int command_mv(struct call *call)
{
    struct option_reader options;
    struct placement placement;
    const char *target = NULL;
    bool no_clobber = false;
    if (!options_start(&options, call, "fvinTt:", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        target = letter == 't' ? options.value : target;
        no_clobber = no_clobber || letter == 'n';
    }
    if (options.wrong || !place(call, &options, target, &placement)) {
        return 1;
    }
    int status = 0;
    for (int i = 0; i < placement.count; i++) {
        struct tree_node *old;
        bool skipped =
            no_clobber && call_find(call, target_of(&placement, placement.sources[i]), false, &old) == TREE_OK;
        if (!skipped && move_one(&placement, placement.sources[i]) != 0) {
            status = 1;
        }
    }
    return status;
}

/* Copies one file's bytes and mode. */
static enum tree_error copy_file(struct call *call, const struct tree_node *from, struct tree_node *to, bool keeps_time)
{
    int64_t now_ns = call->run->now.unix_ns;
    struct span text = {buffer_text(&from->content), from->content.length};
    if (!run_work(call->run, text.length)) {
        return TREE_NO_MEMORY;
    }
    enum tree_error error = tree_resize(call->files, to, 0, false, now_ns);
    if (error == TREE_OK) {
        error = tree_write(call->files, to, 0, text, now_ns);
    }
    if (error == TREE_OK && from->hole_bytes > 0) {
        error = tree_resize(call->files, to, tree_size(from), from->hole_reserved, now_ns);
    }
    to->modified_ns = keeps_time ? from->modified_ns : now_ns;
    return error;
}

/* A new entry like `from` in `directory`, without what lies below it. */
static enum tree_error copy_entry(struct call *call, const struct tree_node *from, struct tree_node *directory,
                                  struct span name, bool keeps_time, struct tree_node **out)
{
    struct tree_node *to = tree_child(directory, name);
    enum tree_error error = TREE_OK;
    if (to == NULL) {
        error = tree_add(call->files, directory, name, from->kind, from->mode, call->run->now.unix_ns, &to);
        if (error == TREE_OK && from->kind == TREE_SYMLINK) {
            error = tree_set_target(call->files, to, buffer_text(&from->content));
        }
        if (error == TREE_OK) {
            to->device = from->device;
        }
    }
    if (error == TREE_OK && from->kind == TREE_FILE) {
        error = to->kind == TREE_FILE ? copy_file(call, from, to, keeps_time) : TREE_IS_DIRECTORY;
    } else if (error == TREE_OK && from->kind == TREE_DIRECTORY && to->kind != TREE_DIRECTORY) {
        error = TREE_NOT_DIRECTORY;
    }
    *out = to;
    return error;
}

/* Walks the source and its copy side by side. */
static enum tree_error copy_below(struct call *call, const struct tree_node *top, struct tree_node *copy,
                                  bool keeps_time)
{
    struct tree_node *node = top->first_child;
    struct tree_node *directory = copy;
    enum tree_error error = TREE_OK;
    while (node != NULL && error == TREE_OK && run_work(call->run, 64)) {
        struct tree_node *made;
        error = copy_entry(call, node, directory, span_of(node->name), keeps_time, &made);
        if (error != TREE_OK) {
            break;
        }
        if (node->first_child != NULL) {
            directory = made;
            node = node->first_child;
            continue;
        }
        while (node != top && node->next == NULL) {
            node = node->parent;
            directory = node == top ? directory : directory->parent;
        }
        node = node == top ? NULL : node->next;
    }
    return error;
}

static int report_copy(struct call *call, const char *target, enum tree_error error)
{
    bool full = error == TREE_NO_SPACE;
    return error == TREE_OK
               ? 0
               : call_fail_path(call, full ? "error writing " : "cannot create regular file ", target, error);
}

static int copy_one(struct placement *placement, const char *source, bool recursive, bool keeps_time)
{
    struct call *call = placement->call;
    const char *target = target_of(placement, source);
    struct tree_node *from;
    struct tree_node *old;
    struct tree_node *directory;
    struct tree_node *made;
    struct span name;
    enum tree_error error = call_find(call, source, !recursive, &from);
    if (error != TREE_OK) {
        return call_fail_path(call, "cannot stat ", source, error);
    }
    if (from->kind == TREE_DIRECTORY && !recursive) {
        call_complain(call, "-r not specified; omitting directory '%s'\n", source);
        return 1;
    }
    if (from->kind == TREE_DEVICE) {
        struct span text;
        error = call_read(call, source, INT64_MAX, &text);
        error = error == TREE_OK ? call_write(call, target, text) : error;
        return error == TREE_OK ? 0 : call_fail_path(call, "error reading ", source, error);
    }
    bool taken = call_find(call, target, true, &old) == TREE_OK;
    if (taken && old == from) {
        call_complain(call, "'%s' and '%s' are the same file\n", source, target);
        return 1;
    }
    if (taken && from->kind == TREE_FILE && old->kind != TREE_DIRECTORY) { /* written through a link, into a device */
        error = old->kind == TREE_FILE ? copy_file(call, from, old, keeps_time)
                                       : (old->device == DEVICE_FULL ? TREE_NO_SPACE : TREE_OK);
        return report_copy(call, target, error);
    }
    error = tree_find_parent(call->files, call->shell->cwd, target, &directory, &name);
    if (error == TREE_OK && ends_with_slash(target) && from->kind != TREE_DIRECTORY) {
        error = TREE_NOT_DIRECTORY;
    }
    if (error == TREE_OK && tree_is_below(directory, from)) {
        call_complain(call, "cannot copy a directory, '%s', into itself, '%s'\n", source, target);
        return 1;
    }
    if (error == TREE_OK) {
        error = copy_entry(call, from, directory, name, keeps_time, &made);
    }
    if (error == TREE_OK && from->kind == TREE_DIRECTORY) {
        error = copy_below(call, from, made, keeps_time);
    }
    return report_copy(call, target, error);
}

int command_cp(struct call *call)
{
    static const struct long_option names[] = {{"recursive", 'r'}, {"archive", 'a'}, {"force", 'f'}, {NULL, 0}};
    struct option_reader options;
    struct placement placement;
    const char *target = NULL;
    bool recursive = false;
    bool keeps_time = false;
    if (!options_start(&options, call, "rRafpvdTt:", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        recursive = recursive || letter == 'r' || letter == 'R' || letter == 'a';
        keeps_time = keeps_time || letter == 'p' || letter == 'a';
        target = letter == 't' ? options.value : target;
    }
    if (options.wrong || !place(call, &options, target, &placement)) {
        return 1;
    }
    int status = 0;
    for (int i = 0; i < placement.count && !run_is_dead(call->run); i++) {
        status = copy_one(&placement, placement.sources[i], recursive, keeps_time) == 0 ? status : 1;
    }
    return status;
}

/* A hard link is a copy here: nothing that clients look at tells the two apart. */
static enum tree_error make_link(struct call *call, const char *source, const char *target, bool symbolic)
{
    struct tree_node *from;
    struct tree_node *link;
    int64_t now_ns = call->run->now.unix_ns;
    if (symbolic) {
        enum tree_error made = tree_make(call->files, call->shell->cwd, target, TREE_SYMLINK, 0777, now_ns, &link);
        return made == TREE_OK ? tree_set_target(call->files, link, source) : made;
    }
    enum tree_error error = call_find(call, source, true, &from);
    struct tree_node *directory;
    struct span name;
    if (error == TREE_OK) {
        error = tree_find_parent(call->files, call->shell->cwd, target, &directory, &name);
    }
    if (error == TREE_OK && from->kind != TREE_FILE) {
        return TREE_INVALID;
    }
    if (error == TREE_OK && tree_child(directory, name) != NULL) {
        return TREE_EXISTS;
    }
    return error == TREE_OK ? copy_entry(call, from, directory, name, true, &link) : error;
}

int command_ln(struct call *call)
{
    struct option_reader options;
    bool symbolic = false;
    bool force = false;
    if (!options_start(&options, call, "sfnvT", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        symbolic = symbolic || letter == 's';
        force = force || letter == 'f';
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing file operand");
    }
    struct placement placement;
    if (options.operand_count == 1) {
        options.operands[options.operand_count++] = ".";
    }
    if (!place(call, &options, NULL, &placement)) {
        return 1;
    }
    int status = 0;
    for (int i = 0; i < placement.count; i++) {
        const char *target = target_of(&placement, placement.sources[i]);
        struct tree_node *old;
        if (force && call_find(call, target, false, &old) == TREE_OK && old->kind != TREE_DIRECTORY) {
            (void)tree_remove(call->files, old, call->run->now.unix_ns);
        }
        enum tree_error error = make_link(call, placement.sources[i], target, symbolic);
        if (error != TREE_OK) {
            status = call_fail_path(call, symbolic ? "failed to create symbolic link " : "failed to create hard link ",
                                    target, error);
        }
    }
    return status;
}
