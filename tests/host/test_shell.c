/* The laws of the modelled host's shell. */
#include "host_test.h"

#include "base/attributes.h"

/* Law: single quotes keep everything, double quotes keep blanks but expand $, a backslash keeps the next character. */
static void test_quotes_keep_what_they_should(void **state)
{
    expect(*state, "echo 'a  $HOME \\n' \"b  $HOME\" c\\ \\ d", "a  $HOME \\n b  /root c  d\n");
    expect(*state, "echo \"a\\\"b\\$HOME\\x\" 'it'\\''s'", "a\"b$HOME\\x it's\n");
    expect(*state, "printf '[%s]' '' \"\" $NOTHING x; echo", "[][][x]\n");
    expect(*state, "echo a\\\nb", "ab\n");
}

/* Law: an unquoted expansion is split into fields, a quoted one is not. */
static void test_unquoted_values_are_split(void **state)
{
    expect(*state, "v='a  b   c'; printf '[%s]' $v; printf '[%s]' \"$v\"; echo", "[a][b][c][a  b   c]\n");
    expect(*state, "IFS=:; v=a:b::c; printf '[%s]' $v; echo", "[a][b][][c]\n");
    expect(*state, "sh -c 'printf \"[%s]\" \"$@\"; echo $#' name 'a b' '' c", "[a b][][c]3\n");
}

/* Law: $? is the status of the last command, whatever it was. */
static void test_the_last_status_is_known(void **state)
{
    expect(*state, "true; echo $?; false; echo $?; sh -c 'exit 42'; echo $?; (exit 7); echo $?", "0\n1\n42\n7\n");
    expect(*state, "x=$(exit 3); echo $?; nosuch 2>/dev/null; echo $?", "3\n127\n");
    expect(*state, "! true; echo $?; ! false; echo $?", "1\n0\n");
    expect_status(*state, "exit 255", "", 255);
    expect_status(*state, "exit 256", "", 0);
    expect_status(*state, "while exit 9; do :; done", "", 9);
}

/* Law: && and || have one rank and go from left to right; ; and newlines end a command whatever its status. */
static void test_lists_go_from_left_to_right(void **state)
{
    expect(*state, "true && echo a || echo b; false && echo c || echo d; false; echo e\nfalse\necho f", "a\nd\ne\nf\n");
    expect(*state, "false || true && echo g; true || echo h && echo i", "g\ni\n");
    expect(*state, "{ echo a; false; } || { echo b; } && (echo c)", "a\nb\nc\n");
}

/* Law: each stage of a pipeline reads what the one before wrote, and the last one's status counts. */
static void test_pipelines_pass_output_on(void **state)
{
    expect(*state, "printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn | head -n 1", "      2 b\n");
    expect(*state, "false | true; echo $?; true | false; echo $?; set -o pipefail; false | true; echo $?", "0\n1\n1\n");
    expect(*state, "{ echo a >&2; echo b; } 2>&1 | tr ab AB", "A\nB\n");
    expect(*state, "x=1; echo y | { read x; echo in $x; }; echo out $x", "in y\nout 1\n");
}

/* Law: redirections apply from left to right, and both streams may lead to one place. */
static void test_redirections_apply_in_order(void **state)
{
    expect(*state, "echo a > f; echo b >> f; cat < f; echo c > f; cat f", "a\nb\nc\n");
    expect(*state, "{ echo out; echo err >&2; } > both 2>&1; cat both", "out\nerr\n");
    expect(*state, "{ echo out; echo err >&2; } 2>&1 > half; echo --; cat half", "err\n--\nout\n");
    expect(*state, "echo gone > /dev/null; echo hidden 2> /dev/null; cat < /dev/null; nosuch &> log; cat log",
           "hidden\nbash: line 1: nosuch: command not found\n");
    expect(*state, "(exec > kept; echo x; echo y); echo z; cat kept", "z\nx\ny\n");
}

/* Law: a here-document is the command's input; a quoted end mark switches expansion off. */
static void test_here_documents_are_input(void **state)
{
    expect(*state, "v=1; cat <<E\na $v $(echo s)\nE\necho after", "a 1 s\nafter\n");
    expect(*state, "cat <<'E' | tr a-z A-Z\nx $v\nE", "X $V\n");
    expect(*state, "cat <<-E\n\t\ttab\n\tE\ncat <<< 'one line'", "tab\none line\n");
}

/* Law: variables, substitutions and arithmetic expand; a subshell's changes stay in it. */
static void test_expansions_give_values(void **state)
{
    expect(*state, "a=1; (a=2; echo $a); echo $a; b=$(a=3; echo $a); echo $a$b", "2\n1\n13\n");
    expect(*state, "echo ${u:-none} ${u-none} ${HOME:+set} ${#HOME}; echo ${v:=kept} $v",
           "none none set 5\nkept kept\n");
    expect(*state, "f=dir/name.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*} ${f#*/}",
           "name.tar.gz dir/name.tar dir/name name.tar.gz\n");
    expect(*state, "i=4; echo $((i * 2 + 7 / 2 - (1 - 3) % 5)) $((1 == 1 && 2 > 3)) `echo back \\`echo quoted\\``",
           "13 0 back quoted\n");
    expect(*state, "A=1 sh -c 'echo $A'; echo [$A]; export B=2; sh -c 'echo $B'", "1\n[]\n2\n");
}

