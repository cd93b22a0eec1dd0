/* Faults of hosts, of what runs on them, and of who connects. */
#include "faults.h"

/* Running at 70 s, reachable from 80 s on. */
static struct machine_timeline planned(void)
{
    return (struct machine_timeline){
        .statuses = {{10 * NS_PER_S, ACTUAL_LOADING, NULL}, {70 * NS_PER_S, ACTUAL_RUNNING, NULL}},
        .status_count = 2,
        .ssh = {{80 * NS_PER_S, SSH_STAGE_READY, 0}},
        .ssh_count = 1};
}

static struct machine_timeline life_with(const char *fault)
{
    struct bench *bench = bench_new(fault);
    struct machine_timeline timeline = planned();
    injector_timeline(bench->injector, 0, 0, &timeline);
    bench_free(bench);
    return timeline;
}

static enum actual_status status_at(const struct machine_timeline *timeline, int64_t age_s)
{
    const struct status_step *step = timeline_status_at(timeline, age_s * NS_PER_S);
    return step == NULL ? ACTUAL_PROVISIONING : step->status;
}

/* Law: a host that returns is what it would have been; one that is back before the API noticed was never offline. */
static void test_a_host_returns_to_its_life(void **state)
{
    (void)state;
    struct machine_timeline timeline = life_with("host-returns:after_s=100,for_s=50,lag_s=20");
    assert_int_equal(status_at(&timeline, 119), ACTUAL_RUNNING);
    assert_int_equal(status_at(&timeline, 120), ACTUAL_OFFLINE);
    assert_int_equal(status_at(&timeline, 150), ACTUAL_RUNNING);
    assert_int_equal(timeline_ssh_at(&timeline, SSH_PORT_DIRECT, 100 * NS_PER_S), SSH_STAGE_UNREACHABLE);
    assert_int_equal(timeline_ssh_at(&timeline, SSH_PORT_PROXY, 150 * NS_PER_S), SSH_STAGE_READY);

    timeline = life_with("host-returns:after_s=100,for_s=10,lag_s=20");
    for (int64_t age_s = 70; age_s < 200; age_s++) {
        assert_int_equal(status_at(&timeline, age_s), ACTUAL_RUNNING);
    }
    assert_int_equal(timeline_ssh_at(&timeline, SSH_PORT_PROXY, 105 * NS_PER_S), SSH_STAGE_UNREACHABLE);
    assert_int_equal(timeline_ssh_at(&timeline, SSH_PORT_PROXY, 110 * NS_PER_S), SSH_STAGE_READY);

    timeline = life_with("host-returns:after_s=20,for_s=20,lag_s=5"); /* while it boots: the boot goes on */
    assert_int_equal(status_at(&timeline, 30), ACTUAL_OFFLINE);
    assert_int_equal(status_at(&timeline, 40), ACTUAL_LOADING);
    assert_int_equal(status_at(&timeline, 70), ACTUAL_RUNNING);
    assert_int_equal(timeline_ssh_at(&timeline, SSH_PORT_PROXY, 80 * NS_PER_S), SSH_STAGE_READY);
}

static void test_a_container_that_does_not_start_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *says;
    } rows[] = {
        {"container-start-failed", ": OCI runtime create failed:"},
        {"container-start-failed:as=pull-limit", "toomanyrequests"},
        {"container-start-failed:as=no-manifest", "manifest unknown"},
        {"container-start-failed:as=unauthorized", "unauthorized"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct machine_timeline timeline = life_with(rows[i].fault);
        assert_int_equal(timeline.status_count, 2);
        assert_int_equal(timeline.statuses[1].status, ACTUAL_CREATED);
        assert_non_null(strstr(timeline.statuses[1].status_msg, rows[i].says));
        assert_int_equal(timeline.ssh_count, 0);
    }
    struct machine_timeline timeline = life_with("container-start-failed:as=exits,exit_s=3");
    assert_int_equal(status_at(&timeline, 72), ACTUAL_RUNNING);
    assert_int_equal(status_at(&timeline, 73), ACTUAL_EXITED);
}

/* ---- commands ---- */

static struct command_verdict verdict_on(struct bench *bench, const char *command)
{
    struct command_verdict verdict;
    injector_command(bench->injector, 0, 0, span_of(command), &verdict);
    return verdict;
}

