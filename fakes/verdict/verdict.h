/*
 * Verdict: how a client did, judged from outside: by what it sent and when, what became of each request, how its command ended, and
 * what is truly so in the market. Pure: requests and machines in, a verdict out; the fronts collect the one, write the other.
 *
 * What cannot be seen from outside is not judged, and where a judgement is a guess it is called one:
 *
 *   failed request     its answer did not come whole, or said 408, 429 or 5xx, or the client had gone before it came
 *   retry group        a failed request and those that follow it to the same endpoint about the same machine (creates: whatever the
 *                      offer) while they fail, too; ended by the first that does not
 *   pause              from the moment at which a request was over for the client to its next one; of a silent answer that the client
 *                      was not seen to give up on, from when it was sent: then its patience is part of the pause, and growth is not judged
 *   growing            the later of two unequal pauses is the longer one in at least three of four pairs, and the last is longer than
 *                      the first; needs two pauses. steady: they do not differ by more than the tolerance
 *   jittered           the pauses follow neither equality, nor a constant factor, nor a constant step; or the same pause of two groups
 *                      differs. Needs three pauses, or two groups
 *   tolerance          a fiftieth of the pause, and what a loop on real time may be late by, times the stage's speed
 *   create doubled     an earlier create made a machine, and its answer was no success; while that machine existed a later create with
 *                      the same label, or without labels the same body, made another. perhaps doubled: the same body but for its label
 *   rate limit broken  a request sooner after the last one to its endpoint than documented (base: fakes/timing/api_call.h), also one
 *                      that was refused; of searches more than ten in a minute. Judged whether or not the market enforces it
 *   destroyed unread   it is gone by the client's doing, and after that nothing was read that would show it: neither show nor list
 *   polls after gone   shows of a machine that were sent after an answer had said that it is gone
 */
#ifndef FAKES_VERDICT_VERDICT_H
#define FAKES_VERDICT_VERDICT_H

#include "base/fate.h"
#include "fakes/market/market.h"
#include "fakes/stage/expectation.h"

#define VERDICT_NO_CONTRACT UINT32_MAX

enum {
    VERDICT_SCHEMA_VERSION = 1,
    VERDICT_CHECKS_MAX = 16,
    VERDICT_FINDINGS_EACH = 25, /* of a kind are told one by one; all are counted */
    VERDICT_TEXT_SIZE = 320,
    VERDICT_ENDPOINTS_MAX = 96,
    VERDICT_GROUPS_MAX = 500,
    VERDICT_GROUP_PAUSES_MAX = 24, /* kept for show */
    VERDICT_OUTCOMES_MAX = 16,
    VERDICT_SEARCHES_PER_MINUTE = 10,
};

/* ---- What is judged ----------------------------------------------------------------------------------------------------- */

/* In the order in which they were sent. Texts are borrowed. */
struct verdict_request {
    uint64_t ordinal;
    int64_t sent_ns;
    int64_t answered_ns; /* TIME_NEVER_NS: not */
    int64_t left_ns;     /* when the client went before an answer had come; TIME_NEVER_NS: did not */
    size_t call;         /* an enum api_call; API_CALL_COUNT and above: of another API, told apart and no more */
    const char *endpoint;
    enum transport_fate fate;
    int status; /* 0: none */
    const char *method;
    struct span path, body;
    uint32_t contract;  /* the first that it made, an index of `machines`; VERDICT_NO_CONTRACT: none */
    uint32_t contracts; /* how many it made, one after the other */
};

struct verdict_input {
    const char *scenario; /* name */
    const char *command;  /* "" when the stage stood without one */
    bool with_command;
    int exit_status; /* of the command */
    int64_t now_ns;  /* the end, in stage time */
    int64_t speed_milli;
    const struct verdict_request *requests;
    size_t request_count;
    uint64_t forgotten; /* older requests that are counted nowhere here */
    const struct contract_view *machines;
    size_t machine_count;
    int64_t charged_nusd, credit_nusd;
    const struct expectation *expect;
};

