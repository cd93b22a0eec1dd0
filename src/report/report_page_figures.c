#include <string.h>

#include "base/units.h"
#include "report/report_page.h"
#include "report/shown.h"

static const struct page_column COST_COLUMNS[] = {
    {"what", 38, false}, {"time", 11, true}, {"price", 11, true}, {"cost", 10, true}};

static void cost_row(struct page *page, const char *what, const char *time, const char *price, const char *cost)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], what);
    (void)text_copy(row.cells[1], sizeof row.cells[1], time);
    (void)text_copy(row.cells[2], sizeof row.cells[2], price);
    (void)text_copy(row.cells[3], sizeof row.cells[3], cost);
    page->style->row(page, &row);
}

static void write_billing_rule(struct page *page, const struct report *report)
{
    page->style->paragraph(
        page,
        "The recorded rule charges the whole time at the whole price, as the recorded run did. Billed is what Vast "
        "documents: the GPU from running to destroyed, the disk from created to destroyed. Created and destroyed "
        "are taken as the middle between the request and its answer.");
    bool ran = false;
    for (size_t i = 0; i < report->machine_count; i++) {
        ran = ran || report->machines[i].ran;
    }
    if (ran) {
        page->style->paragraph(page,
                               report->billed_from_uptime
                                   ? "Running began at the uptime that the machine reported."
                                   : "The machine reported no uptime: running is taken to have begun in the middle "
                                     "between the last poll before it and the first that saw it.");
    }
    if (report->machine_count > 0 && !report->billed_final) {
        page->style->paragraph(page,
                               "No observation confirms that every machine is gone: the billed sum is what it came "
                               "to when the history ends, and may grow.");
    }
}

static void write_account(struct page *page, const struct report *report)
{
    if (report->account.seen < 2) {
        return;
    }
    char text[PAGE_CELL_SIZE];
    int64_t paid = saturating_subtract(report->account.before_nusd, report->account.after_nusd);
    (void)text_format(text, sizeof text, "The account's credit went from %s to %s, by %s: %s",
                      shown_usd(report->account.before_nusd).text, shown_usd(report->account.after_nusd).text,
                      shown_usd(paid).text,
                      report->account.agrees ? "this agrees with the billed sum within 1 % or $0.0001."
                                             : "this does NOT agree with the billed sum (1 % or $0.0001).");
    page->style->paragraph(page, text);
}

void page_write_cost(struct page *page, const struct report *report)
{
    if (!report->offer.known && report->machine_count == 0) {
        return;
    }
    int64_t price = int64_or(report->offer.price_nusd_per_hour, 0);
    page->style->section(page, "Cost");
    page_begin_table(page, COST_COLUMNS, ARRAY_LENGTH(COST_COLUMNS));
    cost_row(page, "recorded rule: whole time x price", shown_seconds(report->total_us).text, shown_price(price).text,
             shown_usd(report->recorded_rule_nusd).text);
    for (size_t i = 0; i < report->cost_item_count; i++) {
        const struct report_cost_item *item = &report->cost_items[i];
        char what[PAGE_CELL_SIZE];
        (void)text_format(what, sizeof what, "billed: %s", item->what);
        cost_row(page, what, shown_seconds(item->quantity_us).text, shown_price(item->price_nusd_per_hour).text,
                 shown_usd(item->shown_microusd * 1000).text);
    }
    cost_row(page, report->billed_final ? "billed: sum" : "billed: sum so far", "", "",
             shown_usd(report->billed_nusd).text);
    page->style->end_table(page);
    write_billing_rule(page, report);
    write_account(page, report);
}

static const struct page_column COMPARISON_COLUMNS[] = {{"provider", 9, false},  {"type", 16, false},
                                                        {"GPU", 14, false},      {"price", 11, true},
                                                        {"same time", 11, true}, {"ratio", 7, true}};

static void comparison_row(struct page *page, const struct report_comparison *comparison)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], comparison->provider);
    (void)text_copy(row.cells[1], sizeof row.cells[1], comparison->type);
    (void)text_copy(row.cells[2], sizeof row.cells[2], comparison->gpu);
    (void)text_copy(row.cells[3], sizeof row.cells[3], shown_price(comparison->price_nusd_per_hour).text);
    (void)text_copy(row.cells[4], sizeof row.cells[4], shown_usd(comparison->nusd).text);
    (void)text_format(row.cells[5], sizeof row.cells[5], "%s x",
                      shown_decimal(comparison->ratio_thousandths, 3, 1).text);
    page->style->row(page, &row);
}

