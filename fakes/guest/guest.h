/*
 * Guest: the program of ours that runs inside a sandboxed machine. Its first argument says as what.
 */
#ifndef FAKES_GUEST_GUEST_H
#define FAKES_GUEST_GUEST_H

#include "base/heap.h"
#include "fakes/sftp/file_session.h"

/* Serves a session on standard input and output until it is over. NULL counts as out of memory. Returns the exit status. */
int guest_serve(struct heap *heap, struct file_session *session);

/* An SFTP server on standard input and output, with the files that this process sees. Returns the exit status. */
int guest_sftp_server(struct heap *heap);

#endif
