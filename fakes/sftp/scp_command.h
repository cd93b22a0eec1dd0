/*
 * scp as a command: `ssh HOST scp -t -- 'some path'` begins a session of the old protocol on a modelled host.
 */
#ifndef FAKES_SFTP_SCP_COMMAND_H
#define FAKES_SFTP_SCP_COMMAND_H

#include "fakes/host/host_files.h"
#include "fakes/sftp/file_session.h"

/* The session, or NULL: the command is something else (host_run() is right), or memory is gone. Words are the shell's to expand. */
MUST_USE struct file_session *scp_session_for_command(struct heap *heap, struct host_files *files, struct span command);

#endif
