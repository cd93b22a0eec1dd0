#include "testing.h"

#include <stdbool.h>
#include <string.h>

#include "base/attributes.h"
#include "base/random.h"
#include "base/units.h"

static const char *append_decimal(char *storage, size_t size, int64_t value, int digits, int least_decimals)
{
    struct buffer out;
    buffer_init_fixed(&out, storage, size);
    decimal_append(&out, value, digits, least_decimals);
    assert_false(out.failed);
    return buffer_text(&out);
}

/* Sums and differences stop at the ends of the range. */
static void test_saturating_arithmetic_stops_at_the_ends(void **state)
{
    (void)state;
    assert_int_equal(saturating_add(2, 3), 5);
    assert_int_equal(saturating_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(saturating_add(INT64_MIN, -1), INT64_MIN);
    assert_int_equal(saturating_add(INT64_MIN, INT64_MAX), -1);
    assert_int_equal(saturating_subtract(2, 3), -1);
    assert_int_equal(saturating_subtract(INT64_MIN, 1), INT64_MIN);
    assert_int_equal(saturating_subtract(INT64_MAX, -1), INT64_MAX);
    assert_int_equal(saturating_subtract(0, INT64_MIN), INT64_MAX);
    assert_int_equal(saturating_subtract(-1, INT64_MIN), INT64_MAX);
}

/* A quotient is rounded to the nearest integer, halves away from zero, without overflow on the way. */
static void test_scaling_rounds_halves_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t value, multiplier, divisor, expected;
    } rows[] = {
        {1, 1, 2, 1},
        {-1, 1, 2, -1},
        {1, 1, 3, 0},
        {2, 1, 3, 1},
        {-2, 1, 3, -1},
        {5, 1, 10, 1},
        {4, 1, 10, 0},
        {-5, 1, 10, -1},
        {-4, 1, 10, 0},
        {15, 1, 10, 2},
        {0, 7, 3, 0},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MIN, INT64_MAX, INT64_MAX, INT64_MIN},
        {INT64_MAX, 2, 1, INT64_MAX},
        {INT64_MIN, 2, 1, INT64_MIN},
        {INT64_MIN, -1, 1, INT64_MAX},
        {INT64_MIN, INT64_MIN, INT64_MAX, INT64_MAX},
        {INT64_MAX, 1, 2, INT64_C(4611686018427387904)},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(scale_rounded(rows[i].value, rows[i].multiplier, rows[i].divisor), rows[i].expected);
    }
}

/* Cost is price times time over an hour: figures worked out by hand. */
static void test_costs_agree_with_hand_calculations(void **state)
{
    (void)state;
    static const struct {
        int64_t price_nusd_per_hour, duration_ns, expected_nusd;
    } rows[] = {
        {168900000, 98980 * NS_PER_MS, 4643812},              /* 0.1689 * 98.98 / 3600 = 0.00464381166... */
        {1006000000, NS_PER_HOUR, 1006000000},                /* one hour */
        {1006000000, 24 * NS_PER_HOUR, INT64_C(24144000000)}, /* one day */
        {3600000000000, 1, 1},                                /* 3600 dollars an hour are a nano-dollar a nanosecond */
        {1800000000000, 1, 1},                                /* a half rounds up */
        {1799999999999, 1, 0},
        {-1800000000000, 1, -1},
        {0, NS_PER_HOUR, 0},
        {168900000, 0, 0},
        {INT64_MAX, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(cost_nusd(rows[i].price_nusd_per_hour, rows[i].duration_ns), rows[i].expected_nusd);
    }
}

/* A decimal text becomes an exact count, halves away from zero. */
static void test_decimals_are_read_exactly_and_rounded_away_from_zero(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int digits;
        int64_t expected;
    } rows[] = {
        {"0", 9, 0},
        {"-0", 9, 0},
        {"-0.0e5", 9, 0},
        {"0.1689", 9, 168900000},
        {"-12.5e-3", 9, -12500000},
        {"98.98", 9, INT64_C(98980000000)},
        {"1e3", 0, 1000},
        {"1E+3", 2, 100000},
        {"0.5", 0, 1},
        {"-0.5", 0, -1},
        {"0.49999999999999999999", 0, 0},
        {"2.5", 0, 3},
        {"-2.5", 0, -3},
        {"0.05", 0, 0},
        {"5e-1", 0, 1},
        {"5e-2", 0, 0},
        {"0.0000000005", 9, 1},
        {"0.00000000049", 9, 0},
        {"123456e-5", 2, 123},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775807.4", 0, INT64_MAX},
        {"-9223372036854775808.4", 0, INT64_MIN},
        {"9223372036.854775807", 9, INT64_MAX},
        {"0.000000000000000000000000000001e30", 0, 1},
        {"0e999999999999999999999999", 9, 0},
        {"1e-999999999999999999999999", 9, 0},
        {"10000000000000000000000e-20", 0, 100},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t value = -77;
        assert_true(decimal_parse(span_of(rows[i].text), rows[i].digits, &value));
        assert_int_equal(value, rows[i].expected);
    }
}

