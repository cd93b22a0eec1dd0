#include "report/shown.h"

#include "base/units.h"

enum { USD_DECIMALS = 6, PRICE_DECIMALS = 4 };

static struct shown decorated(const char *before, int64_t value, int digits, int decimals, const char *after)
{
    struct shown shown;
    struct buffer buffer;
    buffer_init_fixed(&buffer, shown.text, sizeof shown.text);
    buffer_append_text(&buffer, value < 0 && before[0] != '\0' ? "-" : "");
    buffer_append_text(&buffer, before);
    int64_t magnitude = value < 0 && before[0] != '\0' ? saturating_subtract(0, value) : value;
    decimal_append_rounded(&buffer, magnitude, digits, decimals);
    buffer_append_text(&buffer, after);
    return shown;
}

struct shown shown_decimal(int64_t value, int digits, int decimals)
{
    return decorated("", value, digits, decimals, "");
}

struct shown shown_seconds(int64_t duration_us)
{
    return decorated("", duration_us, 6, 2, " s");
}

struct shown shown_centiseconds(int64_t centiseconds)
{
    return decorated("", centiseconds, 2, 2, " s");
}

struct shown shown_percent(int64_t permille)
{
    return decorated("", permille, 1, 1, " %");
}

struct shown shown_usd(int64_t nusd)
{
    return decorated("$", nusd, 9, USD_DECIMALS, "");
}

struct shown shown_price(int64_t nusd_per_hour)
{
    return decorated("$", nusd_per_hour, 9, PRICE_DECIMALS, "/h");
}

struct shown shown_integer(struct maybe_int64 value)
{
    struct shown shown;
    if (value.presence == PRESENT) {
        (void)text_format(shown.text, sizeof shown.text, "%lld", (long long)value.value);
    } else {
        (void)text_copy(shown.text, sizeof shown.text, "?");
    }
    return shown;
}
