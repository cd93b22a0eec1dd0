/*
 * The SSH front's inside, shared by its files: ssh_front.c (machines), ssh_address.c (sockets), ssh_peer.c (connections),
 * ssh_authentication.c, ssh_channel.c. Nobody else includes this.
 */
#ifndef FAKES_FRONT_SSH_STATE_H
#define FAKES_FRONT_SSH_STATE_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>

#include "fakes/front/ssh_front.h"

/* One of a machine's two ports. */
struct machine_port {
    struct ssh_machine *machine;
    enum ssh_port which;
    int descriptor; /* bound; -1: none */
    bool listens;   /* though its queue may be full */
    int filler;     /* our own connection that keeps the queue of an unreachable port full; -1: none */
    enum ssh_stage stage;
    struct reactor_watch watch;
    struct event change; /* the plan's next */
};

struct ssh_machine {
    struct ssh_front *front;
    uint32_t contract;
    bool is_dirty; /* in the front's list: nothing is done for it before it is settled */
    struct in_addr address;
    int claim; /* holds the address against other fakes; -1: none, and nobody is there */
    struct machine_port ports[SSH_PORT_COUNT];
    ssh_bind bind; /* holds the host key; NULL until somebody connects */
    struct peer *peers;
    struct ssh_machine *next_dirty;
};

enum peer_phase {
    PEER_DOOMED,         /* closed or reset at its moment, without a word */
    PEER_SILENT,         /* never hears anything */
    PEER_AUTHENTICATING, /* and before that: the key exchange */
    PEER_OPEN,
    PEER_LEAVING /* was cut: has the end of the stream, and until it goes what it sends is read and forgotten */
};

enum auth_verdict { AUTH_UNDECIDED, AUTH_DENIED, AUTH_GRANTED };

/* One connected client. */
struct peer {
    struct ssh_front *front;
    struct ssh_machine *machine;
    enum ssh_port port;
    enum peer_phase phase;
    int descriptor; /* ours; libssh has a duplicate and closes that */
    struct reactor_watch watch;
    struct reactor_timer grace; /* to log in, then for the next keepalive, then to leave */
    int keepalives_missed;      /* since it was last heard */
    struct event moment;        /* when it is closed, or what is held is answered */
    struct cloud_session *session;
    ssh_session ssh;
    ssh_event event;
    struct ssh_server_callbacks_struct callbacks;
    ssh_message held; /* a request of authentication whose answer waits for its moment */
    enum auth_verdict verdict;
    bool silent; /* gone for its client: nothing is read, nothing is sent, until one of the two gives up */
    bool banner_sent;
    int failures;
    bool pumping, again, dead, cut;
    struct peer_channel *channels;
    size_t channel_count;
    struct peer **list; /* the machine's, or the front's of those who leave */
    struct peer *next, *previous;
};

/* One channel of a connection. */
struct peer_channel {
    struct peer *peer;
    ssh_channel ssh;
    struct ssh_channel_callbacks_struct callbacks;
    struct channel_terminal terminal;
    struct buffer environment;
    int variables;                   /* in it */
    struct channel_program *program; /* NULL until something is asked for */
    bool has_input, input_over, told_over;
    bool closed; /* by the client */
    bool over;   /* to be freed */
    struct peer_channel *next;
};

struct ssh_front {
    struct stage_service service;
    struct heap *heap;
    struct stage_server *stage;
    channel_program_function *program;
    void *program_context;
    struct ssh_machine **machines; /* by contract; NULL for none */
    size_t machine_count;
    struct ssh_machine *dirty;
    struct peer *leaving;
    size_t peer_count, stranger_count;
    size_t program_count;
    int descriptors_max;  /* that the process may have */
    int64_t keepalive_ns; /* 0: none */
    uint64_t accepted;
};

/* ---- ssh_address.c ---- */

/* Gives a machine without a claim its address, binds its ports, starting from those in `address`, and writes down what came of it. */
void machine_bind(struct ssh_machine *machine, int64_t id, struct market_address *address);
void machine_unbind(struct ssh_machine *machine);

/* Makes a port do what its stage says. */
void port_apply(struct machine_port *port, enum ssh_stage stage);

/* ---- ssh_host_key.c ---- */

/* Its key may be another one: made anew by the next connection. */
void machine_forget_host_key(struct ssh_machine *machine);

/* The machine's libssh side, with its host key; NULL when memory is gone. */
ssh_bind machine_ssh_bind(struct ssh_machine *machine);

/* ---- ssh_front.c ---- */

/* Whether a session that stands goes on while its port does what it does now. */
bool peer_may_stay(const struct peer *peer);

/* ---- ssh_peer.c ---- */

/* Takes a new connection, which the peer owns from now on. */
void peer_accept(struct machine_port *port, int descriptor);

/* Lets it read, answer and write as far as it can; it may be gone afterwards. */
void peer_pump(struct peer *peer);

/* Breaks the connection without a word; it is gone from its machine, and perhaps freed. */
void peer_cut(struct peer *peer);

/* Frees it at once. */
void peer_free(struct peer *peer);

/* It is authenticated. */
void peer_opened(struct peer *peer);

/* ---- ssh_authentication.c ---- */

/* Answers the requests that have come; one whose answer has its moment is held, and nothing more is read until then. */
void peer_authenticate(struct peer *peer);

/* The moment of what is held. */
void peer_answer_held(struct peer *peer);

/* ---- ssh_channel.c ---- */

ssh_channel channel_requested(ssh_session session, void *context); /* of a peer */

/* Moves input, output and ends of all channels as far as they go. */
void channels_move(struct peer *peer);
void channels_free(struct peer *peer);

#endif
