#include "fakes/market/transitions.h"

#include <string.h>

#include "base/attributes.h"

static const char *const cause_names[] = {
#define STATUS_CAUSE_NAME(code, name) name,
    STATUS_CAUSE_LIST(STATUS_CAUSE_NAME)
#undef STATUS_CAUSE_NAME
};

#define IN(status) (1U << ACTUAL_##status)
#define ANY_STATUS ((1U << ACTUAL_COUNT) - 1)
#define BOOTING (IN(PROVISIONING) | IN(CREATED) | IN(LOADING) | IN(SCHEDULING))
#define UP (IN(RUNNING) | IN(REBOOTING) | IN(RESTARTING) | IN(FROZEN))
#define DOWN (IN(EXITED) | IN(STOPPED))
#define LOST (IN(UNKNOWN) | IN(OFFLINE))

/*
 * The states page of the documentation, and what was reported beside it: unknown, and a jump back to loading, before the first
 * running. Exited, unknown and offline never turn into running by themselves but when the host returns.
 */
static const struct transition {
    enum status_cause cause;
    unsigned from;
    enum actual_status to;
} transitions[] = {
    {CAUSE_LIFE, IN(PROVISIONING) | IN(SCHEDULING) | DOWN, ACTUAL_CREATED},
    {CAUSE_LIFE, BOOTING | DOWN | IN(UNKNOWN) | IN(REBOOTING), ACTUAL_LOADING},
    {CAUSE_LIFE, BOOTING | UP | DOWN | LOST, ACTUAL_RUNNING},
    {CAUSE_LIFE, BOOTING | UP, ACTUAL_EXITED},
    {CAUSE_LIFE, BOOTING | UP, ACTUAL_STOPPED},
    {CAUSE_LIFE, IN(RUNNING), ACTUAL_FROZEN},
    {CAUSE_LIFE, IN(RUNNING), ACTUAL_REBOOTING},
    {CAUSE_LIFE, IN(RUNNING), ACTUAL_RESTARTING},
    {CAUSE_LIFE, BOOTING | UP | LOST, ACTUAL_UNKNOWN},
    {CAUSE_LIFE, BOOTING | UP | LOST, ACTUAL_OFFLINE},
    {CAUSE_LIFE, IN(PROVISIONING) | IN(CREATED) | DOWN, ACTUAL_SCHEDULING},
    {CAUSE_STOP, ANY_STATUS, ACTUAL_EXITED},
    {CAUSE_STOP, ANY_STATUS, ACTUAL_STOPPED},
    {CAUSE_START, ANY_STATUS, ACTUAL_LOADING},
    {CAUSE_QUEUE, DOWN, ACTUAL_SCHEDULING},
    {CAUSE_RESUME, ANY_STATUS, ACTUAL_LOADING},
    {CAUSE_REBOOT, ANY_STATUS, ACTUAL_REBOOTING},
    {CAUSE_RECYCLE, ANY_STATUS, ACTUAL_REBOOTING},
    {CAUSE_OUTBID, ANY_STATUS, ACTUAL_EXITED},
    {CAUSE_CREDIT_OUT, ANY_STATUS, ACTUAL_EXITED},
    {CAUSE_EXPIRED, ANY_STATUS, ACTUAL_EXITED},
    {CAUSE_HOST_LOST, ANY_STATUS, ACTUAL_OFFLINE},
};

const char *status_cause_name(enum status_cause cause)
{
    return cause_names[cause];
}

bool transition_is_known(enum status_cause cause, enum actual_status from, enum actual_status to)
{
    /* A script and a person may want anything; a host that returns shows what its machine has become meanwhile. */
    if (cause == CAUSE_SCRIPT || cause == CAUSE_FORCED) {
        return true;
    }
    if (cause == CAUSE_HOST_BACK) {
        return from == ACTUAL_OFFLINE || from == ACTUAL_UNKNOWN;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(transitions); i++) {
        const struct transition *row = &transitions[i];
        if (row->cause == cause && row->to == to && (row->from & 1U << from) != 0) {
            return true;
        }
    }
    return false;
}

