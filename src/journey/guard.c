#include "journey/guard.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How long the cap pays, less what the removal needs. */
static int64_t paid_ns(const struct guard *guard)
{
    if (guard->cap_nusd == BUDGET_NO_CAP || guard->price_nusd_per_hour <= 0) {
        return TIME_NEVER_NS;
    }
    int64_t left_nusd = saturating_subtract(guard->cap_nusd, guard->reserve_nusd);
    return saturating_subtract(scale_rounded(left_nusd, NS_PER_HOUR, guard->price_nusd_per_hour), guard->removal_ns);
}

static void settle(struct guard *guard)
{
    int64_t by_cap_ns = paid_ns(guard);
    guard->by_cap = by_cap_ns < guard->longest_ns;
    guard->stop_at_ns = saturating_add(guard->began_ns, smaller(by_cap_ns, guard->longest_ns));
}

struct shield guard_begin(struct guard *guard, struct world *world)
{
    settle(guard);
    return task_limit_begin(world->scheduler, guard->stop_at_ns);
}

bool guard_see_price(struct guard *guard, struct world *world, int64_t price_nusd_per_hour)
{
    if (price_nusd_per_hour <= guard->price_nusd_per_hour) {
        return false;
    }
    int64_t former_ns = guard->stop_at_ns;
    guard->price_nusd_per_hour = price_nusd_per_hour;
    settle(guard);
    task_limit_lower(world->scheduler, guard->stop_at_ns);
    return guard->stop_at_ns < former_ns;
}

bool guard_is_due(const struct guard *guard, struct world *world)
{
    return world_now_ns(world) >= guard->stop_at_ns;
}
