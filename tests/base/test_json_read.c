#include "testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/json_read.h"

static bool accepts(const char *text, size_t length, bool comments)
{
    struct json_reader reader;
    json_reader_init(&reader, text, length);
    reader.comments = comments;
    json_skip(&reader);
    return json_finish(&reader);
}

/* The texts that RFC 8259 allows, in the manner of JSONTestSuite's y_ files. */
static const char *const valid_texts[] = {
    "0",
    "-0",
    "-1",
    "123",
    "0.5",
    "-0.5e-3",
    "1E5",
    "1e+2",
    "0e+1",
    "20e1",
    "123.456789e-12",
    "1234567890123456789012345",
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"/\"",
    "\"\x7f\"",
    "\"caf\xC3\xA9\"",
    "\"\xE2\x82\xAC\"",
    "\"\xF0\x9F\x98\x80\"",
    "\"\xEF\xBB\xBF\"",
    "\"\xED\x9F\xBF\"",
    "\"\xF4\x8F\xBF\xBF\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\"",
    "\"\\uD83D\\uDE00\"",
    "\"\\uDEAD\"",
    "\"\\ud800x\"",
    "\"\\u0000\"",
    "\"\\\\u0041\"",
    "[]",
    "[ ]",
    "[[]]",
    "[1]",
    "[1,2]",
    " [1 , 2] ",
    "\t[\n1\r\n]\n",
    "[null,1,\"1\",{}]",
    "[[[[1]]]]",
    "[\"a\",[]]",
    "{}",
    "{ }",
    "{\"a\":1}",
    "{\"\":0}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":{\"b\":[{}]}}",
    "{\"a\" : 1 , \"b\" : 2}",
    "{\"\\u0061\":1}",
    "{\"a\":[],\"b\":{}}",
    " 1",
    "1 ",
    "\r\n\t 1\r\n\t ",
};

/* Every well-formed text is read to its end. */
static void test_every_well_formed_text_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(valid_texts); i++) {
        if (!accepts(valid_texts[i], strlen(valid_texts[i]), false)) {
            fail_msg("refused: %s", valid_texts[i]);
        }
    }
}

