/* Lists of instances by other columns, some columns, labels that change; the list that was retired; statements. */
#include "market/rig.h"

static void add_encoded(struct buffer *path, const char *text)
{
    for (; *text != '\0'; text++) {
        buffer_printf(path, "%%%02X", (unsigned char)*text);
    }
}

static cJSON *list(struct rig *rig, int64_t now_ns, const char *filters, const char *order, const char *token,
                   int limit)
{
    struct buffer path;
    buffer_init(&path, rig->heap, HTTP_PATH_SIZE);
    buffer_printf(&path, "/api/v1/instances/?limit=%d&select_filters=", limit);
    add_encoded(&path, filters);
    buffer_append_text(&path, "&order_by=");
    add_encoded(&path, order);
    buffer_append_text(&path, "&after_token=");
    add_encoded(&path, token);
    cJSON *json = rig_json(rig, now_ns, HTTP_GET, buffer_text(&path), "", 200);
    buffer_release(&path);
    return json;
}

static void label(struct rig *rig, int64_t now_ns, int64_t id, const char *body, int status)
{
    cJSON_Delete(rig_json(rig, now_ns, HTTP_PUT, rig_instance_path(id), body, status));
}

/* Pages in the order of any column are complete, in order, and without doubles, both ways. */
static void test_any_column_orders_and_pages(void **state)
{
    (void)state;
    enum { MACHINES = 23 };
    static const struct {
        const char *column;
        bool is_text;
    } columns[] = {{"label", true},         {"machine_id", false},  {"gpu_name", true},   {"start_date", false},
                   {"actual_status", true}, {"template_id", false}, {"disk_space", false}};
    struct rig rig;
    rig_start(&rig, 120);
    for (size_t i = 0; i < MACHINES; i++) {
        (void)rig_rent(&rig, (int64_t)(i * 7 % 5) * NS_PER_S * 4 + (int64_t)i, rig_rentable_offer(&rig, i),
                       i % 3 == 0 ? "zebra" : "ant \xc3\xa9");
    }
    for (size_t round = 0; round < 2 * ARRAY_LENGTH(columns); round++) {
        char order[96];
        char token[512] = "";
        char last_text[64] = "";
        double last_number = 0;
        int seen = 0;
        bool descending = round % 2 == 1;
        const char *column = columns[round / 2].column;
        (void)text_format(order, sizeof order, "[{\"col\":\"%s\",\"dir\":\"%s\"}]", column,
                          descending ? "desc" : "asc");
        do {
            cJSON *json = list(&rig, 100 * NS_PER_S, "{}", order, token, 4);
            const cJSON *instance;
            cJSON_ArrayForEach(instance, rig_member(json, "instances"))
            {
                const cJSON *value = rig_member(instance, column);
                if (columns[round / 2].is_text) {
                    int compared = strcmp(value->valuestring, last_text);
                    assert_true(seen == 0 || (descending ? compared <= 0 : compared >= 0));
                    (void)text_copy(last_text, sizeof last_text, value->valuestring);
                } else if (cJSON_IsNumber(value)) {
                    assert_true(seen == 0 ||
                                (descending ? value->valuedouble <= last_number : value->valuedouble >= last_number));
                    last_number = value->valuedouble;
                }
                seen++;
            }
            const cJSON *next = rig_member(json, "next_token");
            (void)text_copy(token, sizeof token, cJSON_IsString(next) ? next->valuestring : "");
            cJSON_Delete(json);
        } while (*token != '\0' && seen <= MACHINES);
        assert_int_equal(seen, MACHINES);
    }
    rig_end(&rig);
}

/* Filters on contract columns select; those on the machine's price or size are refused. */
static void test_contract_columns_select(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 60);
    int64_t first = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 1), "b");
    label(&rig, 100 * NS_PER_S, first, "{\"state\":\"stopped\"}", 200);
    static const struct {
        const char *filter;
        int found;
    } cases[] = {
        {"{\"actual_status\":{\"eq\":\"exited\"}}", 1},
        {"{\"actual_status\":{\"in\":[\"running\",\"exited\"]}}", 2},
        {"{\"actual_status\":{\"eq\":null}}", 0},
        {"{\"intended_status\":{\"eq\":\"running\"}}", 1},
        {"{\"is_bid\":{\"eq\":false}}", 2},
        {"{\"label\":{\"in\":[\"b\",\"c\"]}}", 1},
        {"{\"label\":{\"eq\":\"b\"},\"actual_status\":{\"eq\":\"exited\"}}", 0},
        {"{\"label\":{\"eq\":\"nobody's\"}}", 0},
        {"{\"template_hash_id\":{\"eq\":null}}", 2},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        cJSON *json = list(&rig, 100 * NS_PER_S, cases[i].filter, "[]", "", 25);
        assert_int_equal(rig_member(json, "total_instances")->valueint, cases[i].found);
        assert_int_equal(cJSON_GetArraySize(rig_member(json, "instances")), cases[i].found);
        cJSON_Delete(json);
    }
    rig_expect(&rig, 0, HTTP_GET, "/api/v1/instances/?select_filters=%7B%22num_gpus%22:%7B%22eq%22:1%7D%7D", "", 400,
               "msg", "Error in query parameters: num_gpus is not a valid search key");
    rig_end(&rig);
}

