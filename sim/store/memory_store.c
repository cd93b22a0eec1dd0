#include "sim/store/memory_store.h"

#include <assert.h>
#include <string.h>

#include "sim/store/memory_table.h"

/* Bytewise, as SQLite's and the C locale's order. */
static int compare_texts(struct span a, struct span b)
{
    int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* A statement under way. */
struct call {
    const struct store_value *values;
    store_row_function *on_row;
    void *context;
    struct store_result *result;
};

static enum error_code run_intent_add(struct memory_store *store, const struct call *call)
{
    struct store_value cells[COLUMNS_MAX];
    memcpy(cells, call->values, INTENT_STATE * sizeof cells[0]);
    cells[INTENT_STATE] = store_text("intended");
    cells[INTENT_INSTANCE] = store_null();
    return table_insert(store, INTENTS, cells, REFUSE_KNOWN, call->result);
}

static enum error_code run_intent_set(struct memory_store *store, const struct call *call)
{
    ptrdiff_t index = table_find(store, INTENTS, call->values);
    if (index == NOT_FOUND) {
        return set_done(call->result);
    }
    struct store_value cells[COLUMNS_MAX];
    memcpy(cells, store->tables[INTENTS].rows[index]->cells, sizeof cells);
    cells[INTENT_STATE] = call->values[1];
    if (call->values[2].kind != STORE_NULL) {
        cells[INTENT_INSTANCE] = call->values[2];
    }
    return table_update(store, INTENTS, (size_t)index, cells, call->result);
}

static enum error_code run_event_add(struct memory_store *store, const struct call *call)
{
    return table_insert(store, LIFECYCLE_EVENTS, call->values, IGNORE_KNOWN, call->result);
}

static enum error_code run_delivery_add(struct memory_store *store, const struct call *call)
{
    const struct store_value cells[] = {call->values[0], call->values[1], store_text("pending"), store_int(0)};
    if (table_check(WEBHOOK_DELIVERIES, cells, call->result) != ERR_OK) {
        return call->result->code;
    }
    if (table_find(store, LIFECYCLE_EVENTS, &cells[DELIVERY_EVENT]) == NOT_FOUND ||
        table_find(store, WEBHOOK_CONFIGS, &cells[DELIVERY_WEBHOOK]) == NOT_FOUND) {
        return store_result_set(call->result, "23503",
                                "insert on table \"webhook_deliveries\" violates a foreign key constraint");
    }
    return table_insert(store, WEBHOOK_DELIVERIES, cells, IGNORE_KNOWN, call->result);
}

static bool intent_is_open(const struct row *row)
{
    return !span_equals(row->cells[INTENT_STATE].text, "closed");
}

static bool config_is_enabled(const struct row *row)
{
    return row->cells[CONFIG_ENABLED].integer == 1;
}

static bool any_row(const struct row *row)
{
    (void)row;
    return true;
}

static int by_creation(const struct row *a, const struct row *b)
{
    int order = compare_ints(a->cells[INTENT_CREATED].integer, b->cells[INTENT_CREATED].integer);
    return order != 0 ? order : compare_texts(a->cells[INTENT_LABEL].text, b->cells[INTENT_LABEL].text);
}

static int by_id(const struct row *a, const struct row *b)
{
    return compare_ints(a->cells[CONFIG_ID].integer, b->cells[CONFIG_ID].integer);
}

static int by_newest(const struct row *a, const struct row *b)
{
    int order = compare_ints(b->cells[EVENT_CREATED].integer, a->cells[EVENT_CREATED].integer);
    return order != 0 ? order : compare_texts(b->cells[EVENT_ID].text, a->cells[EVENT_ID].text);
}

struct selection {
    const struct row **rows;
    size_t count;
};

/*
 * The rows that `wanted` accepts, in order; released by the caller. By insertion: rows come in nearly the order of their times,
 * so a row seldom moves far.
 */
static enum error_code select_rows(struct memory_store *store, enum table_name name, bool (*wanted)(const struct row *),
                                   int (*order)(const struct row *, const struct row *), struct selection *out,
                                   struct store_result *result)
{
    const struct table *table = &store->tables[name];
    *out = (struct selection){heap_alloc(store->heap, table->count * sizeof(struct row *)), 0};
    if (out->rows == NULL) {
        return set_out_of_memory(result);
    }
    bool newest_first = order == by_newest;
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = table->rows[newest_first ? table->count - 1 - i : i];
        if (!wanted(row)) {
            continue;
        }
        size_t place = out->count++;
        for (; place > 0 && order(out->rows[place - 1], row) > 0; place--) {
            out->rows[place] = out->rows[place - 1];
        }
        out->rows[place] = row;
    }
    return set_done(result);
}

