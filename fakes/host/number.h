/*
 * Numbers as commands read them.
 */
#ifndef FAKES_HOST_NUMBER_H
#define FAKES_HOST_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* A whole decimal number with an optional sign, blanks around it allowed. False: something else, or out of range. */
bool number_parse(struct span text, int64_t *out);

/* A size with a suffix: 12, 4k, 4K, 1M, 2GiB, 1MB (10^6), 512b (blocks). False: something else, or out of range. */
bool number_parse_size(struct span text, int64_t *out);

/* A time as sleep takes it: 5, 0.5, .5, 2m, 1h, 1d, infinity; nanoseconds. False: something else. */
bool number_parse_duration(const char *text, int64_t *out_ns);

/* Octal digits, at most 07777. */
bool number_parse_octal(struct span text, uint32_t *out);

/* Bytes as `df -h` and `du -h` show them: rounded up, one decimal below 10, in powers of 1024: "6.2G", "512", "20G". */
void number_append_human(struct buffer *out, int64_t bytes);

#endif
