/* Commands that change one file: chmod, chown, truncate, fallocate, dd, mktemp, sync. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* ---- chmod ---- */

/* "u+x", "go-rw", "a=r", "+x", several joined by commas. */
static bool apply_symbolic(const char *text, uint32_t *mode, bool is_directory)
{
    while (true) {
        uint32_t who = 0;
        for (; *text != '\0' && strchr("ugoa", *text) != NULL; text++) {
            who |= *text == 'u' ? 0700U : *text == 'g' ? 0070U : *text == 'o' ? 0007U : 0777U;
        }
        who = who == 0 ? 0777U : who;
        char operation = *text;
        if (operation != '+' && operation != '-' && operation != '=') {
            return false;
        }
        uint32_t bits = 0;
        for (text++; *text != '\0' && strchr("rwxX", *text) != NULL; text++) {
            bool executes = *text == 'x' || (*text == 'X' && (is_directory || (*mode & 0111) != 0));
            bits |= *text == 'r' ? 0444U : *text == 'w' ? 0222U : executes ? 0111U : 0U;
        }
        bits &= who;
        *mode = operation == '+' ? *mode | bits : operation == '-' ? *mode & ~bits : (*mode & ~who) | bits;
        if (*text != ',') {
            return *text == '\0';
        }
        text++;
    }
}

static bool apply_mode(const char *text, struct tree_node *node)
{
    uint32_t mode = node->mode;
    bool valid = text[0] >= '0' && text[0] <= '9' ? number_parse_octal(span_of(text), &mode)
                                                  : apply_symbolic(text, &mode, node->kind == TREE_DIRECTORY);
    node->mode = valid ? mode : node->mode;
    return valid;
}

int command_chmod(struct call *call)
{
    bool recursive = false;
    int first = 1;
    while (first < call->argc && (strcmp(call->argv[first], "-R") == 0 || strcmp(call->argv[first], "--") == 0)) {
        recursive = recursive || call->argv[first][1] == 'R';
        first++;
    }
    if (call->argc <= first + 1) {
        return call->argc <= first ? call_usage(call, 1, "missing operand")
                                   : call_usage(call, 1, "missing operand after '%s'", call->argv[first]);
    }
    struct tree_node probe = {.kind = TREE_FILE};
    if (!apply_mode(call->argv[first], &probe)) {
        return call_usage(call, 1, "invalid mode: '%s'", call->argv[first]);
    }
    int status = 0;
    for (int i = first + 1; i < call->argc; i++) {
        struct tree_node *top;
        enum tree_error error = call_find(call, call->argv[i], true, &top);
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot access ", call->argv[i], error);
            continue;
        }
        for (struct tree_node *node = top; node != NULL; node = recursive ? tree_walk(top, node) : NULL) {
            (void)apply_mode(call->argv[first], node);
        }
    }
    return status;
}

/* Everybody is root here: only the file must exist. */
int command_chown(struct call *call)
{
    struct option_reader options;
    int status = 0;
    if (!options_start(&options, call, "Rhv", NULL)) {
        return 1;
    }
    while (options_next(&options) != 0) {
    }
    if (options.wrong || options.operand_count < 2) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    for (int i = 1; i < options.operand_count; i++) {
        struct tree_node *node;
        enum tree_error error = call_find(call, options.operands[i], true, &node);
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot access ", options.operands[i], error);
        }
    }
    return status;
}

/* ---- sizes ---- */

static int resize_files(struct call *call, const struct option_reader *options, const char *size_text, bool reserve)
{
    int64_t size;
    bool relative = size_text[0] == '+' || size_text[0] == '-';
    if (!number_parse_size(span_of(size_text), &size) || (size < 0 && !relative)) {
        if (reserve) {
            call_complain(call, "invalid length value specified\n");
        } else {
            call_complain(call, "Invalid number: '%s'\n", size_text);
        }
        return 1;
    }
    int status = 0;
    for (int i = 0; i < options->operand_count; i++) {
        struct tree_node *file;
        const char *path = options->operands[i];
        int64_t now_ns = call->run->now.unix_ns;
        enum tree_error error = tree_open(call->files, call->shell->cwd, path, now_ns, &file);
        if (error == TREE_OK && file->kind == TREE_FILE) {
            int64_t wanted = relative ? saturating_add(tree_size(file), size) : size;
            bool keeps = reserve && wanted <= tree_size(file);
            wanted = wanted < 0 ? 0 : wanted;
            error = wanted > INT64_MAX / 4 ? TREE_TOO_LARGE
                    : keeps                ? TREE_OK
                                           : tree_resize(call->files, file, wanted, reserve, now_ns);
        }
        if (error != TREE_OK && reserve) {
            call_complain(call, "fallocate failed: %s\n", tree_error_text(error));
            status = 1;
        } else if (error != TREE_OK) {
            status = call_fail_path(call, "cannot open ", path, error);
        }
    }
    return status;
}