/* The texts that it forbids, in the manner of the n_ files, each with the mistake that is reported. */
static const struct {
    const char *text, *mistake;
} invalid_texts[] = {
    {"", "text ends where a value is expected"},
    {" ", "text ends where a value is expected"},
    {"nul", "expected a value"},
    {"nulL", "expected a value"},
    {"True", "expected a value"},
    {"tru", "expected a value"},
    {"truex", "text behind the value"},
    {"fals", "expected a value"},
    {"NaN", "expected a value"},
    {"Infinity", "expected a value"},
    {"+1", "expected a value"},
    {".5", "expected a value"},
    {"-", "malformed number"},
    {"--1", "malformed number"},
    {"01", "malformed number"},
    {"-01", "malformed number"},
    {"1.", "malformed number"},
    {"1.e5", "malformed number"},
    {"1e", "malformed number"},
    {"1e+", "malformed number"},
    {"1e1.5", "malformed number"},
    {"1-2", "malformed number"},
    {"1.2.3", "malformed number"},
    {"0x1F", "text behind the value"},
    {"1_000", "text behind the value"},
    {"-Infinity", "malformed number"},
    {"1 2", "text behind the value"},
    {"\"", "string without an end"},
    {"\"a", "string without an end"},
    {"\"\\\"", "string without an end"},
    {"\"\\x\"", "unknown escape in a string"},
    {"\"\\a\"", "unknown escape in a string"},
    {"\"\\u12\"", "unknown escape in a string"},
    {"\"\\u12G4\"", "unknown escape in a string"},
    {"\"\\U0041\"", "unknown escape in a string"},
    {"\"\\", "unknown escape in a string"},
    {"\"\n\"", "control character in a string"},
    {"\"\t\"", "control character in a string"},
    {"\"\x01\"", "control character in a string"},
    {"\"\x80\"", "invalid UTF-8"},
    {"\"\xC3\"", "invalid UTF-8"},
    {"\"\xC0\x80\"", "invalid UTF-8"},
    {"\"\xE0\x80\x80\"", "invalid UTF-8"},
    {"\"\xED\xA0\x80\"", "invalid UTF-8"},
    {"\"\xF4\x90\x80\x80\"", "invalid UTF-8"},
    {"\"\xF5\x80\x80\x80\"", "invalid UTF-8"},
    {"\"\xE2\x82\"", "invalid UTF-8"},
    {"'a'", "expected a value"},
    {"a", "expected a value"},
    {"\xEF\xBB\xBF[]", "expected a value"},
    {"\xC2\xA0"
     "1",
     "expected a value"},
    {"[", "text ends where a value is expected"},
    {"[1", "expected ',' or ']'"},
    {"[1,", "text ends where a value is expected"},
    {"[1,]", "comma before the end"},
    {"[,1]", "expected a value"},
    {"[1,,2]", "expected a value"},
    {"[1 2]", "expected ',' or ']'"},
    {"[1}", "expected ',' or ']'"},
    {"[}", "expected a value"},
    {"[]]", "text behind the value"},
    {"]", "expected a value"},
    {"[\"a\":1]", "expected ',' or ']'"},
    {"[1]x", "text behind the value"},
    {"{", "expected a key in quotes"},
    {"{]", "expected a key in quotes"},
    {"{,}", "expected a key in quotes"},
    {"{\"a\"}", "expected ':' after a key"},
    {"{\"a\":}", "expected a value"},
    {"{\"a\":1,}", "comma before the end"},
    {"{\"a\":1", "expected ',' or '}'"},
    {"{\"a\":1]", "expected ',' or '}'"},
    {"{\"a\" 1}", "expected ':' after a key"},
    {"{a:1}", "expected a key in quotes"},
    {"{1:1}", "expected a key in quotes"},
    {"{\"a\":1 \"b\":2}", "expected ',' or '}'"},
    {"{\"a\":1}}", "text behind the value"},
    {"{\"a\\x\":1}", "unknown escape in a string"},
    {"}", "expected a value"},
    {"// no\n1", "expected a value"},
    {"1 // no", "text behind the value"},
    {"\f1", "expected a value"},
};

/* Every malformed text is refused with the mistake that a person can act on. */
static void test_every_malformed_text_is_refused_with_its_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(invalid_texts); i++) {
        struct json_reader reader;
        json_reader_init(&reader, invalid_texts[i].text, strlen(invalid_texts[i].text));
        json_skip(&reader);
        if (json_finish(&reader)) {
            fail_msg("accepted: %s", invalid_texts[i].text);
        }
        assert_string_equal(reader.mistake, invalid_texts[i].mistake);
        assert_true(reader.mistake_at <= reader.length);
    }
}

/* NUL bytes are bytes like others: refused, in a string as behind a value. */
static void test_nul_bytes_are_refused(void **state)
{
    (void)state;
    assert_false(accepts("1\0", 2, false));
    assert_false(accepts("\0", 1, false));
    assert_false(accepts("\"a\0b\"", 5, false));
    assert_false(accepts("\"\\\0\"", 4, false));
    assert_false(accepts("[1,\0]", 5, false));
}

static const char document[] = "{\"id\": -12.5e+3, \"caf\xC3\xA9\": [true, false, null, {}, []],\n"
                               " \"text\": \"\\u20ac \\\"x\\\" \xF0\x9F\x98\x80\", \"deep\": {\"a\": [[{\"b\": 0}]]}}";

