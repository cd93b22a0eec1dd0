/*
 * Progress: what a run is doing, on standard error, while somebody watches there: one line when a phase begins, one for each new
 * status, one for each warning; for each file that is copied one that is written over. Nothing at all when standard error is no terminal.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "base/history.h"

enum { PROGRESS_STATUS_SIZE = 64 };

struct progress {
    bool shown;
    bool line_open; /* of a transfer: what comes next begins a new line */
    char last_status[PROGRESS_STATUS_SIZE];
};

struct progress progress_begin(bool quiet);

/* A live_noted_function; `context` is the struct progress. */
void progress_note(void *context, const struct history_event *event);

#endif
