/* How an instance looks: what never changes is rendered at its creation, so that a show writes only what moves. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/state.h"

enum {
    MEMBERS_MAX = 4194304,
    PRICED_USUAL = 640,
    SECONDS_PER_DAY = 86400,
    NS_DIGITS = 9,
    MS_DIGITS = 3,
};

/* What the account wants, as members. */
static const char *const intents[] = {
    [INTENT_RUNNING] = "\"intended_status\":\"running\",\"cur_state\":\"running\",\"next_state\":\"running\"",
    [INTENT_STOPPED] = "\"intended_status\":\"stopped\",\"cur_state\":\"stopped\",\"next_state\":\"stopped\"",
    [INTENT_QUEUED] = "\"intended_status\":\"running\",\"cur_state\":\"stopped\",\"next_state\":\"running\"",
};

/* Measurements of an idle machine with the image on its disk; null or -1 until it has run; without its GPU's when that idles. */
#define MEASURED                                                                                                       \
    "\"cpu_util\":3.41,\"mem_limit\":62.9,\"mem_usage\":5.83,\"vmem_usage\":0.41,\"disk_usage\":6.2,\"disk_util\":0."  \
    "31,\"gpu_util\":0,"
static const char measured[] = MEASURED "\"gpu_temp\":34";
static const char measured_without_gpu[] = MEASURED "\"gpu_temp\":null";
static const char unmeasured[] =
    "\"cpu_util\":0,\"mem_limit\":null,\"mem_usage\":null,\"vmem_usage\":null,\"disk_usage\":-1,\"disk_util\":-1,"
    "\"inet_up_billed\":null,\"inet_down_billed\":null,\"gpu_util\":null,\"gpu_temp\":null";

static void write_variable(struct json_writer *writer, const char *name, const char *value)
{
    json_begin_array(writer);
    json_string(writer, name);
    json_string(writer, value);
    json_end_array(writer);
}

/* Calls `each` for every variable of a create: an object, or pairs as old clients send them. */
typedef void variable_function(void *context, const char *name, const char *value);

static void each_variable(const cJSON *request, variable_function *each, void *context)
{
    const cJSON *environment = member_of(request, "env");
    const cJSON *pairs = member_of(request, "extra_env");
    for (const cJSON *at = environment == NULL ? NULL : environment->child; at != NULL; at = at->next) {
        each(context, at->string, at->valuestring);
    }
    for (const cJSON *at = pairs == NULL ? NULL : pairs->child; at != NULL; at = at->next) {
        each(context, cJSON_GetStringValue(at->child), cJSON_GetStringValue(at->child->next));
    }
}

static void write_variable_of(void *context, const char *name, const char *value)
{
    write_variable(context, name, value);
}

static void write_environment(struct json_writer *writer, const cJSON *request)
{
    json_key(writer, "extra_env");
    json_begin_array(writer);
    each_variable(request, write_variable_of, writer);
    json_end_array(writer);
}

static void write_arguments(struct json_writer *writer, const cJSON *request)
{
    const cJSON *arguments = member_of(request, "args");
    json_key(writer, "image_args");
    json_begin_array(writer);
    for (const cJSON *each = arguments == NULL ? NULL : arguments->child; each != NULL; each = each->next) {
        json_string(writer, each->valuestring);
    }
    if (text_member(request, "args_str") != NULL) {
        json_string(writer, text_member(request, "args_str"));
    }
    json_end_array(writer);
}

static void write_identity(struct json_writer *writer, const struct contract *contract, const cJSON *request)
{
    json_member_int(writer, "id", contract->id);
    json_member_string(writer, "image_uuid", contract->image);
    write_arguments(writer, request);
    const char *runtype = text_member(request, "runtype");
    json_member_string(writer, "image_runtype", runtype != NULL ? runtype : "ssh");
    write_environment(writer, request);
    json_member_string(writer, "onstart", text_member(request, "onstart"));
}

static void write_place(struct json_writer *writer, const struct contract *contract)
{
    char index[MARKET_HOST_SIZE];
    const char *digits = contract->address.ssh_host + strcspn(contract->address.ssh_host, "0123456789");
    (void)text_format(index, sizeof index, "%.*s", (int)strspn(digits, "0123456789"), digits);
    json_member_string(writer, "ssh_host", contract->address.ssh_host);
    json_member_string(writer, "ssh_idx", index);
    json_member_int(writer, "ssh_port", contract->address.ssh_port);
    json_member_int(writer, "machine_dir_ssh_port", 21000);
    size_t length = strlen(contract->offer->geolocation);
    json_member_string(writer, "country_code", length < 2 ? NULL : contract->offer->geolocation + length - 2);
    json_member_decimal(writer, "disk_space", contract->disk_mgb, MS_DIGITS);
}

