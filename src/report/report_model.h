/*
 * Report model: what one run was, as figures, read from its history.
 *
 * Built from the client stream alone (docs/history.md): a report tells what the client did and saw, never what the fake cloud
 * knows. If a history holds several runs (a client that was killed and started again), the last one is reported. A run that
 * failed, was killed or did nothing gives a report too; what did not happen is absent or zero.
 *
 * Times are microseconds, exact as in the history. `start_us` of phases counts from `origin_us`, the start of the first of the
 * eight phases (of the run, when none began, and for journeys other than check): phases that ran earlier have a negative start.
 * Money is nano-dollars.
 * Texts are UTF-8 without control characters, cut to their size; "" and `known` = false say that the history has nothing.
 */
#ifndef REPORT_REPORT_MODEL_H
#define REPORT_REPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/json_decode.h"

enum {
    REPORT_NAME_SIZE = 64,
    REPORT_TEXT_SIZE = 128,
    REPORT_SENTENCE_SIZE = 360,
    REPORT_PHASES_MAX = 64,
    REPORT_POLLS_MAX = 512,
    REPORT_SESSIONS_MAX = 256,
    REPORT_MACHINES_MAX = 8,
    REPORT_LEFT_MAX = 16,
    REPORT_VALIDATIONS_MAX = 64,
    REPORT_FAULTS_MAX = 32,
    REPORT_DECISIONS_MAX = 128,
    REPORT_SIGHTINGS_MAX = 64,
    REPORT_ISSUES_MAX = 64,
    REPORT_COST_ITEMS_MAX = 2 * REPORT_MACHINES_MAX,
    REPORT_COMPARISONS = 3,
    REPORT_PROJECTION_STEPS = 4,
};

/* The eight phases of a check, in their order. */
#define PHASE_SEARCH "search_offers"
#define PHASE_CREATE "create_instance"
#define PHASE_WAIT_RUNNING "wait_running"
#define PHASE_WAIT_SSH "wait_ssh"
#define PHASE_DESTROY "destroy_instance"

struct report_phase {
    char name[REPORT_NAME_SIZE];
    char outcome[REPORT_NAME_SIZE]; /* "ok", an error's name, or "unfinished" */
    bool extra;                     /* outside the eight and their total */
    bool finished;
    int64_t start_us; /* from origin_us */
    int64_t duration_us;
    int64_t ssh_commands;
    int64_t shown_centiseconds; /* rounded so that the shown figures add up to the shown total */
    int64_t shown_permille;
};

/* One answer about the machine during wait_running. */
struct report_poll {
    size_t phase;  /* index in phases */
    int64_t at_us; /* from the start of that phase to the moment the answer was in hand */
    bool gone;
    bool is_null; /* JSON null */
    char actual_status[REPORT_NAME_SIZE];
};

/* One SSH connection, from its opening to its end. */
struct report_session {
    int64_t ssh;   /* its number in the history */
    size_t phase;  /* index in phases; REPORT_PHASES_MAX when outside any */
    int64_t at_us; /* from the start of that phase */
    int64_t duration_us;
    bool finished;
    char outcome[REPORT_NAME_SIZE];
};

/* A machine that this run created, as far as the client knows. Moments are those of the history. */
struct report_machine {
    int64_t id;
    char label[REPORT_TEXT_SIZE];
    char gpu_name[REPORT_NAME_SIZE];
    int64_t price_nusd_per_hour; /* whole, disk included */
    int64_t disk_nusd_per_hour;
    int64_t created_us;
    int64_t last_not_running_us; /* last observation before it ran; created_us when there was none */
    bool ran;
    bool running_exact; /* running_us comes from the reported uptime, not from the middle between two polls */
    int64_t running_us;
    bool stopped; /* an observation after `running` showed another status */
    int64_t stopped_us;
    bool deleted; /* a DELETE was answered with success */
    int64_t deleted_us;
    bool gone; /* an observation confirmed that it no longer exists */
    int64_t gone_us;
    int64_t last_seen_us; /* last observation, or the creation */
};

struct report_cost_item {
    char what[REPORT_TEXT_SIZE];
    int64_t quantity_us; /* billed time */
    int64_t price_nusd_per_hour;
    int64_t nusd;
    int64_t shown_microusd; /* rounded so that the shown items add up to the shown sum */
};

