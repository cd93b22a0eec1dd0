/* Who may ask what, and who answers it. */
#include <string.h>

#include "fakes/market/state.h"

/* What a wrong key is told, where one is needed at all. */
enum access { ACCESS_KEY, ACCESS_BILLING, ACCESS_SEARCH, ACCESS_OPEN };

static void route_none(const struct call *call)
{
    answer_error(call->reply, 404, "not_found", "There is no such call.");
}

static const struct {
    route_function *answer;
    enum access access;
    bool changes;
} routes[API_CALL_COUNT] = {
    [API_SEARCH] = {route_search, ACCESS_SEARCH, false},
    [API_CREATE] = {route_create, ACCESS_KEY, true},
    [API_SHOW] = {route_show, ACCESS_KEY, false},
    [API_LIST] = {route_list, ACCESS_KEY, false},
    [API_DESTROY] = {route_destroy, ACCESS_KEY, true},
    [API_ACCOUNT] = {route_account, ACCESS_KEY, false},
    [API_OTHER] = {route_none, ACCESS_OPEN, false},
    [API_LIST_V0] = {route_list_v0, ACCESS_KEY, false},
    [API_LIST_FILTERS] = {route_list_filters, ACCESS_KEY, false},
    [API_STATE] = {route_state, ACCESS_KEY, true},
    [API_STATE_MANY] = {route_state_many, ACCESS_KEY, true},
    [API_DESTROY_MANY] = {route_destroy_many, ACCESS_KEY, true},
    [API_BID] = {route_bid, ACCESS_KEY, true},
    [API_REBOOT] = {route_reboot, ACCESS_KEY, true},
    [API_RECYCLE] = {route_recycle, ACCESS_KEY, true},
    [API_PREPAY] = {route_prepay, ACCESS_KEY, true},
    [API_DEPOSIT] = {route_deposit, ACCESS_BILLING, false},
    [API_SET_TEMPLATE] = {route_set_template, ACCESS_KEY, true},
    [API_EXECUTE] = {route_execute, ACCESS_KEY, true},
    [API_LOGS] = {route_logs, ACCESS_KEY, false},
    [API_RESULT] = {route_result, ACCESS_OPEN, false},
    [API_KEYS] = {route_keys, ACCESS_KEY, false},
    [API_KEY_CREATE] = {route_key_create, ACCESS_KEY, true},
    [API_KEY_CHANGE] = {route_key_change, ACCESS_KEY, true},
    [API_KEY_DELETE] = {route_key_delete, ACCESS_KEY, true},
    [API_ATTACHED] = {route_attached, ACCESS_KEY, false},
    [API_ATTACH] = {route_attach, ACCESS_KEY, true},
    [API_DETACH] = {route_detach, ACCESS_KEY, true},
    [API_GPU_NAMES] = {route_gpu_names, ACCESS_OPEN, false},
    [API_INVOICES] = {route_invoices, ACCESS_BILLING, false},
    [API_INVOICES_V1] = {route_invoices_v1, ACCESS_BILLING, false},
    [API_CHARGES] = {route_charges, ACCESS_BILLING, false},
    [API_SECRETS] = {route_secrets, ACCESS_KEY, false},
    [API_VOLUMES] = {route_volumes, ACCESS_KEY, false},
    [API_VOLUME_SEARCH] = {route_volume_search, ACCESS_KEY, false},
    [API_VOLUME_CREATE] = {route_volume_create, ACCESS_KEY, true},
    [API_VOLUME_DELETE] = {route_volume_delete, ACCESS_KEY, true},
    [API_TEMPLATES] = {route_templates, ACCESS_KEY, false},
    [API_TEMPLATE_CREATE] = {route_template_create, ACCESS_KEY, true},
    [API_TEMPLATE_CHANGE] = {route_template_change, ACCESS_KEY, true},
    [API_TEMPLATE_DELETE] = {route_template_delete, ACCESS_KEY, true},
    [API_CREATE_MANY] = {route_create_many, ACCESS_KEY, true},
    [API_LAUNCH] = {route_launch, ACCESS_KEY, true},
    [API_SECRET_SET] = {route_secret_set, ACCESS_KEY, true},
    [API_SECRET_DELETE] = {route_secret_delete, ACCESS_KEY, true},
    [API_CONTRACTS] = {route_contracts, ACCESS_KEY, false},
    [API_EXTRAS] = {route_extras, ACCESS_KEY, false},
};

bool market_call_changes(enum api_call call)
{
    return routes[call].changes;
}

/* Search answers without a key in its first form only. */
static bool answers_anybody(const struct call *call)
{
    enum access access = routes[call->call].access;
    return access == ACCESS_OPEN ||
           (access == ACCESS_SEARCH && strncmp(call->request->path, "/api/v0/bundles", 15) == 0);
}

static bool refuse_key(const struct call *call)
{
    bool is_404 = routes[call->call].access != ACCESS_KEY && call->market->options.switches.wrong_key_is_404 != 0;
    answer_error(call->reply, is_404 ? 404 : 401, "auth_error", "Invalid user key");
    return false;
}

/* The key in the header, or in the query as older clients send it. */
static bool may_ask(const struct call *call)
{
    char storage[HTTP_PATH_SIZE];
    struct buffer key;
    buffer_init_fixed(&key, storage, sizeof storage);
    const char *given = call->request->bearer;
    if (given == NULL && query_parameter(call->request->path, "api_key", &key)) {
        given = buffer_text(&key);
    }
    if (routes[call->call].access == ACCESS_OPEN) {
        return true;
    }
    if (given == NULL || *given == '\0') {
        if (answers_anybody(call)) {
            return true;
        }
        answer_error(call->reply, 403, "auth_error", "This action requires login.");
        return false;
    }
    if (strcmp(given, call->market->options.api_key) != 0) {
        return refuse_key(call);
    }
    int64_t rights = call->market->options.switches.key_rights;
    if (rights == KEY_SESSION_EXPIRED) {
        answer_error(call->reply, 404, "auth_error", "Session expired. Please log in again.");
        return false;
    }
    if (rights == KEY_MAY_READ && routes[call->call].changes) {
        answer_error(call->reply, 403, "forbidden", "You do not have permission to perform this action.");
        return false;
    }
    return true;
}

void market_handle(struct market *market, int64_t now_ns, const struct http_request *request, struct http_reply *reply)
{
    struct call call = {.market = market, .request = request, .reply = reply};
    call.call = api_call_of(request->method, request->path, &call.id);
    market_advance(market, now_ns);
    (void)text_copy(reply->content_type, sizeof reply->content_type, "application/json");
    if (may_ask(&call) && !rate_limit_refuses(&call)) {
        routes[call.call].answer(&call);
    }
    if (reply->body.failed) {
        reply->status = 500;
    }
}
