#include "fakes/timing/timing.h"

#include "base/random.h"
#include "base/units.h"

enum { PERMILLE = 1000 };

static const char *const provenance_names[] = {
    [PROVENANCE_MEASURED] = "measured",
    [PROVENANCE_DERIVED] = "derived",
    [PROVENANCE_QUOTED] = "quoted",
    [PROVENANCE_ASSUMED] = "assumed",
};

const char *provenance_name(enum provenance provenance)
{
    return provenance_names[provenance];
}

/* `value` varied uniformly by the plan's jitter, both ways. */
static int64_t varied(const struct timing *timing, struct timing_draw draw, struct random_address address,
                      int64_t value)
{
    if (timing->jitter_permille == 0) {
        return value;
    }
    int64_t width = timing->jitter_permille * (NS_PER_S / PERMILLE);
    address.run = draw.run;
    return scale_rounded(value, NS_PER_S + random_between(draw.seed, address, -width, width), NS_PER_S);
}

static int64_t mean_session_ns(const struct timing *timing)
{
    int64_t sum_ns = 0;
    for (size_t i = 0; i < timing->ssh_session_count; i++) {
        sum_ns += timing->ssh_session_ns[i];
    }
    return timing->ssh_session_count == 0 ? 0 : scale_rounded(sum_ns, 1, (int64_t)timing->ssh_session_count);
}

int64_t timing_latency_ns(const struct timing *timing, struct timing_draw draw, enum api_call call, uint32_t nth,
                          int64_t *effect_after_ns)
{
    struct random_address address = {.purpose = RANDOM_LATENCY, .entity = (uint32_t)call, .index = nth};
    int64_t latency_ns = varied(timing, draw, address, timing->latency_ns[call]);
    *effect_after_ns = scale_rounded(latency_ns, timing->effect_permille, PERMILLE);
    return latency_ns;
}

void timing_timeline(const struct timing *timing, struct timing_draw draw, uint32_t contract,
                     struct machine_timeline *timeline)
{
    struct random_address address = {.purpose = RANDOM_BOOT, .entity = contract};
    *timeline = timing->timeline;
    for (size_t i = 0; i < timeline->status_count; i++) {
        timeline->statuses[i].after_ns = varied(timing, draw, address, timeline->statuses[i].after_ns);
    }
    for (size_t i = 0; i < timeline->ssh_count; i++) {
        timeline->ssh[i].after_ns = varied(timing, draw, address, timeline->ssh[i].after_ns);
    }
}

void timing_ssh_session_ns(const struct timing *timing, struct timing_draw draw, uint32_t contract, uint32_t nth,
                           int64_t *connect_ns, int64_t *command_ns)
{
    struct random_address address = {.purpose = RANDOM_BOOT, .entity = contract, .index = nth + 1};
    int64_t session_ns = nth < timing->ssh_session_count ? timing->ssh_session_ns[nth] : mean_session_ns(timing);
    session_ns = varied(timing, draw, address, session_ns);
    *connect_ns = scale_rounded(session_ns, timing->ssh_connect_permille, PERMILLE);
    *command_ns = session_ns - *connect_ns;
}
