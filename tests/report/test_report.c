#include "testing.h"

#include <string.h>

#include "example_histories.h"
#include "json_checks.h"

/* The recorded run gives the recorded phases, in order, each exact, and its total. */
static void test_the_recorded_run_gives_its_phases(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *name;
        double start, seconds;
    } expected[] = {
        {"search_offers", 0, 1.26},        {"create_instance", 1.26, 1.59},  {"wait_running", 2.85, 72.77},
        {"wait_ssh", 75.62, 12.36},        {"create_file", 87.98, 4.18},     {"verify_file", 92.16, 2.13},
        {"collect_gpu_info", 94.29, 4.21}, {"destroy_instance", 98.5, 0.48},
    };
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_int_equal(cJSON_GetArraySize(at(json, "phases")), ARRAY_LENGTH(expected));
    for (int i = 0; i < (int)ARRAY_LENGTH(expected); i++) {
        const cJSON *phase = cJSON_GetArrayItem(at(json, "phases"), i);
        assert_text(phase, "name", expected[i].name);
        assert_number(phase, "start_seconds", expected[i].start);
        assert_number(phase, "seconds", expected[i].seconds);
        assert_text(phase, "outcome", "ok");
    }
    assert_number(json, "total_seconds", 98.98);
    assert_number(json, "unitemised_seconds", 0);
    assert_int_equal(cJSON_GetArraySize(at(json, "extra_phases")), 2);
    assert_number(json, "extra_phases.0.start_seconds", -0.5);
    assert_text(json, "outcome", "done");
    assert_true(cJSON_IsNull(at(json, "error")));
    cJSON_Delete(json);
}

/* Status polls and SSH attempts count from the start of their phase; JSON null stays null. */
static void test_polls_and_attempts_stand_where_they_were(void **state)
{
    struct example *example = *state;
    static const double polls[] = {0.35, 10.69, 21.04, 31.38, 41.73, 52.08, 62.42, 72.77};
    static const char *const statuses[] = {NULL,      NULL,      "loading", "loading",
                                           "loading", "loading", "loading", "running"};
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_int_equal(cJSON_GetArraySize(at(json, "status_timeline")), ARRAY_LENGTH(polls));
    for (int i = 0; i < (int)ARRAY_LENGTH(polls); i++) {
        const cJSON *poll = cJSON_GetArrayItem(at(json, "status_timeline"), i);
        assert_number(poll, "at_seconds", polls[i]);
        if (statuses[i] == NULL) {
            assert_true(cJSON_IsNull(at(poll, "actual_status")));
        } else {
            assert_text(poll, "actual_status", statuses[i]);
        }
    }
    assert_int_equal(cJSON_GetArraySize(at(json, "ssh_attempts")), 2);
    assert_number(json, "ssh_attempts.0.at_seconds", 0);
    assert_number(json, "ssh_attempts.0.seconds", 0.26);
    assert_text(json, "ssh_attempts.0.outcome", "connection_refused");
    assert_number(json, "ssh_attempts.1.at_seconds", 10.26);
    assert_number(json, "ssh_attempts.1.seconds", 2.1);
    assert_text(json, "ssh_attempts.1.outcome", "ok");
    cJSON_Delete(json);
}

/*
 * Both costs follow their rule: whole time times price; and GPU from running (by the uptime: 4 s before the poll that saw it) to
 * destroyed, disk from created to destroyed, whose middles are at 2.555 s and 99.24 s.
 */
static void test_costs_follow_both_rules(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_number(json, "cost.recorded_rule_usd", 0.004643812);
    assert_text(json, "cost.items.0.what", "GPU");
    assert_number(json, "cost.items.0.quantity", 99.24 - 72.12);
    assert_number(json, "cost.items.0.price_usd_per_hour", 0.163344444);
    assert_number(json, "cost.items.0.usd", 0.001230528);
    assert_text(json, "cost.items.1.what", "disk");
    assert_number(json, "cost.items.1.quantity", 99.24 - 2.555);
    assert_number(json, "cost.items.1.price_usd_per_hour", 0.005555556);
    assert_number(json, "cost.items.1.usd", 0.000149205);
    assert_number(json, "cost.billed_usd", 0.001379733);
    assert_true(cJSON_IsTrue(at(json, "cost.billed_final")));
    assert_true(cJSON_IsTrue(at(json, "cost.running_from_uptime")));
    assert_number(json, "cost.account.difference_usd", 0.001379731);
    assert_true(cJSON_IsTrue(at(json, "cost.account.agrees_with_billed")));
    cJSON_Delete(json);
}

