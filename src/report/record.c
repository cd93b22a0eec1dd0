#include "report/record.h"

#include <string.h>

#include "base/json_write.h"
#include "base/units.h"
#include "report/report_model.h"

enum { US_DIGITS = 6, NUSD_DIGITS = 9, CENTISECOND_US = 10000, MILLISECOND_US = 1000 };

static void member_seconds(struct json_writer *writer, const char *key, int64_t duration_us)
{
    json_member_decimal(writer, key, duration_us, US_DIGITS);
}

static void member_maybe(struct json_writer *writer, const char *key, struct maybe_int64 value, int digits)
{
    if (value.presence == PRESENT) {
        json_member_decimal(writer, key, value.value, digits);
    }
}

static void member_text(struct json_writer *writer, const char *key, const char *text)
{
    if (text[0] != '\0') {
        json_member_string(writer, key, text);
    }
}

/* Where the figures come from: a virtual world repeats what it was given, a fake cloud is none that anybody rented. */
static void write_trust(struct json_writer *writer, const struct report *report)
{
    char text[2 * REPORT_TEXT_SIZE];
    bool replayed = report->timing[0] != '\0' && strcmp(report->timing, "scenario") != 0;
    if (strcmp(report->world, "live") == 0) {
        (void)text_copy(text, sizeof text, "measured");
    } else if (replayed) {
        (void)text_format(text, sizeof text, "simulated: replay of %s", report->timing);
    } else if (report->scenario[0] != '\0') {
        (void)text_format(text, sizeof text, "simulated: scenario %s", report->scenario);
    } else {
        (void)text_copy(text, sizeof text, "simulated: a fake cloud");
    }
    json_member_string(writer, "trust", text);
}

static void write_head(struct json_writer *writer, const struct report *report)
{
    char text[2 * REPORT_TEXT_SIZE];
    json_member_int(writer, "schema_version", 1);
    json_member_string(writer, "kind", "run");
    (void)text_format(text, sizeof text, "%s of %s", report->journey[0] == '\0' ? "run" : report->journey,
                      report->offer.gpu_name[0] == '\0' ? "no machine" : report->offer.gpu_name);
    json_member_string(writer, "name", text);
    if (report->started_unix_us.presence == PRESENT) {
        struct buffer buffer;
        buffer_init_fixed(&buffer, text, sizeof text);
        int64_t unix_ns = scale_rounded(report->started_unix_us.value, NS_PER_US, 1);
        wall_time_append(&buffer, (struct wall_time){unix_ns}, US_DIGITS);
        json_member_string(writer, "recorded_at", text);
    }
    write_trust(writer, report);
    json_member_string(writer, "outcome", report->outcome);
}

static void write_offer(struct json_writer *writer, const struct report *report)
{
    const struct report_offer *offer = &report->offer;
    json_key(writer, "offer");
    json_begin_object(writer);
    member_maybe(writer, "offer_id", offer->id, 0);
    if (report->instance.known) {
        json_member_int(writer, "instance_id", report->instance.id);
    }
    member_text(writer, "gpu_name", offer->gpu_name);
    member_maybe(writer, "num_gpus", offer->num_gpus, 0);
    member_maybe(writer, "gpu_ram_mib", offer->gpu_ram_mib, 0);
    member_text(writer, "driver_version", offer->driver_version);
    member_maybe(writer, "price_usd_per_hour", offer->price_nusd_per_hour, NUSD_DIGITS);
    member_maybe(writer, "storage_usd_per_gb_month", offer->storage_nusd_per_gb_month, NUSD_DIGITS);
    member_text(writer, "region", offer->geolocation);
    member_maybe(writer, "reliability_percent", offer->reliability_millionths, 4);
    member_text(writer, "ssh_host", report->instance.ssh_host);
    member_maybe(writer, "ssh_port", report->instance.ssh_port, 0);
    json_end_object(writer);
}

static void write_request(struct json_writer *writer, const struct report_options *options)
{
    json_key(writer, "request");
    json_begin_object(writer);
    member_text(writer, "image", options->image.text);
    member_maybe(writer, "disk_gb", options->disk_gb, 0);
    json_member_string(writer, "runtype", "ssh");
    member_text(writer, "onstart", options->onstart.text);
    json_key(writer, "filters");
    json_begin_object(writer);
    member_text(writer, "gpu_name", options->gpu.text);
    member_maybe(writer, "num_gpus", options->num_gpus, 0);
    member_maybe(writer, "max_price_usd_per_hour", options->max_price_nusd_per_hour, NUSD_DIGITS);
    member_maybe(writer, "min_disk_gb", options->disk_gb, 0);
    member_maybe(writer, "min_reliability", options->min_reliability_millionths, 6);
    member_maybe(writer, "min_inet_down_mbps", options->min_inet_down_mbps, 0);
    member_maybe(writer, "limit", options->limit, 0);
    json_end_object(writer);
    json_end_object(writer);
}

