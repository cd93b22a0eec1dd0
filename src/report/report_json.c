#include <string.h>

#include "base/json_write.h"
#include "base/units.h"
#include "report/report.h"

enum { US_DIGITS = 6, NUSD_DIGITS = 9, MILLIONTHS_DIGITS = 6 };

static void member_seconds(struct json_writer *writer, const char *key, int64_t duration_us)
{
    json_member_decimal(writer, key, duration_us, US_DIGITS);
}

static void member_usd(struct json_writer *writer, const char *key, int64_t nusd)
{
    json_member_decimal(writer, key, nusd, NUSD_DIGITS);
}

/* "" is what the model has for an unknown text; null is what a reader of JSON expects. */
static void member_text(struct json_writer *writer, const char *key, const char *text)
{
    json_member_string(writer, key, text[0] == '\0' ? NULL : text);
}

static void member_maybe(struct json_writer *writer, const char *key, struct maybe_int64 value, int digits)
{
    if (value.presence == PRESENT) {
        json_member_decimal(writer, key, value.value, digits);
    } else {
        json_member_null(writer, key);
    }
}

static void member_number(struct json_writer *writer, const char *key, const struct report_number *number)
{
    json_key(writer, key);
    json_raw(writer, span_of(number->presence == PRESENT ? number->text : "null"));
}

static void write_error(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "error");
    if (!report->error.known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_string(writer, "code", report->error.code);
    json_member_string(writer, "retry_class", report->error.retry_class);
    json_member_string(writer, "message", report->error.message);
    json_member_string(writer, "next_step", report->error.next_step);
    json_end_object(writer);
}

static void write_head(struct json_writer *writer, const struct report *report)
{
    json_member_int(writer, "schema_version", 1);
    json_member_string(writer, "outcome", report->outcome);
    write_error(writer, report);
    if (report->exit_status >= 0) {
        json_member_int(writer, "exit_status", report->exit_status);
    } else {
        json_member_null(writer, "exit_status");
    }
    member_text(writer, "journey", report->journey);
    member_text(writer, "version", report->version);
    member_text(writer, "world", report->world);
    member_number(writer, "seed", &report->seed);
    member_text(writer, "scenario", report->scenario);
    member_text(writer, "timing", report->timing);
    member_number(writer, "speed", &report->speed);
}

