/*
 * Whatever happens to the client, and whenever: no machine is left, none is doubled.
 */
#include "stage.h"

/* Scenarios in which a crash hurts most, and the plain run. */
static const char *const scenarios[] = {
    "seed-run",         "create-response-lost", "create-response-lost-reset", "offer-taken", "destroy-false-success",
    "destroy-rejected", "ssh-drop-mid-command"};

static uint64_t steps_of(struct stage *stage)
{
    stage_play(stage, (struct rehearsal_variation){0});
    assert_int_equal(stage->result.end, RUN_FINISHED);
    return stage->result.steps;
}

static void assert_clean(const struct stage *stage, const char *scenario, const char *what, uint64_t at)
{
    const struct rehearsal_result *result = &stage->result;
    if (result->end != RUN_FINISHED || result->machines_left != 0 || result->machines_at_once > 1) {
        fail_msg("%s: %s %llu: %s, %zu left, %zu at once", scenario, what, (unsigned long long)at,
                 result->end == RUN_FINISHED ? "finished" : "stuck", result->machines_left, result->machines_at_once);
    }
}

/* Killed at any step and started again to reap, the client leaves nothing and doubles nothing. */
static void test_a_kill_at_any_step_leaves_no_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        struct stage stage = stage_open(scenarios[i]);
        uint64_t steps = steps_of(&stage);
        assert_true(steps > 50);
        for (uint64_t step = 1; step <= steps; step++) {
            stage_play(&stage, (struct rehearsal_variation){.kill_at = step, .reap_after_kill = true});
            assert_clean(&stage, scenarios[i], "killed at step", step);
        }
        stage_close(&stage);
    }
}

/* The law above has teeth: without the reaping, some kills do leave a machine. */
static void test_a_kill_without_reaping_does_leave_machines(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    uint64_t steps = steps_of(&stage);
    size_t left = 0;
    for (uint64_t step = 1; step <= steps; step++) {
        stage_play(&stage, (struct rehearsal_variation){.kill_at = step});
        left += stage.result.machines_left;
    }
    assert_true(left > steps / 2);
    stage_close(&stage);
}

/* A reaper that is killed as well is finished by the next one. */
static void test_a_second_kill_while_reaping_leaves_no_machine(void **state)
{
    (void)state;
    struct stage stage = stage_open("create-response-lost");
    uint64_t steps = steps_of(&stage);
    for (uint64_t step = 5; step <= steps; step += 7) {
        stage_play(&stage, (struct rehearsal_variation){.kill_at = step, .reap_after_kill = true});
        uint64_t all_steps = stage.result.steps;
        for (uint64_t again = step + 1; again <= all_steps; again++) {
            stage_play(&stage,
                       (struct rehearsal_variation){.kill_at = step, .reap_after_kill = true, .kill_again_at = again});
            assert_clean(&stage, "create-response-lost", "killed twice, again at step", again);
        }
    }
    stage_close(&stage);
}

/* A signal at any step ends the run with what was rented destroyed, and nothing of the client left in memory. */
static void test_a_signal_at_any_step_leaves_no_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        struct stage stage = stage_open(scenarios[i]);
        uint64_t steps = steps_of(&stage);
        for (uint64_t step = 1; step <= steps; step++) {
            stage_play(&stage, (struct rehearsal_variation){.interrupt_at = step});
            assert_clean(&stage, scenarios[i], "interrupted at step", step);
            bool documented = stage.result.status == EXIT_INTERRUPTED || stage.result.status == EXIT_DONE;
            assert_true(documented);
            assert_int_equal(stage.result.leaked_blocks, 0);
        }
        stage_close(&stage);
    }
}

/* Every allocation fails once, transiently or for good, until a run is clean: no crash, no leak, no machine left. */
static void torture(const char *scenario, bool persistent)
{
    struct stage stage = stage_open(scenario);
    uint64_t nth = 0;
    do {
        nth++;
        stage_play(&stage,
                   (struct rehearsal_variation){.fail_allocation = nth, .fail_all_later_allocations = persistent});
        assert_clean(&stage, scenario, "failed allocation", nth);
        assert_int_equal(stage.result.leaked_blocks, 0);
    } while (stage.result.refused_allocations > 0);
    assert_true(nth > 4);
    stage_close(&stage);
}

static void test_a_failed_allocation_leaves_no_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        torture(scenarios[i], false);
    }
}

static void test_memory_that_is_gone_for_good_leaves_no_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        torture(scenarios[i], true);
    }
}

/* A clean run gives all memory back. */
static void test_a_run_leaks_nothing(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    assert_int_equal(stage.result.leaked_blocks, 0);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kill_at_any_step_leaves_no_machine),
        cmocka_unit_test(test_a_kill_without_reaping_does_leave_machines),
        cmocka_unit_test(test_a_second_kill_while_reaping_leaves_no_machine),
        cmocka_unit_test(test_a_signal_at_any_step_leaves_no_machine),
        cmocka_unit_test(test_a_failed_allocation_leaves_no_machine),
        cmocka_unit_test(test_memory_that_is_gone_for_good_leaves_no_machine),
        cmocka_unit_test(test_a_run_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
