#include "world/live/ssh_command.h"

#include <signal.h>
#include <string.h>

#include "base/attributes.h"

enum { INPUT_CHUNK_BYTES = 32 * 1024, HELD_CHUNK_BYTES = 16 * 1024, UNKNOWN_SIGNAL_STATUS = 255 };

/* ---- What arrives ------------------------------------------------------------------------------------------------------- */

/* Output beyond the receiver's limit is lost, what comes before it is not. */
static void append_what_fits(struct buffer *out, const void *bytes, size_t size)
{
    if (out->failed) {
        return;
    }
    size_t room = out->limit - out->length;
    bool fits = size <= room;
    buffer_append(out, bytes, fits ? size : room);
    out->failed = out->failed || !fits;
}

static int data_arrives(ssh_session session, ssh_channel channel, void *data, uint32_t size, int is_stderr,
                        void *context)
{
    (void)session;
    (void)channel;
    struct ssh_command *command = context;
    if (command->streams_outputs) {
        size_t taken = person_take(command->streams, is_stderr != 0, data, size);
        command->held[is_stderr != 0 ? 1 : 0] = size - taken; /* libssh shows all that it keeps */
        return (int)taken;
    }
    append_what_fits(is_stderr != 0 ? command->err : command->out, data, size);
    return (int)size;
}

static void output_ends(ssh_session session, ssh_channel channel, void *context)
{
    (void)session;
    (void)channel;
    ((struct ssh_command *)context)->output_ended = true;
}

static void channel_closes(ssh_session session, ssh_channel channel, void *context)
{
    (void)session;
    (void)channel;
    ((struct ssh_command *)context)->closed = true;
}

static void command_exits(ssh_session session, ssh_channel channel, int exit_status, void *context)
{
    (void)session;
    (void)channel;
    struct ssh_command *command = context;
    command->exit_known = true;
    command->exit_status = exit_status;
}

/* The names of RFC 4254, section 6.10. */
static int signal_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
        {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
        {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        if (strcmp(signals[i].name, name) == 0) {
            return signals[i].number;
        }
    }
    return UNKNOWN_SIGNAL_STATUS - 128;
}

static void command_is_killed(ssh_session session, ssh_channel channel, const char *name, int core, const char *message,
                              const char *language, void *context)
{
    (void)session;
    (void)channel;
    (void)core;
    (void)message;
    (void)language;
    struct ssh_command *command = context;
    command->exit_known = true;
    command->exit_status = 128 + signal_number(name == NULL ? "" : name);
}

/* ---- Steps -------------------------------------------------------------------------------------------------------------- */

bool ssh_command_start(struct ssh_command *command, ssh_session session, ssh_event event)
{
    command->session = session;
    command->event = event;
    command->stage = COMMAND_OPENS;
    command->channel = ssh_channel_new(session);
    if (command->channel == NULL) {
        return false;
    }
    command->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = command,
        .channel_data_function = data_arrives,
        .channel_eof_function = output_ends,
        .channel_close_function = channel_closes,
        .channel_exit_status_function = command_exits,
        .channel_exit_signal_function = command_is_killed,
    };
    ssh_callbacks_init(&command->callbacks);
    return ssh_set_channel_callbacks(command->channel, &command->callbacks) == SSH_OK;
}

static enum ssh_progress progress_of(int result)
{
    switch (result) {
    case SSH_OK:
        return SSH_GOES_ON;
    case SSH_AGAIN:
        return SSH_WAITS;
    default:
        return SSH_FAILED;
    }
}

/* How much of the input the peer's window and the socket take now; what is sent stays in libssh's buffer until the socket takes it. */
static size_t input_room(const struct ssh_command *command)
{
    if ((ssh_get_poll_flags(command->session) & SSH_WRITE_PENDING) != 0) {
        return 0;
    }
    size_t window = ssh_channel_window_size(command->channel);
    return window < INPUT_CHUNK_BYTES ? window : INPUT_CHUNK_BYTES;
}

/* What is there to be sent, `*ended` with the last of it. */
static struct span next_input(struct ssh_command *command, bool *ended)
{
    struct span input = command->streams == NULL ? command->input : person_input(command->streams);
    *ended = command->streams == NULL || command->streams->input_ended;
    return input;
}

