#include "base/units.h"

#include <assert.h>
#include <string.h>

/* 128-bit integers are a compiler extension that both GCC and Clang have on every target we build for. */
__extension__ typedef __int128 wide_int;

enum { DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468, SECONDS_PER_DAY = 86400 };

/* Larger exponents than this make no difference: no text is so long that its digits could balance one. */
#define EXPONENT_ENOUGH INT64_C(1000000000000000)

int64_t saturating_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) {
        return sum;
    }
    return b > 0 ? INT64_MAX : INT64_MIN;
}

int64_t saturating_subtract(int64_t a, int64_t b)
{
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference)) {
        return difference;
    }
    return b < 0 ? INT64_MAX : INT64_MIN;
}

int64_t scale_rounded(int64_t value, int64_t multiplier, int64_t divisor)
{
    wide_int product = (wide_int)value * multiplier;
    wide_int half = divisor / 2;
    wide_int result = (product + (product < 0 ? -half : half)) / divisor;
    if (result > INT64_MAX) {
        return INT64_MAX;
    }
    return result < INT64_MIN ? INT64_MIN : (int64_t)result;
}

int64_t cost_nusd(int64_t price_nusd_per_hour, int64_t duration_ns)
{
    return scale_rounded(price_nusd_per_hour, duration_ns, NS_PER_HOUR);
}

/* A JSON number taken apart: the digits as they stand, where the point is, and the exponent. */
struct decimal_parts {
    bool negative;
    const char *digits; /* "12.50": may contain the point */
    size_t digits_length;
    int64_t exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(struct span text, size_t at)
{
    size_t count = 0;
    while (at + count < text.length && is_digit(text.at[at + count])) {
        count++;
    }
    return count;
}

static bool parse_exponent(struct span text, size_t at, int64_t *exponent)
{
    bool negative = false;
    if (at < text.length && (text.at[at] == '+' || text.at[at] == '-')) {
        negative = text.at[at] == '-';
        at++;
    }
    size_t count = digits_at(text, at);
    if (count == 0 || at + count != text.length) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value > EXPONENT_ENOUGH ? value : value * 10 + (text.at[at + i] - '0');
    }
    *exponent = negative ? -value : value;
    return true;
}

static bool split_decimal(struct span text, struct decimal_parts *parts)
{
    size_t at = 0;
    *parts = (struct decimal_parts){.negative = text.length > 0 && text.at[0] == '-'};
    at += parts->negative ? 1 : 0;
    size_t whole = digits_at(text, at);
    if (whole == 0 || (whole > 1 && text.at[at] == '0')) {
        return false;
    }
    parts->digits = text.at + at;
    at += whole;
    if (at < text.length && text.at[at] == '.') {
        size_t fraction = digits_at(text, at + 1);
        if (fraction == 0) {
            return false;
        }
        at += 1 + fraction;
    }
    parts->digits_length = (size_t)(text.at + at - parts->digits);
    if (at < text.length && (text.at[at] == 'e' || text.at[at] == 'E')) {
        return parse_exponent(text, at + 1, &parts->exponent);
    }
    return at == text.length;
}

/* Digits of a number as a plain sequence: `count` digits, the decimal point behind the first `point` of them. */
static void locate_point(const struct decimal_parts *parts, size_t *count, int64_t *point)
{
    const char *dot = memchr(parts->digits, '.', parts->digits_length);
    *count = parts->digits_length - (dot == NULL ? 0 : 1);
    *point = (dot == NULL ? (int64_t)*count : dot - parts->digits) + parts->exponent;
}

/* value * 10 + digit; false when that is beyond 64 bits. */
static bool push_digit(uint64_t *value, unsigned digit)
{
    return !__builtin_mul_overflow(*value, 10, value) && !__builtin_add_overflow(*value, digit, value);
}

