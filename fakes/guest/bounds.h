/*
 * Bounds: how much of the computer a machine may have (struct guest_bounds), without cgroups, which are not everybody's to make.
 *
 * Each process is held to its own by the kernel. What all of them have together is looked at by the machine's first process some
 * times a second: beyond the memory the largest is killed, as the kernel does it in a container (the command ends with 137);
 * beyond the CPU time of one start whoever has used more than a second of it. Between two looks a machine may have more than
 * that for a moment, so there is a reserve beside: while the computer has less memory left, disks do not grow and the largest go.
 */
#ifndef FAKES_GUEST_BOUNDS_H
#define FAKES_GUEST_BOUNDS_H

#include "fakes/guest/guest_wire.h"

enum { GUEST_BOUNDS_SIZE = 128, GUEST_LOOK_MS = 200, GUEST_LOOK_AT_REST_MS = 1000 };

/* A variable of a machine's first process that is not passed on: the bounds as bounds_write() puts them. */
#define GUEST_BOUNDS "DUMONT_GUEST_BOUNDS"

int64_t bounds_half_memory_bytes(void); /* of the computer */

/* Whether it has less memory left than the reserve; false where the system does not say. */
bool bounds_computer_is_short(const struct guest_bounds *bounds);

/* This process and what it becomes. */
void bounds_hold_process(const struct guest_bounds *bounds);

/* All processes of this process's namespace, whose first it is. False: there are no others, and so nothing to be looked at. */
bool bounds_look(const struct guest_bounds *bounds);

bool bounds_write(const struct guest_bounds *bounds, char text[GUEST_BOUNDS_SIZE]);
MUST_USE bool bounds_read(const char *text, struct guest_bounds *bounds);

#endif
