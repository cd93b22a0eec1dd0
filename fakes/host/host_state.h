/*
 * Host state: what struct host holds, shared by the files of this folder and nobody else.
 */
#ifndef FAKES_HOST_HOST_STATE_H
#define FAKES_HOST_HOST_STATE_H

#include "fakes/host/file_tree.h"
#include "fakes/host/gpu_models.h"
#include "fakes/host/host.h"

struct host {
    struct heap *heap;
    struct host_facts facts;
    const struct gpu_model *gpu_model;
    struct host_gpu_load gpu_load;
    enum host_gpu_state gpu_state;
    struct file_tree files;
    int64_t slept_ns;      /* of the last command */
    int64_t boot_unix_ns;  /* moment of the first command, taken as the container's start */
    uint32_t random_draws; /* /dev/urandom and mktemp: every draw is another */
    int32_t next_pid;
    bool hangs; /* a command of the last run does */
    int64_t clock_ahead_ns;
    uint32_t holders; /* beside the first */
};

/* 64 bits that belong to this host; `index` names what for. */
uint64_t host_random_bits(const struct host *host, uint32_t index);

/* The container's id: 12 hex digits and a NUL. */
void host_container_id(const struct host *host, char out[16]);

/* Runs a text in a login shell, or in a session's. */
int host_run_text(struct host *host, struct wall_time now, struct host_session *session, struct span command,
                  struct span input, struct buffer *out, struct buffer *err);

/* Sees to it that there is a file tree, as at the first command. False: no memory. */
MUST_USE bool host_prepare_files(struct host *host, struct wall_time now);

/* Builds the file tree. */
MUST_USE enum tree_error host_build_files(struct host *host, int64_t now_ns);

#endif
