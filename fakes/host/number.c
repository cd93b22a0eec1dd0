#include "fakes/host/number.h"

#include <string.h>

#include "base/attributes.h"
#include "base/units.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

bool number_parse(struct span text, int64_t *out)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.at[text.length - 1])) {
        text.length--;
    }
    bool negative = text.length > 0 && text.at[0] == '-';
    size_t at = text.length > 0 && (text.at[0] == '-' || text.at[0] == '+') ? 1 : 0;
    if (at == text.length) {
        return false;
    }
    int64_t value = 0;
    for (; at < text.length; at++) {
        char c = text.at[at];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, c - '0', &value)) {
            return false;
        }
    }
    if (!negative && value == INT64_MIN) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}

bool number_parse_size(struct span text, int64_t *out)
{
    static const char letters[] = "kMGTPE";
    size_t digits = 0;
    while (digits < text.length && ((text.at[digits] >= '0' && text.at[digits] <= '9') ||
                                    (digits == 0 && (text.at[0] == '+' || text.at[0] == '-')))) {
        digits++;
    }
    if (!number_parse((struct span){text.at, digits}, out)) {
        return false;
    }
    struct span suffix = {text.at + digits, text.length - digits};
    if (suffix.length == 0) {
        return true;
    }
    if (span_equals(suffix, "b")) {
        return !__builtin_mul_overflow(*out, 512, out);
    }
    char first = suffix.at[0] == 'K' ? 'k' : suffix.at[0];
    const char *letter = first == '\0' ? NULL : strchr(letters, first);
    struct span rest = {suffix.at + 1, suffix.length - 1};
    bool decimal = span_equals(rest, "B");
    if (letter == NULL || !(rest.length == 0 || decimal || span_equals(rest, "iB"))) {
        return false;
    }
    for (const char *step = letters; step <= letter; step++) {
        if (__builtin_mul_overflow(*out, decimal ? 1000 : 1024, out)) {
            return false;
        }
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool number_parse_duration(const char *text, int64_t *out_ns)
{
    static const struct {
        char suffix;
        int64_t seconds;
    } units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    if (strcmp(text, "infinity") == 0) {
        *out_ns = TIME_NEVER_NS;
        return true;
    }
    const char *at = text;
    int64_t ns = 0;
    for (; is_digit(*at); at++) {
        ns = saturating_add(scale_rounded(ns, 10, 1), (*at - '0') * NS_PER_S);
    }
    size_t digits = (size_t)(at - text);
    if (*at == '.') {
        int64_t place_ns = NS_PER_S;
        for (at++; is_digit(*at); at++, digits++) {
            place_ns /= 10;
            ns = saturating_add(ns, (*at - '0') * place_ns);
        }
    }
    for (size_t i = 0; digits > 0 && i < ARRAY_LENGTH(units); i++) {
        if (at[0] == units[i].suffix && (at[0] == '\0' || at[1] == '\0')) {
            *out_ns = scale_rounded(ns, units[i].seconds, 1);
            return true;
        }
    }
    return false;
}

bool number_parse_octal(struct span text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '7' || *out > 0777) {
            return false;
        }
        *out = *out * 8 + (uint32_t)(text.at[i] - '0');
    }
    return text.length > 0;
}

void number_append_human(struct buffer *out, int64_t bytes)
{
    static const char units[] = "BKMGTP";
    int32_t unit = 0;
    int64_t scale = 1;
    while (bytes / scale >= 1024 && unit < 5) {
        scale *= 1024;
        unit++;
    }
    if (unit == 0) {
        buffer_printf(out, "%lld", (long long)bytes);
        return;
    }
    int64_t whole = bytes / scale;
    int64_t rest = bytes % scale;
    int64_t tenths = whole * 10 + (rest * 10 + scale - 1) / scale;
    if (tenths < 100) {
        buffer_printf(out, "%lld.%lld%c", (long long)(tenths / 10), (long long)(tenths % 10), units[unit]);
        return;
    }
    int64_t rounded = whole + (rest > 0);
    if (rounded == 1024 && unit < 5) {
        buffer_printf(out, "1.0%c", units[unit + 1]);
        return;
    }
    buffer_printf(out, "%lld%c", (long long)rounded, units[unit]);
}
