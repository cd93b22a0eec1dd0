/* Events outlive a store that is down, a run that ends and a process that is killed, and none is doubled. */
#include <string.h>

#include "events/events.h"
#include "events/spool.h"
#include "kept_world.h"
#include "testing.h"

/* A run that tells some events, works, and closes. */
struct run {
    int events;
    int64_t work_ns;
    int64_t closing_ns;
    struct events_summary summary;
};

static void live(void *argument)
{
    struct run *run = argument;
    struct events *events = events_open(&kept.scripted.world);
    for (int i = 0; i < run->events; i++) {
        events_emit(events, EVENT_INSTANCE_CREATED, i);
    }
    assert_int_equal(world_sleep_until(&kept.scripted.world, kept.scripted.now_ns + run->work_ns), ERR_OK);
    int64_t began_ns = kept.scripted.now_ns;
    run->summary = events_close(events, kept.scripted.now_ns + 2 * NS_PER_S);
    run->closing_ns = kept.scripted.now_ns - began_ns;
}

static struct run run_events(int events, int64_t work_ns)
{
    struct run run = {.events = events, .work_ns = work_ns};
    scripted_world_run(&kept.scripted, live, &run);
    return run;
}

static void set_store(const char *sqlstate, int64_t delay_ns, bool never)
{
    static const enum store_statement statements[] = {STORE_SUBSCRIBERS, STORE_EVENT_ADD, STORE_DELIVERY_ADD,
                                                      STORE_SUBSCRIBERS_DUE, STORE_DELIVERIES_COUNT};
    for (size_t i = 0; i < ARRAY_LENGTH(statements); i++) {
        kept.scripted.statements[statements[i]].sqlstate = sqlstate;
        kept.scripted.statements[statements[i]].delay_ns = delay_ns;
        kept.scripted.statements[statements[i]].never = never;
    }
}

/* The script's random bits are the same for every draw, so each run of these tests has one event of its own. */
static struct run run_one(uint64_t id, int64_t work_ns)
{
    kept.scripted.random = id;
    return run_events(1, work_ns);
}

