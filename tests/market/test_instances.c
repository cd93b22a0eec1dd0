/* Create, show, list, destroy, and who may ask. */
#include "market/rig.h"

static const char *ask_path(int64_t id)
{
    static _Thread_local char path[64];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)id);
    return path;
}

static const char good_create[] =
    "{\"client_id\":\"me\",\"image\":\"a/b:1\",\"disk\":20,\"label\":null,\"onstart\":null,"
    "\"runtype\":\"ssh\",\"env\":{},\"price\":null}";

/* The answer names the contract and its key, and the instance is what was asked for. */
static void test_a_created_instance_is_what_was_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    cJSON *json =
        rig_json(&rig, 0, HTTP_PUT, ask_path(offer->id),
                 "{\"image\":\"pytorch/pytorch:2.4\",\"disk\":12.5,\"label\":\"job \\\"7\\\"\",\"onstart\":\"true\","
                 "\"runtype\":\"ssh_direc ssh_proxy\",\"env\":{\"JOB\":\"7\",\"-p 80:8000\":\"1\","
                 "\"-p 5:53/udp\":\"1\",\"-p nonsense\":\"1\"}}",
                 200);
    assert_true(cJSON_IsTrue(rig_member(json, "success")));
    assert_int_equal(strspn(rig_text(json, "instance_api_key"), "0123456789abcdef"), 64);
    int64_t id = (int64_t)rig_member(json, "new_contract")->valuedouble;
    cJSON_Delete(json);
    cJSON *instance = rig_show(&rig, 60 * NS_PER_S, id);
    assert_int_equal(rig_member(instance, "id")->valuedouble, id);
    assert_int_equal(rig_member(instance, "machine_id")->valuedouble, offer->machine_id);
    assert_string_equal(rig_text(instance, "gpu_name"), offer->gpu_name);
    assert_string_equal(rig_text(instance, "image_uuid"), "pytorch/pytorch:2.4");
    assert_string_equal(rig_text(instance, "status_msg"), "success, running pytorch/pytorch_2.4/ssh");
    assert_string_equal(rig_text(instance, "label"), "job \"7\"");
    assert_string_equal(rig_text(instance, "image_runtype"), "ssh_direc ssh_proxy");
    assert_true(rig_member(instance, "disk_space")->valuedouble == 12.5);
    assert_int_equal(cJSON_GetArraySize(rig_member(instance, "extra_env")), 4);
    const cJSON *ports = rig_member(instance, "ports");
    assert_int_equal(cJSON_GetArraySize(ports), 3);
    const cJSON *mapping = cJSON_GetArrayItem(rig_member(ports, "8000/tcp"), 1);
    assert_string_equal(rig_text(mapping, "HostIp"), "::");
    struct contract_view view;
    market_contract(rig.market, 0, &view);
    char port[32];
    (void)text_format(port, sizeof port, "%lld", (long long)view.direct_port + 1);
    assert_string_equal(rig_text(mapping, "HostPort"), port);
    (void)rig_member(ports, "53/udp");
    cJSON_Delete(instance);
    rig_end(&rig);
}

/* ssh_port is 10000 plus the last four digits of the id, made even; the first contract's place may be given. */
static void test_ssh_addresses_follow_the_id_unless_given(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct market_options options = rig_options(&rig);
    options.first_contract_id = 41804113;
    rig_restart(&rig, options);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    assert_int_equal(id, 41804113);
    struct contract_view view;
    market_contract(rig.market, 0, &view);
    assert_int_equal(view.ssh_port, 14112);
    assert_memory_equal(view.ssh_host, "ssh", 3);
    options.ssh_host = "ssh2.vast.ai";
    options.ssh_port = 11924;
    rig_restart(&rig, options);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    market_contract(rig.market, 0, &view);
    assert_int_equal(view.ssh_port, 11924);
    cJSON *instance = rig_show(&rig, 0, 41804113);
    assert_string_equal(rig_text(instance, "ssh_host"), "ssh2.vast.ai");
    assert_string_equal(rig_text(instance, "ssh_idx"), "2");
    cJSON_Delete(instance);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 1), "b");
    market_contract(rig.market, 1, &view);
    assert_true(view.id > 41804113);
    assert_int_equal(view.ssh_port, (10000 + view.id % 10000) / 2 * 2);
    rig_end(&rig);
}

