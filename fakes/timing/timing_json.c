#include <string.h>

#include "base/json_decode.h"
#include "base/units.h"
#include "fakes/timing/timing.h"

#define PLAN_DURATION_MAX_NS (NS_PER_HOUR * 24 * 30)

static const char *const not_seconds = "expected seconds from 0 to 2592000 (30 days)";

/* What the API is known to say in `status_msg`, shortened to what does not depend on an image. */
static const char *const status_messages[] = {
    "success, running",
    "Retrying in 2 seconds",
    "Error response from daemon: manifest unknown",
    "Error response from daemon: pull access denied",
    "Error response from daemon: unauthorized",
    "Error response from daemon: OCI runtime create failed",
    "unresolvable CDI devices",
};

/* What a plan in JSON says beside the numbers of struct timing. */
struct plan_text {
    struct timing *timing;
    bool latency_given[API_CALL_COUNT];
    bool boot_given, ssh_given, ssh_connect_given;
    struct {
        bool latency_given[API_CALL_COUNT], boot_given, ssh_given, ssh_connect_given;
        enum provenance latency[API_CALL_COUNT], boot, ssh, ssh_connect;
    } from;
};

/* A member whose reader is given the whole struct. */
#define WHOLE(json_name, function)                                                                                     \
    {                                                                                                                  \
        .name = json_name, .name_length = sizeof(json_name) - 1, .kind = FIELD_CUSTOM, .read = function                \
    }

/* Reads the number that is due as counts of 10^-digits, from 0 to `most`. */
static void read_amount(struct json_reader *reader, int digits, int64_t most, const char *expected, int64_t *out)
{
    enum json_kind kind;
    struct span raw;
    if (json_read_raw(reader, &kind, &raw) &&
        (kind != JSON_NUMBER || !decimal_parse(raw, digits, out) || *out < 0 || *out > most)) {
        json_reject(reader, expected);
    }
}

static void read_seconds(struct json_reader *reader, int64_t *out)
{
    read_amount(reader, 9, PLAN_DURATION_MAX_NS, not_seconds, out);
}

static void read_permille(struct json_reader *reader, int64_t *out)
{
    read_amount(reader, 3, 1000, "expected a share from 0 to 1", out);
}

/* Reads the text that is due into `out`; "" and a mistake when it is none or too long. */
static void read_word(struct json_reader *reader, char *out, size_t size, const char *expected)
{
    enum json_kind kind;
    struct span raw;
    out[0] = '\0';
    if (json_read_raw(reader, &kind, &raw) && (kind != JSON_STRING || !json_string_copy(raw, out, size))) {
        json_reject(reader, expected);
    }
}

static void enter_list(struct json_reader *reader)
{
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected a list in brackets");
    }
}

/* Calls `read` for each member of the object that is due, with the API call that its key names. */
static void read_by_call(struct json_reader *reader, struct plan_text *plan,
                         void (*read)(struct json_reader *reader, struct plan_text *plan, enum api_call call))
{
    struct span key;
    bool seen[API_CALL_COUNT] = {false};
    if (!json_enter_object(reader)) {
        json_reject(reader, "expected an object in braces");
    }
    while (json_next_member(reader, &key)) {
        char name[16] = "";
        enum api_call call = json_string_copy(key, name, sizeof name) ? api_call_by_name(name) : API_CALL_COUNT;
        if (call == API_CALL_COUNT) {
            json_reject(
                reader,
                "expected an API call's name: search, create, show, list, destroy, account, state, logs, other, ...");
        } else if (seen[call]) {
            json_reject(reader, "this key is given twice");
        } else {
            seen[call] = true;
            read(reader, plan, call);
        }
    }
}

static void read_call_latency(struct json_reader *reader, struct plan_text *plan, enum api_call call)
{
    read_seconds(reader, &plan->timing->latency_ns[call]);
    plan->latency_given[call] = true;
}

static void read_latencies(struct json_reader *reader, void *whole)
{
    read_by_call(reader, whole, read_call_latency);
}

static void read_effect_share(struct json_reader *reader, void *whole)
{
    read_permille(reader, &((struct plan_text *)whole)->timing->effect_permille);
}

