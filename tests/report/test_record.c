#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "example_histories.h"
#include "report/record.h"

static cJSON *read_json(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char text[1 << 18];
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    assert_true(length < sizeof text);
    cJSON *json = cJSON_ParseWithLength(text, length);
    assert_non_null(json);
    return json;
}

static cJSON *record(struct example *example)
{
    enum error_code code =
        record_from_history(example->heap, text_of(&example->history), &example->out, &example->error);
    assert_int_equal(code, ERR_OK);
    cJSON *json = cJSON_Parse(buffer_text(&example->out));
    assert_non_null(json);
    return json;
}

static const cJSON *member(const cJSON *json, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, name);
    assert_non_null(found);
    return found;
}

/* Each of these members of the recording is what the original has. */
static void assert_same_members(const cJSON *made, const cJSON *original, const char *const *names)
{
    for (; *names != NULL; names++) {
        const cJSON *a = member(made, *names);
        const cJSON *b = member(original, *names);
        bool same = cJSON_IsNumber(a) && cJSON_IsNumber(b) ? fabs(a->valuedouble - b->valuedouble) < 1e-9
                                                           : cJSON_Compare(a, b, true);
        if (!same) {
            fail_msg("%s differs from the original", *names);
        }
    }
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The history of the recorded run, written back, is the recording in every field that the run determines. */
static void test_the_recording_of_a_replay_is_the_recording(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *original = read_json(DUMONT_SOURCE_DIR "/recordings/seed-run-2026-01-02.json");
    cJSON *made = record(example);
    assert_same_members(made, original, NAMES("schema_version", "kind"));
    assert_same_members(member(made, "offer"), member(original, "offer"),
                        NAMES("offer_id", "instance_id", "gpu_name", "num_gpus", "gpu_ram_mib", "driver_version",
                              "price_usd_per_hour", "region", "reliability_percent", "ssh_host", "ssh_port"));
    assert_same_members(member(made, "request"), member(original, "request"),
                        NAMES("image", "disk_gb", "runtype", "onstart"));
    assert_same_members(member(member(made, "request"), "filters"), member(member(original, "request"), "filters"),
                        NAMES("gpu_name", "num_gpus", "max_price_usd_per_hour", "min_disk_gb", "min_reliability",
                              "min_inet_down_mbps", "limit"));
    assert_same_members(member(made, "method"), member(original, "method"),
                        NAMES("status_poll_sleep_s", "status_get_mean_s", "ssh_retry_sleep_s", "ssh_attempt_timeout_s",
                              "running_wait_limit_s", "ssh_wait_limit_s"));
    assert_same_members(member(made, "totals"), member(original, "totals"),
                        NAMES("total_s", "offers_found", "seconds_per_ssh_command", "cost_usd_recomputed"));
    cJSON_Delete(original);
    cJSON_Delete(made);
}

/* Phases, SSH commands, the split of the SSH wait, statuses and faults come back too. */
static void test_phases_and_statuses_are_those_of_the_recording(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    cJSON *original = read_json(DUMONT_SOURCE_DIR "/recordings/seed-run-2026-01-02.json");
    cJSON *made = record(example);
    const cJSON *phases = member(made, "phases");
    assert_int_equal(cJSON_GetArraySize(phases), cJSON_GetArraySize(member(original, "phases")));
    for (int i = 0; i < cJSON_GetArraySize(phases); i++) {
        const cJSON *phase = cJSON_GetArrayItem(phases, i);
        const cJSON *recorded = cJSON_GetArrayItem(member(original, "phases"), i);
        assert_same_members(phase, recorded, NAMES("name", "seconds"));
        assert_true(cJSON_IsTrue(member(phase, "measured")));
        if (cJSON_HasObjectItem(recorded, "ssh_commands")) {
            assert_same_members(phase, recorded, NAMES("ssh_commands"));
        }
        if (cJSON_HasObjectItem(recorded, "split")) {
            assert_same_members(member(phase, "split"), member(recorded, "split"),
                                NAMES("failed_attempt_s", "sleep_s", "successful_attempt_s"));
        }
    }
    const cJSON *statuses = member(made, "status_timeline");
    assert_int_equal(cJSON_GetArraySize(statuses), cJSON_GetArraySize(member(original, "status_timeline")));
    for (int i = 0; i < cJSON_GetArraySize(statuses); i++) {
        assert_same_members(cJSON_GetArrayItem(statuses, i), cJSON_GetArrayItem(member(original, "status_timeline"), i),
                            NAMES("reconstructed_at_s", "actual_status", "shown_as"));
    }
    const cJSON *faults = member(made, "faults");
    assert_string_equal(member(cJSON_GetArrayItem(faults, 0), "name")->valuestring, "null_actual_status");
    assert_int_equal(member(cJSON_GetArrayItem(faults, 0), "polls_with_null")->valueint, 2);
    assert_string_equal(member(cJSON_GetArrayItem(faults, 1), "name")->valuestring, "missing_table_webhook_configs");
    cJSON_Delete(original);
    cJSON_Delete(made);
}

/* Only a live run is measured; what a virtual world or a fake gave is called simulated. */
static void test_trust_says_what_the_figures_are(void **state)
{
    struct example *example = *state;
    static const struct {
        const char *start, *trust;
    } worlds[] = {
        {"{\"world\":\"live\"}", "measured"},
        {"{\"world\":\"virtual\",\"timing\":\"seed-run-2026-01-02\"}", "simulated: replay of seed-run-2026-01-02"},
        {"{\"world\":\"virtual\",\"timing\":\"scenario\",\"scenario\":\"slow\"}", "simulated: scenario slow"},
        {"{\"world\":\"sockets\"}", "simulated: a fake cloud"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(worlds); i++) {
        const struct example_line lines[] = {{0, "client.start", "", worlds[i].start},
                                             EXAMPLE_PHASE("search_offers", 0, 1000000)};
        buffer_clear(&example->history.text);
        buffer_clear(&example->out);
        ADD_LINES(&example->history, lines);
        cJSON *made = record(example);
        assert_string_equal(member(made, "trust")->valuestring, worlds[i].trust);
        cJSON_Delete(made);
    }
}

/* A wait with several failed attempts is told by the mean of one, which a replay can repeat. */
static void test_several_failed_attempts_are_told_by_their_mean(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        EXAMPLE_BEGIN(0, "wait_ssh"),
        EXAMPLE_SESSION(0, 1, 200000, "connection_refused"),
        EXAMPLE_SESSION(10200000, 2, 400000, "connection_refused"),
        EXAMPLE_COMMAND(20600000, 3, 2000000),
        EXAMPLE_END(22600000, "wait_ssh", "ok"),
    };
    ADD_LINES(&example->history, lines);
    cJSON *made = record(example);
    const cJSON *split = member(cJSON_GetArrayItem(member(made, "phases"), 0), "split");
    assert_int_equal(member(split, "failed_attempts")->valueint, 2);
    assert_true(fabs(member(split, "failed_attempt_s")->valuedouble - 0.3) < 1e-9);
    assert_true(fabs(member(split, "sleep_s")->valuedouble - 10) < 1e-9);
    assert_null(cJSON_GetObjectItem(split, "successful_attempt_s"));
    cJSON_Delete(made);
}

/* A wait that ended at its limit is a lower bound, and says so. */
static void test_a_wait_that_hit_its_limit_says_so(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, FAILED_BOOT);
    cJSON *made = record(example);
    const cJSON *wait = cJSON_GetArrayItem(member(made, "phases"), 2);
    assert_string_equal(member(wait, "outcome")->valuestring, "boot_deadline");
    assert_true(cJSON_IsTrue(member(wait, "hit_time_limit")));
    cJSON_Delete(made);
}

