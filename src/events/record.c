#include "events/record.h"

#include <string.h>

#include "base/json_decode.h"
#include "base/json_write.h"
#include "events/webhook.h"

static const int64_t statement_limit_ns = 5 * NS_PER_S;

enum error_code event_statement(struct world *world, enum store_statement statement, const struct store_value *values,
                                size_t count, store_row_function *row, void *context, struct store_result *result)
{
    return world_store(world, statement, values, count, row, context, result,
                       world_real_deadline_ns(world, statement_limit_ns));
}

void event_record_write_payload(struct event_record *record, int64_t instance_id, bool rehearsal)
{
    char at_storage[48];
    struct buffer at;
    buffer_init_fixed(&at, at_storage, sizeof at_storage);
    wall_time_append(&at, (struct wall_time){record->created_unix_ns}, 3);
    struct buffer payload;
    buffer_init_fixed(&payload, record->payload, sizeof record->payload);
    struct json_writer writer;
    json_writer_init(&writer, &payload, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "event_id", record->id);
    json_member_string(&writer, "event", record->kind);
    json_member_int(&writer, "instance_id", instance_id);
    json_member_string(&writer, "at", at_storage);
    if (rehearsal) {
        json_member_bool(&writer, "rehearsal", true);
    }
    json_end_object(&writer);
}

struct payload_members {
    struct maybe_bool rehearsal;
};

bool event_is_rehearsed(const char *payload)
{
    static const struct json_field fields[] = {JSON_BOOLEAN(struct payload_members, rehearsal, "rehearsal")};
    struct payload_members members = {{ABSENT, false}};
    struct json_reader reader;
    json_reader_init(&reader, payload, strlen(payload));
    (void)json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &members, JSON_TOLERANT);
    return bool_or(members.rehearsal, false);
}

bool event_text(const struct store_value *column, char *out, size_t size)
{
    if (column->kind != STORE_TEXT || column->text.length >= size) {
        return false;
    }
    memcpy(out, column->text.at, column->text.length);
    out[column->text.length] = '\0';
    return strlen(out) == column->text.length;
}

bool event_record_read(struct event_record *record, const struct store_value *columns, size_t count)
{
    bool readable = count == 4 && event_text(&columns[0], record->id, sizeof record->id) &&
                    event_text(&columns[1], record->kind, sizeof record->kind) && columns[2].kind == STORE_INT &&
                    event_text(&columns[3], record->payload, sizeof record->payload);
    record->created_unix_ns = readable ? columns[2].integer : 0;
    return readable;
}

struct subscriber_list {
    int64_t ids[EVENT_SUBSCRIBERS_MAX];
    size_t count;
    size_t skipped;
    size_t elsewhere;
    const char *kind;
    bool rehearsed;
};

/* `names` is "*" or names of events with commas between them. */
static bool subscribes(struct span names, const char *kind)
{
    size_t length = strlen(kind);
    size_t start = 0;
    if (span_equals(names, "*")) {
        return true;
    }
    for (size_t at = 0; at <= names.length; at++) {
        if (at < names.length && names.at[at] != ',') {
            continue;
        }
        if (at - start == length && memcmp(names.at + start, kind, length) == 0) {
            return true;
        }
        start = at + 1;
    }
    return false;
}

/* A URL that cannot be read belongs to nobody here. */
static bool is_on_this_machine(struct span url)
{
    char text[WEBHOOK_URL_SIZE];
    const struct store_value column = {.kind = STORE_TEXT, .text = url};
    bool local = event_text(&column, text, sizeof text) && webhook_is_local(text);
    memset(text, 0, sizeof text); /* it may be a secret */
    return local;
}

static void take_subscriber(void *context, const struct store_value *columns, size_t count)
{
    struct subscriber_list *list = context;
    bool readable = count == 4 && columns[0].kind == STORE_INT && columns[2].kind == STORE_TEXT;
    if (!readable) {
        list->skipped++;
    } else if (subscribes(columns[2].text, list->kind)) {
        if (list->rehearsed && !(columns[1].kind == STORE_TEXT && is_on_this_machine(columns[1].text))) {
            list->elsewhere++;
        } else if (list->count < EVENT_SUBSCRIBERS_MAX) {
            list->ids[list->count++] = columns[0].integer;
        } else {
            list->skipped++;
        }
    }
}

enum error_code event_record_store(struct world *world, const struct event_record *record, struct event_stored *stored,
                                   struct store_result *result)
{
    struct subscriber_list list = {.kind = record->kind, .rehearsed = event_is_rehearsed(record->payload)};
    if (event_statement(world, STORE_SUBSCRIBERS, NULL, 0, take_subscriber, &list, result) != ERR_OK) {
        return result->code;
    }
    const struct store_value row[] = {store_text(record->id), store_text(record->kind),
                                      store_int(record->created_unix_ns), store_text(record->payload)};
    (void)event_statement(world, STORE_EVENT_ADD, row, ARRAY_LENGTH(row), NULL, NULL, result);
    for (size_t i = 0; i < list.count && result->code == ERR_OK; i++) {
        const struct store_value delivery[] = {store_text(record->id), store_int(list.ids[i])};
        (void)event_statement(world, STORE_DELIVERY_ADD, delivery, ARRAY_LENGTH(delivery), NULL, NULL, result);
    }
    *stored = (struct event_stored){list.count, list.skipped, list.elsewhere};
    return result->code;
}
