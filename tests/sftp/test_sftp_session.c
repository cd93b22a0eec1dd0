/* The SFTP server over a modelled host, packet by packet. */
#include "sftp_test.h"

/* ---- laws of the stream ---- */

/* Law: how the bytes were cut on their way changes nothing. */
static void test_single_bytes_are_answered_as_whole_packets_are(void **state)
{
    struct sftp_test *test = *state;
    struct buffer dialogue;
    buffer_init(&dialogue, test->heap, 1024 * 1024);
    put_init(&dialogue);
    put_path_request(&dialogue, SFTP_REALPATH, 7, ".");
    put_path_request(&dialogue, SFTP_STAT, 8, "/root");
    put_path_request(&dialogue, SFTP_STAT, 9, "/nowhere");
    feed(test, (struct span){dialogue.data, dialogue.length}, dialogue.length);
    struct buffer whole = test->answers;
    buffer_init(&test->answers, test->heap, ANSWERS_MAX);
    restart(test);
    feed(test, (struct span){dialogue.data, dialogue.length}, 1);
    assert_int_equal(test->answers.length, whole.length);
    assert_memory_equal(test->answers.data, whole.data, whole.length);
    buffer_release(&whole);
    buffer_release(&dialogue);
}

/* Law: a client that never reads is not answered for ever; what it sends then stays with the sender. */
static void test_unread_output_stops_the_input(void **state)
{
    struct sftp_test *test = *state;
    struct buffer requests;
    greet(test);
    run_command(test, "head -c 300000 /dev/zero > big");
    uint32_t handle = open_file(test, "big", SFTP_OPEN_READ);
    buffer_init(&requests, test->heap, 1024 * 1024);
    for (uint32_t i = 0; i < 1000; i++) {
        put_read(&requests, 100 + i, handle, 0, 200000);
    }
    struct span rest = {requests.data, requests.length};
    size_t taken = file_session_input(test->session, rest);
    assert_true(taken < rest.length);
    assert_true(file_session_output(test->session).length < 2 * SFTP_OUTPUT_FULL + SFTP_PACKET_MAX);
    rest = (struct span){rest.at + taken, rest.length - taken};
    assert_int_equal(file_session_input(test->session, rest), 0);
    /* Read at last, all of it is answered, in order. */
    feed(test, rest, rest.length);
    for (uint32_t i = 0; i < 1000; i++) {
        struct answer answer = next_answer(test);
        assert_int_equal(answer.type, SFTP_DATA);
        assert_int_equal(answer.id, 100 + i);
        assert_int_equal(sftp_take_string(&answer.fields).length, 200000);
    }
    buffer_release(&requests);
}

/* Law: what is no packet ends the session, with what was answered before still sent. */
static void test_malformed_packets_end_the_session(void **state)
{
    struct sftp_test *test = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } packets[] = {
        {"\0\0\0\0", 4},                              /* empty */
        {"\xff\xff\xff\xff\5", 5},                    /* longer than any */
        {"\0\4\0\1\5", 5},                            /* one byte too long */
        {"\0\0\0\5\x10\0\0\0\1", 9},                  /* no path */
        {"\0\0\0\x0a\x10\0\0\0\1\0\0\0\2a", 14},      /* a path cut off */
        {"\0\0\0\x0c\x10\0\0\0\1\0\0\0\3a\0b", 16},   /* a NUL in it */
        {"\0\0\0\x0d\3\0\0\0\1\0\0\0\0\0\0\0\1", 17}, /* open without attributes */
        {"\0\0\0\3\5\0\0", 7},                        /* no number */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(packets); i++) {
        restart(test);
        greet(test);
        feed(test, (struct span){packets[i].bytes, packets[i].length}, packets[i].length);
        assert_true(file_session_is_over(test->session));
        assert_int_equal(file_session_status(test->session), FILE_SESSION_STATUS_BROKEN);
        assert_int_equal(test->answers.length, test->read);
    }
}

static void test_nothing_is_answered_before_the_greeting(void **state)
{
    struct sftp_test *test = *state;
    struct buffer request;
    buffer_init(&request, test->heap, 1024);
    put_path_request(&request, SFTP_MKDIR, 1, "made");
    sftp_put_u32(&request, 0);
    feed(test, (struct span){request.data, request.length}, request.length);
    assert_true(file_session_is_over(test->session));
    assert_int_equal(run_command(test, "test -e made"), 1);
    buffer_release(&request);
}

static void test_the_end_of_the_input_ends_the_session_well(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    file_session_end_input(test->session);
    assert_true(file_session_is_over(test->session));
    assert_int_equal(file_session_status(test->session), 0);
}

