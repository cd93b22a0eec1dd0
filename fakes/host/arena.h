/*
 * Arena: memory that one host_run() needs and gives back whole at its end (syntax trees, words, variables).
 *
 * Failure is sticky: after one request that the heap or the limit refuses, `failed` is true and every later request is NULL.
 */
#ifndef FAKES_HOST_ARENA_H
#define FAKES_HOST_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/heap.h"

struct arena_chunk;

struct arena {
    struct heap *heap;
    struct arena_chunk *newest;
    size_t left; /* bytes of `limit` not yet taken from the heap */
    bool failed;
};

void arena_init(struct arena *arena, struct heap *heap, size_t limit);
void arena_release(struct arena *arena);

/* `size` zeroed bytes, aligned for any type, or NULL. */
MUST_USE void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy, or NULL. */
MUST_USE char *arena_text(struct arena *arena, struct span text);

#endif
