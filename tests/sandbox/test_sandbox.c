/* Sandboxed machines: commands, files that stay, processes that do not. */
#include "sandbox_test.h"

#include <signal.h>

static void test_a_command_has_its_streams_and_status(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, 64 * MIB, NULL);
    assert_string_equal(run_on(test, 0, "cat; echo err >&2; exit 7", span_of("input")), "input");
    assert_string_equal(buffer_text(&test->err), "err\n");
    assert_int_equal(test->status, 7);
    (void)run(test, "kill -TERM $$");
    assert_int_equal(test->status, 128 + SIGTERM);
    expect(test, "pwd; id -u; echo $HOME", "/root\n0\n/root\n");
    (void)run(test, "no-such-command");
    assert_int_equal(test->status, 127);
}

static void test_much_goes_in_and_out(void **state)
{
    struct sandbox_test *test = *state;
    char *bytes = calloc(1, 3000000);
    assert_non_null(bytes);
    for (size_t i = 0; i < 3000000; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
    add_machine(test, 0, 64 * MIB, NULL);
    (void)run_on(test, 0, "cat", (struct span){bytes, 3000000});
    assert_int_equal(test->out.length, 3000000);
    assert_memory_equal(test->out.data, bytes, 3000000);
    free(bytes);
}

/* Law: what a machine begins with is what the modelled host has. */
static void test_a_machine_begins_with_vasts_files(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, 64 * MIB, NULL);
    expect(
        test, "cd; ls -A | tr '\\n' ' '; stat -c '%a' . .ssh .ssh/authorized_keys .vast_api_key | tr '\\n' ' '",
        ".bashrc .no_auto_tmux .profile .ssh .vast_api_key .vast_containerlabel hasbooted onstart.sh 700 700 600 600 ");
    expect(test,
           "cat .vast_containerlabel; tr '\\0' '\\n' </proc/1/environ | grep VAST; echo \"[$VAST_CONTAINERLABEL]\"",
           "C.41803846\nVAST_CONTAINERLABEL=C.41803846\n[]\n");
    expect(test, "test \"$(hostname)\" = \"$(cat /etc/hostname)\" && hostname | grep -c '^[0-9a-f]\\{12\\}$'", "1\n");
    expect(test, "cd /workspace && touch f /tmp/f /home/f /root/f && stat -c %a /tmp", "1777\n");
    expect(test, "df -B1 --output=source,size / | tail -1 | tr -s ' '", "overlay 67108864\n");
}

/* Law: files survive a stop, processes do not; a new machine has neither. */
static void test_files_survive_a_stop_and_processes_do_not(void **state)
{
    struct sandbox_test *test = *state;
    struct command sleeper = {.out = NULL};
    add_machine(test, 0, 64 * MIB, NULL);
    expect(test, "echo kept > /workspace/kept; setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo", "\n");
    begin(test, 0, &sleeper, "exec sleep 1000");
    sandbox_stop(test->machines[0]);
    assert_true(sleeper.ended);
    assert_int_equal(sleeper.killed_by, SIGKILL);
    sandbox_process_close(sleeper.process);
    assert_false(sandbox_is_running(test->machines[0]));
    struct sandbox_request request = request_of(&sleeper, span_of("true"));
    assert_null(sandbox_exec(test->machines[0], &request));
    assert_true(sandbox_start(test->machines[0]));
    expect(test, "cat /workspace/kept; pgrep -c sleep || true", "kept\n0\n");
    sandbox_free(test->machines[0]);
    add_machine(test, 0, 64 * MIB, NULL);
    expect(test, "ls /workspace", "");
}

static void test_onstart_runs_at_each_start(void **state)
{
    struct sandbox_test *test = *state;
    static const char wait[] = "while [ \"$(cat /workspace/starts 2>/dev/null | wc -l)\" != %d ]; do sleep 0.01; done; "
                               "cat /workspace/starts /var/log/onstart.log";
    char command[256];
    add_machine(test, 0, 64 * MIB, "echo started | tee -a /workspace/starts");
    (void)text_format(command, sizeof command, wait, 1);
    expect(test, command, "started\nstarted\n");
    sandbox_stop(test->machines[0]);
    assert_true(sandbox_start(test->machines[0]));
    (void)text_format(command, sizeof command, wait, 2);
    expect(test, command, "started\nstarted\nstarted\n");
}

/* Law: a job that has dropped its streams lives on when the command that began it has ended. */
static void test_a_job_in_the_background_outlives_its_command(void **state)
{
    struct sandbox_test *test = *state;
    add_machine(test, 0, 64 * MIB, NULL);
    expect(test, "nohup sh -c 'sleep 1000' >log 2>&1 </dev/null & echo begun", "begun\n");
    expect(test, "pgrep -f 'sleep 1000' >/dev/null && echo lives", "lives\n");
}

