/*
 * The recorded run comes back from its recording, phase by phase.
 */
#include <cjson/cJSON.h>
#include <math.h>

#include "report/record.h"
#include "stage.h"

static const struct {
    const char *name;
    double seconds;
} recorded_phases[] = {
    {"search_offers", 1.26}, {"create_instance", 1.59}, {"wait_running", 72.77},    {"wait_ssh", 12.36},
    {"create_file", 4.18},   {"verify_file", 2.13},     {"collect_gpu_info", 4.21}, {"destroy_instance", 0.48},
};

static cJSON *report_json(struct stage *stage)
{
    struct buffer text;
    buffer_init(&text, stage->heap, 1 << 20);
    report_write_json(stage_report(stage), &text);
    cJSON *json = cJSON_Parse(buffer_text(&text));
    assert_non_null(json);
    return json;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void assert_near(double found, double expected, double tolerance)
{
    if (fabs(found - expected) > tolerance) {
        fail_msg("found %.9f, expected %.9f within %g", found, expected, tolerance);
    }
}

/* Every phase of the recorded run is brought back within 0.02 s, and the total is their sum. */
static void test_the_recorded_phases_come_back(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    cJSON *json = report_json(&stage);
    const cJSON *phases = cJSON_GetObjectItemCaseSensitive(json, "phases");
    assert_int_equal(cJSON_GetArraySize(phases), ARRAY_LENGTH(recorded_phases));
    for (size_t i = 0; i < ARRAY_LENGTH(recorded_phases); i++) {
        const cJSON *phase = cJSON_GetArrayItem(phases, (int)i);
        assert_string_equal(cJSON_GetObjectItem(phase, "name")->valuestring, recorded_phases[i].name);
        assert_near(number(phase, "seconds"), recorded_phases[i].seconds, 0.02);
    }
    assert_near(number(json, "total_seconds"), 98.98, 0.02);
    assert_near(number(json, "unitemised_seconds"), 0, 0.000001);
    assert_near(number(cJSON_GetObjectItem(json, "cost"), "recorded_rule_usd"), 0.004644, 0.000001);
    assert_int_equal(stage.result.status, EXIT_DONE);
    cJSON_Delete(json);
    stage_close(&stage);
}

/* The eight polls are seen at the recorded moments: null, null, loading five times, running. */
static void test_the_recorded_polls_come_back(void **state)
{
    (void)state;
    static const double moments[] = {0.35, 10.69, 21.04, 31.38, 41.73, 52.08, 62.42, 72.77};
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    cJSON *json = report_json(&stage);
    const cJSON *polls = cJSON_GetObjectItemCaseSensitive(json, "status_timeline");
    assert_int_equal(cJSON_GetArraySize(polls), ARRAY_LENGTH(moments));
    for (size_t i = 0; i < ARRAY_LENGTH(moments); i++) {
        const cJSON *poll = cJSON_GetArrayItem(polls, (int)i);
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(poll, "actual_status");
        assert_near(number(poll, "at_seconds"), moments[i], 0.02);
        assert_true(i < 2 ? cJSON_IsNull(status) : cJSON_IsString(status));
        if (i >= 2) {
            assert_string_equal(status->valuestring, i < 7 ? "loading" : "running");
        }
    }
    cJSON_Delete(json);
    stage_close(&stage);
}

/* Two SSH attempts: refused after 0.26 s, then good. */
static void test_the_recorded_ssh_attempts_come_back(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    cJSON *json = report_json(&stage);
    const cJSON *attempts = cJSON_GetObjectItemCaseSensitive(json, "ssh_attempts");
    assert_int_equal(cJSON_GetArraySize(attempts), 2);
    const cJSON *first = cJSON_GetArrayItem(attempts, 0);
    const cJSON *second = cJSON_GetArrayItem(attempts, 1);
    assert_string_equal(cJSON_GetObjectItem(first, "outcome")->valuestring, "connection_refused");
    assert_near(number(first, "seconds"), 0.26, 0.02);
    assert_string_equal(cJSON_GetObjectItem(second, "outcome")->valuestring, "ok");
    assert_near(number(second, "at_seconds"), 10.26, 0.02);
    cJSON_Delete(json);
    stage_close(&stage);
}

/* What the account paid is what the market charged, and the client's own bill agrees with it within 1 % or $0.0001. */
static void test_the_bill_agrees_with_the_market(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    struct report *report = stage_report(&stage);
    assert_int_equal(5 * NUSD_PER_USD - stage.result.credit_nusd, stage.result.charged_nusd);
    assert_true(llabs(report->billed_nusd - stage.result.charged_nusd) <= 100000);
    assert_true(report->account.agrees);
    int64_t sum_nusd = 0;
    for (size_t i = 0; i < report->cost_item_count; i++) {
        sum_nusd += report->cost_items[i].nusd;
    }
    assert_int_equal(sum_nusd, report->billed_nusd);
    stage_close(&stage);
}

/* The events store of the recorded run lacks its table, and the run is not a microsecond slower than with it. */
static void test_the_missing_table_costs_no_time(void **state)
{
    (void)state;
    struct stage missing = stage_open("missing-table");
    struct stage there = stage_open("events-migrated");
    stage_play(&missing, (struct rehearsal_variation){0});
    stage_play(&there, (struct rehearsal_variation){0});
    struct report *without = stage_report(&missing);
    struct report *with = stage_report(&there);
    assert_int_equal(without->total_us, with->total_us);
    assert_int_equal(without->phase_count, with->phase_count);
    for (size_t i = 0; i < with->phase_count; i++) {
        assert_int_equal(without->phases[i].duration_us, with->phases[i].duration_us);
    }
    assert_int_equal(without->events_undelivered, without->events_emitted);
    assert_true(without->events_emitted > 0);
    assert_int_equal(with->events_undelivered, 0);
    size_t warnings = 0;
    for (size_t i = 0; i < without->fault_count; i++) {
        if (strcmp(without->faults[i].id, "missing-table") == 0) {
            warnings += (size_t)without->faults[i].count;
            assert_non_null(strstr(without->faults[i].text, "dumont events migrate"));
        }
    }
    assert_int_equal(warnings, 1);
    stage_close(&missing);
    stage_close(&there);
}

/* A client that looks more often sees the machine run earlier: the boot was not the recorded wait. */
static void test_a_shorter_poll_shortens_the_wait(void **state)
{
    (void)state;
    int64_t waits_us[3];
    static const int64_t polls_ns[] = {10 * NS_PER_S, 5 * NS_PER_S, NS_PER_S};
    for (size_t i = 0; i < ARRAY_LENGTH(polls_ns); i++) {
        struct stage stage = stage_open("seed-run");
        stage.scenario->check.status_poll_ns = polls_ns[i];
        rehearsal_free(stage.rehearsal);
        stage_set(&stage);
        stage_play(&stage, (struct rehearsal_variation){0});
        waits_us[i] = report_phase(stage_report(&stage), "wait_running")->duration_us;
        stage_close(&stage);
    }
    assert_true(waits_us[1] < waits_us[0]);
    assert_true(waits_us[2] < waits_us[1]);
}

/* ---- record(replay(R)) -------------------------------------------------------------------------------------------------- */

static cJSON *record_of(struct stage *stage)
{
    struct buffer text;
    struct error error;
    buffer_init(&text, stage->heap, 1 << 20);
    if (record_from_history(stage->heap, rehearsal_history(stage->rehearsal), &text, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    cJSON *json = cJSON_Parse(buffer_text(&text));
    assert_non_null(json);
    return json;
}

static cJSON *recording_json(struct stage *stage, const char *name)
{
    struct buffer text;
    struct error error;
    buffer_init(&text, stage->heap, 1 << 20);
    assert_int_equal(stage_recording(NULL, name, &text, &error), ERR_OK);
    cJSON *json = cJSON_Parse(buffer_text(&text));
    assert_non_null(json);
    return json;
}

static const cJSON *phase_named(const cJSON *recording, const char *name)
{
    const cJSON *phase;
    cJSON_ArrayForEach(phase, cJSON_GetObjectItem(recording, "phases"))
    {
        if (strcmp(cJSON_GetObjectItem(phase, "name")->valuestring, name) == 0) {
            return phase;
        }
    }
    return NULL;
}

/* Members of an object that both have must agree. Returns how many there are. */
static int compare_members(const cJSON *again, const cJSON *recorded, const char *object, const char *const *names,
                           size_t count)
{
    int compared = 0;
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(again, object);
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(recorded, object);
    for (size_t i = 0; i < count; i++) {
        const cJSON *found = cJSON_GetObjectItemCaseSensitive(a, names[i]);
        const cJSON *expected = cJSON_GetObjectItemCaseSensitive(b, names[i]);
        if (expected == NULL) {
            continue;
        }
        compared++;
        if (found == NULL) {
            fail_msg("%s.%s is lost", object, names[i]);
        } else if (cJSON_IsNumber(expected)) {
            assert_near(found->valuedouble, expected->valuedouble, 0.005);
        } else {
            assert_true(cJSON_Compare(found, expected, true));
        }
    }
    return compared;
}

static const char *const offer_members[] = {
    "offer_id",       "instance_id",         "gpu_name", "num_gpus", "gpu_ram_mib", "price_usd_per_hour", "region",
    "driver_version", "reliability_percent", "ssh_host", "ssh_port"};
static const char *const request_members[] = {"image", "disk_gb", "onstart"};
static const char *const method_members[] = {"status_poll_sleep_s",   "status_get_mean_s",    "ssh_retry_sleep_s",
                                             "ssh_attempt_timeout_s", "running_wait_limit_s", "ssh_wait_limit_s"};
static const char *const total_members[] = {"total_s", "offers_found", "seconds_per_ssh_command"};

/* The phases that a check has, in a recording that has them too: equal to the microsecond. */
static int compare_phases(const cJSON *again, const cJSON *recorded)
{
    int compared = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(recorded_phases); i++) {
        const cJSON *expected = phase_named(recorded, recorded_phases[i].name);
        bool reached = expected != NULL && !cJSON_IsFalse(cJSON_GetObjectItem(expected, "reached"));
        if (reached) {
            assert_near(number(phase_named(again, recorded_phases[i].name), "seconds"), number(expected, "seconds"),
                        0.000002);
            compared++;
        }
    }
    return compared;
}

static void compare_statuses(const cJSON *again, const cJSON *recorded)
{
    const cJSON *expected = cJSON_GetObjectItem(recorded, "status_timeline");
    const cJSON *found = cJSON_GetObjectItem(again, "status_timeline");
    assert_int_equal(cJSON_GetArraySize(found), cJSON_GetArraySize(expected));
    for (int i = 0; i < cJSON_GetArraySize(expected); i++) {
        const cJSON *a = cJSON_GetArrayItem(found, i);
        const cJSON *b = cJSON_GetArrayItem(expected, i);
        assert_near(number(a, "reconstructed_at_s"), number(b, "reconstructed_at_s"), 0.000001);
        assert_true(
            cJSON_Compare(cJSON_GetObjectItem(a, "actual_status"), cJSON_GetObjectItem(b, "actual_status"), true));
    }
}

/* The seed run, replayed and recorded again, is the seed run in every field that a replay determines. */
static void test_the_record_of_a_replay_is_the_recording(void **state)
{
    (void)state;
    struct stage stage = stage_replay("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    cJSON *again = record_of(&stage);
    cJSON *recorded = recording_json(&stage, "seed-run");
    assert_int_equal(compare_phases(again, recorded), 8);
    compare_statuses(again, recorded);
    assert_int_equal(compare_members(again, recorded, "offer", offer_members, ARRAY_LENGTH(offer_members)), 11);
    assert_int_equal(compare_members(again, recorded, "request", request_members, ARRAY_LENGTH(request_members)), 3);
    assert_int_equal(compare_members(again, recorded, "method", method_members, ARRAY_LENGTH(method_members)), 6);
    assert_int_equal(compare_members(again, recorded, "totals", total_members, ARRAY_LENGTH(total_members)), 3);
    cJSON_Delete(again);
    cJSON_Delete(recorded);
    stage_close(&stage);
}

/* Every other recording of a run gives its own phases and its own offer. */
static void test_each_recording_gives_its_own_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int phases;
    } recordings[] = {
        {"chat-arena-rtx3060", 2}, {"chat-arena-rtx3080", 2}, {"b2-snapshot-run", 2}, {"create-destroy", 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(recordings); i++) {
        struct stage stage = stage_replay(recordings[i].name);
        stage_play(&stage, (struct rehearsal_variation){0});
        assert_int_equal(stage.result.status, EXIT_DONE);
        cJSON *again = record_of(&stage);
        cJSON *recorded = recording_json(&stage, recordings[i].name);
        assert_int_equal(compare_phases(again, recorded), recordings[i].phases);
        assert_true(compare_members(again, recorded, "offer", offer_members, ARRAY_LENGTH(offer_members)) >= 3);
        cJSON_Delete(again);
        cJSON_Delete(recorded);
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_recorded_phases_come_back),
        cmocka_unit_test(test_the_recorded_polls_come_back),
        cmocka_unit_test(test_the_recorded_ssh_attempts_come_back),
        cmocka_unit_test(test_the_bill_agrees_with_the_market),
        cmocka_unit_test(test_the_missing_table_costs_no_time),
        cmocka_unit_test(test_a_shorter_poll_shortens_the_wait),
        cmocka_unit_test(test_the_record_of_a_replay_is_the_recording),
        cmocka_unit_test(test_each_recording_gives_its_own_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
