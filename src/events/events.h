/*
 * Events: what happens in a machine's life, told to those who subscribed in the table `webhook_configs`, beside the path.
 *
 * events_emit() never waits: it puts the event into a bounded queue. A courier task stores it and queues a delivery for each
 * subscriber. A store that is missing its tables, or is down, costs the journey nothing: one warning names the cure, and what was
 * not delivered is counted.
 *
 * The recorded client asked that table inside create and destroy, and the table did not exist.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "world/world.h"

/* X(code, name that subscribers know) */
#define LIFECYCLE_EVENT_LIST(X)                                                                                        \
    X(INSTANCE_CREATED, "instance.created")                                                                            \
    X(INSTANCE_STARTED, "instance.started")                                                                            \
    X(INSTANCE_READY, "instance.ready")                                                                                \
    X(INSTANCE_STOPPED, "instance.stopped")                                                                            \
    X(INSTANCE_DESTROYED, "instance.destroyed")                                                                        \
    X(INSTANCE_LEFT, "instance.left")

enum lifecycle_event {
#define LIFECYCLE_EVENT_ENUM(code, name) EVENT_##code,
    LIFECYCLE_EVENT_LIST(LIFECYCLE_EVENT_ENUM)
#undef LIFECYCLE_EVENT_ENUM
        EVENT_COUNT
};

enum { EVENT_ID_SIZE = 33 };

struct events;

/* Starts the courier. NULL when there is no memory: events are then lost, which the caller reports, and the journey goes on. */
MUST_USE struct events *events_open(struct world *world);

/* Queues one event; `events` may be NULL. */
void events_emit(struct events *events, enum lifecycle_event event, int64_t instance_id);

struct events_summary {
    int64_t emitted;
    int64_t undelivered;
};

/* Gives the courier until `deadline_ns` to store what is queued, ends it, and says what became of the events. */
struct events_summary events_close(struct events *events, int64_t deadline_ns);

#endif
