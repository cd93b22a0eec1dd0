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

void virtual_queue(struct virtual_world *virtual_world, struct event *event)
{
    bool queued = event_queue_add(&virtual_world->queue, event);
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

static int64_t wall_clock(void *context)
{
    struct virtual_world *virtual_world = context;
    return wall_now(&virtual_world->world).unix_ns;
}

static int64_t process_now_ns(void *context)
{
    struct virtual_process *process = context;
    return process->world->now_ns;
}

static void recycle_timer(struct virtual_world *virtual_world, struct timer_event *timer_event)
{
    timer_event->next_free = virtual_world->free_timers;
    virtual_world->free_timers = timer_event;
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
    struct virtual_world *virtual_world = ((struct virtual_process *)context)->world;
    struct timer_event *timer_event = virtual_world->free_timers;
    if (timer_event != NULL) {
        virtual_world->free_timers = timer_event->next_free;
    } else {
        timer_event = virtual_must(heap_alloc(virtual_world->heap, sizeof *timer_event));
        timer_event->world = virtual_world;
    }
    timer_event->timer = timer;
    timer_event->event = (struct event){
        .due_ns = timer->due_ns, .class = EVENT_CLASS_TIMER, .happen = timer_happens, .owner = timer_event};
    virtual_queue(virtual_world, &timer_event->event);
    timer->place = (size_t)(uintptr_t)timer_event;
    timer->armed = true;
}

static void disarm_timer(void *context, struct timer *timer)
{
    struct virtual_world *virtual_world = ((struct virtual_process *)context)->world;
    struct timer_event *timer_event = (struct timer_event *)(uintptr_t)timer->place;
    event_queue_remove(&virtual_world->queue, &timer_event->event);
    recycle_timer(virtual_world, timer_event);
    timer->armed = false;
}

/* ---- State, history, random --------------------------------------------------------------------------------------------- */

static bool lock_name(struct world *world, const char *name)
{
    struct virtual_world *virtual_world = virtual_of(world);
    char(*free_slot)[LOCK_NAME_SIZE] = NULL;
    for (size_t i = 0; i < LOCKS_MAX; i++) {
        if (strcmp(virtual_world->locks[i], name) == 0) {
            return true; /* one living process at a time: the lock is its own */
        }
        if (virtual_world->locks[i][0] == '\0') {
            free_slot = &virtual_world->locks[i];
        }
    }
    return free_slot != NULL && text_copy(*free_slot, LOCK_NAME_SIZE, name);
}

static void unlock_name(struct world *world, const char *name)
{
    struct virtual_world *virtual_world = virtual_of(world);
    for (size_t i = 0; i < LOCKS_MAX; i++) {
        if (strcmp(virtual_world->locks[i], name) == 0) {
            virtual_world->locks[i][0] = '\0';
        }
    }
}

static void add_note(struct world *world, const char *kind, struct span ids, struct span data)
{
    struct virtual_world *virtual_world = virtual_of(world);
    history_add(virtual_world->options.history, virtual_world->now_ns, HISTORY_CLIENT, "dumont", kind, ids, data);
}

static void hide(struct world *world, const char *secret)
{
    (void)history_hide(virtual_of(world)->options.history, secret);
}

/* The person is there, looks on in silence, and answers at once. */
static void tell(struct world *world, const char *text)
{
    (void)world;
    (void)text;
}

static void ask_start(struct world *world, struct question *question)
{
    question->yes = !virtual_of(world)->options.declines;
    completion_finish(&question->done);
}

static void ask_abandon(struct world *world, struct question *question)
{
    (void)world;
    (void)question;
}

/* A new life draws anew, or it would use the labels of the former one again. */
static uint64_t random_bits_of(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index)
{
    struct virtual_world *virtual_world = virtual_of(world);
    struct random_address address = {virtual_world->options.run, (uint32_t)purpose | virtual_world->life << LIVES_SHIFT,
                                     entity, index};
    return random_bits(virtual_world->options.seed, address);
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
    .shell_forget = virtual_shell_forget,
    .store_start = virtual_store_start,
    .store_abandon = virtual_store_abandon,
    .files = &virtual_file_operations,
    .lock = lock_name,
    .unlock = unlock_name,
    .note = add_note,
    .hide = hide,
    .tell = tell,
    .ask_start = ask_start,
    .ask_abandon = ask_abandon,
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
    struct virtual_world *virtual_world = heap_alloc(heap, sizeof *virtual_world);
    if (virtual_world == NULL) {
        return NULL;
    }
    virtual_world->world = (struct world){
        .operations = &operations,
        .heap = process->heap,
        .scheduler = process->scheduler,
        .description = options->description,
    };
    virtual_world->options = *options;
    virtual_world->heap = heap;
    virtual_world->process = process;
    process->world = virtual_world;
    event_queue_init(&virtual_world->queue, heap);
    disk_init(&virtual_world->disk, heap, options->disk_bytes == 0 ? DISK_BYTES_USUAL : options->disk_bytes, wall_clock,
              virtual_world);
    return virtual_world;
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
static void end_client(struct virtual_world *virtual_world)
{
    scheduler_abandon(virtual_world->process->scheduler);
    virtual_wire_forget_client(virtual_world);
    for (struct event *timer = queued_timer(&virtual_world->queue); timer != NULL;
         timer = queued_timer(&virtual_world->queue)) {
        event_queue_remove(&virtual_world->queue, timer);
        recycle_timer(virtual_world, timer->owner);
    }
    memset(virtual_world->locks, 0, sizeof virtual_world->locks);
    virtual_world->main_task = NULL;
    virtual_world->main_done = (struct completion){0};
}

void virtual_world_free(struct virtual_world *virtual_world)
{
    if (virtual_world == NULL) {
        return;
    }
    end_client(virtual_world);
    virtual_wire_release(virtual_world);
    while (virtual_world->free_timers != NULL) {
        struct timer_event *next = virtual_world->free_timers->next_free;
        heap_release(virtual_world->heap, virtual_world->free_timers);
        virtual_world->free_timers = next;
    }
    event_queue_release(&virtual_world->queue);
    disk_release(&virtual_world->disk);
    heap_release(virtual_world->heap, virtual_world);
}

struct disk *virtual_world_disk(struct virtual_world *virtual_world)
{
    return &virtual_world->disk;
}

struct world *virtual_world_door(struct virtual_world *virtual_world)
{
    return &virtual_world->world;
}

bool virtual_world_start(struct virtual_world *virtual_world, task_function *run, void *argument)
{
    virtual_world->main_done = (struct completion){0};
    virtual_world->main_task = task_start(virtual_world->process->scheduler, run, argument, &virtual_world->main_done);
    return virtual_world->main_task != NULL;
}

static void kill_client(struct virtual_world *virtual_world)
{
    struct buffer data;
    char storage[64];
    buffer_init_fixed(&data, storage, sizeof storage);
    buffer_printf(&data, "{\"event_index\":%llu}", (unsigned long long)virtual_world->steps);
    add_note(&virtual_world->world, "client.kill", (struct span){"", 0}, (struct span){data.data, data.length});
    end_client(virtual_world);
    struct random_address address = {virtual_world->options.run, RANDOM_DISK, virtual_world->life,
                                     (uint32_t)virtual_world->steps};
    memory_store_crash(virtual_world->options.store, random_bits(virtual_world->options.seed, address));
    address.index |= FILES_OF_CRASH;
    disk_crash(&virtual_world->disk, random_bits(virtual_world->options.seed, address),
               virtual_world->options.machine_survives);
    heap_drop(virtual_world->process->heap);
    virtual_world->life++;
}

static void signal_comes(void *owner)
{
    struct virtual_world *virtual_world = owner;
    if (virtual_world->main_task != NULL && !virtual_world->main_done.finished) {
        virtual_world->world.interrupted_by = virtual_world->signal_status;
        task_cancel(virtual_world->main_task);
    }
}

bool virtual_world_interrupt_at(struct virtual_world *virtual_world, int64_t moment_ns, enum exit_status signal_status)
{
    virtual_world->signal_status = signal_status;
    virtual_world->signal = (struct event){
        .due_ns = moment_ns, .class = EVENT_CLASS_SIGNAL, .happen = signal_comes, .owner = virtual_world};
    return event_queue_add(&virtual_world->queue, &virtual_world->signal);
}

void virtual_world_interrupt_at_step(struct virtual_world *virtual_world, uint64_t step, enum exit_status signal_status)
{
    virtual_world->signal_status = signal_status;
    virtual_world->signal_step = step;
}

/* Lets the next thing happen. False when nothing will happen for the sake of which anybody would wait. */
static bool step(struct virtual_world *virtual_world, uint64_t kill_at, bool *killed)
{
    struct event *event = event_queue_next(&virtual_world->queue);
    int64_t change_ns = cloud_next_change_ns(virtual_world->options.cloud);
    bool client_lives = scheduler_task_count(virtual_world->process->scheduler) > 0;
    if (event == NULL) {
        return false; /* the cloud's own changes matter to nobody when nothing is under way */
    }
    virtual_world->steps++;
    if (virtual_world->steps == kill_at && client_lives) {
        *killed = true;
        kill_client(virtual_world);
        return true;
    }
    if (virtual_world->steps == virtual_world->signal_step) {
        signal_comes(virtual_world);
    }
    if (change_ns <= event->due_ns) {
        virtual_world->now_ns = change_ns > virtual_world->now_ns ? change_ns : virtual_world->now_ns;
        cloud_advance(virtual_world->options.cloud, virtual_world->now_ns);
        return true;
    }
    event_queue_remove(&virtual_world->queue, event);
    virtual_world->now_ns = event->due_ns > virtual_world->now_ns ? event->due_ns : virtual_world->now_ns;
    event->happen(event->owner);
    return true;
}

enum run_end virtual_world_run(struct virtual_world *virtual_world, uint64_t kill_at)
{
    bool killed = false;
    do {
        scheduler_run(virtual_world->process->scheduler);
        if (virtual_world->main_done.finished) {
            event_queue_remove(&virtual_world->queue, &virtual_world->signal);
        }
    } while (step(virtual_world, kill_at, &killed) && !killed);
    if (killed) {
        return RUN_KILLED;
    }
    return scheduler_task_count(virtual_world->process->scheduler) == 0 ? RUN_FINISHED : RUN_STUCK;
}

uint64_t virtual_world_steps(const struct virtual_world *virtual_world)
{
    return virtual_world->steps;
}

int64_t virtual_world_now_ns(const struct virtual_world *virtual_world)
{
    return virtual_world->now_ns;
}
