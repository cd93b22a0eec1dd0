#include "world/shell_scene.h"

#include "testing.h"

#include <stdlib.h>

enum { OUTPUT_LIMIT = 16 * 1024 * 1024 };

int scene_set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    live_place_make(&scene->place);
    (void)live_place_path(&scene->place, scene->key_path, SCENE_PATH_SIZE, "id_account");
    ssh_stage_make(&scene->stage, scene->key_path);
    scene->place.options.ssh_key_path = scene->key_path;
    *state = scene;
    return 0;
}

int scene_tear_down(void **state)
{
    struct scene *scene = *state;
    ssh_stage_release(&scene->stage);
    live_place_remove(&scene->place);
    free(scene);
    return 0;
}

struct call call_of(struct scene *scene, const char *command)
{
    return (struct call){
        .world = scene->place.world,
        .heap = scene->place.heap,
        .target = {.host = "127.0.0.1", .port = scene->stage.port, .instance_id = 7001},
        .command = span_of(command),
        .input = {"", 0},
        .output_limit = OUTPUT_LIMIT,
        .limit_ns = 30 * NS_PER_S,
    };
}

void call_make(void *argument)
{
    struct call *call = argument;
    struct shell_session session;
    buffer_init(&call->out, call->heap, call->output_limit);
    buffer_init(&call->err, call->heap, call->output_limit);
    int64_t deadline_ns = world_deadline_ns(call->world, call->limit_ns);
    call->opened = shell_open(call->world, &session, &call->target, deadline_ns);
    if (call->opened == ERR_OK && call->command.length > 0) {
        call->ran = shell_run(call->world, &session, call->command, call->input, &call->out, &call->err, deadline_ns);
        call->exit_status = session.exit_status;
    }
    if (call->opened == ERR_OK) {
        shell_close(call->world, &session);
    }
}

void call_release(struct call *call)
{
    buffer_release(&call->out);
    buffer_release(&call->err);
}

void call_run(struct scene *scene, struct call *call)
{
    live_place_run(&scene->place, call_make, call);
}
