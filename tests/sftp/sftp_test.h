/*
 * For the tests of SFTP: a session over a modelled host, requests put together, answers taken apart.
 */
#ifndef TESTS_SFTP_SFTP_TEST_H
#define TESTS_SFTP_SFTP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fakes/host/host_files.h"
#include "fakes/sftp/file_session.h"
#include "fakes/sftp/sftp_wire.h"

#define GIB (INT64_C(1024) * 1024 * 1024)

enum { ANSWERS_MAX = 512 * 1024 * 1024 };

struct sftp_test {
    struct heap *heap;
    struct host_files files;
    struct file_session *session;
    struct buffer answers;
    size_t read;
};

struct answer {
    uint32_t type, id;
    struct sftp_reader fields;
};

static inline struct host *new_host(struct heap *heap)
{
    const struct host_facts facts = {
        .instance_id = 41803846,
        .seed = 1,
        .gpu_name = "RTX 4090",
        .num_gpus = 1,
        .disk_bytes = 20 * GIB,
        .disk_used_bytes = GIB,
    };
    struct host *host = host_new(heap, &facts);
    assert_non_null(host);
    return host;
}

static inline void restart(struct sftp_test *test)
{
    file_session_free(test->session);
    buffer_clear(&test->answers);
    test->read = 0;
    test->session = sftp_session_new(test->heap, &host_file_service, &test->files);
    assert_non_null(test->session);
}

static inline int start_sftp(void **state)
{
    static struct sftp_test test;
    test = (struct sftp_test){.heap = heap_new()};
    assert_non_null(test.heap);
    test.files = (struct host_files){new_host(test.heap), {INT64_C(1785752400) * NS_PER_S}};
    buffer_init(&test.answers, test.heap, ANSWERS_MAX);
    restart(&test);
    *state = &test;
    return 0;
}

/* Everything that was taken must have come back. */
static inline int stop_sftp(void **state)
{
    struct sftp_test *test = *state;
    file_session_free(test->session);
    host_free(test->files.host);
    buffer_release(&test->answers);
    assert_int_equal(heap_live_blocks(test->heap), 0);
    heap_free(test->heap);
    return 0;
}

static inline int run_command(struct sftp_test *test, const char *command)
{
    struct buffer out;
    struct buffer err;
    buffer_init(&out, test->heap, 65536);
    buffer_init(&err, test->heap, 65536);
    int status = host_run(test->files.host, test->files.now, span_of(command), span_of(""), &out, &err);
    buffer_release(&out);
    buffer_release(&err);
    return status;
}

static inline void fetch(struct sftp_test *test)
{
    struct span output = file_session_output(test->session);
    while (output.length > 0) {
        buffer_append(&test->answers, output.at, output.length);
        file_session_sent(test->session, output.length);
        output = file_session_output(test->session);
    }
}

/* Sends the bytes in pieces, reading all answers. */
static inline void feed(struct sftp_test *test, struct span bytes, size_t piece)
{
    while (bytes.length > 0) {
        struct span part = {bytes.at, piece < bytes.length ? piece : bytes.length};
        size_t taken = file_session_input(test->session, part);
        bytes.at += taken;
        bytes.length -= taken;
        fetch(test);
    }
}

/* ---- requests ---- */

static inline void put_init(struct buffer *out)
{
    sftp_end(out, sftp_begin(out, SFTP_INIT, 3));
}

static inline void put_path_request(struct buffer *out, enum sftp_type type, uint32_t id, const char *path)
{
    size_t place = sftp_begin(out, type, id);
    sftp_put_string(out, span_of(path));
    if (type == SFTP_MKDIR) {
        sftp_put_u32(out, 0);
    }
    sftp_end(out, place);
}

static inline void put_open(struct buffer *out, uint32_t id, const char *path, uint32_t flags)
{
    size_t place = sftp_begin(out, SFTP_OPEN, id);
    sftp_put_string(out, span_of(path));
    sftp_put_u32(out, flags);
    sftp_put_u32(out, 0);
    sftp_end(out, place);
}

/* A handle of ours is a slot and a generation: both in one number for these tests. */
static inline void put_handle(struct buffer *out, uint32_t handle)
{
    sftp_put_u32(out, 8);
    sftp_put_u32(out, handle & 0xffff);
    sftp_put_u32(out, handle >> 16);
}

static inline void put_handle_request(struct buffer *out, enum sftp_type type, uint32_t id, uint32_t handle)
{
    size_t place = sftp_begin(out, type, id);
    put_handle(out, handle);
    sftp_end(out, place);
}

static inline void put_read(struct buffer *out, uint32_t id, uint32_t handle, uint64_t offset, uint32_t size)
{
    size_t place = sftp_begin(out, SFTP_READ, id);
    put_handle(out, handle);
    sftp_put_u64(out, offset);
    sftp_put_u32(out, size);
    sftp_end(out, place);
}

static inline void put_write(struct buffer *out, uint32_t id, uint32_t handle, uint64_t offset, struct span bytes)
{
    size_t place = sftp_begin(out, SFTP_WRITE, id);
    put_handle(out, handle);
    sftp_put_u64(out, offset);
    sftp_put_string(out, bytes);
    sftp_end(out, place);
}

