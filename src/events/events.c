#include "events/events.h"

#include <string.h>

#include "events/postman.h"
#include "events/spool.h"
#include "world/note.h"

enum { QUEUE_SIZE = 64 };

static const int64_t first_pause_ns = 15 * NS_PER_S;
static const int64_t longest_pause_ns = 300 * NS_PER_S;
static const int64_t longest_sleep_ns = NS_PER_HOUR;

/* At the end of a run, nobody waits for an answer of the store that has been owing for so long. */
static const int64_t patience_ns = NS_PER_S / 2;

/* Granted to the spool's statements, also when the courier is cancelled. */
static const int64_t spool_limit_ns = 2 * NS_PER_S;

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
    struct postman *postman;
    struct completion wanted;  /* finished when there is something for the courier to do */
    struct completion stopped; /* finished when the courier has returned */
    bool closing;
    bool asking_store; /* the courier waits for the events store */
    int64_t patient_until_ns;
    bool failing; /* the store's latest answer was a failure, or there was none */
    struct store_result failure;
    bool walked; /* the spool was walked to its end since the last failure */
    bool warned;
    bool warned_of_skipped;
    bool warned_of_elsewhere;
    bool warned_of_spool;
    int64_t rests_until_ns; /* the store is not asked before */
    int64_t pause_ns;
    struct spool_place place;
    struct event_record record; /* in the courier's hands */
    struct queued_event queue[QUEUE_SIZE];
    size_t first;
    size_t count;
    uint32_t emitted;
    int64_t stored;
    int64_t spooled; /* of those emitted here */
};

/* ---- What is told of it ------------------------------------------------------------------------------------------------- */

/* "event.spooled": it waits; "event.undelivered": it is lost. */
static void note_not_stored(struct events *events, const char *kind, const char *id, const struct store_result *result)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", id);
    json_member_string(&note.data, "error", error_name(result->code));
    json_member_string(&note.data, "sqlstate", result->sqlstate);
    note_end(events->world, &note, kind);
}

/* `waited`: it was told of before, as spooled. */
static void note_stored(struct events *events, const char *id, size_t subscribers, bool waited)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", id);
    json_member_int(&note.data, "subscribers", (int64_t)subscribers);
    if (waited) {
        json_member_bool(&note.data, "waited", true);
    }
    note_end(events->world, &note, "event.stored");
}

static void warn_once(struct events *events, const struct store_result *result)
{
    if (events->warned) {
        return;
    }
    events->warned = true;
    if (result->code == ERR_STORE_TABLE_MISSING) {
        note_fault(events->world, "missing-table",
                   "events store: %s (SQLSTATE %s); events wait in the state folder; cure: dumont events migrate",
                   result->message, result->sqlstate);
    } else {
        bool read_only = strcmp(result->sqlstate, "25006") == 0;
        bool unknown = strcmp(result->sqlstate, "08007") == 0;
        note_fault(events->world, read_only ? "pg-read-only" : (unknown ? "pg-commit-unknown" : "pg-unavailable"),
                   "events store: %s (SQLSTATE %s); events wait in the state folder; check DUMONT_DATABASE",
                   result->message, result->sqlstate);
    }
}

static void warn_of_skipped(struct events *events, size_t skipped)
{
    if (skipped > 0 && !events->warned_of_skipped) {
        events->warned_of_skipped = true;
        note_log(events->world, "warning", "webhook_configs: %zu subscribers are not told: unreadable, or beyond %d",
                 skipped, EVENT_SUBSCRIBERS_MAX);
    }
}

static void warn_of_elsewhere(struct events *events, size_t elsewhere)
{
    if (elsewhere > 0 && !events->warned_of_elsewhere) {
        events->warned_of_elsewhere = true;
        note_log(events->world, "warning",
                 "webhook_configs: %zu subscribers are not told: this is a rehearsal, and they are not on this machine",
                 elsewhere);
    }
}

static void warn_of_spool(struct events *events, const struct store_result *result)
{
    if (!events->warned_of_spool) {
        events->warned_of_spool = true;
        note_log(events->world, "warning", "events cannot be kept in the state folder: %s (SQLSTATE %s)",
                 result->message, result->sqlstate);
    }
}

/* ---- Spool and store ---------------------------------------------------------------------------------------------------- */

static bool store_rests(const struct events *events)
{
    return world_now_ns(events->world) < events->rests_until_ns;
}

static void let_store_rest(struct events *events, const struct store_result *result)
{
    events->failing = true;
    events->failure = *result;
    events->walked = false;
    if (result->code == ERR_STORE_TABLE_MISSING) {
        events->pause_ns = longest_pause_ns;
    } else {
        int64_t longer_ns = events->pause_ns == 0 ? first_pause_ns : 2 * events->pause_ns;
        events->pause_ns = longer_ns < longest_pause_ns ? longer_ns : longest_pause_ns;
    }
    events->rests_until_ns = world_real_deadline_ns(events->world, events->pause_ns);
}