/* The comparison charges the same time at the list prices, and the ratio is that of the prices. */
static void test_the_comparison_uses_the_same_time(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_text(json, "cost.comparison.0.provider", "AWS");
    assert_number(json, "cost.comparison.0.usd", 0.027659411);
    assert_number(json, "cost.comparison.0.ratio", 5.956);
    assert_number(json, "cost.comparison.1.usd", 0.100987094);
    assert_number(json, "cost.comparison.2.usd", 0.084133);
    cJSON_Delete(json);
}

/* The projection takes from the run what it has, says so, and keeps the quoted ranges beside it. */
static void test_the_projection_says_where_it_comes_from(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_text(json, "failover_projection.phases.0.provenance", "quoted");
    assert_text(json, "failover_projection.phases.1.provenance", "replayed");
    assert_number(json, "failover_projection.phases.1.low_seconds", 74.36);
    assert_number(json, "failover_projection.phases.1.n", 1);
    assert_number(json, "failover_projection.phases.0.n", 0);
    assert_number(json, "failover_projection.phases.2.high_seconds", 12.36);
    assert_text(json, "failover_projection.phases.3.provenance", "quoted");
    assert_number(json, "failover_projection.total_low_seconds", 126.72);
    assert_number(json, "failover_projection.total_high_seconds", 176.72);
    assert_number(json, "failover_projection.quoted_total_low_seconds", 110);
    assert_number(json, "failover_projection.quoted_total_high_seconds", 195);
    assert_number(json, "failover_projection.quoted_cost_low_usd", 0.005160833);
    assert_number(json, "failover_projection.quoted_cost_high_usd", 0.00914875);
    assert_true(cJSON_IsNull(at(json, "failover_projection.data_loss")));
    cJSON_Delete(json);
}

/* Times that a scenario's author chose and those of a fake cloud are assumed, not measured; a live world's are measured. */
static void test_provenance_follows_the_world(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *start;
        enum step_provenance expected;
    } worlds[] = {
        {"{\"journey\":\"check\",\"world\":\"virtual\",\"timing\":\"scenario\"}", STEP_ASSUMED},
        {"{\"journey\":\"check\",\"world\":\"virtual\",\"timing\":\"some-run\"}", STEP_REPLAYED},
        {"{\"journey\":\"check\",\"world\":\"virtual\",\"timing\":\"defaults\"}", STEP_ASSUMED},
        {"{\"journey\":\"check\",\"world\":\"sockets\"}", STEP_ASSUMED},
        {"{\"journey\":\"check\",\"world\":\"live\"}", STEP_MEASURED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(worlds); i++) {
        const struct example_line lines[] = {
            {0, "client.start", "", worlds[i].start},
            EXAMPLE_PHASE("create_instance", 0, 1000000),
            EXAMPLE_PHASE("wait_running", 1000000, 4000000),
        };
        buffer_clear(&example->history.text);
        ADD_LINES(&example->history, lines);
        example_build(example);
        assert_int_equal(example->report->projection[1].provenance, worlds[i].expected);
        assert_int_equal(example->report->projection[1].low_us, 4000000);
        report_release(example->heap, example->report);
        example->report = NULL;
    }
}

/* What was logged and seen in the same words is one issue; the missing table is told once, with the number of events lost to it. */
static void test_issues_are_told_once(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_int_equal(cJSON_GetArraySize(at(json, "issues_found")), 3);
    assert_text(json, "issues_found.0.text", "the machine was slow");
    assert_non_null(strstr(at(json, "issues_found.1.text")->valuestring, "null in 2 of 8 polls"));
    assert_non_null(strstr(at(json, "issues_found.2.text")->valuestring, "dumont events migrate"));
    assert_text(json, "faults_seen.0.fault", "missing-table");
    assert_number(json, "faults_seen.0.count", 1);
    assert_number(json, "events.undelivered", 1);
    cJSON_Delete(json);
}

/* Offer, machine, GPU and run stand in the report as the history has them. */
static void test_resources_are_those_of_the_history(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *json = json_of(example);
    assert_number(json, "schema_version", 1);
    assert_number(json, "seed", 7);
    assert_number(json, "offers_found", 64);
    assert_number(json, "offer.id", 29292839);
    assert_number(json, "offer.price_usd_per_hour", 0.1689);
    assert_number(json, "offer.reliability", 0.994);
    assert_number(json, "instance.id", 29441924);
    assert_text(json, "instance.ssh_host", "ssh2.vast.ai");
    assert_number(json, "instance.ssh_port", 11924);
    assert_text(json, "gpu.name", "NVIDIA GeForce RTX 4090");
    assert_number(json, "gpu.memory_total_mib", 24564);
    assert_int_equal(cJSON_GetArraySize(at(json, "validations")), 2);
    assert_int_equal(cJSON_GetArraySize(at(json, "machines_left")), 0);
    cJSON_Delete(json);
}

