#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json_decode.h"
#include "base/json_write.h"
#include "cli/dumont.h"
#include "system/files.h"
#include "world/live/sqlite_store.h"

enum { URL_SIZE = FILE_PATH_SIZE + 32, OUTPUT_SIZE_MAX = 64 * 1024 * 1024 };

static struct wall_time wall_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (struct wall_time){(int64_t)now.tv_sec * NS_PER_S + now.tv_nsec};
}

/* ---- The store ---------------------------------------------------------------------------------------------------------- */

/* The store under work, and what will be printed when all went well. */
struct events_work {
    const struct dumont_values *values;
    struct sqlite_store *store;
    struct buffer text;
    struct json_writer writer; /* of `text`, with --json */
    size_t count;
};

static enum error_code open_store(struct heap *heap, struct sqlite_store **store, struct error *error)
{
    char url[URL_SIZE];
    char folder[FILE_PATH_SIZE];
    const char *given = getenv("DUMONT_DATABASE");
    if (given != NULL && given[0] != '\0') {
        return sqlite_store_open(heap, given, STORE_EVENTS, wall_now(), store, error);
    }
    enum error_code code = state_folder_path(folder, error);
    if (code != ERR_OK) {
        return code;
    }
    (void)text_format(url, sizeof url, "sqlite:%s/events.sqlite", folder);
    return sqlite_store_open(heap, url, STORE_EVENTS, wall_now(), store, error);
}

static enum error_code refuse(const struct store_result *result, struct error *error)
{
    (void)error_set(error, result->code, "events store: %s (SQLSTATE %s)", result->message, result->sqlstate);
    if (result->code == ERR_STORE_TABLE_MISSING) {
        error_advise(error, "make its tables: dumont events migrate");
    }
    return result->code;
}

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
    struct heap *heap = heap_new();
    enum error_code code =
        heap == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory") : open_store(heap, &work.store, &error);
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
    sqlite_store_close(work.store);
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
    if (sqlite_store_migrate(work->store, wall_now(), tell_applied, work, &result) != ERR_OK) {
        return refuse(&result, error);
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

/* As STORE_EVENTS_LIST gives them. */
enum event_column { COLUMN_ID, COLUMN_KIND, COLUMN_CREATED, COLUMN_PAYLOAD, COLUMN_PENDING };

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
    write_value(writer, "pending_deliveries", &columns[COLUMN_PENDING]);
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

static void print_event(struct buffer *out, const struct store_value *columns)
{
    struct maybe_int64 instance = instance_of(columns[COLUMN_PAYLOAD].text);
    write_time(out, &columns[COLUMN_CREATED]);
    buffer_append_text(out, "  ");
    print_clean(out, columns[COLUMN_KIND].text);
    if (instance.presence == PRESENT) {
        buffer_printf(out, "  machine %lld", (long long)instance.value);
    }
    if (columns[COLUMN_PENDING].integer > 0) {
        buffer_printf(out, "  %lld to deliver", (long long)columns[COLUMN_PENDING].integer);
    }
    buffer_append_char(out, '\n');
}

static void take_event(void *context, const struct store_value *columns, size_t count)
{
    struct events_work *work = context;
    (void)count;
    work->count++;
    if (work->values->json) {
        write_event(&work->writer, columns);
    } else {
        print_event(&work->text, columns);
    }
}

static enum error_code list(struct events_work *work, struct error *error)
{
    struct store_result result;
    const struct store_value limit = store_int(work->values->limit);
    if (work->values->json) {
        json_begin_object(&work->writer);
        json_key(&work->writer, "events");
        json_begin_array(&work->writer);
    }
    if (sqlite_store_run(work->store, STORE_EVENTS_LIST, &limit, 1, take_event, work, &result) != ERR_OK) {
        return refuse(&result, error);
    }
    if (work->values->json) {
        json_end_array(&work->writer);
        json_end_object(&work->writer);
        buffer_append_char(&work->text, '\n');
    } else if (work->count == 0 && !work->values->quiet) {
        say(DUMONT_NAME, "the events store holds no event");
    }
    return ERR_OK;
}

enum exit_status dumont_events_list(void *context, const struct command_line *line)
{
    (void)line;
    return with_store(context, list);
}
