/* The switches: one table, which the scenarios' schema says too. */
#include <stdio.h>

#include "base/json_read.h"
#include "market/rig.h"

static cJSON *schema_of_market(void)
{
    static char text[131072];
    FILE *file = fopen(DUMONT_SOURCE_DIR "/docs/schema/scenario.schema.json", "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    cJSON *schema = cJSON_Parse(text);
    assert_non_null(schema);
    return schema;
}

static void check_bounds(const struct market_switch *row, const cJSON *property)
{
    double scale = row->kind == SWITCH_COUNT ? 1 : 1e9;
    double usual = rig_member(property, "default")->valuedouble;
    assert_true(rig_member(property, "minimum")->valuedouble * scale == (double)row->least);
    assert_true(rig_member(property, "maximum")->valuedouble * scale == (double)row->most);
    assert_true(usual * scale > (double)row->usual - 0.5 && usual * scale < (double)row->usual + 0.5);
}

/* What the schema says of a switch is what the table says, and there are no others. */
static void test_the_schema_is_the_table(void **state)
{
    (void)state;
    cJSON *schema = schema_of_market();
    const cJSON *market = rig_member(rig_member(schema, "properties"), "market");
    const cJSON *properties = rig_member(market, "properties");
    assert_int_equal(cJSON_GetArraySize(properties), market_switch_count());
    for (size_t i = 0; i < market_switch_count(); i++) {
        const struct market_switch *row = market_switch_at(i);
        const cJSON *property = rig_member(properties, row->name);
        assert_string_equal(rig_text(property, "description"), row->meaning);
        if (row->kind == SWITCH_TRUTH) {
            assert_string_equal(rig_text(property, "type"), "boolean");
            assert_int_equal(cJSON_IsTrue(rig_member(property, "default")), row->usual);
        } else if (row->kind == SWITCH_CHOICE) {
            const cJSON *words = rig_member(property, "enum");
            assert_int_equal(cJSON_GetArraySize(words), row->most + 1);
            const char *usual = cJSON_GetArrayItem(words, (int)row->usual)->valuestring;
            assert_string_equal(rig_text(property, "default"), usual);
            assert_non_null(strstr(row->words, usual));
        } else {
            check_bounds(row, property);
        }
    }
    cJSON_Delete(schema);
}

static const char *mistake_of(const char *text, struct market_switches *switches)
{
    struct json_reader reader;
    market_switches_defaults(switches);
    json_reader_init(&reader, text, strlen(text));
    market_switches_read(&reader, switches);
    return json_finish(&reader) ? NULL : reader.mistake;
}

/* Each kind of switch is read, and what is not named keeps its default. */
static void test_switches_are_read_over_the_defaults(void **state)
{
    (void)state;
    struct market_switches switches;
    assert_null(mistake_of("{\"v0_list\":\"empty\",\"rate_limits\":true,\"rows\":5,\"start_s\":1.5,"
                           "\"spend_limit_usd_per_hour\":0.25}",
                           &switches));
    assert_int_equal(switches.v0_list, V0_LIST_EMPTY);
    assert_int_equal(switches.rate_limits, 1);
    assert_int_equal(switches.usual_rows, 5);
    assert_int_equal(switches.start_ns, 1500000000);
    assert_int_equal(switches.spend_limit_nusd_per_hour, NUSD_PER_USD / 4);
    assert_int_equal(switches.row_cap, 64);
}

/* A mistake stops the reader. */
static void test_mistakes_in_switches_are_named(void **state)
{
    (void)state;
    static const char *const mistakes[] = {
        "[]",
        "{\"no_such\":1}",
        "{\"rows\":\"many\"}",
        "{\"rows\":-1}",
        "{\"rows\":1.5}",
        "{\"rows\":1,\"rows\":1}",
        "{\"rate_limits\":1}",
        "{\"v0_list\":\"lega\"}",
        "{\"v0_list\":\"legacy|\"}",
        "{\"v0_list\":\"\"}",
        "{\"start_s\":1e12}",
        "{\"start_s\":null}",
    };
    struct market_switches switches;
    for (size_t i = 0; i < ARRAY_LENGTH(mistakes); i++) {
        assert_non_null(mistake_of(mistakes[i], &switches));
    }
    assert_string_equal(mistake_of("{\"v0_list\":\"old\"}", &switches), "retired|retired_200|empty|legacy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_schema_is_the_table),
        cmocka_unit_test(test_switches_are_read_over_the_defaults),
        cmocka_unit_test(test_mistakes_in_switches_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
