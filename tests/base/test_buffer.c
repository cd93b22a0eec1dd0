#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/buffer.h"

/* A buffer that was never appended to allocates nothing and reads as "". */
static void test_an_empty_buffer_is_an_empty_text_without_memory(void **state)
{
    struct heap *heap = *state;
    struct buffer buffer;
    buffer_init(&buffer, heap, 100);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(heap_live_blocks(heap), 0);
    buffer_append(&buffer, NULL, 0);
    assert_string_equal(buffer_text(&buffer), "");
    assert_false(buffer.failed);
    buffer_release(&buffer);
    assert_int_equal(heap_live_blocks(heap), 0);
}

/* Appends of every kind follow each other, NUL bytes included, and the text stays NUL-terminated. */
static void test_appends_follow_each_other(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, *state, 1000);
    buffer_append_text(&buffer, "one");
    buffer_append_char(&buffer, ' ');
    buffer_append_repeated(&buffer, "ab", 3);
    buffer_printf(&buffer, " %d/%s", 42, "x");
    assert_string_equal(buffer_text(&buffer), "one ababab 42/x");
    buffer_append(&buffer, "\0z", 2);
    assert_int_equal(buffer.length, 17);
    assert_memory_equal(buffer.data + 15, "\0z", 3);
    buffer_release(&buffer);
}

/* A buffer holds exactly `limit` bytes: that many fit, one more does not. */
static void test_the_limit_is_exact(void **state)
{
    for (size_t limit = 0; limit < 600; limit += 7) {
        struct buffer buffer;
        buffer_init(&buffer, *state, limit);
        for (size_t i = 0; i < limit; i++) {
            buffer_append_char(&buffer, 'x');
        }
        assert_false(buffer.failed);
        assert_int_equal(buffer.length, limit);
        buffer_append_char(&buffer, 'y');
        assert_true(buffer.failed);
        assert_int_equal(strlen(buffer_text(&buffer)), limit);
        buffer_release(&buffer);
    }
}

/* After one append failed, later ones do nothing, even those that would fit; what was there stays. */
static void test_failure_is_sticky_until_cleared(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, *state, 10);
    buffer_append_text(&buffer, "12345678");
    buffer_append_text(&buffer, "too long");
    assert_true(buffer.failed);
    buffer_append_char(&buffer, 'x');
    buffer_printf(&buffer, "y");
    buffer_append(&buffer, "z", 1);
    assert_false(buffer_reserve(&buffer, 0));
    assert_string_equal(buffer_text(&buffer), "12345678");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "again");
    assert_false(buffer.failed);
    assert_string_equal(buffer_text(&buffer), "again");
    buffer_release(&buffer);
}

/* When memory is gone an append fails as it does at the limit, and leaks nothing. */
static void test_lost_memory_is_a_sticky_failure(void **state)
{
    struct heap *heap = *state;
    struct buffer buffer;
    buffer_init(&buffer, heap, 10000);
    buffer_append_text(&buffer, "kept");
    heap_fail_at(heap, 1, false);
    buffer_append_repeated(&buffer, "0123456789", 100);
    assert_true(buffer.failed);
    assert_int_equal(heap_failures_fired(heap), 1);
    assert_memory_equal(buffer_text(&buffer), "kept", 4);
    size_t length = buffer.length;
    buffer_append_text(&buffer, "more");
    assert_int_equal(buffer.length, length);
    buffer_release(&buffer);
    assert_int_equal(heap_live_blocks(heap), 0);
}

/* Sizes that no address space holds are refused, not wrapped around. */
static void test_impossible_sizes_are_refused(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct buffer buffer;
        buffer_init(&buffer, *state, SIZE_MAX);
        buffer_append_text(&buffer, "abc");
        assert_false(buffer_reserve(&buffer, sizes[i]));
        assert_true(buffer.failed);
        assert_string_equal(buffer_text(&buffer), "abc");
        buffer_release(&buffer);
    }
}

