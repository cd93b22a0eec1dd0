/* scp's old protocol over modelled hosts: one sends, the other receives; and what a peer may say that is not right. */
#include "sftp_test.h"

#include "fakes/sftp/scp_command.h"

struct scp_test {
    struct heap *heap;
    struct host_files from, to;
    struct file_session *source, *sink;
};

static int start_scp(void **state)
{
    static struct scp_test test;
    test = (struct scp_test){.heap = heap_new()};
    struct wall_time now = {INT64_C(1785752400) * NS_PER_S};
    test.from = (struct host_files){new_host(test.heap), now};
    test.to = (struct host_files){new_host(test.heap), now};
    *state = &test;
    return 0;
}

static int stop_scp(void **state)
{
    struct scp_test *test = *state;
    file_session_free(test->source);
    file_session_free(test->sink);
    host_free(test->from.host);
    host_free(test->to.host);
    assert_int_equal(heap_live_blocks(test->heap), 0);
    heap_free(test->heap);
    return 0;
}

static struct file_session *new_session(struct scp_test *test, struct host_files *files, bool sink, const char *letters,
                                        const char *path)
{
    struct scp_options options = {
        .sink = sink,
        .recursive = strchr(letters, 'r') != NULL,
        .preserve = strchr(letters, 'p') != NULL,
        .target_is_directory = strchr(letters, 'd') != NULL,
        .paths = &path,
        .path_count = 1,
    };
    struct file_session *session = scp_session_new(test->heap, &host_file_service, files, &options);
    assert_non_null(session);
    return session;
}

/* Hands on what one has for the other; true when there was something. */
static bool hand_over(struct file_session *from, struct file_session *to, size_t piece)
{
    struct span output = file_session_output(from);
    if (output.length == 0) {
        return false;
    }
    size_t taken = file_session_input(to, (struct span){output.at, output.length < piece ? output.length : piece});
    file_session_sent(from, taken);
    return taken > 0;
}

static void transfer(struct scp_test *test, const char *letters, const char *from, const char *to, size_t piece)
{
    test->source = new_session(test, &test->from, false, letters, from);
    test->sink = new_session(test, &test->to, true, letters, to);
    bool moved = true;
    while (moved) {
        moved = hand_over(test->sink, test->source, piece);
        moved = hand_over(test->source, test->sink, piece) || moved;
    }
    if (file_session_is_over(test->source)) {
        file_session_end_input(test->sink);
    }
}

static void run_on(struct scp_test *test, struct host_files *files, const char *command, struct buffer *out)
{
    struct buffer err;
    buffer_init(&err, test->heap, 65536);
    buffer_clear(out);
    assert_int_equal(host_run(files->host, files->now, span_of(command), span_of(""), out, &err), 0);
    assert_string_equal(buffer_text(&err), "");
    buffer_release(&err);
}

static void expect_same(struct scp_test *test, const char *command)
{
    struct buffer one;
    struct buffer other;
    buffer_init(&one, test->heap, 1024 * 1024);
    buffer_init(&other, test->heap, 1024 * 1024);
    run_on(test, &test->from, command, &one);
    run_on(test, &test->to, command, &other);
    assert_string_equal(buffer_text(&one), buffer_text(&other));
    buffer_release(&one);
    buffer_release(&other);
}

static void prepare(struct scp_test *test, struct host_files *files, const char *command)
{
    struct buffer out;
    buffer_init(&out, test->heap, 65536);
    run_on(test, files, command, &out);
    buffer_release(&out);
}

#define TREE                                                                                                           \
    "mkdir -p t/a/b t/empty; cd t; printf abc > a/f; printf '' > a/none; head -c 100000 /dev/zero > a/b/big; "         \
    "printf x > 'a/ö name'; chmod 600 a/f; chmod 755 a/none; touch -d @1577934245 a/f a/b; "                          \
    "chmod 500 empty; printf q > -q"

