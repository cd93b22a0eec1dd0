#include "faults.h"

#include <cjson/cJSON.h>

static const char body[] = "{\"instances\":{\"id\":7,\"actual_status\":\"running\"}}";

/* With no fault that is due, every byte passes unchanged, whatever the body is. */
static void test_nothing_due_changes_nothing(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "null-status:active=false",
        "rate-limit-429:active=false,endpoint=any",
        "schema-drift:active=false,endpoint=any",
        "api-5xx:from_s=100",
        "null-status:endpoint=list",
        "destroy-rejected",
        "api-5xx:nth=4",
        "nullable-fields:probability=0",
        "host-offline",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        struct bench *bench = bench_new(faults[i]);
        for (int64_t at_s = 0; at_s < 3; at_s++) {
            assert_string_equal(bench_ask(bench, at_s, API_SHOW, 7, body), body);
            assert_true(bench_untouched(bench));
        }
        assert_string_equal(bench->notices, "");
        bench_free(bench);
    }
}

/* A rate limit is answered before any effect, in the shape that was asked for, and goes away. */
static void test_a_rate_limit_has_the_known_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *type, *reply;
    } cases[] = {
        {"rate-limit-429", "text/plain", "API requests too frequent"},
        {"rate-limit-429:shape=threshold", "text/plain", "API requests too frequent: endpoint threshold=2.0"},
        {"rate-limit-429:shape=detail", "application/json",
         "{\"detail\":\"API requests too frequent endpoint threshold=2.0\"}"},
        {"rate-limit-429:shape=error", "application/json",
         "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"API requests too frequent endpoint "
         "threshold=2.0\"}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        for (int64_t at_s = 0; at_s < 3; at_s++) {
            assert_string_equal(bench_ask(bench, at_s, API_SHOW, 7, body), cases[i].reply);
            assert_true(bench->verdict.answered);
            assert_false(bench->verdict.pretended);
            assert_int_equal(bench->reply.status, 429);
            assert_string_equal(bench->reply.content_type, cases[i].type);
        }
        assert_string_equal(bench_ask(bench, 3, API_SHOW, 7, body), body);
        assert_string_equal(bench->notices, "+rate-limit-429@0 -rate-limit-429@2 ");
        bench_free(bench);
    }
}

/* A gateway's error at point request has no effect; at point reply the effect stands and the page comes all the same. */
static void test_a_gateway_error_acts_at_its_point(void **state)
{
    (void)state;
    static const char page[] = "<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway "
                               "Time-out</h1></center><hr><center>nginx</center></body></html>";
    struct bench *request = bench_new("api-5xx:status=504,endpoint=create");
    assert_string_equal(bench_ask(request, 0, API_CREATE, 5, body), page);
    assert_true(request->verdict.answered);
    assert_int_equal(request->reply.status, 504);
    assert_string_equal(request->reply.content_type, "text/html");
    bench_free(request);

    struct bench *reply = bench_new("api-5xx:status=504,endpoint=create,point=reply,body=empty");
    assert_string_equal(bench_ask(reply, 0, API_CREATE, 5, body), "");
    assert_false(reply->verdict.answered);
    assert_int_equal(reply->reply.status, 504);
    bench_free(reply);
}

