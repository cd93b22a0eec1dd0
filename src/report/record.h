/*
 * Record: turns the history of a run into a recording of kind "run" (the schema in recordings/), from which the run can be
 * replayed.
 *
 * The law: if R is a recording and H the history of its replay, the recording of H equals R in every field that a replay
 * determines: offer, request, method, phases, status timeline, totals. What only explains (source, trust, contradictions, names)
 * is the run's own. No secret can stand in it: histories have none.
 */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/heap.h"

/*
 * Writes the recording of the last run in `history` to `out`.
 * heap     for work, all given back
 * errors   ERR_NO_MEMORY; ERR_INPUT_INVALID: a line is no event, or the history holds no phase of a run
 */
MUST_USE enum error_code record_from_history(struct heap *heap, struct span history, struct buffer *out,
                                             struct error *error);

#endif
