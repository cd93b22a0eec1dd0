/*
 * Run: the stage as a program: sets it, lets the command or the signals decide how long it stands, and tells what it saw.
 */
#ifndef FAKES_CLI_RUN_H
#define FAKES_CLI_RUN_H

#include "fakes/cli/fake_cli.h"

/* `argv` is the command, NULL-terminated; empty: none. */
enum exit_status fake_run(const struct fake_values *values, char *const argv[]);

#endif