static void test_a_request_nobody_knows_is_unsupported(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    expect_status_of(test, ask_path(test, (enum sftp_type)99, "x"), SFTP_FX_OP_UNSUPPORTED);
    expect_status_of(test, ask_path(test, SFTP_EXTENDED, "nothing@example.org"), SFTP_FX_OP_UNSUPPORTED);
    /* There are no hard links in a modelled tree, so nobody is told that there are. */
    expect_status_of(test, ask_path(test, SFTP_EXTENDED, "hardlink@openssh.com"), SFTP_FX_OP_UNSUPPORTED);
}

/* ---- handles ---- */

static void test_handles_are_bounded_and_come_back(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    uint32_t last = 0;
    for (uint32_t i = 0; i < SFTP_HANDLES_MAX; i++) {
        last = open_file(test, "f", SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    }
    struct buffer request;
    buffer_init(&request, test->heap, 1024);
    put_open(&request, 5, "f", SFTP_OPEN_READ);
    expect_status_of(test, ask(test, &request), SFTP_FX_FAILURE);
    put_handle_request(&request, SFTP_CLOSE, 6, last);
    expect_status_of(test, ask(test, &request), SFTP_FX_OK);
    uint32_t again = open_file(test, "f", SFTP_OPEN_READ);
    /* The slot is the same, the handle is not: the old one is nobody's. */
    assert_int_not_equal(again, last);
    put_handle_request(&request, SFTP_FSTAT, 7, last);
    expect_status_of(test, ask(test, &request), SFTP_FX_FAILURE);
    buffer_release(&request);
}

static void test_an_unlinked_file_lives_while_it_is_open(void **state)
{
    struct sftp_test *test = *state;
    struct buffer request;
    greet(test);
    run_command(test, "printf abc > f");
    uint32_t handle = open_file(test, "f", SFTP_OPEN_READ);
    expect_status_of(test, ask_path(test, SFTP_REMOVE, "f"), SFTP_FX_OK);
    buffer_init(&request, test->heap, 1024);
    put_read(&request, 9, handle, 1, 100);
    struct answer answer = ask(test, &request);
    assert_int_equal(answer.type, SFTP_DATA);
    struct span data = sftp_take_string(&answer.fields);
    assert_true(span_equals(data, "bc"));
    put_read(&request, 10, handle, 3, 100);
    expect_status_of(test, ask(test, &request), SFTP_FX_EOF);
    buffer_release(&request);
}

/* A file opened for one thing cannot do the other. */
static void test_reading_what_is_open_for_writing_is_denied(void **state)
{
    struct sftp_test *test = *state;
    struct buffer request;
    greet(test);
    uint32_t handle = open_file(test, "f", SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    buffer_init(&request, test->heap, 1024);
    put_read(&request, 9, handle, 0, 1);
    expect_status_of(test, ask(test, &request), SFTP_FX_PERMISSION_DENIED);
    buffer_release(&request);
}

/* ---- directories ---- */

/* Law: entries that vanish and appear while a directory is read confuse nothing; what was there all the time is told once. */
static void test_a_directory_may_change_while_it_is_read(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    run_command(test, "mkdir d; cd d; for i in 1 2 3 4 5 6 7 8 9; do for j in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do "
                      "echo > $i$j; done; done");
    struct answer answer = ask_path(test, SFTP_OPENDIR, "d");
    assert_int_equal(answer.type, SFTP_HANDLE);
    uint32_t handle = handle_in(&answer);
    uint32_t seen = count_names(test, handle);
    assert_int_equal(seen, 100);
    run_command(test, "rm d/72 d/71 d/70; rm -r d/9?; echo > d/00");
    seen += count_names(test, handle);
    assert_in_range(seen, 2 + 9 * 16 - 16 - 3, 2 + 9 * 16 - 16);
    run_command(test, "rm -r d");
    assert_int_equal(count_names(test, handle), 0);
}

static void test_links_are_told_as_such(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    run_command(test, "printf abc > f; ln -s f l; ln -s nowhere n; ln -s loop loop");
    struct answer answer = ask_path(test, SFTP_LSTAT, "l");
    assert_int_equal(answer.type, SFTP_ATTRS);
    assert_int_equal(mode_in(&answer) & FILE_KIND_MASK, FILE_KIND_SYMLINK);
    answer = ask_path(test, SFTP_STAT, "l");
    assert_int_equal(mode_in(&answer), FILE_KIND_REGULAR | 0644);
    expect_status_of(test, ask_path(test, SFTP_STAT, "n"), SFTP_FX_NO_SUCH_FILE);
    expect_status_of(test, ask_path(test, SFTP_STAT, "loop"), SFTP_FX_NO_SUCH_FILE);
    answer = ask_path(test, SFTP_READLINK, "n");
    expect_name(&answer, "nowhere");
    expect_status_of(test, ask_path(test, SFTP_READLINK, "f"), SFTP_FX_BAD_MESSAGE);
}

static void test_paths_are_made_real(void **state)
{
    struct sftp_test *test = *state;
    static const struct {
        const char *path, *real;
    } rows[] = {
        {"", "/root"},           {".", "/root"}, {"..", "/"},           {"/", "/"},
        {"x", "/root/x"},        {"/x", "/x"},   {"../etc/./", "/etc"}, {"l", "/workspace"},
        {"l/..//root", "/root"},
    };
    greet(test);
    run_command(test, "ln -s /workspace l");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct answer answer = ask_path(test, SFTP_REALPATH, rows[i].path);
        expect_name(&answer, rows[i].real);
    }
    expect_status_of(test, ask_path(test, SFTP_REALPATH, "x/y"), SFTP_FX_NO_SUCH_FILE);
}

/* ---- moving ---- */

static void test_the_two_renames_differ_where_something_stands(void **state)
{
    struct sftp_test *test = *state;
    greet(test);
    run_command(test, "echo a > a; echo b > b; mkdir d; mkdir -p e/f");
    expect_status_of(test, ask_two(test, NULL, "a", "b"), SFTP_FX_FAILURE);
    expect_status_of(test, ask_two(test, "posix-rename@openssh.com", "a", "b"), SFTP_FX_OK);
    assert_int_equal(run_command(test, "test \"$(cat b)\" = a -a ! -e a"), 0);
    expect_status_of(test, ask_two(test, "posix-rename@openssh.com", "b", "d"), SFTP_FX_FAILURE);
    expect_status_of(test, ask_two(test, "posix-rename@openssh.com", "d", "e"), SFTP_FX_FAILURE);
    expect_status_of(test, ask_two(test, "posix-rename@openssh.com", "d", "e/f"), SFTP_FX_OK);
    expect_status_of(test, ask_two(test, "posix-rename@openssh.com", "e", "e/f/g"), SFTP_FX_BAD_MESSAGE);
    expect_status_of(test, ask_two(test, NULL, "nothing", "x"), SFTP_FX_NO_SUCH_FILE);
}

/* ---- the disk ---- */

static void test_a_full_disk_fails_the_write(void **state)
{
    struct sftp_test *test = *state;
    struct buffer request;
    char text[3000] = {0};
    greet(test);
    host_set_disk_used(test->files.host, 20 * GIB - 2 * TREE_BLOCK_BYTES);
    uint32_t handle = open_file(test, "f", SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    buffer_init(&request, test->heap, 16384);
    for (uint32_t i = 0; i < 3; i++) {
        put_write(&request, i, handle, i * sizeof text, (struct span){text, sizeof text});
        expect_status_of(test, ask(test, &request), i < 2 ? SFTP_FX_OK : SFTP_FX_FAILURE);
    }
    buffer_release(&request);
}

/* Law: without memory the session ends, whichever allocation it was that failed, and everything comes back. */
static void test_a_session_without_memory_ends(void **state)
{
    struct sftp_test *test = *state;
    struct buffer dialogue;
    buffer_init(&dialogue, test->heap, 65536);
    put_init(&dialogue);
    put_open(&dialogue, 1, "new", SFTP_OPEN_WRITE | SFTP_OPEN_CREATE);
    put_path_request(&dialogue, SFTP_OPENDIR, 2, "/root");
    put_path_request(&dialogue, SFTP_REALPATH, 3, ".");
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        uint64_t before = heap_failures_fired(test->heap);
        file_session_free(test->session);
        heap_fail_at(test->heap, nth, true);
        test->session = sftp_session_new(test->heap, &host_file_service, &test->files);
        if (test->session != NULL) {
            assert_in_range(file_session_input(test->session, (struct span){dialogue.data, dialogue.length}), 1,
                            dialogue.length);
        }
        failed = heap_failures_fired(test->heap) > before;
        heap_fail_at(test->heap, 0, false);
    }
    buffer_release(&dialogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SFTP_TEST(test_single_bytes_are_answered_as_whole_packets_are),
        SFTP_TEST(test_unread_output_stops_the_input),
        SFTP_TEST(test_malformed_packets_end_the_session),
        SFTP_TEST(test_nothing_is_answered_before_the_greeting),
        SFTP_TEST(test_the_end_of_the_input_ends_the_session_well),
        SFTP_TEST(test_a_request_nobody_knows_is_unsupported),
        SFTP_TEST(test_handles_are_bounded_and_come_back),
        SFTP_TEST(test_an_unlinked_file_lives_while_it_is_open),
        SFTP_TEST(test_reading_what_is_open_for_writing_is_denied),
        SFTP_TEST(test_a_directory_may_change_while_it_is_read),
        SFTP_TEST(test_links_are_told_as_such),
        SFTP_TEST(test_paths_are_made_real),
        SFTP_TEST(test_the_two_renames_differ_where_something_stands),
        SFTP_TEST(test_a_full_disk_fails_the_write),
        SFTP_TEST(test_a_session_without_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
