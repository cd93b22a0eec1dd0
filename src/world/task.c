/* glibc's fortified siglongjmp() takes a jump to another stack for a mistake and aborts. */
#undef _FORTIFY_SOURCE

#include "world/task.h"

#include <assert.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define TASK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TASK_ASAN 1
#endif
#endif
#ifdef TASK_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* The guard is a multiple of every page size in use, and wider than any frame that could step over it. */
enum { STACK_SIZE = 256 * 1024, GUARD_SIZE = 64 * 1024 };

struct task {
    struct scheduler *scheduler;
    struct task *next; /* ready queue, or free list */
    struct task *next_live;
    struct task *previous_live;
    task_function *run;
    void *argument;
    struct completion *finished;
    struct completion *awaited;
    struct timer timer;
    sigjmp_buf jump;
    ucontext_t context;
    char *stack; /* lowest usable byte; a guard page lies below */
    void *fake_stack;
    unsigned valgrind_id;
    int64_t latest_ns; /* no wait ends later: of the shield or limit, INT64_MAX without one */
    bool entered;
    bool queued;
    bool waiting;
    bool cancelled;
    bool shielded;
};

struct scheduler {
    struct heap *heap;
    struct timer_source timers;
    struct task *ready_first;
    struct task *ready_last;
    struct task *live;
    struct task *free_tasks;
    struct task *current;
    size_t count;
    sigjmp_buf loop_jump;
    void *loop_fake_stack;
    const void *loop_stack;
    size_t loop_stack_size;
};

struct scheduler *scheduler_new(struct heap *heap, struct timer_source timers)
{
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    if (scheduler != NULL) {
        scheduler->heap = heap;
        scheduler->timers = timers;
    }
    return scheduler;
}

static struct task *task_allocate(void)
{
    struct task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        return NULL;
    }
    char *mapping = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED) {
        free(task);
        return NULL;
    }
    task->stack = mapping + GUARD_SIZE;
    if (mprotect(task->stack, STACK_SIZE, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(mapping, GUARD_SIZE + STACK_SIZE);
        free(task);
        return NULL;
    }
#ifdef VALGRIND_STACK_REGISTER
    task->valgrind_id = VALGRIND_STACK_REGISTER(task->stack, task->stack + STACK_SIZE);
#endif
    return task;
}

static void task_deallocate(struct task *task)
{
#ifdef VALGRIND_STACK_DEREGISTER
    VALGRIND_STACK_DEREGISTER(task->valgrind_id);
#endif
    (void)munmap(task->stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE);
    free(task);
}

void scheduler_free(struct scheduler *scheduler)
{
    if (scheduler == NULL) {
        return;
    }
    scheduler_abandon(scheduler);
    while (scheduler->free_tasks != NULL) {
        struct task *next = scheduler->free_tasks->next;
        task_deallocate(scheduler->free_tasks);
        scheduler->free_tasks = next;
    }
    free(scheduler);
}

/* The three steps that AddressSanitizer must be told of: leaving a stack, arriving on one, and reusing one. */

static void announce_switch(void **fake_stack, const void *stack, size_t size)
{
#ifdef TASK_ASAN
    __sanitizer_start_switch_fiber(fake_stack, stack, size);
#else
    (void)fake_stack;
    (void)stack;
    (void)size;
#endif
}

static void finish_switch(void *fake_stack)
{
#ifdef TASK_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#else
    (void)fake_stack;
#endif
}

/* On a task's stack for the first time: where the loop's stack lies is learnt, for the way back. */
static void finish_first_switch(struct scheduler *scheduler)
{
#ifdef TASK_ASAN
    __sanitizer_finish_switch_fiber(NULL, &scheduler->loop_stack, &scheduler->loop_stack_size);
#else
    (void)scheduler;
#endif
}

static void forget_stack_contents(struct task *task)
{
#ifdef TASK_ASAN
    __asan_unpoison_memory_region(task->stack, STACK_SIZE);
#else
    (void)task;
#endif
}

