#include "sim/virtual_world.h"

#include <assert.h>
#include <string.h>

#include "sim/virtual_state.h"

struct virtual_world *virtual_of(struct world *world)
{
    return (struct virtual_world *)world;
}

void *virtual_must(void *memory)
{
    assert(memory != NULL);
    return memory;
}

void virtual_queue(struct virtual_world *vw, struct event *event)
{
    bool queued = event_queue_add(&vw->queue, event);
    assert(queued);
    (void)queued;
}

/* ---- Time --------------------------------------------------------------------------------------------------------------- */

static int64_t now_ns(struct world *world)
{
    return virtual_of(world)->now_ns;
}

static struct wall_time wall_now(struct world *world)
{
    return (struct wall_time){virtual_of(world)->options.epoch.unix_ns + virtual_of(world)->now_ns};
}

static int64_t process_now_ns(void *context)
{
    struct virtual_process *process = context;
    return process->world->now_ns;
}

static void recycle_timer(struct virtual_world *vw, struct timer_event *timer_event)
{
    timer_event->next_free = vw->free_timers;
    vw->free_timers = timer_event;
}

static void timer_happens(void *owner)
{
    struct timer_event *timer_event = owner;
    struct timer *timer = timer_event->timer;
    recycle_timer(timer_event->world, timer_event);
    timer_fire(timer);
}

static void arm_timer(void *context, struct timer *timer)
{
    struct virtual_world *vw = ((struct virtual_process *)context)->world;
    struct timer_event *timer_event = vw->free_timers;
    if (timer_event != NULL) {
        vw->free_timers = timer_event->next_free;
    } else {
        timer_event = virtual_must(heap_alloc(vw->heap, sizeof *timer_event));
        timer_event->world = vw;
    }
    timer_event->timer = timer;
    timer_event->event = (struct event){
        .due_ns = timer->due_ns, .class = EVENT_CLASS_TIMER, .happen = timer_happens, .owner = timer_event};
    virtual_queue(vw, &timer_event->event);
    timer->place = (size_t)(uintptr_t)timer_event;
    timer->armed = true;
}

static void disarm_timer(void *context, struct timer *timer)
{
    struct virtual_world *vw = ((struct virtual_process *)context)->world;
    struct timer_event *timer_event = (struct timer_event *)(uintptr_t)timer->place;
    event_queue_remove(&vw->queue, &timer_event->event);
    recycle_timer(vw, timer_event);
    timer->armed = false;
}

/* ---- State, history, random --------------------------------------------------------------------------------------------- */

static bool lock_name(struct world *world, const char *name)
{
    struct virtual_world *vw = virtual_of(world);
    char(*free_slot)[LOCK_NAME_SIZE] = NULL;
    for (size_t i = 0; i < LOCKS_MAX; i++) {
        if (strcmp(vw->locks[i], name) == 0) {
            return true; /* one living process at a time: the lock is its own */
        }
        if (vw->locks[i][0] == '\0') {
            free_slot = &vw->locks[i];
        }
    }
    return free_slot != NULL && text_copy(*free_slot, LOCK_NAME_SIZE, name);
}

static void unlock_name(struct world *world, const char *name)
{
    struct virtual_world *vw = virtual_of(world);
    for (size_t i = 0; i < LOCKS_MAX; i++) {
        if (strcmp(vw->locks[i], name) == 0) {
            vw->locks[i][0] = '\0';
        }
    }
}

static void add_note(struct world *world, const char *kind, struct span ids, struct span data)
{
    struct virtual_world *vw = virtual_of(world);
    history_add(vw->options.history, vw->now_ns, HISTORY_CLIENT, "dumont", kind, ids, data);
}

static void hide(struct world *world, const char *secret)
{
    (void)history_hide(virtual_of(world)->options.history, secret);
}

/* A new life draws anew, or it would use the labels of the former one again. */
static uint64_t random_bits_of(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index)
{
    struct virtual_world *vw = virtual_of(world);
    struct random_address address = {vw->options.run, (uint32_t)purpose | vw->life << LIVES_SHIFT, entity, index};
    return random_bits(vw->options.seed, address);
}

/* ---- Life --------------------------------------------------------------------------------------------------------------- */

static const struct world_operations operations = {
    .now_ns = now_ns,
    .wall_now = wall_now,
    .random_bits = random_bits_of,
    .http_start = virtual_http_start,
    .http_abandon = virtual_http_abandon,
    .shell_open = virtual_shell_open,
    .shell_run = virtual_shell_run,
    .shell_abandon = virtual_shell_abandon,
    .shell_close = virtual_shell_close,
    .store_start = virtual_store_start,
    .store_abandon = virtual_store_abandon,
    .lock = lock_name,
    .unlock = unlock_name,
    .note = add_note,
    .hide = hide,
};

struct virtual_process *virtual_process_new(void)
{
    struct heap *own_heap = heap_new();
    struct virtual_process *process = own_heap == NULL ? NULL : heap_alloc(own_heap, sizeof *process);
    if (process == NULL) {
        heap_free(own_heap);
        return NULL;
    }
    process->own_heap = own_heap;
    process->heap = heap_new();
    struct timer_source timers = {process_now_ns, arm_timer, disarm_timer, process};
    process->scheduler = process->heap == NULL ? NULL : scheduler_new(process->heap, timers);
    if (process->scheduler == NULL) {
        virtual_process_free(process);
        return NULL;
    }
    return process;
}

void virtual_process_free(struct virtual_process *process)
{
    if (process == NULL) {
        return;
    }
    scheduler_free(process->scheduler);
    heap_free(process->heap);
    heap_free(process->own_heap);
}

