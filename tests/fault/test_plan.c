#include "faults.h"

#include "fakes/fault/catalogue.h"

#define COMMON "nth, count, probability, machine, from_s, to_s, active"

static const char *read_plan(const char *text, struct fault_plan *plan)
{
    struct json_reader reader;
    memset(plan, 0, sizeof *plan);
    json_reader_init(&reader, text, strlen(text));
    fault_plan_read(&reader, plan);
    return json_finish(&reader) ? NULL : reader.mistake;
}

static const char *add_fault(const char *text, struct fault_plan *plan, struct error *error)
{
    memset(plan, 0, sizeof *plan);
    memset(error, 0, sizeof *error);
    enum error_code code = fault_plan_add(plan, text, error);
    assert_int_equal(code, error->message[0] == '\0' ? ERR_OK : ERR_USAGE);
    assert_int_equal(plan->count, code == ERR_OK ? 1 : 0);
    return error->message;
}

static void write_plan(const struct fault_plan *plan, char *out, size_t size)
{
    struct buffer text;
    struct json_writer writer;
    buffer_init_fixed(&text, out, size);
    json_writer_init(&writer, &text, 0);
    fault_plan_write(&writer, plan);
    assert_false(text.failed);
}

/* A fault of which only the id is given acts as the catalogue says. */
static void test_defaults_are_the_catalogues(void **state)
{
    (void)state;
    static struct fault_plan plan;
    assert_null(read_plan("[{\"id\":\"ssh-drop-mid-command\"},{\"id\":\"rate-limit-429\"}]", &plan));
    assert_int_equal(plan.count, 2);
    const struct fault *drop = &plan.faults[0];
    assert_true(drop->active);
    assert_int_equal(drop->nth, 2);
    assert_int_equal(drop->count, 1);
    assert_int_equal(drop->machine, -1);
    assert_int_equal(drop->probability_millionths, 1000000);
    assert_int_equal(drop->from_ns, 0);
    assert_int_equal(drop->to_ns, TIME_NEVER_NS);
    assert_int_equal(drop->endpoint, API_CALL_COUNT);
    assert_string_equal(fault_text(&plan.faults[1], "shape"), "text");
    assert_int_equal(fault_point_of(&plan.faults[1]), POINT_REQUEST);
}

/* The command line and the file say the same thing in two forms. */
static void test_both_forms_mean_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *line, *json;
    } pairs[] = {
        {"null-status", "[{\"id\":\"null-status\"}]"},
        {"rate-limit-429:nth=2,count=3,shape=detail,endpoint=any",
         "[{\"count\":3,\"shape\":\"detail\",\"endpoint\":\"any\",\"id\":\"rate-limit-429\",\"nth\":2}]"},
        {"api-5xx:status=503,point=reply,endpoint=create,probability=0.25,machine=1,from_s=1.5,to_s=20",
         "[{\"id\":\"api-5xx\",\"status\":503,\"point\":\"reply\",\"endpoint\":\"create\",\"probability\":0.25,"
         "\"machine\":1,\"from_s\":1.5,\"to_s\":20}]"},
        {"nullable-fields:fields=ports,label,as=absent,count=-1,active=false",
         "[{\"id\":\"nullable-fields\",\"fields\":\"ports,label\",\"as\":\"absent\",\"count\":-1,\"active\":false}]"},
        {"ssh-refused:for_s=-1", "[{\"id\":\"ssh-refused\",\"for_s\":-1}]"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        static struct fault_plan from_line;
        static struct fault_plan from_json;
        struct error error;
        char first[512];
        char second[512];
        assert_string_equal(add_fault(pairs[i].line, &from_line, &error), "");
        assert_null(read_plan(pairs[i].json, &from_json));
        write_plan(&from_line, first, sizeof first);
        write_plan(&from_json, second, sizeof second);
        assert_string_equal(first, second);
    }
}

/* What is written reads back as the same plan, and only what differs from the defaults is written. */
static void test_a_plan_survives_writing_and_reading(void **state)
{
    (void)state;
    static struct fault_plan plan;
    static struct fault_plan again;
    static const char text[] =
        "[{\"id\":\"null-status\"},"
        "{\"id\":\"api-5xx\",\"active\":false,\"nth\":2,\"count\":-1,\"probability\":0.125,\"endpoint\":\"list\","
        "\"machine\":3,\"from_s\":0.5,\"to_s\":90,\"point\":\"reply\",\"status\":504,\"body\":\"empty\"}]";
    char first[1024];
    char second[1024];
    assert_null(read_plan(text, &plan));
    write_plan(&plan, first, sizeof first);
    assert_string_equal(first, text);
    assert_null(read_plan(first, &again));
    write_plan(&again, second, sizeof second);
    assert_string_equal(first, second);
    assert_memory_equal(plan.faults, again.faults, sizeof plan.faults);
}

