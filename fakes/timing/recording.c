#include "fakes/timing/recording.h"

#include <string.h>

#include "base/units.h"

enum {
    RECORDING_BYTES_MAX = 1 << 20,
    SSH_COMMANDS_MAX = 10,
    PHASE_NAME_SIZE = sizeof((struct recorded_phase *)0)->name
};

#define RECORDING_DURATION_MAX_NS (NS_PER_HOUR * 24 * 30)
#define IDENTIFIER_MAX ((INT64_C(1) << 53) - 1)

/* What stands in the file beside the facts of struct recording. */
struct document {
    struct recording *recording;
    struct maybe_int64 schema_version;
    bool kind_given;
    bool phases_given;
};

/* Reads the number that is due as counts of 10^-digits in [low, high]; null means that nothing is known. */
static void read_number(struct json_reader *reader, struct maybe_int64 *out, int digits, int64_t low, int64_t high,
                        const char *expected)
{
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    if (kind == JSON_NULL) {
        out->presence = IS_NULL;
        return;
    }
    bool good = kind == JSON_NUMBER &&
                (digits == 0 ? json_number_int64(raw, &out->value) : decimal_parse(raw, digits, &out->value)) &&
                out->value >= low && out->value <= high;
    out->presence = good ? PRESENT : WRONG_TYPE;
    if (!good) {
        json_reject(reader, expected);
    }
}

/* X(name of the reader, digits, least, most, what is expected) */
#define NUMBER_READERS(X)                                                                                              \
    X(read_duration, 9, 0, RECORDING_DURATION_MAX_NS, "expected seconds from 0 to 2592000 (30 days)")                  \
    X(read_price, 9, 0, 10000 * NUSD_PER_USD, "expected dollars per hour from 0 to 10000")                             \
    X(read_identifier, 0, 0, IDENTIFIER_MAX, "expected a whole number from 0 to 9007199254740991")                     \
    X(read_count, 0, 0, 1000000, "expected a whole number from 0 to 1000000")                                          \
    X(read_size, 0, 0, 1000000000, "expected a whole number from 0 to 1000000000")                                     \
    X(read_port, 0, 1, 65535, "expected a port from 1 to 65535")                                                       \
    X(read_percent, 4, 0, 1000000, "expected a percentage from 0 to 100")                                              \
    X(read_share, 6, 0, 1000000, "expected a share from 0 to 1")                                                       \
    X(read_schema_version, 0, 1, 1, "expected schema_version 1")                                                       \
    X(read_ssh_commands, 0, 1, SSH_COMMANDS_MAX, "expected 1 to 10 commands")

#define NUMBER_READER(name, digits, low, high, expected)                                                               \
    static void name(struct json_reader *reader, void *member)                                                         \
    {                                                                                                                  \
        read_number(reader, member, digits, low, high, expected);                                                      \
    }
NUMBER_READERS(NUMBER_READER)
#undef NUMBER_READER

static bool has_control_character(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7F) {
            return true;
        }
    }
    return false;
}

/* Reads the text that is due; null leaves "". */
static void read_text(struct json_reader *reader, char *out, size_t size, const char *expected)
{
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw) || kind == JSON_NULL) {
        return;
    }
    if (kind != JSON_STRING || !json_string_copy(raw, out, size) || has_control_character(out)) {
        json_reject(reader, expected);
    }
}

static void read_long_text(struct json_reader *reader, void *member)
{
    _Static_assert(RECORDING_NAME_SIZE == 128 && RECORDING_TEXT_SIZE == 128, "the message says the size");
    read_text(reader, member, RECORDING_TEXT_SIZE, "expected a text of at most 127 bytes, on one line");
}

static void read_short_text(struct json_reader *reader, void *member)
{
    _Static_assert(PHASE_NAME_SIZE == 48, "the message says the size");
    read_text(reader, member, PHASE_NAME_SIZE, "expected a text of at most 47 bytes, on one line");
}

/* A member whose reader is given the whole struct. */
#define WHOLE(json_name, function)                                                                                     \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_CUSTOM, .read = function                \
    }

#define OFFER(member, json_name, function) JSON_CUSTOM(struct recording, offer.member, json_name, function)
#define REQUEST(member, json_name, function) JSON_CUSTOM(struct recording, request.member, json_name, function)
#define METHOD(member, json_name) JSON_CUSTOM(struct recording, method.member, json_name, read_duration)

static void read_offer(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        OFFER(offer_id, "offer_id", read_identifier),
        OFFER(instance_id, "instance_id", read_identifier),
        OFFER(num_gpus, "num_gpus", read_count),
        OFFER(gpu_ram_mib, "gpu_ram_mib", read_size),
        OFFER(price_nusd_per_hour, "price_usd_per_hour", read_price),
        OFFER(reliability_millionths, "reliability_percent", read_percent),
        OFFER(ssh_port, "ssh_port", read_port),
        OFFER(gpu_name, "gpu_name", read_long_text),
        OFFER(driver_version, "driver_version", read_long_text),
        OFFER(region, "region", read_long_text),
        OFFER(ssh_host, "ssh_host", read_long_text),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), ((struct document *)whole)->recording, JSON_STRICT_OPEN);
}

