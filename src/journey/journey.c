#include "journey/journey.h"

#include <string.h>

#include "base/version.h"
#include "world/note.h"

static const int64_t courier_grace_ns = 2 * NS_PER_S;

enum error_code journey_open(struct journey *journey, struct world *world, const char *name, struct vast_access access)
{
    journey->world = world;
    journey->name = name;
    uint64_t bits = world_random_bits(world, RANDOM_LABEL, 0, 0);
    (void)text_format(journey->run_id, sizeof journey->run_id, "%016llx", (unsigned long long)bits);
    (void)error_set(&journey->error, ERR_OK, "done");
    if (vast_open(&journey->vast, world, access, JOURNEY_REQUEST_LIMIT_NS) != ERR_OK) {
        vast_close(&journey->vast);
        return ERR_NO_MEMORY;
    }
    journey->events = events_open(world);
    if (journey->events == NULL) {
        note_log(world, "warning", "no memory for lifecycle events: none will be told");
    }
    return ERR_OK;
}

static void write_machines_left(struct json_writer *writer, const struct journey *journey)
{
    json_key(writer, "machines_left");
    json_begin_array(writer);
    for (size_t i = 0; i < journey->machines_left_count; i++) {
        const struct machine_left *left = &journey->machines_left[i];
        char command[64];
        (void)text_format(command, sizeof command, left->id == 0 ? "dumont reap --yes" : "dumont destroy %lld",
                          (long long)left->id);
        json_begin_object(writer);
        json_member_int(writer, "id", left->id);
        json_member_string(writer, "label", left->label);
        json_member_int(writer, "price_nusd_per_hour", left->price_nusd_per_hour);
        json_member_string(writer, "command", command);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static enum exit_status exit_status_of(const struct journey *journey)
{
    if (journey->machines_left_count > 0) {
        return EXIT_MACHINE_LEFT;
    }
    if (journey->error.code == ERR_INTERRUPTED && journey->world->interrupted_by != EXIT_DONE) {
        return journey->world->interrupted_by;
    }
    return journey->error.code == ERR_OK ? (enum exit_status)journey->command_status
                                         : error_exit_status(journey->error.code);
}

static void note_exit(struct world *world, enum exit_status status)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.data, "exit_status", (int64_t)status);
    note_end(world, &note, "client.exit");
}

static void note_report(const struct journey *journey, enum exit_status status, struct events_summary events)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.data, "outcome", status == EXIT_DONE ? "done" : "failed");
    json_member_error(&note.data, "error", &journey->error);
    json_member_int(&note.data, "exit_status", (int64_t)status);
    write_machines_left(&note.data, journey);
    json_member_int(&note.data, "events_emitted", events.emitted);
    json_member_int(&note.data, "events_undelivered", events.undelivered);
    json_member_int(&note.data, "events_spooled", events.spooled);
    note_end(journey->world, &note, "client.report");
}

enum exit_status journey_close(struct journey *journey)
{
    struct world *world = journey->world;
    struct shield shield = task_shield_begin(world->scheduler, world_real_deadline_ns(world, 4 * courier_grace_ns));
    struct events_summary events = events_close(journey->events, world_real_deadline_ns(world, courier_grace_ns));
    task_shield_end(world->scheduler, shield);
    enum exit_status status = exit_status_of(journey);
    note_report(journey, status, events);
    note_exit(world, status);
    vast_close(&journey->vast);
    return status;
}

enum exit_status journey_without_memory(struct world *world)
{
    struct journey journey = {.world = world};
    (void)error_set(&journey.error, ERR_NO_MEMORY, "no memory to begin: nothing was rented");
    error_advise(&journey.error, "free some memory and run it again");
    enum exit_status status = error_exit_status(ERR_NO_MEMORY);
    note_report(&journey, status, (struct events_summary){0});
    note_exit(world, status);
    return status;
}

enum error_code journey_fail(struct journey *journey, const struct error *error)
{
    if (journey->error.code == ERR_OK) {
        journey->error = *error;
        if (error->next_step[0] == '\0') {
            error_advise(&journey->error, "%s", error_usual_advice(error->code));
        }
        note_log(journey->world, "error", "%s", error->message);
    }
    return error->code;
}

