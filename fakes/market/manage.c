/* What is done with an instance that exists: show, start, stop, label, bid, reboot, recycle, destroy. */
#include <string.h>

#include "fakes/market/state.h"

enum { BULK_MAX = 1000, BID_MOST_PER_GPU_USD = 32 };
#define BID_LEAST_NUSD (NUSD_PER_USD / 1000)

const cJSON *member_of(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *text_member(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(member_of(object, key));
}

size_t text_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static void no_such_instance(struct http_reply *reply, int64_t id)
{
    answer_error(reply, 404, "no_such_instance", "Instance %lld not found.", (long long)id);
}

struct contract *call_contract(const struct call *call)
{
    struct contract *contract = market_find(call->market, call->id);
    if (contract == NULL) {
        no_such_instance(call->reply, call->id);
    }
    return contract;
}

void route_show(const struct call *call)
{
    enum { INSTANCE_BYTES_USUAL = 5632 };
    const struct contract *contract = market_find(call->market, call->id);
    if (contract != NULL && !contract_is_visible(call->market, contract)) {
        contract = NULL;
    }
    (void)buffer_reserve(&call->reply->body, contract == NULL ? 0 : INSTANCE_BYTES_USUAL);
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "instances");
    if (contract == NULL) {
        json_null(&writer);
    } else {
        instance_write(&writer, call->market, contract);
    }
    json_end_object(&writer);
}

void route_destroy(const struct call *call)
{
    struct contract *contract = call_contract(call);
    if (contract != NULL) {
        answer_success(call->reply);
        if (!call->reply->body.failed) {
            contract_end(call->market, contract);
        }
    }
}

/* ---- State and label ------------------------------------------------------------------------------------------------------ */

/* An answer that is made before what it tells of is done: false when there is no memory for it. */
static bool answered(const struct call *call)
{
    answer_success(call->reply);
    return !call->reply->body.failed;
}

static bool may_start(const struct call *call, const struct contract *contract)
{
    if (call->market->options.switches.has_billing == 0) {
        answer_error(call->reply, 400, "missing_billing", "Your account has no billing set up.");
        return false;
    }
    if (market_credit_nusd(call->market) <= 0) {
        answer_error(call->reply, 400, "insufficient_credit", "Your account lacks credit; see the billing page.");
        return false;
    }
    if (contract->expired) {
        answer_error(call->reply, 400, "invalid_args", "Instance %lld has passed its end date.",
                     (long long)contract->id);
        return false;
    }
    return true;
}

static void start(const struct call *call, struct contract *contract)
{
    static const char queued[] = "Required resources are currently unavailable, state change queued.";
    struct market *market = call->market;
    if (contract->claim == CLAIM_HELD) {
        (void)answered(call);
        return;
    }
    if (!may_start(call, contract)) {
        return;
    }
    /* Both answers fit where the longer does. */
    answer_error(call->reply, 200, "resources_unavailable", "%s", queued);
    if (call->reply->body.failed) {
        return;
    }
    if (claim_take(market, contract)) {
        contract_run(market, contract, CAUSE_START);
        market_advance(market, market->now_ns); /* steps that are due at once */
        buffer_clear(&call->reply->body);
        answer_success(call->reply);
        return;
    }
    contract->claim = CLAIM_WAITING;
    contract->intent = INTENT_QUEUED;
    bool is_down = contract->status == ACTUAL_EXITED || contract->status == ACTUAL_STOPPED;
    if (is_down && market->options.switches.queued_shows_scheduling != 0) {
        contract_show_status(market, contract, ACTUAL_SCHEDULING, contract->status_msg, CAUSE_QUEUE);
    }
    queue_update(market, contract);
}

static void set_state(const struct call *call, struct contract *contract, bool running)
{
    if (running) {
        start(call, contract);
    } else if (answered(call)) {
        contract_stop(call->market, contract, CAUSE_STOP);
    }
}

static void set_label(const struct call *call, struct contract *contract, const cJSON *value)
{
    const char *text = cJSON_IsNull(value) ? "" : cJSON_GetStringValue(value);
    if (text == NULL) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: label must be a text");
        return;
    }
    if (text_characters(text) > CONTRACT_LABEL_MAX) {
        answer_error(call->reply, 400, "label_too_long", "The label must be at most %d characters.",
                     CONTRACT_LABEL_MAX);
        return;
    }
    struct label *label = label_get(call->market, text);
    if (label == NULL) {
        call->reply->body.failed = true;
    } else if (answered(call)) {
        label_move(call->market, contract, label, !cJSON_IsNull(value));
    } else {
        label_release_unused(call->market, label);
    }
}

