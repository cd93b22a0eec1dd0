/*
 * Shell: one SSH session is one socket of ours, one session of libssh with a poll context of its own, and the step that its task waits
 * for. Everything happens on the loop's stack: tasks queue chores, the socket's readiness moves a session on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world/live/host_keys.h"
#include "world/live/live_sides.h"
#include "world/live/ssh_command.h"
#include "world/live/ssh_key.h"
#include "world/live/tcp_connect.h"
#include "world/note.h"

/* How often one session may go on before others get their turn. */
enum { STEPS_IN_A_ROW = 8 };

struct live_shell {
    struct live_world *live;
    ssh_key key; /* NULL: none was given */
    struct live_session *sessions;
};

enum session_stage { STAGE_CONNECTS, STAGE_GREETS, STAGE_AUTHENTICATES, STAGE_IDLE, STAGE_RUNS, STAGE_BROKEN };

struct live_session {
    struct live_chore chore;
    struct live_shell *side;
    struct live_session *next;
    struct live_session *previous;
    struct shell_session *waiter; /* whose step is under way; NULL: nobody's */
    int64_t instance_id;
    enum session_stage stage;
    struct tcp_connect connect;
    struct reactor_watch watch;
    bool spoke; /* something came, if only what is no greeting */
    ssh_session ssh;
    ssh_event event;
    char *command_text;
    struct ssh_command command;
    struct person_streams *streams; /* of a command that uses them */
};

/* ---- The end of steps and sessions -------------------------------------------------------------------------------------- */

static void release_command(struct live_session *session)
{
    ssh_command_release(&session->command);
    heap_release(session->side->live->heap, session->command_text);
    session->command_text = NULL;
    if (session->streams != NULL) {
        person_streams_end(session->streams);
        heap_release(session->side->live->heap, session->streams);
        session->streams = NULL;
    }
}

/* Everything that leads to the peer. A call of libssh's that is pending cannot be taken back: its session can only be freed. */
static void disconnect(struct live_session *session)
{
    tcp_connect_abandon(&session->connect);
    reactor_unwatch(session->side->live->reactor, &session->watch);
    release_command(session);
    if (session->event != NULL) {
        ssh_event_free(session->event);
        session->event = NULL;
    }
    if (session->ssh != NULL) {
        ssh_free(session->ssh);
        session->ssh = NULL;
    }
}

static void dispose(struct live_session *session)
{
    struct live_shell *side = session->side;
    live_call_off(&session->chore);
    disconnect(session);
    if (session->previous != NULL) {
        session->previous->next = session->next;
    } else {
        side->sessions = session->next;
    }
    if (session->next != NULL) {
        session->next->previous = session->previous;
    }
    heap_release(side->live->heap, session);
}

/* Ends the step that somebody waits for, and an opening that failed. */
static void end_step(struct live_session *session, enum transport_fate fate)
{
    struct shell_session *waiter = session->waiter;
    bool opening = session->stage < STAGE_IDLE;
    session->waiter = NULL;
    if (waiter != NULL) {
        waiter->fate = fate;
        waiter->pending = NULL;
        waiter->channel = opening && fate != FATE_DELIVERED ? NULL : session;
        completion_finish(&waiter->done);
    }
    if (fate == FATE_DELIVERED) {
        session->stage = STAGE_IDLE;
    } else if (opening) {
        dispose(session);
    } else {
        disconnect(session);
        session->stage = STAGE_BROKEN;
    }
}

/* ---- What the peer does ------------------------------------------------------------------------------------------------- */

enum peer { PEER_SILENT, PEER_SPEAKS, PEER_CLOSED, PEER_RESET };