/* Law: a tree arrives as it was, however the bytes were cut. */
static void test_a_tree_arrives_as_it_was(void **state)
{
    struct scp_test *test = *state;
    prepare(test, &test->from, TREE);
    for (size_t piece = 1; piece <= 100000; piece *= 10) {
        prepare(test, &test->to, "rm -rf t");
        transfer(test, "rp", "t", ".", piece);
        assert_true(file_session_is_over(test->source));
        assert_true(file_session_is_over(test->sink));
        assert_int_equal(file_session_status(test->source), 0);
        assert_int_equal(file_session_status(test->sink), 0);
        expect_same(test, "find t | sort; stat -c '%n %a %s %Y' t t/a t/a/f t/a/none t/a/b t/a/b/big t/empty; "
                          "sha1sum t/a/b/big 't/a/ö name' t/-q");
        file_session_free(test->source);
        file_session_free(test->sink);
        test->source = test->sink = NULL;
    }
}

/* Law: a file that cannot be stored is told of, and the others still arrive. */
static void test_a_full_disk_is_told_of(void **state)
{
    struct scp_test *test = *state;
    struct buffer out;
    prepare(test, &test->from,
            "mkdir d; echo first > d/1; head -c 50000 /etc/os-release > d/2; dd if=/dev/zero of=d/3 bs=1000 "
            "count=100 2>/dev/null; echo last > d/4");
    prepare(test, &test->to, "true");
    host_set_disk_used(test->to.host, 20 * GIB - 4 * TREE_BLOCK_BYTES);
    transfer(test, "r", "d", ".", 4096);
    assert_true(file_session_is_over(test->source));
    assert_int_equal(file_session_status(test->source), 1);
    assert_int_equal(file_session_status(test->sink), 1);
    buffer_init(&out, test->heap, 65536);
    run_on(test, &test->to, "cat d/1; cat d/4 || true", &out);
    assert_memory_equal(out.data, "first\n", 6);
    buffer_release(&out);
}

static void test_what_is_missing_is_told_of(void **state)
{
    struct scp_test *test = *state;
    prepare(test, &test->from, "mkdir d");
    transfer(test, "", "nothing", "x", 100);
    assert_true(file_session_is_over(test->source));
    assert_int_equal(file_session_status(test->source), 1);
    file_session_free(test->source);
    file_session_free(test->sink);
    test->source = test->sink = NULL;
    transfer(test, "", "d", "x", 100); /* a directory without -r */
    assert_int_equal(file_session_status(test->source), 1);
}

/* ---- peers that say something else ---- */

static void expect_reply(struct scp_test *test, const char *letters, const char *target, const char *said,
                         size_t length, const char *reply)
{
    test->sink = new_session(test, &test->to, true, letters, target);
    if (!file_session_is_over(test->sink)) {
        (void)!file_session_input(test->sink, (struct span){said, length});
    }
    struct span output = file_session_output(test->sink);
    size_t skipped = output.length > 0 && output.at[0] == '\0' ? 1 : 0; /* its first yes */
    struct span rest = {output.at + skipped, output.length - skipped};
    if (!span_equals(rest, reply)) {
        print_message("said %s\nanswer: %.*s\n", said, (int)rest.length, rest.at);
    }
    assert_true(span_equals(rest, reply));
    file_session_end_input(test->sink);
    assert_true(file_session_status(test->sink) == 1);
    file_session_free(test->sink);
    test->sink = NULL;
}

#define SAYS(letters, target, said, reply) expect_reply(test, letters, target, said, sizeof(said) - 1, reply)

