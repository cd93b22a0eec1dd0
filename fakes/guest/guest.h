/*
 * Guest: the program of ours that runs around and inside a sandboxed machine. Its first argument, or its name, says as what.
 *
 *     dumont-guest keep DISK_BYTES    holds a machine's disk and starts it (guest_wire.h)
 *     dumont-guest init               is its first process
 *     dumont-guest sftp-server        serves its files
 *     dumont-guest probe              says whether this system lets a sandbox be: status 0, or 1 with the reason on standard output
 *     nvidia-smi …                    shows its GPUs
 *
 * The keeper lives in a user and mount namespace of its own, in which root is an unprivileged user of the system; the disk is a
 * file system of the rented size that is mounted there and nowhere else, so it is gone with the keeper, however that ends. Each
 * start is a bubblewrap in that namespace: its own processes, network (none), names and devices; the system's /usr, read-only.
 */
#ifndef FAKES_GUEST_GUEST_H
#define FAKES_GUEST_GUEST_H

#include "base/heap.h"
#include "fakes/guest/guest_wire.h"
#include "fakes/sftp/file_session.h"

/* Each returns the program's exit status. */
int guest_sftp_server(struct heap *heap);
int guest_keep(struct heap *heap, int64_t disk_bytes);
int guest_probe(struct heap *heap);
int guest_init(struct heap *heap);
int guest_nvidia_smi(struct heap *heap, int argc, char **argv);

/* Serves a session on standard input and output until it is over. NULL counts as out of memory. Returns the exit status. */
int guest_serve(struct heap *heap, struct file_session *session);

/* ---- the keeper's parts ---- */

enum { GUEST_TEXT_MAX = 512 };

/*
 * Makes this process root in namespaces of its own, with an empty disk of that size at GUEST_DISK. False: `why` says what the
 * system did not allow.
 */
#define GUEST_DISK "/mnt"
#define GUEST_DISK_LOCAL "/mnt/usr/local"
MUST_USE bool keeper_enter(int64_t disk_bytes, char why[GUEST_TEXT_MAX]);

/* Makes the disk smaller by that much, but never smaller than what lies on it, which is what it is while it may not grow. */
void keeper_size_disk(int64_t disk_bytes, int64_t taken_bytes, bool may_grow);

/* What lies on it; -1: the system does not say. */
int64_t keeper_disk_used(void);

/*
 * Puts on an empty disk what a machine begins with: the files of the modelled host, and `onstart` in the script that is run at
 * each start. False: it does not fit, or no memory.
 */
MUST_USE bool keeper_furnish(struct heap *heap, const struct host_facts *facts, struct span onstart);

/*
 * Starts bubblewrap with `command` as the machine's first process and `socket` as its GUEST_SOCKET; `program` is the guest
 * program's descriptor. Returns the process, or -1.
 */
int keeper_start(struct heap *heap, const struct guest_machine *machine, int program, int socket,
                 const char *const *command);

#endif