/* A boot that failed: the phases that ran, the error, the machine left, and a bill that is not final. */
static void test_a_failed_boot_reports_what_ran(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, FAILED_BOOT);
    cJSON *json = json_of(example);
    assert_text(json, "outcome", "failed");
    assert_text(json, "error.code", "machine_left");
    assert_number(json, "exit_status", 8);
    assert_int_equal(cJSON_GetArraySize(at(json, "phases")), 4);
    assert_text(json, "phases.2.outcome", "boot_deadline");
    assert_text(json, "phases.3.name", "destroy_instance");
    assert_number(json, "machines_left.0.id", 29441924);
    assert_number(json, "machines_left.0.usd_per_hour", 0.1689);
    assert_text(json, "machines_left.0.command", "dumont destroy 29441924");
    assert_true(cJSON_IsFalse(at(json, "cost.billed_final")));
    assert_number(json, "cost.items.0.usd", 0);
    assert_number(json, "cost.items.1.quantity", 603.85 - 2.555);
    assert_number(json, "requests.failed", 1);
    assert_text(json, "failover_projection.phases.1.provenance", "quoted");
    cJSON_Delete(json);
}

/* A client that was killed cannot say what it leaves: its history can. Without an uptime running began in the middle. */
static void test_a_killed_run_names_the_machine_it_left(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, KILLED);
    cJSON *json = json_of(example);
    assert_text(json, "outcome", "killed");
    assert_text(json, "phases.2.outcome", "unfinished");
    assert_number(json, "phases.2.seconds", 22);
    assert_non_null(strstr(at(json, "error.message")->valuestring, "wait_running"));
    assert_non_null(strstr(at(json, "error.next_step")->valuestring, "dumont reap"));
    assert_number(json, "machines_left.0.id", 29441924);
    assert_text(json, "machines_left.0.command", "dumont destroy 29441924");
    assert_true(cJSON_IsFalse(at(json, "cost.running_from_uptime")));
    assert_number(json, "cost.items.0.quantity", 25.35 - 18.35);
    cJSON_Delete(json);
}

/* Killed between a create and its answer: there may be a machine, and the report says how to find it. */
static void test_a_create_under_way_counts_as_a_machine_left(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, KILLED_IN_CREATE);
    cJSON *json = json_of(example);
    assert_true(cJSON_IsNull(at(json, "machines_left.0.id")));
    assert_text(json, "machines_left.0.label", "dumont-run-1");
    assert_text(json, "machines_left.0.command", "dumont reap --yes");
    assert_true(cJSON_IsFalse(at(json, "cost.billed_final")));
    cJSON_Delete(json);
}

/* A machine that was seen to be gone before the kill is not left. */
static void test_a_machine_seen_gone_is_not_left(void **state)
{
    struct example *example = *state;
    add_lines(&example->history, SEED_RUN, ARRAY_LENGTH(SEED_RUN) - 3);
    cJSON *json = json_of(example);
    assert_text(json, "outcome", "unfinished");
    assert_int_equal(cJSON_GetArraySize(at(json, "machines_left")), 0);
    cJSON_Delete(json);
}

/* An empty history is an answer too: nothing happened. */
static void test_an_empty_history_gives_an_empty_report(void **state)
{
    struct example *example = *state;
    cJSON *json = json_of(example);
    assert_text(json, "outcome", "unfinished");
    assert_int_equal(cJSON_GetArraySize(at(json, "phases")), 0);
    assert_number(json, "total_seconds", 0);
    assert_true(cJSON_IsNull(at(json, "offer")));
    cJSON_Delete(json);
}

/* Of several runs in one history the last one is reported. */
static void test_the_last_run_of_a_history_is_reported(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, KILLED);
    ADD_LINES(&example->history, SEED_RUN);
    example_build(example);
    assert_string_equal(example->report->outcome, "done");
    assert_int_equal(example->report->poll_count, 8);
    assert_int_equal(example->report->machine_count, 1);
}

