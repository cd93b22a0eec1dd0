/*
 * For the tests of sandboxed machines: machines in a reactor, commands run on them, and what came of those. Where the system does
 * not let sandboxes be, the tests are skipped and say why.
 */
#ifndef TESTS_SANDBOX_SANDBOX_TEST_H
#define TESTS_SANDBOX_SANDBOX_TEST_H

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fakes/front/sandbox.h"

enum { MACHINES_MAX = 4, OUTPUT_KEPT_MAX = 4 * 1024 * 1024, PATIENCE_S = 60 };

#define MIB (INT64_C(1024) * 1024)

struct sandbox_test {
    struct heap *heap;
    struct clock_page *clock;
    struct reactor *reactor;
    char program[SANDBOX_PATH_SIZE];
    struct sandbox *machines[MACHINES_MAX];
    struct buffer out, err;
    int status;
};

/* One command under way. */
struct command {
    struct sandbox_test *test;
    struct sandbox_process *process;
    struct span input; /* not yet taken */
    bool input_told;
    bool slow;         /* its output is left where it is */
    int64_t out_bytes; /* read so far, kept or not */
    struct buffer *out, *err;
    bool ended;
    int status, killed_by;
};

static const char test_environment[] =
    "HOME=/root\0USER=root\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0"
    "LC_ALL=C";

static inline void take_output(struct command *command)
{
    struct buffer *const kept[] = {command->out, command->err};
    for (int i = 0; i < SANDBOX_STREAM_COUNT && !command->slow; i++) {
        struct span output = sandbox_process_output(command->process, (enum sandbox_stream)i);
        while (output.length > 0) {
            if (kept[i] != NULL && kept[i]->length + output.length < OUTPUT_KEPT_MAX) {
                buffer_append(kept[i], output.at, output.length);
            }
            command->out_bytes += (int64_t)output.length;
            sandbox_process_sent(command->process, (enum sandbox_stream)i, output.length);
            output = sandbox_process_output(command->process, (enum sandbox_stream)i);
        }
    }
}

static inline void give_input(struct command *command)
{
    size_t room = sandbox_process_room(command->process);
    while (room > 0 && command->input.length > 0) {
        size_t piece = command->input.length < room ? command->input.length : room;
        sandbox_process_input(command->process, (struct span){command->input.at, piece});
        command->input.at += piece;
        command->input.length -= piece;
        room = sandbox_process_room(command->process);
    }
    if (command->input.length == 0 && !command->input_told) {
        command->input_told = true;
        sandbox_process_input_end(command->process);
    }
}

static inline void command_changed(void *context)
{
    struct command *command = context;
    if (command->process == NULL) {
        return; /* still within sandbox_exec() */
    }
    give_input(command);
    take_output(command);
    if (!command->ended && sandbox_process_has_ended(command->process)) {
        command->ended = true;
        command->status = sandbox_process_status(command->process);
        command->killed_by = sandbox_process_killed_by(command->process);
    }
}

static inline struct sandbox_request request_of(struct command *command, struct span text)
{
    return (struct sandbox_request){.command = text,
                                    .environment = {test_environment, sizeof test_environment},
                                    .changed = command_changed,
                                    .context = command};
}

static inline void begin(struct sandbox_test *test, int machine, struct command *command, const char *text)
{
    struct sandbox_request request = request_of(command, span_of(text));
    command->test = test;
    command->process = sandbox_exec(test->machines[machine], &request);
    assert_non_null(command->process);
    command_changed(command);
}

static inline void turn_until(struct sandbox_test *test, const bool *condition)
{
    int64_t deadline_ns = monotonic_now_ns() + PATIENCE_S * NS_PER_S;
    while (!*condition && monotonic_now_ns() < deadline_ns) {
        reactor_turn(test->reactor, true);
    }
    assert_true(*condition);
}

static inline void finish(struct command *command)
{
    turn_until(command->test, &command->ended);
    sandbox_process_close(command->process);
    command->process = NULL;
}

static inline const char *run_on(struct sandbox_test *test, int machine, const char *text, struct span input)
{
    struct command command = {.input = input, .out = &test->out, .err = &test->err};
    buffer_clear(&test->out);
    buffer_clear(&test->err);
    begin(test, machine, &command, text);
    finish(&command);
    test->status = command.killed_by != 0 ? 128 + command.killed_by : command.status;
    return buffer_text(&test->out);
}

static inline const char *run(struct sandbox_test *test, const char *text)
{
    return run_on(test, 0, text, span_of(""));
}

static inline void expect(struct sandbox_test *test, const char *text, const char *output)
{
    assert_string_equal(run(test, text), output);
    assert_string_equal(buffer_text(&test->err), "");
    assert_int_equal(test->status, 0);
}

static inline struct guest_machine test_machine(int64_t id, int64_t disk_bytes)
{
    return (struct guest_machine){
        .facts = {.instance_id = id,
                  .seed = (uint64_t)id,
                  .gpu_name = "RTX 4090",
                  .num_gpus = 1,
                  .gpu_ram_mib = 24564,
                  .driver_version = "580.95.05",
                  .cuda_version = "13.0",
                  .cpu_cores = 2,
                  .ram_mib = 4096,
                  .disk_bytes = disk_bytes,
                  .public_ipaddr = "127.0.0.1"},
        .bounds = {.address_space_bytes = SANDBOX_ADDRESS_SPACE_BYTES / 4, .processes = 100},
    };
}

/* A machine that runs. */
static inline void add_machine(struct sandbox_test *test, int machine, int64_t disk_bytes, const char *onstart)
{
    struct sandbox_options options = {.heap = test->heap,
                                      .reactor = test->reactor,
                                      .program = test->program,
                                      .machine = test_machine(41803846 + machine, disk_bytes),
                                      .onstart = onstart};
    test->machines[machine] = sandbox_new(&options);
    assert_non_null(test->machines[machine]);
    assert_true(sandbox_start(test->machines[machine]));
}

static inline int start_test(void **state)
{
    struct sandbox_test *test = calloc(1, sizeof *test);
    struct error error;
    assert_non_null(test);
    test->heap = heap_new();
    test->clock = clock_page_real(test->heap);
    test->reactor = reactor_new(test->heap, test->clock);
    assert_non_null(test->reactor);
    buffer_init(&test->out, test->heap, OUTPUT_KEPT_MAX);
    buffer_init(&test->err, test->heap, OUTPUT_KEPT_MAX);
    assert_int_equal(sandbox_find_program(test->program, &error), ERR_OK);
    *state = test;
    return 0;
}

/* Everything that was taken must have come back. */
static inline int stop_test(void **state)
{
    struct sandbox_test *test = *state;
    for (int i = 0; i < MACHINES_MAX; i++) {
        sandbox_free(test->machines[i]);
    }
    buffer_release(&test->out);
    buffer_release(&test->err);
    reactor_free(test->reactor);
    clock_page_close(test->clock);
    assert_int_equal(heap_live_blocks(test->heap), 0);
    heap_free(test->heap);
    free(test);
    return 0;
}

/* 77, what ctest takes for skipped, where there can be no sandboxes; else 0. */
static inline int status_without_sandboxes(void)
{
    char program[SANDBOX_PATH_SIZE];
    struct error error;
    if (sandbox_find_program(program, &error) == ERR_OK && sandbox_probe(program, &error) == ERR_OK) {
        return 0;
    }
    (void)fprintf(stderr, "skipped: %s\n", error.message);
    return 77;
}

#define SANDBOX_TEST(name) cmocka_unit_test_setup_teardown(name, start_test, stop_test)

#endif
