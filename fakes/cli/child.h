/*
 * Child: the command that dumont-fake runs.
 *
 * It has a process group of its own, and while it lives that group has the terminal, if there is one: Ctrl-C reaches the command and
 * not the stage, which stays until the command has cleaned up and ended. Signals that dumont-fake itself is sent are passed on, once
 * each. When dumont-fake dies, the command gets SIGTERM.
 */
#ifndef FAKES_CLI_CHILD_H
#define FAKES_CLI_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/heap.h"

enum { VARIABLES_MAX = 24, VARIABLE_NAME_SIZE = 32 };

/* Variables that a command gets, each value borrowed. */
struct variables {
    struct variable {
        const char *name;
        const char *value;
    } rows[VARIABLES_MAX];
    size_t count;
};

void variables_add(struct variables *variables, const char *name, const char *value);

/* Zero-filled: none was started. */
struct child {
    pid_t pid;
    int terminal; /* -1: there is none, or it is not ours to give */
    int status;   /* once it has ended: its exit status, or 128 + the signal that ended it */
    int last_signal;
    int64_t last_signal_ns;
};

/*
 * Starts argv[0], looked up on PATH, with our environment and `variables` over it.
 * ERR_MISSING_TOOL when it cannot be started (absent, not executable, ...), ERR_NO_MEMORY.
 */
MUST_USE enum error_code child_start(struct heap *heap, char *const argv[], const struct variables *variables,
                                     struct child *child, struct error *error);

/*
 * To be called after SIGCHLD; true when it has ended. A command that was stopped at the terminal stops us as well, and goes on when we
 * do.
 */
bool child_ended(struct child *child);

/* Passes a signal on that we were sent; one that comes twice at a time (`timeout` does that) counts once. */
void child_signal(struct child *child, int signal_number);

#endif
