/* The life of contracts: statuses as time passes, meters, bills, and the moment when the credit is gone. */
#include <assert.h>
#include <string.h>

#include "fakes/market/state.h"

static const char *const component_names[] = {[COMPONENT_GPU] = "gpu", [COMPONENT_DISK] = "disk"};

static const struct status_traits traits[ACTUAL_COUNT] = {
    [ACTUAL_PROVISIONING] = {.usual_msg = NULL},
    [ACTUAL_CREATED] = {.has_address = true, .usual_msg = ""},
    [ACTUAL_LOADING] = {.has_address = true, .usual_msg = "4f4fb700ef54: Pull complete\n"},
    [ACTUAL_RUNNING] =
        {.bills_gpu = true, .container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_EXITED] = {.has_address = true, .has_telemetry = true, .gpu_idle = true},
    [ACTUAL_STOPPED] = {.has_address = true, .has_telemetry = true, .gpu_idle = true},
    [ACTUAL_FROZEN] = {.has_address = true, .has_telemetry = true, .gpu_idle = true},
    [ACTUAL_REBOOTING] = {.has_address = true, .has_telemetry = true},
    [ACTUAL_RESTARTING] = {.has_address = true, .has_telemetry = true},
    /* No heartbeat: what was last known stays. */
    [ACTUAL_UNKNOWN] = {.container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_OFFLINE] = {.container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_SCHEDULING] = {.has_address = true, .has_telemetry = true, .gpu_idle = true},
};

/* What is done to a machine, and where that leaves it. */
enum transition { TRANSITION_CREDIT_OUT };

static const struct {
    enum actual_status status;
    enum intent intent;
} transitions[] = {
    [TRANSITION_CREDIT_OUT] = {ACTUAL_EXITED, INTENT_STOPPED},
};

const struct status_traits *status_traits(enum actual_status status)
{
    return &traits[status];
}

int64_t meter_time_ns(const struct meter *meter, int64_t now_ns)
{
    return meter->time_ns + (meter->on ? now_ns - meter->since_ns : 0);
}

static void meter_switch(struct market *market, struct meter *meter, bool on)
{
    if (meter->on == on) {
        return;
    }
    if (on) {
        meter->since_ns = market->now_ns;
        market->rate_nusd_per_hour += meter->price_nusd_per_hour;
    } else {
        meter->time_ns = meter_time_ns(meter, market->now_ns);
        market->rate_nusd_per_hour -= meter->price_nusd_per_hour;
    }
    meter->on = on;
}

/* Of the unit in which charges are counted, in one nano-dollar. */
static const exact_charge charge_per_nusd = (exact_charge)NS_PER_HOUR;

static int64_t whole_nusd(exact_charge charge)
{
    exact_charge whole = charge / charge_per_nusd;
    return whole < INT64_MAX ? (int64_t)whole : INT64_MAX;
}

int64_t market_charged_nusd(const struct market *market)
{
    return whole_nusd(market->charged);
}

int64_t market_credit_nusd(const struct market *market)
{
    return saturating_subtract(market->options.credit_nusd, market_charged_nusd(market));
}

static struct market_event event_of(const struct market *market, enum market_event_kind kind,
                                    const struct contract *contract)
{
    return (struct market_event){
        .kind = kind,
        .at_ns = market->now_ns,
        .contract_id = contract->id,
        .contract = contract->nth,
        .status = contract->status,
        .credit_nusd = market_credit_nusd(market),
    };
}

static void tell(struct market *market, const struct market_event *event)
{
    if (market->options.event != NULL) {
        market->options.event(market->options.context, event);
    }
}

static void tell_of(struct market *market, enum market_event_kind kind, const struct contract *contract)
{
    struct market_event event = event_of(market, kind, contract);
    tell(market, &event);
}

/*
 * Bills what a meter has run since its last bill. Fractions of a nano-dollar are carried from bill to bill, so that all bills
 * together are exactly what left the account.
 */
static void bill_component(struct market *market, struct contract *contract, enum component component)
{
    struct meter *meter = &contract->meters[component];
    int64_t time_ns = meter_time_ns(meter, market->now_ns);
    struct market_event event = event_of(market, MARKET_BILLED, contract);
    event.component = component_names[component];
    event.quantity_ns = time_ns - meter->billed_ns;
    int64_t before_nusd = whole_nusd(market->billed);
    market->billed += (exact_charge)meter->price_nusd_per_hour * event.quantity_ns;
    event.amount_nusd = whole_nusd(market->billed) - before_nusd;
    meter->billed_ns = time_ns;
    tell(market, &event);
}

static void bill_contract(struct market *market, struct contract *contract)
{
    for (int component = 0; component < COMPONENT_COUNT; component++) {
        bill_component(market, contract, (enum component)component);
    }
}

void market_bill(struct market *market, int64_t now_ns)
{
    market_advance(market, now_ns);
    for (size_t i = 0; i < market->live_count; i++) {
        bill_contract(market, market->live[i]);
    }
}

static void set_uptime(struct contract *contract, enum actual_status status, int64_t now_ns)
{
    bool was_up = contract->has_run && traits[contract->status].container_up;
    bool is_up = status == ACTUAL_RUNNING || (was_up && traits[status].container_up);
    if (is_up && !was_up) {
        contract->has_run = true;
        contract->running_since_ns = now_ns;
    } else if (was_up && !is_up) {
        contract->run_ended_ns = now_ns;
    }
}

