/* The laws of the file tree and of the commands that work on it. */
#include "host_test.h"

/* Law: files, folders and links are made, moved, copied and removed, and stay between commands. */
static void test_files_stay_between_commands(void **state)
{
    expect(*state, "mkdir -p a/b/c && echo one > a/b/c/f && cp -r a d && mv a/b e && rm -rf a", "");
    expect(*state, "find d e -type f; cat d/b/c/f e/c/f; ls",
           "d/b/c/f\ne/c/f\none\none\nd\ne\nhasbooted\nonstart.sh\n");
}

/* Law: the disk is full at its rented size: what fits is written, the command fails and says so, the host lives on. */
static void test_a_full_disk_refuses_more(void **state)
{
    struct host_test *test = *state;
    host_set_disk_used(test->host, 20 * GIB - 8192);
    expect(test, "df -B1 --output=avail / | tail -n 1 | tr -d ' '; printf x > small", "8192\n");
    expect_failure(test, "seq 1 5000 > large", "seq: write error: No space left on device\n", 1);
    expect(test, "stat -c %s large; df -B1 --output=avail,pcent / | tail -n 1", "4096\n    0 100%\n");
    expect_failure(test, "echo more >> large", "bash: line 1: echo: write error: No space left on device\n", 1);
    expect_failure(test, "cp large copy", "cp: error writing 'copy': No space left on device\n", 1);
    expect_failure(test, "fallocate -l 1G reserved", "fallocate: fallocate failed: No space left on device\n", 1);
    expect(test, "rm large; echo fits > again; cat again", "fits\n");
    host_set_disk_used(test->host, 30 * GIB);
    expect_failure(test, "echo x > y", "bash: line 1: echo: write error: No space left on device\n", 1);
    expect(test, "df -h / | tail -n 1; rm small again y", "overlay          20G   31G     0 100% /\n");
}

/* Law: zeros take room on the disk but no memory; a hole takes neither; removing gives all back. */
static void test_large_files_take_room_not_memory(void **state)
{
    struct host_test *test = *state;
    size_t before = heap_peak_bytes(test->heap);
    expect(test, "dd if=/dev/zero of=big bs=1M count=5000 status=none; fallocate -l 2G more; truncate -s 100G hole",
           "");
    expect(test, "stat -c %s big more hole; du -h big more hole",
           "5242880000\n2147483648\n107374182400\n4.9G\tbig\n2.0G\tmore\n0\thole\n");
    expect(test, "df --output=pcent / | tail -n 1; rm big more hole; df --output=pcent / | tail -n 1", " 66%\n 31%\n");
    assert_true(heap_peak_bytes(test->heap) < before + 1024 * 1024);
    (void)run(test, "dd if=/dev/zero of=big bs=1G count=100");
    assert_int_equal(test->status, 1);
    assert_non_null(strstr(buffer_text(&test->err), "dd: error writing 'big': No space left on device\n"));
    expect(test, "head -c 1000 /dev/zero | md5sum; truncate -s 1000 z; md5sum < z",
           "ede3d3b685b4e137ba4cb2521329a75e  -\nede3d3b685b4e137ba4cb2521329a75e  -\n");
}

/* Law: more entries or bytes than the host holds are refused as a full disk, and the host lives on. */
static void test_the_limits_of_the_tree_are_a_full_disk(void **state)
{
    struct host_test *test = *state;
    (void)run(test, "for i in $(seq 1 20000); do echo > f$i || break; done; ls | wc -l");
    assert_int_equal(test->status, 0);
    assert_non_null(strstr(buffer_text(&test->err), "No space left on device"));
    expect(test, "rm f*; echo ok > f; cat f", "ok\n");
    (void)run(test, "head -c 40000000 /dev/zero > a; head -c 40000000 /dev/zero > b");
    assert_string_equal(buffer_text(&test->err), "head: write error: No space left on device\n");
    expect(test, "rm a b; echo ok", "ok\n");
    (void)run(test, "d=x; while mkdir $d 2>/dev/null; do d=$d/x; done; cd / && rm -r ~/x; ls ~");
    assert_string_equal(buffer_text(&test->out), "f\nhasbooted\nonstart.sh\n");
}

/* Law: a file that is open when it is removed, or written while it is read, does no harm. */
static void test_open_files_survive_their_names(void **state)
{
    expect(
        *state,
        "{ echo a; rm f; echo b; } > f; ls f 2>/dev/null; echo c > g; cat g g > g; cat g; : > h; cat < h >> h; cat h",
        "");
    expect(*state, "echo z > s; sort -o s s; sed -i s/z/y/ s; dd if=s of=s conv=notrunc status=none; cat s", "y\n");
    expect_status(
        *state, "(mkdir gone; cd gone; rmdir ../gone; ls; pwd; echo x > f) 2>&1",
        "ls: cannot access '.': No such file or directory\n/root/gone\nbash: line 1: f: No such file or directory\n",
        1);
}

