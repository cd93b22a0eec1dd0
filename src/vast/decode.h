/*
 * Decode: what the decoders share. Private to src/vast.
 */
#ifndef VAST_DECODE_H
#define VAST_DECODE_H

#include "vast/codec.h"

/*
 * Reads a success's whole document, which must be an object; shape mistakes become ERR_REPLY_UNEXPECTED. `success` is the member of
 * `out` of that name: when it is false, the reply is a failure after all.
 */
MUST_USE enum error_code decode_object(struct span body, const struct json_field *fields, size_t count, void *out,
                                       const struct maybe_bool *success, const char *what, struct error *error);

#endif
