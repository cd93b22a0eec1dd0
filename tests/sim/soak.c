/* Soak: so many virtual runs leave memory, descriptors and threads where they were. Usage: sim-soak RUNS */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

enum { WARM_UP_RUNS = 1000, MEMORY_SLACK_KB = 256 };

struct process_state {
    long memory_kb;
    long threads;
    long descriptors;
};

static long status_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncmp(line, name, length) == 0 ? strtol(line + length, NULL, 10) : -1;
}

static struct process_state state_now(void)
{
    struct process_state state = {0};
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        long memory_kb = status_value(line, "VmRSS:");
        long threads = status_value(line, "Threads:");
        state.memory_kb = memory_kb >= 0 ? memory_kb : state.memory_kb;
        state.threads = threads >= 0 ? threads : state.threads;
    }
    (void)fclose(status);
    DIR *descriptors = opendir("/proc/self/fd");
    assert_non_null(descriptors);
    while (readdir(descriptors) != NULL) {
        state.descriptors++;
    }
    (void)closedir(descriptors);
    return state;
}

static long runs_wanted;

static void test_runs_leave_nothing_behind(void **context)
{
    (void)context;
    struct stage stage = stage_open("fast-poll");
    struct process_state before = {0};
    for (long run = 0; run < runs_wanted + WARM_UP_RUNS; run++) {
        if (run == WARM_UP_RUNS) {
            before = state_now();
        }
        stage_play(&stage, (struct rehearsal_variation){.run = (uint32_t)run});
        assert_int_equal(stage.result.status, EXIT_DONE);
        assert_int_equal(stage.result.machines_left, 0);
        assert_int_equal(stage.result.leaked_blocks, 0);
    }
    struct process_state after = state_now();
    print_message("%ld runs: %ld kB before, %ld kB after\n", runs_wanted, before.memory_kb, after.memory_kb);
    assert_int_equal(after.threads, before.threads);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_true(after.memory_kb - before.memory_kb <= MEMORY_SLACK_KB);
    stage_close(&stage);
}

int main(int argc, char **argv)
{
    runs_wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs_leave_nothing_behind)};
    return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
