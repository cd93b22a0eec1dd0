/* Search in all its forms, the sample it shows, bids, slices, and values that are null. */
#include "market/rig.h"

enum { BOOK = 300 };

static const char query[] = "{\"num_gpus\":{\"gte\":2},\"verified\":{\"eq\":true},\"order\":[[\"dph_total\",\"asc\"]]}";
static const char query_in_path[] = "%7B%22num_gpus%22:%7B%22gte%22:2%7D,%22verified%22:%7B%22eq%22:true%7D%7D";

static cJSON *search(struct rig *rig, int64_t now_ns, const char *body)
{
    return rig_json(rig, now_ns, HTTP_POST, "/api/v0/bundles/", body, 200);
}

static int64_t id_of(const cJSON *offer)
{
    return (int64_t)rig_member(offer, "id")->valuedouble;
}

static bool has_id(const cJSON *answer, int64_t id)
{
    const cJSON *offer;
    cJSON_ArrayForEach(offer, rig_member(answer, "offers"))
    {
        if (id_of(offer) == id) {
            return true;
        }
    }
    return false;
}

/* All forms of one question have one answer. */
static void test_every_form_asks_the_same(void **state)
{
    (void)state;
    char inner[256];
    char by_text[512];
    char mixed[512];
    (void)text_format(inner, sizeof inner, "{\"select_cols\":[\"*\"],\"q\":%s}", query);
    (void)text_format(by_text, sizeof by_text,
                      "/api/v0/bundles/?q=%%7B%%22order%%22:%%5B%%5B%%22dph_total%%22,%%22asc%%22%%5D%%5D,%s",
                      query_in_path + 3);
    (void)text_format(mixed, sizeof mixed, "/api/v0/bundles?q=%s&order=dph_total&type=on-demand&limit=64",
                      query_in_path);
    const struct {
        enum http_method method;
        const char *path, *body;
    } forms[] = {
        {HTTP_POST, "/api/v0/bundles", query},
        {HTTP_PUT, "/api/v0/search/asks/", inner},
        {HTTP_PUT, "/api/v0/search/asks", query},
        {HTTP_GET, by_text, ""},
        {HTTP_GET, mixed, ""},
        {HTTP_GET, "/api/v0/bundles/?num_gpus=2&verified=true&order=dph_total&limit=64&api_key=k&owner=me", ""},
    };
    struct rig rig;
    rig_start(&rig, BOOK);
    cJSON *wanted = search(&rig, 0, query);
    assert_in_range(cJSON_GetArraySize(rig_member(wanted, "offers")), 10, 64);
    for (size_t i = 0; i + 1 < ARRAY_LENGTH(forms); i++) {
        cJSON *found = rig_json(&rig, 0, forms[i].method, forms[i].path, forms[i].body, 200);
        if (!cJSON_Compare(wanted, found, true)) {
            fail_msg("form %zu finds something else", i);
        }
        cJSON_Delete(found);
    }
    cJSON_Delete(wanted);
    /* Flat values mean equality, but for gpu_ram, which is the least. */
    cJSON *flat = rig_json(&rig, 0, forms[5].method, forms[5].path, "", 200);
    cJSON *same =
        search(&rig, 0, "{\"num_gpus\":{\"eq\":2},\"verified\":{\"eq\":true},\"order\":[[\"dph_total\",\"asc\"]]}");
    assert_true(cJSON_Compare(flat, same, true));
    cJSON_Delete(flat);
    cJSON_Delete(same);
    flat = rig_json(&rig, 0, HTTP_GET, "/api/v0/bundles?gpu_ram=20000&order=id", "", 200);
    same = search(&rig, 0, "{\"gpu_ram\":{\"gte\":20000},\"order\":[[\"id\",\"asc\"]]}");
    assert_true(cJSON_Compare(flat, same, true));
    cJSON_Delete(flat);
    cJSON_Delete(same);
    rig_expect(&rig, 0, HTTP_GET, "/api/v0/bundles?q=%5B%5D", "", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_GET, "/api/v0/bundles?beauty=1", "", 400, "msg",
               "error 400/2102: Invalid args: beauty is not a valid search key");
    rig_end(&rig);
}

