#include "events/events.h"

#include <string.h>

#include "world/note.h"

enum { QUEUE_SIZE = 64, SUBSCRIBERS_MAX = 64, PAYLOAD_SIZE = 512 };

static const int64_t statement_limit_ns = 5 * NS_PER_S;

static const char *const event_names[EVENT_COUNT] = {
#define LIFECYCLE_EVENT_NAME(code, name) [EVENT_##code] = name,
    LIFECYCLE_EVENT_LIST(LIFECYCLE_EVENT_NAME)
#undef LIFECYCLE_EVENT_NAME
};

struct queued_event {
    char id[EVENT_ID_SIZE];
    enum lifecycle_event event;
    int64_t instance_id;
    struct wall_time at;
};

struct events {
    struct world *world;
    struct task *courier;
    struct completion wanted;  /* finished when there is something for the courier to do */
    struct completion stopped; /* finished when the courier has returned */
    bool closing;
    bool warned;
    bool warned_of_skipped;
    bool table_missing; /* for the rest of this run: asking again would only repeat the answer */
    struct queued_event queue[QUEUE_SIZE];
    size_t first;
    size_t count;
    uint32_t emitted;
    int64_t undelivered;
};

static void note_undelivered(struct events *events, const struct queued_event *event, const struct store_result *result)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", event->id);
    json_member_string(&note.data, "error", error_name(result->code));
    json_member_string(&note.data, "sqlstate", result->sqlstate);
    note_end(events->world, &note, "event.undelivered");
    events->undelivered++;
}

static void warn_once(struct events *events, const struct store_result *result)
{
    if (events->warned) {
        return;
    }
    events->warned = true;
    if (result->code == ERR_STORE_TABLE_MISSING) {
        note_fault(events->world, "missing-table",
                   "events store: %s (SQLSTATE %s); events are counted, not delivered; cure: dumont events migrate",
                   result->message, result->sqlstate);
    } else {
        note_fault(events->world, "pg-unavailable",
                   "events store: %s (SQLSTATE %s); events are counted, not delivered; check DUMONT_DATABASE",
                   result->message, result->sqlstate);
    }
}

struct subscriber_list {
    int64_t ids[SUBSCRIBERS_MAX];
    size_t count;
    size_t skipped; /* rows that cannot be read, or are too many */
    const char *event_name;
};

/* `names` is "*" or event names with commas between them. */
static bool subscribes(struct span names, const char *event_name)
{
    size_t length = strlen(event_name);
    size_t start = 0;
    if (span_equals(names, "*")) {
        return true;
    }
    for (size_t at = 0; at <= names.length; at++) {
        if (at < names.length && names.at[at] != ',') {
            continue;
        }
        if (at - start == length && memcmp(names.at + start, event_name, length) == 0) {
            return true;
        }
        start = at + 1;
    }
    return false;
}

static void take_subscriber(void *context, const struct store_value *columns, size_t count)
{
    struct subscriber_list *list = context;
    bool readable = count == 4 && columns[0].kind == STORE_INT && columns[2].kind == STORE_TEXT;
    if (!readable) {
        list->skipped++;
    } else if (subscribes(columns[2].text, list->event_name)) {
        if (list->count < SUBSCRIBERS_MAX) {
            list->ids[list->count++] = columns[0].integer;
        } else {
            list->skipped++;
        }
    }
}

static enum error_code run_statement(struct events *events, enum store_statement statement,
                                     const struct store_value *values, size_t count, struct subscriber_list *list,
                                     struct store_result *result)
{
    return world_store(events->world, statement, values, count, list == NULL ? NULL : take_subscriber, list, result,
                       world_deadline_ns(events->world, statement_limit_ns));
}

static void write_payload(struct buffer *payload, const struct queued_event *event)
{
    char at_storage[48];
    struct buffer at;
    buffer_init_fixed(&at, at_storage, sizeof at_storage);
    wall_time_append(&at, event->at, 3);
    struct json_writer writer;
    json_writer_init(&writer, payload, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "event_id", event->id);
    json_member_string(&writer, "event", event_names[event->event]);
    json_member_int(&writer, "instance_id", event->instance_id);
    json_member_string(&writer, "at", at_storage);
    json_end_object(&writer);
}

static void warn_of_skipped(struct events *events, size_t skipped)
{
    if (skipped > 0 && !events->warned_of_skipped) {
        events->warned_of_skipped = true;
        note_log(events->world, "warning", "webhook_configs: %zu subscribers are not told: unreadable, or beyond %d",
                 skipped, SUBSCRIBERS_MAX);
    }
}

