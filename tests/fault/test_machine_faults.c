#include "faults.h"

#include "fakes/timing/timing.h"

/* Loading after 10 s, running after 50 s, SSH after 60 s. */
static const struct machine_timeline usual = {
    .statuses = {{10 * NS_PER_S, ACTUAL_LOADING, NULL}, {50 * NS_PER_S, ACTUAL_RUNNING, "success, running"}},
    .status_count = 2,
    .ssh = {{.after_ns = 60 * NS_PER_S, .stage = SSH_STAGE_READY}},
    .ssh_count = 1,
};

/* The life of the nth contract, created at second `at_s`, as "loading@10 running@50 | ready@60". */
static const char *life(struct bench *bench, int64_t at_s, uint32_t contract, char *out, size_t size)
{
    struct machine_timeline timeline = usual;
    struct buffer text;
    injector_timeline(bench->injector, at_s * NS_PER_S, contract, &timeline);
    buffer_init_fixed(&text, out, size);
    for (size_t i = 0; i < timeline.status_count; i++) {
        const char *status = actual_status_text(timeline.statuses[i].status);
        buffer_printf(&text, "%s@%lld ", status == NULL ? "null" : status,
                      (long long)(timeline.statuses[i].after_ns / NS_PER_S));
    }
    buffer_append_text(&text, "|");
    for (size_t i = 0; i < timeline.ssh_count; i++) {
        buffer_printf(&text, " %s@%lld", ssh_stage_name(timeline.ssh[i].stage),
                      (long long)(timeline.ssh[i].after_ns / NS_PER_S));
        bool proxy = ssh_step_is_of(&timeline.ssh[i], SSH_PORT_PROXY);
        buffer_append_text(&text, timeline.ssh[i].ports == 0 ? "" : proxy ? "/proxy" : "/direct");
    }
    assert_false(text.failed);
    return out;
}

/* Each fault of a machine changes its life as the catalogue says. */
static void test_each_fault_changes_a_life_as_said(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *life;
    } cases[] = {
        {"slow-boot", "loading@30 running@150 | ready@160"},
        {"slow-boot:factor=0.5", "loading@5 running@25 | ready@35"},
        {"slow-boot:factor=0", "loading@0 running@0 | ready@10"},
        {"slow-boot:boot_s=300", "loading@60 running@300 | ready@310"},
        {"stuck-loading", "loading@10 |"},
        {"stuck-loading:status=created", "created@10 |"},
        {"host-offline", "loading@10 offline@60 | unreachable@40"},
        {"host-offline:after_s=70,lag_s=5,status=unknown",
         "loading@10 running@50 unknown@75 | ready@60 unreachable@70"},
        {"host-offline:after_s=0,lag_s=0", "offline@0 | unreachable@0"},
        {"ssh-refused", "loading@10 running@50 | refused@60 ready@120"},
        {"ssh-refused:for_s=-1", "loading@10 running@50 | refused@60"},
        {"ssh-banner-stall", "loading@10 running@50 | silent@60 ready@90"},
        {"ssh-banner-stall:for_s=-1", "loading@10 running@50 | silent@60"},
        {"ssh-key-not-synced:for_s=5", "loading@10 running@50 | key_denied@60 ready@65"},
        {"ssh-refused:port=direct", "loading@10 running@50 | refused@60/direct ready@60/proxy ready@120/direct"},
        {"ssh-banner-stall:port=proxy,for_s=-1", "loading@10 running@50 | silent@60/proxy ready@60/direct"},
        {"ssh-drop-mid-command", "loading@10 running@50 | ready@60"},
        {"ssh-refused:active=false", "loading@10 running@50 | ready@60"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        char text[256];
        assert_string_equal(life(bench, 0, 0, text, sizeof text), cases[i].life);
        bench_free(bench);
    }
}

/* Faults add up in the plan's order; a dead host does not come back because a key was late. */
static void test_faults_of_one_machine_add_up(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *life;
    } cases[] = {
        {"slow-boot:factor=2", "ssh-refused:for_s=10", "loading@20 running@100 | refused@110 ready@120"},
        {"host-offline:after_s=70", "ssh-refused", "loading@10 running@50 offline@90 | refused@60 unreachable@70"},
        {"host-offline:after_s=70", "ssh-key-not-synced:for_s=5",
         "loading@10 running@50 offline@90 | key_denied@60 ready@65 unreachable@70"},
        {"stuck-loading", "ssh-refused", "loading@10 |"},
        {"stuck-loading", "slow-boot", "loading@10 |"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(NULL);
        char text[256];
        bench_add(bench, cases[i].first);
        bench_add(bench, cases[i].second);
        bench_start(bench);
        assert_string_equal(life(bench, 0, 0, text, sizeof text), cases[i].life);
        bench_free(bench);
    }
}