/* Every key that is documented can be filtered by, and ordered by where it is no scope word. */
static void test_every_documented_key_filters(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "bw_nvlink",
        "compute_cap",
        "cpu_arch",
        "cpu_cores",
        "cpu_cores_effective",
        "cpu_ghz",
        "cpu_ram",
        "cuda_max_good",
        "datacenter",
        "direct_port_count",
        "disk_bw",
        "disk_space",
        "dlperf",
        "dlperf_per_dphtotal",
        "dph_base",
        "dph_total",
        "duration",
        "external",
        "flops_per_dphtotal",
        "geolocation",
        "gpu_arch",
        "gpu_display_active",
        "gpu_frac",
        "gpu_max_power",
        "gpu_max_temp",
        "gpu_mem_bw",
        "gpu_name",
        "gpu_ram",
        "gpu_total_ram",
        "has_avx",
        "host_id",
        "hosting_type",
        "id",
        "inet_down",
        "inet_down_cost",
        "inet_up",
        "inet_up_cost",
        "machine_id",
        "min_bid",
        "mobo_name",
        "num_gpus",
        "os_version",
        "pci_gen",
        "pcie_bw",
        "reliability",
        "reliability2",
        "rentable",
        "rented",
        "score",
        "static_ip",
        "storage_cost",
        "total_flops",
        "ubuntu_version",
        "verification",
        "verified",
        "vms_enabled",
        "cluster_id",
        "driver_version",
        "compute_capability",
    };
    struct rig rig;
    rig_start(&rig, 30);
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        char body[128];
        (void)text_format(body, sizeof body, "{\"%s\":{\"neq\":null},\"order\":[[\"%s\",\"desc\"]]}", keys[i], keys[i]);
        cJSON *found = search(&rig, 0, body);
        assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")) > 0, strcmp(keys[i], "cluster_id") != 0);
        cJSON_Delete(found);
    }
    rig_end(&rig);
}

/* A bid costs the least bid, and nothing else of the row changes; ids are the same. */
static void test_a_search_for_bids_prices_the_least_bid(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 60);
    cJSON *on_demand = search(&rig, 0, "{\"order\":[[\"id\",\"asc\"]]}");
    cJSON *bids = search(&rig, 0, "{\"order\":[[\"id\",\"asc\"]],\"type\":\"interruptible\"}");
    cJSON *reserved = search(&rig, 0, "{\"order\":[[\"id\",\"asc\"]],\"type\":\"reserved\"}");
    assert_true(cJSON_Compare(on_demand, reserved, true));
    const cJSON *other = rig_member(on_demand, "offers")->child;
    const cJSON *offer;
    cJSON_ArrayForEach(offer, rig_member(bids, "offers"))
    {
        assert_int_equal(id_of(offer), id_of(other));
        assert_true(cJSON_IsTrue(rig_member(offer, "is_bid")));
        double bid = rig_member(offer, "min_bid")->valuedouble;
        double disk = rig_member(offer, "storage_total_cost")->valuedouble;
        assert_true(rig_member(offer, "dph_base")->valuedouble == bid);
        double difference = rig_member(offer, "dph_total")->valuedouble - bid - disk;
        assert_true(difference < 1e-9 && difference > -1e-9);
        assert_true(cJSON_Compare(rig_member(offer, "score"), rig_member(other, "score"), true));
        assert_true(cJSON_Compare(rig_member(offer, "dph_total_adj"), rig_member(other, "dph_total"), true));
        other = other->next;
    }
    cJSON_Delete(on_demand);
    cJSON_Delete(bids);
    cJSON_Delete(reserved);
    cJSON *cheap = search(&rig, 0, "{\"type\":\"bid\",\"dph_base\":{\"lt\":0.03}}");
    cJSON_ArrayForEach(offer, rig_member(cheap, "offers"))
    {
        assert_true(rig_member(offer, "dph_base")->valuedouble < 0.03);
    }
    assert_true(cJSON_GetArraySize(rig_member(cheap, "offers")) > 0);
    cJSON_Delete(cheap);
    rig_end(&rig);
}

