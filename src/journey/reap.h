/*
 * Reap: find what bears our label and nobody wants, and destroy it.
 *
 * Nobody wants a machine whose intent is open while the run that wrote it is dead (its lock is free), or that bears our prefix
 * while the ledger knows nothing of it: the latter only when it was sighted twice, a grace time apart. Both only on the evidence of
 * complete listings; an inventory that could not be read whole destroys nothing.
 *
 * An intent without a machine may still come to be, when its create was under way as the process died: it is looked for until
 * the settle time has passed.
 */
#ifndef JOURNEY_REAP_H
#define JOURNEY_REAP_H

#include "journey/journey.h"

struct reap_options {
    struct vast_access access;
    int64_t grace_ns; /* between the two sightings of a machine that the ledger does not know */
    bool act;         /* false: only say what would be done */
};

void reap_defaults(struct reap_options *options);

enum exit_status reap_run(struct world *world, const struct reap_options *options);

#endif
