/*
 * Both kinds of host beside the system's own sh: the same commands in an empty folder, the same output and the same status; and
 * between the hosts, whose login shell is bash, the same messages too.
 */
#include "sandbox_test.h"

#include <sys/wait.h>

#include "fakes/host/host.h"

/* 3 August 2026, 10:20:00 UTC. */
static const struct wall_time model_now = {INT64_C(1785752400) * NS_PER_S};

#define IN_A_NEW_FOLDER "rm -rf /workspace/try; mkdir /workspace/try; cd /workspace/try; unset OLDPWD\n"

/* Each runs in a folder of its own that is empty at first. LC_ALL=C, standard input empty. */
static const char *const commands[] = {
    "echo a b   c",
    "echo 'single $x' \"double $((1+1))\" back\\ slash",
    "x='a b'; printf '[%s]' $x \"$x\"; echo",
    "true; echo $?; false; echo $?",
    "false || echo or; true && echo and; false && echo no; echo end",
    "(exit 3); echo $?; sh -c 'exit 200'; echo $?",
    "exit 5",
    "nosuchcommand12345 2>/dev/null; echo $?",
    "echo one > f; echo two >> f; cat f; wc -l < f",
    "printf 'c\\na\\nb\\na\\n' > f; sort f; sort -r f; sort -u f; sort f | uniq -c",
    "printf '10\\n9\\n100\\n' | sort -n; printf 'b 2\\na 10\\n' | sort -k2 -n",
    "seq 1 5 | head -n 2; seq 1 5 | tail -n 2; seq 1 5 | tail -n +4; seq 1 5 | head -n -3",
    "printf 'hello world' | tail -c +7; echo; printf 'hello' | head -c 2",
    "printf 'a:b:c\\nd:e:f\\n' | cut -d: -f2; echo abcdef | cut -c2-4; printf 'a:b:c\\n' | cut -d: -f1,3-",
    "echo hello | tr a-y b-z; echo aabbcc | tr -s ab; echo a1b2 | tr -d 0-9; echo abc | tr '[:lower:]' '[:upper:]'",
    "printf 'one\\ntwo\\nthree\\n' | grep -n o; echo $?",
    "printf 'one\\ntwo\\n' | grep -c zzz; echo $?",
    "printf 'one\\ntwo\\nthree\\n' | grep -v -E 'one|tw.'; printf 'aXbX\\n' | grep -o X",
    "printf 'foo.bar\\nfooxbar\\n' | grep -F foo.bar; printf 'abc\\n' | grep -i 'B'; printf 'a\\nab\\n' | grep -x a",
    "echo 'Cpu(s): 5' | grep 'Cpu(s)'; echo aab | grep -E '^a{2}b$'; echo 'x[1]' | grep 'x\\[1\\]'",
    "echo hello | sed 's/l/L/'; echo hello | sed 's/l/L/g'; echo a/b | sed 's|/|-|'; echo abc | sed "
    "'s/\\(a\\)\\(b\\)/\\2\\1/'",
    "seq 1 6 | sed -n '2p'; seq 1 6 | sed '2,4d'; seq 1 3 | sed '$d'; echo ab12 | sed -E 's/[0-9]+/<&>/'",
    "echo 'a b c' | awk '{print $2}'; printf '1 2\\n3 4\\n' | awk '{print $1 + $2, NR}'; echo a:b | awk -F: '{print "
    "$2}'",
    "echo 34.1 | awk '{print 100 - $1}'; echo 'x 7' | awk '{print $1 \"-\" $2 * 2, NF}'",
    "printf 'a 1\\nb 2\\n' | awk '/b/ {print $2}'; printf 'a\\nb\\n' | awk 'NR==2 {print}'",
    "mkdir -p a/b/c; ls a; ls -d a/b; rmdir a/b/c; ls a/b",
    "mkdir d; touch d/x d/y; ls d; rm d/x; ls d; rm -r d; ls d 2>/dev/null; echo $?",
    "echo x > f; mv f g; cat g; cp g h; cat h; ls",
    "mkdir s; echo 1 > s/a; cp -r s t; cat t/a; mv t u; ls",
    "ln -s target link; readlink link; [ -L link ] && echo link; [ -e link ] || echo dangling",
    "touch a.txt b.txt c.log .h; echo *.txt; echo *; echo [bc].*; echo *.none; ls",
    "[ 1 -lt 2 ]; echo $?; [ a = b ]; echo $?; [ -n '' ]; echo $?; test 3 -ge 3 && echo ge",
    "touch f; mkdir d; [ -f f ] && [ -d d ] && [ ! -e n ] && [ -s f ] || echo empty; [ -x d ] && echo x",
    "[ 1 = 1 -a 2 = 3 ]; echo $?; [ 1 = 1 -o 2 = 3 ]; echo $?; [ '(' = '(' ]; echo $?",
    "for i in 1 2 3; do echo $i; done; for f in a b; do for g in c d; do echo $f$g; done; done",
    "i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i",
    "for i in 1 2 3 4 5; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done",
    "case abc in a*) echo starts;; *) echo other;; esac; case x in [0-9]) echo d;; x|y) echo xy;; esac",
    "f() { echo \"$1 $#\"; return 4; }; f a b; echo $?",
    "x=1; (x=2; echo $x); echo $x; y=$(echo sub; exit 3); echo $y $?",
    "echo ${u:-default} ${u-d} ${u:+set}; v=abc; echo ${v:+set} ${#v} ${v%c} ${v#a}",
    "p=/a/b/c.tar.gz; echo ${p##*/} ${p%/*} ${p%%.*} ${p#*.}",
    "echo $((2+3*4)) $(((2+3)*4)) $((17%5)) $((-7/2)) $((1<2)) $((5==5)) $((1<<4))",
    "set -- a 'b c' d; echo $# $2; shift; echo $1; printf '[%s]' \"$@\"; printf '[%s]' \"$*\"; echo",
    "cat <<E\nvalue $((1+1))\nE\ncat <<'E'\nraw $x\nE",
    "{ echo a; echo b; } | tr ab xy; (echo c; echo d) > f; cat f",
    "echo err >&2 2>/dev/null; { echo out; echo err >&2; } 2>/dev/null",
    "{ echo out; echo err >&2; } > f 2>&1; cat f; { echo o; echo e >&2; } 2>&1 >/dev/null",
    "echo a | cat | cat | wc -c; true | false; echo $?; false | true; echo $?",
    "! true; echo $?; ! false; echo $?",
    "set -e; false || true; echo alive; false; echo dead",
    "set -u; echo ${nothing:-ok}; (echo $nothing) 2>/dev/null || echo failed",
    "printf '%s-%d-%05d-%x-%o|%5s|%-5s|%.2s\\n' a 7 42 255 8 r l cut; printf '%s\\n' x y z; printf '%%\\t|\\n'",
    "printf abc | md5sum; printf abc | sha1sum; printf abc | sha256sum",
    "printf abc > f; md5sum f > s; md5sum -c s; echo x > f; md5sum -c s 2>/dev/null; echo $?",
    "printf 'some bytes to encode' | base64; printf aGk= | base64 -d; echo",
    "basename /a/b.txt; basename /a/b.txt .txt; dirname /a/b.txt; dirname x; basename a/",
    "seq 3; seq 2 4; seq 10 -5 0",
    "printf 'a b\\nc d e\\n' > f; wc f; wc -l f; wc -w < f; wc -c f; printf x | wc -l",
    "chmod 600 x 2>/dev/null; echo $?; touch f; chmod 640 f; stat -c '%a %s' f; chmod u+x,g-r f; stat -c %A f",
    "truncate -s 100 f; stat -c %s f; dd if=/dev/zero of=g bs=10 count=3 2>/dev/null; wc -c < g; head -c 7 /dev/zero | "
    "wc -c",
    "echo abc > f; dd if=f bs=1 skip=1 count=1 2>/dev/null; echo; cmp f f; echo $?",
    "find . | sort; mkdir -p q/r; touch q/r/z; find q -type f; find . -name 'r*'; find q -type d | sort",
    "read a b <<E\none two three\nE\necho $b $a; printf '1\\n2\\n' | while read n; do echo n$n; done",
    "x=5; eval 'echo $x'; echo `echo back`; sh -c 'echo $0 $1' zero one",
    "A=1 sh -c 'echo $A'; echo \"[$A]\"; export B=2; sh -c 'echo $B'; unset B; echo ${B:-gone}",
    "cd /; pwd; cd /usr/bin/..; pwd; cd nosuch 2>/dev/null || echo no",
    "echo a > f && cat f | tee g h > /dev/null; cat g h; echo b | tee -a g; cat g",
    "kill -0 1 2>/dev/null; echo $?; wait; sleep 0; date -d @0 -u +%Y-%m-%dT%H:%M:%S; date -u -d @1785752400 '+%a %b "
    "%e %j'",
    "command -v nosuch || echo none; type nosuch >/dev/null 2>&1 || echo unknown; env -i A=1 env",
    "/tmp 2>/dev/null; echo $?; ./none 2>/dev/null; echo $?; touch p; ./p 2>/dev/null; echo $?",
    "printf 'echo script $1\\nexit 6\\n' > s; sh s arg; echo $?; chmod +x s; ./s two; echo $?",
    "echo 'unclosed",
    "echo a; )",
    "if true; then echo x",
    "# only a comment",
    "echo a#b # comment\necho c",
    "echo a; echo b & wait",
    "echo a \\\n  b",
    "true && { echo grouped; false; } || echo failed",
    "x=a; x=$x$x; x=$x$x; echo $x; y=\"$x $(echo \"in $(echo deep)\")\"; echo \"$y\"",
    "ls nosuch 2>/dev/null; echo $?; cat nosuch 2>/dev/null; echo $?; grep x nosuch 2>/dev/null; echo $?",
};