/* What is no JSON number, or is outside int64_t, is refused and leaves the result alone. */
static void test_malformed_and_outsized_decimals_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e3",
        "1e",
        "1e+",
        "1e1.5",
        "0x10",
        "1 ",
        " 1",
        "1,5",
        "--1",
        "1e--",
        "NaN",
        "Infinity",
        "1_000",
        "1e5x",
        "1..2",
        "1.2.",
        "1a",
        "1e999999",
        "9223372036854775808",
        "-9223372036854775809",
        "9223372036854775807.5",
        "1e19",
        "1e20",
        "-",
        "-e",
        "18446744073709551616",
        "99999999999999999999999",
        "-9223372036854775808.5",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        int64_t value = -77;
        assert_false(decimal_parse(span_of(texts[i]), 0, &value));
        assert_int_equal(value, -77);
    }
    int64_t value = -77;
    assert_false(decimal_parse((struct span){NULL, 0}, 0, &value));
    assert_false(decimal_parse(span_of("9223372036.854775808"), 9, &value));
    assert_int_equal(value, -77);
}

/* The exact manner refuses what it would have to round, however small the rest. */
static void test_exact_decimals_refuse_to_round(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int digits;
        bool exact;
    } rows[] = {
        {"1", 0, true},
        {"1.000", 0, true},
        {"1.5", 0, false},
        {"1.50", 1, true},
        {"1.55", 1, false},
        {"1e10", 0, true},
        {"10e-1", 0, true},
        {"1e-1", 0, false},
        {"1e-400", 0, false},
        {"0e-400", 0, true},
        {"1.00000000000000000001", 9, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        int64_t value = -77;
        assert_int_equal(decimal_parse_exact(span_of(rows[i].text), rows[i].digits, &value), rows[i].exact);
        assert_int_equal(value == -77, !rows[i].exact);
    }
}

/* Every count is written as a decimal that reads back as the same count. */
static void test_every_count_survives_writing_and_reading(void **state)
{
    (void)state;
    char storage[64];
    for (uint32_t i = 0; i < 20000; i++) {
        struct random_address address = {.purpose = 1000, .index = i};
        int shift = (int)(i % 64);
        int64_t value = (int64_t)(random_bits(7, address) >> shift) * (i % 3 == 0 ? -1 : 1);
        int digits = (int)(i % 10) * 2;
        const char *text = append_decimal(storage, sizeof storage, value, digits, (int)(i % 4));
        int64_t back = 0;
        assert_true(decimal_parse_exact(span_of(text), digits, &back));
        assert_int_equal(back, value);
    }
    static const int64_t ends[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < ARRAY_LENGTH(ends); i++) {
        for (int digits = 0; digits <= DECIMAL_DIGITS_MAX; digits++) {
            int64_t back = -77;
            const char *text = append_decimal(storage, sizeof storage, ends[i], digits, 0);
            assert_true(decimal_parse_exact(span_of(text), digits, &back));
            assert_int_equal(back, ends[i]);
        }
    }
}

/* At least `least_decimals` places are shown; further ones only when they are not zero. */
static void test_places_beyond_the_least_are_shown_only_when_needed(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        int digits, least;
        const char *expected;
    } rows[] = {
        {INT64_C(98980000000), 9, 2, "98.98"},
        {INT64_C(98980000000), 9, 0, "98.98"},
        {INT64_C(98000000000), 9, 2, "98.00"},
        {INT64_C(98000000000), 9, 0, "98"},
        {168900000, 9, 0, "0.1689"},
        {-1, 9, 2, "-0.000000001"},
        {0, 9, 2, "0.00"},
        {0, 0, 0, "0"},
        {5, 0, 2, "5.00"},
        {-5, 1, 3, "-0.500"},
        {INT64_MIN, 9, 0, "-9223372036.854775808"},
        {INT64_MAX, 18, 0, "9.223372036854775807"},
    };
    char storage[64];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_string_equal(append_decimal(storage, sizeof storage, rows[i].value, rows[i].digits, rows[i].least),
                            rows[i].expected);
    }
}

