#include "report/report_page.h"

#include <string.h>

#include "report/report.h"
#include "report/report_parts.h"
#include "report/shown.h"

enum { BAR_WIDTH = 33, POLLS_SHOWN_WHOLE = 8, POLLS_AT_ENDS = 3 };

static const struct page_column PAIR_COLUMNS[] = {{"", 15, false}, {"", 59, false}};

void page_begin_table(struct page *page, const struct page_column *columns, size_t count)
{
    page->columns = columns;
    page->column_count = count;
    page->style->table(page);
}

void page_begin_pairs(struct page *page)
{
    page_begin_table(page, PAIR_COLUMNS, ARRAY_LENGTH(PAIR_COLUMNS));
}

void page_pair(struct page *page, const char *label, const char *value)
{
    struct page_row row;
    if (value[0] == '\0') {
        return;
    }
    (void)text_copy(row.cells[0], sizeof row.cells[0], label);
    (void)text_copy(row.cells[1], sizeof row.cells[1], value);
    page->style->row(page, &row);
}

void page_end_pairs(struct page *page)
{
    page->style->end_table(page);
}

static const char *or_unknown(const char *text)
{
    return text[0] == '\0' ? "?" : text;
}

static void upper_case(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'a' && *text <= 'z') {
            *text = (char)(*text - 'a' + 'A');
        }
    }
}

/* Where the times come from. A recording may lack some: they are not replayed, whatever the others are. */
static void write_timing(struct buffer *buffer, const struct report *report)
{
    if (report->timing[0] == '\0') {
        return;
    }
    if (strcmp(report->timing, "scenario") == 0) {
        buffer_append_text(buffer, ". Times are those that the scenario states.");
        return;
    }
    if (strcmp(report->timing, "defaults") == 0) {
        buffer_append_text(buffer, ". Times are assumed: the defaults of the fake cloud.");
        return;
    }
    buffer_printf(buffer, ". Times are replayed from %s.", report->timing);
    bool boot = report_time_is_assumed(report->boot_from);
    bool ssh = report_time_is_assumed(report->ssh_from);
    if (boot || ssh) {
        buffer_printf(buffer, " Not measured there, so assumed here: %s%s%s.", boot ? "the boot" : "",
                      boot && ssh ? " and " : "", ssh ? "the wait for SSH" : "");
    }
}

/* Where the run took place, and where its times come from. */
static void write_origin(struct page *page, const struct report *report)
{
    char text[PAGE_CELL_SIZE];
    struct buffer buffer;
    buffer_init_fixed(&buffer, text, sizeof text);
    buffer_printf(&buffer, "World: %s", or_unknown(report->world));
    if (report->scenario[0] != '\0') {
        buffer_printf(&buffer, ", scenario %s", report->scenario);
    }
    if (report->seed.presence == PRESENT) {
        buffer_printf(&buffer, ", seed %s", report->seed.text);
    }
    if (report->speed.presence == PRESENT && strcmp(report->world, "sockets") == 0) {
        buffer_printf(&buffer, ", speed %s", report->speed.text);
    }
    write_timing(&buffer, report);
    page->style->paragraph(page, text);
}

void page_write_head(struct page *page, const struct report *report)
{
    char title[REPORT_TEXT_SIZE];
    char badge[REPORT_TEXT_SIZE];
    (void)text_format(title, sizeof title, "dumont %s", report->journey);
    upper_case(title);
    (void)text_copy(badge, sizeof badge, report->outcome);
    upper_case(badge);
    page->style->title(page, title, badge);
    if (report->error.known) {
        char message[2 * REPORT_SENTENCE_SIZE];
        (void)text_format(message, sizeof message, "%s (%s)", report->error.message, or_unknown(report->error.code));
        page->style->alert(page, badge, message);
        if (report->error.next_step[0] != '\0') {
            page->style->alert(page, "NEXT STEP", report->error.next_step);
        }
    }
    write_origin(page, report);
}

