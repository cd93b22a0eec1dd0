#include "cli/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

enum { OUTPUT_SIZE_MAX = 256 * 1024 * 1024 };

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* ---- What goes together -------------------------------------------------------------------------------------------------- */

static enum error_code choose_url(struct store_command *command, struct error *error)
{
    const char *given = variable("DUMONT_B2_URL");
    enum error_code code =
        vast_url_parse("DUMONT_B2_URL", given == NULL ? B2_DEFAULT_ORIGIN : given, &command->url, error);
    if (code != ERR_OK || command->values->live || command->url.loopback) {
        return code;
    }
    (void)error_set(error, ERR_USAGE, "%s, and --live was not given",
                    given == NULL ? "without DUMONT_B2_URL this is the real service"
                                  : "DUMONT_B2_URL is not on this machine");
    error_advise(error, "rehearse with dumont-fake -- dumont store COMMAND, or allow the real service with --live");
    return ERR_USAGE;
}

static enum error_code judge_live(const struct store_command *command, struct error *error)
{
    const struct dumont_values *values = command->values;
    if (values->live && variable("DUMONT_CLOCK") != NULL) {
        (void)error_set(error, ERR_USAGE, "DUMONT_CLOCK is the clock of a rehearsal, and --live was given");
        error_advise(error, "leave out --live, or unset DUMONT_CLOCK");
        return ERR_USAGE;
    }
    if (values->live && command->acts && !values->yes && !values->dry_run) {
        (void)error_set(error, ERR_USAGE, "this deletes for good");
        error_advise(error, "add --yes to do it, or --dry-run to see what would be done");
        return ERR_USAGE;
    }
    return ERR_OK;
}

/* A key travels in a header. */
static enum error_code take_key(const char *name, char out[STORE_KEY_SIZE], struct error *error)
{
    const char *value = variable(name);
    bool good = value != NULL && text_copy(out, STORE_KEY_SIZE, value);
    for (const char *c = good ? value : ""; *c != '\0'; c++) {
        good = good && *c > ' ' && *c <= '~';
    }
    if (good) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_NOT_AUTHENTICATED, "%s %s", name, value == NULL ? "is not set" : "is no key");
    error_advise(error, "set B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY to an application key of the account");
    return ERR_NOT_AUTHENTICATED;
}

static enum error_code choose_bucket(struct store_command *command, struct error *error)
{
    const char *bucket = command->values->bucket != NULL ? command->values->bucket : variable("DUMONT_B2_BUCKET");
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (bucket != NULL && bucket[strspn(bucket, allowed)] == '\0' && strlen(bucket) <= 63) {
        command->access.bucket = bucket;
        return ERR_OK;
    }
    (void)error_set(error, ERR_USAGE, bucket == NULL ? "there is no bucket" : "that is no name of a bucket");
    error_advise(error, "set DUMONT_B2_BUCKET, or give --bucket NAME");
    return ERR_USAGE;
}

static enum error_code prepare(struct store_command *command, struct error *error)
{
    static const char *const test_modes[] = {NULL, "fail_some_uploads", "expire_some_account_authorization_tokens",
                                             "force_cap_exceeded"};
    enum error_code code = judge_live(command, error);
    code = code == ERR_OK ? choose_url(command, error) : code;
    code = code == ERR_OK ? choose_bucket(command, error) : code;
    code = code == ERR_OK ? take_key("B2_APPLICATION_KEY_ID", command->key_id, error) : code;
    code = code == ERR_OK ? take_key("B2_APPLICATION_KEY", command->key, error) : code;
    command->access.origin = command->url.origin;
    command->access.key_id = command->key_id;
    command->access.key = command->key;
    command->access.test_mode = test_modes[command->values->test_mode];
    return code == ERR_OK ? state_folder_path(command->state_folder, error) : code;
}

