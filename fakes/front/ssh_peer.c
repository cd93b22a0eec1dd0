/* Connections: accepted, pumped, cut. */
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakes/front/ssh_state.h"

enum { ROUNDS_A_PUMP = 64, LEAVE_S = 5 }; /* rounds of at most 4 KiB each: then the others have their turn */

static struct reactor *reactor_of(const struct peer *peer)
{
    return peer->front->stage->reactor;
}

/* ---- The end ------------------------------------------------------------------------------------------------------------ */

static void free_ssh(struct peer *peer)
{
    ssh_message_free(peer->held);
    peer->held = NULL;
    channels_free(peer);
    if (peer->event != NULL) {
        (void)ssh_event_remove_session(peer->event, peer->ssh);
        ssh_event_free(peer->event);
    }
    if (peer->ssh != NULL) {
        ssh_silent_disconnect(peer->ssh);
        ssh_free(peer->ssh);
    }
    peer->event = NULL;
    peer->ssh = NULL;
}

static void link_peer(struct peer *peer, struct peer **list)
{
    peer->list = list;
    peer->previous = NULL;
    peer->next = *list;
    if (peer->next != NULL) {
        peer->next->previous = peer;
    }
    *list = peer;
}

static void unlink_peer(struct peer *peer)
{
    if (peer->previous != NULL) {
        peer->previous->next = peer->next;
    } else {
        *peer->list = peer->next;
    }
    if (peer->next != NULL) {
        peer->next->previous = peer->previous;
    }
}

void peer_free(struct peer *peer)
{
    struct stage_server *stage = peer->front->stage;
    reactor_unwatch(stage->reactor, &peer->watch);
    reactor_disarm(stage->reactor, &peer->grace);
    stage_cancel(stage, &peer->moment);
    free_ssh(peer);
    unlink_peer(peer);
    peer->front->peer_count--;
    peer->front->stranger_count -= peer->phase != PEER_OPEN && peer->phase != PEER_LEAVING;
    cloud_ssh_end(stage->cloud, peer->session);
    (void)close(peer->descriptor);
    heap_release(peer->front->heap, peer);
}

static void leaver_heard(void *context, unsigned ready)
{
    char forgotten[4096];
    struct peer *peer = context;
    (void)ready;
    if (recv(peer->descriptor, forgotten, sizeof forgotten, 0) <= 0) {
        peer_free(peer);
    }
}

static void leaver_stays(void *owner)
{
    peer_free(owner);
}

/*
 * The client sees the end of the stream. Closing at once would reset the connection when the client has something under way, and
 * what was sent before would be lost with it.
 */
static void leave(struct peer *peer)
{
    struct reactor *reactor = reactor_of(peer);
    reactor_unwatch(reactor, &peer->watch);
    free_ssh(peer);
    unlink_peer(peer);
    link_peer(peer, &peer->front->leaving);
    peer->phase = PEER_LEAVING;
    peer->machine = NULL;
    peer->watch.ready = leaver_heard;
    int64_t latest_ns = monotonic_now_ns() + LEAVE_S * NS_PER_S;
    if (shutdown(peer->descriptor, SHUT_WR) != 0 || !reactor_watch(reactor, &peer->watch, REACTOR_READ) ||
        !reactor_arm(reactor, &peer->grace, REACTOR_REAL, latest_ns, leaver_stays, peer)) {
        peer_free(peer);
    }
}

void peer_cut(struct peer *peer)
{
    if (peer->pumping) {
        peer->dead = peer->cut = true; /* once the pump has come back */
    } else if (peer->phase == PEER_OPEN) {
        leave(peer);
    } else {
        peer_free(peer);
    }
}

/* ---- Pumping ------------------------------------------------------------------------------------------------------------ */