/* Looked at before libssh reads, which would keep to itself how a connection ended. */
static enum peer look_at_peer(const struct live_session *session)
{
    char byte;
    ssize_t count = recv(session->watch.descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0) {
        return PEER_SPEAKS;
    }
    if (count == 0) {
        return PEER_CLOSED;
    }
    return errno == EAGAIN || errno == EINTR ? PEER_SILENT : PEER_RESET;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Why libssh gave up. */
static enum transport_fate failure_fate(const struct live_session *session)
{
    const char *words = ssh_get_error(session->ssh);
    if (session->stage >= STAGE_IDLE) {
        return FATE_DROPPED;
    }
    if (begins_with(words, "Received SSH_MSG_DISCONNECT") || begins_with(words, "Socket error: disconnected")) {
        return FATE_CLOSED_EARLY;
    }
    return begins_with(words, "Socket error:") || begins_with(words, "Writing packet: error on socket")
               ? FATE_RESET
               : FATE_MALFORMED;
}

static enum transport_fate gone_fate(const struct live_session *session, enum peer peer)
{
    if (session->stage >= STAGE_IDLE) {
        return FATE_DROPPED;
    }
    if (session->spoke && ssh_get_serverbanner(session->ssh) == NULL) {
        return FATE_MALFORMED;
    }
    return peer == PEER_RESET ? FATE_RESET : FATE_CLOSED_EARLY;
}

/* ---- Greeting and authentication ---------------------------------------------------------------------------------------- */

/* The machine's key as text. False when memory is gone. */
static bool show_host_key(ssh_session ssh, char type[64], char text[HOST_KEY_TEXT_SIZE])
{
    ssh_key key = NULL;
    char *base64 = NULL;
    bool shown =
        ssh_get_server_publickey(ssh, &key) == SSH_OK && ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK &&
        text_copy(type, 64, ssh_key_type_to_char(ssh_key_type(key))) && text_copy(text, HOST_KEY_TEXT_SIZE, base64);
    ssh_string_free_char(base64);
    ssh_key_free(key);
    return shown;
}

static enum transport_fate check_host_key(struct live_session *session)
{
    struct live_world *live = session->side->live;
    char type[64];
    char text[HOST_KEY_TEXT_SIZE];
    struct error error;
    if (!show_host_key(session->ssh, type, text)) {
        return FATE_MALFORMED;
    }
    switch (host_key_check(live->heap, live->options.state_folder, session->instance_id, type, text, &error)) {
    case ERR_OK:
        return FATE_DELIVERED;
    case ERR_SSH_HOST_KEY_CHANGED:
        note_log(&live->world, "error", "%s", error.message);
        return FATE_HOST_KEY_CHANGED;
    default: /* it is the first we see: a disk that takes no pin must not lose the machine */
        note_log(&live->world, "warning", "the host key of machine %lld is not pinned: %s",
                 (long long)session->instance_id, error.message);
        return FATE_DELIVERED;
    }
}

static enum ssh_progress fail(enum transport_fate *fate, enum transport_fate what)
{
    *fate = what;
    return SSH_FAILED;
}

static enum ssh_progress greet(struct live_session *session, enum transport_fate *fate)
{
    int result = ssh_connect(session->ssh);
    if (ssh_get_serverbanner(session->ssh) != NULL) {
        session->waiter->fate = FATE_DELIVERED; /* it speaks: what silence follows is ordinary */
    } else if (session->spoke) {
        session->waiter->fate = FATE_MALFORMED; /* lines before the greeting are allowed, but are none */
    }
    if (result == SSH_AGAIN) {
        return SSH_WAITS;
    }
    *fate = result == SSH_OK ? check_host_key(session) : failure_fate(session);
    session->stage = *fate == FATE_DELIVERED ? STAGE_AUTHENTICATES : session->stage;
    return *fate == FATE_DELIVERED ? SSH_GOES_ON : SSH_FAILED;
}

static enum ssh_progress authenticate(struct live_session *session, enum transport_fate *fate)
{
    if (session->side->key == NULL) {
        return fail(fate, FATE_KEY_DENIED);
    }
    switch (ssh_userauth_publickey(session->ssh, NULL, session->side->key)) {
    case SSH_AUTH_AGAIN:
        return SSH_WAITS;
    case SSH_AUTH_SUCCESS:
        break;
    case SSH_AUTH_ERROR:
        return fail(fate, failure_fate(session));
    default:
        return fail(fate, FATE_KEY_DENIED);
    }
    session->event = ssh_event_new();
    if (session->event == NULL || ssh_event_add_session(session->event, session->ssh) != SSH_OK) {
        return fail(fate, FATE_UNREACHABLE);
    }
    return SSH_IS_DONE;
}

/* ---- Going on ----------------------------------------------------------------------------------------------------------- */

/* Answers what the peer asks while nothing is under way: keep-alives, new keys. */
static enum ssh_progress idle(struct live_session *session, enum transport_fate *fate)
{
    int result = ssh_event_dopoll(session->event, 0);
    if (result == SSH_ERROR || ssh_is_connected(session->ssh) == 0) {
        return fail(fate, FATE_DROPPED);
    }
    return result == SSH_AGAIN ? SSH_WAITS : SSH_GOES_ON;
}

static enum ssh_progress go_on_running(struct live_session *session, enum transport_fate *fate)
{
    struct ssh_command *command = &session->command;
    enum ssh_progress progress = ssh_command_step(command);
    if (progress == SSH_FAILED || (progress == SSH_IS_DONE && !command->exit_known)) {
        session->waiter->output_lost = session->streams != NULL && session->streams->failed;
        return fail(fate, FATE_DROPPED);
    }
    if (progress == SSH_IS_DONE) {
        session->waiter->exit_status = command->exit_status;
        release_command(session);
    }
    return progress;
}

static enum ssh_progress go_on(struct live_session *session, enum transport_fate *fate)
{
    switch (session->stage) {
    case STAGE_GREETS:
        return greet(session, fate);
    case STAGE_AUTHENTICATES:
        return authenticate(session, fate);
    case STAGE_IDLE:
        return idle(session, fate);
    case STAGE_RUNS:
        return go_on_running(session, fate);
    case STAGE_CONNECTS:
    case STAGE_BROKEN:
        break;
    }
    return fail(fate, FATE_DROPPED);
}

/* The command has ended, and only the program's own streams are waited for: what the peer does matters no more. */
static bool drains(const struct live_session *session)
{
    return session->stage == STAGE_RUNS && ssh_command_has_ended(&session->command);
}

/* Moves a session on as far as it goes. It may be gone afterwards. */
static void advance(struct live_session *session)
{
    bool waits = false;
    for (int i = 0; i < STEPS_IN_A_ROW && !waits; i++) {
        enum transport_fate fate = FATE_DELIVERED;
        enum peer peer = drains(session) ? PEER_SILENT : look_at_peer(session);
        if (peer == PEER_CLOSED || peer == PEER_RESET) {
            end_step(session, gone_fate(session, peer));
            return;
        }
        session->spoke = session->spoke || peer == PEER_SPEAKS;
        enum ssh_progress progress = go_on(session, &fate);
        if (progress == SSH_FAILED) {
            end_step(session, fate);
            return;
        }
        if (progress == SSH_IS_DONE) {
            end_step(session, FATE_DELIVERED);
        }
        waits = progress == SSH_WAITS && peer == PEER_SILENT;
    }
    if (drains(session)) {
        reactor_unwatch(session->side->live->reactor, &session->watch);
        return;
    }
    /* One that was only told to let others go first is called again as soon as the socket takes something. */
    bool writes = !waits || (ssh_get_poll_flags(session->ssh) & SSH_WRITE_PENDING) != 0;
    if (!reactor_watch(session->side->live->reactor, &session->watch,
                       writes ? REACTOR_READ | REACTOR_WRITE : REACTOR_READ)) {
        end_step(session, session->stage >= STAGE_IDLE ? FATE_DROPPED : FATE_UNREACHABLE);
    }
}

static void socket_is_ready(void *context, unsigned ready)
{
    (void)ready;
    advance(context);
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

static bool set_options(ssh_session ssh, int descriptor, const char *host, const char *host_keys)
{
    int no = 0;
    int quiet = SSH_LOG_NOLOG;
    return ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_LOG_VERBOSITY, &quiet) == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_SSH_DIR, "/dev/null") == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null") == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_HOST, host) == 0 && ssh_options_set(ssh, SSH_OPTIONS_USER, "root") == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_HOSTKEYS, host_keys) == 0 &&
           ssh_options_set(ssh, SSH_OPTIONS_FD, &descriptor) == 0;
}

