/*
 * The live world's inside, shared by its files: live_world.c (life, clocks, notes, random) and those of live_sides.h.
 */
#ifndef WORLD_LIVE_LIVE_STATE_H
#define WORLD_LIVE_LIVE_STATE_H

#include "reactor/reactor.h"
#include "world/live/live_world.h"

/*
 * Something to be done on the loop's stack as soon as the tasks that are ready have run. Embedded in what it belongs to;
 * zero-filled: not queued.
 */
struct live_chore {
    struct live_chore *next;
    struct live_chore *previous;
    bool queued;
    void (*run)(void *owner);
    void *owner;
};

/* Each side's own state; NULL until it is opened. */
struct live_signals;
struct live_http;
struct live_shell;
struct live_store;
struct live_locks;

struct live_world {
    struct world world;
    struct live_world_options options;
    struct heap *heap; /* the world's own */
    struct clock_page *clock;
    struct reactor *reactor;
    struct live_chore chores; /* head of the ring */
    struct live_timer *free_timers;
    uint64_t seed;
    uint64_t requests;
    int history_descriptor; /* -1: none */
    bool history_cut;
    struct task *main_task;
    struct completion main_done;
    enum exit_status cut; /* EXIT_DONE while nothing cut the run */
    struct live_signals *signals;
    struct live_http *http;
    struct live_shell *shell;
    struct live_store *store;
    struct live_locks *locks;
};

struct live_world *live_of(struct world *world);

void live_call_soon(struct live_world *live, struct live_chore *chore, void (*run)(void *owner), void *owner);
void live_call_off(struct live_chore *chore); /* harmless when it is not queued */

/* Writes to standard error, whatever became of it. */
void live_say(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
