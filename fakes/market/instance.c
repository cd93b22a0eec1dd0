/* How an instance looks: what never changes is rendered at its creation, so that a show writes only what moves. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/state.h"

enum {
    MEMBERS_MAX = 4194304,
    MEMBERS_USUAL = 4096,
    SECONDS_PER_DAY = 86400,
    NS_DIGITS = 9,
    MS_DIGITS = 3,
};

/* What the account wants, as members. */
static const char *const intents[] = {
    [INTENT_RUNNING] = "\"intended_status\":\"running\",\"cur_state\":\"running\",\"next_state\":\"running\"",
    [INTENT_STOPPED] = "\"intended_status\":\"stopped\",\"cur_state\":\"stopped\",\"next_state\":\"stopped\"",
};

/* Measurements of an idle machine with the image on its disk; null or -1 until it has run; without its GPU's when that idles. */
#define MEASURED                                                                                                       \
    "\"cpu_util\":3.41,\"mem_limit\":62.9,\"mem_usage\":5.83,\"vmem_usage\":0.41,\"disk_usage\":6.2,\"disk_util\":0."  \
    "31,"                                                                                                              \
    "\"inet_up_billed\":0,\"inet_down_billed\":0,\"gpu_util\":0,"
static const char measured[] = MEASURED "\"gpu_temp\":34";
static const char measured_without_gpu[] = MEASURED "\"gpu_temp\":null";
static const char unmeasured[] =
    "\"cpu_util\":0,\"mem_limit\":null,\"mem_usage\":null,\"vmem_usage\":null,\"disk_usage\":-1,\"disk_util\":-1,"
    "\"inet_up_billed\":null,\"inet_down_billed\":null,\"gpu_util\":null,\"gpu_temp\":null";

static const char *text_of(const cJSON *request, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, key));
}

static void write_environment(struct json_writer *writer, const cJSON *request)
{
    const cJSON *environment = cJSON_GetObjectItemCaseSensitive(request, "env");
    json_key(writer, "extra_env");
    json_begin_array(writer);
    for (const cJSON *each = environment == NULL ? NULL : environment->child; each != NULL; each = each->next) {
        json_begin_array(writer);
        json_string(writer, each->string);
        json_string(writer, each->valuestring);
        json_end_array(writer);
    }
    json_end_array(writer);
}

static void write_identity(struct json_writer *writer, const struct contract *contract, const cJSON *request)
{
    json_member_int(writer, "id", contract->id);
    json_member_string(writer, "label", contract->label);
    json_member_null(writer, "template_id");
    json_member_null(writer, "template_hash_id");
    json_member_null(writer, "template_name");
    json_member_string(writer, "image_uuid", contract->image);
    json_key(writer, "image_args");
    json_begin_array(writer);
    json_end_array(writer);
    const char *runtype = text_of(request, "runtype");
    json_member_string(writer, "image_runtype", runtype != NULL ? runtype : "ssh");
    write_environment(writer, request);
    json_member_string(writer, "onstart", text_of(request, "onstart"));
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

static int64_t unix_ms(const struct market *market, int64_t at_ns)
{
    return saturating_add(market->options.epoch.unix_ns, at_ns) / NS_PER_MS;
}

static void write_constants(struct json_writer *writer, const struct contract *contract, const struct market *market)
{
    json_member_decimal(writer, "start_date", unix_ms(market, market->now_ns), MS_DIGITS);
    json_member_int(writer, "end_date", contract->offer->end_date_s);
    json_member_int(writer, "host_run_time", INT64_C(30) * SECONDS_PER_DAY);
    json_member_null(writer, "credit_balance");
    json_member_null(writer, "credit_discount");
    json_key(writer, "volume_info");
    json_begin_array(writer);
    json_end_array(writer);
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

/* 22/tcp gets the first of the machine's direct ports, published ones follow. */
static void prepare_ports(struct contract *contract, const cJSON *request)
{
    const cJSON *environment = cJSON_GetObjectItemCaseSensitive(request, "env");
    struct json_writer writer;
    json_writer_init(&writer, &contract->ports, 0);
    json_begin_object(&writer);
    write_port(&writer, contract, 22, "tcp");
    for (const cJSON *each = environment == NULL ? NULL : environment->child; each != NULL; each = each->next) {
        const char *protocol = "tcp";
        int64_t port = published_port(each->string, &protocol);
        if (port != 0 && port != 22 && contract->port_count < CONTRACT_PORTS_MAX) {
            write_port(&writer, contract, port, protocol);
        }
    }
    json_end_object(&writer);
}

void instance_prepare(struct contract *contract, const struct market *market, const cJSON *request)
{
    char token[SECRET_SIZE];
    contract_secret(market, contract->nth, 1, token);
    buffer_init(&contract->members, market->heap, MEMBERS_MAX);
    buffer_init(&contract->ports, market->heap, MEMBERS_MAX);
    (void)buffer_reserve(&contract->members, MEMBERS_USUAL);
    struct json_writer writer;
    json_writer_init(&writer, &contract->members, 0);
    json_begin_object(&writer);
    write_identity(&writer, contract, request);
    json_member_string(&writer, "jupyter_token", token);
    write_place(&writer, contract);
    write_constants(&writer, contract, market);
    json_raw(&writer, offer_book_instance_members(market->options.offers, contract->offer_index));
    offer_write_members(&writer, contract->offer, contract->disk_mgb, OFFER_IN_INSTANCE | OFFER_BY_DISK, 0);
    prepare_ports(contract, request);
}

static void write_state(struct json_writer *writer, const struct contract *contract)
{
    json_member_string(writer, "actual_status", actual_status_text(contract->status));
    json_raw(writer, span_of(intents[contract->intent]));
    json_member_string(writer, "status_msg", contract->status_msg);
}

static void write_addresses(struct json_writer *writer, const struct contract *contract, bool has_address,
                            bool has_ports, bool has_telemetry)
{
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
    json_member_int(writer, "direct_port_start", has_telemetry ? contract->address.direct_port : -1);
    json_member_int(writer, "direct_port_end",
                    has_telemetry ? contract->address.direct_port + contract->port_count - 1 : -1);
    if (has_ports) {
        json_key(writer, "ports");
        json_raw(writer, (struct span){buffer_text(&contract->ports), contract->ports.length});
    }
}

static void write_clock(struct json_writer *writer, const struct market *market, const struct contract *contract)
{
    int64_t left_ms = contract->offer->end_date_s * 1000 - unix_ms(market, market->now_ns);
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

void instance_write(struct json_writer *writer, const struct market *market, const struct contract *contract)
{
    const struct status_traits *traits = status_traits(contract->status);
    bool has_telemetry = traits->has_telemetry && contract->has_run;
    json_begin_object(writer);
    write_state(writer, contract);
    write_addresses(writer, contract, traits->has_address, traits->has_ports && contract->has_run, has_telemetry);
    write_clock(writer, market, contract);
    json_raw(writer, span_of(!has_telemetry ? unmeasured : traits->gpu_idle ? measured_without_gpu : measured));
    json_raw(writer, (struct span){buffer_text(&contract->members) + 1, contract->members.length - 1});
    json_end_object(writer);
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
