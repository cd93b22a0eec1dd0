#include "recordings.h"

#include "base/units.h"
#include "fakes/timing/timing.h"

enum { POLLS_MAX = 64 };

static const struct timing_draw no_draw = {0, 0};

/* What a client sees that creates, polls until running and then tries SSH; times from the start of wait_running. */
struct replay {
    int64_t poll_at_ns[POLLS_MAX];
    enum actual_status poll_status[POLLS_MAX];
    size_t polls;
    int64_t wait_running_ns;
    int64_t ssh_failures;
    int64_t wait_ssh_ns;
};

static void replay_client(const struct timing *timing, int64_t poll_sleep_ns, int64_t ssh_sleep_ns,
                          struct replay *replay)
{
    struct machine_timeline timeline;
    int64_t effect_ns;
    int64_t create_ns = timing_latency_ns(timing, no_draw, API_CREATE, 0, &effect_ns);
    int64_t start_ns = create_ns - effect_ns; /* of the wait, since the create took effect */
    int64_t now_ns = start_ns;
    timing_timeline(timing, no_draw, 0, &timeline);
    memset(replay, 0, sizeof *replay);
    enum actual_status status = ACTUAL_PROVISIONING;
    while (status != ACTUAL_RUNNING && replay->polls < POLLS_MAX) {
        now_ns += replay->polls == 0 ? 0 : poll_sleep_ns;
        int64_t show_ns = timing_latency_ns(timing, no_draw, API_SHOW, (uint32_t)replay->polls, &effect_ns);
        const struct status_step *step = timeline_status_at(&timeline, now_ns + effect_ns);
        status = step == NULL ? ACTUAL_PROVISIONING : step->status;
        now_ns += show_ns;
        replay->poll_at_ns[replay->polls] = now_ns - start_ns;
        replay->poll_status[replay->polls++] = status;
    }
    replay->wait_running_ns = now_ns - start_ns;
    while (timeline_ssh_at(&timeline, SSH_PORT_PROXY, now_ns) != SSH_STAGE_READY && replay->ssh_failures < POLLS_MAX) {
        now_ns += timing->refused_ns + ssh_sleep_ns;
        replay->ssh_failures++;
    }
    int64_t connect_ns;
    int64_t command_ns;
    timing_ssh_session_ns(timing, no_draw, 0, 0, &connect_ns, &command_ns);
    replay->wait_ssh_ns = now_ns - start_ns - replay->wait_running_ns + connect_ns + command_ns;
}

static int64_t sessions_ns(const struct timing *timing, size_t first, size_t count)
{
    int64_t sum_ns = 0;
    for (size_t i = first; i < first + count; i++) {
        sum_ns += timing->ssh_session_ns[i];
    }
    return sum_ns;
}

static void plan_of(const char *name, struct timing *timing)
{
    static struct recording recording;
    load_recording(name, &recording);
    timing_from_recording(&recording, timing);
}

/* A client with the recorded habits sees the seed run's statuses at the recorded times, to the nanosecond. */
static void test_the_seed_run_comes_back_exactly(void **state)
{
    (void)state;
    static const enum actual_status seen[] = {ACTUAL_PROVISIONING, ACTUAL_PROVISIONING, ACTUAL_LOADING, ACTUAL_LOADING,
                                              ACTUAL_LOADING,      ACTUAL_LOADING,      ACTUAL_LOADING, ACTUAL_RUNNING};
    struct timing timing;
    struct replay replay;
    plan_of("seed-run-2026-01-02.json", &timing);
    replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &replay);
    assert_int_equal(replay.polls, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(replay.poll_at_ns[i],
                         ((int64_t)i * 10000 + (int64_t)(i + 1) * 346) * NS_PER_MS + (int64_t)(i + 1) * NS_PER_MS / 4);
        assert_int_equal(replay.poll_status[i], seen[i]);
    }
    assert_int_equal(replay.wait_running_ns, 72770 * NS_PER_MS);
    assert_int_equal(replay.ssh_failures, 1);
    assert_int_equal(replay.wait_ssh_ns, 12360 * NS_PER_MS);
    assert_int_equal(timing.refused_ns, 260 * NS_PER_MS);
}

