#include <string.h>

#include "base/history.h"
#include "base/json_read.h"
#include "base/units.h"
#include "report/facts.h"
#include "report/report.h"

enum { VALUE_SIZE = 400, TIME_WIDTH = 12, KIND_WIDTH = 18 };

/*
 * How each kind reads. {name} is the value of that member of ids or data; a part in brackets is left out when one of its
 * members is absent or null; {=name} takes null for a value. Units follow from the name's ending.
 */
static const struct {
    const char *kind;
    const char *words;
} SENTENCES[] = {
    {"client.start", "{journey} begins[, version {version}][, world {world}][, seed {seed}][, scenario {scenario}]"
                     "[, times from {timing}]"},
    {"phase.start", "{name} begins"},
    {"phase.end", "{name} ends: {outcome}"},
    {"http.req", "#{req} {method} {path}[, {bytes} bytes]"},
    {"http.resp", "#{req}[ answered {status}][, {bytes} bytes][ failed: {error}]"},
    {"search.result", "{found} offers found, {fitting} fit"},
    {"offer.chosen", "offer {offer}[ on machine {machine}][: {num_gpus} x][ {gpu_name}][ at {price_nusd_per_hour}/h]"
                     "[, {geolocation}]"},
    {"ledger.write", "{label} is {state}"},
    {"inst.created", "instance {instance}[, label {label}]"},
    {"inst.seen", "instance {instance}[ status {=actual_status}][, wanted {intended_status}][, SSH {ssh_host}]"
                  "[:{ssh_port}][, up {uptime_us}][, says: {status_msg}][ gone: {gone}]"},
    {"ssh.open", "session {ssh} to {host}:{port}"},
    {"ssh.exec", "session {ssh} runs: {command}"},
    {"ssh.close", "session {ssh} ends: {outcome}[, exit status {exit_status}][, {stdout_bytes} bytes]"},
    {"gpu.info", "{name}[, {memory_total_mib} MiB][, driver {driver_version}]"},
    {"validation", "{name}[, passed: {passed}]"},
    {"account.seen", "credit {credit_nusd}"},
    {"client.decide", "{what}[ instance {instance}][ {label}][: {why}]"},
    {"fault.seen", "{fault}[: {text}]"},
    {"event.emitted", "event {event}[: {name}][, instance {instance}]"},
    {"event.stored", "event {event}[, {subscribers} subscribers]"},
    {"event.spooled", "event {event} waits in the state folder[: {error}][, SQLSTATE {sqlstate}]"},
    {"event.undelivered", "event {event}[: {error}][, SQLSTATE {sqlstate}]"},
    {"webhook.sent", "event {event} to webhook {webhook}[, attempt {attempt}][: {outcome}][, {reason}]"},
    {"log.line", "{level}: {text}"},
    {"client.report", "{outcome}[, exit status {exit_status}][, error {error}][, machines left {machines_left}]"},
    {"client.exit", "exit status {exit_status}"},
    {"client.kill", "killed here[, event {event_index}]"},
};

static bool find_member(struct span object, struct span name, enum json_kind *kind, struct span *value)
{
    struct json_reader reader;
    struct span key;
    json_reader_init(&reader, object.at, object.length);
    if (!json_enter_object(&reader)) {
        return false;
    }
    while (json_next_member(&reader, &key)) {
        if (key.length == name.length && memcmp(key.at, name.at, key.length) == 0) {
            return json_read_raw(&reader, kind, value);
        }
        json_skip(&reader);
    }
    return false;
}

static bool contains(struct span name, const char *part)
{
    size_t length = strlen(part);
    for (size_t at = 0; at + length <= name.length; at++) {
        if (memcmp(name.at + at, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static void append_value(struct buffer *out, struct span name, enum json_kind kind, struct span value)
{
    char text[VALUE_SIZE];
    int64_t number;
    if (kind == JSON_STRING) {
        (void)json_string_copy(value, text, sizeof text);
        clean_copy(text, sizeof text, text);
        buffer_append_text(out, text);
    } else if (contains(name, "_nusd") && json_number_int64(value, &number)) {
        buffer_append_char(out, '$');
        decimal_append(out, number, 9, 2);
    } else if (contains(name, "_us") && json_number_int64(value, &number)) {
        decimal_append(out, number, 6, 2);
        buffer_append_text(out, " s");
    } else {
        (void)text_format(text, sizeof text, "%.*s", (int)(value.length < VALUE_SIZE ? value.length : VALUE_SIZE),
                          value.at);
        clean_copy(text, sizeof text, text);
        buffer_append_text(out, text);
    }
}

/* Writes `words` with its members' values. False when one of them is absent. */
static bool append_words(struct buffer *out, struct span words, const struct history_event *event)
{
    bool whole = true;
    for (size_t at = 0; at < words.length; at++) {
        if (words.at[at] != '{') {
            buffer_append_char(out, words.at[at]);
            continue;
        }
        const char *close = memchr(words.at + at, '}', words.length - at);
        bool null_counts = words.at[at + 1] == '=';
        at += null_counts ? 2 : 1;
        struct span name = {words.at + at, (size_t)(close - words.at) - at};
        enum json_kind kind = JSON_INVALID;
        struct span value = {0};
        bool found = find_member(event->data, name, &kind, &value) || find_member(event->ids, name, &kind, &value);
        if (found && (kind != JSON_NULL || null_counts)) {
            append_value(out, name, kind, value);
        } else {
            buffer_append_char(out, '?');
            whole = false;
        }
        at += name.length;
    }
    return whole;
}

static void append_sentence(struct buffer *out, const char *words, const struct history_event *event)
{
    while (*words != '\0') {
        bool optional = *words == '[';
        const char *begin = words + (optional ? 1 : 0);
        struct span part = {begin, strcspn(begin, optional ? "]" : "[")};
        size_t before = out->length;
        if (!append_words(out, part, event) && optional && !out->failed) {
            out->length = before;
            out->data[before] = '\0';
        }
        words = part.at + part.length + (optional ? 1 : 0);
    }
}

static void append_padded(struct buffer *out, const char *text, size_t width, bool right)
{
    size_t length = strlen(text);
    size_t padding = length < width ? width - length : 0;
    buffer_append_repeated(out, " ", right ? padding : 0);
    buffer_append_text(out, text);
    buffer_append_repeated(out, " ", right ? 0 : padding);
}

static void append_event(struct buffer *out, const struct history_event *event)
{
    char time[32];
    struct buffer buffer;
    buffer_init_fixed(&buffer, time, sizeof time);
    decimal_append(&buffer, event->t_us, 6, 6);
    append_padded(out, time, TIME_WIDTH, true);
    buffer_append_text(out, "  ");
    char kind[HISTORY_KIND_SIZE];
    clean_copy(kind, sizeof kind, event->kind);
    append_padded(out, kind, KIND_WIDTH, false);
    for (size_t i = 0; i < ARRAY_LENGTH(SENTENCES); i++) {
        if (strcmp(event->kind, SENTENCES[i].kind) == 0) {
            buffer_append_char(out, ' ');
            append_sentence(out, SENTENCES[i].words, event);
        }
    }
    buffer_append_char(out, '\n');
}

enum error_code report_write_log(struct span history, struct buffer *out, struct error *error)
{
    struct history_cursor cursor;
    struct history_event event;
    history_cursor_init(&cursor, history);
    while (history_next(&cursor, &event, error)) {
        if (event.stream == HISTORY_CLIENT) {
            append_event(out, &event);
        }
    }
    return error->code;
}
