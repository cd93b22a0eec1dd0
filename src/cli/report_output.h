/*
 * Report output: a run's report as a command was asked for it: into a folder, and onto standard output.
 */
#ifndef CLI_REPORT_OUTPUT_H
#define CLI_REPORT_OUTPUT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "report/report.h"

struct report_output {
    const char *program_name; /* of what is said on standard error */
    const char *folder;       /* NULL: none is written */
    bool json;                /* on standard output: report.json; else */
    bool markdown;            /* report.md, without plots; else report.txt */
    bool quiet;               /* no text on standard output, and no word of the folder */
};

/* Plots that cannot be drawn are told on standard error, and are no failure. ERR_NO_MEMORY, ERR_CANNOT_WRITE and like. */
MUST_USE enum error_code report_output_write(struct heap *heap, const struct report_output *output,
                                             const struct report *report, struct span history, struct error *error);

/* On standard error: why the run failed and what may be done; then, as the very last lines, each machine that is left. */
void report_say_end(const char *program_name, const struct report *report);

#endif
