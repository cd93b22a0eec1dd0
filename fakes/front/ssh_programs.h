/*
 * The modelled host's programs, each made from its request; NULL when memory is gone.
 */
#ifndef FAKES_FRONT_SSH_PROGRAMS_H
#define FAKES_FRONT_SSH_PROGRAMS_H

#include "fakes/front/ssh_program.h"

/* Runs a command. */
struct channel_program *ssh_command_program(const struct channel_request *request);

/* Serves SFTP, or is the remote side of an scp; NULL also when the request is for something else. */
struct channel_program *ssh_files_program(const struct channel_request *request);

/* Reads commands line by line and runs each; prompts when there is a terminal. */
struct channel_program *ssh_shell_program(const struct channel_request *request);

#endif
