/* The life of contracts: what each does as time passes, and what starting, stopping and losing its GPUs do to it. */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

enum { DRAW_RIVAL_COMES, DRAW_RIVAL_STAYS, DRAW_RIVAL_PRICE, DRAWS_PER_RIVAL = 4 };

void market_tell(struct market *market, const struct market_event *event)
{
    if (market->options.event != NULL) {
        market->options.event(market->options.context, event);
    }
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
        .from = contract->status,
        .credit_nusd = market_credit_nusd(market),
    };
}

static void tell_of(struct market *market, enum market_event_kind kind, const struct contract *contract)
{
    struct market_event event = event_of(market, kind, contract);
    market_tell(market, &event);
}

/* ---- Status --------------------------------------------------------------------------------------------------------------- */

static void set_uptime(struct contract *contract, enum actual_status status, int64_t now_ns)
{
    bool was_up = contract->has_run && status_traits(contract->status)->container_up;
    bool is_up = status == ACTUAL_RUNNING || (was_up && status_traits(status)->container_up);
    if (is_up && !was_up) {
        contract->has_run = true;
        contract->running_since_ns = now_ns;
    } else if (was_up && !is_up) {
        contract->run_ended_ns = now_ns;
    }
}

static void set_msg(struct contract *contract, enum actual_status status, const char *msg)
{
    const char *usual = status == ACTUAL_RUNNING ? contract->running_msg : status_traits(status)->usual_msg;
    contract->status_msg = msg != NULL ? msg : usual != NULL ? usual : contract->status_msg;
    if (contract->status_msg == NULL && status != ACTUAL_PROVISIONING) {
        contract->status_msg = ""; /* clients take null for "no status yet" */
    }
}

static void set_meters(struct market *market, struct contract *contract)
{
    const struct status_traits *traits = status_traits(contract->status);
    bool bills_disk = !traits->bills_no_disk || market->options.switches.offline_bills_disk != 0;
    charges_switch(market, &contract->charges, COMPONENT_GPU, traits->bills_gpu);
    charges_switch(market, &contract->charges, COMPONENT_DISK, bills_disk);
}

