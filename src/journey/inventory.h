/*
 * Inventory: the machines of one complete listing that bear a label of ours or one that begins like it, or whose label cannot be
 * read.
 */
#ifndef JOURNEY_INVENTORY_H
#define JOURNEY_INVENTORY_H

#include "journey/journey.h"

enum { SIGHTINGS_MAX = 256, ALIKE_MAX = 32 };

struct sighting {
    int64_t id;
    int64_t machine_id; /* 0 when it cannot be read */
    int64_t price_nusd_per_hour;
    char label[INTENT_LABEL_SIZE];
    bool unclear;     /* the label cannot be read */
    bool alike;       /* it begins as ours do, and goes on otherwise: somebody else's, unless the ledger knows it */
    bool seen_before; /* in the inventory before this one as well */
    bool judged;      /* for the caller: nothing more is done about it */
};

struct inventory {
    struct sighting sightings[SIGHTINGS_MAX];
    size_t count;
    size_t alike;    /* of those, at most ALIKE_MAX: they leave room for ours */
    bool overflowed; /* there were more of ours, or unclear ones */
};

/*
 * Lists, with the more patience if it is `to_act`, until a listing is complete: then `inventory`, which held the one before, holds the new one. `fresh` is
 * room to work in. After an error nothing is known, and `inventory` is what it was.
 */
MUST_USE enum error_code inventory_renew(struct journey *journey, bool to_act, struct inventory *inventory,
                                         struct inventory *fresh, struct error *error);

/* The first one not judged that bears `label`, or NULL. */
struct sighting *inventory_with_label(struct inventory *inventory, const char *label);

/* Could the intent's machine stand in the listing without being recognised? */
bool inventory_may_hide(const struct inventory *inventory, const struct intent *intent);

#endif
