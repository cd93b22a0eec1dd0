/*
 * A scripted world whose statements are kept by a memory store, as a disk and a database would: what one run leaves the next one finds.
 */
#ifndef KEPT_WORLD_H
#define KEPT_WORLD_H

#include "scripted_world.h"
#include "sim/store/memory_store.h"

struct kept_world {
    struct scripted_world scripted;
    struct heap *heap; /* of the disk */
    struct memory_store *store;
    const char *poison; /* an event whose id begins so is rejected by the events store; NULL: none */
};

extern struct kept_world kept;

int kept_world_open(void **state);
int kept_world_close(void **state);

void subscribe(int64_t id, const char *url, const char *secret);

/* The sum over the rows of a statement: of their first columns where these are integers, else their number. */
int64_t count_of(enum store_statement statement, const struct store_value *values, size_t count);

int64_t spooled_events(void);
int64_t stored_events(void);

#endif