static void set_status(struct market *market, struct contract *contract, enum actual_status status, const char *msg)
{
    bool changed = status != contract->status;
    set_uptime(contract, status, market->now_ns);
    contract->status = status;
    const char *usual = status == ACTUAL_RUNNING ? contract->running_msg : traits[status].usual_msg;
    contract->status_msg = msg != NULL ? msg : usual != NULL ? usual : contract->status_msg;
    if (contract->status_msg == NULL && status != ACTUAL_PROVISIONING) {
        contract->status_msg = ""; /* clients take null for "no status yet" */
    }
    meter_switch(market, &contract->meters[COMPONENT_GPU], traits[status].bills_gpu);
    if (changed) {
        tell_of(market, MARKET_STATUS, contract);
    }
}

static int64_t next_step_ns(const struct contract *contract)
{
    if (!contract->follows_timeline || contract->next_step >= contract->timeline.status_count) {
        return TIME_NEVER_NS;
    }
    return saturating_add(contract->created_ns, contract->timeline.statuses[contract->next_step].after_ns);
}

/* The first nanosecond at which charges reach the credit. */
static int64_t credit_out_ns(const struct market *market)
{
    if (market->credit_out || market->rate_nusd_per_hour <= 0) {
        return TIME_NEVER_NS;
    }
    exact_charge left = market->options.credit_nusd * charge_per_nusd - market->charged;
    if (left <= 0) {
        return market->now_ns;
    }
    exact_charge wait_ns = (left + market->rate_nusd_per_hour - 1) / market->rate_nusd_per_hour;
    return wait_ns < INT64_MAX - market->now_ns ? market->now_ns + (int64_t)wait_ns : TIME_NEVER_NS;
}

/* The contract whose status changes first, the oldest of several; NULL when none ever will. */
static struct contract *first_to_change(const struct market *market, int64_t *at_ns)
{
    struct contract *first = NULL;
    *at_ns = TIME_NEVER_NS;
    for (size_t i = 0; i < market->live_count; i++) {
        int64_t due_ns = next_step_ns(market->live[i]);
        if (due_ns < *at_ns) {
            first = market->live[i];
            *at_ns = due_ns;
        }
    }
    return first;
}

int64_t market_next_change_ns(const struct market *market)
{
    int64_t status_ns;
    (void)first_to_change(market, &status_ns);
    int64_t credit_ns = credit_out_ns(market);
    return status_ns < credit_ns ? status_ns : credit_ns;
}

static void pass_time(struct market *market, int64_t to_ns)
{
    if (to_ns > market->now_ns) {
        market->charged += (exact_charge)market->rate_nusd_per_hour * (to_ns - market->now_ns);
        market->now_ns = to_ns;
    }
}

static void stop_for_credit(struct market *market)
{
    market->credit_out = true;
    struct market_event event = {
        .kind = MARKET_CREDIT_OUT,
        .at_ns = market->now_ns,
        .contract_id = -1,
        .status = ACTUAL_EXITED,
        .credit_nusd = market_credit_nusd(market),
    };
    tell(market, &event);
    for (size_t i = 0; i < market->live_count; i++) {
        struct contract *contract = market->live[i];
        contract->intent = transitions[TRANSITION_CREDIT_OUT].intent;
        contract->follows_timeline = false;
        set_status(market, contract, transitions[TRANSITION_CREDIT_OUT].status, contract->status_msg);
    }
}

void market_advance(struct market *market, int64_t now_ns)
{
    for (;;) {
        int64_t status_ns;
        struct contract *contract = first_to_change(market, &status_ns);
        int64_t credit_ns = credit_out_ns(market);
        if (credit_ns < status_ns && credit_ns <= now_ns) {
            pass_time(market, credit_ns);
            stop_for_credit(market);
        } else if (contract != NULL && status_ns <= now_ns) {
            pass_time(market, status_ns);
            const struct status_step *step = &contract->timeline.statuses[contract->next_step++];
            set_status(market, contract, step->status, step->status_msg);
        } else {
            break;
        }
    }
    pass_time(market, now_ns);
}

void contract_begin(struct market *market, struct contract *contract)
{
    contract->created_ns = market->now_ns;
    contract->destroyed_ns = TIME_NEVER_NS;
    contract->follows_timeline = true;
    contract->meters[COMPONENT_GPU].price_nusd_per_hour = contract->offer->dph_base_nusd;
    contract->meters[COMPONENT_DISK].price_nusd_per_hour =
        offer_disk_nusd_per_hour(contract->offer, contract->disk_mgb);
    meter_switch(market, &contract->meters[COMPONENT_DISK], true);
    market->contracts[market->contract_count++] = contract;
    market->live[market->live_count++] = contract;
    market->taken[contract->offer_index] = true;
    tell_of(market, MARKET_CREATED, contract);
}

static size_t live_index(const struct market *market, int64_t id)
{
    size_t low = 0;
    size_t high = market->live_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (market->live[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct contract *market_find(const struct market *market, int64_t id)
{
    size_t index = live_index(market, id);
    return index < market->live_count && market->live[index]->id == id ? market->live[index] : NULL;
}

void contract_end(struct market *market, struct contract *contract)
{
    size_t index = live_index(market, contract->id);
    assert(index < market->live_count && market->live[index] == contract);
    for (int component = 0; component < COMPONENT_COUNT; component++) {
        meter_switch(market, &contract->meters[component], false);
    }
    contract->destroyed_ns = market->now_ns;
    market->live_count--;
    memmove(&market->live[index], &market->live[index + 1], (market->live_count - index) * sizeof(struct contract *));
    market->taken[contract->offer_index] = false;
    tell_of(market, MARKET_DESTROYED, contract);
    bill_contract(market, contract);
}

void contract_free(struct heap *heap, struct contract *contract)
{
    if (contract != NULL) {
        buffer_release(&contract->members);
        buffer_release(&contract->ports);
        heap_release(heap, contract);
    }
}
