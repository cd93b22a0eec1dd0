#include "fakes/host/calendar.h"

#include <string.h>

enum { SECONDS_PER_DAY = 86400, DAYS_PER_WEEK = 7, THURSDAY = 4 };

struct parts {
    int year, month, day, hour, minute, second;
    int weekday;     /* 0: Sunday */
    int day_of_year; /* from 1 */
    int64_t unix_s;
    int64_t ns;
};

static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Taken from the text that base/units.h makes, so that there is one calendar in the house. */
static struct parts take_apart(struct wall_time moment)
{
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    char storage[64];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    wall_time_append(&text, moment, 0);
    struct parts parts = {.month = 1, .day = 1};
    if (text.length >= 19) {
        parts.year = two_digits(storage) * 100 + two_digits(storage + 2);
        parts.month = two_digits(storage + 5);
        parts.day = two_digits(storage + 8);
        parts.hour = two_digits(storage + 11);
        parts.minute = two_digits(storage + 14);
        parts.second = two_digits(storage + 17);
    }
    parts.day_of_year = days_before[parts.month - 1] + parts.day + (parts.month > 2 && is_leap(parts.year));
    parts.ns = moment.unix_ns % NS_PER_S;
    parts.unix_s = moment.unix_ns / NS_PER_S;
    if (parts.ns < 0) {
        parts.ns += NS_PER_S;
        parts.unix_s--;
    }
    int64_t days = parts.unix_s / SECONDS_PER_DAY - (parts.unix_s % SECONDS_PER_DAY < 0);
    parts.weekday = (int)(((days + THURSDAY) % DAYS_PER_WEEK + DAYS_PER_WEEK) % DAYS_PER_WEEK);
    return parts;
}

/* Conversions that are numbers. */
static bool append_number(struct buffer *out, const struct parts *parts, char letter, bool plain)
{
    const struct {
        char letter;
        int value;
        int width;
    } rows[] = {
        {'Y', parts->year, 1},
        {'m', parts->month, 2},
        {'d', parts->day, 2},
        {'H', parts->hour, 2},
        {'I', parts->hour % 12 == 0 ? 12 : parts->hour % 12, 2},
        {'M', parts->minute, 2},
        {'S', parts->second, 2},
        {'y', parts->year % 100, 2},
        {'C', parts->year / 100, 2},
        {'j', parts->day_of_year, 3},
        {'u', parts->weekday == 0 ? 7 : parts->weekday, 1},
        {'w', parts->weekday, 1},
    };
    if (letter == 'e') {
        buffer_printf(out, plain ? "%d" : "%2d", parts->day);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].letter == letter) {
            buffer_printf(out, "%0*d", plain ? 1 : rows[i].width, rows[i].value);
            return true;
        }
    }
    return false;
}

/* Conversions that stand for others. */
static const char *composed_format(char letter)
{
    static const struct {
        char letter;
        const char *format;
    } rows[] = {
        {'F', "%Y-%m-%d"},    {'T', "%H:%M:%S"}, {'R', "%H:%M"},    {'D', "%m/%d/%y"}, {'c', "%a %b %e %H:%M:%S %Y"},
        {'r', "%I:%M:%S %p"}, {'X', "%H:%M:%S"}, {'x', "%m/%d/%y"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].letter == letter) {
            return rows[i].format;
        }
    }
    return NULL;
}

static bool append_word(struct buffer *out, const struct parts *parts, char letter)
{
    switch (letter) {
    case 'a':
        buffer_append(out, weekdays[parts->weekday], 3);
        return true;
    case 'A':
        buffer_append_text(out, weekdays[parts->weekday]);
        return true;
    case 'b':
    case 'h':
        buffer_append(out, months[parts->month - 1], 3);
        return true;
    case 'B':
        buffer_append_text(out, months[parts->month - 1]);
        return true;
    case 'p':
        buffer_append_text(out, parts->hour < 12 ? "AM" : "PM");
        return true;
    case 'Z':
        buffer_append_text(out, "UTC");
        return true;
    case 'z':
        buffer_append_text(out, "+0000");
        return true;
    case 's':
        buffer_printf(out, "%lld", (long long)parts->unix_s);
        return true;
    case 'n':
        buffer_append_char(out, '\n');
        return true;
    case 't':
        buffer_append_char(out, '\t');
        return true;
    case '%':
        buffer_append_char(out, '%');
        return true;
    default:
        return false;
    }
}

/* %N, and %3N for its first three digits. */
static void append_nanoseconds(struct buffer *out, const struct parts *parts, size_t digits)
{
    char text[16];
    (void)text_format(text, sizeof text, "%09lld", (long long)parts->ns);
    buffer_append(out, text, digits);
}

static void append_format(struct buffer *out, const struct parts *parts, const char *format)
{
    while (*format != '\0') {
        const char *start = format;
        if (*format++ != '%') {
            buffer_append_char(out, *start);
            continue;
        }
        bool plain = *format == '-';
        format += plain;
        size_t digits = 9;
        if (*format >= '1' && *format <= '9') {
            digits = (size_t)(*format++ - '0');
        }
        char letter = *format;
        format += letter != '\0';
        const char *composed = composed_format(letter);
        if (composed != NULL) {
            append_format(out, parts, composed); /* one level: the composed ones hold none */
        } else if (letter == 'N') {
            append_nanoseconds(out, parts, digits);
        } else if (!append_number(out, parts, letter, plain) && !append_word(out, parts, letter)) {
            buffer_append(out, start, (size_t)(format - start));
        }
    }
}

void calendar_append(struct buffer *out, struct wall_time moment, const char *format)
{
    struct parts parts = take_apart(moment);
    append_format(out, &parts, format);
}
