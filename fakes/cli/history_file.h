/*
 * History file: writes a history to a file as it grows, and keeps what lies in memory within bounds.
 */
#ifndef FAKES_CLI_HISTORY_FILE_H
#define FAKES_CLI_HISTORY_FILE_H

#include "base/history.h"
#include "reactor/reactor.h"

struct history_file {
    struct reactor *reactor;
    struct history *history;
    const char *path; /* NULL: none is written */
    int descriptor;
    size_t written; /* of what is in memory */
    bool failed;
    struct reactor_timer timer;
};

/* Empties or makes the file; `path` NULL only bounds the memory. ERR_CANNOT_WRITE, ERR_NO_MEMORY. */
MUST_USE enum error_code history_file_open(struct history_file *file, struct reactor *reactor, struct history *history,
                                           const char *path, struct error *error);

/* Writes the rest. ERR_CANNOT_WRITE when any of it could not be written. */
MUST_USE enum error_code history_file_close(struct history_file *file, struct error *error);

#endif
