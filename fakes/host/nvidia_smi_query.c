/* --query-gpu and --query-compute-apps: one table of fields, one line for each GPU. */
#include <string.h>

#include "fakes/host/calendar.h"
#include "fakes/host/nvidia_smi.h"

enum { QUERY_FIELDS_LIMIT = 128, STATUS_INVALID = 2 };

static const char not_available[] = "[N/A]";

/* What a field shows. Values that depend on nothing are given as a text in the row itself. */
enum field_value {
    VALUE_TEXT,
    VALUE_NAME,
    VALUE_INDEX,
    VALUE_UUID,
    VALUE_BUS_ID,
    VALUE_BUS,
    VALUE_DRIVER,
    VALUE_COUNT,
    VALUE_TIMESTAMP,
    VALUE_SERIAL,
    VALUE_COMPUTE_CAPABILITY,
    VALUE_MEMORY_TOTAL,
    VALUE_MEMORY_USED,
    VALUE_MEMORY_FREE,
    VALUE_UTILIZATION,
    VALUE_MEMORY_UTILIZATION,
    VALUE_TEMPERATURE,
    VALUE_MEMORY_TEMPERATURE,
    VALUE_FAN,
    VALUE_PSTATE,
    VALUE_POWER_DRAW,
    VALUE_POWER_LIMIT,
    VALUE_POWER_LEAST,
    VALUE_CLOCK,
    VALUE_CLOCK_MAX,
    VALUE_MEMORY_CLOCK,
    VALUE_MEMORY_CLOCK_MAX,
    VALUE_ECC_MODE,
    VALUE_ECC_COUNT,
};

struct field {
    const char *name;
    const char *title; /* NULL: the name */
    const char *unit;  /* NULL: none */
    enum field_value value;
    const char *text; /* of VALUE_TEXT */
};