void journey_leave_machine(struct journey *journey, int64_t id, const char *label, int64_t price_nusd_per_hour)
{
    for (size_t i = 0; i < journey->machines_left_count; i++) {
        const struct machine_left *left = &journey->machines_left[i];
        if (left->id == id && strcmp(left->label, label) == 0) {
            return; /* known already */
        }
    }
    if (journey->machines_left_count < MACHINES_LEFT_MAX) {
        struct machine_left *left = &journey->machines_left[journey->machines_left_count++];
        left->id = id;
        left->price_nusd_per_hour = price_nusd_per_hour;
        (void)text_copy(left->label, sizeof left->label, label);
    }
    events_emit(journey->events, EVENT_INSTANCE_LEFT, id);
}

void journey_describe(const struct journey *journey, struct json_writer *data)
{
    const struct world_description *world = &journey->world->description;
    json_member_string(data, "journey", journey->name);
    json_member_string(data, "version", DUMONT_VERSION);
    json_member_string(data, "world", world->world);
    json_key(data, "seed");
    char seed[24];
    (void)text_format(seed, sizeof seed, "%llu", (unsigned long long)world->seed);
    json_raw(data, span_of(seed));
    json_member_string(data, "scenario", world->scenario);
    json_member_decimal(data, "speed", world->speed_milli, 3);
    json_member_string(data, "timing", world->timing);
    if (world->boot_from != NULL) {
        json_key(data, "timing_from");
        json_begin_object(data);
        json_member_string(data, "boot", world->boot_from);
        json_member_string(data, "ssh", world->ssh_from);
        json_end_object(data);
    }
    json_member_int(data, "started_unix_us", world_wall_now(journey->world).unix_ns / NS_PER_US);
}

void journey_note_start(struct journey *journey)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "run", journey->run_id);
    journey_describe(journey, &note.data);
    note_end(journey->world, &note, "client.start");
}

static void note_phase(struct journey *journey, const char *kind, const char *name, bool extra, const char *outcome)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.data, "name", name);
    json_member_bool(&note.data, "extra", extra);
    if (outcome != NULL) {
        json_member_string(&note.data, "outcome", outcome);
    }
    note_end(journey->world, &note, kind);
}

void phase_begin(struct journey *journey, const char *name, bool extra)
{
    note_phase(journey, "phase.start", name, extra, NULL);
}

void phase_end(struct journey *journey, const char *name, bool extra, enum error_code outcome)
{
    note_phase(journey, "phase.end", name, extra, error_name(outcome));
}

void note_decision(struct journey *journey, int64_t instance_id, const char *label, const char *what, const char *why)
{
    struct note note;
    note_begin(&note);
    if (instance_id != 0) {
        json_member_int(&note.ids, "instance", instance_id);
    }
    if (label[0] != '\0') {
        json_member_string(&note.ids, "label", label);
    }
    json_member_string(&note.data, "what", what);
    json_member_string(&note.data, "why", why);
    note_end(journey->world, &note, "client.decide");
}

/* A text field as the server gave it: null stays null, another type becomes null too but was noted by who cares. */
static void write_text(struct json_writer *writer, const char *key, enum presence presence, const char *text)
{
    if (presence != ABSENT) {
        json_member_string(writer, key, presence == PRESENT ? text : NULL);
    }
}

void note_instance(struct journey *journey, int64_t instance_id, const struct vast_instance *instance)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_bool(&note.data, "gone", instance->gone);
    if (!instance->gone) {
        write_text(&note.data, "actual_status", instance->actual_status.presence, instance->actual_status.text);
        write_text(&note.data, "intended_status", instance->intended_status.presence, instance->intended_status.text);
        write_text(&note.data, "status_msg", instance->status_msg.presence, instance->status_msg.text);
        write_text(&note.data, "ssh_host", instance->ssh_host.presence, instance->ssh_host.text);
        if (instance->ssh_port.presence == PRESENT) {
            json_member_int(&note.data, "ssh_port", instance->ssh_port.value);
        }
        if (instance->price_nusd_per_hour.presence == PRESENT) {
            json_member_int(&note.data, "dph_total_nusd", instance->price_nusd_per_hour.value);
        }
        if (instance->uptime_ns.presence == PRESENT) {
            json_member_int(&note.data, "uptime_us", instance->uptime_ns.value / NS_PER_US);
        }
    }
    note_end(journey->world, &note, "inst.seen");
}

void journey_set_intent(struct journey *journey, struct intent *intent, enum intent_state state, int64_t instance_id)
{
    struct error error;
    if (ledger_set(journey->world, intent, state, instance_id, &error) != ERR_OK) {
        note_log(journey->world, "warning", "%s; going on with the machine", error.message);
    }
}