void page_write_comparison(struct page *page, const struct report *report)
{
    if (!report->comparisons[0].ratio_known) {
        return;
    }
    page->style->section(page, "Comparison with list prices");
    page_begin_table(page, COMPARISON_COLUMNS, ARRAY_LENGTH(COMPARISON_COLUMNS));
    const struct report_comparison own = {
        .provider = "Vast.ai",
        .type = "this offer",
        .gpu = report->offer.gpu_name,
        .price_nusd_per_hour = report->offer.price_nusd_per_hour.value,
        .nusd = report->recorded_rule_nusd,
        .ratio_thousandths = 1000,
    };
    comparison_row(page, &own);
    for (size_t i = 0; i < REPORT_COMPARISONS; i++) {
        comparison_row(page, &report->comparisons[i]);
    }
    page->style->end_table(page);
    page->style->paragraph(page, "On-demand list prices, taken by the second for the same total time, against the "
                                 "recorded rule. These GPUs differ from the one rented: the table compares prices, not "
                                 "work done.");
}

static const struct page_column PROJECTION_COLUMNS[] = {
    {"step", 9, false}, {"from", 9, true}, {"to", 9, true}, {"quoted", 9, true}, {"where it comes from", 32, false}};

static void projection_row(struct page *page, const struct report_projection_step *step)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], step->name);
    (void)text_copy(row.cells[1], sizeof row.cells[1], shown_seconds(step->low_us).text);
    (void)text_copy(row.cells[2], sizeof row.cells[2], shown_seconds(step->high_us).text);
    (void)text_format(row.cells[3], sizeof row.cells[3], "%s-%s s", shown_decimal(step->quoted_low_us, 6, 0).text,
                      shown_decimal(step->quoted_high_us, 6, 0).text);
    (void)text_format(row.cells[4], sizeof row.cells[4],
                      step_sample_size(step->provenance) == 0 ? "%s: %s" : "%s, n = 1: %s",
                      step_provenance_name(step->provenance), step->note);
    page->style->row(page, &row);
}

static void write_projection_total(struct page *page, const struct report *report)
{
    struct report_projection_step total = {
        .name = "total",
        .low_us = report->projection_low_us,
        .high_us = report->projection_high_us,
        .quoted_low_us = report->quoted_low_us,
        .quoted_high_us = report->quoted_high_us,
    };
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], total.name);
    (void)text_copy(row.cells[1], sizeof row.cells[1], shown_seconds(total.low_us).text);
    (void)text_copy(row.cells[2], sizeof row.cells[2], shown_seconds(total.high_us).text);
    (void)text_format(row.cells[3], sizeof row.cells[3], "%s-%s s", shown_decimal(total.quoted_low_us, 6, 0).text,
                      shown_decimal(total.quoted_high_us, 6, 0).text);
    (void)text_copy(row.cells[4], sizeof row.cells[4], "sum of the steps");
    page->style->row(page, &row);
}

/* The steps that a measured run stands behind. */
static size_t sampled_steps(const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        count += step_sample_size(report->projection[i].provenance) > 0 ? 1 : 0;
    }
    return count;
}

static bool has_assumed_step(const struct report *report)
{
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        if (report->projection[i].provenance == STEP_ASSUMED) {
            return true;
        }
    }
    return false;
}

static void write_projection_limits(struct page *page, const struct report *report)
{
    char text[PAGE_CELL_SIZE];
    (void)text_format(
        text, sizeof text,
        "No failover took place in this run. %s%s Quoted ranges are claims of the "
        "recorded run's document, never measured.",
        sampled_steps(report) > 0
            ? "One run (n = 1) fixes a scale and no spread: no percentile is claimed."
            : "Nothing measured stands behind any step (n = 0): no scale, spread or percentile is claimed.",
        has_assumed_step(report) ? " Assumed times were chosen, not observed." : "");
    page->style->paragraph(page, text);
}

void page_write_projection(struct page *page, const struct report *report)
{
    if (!report->offer.known) {
        return;
    }
    char text[PAGE_CELL_SIZE];
    page->style->section(page, "Failover projection");
    page_begin_table(page, PROJECTION_COLUMNS, ARRAY_LENGTH(PROJECTION_COLUMNS));
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        projection_row(page, &report->projection[i]);
    }
    write_projection_total(page, report);
    page->style->end_table(page);
    (void)text_format(text, sizeof text,
                      "At %s a failover of that length costs %s to %s; one of the quoted length %s to %s.",
                      shown_price(int64_or(report->offer.price_nusd_per_hour, 0)).text,
                      shown_usd(report->projection_low_nusd).text, shown_usd(report->projection_high_nusd).text,
                      shown_usd(report->quoted_low_nusd).text, shown_usd(report->quoted_high_nusd).text);
    page->style->paragraph(page, text);
    write_projection_limits(page, report);
    page->style->section(page, "Data loss");
    page->style->paragraph(page,
                           "Nothing was snapshotted in this run, so it says nothing about how much data a failover "
                           "would lose.");
}

static int64_t time_to_first_command(const struct report *report)
{
    const struct report_phase *ssh = report_phase(report, PHASE_WAIT_SSH);
    return ssh != NULL && strcmp(ssh->outcome, "ok") == 0 ? ssh->start_us + ssh->duration_us : -1;
}

