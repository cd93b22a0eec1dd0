#include <string.h>

#include "base/units.h"
#include "vast/decode.h"

/* ---- Offers ------------------------------------------------------------------------------------------------------------- */

struct offer_row {
    struct maybe_int64 id, machine_id, num_gpus, gpu_ram_mib, dph_total, storage_cost, inet_down_cost, reliability2,
        inet_down, disk_space;
    struct maybe_bool rentable;
    MAYBE_TEXT(VAST_TEXT_SIZE) gpu_name, geolocation, driver_version;
};

static const struct json_field offer_fields[] = {
    JSON_INT64(struct offer_row, id, "id"),
    JSON_INT64(struct offer_row, machine_id, "machine_id"),
    JSON_INT64(struct offer_row, num_gpus, "num_gpus"),
    JSON_DECIMAL(struct offer_row, gpu_ram_mib, "gpu_ram", 0),
    JSON_DECIMAL(struct offer_row, dph_total, "dph_total", 9),
    JSON_DECIMAL(struct offer_row, storage_cost, "storage_cost", 9),
    JSON_DECIMAL(struct offer_row, inet_down_cost, "inet_down_cost", 9),
    JSON_DECIMAL(struct offer_row, reliability2, "reliability2", 6),
    JSON_DECIMAL(struct offer_row, inet_down, "inet_down", 0),
    JSON_DECIMAL(struct offer_row, disk_space, "disk_space", 0),
    JSON_BOOLEAN(struct offer_row, rentable, "rentable"),
    JSON_TEXT(struct offer_row, gpu_name, "gpu_name"),
    JSON_TEXT(struct offer_row, geolocation, "geolocation"),
    JSON_TEXT(struct offer_row, driver_version, "driver_version"),
};

bool offer_fits(const struct vast_offer *offer, const struct vast_wish *wish)
{
    bool gpu = wish->gpu_name == NULL || wish->gpu_name[0] == '\0' || strcmp(offer->gpu_name, wish->gpu_name) == 0;
    bool count = wish->num_gpus == 0 || offer->num_gpus == wish->num_gpus;
    bool price = wish->max_price_nusd_per_hour == 0 || offer->price_nusd_per_hour <= wish->max_price_nusd_per_hour;
    return gpu && count && price && offer->reliability_millionths >= wish->min_reliability_millionths;
}

/* A row becomes an offer when what a decision rests on is there: id, GPU count and a positive price. */
static bool offer_from_row(const struct offer_row *row, const struct vast_wish *wish, struct vast_offer *offer)
{
    bool usable = row->id.presence == PRESENT && row->id.value > 0 && row->num_gpus.presence == PRESENT &&
                  row->dph_total.presence == PRESENT && row->dph_total.value > 0 && bool_or(row->rentable, true);
    bool network = wish->min_inet_down_mbps == 0 || int64_or(row->inet_down, 0) >= wish->min_inet_down_mbps;
    bool disk = row->disk_space.presence != PRESENT || row->disk_space.value >= wish->disk_gb;
    if (!usable || !network || !disk) {
        return false;
    }
    *offer = (struct vast_offer){
        .id = row->id.value,
        .machine_id = int64_or(row->machine_id, 0),
        .num_gpus = row->num_gpus.value,
        .gpu_ram_mib = int64_or(row->gpu_ram_mib, 0),
        .price_nusd_per_hour = row->dph_total.value,
        .storage_nusd_per_gb_month = int64_or(row->storage_cost, 0),
        .inet_down_nusd_per_gb = int64_or(row->inet_down_cost, 0),
        .reliability_millionths = int64_or(row->reliability2, 0),
    };
    memcpy(offer->gpu_name, row->gpu_name.text, sizeof offer->gpu_name);
    memcpy(offer->geolocation, row->geolocation.text, sizeof offer->geolocation);
    memcpy(offer->driver_version, row->driver_version.text, sizeof offer->driver_version);
    return offer_fits(offer, wish);
}