void contract_show_status(struct market *market, struct contract *contract, enum actual_status status, const char *msg,
                          enum status_cause cause)
{
    contract->hidden = status;
    bool shown = !contract->host_lost || cause == CAUSE_HOST_LOST || cause == CAUSE_FORCED;
    if (!shown) {
        return;
    }
    struct market_event event = event_of(market, MARKET_STATUS, contract);
    set_uptime(contract, status, market->now_ns);
    contract->status = status;
    set_msg(contract, status, msg);
    set_meters(market, contract);
    if (status == ACTUAL_RUNNING && !contract->pulled) {
        contract->pulled = true;
        charges_add_traffic(market, &contract->charges, COMPONENT_DOWNLOAD,
                            market->options.switches.image_pull_mb * 1000000, contract->offer->inet_down_cost_nusd);
    }
    if (event.from == status) {
        return;
    }
    bool is_scripted = cause == CAUSE_LIFE && !transition_is_known(cause, event.from, status);
    event.cause = is_scripted ? CAUSE_SCRIPT : cause;
    assert(transition_is_known(event.cause, event.from, status));
    event.status = status;
    market_tell(market, &event);
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

static int64_t first_after_ns(const struct machine_timeline *timeline, enum actual_status status)
{
    for (size_t i = 0; i < timeline->status_count; i++) {
        if (timeline->statuses[i].status == status) {
            return timeline->statuses[i].after_ns;
        }
    }
    return TIME_NEVER_NS;
}

static void measure_boot(struct contract *contract, const struct machine_timeline *timeline)
{
    int64_t loading_ns = first_after_ns(timeline, ACTUAL_LOADING);
    int64_t running_ns = first_after_ns(timeline, ACTUAL_RUNNING);
    loading_ns = loading_ns < running_ns ? loading_ns : 0;
    contract->pull_ns = running_ns == TIME_NEVER_NS ? TIME_NEVER_NS : running_ns - loading_ns;
    contract->ssh_lag_ns = TIME_NEVER_NS;
    for (size_t i = 0; i < timeline->ssh_count && contract->ssh_lag_ns == TIME_NEVER_NS; i++) {
        if (timeline->ssh[i].stage == SSH_STAGE_READY) {
            int64_t lag_ns = saturating_subtract(timeline->ssh[i].after_ns, running_ns);
            contract->ssh_lag_ns = lag_ns > 0 ? lag_ns : 0;
        }
    }
}

bool life_take(struct market *market, struct contract *contract, const struct machine_timeline *timeline)
{
    struct life *life = &contract->life;
    size_t statuses = timeline->status_count + RESTART_STEPS;
    size_t stages = timeline->ssh_count + RESTART_STEPS;
    life->statuses = heap_alloc(market->heap, statuses * sizeof *life->statuses + stages * sizeof *life->ssh);
    if (life->statuses == NULL) {
        return false;
    }
    life->ssh = (struct ssh_step *)(void *)(life->statuses + statuses);
    life->status_count = (uint32_t)timeline->status_count;
    life->ssh_count = (uint32_t)timeline->ssh_count;
    memcpy(life->statuses, timeline->statuses, timeline->status_count * sizeof *life->statuses);
    memcpy(life->ssh, timeline->ssh, timeline->ssh_count * sizeof *life->ssh);
    measure_boot(contract, timeline);
    return true;
}

/* Replaces what lies before the host's own doings, which keep their times, by a restart that runs after `run_after_ns`. */
static void plan_restart(struct contract *contract, int64_t now_ns, int64_t load_after_ns, int64_t run_after_ns)
{
    struct life *life = &contract->life;
    int64_t shift_ns = saturating_subtract(life->base_ns, now_ns);
    struct status_step steps[RESTART_STEPS];
    uint32_t count = 0;
    if (load_after_ns > 0) {
        steps[count++] = (struct status_step){.after_ns = load_after_ns, .status = ACTUAL_LOADING};
    }
    if (run_after_ns != TIME_NEVER_NS) {
        steps[count++] = (struct status_step){.after_ns = run_after_ns, .status = ACTUAL_RUNNING};
    }
    uint32_t tail = 0;
    while (tail < life->status_count && life->statuses[tail].status != ACTUAL_RUNNING) {
        tail++;
    }
    uint32_t kept = 0;
    for (uint32_t i = tail + 1; i < life->status_count; i++) {
        struct status_step step = life->statuses[i];
        step.after_ns = saturating_add(step.after_ns, shift_ns);
        if (step.after_ns > run_after_ns) {
            life->statuses[kept++] = step; /* never ahead of what is still to be read */
        }
    }
    memmove(life->statuses + count, life->statuses, kept * sizeof *life->statuses);
    memcpy(life->statuses, steps, count * sizeof *steps);
    life->status_count = count + kept;
    life->next = 0;
}

static void plan_ssh(struct contract *contract, int64_t now_ns, int64_t run_after_ns)
{
    struct life *life = &contract->life;
    int64_t shift_ns = saturating_subtract(life->base_ns, now_ns);
    int64_t ready_ns =
        contract->ssh_lag_ns == TIME_NEVER_NS ? TIME_NEVER_NS : saturating_add(run_after_ns, contract->ssh_lag_ns);
    uint32_t count = ready_ns == TIME_NEVER_NS ? 1 : 2;
    uint32_t tail = 0;
    while (tail < life->ssh_count && life->ssh[tail].stage != SSH_STAGE_READY) {
        tail++;
    }
    uint32_t kept = 0;
    for (uint32_t i = tail + 1; i < life->ssh_count; i++) {
        struct ssh_step step = life->ssh[i];
        step.after_ns = saturating_add(step.after_ns, shift_ns);
        if (step.after_ns > ready_ns) {
            life->ssh[kept++] = step;
        }
    }
    memmove(life->ssh + count, life->ssh, kept * sizeof *life->ssh);
    life->ssh[0] = (struct ssh_step){.after_ns = 0, .stage = SSH_STAGE_REFUSED};
    if (count > 1) {
        life->ssh[1] = (struct ssh_step){.after_ns = ready_ns, .stage = SSH_STAGE_READY};
    }
    life->ssh_count = count + kept;
}

static void restart(struct market *market, struct contract *contract, enum actual_status first, int64_t load_after_ns,
                    int64_t run_after_ns, enum status_cause cause)
{
    plan_ssh(contract, market->now_ns, run_after_ns);
    plan_restart(contract, market->now_ns, load_after_ns, run_after_ns);
    contract->life.base_ns = market->now_ns;
    contract->follows_life = true;
    contract_show_status(market, contract, first, NULL, cause);
}

static void await_rival(struct market *market, struct contract *contract)
{
    int64_t mean_ns = market->options.switches.outbid_mean_ns;
    contract->rival_ns = TIME_NEVER_NS;
    if (contract->is_bid && mean_ns > 0) {
        uint32_t index = contract->rivals * DRAWS_PER_RIVAL + DRAW_RIVAL_COMES;
        int64_t wait_ns = market_draw(market, RANDOM_RIVAL, contract->nth, index, 1, saturating_add(mean_ns, mean_ns));
        contract->rival_ns = saturating_add(market->now_ns, wait_ns);
    }
}

void contract_run(struct market *market, struct contract *contract, enum status_cause cause)
{
    contract->intent = INTENT_RUNNING;
    contract->outbid = false;
    await_rival(market, contract);
    if (contract->has_run) {
        restart(market, contract, ACTUAL_LOADING, 0, market->options.switches.start_ns, cause);
    } else {
        contract->life.base_ns = market->now_ns;
        contract->life.next = 0;
        contract->follows_life = true;
    }
    queue_update(market, contract);
}

void contract_reboot(struct market *market, struct contract *contract, bool recycle)
{
    int64_t reboot_ns = market->options.switches.reboot_ns;
    if (recycle) {
        int64_t load_ns = reboot_ns / 4 + 1;
        contract->pulled = false;
        restart(market, contract, ACTUAL_REBOOTING, load_ns, saturating_add(load_ns, contract->pull_ns), CAUSE_RECYCLE);
        tell_of(market, MARKET_RECYCLED, contract);
    } else {
        restart(market, contract, ACTUAL_REBOOTING, 0, reboot_ns, CAUSE_REBOOT);
    }
    queue_update(market, contract);
}

static bool is_down(enum actual_status status)
{
    return status == ACTUAL_EXITED || status == ACTUAL_STOPPED;
}

static void halt(struct market *market, struct contract *contract, enum status_cause cause)
{
    bool shows_stopped = cause == CAUSE_STOP && market->options.switches.stopped_shows_stopped != 0;
    contract->intent = INTENT_STOPPED;
    contract->follows_life = false;
    if (!is_down(contract->host_lost ? contract->hidden : contract->status)) {
        contract_show_status(market, contract, shows_stopped ? ACTUAL_STOPPED : ACTUAL_EXITED, contract->status_msg,
                             cause);
    }
}

void contract_stop(struct market *market, struct contract *contract, enum status_cause cause)
{
    contract->outbid = false;
    contract->rival_ns = TIME_NEVER_NS;
    halt(market, contract, cause);
    claim_release(market, contract, cause == CAUSE_CREDIT_OUT);
    queue_update(market, contract);
}

void contract_outbid(struct market *market, struct contract *contract)
{
    contract->outbid = true;
    halt(market, contract, CAUSE_OUTBID);
    claim_release(market, contract, true);
    contract->claim = market->options.switches.outbid_resumes != 0 ? CLAIM_WAITING : CLAIM_NONE;
    queue_update(market, contract);
}

/* ---- What happens by itself ----------------------------------------------------------------------------------------------- */

static int64_t next_step_ns(const struct contract *contract)
{
    const struct life *life = &contract->life;
    bool has_next = contract->follows_life && life->next < life->status_count;
    return has_next ? saturating_add(life->base_ns, life->statuses[life->next].after_ns) : TIME_NEVER_NS;
}

static int64_t end_ns(const struct market *market, const struct contract *contract)
{
    return contract->expired ? saturating_add(contract->end_ns, market->options.switches.expired_kept_ns)
                             : contract->end_ns;
}

int64_t contract_due_ns(const struct market *market, const struct contract *contract)
{
    int64_t due_ns = next_step_ns(contract);
    due_ns = contract->rival_ns < due_ns ? contract->rival_ns : due_ns;
    return end_ns(market, contract) < due_ns ? end_ns(market, contract) : due_ns;
}

static void set_rival(struct market *market, struct contract *contract, int64_t price_nusd)
{
    size_t machine = offer_book_machine_of(market->options.offers, contract->offer_index);
    market->machines[machine].rival_nusd = price_nusd;
    machine_relist(market, machine);
    if (price_nusd > 0 && contract->claim == CLAIM_HELD && contract->is_bid && contract->bid_nusd < price_nusd) {
        contract_outbid(market, contract);
    }
    claims_serve(market, machine);
}

/* Somebody comes who pays more, by up to a third; or leaves again. */
static void meet_rival(struct market *market, struct contract *contract)
{
    uint32_t index = contract->rivals * DRAWS_PER_RIVAL;
    if (contract->claim != CLAIM_HELD) {
        contract->rival_ns = TIME_NEVER_NS;
        set_rival(market, contract, 0);
        return;
    }
    int64_t share = market_draw(market, RANDOM_RIVAL, contract->nth, index + DRAW_RIVAL_PRICE, 1010, 1330);
    int64_t stays = market_draw(market, RANDOM_RIVAL, contract->nth, index + DRAW_RIVAL_STAYS, 500, 1500);
    int64_t stays_ns = scale_rounded(market->options.switches.outbid_for_ns, stays, 1000);
    contract->rivals++;
    contract->rival_ns = saturating_add(market->now_ns, stays_ns);
    set_rival(market, contract, scale_rounded(contract->bid_nusd, share, 1000) + 1);
}

static void happen(struct market *market, struct contract *contract)
{
    if (next_step_ns(contract) <= market->now_ns) {
        const struct status_step *step = &contract->life.statuses[contract->life.next++];
        contract_show_status(market, contract, step->status, step->status_msg, CAUSE_LIFE);
    } else if (contract->rival_ns <= market->now_ns) {
        meet_rival(market, contract);
    } else if (contract->expired) {
        contract_end(market, contract);
        return;
    } else {
        contract->expired = true;
        contract_stop(market, contract, CAUSE_EXPIRED);
    }
    queue_update(market, contract);
}

/* The first nanosecond at which charges reach the credit. */
static int64_t credit_out_ns(const struct market *market)
{
    if (market->credit_out) {
        return TIME_NEVER_NS;
    }
    exact_charge left = (exact_charge)market->options.credit_nusd * (exact_charge)NS_PER_HOUR - market->charged;
    if (left <= 0 && market->charged > 0) {
        return market->now_ns;
    }
    if (market->rate_nusd_per_hour <= 0) {
        return TIME_NEVER_NS;
    }
    exact_charge wait_ns = (left + market->rate_nusd_per_hour - 1) / market->rate_nusd_per_hour;
    wait_ns = wait_ns < 0 ? 0 : wait_ns;
    return wait_ns < INT64_MAX - market->now_ns ? market->now_ns + (int64_t)wait_ns : TIME_NEVER_NS;
}

int64_t market_next_change_ns(const struct market *market)
{
    int64_t status_ns = market->queue_count == 0 ? TIME_NEVER_NS : market->queue[0]->due_ns;
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
    market_tell(market, &event);
    for (size_t i = 0; i < market->live_entries; i++) {
        if (market->live[i].contract != NULL) {
            contract_stop(market, market->live[i].contract, CAUSE_CREDIT_OUT);
        }
    }
}

void market_advance(struct market *market, int64_t now_ns)
{
    for (;;) {
        struct contract *contract = market->queue_count == 0 ? NULL : market->queue[0];
        int64_t status_ns = contract == NULL ? TIME_NEVER_NS : contract->due_ns;
        int64_t credit_ns = credit_out_ns(market);
        if (credit_ns < status_ns && credit_ns <= now_ns) {
            pass_time(market, credit_ns);
            stop_for_credit(market);
        } else if (contract != NULL && status_ns <= now_ns) {
            pass_time(market, status_ns);
            happen(market, contract);
        } else {
            break;
        }
    }
    pass_time(market, now_ns);
}

/* ---- Beginning, end, bills ------------------------------------------------------------------------------------------------ */

void contract_begin(struct market *market, struct contract *contract)
{
    contract->created_ns = market->now_ns;
    contract->destroyed_ns = TIME_NEVER_NS;
    contract->rival_ns = TIME_NEVER_NS;
    contract->charges.settled_ns = market->now_ns;
    contract->charges.meters[COMPONENT_GPU].price_nusd_per_hour =
        contract->is_bid ? contract->bid_nusd : contract->offer->dph_base_nusd;
    contract->charges.meters[COMPONENT_DISK].price_nusd_per_hour =
        offer_disk_nusd_per_hour(contract->offer, contract->disk_mgb);
    contracts_add(market, contract);
    charges_switch(market, &contract->charges, COMPONENT_DISK, true);
    tell_of(market, MARKET_CREATED, contract);
    queue_update(market, contract);
}

/*
 * Bills what was charged since the last bill. Fractions of a nano-dollar are carried from bill to bill, so that all bills together
 * are exactly what left the account. Traffic is told of only where there was any.
 */
void contract_bill(struct market *market, struct contract *contract)
{
    struct charges *charges = &contract->charges;
    charges_settle(market, charges);
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        if (i > COMPONENT_DISK && charges->unbilled[i] == 0) {
            continue;
        }
        struct market_event event = event_of(market, MARKET_BILLED, contract);
        event.component = component_name((enum component)i);
        event.quantity_ns = charges->unbilled[i];
        int64_t before_nusd = whole_nusd(market->billed);
        market->billed += charges->unbilled_amounts[i];
        event.amount_nusd = whole_nusd(market->billed) - before_nusd;
        charges->unbilled[i] = 0;
        charges->unbilled_amounts[i] = 0;
        market_tell(market, &event);
    }
}