static void write_method(struct json_writer *writer, const struct report *report)
{
    const struct report_options *options = &report->options;
    json_key(writer, "method");
    json_begin_object(writer);
    member_maybe(writer, "status_poll_sleep_s", options->status_poll_us, US_DIGITS);
    if (report->status_get_count > 0) {
        int64_t mean_ms = scale_rounded(report->status_get_total_us, 1, report->status_get_count * MILLISECOND_US);
        json_member_decimal(writer, "status_get_mean_s", mean_ms, 3);
    }
    member_maybe(writer, "ssh_retry_sleep_s", options->ssh_retry_us, US_DIGITS);
    member_maybe(writer, "ssh_attempt_timeout_s", options->ssh_attempt_us, US_DIGITS);
    json_member_string(writer, "ssh_mode",
                       bool_or(options->ssh_reuse, false) ? "one SSH connection for all commands"
                                                          : "a new SSH connection per command");
    member_maybe(writer, "running_wait_limit_s", options->running_limit_us, US_DIGITS);
    member_maybe(writer, "ssh_wait_limit_s", options->ssh_limit_us, US_DIGITS);
    json_end_object(writer);
}

struct wait_split {
    int64_t failed_us;
    int64_t failed_count;
    int64_t successful_us;
    int64_t successful_count;
};

static struct wait_split split_wait(const struct report *report, size_t phase)
{
    struct wait_split split = {0};
    for (size_t i = 0; i < report->session_count; i++) {
        const struct report_session *session = &report->sessions[i];
        if (session->phase != phase) {
            continue;
        }
        bool good = strcmp(session->outcome, "ok") == 0;
        int64_t *sum_us = good ? &split.successful_us : &split.failed_us;
        int64_t *count = good ? &split.successful_count : &split.failed_count;
        *sum_us = saturating_add(*sum_us, session->duration_us);
        *count += 1;
    }
    return split;
}

/*
 * How the wait for SSH divides: failed attempts and the sleeps behind them, each as the mean of one, and the attempt that
 * succeeded. A reader takes `successful_attempt_s` to say that at most one attempt failed before, so with more it is left out:
 * it is what remains.
 */
static void write_split(struct json_writer *writer, const struct report *report, size_t phase)
{
    struct wait_split split = split_wait(report, phase);
    if (split.failed_count + split.successful_count == 0) {
        return;
    }
    json_key(writer, "split");
    json_begin_object(writer);
    if (split.failed_count > 0) {
        int64_t attempts_us = saturating_add(split.failed_us, split.successful_us);
        int64_t sleeps_us = saturating_subtract(report->phases[phase].duration_us, attempts_us);
        json_member_int(writer, "failed_attempts", split.failed_count);
        member_seconds(writer, "failed_attempt_s", scale_rounded(split.failed_us, 1, split.failed_count));
        member_seconds(writer, "sleep_s", scale_rounded(sleeps_us, 1, split.failed_count));
    }
    if (split.successful_count > 0 && split.failed_count <= 1) {
        member_seconds(writer, "successful_attempt_s", split.successful_us);
    }
    json_end_object(writer);
}

