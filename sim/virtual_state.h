/*
 * The virtual world's inside, shared by its files: virtual_world.c (clock, life), virtual_wire.c (what is under way), virtual_bucket.c
 * (requests to the object store) and virtual_files.c.
 */
#ifndef SIM_VIRTUAL_STATE_H
#define SIM_VIRTUAL_STATE_H

#include "base/event_queue.h"
#include "sim/disk.h"
#include "sim/virtual_world.h"

enum { VIRTUAL_EVENT_ID_SIZE = 40, LOCKS_MAX = 64, LOCK_NAME_SIZE = 64, LIVES_SHIFT = 16 };
#define FILES_OF_CRASH (UINT32_C(1) << 31) /* of a crash's draws, the files' */

struct virtual_process {
    struct heap *own_heap; /* of this struct */
    struct heap *heap;     /* the client's */
    struct scheduler *scheduler;
    struct virtual_world *world; /* that it lives in now */
};

/* A timer's place in the queue. */
struct timer_event {
    struct event event;
    struct timer *timer;
    struct virtual_world *world;
    struct timer_event *next_free;
};

/* What the client began and the wire or the disk carries on; `client` parts are NULL once nobody waits. */
struct pending {
    struct event effect;
    struct event arrival;
    struct virtual_world *world;
    struct pending *next;
    struct pending *previous;
    struct http_exchange *http;
    struct cloud_exchange *exchange;
    struct cloud_bucket_exchange *bucket; /* instead of `exchange`: the object store has it */
    int64_t sent, received;               /* bytes of its bodies */
    bool whole;                           /* all of the request was sent */
    struct shell_session *shell;
    struct cloud_session *session;
    struct store_call *store;
    bool silent;      /* the store will never answer */
    bool at_receiver; /* of webhooks, instead of `exchange` */
    struct receiver_verdict receiver;
    char told[VIRTUAL_EVENT_ID_SIZE];
};

struct virtual_world {
    struct world world;
    struct virtual_world_options options;
    struct heap *heap;
    struct virtual_process *process;
    struct event_queue queue;
    struct event signal;
    enum exit_status signal_status;
    uint64_t signal_step;
    int64_t now_ns;
    uint64_t steps;
    uint32_t life; /* of the client, from 0 */
    uint64_t requests;
    struct task *main_task;
    struct completion main_done;
    struct pending *pendings;
    struct pending *free_pendings;
    struct timer_event *free_timers;
    char locks[LOCKS_MAX][LOCK_NAME_SIZE];
    struct disk disk;
};

/* The world behind a door. */
struct virtual_world *virtual_of(struct world *world);

/* The stage's own memory and queue do not run out in a run that fits the machine; if they do, there is nobody to tell. */
void *virtual_must(void *memory);
void virtual_queue(struct virtual_world *virtual_world, struct event *event);

/* At that moment, unless it is TIME_NEVER_NS, `happen` is called with `pending`, one of whose two events `event` is. */
void virtual_pending_event(struct pending *pending, struct event *event, int64_t due_ns, enum event_class class,
                           void (*happen)(void *));
/* It is under way no more. */
void virtual_pending_drop(struct pending *pending);

/* An exchange with the object store begins; and nobody waits for it any more. */
void virtual_bucket_start(struct pending *pending);
void virtual_bucket_forget(struct pending *pending);

extern const struct world_file_operations virtual_file_operations;

/* The door's sides that send something and wait for it. */
void virtual_http_start(struct world *world, struct http_exchange *http);
void virtual_http_abandon(struct world *world, struct http_exchange *http);
void virtual_shell_open(struct world *world, struct shell_session *shell);
void virtual_shell_run(struct world *world, struct shell_session *shell);
void virtual_shell_abandon(struct world *world, struct shell_session *shell);
void virtual_shell_close(struct world *world, struct shell_session *shell);
void virtual_shell_forget(struct world *world, int64_t instance_id);
void virtual_store_start(struct world *world, struct store_call *call);
void virtual_store_abandon(struct world *world, struct store_call *call);

/* virtual_receiver.c: an exchange with a receiver of webhooks. */
bool virtual_receiver_is_at(const char *origin);
void virtual_receiver_start(struct pending *pending);
void virtual_receiver_forget(struct pending *pending);

/* Nobody waits any more for what is under way: replies find nobody, what was sent still takes effect. */
void virtual_wire_forget_client(struct virtual_world *virtual_world);

/* Gives back all that is under way. */
void virtual_wire_release(struct virtual_world *virtual_world);

#endif
