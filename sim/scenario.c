#include "sim/scenario.h"

#include <string.h>

enum { RECORDING_FILE_MAX = 4 * 1024 * 1024, EXPECTED_TOTAL_DIGITS = 6, EXCERPT_LENGTH = 40 };

/* 2 January 2026, 20:12:18.173379 in a zone an hour east of Greenwich: the start of the recorded run. */
static const struct wall_time recorded_run_began = {INT64_C(1767381138173379000)};

/* ---- Defaults and recordings -------------------------------------------------------------------------------------------- */

void scenario_defaults(struct scenario *scenario)
{
    memset(scenario, 0, sizeof *scenario);
    scenario->seed = 1;
    scenario->epoch = recorded_run_began;
    timing_defaults(&scenario->timing);
    (void)text_copy(scenario->timing_name, sizeof scenario->timing_name, "defaults");
    scenario->offer_count = FIRST_OFFERS_DEFAULT;
    scenario->credit_nusd = 5 * NUSD_PER_USD;
    scenario->key_accepted = true;
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

void recording_habits(const struct recording *recording, struct check_options *check)
{
    take(&check->status_poll_ns, recording->method.status_poll_sleep_ns);
    take(&check->ssh_retry_ns, recording->method.ssh_retry_sleep_ns);
    take(&check->ssh_attempt_ns, recording->method.ssh_attempt_timeout_ns);
    take(&check->running_limit_ns, recording->method.running_wait_limit_ns);
    take(&check->ssh_limit_ns, recording->method.ssh_wait_limit_ns);
    take(&check->num_gpus, recording->offer.num_gpus);
    take(&check->disk_gb, recording->request.disk_gb);
    take(&check->limit, recording->request.limit);
    take(&check->min_reliability_millionths, recording->request.min_reliability_millionths);
    take(&check->min_inet_down_mbps, recording->request.min_inet_down_mbps);
    take(&check->max_price_nusd_per_hour, recording->request.max_price_nusd_per_hour);
    /* The recorded machine must pass the check that the recorded client left out. */
    if (int64_or(recording->offer.price_nusd_per_hour, 0) > check->max_price_nusd_per_hour) {
        check->max_price_nusd_per_hour = recording->offer.price_nusd_per_hour.value * 2;
    }
}

/* The recorded client's habits and wishes become the client's. */
static void take_habits(struct scenario *scenario)
{
    const struct recording *recording = &scenario->recording;
    recording_habits(recording, &scenario->check);
    take_text(scenario->gpu, sizeof scenario->gpu, recording->offer.gpu_name);
    take_text(scenario->image, sizeof scenario->image, recording->request.image);
    take_text(scenario->onstart, sizeof scenario->onstart, recording->request.onstart);
}

enum error_code scenario_use_recording(struct scenario *scenario, const char *name, const struct scenario_files *files,
                                       struct error *error)
{
    struct buffer text;
    buffer_init(&text, files->heap, RECORDING_FILE_MAX);
    enum error_code code = files->recording(files->context, name, &text, error);
    if (code == ERR_OK) {
        struct span span = {buffer_text(&text), text.length};
        code = recording_parse(span, name, &scenario->recording, error);
    }
    buffer_release(&text);
    if (code != ERR_OK) {
        return code;
    }
    (void)text_copy(scenario->recording_name, sizeof scenario->recording_name, name);
    (void)text_copy(scenario->timing_name, sizeof scenario->timing_name, scenario->recording.name);
    timing_from_recording(&scenario->recording, &scenario->timing);
    take_habits(scenario);
    scenario->faults.count = 0;
    struct wall_time recorded_at;
    if (wall_time_parse(span_of(scenario->recording.recorded_at), &recorded_at)) {
        scenario->epoch = recorded_at;
    }
    return scenario->recording.missing_table ? fault_plan_add(&scenario->faults, "missing-table", error) : ERR_OK;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------ */

/* The whole file's reader and what is being filled; FIELD_CUSTOM members get at it through their first member. */
struct offers_field {
    enum presence presence;
    int64_t count;
    char file[SCENARIO_TEXT_SIZE];
};

static void read_offers(struct json_reader *reader, void *member)
{
    struct offers_field *offers = member;
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    offers->presence = PRESENT;
    bool counted =
        kind == JSON_NUMBER && json_number_int64(raw, &offers->count) && offers->count >= 1 && offers->count <= 10000;
    bool named = kind == JSON_STRING && json_string_copy(raw, offers->file, sizeof offers->file);
    if (!counted && !named) {
        json_reject(reader, "expected a number of offers from 1 to 10000, or the name of a file");
    }
}

struct account_fields {
    struct maybe_int64 credit_nusd;
    struct maybe_bool key_accepted;
};

static void read_account(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_DECIMAL(struct account_fields, credit_nusd, "credit_usd", 9),
        JSON_BOOLEAN(struct account_fields, key_accepted, "key_accepted"),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_STRICT);
}

struct client_fields {
    MAYBE_TEXT(SCENARIO_TEXT_SIZE) gpu, image, onstart;
    struct maybe_int64 num_gpus, max_price, min_reliability, min_inet_down, disk_gb, limit, instance_id;
    struct maybe_int64 status_poll_ns, ssh_retry_ns, ssh_attempt_ns, running_limit_ns, ssh_limit_ns, grace_ns;
    struct maybe_int64 interrupt_ns;
    struct maybe_bool ssh_reuse, events_migrated, act;
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
        JSON_BOOLEAN(struct client_fields, act, "yes"),
    };
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_STRICT);
}

