#include "events/events.h"

#include <string.h>

#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;

/* A journey that tells some events, works for a while, and closes. */
struct teller {
    int events;
    int64_t work_ns;
    int64_t grace_ns;
    int64_t telling_ns; /* what the telling alone took */
    int64_t closing_ns;
    struct events_summary summary;
    bool opened;
};

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

static void tell(void *argument)
{
    struct teller *teller = argument;
    struct events *events = events_open(&scripted.world);
    teller->opened = events != NULL;
    int64_t began_ns = scripted.now_ns;
    for (int i = 0; i < teller->events; i++) {
        events_emit(events, i % 2 == 0 ? EVENT_INSTANCE_CREATED : EVENT_INSTANCE_DESTROYED, 41803846);
    }
    teller->telling_ns = scripted.now_ns - began_ns;
    if (teller->work_ns > 0) {
        assert_int_equal(world_sleep_until(&scripted.world, scripted.now_ns + teller->work_ns), ERR_OK);
    }
    began_ns = scripted.now_ns;
    teller->summary = events_close(events, scripted.now_ns + teller->grace_ns);
    teller->closing_ns = scripted.now_ns - began_ns;
}

static struct teller run_teller(int events, int64_t work_ns)
{
    struct teller teller = {.events = events, .work_ns = work_ns, .grace_ns = 2 * NS_PER_S};
    scripted_world_run(&scripted, tell, &teller);
    assert_int_equal(teller.telling_ns, 0);
    return teller;
}

static struct store_value subscriber_rows[80 * 4];

static void subscribe(size_t place, int64_t id, const char *names)
{
    struct store_value *row = &subscriber_rows[place * 4];
    row[0] = store_int(id);
    row[1] = store_text("https://hook.example.test");
    row[2] = store_text(names);
    row[3] = store_null();
    scripted.statements[STORE_SUBSCRIBERS].rows = subscriber_rows;
    scripted.statements[STORE_SUBSCRIBERS].row_count = place + 1;
}

/* Each subscriber gets one delivery of each event that it subscribed to, and of no other. */
static void test_subscribers_get_one_delivery_of_each_event_they_chose(void **state)
{
    (void)state;
    subscribe(0, 11, "*");
    subscribe(1, 12, "instance.created");
    subscribe(2, 13, "instance.ready,instance.destroyed");
    subscribe(3, 14, "instance.create,instance.createdx,.created,");
    subscribe(4, 15, "");
    struct teller teller = run_teller(2, NS_PER_S);
    assert_int_equal(teller.summary.emitted, 2);
    assert_int_equal(teller.summary.undelivered, 0);
    assert_int_equal(count_lines(&scripted.store, "EVENT_ADD|", NULL), 2);
    assert_int_equal(count_lines(&scripted.store, "DELIVERY_ADD|", NULL), 4);
    static const char *const endings[] = {"|11", "|12", "|13", "|14", "|15"};
    static const int deliveries[] = {2, 1, 1, 0, 0};
    for (size_t i = 0; i < ARRAY_LENGTH(endings); i++) {
        assert_int_equal(count_lines(&scripted.store, "DELIVERY_ADD|", endings[i]), deliveries[i]);
    }
    assert_int_equal(count_lines(&scripted.notes, "event.stored", "\"subscribers\":2"), 2);
    assert_int_equal(
        count_lines(&scripted.store, "EVENT_ADD|", "\"event\":\"instance.created\",\"instance_id\":41803846"), 1);
}

/* Subscribers who cannot be told are warned of once, and the others are told. */
static void test_subscribers_that_cannot_be_told_are_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < 70; i++) {
        subscribe(i, (int64_t)i + 1, "*");
    }
    subscriber_rows[2] = store_null();
    struct teller teller = run_teller(3, NS_PER_S);
    assert_int_equal(teller.summary.undelivered, 0);
    assert_int_equal(count_lines(&scripted.store, "DELIVERY_ADD|", NULL), 3 * 64);
    assert_int_equal(count_lines(&scripted.notes, "log.line", "6 subscribers are not told"), 1);
}

