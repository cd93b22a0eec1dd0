/*
 * The sandbox's inside, shared by its files.
 */
#ifndef FAKES_FRONT_SANDBOX_STATE_H
#define FAKES_FRONT_SANDBOX_STATE_H

#include <sys/types.h>

#include "fakes/front/sandbox.h"

struct sandbox {
    struct heap *heap;
    struct reactor *reactor;
    struct guest_machine machine;
    const char *onstart;
    bool empties_tmp; /* at the next start */
    struct guest_gpu gpu;
    pid_t keeper;
    struct reactor_watch keeper_watch;
    struct reactor_watch init_watch; /* descriptor -1: it does not run */
    uint32_t last_id;
    struct sandbox_process *processes;
    struct guest_incoming incoming;
    char failure[ERROR_MESSAGE_SIZE];
};

/* One of a process's pipes, or its terminal. */
struct sandbox_pipe {
    struct reactor_watch watch; /* descriptor -1: closed */
    struct buffer buffer;       /* read and not sent yet, or to be written */
    size_t sent;
};

struct sandbox_process {
    struct sandbox *sandbox; /* NULL: the machine has stopped */
    uint32_t id;
    bool terminal;
    struct sandbox_pipe in;
    struct sandbox_pipe out[SANDBOX_STREAM_COUNT]; /* a terminal is read by the first, and written to by `in`, a copy */
    bool input_over;
    bool exited;
    int status, killed_by;
    struct heap *heap;
    struct reactor *reactor;
    sandbox_changed_function *changed;
    void *context;
    struct sandbox_process *next;
};

/* What its init says of a process. The terminal's descriptor becomes the process's. */
void sandbox_process_started(struct sandbox_process *process, int terminal);
void sandbox_process_exited(struct sandbox_process *process, int status, int killed_by);

#endif