static void read_faults_seen(struct json_reader *reader, struct expectation *expect)
{
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected a list of fault ids");
        return;
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        bool fits = json_read_raw(reader, &kind, &raw) && kind == JSON_STRING &&
                    expect->fault_count < EXPECTED_FAULTS_MAX &&
                    json_string_copy(raw, expect->faults_seen[expect->fault_count], FAULT_ID_SIZE);
        if (!fits) {
            json_reject(reader, "expected at most 16 fault ids in quotes");
            return;
        }
        expect->fault_count++;
    }
}

struct expect_fields {
    struct maybe_int64 exit_status, machines_left, machines_created, total_us;
    MAYBE_TEXT(64) error;
    struct expectation faults;
};

static void read_faults_seen_field(struct json_reader *reader, void *member)
{
    read_faults_seen(reader, member);
}

static void read_expect(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {
        JSON_INT64(struct expect_fields, exit_status, "exit_status"),
        JSON_INT64(struct expect_fields, machines_left, "machines_left"),
        JSON_INT64(struct expect_fields, machines_created, "machines_created"),
        JSON_DECIMAL(struct expect_fields, total_us, "total_seconds", EXPECTED_TOTAL_DIGITS),
        JSON_TEXT(struct expect_fields, error, "error"),
        JSON_CUSTOM(struct expect_fields, faults, "faults_seen", read_faults_seen_field),
    };
    struct expect_fields expected = {.exit_status = {ABSENT, 0}};
    struct expectation *expect = member;
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), &expected, JSON_STRICT);
    *expect = expected.faults;
    expect->exit_status = expected.exit_status;
    expect->machines_left = expected.machines_left;
    expect->machines_created = expected.machines_created;
    expect->total_us = expected.total_us;
    expect->error.presence = expected.error.presence;
    memcpy(expect->error.text, expected.error.text, sizeof expect->error.text);
}

static void read_faults(struct json_reader *reader, void *member)
{
    struct fault_plan *plan = member;
    plan->count = 0;
    fault_plan_read(reader, plan);
}

struct timing_field {
    struct timing timing;
    bool given;
};

static void read_timing(struct json_reader *reader, void *member)
{
    struct timing_field *field = member;
    field->given = true;
    timing_read(reader, &field->timing);
}

struct scenario_fields {
    MAYBE_TEXT(SCENARIO_TEXT_SIZE) name, recording, journey;
    MAYBE_TEXT(1024) why;
    struct maybe_int64 seed;
    struct offers_field offers;
    struct account_fields account;
    struct client_fields client;
};

/* Members that are read straight into the scenario come in a second pass, since a recording is their base. */
struct scenario_second_fields {
    struct fault_plan faults; /* replaces what the recording brought, if it is given at all */
    struct timing_field timing;
    struct expectation expect;
};

static void skip_value(struct json_reader *reader, void *member)
{
    (void)member;
    json_skip(reader);
}

