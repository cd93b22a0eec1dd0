/*
 * Group: tasks that do the same work side by side, and whoever waits for all of them. When the waiting task is cancelled, so are they.
 */
#ifndef B2_GROUP_H
#define B2_GROUP_H

#include "world/world.h"

enum { B2_GROUP_MOST = 16 };

/* Runs `run` in `count` tasks, each with one of `arguments` (each of `size` bytes). False when no task could be started. */
MUST_USE bool b2_group_run(struct world *world, task_function *run, void *arguments, size_t size, int count);

#endif
