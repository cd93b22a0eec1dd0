#include "fakes/timing/timeline.h"

#include <string.h>

#include "base/attributes.h"
#include "base/units.h"

static const char *const status_texts[] = {
#define STATUS_TEXT(code, text) text,
    ACTUAL_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
};

static const char *const stage_names[] = {
    [SSH_STAGE_REFUSED] = "refused",         [SSH_STAGE_CLOSES] = "closes",         [SSH_STAGE_RESETS] = "resets",
    [SSH_STAGE_SILENT] = "silent",           [SSH_STAGE_KEY_DENIED] = "key_denied", [SSH_STAGE_READY] = "ready",
    [SSH_STAGE_UNREACHABLE] = "unreachable",
};

_Static_assert(ARRAY_LENGTH(stage_names) == SSH_STAGE_COUNT, "every SSH stage has a name");

static const char *const port_names[] = {[SSH_PORT_PROXY] = "proxy", [SSH_PORT_DIRECT] = "direct"};

_Static_assert(ARRAY_LENGTH(port_names) == SSH_PORT_COUNT, "every SSH port has a name");

const char *actual_status_text(enum actual_status status)
{
    return status_texts[status];
}

enum actual_status actual_status_by_text(const char *text)
{
    for (size_t i = 0; i < ARRAY_LENGTH(status_texts); i++) {
        const char *known = status_texts[i];
        if (text == NULL || known == NULL ? text == known : strcmp(text, known) == 0) {
            return (enum actual_status)i;
        }
    }
    return ACTUAL_COUNT;
}

const char *ssh_stage_name(enum ssh_stage stage)
{
    return stage_names[stage];
}

enum ssh_stage ssh_stage_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(stage_names); i++) {
        if (strcmp(name, stage_names[i]) == 0) {
            return (enum ssh_stage)i;
        }
    }
    return SSH_STAGE_COUNT;
}

const struct status_step *timeline_status_at(const struct machine_timeline *timeline, int64_t age_ns)
{
    const struct status_step *in_force = NULL;
    for (size_t i = 0; i < timeline->status_count && timeline->statuses[i].after_ns <= age_ns; i++) {
        in_force = &timeline->statuses[i];
    }
    return in_force;
}

bool ssh_step_is_of(const struct ssh_step *step, enum ssh_port port)
{
    return step->ports == 0 || (step->ports & 1U << port) != 0;
}

enum ssh_stage timeline_ssh_at(const struct machine_timeline *timeline, enum ssh_port port, int64_t age_ns)
{
    enum ssh_stage in_force = SSH_STAGE_REFUSED;
    for (size_t i = 0; i < timeline->ssh_count && timeline->ssh[i].after_ns <= age_ns; i++) {
        in_force = ssh_step_is_of(&timeline->ssh[i], port) ? timeline->ssh[i].stage : in_force;
    }
    return in_force;
}

int64_t timeline_ssh_next_ns(const struct machine_timeline *timeline, enum ssh_port port, int64_t age_ns)
{
    for (size_t i = 0; i < timeline->ssh_count; i++) {
        if (timeline->ssh[i].after_ns > age_ns && ssh_step_is_of(&timeline->ssh[i], port)) {
            return timeline->ssh[i].after_ns;
        }
    }
    return TIME_NEVER_NS;
}

const char *ssh_port_name(enum ssh_port port)
{
    return port_names[port];
}

enum ssh_port ssh_port_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(port_names); i++) {
        if (strcmp(name, port_names[i]) == 0) {
            return (enum ssh_port)i;
        }
    }
    return SSH_PORT_COUNT;
}
