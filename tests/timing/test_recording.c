#include "recordings.h"

#include "base/units.h"

#define MINIMAL "\"schema_version\":1,\"kind\":\"run\",\"name\":\"n\",\"phases\":[]"
#define WITH(more) "{" MINIMAL ",\n" more "}"
#define PHASE(members) "{\"schema_version\":1,\"kind\":\"run\",\"name\":\"n\",\"phases\":[\n{" members "}]}"

static enum error_code parse(const char *text, struct recording *recording, struct error *error)
{
    memset(error, 0, sizeof *error);
    return recording_parse(span_of(text), "f.json", recording, error);
}

/* Every fact of the seed run that a replay uses arrives exactly. */
static void test_the_seed_run_arrives_exactly(void **state)
{
    (void)state;
    static struct recording seed;
    load_recording("seed-run-2026-01-02.json", &seed);
    assert_int_equal(seed.offer.price_nusd_per_hour.value, 168900000);
    assert_int_equal(seed.offer.reliability_millionths.value, 994000);
    assert_int_equal(seed.offer.instance_id.value, 29441924);
    assert_int_equal(seed.offer.gpu_ram_mib.value, 24564);
    assert_string_equal(seed.offer.gpu_name, "RTX 4090");
    assert_string_equal(seed.offer.ssh_host, "ssh2.vast.ai");
    assert_string_equal(seed.request.image, "nvidia/cuda:12.1.0-base-ubuntu22.04");
    assert_string_equal(seed.request.onstart, "apt-get update");
    assert_int_equal(seed.request.limit.value, 20);
    assert_int_equal(seed.request.min_reliability_millionths.value, 900000);
    assert_int_equal(seed.request.max_price_nusd_per_hour.value, 500000000);
    assert_int_equal(seed.method.status_get_mean_ns.value, 346 * NS_PER_MS);
    assert_int_equal(seed.method.running_wait_limit_ns.value, 600 * NS_PER_S);
    assert_int_equal(seed.phase_count, 8);
    assert_int_equal(recording_phase(&seed, "wait_ssh")->split_failed_ns, 260 * NS_PER_MS);
    assert_int_equal(recording_phase(&seed, "create_file")->ssh_commands, 2);
    assert_false(recording_phase(&seed, "collect_gpu_info")->measured);
    assert_null(recording_phase(&seed, "upload_b2"));
    assert_int_equal(seed.status_count, 8);
    assert_int_equal(seed.statuses[7].at_ns, 72770 * NS_PER_MS);
    assert_int_equal(seed.statuses[1].status, ACTUAL_PROVISIONING);
    assert_int_equal(seed.statuses[2].status, ACTUAL_LOADING);
    assert_int_equal(seed.offers_found.value, 64);
    assert_true(seed.missing_table);
}

/* Each recording of kind run parses; what it does not say stays absent. */
static void test_every_run_parses(void **state)
{
    (void)state;
    static struct recording recording;
    for (size_t i = 0; i < ARRAY_LENGTH(run_recordings); i++) {
        load_recording(run_recordings[i], &recording);
        assert_true(recording.phase_count > 0);
        assert_int_equal(recording.missing_table, i == 0);
        assert_int_equal(recording.offer.price_nusd_per_hour.presence, PRESENT);
    }
    assert_int_equal(recording.offer.offer_id.presence, ABSENT);
    assert_string_equal(recording.offer.ssh_host, "");
    assert_false(recording_phase(&recording, "destroy_instance")->reached);
    assert_int_equal(recording_phase(&recording, "create_files")->ssh_commands, -1);
}

/* A table is not a life of a machine. */
static void test_a_series_is_refused_as_a_run(void **state)
{
    (void)state;
    static struct recording recording;
    static char text[RECORDING_FILE_MAX];
    struct error error = {0};
    size_t length = read_recording_file("api-latencies-2025-12-21.json", text);
    assert_int_equal(recording_parse((struct span){text, length}, "x.json", &recording, &error), ERR_INPUT_INVALID);
    assert_string_equal(error.message, "x.json:3: expected a recording of kind \"run\"");
}

/* Unknown members and comments are read past; null means that nothing is known. */
static void test_a_recording_may_say_more_than_is_known(void **state)
{
    (void)state;
    static struct recording recording;
    struct error error;
    assert_int_equal(parse(WITH("// a remark\n\"weather\":{\"rain\":[1]},\"offer\":{\"price_usd_per_hour\":null,"
                                "\"gpu_name\":null,\"colour\":7}"),
                           &recording, &error),
                     ERR_OK);
    assert_int_equal(recording.offer.price_nusd_per_hour.presence, IS_NULL);
    assert_string_equal(recording.offer.gpu_name, "");
}

