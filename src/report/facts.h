/*
 * Facts: the members of one client event, whatever its kind, in one flat struct.
 *
 * A kind uses few of them (docs/history.md says which); the others stay ABSENT. Reading is tolerant: a member of another type
 * is WRONG_TYPE, unknown ones are read past, so that a report can be made from a newer history.
 */
#ifndef REPORT_FACTS_H
#define REPORT_FACTS_H

#include "base/history.h"
#include "base/utf8.h"
#include "report/report_model.h"

/* `error`: a name (http.resp, event.undelivered), an object (client.report) or null. */
struct fact_error {
    enum presence presence;
    bool is_object;
    char code[REPORT_NAME_SIZE]; /* or the name */
    char retry_class[REPORT_NAME_SIZE];
    char message[REPORT_SENTENCE_SIZE];
    char next_step[REPORT_SENTENCE_SIZE];
};

struct fact_left {
    enum presence presence;
    size_t count;
    size_t lost;
    struct report_left rows[REPORT_LEFT_MAX];
};

/* client.start: what kind of value the world takes its times from ("measured", "derived", "quoted", "assumed"). */
struct fact_timing_from {
    MAYBE_TEXT(REPORT_NAME_SIZE) boot, ssh;
};

struct fact_options {
    enum presence presence;
    struct report_options value;
};

struct facts {
    /* ids */
    struct maybe_int64 req, offer, machine, instance, ssh;
    /* client.start */
    MAYBE_TEXT(REPORT_NAME_SIZE) journey, version, world;
    MAYBE_TEXT(REPORT_TEXT_SIZE) scenario, timing;
    struct fact_timing_from timing_from;
    struct report_number seed, speed;
    struct maybe_int64 started_unix_us;
    struct fact_options options;
    /* phases, requests, sessions */
    MAYBE_TEXT(REPORT_TEXT_SIZE) name, outcome, method, path;
    struct maybe_bool extra;
    struct maybe_int64 status;
    struct fact_error error;
    /* offers and machines */
    struct maybe_int64 found, fitting, num_gpus, gpu_ram_mib, price_nusd_per_hour, storage_nusd_per_gb_month;
    struct maybe_int64 reliability_millionths, longest_us, worst_nusd, budget_nusd;
    MAYBE_TEXT(REPORT_TEXT_SIZE) gpu_name, geolocation, driver_version, label;
    struct maybe_bool gone;
    MAYBE_TEXT(REPORT_TEXT_SIZE) actual_status, ssh_host;
    struct maybe_int64 ssh_port, uptime_us, memory_total_mib;
    /* what was found */
    struct maybe_bool passed, waited;
    struct maybe_int64 credit_nusd;
    MAYBE_TEXT(REPORT_NAME_SIZE) fault, sqlstate, level;
    MAYBE_TEXT(REPORT_SENTENCE_SIZE) text;
    MAYBE_TEXT(REPORT_NAME_SIZE) what;
    MAYBE_TEXT(REPORT_SENTENCE_SIZE) why;
    /* the end */
    struct maybe_int64 exit_status, event_index, events_emitted, events_undelivered, events_spooled;
    struct fact_left machines_left;
};

/* Reads what the event holds; `facts` is cleared first. Texts have no control characters afterwards. */
void facts_read(const struct history_event *event, struct facts *facts);

#endif
