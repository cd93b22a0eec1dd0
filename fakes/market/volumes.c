/* Volumes: disks that outlive a machine. They bill from creation until they are deleted. */
#include <string.h>

#include "fakes/market/offer_fields.h"
#include "fakes/market/state.h"

enum { VOLUMES_MAX = 10000, FIRST_VOLUME_ID = 33105, NAME_SIZE = 64, MILLI_TO_NANO = 1000000 };

struct volume {
    int64_t id;
    const struct offer *offer;
    uint32_t offer_index;
    int64_t size_mgb;
    int64_t created_ns, deleted_ns;
    int64_t contract_id; /* attached to it; 0: to none */
    char name[NAME_SIZE];
    char mount_path[NAME_SIZE];
    struct charges charges;
};

void volumes_release(struct market *market)
{
    for (size_t i = 0; i < market->volume_count; i++) {
        charges_release(market, &market->volumes[i]->charges);
        heap_release(market->heap, market->volumes[i]);
    }
    heap_release(market->heap, market->volumes);
}

struct charges *volume_charges(const struct market *market, size_t index, int64_t *id)
{
    *id = market->volumes[index]->id;
    return &market->volumes[index]->charges;
}

static bool exists(const struct volume *volume)
{
    return volume->deleted_ns == TIME_NEVER_NS;
}

static void bill(struct market *market, struct volume *volume)
{
    struct charges *charges = &volume->charges;
    charges_settle(market, charges);
    struct market_event event = {
        .kind = MARKET_BILLED,
        .at_ns = market->now_ns,
        .contract_id = volume->id,
        .contract = UINT32_MAX,
        .component = "volume",
        .quantity_ns = charges->unbilled[COMPONENT_DISK],
        .credit_nusd = market_credit_nusd(market),
    };
    int64_t before_nusd = whole_nusd(market->billed);
    market->billed += charges->unbilled_amounts[COMPONENT_DISK];
    event.amount_nusd = whole_nusd(market->billed) - before_nusd;
    charges->unbilled[COMPONENT_DISK] = 0;
    charges->unbilled_amounts[COMPONENT_DISK] = 0;
    market_tell(market, &event);
}

void volumes_bill(struct market *market)
{
    for (size_t i = 0; i < market->volume_count; i++) {
        if (exists(market->volumes[i])) {
            bill(market, market->volumes[i]);
        }
    }
}

void volumes_detach(struct market *market, int64_t contract_id)
{
    for (size_t i = 0; i < market->volume_count; i++) {
        if (market->volumes[i]->contract_id == contract_id) {
            market->volumes[i]->contract_id = 0;
        }
    }
}

static struct volume *find(const struct market *market, int64_t id)
{
    for (size_t i = 0; i < market->volume_count; i++) {
        if (market->volumes[i]->id == id && exists(market->volumes[i])) {
            return market->volumes[i];
        }
    }
    return NULL;
}

static struct volume *make(struct market *market, size_t offer_index, int64_t size_mgb, const char *name)
{
    if (market->volume_count == market->volume_capacity) {
        size_t capacity = market->volume_capacity == 0 ? 4 : market->volume_capacity * 2;
        struct volume **grown = heap_resize(market->heap, market->volumes, capacity * sizeof(struct volume *));
        if (grown == NULL) {
            return NULL;
        }
        market->volumes = grown;
        market->volume_capacity = capacity;
    }
    struct volume *volume = heap_alloc(market->heap, sizeof *volume);
    if (volume == NULL) {
        return NULL;
    }
    volume->id = market->last_volume_id == 0 ? FIRST_VOLUME_ID : market->last_volume_id + 1;
    volume->offer_index = (uint32_t)offer_index;
    volume->offer = offer_book_at(market->options.offers, offer_index);
    volume->size_mgb = size_mgb;
    volume->created_ns = market->now_ns;
    volume->deleted_ns = TIME_NEVER_NS;
    (void)text_copy(volume->name, sizeof volume->name, name == NULL ? "" : name);
    return volume;
}

