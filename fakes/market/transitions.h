/*
 * Transitions: every way in which a machine's `actual_status` may change, as one table, and how each status shows and bills.
 */
#ifndef FAKES_MARKET_TRANSITIONS_H
#define FAKES_MARKET_TRANSITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "fakes/timing/timeline.h"

/* Why a status changes. X(code, name) */
#define STATUS_CAUSE_LIST(X)                                                                                           \
    X(LIFE, "life")     /* boot, and what the host does, as documented */                                              \
    X(SCRIPT, "script") /* a step of a timeline that no document knows */                                              \
    X(STOP, "stop")     /* PUT state stopped */                                                                        \
    X(START, "start")   /* PUT state running, and a GPU is free */                                                     \
    X(QUEUE, "queue")   /* the same, and none is */                                                                    \
    X(REBOOT, "reboot")                                                                                                \
    X(RECYCLE, "recycle")                                                                                              \
    X(OUTBID, "outbid")                                                                                                \
    X(RESUME, "resume")         /* an outbid or waiting machine gets its GPU */                                        \
    X(CREDIT_OUT, "credit_out") /* credit reached zero */                                                              \
    X(EXPIRED, "expired")       /* end_date has come */                                                                \
    X(HOST_LOST, "host_lost")                                                                                          \
    X(HOST_BACK, "host_back")                                                                                          \
    X(FORCED, "forced") /* by whoever controls the fake */

enum status_cause {
#define STATUS_CAUSE_ENUM(code, name) CAUSE_##code,
    STATUS_CAUSE_LIST(STATUS_CAUSE_ENUM)
#undef STATUS_CAUSE_ENUM
        CAUSE_COUNT
};

const char *status_cause_name(enum status_cause cause);

/* True when the table has a row that leads from one to the other for that cause. */
bool transition_is_known(enum status_cause cause, enum actual_status from, enum actual_status to);

/* How a status shows and bills. */
struct status_traits {
    bool bills_gpu;
    bool bills_no_disk; /* unless the switch offline_bills_disk says otherwise */
    bool container_up;  /* uptime goes on */
    bool has_address;   /* local_ipaddrs and public_ipaddr are known */
    bool has_telemetry; /* use of memory, disk and network is known, once it has run */
    bool has_ports;
    bool gpu_idle;         /* GPU use is 0, not measured */
    bool refuses_ssh;      /* nothing listens, whatever the timeline says */
    const char *usual_msg; /* when the timeline has none; NULL leaves what was there */
};

const struct status_traits *status_traits(enum actual_status status);

/*
 * The texts of `status_msg` that name an image: timelines hold the short form, the API shows the whole. NULL when `msg` is none of
 * them. In the result %s stands for the image, twice in some.
 */
const char *status_msg_format(const char *msg);

/* How an image of that name fails, as is known from its name alone: the status it stays in and the short form of why. */
const char *image_trouble(const char *image, enum actual_status *stays_in);

#endif
