/*
 * Same scenario and seed: the same bytes. Another seed: other bytes. Faults that do not act: the same bytes.
 */
#include "stage.h"

/* Two runs of one stage, and a run of a second stage, write the same history. */
static void test_the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const scenarios[] = {"seed-run", "create-response-lost", "rate-limit-429", "ssh-banner-stall"};
    for (size_t i = 0; i < ARRAY_LENGTH(scenarios); i++) {
        struct stage stage = stage_open(scenarios[i]);
        struct stage other = stage_open(scenarios[i]);
        stage_play(&stage, (struct rehearsal_variation){0});
        char *first = stage_history(&stage);
        stage_play(&stage, (struct rehearsal_variation){0});
        char *second = stage_history(&stage);
        stage_play(&other, (struct rehearsal_variation){0});
        assert_string_equal(first, second);
        assert_string_equal(first, stage_history(&other));
        assert_true(strlen(first) > 1000);
        stage_close(&stage);
        stage_close(&other);
    }
}

/* Also when the client is killed and reaps. */
static void test_the_same_kill_gives_the_same_bytes(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    struct rehearsal_variation variation = {.kill_at = 31, .reap_after_kill = true};
    stage_play(&stage, variation);
    char *first = stage_history(&stage);
    stage_play(&stage, variation);
    assert_string_equal(first, stage_history(&stage));
    stage_close(&stage);
}

static void test_another_seed_gives_another_history(void **state)
{
    (void)state;
    struct stage one = stage_open("seed-run");
    struct stage two = stage_open("seed-run");
    two.scenario->cloud.seed = 2;
    rehearsal_free(two.rehearsal);
    stage_set(&two);
    stage_play(&one, (struct rehearsal_variation){0});
    stage_play(&two, (struct rehearsal_variation){0});
    assert_string_not_equal(stage_history(&one), stage_history(&two));
    stage_close(&one);
    stage_close(&two);
}

static void test_another_run_of_a_seed_gives_another_history(void **state)
{
    (void)state;
    struct stage stage = stage_open("seed-run");
    stage_play(&stage, (struct rehearsal_variation){0});
    char *first = stage_history(&stage);
    stage_play(&stage, (struct rehearsal_variation){.run = 1});
    assert_string_not_equal(first, stage_history(&stage));
    stage_close(&stage);
}

/* The name of the scenario stands in its history; everything else must be equal. */
static void test_faults_that_are_inactive_change_no_byte(void **state)
{
    (void)state;
    struct stage plain = stage_open("seed-run");
    struct stage listed = stage_open("inactive-faults");
    (void)text_copy(listed.scenario->cloud.name, sizeof listed.scenario->cloud.name, "seed-run");
    stage_play(&plain, (struct rehearsal_variation){0});
    stage_play(&listed, (struct rehearsal_variation){0});
    assert_string_equal(stage_history(&plain), stage_history(&listed));
    stage_close(&plain);
    stage_close(&listed);
}

/* The account's key never stands in a history. */
static void test_no_history_holds_the_key(void **state)
{
    (void)state;
    struct stage stage = stage_open("wrong-key");
    stage_play(&stage, (struct rehearsal_variation){0});
    assert_null(strstr(stage_history(&stage), "rehearsal-key-"));
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(test_the_same_kill_gives_the_same_bytes),
        cmocka_unit_test(test_another_seed_gives_another_history),
        cmocka_unit_test(test_another_run_of_a_seed_gives_another_history),
        cmocka_unit_test(test_faults_that_are_inactive_change_no_byte),
        cmocka_unit_test(test_no_history_holds_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