/* What the system's sh makes of a command in a new, empty folder. */
static int run_really(const char *command, char *output, size_t size)
{
    char folder[] = "/tmp/dumont-sh-XXXXXX";
    char line[256];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("TESTED_COMMAND", command, 1), 0);
    assert_true(text_format(
        line, sizeof line,
        "cd %s && LC_ALL=C exec env -u TESTED_COMMAND sh -c \"$TESTED_COMMAND\" 2>/dev/null </dev/null", folder));
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, size - 1, pipe);
    output[length] = '\0';
    int status = pclose(pipe);
    assert_true(text_format(line, sizeof line, "rm -rf %s", folder));
    assert_int_equal(system(line), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* One command's results on the modelled host. */
struct modelled {
    struct host *host;
    struct buffer out, err;
    int status;
};

static void run_modelled(struct modelled *modelled, const char *text)
{
    buffer_clear(&modelled->out);
    buffer_clear(&modelled->err);
    modelled->status = host_run(modelled->host, model_now, span_of(text), span_of(""), &modelled->out, &modelled->err);
}

static bool agree(const char *command, const char *what, const char *one, const char *other)
{
    if (strcmp(one, other) != 0) {
        print_message("the command was: %s\n%s, one: %s\nother: %s\n", command, what, one, other);
        return false;
    }
    return true;
}

static bool agree_on_status(const char *command, int one, int other)
{
    if (one != other) {
        print_message("the command was: %s\nstatus: %d and %d\n", command, one, other);
    }
    return one == other;
}

/* Law: where POSIX leaves no choice, modelled, sandboxed and real shells agree; `sandboxed` is NULL where there are no sandboxes. */
static int count_disagreements(struct sandbox_test *test, struct modelled *modelled, bool sandboxed)
{
    int disagreements = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        char real[8192];
        struct buffer text;
        int real_status = run_really(commands[i], real, sizeof real);
        buffer_init(&text, test->heap, 65536);
        buffer_append_text(&text, IN_A_NEW_FOLDER);
        buffer_append_text(&text, commands[i]);
        run_modelled(modelled, buffer_text(&text));
        bool good = agree(commands[i], "modelled and sh", buffer_text(&modelled->out), real) &&
                    agree_on_status(commands[i], modelled->status, real_status);
        if (sandboxed) {
            (void)run(test, buffer_text(&text));
            good = agree(commands[i], "sandboxed and sh", buffer_text(&test->out), real) && good;
            good = agree_on_status(commands[i], test->status, real_status) && good;
            good = agree(commands[i], "messages, modelled and sandboxed", buffer_text(&modelled->err),
                         buffer_text(&test->err)) &&
                   good;
        }
        buffer_release(&text);
        disagreements += good ? 0 : 1;
    }
    return disagreements;
}

static void test_the_hosts_agree_with_the_system(void **state)
{
    struct sandbox_test *test = *state;
    struct guest_machine machine = test_machine(41803846, 64 * MIB);
    struct modelled modelled = {.host = host_new(test->heap, &machine.facts)};
    bool sandboxed = status_without_sandboxes() == 0;
    assert_non_null(modelled.host);
    buffer_init(&modelled.out, test->heap, OUTPUT_KEPT_MAX);
    buffer_init(&modelled.err, test->heap, OUTPUT_KEPT_MAX);
    if (sandboxed) {
        add_machine(test, 0, 64 * MIB, NULL);
    }
    assert_int_equal(count_disagreements(test, &modelled, sandboxed), 0);
    buffer_release(&modelled.out);
    buffer_release(&modelled.err);
    host_free(modelled.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SANDBOX_TEST(test_the_hosts_agree_with_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
