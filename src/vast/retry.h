/*
 * Retry: how often Vast.ai is asked again, with the pauses of the recorded client: 3 s doubling to 60 s. The rule is world/retry.h's.
 */
#ifndef VAST_RETRY_H
#define VAST_RETRY_H

#include "world/retry.h"

struct retry retry_begin(struct world *world, const char *operation, uint32_t stream, int attempts,
                         int64_t deadline_ns);

/* Catalogue id of the fault that an error of the API is the sign of, or NULL. */
const char *fault_behind(enum error_code code);

#endif
