/*
 * JSON writer: appends JSON to a buffer, commas and quotes included, numbers exact.
 *
 * Each value inside an object is preceded by json_key(). Money and times go through json_decimal(), never through a double.
 * Failure is the buffer's: check buffer->failed once, at the end. Nesting is bounded by JSON_WRITE_DEPTH_MAX (asserted).
 */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum { JSON_WRITE_DEPTH_MAX = 32 };

struct json_writer {
    struct buffer *out;
    int indent; /* spaces a level; 0 writes everything on one line */
    int depth;
    bool started[JSON_WRITE_DEPTH_MAX]; /* by depth: a comma is due */
    bool after_key;
};

void json_writer_init(struct json_writer *writer, struct buffer *out, int indent);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, const char *key);

void json_null(struct json_writer *writer);
void json_bool(struct json_writer *writer, bool value);
void json_int(struct json_writer *writer, int64_t value);

/* `value` counts of 10^-digits, all places that are not zero: json_decimal(w, 168900000, 9) writes 0.1689. */
void json_decimal(struct json_writer *writer, int64_t value, int digits);

/* NULL writes null. Bytes that are no UTF-8 are written as U+FFFD. */
void json_string(struct json_writer *writer, const char *text);
void json_span(struct json_writer *writer, struct span text);

/* A JSON value that was written before, as it stands. */
void json_raw(struct json_writer *writer, struct span value);

/* json_key() and the value, in one call. */
void json_member_null(struct json_writer *writer, const char *key);
void json_member_bool(struct json_writer *writer, const char *key, bool value);
void json_member_int(struct json_writer *writer, const char *key, int64_t value);
void json_member_decimal(struct json_writer *writer, const char *key, int64_t value, int digits);
void json_member_string(struct json_writer *writer, const char *key, const char *text);

/* {"code", "retry_class", "message", "next_step"}, null for ERR_OK. */
void json_member_error(struct json_writer *writer, const char *key, const struct error *error);

#endif
