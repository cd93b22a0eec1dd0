#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "example_histories.h"
#include "report/page.h"
#include "report/record.h"
#include "report/report_parts.h"

static const struct {
    const struct example_line *lines;
    size_t count;
} HISTORIES[] = {
    {SEED_RUN, ARRAY_LENGTH(SEED_RUN)}, {FAILED_BOOT, ARRAY_LENGTH(FAILED_BOOT)},
    {KILLED, ARRAY_LENGTH(KILLED)},     {KILLED_IN_CREATE, ARRAY_LENGTH(KILLED_IN_CREATE)},
    {REAP, ARRAY_LENGTH(REAP)},         {NULL, 0},
};

static const char *text_report(struct example *example, const struct example_line *lines, size_t count)
{
    buffer_clear(&example->history.text);
    buffer_clear(&example->out);
    report_release(example->heap, example->report);
    add_lines(&example->history, lines, count);
    example_build(example);
    report_write_text(example->report, &example->out);
    assert_false(example->out.failed);
    return buffer_text(&example->out);
}

static const char *markdown_report(struct example *example, const struct example_line *lines, size_t count)
{
    (void)text_report(example, lines, count);
    buffer_clear(&example->out);
    report_write_markdown(example->report, true, &example->out);
    return buffer_text(&example->out);
}

/* Copies the next line into `line` and steps behind it. False at the end. */
static bool next_line(const char **text, char *line, size_t size)
{
    size_t length = strcspn(*text, "\n");
    if (**text == '\0') {
        return false;
    }
    assert_true(length < size);
    memcpy(line, *text, length);
    line[length] = '\0';
    *text += length + 1;
    return true;
}

static void assert_fits_80_columns(const char *text)
{
    char line[4096];
    while (next_line(&text, line, sizeof line)) {
        if (page_characters(line) > 80) {
            fail_msg("longer than 80 characters: %s", line);
        }
        size_t length = strlen(line);
        assert_true(length == 0 || line[length - 1] != ' ');
    }
}

/* No line of a text report is longer than 80 characters, whatever the run was. */
static void test_text_fits_80_columns(void **state)
{
    struct example *example = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(HISTORIES); i++) {
        assert_fits_80_columns(text_report(example, HISTORIES[i].lines, HISTORIES[i].count));
    }
}

/* Long names, words without blanks and huge figures are wrapped or cut, in UTF-8 between characters. */
static void test_long_texts_are_wrapped_or_cut(void **state)
{
    struct example *example = *state;
    static const char word[] = "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9";
    char name[340] = "";
    while (strlen(name) + sizeof word < sizeof name) {
        strcat(name, word);
    }
    char data[4096];
    char check[4096];
    assert_true(text_format(data, sizeof data,
                            "{\"gpu_name\":\"%s\",\"geolocation\":\"%s\",\"price_nusd_per_hour\":9223372036854775807,"
                            "\"num_gpus\":9223372036854775807,\"driver_version\":\"%s\",\"gpu_ram_mib\":-5}",
                            name, name, name));
    assert_true(text_format(check, sizeof check,
                            "{\"name\":\"%s\",\"passed\":false,\"outcome\":\"%s\",\"text\":\"%s\"}", name, name, name));
    const struct example_line lines[] = {
        {0, "client.start", "", EXAMPLE_START},
        {0, "phase.start", "", check},
        {0, "offer.chosen", "{\"offer\":9223372036854775807}", data},
        {0, "fault.seen", "", check},
        {0, "validation", "", check},
        {INT64_C(9000000000000000), "phase.end", "", check},
    };
    const char *text = text_report(example, lines, ARRAY_LENGTH(lines));
    assert_fits_80_columns(text);
    assert_non_null(strstr(text, "\u2026"));
}

