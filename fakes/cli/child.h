/*
 * Child: the command that dumont-fake runs, in its own process group's company, so that Ctrl-C at a terminal reaches both; it dies with
 * SIGTERM when dumont-fake dies.
 */
#ifndef FAKES_CLI_CHILD_H
#define FAKES_CLI_CHILD_H

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

/*
 * Starts argv[0], looked up on PATH, with our environment and `variables` over it.
 * ERR_MISSING_TOOL when it cannot be started (absent, not executable, ...), ERR_NO_MEMORY.
 */
MUST_USE enum error_code child_start(struct heap *heap, char *const argv[], const struct variables *variables,
                                     pid_t *pid, struct error *error);

/* True when it has ended; `status` is its exit status, or 128 + the signal that ended it. Does not wait. */
bool child_ended(pid_t pid, int *status);

#endif
