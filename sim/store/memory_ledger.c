#include <string.h>

#include "sim/store/memory_statements.h"

enum error_code run_intent_add(struct memory_store *store, const struct statement_call *call)
{
    struct store_value cells[COLUMNS_MAX];
    memcpy(cells, call->values, INTENT_STATE * sizeof cells[0]);
    cells[INTENT_STATE] = store_text("intended");
    cells[INTENT_INSTANCE] = store_null();
    return table_insert(store, INTENTS, cells, REFUSE_KNOWN, call->result);
}

enum error_code run_intent_set(struct memory_store *store, const struct statement_call *call)
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

static bool intent_is_open(const struct row *row, const struct statement_call *call)
{
    (void)call;
    return !span_equals(row->cells[INTENT_STATE].text, "closed");
}

static int by_creation(const struct row *a, const struct row *b)
{
    int order = compare_ints(a->cells[INTENT_CREATED].integer, b->cells[INTENT_CREATED].integer);
    return order != 0 ? order : compare_texts(a->cells[INTENT_LABEL].text, b->cells[INTENT_LABEL].text);
}

enum error_code run_intents_open(struct memory_store *store, const struct statement_call *call)
{
    struct selection open;
    if (select_rows(store, INTENTS, intent_is_open, by_creation, call, &open) != ERR_OK) {
        return call->result->code;
    }
    for (size_t i = 0; i < open.count; i++) {
        call->on_row(call->context, open.rows[i]->cells, store_statement_columns(STORE_INTENTS_OPEN));
    }
    heap_release(store->heap, open.rows);
    return call->result->code;
}

enum error_code run_spool_add(struct memory_store *store, const struct statement_call *call)
{
    return table_insert(store, EVENT_SPOOL, call->values, IGNORE_KNOWN, call->result);
}

static bool lies_behind(const struct row *row, const struct statement_call *call)
{
    int order = compare_ints(row->cells[EVENT_CREATED].integer, call->values[0].integer);
    return order > 0 || (order == 0 && compare_texts(row->cells[EVENT_ID].text, call->values[1].text) > 0);
}

enum error_code run_spool_list(struct memory_store *store, const struct statement_call *call)
{
    struct selection events;
    if (select_rows(store, EVENT_SPOOL, lies_behind, oldest_first, call, &events) != ERR_OK) {
        return call->result->code;
    }
    for (size_t i = 0; i < events.count && (int64_t)i < call->values[2].integer; i++) {
        call->on_row(call->context, events.rows[i]->cells, store_statement_columns(STORE_SPOOL_LIST));
    }
    heap_release(store->heap, events.rows);
    return call->result->code;
}

enum error_code run_spool_count(struct memory_store *store, const struct statement_call *call)
{
    const struct table *table = &store->tables[EVENT_SPOOL];
    int64_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        count += table->rows[i] != NULL ? 1 : 0;
    }
    const struct store_value column = store_int(count);
    call->on_row(call->context, &column, 1);
    return set_done(call->result);
}

enum error_code run_spool_drop(struct memory_store *store, const struct statement_call *call)
{
    ptrdiff_t index = table_find(store, EVENT_SPOOL, call->values);
    return index == NOT_FOUND ? set_done(call->result) : table_delete(store, EVENT_SPOOL, (size_t)index, call->result);
}
