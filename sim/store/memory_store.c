#include "sim/store/memory_store.h"

#include <assert.h>
#include <string.h>

#include "sim/store/memory_statements.h"

int compare_texts(struct span a, struct span b)
{
    int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int oldest_first(const struct row *a, const struct row *b)
{
    int order = compare_ints(a->cells[EVENT_CREATED].integer, b->cells[EVENT_CREATED].integer);
    return order != 0 ? order : compare_texts(a->cells[EVENT_ID].text, b->cells[EVENT_ID].text);
}

int newest_first(const struct row *a, const struct row *b)
{
    return oldest_first(b, a);
}

enum error_code select_rows(struct memory_store *store, enum table_name name, row_wanted_function *wanted,
                            row_order_function *order, const struct statement_call *call, struct selection *out)
{
    const struct table *table = &store->tables[name];
    *out = (struct selection){heap_alloc(store->heap, table->count * sizeof(struct row *)), 0};
    if (out->rows == NULL) {
        return set_out_of_memory(call->result);
    }
    bool backwards = order == newest_first;
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = table->rows[backwards ? table->count - 1 - i : i];
        if (row == NULL || (wanted != NULL && !wanted(row, call))) {
            continue;
        }
        size_t place = out->count++;
        for (; place > 0 && order(out->rows[place - 1], row) > 0; place--) {
            out->rows[place] = out->rows[place - 1];
        }
        out->rows[place] = row;
    }
    return set_done(call->result);
}

#define TOUCHES(table) (1U << (table))

/* What most statements of deliveries read. */
#define DELIVERY_TABLES (TOUCHES(WEBHOOK_DELIVERIES) | TOUCHES(LIFECYCLE_EVENTS) | TOUCHES(WEBHOOK_CONFIGS))

static const struct {
    statement_function *run;
    unsigned tables; /* that the statement touches */
} behaviours[STORE_STATEMENT_COUNT] = {
    [STORE_INTENT_ADD] = {run_intent_add, TOUCHES(INTENTS)},
    [STORE_INTENT_SET] = {run_intent_set, TOUCHES(INTENTS)},
    [STORE_INTENTS_OPEN] = {run_intents_open, TOUCHES(INTENTS)},
    [STORE_SPOOL_ADD] = {run_spool_add, TOUCHES(EVENT_SPOOL)},
    [STORE_SPOOL_LIST] = {run_spool_list, TOUCHES(EVENT_SPOOL)},
    [STORE_SPOOL_COUNT] = {run_spool_count, TOUCHES(EVENT_SPOOL)},
    [STORE_SPOOL_DROP] = {run_spool_drop, TOUCHES(EVENT_SPOOL)},
    [STORE_SUBSCRIBERS] = {run_subscribers, TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_SUBSCRIBER_DISABLE] = {run_subscriber_disable, TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_EVENT_ADD] = {run_event_add, TOUCHES(LIFECYCLE_EVENTS)},
    [STORE_EVENTS_LIST] = {run_events_list, TOUCHES(LIFECYCLE_EVENTS) | TOUCHES(WEBHOOK_DELIVERIES)},
    [STORE_DELIVERY_ADD] = {run_delivery_add, DELIVERY_TABLES},
    [STORE_SUBSCRIBERS_DUE] = {run_subscribers_due, TOUCHES(WEBHOOK_DELIVERIES) | TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_DELIVERY_NEXT] = {run_delivery_next, DELIVERY_TABLES},
    [STORE_DELIVERY_CLAIM] = {run_delivery_claim, TOUCHES(WEBHOOK_DELIVERIES)},
    [STORE_DELIVERY_SET] = {run_delivery_set, TOUCHES(WEBHOOK_DELIVERIES)},
    [STORE_DELIVERIES_BURY] = {run_deliveries_bury, TOUCHES(WEBHOOK_DELIVERIES)},
    [STORE_DELIVERIES_COUNT] = {run_deliveries_count, TOUCHES(WEBHOOK_DELIVERIES) | TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_DELIVERIES_LIST] = {run_deliveries_list, TOUCHES(WEBHOOK_DELIVERIES) | TOUCHES(LIFECYCLE_EVENTS)},
};

/* Refuses what touches a table that is missing or made to fail. */
static enum error_code check_tables(const struct memory_store *store, unsigned tables, struct store_result *result)
{
    for (enum table_name name = 0; name < TABLE_COUNT; name++) {
        if ((tables & TOUCHES(name)) == 0) {
            continue;
        }
        const char *failure = store->migrated[table_database(name)] == 0 ? "42P01" : store->tables[name].failure;
        if (failure[0] == '\0') {
            continue;
        }
        char message[sizeof result->message];
        bool missing = strcmp(failure, "42P01") == 0;
        (void)text_format(message, sizeof message,
                          missing ? "relation \"%s\" does not exist" : "relation \"%s\" cannot be used now",
                          table_text(name));
        return store_result_set(result, failure, message);
    }
    return set_done(result);
}

enum error_code memory_store_run(struct memory_store *store, enum store_statement statement,
                                 const struct store_value *values, size_t count, store_row_function *on_row,
                                 void *context, struct store_result *result)
{
    assert(store_statement_parameters(statement) == count);
    if (check_tables(store, behaviours[statement].tables, result) != ERR_OK) {
        return result->code;
    }
    const struct statement_call call = {values, on_row, context, result};
    return behaviours[statement].run(store, &call);
}

enum error_code memory_store_migrate(struct memory_store *store, enum store_database database,
                                     store_migration_function *on_applied, void *context, struct store_result *result)
{
    while (store->migrated[database] < store_migration_count(database)) {
        const char *name = store_migration_name(database, store->migrated[database]++);
        if (on_applied != NULL) {
            on_applied(context, name);
        }
    }
    return set_done(result);
}

enum error_code memory_store_subscribe(struct memory_store *store, int64_t id, const char *url, const char *events,
                                       const char *secret, bool enabled, struct store_result *result)
{
    const struct store_value cells[] = {store_int(id), store_text(url), store_text(events), store_text(secret),
                                        store_int(enabled ? 1 : 0)};
    if (check_tables(store, TOUCHES(WEBHOOK_CONFIGS), result) != ERR_OK) {
        return result->code;
    }
    return table_insert(store, WEBHOOK_CONFIGS, cells, REFUSE_KNOWN, result);
}

struct memory_store *memory_store_new(struct heap *heap)
{
    struct memory_store *store = heap_alloc(heap, sizeof *store);
    if (store != NULL) {
        store->heap = heap;
        store->migrated[STORE_LEDGER] = store_migration_count(STORE_LEDGER);
    }
    return store;
}

void memory_store_free(struct memory_store *store)
{
    if (store == NULL) {
        return;
    }
    tables_release(store);
    heap_release(store->heap, store);
}

bool memory_store_fail_table(struct memory_store *store, const char *table, const char *sqlstate)
{
    for (enum table_name name = 0; name < TABLE_COUNT; name++) {
        if (strcmp(table_text(name), table) == 0) {
            return text_copy(store->tables[name].failure, STORE_SQLSTATE_SIZE, sqlstate == NULL ? "" : sqlstate);
        }
    }
    return false;
}
