/*
 * Bytes that stand for themselves in a JSON string: ASCII but for control characters, the quote and the backslash.
 */
#ifndef BASE_JSON_PLAIN_H
#define BASE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern const bool json_plain_byte[256];

#define JSON_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * The first byte from `at` on that is not plain, or the text's length. Eight bytes at a time: the lowest bit set in `special` marks
 * the first byte that is a control character, a quote, a backslash or beyond ASCII ("haszero", Mycroft 1987).
 */
static inline size_t json_skip_plain(const char *text, size_t length, size_t at)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (at + sizeof(uint64_t) <= length) {
        uint64_t word;
        memcpy(&word, text + at, sizeof word);
        uint64_t quote = word ^ JSON_EACH_BYTE('"');
        uint64_t backslash = word ^ JSON_EACH_BYTE('\\');
        uint64_t special = (word - JSON_EACH_BYTE(0x20)) & ~word;
        special |= (quote - JSON_EACH_BYTE(1)) & ~quote;
        special |= (backslash - JSON_EACH_BYTE(1)) & ~backslash;
        special = (special | word) & JSON_EACH_BYTE(0x80);
        if (special != 0) {
            return at + (size_t)__builtin_ctzll(special) / 8;
        }
        at += sizeof word;
    }
#endif
    while (at < length && json_plain_byte[(unsigned char)text[at]]) {
        at++;
    }
    return at;
}

#endif
