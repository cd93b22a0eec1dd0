/*
 * Sections of the report, in the order in which they stand; each writes nothing when the run has nothing for it.
 */
#ifndef REPORT_REPORT_PAGE_H
#define REPORT_REPORT_PAGE_H

#include "report/page.h"
#include "report/report_model.h"

/* What happened: report_page.c, and report_page_decisions.c */
void page_write_head(struct page *page, const struct report *report);
void page_write_resources(struct page *page, const struct report *report);
void page_write_timeline(struct page *page, const struct report *report);
void page_write_distribution(struct page *page, const struct report *report);
void page_write_decisions(struct page *page, const struct report *report);
void page_write_sightings(struct page *page, const struct report *report);
void page_write_validations(struct page *page, const struct report *report);
void page_write_issues(struct page *page, const struct report *report);
void page_write_machines_left(struct page *page, const struct report *report);

/* What it cost and what may be concluded: report_page_figures.c */
void page_write_cost(struct page *page, const struct report *report);
void page_write_comparison(struct page *page, const struct report *report);
void page_write_projection(struct page *page, const struct report *report);
void page_write_key_figures(struct page *page, const struct report *report);
void page_write_viability(struct page *page, const struct report *report);

/* A table of labels and values: begin, rows, end. A value that is "" is left out. */
void page_begin_pairs(struct page *page);
void page_pair(struct page *page, const char *label, const char *value);
void page_end_pairs(struct page *page);

void page_begin_table(struct page *page, const struct page_column *columns, size_t count);

#endif
