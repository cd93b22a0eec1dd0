/*
 * Boot: waiting for a machine to run, and for its SSH to answer.
 *
 * A status is one observation. JSON null, "created", "loading", and every status that this version does not know, are pending
 * until the limit; "exited", "stopped" and "frozen" are the end; "offline" is believed the second time. An observation that
 * failed says nothing, and polling goes on.
 */
#ifndef JOURNEY_BOOT_H
#define JOURNEY_BOOT_H

#include "journey/rent.h"
#include "machine/machine.h"

/* Phase wait_running. `last` is the observation that showed it running. */
MUST_USE enum error_code wait_running(struct journey *journey, const struct check_options *options,
                                      const struct rental *rental, struct vast_instance *last, struct error *error);

/*
 * A command was lost: looks once whether the machine still runs, and puts that reason into `error` if it does not. Returns
 * error->code.
 */
enum error_code explain_loss(struct journey *journey, const struct rental *rental, struct vast_instance *last,
                             struct error *error);

/* Phase wait_ssh. `last` is the latest observation, and is renewed while waiting. */
MUST_USE enum error_code wait_ssh(struct journey *journey, const struct check_options *options,
                                  const struct rental *rental, struct machine *machine, struct vast_instance *last,
                                  struct error *error);

#endif
