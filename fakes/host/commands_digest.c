/* md5sum, sha1sum, sha256sum with -c; base64. */
#include <string.h>

#include "base/digest.h"
#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* What a digest of a file costs of the run's work: it is fast, keeps nothing, and files may be large. */
enum { WORK_SHARE = 256 };

/* ---- digests ---- */

struct checker {
    struct call *call;
    enum digest_kind kind;
    bool quiet;
    bool silent;
    uint64_t well_formed;
    uint64_t malformed;
    uint64_t unreadable;
    uint64_t different;
};

static enum tree_error digest_path(struct call *call, enum digest_kind kind, const char *path,
                                   char hex[DIGEST_HEX_SIZE])
{
    struct tree_node *file;
    if (strcmp(path, "-") != 0 && call_find(call, path, true, &file) == TREE_OK && file->kind == TREE_FILE) {
        static const char zeros[4096] = {0};
        struct digest digest;
        digest_start(&digest, call->host->heap, kind);
        digest_add(&digest, buffer_text(&file->content), file->content.length);
        bool goes_on = run_work(call->run, (size_t)(tree_size(file) / WORK_SHARE));
        for (int64_t left = file->hole_bytes; goes_on && left > 0; left -= (int64_t)sizeof zeros) {
            digest_add(&digest, zeros, left < (int64_t)sizeof zeros ? (size_t)left : sizeof zeros);
        }
        return digest_finish(&digest, hex) && goes_on ? TREE_OK : TREE_NO_MEMORY;
    }
    struct span text;
    enum tree_error error = call_read(call, path, INT64_MAX, &text);
    if (error == TREE_OK && !digest_of(call->host->heap, kind, text.at, text.length, hex)) {
        error = TREE_NO_MEMORY;
    }
    return error;
}

/* A name with a newline or a backslash is escaped, and the line then begins with a backslash. */
static bool needs_escape(const char *name)
{
    return strpbrk(name, "\\\n\r") != NULL;
}

static void append_name(struct buffer *out, const char *name)
{
    for (; *name != '\0'; name++) {
        const char *escaped = *name == '\n' ? "\\n" : *name == '\\' ? "\\\\" : *name == '\r' ? "\\r" : NULL;
        if (escaped != NULL) {
            buffer_append_text(out, escaped);
        } else {
            buffer_append_char(out, *name);
        }
    }
}

static int print_digest(struct call *call, enum digest_kind kind, const char *path)
{
    char hex[DIGEST_HEX_SIZE];
    enum tree_error error = digest_path(call, kind, path, hex);
    if (error != TREE_OK) {
        return call_fail_path(call, "", path, error);
    }
    buffer_printf(call->out, "%s%s  ", needs_escape(path) ? "\\" : "", hex);
    append_name(call->out, path);
    buffer_append_char(call->out, '\n');
    return 0;
}

static void unescape_name(char *name)
{
    char *to = name;
    for (const char *from = name; *from != '\0'; from++) {
        char c = *from;
        if (c == '\\' && from[1] != '\0') {
            c = *++from;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
        }
        *to++ = c;
    }
    *to = '\0';
}

/* Takes a line "hex  name" apart; the name unescaped in the arena. */
static bool parse_line(struct checker *checker, struct span line, struct span *hex, char **name)
{
    bool escaped = line.length > 0 && line.at[0] == '\\';
    line.at += escaped;
    line.length -= escaped;
    size_t digits = digest_hex_length(checker->kind);
    if (line.length < digits + 3 || line.at[digits] != ' ' || strchr(" *", line.at[digits + 1]) == NULL) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (line.at[i] == '\0' || strchr("0123456789abcdefABCDEF", line.at[i]) == NULL) {
            return false;
        }
    }
    *hex = (struct span){line.at, digits};
    *name = arena_text(&checker->call->run->arena, (struct span){line.at + digits + 2, line.length - digits - 2});
    if (escaped && *name != NULL) {
        unescape_name(*name);
    }
    return *name != NULL;
}

static bool same_digits(struct span hex, const char *other)
{
    for (size_t i = 0; i < hex.length; i++) {
        char c = hex.at[i] >= 'A' && hex.at[i] <= 'F' ? (char)(hex.at[i] - 'A' + 'a') : hex.at[i];
        if (c != other[i]) {
            return false;
        }
    }
    return true;
}

static void check_line(struct checker *checker, struct span line)
{
    struct call *call = checker->call;
    struct span expected;
    char *name;
    if (!parse_line(checker, line, &expected, &name)) {
        checker->malformed++;
        return;
    }
    checker->well_formed++;
    char hex[DIGEST_HEX_SIZE];
    enum tree_error error = digest_path(call, checker->kind, name, hex);
    const char *verdict = "OK";
    if (error != TREE_OK) {
        (void)call_fail_path(call, "", name, error);
        verdict = "FAILED open or read";
        checker->unreadable++;
    } else if (!same_digits(expected, hex)) {
        verdict = "FAILED";
        checker->different++;
    }
    if (!checker->silent && (verdict[0] != 'O' || !checker->quiet)) {
        buffer_append_text(call->out, needs_escape(name) ? "\\" : "");
        append_name(call->out, name);
        buffer_printf(call->out, ": %s\n", verdict);
    }
}