/* Only the columns asked for; one that there is not is null. */
static void test_columns_are_selected(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 30);
    cJSON *found = rig_json(&rig, 0, HTTP_PUT, "/api/v0/search/asks/",
                            "{\"select_cols\":[\"id\",\"dph_total\",\"beauty\"],\"q\":{\"limit\":2}}", 200);
    const cJSON *offer = rig_member(found, "offers")->child;
    assert_int_equal(cJSON_GetArraySize(offer), 3);
    assert_true(cJSON_IsNumber(rig_member(offer, "dph_total")) && cJSON_IsNull(rig_member(offer, "beauty")));
    cJSON_Delete(found);
    rig_expect(&rig, 0, HTTP_PUT, "/api/v0/search/asks/", "{\"select_cols\":[7],\"q\":{}}", 400, "error",
               "invalid_args");
    rig_end(&rig);
}

static int shared(const cJSON *left, const cJSON *right)
{
    int count = 0;
    const cJSON *offer;
    cJSON_ArrayForEach(offer, rig_member(left, "offers"))
    {
        count += has_id(right, id_of(offer));
    }
    return count;
}

/* Of more than it shows, a search shows a sample in the order asked for, of which a part is another one some seconds later. */
static void test_the_sample_rotates(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, BOOK);
    struct market_options options = rig_options(&rig);
    options.switches.sample_period_ns = 20 * NS_PER_S;
    rig_restart(&rig, options);
    static const char ordered[] = "{\"order\":[[\"dph_total\",\"asc\"]]}";
    cJSON *first = search(&rig, 0, ordered);
    cJSON *soon = search(&rig, 19 * NS_PER_S, ordered);
    cJSON *later = search(&rig, 20 * NS_PER_S, ordered);
    cJSON *much_later = search(&rig, 2000 * NS_PER_S, ordered);
    assert_int_equal(cJSON_GetArraySize(rig_member(first, "offers")), 64);
    assert_true(cJSON_Compare(first, soon, true));
    assert_in_range(shared(first, later), 32, 62);
    assert_in_range(shared(first, much_later), 1, 40);
    double last = 0;
    const cJSON *offer;
    cJSON_ArrayForEach(offer, rig_member(later, "offers"))
    {
        assert_true(rig_member(offer, "dph_total")->valuedouble >= last);
        last = rig_member(offer, "dph_total")->valuedouble;
    }
    rig_restart(&rig, options);
    cJSON *again = search(&rig, 2000 * NS_PER_S, ordered);
    assert_true(cJSON_Compare(again, much_later, true));
    cJSON_Delete(first);
    cJSON_Delete(soon);
    cJSON_Delete(later);
    cJSON_Delete(much_later);
    cJSON_Delete(again);
    options.switches.row_cap = 225;
    rig_restart(&rig, options);
    cJSON *many = search(&rig, 0, "{\"limit\":512}");
    assert_int_equal(cJSON_GetArraySize(rig_member(many, "offers")), 225);
    cJSON_Delete(many);
    cJSON *usual = search(&rig, 0, "{}");
    assert_int_equal(cJSON_GetArraySize(rig_member(usual, "offers")), 64);
    cJSON_Delete(usual);
    rig_end(&rig);
}

/* What some servers do with what they do not know, and with filters that they should honour. */
static void test_lenient_servers_by_switch(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 60);
    struct market_options options = rig_options(&rig);
    options.switches.unknown_keys_ignored = 1;
    options.switches.filters_loose = 1;
    rig_restart(&rig, options);
    cJSON *found = search(&rig, 0, "{\"beauty\":{\"eq\":1},\"id\":{\"eq\":1},\"inet_down\":{\"gt\":1e9}}");
    assert_true(cJSON_GetArraySize(rig_member(found, "offers")) > 40);
    cJSON_Delete(found);
    found = search(&rig, 0, "{\"num_gpus\":{\"gt\":1000}}");
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 0);
    cJSON_Delete(found);
    rig_end(&rig);
}

