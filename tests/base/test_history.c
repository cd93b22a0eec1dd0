#include "testing.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "base/history.h"

static int set_up(void **state)
{
    *state = heap_new();
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    heap_free(*state);
    return 0;
}

static struct span text_of(const struct history *history)
{
    return (struct span){buffer_text(&history->text), history->text.length};
}

static void add(struct history *history, const char *data)
{
    history_add(history, 2850000999, HISTORY_CLIENT, "dumont", "log.line", span_of("{\"req\":3}"), span_of(data));
}

/* What was added is read back: number, time in whole microseconds, stream, actor, kind, ids and data. */
static void test_events_are_read_back_as_they_were_added(void **state)
{
    struct history history;
    struct history_cursor cursor;
    struct history_event event;
    struct error error;
    history_init(&history, *state);
    add(&history, "{\"text\":\"one\"}");
    history_add(&history, INT64_C(5000000000), HISTORY_CLOUD, "market", "inst.bill", span_of(""), span_of(""));

    history_cursor_init(&cursor, text_of(&history));
    assert_true(history_next(&cursor, &event, &error));
    assert_int_equal(event.seq, 0);
    assert_int_equal(event.t_us, 2850000);
    assert_int_equal(event.stream, HISTORY_CLIENT);
    assert_string_equal(event.actor, "dumont");
    assert_string_equal(event.kind, "log.line");
    assert_true(span_equals(event.ids, "{\"req\":3}"));
    assert_true(span_equals(event.data, "{\"text\":\"one\"}"));
    assert_true(history_next(&cursor, &event, &error));
    assert_int_equal(event.seq, 1);
    assert_int_equal(event.stream, HISTORY_CLOUD);
    assert_true(span_equals(event.data, "{}"));
    assert_int_equal(cursor.line, 2);
    assert_false(history_next(&cursor, &event, &error));
    assert_int_equal(error.code, ERR_OK);
    history_release(&history);
    assert_int_equal(heap_live_blocks(*state), 0);
}

static void assert_every_line_is_json(const struct history *history)
{
    const char *line = buffer_text(&history->text);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        cJSON *json = cJSON_ParseWithLength(line, length);
        assert_non_null(json);
        cJSON_Delete(json);
        line += length + 1;
    }
}

/* A hidden value never stands in the text, however often it occurs, and the longest of several hides first. */
static void test_secrets_are_never_written(void **state)
{
    struct history history;
    history_init(&history, *state);
    assert_true(history_hide(&history, "abcdefgh"));
    assert_true(history_hide(&history, "abcdefgh-and-more"));
    assert_true(history_hide(&history, "with\"quote\n"));
    add(&history,
        "{\"a\":\"abcdefgh abcdefgh-and-more\",\"abcdefgh\":\"xabcdefghabcdefghx\",\"b\":\"with\\\"quote\\n\"}");
    const char *text = buffer_text(&history.text);
    assert_null(strstr(text, "abcdefgh"));
    assert_null(strstr(text, "and-more"));
    assert_null(strstr(text, "quote"));
    assert_non_null(strstr(text, "\"a\":\"[hidden] [hidden]\",\"[hidden]\":\"x[hidden][hidden]x\",\"b\":\"[hidden]\""));
    assert_every_line_is_json(&history);
    history_release(&history);
}

/* Hiding never breaks a line: digits of a number and the letters of an escape are not texts. */
static void test_hiding_keeps_lines_well_formed(void **state)
{
    struct history history;
    history_init(&history, *state);
    assert_true(history_hide(&history, "12345678"));
    assert_true(history_hide(&history, "n1234567"));
    assert_true(history_hide(&history, "00e9abcd"));
    add(&history, "{\"n\":912345678,\"t\":\"12345678\",\"e\":\"\\n1234567 n1234567\",\"u\":\"\\u00e9abcd\"}");
    assert_every_line_is_json(&history);
    const char *text = buffer_text(&history.text);
    assert_non_null(
        strstr(text, "\"n\":912345678,\"t\":\"[hidden]\",\"e\":\"\\n1234567 [hidden]\",\"u\":\"\\u00e9abcd\""));
    history_release(&history);
}

