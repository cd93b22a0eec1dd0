/*
 * GPU load in a scenario, in one of three forms:
 *
 *     "gpu_load": {"utilization_percent": 97, "memory_used_mib": 18432, "temperature_c": 61, "power_w": 341.27}
 *     "gpu_load": {"machine": 0, "repeat_s": 600, "steps": [{"at_s": 0, ...}, {"at_s": 300, ...}]}
 *     "gpu_load": {"period_s": 5, "trace": [[97, 18432, 61, 341.27], ...]}
 *
 * Times count from the machine's creation. What a step does not say is 0.
 */
#ifndef FAKES_STAGE_GPU_LOAD_TEXT_H
#define FAKES_STAGE_GPU_LOAD_TEXT_H

#include "base/json_decode.h"
#include "fakes/host/gpu_load.h"

/* Reads the object that is due; a mistake stops the reader. */
void gpu_load_read(struct json_reader *reader, void *plan);

#endif