static void read_jitter(struct json_reader *reader, void *whole)
{
    read_permille(reader, &((struct plan_text *)whole)->timing->jitter_permille);
}

static void read_refused(struct json_reader *reader, void *whole)
{
    read_seconds(reader, &((struct plan_text *)whole)->timing->refused_ns);
}

static void read_connect_share(struct json_reader *reader, void *whole)
{
    struct plan_text *plan = whole;
    read_permille(reader, &plan->timing->ssh_connect_permille);
    plan->ssh_connect_given = true;
}

static void read_sessions(struct json_reader *reader, void *whole)
{
    struct plan_text *plan = whole;
    struct timing *timing = plan->timing;
    enter_list(reader);
    timing->ssh_session_count = 0;
    while (json_next_element(reader)) {
        if (timing->ssh_session_count == TIMING_SESSIONS_MAX) {
            json_reject(reader, "expected at most 32 sessions");
            return;
        }
        read_seconds(reader, &timing->ssh_session_ns[timing->ssh_session_count++]);
    }
    if (timing->ssh_session_count == 0) {
        json_reject(reader, "expected at least one session");
    }
    plan->ssh_given = true;
}

static void read_status_name(struct json_reader *reader, void *member)
{
    char text[32];
    if (json_peek(reader) == JSON_NULL) {
        json_skip(reader);
        *(enum actual_status *)member = ACTUAL_PROVISIONING;
        return;
    }
    static const char *const expected =
        "expected a status that Vast.ai documents (\"loading\", \"running\", ...), or null";
    read_word(reader, text, sizeof text, expected);
    *(enum actual_status *)member = actual_status_by_text(text);
    if (*(enum actual_status *)member == ACTUAL_COUNT) {
        json_reject(reader, expected);
    }
}

static void read_status_message(struct json_reader *reader, void *member)
{
    char text[64];
    if (json_peek(reader) == JSON_NULL) {
        json_skip(reader);
        return;
    }
    static const char *const expected = "expected null or one of \"success, running\", \"Retrying in 2 seconds\", "
                                        "\"Error response from daemon: ...\", \"unresolvable CDI devices\"";
    read_word(reader, text, sizeof text, expected);
    for (size_t i = 0; i < ARRAY_LENGTH(status_messages); i++) {
        if (strcmp(text, status_messages[i]) == 0) {
            *(const char **)member = status_messages[i];
            return;
        }
    }
    json_reject(reader, expected);
}

static void read_stage(struct json_reader *reader, void *member)
{
    char text[16];
    static const char *const expected =
        "expected one of \"refused\", \"closes\", \"resets\", \"silent\", \"key_denied\", \"ready\", \"unreachable\"";
    read_word(reader, text, sizeof text, expected);
    *(enum ssh_stage *)member = ssh_stage_by_name(text);
    if (*(enum ssh_stage *)member == SSH_STAGE_COUNT) {
        json_reject(reader, expected);
    }
}

static void read_ports(struct json_reader *reader, void *member)
{
    char text[16];
    static const char *const expected = "expected \"proxy\" or \"direct\"";
    read_word(reader, text, sizeof text, expected);
    enum ssh_port port = ssh_port_by_name(text);
    if (port == SSH_PORT_COUNT) {
        json_reject(reader, expected);
    } else {
        *(uint32_t *)member = 1U << port;
    }
}

static void read_after(struct json_reader *reader, void *member)
{
    read_seconds(reader, member);
}

/* Whether one more step may follow `count` steps, of which the last is at `last_ns`. */
static bool step_fits(struct json_reader *reader, size_t count, int64_t last_ns, int64_t after_ns)
{
    if (after_ns < 0) {
        json_reject(reader, "expected after_s in each step");
    } else if (count == TIMELINE_STEPS_MAX) {
        json_reject(reader, "expected at most 32 steps");
    } else if (count > 0 && after_ns < last_ns) {
        json_reject(reader, "expected after_s in ascending order");
    }
    return reader->mistake == NULL;
}