static void write_offer(struct json_writer *writer, const struct report *report)
{
    const struct report_offer *offer = &report->offer;
    member_maybe(writer, "offers_found", report->offers_found, 0);
    member_maybe(writer, "offers_fitting", report->offers_fitting, 0);
    json_key(writer, "offer");
    if (!offer->known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    member_maybe(writer, "id", offer->id, 0);
    member_maybe(writer, "machine_id", offer->machine_id, 0);
    member_text(writer, "gpu_name", offer->gpu_name);
    member_maybe(writer, "num_gpus", offer->num_gpus, 0);
    member_maybe(writer, "gpu_ram_mib", offer->gpu_ram_mib, 0);
    member_maybe(writer, "price_usd_per_hour", offer->price_nusd_per_hour, NUSD_DIGITS);
    member_maybe(writer, "storage_usd_per_gb_month", offer->storage_nusd_per_gb_month, NUSD_DIGITS);
    member_text(writer, "geolocation", offer->geolocation);
    member_maybe(writer, "reliability", offer->reliability_millionths, MILLIONTHS_DIGITS);
    member_text(writer, "driver_version", offer->driver_version);
    json_end_object(writer);
}

static void write_budget(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "budget");
    if (!report->budget.known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    member_maybe(writer, "cap_usd", report->budget.cap_nusd, NUSD_DIGITS);
    member_maybe(writer, "worst_case_usd", report->budget.worst_nusd, NUSD_DIGITS);
    member_maybe(writer, "longest_seconds", report->budget.longest_us, US_DIGITS);
    json_end_object(writer);
}

static void write_instance(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "instance");
    if (!report->instance.known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_int(writer, "id", report->instance.id);
    member_text(writer, "label", report->instance.label);
    member_text(writer, "ssh_host", report->instance.ssh_host);
    member_maybe(writer, "ssh_port", report->instance.ssh_port, 0);
    json_end_object(writer);
}

static void write_phases(struct json_writer *writer, const struct report *report, const char *key, bool extra)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (phase->extra != extra) {
            continue;
        }
        json_begin_object(writer);
        json_member_string(writer, "name", phase->name);
        member_seconds(writer, "start_seconds", phase->start_us);
        member_seconds(writer, "seconds", phase->duration_us);
        json_member_string(writer, "outcome", phase->outcome);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_polls(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "status_timeline");
    json_begin_array(writer);
    for (size_t i = 0; i < report->poll_count; i++) {
        const struct report_poll *poll = &report->polls[i];
        json_begin_object(writer);
        member_seconds(writer, "at_seconds", poll->at_us);
        json_member_string(writer, "actual_status", poll->is_null || poll->gone ? NULL : poll->actual_status);
        if (poll->gone) {
            json_member_bool(writer, "gone", true);
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_attempts(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "ssh_attempts");
    json_begin_array(writer);
    for (size_t i = 0; i < report->session_count; i++) {
        const struct report_session *session = &report->sessions[i];
        if (!report_session_in(report, session, PHASE_WAIT_SSH)) {
            continue;
        }
        json_begin_object(writer);
        member_seconds(writer, "at_seconds", session->at_us);
        member_seconds(writer, "seconds", session->duration_us);
        json_member_string(writer, "outcome", session->outcome);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_gpu(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "gpu");
    if (!report->gpu.known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    member_text(writer, "name", report->gpu.name);
    member_maybe(writer, "memory_total_mib", report->gpu.memory_total_mib, 0);
    member_text(writer, "driver_version", report->gpu.driver_version);
    json_end_object(writer);
}

static void write_cost_items(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "items");
    json_begin_array(writer);
    for (size_t i = 0; i < report->cost_item_count; i++) {
        const struct report_cost_item *item = &report->cost_items[i];
        json_begin_object(writer);
        json_member_string(writer, "what", item->what);
        member_seconds(writer, "quantity", item->quantity_us);
        json_member_string(writer, "unit", "second");
        member_usd(writer, "price_usd_per_hour", item->price_nusd_per_hour);
        member_usd(writer, "usd", item->nusd);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_comparison(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "comparison");
    json_begin_array(writer);
    for (size_t i = 0; i < REPORT_COMPARISONS; i++) {
        const struct report_comparison *row = &report->comparisons[i];
        json_begin_object(writer);
        json_member_string(writer, "provider", row->provider);
        json_member_string(writer, "type", row->type);
        json_member_string(writer, "gpu", row->gpu);
        member_usd(writer, "price_usd_per_hour", row->price_nusd_per_hour);
        member_usd(writer, "usd", row->nusd);
        if (row->ratio_known) {
            json_member_decimal(writer, "ratio", row->ratio_thousandths, 3);
        } else {
            json_member_null(writer, "ratio");
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_account(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "account");
    if (report->account.seen < 2) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    member_usd(writer, "credit_before_usd", report->account.before_nusd);
    member_usd(writer, "credit_after_usd", report->account.after_nusd);
    member_usd(writer, "difference_usd", saturating_subtract(report->account.before_nusd, report->account.after_nusd));
    json_member_bool(writer, "agrees_with_billed", report->account.agrees);
    json_end_object(writer);
}

static void write_cost(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "cost");
    json_begin_object(writer);
    member_usd(writer, "recorded_rule_usd", report->recorded_rule_nusd);
    member_usd(writer, "billed_usd", report->billed_nusd);
    json_member_bool(writer, "billed_final", report->billed_final);
    json_member_bool(writer, "running_from_uptime", report->billed_from_uptime);
    write_cost_items(writer, report);
    write_account(writer, report);
    write_comparison(writer, report);
    json_end_object(writer);
}

static void write_projection_steps(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "phases");
    json_begin_array(writer);
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        const struct report_projection_step *step = &report->projection[i];
        json_begin_object(writer);
        json_member_string(writer, "name", step->name);
        member_seconds(writer, "low_seconds", step->low_us);
        member_seconds(writer, "high_seconds", step->high_us);
        json_member_string(writer, "provenance", step_provenance_name(step->provenance));
        json_member_int(writer, "n", step_sample_size(step->provenance));
        member_seconds(writer, "quoted_low_seconds", step->quoted_low_us);
        member_seconds(writer, "quoted_high_seconds", step->quoted_high_us);
        json_member_string(writer, "note", step->note);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_projection(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "failover_projection");
    json_begin_object(writer);
    write_projection_steps(writer, report);
    member_seconds(writer, "total_low_seconds", report->projection_low_us);
    member_seconds(writer, "total_high_seconds", report->projection_high_us);
    member_usd(writer, "cost_low_usd", report->projection_low_nusd);
    member_usd(writer, "cost_high_usd", report->projection_high_nusd);
    member_seconds(writer, "quoted_total_low_seconds", report->quoted_low_us);
    member_seconds(writer, "quoted_total_high_seconds", report->quoted_high_us);
    member_usd(writer, "quoted_cost_low_usd", report->quoted_low_nusd);
    member_usd(writer, "quoted_cost_high_usd", report->quoted_high_nusd);
    json_member_null(writer, "data_loss"); /* nothing was snapshotted: no claim */
    json_end_object(writer);
}

static void write_findings(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "validations");
    json_begin_array(writer);
    for (size_t i = 0; i < report->validation_count; i++) {
        json_begin_object(writer);
        json_member_string(writer, "name", report->validations[i].name);
        json_member_bool(writer, "passed", report->validations[i].passed);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "issues_found");
    json_begin_array(writer);
    for (size_t i = 0; i < report->issue_count; i++) {
        json_begin_object(writer);
        json_member_string(writer, "text", report->issues[i].text);
        json_member_int(writer, "count", report->issues[i].count);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "faults_seen");
    json_begin_array(writer);
    for (size_t i = 0; i < report->fault_count; i++) {
        json_begin_object(writer);
        json_member_string(writer, "fault", report->faults[i].id);
        json_member_int(writer, "count", report->faults[i].count);
        json_member_string(writer, "text", report->faults[i].text);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_decisions(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "decisions");
    json_begin_array(writer);
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        json_begin_object(writer);
        member_seconds(writer, "at_seconds", decision->at_us);
        json_member_string(writer, "what", decision->what);
        json_member_string(writer, "why", decision->why);
        member_maybe(writer, "instance", decision->instance, 0);
        member_text(writer, "label", decision->label);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_sightings(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "machines_looked_at");
    json_begin_array(writer);
    for (size_t i = 0; i < report->sighting_count; i++) {
        const struct report_sighting *sighting = &report->sightings[i];
        json_begin_object(writer);
        json_member_int(writer, "id", sighting->id);
        json_member_int(writer, "looks", sighting->looks);
        member_seconds(writer, "last_look_at_seconds", sighting->at_us);
        json_member_bool(writer, "gone", sighting->gone);
        json_member_string(writer, "actual_status",
                           sighting->gone || sighting->is_null ? NULL : sighting->actual_status);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_machines_left(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "machines_left");
    json_begin_array(writer);
    for (size_t i = 0; i < report->left_count; i++) {
        const struct report_left *left = &report->left[i];
        json_begin_object(writer);
        if (left->id_known) {
            json_member_int(writer, "id", left->id);
        } else {
            json_member_null(writer, "id");
        }
        member_text(writer, "label", left->label);
        member_usd(writer, "usd_per_hour", left->price_nusd_per_hour);
        json_member_string(writer, "command", left->command);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_counts(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "requests");
    json_begin_object(writer);
    json_member_int(writer, "sent", report->http_requests);
    json_member_int(writer, "failed", report->http_failures);
    json_end_object(writer);
    json_key(writer, "events");
    json_begin_object(writer);
    json_member_int(writer, "emitted", report->events_emitted);
    json_member_int(writer, "undelivered", report->events_undelivered);
    json_member_int(writer, "spooled", report->events_spooled);
    json_end_object(writer);
    const size_t lost = report->phases_lost + report->polls_lost + report->sessions_lost + report->machines_lost +
                        report->validations_lost + report->faults_lost + report->issues_lost + report->left_lost +
                        report->decisions_lost + report->sightings_lost;
    json_member_int(writer, "rows_omitted", (int64_t)lost);
}

void report_write_json(const struct report *report, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    write_head(&writer, report);
    write_offer(&writer, report);
    write_budget(&writer, report);
    write_instance(&writer, report);
    write_phases(&writer, report, "phases", false);
    write_phases(&writer, report, "extra_phases", true);
    write_polls(&writer, report);
    write_attempts(&writer, report);
    member_seconds(&writer, "total_seconds", report->total_us);
    member_seconds(&writer, "unitemised_seconds", report->unitemised_us);
    write_gpu(&writer, report);
    write_cost(&writer, report);
    write_projection(&writer, report);
    write_findings(&writer, report);
    write_decisions(&writer, report);
    write_sightings(&writer, report);
    write_counts(&writer, report);
    write_machines_left(&writer, report);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}