/* What the cloud knows does not stand in a report: it is the client's story. */
static void test_the_cloud_stream_changes_nothing(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    example_build(example);
    report_write_json(example->report, &example->out);
    char *before = heap_alloc(example->heap, example->out.length + 1);
    memcpy(before, buffer_text(&example->out), example->out.length + 1);
    report_release(example->heap, example->report);
    buffer_clear(&example->out);
    history_add(&example->history, 0, HISTORY_CLOUD, "dumont", "client.start", span_of(""), span_of(EXAMPLE_START));
    history_add(&example->history, INT64_C(900000000000), HISTORY_CLOUD, "market", "inst.bill",
                span_of("{\"instance\":29441924}"), span_of("{\"amount_nusd\":5}"));
    example_build(example);
    report_write_json(example->report, &example->out);
    assert_string_equal(buffer_text(&example->out), before);
    heap_release(example->heap, before);
}

/* A line that is no event is refused with its number, and nothing is left behind. */
static void test_garbage_is_refused(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, KILLED);
    buffer_append_text(&example->history.text, "garbage\n");
    enum error_code code = report_build(example->heap, text_of(&example->history), &example->report, &example->error);
    assert_int_equal(code, ERR_INPUT_INVALID);
    assert_null(example->report);
    assert_non_null(strstr(example->error.message, "line"));
}

/* Members of another type, huge numbers and texts without end neither crash nor overflow anything. */
static void test_hostile_members_are_survived(void **state)
{
    struct example *example = *state;
    static const char *const values[] = {"null",
                                         "-9223372036854775808",
                                         "9223372036854775807",
                                         "1e400",
                                         "\"\\u0000\"",
                                         "[[],{}]",
                                         "{\"a\":{\"b\":[]}}",
                                         "true",
                                         "\"\\u001b[31m\\n|\\u009b\""};
    static const char *const names[] = {"name",
                                        "outcome",
                                        "extra",
                                        "found",
                                        "price_nusd_per_hour",
                                        "storage_nusd_per_gb_month",
                                        "uptime_us",
                                        "actual_status",
                                        "gone",
                                        "error",
                                        "machines_left",
                                        "credit_nusd",
                                        "options",
                                        "seed",
                                        "speed",
                                        "text",
                                        "what",
                                        "why",
                                        "label",
                                        "timing_from",
                                        "status",
                                        "gpu_name",
                                        "started_unix_us",
                                        "reliability_millionths"};
    for (size_t i = 0; i < ARRAY_LENGTH(SEED_RUN); i++) {
        for (size_t v = 0; v < ARRAY_LENGTH(values); v++) {
            char data[2048] = "{";
            struct buffer buffer;
            buffer_init_fixed(&buffer, data, sizeof data);
            buffer_append_char(&buffer, '{');
            for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
                buffer_printf(&buffer, "%s\"%s\":%s", n == 0 ? "" : ",", names[n], values[v]);
            }
            buffer_append_char(&buffer, '}');
            struct example_line line = SEED_RUN[i];
            line.data = data;
            add_lines(&example->history, &line, 1);
        }
    }
    cJSON *json = json_of(example);
    cJSON_Delete(json);
    buffer_clear(&example->out);
    report_write_text(example->report, &example->out);
    report_write_markdown(example->report, true, &example->out);
    assert_null(strchr(buffer_text(&example->out), '\x1b'));
}

/* More rows than a report holds are counted, not written beyond its bounds. */
static void test_rows_beyond_the_bounds_are_counted(void **state)
{
    struct example *example = *state;
    static const struct example_line rows[] = {
        {2, "inst.seen", "{\"instance\":1}", "{\"actual_status\":\"loading\"}"},
        {2, "ssh.open", "{\"ssh\":1}", ""},
        {2, "validation", "", "{\"name\":\"v\",\"passed\":true}"},
    };
    static const struct example_line begin[] = {EXAMPLE_BEGIN(1, "wait_running")};
    for (int64_t i = 0; i < 600; i++) {
        char ids[64];
        char data[64];
        assert_true(text_format(ids, sizeof ids, "{\"instance\":%d}", (int)i));
        assert_true(text_format(data, sizeof data, "{\"fault\":\"f%d\",\"text\":\"t%d\"}", (int)i, (int)i));
        const struct example_line line[] = {{1, "inst.created", ids, ""}, {1, "fault.seen", "", data}};
        ADD_LINES(&example->history, line);
    }
    for (int i = 0; i < 600; i++) {
        ADD_LINES(&example->history, begin);
        ADD_LINES(&example->history, rows);
    }
    cJSON *json = json_of(example);
    double omitted = 600 * 6 - REPORT_MACHINES_MAX - REPORT_FAULTS_MAX - REPORT_PHASES_MAX - REPORT_POLLS_MAX -
                     REPORT_SESSIONS_MAX - REPORT_VALIDATIONS_MAX;
    assert_number(json, "rows_omitted", omitted);
    cJSON_Delete(json);
}

