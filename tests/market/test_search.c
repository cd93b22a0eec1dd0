/* Search: values in quotes, scope words, limits, prices, mistakes. test_recheck.c compares whole answers. */
#include "market/rig.h"

enum { BOOK_SIZE = 250 };

static void start_uncapped(struct rig *rig)
{
    rig_start(rig, BOOK_SIZE);
    struct market_options options = rig_options(rig);
    options.switches.row_cap = BOOK_SIZE;
    options.switches.usual_rows = BOOK_SIZE;
    rig_restart(rig, options);
}

/* A number or boolean in quotes means the same as without. */
static void test_a_value_in_quotes_means_the_same(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"{\"num_gpus\":{\"gte\":2}}", "{\"num_gpus\":{\"gte\":\"2\"}}"},
        {"{\"dph_total\":{\"lt\":0.1}}", "{\"dph_total\":{\"lt\":\"0.1\"}}"},
        {"{\"verified\":{\"eq\":true}}", "{\"verified\":{\"eq\":\"true\"}}"},
        {"{\"static_ip\":{\"eq\":false}}", "{\"static_ip\":{\"eq\":\"False\"}}"},
        {"{\"num_gpus\":{\"in\":[1,4]}}", "{\"num_gpus\":{\"in\":[\"1\",\"4\"]}}"},
        {"{\"gpu_ram\":{\"lt\":1e30}}", "{\"gpu_ram\":{\"lt\":\"1e30\"}}"},
        {"{\"limit\":3}", "{\"limit\":\"3\"}"},
    };
    struct rig rig;
    rig_start(&rig, BOOK_SIZE);
    for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
        cJSON *number = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", pairs[i][0], 200);
        cJSON *text = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles", pairs[i][1], 200);
        assert_true(cJSON_GetArraySize(rig_member(number, "offers")) > 0);
        assert_true(cJSON_Compare(number, text, true));
        cJSON_Delete(number);
        cJSON_Delete(text);
    }
    rig_end(&rig);
}

static int count_rows(struct rig *rig, const char *query)
{
    cJSON *json = rig_json(rig, 0, HTTP_POST, "/api/v0/bundles/", query, 200);
    int rows = cJSON_GetArraySize(rig_member(json, "offers"));
    cJSON_Delete(json);
    return rows;
}

/* Scope words, countries and driver numbers are no plain members of a row, yet filter. */
static void test_scope_words_countries_and_drivers_filter(void **state)
{
    (void)state;
    struct rig rig;
    start_uncapped(&rig);
    int all = count_rows(&rig, "{}");
    int canada = count_rows(&rig, "{\"geolocation\":{\"in\":[\"CA\"]}}");
    assert_in_range(canada, 1, all - 1);
    assert_int_equal(count_rows(&rig, "{\"geolocation\":{\"notin\":[\"CA\"]}}"), all - canada);
    int verified = count_rows(&rig, "{\"verified\":{\"eq\":true}}");
    assert_in_range(verified, 1, all - 1);
    assert_int_equal(count_rows(&rig, "{\"verification\":{\"eq\":\"verified\"}}"), verified);
    int datacenter = count_rows(&rig, "{\"datacenter\":{\"eq\":true}}");
    assert_int_equal(count_rows(&rig, "{\"hosting_type\":{\"eq\":1}}"), datacenter);
    int newest = count_rows(&rig, "{\"driver_version\":{\"gte\":580095005}}");
    assert_in_range(newest, 1, all - 1);
    assert_int_equal(count_rows(&rig, "{\"cuda_max_good\":{\"gte\":13}}"), newest);
    assert_int_equal(count_rows(&rig, "{\"rented\":{\"eq\":false},\"external\":{\"eq\":false}}"), all);
    assert_int_equal(count_rows(&rig, "{\"cluster_id\":{\"eq\":null}}"), all);
    assert_int_equal(count_rows(&rig, "{\"cluster_id\":{\"neq\":\"x\"}}"), 0);
    rig_end(&rig);
}

/* No more rows than the cap; fewer on wish, unless the market ignores wishes as the recorded one did. */
static void test_limits_and_the_cap(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, BOOK_SIZE);
    assert_int_equal(count_rows(&rig, "{}"), 64);
    assert_int_equal(count_rows(&rig, "{\"limit\":8}"), 8);
    assert_int_equal(count_rows(&rig, "{\"limit\":1000}"), 64);
    assert_int_equal(count_rows(&rig, "{\"limit\":0}"), 64);
    struct market_options options = rig_options(&rig);
    options.limit_ignored = true;
    rig_restart(&rig, options);
    assert_int_equal(count_rows(&rig, "{\"limit\":8}"), 64);
    rig_end(&rig);
}

