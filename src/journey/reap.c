#include "journey/reap.h"

#include <string.h>

#include "journey/inventory.h"
#include "journey/label.h"
#include "journey/removal.h"
#include "vast/retry.h"
#include "world/note.h"

enum { INTENTS_MAX = 256, SHOW_ATTEMPTS = 20, RETRY_STREAM_SHOW = 41 };

static const int64_t show_limit_ns = 600 * NS_PER_S;
static const int64_t removal_limit_ns = 900 * NS_PER_S;

struct reap {
    struct journey journey;
    const struct reap_options *options;
    struct intent intents[INTENTS_MAX];
    size_t intent_count;
    struct inventory inventory;
    struct inventory fresh; /* room for the next listing */
};

void reap_defaults(struct reap_options *options)
{
    *options = (struct reap_options){.access = {.origin = VAST_DEFAULT_ORIGIN}, .grace_ns = 120 * NS_PER_S};
}

/* ---- Judgement ---------------------------------------------------------------------------------------------------------- */

/* Looks at one machine, until an answer is usable. */
static enum error_code show(struct reap *reap, int64_t instance_id, struct vast_instance *instance, struct error *error)
{
    struct journey *journey = &reap->journey;
    struct retry retry = retry_begin(journey->world, "show", RETRY_STREAM_SHOW, SHOW_ATTEMPTS,
                                     world_deadline_ns(journey->world, show_limit_ns));
    enum error_code code;
    do {
        code = vast_show(&journey->vast, instance_id, instance, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code == ERR_OK) {
        note_instance(journey, instance_id, instance);
    }
    return code == ERR_OK ? ERR_OK : error->code;
}

/* A sighting that is to be removed, whose last look came right before. */
static void remove_now(struct reap *reap, const struct sighting *sighting, struct intent *intent, const char *why)
{
    struct journey *journey = &reap->journey;
    note_decision(journey, sighting->id, sighting->label, "reap", why);
    if (intent != NULL) {
        journey_set_intent(journey, intent, INTENT_DESTROYING, sighting->id);
    }
    struct error error;
    if (remove_machine(journey, sighting->id, removal_limit_ns, false, &error) != ERR_OK) {
        (void)journey_fail(journey, &error);
        journey_leave_machine(journey, sighting->id, sighting->label, sighting->price_nusd_per_hour);
        return;
    }
    if (intent != NULL) {
        journey_set_intent(journey, intent, INTENT_CLOSED, sighting->id);
    }
}

/* Nothing is known of it any more, but that it was there. */
static void leave_unseen(struct reap *reap, int64_t instance_id, const char *label, int64_t price_nusd_per_hour,
                         const struct error *error)
{
    (void)journey_fail(&reap->journey, error);
    journey_leave_machine(&reap->journey, instance_id, label, price_nusd_per_hour);
}

static void forget(struct reap *reap, struct intent *intent, const char *why)
{
    note_decision(&reap->journey, intent->instance_id, intent->label, "forget", why);
    if (reap->options->act) {
        journey_set_intent(&reap->journey, intent, INTENT_CLOSED, 0);
    }
    intent->state = INTENT_CLOSED;
}

/* Somebody gave it another label: then somebody wants it. A label that cannot be read says nothing. */
static bool is_relabelled(const struct vast_instance *instance, const char *label)
{
    return instance->label.presence == PRESENT && strcmp(instance->label.text, label) != 0;
}

/* The second sighting: the machine itself is asked for, right before it is destroyed, and must not bear another label. */
static bool is_sighted_again(struct reap *reap, const struct sighting *sighting, struct intent *intent)
{
    struct journey *journey = &reap->journey;
    struct vast_instance instance;
    struct error error;
    if (show(reap, sighting->id, &instance, &error) != ERR_OK) {
        leave_unseen(reap, sighting->id, sighting->label, sighting->price_nusd_per_hour, &error);
        return false;
    }
    if (instance.gone && intent != NULL) {
        forget(reap, intent, "its machine is gone by now");
    } else if (instance.gone) {
        note_decision(journey, sighting->id, sighting->label, "spare", "it is gone by now");
    } else if (is_relabelled(&instance, sighting->label)) {
        note_decision(journey, sighting->id, sighting->label, "spare", "it bears another label by now");
    } else if (intent == NULL && instance.label.presence != PRESENT) {
        (void)error_set(&error, ERR_REPLY_UNEXPECTED,
                        "instance %lld shows no label any more, and the ledger does not know it: it is not destroyed",
                        (long long)sighting->id);
        leave_unseen(reap, sighting->id, sighting->label, sighting->price_nusd_per_hour, &error);
    } else {
        return true;
    }
    return false;
}

static void remove_sighting(struct reap *reap, struct sighting *sighting, struct intent *intent, const char *why)
{
    sighting->judged = true;
    if (!reap->options->act) {
        note_decision(&reap->journey, sighting->id, sighting->label, "would-reap", why);
    } else if (is_sighted_again(reap, sighting, intent)) {
        remove_now(reap, sighting, intent, why);
    }
}

/* True when the run that wrote the intent is dead. Its lock is kept from here on, so that it stays so. */
static bool owner_is_dead(struct reap *reap, const struct intent *intent)
{
    return world_lock(reap->journey.world, intent->run);
}

/* When a create that was under way at the time of the intent must have shown, as a moment from now on. */
static int64_t settled_at_ns(struct world *world, const struct intent *intent)
{
    int64_t age_ns = saturating_subtract(world_wall_now(world).unix_ns, intent->created.unix_ns);
    /* A wall clock may have jumped: an age that cannot be is no age at all. */
    int64_t left_ns =
        age_ns < 0 ? LABEL_SETTLE_NS + JOURNEY_REQUEST_LIMIT_NS : LABEL_SETTLE_NS + JOURNEY_REQUEST_LIMIT_NS - age_ns;
    return world_deadline_ns(world, left_ns < 0 ? 0 : left_ns);
}

/* No row bears the label, but the ledger knows the id: the API is asked about that very machine. */
static void settle_by_id(struct reap *reap, struct intent *intent)
{
    struct vast_instance instance;
    struct error error;
    if (show(reap, intent->instance_id, &instance, &error) != ERR_OK) {
        leave_unseen(reap, intent->instance_id, intent->label, intent->price_nusd_per_hour, &error);
        return;
    }
    if (instance.gone) {
        forget(reap, intent, "the machine that the ledger knows is gone");
        return;
    }
    if (is_relabelled(&instance, intent->label)) {
        note_decision(&reap->journey, intent->instance_id, intent->label, "spare", "it bears another label by now");
        return;
    }
    static const char why[] = "the ledger knows it by its id, and the run that rented it is dead";
    struct sighting sighting = {.id = intent->instance_id, .price_nusd_per_hour = intent->price_nusd_per_hour};
    (void)text_copy(sighting.label, sizeof sighting.label, intent->label);
    if (reap->options->act) {
        remove_now(reap, &sighting, intent, why);
    } else {
        note_decision(&reap->journey, sighting.id, sighting.label, "would-reap", why);
    }
}

/* A create that may have taken effect cannot be told from one that has not. */
static void leave_unclear(struct reap *reap, const struct intent *intent)
{
    struct error error;
    (void)error_set(&error, ERR_REPLY_UNEXPECTED,
                    "the listing holds a machine whose label cannot be read: it may be that of %s", intent->label);
    (void)journey_fail(&reap->journey, &error);
    journey_leave_machine(&reap->journey, 0, intent->label, intent->price_nusd_per_hour);
}

/* Removes what an intent whose owner is dead has left behind. True when the intent needs another look later. */
static bool settle_intent(struct reap *reap, struct intent *intent, int64_t listed_ns, int64_t settled_ns)
{
    struct sighting *sighting = inventory_with_label(&reap->inventory, intent->label);
    bool found = sighting != NULL;
    for (; sighting != NULL; sighting = inventory_with_label(&reap->inventory, intent->label)) {
        remove_sighting(reap, sighting, intent, "the run that rented it is dead");
    }
    if (found) {
        return false;
    }
    if (intent->instance_id != 0) {
        settle_by_id(reap, intent);
        return false;
    }
    if (listed_ns < settled_ns) {
        if (!reap->options->act) {
            note_decision(&reap->journey, 0, intent->label, "would-wait", "its create may still come to take effect");
        }
        return true;
    }
    if (inventory_may_hide(&reap->inventory, intent)) {
        leave_unclear(reap, intent);
    } else {
        forget(reap, intent, "no machine bears its label");
    }
    return false;
}

static bool known_to_ledger(const struct reap *reap, const char *label)
{
    for (size_t i = 0; i < reap->intent_count; i++) {
        if (strcmp(reap->intents[i].label, label) == 0) {
            return true;
        }
    }
    return false;
}

static void spare(struct reap *reap, struct sighting *sighting, const char *why)
{
    sighting->judged = true;
    if (!sighting->seen_before) { /* else it has been said */
        note_decision(&reap->journey, sighting->id, sighting->label, "spare", why);
    }
}

/* One that the ledger does not know. True when it has to be sighted again first. */
static bool judge_stranger(struct reap *reap, struct sighting *sighting)
{
    if (sighting->alike) {
        spare(reap, sighting, "its label only begins like ours: somebody else's; remove it with dumont destroy");
        return false;
    }
    if (reap->options->known_only) {
        spare(reap, sighting, "the ledger does not know it");
        return false;
    }
    if (!reap->options->act) {
        remove_sighting(reap, sighting, NULL, "it bears our label, and the ledger does not know it; sighted once");
        return false;
    }
    if (!sighting->seen_before) {
        return true;
    }
    remove_sighting(reap, sighting, NULL, "it bears our label, the ledger does not know it, sighted twice");
    return false;
}

static bool judge_strangers(struct reap *reap)
{
    bool again = false;
    for (size_t i = 0; i < reap->inventory.count; i++) {
        struct sighting *sighting = &reap->inventory.sightings[i];
        if (!sighting->judged && !sighting->unclear && !known_to_ledger(reap, sighting->label)) {
            again = judge_stranger(reap, sighting) || again;
        }
    }
    return again;
}

/* ---- Rounds ------------------------------------------------------------------------------------------------------------- */

static enum error_code read_intents(struct reap *reap, struct error *error)
{
    size_t count;
    enum error_code code = ledger_open_intents(reap->journey.world, reap->intents, INTENTS_MAX, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    if (count > INTENTS_MAX) {
        note_log(reap->journey.world, "warning", "%zu open intents: the oldest %d now, run reap again for the others",
                 count, INTENTS_MAX);
        count = INTENTS_MAX;
    }
    reap->intent_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (owner_is_dead(reap, &reap->intents[i])) {
            reap->intents[reap->intent_count++] = reap->intents[i];
        } else {
            note_decision(&reap->journey, reap->intents[i].instance_id, reap->intents[i].label, "spare",
                          "the run that rented it is alive");
            /* still known, so that its machine is no stranger */
            reap->intents[i].state = INTENT_CLOSED;
            reap->intents[reap->intent_count++] = reap->intents[i];
        }
    }
    return ERR_OK;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* One listing and what follows from it. `next_ns` is when to look again, 0 when there is no need. */
static enum error_code round_once(struct reap *reap, const int64_t *settled_ns, int64_t *next_ns, struct error *error)
{
    struct world *world = reap->journey.world;
    int64_t listed_ns = world_now_ns(world);
    *next_ns = 0;
    enum error_code code = inventory_renew(&reap->journey, reap->options->act, &reap->inventory, &reap->fresh, error);
    if (code != ERR_OK) {
        return code;
    }
    for (size_t i = 0; i < reap->intent_count; i++) {
        struct intent *intent = &reap->intents[i];
        if (intent->state != INTENT_CLOSED && settle_intent(reap, intent, listed_ns, settled_ns[i])) {
            *next_ns = larger(*next_ns, settled_ns[i]);
        }
    }
    if (judge_strangers(reap)) {
        *next_ns = larger(*next_ns, world_deadline_ns(world, reap->options->grace_ns));
    }
    return ERR_OK;
}

/* Nothing could be found out: what the ledger holds open may be there, and bill. */
static void leave_open_intents(struct reap *reap)
{
    for (size_t i = 0; i < reap->intent_count && reap->options->act; i++) {
        const struct intent *intent = &reap->intents[i];
        if (intent->state != INTENT_CLOSED) {
            journey_leave_machine(&reap->journey, intent->instance_id, intent->label, intent->price_nusd_per_hour);
        }
    }
}

static enum error_code reap_all(struct reap *reap, struct error *error)
{
    struct world *world = reap->journey.world;
    enum error_code code = read_intents(reap, error);
    int64_t settled_ns[INTENTS_MAX] = {0};
    for (size_t i = 0; i < reap->intent_count; i++) {
        settled_ns[i] = settled_at_ns(world, &reap->intents[i]);
    }
    int64_t next_ns = 1;
    while (code == ERR_OK && next_ns != 0) {
        code = round_once(reap, settled_ns, &next_ns, error);
        next_ns = reap->options->act ? next_ns : 0; /* one look is enough to show */
        if (code == ERR_OK && next_ns != 0 && world_sleep_until(world, next_ns) != ERR_OK) {
            code = error_set(error, ERR_INTERRUPTED, "interrupted between two listings");
        }
    }
    if (code != ERR_OK) {
        leave_open_intents(reap);
    }
    if (code == ERR_OK && reap->inventory.overflowed) {
        note_log(world, "warning", "more than %d machines bear our label: run reap again", SIGHTINGS_MAX);
    }
    return code;
}

enum exit_status reap_run(struct world *world, const struct reap_options *options)
{
    struct reap *reap = heap_alloc(world->heap, sizeof *reap);
    if (reap == NULL || journey_open(&reap->journey, world, "reap", options->access) != ERR_OK) {
        heap_release(world->heap, reap);
        return journey_without_memory(world);
    }
    reap->options = options;
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "run", reap->journey.run_id);
    journey_describe(&reap->journey, &note.data);
    note_end(world, &note, "client.start");
    struct error error;
    if (reap_all(reap, &error) != ERR_OK) {
        (void)journey_fail(&reap->journey, &error);
    }
    enum exit_status status = journey_close(&reap->journey);
    heap_release(world->heap, reap);
    return status;
}