static void live_add(struct scheduler *scheduler, struct task *task)
{
    task->next_live = scheduler->live;
    task->previous_live = NULL;
    if (scheduler->live != NULL) {
        scheduler->live->previous_live = task;
    }
    scheduler->live = task;
    scheduler->count++;
}

static void live_remove(struct scheduler *scheduler, struct task *task)
{
    if (task->previous_live != NULL) {
        task->previous_live->next_live = task->next_live;
    } else {
        scheduler->live = task->next_live;
    }
    if (task->next_live != NULL) {
        task->next_live->previous_live = task->previous_live;
    }
    scheduler->count--;
}

static void recycle(struct scheduler *scheduler, struct task *task)
{
    live_remove(scheduler, task);
    task->next = scheduler->free_tasks;
    scheduler->free_tasks = task;
}

static void make_ready(struct task *task)
{
    struct scheduler *scheduler = task->scheduler;
    if (task->queued) {
        return;
    }
    task->queued = true;
    task->next = NULL;
    if (scheduler->ready_last != NULL) {
        scheduler->ready_last->next = task;
    } else {
        scheduler->ready_first = task;
    }
    scheduler->ready_last = task;
}

/* Leaves the current task for the loop; returns when the task is entered again. */
static void leave_task(struct task *task)
{
    struct scheduler *scheduler = task->scheduler;
    announce_switch(&task->fake_stack, scheduler->loop_stack, scheduler->loop_stack_size);
    if (sigsetjmp(task->jump, 0) == 0) {
        siglongjmp(scheduler->loop_jump, 1);
    }
    finish_switch(task->fake_stack);
}

/* makecontext() passes ints only: the pointer travels in two halves. */
static void task_main(unsigned high, unsigned low)
{
    struct task *task = (struct task *)((uintptr_t)high << 32 | (uintptr_t)low);
    struct scheduler *scheduler = task->scheduler;
    finish_first_switch(scheduler);
    task->run(task->argument);
    if (task->finished != NULL) {
        completion_finish(task->finished);
    }
    recycle(scheduler, task);
    announce_switch(NULL, scheduler->loop_stack, scheduler->loop_stack_size);
    siglongjmp(scheduler->loop_jump, 1);
}

static void enter_task(struct scheduler *scheduler, struct task *task)
{
    scheduler->current = task;
    if (sigsetjmp(scheduler->loop_jump, 0) == 0) {
        announce_switch(&scheduler->loop_fake_stack, task->stack, STACK_SIZE);
        if (task->entered) {
            siglongjmp(task->jump, 1);
        }
        task->entered = true;
        (void)setcontext(&task->context);
    }
    finish_switch(scheduler->loop_fake_stack);
    scheduler->current = NULL;
}

void scheduler_run(struct scheduler *scheduler)
{
    while (scheduler->ready_first != NULL) {
        struct task *task = scheduler->ready_first;
        scheduler->ready_first = task->next;
        if (scheduler->ready_first == NULL) {
            scheduler->ready_last = NULL;
        }
        task->queued = false;
        enter_task(scheduler, task);
    }
}

void scheduler_abandon(struct scheduler *scheduler)
{
    assert(scheduler->current == NULL);
    while (scheduler->live != NULL) {
        recycle(scheduler, scheduler->live);
    }
    scheduler->ready_first = NULL;
    scheduler->ready_last = NULL;
}

size_t scheduler_task_count(const struct scheduler *scheduler)
{
    return scheduler->count;
}

/* On its own, since getcontext() returns twice and locals around it could be lost. */
static __attribute__((noinline)) void prepare_context(struct task *task)
{
    (void)getcontext(&task->context);
    task->context.uc_stack.ss_sp = task->stack;
    task->context.uc_stack.ss_size = STACK_SIZE;
    task->context.uc_link = NULL;
    uintptr_t address = (uintptr_t)task;
    makecontext(&task->context, (void (*)(void))task_main, 2, (unsigned)(address >> 32), (unsigned)address);
}

