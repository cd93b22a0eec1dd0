/*
 * The retry profile: what repeats a failed request, how far apart, and by which rule.
 */
#include "planted.h"

/* A show fails, is repeated after those pauses, and the last one is answered. Pauses in ms, up to a negative one. */
static void plant_retries(struct planted *planted, int64_t at_ms, const int64_t *pauses)
{
    for (size_t i = 0;; i++) {
        bool last = pauses[i] < 0;
        (void)planted_request(planted, API_SHOW, 77, at_ms, last ? 200 : 503);
        if (last) {
            return;
        }
        at_ms += LATENCY_MS + pauses[i];
    }
}

static struct verdict_group judged_group(const int64_t *pauses)
{
    struct planted planted;
    planted_begin(&planted);
    plant_retries(&planted, 1000, pauses);
    const struct verdict *verdict = planted_judge(&planted);
    const struct verdict_endpoint *endpoint = planted_endpoint(verdict, API_SHOW);
    assert_int_equal(endpoint->group_count, 1);
    struct verdict_group group = verdict->groups[endpoint->first_group];
    assert_int_equal(endpoint->pace, group.pace);
    planted_end(&planted);
    return group;
}

static void test_growing_pauses_are_a_back_off(void **state)
{
    static const int64_t doubling[] = {1000, 2000, 4000, 8000, -1};
    static const int64_t stepping[] = {1000, 3000, 5000, 7000, -1};
    static const int64_t capped[] = {1000, 2000, 4000, 5000, 5000, 5000, -1};
    static const int64_t jittered[] = {1100, 1700, 4600, 6900, 17000, -1};
    (void)state;
    assert_int_equal(judged_group(doubling).pace, PACE_GROWING);
    assert_int_equal(judged_group(doubling).jitter, JITTER_NONE);
    assert_int_equal(judged_group(stepping).pace, PACE_GROWING);
    assert_int_equal(judged_group(stepping).jitter, JITTER_NONE);
    assert_int_equal(judged_group(capped).pace, PACE_GROWING);
    assert_int_equal(judged_group(capped).jitter, JITTER_NONE);
    assert_int_equal(judged_group(jittered).pace, PACE_GROWING);
    assert_int_equal(judged_group(jittered).jitter, JITTER_SEEN);
}

static void test_equal_pauses_are_none(void **state)
{
    static const int64_t equal[] = {2000, 2000, 2000, 2000, -1};
    static const int64_t nearly[] = {2000, 2020, 1990, 2005, -1}; /* as a loop on real time makes them */
    (void)state;
    assert_int_equal(judged_group(equal).pace, PACE_STEADY);
    assert_int_equal(judged_group(equal).jitter, JITTER_NONE);
    assert_int_equal(judged_group(nearly).pace, PACE_STEADY);
    assert_int_equal(judged_group(nearly).jitter, JITTER_NONE);
}

static void test_pauses_without_a_rule_are_jittered(void **state)
{
    static const int64_t drawn[] = {2000, 900, 2700, 1400, 300, -1};
    (void)state;
    assert_int_equal(judged_group(drawn).pace, PACE_UNEVEN);
    assert_int_equal(judged_group(drawn).jitter, JITTER_SEEN);
}

static void test_too_few_pauses_say_nothing(void **state)
{
    static const int64_t one[] = {2000, -1};
    static const int64_t two[] = {2000, 2000, -1};
    (void)state;
    assert_int_equal(judged_group(one).pace, PACE_UNKNOWN);
    assert_int_equal(judged_group(one).jitter, JITTER_UNKNOWN);
    assert_int_equal(judged_group(two).pace, PACE_STEADY);
    assert_int_equal(judged_group(two).jitter, JITTER_UNKNOWN);
}

static void test_a_group_is_counted_and_measured(void **state)
{
    static const int64_t pauses[] = {1000, 4000, 2000, -1};
    (void)state;
    struct verdict_group group = judged_group(pauses);
    assert_int_equal(group.attempts, 4);
    assert_true(group.answered);
    assert_false(group.from_start);
    assert_int_equal(group.subject, 77);
    assert_int_equal(group.first_ordinal, 1);
    assert_int_equal(group.pauses.count, 3);
    assert_int_equal(group.pauses.least_ns, NS_PER_S);
    assert_int_equal(group.pauses.median_ns, 2 * NS_PER_S);
    assert_int_equal(group.pauses.most_ns, 4 * NS_PER_S);
    assert_int_equal(group.shown_ns[1], 4 * NS_PER_S);
}

/* The same pause of two groups differs: the client draws it. */
static void test_groups_that_differ_show_jitter(void **state)
{
    static const int64_t first[] = {1000, 2000, -1};
    static const int64_t second[] = {1400, 2300, -1};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct planted planted;
        planted_begin(&planted);
        plant_retries(&planted, 1000, first);
        plant_retries(&planted, 60000, i == 0 ? first : second);
        const struct verdict_endpoint *endpoint = planted_endpoint(planted_judge(&planted), API_SHOW);
        assert_int_equal(endpoint->group_count, 2);
        assert_int_equal(endpoint->jitter, i == 0 ? JITTER_UNKNOWN : JITTER_SEEN);
        planted_end(&planted);
    }
}