static enum error_code open_command(struct store_command *command, struct error *error)
{
    frame_allow_no_core();
    command->shows_progress = !command->values->quiet && isatty(STDERR_FILENO) == 1;
    command->heap = heap_new();
    if (command->heap == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    history_init(&command->history, command->heap);
    enum error_code code = prepare(command, error);
    const struct live_world_options options = {
        .description = {.world = command->url.loopback ? "sockets" : "live", .scenario = "", .timing = ""},
        .clock_page_path = variable("DUMONT_CLOCK"),
        .cacert = command->values->cacert,
        .state_folder = command->state_folder,
        .events_url = variable("DUMONT_DATABASE"),
        .history = &command->history,
        .history_path = command->values->history,
    };
    return code == ERR_OK ? live_world_open(&options, &command->live, error) : code;
}

struct world *store_world(const struct store_command *command)
{
    return live_world_door(command->live);
}

/* ---- Progress ------------------------------------------------------------------------------------------------------------ */

void store_progress(void *context, int64_t done, int64_t whole)
{
    const struct store_command *command = context;
    if (command->shows_progress && whole > 0) {
        (void)fprintf(stderr, "\r%12lld of %lld bytes, %3lld %%%s", (long long)done, (long long)whole,
                      (long long)scale_rounded(done, 100, whole), done == whole ? "\n" : "");
    }
}

/* ---- What became of it --------------------------------------------------------------------------------------------------- */

static void write_moment(struct json_writer *writer, const char *key, int64_t unix_ms)
{
    char text[48];
    struct buffer moment;
    buffer_init_fixed(&moment, text, sizeof text);
    if (unix_ms > 0 && unix_ms < INT64_MAX / NS_PER_MS) {
        wall_time_append(&moment, (struct wall_time){unix_ms * NS_PER_MS}, 3);
    }
    json_member_string(writer, key, moment.length == 0 ? NULL : text);
}

void store_write_file(struct json_writer *writer, const struct b2_file *file)
{
    json_member_string(writer, "name", file->name);
    json_member_string(writer, "id", file->id);
    json_member_int(writer, "size", file->size);
    json_member_string(writer, "sha1", file->sha1[0] == '\0' ? NULL : file->sha1);
    write_moment(writer, "uploaded_at", file->uploaded_unix_ms);
    write_moment(writer, "modified_at", file->modified_unix_ms);
}

static void write_json(const struct store_command *command, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "schema_version", 1);
    json_member_string(&writer, "outcome", command->error.code == ERR_OK ? "done" : "failed");
    json_member_string(&writer, "bucket", command->access.bucket);
    command->json(command, &writer);
    json_member_error(&writer, "error", &command->error);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static enum error_code print(const struct store_command *command, struct error *error)
{
    struct buffer text;
    enum error_code code = ERR_OK;
    buffer_init(&text, command->heap, OUTPUT_SIZE_MAX);
    if (command->values->json && !command->text_on_errors) {
        write_json(command, &text);
    } else if (command->error.code == ERR_OK && !command->values->quiet) {
        command->text(command, &text);
    }
    if (text.failed) {
        code = error_set(error, ERR_NO_MEMORY, "no memory for so much output");
    } else if (command->text_on_errors) {
        (void)fputs(buffer_text(&text), stderr);
    } else {
        code = print_text((struct span){buffer_text(&text), text.length}, error);
    }
    buffer_release(&text);
    return code;
}

static void procedure(void *argument)
{
    struct store_command *command = argument;
    struct error *error = &command->error;
    if (b2_open(&command->b2, store_world(command), command->access, error) != ERR_OK) {
        return;
    }
    b2_call_open(&command->call, &command->b2);
    enum error_code code = command->work(command, error);
    error->code = code;
    b2_call_close(&command->call);
}

static enum exit_status end(struct store_command *command)
{
    struct error unwritten;
    struct error *error = &command->error;
    if (error->code != ERR_OK && error->next_step[0] == '\0') {
        error_advise(error, "%s", error_usual_advice(error->code));
    }
    enum error_code code = print(command, &unwritten);
    enum exit_status status = EXIT_DONE;
    if (error->code != ERR_OK) {
        status = say_error(DUMONT_NAME, error);
    }
    if (error->code == ERR_INTERRUPTED && store_world(command)->interrupted_by != EXIT_DONE) {
        return store_world(command)->interrupted_by;
    }
    if (code != ERR_OK) {
        return say_error(DUMONT_NAME, &unwritten);
    }
    return status == EXIT_DONE && live_world_history_cut(command->live) ? EXIT_ENVIRONMENT : status;
}

enum exit_status store_run(struct store_command *command)
{
    struct error error;
    enum exit_status status;
    (void)error_set(&command->error, ERR_OK, "done");
    if (open_command(command, &error) != ERR_OK) {
        status = say_error(DUMONT_NAME, &error);
    } else {
        status = live_world_run(command->live, procedure, command);
        status = status == EXIT_DONE ? end(command) : status;
    }
    live_world_close(command->live);
    heap_free(command->heap);
    memset(command->key, 0, sizeof command->key);
    return status;
}
