/* PUT /api/v0/asks/{id}/: everything is checked and allocated before anything changes. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

enum { IMAGE_MAX = 1024, ONSTART_MAX = 4048, TEXT_MAX = 4096, DISK_LEAST_MGB = 8000, DISK_USUAL_MGB = 10000 };
enum { MILLI_TO_NANO = 1000000, VARIABLES_MAX = 256, ARGUMENTS_MAX = 256 };

#define PRICE_LEAST_NUSD (NUSD_PER_USD / 1000)
#define PRICE_MOST_NUSD (128 * NUSD_PER_USD)

/* A create on its way: what was asked for, made definite. */
struct wish {
    const struct call *call;
    cJSON *body; /* with the template's members where the request has none */
    int64_t ask_id;
    size_t offer_index;
    const struct offer *offer;
    int64_t disk_mgb;
    bool is_bid, low_bid, stopped;
    int64_t bid_nusd;
    bool cancel_unavailable;
    const struct template *template;
};

/* What a field must be, unless it is null. */
enum shape { SHAPE_TEXT, SHAPE_TRUTH, SHAPE_OBJECT, SHAPE_ANY };

static const struct {
    const char *key;
    enum shape shape;
    size_t most; /* characters of a text */
    const char *error;
} fields[] = {
    {"client_id", SHAPE_TEXT, 64, "invalid_args"},
    {"image", SHAPE_TEXT, IMAGE_MAX, "invalid_args"},
    {"label", SHAPE_TEXT, CREATE_LABEL_MAX, "label_too_long"},
    {"onstart", SHAPE_TEXT, ONSTART_MAX, "invalid_args"},
    {"runtype", SHAPE_TEXT, 64, "invalid_args"},
    {"args_str", SHAPE_TEXT, TEXT_MAX, "invalid_args"},
    {"image_login", SHAPE_TEXT, TEXT_MAX, "invalid_args"},
    {"user", SHAPE_TEXT, 256, "invalid_args"},
    {"template_hash_id", SHAPE_TEXT, 64, "invalid_args"},
    {"jupyter_dir", SHAPE_TEXT, TEXT_MAX, "invalid_args"},
    {"target_state", SHAPE_TEXT, 16, "invalid_args"},
    {"python_utf8", SHAPE_TRUTH, 0, "invalid_args"},
    {"lang_utf8", SHAPE_TRUTH, 0, "invalid_args"},
    {"use_jupyter_lab", SHAPE_TRUTH, 0, "invalid_args"},
    {"force", SHAPE_TRUTH, 0, "invalid_args"},
    {"vm", SHAPE_TRUTH, 0, "invalid_args"},
    {"cancel_unavail", SHAPE_TRUTH, 0, "invalid_args"},
    {"volume_info", SHAPE_OBJECT, 0, "invalid_args"},
};

static bool refuse(const struct wish *wish, const char *what)
{
    answer_error(wish->call->reply, 400, "invalid_args", "error 400/3471: Invalid args: %s", what);
    return false;
}

static bool has_shape(const cJSON *value, enum shape shape)
{
    switch (shape) {
    case SHAPE_TEXT:
        return cJSON_IsString(value);
    case SHAPE_TRUTH:
        return cJSON_IsBool(value) || cJSON_IsNumber(value);
    case SHAPE_OBJECT:
        return cJSON_IsObject(value);
    case SHAPE_ANY:
        break;
    }
    return true;
}

static bool fields_are_good(const struct wish *wish)
{
    static const char *const names[] = {"a text", "true or false", "an object", "anything"};
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        const cJSON *value = member_of(wish->body, fields[i].key);
        if (value == NULL || cJSON_IsNull(value)) {
            continue;
        }
        if (!has_shape(value, fields[i].shape)) {
            answer_error(wish->call->reply, 400, "invalid_args", "error 400/3471: Invalid args: %s must be %s",
                         fields[i].key, names[fields[i].shape]);
            return false;
        }
        if (fields[i].shape == SHAPE_TEXT && text_characters(value->valuestring) > fields[i].most) {
            answer_error(wish->call->reply, 400, fields[i].error,
                         "error 400/3471: Invalid args: %s must be at most %zu characters", fields[i].key,
                         fields[i].most);
            return false;
        }
    }
    const char *image = text_member(wish->body, "image");
    return (image != NULL && *image != '\0') || refuse(wish, "image is required");
}

