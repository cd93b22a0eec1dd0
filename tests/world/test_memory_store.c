#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "sim/store/memory_store.h"

static int set_up(void **state)
{
    *state = heap_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    assert_int_equal(heap_live_blocks(*state), 0);
    heap_free(*state);
    return 0;
}

static enum error_code add_intent(struct memory_store *store, const char *label, struct store_result *result)
{
    const struct store_value values[] = {store_text(label), store_text("run"),  store_text("check"), store_int(1),
                                         store_int(2),      store_int(1000000), store_int(5)};
    return memory_store_run(store, STORE_INTENT_ADD, values, ARRAY_LENGTH(values), NULL, NULL, result);
}

static enum error_code set_intent(struct memory_store *store, const char *label, const char *to,
                                  struct store_result *result)
{
    const struct store_value values[] = {store_text(label), store_text(to), store_int(7)};
    return memory_store_run(store, STORE_INTENT_SET, values, ARRAY_LENGTH(values), NULL, NULL, result);
}

/* Appends "label:state " for an intent. */
static void note_intent(void *context, const struct store_value *columns, size_t count)
{
    struct buffer *out = context;
    assert_int_equal(count, 9);
    buffer_append(out, columns[0].text.at, columns[0].text.length);
    buffer_append_char(out, ':');
    buffer_append(out, columns[7].text.at, columns[7].text.length);
    buffer_append_char(out, ' ');
}

static void expect_intents(struct memory_store *store, const char *expected)
{
    char text[256];
    struct buffer out;
    struct store_result result;
    buffer_init_fixed(&out, text, sizeof text);
    assert_int_equal(memory_store_run(store, STORE_INTENTS_OPEN, NULL, 0, note_intent, &out, &result), ERR_OK);
    assert_string_equal(text, expected);
}

/* Four pending changes over one durable row: two inserts, then an update of each durability. */
static struct memory_store *store_with_changes(struct heap *heap)
{
    struct store_result result;
    struct memory_store *store = memory_store_new(heap);
    assert_non_null(store);
    assert_int_equal(add_intent(store, "a", &result), ERR_OK);
    memory_store_sync(store);
    assert_int_equal(add_intent(store, "b", &result), ERR_OK);
    assert_int_equal(set_intent(store, "a", "created", &result), ERR_OK);
    assert_int_equal(set_intent(store, "b", "destroying", &result), ERR_OK);
    assert_int_equal(set_intent(store, "a", "destroying", &result), ERR_OK);
    return store;
}

/* A crash keeps what is durable and exactly a prefix of what is pending, each length of which some luck gives. */
static void test_a_crash_keeps_a_prefix_of_the_pending_changes(void **state)
{
    static const char *const left[] = {"a:intended ", "a:intended b:intended ", "a:created b:intended ",
                                       "a:created b:destroying ", "a:destroying b:destroying "};
    for (uint64_t luck = 0; luck < 2 * ARRAY_LENGTH(left); luck++) {
        struct memory_store *store = store_with_changes(*state);
        assert_int_equal(memory_store_pending(store), 4);
        expect_intents(store, "a:destroying b:destroying ");
        memory_store_crash(store, luck);
        expect_intents(store, left[luck % ARRAY_LENGTH(left)]);
        assert_int_equal(memory_store_pending(store), 0);
        memory_store_crash(store, 0);
        expect_intents(store, left[luck % ARRAY_LENGTH(left)]);
        memory_store_free(store);
    }
}

/* What was synced is never lost, whatever the luck. */
static void test_a_crash_loses_nothing_that_was_synced(void **state)
{
    for (uint64_t luck = 0; luck < 8; luck++) {
        struct memory_store *store = store_with_changes(*state);
        memory_store_sync(store);
        memory_store_crash(store, luck * UINT64_C(0x9e3779b97f4a7c15));
        expect_intents(store, "a:destroying b:destroying ");
        memory_store_free(store);
    }
}

/* A label whose insertion was lost is free again; one that survived is taken. */
static void test_a_lost_insert_frees_its_key(void **state)
{
    struct store_result result;
    struct memory_store *store = store_with_changes(*state);
    memory_store_crash(store, 0);
    assert_int_equal(add_intent(store, "b", &result), ERR_OK);
    assert_int_equal(add_intent(store, "a", &result), ERR_STORE_REJECTED);
    assert_string_equal(result.sqlstate, "23505");
    memory_store_free(store);
}

static void ignore_row(void *context, const struct store_value *columns, size_t count)
{
    (void)context;
    (void)columns;
    (void)count;
}

/* Before the migration the words are PostgreSQL's, as in the recorded run. */
static void test_a_missing_table_is_named_as_postgresql_does(void **state)
{
    struct store_result result;
    struct memory_store *store = memory_store_new(*state);
    assert_int_equal(memory_store_run(store, STORE_SUBSCRIBERS, NULL, 0, ignore_row, NULL, &result),
                     ERR_STORE_TABLE_MISSING);
    assert_string_equal(result.message, "relation \"webhook_configs\" does not exist");
    assert_int_equal(memory_store_subscribe(store, 1, "u", "*", NULL, true, &result), ERR_STORE_TABLE_MISSING);
    memory_store_free(store);
}