/* Law: symbolic links are followed, and a circle of them ends. */
static void test_links_lead_somewhere(void **state)
{
    expect(*state, "mkdir t; echo in > t/f; ln -s t l; ln -s l/f m; cat m l/f; readlink m; readlink -f m; cd l; pwd",
           "in\nin\nl/f\n/root/t/f\n/root/t\n");
    expect_failure(*state, "ln -s p q; ln -s q p; cat p", "cat: p: Too many levels of symbolic links\n", 1);
    expect(*state, "ls -l l | cut -c1-10; [ -L l ] && [ -d l ] && echo both", "lrwxrwxrwx\nboth\n");
    expect(*state, "echo a > owned; ls -l owned | wc -w; ls -o -r owned | wc -w", "9\n8\n");
}

/* Law: failures are worded as the real tools word them. */
static void test_failures_are_worded_as_the_real_ones(void **state)
{
    static const struct {
        const char *command;
        const char *message;
        int status;
    } rows[] = {
        {"mkdir /tmp", "mkdir: cannot create directory '/tmp': File exists\n", 1},
        {"mkdir /nope/x", "mkdir: cannot create directory '/nope/x': No such file or directory\n", 1},
        {"rm /nope", "rm: cannot remove '/nope': No such file or directory\n", 1},
        {"rm /tmp", "rm: cannot remove '/tmp': Is a directory\n", 1},
        {"rmdir /usr", "rmdir: failed to remove '/usr': Directory not empty\n", 1},
        {"cat /nope /tmp", "cat: /nope: No such file or directory\ncat: /tmp: Is a directory\n", 1},
        {"ls /nope", "ls: cannot access '/nope': No such file or directory\n", 2},
        {"mv /nope x", "mv: cannot stat '/nope': No such file or directory\n", 1},
        {"cp /nope x", "cp: cannot stat '/nope': No such file or directory\n", 1},
        {"cp /tmp x", "cp: -r not specified; omitting directory '/tmp'\n", 1},
        {"head /nope", "head: cannot open '/nope' for reading: No such file or directory\n", 1},
        {"touch /nope/x", "touch: cannot touch '/nope/x': No such file or directory\n", 1},
        {"stat /nope", "stat: cannot statx '/nope': No such file or directory\n", 1},
        {"md5sum /nope", "md5sum: /nope: No such file or directory\n", 1},
        {"grep a /nope", "grep: /nope: No such file or directory\n", 2},
        {"cd /nope", "bash: line 1: cd: /nope: No such file or directory\n", 1},
        {"rm", "rm: missing operand\nTry 'rm --help' for more information.\n", 1},
        {"cat -Y", "cat: invalid option -- 'Y'\nTry 'cat --help' for more information.\n", 1},
        {"head -c", "head: option requires an argument -- 'c'\nTry 'head --help' for more information.\n", 1},
        {"[ 1 -eq a ]", "bash: line 1: [: a: integer expression expected\n", 2},
        {"kill 99999", "bash: line 1: kill: (99999) - No such process\n", 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_failure(*state, rows[i].command, rows[i].message, rows[i].status);
    }
}

/* Law: bytes of any value pass through pipes and files unchanged. */
static void test_any_byte_passes(void **state)
{
    struct host_test *test = *state;
    char bytes[512];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i & 0xff);
    }
    buffer_clear(&test->out);
    int status = host_run(test->host, test_now, span_of("cat | cat > f; base64 f | base64 -d | cat - f"),
                          (struct span){bytes, sizeof bytes}, &test->out, &test->err);
    assert_int_equal(status, 0);
    assert_int_equal(test->out.length, 2 * sizeof bytes);
    assert_memory_equal(test->out.data, bytes, sizeof bytes);
    assert_memory_equal(test->out.data + sizeof bytes, bytes, sizeof bytes);
}

/* Law: output beyond the caller's limit ends the command as killed; what fits is kept. */
static void test_output_is_bounded_by_the_caller(void **state)
{
    struct host_test *test = *state;
    struct buffer small;
    buffer_init(&small, test->heap, 100);
    int status = host_run(test->host, test_now, span_of("echo kept; seq 1 1000"), span_of(""), &small, &test->err);
    assert_int_equal(status, HOST_EXIT_KILLED);
    assert_true(small.length <= 100);
    assert_memory_equal(buffer_text(&small), "kept\n", 5);
    buffer_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOST_TEST(test_files_stay_between_commands),          HOST_TEST(test_a_full_disk_refuses_more),
        HOST_TEST(test_large_files_take_room_not_memory),     HOST_TEST(test_the_limits_of_the_tree_are_a_full_disk),
        HOST_TEST(test_open_files_survive_their_names),       HOST_TEST(test_links_lead_somewhere),
        HOST_TEST(test_failures_are_worded_as_the_real_ones), HOST_TEST(test_any_byte_passes),
        HOST_TEST(test_output_is_bounded_by_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
