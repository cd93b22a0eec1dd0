/* PUT /api/v0/asks/{id}/: everything is checked and allocated before anything changes. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

enum { IMAGE_MAX = 1024, ONSTART_MAX = 4048, RUNTYPE_MAX = 64, DISK_LEAST_MGB = 8000, DISK_USUAL_MGB = 10000 };

/* Fields of the request that are texts or null. */
static const struct {
    const char *key;
    size_t most; /* characters */
    const char *error;
} text_fields[] = {
    {"client_id", 64, "invalid_args"},
    {"image", IMAGE_MAX, "invalid_args"},
    {"label", CONTRACT_LABEL_MAX, "label_too_long"},
    {"onstart", ONSTART_MAX, "invalid_args"},
    {"runtype", RUNTYPE_MAX, "invalid_args"},
};

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static bool texts_are_good(const cJSON *body, struct http_reply *reply)
{
    for (size_t i = 0; i < ARRAY_LENGTH(text_fields); i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, text_fields[i].key);
        if (value == NULL || cJSON_IsNull(value)) {
            continue;
        }
        if (!cJSON_IsString(value)) {
            answer_error(reply, 400, "invalid_args", "error 400/3471: Invalid args: %s must be a text",
                         text_fields[i].key);
            return false;
        }
        if (characters(value->valuestring) > text_fields[i].most) {
            answer_error(reply, 400, text_fields[i].error,
                         "error 400/3471: Invalid args: %s must be at most %zu characters", text_fields[i].key,
                         text_fields[i].most);
            return false;
        }
    }
    const cJSON *image = cJSON_GetObjectItemCaseSensitive(body, "image");
    if (!cJSON_IsString(image) || *image->valuestring == '\0') {
        answer_error(reply, 400, "invalid_args", "error 400/3471: Invalid args: image is required");
        return false;
    }
    return true;
}

static bool environment_is_good(const cJSON *body, struct http_reply *reply)
{
    const cJSON *environment = cJSON_GetObjectItemCaseSensitive(body, "env");
    bool good = environment == NULL || cJSON_IsNull(environment) || cJSON_IsObject(environment);
    for (const cJSON *each = good && environment != NULL ? environment->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsString(each);
    }
    if (!good) {
        answer_error(reply, 400, "invalid_args", "error 400/3471: Invalid args: env must be an object of texts");
    }
    return good;
}

/* Less than the least is raised to it: what the real service does with it is not known. */
static bool read_disk(const cJSON *body, const struct offer *offer, int64_t *disk_mgb, struct http_reply *reply)
{
    const cJSON *disk = cJSON_GetObjectItemCaseSensitive(body, "disk");
    *disk_mgb = DISK_USUAL_MGB;
    if (cJSON_IsNumber(disk)) {
        *disk_mgb = scale_rounded(nano_of_number(disk->valuedouble), 1, 1000000);
    }
    bool good = disk == NULL || cJSON_IsNull(disk) || (cJSON_IsNumber(disk) && *disk_mgb > 0);
    if (!good || *disk_mgb > offer->disk_space_mgb) {
        answer_error(reply, 400, "invalid_args",
                     "error 400/3471: Invalid args: disk must be a size that the machine has");
        return false;
    }
    *disk_mgb = *disk_mgb < DISK_LEAST_MGB ? DISK_LEAST_MGB : *disk_mgb;
    return true;
}

static bool offer_is_free(const struct market *market, int64_t offer_id, int64_t index, struct http_reply *reply)
{
    char message[128];
    if (index < 0) {
        (void)text_format(message, sizeof message,
                          "error 404/3603: no_such_ask Instance type by id %lld is not available.",
                          (long long)offer_id);
        answer_ask_error(reply, 404, "invalid_args", offer_id, message);
        return false;
    }
    if (market->taken[index] || offer_book_at(market->options.offers, (size_t)index)->rentable == 0) {
        (void)text_format(message, sizeof message,
                          "error 410/3907: no_such_ask Instance type %lld is no longer available.",
                          (long long)offer_id);
        answer_ask_error(reply, 410, "no_such_ask", offer_id, message);
        return false;
    }
    return true;
}

/* Bids are not let yet, so any price is refused. */
static bool price_is_good(const cJSON *body, int64_t offer_id, struct http_reply *reply)
{
    const cJSON *price = cJSON_GetObjectItemCaseSensitive(body, "price");
    if (price == NULL || cJSON_IsNull(price)) {
        return true;
    }
    answer_ask_error(reply, 400, "invalid_price", offer_id,
                     "error 400/3471: Invalid args: price must be between 0.001 and 128");
    return false;
}

static int64_t draw(const struct market *market, uint32_t nth, uint32_t index, int64_t low, int64_t high)
{
    struct random_address address = {
        .run = market->options.run, .purpose = RANDOM_CONTRACT, .entity = nth, .index = index};
    return random_between(market->options.seed, address, low, high);
}

