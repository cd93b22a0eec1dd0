#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/random.h"

static char storage[1 << 16];

static struct buffer empty_buffer(void)
{
    struct buffer out;
    buffer_init_fixed(&out, storage, sizeof storage);
    return out;
}

/* Commas stand between values and nowhere else, at every depth. */
static void test_commas_stand_between_values(void **state)
{
    (void)state;
    struct buffer out = empty_buffer();
    struct json_writer writer;
    json_writer_init(&writer, &out, 0);
    json_begin_object(&writer);
    json_member_null(&writer, "a");
    json_member_bool(&writer, "b", true);
    json_key(&writer, "c");
    json_begin_array(&writer);
    json_int(&writer, -1);
    json_begin_object(&writer);
    json_end_object(&writer);
    json_begin_array(&writer);
    json_end_array(&writer);
    json_bool(&writer, false);
    json_end_array(&writer);
    json_member_decimal(&writer, "d", 168900000, 9);
    json_member_string(&writer, "e", "x");
    json_member_string(&writer, "f", NULL);
    json_key(&writer, "g");
    json_raw(&writer, span_of("{\"h\":1}"));
    json_member_int(&writer, "i", INT64_MIN);
    json_end_object(&writer);
    assert_string_equal(buffer_text(&out), "{\"a\":null,\"b\":true,\"c\":[-1,{},[],false],\"d\":0.1689,\"e\":\"x\","
                                           "\"f\":null,\"g\":{\"h\":1},\"i\":-9223372036854775808}");
}