/* A label changes with all that goes by it; null takes it away; one too long is refused. */
static void test_a_label_changes_everywhere(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 60);
    int64_t ids[3];
    for (size_t i = 0; i < 3; i++) {
        ids[i] = rig_rent(&rig, 0, rig_rentable_offer(&rig, i), i == 1 ? "mid" : "ends");
    }
    label(&rig, 0, ids[1], "{\"label\":\"ends\"}", 200);
    cJSON *json = list(&rig, 0, "{\"label\":{\"eq\":\"ends\"}}", "[]", "", 25);
    for (int i = 0; i < 3; i++) {
        const cJSON *instance = cJSON_GetArrayItem(rig_member(json, "instances"), i);
        assert_int_equal((int64_t)rig_member(instance, "id")->valuedouble, ids[i]);
    }
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "label_counts")), 1);
    cJSON_Delete(json);
    label(&rig, 0, ids[0], "{\"label\":null}", 200);
    cJSON *instance = rig_show(&rig, 0, ids[0]);
    assert_true(cJSON_IsNull(rig_member(instance, "label")));
    cJSON_Delete(instance);
    label(&rig, 0, ids[0], "{\"label\":7}", 400);
    struct buffer body;
    buffer_init(&body, rig.heap, 8192);
    buffer_append_text(&body, "{\"label\":\"");
    buffer_append_repeated(&body, "\xc3\xa9", 1024);
    buffer_append_text(&body, "\"}");
    label(&rig, 0, ids[0], buffer_text(&body), 200);
    body.length -= 2;
    buffer_append_text(&body, "x\"}");
    rig_expect(&rig, 0, HTTP_PUT, rig_instance_path(ids[0]), buffer_text(&body), 400, "error", "label_too_long");
    buffer_release(&body);
    rig_end(&rig);
}

/* The old list: retired in one of the ways that were seen, or as it was. */
static void test_the_old_list_by_switch(void **state)
{
    (void)state;
    static const struct {
        int64_t kind;
        int status, found;
    } cases[] = {{V0_LIST_RETIRED, 410, -1},
                 {V0_LIST_RETIRED_AS_200, 200, -1},
                 {V0_LIST_EMPTY, 200, 0},
                 {V0_LIST_LEGACY, 200, 30}};
    struct rig rig;
    rig_start(&rig, 120);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct market_options options = rig_options(&rig);
        options.switches.v0_list = cases[i].kind;
        rig_restart(&rig, options);
        for (size_t j = 0; j < 30; j++) {
            (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, j), "a");
        }
        cJSON *json = rig_json(&rig, 0, HTTP_GET, "/api/v0/instances/?owner=me", "", cases[i].status);
        if (cases[i].found < 0) {
            assert_string_equal(rig_text(json, "error"), "deprecated_endpoint");
        } else {
            assert_int_equal(cJSON_GetArraySize(rig_member(json, "instances")), cases[i].found);
            assert_int_equal(rig_member(json, "instances_found")->valueint, cases[i].found);
        }
        cJSON_Delete(json);
    }
    rig_end(&rig);
}

/* Many are stopped and destroyed in one call each, which says which of them there are not. */
static void test_many_at_once(void **state)
{
    (void)state;
    struct rig rig;
    char body[128];
    rig_start(&rig, 60);
    int64_t a = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    int64_t b = rig_rent(&rig, 0, rig_rentable_offer(&rig, 1), "b");
    (void)text_format(body, sizeof body, "{\"ids\":[%lld,%lld,1],\"state\":\"stopped\"}", (long long)a, (long long)b);
    cJSON *json = rig_json(&rig, 100 * NS_PER_S, HTTP_PUT, "/api/v0/instances/", body, 200);
    assert_true(cJSON_IsFalse(rig_member(json, "success")));
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "not_found")), 1);
    cJSON_Delete(json);
    cJSON *instance = rig_show(&rig, 100 * NS_PER_S, b);
    assert_string_equal(rig_text(instance, "actual_status"), "exited");
    cJSON_Delete(instance);
    (void)text_format(body, sizeof body, "{\"instance_ids\":[%lld,%lld,%lld]}", (long long)a, (long long)b,
                      (long long)a);
    json = rig_json(&rig, 100 * NS_PER_S, HTTP_DELETE, "/api/v0/instances/", body, 200);
    assert_true(cJSON_IsTrue(rig_member(json, "success")));
    cJSON_Delete(json);
    struct contract_view view;
    market_contract(rig.market, 1, &view);
    assert_false(view.exists);
    cJSON_Delete(rig_json(&rig, 0, HTTP_DELETE, "/api/v0/instances/", "{\"instance_ids\":7}", 400));
    rig_end(&rig);
}

