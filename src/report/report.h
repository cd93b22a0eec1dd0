/*
 * Report: what a run was, as texts for a person and for a program. Each is a pure function of the model (or of the history).
 *
 * Failure is the buffer's: check out->failed once. Figures that are shown rounded add up to the total that is shown with them;
 * report.json has them exact.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/buffer.h"
#include "base/error.h"
#include "report/report_model.h"

/* report.txt: UTF-8, no line longer than 80 characters. If a machine is left, the last lines say which and how to remove it. */
void report_write_text(const struct report *report, struct buffer *out);

/* report.md; with `plots` it shows timeline.svg and time_distribution.svg, which lie beside it. */
void report_write_markdown(const struct report *report, bool plots, struct buffer *out);

/* report.json, schema_version 1, as docs/schema/report.schema.json has it. */
void report_write_json(const struct report *report, struct buffer *out);

/*
 * run.log: one line for each event of the client stream, of all runs in the history.
 * errors   ERR_INPUT_INVALID with the line that is no event; what stands before it has been written.
 */
MUST_USE enum error_code report_write_log(struct span history, struct buffer *out, struct error *error);

/* timeline.tsv, for plots/timeline.gp: one row a phase, a status poll or an SSH attempt. */
void report_write_timeline_values(const struct report *report, struct buffer *out);

/* time_distribution.tsv, for plots/time_distribution.gp: one row a phase of the eight, and what is not itemised. */
void report_write_distribution_values(const struct report *report, struct buffer *out);

#endif