static bool runtype_is_good(const struct wish *wish)
{
    static const char *const words[] = {"ssh",           "ssh_proxy",      "ssh_direct",    "ssh_direc", "jupyter",
                                        "jupyter_proxy", "jupyter_direct", "jupyter_direc", "args"};
    const char *at = text_member(wish->body, "runtype");
    bool good = at == NULL || *at != '\0';
    while (good && at != NULL && *at != '\0') {
        size_t length = strcspn(at, " ");
        good = false;
        for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
            good = good || (strlen(words[i]) == length && strncmp(at, words[i], length) == 0);
        }
        at += length;
        at += *at == ' ';
    }
    return good || refuse(wish, "runtype must be ssh, jupyter or args, each in one of its forms");
}

static bool is_pair(const cJSON *pair)
{
    return cJSON_IsArray(pair) && cJSON_GetArraySize(pair) == 2 && cJSON_IsString(pair->child) &&
           cJSON_IsString(pair->child->next);
}

static bool environment_is_good(const struct wish *wish)
{
    const cJSON *environment = member_of(wish->body, "env");
    const cJSON *pairs = member_of(wish->body, "extra_env");
    bool has_environment = environment != NULL && !cJSON_IsNull(environment);
    bool has_pairs = pairs != NULL && !cJSON_IsNull(pairs);
    bool good = (!has_environment || cJSON_IsObject(environment)) && (!has_pairs || cJSON_IsArray(pairs));
    int count = 0;
    for (const cJSON *each = good && has_environment ? environment->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsString(each) && ++count <= VARIABLES_MAX;
    }
    for (const cJSON *each = good && has_pairs ? pairs->child : NULL; each != NULL; each = each->next) {
        good = good && is_pair(each) && ++count <= VARIABLES_MAX;
    }
    return good || refuse(wish, "env must be an object of texts");
}

static bool arguments_are_good(const struct wish *wish)
{
    const cJSON *arguments = member_of(wish->body, "args");
    bool given = arguments != NULL && !cJSON_IsNull(arguments);
    bool good = !given || (cJSON_IsArray(arguments) && cJSON_GetArraySize(arguments) <= ARGUMENTS_MAX);
    for (const cJSON *each = good && given ? arguments->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsString(each);
    }
    return good || refuse(wish, "args must be a list of texts");
}

static bool read_target(struct wish *wish)
{
    const char *target = text_member(wish->body, "target_state");
    wish->stopped = target != NULL && strcmp(target, "stopped") == 0;
    return target == NULL || wish->stopped || strcmp(target, "running") == 0 ||
           refuse(wish, "target_state must be running or stopped");
}

/* Less than the least is raised to it: what the real service does with it is not known. */
static bool read_disk(struct wish *wish)
{
    const cJSON *disk = member_of(wish->body, "disk");
    struct offer copy;
    wish->disk_mgb = DISK_USUAL_MGB;
    if (cJSON_IsNumber(disk)) {
        wish->disk_mgb = scale_rounded(nano_of_number(disk->valuedouble), 1, MILLI_TO_NANO);
    }
    bool good = disk == NULL || cJSON_IsNull(disk) || (cJSON_IsNumber(disk) && wish->disk_mgb > 0);
    if (!good || wish->disk_mgb > listing_offer(wish->call->market, wish->offer_index, &copy)->disk_space_mgb) {
        return refuse(wish, "disk must be a size that the machine has");
    }
    wish->disk_mgb = wish->disk_mgb < DISK_LEAST_MGB ? DISK_LEAST_MGB : wish->disk_mgb;
    return true;
}

static bool read_price(struct wish *wish)
{
    const cJSON *price = member_of(wish->body, "price");
    if (price == NULL || cJSON_IsNull(price)) {
        return true;
    }
    wish->is_bid = true;
    wish->bid_nusd = cJSON_IsNumber(price) ? nano_of_number(price->valuedouble) : 0;
    if (wish->bid_nusd < PRICE_LEAST_NUSD || wish->bid_nusd > PRICE_MOST_NUSD) {
        answer_ask_error(wish->call->reply, 400, "invalid_price", wish->ask_id,
                         "error 400/3471: Invalid args: price must be between 0.001 and 128");
        return false;
    }
    return true;
}

