#include "fakes/bucket/number_index.h"

#include <assert.h>

enum { ROOM_FIRST = 64 };

void number_index_init(struct number_index *index, struct heap *heap)
{
    *index = (struct number_index){.heap = heap};
}

void number_index_release(struct number_index *index)
{
    heap_release(index->heap, index->slots);
    *index = (struct number_index){.heap = index->heap};
}

/* Where the number's search begins: Fibonacci hashing, so that neighbours lie apart. */
static size_t home(const struct number_index *index, uint64_t number)
{
    return (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (index->room - 1);
}

/* The number's slot, or the free one where it would go. */
static size_t slot_of(const struct number_index *index, uint64_t number)
{
    size_t at = home(index, number);
    while (index->slots[at].value != NULL && index->slots[at].number != number) {
        at = (at + 1) & (index->room - 1);
    }
    return at;
}

void *number_index_find(const struct number_index *index, uint64_t number)
{
    return index->room == 0 ? NULL : index->slots[slot_of(index, number)].value;
}

static bool grow(struct number_index *index)
{
    struct number_index wider = {.heap = index->heap, .room = index->room == 0 ? ROOM_FIRST : 2 * index->room};
    wider.slots = heap_alloc(index->heap, wider.room * sizeof *wider.slots);
    if (wider.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < index->room; i++) {
        if (index->slots[i].value != NULL) {
            wider.slots[slot_of(&wider, index->slots[i].number)] = index->slots[i];
        }
    }
    wider.count = index->count;
    heap_release(index->heap, index->slots);
    *index = wider;
    return true;
}

bool number_index_add(struct number_index *index, uint64_t number, void *value)
{
    if (2 * (index->count + 1) > index->room && !grow(index)) {
        return false;
    }
    struct number_slot *slot = &index->slots[slot_of(index, number)];
    assert(slot->value == NULL && value != NULL);
    *slot = (struct number_slot){number, value};
    index->count++;
    return true;
}

/* Closes the gap, so that searches that led across it still find what they look for. */
void number_index_remove(struct number_index *index, uint64_t number)
{
    size_t gap = slot_of(index, number);
    size_t mask = index->room - 1;
    assert(index->slots[gap].value != NULL);
    index->count--;
    for (size_t at = (gap + 1) & mask; index->slots[at].value != NULL; at = (at + 1) & mask) {
        if (((at - home(index, index->slots[at].number)) & mask) >= ((at - gap) & mask)) {
            index->slots[gap] = index->slots[at];
            gap = at;
        }
    }
    index->slots[gap].value = NULL;
}
