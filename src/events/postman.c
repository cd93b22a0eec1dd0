#include "events/postman.h"

#include "events/delivery.h"

static const int64_t longest_sleep_ns = NS_PER_HOUR;
static const int64_t shortest_sleep_ns = NS_PER_S;
static const int64_t patience_ns = NS_PER_S;         /* with a round, at the end of a run */
static const int64_t cancel_limit_ns = 2 * NS_PER_S; /* what it writes down at its end takes less */

struct postman {
    struct world *world;
    struct task *task;
    struct completion called;
    struct completion stopped;
    bool active; /* it was called */
    bool closing;
    bool on_round;
    int64_t patient_until_ns; /* of the round under way */
    struct delivery_memory memory;
};

/* When the next round is due unless somebody calls. What is due after a round belongs to receivers that rest. */
static int64_t next_round_ns(struct postman *postman)
{
    struct world *world = postman->world;
    struct delivery_counts counts;
    struct store_result result;
    int64_t latest_ns = world_deadline_ns(world, longest_sleep_ns);
    if (delivery_count(world, &counts, &result) != ERR_OK || counts.next_unix_ns == INT64_MAX) {
        return latest_ns;
    }
    int64_t sleep_ns = saturating_subtract(counts.next_unix_ns, world_wall_now(world).unix_ns);
    int64_t next_ns = sleep_ns > 0 ? world_deadline_ns(world, sleep_ns) : delivery_rested_ns(world, &postman->memory);
    int64_t earliest_ns = world_deadline_ns(world, shortest_sleep_ns);
    next_ns = next_ns < earliest_ns ? earliest_ns : next_ns;
    return next_ns < latest_ns ? next_ns : latest_ns;
}

static void make_rounds(void *argument)
{
    struct postman *postman = argument;
    struct scheduler *scheduler = postman->world->scheduler;
    int64_t next_ns = world_deadline_ns(postman->world, longest_sleep_ns);
    bool closing = false; /* a last round was made */
    while (!closing) {
        (void)task_wait(scheduler, &postman->called, next_ns);
        if (task_is_cancelled(scheduler)) {
            return;
        }
        postman->called.finished = false;
        closing = postman->closing;
        struct delivery_round round = {.limit = INT64_MAX, .in_haste = closing};
        struct store_result result;
        postman->on_round = true;
        postman->patient_until_ns = world_real_deadline_ns(postman->world, patience_ns);
        enum error_code code = delivery_run(postman->world, &postman->memory, &round, &result);
        postman->on_round = false;
        next_ns =
            code == ERR_OK && !closing ? next_round_ns(postman) : world_deadline_ns(postman->world, longest_sleep_ns);
    }
}

struct postman *postman_open(struct world *world)
{
    struct postman *postman = heap_alloc(world->heap, sizeof *postman);
    if (postman == NULL) {
        return NULL;
    }
    postman->world = world;
    postman->task = task_start(world->scheduler, make_rounds, postman, &postman->stopped);
    if (postman->task == NULL) {
        heap_release(world->heap, postman);
        return NULL;
    }
    return postman;
}

void postman_call(struct postman *postman)
{
    postman->active = true;
    completion_finish(&postman->called);
}

void postman_close(struct postman *postman, int64_t deadline_ns)
{
    if (postman == NULL) {
        return;
    }
    struct world *world = postman->world;
    postman->closing = true;
    completion_finish(&postman->called);
    int64_t until_ns = world_real_deadline_ns(world, patience_ns);
    if (postman->on_round && postman->patient_until_ns < until_ns) {
        until_ns = postman->patient_until_ns; /* a receiver that keeps it so long does not keep the run */
    }
    until_ns = until_ns < deadline_ns ? until_ns : deadline_ns;
    if (!postman->active || task_wait(world->scheduler, &postman->stopped, until_ns) != WAIT_FINISHED) {
        task_cancel(postman->task);
        struct shield shield = task_shield_begin(world->scheduler, world_real_deadline_ns(world, cancel_limit_ns));
        (void)task_wait(world->scheduler, &postman->stopped, world_real_deadline_ns(world, cancel_limit_ns));
        task_shield_end(world->scheduler, shield);
    }
    if (postman->stopped.finished) { /* else a shield that ends too early: the task still stands in it */
        heap_release(world->heap, postman);
    }
}
