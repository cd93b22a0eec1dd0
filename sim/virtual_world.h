/*
 * Virtual world: the door of world/world.h onto a simulated outside. Its clock jumps to the next event; the fakes are called in
 * process; the client runs unchanged.
 *
 * One step is one event: a change in the cloud, an effect, an arrival, a timer, a signal (order: event_queue.h). Steps are
 * counted from 1; the client can be killed at any of them. A kill drops the client's heap and tasks and what its disk had not
 * synced, of its store and of its files (disk.h); what is under way on the wire goes on, but for a body that is not yet all sent. A new
 * life of the client may then be started.
 *
 * Everything a run does is a function of its cloud's options, the store and the client's code: same inputs, same history.
 */
#ifndef SIM_VIRTUAL_WORLD_H
#define SIM_VIRTUAL_WORLD_H

#include "fakes/cloud/cloud.h"
#include "sim/disk.h"
#include "sim/store/memory_store.h"
#include "world/world.h"

struct virtual_world;

/* Where the receivers of webhooks stand: a URL is this and a path. */
#define VIRTUAL_RECEIVER_ORIGIN "http://127.0.0.1:9"

/* Borrowed pointers outlive the world. */
struct virtual_world_options {
    uint64_t seed;
    uint32_t run;
    struct wall_time epoch; /* wall time at moment 0 */
    struct world_description description;
    struct cloud *cloud;
    struct memory_store *store;
    struct history *history;
    bool declines;            /* the person answers each question with no, else with yes */
    int64_t store_latency_ns; /* a statement's way there and back, with its fsync; assumed 0: nobody recorded it */
    int64_t disk_bytes;       /* of this machine's disk; 0: DISK_BYTES_USUAL */
    bool machine_survives;    /* a kill is the process's alone: what it had written to files stays, synced or not */
};

/* Stacks and the client's heap, kept from run to run. */
struct virtual_process;
MUST_USE struct virtual_process *virtual_process_new(void);
void virtual_process_free(struct virtual_process *process);
struct heap *virtual_process_heap(struct virtual_process *process);

/* NULL when memory is gone. `heap` holds the world itself, never the client. */
MUST_USE struct virtual_world *virtual_world_new(struct heap *heap, struct virtual_process *process,
                                                 const struct virtual_world_options *options);
void virtual_world_free(struct virtual_world *virtual_world);

/* The door. */
struct world *virtual_world_door(struct virtual_world *virtual_world);

/* This machine's disk: what lies there before the client starts, and what it left. */
struct disk *virtual_world_disk(struct virtual_world *virtual_world);

/* Starts the client's main task. False when the client's heap refuses it. */
MUST_USE bool virtual_world_start(struct virtual_world *virtual_world, task_function *run, void *argument);

enum run_end {
    RUN_FINISHED, /* every task has returned, and nothing that was sent is still under way */
    RUN_KILLED,   /* at the step asked for */
    RUN_STUCK,    /* tasks wait, and nothing will ever happen: a defect */
};

/* Runs until the end, or until step `kill_at` (0: never) is about to happen: then the client is killed instead of it. */
enum run_end virtual_world_run(struct virtual_world *virtual_world, uint64_t kill_at);

/* A signal comes at `moment_ns`, or when step `step` is about to happen (0: not by step): the main task is cancelled. */
MUST_USE bool virtual_world_interrupt_at(struct virtual_world *virtual_world, int64_t moment_ns,
                                         enum exit_status signal_status);
void virtual_world_interrupt_at_step(struct virtual_world *virtual_world, uint64_t step,
                                     enum exit_status signal_status);

uint64_t virtual_world_steps(const struct virtual_world *virtual_world);
int64_t virtual_world_now_ns(const struct virtual_world *virtual_world);

#endif
