#include "fakes/bucket/percent.h"

#include <string.h>

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool bucket_percent_decode(struct buffer *out, struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '%') {
            int high = text.length - i > 2 ? hex_value(text.at[i + 1]) : -1;
            int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        buffer_append_char(out, c);
    }
    return !out->failed;
}

static bool is_safe(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || (c != '\0' && strchr("-._~/!$'()*;=:@", c) != NULL);
}

void bucket_percent_append(struct buffer *out, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_safe(text.at[i])) {
            buffer_append_char(out, text.at[i]);
        } else {
            char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            buffer_append(out, escape, sizeof escape);
        }
    }
}
