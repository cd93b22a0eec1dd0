/*
 * Tasks: coroutines for straight-line client code, in one thread, in the manner of QEMU's block layer.
 *
 * A task runs until it waits; the loop's stack then picks the next ready task, first come first served. Every wait has a
 * deadline. Tasks are entered on the loop's stack only (scheduler_run()): whatever completes an operation marks tasks ready and
 * never resumes them itself.
 *
 * Cancellation: a cancelled task's next (or present) wait ends with WAIT_CANCELLED, and so does each later one, until the task
 * returns. Clean-up runs in a shield: between task_shield_begin() and task_shield_end() cancellation is held back, and every
 * wait is bounded by the shield's own deadline. A limit is such a bound without the holding back.
 *
 * Stacks have a guard page below and are reused. scheduler_abandon() drops all tasks without unwinding them: what a crash does.
 *
 * Ownership: a task's argument must outlive it. Completions are embedded in the operations that they end.
 */
#ifndef WORLD_TASK_H
#define WORLD_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/heap.h"

struct scheduler;
struct task;

typedef void task_function(void *argument);

/* Something that will be finished once. Zero-filled to begin with; at most one task waits for it. */
struct completion {
    bool finished;
    struct task *waiter;
};

enum wait_end { WAIT_FINISHED, WAIT_DEADLINE, WAIT_CANCELLED };

/* A wake-up at a moment. Armed and disarmed through struct timer_source; embedded, never allocated. */
struct timer {
    int64_t due_ns;
    uint64_t sequence; /* the source's own */
    size_t place;      /* the source's own */
    bool armed;
    struct task *task;
};

/* Where timers are kept: the virtual world's event queue, or the live loop. */
struct timer_source {
    int64_t (*now_ns)(void *context);
    void (*arm)(void *context, struct timer *timer);
    void (*disarm)(void *context, struct timer *timer);
    void *context;
};

/* A scheduler without tasks, or NULL when memory is gone. `heap` decides whether a task may start (torture), see task_start(). */
MUST_USE struct scheduler *scheduler_new(struct heap *heap, struct timer_source timers);
void scheduler_free(struct scheduler *scheduler);

/* Runs ready tasks until none is ready. Only from the loop's stack. */
void scheduler_run(struct scheduler *scheduler);

/* Drops every task where it stands. Their timers must be dropped by the timer source. */
void scheduler_abandon(struct scheduler *scheduler);

size_t scheduler_task_count(const struct scheduler *scheduler);

/* A timer is due: its task's wait ends with WAIT_DEADLINE. For timer sources. */
void timer_fire(struct timer *timer);

/*
 * Starts a task, ready to run. NULL when there is no memory for it (the heap's failure plan counts this as one request).
 * `finished` may be NULL; else it is finished when the task returns.
 */
MUST_USE struct task *task_start(struct scheduler *scheduler, task_function *run, void *argument,
                                 struct completion *finished);

/* Asks a task to end. Harmless when it is cancelled already. The task must not have returned. */
void task_cancel(struct task *task);

/* True in a task that was cancelled and is not shielded. */
bool task_is_cancelled(const struct scheduler *scheduler);

/* Ends the wait for `completion`. May be called before anybody waits. */
void completion_finish(struct completion *completion);

/* Waits in the current task. `completion` NULL waits for the deadline alone. A finished completion wins over a cancellation. */
enum wait_end task_wait(struct scheduler *scheduler, struct completion *completion, int64_t deadline_ns);

/* The moment at which a wait of the current task until `deadline_ns` really ends: no later than its shield or limit does. */
int64_t task_deadline_ns(const struct scheduler *scheduler, int64_t deadline_ns);

/* What the surrounding shield or limit was; give it back to task_shield_end(). */
struct shield {
    bool outer_shielded;
    int64_t outer_deadline_ns;
};

/* A shield inside a shield ends at the earlier of both deadlines. */
struct shield task_shield_begin(struct scheduler *scheduler, int64_t deadline_ns);
void task_shield_end(struct scheduler *scheduler, struct shield shield);

/*
 * A limit: until task_shield_end() every wait of the current task ends at `deadline_ns` at the latest, as in a shield, but a
 * cancellation is not held back. Inside another limit or shield the earlier deadline counts. Lowering makes it end earlier;
 * a later moment changes nothing.
 */
struct shield task_limit_begin(struct scheduler *scheduler, int64_t deadline_ns);
void task_limit_lower(struct scheduler *scheduler, int64_t deadline_ns);

#endif