struct report_comparison {
    const char *provider;
    const char *type;
    const char *gpu;
    int64_t price_nusd_per_hour;
    int64_t nusd; /* for total_us */
    bool ratio_known;
    int64_t ratio_thousandths; /* to this run's recorded-rule cost */
};

enum step_provenance { STEP_MEASURED, STEP_REPLAYED, STEP_ASSUMED, STEP_QUOTED };

/* One step of a failover. The quoted range is a claim of the recorded run's document, shown beside what this run has. */
struct report_projection_step {
    const char *name;
    int64_t low_us;
    int64_t high_us;
    int64_t quoted_low_us;
    int64_t quoted_high_us;
    enum step_provenance provenance;
    const char *note;
};

struct report_fault {
    char id[REPORT_NAME_SIZE];
    char text[REPORT_SENTENCE_SIZE]; /* of its first time */
    int64_t count;
};

/* What the client decided, and why. */
struct report_decision {
    int64_t at_us; /* from origin_us */
    char what[REPORT_NAME_SIZE];
    char why[REPORT_SENTENCE_SIZE];
    struct maybe_int64 instance;
    char label[REPORT_TEXT_SIZE];
};

/* A machine that the client looked at, its own or not, and what the last look showed. */
struct report_sighting {
    int64_t id;
    int64_t looks;
    int64_t at_us; /* of the last look, from origin_us */
    bool gone;
    bool is_null; /* JSON null */
    char actual_status[REPORT_NAME_SIZE];
};

struct report_issue {
    char text[REPORT_SENTENCE_SIZE];
    int64_t count;
};

struct report_left {
    bool id_known; /* false: a create was under way and its outcome is unknown; the label would tell the machine */
    int64_t id;
    int64_t price_nusd_per_hour;
    char label[REPORT_TEXT_SIZE];
    char command[REPORT_TEXT_SIZE];
};

/* A JSON number as the history has it; "" when it has none. */
struct report_number {
    enum presence presence;
    char text[32];
};

struct report_options {
    MAYBE_TEXT(REPORT_TEXT_SIZE) gpu, image, onstart;
    struct maybe_int64 num_gpus, max_price_nusd_per_hour, min_reliability_millionths, min_inet_down_mbps, disk_gb,
        limit;
    struct maybe_int64 status_poll_us, ssh_retry_us, ssh_attempt_us, running_limit_us, ssh_limit_us;
    struct maybe_bool ssh_reuse;
};

struct report_offer {
    bool known;
    struct maybe_int64 id, machine_id, num_gpus, gpu_ram_mib, price_nusd_per_hour, storage_nusd_per_gb_month;
    struct maybe_int64 reliability_millionths;
    char gpu_name[REPORT_NAME_SIZE], geolocation[REPORT_TEXT_SIZE], driver_version[REPORT_NAME_SIZE];
};

struct report {
    char journey[REPORT_NAME_SIZE], version[REPORT_NAME_SIZE], world[REPORT_NAME_SIZE];
    char scenario[REPORT_TEXT_SIZE], timing[REPORT_TEXT_SIZE];
    char boot_from[REPORT_NAME_SIZE], ssh_from[REPORT_NAME_SIZE]; /* "measured", "derived", "quoted" or "assumed" */
    struct report_number seed, speed;
    struct maybe_int64 started_unix_us;
    struct report_options options;

    const char *outcome; /* "done", "failed", "killed", or "unfinished": the history ends before the run does */
    int64_t exit_status; /* -1 when unknown */
    struct {
        bool known;
        char code[REPORT_NAME_SIZE], retry_class[REPORT_NAME_SIZE];
        char message[REPORT_SENTENCE_SIZE], next_step[REPORT_SENTENCE_SIZE];
    } error;

    struct maybe_int64 offers_found, offers_fitting;
    struct report_offer offer; /* the one chosen last */
    struct {
        bool known;
        struct maybe_int64 longest_us, worst_nusd, cap_nusd;
    } budget; /* what the offer looked at last may cost in the worst case, and what was allowed */
    struct {
        bool known;
        int64_t id;
        char label[REPORT_TEXT_SIZE], ssh_host[REPORT_TEXT_SIZE];
        struct maybe_int64 ssh_port;
    } instance; /* the one created last */
    struct {
        bool known;
        char name[REPORT_TEXT_SIZE], driver_version[REPORT_NAME_SIZE];
        struct maybe_int64 memory_total_mib;
    } gpu;