/* Two machines in one run are billed each, and the item says which. */
static void test_each_machine_is_billed(void **state)
{
    struct example *example = *state;
    static const struct example_line lines[] = {
        {0, "client.start", "", EXAMPLE_START},
        {0, "offer.chosen", "{\"offer\":1}", "{\"price_nusd_per_hour\":3600000000}"},
        {1000000, "inst.created", "{\"instance\":11}", ""},
        {2000000, "inst.seen", "{\"instance\":11}", "{\"actual_status\":\"running\",\"uptime_us\":0}"},
        {4000000, "inst.seen", "{\"instance\":11}", "{\"actual_status\":\"offline\"}"},
        {5000000, "inst.seen", "{\"instance\":11}", "{\"gone\":true}"},
        {5000000, "offer.chosen", "{\"offer\":2}", "{\"price_nusd_per_hour\":7200000000}"},
        {6000000, "inst.created", "{\"instance\":22}", ""},
        {8000000, "inst.seen", "{\"instance\":22}", "{\"actual_status\":\"running\"}"},
        {9000000, "inst.seen", "{\"instance\":22}", "{\"gone\":true}"},
    };
    ADD_LINES(&example->history, lines);
    cJSON *json = json_of(example);
    assert_text(json, "cost.items.0.what", "GPU of 11");
    assert_number(json, "cost.items.0.usd", 0.001); /* 2 s to the middle between running and offline */
    assert_text(json, "cost.items.2.what", "GPU of 22");
    assert_number(json, "cost.items.2.usd", 0.004); /* from the middle between 6 s and 8 s, to 9 s */
    assert_number(json, "cost.billed_usd", 0.005);
    cJSON_Delete(json);
}

/* Every allocation may fail: the report is whole or an error, and nothing leaks. */
static void test_building_survives_every_failed_allocation(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    bool whole = false;
    for (uint64_t nth = 1; !whole; nth++) {
        heap_fail_at(example->heap, nth, nth % 2 == 0);
        enum error_code code =
            report_build(example->heap, text_of(&example->history), &example->report, &example->error);
        whole = code == ERR_OK;
        if (whole) {
            report_write_text(example->report, &example->out);
            report_write_markdown(example->report, true, &example->out);
            report_write_json(example->report, &example->out);
            whole = !example->out.failed;
        } else {
            assert_int_equal(code, ERR_NO_MEMORY);
            assert_null(example->report);
        }
        heap_fail_at(example->heap, 0, false);
        report_release(example->heap, example->report);
        example->report = NULL;
        buffer_release(&example->out);
        assert_true(nth < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMPLE_TEST(test_the_recorded_run_gives_its_phases),
        EXAMPLE_TEST(test_polls_and_attempts_stand_where_they_were),
        EXAMPLE_TEST(test_costs_follow_both_rules),
        EXAMPLE_TEST(test_the_comparison_uses_the_same_time),
        EXAMPLE_TEST(test_the_projection_says_where_it_comes_from),
        EXAMPLE_TEST(test_provenance_follows_the_world),
        EXAMPLE_TEST(test_issues_are_told_once),
        EXAMPLE_TEST(test_resources_are_those_of_the_history),
        EXAMPLE_TEST(test_a_failed_boot_reports_what_ran),
        EXAMPLE_TEST(test_a_killed_run_names_the_machine_it_left),
        EXAMPLE_TEST(test_a_create_under_way_counts_as_a_machine_left),
        EXAMPLE_TEST(test_a_machine_seen_gone_is_not_left),
        EXAMPLE_TEST(test_an_empty_history_gives_an_empty_report),
        EXAMPLE_TEST(test_the_last_run_of_a_history_is_reported),
        EXAMPLE_TEST(test_the_cloud_stream_changes_nothing),
        EXAMPLE_TEST(test_garbage_is_refused),
        EXAMPLE_TEST(test_hostile_members_are_survived),
        EXAMPLE_TEST(test_rows_beyond_the_bounds_are_counted),
        EXAMPLE_TEST(test_each_machine_is_billed),
        EXAMPLE_TEST(test_building_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