/* The sums that a reader can check add up: the shown seconds to the shown total, the shares to 100.0. */
static void test_shown_figures_add_up(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        EXAMPLE_PHASE("search_offers", 3333, 3333333),    EXAMPLE_PHASE("create_instance", 3336666, 6669999),
        EXAMPLE_PHASE("wait_running", 6670004, 10003337), EXAMPLE_PHASE("wait_ssh", 10103337, 13436670),
        EXAMPLE_PHASE("create_file", 13436670, 16770003),
    };
    (void)text_report(example, lines, ARRAY_LENGTH(lines));
    const struct report *report = example->report;
    int64_t centiseconds = report->unitemised_centiseconds;
    int64_t permille = report->unitemised_permille;
    int64_t exact_us = report->unitemised_us;
    for (size_t i = 0; i < report->phase_count; i++) {
        centiseconds += report->phases[i].shown_centiseconds;
        permille += report->phases[i].shown_permille;
        exact_us += report->phases[i].duration_us;
    }
    assert_true(report->unitemised_us > 0);
    assert_int_equal(centiseconds, report->shown_total_centiseconds);
    assert_int_equal(permille, 1000);
    assert_int_equal(exact_us, report->total_us);
    const char *text = buffer_text(&example->out);
    assert_non_null(strstr(text, "not itemised"));
    assert_non_null(strstr(text, "100.0 %"));
}

/* Rounded parts add up to the rounded whole, and none is off by a whole unit. */
static void test_apportioned_parts_add_up(void **state)
{
    (void)state;
    for (int64_t seed = 1; seed < 2000; seed++) {
        int64_t values[9];
        int64_t shown[9];
        int64_t sum = 0;
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
            values[i] = seed * 7919 * (int64_t)(i + 1) % 1000003;
            sum += values[i];
        }
        int64_t total = (sum + 5000) / 10000;
        report_apportion(values, ARRAY_LENGTH(values), 1, 10000, total, shown);
        for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
            total -= shown[i];
            assert_true(shown[i] == values[i] / 10000 || shown[i] == values[i] / 10000 + 1);
        }
        assert_int_equal(total, 0);
    }
}

/* The figures of the recorded run stand in its text. */
static void test_text_has_the_figures_of_the_recorded_run(void **state)
{
    struct example *example = *state;
    static const char *const expected[] = {
        "DUMONT CHECK",
        "1.26 s     1.3 %",
        "72.77 s    73.5 %",
        "12.36 s    12.5 %",
        "98.98 s   100.0 %",
        "$0.004644",
        "$0.001380",
        "Bottleneck: wait_running, 73.5 %",
        "poll 8, after 72.77 s",
        "SSH attempt 1, after 0.00 s         0.26 s  connection_refused",
        "A10G",
        "$0.027659",
        "110-195 s",
        "$0.005161 to $0.009149",
        "n = 1",
        "Nothing was snapshotted",
        "2 of 2 passed",
        "dumont events migrate",
    };
    const char *text = text_report(example, SEED_RUN, ARRAY_LENGTH(SEED_RUN));
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        if (strstr(text, expected[i]) == NULL) {
            fail_msg("not in the report: %s", expected[i]);
        }
    }
    assert_null(strstr(text, "MACHINE LEFT"));
    assert_null(strstr(text, "zero data loss"));
}

static const char *last_line(const char *text, char *line, size_t size)
{
    while (next_line(&text, line, size)) {
    }
    return line;
}

