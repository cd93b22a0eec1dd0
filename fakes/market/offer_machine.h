/*
 * Offer machines: draws plausible machines, of the kinds, prices and places recorded in recordings/offers-2025-12-21.json.
 */
#ifndef FAKES_MARKET_OFFER_MACHINE_H
#define FAKES_MARKET_OFFER_MACHINE_H

#include "fakes/market/offers.h"

/* Addresses one machine's draws: all are pure functions of these and of what is drawn. */
struct machine_draw {
    uint64_t seed;
    uint32_t entity; /* the offer's place in its book */
};

/* Uniform in [low, high]; `index` from MACHINE_DRAWS_FREE on is free for callers. */
enum { MACHINE_DRAWS_FREE = 64 };
int64_t machine_draw_between(struct machine_draw draw, uint32_t index, int64_t low, int64_t high);

/* Fills `offer` (zeroed, except that a gpu_name may be set) with a machine; draws the GPU too when gpu_name is "". */
void machine_draw_offer(struct machine_draw draw, struct wall_time listed_at, struct offer *offer);

#endif
