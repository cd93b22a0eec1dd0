#include "base/utf8.h"
#include "fakes/verdict/write.h"

/* The code point of the well-formed character of `length` bytes. */
static uint32_t code_point(const char *at, size_t length)
{
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)at[0] & first_bits[length];
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | ((unsigned char)at[i] & 0x3F);
    }
    return code;
}

/* Controls, what reorders the text around it, and what is no character for ever. */
static bool is_unfit(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool reorders = (code >= 0x200E && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) ||
                    (code >= 0x2066 && code <= 0x2069) || code == 0x061C;
    bool separates = code == 0x2028 || code == 0x2029;
    bool no_character = (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
    return control || reorders || separates || no_character;
}

static const char *escaped(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void markup_text(struct buffer *out, struct span text)
{
    size_t at = 0;
    while (at < text.length) {
        bool ascii = (unsigned char)text.at[at] < 0x80;
        size_t length = ascii ? 1 : utf8_length(text, at);
        const char *escape = escaped(text.at[at]);
        if (length == 0 || is_unfit(code_point(text.at + at, length))) {
            buffer_append_text(out, "\xEF\xBF\xBD");
        } else if (escape != NULL) {
            buffer_append_text(out, escape);
        } else {
            buffer_append(out, text.at + at, length);
        }
        at += length == 0 ? 1 : length;
    }
}
