/*
 * Expectation: what a scenario says must come of it, its member `expect`. Shared by `dumont-sim run --expect`, which holds a rehearsal
 * to it, and by the verdict on a client of somebody else's (fakes/verdict), which sees that client from outside.
 */
#ifndef FAKES_STAGE_EXPECTATION_H
#define FAKES_STAGE_EXPECTATION_H

#include "base/json_decode.h"
#include "fakes/fault/plan.h"

enum { EXPECTED_FAULTS_MAX = 16 };

/* Members that are not PRESENT are not asked for. */
struct expectation {
    struct maybe_int64 exit_status;
    struct maybe_int64 machines_left;    /* that truly exist at the end */
    struct maybe_int64 machines_created; /* that truly came to be */
    struct maybe_int64 max_nusd;         /* charged at most */
    /* by the client's own report: no verdict from outside */
    struct maybe_int64 total_us; /* within 0.02 s */
    MAYBE_TEXT(64) error;        /* the report's error code, "none" for none */
    size_t fault_count;
    char faults_seen[EXPECTED_FAULTS_MAX][FAULT_ID_SIZE]; /* each must be among those that the client noticed */
    /* from outside alone, each at most; fakes/verdict/verdict.h says how they are judged */
    struct maybe_int64 creates_doubled;
    struct maybe_int64 rate_limits_broken;
    struct maybe_int64 destroyed_unread;
    struct maybe_int64 polls_after_gone;
};

/* Reads the object that is due; strict. */
void expectation_read(struct json_reader *reader, struct expectation *expect);

#endif