static bool offer_before(const struct vast_offer *a, const struct vast_offer *b)
{
    return a->price_nusd_per_hour < b->price_nusd_per_hour ||
           (a->price_nusd_per_hour == b->price_nusd_per_hour && a->id < b->id);
}

static void insert_offer(struct vast_offers *list, const struct vast_offer *offer)
{
    list->fitting++;
    if (list->count == list->capacity) {
        if (list->capacity == 0 || !offer_before(offer, &list->offers[list->count - 1])) {
            return;
        }
        list->count--;
    }
    size_t place = list->count;
    while (place > 0 && offer_before(offer, &list->offers[place - 1])) {
        list->offers[place] = list->offers[place - 1];
        place--;
    }
    list->offers[place] = *offer;
    list->count++;
}

struct offers_reply {
    struct maybe_bool success;
    struct offers_sink {
        enum presence presence;
        const struct vast_wish *wish;
        struct vast_offers *list;
    } offers;
};

static void read_offers(struct json_reader *reader, void *member)
{
    struct offers_sink *sink = member;
    if (!json_enter_array(reader)) {
        sink->presence = WRONG_TYPE;
        json_skip(reader);
        return;
    }
    sink->presence = PRESENT;
    while (json_next_element(reader)) {
        struct offer_row row = {0};
        struct vast_offer offer;
        sink->list->found++;
        if (json_decode_object(reader, offer_fields, ARRAY_LENGTH(offer_fields), &row, JSON_TOLERANT) &&
            offer_from_row(&row, sink->wish, &offer)) {
            insert_offer(sink->list, &offer);
        }
    }
}

enum error_code decode_offers(struct span body, const struct vast_wish *wish, struct vast_offers *list,
                              struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct offers_reply, success, "success"),
        JSON_CUSTOM(struct offers_reply, offers, "offers", read_offers),
    };
    struct offers_reply reply = {.offers = {ABSENT, wish, list}};
    list->count = 0;
    list->found = 0;
    list->fitting = 0;
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "search", error);
    if (code == ERR_OK && reply.offers.presence != PRESENT) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "search: the reply has no list \"offers\"");
    }
    return code;
}

/* ---- Create ------------------------------------------------------------------------------------------------------------- */

struct create_reply {
    struct maybe_bool success;
    struct maybe_int64 new_contract;
    MAYBE_TEXT(129) instance_api_key;
};

enum error_code decode_create(struct span body, int64_t *instance_id, char *api_key, size_t api_key_size,
                              struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct create_reply, success, "success"),
        JSON_INT64(struct create_reply, new_contract, "new_contract"),
        JSON_TEXT(struct create_reply, instance_api_key, "instance_api_key"),
    };
    struct create_reply reply = {0};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "create", error);
    (void)text_copy(api_key, api_key_size, reply.instance_api_key.text);
    bool readable = code != ERR_REPLY_MALFORMED; /* the id of a cut reply may be the first half of another */
    bool named = readable && reply.new_contract.presence == PRESENT && reply.new_contract.value > 0;
    *instance_id = named ? reply.new_contract.value : 0;
    if (code == ERR_OK && !named) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "create: the reply has no id \"new_contract\"");
    }
    return code;
}

/* ---- Instances ---------------------------------------------------------------------------------------------------------- */

struct port_mapping {
    MAYBE_TEXT(8) host_port;
};

static void read_first_mapping(struct json_reader *reader, int64_t *port)
{
    static const struct json_field fields[] = {JSON_TEXT(struct port_mapping, host_port, "HostPort")};
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        struct port_mapping mapping = {0};
        int64_t value;
        if (json_decode_object(reader, fields, ARRAY_LENGTH(fields), &mapping, JSON_TOLERANT) && *port == 0 &&
            json_number_int64(span_of(mapping.host_port.text), &value) && value > 0 && value < 65536) {
            *port = value;
        }
    }
}