/* A reserve makes room once: the appends that it was for allocate nothing. */
static void test_reserved_room_needs_no_more_memory(void **state)
{
    struct heap *heap = *state;
    struct buffer buffer;
    buffer_init(&buffer, heap, 10000);
    assert_true(buffer_reserve(&buffer, 5000));
    uint64_t requests = heap_requests(heap);
    buffer_append_repeated(&buffer, "12345", 1000);
    assert_int_equal(heap_requests(heap), requests);
    assert_int_equal(buffer.length, 5000);
    buffer_release(&buffer);
}

/* A buffer over storage of n bytes holds n - 1 and the NUL, and touches nothing beyond. */
static void test_fixed_storage_is_filled_and_not_overrun(void **state)
{
    (void)state;
    for (size_t size = 1; size < 12; size++) {
        char storage[16];
        memset(storage, '#', sizeof storage);
        struct buffer buffer;
        buffer_init_fixed(&buffer, storage, size);
        assert_string_equal(buffer_text(&buffer), "");
        for (size_t i = 0; i < 20; i++) {
            buffer_append_char(&buffer, 'x');
        }
        assert_true(buffer.failed);
        assert_int_equal(strlen(buffer_text(&buffer)), size - 1);
        assert_int_equal(storage[size], '#');
        buffer_release(&buffer);
        assert_false(buffer.failed);
        assert_string_equal(buffer_text(&buffer), "");
        assert_ptr_equal(buffer.data, storage);
    }
}

/* Formatting into a fixed text says when it cut, and always ends it. */
static void test_formatted_and_copied_texts_say_when_they_are_cut(void **state)
{
    (void)state;
    char text[6];
    assert_true(text_format(text, sizeof text, "%s", "12345"));
    assert_string_equal(text, "12345");
    assert_false(text_format(text, sizeof text, "%s-%d", "abc", 123));
    assert_string_equal(text, "abc-1");
    assert_true(text_copy(text, sizeof text, "fghij"));
    assert_string_equal(text, "fghij");
    assert_false(text_copy(text, sizeof text, "klmnop"));
    assert_string_equal(text, "klmno");
    assert_true(text_copy(text, 1, ""));
    assert_string_equal(text, "");
}

/* A span equals a text of the same bytes and the same length only. */
static void test_spans_compare_by_all_their_bytes(void **state)
{
    (void)state;
    assert_true(span_equals(span_of("abc"), "abc"));
    assert_true(span_equals((struct span){"abcdef", 3}, "abc"));
    assert_false(span_equals(span_of("abc"), "ab"));
    assert_false(span_equals(span_of("ab"), "abc"));
    assert_false(span_equals(span_of("abd"), "abc"));
    assert_true(span_equals(span_of(""), ""));
}

static int new_heap(void **state)
{
    *state = heap_new();
    return *state == NULL;
}

/* Every test also proves that it leaves nothing allocated. */
static int no_leak(void **state)
{
    struct heap *heap = *state;
    size_t live = heap_live_blocks(heap);
    heap_free(heap);
    return live != 0;
}

int main(void)
{
#define WITH_HEAP(test) cmocka_unit_test_setup_teardown(test, new_heap, no_leak)
    const struct CMUnitTest tests[] = {
        WITH_HEAP(test_an_empty_buffer_is_an_empty_text_without_memory),
        WITH_HEAP(test_appends_follow_each_other),
        WITH_HEAP(test_the_limit_is_exact),
        WITH_HEAP(test_failure_is_sticky_until_cleared),
        WITH_HEAP(test_lost_memory_is_a_sticky_failure),
        WITH_HEAP(test_impossible_sizes_are_refused),
        WITH_HEAP(test_reserved_room_needs_no_more_memory),
        cmocka_unit_test(test_fixed_storage_is_filled_and_not_overrun),
        cmocka_unit_test(test_formatted_and_copied_texts_say_when_they_are_cut),
        cmocka_unit_test(test_spans_compare_by_all_their_bytes),
    };
#undef WITH_HEAP
    return cmocka_run_group_tests(tests, NULL, NULL);
}