static void loopback_address(void *context, uint32_t contract, int64_t id, struct market_address *address)
{
    (void)context;
    assert_true(address->ssh_port > 0 && address->direct_port > 0 && id > 0); /* the derived place comes with it */
    (void)text_format(address->ssh_host, sizeof address->ssh_host, "127.3.2.%u", contract + 1);
    (void)text_copy(address->public_ipaddr, sizeof address->public_ipaddr, "127.9.9.9");
    address->ssh_port = 2200;
    address->direct_port = 40000;
}

static void test_a_machine_is_reached_where_the_asked_one_says(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct market_options options = rig_options(&rig);
    options.address = loopback_address;
    rig_restart(&rig, options);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 1), "b");
    cJSON *instance = rig_show(&rig, 60 * NS_PER_S, id);
    assert_string_equal(rig_text(instance, "ssh_host"), "127.3.2.2");
    assert_int_equal(rig_member(instance, "ssh_port")->valuedouble, 2200);
    assert_string_equal(rig_text(instance, "public_ipaddr"), "127.9.9.9\n");
    const cJSON *mapping = cJSON_GetArrayItem(rig_member(rig_member(instance, "ports"), "22/tcp"), 0);
    assert_string_equal(rig_text(mapping, "HostPort"), "40000");
    cJSON_Delete(instance);
    struct contract_view view;
    market_contract(rig.market, 1, &view);
    assert_string_equal(view.public_ipaddr, "127.9.9.9");
    assert_int_equal(view.direct_port, 40000);
    rig_end(&rig);
}

/* uptime_mins counts from the moment of running, exact to the millisecond. */
static void test_uptime_is_exact_to_the_millisecond(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    int64_t now_ns = 60 * NS_PER_S + 71234 * NS_PER_MS;
    cJSON *instance = rig_show(&rig, now_ns, id);
    double uptime_ms = rig_member(instance, "uptime_mins")->valuedouble * 60000;
    assert_true(uptime_ms > 71233.99 && uptime_ms < 71234.01);
    assert_true(rig_member(instance, "start_date")->valuedouble == (double)RIG_EPOCH_S);
    assert_string_equal(rig_text(instance, "actual_status"), "running");
    const char *address = rig_text(instance, "public_ipaddr");
    assert_int_equal(address[strlen(address) - 1], '\n');
    cJSON_Delete(instance);
    rig_end(&rig);
}

/* The same seed gives the same ids, keys and ports; another run of it others. */
static void test_contracts_are_a_function_of_seed_and_run(void **state)
{
    (void)state;
    int64_t ids[3];
    static const uint32_t runs[] = {1, 1, 2};
    struct rig rig;
    rig_start(&rig, 20);
    for (size_t i = 0; i < ARRAY_LENGTH(runs); i++) {
        struct market_options options = rig_options(&rig);
        options.run = runs[i];
        rig_restart(&rig, options);
        ids[i] = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_not_equal(ids[0], ids[2]);
    rig_end(&rig);
}

/* Two clients race for one offer: the second gets 410, until the first gives it back. */
static void test_a_taken_offer_is_gone_until_its_machine_is_destroyed(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    char message[128];
    (void)text_format(message, sizeof message, "error 410/3907: no_such_ask Instance type %lld is no longer available.",
                      (long long)offer->id);
    rig_expect(&rig, 0, HTTP_PUT, ask_path(offer->id), good_create, 410, "error", "no_such_ask");
    rig_expect(&rig, 0, HTTP_PUT, ask_path(offer->id), good_create, 410, "msg", message);
    char query[64];
    (void)text_format(query, sizeof query, "{\"id\":{\"eq\":%lld}}", (long long)offer->id);
    cJSON *json = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", query, 200);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "offers")), 0);
    cJSON_Delete(json);
    rig_destroy(&rig, NS_PER_S, id);
    json = rig_json(&rig, NS_PER_S, HTTP_POST, "/api/v0/bundles/", query, 200);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "offers")), 1);
    cJSON_Delete(json);
    (void)rig_rent(&rig, 2 * NS_PER_S, offer, "b");
    rig_end(&rig);
}

