#include "journey/rent.h"

#include <string.h>

#include "journey/budget.h"
#include "journey/label.h"
#include "journey/removal.h"
#include "vast/retry.h"
#include "world/note.h"

enum {
    SEARCH_ATTEMPTS = 6,
    CREATE_ATTEMPTS = 5, /* of one offer, while the server says that nothing happened */
    OFFERS_TRIED_MAX = 8,
    RETRY_STREAM_SEARCH = 1,
    RETRY_STREAM_CREATE = 2,
    CREATE_ANSWER_SIZE = 200,
};

static const int64_t search_limit_ns = 300 * NS_PER_S;
static const int64_t create_limit_ns = 900 * NS_PER_S;
static const int64_t double_removal_limit_ns = 900 * NS_PER_S;

void renting_init(struct renting *renting, const struct check_options *options, struct vast_offer *storage)
{
    *renting = (struct renting){
        .options = options,
        .wish =
            {
                .gpu_name = options->gpu_name,
                .num_gpus = options->num_gpus,
                .max_price_nusd_per_hour = options->max_price_nusd_per_hour,
                .min_reliability_millionths = options->min_reliability_millionths,
                .min_inet_down_mbps = options->min_inet_down_mbps,
                .disk_gb = options->disk_gb,
                .limit = options->limit,
            },
        .offers = {.offers = storage, .capacity = CHECK_OFFERS_MAX},
    };
}

/* ---- Search ------------------------------------------------------------------------------------------------------------- */

static void note_search(struct journey *journey, const struct vast_offers *offers)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.data, "found", (int64_t)offers->found);
    json_member_int(&note.data, "fitting", (int64_t)offers->fitting);
    note_end(journey->world, &note, "search.result");
}

static enum error_code no_offer(const struct renting *renting, struct error *error)
{
    const struct vast_wish *wish = &renting->wish;
    char price_text[32];
    struct buffer price;
    buffer_init_fixed(&price, price_text, sizeof price_text);
    decimal_append(&price, wish->max_price_nusd_per_hour, 9, 2);
    (void)error_set(error, ERR_NO_OFFER, "no offer fits %lld x %s up to $%s per hour: %zu came back, none passes",
                    (long long)wish->num_gpus, wish->gpu_name, price_text, renting->offers.found);
    error_advise(error, "raise --max-price or lower --min-reliability, --min-inet-down, --disk-gb");
    return ERR_NO_OFFER;
}

static enum error_code search(struct journey *journey, struct renting *renting, struct error *error)
{
    int64_t deadline_ns = world_deadline_ns(journey->world, search_limit_ns);
    int attempts = renting->hasty ? 1 : SEARCH_ATTEMPTS;
    struct retry retry = retry_begin(journey->world, "search", RETRY_STREAM_SEARCH, attempts, deadline_ns);
    enum error_code code;
    do {
        code = vast_search(&journey->vast, &renting->wish, &renting->offers, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code != ERR_OK) {
        return error->code;
    }
    note_search(journey, &renting->offers);
    renting->next = 0;
    renting->hasty = false;
    if (renting->offers.count == 0) {
        return no_offer(renting, error);
    }
    return ERR_OK;
}

enum error_code find_offers(struct journey *journey, struct renting *renting, struct error *error)
{
    phase_begin(journey, "search_offers", false);
    enum error_code code = search(journey, renting, error);
    phase_end(journey, "search_offers", false, code);
    return code;
}

/* ---- Proposal ----------------------------------------------------------------------------------------------------------- */

static void note_offer(struct journey *journey, const struct vast_offer *offer)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "offer", offer->id);
    json_member_int(&note.ids, "machine", offer->machine_id);
    json_member_string(&note.data, "gpu_name", offer->gpu_name);
    json_member_int(&note.data, "num_gpus", offer->num_gpus);
    json_member_int(&note.data, "gpu_ram_mib", offer->gpu_ram_mib);
    json_member_int(&note.data, "price_nusd_per_hour", offer->price_nusd_per_hour);
    json_member_int(&note.data, "storage_nusd_per_gb_month", offer->storage_nusd_per_gb_month);
    json_member_string(&note.data, "geolocation", offer->geolocation);
    json_member_int(&note.data, "reliability_millionths", offer->reliability_millionths);
    json_member_string(&note.data, "driver_version", offer->driver_version);
    note_end(journey->world, &note, "offer.chosen");
}

static void note_bound(struct journey *journey, const struct check_options *options, const struct vast_offer *offer,
                       const struct budget_bound *bound)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "offer", offer->id);
    json_member_int(&note.data, "longest_us", bound->longest_ns / NS_PER_US);
    json_member_int(&note.data, "time_nusd", bound->time_nusd);
    json_member_int(&note.data, "traffic_nusd", bound->traffic_nusd);
    json_member_int(&note.data, "worst_nusd", bound->worst_nusd);
    if (options->budget_nusd != BUDGET_NO_CAP) {
        json_member_int(&note.data, "budget_nusd", options->budget_nusd);
    }
    note_end(journey->world, &note, "offer.bound");
}