static void begin(struct market *market, struct volume *volume)
{
    market->last_volume_id = volume->id;
    market->volumes[market->volume_count++] = volume;
    volume->charges.settled_ns = market->now_ns;
    volume->charges.meters[COMPONENT_DISK].price_nusd_per_hour =
        offer_disk_nusd_per_hour(volume->offer, volume->size_mgb);
    charges_switch(market, &volume->charges, COMPONENT_DISK, true);
}

/* GB of a member, in thousandths; 0 when it is no size. */
static int64_t read_size(const cJSON *object, const char *key)
{
    const cJSON *size = member_of(object, key);
    int64_t nano = cJSON_IsNumber(size) ? nano_of_number(size->valuedouble) : 0;
    return nano > 0 ? scale_rounded(nano, 1, MILLI_TO_NANO) : 0;
}

bool volume_of_create(struct market *market, const struct contract *contract, const cJSON *info)
{
    if (!cJSON_IsObject(info)) {
        return true;
    }
    const char *path = text_member(info, "mount_path");
    const cJSON *id = member_of(info, "volume_id");
    struct volume *volume = NULL;
    if (cJSON_IsTrue(member_of(info, "create_new")) && market->volume_count < VOLUMES_MAX) {
        int64_t size_mgb = read_size(info, "size");
        volume = make(market, contract->offer_index, size_mgb > 0 ? size_mgb : 1000, text_member(info, "name"));
        if (volume == NULL) {
            return false;
        }
        begin(market, volume);
    } else if (cJSON_IsNumber(id)) {
        volume = find(market, nano_of_number(id->valuedouble) / NUSD_PER_USD);
    }
    if (volume != NULL && volume->offer->machine_id == contract->offer->machine_id) {
        volume->contract_id = contract->id;
        (void)text_copy(volume->mount_path, sizeof volume->mount_path, path == NULL ? "/data" : path);
    }
    return true;
}

void volumes_write(struct json_writer *writer, const struct market *market, int64_t contract_id)
{
    if (market->volume_count == 0) {
        json_raw(writer, span_of("\"volume_info\":[]"));
        return;
    }
    json_key(writer, "volume_info");
    json_begin_array(writer);
    for (size_t i = 0; i < market->volume_count; i++) {
        const struct volume *volume = market->volumes[i];
        if (exists(volume) && volume->contract_id == contract_id) {
            json_begin_object(writer);
            json_member_int(writer, "id", volume->id);
            json_member_int(writer, "volume_id", volume->id);
            json_member_string(writer, "name", volume->name);
            json_member_decimal(writer, "size", volume->size_mgb, 3);
            json_member_decimal(writer, "total_space", volume->size_mgb, 3);
            json_member_decimal(writer, "avail_space", volume->size_mgb, 3);
            json_member_string(writer, "mount_path", volume->mount_path);
            json_end_object(writer);
        }
    }
    json_end_array(writer);
}

/* ---- Routes --------------------------------------------------------------------------------------------------------------- */

static void write_volume(struct json_writer *writer, const struct market *market, const struct volume *volume)
{
    const struct offer *offer = volume->offer;
    json_begin_object(writer);
    json_member_int(writer, "id", volume->id);
    json_member_string(writer, "label", *volume->name == '\0' ? NULL : volume->name);
    json_member_null(writer, "cluster_id");
    json_member_string(writer, "driver_version", offer->driver_version);
    json_member_decimal(writer, "disk_space", volume->size_mgb, 3);
    json_member_string(writer, "status", "created");
    json_member_string(writer, "disk_name", offer->disk_name);
    json_key(writer, "instances");
    json_begin_array(writer);
    if (volume->contract_id != 0) {
        json_int(writer, volume->contract_id);
    }
    json_end_array(writer);
    json_member_decimal(writer, "start_date", unix_ms(market, volume->created_ns), 3);
    json_member_int(writer, "end_date", offer->end_date_s);
    json_member_int(writer, "duration", offer->duration_s);
    json_member_decimal(writer, "inet_up", offer->inet_up_milli, 3);
    json_member_decimal(writer, "inet_down", offer->inet_down_milli, 3);
    json_member_decimal(writer, "reliability2", offer->reliability_millionths, 6);
    json_member_int(writer, "machine_id", offer->machine_id);
    json_member_string(writer, "verification", offer->verification);
    json_member_int(writer, "host_id", offer->host_id);
    json_member_string(writer, "geolocation", *offer->geolocation == '\0' ? NULL : offer->geolocation);
    json_member_decimal(writer, "storage_cost", offer->storage_cost_nusd, 9);
    json_member_decimal(writer, "storage_total_cost", volume->charges.meters[COMPONENT_DISK].price_nusd_per_hour, 9);
    json_member_string(writer, "public_ipaddr", *offer->public_ipaddr == '\0' ? NULL : offer->public_ipaddr);
    json_end_object(writer);
}

