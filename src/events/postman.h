/*
 * Postman: a task that makes rounds of delivery (events/delivery.h) in the background of a run.
 *
 * It does nothing until it is called for the first time, which the courier does when the events store has answered; then it makes a
 * round whenever it is called, and when the next attempt of something is due.
 */
#ifndef EVENTS_POSTMAN_H
#define EVENTS_POSTMAN_H

#include "world/world.h"

struct postman;

/* NULL when there is no memory. */
MUST_USE struct postman *postman_open(struct world *world);

/* There may be something to deliver. */
void postman_call(struct postman *postman);

/*
 * Ends it: at `deadline_ns` at the latest, and at once unless what is due may still be delivered to receivers that never failed. NULL is
 * allowed.
 */
void postman_close(struct postman *postman, int64_t deadline_ns);

#endif
