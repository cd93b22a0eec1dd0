/*
 * Heap: every allocation of one simulated process, tracked, so that it can be dropped at once, counted for leaks, or made to
 * fail on demand.
 *
 * The client owns no other memory: a crash is heap_drop(), a leak is heap_live_blocks() > 0 after a clean exit, and torture is
 * heap_fail_at() for N = 1, 2, 3 ... The fakes use heaps of their own, so a crash of the client never touches them.
 *
 * Thread rule: a heap belongs to one thread at a time. No global state.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

struct heap;

/* A new, empty heap, or NULL when the system has no memory. Owned by the caller: heap_free(). */
MUST_USE struct heap *heap_new(void);

/* Frees the heap and all that is still allocated from it. NULL is allowed. */
void heap_free(struct heap *heap);

/* Frees all that is allocated and resets the counters; the heap itself stays usable. What a crash does to a process. */
void heap_drop(struct heap *heap);

/* `size` zeroed bytes (size 0 gives a unique pointer), or NULL: the system has none, or the plan of heap_fail_at() says so. */
MUST_USE void *heap_alloc(struct heap *heap, size_t size);

/*
 * Grows or shrinks a block from heap_alloc() of the same heap. NULL `block` allocates. On NULL the old block is untouched.
 * Bytes beyond the old size, all of a new block's, are not initialised.
 */
MUST_USE void *heap_resize(struct heap *heap, void *block, size_t size);

/* Returns a block to the heap it came from. NULL is allowed. */
void heap_release(struct heap *heap, void *block);

/*
 * Makes the nth request from now (1 = the next) fail, and with `persistent` every later one too. 0 switches failures off.
 */
void heap_fail_at(struct heap *heap, uint64_t nth, bool persistent);

/* True when the plan of heap_fail_at() says that the next request fails; counts as that request. For resources beside memory. */
MUST_USE bool heap_refuses(struct heap *heap);

uint64_t heap_requests(const struct heap *heap);       /* asked for since creation or drop, refused ones included */
uint64_t heap_failures_fired(const struct heap *heap); /* refused by plan since creation or drop */
size_t heap_live_blocks(const struct heap *heap);      /* allocated and not yet released */
size_t heap_peak_bytes(const struct heap *heap);       /* most bytes live at one time since creation or drop */

#endif