/* ---- answers ---- */

static inline struct answer next_answer(struct sftp_test *test)
{
    assert_true(test->answers.length - test->read >= 9);
    struct sftp_reader reader = {.rest = {test->answers.data + test->read, test->answers.length - test->read}};
    struct span packet = sftp_take_string(&reader);
    assert_false(reader.failed);
    test->read += 4 + packet.length;
    struct answer answer = {.type = (unsigned char)packet.at[0],
                            .fields = {.rest = {packet.at + 1, packet.length - 1}}};
    answer.id = sftp_take_u32(&answer.fields);
    return answer;
}

/* Sends what was put together, empties it, and takes the one answer. */
static inline struct answer ask(struct sftp_test *test, struct buffer *request)
{
    feed(test, (struct span){request->data, request->length}, request->length);
    buffer_clear(request);
    struct answer answer = next_answer(test);
    assert_int_equal(test->read, test->answers.length);
    return answer;
}

static inline struct answer ask_path(struct sftp_test *test, enum sftp_type type, const char *path)
{
    struct buffer request;
    buffer_init(&request, test->heap, 8192);
    put_path_request(&request, type, 77, path);
    struct answer answer = ask(test, &request);
    buffer_release(&request);
    assert_int_equal(answer.id, 77);
    return answer;
}

/* Two paths, as a plain rename or as an extension. */
static inline struct answer ask_two(struct sftp_test *test, const char *extension, const char *from, const char *to)
{
    struct buffer request;
    buffer_init(&request, test->heap, 8192);
    size_t place = sftp_begin(&request, extension != NULL ? SFTP_EXTENDED : SFTP_RENAME, 78);
    if (extension != NULL) {
        sftp_put_string(&request, span_of(extension));
    }
    sftp_put_string(&request, span_of(from));
    sftp_put_string(&request, span_of(to));
    sftp_end(&request, place);
    struct answer answer = ask(test, &request);
    buffer_release(&request);
    return answer;
}

static inline void greet(struct sftp_test *test)
{
    struct buffer request;
    buffer_init(&request, test->heap, 64);
    put_init(&request);
    struct answer answer = ask(test, &request);
    assert_int_equal(answer.type, SFTP_VERSION);
    assert_int_equal(answer.id, 3);
    buffer_release(&request);
}

static inline void expect_status_of(struct sftp_test *test, struct answer answer, enum sftp_status status)
{
    (void)test;
    assert_int_equal(answer.type, SFTP_STATUS);
    assert_int_equal(sftp_take_u32(&answer.fields), status);
    struct span text = sftp_take_string(&answer.fields);
    assert_true(span_equals(text, sftp_status_text(status)));
    (void)sftp_take_string(&answer.fields);
    assert_false(answer.fields.failed);
    assert_int_equal(answer.fields.rest.length, 0);
}

static inline uint32_t handle_in(struct answer *answer)
{
    assert_int_equal(answer->type, SFTP_HANDLE);
    struct sftp_reader handle = {.rest = sftp_take_string(&answer->fields)};
    uint32_t slot = sftp_take_u32(&handle);
    uint32_t generation = sftp_take_u32(&handle);
    assert_false(handle.failed);
    return generation << 16 | slot;
}

static inline uint32_t open_file(struct sftp_test *test, const char *path, uint32_t flags)
{
    struct buffer request;
    buffer_init(&request, test->heap, 8192);
    put_open(&request, 79, path, flags);
    struct answer answer = ask(test, &request);
    buffer_release(&request);
    return handle_in(&answer);
}

static inline uint32_t mode_in(struct answer *answer)
{
    assert_int_equal(answer->type, SFTP_ATTRS);
    (void)sftp_take_u32(&answer->fields);
    (void)sftp_take_u64(&answer->fields);
    (void)sftp_take_u64(&answer->fields); /* user and group */
    return sftp_take_u32(&answer->fields);
}

static inline void expect_name(struct answer *answer, const char *name)
{
    assert_int_equal(answer->type, SFTP_NAME);
    assert_int_equal(sftp_take_u32(&answer->fields), 1);
    struct span text = sftp_take_string(&answer->fields);
    if (!span_equals(text, name)) {
        print_message("expected %s, got %.*s\n", name, (int)text.length, text.at);
    }
    assert_true(span_equals(text, name));
}

/* How many names one reading of a directory gives; 0 at its end. */
static inline uint32_t count_names(struct sftp_test *test, uint32_t handle)
{
    struct buffer request;
    buffer_init(&request, test->heap, 1024);
    put_handle_request(&request, SFTP_READDIR, 80, handle);
    struct answer answer = ask(test, &request);
    buffer_release(&request);
    if (answer.type != SFTP_NAME) {
        expect_status_of(test, answer, SFTP_FX_EOF);
        return 0;
    }
    return sftp_take_u32(&answer.fields);
}

#define SFTP_TEST(name) cmocka_unit_test_setup_teardown(name, start_sftp, stop_sftp)

#endif
