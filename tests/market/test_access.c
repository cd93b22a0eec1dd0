/* Who may ask what and how often; keys, results, templates and volumes. */
#include "market/rig.h"

static const struct span nothing = {NULL, 0};

static void with_switches(struct rig *rig, void (*set)(struct market_switches *switches))
{
    struct market_options options = rig_options(rig);
    set(&options.switches);
    rig_restart(rig, options);
}

static int ask_any(struct rig *rig, int64_t now_ns, enum http_method method, const char *path, const char *bearer,
                   const char *body)
{
    struct http_request request = {.method = method, .path = path, .bearer = bearer, .body = span_of(body)};
    buffer_clear(&rig->reply.body);
    market_handle(rig->market, now_ns, &request, &rig->reply);
    return rig->reply.status;
}

/* ---- Keys of the API -------------------------------------------------------------------------------------------------------- */

/* What answers without a key, and what a wrong one is told: 403, 401, or 404 where the documents say so. */
static void test_each_call_asks_for_its_key(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        int none, wrong;
    } cases[] = {
        {HTTP_POST, "/api/v0/bundles/", 200, 404},    {HTTP_GET, "/api/v0/bundles/?q=%7B%7D", 200, 404},
        {HTTP_PUT, "/api/v0/search/asks/", 403, 404}, {HTTP_GET, "/api/v0/gpu_names/unique/", 200, 200},
        {HTTP_GET, "/api/v0/charges/", 403, 404},     {HTTP_GET, "/api/v0/users/me/invoices", 403, 404},
        {HTTP_GET, "/api/v1/invoices/", 403, 404},    {HTTP_GET, "/api/v0/users/current", 403, 401},
        {HTTP_GET, "/api/v1/instances/", 403, 401},   {HTTP_GET, "/api/v0/instances/", 403, 401},
        {HTTP_PUT, "/api/v0/asks/1/", 403, 401},      {HTTP_DELETE, "/api/v0/instances/1/", 403, 401},
        {HTTP_PUT, "/api/v0/instances/1/", 403, 401}, {HTTP_GET, "/api/v0/ssh/", 403, 401},
        {HTTP_GET, "/api/v0/volumes", 403, 401},      {HTTP_GET, "/api/v0/template/", 403, 401},
        {HTTP_GET, "/api/v0/secrets/", 403, 401},     {HTTP_GET, "/vast.ai/instance_logs/x.log", 403, 403},
        {HTTP_POST, "/api/v0/asks/bulk/", 403, 401},  {HTTP_PUT, "/api/v0/launch_instance/", 403, 401},
        {HTTP_POST, "/api/v0/secrets/", 403, 401},    {HTTP_DELETE, "/api/v0/secrets/", 403, 401},
        {HTTP_GET, "/api/v0/subaccounts", 403, 401},  {HTTP_POST, "/api/v0/contracts/fetch/", 403, 401},
    };
    struct rig rig;
    rig_start(&rig, 20);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(ask_any(&rig, 0, cases[i].method, cases[i].path, NULL, "{}"), cases[i].none);
        assert_int_equal(ask_any(&rig, 0, cases[i].method, cases[i].path, "guess", "{}"), cases[i].wrong);
    }
    rig_end(&rig);
}

static void one_401(struct market_switches *switches)
{
    switches->wrong_key_is_404 = 0;
}

static void read_only(struct market_switches *switches)
{
    switches->key_rights = KEY_MAY_READ;
}

static void expired(struct market_switches *switches)
{
    switches->key_rights = KEY_SESSION_EXPIRED;
}

/* A key that may only read, or whose session has ended, is told so in its own way. */
static void test_a_key_may_lack_rights(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    with_switches(&rig, one_401);
    assert_int_equal(rig_ask(&rig, 0, HTTP_POST, "/api/v0/bundles/", "guess", nothing), 401);
    with_switches(&rig, read_only);
    assert_int_equal(rig_ask(&rig, 0, HTTP_GET, "/api/v1/instances/", RIG_KEY, nothing), 200);
    rig_expect(&rig, 0, HTTP_DELETE, "/api/v0/instances/1/", "", 403, "msg",
               "You do not have permission to perform this action.");
    with_switches(&rig, expired);
    rig_expect(&rig, 0, HTTP_GET, "/api/v1/instances/", "", 404, "msg", "Session expired. Please log in again.");
    rig_end(&rig);
}

static void no_billing(struct market_switches *switches)
{
    switches->has_billing = 0;
}

