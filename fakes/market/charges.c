#include "fakes/market/charges.h"

#include "base/attributes.h"
#include "fakes/market/state.h"

#define NS_PER_DAY (24 * NS_PER_HOUR)

enum { BYTES_PER_GB = 1000000000, PAST_FIRST_CAPACITY = 4 };

static const char *const component_names[] = {
    [COMPONENT_GPU] = "gpu",
    [COMPONENT_DISK] = "disk",
    [COMPONENT_DOWNLOAD] = "download",
    [COMPONENT_UPLOAD] = "upload",
};

const char *component_name(enum component component)
{
    return component_names[component];
}

/* Of the unit in which charges are counted, in one nano-dollar. */
static const exact_charge charge_per_nusd = (exact_charge)NS_PER_HOUR;

int64_t whole_nusd(exact_charge charge)
{
    exact_charge whole = charge / charge_per_nusd;
    return whole < INT64_MAX ? (int64_t)whole : INT64_MAX;
}

void charges_release(struct market *market, struct charges *charges)
{
    heap_release(market->heap, charges->past);
    charges->past = NULL;
    charges->past_count = 0;
    charges->past_capacity = 0;
}

static bool is_empty(const struct charge_day *day)
{
    exact_charge sum = 0;
    int64_t quantity = 0;
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        sum += day->amounts[i];
        quantity |= day->quantities[i];
    }
    return sum == 0 && quantity == 0;
}

static bool keep_today(struct market *market, struct charges *charges)
{
    if (charges->past_count == charges->past_capacity) {
        uint32_t capacity = charges->past_capacity == 0 ? PAST_FIRST_CAPACITY : charges->past_capacity * 2;
        struct charge_day *grown = heap_resize(market->heap, charges->past, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        charges->past = grown;
        charges->past_capacity = capacity;
    }
    charges->past[charges->past_count++] = charges->today;
    return true;
}

static void add(struct market *market, struct charges *charges, int64_t day, enum component component, int64_t quantity,
                exact_charge amount)
{
    struct charge_day *today = &charges->today;
    if (today->last_day != day) {
        if (is_empty(today) || keep_today(market, charges)) {
            *today = (struct charge_day){.first_day = day};
        }
        today->last_day = day;
    }
    today->quantities[component] += quantity;
    today->amounts[component] += amount;
    charges->quantities[component] += quantity;
    charges->unbilled[component] += quantity;
    charges->unbilled_amounts[component] += amount;
}

void charges_settle(struct market *market, struct charges *charges)
{
    int64_t epoch_ns = market->options.epoch.unix_ns;
    bool any_on = false;
    for (size_t i = 0; i < ARRAY_LENGTH(charges->meters); i++) {
        any_on = any_on || charges->meters[i].on;
    }
    while (any_on && charges->settled_ns < market->now_ns) {
        int64_t day = saturating_add(epoch_ns, charges->settled_ns) / NS_PER_DAY;
        int64_t day_ends_ns = saturating_subtract((day + 1) * NS_PER_DAY, epoch_ns);
        int64_t until_ns = day_ends_ns < market->now_ns ? day_ends_ns : market->now_ns;
        int64_t time_ns = until_ns - charges->settled_ns;
        for (size_t i = 0; i < ARRAY_LENGTH(charges->meters); i++) {
            const struct meter *meter = &charges->meters[i];
            if (meter->on) {
                exact_charge amount = (exact_charge)meter->price_nusd_per_hour * time_ns;
                add(market, charges, day, (enum component)i, time_ns, amount);
            }
        }
        charges->settled_ns = until_ns;
    }
    charges->settled_ns = market->now_ns;
}

void charges_switch(struct market *market, struct charges *charges, enum component component, bool on)
{
    struct meter *meter = &charges->meters[component];
    if (meter->on != on) {
        charges_settle(market, charges);
        meter->on = on;
        market->rate_nusd_per_hour += on ? meter->price_nusd_per_hour : -meter->price_nusd_per_hour;
    }
}

void charges_reprice(struct market *market, struct charges *charges, enum component component, int64_t nusd_per_hour)
{
    struct meter *meter = &charges->meters[component];
    bool was_on = meter->on;
    charges_switch(market, charges, component, false);
    meter->price_nusd_per_hour = nusd_per_hour;
    charges_switch(market, charges, component, was_on);
}

void charges_add_traffic(struct market *market, struct charges *charges, enum component component, int64_t bytes,
                         int64_t nusd_per_gb)
{
    if (bytes <= 0) {
        return;
    }
    charges_settle(market, charges); /* days are entered in order */
    exact_charge amount = (exact_charge)nusd_per_gb * bytes * (NS_PER_HOUR / BYTES_PER_GB);
    int64_t day = saturating_add(market->options.epoch.unix_ns, market->now_ns) / NS_PER_DAY;
    add(market, charges, day, component, bytes, amount);
    market->charged += amount;
}

int64_t charges_price_now(const struct charges *charges)
{
    int64_t price_nusd = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(charges->meters); i++) {
        price_nusd += charges->meters[i].on ? charges->meters[i].price_nusd_per_hour : 0;
    }
    return price_nusd;
}

int64_t charges_price_total(const struct charges *charges)
{
    int64_t price_nusd = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(charges->meters); i++) {
        price_nusd += charges->meters[i].price_nusd_per_hour;
    }
    return price_nusd;
}

static exact_charge sum_of(const struct charge_day *day)
{
    exact_charge sum = 0;
    for (size_t i = 0; i < COMPONENT_COUNT; i++) {
        sum += day->amounts[i];
    }
    return sum;
}

exact_charge charges_total(const struct market *market, const struct charges *charges)
{
    exact_charge total = sum_of(&charges->today);
    for (size_t i = 0; i < charges->past_count; i++) {
        total += sum_of(&charges->past[i]);
    }
    return total + (exact_charge)charges_price_now(charges) * (market->now_ns - charges->settled_ns);
}
