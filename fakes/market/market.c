#include "fakes/market/market.h"

#include <assert.h>
#include <string.h>

#include "fakes/market/state.h"

/* Copies an option's text behind the others; NULL stays NULL. */
static const char *keep_text(char **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    const char *kept = memcpy(*at, text, size);
    *at += size;
    return kept;
}

static size_t size_of_text(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

struct market *market_new(struct heap *heap, const struct market_options *options)
{
    assert(options->timeline != NULL && options->offers != NULL && options->api_key != NULL);
    size_t offers = offer_book_count(options->offers);
    struct market *market =
        heap_alloc(heap, sizeof *market + size_of_text(options->api_key) + size_of_text(options->ssh_public_key) +
                             size_of_text(options->ssh_host));
    if (market == NULL) {
        return NULL;
    }
    market->heap = heap;
    market->options = *options;
    char *at = market->texts;
    market->options.api_key = keep_text(&at, options->api_key);
    market->options.ssh_public_key = keep_text(&at, options->ssh_public_key);
    market->options.ssh_host = keep_text(&at, options->ssh_host);
    market->taken = heap_alloc(heap, offers * sizeof *market->taken);
    market->matches = heap_alloc(heap, offers * sizeof *market->matches);
    if (market->taken == NULL || market->matches == NULL) {
        market_free(market);
        return NULL;
    }
    return market;
}

void market_free(struct market *market)
{
    if (market == NULL) {
        return;
    }
    struct heap *heap = market->heap;
    for (size_t i = 0; i < market->contract_count; i++) {
        contract_free(heap, market->contracts[i]);
    }
    heap_release(heap, market->contracts);
    heap_release(heap, market->live);
    heap_release(heap, market->taken);
    heap_release(heap, market->matches);
    heap_release(heap, market);
}

static void route_show(struct market *market, int64_t id, struct http_reply *reply)
{
    enum { INSTANCE_BYTES_USUAL = 5632 };
    const struct contract *contract = market_find(market, id);
    (void)buffer_reserve(&reply->body, contract == NULL ? 0 : INSTANCE_BYTES_USUAL);
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "instances");
    if (contract == NULL) {
        json_null(&writer);
    } else {
        instance_write(&writer, market, contract);
    }
    json_end_object(&writer);
}

static void route_destroy(struct market *market, int64_t id, struct http_reply *reply)
{
    struct contract *contract = market_find(market, id);
    if (contract == NULL) {
        answer_error(reply, 404, "no_such_instance", "Instance %lld not found.", (long long)id);
        return;
    }
    answer_success(reply);
    if (!reply->body.failed) {
        contract_end(market, contract);
    }
}

static void route_account(const struct market *market, struct http_reply *reply)
{
    static const char before[] =
        "\"id\":410777,\"username\":\"dumont\",\"email\":\"dumont@example.com\",\"fullname\":null,\"parent_id\":null,"
        "\"balance\":0,\"balance_threshold\":0,\"balance_threshold_enabled\":false,\"autobill_threshold\":null,"
        "\"autobill_amount\":null,\"can_pay\":false,\"has_billing\":true,\"has_payout\":false,\"billed_expected\":0,"
        "\"billed_verified\":1,\"billaddress_line1\":null,\"billaddress_city\":null,\"billaddress_country\":\"CA\","
        "\"paypal_email\":null,\"sid\":null,\"api_key\":null,\"rights\":null,\"got_signup_credit\":0,\"last4\":null,"
        "\"host_only\":false,\"host_agreement_accepted\":0,\"tfa_enabled\":false,\"tos_version\":\"1\"";
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_raw(&writer, span_of(before));
    json_member_decimal(&writer, "credit", market_credit_nusd(market), 9);
    json_member_string(&writer, "ssh_key", market->options.ssh_public_key);
    json_end_object(&writer);
}

/* Who asks: a key in the header, or in the query as older clients send it. */
static bool is_authenticated(const struct market *market, const struct http_request *request, struct http_reply *reply)
{
    char storage[HTTP_PATH_SIZE];
    struct buffer key;
    buffer_init_fixed(&key, storage, sizeof storage);
    const char *given = request->bearer;
    if (given == NULL && query_parameter(request->path, "api_key", &key)) {
        given = buffer_text(&key);
    }
    if (given == NULL || *given == '\0') {
        answer_error(reply, 403, "auth_error", "This action requires login.");
        return false;
    }
    if (strcmp(given, market->options.api_key) != 0) {
        answer_error(reply, 401, "auth_error", "Invalid user key");
        return false;
    }
    return true;
}

static void route(struct market *market, enum api_call call, int64_t id, const struct http_request *request,
                  struct http_reply *reply)
{
    switch (call) {
    case API_SEARCH:
        route_search(market, request, reply);
        break;
    case API_CREATE:
        route_create(market, id, request, reply);
        break;
    case API_SHOW:
        route_show(market, id, reply);
        break;
    case API_LIST:
        route_list(market, request, reply);
        break;
    case API_DESTROY:
        route_destroy(market, id, reply);
        break;
    case API_ACCOUNT:
        route_account(market, reply);
        break;
    case API_OTHER:
    case API_CALL_COUNT:
        answer_error(reply, 404, "not_found", "There is no such call.");
        break;
    }
}

void market_handle(struct market *market, int64_t now_ns, const struct http_request *request, struct http_reply *reply)
{
    int64_t id;
    enum api_call call = api_call_of(request->method, request->path, &id);
    bool is_open = call == API_SEARCH || call == API_OTHER;
    market_advance(market, now_ns);
    (void)text_copy(reply->content_type, sizeof reply->content_type, "application/json");
    if (is_open || is_authenticated(market, request, reply)) {
        route(market, call, id, request, reply);
    }
    if (reply->body.failed) {
        reply->status = 500;
    }
}

size_t market_contract_count(const struct market *market)
{
    return market->contract_count;
}

static int64_t price_now(const struct contract *contract)
{
    int64_t price_nusd = 0;
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        price_nusd += contract->meters[i].on ? contract->meters[i].price_nusd_per_hour : 0;
    }
    return price_nusd;
}

void market_contract(const struct market *market, size_t index, struct contract_view *view)
{
    assert(index < market->contract_count);
    const struct contract *contract = market->contracts[index];
    *view = (struct contract_view){
        .id = contract->id,
        .contract = contract->nth,
        .offer_id = contract->offer->id,
        .machine_id = contract->offer->machine_id,
        .label = contract->label == NULL ? "" : contract->label,
        .status = contract->status,
        .exists = contract->destroyed_ns == TIME_NEVER_NS,
        .created_ns = contract->created_ns,
        .destroyed_ns = contract->destroyed_ns,
        .price_nusd_per_hour = price_now(contract),
        .ssh_host = contract->address.ssh_host,
        .ssh_port = contract->address.ssh_port,
        .public_ipaddr = contract->address.public_ipaddr,
        .direct_port = contract->status == ACTUAL_RUNNING ? contract->address.direct_port : 0,
        .offer = contract->offer,
        .image = contract->image,
        .disk_mgb = contract->disk_mgb,
    };
}

const struct machine_timeline *market_contract_timeline(const struct market *market, size_t index)
{
    assert(index < market->contract_count);
    return &market->contracts[index]->timeline;
}
