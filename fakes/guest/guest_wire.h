/*
 * Guest wire: what the fake and its programs around a sandbox say to each other, over Unix sockets that keep messages apart
 * (SOCK_SEQPACKET) and carry descriptors.
 *
 *     keeper   holds a machine's disk, from its creation to its end: START (the socket of the new init), STOP
 *     init     the machine's first process, from its start to its stop: EXEC (three pipes, or none for a terminal), SIGNAL, GPU;
 *              says STARTED (with the terminal) and EXITED
 *
 * Both ends are built together, so structs go over it as they lie in memory; a size that differs is refused. A socket that is
 * closed is the order to end: nothing of a machine outlives the fake.
 */
#ifndef FAKES_GUEST_GUEST_WIRE_H
#define FAKES_GUEST_GUEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "fakes/host/host.h"

enum {
    GUEST_SOCKET = 3, /* the descriptor under which the keeper and the init find theirs */
    GUEST_PAYLOAD_MAX = 160 * 1024,
    GUEST_DESCRIPTORS_MAX = 3,
    GUEST_COMMAND_MAX = 128 * 1024, /* what the kernel takes as one argument */
    GUEST_ENVIRONMENT_MAX = 28 * 1024,
};

/* Where the guest program and what it is told lie inside a machine. */
#define GUEST_PROGRAM "/run/dumont/guest"
#define GUEST_GPU_FILE "/run/dumont/gpu"

enum guest_message_kind {
    GUEST_START, /* to the keeper; payload: struct guest_machine, the onstart's text; descriptor: the init's socket */
    GUEST_STOP,  /* to the keeper */
    GUEST_DISK_USED, /* to the keeper; payload: an int64_t, bytes that something else takes of the disk */
    GUEST_STOPPED,   /* from the keeper: nothing of it runs any more */
    GUEST_FAILED,    /* from the keeper: it could not be started; payload: a text that says why */
    GUEST_EXEC,      /* to the init; payload: the command, a NUL, the environment ("NAME=value", each with its NUL) */
    GUEST_STARTED,   /* from the init; descriptor: the terminal's other end, when one was wanted */
    GUEST_EXITED,    /* from the init: `status` or `signal` */
    GUEST_SIGNAL,    /* to the init: `signal` for the process group */
    GUEST_GPU,       /* to the init; payload: struct guest_gpu */
};

struct guest_message {
    uint32_t kind; /* enum guest_message_kind */
    uint32_t id;   /* of the process, chosen by the fake */
    int32_t status;
    int32_t signal;
    uint16_t columns, rows;
    bool terminal; /* EXEC: with one */
    bool login;    /* EXEC: a login shell; the command is not used */
};

/* How much of the computer a machine may have (fakes/guest/bounds.h). 0: no bound. */
struct guest_bounds {
    int64_t address_space_bytes; /* of one process */
    int64_t processes;           /* at a time */
    int64_t memory_bytes;        /* of all processes together */
    int64_t cpu_s;               /* of one process, and of all of one start together */
    int64_t reserve_bytes;       /* of the computer's memory, that machines leave alone */
};

/* What a machine is. */
struct guest_machine {
    struct host_facts facts;
    struct guest_bounds bounds;
};

/* What nvidia-smi shows. */
struct guest_gpu {
    struct host_facts facts;
    struct host_gpu_load load;
    enum host_gpu_state state;
};

/* Sends a message with its payload and descriptors, all or nothing. False: the other end is gone, or (non-blocking) its queue is full. */
MUST_USE bool guest_send(int socket, const struct guest_message *message, struct span payload, const int *descriptors,
                         size_t descriptor_count);

enum guest_received { GUEST_MESSAGE, GUEST_NOTHING_YET, GUEST_GONE };

/* What guest_receive() gives: the payload is cut to what `storage` holds; descriptors are the receiver's to close. */
struct guest_incoming {
    struct guest_message message;
    char storage[GUEST_PAYLOAD_MAX];
    size_t length;
    int descriptors[GUEST_DESCRIPTORS_MAX];
    size_t descriptor_count;
};

MUST_USE enum guest_received guest_receive(int socket, struct guest_incoming *incoming);

/* Closes the descriptors that nobody took. */
void guest_close_descriptors(struct guest_incoming *incoming);

#endif
