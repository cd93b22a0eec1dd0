#include "world/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scripted_world.h"
#include "testing.h"

enum { MAX_STEPS = 16 };

/* What a test looks at after its tasks have run. */
struct scene {
    struct scripted_world *scripted;
    struct scheduler *scheduler;
    struct completion signal;
    struct task *tasks[4];
    enum wait_end ends[MAX_STEPS];
    int64_t at_ns[MAX_STEPS];
    size_t steps;
    char order[MAX_STEPS];
    bool cancelled_inside, cancelled_after;
};

static int set_up(void **state)
{
    static struct scripted_world scripted;
    struct scene *scene = test_calloc(1, sizeof *scene);
    scripted_world_open(&scripted);
    scene->scripted = &scripted;
    scene->scheduler = scripted.world.scheduler;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    scripted_world_close(scene->scripted);
    test_free(scene);
    return 0;
}

static void wait_and_tell(struct scene *scene, struct completion *completion, int64_t deadline_ns)
{
    scene->ends[scene->steps] = task_wait(scene->scheduler, completion, deadline_ns);
    scene->at_ns[scene->steps++] = scene->scripted->now_ns;
}

static int64_t in_s(int64_t seconds)
{
    return (1 + seconds) * NS_PER_S; /* the clock of a scripted world begins at one second */
}

/* ---- Order -------------------------------------------------------------------------------------------------------------- */

struct runner {
    struct scene *scene;
    char name;
    int laps;
};

static void run_laps(void *argument)
{
    struct runner *runner = argument;
    struct scene *scene = runner->scene;
    for (int i = 0; i < runner->laps; i++) {
        size_t length = strlen(scene->order);
        scene->order[length] = runner->name;
        (void)task_wait(scene->scheduler, NULL, scene->scripted->now_ns + NS_PER_S);
    }
}

static void start_runners(void *argument)
{
    struct scene *scene = argument;
    static struct runner runners[3];
    for (size_t i = 0; i < 3; i++) {
        runners[i] = (struct runner){scene, (char)('a' + i), 3};
        assert_non_null(task_start(scene->scheduler, run_laps, &runners[i], NULL));
    }
    (void)task_wait(scene->scheduler, NULL, in_s(10));
}

/* Tasks that are ready run first come, first served, and keep that order when they wait alike. */
static void test_ready_tasks_run_first_come_first_served(void **state)
{
    struct scene *scene = *state;
    scripted_world_run(scene->scripted, start_runners, scene);
    assert_string_equal(scene->order, "abcabcabc");
}

/* ---- Deadlines and completions ------------------------------------------------------------------------------------------ */

static void wait_for_deadlines(void *argument)
{
    struct scene *scene = argument;
    wait_and_tell(scene, NULL, in_s(7));
    wait_and_tell(scene, &scene->signal, in_s(9) + 1);
    wait_and_tell(scene, &scene->signal, in_s(3));
}

/* A wait ends at exactly its deadline, and one whose deadline has passed ends at once. */
static void test_a_deadline_ends_a_wait_at_exactly_its_moment(void **state)
{
    struct scene *scene = *state;
    scripted_world_run(scene->scripted, wait_for_deadlines, scene);
    static const int64_t expected[] = {7, 9, 9};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(scene->ends[i], WAIT_DEADLINE);
        assert_int_equal(scene->at_ns[i], in_s(expected[i]) + (i == 0 ? 0 : 1));
    }
}

static void wait_for_signal(void *argument)
{
    struct scene *scene = argument;
    wait_and_tell(scene, &scene->signal, in_s(100));
}

static void finish_early(void *argument)
{
    struct scene *scene = argument;
    completion_finish(&scene->signal);
    wait_for_signal(scene);
}

/* A completion that was finished before anybody waits ends the wait at once. */
static void test_a_completion_may_be_finished_before_anybody_waits(void **state)
{
    struct scene *scene = *state;
    scripted_world_run(scene->scripted, finish_early, scene);
    assert_int_equal(scene->ends[0], WAIT_FINISHED);
    assert_int_equal(scene->at_ns[0], in_s(0));
}