/* Indented output puts each value on a line of its own; empty containers stay closed. */
static void test_indentation_follows_the_depth(void **state)
{
    (void)state;
    struct buffer out = empty_buffer();
    struct json_writer writer;
    json_writer_init(&writer, &out, 2);
    json_begin_object(&writer);
    json_key(&writer, "a");
    json_begin_array(&writer);
    json_int(&writer, 1);
    json_int(&writer, 2);
    json_end_array(&writer);
    json_key(&writer, "b");
    json_begin_object(&writer);
    json_end_object(&writer);
    json_end_object(&writer);
    assert_string_equal(buffer_text(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

/* Quotes, backslashes and control characters are escaped; well-formed UTF-8 passes as it is. */
static void test_strings_are_escaped_where_json_asks_for_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\r\t", "\"\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
        {"/", "\"/\""},
        {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out = empty_buffer();
        struct json_writer writer;
        json_writer_init(&writer, &out, 0);
        json_string(&writer, rows[i].text);
        assert_string_equal(buffer_text(&out), rows[i].expected);
    }
}

/* Each byte that is no UTF-8 becomes U+FFFD: cut, overlong, surrogate, beyond the last code point. */
static void test_invalid_utf8_is_replaced(void **state)
{
    (void)state;
#define REPLACED "\xEF\xBF\xBD"
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"\x80", REPLACED},
        {"\xFF", REPLACED},
        {"a\xC3", "a" REPLACED},
        {"\xC3(", REPLACED "("},
        {"\xC0\x80", REPLACED REPLACED},
        {"\xE0\x80\x80", REPLACED REPLACED REPLACED},
        {"\xED\xA0\x80", REPLACED REPLACED REPLACED},
        {"\xF0\x80\x80\x80", REPLACED REPLACED REPLACED REPLACED},
        {"\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED},
        {"\xE2\x82", REPLACED REPLACED},
        {"\xF0\x9F\x98z", REPLACED REPLACED REPLACED "z"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out = empty_buffer();
        struct json_writer writer;
        json_writer_init(&writer, &out, 0);
        json_string(&writer, rows[i].text);
        assert_int_equal(out.length, strlen(rows[i].expected) + 2);
        assert_memory_equal(out.data + 1, rows[i].expected, strlen(rows[i].expected));
    }
#undef REPLACED
}

/* Any bytes at all, written as a string, are JSON that the reader accepts. */
static void test_any_bytes_become_readable_json(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        char bytes[40];
        size_t length = round % sizeof bytes;
        for (uint32_t i = 0; i < length; i++) {
            struct random_address address = {.purpose = 1000, .entity = round, .index = i};
            /* Half of the bytes are near the borders of UTF-8's ranges. */
            static const unsigned char borders[] = {0x00, 0x1F, 0x22, 0x5C, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                                    0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF};
            uint64_t drawn = random_bits(5, address);
            bytes[i] = (char)(drawn % 2 == 0 ? borders[(drawn >> 8) % sizeof borders] : (unsigned char)(drawn >> 8));
        }
        struct buffer out = empty_buffer();
        struct json_writer writer;
        json_writer_init(&writer, &out, 0);
        json_span(&writer, (struct span){bytes, length});
        struct json_reader reader;
        json_reader_init(&reader, out.data, out.length);
        json_skip(&reader);
        assert_true(json_finish(&reader));
    }
}

/* A text of whole characters, control characters included, comes back as it was written. */
static void test_texts_survive_writing_and_reading(void **state)
{
    (void)state;
    static const char *const characters[] = {"a",
                                             "\"",
                                             "\\",
                                             "/",
                                             "\x01",
                                             "\n",
                                             "\x7f",
                                             "\xC3\xA9",
                                             "\xE2\x82\xAC",
                                             "\xF0\x9F\x98\x80",
                                             "\xEF\xBF\xBD",
                                             "\xED\x9F\xBF",
                                             "\xF4\x8F\xBF\xBF"};
    for (uint32_t round = 0; round < 1000; round++) {
        char text[128];
        struct buffer built;
        buffer_init_fixed(&built, text, sizeof text);
        for (uint32_t i = 0; i < round % 30; i++) {
            struct random_address address = {.purpose = 1000, .entity = round, .index = i};
            buffer_append_text(&built, characters[random_below(6, address, ARRAY_LENGTH(characters))]);
        }
        struct buffer out = empty_buffer();
        struct json_writer writer;
        json_writer_init(&writer, &out, 0);
        json_string(&writer, text);
        struct json_reader reader;
        json_reader_init(&reader, out.data, out.length);
        enum json_kind kind;
        struct span raw;
        char back[128];
        assert_true(json_read_raw(&reader, &kind, &raw));
        assert_true(json_string_copy(raw, back, sizeof back));
        assert_string_equal(back, text);
        assert_true(json_string_is(raw, text));
    }
}

/* The deepest nesting that is allowed is written and read back. */
static void test_the_deepest_nesting_is_written(void **state)
{
    (void)state;
    struct buffer out = empty_buffer();
    struct json_writer writer;
    json_writer_init(&writer, &out, 1);
    for (int depth = 1; depth < JSON_WRITE_DEPTH_MAX; depth++) {
        json_begin_array(&writer);
    }
    for (int depth = 1; depth < JSON_WRITE_DEPTH_MAX; depth++) {
        json_end_array(&writer);
    }
    struct json_reader reader;
    json_reader_init(&reader, out.data, out.length);
    json_skip(&reader);
    assert_true(json_finish(&reader));
}

/* When the buffer is too small its failure is sticky, and what is there is a beginning of the whole. */
static void test_a_full_buffer_fails_and_keeps_a_prefix(void **state)
{
    (void)state;
    static const char whole[] = "{\"key\":[1,\"two\",null]}";
    for (size_t size = 1; size <= sizeof whole; size++) {
        char small[sizeof whole];
        struct buffer out;
        buffer_init_fixed(&out, small, size);
        struct json_writer writer;
        json_writer_init(&writer, &out, 0);
        json_begin_object(&writer);
        json_key(&writer, "key");
        json_begin_array(&writer);
        json_int(&writer, 1);
        json_string(&writer, "two");
        json_null(&writer);
        json_end_array(&writer);
        json_end_object(&writer);
        assert_int_equal(out.failed, size < sizeof whole);
        assert_memory_equal(small, whole, out.length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas_stand_between_values),
        cmocka_unit_test(test_indentation_follows_the_depth),
        cmocka_unit_test(test_strings_are_escaped_where_json_asks_for_it),
        cmocka_unit_test(test_invalid_utf8_is_replaced),
        cmocka_unit_test(test_any_bytes_become_readable_json),
        cmocka_unit_test(test_texts_survive_writing_and_reading),
        cmocka_unit_test(test_the_deepest_nesting_is_written),
        cmocka_unit_test(test_a_full_buffer_fails_and_keeps_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