static void read_boot(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct status_step, after_ns, "after_s", read_after),
        JSON_CUSTOM(struct status_step, status, "status", read_status_name),
        JSON_CUSTOM(struct status_step, status_msg, "status_msg", read_status_message),
    };
    struct plan_text *plan = whole;
    struct machine_timeline *timeline = &plan->timing->timeline;
    enter_list(reader);
    timeline->status_count = 0;
    while (json_next_element(reader)) {
        struct status_step step = {.after_ns = -1, .status = ACTUAL_COUNT};
        size_t count = timeline->status_count;
        int64_t last_ns = count == 0 ? 0 : timeline->statuses[count - 1].after_ns;
        if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), &step, JSON_STRICT) ||
            !step_fits(reader, count, last_ns, step.after_ns)) {
            return;
        }
        if (step.status == ACTUAL_COUNT) {
            json_reject(reader, "expected a status in each step");
            return;
        }
        timeline->statuses[timeline->status_count++] = step;
    }
    plan->boot_given = true;
}

static void read_ssh(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        JSON_CUSTOM(struct ssh_step, after_ns, "after_s", read_after),
        JSON_CUSTOM(struct ssh_step, stage, "stage", read_stage),
        JSON_CUSTOM(struct ssh_step, ports, "port", read_ports),
    };
    struct plan_text *plan = whole;
    struct machine_timeline *timeline = &plan->timing->timeline;
    enter_list(reader);
    timeline->ssh_count = 0;
    while (json_next_element(reader)) {
        struct ssh_step step = {.after_ns = -1, .stage = SSH_STAGE_COUNT};
        size_t count = timeline->ssh_count;
        int64_t last_ns = count == 0 ? 0 : timeline->ssh[count - 1].after_ns;
        if (!json_decode_object(reader, fields, ARRAY_LENGTH(fields), &step, JSON_STRICT) ||
            !step_fits(reader, count, last_ns, step.after_ns)) {
            return;
        }
        if (step.stage == SSH_STAGE_COUNT) {
            json_reject(reader, "expected a stage in each step");
            return;
        }
        timeline->ssh[timeline->ssh_count++] = step;
    }
    plan->boot_given = true;
}

static enum provenance read_provenance_name(struct json_reader *reader)
{
    char text[16];
    static const char *const expected = "expected one of \"measured\", \"derived\", \"quoted\", \"assumed\"";
    read_word(reader, text, sizeof text, expected);
    for (int i = PROVENANCE_MEASURED; i <= PROVENANCE_ASSUMED; i++) {
        if (strcmp(text, provenance_name((enum provenance)i)) == 0) {
            return (enum provenance)i;
        }
    }
    json_reject(reader, expected);
    return PROVENANCE_ASSUMED;
}

static void read_call_provenance(struct json_reader *reader, struct plan_text *plan, enum api_call call)
{
    plan->from.latency[call] = read_provenance_name(reader);
    plan->from.latency_given[call] = true;
}

static void read_latency_provenance(struct json_reader *reader, void *whole)
{
    read_by_call(reader, whole, read_call_provenance);
}

static void read_boot_provenance(struct json_reader *reader, void *whole)
{
    struct plan_text *plan = whole;
    plan->from.boot = read_provenance_name(reader);
    plan->from.boot_given = true;
}

static void read_ssh_provenance(struct json_reader *reader, void *whole)
{
    struct plan_text *plan = whole;
    plan->from.ssh = read_provenance_name(reader);
    plan->from.ssh_given = true;
}

static void read_connect_provenance(struct json_reader *reader, void *whole)
{
    struct plan_text *plan = whole;
    plan->from.ssh_connect = read_provenance_name(reader);
    plan->from.ssh_connect_given = true;
}

static void read_provenance(struct json_reader *reader, void *whole)
{
    static const struct json_field fields[] = {
        WHOLE("latency", read_latency_provenance),
        WHOLE("ssh_sessions", read_ssh_provenance),
        WHOLE("ssh_connect_share", read_connect_provenance),
        WHOLE("boot", read_boot_provenance),
    };
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), whole, JSON_STRICT);
}

static void settle(enum provenance *out, bool value_given, bool from_given, enum provenance from)
{
    if (from_given) {
        *out = from;
    } else if (value_given) {
        *out = PROVENANCE_ASSUMED;
    }
}