/* An event is on this machine's disk before the events store is asked, and leaves it afterwards. */
static void test_an_event_is_spooled_before_it_is_stored(void **state)
{
    (void)state;
    struct run run = run_one(7, NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    const char *log = buffer_text(&kept.scripted.store);
    const char *spooled = strstr(log, "SPOOL_ADD|");
    const char *stored = strstr(log, "EVENT_ADD|");
    const char *dropped = strstr(log, "SPOOL_DROP|");
    assert_true(spooled != NULL && stored > spooled && dropped > stored);
    assert_int_equal(spooled_events(), 0);
    assert_int_equal(stored_events(), 1);
}

/*
 * Whatever the store's trouble: the run is not delayed, one warning names it, the events wait, and the next run stores those of both
 * runs, each once.
 */
static void test_events_of_a_store_in_trouble_are_stored_by_a_later_run(void **state)
{
    static const struct {
        const char *sqlstate, *fault;
    } troubles[] = {
        {"42P01", "\"fault\":\"missing-table\""},  {"08001", "\"fault\":\"pg-unavailable\""},
        {"57P03", "\"fault\":\"pg-unavailable\""}, {"53300", "\"fault\":\"pg-unavailable\""},
        {"55P03", "\"fault\":\"pg-unavailable\""}, {"25006", "\"fault\":\"pg-read-only\""},
        {"28P01", "\"fault\":\"pg-unavailable\""},
    };
    (void)state;
    subscribe(1, "https://hook.example.test/", NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(troubles); i++) {
        buffer_clear(&kept.scripted.notes);
        set_store(troubles[i].sqlstate, 0, false);
        struct run run = run_one(2 * i, 2 * NS_PER_S);
        assert_int_equal(run.closing_ns, 0);
        assert_int_equal(run.summary.undelivered, 1);
        assert_int_equal(run.summary.spooled, 1);
        assert_int_equal(count_lines(&kept.scripted.notes, "fault.seen", troubles[i].fault), 1);
        assert_int_equal(count_lines(&kept.scripted.notes, "fault.seen", NULL), 1);
        assert_int_equal(count_lines(&kept.scripted.notes, "event.spooled", troubles[i].sqlstate), 1);
        assert_int_equal(spooled_events(), 1);
        set_store(NULL, 0, false);
        kept.scripted.statements[STORE_SUBSCRIBERS_DUE].sqlstate = "08006"; /* no deliveries in this test */
        run = run_one(2 * i + 1, 2 * NS_PER_S);
        assert_int_equal(run.summary.undelivered, 0);
        assert_int_equal(spooled_events(), 0);
        assert_int_equal(stored_events(), 2 * (i + 1));
    }
    const struct store_value limit = store_int(100);
    assert_int_equal(count_of(STORE_DELIVERIES_LIST, &limit, 1), 2 * ARRAY_LENGTH(troubles));
}

/* A store that comes back is asked again after a pause, in the same run, and a run of failures lengthens the pause. */
static void test_a_store_that_comes_back_is_noticed(void **state)
{
    (void)state;
    set_store("57P03", 0, false);
    struct run run = run_one(1, 100 * NS_PER_S);
    assert_int_equal(kept.scripted.statements[STORE_SUBSCRIBERS].calls, 3); /* at 0, 15 and 45 seconds */
    assert_int_equal(run.summary.spooled, 1);
    assert_int_equal(count_lines(&kept.scripted.notes, "fault.seen", NULL), 1);
    set_store("57P03", 0, false);
    kept.scripted.statements[STORE_SUBSCRIBERS].sqlstate = NULL;
    kept.scripted.statements[STORE_EVENT_ADD].sqlstate = NULL;
    kept.scripted.statements[STORE_SUBSCRIBERS].delay_ns = NS_PER_S;
    run = run_one(2, 10 * NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    assert_int_equal(stored_events(), 2);
    assert_int_equal(count_lines(&kept.scripted.notes, "event.stored", NULL), 2);
}

/* A store that hangs is not waited for at the end of a run: it has had its half second, or has failed before. */
static void test_a_hung_store_does_not_keep_a_run(void **state)
{
    (void)state;
    set_store(NULL, 0, true);
    static const struct {
        int64_t work_ns, closing_ns;
    } cases[] = {{0, NS_PER_S / 2}, {NS_PER_S / 4, NS_PER_S / 4}, {NS_PER_S, 0}, {4 * NS_PER_S, 0}, {21 * NS_PER_S, 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct run run = run_one(10 + i, cases[i].work_ns);
        assert_int_equal(run.closing_ns, cases[i].closing_ns);
        assert_int_equal(run.summary.spooled, 1);
        assert_int_equal(spooled_events(), i + 1);
        assert_int_equal(count_lines(&kept.scripted.notes, "fault.seen", "SQLSTATE 08000"), i + 1); /* one a run */
    }
}

/* An event that the store rejects stays in the spool and holds up no other. */
static void test_a_rejected_event_holds_up_no_other(void **state)
{
    (void)state;
    kept.poison = "0000000000000001";
    (void)run_one(1, NS_PER_S);
    assert_int_equal(spooled_events(), 1);
    set_store("08001", 0, false);
    (void)run_one(2, NS_PER_S);
    set_store(NULL, 0, false);
    struct run run = run_one(3, 40 * NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    assert_int_equal(spooled_events(), 1);
    assert_int_equal(stored_events(), 2);
    kept.poison = NULL;
    (void)run_one(4, NS_PER_S);
    assert_int_equal(spooled_events(), 0);
    assert_int_equal(stored_events(), 4);
}

/* What the store has already, because the process was killed before the spool knew, is not doubled. */
static void test_a_repetition_doubles_nothing(void **state)
{
    (void)state;
    subscribe(1, "https://hook.example.test/", NULL);
    kept.scripted.statements[STORE_SUBSCRIBERS_DUE].sqlstate = "08006";
    kept.scripted.statements[STORE_SPOOL_DROP].sqlstate = "53100";
    (void)run_one(1, NS_PER_S);
    assert_int_equal(spooled_events(), 1);
    assert_int_equal(stored_events(), 1);
    kept.scripted.statements[STORE_SPOOL_DROP].sqlstate = NULL;
    (void)run_one(2, NS_PER_S);
    assert_int_equal(spooled_events(), 0);
    assert_int_equal(stored_events(), 2);
    const struct store_value limit = store_int(100);
    assert_int_equal(count_of(STORE_DELIVERIES_LIST, &limit, 1), 2);
}

/* The spool is bounded: beyond that an event still goes to the store, and without one it is lost, counted, and warned of once. */
static void test_a_full_spool_is_told(void **state)
{
    static const struct store_value full = {.kind = STORE_INT, .integer = SPOOL_EVENTS_MAX};
    (void)state;
    kept.scripted.statements[STORE_SPOOL_COUNT].rows = &full;
    kept.scripted.statements[STORE_SPOOL_COUNT].row_count = 1;
    struct run run = run_events(2, NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    set_store("08001", 0, false);
    run = run_events(2, NS_PER_S);
    assert_int_equal(run.summary.undelivered, 2);
    assert_int_equal(run.summary.spooled, 0);
    assert_int_equal(count_lines(&kept.scripted.notes, "event.undelivered", NULL), 2);
    assert_int_equal(count_lines(&kept.scripted.notes, "log.line", "the spool of events is full"), 2); /* once a run */
    assert_int_equal(kept.scripted.statements[STORE_SPOOL_ADD].calls, 0);
}

/* What another version left in the spool, and this one cannot read, stays there and is passed. */
static void test_an_unreadable_event_is_passed(void **state)
{
    struct store_result result;
    static char large[EVENT_PAYLOAD_SIZE + 1];
    memset(large, 'x', sizeof large - 1);
    const struct store_value row[] = {store_text("00"), store_text("k"), store_int(1), store_text(large)};
    (void)state;
    assert_int_equal(memory_store_run(kept.store, STORE_SPOOL_ADD, row, ARRAY_LENGTH(row), NULL, NULL, &result),
                     ERR_OK);
    set_store("08001", 0, false);
    (void)run_one(1, NS_PER_S);
    set_store(NULL, 0, false);
    (void)run_one(2, NS_PER_S);
    assert_int_equal(stored_events(), 2);
    assert_int_equal(spooled_events(), 1);
}

/* Whichever allocation fails: the run goes on, and each event is stored, in the spool, or counted as neither. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t nth = 2; nth < 12; nth++) { /* the first is the task of the test */
        int64_t before = stored_events() + spooled_events();
        heap_fail_at(kept.scripted.world.heap, nth, false);
        struct run run = run_one(100 + nth, NS_PER_S);
        heap_fail_at(kept.scripted.world.heap, 0, false);
        assert_int_equal(stored_events() + spooled_events() - before,
                         run.summary.emitted - run.summary.undelivered + run.summary.spooled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, kept_world_open, kept_world_close)
        LAW(test_an_event_is_spooled_before_it_is_stored),
        LAW(test_events_of_a_store_in_trouble_are_stored_by_a_later_run),
        LAW(test_a_store_that_comes_back_is_noticed),
        LAW(test_a_hung_store_does_not_keep_a_run),
        LAW(test_a_rejected_event_holds_up_no_other),
        LAW(test_a_repetition_doubles_nothing),
        LAW(test_a_full_spool_is_told),
        LAW(test_an_unreadable_event_is_passed),
        LAW(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