/* The last line of a run that leaves a machine says which, what it costs, and how to remove it; the error stands on top. */
static void test_a_machine_left_is_the_last_line(void **state)
{
    struct example *example = *state;
    char line[4096];
    static const char expected[] = "  MACHINE LEFT: 29441924 at $0.1689/h, remove it with: dumont destroy 29441924";
    const char *text = text_report(example, FAILED_BOOT, ARRAY_LENGTH(FAILED_BOOT));
    assert_string_equal(last_line(text, line, sizeof line), expected);
    assert_true(strstr(text, "FAILED: the machine was not running") < strstr(text, "Resources"));
    assert_true(strstr(text, "NEXT STEP: run dumont destroy 29441924") < strstr(text, "Resources"));
    text = text_report(example, KILLED, ARRAY_LENGTH(KILLED));
    assert_string_equal(last_line(text, line, sizeof line), expected);
    static const char tail[] = "  MACHINE LEFT: a machine may be left, label dumont-run-1, at $0.1689/h,\n"
                               "                remove it with: dumont reap --yes\n";
    text = text_report(example, KILLED_IN_CREATE, ARRAY_LENGTH(KILLED_IN_CREATE));
    assert_true(strlen(text) > strlen(tail));
    assert_string_equal(text + strlen(text) - strlen(tail), tail);
}

/* A long run of equal polls is shown by its ends; every poll is counted. */
static void test_long_runs_of_equal_polls_are_folded(void **state)
{
    struct example *example = *state;
    static const struct example_line begin[] = {EXAMPLE_BEGIN(0, "wait_running")};
    buffer_clear(&example->history.text);
    ADD_LINES(&example->history, begin);
    for (int64_t i = 1; i <= 58; i++) {
        const struct example_line poll[] = {{i * 10350000, "inst.seen", "", "{\"actual_status\":\"loading\"}"}};
        ADD_LINES(&example->history, poll);
    }
    example_build(example);
    report_write_text(example->report, &example->out);
    const char *text = buffer_text(&example->out);
    assert_non_null(strstr(text, "poll 3,"));
    assert_null(strstr(text, "poll 4,"));
    assert_non_null(strstr(text, "52 more polls"));
    assert_null(strstr(text, "poll 55,"));
    assert_non_null(strstr(text, "poll 56,"));
    assert_non_null(strstr(text, "58 status polls"));
}

/* When a second machine is tried, each poll stands in the wait it belongs to; a recording is the last machine's life. */
static void test_polls_stand_in_their_own_wait(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        EXAMPLE_BEGIN(0, "wait_running"),
        {1000000, "inst.seen", "", "{\"actual_status\":\"loading\"}"},
        EXAMPLE_END(2000000, "wait_running", "boot_deadline"),
        EXAMPLE_BEGIN(5000000, "wait_running"),
        {6000000, "inst.seen", "", "{\"actual_status\":\"loading\"}"},
        EXAMPLE_END(7000000, "wait_running", "ok"),
    };
    const char *text = text_report(example, lines, ARRAY_LENGTH(lines));
    assert_non_null(strstr(text, "1.00 s  ├ poll 1, after 1.00 s"));
    assert_non_null(strstr(text, "6.00 s  ├ poll 2, after 1.00 s"));
    buffer_clear(&example->out);
    report_write_timeline_values(example->report, &example->out);
    text = buffer_text(&example->out);
    assert_non_null(strstr(text, "\npoll\twait_running\t1.000000\t"));
    assert_non_null(strstr(text, "\npoll\twait_running\t6.000000\t"));
    buffer_clear(&example->out);
    assert_int_equal(record_from_history(example->heap, text_of(&example->history), &example->out, &example->error),
                     ERR_OK);
    assert_null(strstr(buffer_text(&example->out), "boot_deadline"));
    const char *poll = strstr(buffer_text(&example->out), "at_s\"");
    assert_non_null(poll);
    assert_null(strstr(strstr(poll, "reconstructed_at_s") + 18, "at_s\""));
}

/* Pipes of a table line that are not escaped. */
static size_t pipes_in(const char *line)
{
    size_t count = 0;
    for (size_t i = 0; line[i] != '\0'; i++) {
        if (line[i] == '\\' && line[i + 1] != '\0') {
            i++;
        } else if (line[i] == '|') {
            count++;
        }
    }
    return count;
}

