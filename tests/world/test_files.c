#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/files.h"

/* A folder of its own for each test, removed with all that is in it. */
struct place {
    struct heap *heap;
    char folder[64];
    struct error error;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    place->heap = heap_new();
    strcpy(place->folder, "/tmp/dumont-files-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    *state = place;
    return 0;
}

/* Removes a folder's entries, one level at a time; returns how many there were. */
static size_t empty_folder(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char inner[FILE_PATH_SIZE];
        text_format(inner, sizeof inner, "%s/%s", path, entry->d_name);
        struct stat status;
        if (lstat(inner, &status) == 0 && S_ISDIR(status.st_mode)) {
            (void)empty_folder(inner);
        }
        (void)remove(inner);
        count++;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    (void)empty_folder(place->folder);
    assert_int_equal(rmdir(place->folder), 0);
    assert_int_equal(heap_live_blocks(place->heap), 0);
    heap_free(place->heap);
    free(place);
    return 0;
}

static const char *in(const struct place *place, char path[FILE_PATH_SIZE], const char *name)
{
    text_format(path, FILE_PATH_SIZE, "%s/%s", place->folder, name);
    return path;
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777U;
}

/* A link is followed, and what is no file is written to: neither is replaced by a file. */
static void test_links_and_pipes_are_not_replaced(void **state)
{
    struct place *place = *state;
    char file[FILE_PATH_SIZE];
    char link[FILE_PATH_SIZE];
    char pipe_path[FILE_PATH_SIZE];
    char content[16] = "";
    struct stat status;
    in(place, file, "file");
    in(place, link, "link");
    in(place, pipe_path, "pipe");
    assert_int_equal(file_write(file, span_of("old"), FILE_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(file_write(link, span_of("new"), FILE_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    struct buffer out;
    buffer_init(&out, place->heap, 8);
    assert_int_equal(file_read(file, &out, &place->error), ERR_OK);
    assert_string_equal(buffer_text(&out), "new");
    buffer_release(&out);

    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(file_write(pipe_path, span_of("x"), FILE_PUBLIC, &place->error), ERR_CANNOT_WRITE);
    int reader = open(pipe_path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_int_equal(file_write(pipe_path, span_of("through"), FILE_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(read(reader, content, sizeof content), 7);
    assert_string_equal(content, "through");
    assert_int_equal(close(reader), 0);
    assert_int_equal(lstat(pipe_path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(empty_folder(place->folder), 3);
}

/* What is written is read back, every byte of it, and replaces what was there, with the mode that was asked for. */
static void test_a_written_file_is_read_back(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    mode_t former = umask(022);
    in(place, path, "file");
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 100000};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct buffer content;
        struct buffer again;
        buffer_init(&content, place->heap, 100000);
        buffer_init(&again, place->heap, sizes[i] + 2);
        for (size_t j = 0; j < sizes[i]; j++) {
            buffer_append_char(&content, (char)(j * 7));
        }
        enum file_mode mode = i % 2 == 0 ? FILE_SECRET : FILE_PUBLIC;
        struct span span = {buffer_text(&content), sizes[i]};
        assert_int_equal((i < 3 ? file_write : file_write_passing)(path, span, mode, &place->error), ERR_OK);
        assert_int_equal(mode_of(path), mode);
        buffer_append_text(&again, "<>");
        assert_int_equal(file_read(path, &again, &place->error), ERR_OK);
        assert_int_equal(again.length, sizes[i] + 2);
        assert_memory_equal(again.data + 2, buffer_text(&content), sizes[i]);
        buffer_release(&content);
        buffer_release(&again);
    }
    umask(former);
    assert_int_equal(empty_folder(place->folder), 1);
}

/* A file of exactly the limit is read; one byte more is refused with the limit, and the buffer is as it was. */
static void test_a_file_over_the_limit_is_refused(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    struct buffer out;
    in(place, path, "file");
    assert_int_equal(file_write(path, span_of("12345678"), FILE_PUBLIC, &place->error), ERR_OK);
    buffer_init(&out, place->heap, 8);
    assert_int_equal(file_read(path, &out, &place->error), ERR_OK);
    assert_string_equal(buffer_text(&out), "12345678");
    buffer_release(&out);
    buffer_init(&out, place->heap, 9);
    buffer_append_text(&out, "ab");
    assert_int_equal(file_read(path, &out, &place->error), ERR_INPUT_UNREADABLE);
    assert_non_null(strstr(place->error.message, "larger than the 9 bytes"));
    assert_string_equal(buffer_text(&out), "ab");
    assert_false(out.failed);
    buffer_release(&out);
}

/* Without memory the reader says so and leaves the buffer as it was. */
static void test_reading_without_memory_fails_cleanly(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    struct buffer out;
    in(place, path, "file");
    assert_int_equal(file_write(path, span_of("12345678"), FILE_PUBLIC, &place->error), ERR_OK);
    buffer_init(&out, place->heap, 100);
    heap_fail_at(place->heap, 1, false);
    assert_int_equal(file_read(path, &out, &place->error), ERR_NO_MEMORY);
    assert_int_equal(out.length, 0);
    assert_int_equal(file_read(path, &out, &place->error), ERR_OK);
    assert_string_equal(buffer_text(&out), "12345678");
    buffer_release(&out);
}

/* What cannot be read is refused at once with its path and the reason: absent, a folder, a pipe that nobody writes to. */
static void test_what_is_no_readable_file_is_refused(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    struct buffer out;
    buffer_init(&out, place->heap, 100);
    assert_int_equal(file_read(in(place, path, "absent"), &out, &place->error), ERR_INPUT_UNREADABLE);
    assert_non_null(strstr(place->error.message, path));
    assert_non_null(strstr(place->error.message, "No such file"));
    assert_int_equal(file_read(place->folder, &out, &place->error), ERR_INPUT_UNREADABLE);
    assert_non_null(strstr(place->error.message, "no regular file"));
    assert_int_equal(mkfifo(in(place, path, "pipe"), 0600), 0);
    assert_int_equal(file_read(path, &out, &place->error), ERR_INPUT_UNREADABLE);
    assert_int_equal(file_read("", &out, &place->error), ERR_INPUT_UNREADABLE);
    assert_int_equal(heap_live_blocks(place->heap), 0);
}

/* Never returns. In a process whose files may hold 1,000 bytes at most, a longer write must fail and change nothing. */
static void write_with_little_room(struct place *place, const char *path)
{
    char content[2000];
    memset(content, 'x', sizeof content);
    struct rlimit limit = {1000, 1000};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(2);
    }
    enum error_code code = file_write(path, (struct span){content, sizeof content}, FILE_PUBLIC, &place->error);
    _exit(code == ERR_CANNOT_WRITE && strstr(place->error.message, path) != NULL ? 0 : 1);
}

/* A write that fails half-way leaves the former file whole and no other one beside it. */
static void test_a_failed_write_leaves_the_former_file(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    struct buffer out;
    in(place, path, "file");
    assert_int_equal(file_write(path, span_of("former"), FILE_PUBLIC, &place->error), ERR_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_with_little_room(place, path);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    buffer_init(&out, place->heap, 100);
    assert_int_equal(file_read(path, &out, &place->error), ERR_OK);
    assert_string_equal(buffer_text(&out), "former");
    buffer_release(&out);
    assert_int_equal(empty_folder(place->folder), 1);
}

/* A temporary file that a crashed process of the same number left behind is no obstacle. */
static void test_a_left_temporary_file_is_no_obstacle(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    char left[FILE_PATH_SIZE + 32];
    in(place, path, "file");
    text_format(left, sizeof left, "%s.%ld.tmp", path, (long)getpid());
    assert_int_equal(symlink("/nowhere/else", left), 0);
    assert_int_equal(file_write(path, span_of("new"), FILE_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(empty_folder(place->folder), 1);
}

/* Missing folders are made with the mode given, existing ones are left as they are, and a file in the way is an error. */
static void test_folders_are_made_where_missing(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    mode_t former = umask(0);
    assert_int_equal(folder_make(in(place, path, "a"), FOLDER_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(folder_make(in(place, path, "a//b/c/"), FOLDER_SECRET, &place->error), ERR_OK);
    umask(former);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(mode_of(in(place, path, "a")), 0755);
    assert_int_equal(folder_make_for(in(place, path, "a/d/file"), FOLDER_SECRET, &place->error), ERR_OK);
    assert_int_equal(mode_of(in(place, path, "a/d")), 0700);
    assert_int_equal(file_write(in(place, path, "a/file"), span_of(""), FILE_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(folder_make(in(place, path, "a/file/x"), FOLDER_PUBLIC, &place->error), ERR_CANNOT_WRITE);
    assert_non_null(strstr(place->error.message, "Not a directory"));
    assert_int_equal(folder_make_for("bare-name", FOLDER_PUBLIC, &place->error), ERR_OK);
    assert_int_equal(folder_make_for("/in-the-root", FOLDER_PUBLIC, &place->error), ERR_OK);
}

/* A lock has one holder, who is named; it is free when released. */
static void test_a_lock_has_one_holder(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    char holder[48];
    struct file_lock first;
    struct file_lock second;
    in(place, path, "lock");
    text_format(holder, sizeof holder, "locked by process %ld", (long)getpid());
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_lock(path, &first, &place->error), ERR_OK);
        assert_int_equal(file_lock(path, &second, &place->error), ERR_STATE_LOCKED);
        assert_non_null(strstr(place->error.message, holder));
        file_unlock(&first);
    }
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(file_lock(in(place, path, "absent/lock"), &first, &place->error), ERR_CANNOT_WRITE);
}

/* A lock ends with its holder, even one that is killed. */
static void test_a_lock_ends_with_its_process(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    struct file_lock lock;
    in(place, path, "lock");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(file_lock(path, &lock, &place->error) == ERR_OK ? (raise(SIGKILL), 1) : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(file_lock(path, &lock, &place->error), ERR_OK);
    file_unlock(&lock);
}

static void set_places(const char *own, const char *xdg, const char *home)
{
    assert_int_equal(own == NULL ? unsetenv("DUMONT_STATE_DIR") : setenv("DUMONT_STATE_DIR", own, 1), 0);
    assert_int_equal(xdg == NULL ? unsetenv("XDG_STATE_HOME") : setenv("XDG_STATE_HOME", xdg, 1), 0);
    assert_int_equal(home == NULL ? unsetenv("HOME") : setenv("HOME", home, 1), 0);
}

static void expect_state_folder(struct place *place, const char *expected)
{
    char path[FILE_PATH_SIZE];
    assert_int_equal(state_folder_path(path, &place->error), ERR_OK);
    assert_string_equal(path, expected);
}

/* Our own variable decides, then an absolute XDG one, then the home folder; empty ones count as absent. */
static void test_the_state_folder_follows_the_environment(void **state)
{
    struct place *place = *state;
    char path[FILE_PATH_SIZE];
    set_places("here", "/x", "/h");
    expect_state_folder(place, "here");
    set_places("", "/x", "/h");
    expect_state_folder(place, "/x/dumont");
    set_places(NULL, "relative", "/h");
    expect_state_folder(place, "/h/.local/state/dumont");
    set_places(NULL, NULL, "/h");
    expect_state_folder(place, "/h/.local/state/dumont");
    set_places(NULL, NULL, NULL);
    assert_int_equal(state_folder_path(path, &place->error), ERR_USAGE);
    char *longest = malloc(2 * FILE_PATH_SIZE);
    memset(longest, 'x', 2 * FILE_PATH_SIZE);
    longest[2 * FILE_PATH_SIZE - 1] = '\0';
    set_places(longest, NULL, NULL);
    assert_int_equal(state_folder_path(path, &place->error), ERR_USAGE);
    assert_int_equal(folder_make(longest, FOLDER_PUBLIC, &place->error), ERR_CANNOT_WRITE);
    assert_int_equal(file_write(longest, span_of(""), FILE_PUBLIC, &place->error), ERR_CANNOT_WRITE);
    free(longest);
    set_places(NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_written_file_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_and_pipes_are_not_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_over_the_limit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading_without_memory_fails_cleanly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_readable_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_write_leaves_the_former_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_left_temporary_file_is_no_obstacle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders_are_made_where_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lock_has_one_holder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lock_ends_with_its_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_state_folder_follows_the_environment, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
