#include "fakes/verdict/write.h"

enum { NANO_DIGITS = 9, MILLI_DIGITS = 3 };

static void member_time(struct json_writer *writer, const char *key, int64_t time_ns)
{
    if (time_ns == TIME_NEVER_NS) {
        json_member_null(writer, key);
    } else {
        json_member_decimal(writer, key, time_ns, NANO_DIGITS);
    }
}

static void member_ordinal(struct json_writer *writer, const char *key, uint64_t ordinal)
{
    if (ordinal == 0) {
        json_member_null(writer, key);
    } else {
        json_member_int(writer, key, (int64_t)ordinal);
    }
}

/* 0 and below: of none. */
static void member_machine(struct json_writer *writer, int64_t id)
{
    if (id <= 0) {
        json_member_null(writer, "machine");
    } else {
        json_member_int(writer, "machine", id);
    }
}

static void write_check(struct json_writer *writer, const struct verdict_check *check)
{
    int digits = check->is_money ? NANO_DIGITS : 0;
    json_begin_object(writer);
    json_member_string(writer, "name", check->name);
    json_member_string(writer, "by", check->by_scenario ? "scenario" : "always");
    json_member_string(writer, "relation", check->at_most ? "at_most" : "equal");
    json_member_decimal(writer, "wanted", check->wanted, digits);
    json_member_decimal(writer, "found", check->found, digits);
    json_member_bool(writer, "passed", check->passed);
    json_end_object(writer);
}

static void write_checks(struct json_writer *writer, const struct verdict *verdict)
{
    json_key(writer, "checks");
    json_begin_array(writer);
    for (size_t i = 0; i < verdict->check_count; i++) {
        write_check(writer, &verdict->checks[i]);
    }
    json_end_array(writer);
    json_key(writer, "not_judged");
    json_begin_array(writer);
    for (size_t i = 0; i < verdict->not_judged_count; i++) {
        json_string(writer, verdict->not_judged[i]);
    }
    json_end_array(writer);
}

static void write_findings(struct json_writer *writer, const struct verdict *verdict)
{
    json_key(writer, "findings");
    json_begin_array(writer);
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct verdict_finding *finding = &verdict->findings[i];
        json_begin_object(writer);
        json_member_string(writer, "kind", verdict_finding_name(finding->kind));
        json_member_string(writer, "title", verdict_finding_title(finding->kind));
        member_machine(writer, finding->machine_id);
        member_ordinal(writer, "request", finding->ordinal);
        json_member_string(writer, "text", finding->text);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "finding_counts");
    json_begin_object(writer);
    for (size_t i = 0; i < FINDING_COUNT; i++) {
        json_member_int(writer, verdict_finding_name((enum verdict_finding_kind)i), (int64_t)verdict->found[i]);
    }
    json_end_object(writer);
}

static void write_machine(struct json_writer *writer, const struct verdict_machine *machine)
{
    const struct contract_view *view = machine->view;
    json_begin_object(writer);
    json_member_int(writer, "id", view->id);
    json_member_string(writer, "label", view->label);
    json_member_bool(writer, "exists", view->exists);
    json_member_string(writer, "actual_status", view->exists ? actual_status_text(view->status) : "destroyed");
    json_member_decimal(writer, "usd_per_hour", view->exists ? view->intended_nusd_per_hour : 0, NANO_DIGITS);
    json_member_decimal(writer, "charged_usd", view->charged_nusd, NANO_DIGITS);
    json_member_decimal(writer, "created_s", view->created_ns, NANO_DIGITS);
    member_time(writer, "destroyed_s", view->destroyed_ns);
    member_ordinal(writer, "create_request", machine->create_ordinal);
    json_member_bool(writer, "told", machine->told);
    json_member_bool(writer, "doubled", machine->is_double);
    json_member_int(writer, "requests", (int64_t)machine->requests);
    json_member_int(writer, "destroys", (int64_t)machine->destroys);
    json_member_bool(writer, "destroyed_unread", machine->destroyed_unread);
    json_member_int(writer, "polls_after_gone", (int64_t)machine->polls_after_gone);
    json_member_string(writer, "belief", verdict_belief_name(machine->belief));
    json_member_string(writer, "belief_text", verdict_belief_sentence(machine->belief));
    json_member_bool(writer, "is_so", machine->is_so);
    json_end_object(writer);
}

static void write_machines(struct json_writer *writer, const struct verdict *verdict)
{
    const struct verdict_input *input = verdict->input;
    json_member_int(writer, "machines_created", (int64_t)input->machine_count);
    json_member_int(writer, "machines_left", (int64_t)verdict->machines_left);
    json_member_decimal(writer, "left_usd_per_hour", verdict->left_nusd_per_hour, NANO_DIGITS);
    json_member_int(writer, "creates_doubled", (int64_t)verdict->creates_doubled);
    json_member_int(writer, "rate_limits_broken", (int64_t)verdict->rate_limits_broken);
    json_member_int(writer, "destroyed_unread", (int64_t)verdict->destroyed_unread);
    json_member_int(writer, "polls_after_gone", (int64_t)verdict->polls_after_gone);
    json_key(writer, "machines");
    json_begin_array(writer);
    for (size_t i = 0; i < input->machine_count; i++) {
        write_machine(writer, &verdict->machines[i]);
    }
    json_end_array(writer);
}

/* ---- Endpoints ---------------------------------------------------------------------------------------------------------- */

