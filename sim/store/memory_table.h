/*
 * Tables of the memory store: rows with a primary key, checks, and the log of pending changes. Private to sim/store.
 *
 * Rows are immutable versions; an update replaces a version and keeps the former one in the log until it is durable.
 */
#ifndef SIM_STORE_MEMORY_TABLE_H
#define SIM_STORE_MEMORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "world/store.h"

enum table_name { INTENTS, EVENT_SPOOL, WEBHOOK_CONFIGS, LIFECYCLE_EVENTS, WEBHOOK_DELIVERIES, TABLE_COUNT };

/*
 * intents             label, run, journey, offer_id, machine_id, price_nusd_per_hour, created_unix_ns, state, instance_id
 * event_spool         event_id, kind, created_unix_ns, payload
 * webhook_configs     id, url, events, secret, enabled
 * lifecycle_events    event_id, kind, created_unix_ns, payload
 * webhook_deliveries  event_id, webhook_id, state, attempts, next_attempt_unix_ns, last_error
 *
 * The places of those that code names:
 */
enum intents_column { INTENT_LABEL, INTENT_CREATED = 6, INTENT_STATE, INTENT_INSTANCE };
enum configs_column { CONFIG_ID, CONFIG_URL, CONFIG_SECRET = 3, CONFIG_ENABLED };
enum events_column { EVENT_ID, EVENT_KIND, EVENT_CREATED, EVENT_PAYLOAD }; /* of the spool, too */
enum deliveries_column {
    DELIVERY_EVENT,
    DELIVERY_WEBHOOK,
    DELIVERY_STATE,
    DELIVERY_ATTEMPTS,
    DELIVERY_NEXT,
    DELIVERY_ERROR,
    DELIVERY_COLUMNS
};

enum { COLUMNS_MAX = 9, NOT_FOUND = -1 };

/* One version of a row: immutable, in one block, the texts of its cells behind them. */
struct row {
    uint64_t key_hash;
    size_t bytes;
    struct store_value cells[];
};

struct table {
    struct row **rows; /* in the order of insertion; NULL where one was deleted since the last sync */
    size_t count;
    size_t capacity;
    bool holes;                        /* some rows are NULL */
    char failure[STORE_SQLSTATE_SIZE]; /* "" or what every statement meets */
};

/* An entry of the log: how to take a pending change back. */
struct change {
    enum table_name table;
    size_t index;
    struct row *before; /* NULL: the row was inserted */
};

struct memory_store {
    struct heap *heap;
    struct table tables[TABLE_COUNT];
    size_t migrated[STORE_DATABASE_COUNT];
    struct change *pending;
    size_t pending_count;
    size_t pending_capacity;
    size_t row_bytes;
};

const char *table_text(enum table_name name);
enum store_database table_database(enum table_name name);

/* The place of the row with this key (the cells of the key's columns), or NOT_FOUND. */
ptrdiff_t table_find(const struct memory_store *store, enum table_name name, const struct store_value *key);

/* Null and CHECK constraints of a whole row. Returns result->code. */
enum error_code table_check(enum table_name name, const struct store_value *cells, struct store_result *result);

enum when_known { REFUSE_KNOWN, IGNORE_KNOWN };

/* Checks and appends a row; a known key is refused or changes nothing. Nothing changes on failure. Returns result->code. */
enum error_code table_insert(struct memory_store *store, enum table_name name, const struct store_value *cells,
                             enum when_known when_known, struct store_result *result);

/* Checks and replaces the row at `index` by one with the same key. Nothing changes on failure. Returns result->code. */
enum error_code table_update(struct memory_store *store, enum table_name name, size_t index,
                             const struct store_value *cells, struct store_result *result);

/* Deletes the row at `index`. Nothing changes on failure. Returns result->code. */
enum error_code table_delete(struct memory_store *store, enum table_name name, size_t index,
                             struct store_result *result);

bool values_equal(const struct store_value *a, const struct store_value *b); /* as in SQL: null equals nothing */

/* Returns all memory of the tables and the log. */
void tables_release(struct memory_store *store);

enum error_code set_done(struct store_result *result);
enum error_code set_out_of_memory(struct store_result *result);

#endif