static void spend_limit(struct market_switches *switches)
{
    switches->spend_limit_nusd_per_hour = NUSD_PER_USD / 1000;
}

/* What an account may not: rent without billing, beyond its spend rate, another's offer, a VM without a key. */
static void test_creates_that_the_account_may_not(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    char path[64];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)rig_rentable_offer(&rig, 0)->id);
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"client_id\":\"you\"}", 403, "error", "forbidden");
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"runtype\":\"telnet\"}", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"args\":[7]}", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"force\":\"yes\"}", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"target_state\":\"up\"}", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"template_id\":9}", 400, "error", "invalid_args");
    with_switches(&rig, no_billing);
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\"}", 400, "error", "missing_billing");
    with_switches(&rig, spend_limit);
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\"}", 400, "error", "spend_rate_limit");
    struct market_options options = rig_options(&rig);
    options.ssh_public_key = "";
    rig_restart(&rig, options);
    rig_expect(&rig, 0, HTTP_PUT, path, "{\"image\":\"a\",\"vm\":true}", 400, "error", "no_ssh_key_for_vm");
    assert_int_equal(market_contract_count(rig.market), 0);
    rig_end(&rig);
}

/* ---- Rate limits ------------------------------------------------------------------------------------------------------------ */

static void limits(struct market_switches *switches)
{
    switches->rate_limits = 1;
}

/* Each endpoint wants its own pause from each key; who keeps asking too fast keeps being refused. */
static void test_calls_too_fast_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    with_switches(&rig, limits);
    static const char path[] = "/api/v0/instances/7/";
    assert_int_equal(ask_any(&rig, 0, HTTP_GET, path, RIG_KEY, ""), 200);
    for (int64_t i = 1; i < 10; i++) {
        assert_int_equal(ask_any(&rig, i * 1900 * NS_PER_MS, HTTP_GET, path, RIG_KEY, ""), 429);
    }
    assert_int_equal(ask_any(&rig, 9 * 1900 * NS_PER_MS, HTTP_DELETE, path, RIG_KEY, ""), 404);
    assert_int_equal(ask_any(&rig, (9 * 1900 + 1999) * NS_PER_MS, HTTP_GET, path, RIG_KEY, ""), 429);
    assert_int_equal(ask_any(&rig, (9 * 1900 + 1999 + 2000) * NS_PER_MS, HTTP_GET, path, RIG_KEY, ""), 200);
    /* A key in the query is another identity. */
    assert_int_equal(ask_any(&rig, 30 * NS_PER_S, HTTP_GET, path, RIG_KEY, ""), 200);
    assert_int_equal(ask_any(&rig, 30 * NS_PER_S, HTTP_GET, "/api/v0/instances/7/?api_key=" RIG_KEY, NULL, ""), 200);
    /* Names and results are never refused. */
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ask_any(&rig, 31 * NS_PER_S, HTTP_GET, "/api/v0/gpu_names/unique/", NULL, ""), 200);
    }
    rig_end(&rig);
}

/* A create too soon costs twelve seconds; ten searches are had in a minute. */
static void test_creates_have_a_penalty_and_searches_a_minute(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    with_switches(&rig, limits);
    static const char path[] = "/api/v0/asks/7/";
    assert_int_equal(ask_any(&rig, 0, HTTP_PUT, path, RIG_KEY, "{\"image\":\"a\"}"), 404);
    assert_int_equal(ask_any(&rig, 4 * NS_PER_S, HTTP_PUT, path, RIG_KEY, "{\"image\":\"a\"}"), 429);
    assert_int_equal(ask_any(&rig, 10 * NS_PER_S, HTTP_PUT, path, RIG_KEY, "{\"image\":\"a\"}"), 429);
    assert_int_equal(ask_any(&rig, 22 * NS_PER_S, HTTP_PUT, path, RIG_KEY, "{\"image\":\"a\"}"), 404);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask_any(&rig, 30 * NS_PER_S, HTTP_POST, "/api/v0/bundles/", NULL, "{\"limit\":1}"), 200);
    }
    assert_int_equal(ask_any(&rig, 89 * NS_PER_S, HTTP_POST, "/api/v0/bundles/", NULL, "{}"), 429);
    assert_int_equal(ask_any(&rig, 90 * NS_PER_S, HTTP_POST, "/api/v0/bundles/", NULL, "{}"), 200);
    rig_end(&rig);
}