/* Stores the event, and a delivery for each subscriber. False with the reason in `result`. */
static bool store_event(struct events *events, const struct queued_event *event, struct store_result *result)
{
    struct subscriber_list list = {.event_name = event_names[event->event]};
    if (run_statement(events, STORE_SUBSCRIBERS, NULL, 0, &list, result) != ERR_OK) {
        return false;
    }
    char storage[PAYLOAD_SIZE];
    struct buffer payload;
    buffer_init_fixed(&payload, storage, sizeof storage);
    write_payload(&payload, event);
    const struct store_value row[] = {store_text(event->id), store_text(list.event_name), store_int(event->at.unix_ns),
                                      store_text(buffer_text(&payload))};
    if (run_statement(events, STORE_EVENT_ADD, row, ARRAY_LENGTH(row), NULL, result) != ERR_OK) {
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct store_value delivery[] = {store_text(event->id), store_int(list.ids[i])};
        if (run_statement(events, STORE_DELIVERY_ADD, delivery, ARRAY_LENGTH(delivery), NULL, result) != ERR_OK) {
            return false;
        }
    }
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", event->id);
    json_member_int(&note.data, "subscribers", (int64_t)list.count);
    note_end(events->world, &note, "event.stored");
    warn_of_skipped(events, list.skipped);
    return true;
}

static void deliver(struct events *events, const struct queued_event *event)
{
    struct store_result result = {.code = ERR_STORE_TABLE_MISSING, .sqlstate = "42P01"};
    if (!events->table_missing && store_event(events, event, &result)) {
        return;
    }
    warn_once(events, &result);
    events->table_missing = result.code == ERR_STORE_TABLE_MISSING;
    note_undelivered(events, event, &result);
}

static void courier_run(void *argument)
{
    struct events *events = argument;
    for (;;) {
        while (events->count > 0 && !task_is_cancelled(events->world->scheduler)) {
            struct queued_event event = events->queue[events->first];
            events->first = (events->first + 1) % QUEUE_SIZE;
            events->count--;
            deliver(events, &event);
        }
        if (events->closing || task_is_cancelled(events->world->scheduler)) {
            return;
        }
        events->wanted.finished = false;
        int64_t check_again_ns = world_deadline_ns(events->world, NS_PER_HOUR);
        (void)task_wait(events->world->scheduler, &events->wanted, check_again_ns);
    }
}

struct events *events_open(struct world *world)
{
    struct events *events = heap_alloc(world->heap, sizeof *events);
    if (events == NULL) {
        return NULL;
    }
    events->world = world;
    events->courier = task_start(world->scheduler, courier_run, events, &events->stopped);
    if (events->courier == NULL) {
        heap_release(world->heap, events);
        return NULL;
    }
    return events;
}

/* 128 bits that are the same for the same event of the same run, so that a repeated delivery can be recognised. */
static void make_event_id(struct events *events, char id[EVENT_ID_SIZE])
{
    uint64_t high = world_random_bits(events->world, RANDOM_EVENT_ID, events->emitted, 0);
    uint64_t low = world_random_bits(events->world, RANDOM_EVENT_ID, events->emitted, 1);
    (void)text_format(id, EVENT_ID_SIZE, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

void events_emit(struct events *events, enum lifecycle_event event, int64_t instance_id)
{
    if (events == NULL) {
        return;
    }
    struct queued_event queued = {.event = event, .instance_id = instance_id, .at = world_wall_now(events->world)};
    make_event_id(events, queued.id);
    events->emitted++;
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", queued.id);
    json_member_string(&note.data, "name", event_names[event]);
    json_member_int(&note.data, "instance", instance_id);
    note_end(events->world, &note, "event.emitted");
    if (events->count == QUEUE_SIZE) {
        note_undelivered(events, &queued, &(struct store_result){.code = ERR_STORE_UNAVAILABLE, .sqlstate = "53400"});
        return;
    }
    events->queue[(events->first + events->count) % QUEUE_SIZE] = queued;
    events->count++;
    completion_finish(&events->wanted);
}

struct events_summary events_close(struct events *events, int64_t deadline_ns)
{
    if (events == NULL) {
        return (struct events_summary){0};
    }
    struct world *world = events->world;
    events->closing = true;
    completion_finish(&events->wanted);
    if (task_wait(world->scheduler, &events->stopped, deadline_ns) != WAIT_FINISHED) {
        task_cancel(events->courier);
        struct shield shield = task_shield_begin(world->scheduler, world_deadline_ns(world, NS_PER_S));
        (void)task_wait(world->scheduler, &events->stopped, world_deadline_ns(world, NS_PER_S));
        task_shield_end(world->scheduler, shield);
    }
    struct events_summary summary = {events->emitted, events->undelivered + (int64_t)events->count};
    if (events->stopped.finished) { /* else a shield that ends too early: the courier still stands in it */
        heap_release(world->heap, events);
    }
    return summary;
}
