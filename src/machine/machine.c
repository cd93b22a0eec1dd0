#include "machine/machine.h"

#include <string.h>

#include "world/note.h"

static const int64_t retry_pause_ns = 5 * NS_PER_S;

void machine_init(struct machine *machine, struct world *world, int64_t instance_id, bool reuse,
                  int64_t command_limit_ns)
{
    machine->world = world;
    machine->target = (struct shell_target){.host = machine->host, .instance_id = instance_id};
    machine->session = (struct shell_session){0};
    machine->reuse = reuse;
    machine->command_limit_ns = command_limit_ns;
    machine->sessions = 0;
    machine->exit_status = -1;
    machine->out_bytes = 0;
    machine->host[0] = '\0';
    buffer_init_fixed(&machine->out, machine->out_storage, sizeof machine->out_storage);
    buffer_init_fixed(&machine->err, machine->err_storage, sizeof machine->err_storage);
}

bool machine_set_address(struct machine *machine, const char *host, int64_t port)
{
    machine->target.port = port;
    return text_copy(machine->host, sizeof machine->host, host) && host[0] != '\0' && port > 0 && port < 65536;
}

static void note_session(struct machine *machine, const char *kind, enum error_code code, size_t stdout_bytes)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", machine->target.instance_id);
    json_member_int(&note.ids, "ssh", (int64_t)machine->sessions);
    if (strcmp(kind, "ssh.open") == 0) {
        json_member_string(&note.data, "host", machine->host);
        json_member_int(&note.data, "port", machine->target.port);
    } else {
        json_member_string(&note.data, "outcome", error_name(code));
        json_member_int(&note.data, "exit_status", machine->exit_status);
        json_member_int(&note.data, "stdout_bytes", (int64_t)stdout_bytes);
    }
    note_end(machine->world, &note, kind);
}

/* A person's own command may hold what is nobody's business, so its length alone is told. */
static void note_order(struct machine *machine, const struct machine_order *order)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", machine->target.instance_id);
    json_member_int(&note.ids, "ssh", (int64_t)machine->sessions);
    if (order->is_private) {
        json_member_string(&note.data, "command", "(as given)");
        json_member_int(&note.data, "command_bytes", (int64_t)order->command.length);
    } else {
        json_key(&note.data, "command");
        json_span(&note.data, order->command);
    }
    if (order->input.length > 0) {
        json_member_int(&note.data, "input_bytes", (int64_t)order->input.length);
    }
    note_end(machine->world, &note, "ssh.exec");
}

static bool is_open(const struct machine *machine)
{
    return machine->session.channel != NULL;
}

static void end_session(struct machine *machine, enum error_code code)
{
    shell_close(machine->world, &machine->session);
    note_session(machine, "ssh.close", code, machine->out_bytes);
}

void machine_close(struct machine *machine)
{
    if (is_open(machine)) {
        end_session(machine, ERR_OK);
    }
}

static enum error_code open_session(struct machine *machine, int64_t deadline_ns)
{
    machine->sessions++;
    machine->exit_status = -1;
    machine->out_bytes = 0;
    note_session(machine, "ssh.open", ERR_OK, 0);
    enum error_code code = shell_open(machine->world, &machine->session, &machine->target, deadline_ns);
    if (code != ERR_OK) {
        note_session(machine, "ssh.close", code, 0);
    }
    return code;
}

enum error_code machine_send(struct machine *machine, const struct machine_order *order, int64_t deadline_ns)
{
    if (!is_open(machine)) {
        enum error_code opened = open_session(machine, deadline_ns);
        if (opened != ERR_OK) {
            return opened;
        }
    }
    buffer_clear(order->out);
    buffer_clear(order->err);
    note_order(machine, order);
    enum error_code code = order->streams == STREAMS_NONE
                               ? shell_run(machine->world, &machine->session, order->command, order->input, order->out,
                                           order->err, deadline_ns)
                               : shell_run_attached(machine->world, &machine->session, order->command, order->streams,
                                                    order->out, order->err, deadline_ns);
    machine->exit_status = code == ERR_OK ? machine->session.exit_status : -1;
    machine->out_bytes = order->out->length;
    if (code != ERR_OK || !machine->reuse) {
        end_session(machine, code);
    }
    return code;
}