/* A document cut at any byte is refused, without a look at what lies behind the cut. */
static void test_a_text_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    size_t whole = strlen(document);
    assert_true(accepts(document, whole, false));
    for (size_t length = 0; length < whole; length++) {
        char *cut = malloc(length + 1); /* of the exact size, so that a sanitizer sees a step beyond */
        assert_non_null(cut);
        char *end = memmove(cut + 1, document, length);
        assert_false(accepts(end, length, false));
        assert_false(accepts(end, length, true));
        free(cut);
    }
}

/* A byte changed anywhere never makes the reader step outside of the text. */
static void test_a_changed_byte_is_read_or_refused_and_nothing_else(void **state)
{
    (void)state;
    char changed[sizeof document];
    size_t accepted = 0;
    for (size_t at = 0; at < strlen(document); at++) {
        for (int byte = 0; byte < 256; byte++) {
            memcpy(changed, document, sizeof document);
            changed[at] = (char)byte;
            accepted += accepts(changed, strlen(document), byte % 2 == 0) ? 1 : 0;
        }
    }
    assert_in_range(accepted, strlen(document), strlen(document) * 255);
}

/* Nesting is allowed up to JSON_DEPTH_MAX and not one deeper, whether skipped or entered. */
static void test_depth_is_bounded_exactly(void **state)
{
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 2];
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        size_t half = depth < JSON_DEPTH_MAX + 1 ? depth : JSON_DEPTH_MAX + 1;
        memset(text, '[', half);
        memset(text + half, ']', half < JSON_DEPTH_MAX + 1 ? half : JSON_DEPTH_MAX);
        size_t length = half <= JSON_DEPTH_MAX ? 2 * half : 2 * JSON_DEPTH_MAX + 1;
        assert_int_equal(accepts(text, length, false), depth <= JSON_DEPTH_MAX);
    }
    memset(text, '[', sizeof text);
    struct json_reader reader;
    json_reader_init(&reader, text, sizeof text);
    size_t entered = 0;
    while (json_enter_array(&reader) && json_next_element(&reader)) {
        entered++;
    }
    assert_int_equal(entered, JSON_DEPTH_MAX);
    assert_string_equal(reader.mistake, "nested too deeply");
}

/* Comments count as white space where they are allowed, and nowhere else. */
static void test_comments_are_white_space_where_they_are_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"// first\n{\"a\": /* inside */ 1, // behind\n\"b\"/**/:/***/2}// last", true},
        {"/* a // b */ 1", true},
        {"1 //", true},
        {"\"// no comment\"", true},
        {"[1,//x\n2]", true},
        {"/*/ 1", false},
        {"1 /* open", false},
        {"/* open", false},
        {"1 /", false},
        {"/ 1", false},
        {"# 1", false},
        {"/* a */ */ 1", false},
        {"// only a comment", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(accepts(rows[i].text, strlen(rows[i].text), true), rows[i].good);
    }
    assert_false(accepts(rows[0].text, strlen(rows[0].text), false));
}

/* Whole numbers are exact up to both ends of int64_t; fractions and larger ones are refused. */
static void test_whole_numbers_are_exact_to_the_ends_of_the_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t expected;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"9007199254740993", true, INT64_C(9007199254740993)}, /* a double would lose the last bit */
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775807.0", true, INT64_MAX},
        {"10000000000.0", true, INT64_C(10000000000)},
        {"1e18", true, INT64_C(1000000000000000000)},
        {"12.50e2", true, 1250},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"1e19", false, 0},
        {"0.5", false, 0},
        {"1.0000000000001", false, 0},
        {"1e-400", false, 0},
        {"12.55e1", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t value = -77;
        assert_int_equal(json_number_int64(span_of(rows[i].text), &value), rows[i].good);
        assert_int_equal(value, rows[i].good ? rows[i].expected : -77);
    }
}

