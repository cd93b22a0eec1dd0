/*
 * Scenario: everything that determines a run, read from a file of JSON with comments (docs/schema/scenario.schema.json): what the
 * cloud is (fakes/stage/cloud_scenario.h), what the client does on it, and what must come of it.
 *
 *     { ...                                        // the cloud's part
 *       "client": { "status_poll_s": 10, ... },    // options of the journey, named as on the command line
 *       "journey": "check",
 *       "expect": { "exit_status": 0, "machines_left": 0, "faults_seen": ["slow-boot"] } }
 *
 * Strict: an unknown key, a wrong type or a value out of range is reported with file, line and what was expected.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "fakes/stage/cloud_scenario.h"
#include "journey/check.h"
#include "journey/reap.h"

enum journey_kind { JOURNEY_CHECK, JOURNEY_DESTROY, JOURNEY_REAP };

struct scenario {
    struct cloud_scenario cloud;
    bool events_migrated; /* the events store has its tables */
    int64_t webhooks;     /* subscribers in it, all on this machine */
    int64_t interrupt_ns; /* a SIGINT comes then; TIME_NEVER_NS: none */
    bool declines;        /* the person answers each question with no */
    enum journey_kind journey;
    struct check_options check;
    struct reap_options reap;
    int64_t instance_id; /* of the journey destroy */
    char gpu[SCENARIO_TEXT_SIZE], image[SCENARIO_TEXT_SIZE], onstart[SCENARIO_TEXT_SIZE];
};

/* The cloud's defaults, and the recorded client. */
void scenario_defaults(struct scenario *scenario);

/* Reads a scenario from `text`, the contents of `file`. ERR_INPUT_INVALID with "FILE:LINE: …", or what the recording gave. */
MUST_USE enum error_code scenario_read(struct span text, const char *file, const struct scenario_files *files,
                                       struct scenario *scenario, struct error *error);

/* Takes times, offer, habits and the fault missing-table from a recording, over what the scenario has. */
MUST_USE enum error_code scenario_use_recording(struct scenario *scenario, const char *name,
                                                const struct scenario_files *files, struct error *error);

#endif
