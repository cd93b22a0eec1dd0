#include "events/delivery.h"

#include <string.h>

#include "events/events.h"
#include "kept_world.h"
#include "testing.h"

/* A round, and what came of it. */
struct trial {
    struct delivery_memory memory;
    struct delivery_round round;
    struct store_result result;
    int64_t took_ns;
};

static void make_round(void *argument)
{
    struct trial *trial = argument;
    int64_t began_ns = kept.scripted.now_ns;
    (void)delivery_run(&kept.scripted.world, &trial->memory, &trial->round, &trial->result);
    trial->took_ns = kept.scripted.now_ns - began_ns;
}

static struct trial run_round(int64_t limit)
{
    struct trial trial = {.round = {.limit = limit}};
    scripted_world_run(&kept.scripted, make_round, &trial);
    return trial;
}

static struct trial deliver(void)
{
    return run_round(INT64_MAX);
}

static void reply(int status)
{
    scripted_reply(&kept.scripted, (struct scripted_reply){.status = status});
}

/* An event for webhook `id`, created at `second`. */
static void add_event(const char *event_id, int64_t second, int64_t id)
{
    struct store_result result;
    const struct store_value event[] = {store_text(event_id), store_text("instance.ready"),
                                        store_int(second * NS_PER_S), store_text("{}")};
    const struct store_value delivery[] = {store_text(event_id), store_int(id)};
    (void)memory_store_run(kept.store, STORE_EVENT_ADD, event, 4, NULL, NULL, &result);
    assert_int_equal(result.code, ERR_OK);
    (void)memory_store_run(kept.store, STORE_DELIVERY_ADD, delivery, 2, NULL, NULL, &result);
    assert_int_equal(result.code, ERR_OK);
}

/* What is written of the newest deliveries: "event webhook state attempts next error; " with `next` in seconds from now. */
struct shown {
    char storage[1024];
    struct buffer text;
};

static void show(void *context, const struct store_value *columns, size_t count)
{
    struct buffer *text = context;
    assert_int_equal(count, 6);
    buffer_printf(text, "%.*s %lld %.*s %lld", (int)columns[0].text.length, columns[0].text.at,
                  (long long)columns[1].integer, (int)columns[2].text.length, columns[2].text.at,
                  (long long)columns[3].integer);
    if (columns[4].kind == STORE_INT) {
        int64_t now_ns = world_wall_now(&kept.scripted.world).unix_ns;
        buffer_printf(text, " in %lld ms", (long long)((columns[4].integer - now_ns) / NS_PER_MS));
    }
    if (columns[5].kind == STORE_TEXT) {
        buffer_printf(text, " (%.*s)", (int)columns[5].text.length, columns[5].text.at);
    }
    buffer_append_text(text, "; ");
}

static void expect_deliveries(const char *expected)
{
    struct shown shown;
    struct store_result result;
    const struct store_value limit = store_int(100);
    buffer_init_fixed(&shown.text, shown.storage, sizeof shown.storage);
    assert_int_equal(memory_store_run(kept.store, STORE_DELIVERIES_LIST, &limit, 1, show, &shown.text, &result),
                     ERR_OK);
    assert_string_equal(buffer_text(&shown.text), expected);
}

/* What is taken is delivered once: the oldest first, and never again. */
static void test_what_is_due_is_delivered_once(void **state)
{
    (void)state;
    subscribe(1, "http://h/one", "s");
    add_event("b", 20, 1);
    add_event("a", 10, 1);
    reply(200);
    reply(204);
    struct trial trial = deliver();
    assert_int_equal(trial.result.code, ERR_OK);
    assert_int_equal(trial.round.delivered, 2);
    expect_deliveries("b 1 delivered 1; a 1 delivered 1; ");
    const char *log = buffer_text(&kept.scripted.headers);
    assert_true(strstr(log, "X-Dumont-Event-Id: a") < strstr(log, "X-Dumont-Event-Id: b"));
    trial = deliver();
    assert_int_equal(trial.round.delivered, 0);
    assert_int_equal(kept.scripted.http_started, 2);
    assert_int_equal(count_lines(&kept.scripted.notes, "webhook.sent", "\"outcome\":\"delivered\""), 2);
}

