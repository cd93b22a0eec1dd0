#include "report/facts.h"

#include <string.h>

static void read_number_text(struct json_reader *reader, void *member)
{
    struct report_number *number = member;
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    number->presence = kind == JSON_NULL ? IS_NULL : WRONG_TYPE;
    if (kind == JSON_NUMBER && raw.length < sizeof number->text) {
        memcpy(number->text, raw.at, raw.length);
        number->text[raw.length] = '\0';
        number->presence = PRESENT;
    }
}

static const struct json_field OPTION_FIELDS[] = {
    JSON_TEXT(struct report_options, gpu, "gpu"),
    JSON_TEXT(struct report_options, image, "image"),
    JSON_TEXT(struct report_options, onstart, "onstart"),
    JSON_INT64(struct report_options, num_gpus, "num_gpus"),
    JSON_INT64(struct report_options, max_price_nusd_per_hour, "max_price_nusd_per_hour"),
    JSON_INT64(struct report_options, min_reliability_millionths, "min_reliability_millionths"),
    JSON_INT64(struct report_options, min_inet_down_mbps, "min_inet_down_mbps"),
    JSON_INT64(struct report_options, disk_gb, "disk_gb"),
    JSON_INT64(struct report_options, limit, "limit"),
    JSON_INT64(struct report_options, status_poll_us, "status_poll_us"),
    JSON_INT64(struct report_options, ssh_retry_us, "ssh_retry_us"),
    JSON_INT64(struct report_options, ssh_attempt_us, "ssh_attempt_us"),
    JSON_INT64(struct report_options, running_limit_us, "running_limit_us"),
    JSON_INT64(struct report_options, ssh_limit_us, "ssh_limit_us"),
    JSON_BOOLEAN(struct report_options, ssh_reuse, "ssh_reuse"),
};

static void read_options(struct json_reader *reader, void *member)
{
    struct fact_options *options = member;
    if (json_decode_object(reader, OPTION_FIELDS, ARRAY_LENGTH(OPTION_FIELDS), &options->value, JSON_TOLERANT)) {
        options->presence = PRESENT;
    }
}

static const struct json_field TIMING_FROM_FIELDS[] = {
    JSON_TEXT(struct fact_timing_from, boot, "boot"),
    JSON_TEXT(struct fact_timing_from, ssh, "ssh"),
};

static void read_timing_from(struct json_reader *reader, void *member)
{
    (void)json_decode_object(reader, TIMING_FROM_FIELDS, ARRAY_LENGTH(TIMING_FROM_FIELDS), member, JSON_TOLERANT);
}

struct error_members {
    MAYBE_TEXT(REPORT_NAME_SIZE) code, retry_class;
    MAYBE_TEXT(REPORT_SENTENCE_SIZE) message, next_step;
};

static const struct json_field ERROR_FIELDS[] = {
    JSON_TEXT(struct error_members, code, "code"),
    JSON_TEXT(struct error_members, retry_class, "retry_class"),
    JSON_TEXT(struct error_members, message, "message"),
    JSON_TEXT(struct error_members, next_step, "next_step"),
};

static void read_error(struct json_reader *reader, void *member)
{
    struct fact_error *error = member;
    struct error_members members = {0};
    enum json_kind due = json_peek(reader);
    enum json_kind kind;
    struct span raw;
    if (due == JSON_STRING && json_read_raw(reader, &kind, &raw)) {
        (void)json_string_copy(raw, error->code, sizeof error->code);
        error->presence = PRESENT;
        return;
    }
    if (due != JSON_OBJECT) {
        json_skip(reader);
        error->presence = due == JSON_NULL ? IS_NULL : WRONG_TYPE;
        return;
    }
    if (json_decode_object(reader, ERROR_FIELDS, ARRAY_LENGTH(ERROR_FIELDS), &members, JSON_TOLERANT)) {
        error->presence = PRESENT;
        error->is_object = true;
        clean_copy(error->code, sizeof error->code, members.code.text);
        clean_copy(error->retry_class, sizeof error->retry_class, members.retry_class.text);
        clean_copy(error->message, sizeof error->message, members.message.text);
        clean_copy(error->next_step, sizeof error->next_step, members.next_step.text);
    }
}

struct left_members {
    struct maybe_int64 id, price_nusd_per_hour;
    MAYBE_TEXT(REPORT_TEXT_SIZE) label, command;
};

static const struct json_field LEFT_FIELDS[] = {
    JSON_INT64(struct left_members, id, "id"),
    JSON_INT64(struct left_members, price_nusd_per_hour, "price_nusd_per_hour"),
    JSON_TEXT(struct left_members, label, "label"),
    JSON_TEXT(struct left_members, command, "command"),
};

static void read_left(struct json_reader *reader, void *member)
{
    struct fact_left *left = member;
    if (!json_enter_array(reader)) {
        json_skip(reader);
        left->presence = WRONG_TYPE;
        return;
    }
    left->presence = PRESENT;
    while (json_next_element(reader)) {
        struct left_members members = {0};
        if (!json_decode_object(reader, LEFT_FIELDS, ARRAY_LENGTH(LEFT_FIELDS), &members, JSON_TOLERANT)) {
            continue;
        }
        if (left->count == REPORT_LEFT_MAX) {
            left->lost++;
            continue;
        }
        struct report_left *row = &left->rows[left->count++];
        row->id = int64_or(members.id, 0);
        row->id_known = row->id != 0;
        row->price_nusd_per_hour = int64_or(members.price_nusd_per_hour, 0);
        clean_copy(row->label, sizeof row->label, members.label.text);
        clean_copy(row->command, sizeof row->command, members.command.text);
    }
}

