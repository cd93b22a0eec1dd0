/*
 * Channel programs: what runs behind a channel of an SSH connection: a command, a shell, a subsystem.
 *
 * The channel owns the wire: requests, windows, the order of output, exit status and close. A program owns what happens: it is given
 * input as it has room for it, shows the output that it has, and says when it has ended. Neither blocks, and neither waits for
 * the other: a program that has no room leaves the client's window shut, a client that does not read leaves the program's output
 * where it is.
 *
 * A program is made when its request comes and closed exactly once: after it has ended and all is sent, or when the client, the
 * connection or the machine is gone. From within its functions it must not call program_changed().
 */
#ifndef FAKES_FRONT_SSH_PROGRAM_H
#define FAKES_FRONT_SSH_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "fakes/front/stage_server.h"

enum channel_request_kind { CHANNEL_EXEC, CHANNEL_SHELL, CHANNEL_SUBSYSTEM };
enum channel_stream { CHANNEL_OUT, CHANNEL_ERR, CHANNEL_STREAM_COUNT };

enum { CHANNEL_TERM_SIZE = 64, CHANNEL_VARIABLES_MAX = 128, CHANNEL_ENVIRONMENT_MAX = 24 * 1024 };

/* A terminal that the client asked for. */
struct channel_terminal {
    bool wanted;
    char term[CHANNEL_TERM_SIZE];
    int columns, rows;
};

struct channel_program;

/* What was asked for; valid while the program is made. */
struct channel_request {
    enum channel_request_kind kind;
    struct span text; /* the command or the subsystem's name */
    struct stage_server *stage;
    uint32_t contract;
    struct cloud_session *session;    /* of the connection; for cloud_ssh_beside() */
    struct channel_terminal terminal; /* as asked for before */
    struct span environment;          /* "NAME=value", each with its NUL */
};

struct channel_program_class {
    /* How many bytes of input it takes now, and taking them (never more than that). */
    size_t (*room)(struct channel_program *program);
    void (*input)(struct channel_program *program, struct span bytes);
    void (*input_end)(struct channel_program *program); /* there is no more */
    /* The output that waits, and that `size` bytes of it are sent. */
    struct span (*output)(struct channel_program *program, enum channel_stream stream);
    void (*sent)(struct channel_program *program, enum channel_stream stream, size_t size);
    void (*resize)(struct channel_program *program, int columns, int rows); /* NULL: not of interest */
    void (*signal)(struct channel_program *program, const char *name);      /* "INT"; NULL: not of interest */
    void (*close)(struct channel_program *program);                         /* frees it */
};

/* First member of a program's own struct. */
struct channel_program {
    const struct channel_program_class *class;
    struct peer_channel *channel; /* whose it is; the channel's own */
    bool ended;                   /* its output is complete and its status known */
    bool silent;                  /* nothing more is ever heard of the connection, nor read from it */
    bool cut;                     /* beside `ended`: once the output is sent the connection breaks */
    int exit_status;
    const char *exit_signal; /* "KILL"; NULL: it ended by itself */
};

/* Makes the program for a request, or NULL: the request is refused (also when memory is gone). */
typedef struct channel_program *channel_program_function(void *context, const struct channel_request *request);

/*
 * Something is new: output, room, the end. To be called from the loop's stack. The program may be closed by it, so it is the last
 * thing that the caller does with it.
 */
void program_changed(struct channel_program *program);

/* The programs of the modelled host: commands, shells, sftp. `context` is unused. */
channel_program_function ssh_modelled_program;

#endif
