#include "base/json_write.h"

#include <assert.h>
#include <string.h>

#include "base/json_plain.h"
#include "base/units.h"
#include "base/utf8.h"

void json_writer_init(struct json_writer *writer, struct buffer *out, int indent)
{
    *writer = (struct json_writer){.out = out, .indent = indent};
}

static void new_line(struct json_writer *writer)
{
    if (writer->indent > 0) {
        buffer_append_char(writer->out, '\n');
        buffer_append_repeated(writer->out, " ", (size_t)writer->indent * (size_t)writer->depth);
    }
}

static void before_value(struct json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    if (writer->started[writer->depth]) {
        buffer_append_char(writer->out, ',');
    }
    if (writer->depth > 0) {
        new_line(writer);
    }
    writer->started[writer->depth] = true;
}

static void begin(struct json_writer *writer, char opening)
{
    before_value(writer);
    buffer_append_char(writer->out, opening);
    assert(writer->depth + 1 < JSON_WRITE_DEPTH_MAX);
    writer->depth++;
    writer->started[writer->depth] = false;
}

static void end(struct json_writer *writer, char closing)
{
    bool empty = !writer->started[writer->depth];
    assert(writer->depth > 0);
    writer->depth--;
    if (!empty) {
        new_line(writer);
    }
    buffer_append_char(writer->out, closing);
}

void json_begin_object(struct json_writer *writer)
{
    begin(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
    end(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
    begin(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
    end(writer, ']');
}

static void append_escaped(struct buffer *out, unsigned char c)
{
    switch (c) {
    case '"':
        buffer_append_text(out, "\\\"");
        break;
    case '\\':
        buffer_append_text(out, "\\\\");
        break;
    case '\n':
        buffer_append_text(out, "\\n");
        break;
    case '\r':
        buffer_append_text(out, "\\r");
        break;
    case '\t':
        buffer_append_text(out, "\\t");
        break;
    default:
        buffer_printf(out, "\\u%04x", c);
        break;
    }
}

/* How many bytes from `at` on stand for themselves in a JSON string. */
static size_t plain_length(struct span text, size_t at)
{
    size_t start = at;
    for (;;) {
        at = json_skip_plain(text.at, text.length, at);
        size_t size = at < text.length && (unsigned char)text.at[at] >= 0x80 ? utf8_length(text, at) : 0;
        if (size == 0) {
            return at - start;
        }
        at += size;
    }
}

static void append_quoted(struct buffer *out, struct span text)
{
    size_t at = plain_length(text, 0);
    buffer_append_char(out, '"');
    buffer_append(out, text.at, at);
    while (at < text.length) {
        if ((unsigned char)text.at[at] >= 0x80) {
            buffer_append_text(out, "\xEF\xBF\xBD");
        } else {
            append_escaped(out, (unsigned char)text.at[at]);
        }
        size_t plain = plain_length(text, ++at);
        buffer_append(out, text.at + at, plain);
        at += plain;
    }
    buffer_append_char(out, '"');
}

/* The comma that is due, a text in quotes, and the colon behind a key: one step where nothing needs escaping. */
static void append_compact(struct json_writer *writer, struct span text, bool is_key)
{
    struct buffer *out = writer->out;
    bool comma = !writer->after_key && writer->started[writer->depth];
    writer->after_key = false;
    writer->started[writer->depth] = true;
    if (!buffer_reserve(out, text.length + 2 + (comma ? 1 : 0) + (is_key ? 1 : 0))) {
        return;
    }
    char *end = out->data + out->length;
    if (comma) {
        *end++ = ',';
    }
    *end++ = '"';
    memcpy(end, text.at, text.length);
    end += text.length;
    *end++ = '"';
    if (is_key) {
        *end++ = ':';
    }
    *end = '\0';
    out->length = (size_t)(end - out->data);
}

static bool is_compact(const struct json_writer *writer, struct span text)
{
    return writer->indent == 0 && text.length > 0 && plain_length(text, 0) == text.length;
}

void json_key(struct json_writer *writer, const char *key)
{
    struct span text = span_of(key);
    if (is_compact(writer, text)) {
        append_compact(writer, text, true);
    } else {
        before_value(writer);
        append_quoted(writer->out, text);
        buffer_append_char(writer->out, ':');
        if (writer->indent > 0) {
            buffer_append_char(writer->out, ' ');
        }
    }
    writer->after_key = true;
}

void json_raw(struct json_writer *writer, struct span value)
{
    before_value(writer);
    buffer_append(writer->out, value.at, value.length);
}

void json_null(struct json_writer *writer)
{
    json_raw(writer, span_of("null"));
}

void json_bool(struct json_writer *writer, bool value)
{
    json_raw(writer, span_of(value ? "true" : "false"));
}

void json_int(struct json_writer *writer, int64_t value)
{
    json_decimal(writer, value, 0);
}

void json_decimal(struct json_writer *writer, int64_t value, int digits)
{
    before_value(writer);
    decimal_append(writer->out, value, digits, 0);
}

void json_span(struct json_writer *writer, struct span text)
{
    if (is_compact(writer, text)) {
        append_compact(writer, text, false);
    } else {
        before_value(writer);
        append_quoted(writer->out, text);
    }
}

void json_string(struct json_writer *writer, const char *text)
{
    if (text == NULL) {
        json_null(writer);
    } else {
        json_span(writer, span_of(text));
    }
}

void json_member_null(struct json_writer *writer, const char *key)
{
    json_key(writer, key);
    json_null(writer);
}

void json_member_bool(struct json_writer *writer, const char *key, bool value)
{
    json_key(writer, key);
    json_bool(writer, value);
}

void json_member_int(struct json_writer *writer, const char *key, int64_t value)
{
    json_key(writer, key);
    json_int(writer, value);
}

void json_member_decimal(struct json_writer *writer, const char *key, int64_t value, int digits)
{
    json_key(writer, key);
    json_decimal(writer, value, digits);
}

void json_member_string(struct json_writer *writer, const char *key, const char *text)
{
    json_key(writer, key);
    json_string(writer, text);
}

void json_member_error(struct json_writer *writer, const char *key, const struct error *error)
{
    json_key(writer, key);
    if (error->code == ERR_OK) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_string(writer, "code", error_name(error->code));
    json_member_string(writer, "retry_class", retry_class_name(error_retry_class(error->code)));
    json_member_string(writer, "message", error->message);
    json_member_string(writer, "next_step", error->next_step);
    json_end_object(writer);
}