/* Each mistake in a file names the fault, the parameter and what is allowed. */
static void test_mistakes_in_a_file_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *mistake;
    } cases[] = {
        {"{}", "expected a list of faults in brackets"},
        {"[7]", "expected a fault, an object in braces"},
        {"[{}]", "expected a fault with an id, a text of the catalogue"},
        {"[{\"nth\":1}]", "expected a fault with an id, a text of the catalogue"},
        {"[{\"id\":7}]", "expected a fault with an id, a text of the catalogue"},
        {"[{\"id\":\"nul-status\"}]", "\"nul-status\" is no fault of the catalogue"},
        {"[{\"id\":\"null-status\",\"id\":\"null-status\"}]", "null-status: id is given twice"},
        {"[{\"id\":\"null-status\",\"shape\":\"text\"}]",
         "null-status: \"shape\" is not known; it has " COMMON ", endpoint, point"},
        {"[{\"id\":\"ssh-refused\",\"endpoint\":\"show\"}]",
         "ssh-refused: \"endpoint\" is not known; it has " COMMON ", for_s, port"},
        {"[{\"id\":\"missing-table\",\"machine\":0}]",
         "missing-table: \"machine\" is not known; it has nth, count, probability, from_s, to_s, active, table"},
        {"[{\"id\":\"null-status\",\"nth\":0}]", "null-status: nth: expected 1 to 1000000, not \"0\""},
        {"[{\"id\":\"null-status\",\"nth\":1.5}]", "null-status: nth: expected 1 to 1000000, not \"1.5\""},
        {"[{\"id\":\"null-status\",\"nth\":\"1\"}]", "null-status: nth: expected 1 to 1000000, not \"1\""},
        {"[{\"id\":\"null-status\",\"nth\":1,\"nth\":1}]", "null-status: nth is given twice"},
        {"[{\"id\":\"null-status\",\"count\":0}]",
         "null-status: count: expected 1 to 1000000, or -1 for all further occasions, not \"0\""},
        {"[{\"id\":\"null-status\",\"count\":1e99}]",
         "null-status: count: expected 1 to 1000000, or -1 for all further occasions, not \"1e99\""},
        {"[{\"id\":\"null-status\",\"count\":null}]",
         "null-status: count: expected a short text, a number, true or false"},
        {"[{\"id\":\"null-status\",\"count\":[1]}]",
         "null-status: count: expected a short text, a number, true or false"},
        {"[{\"id\":\"null-status\",\"probability\":1.1}]",
         "null-status: probability: expected a probability from 0 to 1, not \"1.1\""},
        {"[{\"id\":\"null-status\",\"machine\":64}]",
         "null-status: machine: expected 0 to 63, the nth machine from 0, not \"64\""},
        {"[{\"id\":\"null-status\",\"from_s\":-1}]",
         "null-status: from_s: expected seconds from 0 to 2592000, not \"-1\""},
        {"[{\"id\":\"null-status\",\"from_s\":5,\"to_s\":5}]", "null-status: expected from_s before to_s"},
        {"[{\"id\":\"null-status\",\"active\":1}]", "null-status: active: expected true or false, not \"1\""},
        {"[{\"id\":\"null-status\",\"endpoint\":\"create\"}]",
         "null-status: endpoint: expected one of any, show, list, not \"create\""},
        {"[{\"id\":\"null-status\",\"point\":\"reply\"}]", "null-status: point: expected body, not \"reply\""},
        {"[{\"id\":\"api-5xx\",\"point\":\"default\"}]", "api-5xx: point: expected request or reply, not \"default\""},
        {"[{\"id\":\"api-5xx\",\"status\":501}]", "api-5xx: status: expected one of 500, 502, 503, 504, not \"501\""},
        {"[{\"id\":\"api-5xx\",\"status\":\"\"}]", "api-5xx: status: expected one of 500, 502, 503, 504, not \"\""},
        {"[{\"id\":\"api-5xx\",\"status\":500,\"status\":500}]", "api-5xx: status is given twice"},
        {"[{\"id\":\"ssh-refused\",\"for_s\":-2}]", "ssh-refused: for_s: expected 0 to 2592000, or -1, not \"-2\""},
        {"[{\"id\":\"ssh-refused\",\"for_s\":\"ever\"}]",
         "ssh-refused: for_s: expected 0 to 2592000, or -1, not \"ever\""},
        {"[{\"id\":\"slow-boot\",\"factor\":1001}]", "slow-boot: factor: expected 0 to 1000, not \"1001\""},
        {"[{\"id\":\"missing-table\",\"table\":\"a,b\"}]",
         "missing-table: table: expected one name of a-z, 0-9 and _, not \"a,b\""},
        {"[{\"id\":\"nullable-fields\",\"fields\":\"a,,b\"}]",
         "nullable-fields: fields: expected names of a-z, 0-9 and _, commas between, not \"a,,b\""},
        {"[{\"id\":\"nullable-fields\",\"fields\":\"a\\u0007\"}]",
         "nullable-fields: fields: expected names of a-z, 0-9 and _, commas between, not \"a?\""},
        {"[{\"id\":\"null-status\"", "expected ',' or '}'"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        static struct fault_plan plan;
        const char *mistake = read_plan(cases[i].text, &plan);
        assert_non_null(mistake);
        assert_string_equal(mistake, cases[i].mistake);
        assert_int_equal(plan.count, 0);
    }
}

