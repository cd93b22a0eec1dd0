/*
 * Number index: finds things by a 64-bit number that is their own. A hash table with open addressing that grows on a heap.
 */
#ifndef FAKES_BUCKET_NUMBER_INDEX_H
#define FAKES_BUCKET_NUMBER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/heap.h"

struct number_index {
    struct heap *heap;
    struct number_slot *slots; /* a power of two of them, at most half in use */
    size_t room, count;
};

struct number_slot {
    uint64_t number;
    void *value; /* NULL: free */
};

void number_index_init(struct number_index *index, struct heap *heap);
void number_index_release(struct number_index *index);

/* What bears the number, or NULL. */
void *number_index_find(const struct number_index *index, uint64_t number);

/* Adds a number that is not there. False when memory is gone. `value` is not NULL. */
MUST_USE bool number_index_add(struct number_index *index, uint64_t number, void *value);

/* Takes a number out that is there. */
void number_index_remove(struct number_index *index, uint64_t number);

#endif
