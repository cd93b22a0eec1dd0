#include "reactor/reactor.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCH = 256, CLOCK_COUNT = 2 };

/* How soon a change that somebody else makes to a shared clock is seen. */
static const int64_t recheck_ns = 5 * NS_PER_MS;

struct reactor {
    struct heap *heap;
    const struct clock_page *clock;
    int epoll;
    int alarm; /* a timerfd, for waits more exact than milliseconds */
    int64_t alarm_monotonic_ns;
    struct event_queue timers[CLOCK_COUNT];
    struct epoll_event batch[BATCH]; /* of the turn under way */
    int batch_count;
};

struct reactor *reactor_new(struct heap *heap, const struct clock_page *clock)
{
    struct reactor *reactor = heap_alloc(heap, sizeof *reactor);
    if (reactor == NULL) {
        return NULL;
    }
    reactor->heap = heap;
    reactor->clock = clock;
    reactor->alarm_monotonic_ns = TIME_NEVER_NS;
    event_queue_init(&reactor->timers[REACTOR_STAGE], heap);
    event_queue_init(&reactor->timers[REACTOR_REAL], heap);
    reactor->epoll = epoll_create1(EPOLL_CLOEXEC);
    reactor->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event alarm = {.events = EPOLLIN, .data.ptr = NULL};
    if (reactor->epoll < 0 || reactor->alarm < 0 ||
        epoll_ctl(reactor->epoll, EPOLL_CTL_ADD, reactor->alarm, &alarm) != 0) {
        reactor_free(reactor);
        return NULL;
    }
    return reactor;
}

void reactor_free(struct reactor *reactor)
{
    if (reactor == NULL) {
        return;
    }
    if (reactor->alarm >= 0) {
        (void)close(reactor->alarm);
    }
    if (reactor->epoll >= 0) {
        (void)close(reactor->epoll);
    }
    event_queue_release(&reactor->timers[REACTOR_STAGE]);
    event_queue_release(&reactor->timers[REACTOR_REAL]);
    heap_release(reactor->heap, reactor);
}

int64_t reactor_now_ns(const struct reactor *reactor)
{
    return clock_page_now_ns(reactor->clock);
}

/* ---- Descriptors -------------------------------------------------------------------------------------------------------- */

bool reactor_watch(struct reactor *reactor, struct reactor_watch *watch, unsigned wanted)
{
    if (wanted == watch->wanted) {
        return true;
    }
    if (wanted == 0) {
        reactor_unwatch(reactor, watch);
        return true;
    }
    struct epoll_event event = {
        .events = ((wanted & REACTOR_READ) != 0 ? EPOLLIN : 0U) | ((wanted & REACTOR_WRITE) != 0 ? EPOLLOUT : 0U) |
                  ((wanted & REACTOR_HANGUP) != 0 ? EPOLLRDHUP : 0U),
        .data.ptr = watch,
    };
    int operation = watch->wanted == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(reactor->epoll, operation, watch->descriptor, &event) != 0) {
        return false;
    }
    watch->wanted = wanted;
    return true;
}

void reactor_unwatch(struct reactor *reactor, struct reactor_watch *watch)
{
    if (watch->wanted == 0) {
        return;
    }
    (void)epoll_ctl(reactor->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL);
    watch->wanted = 0;
    /* What the turn under way still has of it must not be called. */
    for (int i = 0; i < reactor->batch_count; i++) {
        if (reactor->batch[i].data.ptr == watch) {
            reactor->batch[i].data.ptr = NULL;
        }
    }
}

static void call_watch(const struct epoll_event *event)
{
    struct reactor_watch *watch = event->data.ptr;
    if (watch == NULL) {
        return;
    }
    unsigned ready = 0;
    if ((event->events & (EPOLLHUP | EPOLLERR)) != 0) {
        ready = watch->wanted;
    }
    ready |= (event->events & EPOLLIN) != 0 ? (unsigned)REACTOR_READ : 0U;
    ready |= (event->events & EPOLLOUT) != 0 ? (unsigned)REACTOR_WRITE : 0U;
    ready |= (event->events & EPOLLRDHUP) != 0 ? (unsigned)REACTOR_HANGUP : 0U;
    ready &= watch->wanted;
    if (ready != 0) {
        watch->ready(watch->context, ready);
    }
}

