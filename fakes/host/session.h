/*
 * What a session's shell remembers, between host.c, which runs it, and session.c, which keeps it.
 */
#ifndef FAKES_HOST_SESSION_H
#define FAKES_HOST_SESSION_H

#include "fakes/host/shell.h"

/* Makes a shell that was just started what it was at the end of the last line. False: dead. */
MUST_USE bool session_restore(const struct host_session *session, struct shell *shell);

/* Remembers what it is now. */
void session_keep(struct host_session *session, struct shell *shell, int status);

#endif
