#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

size_t utf8_length(struct span text, size_t at)
{
    const unsigned char *byte = (const unsigned char *)text.at + at;
    size_t size;
    if (byte[0] >= 0xC2 && byte[0] <= 0xDF) {
        size = 2;
    } else if (byte[0] >= 0xE0 && byte[0] <= 0xEF) {
        size = 3;
    } else if (byte[0] >= 0xF0 && byte[0] <= 0xF4) {
        size = 4;
    } else {
        return 0;
    }
    if (at + size > text.length) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xF0 && byte[1] < 0x90);
    bool surrogate = byte[0] == 0xED && byte[1] > 0x9F;
    bool too_large = byte[0] == 0xF4 && byte[1] > 0x8F;
    return overlong || surrogate || too_large ? 0 : size;
}

/* Length of the control character at `at` (C0, DEL, or U+0080 to U+009F in UTF-8), 0 when there is none. */
static size_t control_length(const char *text, size_t at)
{
    unsigned char c = (unsigned char)text[at];
    if (c < 0x20 || c == 0x7F) {
        return 1;
    }
    unsigned char next = c == 0xC2 ? (unsigned char)text[at + 1] : 0;
    return next >= 0x80 && next < 0xA0 ? 2 : 0;
}

void clean_copy(char *out, size_t size, const char *text)
{
    size_t length = 0;
    size_t at = 0;
    while (text[at] != '\0') {
        size_t control = control_length(text, at);
        bool ascii = (unsigned char)text[at] < 0x80;
        size_t many = control > 0 || ascii ? 1 : utf8_length(span_of(text), at);
        control = many == 0 ? 1 : control; /* no UTF-8: a blank too */
        many = many == 0 ? 1 : many;
        if (length + many >= size) {
            break;
        }
        if (control > 0) {
            out[length++] = ' ';
            at += control;
        } else {
            memmove(out + length, text + at, many);
            length += many;
            at += many;
        }
    }
    out[length] = '\0';
}