/* What a body asks for: 1 running, 0 stopped, -1 neither. `paused` is how old clients say it. */
static int wanted_state(const cJSON *body)
{
    const char *state = text_member(body, "state");
    const cJSON *paused = member_of(body, "paused");
    if (state != NULL) {
        return strcmp(state, "running") == 0 ? 1 : strcmp(state, "stopped") == 0 ? 0 : -1;
    }
    return cJSON_IsBool(paused) ? !cJSON_IsTrue(paused) : -1;
}

void route_state(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct contract *contract = body == NULL ? NULL : call_contract(call);
    if (contract != NULL) {
        const cJSON *label = member_of(body, "label");
        int state = wanted_state(body);
        if (label != NULL) {
            set_label(call, contract, label);
        }
        if (state >= 0 && (label == NULL || call->reply->status == 200) && !call->reply->body.failed) {
            buffer_clear(&call->reply->body);
            set_state(call, contract, state == 1);
        } else if (label == NULL) {
            answer_error(call->reply, 400, "invalid_args",
                         "error 400/3471: Invalid args: state must be running or stopped");
        }
    }
    cJSON_Delete(body);
}

const cJSON *body_ids(const struct call *call, const cJSON *body, const char *key)
{
    const cJSON *ids = member_of(body, key);
    bool good = cJSON_IsArray(ids) && cJSON_GetArraySize(ids) <= BULK_MAX;
    for (const cJSON *each = good ? ids->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsNumber(each);
    }
    if (!good) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: %s must be a list of ids", key);
        return NULL;
    }
    return ids;
}

/* Answers for many at once: which of them there were not. */
static bool answer_many(const struct call *call, const cJSON *ids)
{
    bool all = true;
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "not_found");
    json_begin_array(&writer);
    for (const cJSON *each = ids->child; each != NULL; each = each->next) {
        int64_t id = nano_of_number(each->valuedouble) / NUSD_PER_USD;
        if (market_find(call->market, id) == NULL) {
            json_int(&writer, id);
            all = false;
        }
    }
    json_end_array(&writer);
    json_member_bool(&writer, "success", all);
    json_end_object(&writer);
    return !call->reply->body.failed;
}

void route_state_many(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    const cJSON *ids = body == NULL ? NULL : body_ids(call, body, "ids");
    int state = wanted_state(body);
    if (ids != NULL && state < 0) {
        answer_error(call->reply, 400, "invalid_args",
                     "error 400/3471: Invalid args: state must be running or stopped");
    } else if (ids != NULL && answer_many(call, ids)) {
        char storage[512];
        for (const cJSON *each = ids->child; each != NULL; each = each->next) {
            struct http_reply ignored = {0};
            struct call one = *call;
            one.reply = &ignored;
            buffer_init_fixed(&ignored.body, storage, sizeof storage);
            struct contract *contract = market_find(call->market, nano_of_number(each->valuedouble) / NUSD_PER_USD);
            if (contract != NULL) {
                set_state(&one, contract, state == 1);
            }
        }
    }
    cJSON_Delete(body);
}

void route_destroy_many(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    const cJSON *ids = body == NULL ? NULL : body_ids(call, body, "instance_ids");
    if (ids != NULL && answer_many(call, ids)) {
        for (const cJSON *each = ids->child; each != NULL; each = each->next) {
            struct contract *contract = market_find(call->market, nano_of_number(each->valuedouble) / NUSD_PER_USD);
            if (contract != NULL) {
                contract_end(call->market, contract);
            }
        }
    }
    cJSON_Delete(body);
}

/* ---- Reboot --------------------------------------------------------------------------------------------------------------- */

static void reboot(const struct call *call, bool recycle)
{
    struct contract *contract = call_contract(call);
    if (contract == NULL) {
        return;
    }
    if (contract->claim != CLAIM_HELD) {
        answer_error(call->reply, 400, "invalid_args", "Instance %lld is not running.", (long long)call->id);
    } else if (answered(call)) {
        contract_reboot(call->market, contract, recycle);
    }
}

void route_reboot(const struct call *call)
{
    reboot(call, false);
}

void route_recycle(const struct call *call)
{
    reboot(call, true);
}

/* ---- Bids ----------------------------------------------------------------------------------------------------------------- */