/* Each mistake on the command line says the same as it would in a file. */
static void test_mistakes_on_the_command_line_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "\"\" is no fault of the catalogue"},
        {"nul", "\"nul\" is no fault of the catalogue"},
        {"null-status,count=1", "\"null-status,count=1\" is no fault of the catalogue"},
        {"an-id-that-is-longer-than-any-id-of-a-fault", "expected a fault of the catalogue as ID:key=value,..."},
        {"null-status:count", "null-status: expected key=value with commas between, each of at most 127 characters"},
        {"null-status:,count=1", "null-status: expected key=value with commas between, each of at most 127 characters"},
        {"null-status:count=", "null-status: count: expected 1 to 1000000, or -1 for all further occasions, not \"\""},
        {"null-status:count=1,",
         "null-status: count: expected 1 to 1000000, or -1 for all further occasions, not \"1,\""},
        {"null-status:=1", "null-status: \"\" is not known; it has " COMMON ", endpoint, point"},
        {"null-status:count=1,count=2", "null-status: count is given twice"},
        {"null-status:active=yes", "null-status: active: expected true or false, not \"yes\""},
        {"rate-limit-429:shape=json",
         "rate-limit-429: shape: expected one of text, threshold, detail, error, not \"json\""},
        {"rate-limit-429:endpoint=start", "rate-limit-429: endpoint: expected any or a call's name, see "
                                          "dumont-fake faults --json, not \"start\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        static struct fault_plan plan;
        struct error error;
        assert_string_equal(add_fault(cases[i].text, &plan, &error), cases[i].message);
    }
}

/* A plan is bounded; the fault that does not fit is refused, not dropped. */
static void test_a_plan_is_bounded(void **state)
{
    (void)state;
    static struct fault_plan plan;
    struct error error = {0};
    memset(&plan, 0, sizeof plan);
    for (size_t i = 0; i < FAULT_PLAN_MAX; i++) {
        assert_int_equal(fault_plan_add(&plan, "null-status", &error), ERR_OK);
    }
    assert_int_equal(fault_plan_add(&plan, "null-status", &error), ERR_USAGE);
    assert_string_equal(error.message, "expected at most 32 faults");
    assert_int_equal(plan.count, FAULT_PLAN_MAX);
}

/* A mistake behind good faults leaves those in place and is found where it stands. */
static void test_a_mistake_is_found_where_it_stands(void **state)
{
    (void)state;
    static struct fault_plan plan;
    static const char text[] = "[\n{\"id\":\"null-status\"},\n{\"id\":\"api-5xx\",\n\"status\":1}]";
    struct json_reader reader;
    memset(&plan, 0, sizeof plan);
    json_reader_init(&reader, text, strlen(text));
    fault_plan_read(&reader, &plan);
    assert_int_equal(json_line_of(text, strlen(text), reader.mistake_at), 4);
    assert_int_equal(plan.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_catalogues),
        cmocka_unit_test(test_both_forms_mean_the_same),
        cmocka_unit_test(test_a_plan_survives_writing_and_reading),
        cmocka_unit_test(test_mistakes_in_a_file_are_named),
        cmocka_unit_test(test_mistakes_on_the_command_line_are_named),
        cmocka_unit_test(test_a_plan_is_bounded),
        cmocka_unit_test(test_a_mistake_is_found_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
