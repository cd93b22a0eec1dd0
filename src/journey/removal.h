/*
 * Removal: destroy a machine and see that it is gone. Success is a read-back that shows absence, never the server's word.
 */
#ifndef JOURNEY_REMOVAL_H
#define JOURNEY_REMOVAL_H

#include "journey/journey.h"

/* Names of the two phases, so that the same code serves a check (inside and outside the eight) and the other journeys. */
#define PHASE_DESTROY "destroy_instance"
#define PHASE_VERIFY_DESTROYED "verify_destroyed"

/*
 * Destroys `instance_id` and reads back until it is gone, asking again as long as it is visible, in a shield that ends
 * `limit_ns` from now. `destroy_extra` puts the destroy phase among the extra ones.
 * returns  ERR_OK when its absence was seen; else the last reason (the machine may be left and bill).
 */
MUST_USE enum error_code remove_machine(struct journey *journey, int64_t instance_id, int64_t limit_ns,
                                        bool destroy_extra, struct error *error);

#endif