/* The price asked for; null takes the one that wins. False after answering. */
static bool read_bid(const struct call *call, const struct contract *contract, const cJSON *body, int64_t *bid_nusd)
{
    const cJSON *price = member_of(body, "price");
    int64_t gpus = contract->offer->num_gpus > 0 ? contract->offer->num_gpus : 1;
    if (price == NULL || cJSON_IsNull(price)) {
        *bid_nusd = offer_floor_nusd(call->market, contract->offer_index);
        return true;
    }
    *bid_nusd = cJSON_IsNumber(price) ? nano_of_number(price->valuedouble) : 0;
    if (*bid_nusd < BID_LEAST_NUSD) {
        answer_error(call->reply, 400, "invalid_price", "Please set a bid price >= 0.001.");
        return false;
    }
    if (*bid_nusd > gpus * BID_MOST_PER_GPU_USD * NUSD_PER_USD) {
        answer_error(call->reply, 400, "invalid_price", "Please set a bid price <= %lld.",
                     (long long)gpus * BID_MOST_PER_GPU_USD);
        return false;
    }
    return true;
}

/* A higher bid brings back what was outbid; a lower one may lose to what it had beaten. */
static void settle_bid(struct market *market, struct contract *contract)
{
    size_t machine = offer_book_machine_of(market->options.offers, contract->offer_index);
    bool wants = contract->outbid || contract->claim == CLAIM_WAITING;
    if (contract->claim == CLAIM_HELD) {
        int64_t least_nusd = contract->offer->min_bid_nusd;
        int64_t rival_nusd = market->machines[machine].rival_nusd;
        if (contract->bid_nusd < (rival_nusd > least_nusd ? rival_nusd : least_nusd)) {
            contract_outbid(market, contract);
        }
        claims_serve(market, machine);
    } else if (wants && !contract->expired && !market->credit_out && claim_take(market, contract)) {
        contract_run(market, contract, CAUSE_RESUME);
        market_advance(market, market->now_ns);
    }
}

void route_bid(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct contract *contract = body == NULL ? NULL : call_contract(call);
    int64_t bid_nusd;
    if (contract != NULL && !contract->is_bid) {
        answer_error(call->reply, 400, "invalid_args", "Instance %lld is not rented by a bid.", (long long)call->id);
    } else if (contract != NULL && read_bid(call, contract, body, &bid_nusd)) {
        int64_t before_nusd = contract->bid_nusd;
        contract->bid_nusd = bid_nusd;
        instance_price(contract);
        if (contract->priced.failed || !answered(call)) {
            contract->bid_nusd = before_nusd;
            instance_price(contract); /* fits: the memory is there */
            call->reply->body.failed = true;
        } else {
            charges_reprice(call->market, &contract->charges, COMPONENT_GPU, bid_nusd);
            settle_bid(call->market, contract);
        }
    }
    cJSON_Delete(body);
}

/* ---- Deposits and templates ----------------------------------------------------------------------------------------------- */

/* Noted as a deposit; charges go on drawing from the credit, so the account's numbers stay what the ledger says. */
void route_prepay(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct contract *contract = body == NULL ? NULL : call_contract(call);
    if (contract != NULL) {
        const cJSON *amount = member_of(body, "amount");
        int64_t nusd = cJSON_IsNumber(amount) ? nano_of_number(amount->valuedouble) : -1;
        int64_t price_nusd = contract->charges.meters[COMPONENT_GPU].price_nusd_per_hour;
        if (nusd <= 0) {
            answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: amount must be positive");
        } else if (nusd > saturating_subtract(market_credit_nusd(call->market), contract->prepaid_nusd)) {
            answer_error(call->reply, 411, "insufficient_credit", "Your account lacks credit; see the billing page.");
        } else {
            struct json_writer writer = answer_begin(call->reply, 200);
            json_begin_object(&writer);
            json_member_bool(&writer, "success", true);
            json_member_decimal(&writer, "timescale", price_nusd > 0 ? scale_rounded(nusd, 1000, price_nusd) : 0, 3);
            json_member_decimal(&writer, "discount_rate", 0, 1);
            json_end_object(&writer);
            contract->prepaid_nusd += call->reply->body.failed ? 0 : nusd;
        }
    }
    cJSON_Delete(body);
}

void route_deposit(const struct call *call)
{
    const struct contract *contract = call_contract(call);
    if (contract != NULL) {
        struct json_writer writer = answer_begin(call->reply, 200);
        json_begin_object(&writer);
        json_member_bool(&writer, "success", true);
        json_member_decimal(&writer, "balance", contract->prepaid_nusd, 9);
        json_member_decimal(&writer, "deposit", contract->prepaid_nusd, 9);
        json_end_object(&writer);
    }
}
