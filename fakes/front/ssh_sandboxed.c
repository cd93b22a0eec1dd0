/* What runs in a sandbox behind an SSH channel: commands, login shells, sftp. */
#include <signal.h>
#include <string.h>

#include "fakes/front/sandbox.h"
#include "fakes/front/sandbox_machines.h"
#include "fakes/front/ssh_pace.h"

struct sandboxed_program {
    struct channel_program program;
    struct stage_server *stage;
    struct cloud_session *session;
    struct sandbox_process *process;
    bool is_sftp;
    struct ssh_pace pace;
    const char *failure; /* said at its end, with failure_status; NULL: none (left) */
    int failure_status;
    int64_t moved_bytes, drop_at_bytes; /* of its output, for sftp of its input too; -1: it is not dropped */
    size_t command_length;
    char command[];
};

static struct sandboxed_program *sandboxed_of(struct channel_program *program)
{
    return (struct sandboxed_program *)program;
}

/* ---- signals ---- */

/* As RFC 4254, section 6.10 names them. */
static const struct {
    const char *name;
    int number;
} signals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
    {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
    {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
};

static const char *signal_name(int number)
{
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        if (signals[i].number == number) {
            return signals[i].name;
        }
    }
    return "KILL";
}

static void program_signal(struct channel_program *program, const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        if (strcmp(signals[i].name, name) == 0) {
            sandbox_process_signal(sandboxed_of(program)->process, signals[i].number);
        }
    }
}

/* ---- the program ---- */

static void see_end(struct sandboxed_program *program)
{
    struct channel_program *channel = &program->program;
    if (program->drop_at_bytes >= 0 && program->moved_bytes >= program->drop_at_bytes) {
        channel->cut = true;
        channel->ended = true;
    } else if (sandbox_process_has_ended(program->process)) {
        int number = sandbox_process_killed_by(program->process);
        if (!channel->ended && program->failure != NULL) {
            sandbox_process_say(program->process, SANDBOX_ERR, program->failure);
        }
        channel->ended = true;
        bool fails = program->failure != NULL;
        channel->exit_status = fails ? program->failure_status : sandbox_process_status(program->process);
        channel->exit_signal = number == 0 || fails ? NULL : signal_name(number);
    }
}

static void process_changed(void *context)
{
    struct sandboxed_program *program = context;
    if (program->process != NULL) {
        see_end(program);
        program_changed(&program->program);
    }
}

static size_t program_room(struct channel_program *program)
{
    struct sandboxed_program *sandboxed = sandboxed_of(program);
    return ssh_pace_room(&sandboxed->pace, sandbox_process_room(sandboxed->process));
}

static void program_input(struct channel_program *program, struct span bytes)
{
    struct sandboxed_program *sandboxed = sandboxed_of(program);
    sandbox_process_input(sandboxed->process, bytes);
    ssh_pace_moved(&sandboxed->pace, bytes.length);
    sandboxed->moved_bytes += sandboxed->is_sftp ? (int64_t)bytes.length : 0;
    see_end(sandboxed);
}

static void program_input_end(struct channel_program *program)
{
    sandbox_process_input_end(sandboxed_of(program)->process);
}

/* Of what is dropped later, no more than so much is ever shown. */
static struct span program_output(struct channel_program *program, enum channel_stream stream)
{
    struct sandboxed_program *sandboxed = sandboxed_of(program);
    struct span output = sandbox_process_output(sandboxed->process, stream == CHANNEL_OUT ? SANDBOX_OUT : SANDBOX_ERR);
    if (sandboxed->drop_at_bytes >= 0) {
        int64_t left = sandboxed->drop_at_bytes - sandboxed->moved_bytes;
        left = left < 0 ? 0 : left;
        output.length = (uint64_t)left < output.length ? (size_t)left : output.length;
    }
    output.length = ssh_pace_room(&sandboxed->pace, output.length);
    return output;
}

static void program_sent(struct channel_program *program, enum channel_stream stream, size_t size)
{
    struct sandboxed_program *sandboxed = sandboxed_of(program);
    sandbox_process_sent(sandboxed->process, stream == CHANNEL_OUT ? SANDBOX_OUT : SANDBOX_ERR, size);
    sandboxed->moved_bytes += (int64_t)size;
    ssh_pace_moved(&sandboxed->pace, size);
    see_end(sandboxed);
}

static void program_resize(struct channel_program *program, int columns, int rows)
{
    sandbox_process_resize(sandboxed_of(program)->process, columns, rows);
}

static void program_close(struct channel_program *program)
{
    struct sandboxed_program *sandboxed = sandboxed_of(program);
    struct stage_server *stage = sandboxed->stage;
    int status = program->ended && program->exit_signal == NULL ? program->exit_status : -1;
    cloud_ssh_ran(stage->cloud, stage_now_ns(stage), sandboxed->session,
                  (struct span){sandboxed->command, sandboxed->command_length}, status);
    ssh_pace_stop(&sandboxed->pace);
    sandbox_process_close(sandboxed->process);
    cloud_ssh_end(stage->cloud, sandboxed->session);
    heap_release(stage->heap, sandboxed);
}

