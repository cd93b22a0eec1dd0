#include "fakes/host/gpu_load.h"

#include "fakes/host/gpu_models.h"

void gpu_idle_load(const struct host_facts *facts, struct host_gpu_load *out)
{
    const struct gpu_model *model = gpu_model_or_default(facts->gpu_name);
    *out = (struct host_gpu_load){
        .memory_used_mib = 1,
        .temperature_c = 34,
        .power_draw_mw = (int64_t)model->power_limit_w * 1000 / 18,
        .fan_percent = model->has_fan ? 30 : 0,
        .performance_state = model->has_fan ? 8 : 0,
    };
}

static bool concerns(const struct gpu_load_plan *plan, uint32_t contract)
{
    return plan != NULL && plan->count > 0 && (plan->machine < 0 || plan->machine == (int64_t)contract);
}

/* The age within the round that the plan is in, and when that round began. */
static int64_t in_round(const struct gpu_load_plan *plan, int64_t age_ns, int64_t *began_ns)
{
    *began_ns = plan->repeat_ns > 0 ? age_ns / plan->repeat_ns * plan->repeat_ns : 0;
    return age_ns - *began_ns;
}

void gpu_load_at(const struct gpu_load_plan *plan, const struct host_facts *facts, uint32_t contract, int64_t age_ns,
                 struct host_gpu_load *out)
{
    gpu_idle_load(facts, out);
    if (!concerns(plan, contract)) {
        return;
    }
    int64_t began_ns;
    int64_t now_ns = in_round(plan, age_ns, &began_ns);
    for (size_t i = 0; i < plan->count && plan->steps[i].after_ns <= now_ns; i++) {
        *out = plan->steps[i].load;
    }
}

int64_t gpu_load_next_ns(const struct gpu_load_plan *plan, uint32_t contract, int64_t age_ns)
{
    if (!concerns(plan, contract)) {
        return TIME_NEVER_NS;
    }
    int64_t began_ns;
    int64_t now_ns = in_round(plan, age_ns, &began_ns);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].after_ns > now_ns) {
            return saturating_add(began_ns, plan->steps[i].after_ns);
        }
    }
    return plan->repeat_ns > 0 ? saturating_add(began_ns, plan->repeat_ns) : TIME_NEVER_NS;
}
