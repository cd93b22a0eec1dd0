/*
 * The PostgreSQL store's inside, shared by postgres_store.c and postgres_migrate.c.
 */
#ifndef WORLD_LIVE_POSTGRES_STATE_H
#define WORLD_LIVE_POSTGRES_STATE_H

#include "world/live/postgres_store.h"

struct postgres_job {
    struct postgres_job *next;
    struct store_call *call;
};

struct postgres_store {
    struct heap *heap;
    struct reactor *reactor;
    char *url;
    struct postgres_link link;
    struct reactor_timer kick; /* brings work from tasks onto the loop's stack */
    struct postgres_job *first;
    struct postgres_job *last;
    bool busy;     /* the first job, or a migration, is under way */
    bool dropping; /* what is under way was given up: the connection must go */
};

/* Lets the loop look at the queue again. False without memory. */
bool postgres_kick(struct postgres_store *store);

#endif