/* Escapes are decoded, pairs of surrogates joined, lone ones replaced. */
static void test_escapes_and_surrogates_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *expected;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u007A", "Az"},
        {"\\u00e9\\u00E9", "\xC3\xA9\xC3\xA9"},
        {"\\u20AC", "\xE2\x82\xAC"},
        {"\\uD83D\\uDE00", "\xF0\x9F\x98\x80"},
        {"\\udbff\\udfff", "\xF4\x8F\xBF\xBF"},
        {"\\uD800\\uDC00", "\xF0\x90\x80\x80"},
        {"\\uD83D", "\xEF\xBF\xBD"},
        {"\\uDE00", "\xEF\xBF\xBD"},
        {"\\uD83Dx", "\xEF\xBF\xBDx"},
        {"\\uD83D\\uE000", "\xEF\xBF\xBD\xEE\x80\x80"},
        {"\\uD83D\\n", "\xEF\xBF\xBD\n"},
        {"\\uD83D\\u0041", "\xEF\xBF\xBD"
                           "A"},
        {"\\uD83D\\uD83D\\uDE00", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
        {"\\\\u0041", "\\u0041"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char text[32];
        assert_true(json_string_copy(span_of(rows[i].raw), text, sizeof text));
        assert_string_equal(text, rows[i].expected);
        assert_true(json_string_is(span_of(rows[i].raw), rows[i].expected));
        assert_false(json_string_is(span_of(rows[i].raw), "something else"));
        char longer[40];
        strcpy(longer, rows[i].expected);
        strcat(longer, "x");
        assert_false(json_string_is(span_of(rows[i].raw), longer));
    }
    char text[32];
    assert_false(json_string_copy(span_of("a\\u0000b"), text, sizeof text));
    assert_string_equal(text, "a");
    assert_false(json_string_is(span_of("a\\u0000b"), "a"));
}

/* A text that does not fit is cut between two characters and ended, whatever the size. */
static void test_a_text_that_does_not_fit_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const raws[] = {"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z", "a\\u00e9\\u20ac\\ud83d\\ude00z"};
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t i = 0; i < ARRAY_LENGTH(raws); i++) {
        for (size_t size = 1; size <= ARRAY_LENGTH(kept); size++) {
            char text[16];
            memset(text, '#', sizeof text);
            bool whole = json_string_copy(span_of(raws[i]), text, size);
            assert_int_equal(whole, size == ARRAY_LENGTH(kept));
            assert_int_equal(strlen(text), kept[size - 1]);
            assert_int_equal(text[size], '#');
        }
    }
}

/* The walk of the header's example: keys in order, values read, the rest skipped. */
static void test_members_are_walked_in_order(void **state)
{
    (void)state;
    static const char text[] =
        " { \"id\" : 7, \"skip\": {\"id\": 8, \"x\": [1, {}]}, \"list\": [1, [2], \"\\u0033\"] } ";
    struct json_reader reader;
    json_reader_init(&reader, text, strlen(text));
    assert_int_equal(json_peek(&reader), JSON_OBJECT);
    assert_false(json_enter_array(&reader));
    assert_true(json_enter_object(&reader));
    struct span key;
    struct span raw;
    enum json_kind kind;
    assert_true(json_next_member(&reader, &key));
    assert_span_equal(key, "id");
    assert_true(json_read_raw(&reader, &kind, &raw));
    assert_int_equal(kind, JSON_NUMBER);
    assert_span_equal(raw, "7");
    assert_true(json_next_member(&reader, &key));
    assert_true(json_read_raw(&reader, &kind, &raw));
    assert_int_equal(kind, JSON_OBJECT);
    assert_span_equal(raw, "{\"id\": 8, \"x\": [1, {}]}");
    assert_true(json_next_member(&reader, &key));
    assert_span_equal(key, "list");
    static const enum json_kind kinds[] = {JSON_NUMBER, JSON_ARRAY, JSON_STRING};
    assert_true(json_enter_array(&reader));
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        assert_true(json_next_element(&reader));
        assert_int_equal(json_peek(&reader), kinds[i]);
        json_skip(&reader);
    }
    assert_false(json_next_element(&reader));
    assert_false(json_next_member(&reader, &key));
    assert_true(json_finish(&reader));
}