/* Every known body is sent, each as it is known; by chance, or always the same. */
static void test_429_has_every_known_body(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } bodies[] = {
        [RATE_LIMIT_TEXT] = {"text/plain", "API requests too frequent"},
        [RATE_LIMIT_THRESHOLD] = {"text/plain", "API requests too frequent: endpoint threshold=3.0"},
        [RATE_LIMIT_DETAIL] = {"application/json", "{\"detail\":\"API requests too frequent endpoint threshold=3.0\"}"},
        [RATE_LIMIT_STANDARD] = {"application/json",
                                 "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"API requests too "
                                 "frequent endpoint threshold=3.0\"}"},
    };
    struct rig rig;
    rig_start(&rig, 20);
    for (int64_t body = RATE_LIMIT_ANY; body <= RATE_LIMIT_STANDARD; body++) {
        struct market_options options = rig_options(&rig);
        options.switches.rate_limits = 1;
        options.switches.rate_limit_body = body;
        rig_restart(&rig, options);
        unsigned seen = 0;
        (void)ask_any(&rig, 0, HTTP_DELETE, "/api/v0/instances/1/", RIG_KEY, "");
        for (int i = 0; i < 40; i++) {
            assert_int_equal(ask_any(&rig, i, HTTP_DELETE, "/api/v0/instances/1/", RIG_KEY, ""), 429);
            for (unsigned known = RATE_LIMIT_TEXT; known <= RATE_LIMIT_STANDARD; known++) {
                bool same = strcmp(buffer_text(&rig.reply.body), bodies[known].body) == 0 &&
                            strcmp(rig.reply.content_type, bodies[known].type) == 0;
                seen |= same ? 1U << known : 0;
            }
        }
        assert_int_equal(seen, body == RATE_LIMIT_ANY ? 0x1e : 1U << body);
    }
    rig_end(&rig);
}

/* ---- SSH keys --------------------------------------------------------------------------------------------------------------- */

#define OTHER_KEY "ssh-ed25519 BBBB other@example"

/* A machine accepts the keys that the account had when it was made, and those attached since. */
static void test_a_machine_accepts_the_account_s_keys_and_its_own(void **state)
{
    (void)state;
    struct rig rig;
    char path[96];
    rig_start(&rig, 40);
    cJSON *key = rig_json(&rig, 0, HTTP_POST, "/api/v0/ssh/", "{\"ssh_key\":\"" OTHER_KEY "\"}", 200);
    int64_t key_id = (int64_t)rig_member(rig_member(key, "key"), "id")->valuedouble;
    cJSON_Delete(key);
    rig_expect(&rig, 0, HTTP_POST, "/api/v0/ssh/", "{\"ssh_key\":\"" OTHER_KEY "\"}", 400, "error", "invalid_args");
    rig_expect(&rig, 0, HTTP_POST, "/api/v0/ssh/", "{\"ssh_key\":\"nonsense\"}", 400, "error", "invalid_args");
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    assert_int_equal(market_contract_key_count(rig.market, 0), 2);
    assert_string_equal(market_contract_key(rig.market, 0, 1), OTHER_KEY);
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/ssh/", (long long)id);
    rig_expect(&rig, 0, HTTP_POST, path, "{\"ssh_key\":\"" OTHER_KEY "\"}", 400, "msg",
               "SSH key already associated with instance.");
    rig_expect(&rig, 0, HTTP_POST, path, "{\"ssh_key\":\"ssh-rsa CCCC c\"}", 200, "msg",
               "SSH key attached successfully");
    assert_int_equal(market_contract_key_count(rig.market, 0), 3);
    cJSON *attached = rig_json(&rig, 0, HTTP_GET, path, "", 200);
    cJSON *inner = cJSON_Parse(rig_text(attached, "ssh_keys"));
    assert_int_equal(cJSON_GetArraySize(inner), 3);
    assert_string_equal(rig_text(cJSON_GetArrayItem(inner, 2), "public_key"), "ssh-rsa CCCC c");
    cJSON_Delete(inner);
    cJSON_Delete(attached);
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/ssh/%lld/", (long long)id, (long long)key_id);
    rig_expect(&rig, 0, HTTP_DELETE, path, "{}", 200, "msg", "SSH key detached successfully");
    rig_expect(&rig, 0, HTTP_DELETE, path, "{}", 404, "error", "not_found");
    assert_int_equal(market_contract_key_count(rig.market, 0), 2);
    (void)text_format(path, sizeof path, "/api/v0/ssh/%lld/", (long long)key_id);
    cJSON_Delete(rig_json(&rig, 0, HTTP_DELETE, path, "{}", 200));
    rig_expect(&rig, 0, HTTP_DELETE, path, "{}", 404, "error", "not_found");
    cJSON *keys = rig_json(&rig, 0, HTTP_GET, "/api/v0/ssh/", "", 200);
    assert_int_equal(cJSON_GetArraySize(keys), 1); /* the attached one is the machine's alone */
    cJSON_Delete(keys);
    rig_end(&rig);
}