/* ---- Slices ------------------------------------------------------------------------------------------------------------- */

static const char two_slices[] = "{\"offers\":["
                                 "{\"id\":501,\"machine_id\":7,\"gpu_name\":\"RTX "
                                 "4090\",\"num_gpus\":1,\"gpu_frac\":0.5,\"dph_base\":0.3,\"disk_space\":100},"
                                 "{\"id\":502,\"machine_id\":7,\"gpu_name\":\"RTX "
                                 "4090\",\"num_gpus\":2,\"gpu_frac\":1,\"dph_base\":0.6,\"disk_space\":100},"
                                 "{\"id\":503,\"machine_id\":7,\"gpu_name\":\"RTX "
                                 "4090\",\"num_gpus\":1,\"gpu_frac\":0.5,\"dph_base\":0.3,\"disk_space\":100},"
                                 "{\"id\":504,\"machine_id\":8,\"gpu_name\":null,\"num_gpus\":0,\"cpu_cores\":null,"
                                 "\"dlperf\":null,\"external\":null,"
                                 "\"geolocation\":null,\"os_version\":null,\"dph_base\":0.01}]}";

static void use_slices(struct rig *rig)
{
    struct error error;
    struct offer_book_options book = rig_book_options(7);
    struct offer_book *usual = rig->book;
    assert_int_equal(offer_book_read(rig->heap, &book, span_of(two_slices), "slices", &rig->book, &error), ERR_OK);
    rig_restart(rig, rig_options(rig));
    offer_book_free(usual);
}

static int count_on_machine(struct rig *rig, int64_t now_ns, int machine)
{
    char body[64];
    (void)text_format(body, sizeof body, "{\"machine_id\":{\"eq\":%d}}", machine);
    cJSON *found = search(rig, now_ns, body);
    int count = cJSON_GetArraySize(rig_member(found, "offers"));
    cJSON_Delete(found);
    return count;
}

/* A taken slice takes its siblings that no longer fit along; those that do are listed anew, with less disk. */
static void test_a_taken_slice_changes_its_siblings(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 10);
    use_slices(&rig);
    assert_int_equal(count_on_machine(&rig, 0, 7), 3);
    int64_t id = rig_rent(&rig, 0, offer_book_at(rig.book, 0), "a");
    cJSON *found = search(&rig, 0, "{\"machine_id\":{\"eq\":7}}");
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 1);
    const cJSON *left = rig_member(found, "offers")->child;
    int64_t left_id = id_of(left);
    assert_int_equal(rig_member(left, "num_gpus")->valueint, 1);
    assert_int_not_equal(left_id, 503);
    assert_int_equal(left_id, (int64_t)rig_member(left, "ask_contract_id")->valuedouble);
    assert_true(rig_member(left, "disk_space")->valuedouble == 80);
    cJSON_Delete(found);
    /* Its old id was listed once; the larger slice is there no more; an id that never was is unknown. */
    rig_expect(&rig, 0, HTTP_PUT, "/api/v0/asks/503/", "{\"image\":\"a\"}", 410, "error", "no_such_ask");
    rig_expect(&rig, 0, HTTP_PUT, "/api/v0/asks/502/", "{\"image\":\"a\"}", 410, "error", "no_such_ask");
    rig_expect(&rig, 0, HTTP_PUT, "/api/v0/asks/505/", "{\"image\":\"a\"}", 404, "error", "invalid_args");
    char path[64];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)left_id);
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"disk\":81}", 400, "error", "invalid_args");
    cJSON_Delete(rig_json(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"disk\":80}", 200));
    assert_int_equal(count_on_machine(&rig, 0, 7), 0);
    rig_destroy(&rig, NS_PER_S, id);
    assert_int_equal(count_on_machine(&rig, NS_PER_S, 7), 1);
    rig_end(&rig);
}