static void finish_and_cancel_another(void *argument)
{
    struct scene *scene = argument;
    struct completion ended = {0};
    scene->tasks[0] = task_start(scene->scheduler, wait_for_signal, scene, &ended);
    (void)task_wait(scene->scheduler, NULL, in_s(2));
    task_cancel(scene->tasks[0]);
    completion_finish(&scene->signal);
    (void)task_wait(scene->scheduler, &ended, in_s(200));
}

/* What has finished is not lost to a cancellation that comes at the same time. */
static void test_a_finished_completion_wins_over_a_cancellation(void **state)
{
    struct scene *scene = *state;
    scripted_world_run(scene->scripted, finish_and_cancel_another, scene);
    assert_int_equal(scene->ends[0], WAIT_FINISHED);
}

static void join_a_finished_task(void *argument)
{
    struct scene *scene = argument;
    struct completion ended = {0};
    completion_finish(&scene->signal);
    scene->tasks[0] = task_start(scene->scheduler, wait_for_signal, scene, &ended);
    (void)task_wait(scene->scheduler, NULL, in_s(2));
    wait_and_tell(scene, &ended, in_s(200));
}

/* A task that has returned long ago can still be waited for. */
static void test_a_task_that_has_returned_can_be_joined(void **state)
{
    struct scene *scene = *state;
    scripted_world_run(scene->scripted, join_a_finished_task, scene);
    assert_int_equal(scene->ends[1], WAIT_FINISHED);
    assert_int_equal(scene->at_ns[1], in_s(2));
}

/* ---- Cancellation and shields ------------------------------------------------------------------------------------------- */

static void wait_thrice(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 3; i++) {
        wait_and_tell(scene, &scene->signal, in_s(100 + i));
    }
    scene->cancelled_after = task_is_cancelled(scene->scheduler);
}

/* A cancellation ends the present wait and every later one. */
static void test_a_cancellation_ends_the_present_and_all_later_waits(void **state)
{
    struct scene *scene = *state;
    scene->scripted->cancel_at_ns = in_s(5);
    scripted_world_run(scene->scripted, wait_thrice, scene);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(scene->ends[i], WAIT_CANCELLED);
        assert_int_equal(scene->at_ns[i], in_s(5));
    }
    assert_true(scene->cancelled_after);
}

/* A task that is cancelled before it ran still runs, and its first wait ends. */
static void test_a_task_cancelled_before_it_ran_is_told_at_its_first_wait(void **state)
{
    struct scene *scene = *state;
    scene->scripted->cancel_at_ns = -1;
    scripted_world_run(scene->scripted, wait_thrice, scene);
    assert_int_equal(scene->steps, 3);
    assert_int_equal(scene->ends[0], WAIT_CANCELLED);
    assert_int_equal(scene->at_ns[0], in_s(0));
}

static void work_in_a_shield(void *argument)
{
    struct scene *scene = argument;
    struct shield shield = task_shield_begin(scene->scheduler, in_s(30));
    wait_and_tell(scene, NULL, in_s(20));
    scene->cancelled_inside = task_is_cancelled(scene->scheduler);
    wait_and_tell(scene, &scene->signal, in_s(1000));
    wait_and_tell(scene, &scene->signal, in_s(1000));
    task_shield_end(scene->scheduler, shield);
    wait_and_tell(scene, NULL, in_s(2000));
}

/* In a shield a cancellation is held back, and the shield's own deadline bounds every wait; it is told when the shield ends. */
static void test_a_shield_holds_cancellation_back_and_bounds_waits(void **state)
{
    struct scene *scene = *state;
    scene->scripted->cancel_at_ns = in_s(5);
    scripted_world_run(scene->scripted, work_in_a_shield, scene);
    static const enum wait_end ends[] = {WAIT_DEADLINE, WAIT_DEADLINE, WAIT_DEADLINE, WAIT_CANCELLED};
    static const int64_t at_s[] = {20, 30, 30, 30};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scene->ends[i], ends[i]);
        assert_int_equal(scene->at_ns[i], in_s(at_s[i]));
    }
    assert_false(scene->cancelled_inside);
}