/* Gone and never known look the same: 200 with null; destroying either is 404. */
static void test_a_destroyed_instance_is_null_and_cannot_be_destroyed_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    rig_destroy(&rig, NS_PER_S, id);
    assert_string_equal(buffer_text(&rig.reply.body), "{\"success\":true}");
    int64_t unknown[] = {id, 1};
    for (size_t i = 0; i < ARRAY_LENGTH(unknown); i++) {
        cJSON_Delete(rig_json(&rig, NS_PER_S, HTTP_GET, rig_instance_path(unknown[i]), "", 200));
        assert_string_equal(buffer_text(&rig.reply.body), "{\"instances\":null}");
        char message[64];
        (void)text_format(message, sizeof message, "Instance %lld not found.", (long long)unknown[i]);
        rig_expect(&rig, NS_PER_S, HTTP_DELETE, rig_instance_path(unknown[i]), "", 404, "error", "no_such_instance");
        rig_expect(&rig, NS_PER_S, HTTP_DELETE, rig_instance_path(unknown[i]), "{}", 404, "msg", message);
    }
    rig_end(&rig);
}

/* Every refused create names why and leaves the market as it was. */
static void test_refused_creates_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *body, *error;
    } cases[] = {
        {"", "invalid_args"},
        {"{", "invalid_args"},
        {"[1]", "invalid_args"},
        {"{\"image\":\"\"}", "invalid_args"},
        {"{\"image\":7}", "invalid_args"},
        {"{\"image\":\"a\",\"label\":7}", "invalid_args"},
        {"{\"image\":\"a\",\"runtype\":[]}", "invalid_args"},
        {"{\"image\":\"a\",\"env\":[]}", "invalid_args"},
        {"{\"image\":\"a\",\"env\":{\"a\":1}}", "invalid_args"},
        {"{\"image\":\"a\",\"disk\":\"20\"}", "invalid_args"},
        {"{\"image\":\"a\",\"disk\":-1}", "invalid_args"},
        {"{\"image\":\"a\",\"disk\":1e300}", "invalid_args"},
        {"{\"image\":\"a\",\"price\":0.0009}", "invalid_price"},
        {"{\"image\":\"a\",\"price\":128.1}", "invalid_price"},
        {"{\"image\":\"a\",\"price\":\"x\"}", "invalid_price"},
    };
    struct rig rig;
    rig_start(&rig, 20);
    int64_t offer_id = rig_rentable_offer(&rig, 0)->id;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        rig_expect(&rig, 0, HTTP_PUT, ask_path(offer_id), cases[i].body, 400, "error", cases[i].error);
    }
    struct buffer long_label;
    buffer_init(&long_label, rig.heap, 4096);
    buffer_append_text(&long_label, "{\"image\":\"a\",\"label\":\"");
    buffer_append_repeated(&long_label, "\xc3\xa9", 257);
    buffer_append_text(&long_label, "\"}");
    rig_expect(&rig, 0, HTTP_PUT, ask_path(offer_id), buffer_text(&long_label), 400, "error", "label_too_long");
    buffer_release(&long_label);
    rig_expect(&rig, 0, HTTP_PUT, ask_path(1), good_create, 404, "msg",
               "error 404/3603: no_such_ask Instance type by id 1 is not available.");
    rig_expect(&rig, 0, HTTP_PUT, ask_path(1), good_create, 404, "error", "invalid_args");
    assert_int_equal(market_contract_count(rig.market), 0);
    assert_int_equal(rig.event_count, 0);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    rig_end(&rig);
}

/* A label of 256 characters is kept, however many bytes they are. */
static void test_the_longest_label_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct buffer label;
    buffer_init(&label, rig.heap, 4096);
    buffer_append_repeated(&label, "\xc3\xa9", 256);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), buffer_text(&label));
    struct contract_view view;
    market_contract(rig.market, 0, &view);
    assert_string_equal(view.label, buffer_text(&label));
    buffer_release(&label);
    rig_end(&rig);
}

static void add_encoded(struct buffer *path, const char *text)
{
    for (; *text != '\0'; text++) {
        buffer_printf(path, "%%%02X", (unsigned char)*text);
    }
}

