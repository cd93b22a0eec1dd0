/*
 * The inside of a file session, shared by the files of this folder.
 */
#ifndef FAKES_SFTP_SESSION_H
#define FAKES_SFTP_SESSION_H

#include "fakes/sftp/file_session.h"
#include "fakes/sftp/sftp_wire.h"

struct file_session_kind {
    size_t (*input)(struct file_session *session, struct span bytes);
    void (*resume)(struct file_session *session); /* there is room in the output again */
    void (*end_input)(struct file_session *session);
    void (*release)(struct file_session *session);
};

/* The first member of every session. */
struct file_session {
    const struct file_session_kind *kind;
    struct heap *heap;
    const struct file_service *service;
    void *context;
    struct buffer out;
    size_t sent;
    bool input_ended;
    bool ended; /* nothing more will be answered */
    int status;
};

/* False: the session has too much unsent output to answer more. */
bool session_has_room(const struct file_session *session);

/* Ends it with that status; what was answered is still sent. */
void session_end(struct file_session *session, int status);

/* ---- SFTP ---- */

struct sftp_handle {
    void *object; /* the service's file or directory; NULL: free */
    bool is_directory;
    uint32_t generation; /* of the slot: a handle that was closed is never valid again */
};

struct sftp_session {
    struct file_session base;
    bool greeted;
    struct buffer packet; /* one that came in pieces, its length in front */
    struct sftp_handle handles[SFTP_HANDLES_MAX];
    char path[TREE_PATH_LIMIT + 1];
    char other_path[TREE_PATH_LIMIT + 1];
    bool path_too_long;
};

/* One request: its number, and its fields as far as they were not taken. */
struct sftp_request {
    struct sftp_session *session;
    uint32_t id;
    struct sftp_reader fields;
};

void sftp_reply_status(struct sftp_request *request, enum sftp_status status);
void sftp_reply_error(struct sftp_request *request, enum tree_error error);
void sftp_reply_name(struct sftp_request *request, struct span name);

/* Takes a path; an empty one is as it is. After a path that is too long `session->path_too_long` is set. */
void sftp_take_request_path(struct sftp_request *request, char path[TREE_PATH_LIMIT + 1]);

/* True when all that was taken may be used; a path that is too long has been answered. */
MUST_USE bool sftp_is_sound(struct sftp_request *request);

/* Takes `session->path` and `session->other_path`, which is all that the request has. As sftp_is_sound(). */
MUST_USE bool sftp_take_two_paths(struct sftp_request *request);

/* Takes a handle. NULL: there is no such one, or of the other kind. */
struct sftp_handle *sftp_take_handle(struct sftp_request *request, bool is_directory);

/* A free slot, or NULL. */
struct sftp_handle *sftp_free_handle(struct sftp_session *session);
void sftp_put_handle(struct sftp_session *session, const struct sftp_handle *handle, struct buffer *out);
void sftp_close_handle(struct sftp_session *session, struct sftp_handle *handle);

/* Carries out one request. The session ends when its fields do not hold. */
void sftp_handle_request(struct sftp_request *request, uint32_t type);
void sftp_handle_extended(struct sftp_request *request);

/* The extensions that the service can serve, as pairs of name and version. */
void sftp_put_extensions(const struct sftp_session *session, struct buffer *out);

/* The entry as ls -l shows it. */
void sftp_append_long_name(const struct sftp_session *session, struct buffer *out, const char *name,
                           const struct file_facts *facts);

#endif