/* Puts the record in hand into the events store. */
static bool store_record(struct events *events, bool waited, struct store_result *result)
{
    struct event_stored stored;
    events->asking_store = true;
    events->patient_until_ns = world_real_deadline_ns(events->world, patience_ns);
    (void)event_record_store(events->world, &events->record, &stored, result);
    events->asking_store = false;
    if (result->code == ERR_INTERRUPTED) { /* at the end of the run, which does not wait for it */
        (void)store_result_set(result, "08000", "no answer by the end of the run");
    }
    if (result->code != ERR_OK) {
        warn_once(events, result);
        let_store_rest(events, result);
        return false;
    }
    events->failing = false;
    events->pause_ns = 0;
    note_stored(events, events->record.id, stored.subscribers, waited);
    warn_of_skipped(events, stored.skipped);
    warn_of_elsewhere(events, stored.elsewhere);
    if (events->postman != NULL) {
        postman_call(events->postman);
    }
    return true;
}

/* The spool is on this machine: it is given its time although the run may be over. */
static bool spool_record(struct events *events, struct store_result *result)
{
    struct world *world = events->world;
    struct shield shield = task_shield_begin(world->scheduler, world_real_deadline_ns(world, spool_limit_ns));
    bool spooled = spool_add(world, &events->record, result) == ERR_OK;
    task_shield_end(world->scheduler, shield);
    return spooled;
}

static void drop_record(struct events *events)
{
    struct world *world = events->world;
    struct store_result result;
    struct shield shield = task_shield_begin(world->scheduler, world_real_deadline_ns(world, spool_limit_ns));
    (void)spool_drop(world, events->record.id, &result); /* else it is stored once more, which changes nothing */
    task_shield_end(world->scheduler, shield);
}

static void make_record(struct events *events, const struct queued_event *queued)
{
    struct event_record *record = &events->record;
    *record = (struct event_record){.created_unix_ns = queued->at.unix_ns};
    (void)text_copy(record->id, sizeof record->id, queued->id);
    (void)text_copy(record->kind, sizeof record->kind, event_names[queued->event]);
    event_record_write_payload(record, queued->instance_id, events->world->description.rehearsal);
}

static void handle_event(struct events *events, const struct queued_event *queued)
{
    struct store_result spool_result;
    struct store_result result = {.code = ERR_STORE_UNAVAILABLE, .sqlstate = "08000"};
    if (events->failing) {
        result = events->failure;
    }
    make_record(events, queued);
    bool spooled = spool_record(events, &spool_result);
    if (!spooled) {
        warn_of_spool(events, &spool_result);
    }
    bool stored =
        !store_rests(events) && !task_is_cancelled(events->world->scheduler) && store_record(events, false, &result);
    if (stored) {
        events->stored++;
    }
    if (stored && spooled) {
        drop_record(events);
    } else if (spooled) {
        events->spooled++;
        events->walked = false;
        note_not_stored(events, "event.spooled", queued->id, &result);
    } else if (!stored) {
        note_not_stored(events, "event.undelivered", queued->id, &result);
    }
}

/* ---- The spool's backlog ------------------------------------------------------------------------------------------------ */

