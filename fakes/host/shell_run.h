/*
 * The two halves of the evaluator: shell_run.c (lists, pipelines, compound commands) and shell_simple.c (simple commands).
 */
#ifndef FAKES_HOST_SHELL_RUN_H
#define FAKES_HOST_SHELL_RUN_H

#include "fakes/host/shell.h"

int shell_run_command(struct shell *shell, const struct shell_command *command);
int shell_run_simple(struct shell *shell, const struct shell_command *command);

/* True when the commands at hand are being left: exit, break, return, or a dead run. */
bool shell_is_leaving(const struct shell *shell);

#endif
