/*
 * Frame: what every program of ours does around its commands: parse the command line, answer --help and its like, say errors in
 * one form, and end with the documented exit status.
 */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/options.h"

/* The section "Exit status" of a program's help, for its list of sections. */
#define EXIT_STATUS_SECTION                                                                                            \
    {                                                                                                                  \
        "Exit status", exit_status_rows, EXIT_STATUS_ROW_COUNT                                                         \
    }
enum { EXIT_STATUS_ROW_COUNT = 10 };
extern const struct help_row exit_status_rows[EXIT_STATUS_ROW_COUNT];

/* Parses, answers or runs. `values` is the program's struct of options, `context` what its commands get. */
int frame_main(const struct program *program, int argc, char **argv, void *values, void *context);

/* For programs that hold a secret: no core of them is written. */
void frame_allow_no_core(void);

/* "NAME: message" and, where there is one, "  next: …" on standard error. Returns the error's exit status. */
enum exit_status say_error(const char *program_name, const struct error *error);

/* One line on standard error. */
void say(const char *program_name, const char *format, ...) PRINTF_LIKE(2, 3);

/* Writes to standard output; ERR_CANNOT_WRITE when that fails (a closed pipe, a full disk). */
MUST_USE enum error_code print_text(struct span text, struct error *error);

#endif
