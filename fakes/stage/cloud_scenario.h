/*
 * Cloud scenario: the part of a scenario that says what the cloud is. Shared by the virtual world and the fronts, so that both set
 * the same stage.
 *
 *     { "name": "slow-boot", "why": "...", "seed": 7,
 *       "recording": "seed-run",                   // or "timing": { ... }
 *       "offers": 64,                              // how many the market has; or the path of a file of offers
 *       "account": { "credit_usd": 5, "key_accepted": true },
 *       "market": { "v0_list": "legacy", ... },    // fakes/market/switches.h
 *       "gpu_load": { "utilization_percent": 97 }, // or steps, or a trace: see gpu_load_text.h
 *       "faults": [ { "id": "slow-boot", "factor": 3 } ],
 *       "expect": { "exit_status": 0, ... },       // fakes/stage/expectation.h
 *       "client": ..., "journey": ... }            // not the cloud's: read past here
 *
 * Strict: an unknown key, a wrong type or a value out of range is reported with file, line and what was expected.
 */
#ifndef FAKES_STAGE_CLOUD_SCENARIO_H
#define FAKES_STAGE_CLOUD_SCENARIO_H

#include "fakes/cloud/cloud.h"
#include "fakes/fault/plan.h"
#include "fakes/host/gpu_load.h"
#include "fakes/stage/expectation.h"
#include "fakes/stage/scenario_text.h"
#include "fakes/timing/recording.h"
#include "fakes/timing/timing.h"

enum { SCENARIO_TEXT_SIZE = 256, SCENARIO_OFFERS_DEFAULT = 64, SCENARIO_OFFERS_MAX = 150000 };

struct cloud_scenario {
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
    bool offers_counted;                  /* `offer_count` was asked for, so a recording's number does not rule */
    char offers_file[SCENARIO_TEXT_SIZE]; /* "" when generated */
    int64_t priced_disk_gb;               /* the disk that offers are rendered with: what the client rents */
    int64_t credit_nusd;
    struct market_switches market;
    bool key_accepted; /* false: what the client is given as key is none */
    struct fault_plan faults;
    struct gpu_load_plan gpu_load; /* count 0: the GPUs idle */
    struct expectation expect;
};

/* Reads the file that a name in a scenario stands for into `out`. */
typedef enum error_code scenario_file_function(void *context, const char *name, struct buffer *out,
                                               struct error *error);

/* Where recordings are looked up: names without a slash in the installed or the source tree's folder. */
struct scenario_files {
    scenario_file_function *recording;
    void *context;
    struct heap *heap;
};

/* What a scenario is before anything is said: seed 1, the default timing, 64 offers, 5 $. */
void cloud_scenario_defaults(struct cloud_scenario *scenario);

/* Takes times, offer and the fault missing-table from a recording, over what the scenario has. */
MUST_USE enum error_code cloud_scenario_use_recording(struct cloud_scenario *scenario, const char *name,
                                                      const struct scenario_files *files, struct error *error);

/* Reads the cloud's part. ERR_INPUT_INVALID with "FILE:LINE: …", or what the recording gave. */
MUST_USE enum error_code cloud_scenario_read(const struct scenario_text *text, const struct scenario_files *files,
                                             struct cloud_scenario *scenario, struct error *error);

/* ---- Setting the stage -------------------------------------------------------------------------------------------------- */

/* What a recorded client asked the market for. */
struct recorded_search {
    int64_t num_gpus;
    int64_t max_price_nusd_per_hour;
    int64_t min_reliability_millionths;
    int64_t min_inet_down_mbps;
    int64_t disk_gb;
};

/* As the client of the recorded run of 2 January 2026 asked. */
void recorded_search_defaults(struct recorded_search *search);

/* What was recorded replaces what `search` has; the recorded machine fits afterwards. */
void recorded_search_take(struct recorded_search *search, const struct recording *recording);

/*
 * The market's offers. `offers_text` is the contents of the scenario's file of offers, empty when there is none.
 * ERR_OK with `*out`, freed with offer_book_free(); ERR_INPUT_INVALID for a bad file of offers; ERR_NO_MEMORY.
 */
MUST_USE enum error_code cloud_scenario_offers(const struct cloud_scenario *scenario, struct heap *heap,
                                               struct span offers_text, struct offer_book **out, struct error *error);

/* The cloud of the scenario's nth run; who sets it adds the account's key, and what else is its own. */
struct cloud_options cloud_scenario_options(const struct cloud_scenario *scenario, const struct offer_book *offers,
                                            uint32_t run, struct history *history);

#endif
