/* Search: filters, order, limits, mistakes. */
#include "market/rig.h"

#include "base/random.h"

enum { BOOK_SIZE = 250, QUERIES = 400 };

static uint64_t draw(uint32_t query, uint32_t index, uint64_t bound)
{
    return random_below(99, (struct random_address){.entity = query, .index = index}, bound);
}

/* Fields that the plain re-check knows, taken from the rows themselves. */
static const struct {
    const char *key;
    bool is_text;
} checked_fields[] = {
    {"id", false},
    {"num_gpus", false},
    {"gpu_ram", false},
    {"dph_total", false},
    {"dph_base", false},
    {"reliability", false},
    {"inet_down", false},
    {"inet_up", false},
    {"disk_space", false},
    {"cpu_cores", false},
    {"cpu_ghz", false},
    {"cuda_max_good", false},
    {"score", false},
    {"static_ip", false},
    {"duration", false},
    {"direct_port_count", false},
    {"storage_cost", false},
    {"gpu_name", true},
    {"mobo_name", true},
    {"verification", true},
    {"dlperf_per_dphtotal", false},
    {"hosting_type", false},
};

static const char *const comparisons[] = {"eq", "neq", "gt", "gte", "lt", "lte", "in", "notin"};

static int compare(const cJSON *left, const cJSON *right)
{
    if (cJSON_IsString(left)) {
        return strcmp(left->valuestring, right->valuestring);
    }
    double a = cJSON_IsBool(left) ? cJSON_IsTrue(left) : left->valuedouble;
    double b = cJSON_IsBool(right) ? cJSON_IsTrue(right) : right->valuedouble;
    return (a > b) - (a < b);
}

static bool row_passes(const cJSON *row, const char *key, const char *comparison, const cJSON *value)
{
    const cJSON *actual = rig_member(row, key);
    if (cJSON_IsArray(value)) {
        bool is_in = false;
        const cJSON *each;
        cJSON_ArrayForEach(each, value)
        {
            is_in = is_in || compare(actual, each) == 0;
        }
        return is_in == (strcmp(comparison, "in") == 0);
    }
    int order = compare(actual, value);
    return strcmp(comparison, "eq") == 0    ? order == 0
           : strcmp(comparison, "neq") == 0 ? order != 0
           : strcmp(comparison, "gt") == 0  ? order > 0
           : strcmp(comparison, "gte") == 0 ? order >= 0
           : strcmp(comparison, "lt") == 0  ? order < 0
                                            : order <= 0;
}

/* One random condition whose values come from rows, so that most are met by some and not by all. */
static void add_condition(cJSON *query, const cJSON *rows, uint32_t nth, uint32_t place)
{
    uint32_t at = place * 16;
    size_t field = (size_t)draw(nth, at, ARRAY_LENGTH(checked_fields));
    size_t comparison = (size_t)draw(nth, at + 1, ARRAY_LENGTH(comparisons));
    const char *key = checked_fields[field].key;
    int count = cJSON_GetArraySize(rows);
    cJSON *value;
    if (comparison >= 6) {
        value = cJSON_CreateArray();
        for (uint32_t i = 0; i < 4; i++) {
            const cJSON *row = cJSON_GetArrayItem(rows, (int)draw(nth, at + 2 + i, (uint64_t)count));
            cJSON_AddItemToArray(value, cJSON_Duplicate(rig_member(row, key), true));
        }
    } else {
        const cJSON *row = cJSON_GetArrayItem(rows, (int)draw(nth, at + 2, (uint64_t)count));
        value = cJSON_Duplicate(rig_member(row, key), true);
    }
    if (cJSON_HasObjectItem(query, key)) {
        cJSON_Delete(value);
        return;
    }
    cJSON *condition = cJSON_AddObjectToObject(query, key);
    cJSON_AddItemToObject(condition, comparisons[comparison], value);
}

