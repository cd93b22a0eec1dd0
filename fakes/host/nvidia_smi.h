/*
 * nvidia-smi's two halves: nvidia_smi.c (arguments, table, list) and nvidia_smi_query.c (--query-gpu). Nobody else includes this.
 */
#ifndef FAKES_HOST_NVIDIA_SMI_H
#define FAKES_HOST_NVIDIA_SMI_H

#include "fakes/host/command.h"

enum { GPU_TEXT_SIZE = 96 };

/* How --format wants the answer. */
struct csv_format {
    bool csv;
    bool header;
    bool units;
};

/* One GPU as nvidia-smi sees it. */
void gpu_name(const struct host *host, char out[GPU_TEXT_SIZE]);
void gpu_uuid(const struct host *host, int32_t index, char out[GPU_TEXT_SIZE]);
void gpu_bus_id(const struct host *host, int32_t index, char out[GPU_TEXT_SIZE]);
int64_t gpu_memory_total_mib(const struct host *host);

/* True when the GPU is among those that -i chose ("0,2", an UUID, a bus id); NULL: all. */
bool gpu_is_chosen(const struct host *host, int32_t index, const char *chosen);

/* --query-gpu=LIST. Returns the exit status. */
int query_gpus(struct call *call, const char *list, struct csv_format format, const char *chosen);

/* --query-compute-apps=LIST: no process is seen in a container. */
int query_processes(struct call *call, const char *list, struct csv_format format);

#endif
