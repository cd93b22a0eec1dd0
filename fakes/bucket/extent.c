/* Blobs and extents: what the bytes of versions are made of. */
#include <assert.h>
#include <string.h>

#include "fakes/bucket/state.h"

static const struct content_operations *operations(const struct bucket_service *service)
{
    return service->options.content->operations;
}

struct blob *blob_new(struct bucket_service *service, int64_t size)
{
    struct blob *blob = heap_alloc(service->heap, sizeof *blob);
    if (blob == NULL) {
        return NULL;
    }
    blob->references = 1;
    blob->content = operations(service)->create(service->options.content, size, &blob->number);
    if (blob->content == NULL) {
        heap_release(service->heap, blob);
        return NULL;
    }
    if (!number_index_add(&service->blobs, blob->number, blob)) {
        operations(service)->drop(service->options.content, blob->content);
        heap_release(service->heap, blob);
        return NULL;
    }
    return blob;
}

void blob_release(struct bucket_service *service, struct blob *blob)
{
    assert(blob->references > 0);
    if (--blob->references == 0) {
        if (blob->content != NULL) { /* not opened while records are read back */
            operations(service)->drop(service->options.content, blob->content);
        }
        number_index_remove(&service->blobs, blob->number);
        heap_release(service->heap, blob);
    }
}

bool extents_add(struct bucket_service *service, struct extents *extents, const struct extents *source, int64_t offset,
                 int64_t size)
{
    struct extent *grown =
        heap_resize(service->heap, extents->at, (extents->count + source->count) * sizeof *extents->at);
    if (grown == NULL) {
        return source->count == 0;
    }
    extents->at = grown;
    for (size_t i = 0; i < source->count && size > 0; i++) {
        const struct extent *from = &source->at[i];
        if (offset >= from->size) {
            offset -= from->size;
            continue;
        }
        int64_t part = from->size - offset < size ? from->size - offset : size;
        grown[extents->count++] = (struct extent){from->blob, from->offset + offset, part};
        from->blob->references++;
        offset = 0;
        size -= part;
    }
    return true;
}

void extents_release(struct bucket_service *service, struct extents *extents)
{
    for (size_t i = 0; i < extents->count; i++) {
        blob_release(service, extents->at[i].blob);
    }
    heap_release(service->heap, extents->at);
    *extents = (struct extents){0};
}

struct extent_reader extents_from(const struct extents *extents, int64_t offset)
{
    struct extent_reader reader = {.extents = extents, .offset = offset};
    while (reader.nth < extents->count && reader.offset >= extents->at[reader.nth].size) {
        reader.offset -= extents->at[reader.nth++].size;
    }
    return reader;
}

size_t extents_read(struct bucket_service *service, struct extent_reader *reader, void *out, size_t size, bool *lost)
{
    size_t done = 0;
    while (done < size && reader->nth < reader->extents->count) {
        const struct extent *extent = &reader->extents->at[reader->nth];
        int64_t left = extent->size - reader->offset;
        size_t part = (int64_t)(size - done) < left ? size - done : (size_t)left;
        if (!operations(service)->read(service->options.content, extent->blob->content, extent->offset + reader->offset,
                                       (char *)out + done, part)) {
            *lost = true;
            return 0;
        }
        done += part;
        reader->offset += (int64_t)part;
        if (reader->offset == extent->size) {
            reader->nth++;
            reader->offset = 0;
        }
    }
    return done;
}
