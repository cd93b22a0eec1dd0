#include "base/utf8.h"
#include "fakes/verdict/write.h"

enum { FINDINGS_IN_SHORT = 8, LABEL_SIZE = 64, NAME_SIZE = 256 };

static void write_headline(const struct verdict *verdict, struct buffer *out)
{
    size_t passed = 0;
    for (size_t i = 0; i < verdict->check_count; i++) {
        passed += verdict->checks[i].passed ? 1 : 0;
    }
    buffer_printf(out, "verdict: %s, %zu of %zu checks passed\n", verdict->passed ? "pass" : "FAIL", passed,
                  verdict->check_count);
}

static void write_check(const struct verdict_check *check, struct buffer *out)
{
    char wanted[SHOWN_SIZE];
    char found[SHOWN_SIZE];
    buffer_printf(out, "  %s  %-18s  wanted %s, found %s\n", check->passed ? "pass" : "FAIL", check->name,
                  shown_wanted(check, wanted), shown_value(check, check->found, found));
}

static void write_finding(const struct verdict_finding *finding, const char *indent, struct buffer *out)
{
    char text[VERDICT_TEXT_SIZE];
    clean_copy(text, sizeof text, finding->text);
    buffer_printf(out, "%s%s\n", indent, text);
}

void verdict_write_short(const struct verdict *verdict, struct buffer *out)
{
    write_headline(verdict, out);
    for (size_t i = 0; i < verdict->check_count; i++) {
        if (!verdict->checks[i].passed) {
            write_check(&verdict->checks[i], out);
        }
    }
    for (size_t i = 0; i < verdict->finding_count && i < FINDINGS_IN_SHORT; i++) {
        buffer_printf(out, "  found: %s: ", verdict_finding_title(verdict->findings[i].kind));
        write_finding(&verdict->findings[i], "", out);
    }
    if (verdict->finding_count > FINDINGS_IN_SHORT) {
        buffer_printf(out, "  and %zu more\n", verdict->finding_count - FINDINGS_IN_SHORT);
    }
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------- */

static void write_head(const struct verdict *verdict, struct buffer *out)
{
    const struct verdict_input *input = verdict->input;
    char name[NAME_SIZE];
    char seconds[SHOWN_SIZE];
    write_headline(verdict, out);
    clean_copy(name, sizeof name, input->scenario);
    buffer_printf(out, "scenario: %s\n", name);
    if (input->with_command) {
        clean_copy(name, sizeof name, input->command);
        buffer_printf(out, "command: %s, ended with %d\n", name, input->exit_status);
    }
    buffer_printf(out, "time: %s of the stage, which ran at ", shown_seconds(input->now_ns, seconds));
    decimal_append(out, input->speed_milli, 3, 0);
    buffer_append_text(out, " times real time; all times below are the stage's\n");
}

static void write_checks(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, "\nchecks\n");
    for (size_t i = 0; i < verdict->check_count; i++) {
        write_check(&verdict->checks[i], out);
    }
    for (size_t i = 0; i < verdict->not_judged_count; i++) {
        buffer_printf(out, "  -     %-18s  not to be seen from outside\n", verdict->not_judged[i]);
    }
}

static void write_findings(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, verdict->finding_count == 0 ? "\nfound: nothing\n" : "\nfound\n");
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct verdict_finding *finding = &verdict->findings[i];
        if (i == 0 || verdict->findings[i - 1].kind != finding->kind) {
            buffer_printf(out, "  %s (%llu)\n", verdict_finding_title(finding->kind),
                          (unsigned long long)verdict->found[finding->kind]);
        }
        write_finding(finding, "    ", out);
    }
}

