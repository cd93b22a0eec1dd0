/*
 * A scenario says exactly what it means; a mistake is reported with its file, its line and what was expected.
 */
#include "stage.h"

static void assert_mistake(const char *text, const char *expected)
{
    struct stage stage = stage_begin();
    struct error error;
    assert_int_equal(stage_read(&stage, text, &error), ERR_INPUT_INVALID);
    if (strstr(error.message, expected) == NULL) {
        fail_msg("for %s\nfound    %s\nexpected %s", text, error.message, expected);
    }
    assert_int_equal(error_exit_status(error.code), EXIT_USAGE);
    stage_close(&stage);
}

/* Every kind of mistake names its line and what was expected there. */
static void test_a_mistake_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"", "test.json:1: expected an object in braces"},
        {"[]", "test.json:1: expected an object in braces"},
        {"{}", "test.json:1: expected a \"name\" among its keys"},
        {"{\"name\": \"a\"", "test.json:1: "},
        {"{\"name\": \"a\",}", "test.json:1: comma before the end"},
        {"{\"name\": \"a\",\n\"speed\": 2}", "test.json:2: this key is not known here, at: \"speed\": 2}"},
        {"{\"name\": 5}", "test.json:1: expected a text in quotes"},
        {"{\"name\": \"a\",\n\n\"seed\": \"x\"}", "test.json:3: expected a whole number"},
        {"{\"name\": \"a\", \"seed\": 1.5}", "test.json:1: expected a whole number"},
        {"{\"name\": \"a\",\n\"seed\": -1}", "test.json:2: expected a number from 0 to "},
        {"{\"name\": \"a\", \"seed\": 1,\n\"seed\": 2}", "test.json:2: this key is given twice"},
        {"{\"name\": \"a\",\n\"journey\": \"fly\"}", "test.json:2: expected check, destroy or reap"},
        {"{\"name\": \"a\",\n\"journey\": \"destroy\"}", "test.json:2: destroy needs client.instance_id"},
        {"{\"name\": \"a\",\n\"offers\": 0}", "test.json:2: expected a number of offers from 1 to 150000"},
        {"{\"name\": \"a\",\n\"offers\": true}", "test.json:2: expected a number of offers from 1 to 150000"},
        {"{\"name\": \"a\", \"client\": {\n\"poll\": 3}}", "test.json:2: this key is not known here"},
        {"{\"name\": \"a\", \"client\": {\n\"status_poll_s\": 0}}",
         "test.json:2: expected a number from 0.001 to 86400"},
        {"{\"name\": \"a\", \"client\": {\n\"disk_gb\": 7}}", "test.json:2: expected a number from 8 to 100000"},
        {"{\"name\": \"a\", \"client\": {\n\"gpu\": 4090}}", "test.json:2: expected a text in quotes"},
        {"{\"name\": \"a\", \"client\": []}", "test.json:1: expected an object in braces"},
        {"{\"name\": \"a\", \"account\": {\n\"credit\": 5}}", "test.json:2: this key is not known here"},
        {"{\"name\": \"a\",\n\"faults\": {}}", "test.json:2: expected a list of faults in brackets"},
        {"{\"name\": \"a\", \"faults\": [\n{\"id\": \"nope\"}]}", "test.json:2: \"nope\" is no fault of the catalogue"},
        {"{\"name\": \"a\", \"faults\": [\n{\"id\": \"slow-boot\", \"factr\": 2}]}",
         "slow-boot: \"factr\" is not known"},
        {"{\"name\": \"a\", \"expect\": {\n\"exit\": 0}}", "test.json:2: this key is not known here"},
        {"{\"name\": \"a\", \"expect\": {\n\"faults_seen\": \"x\"}}", "test.json:2: expected a list of fault ids"},
        {"{\"name\": \"a\", \"timing\": {\"boot\": [\n{\"after_s\": 5, \"status\": \"flying\"}]}}",
         "test.json:2: expected a status that Vast.ai documents"},
        {"{\"name\": \"a\", \"timing\": {\"latency_s\":\n{\"search\": -1}}}", "test.json:2: expected seconds from 0"},
        {"{\"name\": \"a\", /* no end", "comment without an end"},
        {"{\"name\": \"\xff\"}", "invalid UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_mistake(rows[i].text, rows[i].expected);
    }
}

