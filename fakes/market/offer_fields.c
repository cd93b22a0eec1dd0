#include "fakes/market/offer_fields.h"

#include <string.h>

#include "base/attributes.h"

enum { GPU_IDS_PER_MACHINE = 16, HOURS_PER_MONTH = 720, MILLI = 1000 };

int64_t offer_disk_nusd_per_hour(const struct offer *offer, int64_t disk_mgb)
{
    return scale_rounded(offer->storage_cost_nusd, disk_mgb, (int64_t)HOURS_PER_MONTH * MILLI);
}

int64_t offer_total_nusd_per_hour(const struct offer *offer, int64_t disk_mgb)
{
    return saturating_add(offer->dph_base_nusd, offer_disk_nusd_per_hour(offer, disk_mgb));
}

static int64_t disk_total(const struct offer *offer, int64_t disk_mgb)
{
    return offer_disk_nusd_per_hour(offer, disk_mgb);
}

static int64_t per_total(const struct offer *offer, int64_t value, int64_t disk_mgb)
{
    int64_t total_nusd = offer_total_nusd_per_hour(offer, disk_mgb);
    if (value == OFFER_NULL || offer->num_gpus == 0) {
        return OFFER_NULL;
    }
    return total_nusd > 0 ? scale_rounded(value, NUSD_PER_USD, total_nusd) : 0;
}

static int64_t dlperf_per_total(const struct offer *offer, int64_t disk_mgb)
{
    return per_total(offer, offer->dlperf_milli, disk_mgb);
}

static int64_t flops_per_total(const struct offer *offer, int64_t disk_mgb)
{
    return per_total(offer, offer->total_tflops_milli, disk_mgb);
}

/* Nine tenths of dlperf_per_dphtotal, as in the captured rows. */
static int64_t score(const struct offer *offer, int64_t disk_mgb)
{
    int64_t per_dollar = dlperf_per_total(offer, disk_mgb);
    return per_dollar == OFFER_NULL ? OFFER_NULL : scale_rounded(per_dollar, 9, 10);
}

static int64_t gpu_total_ram(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return scale_rounded(offer->gpu_ram_mib, offer->num_gpus, 1);
}

/* Dollars per MiB of GPU memory and hour, in counts of 10^-12. */
static int64_t vram_cost(const struct offer *offer, int64_t disk_mgb)
{
    int64_t total_mib = gpu_total_ram(offer, disk_mgb);
    return total_mib > 0 ? scale_rounded(offer->dph_base_nusd, MILLI, total_mib) : 0;
}

static int64_t inet_down_cost_per_tb(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return scale_rounded(offer->inet_down_cost_nusd, MILLI, 1);
}

static int64_t inet_up_cost_per_tb(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return scale_rounded(offer->inet_up_cost_nusd, MILLI, 1);
}

/* "580.95.05" is 580095005: three digits for each part behind the first. */
static int64_t driver_number(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    int64_t parts[3] = {0, 0, 0};
    size_t part = 0;
    for (const char *at = offer->driver_version; *at != '\0' && part < ARRAY_LENGTH(parts); at++) {
        if (*at == '.') {
            part++;
        } else if (*at >= '0' && *at <= '9' && parts[part] < MILLI) {
            parts[part] = parts[part] * 10 + (*at - '0');
        }
    }
    return (parts[0] * MILLI + parts[1] % MILLI) * MILLI + parts[2] % MILLI;
}

static int64_t expected_reliability(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return scale_rounded(offer->reliability_millionths, 995, MILLI);
}

static int64_t is_verified(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return strcmp(offer->verification, "verified") == 0;
}

static int64_t is_deverified(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return strcmp(offer->verification, "deverified") == 0;
}

static int64_t is_datacenter(const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    return offer->hosting_type == 1;
}

/* For what no row of a search ever is: rented, its GPU driving a display. */
static int64_t never(const struct offer *offer, int64_t disk_mgb)
{
    (void)offer;
    (void)disk_mgb;
    return 0;
}

static void write_gpu_ids(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb)
{
    (void)disk_mgb;
    json_begin_array(writer);
    for (int64_t i = 0; i < offer->num_gpus && i < GPU_IDS_PER_MACHINE; i++) {
        json_int(writer, saturating_add(scale_rounded(offer->machine_id, GPU_IDS_PER_MACHINE, 1), i));
    }
    json_end_array(writer);
}