/* ---- start ---- */

/* What sshd gives to a session; none of the container's own variables is among it. */
static void write_environment(const struct channel_request *request, struct buffer *out)
{
    static const char always[] = "USER=root\0LOGNAME=root\0HOME=/root\0SHELL=/bin/bash\0"
                                 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    buffer_append(out, always, sizeof always);
    if (request->terminal.wanted) {
        buffer_printf(out, "TERM=%s%c", request->terminal.term, '\0');
    }
    buffer_append(out, request->environment.at, request->environment.length);
}

/* What befalls the machine, and what its end and the connection will be; the clock cannot be another one in a sandbox. */
static void take_verdict(struct sandboxed_program *program, struct sandbox_machines *machines, uint32_t contract,
                         struct command_verdict *verdict)
{
    struct stage_server *stage = program->stage;
    struct span command = {program->command, program->command_length};
    if (!cloud_ssh_verdict(stage->cloud, stage_now_ns(stage), program->session, command, verdict)) {
        *verdict = (struct command_verdict){.disk_used_bytes = -1};
    }
    ssh_pace_start(&program->pace, stage, &program->program, verdict->bytes_per_s);
    if (verdict->disk_used_bytes >= 0) {
        sandbox_set_disk_used(sandbox_machines_running(machines, contract), verdict->disk_used_bytes);
    }
    if (verdict->gpu_changes) {
        sandbox_machines_set_gpu_state(machines, contract, verdict->gpu_state);
    }
    program->failure = verdict->torn ? "tar: workspace: file changed as we read it\n" : verdict->failure;
    program->failure_status = verdict->torn ? 1 : verdict->failure_status;
    program->drop_at_bytes = verdict->reboots ? 0 : verdict->dropped ? verdict->drop_after_bytes : -1;
    program->program.silent = verdict->vanishes;
}

static void make_noise(struct sandboxed_program *program, const struct command_verdict *verdict)
{
    if (verdict->noise != NULL) {
        sandbox_process_say(program->process, verdict->noise_on_out ? SANDBOX_OUT : SANDBOX_ERR, verdict->noise);
    }
}

static struct sandbox_process *start_process(struct sandboxed_program *program, struct sandbox *sandbox,
                                             const struct channel_request *request)
{
    char storage[GUEST_ENVIRONMENT_MAX];
    struct buffer environment;
    buffer_init_fixed(&environment, storage, sizeof storage);
    write_environment(request, &environment);
    struct sandbox_request wanted = {.command = request->text,
                                     .environment = {storage, environment.length},
                                     .login = request->kind == CHANNEL_SHELL,
                                     .terminal = request->terminal.wanted && request->kind != CHANNEL_SUBSYSTEM,
                                     .columns = request->terminal.columns,
                                     .rows = request->terminal.rows,
                                     .changed = process_changed,
                                     .context = program};
    if (request->kind == CHANNEL_SUBSYSTEM) {
        wanted.command = span_of("exec " GUEST_PROGRAM " sftp-server");
    }
    return environment.failed ? NULL : sandbox_exec(sandbox, &wanted);
}

struct channel_program *sandbox_machines_program(void *context, const struct channel_request *request)
{
    static const struct channel_program_class class = {
        .room = program_room,
        .input = program_input,
        .input_end = program_input_end,
        .output = program_output,
        .sent = program_sent,
        .resize = program_resize,
        .signal = program_signal,
        .close = program_close,
    };
    struct sandbox *sandbox = sandbox_machines_running(context, request->contract);
    if (sandbox == NULL || (request->kind == CHANNEL_SUBSYSTEM && !span_equals(request->text, "sftp"))) {
        return NULL;
    }
    struct stage_server *stage = request->stage;
    struct sandboxed_program *program = heap_alloc(stage->heap, sizeof *program + request->text.length);
    struct cloud_session *session = program == NULL ? NULL : cloud_ssh_beside(stage->cloud, request->session);
    if (session == NULL) {
        heap_release(stage->heap, program);
        return NULL;
    }
    program->program.class = &class;
    program->stage = stage;
    program->session = session;
    program->is_sftp = request->kind == CHANNEL_SUBSYSTEM;
    program->command_length = request->text.length;
    memcpy(program->command, request->text.at, request->text.length);
    struct command_verdict verdict;
    take_verdict(program, context, request->contract, &verdict);
    program->process = start_process(program, sandbox, request);
    if (program->process == NULL) {
        cloud_ssh_end(stage->cloud, session);
        ssh_pace_stop(&program->pace);
        heap_release(stage->heap, program);
        return NULL;
    }
    make_noise(program, &verdict);
    return &program->program;
}
