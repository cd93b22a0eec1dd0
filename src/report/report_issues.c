#include <string.h>

#include "report/report_parts.h"

/* What the client's fault.seen calls an events store without its table, and one that does not answer. */
static const char FAULT_TABLE_MISSING[] = "missing-table";
static const char FAULT_STORE_READ_ONLY[] = "pg-read-only";
static const char FAULT_STORE_UNAVAILABLE[] = "pg-unavailable";

/* Undefined table, in the numbering that SQL databases share. */
static const char UNDEFINED_TABLE[] = "42P01";

void report_add_issue(struct report *report, const char *text, int64_t count)
{
    for (size_t i = 0; i < report->issue_count; i++) {
        if (strcmp(report->issues[i].text, text) == 0) {
            report->issues[i].count += count;
            return;
        }
    }
    if (report->issue_count == REPORT_ISSUES_MAX) {
        report->issues_lost++;
        return;
    }
    struct report_issue *issue = &report->issues[report->issue_count++];
    issue->count = count;
    (void)text_copy(issue->text, sizeof issue->text, text);
}

static bool is_known_issue(const struct report *report, const char *text)
{
    for (size_t i = 0; i < report->issue_count; i++) {
        if (strcmp(report->issues[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static const struct report_fault *fault_seen(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        if (strcmp(report->faults[i].id, id) == 0) {
            return &report->faults[i];
        }
    }
    return NULL;
}

/* Why events were not delivered is told with their number. */
static bool is_told_with_undelivered(const struct report *report, const struct report_fault *fault)
{
    return report->events_undelivered > 0 &&
           (strcmp(fault->id, FAULT_TABLE_MISSING) == 0 || strcmp(fault->id, FAULT_STORE_UNAVAILABLE) == 0 ||
            strcmp(fault->id, FAULT_STORE_READ_ONLY) == 0);
}

/* A fault that the client also logged in the same words is one issue. */
static void add_faults(struct report *report)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct report_fault *fault = &report->faults[i];
        const char *text = fault->text[0] == '\0' ? fault->id : fault->text;
        if (!is_known_issue(report, text) && !is_told_with_undelivered(report, fault)) {
            report_add_issue(report, text, fault->count);
        }
    }
}

static void add_null_polls(struct report *report)
{
    size_t nulls = 0;
    for (size_t i = 0; i < report->poll_count; i++) {
        nulls += report->polls[i].is_null ? 1 : 0;
    }
    if (nulls == 0 || fault_seen(report, "null-status") != NULL) {
        return;
    }
    char text[REPORT_SENTENCE_SIZE];
    (void)text_format(text, sizeof text,
                      "actual_status was null in %zu of %zu polls: taken as not known yet, and polled again", nulls,
                      report->poll_count);
    report_add_issue(report, text, 1);
}

static void add_undelivered(struct report *report)
{
    if (report->events_undelivered == 0) {
        return;
    }
    char cause[REPORT_SENTENCE_SIZE];
    char text[REPORT_SENTENCE_SIZE];
    const char *sqlstate = report->undelivered_sqlstate;
    const struct report_fault *unavailable = fault_seen(report, FAULT_STORE_UNAVAILABLE);
    if (unavailable == NULL) {
        unavailable = fault_seen(report, FAULT_STORE_READ_ONLY);
    }
    if (strcmp(sqlstate, UNDEFINED_TABLE) == 0 || fault_seen(report, FAULT_TABLE_MISSING) != NULL) {
        (void)text_format(cause, sizeof cause,
                          "the events store has no table webhook_configs (SQLSTATE %s). Cure: dumont events migrate",
                          UNDEFINED_TABLE);
    } else if (unavailable != NULL && unavailable->text[0] != '\0') {
        (void)text_copy(cause, sizeof cause, unavailable->text);
    } else {
        (void)text_format(cause, sizeof cause, "%s (%s)",
                          report->undelivered_error[0] == '\0' ? "no cause given" : report->undelivered_error,
                          sqlstate[0] == '\0' ? "no SQLSTATE" : sqlstate);
    }
    bool waiting = report->events_spooled > 0;
    (void)text_format(text, sizeof text,
                      waiting ? "%lld of %lld lifecycle events were not delivered: %s; %lld wait in the state folder"
                              : "%lld of %lld lifecycle events were not delivered: %s",
                      (long long)report->events_undelivered, (long long)report->events_emitted, cause,
                      (long long)report->events_spooled);
    report_add_issue(report, text, 1);
}

void report_fill_issues(struct report *report)
{
    add_faults(report);
    add_null_polls(report);
    add_undelivered(report);
}