static bool is_broken(const struct peer *peer)
{
    return peer->dead || ssh_is_connected(peer->ssh) == 0 || ssh_get_error_code(peer->ssh) == SSH_FATAL ||
           (ssh_get_status(peer->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

static void watch_for(struct peer *peer)
{
    bool reads = peer->held == NULL && !peer->silent;
    unsigned wanted = reads ? (unsigned)REACTOR_READ : (unsigned)REACTOR_HANGUP;
    if (!peer->silent && (ssh_get_poll_flags(peer->ssh) & SSH_WRITE_PENDING) != 0) {
        wanted |= REACTOR_WRITE;
    }
    if (!reactor_watch(reactor_of(peer), &peer->watch, wanted)) {
        peer->dead = true;
    }
}

/* A client that writes two packets in a row waits for the first to be acknowledged: 40 ms, each time, unless it is asked for anew. */
static void acknowledge_at_once(int descriptor)
{
    static const int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void peer_pump(struct peer *peer)
{
    if (peer->silent) {
        return;
    }
    if (peer->pumping) {
        peer->again = true;
        return;
    }
    peer->pumping = true;
    int polled = SSH_OK;
    if (peer->phase != PEER_OPEN) {
        acknowledge_at_once(peer->descriptor);
    }
    for (int round = 0; round < ROUNDS_A_PUMP && !is_broken(peer); round++) {
        peer->again = false;
        polled = peer->held == NULL ? ssh_event_dopoll(peer->event, 0) : SSH_AGAIN;
        if (peer->phase == PEER_AUTHENTICATING && peer->held == NULL) {
            peer_authenticate(peer);
        }
        if (peer->phase == PEER_OPEN) {
            channels_move(peer);
        }
        if (peer->silent || (polled != SSH_OK && !peer->again)) {
            break;
        }
    }
    bool dead = is_broken(peer);
    if (!dead) {
        watch_for(peer);
        dead = peer->dead;
    }
    peer->pumping = false;
    if (dead && peer->cut) {
        peer_cut(peer);
    } else if (dead) {
        peer_free(peer);
    }
}

static void peer_ready(void *context, unsigned ready)
{
    struct peer *peer = context;
    peer->pumping = true; /* what comes due may pump or cut this peer: not before we are back */
    (void)stage_catch_up(peer->front->stage);
    peer->pumping = false;
    if (peer->machine->is_dirty && !peer->dead) {
        return; /* the loop calls again */
    }
    if ((ready & REACTOR_HANGUP) != 0) {
        peer_cut(peer); /* gone before it was answered */
    } else {
        peer->keepalives_missed = (ready & REACTOR_READ) != 0 ? 0 : peer->keepalives_missed;
        peer_pump(peer);
    }
}

/* ---- The doomed and the silent ------------------------------------------------------------------------------------------ */

static void doomed_heard(void *context, unsigned ready)
{
    char greeting[512];
    struct peer *peer = context;
    (void)ready;
    (void)recv(peer->descriptor, greeting, sizeof greeting, 0);
    peer_cut(peer);
}

/* Its moment. A clean close comes after the client's greeting, a reset while that is unread. */
static void doom(void *owner)
{
    struct peer *peer = owner;
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (peer->session->fate == FATE_CLOSED_EARLY) {
        peer->watch.ready = doomed_heard;
        if (reactor_watch(reactor_of(peer), &peer->watch, REACTOR_READ)) {
            return;
        }
    } else {
        (void)setsockopt(peer->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    peer_cut(peer);
}

static void is_gone(void *context, unsigned ready)
{
    (void)ready;
    peer_cut(context);
}

static bool begin_without_ssh(struct peer *peer)
{
    peer->watch.ready = is_gone;
    if (!reactor_watch(reactor_of(peer), &peer->watch, REACTOR_HANGUP)) {
        return false;
    }
    return stage_at(peer->front->stage, &peer->moment, peer->session->opened_ns, EVENT_CLASS_ARRIVAL, doom, peer);
}

/* ---- SSH ---------------------------------------------------------------------------------------------------------------- */

static void grace_is_over(void *owner)
{
    peer_cut(owner);
}

static bool arm_grace(struct peer *peer)
{
    int64_t due_ns = monotonic_now_ns() + SSH_GRACE_S * NS_PER_S;
    return reactor_arm(reactor_of(peer), &peer->grace, REACTOR_REAL, due_ns, grace_is_over, peer);
}

static bool begin_ssh(struct peer *peer)
{
    if (peer->machine->is_dirty) {
        machine_forget_host_key(peer->machine); /* it was rotated for this connection */
    }
    ssh_bind bind = machine_ssh_bind(peer->machine);
    peer->ssh = bind == NULL ? NULL : ssh_new();
    int duplicate = peer->ssh == NULL ? -1 : dup(peer->descriptor);
    if (duplicate < 0 || ssh_bind_accept_fd(bind, peer->ssh, duplicate) != SSH_OK) {
        if (duplicate >= 0) {
            (void)close(duplicate);
        }
        return false;
    }
    ssh_set_blocking(peer->ssh, 0);
    ssh_set_auth_methods(peer->ssh, SSH_AUTH_METHOD_PUBLICKEY);
    peer->event = ssh_event_new();
    int begun = ssh_handle_key_exchange(peer->ssh);
    if (peer->event == NULL || begun == SSH_ERROR || ssh_event_add_session(peer->event, peer->ssh) != SSH_OK) {
        return false;
    }
    return arm_grace(peer);
}

/* Of the questions only one is under way at a time: libssh takes the first call as reading the answer to the last one. */
static void ask_whether_it_lives(struct peer *peer)
{
    peer->pumping = true; /* libssh may read, and call back */
    (void)ssh_send_keepalive(peer->ssh);
    (void)ssh_send_keepalive(peer->ssh);
    peer->pumping = false;
}

static void keepalive_is_due(void *owner);

static bool arm_keepalive(struct peer *peer)
{
    int64_t interval_ns = peer->front->keepalive_ns;
    return interval_ns == 0 || reactor_arm(reactor_of(peer), &peer->grace, REACTOR_REAL,
                                           monotonic_now_ns() + interval_ns, keepalive_is_due, peer);
}

/* One that the plan lets vanish is not asked: it would hear of us. */
static void keepalive_is_due(void *owner)
{
    struct peer *peer = owner;
    int missed = peer->silent ? 0 : peer->keepalives_missed++;
    if (!arm_keepalive(peer) || missed >= SSH_KEEPALIVES_MISSED_MAX) {
        peer_free(peer); /* nobody is there to see an orderly end */
    } else if (missed > 0) {
        ask_whether_it_lives(peer);
        peer_pump(peer);
    }
}

void peer_opened(struct peer *peer)
{
    peer->callbacks.userdata = peer;
    peer->callbacks.channel_open_request_session_function = channel_requested;
    ssh_callbacks_init(&peer->callbacks);
    (void)ssh_set_server_callbacks(peer->ssh, &peer->callbacks);
    reactor_disarm(reactor_of(peer), &peer->grace);
    peer->dead = !arm_keepalive(peer) || peer->dead;
    peer->phase = PEER_OPEN;
    peer->front->stranger_count--;
}

/* ---- The beginning ------------------------------------------------------------------------------------------------------ */

static void set_options(int descriptor)
{
    static const int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* does not keep the port when it lingers */
}

static enum peer_phase first_phase(const struct cloud_session *session)
{
    switch (session->fate) {
    case FATE_DELIVERED:
    case FATE_KEY_DENIED:
        return session->opened_ns == TIME_NEVER_NS ? PEER_SILENT : PEER_AUTHENTICATING;
    case FATE_BANNER_SILENT:
        return PEER_SILENT;
    default:
        return PEER_DOOMED;
    }
}

static struct peer *new_peer(struct machine_port *port, int descriptor)
{
    struct ssh_front *front = port->machine->front;
    bool full = front->peer_count >= SSH_PEERS_MAX || front->stranger_count >= SSH_STRANGERS_MAX ||
                descriptor >= front->descriptors_max / 4 * 3;
    struct peer *peer = full ? NULL : heap_alloc(front->heap, sizeof *peer);
    if (peer == NULL) {
        return NULL;
    }
    *peer = (struct peer){.front = front, .machine = port->machine, .port = port->which, .descriptor = descriptor};
    peer->watch = (struct reactor_watch){.descriptor = descriptor, .ready = peer_ready, .context = peer};
    peer->session =
        cloud_ssh_connect(front->stage->cloud, stage_now_ns(front->stage), port->machine->contract, port->which);
    if (peer->session == NULL) {
        heap_release(front->heap, peer);
        return NULL;
    }
    peer->phase = first_phase(peer->session);
    return peer;
}

void peer_accept(struct machine_port *port, int descriptor)
{
    set_options(descriptor);
    struct peer *peer = new_peer(port, descriptor);
    if (peer == NULL) {
        (void)close(descriptor); /* too many, as sshd does */
        return;
    }
    link_peer(peer, &peer->machine->peers);
    peer->front->peer_count++;
    peer->front->stranger_count++;
    peer->front->accepted++;
    if (peer->phase != PEER_AUTHENTICATING) {
        if (!begin_without_ssh(peer)) {
            peer_cut(peer);
        }
    } else if (begin_ssh(peer)) {
        peer_pump(peer);
    } else {
        peer_cut(peer);
    }
}
