/*
 * Spool: where an event waits, in the ledger's database and so on disk in the state folder, until the events store has it.
 *
 * An event goes into the spool before it goes anywhere else and leaves it when the events store has answered for it, so neither a dead
 * database nor a killed process loses one; a repetition changes nothing, for its id is its key in both. At most SPOOL_EVENTS_MAX wait
 * (about two megabytes); beyond that new ones are refused, so that the oldest, which tell of machines, are kept.
 */
#ifndef EVENTS_SPOOL_H
#define EVENTS_SPOOL_H

#include "events/record.h"

enum { SPOOL_EVENTS_MAX = 10000 };

/* ERR_OK when it is on disk (or was already); ERR_STORE_REJECTED with 53400 when the spool is full. Returns result->code. */
enum error_code spool_add(struct world *world, const struct event_record *record, struct store_result *result);

enum error_code spool_drop(struct world *world, const char *id, struct store_result *result);
enum error_code spool_count(struct world *world, int64_t *count, struct store_result *result);

/* How far a walk through the spool has come. */
struct spool_place {
    int64_t created_unix_ns;
    char id[EVENT_ID_SIZE];
};

struct spool_place spool_start(void);

enum spool_found { SPOOL_NONE, SPOOL_RECORD, SPOOL_UNREADABLE /* left by another version, and passed */ };

/* The next event behind `place`, oldest first, which moves on to it. SPOOL_NONE at the end, or with a failure in `result`. */
enum spool_found spool_next(struct world *world, struct spool_place *place, struct event_record *record,
                            struct store_result *result);

struct spool_replayed {
    int64_t stored; /* now in the events store */
    int64_t left;   /* cannot be read, or were rejected by it */
};

/* Puts all that waits into the events store. Stops at the first failure that is not one event's own; returns result->code. */
enum error_code spool_replay(struct world *world, struct spool_replayed *replayed, struct store_result *result);

#endif
