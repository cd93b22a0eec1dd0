/*
 * GPU models: what Vast.ai calls a GPU, what nvidia-smi calls it, and what nvidia-smi shows of it.
 */
#ifndef FAKES_HOST_GPU_MODELS_H
#define FAKES_HOST_GPU_MODELS_H

#include <stdbool.h>
#include <stdint.h>

struct gpu_model {
    const char *vast_name;      /* "RTX 4090" */
    const char *marketing_name; /* "NVIDIA GeForce RTX 4090" */
    int32_t memory_mib;         /* as nvidia-smi's memory.total */
    int32_t compute_capability; /* 89: 8.9 */
    int32_t power_limit_w;
    int32_t graphics_clock_max_mhz;
    int32_t memory_clock_max_mhz;
    bool has_fan;
    bool has_ecc; /* error correction, switched on */
};

/* The model of that Vast.ai name, or NULL when it is not in the table. */
const struct gpu_model *gpu_model_find(const char *vast_name);

/* The same, never NULL: an unknown name gets the facts of a middling card, without a marketing name (NULL). */
const struct gpu_model *gpu_model_or_default(const char *vast_name);

/* The i-th model of the table, or NULL behind its end. */
const struct gpu_model *gpu_model_at(int32_t i);

#endif
