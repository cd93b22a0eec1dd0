/*
 * The options of a check, as rows for any program's table, and their way into check_options.
 */
#ifndef CLI_CHECK_OPTIONS_H
#define CLI_CHECK_OPTIONS_H

#include "base/options.h"
#include "base/units.h"
#include "journey/check.h"

/* What was given on the command line; numbers are -1, texts NULL where nothing was. */
struct check_values {
    const char *gpu;
    const char *image;
    const char *onstart;
    int64_t num_gpus;
    int64_t max_price_nusd_per_hour;
    int64_t min_reliability_millionths;
    int64_t min_inet_down_mbps;
    int64_t disk_gb;
    int64_t limit;
    int64_t status_poll_ns;
    int64_t ssh_retry_ns;
    int64_t ssh_attempt_ns;
    int64_t running_limit_ns;
    int64_t ssh_limit_ns;
    bool ssh_reuse;
};

#define CHECK_OPTION_ROWS(type, member)                                                                                \
    TEXT_OPTION(type, member.gpu, "gpu", "NAME", NULL, "GPU to rent, by Vast.ai's name (RTX 4090)"),                   \
        INT64_OPTION(type, member.num_gpus, "num-gpus", "N", 1, 64, NULL, "GPUs of the machine (1)"),                  \
        DECIMAL_OPTION(type, member.max_price_nusd_per_hour, "max-price", "X", 9, "dollars an hour",                   \
                       NUSD_PER_USD / 1000, 1000 * NUSD_PER_USD, NULL, "Highest price, disk included (0.5)"),          \
        DECIMAL_OPTION(type, member.min_reliability_millionths, "min-reliability", "X", 6, NULL, 0, 1000000, NULL,     \
                       "Least reliability of the host, from 0 to 1 (0.9)"),                                            \
        INT64_OPTION(type, member.min_inet_down_mbps, "min-inet-down", "X", 0, 1000000, NULL,                          \
                     "Least download speed in Mbit/s (500)"),                                                          \
        INT64_OPTION(type, member.disk_gb, "disk-gb", "N", 8, 100000, NULL, "Disk to rent in GB (20)"),                \
        TEXT_OPTION(type, member.image, "image", "REF", NULL, "Docker image (nvidia/cuda:12.1.0-base-ubuntu22.04)"),   \
        INT64_OPTION(type, member.limit, "limit", "N", 1, CHECK_OFFERS_MAX, NULL, "Offers asked for (20)"),            \
        SECONDS_OPTION(type, member.status_poll_ns, "status-poll-s", NS_PER_MS, 24 * NS_PER_HOUR, NULL,                \
                       "Pause between two looks at the status (10)"),                                                  \
        SECONDS_OPTION(type, member.ssh_retry_ns, "ssh-retry-s", NS_PER_MS, 24 * NS_PER_HOUR, NULL,                    \
                       "Pause between two SSH attempts (10)"),                                                         \
        SECONDS_OPTION(type, member.ssh_attempt_ns, "ssh-attempt-s", NS_PER_MS, 24 * NS_PER_HOUR, NULL,                \
                       "Limit of one SSH attempt (5)"),                                                                \
        SECONDS_OPTION(type, member.running_limit_ns, "running-limit-s", NS_PER_MS, 24 * NS_PER_HOUR, NULL,            \
                       "Limit of the wait until it runs (600)"),                                                       \
        SECONDS_OPTION(type, member.ssh_limit_ns, "ssh-limit-s", NS_PER_MS, 24 * NS_PER_HOUR, NULL,                    \
                       "Limit of the wait for SSH (300)"),                                                             \
        FLAG_OPTION(type, member.ssh_reuse, "ssh-reuse", "One SSH connection for all commands, not one each")

/* Nothing given. */
struct check_values check_values_none(void);

/* What was given replaces what `options` has. */
void check_values_apply(const struct check_values *values, struct check_options *options);

#endif
