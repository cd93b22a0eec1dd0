/*
 * Reap: find what bears our label and nobody wants, and destroy it.
 *
 * Nobody wants a machine whose intent is open while the run that wrote it is dead (its lock is free), or that bears our prefix
 * while the ledger knows nothing of it. Each is sighted twice: in a complete listing, and by itself right before it is destroyed,
 * where it must still bear its label. One that the ledger does not know is sighted in two listings first, a grace time apart, so
 * that it is older than that. An inventory that could not be read whole destroys nothing.
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
    bool known_only;  /* spare what the ledger does not know: another computer's, when several use the account */
    bool act;         /* false: look once and only say what would be done */
};

void reap_defaults(struct reap_options *options);

enum exit_status reap_run(struct world *world, const struct reap_options *options);

#endif
