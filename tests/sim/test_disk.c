/* The virtual world's disk: what is written is read, what is synced outlives a crash, and nothing is larger than it. */
#include "sim/disk.h"

#include <string.h>

#include "base/units.h"
#include "testing.h"

enum { PAGE = DISK_PAGE_BYTES, DISK_BYTES = 8 * PAGE };

struct bench {
    struct heap *heap;
    struct disk disk;
    int64_t now_unix_ns;
};

static int64_t bench_clock(void *context)
{
    return ((struct bench *)context)->now_unix_ns;
}

static void begin(struct bench *bench)
{
    *bench = (struct bench){.heap = heap_new(), .now_unix_ns = 1000};
    assert_non_null(bench->heap);
    disk_init(&bench->disk, bench->heap, DISK_BYTES, bench_clock, bench);
}

static void end(struct bench *bench)
{
    disk_release(&bench->disk);
    assert_int_equal(bench->disk.used_bytes, 0);
    assert_int_equal(heap_live_blocks(bench->heap), 0);
    heap_free(bench->heap);
}

static struct disk_handle *fill(struct bench *bench, const char *path)
{
    struct disk_handle *handle = NULL;
    assert_int_equal(disk_open(&bench->disk, path, true, &handle), DISK_OPENED);
    return handle;
}

static void write_byte(struct disk_handle *handle, int64_t at, char byte)
{
    assert_true(disk_write(handle, at, &byte, 1));
}

static char read_byte(const struct disk_handle *handle, int64_t at)
{
    char byte = 0;
    assert_int_equal(disk_read(handle, at, &byte, 1), 1);
    return byte;
}

static void test_what_is_written_is_read_across_pages(void **state)
{
    (void)state;
    struct bench bench;
    char bytes[3 * PAGE];
    char back[3 * PAGE];
    begin(&bench);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 31 + i / 251);
    }
    struct disk_handle *handle = fill(&bench, "a");
    assert_true(disk_write(handle, 100, bytes, sizeof bytes));
    assert_int_equal(disk_size(handle), 100 + (int64_t)sizeof bytes);
    assert_int_equal(disk_read(handle, 100, back, sizeof back), sizeof back);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(read_byte(handle, 99), 0);
    assert_int_equal(disk_read(handle, 100 + (int64_t)sizeof bytes, back, 1), 0);
    assert_int_equal(disk_read(handle, 90 + (int64_t)sizeof bytes, back, 100), 10);
    end(&bench);
}

static void test_what_was_cut_off_is_zeros_when_the_file_grows_again(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    struct disk_handle *handle = fill(&bench, "a");
    write_byte(handle, 10, 'x');
    write_byte(handle, PAGE + 10, 'y');
    assert_true(disk_resize(handle, 5));
    assert_true(disk_resize(handle, INT64_C(2) * PAGE));
    assert_int_equal(read_byte(handle, 10), 0);
    assert_int_equal(read_byte(handle, PAGE + 10), 0);
    end(&bench);
}

static void test_a_full_disk_takes_nothing_more(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    struct disk_handle *handle = fill(&bench, "a");
    assert_false(disk_resize(handle, DISK_BYTES + 1));
    assert_true(disk_resize(handle, DISK_BYTES)); /* holes take no room */
    struct disk_handle *other = fill(&bench, "b");
    for (int64_t page = 0; page < 7; page++) {
        write_byte(handle, page * PAGE, 'x');
    }
    write_byte(other, 0, 'y');
    char byte = 'z';
    assert_false(disk_write(other, PAGE, &byte, 1));
    assert_false(disk_write(handle, DISK_BYTES, &byte, 1));
    assert_true(disk_sync(handle));
    assert_false(disk_write(handle, 0, &byte, 1)); /* what was synced keeps its page */
    assert_int_equal(read_byte(handle, 0), 'x');
    disk_close(other);
    disk_remove(&bench.disk, "b");
    assert_true(disk_write(handle, 0, &byte, 1));
    end(&bench);
}

