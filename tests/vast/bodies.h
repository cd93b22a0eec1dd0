/*
 * Replies of the API as the tests of tests/vast use them, and their parts: a list of members from which a body is built with one
 * of them replaced or left out.
 */
#ifndef VAST_BODIES_H
#define VAST_BODIES_H

#include <string.h>

#include "base/buffer.h"

struct member {
    const char *name;
    const char *value; /* JSON */
};

static const struct member instance_members[] = {
    {"id", "41803846"},
    {"machine_id", "30211"},
    {"actual_status", "\"running\""},
    {"intended_status", "\"running\""},
    {"label", "\"demo-7\""},
    {"status_msg", "\"success, running the image\""},
    {"public_ipaddr", "\"203.0.113.20\\n\""},
    {"ssh_host", "\"ssh8.vast.ai\""},
    {"ssh_port", "13846"},
    {"uptime_mins", "41.5"},
    {"dph_total", "0.3001666667"},
    {"ports", "{\"8000/tcp\":[{\"HostPort\":\"40113\"}],\"22/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"40112\"},"
              "{\"HostIp\":\"::\",\"HostPort\":\"40119\"}]}"},
    {"extra_env", "[[\"JOB_ID\",\"demo-7\"]]"},
};

static const struct member offer_members[] = {
    {"id", "41200101"},
    {"machine_id", "30211"},
    {"num_gpus", "1"},
    {"gpu_ram", "24564"},
    {"dph_total", "0.2976666667"},
    {"storage_cost", "0.15"},
    {"reliability2", "0.9982"},
    {"inet_down", "823.5"},
    {"disk_space", "812.6"},
    {"rentable", "true"},
    {"gpu_name", "\"RTX 4090\""},
    {"geolocation", "\"Quebec, CA\""},
    {"driver_version", "\"580.95.05\""},
    {"hostname", "null"},
};

/* Appends an object of the members; the one named `changed` has `value`, or is left out when that is NULL. */
static inline void append_object(struct buffer *out, const struct member *members, size_t count, const char *changed,
                                 const char *value)
{
    const char *comma = "{";
    for (size_t i = 0; i < count; i++) {
        bool other = changed != NULL && strcmp(members[i].name, changed) == 0;
        if (!other || value != NULL) {
            buffer_printf(out, "%s\"%s\":", comma, members[i].name);
            buffer_append_text(out, other ? value : members[i].value);
            comma = ",";
        }
    }
    buffer_append_char(out, '}');
}

static inline void append_instance(struct buffer *out, const char *changed, const char *value)
{
    append_object(out, instance_members, ARRAY_LENGTH(instance_members), changed, value);
}

static inline void append_offer(struct buffer *out, const char *changed, const char *value)
{
    append_object(out, offer_members, ARRAY_LENGTH(offer_members), changed, value);
}

static inline struct span text_of(const struct buffer *buffer)
{
    return (struct span){buffer_text(buffer), buffer->length};
}

#endif
