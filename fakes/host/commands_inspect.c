/* Commands that look at entries of the file tree: ls, stat, readlink, realpath. */
#include <string.h>

#include "fakes/host/calendar.h"
#include "fakes/host/command.h"
#include "fakes/host/number.h"

static const char *kind_name(const struct tree_node *node)
{
    switch (node->kind) {
    case TREE_DIRECTORY:
        return "directory";
    case TREE_SYMLINK:
        return "symbolic link";
    case TREE_DEVICE:
        return "character special file";
    case TREE_FILE:
        break;
    }
    return tree_size(node) == 0 ? "regular empty file" : "regular file";
}

static char kind_letter(const struct tree_node *node)
{
    static const char letters[] = {
        [TREE_FILE] = '-', [TREE_DIRECTORY] = 'd', [TREE_SYMLINK] = 'l', [TREE_DEVICE] = 'c'};
    return letters[node->kind];
}

/* "drwxr-xr-x" */
static void mode_text(const struct tree_node *node, char out[11])
{
    static const char letters[] = "rwxrwxrwx";
    out[0] = kind_letter(node);
    for (int i = 0; i < 9; i++) {
        out[i + 1] = (node->mode >> (8 - i) & 1) != 0 ? letters[i] : '-';
    }
    if ((node->mode & 01000) != 0) {
        out[9] = out[9] == 'x' ? 't' : 'T';
    }
    out[10] = '\0';
}

static int link_count(const struct tree_node *node)
{
    int count = 1;
    if (node->kind == TREE_DIRECTORY) {
        count = 2;
        for (const struct tree_node *child = node->first_child; child != NULL; child = child->next) {
            count += child->kind == TREE_DIRECTORY;
        }
    }
    return count;
}

static int64_t blocks_of(const struct tree_node *node)
{
    if (node->kind == TREE_DIRECTORY) {
        return TREE_BLOCK_BYTES;
    }
    int64_t bytes = (int64_t)node->content.length + (node->hole_reserved ? node->hole_bytes : 0);
    return node->kind == TREE_FILE ? (bytes + TREE_BLOCK_BYTES - 1) / TREE_BLOCK_BYTES * TREE_BLOCK_BYTES : 0;
}

/* ---- ls ---- */

enum { LS_RECENT_NS_DAYS = 182 };

struct ls {
    struct call *call;
    bool all;
    bool almost_all;
    bool details;
    bool no_group;
    bool human;
    bool by_time;
    bool by_size;
    bool reverse;
    bool itself;
    bool recursive;
    bool marks;
    bool inodes;
    int widths[3]; /* links, size */
};

static bool is_shown(const struct ls *ls, const struct tree_node *node)
{
    return ls->all || ls->almost_all || node->name[0] != '.';
}

static void size_text(const struct ls *ls, const struct tree_node *node, char out[32])
{
    struct buffer text;
    buffer_init_fixed(&text, out, 32);
    int64_t size = tree_size(node);
    if (ls->human) {
        number_append_human(&text, size);
    } else {
        buffer_printf(&text, "%lld", (long long)size);
    }
}

static void widen(struct ls *ls, const struct tree_node *node)
{
    char text[32];
    (void)text_format(text, sizeof text, "%d", link_count(node));
    int links = (int)strlen(text);
    size_text(ls, node, text);
    int size = (int)strlen(text);
    ls->widths[0] = links > ls->widths[0] ? links : ls->widths[0];
    ls->widths[1] = size > ls->widths[1] ? size : ls->widths[1];
}

