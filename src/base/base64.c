#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buffer *out, struct span bytes)
{
    for (size_t at = 0; at < bytes.length; at += 3) {
        uint32_t group = 0;
        for (size_t i = at; i < at + 3; i++) {
            group = group << 8 | (i < bytes.length ? (unsigned char)bytes.at[i] : 0);
        }
        for (size_t i = 0; i < 4; i++) {
            bool padding = at + i > bytes.length;
            buffer_append_char(out, padding ? '=' : digits[group >> (18 - 6 * i) & 63]);
        }
    }
}

/* The value of a digit, or -1. */
static int digit_value(char digit)
{
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);
    return found == NULL ? -1 : (int)(found - digits);
}

size_t base64_decode(struct span text, char *out, size_t size)
{
    size_t length = text.length;
    while (length > 0 && text.length - length < 2 && text.at[length - 1] == '=') {
        length--;
    }
    size_t bytes = length * 6 / 8;
    if (text.length % 4 != 0 || bytes > size) {
        return 0;
    }
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        int value = digit_value(text.at[i]);
        if (value < 0) {
            return 0;
        }
        group = group << 6 | (uint32_t)value;
        if (i % 4 != 0) {
            out[i - i / 4 - 1] = (char)(group >> (6 - 2 * (i % 4)) & 255);
        }
    }
    return bytes;
}
