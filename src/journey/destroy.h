/*
 * Destroy: end one machine by its id, and see that it is gone.
 *
 * A machine that does not bear a label of ours is only touched when `foreign` says so. One that is gone already is a success.
 */
#ifndef JOURNEY_DESTROY_H
#define JOURNEY_DESTROY_H

#include "journey/consent.h"

struct destroy_options {
    struct vast_access access;
    int64_t instance_id;
    bool foreign; /* --yes: also a machine without our label */
    enum consent consent;
};

enum exit_status destroy_run(struct world *world, const struct destroy_options *options);

#endif