static const struct field gpu_fields[] = {
    {"accounting.mode", NULL, NULL, VALUE_TEXT, "Disabled"},
    {"clocks.applications.graphics", NULL, "MHz", VALUE_TEXT, not_available},
    {"clocks.applications.memory", NULL, "MHz", VALUE_TEXT, not_available},
    {"clocks.current.graphics", NULL, "MHz", VALUE_CLOCK, NULL},
    {"clocks.current.memory", NULL, "MHz", VALUE_MEMORY_CLOCK, NULL},
    {"clocks.current.sm", NULL, "MHz", VALUE_CLOCK, NULL},
    {"clocks.current.video", NULL, "MHz", VALUE_CLOCK, NULL},
    {"clocks.gr", "clocks.current.graphics", "MHz", VALUE_CLOCK, NULL},
    {"clocks.max.gr", "clocks.max.graphics", "MHz", VALUE_CLOCK_MAX, NULL},
    {"clocks.max.graphics", NULL, "MHz", VALUE_CLOCK_MAX, NULL},
    {"clocks.max.mem", "clocks.max.memory", "MHz", VALUE_MEMORY_CLOCK_MAX, NULL},
    {"clocks.max.memory", NULL, "MHz", VALUE_MEMORY_CLOCK_MAX, NULL},
    {"clocks.max.sm", NULL, "MHz", VALUE_CLOCK_MAX, NULL},
    {"clocks.mem", "clocks.current.memory", "MHz", VALUE_MEMORY_CLOCK, NULL},
    {"clocks.sm", "clocks.current.sm", "MHz", VALUE_CLOCK, NULL},
    {"clocks.video", "clocks.current.video", "MHz", VALUE_CLOCK, NULL},
    {"clocks_event_reasons.active", NULL, NULL, VALUE_TEXT, "0x0000000000000001"},
    {"clocks_throttle_reasons.active", NULL, NULL, VALUE_TEXT, "0x0000000000000001"},
    {"compute_cap", NULL, NULL, VALUE_COMPUTE_CAPABILITY, NULL},
    {"compute_mode", NULL, NULL, VALUE_TEXT, "Default"},
    {"count", NULL, NULL, VALUE_COUNT, NULL},
    {"display_active", NULL, NULL, VALUE_TEXT, "Disabled"},
    {"display_mode", NULL, NULL, VALUE_TEXT, "Disabled"},
    {"driver_version", NULL, NULL, VALUE_DRIVER, NULL},
    {"ecc.errors.corrected.aggregate.total", NULL, NULL, VALUE_ECC_COUNT, NULL},
    {"ecc.errors.corrected.volatile.total", NULL, NULL, VALUE_ECC_COUNT, NULL},
    {"ecc.errors.uncorrected.aggregate.total", NULL, NULL, VALUE_ECC_COUNT, NULL},
    {"ecc.errors.uncorrected.volatile.total", NULL, NULL, VALUE_ECC_COUNT, NULL},
    {"ecc.mode.current", NULL, NULL, VALUE_ECC_MODE, NULL},
    {"ecc.mode.pending", NULL, NULL, VALUE_ECC_MODE, NULL},
    {"encoder.stats.sessionCount", NULL, NULL, VALUE_TEXT, "0"},
    {"enforced.power.limit", NULL, "W", VALUE_POWER_LIMIT, NULL},
    {"fan.speed", NULL, "%", VALUE_FAN, NULL},
    {"gpu_bus_id", "pci.bus_id", NULL, VALUE_BUS_ID, NULL},
    {"gpu_name", "name", NULL, VALUE_NAME, NULL},
    {"gpu_serial", "serial", NULL, VALUE_SERIAL, NULL},
    {"gpu_uuid", "uuid", NULL, VALUE_UUID, NULL},
    {"index", NULL, NULL, VALUE_INDEX, NULL},
    {"memory.free", NULL, "MiB", VALUE_MEMORY_FREE, NULL},
    {"memory.reserved", NULL, "MiB", VALUE_TEXT, "455"},
    {"memory.total", NULL, "MiB", VALUE_MEMORY_TOTAL, NULL},
    {"memory.used", NULL, "MiB", VALUE_MEMORY_USED, NULL},
    {"mig.mode.current", NULL, NULL, VALUE_TEXT, not_available},
    {"mig.mode.pending", NULL, NULL, VALUE_TEXT, not_available},
    {"name", NULL, NULL, VALUE_NAME, NULL},
    {"pci.bus", NULL, NULL, VALUE_BUS, NULL},
    {"pci.bus_id", NULL, NULL, VALUE_BUS_ID, NULL},
    {"pci.device", NULL, NULL, VALUE_TEXT, "0x00"},
    {"pci.domain", NULL, NULL, VALUE_TEXT, "0x0000"},
    {"pcie.link.gen.current", NULL, NULL, VALUE_TEXT, "4"},
    {"pcie.link.gen.max", NULL, NULL, VALUE_TEXT, "4"},
    {"pcie.link.width.current", NULL, NULL, VALUE_TEXT, "16"},
    {"pcie.link.width.max", NULL, NULL, VALUE_TEXT, "16"},
    {"persistence_mode", NULL, NULL, VALUE_TEXT, "Enabled"},
    {"power.default_limit", NULL, "W", VALUE_POWER_LIMIT, NULL},
    {"power.draw", NULL, "W", VALUE_POWER_DRAW, NULL},
    {"power.draw.average", NULL, "W", VALUE_POWER_DRAW, NULL},
    {"power.draw.instant", NULL, "W", VALUE_POWER_DRAW, NULL},
    {"power.limit", NULL, "W", VALUE_POWER_LIMIT, NULL},
    {"power.management", NULL, NULL, VALUE_TEXT, "Enabled"},
    {"power.max_limit", NULL, "W", VALUE_POWER_LIMIT, NULL},
    {"power.min_limit", NULL, "W", VALUE_POWER_LEAST, NULL},
    {"pstate", NULL, NULL, VALUE_PSTATE, NULL},
    {"retired_pages.pending", NULL, NULL, VALUE_TEXT, not_available},
    {"serial", NULL, NULL, VALUE_SERIAL, NULL},
    {"temperature.gpu", NULL, NULL, VALUE_TEMPERATURE, NULL},
    {"temperature.memory", NULL, NULL, VALUE_MEMORY_TEMPERATURE, NULL},
    {"timestamp", NULL, NULL, VALUE_TIMESTAMP, NULL},
    {"utilization.decoder", NULL, "%", VALUE_TEXT, "0"},
    {"utilization.encoder", NULL, "%", VALUE_TEXT, "0"},
    {"utilization.gpu", NULL, "%", VALUE_UTILIZATION, NULL},
    {"utilization.memory", NULL, "%", VALUE_MEMORY_UTILIZATION, NULL},
    {"uuid", NULL, NULL, VALUE_UUID, NULL},
    {"vbios_version", NULL, NULL, VALUE_TEXT, "95.02.3C.40.B8"},
};