/* After a mistake nothing is read any more, and the first mistake stays. */
static void test_the_first_mistake_stops_the_reader(void **state)
{
    (void)state;
    static const char text[] = "[1,\n oops, [2]]";
    struct json_reader reader;
    json_reader_init(&reader, text, strlen(text));
    assert_true(json_enter_array(&reader));
    assert_true(json_next_element(&reader));
    json_skip(&reader);
    assert_true(json_next_element(&reader));
    json_skip(&reader);
    assert_string_equal(reader.mistake, "expected a value");
    assert_int_equal(reader.mistake_at, 5);
    json_reject(&reader, "another");
    assert_int_equal(json_peek(&reader), JSON_INVALID);
    assert_false(json_next_element(&reader));
    assert_false(json_enter_array(&reader));
    assert_false(json_finish(&reader));
    assert_string_equal(reader.mistake, "expected a value");
}

/* A text that ends inside a value that was entered is not finished. */
static void test_leaving_a_value_open_is_a_mistake(void **state)
{
    (void)state;
    struct json_reader reader;
    json_reader_init(&reader, "[", 1);
    assert_true(json_enter_array(&reader));
    assert_false(json_finish(&reader));
    assert_string_equal(reader.mistake, "text ends inside a value");
}

/* A rejected value is reported on the line where it begins, a rejected key likewise. */
static void test_rejections_name_the_line_of_the_value(void **state)
{
    (void)state;
    static const char text[] = "{\n\"key\"\n:\n\n[1,\n2]\n}";
    struct json_reader reader;
    struct span key;
    json_reader_init(&reader, text, strlen(text));
    assert_true(json_enter_object(&reader));
    assert_true(json_next_member(&reader, &key));
    struct json_reader at_key = reader;
    json_reject(&at_key, "no such key");
    assert_int_equal(json_line_of(text, strlen(text), at_key.mistake_at), 2);
    json_skip(&reader);
    json_reject(&reader, "too short");
    assert_int_equal(json_line_of(text, strlen(text), reader.mistake_at), 5);
}

/* Lines count from 1, and a line feed belongs to the line that it ends. */
static void test_lines_count_from_one(void **state)
{
    (void)state;
    static const char text[] = "a\nb\n\nc";
    static const size_t lines[] = {1, 1, 2, 2, 3, 4, 4};
    for (size_t at = 0; at < ARRAY_LENGTH(lines); at++) {
        assert_int_equal(json_line_of(text, strlen(text), at), lines[at]);
    }
    assert_int_equal(json_line_of(text, strlen(text), 1000), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_well_formed_text_is_read),
        cmocka_unit_test(test_every_malformed_text_is_refused_with_its_mistake),
        cmocka_unit_test(test_nul_bytes_are_refused),
        cmocka_unit_test(test_a_text_cut_at_any_byte_is_refused),
        cmocka_unit_test(test_a_changed_byte_is_read_or_refused_and_nothing_else),
        cmocka_unit_test(test_depth_is_bounded_exactly),
        cmocka_unit_test(test_comments_are_white_space_where_they_are_allowed),
        cmocka_unit_test(test_whole_numbers_are_exact_to_the_ends_of_the_range),
        cmocka_unit_test(test_escapes_and_surrogates_are_decoded),
        cmocka_unit_test(test_a_text_that_does_not_fit_is_cut_between_characters),
        cmocka_unit_test(test_members_are_walked_in_order),
        cmocka_unit_test(test_the_first_mistake_stops_the_reader),
        cmocka_unit_test(test_leaving_a_value_open_is_a_mistake),
        cmocka_unit_test(test_rejections_name_the_line_of_the_value),
        cmocka_unit_test(test_lines_count_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
