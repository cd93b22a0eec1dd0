/*
 * Buffer: bounded text or bytes that are appended to.
 *
 * A buffer either grows on a heap up to `limit`, or fills storage of a fixed size that the caller owns (no allocation, for
 * paths that must work when memory is gone). Failure is sticky: after one append does not fit, `failed` is true, later appends
 * do nothing, and what was there stays. So a chain of appends needs one check, at its end.
 *
 * `data` is always NUL-terminated once something was appended; the NUL is not counted in `length`.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/heap.h"

struct buffer {
    struct heap *heap; /* NULL: fixed storage */
    char *data;
    size_t length;
    size_t capacity;
    size_t limit; /* most bytes that `length` may reach */
    bool failed;
};

/* A part of a text that somebody else owns; not NUL-terminated. */
struct span {
    const char *at;
    size_t length;
};

/* An empty buffer that grows on `heap` to at most `limit` bytes. Allocates nothing yet. Released by buffer_release(). */
void buffer_init(struct buffer *buffer, struct heap *heap, size_t limit);

/* An empty buffer over `size` bytes of the caller's storage (size >= 1), which holds at most size - 1 bytes and the NUL. */
void buffer_init_fixed(struct buffer *buffer, char *storage, size_t size);

/* Returns the memory; the buffer is empty and usable again. A fixed buffer is only emptied. */
void buffer_release(struct buffer *buffer);

/* Length 0 and no failure; memory is kept for the next use. */
void buffer_clear(struct buffer *buffer);

/* What buffer_reserve() does when there is no room yet. */
bool buffer_make_room(struct buffer *buffer, size_t size);

/* Makes room for `size` more bytes. False, and sticky failure, when that is beyond the limit or memory is gone. */
static inline bool buffer_reserve(struct buffer *buffer, size_t size)
{
    bool has_room =
        !buffer->failed && size < buffer->capacity - buffer->length && size <= buffer->limit - buffer->length;
    return has_room || buffer_make_room(buffer, size);
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char character);
void buffer_append_repeated(struct buffer *buffer, const char *text, size_t times);
void buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text so far, "" when empty; owned by the buffer, valid until the next append. */
const char *buffer_text(const struct buffer *buffer);

/* Formats into `out` of `size` bytes, always NUL-terminated, cut at the end if it does not fit. Returns false when cut. */
bool text_format(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
bool text_format_list(char *out, size_t size, const char *format, va_list arguments) PRINTF_LIKE(3, 0);

/* Copies `text` into `out` of `size` bytes, NUL-terminated. Returns false when it was cut. */
bool text_copy(char *out, size_t size, const char *text);

struct span span_of(const char *text);
bool span_equals(struct span span, const char *text);

#endif
