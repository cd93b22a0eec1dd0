#include "fakes/bucket/memory_content.h"

#include <string.h>

enum { CHUNK_BYTES = 1 << 20 };

struct memory_store {
    struct content_store store;
    struct heap *heap;
    uint64_t created;
};

/* Chunk i begins at byte i * CHUNK_BYTES; only the last may be shorter than that. */
struct memory_content {
    int64_t expected;
    int64_t length;
    size_t last_size; /* bytes that the last chunk can hold */
    size_t chunk_count, chunk_room;
    char **chunks;
};

static struct memory_store *own(struct content_store *store)
{
    return (struct memory_store *)store;
}

static void *memory_create(struct content_store *store, int64_t size, uint64_t *number)
{
    struct memory_content *content = heap_alloc(own(store)->heap, sizeof *content);
    if (content != NULL) {
        content->expected = size;
        *number = ++own(store)->created;
    }
    return content;
}

static bool add_chunk(struct heap *heap, struct memory_content *content)
{
    if (content->chunk_count == content->chunk_room) {
        size_t room = content->chunk_room == 0 ? 1 : 2 * content->chunk_room;
        char **chunks = heap_resize(heap, content->chunks, room * sizeof *chunks);
        if (chunks == NULL) {
            return false;
        }
        content->chunks = chunks;
        content->chunk_room = room;
    }
    int64_t rest = content->expected - content->length;
    size_t size = rest > 0 && rest < CHUNK_BYTES ? (size_t)rest : CHUNK_BYTES;
    char *chunk = heap_resize(heap, NULL, size);
    if (chunk == NULL) {
        return false;
    }
    content->chunks[content->chunk_count++] = chunk;
    content->last_size = size;
    return true;
}

/* The last chunk was made for a content that was said to be shorter: makes it as large as any other. */
static bool widen_last(struct heap *heap, struct memory_content *content)
{
    char **last = &content->chunks[content->chunk_count - 1];
    char *wider = heap_resize(heap, *last, CHUNK_BYTES);
    if (wider == NULL) {
        return false;
    }
    *last = wider;
    content->last_size = CHUNK_BYTES;
    return true;
}

static bool memory_append(struct content_store *store, void *into, const void *bytes, size_t size)
{
    struct memory_content *content = into;
    const char *at = bytes;
    while (size > 0) {
        size_t used = (size_t)(content->length % CHUNK_BYTES);
        bool fresh = used == 0 && (size_t)(content->length / CHUNK_BYTES) == content->chunk_count;
        if (fresh && !add_chunk(own(store)->heap, content)) {
            return false;
        }
        if (used == content->last_size && !widen_last(own(store)->heap, content)) {
            return false;
        }
        size_t room = content->last_size - used;
        size_t part = size < room ? size : room;
        memcpy(content->chunks[content->chunk_count - 1] + used, at, part);
        content->length += (int64_t)part;
        at += part;
        size -= part;
    }
    return true;
}

static bool memory_seal(struct content_store *store, void *content)
{
    (void)store;
    (void)content;
    return true;
}

static bool memory_read(struct content_store *store, void *from, int64_t offset, void *out, size_t size)
{
    (void)store;
    const struct memory_content *content = from;
    char *to = out;
    if (offset < 0 || offset > content->length || (int64_t)size > content->length - offset) {
        return false;
    }
    while (size > 0) {
        size_t at = (size_t)(offset % CHUNK_BYTES);
        size_t part = size < CHUNK_BYTES - at ? size : CHUNK_BYTES - at;
        memcpy(to, content->chunks[offset / CHUNK_BYTES] + at, part);
        offset += (int64_t)part;
        to += part;
        size -= part;
    }
    return true;
}

static void memory_drop(struct content_store *store, void *gone)
{
    struct memory_content *content = gone;
    for (size_t i = 0; i < content->chunk_count; i++) {
        heap_release(own(store)->heap, content->chunks[i]);
    }
    heap_release(own(store)->heap, content->chunks);
    heap_release(own(store)->heap, content);
}

static const struct content_operations memory_operations = {
    .create = memory_create,
    .append = memory_append,
    .seal = memory_seal,
    .read = memory_read,
    .drop = memory_drop,
    .close = memory_drop,
};

struct content_store *memory_content_new(struct heap *heap)
{
    struct memory_store *store = heap_alloc(heap, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    store->store.operations = &memory_operations;
    store->heap = heap;
    return &store->store;
}

void memory_content_free(struct content_store *store)
{
    if (store != NULL) {
        heap_release(own(store)->heap, own(store));
    }
}
