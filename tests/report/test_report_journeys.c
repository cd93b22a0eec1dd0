#include "testing.h"

#include <string.h>

#include "example_histories.h"
#include "json_checks.h"

typedef void report_writer(const struct report *report, struct buffer *out);

static void write_markdown(const struct report *report, struct buffer *out)
{
    report_write_markdown(report, true, out);
}

/* The text and the Markdown report say the same; both are looked at. */
static report_writer *const WRITERS[] = {report_write_text, write_markdown};

static const char *page_of(struct example *example, report_writer *write)
{
    buffer_clear(&example->out);
    write(example->report, &example->out);
    assert_false(example->out.failed);
    return buffer_text(&example->out);
}

static void assert_says(const char *text, const char *expected)
{
    if (strstr(text, expected) == NULL) {
        fail_msg("not in the report: %s\n%s", expected, text);
    }
}

static void assert_says_not(const char *text, const char *unexpected)
{
    if (strstr(text, unexpected) != NULL) {
        fail_msg("in the report, and should not be: %s", unexpected);
    }
}

/* ---- Provenance --------------------------------------------------------------------------------------------------------- */

static void build_with_timing_from(struct example *example, const char *timing_from)
{
    char start[512];
    assert_true(text_format(start, sizeof start,
                            "{\"journey\":\"check\",\"world\":\"virtual\",\"timing\":\"some-run\"%s%s}",
                            timing_from[0] == '\0' ? "" : ",\"timing_from\":", timing_from));
    const struct example_line lines[] = {
        {0, "client.start", "", start},
        {0, "offer.chosen", "{\"offer\":1}", EXAMPLE_OFFER},
        EXAMPLE_PHASE("create_instance", 0, 1000000),
        EXAMPLE_PHASE("wait_running", 1000000, 4000000),
        EXAMPLE_PHASE("wait_ssh", 4000000, 6000000),
        {6000000, "client.report", "", "{\"outcome\":\"done\",\"exit_status\":0}"},
    };
    buffer_clear(&example->history.text);
    buffer_clear(&example->out);
    report_release(example->heap, example->report);
    example->report = NULL;
    ADD_LINES(&example->history, lines);
}

/* A step is replayed, with n = 1, only if the history calls its time measured or derived; of old histories the timing tells. */
static void test_only_measured_times_are_replayed(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *timing_from;
        const char *provision, *ssh;
    } cases[] = {
        {"{\"boot\":\"measured\",\"ssh\":\"assumed\"}", "replayed", "assumed"},
        {"{\"boot\":\"quoted\",\"ssh\":\"derived\"}", "assumed", "replayed"},
        {"{\"boot\":\"assumed\",\"ssh\":\"assumed\"}", "assumed", "assumed"},
        {"{\"boot\":\"guessed\"}", "assumed", "replayed"},
        {"\"measured\"", "replayed", "replayed"},
        {"", "replayed", "replayed"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        build_with_timing_from(example, cases[i].timing_from);
        cJSON *json = json_of(example);
        assert_text(json, "failover_projection.phases.1.provenance", cases[i].provision);
        assert_number(json, "failover_projection.phases.1.n", strcmp(cases[i].provision, "replayed") == 0 ? 1 : 0);
        assert_text(json, "failover_projection.phases.2.provenance", cases[i].ssh);
        assert_number(json, "failover_projection.phases.2.n", strcmp(cases[i].ssh, "replayed") == 0 ? 1 : 0);
        cJSON_Delete(json);
    }
}

/* What nothing measured stands behind is called assumed wherever it is shown, and no sample size is claimed for it. */
static void test_assumed_times_are_called_so(void **state)
{
    struct example *example = *state;
    build_with_timing_from(example, "{\"boot\":\"assumed\",\"ssh\":\"assumed\"}");
    example_build(example);
    for (size_t i = 0; i < ARRAY_LENGTH(WRITERS); i++) {
        const char *text = page_of(example, WRITERS[i]);
        assert_says(text, "assumed: nothing measured stands");
        assert_says(text, "the boot and the wait for SSH");
        assert_says(text, "(n = 0)");
        assert_says_not(text, "n = 1");
        assert_says_not(text, "at this scale of time");
    }
    build_with_timing_from(example, "{\"boot\":\"measured\",\"ssh\":\"assumed\"}");
    example_build(example);
    for (size_t i = 0; i < ARRAY_LENGTH(WRITERS); i++) {
        const char *text = page_of(example, WRITERS[i]);
        assert_says(text, "replayed, n = 1");
        assert_says(text, "assumed here: the wait for SSH.");
    }
}

/* ---- Journeys other than check ------------------------------------------------------------------------------------------ */

