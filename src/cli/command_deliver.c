/* dumont events deliver: what waits in the spool goes into the events store, and what is due there to its subscribers. */
#include <stdlib.h>
#include <string.h>

#include "base/json_decode.h"
#include "base/json_write.h"
#include "base/utf8.h"
#include "cli/dumont.h"
#include "cli/events_store.h"
#include "events/delivery.h"
#include "events/spool.h"
#include "system/files.h"
#include "world/live/live_world.h"

enum { OUTPUT_SIZE = 1024 };

struct deliver_command {
    struct heap *heap;
    struct history history;
    struct live_world *live;
    char state_folder[FILE_PATH_SIZE];
    /* what came of it */
    struct spool_replayed replayed;
    struct delivery_round round;
    struct delivery_counts counts;
    struct store_result result;
    bool interrupted;
    bool quiet;
};

/* ---- The work ----------------------------------------------------------------------------------------------------------- */

/* One round after the other, as long as they find something: a round takes each receiver's events until one fails. */
static enum error_code deliver(struct deliver_command *command)
{
    struct world *world = live_world_door(command->live);
    struct delivery_memory memory = {0};
    int64_t before;
    do {
        before = command->round.limit;
        if (delivery_run(world, &memory, &command->round, &command->result) != ERR_OK) {
            return command->result.code;
        }
    } while (command->round.limit > 0 && command->round.limit < before && !task_is_cancelled(world->scheduler));
    return delivery_count(world, &command->counts, &command->result);
}

static void procedure(void *argument)
{
    struct deliver_command *command = argument;
    struct world *world = live_world_door(command->live);
    if (spool_replay(world, &command->replayed, &command->result) == ERR_OK) {
        (void)deliver(command);
    }
    command->interrupted = task_is_cancelled(world->scheduler);
}

/* ---- What is said of it ------------------------------------------------------------------------------------------------- */

static void append_next(struct buffer *out, const struct deliver_command *command)
{
    if (command->counts.next_unix_ns != INT64_MAX) {
        wall_time_append(out, (struct wall_time){command->counts.next_unix_ns}, 0);
    }
}

static void write_text(struct buffer *out, const struct deliver_command *command)
{
    const struct delivery_round *round = &command->round;
    const struct delivery_counts *counts = &command->counts;
    if (command->replayed.stored > 0) {
        buffer_printf(out, "stored %lld events that had waited in the state folder\n",
                      (long long)command->replayed.stored);
    }
    if (command->replayed.left > 0) {
        buffer_printf(out, "%lld events stay in the state folder: the events store rejects them\n",
                      (long long)command->replayed.left);
    }
    buffer_printf(out, "delivered %lld, failed for now %lld, given up %lld\n", (long long)round->delivered,
                  (long long)round->postponed, (long long)round->died);
    buffer_printf(out, "in all %lld pending, %lld delivered, %lld dead", (long long)counts->pending,
                  (long long)counts->delivered, (long long)counts->dead);
    if (counts->next_unix_ns > 0 && counts->next_unix_ns != INT64_MAX) {
        buffer_append_text(out, "; the next attempt is due at ");
        append_next(out, command);
    }
    buffer_append_char(out, '\n');
}

static void write_json(struct buffer *out, const struct deliver_command *command)
{
    char moment[48];
    struct buffer next;
    struct json_writer writer;
    buffer_init_fixed(&next, moment, sizeof moment);
    if (command->counts.next_unix_ns > 0) {
        append_next(&next, command);
    }
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "stored", command->replayed.stored);
    json_member_int(&writer, "spooled", command->replayed.left);
    json_member_int(&writer, "delivered", command->round.delivered);
    json_member_int(&writer, "failed", command->round.postponed);
    json_member_int(&writer, "given_up", command->round.died);
    json_key(&writer, "in_all");
    json_begin_object(&writer);
    json_member_int(&writer, "pending", command->counts.pending);
    json_member_int(&writer, "delivered", command->counts.delivered);
    json_member_int(&writer, "dead", command->counts.dead);
    json_end_object(&writer);
    json_member_string(&writer, "next_attempt_at", next.length == 0 ? NULL : moment);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static enum error_code print_result(const struct dumont_values *values, const struct deliver_command *command,
                                    struct error *error)
{
    char storage[OUTPUT_SIZE];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    if (values->json) {
        write_json(&text, command);
    } else if (!values->quiet) {
        write_text(&text, command);
    }
    return print_text((struct span){buffer_text(&text), text.length}, error);
}