/* Disk is priced into the total, to the nano-dollar. */
static void test_allocated_storage_is_priced_in(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 5);
    cJSON *json = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", "{\"allocated_storage\":72}", 200);
    const cJSON *row = cJSON_GetArrayItem(rig_member(json, "offers"), 0);
    const struct offer *offer =
        offer_book_at(rig.book, (size_t)offer_book_index(rig.book, (int64_t)rig_member(row, "id")->valuedouble));
    struct buffer expected;
    buffer_init(&expected, rig.heap, 256);
    buffer_append_text(&expected, "\"dph_total\":");
    decimal_append(&expected, offer->dph_base_nusd + 10000000, 9, 0); /* 72 GB at 0.10 $ a month are 0.01 $ an hour */
    assert_non_null(strstr(buffer_text(&rig.reply.body), buffer_text(&expected)));
    buffer_release(&expected);
    cJSON_Delete(json);
    rig_end(&rig);
}

/* What is not understood is refused by name, and what the real service ignores is ignored. */
static void test_mistakes_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"{\"vm\":{\"eq\":true}}", "error 400/2102: Invalid args: vm is not a valid search key"},
        {"{\"num_gpus\":{\"is\":1}}", "error 400/2102: Invalid args: num_gpus has an unknown operator"},
        {"{\"num_gpus\":{\"eq\":\"one\"}}", "error 400/2102: Invalid args: num_gpus needs a number as value"},
        {"{\"num_gpus\":{\"eq\":\"1 x\"}}", "error 400/2102: Invalid args: num_gpus needs a number as value"},
        {"{\"num_gpus\":{\"eq\":[1]}}", "error 400/2102: Invalid args: num_gpus needs a number as value"},
        {"{\"num_gpus\":{\"gt\":null}}", "error 400/2102: Invalid args: num_gpus cannot be compared with null"},
        {"{\"num_gpus\":1}", "error 400/2102: Invalid args: num_gpus needs an operator, such as {\"eq\": 1}"},
        {"{\"gpu_name\":{\"eq\":4090}}", "error 400/2102: Invalid args: gpu_name needs a text as value"},
        {"{\"order\":[[\"beauty\",\"asc\"]]}",
         "error 400/2102: Invalid args: order needs pairs of a search key and asc or desc"},
        {"{\"order\":[[\"score\",\"up\"]]}",
         "error 400/2102: Invalid args: order needs pairs of a search key and asc or desc"},
        {"{\"order\":\"beauty\"}", "error 400/2102: Invalid args: order needs a list of pairs"},
        {"{\"type\":\"auction\"}", "error 400/2102: Invalid args: type must be on-demand, bid or reserved"},
        {"{\"limit\":\"few\"}", "error 400/2102: Invalid args: limit needs a number"},
        {"{\"allocated_storage\":-1}", "error 400/2102: Invalid args: allocated_storage needs a number of GB"},
        {"[]", "error 400/2101: Invalid args: the body is not a JSON object"},
        {"{\"num_gpus\":{\"eq\":1}", "error 400/2101: Invalid args: the body is not a JSON object"},
        {"{} {}", "error 400/2101: Invalid args: the body is not a JSON object"},
    };
    struct rig rig;
    rig_start(&rig, 20);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        rig_expect(&rig, 0, HTTP_POST, "/api/v0/bundles/", cases[i].body, 400, "msg", cases[i].message);
        rig_expect(&rig, 0, HTTP_POST, "/api/v0/bundles/", cases[i].body, 400, "error", "invalid_args");
    }
    assert_true(count_rows(&rig, "{\"external\":true,\"has_avx\":true,\"template_id\":7,\"disable_bundling\":true,"
                                 "\"type\":\"ondemand\",\"limit\":null}") > 0);
    rig_end(&rig);
}

/* A filter with more values than the market keeps is refused, not cut. */
static void test_too_many_values_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct buffer body;
    buffer_init(&body, rig.heap, 65536);
    buffer_append_text(&body, "{\"id\":{\"in\":[1");
    buffer_append_repeated(&body, ",1", 300);
    buffer_append_text(&body, "]}}");
    rig_expect(&rig, 0, HTTP_POST, "/api/v0/bundles/", buffer_text(&body), 400, "msg",
               "error 400/2102: Invalid args: id has too many values");
    buffer_release(&body);
    rig_end(&rig);
}

/* Searching needs no key. */
static void test_a_search_needs_no_key(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    assert_int_equal(rig_ask(&rig, 0, HTTP_POST, "/api/v0/bundles?x=1", NULL, span_of("")), 200);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_in_quotes_means_the_same),
        cmocka_unit_test(test_scope_words_countries_and_drivers_filter),
        cmocka_unit_test(test_limits_and_the_cap),
        cmocka_unit_test(test_allocated_storage_is_priced_in),
        cmocka_unit_test(test_mistakes_are_refused_by_name),
        cmocka_unit_test(test_too_many_values_are_refused),
        cmocka_unit_test(test_a_search_needs_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