static void test_a_sink_believes_nothing(void **state)
{
    struct scp_test *test = *state;
    prepare(test, &test->to, "echo x > file; mkdir dir");
    SAYS("", "dir", "C0644 1 ../evil\n", "\1scp: error: unexpected filename: ../evil\n");
    SAYS("", "dir", "C0644 1 ..\n", "\1scp: error: unexpected filename: ..\n");
    SAYS("r", "dir", "D0755 0 .\n", "\1scp: error: unexpected filename: .\n");
    SAYS("", "dir", "C0644 1 \n", "\1scp: error: unexpected filename: \n");
    SAYS("", "dir", "D0755 0 d\n", "\1scp: protocol error: received directory without -r\n");
    SAYS("", "dir", "C0844 1 f\n", "\1scp: protocol error: bad mode\n");
    SAYS("", "dir", "C06441 f\n", "\1scp: protocol error: mode not delimited\n");
    SAYS("", "dir", "C0644 99999999999999999999 f\n", "\1scp: protocol error: size not delimited\n");
    SAYS("", "dir", "C0644 -1 f\n", "\1scp: protocol error: size not delimited\n");
    SAYS("", "dir", "T1 0 x 0\n", "\1scp: protocol error: atime.sec not delimited\n");
    SAYS("", "dir", "\n", "\1scp: protocol error: unexpected <newline>\n");
    SAYS("", "dir", "hello from a banner\n", "\1scp: hello from a banner\n");
    SAYS("", "nowhere/x", "C0644 1 f\n", "\1scp: nowhere/x: No such file or directory\n");
    SAYS("r", "file", "D0755 0 d\n", "\1scp: file: Not a directory\n");
    SAYS("d", "file", "C0644 1 f\n", "\1scp: file: Not a directory\n");
    SAYS("d", "nowhere", "C0644 1 f\n", "\1scp: nowhere: No such file or directory\n");
}

/* Law: what was cut off in the middle is a failure, and what had come is there. */
static void test_a_transfer_that_is_cut_fails(void **state)
{
    struct scp_test *test = *state;
    struct buffer out;
    test->sink = new_session(test, &test->to, true, "", "f");
    assert_int_equal(file_session_input(test->sink, span_of("C0644 10 f\nabc")), 14);
    file_session_end_input(test->sink);
    assert_int_equal(file_session_status(test->sink), 1);
    buffer_init(&out, test->heap, 1024);
    run_on(test, &test->to, "cat f", &out);
    assert_string_equal(buffer_text(&out), "abc");
    buffer_release(&out);
}

/* ---- the command ---- */

/* Law: a remote scp is known by its words, as the shell expands them; everything else is the shell's. */
static void test_a_remote_scp_is_known_by_its_words(void **state)
{
    struct scp_test *test = *state;
    static const char *const others[] = {
        "scp",           "scp a b",    "scp -t x; rm -rf /", "scp -t x | cat", "scp -f x > y",  "scp -t -f x",
        "scp -S p -t x", "scp -t x &", "! scp -t x",         "scpx -t x",      "echo scp -t x", "scp -t 'x",
    };
    static const char *const remotes[] = {"scp -t x", "scp -r -p -d -t -- '/work space'", "scp -v -f *",
                                          "scp -pf $HOME"};
    prepare(test, &test->from, "echo 1 > one; echo 2 > two");
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_null(scp_session_for_command(test->heap, &test->from, span_of(others[i])));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(remotes); i++) {
        struct file_session *session = scp_session_for_command(test->heap, &test->from, span_of(remotes[i]));
        assert_non_null(session);
        file_session_free(session);
    }
    test->source = scp_session_for_command(test->heap, &test->from, span_of("scp -f one*"));
    assert_int_equal(file_session_input(test->source, (struct span){"\0\0\0", 3}), 3);
    struct span output = file_session_output(test->source);
    assert_int_equal(output.length, 15);
    assert_memory_equal(output.at, "C0644 2 one\n1\n", 14);
}

#define SCP_TEST(name) cmocka_unit_test_setup_teardown(name, start_scp, stop_scp)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCP_TEST(test_a_tree_arrives_as_it_was),     SCP_TEST(test_a_full_disk_is_told_of),
        SCP_TEST(test_what_is_missing_is_told_of),   SCP_TEST(test_a_sink_believes_nothing),
        SCP_TEST(test_a_transfer_that_is_cut_fails), SCP_TEST(test_a_remote_scp_is_known_by_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
