/*
 * PostgreSQL store: carries out the events statements of world/store.h on a PostgreSQL server, beside the loop.
 *
 * Nothing here waits. Statements are carried out one after the other, in the order of their start, over one connection
 * (world/live/postgres_link.h), which the first of them makes; a statement that cannot be carried out is done with the reason. Start
 * and abandon may be called from a task: all that libpq does happens on the loop's stack.
 *
 * A statement that is given up while it is under way takes its connection with it; whether it was carried out, nobody knows. All
 * statements of the catalogue may be repeated without harm.
 *
 * SQLSTATEs are the server's; 08001: no connection, 08006: it broke, 53200: no memory.
 */
#ifndef WORLD_LIVE_POSTGRES_STORE_H
#define WORLD_LIVE_POSTGRES_STORE_H

#include "base/units.h"
#include "world/live/postgres_link.h"
#include "world/world.h"

struct postgres_store;

/*
 * A store for `url` (postgresql://… or postgres://…), which is copied. Connects to nothing yet. ERR_USAGE: no such form of URL, in words
 * that repeat nothing of it. ERR_NO_MEMORY. `heap` is the world's own; heap and reactor are borrowed.
 */
MUST_USE enum error_code postgres_store_open(struct heap *heap, struct reactor *reactor, const char *url,
                                             struct postgres_store **out, struct error *error);

/* NULL is allowed. What is under way is given up: its completions are never finished. */
void postgres_store_close(struct postgres_store *store);

/* Starts an events statement: `call->result` and `call->done` tell its end. Uses `call->pending`, NULL once it is done. */
void postgres_store_start(struct postgres_store *store, struct store_call *call);

/* Nobody waits any more; `call` is not touched again. Harmless when it is done. */
void postgres_store_abandon(struct postgres_store *store, struct store_call *call);

/* An application of migrations under way. Zero-filled at first; must not move. */
struct postgres_migration {
    struct completion done;
    struct wall_time now;
    store_migration_function *on_applied; /* after each commit; may be NULL */
    void *context;
    struct store_result result;
    /* the store's own */
    struct postgres_store *store;
    size_t index;
    int step;
    bool known;
    struct store_value values[2];
};

/*
 * Applies the migrations of the events database that it lacks, in order, each in a transaction of its own under an advisory lock,
 * so that several processes may do so at a time. Only while no statement is under way, and on the loop's stack. After a failure the
 * earlier ones stand and the call can be repeated.
 */
void postgres_store_migrate(struct postgres_store *store, struct postgres_migration *migration);

#endif
