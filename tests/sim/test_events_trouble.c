/*
 * The events store, and receivers of webhooks, in every trouble that there is a fault for: the run is what it always is, one warning
 * names the trouble, and no event is lost.
 */
#include "stage.h"

static const struct {
    const char *scenario, *warning;
    bool recovers; /* within the run */
} cases[] = {
    {"pg-unavailable", "pg-unavailable", false}, {"pg-starting", "pg-unavailable", true},
    {"pg-too-many", "pg-unavailable", false},    {"pg-locked", "pg-unavailable", false},
    {"pg-terminated", "pg-unavailable", true},   {"pg-hang", "pg-unavailable", false},
    {"pg-read-only", "pg-read-only", false},     {"pg-commit-unknown", "pg-commit-unknown", true},
};

static void assert_same_run(const struct report *report, const struct report *usual)
{
    assert_int_equal(report->total_us, usual->total_us);
    assert_int_equal(report->end_us, usual->end_us);
    assert_int_equal(report->phase_count, usual->phase_count);
    for (size_t i = 0; i < usual->phase_count; i++) {
        assert_int_equal(report->phases[i].duration_us, usual->phases[i].duration_us);
    }
}

/* One warning, of that name, and none of another. */
static void assert_warned_once(const struct report *report, const char *warning)
{
    size_t troubles = 0;
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct report_fault *fault = &report->faults[i];
        if (strstr(fault->text, "events store") != NULL) {
            troubles++;
            assert_string_equal(fault->id, warning);
            assert_int_equal(fault->count, 1);
            assert_true(strstr(fault->text, "SQLSTATE") != NULL);
        }
    }
    assert_int_equal(troubles, 1);
}

static void test_the_run_is_what_it_always_is_and_no_event_is_lost(void **state)
{
    (void)state;
    struct stage there = stage_open("events-migrated");
    stage_play(&there, (struct rehearsal_variation){0});
    struct report *usual = stage_report(&there);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct stage stage = stage_open(cases[i].scenario);
        stage_play(&stage, (struct rehearsal_variation){0});
        struct report *report = stage_report(&stage);
        assert_int_equal(stage.result.status, EXIT_DONE);
        assert_int_equal(stage.result.leaked_blocks, 0);
        assert_same_run(report, usual);
        assert_warned_once(report, cases[i].warning);
        assert_int_equal(report->events_emitted, usual->events_emitted);
        int64_t waiting = cases[i].recovers ? 0 : report->events_emitted;
        if (report->events_spooled != waiting || report->events_undelivered != waiting) {
            fail_msg("%s: of %lld events %lld undelivered, %lld spooled", cases[i].scenario,
                     (long long)report->events_emitted, (long long)report->events_undelivered,
                     (long long)report->events_spooled);
        }
        stage_close(&stage);
    }
    stage_close(&there);
}

/* How often the receivers were told, and of how many events; an event is one by its id. */
static void count_told(struct stage *stage, size_t *messages, size_t *events)
{
    struct history_cursor cursor;
    struct history_event event;
    struct error error;
    char seen[16][64];
    *messages = 0;
    *events = 0;
    history_cursor_init(&cursor, rehearsal_history(stage->rehearsal));
    while (history_next(&cursor, &event, &error)) {
        if (strcmp(event.kind, "webhook.told") != 0) {
            continue;
        }
        char ids[64];
        size_t at = 0;
        (void)text_format(ids, sizeof ids, "%.*s", (int)event.ids.length, event.ids.at);
        for (; at < *events && strcmp(seen[at], ids) != 0; at++) {
        }
        if (at == *events && at < ARRAY_LENGTH(seen)) {
            (void)text_copy(seen[(*events)++], sizeof seen[0], ids);
        }
        (*messages)++;
    }
}

static void test_receivers_cost_a_run_nothing_and_are_told_at_least_once(void **state)
{
    static const struct {
        const char *scenario;
        size_t least, most; /* messages */
    } told[] = {{"webhooks", 8, 8}, {"webhook-slow", 2, 20}, {"webhook-500", 10, 10}, {"webhook-duplicate", 5, 5}};
    (void)state;
    struct stage there = stage_open("events-migrated");
    stage_play(&there, (struct rehearsal_variation){0});
    struct report *usual = stage_report(&there);
    for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
        struct stage stage = stage_open(told[i].scenario);
        stage_play(&stage, (struct rehearsal_variation){0});
        struct report *report = stage_report(&stage);
        size_t messages;
        size_t events;
        count_told(&stage, &messages, &events);
        assert_int_equal(stage.result.leaked_blocks, 0);
        assert_int_equal(report->total_us, usual->total_us);
        assert_int_equal(report->events_undelivered, 0);
        if (messages < told[i].least || messages > told[i].most || (told[i].least >= 5 && events != 4)) {
            fail_msg("%s: %zu messages of %zu events", told[i].scenario, messages, events);
        }
        stage_close(&stage);
    }
    stage_close(&there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_run_is_what_it_always_is_and_no_event_is_lost),
        cmocka_unit_test(test_receivers_cost_a_run_nothing_and_are_told_at_least_once),
    };
    return cmocka_run_group_tests_name("events trouble", tests, NULL, NULL);
}
