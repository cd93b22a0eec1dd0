#include "sim/scenario.h"

#include <string.h>

/* ---- Defaults and recordings -------------------------------------------------------------------------------------------- */

void scenario_defaults(struct scenario *scenario)
{
    memset(scenario, 0, sizeof *scenario);
    cloud_scenario_defaults(&scenario->cloud);
    scenario->events_migrated = true;
    scenario->interrupt_ns = TIME_NEVER_NS;
    check_defaults(&scenario->check);
    reap_defaults(&scenario->reap);
    scenario->reap.act = true;
    (void)text_copy(scenario->gpu, sizeof scenario->gpu, scenario->check.gpu_name);
    (void)text_copy(scenario->image, sizeof scenario->image, scenario->check.image);
    (void)text_copy(scenario->onstart, sizeof scenario->onstart, scenario->check.onstart);
}

/* A recorded value replaces a default. */
static void take(int64_t *value, struct maybe_int64 recorded)
{
    *value = int64_or(recorded, *value);
}

static void take_text(char *value, size_t size, const char *recorded)
{
    if (recorded[0] != '\0') {
        (void)text_copy(value, size, recorded);
    }
}

/* The recorded client's pace, limits and wishes become the client's; what was not recorded stays. */
static void take_habits(struct scenario *scenario)
{
    const struct recording *recording = &scenario->cloud.recording;
    struct check_options *check = &scenario->check;
    struct recorded_search search = {
        .num_gpus = check->num_gpus,
        .max_price_nusd_per_hour = check->max_price_nusd_per_hour,
        .min_reliability_millionths = check->min_reliability_millionths,
        .min_inet_down_mbps = check->min_inet_down_mbps,
        .disk_gb = check->disk_gb,
    };
    recorded_search_take(&search, recording);
    check->num_gpus = search.num_gpus;
    check->max_price_nusd_per_hour = search.max_price_nusd_per_hour;
    check->min_reliability_millionths = search.min_reliability_millionths;
    check->min_inet_down_mbps = search.min_inet_down_mbps;
    check->disk_gb = search.disk_gb;
    take(&check->limit, recording->request.limit);
    take(&check->status_poll_ns, recording->method.status_poll_sleep_ns);
    take(&check->ssh_retry_ns, recording->method.ssh_retry_sleep_ns);
    take(&check->ssh_attempt_ns, recording->method.ssh_attempt_timeout_ns);
    take(&check->running_limit_ns, recording->method.running_wait_limit_ns);
    take(&check->ssh_limit_ns, recording->method.ssh_wait_limit_ns);
    take_text(scenario->gpu, sizeof scenario->gpu, recording->offer.gpu_name);
    take_text(scenario->image, sizeof scenario->image, recording->request.image);
    take_text(scenario->onstart, sizeof scenario->onstart, recording->request.onstart);
}