/* Applies the sign. The negative side of int64_t reaches one further than the positive. */
static bool to_signed(uint64_t magnitude, bool negative, int64_t *out)
{
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* Reads a decimal; `exact` tells whether nothing but zeros stood behind the last place that counts. */
static bool parse_rounded(struct span text, int digits, int64_t *out, bool *exact)
{
    struct decimal_parts parts;
    if (!split_decimal(text, &parts)) {
        return false;
    }
    size_t count;
    int64_t point;
    locate_point(&parts, &count, &point);
    int64_t kept = point + digits; /* digits that count; the next one decides the rounding */
    uint64_t value = 0;
    bool round_up = false;
    int64_t seen = 0;
    *exact = true;
    for (size_t i = 0; i < parts.digits_length; i++) {
        if (parts.digits[i] == '.') {
            continue;
        }
        unsigned digit = (unsigned)(parts.digits[i] - '0');
        if (seen < kept && !push_digit(&value, digit)) {
            return false;
        }
        round_up = seen == kept ? digit >= 5 : round_up;
        *exact = *exact && (seen < kept || digit == 0);
        seen++;
    }
    for (int64_t i = (int64_t)count; i < kept && value != 0; i++) {
        if (!push_digit(&value, 0)) {
            return false;
        }
    }
    if (round_up && __builtin_add_overflow(value, 1, &value)) {
        return false;
    }
    return to_signed(value, parts.negative, out);
}

bool decimal_parse(struct span text, int digits, int64_t *out)
{
    bool exact;
    return parse_rounded(text, digits, out, &exact);
}

bool decimal_parse_exact(struct span text, int digits, int64_t *out)
{
    bool exact;
    int64_t value;
    if (!parse_rounded(text, digits, &value, &exact) || !exact) {
        return false;
    }
    *out = value;
    return true;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t power_of_ten(int exponent)
{
    uint64_t power = 1;
    for (int i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

void decimal_append(struct buffer *out, int64_t value, int digits, int least_decimals)
{
    char text[48];
    assert(digits >= 0 && digits <= DECIMAL_DIGITS_MAX);
    size_t at = sizeof text;
    uint64_t rest = magnitude(value);
    int decimals = digits;
    while (decimals > least_decimals && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    for (int i = 0; i < decimals; i++) {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (decimals > 0) {
        text[--at] = '.';
    }
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    buffer_append(out, text + at, sizeof text - at);
    if (least_decimals > decimals) {
        buffer_append_text(out, decimals == 0 ? "." : "");
        buffer_append_repeated(out, "0", (size_t)(least_decimals - decimals));
    }
}

void decimal_append_rounded(struct buffer *out, int64_t value, int digits, int decimals)
{
    if (decimals >= digits) {
        decimal_append(out, value, digits, decimals);
        return;
    }
    int64_t rounded = scale_rounded(value, 1, (int64_t)power_of_ten(digits - decimals));
    decimal_append(out, rounded, decimals, decimals);
}

void wall_time_append(struct buffer *out, struct wall_time moment, int decimals)
{
    int64_t seconds = moment.unix_ns / NS_PER_S;
    int64_t fraction_ns = moment.unix_ns % NS_PER_S;
    if (fraction_ns < 0) {
        fraction_ns += NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t second_of_day = seconds % SECONDS_PER_DAY;
    if (second_of_day < 0) {
        second_of_day += SECONDS_PER_DAY;
        days--;
    }
    /* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days. */
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - DAYS_PER_ERA + 1) / DAYS_PER_ERA;
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_index = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_index + 2) / 5 + 1;
    int64_t month = month_index < 10 ? month_index + 3 : month_index - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    buffer_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month, (int)day, (int)(second_of_day / 3600),
                  (int)(second_of_day / 60 % 60), (int)(second_of_day % 60));
    if (decimals > 0) {
        int64_t shown = fraction_ns / (int64_t)power_of_ten(9 - decimals);
        buffer_printf(out, ".%0*d", decimals, (int)shown);
    }
    buffer_append_char(out, 'Z');
}

/* Reads exactly `count` digits at *at. False, with *at where it was, when they are not there. */
static bool read_fixed_digits(struct span text, size_t *at, size_t count, int64_t *value)
{
    if (*at + count > text.length || digits_at(text, *at) < count) {
        return false;
    }
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        *value = *value * 10 + (text.at[*at + i] - '0');
    }
    *at += count;
    return true;
}

static bool read_mark(struct span text, size_t *at, char mark)
{
    bool there = *at < text.length && text.at[*at] == mark;
    *at += there ? 1 : 0;
    return there;
}

/* Days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted_year = month <= 2 ? year - 1 : year;
    int64_t era = shifted_year / 400; /* years are positive here */
    int64_t year_of_era = shifted_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

/* ".173379": digits beyond the ninth are read past. */
static bool read_fraction(struct span text, size_t *at, int64_t *fraction_ns)
{
    *fraction_ns = 0;
    if (!read_mark(text, at, '.')) {
        return true;
    }
    size_t count = digits_at(text, *at);
    int64_t unit_ns = NS_PER_S / 10;
    for (size_t i = 0; i < count; i++) {
        *fraction_ns += (text.at[*at + i] - '0') * unit_ns;
        unit_ns /= 10;
    }
    *at += count;
    return count > 0;
}

static bool read_zone(struct span text, size_t *at, int64_t *offset_s)
{
    *offset_s = 0;
    if (*at == text.length || read_mark(text, at, 'Z')) {
        return *at == text.length;
    }
    bool west = text.at[*at] == '-';
    int64_t hours;
    int64_t minutes;
    bool zone = (read_mark(text, at, '+') || read_mark(text, at, '-')) && read_fixed_digits(text, at, 2, &hours) &&
                read_mark(text, at, ':') && read_fixed_digits(text, at, 2, &minutes) && hours < 24 && minutes < 60;
    if (zone) {
        *offset_s = (hours * 60 + minutes) * (west ? -60 : 60);
    }
    return zone && *at == text.length;
}

bool wall_time_parse(struct span text, struct wall_time *out)
{
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t hour;
    int64_t minute;
    int64_t second;
    int64_t fraction_ns;
    int64_t offset_s;
    size_t at = 0;
    bool read = read_fixed_digits(text, &at, 4, &year) && read_mark(text, &at, '-') &&
                read_fixed_digits(text, &at, 2, &month) && read_mark(text, &at, '-') &&
                read_fixed_digits(text, &at, 2, &day) && read_mark(text, &at, 'T') &&
                read_fixed_digits(text, &at, 2, &hour) && read_mark(text, &at, ':') &&
                read_fixed_digits(text, &at, 2, &minute) && read_mark(text, &at, ':') &&
                read_fixed_digits(text, &at, 2, &second) && read_fraction(text, &at, &fraction_ns) &&
                read_zone(text, &at, &offset_s);
    bool known = read && year >= 1678 && year <= 2261 && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
                 hour < 24 && minute < 60 && second < 60;
    if (!known) {
        return false;
    }
    int64_t seconds = days_since_1970(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    out->unix_ns = (seconds - offset_s) * NS_PER_S + fraction_ns;
    return true;
}