/* A secret that the history was told to hide stands in none of the texts that are made from it. */
static void test_no_text_holds_a_secret(void **state)
{
    struct example *example = *state;
    static const char key[] = "0123456789abcdef-secret";
    const struct example_line lines[] = {
        {0, "client.start", "", EXAMPLE_START},
        EXAMPLE_PHASE("search_offers", 0, 1000000),
        {0, "log.line", "", "{\"level\":\"error\",\"text\":\"key 0123456789abcdef-secret refused\"}"},
        {0, "fault.seen", "", "{\"fault\":\"x\",\"text\":\"?api_key=0123456789abcdef-secret\"}"},
    };
    assert_true(history_hide(&example->history, key));
    ADD_LINES(&example->history, lines);
    example_build(example);
    report_write_text(example->report, &example->out);
    report_write_markdown(example->report, false, &example->out);
    report_write_json(example->report, &example->out);
    assert_int_equal(report_write_log(text_of(&example->history), &example->out, &example->error), ERR_OK);
    assert_int_equal(record_from_history(example->heap, text_of(&example->history), &example->out, &example->error),
                     ERR_OK);
    assert_null(strstr(buffer_text(&example->out), "secret"));
    assert_non_null(strstr(buffer_text(&example->out), "key [hidden] refused"));
}

/* A history without a run makes no recording; memory that is gone is an error and no leak. */
static void test_what_cannot_be_recorded_is_refused(void **state)
{
    struct example *example = *state;
    enum error_code code =
        record_from_history(example->heap, text_of(&example->history), &example->out, &example->error);
    assert_int_equal(code, ERR_INPUT_INVALID);
    ADD_LINES(&example->history, SEED_RUN);
    for (uint64_t nth = 1; code != ERR_OK; nth++) {
        buffer_release(&example->out);
        heap_fail_at(example->heap, nth, false);
        code = record_from_history(example->heap, text_of(&example->history), &example->out, &example->error);
        heap_fail_at(example->heap, 0, false);
        assert_true(code == ERR_OK || code == ERR_NO_MEMORY);
        assert_true(nth < 100);
    }
}

