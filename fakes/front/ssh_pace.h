/*
 * Pace: what a slow link lets through, in stage time. A program that has one gives and takes no more than ssh_pace_room() bytes, counts
 * what it moved, and is woken when there is room again.
 */
#ifndef FAKES_FRONT_SSH_PACE_H
#define FAKES_FRONT_SSH_PACE_H

#include "fakes/front/ssh_program.h"

struct ssh_pace {
    struct stage_server *stage;
    struct channel_program *program;
    int64_t bytes_per_s; /* 0: no bound */
    int64_t begun_ns, moved_bytes;
    struct event wake;
};

void ssh_pace_start(struct ssh_pace *pace, struct stage_server *stage, struct channel_program *program,
                    int64_t bytes_per_s);
void ssh_pace_stop(struct ssh_pace *pace);

/* How many bytes may be moved now, `wanted` at most. With 0 the program is woken when it may be more. */
size_t ssh_pace_room(struct ssh_pace *pace, size_t wanted);
void ssh_pace_moved(struct ssh_pace *pace, size_t size);

#endif
