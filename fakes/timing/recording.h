/*
 * Recording: one life of one machine as it was measured, read from a file of the schema in recordings/README.md.
 *
 * Parsed strictly: a mistake is reported with file, line and what was expected. Fields that explain (source, trust,
 * contradictions, ...) are allowed and read past; so are unknown ones, since a recording is a document that grows.
 */
#ifndef FAKES_TIMING_RECORDING_H
#define FAKES_TIMING_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json_decode.h"
#include "fakes/timing/timeline.h"

enum { RECORDING_NAME_SIZE = 128, RECORDING_TEXT_SIZE = 128, RECORDING_PHASES_MAX = 24, RECORDING_STATUSES_MAX = 512 };

struct recorded_phase {
    char name[48];
    int64_t seconds_ns;
    bool measured;
    bool reached;            /* false: the run ended before it */
    int64_t ssh_commands;    /* -1 when not said */
    int64_t split_failed_ns; /* wait_ssh: -1 when not said */
    int64_t split_sleep_ns;
    int64_t split_successful_ns;
};

struct recorded_status {
    int64_t at_ns; /* reconstructed_at_s where given, else at_s: from the start of wait_running */
    enum actual_status status;
};

/* Texts are "" and presences ABSENT where the file says nothing. Numbers: nano-dollars per hour, nanoseconds, MiB. */
struct recording {
    char name[RECORDING_NAME_SIZE];
    char recorded_at[48];
    struct {
        struct maybe_int64 offer_id, instance_id, num_gpus, gpu_ram_mib, price_nusd_per_hour;
        struct maybe_int64 reliability_millionths; /* 99.4 % is 994000 */
        struct maybe_int64 ssh_port;
        char gpu_name[RECORDING_TEXT_SIZE], driver_version[RECORDING_TEXT_SIZE];
        char region[RECORDING_TEXT_SIZE], ssh_host[RECORDING_TEXT_SIZE];
    } offer;
    struct {
        struct maybe_int64 disk_gb, limit, max_price_nusd_per_hour, min_reliability_millionths, min_inet_down_mbps;
        char image[RECORDING_TEXT_SIZE], runtype[RECORDING_TEXT_SIZE], onstart[RECORDING_TEXT_SIZE];
    } request;
    struct {
        struct maybe_int64 status_poll_sleep_ns, status_get_mean_ns, ssh_retry_sleep_ns, ssh_attempt_timeout_ns;
        struct maybe_int64 running_wait_limit_ns, ssh_wait_limit_ns;
    } method;
    struct recorded_phase phases[RECORDING_PHASES_MAX];
    size_t phase_count;
    struct recorded_status statuses[RECORDING_STATUSES_MAX];
    size_t status_count;
    struct maybe_int64 offers_found;
    bool missing_table; /* "missing_table_webhook_configs" stands among its faults */
};

/*
 * Reads `text` (the contents of `file`, which is named in errors only) into `recording`.
 * returns  ERR_OK, or ERR_INPUT_INVALID with "FILE:LINE: what was expected", also for a recording of another kind than "run".
 */
MUST_USE enum error_code recording_parse(struct span text, const char *file, struct recording *recording,
                                         struct error *error);

/* The phase of that name, or NULL. */
const struct recorded_phase *recording_phase(const struct recording *recording, const char *name);

#endif
