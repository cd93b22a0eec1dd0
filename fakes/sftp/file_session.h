/*
 * File session: an SFTP or scp server as a state machine: bytes in, bytes out, over a file service.
 *
 *     input -> taken as far as there is room -> requests, answered in order -> output, until it was sent
 *
 * Pure. What comes in is not trusted: a packet that is malformed or longer than SFTP_PACKET_MAX ends the session. When the
 * output is not fetched, input is no longer taken. Memory: two packets, the output, SFTP_HANDLES_MAX handles; when it is gone,
 * the session ends.
 */
#ifndef FAKES_SFTP_FILE_SESSION_H
#define FAKES_SFTP_FILE_SESSION_H

#include "base/buffer.h"
#include "base/heap.h"
#include "fakes/host/file_service.h"

enum {
    SFTP_PACKET_MAX = 256 * 1024,     /* behind the length; what OpenSSH allows */
    SFTP_DATA_MAX = 255 * 1024,       /* of one read or write, told by limits@openssh.com */
    SFTP_HANDLES_MAX = 256,           /* open at the same time; one more is refused */
    SFTP_OUTPUT_FULL = 256 * 1024,    /* beyond, no request is answered until output was sent */
    FILE_SESSION_STATUS_BROKEN = 255, /* exit status after a malformed packet, as sftp-server's */
};

struct file_session;

/* An SFTP server. `context` is the service's; both outlive the session. NULL: no memory. */
MUST_USE struct file_session *sftp_session_new(struct heap *heap, const struct file_service *service, void *context);

/* What `scp -t` and `scp -f` were told. */
struct scp_options {
    bool sink; /* -t: it receives; else -f: it sends */
    bool recursive, preserve, target_is_directory;
    const char *const *paths; /* what to send, or the one target; copied */
    size_t path_count;
};

/* The old protocol's remote side. As sftp_session_new(). */
MUST_USE struct file_session *scp_session_new(struct heap *heap, const struct file_service *service, void *context,
                                              const struct scp_options *options);

/* Closes what is open in the service. NULL is allowed. */
void file_session_free(struct file_session *session);

/* How many of the bytes were taken; offer the rest again when output was sent. */
MUST_USE size_t file_session_input(struct file_session *session, struct span bytes);

/* No input will come any more. What is in work is still answered. */
void file_session_end_input(struct file_session *session);

/* What is to be sent, valid until the next call; and how much of it was. */
struct span file_session_output(const struct file_session *session);
void file_session_sent(struct file_session *session, size_t size);

/* True when nothing will come any more and all was sent. Then it has an exit status. */
bool file_session_is_over(const struct file_session *session);
int file_session_status(const struct file_session *session);

#endif