/* A long command may say nothing for hours: a way between that forgets idle connections is kept awake, a peer that is gone noticed. */
static void keep_alive(int descriptor)
{
    static const int on = 1, idle_s = 30, pause_s = 15, probes = 4;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &pause_s, sizeof pause_s);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

/* The socket is libssh's from the first ssh_connect() on; until then it is ours to close. */
static void is_connected(void *owner, enum transport_fate fate, int descriptor)
{
    struct live_session *session = owner;
    struct live_world *live = session->side->live;
    char host_keys[HOST_KEY_ORDER_SIZE];
    if (fate != FATE_DELIVERED) {
        end_step(session, fate);
        return;
    }
    host_key_order(live->heap, live->options.state_folder, session->instance_id, host_keys);
    keep_alive(descriptor);
    session->watch = (struct reactor_watch){.descriptor = descriptor, .ready = socket_is_ready, .context = session};
    session->ssh = ssh_new();
    if (session->ssh == NULL || !set_options(session->ssh, descriptor, "machine", host_keys)) {
        (void)close(descriptor);
        end_step(session, FATE_UNREACHABLE);
        return;
    }
    ssh_set_blocking(session->ssh, 0);
    session->stage = STAGE_GREETS;
    session->waiter->fate = FATE_BANNER_SILENT;
    advance(session);
}

static void begin_open(void *owner)
{
    struct live_session *session = owner;
    const struct shell_target *target = session->waiter->target;
    session->connect.done = is_connected;
    session->connect.owner = session;
    tcp_connect_start(&session->connect, session->side->live->reactor, target->host, target->port);
}