static void test_a_file_is_filled_by_one_and_keeps_its_bytes_without_a_name(void **state)
{
    (void)state;
    struct bench bench;
    struct disk_handle *reader;
    struct disk_handle *second;
    begin(&bench);
    assert_int_equal(disk_open(&bench.disk, "a", false, &reader), DISK_MISSING);
    struct disk_handle *handle = fill(&bench, "a");
    assert_int_equal(disk_open(&bench.disk, "a", true, &second), DISK_TAKEN);
    write_byte(handle, 0, 'x');
    assert_int_equal(disk_open(&bench.disk, "a", false, &reader), DISK_OPENED);
    disk_close(handle);
    handle = fill(&bench, "b");
    write_byte(handle, 0, 'y');
    assert_true(disk_rename(&bench.disk, "b", "a"));
    assert_false(disk_rename(&bench.disk, "b", "a"));
    assert_false(disk_has(&bench.disk, "b"));
    assert_int_equal(read_byte(reader, 0), 'x'); /* the former one */
    disk_close(reader);
    assert_int_equal(disk_open(&bench.disk, "a", false, &reader), DISK_OPENED);
    assert_int_equal(read_byte(reader, 0), 'y');
    end(&bench);
}

static void test_times_are_those_of_the_last_write(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench);
    struct disk_handle *handle = fill(&bench, "a");
    assert_int_equal(disk_modified_unix_ns(handle), 1000);
    bench.now_unix_ns = 2000;
    write_byte(handle, 0, 'x');
    assert_int_equal(disk_modified_unix_ns(handle), 2000);
    disk_stamp(handle, 0640, 77);
    assert_int_equal(disk_modified_unix_ns(handle), 77);
    assert_int_equal(disk_mode(handle), 0640);
    end(&bench);
}

/* Over many crashes each page of a file survives now and then, and now and then not, each for itself; what was synced always does. */
static void test_a_crash_keeps_what_was_synced_and_some_of_the_rest(void **state)
{
    (void)state;
    int seen[2][2] = {{0}};
    int gone = 0;
    for (uint64_t luck = 1; luck <= 200; luck++) {
        struct bench bench;
        struct disk_handle *handle;
        begin(&bench);
        handle = fill(&bench, "a");
        write_byte(handle, 0, 'o');
        write_byte(handle, PAGE, 'o');
        assert_true(disk_sync(handle));
        write_byte(handle, 0, 'n');
        write_byte(handle, PAGE, 'n');
        write_byte(fill(&bench, "never synced"), 0, 'x');
        disk_crash(&bench.disk, luck * UINT64_C(0x9E3779B97F4A7C15), false);
        gone += disk_has(&bench.disk, "never synced") ? 0 : 1;
        assert_int_equal(disk_open(&bench.disk, "a", true, &handle), DISK_OPENED); /* whoever filled it is gone */
        assert_int_equal(disk_size(handle), PAGE + 1);
        seen[read_byte(handle, 0) == 'n'][read_byte(handle, PAGE) == 'n']++;
        char first = read_byte(handle, 0);
        disk_crash(&bench.disk, luck, false); /* what is on the disk is there for good */
        assert_int_equal(disk_open(&bench.disk, "a", false, &handle), DISK_OPENED);
        assert_int_equal(read_byte(handle, 0), first);
        end(&bench);
    }
    for (int i = 0; i < 4; i++) {
        assert_in_range(seen[i / 2][i % 2], 20, 90);
    }
    assert_in_range(gone, 60, 140);
}

static void test_a_process_that_dies_alone_loses_nothing(void **state)
{
    (void)state;
    struct bench bench;
    struct disk_handle *handle;
    begin(&bench);
    write_byte(fill(&bench, "a"), PAGE, 'x');
    disk_crash(&bench.disk, 5, true);
    assert_int_equal(disk_open(&bench.disk, "a", true, &handle), DISK_OPENED);
    assert_int_equal(read_byte(handle, PAGE), 'x');
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_across_pages),
        cmocka_unit_test(test_what_was_cut_off_is_zeros_when_the_file_grows_again),
        cmocka_unit_test(test_a_full_disk_takes_nothing_more),
        cmocka_unit_test(test_a_file_is_filled_by_one_and_keeps_its_bytes_without_a_name),
        cmocka_unit_test(test_times_are_those_of_the_last_write),
        cmocka_unit_test(test_a_crash_keeps_what_was_synced_and_some_of_the_rest),
        cmocka_unit_test(test_a_process_that_dies_alone_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