struct heap *virtual_process_heap(struct virtual_process *process)
{
    return process->heap;
}

struct virtual_world *virtual_world_new(struct heap *heap, struct virtual_process *process,
                                        const struct virtual_world_options *options)
{
    struct virtual_world *vw = heap_alloc(heap, sizeof *vw);
    if (vw == NULL) {
        return NULL;
    }
    vw->world = (struct world){
        .operations = &operations,
        .heap = process->heap,
        .scheduler = process->scheduler,
        .description = options->description,
    };
    vw->options = *options;
    vw->heap = heap;
    vw->process = process;
    process->world = vw;
    event_queue_init(&vw->queue, heap);
    return vw;
}

/* The first timer that is still queued, or NULL. */
static struct event *queued_timer(const struct event_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->events[i]->class == EVENT_CLASS_TIMER) {
            return queue->events[i];
        }
    }
    return NULL;
}

/* Ends the client where it stands; the wire goes on. */
static void end_client(struct virtual_world *vw)
{
    scheduler_abandon(vw->process->scheduler);
    virtual_wire_forget_client(vw);
    for (struct event *timer = queued_timer(&vw->queue); timer != NULL; timer = queued_timer(&vw->queue)) {
        event_queue_remove(&vw->queue, timer);
        recycle_timer(vw, timer->owner);
    }
    memset(vw->locks, 0, sizeof vw->locks);
    vw->main_task = NULL;
    vw->main_done = (struct completion){0};
}

void virtual_world_free(struct virtual_world *vw)
{
    if (vw == NULL) {
        return;
    }
    end_client(vw);
    virtual_wire_release(vw);
    while (vw->free_timers != NULL) {
        struct timer_event *next = vw->free_timers->next_free;
        heap_release(vw->heap, vw->free_timers);
        vw->free_timers = next;
    }
    event_queue_release(&vw->queue);
    heap_release(vw->heap, vw);
}

struct world *virtual_world_door(struct virtual_world *vw)
{
    return &vw->world;
}

bool virtual_world_start(struct virtual_world *vw, task_function *run, void *argument)
{
    vw->main_done = (struct completion){0};
    vw->main_task = task_start(vw->process->scheduler, run, argument, &vw->main_done);
    return vw->main_task != NULL;
}

static void kill_client(struct virtual_world *vw)
{
    struct buffer data;
    char storage[64];
    buffer_init_fixed(&data, storage, sizeof storage);
    buffer_printf(&data, "{\"event_index\":%llu}", (unsigned long long)vw->steps);
    add_note(&vw->world, "client.kill", (struct span){"", 0}, (struct span){data.data, data.length});
    end_client(vw);
    struct random_address address = {vw->options.run, RANDOM_DISK, vw->life, (uint32_t)vw->steps};
    memory_store_crash(vw->options.store, random_bits(vw->options.seed, address));
    heap_drop(vw->process->heap);
    vw->life++;
}

static void signal_comes(void *owner)
{
    struct virtual_world *vw = owner;
    if (vw->main_task != NULL && !vw->main_done.finished) {
        vw->world.interrupted_by = vw->signal_status;
        task_cancel(vw->main_task);
    }
}

bool virtual_world_interrupt_at(struct virtual_world *vw, int64_t moment_ns, enum exit_status signal_status)
{
    vw->signal_status = signal_status;
    vw->signal = (struct event){.due_ns = moment_ns, .class = EVENT_CLASS_SIGNAL, .happen = signal_comes, .owner = vw};
    return event_queue_add(&vw->queue, &vw->signal);
}

void virtual_world_interrupt_at_step(struct virtual_world *vw, uint64_t step, enum exit_status signal_status)
{
    vw->signal_status = signal_status;
    vw->signal_step = step;
}

/* Lets the next thing happen. False when nothing will happen for the sake of which anybody would wait. */
static bool step(struct virtual_world *vw, uint64_t kill_at, bool *killed)
{
    struct event *event = event_queue_next(&vw->queue);
    int64_t change_ns = cloud_next_change_ns(vw->options.cloud);
    bool client_lives = scheduler_task_count(vw->process->scheduler) > 0;
    if (event == NULL) {
        return false; /* the cloud's own changes matter to nobody when nothing is under way */
    }
    vw->steps++;
    if (vw->steps == kill_at && client_lives) {
        *killed = true;
        kill_client(vw);
        return true;
    }
    if (vw->steps == vw->signal_step) {
        signal_comes(vw);
    }
    if (change_ns <= event->due_ns) {
        vw->now_ns = change_ns > vw->now_ns ? change_ns : vw->now_ns;
        cloud_advance(vw->options.cloud, vw->now_ns);
        return true;
    }
    event_queue_remove(&vw->queue, event);
    vw->now_ns = event->due_ns > vw->now_ns ? event->due_ns : vw->now_ns;
    event->happen(event->owner);
    return true;
}

enum run_end virtual_world_run(struct virtual_world *vw, uint64_t kill_at)
{
    bool killed = false;
    do {
        scheduler_run(vw->process->scheduler);
        if (vw->main_done.finished) {
            event_queue_remove(&vw->queue, &vw->signal);
        }
    } while (step(vw, kill_at, &killed) && !killed);
    if (killed) {
        return RUN_KILLED;
    }
    return scheduler_task_count(vw->process->scheduler) == 0 ? RUN_FINISHED : RUN_STUCK;
}

uint64_t virtual_world_steps(const struct virtual_world *vw)
{
    return vw->steps;
}

int64_t virtual_world_now_ns(const struct virtual_world *vw)
{
    return vw->now_ns;
}
