#include "fakes/timing/timing.h"

#include <assert.h>
#include <string.h>

#include "base/units.h"

enum { EFFECT_PERMILLE = 500, SSH_CONNECT_PERMILLE = 800 };

#define S(seconds_hundredths) ((seconds_hundredths)*INT64_C(10000000))

/* How long a status query takes where a recording does not say: the seed run's mean. */
#define STATUS_GET_MEAN_NS (346 * NS_PER_MS)
#define SLEEP_DEFAULT_NS (10 * NS_PER_S)

#define NO_SPLIT .split_failed_ns = -1, .split_sleep_ns = -1, .split_successful_ns = -1

/* The seed run, recordings/seed-run-2026-01-02.json: built in, so that defaults need no file and take no way of their own. */
static const struct recording seed_run = {
    .name = "defaults",
    .method = {.status_poll_sleep_ns = {PRESENT, SLEEP_DEFAULT_NS},
               .status_get_mean_ns = {PRESENT, STATUS_GET_MEAN_NS},
               .ssh_retry_sleep_ns = {PRESENT, SLEEP_DEFAULT_NS}},
    .phases = {{"search_offers", S(126), true, true, -1, NO_SPLIT},
               {"create_instance", S(159), true, true, -1, NO_SPLIT},
               {"wait_running", S(7277), true, true, -1, NO_SPLIT},
               {"wait_ssh", S(1236), true, true, -1, .split_failed_ns = S(26), .split_sleep_ns = S(1000),
                .split_successful_ns = S(210)},
               {"create_file", S(418), true, true, 2, NO_SPLIT},
               {"verify_file", S(213), true, true, 1, NO_SPLIT},
               {"collect_gpu_info", S(421), false, true, 2, NO_SPLIT},
               {"destroy_instance", S(48), true, true, -1, NO_SPLIT}},
    .phase_count = 8,
    .statuses = {{S(35), ACTUAL_PROVISIONING},
                 {S(1069), ACTUAL_PROVISIONING},
                 {S(2104), ACTUAL_LOADING},
                 {S(3138), ACTUAL_LOADING},
                 {S(4173), ACTUAL_LOADING},
                 {S(5208), ACTUAL_LOADING},
                 {S(6242), ACTUAL_LOADING},
                 {S(7277), ACTUAL_RUNNING}},
    .status_count = 8,
};

/* Which phase is which call. */
static const struct {
    const char *phase;
    enum api_call call;
} call_phases[] = {
    {"search_offers", API_SEARCH},
    {"create_instance", API_CREATE},
    {"destroy_instance", API_DESTROY},
};

/* Phases that are two calls; they are divided as the defaults of the two are to each other. */
static const struct {
    const char *phase;
    enum api_call first, second;
} double_phases[] = {
    {"list_and_create", API_SEARCH, API_CREATE},
    {"get_and_destroy", API_SHOW, API_DESTROY},
};

/* Phases of SSH sessions in the order of a run, and how many sessions each has where a recording does not say. */
static const struct {
    const char *phase;
    int64_t sessions;
} session_phases[] = {
    {"wait_ssh", 1},
    {"create_file", 2},
    {"verify_file", 1},
    {"collect_gpu_info", 2},
};

/* The phase when the recorded run came to it, else NULL. */
static const struct recorded_phase *reached_phase(const struct recording *recording, const char *name)
{
    const struct recorded_phase *phase = recording_phase(recording, name);
    return phase != NULL && phase->reached ? phase : NULL;
}

static void set_latency(struct timing *timing, enum api_call call, int64_t latency_ns, enum provenance from)
{
    timing->latency_ns[call] = latency_ns;
    timing->latency_from[call] = from;
}