/* A transport fails before the effect, unless the point or what arrives of the reply says that it came later. */
static void test_a_gateway_may_fail_as_a_transport(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum transport_fate before, after;
    } rows[] = {
        {"api-5xx:as=refused", FATE_REFUSED, FATE_DELIVERED},
        {"api-5xx:as=reset", FATE_RESET, FATE_DELIVERED},
        {"api-5xx:as=closed", FATE_CLOSED_EARLY, FATE_DELIVERED},
        {"api-5xx:as=timeout", FATE_SILENT, FATE_DELIVERED},
        {"api-5xx:as=reset,point=reply", FATE_DELIVERED, FATE_RESET},
        {"api-5xx:as=truncated,bytes=7", FATE_DELIVERED, FATE_TRUNCATED},
        {"api-5xx:as=malformed", FATE_DELIVERED, FATE_MALFORMED},
        {"api-5xx:as=too-large", FATE_DELIVERED, FATE_TOO_LARGE},
        {"api-5xx:as=drip,drip_s=0.5", FATE_DELIVERED, FATE_SILENT},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bench *bench = bench_new(rows[i].fault);
        assert_string_equal(bench_ask(bench, 0, API_SHOW, 7, body), body);
        assert_int_equal(bench->verdict.fate_before, rows[i].before);
        assert_int_equal(bench->verdict.fate_after, rows[i].after);
        assert_false(bench->verdict.answered);
        assert_int_equal(bench->verdict.drip_ns, strstr(rows[i].fault, "drip") == NULL ? 0 : NS_PER_S / 2);
        bench_free(bench);
    }
}

/* A status given as text means what it means as a number. */
static void test_a_status_may_be_text_or_number(void **state)
{
    (void)state;
    static const char *const plans[] = {"[{\"id\":\"api-5xx\",\"status\":503}]",
                                        "[{\"id\":\"api-5xx\",\"status\":\"503\"}]"};
    for (size_t i = 0; i < ARRAY_LENGTH(plans); i++) {
        struct bench *bench = bench_new(NULL);
        struct json_reader reader;
        json_reader_init(&reader, plans[i], strlen(plans[i]));
        fault_plan_read(&reader, &bench->plan);
        assert_true(json_finish(&reader));
        bench_start(bench);
        (void)bench_ask(bench, 0, API_SHOW, 7, body);
        assert_int_equal(bench->reply.status, 503);
        bench_free(bench);
    }
}

/* A create whose reply is lost has its effect; what the client sees instead can be chosen. */
static void test_a_lost_reply_leaves_the_effect(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum transport_fate fate;
        int status;
    } cases[] = {
        {"create-response-lost", FATE_SILENT, 200},
        {"create-response-lost:as=reset", FATE_RESET, 200},
        {"create-response-lost:as=502", FATE_DELIVERED, 502},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        (void)bench_ask(bench, 0, API_CREATE, 5, body);
        assert_false(bench->verdict.answered);
        assert_int_equal(bench->verdict.fate_before, FATE_DELIVERED);
        assert_int_equal(bench->verdict.fate_after, cases[i].fate);
        assert_int_equal(bench->reply.status, cases[i].status);
        (void)bench_ask(bench, 1, API_CREATE, 5, body);
        assert_true(bench_untouched(bench));
        bench_free(bench);
    }
}

/* A taken offer is refused by its number, in both known forms. */
static void test_a_taken_offer_is_refused_by_number(void **state)
{
    (void)state;
    struct bench *gone = bench_new("offer-taken");
    assert_string_equal(bench_ask(gone, 0, API_CREATE, 29292839, body),
                        "{\"success\":false,\"error\":\"no_such_ask\",\"msg\":\"error 410/3907: no_such_ask Instance "
                        "type 29292839 is no longer available.\"}");
    assert_int_equal(gone->reply.status, 410);
    assert_string_equal(bench_ask(gone, 1, API_CREATE, 29292839, body), body);
    bench_free(gone);

    struct bench *unknown = bench_new("offer-taken:code=404");
    cJSON *reply = cJSON_Parse(bench_ask(unknown, 0, API_CREATE, 29292839, body));
    assert_int_equal(unknown->reply.status, 404);
    assert_int_equal(cJSON_GetObjectItem(reply, "ask_id")->valueint, 29292839);
    assert_non_null(strstr(cJSON_GetObjectItem(reply, "msg")->valuestring, "404/3603: no_such_ask"));
    cJSON_Delete(reply);
    bench_free(unknown);
}

