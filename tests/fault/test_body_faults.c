#include "faults.h"

#include <cjson/cJSON.h>

static const char show[] =
    "{\"instances\":{\"id\":9007199254740993,\"actual_status\":\"running\",\"status_msg\":\"up\",\"label\":\"a\\\"b\","
    "\"ports\":{\"22/"
    "tcp\":[{\"HostPort\":\"4\"}]},\"public_ipaddr\":\"203.0.113.20\",\"dph_total\":0.16890000000000001,"
    "\"start_date\":1785751200.412}}";

static const char list[] = "{\"success\":true,\"instances\":[{\"id\":1,\"actual_status\":\"loading\",\"label\":\"x\"},"
                           "{\"id\":2,\"actual_status\":\"running\",\"label\":\"y\"}],\"next_token\":null}";

/* A null status nulls the two fields and keeps every other byte: numbers stay as they were written. */
static void test_a_null_status_touches_two_fields_alone(void **state)
{
    (void)state;
    struct bench *bench = bench_new("null-status");
    for (int64_t at_s = 0; at_s < 2; at_s++) {
        assert_string_equal(
            bench_ask(bench, at_s, API_SHOW, 7, show),
            "{\"instances\":{\"id\":9007199254740993,\"actual_status\":null,\"status_msg\":null,\"label\":\"a\\\"b\","
            "\"ports\":{\"22/tcp\":[{\"HostPort\":\"4\"}]},\"public_ipaddr\":\"203.0.113.20\","
            "\"dph_total\":0.16890000000000001,\"start_date\":1785751200.412}}");
        assert_int_equal(bench->reply.status, 200);
    }
    assert_string_equal(bench_ask(bench, 2, API_SHOW, 7, show), show);
    bench_free(bench);
}

/* In a list every row is concerned, or the one machine's that was named. */
static void test_a_list_is_changed_row_by_row(void **state)
{
    (void)state;
    struct bench *all = bench_new("null-status:endpoint=list");
    assert_string_equal(bench_ask(all, 0, API_LIST, -1, list),
                        "{\"success\":true,\"instances\":[{\"id\":1,\"actual_status\":null,\"label\":\"x\"},"
                        "{\"id\":2,\"actual_status\":null,\"label\":\"y\"}],\"next_token\":null}");
    bench_free(all);

    struct bench *one = bench_new("null-status:endpoint=list,machine=0,count=-1");
    assert_string_equal(bench_ask(one, 0, API_LIST, -1, list), list); /* it does not exist yet */
    injector_contract(one->injector, 0, 2);
    assert_string_equal(bench_ask(one, 0, API_LIST, -1, list),
                        "{\"success\":true,\"instances\":[{\"id\":1,\"actual_status\":\"loading\",\"label\":\"x\"},"
                        "{\"id\":2,\"actual_status\":null,\"label\":\"y\"}],\"next_token\":null}");
    bench_free(one);
}

/* A reply without instances, or that is no JSON object at all, is left as it is. */
static void test_what_has_no_instances_is_left_alone(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"instances\":null}",
        "{\"instances\":[]}",
        "{\"instances\":[null,\"a\",7]}",
        "{\"instances\":7}",
        "{\"instances\":\"\"}",
        "[]",
        "",
        "<html></html>",
        "{\"instances\":{",
        "{\"instances\":{}} x",
        "API requests too frequent",
    };
    static const char *const faults[] = {"null-status:count=-1", "nullable-fields",
                                         "schema-drift:shape=unknown-status"};
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        struct bench *bench = bench_new(faults[i]);
        for (size_t j = 0; j < ARRAY_LENGTH(bodies); j++) {
            assert_string_equal(bench_ask(bench, 0, API_SHOW, 7, bodies[j]), bodies[j]);
            assert_false(bench->reply.body.failed);
        }
        bench_free(bench);
    }
}