/* Polls that are answered are no retries, and neither is what another machine is asked meanwhile. */
static void test_answers_and_other_machines_are_no_retries(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    for (int i = 0; i < 5; i++) {
        (void)planted_request(&planted, API_SHOW, 77, 1000 + 10000 * i, 200);
        (void)planted_request(&planted, API_SHOW, 78, 2000 + 10000 * i, i == 1 ? 500 : 404);
    }
    const struct verdict *verdict = planted_judge(&planted);
    const struct verdict_endpoint *endpoint = planted_endpoint(verdict, API_SHOW);
    assert_int_equal(endpoint->group_count, 1);
    assert_int_equal(verdict->groups[endpoint->first_group].subject, 78);
    assert_int_equal(verdict->groups[endpoint->first_group].attempts, 2);
    assert_int_equal(endpoint->spacing.least_ns, 10 * NS_PER_S);
    assert_int_equal(endpoint->spacing.most_ns, 10 * NS_PER_S);
    assert_int_equal(endpoint->spacing.count, 8);
    planted_end(&planted);
}

/* Of a silent reply the pause begins when the client gives up; unless it was not seen to. */
static void test_a_pause_begins_when_the_client_gives_up(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++) {
        struct planted planted;
        planted_begin(&planted);
        struct verdict_request *request = planted_request(&planted, API_SHOW, 77, 1000, 200);
        planted_lose(request, 5000);
        request->left_ns = seen == 1 ? request->left_ns : TIME_NEVER_NS;
        (void)planted_request(&planted, API_SHOW, 77, 7000, 200);
        const struct verdict *verdict = planted_judge(&planted);
        assert_int_equal(verdict->group_count, 1);
        assert_int_equal(verdict->groups[0].pauses.median_ns, seen == 1 ? NS_PER_S : 6 * NS_PER_S);
        assert_int_equal(verdict->groups[0].from_start, seen == 0);
        planted_end(&planted);
    }
}

static void test_hasty_repetitions_are_found(void **state)
{
    static const int64_t hasty[] = {10, 10, 10, 10, -1};
    static const int64_t patient[] = {1000, 1000, 1000, 1000, -1};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct planted planted;
        planted_begin(&planted);
        plant_retries(&planted, 1000, i == 0 ? hasty : patient);
        assert_int_equal(planted_judge(&planted)->found[FINDING_BUSY_RETRIES], i == 0 ? 1 : 0);
        planted_end(&planted);
    }
}

static void test_requests_too_close_break_the_limit(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    (void)planted_request(&planted, API_SHOW, 77, 0, 200);
    (void)planted_request(&planted, API_SHOW, 78, 1999, 429); /* 2 s are documented, whatever the machine */
    (void)planted_request(&planted, API_SHOW, 77, 3999, 200);
    (void)planted_request(&planted, API_SHOW, 77, 4999, 200);
    const struct verdict *verdict = planted_judge(&planted);
    assert_int_equal(verdict->rate_limits_broken, 2);
    assert_int_equal(planted_endpoint(verdict, API_SHOW)->broken, 2);
    assert_int_equal(planted_endpoint(verdict, API_SHOW)->tightest_ns, NS_PER_S);
    assert_int_equal(verdict->found[FINDING_RATE_LIMIT_BROKEN], 1);
    planted_end(&planted);
}

/* Of searches ten are allowed in a minute, however close together. */
static void test_searches_are_counted_by_the_minute(void **state)
{
    struct planted planted;
    (void)state;
    planted_begin(&planted);
    for (int i = 0; i < 12; i++) {
        (void)planted_request(&planted, API_SEARCH, 0, 500 * i, 200);
    }
    (void)planted_request(&planted, API_SEARCH, 0, 60000, 200);
    assert_int_equal(planted_judge(&planted)->rate_limits_broken, 2);
    planted_end(&planted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing_pauses_are_a_back_off),
        cmocka_unit_test(test_equal_pauses_are_none),
        cmocka_unit_test(test_pauses_without_a_rule_are_jittered),
        cmocka_unit_test(test_too_few_pauses_say_nothing),
        cmocka_unit_test(test_a_group_is_counted_and_measured),
        cmocka_unit_test(test_groups_that_differ_show_jitter),
        cmocka_unit_test(test_answers_and_other_machines_are_no_retries),
        cmocka_unit_test(test_a_pause_begins_when_the_client_gives_up),
        cmocka_unit_test(test_hasty_repetitions_are_found),
        cmocka_unit_test(test_requests_too_close_break_the_limit),
        cmocka_unit_test(test_searches_are_counted_by_the_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