/* A reap tells what it decided and why, what it looked at, and how long it took from its first event to its last. */
static void test_a_reap_tells_what_it_did(void **state)
{
    struct example *example = *state;
    static const char *const expected[] = {"Decisions",       "the run that rented it is dead",
                                           "dumont-run-1",    "dumont-run-0-0",
                                           "29441924",        "Machines looked at",
                                           "no longer exist", "3.00 s from the first event to the last"};
    static const char *const unexpected[] = {"Time distribution", "Bottleneck",   "Comparison", "Viability",
                                             "Failover",          "status polls", "eight"};
    ADD_LINES(&example->history, REAP);
    example_build(example);
    for (size_t w = 0; w < ARRAY_LENGTH(WRITERS); w++) {
        const char *text = page_of(example, WRITERS[w]);
        for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
            assert_says(text, expected[i]);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(unexpected); i++) {
            assert_says_not(text, unexpected[i]);
        }
    }
}

/* The same as figures: times count from the start of the run, and a machine whose id is unknown keeps its label. */
static void test_the_json_of_a_reap_has_its_decisions(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, REAP);
    cJSON *json = json_of(example);
    assert_number(json, "total_seconds", 3);
    assert_number(json, "phases.0.start_seconds", 1);
    assert_int_equal(cJSON_GetArraySize(at(json, "decisions")), 2);
    assert_number(json, "decisions.0.at_seconds", 1);
    assert_text(json, "decisions.0.what", "reap");
    assert_text(json, "decisions.0.why", "the run that rented it is dead");
    assert_number(json, "decisions.0.instance", 29441924);
    assert_text(json, "decisions.0.label", "dumont-run-1");
    assert_true(cJSON_IsNull(at(json, "decisions.1.instance")));
    assert_int_equal(cJSON_GetArraySize(at(json, "machines_looked_at")), 1);
    assert_number(json, "machines_looked_at.0.looks", 2);
    assert_number(json, "machines_looked_at.0.last_look_at_seconds", 1.9);
    assert_true(cJSON_IsTrue(at(json, "machines_looked_at.0.gone")));
    assert_true(cJSON_IsNull(at(json, "machines_left.0.id")));
    assert_text(json, "machines_left.0.label", "dumont-run-0-0");
    cJSON_Delete(json);
}

/* A reap that found nothing says so; it is not an empty page. */
static void test_a_reap_without_decisions_says_so(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        {0, "client.start", "", "{\"journey\":\"reap\"}"},
        {500000, "client.report", "", "{\"outcome\":\"done\",\"exit_status\":0}"},
    };
    ADD_LINES(&example->history, lines);
    example_build(example);
    for (size_t i = 0; i < ARRAY_LENGTH(WRITERS); i++) {
        const char *text = page_of(example, WRITERS[i]);
        assert_says(text, "None: nothing was found that called for one.");
        assert_says(text, "0.50 s from the first event");
        assert_says_not(text, "timeline.svg");
    }
}

/* A check that went as planned does not list its decisions; one that adopted a machine, or failed, does. */
static void test_a_check_lists_decisions_when_they_matter(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *what, *outcome;
        bool listed;
    } cases[] = {{"create", "done", false}, {"adopt", "done", true}, {"create", "failed", true}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char decision[128];
        char end[128];
        assert_true(text_format(decision, sizeof decision, "{\"what\":\"%s\",\"why\":\"the reason\"}", cases[i].what));
        assert_true(text_format(end, sizeof end, "{\"outcome\":\"%s\",\"exit_status\":0}", cases[i].outcome));
        const struct example_line lines[] = {
            {0, "client.start", "", EXAMPLE_START},
            {1000000, "client.decide", "{\"label\":\"dumont-run-1\"}", decision},
            {2000000, "client.report", "", end},
        };
        buffer_clear(&example->history.text);
        ADD_LINES(&example->history, lines);
        report_release(example->heap, example->report);
        example_build(example);
        for (size_t w = 0; w < ARRAY_LENGTH(WRITERS); w++) {
            const char *text = page_of(example, WRITERS[w]);
            assert_int_equal(strstr(text, "the reason") != NULL, cases[i].listed);
        }
    }
}

/* Decisions and machines beyond the bounds are counted, and the page says that there are more. */
static void test_decisions_beyond_the_bound_are_counted(void **state)
{
    struct example *example = *state;
    static const struct example_line start[] = {{0, "client.start", "", "{\"journey\":\"reap\"}"}};
    ADD_LINES(&example->history, start);
    for (int i = 0; i < REPORT_DECISIONS_MAX + 5; i++) {
        char ids[64];
        assert_true(text_format(ids, sizeof ids, "{\"instance\":%d}", i + 1));
        const struct example_line lines[] = {
            {1, "client.decide", ids, "{\"what\":\"reap\",\"why\":\"w\"}"},
            {1, "inst.seen", ids, "{\"gone\":true}"},
        };
        ADD_LINES(&example->history, lines);
    }
    cJSON *json = json_of(example);
    assert_int_equal(cJSON_GetArraySize(at(json, "decisions")), REPORT_DECISIONS_MAX);
    assert_int_equal(cJSON_GetArraySize(at(json, "machines_looked_at")), REPORT_SIGHTINGS_MAX);
    assert_number(json, "rows_omitted", 5 + REPORT_DECISIONS_MAX + 5 - REPORT_SIGHTINGS_MAX);
    cJSON_Delete(json);
    assert_says(page_of(example, report_write_text), "And 5 more");
}