void timing_read(struct json_reader *reader, struct timing *timing)
{
    static const struct json_field fields[] = {
        WHOLE("latency_s", read_latencies),
        WHOLE("effect_share", read_effect_share),
        WHOLE("jitter", read_jitter),
        WHOLE("refused_s", read_refused),
        WHOLE("ssh_sessions_s", read_sessions),
        WHOLE("ssh_connect_share", read_connect_share),
        WHOLE("boot", read_boot),
        WHOLE("ssh", read_ssh),
        WHOLE("provenance", read_provenance),
    };
    struct plan_text plan = {.timing = timing};
    json_decode_object(reader, fields, ARRAY_LENGTH(fields), &plan, JSON_STRICT);
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        settle(&timing->latency_from[i], plan.latency_given[i], plan.from.latency_given[i], plan.from.latency[i]);
    }
    settle(&timing->boot_from, plan.boot_given, plan.from.boot_given, plan.from.boot);
    settle(&timing->ssh_from, plan.ssh_given, plan.from.ssh_given, plan.from.ssh);
    settle(&timing->ssh_connect_from, plan.ssh_connect_given, plan.from.ssh_connect_given, plan.from.ssh_connect);
}

static void write_timeline(struct json_writer *writer, const struct machine_timeline *timeline)
{
    json_key(writer, "boot");
    json_begin_array(writer);
    for (size_t i = 0; i < timeline->status_count; i++) {
        json_begin_object(writer);
        json_member_decimal(writer, "after_s", timeline->statuses[i].after_ns, 9);
        json_member_string(writer, "status", actual_status_text(timeline->statuses[i].status));
        json_member_string(writer, "status_msg", timeline->statuses[i].status_msg);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "ssh");
    json_begin_array(writer);
    for (size_t i = 0; i < timeline->ssh_count; i++) {
        json_begin_object(writer);
        json_member_decimal(writer, "after_s", timeline->ssh[i].after_ns, 9);
        json_member_string(writer, "stage", ssh_stage_name(timeline->ssh[i].stage));
        if (timeline->ssh[i].ports != 0) {
            bool proxy = ssh_step_is_of(&timeline->ssh[i], SSH_PORT_PROXY);
            json_member_string(writer, "port", ssh_port_name(proxy ? SSH_PORT_PROXY : SSH_PORT_DIRECT));
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_provenance(struct json_writer *writer, const struct timing *timing)
{
    json_key(writer, "provenance");
    json_begin_object(writer);
    json_key(writer, "latency");
    json_begin_object(writer);
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        json_member_string(writer, api_call_name((enum api_call)i), provenance_name(timing->latency_from[i]));
    }
    json_end_object(writer);
    json_member_string(writer, "ssh_sessions", provenance_name(timing->ssh_from));
    json_member_string(writer, "ssh_connect_share", provenance_name(timing->ssh_connect_from));
    json_member_string(writer, "boot", provenance_name(timing->boot_from));
    json_end_object(writer);
}

void timing_write(struct json_writer *writer, const struct timing *timing)
{
    json_begin_object(writer);
    json_key(writer, "latency_s");
    json_begin_object(writer);
    for (size_t i = 0; i < API_CALL_COUNT; i++) {
        json_member_decimal(writer, api_call_name((enum api_call)i), timing->latency_ns[i], 9);
    }
    json_end_object(writer);
    json_member_decimal(writer, "effect_share", timing->effect_permille, 3);
    json_member_decimal(writer, "jitter", timing->jitter_permille, 3);
    json_member_decimal(writer, "refused_s", timing->refused_ns, 9);
    json_key(writer, "ssh_sessions_s");
    json_begin_array(writer);
    for (size_t i = 0; i < timing->ssh_session_count; i++) {
        json_decimal(writer, timing->ssh_session_ns[i], 9);
    }
    json_end_array(writer);
    json_member_decimal(writer, "ssh_connect_share", timing->ssh_connect_permille, 3);
    write_timeline(writer, &timing->timeline);
    write_provenance(writer, timing);
    json_end_object(writer);
}
