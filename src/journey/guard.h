/*
 * Guard: the latest moment at which a machine must be given up, from its price, a cap on what it may cost, and its limits.
 *
 * A cap pays for (cap - reserve) / price of life, counted from the moment the create left. The removal needs the last part of
 * that, as much as removing may take at worst, so that the whole life stays below the cap. A price seen higher than the offer's
 * brings the moment forward; one seen lower changes nothing.
 *
 *     stop = began + min(longest use, (cap - reserve) / price - removal)
 */
#ifndef JOURNEY_GUARD_H
#define JOURNEY_GUARD_H

#include "world/world.h"

#define BUDGET_NO_CAP INT64_C(-1)

/* Filled by the caller, but for `stop_at_ns`. */
struct guard {
    int64_t began_ns;     /* when the create left */
    int64_t longest_ns;   /* from there to the end of the use, by the limits alone */
    int64_t removal_ns;   /* kept for the removal */
    int64_t cap_nusd;     /* BUDGET_NO_CAP: none */
    int64_t reserve_nusd; /* of the cap, for what is not paid by the hour */
    int64_t price_nusd_per_hour;
    int64_t stop_at_ns;
    bool by_cap; /* the cap ends it, not a limit */
};

/* Bounds the current task by the guard; give the result to task_shield_end(). */
struct shield guard_begin(struct guard *guard, struct world *world);

/* A price was seen. True when it brought the moment forward; the current task's limit is lowered with it. */
bool guard_see_price(struct guard *guard, struct world *world, int64_t price_nusd_per_hour);

/* True once the moment has come. */
bool guard_is_due(const struct guard *guard, struct world *world);

#endif