/* A poll's time as reconstructed goes before the one that was printed. */
static void test_a_reconstructed_time_goes_before_a_printed_one(void **state)
{
    (void)state;
    static struct recording recording;
    struct error error;
    assert_int_equal(parse(WITH("\"status_timeline\":[{\"at_s\":0,\"actual_status\":null},"
                                "{\"at_s\":10.7,\"reconstructed_at_s\":10.69,\"actual_status\":\"running\"}]"),
                           &recording, &error),
                     ERR_OK);
    assert_int_equal(recording.statuses[0].at_ns, 0);
    assert_int_equal(recording.statuses[1].at_ns, 10690 * NS_PER_MS);
}

/* Each mistake is refused with its line and what was expected. */
static void test_mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"", "f.json:1: expected an object in braces"},
        {"[]", "f.json:1: expected an object in braces"},
        {"{}", "f.json:1: expected schema_version, kind, name and phases"},
        {"{" MINIMAL "} x", "f.json:1: text behind the value"},
        {"{" MINIMAL ",\n", "f.json:2: expected a key in quotes"},
        {"{\"schema_version\":2}", "f.json:1: expected schema_version 1"},
        {"{\n\"kind\":\"series\"}", "f.json:2: expected a recording of kind \"run\""},
        {"{\n\"kind\":7}", "f.json:2: expected a recording of kind \"run\""},
        {"{\"schema_version\":1,\"kind\":\"run\",\"phases\":[]}",
         "f.json:1: expected schema_version, kind, name and phases"},
        {WITH("\"name\":\"again\""), "f.json:2: this key is given twice"},
        {WITH("\"offer\":7"), "f.json:2: expected an object in braces"},
        {WITH("\"offer\":{\"price_usd_per_hour\":\"0.1\"}"), "f.json:2: expected dollars per hour from 0 to 10000"},
        {WITH("\"offer\":{\"price_usd_per_hour\":-0.1}"), "f.json:2: expected dollars per hour from 0 to 10000"},
        {WITH("\"offer\":{\"price_usd_per_hour\":1e300}"), "f.json:2: expected dollars per hour from 0 to 10000"},
        {WITH("\"offer\":{\"instance_id\":1.5}"), "f.json:2: expected a whole number from 0 to 9007199254740991"},
        {WITH("\"offer\":{\"ssh_port\":0}"), "f.json:2: expected a port from 1 to 65535"},
        {WITH("\"offer\":{\"ssh_port\":65536}"), "f.json:2: expected a port from 1 to 65535"},
        {WITH("\"offer\":{\"reliability_percent\":100.1}"), "f.json:2: expected a percentage from 0 to 100"},
        {WITH("\"offer\":{\"gpu_name\":4090}"), "f.json:2: expected a text of at most 127 bytes, on one line"},
        {WITH("\"offer\":{\"gpu_name\":\"a\\nb\"}"), "f.json:2: expected a text of at most 127 bytes, on one line"},
        {WITH("\"request\":{\"filters\":{\"min_reliability\":90}}"), "f.json:2: expected a share from 0 to 1"},
        {WITH("\"request\":{\"disk_gb\":-1}"), "f.json:2: expected a whole number from 0 to 1000000"},
        {WITH("\"method\":{\"ssh_retry_sleep_s\":-1}"), "f.json:2: expected seconds from 0 to 2592000 (30 days)"},
        {WITH("\"method\":{\"ssh_retry_sleep_s\":2592001}"), "f.json:2: expected seconds from 0 to 2592000 (30 days)"},
        {WITH("\"phases\":[]"), "f.json:2: this key is given twice"},
        {"{\"phases\":{}}", "f.json:1: expected a list of phases"},
        {PHASE("\"name\":\"a\""), "f.json:2: expected a phase with name and seconds"},
        {PHASE("\"seconds\":1"), "f.json:2: expected a phase with name and seconds"},
        {PHASE("\"name\":\"a\",\"seconds\":1},\n{\"name\":\"a\",\"seconds\":2"), "f.json:3: this phase is given twice"},
        {PHASE("\"name\":\"a\",\"seconds\":true"), "f.json:2: expected seconds from 0 to 2592000 (30 days)"},
        {PHASE("\"name\":\"a\",\"seconds\":1,\"measured\":\"yes\""), "f.json:2: expected true or false"},
        {PHASE("\"name\":\"a\",\"seconds\":1,\"ssh_commands\":0"), "f.json:2: expected 1 to 10 commands"},
        {PHASE("\"name\":\"a\",\"seconds\":1,\"split\":[1]"), "f.json:2: expected an object in braces"},
        {WITH("\"status_timeline\":{}"), "f.json:2: expected a list of polls"},
        {WITH("\"status_timeline\":[{\"at_s\":1}]"), "f.json:2: expected at_s and actual_status"},
        {WITH("\"status_timeline\":[{\"actual_status\":null}]"), "f.json:2: expected at_s and actual_status"},
        {WITH("\"status_timeline\":[{\"at_s\":1,\"actual_status\":\"paused\"}]"),
         "f.json:2: expected a status that Vast.ai documents (\"loading\", \"running\", ...), or null"},
        {WITH("\"status_timeline\":[{\"at_s\":1,\"actual_status\":null},\n{\"at_s\":0.5,\"actual_status\":null}]"),
         "f.json:3: expected times in ascending order"},
        {WITH("\"totals\":{\"offers_found\":-1}"), "f.json:2: expected a whole number from 0 to 1000000"},
        {WITH("\"faults\":{}"), "f.json:2: expected a list of faults"},
        {WITH("\"faults\":[\"null\"]"), "f.json:2: expected an object in braces"},
    };
    static struct recording recording;
    struct error error;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(parse(cases[i].text, &recording, &error), ERR_INPUT_INVALID);
        assert_string_equal(error.message, cases[i].message);
    }
}

