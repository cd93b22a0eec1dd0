/*
 * Verdict report: collects what a stage saw of its client, has it judged (fakes/verdict), and writes the verdict into a folder.
 */
#ifndef FAKES_FRONT_VERDICT_REPORT_H
#define FAKES_FRONT_VERDICT_REPORT_H

#include "fakes/front/journal.h"
#include "fakes/front/stage_server.h"
#include "fakes/verdict/verdict.h"

/* What was collected; all of it on the stage's heap, and what texts it borrows is the journal's and the market's. */
struct verdict_report {
    struct heap *heap;
    struct verdict_input input;
    struct verdict_request *requests;
    struct contract_view *machines;
    struct verdict *verdict;
};

/* What ended, when something did: `command` is its name, NULL for a stage that stood alone. */
struct verdict_end {
    const char *command;
    int exit_status;
};

/* Judges the stage as it is now; it must not change before the verdict is released. ERR_NO_MEMORY. Released also after a failure. */
MUST_USE enum error_code verdict_report_make(struct verdict_report *report, const struct stage_server *stage,
                                             const struct journal *journal, const struct verdict_end *end,
                                             struct error *error);
void verdict_report_release(struct verdict_report *report);

/* Writes verdict.txt, verdict.json, verdict.xml and verdict.html, each at once. ERR_CANNOT_WRITE, ERR_NO_MEMORY. */
MUST_USE enum error_code verdict_report_write(const struct verdict_report *report, const char *folder,
                                              struct error *error);

#endif