/*
 * Checks the keywords that the schema of the report uses: $ref, type, const, enum, required, properties, items. Members that the
 * schema does not name fail too: what is written is documented.
 */
static void assert_valid(const cJSON *schema, const cJSON *root, const cJSON *json);

static bool has_type(const cJSON *json, const char *type)
{
    return strcmp(type, "null") == 0      ? cJSON_IsNull(json)
           : strcmp(type, "string") == 0  ? cJSON_IsString(json)
           : strcmp(type, "boolean") == 0 ? cJSON_IsBool(json)
           : strcmp(type, "object") == 0  ? cJSON_IsObject(json)
           : strcmp(type, "array") == 0   ? cJSON_IsArray(json)
           : strcmp(type, "integer") == 0 ? cJSON_IsNumber(json) && floor(json->valuedouble) == json->valuedouble
                                          : cJSON_IsNumber(json);
}

static void assert_type(const cJSON *type, const cJSON *json)
{
    bool fits = type == NULL || (cJSON_IsString(type) && has_type(json, type->valuestring));
    const cJSON *one;
    cJSON_ArrayForEach(one, type)
    {
        fits = fits || has_type(json, one->valuestring);
    }
    if (!fits) {
        fail_msg("%s is of another type than its schema says", json->string == NULL ? "an element" : json->string);
    }
}

static void assert_members(const cJSON *schema, const cJSON *root, const cJSON *json)
{
    const cJSON *properties = member(schema, "properties");
    const cJSON *one;
    cJSON_ArrayForEach(one, member(schema, "required"))
    {
        (void)member(json, one->valuestring);
    }
    cJSON_ArrayForEach(one, json)
    {
        const cJSON *property = cJSON_GetObjectItemCaseSensitive(properties, one->string);
        if (property == NULL) {
            fail_msg("%s is not in the schema", one->string);
        }
        assert_valid(property, root, one);
    }
}

static void assert_valid(const cJSON *schema, const cJSON *root, const cJSON *json)
{
    if (cJSON_HasObjectItem(schema, "$ref")) {
        assert_string_equal(member(schema, "$ref")->valuestring, "#/$defs/phase");
        schema = member(member(root, "$defs"), "phase");
    }
    assert_type(cJSON_GetObjectItem(schema, "type"), json);
    const cJSON *fixed = cJSON_GetObjectItem(schema, "const");
    assert_true(fixed == NULL || cJSON_Compare(fixed, json, true));
    const cJSON *one;
    bool listed = !cJSON_HasObjectItem(schema, "enum");
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(schema, "enum"))
    {
        listed = listed || cJSON_Compare(one, json, true);
    }
    assert_true(listed);
    if (cJSON_IsObject(json)) {
        assert_members(schema, root, json);
    }
    if (cJSON_IsArray(json)) {
        cJSON_ArrayForEach(one, json)
        {
            assert_valid(member(schema, "items"), root, one);
        }
    }
}

/* Every report.json is what its published schema says, and the schema documents every member. */
static void test_reports_fit_their_schema(void **state)
{
    struct example *example = *state;
    cJSON *schema = read_json(DUMONT_SOURCE_DIR "/docs/schema/report.schema.json");
    static const struct {
        const struct example_line *lines;
        size_t count;
    } histories[] = {
        {SEED_RUN, ARRAY_LENGTH(SEED_RUN)}, {FAILED_BOOT, ARRAY_LENGTH(FAILED_BOOT)},
        {KILLED, ARRAY_LENGTH(KILLED)},     {KILLED_IN_CREATE, ARRAY_LENGTH(KILLED_IN_CREATE)},
        {REAP, ARRAY_LENGTH(REAP)},         {NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(histories); i++) {
        buffer_clear(&example->history.text);
        buffer_clear(&example->out);
        add_lines(&example->history, histories[i].lines, histories[i].count);
        example_build(example);
        report_write_json(example->report, &example->out);
        cJSON *json = cJSON_Parse(buffer_text(&example->out));
        assert_non_null(json);
        assert_valid(schema, schema, json);
        cJSON_Delete(json);
        report_release(example->heap, example->report);
        example->report = NULL;
    }
    cJSON_Delete(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMPLE_TEST(test_the_recording_of_a_replay_is_the_recording),
        EXAMPLE_TEST(test_phases_and_statuses_are_those_of_the_recording),
        EXAMPLE_TEST(test_trust_says_what_the_figures_are),
        EXAMPLE_TEST(test_several_failed_attempts_are_told_by_their_mean),
        EXAMPLE_TEST(test_a_wait_that_hit_its_limit_says_so),
        EXAMPLE_TEST(test_no_text_holds_a_secret),
        EXAMPLE_TEST(test_what_cannot_be_recorded_is_refused),
        EXAMPLE_TEST(test_reports_fit_their_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