void route_volumes(const struct call *call)
{
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_key(&writer, "volumes");
    json_begin_array(&writer);
    char storage[32];
    struct buffer type;
    buffer_init_fixed(&type, storage, sizeof storage);
    bool has_type = query_parameter(call->request->path, "type", &type);
    bool only_network = has_type && strcmp(storage, "network_volume") == 0; /* there are none */
    for (size_t i = 0; i < call->market->volume_count && !only_network; i++) {
        if (exists(call->market->volumes[i])) {
            write_volume(&writer, call->market, call->market->volumes[i]);
        }
    }
    json_end_array(&writer);
    json_end_object(&writer);
}

/* Any machine lets its free disk: what is found are its offers. */
void route_volume_search(const struct call *call)
{
    route_search(call);
}

void route_volume_create(const struct call *call)
{
    struct market *market = call->market;
    cJSON *body = answer_parse_body(call->request, call->reply);
    if (body == NULL) {
        return;
    }
    const cJSON *ask = member_of(body, "id");
    bool is_current = false;
    int64_t ask_id = cJSON_IsNumber(ask) ? nano_of_number(ask->valuedouble) / NUSD_PER_USD : -1;
    int64_t index = listing_by_id(market, ask_id, &is_current);
    int64_t size_mgb = read_size(body, "size");
    struct offer copy;
    if (index < 0 || !is_current) {
        answer_error(call->reply, 404, "no_such_ask", "Volume offer %lld not found.", (long long)ask_id);
    } else if (size_mgb <= 0 || size_mgb > listing_offer(market, (size_t)index, &copy)->disk_space_mgb ||
               market->volume_count == VOLUMES_MAX) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: size must be one that there is");
    } else if (market_credit_nusd(market) <= 0) {
        answer_error(call->reply, 400, "insufficient_credit", "Your account lacks credit; see the billing page.");
    } else {
        char name[32];
        struct volume *volume = make(market, (size_t)index, size_mgb, text_member(body, "name"));
        (void)text_format(name, sizeof name, "V.%lld", (long long)(volume == NULL ? 0 : volume->id));
        struct json_writer writer = answer_begin(call->reply, 200);
        json_begin_object(&writer);
        json_member_bool(&writer, "success", true);
        json_member_string(&writer, "volume_name", name);
        json_end_object(&writer);
        if (volume == NULL || call->reply->body.failed) {
            heap_release(market->heap, volume);
            call->reply->body.failed = true;
        } else {
            begin(market, volume);
        }
    }
    cJSON_Delete(body);
}

void route_volume_delete(const struct call *call)
{
    char storage[HTTP_PATH_SIZE];
    struct buffer text;
    int64_t id = -1;
    buffer_init_fixed(&text, storage, sizeof storage);
    bool has_id = query_parameter(call->request->path, "id", &text) &&
                  decimal_parse_exact((struct span){storage, text.length}, 0, &id);
    struct volume *volume = has_id ? find(call->market, id) : NULL;
    if (volume == NULL) {
        answer_error(call->reply, 404, "not_found", "Volume %lld not found.", (long long)id);
    } else if (volume->contract_id != 0) {
        answer_error(call->reply, 400, "invalid_args", "Volume %lld is in use.", (long long)id);
    } else {
        answer_success(call->reply);
        if (!call->reply->body.failed) {
            charges_switch(call->market, &volume->charges, COMPONENT_DISK, false);
            bill(call->market, volume);
            volume->deleted_ns = call->market->now_ns;
        }
    }
}
