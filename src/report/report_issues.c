#include <string.h>

#include "report/report_parts.h"

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

static bool fault_was_seen(const struct report *report, const char *id)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        if (strcmp(report->faults[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* A fault that the client also logged in the same words is one issue. */
static void add_faults(struct report *report)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        const struct report_fault *fault = &report->faults[i];
        const char *text = fault->text[0] == '\0' ? fault->id : fault->text;
        if (!is_known_issue(report, text)) {
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
    if (nulls == 0 || fault_was_seen(report, "null-status")) {
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
    char text[REPORT_SENTENCE_SIZE];
    const char *cause = report->undelivered_sqlstate[0] != '\0' ? report->undelivered_sqlstate : "no SQLSTATE";
    if (strcmp(cause, UNDEFINED_TABLE) == 0) {
        (void)text_format(text, sizeof text,
                          "%lld of %lld lifecycle events were not delivered: the events store has no table "
                          "webhook_configs (SQLSTATE %s). Cure: dumont events migrate",
                          (long long)report->events_undelivered, (long long)report->events_emitted, UNDEFINED_TABLE);
    } else {
        (void)text_format(text, sizeof text, "%lld of %lld lifecycle events were not delivered: %s (%s)",
                          (long long)report->events_undelivered, (long long)report->events_emitted,
                          report->undelivered_error[0] == '\0' ? "no cause given" : report->undelivered_error, cause);
    }
    report_add_issue(report, text, 1);
}

void report_fill_issues(struct report *report)
{
    add_faults(report);
    add_null_polls(report);
    add_undelivered(report);
}
