/*
 * Prices: what the object store costs, as data. From Backblaze's price list; a month is 30 days of 24 hours.
 */
#ifndef FAKES_BUCKET_PRICES_H
#define FAKES_BUCKET_PRICES_H

#include <stdint.h>

#include "base/units.h"
#include "fakes/timing/bucket_call.h"

struct bucket_prices {
    const char *name; /* of the list: "from 1 May 2026" */
    int64_t storage_nusd_per_tb_month;
    int64_t download_nusd_per_gb;
    int64_t nusd_per_10000_calls[BUCKET_CLASS_COUNT];
    /* free allowances, which count only where they are switched on */
    int64_t free_stored_bytes;
    int64_t free_download_times_stored; /* so many times what was stored on average */
    int64_t free_calls_a_day[BUCKET_CLASS_COUNT];
};

/* The price list of a moment: of a day until 30 April 2026, or from 1 May 2026 on. */
const struct bucket_prices *bucket_prices_at(struct wall_time moment);

#endif
