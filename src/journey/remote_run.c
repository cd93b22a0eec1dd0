#include "journey/remote_run.h"

#include "journey/reach.h"
#include "world/note.h"

static const int64_t open_limit_ns = 30 * NS_PER_S;

struct remote {
    struct journey journey;
    struct machine machine;
};

/* ---- What went wrong ------------------------------------------------------------------------------------------------------- */

static enum error_code explain(struct remote *remote, const struct remote_run_options *options, enum error_code code,
                               struct error *error)
{
    long long id = options->instance_id;
    switch (code) {
    case ERR_SSH_DROPPED:
        (void)error_set(error, code, "the connection to machine %lld broke while the command ran", id);
        error_advise(error, "it may have ended, and may be running still: look before running it again");
        note_fault(remote->journey.world, "ssh-drop-mid-command", "%s; not run again", error->message);
        break;
    case ERR_TIMED_OUT:
    case ERR_DEADLINE:
        (void)error_set(error, ERR_DEADLINE, "the command on machine %lld had not ended in time and was sent SIGTERM",
                        id);
        error_advise(error, "--limit-s X waits longer");
        break;
    case ERR_CANNOT_WRITE:
        (void)error_set(error, code,
                        "standard output or standard error takes no more of what the command on machine %lld writes",
                        id);
        break;
    case ERR_INTERRUPTED:
        (void)error_set(error, code, "interrupted: the command on machine %lld was sent SIGTERM", id);
        error_advise(error, "look whether it has ended before running it again");
        break;
    default:
        return error_set(error, code, "machine %lld: %s", id, error_sentence(code));
    }
    return error->code;
}

/* ---- The journey ----------------------------------------------------------------------------------------------------------- */

static void note_result(struct journey *journey, int64_t instance_id, const struct remote_run_result *result)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_int(&note.data, "exit_status", result->exit_status);
    json_member_decimal(&note.data, "seconds", result->duration_ns, 9);
    note_end(journey->world, &note, "run.result");
}

static enum error_code run_it(struct remote *remote, const struct remote_run_options *options,
                              struct remote_run_result *result, struct error *error)
{
    struct machine *machine = &remote->machine;
    struct world *world = remote->journey.world;
    const struct machine_order order = {
        .command = options->command,
        .input = {"", 0},
        .streams = options->streams,
        .is_private = true,
        .out = &result->out,
        .err = &result->err,
    };
    int64_t began_ns = world_now_ns(world);
    enum error_code code = machine_send(machine, &order, world_deadline_ns(world, options->limit_ns));
    if (code != ERR_OK) {
        return explain(remote, options, code, error);
    }
    result->ran = true;
    result->exit_status = machine->exit_status;
    result->duration_ns = world_now_ns(world) - began_ns;
    remote->journey.command_status = machine->exit_status;
    note_result(&remote->journey, options->instance_id, result);
    return ERR_OK;
}

static enum error_code reach_and_run(struct remote *remote, const struct remote_run_options *options,
                                     struct remote_run_result *result, struct error *error)
{
    struct machine *machine = &remote->machine;
    machine_init(machine, remote->journey.world, options->instance_id, true, options->limit_ns);
    enum error_code code = reach_machine(&remote->journey, machine, error);
    if (code != ERR_OK) {
        return code;
    }
    char text[256];
    (void)text_format(text, sizeof text, "machine %lld, root at %s:%lld: run the command\n",
                      (long long)options->instance_id, machine->host, (long long)machine->target.port);
    switch (consent_seek(&remote->journey, options->consent, text, "Run it? [y/N] ", error)) {
    case CONSENT_STOP:
        return ERR_OK;
    case CONSENT_REFUSED:
        return error->code;
    case CONSENT_YES:
        break;
    }
    code = machine_open(machine, open_limit_ns, error);
    code = code == ERR_OK ? run_it(remote, options, result, error) : code;
    code = code == ERR_OK ? ERR_OK : reach_explain(&remote->journey, machine, error);
    machine_close(machine);
    return code;
}

enum exit_status remote_run(struct world *world, const struct remote_run_options *options,
                            struct remote_run_result *result)
{
    struct remote *remote = heap_alloc(world->heap, sizeof *remote);
    if (remote == NULL || journey_open(&remote->journey, world, "run", options->access) != ERR_OK) {
        heap_release(world->heap, remote);
        return journey_without_memory(world);
    }
    struct error error;
    journey_note_start(&remote->journey);
    if (reach_and_run(remote, options, result, &error) != ERR_OK) {
        (void)journey_fail(&remote->journey, &error);
    }
    enum exit_status status = journey_close(&remote->journey);
    heap_release(world->heap, remote);
    return status;
}
