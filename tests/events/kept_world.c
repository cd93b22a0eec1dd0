#include "kept_world.h"

#include <string.h>

#include "testing.h"

struct kept_world kept;

static bool is_poisoned(const struct store_call *call)
{
    const struct store_value *id = call->statement == STORE_EVENT_ADD ? &call->values[0] : NULL;
    return kept.poison != NULL && id != NULL && id->text.length >= strlen(kept.poison) &&
           memcmp(id->text.at, kept.poison, strlen(kept.poison)) == 0;
}

static void keep(void *store, struct store_call *call)
{
    if (is_poisoned(call)) {
        (void)store_result_set(call->result, "22021", "not that one");
        return;
    }
    (void)memory_store_run(store, call->statement, call->values, call->value_count, call->row, call->row_context,
                           call->result);
    memory_store_sync(store);
}

int kept_world_open(void **state)
{
    struct store_result result;
    (void)state;
    kept.heap = heap_new();
    kept.store = memory_store_new(kept.heap);
    kept.poison = NULL;
    assert_non_null(kept.store);
    assert_int_equal(memory_store_migrate(kept.store, STORE_EVENTS, NULL, NULL, &result), ERR_OK);
    scripted_world_open(&kept.scripted);
    kept.scripted.store_with = keep;
    kept.scripted.store_behind = kept.store;
    return 0;
}

int kept_world_close(void **state)
{
    (void)state;
    scripted_world_close(&kept.scripted);
    memory_store_free(kept.store);
    assert_int_equal(heap_live_blocks(kept.heap), 0);
    heap_free(kept.heap);
    return 0;
}

void subscribe(int64_t id, const char *url, const char *secret)
{
    struct store_result result;
    assert_int_equal(memory_store_subscribe(kept.store, id, url, "*", secret, true, &result), ERR_OK);
}

static void note_number(void *context, const struct store_value *columns, size_t count)
{
    assert_true(count >= 1);
    *(int64_t *)context += columns[0].kind == STORE_INT ? columns[0].integer : 1;
}

int64_t count_of(enum store_statement statement, const struct store_value *values, size_t count)
{
    struct store_result result;
    int64_t number = 0;
    assert_int_equal(memory_store_run(kept.store, statement, values, count, note_number, &number, &result), ERR_OK);
    return number;
}

int64_t spooled_events(void)
{
    return count_of(STORE_SPOOL_COUNT, NULL, 0);
}

int64_t stored_events(void)
{
    const struct store_value limit = store_int(1000);
    return count_of(STORE_EVENTS_LIST, &limit, 1);
}
