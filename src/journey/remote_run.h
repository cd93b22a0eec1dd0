/*
 * Remote run: one command of a person's on a machine that is rented already, once.
 *
 * A command is never run a second time: a connection that breaks while it runs ends the journey with ERR_SSH_DROPPED, and what became
 * of the command is not known. Until it has begun, connecting is tried again a few times.
 */
#ifndef JOURNEY_REMOTE_RUN_H
#define JOURNEY_REMOTE_RUN_H

#include "journey/consent.h"

struct remote_run_options {
    struct vast_access access;
    enum consent consent;
    int64_t instance_id;
    struct span command;
    int64_t limit_ns; /* of the command */
    unsigned streams; /* of enum shell_streams */
};

/* The caller's; `out` and `err` are initialised by him, and keep what their limits allow unless the streams take it. */
struct remote_run_result {
    struct buffer out;
    struct buffer err;
    bool ran; /* it ended by itself, with `exit_status` after `duration_ns` */
    int exit_status;
    int64_t duration_ns;
};

/* The status that the process should end with: the command's own when it ran. */
enum exit_status remote_run(struct world *world, const struct remote_run_options *options,
                            struct remote_run_result *result);

#endif