static void pair_offer(struct page *page, const struct report *report)
{
    const struct report_offer *offer = &report->offer;
    char text[PAGE_CELL_SIZE];
    (void)text_format(text, sizeof text, "%s on machine %s", shown_integer(offer->id).text,
                      shown_integer(offer->machine_id).text);
    page_pair(page, "Offer", text);
    (void)text_format(text, sizeof text, "%s x %s, %s MiB, driver %s", shown_integer(offer->num_gpus).text,
                      or_unknown(offer->gpu_name), shown_integer(offer->gpu_ram_mib).text,
                      or_unknown(offer->driver_version));
    page_pair(page, "GPU", text);
    struct maybe_int64 disk_gb = report->options.disk_gb;
    (void)text_format(text, sizeof text, "%s, of which %s for a disk of %s GB",
                      shown_price(int64_or(offer->price_nusd_per_hour, 0)).text,
                      shown_price(report_disk_price(offer->storage_nusd_per_gb_month, disk_gb)).text,
                      shown_integer(disk_gb).text);
    page_pair(page, "Price", text);
    (void)text_format(text, sizeof text, "%s, reliability %s %%", or_unknown(offer->geolocation),
                      offer->reliability_millionths.presence == PRESENT
                          ? shown_decimal(offer->reliability_millionths.value, 4, 1).text
                          : "?");
    page_pair(page, "Place", text);
}

void page_write_resources(struct page *page, const struct report *report)
{
    char text[PAGE_CELL_SIZE];
    if (report->offers_found.presence != PRESENT && !report->offer.known && !report->instance.known) {
        return;
    }
    page->style->section(page, "Resources");
    page_begin_pairs(page);
    (void)text_format(text, sizeof text, "%s found, %s fit", shown_integer(report->offers_found).text,
                      shown_integer(report->offers_fitting).text);
    page_pair(page, "Offers", text);
    if (report->offer.known) {
        pair_offer(page, report);
    }
    if (report->instance.known) {
        (void)text_format(text, sizeof text, "%lld, label %s", (long long)report->instance.id,
                          or_unknown(report->instance.label));
        page_pair(page, "Instance", text);
    }
    if (report->instance.ssh_host[0] != '\0') {
        (void)text_format(text, sizeof text, "%s port %s", report->instance.ssh_host,
                          shown_integer(report->instance.ssh_port).text);
        page_pair(page, "SSH", text);
    }
    page_pair(page, "Image", report->options.image.text);
    if (report->gpu.known) {
        (void)text_format(text, sizeof text, "%s, %s MiB, driver %s", or_unknown(report->gpu.name),
                          shown_integer(report->gpu.memory_total_mib).text, or_unknown(report->gpu.driver_version));
        page_pair(page, "nvidia-smi says", text);
    }
    page_end_pairs(page);
}

static const struct page_column TIMELINE_COLUMNS[] = {
    {"at", 10, true}, {"what", 32, false}, {"took", 10, true}, {"outcome", 18, false}};

static void timeline_row(struct page *page, int64_t at_us, const char *what, const char *took, const char *outcome)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], shown_seconds(at_us).text);
    (void)text_copy(row.cells[1], sizeof row.cells[1], what);
    (void)text_copy(row.cells[2], sizeof row.cells[2], took);
    (void)text_copy(row.cells[3], sizeof row.cells[3], outcome);
    page->style->row(page, &row);
}

static const char *poll_status(const struct report_poll *poll)
{
    if (poll->gone) {
        return "gone";
    }
    return poll->is_null ? "null" : poll->actual_status;
}

/* The number of polls from `first` on that saw the same. */
static size_t equal_polls(const struct report *report, size_t first)
{
    size_t count = 1;
    while (first + count < report->poll_count && report->polls[first + count].phase == report->polls[first].phase &&
           strcmp(poll_status(&report->polls[first]), poll_status(&report->polls[first + count])) == 0) {
        count++;
    }
    return count;
}

static void write_poll(struct page *page, const struct report *report, const struct report_phase *phase, size_t index)
{
    char what[REPORT_TEXT_SIZE];
    const struct report_poll *poll = &report->polls[index];
    (void)text_format(what, sizeof what, "├ poll %zu, after %s", index + 1, shown_seconds(poll->at_us).text);
    timeline_row(page, phase->start_us + poll->at_us, what, "", poll_status(poll));
}

