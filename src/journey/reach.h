/*
 * Reach: from a machine's id to where its SSH answers.
 */
#ifndef JOURNEY_REACH_H
#define JOURNEY_REACH_H

#include "journey/journey.h"
#include "machine/machine.h"

/* Shows the machine, asking again while that can help, up to `attempts` times and `limit_ns`; notes what was seen. */
MUST_USE enum error_code look_at_machine(struct journey *journey, int64_t instance_id, int attempts, int64_t limit_ns,
                                         struct vast_instance *instance, struct error *error);

/* The proxy's address is known from the start; a direct one serves when the proxy's is missing. False when there is neither. */
MUST_USE bool reach_take_address(struct machine *machine, const struct vast_instance *seen);

/*
 * Looks at a machine and takes its address. ERR_MACHINE_GONE: it does not exist. ERR_MACHINE_NOT_RUNNING: not yet, or not any more.
 * ERR_MACHINE_OFFLINE. ERR_SSH_ADDRESS_MISSING. Otherwise what prevented the look. `machine` was initialised.
 */
MUST_USE enum error_code reach_machine(struct journey *journey, struct machine *machine, struct error *error);

/*
 * After a connection that failed or broke: looks once more, and when the machine is gone, stopped or offline, that is the error from
 * now on. Returns its code.
 */
enum error_code reach_explain(struct journey *journey, struct machine *machine, struct error *error);

#endif