/* A table made to fail fails every statement that touches it, and no other, until it is told to work again. */
static void test_an_injected_failure_meets_its_table_only(void **state)
{
    struct store_result result;
    struct memory_store *store = memory_store_new(*state);
    assert_int_equal(memory_store_migrate(store, STORE_EVENTS, NULL, NULL, &result), ERR_OK);
    assert_false(memory_store_fail_table(store, "no_such_table", "08006"));
    assert_true(memory_store_fail_table(store, "webhook_configs", "08006"));
    assert_int_equal(memory_store_run(store, STORE_SUBSCRIBERS, NULL, 0, ignore_row, NULL, &result),
                     ERR_STORE_UNAVAILABLE);
    assert_string_equal(result.sqlstate, "08006");
    assert_int_equal(add_intent(store, "a", &result), ERR_OK);
    const struct store_value limit = store_int(5);
    assert_int_equal(memory_store_run(store, STORE_EVENTS_LIST, &limit, 1, ignore_row, NULL, &result), ERR_OK);
    assert_true(memory_store_fail_table(store, "webhook_configs", "42P01"));
    assert_int_equal(memory_store_run(store, STORE_SUBSCRIBERS, NULL, 0, ignore_row, NULL, &result),
                     ERR_STORE_TABLE_MISSING);
    assert_string_equal(result.message, "relation \"webhook_configs\" does not exist");
    assert_true(memory_store_fail_table(store, "webhook_configs", NULL));
    assert_int_equal(memory_store_run(store, STORE_SUBSCRIBERS, NULL, 0, ignore_row, NULL, &result), ERR_OK);
    memory_store_free(store);
}

/* The simulated disk is bounded: it fills up with 53100, and what was refused is not there. */
static void test_a_full_disk_refuses_and_stays_whole(void **state)
{
    struct store_result result;
    struct memory_store *store = memory_store_new(*state);
    assert_int_equal(memory_store_migrate(store, STORE_EVENTS, NULL, NULL, &result), ERR_OK);
    struct buffer payload;
    buffer_init(&payload, *state, 9000000);
    buffer_append_repeated(&payload, "0123456789abcdef", 8000000 / 16);
    int64_t stored = 0;
    enum error_code code = ERR_OK;
    while (code == ERR_OK && stored < 100) {
        char id[24];
        text_format(id, sizeof id, "event-%lld", (long long)stored);
        const struct store_value values[] = {store_text(id), store_text("kind"), store_int(stored),
                                             store_text(buffer_text(&payload))};
        code = memory_store_run(store, STORE_EVENT_ADD, values, ARRAY_LENGTH(values), NULL, NULL, &result);
        stored += code == ERR_OK ? 1 : 0;
    }
    assert_string_equal(result.sqlstate, "53100");
    assert_int_equal(stored, 8);
    assert_int_equal(memory_store_pending(store), 8);
    assert_int_equal(add_intent(store, "a", &result), ERR_OK);
    buffer_release(&payload);
    memory_store_free(store);
}

/* Adds until the disk has the row or gives up for another reason than memory; 53200 must have left no trace. */
static bool story(struct heap *heap)
{
    struct store_result result;
    struct memory_store *store = memory_store_new(heap);
    if (store == NULL) {
        return false;
    }
    bool whole = true;
    for (int i = 0; i < 40; i++) {
        char label[16];
        text_format(label, sizeof label, "label-%d", i);
        size_t before = memory_store_pending(store);
        bool added = add_intent(store, label, &result) == ERR_OK;
        assert_true(added || result.code == ERR_NO_MEMORY);
        assert_int_equal(memory_store_pending(store), before + (added ? 1 : 0));
        bool set = set_intent(store, label, "closed", &result) == ERR_OK;
        assert_true(set || result.code == ERR_NO_MEMORY);
        assert_int_equal(memory_store_pending(store), before + (added ? 1 : 0) + (added && set ? 1 : 0));
        whole = whole && added && set;
    }
    enum error_code code = memory_store_run(store, STORE_INTENTS_OPEN, NULL, 0, ignore_row, NULL, &result);
    assert_true(code == ERR_OK || code == ERR_NO_MEMORY);
    memory_store_crash(store, 13);
    memory_store_free(store);
    return whole && code == ERR_OK;
}

/* Whichever allocation fails, once or for ever: the statement says 53200 and changes nothing, and no memory is lost. */
static void test_every_allocation_may_fail(void **state)
{
    struct heap *heap = *state;
    for (int persistent = 0; persistent <= 1; persistent++) {
        uint64_t nth = 1;
        bool whole = false;
        while (!whole) {
            heap_drop(heap);
            heap_fail_at(heap, nth, persistent == 1);
            whole = story(heap);
            assert_int_equal(heap_live_blocks(heap), 0);
            assert_true(whole == (heap_failures_fired(heap) == 0));
            nth++;
        }
        assert_true(nth > 80);
    }
    heap_drop(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_crash_keeps_a_prefix_of_the_pending_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crash_loses_nothing_that_was_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_insert_frees_its_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_table_is_named_as_postgresql_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_injected_failure_meets_its_table_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_refuses_and_stays_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
