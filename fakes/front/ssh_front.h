/*
 * SSH front: an SSH server for every rented machine, on loopback, on libssh inside the reactor.
 *
 * Each machine has a loopback address of its own (127.x.y.z, drawn from the seed and its id) with two ports, as a Vast.ai machine
 * has its proxy and its direct port. Both are bound from the machine's creation on and listen only while the cloud's stage for
 * them says so: a port that is bound and does not listen refuses. An address that a fake beside this one has gives way to
 * another, and so does a port that is taken. Machines take half of
 * the descriptors that the process may have, and connections as many as leave a quarter: a machine beyond that runs and refuses.
 *
 * Only public keys are accepted, of the user root, and only the account's (cloud_ssh_key()). Everything has its moment in stage time
 * from the cloud: a connection is authenticated, or denied, at the moment that the plan says and not earlier; the time that the
 * handshake takes disappears in it.
 *
 * Bounds: SSH_PEERS_MAX connections, SSH_STRANGERS_MAX of them not authenticated and those for SSH_GRACE_S real seconds at most,
 * SSH_CHANNELS_MAX channels a connection. What a program has to say waits until the client reads, one socket's worth ahead.
 *
 * A client that is silent for a keepalive's time is asked whether it is still there, as sshd does with ClientAliveInterval; one
 * that has said nothing for SSH_KEEPALIVES_MISSED_MAX such times (and less than one more) is gone, and with it all that it held:
 * channels, pipes, descriptors. What it had started on its machine goes on there as behind sshd: at the end of its input, without a reader, a
 * terminal hung up. Real time, because it bounds what a real client costs the fake.
 */
#ifndef FAKES_FRONT_SSH_FRONT_H
#define FAKES_FRONT_SSH_FRONT_H

#include "fakes/front/ssh_program.h"
#include "fakes/front/stage_server.h"

enum {
    SSH_PEERS_MAX = 4096,
    SSH_STRANGERS_MAX = 1024,
    SSH_GRACE_S = 120,
    SSH_CHANNELS_MAX = 64,
    SSH_KEEPALIVES_MISSED_MAX = 3
};

struct ssh_front;

struct ssh_front_options {
    struct heap *heap;
    channel_program_function *program; /* NULL: ssh_modelled_program */
    void *program_context;
    int64_t keepalive_ns; /* 0: nobody is asked, and who is silent stays */
};

/* NULL when memory is gone. To be freed after the stage is closed. */
MUST_USE struct ssh_front *ssh_front_new(const struct ssh_front_options *options);
void ssh_front_free(struct ssh_front *front); /* NULL is allowed */

/* To be added to the stage. */
struct stage_service *ssh_front_service(struct ssh_front *front);

/* Connections at the moment, programs that run in them, and connections since it was opened. */
size_t ssh_front_peers(const struct ssh_front *front);
size_t ssh_front_programs(const struct ssh_front *front);
uint64_t ssh_front_accepted(const struct ssh_front *front);

#endif