static void work_in_a_limit(void *argument)
{
    struct scene *scene = argument;
    struct shield limit = task_limit_begin(scene->scheduler, in_s(30));
    wait_and_tell(scene, NULL, in_s(20));
    task_limit_lower(scene->scheduler, in_s(50));
    assert_int_equal(task_deadline_ns(scene->scheduler, in_s(40)), in_s(30));
    task_limit_lower(scene->scheduler, in_s(25));
    wait_and_tell(scene, NULL, in_s(1000));
    task_shield_end(scene->scheduler, limit);
    wait_and_tell(scene, NULL, in_s(1000));
    assert_int_equal(task_deadline_ns(scene->scheduler, in_s(1000)), in_s(1000));
}

/* A limit bounds every wait until it ends, may be lowered and never raised, and holds no cancellation back. */
static void test_a_limit_bounds_waits_and_lets_a_cancellation_through(void **state)
{
    struct scene *scene = *state;
    scene->scripted->cancel_at_ns = in_s(60);
    scripted_world_run(scene->scripted, work_in_a_limit, scene);
    static const enum wait_end ends[] = {WAIT_DEADLINE, WAIT_DEADLINE, WAIT_CANCELLED};
    static const int64_t at_s[] = {20, 25, 60};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(scene->ends[i], ends[i]);
        assert_int_equal(scene->at_ns[i], in_s(at_s[i]));
    }
}

static void work_in_two_shields(void *argument)
{
    struct scene *scene = argument;
    struct shield outer = task_shield_begin(scene->scheduler, in_s(10));
    struct shield later = task_shield_begin(scene->scheduler, in_s(50));
    wait_and_tell(scene, NULL, in_s(5));
    assert_int_equal(task_deadline_ns(scene->scheduler, in_s(40)), in_s(10));
    task_shield_end(scene->scheduler, later);
    struct shield earlier = task_shield_begin(scene->scheduler, in_s(7));
    wait_and_tell(scene, NULL, in_s(1000));
    task_shield_end(scene->scheduler, earlier);
    wait_and_tell(scene, NULL, in_s(1000));
    task_shield_end(scene->scheduler, outer);
    wait_and_tell(scene, NULL, in_s(1000));
}

/* A shield inside a shield ends at the earlier of both deadlines, and leaving it gives the outer one back. */
static void test_nested_shields_end_at_the_earlier_deadline(void **state)
{
    struct scene *scene = *state;
    scene->scripted->cancel_at_ns = in_s(1);
    scripted_world_run(scene->scripted, work_in_two_shields, scene);
    static const enum wait_end ends[] = {WAIT_DEADLINE, WAIT_DEADLINE, WAIT_DEADLINE, WAIT_CANCELLED};
    static const int64_t at_s[] = {5, 7, 10, 10};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scene->ends[i], ends[i]);
        assert_int_equal(scene->at_ns[i], in_s(at_s[i]));
    }
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------- */

static void do_nothing(void *argument)
{
    (*(int *)argument)++;
}

static void wait_for_ever(void *argument)
{
    struct scene *scene = argument;
    scene->steps++;
    (void)task_wait(scene->scheduler, NULL, INT64_MAX - 1);
    fail_msg("an abandoned task was entered again");
}

/* The heap's failure plan decides about tasks too: a refused start leaves nothing behind. */
static void test_a_start_is_refused_by_the_failure_plan(void **state)
{
    struct scene *scene = *state;
    int ran = 0;
    struct completion finished = {0};
    heap_fail_at(scene->scripted->world.heap, 1, false);
    assert_null(task_start(scene->scheduler, do_nothing, &ran, &finished));
    assert_int_equal(scheduler_task_count(scene->scheduler), 0);
    assert_non_null(task_start(scene->scheduler, do_nothing, &ran, &finished));
    scheduler_run(scene->scheduler);
    assert_int_equal(ran, 1);
    assert_true(finished.finished);
}