void live_shell_open(struct world *world, struct shell_session *shell)
{
    struct live_world *live = live_of(world);
    struct live_shell *side = live->shell;
    struct live_session *session = heap_alloc(live->heap, sizeof *session);
    if (session == NULL) {
        shell->fate = FATE_UNREACHABLE;
        completion_finish(&shell->done);
        return;
    }
    session->side = side;
    session->waiter = shell;
    session->instance_id = shell->target->instance_id;
    session->next = side->sessions;
    if (side->sessions != NULL) {
        side->sessions->previous = session;
    }
    side->sessions = session;
    shell->fate = FATE_DELIVERED;
    shell->pending = session;
    live_call_soon(live, &session->chore, begin_open, session);
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------- */

static void a_stream_is_ready(void *owner)
{
    advance(owner);
}

/* False when memory is gone. */
static bool attach(struct live_session *session, unsigned streams)
{
    if (streams == STREAMS_NONE) {
        return true;
    }
    session->streams = heap_alloc(session->side->live->heap, sizeof *session->streams);
    if (session->streams == NULL) {
        return false;
    }
    person_streams_begin(session->streams, session->side->live->reactor, (streams & STREAM_INPUT) != 0,
                         a_stream_is_ready, session);
    session->command.streams = session->streams;
    session->command.streams_outputs = (streams & STREAM_OUTPUTS) != 0;
    return true;
}

static void begin_run(void *owner)
{
    struct live_session *session = owner;
    struct shell_session *shell = session->waiter;
    struct heap *heap = session->side->live->heap;
    if (session->stage == STAGE_BROKEN) {
        end_step(session, FATE_DROPPED);
        return;
    }
    session->stage = STAGE_RUNS;
    session->command_text = heap_alloc(heap, shell->command.length + 1);
    if (session->command_text == NULL) {
        end_step(session, FATE_DROPPED);
        return;
    }
    memcpy(session->command_text, shell->command.at, shell->command.length);
    session->command = (struct ssh_command){
        .text = session->command_text, .input = shell->input, .out = shell->out, .err = shell->err};
    if (!attach(session, shell->streams) || !ssh_command_start(&session->command, session->ssh, session->event)) {
        end_step(session, FATE_DROPPED);
        return;
    }
    advance(session);
}

void live_shell_run(struct world *world, struct shell_session *shell)
{
    struct live_session *session = shell->channel;
    session->waiter = shell;
    shell->pending = session;
    live_call_soon(live_of(world), &session->chore, begin_run, session);
}

static void forget(void *owner)
{
    struct live_session *session = owner;
    if (session->streams != NULL) {
        ssh_command_terminate(&session->command);
    }
    dispose(session);
}

void live_shell_abandon(struct world *world, struct shell_session *shell)
{
    struct live_session *session = shell->pending;
    if (session == NULL) {
        return;
    }
    session->waiter = NULL;
    shell->pending = NULL;
    shell->channel = NULL;
    live_call_off(&session->chore); /* a step that has not begun never does */
    live_call_soon(live_of(world), &session->chore, forget, session);
}

/* ssh_disconnect() sends what fits and waits for nothing; it leaves a socket that it was given open, and forgets it. */
static void say_goodbye(void *owner)
{
    struct live_session *session = owner;
    int descriptor = session->watch.descriptor;
    if (session->stage == STAGE_IDLE && ssh_get_fd(session->ssh) == descriptor) {
        reactor_unwatch(session->side->live->reactor, &session->watch);
        ssh_disconnect(session->ssh);
        (void)close(descriptor);
    }
    dispose(session);
}

void live_shell_close(struct world *world, struct shell_session *shell)
{
    struct live_session *session = shell->channel;
    live_call_soon(live_of(world), &session->chore, say_goodbye, session);
}

void live_shell_forget(struct world *world, int64_t instance_id)
{
    host_key_forget(live_of(world)->options.state_folder, instance_id);
}

/* ---- Life --------------------------------------------------------------------------------------------------------------- */

enum error_code live_shell_begin(struct live_world *live, struct error *error)
{
    struct live_shell *side = heap_alloc(live->heap, sizeof *side);
    if (side == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for SSH");
    }
    side->live = live;
    live->shell = side;
    const char *path = live->options.ssh_key_path;
    return path == NULL ? ERR_OK : ssh_key_read(live->heap, path, &side->key, error);
}

void live_shell_end(struct live_world *live)
{
    struct live_shell *side = live->shell;
    if (side == NULL) {
        return;
    }
    while (side->sessions != NULL) {
        side->sessions->waiter = NULL;
        dispose(side->sessions);
    }
    ssh_key_free(side->key);
    heap_release(live->heap, side);
    live->shell = NULL;
}
