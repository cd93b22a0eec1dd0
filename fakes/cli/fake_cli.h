/*
 * dumont-fake's command line: its values, what it says, and its command.
 */
#ifndef FAKES_CLI_FAKE_CLI_H
#define FAKES_CLI_FAKE_CLI_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/options.h"

#define FAKE_NAME "dumont-fake"

enum switch_word { SWITCH_ON, SWITCH_OFF };
enum host_word { HOST_MODELLED, HOST_SANDBOXED };

/* What was given; NULL, -1 or false where nothing was. */
struct fake_values {
    const char *scenario;
    const char *recording;
    int64_t seed;
    int64_t speed_milli;
    const char *offers;
    struct option_texts faults;
    int64_t vast_port, b2_port, control_port; /* 0: the kernel's choice */
    const char *data;
    const char *tls_cert, *tls_key;
    int legacy_list; /* enum switch_word */
    int rate_limits; /* enum switch_word */
    bool no_ssh;
    int64_t ssh_keepalive_ns; /* 0: none */
    int host;                 /* enum host_word */
    const char *history;
    const char *ready_file;
    const char *env_file;
    const char *report_dir;
    bool expect;
    bool json;
};

/* "dumont-fake: message" and, where there is one, "  next: ..." on standard error. Returns the error's exit status. */
enum exit_status fake_say(const struct error *error);

/* Prints what was written to `text`. Returns EXIT_DONE, or says why not (no memory, a closed pipe, a full disk). */
enum exit_status fake_print(const struct buffer *text);

/* `dumont-fake faults [--json]`: the catalogue. */
enum exit_status fake_faults(void *context, const struct command_line *line);

/* `dumont-fake switches [--json]`: what a scenario's `market` may say. */
enum exit_status fake_switches(void *context, const struct command_line *line);

#endif