/* ---- terminals ---- */

static void test_a_login_shell_has_a_terminal(void **state)
{
    struct sandbox_test *test = *state;
    struct command shell = {.out = &test->out, .input = span_of("tty; stty size; echo $PS1 $0; exit 3\n")};
    struct sandbox_request request = request_of(&shell, span_of(""));
    add_machine(test, 0, 64 * MIB, NULL);
    request.login = true;
    request.terminal = true;
    request.columns = 100;
    request.rows = 30;
    shell.test = test;
    shell.process = sandbox_exec(test->machines[0], &request);
    assert_non_null(shell.process);
    command_changed(&shell);
    finish(&shell);
    assert_int_equal(shell.status, 3);
    assert_non_null(strstr(buffer_text(&test->out), "/dev/pts/0"));
    assert_non_null(strstr(buffer_text(&test->out), "30 100"));
    assert_non_null(strstr(buffer_text(&test->out), "root@C.41803846:"));
    assert_non_null(strstr(buffer_text(&test->out), "-bash"));
}

/* Law: when the client goes away, its terminal hangs up. */
static void test_a_terminal_hangs_up(void **state)
{
    struct sandbox_test *test = *state;
    struct command shell = {.out = &test->out};
    struct sandbox_request request =
        request_of(&shell, span_of("trap 'echo > /root/hung; exit' HUP; echo ready; while :; do sleep 0.05; done"));
    add_machine(test, 0, 64 * MIB, NULL);
    request.terminal = true;
    shell.test = test;
    shell.input_told = true;
    shell.process = sandbox_exec(test->machines[0], &request);
    assert_non_null(shell.process);
    while (strstr(buffer_text(&test->out), "ready") == NULL) {
        reactor_turn(test->reactor, true);
    }
    sandbox_process_close(shell.process);
    expect(test, "while [ ! -e /root/hung ]; do sleep 0.01; done; echo hung", "hung\n");
}

static void test_a_signal_reaches_the_whole_command(void **state)
{
    struct sandbox_test *test = *state;
    struct command command = {.out = &test->out};
    add_machine(test, 0, 64 * MIB, NULL);
    begin(test, 0, &command, "echo ready; sleep 1000 & sleep 1000");
    while (test->out.length == 0) {
        reactor_turn(test->reactor, true);
    }
    sandbox_process_signal(command.process, SIGTERM);
    finish(&command);
    assert_int_equal(command.killed_by, SIGTERM);
    expect(test, "pgrep -c sleep || true", "0\n");
}

/* ---- GPUs ---- */

static void test_nvidia_smi_shows_what_the_fake_says(void **state)
{
    struct sandbox_test *test = *state;
    struct host_gpu_load load = {.utilization_percent = 97,
                                 .memory_used_mib = 18432,
                                 .temperature_c = 61,
                                 .power_draw_mw = 341270,
                                 .performance_state = 2};
    add_machine(test, 0, 64 * MIB, NULL);
    sandbox_set_gpu(test->machines[0], &load, HOST_GPU_READY);
    expect(test,
           "nvidia-smi --query-gpu=name,utilization.gpu,memory.used,temperature.gpu,power.draw --format=csv,noheader",
           "NVIDIA GeForce RTX 4090, 97 %, 18432 MiB, 61, 341.27 W\n");
    load.utilization_percent = 3;
    sandbox_set_gpu(test->machines[0], &load, HOST_GPU_READY);
    expect(test, "nvidia-smi --query-gpu=utilization.gpu --format='csv,noheader,nounits'", "3\n");
    sandbox_set_gpu(test->machines[0], &load, HOST_GPU_LOST);
    assert_string_equal(run(test, "nvidia-smi"), "Failed to initialize NVML: Unknown Error\n");
    assert_int_equal(test->status, 255);
    sandbox_stop(test->machines[0]);
    assert_true(sandbox_start(test->machines[0]));
    (void)run(test, "command -v nvidia-smi && nvidia-smi");
    assert_int_equal(test->status, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SANDBOX_TEST(test_a_command_has_its_streams_and_status),
        SANDBOX_TEST(test_much_goes_in_and_out),
        SANDBOX_TEST(test_a_machine_begins_with_vasts_files),
        SANDBOX_TEST(test_files_survive_a_stop_and_processes_do_not),
        SANDBOX_TEST(test_onstart_runs_at_each_start),
        SANDBOX_TEST(test_a_job_in_the_background_outlives_its_command),
        SANDBOX_TEST(test_a_login_shell_has_a_terminal),
        SANDBOX_TEST(test_a_terminal_hangs_up),
        SANDBOX_TEST(test_a_signal_reaches_the_whole_command),
        SANDBOX_TEST(test_nvidia_smi_shows_what_the_fake_says),
    };
    int skipped = status_without_sandboxes();
    return skipped != 0 ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
