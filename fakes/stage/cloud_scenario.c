#include "fakes/stage/cloud_scenario.h"

#include <string.h>

#include "fakes/stage/gpu_load_text.h"

enum { RECORDING_FILE_MAX = 4 * 1024 * 1024 };

/* 2 January 2026, 20:12:18.173379 in a zone an hour east of Greenwich: the start of the recorded run. */
static const struct wall_time recorded_run_began = {INT64_C(1767381138173379000)};

/* ---- Defaults and recordings -------------------------------------------------------------------------------------------- */

void cloud_scenario_defaults(struct cloud_scenario *scenario)
{
    struct recorded_search search;
    recorded_search_defaults(&search);
    memset(scenario, 0, sizeof *scenario);
    scenario->seed = 1;
    scenario->epoch = recorded_run_began;
    timing_defaults(&scenario->timing);
    (void)text_copy(scenario->timing_name, sizeof scenario->timing_name, "defaults");
    scenario->offer_count = SCENARIO_OFFERS_DEFAULT;
    scenario->priced_disk_gb = search.disk_gb;
    scenario->credit_nusd = 5 * NUSD_PER_USD;
    market_switches_defaults(&scenario->market);
    scenario->key_accepted = true;
}

enum error_code cloud_scenario_use_recording(struct cloud_scenario *scenario, const char *name,
                                             const struct scenario_files *files, struct error *error)
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
    bool counted = kind == JSON_NUMBER && json_number_int64(raw, &offers->count) && offers->count >= 1 &&
                   offers->count <= SCENARIO_OFFERS_MAX;
    bool named = kind == JSON_STRING && json_string_copy(raw, offers->file, sizeof offers->file);
    if (!counted && !named) {
        json_reject(reader, "expected a number of offers from 1 to 150000, or the name of a file");
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

/* What the client rents decides for which disk the offers are rendered; the rest of it is not read here. */
struct rented_disk {
    struct maybe_int64 disk_gb;
};

static void read_rented_disk(struct json_reader *reader, void *member)
{
    static const struct json_field fields[] = {JSON_INT64(struct rented_disk, disk_gb, "disk_gb")};
    (void)json_decode_object(reader, fields, ARRAY_LENGTH(fields), member, JSON_TOLERANT);
}

static void read_faults(struct json_reader *reader, void *member)
{
    struct fault_plan *plan = member;
    plan->count = 0;
    fault_plan_read(reader, plan);
}

static void read_market(struct json_reader *reader, void *member)
{
    market_switches_read(reader, member);
}

static void read_expect(struct json_reader *reader, void *member)
{
    expectation_read(reader, member);
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
    MAYBE_TEXT(SCENARIO_TEXT_SIZE) name, recording;
    MAYBE_TEXT(1024) why;
    struct maybe_int64 seed;
    struct offers_field offers;
    struct account_fields account;
    struct rented_disk client;
    struct market_switches market;
    struct expectation expect;
};

/* Members that are read straight into the scenario come in a second pass, since a recording is their base. */
struct scenario_second_fields {
    struct fault_plan faults; /* replaces what the recording brought, if it is given at all */
    struct timing_field timing;
    struct gpu_load_plan gpu_load;
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
    JSON_INT64(struct scenario_fields, seed, "seed"),
    JSON_CUSTOM(struct scenario_fields, offers, "offers", read_offers),
    JSON_CUSTOM(struct scenario_fields, account, "account", read_account),
    JSON_CUSTOM(struct scenario_fields, client, "client", read_rented_disk),
    JSON_CUSTOM(struct scenario_fields, market, "market", read_market),
    JSON_CUSTOM(struct scenario_fields, name, "journey", skip_value),
    JSON_CUSTOM(struct scenario_fields, name, "timing", skip_value),
    JSON_CUSTOM(struct scenario_fields, name, "faults", skip_value),
    JSON_CUSTOM(struct scenario_fields, name, "gpu_load", skip_value),
    JSON_CUSTOM(struct scenario_fields, expect, "expect", read_expect),
};

static const struct json_field second_pass[] = {
    JSON_CUSTOM(struct scenario_second_fields, timing, "timing", read_timing),
    JSON_CUSTOM(struct scenario_second_fields, faults, "faults", read_faults),
    JSON_CUSTOM(struct scenario_second_fields, gpu_load, "gpu_load", gpu_load_read),
};

static enum error_code take_market(struct cloud_scenario *scenario, const struct scenario_fields *given,
                                   const struct scenario_text *text, struct error *error)
{
    int64_t seed = (int64_t)scenario->seed;
    const struct scenario_number rows[] = {
        {"seed", given->seed, 0, 0, INT64_MAX, &seed},
        {"credit_usd", given->account.credit_nusd, 9, 0, 1000000 * NUSD_PER_USD, &scenario->credit_nusd},
        {"disk_gb", given->client.disk_gb, 0, 8, 100000, &scenario->priced_disk_gb},
    };
    enum error_code code = scenario_take_numbers(text, rows, ARRAY_LENGTH(rows), error);
    scenario->seed = (uint64_t)seed;
    scenario->market = given->market;
    scenario->expect = given->expect;
    scenario->key_accepted = bool_or(given->account.key_accepted, scenario->key_accepted);
    if (given->offers.presence == PRESENT && given->offers.file[0] != '\0') {
        (void)text_copy(scenario->offers_file, sizeof scenario->offers_file, given->offers.file);
    } else if (given->offers.presence == PRESENT) {
        scenario->offer_count = (size_t)given->offers.count;
        scenario->offers_counted = true;
    }
    return code;
}

static enum error_code take_first(struct cloud_scenario *scenario, const struct scenario_fields *given,
                                  const struct scenario_text *text, const struct scenario_files *files,
                                  struct error *error)
{
    if (given->name.presence != PRESENT || given->name.text[0] == '\0') {
        return scenario_member_mistake(text, NULL, "expected a \"name\" among its keys", error);
    }
    (void)text_copy(scenario->name, sizeof scenario->name, given->name.text);
    enum error_code code = ERR_OK;
    if (given->recording.presence == PRESENT) {
        code = cloud_scenario_use_recording(scenario, given->recording.text, files, error);
    }
    return code == ERR_OK ? take_market(scenario, given, text, error) : code;
}

static enum error_code read_second_pass(const struct scenario_text *text, struct cloud_scenario *scenario,
                                        struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, text->text.at, text->text.length);
    reader.comments = true;
    struct scenario_second_fields second = {.faults = scenario->faults, .timing = {.timing = scenario->timing}};
    (void)json_decode_object(&reader, second_pass, ARRAY_LENGTH(second_pass), &second, JSON_TOLERANT);
    if (!json_finish(&reader)) {
        return scenario_mistake(&reader, text->file, error);
    }
    scenario->timing = second.timing.timing;
    if (second.timing.given) {
        (void)text_copy(scenario->timing_name, sizeof scenario->timing_name, "scenario");
    }
    scenario->faults = second.faults;
    scenario->gpu_load = second.gpu_load;
    return ERR_OK;
}

enum error_code cloud_scenario_read(const struct scenario_text *text, const struct scenario_files *files,
                                    struct cloud_scenario *scenario, struct error *error)
{
    struct json_reader reader;
    json_reader_init(&reader, text->text.at, text->text.length);
    reader.comments = true;
    struct scenario_fields first = {.seed = {ABSENT, 0}};
    cloud_scenario_defaults(scenario);
    first.market = scenario->market;
    (void)json_decode_object(&reader, first_pass, ARRAY_LENGTH(first_pass), &first, JSON_STRICT);
    if (!json_finish(&reader)) {
        return scenario_mistake(&reader, text->file, error);
    }
    enum error_code code = take_first(scenario, &first, text, files, error);
    return code == ERR_OK ? read_second_pass(text, scenario, error) : code;
}