enum error_code scenario_use_recording(struct scenario *scenario, const char *name, const struct scenario_files *files,
                                       struct error *error)
{
    enum error_code code = cloud_scenario_use_recording(&scenario->cloud, name, files, error);
    if (code == ERR_OK) {
        take_habits(scenario);
    }
    return code;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

struct client_fields {
    MAYBE_TEXT(SCENARIO_TEXT_SIZE) gpu, image, onstart;
    struct maybe_int64 num_gpus, max_price, min_reliability, min_inet_down, disk_gb, limit, instance_id;
    struct maybe_int64 status_poll_ns, ssh_retry_ns, ssh_attempt_ns, running_limit_ns, ssh_limit_ns, grace_ns;
    struct maybe_int64 interrupt_ns;
    struct maybe_int64 webhooks;
    struct maybe_int64 max_nusd;
    struct maybe_bool ssh_reuse, events_migrated, act, dry_run;
    MAYBE_TEXT(8) answer;
};

static void read_client(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct client_fields, gpu, "gpu"),
        JSON_TEXT(struct client_fields, image, "image"),
        JSON_TEXT(struct client_fields, onstart, "onstart"),
        JSON_INT64(struct client_fields, num_gpus, "num_gpus"),
        JSON_DECIMAL(struct client_fields, max_price, "max_price", 9),
        JSON_DECIMAL(struct client_fields, min_reliability, "min_reliability", 6),
        JSON_INT64(struct client_fields, min_inet_down, "min_inet_down"),
        JSON_INT64(struct client_fields, disk_gb, "disk_gb"),
        JSON_INT64(struct client_fields, limit, "limit"),
        JSON_INT64(struct client_fields, instance_id, "instance_id"),
        JSON_DECIMAL(struct client_fields, status_poll_ns, "status_poll_s", 9),
        JSON_DECIMAL(struct client_fields, ssh_retry_ns, "ssh_retry_s", 9),
        JSON_DECIMAL(struct client_fields, ssh_attempt_ns, "ssh_attempt_s", 9),
        JSON_DECIMAL(struct client_fields, running_limit_ns, "running_limit_s", 9),
        JSON_DECIMAL(struct client_fields, ssh_limit_ns, "ssh_limit_s", 9),
        JSON_DECIMAL(struct client_fields, grace_ns, "grace_s", 9),
        JSON_DECIMAL(struct client_fields, interrupt_ns, "interrupt_at_s", 9),
        JSON_BOOLEAN(struct client_fields, ssh_reuse, "ssh_reuse"),
        JSON_BOOLEAN(struct client_fields, events_migrated, "events_migrated"),
        JSON_INT64(struct client_fields, webhooks, "webhooks"),
        JSON_BOOLEAN(struct client_fields, act, "yes"),
        JSON_DECIMAL(struct client_fields, max_nusd, "max_usd", 9),
        JSON_BOOLEAN(struct client_fields, dry_run, "dry_run"),
        JSON_TEXT(struct client_fields, answer, "answer"),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_STRICT);
}

/* What is not the cloud's; that other members are known was checked when its part was read. */
struct scenario_fields {
    MAYBE_TEXT(SCENARIO_TEXT_SIZE) journey;
    struct client_fields client;
};

static const struct json_field client_pass[] = {
    JSON_TEXT(struct scenario_fields, journey, "journey"),
    JSON_CUSTOM(struct scenario_fields, client, "client", read_client),
};

/* What is shown to the person, and whether it is asked for: nothing, unless the scenario says so. */
static enum error_code take_consent(struct scenario *scenario, const struct client_fields *given,
                                    const struct scenario_text *text, struct error *error)
{
    bool asked = given->answer.presence == PRESENT;
    if (asked && strcmp(given->answer.text, "yes") != 0 && strcmp(given->answer.text, "no") != 0) {
        return scenario_member_mistake(text, "answer", "expected yes or no", error);
    }
    scenario->declines = asked && strcmp(given->answer.text, "no") == 0;
    scenario->check.consent = bool_or(given->dry_run, false) ? CONSENT_DRY_RUN : asked ? CONSENT_ASKED : CONSENT_SILENT;
    return ERR_OK;
}