/* The seed run's phases add up to its total, so no time is lost between them. */
static void test_the_seed_runs_phases_add_up(void **state)
{
    (void)state;
    struct timing timing;
    struct replay replay;
    plan_of("seed-run-2026-01-02.json", &timing);
    replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &replay);
    assert_int_equal(timing.ssh_session_count, 6);
    assert_int_equal(sessions_ns(&timing, 1, 2), 4180 * NS_PER_MS);
    assert_int_equal(sessions_ns(&timing, 3, 1), 2130 * NS_PER_MS);
    assert_int_equal(sessions_ns(&timing, 4, 2), 4210 * NS_PER_MS);
    int64_t total_ns = timing.latency_ns[API_SEARCH] + timing.latency_ns[API_CREATE] + replay.wait_running_ns +
                       replay.wait_ssh_ns + sessions_ns(&timing, 1, 5) + timing.latency_ns[API_DESTROY];
    assert_int_equal(total_ns, 98980 * NS_PER_MS);
}

/* A status seen by polling changes half way between the polls around it; SSH half way between the attempts around it. */
static void test_changes_lie_half_way_between_observations(void **state)
{
    (void)state;
    struct timing timing;
    plan_of("seed-run-2026-01-02.json", &timing);
    int64_t wait_start_ns = 795 * NS_PER_MS;   /* half of the create's 1.59 s is after its effect */
    int64_t reply_ns = 346250 * NS_PER_US / 2; /* half of a poll is after its look */
    assert_int_equal(timing.timeline.status_count, 2);
    assert_int_equal(timing.timeline.statuses[0].status, ACTUAL_LOADING);
    assert_int_equal(timing.timeline.statuses[0].after_ns, wait_start_ns + (10690 + 21040) / 2 * NS_PER_MS - reply_ns);
    assert_int_equal(timing.timeline.statuses[1].status, ACTUAL_RUNNING);
    assert_int_equal(timing.timeline.statuses[1].after_ns, wait_start_ns + (62420 + 72770) / 2 * NS_PER_MS - reply_ns);
    assert_int_equal(timing.timeline.ssh_count, 1);
    assert_int_equal(timing.timeline.ssh[0].stage, SSH_STAGE_READY);
    assert_int_equal(timing.timeline.ssh[0].after_ns, wait_start_ns + (72770 + 5130) * NS_PER_MS);
}

/* A client that polls faster sees the machine running earlier: the wait is not hard-coded. */
static void test_a_faster_client_waits_less(void **state)
{
    (void)state;
    struct timing timing;
    struct replay recorded;
    struct replay faster;
    plan_of("seed-run-2026-01-02.json", &timing);
    replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &recorded);
    replay_client(&timing, 2 * NS_PER_S, 1 * NS_PER_S, &faster);
    assert_true(faster.wait_running_ns < recorded.wait_running_ns);
    assert_true(faster.wait_running_ns > 62420 * NS_PER_MS);
    assert_true(faster.polls > recorded.polls);
    assert_true(faster.wait_ssh_ns < recorded.wait_ssh_ns + 10 * NS_PER_S);
}

/* Each other recording gives its own numbers, with the number of polls that fits it. */
static void test_each_recording_gives_its_own_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t polls;
        int64_t wait_running_ns, create_ns;
    } cases[] = {
        {"chat-arena-rtx3060-2026-01-03.json", 4, 31300506115, 531942129},
        {"chat-arena-rtx3080-2026-01-03.json", 7, 62510322332, 814575911},
        {"b2-snapshot-run-2026-01-02.json", 21, 210053844929, 1590 * NS_PER_MS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct timing timing;
        struct replay replay;
        plan_of(cases[i].name, &timing);
        replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &replay);
        assert_int_equal(replay.polls, cases[i].polls);
        int64_t off_ns = replay.wait_running_ns - cases[i].wait_running_ns;
        assert_in_range(off_ns + 21, 0, 42); /* the share of a nanosecond, once a poll */
        assert_int_equal(timing.latency_ns[API_CREATE], cases[i].create_ns);
        assert_int_equal(replay.poll_status[0], ACTUAL_PROVISIONING);
        assert_int_equal(replay.poll_status[replay.polls - 2], ACTUAL_LOADING);
        assert_int_equal(timing.boot_from, PROVENANCE_ASSUMED);
    }
}

