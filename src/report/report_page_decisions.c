#include <string.h>

#include "report/report_page.h"
#include "report/shown.h"

static const struct page_column DECISION_COLUMNS[] = {
    {"at", 10, true}, {"decision", 10, false}, {"instance", 12, true}, {"why", 38, false}};

/* A check that came through as planned decides nothing but to create and to destroy: its timeline says so already. */
static bool worth_telling(const struct report *report)
{
    if (!report_is_check(report) || strcmp(report->outcome, "done") != 0) {
        return true;
    }
    for (size_t i = 0; i < report->decision_count; i++) {
        const char *what = report->decisions[i].what;
        if (strcmp(what, "create") != 0 && strcmp(what, "destroy") != 0) {
            return true;
        }
    }
    return false;
}

static void decision_row(struct page *page, const struct report_decision *decision)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], shown_seconds(decision->at_us).text);
    (void)text_copy(row.cells[1], sizeof row.cells[1], decision->what);
    (void)text_copy(row.cells[2], sizeof row.cells[2],
                    int64_or(decision->instance, 0) == 0 ? "" : shown_integer(decision->instance).text);
    (void)text_format(row.cells[3], sizeof row.cells[3], decision->label[0] == '\0' ? "%s" : "%s; label %s",
                      decision->why, decision->label);
    page->style->row(page, &row);
}

void page_write_decisions(struct page *page, const struct report *report)
{
    if (!worth_telling(report) || (report->decision_count == 0 && report_is_check(report))) {
        return;
    }
    page->style->section(page, "Decisions");
    if (report->decision_count == 0) {
        page->style->paragraph(page, "None: nothing was found that called for one.");
        return;
    }
    page_begin_table(page, DECISION_COLUMNS, ARRAY_LENGTH(DECISION_COLUMNS));
    for (size_t i = 0; i < report->decision_count; i++) {
        decision_row(page, &report->decisions[i]);
    }
    page->style->end_table(page);
    if (report->decisions_lost > 0) {
        char text[PAGE_CELL_SIZE];
        (void)text_format(text, sizeof text, "And %zu more, which the history has.", report->decisions_lost);
        page->style->paragraph(page, text);
    }
}

static const struct page_column SIGHTING_COLUMNS[] = {
    {"instance", 12, true}, {"looks", 7, true}, {"last look", 10, true}, {"showed", 41, false}};

static const char *what_was_seen(const struct report_sighting *sighting)
{
    if (sighting->gone) {
        return "gone: it no longer exists";
    }
    return sighting->is_null ? "null" : sighting->actual_status;
}

void page_write_sightings(struct page *page, const struct report *report)
{
    if (report_is_check(report) || report->sighting_count == 0) {
        return;
    }
    page->style->section(page, "Machines looked at");
    page_begin_table(page, SIGHTING_COLUMNS, ARRAY_LENGTH(SIGHTING_COLUMNS));
    for (size_t i = 0; i < report->sighting_count; i++) {
        const struct report_sighting *sighting = &report->sightings[i];
        struct page_row row;
        (void)text_format(row.cells[0], sizeof row.cells[0], "%lld", (long long)sighting->id);
        (void)text_format(row.cells[1], sizeof row.cells[1], "%lld", (long long)sighting->looks);
        (void)text_copy(row.cells[2], sizeof row.cells[2], shown_seconds(sighting->at_us).text);
        (void)text_copy(row.cells[3], sizeof row.cells[3], what_was_seen(sighting));
        page->style->row(page, &row);
    }
    page->style->end_table(page);
}