/* Each Markdown table has a heading, a rule, and in every row as many cells; blank lines stand around it. */
static void assert_tables_are_well_formed(const char *text)
{
    char line[4096];
    size_t row = 0;
    size_t pipes = 0;
    bool blank_before = true;
    while (next_line(&text, line, sizeof line)) {
        bool table = line[0] == '|';
        assert_true(table || row != 1);
        if (!table) {
            assert_true(row == 0 || line[0] == '\0');
            row = 0;
            blank_before = line[0] == '\0';
            continue;
        }
        assert_true(row > 0 || blank_before);
        pipes = row == 0 ? pipes_in(line) : pipes;
        assert_int_equal(pipes_in(line), pipes);
        assert_int_equal(line[strlen(line) - 1], '|');
        if (row == 1) {
            assert_int_equal(strspn(line, "|:- "), strlen(line));
        }
        row++;
    }
}

static void test_markdown_tables_are_well_formed(void **state)
{
    struct example *example = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(HISTORIES); i++) {
        assert_tables_are_well_formed(markdown_report(example, HISTORIES[i].lines, HISTORIES[i].count));
    }
}

/* Marks of Markdown in what a server sent are shown, not obeyed. */
static void test_markdown_escapes_what_it_is_given(void **state)
{
    struct example *example = *state;
    const struct example_line lines[] = {
        {0, "offer.chosen", "{\"offer\":1}",
         "{\"gpu_name\":\"A|B*C<script>_x_`y`[z](q)~~s~~\\nrow\",\"price_nusd_per_hour\":1}"},
        {0, "log.line", "", "{\"level\":\"warning\",\"text\":\"# no heading & <b>\"}"},
    };
    const char *text = markdown_report(example, lines, ARRAY_LENGTH(lines));
    assert_tables_are_well_formed(text);
    assert_non_null(strstr(text, "A\\|B\\*C&lt;script>\\_x\\_\\`y\\`\\[z\\](q)\\~\\~s\\~\\~ row"));
    assert_non_null(strstr(text, "- \\# no heading &amp; &lt;b>"));
    assert_null(strstr(text, "<script>"));
}

/* Pictures stand in the Markdown report only when the caller says that they lie beside it. */
static void test_plots_are_shown_when_they_are_there(void **state)
{
    struct example *example = *state;
    assert_non_null(strstr(markdown_report(example, SEED_RUN, ARRAY_LENGTH(SEED_RUN)), "](timeline.svg)"));
    buffer_clear(&example->out);
    report_write_markdown(example->report, false, &example->out);
    assert_null(strstr(buffer_text(&example->out), ".svg"));
}

/* Every client event has its line in the log, in order, each with its time. */
static void test_the_log_has_a_line_for_each_client_event(void **state)
{
    struct example *example = *state;
    ADD_LINES(&example->history, SEED_RUN);
    history_add(&example->history, INT64_C(200000000000), HISTORY_CLOUD, "market", "inst.state", span_of(""),
                span_of(""));
    const struct example_line unknown[] = {{200000000, "some.new\\u001b.kind", "", "{\"x\":1}"}};
    ADD_LINES(&example->history, unknown);
    assert_int_equal(report_write_log(text_of(&example->history), &example->out, &example->error), ERR_OK);
    const char *text = buffer_text(&example->out);
    char line[4096];
    size_t count = 0;
    double before = 0;
    for (const char *rest = text; next_line(&rest, line, sizeof line); count++) {
        double time = strtod(line, NULL);
        assert_true(time >= before);
        before = time;
        assert_null(strchr(line, '\x1b'));
        assert_null(strchr(line, '?'));
        assert_null(strchr(line, '{'));
    }
    assert_int_equal(count, ARRAY_LENGTH(SEED_RUN) + 1);
    assert_non_null(strstr(text, "    1.760000  search.result      64 offers found, 60 fit\n"));
    assert_non_null(strstr(text, "instance 29441924 status null, SSH ssh2.vast.ai:11924\n"));
    assert_non_null(strstr(text, "up 4.00 s\n"));
    assert_non_null(strstr(text, "1 x RTX 4090 at $0.1689/h, British Columbia, CA\n"));
}

