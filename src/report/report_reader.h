/*
 * Report reader: takes the client's events one after the other and notes what they say in a report.
 *
 * While it reads, starts and sessions are moments of the history; report_build() turns them into distances afterwards.
 */
#ifndef REPORT_REPORT_READER_H
#define REPORT_REPORT_READER_H

#include "report/facts.h"
#include "report/report_model.h"

enum { REPORT_REQUESTS_MAX = 64 };

enum request_kind { REQUEST_OTHER, REQUEST_CREATE, REQUEST_SHOW, REQUEST_DESTROY };

/* A request that waits for its answer. */
struct report_request {
    bool waiting;
    int64_t req;
    int64_t sent_us;
    enum request_kind kind;
    int64_t instance; /* of REQUEST_SHOW and REQUEST_DESTROY */
};

struct report_reader {
    struct report *report;
    struct facts facts; /* of the event at hand */
    int64_t now_us;
    uint64_t events; /* of the run being read */
    bool killed;
    struct report_request requests[REPORT_REQUESTS_MAX];
    size_t next_request;
    struct {
        bool open;                    /* a create was sent, and neither refused nor known to have made a machine */
        bool known;                   /* moment_us is that of the last create */
        int64_t moment_us;            /* middle between request and answer; the request when no good answer came */
        char label[REPORT_TEXT_SIZE]; /* that the ledger named last */
    } create;
};

/* `reader` is zero-filled and has its report. */
void report_reader_init(struct report_reader *reader);

void report_reader_take(struct report_reader *reader, const struct history_event *event);

#endif