static void write_costs(struct json_writer *writer, int64_t gpu_nusd, int64_t disk_nusd)
{
    int64_t total_nusd = saturating_add(gpu_nusd, disk_nusd);
    json_begin_object(writer);
    json_member_decimal(writer, "gpuCostPerHour", gpu_nusd, 9);
    json_member_decimal(writer, "diskHour", disk_nusd, 9);
    json_member_decimal(writer, "totalHour", total_nusd, 9);
    json_member_int(writer, "discountTotalHour", 0);
    json_member_decimal(writer, "discountedTotalPerHour", total_nusd, 9);
    json_end_object(writer);
}

static void write_search_costs(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb)
{
    write_costs(writer, offer->dph_base_nusd, offer_disk_nusd_per_hour(offer, disk_mgb));
}

static void write_instance_costs(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb)
{
    write_costs(writer, 0, offer_disk_nusd_per_hour(offer, disk_mgb));
}

#define S OFFER_SEARCHABLE
#define R OFFER_IN_ROW
#define I OFFER_IN_INSTANCE
#define D OFFER_BY_DISK
#define B OFFER_BY_BID
#define G OFFER_OF_GPU
#define Z OFFER_NULLABLE
#define STORED(name, kind_of, where, decimal_digits, member)                                                           \
    {                                                                                                                  \
        .key = name, .kind = kind_of, .places = where, .digits = decimal_digits,                                       \
        .offset = offsetof(struct offer, member)                                                                       \
    }
#define NUMBER(name, where, decimal_digits, member) STORED(name, OFFER_NUMBER, where, decimal_digits, member)
#define BOOLEAN(name, where, member) STORED(name, OFFER_BOOLEAN, where, 0, member)
#define TEXT(name, where, member)                                                                                      \
    {                                                                                                                  \
        .key = name, .kind = OFFER_TEXT, .places = where, .offset = offsetof(struct offer, member),                    \
        .size = sizeof(((struct offer *)0)->member)                                                                    \
    }
#define DERIVED(name, kind_of, where, decimal_digits, function)                                                        \
    {                                                                                                                  \
        .key = name, .kind = kind_of, .places = where, .digits = decimal_digits, .derive = function                    \
    }
#define FIXED_TEXT(name, where, text)                                                                                  \
    {                                                                                                                  \
        .key = name, .kind = OFFER_TEXT, .places = where, .constant = text                                             \
    }
#define FIXED(name, where, json)                                                                                       \
    {                                                                                                                  \
        .key = name, .kind = OFFER_JSON, .places = where, .constant = json                                             \
    }
#define WRITTEN(name, where, function)                                                                                 \
    {                                                                                                                  \
        .key = name, .kind = OFFER_JSON, .places = where, .write = function                                            \
    }