static void print_entry(struct ls *ls, const struct tree_node *node, const char *name)
{
    struct buffer *out = ls->call->out;
    if (ls->inodes) {
        buffer_printf(out, "%llu ", (unsigned long long)node->inode);
    }
    if (ls->details) {
        char mode[11];
        char size[32];
        int64_t age_ns = saturating_subtract(ls->call->run->now.unix_ns, node->modified_ns);
        bool recent = age_ns >= 0 && age_ns / (NS_PER_HOUR * 24) < LS_RECENT_NS_DAYS;
        mode_text(node, mode);
        size_text(ls, node, size);
        buffer_printf(out, "%s %*d root %s%*s ", mode, ls->widths[0], link_count(node), ls->no_group ? "" : "root ",
                      ls->widths[1], size);
        calendar_append(out, (struct wall_time){node->modified_ns}, recent ? "%b %e %H:%M " : "%b %e  %Y ");
    }
    buffer_append_text(out, name);
    if (ls->details && node->kind == TREE_SYMLINK) {
        buffer_printf(out, " -> %s", buffer_text(&node->content));
    }
    if (ls->marks) {
        buffer_append_text(out, node->kind == TREE_DIRECTORY                          ? "/"
                                : node->kind == TREE_SYMLINK && !ls->details          ? "@"
                                : node->kind == TREE_FILE && (node->mode & 0111) != 0 ? "*"
                                                                                      : "");
    }
    buffer_append_char(out, '\n');
}

static int compare_nodes(const struct ls *ls, const struct tree_node *a, const struct tree_node *b)
{
    int order = 0;
    if (ls->by_time) {
        order = (a->modified_ns < b->modified_ns) - (a->modified_ns > b->modified_ns);
    } else if (ls->by_size) {
        order = (tree_size(a) < tree_size(b)) - (tree_size(a) > tree_size(b));
    }
    order = order != 0 ? order : strcmp(a->name, b->name);
    return ls->reverse ? -order : order;
}

/* Names are in order already; another order is sorted by insertion, which the work limit bounds. */
static bool sort_nodes(struct ls *ls, const struct tree_node **nodes, size_t count)
{
    for (size_t i = 1; i < count && (ls->by_time || ls->by_size || ls->reverse); i++) {
        const struct tree_node *node = nodes[i];
        size_t at = i;
        while (at > 0 && compare_nodes(ls, nodes[at - 1], node) > 0) {
            nodes[at] = nodes[at - 1];
            at--;
        }
        nodes[at] = node;
        if (!run_work(ls->call->run, 16 * (i - at))) {
            return false;
        }
    }
    return true;
}

static void list_directory(struct ls *ls, const struct tree_node *directory)
{
    size_t count = 0;
    int64_t blocks = 0;
    for (const struct tree_node *child = directory->first_child; child != NULL; child = child->next) {
        count++;
    }
    const struct tree_node **nodes = arena_alloc(&ls->call->run->arena, (count + 1) * sizeof *nodes);
    if (nodes == NULL || !run_work(ls->call->run, count * 64)) {
        return;
    }
    count = 0;
    const struct tree_node *parent = directory->parent == NULL ? directory : directory->parent;
    ls->widths[0] = ls->widths[1] = 1;
    for (const struct tree_node *child = directory->first_child; child != NULL; child = child->next) {
        if (is_shown(ls, child)) {
            nodes[count++] = child;
            widen(ls, child);
            blocks += blocks_of(child);
        }
    }
    if (ls->all) {
        widen(ls, directory);
        widen(ls, parent);
        blocks += blocks_of(directory) + blocks_of(parent);
    }
    if (!sort_nodes(ls, nodes, count)) {
        return;
    }
    if (ls->details) {
        buffer_append_text(ls->call->out, "total ");
        if (ls->human) {
            number_append_human(ls->call->out, blocks);
        } else {
            buffer_printf(ls->call->out, "%lld", (long long)(blocks / 1024));
        }
        buffer_append_char(ls->call->out, '\n');
    }
    if (ls->all) {
        print_entry(ls, directory, ".");
        print_entry(ls, parent, "..");
    }
    for (size_t i = 0; i < count; i++) {
        print_entry(ls, nodes[i], nodes[i]->name);
    }
}

