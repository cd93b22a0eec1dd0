#include <assert.h>
#include <string.h>

#include "sim/store/memory_statements.h"

static bool config_is_enabled(const struct row *row, const struct statement_call *call)
{
    (void)call;
    return row->cells[CONFIG_ENABLED].integer == 1;
}

static int by_id(const struct row *a, const struct row *b)
{
    return compare_ints(a->cells[CONFIG_ID].integer, b->cells[CONFIG_ID].integer);
}

enum error_code run_subscribers(struct memory_store *store, const struct statement_call *call)
{
    struct selection enabled;
    if (select_rows(store, WEBHOOK_CONFIGS, config_is_enabled, by_id, call, &enabled) != ERR_OK) {
        return call->result->code;
    }
    for (size_t i = 0; i < enabled.count; i++) {
        call->on_row(call->context, enabled.rows[i]->cells, store_statement_columns(STORE_SUBSCRIBERS));
    }
    heap_release(store->heap, enabled.rows);
    return call->result->code;
}

enum error_code run_subscriber_disable(struct memory_store *store, const struct statement_call *call)
{
    ptrdiff_t index = table_find(store, WEBHOOK_CONFIGS, call->values);
    if (index == NOT_FOUND) {
        return set_done(call->result);
    }
    struct store_value cells[CONFIG_ENABLED + 1];
    memcpy(cells, store->tables[WEBHOOK_CONFIGS].rows[index]->cells, sizeof cells);
    cells[CONFIG_ENABLED] = store_int(0);
    return table_update(store, WEBHOOK_CONFIGS, (size_t)index, cells, call->result);
}

enum error_code run_event_add(struct memory_store *store, const struct statement_call *call)
{
    return table_insert(store, LIFECYCLE_EVENTS, call->values, IGNORE_KNOWN, call->result);
}

static int64_t count_deliveries(const struct memory_store *store, const struct store_value *event_id, const char *state)
{
    const struct table *table = &store->tables[WEBHOOK_DELIVERIES];
    int64_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct store_value *cells = table->rows[i]->cells;
        count += values_equal(&cells[DELIVERY_EVENT], event_id) && span_equals(cells[DELIVERY_STATE].text, state);
    }
    return count;
}

enum error_code run_events_list(struct memory_store *store, const struct statement_call *call)
{
    static const char *const states[] = {"pending", "delivered", "dead"};
    struct selection events;
    if (select_rows(store, LIFECYCLE_EVENTS, NULL, newest_first, call, &events) != ERR_OK) {
        return call->result->code;
    }
    assert(call->values[0].kind == STORE_INT && call->values[0].integer >= 0);
    for (size_t i = 0; i < events.count && (int64_t)i < call->values[0].integer; i++) {
        struct store_value columns[EVENT_PAYLOAD + 1 + ARRAY_LENGTH(states)];
        memcpy(columns, events.rows[i]->cells, (EVENT_PAYLOAD + 1) * sizeof columns[0]);
        for (size_t j = 0; j < ARRAY_LENGTH(states); j++) {
            columns[EVENT_PAYLOAD + 1 + j] = store_int(count_deliveries(store, &columns[EVENT_ID], states[j]));
        }
        call->on_row(call->context, columns, ARRAY_LENGTH(columns));
    }
    heap_release(store->heap, events.rows);
    return call->result->code;
}
