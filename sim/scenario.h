/*
 * Scenario: everything that determines a run, read from a file of JSON with comments (docs/schema/scenario.schema.json).
 *
 *     { "name": "slow-boot", "why": "...", "seed": 7,
 *       "recording": "seed-run",                   // or "timing": { ... }
 *       "offers": 64,                              // how many the market has; or the path of a file of offers
 *       "account": { "credit_usd": 5, "key_accepted": true },
 *       "client": { "status_poll_s": 10, ... },    // options of the journey, named as on the command line
 *       "journey": "check",
 *       "faults": [ { "id": "slow-boot", "factor": 3 } ],
 *       "expect": { "exit_status": 0, "machines_left": 0, "faults_seen": ["slow-boot"] } }
 *
 * Strict: an unknown key, a wrong type or a value out of range is reported with file, line and what was expected.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "fakes/fault/plan.h"
#include "fakes/timing/recording.h"
#include "fakes/timing/timing.h"
#include "journey/check.h"
#include "journey/reap.h"

enum { SCENARIO_TEXT_SIZE = 256, EXPECTED_FAULTS_MAX = 16, EXPECTED_PHASES_MAX = 8, FIRST_OFFERS_DEFAULT = 64 };

enum journey_kind { JOURNEY_CHECK, JOURNEY_DESTROY, JOURNEY_REAP };

/* What must be true of the run; members that are not PRESENT are not asked for. */
struct expectation {
    struct maybe_int64 exit_status;
    struct maybe_int64 machines_left;    /* that truly exist at the end */
    struct maybe_int64 machines_created; /* that truly came to be */
    struct maybe_int64 total_us;         /* within 0.02 s */
    MAYBE_TEXT(64) error;                /* the report's error code, "none" for none */
    size_t fault_count;
    char faults_seen[EXPECTED_FAULTS_MAX][FAULT_ID_SIZE]; /* each must be among those that the client noticed */
};

struct scenario {
    char name[SCENARIO_TEXT_SIZE];
    uint64_t seed;
    struct wall_time epoch; /* when the run begins: as recorded */
    /* timing */
    char recording_name[SCENARIO_TEXT_SIZE]; /* "" when the times come from `timing` */
    struct recording recording;              /* meaningful when recording_name is not "" */
    struct timing timing;
    char timing_name[SCENARIO_TEXT_SIZE];
    /* market */
    size_t offer_count;
    char offers_file[SCENARIO_TEXT_SIZE]; /* "" when generated */
    int64_t credit_nusd;
    bool key_accepted;
    bool events_migrated; /* the events store has its tables */
    int64_t interrupt_ns; /* a SIGINT comes then; TIME_NEVER_NS: none */
    /* client */
    enum journey_kind journey;
    struct check_options check;
    struct reap_options reap;
    int64_t instance_id; /* of the journey destroy */
    char gpu[SCENARIO_TEXT_SIZE], image[SCENARIO_TEXT_SIZE], onstart[SCENARIO_TEXT_SIZE];
    struct fault_plan faults;
    struct expectation expect;
};

/* Reads the file that a name in a scenario stands for into `out`. */
typedef enum error_code scenario_file_function(void *context, const char *name, struct buffer *out,
                                               struct error *error);

/* Where scenarios and recordings are looked up: names without a slash in the installed or the source tree's folders. */
struct scenario_files {
    scenario_file_function *recording;
    void *context;
    struct heap *heap;
};

/* What a scenario is before anything is said: seed 1, the default timing, 64 offers, 5 $, the recorded client. */
void scenario_defaults(struct scenario *scenario);

/* Reads a scenario from `text`, the contents of `file`. ERR_INPUT_INVALID with "FILE:LINE: …", or what the recording gave. */
MUST_USE enum error_code scenario_read(struct span text, const char *file, const struct scenario_files *files,
                                       struct scenario *scenario, struct error *error);

/* Puts the recorded client's pace, limits and filters into `check`; what was not recorded stays. */
void recording_habits(const struct recording *recording, struct check_options *check);

/* Takes times, offer, habits and the fault missing-table from a recording, over what the scenario has. */
MUST_USE enum error_code scenario_use_recording(struct scenario *scenario, const char *name,
                                                const struct scenario_files *files, struct error *error);

#endif
