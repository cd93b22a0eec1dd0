#include "world/live/live_world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/files.h"
#include "world/live/live_sides.h"

/* A task's timer in the reactor. */
struct live_timer {
    struct reactor_timer timer;
    struct timer *of;
    struct live_world *live;
    struct live_timer *next_free;
};

struct live_world *live_of(struct world *world)
{
    return (struct live_world *)world;
}

/* ---- Chores ------------------------------------------------------------------------------------------------------------- */

void live_call_soon(struct live_world *live, struct live_chore *chore, void (*run)(void *owner), void *owner)
{
    if (chore->queued) {
        return;
    }
    *chore = (struct live_chore){&live->chores, live->chores.previous, true, run, owner};
    chore->previous->next = chore;
    live->chores.previous = chore;
}

void live_call_off(struct live_chore *chore)
{
    if (chore->queued) {
        chore->previous->next = chore->next;
        chore->next->previous = chore->previous;
        chore->queued = false;
    }
}

/* Tasks ask for chores, and chores make tasks ready, until both have nothing more to do. */
static void run_all_that_is_ready(struct live_world *live)
{
    scheduler_run(live->world.scheduler);
    while (live->chores.next != &live->chores) {
        struct live_chore *chore = live->chores.next;
        live_call_off(chore);
        chore->run(chore->owner);
        scheduler_run(live->world.scheduler);
    }
}

/* ---- Time --------------------------------------------------------------------------------------------------------------- */

static int64_t now_ns(struct world *world)
{
    return clock_page_now_ns(live_of(world)->clock);
}

static struct wall_time wall_now(struct world *world)
{
    return clock_page_wall_now(live_of(world)->clock);
}

static struct wall_time real_wall_now(struct world *world)
{
    (void)world;
    return system_wall_now();
}

static int64_t timers_now_ns(void *context)
{
    return now_ns(context);
}

static void recycle_timer(struct live_timer *live_timer)
{
    live_timer->next_free = live_timer->live->free_timers;
    live_timer->live->free_timers = live_timer;
}

static void timer_happens(void *owner)
{
    struct live_timer *live_timer = owner;
    struct timer *timer = live_timer->of;
    recycle_timer(live_timer);
    timer_fire(timer);
}

static struct live_timer *take_timer(struct live_world *live)
{
    struct live_timer *live_timer = live->free_timers;
    if (live_timer != NULL) {
        live->free_timers = live_timer->next_free;
        return live_timer;
    }
    live_timer = heap_alloc(live->heap, sizeof *live_timer);
    if (live_timer != NULL) {
        live_timer->live = live;
    }
    return live_timer;
}

/* Without memory for a timer no wait can be bounded: the wait ends at once instead of never. */
static void arm_timer(void *context, struct timer *timer)
{
    struct live_world *live = context;
    struct live_timer *live_timer = take_timer(live);
    if (live_timer == NULL) {
        timer_fire(timer);
        return;
    }
    live_timer->of = timer;
    if (!reactor_arm(live->reactor, &live_timer->timer, REACTOR_STAGE, timer->due_ns, timer_happens, live_timer)) {
        recycle_timer(live_timer);
        timer_fire(timer);
        return;
    }
    timer->place = (size_t)(uintptr_t)live_timer;
    timer->armed = true;
}

static void disarm_timer(void *context, struct timer *timer)
{
    struct live_world *live = context;
    struct live_timer *live_timer = (struct live_timer *)(uintptr_t)timer->place;
    reactor_disarm(live->reactor, &live_timer->timer);
    recycle_timer(live_timer);
    timer->armed = false;
}

/* ---- History, random ---------------------------------------------------------------------------------------------------- */

void live_say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    size_t length = strlen(line);
    line[length] = '\n';
    /* A terminal that is gone must not stop anything. */
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written;
}