/* Each way of being empty is as said, for the fields named and no other. */
static void test_nullable_fields_are_empty_as_said(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *reply;
    } cases[] = {
        {"nullable-fields:fields=label,uptime,as=null",
         "{\"instances\":{\"id\":1,\"label\":null,\"uptime\":null,\"z\":[1]}}"},
        {"nullable-fields:fields=label,uptime,as=-1",
         "{\"instances\":{\"id\":1,\"label\":-1,\"uptime\":-1,\"z\":[1]}}"},
        {"nullable-fields:fields=label,uptime,as=absent", "{\"instances\":{\"id\":1,\"z\":[1]}}"},
        {"nullable-fields:fields=label,uptime,as=type",
         "{\"instances\":{\"id\":1,\"label\":7,\"uptime\":\"7\",\"z\":[1]}}"},
        {"nullable-fields:fields=label,uptime,as=newline",
         "{\"instances\":{\"id\":1,\"label\":\"n\\n\",\"uptime\":2.50,\"z\":[1]}}"},
        {"nullable-fields:fields=id,label,uptime,z,as=absent", "{\"instances\":{}}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        assert_string_equal(
            bench_ask(bench, 0, API_SHOW, 1, "{\"instances\":{\"id\":1,\"label\":\"n\",\"uptime\":2.50,\"z\":[1]}}"),
            cases[i].reply);
        bench_free(bench);
    }
}

/* By default the documented list of fields is null, and the rest is there. */
static void test_the_default_fields_are_null(void **state)
{
    (void)state;
    struct bench *bench = bench_new("nullable-fields");
    cJSON *reply = cJSON_Parse(bench_ask(bench, 0, API_SHOW, 7, show));
    const cJSON *instance = cJSON_GetObjectItem(reply, "instances");
    static const char *const null_fields[] = {"ports", "public_ipaddr", "label", "start_date", "dph_total"};
    for (size_t i = 0; i < ARRAY_LENGTH(null_fields); i++) {
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(instance, null_fields[i])));
    }
    assert_string_equal(cJSON_GetObjectItem(instance, "actual_status")->valuestring, "running");
    cJSON_Delete(reply);
    bench_free(bench);
}