/* Law: a pattern becomes the names that match, in order; without a match, or quoted, it stays. */
static void test_patterns_become_names(void **state)
{
    expect(*state, "mkdir g; cd g; touch b.txt a.txt .h c.log; echo *.txt; echo * '*'; echo *.none [ab].* ?.log",
           "a.txt b.txt\na.txt b.txt c.log *\n*.none a.txt b.txt c.log\n");
    expect(*state, "mkdir -p /tmp/p/x /tmp/p/y; touch /tmp/p/x/1 /tmp/p/y/2; echo /tmp/p/*/[0-9]",
           "/tmp/p/x/1 /tmp/p/y/2\n");
}

/* Law: if, for, while, until, case, break, continue and functions do as POSIX says. */
static void test_compound_commands_steer(void **state)
{
    expect(*state, "if false; then echo a; elif true; then echo b; else echo c; fi", "b\n");
    expect(*state, "for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done", "1\n3\n");
    expect(*state, "i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; until [ $i = 0 ]; do i=$((i-1)); done; echo $i",
           "0\n");
    expect(*state, "for a in x y; do for b in 1 2; do [ $b = 2 ] && continue 2; echo $a$b; done; done", "x1\ny1\n");
    expect(*state, "case file.tar in *.zip) echo z;; *.tar|*.gz) echo t;; *) echo o;; esac", "t\n");
    expect(*state, "f() { echo $1-$#; return 3; echo never; }; f a b; echo $?", "a-2\n3\n");
    expect(*state, "printf '1 a\\n2 b\\n' | while read n l; do echo $l$n; done", "a1\nb2\n");
}

/* Law: with set -e the first unguarded failure ends the shell, a guarded one does not. */
static void test_errexit_ends_at_an_unguarded_failure(void **state)
{
    expect_status(*state, "set -e; false || echo a; if false; then :; fi; ! true; echo b; false; echo never", "a\nb\n",
                  1);
    expect_status(*state, "set -e; (exit 5); echo never", "", 5);
    expect_failure(*state, "set -u; echo $unknown; echo never", "bash: line 1: unknown: unbound variable\n", 127);
}

/* Law: what cannot be found is 127, what cannot be executed 126, what cannot be parsed 2, each with its line. */
static void test_failures_have_their_statuses(void **state)
{
    expect_failure(*state, "rsync -a x y", "bash: line 1: rsync: command not found\n", 127);
    expect_failure(*state, "\n./nothing", "bash: line 2: ./nothing: No such file or directory\n", 127);
    expect_failure(*state, "/tmp", "bash: line 1: /tmp: Is a directory\n", 126);
    expect_failure(*state, "echo x > f; ./f", "bash: line 1: ./f: Permission denied\n", 126);
    expect_failure(*state, "cat < nothing", "bash: line 1: nothing: No such file or directory\n", 1);
    expect_failure(*state, "echo x > /no/file", "bash: line 1: /no/file: No such file or directory\n", 1);
    expect_failure(*state, "sh -c nothing", "sh: 1: nothing: not found\n", 127);
    expect_failure(*state, "echo a )",
                   "bash: -c: line 1: syntax error near unexpected token `)'\nbash: -c: line 1: `echo a )'\n", 2);
    expect_failure(*state, "sh -c 'echo ('", "sh: 1: Syntax error: end of file unexpected\n", 2);
    expect_failure(*state, "sh -c 'a; )'", "sh: 1: Syntax error: \")\" unexpected\n", 2);
    expect_failure(*state, "echo 'open", "bash: -c: line 1: unexpected EOF while looking for matching `''\n", 2);
    expect_status(*state, "echo before; if true", "", 2);
}

/* Law: a script of the file tree runs when it may be executed, and its effects stay. */
static void test_scripts_run_as_commands(void **state)
{
    expect(*state, "printf '#!/bin/sh\\necho \"$0 $1\"\\nexit 4\\n' > s; chmod +x s; ./s arg; echo $?", "./s arg\n4\n");
    expect(*state, "cp s /usr/local/bin/tool; tool x; which tool; command -v tool",
           "/usr/local/bin/tool x\n/usr/local/bin/tool\n/usr/local/bin/tool\n");
    expect(*state, "sh s 1; echo $?; bash < s; echo $?", "s 1\n4\nbash \n4\n");
}