static cJSON *search(struct rig *rig, const cJSON *query)
{
    char *text = cJSON_PrintUnformatted(query);
    cJSON *json = rig_json(rig, 0, HTTP_POST, "/api/v0/bundles/", text, 200);
    cJSON_free(text);
    cJSON *offers = cJSON_DetachItemFromObjectCaseSensitive(json, "offers");
    cJSON_Delete(json);
    return offers;
}

static void start_uncapped(struct rig *rig)
{
    rig_start(rig, BOOK_SIZE);
    struct market_options options = rig_options(rig);
    options.switches.row_cap = BOOK_SIZE;
    options.switches.usual_rows = BOOK_SIZE;
    rig_restart(rig, options);
}

static size_t place_of(const struct rig *rig, const cJSON *row)
{
    int64_t index = offer_book_index(rig->book, (int64_t)rig_member(row, "id")->valuedouble);
    assert_in_range(index, 0, BOOK_SIZE - 1);
    return (size_t)index;
}

static bool passes_all(const cJSON *row, const cJSON *query)
{
    bool passes = true;
    const cJSON *condition;
    cJSON_ArrayForEach(condition, query)
    {
        if (cJSON_IsObject(condition)) {
            passes = passes && row_passes(row, condition->string, condition->child->string, condition->child);
        }
    }
    return passes;
}

static void check_rows(const struct rig *rig, const cJSON *query, const cJSON *all, const cJSON *found)
{
    int times_found[BOOK_SIZE] = {0};
    const cJSON *row;
    cJSON_ArrayForEach(row, found)
    {
        times_found[place_of(rig, row)]++;
    }
    cJSON_ArrayForEach(row, all)
    {
        assert_int_equal(times_found[place_of(rig, row)], passes_all(row, query));
    }
}

static void check_order(const cJSON *found, const char *key, bool descending)
{
    const cJSON *before = NULL;
    const cJSON *row;
    cJSON_ArrayForEach(row, found)
    {
        if (before != NULL) {
            int order = compare(rig_member(before, key), rig_member(row, key));
            order = descending ? -order : order;
            assert_true(order < 0 || (order == 0 && compare(rig_member(before, "id"), rig_member(row, "id")) < 0));
        }
        before = row;
    }
}

/* For any query the rows are those that pass a plain re-check over all offers, in the order asked for. */
static void test_rows_equal_a_plain_recheck_over_all_offers(void **state)
{
    (void)state;
    struct rig rig;
    start_uncapped(&rig);
    cJSON *all = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", "{}", 200);
    const cJSON *rows = rig_member(all, "offers");
    int rentable = 0;
    for (size_t i = 0; i < BOOK_SIZE; i++) {
        rentable += offer_book_at(rig.book, i)->rentable != 0;
    }
    assert_int_equal(cJSON_GetArraySize(rows), rentable);
    int64_t found_rows = 0;
    for (uint32_t nth = 0; nth < QUERIES; nth++) {
        cJSON *query = cJSON_CreateObject();
        for (uint32_t place = 0; place <= draw(nth, 1000, 3); place++) {
            add_condition(query, rows, nth, place);
        }
        const char *order_key = checked_fields[draw(nth, 1001, ARRAY_LENGTH(checked_fields))].key;
        bool descending = draw(nth, 1002, 2) == 1;
        const char *pair[] = {order_key, descending ? "desc" : "asc"};
        cJSON_AddItemToArray(cJSON_AddArrayToObject(query, "order"), cJSON_CreateStringArray(pair, 2));
        cJSON *found = search(&rig, query);
        check_rows(&rig, query, rows, found);
        check_order(found, order_key, descending);
        found_rows += cJSON_GetArraySize(found);
        cJSON_Delete(found);
        cJSON_Delete(query);
    }
    assert_true(found_rows > QUERIES); /* or the queries were too strict to say anything */
    cJSON_Delete(all);
    rig_end(&rig);
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
        cmocka_unit_test(test_rows_equal_a_plain_recheck_over_all_offers),
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