/* A rejected destroy has no effect, whatever it looks like. */
static void test_a_rejected_destroy_has_no_effect(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int status;
    } cases[] = {{"destroy-rejected", 429}, {"destroy-rejected:as=500", 500}, {"destroy-rejected:as=400", 400}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        for (int64_t at_s = 0; at_s < 2; at_s++) {
            (void)bench_ask(bench, at_s, API_DESTROY, 7, body);
            assert_true(bench->verdict.answered);
            assert_false(bench->verdict.pretended);
            assert_int_equal(bench->reply.status, cases[i].status);
        }
        (void)bench_ask(bench, 2, API_DESTROY, 7, body);
        assert_true(bench_untouched(bench));
        bench_free(bench);
    }
    struct bench *refused = bench_new("destroy-rejected:as=refused");
    (void)bench_ask(refused, 0, API_DESTROY, 7, body);
    assert_int_equal(refused->verdict.fate_before, FATE_REFUSED);
    assert_false(refused->verdict.answered);
    bench_free(refused);
}

/* A false success says true and does nothing; for ever when asked to. */
static void test_a_false_success_pretends(void **state)
{
    (void)state;
    struct bench *once = bench_new("destroy-false-success");
    assert_string_equal(bench_ask(once, 0, API_DESTROY, 7, body), "{\"success\":true}");
    assert_true(once->verdict.answered && once->verdict.pretended);
    assert_int_equal(once->reply.status, 200);
    (void)bench_ask(once, 1, API_DESTROY, 7, body);
    assert_true(bench_untouched(once));
    bench_free(once);

    struct bench *ever = bench_new("destroy-false-success:count=-1");
    for (int64_t at_s = 0; at_s < 100; at_s++) {
        (void)bench_ask(ever, at_s, API_DESTROY, 7, body);
        assert_true(ever->verdict.pretended);
    }
    assert_string_equal(ever->notices, "+destroy-false-success@0 ");
    bench_free(ever);
}

/* nth counts occasions from the first that concerns the fault; its own endpoint alone counts. */
static void test_occasions_are_counted_by_endpoint(void **state)
{
    (void)state;
    struct bench *bench = bench_new("rate-limit-429:nth=3,count=1");
    static const enum api_call calls[] = {API_SHOW, API_LIST, API_SHOW, API_DESTROY, API_SHOW, API_SHOW};
    for (size_t i = 0; i < ARRAY_LENGTH(calls); i++) {
        (void)bench_ask(bench, (int64_t)i, calls[i], 7, body);
        assert_int_equal(bench->verdict.answered, i == 4);
    }
    assert_string_equal(bench->notices, "+rate-limit-429@4 -rate-limit-429@4 ");
    bench_free(bench);
}

/* A fault with a window acts in it and nowhere else, and its end is told at the next call. */
static void test_a_window_bounds_a_fault(void **state)
{
    (void)state;
    struct bench *bench = bench_new("api-5xx:from_s=2,to_s=4,count=-1");
    for (int64_t at_s = 0; at_s < 6; at_s++) {
        (void)bench_ask(bench, at_s, API_SHOW, 7, body);
        assert_int_equal(bench->verdict.answered, at_s >= 2 && at_s < 4);
    }
    assert_string_equal(bench->notices, "+api-5xx@2 -api-5xx@4 ");
    bench_free(bench);
}

/* "any" is every endpoint that the fault can act on. */
static void test_any_endpoint_is_every_endpoint(void **state)
{
    (void)state;
    struct bench *bench = bench_new("rate-limit-429:endpoint=any,count=-1");
    for (unsigned call = 0; call < API_CALL_COUNT; call++) {
        (void)bench_ask(bench, 0, (enum api_call)call, 7, body);
        assert_true(bench->verdict.answered);
    }
    bench_free(bench);
}

