/*
 * Judge: the parts of a judgement that share a walk over the requests. Private to fakes/verdict.
 */
#ifndef FAKES_VERDICT_JUDGE_H
#define FAKES_VERDICT_JUDGE_H

#include "fakes/verdict/verdict.h"

#define JUDGE_NO_REQUEST SIZE_MAX

/* What is known of a request beside what it says. */
struct judge_fact {
    int64_t subject; /* id of the machine in its path, -1: none */
    size_t
        next; /* the next request to the same endpoint about the same subject (creates: any), JUDGE_NO_REQUEST: none */
    bool failed;
    bool success;    /* the client heard a status of 2xx */
    bool grouped;    /* belongs to a retry group */
    int64_t over_ns; /* when it was over for the client, TIME_NEVER_NS: not known */
};

/* Facts of all requests, or NULL when memory is gone. */
MUST_USE struct judge_fact *judge_facts(struct heap *heap, const struct verdict_input *input);

/* Whether the request names the machine: in its path, or in the body of a call about many. */
bool judge_names(const struct verdict_request *request, const struct judge_fact *fact, int64_t machine_id);

/* Counts a finding, and keeps it if there is room. */
void judge_find(struct verdict *verdict, enum verdict_finding_kind kind, int64_t machine_id, uint64_t ordinal,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* Sorts in place, upwards. */
void judge_sort(int64_t *values, size_t count);

/* Sorts them, and says how they are spread. */
struct verdict_spread judge_spread(int64_t *values, size_t count);

/* How long two pauses may differ and still count as the same. */
int64_t judge_tolerance_ns(const struct verdict *verdict, int64_t pause_ns);

/* ---- The parts. False when memory is gone. -------------------------------------------------------------------------------- */

MUST_USE bool judge_endpoints(struct verdict *verdict, struct judge_fact *facts);
MUST_USE bool judge_machines(struct verdict *verdict, const struct judge_fact *facts);
void judge_creates(struct verdict *verdict, const struct judge_fact *facts);
void judge_rates(struct verdict *verdict);
void judge_checks(struct verdict *verdict);

/* How pauses went on, in their order. */
enum verdict_pace judge_pace(const struct verdict *verdict, const int64_t *pauses, size_t count);
enum verdict_jitter judge_jitter(const struct verdict *verdict, const int64_t *pauses, size_t count);

#endif