/* A connection that failed says nothing about the command; what is repeated here may be repeated. */
static bool worth_repeating(enum error_code code)
{
    return code != ERR_INTERRUPTED && code != ERR_DEADLINE && code != ERR_NO_MEMORY && code != ERR_SSH_HOST_KEY_CHANGED;
}

static enum error_code pause_before_next(struct machine *machine, struct error *error)
{
    enum error_code slept = world_sleep_until(machine->world, world_deadline_ns(machine->world, retry_pause_ns));
    return slept == ERR_OK ? ERR_OK : error_set(error, slept, "%s between two attempts", error_sentence(slept));
}

enum error_code machine_open(struct machine *machine, int64_t attempt_limit_ns, struct error *error)
{
    for (int made = 1; !is_open(machine); made++) {
        enum error_code code = open_session(machine, world_deadline_ns(machine->world, attempt_limit_ns));
        if (code == ERR_OK) {
            break;
        }
        (void)error_set(error, code, "SSH to %s:%lld: %s", machine->host, (long long)machine->target.port,
                        error_sentence(code));
        if (!worth_repeating(code) || made == MACHINE_ATTEMPTS) {
            return code;
        }
        code = pause_before_next(machine, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return error_set(error, ERR_OK, "done");
}

/* One command of our own, with the machine's buffers. */
static enum error_code attempt(struct machine *machine, const char *command, int64_t deadline_ns)
{
    const struct machine_order order = {
        .command = span_of(command), .input = {"", 0}, .out = &machine->out, .err = &machine->err};
    buffer_clear(&machine->out);
    return machine_send(machine, &order, deadline_ns);
}

enum error_code machine_probe(struct machine *machine, int64_t deadline_ns, struct error *error)
{
    enum error_code code = attempt(machine, "echo SSH_OK && hostname", deadline_ns);
    if (code != ERR_OK) {
        return error_set(error, code, "SSH to %s:%lld: %s", machine->host, (long long)machine->target.port,
                         error_sentence(code));
    }
    if (machine->exit_status != 0 || strncmp(buffer_text(&machine->out), "SSH_OK\n", 7) != 0) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "SSH to %s:%lld: a shell answers, but not to echo",
                         machine->host, (long long)machine->target.port);
    }
    return ERR_OK;
}

static enum error_code command_outcome(struct machine *machine, const char *command, struct error *error)
{
    if (machine->out.failed) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "\"%.80s\": more than %d bytes of output", command,
                         MACHINE_OUTPUT_SIZE - 1);
    }
    if (machine->exit_status == 0) {
        return error_set(error, ERR_OK, "done");
    }
    /* Some tools complain on standard output. */
    const char *words = buffer_text(machine->err.length > 0 ? &machine->err : &machine->out);
    bool full = strstr(words, "No space left on device") != NULL;
    size_t line_length = strcspn(words, "\n");
    return error_set(error, full ? ERR_DISK_FULL : ERR_COMMAND_FAILED, "\"%.80s\" ended with status %d: %.*s", command,
                     machine->exit_status, (int)(line_length < 120 ? line_length : 120), words);
}

enum error_code machine_run(struct machine *machine, const char *command, struct error *error)
{
    for (int made = 1;; made++) {
        int64_t deadline_ns = world_deadline_ns(machine->world, machine->command_limit_ns);
        enum error_code code = attempt(machine, command, deadline_ns);
        if (code == ERR_OK) {
            return command_outcome(machine, command, error);
        }
        (void)error_set(error, code, "\"%.80s\": %s", command, error_sentence(code));
        bool again = worth_repeating(code) && made < MACHINE_ATTEMPTS;
        if (code == ERR_SSH_DROPPED) {
            note_fault(machine->world, "ssh-drop-mid-command", "%s; %s", error->message,
                       again ? "ran it again" : "gave up");
        }
        if (!again) {
            return code;
        }
        code = pause_before_next(machine, error);
        if (code != ERR_OK) {
            return code;
        }
    }
}
