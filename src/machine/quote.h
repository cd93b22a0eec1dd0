/*
 * Quote: words for a machine's shell, so that they arrive there as they are here.
 */
#ifndef MACHINE_QUOTE_H
#define MACHINE_QUOTE_H

#include "base/buffer.h"

/* Appends `word` in single quotes. */
void quote_append(struct buffer *out, const char *word);

/* Appends `path` quoted; one that begins with a dash gets "./" in front, so that no command takes it for an option. */
void quote_append_path(struct buffer *out, const char *path);

/*
 * Appends a command line of `count` words (at least one). A single one is a line for the shell, as it is; of several, each arrives as a
 * word of its own.
 */
void quote_append_command(struct buffer *out, char *const words[], size_t count);

#endif
