#include "fakes/host/arena.h"

#include <stdint.h>
#include <string.h>

enum { CHUNK_BYTES = 4096 };

struct arena_chunk {
    _Alignas(max_align_t) struct arena_chunk *older;
    size_t size;
    size_t used;
};

void arena_init(struct arena *arena, struct heap *heap, size_t limit)
{
    *arena = (struct arena){.heap = heap, .left = limit};
}

void arena_release(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct arena_chunk *older = arena->newest->older;
        heap_release(arena->heap, arena->newest);
        arena->newest = older;
    }
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct arena_chunk *chunk = NULL;
    if (bytes <= arena->left) {
        chunk = heap_alloc(arena->heap, sizeof *chunk + bytes);
    }
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    arena->left -= bytes;
    chunk->size = bytes;
    chunk->older = arena->newest;
    arena->newest = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (arena->failed || size > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size_t step = _Alignof(max_align_t);
    size_t rounded = (size + step - 1) / step * step;
    struct arena_chunk *chunk = arena->newest;
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        chunk = add_chunk(arena, rounded);
        if (chunk == NULL) {
            return NULL;
        }
    }
    void *block = (char *)(chunk + 1) + chunk->used;
    chunk->used += rounded;
    return block;
}

char *arena_text(struct arena *arena, struct span text)
{
    char *copy = arena_alloc(arena, text.length + 1);
    if (copy != NULL && text.length > 0) {
        memcpy(copy, text.at, text.length);
    }
    return copy;
}
