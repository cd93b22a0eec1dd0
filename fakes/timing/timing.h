/*
 * Timing: how long each thing takes and when a machine changes, as a plan of plain data.
 *
 * A plan comes from a recording (each recorded time again), from a scenario's `timing` object, or from the defaults; it can be
 * printed, edited and read back. Every value carries where it comes from: measured, derived, quoted or assumed.
 *
 * Draws are addressed (base/random.h), so a plan plus a seed is a pure function of (call, nth) and (contract).
 */
#ifndef FAKES_TIMING_TIMING_H
#define FAKES_TIMING_TIMING_H

#include <stdint.h>

#include "base/error.h"
#include "base/json_write.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/recording.h"
#include "fakes/timing/timeline.h"

enum provenance { PROVENANCE_MEASURED, PROVENANCE_DERIVED, PROVENANCE_QUOTED, PROVENANCE_ASSUMED };

const char *provenance_name(enum provenance provenance);

enum { TIMING_SESSIONS_MAX = 32 };

/*
 * Invariant: all times >= 0; statuses and SSH stages in `timeline` are in order.
 */
struct timing {
    int64_t latency_ns[API_CALL_COUNT]; /* request sent until reply in hand */
    enum provenance latency_from[API_CALL_COUNT];
    int64_t effect_permille; /* share of a latency after which the request takes effect */
    int64_t jitter_permille; /* latencies and boots vary uniformly by this share, both ways */
    int64_t refused_ns;      /* a connection that is refused */
    int64_t
        ssh_session_ns[TIMING_SESSIONS_MAX]; /* nth successful SSH session with one command: connect to exit status */
    size_t ssh_session_count;                /* later sessions take the mean of these */
    int64_t ssh_connect_permille;            /* share of a session that is connect and authentication */
    enum provenance ssh_from, ssh_connect_from, boot_from;
    struct machine_timeline timeline;
};

/* The defaults: the seed run's times, and measured or assumed ones for what it lacks. */
void timing_defaults(struct timing *timing);

/*
 * The plan that brings a recording back. Times that the recording lacks keep the defaults, marked as such.
 * A status seen by polling changed some time between two polls: the plan puts the change in the middle, so that a client that
 * polls at the recorded pace sees the recorded times exactly and one that polls faster sees it earlier.
 */
void timing_from_recording(const struct recording *recording, struct timing *timing);

/*
 * Reads a scenario's `timing` object, which is due in `reader`, over `timing`: what it does not name stays. Strict: an unknown
 * key, a wrong type, a time beyond 30 days or steps out of order stop the reader (and leave `timing` half changed).
 *
 *     {"latency_s": {"search": 1.26, ...}, "effect_share": 0.5, "jitter": 0, "refused_s": 0.26,
 *      "ssh_sessions_s": [2.1, ...], "ssh_connect_share": 0.8,
 *      "boot": [{"after_s": 16.0, "status": "loading", "status_msg": null}, ...],
 *      "ssh": [{"after_s": 78.6, "stage": "ready"}],     ("port": "proxy" or "direct" when it is not of both)
 *      "provenance": {"latency": {"search": "measured", ...}, "ssh_sessions": ..., "ssh_connect_share": ..., "boot": ...}}
 *
 * A list replaces the whole list. A value given without its provenance counts as assumed. `status_msg` is null or one of the
 * texts that the API is known to send (the mistake names them); the plan borrows them from a table, so it may be copied freely.
 */
void timing_read(struct json_reader *reader, struct timing *timing);

/* Writes the plan as an object that timing_read() accepts, with provenance. */
void timing_write(struct json_writer *writer, const struct timing *timing);

/* Who draws: which seed and which run of it. */
struct timing_draw {
    uint64_t seed;
    uint32_t run;
};

/* Latency of the nth (from 0) request to an endpoint, and after how much of it the request takes effect. */
int64_t timing_latency_ns(const struct timing *timing, struct timing_draw draw, enum api_call call, uint32_t nth,
                          int64_t *effect_after_ns);

/* The life of the nth (from 0) contract. */
void timing_timeline(const struct timing *timing, struct timing_draw draw, uint32_t contract,
                     struct machine_timeline *timeline);

/* The nth (from 0) successful SSH session of a machine: connect part and command part. */
void timing_ssh_session_ns(const struct timing *timing, struct timing_draw draw, uint32_t contract, uint32_t nth,
                           int64_t *connect_ns, int64_t *command_ns);

#endif
