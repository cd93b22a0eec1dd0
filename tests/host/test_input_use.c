#include "host_test.h"

#include "base/attributes.h"

static struct heap *heap;

static bool reads(const char *command)
{
    return host_reads_input(heap, span_of(command));
}

static void expect_all(const char *const *commands, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++) {
        if (reads(commands[i]) != expected) {
            fail_msg("%s: expected that it %s", commands[i], expected ? "reads" : "reads nothing");
        }
    }
}

static void test_commands_that_take_their_input_from_there_read(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "cat",
        "cat > /root/file",
        "cat - other",
        "cat /dev/stdin",
        "cat -A",
        "wc -c",
        "md5sum",
        "sha256sum -",
        "head -n 5",
        "head -5",
        "tail -c +10",
        "sort -k 2 -t ,",
        "cut -d , -f 1",
        "grep -m 1 pattern",
        "grep -e pattern",
        "sed -n 1p",
        "sed -e 's/a/b/'",
        "awk '{print $1}'",
        "awk -F : '{print $1}'",
        "awk 'BEGIN {x=1} {print x}'",
        "tr a b",
        "tee copy",
        "base64 -d",
        "uniq",
        "cmp file",
        "dd of=/root/file",
        "dd if=/dev/stdin",
        "cp /dev/stdin file",
        "read line",
        "while read -r line; do echo $line; done",
        "sh",
        "bash -s",
        "bash",
        "sh -c 'cat > f'",
        "bash -lc \"wc -l\"",
        "env LC_ALL=C sort",
        "nohup cat",
        "timeout 5 cat",
        "timeout -k 1 5 md5sum",
        "setsid tee x",
        "command cat",
        "exec cat",
        "eval cat",
        "eval 'echo x; cat'",
        "cat | wc -c",
        "cd /tmp && cat > x",
        "false || cat",
        "{ cat; }",
        "(cat)",
        "if true; then cat; fi",
        "case x in x) cat;; esac",
        "for i in 1; do head -n 1; done",
        "f() { cat; }; f",
        "x=$(cat); echo $x",
        "echo \"$(cat)\"",
        "echo `cat`",
        "cat 0<&0",
        "cat < /dev/stdin",
        "! grep -q x",
        "mkdir -p d; cat > d/f",
    };
    expect_all(commands, ARRAY_LENGTH(commands), true);
}

static void test_other_commands_read_nothing(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "",
        "echo hi",
        "echo -",
        "echo cat",
        "echo 'cat'",
        "hostname",
        "nvidia-smi -L",
        "nvidia-smi --query-gpu=name --format=csv,noheader",
        "cat file",
        "cat < file",
        "cat <<< text",
        "cat <<end\ntext\nend",
        "cat <&-",
        "wc -c file",
        "head -n 5 file",
        "grep pattern file",
        "grep -r pattern",
        "grep -e pattern file",
        "sed -n 1p file",
        "awk '{print}' file",
        "awk 'BEGIN { print 100 - 8 }'",
        "sort file",
        "dd if=/dev/zero of=x bs=1 count=1",
        "cp a b",
        "cmp a b",
        "sh -c 'echo x'",
        "sh script",
        "bash -c \"pwd\"",
        "./train.sh",
        "python3 train.py",
        "echo a | cat",
        "echo a | tee f | wc",
        "cat &",
        "nohup sh -c 'sleep 1' > log 2>&1 < /dev/null &",
        "env",
        "env -i A=1",
        "command -v cat",
        "timeout 5 sleep 1",
        "exec echo x",
        "eval 'echo x'",
        "( cat ) < file",
        "while read x; do :; done < file",
        "echo '$(cat)'",
        "x=$((1 + 2)); echo $x",
        "f() { echo x; }; f",
        "echo 'unclosed",
        "if true; then",
        "$CMD",
        "export PATH=/bin; df -h /",
    };
    expect_all(commands, ARRAY_LENGTH(commands), false);
}

/* Nested as deep as anybody likes, it ends; and without memory it ends too. */
static void test_the_answer_is_bounded(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, heap, HOST_COMMAND_BYTES * 2);
    for (int i = 0; i < 1000; i++) {
        buffer_append_text(&text, "echo $(");
    }
    assert_false(host_reads_input(heap, (struct span){buffer_text(&text), text.length}));
    buffer_clear(&text);
    while (text.length <= HOST_COMMAND_BYTES) {
        buffer_append_text(&text, "cat ;");
    }
    assert_false(host_reads_input(heap, (struct span){buffer_text(&text), text.length}));
    buffer_release(&text);
    for (uint64_t nth = 1; nth < 20; nth++) {
        heap_fail_at(heap, nth, true);
        (void)reads("eval cat; sh -c 'cat'");
        heap_fail_at(heap, 0, false);
    }
    assert_int_equal(heap_live_blocks(heap), 0);
}

static int start(void **state)
{
    (void)state;
    heap = heap_new();
    return heap == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    heap_free(heap);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_that_take_their_input_from_there_read),
        cmocka_unit_test(test_other_commands_read_nothing),
        cmocka_unit_test(test_the_answer_is_bounded),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
