#include <string.h>

#include "base/units.h"
#include "report/report.h"

/* A value of a tab-separated file: gnuplot takes quotes and tabs for marks. */
static void append_field(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buffer_append_char(out, *text == '\t' || *text == '"' || *text == '\\' ? ' ' : *text);
    }
}

static void append_row(struct buffer *out, const char *row, const char *name, int64_t start_us, int64_t duration_us,
                       const char *state)
{
    buffer_append_text(out, row);
    buffer_append_char(out, '\t');
    append_field(out, name);
    buffer_append_char(out, '\t');
    decimal_append(out, start_us, 6, 6);
    buffer_append_char(out, '\t');
    decimal_append(out, duration_us, 6, 6);
    buffer_append_char(out, '\t');
    append_field(out, state[0] == '\0' ? "?" : state);
    buffer_append_char(out, '\n');
}

static void append_polls(const struct report *report, const struct report_phase *phase, struct buffer *out)
{
    for (size_t i = 0; i < report->poll_count; i++) {
        const struct report_poll *poll = &report->polls[i];
        const char *status = poll->gone ? "gone" : poll->is_null ? "null" : poll->actual_status;
        if (&report->phases[poll->phase] != phase) {
            continue;
        }
        append_row(out, "poll", phase->name, phase->start_us + poll->at_us, 0, status);
    }
}

static void append_attempts(const struct report *report, size_t phase, struct buffer *out)
{
    for (size_t i = 0; i < report->session_count; i++) {
        const struct report_session *session = &report->sessions[i];
        if (session->phase == phase) {
            append_row(out, "ssh", report->phases[phase].name, report->phases[phase].start_us + session->at_us,
                       session->duration_us, session->outcome);
        }
    }
}

void report_write_timeline_values(const struct report *report, struct buffer *out)
{
    buffer_append_text(out, "# row\tphase\tstart (s)\tduration (s)\toutcome or status\n");
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (phase->extra) {
            continue;
        }
        append_row(out, "phase", phase->name, phase->start_us, phase->duration_us, phase->outcome);
        append_polls(report, phase, out);
        if (strcmp(phase->name, PHASE_WAIT_SSH) == 0) {
            append_attempts(report, i, out);
        }
    }
}

static void append_share(struct buffer *out, const char *name, int64_t duration_us, int64_t centiseconds,
                         int64_t permille, bool bottleneck)
{
    append_field(out, name);
    buffer_append_char(out, '\t');
    decimal_append(out, duration_us, 6, 6);
    buffer_append_char(out, '\t');
    decimal_append(out, centiseconds, 2, 2);
    buffer_append_char(out, '\t');
    decimal_append(out, permille, 1, 1);
    buffer_append_text(out, bottleneck ? "\t1\n" : "\t0\n");
}

void report_write_distribution_values(const struct report *report, struct buffer *out)
{
    const struct report_phase *bottleneck = report_bottleneck(report);
    buffer_append_text(out, "# phase\tduration (s)\tshown (s)\tshare (percent)\tbottleneck (0 or 1)\n");
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (!phase->extra) {
            append_share(out, phase->name, phase->duration_us, phase->shown_centiseconds, phase->shown_permille,
                         phase == bottleneck);
        }
    }
    append_share(out, "not itemised", report->unitemised_us, report->unitemised_centiseconds,
                 report->unitemised_permille, false);
}