/* ---- The offer ------------------------------------------------------------------------------------------------------------ */

static bool offer_is_gone(const struct wish *wish)
{
    char message[128];
    (void)text_format(message, sizeof message, "error 410/3907: no_such_ask Instance type %lld is no longer available.",
                      (long long)wish->ask_id);
    answer_ask_error(wish->call->reply, 410, "no_such_ask", wish->ask_id, message);
    return false;
}

static bool find_offer(struct wish *wish)
{
    const struct market *market = wish->call->market;
    bool is_current;
    int64_t index = listing_by_id(market, wish->ask_id, &is_current);
    if (index < 0) {
        char message[128];
        (void)text_format(message, sizeof message,
                          "error 404/3603: no_such_ask Instance type by id %lld is not available.",
                          (long long)wish->ask_id);
        answer_ask_error(wish->call->reply, 404, "invalid_args", wish->ask_id, message);
        return false;
    }
    wish->offer_index = (size_t)index;
    wish->offer = offer_book_at(market->options.offers, wish->offer_index);
    return (is_current && wish->offer->rentable != 0) || offer_is_gone(wish);
}

static bool may_pay(const struct wish *wish)
{
    const struct market *market = wish->call->market;
    const struct market_switches *switches = &market->options.switches;
    struct http_reply *reply = wish->call->reply;
    if (switches->has_billing == 0) {
        answer_error(reply, 400, "missing_billing", "Your account has no billing set up.");
        return false;
    }
    if (market_credit_nusd(market) <= 0) {
        answer_error(reply, 400, "insufficient_credit", "Your account lacks credit; see the billing page.");
        return false;
    }
    int64_t price_nusd = wish->is_bid ? wish->bid_nusd : wish->offer->dph_base_nusd;
    int64_t rate_nusd = saturating_add(market->rate_nusd_per_hour, price_nusd);
    if (switches->spend_limit_nusd_per_hour > 0 && rate_nusd > switches->spend_limit_nusd_per_hour) {
        answer_error(reply, 400, "spend_rate_limit", "This would go beyond the spend rate limit of your account.");
        return false;
    }
    return true;
}

static bool client_is_good(const struct wish *wish)
{
    const char *client = text_member(wish->body, "client_id");
    if (client != NULL && strcmp(client, "me") != 0) {
        answer_error(wish->call->reply, 403, "forbidden", "error 403/3586: Offer %lld is not your own",
                     (long long)wish->ask_id);
        return false;
    }
    if (cJSON_IsTrue(member_of(wish->body, "vm")) && keys_of_account(wish->call->market) == 0) {
        answer_error(wish->call->reply, 400, "no_ssh_key_for_vm", "A VM needs an SSH key on your account.");
        return false;
    }
    return true;
}

/* ---- Templates ------------------------------------------------------------------------------------------------------------ */

/* One word of "-p 8000:8000 -e JOB=demo" and the next: what `env` of a template is written as. */
static void add_template_variable(cJSON *environment, const char *option, const char *value, size_t length)
{
    char name[TEXT_MAX];
    if (strncmp(option, "-e ", 3) == 0) {
        size_t key = strcspn(value, "=");
        key = key < length ? key : length;
        size_t rest = key < length ? key + 1 : length;
        char text[TEXT_MAX];
        (void)text_format(name, sizeof name, "%.*s", (int)key, value);
        (void)text_format(text, sizeof text, "%.*s", (int)(length - rest), value + rest);
        (void)cJSON_AddStringToObject(environment, name, text);
    } else {
        (void)text_format(name, sizeof name, "%.3s%.*s", option, (int)length, value);
        (void)cJSON_AddStringToObject(environment, name, "1");
    }
}

static void read_template_environment(cJSON *environment, const char *text)
{
    while (*text != '\0') {
        text += strspn(text, " ");
        bool is_option = text[0] == '-' && text[1] != '\0' && text[2] == ' ';
        const char *value = is_option ? text + 3 : text;
        size_t length = strcspn(value, " ");
        if (is_option) {
            add_template_variable(environment, text, value, length);
        }
        text = value + length;
    }
}

