#include "testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/json_decode.h"

struct thing {
    struct maybe_int64 id;
    struct maybe_int64 price_nusd;
    struct maybe_bool verified;
    MAYBE_TEXT(8) name;
    int64_t sum; /* of the custom field, a list of numbers */
};

static void read_sum(struct json_reader *reader, void *member)
{
    int64_t *sum = member;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected a list");
        return;
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        int64_t value;
        if (json_read_raw(reader, &kind, &raw) && json_number_int64(raw, &value)) {
            *sum += value;
        }
    }
}

static const struct json_field fields[] = {
    JSON_INT64(struct thing, id, "id"),
    JSON_DECIMAL(struct thing, price_nusd, "price", 9),
    JSON_BOOLEAN(struct thing, verified, "verified"),
    JSON_TEXT(struct thing, name, "name"),
    JSON_CUSTOM(struct thing, sum, "sum", read_sum),
};

static bool decode(const char *text, enum json_manner manner, struct thing *thing, struct json_reader *reader)
{
    *thing = (struct thing){0};
    json_reader_init(reader, text, strlen(text));
    bool good = json_decode_object(reader, fields, ARRAY_LENGTH(fields), thing, manner);
    return json_finish(reader) && good;
}

/* Each field of a whole object arrives, in either manner. */
static void test_all_fields_of_a_whole_object_arrive(void **state)
{
    (void)state;
    static const char text[] =
        "{\"sum\":[1,2,3],\"name\":\"RTX\\u0033\",\"verified\":true,\"price\":0.1689,\"id\":27291338}";
    for (int manner = JSON_TOLERANT; manner <= JSON_STRICT; manner++) {
        struct thing thing;
        struct json_reader reader;
        assert_true(decode(text, (enum json_manner)manner, &thing, &reader));
        assert_int_equal(int64_or(thing.id, -1), 27291338);
        assert_int_equal(int64_or(thing.price_nusd, -1), 168900000);
        assert_true(bool_or(thing.verified, false));
        assert_int_equal(thing.name.presence, PRESENT);
        assert_string_equal(thing.name.text, "RTX3");
        assert_int_equal(thing.sum, 6);
    }
}

/* Absent, null and of another type are three different things, and none of them gives a value. */
static void test_absent_null_and_wrong_type_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum presence expected;
    } rows[] = {
        {"{}", ABSENT},
        {"{\"other\":1}", ABSENT},
        {"{\"id\":null,\"price\":null,\"verified\":null,\"name\":null}", IS_NULL},
        {"{\"id\":\"7\",\"price\":\"7\",\"verified\":1,\"name\":7}", WRONG_TYPE},
        {"{\"id\":1.5,\"price\":[],\"verified\":\"true\",\"name\":{}}", WRONG_TYPE},
        {"{\"id\":1e30,\"price\":1e30,\"verified\":[],\"name\":false}", WRONG_TYPE},
        {"{\"id\":{\"id\":1},\"price\":true,\"verified\":{},\"name\":[\"x\"]}", WRONG_TYPE},
        {"{\"id\":1,\"price\":1,\"verified\":false,\"name\":\"\"}", PRESENT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct thing thing;
        struct json_reader reader;
        assert_true(decode(rows[i].text, JSON_TOLERANT, &thing, &reader));
        assert_int_equal(thing.id.presence, rows[i].expected);
        assert_int_equal(thing.price_nusd.presence, rows[i].expected);
        assert_int_equal(thing.verified.presence, rows[i].expected);
        assert_int_equal(thing.name.presence, rows[i].expected);
        bool present = rows[i].expected == PRESENT;
        assert_int_equal(int64_or(thing.id, -5), present ? 1 : -5);
        assert_int_equal(bool_or(thing.verified, true), !present);
    }
}

/* JSON null is not the text "null", and a status of null is not "unknown". */
static void test_null_is_not_a_text(void **state)
{
    (void)state;
    struct thing thing;
    struct json_reader reader;
    assert_true(decode("{\"name\":\"null\"}", JSON_TOLERANT, &thing, &reader));
    assert_int_equal(thing.name.presence, PRESENT);
    assert_string_equal(thing.name.text, "null");
    assert_true(decode("{\"name\":null}", JSON_TOLERANT, &thing, &reader));
    assert_int_equal(thing.name.presence, IS_NULL);
    assert_string_equal(thing.name.text, "");
}

