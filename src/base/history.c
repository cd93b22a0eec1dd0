#include "base/history.h"

#include <string.h>

#include "base/json_decode.h"
#include "base/json_write.h"

#define HISTORY_TEXT_LIMIT ((size_t)1 << 30)

/* Later moments could not be told in nanoseconds. */
#define T_US_MAX (INT64_MAX / 1000)

enum { SHORTEST_SECRET = 8 };

static const char HIDDEN[] = "[hidden]";
static const char *const STREAM_NAMES[] = {[HISTORY_CLIENT] = "client", [HISTORY_CLOUD] = "cloud"};

void history_init(struct history *history, struct heap *heap)
{
    *history = (struct history){0};
    buffer_init(&history->text, heap, HISTORY_TEXT_LIMIT);
}

void history_release(struct history *history)
{
    buffer_release(&history->text);
    *history = (struct history){0};
}

/* A secret is kept as it stands between the quotes of a JSON string, because that is where it would appear. */
bool history_hide(struct history *history, const char *secret)
{
    if (strlen(secret) < SHORTEST_SECRET) {
        return true;
    }
    char quoted[HISTORY_SECRET_SIZE + 2];
    struct buffer buffer;
    struct json_writer writer;
    buffer_init_fixed(&buffer, quoted, sizeof quoted);
    json_writer_init(&writer, &buffer, 0);
    json_string(&writer, secret);
    if (buffer.failed || history->secret_count == HISTORY_SECRETS_MAX) {
        return false;
    }
    struct history_secret *kept = &history->secrets[history->secret_count++];
    kept->length = buffer.length - 2;
    memcpy(kept->text, quoted + 1, kept->length);
    memset(kept->skip, (int)kept->length, sizeof kept->skip);
    for (size_t i = 0; i + 1 < kept->length; i++) {
        kept->skip[(unsigned char)kept->text[i]] = (unsigned char)(kept->length - 1 - i);
    }
    return true;
}

/* Where the secret first stands in `text` at or after `from`; the text's length when nowhere. Horspool's search. */
static size_t find_text(struct span text, size_t from, const struct history_secret *secret)
{
    size_t last = secret->length - 1;
    while (text.length - from > last) {
        unsigned char end = (unsigned char)text.at[from + last];
        if (end == (unsigned char)secret->text[last] && memcmp(text.at + from, secret->text, last) == 0) {
            return from;
        }
        from += secret->skip[end];
    }
    return text.length;
}

/*
 * Whether a character of a JSON string begins at `at`. Elsewhere (in a number, in the middle of an escape) hiding would break
 * the line.
 */
static bool begins_inside_string(struct span json, size_t at)
{
    bool inside = false;
    size_t i = 0;
    while (i < at) {
        if (inside && json.at[i] == '\\') {
            i += json.at[i + 1] == 'u' ? 6 : 2;
            continue;
        }
        inside = json.at[i] == '"' ? !inside : inside;
        i++;
    }
    return inside && i == at;
}

/* The first secret in `json` at or after `from`, the longest if several begin there. */
static size_t find_secret(const struct history *history, struct span json, size_t from, size_t *length)
{
    size_t nearest = json.length;
    *length = 0;
    for (size_t i = 0; i < history->secret_count; i++) {
        size_t secret_length = history->secrets[i].length;
        size_t at = find_text(json, from, &history->secrets[i]);
        if (at < nearest || (at == nearest && at < json.length && secret_length > *length)) {
            nearest = at;
            *length = secret_length;
        }
    }
    return nearest;
}

static void append_hiding(struct history *history, struct span json)
{
    size_t done = 0;
    size_t from = 0;
    while (from < json.length) {
        size_t length;
        size_t at = find_secret(history, json, from, &length);
        if (at < json.length && !begins_inside_string(json, at)) {
            from = at + 1;
            continue;
        }
        buffer_append(&history->text, json.at + done, at - done);
        if (at < json.length) {
            buffer_append(&history->text, HIDDEN, sizeof HIDDEN - 1);
        }
        done = at + length;
        from = done;
    }
    if (done < json.length) {
        buffer_append(&history->text, json.at + done, json.length - done);
    }
}

static void append_object(struct history *history, struct json_writer *writer, const char *key, struct span object)
{
    json_key(writer, key);
    json_raw(writer, span_of(""));
    append_hiding(history, object.length == 0 ? span_of("{}") : object);
}

void history_add(struct history *history, int64_t now_ns, enum history_stream stream, const char *actor,
                 const char *kind, struct span ids, struct span data)
{
    size_t before = history->text.length;
    struct json_writer writer;
    json_writer_init(&writer, &history->text, 0);
    json_begin_object(&writer);
    json_member_int(&writer, "seq", (int64_t)history->next_seq);
    json_member_int(&writer, "t_us", now_ns / 1000);
    json_member_string(&writer, "stream", STREAM_NAMES[stream]);
    json_member_string(&writer, "actor", actor);
    json_member_string(&writer, "kind", kind);
    append_object(history, &writer, "ids", ids);
    append_object(history, &writer, "data", data);
    json_end_object(&writer);
    buffer_append_char(&history->text, '\n');
    history->next_seq++;
    if (history->text.failed) {
        /* Half a line is worse than none: take it back and count it. */
        history->text.failed = false;
        history->text.length = before;
        if (history->text.data != NULL) {
            history->text.data[before] = '\0';
        }
        history->lost++;
    }
}