    int64_t origin_us, start_us, end_us;           /* moments of the history: see above; first and last event */
    struct report_phase phases[REPORT_PHASES_MAX]; /* in order of their start, extra ones among them */
    size_t phase_count;
    size_t phases_lost; /* beyond the bound, here and below: counted, not kept */
    int64_t total_us;   /* from the first of the eight phases to the last; of other journeys from first to last event */
    int64_t unitemised_us;
    int64_t shown_total_centiseconds, unitemised_centiseconds, unitemised_permille;

    struct report_poll polls[REPORT_POLLS_MAX];
    size_t poll_count, polls_lost;
    struct report_session sessions[REPORT_SESSIONS_MAX];
    size_t session_count, sessions_lost;
    int64_t status_get_total_us, status_get_count; /* how long the polls' requests took */
    int64_t http_requests, http_failures;          /* no answer, or a status of 400 and above */

    struct report_machine machines[REPORT_MACHINES_MAX];
    size_t machine_count, machines_lost;
    struct report_cost_item cost_items[REPORT_COST_ITEMS_MAX];
    size_t cost_item_count;
    int64_t recorded_rule_nusd, billed_nusd;
    bool billed_final;       /* every machine is confirmed gone; else the sum is "so far" */
    bool billed_from_uptime; /* the start of running is known better than from the polls */
    struct {
        size_t seen;
        int64_t before_nusd, after_nusd;
        bool agrees; /* the difference and billed_nusd: within 1 % or $0.0001 */
    } account;
    struct report_comparison comparisons[REPORT_COMPARISONS];

    struct report_projection_step projection[REPORT_PROJECTION_STEPS];
    int64_t projection_low_us, projection_high_us, projection_low_nusd, projection_high_nusd;
    int64_t quoted_low_us, quoted_high_us, quoted_low_nusd, quoted_high_nusd;

    struct {
        char name[REPORT_TEXT_SIZE];
        bool passed;
    } validations[REPORT_VALIDATIONS_MAX];
    size_t validation_count, validations_lost;
    struct report_fault faults[REPORT_FAULTS_MAX];
    size_t fault_count, faults_lost;
    struct report_decision decisions[REPORT_DECISIONS_MAX];
    size_t decision_count, decisions_lost;
    struct report_sighting sightings[REPORT_SIGHTINGS_MAX];
    size_t sighting_count, sightings_lost;
    struct report_issue issues[REPORT_ISSUES_MAX];
    size_t issue_count, issues_lost;
    int64_t events_emitted, events_undelivered;
    int64_t events_spooled; /* of the undelivered: kept in the state folder */
    char undelivered_error[REPORT_NAME_SIZE], undelivered_sqlstate[REPORT_NAME_SIZE]; /* of the first */
    struct report_left left[REPORT_LEFT_MAX];
    size_t left_count, left_lost;
};

/*
 * Builds the report of a history's text into a new struct on `heap`, to be given back with report_release().
 * errors   ERR_NO_MEMORY; ERR_INPUT_INVALID with the line that is no event. `*out` is NULL then.
 */
MUST_USE enum error_code report_build(struct heap *heap, struct span history, struct report **out, struct error *error);

/* NULL is allowed. */
void report_release(struct heap *heap, struct report *report);

/* Whether this was a check: the journey of the eight phases. A history that does not name its journey is taken for one. */
bool report_is_check(const struct report *report);

/* The last phase of that name, or NULL. */
const struct report_phase *report_phase(const struct report *report, const char *name);

/* Whether the session belongs to a phase of that name. */
bool report_session_in(const struct report *report, const struct report_session *session, const char *phase);

/* The longest of the eight phases, or NULL when none took time. */
const struct report_phase *report_bottleneck(const struct report *report);

const char *step_provenance_name(enum step_provenance provenance); /* "measured", "replayed", "assumed", "quoted" */

/* How many measured runs stand behind a step: 1 when measured or replayed, else 0. */
int64_t step_sample_size(enum step_provenance provenance);

/* Whether a provenance of the history (boot_from, ssh_from) says that nothing measured stands behind the time; "" does not. */
bool report_time_is_assumed(const char *from);

#endif