static void warn(struct checker *checker, uint64_t count, const char *one, const char *many)
{
    if (count > 0 && !checker->silent) {
        call_complain(checker->call, "WARNING: %llu %s\n", (unsigned long long)count, count == 1 ? one : many);
    }
}

static int check_file(struct checker *checker, const char *path)
{
    struct span text;
    struct span line;
    checker->well_formed = checker->malformed = checker->unreadable = checker->different = 0;
    enum tree_error error = call_read(checker->call, path, INT64_MAX, &text);
    if (error != TREE_OK) {
        return call_fail_path(checker->call, "", path, error);
    }
    while (take_line(&text, &line, NULL) && !run_is_dead(checker->call->run)) {
        check_line(checker, line);
    }
    if (checker->well_formed == 0) {
        call_complain(checker->call, "%s: no properly formatted checksum lines found\n",
                      strcmp(path, "-") == 0 ? "'standard input'" : path);
        return 1;
    }
    warn(checker, checker->malformed, "line is improperly formatted", "lines are improperly formatted");
    warn(checker, checker->unreadable, "listed file could not be read", "listed files could not be read");
    warn(checker, checker->different, "computed checksum did NOT match", "computed checksums did NOT match");
    return checker->unreadable + checker->different > 0;
}

static int command_digest(struct call *call, enum digest_kind kind)
{
    static const struct long_option names[] = {
        {"check", 'c'}, {"quiet", 'q'}, {"status", 's'}, {"binary", 'b'}, {NULL, 0}};
    struct option_reader options;
    struct checker checker = {.call = call, .kind = kind};
    bool checks = false;
    if (!options_start(&options, call, "cbtw", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        checks = checks || letter == 'c';
        checker.quiet = checker.quiet || letter == 'q';
        checker.silent = checker.silent || letter == 's';
    }
    if (options.wrong) {
        return 1;
    }
    options_default(&options, "-");
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        int one = checks ? check_file(&checker, options.operands[i]) : print_digest(call, kind, options.operands[i]);
        status = one != 0 ? 1 : status;
    }
    return status;
}

int command_md5sum(struct call *call)
{
    return command_digest(call, DIGEST_MD5);
}

int command_sha1sum(struct call *call)
{
    return command_digest(call, DIGEST_SHA1);
}

int command_sha256sum(struct call *call)
{
    return command_digest(call, DIGEST_SHA256);
}

/* ---- base64 ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(struct buffer *out, struct span text, size_t line_length)
{
    size_t column = 0;
    for (size_t i = 0; i < text.length; i += 3) {
        size_t left = text.length - i;
        uint32_t bits = (uint32_t)(unsigned char)text.at[i] << 16;
        bits |= left > 1 ? (uint32_t)(unsigned char)text.at[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)(unsigned char)text.at[i + 2] : 0;
        for (size_t digit = 0; digit < 4; digit++) {
            buffer_append_char(out, digit > left ? '=' : base64_digits[bits >> (18 - 6 * digit) & 63]);
            if (++column == line_length) {
                buffer_append_char(out, '\n');
                column = 0;
            }
        }
    }
    if (column > 0 && line_length > 0) {
        buffer_append_char(out, '\n');
    }
}

static bool decode(struct buffer *out, struct span text)
{
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        const char *digit = c == '\0' ? NULL : strchr(base64_digits, c);
        if (c == '\n' || c == '=') {
            continue;
        }
        if (digit == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buffer_append_char(out, (char)(bits >> count & 0xff));
        }
    }
    return true;
}

int command_base64(struct call *call)
{
    static const struct long_option names[] = {{"decode", 'd'}, {"wrap", 'w'}, {NULL, 0}};
    struct option_reader options;
    bool decodes = false;
    int64_t line_length = 76;
    if (!options_start(&options, call, "diw:", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        decodes = decodes || letter == 'd';
        if (letter == 'w' && (!number_parse(span_of(options.value), &line_length) || line_length < 0)) {
            call_complain(call, "invalid wrap size: '%s'\n", options.value);
            return 1;
        }
    }
    if (options.wrong) {
        return 1;
    }
    const char *path = options.operand_count == 0 ? "-" : options.operands[0];
    struct span text;
    enum tree_error error = call_read(call, path, INT64_MAX, &text);
    if (error != TREE_OK) {
        return call_fail_path(call, "", path, error);
    }
    if (!decodes) {
        encode(call->out, text, (size_t)line_length);
        return 0;
    }
    if (!decode(call->out, text)) {
        call_complain(call, "invalid input\n");
        return 1;
    }
    return 0;
}
