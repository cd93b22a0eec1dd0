/*
 * UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#include "base/buffer.h"

/* Bytes (2 to 4) of the well-formed character that begins at `at`, whose byte is 0x80 or more; 0 when there is none. */
size_t utf8_length(struct span text, size_t at);

/* Copies `text` without control characters (each becomes a blank), cut between characters: fit for a terminal. */
void clean_copy(char *out, size_t size, const char *text);

#endif
