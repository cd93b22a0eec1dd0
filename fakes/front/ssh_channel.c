/* Channels: requests, input and output by their windows, ends. */
#include <string.h>

#include "fakes/front/ssh_state.h"

enum { PIECE_BYTES = 32 * 1024, WRITES_A_MOVE = 16 };

/* ---- Requests: called by libssh while it is pumped ---------------------------------------------------------------------- */

/* sshd's AcceptEnv as Debian sets it; what is more than its number of them, or has no room, is left out there too. */
static bool may_be_set(const char *name)
{
    return strcmp(name, "LANG") == 0 || strncmp(name, "LC_", 3) == 0;
}

static int on_environment(ssh_session session, ssh_channel ssh, const char *name, const char *value, void *context)
{
    (void)session;
    (void)ssh;
    struct peer_channel *channel = context;
    struct buffer *environment = &channel->environment;
    if (name == NULL || value == NULL || !may_be_set(name) || channel->variables >= CHANNEL_VARIABLES_MAX) {
        return SSH_ERROR;
    }
    size_t before = environment->length;
    buffer_append_text(environment, name);
    buffer_append_char(environment, '=');
    buffer_append(environment, value, strlen(value) + 1);
    if (environment->failed) { /* whole or not at all */
        environment->length = before;
        environment->failed = false;
        return SSH_ERROR;
    }
    channel->variables++;
    return SSH_OK;
}

static int on_terminal(ssh_session session, ssh_channel ssh, const char *term, int columns, int rows, int x, int y,
                       void *context)
{
    (void)session;
    (void)ssh;
    (void)x;
    (void)y;
    struct peer_channel *channel = context;
    channel->terminal = (struct channel_terminal){.wanted = true, .columns = columns, .rows = rows};
    (void)text_copy(channel->terminal.term, sizeof channel->terminal.term, term == NULL ? "" : term);
    return SSH_OK;
}

static int on_resize(ssh_session session, ssh_channel ssh, int columns, int rows, int x, int y, void *context)
{
    (void)session;
    (void)ssh;
    (void)x;
    (void)y;
    struct peer_channel *channel = context;
    channel->terminal.columns = columns;
    channel->terminal.rows = rows;
    if (channel->program != NULL && channel->program->class->resize != NULL) {
        channel->program->class->resize(channel->program, columns, rows);
    }
    return SSH_OK;
}

static int start(struct peer_channel *channel, enum channel_request_kind kind, const char *text)
{
    struct peer *peer = channel->peer;
    if (channel->program != NULL) {
        return SSH_ERROR; /* one program a channel (RFC 4254, section 6.5) */
    }
    if (!peer_may_stay(peer)) {
        peer_cut(peer); /* the machine went while it was let in */
        return SSH_ERROR;
    }
    struct channel_request request = {
        .kind = kind,
        .text = span_of(text == NULL ? "" : text),
        .stage = peer->front->stage,
        .contract = peer->machine->contract,
        .session = peer->session,
        .terminal = channel->terminal,
        .environment = {buffer_text(&channel->environment), channel->environment.length},
    };
    channel->program = peer->front->program(peer->front->program_context, &request);
    if (channel->program == NULL) {
        return SSH_ERROR;
    }
    channel->program->channel = channel;
    peer->front->program_count++;
    peer->again = true;
    return SSH_OK;
}

static int on_exec(ssh_session session, ssh_channel ssh, const char *command, void *context)
{
    (void)session;
    (void)ssh;
    return start(context, CHANNEL_EXEC, command);
}

static int on_shell(ssh_session session, ssh_channel ssh, void *context)
{
    (void)session;
    (void)ssh;
    return start(context, CHANNEL_SHELL, "");
}

static int on_subsystem(ssh_session session, ssh_channel ssh, const char *name, void *context)
{
    (void)session;
    (void)ssh;
    return start(context, CHANNEL_SUBSYSTEM, name);
}

/* The bytes stay in libssh's buffer, which the window bounds, until the program has room for them. */
static int on_data(ssh_session session, ssh_channel ssh, void *data, uint32_t size, int is_err, void *context)
{
    (void)session;
    (void)ssh;
    (void)data;
    (void)size;
    struct peer_channel *channel = context;
    channel->has_input = channel->has_input || is_err == 0;
    return 0;
}

static void on_eof(ssh_session session, ssh_channel ssh, void *context)
{
    (void)session;
    (void)ssh;
    struct peer_channel *channel = context;
    channel->input_over = true;
}

static void on_close(ssh_session session, ssh_channel ssh, void *context)
{
    (void)session;
    (void)ssh;
    struct peer_channel *channel = context;
    channel->closed = true;
}

static void on_signal(ssh_session session, ssh_channel ssh, const char *name, void *context)
{
    (void)session;
    (void)ssh;
    struct peer_channel *channel = context;
    if (channel->program != NULL && channel->program->class->signal != NULL && name != NULL) {
        channel->program->class->signal(channel->program, name);
    }
}

static void set_callbacks(struct peer_channel *channel)
{
    channel->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = channel,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_close,
        .channel_signal_function = on_signal,
        .channel_pty_request_function = on_terminal,
        .channel_shell_request_function = on_shell,
        .channel_pty_window_change_function = on_resize,
        .channel_exec_request_function = on_exec,
        .channel_env_request_function = on_environment,
        .channel_subsystem_request_function = on_subsystem,
    };
    ssh_callbacks_init(&channel->callbacks);
    (void)ssh_set_channel_callbacks(channel->ssh, &channel->callbacks);
}

