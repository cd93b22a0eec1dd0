/*
 * Delivery: tells subscribers of the events that wait for them in the events store, at least once each.
 *
 * A delivery is a row of webhook_deliveries: pending, delivered or dead. An attempt is claimed before it is made, so that of several
 * programs one makes it, and a claim that nobody settled (a killed program) runs out after a minute. What fails for the moment is tried
 * again after a pause: ten seconds, doubled each time up to an hour, of which a random part of up to a half is taken off. After
 * DELIVERY_ATTEMPTS_MAX attempts, or at an answer that will not change, it is dead. A receiver that answers 410 is told nothing more:
 * its subscription is disabled, and all that waits for it is dead. One that answers 429 or 503 with Retry-After is left alone for as
 * long as it wishes, up to an hour, if that is longer.
 *
 * On a rehearsal only receivers on this machine are called.
 *
 * A receiver that fails rests until that delivery's next attempt, so a dead one is asked once, not once for each event.
 */
#ifndef EVENTS_DELIVERY_H
#define EVENTS_DELIVERY_H

#include "events/webhook.h"

enum { DELIVERY_ATTEMPTS_MAX = 10, DELIVERY_WORKERS_MAX = 4 };

/* A receiver that failed, and until when it is left alone. */
struct delivery_rest {
    int64_t webhook_id;
    int64_t until_ns; /* monotonic */
};

/* What a program remembers between its rounds. Zero-filled at first. */
struct delivery_memory {
    struct delivery_rest rests[EVENT_SUBSCRIBERS_MAX];
    size_t rest_count;
    bool warned_of_elsewhere; /* that a receiver is not on this machine, and this is a rehearsal */
};

struct delivery_round {
    int64_t limit; /* attempts still allowed; INT64_MAX: as many as are due */
    bool in_haste; /* leaves out every receiver that ever failed */
    int64_t delivered;
    int64_t postponed; /* attempts that failed and will be repeated */
    int64_t died;
};

/*
 * One round: attempts what is due, several receivers at a time, each receiver's events in the order of their creation. Returns when
 * nothing is due any more that is not left alone; when cancelled, at once. Returns result->code: the first failure of the store.
 */
enum error_code delivery_run(struct world *world, struct delivery_memory *memory, struct delivery_round *round,
                             struct store_result *result);

struct delivery_counts {
    int64_t pending;
    int64_t delivered;
    int64_t dead;
    int64_t next_unix_ns; /* of the pending ones, INT64_MAX when none will be tried */
};

/* When the first receiver that rests now has rested; TIME_NEVER_NS when none does. */
int64_t delivery_rested_ns(struct world *world, const struct delivery_memory *memory);

enum error_code delivery_count(struct world *world, struct delivery_counts *counts, struct store_result *result);

/* The pause after attempt `attempt` (from 1); `random` decides how much of it is taken off. */
int64_t delivery_pause_ns(int64_t attempt, uint64_t random);

#endif
