/*
 * dumont-sim's command line: its values and commands.
 */
#ifndef SIM_CLI_SIM_CLI_H
#define SIM_CLI_SIM_CLI_H

#include "cli/check_options.h"
#include "cli/frame.h"
#include "report/report.h"
#include "sim/rehearsal.h"

/* What was given; NULL, -1 or false where nothing was. */
struct sim_values {
    const char *recording;
    const char *report_dir;
    const char *history;
    int64_t seed;
    int64_t run;
    int64_t kill_at;
    int64_t interrupt_at;
    int64_t fail_allocation;
    bool fail_all_later_allocations;
    bool expect;
    bool json;
    bool quiet;
    struct check_values check;
};

enum exit_status sim_run(void *context, const struct command_line *line);
enum exit_status sim_plot(void *context, const struct command_line *line);

/* ---- Expectations ------------------------------------------------------------------------------------------------------- */

/* Compares; says each difference on standard error. True when there is none. */
bool expectation_met(const struct expectation *expect, const struct rehearsal_result *result,
                     const struct report *report);

#endif
