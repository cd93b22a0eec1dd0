/*
 * Sandboxed machines: a service of the stage that has a sandbox for each rented machine and lets it live as the machine does: on
 * while its container runs and its host is there, off otherwise, gone with its destruction. And the programs of an SSH channel
 * that run in them.
 *
 * Commands run at once and take their own, real time, whatever the stage's speed.
 */
#ifndef FAKES_FRONT_SANDBOX_MACHINES_H
#define FAKES_FRONT_SANDBOX_MACHINES_H

#include "fakes/front/ssh_program.h"

struct sandbox_machines;

/* Probes first: ERR_MISSING_TOOL where no sandbox can be. Freed after the stage is closed. */
MUST_USE enum error_code sandbox_machines_new(struct heap *heap, struct sandbox_machines **out, struct error *error);
void sandbox_machines_free(struct sandbox_machines *machines); /* NULL is allowed */

/* To be added to the stage before the SSH front, so that connections have gone before what runs behind them is killed. */
struct stage_service *sandbox_machines_service(struct sandbox_machines *machines);

/* For the SSH front; `context` is the machines. */
channel_program_function sandbox_machines_program;

/* What has become of a machine's GPUs. */
void sandbox_machines_set_gpu_state(struct sandbox_machines *machines, uint32_t contract, enum host_gpu_state state);

/* What SSH sessions find of a machine: its sandbox while it runs, else NULL. */
struct sandbox *sandbox_machines_running(struct sandbox_machines *machines, uint32_t contract);

#endif