struct warning {
    MAYBE_TEXT(16) level;
    MAYBE_TEXT(512) text;
};

/* This command has no report in which warnings would stand. A live_noted_function. */
static void show_warning(void *context, const struct history_event *event)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct warning, level, "level"),
        JSON_TEXT(struct warning, text, "text"),
    };
    const struct deliver_command *command = context;
    struct warning warning = {.level = {ABSENT, ""}};
    char clean[sizeof warning.text.text];
    struct json_reader reader;
    json_reader_init(&reader, event->data.at, event->data.length);
    (void)json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &warning, JSON_TOLERANT);
    if (!command->quiet && strcmp(event->kind, "log.line") == 0 && strcmp(warning.level.text, "warning") == 0) {
        clean_copy(clean, sizeof clean, warning.text.text);
        say(DUMONT_NAME, "warning: %s", clean);
    }
}

/* ---- The command -------------------------------------------------------------------------------------------------------- */

static enum error_code open_command(struct deliver_command *command, const struct dumont_values *values,
                                    struct error *error)
{
    command->heap = heap_new();
    if (command->heap == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    history_init(&command->history, command->heap);
    enum error_code code = state_folder_path(command->state_folder, error);
    if (code == ERR_OK) {
        /* A URL that is none is a mistake on the command line, not a database that is down. */
        struct events_store *store = NULL;
        code = events_store_open(command->heap, &store, error);
        events_store_close(store);
    }
    const char *clock = getenv("DUMONT_CLOCK");
    const struct live_world_options options = {
        .description = {.world = "live", .scenario = "", .timing = ""},
        .clock_page_path = clock == NULL || clock[0] == '\0' ? NULL : clock,
        .cacert = values->cacert,
        .state_folder = command->state_folder,
        .events_url = events_store_url(),
        .history = &command->history,
        .history_path = values->history,
        .noted = show_warning,
        .noted_context = command,
    };
    return code == ERR_OK ? live_world_open(&options, &command->live, error) : code;
}

static enum exit_status run_command(struct deliver_command *command, const struct dumont_values *values)
{
    struct error error;
    enum exit_status cut = live_world_run(command->live, procedure, command);
    if (cut != EXIT_DONE) {
        return cut;
    }
    if (command->interrupted) {
        return live_world_door(command->live)->interrupted_by;
    }
    if (command->result.code != ERR_OK) {
        bool environment = command->result.code == ERR_STORE_UNAVAILABLE || command->result.code == ERR_STORE_REJECTED;
        (void)events_store_refuse(&command->result, &error);
        enum exit_status status = say_error(DUMONT_NAME, &error);
        return environment ? EXIT_ENVIRONMENT : status;
    }
    if (print_result(values, command, &error) != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    return live_world_history_cut(command->live) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

enum exit_status dumont_events_deliver(void *context, const struct command_line *line)
{
    (void)line;
    const struct dumont_values *values = context;
    struct error error;
    struct deliver_command command = {
        .round = {.limit = values->limit}, .counts = {.next_unix_ns = INT64_MAX}, .quiet = values->quiet};
    enum exit_status status;
    frame_allow_no_core();
    if (open_command(&command, values, &error) != ERR_OK) {
        status = say_error(DUMONT_NAME, &error);
        bool environment = error.code == ERR_STORE_UNAVAILABLE || error.code == ERR_STORE_REJECTED;
        status = environment ? EXIT_ENVIRONMENT : status;
    } else {
        status = run_command(&command, values);
    }
    live_world_close(command.live);
    heap_free(command.heap);
    return status;
}