static bool is_deadline(const char *outcome)
{
    static const enum error_code deadlines[] = {ERR_BOOT_DEADLINE, ERR_SSH_DEADLINE, ERR_DEADLINE};
    for (size_t i = 0; i < ARRAY_LENGTH(deadlines); i++) {
        if (strcmp(outcome, error_name(deadlines[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* A recording is the life of one machine: when the run tried several, that of the last. */
static bool is_recorded(const struct report *report, const struct report_phase *phase)
{
    return phase == report_phase(report, phase->name);
}

static void write_phases(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "phases");
    json_begin_array(writer);
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (phase->extra || !is_recorded(report, phase)) {
            continue;
        }
        json_begin_object(writer);
        json_member_string(writer, "name", phase->name);
        member_seconds(writer, "seconds", phase->duration_us);
        json_member_bool(writer, "measured", true);
        if (strcmp(phase->name, PHASE_WAIT_SSH) == 0) {
            write_split(writer, report, i);
        } else if (phase->ssh_commands > 0) {
            json_member_int(writer, "ssh_commands", phase->ssh_commands);
        }
        if (strcmp(phase->outcome, "ok") != 0) {
            json_member_string(writer, "outcome", phase->outcome);
        }
        if (is_deadline(phase->outcome)) {
            json_member_bool(writer, "hit_time_limit", true);
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

/* Halves go to the even neighbour, as in the recorded figures: 31.385 s is 31.38. */
static int64_t to_centiseconds(int64_t time_us)
{
    int64_t whole = time_us / CENTISECOND_US;
    int64_t rest_us = time_us % CENTISECOND_US;
    bool up = 2 * rest_us > CENTISECOND_US || (2 * rest_us == CENTISECOND_US && whole % 2 == 1);
    return up ? whole + 1 : whole;
}

static void write_statuses(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "status_timeline");
    json_begin_array(writer);
    for (size_t i = 0; i < report->poll_count; i++) {
        const struct report_poll *poll = &report->polls[i];
        if (poll->gone || !is_recorded(report, &report->phases[poll->phase])) {
            continue;
        }
        json_begin_object(writer);
        member_seconds(writer, "at_s", poll->at_us);
        json_member_decimal(writer, "reconstructed_at_s", to_centiseconds(poll->at_us), 2);
        json_member_string(writer, "actual_status", poll->is_null ? NULL : poll->actual_status);
        json_member_string(writer, "shown_as", poll->is_null ? "unknown" : poll->actual_status);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_totals(struct json_writer *writer, const struct report *report)
{
    int64_t sessions_us = 0;
    int64_t sessions = 0;
    for (size_t i = 0; i < report->session_count; i++) {
        bool good = strcmp(report->sessions[i].outcome, "ok") == 0;
        sessions += good ? 1 : 0;
        sessions_us = saturating_add(sessions_us, good ? report->sessions[i].duration_us : 0);
    }
    json_key(writer, "totals");
    json_begin_object(writer);
    member_seconds(writer, "total_s", report->total_us);
    member_seconds(writer, "unaccounted_s", report->unitemised_us);
    member_maybe(writer, "offers_found", report->offers_found, 0);
    if (sessions > 0 && !bool_or(report->options.ssh_reuse, false)) {
        json_member_decimal(writer, "seconds_per_ssh_command", scale_rounded(sessions_us, 1, sessions * CENTISECOND_US),
                            2);
    }
    json_member_decimal(writer, "cost_usd_recomputed", scale_rounded(report->recorded_rule_nusd, 1, 1000), 6);
    json_member_string(writer, "cost_basis", "whole time x hourly price");
    json_end_object(writer);
}

/* The recorded name of a fault: that of the recordings where they have one, else its id in their spelling. */
static void recorded_name(const char *id, char *out, size_t size)
{
    static const char *const names[][2] = {
        {"null-status", "null_actual_status"},
        {"missing-table", "missing_table_webhook_configs"},
    };
    (void)text_copy(out, size, id);
    for (char *at = out; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(id, names[i][0]) == 0) {
            (void)text_copy(out, size, names[i][1]);
        }
    }
}

static bool fault_was_seen(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        if (strcmp(report->faults[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void write_fault(struct json_writer *writer, const char *id, const char *effect, int64_t count)
{
    char name[REPORT_NAME_SIZE];
    recorded_name(id, name, sizeof name);
    json_begin_object(writer);
    json_member_string(writer, "name", name);
    json_member_string(writer, "effect", effect);
    json_member_int(writer, "count", count);
    json_end_object(writer);
}

static void write_faults(struct json_writer *writer, const struct report *report)
{
    int64_t nulls = 0;
    for (size_t i = 0; i < report->poll_count; i++) {
        nulls += report->polls[i].is_null ? 1 : 0;
    }
    json_key(writer, "faults");
    json_begin_array(writer);
    if (nulls > 0 && !fault_was_seen(report, "null-status")) {
        json_begin_object(writer);
        json_member_string(writer, "name", "null_actual_status");
        json_member_string(writer, "effect", "taken as not known yet, and polled again");
        json_member_int(writer, "polls_with_null", nulls);
        json_end_object(writer);
    }
    for (size_t i = 0; i < report->fault_count; i++) {
        write_fault(writer, report->faults[i].id, report->faults[i].text, report->faults[i].count);
    }
    json_end_array(writer);
}

static void write_recording(const struct report *report, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    write_head(&writer, report);
    write_offer(&writer, report);
    write_request(&writer, &report->options);
    write_method(&writer, report);
    write_phases(&writer, report);
    write_statuses(&writer, report);
    write_totals(&writer, report);
    write_faults(&writer, report);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static bool holds_a_phase(const struct report *report)
{
    for (size_t i = 0; i < report->phase_count; i++) {
        if (!report->phases[i].extra) {
            return true;
        }
    }
    return false;
}

enum error_code record_from_history(struct heap *heap, struct span history, struct buffer *out, struct error *error)
{
    struct report *report;
    enum error_code code = report_build(heap, history, &report, error);
    if (code != ERR_OK) {
        return code;
    }
    if (!holds_a_phase(report)) {
        code = error_set(error, ERR_INPUT_INVALID, "the history holds no phase of a run");
        error_advise(error, "give the history of a `dumont check`");
    } else {
        write_recording(report, out);
        if (out->failed) {
            code = error_set(error, ERR_NO_MEMORY, "the recording: %s", error_sentence(ERR_NO_MEMORY));
        }
    }
    report_release(heap, report);
    return code;
}
