/*
 * Retry: when to ask again, and how long to wait before. One rule for every call.
 *
 * Asked again are the classes SAFE and LATER, a bounded number of times, with pauses that double from `first_pause_ns` to
 * `longest_pause_ns`, with jitter above, never shorter than the server's own wish, never past the deadline.
 */
#ifndef VAST_RETRY_H
#define VAST_RETRY_H

#include "base/error.h"
#include "world/world.h"

struct retry {
    struct world *world;
    const char *operation; /* for the history: "search", "destroy" */
    uint32_t stream;       /* which draws of jitter; one an operation */
    int attempts;          /* most in all */
    int attempt;           /* made so far */
    int64_t pause_ns;
    int64_t longest_pause_ns;
    int64_t deadline_ns;
};

/* The pauses of the recorded client: 3 s doubling to 60 s. `attempts` >= 1 counts the first one. */
struct retry retry_begin(struct world *world, const char *operation, uint32_t stream, int attempts,
                         int64_t deadline_ns);

/*
 * After an attempt that ended with `error`: true when it should be made again, after having slept. False when it is final:
 * another class, no attempts left, no time left (the surrounding shield's included), or interrupted (error->code says which; it is set to ERR_INTERRUPTED then).
 */
MUST_USE bool retry_again(struct retry *retry, struct error *error);

/* Catalogue id of the fault that an error of the API is the sign of, or NULL. */
const char *fault_behind(enum error_code code);

#endif
