/*
 * Reactor: one thread's loop over descriptors and timers, for the live world and for the fronts of the fakes.
 *
 * Timers are due in stage time (reactor/clock_page.h) or in real time. Callbacks run on the loop's stack; they may add, change and
 * remove watches and timers, their own included, and must not turn the reactor.
 *
 * Watches and timers are embedded in what they belong to; they must be removed before their memory goes.
 */
#ifndef REACTOR_REACTOR_H
#define REACTOR_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/event_queue.h"
#include "base/heap.h"
#include "reactor/clock_page.h"

struct reactor;

/* HANGUP: the other side will send no more, and what it sent does not matter. */
enum { REACTOR_READ = 1, REACTOR_WRITE = 2, REACTOR_HANGUP = 4 };

/* `ready` has what was asked for and is so; a hang-up or an error counts as all that was asked for. */
typedef void reactor_ready_function(void *context, unsigned ready);

/* Zero-filled: watches nothing. */
struct reactor_watch {
    int descriptor;
    unsigned wanted; /* of the three above; 0: not watched */
    reactor_ready_function *ready;
    void *context;
};

enum reactor_clock { REACTOR_STAGE, REACTOR_REAL };

/* Zero-filled: not armed. */
struct reactor_timer {
    struct event event;
    enum reactor_clock clock;
};

/* `clock` is borrowed. NULL when memory or descriptors are gone. */
MUST_USE struct reactor *reactor_new(struct heap *heap, const struct clock_page *clock);
void reactor_free(struct reactor *reactor); /* NULL is allowed */

int64_t reactor_now_ns(const struct reactor *reactor); /* stage time */

/*
 * Watches `descriptor` for `wanted`, from now on; 0 ends it, and must come before the descriptor is closed. Level-triggered.
 * False, with nothing changed, when the system refuses.
 */
MUST_USE bool reactor_watch(struct reactor *reactor, struct reactor_watch *watch, unsigned wanted);
void reactor_unwatch(struct reactor *reactor, struct reactor_watch *watch); /* harmless when it watches nothing */

/* Calls `happen(owner)` once, when the clock has reached `due_ns` (REACTOR_REAL: of the monotonic clock). Armed again, it moves. */
MUST_USE bool reactor_arm(struct reactor *reactor, struct reactor_timer *timer, enum reactor_clock clock,
                          int64_t due_ns, void (*happen)(void *owner), void *owner);
void reactor_disarm(struct reactor *reactor, struct reactor_timer *timer); /* harmless when it is not armed */
bool reactor_is_armed(const struct reactor_timer *timer);

/* Waits until something is ready or due (with `may_wait`; else only looks), and calls all that is. */
void reactor_turn(struct reactor *reactor, bool may_wait);

#endif