static const struct field process_fields[] = {
    {"gpu_bus_id", NULL, NULL, VALUE_TEXT, NULL},       {"gpu_name", NULL, NULL, VALUE_TEXT, NULL},
    {"gpu_serial", NULL, NULL, VALUE_TEXT, NULL},       {"gpu_uuid", NULL, NULL, VALUE_TEXT, NULL},
    {"name", "process_name", NULL, VALUE_TEXT, NULL},   {"pid", NULL, NULL, VALUE_TEXT, NULL},
    {"process_name", NULL, NULL, VALUE_TEXT, NULL},     {"timestamp", NULL, NULL, VALUE_TEXT, NULL},
    {"used_gpu_memory", NULL, "MiB", VALUE_TEXT, NULL}, {"used_memory", "used_gpu_memory", "MiB", VALUE_TEXT, NULL},
};

/* ---- values ---- */

static void append_watts(struct buffer *out, int64_t milliwatts)
{
    decimal_append_rounded(out, milliwatts, 3, 2);
}

/* Between a fifteenth of the highest clock when idle and the highest when busy. */
static int32_t current_clock(const struct host_gpu_load *load, int32_t highest)
{
    return load->utilization_percent > 0 ? highest - highest / 8 : highest / 15;
}

static void append_known(struct call *call, enum field_value value, int32_t index, struct buffer *out)
{
    const struct host *host = call->host;
    char text[GPU_TEXT_SIZE] = "";
    switch (value) {
    case VALUE_NAME:
        gpu_name(host, text);
        break;
    case VALUE_UUID:
        gpu_uuid(host, index, text);
        break;
    case VALUE_BUS_ID:
        gpu_bus_id(host, index, text);
        break;
    case VALUE_BUS:
        gpu_bus_id(host, index, text);
        buffer_printf(out, "0x%.2s", text + 9);
        return;
    case VALUE_DRIVER:
        (void)text_copy(text, sizeof text, host->facts.driver_version);
        break;
    case VALUE_TIMESTAMP:
        calendar_append(out, call->run->now, "%Y/%m/%d %H:%M:%S.%3N");
        return;
    case VALUE_COMPUTE_CAPABILITY:
        (void)text_format(text, sizeof text, "%d.%d", host->gpu_model->compute_capability / 10,
                          host->gpu_model->compute_capability % 10);
        break;
    case VALUE_PSTATE:
        (void)text_format(text, sizeof text, "P%d", host->gpu_load.performance_state);
        break;
    case VALUE_SERIAL:
        (void)text_copy(text, sizeof text, not_available);
        if (host->gpu_model->has_ecc) {
            (void)text_format(text, sizeof text, "%lld",
                              1320000000000LL + (long long)(host_random_bits(host, 8) % 9999999));
        }
        break;
    default:
        (void)text_copy(text, sizeof text, host->gpu_model->has_ecc ? "Enabled" : not_available);
    }
    buffer_append_text(out, text);
}

/* Values that are whole numbers; false: the value is of another kind or not available. */
static bool whole_number(struct call *call, enum field_value value, int32_t index, int64_t *out)
{
    const struct host *host = call->host;
    const struct host_gpu_load *load = &host->gpu_load;
    const struct gpu_model *model = host->gpu_model;
    switch (value) {
    case VALUE_INDEX:
        *out = index;
        return true;
    case VALUE_COUNT:
        *out = host->facts.num_gpus;
        return true;
    case VALUE_MEMORY_TOTAL:
        *out = gpu_memory_total_mib(host);
        return true;
    case VALUE_MEMORY_USED:
        *out = load->memory_used_mib;
        return true;
    case VALUE_MEMORY_FREE:
        *out = saturating_subtract(gpu_memory_total_mib(host), load->memory_used_mib);
        return true;
    case VALUE_UTILIZATION:
        *out = load->utilization_percent;
        return true;
    case VALUE_MEMORY_UTILIZATION:
        *out = load->memory_utilization_percent;
        return true;
    case VALUE_TEMPERATURE:
        *out = load->temperature_c;
        return true;
    case VALUE_CLOCK:
        *out = current_clock(load, model->graphics_clock_max_mhz);
        return true;
    case VALUE_CLOCK_MAX:
        *out = model->graphics_clock_max_mhz;
        return true;
    case VALUE_MEMORY_CLOCK:
        *out = current_clock(load, model->memory_clock_max_mhz);
        return true;
    case VALUE_MEMORY_CLOCK_MAX:
        *out = model->memory_clock_max_mhz;
        return true;
    case VALUE_FAN:
        *out = load->fan_percent;
        return model->has_fan;
    case VALUE_ECC_COUNT:
        *out = 0;
        return model->has_ecc;
    case VALUE_MEMORY_TEMPERATURE:
        *out = (int64_t)load->temperature_c + 6;
        return model->has_ecc;
    default:
        return false;
    }
}