/* ---- Events that were not delivered ------------------------------------------------------------------------------------- */

/* Why events were not delivered is told once, with their number, whether the table was missing or the store did not answer. */
static void test_undelivered_events_are_told_once(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *fault, *undelivered, *expected;
    } cases[] = {
        {"{\"fault\":\"missing-table\",\"text\":\"events store: no relation\"}",
         "{\"error\":\"store_table_missing\",\"sqlstate\":\"42P01\"}",
         "2 of 2 lifecycle events were not delivered: the events store has no table webhook_configs (SQLSTATE 42P01). "
         "Cure: dumont events migrate"},
        {"{\"fault\":\"pg-unavailable\",\"text\":\"events store: no answer\"}",
         "{\"error\":\"store_unavailable\",\"sqlstate\":\"\"}",
         "2 of 2 lifecycle events were not delivered: events store: no answer"},
        {"{\"fault\":\"pg-read-only\",\"text\":\"events store: read-only\"}",
         "{\"error\":\"store_unavailable\",\"sqlstate\":\"25006\"}",
         "2 of 2 lifecycle events were not delivered: events store: read-only"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        const struct example_line lines[] = {
            {0, "client.start", "", EXAMPLE_START},
            {1, "event.emitted", "{\"event\":\"e-1\"}", ""},
            {1, "fault.seen", "", cases[i].fault},
            {1, "event.undelivered", "{\"event\":\"e-1\"}", cases[i].undelivered},
            {2, "event.emitted", "{\"event\":\"e-2\"}", ""},
            {2, "event.undelivered", "{\"event\":\"e-2\"}", cases[i].undelivered},
        };
        buffer_clear(&example->history.text);
        buffer_clear(&example->out);
        report_release(example->heap, example->report);
        example->report = NULL;
        ADD_LINES(&example->history, lines);
        cJSON *json = json_of(example);
        assert_int_equal(cJSON_GetArraySize(at(json, "issues_found")), 1);
        assert_text(json, "issues_found.0.text", cases[i].expected);
        assert_int_equal(cJSON_GetArraySize(at(json, "faults_seen")), 1);
        cJSON_Delete(json);
    }
}

/* An event that waits is told as waiting, and one that was stored after all is not told; a run's own count has the last word. */
static void test_events_that_wait_are_told_as_waiting(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        {0, "client.start", "", EXAMPLE_START},
        {1, "event.emitted", "{\"event\":\"e-1\"}", ""},
        {1, "event.spooled", "{\"event\":\"e-1\"}", "{\"error\":\"store_unavailable\",\"sqlstate\":\"57P03\"}"},
        {2, "event.emitted", "{\"event\":\"e-2\"}", ""},
        {2, "event.spooled", "{\"event\":\"e-2\"}", "{\"error\":\"store_unavailable\",\"sqlstate\":\"57P03\"}"},
        {3, "event.stored", "{\"event\":\"e-0\"}", "{\"subscribers\":0}"},
        {3, "event.stored", "{\"event\":\"e-1\"}", "{\"subscribers\":0,\"waited\":true}"},
    };
    ADD_LINES(&example->history, lines);
    cJSON *json = json_of(example);
    assert_number(json, "events.undelivered", 1);
    assert_number(json, "events.spooled", 1);
    assert_text(json, "issues_found.0.text",
                "1 of 2 lifecycle events were not delivered: store_unavailable (57P03); 1 wait in the state folder");
    cJSON_Delete(json);
    assert_says(page_of(example, report_write_text), "2 emitted, 1 not delivered (1 spooled)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMPLE_TEST(test_only_measured_times_are_replayed),
        EXAMPLE_TEST(test_assumed_times_are_called_so),
        EXAMPLE_TEST(test_a_reap_tells_what_it_did),
        EXAMPLE_TEST(test_the_json_of_a_reap_has_its_decisions),
        EXAMPLE_TEST(test_a_reap_without_decisions_says_so),
        EXAMPLE_TEST(test_a_check_lists_decisions_when_they_matter),
        EXAMPLE_TEST(test_decisions_beyond_the_bound_are_counted),
        EXAMPLE_TEST(test_undelivered_events_are_told_once),
        EXAMPLE_TEST(test_events_that_wait_are_told_as_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
