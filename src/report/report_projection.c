#include <string.h>

#include "base/units.h"
#include "report/report_parts.h"

#define SECONDS(n) ((n) * (NS_PER_S / NS_PER_US))

enum step { STEP_DETECT, STEP_PROVISION, STEP_SSH, STEP_RESTORE };

/* Ranges that the document of the recorded run quotes; no run of it stands behind them. */
static const struct report_projection_step QUOTED_STEPS[REPORT_PROJECTION_STEPS] = {
    [STEP_DETECT] = {.name = "detect",
                     .quoted_low_us = SECONDS(10),
                     .quoted_high_us = SECONDS(30),
                     .note = "no detection was ever measured"},
    [STEP_PROVISION] = {.name = "provision",
                        .quoted_low_us = SECONDS(60),
                        .quoted_high_us = SECONDS(90),
                        .note = "create_instance and wait_running of this run"},
    [STEP_SSH] = {.name = "ssh",
                  .quoted_low_us = SECONDS(10),
                  .quoted_high_us = SECONDS(15),
                  .note = "wait_ssh of this run"},
    [STEP_RESTORE] = {.name = "restore",
                      .quoted_low_us = SECONDS(30),
                      .quoted_high_us = SECONDS(60),
                      .note = "no restore was ever measured"},
};

const char *step_provenance_name(enum step_provenance provenance)
{
    static const char *const names[] = {
        [STEP_MEASURED] = "measured",
        [STEP_REPLAYED] = "replayed",
        [STEP_ASSUMED] = "assumed",
        [STEP_QUOTED] = "quoted",
    };
    return names[provenance];
}

int64_t step_sample_size(enum step_provenance provenance)
{
    return provenance == STEP_MEASURED || provenance == STEP_REPLAYED ? 1 : 0;
}

bool report_time_is_assumed(const char *from)
{
    return from[0] != '\0' && strcmp(from, "measured") != 0 && strcmp(from, "derived") != 0;
}

/*
 * What a time of this run is worth: a fake cloud repeats a recording, or what somebody chose. `from` is what the history says of
 * it; older histories say nothing, and the name of what the times come from has to do.
 */
static enum step_provenance provenance_of(const struct report *report, const char *from)
{
    if (strcmp(report->world, "live") == 0) {
        return STEP_MEASURED;
    }
    if (from[0] != '\0') {
        return report_time_is_assumed(from) ? STEP_ASSUMED : STEP_REPLAYED;
    }
    bool chosen = strcmp(report->timing, "scenario") == 0 || strcmp(report->timing, "defaults") == 0;
    return chosen || report->timing[0] == '\0' ? STEP_ASSUMED : STEP_REPLAYED;
}

static const struct report_phase *succeeded(const struct report *report, const char *name)
{
    const struct report_phase *phase = report_phase(report, name);
    return phase != NULL && strcmp(phase->outcome, "ok") == 0 ? phase : NULL;
}

static void take_from_run(struct report_projection_step *step, int64_t duration_us, enum step_provenance provenance,
                          const char *note_when_assumed)
{
    step->low_us = duration_us;
    step->high_us = duration_us;
    step->provenance = provenance;
    step->note = provenance == STEP_ASSUMED ? note_when_assumed : step->note;
}

static void add_up(struct report *report)
{
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        const struct report_projection_step *step = &report->projection[i];
        report->projection_low_us = saturating_add(report->projection_low_us, step->low_us);
        report->projection_high_us = saturating_add(report->projection_high_us, step->high_us);
        report->quoted_low_us += step->quoted_low_us;
        report->quoted_high_us += step->quoted_high_us;
    }
    int64_t price = int64_or(report->offer.price_nusd_per_hour, 0);
    report->projection_low_nusd = scale_rounded(price, report->projection_low_us, NS_PER_HOUR / NS_PER_US);
    report->projection_high_nusd = scale_rounded(price, report->projection_high_us, NS_PER_HOUR / NS_PER_US);
    report->quoted_low_nusd = scale_rounded(price, report->quoted_low_us, NS_PER_HOUR / NS_PER_US);
    report->quoted_high_nusd = scale_rounded(price, report->quoted_high_us, NS_PER_HOUR / NS_PER_US);
}

void report_fill_projection(struct report *report)
{
    for (size_t i = 0; i < REPORT_PROJECTION_STEPS; i++) {
        struct report_projection_step *step = &report->projection[i];
        *step = QUOTED_STEPS[i];
        step->low_us = step->quoted_low_us;
        step->high_us = step->quoted_high_us;
        step->provenance = STEP_QUOTED;
    }
    const struct report_phase *create = succeeded(report, PHASE_CREATE);
    const struct report_phase *running = succeeded(report, PHASE_WAIT_RUNNING);
    const struct report_phase *ssh = succeeded(report, PHASE_WAIT_SSH);
    if (create != NULL && running != NULL) {
        take_from_run(&report->projection[STEP_PROVISION], saturating_add(create->duration_us, running->duration_us),
                      provenance_of(report, report->boot_from),
                      "nothing measured stands behind create_instance and wait_running of this run");
    }
    if (ssh != NULL) {
        take_from_run(&report->projection[STEP_SSH], ssh->duration_us, provenance_of(report, report->ssh_from),
                      "nothing measured stands behind wait_ssh of this run");
    }
    if (create == NULL || running == NULL) {
        report->projection[STEP_PROVISION].note = "this run did not get that far";
    }
    if (ssh == NULL) {
        report->projection[STEP_SSH].note = "this run did not get that far";
    }
    add_up(report);
}
