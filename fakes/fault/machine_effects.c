#include <string.h>

#include "base/units.h"
#include "fakes/fault/effects.h"

/* Index of the first running step, or the count when there is none. */
static size_t running_index(const struct machine_timeline *timeline)
{
    size_t i = 0;
    while (i < timeline->status_count && timeline->statuses[i].status != ACTUAL_RUNNING) {
        i++;
    }
    return i;
}

/* A time of the old life in the one in which `from_ns` has become `to_ns`: stretched before it, shifted after. */
static int64_t stretched(int64_t after_ns, int64_t from_ns, int64_t to_ns)
{
    if (after_ns < from_ns) {
        return scale_rounded(after_ns, to_ns, from_ns);
    }
    return saturating_add(after_ns, to_ns - from_ns);
}

int64_t effect_slow_boot(const struct fault *fault, struct machine_timeline *timeline)
{
    size_t running = running_index(timeline);
    if (running == timeline->status_count) {
        return 0;
    }
    int64_t planned_ns = timeline->statuses[running].after_ns;
    int64_t boot_ns = fault_given(fault, "boot_s") ? fault_nano(fault, "boot_s")
                                                   : scale_rounded(planned_ns, fault_nano(fault, "factor"), NS_PER_S);
    for (size_t i = 0; i < timeline->status_count; i++) {
        timeline->statuses[i].after_ns = stretched(timeline->statuses[i].after_ns, planned_ns, boot_ns);
    }
    for (size_t i = 0; i < timeline->ssh_count; i++) {
        timeline->ssh[i].after_ns = stretched(timeline->ssh[i].after_ns, planned_ns, boot_ns);
    }
    return boot_ns;
}

static bool is_booting(enum actual_status status)
{
    return status == ACTUAL_PROVISIONING || status == ACTUAL_CREATED || status == ACTUAL_LOADING ||
           status == ACTUAL_SCHEDULING;
}

int64_t effect_stuck_loading(const struct fault *fault, struct machine_timeline *timeline)
{
    enum actual_status stuck = actual_status_by_text(fault_text(fault, "status"));
    size_t kept = 0;
    bool reached = false;
    while (kept < timeline->status_count && is_booting(timeline->statuses[kept].status)) {
        if (timeline->statuses[kept].status != ACTUAL_PROVISIONING) {
            timeline->statuses[kept].status = stuck;
            reached = true;
        }
        kept++;
    }
    if (!reached && kept < TIMELINE_STEPS_MAX) {
        int64_t after_ns = kept < timeline->status_count ? timeline->statuses[kept].after_ns : 0;
        timeline->statuses[kept++] = (struct status_step){.after_ns = after_ns, .status = stuck};
    }
    timeline->status_count = kept;
    timeline->ssh_count = 0;
    return TIME_NEVER_NS;
}

int64_t effect_host_offline(const struct fault *fault, struct machine_timeline *timeline)
{
    int64_t lost_ns = fault_nano(fault, "after_s");
    size_t statuses = 0;
    while (statuses < timeline->status_count && timeline->statuses[statuses].after_ns < lost_ns) {
        statuses++;
    }
    size_t stages = 0;
    while (stages < timeline->ssh_count && timeline->ssh[stages].after_ns < lost_ns) {
        stages++;
    }
    /* The last step gives way when there is no room: how it ends matters more than how it went on. */
    statuses = statuses < TIMELINE_STEPS_MAX ? statuses : TIMELINE_STEPS_MAX - 1;
    stages = stages < TIMELINE_STEPS_MAX ? stages : TIMELINE_STEPS_MAX - 1;
    timeline->statuses[statuses] = (struct status_step){.after_ns = saturating_add(lost_ns, fault_nano(fault, "lag_s")),
                                                        .status = actual_status_by_text(fault_text(fault, "status"))};
    timeline->ssh[stages] = (struct ssh_step){.after_ns = lost_ns, .stage = SSH_STAGE_UNREACHABLE};
    timeline->status_count = statuses + 1;
    timeline->ssh_count = stages + 1;
    return TIME_NEVER_NS;
}

/* Puts a step behind the others of its time or earlier; there must be room. */
static void insert_stage(struct machine_timeline *timeline, struct ssh_step step)
{
    size_t place = timeline->ssh_count;
    while (place > 0 && timeline->ssh[place - 1].after_ns > step.after_ns) {
        place--;
    }
    memmove(&timeline->ssh[place + 1], &timeline->ssh[place], (timeline->ssh_count - place) * sizeof timeline->ssh[0]);
    timeline->ssh[place] = step;
    timeline->ssh_count++;
}

/* The ports that a fault concerns, as bits; 0: both. */
static uint32_t ports_of(const struct fault *fault)
{
    enum ssh_port port = ssh_port_by_name(fault_text(fault, "port"));
    return port == SSH_PORT_COUNT ? 0 : 1U << port;
}

/*
 * Puts `stage` in the place of ready, for as long as the fault says; ready comes after it unless something else has come by
 * then. A port that the fault does not concern is ready as before. Returns when ready comes.
 */
static int64_t delay_ready(const struct fault *fault, struct machine_timeline *timeline, enum ssh_stage stage)
{
    size_t ready = 0;
    while (ready < timeline->ssh_count && timeline->ssh[ready].stage != SSH_STAGE_READY) {
        ready++;
    }
    if (ready == timeline->ssh_count) {
        return 0;
    }
    int64_t for_ns = fault_nano(fault, "for_s");
    int64_t again_ns = for_ns < 0 ? TIME_NEVER_NS : saturating_add(timeline->ssh[ready].after_ns, for_ns);
    bool other_first = ready + 1 < timeline->ssh_count && timeline->ssh[ready + 1].after_ns <= again_ns;
    uint32_t ports = ports_of(fault);
    timeline->ssh[ready].stage = stage;
    if (ports != 0 && timeline->ssh[ready].ports == 0 && timeline->ssh_count < TIMELINE_STEPS_MAX) {
        enum ssh_port other = ports == 1U << SSH_PORT_PROXY ? SSH_PORT_DIRECT : SSH_PORT_PROXY;
        timeline->ssh[ready].ports = ports;
        insert_stage(timeline, (struct ssh_step){timeline->ssh[ready].after_ns, SSH_STAGE_READY, 1U << other});
    }
    if (again_ns == TIME_NEVER_NS || other_first || timeline->ssh_count == TIMELINE_STEPS_MAX) {
        return TIME_NEVER_NS;
    }
    insert_stage(timeline, (struct ssh_step){again_ns, SSH_STAGE_READY, timeline->ssh[ready].ports});
    return again_ns;
}

int64_t effect_ssh_refused(const struct fault *fault, struct machine_timeline *timeline)
{
    return delay_ready(fault, timeline, SSH_STAGE_REFUSED);
}

int64_t effect_ssh_banner_stall(const struct fault *fault, struct machine_timeline *timeline)
{
    return delay_ready(fault, timeline, SSH_STAGE_SILENT);
}

int64_t effect_ssh_key_not_synced(const struct fault *fault, struct machine_timeline *timeline)
{
    return delay_ready(fault, timeline, SSH_STAGE_KEY_DENIED);
}

void effect_ssh_drop(const struct fault *fault, struct command_verdict *verdict)
{
    verdict->dropped = true;
    verdict->drop_after_bytes = fault_nano(fault, "bytes") / NS_PER_S;
}

void effect_disk_full(const struct fault *fault, struct command_verdict *verdict)
{
    verdict->disk_used_bytes = fault_nano(fault, "used_gb"); /* a billionth of a GB is a byte */
}