static size_t attempts(const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->session_count; i++) {
        count += report_session_in(report, &report->sessions[i], PHASE_WAIT_SSH) ? 1 : 0;
    }
    return count;
}

static size_t machines_gone(const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->sighting_count; i++) {
        count += report->sightings[i].gone ? 1 : 0;
    }
    return count;
}

void page_write_key_figures(struct page *page, const struct report *report)
{
    char text[PAGE_CELL_SIZE];
    page->style->section(page, "Key figures");
    page_begin_pairs(page);
    (void)text_format(text, sizeof text, "%s%s", shown_centiseconds(report->shown_total_centiseconds).text,
                      report_is_check(report) ? "" : " from the first event to the last");
    page_pair(page, "Total time", text);
    if (time_to_first_command(report) >= 0) {
        (void)text_format(text, sizeof text, "%s after the search began",
                          shown_seconds(time_to_first_command(report)).text);
        page_pair(page, "First SSH", text);
    }
    if (report_is_check(report)) {
        (void)text_format(text, sizeof text, "%zu status polls, %zu SSH attempts",
                          report->poll_count + report->polls_lost, attempts(report));
        page_pair(page, "Waiting", text);
    } else {
        (void)text_format(text, sizeof text, "%zu", report->decision_count + report->decisions_lost);
        page_pair(page, "Decisions", text);
        (void)text_format(text, sizeof text, "%zu", machines_gone(report));
        page_pair(page, "Confirmed gone", text);
    }
    (void)text_format(text, sizeof text, "%lld, of which %lld answered with an error or not at all",
                      (long long)report->http_requests, (long long)report->http_failures);
    page_pair(page, "API requests", text);
    if (report->offer.known) {
        (void)text_format(text, sizeof text, "%s by the recorded rule, %s billed%s",
                          shown_usd(report->recorded_rule_nusd).text, shown_usd(report->billed_nusd).text,
                          report->billed_final ? "" : " so far");
        page_pair(page, "Cost", text);
    }
    bool waiting = report->events_spooled > 0;
    (void)text_format(text, sizeof text,
                      waiting ? "%lld emitted, %lld not delivered (%lld spooled)" : "%lld emitted, %lld not delivered",
                      (long long)report->events_emitted, (long long)report->events_undelivered,
                      (long long)report->events_spooled);
    page_pair(page, "Events", text);
    (void)text_format(text, sizeof text, "%zu", report->left_count + report->left_lost);
    page_pair(page, "Machines left", text);
    page_end_pairs(page);
}

static void write_what_was_shown(struct page *page, const struct report *report)
{
    char text[2 * PAGE_CELL_SIZE];
    struct buffer buffer;
    buffer_init_fixed(&buffer, text, sizeof text);
    buffer_printf(&buffer,
                  "In this run a machine with %s x %s at %s took its first SSH command %s after the search began",
                  shown_integer(report->offer.num_gpus).text, report->offer.gpu_name,
                  shown_price(int64_or(report->offer.price_nusd_per_hour, 0)).text,
                  shown_seconds(time_to_first_command(report)).text);
    buffer_append_text(&buffer, report->left_count == 0 ? ", and no machine is left." : "; a machine is left.");
    const struct report_comparison *cheapest = &report->comparisons[0];
    const struct report_comparison *dearest = &report->comparisons[0];
    for (size_t i = 0; i < REPORT_COMPARISONS; i++) {
        const struct report_comparison *row = &report->comparisons[i];
        cheapest = row->ratio_thousandths < cheapest->ratio_thousandths ? row : cheapest;
        dearest = row->ratio_thousandths > dearest->ratio_thousandths ? row : dearest;
    }
    if (cheapest->ratio_known) {
        buffer_printf(&buffer, " The list prices above are %s to %s times that price, for other GPUs.",
                      shown_decimal(cheapest->ratio_thousandths, 3, 1).text,
                      shown_decimal(dearest->ratio_thousandths, 3, 1).text);
    }
    page->style->paragraph(page, text);
}

void page_write_viability(struct page *page, const struct report *report)
{
    if (!report->offer.known && (report->journey[0] == '\0' || !report_is_check(report))) {
        return;
    }
    page->style->section(page, "Viability");
    if (strcmp(report->outcome, "done") != 0 || time_to_first_command(report) < 0) {
        page->style->paragraph(page,
                               "This run did not come through from renting a machine to using it, so it supports no "
                               "statement about failover.");
        return;
    }
    write_what_was_shown(page, report);
    page->style->paragraph(page, has_assumed_step(report)
                                     ? "This supports: the way from search to destruction works. It does not support: "
                                       "its scale of time and cost, since times were assumed, how often it works, how "
                                       "fast a failure is noticed, how long a restore takes, or that no data is lost."
                                     : "This supports: the way from search to destruction works, at this scale of time "
                                       "and cost. It does not support: how often it works, how much the times vary, "
                                       "how fast a failure is noticed, how long a restore takes, or that no data is "
                                       "lost.");
}