/* Filters and order go by what is listed now, not by what the book once said. */
static void test_filters_see_what_is_listed_now(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 10);
    use_slices(&rig);
    (void)rig_rent(&rig, 0, offer_book_at(rig.book, 0), "a");
    cJSON *found = search(&rig, 0, "{\"disk_space\":{\"lte\":80},\"order\":[[\"id\",\"desc\"]]}");
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 1);
    char body[64];
    (void)text_format(body, sizeof body, "{\"id\":{\"eq\":%lld}}",
                      (long long)id_of(rig_member(found, "offers")->child));
    cJSON_Delete(found);
    found = search(&rig, 0, body);
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 1);
    cJSON_Delete(found);
    found = search(&rig, 0, "{\"id\":{\"eq\":503}}");
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 0);
    cJSON_Delete(found);
    rig_end(&rig);
}

/* A machine without a GPU has nulls where others have a GPU's numbers, and no condition on numbers holds for null. */
static void test_nulls_are_null_and_pass_no_numbers(void **state)
{
    (void)state;
    static const char *const nulls[] = {"gpu_name",   "gpu_ram",     "compute_cap", "cpu_cores",
                                        "dlperf",     "score",       "external",    "geolocation",
                                        "os_version", "total_flops", "gpu_mem_bw",  "dlperf_per_dphtotal"};
    struct rig rig;
    rig_start(&rig, 10);
    use_slices(&rig);
    cJSON *found = search(&rig, 0, "{\"num_gpus\":{\"eq\":0}}");
    const cJSON *offer = rig_member(found, "offers")->child;
    assert_non_null(offer);
    for (size_t i = 0; i < ARRAY_LENGTH(nulls); i++) {
        assert_true(cJSON_IsNull(rig_member(offer, nulls[i])));
    }
    cJSON_Delete(found);
    static const char *const excluding[] = {"{\"machine_id\":{\"eq\":8},\"cpu_cores\":{\"lte\":1000}}",
                                            "{\"machine_id\":{\"eq\":8},\"cpu_cores\":{\"gte\":0}}",
                                            "{\"machine_id\":{\"eq\":8},\"cpu_cores\":{\"neq\":4}}",
                                            "{\"machine_id\":{\"eq\":8},\"dlperf\":{\"lt\":1e9}}",
                                            "{\"machine_id\":{\"eq\":8},\"cpu_cores\":{\"notin\":[4]}}"};
    for (size_t i = 0; i < ARRAY_LENGTH(excluding); i++) {
        found = search(&rig, 0, excluding[i]);
        assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 0);
        cJSON_Delete(found);
    }
    found = search(&rig, 0, "{\"cpu_cores\":{\"eq\":null}}");
    assert_int_equal(cJSON_GetArraySize(rig_member(found, "offers")), 1);
    cJSON_Delete(found);
    found = search(&rig, 0, "{\"order\":[[\"dlperf\",\"desc\"]]}");
    assert_int_equal(id_of(cJSON_GetArrayItem(rig_member(found, "offers"), 3)), 504);
    cJSON_Delete(found);
    found = search(&rig, 0, "{\"order\":[[\"dlperf\",\"asc\"]]}");
    assert_int_equal(id_of(cJSON_GetArrayItem(rig_member(found, "offers"), 3)), 504);
    cJSON_Delete(found);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_asks_the_same),
        cmocka_unit_test(test_every_documented_key_filters),
        cmocka_unit_test(test_a_search_for_bids_prices_the_least_bid),
        cmocka_unit_test(test_columns_are_selected),
        cmocka_unit_test(test_the_sample_rotates),
        cmocka_unit_test(test_lenient_servers_by_switch),
        cmocka_unit_test(test_a_taken_slice_changes_its_siblings),
        cmocka_unit_test(test_filters_see_what_is_listed_now),
        cmocka_unit_test(test_nulls_are_null_and_pass_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