static const struct offer_field fields[] = {
    NUMBER("id", S | R, 0, id),
    NUMBER("ask_contract_id", R, 0, id),
    NUMBER("bundle_id", R | I, 0, bundle_id),
    FIXED("bundled_results", R, "null"),
    NUMBER("bw_nvlink", S | R | I | G, 3, bw_nvlink_milli),
    NUMBER("compute_cap", S | R | I | G, 0, compute_cap),
    FIXED_TEXT("cpu_arch", S | R | I, "amd64"),
    NUMBER("cpu_cores", S | R | I | Z, 0, cpu_cores),
    NUMBER("cpu_cores_effective", S | R | I, 3, cpu_cores_effective_milli),
    NUMBER("cpu_ghz", S | R, 3, cpu_ghz_milli),
    TEXT("cpu_name", R | I, cpu_name),
    NUMBER("cpu_ram", S | R | I, 0, cpu_ram_mib),
    FIXED("credit_discount_max", R | I, "0.4"),
    NUMBER("cuda_max_good", S | R | I | G, 3, cuda_max_good_milli),
    NUMBER("direct_port_count", S | R | I, 0, direct_port_count),
    NUMBER("disk_bw", S | R | I, 3, disk_bw_milli),
    TEXT("disk_name", R | I, disk_name),
    NUMBER("disk_space", S | R, 3, disk_space_mgb),
    NUMBER("dlperf", S | R | I | Z, 3, dlperf_milli),
    DERIVED("dlperf_per_dphtotal", OFFER_NUMBER, S | R | I | D, 3, dlperf_per_total),
    NUMBER("dph_base", S | R | I | B, 9, dph_base_nusd),
    DERIVED("dph_total", OFFER_NUMBER, S | R | I | D | B, 9, offer_total_nusd_per_hour),
    DERIVED("dph_total_adj", OFFER_NUMBER, R | D, 9, offer_total_nusd_per_hour),
    TEXT("driver_version", R | I, driver_version),
    DERIVED("driver_version", OFFER_NUMBER, S, 0, driver_number),
    DERIVED("driver_vers", OFFER_NUMBER, R | G, 0, driver_number),
    NUMBER("duration", S | R, 0, duration_s),
    NUMBER("end_date", R, 0, end_date_s),
    BOOLEAN("external", S | R | I | Z, external),
    DERIVED("flops_per_dphtotal", OFFER_NUMBER, S | R | I | D, 3, flops_per_total),
    TEXT("geolocation", S | R | I, geolocation),
    FIXED("geolocode", R | I, "1"),
    FIXED_TEXT("gpu_arch", S | R | I, "nvidia"),
    DERIVED("gpu_display_active", OFFER_BOOLEAN, S | R, 0, never),
    NUMBER("gpu_frac", S | R | I | G, 6, gpu_frac_millionths),
    WRITTEN("gpu_ids", R, write_gpu_ids),
    NUMBER("gpu_lanes", R | I | G, 0, gpu_lanes),
    NUMBER("gpu_mem_bw", S | R | I | G, 3, gpu_mem_bw_milli),
    TEXT("gpu_name", S | R | I, gpu_name),
    NUMBER("gpu_ram", S | R | I | G, 0, gpu_ram_mib),
    DERIVED("gpu_total_ram", OFFER_NUMBER, S | R | G, 0, gpu_total_ram),
    DERIVED("gpu_totalram", OFFER_NUMBER, I | G, 0, gpu_total_ram),
    NUMBER("gpu_max_power", S | R | G, 0, gpu_max_power_w),
    NUMBER("gpu_max_temp", S | R | G, 0, gpu_max_temp_c),
    NUMBER("has_avx", S | R, 0, has_avx),
    NUMBER("host_id", S | R | I, 0, host_id),
    NUMBER("hosting_type", S | R | I, 0, hosting_type),
    DERIVED("datacenter", OFFER_BOOLEAN, S, 0, is_datacenter),
    FIXED("hostname", R | I, "null"),
    NUMBER("inet_down", S | R | I, 3, inet_down_milli),
    NUMBER("inet_down_cost", S | R | I, 9, inet_down_cost_nusd),
    NUMBER("inet_up", S | R | I, 3, inet_up_milli),
    NUMBER("inet_up_cost", S | R | I, 9, inet_up_cost_nusd),
    DERIVED("internet_down_cost_per_tb", OFFER_NUMBER, R | I, 9, inet_down_cost_per_tb),
    DERIVED("internet_up_cost_per_tb", OFFER_NUMBER, R | I, 9, inet_up_cost_per_tb),
    BOOLEAN("is_bid", R | I | B, is_bid),
    DERIVED("is_vm_deverified", OFFER_BOOLEAN, R, 0, is_deverified),
    FIXED("logo", R | I, "\"/static/logos/vastai_small2.png\""),
    NUMBER("machine_id", S | R | I, 0, machine_id),
    NUMBER("min_bid", S | R, 9, min_bid_nusd),
    TEXT("mobo_name", S | R | I, mobo_name),
    NUMBER("num_gpus", S | R | I, 0, num_gpus),
    FIXED("nw_disk_min_bw", R, "null"),
    FIXED("nw_disk_max_bw", R, "null"),
    FIXED("nw_disk_avg_bw", R, "null"),
    TEXT("os_version", S | R | I, os_version),
    TEXT("ubuntu_version", S, os_version),
    NUMBER("pci_gen", S | R | I, 3, pci_gen_milli),
    NUMBER("pcie_bw", S | R | I | G, 3, pcie_bw_milli),
    TEXT("public_ipaddr", R, public_ipaddr),
    NUMBER("reliability", S | R, 6, reliability_millionths),
    NUMBER("reliability2", S | R | I, 6, reliability_millionths),
    FIXED("reliability_mult", R, "0.98"),
    DERIVED("expected_reliability", OFFER_NUMBER, R, 6, expected_reliability),
    BOOLEAN("rentable", S | R | I, rentable),
    DERIVED("rented", OFFER_BOOLEAN, S | R, 0, never),
    FIXED("resource_type", R, "\"gpu\""),
    NUMBER("rn", R, 0, rank),
    DERIVED("score", OFFER_NUMBER, S | R | I | D, 3, score),
    NUMBER("start_date", R, 0, start_date_s),
    BOOLEAN("static_ip", S | R | I, static_ip),
    NUMBER("storage_cost", S | R | I, 9, storage_cost_nusd),
    DERIVED("storage_total_cost", OFFER_NUMBER, R | I | D, 9, disk_total),
    NUMBER("total_flops", S | R | I | G, 3, total_tflops_milli),
    TEXT("verification", S | R | I, verification),
    DERIVED("verified", OFFER_BOOLEAN, S, 0, is_verified),
    DERIVED("vericode", OFFER_NUMBER, R, 0, is_verified),
    BOOLEAN("vms_enabled", S | R, vms_enabled),
    DERIVED("vram_costperhour", OFFER_NUMBER, R | I | G, 12, vram_cost),
    FIXED("webpage", R | I, "null"),
    FIXED_TEXT("cluster_id", S | R, ""),
    FIXED("avail_vol_ask_id", R, "null"),
    FIXED("avail_vol_dph", R, "null"),
    FIXED("avail_vol_size", R, "null"),
    FIXED("discount_rate", R, "0"),
    FIXED("discounted_hourly", R, "0"),
    DERIVED("discounted_dph_total", OFFER_NUMBER, R | D, 9, offer_total_nusd_per_hour),
    FIXED("time_remaining", R, "\"\""),
    FIXED("time_remaining_isbid", R, "\"\""),
    WRITTEN("search", R | I | D | B, write_search_costs),
    WRITTEN("instance", R | I | D, write_instance_costs),
};