static void write_constants(struct json_writer *writer, const struct contract *contract, const struct market *market)
{
    json_member_decimal(writer, "start_date", unix_ms(market, market->now_ns), MS_DIGITS);
    json_member_decimal(writer, "end_date", unix_ms(market, contract->end_ns), MS_DIGITS);
    json_member_int(writer, "host_run_time", INT64_C(30) * SECONDS_PER_DAY);
    json_member_null(writer, "credit_balance");
    json_member_null(writer, "credit_discount");
}

/* The container port in "-p 8000:8000" or "-p 8000:8000/udp"; 0 when the variable asks for none. */
static int64_t published_port(const char *name, const char **protocol)
{
    enum { PORT_MAX = 65535 };
    const char *colon = strncmp(name, "-p ", 3) == 0 ? strchr(name, ':') : NULL;
    size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");
    int64_t port = 0;
    if (digits == 0 || !decimal_parse((struct span){colon + 1, digits}, 0, &port) || port > PORT_MAX) {
        return 0;
    }
    const char *rest = colon + 1 + digits;
    *protocol = strcmp(rest, "/udp") == 0 ? "udp" : "tcp";
    return *rest == '\0' || *rest == '/' ? port : 0;
}

static void write_port(struct json_writer *writer, struct contract *contract, int64_t port, const char *protocol)
{
    static const char *const addresses[] = {"0.0.0.0", "::"};
    char key[32];
    char host_port[32];
    (void)text_format(key, sizeof key, "%lld/%s", (long long)port, protocol);
    int64_t number = contract->address.direct_port + contract->port_count++;
    (void)text_format(host_port, sizeof host_port, "%lld", (long long)number);
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
        json_begin_object(writer);
        json_member_string(writer, "HostIp", addresses[i]);
        json_member_string(writer, "HostPort", host_port);
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* Whether one of the runtype's words begins with `word`: both spellings of direct do for "ssh_direc". */
static bool runtype_has(const cJSON *request, const char *word)
{
    const char *runtype = text_member(request, "runtype");
    runtype = runtype == NULL ? "ssh" : runtype;
    for (const char *at = runtype; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        size_t length = strcspn(at, " ");
        bool is_prefix = length >= strlen(word) && strncmp(at, word, strlen(word)) == 0;
        if (is_prefix && (length == strlen(word) || word[strlen(word) - 1] == 'c')) {
            return true;
        }
    }
    return false;
}

struct port_list {
    struct json_writer *writer;
    struct contract *contract;
};

static void write_published(void *context, const char *name, const char *value)
{
    struct port_list *list = context;
    const char *protocol = "tcp";
    int64_t port = published_port(name, &protocol);
    (void)value;
    bool is_ssh = port == 22 && list->contract->has_direct_ssh;
    if (port != 0 && !is_ssh && list->contract->port_count < CONTRACT_PORTS_MAX) {
        write_port(list->writer, list->contract, port, protocol);
    }
}

/*
 * Direct SSH gets the first of the machine's direct ports (a bare ssh or jupyter is the old way to ask for it), Jupyter the
 * next, published ones follow. A machine without direct ports has none.
 */
static void prepare_ports(struct contract *contract, const cJSON *request)
{
    struct json_writer writer;
    struct port_list list = {&writer, contract};
    bool has_direct = contract->offer->direct_port_count > 0;
    bool jupyter = runtype_has(request, "jupyter_direc");
    contract->has_direct_ssh = has_direct && (runtype_has(request, "ssh") || runtype_has(request, "jupyter") ||
                                              runtype_has(request, "ssh_direc") || jupyter);
    json_writer_init(&writer, &contract->ports, 0);
    json_begin_object(&writer);
    if (contract->has_direct_ssh) {
        write_port(&writer, contract, 22, "tcp");
    }
    if (has_direct && jupyter) {
        write_port(&writer, contract, 8080, "tcp");
    }
    if (has_direct) {
        each_variable(request, write_published, &list);
    }
    json_end_object(&writer);
}

void instance_price(struct contract *contract)
{
    struct offer priced = *contract->offer;
    struct json_writer writer;
    buffer_clear(&contract->priced);
    (void)buffer_reserve(&contract->priced, PRICED_USUAL);
    priced.is_bid = contract->is_bid;
    if (contract->is_bid) {
        priced.dph_base_nusd = contract->bid_nusd;
    }
    json_writer_init(&writer, &contract->priced, 0);
    json_begin_object(&writer);
    offer_write_members(&writer, &priced, contract->disk_mgb, OFFER_IN_INSTANCE | OFFER_BY_BID, 0);
    offer_write_members(&writer, contract->offer, contract->disk_mgb, OFFER_IN_INSTANCE | OFFER_BY_DISK, OFFER_BY_BID);
}

void instance_prepare(struct contract *contract, const struct market *market, const cJSON *request)
{
    char token[SECRET_SIZE];
    contract_secret(market, contract->nth, 1, token);
    buffer_init(&contract->members, market->heap, MEMBERS_MAX);
    buffer_init(&contract->priced, market->heap, MEMBERS_MAX);
    buffer_init(&contract->ports, market->heap, MEMBERS_MAX);
    buffer_init(&contract->onstart, market->heap, MEMBERS_MAX);
    const char *onstart = text_member(request, "onstart");
    buffer_append_text(&contract->onstart, onstart != NULL ? onstart : "");
    struct json_writer writer;
    json_writer_init(&writer, &contract->members, 0);
    json_begin_object(&writer);
    write_identity(&writer, contract, request);
    json_member_string(&writer, "jupyter_token", token);
    write_place(&writer, contract);
    write_constants(&writer, contract, market);
    prepare_ports(contract, request);
    instance_price(contract);
}

/* The message with the image's name where its form has a place for it. */
static void write_msg(struct json_writer *writer, const struct contract *contract)
{
    const char *format = contract->status_msg == NULL ? NULL : status_msg_format(contract->status_msg);
    char storage[4096];
    struct buffer text;
    if (format == NULL) {
        json_member_string(writer, "status_msg", contract->status_msg);
        return;
    }
    buffer_init_fixed(&text, storage, sizeof storage);
    for (const char *at = format; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            buffer_append_text(&text, contract->image);
            at++;
        } else {
            buffer_append_char(&text, *at);
        }
    }
    json_member_string(writer, "status_msg", buffer_text(&text));
}