/* A list of `times` rows, each with a number of its own between `before` and `after`. */
static void repeat(struct buffer *text, const char *head, const char *before, const char *after, size_t times,
                   const char *tail)
{
    buffer_append_text(text, head);
    for (size_t i = 0; i < times; i++) {
        buffer_printf(text, "%s%s%zu%s", i == 0 ? "" : ",", before, i, after);
    }
    buffer_append_text(text, tail);
}

/* Lists are bounded: what does not fit is refused, never cut. */
static void test_lists_and_files_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *head, *before, *after, *tail, *message;
        size_t fits;
    } cases[] = {
        {"{\"schema_version\":1,\"kind\":\"run\",\"name\":\"n\",\"phases\":[", "{\"name\":\"p", "\",\"seconds\":1}",
         "]}", "f.json:1: expected at most 24 phases", 24},
        {"{" MINIMAL ",\"status_timeline\":[", "{\"at_s\":", ",\"actual_status\":null}", "]}",
         "f.json:1: expected at most 512 polls", 512},
    };
    struct heap *heap = heap_new();
    static struct recording recording;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        for (size_t more = 0; more < 2; more++) {
            struct buffer text;
            struct error error;
            buffer_init(&text, heap, 1 << 20);
            repeat(&text, cases[i].head, cases[i].before, cases[i].after, cases[i].fits + more, cases[i].tail);
            assert_int_equal(parse(buffer_text(&text), &recording, &error), more == 0 ? ERR_OK : ERR_INPUT_INVALID);
            assert_string_equal(error.message, more == 0 ? "" : cases[i].message);
            buffer_release(&text);
        }
    }
    struct error error = {0};
    assert_int_equal(recording_parse((struct span){"{}", (1 << 20) + 1}, "f.json", &recording, &error),
                     ERR_INPUT_INVALID);
    assert_string_equal(error.message, "f.json:1: expected at most 1048576 bytes");
    heap_free(heap);
}

/* More changes of status than a timeline can hold are refused when the file is read. */
static void test_changes_of_status_are_bounded(void **state)
{
    (void)state;
    static struct recording recording;
    for (size_t changes = 30; changes <= 31; changes++) {
        struct heap *heap = heap_new();
        struct buffer text;
        struct error error;
        buffer_init(&text, heap, 1 << 20);
        buffer_append_text(&text, "{" MINIMAL ",\"status_timeline\":[");
        for (size_t i = 0; i <= changes; i++) {
            buffer_printf(&text, "%s{\"at_s\":%zu,\"actual_status\":\"%s\"}", i == 0 ? "" : ",", i,
                          i % 2 == 0 ? "loading" : "running");
        }
        buffer_append_text(&text, "]}");
        assert_int_equal(parse(buffer_text(&text), &recording, &error), changes == 30 ? ERR_OK : ERR_INPUT_INVALID);
        assert_string_equal(error.message, changes == 30 ? "" : "f.json:1: expected at most 30 changes of status");
        heap_free(heap);
    }
}

/* A recording that ends anywhere is refused, whatever it was about to say. */
static void test_a_file_that_is_cut_is_refused(void **state)
{
    (void)state;
    static char text[RECORDING_FILE_MAX];
    static struct recording recording;
    size_t length = read_recording_file("chat-arena-rtx3060-2026-01-03.json", text);
    for (size_t cut = 0; cut + 2 < length; cut++) {
        struct error error = {0};
        assert_int_equal(recording_parse((struct span){text, cut}, "f.json", &recording, &error), ERR_INPUT_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_run_arrives_exactly),
        cmocka_unit_test(test_every_run_parses),
        cmocka_unit_test(test_a_series_is_refused_as_a_run),
        cmocka_unit_test(test_a_recording_may_say_more_than_is_known),
        cmocka_unit_test(test_a_reconstructed_time_goes_before_a_printed_one),
        cmocka_unit_test(test_mistakes_are_named_with_their_line),
        cmocka_unit_test(test_lists_and_files_are_bounded),
        cmocka_unit_test(test_changes_of_status_are_bounded),
        cmocka_unit_test(test_a_file_that_is_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
