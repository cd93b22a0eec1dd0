/*
 * Charges: what a contract or a volume has cost, exactly, by component and by day. Private to fakes/market.
 *
 * Amounts are counted in nano-dollars per hour times nanoseconds, so that nothing is ever rounded: a day's entry, a bill and the
 * account's credit are all sums of the same numbers.
 */
#ifndef FAKES_MARKET_CHARGES_H
#define FAKES_MARKET_CHARGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct market;

__extension__ typedef __int128 exact_charge; /* nano-dollars per hour x nanoseconds */

/* What is charged for; the names are those of MARKET_BILLED. Time is charged for the first two, bytes for the others. */
enum component { COMPONENT_GPU, COMPONENT_DISK, COMPONENT_DOWNLOAD, COMPONENT_UPLOAD, COMPONENT_COUNT };

const char *component_name(enum component component);

/* Days are counted from 1970. An entry covers more than one day only when memory was gone. */
struct charge_day {
    int64_t first_day, last_day;
    int64_t quantities[COMPONENT_COUNT]; /* ns or bytes */
    exact_charge amounts[COMPONENT_COUNT];
};

struct meter {
    int64_t price_nusd_per_hour;
    bool on;
};

/* Zero-filled to start. */
struct charges {
    struct meter meters[COMPONENT_DISK + 1];
    int64_t settled_ns;                  /* what the meters ran since then is not in the days yet */
    int64_t quantities[COMPONENT_COUNT]; /* in all */
    int64_t unbilled[COMPONENT_COUNT];
    exact_charge unbilled_amounts[COMPONENT_COUNT];
    struct charge_day today; /* the latest entry */
    struct charge_day *past; /* those before it */
    uint32_t past_count, past_capacity;
};

void charges_release(struct market *market, struct charges *charges);

/* Starts or stops a meter now. */
void charges_switch(struct market *market, struct charges *charges, enum component component, bool on);

/* Changes the price from now on. */
void charges_reprice(struct market *market, struct charges *charges, enum component component, int64_t nusd_per_hour);

/* Charges `bytes` of traffic now. */
void charges_add_traffic(struct market *market, struct charges *charges, enum component component, int64_t bytes,
                         int64_t nusd_per_gb);

/* Brings quantities and days up to now. */
void charges_settle(struct market *market, struct charges *charges);

/* What all its meters cost by the hour now. */
int64_t charges_price_now(const struct charges *charges);

/* All that it was charged up to now, settled or not. */
exact_charge charges_total(const struct market *market, const struct charges *charges);

/* What they would cost if all ran, as the API tells it (dph_total). */
int64_t charges_price_total(const struct charges *charges);

/* A charge in whole nano-dollars, rounded down. */
int64_t whole_nusd(exact_charge charge);

#endif