static void write_state(struct json_writer *writer, const struct contract *contract)
{
    json_member_string(writer, "actual_status", actual_status_text(contract->status));
    json_raw(writer, span_of(intents[contract->intent]));
    write_msg(writer, contract);
    json_member_string(writer, "label", contract->has_label ? contract->label->text : NULL);
}

static void write_addresses(struct json_writer *writer, const struct contract *contract, bool has_address,
                            bool has_ports, bool has_telemetry)
{
    bool has_direct = has_telemetry && contract->port_count > 0;
    char storage[MARKET_HOST_SIZE + 2];
    struct buffer address;
    buffer_init_fixed(&address, storage, sizeof storage);
    buffer_append_text(&address, contract->address.public_ipaddr);
    if (has_telemetry) {
        buffer_append_char(&address, '\n'); /* as the real service has it, once the machine has reported itself */
    }
    bool is_known = has_address && *contract->address.public_ipaddr != '\0';
    json_member_string(writer, "public_ipaddr", is_known ? buffer_text(&address) : NULL);
    json_member_string(writer, "local_ipaddrs", has_address ? "10.0.0.5 172.17.0.1 \n" : NULL);
    json_member_int(writer, "direct_port_start", has_direct ? contract->address.direct_port : -1);
    json_member_int(writer, "direct_port_end",
                    has_direct ? contract->address.direct_port + contract->port_count - 1 : -1);
    if (has_ports) {
        json_key(writer, "ports");
        json_raw(writer, (struct span){buffer_text(&contract->ports), contract->ports.length});
    }
}