static void list_below(struct ls *ls, const char *path, struct tree_node *top)
{
    struct buffer *title = call_scratch(ls->call);
    if (title == NULL) {
        return;
    }
    tree_append_path(top, title);
    size_t skipped = top->parent == NULL ? 0 : title->length;
    const char *separator = "";
    for (struct tree_node *node = top; node != NULL && !run_is_dead(ls->call->run); node = tree_walk(top, node)) {
        if (node->kind == TREE_DIRECTORY && (node == top || is_shown(ls, node))) {
            buffer_clear(title);
            tree_append_path(node, title);
            buffer_printf(ls->call->out, "%s%s%s:\n", separator, path, buffer_text(title) + skipped);
            list_directory(ls, node);
            separator = "\n";
        }
    }
}

static int list_operands(struct ls *ls, const struct option_reader *options)
{
    struct tree_node *node;
    int status = 0;
    int printed = 0;
    ls->widths[0] = ls->widths[1] = 1;
    for (int pass = 0; pass < 3; pass++) { /* complaints and widths, then files, then directories */
        for (int i = 0; i < options->operand_count; i++) {
            const char *path = options->operands[i];
            enum tree_error error = call_find(ls->call, path, !ls->details, &node);
            if (error != TREE_OK) {
                status = pass == 0 ? 2 * call_fail_path(ls->call, "cannot access ", path, error) : status;
                continue;
            }
            bool as_entry = ls->itself || node->kind != TREE_DIRECTORY;
            if (pass == 0 && as_entry) {
                widen(ls, node);
            } else if (pass == 1 && as_entry) {
                print_entry(ls, node, path);
                printed++;
            } else if (pass == 2 && !as_entry && ls->recursive) {
                list_below(ls, path, node);
            } else if (pass == 2 && !as_entry) {
                if (options->operand_count > 1) {
                    buffer_printf(ls->call->out, "%s%s:\n", printed > 0 ? "\n" : "", path);
                }
                list_directory(ls, node);
                printed++;
            }
        }
    }
    return status;
}

int command_ls(struct call *call)
{
    static const struct long_option names[] = {
        {"all", 'a'}, {"almost-all", 'A'}, {"human-readable", 'h'}, {"color", '1'}, {NULL, 0}};
    struct option_reader options;
    struct ls ls = {.call = call};
    if (!options_start(&options, call, "aAlohtSrdR1Fip", names)) {
        return 2;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        struct {
            char letter;
            bool *flag;
        } flags[] = {{'a', &ls.all},       {'A', &ls.almost_all}, {'l', &ls.details}, {'h', &ls.human},
                     {'t', &ls.by_time},   {'S', &ls.by_size},    {'r', &ls.reverse}, {'d', &ls.itself},
                     {'R', &ls.recursive}, {'F', &ls.marks},      {'i', &ls.inodes}};
        for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
            *flags[i].flag = *flags[i].flag || flags[i].letter == letter;
        }
        ls.no_group = ls.no_group || letter == 'o';
        ls.details = ls.details || letter == 'o';
    }
    if (options.wrong) {
        return 2;
    }
    options_default(&options, ".");
    return list_operands(&ls, &options);
}

/* ---- stat ---- */

static void append_time(struct buffer *out, const struct tree_node *node)
{
    calendar_append(out, (struct wall_time){node->modified_ns}, "%Y-%m-%d %H:%M:%S.%N %z");
}