/* ---- Retry profile ------------------------------------------------------------------------------------------------------ */

struct verdict_spread {
    uint64_t count;
    int64_t least_ns, median_ns, most_ns; /* meaningful when count > 0 */
};

enum verdict_pace { PACE_UNKNOWN, PACE_STEADY, PACE_GROWING, PACE_UNEVEN };
enum verdict_jitter { JITTER_UNKNOWN, JITTER_NONE, JITTER_SEEN };

const char *verdict_pace_name(enum verdict_pace pace);       /* "unknown", "steady", "growing", "uneven" */
const char *verdict_jitter_name(enum verdict_jitter jitter); /* "unknown", "none", "seen" */

struct verdict_group {
    uint64_t first_ordinal;
    int64_t at_ns;
    int64_t subject;   /* id of the machine, -1: none */
    uint64_t attempts; /* the first one included */
    bool answered;     /* the last one did not fail */
    bool from_start;   /* some pauses are counted from when a request was sent */
    struct verdict_spread pauses;
    enum verdict_pace pace;
    enum verdict_jitter jitter;
    int64_t shown_ns[VERDICT_GROUP_PAUSES_MAX]; /* the first pauses */
};

struct verdict_outcome {
    enum transport_fate fate; /* FATE_COUNT: the client had gone before the answer came */
    int status;
    uint64_t count;
};

struct verdict_endpoint {
    size_t call;
    const char *name;
    uint64_t requests, failed;
    struct verdict_outcome outcomes[VERDICT_OUTCOMES_MAX];
    size_t outcome_count;
    struct verdict_spread spacing; /* from one request's start to the next one's about the same machine */
    uint64_t group_count;          /* of all of them */
    uint64_t attempts_most;
    enum verdict_pace pace;     /* of the groups together */
    enum verdict_jitter jitter; /* the same */
    int64_t threshold_ns;       /* that Vast.ai wants between two; 0: none */
    uint64_t broken;            /* requests that came sooner */
    int64_t tightest_ns;        /* the closest two; meaningful when broken > 0 */
    size_t first_group, groups; /* those that are kept, in verdict.groups */
};

/* ---- Belief and truth --------------------------------------------------------------------------------------------------- */

/* X(code, name, what the client may believe) */
#define VERDICT_BELIEF_LIST(X)                                                                                         \
    X(UNAWARE, "unaware", "never heard of it")                                                                         \
    X(UNNOTICED, "unnoticed", "read a list that may have named it, and did nothing about it")                          \
    X(REFUSED, "refused", "was told of it in an answer that refused the create")                                       \
    X(CREATED, "created", "was told that it was created, and did not ask again")                                       \
    X(ALIVE, "alive", "asked for it, and did not destroy it")                                                          \
    X(DESTROY_UNSURE, "destroy_unsure", "asked for its destruction, and was not told that it was done")                \
    X(DESTROYED, "destroyed", "was told that it is destroyed, and did not look")                                       \
    X(GONE, "gone", "saw that it is gone")

enum verdict_belief {
#define VERDICT_BELIEF_ENUM(code, name, sentence) BELIEF_##code,
    VERDICT_BELIEF_LIST(VERDICT_BELIEF_ENUM)
#undef VERDICT_BELIEF_ENUM
        BELIEF_COUNT
};

const char *verdict_belief_name(enum verdict_belief belief);
const char *verdict_belief_sentence(enum verdict_belief belief);

struct verdict_machine {
    const struct contract_view *view;
    enum verdict_belief belief;
    bool is_so;                /* what it believes, if anything, agrees with what is so */
    uint64_t create_ordinal;   /* 0: unknown */
    bool told;                 /* the create's answer came whole and was a success */
    bool refused;              /* it came whole and was a refusal */
    uint64_t requests;         /* that named it, the create aside */
    uint64_t destroys;         /* of those, destructions */
    uint64_t polls_after_gone; /* shows, after it was told */
    bool destroyed_unread;
    bool is_double;
};