/* A statement has a row a day; only the days asked for; latest first when wished; pages that hang together. */
static void test_a_statement_has_a_row_a_day(void **state)
{
    (void)state;
    enum { DAYS = 5, DAY_S = 86400 };
    struct rig rig;
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.credit_nusd = 1000 * NUSD_PER_USD;
    rig_restart(&rig, options);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    int64_t now_ns = DAYS * (int64_t)DAY_S * NS_PER_S;
    market_traffic(rig.market, now_ns, 0, INT64_C(2500000000), 1000000);
    double last_start = 1e18;
    int rows = 0;
    char token[256] = "";
    do {
        struct buffer path;
        buffer_init(&path, rig.heap, HTTP_PATH_SIZE);
        buffer_append_text(&path, "/api/v0/charges/?latest_first=true&limit=2&format=tree&select_filters=");
        add_encoded(&path, "{\"day\":{\"gte\":0,\"lte\":9999999999}}");
        buffer_append_text(&path, "&after_token=");
        add_encoded(&path, token);
        cJSON *json = rig_json(&rig, now_ns, HTTP_GET, buffer_text(&path), "", 200);
        buffer_release(&path);
        const cJSON *row;
        cJSON_ArrayForEach(row, rig_member(json, "results"))
        {
            double start = rig_member(row, "start")->valuedouble;
            assert_true(start < last_start && rig_member(row, "end")->valuedouble == start + DAY_S);
            last_start = start;
            assert_int_equal(cJSON_GetArraySize(rig_member(row, "items")), rows == 0 ? 4 : 2);
            rows++;
        }
        assert_int_equal(rig_member(json, "total")->valueint, DAYS + 1);
        const cJSON *next = rig_member(json, "next_token");
        (void)text_copy(token, sizeof token, cJSON_IsString(next) ? next->valuestring : "");
        cJSON_Delete(json);
    } while (*token != '\0' && rows < 20);
    assert_int_equal(rows, DAYS + 1);
    char path[256];
    (void)text_format(path, sizeof path,
                      "/api/v0/charges/?select_filters=%%7B%%22day%%22:%%7B%%22gte%%22:%lld,%%22lte%%22:%lld%%7D%%7D",
                      (long long)RIG_EPOCH_S + DAY_S, (long long)RIG_EPOCH_S + DAY_S);
    cJSON *one = rig_json(&rig, now_ns, HTTP_GET, path, "", 200);
    assert_int_equal(cJSON_GetArraySize(rig_member(one, "results")), 1);
    cJSON_Delete(one);
    rig_expect(&rig, now_ns, HTTP_GET,
               "/api/v0/charges/?select_filters=%7B%22day%22:%7B%22gte%22:0,%22lte%22:1%7D%7D&after_token=nonsense", "",
               400, "error", "invalid_token");
    rig_end(&rig);
}

/* Traffic is charged by the GB, to the nano-dollar, and shown in MB. */
static void test_traffic_is_charged_by_the_gb(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    market_advance(rig.market, 100 * NS_PER_S);
    int64_t before_nusd = market_charged_nusd(rig.market);
    market_traffic(rig.market, 100 * NS_PER_S, 0, INT64_C(3000000000), INT64_C(500000000));
    int64_t cost_nusd = market_charged_nusd(rig.market) - before_nusd;
    int64_t wanted_nusd = 3 * offer->inet_down_cost_nusd + offer->inet_up_cost_nusd / 2;
    assert_true(cost_nusd - wanted_nusd <= 1 && wanted_nusd - cost_nusd <= 1);
    cJSON *instance = rig_show(&rig, 100 * NS_PER_S, id);
    assert_true(rig_member(instance, "inet_down_billed")->valuedouble == 3000);
    assert_true(rig_member(instance, "inet_up_billed")->valuedouble == 500);
    cJSON_Delete(instance);
    rig_destroy(&rig, 100 * NS_PER_S, id);
    int64_t billed_nusd = 0;
    for (size_t i = 0; i < rig.event_count; i++) {
        billed_nusd += rig.events[i].kind == MARKET_BILLED ? rig.events[i].amount_nusd : 0;
    }
    assert_int_equal(billed_nusd, market_charged_nusd(rig.market));
    rig_end(&rig);
}