/* Appends whole lines only, so that a full disk leaves a history that can be read. */
static void append_to_file(struct live_world *live, struct span line)
{
    struct stat before;
    bool is_file = fstat(live->history_descriptor, &before) == 0 && S_ISREG(before.st_mode);
    ssize_t written;
    do {
        written = write(live->history_descriptor, line.at, line.length);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)line.length) {
        return;
    }
    int reason = written < 0 ? errno : ENOSPC;
    if (written > 0 && is_file && ftruncate(live->history_descriptor, before.st_size) != 0) {
        reason = errno;
    }
    live->history_cut = true;
    live_say("dumont: %s: cannot write: %s; the history ends there, the run goes on", live->options.history_path,
             strerror(reason));
}

static void add_note(struct world *world, const char *kind, struct span ids, struct span data)
{
    struct live_world *live = live_of(world);
    struct history *history = live->options.history;
    size_t before = history->text.length;
    history_add(history, now_ns(world), HISTORY_CLIENT, "dumont", kind, ids, data);
    struct span line = {buffer_text(&history->text) + before, history->text.length - before};
    if (line.length == 0) {
        return;
    }
    if (live->history_descriptor >= 0 && !live->history_cut) {
        append_to_file(live, line);
    }
    if (live->options.noted != NULL) {
        struct history_cursor cursor;
        struct history_event event;
        struct error ignored;
        history_cursor_init(&cursor, line);
        if (history_next(&cursor, &event, &ignored)) {
            live->options.noted(live->options.noted_context, &event);
        }
    }
}

static void hide(struct world *world, const char *secret)
{
    (void)history_hide(live_of(world)->options.history, secret);
}

