/*
 * Retry: when to ask again, and how long to wait before. One rule for every service; each has its own pauses (vast/retry.h, b2/calls.h).
 *
 * Asked again are the classes SAFE and LATER, a bounded number of times, with pauses that double up to the longest one, with up to a
 * quarter of jitter above, never shorter than the server's own wish, never past the deadline.
 */
#ifndef WORLD_RETRY_H
#define WORLD_RETRY_H

#include "base/error.h"
#include "world/world.h"

/* Catalogue id of the fault that an error of a service is the sign of, or NULL. */
typedef const char *fault_behind_function(enum error_code code);

struct retry {
    struct world *world;
    const char *operation; /* for the history: "search", "destroy" */
    fault_behind_function *fault_behind;
    uint32_t stream;  /* which draws of jitter; one an operation */
    int attempts;     /* most in all, >= 1; the first one counts */
    int attempt;      /* made so far */
    int64_t pause_ns; /* before the next; 0: none, and `first_pause_ns` after that */
    int64_t first_pause_ns, longest_pause_ns;
    int64_t deadline_ns;
};

/*
 * After an attempt that ended with `error`: true when it should be made again, after having slept. False when it is final:
 * another class, no attempts left, no time left (the surrounding shield's included), or interrupted (error->code says which; it is set
 * to ERR_INTERRUPTED then).
 */
MUST_USE bool retry_again(struct retry *retry, struct error *error);

#endif
