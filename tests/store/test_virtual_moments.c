/* Uploads and downloads in virtual time, killed, interrupted and robbed of memory at every moment there is. */
#include "virtual_store.h"

enum { PART = 40 * 1024, LARGE = 3 * PART + 11, SMALL = 20000 };

static char large[LARGE];
static char small[SMALL];
static const char before[] = "what was there";

/* A store with the source on this machine, and with `stored` under "name" in it. */
static void begin_on(struct virtual_store *store, bool stored, bool machine_survives)
{
    virtual_store_open(store, PART, machine_survives);
    make_file(store, "large", large, sizeof large);
    make_file(store, "small", small, sizeof small);
    make_file(store, "target", before, sizeof before);
    if (stored) {
        store_must(store, "put", "large", "name");
    }
}

static void begin(struct virtual_store *store, bool stored)
{
    begin_on(store, stored, false);
}

static uint64_t steps_of(bool stored, const char *verb, const char *first, const char *second)
{
    struct virtual_store store;
    begin(&store, stored);
    uint64_t until = virtual_world_steps(store.world);
    store_must(&store, verb, first, second);
    uint64_t steps = virtual_world_steps(store.world) - until;
    virtual_store_close(&store);
    assert_true(steps > 8);
    return steps;
}

/* The name holds all of it, and nothing else costs anything. */
static void assert_stored(struct virtual_store *store, const char *bytes, size_t size)
{
    assert_true(stored_is(store, "name", bytes, size));
    assert_int_equal(totals_of(store).unfinished, 0);
    store_must(store, "get", "name", "check");
    assert_true(file_is(store, "check", bytes, size));
}

static void test_a_run_is_the_same_again(void **state)
{
    struct virtual_store one;
    struct virtual_store other;
    (void)state;
    begin(&one, true);
    begin(&other, true);
    store_must(&one, "get", "name", "target");
    store_must(&other, "get", "name", "target");
    assert_true(one.history.text.length > 1000);
    assert_int_equal(one.history.text.length, other.history.text.length);
    assert_memory_equal(buffer_text(&one.history.text), buffer_text(&other.history.text), one.history.text.length);
    virtual_store_close(&one);
    virtual_store_close(&other);
}

static void test_bytes_take_their_time(void **state)
{
    struct virtual_store store;
    (void)state;
    begin(&store, false);
    int64_t begun_ns = virtual_world_now_ns(store.world);
    store_must(&store, "put", "small", "name");
    int64_t took_ns = virtual_world_now_ns(store.world) - begun_ns;
    int64_t least_ns =
        INT64_C(4) * CALL_MS * NS_PER_MS + SMALL * (NS_PER_S / BYTES_PER_S); /* authorize, buckets, URL, upload */
    assert_true(took_ns >= least_ns);
    assert_true(took_ns < least_ns + NS_PER_MS);
    virtual_store_close(&store);
}

static void test_an_upload_killed_at_any_step_is_gone_on_with(void **state)
{
    (void)state;
    uint64_t steps = steps_of(false, "put", "large", "name");
    int64_t resumed = 0;
    for (uint64_t step = 1; step <= steps; step++) {
        struct virtual_store store;
        begin(&store, false);
        assert_int_equal(store_live(&store, step, "put", "large", "name"), RUN_KILLED);
        store_must(&store, "ls", "", "");
        assert_true(store.listed == 0 || stored_is(&store, "name", large, sizeof large));
        store_must(&store, "put", "large", "name");
        resumed += store.put.parts_resumed;
        assert_stored(&store, large, sizeof large);
        virtual_store_close(&store);
    }
    assert_true(resumed > 0);
}

static void test_what_a_killed_upload_left_is_swept(void **state)
{
    (void)state;
    uint64_t steps = steps_of(false, "put", "large", "name");
    int64_t swept = 0;
    for (uint64_t step = 1; step <= steps; step += 3) {
        struct virtual_store store;
        begin(&store, false);
        assert_int_equal(store_live(&store, step, "put", "large", "name"), RUN_KILLED);
        store_must(&store, "sweep", "", "");
        swept += store.sweep.cancelled;
        assert_int_equal(totals_of(&store).unfinished, 0);
        virtual_store_close(&store);
    }
    assert_true(swept > 0);
}

static void test_a_small_upload_killed_at_any_step_is_absent_or_whole(void **state)
{
    (void)state;
    uint64_t steps = steps_of(false, "put", "small", "name");
    int absent = 0;
    for (uint64_t step = 1; step <= steps; step++) {
        struct virtual_store store;
        begin(&store, false);
        assert_int_equal(store_live(&store, step, "put", "small", "name"), RUN_KILLED);
        store_must(&store, "ls", "", "");
        absent += store.listed == 0 ? 1 : 0;
        assert_true(store.listed == 0 || stored_is(&store, "name", small, sizeof small));
        store_must(&store, "put", "small", "name");
        assert_stored(&store, small, sizeof small);
        virtual_store_close(&store);
    }
    assert_in_range(absent, 1, steps - 1);
}