/* A listing pages completely and in order, both ways, whatever the limit. */
static void test_a_listing_pages_completely_and_in_order(void **state)
{
    (void)state;
    enum { MACHINES = 61 };
    static const int limits[] = {1, 7, 25, 100, 0, -3};
    static const int page_sizes[] = {1, 7, 25, 25, 5, 5};
    struct rig rig;
    rig_start(&rig, 250);
    for (size_t i = 0; i < MACHINES; i++) {
        (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, i), i % 3 == 0 ? "three" : "other");
    }
    struct buffer path;
    buffer_init(&path, rig.heap, HTTP_PATH_SIZE);
    for (size_t round = 0; round < 2 * ARRAY_LENGTH(limits); round++) {
        size_t limit = round / 2;
        bool descending = round % 2 == 1;
        char token[128] = "";
        int64_t last = 0;
        int seen = 0;
        do {
            buffer_clear(&path);
            buffer_printf(&path, "/api/v1/instances/?limit=%d&order_by=", limits[limit]);
            add_encoded(&path,
                        descending ? "[{\"col\":\"id\",\"dir\":\"desc\"}]" : "[{\"col\":\"id\",\"dir\":\"asc\"}]");
            buffer_append_text(&path, "&after_token=");
            add_encoded(&path, token);
            cJSON *json = rig_json(&rig, 0, HTTP_GET, buffer_text(&path), "", 200);
            assert_int_equal(rig_member(json, "total_instances")->valueint, MACHINES);
            int on_page = 0;
            const cJSON *instance;
            cJSON_ArrayForEach(instance, rig_member(json, "instances"))
            {
                int64_t id = (int64_t)rig_member(instance, "id")->valuedouble;
                assert_true(seen == 0 || (descending ? id < last : id > last));
                last = id;
                seen++;
                on_page++;
            }
            assert_int_equal(rig_member(json, "instances_found")->valueint, on_page);
            assert_true(on_page == page_sizes[limit] || seen == MACHINES);
            const cJSON *next = rig_member(json, "next_token");
            (void)text_copy(token, sizeof token, cJSON_IsString(next) ? next->valuestring : "");
            cJSON_Delete(json);
        } while (*token != '\0');
        assert_int_equal(seen, MACHINES);
    }
    buffer_release(&path);
    rig_end(&rig);
}

/* Labels select and are counted; a contract without one counts as "". */
static void test_labels_select_and_are_counted(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 50);
    for (size_t i = 0; i < 5; i++) {
        (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, i), i < 2 ? "x" : "y");
    }
    cJSON_Delete(rig_json(&rig, 0, HTTP_PUT, ask_path(rig_rentable_offer(&rig, 5)->id), good_create, 200));
    cJSON *json = rig_json(&rig, 0, HTTP_GET, "/api/v1/instances/?select_filters=%7B%7D", "", 200);
    const cJSON *counts = rig_member(json, "label_counts");
    assert_int_equal(cJSON_GetArraySize(counts), 3);
    assert_int_equal(rig_member(counts, "x")->valueint, 2);
    assert_int_equal(rig_member(counts, "y")->valueint, 3);
    assert_int_equal(rig_member(counts, "")->valueint, 1);
    assert_true(cJSON_IsNull(rig_member(json, "next_token")));
    cJSON_Delete(json);
    json = rig_json(&rig, 0, HTTP_GET, "/api/v1/instances?select_filters=%7B%22label%22:%7B%22eq%22:%22x%22%7D%7D", "",
                    200);
    assert_int_equal(rig_member(json, "total_instances")->valueint, 2);
    assert_int_equal(cJSON_GetArraySize(rig_member(json, "instances")), 2);
    assert_string_equal(rig_text(cJSON_GetArrayItem(rig_member(json, "instances"), 0), "label"), "x");
    cJSON_Delete(json);
    rig_end(&rig);
}