enum { DRAW_FIRST_ID, DRAW_ID_STEP, DRAW_SSH_HOST, DRAW_DIRECT_PORT };

static int64_t new_contract_id(const struct market *market, uint32_t nth)
{
    if (nth == 0) {
        int64_t given = market->options.first_contract_id;
        return given != 0 ? given : draw(market, nth, DRAW_FIRST_ID, 29000000, 29999999);
    }
    return market->contracts[nth - 1]->id + draw(market, nth, DRAW_ID_STEP, 1, 99);
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

/* A new contract with copies of its texts, known to nobody yet; NULL when memory is gone. */
static struct contract *new_contract(struct market *market, size_t offer_index, const cJSON *body)
{
    static const char running[] = "success, running ";
    static const char by_ssh[] = "/ssh";
    const char *image = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "image"));
    const char *label = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(body, "label"));
    size_t image_size = strlen(image) + 1;
    size_t label_size = label == NULL ? 0 : strlen(label) + 1;
    size_t msg_size = sizeof running + sizeof by_ssh + image_size;
    struct contract *contract = heap_alloc(market->heap, sizeof *contract + image_size + label_size + msg_size);
    if (contract == NULL) {
        return NULL;
    }
    contract->image = contract->texts;
    memcpy(contract->image, image, image_size);
    contract->running_msg = contract->texts + image_size;
    (void)text_format(contract->running_msg, msg_size, "%s%s%s", running, image, by_ssh);
    char *tag = strrchr(contract->running_msg, ':');
    if (tag != NULL) {
        *tag = '_'; /* the real service names the image's file */
    }
    if (label != NULL) {
        contract->label = contract->texts + image_size + msg_size;
        memcpy(contract->label, label, label_size);
    }
    contract->nth = (uint32_t)market->contract_count;
    contract->id = new_contract_id(market, contract->nth);
    contract->offer_index = offer_index;
    contract->offer = offer_book_at(market->options.offers, offer_index);
    set_addresses(market, contract);
    return contract;
}

/* Room for one more contract in both lists. */
static bool make_room(struct market *market)
{
    if (market->contract_count < market->contract_capacity) {
        return true;
    }
    size_t capacity = market->contract_capacity == 0 ? 4 : market->contract_capacity * 2;
    struct contract **contracts = heap_resize(market->heap, market->contracts, capacity * sizeof(struct contract *));
    if (contracts == NULL) {
        return false;
    }
    market->contracts = contracts;
    struct contract **live = heap_resize(market->heap, market->live, capacity * sizeof(struct contract *));
    if (live == NULL) {
        return false;
    }
    market->live = live;
    market->contract_capacity = capacity;
    return true;
}

static void answer_created(const struct market *market, const struct contract *contract, struct http_reply *reply)
{
    char key[SECRET_SIZE];
    contract_secret(market, contract->nth, 0, key);
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_int(&writer, "new_contract", contract->id);
    json_member_string(&writer, "instance_api_key", key);
    json_end_object(&writer);
}

static void create(struct market *market, size_t offer_index, int64_t disk_mgb, const cJSON *body,
                   struct http_reply *reply)
{
    struct contract *contract = make_room(market) ? new_contract(market, offer_index, body) : NULL;
    if (contract == NULL) {
        reply->body.failed = true;
        return;
    }
    contract->disk_mgb = disk_mgb;
    instance_prepare(contract, market, body);
    answer_created(market, contract, reply);
    if (contract->members.failed || contract->ports.failed || reply->body.failed) {
        reply->body.failed = true;
        contract_free(market->heap, contract);
        return;
    }
    market->options.timeline(market->options.context, market->now_ns, contract->nth, &contract->timeline);
    contract_begin(market, contract);
    market_advance(market, market->now_ns); /* steps that are due at once */
}

void route_create(struct market *market, int64_t offer_id, const struct http_request *request, struct http_reply *reply)
{
    cJSON *body = answer_parse_body(request, reply);
    if (body == NULL) {
        return;
    }
    int64_t index = offer_book_index(market->options.offers, offer_id);
    int64_t disk_mgb;
    bool good = texts_are_good(body, reply) && environment_is_good(body, reply) &&
                price_is_good(body, offer_id, reply) && offer_is_free(market, offer_id, index, reply) &&
                read_disk(body, offer_book_at(market->options.offers, (size_t)index), &disk_mgb, reply);
    if (good && market_credit_nusd(market) <= 0) {
        answer_error(reply, 400, "insufficient_credit", "Your account lacks credit; see the billing page.");
        good = false;
    }
    if (good) {
        create(market, (size_t)index, disk_mgb, body, reply);
    }
    cJSON_Delete(body);
}
