#include "host_test.h"

#include "base/attributes.h"

static struct host_session session;

/* A line of the session; its standard output. */
static const char *line(struct host_test *test, const char *text)
{
    buffer_clear(&test->out);
    buffer_clear(&test->err);
    test->status = host_run_line(test->host, test_now, &session, span_of(text), &test->out, &test->err);
    return buffer_text(&test->out);
}

static int start_session(void **state)
{
    int outcome = start_host(state);
    struct host_test *test = *state;
    host_session_init(&session, test->heap);
    return outcome;
}

static int stop_session(void **state)
{
    host_session_release(&session);
    return stop_host(state);
}

static void test_a_session_remembers_its_folder_variables_and_status(void **state)
{
    struct host_test *test = *state;
    assert_string_equal(line(test, "pwd; echo $HOME"), "/root\n/root\n");
    (void)line(test, "cd /tmp; x='a b'; export y=2; unset LOGNAME; z=1; z=3");
    assert_string_equal(line(test, "pwd; echo \"$x\" $y $z \"<$LOGNAME>\""), "/tmp\na b 2 3 <>\n");
    assert_string_equal(line(test, "sh -c 'echo \"<$x>\" $y'"), "<> 2\n");
    (void)line(test, "false");
    assert_string_equal(line(test, "echo $?"), "1\n");
    assert_false(session.exited);
}

static void test_a_session_ends_with_exit_and_its_status(void **state)
{
    struct host_test *test = *state;
    (void)line(test, "(exit 3)");
    assert_false(session.exited);
    assert_int_equal(session.status, 3);
    (void)line(test, "exit 7");
    assert_true(session.exited);
    assert_int_equal(session.status, 7);
}

static void test_other_commands_do_not_see_a_session(void **state)
{
    struct host_test *test = *state;
    (void)line(test, "cd /tmp; x=1; echo file > f");
    assert_string_equal(run(test, "pwd; echo \"<$x>\"; cat /tmp/f"), "/root\n<>\nfile\n");
}

static void test_a_line_is_whole_when_a_shell_would_run_it(void **state)
{
    struct host_test *test = *state;
    static const char *const whole[] = {"",    "echo x\n", "echo )\n", "for i in 1; do echo; done\n", "cat <<e\nx\ne\n",
                                        ";;\n"};
    static const char *const open[] = {"echo 'x\n", "echo \"x\n", "for i in 1 2\n", "if true; then\n",
                                       "{\n",       "(echo\n",    "x=$(echo\n",     "f() {\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
        assert_true(host_line_is_whole(test->heap, span_of(whole[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(open); i++) {
        assert_false(host_line_is_whole(test->heap, span_of(open[i])));
    }
}

static void test_a_prompt_names_the_container_and_the_folder(void **state)
{
    struct host_test *test = *state;
    char storage[128];
    char expected[128];
    struct buffer prompt;
    static const struct {
        const char *command, *folder;
    } cases[] = {
        {":", "~"}, {"mkdir -p a; cd a", "~/a"}, {"cd /tmp", "/tmp"}, {"mkdir /rooted; cd /rooted", "/rooted"}};
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        (void)line(test, cases[i].command);
        buffer_init_fixed(&prompt, storage, sizeof storage);
        host_write_prompt(test->host, &session, &prompt);
        const char *name = line(test, "hostname");
        (void)text_format(expected, sizeof expected, "root@%.12s:%s# ", name, cases[i].folder);
        assert_string_equal(buffer_text(&prompt), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_session_remembers_its_folder_variables_and_status, start_session,
                                        stop_session),
        cmocka_unit_test_setup_teardown(test_a_session_ends_with_exit_and_its_status, start_session, stop_session),
        cmocka_unit_test_setup_teardown(test_other_commands_do_not_see_a_session, start_session, stop_session),
        cmocka_unit_test_setup_teardown(test_a_line_is_whole_when_a_shell_would_run_it, start_session, stop_session),
        cmocka_unit_test_setup_teardown(test_a_prompt_names_the_container_and_the_folder, start_session, stop_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