static void latencies_from_phases(const struct recording *recording, struct timing *timing)
{
    for (size_t i = 0; i < ARRAY_LENGTH(double_phases); i++) {
        const struct recorded_phase *phase = reached_phase(recording, double_phases[i].phase);
        if (phase == NULL) {
            continue;
        }
        enum api_call first = double_phases[i].first;
        enum api_call second = double_phases[i].second;
        int64_t share_ns = scale_rounded(phase->seconds_ns, timing->latency_ns[first],
                                         timing->latency_ns[first] + timing->latency_ns[second]);
        set_latency(timing, first, share_ns, PROVENANCE_DERIVED);
        set_latency(timing, second, phase->seconds_ns - share_ns, PROVENANCE_DERIVED);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(call_phases); i++) {
        const struct recorded_phase *phase = reached_phase(recording, call_phases[i].phase);
        if (phase != NULL) {
            set_latency(timing, call_phases[i].call, phase->seconds_ns,
                        phase->measured ? PROVENANCE_MEASURED : PROVENANCE_DERIVED);
        }
    }
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/*
 * A wait of n polls has n - 1 sleeps in it. Of the numbers n that are possible, takes the one whose polls are nearest to
 * `mean_ns`, and returns how long each poll then took.
 */
static int64_t poll_latency_ns(int64_t wait_ns, int64_t sleep_ns, int64_t mean_ns)
{
    int64_t least = mean_ns + sleep_ns > 0 ? (wait_ns + sleep_ns) / (mean_ns + sleep_ns) : 1;
    int64_t best_ns = wait_ns;
    for (int64_t polls = least > 1 ? least : 1; polls <= least + 1; polls++) {
        int64_t spent_ns = wait_ns - (polls - 1) * sleep_ns;
        int64_t latency_ns = scale_rounded(spent_ns, 1, polls);
        if (spent_ns >= 0 && distance(latency_ns, mean_ns) <= distance(best_ns, mean_ns)) {
            best_ns = latency_ns;
        }
    }
    return best_ns;
}

static void add_status(struct machine_timeline *timeline, int64_t after_ns, enum actual_status status)
{
    assert(timeline->status_count < TIMELINE_STEPS_MAX);
    timeline->statuses[timeline->status_count++] = (struct status_step){.after_ns = after_ns, .status = status};
}

/* What the client's and the machine's clock have to do with each other in a recorded run. */
struct polling {
    int64_t period_ns;     /* from poll to poll */
    int64_t reply_ns;      /* from the moment a poll looks to the moment its answer is in hand */
    int64_t wait_start_ns; /* of wait_running, since the create took effect */
};

/* How long after its effect a call's reply is in hand. */
static int64_t after_effect_ns(const struct timing *timing, enum api_call call)
{
    return timing->latency_ns[call] - scale_rounded(timing->latency_ns[call], timing->effect_permille, 1000);
}

/*
 * When the status that a poll was first to see had come, since the create took effect: half way back to the poll before. Where
 * the recording left polls out, that is one period earlier; before the first poll, the create's effect.
 */
static int64_t change_ns(const struct polling *polling, int64_t seen_ns, int64_t seen_before_ns)
{
    bool next_in_row = seen_ns - seen_before_ns < polling->period_ns + polling->period_ns / 2;
    int64_t before_ns = next_in_row ? seen_before_ns : seen_ns - polling->period_ns;
    int64_t looked_ns = polling->wait_start_ns + seen_ns - polling->reply_ns;
    int64_t looked_before_ns = polling->wait_start_ns + before_ns - polling->reply_ns;
    looked_before_ns = looked_before_ns > 0 ? looked_before_ns : 0;
    return looked_before_ns + (looked_ns > looked_before_ns ? (looked_ns - looked_before_ns) / 2 : 0);
}

/* The running step, or NULL. */
static const struct status_step *running_step(const struct machine_timeline *timeline)
{
    for (size_t i = 0; i < timeline->status_count; i++) {
        if (timeline->statuses[i].status == ACTUAL_RUNNING) {
            return &timeline->statuses[i];
        }
    }
    return NULL;
}

/*
 * Statuses at the times at which polling found them. A recording that kept only the last polls says nothing of what came
 * before: loading is then put where the seed run had it, as a share of the time until running.
 */
static void boot_from_polls(const struct recorded_status *polls, size_t count, const struct polling *polling,
                            struct timing *timing)
{
    struct machine_timeline boot = {0};
    const struct status_step *usual_loading = &timing->timeline.statuses[0];
    const struct status_step *usual_running = running_step(&timing->timeline);
    int64_t seen_before_ns = INT64_MIN / 2;
    enum actual_status status = ACTUAL_PROVISIONING;
    bool assumed = false;
    for (size_t i = 0; i < count; i++) {
        int64_t at_ns = change_ns(polling, polls[i].at_ns, seen_before_ns);
        seen_before_ns = polls[i].at_ns;
        if (polls[i].status == status) {
            continue;
        }
        if (i == 0 && polls[i].status == ACTUAL_RUNNING && usual_running != NULL) {
            add_status(&boot, scale_rounded(at_ns, usual_loading->after_ns, usual_running->after_ns), ACTUAL_LOADING);
            assumed = true;
        }
        status = polls[i].status;
        add_status(&boot, at_ns, status);
    }
    memcpy(timing->timeline.statuses, boot.statuses, sizeof boot.statuses);
    timing->timeline.status_count = boot.status_count;
    timing->boot_from = assumed ? PROVENANCE_ASSUMED : PROVENANCE_DERIVED;
}

static void boot_from_recording(const struct recording *recording, const struct polling *polling, struct timing *timing)
{
    const struct recorded_phase *wait = reached_phase(recording, "wait_running");
    if (recording->status_count > 0) {
        boot_from_polls(recording->statuses, recording->status_count, polling, timing);
    } else if (wait != NULL) {
        boot_from_polls(&(struct recorded_status){wait->seconds_ns, ACTUAL_RUNNING}, 1, polling, timing);
    }
}

/* When wait_running ended, from its start; -1 when the recording says neither that nor any poll. */
static int64_t running_seen_ns(const struct recording *recording)
{
    const struct recorded_phase *wait = reached_phase(recording, "wait_running");
    if (wait != NULL) {
        return wait->seconds_ns;
    }
    return recording->status_count > 0 ? recording->statuses[recording->status_count - 1].at_ns : -1;
}

/* How a recorded wait for SSH divides: `failures` attempts of `period_ns` with their sleep, then the good one. */
struct ssh_wait {
    int64_t failures;
    int64_t period_ns;
    int64_t successful_ns;
};

static struct ssh_wait divide_ssh_wait(const struct recorded_phase *wait, const struct recording *recording,
                                       int64_t refused_ns)
{
    int64_t sleep_ns = wait->split_sleep_ns >= 0 ? wait->split_sleep_ns
                                                 : int64_or(recording->method.ssh_retry_sleep_ns, SLEEP_DEFAULT_NS);
    struct ssh_wait result = {.period_ns = refused_ns + sleep_ns, .successful_ns = wait->split_successful_ns};
    if (result.successful_ns >= 0 && result.period_ns > 0) {
        int64_t failed_ns = wait->seconds_ns - result.successful_ns;
        result.failures = failed_ns > 0 ? scale_rounded(failed_ns, 1, result.period_ns) : 0;
    } else if (result.successful_ns < 0) {
        result.failures = result.period_ns > 0 ? wait->seconds_ns / result.period_ns : 0;
        result.successful_ns = wait->seconds_ns - result.failures * result.period_ns;
    }
    return result;
}

static void ssh_ready_at(struct timing *timing, int64_t after_ns)
{
    timing->timeline.ssh[0] = (struct ssh_step){.after_ns = after_ns, .stage = SSH_STAGE_READY};
    timing->timeline.ssh_count = 1;
}

/* The SSH stages, given how long after running they were ready in the plan so far. Returns the successful probe, or -1. */
static int64_t ssh_from_recording(const struct recording *recording, const struct polling *polling,
                                  int64_t usual_delay_ns, struct timing *timing)
{
    const struct recorded_phase *wait = reached_phase(recording, "wait_ssh");
    const struct status_step *running = running_step(&timing->timeline);
    if (wait == NULL && running == NULL) {
        timing->timeline.ssh_count = 0;
        return -1;
    }
    if (wait == NULL) {
        ssh_ready_at(timing, running->after_ns + usual_delay_ns);
        return -1;
    }
    if (wait->split_failed_ns >= 0) {
        timing->refused_ns = wait->split_failed_ns;
    }
    struct ssh_wait divided = divide_ssh_wait(wait, recording, timing->refused_ns);
    int64_t running_ns = running == NULL ? 0 : running->after_ns;
    int64_t seen_ns = running_seen_ns(recording);
    int64_t first_attempt_ns = seen_ns < 0 ? running_ns : polling->wait_start_ns + seen_ns;
    /* An attempt that succeeds at once shows only that SSH was ready by then: it is taken to come with running. */
    ssh_ready_at(timing, divided.failures == 0
                             ? running_ns
                             : first_attempt_ns + divided.failures * divided.period_ns - divided.period_ns / 2);
    return divided.successful_ns;
}

/* Durations of SSH sessions; -1 stands for one that was not recorded. */
struct sessions {
    int64_t duration_ns[TIMING_SESSIONS_MAX];
    size_t count;
    size_t known;
    bool measured; /* none of the known ones is derived */
};

/* Divides `total_ns` among `parts` sessions so that they add up to it exactly. */
static void add_sessions(struct sessions *sessions, int64_t total_ns, int64_t parts)
{
    int64_t left_ns = total_ns;
    for (int64_t i = 0; i < parts && sessions->count < TIMING_SESSIONS_MAX; i++) {
        int64_t part_ns = total_ns < 0 ? -1 : left_ns / (parts - i);
        sessions->duration_ns[sessions->count++] = part_ns;
        sessions->known += total_ns < 0 ? 0 : 1;
        left_ns -= part_ns;
    }
}

/* The mean of the known ones, of which there is at least one. */
static int64_t mean_known_ns(const struct sessions *sessions)
{
    int64_t sum_ns = 0;
    for (size_t i = 0; i < sessions->count; i++) {
        sum_ns += sessions->duration_ns[i] < 0 ? 0 : sessions->duration_ns[i];
    }
    return scale_rounded(sum_ns, 1, (int64_t)sessions->known);
}

/* The sessions as recorded; one that a recording lacks takes the mean of those it has. With none at all, nothing changes. */
static void sessions_from_recording(const struct recording *recording, int64_t probe_ns, struct timing *timing)
{
    struct sessions sessions = {.measured = true};
    for (size_t i = 0; i < ARRAY_LENGTH(session_phases); i++) {
        const struct recorded_phase *phase = reached_phase(recording, session_phases[i].phase);
        int64_t total_ns = i == 0 ? probe_ns : phase == NULL ? -1 : phase->seconds_ns;
        bool said = i > 0 && phase != NULL && phase->ssh_commands > 0;
        sessions.measured = sessions.measured && (phase == NULL || phase->measured);
        add_sessions(&sessions, total_ns, said ? phase->ssh_commands : session_phases[i].sessions);
    }
    if (sessions.known == 0) {
        return;
    }
    int64_t mean_ns = mean_known_ns(&sessions);
    for (size_t i = 0; i < sessions.count; i++) {
        timing->ssh_session_ns[i] = sessions.duration_ns[i] < 0 ? mean_ns : sessions.duration_ns[i];
    }
    timing->ssh_session_count = sessions.count;
    bool whole = sessions.known == sessions.count && sessions.measured;
    timing->ssh_from = whole ? PROVENANCE_MEASURED : PROVENANCE_DERIVED;
}

/* Brings what the recording says into a plan that holds something for everything. */
static void apply_recording(const struct recording *recording, struct timing *timing)
{
    latencies_from_phases(recording, timing);
    int64_t sleep_ns = int64_or(recording->method.status_poll_sleep_ns, SLEEP_DEFAULT_NS);
    const struct recorded_phase *wait = reached_phase(recording, "wait_running");
    if (wait != NULL) {
        int64_t mean_ns = int64_or(recording->method.status_get_mean_ns, STATUS_GET_MEAN_NS);
        set_latency(timing, API_SHOW, poll_latency_ns(wait->seconds_ns, sleep_ns, mean_ns), PROVENANCE_DERIVED);
    }
    const struct status_step *running = running_step(&timing->timeline);
    int64_t usual_delay_ns =
        running == NULL || timing->timeline.ssh_count == 0 ? 0 : timing->timeline.ssh[0].after_ns - running->after_ns;
    struct polling polling = {.period_ns = sleep_ns + timing->latency_ns[API_SHOW],
                              .reply_ns = after_effect_ns(timing, API_SHOW),
                              .wait_start_ns = after_effect_ns(timing, API_CREATE)};
    boot_from_recording(recording, &polling, timing);
    sessions_from_recording(recording, ssh_from_recording(recording, &polling, usual_delay_ns, timing), timing);
}

void timing_defaults(struct timing *timing)
{
    memset(timing, 0, sizeof *timing);
    timing->effect_permille = EFFECT_PERMILLE;
    timing->ssh_connect_permille = SSH_CONNECT_PERMILLE;
    timing->ssh_connect_from = PROVENANCE_ASSUMED;
    /* Medians less the back end's own time of 13 and 16 calls: recordings/api-latencies-2025-12-21.json. */
    set_latency(timing, API_ACCOUNT, 556 * NS_PER_MS, PROVENANCE_MEASURED);
    set_latency(timing, API_LIST, 827 * NS_PER_MS, PROVENANCE_MEASURED);
    apply_recording(&seed_run, timing);
    for (int call = API_OTHER; call < API_CALL_COUNT; call++) {
        set_latency(timing, (enum api_call)call, timing->latency_ns[API_LIST], PROVENANCE_ASSUMED);
    }
}

void timing_from_recording(const struct recording *recording, struct timing *timing)
{
    static const enum api_call of_the_run[] = {API_SEARCH, API_CREATE, API_SHOW, API_DESTROY};
    timing_defaults(timing);
    for (size_t i = 0; i < ARRAY_LENGTH(of_the_run); i++) {
        timing->latency_from[of_the_run[i]] = PROVENANCE_ASSUMED;
    }
    timing->ssh_from = PROVENANCE_ASSUMED;
    timing->boot_from = PROVENANCE_ASSUMED;
    apply_recording(recording, timing);
}
