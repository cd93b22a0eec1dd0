#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/heap.h"

/* What was allocated and not released is counted, block by block. */
static void test_live_blocks_count_what_was_not_released(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    assert_non_null(heap);
    void *blocks[10];
    for (size_t i = 0; i < 10; i++) {
        blocks[i] = heap_alloc(heap, i * 100);
        assert_non_null(blocks[i]);
        assert_int_equal(heap_live_blocks(heap), i + 1);
    }
    static const size_t order[10] = {4, 0, 9, 5, 1, 8, 2, 7, 3, 6};
    for (size_t i = 0; i < 10; i++) {
        heap_release(heap, blocks[order[i]]);
        assert_int_equal(heap_live_blocks(heap), 9 - i);
    }
    heap_release(heap, NULL);
    assert_int_equal(heap_live_blocks(heap), 0);
    heap_free(heap);
    heap_free(NULL);
}

/* Memory comes zeroed, aligned for any type, and blocks of no bytes differ from each other. */
static void test_blocks_are_zeroed_aligned_and_distinct(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    static const unsigned char zeros[300];
    for (size_t size = 0; size < sizeof zeros; size++) {
        void *block = heap_alloc(heap, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
        assert_memory_equal(block, zeros, size);
        memset(block, 0xAB, size);
    }
    void *first = heap_alloc(heap, 0);
    void *second = heap_alloc(heap, 0);
    assert_ptr_not_equal(first, second);
    heap_free(heap);
}

/* A block keeps its bytes while it grows and shrinks among others. */
static void test_resizing_keeps_the_bytes(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    void *below = heap_alloc(heap, 8);
    char *block = heap_resize(heap, NULL, 4);
    void *above = heap_alloc(heap, 8);
    memcpy(block, "abc", 4);
    static const size_t sizes[] = {10, 100000, 4, 1000, 4};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        block = heap_resize(heap, block, sizes[i]);
        assert_non_null(block);
        assert_string_equal(block, "abc");
        assert_int_equal(heap_live_blocks(heap), 3);
    }
    heap_release(heap, below);
    heap_release(heap, above);
    heap_release(heap, block);
    assert_int_equal(heap_live_blocks(heap), 0);
    heap_free(heap);
}

/* The peak is the most that was live at one time, not the sum of all that was asked for. */
static void test_the_peak_is_the_most_bytes_live_at_once(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    for (int i = 0; i < 5; i++) {
        void *block = heap_alloc(heap, 1000);
        heap_release(heap, block);
    }
    assert_int_equal(heap_peak_bytes(heap), 1000);
    void *block = heap_alloc(heap, 600);
    block = heap_resize(heap, block, 1500);
    block = heap_resize(heap, block, 10);
    assert_int_equal(heap_peak_bytes(heap), 1500);
    heap_release(heap, block);
    heap_free(heap);
}

/* A transient failure hits exactly the nth request from now. */
static void test_a_transient_failure_hits_only_the_nth_request(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 6; nth++) {
        struct heap *heap = heap_new();
        assert_non_null(heap_alloc(heap, 1));
        heap_fail_at(heap, nth, false);
        for (uint64_t i = 1; i <= 6; i++) {
            void *block = heap_alloc(heap, 1);
            assert_int_equal(block == NULL, i == nth);
        }
        assert_int_equal(heap_failures_fired(heap), 1);
        assert_int_equal(heap_requests(heap), 7);
        heap_free(heap);
    }
}

/* A persistent failure hits the nth request and every later one, until it is switched off. */
static void test_a_persistent_failure_lasts_until_it_is_switched_off(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    heap_fail_at(heap, 3, true);
    for (int i = 1; i <= 8; i++) {
        void *block = i % 2 == 0 ? heap_resize(heap, NULL, 1) : heap_alloc(heap, 1);
        assert_int_equal(block == NULL, i >= 3);
    }
    assert_true(heap_refuses(heap));
    assert_int_equal(heap_failures_fired(heap), 7);
    heap_fail_at(heap, 0, true);
    assert_false(heap_refuses(heap));
    assert_non_null(heap_alloc(heap, 1));
    heap_free(heap);
}

/* A request that fails leaves the old block as it was. */
static void test_a_failed_resize_leaves_the_block_alone(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    char *block = heap_alloc(heap, 8);
    memcpy(block, "1234567", 8);
    heap_fail_at(heap, 1, true);
    assert_null(heap_resize(heap, block, 100));
    assert_string_equal(block, "1234567");
    heap_fail_at(heap, 0, false);
    assert_null(heap_resize(heap, block, SIZE_MAX));
    assert_null(heap_alloc(heap, SIZE_MAX));
    assert_string_equal(block, "1234567");
    assert_int_equal(heap_live_blocks(heap), 1);
    heap_release(heap, block);
    assert_int_equal(heap_live_blocks(heap), 0);
    heap_free(heap);
}

/* A drop forgets blocks, counters and planned failures, and the heap works on. */
static void test_a_dropped_heap_is_as_new(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    for (int i = 0; i < 100; i++) {
        assert_non_null(heap_alloc(heap, 50));
    }
    heap_fail_at(heap, 1, true);
    assert_null(heap_alloc(heap, 1));
    heap_drop(heap);
    assert_int_equal(heap_live_blocks(heap), 0);
    assert_int_equal(heap_peak_bytes(heap), 0);
    assert_int_equal(heap_requests(heap), 0);
    assert_int_equal(heap_failures_fired(heap), 0);
    assert_non_null(heap_alloc(heap, 1));
    assert_int_equal(heap_live_blocks(heap), 1);
    heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_blocks_count_what_was_not_released),
        cmocka_unit_test(test_blocks_are_zeroed_aligned_and_distinct),
        cmocka_unit_test(test_resizing_keeps_the_bytes),
        cmocka_unit_test(test_the_peak_is_the_most_bytes_live_at_once),
        cmocka_unit_test(test_a_transient_failure_hits_only_the_nth_request),
        cmocka_unit_test(test_a_persistent_failure_lasts_until_it_is_switched_off),
        cmocka_unit_test(test_a_failed_resize_leaves_the_block_alone),
        cmocka_unit_test(test_a_dropped_heap_is_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