ssh_channel channel_requested(ssh_session session, void *context)
{
    struct peer *peer = context;
    struct peer_channel *channel =
        peer->channel_count >= SSH_CHANNELS_MAX ? NULL : heap_alloc(peer->front->heap, sizeof *channel);
    if (channel == NULL) {
        return NULL;
    }
    channel->ssh = ssh_channel_new(session);
    if (channel->ssh == NULL) {
        heap_release(peer->front->heap, channel);
        return NULL;
    }
    channel->peer = peer;
    buffer_init(&channel->environment, peer->front->heap, CHANNEL_ENVIRONMENT_MAX);
    set_callbacks(channel);
    channel->next = peer->channels;
    peer->channels = channel;
    peer->channel_count++;
    return channel->ssh;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------------- */

/* Gives the program what it has room for. */
static void move_input(struct peer_channel *channel)
{
    struct channel_program *program = channel->program;
    char piece[PIECE_BYTES];
    while (channel->has_input && !program->ended) {
        size_t room = program->class->room(program);
        uint32_t wanted = (uint32_t)(room < sizeof piece ? room : sizeof piece);
        int got = wanted == 0 ? 0 : ssh_channel_read_nonblocking(channel->ssh, piece, wanted, 0);
        if (wanted == 0) {
            return;
        }
        if (got <= 0) {
            channel->has_input = false;
            break;
        }
        program->class->input(program, (struct span){piece, (size_t)got});
    }
    if (channel->input_over && !channel->has_input && !channel->told_over && !program->ended) {
        channel->told_over = true;
        program->class->input_end(program);
    }
}

/* Sends what the client's window and the socket take. True when nothing is left. */
static bool move_output(struct peer_channel *channel, enum channel_stream stream)
{
    struct channel_program *program = channel->program;
    struct peer *peer = channel->peer;
    for (int i = 0; i < WRITES_A_MOVE; i++) {
        struct span rest = program->class->output(program, stream);
        if (rest.length == 0) {
            return true;
        }
        bool socket_is_full = (ssh_get_poll_flags(peer->ssh) & SSH_WRITE_PENDING) != 0;
        if (socket_is_full || channel->closed || ssh_channel_window_size(channel->ssh) == 0) {
            return false;
        }
        uint32_t size = (uint32_t)(rest.length < PIECE_BYTES ? rest.length : PIECE_BYTES);
        int sent = stream == CHANNEL_OUT ? ssh_channel_write(channel->ssh, rest.at, size)
                                         : ssh_channel_write_stderr(channel->ssh, rest.at, size);
        if (sent <= 0) {
            return false;
        }
        program->class->sent(program, stream, (size_t)sent);
    }
    peer->again = true;
    return false;
}

static void close_program(struct peer_channel *channel)
{
    if (channel->program != NULL) {
        channel->program->class->close(channel->program);
        channel->program = NULL;
        channel->peer->front->program_count--;
    }
}

/* All is said: the status, and the end of the channel or, where that is the program's end, of the connection. */
static void finish(struct peer_channel *channel)
{
    const struct channel_program *program = channel->program;
    if (program->cut && (ssh_get_poll_flags(channel->peer->ssh) & SSH_WRITE_PENDING) != 0) {
        return; /* not before all is sent */
    }
    if (program->cut) {
        peer_cut(channel->peer);
    } else if (program->exit_signal != NULL) {
        (void)ssh_channel_request_send_exit_signal(channel->ssh, program->exit_signal, 0, "", "");
    } else {
        (void)ssh_channel_request_send_exit_status(channel->ssh, program->exit_status);
    }
    if (!program->cut) {
        (void)ssh_channel_send_eof(channel->ssh);
        (void)ssh_channel_close(channel->ssh);
    }
    channel->over = true;
}

static void move(struct peer_channel *channel)
{
    if (channel->program != NULL && channel->program->silent) {
        channel->peer->silent = true;
        return;
    }
    if (channel->program != NULL && !channel->closed) {
        move_input(channel);
        bool out_is_sent = move_output(channel, CHANNEL_OUT);
        bool err_is_sent = move_output(channel, CHANNEL_ERR);
        if (out_is_sent && err_is_sent && channel->program->ended) {
            finish(channel);
        }
    }
    channel->over = channel->over || channel->closed;
}

static void free_channel(struct peer_channel *channel)
{
    struct peer *peer = channel->peer;
    close_program(channel);
    buffer_release(&channel->environment);
    (void)ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
    heap_release(peer->front->heap, channel);
    peer->channel_count--;
}

void channels_move(struct peer *peer)
{
    for (struct peer_channel *channel = peer->channels; channel != NULL && !peer->dead && !peer->silent;
         channel = channel->next) {
        move(channel);
    }
    struct peer_channel **place = &peer->channels;
    while (*place != NULL && !peer->dead) {
        struct peer_channel *channel = *place;
        if (channel->over) {
            ssh_channel ssh = channel->ssh;
            *place = channel->next;
            free_channel(channel);
            ssh_channel_free(ssh); /* libssh keeps it until the client has closed it too */
        } else {
            place = &channel->next;
        }
    }
}

/* libssh's halves go with its session, which is about to be freed: freed here, each would say goodbye to the client. */
void channels_free(struct peer *peer)
{
    while (peer->channels != NULL) {
        struct peer_channel *channel = peer->channels;
        peer->channels = channel->next;
        free_channel(channel);
    }
}

void program_changed(struct channel_program *program)
{
    if (program->channel != NULL) {
        peer_pump(program->channel->peer);
    }
}