/* What a listing cannot do is refused as documented. */
static void test_mistakes_in_a_listing_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query, *error, *message;
    } cases[] = {
        {"select_filters={\"dph_total\":{\"lt\":1}}", "invalid_args",
         "Error in query parameters: dph_total is not a valid search key"},
        {"select_filters=[]", "invalid_args", "Error in query parameters: select_filters needs a JSON object"},
        {"select_filters={", "invalid_args", "Error in query parameters: select_filters is not JSON"},
        {"order_by=[{\"col\":\"price\"}]", "invalid_args",
         "Error in query parameters: order_by needs a column of contracts"},
        {"limit=many", "invalid_args", "Error in query parameters: limit is not JSON"},
        {"limit=[]", "invalid_args", "Error in query parameters: limit needs a number"},
        {"after_token=nonsense", "invalid_token", "invalid after_token"},
        {"after_token=!!!!", "invalid_token", "invalid after_token"},
        {"after_token=eyJ2YWx1ZXMiOiB7fX0=", "invalid_token", "invalid after_token"},
    };
    struct rig rig;
    rig_start(&rig, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char path[256];
        (void)text_format(path, sizeof path, "/api/v1/instances/?%s", cases[i].query);
        rig_expect(&rig, 0, HTTP_GET, path, "", 400, "error", cases[i].error);
        rig_expect(&rig, 0, HTTP_GET, path, "", 400, "msg", cases[i].message);
    }
    rig_end(&rig);
}

/* No key is 403, a wrong one 401, in the header and in the query; and neither reads or changes anything. */
static void test_only_the_account_s_key_opens(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    const char *path = rig_instance_path(id);
    struct span none = {NULL, 0};
    assert_int_equal(rig_ask(&rig, 0, HTTP_DELETE, path, NULL, none), 403);
    assert_string_equal(buffer_text(&rig.reply.body),
                        "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"This action requires login.\"}");
    assert_int_equal(rig_ask(&rig, 0, HTTP_DELETE, path, "", none), 403);
    assert_int_equal(rig_ask(&rig, 0, HTTP_DELETE, path, "guess", none), 401);
    assert_string_equal(buffer_text(&rig.reply.body),
                        "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}");
    assert_int_equal(rig_ask(&rig, 0, HTTP_GET, "/api/v0/users/current?api_key=guess", NULL, none), 401);
    assert_int_equal(rig_ask(&rig, 0, HTTP_GET, "/api/v0/users/current?a=b&api_key=" RIG_KEY, NULL, none), 200);
    assert_int_equal(rig_ask(&rig, 0, HTTP_GET, "/api/v0/users/current?api%5fkey=" RIG_KEY, NULL, none), 403);
    struct contract_view view;
    market_contract(rig.market, 0, &view);
    assert_true(view.exists);
    rig_end(&rig);
}

/* What is no call of the API is 404, as JSON. */
static void test_unknown_calls_are_not_found(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
    } cases[] = {
        {HTTP_GET, "/"},
        {HTTP_GET, ""},
        {HTTP_GET, "/api/v0/instances/x/"},
        {HTTP_GET, "/api/v0/instances/99999999999999999999/"},
        {HTTP_GET, "/api/v0/instances/7/logs"},
        {HTTP_POST, "/api/v0/instances/7/"},
        {HTTP_PUT, "/api/v0/bids/7/"},
        {HTTP_POST, "/api/v0/bundlesx"},
    };
    struct rig rig;
    rig_start(&rig, 10);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        rig_expect(&rig, 0, cases[i].method, cases[i].path, "", 404, "error", "not_found");
    }
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_created_instance_is_what_was_asked_for),
        cmocka_unit_test(test_ssh_addresses_follow_the_id_unless_given),
        cmocka_unit_test(test_a_machine_is_reached_where_the_asked_one_says),
        cmocka_unit_test(test_uptime_is_exact_to_the_millisecond),
        cmocka_unit_test(test_contracts_are_a_function_of_seed_and_run),
        cmocka_unit_test(test_a_taken_offer_is_gone_until_its_machine_is_destroyed),
        cmocka_unit_test(test_a_destroyed_instance_is_null_and_cannot_be_destroyed_again),
        cmocka_unit_test(test_refused_creates_change_nothing),
        cmocka_unit_test(test_the_longest_label_is_kept),
        cmocka_unit_test(test_a_listing_pages_completely_and_in_order),
        cmocka_unit_test(test_labels_select_and_are_counted),
        cmocka_unit_test(test_mistakes_in_a_listing_are_refused),
        cmocka_unit_test(test_only_the_account_s_key_opens),
        cmocka_unit_test(test_unknown_calls_are_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