static uint64_t random_bits_of(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index)
{
    return random_bits(live_of(world)->seed, (struct random_address){0, (uint32_t)purpose, entity, index});
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------ */

static const struct world_operations operations = {
    .now_ns = now_ns,
    .wall_now = wall_now,
    .real_wall_now = real_wall_now,
    .random_bits = random_bits_of,
    .http_start = live_http_start,
    .http_abandon = live_http_abandon,
    .shell_open = live_shell_open,
    .shell_run = live_shell_run,
    .shell_abandon = live_shell_abandon,
    .shell_close = live_shell_close,
    .shell_forget = live_shell_forget,
    .store_start = live_store_start,
    .store_abandon = live_store_abandon,
    .files = &live_file_operations,
    .lock = live_lock,
    .unlock = live_unlock,
    .note = add_note,
    .hide = hide,
    .tell = live_tell,
    .ask_start = live_ask_start,
    .ask_abandon = live_ask_abandon,
};

static enum error_code no_memory(struct error *error)
{
    return error_set(error, ERR_NO_MEMORY, "no memory for the connections to the outside");
}

static enum error_code open_clock(struct live_world *live, struct error *error)
{
    if (live->options.clock_page_path != NULL) {
        return clock_page_open(live->heap, live->options.clock_page_path, &live->clock, error);
    }
    live->clock = clock_page_real(live->heap);
    return live->clock == NULL ? no_memory(error) : ERR_OK;
}

static enum error_code open_loop(struct live_world *live, struct error *error)
{
    live->chores.next = &live->chores;
    live->chores.previous = &live->chores;
    live->reactor = reactor_new(live->heap, live->clock);
    live->world.heap = heap_new();
    struct timer_source timers = {timers_now_ns, arm_timer, disarm_timer, live};
    live->world.scheduler = live->world.heap == NULL ? NULL : scheduler_new(live->world.heap, timers);
    return live->reactor == NULL || live->world.scheduler == NULL ? no_memory(error) : ERR_OK;
}

static enum error_code choose_seed(struct live_world *live, struct error *error)
{
    live->seed = live->options.seed;
    if (live->options.has_seed || getrandom(&live->seed, sizeof live->seed, 0) == (ssize_t)sizeof live->seed) {
        return ERR_OK;
    }
    return error_set(error, ERR_NOT_AVAILABLE, "the system gives no random numbers: %s", strerror(errno));
}

static enum error_code open_history_file(struct live_world *live, struct error *error)
{
    const char *path = live->options.history_path;
    if (path == NULL) {
        return ERR_OK;
    }
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    live->history_descriptor = open(path, flags, (mode_t)FILE_PUBLIC);
    if (live->history_descriptor < 0) {
        return error_set(error, ERR_CANNOT_WRITE, "cannot write the history %s: %s", path, strerror(errno));
    }
    return ERR_OK;
}

typedef enum error_code open_side_function(struct live_world *live, struct error *error);

static enum error_code open_all(struct live_world *live, struct error *error)
{
    /* Signals come last: until then they end the program as they always do, and nothing has begun. */
    static open_side_function *const sides[] = {
        open_clock,       open_loop,       choose_seed,     open_history_file, live_http_open,
        live_shell_begin, live_store_open, live_locks_open, live_signals_open,
    };
    enum error_code code = folder_make(live->options.state_folder, FOLDER_SECRET, error);
    for (size_t i = 0; i < ARRAY_LENGTH(sides) && code == ERR_OK; i++) {
        code = sides[i](live, error);
    }
    return code;
}

/* The world is what its options say; a rehearsal's clock page knows what is rehearsed, and with which seed. */
static void describe(struct live_world *live)
{
    struct world_description *description = &live->world.description;
    const struct clock_stage *stage = clock_page_stage(live->clock);
    description->seed = live->seed;
    description->speed_milli = clock_page_speed_milli(live->clock);
    if (stage != NULL) {
        description->rehearsal = true;
        description->scenario = stage->scenario;
        description->timing = stage->timing;
        description->boot_from = stage->boot_from;
        description->ssh_from = stage->ssh_from;
        description->seed = stage->seed;
    }
}

enum error_code live_world_open(const struct live_world_options *options, struct live_world **out, struct error *error)
{
    struct heap *heap = heap_new();
    struct live_world *live = heap == NULL ? NULL : heap_alloc(heap, sizeof *live);
    if (live == NULL) {
        heap_free(heap);
        return no_memory(error);
    }
    live->heap = heap;
    live->options = *options;
    live->history_descriptor = -1;
    live->world.operations = &operations;
    live->world.description = options->description;
    enum error_code code = open_all(live, error);
    if (code != ERR_OK) {
        live_world_close(live);
        return code;
    }
    describe(live);
    *out = live;
    return ERR_OK;
}

void live_world_close(struct live_world *live)
{
    if (live == NULL) {
        return;
    }
    scheduler_free(live->world.scheduler);
    while (live->free_timers != NULL) {
        struct live_timer *next = live->free_timers->next_free;
        heap_release(live->heap, live->free_timers);
        live->free_timers = next;
    }
    live_signals_close(live);
    live_locks_close(live);
    live_store_close(live);
    live_shell_end(live);
    live_http_close(live);
    heap_free(live->world.heap);
    if (live->history_descriptor >= 0) {
        (void)close(live->history_descriptor);
    }
    reactor_free(live->reactor);
    clock_page_close(live->clock);
    heap_free(live->heap);
}

struct world *live_world_door(struct live_world *live)
{
    return &live->world;
}

size_t live_world_blocks(const struct live_world *live)
{
    return heap_live_blocks(live->heap);
}

bool live_world_history_cut(const struct live_world *live)
{
    return live->history_cut;
}

enum exit_status live_world_run(struct live_world *live, task_function *run, void *argument)
{
    live->main_done = (struct completion){0};
    live->main_task = task_start(live->world.scheduler, run, argument, &live->main_done);
    if (live->main_task == NULL) {
        return EXIT_ENVIRONMENT;
    }
    run_all_that_is_ready(live);
    while (live->cut == EXIT_DONE && scheduler_task_count(live->world.scheduler) > 0) {
        reactor_turn(live->reactor, true);
        if (live->cut == EXIT_DONE) {
            run_all_that_is_ready(live);
        }
    }
    return live->cut;
}