/* Without the table: one warning that names the cure, every event counted, the table asked once, the journey not delayed. */
static void test_a_missing_table_is_told_once_and_delays_nothing(void **state)
{
    (void)state;
    scripted.statements[STORE_SUBSCRIBERS].sqlstate = "42P01";
    scripted.statements[STORE_SUBSCRIBERS].delay_ns = 500 * NS_PER_MS;
    struct teller teller = run_teller(5, NS_PER_S);
    assert_int_equal(teller.closing_ns, 0);
    assert_int_equal(teller.summary.emitted, 5);
    assert_int_equal(teller.summary.undelivered, 5);
    assert_int_equal(scripted.statements[STORE_SUBSCRIBERS].calls, 1);
    assert_int_equal(scripted.statements[STORE_EVENT_ADD].calls, 0);
    assert_int_equal(count_lines(&scripted.notes, "fault.seen", NULL), 1);
    assert_int_equal(count_lines(&scripted.notes, "\"fault\":\"missing-table\"", "dumont events migrate"), 1);
    assert_int_equal(count_lines(&scripted.notes, "event.spooled", "42P01"), 5);
    assert_int_equal(teller.summary.spooled, 5);
}

/* A delivery that is refused counts its event as not delivered. */
static void test_an_event_is_delivered_to_all_or_counted(void **state)
{
    (void)state;
    subscribe(0, 11, "*");
    scripted.statements[STORE_DELIVERY_ADD].sqlstate = "23503";
    struct teller teller = run_teller(2, NS_PER_S);
    assert_int_equal(teller.summary.undelivered, 2);
    assert_int_equal(count_lines(&scripted.notes, "fault.seen", NULL), 1);
    assert_int_equal(count_lines(&scripted.notes, "event.stored", NULL), 0);
}

/* A store that never answers holds nobody for more than half a second, nor beyond the grace that closing grants. */
static void test_a_silent_store_is_left_at_the_deadline(void **state)
{
    static const int64_t graces_ns[] = {2 * NS_PER_S, NS_PER_S / 10, 0};
    static const int64_t closings_ns[] = {NS_PER_S / 2, NS_PER_S / 10, 0};
    (void)state;
    scripted.statements[STORE_SUBSCRIBERS].never = true;
    for (size_t i = 0; i < ARRAY_LENGTH(graces_ns); i++) {
        struct teller teller = {.events = 3, .grace_ns = graces_ns[i]};
        scripted_world_run(&scripted, tell, &teller);
        assert_int_equal(teller.closing_ns, closings_ns[i]);
        assert_int_equal(teller.summary.emitted, 3);
        assert_int_equal(teller.summary.undelivered, 3);
        assert_int_equal(teller.summary.spooled, 3);
    }
}

/* A journey that is interrupted closes its events at once and still counts them. */
static void test_an_interrupted_journey_closes_at_once(void **state)
{
    (void)state;
    scripted.statements[STORE_SUBSCRIBERS].never = true;
    scripted.cancel_at_ns = scripted.now_ns + NS_PER_S / 2;
    struct teller teller = run_teller(3, 0);
    assert_int_equal(teller.closing_ns, NS_PER_S / 2);
    assert_int_equal(teller.summary.undelivered, 3);
}

/* The queue is bounded: what it cannot take is counted, and what it took is delivered. */
static void test_events_beyond_the_queue_are_counted(void **state)
{
    (void)state;
    struct teller teller = run_teller(70, NS_PER_S);
    assert_int_equal(teller.summary.emitted, 70);
    assert_int_equal(teller.summary.undelivered, 6);
    assert_int_equal(count_lines(&scripted.store, "EVENT_ADD|", NULL), 64);
    assert_int_equal(count_lines(&scripted.notes, "event.undelivered", "53400"), 6);
}

/* Without memory for them there are no events, and the journey goes on. */
static void test_no_memory_for_events_is_no_failure(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        heap_fail_at(scripted.world.heap, nth + 1, false); /* the first request is the task of the test */
        struct teller teller = run_teller(2, NS_PER_S);
        heap_fail_at(scripted.world.heap, 0, false);
        assert_false(teller.opened);
        assert_int_equal(teller.summary.emitted, 0);
    }
    assert_int_equal(scripted.store.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_subscribers_get_one_delivery_of_each_event_they_chose),
        LAW(test_subscribers_that_cannot_be_told_are_warned_of),
        LAW(test_a_missing_table_is_told_once_and_delays_nothing),
        LAW(test_an_event_is_delivered_to_all_or_counted),
        LAW(test_a_silent_store_is_left_at_the_deadline),
        LAW(test_an_interrupted_journey_closes_at_once),
        LAW(test_events_beyond_the_queue_are_counted),
        LAW(test_no_memory_for_events_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