/* ---- Logs ------------------------------------------------------------------------------------------------------------------- */

static void print_lines(void *context, int64_t now_ns, uint32_t contract, const char *command, struct buffer *out)
{
    (void)context;
    (void)now_ns;
    (void)contract;
    if (command != NULL) {
        buffer_printf(out, "ran %s\n", command);
        return;
    }
    for (int i = 0; i < 30; i++) {
        buffer_printf(out, "line %d %s\n", i, i % 2 == 0 ? "even" : "odd");
    }
}

static void fetch(struct rig *rig, int64_t now_ns, const char *url, int status)
{
    assert_int_equal(ask_any(rig, now_ns, HTTP_GET, strstr(url, "/vast.ai/"), NULL, ""), status);
}

/* A result is denied until its host has uploaded it, then there for whoever knows its name; the tail is the last lines. */
static void test_results_are_served_once_they_are_there(void **state)
{
    (void)state;
    struct rig rig;
    char path[96];
    char url[128];
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.output = print_lines;
    options.origin = "http://127.0.0.1:5";
    rig_restart(&rig, options);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    (void)text_format(path, sizeof path, "/api/v0/instances/request_logs/%lld/", (long long)id);
    int64_t now_ns = 100 * NS_PER_S;
    cJSON *json = rig_json(&rig, now_ns, HTTP_PUT, path, "{\"tail\":\"3\",\"filter\":\"even\"}", 200);
    (void)text_copy(url, sizeof url, rig_text(json, "result_url"));
    cJSON_Delete(json);
    assert_memory_equal(url, "http://127.0.0.1:5/vast.ai/instance_logs/", 41);
    fetch(&rig, now_ns, url, 403);
    assert_string_equal(rig.reply.content_type, "application/xml");
    fetch(&rig, now_ns + NS_PER_S, url, 200);
    assert_string_equal(rig.reply.content_type, "binary/octet-stream");
    assert_string_equal(buffer_text(&rig.reply.body), "line 24 even\nline 26 even\nline 28 even\n");
    rig_expect(&rig, now_ns, HTTP_PUT, path, "{\"tail\":\"many\"}", 400, "error", "invalid_args");
    (void)text_format(path, sizeof path, "/api/v0/instances/command/%lld/", (long long)id);
    json = rig_json(&rig, now_ns, HTTP_PUT, path, "{\"command\":\"du -s /\"}", 200);
    (void)text_copy(url, sizeof url, rig_text(json, "result_url"));
    cJSON_Delete(json);
    fetch(&rig, now_ns + 2 * NS_PER_S, url, 200);
    assert_string_equal(buffer_text(&rig.reply.body), "ran du -s /\n");
    static const char *const refused[] = {"{\"command\":\"cat /etc/passwd\"}", "{\"command\":\"ls; reboot\"}", "{}",
                                          "{\"command\":\"lsof\"}"};
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        rig_expect(&rig, now_ns, HTTP_PUT, path, refused[i], 400, "msg", "Invalid command given.");
    }
    /* A host that is away uploads nothing. */
    (void)market_lose_host(rig.market, now_ns, id);
    json = rig_json(&rig, now_ns, HTTP_PUT, path, "{\"command\":\"ls\"}", 200);
    (void)text_copy(url, sizeof url, rig_text(json, "result_url"));
    cJSON_Delete(json);
    fetch(&rig, now_ns + 1000 * NS_PER_S, url, 403);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_asks_for_its_key),
        cmocka_unit_test(test_a_key_may_lack_rights),
        cmocka_unit_test(test_creates_that_the_account_may_not),
        cmocka_unit_test(test_calls_too_fast_are_refused),
        cmocka_unit_test(test_creates_have_a_penalty_and_searches_a_minute),
        cmocka_unit_test(test_429_has_every_known_body),
        cmocka_unit_test(test_a_machine_accepts_the_account_s_keys_and_its_own),
        cmocka_unit_test(test_results_are_served_once_they_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