static const struct json_field first_pass[] = {
    JSON_TEXT(struct scenario_fields, name, "name"),
    JSON_TEXT(struct scenario_fields, why, "why"),
    JSON_TEXT(struct scenario_fields, recording, "recording"),
    JSON_TEXT(struct scenario_fields, journey, "journey"),
    JSON_INT64(struct scenario_fields, seed, "seed"),
    JSON_CUSTOM(struct scenario_fields, offers, "offers", read_offers),
    JSON_CUSTOM(struct scenario_fields, account, "account", read_account),
    JSON_CUSTOM(struct scenario_fields, client, "client", read_client),
    JSON_CUSTOM(struct scenario_fields, name, "timing", skip_value),
    JSON_CUSTOM(struct scenario_fields, name, "faults", skip_value),
    JSON_CUSTOM(struct scenario_fields, name, "expect", skip_value),
};

static const struct json_field second_pass[] = {
    JSON_CUSTOM(struct scenario_second_fields, timing, "timing", read_timing),
    JSON_CUSTOM(struct scenario_second_fields, faults, "faults", read_faults),
    JSON_CUSTOM(struct scenario_second_fields, expect, "expect", read_expect),
};

static enum error_code invalid(struct span text, size_t at, const char *file, const char *what, struct error *error)
{
    const char *near = text.at + at;
    size_t near_length = 0;
    while (at + near_length < text.length && near_length < EXCERPT_LENGTH && near[near_length] != '\n') {
        near_length++;
    }
    (void)error_set(error, ERR_INPUT_INVALID, "%s:%zu: %s%s%.*s", file, json_line_of(text.at, text.length, at), what,
                    near_length == 0 ? "" : ", at: ", (int)near_length, near);
    error_advise(error, "mend the scenario; docs/schema/scenario.schema.json lists what it may hold");
    return ERR_INPUT_INVALID;
}

static enum error_code mistake(const struct json_reader *reader, const char *file, struct error *error)
{
    return invalid((struct span){reader->text, reader->length}, reader->mistake_at, file, reader->mistake, error);
}

/* Where a member's key stands, for mistakes that are found after reading. */
static size_t key_position(struct span text, const char *key)
{
    char quoted[64];
    (void)text_format(quoted, sizeof quoted, "\"%s\"", key);
    size_t length = strlen(quoted);
    for (size_t at = 0; at + length <= text.length; at++) {
        if (memcmp(text.at + at, quoted, length) == 0) {
            return at;
        }
    }
    return 0;
}

/* Numbers that the schema bounds, checked where they are taken; `digits` as for decimals. */
struct bounded {
    const char *name;
    struct maybe_int64 given;
    int digits;
    int64_t least;
    int64_t most;
    int64_t *target;
};

static enum error_code out_of_range(const struct bounded *row, struct span text, const char *file, struct error *error)
{
    char storage[128];
    struct buffer what;
    buffer_init_fixed(&what, storage, sizeof storage);
    buffer_append_text(&what, "expected a number from ");
    decimal_append(&what, row->least, row->digits, 0);
    buffer_append_text(&what, " to ");
    decimal_append(&what, row->most, row->digits, 0);
    return invalid(text, key_position(text, row->name), file, storage, error);
}

static enum error_code take_bounded(const struct bounded *rows, size_t count, struct span text, const char *file,
                                    struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].given.presence != PRESENT) {
            continue;
        }
        if (rows[i].given.value < rows[i].least || rows[i].given.value > rows[i].most) {
            return out_of_range(&rows[i], text, file, error);
        }
        *rows[i].target = rows[i].given.value;
    }
    return ERR_OK;
}

static enum error_code take_client(struct scenario *scenario, const struct client_fields *given, struct span text,
                                   const char *file, struct error *error)
{
    struct check_options *check = &scenario->check;
    const int64_t least_ns = NS_PER_MS;
    const int64_t most_ns = 24 * NS_PER_HOUR;
    const struct bounded rows[] = {
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
        {"grace_s", given->grace_ns, 9, 0, most_ns, &scenario->reap.grace_ns},
        {"interrupt_at_s", given->interrupt_ns, 9, 0, 365 * most_ns, &scenario->interrupt_ns},
        {"instance_id", given->instance_id, 0, 1, INT64_MAX, &scenario->instance_id},
    };
    check->ssh_reuse = bool_or(given->ssh_reuse, check->ssh_reuse);
    scenario->events_migrated = bool_or(given->events_migrated, scenario->events_migrated);
    scenario->reap.act = bool_or(given->act, scenario->reap.act);
    take_text(scenario->gpu, sizeof scenario->gpu, given->gpu.text);
    take_text(scenario->image, sizeof scenario->image, given->image.text);
    take_text(scenario->onstart, sizeof scenario->onstart, given->onstart.text);
    return take_bounded(rows, ARRAY_LENGTH(rows), text, file, error);
}