static void write_clock(struct json_writer *writer, const struct market *market, const struct contract *contract)
{
    int64_t left_ms = (contract->end_ns - market->now_ns) / NS_PER_MS;
    int64_t left_s = left_ms < 0 ? 0 : left_ms / 1000;
    char storage[64];
    struct buffer left;
    buffer_init_fixed(&left, storage, sizeof storage);
    decimal_append(&left, left_s / SECONDS_PER_DAY, 0, 0);
    buffer_append_text(&left, " D ");
    decimal_append(&left, left_s % SECONDS_PER_DAY / 3600, 0, 0);
    buffer_append_text(&left, " Hr");
    json_member_decimal(writer, "duration", left_ms, MS_DIGITS);
    json_member_string(writer, "time_remaining", buffer_text(&left));
    json_member_decimal(writer, "min_bid", market_floor_nusd(market, contract->offer_index), NS_DIGITS);
    json_member_string(writer, "time_remaining_isbid", contract->is_bid ? buffer_text(&left) : "");
    json_member_decimal(writer, "client_run_time", (market->now_ns - contract->created_ns) / NS_PER_MS, MS_DIGITS);
    if (contract->has_run) {
        bool is_up = status_traits(contract->status)->container_up;
        int64_t until_ns = is_up ? market->now_ns : contract->run_ended_ns;
        /* Minutes in counts of 10^-9: a sixtieth of a nanosecond's digits. */
        json_member_decimal(writer, "uptime_mins", scale_rounded(until_ns - contract->running_since_ns, 1, 60),
                            NS_DIGITS);
    } else {
        json_member_null(writer, "uptime_mins");
    }
}

/* Traffic is shown in MB, with what no bill has told of yet. */
static void write_traffic(struct json_writer *writer, const struct contract *contract)
{
    static const char none[] = "\"inet_down_billed\":0,\"inet_up_billed\":0";
    const int64_t *bytes = contract->charges.quantities;
    if (bytes[COMPONENT_DOWNLOAD] == 0 && bytes[COMPONENT_UPLOAD] == 0) {
        json_raw(writer, span_of(none));
        return;
    }
    json_member_decimal(writer, "inet_down_billed", bytes[COMPONENT_DOWNLOAD], 6);
    json_member_decimal(writer, "inet_up_billed", bytes[COMPONENT_UPLOAD], 6);
}

static void write_template(struct json_writer *writer, const struct template *template)
{
    static const char none[] = "\"template_id\":null,\"template_hash_id\":null,\"template_name\":null";
    if (template == NULL) {
        json_raw(writer, span_of(none));
    } else {
        json_member_int(writer, "template_id", template->id);
        json_member_string(writer, "template_hash_id", template->hash);
        json_member_string(writer, "template_name", template->name);
    }
}

void instance_write(struct json_writer *writer, const struct market *market, const struct contract *contract)
{
    const struct status_traits *traits = status_traits(contract->status);
    bool has_telemetry = traits->has_telemetry && contract->has_run;
    json_begin_object(writer);
    write_state(writer, contract);
    write_addresses(writer, contract, traits->has_address, contract_has_ports(market, contract), has_telemetry);
    write_clock(writer, market, contract);
    json_raw(writer, span_of(!has_telemetry ? unmeasured : traits->gpu_idle ? measured_without_gpu : measured));
    if (has_telemetry) {
        write_traffic(writer, contract);
    }
    write_template(writer, contract->template);
    volumes_write(writer, market, contract->id);
    json_raw(writer, (struct span){buffer_text(&contract->members) + 1, contract->members.length - 1});
    json_raw(writer, (struct span){buffer_text(&contract->priced) + 1, contract->priced.length - 1});
    json_raw(writer, offer_book_instance_members(market->options.offers, contract->offer_index));
    json_end_object(writer);
}

bool contract_has_ports(const struct market *market, const struct contract *contract)
{
    return status_traits(contract->status)->has_ports && contract->has_run &&
           market->now_ns - contract->running_since_ns >= market->options.switches.ports_after_ns;
}

void contract_secret(const struct market *market, uint32_t nth, uint32_t which, char out[SECRET_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    enum { DIGITS_PER_WORD = 16, WORDS = (SECRET_SIZE - 1) / DIGITS_PER_WORD };
    for (uint32_t word = 0; word < WORDS; word++) {
        struct random_address address = {
            .run = market->options.run, .purpose = RANDOM_INSTANCE_KEY, .entity = nth, .index = which * WORDS + word};
        uint64_t bits = random_bits(market->options.seed, address);
        for (size_t i = 0; i < DIGITS_PER_WORD; i++, bits >>= 4) {
            out[(size_t)word * DIGITS_PER_WORD + i] = digits[bits & 15];
        }
    }
    out[SECRET_SIZE - 1] = '\0';
}