/* What the template says and the request does not. */
static void merge_template(struct wish *wish, const cJSON *template)
{
    const char *image = text_member(template, "image");
    const char *tag = text_member(template, "tag");
    const char *onstart = text_member(template, "onstart");
    bool is_direct = cJSON_IsTrue(member_of(template, "ssh_direct"));
    if (text_member(wish->body, "image") == NULL && image != NULL) {
        char name[IMAGE_MAX];
        (void)text_format(name, sizeof name, "%s%s%s", image, tag == NULL ? "" : ":", tag == NULL ? "" : tag);
        cJSON_DeleteItemFromObjectCaseSensitive(wish->body, "image");
        (void)cJSON_AddStringToObject(wish->body, "image", name);
    }
    if (text_member(wish->body, "onstart") == NULL && onstart != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(wish->body, "onstart");
        (void)cJSON_AddStringToObject(wish->body, "onstart", onstart);
    }
    if (text_member(wish->body, "runtype") == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(wish->body, "runtype");
        (void)cJSON_AddStringToObject(wish->body, "runtype", is_direct ? "ssh_direc ssh_proxy" : "ssh_proxy");
    }
    if (!cJSON_IsObject(member_of(wish->body, "env")) && text_member(template, "env") != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(wish->body, "env");
        cJSON *environment = cJSON_AddObjectToObject(wish->body, "env");
        if (environment != NULL) {
            read_template_environment(environment, text_member(template, "env"));
        }
    }
}

static bool use_template(struct wish *wish)
{
    const char *hash = text_member(wish->body, "template_hash_id");
    const cJSON *id = member_of(wish->body, "template_id");
    if (hash == NULL && !cJSON_IsNumber(id)) {
        return true;
    }
    wish->template = hash != NULL ? template_by_hash(wish->call->market, hash)
                                  : template_by_id(wish->call->market, nano_of_number(id->valuedouble) / NUSD_PER_USD);
    if (wish->template == NULL) {
        return refuse(wish, "there is no such template");
    }
    cJSON *template = parse_json(span_of(wish->template->json));
    merge_template(wish, template);
    cJSON_Delete(template);
    return true;
}

/* ---- The contract --------------------------------------------------------------------------------------------------------- */

enum { DRAW_FIRST_ID, DRAW_ID_STEP, DRAW_SSH_HOST, DRAW_DIRECT_PORT };

static int64_t draw(const struct market *market, uint32_t nth, uint32_t index, int64_t low, int64_t high)
{
    return market_draw(market, RANDOM_CONTRACT, nth, index, low, high);
}

static int64_t new_contract_id(const struct market *market, uint32_t nth)
{
    if (nth == 0) {
        int64_t given = market->options.first_contract_id;
        return given != 0 ? given : draw(market, nth, DRAW_FIRST_ID, 29000000, 29999999);
    }
    return market->last_id + draw(market, nth, DRAW_ID_STEP, 1, 99);
}

static void set_addresses(const struct market *market, struct contract *contract)
{
    const struct market_options *options = &market->options;
    struct market_address *address = &contract->address;
    bool first = contract->nth == 0;
    address->ssh_port = (10000 + contract->id % 10000) & ~INT64_C(1);
    (void)text_format(address->ssh_host, sizeof address->ssh_host, "ssh%lld.vast.ai",
                      (long long)draw(market, contract->nth, DRAW_SSH_HOST, 1, 9));
    if (first && options->ssh_port != 0) {
        address->ssh_port = options->ssh_port;
    }
    if (first && options->ssh_host != NULL) {
        (void)text_copy(address->ssh_host, sizeof address->ssh_host, options->ssh_host);
    }
    (void)text_copy(address->public_ipaddr, sizeof address->public_ipaddr, contract->offer->public_ipaddr);
    address->direct_port = draw(market, contract->nth, DRAW_DIRECT_PORT, 30000, 59000);
    if (options->address != NULL) {
        options->address(options->context, contract->nth, contract->id, address);
    }
}

