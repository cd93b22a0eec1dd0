/*
 * Percent-encoding, as file names and file information travel in B2's URLs and headers.
 */
#ifndef FAKES_BUCKET_PERCENT_H
#define FAKES_BUCKET_PERCENT_H

#include "base/attributes.h"
#include "base/buffer.h"

/* Appends `text` decoded: %XX is a byte and + a space. False at an escape that is none, or when it does not fit. */
MUST_USE bool bucket_percent_decode(struct buffer *out, struct span text);

/* Appends `text` encoded: letters, digits and -._~/!$'()*;=:@ stand for themselves. */
void bucket_percent_append(struct buffer *out, struct span text);

#endif
