#include "fakes/verdict/page.h"

void page_text(struct buffer *out, const char *text)
{
    markup_text(out, span_of(text));
}

void page_begin_table(struct buffer *out, const char *name)
{
    buffer_printf(out, "<div class=\"card\" role=\"region\" aria-label=\"%s\" tabindex=\"0\"><table>", name);
}

static void write_head(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(
        out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    buffer_append_text(out, verdict->passed ? "pass: " : "fail: ");
    page_text(out, verdict->input->scenario);
    buffer_append_text(out, "</title>\n<style>\n");
    buffer_append_text(out, page_style_frame);
    buffer_append_text(out, page_style_parts);
    buffer_append_text(out, "</style></head><body><main>\n");
}

static void write_title(const struct verdict *verdict, struct buffer *out)
{
    const struct verdict_input *input = verdict->input;
    const char *class = verdict->passed ? "good" : "bad";
    char seconds[SHOWN_SIZE];
    buffer_printf(out, "<header class=\"%s\"><div class=\"stamp %s\">%s</div><div><h1>", class, class,
                  verdict->passed ? "PASS" : "FAIL");
    page_text(out, input->scenario);
    buffer_append_text(out, "</h1><p class=\"soft\">");
    if (input->with_command) {
        buffer_append_text(out, "<code>");
        page_text(out, input->command);
        buffer_printf(out, "</code> ended with %d after ", input->exit_status);
    }
    buffer_printf(out, "%s of the stage, at ", shown_seconds(input->now_ns, seconds));
    decimal_append(out, input->speed_milli, 3, 0);
    buffer_append_text(out, " times real time</p></div></header>\n");
}

static void write_tile(struct buffer *out, const char *class, const char *value, const char *what)
{
    buffer_printf(out, "<div class=\"tile %s\"><b>%s</b><span>%s</span></div>", class, value, what);
}

static void write_count(struct buffer *out, const char *class_if_any, uint64_t count, const char *what)
{
    char value[SHOWN_SIZE];
    (void)text_format(value, sizeof value, "%llu", (unsigned long long)count);
    write_tile(out, count > 0 ? class_if_any : "", value, what);
}

static void write_tiles(const struct verdict *verdict, struct buffer *out)
{
    char usd[SHOWN_SIZE];
    char what[2 * SHOWN_SIZE];
    buffer_append_text(out, "<div class=\"tiles\">");
    (void)text_format(what, sizeof what, "machines left, %s per hour", shown_usd(verdict->left_nusd_per_hour, usd));
    write_count(out, "bad", verdict->machines_left, verdict->machines_left > 0 ? what : "machines left");
    write_count(out, "", verdict->input->machine_count, "machines created");
    write_count(out, "bad", verdict->creates_doubled, "creates doubled");
    write_count(out, "poor", verdict->rate_limits_broken, "requests too soon");
    write_count(out, "", verdict->input->request_count, "requests");
    write_tile(out, "", shown_usd(verdict->input->charged_nusd, usd), "charged");
    buffer_append_text(out, "</div>\n");
}

static void write_checks(const struct verdict *verdict, struct buffer *out)
{
    char wanted[SHOWN_SIZE];
    char found[SHOWN_SIZE];
    buffer_append_text(out, "<h2>Checks</h2>");
    page_begin_table(out, "Checks");
    buffer_append_text(out, "<thead><tr><th width=\"100\">result</th><th>check</th><th>wanted</th><th>found</th>"
                            "<th>asked for</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < verdict->check_count; i++) {
        const struct verdict_check *check = &verdict->checks[i];
        buffer_printf(out,
                      "<tr><td><span class=\"pill %s\">%s</span></td><td "
                      "class=\"mono\">%s</td><td>%s</td><td>%s</td><td class=\"soft\">%s</td></tr>\n",
                      check->passed ? "good" : "bad", check->passed ? "pass" : "fail", check->name,
                      shown_wanted(check, wanted), shown_value(check, check->found, found),
                      check->by_scenario ? "by the scenario" : "of everybody");
    }
    for (size_t i = 0; i < verdict->not_judged_count; i++) {
        buffer_printf(out,
                      "<tr><td><span class=\"pill none\">skipped</span></td><td class=\"mono\">%s</td><td "
                      "colspan=\"3\" class=\"soft\">not to be seen from outside</td></tr>\n",
                      verdict->not_judged[i]);
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

static void write_findings(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, "<h2>What was found</h2><div class=\"card\">");
    if (verdict->finding_count == 0) {
        buffer_append_text(out, "<div class=\"finding\"><b>Nothing</b><p class=\"soft\">No machine left, none doubled, "
                                "all read back.</p></div>");
    }
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct verdict_finding *finding = &verdict->findings[i];
        bool is_first = i == 0 || verdict->findings[i - 1].kind != finding->kind;
        buffer_append_text(out, "<div class=\"finding\"><b>");
        page_text(out, is_first ? verdict_finding_title(finding->kind) : "");
        buffer_append_text(out, "</b><p>");
        page_text(out, finding->text);
        buffer_append_text(out, "</p></div>");
    }
    buffer_append_text(out, "</div>\n");
}

static void write_machine(const struct verdict_machine *machine, struct buffer *out)
{
    const struct contract_view *view = machine->view;
    char usd[SHOWN_SIZE];
    buffer_printf(out, "<tr><td class=\"mono\">%lld</td><td class=\"label\">", (long long)view->id);
    page_text(out, view->label);
    buffer_append_text(out, view->label[0] == '\0' ? "<span class=\"soft\">&ndash;</span></td><td>The client "
                                                   : "</td><td>The client ");
    page_text(out, verdict_belief_sentence(machine->belief));
    buffer_printf(out, ".</td><td class=\"nowrap\"><span class=\"pill %s\">%s</span></td><td class=\"number\">%s</td>",
                  view->exists     ? "bad"
                  : machine->is_so ? "good"
                                   : "poor",
                  shown_status(view), view->exists ? shown_usd(view->intended_nusd_per_hour, usd) : "&ndash;");
    buffer_printf(out, "<td class=\"number\">%s</td></tr>\n", shown_usd(view->charged_nusd, usd));
}

static void write_machines(const struct verdict *verdict, struct buffer *out)
{
    if (verdict->input->machine_count == 0) {
        return;
    }
    buffer_append_text(out, "<h2>What it believed, and what was so</h2>");
    page_begin_table(out, "What it believed, and what was so");
    buffer_append_text(
        out, "<thead><tr><th>machine</th><th>label</th><th>belief, seen from outside</th>"
             "<th>truth</th><th class=\"number\">per hour</th><th class=\"number\">charged</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < verdict->input->machine_count; i++) {
        write_machine(&verdict->machines[i], out);
    }
    buffer_append_text(out, "</tbody></table></div>\n");
}

static void write_foot(const struct verdict *verdict, struct buffer *out)
{
    const struct verdict_input *input = verdict->input;
    char usd[SHOWN_SIZE];
    char seconds[SHOWN_SIZE];
    buffer_printf(out,
                  "<p class=\"soft\">Times are the stage's. Pauses that differ by less than a fiftieth and %s count as "
                  "the same. Credit at the end: ",
                  shown_seconds(verdict->tolerance_ns, seconds));
    buffer_printf(out, "%s.", shown_usd(input->credit_nusd, usd));
    if (input->forgotten > 0) {
        buffer_printf(out, " %llu older requests are not judged.", (unsigned long long)input->forgotten);
    }
    buffer_append_text(out, "</p>\n</main></body></html>\n");
}

void verdict_write_html(const struct verdict *verdict, struct buffer *out)
{
    write_head(verdict, out);
    write_title(verdict, out);
    write_tiles(verdict, out);
    write_checks(verdict, out);
    write_findings(verdict, out);
    write_machines(verdict, out);
    page_timeline(verdict, out);
    page_endpoints(verdict, out);
    page_journal(verdict, out);
    write_foot(verdict, out);
}
