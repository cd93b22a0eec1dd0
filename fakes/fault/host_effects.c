/* What befalls a host, its commands and its connections. */
#include <string.h>

#include "base/units.h"
#include "fakes/fault/effects.h"

static size_t steps_before(const struct machine_timeline *timeline, int64_t moment_ns)
{
    size_t steps = 0;
    while (steps < timeline->status_count && timeline->statuses[steps].after_ns < moment_ns) {
        steps++;
    }
    return steps;
}

/* Lost as by host-offline, and then again what it was, from the planned life's own last step. */
int64_t effect_host_returns(const struct fault *fault, struct machine_timeline *timeline)
{
    int64_t lost_ns = fault_nano(fault, "after_s");
    int64_t back_ns = saturating_add(lost_ns, fault_nano(fault, "for_s"));
    struct machine_timeline planned = *timeline;
    (void)effect_host_offline(fault, timeline);
    size_t told = timeline->status_count;
    if (told < TIMELINE_STEPS_MAX && timeline->statuses[told - 1].after_ns < back_ns) {
        size_t before = steps_before(&planned, back_ns);
        enum actual_status status = before > 0 ? planned.statuses[before - 1].status : ACTUAL_PROVISIONING;
        timeline->statuses[timeline->status_count++] = (struct status_step){.after_ns = back_ns, .status = status};
    } else if (told > 0) {
        timeline->status_count--; /* it was back before anybody noticed */
    }
    if (timeline->ssh_count < TIMELINE_STEPS_MAX) {
        enum ssh_stage stage = timeline_ssh_at(&planned, SSH_PORT_PROXY, back_ns);
        timeline->ssh[timeline->ssh_count++] = (struct ssh_step){.after_ns = back_ns, .stage = stage};
    }
    for (size_t i = 0; i < planned.status_count && timeline->status_count < TIMELINE_STEPS_MAX; i++) {
        if (planned.statuses[i].after_ns > back_ns) {
            timeline->statuses[timeline->status_count++] = planned.statuses[i];
        }
    }
    for (size_t i = 0; i < planned.ssh_count && timeline->ssh_count < TIMELINE_STEPS_MAX; i++) {
        if (planned.ssh[i].after_ns > back_ns) {
            timeline->ssh[timeline->ssh_count++] = planned.ssh[i];
        }
    }
    return back_ns;
}

/* ---- containers that do not start ---- */

static const char *failure_message(const struct fault *fault)
{
    static const struct {
        const char *as, *message;
    } rows[] = {
        {"oci",
         "Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime "
         "create failed: runc create failed: unable to start container process: error during container init: exec: "
         "\"/.launch\": permission denied: unknown"},
        {"pull-limit",
         "Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit. "
         "https://www.docker.com/increase-rate-limit"},
        {"no-manifest", "Error response from daemon: manifest for image not found: manifest unknown: manifest unknown"},
        {"unauthorized",
         "Error response from daemon: Head \"https://registry-1.docker.io/v2/\": unauthorized: incorrect "
         "username or password"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (fault_choice_is(fault, "as", rows[i].as)) {
            return rows[i].message;
        }
    }
    return NULL; /* it exits */
}

int64_t effect_container_start_failed(const struct fault *fault, struct machine_timeline *timeline)
{
    size_t running = 0;
    while (running < timeline->status_count && timeline->statuses[running].status != ACTUAL_RUNNING) {
        running++;
    }
    const char *message = failure_message(fault);
    int64_t running_ns = running < timeline->status_count ? timeline->statuses[running].after_ns : 0;
    if (message != NULL) {
        running = running < TIMELINE_STEPS_MAX ? running : TIMELINE_STEPS_MAX - 1;
        timeline->statuses[running] =
            (struct status_step){.after_ns = running_ns, .status = ACTUAL_CREATED, .status_msg = message};
        timeline->status_count = running + 1;
        timeline->ssh_count = 0;
        return TIME_NEVER_NS;
    }
    size_t end = running + 1 < TIMELINE_STEPS_MAX ? running + 1 : TIMELINE_STEPS_MAX - 1;
    timeline->statuses[end] = (struct status_step){.after_ns = saturating_add(running_ns, fault_nano(fault, "exit_s")),
                                                   .status = ACTUAL_EXITED};
    timeline->status_count = end + 1;
    return TIME_NEVER_NS;
}

/* ---- commands ---- */

bool concerns_named_command(const struct fault *fault, struct span command)
{
    const char *name = fault_text(fault, "command");
    size_t length = strlen(name);
    for (size_t i = 0; i + length <= command.length; i++) {
        if (memcmp(command.at + i, name, length) == 0) {
            return true;
        }
    }
    return false;
}

void effect_torn_snapshot(const struct fault *fault, struct command_verdict *verdict)
{
    if (fault_choice_is(fault, "as", "silent")) {
        verdict->torn = true;
    } else {
        verdict->failure = "tar: workspace: file changed as we read it\n";
        verdict->failure_status = 1;
    }
}

void effect_gpu_lost(const struct fault *fault, struct command_verdict *verdict)
{
    static const struct {
        const char *as;
        enum host_gpu_state state;
    } rows[] = {
        {"nvml", HOST_GPU_LOST},       {"handle", HOST_GPU_NO_HANDLE}, {"mismatch", HOST_GPU_MISMATCH},
        {"no-devices", HOST_GPU_NONE}, {"unknown", HOST_GPU_UNKNOWN},  {"hangs", HOST_GPU_HANGS},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (fault_choice_is(fault, "as", rows[i].as)) {
            verdict->gpu_changes = true;
            verdict->gpu_state = rows[i].state;
        }
    }
}

void effect_slow_link(const struct fault *fault, struct command_verdict *verdict)
{
    verdict->bytes_per_s = fault_nano(fault, "kb_per_s") / NS_PER_US / 1000;
}

void effect_clock_skew(const struct fault *fault, struct command_verdict *verdict)
{
    verdict->clock_ahead_ns = fault_nano(fault, "skew_s");
}

void effect_oom_or_reboot(const struct fault *fault, struct command_verdict *verdict)
{
    if (fault_choice_is(fault, "as", "reboot")) {
        verdict->reboots = true;
    } else {
        verdict->failure = "Killed\n";
        verdict->failure_status = HOST_EXIT_KILLED;
    }
}

void effect_banner_noise(const struct fault *fault, struct command_verdict *verdict)
{
    verdict->noise =
        "Welcome to vast.ai. If authentication fails, try again after a few seconds, and double check your ssh "
        "key.\nHave fun!\n";
    verdict->noise_on_out = fault_choice_is(fault, "stream", "stdout");
}

void effect_half_open(const struct fault *fault, struct command_verdict *verdict)
{
    (void)fault;
    verdict->vanishes = true;
}

/* ---- connections ---- */

void effect_host_key_changed(const struct fault *fault, struct connect_verdict *verdict)
{
    (void)fault;
    verdict->other_host_key = true;
}

void effect_maxstartups(const struct fault *fault, struct connect_verdict *verdict)
{
    (void)fault;
    verdict->closes = true;
}