/* Cut off at any byte, a scenario is a mistake, never a crash and never another scenario. */
static void test_a_scenario_cut_anywhere_is_a_mistake(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\": \"a\", \"seed\": 3, \"recording\": \"seed-run\", \"client\": {\"disk_gb\": 20},"
        " \"faults\": [{\"id\": \"slow-boot\", \"factor\": 2}], \"expect\": {\"exit_status\": 0}}";
    struct stage stage = stage_begin();
    for (size_t length = 0; length + 1 < sizeof text; length++) {
        struct scenario_files files = {stage_recording, NULL, stage.heap};
        struct error error;
        assert_int_equal(scenario_read((struct span){text, length}, "cut.json", &files, stage.scenario, &error),
                         ERR_INPUT_INVALID);
    }
    stage_close(&stage);
}

static void test_an_unknown_recording_is_named(void **state)
{
    (void)state;
    struct stage stage = stage_begin();
    struct error error;
    assert_int_equal(stage_read(&stage, "{\"name\": \"a\", \"recording\": \"nope\"}", &error), ERR_INPUT_UNREADABLE);
    assert_non_null(strstr(error.message, "nope"));
    stage_close(&stage);
}

/* The market is made for the client that the journey is by default. */
static void test_the_stage_expects_the_client_that_comes(void **state)
{
    (void)state;
    struct recorded_search search;
    struct check_options check;
    recorded_search_defaults(&search);
    check_defaults(&check);
    assert_int_equal(search.num_gpus, check.num_gpus);
    assert_int_equal(search.max_price_nusd_per_hour, check.max_price_nusd_per_hour);
    assert_int_equal(search.min_reliability_millionths, check.min_reliability_millionths);
    assert_int_equal(search.min_inet_down_mbps, check.min_inet_down_mbps);
    assert_int_equal(search.disk_gb, check.disk_gb);
}

/* What a scenario says of its client replaces what its recording brought. */
static void test_the_scenario_overrides_its_recording(void **state)
{
    (void)state;
    struct stage stage = stage_begin();
    struct error error;
    assert_int_equal(
        stage_read(&stage,
                   "{\"name\": \"a\", // the recorded pace is 10 s\n"
                   "\"recording\": \"seed-run\", \"client\": {\"status_poll_s\": 2.5, \"ssh_reuse\": true}}",
                   &error),
        ERR_OK);
    assert_int_equal(stage.scenario->check.status_poll_ns, 2500 * NS_PER_MS);
    assert_int_equal(stage.scenario->check.ssh_retry_ns, 10 * NS_PER_S);
    assert_true(stage.scenario->check.ssh_reuse);
    assert_int_equal(stage.scenario->cloud.faults.count, 1); /* the recorded run's missing table */
    stage_close(&stage);
}

/* The recorded client crashed on a null status; this one waits, whatever the answer's shape, and destroys what it rented. */
static void test_the_recorded_crash_on_null_does_not_happen(void **state)
{
    (void)state;
    static const char *const scenarios[] = {"null-status", "null-status-forever", "nullable-fields-absent",
                                            "schema-drift", "schema-drift-unknown-status"};
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        struct stage stage = stage_open(scenarios[i]);
        stage_play(&stage, (struct rehearsal_variation){0});
        assert_int_equal(stage.result.end, RUN_FINISHED);
        assert_int_equal(stage.result.machines_left, 0);
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mistake_is_named_with_its_line),
        cmocka_unit_test(test_a_scenario_cut_anywhere_is_a_mistake),
        cmocka_unit_test(test_an_unknown_recording_is_named),
        cmocka_unit_test(test_the_scenario_overrides_its_recording),
        cmocka_unit_test(test_the_stage_expects_the_client_that_comes),
        cmocka_unit_test(test_the_recorded_crash_on_null_does_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