/* 128 bits that are the same for the same event of the same run, so that a repeated delivery can be recognised. */
static void make_event_id(struct events *events, uint32_t number, char id[EVENT_ID_SIZE])
{
    uint64_t high = world_random_bits(events->world, RANDOM_EVENT_ID, number, 0);
    uint64_t low = world_random_bits(events->world, RANDOM_EVENT_ID, number, 1);
    (void)text_format(id, EVENT_ID_SIZE, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

static bool is_own(struct events *events, const char *id)
{
    char own[EVENT_ID_SIZE];
    for (uint32_t i = 0; i < events->emitted; i++) {
        make_event_id(events, i, own);
        if (strcmp(own, id) == 0) {
            return true;
        }
    }
    return false;
}

/* One step through what waits in the spool, of this run and of former ones. */
static void replay_one(struct events *events)
{
    struct store_result result;
    struct spool_place before = events->place;
    enum spool_found found = spool_next(events->world, &events->place, &events->record, &result);
    if (found == SPOOL_NONE) {
        events->walked = true;
        events->place = spool_start();
        return;
    }
    bool own = found == SPOOL_RECORD && is_own(events, events->record.id);
    if (found == SPOOL_RECORD && store_record(events, own, &result)) {
        events->stored += own ? 1 : 0;
        events->spooled -= own ? 1 : 0;
        drop_record(events);
    } else if (found == SPOOL_RECORD && result.code != ERR_STORE_REJECTED) {
        events->place = before; /* one that is rejected must not hold up the others */
    }
}

/* ---- The courier -------------------------------------------------------------------------------------------------------- */

static void handle_queue(struct events *events)
{
    while (events->count > 0) {
        struct queued_event event = events->queue[events->first];
        events->first = (events->first + 1) % QUEUE_SIZE;
        events->count--;
        handle_event(events, &event);
    }
}

static bool may_replay(const struct events *events)
{
    bool useful = !events->closing || events->spooled > 0;
    return useful && !events->walked && !store_rests(events) && !task_is_cancelled(events->world->scheduler);
}

static void courier_run(void *argument)
{
    struct events *events = argument;
    struct world *world = events->world;
    for (;;) {
        handle_queue(events);
        if (may_replay(events)) {
            replay_one(events);
            continue;
        }
        if (events->closing || task_is_cancelled(world->scheduler)) {
            return;
        }
        events->wanted.finished = false;
        int64_t sleep_ns = world_deadline_ns(world, longest_sleep_ns);
        bool retries = !events->walked && events->rests_until_ns < sleep_ns;
        (void)task_wait(world->scheduler, &events->wanted, retries ? events->rests_until_ns : sleep_ns);
    }
}

struct events *events_open(struct world *world)
{
    struct events *events = heap_alloc(world->heap, sizeof *events);
    if (events == NULL) {
        return NULL;
    }
    events->world = world;
    events->place = spool_start();
    events->postman = postman_open(world);
    if (events->postman != NULL) {
        events->courier = task_start(world->scheduler, courier_run, events, &events->stopped);
    }
    if (events->courier == NULL) {
        postman_close(events->postman, 0);
        heap_release(world->heap, events);
        return NULL;
    }
    return events;
}

void events_emit(struct events *events, enum lifecycle_event event, int64_t instance_id)
{
    if (events == NULL) {
        return;
    }
    struct queued_event queued = {.event = event, .instance_id = instance_id, .at = world_wall_now(events->world)};
    make_event_id(events, events->emitted, queued.id);
    events->emitted++;
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", queued.id);
    json_member_string(&note.data, "name", event_names[event]);
    json_member_int(&note.data, "instance", instance_id);
    note_end(events->world, &note, "event.emitted");
    if (events->count == QUEUE_SIZE) {
        const struct store_result full = {.code = ERR_STORE_UNAVAILABLE, .sqlstate = "53400"};
        note_not_stored(events, "event.undelivered", queued.id, &full);
        return;
    }
    events->queue[(events->first + events->count) % QUEUE_SIZE] = queued;
    events->count++;
    completion_finish(&events->wanted);
}

/* True when the courier has returned. It is not waited for when the store owes an answer for too long, or has failed before. */
static bool courier_comes_home(struct events *events, int64_t deadline_ns)
{
    struct world *world = events->world;
    for (;;) {
        bool hopeless = events->asking_store && (events->failing || world_now_ns(world) >= events->patient_until_ns);
        if (hopeless || world_now_ns(world) >= deadline_ns) {
            return events->stopped.finished;
        }
        int64_t look_again_ns =
            events->asking_store ? events->patient_until_ns : world_real_deadline_ns(world, patience_ns);
        look_again_ns = look_again_ns < deadline_ns ? look_again_ns : deadline_ns;
        switch (task_wait(world->scheduler, &events->stopped, look_again_ns)) {
        case WAIT_FINISHED:
            return true;
        case WAIT_CANCELLED:
            return false;
        case WAIT_DEADLINE:
            break;
        }
    }
}

static void stop_courier(struct events *events, int64_t deadline_ns)
{
    struct world *world = events->world;
    events->closing = true;
    completion_finish(&events->wanted);
    if (!courier_comes_home(events, task_deadline_ns(world->scheduler, deadline_ns))) {
        task_cancel(events->courier);
        int64_t cancel_ns = world_real_deadline_ns(world, 2 * spool_limit_ns);
        struct shield shield = task_shield_begin(world->scheduler, cancel_ns);
        (void)task_wait(world->scheduler, &events->stopped, cancel_ns);
        task_shield_end(world->scheduler, shield);
    }
}

struct events_summary events_close(struct events *events, int64_t deadline_ns)
{
    if (events == NULL) {
        return (struct events_summary){0};
    }
    struct world *world = events->world;
    stop_courier(events, deadline_ns);
    postman_close(events->postman, events->failing ? 0 : deadline_ns);
    events->postman = NULL;
    struct events_summary summary = {events->emitted, events->emitted - events->stored, events->spooled};
    if (events->stopped.finished) { /* else a shield that ends too early: the courier still stands in it */
        heap_release(world->heap, events);
    }
    return summary;
}
