#include "base/heap.h"

#include <stdlib.h>
#include <string.h>

/* Precedes every block; its size keeps the block aligned for any type. */
struct block {
    _Alignas(max_align_t) struct block *previous;
    struct block *next;
    size_t size;
};

struct heap {
    struct block *newest;
    size_t live_blocks;
    size_t live_bytes;
    size_t peak_bytes;
    uint64_t requests;
    uint64_t failures_fired;
    uint64_t fail_at; /* value of `requests` that fails; 0 = never */
    bool fail_persistently;
};

struct heap *heap_new(void)
{
    return calloc(1, sizeof(struct heap));
}

static void release_all_blocks(struct heap *heap)
{
    struct block *block = heap->newest;
    while (block != NULL) {
        struct block *previous = block->previous;
        free(block);
        block = previous;
    }
}

void heap_free(struct heap *heap)
{
    if (heap == NULL) {
        return;
    }
    release_all_blocks(heap);
    free(heap);
}

void heap_drop(struct heap *heap)
{
    release_all_blocks(heap);
    memset(heap, 0, sizeof *heap);
}

bool heap_refuses(struct heap *heap)
{
    heap->requests++;
    if (heap->fail_at == 0) {
        return false;
    }
    bool refused = heap->fail_persistently ? heap->requests >= heap->fail_at : heap->requests == heap->fail_at;
    if (refused) {
        heap->failures_fired++;
    }
    return refused;
}

static void count_bytes(struct heap *heap, size_t added)
{
    heap->live_bytes += added;
    if (heap->live_bytes > heap->peak_bytes) {
        heap->peak_bytes = heap->live_bytes;
    }
}

static void link_block(struct heap *heap, struct block *block)
{
    block->previous = heap->newest;
    block->next = NULL;
    if (heap->newest != NULL) {
        heap->newest->next = block;
    }
    heap->newest = block;
}

static void unlink_block(struct heap *heap, struct block *block)
{
    if (block->previous != NULL) {
        block->previous->next = block->next;
    }
    if (block->next != NULL) {
        block->next->previous = block->previous;
    } else {
        heap->newest = block->previous;
    }
}

static struct block *admit(struct heap *heap, struct block *block, size_t size)
{
    if (block != NULL) {
        block->size = size;
        link_block(heap, block);
        heap->live_blocks++;
        count_bytes(heap, size);
    }
    return block;
}

void *heap_alloc(struct heap *heap, size_t size)
{
    if (heap_refuses(heap) || size > SIZE_MAX - sizeof(struct block)) {
        return NULL;
    }
    struct block *block = admit(heap, calloc(1, sizeof(struct block) + size), size);
    return block == NULL ? NULL : block + 1;
}

void *heap_resize(struct heap *heap, void *block_data, size_t size)
{
    if (heap_refuses(heap) || size > SIZE_MAX - sizeof(struct block)) {
        return NULL;
    }
    if (block_data == NULL) {
        struct block *fresh = admit(heap, realloc(NULL, sizeof(struct block) + size), size);
        return fresh == NULL ? NULL : fresh + 1;
    }
    struct block *old = (struct block *)block_data - 1;
    size_t old_size = old->size;
    unlink_block(heap, old);
    struct block *block = realloc(old, sizeof(struct block) + size);
    if (block == NULL) {
        link_block(heap, old);
        return NULL;
    }
    block->size = size;
    link_block(heap, block);
    heap->live_bytes -= old_size;
    count_bytes(heap, size);
    return block + 1;
}

void heap_release(struct heap *heap, void *block_data)
{
    if (block_data == NULL) {
        return;
    }
    struct block *block = (struct block *)block_data - 1;
    unlink_block(heap, block);
    heap->live_blocks--;
    heap->live_bytes -= block->size;
    free(block);
}

void heap_fail_at(struct heap *heap, uint64_t nth, bool persistent)
{
    heap->fail_at = nth == 0 ? 0 : heap->requests + nth;
    heap->fail_persistently = persistent;
}

uint64_t heap_requests(const struct heap *heap)
{
    return heap->requests;
}

uint64_t heap_failures_fired(const struct heap *heap)
{
    return heap->failures_fired;
}

size_t heap_live_blocks(const struct heap *heap)
{
    return heap->live_blocks;
}

size_t heap_peak_bytes(const struct heap *heap)
{
    return heap->peak_bytes;
}