/* Whether any of the downloads could be gone on with. */
static bool kill_downloads(bool machine_survives)
{
    uint64_t steps = steps_of(true, "get", "name", "target");
    bool resumed = false;
    for (uint64_t step = 1; step <= steps; step++) {
        struct virtual_store store;
        begin_on(&store, true, machine_survives);
        uint64_t until = virtual_world_steps(store.world);
        assert_int_equal(store_live(&store, until + step, "get", "name", "target"), RUN_KILLED);
        bool old = file_is(&store, "target", before, sizeof before);
        assert_true(old || file_is(&store, "target", large, sizeof large));
        store_must(&store, "get", "name", "target");
        assert_true(file_is(&store, "target", large, sizeof large));
        assert_true(store.got.verified);
        resumed = resumed || (old && store.got.bytes_fetched < LARGE);
        struct disk *disk = virtual_world_disk(store.world);
        assert_false(disk_has(disk, "target.dumont-part"));
        assert_false(disk_has(disk, "target.dumont-part.ranges"));
        virtual_store_close(&store);
    }
    return resumed;
}

static void test_a_download_killed_at_any_step_leaves_the_old_or_the_new(void **state)
{
    (void)state;
    (void)kill_downloads(false);
    assert_true(kill_downloads(true));
}

/* A signal at any step: named, nothing of the client left in memory, and the same command completes it. */
static void interrupt_at_each_step(bool stored, const char *verb, const char *first, const char *second)
{
    uint64_t steps = steps_of(stored, verb, first, second);
    for (uint64_t step = 1; step <= steps; step++) {
        struct virtual_store store;
        begin(&store, stored);
        virtual_world_interrupt_at_step(store.world, virtual_world_steps(store.world) + step, EXIT_INTERRUPTED);
        enum error_code code = store_do(&store, verb, first, second);
        assert_true(code == ERR_INTERRUPTED || code == ERR_OK);
        virtual_world_interrupt_at_step(store.world, 0, EXIT_INTERRUPTED);
        bool removed = strcmp(verb, "rm") == 0 && stored_size(&store, "name") < 0;
        if (!removed) {
            store_must(&store, verb, first, second);
        }
        virtual_store_close(&store);
    }
}

static void test_a_signal_at_any_step_is_named_and_nothing_is_lost(void **state)
{
    (void)state;
    interrupt_at_each_step(false, "put", "large", "name");
    interrupt_at_each_step(true, "get", "name", "target");
    interrupt_at_each_step(true, "rm", "name", "");
    interrupt_at_each_step(true, "usage", "", "");
}

/* Every allocation fails once, or it and all later ones, until a run is clean. */
static void rob_each_allocation(bool persistent, bool stored, const char *verb, const char *first, const char *second)
{
    uint64_t refused = 1;
    for (uint64_t nth = 1; refused > 0; nth++) {
        struct virtual_store store;
        begin(&store, stored);
        struct heap *heap = virtual_process_heap(store.process);
        heap_fail_at(heap, nth, persistent);
        enum error_code code = store_do(&store, verb, first, second);
        refused = heap_failures_fired(heap);
        heap_fail_at(heap, 0, false);
        if (code != ERR_NO_MEMORY && code != ERR_OK) {
            fail_msg("%s, allocation %d: %s: %s", verb, (int)nth, error_name(code), store.error.message);
        }
        assert_true(refused > 0 || code == ERR_OK);
        assert_true(file_is(&store, "target", before, sizeof before) || file_is(&store, "target", large, sizeof large));
        virtual_store_close(&store);
    }
}

static void test_memory_that_is_refused_is_named_and_nothing_leaks(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        rob_each_allocation(persistent == 1, false, "put", "large", "name");
        rob_each_allocation(persistent == 1, true, "get", "name", "target");
        rob_each_allocation(persistent == 1, true, "rm", "name", "");
        rob_each_allocation(persistent == 1, true, "usage", "", "");
    }
}

static void test_a_full_disk_is_named_and_the_target_stays(void **state)
{
    struct virtual_store store;
    struct disk_handle *handle;
    (void)state;
    begin(&store, true);
    struct disk *disk = virtual_world_disk(store.world);
    assert_int_equal(disk_open(disk, "filler", true, &handle), DISK_OPENED);
    static const char block[DISK_PAGE_BYTES];
    int64_t at = 0;
    while (disk->used_bytes + INT64_C(4) * DISK_PAGE_BYTES <= disk->limit_bytes) {
        assert_true(disk_write(handle, at, block, sizeof block));
        at += DISK_PAGE_BYTES;
    }
    disk_close(handle);
    assert_int_equal(store_do(&store, "get", "name", "target"), ERR_CANNOT_WRITE);
    assert_true(file_is(&store, "target", before, sizeof before));
    disk_remove(disk, "filler");
    store_must(&store, "get", "name", "target");
    assert_true(file_is(&store, "target", large, sizeof large));
    virtual_store_close(&store);
}

int main(void)
{
    pattern(large, sizeof large, 1);
    pattern(small, sizeof small, 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_the_same_again),
        cmocka_unit_test(test_bytes_take_their_time),
        cmocka_unit_test(test_an_upload_killed_at_any_step_is_gone_on_with),
        cmocka_unit_test(test_what_a_killed_upload_left_is_swept),
        cmocka_unit_test(test_a_small_upload_killed_at_any_step_is_absent_or_whole),
        cmocka_unit_test(test_a_download_killed_at_any_step_leaves_the_old_or_the_new),
        cmocka_unit_test(test_a_signal_at_any_step_is_named_and_nothing_is_lost),
        cmocka_unit_test(test_memory_that_is_refused_is_named_and_nothing_leaks),
        cmocka_unit_test(test_a_full_disk_is_named_and_the_target_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
