#include "recordings.h"

#include "base/units.h"
#include "fakes/timing/timing.h"

static const char *read_plan(const char *text, struct timing *timing)
{
    struct json_reader reader;
    json_reader_init(&reader, text, strlen(text));
    timing_read(&reader, timing);
    return json_finish(&reader) ? NULL : reader.mistake;
}

static void write_plan(const struct timing *timing, char *out, size_t size)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init_fixed(&text, out, size);
    json_writer_init(&writer, &text, 0);
    timing_write(&writer, timing);
    assert_false(text.failed);
}

/* What is written reads back as the same plan, over whatever was there. */
static void test_a_plan_survives_writing_and_reading(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(run_recordings); i++) {
        static struct recording recording;
        static char first[8192];
        static char second[8192];
        struct timing written;
        struct timing read;
        load_recording(run_recordings[i], &recording);
        timing_from_recording(&recording, &written);
        written.jitter_permille = 50;
        write_plan(&written, first, sizeof first);
        memset(&read, 0, sizeof read);
        assert_null(read_plan(first, &read));
        write_plan(&read, second, sizeof second);
        assert_string_equal(first, second);
        assert_int_equal(read.timeline.status_count, written.timeline.status_count);
        assert_int_equal(read.timeline.ssh_count, written.timeline.ssh_count);
        assert_memory_equal(read.latency_from, written.latency_from, sizeof read.latency_from);
        assert_memory_equal(read.ssh_session_ns, written.ssh_session_ns, sizeof read.ssh_session_ns);
        assert_int_equal(read.boot_from, written.boot_from);
    }
}

/* A scenario changes what it names, and nothing else; what a person wrote is assumed unless it says more. */
static void test_a_scenario_changes_only_what_it_names(void **state)
{
    (void)state;
    struct timing defaults;
    struct timing timing;
    timing_defaults(&defaults);
    timing = defaults;
    assert_null(read_plan(
        "{\"latency_s\":{\"create\":3,\"show\":0.5},\"provenance\":{\"latency\":{\"show\":\"quoted\"}}}", &timing));
    assert_int_equal(timing.latency_ns[API_CREATE], 3 * NS_PER_S);
    assert_int_equal(timing.latency_from[API_CREATE], PROVENANCE_ASSUMED);
    assert_int_equal(timing.latency_from[API_SHOW], PROVENANCE_QUOTED);
    assert_int_equal(timing.latency_ns[API_SEARCH], defaults.latency_ns[API_SEARCH]);
    assert_int_equal(timing.latency_from[API_SEARCH], PROVENANCE_MEASURED);
    assert_memory_equal(&timing.timeline, &defaults.timeline, sizeof timing.timeline);
}

/* A life is replaced as a whole; its messages stay valid when the plan is copied. */
static void test_a_life_is_replaced_as_a_whole(void **state)
{
    (void)state;
    struct timing timing;
    timing_defaults(&timing);
    assert_null(read_plan("{\"boot\":[{\"after_s\":1.5,\"status\":null},{\"after_s\":2,\"status\":\"created\","
                          "\"status_msg\":\"Error response from daemon: manifest unknown\"}],"
                          "\"ssh\":[{\"after_s\":3,\"stage\":\"closes\",\"port\":\"direct\"}]}",
                          &timing));
    struct timing copy = timing;
    memset(&timing, 0, sizeof timing);
    assert_int_equal(copy.timeline.status_count, 2);
    assert_int_equal(copy.timeline.statuses[0].after_ns, 1500 * NS_PER_MS);
    assert_null(copy.timeline.statuses[0].status_msg);
    assert_string_equal(copy.timeline.statuses[1].status_msg, "Error response from daemon: manifest unknown");
    assert_int_equal(copy.timeline.ssh_count, 1);
    assert_int_equal(copy.timeline.ssh[0].stage, SSH_STAGE_CLOSES);
    assert_int_equal(timeline_ssh_at(&copy.timeline, SSH_PORT_DIRECT, 3 * NS_PER_S), SSH_STAGE_CLOSES);
    assert_int_equal(timeline_ssh_at(&copy.timeline, SSH_PORT_PROXY, 3 * NS_PER_S), SSH_STAGE_REFUSED);
    assert_int_equal(timeline_ssh_next_ns(&copy.timeline, SSH_PORT_DIRECT, 0), 3 * NS_PER_S);
    assert_int_equal(timeline_ssh_next_ns(&copy.timeline, SSH_PORT_PROXY, 0), TIME_NEVER_NS);
    assert_int_equal(copy.boot_from, PROVENANCE_ASSUMED);
}