/* The process's address space in pages, by the kernel's own count. */
static long address_space_pages(void)
{
    char text[64] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    assert_int_equal(fclose(file), 0);
    return strtol(text, NULL, 10);
}

/* The stacks of tasks that have returned are used again: 100,000 tasks take no more room than one. */
static void test_stacks_are_reused(void **state)
{
    struct scene *scene = *state;
    int ran = 0;
    long before = 0;
    for (int i = 0; i < 100000; i++) {
        assert_non_null(task_start(scene->scheduler, do_nothing, &ran, NULL));
        scheduler_run(scene->scheduler);
        if (i == 100) {
            before = address_space_pages();
        }
    }
    assert_int_equal(ran, 100000);
    long grown = address_space_pages() - before;
    assert_true(grown < 256); /* less than four stacks */
}

/* Abandoning drops tasks where they stand, started or not, without running them on; their stacks serve the next ones. */
static void test_abandon_drops_tasks_without_unwinding_them(void **state)
{
    struct scene *scene = *state;
    int ran = 0;
    long before = 0;
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 10; k++) {
            assert_non_null(task_start(scene->scheduler, wait_for_ever, scene, NULL));
        }
        scheduler_run(scene->scheduler);
        assert_non_null(task_start(scene->scheduler, do_nothing, &ran, NULL));
        assert_int_equal(scheduler_task_count(scene->scheduler), 11);
        scheduler_abandon(scene->scheduler);
        scene->scripted->timer_count = 0;
        assert_int_equal(scheduler_task_count(scene->scheduler), 0);
        scheduler_run(scene->scheduler);
        before = i == 5 ? address_space_pages() : before;
    }
    assert_int_equal(ran, 0);
    assert_int_equal(scene->steps, 2000);
    assert_true(address_space_pages() - before < 256);
}

struct dive {
    struct scene *scene;
    int64_t sum;
};

/* About a kilobyte a level. */
static int64_t dive(struct scene *scene, int depth)
{
    volatile char room[900];
    memset((char *)room, depth & 0x7F, sizeof room);
    if (depth == 0) {
        (void)task_wait(scene->scheduler, NULL, in_s(3));
        return 0;
    }
    return room[depth % 900] + dive(scene, depth - 1);
}

static void dive_deep(void *argument)
{
    struct dive *deep = argument;
    deep->sum = dive(deep->scene, 150);
}

/* A task may use its stack up to near the limit, and wait down there, beside another that does the same. */
static void test_deep_stacks_keep_their_contents_over_a_wait(void **state)
{
    struct scene *scene = *state;
    struct dive other = {scene, -1};
    struct dive deep = {scene, -1};
    assert_non_null(task_start(scene->scheduler, dive_deep, &other, NULL));
    scripted_world_run(scene->scripted, dive_deep, &deep);
    int64_t expected = 0;
    for (int depth = 1; depth <= 150; depth++) {
        expected += depth & 0x7F;
    }
    assert_int_equal(deep.sum, expected);
    assert_int_equal(other.sum, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_ready_tasks_run_first_come_first_served),
        LAW(test_a_deadline_ends_a_wait_at_exactly_its_moment),
        LAW(test_a_completion_may_be_finished_before_anybody_waits),
        LAW(test_a_finished_completion_wins_over_a_cancellation),
        LAW(test_a_task_that_has_returned_can_be_joined),
        LAW(test_a_cancellation_ends_the_present_and_all_later_waits),
        LAW(test_a_task_cancelled_before_it_ran_is_told_at_its_first_wait),
        LAW(test_a_shield_holds_cancellation_back_and_bounds_waits),
        LAW(test_a_limit_bounds_waits_and_lets_a_cancellation_through),
        LAW(test_nested_shields_end_at_the_earlier_deadline),
        LAW(test_a_start_is_refused_by_the_failure_plan),
        LAW(test_stacks_are_reused),
        LAW(test_abandon_drops_tasks_without_unwinding_them),
        LAW(test_deep_stacks_keep_their_contents_over_a_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