/* ---- Timers ------------------------------------------------------------------------------------------------------------- */

bool reactor_arm(struct reactor *reactor, struct reactor_timer *timer, enum reactor_clock clock, int64_t due_ns,
                 void (*happen)(void *owner), void *owner)
{
    reactor_disarm(reactor, timer);
    timer->clock = clock;
    timer->event = (struct event){.due_ns = due_ns, .class = EVENT_CLASS_TIMER, .happen = happen, .owner = owner};
    return event_queue_add(&reactor->timers[clock], &timer->event);
}

void reactor_disarm(struct reactor *reactor, struct reactor_timer *timer)
{
    event_queue_remove(&reactor->timers[timer->clock], &timer->event);
}

bool reactor_is_armed(const struct reactor_timer *timer)
{
    return timer->event.place != 0;
}

/* Calls the timers of a clock that were due at `now_ns`; those that they arm for the past come with the next turn. */
static void call_timers(struct event_queue *timers, int64_t now_ns)
{
    uint64_t armed_before = timers->next_sequence;
    for (struct event *event = event_queue_next(timers);
         event != NULL && event->due_ns <= now_ns && event->sequence < armed_before; event = event_queue_next(timers)) {
        event_queue_remove(timers, event);
        event->happen(event->owner);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the next turn must begin at the latest, by the monotonic clock. */
static int64_t next_due_ns(const struct reactor *reactor)
{
    const struct event *stage = event_queue_next(&reactor->timers[REACTOR_STAGE]);
    const struct event *real = event_queue_next(&reactor->timers[REACTOR_REAL]);
    int64_t due_ns = real == NULL ? TIME_NEVER_NS : real->due_ns;
    if (stage == NULL) {
        return due_ns;
    }
    due_ns = earlier(due_ns, clock_page_monotonic_at_ns(reactor->clock, stage->due_ns));
    return clock_page_is_shared(reactor->clock) ? earlier(due_ns, monotonic_now_ns() + recheck_ns) : due_ns;
}

static void set_alarm(struct reactor *reactor, int64_t due_ns)
{
    if (due_ns == reactor->alarm_monotonic_ns) {
        return;
    }
    struct itimerspec alarm = {0};
    if (due_ns != TIME_NEVER_NS) {
        int64_t moment_ns = due_ns < 1 ? 1 : due_ns; /* 0 would switch it off */
        alarm.it_value.tv_sec = moment_ns / NS_PER_S;
        alarm.it_value.tv_nsec = moment_ns % NS_PER_S;
    }
    (void)timerfd_settime(reactor->alarm, TFD_TIMER_ABSTIME, &alarm, NULL);
    reactor->alarm_monotonic_ns = due_ns;
}

void reactor_turn(struct reactor *reactor, bool may_wait)
{
    int64_t due_ns = next_due_ns(reactor);
    bool wait = may_wait && due_ns > monotonic_now_ns();
    if (wait) {
        set_alarm(reactor, due_ns);
    }
    int count = epoll_wait(reactor->epoll, reactor->batch, BATCH, wait ? -1 : 0);
    assert(count >= 0 || errno == EINTR);
    reactor->batch_count = count;
    for (int i = 0; i < reactor->batch_count; i++) {
        call_watch(&reactor->batch[i]);
    }
    reactor->batch_count = 0;
    if (reactor->alarm_monotonic_ns <= monotonic_now_ns()) {
        reactor->alarm_monotonic_ns = TIME_NEVER_NS;
        struct itimerspec off = {0};
        (void)timerfd_settime(reactor->alarm, 0, &off, NULL); /* also forgets that it has rung */
    }
    call_timers(&reactor->timers[REACTOR_REAL], monotonic_now_ns());
    call_timers(&reactor->timers[REACTOR_STAGE], clock_page_now_ns(reactor->clock));
}
