/*
 * Live place: a live world in a state folder of its own below /tmp, for the tests of what the live world does outside.
 *
 * Making counts the open descriptors, and removing must find as many: whatever else a test opened is closed by then.
 */
#ifndef TESTS_WORLD_LIVE_PLACE_H
#define TESTS_WORLD_LIVE_PLACE_H

#include "world/live/live_world.h"

struct live_place {
    struct heap *heap;
    struct history history;
    struct live_world_options options; /* may be changed before live_place_open() */
    struct live_world *live;
    struct world *world;
    struct error error; /* of the latest opening */
    char folder[64];
    int descriptors;
};

/* Makes the folder; opens nothing yet. */
void live_place_make(struct live_place *place);

/* Opens the world; fails the test when that fails. */
void live_place_open(struct live_place *place);

/* Runs a task to its end; fails the test when it leaves memory of the client's behind. */
void live_place_run(struct live_place *place, task_function *run, void *argument);

/* Closes the world, if it is open. */
void live_place_close(struct live_place *place);

/* Closes, counts descriptors, and removes the folder. */
void live_place_remove(struct live_place *place);

/* "FOLDER/name" in `path` of `size` bytes. */
const char *live_place_path(const struct live_place *place, char *path, size_t size, const char *name);

int count_descriptors(void);

#endif