/* SSH that answered within one retry pause was ready at once: the whole wait is the session. */
static void test_a_short_wait_for_ssh_is_one_session(void **state)
{
    (void)state;
    struct timing timing;
    struct replay replay;
    plan_of("b2-snapshot-run-2026-01-02.json", &timing);
    replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &replay);
    assert_int_equal(replay.ssh_failures, 0);
    assert_int_equal(replay.wait_ssh_ns, 1593357086);
    assert_int_equal(timing.ssh_session_ns[1], 1593357086); /* later ones: the mean of what is known */
    assert_int_equal(timing.ssh_from, PROVENANCE_DERIVED);
    assert_int_equal(timing.latency_from[API_DESTROY], PROVENANCE_ASSUMED); /* the run ended before it */
    assert_int_equal(timing.latency_ns[API_DESTROY], 480 * NS_PER_MS);
}

/* A phase that is two calls is divided as the defaults are to each other, and nothing of it is lost. */
static void test_a_double_phase_is_divided_without_loss(void **state)
{
    (void)state;
    struct timing timing;
    plan_of("create-destroy-2026-01-03.json", &timing);
    assert_int_equal(timing.latency_ns[API_SEARCH] + timing.latency_ns[API_CREATE], 2167 * NS_PER_MS);
    assert_int_equal(timing.latency_ns[API_SEARCH], scale_rounded(2167 * NS_PER_MS, 126, 285));
    assert_int_equal(timing.latency_ns[API_SHOW] + timing.latency_ns[API_DESTROY], 1694 * NS_PER_MS);
    assert_int_equal(timing.latency_from[API_SHOW], PROVENANCE_DERIVED);
    assert_int_equal(timing.boot_from, PROVENANCE_ASSUMED);
}

/* The defaults are the seed run's plan, so there is one way from a recording to a plan. */
static void test_the_defaults_are_the_seed_runs_plan(void **state)
{
    (void)state;
    struct timing defaults;
    struct timing seed;
    timing_defaults(&defaults);
    plan_of("seed-run-2026-01-02.json", &seed);
    assert_memory_equal(&defaults.timeline, &seed.timeline, sizeof seed.timeline);
    assert_memory_equal(defaults.latency_ns, seed.latency_ns, sizeof seed.latency_ns);
    assert_memory_equal(defaults.ssh_session_ns, seed.ssh_session_ns, sizeof seed.ssh_session_ns);
    assert_int_equal(defaults.latency_ns[API_SHOW], 346250 * NS_PER_US);
    assert_int_equal(defaults.latency_ns[API_ACCOUNT], 556 * NS_PER_MS);
    assert_int_equal(defaults.latency_ns[API_LIST], 827 * NS_PER_MS);
    assert_int_equal(defaults.latency_from[API_SEARCH], PROVENANCE_MEASURED);
    assert_int_equal(defaults.latency_from[API_SHOW], PROVENANCE_DERIVED);
    assert_int_equal(defaults.latency_from[API_OTHER], PROVENANCE_ASSUMED);
}

/* A phase that does not divide evenly among its commands loses no nanosecond. */
static void test_sessions_add_up_to_their_phase_exactly(void **state)
{
    (void)state;
    static struct recording recording;
    struct timing timing;
    load_recording("seed-run-2026-01-02.json", &recording);
    for (size_t i = 0; i < recording.phase_count; i++) {
        if (strcmp(recording.phases[i].name, "create_file") == 0) {
            recording.phases[i].ssh_commands = 7;
            recording.phases[i].seconds_ns = 4180000001;
        }
    }
    timing_from_recording(&recording, &timing);
    assert_int_equal(timing.ssh_session_count, 11);
    assert_int_equal(sessions_ns(&timing, 1, 7), 4180000001);
}

