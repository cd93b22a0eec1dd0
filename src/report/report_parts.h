/*
 * Parts that report_build() is made of: each fills its share of a report whose events have all been read.
 */
#ifndef REPORT_REPORT_PARTS_H
#define REPORT_REPORT_PARTS_H

#include "report/report_model.h"

/* Costs by both rules, their items, the account's view and the comparison. Needs total_us and the machines. */
void report_fill_cost(struct report *report);

/* The hourly price of a disk: what a month of 720 hours costs, by the hour. */
int64_t report_disk_price(struct maybe_int64 storage_nusd_per_gb_month, struct maybe_int64 disk_gb);

/* The simple failover projection. Needs the phases. */
void report_fill_projection(struct report *report);

/* Adds what was noticed to the issues that log lines already gave. */
void report_fill_issues(struct report *report);

/* One issue, or one more time of a known one. */
void report_add_issue(struct report *report, const char *text, int64_t count);

/*
 * Rounds `count` (at most APPORTION_MAX) values, each in `divisor` parts of a shown unit, so that the rounded ones add up to
 * `shown_total` exactly: all are rounded down, then the largest remainders get one more.
 */
enum { APPORTION_MAX = REPORT_PHASES_MAX + 1 };
void report_apportion(const int64_t *values, size_t count, int64_t multiplier, int64_t divisor, int64_t shown_total,
                      int64_t *shown);

#endif
