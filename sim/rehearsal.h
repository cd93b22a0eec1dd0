/*
 * Rehearsal: a scenario's stage, on which its run can be played any number of times.
 *
 * The stage keeps what does not change between runs (the offers, stacks, heaps), so that a run costs microseconds. Each run has a
 * fresh cloud, store and history; all of it is gone with the next run, but for the history and the result.
 */
#ifndef SIM_REHEARSAL_H
#define SIM_REHEARSAL_H

#include "sim/scenario.h"
#include "sim/virtual_world.h"

/* How one run differs from the scenario itself. Zero-filled: not at all. */
struct rehearsal_variation {
    uint32_t run;             /* nth run of the same seed: other luck */
    uint64_t kill_at;         /* step at which the client is killed; 0: never */
    bool reap_after_kill;     /* then a new client runs the journey reap */
    uint64_t kill_again_at;   /* step, counted over both lives, at which that one is killed as well; then reap again */
    uint64_t interrupt_at;    /* step at which a SIGINT comes; 0: never */
    uint64_t fail_allocation; /* nth allocation of the client that fails; 0: none */
    bool fail_all_later_allocations; /* and all after it */
};

/* What truly came of it. */
struct rehearsal_result {
    enum run_end end;
    enum exit_status status; /* of the last life that ended by itself */
    uint64_t steps;
    int64_t simulated_ns;
    size_t machines_created;
    size_t machines_left;
    size_t machines_at_once; /* most that existed at one moment */
    int64_t charged_nusd;
    int64_t credit_nusd;  /* the account's, at the end */
    size_t leaked_blocks; /* of the client's heap after a clean exit */
    uint64_t allocations; /* asked for by the client's first life */
    uint64_t refused_allocations;
    size_t client_peak_bytes;
};

struct rehearsal;

/*
 * Sets the stage. `scenario` is borrowed. `offers_text` is the contents of the scenario's file of offers, empty when there is none.
 * returns  ERR_OK; ERR_INPUT_INVALID for a bad file of offers; ERR_NO_MEMORY. `*out` is freed with rehearsal_free().
 */
MUST_USE enum error_code rehearsal_new(const struct scenario *scenario, struct span offers_text, struct rehearsal **out,
                                       struct error *error);
void rehearsal_free(struct rehearsal *rehearsal);

/* Plays it once. ERR_OK, whatever came of it; ERR_NO_MEMORY when the stage itself has none. */
MUST_USE enum error_code rehearsal_run(struct rehearsal *rehearsal, const struct rehearsal_variation *variation,
                                       struct rehearsal_result *result);

/* The history of the last run; valid until the next. */
struct span rehearsal_history(const struct rehearsal *rehearsal);

#endif