/* "ports": {"22/tcp": [{"HostIp": …, "HostPort": "40112"}, …], …} */
static void read_direct_port(struct json_reader *reader, void *member)
{
    int64_t *port = member;
    if (!json_enter_object(reader)) {
        json_skip(reader);
        return;
    }
    struct span key;
    while (json_next_member(reader, &key)) {
        if (json_string_is(key, "22/tcp")) {
            read_first_mapping(reader, port);
        } else {
            json_skip(reader);
        }
    }
}

/* "instance": {"gpuCostPerHour": …, "diskHour": …, "totalHour": …} */
static void read_billed(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {JSON_DECIMAL(struct vast_billed, nusd_per_hour, "totalHour", 9)};
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_TOLERANT);
}

static const struct json_field instance_fields[] = {
    JSON_INT64(struct vast_instance, id, "id"),
    JSON_INT64(struct vast_instance, machine_id, "machine_id"),
    JSON_INT64(struct vast_instance, ssh_port, "ssh_port"),
    JSON_DECIMAL(struct vast_instance, price_nusd_per_hour, "dph_total", 9),
    JSON_CUSTOM(struct vast_instance, billed, "instance", read_billed),
    JSON_DECIMAL(struct vast_instance, uptime_ns, "uptime_mins", 9),
    JSON_CUSTOM(struct vast_instance, direct_port, "ports", read_direct_port),
    JSON_INT64(struct vast_instance, num_gpus, "num_gpus"),
    JSON_TEXT(struct vast_instance, gpu_name, "gpu_name"),
    JSON_TEXT(struct vast_instance, actual_status, "actual_status"),
    JSON_TEXT(struct vast_instance, intended_status, "intended_status"),
    JSON_TEXT(struct vast_instance, status_msg, "status_msg"),
    JSON_TEXT(struct vast_instance, label, "label"),
    JSON_TEXT(struct vast_instance, ssh_host, "ssh_host"),
    JSON_TEXT(struct vast_instance, public_ipaddr, "public_ipaddr"),
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Addresses have come with a line feed behind them. */
static void trim(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    size_t start = 0;
    while (start < length && is_blank(text[start])) {
        start++;
    }
    memmove(text, text + start, length - start);
    text[length - start] = '\0';
}

static bool read_instance(struct json_reader *reader, struct vast_instance *instance)
{
    *instance = (struct vast_instance){0};
    if (!json_decode_object(reader, instance_fields, ARRAY_LENGTH(instance_fields), instance, JSON_TOLERANT)) {
        return false;
    }
    instance->uptime_ns.value = scale_rounded(instance->uptime_ns.value, 60, 1);
    if (instance->uptime_ns.value < 0 || instance->uptime_ns.value == INT64_MAX) {
        instance->uptime_ns.presence = WRONG_TYPE;
    }
    trim(instance->actual_status.text);
    trim(instance->label.text);
    trim(instance->ssh_host.text);
    trim(instance->public_ipaddr.text);
    return instance->id.presence == PRESENT && instance->id.value > 0;
}

struct show_reply {
    struct maybe_bool success;
    MAYBE_TEXT(64) error;
    struct show_sink {
        enum presence presence;
        bool usable;
        struct vast_instance *instance;
    } instances;
};

static void read_shown(struct json_reader *reader, void *member)
{
    struct show_sink *sink = member;
    if (sink->presence != ABSENT) {
        sink->presence = WRONG_TYPE; /* said twice: which of them is meant cannot be known */
        json_skip(reader);
        return;
    }
    switch (json_peek(reader)) {
    case JSON_NULL:
        sink->presence = IS_NULL;
        json_skip(reader);
        break;
    case JSON_OBJECT:
        sink->presence = PRESENT;
        sink->usable = read_instance(reader, sink->instance);
        break;
    default:
        sink->presence = WRONG_TYPE;
        json_skip(reader);
        break;
    }
}

enum error_code decode_instance(struct span body, int64_t wanted_id, struct vast_instance *instance,
                                struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct show_reply, success, "success"),
        JSON_TEXT(struct show_reply, error, "error"),
        JSON_CUSTOM(struct show_reply, instances, "instances", read_shown),
    };
    struct show_reply reply = {.instances = {ABSENT, false, instance}};
    *instance = (struct vast_instance){0};
    enum error_code code =
        decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "show instance", error);
    if (code != ERR_OK) {
        return code;
    }
    if (reply.error.text[0] != '\0') {
        return error_set(error, ERR_REPLY_UNEXPECTED, "show instance: a success that bears the error \"%s\"",
                         reply.error.text);
    }
    if (reply.instances.presence == IS_NULL) {
        instance->gone = true;
        return ERR_OK;
    }
    if (reply.instances.presence != PRESENT) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "show instance: \"instances\" is %s",
                         reply.instances.presence == ABSENT ? "missing" : "neither an object nor null");
    }
    if (!reply.instances.usable || instance->id.value != wanted_id) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "show instance: the reply is not about instance %lld",
                         (long long)wanted_id);
    }
    return ERR_OK;
}

