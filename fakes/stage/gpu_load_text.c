#include "fakes/stage/gpu_load_text.h"

enum { SECOND_DIGITS = 9, MILLI_DIGITS = 3, TRACE_COLUMNS = 4, BUSY_STATE = 2 };

static const int64_t most_seconds_ns = INT64_C(31536000) * 1000000000;

struct load_fields {
    struct maybe_int64 at_ns, utilization_percent, memory_used_mib, temperature_c, power_mw;
};

#define LOAD_FIELDS(type, prefix)                                                                                      \
    JSON_INT64(type, prefix utilization_percent, "utilization_percent"),                                               \
        JSON_INT64(type, prefix memory_used_mib, "memory_used_mib"),                                                   \
        JSON_INT64(type, prefix temperature_c, "temperature_c"),                                                       \
        JSON_DECIMAL(type, prefix power_mw, "power_w", MILLI_DIGITS)

/* False, with a mistake: a value that no GPU shows. */
static bool take_load(struct json_reader *reader, const struct load_fields *given, struct host_gpu_load *out)
{
    int64_t utilization = int64_or(given->utilization_percent, 0);
    int64_t memory = int64_or(given->memory_used_mib, 0);
    int64_t temperature = int64_or(given->temperature_c, 0);
    int64_t power = int64_or(given->power_mw, 0);
    bool good = utilization >= 0 && utilization <= 100 && memory >= 0 && memory <= 10000000 && temperature >= -50 &&
                temperature <= 200 && power >= 0 && power <= 10000000;
    if (!good) {
        json_reject(reader,
                    "expected utilization_percent from 0 to 100, memory_used_mib, temperature_c and power_w of a GPU");
        return false;
    }
    *out = (struct host_gpu_load){
        .utilization_percent = (int32_t)utilization,
        .memory_utilization_percent = (int32_t)(utilization / 2),
        .memory_used_mib = memory,
        .temperature_c = (int32_t)temperature,
        .power_draw_mw = power,
        .fan_percent = (int32_t)(30 + utilization / 5),
        .performance_state = utilization > 0 ? BUSY_STATE : 8,
    };
    return true;
}

/* The next step, which begins at `after_ns`; false when there are too many, or it is not later than the one before. */
static bool add_step(struct json_reader *reader, struct gpu_load_plan *plan, int64_t after_ns,
                     const struct load_fields *given)
{
    bool later = plan->count == 0 || after_ns > plan->steps[plan->count - 1].after_ns;
    if (plan->count == GPU_LOAD_STEPS_MAX || after_ns < 0 || after_ns > most_seconds_ns || !later) {
        json_reject(reader, "expected at most 1024 steps, each later than the one before and within a year");
        return false;
    }
    plan->steps[plan->count].after_ns = after_ns;
    return take_load(reader, given, &plan->steps[plan->count].load) && ++plan->count > 0;
}

static void read_steps(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_DECIMAL(struct load_fields, at_ns, "at_s", SECOND_DIGITS),
        LOAD_FIELDS(struct load_fields, ),
    };
    struct gpu_load_plan *plan = member;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected an array of steps");
        return;
    }
    while (json_next_element(reader)) {
        struct load_fields given = {.at_ns = {ABSENT, 0}};
        if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), &given, JSON_STRICT) ||
            !add_step(reader, plan, int64_or(given.at_ns, 0), &given)) {
            return;
        }
    }
}

/* [utilization, memory, temperature, power], as many as are there. */
static bool read_row(struct json_reader *reader, struct load_fields *out)
{
    struct maybe_int64 *const columns[TRACE_COLUMNS] = {&out->utilization_percent, &out->memory_used_mib,
                                                        &out->temperature_c, &out->power_mw};
    size_t column = 0;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected [utilization, memory, temperature, power]");
        return false;
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        int digits = column == TRACE_COLUMNS - 1 ? MILLI_DIGITS : 0;
        if (!json_read_raw(reader, &kind, &raw)) {
            return false;
        }
        if (column == TRACE_COLUMNS || kind != JSON_NUMBER || !decimal_parse(raw, digits, &columns[column]->value)) {
            json_reject(reader, "expected [utilization, memory, temperature, power]");
            return false;
        }
        columns[column++]->presence = PRESENT;
    }
    return reader->mistake == NULL;
}

/* Places in the trace stand for times until its period is known. */
static void read_trace(struct json_reader *reader, void *member)
{
    struct gpu_load_plan *plan = member;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected an array of samples");
        return;
    }
    while (json_next_element(reader)) {
        struct load_fields given = {.at_ns = {ABSENT, 0}};
        if (!read_row(reader, &given) || !add_step(reader, plan, (int64_t)plan->count, &given)) {
            return;
        }
    }
}

struct plan_fields {
    struct load_fields load;
    struct maybe_int64 machine, repeat_ns, period_ns;
    struct gpu_load_plan steps, trace;
};

/* Which of the three forms it is, and its times. */
static void take_plan(struct json_reader *reader, const struct plan_fields *given, struct gpu_load_plan *out)
{
    struct load_fields constant = given->load;
    int64_t period_ns = int64_or(given->period_ns, NS_PER_S);
    int64_t repeat_ns = int64_or(given->repeat_ns, 0);
    bool both = given->steps.count > 0 && given->trace.count > 0;
    if (both || period_ns < NS_PER_MS || period_ns > most_seconds_ns / GPU_LOAD_STEPS_MAX || repeat_ns < 0 ||
        repeat_ns > most_seconds_ns) {
        json_reject(reader, "expected steps or a trace, with a period_s from 0.001 and a repeat_s from 0");
        return;
    }
    *out = given->steps;
    if (given->trace.count > 0) {
        *out = given->trace;
        for (size_t i = 0; i < out->count; i++) {
            out->steps[i].after_ns *= period_ns;
        }
    }
    out->machine = int64_or(given->machine, -1);
    out->repeat_ns = repeat_ns;
    if (out->count == 0) {
        (void)!add_step(reader, out, 0, &constant);
    }
}

void gpu_load_read(struct json_reader *reader, void *plan)
{
    static const struct json_field fields[] = {
        LOAD_FIELDS(struct plan_fields, load.),
        JSON_INT64(struct plan_fields, machine, "machine"),
        JSON_DECIMAL(struct plan_fields, repeat_ns, "repeat_s", SECOND_DIGITS),
        JSON_DECIMAL(struct plan_fields, period_ns, "period_s", SECOND_DIGITS),
        JSON_CUSTOM(struct plan_fields, steps, "steps", read_steps),
        JSON_CUSTOM(struct plan_fields, trace, "trace", read_trace),
    };
    struct plan_fields given = {.machine = {ABSENT, 0}};
    if (json_decode_object(reader, fields, ARRAY_LENGTH(fields), &given, JSON_STRICT)) {
        take_plan(reader, &given, plan);
    }
}