/* Pauses double from ten seconds to an hour; a random part of up to a half is taken off. */
static void test_pauses_grow_and_vary(void **state)
{
    (void)state;
    static const int64_t seconds[] = {10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600};
    for (size_t i = 0; i < ARRAY_LENGTH(seconds); i++) {
        int64_t full_ns = seconds[i] * NS_PER_S;
        int64_t attempt = (int64_t)i + 1;
        assert_int_equal(delivery_pause_ns(attempt, 0), full_ns);
        assert_int_equal(delivery_pause_ns(attempt, (uint64_t)full_ns / 2), full_ns - full_ns / 2);
        assert_in_range(delivery_pause_ns(attempt, UINT64_MAX), full_ns / 2, full_ns);
    }
    assert_int_equal(delivery_pause_ns(INT64_MAX, 0), NS_PER_HOUR);
}

/* A receiver that fails is asked once a round, whatever waits for it; each attempt is later; after the tenth the event is dead. */
static void test_a_failing_receiver_is_asked_ever_later_and_then_no_more(void **state)
{
    (void)state;
    subscribe(1, "http://h/", NULL);
    add_event("a", 10, 1);
    kept.scripted.random = 0;
    int64_t pause_ms = 10000;
    for (int attempt = 1; attempt < DELIVERY_ATTEMPTS_MAX; attempt++) {
        char expected[128];
        reply(500);
        struct trial trial = deliver();
        assert_int_equal(trial.round.postponed, 1);
        text_format(expected, sizeof expected, "a 1 pending %d in %lld ms (answered 500); ", attempt,
                    (long long)pause_ms);
        expect_deliveries(expected);
        kept.scripted.now_ns += pause_ms * NS_PER_MS - 1;
        trial = deliver();
        assert_int_equal(trial.round.postponed, 0);
        kept.scripted.now_ns++;
        pause_ms *= 2;
    }
    reply(503);
    struct trial trial = deliver();
    assert_int_equal(trial.round.died, 1);
    expect_deliveries("a 1 dead 10 (answered 503); ");
    kept.scripted.now_ns += 24 * NS_PER_HOUR;
    (void)deliver();
    assert_int_equal(kept.scripted.http_started, DELIVERY_ATTEMPTS_MAX);
}

/* What the receiver asks for is granted when it is longer than our pause, up to the longest of ours. */
static void test_a_pause_that_is_asked_for_is_granted_within_bounds(void **state)
{
    (void)state;
    subscribe(1, "http://h/", NULL);
    add_event("a", 10, 1);
    kept.scripted.random = 0;
    scripted_reply(&kept.scripted, (struct scripted_reply){.status = 429, .retry_after = "120"});
    (void)deliver();
    expect_deliveries("a 1 pending 1 in 120000 ms (answered 429); ");
    kept.scripted.now_ns += 120 * NS_PER_S;
    scripted_reply(&kept.scripted, (struct scripted_reply){.status = 503, .retry_after = "1"});
    (void)deliver();
    expect_deliveries("a 1 pending 2 in 20000 ms (answered 503); ");
    kept.scripted.now_ns += 20 * NS_PER_S;
    scripted_reply(&kept.scripted, (struct scripted_reply){.status = 429, .retry_after = "31536000"});
    (void)deliver();
    expect_deliveries("a 1 pending 3 in 3600000 ms (answered 429); ");
}