#undef S
#undef R
#undef I
#undef D
#undef B
#undef G
#undef Z

size_t offer_field_count(void)
{
    return ARRAY_LENGTH(fields);
}

const struct offer_field *offer_field_at(size_t index)
{
    return &fields[index];
}

bool offer_field_is_stored(const struct offer_field *field)
{
    return field->kind != OFFER_JSON && field->derive == NULL && field->constant == NULL;
}

int64_t offer_field_number(const struct offer_field *field, const struct offer *offer, int64_t disk_mgb)
{
    if ((field->places & OFFER_OF_GPU) != 0 && offer->num_gpus == 0) {
        return OFFER_NULL;
    }
    if (field->derive != NULL) {
        return field->derive(offer, disk_mgb);
    }
    int64_t value;
    memcpy(&value, (const char *)offer + field->offset, sizeof value);
    return value;
}

int64_t offer_field_nano(const struct offer_field *field, const struct offer *offer, int64_t disk_mgb)
{
    enum { NANO_DIGITS = 9 };
    int64_t nano = offer_field_number(field, offer, disk_mgb);
    if (nano == OFFER_NULL) {
        return OFFER_NULL;
    }
    for (int digits = field->digits; digits < NANO_DIGITS; digits++) {
        if (__builtin_mul_overflow(nano, 10, &nano)) {
            return INT64_MAX;
        }
    }
    return nano;
}

static const char *shown_text(const struct offer_field *field, const struct offer *offer)
{
    const char *text = field->constant != NULL ? field->constant : (const char *)offer + field->offset;
    return *text == '\0' ? NULL : text;
}

const char *offer_field_text(const struct offer_field *field, const struct offer *offer)
{
    enum { COUNTRY_LETTERS = 2 };
    const char *text = shown_text(field, offer);
    if (text != NULL && field->offset == offsetof(struct offer, geolocation) && field->size > 0) {
        size_t length = strlen(text);
        return length > COUNTRY_LETTERS ? text + length - COUNTRY_LETTERS : text;
    }
    return text;
}

static void write_value(struct json_writer *writer, const struct offer_field *field, const struct offer *offer,
                        int64_t disk_mgb)
{
    int64_t number = 0;
    if (field->kind == OFFER_NUMBER || field->kind == OFFER_BOOLEAN) {
        number = offer_field_number(field, offer, disk_mgb);
        if (number == OFFER_NULL) {
            json_null(writer);
            return;
        }
    }
    switch (field->kind) {
    case OFFER_NUMBER:
        json_decimal(writer, number, field->digits);
        break;
    case OFFER_BOOLEAN:
        json_bool(writer, number != 0);
        break;
    case OFFER_TEXT:
        json_string(writer, shown_text(field, offer));
        break;
    case OFFER_JSON:
        if (field->write != NULL) {
            field->write(writer, offer, disk_mgb);
        } else {
            json_raw(writer, span_of(field->constant));
        }
        break;
    }
}

void offer_write_member(struct json_writer *writer, const struct offer_field *field, const struct offer *offer,
                        int64_t disk_mgb)
{
    json_key(writer, field->key);
    write_value(writer, field, offer, disk_mgb);
}

void offer_write_members(struct json_writer *writer, const struct offer *offer, int64_t disk_mgb, unsigned with,
                         unsigned without)
{
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        const struct offer_field *field = &fields[i];
        if ((field->places & with) == with && (field->places & without) == 0) {
            offer_write_member(writer, field, offer, disk_mgb);
        }
    }
}
