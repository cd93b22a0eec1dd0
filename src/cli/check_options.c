#include "cli/check_options.h"

struct check_values check_values_none(void)
{
    return (struct check_values){
        .num_gpus = -1,
        .max_price_nusd_per_hour = -1,
        .min_reliability_millionths = -1,
        .min_inet_down_mbps = -1,
        .disk_gb = -1,
        .limit = -1,
        .status_poll_ns = -1,
        .ssh_retry_ns = -1,
        .ssh_attempt_ns = -1,
        .running_limit_ns = -1,
        .ssh_limit_ns = -1,
    };
}

static void replace(int64_t *option, int64_t given)
{
    *option = given < 0 ? *option : given;
}

static void replace_text(const char **option, const char *given)
{
    *option = given == NULL ? *option : given;
}

void check_values_apply(const struct check_values *values, struct check_options *options)
{
    replace_text(&options->gpu_name, values->gpu);
    replace_text(&options->image, values->image);
    replace_text(&options->onstart, values->onstart);
    replace(&options->num_gpus, values->num_gpus);
    replace(&options->max_price_nusd_per_hour, values->max_price_nusd_per_hour);
    replace(&options->min_reliability_millionths, values->min_reliability_millionths);
    replace(&options->min_inet_down_mbps, values->min_inet_down_mbps);
    replace(&options->disk_gb, values->disk_gb);
    replace(&options->limit, values->limit);
    replace(&options->status_poll_ns, values->status_poll_ns);
    replace(&options->ssh_retry_ns, values->ssh_retry_ns);
    replace(&options->ssh_attempt_ns, values->ssh_attempt_ns);
    replace(&options->running_limit_ns, values->running_limit_ns);
    replace(&options->ssh_limit_ns, values->ssh_limit_ns);
    options->ssh_reuse = options->ssh_reuse || values->ssh_reuse;
}