/* The next offer of the list; a new search when the list has come to its end. */
static enum error_code next_offer(struct journey *journey, struct renting *renting, struct vast_offer *offer,
                                  struct error *error)
{
    if (renting->next == renting->offers.count) {
        enum error_code code = search(journey, renting, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    *offer = renting->offers.offers[renting->next++];
    return ERR_OK;
}

/* The next offer that the budget allows, among those that the search brought. */
static enum error_code next_allowed_offer(struct journey *journey, struct renting *renting, struct vast_offer *offer,
                                          struct error *error)
{
    const struct check_options *options = renting->options;
    struct vast_offer refused = {0};
    for (;;) {
        enum error_code code = next_offer(journey, renting, offer, error);
        if (code != ERR_OK) {
            return code;
        }
        struct budget_bound bound = budget_bound_of(options, offer);
        note_bound(journey, options, offer, &bound);
        if (budget_allows(options, &bound)) {
            note_offer(journey, offer);
            return ERR_OK;
        }
        refused = refused.id == 0 ? *offer : refused;
        if (renting->next == renting->offers.count) {
            note_offer(journey, &refused);
            note_decision(journey, 0, "", "over-budget", "no offer stays below the cap in the worst case");
            return budget_refuse(options, &refused, error);
        }
    }
}

enum consent_answer propose_offer(struct journey *journey, struct renting *renting, struct rental *rental,
                                  struct error *error)
{
    char text[1024];
    struct buffer proposal;
    if (next_allowed_offer(journey, renting, &rental->offer, error) != ERR_OK) {
        return CONSENT_REFUSED;
    }
    buffer_init_fixed(&proposal, text, sizeof text);
    budget_append_proposal(&proposal, renting->options, &rental->offer);
    return consent_seek(journey, renting->options->consent, text, "Rent it? [y/N] ", error);
}

/* ---- Intent ------------------------------------------------------------------------------------------------------------- */

static enum error_code write_intent(struct journey *journey, struct renting *renting, struct rental *rental,
                                    struct error *error)
{
    struct intent *intent = &rental->intent;
    *intent = (struct intent){
        .offer_id = rental->offer.id,
        .machine_id = rental->offer.machine_id,
        .price_nusd_per_hour = rental->offer.price_nusd_per_hour,
        .created = world_wall_now(journey->world),
        .state = INTENT_INTENDED,
    };
    label_make(intent->label, journey->name, journey->run_id, renting->tries++);
    (void)text_copy(intent->run, sizeof intent->run, journey->run_id);
    (void)text_copy(intent->journey, sizeof intent->journey, journey->name);
    return ledger_intend(journey->world, intent, error);
}

/* ---- Create ------------------------------------------------------------------------------------------------------------- */

static void accept_machine(struct journey *journey, struct rental *rental, int64_t instance_id)
{
    rental->instance_id = instance_id;
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_string(&note.data, "label", rental->intent.label);
    note_end(journey->world, &note, "inst.created");
    events_emit(journey->events, EVENT_INSTANCE_CREATED, instance_id);
    journey_set_intent(journey, &rental->intent, INTENT_CREATED, instance_id);
}

/* One label, several machines: one is taken, the others go. */
static void remove_doubles(struct journey *journey, const struct rental *rental, const struct label_search *found)
{
    for (size_t i = 1; i < found->count; i++) {
        struct error error;
        int64_t id = i < LABEL_MATCHES_MAX ? found->ids[i] : 0;
        note_decision(journey, id, rental->intent.label, "destroy", "a second machine bears the label");
        if (id == 0 || remove_machine(journey, id, double_removal_limit_ns, true, &error) != ERR_OK) {
            journey_leave_machine(journey, id, rental->intent.label, rental->offer.price_nusd_per_hour);
        }
    }
}

/* The label says what the lost answer would have said. */
static enum error_code resolve(struct journey *journey, struct rental *rental, struct error *error)
{
    char answer[CREATE_ANSWER_SIZE];
    (void)text_copy(answer, sizeof answer, error->message);
    note_fault(journey->world, "create-response-lost", "%s; looking for the label %s before anything else",
               error->message, rental->intent.label);
    struct label_search found;
    enum error_code code = label_find(journey, &rental->intent, LABEL_SETTLE_NS, &found, error);
    if (code != ERR_OK) {
        journey_leave_machine(journey, 0, rental->intent.label, rental->offer.price_nusd_per_hour);
        return code;
    }
    if (found.count == 0) {
        note_decision(journey, 0, rental->intent.label, "forget", "no machine bears the label after the settle time");
        journey_set_intent(journey, &rental->intent, INTENT_CLOSED, 0);
        return error_set(error, ERR_CREATE_WITHOUT_EFFECT,
                         "offer %lld: %s; no machine bears its label: it had no effect", (long long)rental->offer.id,
                         answer);
    }
    note_decision(journey, found.ids[0], rental->intent.label, "adopt", "the label proves that the create took effect");
    accept_machine(journey, rental, found.ids[0]);
    remove_doubles(journey, rental, &found);
    return ERR_OK;
}

/* Certain to have changed nothing, and worth asking again: no connection came about, or an answer says so. */
static bool had_no_effect(const struct error *error)
{
    bool answered_below_500 = error->http_status >= 400 && error->http_status < 500;
    return error->code == ERR_RATE_LIMITED || error->code == ERR_CONNECTION_REFUSED ||
           error->code == ERR_NAME_UNKNOWN || error->code == ERR_UNREACHABLE ||
           (error->code == ERR_SERVER_ERROR && answered_below_500);
}

/* One offer, one label: asked again only while it is certain that nothing happened. */
static enum error_code try_offer(struct journey *journey, struct renting *renting, struct rental *rental,
                                 int64_t deadline_ns, struct error *error)
{
    struct retry retry = retry_begin(journey->world, "create", RETRY_STREAM_CREATE, CREATE_ATTEMPTS, deadline_ns);
    struct create_wish wish = {.image = renting->options->image,
                               .label = rental->intent.label,
                               .onstart = renting->options->onstart,
                               .disk_gb = renting->options->disk_gb};
    for (;;) {
        int64_t instance_id = 0;
        rental->began_ns = world_now_ns(journey->world);
        enum error_code code = vast_create(&journey->vast, rental->offer.id, &wish, &instance_id, error);
        if (instance_id != 0) {
            accept_machine(journey, rental, instance_id);
            return code;
        }
        if (code == ERR_OUTCOME_UNKNOWN) {
            return resolve(journey, rental, error);
        }
        if (!had_no_effect(error) || !retry_again(&retry, error)) {
            journey_set_intent(journey, &rental->intent, INTENT_CLOSED, 0);
            if (error->code == ERR_REQUEST_REJECTED) {
                error->code = ERR_CREATE_REFUSED;
            }
            return error->code;
        }
    }
}

/* Creates on one offer, from its intent to a machine or a reason; cancellation waits until the outcome is known. */
static enum error_code create_on(struct journey *journey, struct renting *renting, struct rental *rental,
                                 int64_t deadline_ns, struct error *error)
{
    enum error_code code = write_intent(journey, renting, rental, error);
    if (code != ERR_OK) {
        return code;
    }
    note_decision(journey, 0, rental->intent.label, "create", "cheapest offer that fits");
    /* Finding out what became of a create may take longer than creating. */
    int64_t settled_ns = saturating_add(deadline_ns, LABEL_FIND_LIMIT_NS);
    struct shield shield = task_shield_begin(journey->world->scheduler, settled_ns);
    code = try_offer(journey, renting, rental, deadline_ns, error);
    task_shield_end(journey->world->scheduler, shield);
    return code;
}

/* Another offer instead of the one that came to nothing; the time that a person takes to answer is not ours. */
static enum error_code propose_another(struct journey *journey, struct renting *renting, struct rental *rental,
                                       int64_t *deadline_ns, struct error *error)
{
    int64_t asked_ns = world_now_ns(journey->world);
    if (propose_offer(journey, renting, rental, error) != CONSENT_YES) {
        return error->code;
    }
    *deadline_ns = saturating_add(*deadline_ns, world_now_ns(journey->world) - asked_ns);
    return ERR_OK;
}

static enum error_code create_on_some_offer(struct journey *journey, struct renting *renting, struct rental *rental,
                                            struct error *error)
{
    int64_t deadline_ns = world_deadline_ns(journey->world, create_limit_ns);
    for (int tried = 1;; tried++) {
        enum error_code code = create_on(journey, renting, rental, deadline_ns, error);
        if (code == ERR_NO_CREDIT) {
            error_advise(error, "add credit to the account, or destroy what it pays for: dumont status");
        }
        if (code != ERR_OFFER_TAKEN && code != ERR_CREATE_WITHOUT_EFFECT) {
            return code;
        }
        bool last = tried == OFFERS_TRIED_MAX;
        if (code == ERR_OFFER_TAKEN) {
            note_fault(journey->world, "offer-taken", "%s; %s", error->message, last ? "gave up" : "took the next one");
        }
        if (last) {
            error_advise(error, code == ERR_OFFER_TAKEN ? "the market is busy: run it again, or widen what is asked for"
                                                        : "run it again in a few minutes");
            return error->code;
        }
        note_decision(journey, 0, rental->intent.label, "next-offer", error_sentence(code));
        code = propose_another(journey, renting, rental, &deadline_ns, error);
        if (code != ERR_OK) {
            return code;
        }
    }
}

enum error_code create_machine(struct journey *journey, struct renting *renting, struct rental *rental,
                               struct error *error)
{
    phase_begin(journey, "create_instance", false);
    enum error_code code = create_on_some_offer(journey, renting, rental, error);
    phase_end(journey, "create_instance", false, code);
    return code;
}