/* A failure stops this receiver's round, not that of others, who need not wait for one that hangs. */
static void test_a_hanging_receiver_holds_up_nobody_else(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 3; id++) {
        char url[32];
        text_format(url, sizeof url, "http://h%lld/", (long long)id);
        subscribe(id, url, NULL);
    }
    add_event("a", 10, 1);
    add_event("b", 20, 1);
    add_event("c", 10, 2);
    add_event("d", 20, 3);
    scripted_reply(&kept.scripted, (struct scripted_reply){.never = true});
    reply(200);
    reply(200);
    struct trial trial = deliver();
    assert_int_equal(trial.took_ns, 10 * NS_PER_S);
    assert_int_equal(trial.round.delivered, 2);
    assert_int_equal(trial.round.postponed, 1);
    expect_deliveries(
        "d 3 delivered 1; b 1 pending 0; c 2 delivered 1; a 1 pending 1 in 10000 ms (no answer in time); ");
    kept.scripted.now_ns += 9 * NS_PER_S; /* it still rests */
    scripted_world_run(&kept.scripted, make_round, &trial);
    assert_int_equal(kept.scripted.http_started, 3);
    kept.scripted.now_ns += NS_PER_S;
    reply(500);
    scripted_world_run(&kept.scripted, make_round, &trial);
    assert_int_equal(kept.scripted.http_started, 4);
    assert_int_equal(count_lines(&kept.scripted.notes, "webhook-slow", NULL), 1);
}

/* An answer that will not change is not asked for again: the event is dead, the next one is tried. */
static void test_a_refusal_is_final(void **state)
{
    (void)state;
    subscribe(1, "http://h/", NULL);
    subscribe(2, "gopher://h/", NULL);
    add_event("a", 10, 1);
    add_event("b", 20, 1);
    add_event("c", 30, 2);
    reply(302);
    reply(200);
    struct trial trial = deliver();
    assert_int_equal(trial.round.died, 2);
    assert_int_equal(trial.round.delivered, 1);
    expect_deliveries("c 2 dead 1 (its URL is not understood); b 1 delivered 1; "
                      "a 1 dead 1 (answered 302: redirects are not followed); ");
}

static void note_subscriber(void *context, const struct store_value *columns, size_t count)
{
    (void)count;
    *(int64_t *)context = *(int64_t *)context * 10 + columns[0].integer;
}

/* A receiver that is gone is told nothing more, and nobody else is disabled. */
static void test_a_receiver_that_is_gone_is_disabled(void **state)
{
    struct store_result result;
    int64_t enabled = 0;
    (void)state;
    subscribe(1, "http://h/", NULL);
    subscribe(2, "http://h/", NULL);
    add_event("a", 10, 1);
    add_event("b", 20, 1);
    add_event("b", 20, 2);
    reply(410);
    reply(200);
    struct trial trial = deliver();
    assert_int_equal(trial.round.died, 1);
    expect_deliveries("b 1 dead 0 (answered 410); b 2 delivered 1; a 1 dead 1 (answered 410); ");
    assert_int_equal(memory_store_run(kept.store, STORE_SUBSCRIBERS, NULL, 0, note_subscriber, &enabled, &result),
                     ERR_OK);
    assert_int_equal(enabled, 2);
    assert_int_equal(count_lines(&kept.scripted.notes, "log.line", "webhook 1: answered 410; it is disabled"), 1);
}

/* A limit bounds the attempts of a round. */
static void test_a_round_makes_no_more_attempts_than_allowed(void **state)
{
    (void)state;
    subscribe(1, "http://h/", NULL);
    subscribe(2, "http://h/", NULL);
    add_event("a", 10, 1);
    add_event("a", 10, 2);
    add_event("b", 20, 1);
    reply(200);
    reply(200);
    struct trial trial = run_round(2);
    assert_int_equal(trial.round.delivered, 2);
    assert_int_equal(trial.round.limit, 0);
    assert_int_equal(kept.scripted.http_started, 2);
}

/* An interrupted round ends at once; what it had claimed is tried again when the claim has run out: at least once. */
static void test_an_interrupted_attempt_is_repeated(void **state)
{
    (void)state;
    subscribe(1, "http://h/", NULL);
    subscribe(2, "http://h/", NULL);
    add_event("a", 10, 1);
    add_event("a", 10, 2);
    scripted_reply(&kept.scripted, (struct scripted_reply){.never = true});
    scripted_reply(&kept.scripted, (struct scripted_reply){.never = true});
    kept.scripted.cancel_at_ns = kept.scripted.now_ns + NS_PER_S;
    struct trial trial = deliver();
    assert_int_equal(trial.took_ns, NS_PER_S);
    assert_int_equal(kept.scripted.http_abandoned, 2);
    expect_deliveries("a 1 pending 1 in 59000 ms; a 2 pending 1 in 59000 ms; ");
    kept.scripted.cancel_at_ns = 0;
    kept.scripted.now_ns += 59 * NS_PER_S;
    reply(200);
    reply(200);
    trial = deliver();
    assert_int_equal(trial.round.delivered, 2);
}

