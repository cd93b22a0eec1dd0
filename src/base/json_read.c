#include "base/json_read.h"

#include <string.h>

#include "base/json_plain.h"
#include "base/units.h"
#include "base/utf8.h"

void json_reader_init(struct json_reader *reader, const char *text, size_t length)
{
    *reader = (struct json_reader){.text = text, .length = length};
}

static bool fail_at(struct json_reader *reader, size_t at, const char *mistake)
{
    if (reader->mistake == NULL) {
        reader->mistake = mistake;
        reader->mistake_at = at;
    }
    return false;
}

void json_reject(struct json_reader *reader, const char *mistake)
{
    (void)fail_at(reader, reader->value_at, mistake);
}

static void skip_comment(struct json_reader *reader)
{
    size_t start = reader->at;
    bool line = reader->at + 1 < reader->length && reader->text[reader->at + 1] == '/';
    const char *end = line ? "\n" : "*/";
    size_t end_length = strlen(end);
    for (size_t at = reader->at + 2; at + end_length <= reader->length; at++) {
        if (memcmp(reader->text + at, end, end_length) == 0) {
            reader->at = at + end_length;
            return;
        }
    }
    reader->at = reader->length;
    if (!line) {
        (void)fail_at(reader, start, "comment without an end");
    }
}

static bool comment_starts(const struct json_reader *reader)
{
    return reader->comments && reader->at + 1 < reader->length && reader->text[reader->at] == '/' &&
           (reader->text[reader->at + 1] == '/' || reader->text[reader->at + 1] == '*');
}

static void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->length) {
        char c = reader->text[reader->at];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            reader->at++;
        } else if (comment_starts(reader)) {
            skip_comment(reader);
        } else {
            return;
        }
    }
}

/* The next character that is not white space, or '\0' at the end. */
static inline char next_character(struct json_reader *reader)
{
    if (reader->mistake != NULL) {
        return '\0';
    }
    char c = reader->at < reader->length ? reader->text[reader->at] : '\0';
    if (c > ' ' && c != '/') {
        return c; /* most often: neither white space nor the beginning of a comment */
    }
    skip_space(reader);
    return reader->at < reader->length ? reader->text[reader->at] : '\0';
}