/* Each mistake says what was expected. */
static void test_mistakes_in_a_plan_are_named(void **state)
{
    (void)state;
    static const char *const seconds = "expected seconds from 0 to 2592000 (30 days)";
    static const char *const calls =
        "expected an API call's name: search, create, show, list, destroy, account, state, logs, other, ...";
    const struct {
        const char *text;
        const char *mistake;
    } cases[] = {
        {"[]", "expected an object in braces"},
        {"{\"latency\":{}}", "this key is not known here"},
        {"{\"latency_s\":1}", "expected an object in braces"},
        {"{\"latency_s\":{\"start\":1}}", calls},
        {"{\"latency_s\":{\"show\":1,\"show\":1}}", "this key is given twice"},
        {"{\"latency_s\":{\"show\":-1}}", seconds},
        {"{\"latency_s\":{\"show\":2592001}}", seconds},
        {"{\"latency_s\":{\"show\":\"1\"}}", seconds},
        {"{\"latency_s\":{\"show\":null}}", seconds},
        {"{\"effect_share\":1.1}", "expected a share from 0 to 1"},
        {"{\"jitter\":-0.1}", "expected a share from 0 to 1"},
        {"{\"jitter\":0,\"jitter\":0}", "this key is given twice"},
        {"{\"refused_s\":[]}", seconds},
        {"{\"ssh_sessions_s\":{}}", "expected a list in brackets"},
        {"{\"ssh_sessions_s\":[]}", "expected at least one session"},
        {"{\"ssh_sessions_s\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
         "expected at most 32 sessions"},
        {"{\"boot\":7}", "expected a list in brackets"},
        {"{\"boot\":[7]}", "expected an object in braces"},
        {"{\"boot\":[{\"status\":null}]}", "expected after_s in each step"},
        {"{\"boot\":[{\"after_s\":1}]}", "expected a status in each step"},
        {"{\"boot\":[{\"after_s\":1,\"status\":\"paused\"}]}",
         "expected a status that Vast.ai documents (\"loading\", \"running\", ...), or null"},
        {"{\"boot\":[{\"after_s\":1,\"status\":null,\"message\":null}]}", "this key is not known here"},
        {"{\"boot\":[{\"after_s\":1,\"status\":null,\"status_msg\":\"hello\"}]}",
         "expected null or one of \"success, running\", \"Retrying in 2 seconds\", "
         "\"Error response from daemon: ...\", \"unresolvable CDI devices\""},
        {"{\"boot\":[{\"after_s\":2,\"status\":null},{\"after_s\":1,\"status\":null}]}",
         "expected after_s in ascending order"},
        {"{\"ssh\":[{\"after_s\":1}]}", "expected a stage in each step"},
        {"{\"ssh\":[{\"after_s\":1,\"stage\":\"ready\",\"port\":\"both\"}]}", "expected \"proxy\" or \"direct\""},
        {"{\"ssh\":[{\"after_s\":1,\"stage\":\"open\"}]}",
         "expected one of \"refused\", \"closes\", \"resets\", \"silent\", \"key_denied\", \"ready\", \"unreachable\""},
        {"{\"ssh\":[{\"after_s\":2,\"stage\":\"ready\"},{\"after_s\":1,\"stage\":\"ready\"}]}",
         "expected after_s in ascending order"},
        {"{\"provenance\":{\"boot\":\"guessed\"}}",
         "expected one of \"measured\", \"derived\", \"quoted\", \"assumed\""},
        {"{\"provenance\":{\"latency\":{\"boot\":\"quoted\"}}}", calls},
        {"{\"provenance\":{\"latency\":7}}", "expected an object in braces"},
        {"{\"jitter\":0", "expected ',' or '}'"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct timing timing;
        timing_defaults(&timing);
        const char *mistake = read_plan(cases[i].text, &timing);
        assert_non_null(mistake);
        assert_string_equal(mistake, cases[i].mistake);
    }
}

/* A life of more steps than a timeline holds is refused, never cut. */
static void test_a_life_is_bounded(void **state)
{
    (void)state;
    for (size_t steps = TIMELINE_STEPS_MAX; steps <= TIMELINE_STEPS_MAX + 1; steps++) {
        static char storage[4096];
        struct buffer text;
        struct timing timing;
        buffer_init_fixed(&text, storage, sizeof storage);
        buffer_append_text(&text, "{\"boot\":[");
        for (size_t i = 0; i < steps; i++) {
            buffer_printf(&text, "%s{\"after_s\":%zu,\"status\":null}", i == 0 ? "" : ",", i);
        }
        buffer_append_text(&text, "]}");
        timing_defaults(&timing);
        const char *mistake = read_plan(storage, &timing);
        assert_string_equal(mistake == NULL ? "" : mistake,
                            steps == TIMELINE_STEPS_MAX ? "" : "expected at most 32 steps");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_survives_writing_and_reading),
        cmocka_unit_test(test_a_scenario_changes_only_what_it_names),
        cmocka_unit_test(test_a_life_is_replaced_as_a_whole),
        cmocka_unit_test(test_mistakes_in_a_plan_are_named),
        cmocka_unit_test(test_a_life_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