static enum error_code run_intents_open(struct memory_store *store, const struct call *call)
{
    struct selection open;
    if (select_rows(store, INTENTS, intent_is_open, by_creation, &open, call->result) != ERR_OK) {
        return call->result->code;
    }
    for (size_t i = 0; i < open.count; i++) {
        call->on_row(call->context, open.rows[i]->cells, store_statement_columns(STORE_INTENTS_OPEN));
    }
    heap_release(store->heap, open.rows);
    return call->result->code;
}

static enum error_code run_subscribers(struct memory_store *store, const struct call *call)
{
    struct selection enabled;
    if (select_rows(store, WEBHOOK_CONFIGS, config_is_enabled, by_id, &enabled, call->result) != ERR_OK) {
        return call->result->code;
    }
    for (size_t i = 0; i < enabled.count; i++) {
        call->on_row(call->context, enabled.rows[i]->cells, store_statement_columns(STORE_SUBSCRIBERS));
    }
    heap_release(store->heap, enabled.rows);
    return call->result->code;
}

static int64_t pending_deliveries(const struct memory_store *store, const struct store_value *event_id)
{
    const struct table *table = &store->tables[WEBHOOK_DELIVERIES];
    int64_t pending = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct store_value *cells = table->rows[i]->cells;
        pending += values_equal(&cells[DELIVERY_EVENT], event_id) && span_equals(cells[DELIVERY_STATE].text, "pending");
    }
    return pending;
}

static enum error_code run_events_list(struct memory_store *store, const struct call *call)
{
    struct selection events;
    if (select_rows(store, LIFECYCLE_EVENTS, any_row, by_newest, &events, call->result) != ERR_OK) {
        return call->result->code;
    }
    assert(call->values[0].kind == STORE_INT && call->values[0].integer >= 0);
    for (size_t i = 0; i < events.count && (int64_t)i < call->values[0].integer; i++) {
        struct store_value columns[5];
        memcpy(columns, events.rows[i]->cells, (EVENT_PAYLOAD + 1) * sizeof columns[0]);
        columns[4] = store_int(pending_deliveries(store, &columns[EVENT_ID]));
        call->on_row(call->context, columns, ARRAY_LENGTH(columns));
    }
    heap_release(store->heap, events.rows);
    return call->result->code;
}

#define TOUCHES(table) (1U << (table))

static const struct {
    enum error_code (*run)(struct memory_store *store, const struct call *call);
    unsigned tables; /* that the statement touches */
} behaviours[STORE_STATEMENT_COUNT] = {
    [STORE_INTENT_ADD] = {run_intent_add, TOUCHES(INTENTS)},
    [STORE_INTENT_SET] = {run_intent_set, TOUCHES(INTENTS)},
    [STORE_INTENTS_OPEN] = {run_intents_open, TOUCHES(INTENTS)},
    [STORE_SUBSCRIBERS] = {run_subscribers, TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_EVENT_ADD] = {run_event_add, TOUCHES(LIFECYCLE_EVENTS)},
    [STORE_DELIVERY_ADD] = {run_delivery_add,
                            TOUCHES(WEBHOOK_DELIVERIES) | TOUCHES(LIFECYCLE_EVENTS) | TOUCHES(WEBHOOK_CONFIGS)},
    [STORE_EVENTS_LIST] = {run_events_list, TOUCHES(LIFECYCLE_EVENTS) | TOUCHES(WEBHOOK_DELIVERIES)},
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
    const struct call call = {values, on_row, context, result};
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