/* The tolerant manner cuts a long text, reads past unknown members, and lets the last of two members win. */
static void test_the_tolerant_manner_makes_the_best_of_it(void **state)
{
    (void)state;
    struct thing thing;
    struct json_reader reader;
    assert_true(
        decode("{\"x\":{\"id\":9},\"name\":\"123456789\",\"id\":1,\"\":[],\"id\":2}", JSON_TOLERANT, &thing, &reader));
    assert_string_equal(thing.name.text, "1234567");
    assert_int_equal(int64_or(thing.id, -1), 2);
    assert_true(decode("{\"i\\u0064\":3}", JSON_TOLERANT, &thing, &reader));
    assert_int_equal(int64_or(thing.id, -1), 3);
}

/* What is no object is skipped, and what follows it can still be read. */
static void test_the_tolerant_manner_skips_what_is_no_object(void **state)
{
    (void)state;
    static const char text[] = "[null, [1], \"x\", 5, {\"id\":4}]";
    struct json_reader reader;
    json_reader_init(&reader, text, strlen(text));
    assert_true(json_enter_array(&reader));
    struct thing thing = {0};
    for (int i = 0; i < 4; i++) {
        assert_true(json_next_element(&reader));
        assert_false(json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &thing, JSON_TOLERANT));
    }
    assert_true(json_next_element(&reader));
    assert_true(json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &thing, JSON_TOLERANT));
    assert_int_equal(int64_or(thing.id, -1), 4);
    assert_false(json_next_element(&reader));
    assert_true(json_finish(&reader));
}

/* The strict manner names each mistake and the line that it is on. */
static void test_the_strict_manner_names_each_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text, *mistake;
        size_t line;
    } rows[] = {
        {"{\n\"idd\": 1}", "this key is not known here", 2},
        {"{\"id\": 1,\n\"id\": 2}", "this key is given twice", 2},
        {"{\"id\": null,\n\"id\": 2}", "this key is given twice", 2},
        {"{\"sum\": [],\n\n\"sum\": [1]}", "this key is given twice", 3},
        {"{\"id\":\n\"1\"}", "expected a whole number", 2},
        {"{\"id\": 1.5}", "expected a whole number", 1},
        {"{\"id\": 9223372036854775808}", "expected a whole number", 1},
        {"{\n\"price\":\n\n[1,\n2]}", "expected a number", 4},
        {"{\"verified\": 1}", "expected true or false", 1},
        {"{\"name\": 1}", "expected a text in quotes", 1},
        {"{\"name\": \"12345678\"}", "this text is too long", 1},
        {"{\"sum\":\n7}", "expected a list", 2},
        {"[]", "expected an object in braces", 1},
        {"\n\n7", "expected an object in braces", 3},
        {"", "expected an object in braces", 1},
        {"{\"id\": 1,}", "comma before the end", 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct thing thing;
        struct json_reader reader;
        assert_false(decode(rows[i].text, JSON_STRICT, &thing, &reader));
        assert_string_equal(reader.mistake, rows[i].mistake);
        assert_int_equal(json_line_of(rows[i].text, strlen(rows[i].text), reader.mistake_at), rows[i].line);
    }
}

/* However the text is cut, decoding ends with a mistake, and never looks behind the cut. */
static void test_a_cut_object_is_a_mistake_in_either_manner(void **state)
{
    (void)state;
    static const char text[] = "{\"id\":12,\"price\":1.5,\"verified\":true,\"name\":\"\\u0041\",\"sum\":[1,2]}";
    for (size_t length = 0; length < strlen(text); length++) {
        char *cut = malloc(length + 1);
        assert_non_null(cut);
        memcpy(cut + 1, text, length);
        for (int manner = JSON_TOLERANT; manner <= JSON_STRICT; manner++) {
            struct thing thing = {0};
            struct json_reader reader;
            json_reader_init(&reader, cut + 1, length);
            assert_false(json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &thing, (enum json_manner)manner));
            assert_non_null(reader.mistake);
        }
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_fields_of_a_whole_object_arrive),
        cmocka_unit_test(test_absent_null_and_wrong_type_are_told_apart),
        cmocka_unit_test(test_null_is_not_a_text),
        cmocka_unit_test(test_the_tolerant_manner_makes_the_best_of_it),
        cmocka_unit_test(test_the_tolerant_manner_skips_what_is_no_object),
        cmocka_unit_test(test_the_strict_manner_names_each_mistake),
        cmocka_unit_test(test_a_cut_object_is_a_mistake_in_either_manner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