/* A secret too short to be one is ignored; one that cannot be kept is refused, so that the caller knows. */
static void test_secrets_that_cannot_be_kept_are_refused(void **state)
{
    struct history history;
    char long_secret[HISTORY_SECRET_SIZE + 1];
    memset(long_secret, 'x', sizeof long_secret - 1);
    long_secret[sizeof long_secret - 1] = '\0';
    history_init(&history, *state);
    assert_true(history_hide(&history, "short"));
    assert_int_equal(history.secret_count, 0);
    assert_false(history_hide(&history, long_secret));
    long_secret[HISTORY_SECRET_SIZE - 1] = '\0';
    for (int i = 0; i < HISTORY_SECRETS_MAX; i++) {
        assert_true(history_hide(&history, long_secret));
    }
    assert_false(history_hide(&history, long_secret));
    history_release(&history);
}

/* Without memory an event is lost as a whole and counted; the lines before and after it stand. */
static void test_events_without_memory_are_counted(void **state)
{
    struct history history;
    struct history_cursor cursor;
    struct history_event event;
    struct error error;
    char data[1200] = "{\"text\":\"";
    memset(data + strlen(data), 'x', 1000);
    strcat(data, "\"}");
    history_init(&history, *state);
    add(&history, "{}");
    heap_fail_at(*state, 1, true);
    add(&history, data);
    assert_int_equal(history.lost, 1);
    heap_fail_at(*state, 0, false);
    add(&history, "{}");
    history_cursor_init(&cursor, text_of(&history));
    assert_true(history_next(&cursor, &event, &error));
    assert_int_equal(event.seq, 0);
    assert_true(history_next(&cursor, &event, &error));
    assert_int_equal(event.seq, 2);
    assert_false(history_next(&cursor, &event, &error));
    assert_int_equal(error.code, ERR_OK);
    history_release(&history);
}

#define GOOD_LINE "{\"seq\":0,\"t_us\":1,\"stream\":\"client\",\"actor\":\"a\",\"kind\":\"k\",\"ids\":{},\"data\":{}}"

/* A crash leaves half a line at most: that is the end of the history, not a mistake. */
static void test_an_unfinished_last_line_is_the_end(void **state)
{
    (void)state;
    static const char text[] = GOOD_LINE "\n" GOOD_LINE "\n";
    for (size_t length = 0; length < sizeof text; length++) {
        struct history_cursor cursor;
        struct history_event event;
        struct error error;
        size_t count = 0;
        history_cursor_init(&cursor, (struct span){text, length});
        while (history_next(&cursor, &event, &error)) {
            count++;
        }
        assert_int_equal(error.code, ERR_OK);
        assert_int_equal(count, length < sizeof GOOD_LINE - 1 ? 0 : length < 2 * sizeof GOOD_LINE - 1 ? 1 : 2);
    }
}

/* A line that is no event is refused, and the error names its line. */
static void test_a_malformed_line_is_refused_with_its_number(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "garbage",
        "[]",
        "{}",
        "{\"seq\":-1,\"t_us\":1,\"stream\":\"client\",\"kind\":\"k\"}",
        "{\"seq\":1,\"t_us\":1.5,\"stream\":\"client\",\"kind\":\"k\"}",
        "{\"seq\":1,\"t_us\":9223372036854775807,\"stream\":\"client\",\"kind\":\"k\"}",
        "{\"seq\":1,\"t_us\":1,\"stream\":\"other\",\"kind\":\"k\"}",
        "{\"seq\":1,\"t_us\":1,\"stream\":\"client\",\"kind\":null}",
        "{\"seq\":1,\"t_us\":1,\"stream\":\"client\",\"kind\":\"k\",\"data\":[]}",
        "{\"seq\":1,\"t_us\":1,\"stream\":\"client\",\"kind\":\"k\",\"data\":{\"x\":tru}}",
        GOOD_LINE " x",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        char text[512];
        struct history_cursor cursor;
        struct history_event event;
        struct error error;
        assert_true(text_format(text, sizeof text, GOOD_LINE "\n%s\n", lines[i]));
        history_cursor_init(&cursor, span_of(text));
        assert_true(history_next(&cursor, &event, &error));
        assert_false(history_next(&cursor, &event, &error));
        assert_int_equal(error.code, ERR_INPUT_INVALID);
        assert_non_null(strstr(error.message, "line 2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events_are_read_back_as_they_were_added, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_are_never_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hiding_keeps_lines_well_formed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_that_cannot_be_kept_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_events_without_memory_are_counted, set_up, tear_down),
        cmocka_unit_test(test_an_unfinished_last_line_is_the_end),
        cmocka_unit_test(test_a_malformed_line_is_refused_with_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