static const struct json_field FACT_FIELDS[] = {
    JSON_INT64(struct facts, req, "req"),
    JSON_INT64(struct facts, offer, "offer"),
    JSON_INT64(struct facts, machine, "machine"),
    JSON_INT64(struct facts, instance, "instance"),
    JSON_INT64(struct facts, ssh, "ssh"),
    JSON_TEXT(struct facts, journey, "journey"),
    JSON_TEXT(struct facts, version, "version"),
    JSON_TEXT(struct facts, world, "world"),
    JSON_TEXT(struct facts, scenario, "scenario"),
    JSON_TEXT(struct facts, timing, "timing"),
    JSON_CUSTOM(struct facts, timing_from, "timing_from", read_timing_from),
    JSON_CUSTOM(struct facts, seed, "seed", read_number_text),
    JSON_CUSTOM(struct facts, speed, "speed", read_number_text),
    JSON_INT64(struct facts, started_unix_us, "started_unix_us"),
    JSON_CUSTOM(struct facts, options, "options", read_options),
    JSON_TEXT(struct facts, name, "name"),
    JSON_TEXT(struct facts, outcome, "outcome"),
    JSON_TEXT(struct facts, method, "method"),
    JSON_TEXT(struct facts, path, "path"),
    JSON_BOOLEAN(struct facts, extra, "extra"),
    JSON_INT64(struct facts, status, "status"),
    JSON_CUSTOM(struct facts, error, "error", read_error),
    JSON_INT64(struct facts, found, "found"),
    JSON_INT64(struct facts, fitting, "fitting"),
    JSON_INT64(struct facts, num_gpus, "num_gpus"),
    JSON_INT64(struct facts, gpu_ram_mib, "gpu_ram_mib"),
    JSON_INT64(struct facts, price_nusd_per_hour, "price_nusd_per_hour"),
    JSON_INT64(struct facts, storage_nusd_per_gb_month, "storage_nusd_per_gb_month"),
    JSON_INT64(struct facts, reliability_millionths, "reliability_millionths"),
    JSON_INT64(struct facts, longest_us, "longest_us"),
    JSON_INT64(struct facts, worst_nusd, "worst_nusd"),
    JSON_INT64(struct facts, budget_nusd, "budget_nusd"),
    JSON_TEXT(struct facts, gpu_name, "gpu_name"),
    JSON_TEXT(struct facts, geolocation, "geolocation"),
    JSON_TEXT(struct facts, driver_version, "driver_version"),
    JSON_TEXT(struct facts, label, "label"),
    JSON_BOOLEAN(struct facts, gone, "gone"),
    JSON_TEXT(struct facts, actual_status, "actual_status"),
    JSON_TEXT(struct facts, ssh_host, "ssh_host"),
    JSON_INT64(struct facts, ssh_port, "ssh_port"),
    JSON_INT64(struct facts, uptime_us, "uptime_us"),
    JSON_INT64(struct facts, memory_total_mib, "memory_total_mib"),
    JSON_BOOLEAN(struct facts, passed, "passed"),
    JSON_BOOLEAN(struct facts, waited, "waited"),
    JSON_INT64(struct facts, credit_nusd, "credit_nusd"),
    JSON_TEXT(struct facts, fault, "fault"),
    JSON_TEXT(struct facts, sqlstate, "sqlstate"),
    JSON_TEXT(struct facts, level, "level"),
    JSON_TEXT(struct facts, text, "text"),
    JSON_TEXT(struct facts, what, "what"),
    JSON_TEXT(struct facts, why, "why"),
    JSON_INT64(struct facts, exit_status, "exit_status"),
    JSON_INT64(struct facts, event_index, "event_index"),
    JSON_INT64(struct facts, events_emitted, "events_emitted"),
    JSON_INT64(struct facts, events_undelivered, "events_undelivered"),
    JSON_INT64(struct facts, events_spooled, "events_spooled"),
    JSON_CUSTOM(struct facts, machines_left, "machines_left", read_left),
};

void facts_read(const struct history_event *event, struct facts *facts)
{
    memset(facts, 0, sizeof *facts);
    const struct span objects[] = {event->ids, event->data};
    for (size_t i = 0; i < ARRAY_LENGTH(objects); i++) {
        struct json_reader reader;
        json_reader_init(&reader, objects[i].at, objects[i].length);
        /* The cursor has checked the whole line already. */
        (void)json_decode_object(&reader, FACT_FIELDS, ARRAY_LENGTH(FACT_FIELDS), facts, JSON_TOLERANT);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(FACT_FIELDS); i++) {
        if (FACT_FIELDS[i].kind == FIELD_TEXT) {
            char *text = (char *)facts + FACT_FIELDS[i].offset + sizeof(enum presence);
            clean_copy(text, FACT_FIELDS[i].size, text);
        }
    }
    clean_copy(facts->error.code, sizeof facts->error.code, facts->error.code);
    struct report_options *options = &facts->options.value;
    clean_copy(options->gpu.text, sizeof options->gpu.text, options->gpu.text);
    clean_copy(options->image.text, sizeof options->image.text, options->image.text);
    clean_copy(options->onstart.text, sizeof options->onstart.text, options->onstart.text);
}
