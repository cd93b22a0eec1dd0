/*
 * Events: what happens in a machine's life, told to those who subscribed in the table `webhook_configs`, beside the path.
 *
 * events_emit() never waits: it puts the event into a bounded queue. A courier task puts it into the spool (events/spool.h), which is on
 * this machine's disk, then into the events store with a delivery for each subscriber, and takes it out of the spool. A postman
 * (events/postman.h) makes the deliveries. An events store that lacks its tables, is down, hangs or may only be read costs the journey
 * nothing: one warning names the cure, the store is asked again after a pause (15 s, doubled up to five minutes, which a missing table
 * gets at once), and the events wait in the spool for this run, a later one, or `dumont events deliver`.
 *
 * The recorded client asked that table inside create and destroy, and the table did not exist.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "events/record.h"

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

struct events;

/* Starts the courier. NULL when there is no memory: events are then lost, which the caller reports, and the journey goes on. */
MUST_USE struct events *events_open(struct world *world);

/* Queues one event; `events` may be NULL. */
void events_emit(struct events *events, enum lifecycle_event event, int64_t instance_id);

struct events_summary {
    int64_t emitted;
    int64_t undelivered; /* not in the events store */
    int64_t spooled;     /* of these: in the spool, and so not lost */
};

/*
 * Gives courier and postman until `deadline_ns` for what is queued, less when the store or the receivers are known to fail; spools what is
 * left, ends both, and says what became of the events.
 */
struct events_summary events_close(struct events *events, int64_t deadline_ns);

#endif