/* A failing store ends the round with its reason; nothing is sent that could not be claimed. */
static void test_a_failing_store_ends_the_round(void **state)
{
    static const enum store_statement statements[] = {STORE_SUBSCRIBERS_DUE, STORE_DELIVERY_NEXT, STORE_DELIVERY_CLAIM};
    (void)state;
    subscribe(1, "http://h/", NULL);
    add_event("a", 10, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(statements); i++) {
        kept.scripted.statements[statements[i]].sqlstate = "57P01";
        struct trial trial = deliver();
        assert_string_equal(trial.result.sqlstate, "57P01");
        kept.scripted.statements[statements[i]].sqlstate = NULL;
    }
    assert_int_equal(kept.scripted.http_started, 0);
    reply(200);
    kept.scripted.statements[STORE_DELIVERY_SET].sqlstate = "57P01";
    struct trial trial = deliver();
    assert_string_equal(trial.result.sqlstate, "57P01");
    kept.scripted.statements[STORE_DELIVERY_SET].sqlstate = NULL;
    kept.scripted.now_ns += 61 * NS_PER_S;
    reply(200);
    trial = deliver(); /* the receiver knows the event's id */
    assert_int_equal(trial.round.delivered, 1);
}

/* Whichever allocation fails, nothing is lost: what was not delivered is pending. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 3; id++) {
        subscribe(id, "http://h/", "s");
    }
    for (int i = 0; i < 100; i++) {
        reply(200);
    }
    for (uint64_t nth = 2; nth < 16; nth++) { /* the first is the task of the test */
        char event_id[8];
        text_format(event_id, sizeof event_id, "%02d", (int)nth);
        for (int64_t id = 1; id <= 3; id++) {
            add_event(event_id, (int64_t)nth, id);
        }
        heap_fail_at(kept.scripted.world.heap, nth, false);
        (void)deliver();
        heap_fail_at(kept.scripted.world.heap, 0, false);
        kept.scripted.now_ns += 61 * NS_PER_S;
    }
    (void)deliver();
    assert_int_equal(count_of(STORE_SUBSCRIBERS_DUE, (const struct store_value[]){store_int(INT64_MAX)}, 1), 0);
}

/* ---- In the background of a run ----------------------------------------------------------------------------------------- */

struct run {
    int64_t work_ns;
    int64_t closing_ns;
    struct events_summary summary;
};

static void live(void *argument)
{
    struct run *run = argument;
    struct world *world = &kept.scripted.world;
    struct events *events = events_open(world);
    events_emit(events, EVENT_INSTANCE_CREATED, 7);
    assert_int_equal(world_sleep_until(world, kept.scripted.now_ns + run->work_ns), ERR_OK);
    int64_t began_ns = kept.scripted.now_ns;
    run->summary = events_close(events, kept.scripted.now_ns + 2 * NS_PER_S);
    run->closing_ns = kept.scripted.now_ns - began_ns;
}

static struct run run_for(int64_t work_ns)
{
    struct run run = {.work_ns = work_ns};
    scripted_world_run(&kept.scripted, live, &run);
    return run;
}