static void append_stat(struct call *call, const struct tree_node *node, const char *path, char letter)
{
    struct buffer *out = call->out;
    char mode[11];
    switch (letter) {
    case 'n':
        buffer_append_text(out, path);
        break;
    case 'N':
        buffer_printf(out, "'%s'", path);
        break;
    case 's':
        buffer_printf(out, "%lld", (long long)tree_size(node));
        break;
    case 'b':
        buffer_printf(out, "%lld", (long long)(blocks_of(node) / 512));
        break;
    case 'B':
        buffer_append_text(out, "512");
        break;
    case 'a':
        buffer_printf(out, "%o", node->mode);
        break;
    case 'A':
        mode_text(node, mode);
        buffer_append_text(out, mode);
        break;
    case 'F':
        buffer_append_text(out, kind_name(node));
        break;
    case 'X':
    case 'Y':
    case 'Z':
        calendar_append(out, (struct wall_time){node->modified_ns}, "%s");
        break;
    case 'x':
    case 'y':
    case 'z':
        append_time(out, node);
        break;
    case 'u':
    case 'g':
        buffer_append_char(out, '0');
        break;
    case 'U':
    case 'G':
        buffer_append_text(out, "root");
        break;
    case 'i':
        buffer_printf(out, "%llu", (unsigned long long)node->inode);
        break;
    case 'h':
        buffer_printf(out, "%d", link_count(node));
        break;
    default:
        buffer_append_char(out, letter == '%' ? '%' : '?');
    }
}

/* With `escapes` (--printf), \n and \t count and no newline is added. */
static void append_stat_format(struct call *call, const struct tree_node *node, const char *path, const char *format,
                               bool escapes)
{
    for (; *format != '\0'; format++) {
        if (*format == '%' && format[1] != '\0') {
            append_stat(call, node, path, *++format);
        } else if (escapes && *format == '\\' && format[1] != '\0') {
            format++;
            buffer_append_char(call->out, *format == 'n' ? '\n' : *format == 't' ? '\t' : *format);
        } else {
            buffer_append_char(call->out, *format);
        }
    }
    buffer_append_text(call->out, escapes ? "" : "\n");
}

static const char whole_stat[] = "  File: %n\n  Size: %s\t\tBlocks: %b          IO Block: 4096   %F\n"
                                 "Device: 0,53\tInode: %i     Links: %h\n"
                                 "Access: (0%a/%A)  Uid: (    0/    root)   Gid: (    0/    root)\n"
                                 "Access: %x\nModify: %y\nChange: %z\n Birth: %y";

int command_stat(struct call *call)
{
    static const struct long_option names[] = {{"format", 'c'}, {"printf", 'p'}, {"dereference", 'L'}, {NULL, 0}};
    struct option_reader options;
    const char *format = whole_stat;
    bool escapes = false;
    bool follow = false;
    if (!options_start(&options, call, "c:Lp:", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        follow = follow || letter == 'L';
        if (letter != 'L') {
            format = options.value;
            escapes = letter == 'p';
        }
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *node;
        enum tree_error error = call_find(call, options.operands[i], follow, &node);
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot statx ", options.operands[i], error);
            continue;
        }
        append_stat_format(call, node, options.operands[i], format, escapes);
    }
    return status;
}

/* ---- readlink, realpath ---- */

int command_readlink(struct call *call)
{
    struct option_reader options;
    bool canonical = strcmp(call->argv[0], "realpath") == 0;
    int status = 0;
    if (!options_start(&options, call, "fenqsm", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        canonical = canonical || letter == 'f' || letter == 'e' || letter == 'm';
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *node;
        struct span name = span_of("");
        enum tree_error error = call_find(call, options.operands[i], canonical, &node);
        if (canonical && error == TREE_NO_ENTRY) { /* the last part need not exist */
            error = tree_find_parent(call->files, call->shell->cwd, options.operands[i], &node, &name);
        }
        if (error != TREE_OK || (!canonical && node->kind != TREE_SYMLINK)) {
            status = canonical ? call_fail_path(call, "", options.operands[i], error) : 1;
            continue;
        }
        if (canonical) {
            tree_append_path(node, call->out);
            if (name.length > 0) {
                buffer_append_text(call->out, node->parent == NULL ? "" : "/");
                append_span(call->out, name);
            }
        } else {
            buffer_append_text(call->out, buffer_text(&node->content));
        }
        buffer_append_char(call->out, '\n');
    }
    return status;
}
