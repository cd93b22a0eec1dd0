/*
 * JSON reader: a strict pull parser that allocates nothing.
 *
 * Why not cJSON here: the client must be able to read a reply when memory is gone, identifiers and money must stay exact
 * integers, and a mistake in a scenario must be reported with its line. The fakes read what clients send with cJSON, so the two
 * ends do not share a parser's mistakes.
 *
 * Use: json_reader_init(), then walk:
 *
 *     if (json_enter_object(&reader)) {
 *         while (json_next_member(&reader, &key)) {
 *             if (json_key_is(&key, "id")) json_read_int64(&reader, &id); else json_skip(&reader);
 *         }
 *     }
 *     json_finish(&reader);
 *
 * After json_next_member() or json_next_element() exactly one value is due: read it, enter it, or skip it. The first mistake
 * stops the reader: every later call returns false, and `mistake` says what and where. All bytes of what is read or skipped are
 * checked against RFC 8259, UTF-8 included; json_finish() also refuses anything behind the value. Depth is bounded by
 * JSON_DEPTH_MAX. With `comments`, // and slash-star comments count as white space.
 *
 * Texts are not copied: the reader borrows them, and spans point into them.
 */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"

enum { JSON_DEPTH_MAX = 64 };

enum json_kind {
    JSON_INVALID,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_reader {
    const char *text;
    size_t length;
    size_t at;
    bool escaped;    /* the string last read holds escapes */
    size_t value_at; /* where the key or value last looked at begins: the place of json_reject() */
    int depth;
    bool comments;
    bool started[JSON_DEPTH_MAX + 1]; /* by depth: a member or element was seen, so a comma is due */
    const char *mistake;              /* NULL while all is well; a static text */
    size_t mistake_at;                /* byte offset */
};

void json_reader_init(struct json_reader *reader, const char *text, size_t length);

/* Kind of the value that is due, by its first character; JSON_INVALID at the end or after a mistake. Reads nothing. */
enum json_kind json_peek(struct json_reader *reader);

/* Steps into the array or object that is due. False, without a mistake and without a step, if another kind is due. */
bool json_enter_object(struct json_reader *reader);
bool json_enter_array(struct json_reader *reader);

/* Next member: its key (raw, between the quotes, escapes kept) is in `key`. False at the end of the object. */
bool json_next_member(struct json_reader *reader, struct span *key);

/* Next element is due. False at the end of the array. */
bool json_next_element(struct json_reader *reader);

/* Reads past the value that is due, whatever it is. */
void json_skip(struct json_reader *reader);

/* Reads past the value that is due and gives its bytes: for a string between the quotes, escapes kept. */
bool json_read_raw(struct json_reader *reader, enum json_kind *kind, struct span *raw);

/* True when a key or raw string, escapes decoded, is `text`. */
bool json_string_is(struct span raw, const char *text);

/* Decodes a raw string into `out`, NUL-terminated. False when it was cut (between two characters), or holds U+0000. */
bool json_string_copy(struct span raw, char *out, size_t size);

/* The number in `raw` as an exact integer. False if it has a fraction other than zeros, or is outside int64_t. */
bool json_number_int64(struct span raw, int64_t *out);

/* Nothing but white space may follow. True when the whole text was read without a mistake. */
MUST_USE bool json_finish(struct json_reader *reader);

/*
 * Stops the reader with a mistake of the caller's finding, at the key or value last looked at. `mistake` must live as long as
 * the reader.
 */
void json_reject(struct json_reader *reader, const char *mistake);

/* Line (from 1) of a byte offset in the text. */
size_t json_line_of(const char *text, size_t length, size_t at);

#endif
