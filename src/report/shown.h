/*
 * Shown: figures as a person reads them, as texts by value:
 *
 *     text_format(cell, sizeof cell, "%s at %s/h", shown_seconds(us).text, shown_usd(price).text);
 */
#ifndef REPORT_SHOWN_H
#define REPORT_SHOWN_H

#include <stdint.h>

#include "base/json_decode.h"

enum { SHOWN_SIZE = 48 };

struct shown {
    char text[SHOWN_SIZE];
};

struct shown shown_decimal(int64_t value, int digits, int decimals); /* exactly `decimals` places, rounded */
struct shown shown_seconds(int64_t duration_us);                     /* "72.77 s" */
struct shown shown_centiseconds(int64_t centiseconds);               /* "72.77 s" */
struct shown shown_percent(int64_t permille);                        /* "73.5 %" */
struct shown shown_usd(int64_t nusd);                                /* "$0.004644": to the micro-dollar */
struct shown shown_price(int64_t nusd_per_hour);                     /* "$0.1689/h" */
struct shown shown_integer(struct maybe_int64 value);                /* "?" when it is not known */

#endif