/* A fault of one machine leaves the others alone: contracts by id, a create by its turn. */
static void test_a_fault_of_one_machine_leaves_the_others_alone(void **state)
{
    (void)state;
    struct bench *show = bench_new("rate-limit-429:machine=1,count=-1");
    (void)bench_ask(show, 0, API_SHOW, 200, body);
    assert_false(show->verdict.answered); /* nobody knows yet whose that is */
    injector_contract(show->injector, 0, 100);
    injector_contract(show->injector, 1, 200);
    (void)bench_ask(show, 0, API_SHOW, 100, body);
    assert_false(show->verdict.answered);
    (void)bench_ask(show, 0, API_SHOW, 200, body);
    assert_true(show->verdict.answered);
    bench_free(show);

    struct bench *create = bench_new("offer-taken:machine=1,count=-1");
    (void)bench_ask(create, 0, API_CREATE, 5, body);
    assert_false(create->verdict.answered);
    injector_contract(create->injector, 0, 100);
    (void)bench_ask(create, 1, API_CREATE, 6, body);
    assert_true(create->verdict.answered);
    bench_free(create);
}

/* Of two faults that want the same request the first in the plan acts; the other keeps its count for later. */
static void test_the_first_fault_of_the_plan_decides(void **state)
{
    (void)state;
    static const int statuses[] = {429, 429, 502, 200, 200};
    struct bench *bench = bench_new(NULL);
    bench_add(bench, "null-status:count=1");
    bench_add(bench, "rate-limit-429:count=2");
    bench_add(bench, "api-5xx:count=1");
    bench_start(bench);
    for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
        const char *reply = bench_ask(bench, (int64_t)i, API_SHOW, 7, body);
        assert_int_equal(bench->reply.status, statuses[i]);
        assert_int_equal(strstr(reply, "\"actual_status\":null") != NULL, i == 3);
    }
    assert_string_equal(bench->notices, "+rate-limit-429@0 -rate-limit-429@1 +api-5xx@2 -api-5xx@2 "
                                        "+null-status@3 -null-status@3 ");
    bench_free(bench);
}

static size_t answered_of(uint64_t seed, uint32_t run, const char *fault, char *pattern, size_t requests)
{
    struct bench *bench = bench_new(NULL);
    bench_add(bench, fault);
    bench->injector = injector_new(bench->heap, &bench->plan, seed, run, NULL, NULL);
    assert_non_null(bench->injector);
    size_t answered = 0;
    for (size_t i = 0; i < requests; i++) {
        (void)bench_ask(bench, 0, API_SHOW, 7, body);
        pattern[i] = bench->verdict.answered ? 'x' : '.';
        answered += bench->verdict.answered ? 1 : 0;
    }
    pattern[requests] = '\0';
    bench_free(bench);
    return answered;
}

/* A probability is drawn by seed and run: the same again for the same, otherwise for another, and about as often as said. */
static void test_a_probability_is_drawn_by_address(void **state)
{
    (void)state;
    static const char fault[] = "rate-limit-429:count=-1,probability=0.25";
    char first[2001];
    char second[2001];
    size_t answered = answered_of(1, 0, fault, first, 2000);
    assert_in_range(answered, 400, 600);
    assert_int_equal(answered_of(1, 0, fault, second, 2000), answered);
    assert_string_equal(first, second);
    (void)answered_of(2, 0, fault, second, 2000);
    assert_string_not_equal(first, second);
    (void)answered_of(1, 1, fault, second, 2000);
    assert_string_not_equal(first, second);
}

/* Without memory there is no injector, and nothing leaks. */
static void test_no_memory_gives_no_injector(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    static struct fault_plan plan;
    heap_fail_at(heap, 1, false);
    assert_null(injector_new(heap, &plan, 1, 0, NULL, NULL));
    assert_int_equal(heap_live_blocks(heap), 0);
    injector_free(NULL);
    heap_free(heap);
}

