/*
 * Statements of the memory store, each a function that carries out one row of the catalogue in world/store.h. Private to
 * sim/store. Its tables are there when one is called.
 */
#ifndef SIM_STORE_MEMORY_STATEMENTS_H
#define SIM_STORE_MEMORY_STATEMENTS_H

#include "sim/store/memory_table.h"

/* A statement under way. */
struct statement_call {
    const struct store_value *values;
    store_row_function *on_row;
    void *context;
    struct store_result *result;
};

typedef enum error_code statement_function(struct memory_store *store, const struct statement_call *call);

/* memory_ledger.c */
statement_function run_intent_add, run_intent_set, run_intents_open;
statement_function run_spool_add, run_spool_list, run_spool_count, run_spool_drop;

/* memory_events.c */
statement_function run_subscribers, run_subscriber_disable, run_event_add, run_events_list;

/* memory_deliveries.c */
statement_function run_delivery_add, run_subscribers_due, run_delivery_next, run_delivery_claim, run_delivery_set;
statement_function run_deliveries_bury, run_deliveries_count, run_deliveries_list;

/* ---- What they share ---------------------------------------------------------------------------------------------------- */

int compare_ints(int64_t a, int64_t b);
int compare_texts(struct span a, struct span b); /* bytewise, as SQLite's and the C locale's order */

struct selection {
    const struct row **rows;
    size_t count;
};

typedef bool row_wanted_function(const struct row *row, const struct statement_call *call);
typedef int row_order_function(const struct row *a, const struct row *b);

row_order_function oldest_first, newest_first; /* events and the spool, by creation, then by event_id */

/*
 * The rows that `wanted` (NULL: all) accepts, in order; `rows` is released by the caller. By insertion: rows come in nearly the
 * order of their times, so a row seldom moves far.
 */
enum error_code select_rows(struct memory_store *store, enum table_name name, row_wanted_function *wanted,
                            row_order_function *order, const struct statement_call *call, struct selection *out);

#endif