static const struct status_traits traits[ACTUAL_COUNT] = {
    [ACTUAL_PROVISIONING] = {.usual_msg = NULL},
    [ACTUAL_CREATED] = {.has_address = true, .usual_msg = ""},
    [ACTUAL_LOADING] = {.has_address = true, .usual_msg = "4f4fb700ef54: Pull complete\n"},
    [ACTUAL_RUNNING] =
        {.bills_gpu = true, .container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_EXITED] = {.has_address = true, .has_telemetry = true, .gpu_idle = true, .refuses_ssh = true},
    [ACTUAL_STOPPED] = {.has_address = true, .has_telemetry = true, .gpu_idle = true, .refuses_ssh = true},
    [ACTUAL_FROZEN] = {.has_address = true, .has_telemetry = true, .gpu_idle = true},
    [ACTUAL_REBOOTING] = {.has_address = true, .has_telemetry = true, .refuses_ssh = true},
    [ACTUAL_RESTARTING] = {.has_address = true, .has_telemetry = true, .refuses_ssh = true},
    /* No heartbeat: what was last known stays. */
    [ACTUAL_UNKNOWN] = {.container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_OFFLINE] =
        {.bills_no_disk = true, .container_up = true, .has_address = true, .has_telemetry = true, .has_ports = true},
    [ACTUAL_SCHEDULING] = {.has_address = true, .has_telemetry = true, .gpu_idle = true, .refuses_ssh = true},
};

const struct status_traits *status_traits(enum actual_status status)
{
    return &traits[status];
}

#define DAEMON "Error response from daemon: "
#define OCI DAEMON "failed to create task for container: failed to create shim task: OCI runtime create failed: "

static const struct {
    const char *shorter, *format;
} messages[] = {
    {DAEMON "manifest unknown", DAEMON "manifest for %s not found: manifest unknown: manifest unknown\n"},
    {DAEMON "pull access denied", DAEMON "pull access denied for %s, repository does not exist or may require 'docker "
                                         "login': denied: requested access to the resource is denied\n"},
    {DAEMON "unauthorized", DAEMON "Head \"https://registry-1.docker.io/v2/%s\": unauthorized: incorrect username or "
                                   "password\n"},
    {DAEMON "OCI runtime create failed", OCI "runc create failed: unable to start container process: exec: \"%s\": "
                                             "executable file not found in $PATH: unknown"},
    {"unresolvable CDI devices", OCI "could not apply required modification to OCI specification: error modifying OCI "
                                     "spec: failed to inject CDI devices: unresolvable CDI devices %s/gpu=0: unknown"},
    {"Retrying in 2 seconds", "4f4fb700ef54: Retrying in 2 seconds\n"},
};

const char *status_msg_format(const char *msg)
{
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
        if (strcmp(msg, messages[i].shorter) == 0) {
            return messages[i].format;
        }
    }
    return NULL;
}

static const struct {
    const char *part;
    enum actual_status stays_in;
    const char *msg;
} troubles[] = {
    {"no-such-image", ACTUAL_LOADING, DAEMON "pull access denied"},
    {"no-such-tag", ACTUAL_LOADING, DAEMON "manifest unknown"},
    {"needs-login", ACTUAL_LOADING, DAEMON "unauthorized"},
    {"breaks-oci", ACTUAL_CREATED, DAEMON "OCI runtime create failed"},
};

const char *image_trouble(const char *image, enum actual_status *stays_in)
{
    for (size_t i = 0; i < ARRAY_LENGTH(troubles); i++) {
        if (strstr(image, troubles[i].part) != NULL) {
            *stays_in = troubles[i].stays_in;
            return troubles[i].msg;
        }
    }
    return NULL;
}
