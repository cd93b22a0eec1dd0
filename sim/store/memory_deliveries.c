#include <string.h>

#include "sim/store/memory_statements.h"

/* The row of `name` with this key, or NULL. */
static const struct row *find_row(const struct memory_store *store, enum table_name name, const struct store_value *key)
{
    ptrdiff_t index = table_find(store, name, key);
    return index == NOT_FOUND ? NULL : store->tables[name].rows[index];
}

static bool is_pending(const struct row *row)
{
    return span_equals(row->cells[DELIVERY_STATE].text, "pending");
}

static int64_t next_attempt_of(const struct row *row)
{
    return row->cells[DELIVERY_NEXT].kind == STORE_INT ? row->cells[DELIVERY_NEXT].integer : 0;
}

static bool is_wanted_by_subscriber(const struct memory_store *store, const struct row *row)
{
    const struct row *config = find_row(store, WEBHOOK_CONFIGS, &row->cells[DELIVERY_WEBHOOK]);
    return config != NULL && config->cells[CONFIG_ENABLED].integer == 1;
}

enum error_code run_delivery_add(struct memory_store *store, const struct statement_call *call)
{
    const struct store_value cells[] = {call->values[0], call->values[1], store_text("pending"),
                                        store_int(0),    store_null(),    store_null()};
    if (table_check(WEBHOOK_DELIVERIES, cells, call->result) != ERR_OK) {
        return call->result->code;
    }
    if (find_row(store, LIFECYCLE_EVENTS, &cells[DELIVERY_EVENT]) == NULL ||
        find_row(store, WEBHOOK_CONFIGS, &cells[DELIVERY_WEBHOOK]) == NULL) {
        return store_result_set(call->result, "23503",
                                "insert on table \"webhook_deliveries\" violates a foreign key constraint");
    }
    return table_insert(store, WEBHOOK_DELIVERIES, cells, IGNORE_KNOWN, call->result);
}

static bool is_due(const struct row *row, const struct statement_call *call)
{
    return is_pending(row) && next_attempt_of(row) <= call->values[0].integer;
}

static int by_webhook(const struct row *a, const struct row *b)
{
    return compare_ints(a->cells[DELIVERY_WEBHOOK].integer, b->cells[DELIVERY_WEBHOOK].integer);
}

enum error_code run_subscribers_due(struct memory_store *store, const struct statement_call *call)
{
    struct selection due;
    if (select_rows(store, WEBHOOK_DELIVERIES, is_due, by_webhook, call, &due) != ERR_OK) {
        return call->result->code;
    }
    const struct row *told = NULL;
    for (size_t i = 0; i < due.count; i++) {
        const struct row *row = due.rows[i];
        if ((told == NULL || by_webhook(told, row) != 0) && is_wanted_by_subscriber(store, row)) {
            call->on_row(call->context, &row->cells[DELIVERY_WEBHOOK], 1);
            told = row;
        }
    }
    heap_release(store->heap, due.rows);
    return call->result->code;
}

/* The event of the oldest delivery to this subscriber that is due, and that delivery in `found`; NULL when there is none. */
static const struct row *oldest_due(const struct memory_store *store, const struct statement_call *call,
                                    const struct row **found)
{
    const struct table *table = &store->tables[WEBHOOK_DELIVERIES];
    const struct row *oldest = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = table->rows[i];
        bool due = values_equal(&row->cells[DELIVERY_WEBHOOK], &call->values[0]) && is_pending(row) &&
                   next_attempt_of(row) <= call->values[1].integer && is_wanted_by_subscriber(store, row);
        const struct row *event = due ? find_row(store, LIFECYCLE_EVENTS, &row->cells[DELIVERY_EVENT]) : NULL;
        if (event != NULL && (oldest == NULL || oldest_first(event, oldest) < 0)) {
            oldest = event;
            *found = row;
        }
    }
    return oldest;
}

enum error_code run_delivery_next(struct memory_store *store, const struct statement_call *call)
{
    const struct row *delivery = NULL;
    const struct row *event = oldest_due(store, call, &delivery);
    if (event != NULL) {
        const struct row *config = find_row(store, WEBHOOK_CONFIGS, &call->values[0]);
        const struct store_value columns[] = {event->cells[EVENT_ID],      event->cells[EVENT_KIND],
                                              event->cells[EVENT_PAYLOAD], delivery->cells[DELIVERY_ATTEMPTS],
                                              config->cells[CONFIG_URL],   config->cells[CONFIG_SECRET]};
        call->on_row(call->context, columns, ARRAY_LENGTH(columns));
    }
    return set_done(call->result);
}

