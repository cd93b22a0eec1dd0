/*
 * Sandbox: one rented machine with real tools, in bubblewrap, inside the reactor.
 *
 * A machine has a disk of its own from sandbox_new() to sandbox_free(), and runs from sandbox_start() to sandbox_stop(); files
 * stay, processes do not. Everything is asynchronous and nothing blocks: a command that is given to a machine that is still
 * starting waits in its socket. Who does what, and how it is walled in: fakes/guest.
 *
 * The disk has the rented size, and is in memory: at most half of the computer's. Nothing outlives the fake, however it ends.
 */
#ifndef FAKES_FRONT_SANDBOX_H
#define FAKES_FRONT_SANDBOX_H

#include "base/error.h"
#include "fakes/guest/guest_wire.h"
#include "reactor/reactor.h"

enum { SANDBOX_PROCESSES_DEFAULT = 512, SANDBOX_CPU_S_DEFAULT = 4 * 3600, SANDBOX_PATH_SIZE = 4096 };

/* Address space of one process. AddressSanitizer takes far more of it, also for our own programs in the machine: then no bound. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_ADDRESS_SPACE_BYTES INT64_C(0)
#else
#define SANDBOX_ADDRESS_SPACE_BYTES (INT64_C(8) << 30)
#endif

struct sandbox;

/* Borrowed pointers outlive the sandbox. */
struct sandbox_options {
    struct heap *heap;
    struct reactor *reactor;
    const char *program; /* of the guest: sandbox_find_program() */
    struct guest_machine machine;
    const char *onstart; /* run at each start; NULL: nothing is */
};

/* Where the guest program lies: beside this program, or where it was installed to. ERR_MISSING_TOOL. */
MUST_USE enum error_code sandbox_find_program(char path[SANDBOX_PATH_SIZE], struct error *error);

/*
 * Whether this system lets sandboxes be: makes one and ends it (some tens of milliseconds, blocking). ERR_MISSING_TOOL with what
 * stands in the way and advice.
 */
MUST_USE enum error_code sandbox_probe(const char *program, struct error *error);

/*
 * Bounds for a machine of those facts: its memory, of which this computer gives half at most, SANDBOX_CPU_S_DEFAULT of CPU time a
 * start, and a 16th of this computer's memory (1 GiB at most) that no machine takes.
 */
void sandbox_bounds_defaults(struct guest_machine *machine);

/* A machine that does not run yet, its disk empty. NULL: memory, processes or descriptors are gone. */
MUST_USE struct sandbox *sandbox_new(const struct sandbox_options *options);

/* Ends the machine and its disk. Its processes must have been closed. NULL is allowed. */
void sandbox_free(struct sandbox *sandbox);

/* False: descriptors are gone. Harmless when it runs. */
MUST_USE bool sandbox_start(struct sandbox *sandbox);

/* Kills all that runs in it, at once; the processes are told. Harmless when it does not run. */
void sandbox_stop(struct sandbox *sandbox);

/* As sandbox_stop() and, at the next start, an empty /tmp. */
void sandbox_reboot(struct sandbox *sandbox);

bool sandbox_is_running(const struct sandbox *sandbox);

/* Why a start failed, "" when none did. */
const char *sandbox_failure(const struct sandbox *sandbox);

/* Takes that much of the disk away, or what is free of it, from now on. */
void sandbox_set_disk_used(struct sandbox *sandbox, int64_t bytes);

/* What nvidia-smi shows from now on; kept over stops and starts. */
void sandbox_set_gpu(struct sandbox *sandbox, const struct host_gpu_load *load, enum host_gpu_state state);

/* ---- processes ---------------------------------------------------------------------------------------------------------- */

enum sandbox_stream { SANDBOX_OUT, SANDBOX_ERR, SANDBOX_STREAM_COUNT };

enum { SANDBOX_BUFFERED = 64 * 1024 }; /* of each stream, beside what the system's pipes hold */

struct sandbox_process;

/* There is output, room for input, or the end. The process may be closed by it. */
typedef void sandbox_changed_function(void *context);

struct sandbox_request {
    struct span command;     /* for bash -c; not used with `login` */
    struct span environment; /* "NAME=value", each with its NUL */
    bool login;              /* a login shell */
    bool terminal;
    int columns, rows;
    sandbox_changed_function *changed;
    void *context;
};

/*
 * Starts a process in a machine that runs. NULL: it does not, its command is longer than GUEST_COMMAND_MAX, or memory, descriptors
 * or the machine's queue are exhausted.
 */
MUST_USE struct sandbox_process *sandbox_exec(struct sandbox *sandbox, const struct sandbox_request *request);

/* Lets go of it, as a client does that goes away: its pipes are closed, its terminal hangs up; it is not killed otherwise. */
void sandbox_process_close(struct sandbox_process *process);

size_t sandbox_process_room(const struct sandbox_process *process);
void sandbox_process_input(struct sandbox_process *process, struct span bytes); /* no more than there is room for */
void sandbox_process_input_end(struct sandbox_process *process);
struct span sandbox_process_output(const struct sandbox_process *process, enum sandbox_stream stream);
void sandbox_process_sent(struct sandbox_process *process, enum sandbox_stream stream, size_t size);
/* Puts a text into its output, as if it had said it; lost when there is no room. */
void sandbox_process_say(struct sandbox_process *process, enum sandbox_stream stream, const char *text);
void sandbox_process_resize(struct sandbox_process *process, int columns, int rows);
void sandbox_process_signal(struct sandbox_process *process, int number);

/* True when it has exited, nobody writes to its pipes any more, and all that was written lies in its output. */
bool sandbox_process_has_ended(const struct sandbox_process *process);
int sandbox_process_status(const struct sandbox_process *process);
int sandbox_process_killed_by(const struct sandbox_process *process); /* a signal's number, 0: it exited */

#endif