/* When the offer ends; a listing that is already past its date is taken to last as long as it said when it was listed. */
static int64_t end_of_offer_ns(const struct market *market, const struct offer *offer)
{
    enum { DAY_S = 86400 };
    int64_t end_ns = saturating_subtract(scale_rounded(offer->end_date_s, NS_PER_S, 1), market->options.epoch.unix_ns);
    int64_t left_s = offer->duration_s > 0 ? offer->duration_s : DAY_S;
    int64_t left_ns = scale_rounded(left_s, NS_PER_S, 1);
    return end_ns > market->now_ns ? end_ns : saturating_add(market->now_ns, left_ns);
}

static void name_image(struct contract *contract, const char *image, size_t image_size, size_t msg_size)
{
    contract->image = contract->texts;
    memcpy(contract->image, image, image_size);
    contract->running_msg = contract->texts + image_size;
    (void)text_format(contract->running_msg, msg_size, "success, running %s/ssh", image);
    char *tag = strrchr(contract->running_msg, ':');
    if (tag != NULL) {
        *tag = '_'; /* the real service names the image's file */
    }
}

/* A new contract with copies of its texts, known to nobody yet; NULL when memory is gone. */
static struct contract *new_contract(const struct wish *wish)
{
    static const char around[] = "success, running /ssh";
    struct market *market = wish->call->market;
    const char *image = text_member(wish->body, "image");
    size_t image_size = strlen(image) + 1;
    size_t msg_size = sizeof around + image_size;
    struct contract *contract = heap_alloc(market->heap, sizeof *contract + image_size + msg_size);
    if (contract == NULL) {
        return NULL;
    }
    name_image(contract, image, image_size, msg_size);
    contract->nth = (uint32_t)market->contract_count;
    contract->id = new_contract_id(market, contract->nth);
    contract->offer_index = (uint32_t)wish->offer_index;
    contract->offer = wish->offer;
    contract->ask_id = wish->ask_id;
    contract->disk_mgb = wish->disk_mgb;
    contract->is_bid = wish->is_bid;
    contract->bid_nusd = wish->bid_nusd;
    contract->template = wish->template;
    contract->end_ns = end_of_offer_ns(market, wish->offer);
    set_addresses(market, contract);
    return contract;
}

/* An image that cannot be had keeps its machine where it is, for ever. */
static void spoil(struct machine_timeline *timeline, const char *image)
{
    enum actual_status stays_in = ACTUAL_LOADING;
    const char *trouble = image_trouble(image, &stays_in);
    if (trouble == NULL) {
        return;
    }
    size_t kept = 0;
    while (kept < timeline->status_count && timeline->statuses[kept].status != ACTUAL_RUNNING) {
        kept++;
    }
    if (kept == 0) {
        timeline->statuses[kept++] = (struct status_step){0};
    }
    struct status_step *last = &timeline->statuses[kept - 1];
    last->status = stays_in;
    last->status_msg = trouble;
    if (stays_in == ACTUAL_CREATED && kept > 1) {
        kept--;
        timeline->statuses[kept - 1].status = stays_in;
        timeline->statuses[kept - 1].status_msg = trouble;
    }
    timeline->status_count = kept;
    timeline->ssh_count = 0;
}