static enum error_code take_journey(struct scenario *scenario, const char *journey, struct span text, const char *file,
                                    struct error *error)
{
    static const char *const names[] = {"check", "destroy", "reap"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (strcmp(journey, names[i]) == 0) {
            scenario->journey = (enum journey_kind)i;
            return ERR_OK;
        }
    }
    return invalid(text, key_position(text, "journey"), file, "expected check, destroy or reap", error);
}

static enum error_code take_market(struct scenario *scenario, const struct scenario_fields *given, struct span text,
                                   const char *file, struct error *error)
{
    int64_t seed = (int64_t)scenario->seed;
    const struct bounded rows[] = {
        {"seed", given->seed, 0, 0, INT64_MAX, &seed},
        {"credit_usd", given->account.credit_nusd, 9, 0, 1000000 * NUSD_PER_USD, &scenario->credit_nusd},
    };
    enum error_code code = take_bounded(rows, ARRAY_LENGTH(rows), text, file, error);
    scenario->seed = (uint64_t)seed;
    scenario->key_accepted = bool_or(given->account.key_accepted, scenario->key_accepted);
    if (given->offers.presence == PRESENT && given->offers.file[0] != '\0') {
        (void)text_copy(scenario->offers_file, sizeof scenario->offers_file, given->offers.file);
    } else if (given->offers.presence == PRESENT) {
        scenario->offer_count = (size_t)given->offers.count;
    }
    return code;
}

static enum error_code take_first(struct scenario *scenario, const struct scenario_fields *given, struct span text,
                                  const char *file, const struct scenario_files *files, struct error *error)
{
    if (given->name.presence != PRESENT || given->name.text[0] == '\0') {
        return invalid(text, 0, file, "expected a \"name\" among its keys", error);
    }
    (void)text_copy(scenario->name, sizeof scenario->name, given->name.text);
    enum error_code code = ERR_OK;
    if (given->recording.presence == PRESENT) {
        code = scenario_use_recording(scenario, given->recording.text, files, error);
    }
    if (code == ERR_OK && given->journey.presence == PRESENT) {
        code = take_journey(scenario, given->journey.text, text, file, error);
    }
    if (code == ERR_OK) {
        code = take_market(scenario, given, text, file, error);
    }
    if (code == ERR_OK) {
        code = take_client(scenario, &given->client, text, file, error);
    }
    if (code == ERR_OK && scenario->journey == JOURNEY_DESTROY && scenario->instance_id == 0) {
        return invalid(text, key_position(text, "journey"), file, "destroy needs client.instance_id", error);
    }
    return code;
}

static enum error_code read_second_pass(struct span text, const char *file, struct scenario *scenario,
                                        struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    reader.comments = true;
    struct scenario_second_fields second = {.faults = scenario->faults, .timing = {.timing = scenario->timing}};
    (void)json_decode_object(&reader, second_pass, ARRAY_LENGTH(second_pass), &second, JSON_TOLERANT);
    if (!json_finish(&reader)) {
        return mistake(&reader, file, error);
    }
    scenario->timing = second.timing.timing;
    if (second.timing.given) {
        (void)text_copy(scenario->timing_name, sizeof scenario->timing_name, "scenario");
    }
    scenario->faults = second.faults;
    scenario->expect = second.expect;
    return ERR_OK;
}

enum error_code scenario_read(struct span text, const char *file, const struct scenario_files *files,
                              struct scenario *scenario, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    reader.comments = true;
    struct scenario_fields first = {.seed = {ABSENT, 0}};
    scenario_defaults(scenario);
    (void)json_decode_object(&reader, first_pass, ARRAY_LENGTH(first_pass), &first, JSON_STRICT);
    if (!json_finish(&reader)) {
        return mistake(&reader, file, error);
    }
    enum error_code code = take_first(scenario, &first, text, file, files, error);
    return code == ERR_OK ? read_second_pass(text, file, scenario, error) : code;
}