/* Rounded decimals have exactly the places asked for. */
static void test_rounded_decimals_have_exactly_the_places_asked_for(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        int digits, decimals;
        const char *expected;
    } rows[] = {
        {INT64_C(72766000000), 9, 2, "72.77"},
        {INT64_C(72765000000), 9, 2, "72.77"},
        {INT64_C(72764999999), 9, 2, "72.76"},
        {-INT64_C(72765000000), 9, 2, "-72.77"},
        {INT64_C(999999999999), 9, 3, "1000.000"},
        {499999999, 9, 0, "0"},
        {500000000, 9, 0, "1"},
        {-400000000, 9, 0, "0"},
        {5, 0, 2, "5.00"},
        {15, 1, 3, "1.500"},
        {15, 1, 1, "1.5"},
        {INT64_MAX, 18, 0, "9"},
    };
    char storage[64];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out;
        buffer_init_fixed(&out, storage, sizeof storage);
        decimal_append_rounded(&out, rows[i].value, rows[i].digits, rows[i].decimals);
        assert_string_equal(buffer_text(&out), rows[i].expected);
    }
}

/* Moments are shown as the calendar has them, before 1970 and on leap days too. */
static void test_wall_time_agrees_with_the_calendar(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s, ns;
        int decimals;
        const char *expected;
    } rows[] = {
        {0, 0, 0, "1970-01-01T00:00:00Z"},
        {1767381138, 0, 0, "2026-01-02T19:12:18Z"},
        {1000000000, 0, 0, "2001-09-09T01:46:40Z"},
        {-1, 0, 0, "1969-12-31T23:59:59Z"},
        {-1, 999999999, 9, "1969-12-31T23:59:59.999999999Z"},
        {0, -1, 3, "1969-12-31T23:59:59.999Z"},
        {951782400, 0, 0, "2000-02-29T00:00:00Z"},
        {951868800, 0, 0, "2000-03-01T00:00:00Z"},
        {1709208000, 0, 0, "2024-02-29T12:00:00Z"},
        {1677628799, 0, 0, "2023-02-28T23:59:59Z"},
        {1677628800, 0, 0, "2023-03-01T00:00:00Z"},
        {-2203891200, 0, 0, "1900-03-01T00:00:00Z"}, /* 1900 was no leap year */
        {-2203977600, 0, 0, "1900-02-28T00:00:00Z"},
        {4107542399, 0, 0, "2100-02-28T23:59:59Z"}, /* nor will 2100 be */
        {4107542400, 0, 0, "2100-03-01T00:00:00Z"},
        {2147483648, 0, 0, "2038-01-19T03:14:08Z"},
        {-6857222400, 0, 0, "1752-09-14T00:00:00Z"},
        {1767381138, 120000000, 2, "2026-01-02T19:12:18.12Z"},
        {1767381138, 5, 9, "2026-01-02T19:12:18.000000005Z"},
    };
    char storage[64];
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct buffer out;
        buffer_init_fixed(&out, storage, sizeof storage);
        wall_time_append(&out, (struct wall_time){rows[i].unix_s * NS_PER_S + rows[i].ns}, rows[i].decimals);
        assert_string_equal(buffer_text(&out), rows[i].expected);
    }
}

/* A moment that is written is read back; zones and fractions are understood; what is no moment is refused. */
static void test_a_wall_time_survives_writing_and_reading(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written;
    } rows[] = {
        {"2026-01-02T20:12:18.173379+01:00", "2026-01-02T19:12:18.173379000Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000000Z"},
        {"2000-02-29T12:00:00", "2000-02-29T12:00:00.000000000Z"},
        {"2026-03-01T00:30:00-05:30", "2026-03-01T06:00:00.000000000Z"},
    };
    static const char *const refused[] = {"",
                                          "2026",
                                          "2026-13-01T00:00:00Z",
                                          "2026-01-02 20:12:18Z",
                                          "2026-01-02T20:12:18.Z",
                                          "2026-01-02T20:12:18+1",
                                          "2026-01-02T24:00:00Z",
                                          "2026-01-02T20:12:18Zx"};
    struct wall_time moment;
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char storage[64];
        struct buffer text;
        buffer_init_fixed(&text, storage, sizeof storage);
        assert_true(wall_time_parse(span_of(rows[i].text), &moment));
        wall_time_append(&text, moment, 9);
        assert_string_equal(storage, rows[i].written);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        assert_false(wall_time_parse(span_of(refused[i]), &moment));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wall_time_survives_writing_and_reading),
        cmocka_unit_test(test_saturating_arithmetic_stops_at_the_ends),
        cmocka_unit_test(test_scaling_rounds_halves_away_from_zero),
        cmocka_unit_test(test_costs_agree_with_hand_calculations),
        cmocka_unit_test(test_decimals_are_read_exactly_and_rounded_away_from_zero),
        cmocka_unit_test(test_malformed_and_outsized_decimals_are_refused),
        cmocka_unit_test(test_exact_decimals_refuse_to_round),
        cmocka_unit_test(test_every_count_survives_writing_and_reading),
        cmocka_unit_test(test_places_beyond_the_least_are_shown_only_when_needed),
        cmocka_unit_test(test_rounded_decimals_have_exactly_the_places_asked_for),
        cmocka_unit_test(test_wall_time_agrees_with_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
