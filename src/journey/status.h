/*
 * Status: every machine of the account, what they cost together, and what the account has left. Changes nothing.
 *
 * A listing that could not be read whole is an error, and no inventory. A credit that cannot be read (a key may lack that right) is
 * only unknown.
 */
#ifndef JOURNEY_STATUS_H
#define JOURNEY_STATUS_H

#include "journey/journey.h"

struct status_machine {
    int64_t id;
    struct maybe_int64 num_gpus;
    struct maybe_int64 price_nusd_per_hour; /* what leaving it there costs: of one that is to be stopped, its disk */
    bool ours;                              /* bears a label that begins as ours do */
    MAYBE_TEXT(VAST_STATUS_SIZE) actual_status;
    MAYBE_TEXT(VAST_LABEL_SIZE) label;
    MAYBE_TEXT(VAST_TEXT_SIZE) gpu_name;
};

/* The caller's, empty at first; `machines` is on `heap` and given back by status_release(). Meaningful after EXIT_DONE. */
struct status_result {
    struct heap *heap;
    struct status_machine *machines; /* in the order of the listing */
    size_t count, capacity;
    bool out_of_memory;
    size_t ours;
    int64_t price_nusd_per_hour; /* of all whose price is known */
    struct maybe_int64 credit_nusd;
};

void status_release(struct status_result *result);

enum exit_status status_run(struct world *world, struct vast_access access, struct status_result *result);

#endif
