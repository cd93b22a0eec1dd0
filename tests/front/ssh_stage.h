/*
 * A stage with the SSH front alone, for tests and benches: machines are rented and ended by function calls.
 */
#ifndef TESTS_FRONT_SSH_STAGE_H
#define TESTS_FRONT_SSH_STAGE_H

#include "fakes/front/ssh_front.h"
#include "fakes/front/stage_server.h"

struct ssh_rig {
    struct heap *heap;
    struct history history;
    struct cloud_scenario scenario;
    struct offer_book *offers;
    struct clock_page *clock;
    struct reactor *reactor;
    struct stage_server stage;
    struct ssh_front *front;
    uint64_t requests;
    int64_t keepalive_ns; /* 0: none */
};

/* What may be set before ssh_stage_open(): usual times, everything at once. */
void ssh_stage_defaults(struct ssh_rig *stage);

/* `clock_path`: where the clock page is made. False when anything fails. */
bool ssh_stage_open(struct ssh_rig *stage, const char *clock_path, int64_t speed_milli, const char *public_key);

/* True when nothing is left on the heap. */
bool ssh_stage_close(struct ssh_rig *stage);

void ssh_stage_turn(struct ssh_rig *stage, bool may_wait);

/* Rents the next free offer; the contract's number, or -1. */
int64_t ssh_stage_rent(struct ssh_rig *stage);
bool ssh_stage_destroy(struct ssh_rig *stage, uint32_t contract);

#endif