/* Every poll has its row; of a long run of equal ones the middle is counted in one. */
static void write_polls(struct page *page, const struct report *report, const struct report_phase *phase)
{
    for (size_t first = 0; first < report->poll_count;) {
        size_t count = equal_polls(report, first);
        bool here = &report->phases[report->polls[first].phase] == phase;
        for (size_t i = 0; here && i < count; i++) {
            if (count > POLLS_SHOWN_WHOLE && i == POLLS_AT_ENDS) {
                char what[REPORT_TEXT_SIZE];
                size_t folded = count - (size_t)2 * POLLS_AT_ENDS;
                (void)text_format(what, sizeof what, "├ %zu more polls", folded);
                timeline_row(page, phase->start_us + report->polls[first + i].at_us, what, "",
                             poll_status(&report->polls[first]));
                i += folded;
            }
            write_poll(page, report, phase, first + i);
        }
        first += count;
    }
}

static void write_attempts(struct page *page, const struct report *report, const struct report_phase *phase)
{
    size_t number = 0;
    for (size_t i = 0; i < report->session_count; i++) {
        const struct report_session *session = &report->sessions[i];
        if (session->phase >= report->phase_count || &report->phases[session->phase] != phase) {
            continue;
        }
        char what[REPORT_TEXT_SIZE];
        (void)text_format(what, sizeof what, "├ SSH attempt %zu, after %s", ++number,
                          shown_seconds(session->at_us).text);
        timeline_row(page, phase->start_us + session->at_us, what, shown_seconds(session->duration_us).text,
                     session->outcome);
    }
}

void page_write_timeline(struct page *page, const struct report *report)
{
    if (report->phase_count == 0) {
        return;
    }
    page->style->section(page, "Timeline");
    page_begin_table(page, TIMELINE_COLUMNS, ARRAY_LENGTH(TIMELINE_COLUMNS));
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        char what[REPORT_TEXT_SIZE];
        (void)text_format(what, sizeof what, phase->extra && report_is_check(report) ? "(%s)" : "%s", phase->name);
        timeline_row(page, phase->start_us, what, shown_centiseconds(phase->shown_centiseconds).text, phase->outcome);
        write_polls(page, report, phase);
        if (strcmp(phase->name, PHASE_WAIT_SSH) == 0) {
            write_attempts(page, report, phase);
        }
    }
    page->style->end_table(page);
    page->style->paragraph(page, report_is_check(report)
                                     ? "Times count from the start of the first of the eight phases. What stands in "
                                       "parentheses is the client's own care, outside the eight and their total."
                                     : "Times count from the start of the run.");
}

/* A bar of the share; what took time at all shows at least half a block. */
static void draw_bar(char *out, size_t size, int64_t permille, int64_t longest_permille)
{
    struct buffer bar;
    buffer_init_fixed(&bar, out, size);
    int64_t halves = longest_permille > 0 ? permille * 2 * BAR_WIDTH / longest_permille : 0;
    halves = halves == 0 && permille > 0 ? 1 : halves;
    halves = halves < 0 ? 0 : halves;
    buffer_append_repeated(&bar, "█", (size_t)(halves / 2));
    buffer_append_text(&bar, halves % 2 == 1 ? "▌" : "");
}

static const struct page_column DISTRIBUTION_COLUMNS[] = {
    {"phase", 17, false}, {"seconds", 10, true}, {"share", 8, true}, {"", BAR_WIDTH, false}};

static void distribution_row(struct page *page, const char *name, int64_t centiseconds, int64_t permille,
                             int64_t longest_permille)
{
    struct page_row row;
    (void)text_copy(row.cells[0], sizeof row.cells[0], name);
    (void)text_copy(row.cells[1], sizeof row.cells[1], shown_centiseconds(centiseconds).text);
    (void)text_copy(row.cells[2], sizeof row.cells[2], shown_percent(permille).text);
    draw_bar(row.cells[3], sizeof row.cells[3], longest_permille > 0 ? permille : 0, longest_permille);
    page->style->row(page, &row);
}

void page_write_distribution(struct page *page, const struct report *report)
{
    const struct report_phase *bottleneck = report_bottleneck(report);
    if (bottleneck == NULL || !report_is_check(report)) {
        return;
    }
    page->style->section(page, "Time distribution");
    page_begin_table(page, DISTRIBUTION_COLUMNS, ARRAY_LENGTH(DISTRIBUTION_COLUMNS));
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (!phase->extra) {
            distribution_row(page, phase->name, phase->shown_centiseconds, phase->shown_permille,
                             bottleneck->shown_permille);
        }
    }
    distribution_row(page, "not itemised", report->unitemised_centiseconds, report->unitemised_permille,
                     bottleneck->shown_permille);
    distribution_row(page, "total", report->shown_total_centiseconds, report->total_us > 0 ? 1000 : 0, 0);
    page->style->end_table(page);
    char text[PAGE_CELL_SIZE];
    (void)text_format(text, sizeof text, "Bottleneck: %s, %s of the total.", bottleneck->name,
                      shown_percent(bottleneck->shown_permille).text);
    page->style->paragraph(page, text);
}

