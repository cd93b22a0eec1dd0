#include "fakes/verdict/write.h"

static void attribute(struct buffer *out, const char *name, const char *value)
{
    buffer_printf(out, " %s=\"", name);
    markup_text(out, span_of(value));
    buffer_append_char(out, '"');
}

static void write_check(const struct verdict *verdict, const struct verdict_check *check, struct buffer *out)
{
    char wanted[SHOWN_SIZE];
    char found[SHOWN_SIZE];
    char text[2 * SHOWN_SIZE + 64];
    buffer_append_text(out, "    <testcase");
    attribute(out, "classname", verdict->input->scenario);
    attribute(out, "name", check->name);
    if (check->passed) {
        buffer_append_text(out, "/>\n");
        return;
    }
    (void)text_format(text, sizeof text, "%s: wanted %s, found %s", check->name, shown_wanted(check, wanted),
                      shown_value(check, check->found, found));
    buffer_append_text(out, ">\n      <failure");
    attribute(out, "type", check->by_scenario ? "expect" : "always");
    attribute(out, "message", text);
    buffer_append_text(out, "/>\n    </testcase>\n");
}

static void write_skipped(const struct verdict *verdict, const char *name, struct buffer *out)
{
    buffer_append_text(out, "    <testcase");
    attribute(out, "classname", verdict->input->scenario);
    attribute(out, "name", name);
    buffer_append_text(out, ">\n      <skipped message=\"not to be seen from outside\"/>\n    </testcase>\n");
}

static void write_found(const struct verdict *verdict, struct buffer *out)
{
    buffer_append_text(out, "    <system-out>");
    for (size_t i = 0; i < verdict->finding_count; i++) {
        markup_text(out, span_of(verdict_finding_title(verdict->findings[i].kind)));
        buffer_append_text(out, ": ");
        markup_text(out, span_of(verdict->findings[i].text));
        buffer_append_char(out, '\n');
    }
    buffer_append_text(out, "</system-out>\n");
}

void verdict_write_junit(const struct verdict *verdict, struct buffer *out)
{
    size_t failures = 0;
    for (size_t i = 0; i < verdict->check_count; i++) {
        failures += verdict->checks[i].passed ? 0 : 1;
    }
    buffer_append_text(out,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dumont-fake\">\n  <testsuite");
    attribute(out, "name", verdict->input->scenario);
    buffer_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"",
                  verdict->check_count + verdict->not_judged_count, failures, verdict->not_judged_count);
    decimal_append_rounded(out, verdict->input->now_ns, 9, 3);
    buffer_append_text(out, "\">\n");
    for (size_t i = 0; i < verdict->check_count; i++) {
        write_check(verdict, &verdict->checks[i], out);
    }
    for (size_t i = 0; i < verdict->not_judged_count; i++) {
        write_skipped(verdict, verdict->not_judged[i], out);
    }
    write_found(verdict, out);
    buffer_append_text(out, "  </testsuite>\n</testsuites>\n");
}
