/*
 * Report folder: everything that is known of a run, as files: report.txt, report.md, report.json, run.log, history.jsonl, and the
 * plots with the values that they show.
 */
#ifndef CLI_REPORT_FOLDER_H
#define CLI_REPORT_FOLDER_H

#include "base/buffer.h"
#include "base/error.h"
#include "report/report.h"

/*
 * Writes the folder (made if need be; files that it has are replaced). Plots need gnuplot: without it they are left out, `plotted`
 * is false, and `error` says why, with ERR_OK returned all the same.
 */
MUST_USE enum error_code report_folder_write(struct heap *heap, const char *folder, const struct report *report,
                                             struct span history, const char *plots_folder, bool *plotted,
                                             struct error *error);

/* Draws the plots of a folder again from its values files. ERR_MISSING_TOOL, ERR_INPUT_UNREADABLE, ERR_CANNOT_WRITE. */
MUST_USE enum error_code report_folder_plot(struct heap *heap, const char *folder, const char *plots_folder,
                                            struct error *error);

#endif