/* A fault strikes as many machines as its count says, or the one that was named. */
static void test_a_fault_strikes_the_machines_it_is_for(void **state)
{
    (void)state;
    static const struct {
        const char *fault, *struck;
    } cases[] = {
        {"stuck-loading", "x..."},          {"stuck-loading:count=2", "xx.."},   {"stuck-loading:nth=2", ".x.."},
        {"stuck-loading:count=-1", "xxxx"}, {"stuck-loading:machine=2", "..x."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct bench *bench = bench_new(cases[i].fault);
        for (uint32_t contract = 0; contract < 4; contract++) {
            char text[256];
            assert_int_equal(strstr(life(bench, 0, contract, text, sizeof text), "running") == NULL,
                             cases[i].struck[contract] == 'x');
        }
        bench_free(bench);
    }
}

/* A fault of a machine is on from its creation until its last consequence is over. */
static void test_a_fault_is_on_while_it_has_consequences(void **state)
{
    (void)state;
    char text[256];
    struct command_verdict verdict;
    struct bench *passing = bench_new("ssh-refused:for_s=10");
    (void)life(passing, 5, 0, text, sizeof text);
    injector_command(passing->injector, 74 * NS_PER_S, 0, span_of("echo"), &verdict);
    assert_string_equal(passing->notices, "+ssh-refused@5 ");
    injector_command(passing->injector, 75 * NS_PER_S, 0, span_of("echo"), &verdict);
    injector_command(passing->injector, 76 * NS_PER_S, 0, span_of("echo"), &verdict);
    assert_string_equal(passing->notices, "+ssh-refused@5 -ssh-refused@75 ");
    bench_free(passing);

    struct bench *lasting = bench_new("stuck-loading");
    (void)life(lasting, 5, 0, text, sizeof text);
    injector_command(lasting->injector, 1000000 * NS_PER_S, 0, span_of("echo"), &verdict);
    assert_string_equal(lasting->notices, "+stuck-loading@5 ");
    bench_free(lasting);
}

/* Full timelines are not overrun, and their order is kept. */
static void test_full_timelines_stay_in_bounds(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "slow-boot",           "stuck-loading", "host-offline:after_s=2000", "host-offline", "ssh-banner-stall:for_s=0",
        "ssh-refused:for_s=-1"};
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++) {
        struct bench *bench = bench_new(faults[i]);
        struct machine_timeline full = {.status_count = TIMELINE_STEPS_MAX, .ssh_count = TIMELINE_STEPS_MAX};
        for (size_t step = 0; step < TIMELINE_STEPS_MAX; step++) {
            full.statuses[step] = (struct status_step){(int64_t)step * NS_PER_S, ACTUAL_PROVISIONING, NULL};
            full.ssh[step] = (struct ssh_step){.after_ns = (int64_t)step * NS_PER_S, .stage = SSH_STAGE_READY};
        }
        injector_timeline(bench->injector, 0, 0, &full);
        assert_true(full.status_count <= TIMELINE_STEPS_MAX);
        assert_true(full.ssh_count <= TIMELINE_STEPS_MAX);
        for (size_t step = 1; step < full.status_count; step++) {
            assert_true(full.statuses[step].after_ns >= full.statuses[step - 1].after_ns);
        }
        for (size_t step = 1; step < full.ssh_count; step++) {
            assert_true(full.ssh[step].after_ns >= full.ssh[step - 1].after_ns);
        }
        bench_free(bench);
    }
}

/* A dropped connection is the second command's by default, and happens once. */
static void test_a_connection_drops_once(void **state)
{
    (void)state;
    struct bench *bench = bench_new("ssh-drop-mid-command:bytes=12");
    for (int64_t command = 1; command <= 4; command++) {
        struct command_verdict verdict;
        injector_command(bench->injector, command * NS_PER_S, 0, span_of("echo"), &verdict);
        assert_int_equal(verdict.dropped, command == 2);
        assert_int_equal(verdict.drop_after_bytes, command == 2 ? 12 : 0);
        assert_int_equal(verdict.disk_used_bytes, -1);
    }
    assert_string_equal(bench->notices, "+ssh-drop-mid-command@2 -ssh-drop-mid-command@2 ");
    bench_free(bench);
}

/* A disk is full from the nth command on, on the machine that was named. */
static void test_a_disk_is_full_from_a_command_on(void **state)
{
    (void)state;
    struct bench *bench = bench_new("disk-full:nth=2,machine=1,used_gb=20");
    for (int64_t command = 1; command <= 4; command++) {
        struct command_verdict verdict;
        injector_command(bench->injector, 0, 0, span_of("echo"), &verdict);
        assert_int_equal(verdict.disk_used_bytes, -1);
        injector_command(bench->injector, 0, 1, span_of("echo"), &verdict);
        assert_int_equal(verdict.disk_used_bytes, command >= 2 ? INT64_C(20000000000) : -1);
        assert_false(verdict.dropped);
    }
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_changes_a_life_as_said),
        cmocka_unit_test(test_faults_of_one_machine_add_up),
        cmocka_unit_test(test_a_fault_strikes_the_machines_it_is_for),
        cmocka_unit_test(test_a_fault_is_on_while_it_has_consequences),
        cmocka_unit_test(test_full_timelines_stay_in_bounds),
        cmocka_unit_test(test_a_connection_drops_once),
        cmocka_unit_test(test_a_disk_is_full_from_a_command_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
