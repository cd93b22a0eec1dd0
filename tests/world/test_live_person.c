/* The person behind the live world's door: shown things, asked things, and never waited for beyond the deadline. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing.h"
#include "world/live_place.h"

/* A pipe stands for the terminal on both sides; what the program's own were comes back afterwards. */
struct stand_in {
    struct live_place place;
    int input[2];  /* we type into [1] */
    int output[2]; /* we read standard error from [0] */
    int input_before, error_before;
    enum error_code code;
    int64_t patience_ns;
    int signal;
};

static int set_up(void **state)
{
    struct stand_in *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    live_place_make(&scene->place);
    assert_int_equal(pipe(scene->input), 0);
    assert_int_equal(pipe(scene->output), 0);
    scene->input_before = dup(STDIN_FILENO);
    scene->error_before = dup(STDERR_FILENO);
    assert_true(dup2(scene->input[0], STDIN_FILENO) >= 0);
    scene->patience_ns = 60 * NS_PER_S;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct stand_in *scene = *state;
    (void)dup2(scene->input_before, STDIN_FILENO);
    const int descriptors[] = {scene->input[0],  scene->input[1],     scene->output[0],
                               scene->output[1], scene->input_before, scene->error_before};
    for (size_t i = 0; i < ARRAY_LENGTH(descriptors); i++) {
        (void)close(descriptors[i]);
    }
    live_place_remove(&scene->place);
    free(scene);
    return 0;
}

static void ask(void *argument)
{
    struct stand_in *scene = argument;
    struct world *world = scene->place.world;
    world_tell(world, "an offer\n");
    if (scene->signal != 0) {
        (void)raise(scene->signal);
    }
    scene->code = world_ask(world, "Rent it? [y/N] ", world_deadline_ns(world, scene->patience_ns));
}

/* Whatever waits takes a timer, which is kept for the next wait. Long enough to be a wait even under valgrind. */
static void wait_once(void *argument)
{
    struct stand_in *scene = argument;
    struct world *world = scene->place.world;
    assert_int_equal(world_sleep_until(world, world_deadline_ns(world, 50 * NS_PER_MS)), ERR_OK);
}

/* Runs the question with that typed before it; what stood on standard error comes back. */
static void run(struct stand_in *scene, const char *typed, char *shown, size_t size)
{
    if (typed != NULL) {
        assert_int_equal(write(scene->input[1], typed, strlen(typed)), strlen(typed));
    }
    live_place_open(&scene->place);
    live_place_run(&scene->place, wait_once, scene);
    size_t blocks = live_world_blocks(scene->place.live);
    assert_true(dup2(scene->output[1], STDERR_FILENO) >= 0);
    live_place_run(&scene->place, ask, scene);
    assert_true(dup2(scene->error_before, STDERR_FILENO) >= 0);
    assert_int_equal(live_world_blocks(scene->place.live), blocks);
    live_place_close(&scene->place);
    ssize_t length = read(scene->output[0], shown, size - 1);
    shown[length < 0 ? 0 : length] = '\0';
}

static void test_only_y_and_yes_are_a_yes(void **state)
{
    struct stand_in *scene = *state;
    static const struct {
        const char *typed;
        enum error_code code;
    } cases[] = {{"y\n", ERR_OK},
                 {"YES\n", ERR_OK},
                 {"\n", ERR_DECLINED},
                 {"n\n", ERR_DECLINED},
                 {"yesterday\n", ERR_DECLINED},
                 {" y\n", ERR_DECLINED},
                 {"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n", ERR_DECLINED}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char shown[256];
        run(scene, cases[i].typed, shown, sizeof shown);
        assert_int_equal(scene->code, cases[i].code);
        assert_string_equal(shown, "an offer\nRent it? [y/N] ");
    }
}

static void test_the_end_of_the_input_is_no_yes(void **state)
{
    struct stand_in *scene = *state;
    char shown[256];
    assert_int_equal(write(scene->input[1], "y", 1), 1); /* half a line */
    (void)close(scene->input[1]);
    scene->input[1] = -1;
    run(scene, NULL, shown, sizeof shown);
    assert_int_equal(scene->code, ERR_DECLINED);
}

static void test_nobody_is_waited_for_beyond_the_deadline(void **state)
{
    struct stand_in *scene = *state;
    char shown[256];
    scene->patience_ns = 5 * NS_PER_MS;
    run(scene, NULL, shown, sizeof shown);
    assert_int_equal(scene->code, ERR_DECLINED);
}

static void test_a_signal_ends_the_question(void **state)
{
    struct stand_in *scene = *state;
    char shown[256];
    scene->signal = SIGINT;
    run(scene, NULL, shown, sizeof shown);
    assert_int_equal(scene->code, ERR_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_y_and_yes_are_a_yes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_the_input_is_no_yes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_is_waited_for_beyond_the_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_signal_ends_the_question, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("live person", tests, NULL, NULL);
}