static void write_machines(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, verdict->input->machine_count == 0 ? "\nmachines: none\n" : "\nmachines\n");
    for (size_t i = 0; i < verdict->input->machine_count; i++) {
        const struct verdict_machine *machine = &verdict->machines[i];
        const struct contract_view *view = machine->view;
        char label[LABEL_SIZE];
        char usd[SHOWN_SIZE];
        clean_copy(label, sizeof label, view->label);
        buffer_printf(out, "  %lld  %s%s%s", (long long)view->id, label, label[0] == '\0' ? "" : ", ",
                      shown_status(view));
        if (view->exists) {
            buffer_printf(out, ", %s per hour", shown_usd(view->intended_nusd_per_hour, usd));
        }
        buffer_printf(out, ", %s charged\n      the client %s%s\n", shown_usd(view->charged_nusd, usd),
                      verdict_belief_sentence(machine->belief),
                      machine->is_so ? ""
                      : view->exists ? "; but it exists"
                                     : "; but it is gone");
    }
    if (verdict->machines_left > 0) {
        char usd[SHOWN_SIZE];
        buffer_printf(out, "  left: %zu, together %s per hour\n", verdict->machines_left,
                      shown_usd(verdict->left_nusd_per_hour, usd));
    }
}

static void write_spread(const struct verdict_spread *spread, struct buffer *out)
{
    char least[SHOWN_SIZE];
    char median[SHOWN_SIZE];
    char most[SHOWN_SIZE];
    if (spread->count == 0) {
        buffer_append_text(out, "-");
        return;
    }
    buffer_printf(out, "%s / %s / %s", shown_seconds(spread->least_ns, least), shown_seconds(spread->median_ns, median),
                  shown_seconds(spread->most_ns, most));
}

static void write_group(const struct verdict_group *group, struct buffer *out)
{
    buffer_append_text(out, "      ");
    shown_group(group, out);
    if (group->pauses.count > 0) {
        buffer_append_text(out, "; pauses ");
        write_spread(&group->pauses, out);
        buffer_append_text(out, "; ");
        shown_group_pace(group, out);
    }
    buffer_append_char(out, '\n');
}

static void write_endpoint(const struct verdict *verdict, const struct verdict_endpoint *endpoint, struct buffer *out)
{
    char storage[SHOWN_SIZE];
    buffer_printf(out, "  %s: %llu request%s", endpoint->name, (unsigned long long)endpoint->requests,
                  endpoint->requests == 1 ? "" : "s");
    for (size_t i = 0; i < endpoint->outcome_count; i++) {
        buffer_printf(out, "%s%s x%llu", i == 0 ? ": " : ", ", shown_outcome(&endpoint->outcomes[i], storage),
                      (unsigned long long)endpoint->outcomes[i].count);
    }
    if (endpoint->spacing.count > 0) {
        buffer_append_text(out, "; spacing ");
        write_spread(&endpoint->spacing, out);
    }
    if (endpoint->broken > 0) {
        buffer_printf(out, "; %llu too soon", (unsigned long long)endpoint->broken);
    }
    buffer_append_char(out, '\n');
    for (size_t i = 0; i < endpoint->groups; i++) {
        write_group(&verdict->groups[endpoint->first_group + i], out);
    }
    if (endpoint->group_count > endpoint->groups) {
        buffer_printf(out, "      and %llu groups more\n",
                      (unsigned long long)(endpoint->group_count - endpoint->groups));
    }
}

void verdict_write_text(const struct verdict *verdict, struct buffer *out)
{
    const struct verdict_input *input = verdict->input;
    char usd[SHOWN_SIZE];
    write_head(verdict, out);
    write_checks(verdict, out);
    write_findings(verdict, out);
    write_machines(verdict, out);
    buffer_append_text(out, "\nrequests and retries (times: least / median / most)\n");
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        write_endpoint(verdict, &verdict->endpoints[i], out);
    }
    if (verdict->endpoint_count == 0) {
        buffer_append_text(out, "  none\n");
    }
    if (input->forgotten > 0) {
        buffer_printf(out, "  and %llu older ones that are not judged\n", (unsigned long long)input->forgotten);
    }
    buffer_printf(out, "\nmoney: charged %s", shown_usd(input->charged_nusd, usd));
    buffer_printf(out, ", credit %s\n", shown_usd(input->credit_nusd, usd));
}
