#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "world/live/process.h"

/* What became of a shell command; every test here names its tool in full view. */
struct outcome {
    enum error_code code;
    int exit_status;
    char errors[256];
    struct error error;
};

static struct outcome run_shell(const char *command, int64_t time_limit_ns)
{
    struct outcome outcome = {.exit_status = -1};
    struct buffer errors;
    const char *const argv[] = {"sh", "-c", command, NULL};
    buffer_init_fixed(&errors, outcome.errors, sizeof outcome.errors);
    outcome.code = process_run(argv, time_limit_ns, &errors, &outcome.exit_status, &outcome.error);
    return outcome;
}

/* The exit status and the words on standard error come back; standard output goes nowhere. */
static void test_a_tool_reports_its_status_and_its_errors(void **state)
{
    (void)state;
    struct outcome outcome = run_shell("echo visible; echo wrong >&2; exit 7", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 7);
    assert_string_equal(outcome.errors, "wrong\n");
    outcome = run_shell("true", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 0);
    assert_string_equal(outcome.errors, "");
}

/* Standard input is empty, so a tool that reads it ends at once. */
static void test_a_tool_reads_nothing(void **state)
{
    (void)state;
    struct outcome outcome = run_shell("test \"$(cat)\" = ''", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 0);
}

/* Arguments arrive as they are: no shell looks at them. */
static void test_arguments_are_not_interpreted(void **state)
{
    (void)state;
    char text[64];
    struct buffer errors;
    struct error error;
    int exit_status = -1;
    const char *const argv[] = {"sh", "-c", "printf %s \"$1\" >&2", "sh", "$(x) ; * 'y'", NULL};
    buffer_init_fixed(&errors, text, sizeof text);
    assert_int_equal(process_run(argv, 60 * NS_PER_S, &errors, &exit_status, &error), ERR_OK);
    assert_int_equal(exit_status, 0);
    assert_string_equal(text, "$(x) ; * 'y'");
}

/* Of more words than the buffer holds, the first are kept; the tool is not stopped by a full pipe. */
static void test_many_errors_are_cut_not_waited_for(void **state)
{
    (void)state;
    struct outcome outcome = run_shell("head -c 300000 /dev/zero | tr '\\0' e >&2; exit 3", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 3);
    assert_int_equal(strlen(outcome.errors), sizeof outcome.errors - 1);
    assert_int_equal(strspn(outcome.errors, "e"), sizeof outcome.errors - 1);
}

/* A tool that is killed by a signal counts as 128 + its number, as in a shell. */
static void test_a_signal_becomes_a_status(void **state)
{
    (void)state;
    struct outcome outcome = run_shell("kill -TERM $$", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 128 + SIGTERM);
}

/* A tool that is still busy at its deadline is killed, with its children, even if it talks without end or closed its streams. */
static void test_a_tool_beyond_its_deadline_is_killed(void **state)
{
    (void)state;
    static const char *const commands[] = {"sleep 60 & echo $! >&2; wait", "exec 2>&-; sleep 60", "exec yes >&2"};
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        struct outcome outcome = run_shell(commands[i], 100 * NS_PER_MS);
        assert_int_equal(outcome.code, ERR_TIMED_OUT);
        assert_string_equal(outcome.error.message, "sh did not end within 0.1 s and was killed");
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
    }
}

/* A child that outlives its tool and holds its standard error does not hold us. */
static void test_a_left_child_is_not_waited_for(void **state)
{
    (void)state;
    struct outcome outcome = run_shell("sleep 60 & echo $! >&2; exit 4", 60 * NS_PER_S);
    assert_int_equal(outcome.code, ERR_OK);
    assert_int_equal(outcome.exit_status, 4);
    assert_int_equal(kill((pid_t)strtol(outcome.errors, NULL, 10), SIGKILL), 0);
}

/* Signals that we block or ignore are back to normal in the tool. */
static void test_a_tool_has_default_signals(void **state)
{
    (void)state;
    sigset_t blocked;
    sigset_t former;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &former), 0);
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    struct outcome outcome = run_shell("kill -TERM $$", 60 * NS_PER_S);
    struct outcome broken_pipe = run_shell("kill -PIPE $$", 60 * NS_PER_S);
    (void)signal(SIGPIPE, before);
    assert_int_equal(sigprocmask(SIG_SETMASK, &former, NULL), 0);
    assert_int_equal(outcome.exit_status, 128 + SIGTERM);
    assert_int_equal(broken_pipe.exit_status, 128 + SIGPIPE);
}

/* A program that is not installed, or not executable, is named, with what to do. */
static void test_a_missing_tool_is_named(void **state)
{
    (void)state;
    static const char *const missing[] = {"no-such-tool-anywhere", "/etc/passwd"};
    for (size_t i = 0; i < ARRAY_LENGTH(missing); i++) {
        struct error error;
        struct buffer errors;
        char text[16];
        int exit_status = -1;
        const char *const argv[] = {missing[i], NULL};
        buffer_init_fixed(&errors, text, sizeof text);
        assert_int_equal(process_run(argv, NS_PER_S, &errors, &exit_status, &error), ERR_MISSING_TOOL);
        assert_non_null(strstr(error.message, missing[i]));
        assert_non_null(strstr(error.next_step, missing[i]));
        assert_int_equal(exit_status, -1);
    }
}

/* However a run ends, it leaves no descriptor open. */
static void test_no_descriptor_is_left(void **state)
{
    (void)state;
    int before = dup(0);
    (void)close(before);
    (void)run_shell("true", 60 * NS_PER_S);
    (void)run_shell("sleep 60", NS_PER_MS);
    test_a_missing_tool_is_named(state);
    int after = dup(0);
    (void)close(after);
    assert_int_equal(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tool_reports_its_status_and_its_errors),
        cmocka_unit_test(test_a_tool_reads_nothing),
        cmocka_unit_test(test_arguments_are_not_interpreted),
        cmocka_unit_test(test_many_errors_are_cut_not_waited_for),
        cmocka_unit_test(test_a_signal_becomes_a_status),
        cmocka_unit_test(test_a_tool_beyond_its_deadline_is_killed),
        cmocka_unit_test(test_a_left_child_is_not_waited_for),
        cmocka_unit_test(test_a_tool_has_default_signals),
        cmocka_unit_test(test_a_missing_tool_is_named),
        cmocka_unit_test(test_no_descriptor_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