/* What a statement meets: "SQLSTATE", with "!" when it takes effect all the same; "silent"; "" for nothing. */
static const char *meets(struct bench *bench, int64_t at_s, const char *table, bool writes)
{
    static char text[16];
    struct store_verdict verdict;
    const struct store_request request = {table, writes};
    bool met = injector_store(bench->injector, at_s * NS_PER_S, &request, &verdict);
    assert_true(met == (verdict.sqlstate != NULL || verdict.silent));
    (void)text_format(text, sizeof text, "%s%s", verdict.sqlstate == NULL ? "" : verdict.sqlstate,
                      verdict.takes_effect ? "!" : "");
    return verdict.silent ? "silent" : text;
}

/* A missing table fails its own statements, and no other's. */
static void test_a_missing_table_fails_its_statements(void **state)
{
    (void)state;
    struct bench *bench = bench_new("missing-table");
    assert_string_equal(meets(bench, 0, "events", false), "");
    assert_string_equal(bench->notices, "");
    for (int64_t at_s = 1; at_s < 4; at_s++) {
        assert_string_equal(meets(bench, at_s, "webhook_configs", false), "42P01");
    }
    assert_string_equal(meets(bench, 4, "webhook_config", false), "");
    assert_string_equal(bench->notices, "+missing-table@1 ");
    bench_free(bench);

    struct bench *other = bench_new("missing-table:table=events,count=1");
    assert_string_equal(meets(other, 0, "webhook_configs", false), "");
    assert_string_equal(meets(other, 0, "events", true), "42P01");
    assert_string_equal(meets(other, 0, "events", true), "");
    bench_free(other);
}

/* Each trouble of the events store has its SQLSTATE; what only concerns writing lets reading pass. */
static void test_the_events_store_is_in_trouble_as_told(void **state)
{
    static const struct {
        const char *fault, *reads, *writes;
    } cases[] = {
        {"pg-unavailable", "08001", "08001"},
        {"pg-unavailable:as=starting", "57P03", "57P03"},
        {"pg-unavailable:as=terminated", "57P01", "57P01"},
        {"pg-unavailable:as=too-many", "53300", "53300"},
        {"pg-unavailable:as=locked", "55P03", "55P03"},
        {"pg-unavailable:as=hang", "silent", "silent"},
        {"pg-read-only", "", "25006"},
        {"pg-commit-unknown:count=-1", "", "08007!"},
        {"pg-unavailable:active=false", "", ""},
        {"pg-unavailable:from_s=5", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        assert_string_equal(meets(bench, 1, "lifecycle_events", false), cases[i].reads);
        assert_string_equal(meets(bench, 2, "webhook_deliveries", true), cases[i].writes);
        bench_free(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_due_changes_nothing),
        cmocka_unit_test(test_a_rate_limit_has_the_known_shapes),
        cmocka_unit_test(test_a_gateway_error_acts_at_its_point),
        cmocka_unit_test(test_a_gateway_may_fail_as_a_transport),
        cmocka_unit_test(test_a_status_may_be_text_or_number),
        cmocka_unit_test(test_a_lost_reply_leaves_the_effect),
        cmocka_unit_test(test_a_taken_offer_is_refused_by_number),
        cmocka_unit_test(test_a_rejected_destroy_has_no_effect),
        cmocka_unit_test(test_a_false_success_pretends),
        cmocka_unit_test(test_occasions_are_counted_by_endpoint),
        cmocka_unit_test(test_a_window_bounds_a_fault),
        cmocka_unit_test(test_any_endpoint_is_every_endpoint),
        cmocka_unit_test(test_a_fault_of_one_machine_leaves_the_others_alone),
        cmocka_unit_test(test_the_first_fault_of_the_plan_decides),
        cmocka_unit_test(test_a_probability_is_drawn_by_address),
        cmocka_unit_test(test_no_memory_gives_no_injector),
        cmocka_unit_test(test_a_missing_table_fails_its_statements),
        cmocka_unit_test(test_the_events_store_is_in_trouble_as_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