static void send_input(struct ssh_command *command)
{
    bool ended = false;
    for (size_t room = input_room(command); room > 0; room = input_room(command)) {
        struct span input = next_input(command, &ended);
        size_t size = input.length < room ? input.length : room;
        int sent = size == 0 ? 0 : ssh_channel_write(command->channel, input.at, (uint32_t)size);
        if (sent <= 0) {
            ended = ended && input.length == 0;
            break; /* nothing is there, or the command wants no more: its end tells */
        }
        if (command->streams != NULL) {
            person_input_taken(command->streams, (size_t)sent);
        } else {
            command->input = (struct span){input.at + sent, input.length - (size_t)sent};
        }
        ended = false;
    }
    if (ended && !command->input_ended) {
        command->input_ended = true;
        (void)ssh_channel_send_eof(command->channel);
    } else if (command->streams != NULL && input_room(command) == 0) {
        person_input_pause(command->streams);
    }
}

/* What libssh kept, as far as there is room for it now. */
static void take_held(struct ssh_command *command, bool is_stderr)
{
    char bytes[HELD_CHUNK_BYTES];
    size_t *held = &command->held[is_stderr ? 1 : 0];
    while (*held > 0) {
        size_t room = person_room(command->streams, is_stderr);
        size_t size = room < sizeof bytes ? room : sizeof bytes;
        int count = size == 0
                        ? 0
                        : ssh_channel_read_nonblocking(command->channel, bytes, (uint32_t)(size < *held ? size : *held),
                                                       is_stderr ? 1 : 0);
        if (count <= 0) {
            return;
        }
        (void)person_take(command->streams, is_stderr, bytes, (size_t)count);
        *held -= (size_t)count;
    }
}

/* Hands on what the program's streams take. True when nothing of it is left here. */
static bool move_outputs(struct ssh_command *command)
{
    if (!command->streams_outputs) {
        return true;
    }
    bool empty = person_flush(command->streams);
    while (empty && command->held[0] + command->held[1] > 0) {
        size_t held = command->held[0] + command->held[1];
        take_held(command, false);
        take_held(command, true);
        empty = person_flush(command->streams) && command->held[0] + command->held[1] < held;
    }
    return empty;
}

bool ssh_command_has_ended(const struct ssh_command *command)
{
    return command->closed || (command->output_ended && command->exit_known);
}

static enum ssh_progress run(struct ssh_command *command)
{
    enum ssh_progress progress = SSH_WAITS;
    if (!ssh_command_has_ended(command)) {
        send_input(command);
        progress = progress_of(ssh_event_dopoll(command->event, 0));
    }
    bool moved = move_outputs(command);
    if (command->streams != NULL && command->streams->failed) {
        return SSH_FAILED;
    }
    if (ssh_command_has_ended(command)) {
        return moved ? SSH_IS_DONE : SSH_WAITS;
    }
    return ssh_is_connected(command->session) != 0 ? progress : SSH_FAILED;
}

void ssh_command_terminate(struct ssh_command *command)
{
    if (command->channel != NULL && command->stage == COMMAND_RUNS && !ssh_command_has_ended(command)) {
        (void)ssh_channel_request_send_signal(command->channel, "TERM");
    }
}

enum ssh_progress ssh_command_step(struct ssh_command *command)
{
    enum ssh_progress progress;
    switch (command->stage) {
    case COMMAND_OPENS:
        progress = progress_of(ssh_channel_open_session(command->channel));
        command->stage = progress == SSH_GOES_ON ? COMMAND_IS_REQUESTED : COMMAND_OPENS;
        return progress;
    case COMMAND_IS_REQUESTED:
        progress = progress_of(ssh_channel_request_exec(command->channel, command->text));
        command->stage = progress == SSH_GOES_ON ? COMMAND_RUNS : COMMAND_IS_REQUESTED;
        return progress;
    case COMMAND_RUNS:
        return run(command);
    }
    return SSH_FAILED;
}

void ssh_command_release(struct ssh_command *command)
{
    if (command->channel == NULL) {
        return;
    }
    (void)ssh_remove_channel_callbacks(command->channel, &command->callbacks);
    (void)ssh_channel_close(command->channel);
    ssh_channel_free(command->channel);
    command->channel = NULL;
}
