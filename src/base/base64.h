/*
 * Base64 (RFC 4648, section 4), as page tokens and the credentials of basic authentication are written in.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

void base64_append(struct buffer *out, struct span bytes);

/* Decodes padded text into `out`. Returns how many bytes, 0 when it is empty, malformed or too long for `size`. */
size_t base64_decode(struct span text, char *out, size_t size);

#endif
