#include <stdlib.h>
#include <string.h>

#include "base/json_decode.h"
#include "base/json_write.h"
#include "cli/dumont.h"
#include "cli/events_store.h"

enum { OUTPUT_SIZE_MAX = 64 * 1024 * 1024 };

/* The store under work, and what will be printed when all went well. */
struct events_work {
    const struct dumont_values *values;
    struct heap *heap;
    struct events_store *store;
    struct buffer text;
    struct json_writer writer; /* of `text`, with --json */
    size_t count;
};

/* A store that cannot be opened or written is a fault of this machine; one without its tables has a cure, and is none. */
static enum exit_status status_of(const struct error *error, enum exit_status status)
{
    bool environment = error->code == ERR_STORE_UNAVAILABLE || error->code == ERR_STORE_REJECTED;
    return environment ? EXIT_ENVIRONMENT : status;
}

typedef enum error_code events_work_function(struct events_work *work, struct error *error);

/* Opens the store, lets `function` work on it, and prints. */
static enum exit_status with_store(const struct dumont_values *values, events_work_function *function)
{
    struct error error;
    struct events_work work = {.values = values};
    frame_allow_no_core();
    struct heap *heap = heap_new();
    work.heap = heap;
    enum error_code code =
        heap == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory") : events_store_open(heap, &work.store, &error);
    if (code == ERR_OK) {
        buffer_init(&work.text, heap, OUTPUT_SIZE_MAX);
        json_writer_init(&work.writer, &work.text, 2);
        code = function(&work, &error);
    }
    if (code == ERR_OK && work.text.failed) {
        code = error_set(&error, ERR_NO_MEMORY, "no memory for so much output; ask for less with --limit");
    }
    if (code == ERR_OK) {
        code = print_text((struct span){buffer_text(&work.text), work.text.length}, &error);
    }
    events_store_close(work.store);
    heap_free(heap);
    return code == ERR_OK ? EXIT_DONE : status_of(&error, say_error(DUMONT_NAME, &error));
}

/* ---- events migrate ----------------------------------------------------------------------------------------------------- */

static void tell_applied(void *context, const char *name)
{
    struct events_work *work = context;
    work->count++;
    if (work->values->json) {
        json_string(&work->writer, name);
    } else if (!work->values->quiet) {
        buffer_printf(&work->text, "applied %s\n", name);
    }
}

static enum error_code migrate(struct events_work *work, struct error *error)
{
    struct store_result result;
    if (work->values->json) {
        json_begin_object(&work->writer);
        json_key(&work->writer, "applied");
        json_begin_array(&work->writer);
    }
    if (events_store_migrate(work->store, tell_applied, work, &result) != ERR_OK) {
        return events_store_refuse(&result, error);
    }
    if (work->values->json) {
        json_end_array(&work->writer);
        json_end_object(&work->writer);
        buffer_append_char(&work->text, '\n');
    } else if (work->count == 0 && !work->values->quiet) {
        buffer_append_text(&work->text, "nothing to do: the events store has all its tables\n");
    }
    return ERR_OK;
}

enum exit_status dumont_events_migrate(void *context, const struct command_line *line)
{
    (void)line;
    return with_store(context, migrate);
}

/* ---- events list -------------------------------------------------------------------------------------------------------- */

/* As STORE_EVENTS_LIST gives them; the spool's have the first four. */
enum event_column {
    COLUMN_ID,
    COLUMN_KIND,
    COLUMN_CREATED,
    COLUMN_PAYLOAD,
    COLUMN_PENDING,
    COLUMN_DELIVERED,
    COLUMN_DEAD
};

static void write_time(struct buffer *out, const struct store_value *created)
{
    if (created->kind == STORE_INT) {
        wall_time_append(out, (struct wall_time){created->integer}, 3);
    }
}

static void write_value(struct json_writer *writer, const char *key, const struct store_value *value)
{
    json_key(writer, key);
    if (value->kind == STORE_INT) {
        json_int(writer, value->integer);
    } else if (value->kind == STORE_TEXT) {
        json_span(writer, value->text);
    } else {
        json_null(writer);
    }
}

/* The payload as the JSON that it should be, else as a text. */
static void write_payload(struct json_writer *writer, const struct store_value *payload)
{
    struct json_reader reader;
    json_reader_init(&reader, payload->text.at, payload->kind == STORE_TEXT ? payload->text.length : 0);
    json_skip(&reader);
    if (json_finish(&reader)) {
        json_key(writer, "payload");
        json_raw(writer, payload->text);
    } else {
        write_value(writer, "payload", payload);
    }
}

/* Without the end of its object. */
static void write_event(struct json_writer *writer, const struct store_value *columns)
{
    char moment[48];
    struct buffer text;
    buffer_init_fixed(&text, moment, sizeof moment);
    write_time(&text, &columns[COLUMN_CREATED]);
    json_begin_object(writer);
    write_value(writer, "event_id", &columns[COLUMN_ID]);
    write_value(writer, "kind", &columns[COLUMN_KIND]);
    json_member_string(writer, "created_at", text.length == 0 ? NULL : moment);
    write_value(writer, "created_unix_ns", &columns[COLUMN_CREATED]);
    write_payload(writer, &columns[COLUMN_PAYLOAD]);
}

static void write_stored_event(struct json_writer *writer, const struct store_value *columns)
{
    write_event(writer, columns);
    write_value(writer, "pending_deliveries", &columns[COLUMN_PENDING]);
    write_value(writer, "delivered_deliveries", &columns[COLUMN_DELIVERED]);
    write_value(writer, "dead_deliveries", &columns[COLUMN_DEAD]);
    json_end_object(writer);
}