void market_bill(struct market *market, int64_t now_ns)
{
    market_advance(market, now_ns);
    for (size_t i = 0; i < market->live_entries; i++) {
        if (market->live[i].contract != NULL) {
            contract_bill(market, market->live[i].contract);
        }
    }
    volumes_bill(market);
}

void contract_end(struct market *market, struct contract *contract)
{
    charges_switch(market, &contract->charges, COMPONENT_GPU, false);
    charges_switch(market, &contract->charges, COMPONENT_DISK, false);
    contract->destroyed_ns = market->now_ns;
    contracts_remove(market, contract);
    tell_of(market, MARKET_DESTROYED, contract);
    contract_bill(market, contract);
    volumes_detach(market, contract->id);
    claim_release(market, contract, false);
    contract_release_parts(market, contract);
}

/* ---- By whoever controls the fake ----------------------------------------------------------------------------------------- */

bool market_force_status(struct market *market, int64_t now_ns, int64_t id, enum actual_status status)
{
    market_advance(market, now_ns);
    struct contract *contract = market_find(market, id);
    if (contract != NULL) {
        contract->host_lost = false;
        contract_show_status(market, contract, status, NULL, CAUSE_FORCED);
    }
    return contract != NULL;
}

bool market_lose_host(struct market *market, int64_t now_ns, int64_t id)
{
    market_advance(market, now_ns);
    struct contract *contract = market_find(market, id);
    if (contract != NULL && !contract->host_lost) {
        enum actual_status before = contract->status;
        contract->host_lost = true;
        contract_show_status(market, contract, ACTUAL_OFFLINE, contract->status_msg, CAUSE_HOST_LOST);
        contract->hidden = before;
    }
    return contract != NULL;
}

