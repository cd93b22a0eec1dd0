#include "vast/retry.h"

#include "scripted_world.h"
#include "testing.h"

enum { PAUSES_MAX = 16 };

static struct scripted_world scripted;

/* A call that fails always alike, asked again until it is final. */
struct failing {
    enum error_code code;
    int64_t retry_after_ns;
    int attempts;
    int64_t limit_ns;
    int64_t shield_ns; /* 0: none */
    int made;
    int64_t pauses_ns[PAUSES_MAX];
    int64_t ended_ns;
    struct error error;
};

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

static void fail_until_final(void *argument)
{
    struct failing *failing = argument;
    struct world *world = &scripted.world;
    struct shield shield = {0};
    if (failing->shield_ns != 0) {
        shield = task_shield_begin(world->scheduler, scripted.now_ns + failing->shield_ns);
    }
    struct retry retry = retry_begin(world, "search", 1, failing->attempts, scripted.now_ns + failing->limit_ns);
    for (;;) {
        failing->made++;
        (void)error_set(&failing->error, failing->code, "it failed");
        failing->error.retry_after_ns = failing->retry_after_ns;
        int64_t before_ns = scripted.now_ns;
        if (!retry_again(&retry, &failing->error)) {
            break;
        }
        assert_true(failing->made <= PAUSES_MAX);
        failing->pauses_ns[failing->made - 1] = scripted.now_ns - before_ns;
    }
    if (failing->shield_ns != 0) {
        task_shield_end(world->scheduler, shield);
    }
    failing->ended_ns = scripted.now_ns;
}

static struct failing failing_with(enum error_code code, int attempts)
{
    return (struct failing){.code = code, .attempts = attempts, .limit_ns = NS_PER_HOUR};
}

/* Asked again are exactly the errors of the classes SAFE and LATER. */
static void test_only_what_may_be_asked_again_is_asked_again(void **state)
{
    (void)state;
    for (int code = ERR_OK + 1; code < ERROR_COUNT; code++) {
        struct failing failing = failing_with((enum error_code)code, 2);
        scripted_world_run(&scripted, fail_until_final, &failing);
        enum retry_class class = error_retry_class((enum error_code)code);
        assert_int_equal(failing.made, class == RETRY_SAFE || class == RETRY_LATER ? 2 : 1);
        assert_int_equal(failing.error.code, code);
    }
}

/* The attempts are bounded, the first one counts, and the last failure is followed by no pause. */
static void test_attempts_are_bounded(void **state)
{
    (void)state;
    for (int attempts = 1; attempts <= 5; attempts++) {
        struct failing failing = failing_with(ERR_SERVER_ERROR, attempts);
        scripted_world_run(&scripted, fail_until_final, &failing);
        assert_int_equal(failing.made, attempts);
        assert_int_equal(failing.pauses_ns[attempts - 1], 0);
    }
    assert_int_equal(count_lines(&scripted.notes, "fault.seen", "waited and asked again"), 0 + 1 + 2 + 3 + 4);
    assert_int_equal(count_lines(&scripted.notes, "fault.seen", "gave up"), 5);
}

/* Pauses double from three seconds to a minute; jitter only lengthens them, by at most a quarter. */
static void test_pauses_double_and_are_jittered_upward(void **state)
{
    (void)state;
    static const int64_t pauses_s[] = {3, 6, 12, 24, 48, 60, 60, 60};
    static const uint64_t draws[] = {0, UINT64_MAX, UINT64_C(0x8000000000000000), UINT64_C(0x0123456789ABCDEF), 12345};
    bool beyond_a_tenth = false;
    for (size_t d = 0; d < ARRAY_LENGTH(draws); d++) {
        scripted.random = draws[d];
        struct failing failing = failing_with(ERR_RATE_LIMITED, 9);
        scripted_world_run(&scripted, fail_until_final, &failing);
        for (size_t i = 0; i < ARRAY_LENGTH(pauses_s); i++) {
            int64_t least_ns = pauses_s[i] * NS_PER_S;
            assert_in_range(failing.pauses_ns[i], least_ns, least_ns + least_ns / 4);
            assert_true(draws[d] != 0 || failing.pauses_ns[i] == least_ns);
            beyond_a_tenth = beyond_a_tenth || (pauses_s[i] == 60 && failing.pauses_ns[i] > least_ns + least_ns / 10);
        }
    }
    assert_true(beyond_a_tenth); /* long pauses are spread as far as short ones */
}

/* The server's own wish is a lower bound. */
static void test_a_pause_is_never_shorter_than_the_server_wishes(void **state)
{
    (void)state;
    struct failing failing = failing_with(ERR_RATE_LIMITED, 4);
    failing.retry_after_ns = 10 * NS_PER_S;
    scripted_world_run(&scripted, fail_until_final, &failing);
    assert_int_equal(failing.pauses_ns[0], 10 * NS_PER_S);
    assert_int_equal(failing.pauses_ns[1], 10 * NS_PER_S);
    assert_int_equal(failing.pauses_ns[2], 12 * NS_PER_S);
}

/* A pause that would end at or after the deadline is not begun. */
static void test_no_pause_goes_past_the_deadline(void **state)
{
    (void)state;
    for (int64_t extra_ns = 0; extra_ns <= 1; extra_ns++) {
        int64_t began_ns = scripted.now_ns;
        struct failing failing = failing_with(ERR_TIMED_OUT, 100);
        failing.limit_ns = 9 * NS_PER_S + extra_ns;
        scripted_world_run(&scripted, fail_until_final, &failing);
        assert_int_equal(failing.made, 2 + extra_ns);
        assert_int_equal(failing.ended_ns - began_ns, (3 + 6 * extra_ns) * NS_PER_S);
        assert_int_equal(failing.error.code, ERR_TIMED_OUT);
    }
}

/* A shield that ends during the pause ends the asking; it does not turn for ever at one moment. */
static void test_a_shield_that_ends_ends_the_asking(void **state)
{
    (void)state;
    struct failing failing = failing_with(ERR_TIMED_OUT, 1000);
    failing.shield_ns = 5 * NS_PER_S;
    scripted_world_run(&scripted, fail_until_final, &failing);
    assert_int_equal(failing.made, 2);
    assert_int_equal(failing.error.code, ERR_TIMED_OUT);
}

/* An interruption ends the pause at once and says so. */
static void test_an_interruption_ends_the_pause(void **state)
{
    (void)state;
    struct failing failing = failing_with(ERR_SERVER_ERROR, 5);
    int64_t began_ns = scripted.now_ns;
    scripted.cancel_at_ns = began_ns + NS_PER_S;
    scripted_world_run(&scripted, fail_until_final, &failing);
    assert_int_equal(failing.made, 1);
    assert_int_equal(failing.ended_ns - began_ns, NS_PER_S);
    assert_int_equal(failing.error.code, ERR_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_only_what_may_be_asked_again_is_asked_again),
        LAW(test_attempts_are_bounded),
        LAW(test_pauses_double_and_are_jittered_upward),
        LAW(test_a_pause_is_never_shorter_than_the_server_wishes),
        LAW(test_no_pause_goes_past_the_deadline),
        LAW(test_a_shield_that_ends_ends_the_asking),
        LAW(test_an_interruption_ends_the_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
