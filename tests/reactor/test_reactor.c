#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "reactor/reactor.h"

static const struct wall_time epoch = {INT64_C(1767381138) * NS_PER_S};

/* A frozen stage: time passes only when a test says so. */
struct stage {
    struct heap *heap;
    struct clock_page *clock;
    struct reactor *reactor;
    char path[64];
    char calls[64]; /* a letter for each callback, in order */
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct error error;
    assert_non_null(stage);
    stage->heap = heap_new();
    assert_non_null(stage->heap);
    (void)text_copy(stage->path, sizeof stage->path, "/tmp/dumont-test-clock-XXXXXX");
    int descriptor = mkstemp(stage->path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    assert_int_equal(clock_page_create(stage->heap, stage->path, epoch, 1000, &stage->clock, &error), ERR_OK);
    clock_page_freeze(stage->clock, true);
    stage->reactor = reactor_new(stage->heap, stage->clock);
    assert_non_null(stage->reactor);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    reactor_free(stage->reactor);
    clock_page_close(stage->clock);
    assert_int_equal(heap_live_blocks(stage->heap), 0);
    heap_free(stage->heap);
    (void)unlink(stage->path);
    free(stage);
    return 0;
}

struct caller {
    struct stage *stage;
    char letter;
    struct reactor_timer timer;
    struct reactor_watch watch;
    struct caller *other;
};

static void note_call(struct caller *caller)
{
    size_t length = strlen(caller->stage->calls);
    caller->stage->calls[length] = caller->letter;
}

static void timer_happens(void *owner)
{
    note_call(owner);
}

static void arm(struct caller *caller, int64_t after_ns)
{
    int64_t due_ns = reactor_now_ns(caller->stage->reactor) + after_ns;
    assert_true(reactor_arm(caller->stage->reactor, &caller->timer, REACTOR_STAGE, due_ns, timer_happens, caller));
}

static void test_timers_come_in_the_order_of_their_moments_and_not_before(void **state)
{
    struct stage *stage = *state;
    struct caller a = {.stage = stage, .letter = 'a'};
    struct caller b = {.stage = stage, .letter = 'b'};
    struct caller c = {.stage = stage, .letter = 'c'};
    arm(&a, 30 * NS_PER_S);
    arm(&b, 10 * NS_PER_S);
    arm(&c, 20 * NS_PER_S);
    reactor_turn(stage->reactor, false);
    assert_string_equal(stage->calls, "");
    clock_page_advance(stage->clock, 20 * NS_PER_S);
    reactor_turn(stage->reactor, true);
    assert_string_equal(stage->calls, "bc");
    reactor_disarm(stage->reactor, &a.timer);
    clock_page_advance(stage->clock, NS_PER_HOUR);
    reactor_turn(stage->reactor, false);
    assert_string_equal(stage->calls, "bc");
}

static void rearm(void *owner)
{
    note_call(owner);
    arm(owner, 0);
}

static void test_a_timer_that_arms_itself_for_now_does_not_keep_the_turn(void **state)
{
    struct stage *stage = *state;
    struct caller a = {.stage = stage, .letter = 'a'};
    assert_true(reactor_arm(stage->reactor, &a.timer, REACTOR_STAGE, 0, rearm, &a));
    reactor_turn(stage->reactor, true);
    assert_string_equal(stage->calls, "a");
    reactor_disarm(stage->reactor, &a.timer);
}

static void unwatch_other(void *context, unsigned ready)
{
    struct caller *caller = context;
    assert_int_equal(ready, REACTOR_READ);
    note_call(caller);
    reactor_unwatch(caller->stage->reactor, &caller->other->watch);
    reactor_unwatch(caller->stage->reactor, &caller->watch);
}

static void test_a_watch_that_was_removed_is_not_called_in_the_same_turn(void **state)
{
    struct stage *stage = *state;
    int pipes[2][2];
    struct caller callers[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        assert_int_equal(write(pipes[i][1], "x", 1), 1);
        callers[i] = (struct caller){.stage = stage, .letter = 'w', .other = &callers[1 - i]};
        callers[i].watch =
            (struct reactor_watch){.descriptor = pipes[i][0], .ready = unwatch_other, .context = &callers[i]};
        assert_true(reactor_watch(stage->reactor, &callers[i].watch, REACTOR_READ));
    }
    reactor_turn(stage->reactor, true);
    assert_string_equal(stage->calls, "w");
    for (size_t i = 0; i < 2; i++) {
        (void)close(pipes[i][0]);
        (void)close(pipes[i][1]);
    }
}

/* Whatever its maker does to it, the stage's time never goes back, and both who have the page open see the same. */
static void test_a_clock_page_never_goes_back_and_is_the_same_for_all(void **state)
{
    struct stage *stage = *state;
    struct clock_page *seen;
    struct error error;
    assert_int_equal(clock_page_open(stage->heap, stage->path, &seen, &error), ERR_OK);
    assert_true(clock_page_is_shared(seen));
    int64_t before_ns = clock_page_now_ns(seen);
    clock_page_freeze(stage->clock, false);
    clock_page_set_speed(stage->clock, 60000);
    clock_page_advance(stage->clock, 5 * NS_PER_S);
    clock_page_set_speed(stage->clock, 1);
    clock_page_freeze(stage->clock, true);
    int64_t after_ns = clock_page_now_ns(seen);
    assert_true(after_ns >= before_ns + 5 * NS_PER_S);
    assert_int_equal(after_ns, clock_page_now_ns(stage->clock));
    assert_int_equal(clock_page_wall_now(seen).unix_ns, epoch.unix_ns + after_ns);
    assert_int_equal(clock_page_monotonic_at_ns(seen, after_ns + 1), TIME_NEVER_NS);
    clock_page_close(seen);
}

static void test_a_clock_page_says_what_is_rehearsed_and_its_texts_end(void **state)
{
    struct stage *stage = *state;
    struct clock_page *seen;
    struct error error;
    struct clock_stage told = {
        .scenario = "slow-boot", .timing = "a recording", .boot_from = "measured", .seed = UINT64_MAX};
    memset(told.ssh_from, 'x', sizeof told.ssh_from);
    clock_page_describe(stage->clock, &told);
    assert_int_equal(clock_page_open(stage->heap, stage->path, &seen, &error), ERR_OK);
    const struct clock_stage *heard = clock_page_stage(seen);
    assert_non_null(heard);
    assert_string_equal(heard->scenario, "slow-boot");
    assert_string_equal(heard->timing, "a recording");
    assert_string_equal(heard->boot_from, "measured");
    assert_int_equal(strlen(heard->ssh_from), sizeof told.ssh_from - 1);
    assert_true(heard->seed == UINT64_MAX);
    clock_page_close(seen);
}

static void test_what_is_no_clock_page_is_refused(void **state)
{
    struct stage *stage = *state;
    struct clock_page *page;
    struct error error;
    char path[] = "/tmp/dumont-test-noclock-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(clock_page_open(stage->heap, path, &page, &error), ERR_INPUT_INVALID);
    assert_int_equal(ftruncate(descriptor, 56), 0);
    assert_int_equal(clock_page_open(stage->heap, path, &page, &error), ERR_INPUT_INVALID);
    (void)close(descriptor);
    (void)unlink(path);
    assert_int_equal(clock_page_open(stage->heap, path, &page, &error), ERR_INPUT_UNREADABLE);
    assert_int_equal(clock_page_open(stage->heap, "/tmp", &page, &error), ERR_INPUT_INVALID);
}

static void test_a_real_clock_runs_at_the_rate_of_the_machines_own(void **state)
{
    struct stage *stage = *state;
    struct clock_page *real = clock_page_real(stage->heap);
    assert_non_null(real);
    int64_t due_ns = clock_page_now_ns(real) + NS_PER_S;
    int64_t at_ns = clock_page_monotonic_at_ns(real, due_ns);
    assert_in_range(at_ns - monotonic_now_ns(), 0, NS_PER_S + 2);
    assert_false(clock_page_is_shared(real));
    assert_null(clock_page_stage(real));
    clock_page_close(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timers_come_in_the_order_of_their_moments_and_not_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_timer_that_arms_itself_for_now_does_not_keep_the_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_watch_that_was_removed_is_not_called_in_the_same_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_page_never_goes_back_and_is_the_same_for_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_page_says_what_is_rehearsed_and_its_texts_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_clock_page_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_real_clock_runs_at_the_rate_of_the_machines_own, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("reactor", tests, NULL, NULL);
}
