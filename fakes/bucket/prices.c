#include "fakes/bucket/prices.h"

#define CENT (NUSD_PER_USD / 100)
#define GB INT64_C(1000000000)

static const struct bucket_prices until_april_2026 = {
    .name = "until 30 April 2026",
    .storage_nusd_per_tb_month = 600 * CENT,
    .download_nusd_per_gb = CENT,
    .nusd_per_10000_calls = {[BUCKET_CLASS_B] = NUSD_PER_USD * 4 / 1000, [BUCKET_CLASS_C] = 4 * CENT},
    .free_stored_bytes = 10 * GB,
    .free_download_times_stored = 3,
    .free_calls_a_day = {[BUCKET_CLASS_B] = 2500, [BUCKET_CLASS_C] = 2500},
};

static const struct bucket_prices from_may_2026 = {
    .name = "from 1 May 2026",
    .storage_nusd_per_tb_month = 695 * CENT,
    .download_nusd_per_gb = CENT,
    .free_download_times_stored = 3,
};

const struct bucket_prices *bucket_prices_at(struct wall_time moment)
{
    static const int64_t may_2026_s = INT64_C(1777593600); /* 2026-05-01T00:00:00Z */
    return moment.unix_ns < may_2026_s * NS_PER_S ? &until_april_2026 : &from_may_2026;
}