/* Law: a job in the background is started and over at once; nohup and setsid run their command. */
static void test_background_jobs_do_their_work(void **state)
{
    expect(*state, "nohup sh -c 'echo done' >log 2>&1 </dev/null & echo started; cat log", "started\ndone\n");
    expect(*state, "setsid sh -c 'echo s' > log2 2>&1 < /dev/null & wait; cat log2; timeout 5 echo t; sleep 1000",
           "s\nt\n");
    expect_status(*state, "nohup nothing", "", 127);
}

/* Law: what a command sleeps in the foreground is told, and its own clock moves on; timeout cuts it. */
static void test_the_time_that_a_command_sleeps_is_told(void **state)
{
    struct host_test *test = *state;
    static const struct {
        const char *command, *output;
        int64_t slept_ms;
    } cases[] = {
        {"echo x", "x\n", 0},
        {"sleep 1.25; echo x", "x\n", 1250},
        {"sleep .5 2s 1m", "", 62500},
        {"sleep 1h & sleep 2", "", 2000},
        {"timeout 5 sleep 9; echo $?", "124\n", 5000},
        {"timeout 5m sleep 9; echo $?", "0\n", 9000},
        {"timeout 0 sleep 9; echo $?", "0\n", 9000},
        {"a=$(date +%s); sleep 7; echo $(($(date +%s) - a))", "7\n", 7000},
        {"for i in 1 2 3; do sleep 1; done", "", 3000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_string_equal(run(test, cases[i].command), cases[i].output);
        assert_int_equal(host_slept_ns(test->host), cases[i].slept_ms * NS_PER_MS);
    }
    (void)run(test, "sleep infinity");
    assert_true(host_slept_ns(test->host) > INT64_C(1000000) * NS_PER_HOUR);
    expect_status(test, "sleep 1x", "", 1);
    expect_status(test, "sleep .", "", 1);
    assert_int_equal(host_slept_ns(test->host), 0);
}

/* Law: standard input is read once: what one command leaves, the next one finds. */
static void test_input_is_shared_between_commands(void **state)
{
    struct host_test *test = *state;
    assert_string_equal(run_with_input(test, "read a; cat; echo $a", "one\ntwo\nthree\n"), "two\nthree\none\n");
    assert_string_equal(run_with_input(test, "cat > f; wc -c < f", "bytes"), "5\n");
}

/* Law: text nested, chained or looped beyond every bound ends with an error, never with a crash or a hang. */
static void test_hostile_texts_end(void **state)
{
    struct host_test *test = *state;
    struct buffer text;
    buffer_init(&text, test->heap, 1024 * 1024);
    static const char *const pieces[] = {"(",     "{ ",   "$(",   "`",          "\"$(",      "if ", "! ",
                                         "${a:-", "a|",   "a&&",  "'",          "f() ",      "$((", "[",
                                         "\\",    "<<E ", "{ { ", "case a in ", "for i in ", "a;",  "(("};
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        buffer_clear(&text);
        buffer_append_repeated(&text, pieces[i], 20001);
        (void)run(test, buffer_text(&text));
        assert_int_not_equal(test->status, 0);
    }
    buffer_clear(&text);
    buffer_append_repeated(&text, "a=1;", 40000);
    (void)run(test, buffer_text(&text));
    assert_int_equal(test->status, 126); /* longer than a command may be */
    buffer_release(&text);
    static const char *const endless[] = {"while :; do :; done",
                                          "f() { f; }; f",
                                          "f() { f | f; }; f",
                                          "until false; do x=$x$x.; done",
                                          "sh -c 'sh s' ; echo 'sh s' > s; sh s",
                                          "cat /dev/zero",
                                          "x=a; while :; do x=$x$x; done",
                                          "for i in $(seq 1 100000); do eval \"v$i=1\"; done"};
    for (size_t i = 0; i < ARRAY_LENGTH(endless); i++) {
        (void)run(test, endless[i]);
        assert_int_equal(test->status, HOST_EXIT_KILLED);
        expect(test, "echo alive", "alive\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(test_quotes_keep_what_they_should),
        HOST_TEST(test_unquoted_values_are_split),
        HOST_TEST(test_the_last_status_is_known),
        HOST_TEST(test_lists_go_from_left_to_right),
        HOST_TEST(test_pipelines_pass_output_on),
        HOST_TEST(test_redirections_apply_in_order),
        HOST_TEST(test_here_documents_are_input),
        HOST_TEST(test_expansions_give_values),
        HOST_TEST(test_patterns_become_names),
        HOST_TEST(test_compound_commands_steer),
        HOST_TEST(test_errexit_ends_at_an_unguarded_failure),
        HOST_TEST(test_failures_have_their_statuses),
        HOST_TEST(test_scripts_run_as_commands),
        HOST_TEST(test_background_jobs_do_their_work),
        HOST_TEST(test_the_time_that_a_command_sleeps_is_told),
        HOST_TEST(test_input_is_shared_between_commands),
        HOST_TEST(test_hostile_texts_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
