#include "journey/remote_copy.h"

#include <string.h>

#include "journey/reach.h"
#include "world/note.h"

static const int64_t command_limit_ns = 60 * NS_PER_S;

struct copy {
    struct journey journey;
    struct machine machine;
    struct transfer_room room;
};

/* ---- Names ---------------------------------------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* Whether the target is a folder into which the sources go. */
static enum error_code judge_target(struct copy *copy, const struct remote_copy_options *options, bool *is_folder,
                                    struct error *error)
{
    size_t length = strlen(options->target);
    *is_folder = false;
    if (options->direction == COPY_GET) {
        return ERR_OK;
    }
    enum error_code code = transfer_is_folder(&copy->room, options->target, is_folder, error);
    if (code == ERR_OK && !*is_folder && (options->source_count > 1 || options->target[length - 1] == '/')) {
        (void)error_set(error, ERR_COMMAND_FAILED, "%s on the machine is no folder", options->target);
        error_advise(error, "make it: dumont run %lld -- mkdir -p FOLDER", (long long)options->instance_id);
        return ERR_COMMAND_FAILED;
    }
    return code;
}

static enum error_code name_target(const struct remote_copy_options *options, const char *source, bool is_folder,
                                   struct copy_file *file, struct error *error)
{
    size_t length = strlen(options->target);
    bool slash = length > 0 && options->target[length - 1] == '/';
    bool fits = is_folder ? text_format(file->target, sizeof file->target, "%s%s%s", options->target, slash ? "" : "/",
                                        last_part(source))
                          : text_copy(file->target, sizeof file->target, options->target);
    bool put = options->direction == COPY_PUT;
    file->transfer.local = put ? source : file->target;
    file->transfer.remote = put ? file->target : source;
    return fits ? ERR_OK : error_set(error, ERR_USAGE, "%.100s…: the name is too long", source);
}

/* ---- The journey ------------------------------------------------------------------------------------------------------------ */

static void note_result(struct journey *journey, int64_t instance_id, const struct copy_file *file)
{
    const struct transfer *transfer = &file->transfer;
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_string(&note.data, "file", transfer->remote);
    json_member_int(&note.data, "bytes", transfer->size);
    json_member_int(&note.data, "resumed_from", transfer->resumed_from);
    json_member_int(&note.data, "attempts", transfer->attempts);
    json_member_string(&note.data, "sha256", transfer->sha256);
    json_member_decimal(&note.data, "seconds", file->duration_ns, 9);
    note_end(journey->world, &note, "transfer.result");
}

static enum error_code copy_one(struct copy *copy, const struct remote_copy_options *options, const char *source,
                                bool is_folder, struct copy_file *file, struct error *error)
{
    struct world *world = copy->journey.world;
    int64_t began_ns = world_now_ns(world);
    enum error_code code = name_target(options, source, is_folder, file, error);
    if (code == ERR_OK) {
        code = options->direction == COPY_PUT ? transfer_put(&copy->room, &file->transfer, error)
                                              : transfer_get(&copy->room, &file->transfer, error);
    }
    file->done = code == ERR_OK;
    file->duration_ns = world_now_ns(world) - began_ns;
    if (code == ERR_OK) {
        note_result(&copy->journey, options->instance_id, file);
    }
    return code;
}

static enum error_code copy_all(struct copy *copy, const struct remote_copy_options *options, struct copy_file *files,
                                struct error *error)
{
    bool is_folder;
    if (transfer_room_take(&copy->room, &copy->machine, TRANSFER_PIECE_BYTES) != ERR_OK) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a piece of a file");
    }
    enum error_code code = judge_target(copy, options, &is_folder, error);
    for (size_t i = 0; i < options->source_count && code == ERR_OK; i++) {
        code = copy_one(copy, options, options->sources[i], is_folder, &files[i], error);
    }
    transfer_room_release(&copy->room);
    return code;
}

static void advise(struct error *error)
{
    const char *advice = "";
    switch (error->code) {
    case ERR_DISK_FULL:
        advice = "make room on the machine, and run it again";
        break;
    case ERR_COMMAND_FAILED:
    case ERR_OUTPUT_UNEXPECTED:
        advice = "check the path and its rights on the machine";
        break;
    case ERR_FILE_DIFFERS:
        advice = "somebody else writes to it: run it again when nobody does";
        break;
    case ERR_INTERRUPTED:
    case ERR_DEADLINE:
        advice = "run it again: it goes on from what is there";
        break;
    default:
        advice = error_retry_class(error->code) == RETRY_FATAL ? "" : "run it again: it goes on from what is there";
        break;
    }
    if (error->next_step[0] == '\0' && advice[0] != '\0') {
        error_advise(error, "%s", advice);
    }
}

static enum error_code reach_and_copy(struct copy *copy, const struct remote_copy_options *options,
                                      struct copy_file *files, struct error *error)
{
    struct journey *journey = &copy->journey;
    struct machine *machine = &copy->machine;
    machine_init(machine, journey->world, options->instance_id, true, command_limit_ns);
    enum error_code code = reach_machine(journey, machine, error);
    if (code != ERR_OK) {
        return code;
    }
    char text[256];
    (void)text_format(text, sizeof text, "machine %lld, root at %s:%lld: %zu %s %s it\n",
                      (long long)options->instance_id, machine->host, (long long)machine->target.port,
                      options->source_count, options->source_count == 1 ? "file" : "files",
                      options->direction == COPY_PUT ? "to" : "from");
    switch (consent_seek(journey, options->consent, text, "Copy? [y/N] ", error)) {
    case CONSENT_STOP:
        return ERR_OK;
    case CONSENT_REFUSED:
        return error->code;
    case CONSENT_YES:
        break;
    }
    struct shield limit =
        task_limit_begin(journey->world->scheduler, world_deadline_ns(journey->world, options->limit_ns));
    code = copy_all(copy, options, files, error);
    machine_close(machine);
    task_shield_end(journey->world->scheduler, limit);
    if (code != ERR_OK) {
        code = reach_explain(journey, machine, error);
        advise(error);
    }
    return code;
}

enum exit_status remote_copy(struct world *world, const struct remote_copy_options *options, struct copy_file *files)
{
    struct copy *copy = heap_alloc(world->heap, sizeof *copy);
    const char *name = options->direction == COPY_PUT ? "put" : "get";
    if (copy == NULL || journey_open(&copy->journey, world, name, options->access) != ERR_OK) {
        heap_release(world->heap, copy);
        return journey_without_memory(world);
    }
    struct error error;
    journey_note_start(&copy->journey);
    if (reach_and_copy(copy, options, files, &error) != ERR_OK) {
        (void)journey_fail(&copy->journey, &error);
    }
    enum exit_status status = journey_close(&copy->journey);
    heap_release(world->heap, copy);
    return status;
}