struct task *task_start(struct scheduler *scheduler, task_function *run, void *argument, struct completion *finished)
{
    if (heap_refuses(scheduler->heap)) {
        return NULL;
    }
    struct task *task = scheduler->free_tasks;
    if (task != NULL) {
        scheduler->free_tasks = task->next;
    } else {
        task = task_allocate();
    }
    if (task == NULL) {
        return NULL;
    }
    char *stack = task->stack;
    unsigned valgrind_id = task->valgrind_id;
    memset(task, 0, sizeof *task);
    task->stack = stack;
    task->valgrind_id = valgrind_id;
    task->scheduler = scheduler;
    task->run = run;
    task->argument = argument;
    task->finished = finished;
    task->timer.task = task;
    task->latest_ns = INT64_MAX;
    forget_stack_contents(task);
    prepare_context(task);
    live_add(scheduler, task);
    make_ready(task);
    return task;
}

void task_cancel(struct task *task)
{
    task->cancelled = true;
    if (task->waiting && !task->shielded) {
        make_ready(task);
    }
}

bool task_is_cancelled(const struct scheduler *scheduler)
{
    assert(scheduler->current != NULL);
    return scheduler->current->cancelled && !scheduler->current->shielded;
}

void completion_finish(struct completion *completion)
{
    completion->finished = true;
    if (completion->waiter != NULL) {
        make_ready(completion->waiter);
    }
}

void timer_fire(struct timer *timer)
{
    timer->armed = false;
    make_ready(timer->task);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t task_deadline_ns(const struct scheduler *scheduler, int64_t deadline_ns)
{
    const struct task *task = scheduler->current;
    assert(task != NULL);
    return earlier(deadline_ns, task->latest_ns);
}

/* Parks the current task until one of the three ends is there. */
static void park(struct scheduler *scheduler, struct task *task, struct completion *completion, int64_t deadline_ns)
{
    const struct timer_source *timers = &scheduler->timers;
    task->waiting = true;
    task->timer.due_ns = deadline_ns;
    timers->arm(timers->context, &task->timer);
    if (completion != NULL) {
        assert(completion->waiter == NULL);
        completion->waiter = task;
    }
    leave_task(task);
    if (completion != NULL) {
        completion->waiter = NULL;
    }
    if (task->timer.armed) {
        timers->disarm(timers->context, &task->timer);
    }
    task->waiting = false;
}

enum wait_end task_wait(struct scheduler *scheduler, struct completion *completion, int64_t deadline_ns)
{
    struct task *task = scheduler->current;
    assert(task != NULL && deadline_ns < INT64_MAX);
    deadline_ns = task_deadline_ns(scheduler, deadline_ns);
    bool finished = completion != NULL && completion->finished;
    if (!finished && !task_is_cancelled(scheduler) &&
        deadline_ns > scheduler->timers.now_ns(scheduler->timers.context)) {
        park(scheduler, task, completion, deadline_ns);
    }
    if (completion != NULL && completion->finished) {
        return WAIT_FINISHED;
    }
    return task_is_cancelled(scheduler) ? WAIT_CANCELLED : WAIT_DEADLINE;
}

struct shield task_limit_begin(struct scheduler *scheduler, int64_t deadline_ns)
{
    struct task *task = scheduler->current;
    assert(task != NULL);
    struct shield outer = {task->shielded, task->latest_ns};
    task->latest_ns = earlier(task->latest_ns, deadline_ns);
    return outer;
}

void task_limit_lower(struct scheduler *scheduler, int64_t deadline_ns)
{
    struct task *task = scheduler->current;
    assert(task != NULL);
    task->latest_ns = earlier(task->latest_ns, deadline_ns);
}

struct shield task_shield_begin(struct scheduler *scheduler, int64_t deadline_ns)
{
    struct task *task = scheduler->current;
    assert(task != NULL);
    struct shield outer = task_limit_begin(scheduler, deadline_ns);
    task->shielded = true;
    return outer;
}

void task_shield_end(struct scheduler *scheduler, struct shield shield)
{
    struct task *task = scheduler->current;
    task->shielded = shield.outer_shielded;
    task->latest_ns = shield.outer_deadline_ns;
}