static void read_filters(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        REQUEST(limit, "limit", read_count),
        REQUEST(max_price_nusd_per_hour, "max_price_usd_per_hour", read_price),
        REQUEST(min_reliability_millionths, "min_reliability", read_share),
        REQUEST(min_inet_down_mbps, "min_inet_down_mbps", read_size),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), whole, JSON_STRICT_OPEN);
}

static void read_request(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        REQUEST(disk_gb, "disk_gb", read_count),
        REQUEST(image, "image", read_long_text),
        REQUEST(runtype, "runtype", read_long_text),
        REQUEST(onstart, "onstart", read_long_text),
        WHOLE("filters", read_filters),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), ((struct document *)whole)->recording, JSON_STRICT_OPEN);
}

static void read_method(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        METHOD(status_poll_sleep_ns, "status_poll_sleep_s"),   METHOD(status_get_mean_ns, "status_get_mean_s"),
        METHOD(ssh_retry_sleep_ns, "ssh_retry_sleep_s"),       METHOD(ssh_attempt_timeout_ns, "ssh_attempt_timeout_s"),
        METHOD(running_wait_limit_ns, "running_wait_limit_s"), METHOD(ssh_wait_limit_ns, "ssh_wait_limit_s"),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), ((struct document *)whole)->recording, JSON_STRICT_OPEN);
}

/* A phase as it stands in the file. */
struct phase_row {
    char name[PHASE_NAME_SIZE];
    struct maybe_int64 seconds_ns, ssh_commands;
    struct maybe_bool measured, reached;
    struct maybe_int64 split_failed_ns, split_sleep_ns, split_successful_ns;
};

static void read_split(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct phase_row, split_failed_ns, "failed_attempt_s", read_duration),
        JSON_CUSTOM(struct phase_row, split_sleep_ns, "sleep_s", read_duration),
        JSON_CUSTOM(struct phase_row, split_successful_ns, "successful_attempt_s", read_duration),
    };
    if (json_peek(reader) == JSON_NULL) {
        json_skip(reader);
        return;
    }
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), whole, JSON_STRICT_OPEN);
}

static void read_phase(struct json_reader *reader, struct recording *recording)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct phase_row, name, "name", read_short_text),
        JSON_CUSTOM(struct phase_row, seconds_ns, "seconds", read_duration),
        JSON_CUSTOM(struct phase_row, ssh_commands, "ssh_commands", read_ssh_commands),
        JSON_BOOLEAN(struct phase_row, measured, "measured"),
        JSON_BOOLEAN(struct phase_row, reached, "reached"),
        WHOLE("split", read_split),
    };
    struct phase_row row = {0};
    if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), &row, JSON_STRICT_OPEN)) {
        return;
    }
    if (row.name[0] == '\0' || row.seconds_ns.presence != PRESENT) {
        json_reject(reader, "expected a phase with name and seconds");
    } else if (recording_phase(recording, row.name) != NULL) {
        json_reject(reader, "this phase is given twice");
    } else if (recording->phase_count == RECORDING_PHASES_MAX) {
        json_reject(reader, "expected at most 24 phases");
    } else {
        struct recorded_phase *phase = &recording->phases[recording->phase_count++];
        memcpy(phase->name, row.name, sizeof phase->name);
        phase->seconds_ns = row.seconds_ns.value;
        phase->measured = bool_or(row.measured, true);
        phase->reached = bool_or(row.reached, true);
        phase->ssh_commands = int64_or(row.ssh_commands, -1);
        phase->split_failed_ns = int64_or(row.split_failed_ns, -1);
        phase->split_sleep_ns = int64_or(row.split_sleep_ns, -1);
        phase->split_successful_ns = int64_or(row.split_successful_ns, -1);
    }
}

/* Calls `read` for each element of the array that is due. */
static void read_list(struct json_reader *reader, struct recording *recording, const char *expected,
                      void (*read)(struct json_reader *reader, struct recording *recording))
{
    if (json_peek(reader) != JSON_INVALID && !json_enter_array(reader)) {
        json_reject(reader, expected);
        return;
    }
    while (json_next_element(reader)) {
        read(reader, recording);
    }
}

struct status_row {
    struct maybe_int64 at_ns, reconstructed_at_ns;
    bool given;
    enum actual_status status;
};

static void read_status_text(struct json_reader *reader, void *whole)
{
    struct status_row *row = whole;
    enum json_kind kind;
    struct span raw;
    if (!json_read_raw(reader, &kind, &raw)) {
        return;
    }
    char text[32] = "";
    bool good = kind == JSON_NULL || (kind == JSON_STRING && json_string_copy(raw, text, sizeof text));
    row->given = true;
    row->status = good ? actual_status_by_text(kind == JSON_NULL ? NULL : text) : ACTUAL_COUNT;
    if (row->status == ACTUAL_COUNT) {
        json_reject(reader, "expected a status that Vast.ai documents (\"loading\", \"running\", ...), or null");
    }
}

