/* What commands share: messages, options, files. */
#include <string.h>

#include "fakes/host/command.h"

/* ---- messages ---- */

void call_complain(struct call *call, const char *format, ...)
{
    char text[SHELL_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    if (!text_format_list(text, sizeof text, format, arguments)) {
        text[sizeof text - 2] = '\n';
    }
    va_end(arguments);
    buffer_printf(call->err, "%s: %s", call->argv[0], text);
}

int call_usage(struct call *call, int status, const char *format, ...)
{
    char text[SHELL_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_printf(call->err, "%s: %s\nTry '%s --help' for more information.\n", call->argv[0], text, call->argv[0]);
    return status;
}

int call_fail_path(struct call *call, const char *prefix, const char *path, enum tree_error error)
{
    if (error == TREE_NO_MEMORY) {
        call->run->killed = true;
    }
    const char *quote = prefix[0] == '\0' ? "" : "'";
    buffer_printf(call->err, "%s: %s%s%s%s: %s\n", call->argv[0], prefix, quote, path, quote, tree_error_text(error));
    return 1;
}

/* ---- options ---- */

bool options_start(struct option_reader *reader, struct call *call, const char *letters,
                   const struct long_option *long_options)
{
    *reader = (struct option_reader){.call = call, .letters = letters, .long_options = long_options, .index = 1};
    reader->operands = arena_alloc(&call->run->arena, ((size_t)call->argc + 1) * sizeof *reader->operands);
    return reader->operands != NULL;
}

static char wrong_option(struct option_reader *reader, const char *format, const char *name)
{
    struct call *call = reader->call;
    reader->wrong = true;
    buffer_printf(call->err, "%s: ", call->argv[0]);
    buffer_append_text(call->err, format);
    buffer_printf(call->err, "%s\nTry '%s --help' for more information.\n", name, call->argv[0]);
    return 0;
}

/* The letter's place in `letters`, or NULL. */
static const char *find_letter(const struct option_reader *reader, char letter)
{
    return letter == ':' || letter == '+' || letter == '\0' ? NULL : strchr(reader->letters, letter);
}

static char read_long(struct option_reader *reader, const char *text)
{
    size_t length = strcspn(text, "=");
    for (const struct long_option *at = reader->long_options; at != NULL && at->name != NULL; at++) {
        if (!span_equals((struct span){text, length}, at->name)) {
            continue;
        }
        const char *letter = find_letter(reader, at->letter);
        bool takes_value = letter != NULL && letter[1] == ':';
        reader->value = text[length] == '=' ? text + length + 1 : NULL;
        if (takes_value && reader->value == NULL && reader->index < reader->call->argc) {
            reader->value = reader->call->argv[reader->index++];
        }
        if (takes_value && reader->value == NULL) {
            return wrong_option(reader, "option requires an argument -- ", at->name);
        }
        return at->letter;
    }
    return wrong_option(reader, "unrecognized option ", text - 2);
}

static char read_short(struct option_reader *reader)
{
    char name[4] = {'\'', *reader->cluster++, '\'', '\0'};
    const char *letter = find_letter(reader, name[1]);
    if (letter == NULL) {
        return wrong_option(reader, "invalid option -- ", name);
    }
    if (letter[1] != ':') {
        return name[1];
    }
    reader->value = reader->cluster;
    if (*reader->cluster == '\0') {
        reader->value = reader->index < reader->call->argc ? reader->call->argv[reader->index++] : NULL;
    }
    reader->cluster = NULL;
    return reader->value == NULL ? wrong_option(reader, "option requires an argument -- ", name) : name[1];
}

char options_next(struct option_reader *reader)
{
    struct call *call = reader->call;
    if (reader->wrong) {
        return 0;
    }
    if (reader->cluster != NULL && *reader->cluster != '\0') {
        return read_short(reader);
    }
    reader->cluster = NULL;
    while (reader->index < call->argc) {
        char *word = call->argv[reader->index++];
        bool is_option = word[0] == '-' && word[1] != '\0';
        if (is_option && word[1] == '-' && word[2] != '\0') {
            return read_long(reader, word + 2);
        }
        if (is_option && word[1] != '-') {
            reader->cluster = word + 1;
            return read_short(reader);
        }
        bool rest = is_option || reader->letters[0] == '+';
        if (!is_option) {
            reader->operands[reader->operand_count++] = word;
        }
        while (rest && reader->index < call->argc) {
            reader->operands[reader->operand_count++] = call->argv[reader->index++];
        }
    }
    return 0;
}

void options_default(struct option_reader *reader, const char *operand)
{
    if (reader->operand_count == 0) {
        reader->operands[reader->operand_count++] = operand;
    }
}

/* ---- files ---- */

enum tree_error call_find(struct call *call, const char *path, bool follow, struct tree_node **out)
{
    return tree_find(call->files, call->shell->cwd, path, follow, out);
}

struct buffer *call_scratch(struct call *call)
{
    struct stream *stream = run_open_stream(call->run, STREAM_DISCARD);
    return stream == NULL ? NULL : &stream->own;
}

static enum tree_error finish_scratch(struct call *call, const struct buffer *scratch, struct span *out)
{
    if (scratch->failed) {
        return TREE_NO_MEMORY;
    }
    *out = (struct span){buffer_text(scratch), scratch->length};
    return run_work(call->run, scratch->length) ? TREE_OK : TREE_NO_MEMORY;
}

/* Bytes of /dev/zero and /dev/urandom, which have no end of their own. */
static enum tree_error read_endless(struct call *call, bool random, int64_t limit, struct span *out)
{
    struct buffer *scratch = call_scratch(call);
    if (scratch == NULL || limit > SHELL_PIPE_LIMIT || !run_work(call->run, (size_t)limit) ||
        !buffer_reserve(scratch, (size_t)limit)) {
        return TREE_NO_MEMORY;
    }
    memset(scratch->data, 0, (size_t)limit + 1);
    scratch->length = (size_t)limit;
    uint64_t bits = 0;
    for (size_t i = 0; random && i < scratch->length; i++) {
        bits = i % 8 == 0 ? host_random_bits(call->host, ++call->host->random_draws) : bits >> 8;
        scratch->data[i] = (char)(bits & 0xff);
    }
    return finish_scratch(call, scratch, out);
}

enum tree_error call_read_input(struct call *call, int64_t limit, struct span *out)
{
    struct stream *in = call->in;
    if (in->kind == STREAM_ZEROS || in->kind == STREAM_RANDOM) {
        return read_endless(call, in->kind == STREAM_RANDOM, limit, out);
    }
    size_t taken = (uint64_t)limit < in->text.length ? (size_t)limit : in->text.length;
    *out = (struct span){in->text.at, taken};
    if (taken > 0) { /* an empty stream may have no text to move in */
        in->text.at += taken;
        in->text.length -= taken;
    }
    return run_work(call->run, taken) ? TREE_OK : TREE_NO_MEMORY;
}

static enum tree_error read_device(struct call *call, enum tree_device device, int64_t limit, struct span *out)
{
    switch (device) {
    case DEVICE_ZERO:
    case DEVICE_FULL:
        return read_endless(call, false, limit, out);
    case DEVICE_RANDOM:
        return read_endless(call, true, limit, out);
    case DEVICE_STDIN:
        return call_read_input(call, limit, out);
    default:
        *out = span_of("");
        return TREE_OK;
    }
}

enum tree_error call_read(struct call *call, const char *path, int64_t limit, struct span *out)
{
    *out = span_of("");
    if (strcmp(path, "-") == 0) {
        return call_read_input(call, limit, out);
    }
    struct tree_node *file;
    enum tree_error error = call_find(call, path, true, &file);
    if (error != TREE_OK) {
        return error;
    }
    if (file->kind == TREE_DIRECTORY) {
        return TREE_IS_DIRECTORY;
    }
    if (file->kind == TREE_DEVICE) {
        return read_device(call, file->device, limit, out);
    }
    if (file->hole_bytes == 0) {
        size_t length = (uint64_t)limit < file->content.length ? (size_t)limit : file->content.length;
        *out = (struct span){buffer_text(&file->content), length};
        return run_work(call->run, length) ? TREE_OK : TREE_NO_MEMORY;
    }
    struct buffer *scratch = call_scratch(call);
    if (scratch == NULL) {
        return TREE_NO_MEMORY;
    }
    tree_read(file, 0, limit, scratch);
    return finish_scratch(call, scratch, out);
}

enum tree_error call_write(struct call *call, const char *path, struct span bytes)
{
    struct tree_node *file;
    int64_t now_ns = call->run->now.unix_ns;
    enum tree_error error = tree_open(call->files, call->shell->cwd, path, now_ns, &file);
    if (error != TREE_OK || file->kind == TREE_DEVICE) {
        return error != TREE_OK || file->device != DEVICE_FULL ? error : TREE_NO_SPACE;
    }
    error = tree_resize(call->files, file, 0, false, now_ns);
    return error == TREE_OK ? tree_write(call->files, file, 0, bytes, now_ns) : error;
}

/* ---- text ---- */

bool take_line(struct span *rest, struct span *line, bool *had_newline)
{
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->at, '\n', rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->at);
    *line = (struct span){rest->at, length};
    size_t taken = end == NULL ? length : length + 1;
    rest->at += taken;
    rest->length -= taken;
    if (had_newline != NULL) {
        *had_newline = end != NULL;
    }
    return true;
}

void append_span(struct buffer *out, struct span text)
{
    buffer_append(out, text.at, text.length);
}

void append_padded(struct buffer *out, struct span text, int width)
{
    size_t columns = width < 0 ? (size_t)-width : (size_t)width;
    size_t missing = columns > text.length ? columns - text.length : 0;
    if (width > 0) {
        buffer_append_repeated(out, " ", missing);
    }
    append_span(out, text);
    if (width < 0) {
        buffer_append_repeated(out, " ", missing);
    }
}

int call_program(struct call *call, int first, const char *missing)
{
    struct shell *shell = call->shell;
    const char *name = call->argv[first];
    const struct command *command = command_find(call->host, name);
    bool is_path = strchr(name, '/') != NULL;
    if (!is_path && (command == NULL || command->kind == COMMAND_BUILTIN)) {
        call_complain(call, "%s'%s': No such file or directory\n", missing, name);
        return 127;
    }
    struct shell inner = shell_copy(shell);
    inner.functions = NULL;
    return shell_run_words(&inner, call->argc - first, call->argv + first);
}