static void plan_of_text(const char *members, struct timing *timing)
{
    static struct recording recording;
    char text[512];
    struct error error = {0};
    (void)snprintf(text, sizeof text, "{\"schema_version\":1,\"kind\":\"run\",\"name\":\"odd\",%s}", members);
    assert_int_equal(recording_parse(span_of(text), "odd", &recording, &error), ERR_OK);
    timing_from_recording(&recording, timing);
}

/* A wait for SSH may hold several refusals: all of them come back, with the recorded split or without. */
static void test_every_refusal_comes_back(void **state)
{
    (void)state;
    static const char *const waits[] = {
        "{\"name\":\"wait_ssh\",\"seconds\":32.88,\"split\":{\"failed_attempt_s\":0.26,\"sleep_s\":10,"
        "\"successful_attempt_s\":2.1}}",
        "{\"name\":\"wait_ssh\",\"seconds\":32.88}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(waits); i++) {
        char members[300];
        struct timing timing;
        struct replay replay;
        (void)snprintf(members, sizeof members, "\"phases\":[{\"name\":\"wait_running\",\"seconds\":72.77},%s]",
                       waits[i]);
        plan_of_text(members, &timing);
        replay_client(&timing, 10 * NS_PER_S, 10 * NS_PER_S, &replay);
        assert_int_equal(replay.ssh_failures, 3);
        assert_int_equal(replay.wait_ssh_ns, 32880 * NS_PER_MS);
    }
}

/* A machine that was never seen running is never reached. */
static void test_a_machine_that_never_ran_is_never_reached(void **state)
{
    (void)state;
    struct timing timing;
    plan_of_text("\"phases\":[],\"status_timeline\":[{\"at_s\":10,\"actual_status\":\"loading\"}]", &timing);
    assert_int_equal(timing.timeline.status_count, 1);
    assert_int_equal(timeline_ssh_at(&timing.timeline, SSH_PORT_PROXY, 1000000 * NS_PER_S), SSH_STAGE_REFUSED);
}

/* Without jitter a plan does not depend on the seed; with it, it does, stays within its bound, and repeats. */
static void test_jitter_is_drawn_and_bounded(void **state)
{
    (void)state;
    struct timing timing;
    int64_t effect_ns;
    timing_defaults(&timing);
    struct timing_draw one = {1, 0};
    struct timing_draw two = {2, 0};
    assert_int_equal(timing_latency_ns(&timing, one, API_CREATE, 0, &effect_ns),
                     timing_latency_ns(&timing, two, API_CREATE, 0, &effect_ns));
    timing.jitter_permille = 100;
    int64_t first_ns = timing_latency_ns(&timing, one, API_CREATE, 0, &effect_ns);
    assert_int_equal(timing_latency_ns(&timing, one, API_CREATE, 0, &effect_ns), first_ns);
    assert_int_not_equal(timing_latency_ns(&timing, two, API_CREATE, 0, &effect_ns), first_ns);
    for (uint32_t nth = 0; nth < 1000; nth++) {
        int64_t latency_ns = timing_latency_ns(&timing, one, API_CREATE, nth, &effect_ns);
        assert_in_range(latency_ns, 1431 * NS_PER_MS, 1749 * NS_PER_MS);
        assert_in_range(effect_ns, latency_ns / 2, latency_ns / 2 + 1);
    }
}

/* A machine that boots slower does everything slower: the order of its steps is never disturbed. */
static void test_jitter_keeps_the_order_of_a_life(void **state)
{
    (void)state;
    struct timing timing;
    struct machine_timeline timeline;
    timing_defaults(&timing);
    timing.jitter_permille = 1000;
    for (uint32_t contract = 0; contract < 1000; contract++) {
        timing_timeline(&timing, (struct timing_draw){7, 3}, contract, &timeline);
        assert_true(timeline.statuses[0].after_ns >= 0);
        assert_true(timeline.statuses[0].after_ns <= timeline.statuses[1].after_ns);
        assert_true(timeline.statuses[1].after_ns <= timeline.ssh[0].after_ns);
    }
}

