/*
 * Machine: remote commands on a rented machine, over SSH sessions.
 *
 * By default each command has a session of its own, as the recorded client did; with `reuse` one session carries all, and is
 * opened again when it broke.
 *
 * Memory: none beyond the struct. Outputs land in its two buffers and are overwritten by the next command; what goes beyond
 * MACHINE_OUTPUT_SIZE bytes of standard output makes the command fail with ERR_OUTPUT_UNEXPECTED.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "world/world.h"

enum { MACHINE_OUTPUT_SIZE = 16 * 1024, MACHINE_ERROR_OUTPUT_SIZE = 4 * 1024, MACHINE_HOST_SIZE = 128 };

struct machine {
    struct world *world;
    struct shell_target target;
    struct shell_session session;
    bool reuse;
    int64_t command_limit_ns;
    uint64_t sessions; /* opened so far */
    int exit_status;   /* of the last command */
    size_t out_bytes;  /* of its standard output, as far as it was kept */
    struct buffer out;
    struct buffer err;
    char host[MACHINE_HOST_SIZE];
    char out_storage[MACHINE_OUTPUT_SIZE];
    char err_storage[MACHINE_ERROR_OUTPUT_SIZE];
};

void machine_init(struct machine *machine, struct world *world, int64_t instance_id, bool reuse,
                  int64_t command_limit_ns);

/* Where its SSH answers from now on. False when the host name is empty or too long, or the port is none. */
MUST_USE bool machine_set_address(struct machine *machine, const char *host, int64_t port);

/* Closes what is open. */
void machine_close(struct machine *machine);

/*
 * Opens a session unless one is open, in up to MACHINE_ATTEMPTS attempts of `attempt_limit_ns` each: no command has begun, so none can
 * run twice.
 */
MUST_USE enum error_code machine_open(struct machine *machine, int64_t attempt_limit_ns, struct error *error);

/* One command with what it reads and where its outputs go, whose limits are the caller's. */
struct machine_order {
    struct span command;
    struct span input;
    unsigned streams; /* of enum shell_streams */
    bool is_private;  /* its text stays out of the history */
    struct buffer *out;
    struct buffer *err;
};

/* Sends it once. ERR_OK: `exit_status` is known, whatever it is. Otherwise as shell_open() and shell_run(). */
MUST_USE enum error_code machine_send(struct machine *machine, const struct machine_order *order, int64_t deadline_ns);

/*
 * One attempt to reach the machine: a session and a command that proves that a shell answers. ERR_OK when it did.
 * The whole attempt ends at `deadline_ns`.
 */
MUST_USE enum error_code machine_probe(struct machine *machine, int64_t deadline_ns, struct error *error);

/*
 * Runs a command that may be repeated: when the connection fails or breaks, it is run again, up to MACHINE_ATTEMPTS times in
 * all. ERR_OK means exit status 0. A command's own failure is ERR_COMMAND_FAILED, or ERR_DISK_FULL when it says so.
 */
enum { MACHINE_ATTEMPTS = 4 };
MUST_USE enum error_code machine_run(struct machine *machine, const char *command, struct error *error);

/* ---- What is done on a machine ------------------------------------------------------------------------------------------ */

/* Writes `text` into `path` (folders are made) and asks for its size: two commands. */
MUST_USE enum error_code machine_create_file(struct machine *machine, const char *path, const char *text,
                                             struct error *error);

/* Reads `path` back: one command. ERR_FILE_DIFFERS unless it holds exactly `text`. */
MUST_USE enum error_code machine_verify_file(struct machine *machine, const char *path, const char *text,
                                             struct error *error);

struct gpu_info {
    char name[96];
    int64_t memory_total_mib;
    char driver_version[32];
};

/* The first GPU by nvidia-smi, and the free space of the disk: two commands. */
MUST_USE enum error_code machine_gpu_info(struct machine *machine, struct gpu_info *info, struct error *error);

#endif