static enum error_code take_client(struct scenario *scenario, const struct client_fields *given,
                                   const struct scenario_text *text, struct error *error)
{
    struct check_options *check = &scenario->check;
    const int64_t least_ns = NS_PER_MS;
    const int64_t most_ns = 24 * NS_PER_HOUR;
    const struct scenario_number rows[] = {
        {"num_gpus", given->num_gpus, 0, 1, 64, &check->num_gpus},
        {"max_price", given->max_price, 9, NUSD_PER_USD / 1000, 1000 * NUSD_PER_USD, &check->max_price_nusd_per_hour},
        {"min_reliability", given->min_reliability, 6, 0, 1000000, &check->min_reliability_millionths},
        {"min_inet_down", given->min_inet_down, 0, 0, 1000000, &check->min_inet_down_mbps},
        {"disk_gb", given->disk_gb, 0, 8, 100000, &check->disk_gb},
        {"limit", given->limit, 0, 1, CHECK_OFFERS_MAX, &check->limit},
        {"status_poll_s", given->status_poll_ns, 9, least_ns, most_ns, &check->status_poll_ns},
        {"ssh_retry_s", given->ssh_retry_ns, 9, least_ns, most_ns, &check->ssh_retry_ns},
        {"ssh_attempt_s", given->ssh_attempt_ns, 9, least_ns, most_ns, &check->ssh_attempt_ns},
        {"running_limit_s", given->running_limit_ns, 9, least_ns, most_ns, &check->running_limit_ns},
        {"ssh_limit_s", given->ssh_limit_ns, 9, least_ns, most_ns, &check->ssh_limit_ns},
        {"max_usd", given->max_nusd, 9, 0, 1000000 * NUSD_PER_USD, &check->budget_nusd},
        {"grace_s", given->grace_ns, 9, 0, most_ns, &scenario->reap.grace_ns},
        {"interrupt_at_s", given->interrupt_ns, 9, 0, 365 * most_ns, &scenario->interrupt_ns},
        {"instance_id", given->instance_id, 0, 1, INT64_MAX, &scenario->instance_id},
        {"webhooks", given->webhooks, 0, 0, 8, &scenario->webhooks},
    };
    check->ssh_reuse = bool_or(given->ssh_reuse, check->ssh_reuse);
    scenario->events_migrated = bool_or(given->events_migrated, scenario->events_migrated);
    scenario->reap.act = bool_or(given->act, scenario->reap.act);
    take_text(scenario->gpu, sizeof scenario->gpu, given->gpu.text);
    take_text(scenario->image, sizeof scenario->image, given->image.text);
    take_text(scenario->onstart, sizeof scenario->onstart, given->onstart.text);
    enum error_code code = take_consent(scenario, given, text, error);
    return code == ERR_OK ? scenario_take_numbers(text, rows, ARRAY_LENGTH(rows), error) : code;
}

static enum error_code take_journey(struct scenario *scenario, const char *journey, const struct scenario_text *text,
                                    struct error *error)
{
    static const char *const names[] = {"check", "destroy", "reap"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(journey, names[i]) == 0) {
            scenario->journey = (enum journey_kind)i;
            return ERR_OK;
        }
    }
    return scenario_member_mistake(text, "journey", "expected check, destroy or reap", error);
}

static enum error_code take_fields(struct scenario *scenario, const struct scenario_fields *given,
                                   const struct scenario_text *text, struct error *error)
{
    enum error_code code = ERR_OK;
    if (scenario->cloud.recording_name[0] != '\0') {
        take_habits(scenario);
    }
    if (given->journey.presence == PRESENT) {
        code = take_journey(scenario, given->journey.text, text, error);
    }
    if (code == ERR_OK) {
        code = take_client(scenario, &given->client, text, error);
    }
    if (code == ERR_OK && scenario->journey == JOURNEY_DESTROY && scenario->instance_id == 0) {
        return scenario_member_mistake(text, "journey", "destroy needs client.instance_id", error);
    }
    return code;
}

enum error_code scenario_read(struct span span, const char *file, const struct scenario_files *files,
                              struct scenario *scenario, struct error *error)
{
    const struct scenario_text text = {span, file};
    struct json_reader reader;
    struct scenario_fields given = {.journey = {.presence = ABSENT}};
    scenario_defaults(scenario);
    enum error_code code = cloud_scenario_read(&text, files, &scenario->cloud, error);
    if (code != ERR_OK) {
        return code;
    }
    json_reader_init(&reader, span.at, span.length);
    reader.comments = true;
    (void)json_decode_object(&reader, client_pass, ARRAY_LENGTH(client_pass), &given, JSON_STRICT_OPEN);
    if (!json_finish(&reader)) {
        return scenario_mistake(&reader, file, error);
    }
    return take_fields(scenario, &given, &text, error);
}