/* Each drifted shape is the one that the catalogue names. */
static void test_each_drift_has_its_shape(void **state)
{
    (void)state;
    static const char one[] = "{\"instances\":{\"id\":1,\"actual_status\":\"running\"}}";
    static const char rows[] = "{\"success\":true,\"instances\":[{\"id\":1},{\"id\":2}]}";
    static const char create[] = "{\"success\":true,\"new_contract\":41803846}";
    static const struct {
        const char *fault;
        enum api_call call;
        const char *body, *reply;
    } cases[] = {
        {"schema-drift", API_SHOW, one, "{\"instances\":[{\"id\":1,\"actual_status\":\"running\"}]}"},
        {"schema-drift", API_SHOW, "{\"instances\":null}", "{\"instances\":[]}"},
        {"schema-drift:endpoint=list", API_LIST, rows, "{\"instances\":{\"id\":1}}"},
        {"schema-drift:endpoint=list", API_LIST, "{\"instances\":[]}", "{\"instances\":{}}"},
        {"schema-drift:endpoint=create", API_CREATE, create, "[{\"success\":true,\"new_contract\":41803846}]"},
        {"schema-drift:endpoint=search", API_SEARCH, "{\"offers\":[{\"id\":5}]}", "{\"offers\":{\"id\":5}}"},
        {"schema-drift:shape=top-level", API_SHOW, one, "{\"id\":1,\"actual_status\":\"running\"}"},
        {"schema-drift:shape=top-level,endpoint=list", API_LIST, rows, "[{\"id\":1},{\"id\":2}]"},
        {"schema-drift:shape=top-level,endpoint=create", API_CREATE, create,
         "{\"result\":{\"success\":true,\"new_contract\":41803846}}"},
        {"schema-drift:shape=empty-object", API_SHOW, one, "{}"},
        {"schema-drift:shape=unknown-status", API_SHOW, one,
         "{\"instances\":{\"id\":1,\"actual_status\":\"thawing\"}}"},
        {"schema-drift:shape=status-number", API_SHOW, one, "{\"instances\":{\"id\":1,\"actual_status\":3}}"},
        {"schema-drift:shape=success-false", API_SHOW, one,
         "{\"success\":false,\"error\":\"not_available\",\"msg\":\"This call is not available now.\"}"},
        {"schema-drift:shape=html", API_SHOW, one,
         "<html><head><title>Vast.ai</title></head><body>Console</body></html>"},
        {"schema-drift", API_SHOW, "no JSON", "no JSON"},
        {"schema-drift:shape=top-level", API_SHOW, "{\"instances\":", "{\"instances\":"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        assert_string_equal(bench_ask(bench, 0, cases[i].call, 7, cases[i].body), cases[i].reply);
        assert_int_equal(bench->reply.status, 200);
        bench_free(bench);
    }
}

/* Several faults of the body act on one reply in the plan's order. */
static void test_faults_of_the_body_add_up(void **state)
{
    (void)state;
    struct bench *bench = bench_new(NULL);
    bench_add(bench, "null-status");
    bench_add(bench, "nullable-fields:fields=label,as=absent");
    bench_add(bench, "schema-drift:shape=top-level");
    bench_start(bench);
    assert_string_equal(
        bench_ask(bench, 0, API_SHOW, 7, "{\"instances\":{\"actual_status\":\"running\",\"label\":\"a\"}}"),
        "{\"actual_status\":null}");
    bench_free(bench);
}

/* Every allocation of a rewrite may fail: the body then says so, and nothing leaks. */
static void test_a_rewrite_without_memory_fails_the_body(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "null-status",
        "nullable-fields:as=newline",
        "schema-drift",
        "schema-drift:shape=top-level",
        "schema-drift:shape=html",
        "api-5xx:point=reply",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        bool fired = true;
        for (uint64_t nth = 1; fired; nth++) {
            struct bench *bench = bench_new(faults[i]);
            injector_http(bench->injector, 0, API_SHOW, 7, &bench->verdict, &bench->reply);
            assert_int_not_equal(bench->verdict.rewrites, 0);
            buffer_append_text(&bench->reply.body, show);
            uint64_t fired_before = heap_failures_fired(bench->heap);
            heap_fail_at(bench->heap, nth, true);
            injector_rewrite(bench->injector, 0, &bench->verdict, API_SHOW, &bench->reply);
            fired = heap_failures_fired(bench->heap) > fired_before;
            assert_int_equal(bench->reply.body.failed, fired);
            heap_fail_at(bench->heap, 0, false);
            bench_free(bench);
            assert_true(nth < 100);
        }
    }
}

/* A body that has grown beyond its bound has failed; it is never cut in silence. */
static void test_a_body_beyond_its_bound_fails(void **state)
{
    (void)state;
    struct bench *bench = bench_new("nullable-fields:fields=a,as=null");
    buffer_release(&bench->reply.body);
    buffer_init(&bench->reply.body, bench->heap, 22);
    (void)bench_ask(bench, 0, API_SHOW, 7, "{\"instances\":{\"a\":1}}");
    assert_true(bench->reply.body.failed);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_null_status_touches_two_fields_alone),
        cmocka_unit_test(test_a_list_is_changed_row_by_row),
        cmocka_unit_test(test_what_has_no_instances_is_left_alone),
        cmocka_unit_test(test_nullable_fields_are_empty_as_said),
        cmocka_unit_test(test_the_default_fields_are_null),
        cmocka_unit_test(test_each_drift_has_its_shape),
        cmocka_unit_test(test_faults_of_the_body_add_up),
        cmocka_unit_test(test_a_rewrite_without_memory_fails_the_body),
        cmocka_unit_test(test_a_body_beyond_its_bound_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