struct page_reply {
    struct maybe_bool success;
    struct token_sink {
        bool unusable;
        char text[VAST_TOKEN_SIZE];
    } next_token;
    struct page_sink {
        enum presence presence;
        bool every_row_usable;
        instance_visitor *visit;
        void *context;
    } instances;
};

static void read_page_rows(struct json_reader *reader, void *member)
{
    struct page_sink *sink = member;
    enum json_kind kind = json_peek(reader);
    sink->presence = kind == JSON_ARRAY ? PRESENT : kind == JSON_NULL ? IS_NULL : WRONG_TYPE;
    if (!json_enter_array(reader)) {
        json_skip(reader);
        return;
    }
    while (json_next_element(reader)) {
        struct vast_instance instance;
        if (read_instance(reader, &instance)) {
            sink->visit(sink->context, &instance);
        } else {
            sink->every_row_usable = false;
        }
    }
}

/* null or a text. A token that is cut would ask for another page than the next one, or for none. */
static void read_token(struct json_reader *reader, void *member)
{
    struct token_sink *sink = member;
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw) && kind != JSON_NULL) {
        sink->unusable = kind != JSON_STRING || !json_string_copy(raw, sink->text, sizeof sink->text);
    }
}

enum error_code decode_instance_page(struct span body, instance_visitor *visit, void *context,
                                     char next_token[VAST_TOKEN_SIZE], struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct page_reply, success, "success"),
        JSON_CUSTOM(struct page_reply, next_token, "next_token", read_token),
        JSON_CUSTOM(struct page_reply, instances, "instances", read_page_rows),
    };
    struct page_reply reply = {.instances = {ABSENT, true, visit, context}};
    enum error_code code =
        decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "list instances", error);
    if (code != ERR_OK) {
        return code;
    }
    /* null instead of an empty list is known to come, but only in an answer that calls itself a success */
    bool empty = reply.instances.presence == IS_NULL && bool_or(reply.success, false);
    if ((reply.instances.presence != PRESENT && !empty) || !reply.instances.every_row_usable ||
        reply.next_token.unusable) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "list instances: the reply is no complete list");
    }
    (void)text_copy(next_token, VAST_TOKEN_SIZE, reply.next_token.text);
    return ERR_OK;
}

/* ---- Account ------------------------------------------------------------------------------------------------------------ */

struct account_reply {
    struct maybe_bool success;
    struct vast_account account;
};

enum error_code decode_account(struct span body, struct vast_account *account, struct error *error)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct account_reply, success, "success"),
        JSON_DECIMAL(struct account_reply, account.credit_nusd, "credit", 9),
        JSON_DECIMAL(struct account_reply, account.balance_nusd, "balance", 9),
    };
    struct account_reply reply = {.success = {ABSENT, false}};
    enum error_code code = decode_object(body, fields, ARRAY_LENGTH(fields), &reply, &reply.success, "account", error);
    *account = reply.account;
    if (code == ERR_OK && account->credit_nusd.presence != PRESENT) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "account: the reply has no \"credit\"");
    }
    return code;
}