bool market_reboot(struct market *market, int64_t now_ns, int64_t id)
{
    market_advance(market, now_ns);
    struct contract *contract = market_find(market, id);
    if (contract != NULL) {
        contract_reboot(market, contract, false);
    }
    return contract != NULL;
}

bool market_return_host(struct market *market, int64_t now_ns, int64_t id)
{
    market_advance(market, now_ns);
    struct contract *contract = market_find(market, id);
    if (contract == NULL) {
        return false;
    }
    bool was_lost = contract->host_lost;
    contract->host_lost = false;
    if (was_lost) {
        contract_show_status(market, contract, contract->hidden, contract->status_msg, CAUSE_HOST_BACK);
    } else if (contract->status == ACTUAL_OFFLINE || contract->status == ACTUAL_UNKNOWN) {
        bool runs = contract->has_run && contract->intent == INTENT_RUNNING;
        contract_show_status(market, contract, runs ? ACTUAL_RUNNING : ACTUAL_EXITED, NULL, CAUSE_HOST_BACK);
    }
    return true;
}

bool market_rival_bid(struct market *market, int64_t now_ns, int64_t id, int64_t price_nusd_per_hour)
{
    market_advance(market, now_ns);
    struct contract *contract = market_find(market, id);
    if (contract != NULL) {
        set_rival(market, contract, price_nusd_per_hour);
    }
    return contract != NULL;
}

void market_traffic(struct market *market, int64_t now_ns, size_t contract, int64_t down_bytes, int64_t up_bytes)
{
    market_advance(market, now_ns);
    struct contract *of = market->contracts[contract];
    if (of->destroyed_ns == TIME_NEVER_NS) {
        charges_add_traffic(market, &of->charges, COMPONENT_DOWNLOAD, down_bytes, of->offer->inet_down_cost_nusd);
        charges_add_traffic(market, &of->charges, COMPONENT_UPLOAD, up_bytes, of->offer->inet_up_cost_nusd);
    }
}