static const struct page_column VALIDATION_COLUMNS[] = {{"result", 8, false}, {"check", 66, false}};

void page_write_validations(struct page *page, const struct report *report)
{
    if (report->validation_count == 0) {
        return;
    }
    size_t passed = 0;
    page->style->section(page, "Validation");
    page_begin_table(page, VALIDATION_COLUMNS, ARRAY_LENGTH(VALIDATION_COLUMNS));
    for (size_t i = 0; i < report->validation_count; i++) {
        struct page_row row;
        passed += report->validations[i].passed ? 1 : 0;
        (void)text_copy(row.cells[0], sizeof row.cells[0], report->validations[i].passed ? "passed" : "FAILED");
        (void)text_copy(row.cells[1], sizeof row.cells[1], report->validations[i].name);
        page->style->row(page, &row);
    }
    page->style->end_table(page);
    char text[PAGE_CELL_SIZE];
    (void)text_format(text, sizeof text, "%zu of %zu passed.", passed, report->validation_count);
    page->style->paragraph(page, text);
}

void page_write_issues(struct page *page, const struct report *report)
{
    page->style->section(page, "Issues found");
    for (size_t i = 0; i < report->issue_count; i++) {
        char text[REPORT_SENTENCE_SIZE + 32];
        const struct report_issue *issue = &report->issues[i];
        if (issue->count > 1) {
            (void)text_format(text, sizeof text, "%s (%lld times)", issue->text, (long long)issue->count);
        } else {
            (void)text_copy(text, sizeof text, issue->text);
        }
        page->style->item(page, text);
    }
    if (report->issue_count == 0) {
        page->style->item(page, "none");
    }
    page->style->end_items(page);
}

/* The last lines of the report: nobody may miss what goes on costing money. */
void page_write_machines_left(struct page *page, const struct report *report)
{
    if (report->left_count == 0) {
        return;
    }
    page->style->section(page, "A machine is left and may be billing");
    for (size_t i = 0; i < report->left_count; i++) {
        char text[PAGE_CELL_SIZE];
        const struct report_left *left = &report->left[i];
        if (left->id_known) {
            (void)text_format(text, sizeof text, "%lld at %s, remove it with: %s", (long long)left->id,
                              shown_price(left->price_nusd_per_hour).text, left->command);
        } else {
            (void)text_format(text, sizeof text, "a machine may be left, label %s, at %s, remove it with: %s",
                              or_unknown(left->label), shown_price(left->price_nusd_per_hour).text, left->command);
        }
        page->style->alert(page, "MACHINE LEFT", text);
    }
}

static void write_page(struct page *page, const struct report *report, bool plots)
{
    page_write_head(page, report);
    page_write_resources(page, report);
    page_write_timeline(page, report);
    if (plots && report->phase_count > 0) {
        page->style->picture(page, "Timeline of the phases with each status poll", "timeline.svg");
    }
    page_write_distribution(page, report);
    if (plots && report_is_check(report)) {
        page->style->picture(page, "Seconds and share of each phase", "time_distribution.svg");
    }
    page_write_decisions(page, report);
    page_write_sightings(page, report);
    page_write_cost(page, report);
    page_write_comparison(page, report);
    page_write_validations(page, report);
    page_write_projection(page, report);
    page_write_issues(page, report);
    page_write_key_figures(page, report);
    page_write_viability(page, report);
    page_write_machines_left(page, report);
}

void report_write_text(const struct report *report, struct buffer *out)
{
    struct page page = {.out = out, .style = &PAGE_TEXT};
    write_page(&page, report, false);
}

void report_write_markdown(const struct report *report, bool plots, struct buffer *out)
{
    struct page page = {.out = out, .style = &PAGE_MARKDOWN};
    write_page(&page, report, plots);
}
