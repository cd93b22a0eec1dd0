#include "journey/inventory.h"

#include <string.h>

#include "journey/label.h"
#include "vast/retry.h"

enum { RETRY_STREAM_INVENTORY = 40 };

/* Who is to destroy what bills is patient; who only looks is not. */
enum { ATTEMPTS_TO_ACT = 20, ATTEMPTS_TO_LOOK = 4 };
static const int64_t limit_to_act_ns = 600 * NS_PER_S;
static const int64_t limit_to_look_ns = 60 * NS_PER_S;

struct sighting *inventory_with_label(struct inventory *inventory, const char *label)
{
    for (size_t i = 0; i < inventory->count; i++) {
        struct sighting *sighting = &inventory->sightings[i];
        if (strcmp(sighting->label, label) == 0 && !sighting->judged) {
            return sighting;
        }
    }
    return NULL;
}

bool inventory_may_hide(const struct inventory *inventory, const struct intent *intent)
{
    bool hidden = inventory->overflowed;
    for (size_t i = 0; i < inventory->count; i++) {
        const struct sighting *sighting = &inventory->sightings[i];
        bool other_machine = sighting->machine_id != 0 && sighting->machine_id != intent->machine_id;
        hidden = hidden || (sighting->unclear && !other_machine);
    }
    return hidden;
}

static bool holds(const struct inventory *inventory, int64_t id)
{
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->sightings[i].id == id) {
            return true;
        }
    }
    return false;
}

struct listing {
    const struct inventory *before;
    struct inventory *fresh;
};

static void take_sighting(void *context, const struct vast_instance *instance)
{
    struct listing *listing = context;
    struct inventory *fresh = listing->fresh;
    bool unclear = instance->label.presence != PRESENT;
    bool alike = !unclear && !label_is_ours(instance);
    if (alike && (!label_is_alike(instance) || fresh->alike == ALIKE_MAX)) {
        return;
    }
    if (fresh->count == SIGHTINGS_MAX) {
        fresh->overflowed = true;
        return;
    }
    fresh->alike += alike ? 1 : 0;
    struct sighting *sighting = &fresh->sightings[fresh->count++];
    *sighting = (struct sighting){
        .id = instance->id.value,
        .machine_id = int64_or(instance->machine_id, 0),
        .unclear = unclear,
        .alike = alike,
        .price_nusd_per_hour = int64_or(instance->price_nusd_per_hour, 0),
        .seen_before = holds(listing->before, instance->id.value),
    };
    (void)text_copy(sighting->label, sizeof sighting->label, unclear ? "" : instance->label.text);
}

enum error_code inventory_renew(struct journey *journey, bool to_act, struct inventory *inventory,
                                struct inventory *fresh, struct error *error)
{
    struct listing listing = {inventory, fresh};
    struct retry retry =
        retry_begin(journey->world, "list", RETRY_STREAM_INVENTORY, to_act ? ATTEMPTS_TO_ACT : ATTEMPTS_TO_LOOK,
                    world_deadline_ns(journey->world, to_act ? limit_to_act_ns : limit_to_look_ns));
    enum error_code code;
    do {
        fresh->count = 0;
        fresh->alike = 0;
        fresh->overflowed = false;
        code = vast_list(&journey->vast, take_sighting, &listing, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code != ERR_OK) {
        error_wrap(error,
                   to_act ? "the inventory is not known, so nothing more is destroyed" : "the inventory is not known");
        return error->code;
    }
    memcpy(inventory, fresh, sizeof *inventory); /* too large for a task's stack */
    return ERR_OK;
}