/* The cells of a pending delivery, to be changed; false when there is none with that key. */
static bool copy_pending(const struct memory_store *store, const struct store_value *key, ptrdiff_t *index,
                         struct store_value cells[DELIVERY_COLUMNS])
{
    *index = table_find(store, WEBHOOK_DELIVERIES, key);
    if (*index == NOT_FOUND || !is_pending(store->tables[WEBHOOK_DELIVERIES].rows[*index])) {
        return false;
    }
    memcpy(cells, store->tables[WEBHOOK_DELIVERIES].rows[*index]->cells, DELIVERY_COLUMNS * sizeof cells[0]);
    return true;
}

enum error_code run_delivery_claim(struct memory_store *store, const struct statement_call *call)
{
    ptrdiff_t index;
    struct store_value cells[DELIVERY_COLUMNS];
    if (!copy_pending(store, call->values, &index, cells) ||
        !values_equal(&cells[DELIVERY_ATTEMPTS], &call->values[2])) {
        return set_done(call->result);
    }
    cells[DELIVERY_ATTEMPTS].integer++;
    cells[DELIVERY_NEXT] = call->values[3];
    if (table_update(store, WEBHOOK_DELIVERIES, (size_t)index, cells, call->result) == ERR_OK) {
        call->on_row(call->context, &cells[DELIVERY_ATTEMPTS], 1);
    }
    return call->result->code;
}

enum error_code run_delivery_set(struct memory_store *store, const struct statement_call *call)
{
    ptrdiff_t index;
    struct store_value cells[DELIVERY_COLUMNS];
    if (!copy_pending(store, call->values, &index, cells)) {
        return set_done(call->result);
    }
    cells[DELIVERY_STATE] = call->values[2];
    cells[DELIVERY_NEXT] = call->values[3];
    cells[DELIVERY_ERROR] = call->values[4];
    return table_update(store, WEBHOOK_DELIVERIES, (size_t)index, cells, call->result);
}

enum error_code run_deliveries_bury(struct memory_store *store, const struct statement_call *call)
{
    const struct table *table = &store->tables[WEBHOOK_DELIVERIES];
    (void)set_done(call->result);
    for (size_t i = 0; i < table->count && call->result->code == ERR_OK; i++) {
        const struct row *row = table->rows[i];
        if (!is_pending(row) || !values_equal(&row->cells[DELIVERY_WEBHOOK], &call->values[0])) {
            continue;
        }
        struct store_value cells[DELIVERY_COLUMNS];
        memcpy(cells, row->cells, sizeof cells);
        cells[DELIVERY_STATE] = store_text("dead");
        cells[DELIVERY_NEXT] = store_null();
        cells[DELIVERY_ERROR] = call->values[1];
        (void)table_update(store, WEBHOOK_DELIVERIES, i, cells, call->result);
    }
    return call->result->code;
}

enum error_code run_deliveries_count(struct memory_store *store, const struct statement_call *call)
{
    const struct table *table = &store->tables[WEBHOOK_DELIVERIES];
    struct store_value columns[] = {store_int(0), store_int(0), store_int(0), store_null()};
    for (size_t i = 0; i < table->count; i++) {
        const struct row *row = table->rows[i];
        bool delivered = span_equals(row->cells[DELIVERY_STATE].text, "delivered");
        columns[is_pending(row) ? 0 : (delivered ? 1 : 2)].integer++;
        if (is_pending(row) && is_wanted_by_subscriber(store, row) &&
            (columns[3].kind == STORE_NULL || next_attempt_of(row) < columns[3].integer)) {
            columns[3] = store_int(next_attempt_of(row));
        }
    }
    call->on_row(call->context, columns, ARRAY_LENGTH(columns));
    return set_done(call->result);
}

enum error_code run_deliveries_list(struct memory_store *store, const struct statement_call *call)
{
    struct selection events;
    struct selection deliveries;
    if (select_rows(store, LIFECYCLE_EVENTS, NULL, newest_first, call, &events) != ERR_OK) {
        return call->result->code;
    }
    if (select_rows(store, WEBHOOK_DELIVERIES, NULL, by_webhook, call, &deliveries) == ERR_OK) {
        for (size_t i = 0; i < events.count && (int64_t)i < call->values[0].integer; i++) {
            for (size_t j = 0; j < deliveries.count; j++) {
                const struct store_value *cells = deliveries.rows[j]->cells;
                if (values_equal(&cells[DELIVERY_EVENT], &events.rows[i]->cells[EVENT_ID])) {
                    call->on_row(call->context, cells, DELIVERY_COLUMNS);
                }
            }
        }
        heap_release(store->heap, deliveries.rows);
    }
    heap_release(store->heap, events.rows);
    return call->result->code;
}