void history_cursor_init(struct history_cursor *cursor, struct span text)
{
    *cursor = (struct history_cursor){.text = text};
}

struct raw_object {
    enum presence presence;
    struct span raw;
};

static void read_raw_object(struct json_reader *reader, void *member)
{
    struct raw_object *object = member;
    enum json_kind kind;
    if (json_read_raw(reader, &kind, &object->raw)) {
        object->presence = kind == JSON_OBJECT ? PRESENT : WRONG_TYPE;
    }
}

struct event_line {
    struct maybe_int64 seq, t_us;
    MAYBE_TEXT(16) stream;
    MAYBE_TEXT(HISTORY_ACTOR_SIZE) actor;
    MAYBE_TEXT(HISTORY_KIND_SIZE) kind;
    struct raw_object ids, data;
};

static const struct json_field EVENT_FIELDS[] = {
    JSON_INT64(struct event_line, seq, "seq"),
    JSON_INT64(struct event_line, t_us, "t_us"),
    JSON_TEXT(struct event_line, stream, "stream"),
    JSON_TEXT(struct event_line, actor, "actor"),
    JSON_TEXT(struct event_line, kind, "kind"),
    JSON_CUSTOM(struct event_line, ids, "ids", read_raw_object),
    JSON_CUSTOM(struct event_line, data, "data", read_raw_object),
};

/* What is wrong with a well-formed line, or NULL. */
static const char *mistake_in(const struct event_line *line)
{
    if (line->seq.presence != PRESENT || line->seq.value < 0) {
        return "\"seq\" must be a whole number from 0";
    }
    if (line->t_us.presence != PRESENT || line->t_us.value < 0 || line->t_us.value > T_US_MAX) {
        return "\"t_us\" must be whole microseconds from 0";
    }
    if (line->stream.presence != PRESENT || (strcmp(line->stream.text, STREAM_NAMES[HISTORY_CLIENT]) != 0 &&
                                             strcmp(line->stream.text, STREAM_NAMES[HISTORY_CLOUD]) != 0)) {
        return "\"stream\" must be \"client\" or \"cloud\"";
    }
    if (line->kind.presence != PRESENT || line->kind.text[0] == '\0') {
        return "\"kind\" must be a text";
    }
    if (line->ids.presence == WRONG_TYPE || line->data.presence == WRONG_TYPE) {
        return "\"ids\" and \"data\" must be objects";
    }
    return NULL;
}

static struct span object_or_empty(const struct raw_object *object)
{
    return object->presence == PRESENT ? object->raw : span_of("{}");
}

static const char *read_event(struct span text, struct history_event *event)
{
    struct event_line line = {0};
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    (void)json_decode_object(&reader, EVENT_FIELDS, ARRAY_LENGTH(EVENT_FIELDS), &line, JSON_TOLERANT);
    if (!json_finish(&reader)) {
        return reader.mistake;
    }
    const char *mistake = mistake_in(&line);
    if (mistake != NULL) {
        return mistake;
    }
    *event = (struct history_event){
        .seq = (uint64_t)line.seq.value,
        .t_us = line.t_us.value,
        .stream = strcmp(line.stream.text, STREAM_NAMES[HISTORY_CLIENT]) == 0 ? HISTORY_CLIENT : HISTORY_CLOUD,
        .ids = object_or_empty(&line.ids),
        .data = object_or_empty(&line.data),
    };
    (void)text_copy(event->actor, sizeof event->actor, line.actor.text);
    (void)text_copy(event->kind, sizeof event->kind, line.kind.text);
    return NULL;
}

/* Takes the next line that is not empty. False at the end of the text. */
static bool next_line(struct history_cursor *cursor, struct span *line, bool *finished)
{
    while (cursor->at < cursor->text.length) {
        const char *start = cursor->text.at + cursor->at;
        size_t rest = cursor->text.length - cursor->at;
        const char *end = memchr(start, '\n', rest);
        *finished = end != NULL;
        *line = (struct span){start, *finished ? (size_t)(end - start) : rest};
        cursor->at += line->length + (*finished ? 1 : 0);
        cursor->line++;
        if (line->length > 0) {
            return true;
        }
    }
    return false;
}

bool history_next(struct history_cursor *cursor, struct history_event *event, struct error *error)
{
    struct span line;
    bool finished;
    *error = (struct error){.code = ERR_OK};
    if (!next_line(cursor, &line, &finished)) {
        return false;
    }
    const char *mistake = read_event(line, event);
    if (mistake != NULL && finished) {
        (void)error_set(error, ERR_INPUT_INVALID, "history line %zu: %s", cursor->line, mistake);
        error_advise(error, "give a history.jsonl that dumont, dumont-fake or dumont-sim wrote");
    }
    return mistake == NULL;
}