static void answer_created(const struct wish *wish, const struct contract *contract)
{
    char key[SECRET_SIZE];
    contract_secret(wish->call->market, contract->nth, 0, key);
    bool is_error = wish->low_bid && wish->call->market->options.switches.low_bid != LOW_BID_SUCCESS;
    struct json_writer writer = answer_begin(wish->call->reply, is_error ? 400 : 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", !is_error);
    if (is_error) {
        json_member_string(&writer, "error", "bid_too_low");
        json_member_string(&writer, "msg", "bid is below the current minimum; instance created in stopped state");
        json_member_int(&writer, "ask_id", wish->ask_id);
    }
    json_member_int(&writer, "new_contract", contract->id);
    json_member_string(&writer, "instance_api_key", key);
    json_end_object(&writer);
}

/* Whether the machine can run now; what it displaces is displaced only by settle(). */
static void settle(const struct wish *wish, struct contract *contract)
{
    struct market *market = wish->call->market;
    if (!wish->stopped && !wish->low_bid && claim_take(market, contract)) {
        contract_run(market, contract, CAUSE_START);
        return;
    }
    bool waits = !wish->stopped && !wish->low_bid;
    contract->claim = waits ? CLAIM_WAITING : CLAIM_NONE;
    contract->outbid = wish->low_bid;
    contract->intent = waits ? INTENT_QUEUED : INTENT_STOPPED;
    queue_update(market, contract);
}

/* The part of a create that may fail for want of memory; nothing has changed when it does. */
static struct contract *make(struct wish *wish)
{
    struct market *market = wish->call->market;
    const char *text = text_member(wish->body, "label");
    struct contract *contract = contracts_reserve(market) ? new_contract(wish) : NULL;
    if (contract == NULL) {
        return NULL;
    }
    struct machine_timeline timeline;
    struct label *label = label_get(market, text == NULL ? "" : text);
    instance_prepare(contract, market, wish->body);
    answer_created(wish, contract);
    bool good = label != NULL && keys_give(market, contract) && !contract->members.failed &&
                !contract->onstart.failed && !contract->priced.failed && !contract->ports.failed &&
                !wish->call->reply->body.failed;
    if (good) {
        market->options.timeline(market->options.context, market->now_ns, contract->nth, &timeline);
        if (market->options.switches.bad_images_fail != 0) {
            spoil(&timeline, contract->image);
        }
        good = life_take(market, contract, &timeline) &&
               volume_of_create(market, contract, member_of(wish->body, "volume_info"));
    }
    if (!good) {
        label_release_unused(market, label);
        contract_free(market, contract);
        return NULL;
    }
    label_move(market, contract, label, text != NULL);
    return contract;
}

static void create(struct wish *wish)
{
    struct market *market = wish->call->market;
    struct contract *contract = make(wish);
    if (contract == NULL) {
        wish->call->reply->body.failed = true;
        return;
    }
    bool runs = !wish->stopped && !wish->low_bid && claim_can_have(market, contract);
    contract->status = runs ? ACTUAL_PROVISIONING : ACTUAL_STOPPED;
    contract->hidden = contract->status;
    contract->status_msg = runs ? NULL : "";
    contract_begin(market, contract);
    settle(wish, contract);
    if (!runs) {
        machine_relist(market, offer_book_machine_of(market->options.offers, contract->offer_index)); /* less disk */
    }
    market_advance(market, market->now_ns); /* steps that are due at once */
}

/* Whether the GPUs are to be had: a bid that is too low, or a machine that is in use, may still make a contract. */
static bool is_available(struct wish *wish)
{
    struct market *market = wish->call->market;
    const cJSON *cancel = member_of(wish->body, "cancel_unavail");
    bool is_given = cJSON_IsBool(cancel) || cJSON_IsNumber(cancel);
    wish->cancel_unavailable =
        is_given ? cJSON_IsTrue(cancel) || (cJSON_IsNumber(cancel) && cancel->valuedouble != 0) : !wish->is_bid;
    bool is_listed = offer_is_listed(market, wish->offer_index);
    if (is_listed && wish->is_bid && wish->bid_nusd < offer_floor_nusd(market, wish->offer_index)) {
        wish->low_bid = true;
        if (market->options.switches.low_bid == LOW_BID_ERROR || wish->cancel_unavailable) {
            answer_ask_error(wish->call->reply, 400, "bid_too_low", wish->ask_id, "bid is below the current minimum");
            return false;
        }
        return true;
    }
    return is_listed || wish->stopped || !wish->cancel_unavailable || offer_is_gone(wish);
}

void rent_offer(const struct call *call, cJSON *body, int64_t ask_id)
{
    struct wish wish = {.call = call, .ask_id = ask_id, .body = body};
    bool good = use_template(&wish) && fields_are_good(&wish) && runtype_is_good(&wish) && environment_is_good(&wish) &&
                arguments_are_good(&wish) && read_target(&wish) && read_price(&wish) && find_offer(&wish) &&
                is_available(&wish) && read_disk(&wish) && client_is_good(&wish) && may_pay(&wish);
    if (good) {
        create(&wish);
    }
}

void route_create(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    if (body != NULL) {
        rent_offer(call, body, call->id);
    }
    cJSON_Delete(body);
}