/* What the GPU does, other than what it is: a lost one may not tell it. */
static bool is_live(enum field_value value)
{
    switch (value) {
    case VALUE_MEMORY_USED:
    case VALUE_MEMORY_FREE:
    case VALUE_UTILIZATION:
    case VALUE_MEMORY_UTILIZATION:
    case VALUE_TEMPERATURE:
    case VALUE_FAN:
    case VALUE_PSTATE:
    case VALUE_POWER_DRAW:
    case VALUE_CLOCK:
    case VALUE_MEMORY_CLOCK:
        return true;
    default:
        return false;
    }
}

/* Appends a field's value without its unit; false when it is not available, so that no unit follows. */
static bool append_value(struct call *call, const struct field *field, int32_t index)
{
    struct buffer *out = call->out;
    int64_t limit_mw = (int64_t)call->host->gpu_model->power_limit_w * 1000;
    int64_t number;
    if (call->host->gpu_state == HOST_GPU_UNKNOWN && is_live(field->value)) {
        buffer_append_text(out, not_available);
        return false;
    }
    if (whole_number(call, field->value, index, &number)) {
        buffer_printf(out, "%lld", (long long)number);
        return true;
    }
    switch (field->value) {
    case VALUE_TEXT:
        buffer_append_text(out, field->text);
        return field->text != not_available;
    case VALUE_POWER_DRAW:
        append_watts(out, call->host->gpu_load.power_draw_mw);
        return true;
    case VALUE_POWER_LIMIT:
        append_watts(out, limit_mw);
        return true;
    case VALUE_POWER_LEAST:
        append_watts(out, limit_mw / 3);
        return true;
    case VALUE_FAN:
    case VALUE_ECC_COUNT:
    case VALUE_MEMORY_TEMPERATURE:
        buffer_append_text(out, not_available);
        return false;
    default:
        append_known(call, field->value, index, out);
        return true;
    }
}

/* ---- lists ---- */

struct field_list {
    const struct field *fields[QUERY_FIELDS_LIMIT];
    int32_t count;
};

static const struct field *find_field(const struct field *table, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equals(name, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

/* Reads "name,memory.total"; blanks around names are allowed. Says which field is wrong. */
static bool parse_fields(struct call *call, const char *text, const struct field *table, size_t count,
                         struct field_list *list)
{
    list->count = 0;
    do {
        struct span name = {text, strcspn(text, ",")};
        text += name.length;
        while (name.length > 0 && name.at[0] == ' ') {
            name.at++;
            name.length--;
        }
        while (name.length > 0 && name.at[name.length - 1] == ' ') {
            name.length--;
        }
        const struct field *field = find_field(table, count, name);
        if (field == NULL || list->count == QUERY_FIELDS_LIMIT) {
            buffer_printf(call->out, "Field \"%.*s\" is not a valid field to query.\n\n", (int)name.length, name.at);
            return false;
        }
        list->fields[list->count++] = field;
    } while (*text++ == ',');
    return true;
}

static void append_header(struct call *call, const struct field_list *list, struct csv_format format)
{
    for (int32_t i = 0; format.header && i < list->count; i++) {
        const struct field *field = list->fields[i];
        buffer_printf(call->out, "%s%s", i > 0 ? ", " : "", field->title == NULL ? field->name : field->title);
        if (field->unit != NULL) {
            buffer_printf(call->out, " [%s]", field->unit);
        }
    }
    buffer_append_text(call->out, format.header ? "\n" : "");
}

int query_gpus(struct call *call, const char *list, struct csv_format format, const char *chosen)
{
    struct field_list fields;
    if (!parse_fields(call, list, gpu_fields, ARRAY_LENGTH(gpu_fields), &fields)) {
        return STATUS_INVALID;
    }
    append_header(call, &fields, format);
    for (int32_t gpu = 0; gpu < call->host->facts.num_gpus; gpu++) {
        if (!gpu_is_chosen(call->host, gpu, chosen)) {
            continue;
        }
        for (int32_t i = 0; i < fields.count; i++) {
            const struct field *field = fields.fields[i];
            buffer_append_text(call->out, i > 0 ? ", " : "");
            if (append_value(call, field, gpu) && field->unit != NULL && format.units) {
                buffer_printf(call->out, " %s", field->unit);
            }
        }
        buffer_append_char(call->out, '\n');
    }
    return 0;
}

int query_processes(struct call *call, const char *list, struct csv_format format)
{
    struct field_list fields;
    if (!parse_fields(call, list, process_fields, ARRAY_LENGTH(process_fields), &fields)) {
        return STATUS_INVALID;
    }
    append_header(call, &fields, format);
    return 0;
}
