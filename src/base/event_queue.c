#include "base/event_queue.h"

void event_queue_init(struct event_queue *queue, struct heap *heap)
{
    *queue = (struct event_queue){.heap = heap};
}

void event_queue_release(struct event_queue *queue)
{
    heap_release(queue->heap, queue->events);
    event_queue_init(queue, queue->heap);
}

static bool comes_before(const struct event *a, const struct event *b)
{
    if (a->due_ns != b->due_ns) {
        return a->due_ns < b->due_ns;
    }
    if (a->class != b->class) {
        return a->class < b->class;
    }
    return a->sequence < b->sequence;
}

static void put(struct event_queue *queue, size_t index, struct event *event)
{
    queue->events[index] = event;
    event->place = index + 1;
}

static void sift_up(struct event_queue *queue, size_t index, struct event *event)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!comes_before(event, queue->events[parent])) {
            break;
        }
        put(queue, index, queue->events[parent]);
        index = parent;
    }
    put(queue, index, event);
}

static void sift_down(struct event_queue *queue, size_t index, struct event *event)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= queue->count) {
            break;
        }
        if (child + 1 < queue->count && comes_before(queue->events[child + 1], queue->events[child])) {
            child++;
        }
        if (!comes_before(queue->events[child], event)) {
            break;
        }
        put(queue, index, queue->events[child]);
        index = child;
    }
    put(queue, index, event);
}

static bool grow(struct event_queue *queue)
{
    size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
    struct event **events = heap_resize(queue->heap, queue->events, capacity * sizeof *events);
    if (events == NULL) {
        return false;
    }
    queue->events = events;
    queue->capacity = capacity;
    return true;
}

bool event_queue_add(struct event_queue *queue, struct event *event)
{
    if (queue->count == queue->capacity && !grow(queue)) {
        return false;
    }
    event->sequence = queue->next_sequence++;
    queue->count++;
    sift_up(queue, queue->count - 1, event);
    return true;
}

void event_queue_remove(struct event_queue *queue, struct event *event)
{
    if (event->place == 0) {
        return;
    }
    size_t index = event->place - 1;
    event->place = 0;
    queue->count--;
    struct event *last = queue->events[queue->count];
    if (last == event) {
        return;
    }
    if (index > 0 && comes_before(last, queue->events[(index - 1) / 2])) {
        sift_up(queue, index, last);
    } else {
        sift_down(queue, index, last);
    }
}

struct event *event_queue_next(const struct event_queue *queue)
{
    return queue->count == 0 ? NULL : queue->events[0];
}
