/*
 * Event queue: what is still to happen, in one order that never depends on chance.
 *
 * Order: earlier moment first. At the same moment, by class: what changes by itself in the cloud (which is not queued: the virtual
 * world asks the cloud before it asks the queue), then effects of what was sent, then arrivals of replies, then timers, then
 * signals. Within a class: first queued, first out.
 *
 * Events are embedded in what they belong to; the queue only holds pointers, and grows on a heap.
 */
#ifndef BASE_EVENT_QUEUE_H
#define BASE_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/heap.h"

enum event_class { EVENT_CLASS_EFFECT, EVENT_CLASS_ARRIVAL, EVENT_CLASS_TIMER, EVENT_CLASS_SIGNAL };

struct event {
    int64_t due_ns;
    enum event_class class;
    uint64_t sequence;
    size_t place; /* in the queue, from 1; 0 when not queued */
    void (*happen)(void *owner);
    void *owner;
};

struct event_queue {
    struct heap *heap;
    struct event **events; /* binary heap, events[0] is the next */
    size_t count;
    size_t capacity;
    uint64_t next_sequence;
};

void event_queue_init(struct event_queue *queue, struct heap *heap);
void event_queue_release(struct event_queue *queue);

/* Queues an event that is not queued. False when memory is gone. */
MUST_USE bool event_queue_add(struct event_queue *queue, struct event *event);

/* Takes an event out; harmless when it is not queued. */
void event_queue_remove(struct event_queue *queue, struct event *event);

/* The next event, still queued, or NULL. */
struct event *event_queue_next(const struct event_queue *queue);

#endif
