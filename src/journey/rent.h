/*
 * Rent: from a wish to a machine that is ours, exactly one, known by its label.
 *
 * A create has no idempotency key. The label, written to the ledger before the create leaves, is the only handle: when the outcome
 * is unknown, the complete listing is searched for it until it is found or a settle time has passed; nothing is created again
 * before. Offers that others took are passed over; each try has a label of its own.
 */
#ifndef JOURNEY_RENT_H
#define JOURNEY_RENT_H

#include "journey/check.h"

struct rental {
    struct vast_offer offer;
    struct intent intent;
    int64_t instance_id; /* 0: nothing is rented */
    int64_t began_ns;    /* when the create that led to it left */
};

/* What is needed to rent; filled by the caller once, with `offers.offers` over storage of CHECK_OFFERS_MAX. */
struct renting {
    const struct check_options *options;
    struct vast_wish wish;
    struct vast_offers offers;
    bool hasty;     /* the API could not be reached just before: one search, without patience */
    size_t next;    /* of the offers: the first that was not proposed yet */
    uint32_t tries; /* labels used so far */
};

void renting_init(struct renting *renting, const struct check_options *options, struct vast_offer *storage);

/* Phase search_offers. ERR_NO_OFFER when nothing fits. */
MUST_USE enum error_code find_offers(struct journey *journey, struct renting *renting, struct error *error);

/*
 * Chooses the next offer that the budget allows, into rental->offer, shows it and asks, as options->consent says.
 * CONSENT_REFUSED with ERR_BUDGET when no offer is allowed.
 */
enum consent_answer propose_offer(struct journey *journey, struct renting *renting, struct rental *rental,
                                  struct error *error);

/*
 * Phase create_instance, on the offer proposed and, when that one is taken, on others, proposed in their turn. After an error `rental->instance_id` may still name a machine, which the caller must remove; a machine
 * that may exist but could not be found is in the journey's machines_left.
 */
MUST_USE enum error_code create_machine(struct journey *journey, struct renting *renting, struct rental *rental,
                                        struct error *error);

#endif
