/*
 * Timeline: the life of one machine as data: which status the API shows and what its SSH port does, by time since the moment
 * when the create took effect.
 *
 * Steps are in order of `after_ns`; a machine is in the last step whose time has come. Before the first status step the status
 * is null, before the first SSH step the port refuses.
 */
#ifndef FAKES_TIMING_TIMELINE_H
#define FAKES_TIMING_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(code, text of `actual_status`; NULL for JSON null) */
#define ACTUAL_STATUS_LIST(X)                                                                                          \
    X(PROVISIONING, NULL)                                                                                              \
    X(CREATED, "created")                                                                                              \
    X(LOADING, "loading")                                                                                              \
    X(RUNNING, "running")                                                                                              \
    X(EXITED, "exited")                                                                                                \
    X(STOPPED, "stopped")                                                                                              \
    X(FROZEN, "frozen")                                                                                                \
    X(REBOOTING, "rebooting")                                                                                          \
    X(RESTARTING, "restarting")                                                                                        \
    X(UNKNOWN, "unknown")                                                                                              \
    X(OFFLINE, "offline")                                                                                              \
    X(SCHEDULING, "scheduling")

enum actual_status {
#define ACTUAL_STATUS_ENUM(code, text) ACTUAL_##code,
    ACTUAL_STATUS_LIST(ACTUAL_STATUS_ENUM)
#undef ACTUAL_STATUS_ENUM
        ACTUAL_COUNT
};

/* What somebody sees who connects to the SSH port; reference: OpenSSH's messages for each. */
enum ssh_stage {
    SSH_STAGE_REFUSED,    /* nothing listens: RST */
    SSH_STAGE_CLOSES,     /* the proxy accepts, reads the client's greeting and closes */
    SSH_STAGE_RESETS,     /* the same with the greeting unread: RST */
    SSH_STAGE_SILENT,     /* accepts, no version line, for ever */
    SSH_STAGE_KEY_DENIED, /* sshd is up, authorized_keys is not yet written */
    SSH_STAGE_READY,
    SSH_STAGE_UNREACHABLE, /* host gone: no answer at all */
    SSH_STAGE_COUNT
};

/* The two ways in. */
enum ssh_port { SSH_PORT_PROXY, SSH_PORT_DIRECT, SSH_PORT_COUNT };

struct status_step {
    int64_t after_ns;
    enum actual_status status;
    const char *status_msg; /* text with static or longer life than the timeline, NULL for null */
};

struct ssh_step {
    int64_t after_ns;
    enum ssh_stage stage;
    uint32_t ports; /* bits 1 << SSH_PORT_…: which ports it is of; 0: both */
};

enum { TIMELINE_STEPS_MAX = 32 };

struct machine_timeline {
    struct status_step statuses[TIMELINE_STEPS_MAX];
    size_t status_count;
    struct ssh_step ssh[TIMELINE_STEPS_MAX];
    size_t ssh_count;
};

/* The text of `actual_status`, NULL for JSON null. */
const char *actual_status_text(enum actual_status status);

/* The status whose text is `text` (NULL for null), or ACTUAL_COUNT when none is. */
enum actual_status actual_status_by_text(const char *text);

/* "refused", "closes", "resets", "silent", "key_denied", "ready", "unreachable"; and back (SSH_STAGE_COUNT when none is). */
const char *ssh_stage_name(enum ssh_stage stage);
enum ssh_stage ssh_stage_by_name(const char *name);

/* The step in force at `age_ns`, or NULL before the first. */
const struct status_step *timeline_status_at(const struct machine_timeline *timeline, int64_t age_ns);

/* Whether a step is of that port; the stage of a port at an age; and at which age its stage changes next, or TIME_NEVER_NS. */
bool ssh_step_is_of(const struct ssh_step *step, enum ssh_port port);
enum ssh_stage timeline_ssh_at(const struct machine_timeline *timeline, enum ssh_port port, int64_t age_ns);
int64_t timeline_ssh_next_ns(const struct machine_timeline *timeline, enum ssh_port port, int64_t age_ns);

/* "proxy" and "direct"; and back (SSH_PORT_COUNT when none is). */
const char *ssh_port_name(enum ssh_port port);
enum ssh_port ssh_port_by_name(const char *name);

#endif
