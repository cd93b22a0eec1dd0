/*
 * Label: the handle by which a machine is found again when nothing else is known of it.
 */
#ifndef JOURNEY_LABEL_H
#define JOURNEY_LABEL_H

#include "journey/journey.h"

/* A create that was sent may take effect, and show in a listing, this much later. */
#define LABEL_SETTLE_NS (45 * NS_PER_S)

/* The longest that label_find() may take with that settle time. */
#define LABEL_FIND_LIMIT_NS (LABEL_SETTLE_NS + 600 * NS_PER_S)

enum { LABEL_MATCHES_MAX = 4 };

/* Machines that bear a label; `count` may exceed what is kept. */
struct label_search {
    int64_t ids[LABEL_MATCHES_MAX];
    size_t count;
    size_t unclear; /* rows whose label cannot be read, on the machine that the intent is about: any may be ours */
};

/* "dumont-check-<run id>-<nth>": unique, since run ids are 64 random bits. `journey` is one of those that rent (label.c). */
void label_make(char label[INTENT_LABEL_SIZE], const char *journey, const char *run_id, uint32_t nth);

/* Does it bear a label that label_make() may have made, each part of it? */
bool label_is_ours(const struct vast_instance *row);

/* Does it bear a label that begins as ours do, whatever follows? */
bool label_is_alike(const struct vast_instance *row);

/* Could this row, whose label is not a text, be the machine of the intent? Only if it stands on another machine it is not. */
bool label_is_unclear(const struct vast_instance *row, const struct intent *intent);

/*
 * Lists until a machine bears the intent's label, or until a complete listing `settle_ns` from now shows none (ERR_OK with count
 * 0). Listings that cannot be read whole, or hold a row that may be ours, prove nothing and are asked for again, until
 * LABEL_FIND_LIMIT_NS have passed.
 */
MUST_USE enum error_code label_find(struct journey *journey, const struct intent *intent, int64_t settle_ns,
                                    struct label_search *found, struct error *error);

#endif
