/*
 * GPU load as data: what the GPUs of a machine do over its life, by steps. Without a plan, or before its first step, they idle.
 */
#ifndef FAKES_HOST_GPU_LOAD_H
#define FAKES_HOST_GPU_LOAD_H

#include <stddef.h>

#include "fakes/host/host.h"

enum { GPU_LOAD_STEPS_MAX = 1024 };

struct gpu_load_step {
    int64_t after_ns; /* since the machine's creation; in order */
    struct host_gpu_load load;
};

struct gpu_load_plan {
    int64_t machine;   /* nth contract from 0; -1: every one */
    int64_t repeat_ns; /* after so long it begins anew; 0: never */
    size_t count;      /* 0: no plan */
    struct gpu_load_step steps[GPU_LOAD_STEPS_MAX];
};

/* What a GPU of that machine shows when nothing uses it: cool, slow, a little power. */
void gpu_idle_load(const struct host_facts *facts, struct host_gpu_load *out);

/* What the GPUs of the nth contract do at an age; and at which age that changes next, TIME_NEVER_NS for never. `plan` may be NULL. */
void gpu_load_at(const struct gpu_load_plan *plan, const struct host_facts *facts, uint32_t contract, int64_t age_ns,
                 struct host_gpu_load *out);
int64_t gpu_load_next_ns(const struct gpu_load_plan *plan, uint32_t contract, int64_t age_ns);

#endif