/* The values files have what the plots show: each bar, poll and attempt, exact, under a heading with units. */
static void test_plot_values_are_exact(void **state)
{
    struct example *example = *state;
    (void)text_report(example, SEED_RUN, ARRAY_LENGTH(SEED_RUN));
    buffer_clear(&example->out);
    report_write_timeline_values(example->report, &example->out);
    const char *text = buffer_text(&example->out);
    static const char heading[] = "# row\tphase\tstart (s)\tduration (s)\toutcome or status\n";
    assert_memory_equal(text, heading, sizeof heading - 1);
    assert_non_null(strstr(text, "\nphase\twait_running\t2.850000\t72.770000\tok\n"));
    assert_non_null(strstr(text, "\npoll\twait_running\t3.200000\t0.000000\tnull\n"));
    assert_non_null(strstr(text, "\nssh\twait_ssh\t85.880000\t2.100000\tok\n"));
    assert_null(strstr(text, "check_account"));
    buffer_clear(&example->out);
    report_write_distribution_values(example->report, &example->out);
    text = buffer_text(&example->out);
    assert_non_null(strstr(text, "\nwait_running\t72.770000\t72.77\t73.5\t1\n"));
    assert_non_null(strstr(text, "\nsearch_offers\t1.260000\t1.26\t1.3\t0\n"));
    assert_non_null(strstr(text, "\nnot itemised\t0.000000\t0.00\t0.0\t0\n"));
}

static void assert_is_file(const char *text, const char *name)
{
    char path[512];
    static char expected[1 << 16];
    assert_true(text_format(path, sizeof path, "%s/tests/report/values/%s", DUMONT_SOURCE_DIR, name));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(expected, 1, sizeof expected - 1, file);
    (void)fclose(file);
    expected[length] = '\0';
    assert_string_equal(text, expected);
}

/* The values that the plot scripts are tested with are those that a report writes. */
static void test_the_plots_are_tested_with_real_values(void **state)
{
    struct example *example = *state;
    static const struct {
        const struct example_line *lines;
        size_t count;
        const char *timeline, *distribution;
    } runs[] = {
        {SEED_RUN, ARRAY_LENGTH(SEED_RUN), "timeline.tsv", "time_distribution.tsv"},
        {FAILED_BOOT, ARRAY_LENGTH(FAILED_BOOT), "timeline_failed.tsv", "time_distribution_failed.tsv"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        (void)text_report(example, runs[i].lines, runs[i].count);
        buffer_clear(&example->out);
        report_write_timeline_values(example->report, &example->out);
        assert_is_file(buffer_text(&example->out), runs[i].timeline);
        buffer_clear(&example->out);
        report_write_distribution_values(example->report, &example->out);
        assert_is_file(buffer_text(&example->out), runs[i].distribution);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXAMPLE_TEST(test_text_fits_80_columns),
        EXAMPLE_TEST(test_long_texts_are_wrapped_or_cut),
        EXAMPLE_TEST(test_shown_figures_add_up),
        EXAMPLE_TEST(test_apportioned_parts_add_up),
        EXAMPLE_TEST(test_text_has_the_figures_of_the_recorded_run),
        EXAMPLE_TEST(test_a_machine_left_is_the_last_line),
        EXAMPLE_TEST(test_long_runs_of_equal_polls_are_folded),
        EXAMPLE_TEST(test_polls_stand_in_their_own_wait),
        EXAMPLE_TEST(test_markdown_tables_are_well_formed),
        EXAMPLE_TEST(test_markdown_escapes_what_it_is_given),
        EXAMPLE_TEST(test_plots_are_shown_when_they_are_there),
        EXAMPLE_TEST(test_the_log_has_a_line_for_each_client_event),
        EXAMPLE_TEST(test_plot_values_are_exact),
        EXAMPLE_TEST(test_the_plots_are_tested_with_real_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