/* A session is connect and command; beyond the recorded ones each takes their mean. */
static void test_a_session_is_connect_and_command(void **state)
{
    (void)state;
    struct timing timing;
    int64_t connect_ns;
    int64_t command_ns;
    timing_defaults(&timing);
    timing_ssh_session_ns(&timing, no_draw, 0, 0, &connect_ns, &command_ns);
    assert_int_equal(connect_ns, 1680 * NS_PER_MS);
    assert_int_equal(command_ns, 420 * NS_PER_MS);
    timing_ssh_session_ns(&timing, no_draw, 0, 99, &connect_ns, &command_ns);
    assert_int_equal(connect_ns + command_ns, scale_rounded(12620 * NS_PER_MS, 1, 6));
}

/* Absurd but well-formed recordings give plans whose times are not negative and in order. */
static void test_odd_recordings_give_sound_plans(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "\"phases\":[]",
        "\"phases\":[{\"name\":\"wait_running\",\"seconds\":0}]",
        "\"phases\":[{\"name\":\"wait_running\",\"seconds\":5},{\"name\":\"wait_ssh\",\"seconds\":1000}]",
        "\"method\":{\"status_poll_sleep_s\":0,\"status_get_mean_s\":0},"
        "\"phases\":[{\"name\":\"wait_running\",\"seconds\":2592000}]",
        "\"method\":{\"ssh_retry_sleep_s\":0},\"phases\":[{\"name\":\"wait_ssh\",\"seconds\":50,"
        "\"split\":{\"failed_attempt_s\":0}}]",
        "\"phases\":[],\"status_timeline\":[{\"at_s\":0,\"actual_status\":\"running\"}]",
        "\"phases\":[],\"status_timeline\":[{\"at_s\":5,\"actual_status\":\"exited\"},"
        "{\"at_s\":5,\"actual_status\":\"running\"},{\"at_s\":5,\"actual_status\":null}]",
        "\"phases\":[{\"name\":\"list_and_create\",\"seconds\":0},{\"name\":\"create_instance\",\"seconds\":0}],"
        "\"status_timeline\":[{\"at_s\":0,\"actual_status\":\"running\"}]",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
        struct timing timing;
        plan_of_text(odd[i], &timing);
        for (size_t call = 0; call < API_CALL_COUNT; call++) {
            assert_true(timing.latency_ns[call] >= 0);
        }
        for (size_t step = 0; step < timing.timeline.status_count; step++) {
            assert_true(timing.timeline.statuses[step].after_ns >= 0);
            assert_true(step == 0 ||
                        timing.timeline.statuses[step].after_ns >= timing.timeline.statuses[step - 1].after_ns);
        }
        for (size_t step = 0; step < timing.timeline.ssh_count; step++) {
            assert_true(timing.timeline.ssh[step].after_ns >= 0);
        }
        for (size_t session = 0; session < timing.ssh_session_count; session++) {
            assert_true(timing.ssh_session_ns[session] >= 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_run_comes_back_exactly),
        cmocka_unit_test(test_the_seed_runs_phases_add_up),
        cmocka_unit_test(test_changes_lie_half_way_between_observations),
        cmocka_unit_test(test_a_faster_client_waits_less),
        cmocka_unit_test(test_each_recording_gives_its_own_numbers),
        cmocka_unit_test(test_a_short_wait_for_ssh_is_one_session),
        cmocka_unit_test(test_a_double_phase_is_divided_without_loss),
        cmocka_unit_test(test_the_defaults_are_the_seed_runs_plan),
        cmocka_unit_test(test_sessions_add_up_to_their_phase_exactly),
        cmocka_unit_test(test_every_refusal_comes_back),
        cmocka_unit_test(test_a_machine_that_never_ran_is_never_reached),
        cmocka_unit_test(test_jitter_is_drawn_and_bounded),
        cmocka_unit_test(test_jitter_keeps_the_order_of_a_life),
        cmocka_unit_test(test_a_session_is_connect_and_command),
        cmocka_unit_test(test_odd_recordings_give_sound_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