static void write_spread(struct json_writer *writer, const char *key, const struct verdict_spread *spread)
{
    json_key(writer, key);
    if (spread->count == 0) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_int(writer, "count", (int64_t)spread->count);
    json_member_decimal(writer, "min_s", spread->least_ns, NANO_DIGITS);
    json_member_decimal(writer, "median_s", spread->median_ns, NANO_DIGITS);
    json_member_decimal(writer, "max_s", spread->most_ns, NANO_DIGITS);
    json_end_object(writer);
}

static void write_group(struct json_writer *writer, const struct verdict_group *group)
{
    uint64_t shown = group->pauses.count < VERDICT_GROUP_PAUSES_MAX ? group->pauses.count : VERDICT_GROUP_PAUSES_MAX;
    json_begin_object(writer);
    json_member_int(writer, "first_request", (int64_t)group->first_ordinal);
    json_member_decimal(writer, "at_s", group->at_ns, NANO_DIGITS);
    member_machine(writer, group->subject);
    json_member_int(writer, "attempts", (int64_t)group->attempts);
    json_member_bool(writer, "answered", group->answered);
    write_spread(writer, "pauses", &group->pauses);
    json_key(writer, "first_pauses_s");
    json_begin_array(writer);
    for (uint64_t i = 0; i < shown; i++) {
        json_decimal(writer, group->shown_ns[i], NANO_DIGITS);
    }
    json_end_array(writer);
    json_member_bool(writer, "counted_from_start", group->from_start);
    json_member_string(writer, "pace", verdict_pace_name(group->pace));
    json_member_string(writer, "jitter", verdict_jitter_name(group->jitter));
    json_end_object(writer);
}

static void write_retries(struct json_writer *writer, const struct verdict *verdict,
                          const struct verdict_endpoint *endpoint)
{
    json_key(writer, "retries");
    json_begin_object(writer);
    json_member_int(writer, "groups", (int64_t)endpoint->group_count);
    json_member_int(writer, "attempts_most", (int64_t)endpoint->attempts_most);
    json_member_string(writer, "pace", verdict_pace_name(endpoint->pace));
    json_member_string(writer, "jitter", verdict_jitter_name(endpoint->jitter));
    json_key(writer, "first_groups");
    json_begin_array(writer);
    for (size_t i = 0; i < endpoint->groups; i++) {
        write_group(writer, &verdict->groups[endpoint->first_group + i]);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_rate(struct json_writer *writer, const struct verdict_endpoint *endpoint)
{
    json_key(writer, "rate_limit");
    if (endpoint->threshold_ns == 0) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_decimal(writer, "threshold_s", endpoint->threshold_ns, NANO_DIGITS);
    json_member_int(writer, "broken", (int64_t)endpoint->broken);
    member_time(writer, "tightest_s", endpoint->broken == 0 ? TIME_NEVER_NS : endpoint->tightest_ns);
    json_end_object(writer);
}

static void write_endpoint(struct json_writer *writer, const struct verdict *verdict,
                           const struct verdict_endpoint *endpoint)
{
    char storage[SHOWN_SIZE];
    json_begin_object(writer);
    json_member_string(writer, "endpoint", endpoint->name);
    json_member_int(writer, "requests", (int64_t)endpoint->requests);
    json_member_int(writer, "failed", (int64_t)endpoint->failed);
    json_key(writer, "outcomes");
    json_begin_object(writer);
    for (size_t i = 0; i < endpoint->outcome_count; i++) {
        json_member_int(writer, shown_outcome(&endpoint->outcomes[i], storage), (int64_t)endpoint->outcomes[i].count);
    }
    json_end_object(writer);
    write_spread(writer, "spacing", &endpoint->spacing);
    write_rate(writer, endpoint);
    write_retries(writer, verdict, endpoint);
    json_end_object(writer);
}

void verdict_write_json(const struct verdict *verdict, struct json_writer *writer)
{
    const struct verdict_input *input = verdict->input;
    json_begin_object(writer);
    json_member_int(writer, "schema_version", VERDICT_SCHEMA_VERSION);
    json_member_bool(writer, "passed", verdict->passed);
    json_member_string(writer, "scenario", input->scenario);
    json_member_string(writer, "command", input->with_command ? input->command : NULL);
    if (input->with_command) {
        json_member_int(writer, "exit_status", input->exit_status);
    } else {
        json_member_null(writer, "exit_status");
    }
    json_member_decimal(writer, "simulated_s", input->now_ns, NANO_DIGITS);
    json_member_decimal(writer, "speed", input->speed_milli, MILLI_DIGITS);
    json_member_decimal(writer, "tolerance_s", verdict->tolerance_ns, NANO_DIGITS);
    json_member_int(writer, "requests", (int64_t)input->request_count);
    json_member_int(writer, "requests_forgotten", (int64_t)input->forgotten);
    write_checks(writer, verdict);
    write_findings(writer, verdict);
    write_machines(writer, verdict);
    json_key(writer, "endpoints");
    json_begin_array(writer);
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        write_endpoint(writer, verdict, &verdict->endpoints[i]);
    }
    json_end_array(writer);
    json_key(writer, "bill");
    json_begin_object(writer);
    json_member_decimal(writer, "charged_usd", input->charged_nusd, NANO_DIGITS);
    json_member_decimal(writer, "credit_usd", input->credit_nusd, NANO_DIGITS);
    json_end_object(writer);
    json_end_object(writer);
}