/* What a database holds may be hostile to a terminal. */
static void print_clean(struct buffer *out, struct span text)
{
    for (size_t i = 0; i < text.length; i++) {
        bool plain = text.at[i] >= 0x20 && text.at[i] < 0x7f;
        buffer_append_char(out, plain ? text.at[i] : '?');
    }
}

/* The machine that a payload is about; ABSENT when it does not say. */
static struct maybe_int64 instance_of(struct span payload)
{
    struct payload {
        struct maybe_int64 instance_id;
    } found = {0};
    static const struct json_field fields[] = {JSON_INT64(struct payload, instance_id, "instance_id")};
    struct json_reader reader;
    json_reader_init(&reader, payload.at, payload.length);
    bool whole = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &found, JSON_TOLERANT);
    return whole ? found.instance_id : (struct maybe_int64){0};
}

/* Without the end of its line. */
static void print_event(struct buffer *out, const struct store_value *columns)
{
    struct maybe_int64 instance = {.presence = ABSENT};
    if (columns[COLUMN_PAYLOAD].kind == STORE_TEXT) {
        instance = instance_of(columns[COLUMN_PAYLOAD].text);
    }
    write_time(out, &columns[COLUMN_CREATED]);
    buffer_append_text(out, "  ");
    if (columns[COLUMN_KIND].kind == STORE_TEXT) {
        print_clean(out, columns[COLUMN_KIND].text);
    }
    if (instance.presence == PRESENT) {
        buffer_printf(out, "  machine %lld", (long long)instance.value);
    }
}

static void print_stored_event(struct buffer *out, const struct store_value *columns)
{
    static const char *const words[] = {"to deliver", "delivered", "dead"};
    const char *before = "  ";
    print_event(out, columns);
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        int64_t count = columns[COLUMN_PENDING + i].integer;
        if (count > 0) {
            buffer_printf(out, "%s%lld %s", before, (long long)count, words[i]);
            before = ", ";
        }
    }
    buffer_append_char(out, '\n');
}

static void take_event(void *context, const struct store_value *columns, size_t count)
{
    struct events_work *work = context;
    (void)count;
    work->count++;
    if (work->values->json) {
        write_stored_event(&work->writer, columns);
    } else {
        print_stored_event(&work->text, columns);
    }
}

static void take_spooled(void *context, const struct store_value *columns, size_t count)
{
    struct events_work *work = context;
    (void)count;
    work->count++;
    if (work->values->json) {
        write_event(&work->writer, columns);
        json_end_object(&work->writer);
    } else {
        print_event(&work->text, columns);
        buffer_append_text(&work->text, "  waits for the events store\n");
    }
}

/* event_id, webhook_id, state, attempts, next_attempt_unix_ns, last_error */
static void take_delivery(void *context, const struct store_value *columns, size_t count)
{
    struct json_writer *writer = &((struct events_work *)context)->writer;
    char moment[48];
    struct buffer next;
    (void)count;
    buffer_init_fixed(&next, moment, sizeof moment);
    write_time(&next, &columns[4]);
    json_begin_object(writer);
    write_value(writer, "event_id", &columns[0]);
    write_value(writer, "webhook_id", &columns[1]);
    write_value(writer, "state", &columns[2]);
    write_value(writer, "attempts", &columns[3]);
    json_member_string(writer, "next_attempt_at", next.length == 0 ? NULL : moment);
    write_value(writer, "last_error", &columns[5]);
    json_end_object(writer);
}

static void begin_list(struct events_work *work, const char *key)
{
    if (work->values->json) {
        json_key(&work->writer, key);
        json_begin_array(&work->writer);
    }
}

static void end_list(struct events_work *work)
{
    if (work->values->json) {
        json_end_array(&work->writer);
    }
}

static enum error_code list_from_store(struct events_work *work, enum store_statement statement,
                                       store_row_function *on_row, struct error *error)
{
    struct store_result result;
    const struct store_value limit = store_int(work->values->limit);
    if (events_store_run(work->store, statement, &limit, 1, on_row, work, &result) != ERR_OK) {
        return events_store_refuse(&result, error);
    }
    return ERR_OK;
}

static void count_row(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    (void)count;
    ++*(int64_t *)context;
}

/* When the store does not answer, that its events are safe is worth knowing. */
static void say_what_waits(struct events_work *work)
{
    struct error error;
    int64_t waiting = 0;
    if (events_spool_list(work->heap, count_row, &waiting, &error) == ERR_OK && waiting > 0) {
        say(DUMONT_NAME, "%lld events wait in the state folder", (long long)waiting);
    }
}

static enum error_code list(struct events_work *work, struct error *error)
{
    if (work->values->json) {
        json_begin_object(&work->writer);
    }
    begin_list(work, "events");
    enum error_code code = list_from_store(work, STORE_EVENTS_LIST, take_event, error);
    end_list(work);
    if (code == ERR_OK && work->values->json) {
        begin_list(work, "deliveries");
        code = list_from_store(work, STORE_DELIVERIES_LIST, take_delivery, error);
        end_list(work);
    }
    if (code != ERR_OK) {
        say_what_waits(work);
        return code;
    }
    begin_list(work, "spooled");
    code = events_spool_list(work->heap, take_spooled, work, error);
    end_list(work);
    if (work->values->json) {
        json_end_object(&work->writer);
        buffer_append_char(&work->text, '\n');
    } else if (work->count == 0 && !work->values->quiet) {
        say(DUMONT_NAME, "the events store holds no event");
    }
    return code;
}

enum exit_status dumont_events_list(void *context, const struct command_line *line)
{
    (void)line;
    return with_store(context, list);
}
