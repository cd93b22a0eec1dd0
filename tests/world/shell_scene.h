/*
 * Shell scene: a place of the live world's, the SSH stage beside it, and one session with one command, for the tests of the shell.
 */
#ifndef TESTS_WORLD_SHELL_SCENE_H
#define TESTS_WORLD_SHELL_SCENE_H

#include "world/live_place.h"
#include "world/ssh_stage.h"

enum { SCENE_PATH_SIZE = 128 };

struct scene {
    struct live_place place;
    struct ssh_stage stage; /* made, not started */
    char key_path[SCENE_PATH_SIZE];
};

/* For cmocka: *state is the scene. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* A session with one command, run to its end. */
struct call {
    struct world *world;
    struct heap *heap;
    struct shell_target target;
    struct span command; /* empty: the session is only opened */
    struct span input;
    size_t output_limit;
    int64_t limit_ns;
    enum error_code opened;
    enum error_code ran;
    int exit_status;
    struct buffer out;
    struct buffer err;
};

/* A call to the stage, as machine 7001; may be changed before it is made. */
struct call call_of(struct scene *scene, const char *command);

/* The call as a task of the world. */
void call_make(void *argument);

/* Runs the world until the call is over; fails the test when it leaves memory of the client's behind. */
void call_run(struct scene *scene, struct call *call);

void call_release(struct call *call);

#endif
