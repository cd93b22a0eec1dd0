/*
 * For the tests of the modelled host: a host with its heap, commands run on it, and what came of them.
 */
#ifndef TESTS_HOST_HOST_TEST_H
#define TESTS_HOST_HOST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fakes/host/host.h"

#define GIB (INT64_C(1024) * 1024 * 1024)

/* 3 August 2026, 10:20:00 UTC. */
static const struct wall_time test_now = {INT64_C(1785752400) * NS_PER_S};

struct host_test {
    struct heap *heap;
    struct host *host;
    struct buffer out;
    struct buffer err;
    int status;
};

static inline struct host_facts test_facts(void)
{
    return (struct host_facts){
        .instance_id = 41803846,
        .seed = 1,
        .gpu_name = "RTX 4090",
        .num_gpus = 1,
        .gpu_ram_mib = 24564,
        .driver_version = "580.95.05",
        .cuda_version = "13.0",
        .cpu_cores = 32,
        .ram_mib = 64128,
        .disk_bytes = 20 * GIB,
        .disk_used_bytes = 62 * GIB / 10,
        .image = "nvidia/cuda:12.1.0-base-ubuntu22.04",
        .public_ipaddr = "203.0.113.20",
    };
}

static inline void start_with(struct host_test *test, const struct host_facts *facts)
{
    *test = (struct host_test){.heap = heap_new()};
    assert_non_null(test->heap);
    buffer_init(&test->out, test->heap, 1024 * 1024);
    buffer_init(&test->err, test->heap, 1024 * 1024);
    test->host = host_new(test->heap, facts);
    assert_non_null(test->host);
}

static inline int start_host(void **state)
{
    static struct host_test test;
    struct host_facts facts = test_facts();
    start_with(&test, &facts);
    *state = &test;
    return 0;
}

/* Everything that the host took must have come back. */
static inline int stop_host(void **state)
{
    struct host_test *test = *state;
    host_free(test->host);
    buffer_release(&test->out);
    buffer_release(&test->err);
    assert_int_equal(heap_live_blocks(test->heap), 0);
    heap_free(test->heap);
    return 0;
}

static inline const char *run_with_input(struct host_test *test, const char *command, const char *input)
{
    buffer_clear(&test->out);
    buffer_clear(&test->err);
    test->status = host_run(test->host, test_now, span_of(command), span_of(input), &test->out, &test->err);
    return buffer_text(&test->out);
}

static inline const char *run(struct host_test *test, const char *command)
{
    return run_with_input(test, command, "");
}

/* Runs and expects this output, nothing on standard error, status 0. */
static inline void expect(struct host_test *test, const char *command, const char *output)
{
    assert_string_equal(run(test, command), output);
    assert_string_equal(buffer_text(&test->err), "");
    assert_int_equal(test->status, 0);
}

static inline void expect_status(struct host_test *test, const char *command, const char *output, int status)
{
    assert_string_equal(run(test, command), output);
    assert_int_equal(test->status, status);
}

static inline void expect_failure(struct host_test *test, const char *command, const char *message, int status)
{
    (void)run(test, command);
    assert_string_equal(buffer_text(&test->err), message);
    assert_int_equal(test->status, status);
}

#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, start_host, stop_host)

#endif
