/*
 * Bytes that stand for themselves in a JSON string: ASCII but for control characters, the quote and the backslash.
 */
#ifndef BASE_JSON_PLAIN_H
#define BASE_JSON_PLAIN_H

#include <stdbool.h>

extern const bool json_plain_byte[256];

#endif