static int command_size(struct call *call, const char *letters, char size_letter, bool reserve)
{
    static const struct long_option names[] = {{"size", 's'}, {"length", 'l'}, {NULL, 0}};
    struct option_reader options;
    const char *size = NULL;
    if (!options_start(&options, call, letters, names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        size = letter == size_letter ? options.value : size;
    }
    if (options.wrong) {
        return 1;
    }
    if (size == NULL) {
        return call_usage(
            call, 1, reserve ? "no length argument specified" : "you must specify either '--size' or '--reference'");
    }
    if (options.operand_count == 0) {
        return call_usage(call, 1, reserve ? "no filename specified" : "missing file operand");
    }
    return resize_files(call, &options, size, reserve);
}

int command_truncate(struct call *call)
{
    return command_size(call, "cs:", 's', false);
}

int command_fallocate(struct call *call)
{
    return command_size(call, "l:", 'l', true);
}

/* ---- dd ---- */

struct dd {
    const char *from;
    const char *to;
    int64_t block;
    int64_t count; /* -1: to the end */
    int64_t skip;
    int64_t seek;
    bool keeps; /* conv=notrunc */
    bool silent;
};

static bool read_dd_operand(struct dd *dd, const char *word)
{
    static const char *const names[] = {
        "if=", "of=", "bs=", "count=", "skip=", "seek=", "conv=", "status=", "iflag=", "oflag="};
    const char *value = strchr(word, '=');
    size_t which = 0;
    while (which < ARRAY_LENGTH(names) && strncmp(word, names[which], strlen(names[which])) != 0) {
        which++;
    }
    value = value == NULL ? "" : value + 1;
    int64_t *numbers[] = {&dd->block, &dd->count, &dd->skip, &dd->seek};
    if (which == 0) {
        dd->from = value;
    } else if (which == 1) {
        dd->to = value;
    } else if (which < 6) {
        return number_parse_size(span_of(value), numbers[which - 2]) && *numbers[which - 2] >= (which == 2);
    } else if (which == 6) {
        dd->keeps = strstr(value, "notrunc") != NULL;
    } else if (which == 7) {
        dd->silent = strcmp(value, "none") == 0;
    }
    return which < ARRAY_LENGTH(names);
}

static int write_dd(struct call *call, const struct dd *dd, struct span bytes)
{
    struct tree_node *file;
    int64_t now_ns = call->run->now.unix_ns;
    int64_t offset;
    if (dd->to == NULL) {
        append_span(call->out, bytes);
        return 0;
    }
    enum tree_error error = tree_open(call->files, call->shell->cwd, dd->to, now_ns, &file);
    if (error != TREE_OK) {
        return call_fail_path(call, "failed to open ", dd->to, error);
    }
    if (file->kind == TREE_DEVICE) {
        return file->device == DEVICE_FULL ? call_fail_path(call, "error writing ", dd->to, TREE_NO_SPACE) : 0;
    }
    if (__builtin_mul_overflow(dd->seek, dd->block, &offset)) {
        return call_fail_path(call, "cannot seek ", dd->to, TREE_TOO_LARGE);
    }
    if (!dd->keeps) {
        error = tree_resize(call->files, file, offset, false, now_ns);
    }
    if (error == TREE_OK) {
        error = tree_write(call->files, file, offset, bytes, now_ns);
    }
    return error == TREE_OK ? 0 : call_fail_path(call, "error writing ", dd->to, error);
}

/* Zeros into a file need no memory: they become a hole that takes room on the disk. */
static bool writes_plain_zeros(struct call *call, const struct dd *dd)
{
    struct tree_node *node;
    return dd->from != NULL && dd->to != NULL && dd->seek == 0 && !dd->keeps && dd->count >= 0 &&
           call_find(call, dd->from, true, &node) == TREE_OK && node->kind == TREE_DEVICE &&
           node->device == DEVICE_ZERO;
}

static int write_zeros(struct call *call, const struct dd *dd, int64_t size, int64_t *written)
{
    struct tree_node *file;
    int64_t now_ns = call->run->now.unix_ns;
    enum tree_error error = tree_open(call->files, call->shell->cwd, dd->to, now_ns, &file);
    *written = 0;
    if (error == TREE_OK && file->kind == TREE_DEVICE) {
        *written = size;
        return 0;
    }
    if (error == TREE_OK) {
        error = tree_resize(call->files, file, 0, false, now_ns);
    }
    if (error != TREE_OK) {
        return call_fail_path(call, "failed to open ", dd->to, error);
    }
    int64_t room = tree_free_bytes(call->files) / TREE_BLOCK_BYTES * TREE_BLOCK_BYTES;
    *written = size < room ? size : room;
    error = tree_resize(call->files, file, *written, true, now_ns);
    if (error == TREE_OK && *written < size) {
        error = TREE_NO_SPACE;
    }
    return error == TREE_OK ? 0 : call_fail_path(call, "error writing ", dd->to, error);
}

static void report_dd(struct call *call, const struct dd *dd, int64_t size)
{
    if (!dd->silent) {
        long long whole = (long long)(size / dd->block);
        int partial = size % dd->block != 0;
        buffer_printf(call->err, "%lld+%d records in\n%lld+%d records out\n%lld bytes copied, 0.001 s\n", whole,
                      partial, whole, partial, (long long)size);
    }
}

int command_dd(struct call *call)
{
    struct dd dd = {.block = 512, .count = -1};
    for (int i = 1; i < call->argc; i++) {
        if (!read_dd_operand(&dd, call->argv[i])) {
            return call_usage(call, 1, "unrecognized operand '%s'", call->argv[i]);
        }
    }
    int64_t limit;
    int64_t skipped;
    bool overflows = __builtin_mul_overflow(dd.count < 0 ? INT64_MAX / dd.block : dd.count, dd.block, &limit) ||
                     __builtin_mul_overflow(dd.skip, dd.block, &skipped);
    if (overflows) {
        call_complain(call, "invalid number: Value too large for defined data type\n");
        return 1;
    }
    if (writes_plain_zeros(call, &dd)) {
        int64_t written;
        int status = write_zeros(call, &dd, limit, &written);
        report_dd(call, &dd, written);
        return status;
    }
    struct span bytes;
    const char *from = dd.from == NULL ? "-" : dd.from;
    enum tree_error error = call_read(call, from, saturating_add(limit, skipped), &bytes);
    if (error != TREE_OK) {
        return call_fail_path(call, "failed to open ", from, error);
    }
    size_t start = (uint64_t)skipped < bytes.length ? (size_t)skipped : bytes.length;
    /* A copy, because source and target may be one file. */
    struct buffer *copy = call_scratch(call);
    if (copy == NULL) {
        return 1;
    }
    buffer_append(copy, bytes.at + start, bytes.length - start);
    int status = write_dd(call, &dd, (struct span){buffer_text(copy), copy->length});
    report_dd(call, &dd, (int64_t)copy->length);
    return status;
}

/* ---- mktemp, sync ---- */

int command_mktemp(struct call *call)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct option_reader options;
    bool directory = false;
    const char *folder = "/tmp";
    if (!options_start(&options, call, "dqutp:", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        directory = directory || letter == 'd';
        folder = letter == 'p' ? options.value : folder;
    }
    if (options.wrong) {
        return 1;
    }
    char path[TREE_PATH_LIMIT + 1];
    bool fits = options.operand_count > 0 ? text_copy(path, sizeof path, options.operands[0])
                                          : text_format(path, sizeof path, "%s/tmp.XXXXXXXXXX", folder);
    size_t length = strlen(path);
    size_t marks = 0; /* the X's at its end, which become letters */
    while (marks < length && path[length - 1 - marks] == 'X') {
        marks++;
    }
    if (!fits || marks < 3) {
        call_complain(call, "too few X's in template '%s'\n", path);
        return 1;
    }
    uint64_t bits = host_random_bits(call->host, ++call->host->random_draws);
    for (size_t i = length; i > length - marks; i--) {
        path[i - 1] = letters[bits % (sizeof letters - 1)];
        bits = bits / (sizeof letters - 1) + (bits << 57);
    }
    struct tree_node *made;
    enum tree_error error = tree_make(call->files, call->shell->cwd, path, directory ? TREE_DIRECTORY : TREE_FILE,
                                      directory ? 0700 : 0600, call->run->now.unix_ns, &made);
    if (error != TREE_OK) {
        return call_fail_path(
            call, directory ? "failed to create directory via template " : "failed to create file via template ", path,
            error);
    }
    buffer_printf(call->out, "%s\n", path);
    return 0;
}

int command_sync(struct call *call)
{
    (void)call;
    return 0;
}