/* The kind of a value by its first character; all others are JSON_INVALID. */
static const unsigned char kind_of_first[256] = {
    ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['"'] = JSON_STRING, ['t'] = JSON_BOOL,   ['f'] = JSON_BOOL,
    ['n'] = JSON_NULL,   ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
    ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
    ['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER,
};

enum json_kind json_peek(struct json_reader *reader)
{
    char first = next_character(reader);
    reader->value_at = reader->at;
    return (enum json_kind)kind_of_first[(unsigned char)first];
}

static bool enter(struct json_reader *reader, enum json_kind kind)
{
    if (json_peek(reader) != kind) {
        return false;
    }
    if (reader->depth == JSON_DEPTH_MAX) {
        return fail_at(reader, reader->at, "nested too deeply");
    }
    reader->at++;
    reader->depth++;
    reader->started[reader->depth] = false;
    return true;
}

bool json_enter_object(struct json_reader *reader)
{
    return enter(reader, JSON_OBJECT);
}

bool json_enter_array(struct json_reader *reader)
{
    return enter(reader, JSON_ARRAY);
}

/* Reads the comma that is due, or the closing character; true when another item follows. */
static bool next_item(struct json_reader *reader, char closing)
{
    char c = next_character(reader);
    if (reader->mistake != NULL) {
        return false;
    }
    if (c == closing) {
        reader->at++;
        reader->depth--;
        return false;
    }
    if (reader->started[reader->depth]) {
        if (c != ',') {
            return fail_at(reader, reader->at, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        reader->at++;
        if (next_character(reader) == closing) {
            return fail_at(reader, reader->at, "comma before the end");
        }
    }
    reader->started[reader->depth] = true;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t escape_length(const char *text, size_t length, size_t at)
{
    if (at + 1 >= length) {
        return 0;
    }
    if (text[at + 1] != 'u') {
        return strchr("\"\\/bfnrt", text[at + 1]) != NULL && text[at + 1] != '\0' ? 2 : 0;
    }
    if (at + 6 > length) {
        return 0;
    }
    for (size_t i = 2; i < 6; i++) {
        if (!is_hex(text[at + i])) {
            return 0;
        }
    }
    return 6;
}

/* Reads past one character that is not plain, other than the closing quote. */
static bool read_special(struct json_reader *reader, size_t *at)
{
    unsigned char c = (unsigned char)reader->text[*at];
    if (c < 0x20) {
        return fail_at(reader, *at, "control character in a string");
    }
    bool escape = c == '\\';
    reader->escaped = reader->escaped || escape;
    size_t step = escape ? escape_length(reader->text, reader->length, *at)
                         : utf8_length((struct span){reader->text, reader->length}, *at);
    if (step == 0) {
        return fail_at(reader, *at, escape ? "unknown escape in a string" : "invalid UTF-8");
    }
    *at += step;
    return true;
}

static bool read_string(struct json_reader *reader, struct span *raw)
{
    const char *text = reader->text;
    size_t length = reader->length;
    size_t start = reader->at + 1;
    size_t at = start;
    reader->escaped = false;
    for (;;) {
        at = json_skip_plain(text, length, at);
        if (at >= length) {
            return fail_at(reader, reader->at, "string without an end");
        }
        if (text[at] == '"') {
            *raw = (struct span){text + start, at - start};
            reader->at = at + 1;
            return true;
        }
        if (!read_special(reader, &at)) {
            return false;
        }
    }
}

/* What most members begin with in compact JSON: a comma and a quote, nothing between. */
static bool next_key_is_here(const struct json_reader *reader)
{
    return reader->mistake == NULL && reader->started[reader->depth] && reader->at + 1 < reader->length &&
           reader->text[reader->at] == ',' && reader->text[reader->at + 1] == '"';
}

bool json_next_member(struct json_reader *reader, struct span *key)
{
    if (next_key_is_here(reader)) {
        reader->at++;
    } else if (!next_item(reader, '}')) {
        return false;
    } else if (next_character(reader) != '"') {
        return fail_at(reader, reader->at, "expected a key in quotes");
    }
    reader->value_at = reader->at;
    if (!read_string(reader, key)) {
        return false;
    }
    if (next_character(reader) != ':') {
        return fail_at(reader, reader->at, "expected ':' after a key");
    }
    reader->at++;
    return true;
}

bool json_next_element(struct json_reader *reader)
{
    return next_item(reader, ']');
}

static bool read_literal(struct json_reader *reader, const char *literal, struct span *raw)
{
    size_t size = strlen(literal);
    if (reader->at + size > reader->length || memcmp(reader->text + reader->at, literal, size) != 0) {
        return fail_at(reader, reader->at, "expected a value");
    }
    *raw = (struct span){reader->text + reader->at, size};
    reader->at += size;
    return true;
}

static bool is_number_character(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Reads past digits; false when there is none. */
static bool read_digits(const struct json_reader *reader, size_t *at)
{
    size_t start = *at;
    while (*at < reader->length && reader->text[*at] >= '0' && reader->text[*at] <= '9') {
        (*at)++;
    }
    return *at > start;
}

static bool character_is(const struct json_reader *reader, size_t at, char character)
{
    return at < reader->length && reader->text[at] == character;
}

/* JSON's number grammar, one part after the other; false where it is not kept. */
static bool read_number_parts(const struct json_reader *reader, size_t *at)
{
    *at += character_is(reader, *at, '-') ? 1 : 0;
    size_t whole = *at;
    if (!read_digits(reader, at) || (*at - whole > 1 && reader->text[whole] == '0')) {
        return false;
    }
    if (character_is(reader, *at, '.')) {
        (*at)++;
        if (!read_digits(reader, at)) {
            return false;
        }
    }
    if (character_is(reader, *at, 'e') || character_is(reader, *at, 'E')) {
        (*at)++;
        *at += character_is(reader, *at, '+') || character_is(reader, *at, '-') ? 1 : 0;
        return read_digits(reader, at);
    }
    return true;
}

static bool read_number(struct json_reader *reader, struct span *raw)
{
    size_t start = reader->at;
    size_t at = start;
    if (!read_number_parts(reader, &at) || (at < reader->length && is_number_character(reader->text[at]))) {
        return fail_at(reader, start, "malformed number");
    }
    *raw = (struct span){reader->text + start, at - start};
    reader->at = at;
    return true;
}

/* Reads past an array or object; its inner values are checked on the way. Iterative, so depth costs no stack. */
static bool read_container(struct json_reader *reader, struct span *raw)
{
    size_t start = reader->at;
    int outer = reader->depth;
    bool is_object[JSON_DEPTH_MAX + 1] = {false};
    do {
        enum json_kind kind = json_peek(reader);
        if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
            if (!enter(reader, kind)) {
                return false;
            }
            is_object[reader->depth] = kind == JSON_OBJECT;
        } else {
            struct span ignored;
            if (!json_read_raw(reader, &kind, &ignored)) {
                return false;
            }
        }
        struct span key;
        while (reader->depth > outer &&
               !(is_object[reader->depth] ? json_next_member(reader, &key) : json_next_element(reader))) {
            if (reader->mistake != NULL) {
                return false;
            }
        }
    } while (reader->depth > outer);
    *raw = (struct span){reader->text + start, reader->at - start};
    reader->value_at = start;
    return true;
}

bool json_read_raw(struct json_reader *reader, enum json_kind *kind, struct span *raw)
{
    *kind = json_peek(reader);
    switch (*kind) {
    case JSON_NULL:
        return read_literal(reader, "null", raw);
    case JSON_BOOL:
        return read_literal(reader, reader->text[reader->at] == 't' ? "true" : "false", raw);
    case JSON_NUMBER:
        return read_number(reader, raw);
    case JSON_STRING:
        return read_string(reader, raw);
    case JSON_ARRAY:
    case JSON_OBJECT:
        return read_container(reader, raw);
    case JSON_INVALID:
        break;
    }
    return fail_at(reader, reader->at,
                   reader->at >= reader->length ? "text ends where a value is expected" : "expected a value");
}

void json_skip(struct json_reader *reader)
{
    enum json_kind kind;
    struct span raw;
    (void)json_read_raw(reader, &kind, &raw);
}

bool json_finish(struct json_reader *reader)
{
    if (reader->mistake == NULL && next_character(reader) != '\0') {
        return fail_at(reader, reader->at, "text behind the value");
    }
    if (reader->mistake == NULL && reader->at < reader->length) {
        return fail_at(reader, reader->at, "text behind the value");
    }
    if (reader->mistake == NULL && reader->depth > 0) {
        return fail_at(reader, reader->at, "text ends inside a value");
    }
    return reader->mistake == NULL;
}

static unsigned hex_value(const char *digits)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        unsigned digit = c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        value = value << 4 | digit;
    }
    return value;
}

static size_t encode_utf8(unsigned code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Decodes one \u escape, or a surrogate pair; a lone surrogate becomes U+FFFD. Returns the bytes of `raw` used. */
static size_t decode_unicode_escape(struct span raw, size_t at, unsigned *code)
{
    *code = hex_value(raw.at + at + 2);
    bool high = *code >= 0xD800 && *code <= 0xDBFF;
    if (high && at + 12 <= raw.length && raw.at[at + 6] == '\\' && raw.at[at + 7] == 'u') {
        unsigned low = hex_value(raw.at + at + 8);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
            return 12;
        }
    }
    if (*code >= 0xD800 && *code <= 0xDFFF) {
        *code = 0xFFFD;
    }
    return 6;
}

/* Decodes the character at `at` of a raw string into `out`; returns the bytes of `raw` used. */
static size_t decode_character(struct span raw, size_t at, char out[4], size_t *out_length)
{
    *out_length = 1;
    if (raw.at[at] != '\\') {
        out[0] = raw.at[at];
        return 1;
    }
    if (raw.at[at + 1] == 'u') {
        unsigned code;
        size_t used = decode_unicode_escape(raw, at, &code);
        *out_length = encode_utf8(code, out);
        return used;
    }
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    out[0] = values[strchr(names, raw.at[at + 1]) - names];
    return 2;
}

bool json_string_is(struct span raw, const char *text)
{
    size_t matched = 0;
    size_t length = strlen(text);
    for (size_t at = 0; at < raw.length;) {
        char decoded[4];
        size_t decoded_length;
        at += decode_character(raw, at, decoded, &decoded_length);
        if (matched + decoded_length > length || memcmp(text + matched, decoded, decoded_length) != 0) {
            return false;
        }
        matched += decoded_length;
    }
    return matched == length;
}

/* Where to cut `text` before the byte `next`, so that no half of a character stays. */
static size_t whole_characters(const char *text, size_t length, char next)
{
    char after = next;
    while (length > 0 && ((unsigned char)after & 0xC0) == 0x80) {
        after = text[--length];
    }
    return length;
}

bool json_string_copy(struct span raw, char *out, size_t size)
{
    size_t length = 0;
    for (size_t at = 0; at < raw.length;) {
        char decoded[4];
        size_t decoded_length;
        at += decode_character(raw, at, decoded, &decoded_length);
        if (length + decoded_length >= size || decoded[0] == '\0') {
            out[whole_characters(out, length, decoded[0])] = '\0';
            return false;
        }
        memcpy(out + length, decoded, decoded_length);
        length += decoded_length;
    }
    out[length] = '\0';
    return true;
}

bool json_number_int64(struct span raw, int64_t *out)
{
    return decimal_parse_exact(raw, 0, out);
}

size_t json_line_of(const char *text, size_t length, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at && i < length; i++) {
        line += text[i] == '\n' ? 1 : 0;
    }
    return line;
}
