#include "testing.h"

#include <string.h>

#include "base/attributes.h"
#include "base/random.h"

/* The known answers that Random123 publishes for philox4x32 with 10 rounds. */
static void test_philox_gives_the_published_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        uint32_t counter[4];
        memcpy(counter, rows[i].counter, sizeof counter);
        philox4x32_10(counter, rows[i].key);
        assert_memory_equal(counter, rows[i].expected, sizeof counter);
    }
}

/* A draw depends on the seed and on each part of its address, and on nothing else. */
static void test_a_draw_depends_on_its_seed_and_its_whole_address(void **state)
{
    (void)state;
    struct random_address address = {.run = 1, .purpose = 2, .entity = 3, .index = 4};
    uint64_t drawn = random_bits(9, address);
    struct random_address others[4] = {address, address, address, address};
    others[0].run++;
    others[1].purpose++;
    others[2].entity++;
    others[3].index++;
    for (size_t i = 0; i < 4; i++) {
        assert_true(random_bits(9, others[i]) != drawn);
    }
    assert_true(random_bits(10, address) != drawn);
    assert_true(random_bits(9, address) == drawn);
}

/* Published numbers never change: these draws are pinned, so that old seeds keep their meaning. */
static void test_draws_are_pinned(void **state)
{
    (void)state;
    struct random_address address = {.run = 1, .purpose = RANDOM_OFFERS, .entity = 3, .index = 4};
    assert_int_equal(random_bits(42, address), UINT64_C(0x3b4e1ec2b879b8df));
    assert_int_equal(random_below(42, address, 1000), 231);
    assert_int_equal(random_between(42, address, -10, 10), -6);
}

/* Pearson's statistic of `draws` draws below `bound`, times 1000. */
static int64_t chi_square_thousandths(uint64_t seed, uint64_t bound, uint32_t draws)
{
    int64_t counts[64] = {0};
    for (uint32_t i = 0; i < draws; i++) {
        uint64_t value = random_below(seed, (struct random_address){.purpose = 1000, .index = i}, bound);
        assert_true(value < bound);
        counts[value]++;
    }
    int64_t squares = 0;
    for (uint64_t i = 0; i < bound; i++) {
        squares += counts[i] * counts[i];
    }
    return squares * (int64_t)bound * 1000 / draws - (int64_t)draws * 1000;
}

/* Draws below a bound are uniform: the chi-square statistic is below its 99.99 % quantile, and not suspiciously low. */
static void test_draws_below_a_bound_are_uniform(void **state)
{
    (void)state;
    static const struct {
        uint64_t bound;
        int64_t low, high; /* 0.01 % and 99.99 % quantiles for bound - 1 degrees of freedom, in thousandths */
    } rows[] = {
        {2, 0, 15137}, {3, 0, 18421}, {7, 172, 27856}, {10, 661, 33720}, {52, 21644, 97337}, {64, 29500, 113505},
    };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
            int64_t statistic = chi_square_thousandths(seed, rows[i].bound, 30000);
            assert_in_range(statistic, (uint64_t)rows[i].low, (uint64_t)rows[i].high);
        }
    }
}

/* A range includes both its ends and nothing beyond, up to the whole of int64_t. */
static void test_a_range_includes_both_ends(void **state)
{
    (void)state;
    int seen[5] = {0};
    for (uint32_t i = 0; i < 500; i++) {
        struct random_address address = {.purpose = 1000, .index = i};
        int64_t value = random_between(3, address, -2, 2);
        assert_true(value >= -2 && value <= 2);
        seen[value + 2]++;
        assert_int_equal(random_between(3, address, 7, 7), 7);
        assert_int_equal(random_between(3, address, INT64_MAX, INT64_MAX), INT64_MAX);
        assert_int_equal(random_between(3, address, INT64_MIN, INT64_MAX),
                         (int64_t)((uint64_t)INT64_MIN + random_bits(3, address)));
        assert_int_equal(random_below(3, address, 1), 0);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_true(seen[i] > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox_gives_the_published_known_answers),
        cmocka_unit_test(test_a_draw_depends_on_its_seed_and_its_whole_address),
        cmocka_unit_test(test_draws_are_pinned),
        cmocka_unit_test(test_draws_below_a_bound_are_uniform),
        cmocka_unit_test(test_a_range_includes_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