static void read_status(struct json_reader *reader, struct recording *recording)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct status_row, at_ns, "at_s", read_duration),
        JSON_CUSTOM(struct status_row, reconstructed_at_ns, "reconstructed_at_s", read_duration),
        WHOLE("actual_status", read_status_text),
    };
    struct status_row row = {0};
    if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), &row, JSON_STRICT_OPEN)) {
        return;
    }
    size_t count = recording->status_count;
    int64_t at_ns = int64_or(row.reconstructed_at_ns, int64_or(row.at_ns, -1));
    if (at_ns < 0 || !row.given) {
        json_reject(reader, "expected at_s and actual_status");
    } else if (count > 0 && at_ns < recording->statuses[count - 1].at_ns) {
        json_reject(reader, "expected times in ascending order");
    } else if (count == RECORDING_STATUSES_MAX) {
        json_reject(reader, "expected at most 512 polls");
    } else {
        recording->statuses[recording->status_count++] = (struct recorded_status){at_ns, row.status};
    }
}

/* A plan holds no more changes than a timeline has steps. */
static void check_changes(struct json_reader *reader, const struct recording *recording)
{
    size_t changes = 2; /* one that the plan may put in front, and the last */
    for (size_t i = 1; i < recording->status_count; i++) {
        changes += recording->statuses[i].status != recording->statuses[i - 1].status ? 1 : 0;
    }
    if (changes > TIMELINE_STEPS_MAX) {
        json_reject(reader, "expected at most 30 changes of status");
    }
}

static void read_fault(struct json_reader *reader, struct recording *recording)
{
    static const struct json_field fields[] = {WHOLE("name", read_short_text)};
    char name[PHASE_NAME_SIZE] = "";
    if (json_decode_object(reader, fields, ARRAY_LENGTH(fields), name, JSON_STRICT_OPEN) &&
        strcmp(name, "missing_table_webhook_configs") == 0) {
        recording->missing_table = true;
    }
}

static void read_phases(struct json_reader *reader, void *whole)
{
    struct document *document = whole;
    document->phases_given = true;
    read_list(reader, document->recording, "expected a list of phases", read_phase);
}

static void read_statuses(struct json_reader *reader, void *whole)
{
    struct document *document = whole;
    read_list(reader, document->recording, "expected a list of polls", read_status);
    check_changes(reader, document->recording);
}

static void read_faults(struct json_reader *reader, void *whole)
{
    struct document *document = whole;
    read_list(reader, document->recording, "expected a list of faults", read_fault);
}

static void read_totals(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct recording, offers_found, "offers_found", read_count),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), ((struct document *)whole)->recording, JSON_STRICT_OPEN);
}

static void read_kind(struct json_reader *reader, void *whole)
{
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw) && (kind != JSON_STRING || !json_string_is(raw, "run"))) {
        json_reject(reader, "expected a recording of kind \"run\"");
    }
    ((struct document *)whole)->kind_given = true;
}

static void read_name(struct json_reader *reader, void *whole)
{
    read_long_text(reader, ((struct document *)whole)->recording->name);
}

static void read_recorded_at(struct json_reader *reader, void *whole)
{
    read_short_text(reader, ((struct document *)whole)->recording->recorded_at);
}

static void read_document(struct json_reader *reader, struct document *document)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct document, schema_version, "schema_version", read_schema_version),
        WHOLE("kind", read_kind),
        WHOLE("name", read_name),
        WHOLE("recorded_at", read_recorded_at),
        WHOLE("offer", read_offer),
        WHOLE("request", read_request),
        WHOLE("method", read_method),
        WHOLE("phases", read_phases),
        WHOLE("status_timeline", read_statuses),
        WHOLE("totals", read_totals),
        WHOLE("faults", read_faults),
    };
    if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), document, JSON_STRICT_OPEN)) {
        return;
    }
    if (document->schema_version.presence != PRESENT || !document->kind_given || document->recording->name[0] == '\0' ||
        !document->phases_given) {
        json_reject(reader, "expected schema_version, kind, name and phases");
    }
}

enum error_code recording_parse(struct span text, const char *file, struct recording *recording, struct error *error)
{
    memset(recording, 0, sizeof *recording);
    if (text.length > RECORDING_BYTES_MAX) {
        return error_set(error, ERR_INPUT_INVALID, "%s:1: expected at most %d bytes", file, RECORDING_BYTES_MAX);
    }
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    reader.comments = true;
    struct document document = {.recording = recording};
    read_document(&reader, &document);
    if (!json_finish(&reader)) {
        return error_set(error, ERR_INPUT_INVALID, "%s:%zu: %s", file,
                         json_line_of(text.at, text.length, reader.mistake_at), reader.mistake);
    }
    return ERR_OK;
}

const struct recorded_phase *recording_phase(const struct recording *recording, const char *name)
{
    for (size_t i = 0; i < recording->phase_count; i++) {
        if (strcmp(recording->phases[i].name, name) == 0) {
            return &recording->phases[i];
        }
    }
    return NULL;
}