/* ---- Findings ----------------------------------------------------------------------------------------------------------- */

/* X(code, name, title) */
#define VERDICT_FINDING_LIST(X)                                                                                        \
    X(MACHINE_LEFT, "machine_left", "a machine is left")                                                               \
    X(LEFT_UNSAID, "left_unsaid", "ended with 0 while machines are left")                                              \
    X(CREATE_DOUBLED, "create_doubled", "one intent, two machines")                                                    \
    X(CREATE_PERHAPS_DOUBLED, "create_perhaps_doubled", "perhaps one intent, two machines")                            \
    X(CREATE_LOST, "create_lost", "a create's reply was lost, and nothing was looked up")                              \
    X(DESTROY_UNSURE, "destroy_unsure", "a destruction was not confirmed, and the machine exists")                     \
    X(BELIEF_WRONG, "belief_wrong", "it was told something else than what is so")                                      \
    X(DESTROYED_UNREAD, "destroyed_unread", "destroyed, and never read back")                                          \
    X(POLLED_AFTER_GONE, "polled_after_gone", "asked on for a machine that is gone")                                   \
    X(NO_SUCH_MACHINE, "no_such_machine", "asked for a machine that never was")                                        \
    X(RATE_LIMIT_BROKEN, "rate_limit_broken", "requests closer together than documented")                              \
    X(BUSY_RETRIES, "busy_retries", "asked again at once, over and over")

enum verdict_finding_kind {
#define VERDICT_FINDING_ENUM(code, name, title) FINDING_##code,
    VERDICT_FINDING_LIST(VERDICT_FINDING_ENUM)
#undef VERDICT_FINDING_ENUM
        FINDING_COUNT
};

const char *verdict_finding_name(enum verdict_finding_kind kind);
const char *verdict_finding_title(enum verdict_finding_kind kind);

struct verdict_finding {
    enum verdict_finding_kind kind;
    int64_t machine_id; /* 0: of none */
    uint64_t ordinal;   /* of the request that it is about; 0: of none */
    char text[VERDICT_TEXT_SIZE];
};

/* ---- The verdict -------------------------------------------------------------------------------------------------------- */

/* One thing that was asked for. Numbers, money in nano-dollars. */
struct verdict_check {
    const char *name; /* as in `expect` */
    bool by_scenario; /* else asked for of everybody */
    bool at_most;     /* else exactly */
    bool is_money;
    int64_t wanted, found;
    bool passed;
};

struct verdict {
    const struct verdict_input *input;
    struct heap *heap;
    bool passed; /* all checks */
    struct verdict_check checks[VERDICT_CHECKS_MAX];
    size_t check_count;
    const char *not_judged[4]; /* members of `expect` that need the client's own report */
    size_t not_judged_count;
    struct verdict_finding *findings; /* in order of kind */
    size_t finding_count;
    uint64_t found[FINDING_COUNT]; /* how many of each, also those that are not in `findings` */
    struct verdict_machine *machines;
    struct verdict_endpoint endpoints[VERDICT_ENDPOINTS_MAX];
    size_t endpoint_count;
    struct verdict_group *groups;
    size_t group_count;
    int64_t tolerance_ns; /* how late a loop on real time may be, in stage time */
    size_t machines_left;
    int64_t left_nusd_per_hour;
    uint64_t creates_doubled, rate_limits_broken, destroyed_unread, polls_after_gone;
};

/*
 * Judges. `input` and what it points to must outlive the verdict. NULL when memory is gone. Given back with verdict_free().
 */
MUST_USE struct verdict *verdict_judge(struct heap *heap, const struct verdict_input *input);
void verdict_free(struct verdict *verdict);

#endif
