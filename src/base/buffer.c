#include "base/buffer.h"

#include <stdint.h>
#include <stdio.h> /* vsnprintf alone: formatting, no input or output */
#include <string.h>

enum { SMALLEST_ALLOCATION = 256 };

void buffer_init(struct buffer *buffer, struct heap *heap, size_t limit)
{
    *buffer = (struct buffer){.heap = heap, .limit = limit};
}

void buffer_init_fixed(struct buffer *buffer, char *storage, size_t size)
{
    *buffer = (struct buffer){.data = storage, .capacity = size, .limit = size - 1};
    storage[0] = '\0';
}

void buffer_release(struct buffer *buffer)
{
    if (buffer->heap == NULL) {
        buffer_clear(buffer);
        return;
    }
    heap_release(buffer->heap, buffer->data);
    buffer_init(buffer, buffer->heap, buffer->limit);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

static bool grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity < SMALLEST_ALLOCATION ? SMALLEST_ALLOCATION : buffer->capacity;
    while (capacity < needed) {
        capacity *= 2; /* `needed` is at most half of the address space */
    }
    char *data = heap_resize(buffer->heap, buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    data[buffer->length] = '\0';
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_make_room(struct buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return false;
    }
    bool fits = size <= buffer->limit - buffer->length && size < SIZE_MAX / 2 - buffer->length;
    if (fits && buffer->length + size >= buffer->capacity) {
        fits = buffer->heap != NULL && grow(buffer, buffer->length + size + 1);
    }
    buffer->failed = !fits;
    return fits;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    if (!buffer_reserve(buffer, size)) {
        return;
    }
    if (size > 0) {
        memcpy(buffer->data + buffer->length, bytes, size);
    }
    buffer->length += size;
    buffer->data[buffer->length] = '\0';
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char character)
{
    if (buffer_reserve(buffer, 1)) {
        buffer->data[buffer->length++] = character;
        buffer->data[buffer->length] = '\0';
    }
}

void buffer_append_repeated(struct buffer *buffer, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        buffer_append_text(buffer, text);
    }
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    size_t room = buffer->failed || buffer->data == NULL ? 0 : buffer->capacity - buffer->length;
    char *end = room == 0 ? NULL : buffer->data + buffer->length;
    int size = vsnprintf(end, room, format, arguments); /* mostly fits; else it is done again where it does */
    if (size < 0) {
        buffer->failed = true;
    } else if (buffer_reserve(buffer, (size_t)size)) {
        if ((size_t)size >= room) {
            (void)vsnprintf(buffer->data + buffer->length, (size_t)size + 1, format, again);
        }
        buffer->length += (size_t)size;
    } else if (room > 0) {
        *end = '\0';
    }
    va_end(again);
    va_end(arguments);
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

bool text_format_list(char *out, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(out, size, format, arguments);
    return length >= 0 && (size_t)length < size;
}

bool text_format(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool whole = text_format_list(out, size, format, arguments);
    va_end(arguments);
    return whole;
}

bool text_copy(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    bool whole = length < size;
    size_t kept = whole ? length : size - 1;
    memcpy(out, text, kept);
    out[kept] = '\0';
    return whole;
}

struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

bool span_equals(struct span span, const char *text)
{
    return strlen(text) == span.length && memcmp(span.at, text, span.length) == 0;
}
