/* Generated documents, read by our reader and by cJSON: two parsers without common mistakes must see the same. */
#include "testing.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/attributes.h"
#include "base/json_read.h"
#include "base/random.h"
#include "base/units.h"

enum { DOCUMENTS = 2000, DEEPEST = 5, TEXT_SIZE = 512 };

struct generator {
    uint32_t document;
    uint32_t draws;
    struct buffer *out;
};

static uint64_t draw(struct generator *generator, uint64_t bound)
{
    struct random_address address = {.purpose = 1000, .entity = generator->document, .index = generator->draws++};
    return random_below(11, address, bound);
}

static void generate_space(struct generator *generator)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\r\n\t"};
    buffer_append_text(generator->out, spaces[draw(generator, ARRAY_LENGTH(spaces))]);
}

static void generate_string(struct generator *generator)
{
    static const char *const pieces[] = {"a",        "key",          " ",
                                         "\\n",      "\\\"",         "\\\\",
                                         "/",        "\\/",          "\\u0041",
                                         "\\u00e9",  "\\u20AC",      "\\ud83d\\ude00",
                                         "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                         "{}[],:"};
    buffer_append_char(generator->out, '"');
    for (uint64_t left = draw(generator, 6); left > 0; left--) {
        buffer_append_text(generator->out, pieces[draw(generator, ARRAY_LENGTH(pieces))]);
    }
    buffer_append_char(generator->out, '"');
}

static void generate_number(struct generator *generator)
{
    static const char *const exponents[] = {"", "", "e0", "E1", "e-2", "e+3"};
    int64_t thousandths = (int64_t)(draw(generator, UINT64_C(2000000000)) >> draw(generator, 31)) - 1000;
    decimal_append(generator->out, thousandths, (int)draw(generator, 4), 0);
    buffer_append_text(generator->out, exponents[draw(generator, ARRAY_LENGTH(exponents))]);
}

static void generate_value(struct generator *generator, int depth)
{
    static const char *const literals[] = {"null", "true", "false"};
    generate_space(generator);
    uint64_t kind = draw(generator, depth < DEEPEST ? 6 : 3);
    if (kind == 0) {
        buffer_append_text(generator->out, literals[draw(generator, ARRAY_LENGTH(literals))]);
    } else if (kind == 1) {
        generate_number(generator);
    } else if (kind == 2) {
        generate_string(generator);
    } else {
        bool object = kind % 2 == 0;
        buffer_append_char(generator->out, object ? '{' : '[');
        generate_space(generator);
        uint64_t count = draw(generator, 5);
        for (uint64_t i = 0; i < count; i++) {
            buffer_append_text(generator->out, i > 0 ? "," : "");
            if (object) {
                generate_space(generator);
                generate_string(generator);
                generate_space(generator);
                buffer_append_char(generator->out, ':');
            }
            generate_value(generator, depth + 1);
        }
        buffer_append_char(generator->out, object ? '}' : ']');
    }
    generate_space(generator);
}

static void assert_same_text(struct span raw, const char *text)
{
    char copy[TEXT_SIZE];
    assert_true(json_string_copy(raw, copy, sizeof copy));
    assert_string_equal(copy, text);
    assert_true(json_string_is(raw, text));
}

static void assert_same_value(struct json_reader *reader, const cJSON *value);

static void assert_same_items(struct json_reader *reader, const cJSON *container)
{
    bool object = cJSON_IsObject(container);
    assert_true(object ? json_enter_object(reader) : json_enter_array(reader));
    for (const cJSON *item = container->child; item != NULL; item = item->next) {
        struct span key;
        assert_true(object ? json_next_member(reader, &key) : json_next_element(reader));
        if (object) {
            assert_same_text(key, item->string);
        }
        assert_same_value(reader, item);
    }
    struct span key;
    assert_false(object ? json_next_member(reader, &key) : json_next_element(reader));
}

static void assert_same_value(struct json_reader *reader, const cJSON *value)
{
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        assert_same_items(reader, value);
        return;
    }
    enum json_kind kind;
    struct span raw;
    assert_true(json_read_raw(reader, &kind, &raw));
    int64_t millionths;
    switch (kind) {
    case JSON_NULL:
        assert_true(cJSON_IsNull(value));
        break;
    case JSON_BOOL:
        assert_true(cJSON_IsBool(value));
        assert_int_equal(raw.at[0] == 't', cJSON_IsTrue(value));
        break;
    case JSON_NUMBER:
        assert_true(cJSON_IsNumber(value));
        assert_true(decimal_parse(raw, 6, &millionths));
        assert_true(fabs((double)millionths - value->valuedouble * 1e6) <= 0.5 + fabs((double)millionths) * 1e-12);
        break;
    case JSON_STRING:
        assert_true(cJSON_IsString(value));
        assert_same_text(raw, value->valuestring);
        break;
    default:
        fail_msg("a %d where cJSON has a scalar", (int)kind);
    }
}

static void generate_document(uint32_t number, struct buffer *out)
{
    struct generator generator = {.document = number, .out = out};
    buffer_clear(out);
    generate_value(&generator, 0);
    assert_false(out->failed);
}

static char storage[1 << 17];

/* Both parsers see the same kinds, keys, texts and numbers in the same order. */
static void test_both_parsers_see_the_same_document(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init_fixed(&out, storage, sizeof storage);
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        generate_document(i, &out);
        cJSON *tree = cJSON_ParseWithLength(out.data, out.length);
        assert_non_null(tree);
        struct json_reader reader;
        json_reader_init(&reader, out.data, out.length);
        assert_same_value(&reader, tree);
        assert_true(json_finish(&reader));
        cJSON_Delete(tree);
    }
}

/* What our reader accepts after a byte was changed or taken away, the laxer cJSON accepts too. */
static void test_our_reader_is_the_stricter_one(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init_fixed(&out, storage, sizeof storage);
    uint32_t accepted = 0;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < DOCUMENTS; i++) {
        generate_document(i, &out);
        struct generator generator = {.document = i, .draws = UINT32_C(1) << 30};
        size_t at = (size_t)draw(&generator, out.length);
        static const char bytes[] = "{}[],:\"\\/ \n0123456789.-+eEtrufalsn\x01\x80";
        if (draw(&generator, 4) == 0) {
            memmove(out.data + at, out.data + at + 1, out.length - at);
            out.length--;
        } else {
            out.data[at] = bytes[draw(&generator, sizeof bytes - 1)];
        }
        struct json_reader reader;
        json_reader_init(&reader, out.data, out.length);
        json_skip(&reader);
        bool good = json_finish(&reader);
        accepted += good ? 1 : 0;
        refused += good ? 0 : 1;
        cJSON *tree = good && strstr(out.data, "\\ud") == NULL ? cJSON_ParseWithLength(out.data, out.length) : NULL;
        assert_true(tree != NULL || !good || strstr(out.data, "\\ud") != NULL);
        cJSON_Delete(tree);
    }
    assert_true(accepted > DOCUMENTS / 10 && refused > DOCUMENTS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_parsers_see_the_same_document),
        cmocka_unit_test(test_our_reader_is_the_stricter_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
