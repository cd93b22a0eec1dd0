/*
 * One command on an authenticated session of libssh: a channel, the command's input, both outputs, and how it ended.
 *
 * libssh puts what arrives into the outputs while the session is pumped; nothing here blocks. On the loop's stack only.
 */
#ifndef WORLD_LIVE_SSH_COMMAND_H
#define WORLD_LIVE_SSH_COMMAND_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "world/live/person_streams.h"

/* What a step of something under way came to. */
enum ssh_progress {
    SSH_WAITS,   /* nothing more to do until the peer speaks or the socket takes more */
    SSH_GOES_ON, /* something happened: look again */
    SSH_IS_DONE,
    SSH_FAILED, /* ssh_get_error() of the session says why */
};

/* Zero-filled: none. Must not move while it runs. */
struct ssh_command {
    ssh_session session;
    ssh_event event; /* the session's own */
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    const char *text;  /* NUL-terminated */
    struct span input; /* not sent yet */
    struct buffer *out;
    struct buffer *err;
    struct person_streams *streams; /* NULL: none of them; else begun, and its input is the command's */
    bool streams_outputs;           /* its outputs take the command's, too */
    size_t held[PERSON_OUTPUTS];    /* bytes that libssh keeps until they have room */
    enum { COMMAND_OPENS, COMMAND_IS_REQUESTED, COMMAND_RUNS } stage;
    bool input_ended;
    bool output_ended;
    bool closed;
    bool exit_known;
    int exit_status; /* 128 + the signal's number when a signal ended it */
};

/* Fills in what is needed and opens the channel in the next step. False when memory is gone. Outputs, input and text are borrowed. */
bool ssh_command_start(struct ssh_command *command, ssh_session session, ssh_event event);

/*
 * Goes on as far as it can. SSH_IS_DONE: the channel is closed, or the outputs are at their end and the exit status is known, and
 * the program's streams have taken all. SSH_FAILED: the peer refused it, the connection broke, or a stream of the program failed.
 */
enum ssh_progress ssh_command_step(struct ssh_command *command);

/* The peer has said all that it will say of it. */
bool ssh_command_has_ended(const struct ssh_command *command);

/* Asks the peer to end it with SIGTERM; nobody waits for what comes of that. */
void ssh_command_terminate(struct ssh_command *command);

/* Gives the channel back; libssh must not touch the outputs any more. Harmless when there is none. */
void ssh_command_release(struct ssh_command *command);

#endif