/* A volume bills until it is deleted, outlives its machine, and cannot be deleted while it is in use. */
static void test_a_volume_outlives_its_machine(void **state)
{
    (void)state;
    struct rig rig;
    char path[64];
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
    cJSON *json = rig_json(&rig, 0, HTTP_PUT, path,
                           "{\"image\":\"a\",\"volume_info\":{\"create_new\":true,\"size\":30,\"mount_path\":\"/d\","
                           "\"name\":\"n\"}}",
                           200);
    int64_t id = (int64_t)rig_member(json, "new_contract")->valuedouble;
    cJSON_Delete(json);
    cJSON *instance = rig_show(&rig, 0, id);
    const cJSON *info = cJSON_GetArrayItem(rig_member(instance, "volume_info"), 0);
    assert_string_equal(rig_text(info, "mount_path"), "/d");
    int64_t volume = (int64_t)rig_member(info, "volume_id")->valuedouble;
    cJSON_Delete(instance);
    (void)text_format(path, sizeof path, "/api/v0/volumes/?id=%lld", (long long)volume);
    rig_expect(&rig, 0, HTTP_DELETE, path, "{}", 400, "error", "invalid_args");
    rig_destroy(&rig, 100 * NS_PER_S, id);
    int64_t before_nusd = market_charged_nusd(rig.market);
    market_advance(rig.market, 100 * NS_PER_S + NS_PER_HOUR);
    int64_t hour_nusd = market_charged_nusd(rig.market) - before_nusd;
    int64_t wanted_nusd = offer_disk_nusd_per_hour(offer, 30000);
    assert_true(hour_nusd - wanted_nusd <= 1 && wanted_nusd - hour_nusd <= 1);
    cJSON_Delete(rig_json(&rig, 2 * NS_PER_HOUR, HTTP_DELETE, path, "{}", 200));
    before_nusd = market_charged_nusd(rig.market);
    market_advance(rig.market, 20 * NS_PER_HOUR);
    assert_int_equal(market_charged_nusd(rig.market), before_nusd);
    int64_t billed_nusd = 0;
    for (size_t i = 0; i < rig.event_count; i++) {
        billed_nusd += rig.events[i].kind == MARKET_BILLED ? rig.events[i].amount_nusd : 0;
    }
    assert_int_equal(billed_nusd, market_charged_nusd(rig.market));
    rig_end(&rig);
}

/* What one may filter by: each combination once, of what show and list know already. */
static void test_what_can_be_filtered_by_is_told_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 120);
    struct market_options options = rig_options(&rig);
    options.switches.visible_after_ns = 3 * NS_PER_S;
    rig_restart(&rig, options);
    const struct offer *first = rig_rentable_offer(&rig, 0);
    int alike = 0;
    int others = 0;
    for (size_t i = 0; i < 12; i++) {
        const struct offer *offer = rig_rentable_offer(&rig, i);
        bool same =
            strcmp(offer->gpu_name, first->gpu_name) == 0 && strcmp(offer->verification, first->verification) == 0;
        (void)rig_rent(&rig, 0, offer, "x");
        alike += same;
        others += !same;
    }
    assert_true(alike > 1 && others > 1);
    cJSON *json = rig_json(&rig, 2 * NS_PER_S, HTTP_GET, "/api/v0/instances/filters/", "", 200);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "filters")), 0);
    cJSON_Delete(json);
    json = rig_json(&rig, 4 * NS_PER_S, HTTP_GET, "/api/v0/instances/filters/", "", 200);
    const cJSON *filters = rig_member(json, "filters");
    assert_in_range(cJSON_GetArraySize(filters), 2, others + 1);
    const cJSON *each;
    int of_the_first = 0;
    cJSON_ArrayForEach(each, filters)
    {
        assert_string_equal(rig_text(each, "actual_status"), "created");
        of_the_first += strcmp(rig_text(each, "gpu_name"), first->gpu_name) == 0 &&
                        strcmp(rig_text(each, "verification"), first->verification) == 0;
    }
    assert_int_equal(of_the_first, 1);
    cJSON_Delete(json);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_filtered_by_is_told_once),
        cmocka_unit_test(test_any_column_orders_and_pages),
        cmocka_unit_test(test_contract_columns_select),
        cmocka_unit_test(test_a_label_changes_everywhere),
        cmocka_unit_test(test_the_old_list_by_switch),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_a_statement_has_a_row_a_day),
        cmocka_unit_test(test_traffic_is_charged_by_the_gb),
        cmocka_unit_test(test_a_volume_outlives_its_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
