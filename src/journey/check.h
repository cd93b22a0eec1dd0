/*
 * Check: rent the cheapest machine that fits, prove that it works, destroy it, prove that it is gone.
 *
 * The eight phases, in order: search_offers, create_instance, wait_running, wait_ssh, create_file, verify_file,
 * collect_gpu_info, destroy_instance. What a careful client does beside them (account_check, verify_destroyed, account_after) are extra
 * phases, before the first or after the last of the eight.
 *
 * With a budget only offers are rented that cannot cost more, whatever happens (journey/budget.h), and a machine that could
 * after all is given up in time: both end with ERR_BUDGET. A dry run ends before the create, well.
 */
#ifndef JOURNEY_CHECK_H
#define JOURNEY_CHECK_H

#include "journey/consent.h"

/* Texts are borrowed for the journey. */
struct check_options {
    struct vast_access access;
    const char *gpu_name; /* "": any */
    int64_t num_gpus;
    int64_t max_price_nusd_per_hour; /* 0: no limit */
    int64_t min_reliability_millionths;
    int64_t min_inet_down_mbps;
    int64_t disk_gb;
    const char *image;
    const char *onstart;
    int64_t limit; /* offers asked for, at most CHECK_OFFERS_MAX are kept */
    int64_t status_poll_ns;
    int64_t ssh_retry_ns;
    int64_t ssh_attempt_ns;
    int64_t running_limit_ns;
    int64_t ssh_limit_ns;
    bool ssh_reuse;
    int64_t budget_nusd; /* BUDGET_NO_CAP: none; see budget.h */
    enum consent consent;
};

enum { CHECK_OFFERS_MAX = 64 };

/* The habits of the recorded client: 10 s polls, 10 s between SSH attempts of 5 s, limits of 600 and 300 s. */
void check_defaults(struct check_options *options);

/* Runs in a task of `world`. Never returns with a machine of ours that it did not report. */
enum exit_status check_run(struct world *world, const struct check_options *options);

#endif
