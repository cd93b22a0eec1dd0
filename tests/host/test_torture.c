/* Memory that runs out: at any allocation, once or for good, no crash, no leak, and the host stays usable. */
#include "host_test.h"

static const char here_document[] = "cat <<E; cat <<< x\n$HOME\nE";

/* Between them these commands allocate in every way that the host knows. */
static const char *const commands[] = {
    "echo SSH_OK && hostname",
    "mkdir -p w/x; echo text > w/x/f; cat w/x/f >> w/g; cp -r w v; mv v u; ln -s u l; ls -la u l/x; rm -r u",
    "for i in a b; do x=$x$i; done; echo \"$x\" ${x%b} $((1+2)) *; f() { echo $1; }; f y | tr a-z A-Z",
    "printf 'on\\nonn\\n' | grep -E '(o|p)n{1,2}' | sed 's/\\(o\\)n/\\1m/' | sort | uniq -c | awk '{print $1 + 1, $2}'",
    here_document,
    "md5sum ~/onstart.sh > sums; md5sum -c sums; base64 sums | base64 -d | wc; printf '%05d %s\\n' 7 x | tee t",
    "nvidia-smi; nvidia-smi --query-gpu=name,uuid --format=csv; df -h; du -a; find . -name 'o*'; stat w; date",
    "A=1 sh -c 'read x; echo $x $A' <<< line; env B=2 sh -c 'echo $B'; eval 'echo e'; (cd /; pwd); head -c 5 "
    "/dev/urandom | wc -c",
};

/* Runs all commands; the statuses do not matter here. */
static void run_all(struct host_test *test)
{
    for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
        (void)run(test, commands[i]);
    }
}

static void torture(bool persistent)
{
    bool fired = true;
    for (uint64_t nth = 1; fired; nth++) {
        struct host_test test = {.heap = heap_new()};
        struct host_facts facts = test_facts();
        assert_non_null(test.heap);
        buffer_init(&test.out, test.heap, 1024 * 1024);
        buffer_init(&test.err, test.heap, 1024 * 1024);
        heap_fail_at(test.heap, nth, persistent);
        test.host = host_new(test.heap, &facts);
        if (test.host != NULL) {
            run_all(&test);
        }
        fired = heap_failures_fired(test.heap) > 0;
        heap_fail_at(test.heap, 0, false);
        if (test.host != NULL) {
            expect(&test, "echo alive > alive; cat alive; rm -rf w l", "alive\n");
        }
        void *stopped = &test;
        (void)stop_host(&stopped);
    }
}

/* Law: whichever one allocation fails, nothing leaks and the next command works. */
static void test_one_failed_allocation_does_no_harm(void **state)
{
    (void)state;
    torture(false);
}

/* Law: the same when memory stays gone until the commands are over. */
static void test_memory_that_stays_gone_does_no_harm(void **state)
{
    (void)state;
    torture(true);
}

/* Law: a command whose memory ran out says 137, as one that the kernel killed. */
static void test_a_command_without_memory_is_killed(void **state)
{
    struct host_test *test = *state;
    expect(test, "echo a > f", "");
    for (uint64_t nth = 1; nth <= 3; nth++) {
        heap_fail_at(test->heap, nth, true);
        buffer_clear(&test->out);
        int status = host_run(test->host, test_now, span_of("cat f f f > g; echo done >> h"), span_of(""), &test->out,
                              &test->err);
        heap_fail_at(test->heap, 0, false);
        assert_int_equal(status, HOST_EXIT_KILLED);
    }
    expect(test, "cat f", "a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_failed_allocation_does_no_harm),
        cmocka_unit_test(test_memory_that_stays_gone_does_no_harm),
        HOST_TEST(test_a_command_without_memory_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