/* A rehearsal's events are for receivers on this machine alone, also when somebody delivers them who is no rehearsal. */
static void test_a_rehearsal_calls_nobody_elsewhere(void **state)
{
    (void)state;
    subscribe(1, "https://hooks.example/x", "s");
    subscribe(2, "http://127.0.0.1:8080/x", "s");
    add_event("a", 10, 1); /* of a real run */
    kept.scripted.world.description.rehearsal = true;
    reply(200);
    struct run run = run_for(30 * NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    expect_deliveries("00000000000000000000000000000000 2 delivered 1; a 1 pending 0; ");
    assert_int_equal(count_lines(&kept.scripted.notes, "log.line", "1 subscribers are not told: this is a rehearsal"),
                     1);
    assert_int_equal(count_lines(&kept.scripted.notes, "log.line", "webhook 1 is not on this machine"), 1);
    assert_int_equal(count_lines(&kept.scripted.requests, "POST /x", "\"rehearsal\":true"), 1);
    kept.scripted.world.description.rehearsal = false;
    struct store_result result;
    const struct store_value delivery[] = {store_text("00000000000000000000000000000000"), store_int(1)};
    (void)memory_store_run(kept.store, STORE_DELIVERY_ADD, delivery, 2, NULL, NULL, &result);
    reply(200);
    struct trial trial = deliver();
    assert_int_equal(trial.round.delivered, 1);
    assert_int_equal(trial.round.died, 1);
    assert_int_equal(kept.scripted.http_started, 2);
}

/* A run tells its events while it works, and repeats what failed when its time has come. */
static void test_a_run_delivers_beside_its_work(void **state)
{
    (void)state;
    subscribe(1, "http://h/", "s");
    reply(500);
    reply(200);
    struct run run = run_for(30 * NS_PER_S);
    assert_int_equal(run.summary.undelivered, 0);
    assert_int_equal(run.closing_ns, 0);
    assert_int_equal(count_lines(&kept.scripted.notes, "webhook.sent", "\"outcome\":\"later\""), 1);
    assert_int_equal(count_lines(&kept.scripted.notes, "webhook.sent", "\"outcome\":\"delivered\""), 1);
}

/* What is told at the very end is waited for: a second at most, and only while the receiver has not failed. */
static void test_a_receiver_keeps_no_run(void **state)
{
    static const struct {
        int64_t work_ns;
        struct scripted_reply reply;
        int64_t closing_ns;
    } cases[] = {
        {0, {.status = 200, .delay_ns = NS_PER_S / 5}, NS_PER_S / 5},
        {0, {.never = true}, NS_PER_S},
        {NS_PER_S / 2, {.never = true}, NS_PER_S / 2},
        {5 * NS_PER_S, {.never = true}, 0},
        {12 * NS_PER_S, {.never = true}, 0},
        {5 * NS_PER_S, {.status = 500}, 0},
        {0, {.status = 500}, 0},
        {5 * NS_PER_S, {.fate = FATE_REFUSED}, 0},
    };
    (void)state;
    subscribe(1, "http://h/", NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        kept.scripted.random = i << 32; /* another event each time */
        kept.scripted.now_ns += 3 * NS_PER_HOUR;
        kept.scripted.replies_used = kept.scripted.reply_count;
        scripted_reply(&kept.scripted, cases[i].reply);
        for (int j = 0; j < 30; j++) {
            reply(200); /* for what former runs left */
        }
        struct run run = run_for(cases[i].work_ns);
        assert_int_equal(run.summary.undelivered, 0);
        if (run.closing_ns != cases[i].closing_ns) {
            fail_msg("case %zu: %lld ms", i, (long long)(run.closing_ns / NS_PER_MS));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, kept_world_open, kept_world_close)
        LAW(test_what_is_due_is_delivered_once),
        LAW(test_pauses_grow_and_vary),
        LAW(test_a_failing_receiver_is_asked_ever_later_and_then_no_more),
        LAW(test_a_pause_that_is_asked_for_is_granted_within_bounds),
        LAW(test_a_rehearsal_calls_nobody_elsewhere),
        LAW(test_a_hanging_receiver_holds_up_nobody_else),
        LAW(test_a_refusal_is_final),
        LAW(test_a_receiver_that_is_gone_is_disabled),
        LAW(test_a_round_makes_no_more_attempts_than_allowed),
        LAW(test_an_interrupted_attempt_is_repeated),
        LAW(test_a_failing_store_ends_the_round),
        LAW(test_every_allocation_may_fail),
        LAW(test_a_run_delivers_beside_its_work),
        LAW(test_a_receiver_keeps_no_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
