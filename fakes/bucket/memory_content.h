/*
 * Memory content: contents in chunks on a heap. Nothing outlives the process, and no records are kept.
 */
#ifndef FAKES_BUCKET_MEMORY_CONTENT_H
#define FAKES_BUCKET_MEMORY_CONTENT_H

#include "base/attributes.h"
#include "base/heap.h"
#include "fakes/bucket/content.h"

/* NULL when memory is gone. Every content must be closed or dropped before it is freed. */
MUST_USE struct content_store *memory_content_new(struct heap *heap);
void memory_content_free(struct content_store *store);

#endif
