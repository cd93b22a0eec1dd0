/*
 * Units: money, durations and moments as exact integers, and their decimal texts.
 *
 * Money is int64_t nano-dollars (`_nusd`), prices are nano-dollars per hour (`_nusd_per_hour`); time is int64_t nanoseconds
 * (`_ns`) on a clock that never jumps, and wall time is a type of its own, so that the two cannot be mixed. No double takes part
 * in a decision or a sum.
 *
 * Range: +-9.2 billion dollars, +-292 years.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NS_PER_HOUR (3600 * NS_PER_S)
#define NUSD_PER_USD INT64_C(1000000000)

/* Stands for "no deadline known": later than any moment. Only worlds may sleep until it. */
#define TIME_NEVER_NS INT64_MAX

/* A moment on the calendar. Never used for deadlines or ages. */
struct wall_time {
    int64_t unix_ns;
};

/* a + b and a - b that stop at the ends of the range instead of wrapping. */
int64_t saturating_add(int64_t a, int64_t b);
int64_t saturating_subtract(int64_t a, int64_t b);

/* value * multiplier / divisor (divisor > 0) without overflow on the way, rounded half away from zero, saturating. */
int64_t scale_rounded(int64_t value, int64_t multiplier, int64_t divisor);

/* What `duration_ns` at `price_nusd_per_hour` costs, rounded half away from zero. */
int64_t cost_nusd(int64_t price_nusd_per_hour, int64_t duration_ns);

/*
 * Reads a decimal number such as "-12.5e-3" as an integer count of 10^-digits, rounded half away from zero.
 * False when the text is no JSON number or the result is outside int64_t.
 */
MUST_USE bool decimal_parse(struct span text, int digits, int64_t *out);

/* As decimal_parse(), but false where that would round: "1.50" is 15 tenths, "1.55" is no count of tenths. */
MUST_USE bool decimal_parse_exact(struct span text, int digits, int64_t *out);

/* Most `digits` of the functions below. */
enum { DECIMAL_DIGITS_MAX = 18 };

/*
 * Appends `value` counts of 10^-digits as a decimal: at least `least_decimals` places, further ones only when not zero.
 * 98980000000 with digits 9, least 2 is "98.98".
 */
void decimal_append(struct buffer *out, int64_t value, int digits, int least_decimals);

/* Appends `value` counts of 10^-digits rounded half away from zero to exactly `decimals` places. */
void decimal_append_rounded(struct buffer *out, int64_t value, int digits, int decimals);

/*
 * Reads "2026-01-02T20:12:18.173379+01:00": date and time with an optional fraction (nanoseconds count) and an optional zone (Z or
 * +HH:MM; without one it is UTC). False when the text is no such moment.
 */
MUST_USE bool wall_time_parse(struct span text, struct wall_time *out);

/* "2026-01-02T19:12:18Z", with `decimals` (0 to 9) places of a second. UTC, Gregorian, years 1 to 9999. */
void wall_time_append(struct buffer *out, struct wall_time moment, int decimals);

#endif