/* Law: a snapshot is torn by the command that reads the files; others are no occasion. */
static void test_only_named_commands_are_torn(void **state)
{
    (void)state;
    struct bench *bench = bench_new("torn-snapshot:count=1");
    assert_null(verdict_on(bench, "ls").failure);
    struct command_verdict verdict = verdict_on(bench, "cd / && tar czf - workspace");
    assert_int_equal(verdict.failure_status, 1);
    assert_non_null(strstr(verdict.failure, "file changed as we read it"));
    assert_null(verdict_on(bench, "tar czf - workspace").failure);
    bench_free(bench);
    bench = bench_new("torn-snapshot:as=silent");
    verdict = verdict_on(bench, "tar c x");
    assert_true(verdict.torn);
    assert_null(verdict.failure);
    bench_free(bench);
}

static void test_each_way_to_lose_a_gpu_is_a_state(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum host_gpu_state gpu_state;
    } rows[] = {
        {"gpu-lost", HOST_GPU_LOST},
        {"gpu-lost:as=handle", HOST_GPU_NO_HANDLE},
        {"gpu-lost:as=mismatch", HOST_GPU_MISMATCH},
        {"gpu-lost:as=no-devices", HOST_GPU_NONE},
        {"gpu-lost:as=unknown", HOST_GPU_UNKNOWN},
        {"gpu-lost:as=hangs", HOST_GPU_HANGS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct bench *bench = bench_new(rows[i].fault);
        struct command_verdict verdict = verdict_on(bench, "true");
        assert_true(verdict.gpu_changes);
        assert_int_equal(verdict.gpu_state, rows[i].gpu_state);
        bench_free(bench);
    }
}

static void test_other_faults_of_commands(void **state)
{
    (void)state;
    struct bench *bench = bench_new("slow-link:kb_per_s=2.5");
    assert_int_equal(verdict_on(bench, "x").bytes_per_s, 2500);
    bench_free(bench);
    bench = bench_new("clock-skew:skew_s=-900");
    assert_int_equal(verdict_on(bench, "x").clock_ahead_ns, -900 * NS_PER_S);
    bench_free(bench);
    bench = bench_new("oom-or-reboot:nth=1");
    assert_int_equal(verdict_on(bench, "x").failure_status, HOST_EXIT_KILLED);
    bench_free(bench);
    bench = bench_new("oom-or-reboot:as=reboot,nth=1");
    assert_true(verdict_on(bench, "x").reboots);
    bench_free(bench);
    bench = bench_new("ssh-half-open");
    assert_false(verdict_on(bench, "x").vanishes);
    assert_true(verdict_on(bench, "x").vanishes);
    assert_false(verdict_on(bench, "x").vanishes);
    bench_free(bench);
    bench = bench_new("ssh-banner-noise:stream=stdout");
    assert_true(verdict_on(bench, "x").noise_on_out);
    bench_free(bench);
}

/* ---- connections ---- */

static void test_connections_are_counted_by_themselves(void **state)
{
    (void)state;
    struct bench *bench = bench_new("ssh-maxstartups:nth=2,count=2");
    for (int connection = 1; connection <= 4; connection++) {
        struct connect_verdict verdict;
        (void)verdict_on(bench, "true");
        injector_connect(bench->injector, 0, 0, &verdict);
        assert_int_equal(verdict.closes, connection == 2 || connection == 3);
        assert_false(verdict.other_host_key);
    }
    bench_free(bench);
    bench = bench_new("ssh-hostkey-changed");
    for (int connection = 1; connection <= 3; connection++) {
        struct connect_verdict verdict;
        injector_connect(bench->injector, 0, 0, &verdict);
        assert_int_equal(verdict.other_host_key, connection == 2);
    }
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_returns_to_its_life),
        cmocka_unit_test(test_a_container_that_does_not_start_says_why),
        cmocka_unit_test(test_only_named_commands_are_torn),
        cmocka_unit_test(test_each_way_to_lose_a_gpu_is_a_state),
        cmocka_unit_test(test_other_faults_of_commands),
        cmocka_unit_test(test_connections_are_counted_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
