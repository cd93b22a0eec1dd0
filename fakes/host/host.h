/*
 * Host: a rented machine's inside, modelled: a file tree, a small sh, the commands that clients run, nvidia-smi.
 *
 * Pure: no clock, no socket, no real file. The same host serves the virtual world and the SSH front.
 *
 * A command is carried out at one moment; how long it slept is told beside its outcome, and whoever owns the clock lets that time
 * pass before the outcome arrives. A job in the background is over when it was started. A command that would never end runs out of
 * work and is killed.
 *
 * Limits: the constants of shell.h and file_tree.h; a command that passes one fails as on a real machine (ENOSPC, "Argument list
 * too long") or is killed, never crashes. Memory comes from the heap given to host_new(); when it is gone, the command ends with
 * status 137 (killed, as by the OOM killer) and the host stays usable.
 */
#ifndef FAKES_HOST_HOST_H
#define FAKES_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "base/units.h"

enum { HOST_TEXT_SIZE = 64, HOST_KEYS_SIZE = 2048, HOST_EXIT_KILLED = 137, HOST_COMMAND_BYTES = 128 * 1024 };

/* What the machine is, as its commands show it. Copied by host_new(). */
struct host_facts {
    int64_t instance_id;           /* VAST_CONTAINERLABEL=C.<id> in /etc/environment's place, marker file */
    uint64_t seed;                 /* container id, GPU UUIDs, MAC-like details */
    char gpu_name[HOST_TEXT_SIZE]; /* Vast's name: "RTX 4090"; nvidia-smi shows "NVIDIA GeForce RTX 4090" */
    int32_t num_gpus;
    int64_t gpu_ram_mib;
    char driver_version[HOST_TEXT_SIZE]; /* "580.95.05" */
    char cuda_version[HOST_TEXT_SIZE];   /* "13.0" */
    int32_t cpu_cores;
    int64_t ram_mib;
    int64_t disk_bytes;      /* rented size: the overlay's */
    int64_t disk_used_bytes; /* already taken by the image */
    char image[128];
    char public_ipaddr[HOST_TEXT_SIZE];
    int64_t direct_port;              /* 22/tcp's; 0: none */
    char public_keys[HOST_KEYS_SIZE]; /* that may log in when it is created, a line each */
};

/* What every GPU of the host is doing, as nvidia-smi shows it. */
struct host_gpu_load {
    int32_t utilization_percent;
    int32_t memory_utilization_percent;
    int64_t memory_used_mib;
    int32_t temperature_c;
    int64_t power_draw_mw;
    int32_t fan_percent;
    int32_t performance_state; /* P0 (working) to P8 (idle) */
};

/* How nvidia-smi fares: what it prints and its exit status in brackets. */
enum host_gpu_state {
    HOST_GPU_READY,
    HOST_GPU_NO_TOOL,   /* command not found (127) */
    HOST_GPU_NO_DRIVER, /* cannot communicate with the driver (9) */
    HOST_GPU_LOST,      /* Failed to initialize NVML: Unknown Error (255) */
    HOST_GPU_NONE,      /* No devices were found (6) */
    HOST_GPU_NO_HANDLE, /* Unable to determine the device handle (255) */
    HOST_GPU_MISMATCH,  /* Driver/library version mismatch (18) */
    HOST_GPU_UNKNOWN,   /* what the GPUs do is [N/A] */
    HOST_GPU_HANGS,     /* it never ends: see host_hangs() */
};

struct host;

/* The host copies `facts`, is idle and has built nothing yet: files appear with the first command. NULL: no memory. */
MUST_USE struct host *host_new(struct heap *heap, const struct host_facts *facts);
void host_free(struct host *host);

/* A host that is in use lives on until each holder has called host_free() too. */
void host_hold(struct host *host);

/*
 * Runs `command` as sshd does, by root's login shell (bash -c) in /root, standard input `input`.
 * Appends to `out` and `err`; output beyond their limits is lost and the command counts as killed. Returns the exit status, 0 to
 * 255; HOST_EXIT_KILLED when memory or work ran out.
 * `now` sets file times and what `date` prints. Effects stay for the next command.
 */
int host_run(struct host *host, struct wall_time now, struct span command, struct span input, struct buffer *out,
             struct buffer *err);

/* How long the last command slept in the foreground (sleep, as far as timeout let it). */
int64_t host_slept_ns(const struct host *host);

/*
 * A shell that is given its commands one after the other: what it remembers between them is its folder, its variables, the last
 * status, and that it has exited. Functions and options are forgotten.
 */
struct host_session {
    struct buffer folder;    /* "": not begun */
    struct buffer variables; /* "+NAME=value" when exported, else "-NAME=value", each with its NUL */
    int status;
    bool exited;
};

void host_session_init(struct host_session *session, struct heap *heap);
void host_session_release(struct host_session *session);

/* As host_run(), without input, in the session. When its memory is gone it exits. */
int host_run_line(struct host *host, struct wall_time now, struct host_session *session, struct span line,
                  struct buffer *out, struct buffer *err);

/* Whether a text is all of a command, so that a shell would run it rather than ask for the next line. */
bool host_line_is_whole(struct heap *heap, struct span text);

/* "root@NAME:FOLDER# " */
void host_write_prompt(const struct host *host, const struct host_session *session, struct buffer *out);

/*
 * Whether `command` reads its standard input, by its text: who says yes needs all of the input before it runs, who says no runs at
 * once. Names that only running would tell count as not reading. False when memory is gone.
 */
bool host_reads_input(struct heap *heap, struct span command);

/*
 * The words of a command that is one program with its arguments and nothing else (no pipe, list or redirection), expanded as
 * the login shell does, with a NUL behind each. False, with nothing appended: it is something else, or memory is gone.
 */
MUST_USE bool host_command_words(struct host *host, struct wall_time now, struct span command, struct buffer *words);

/* How many bytes of files the host may keep in memory; more is a full disk. A new host has TREE_CONTENT_LIMIT. */
void host_set_content_limit(struct host *host, size_t bytes);

/* Sets how many bytes of the disk are taken by things outside the file tree (a fault fills the disk with it). */
void host_set_disk_used(struct host *host, int64_t bytes);

/* Sets what the GPUs do from now on. A new host's are idle. */
void host_set_gpu_load(struct host *host, const struct host_gpu_load *load);
void host_set_gpu_state(struct host *host, enum host_gpu_state state);

/* Whether a command of the last host_run() hangs for ever: its status and output are then meaningless. */
bool host_hangs(const struct host *host);

/* Sets how far ahead the machine's clock is of the times that it is given. */
void host_set_clock_ahead(struct host *host, int64_t ahead_ns);

/* The machine has rebooted: /tmp is empty. */
void host_reboot(struct host *host, struct wall_time now);

#endif
