#include "base/utf8.h"

#include <stdbool.h>

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
