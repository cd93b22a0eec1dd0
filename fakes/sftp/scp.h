/*
 * The inside of an scp session: what its two directions share.
 *
 * A record is a line that begins with a letter: C (file), D (directory begins), E (it ends), T (times of what follows). Each side
 * answers with a byte 0, or 1 and a line that says what failed. The messages are those of OpenSSH's scp.
 */
#ifndef FAKES_SFTP_SCP_H
#define FAKES_SFTP_SCP_H

#include "fakes/sftp/session.h"

enum { SCP_LINE_MAX = 2048, SCP_DEPTH_MAX = 2048, SCP_PIECE = 32 * 1024 };

struct scp_times {
    bool given;
    int64_t accessed_s, modified_s;
};

/* A directory that is being received: its path's length, and what it gets when all of it has come. */
struct scp_target {
    size_t path_length;
    bool is_directory;
    struct scp_times times; /* of the record that comes next in it */
    struct scp_times own_times;
    uint32_t own_mode;
    bool sets_mode;
};

/* A directory that is being sent. */
struct scp_folder {
    void *directory;
    size_t path_length;
};

enum scp_step {
    SCP_RECORD,      /* sink: a record's line is due */
    SCP_CONTENT,     /* the content of a file is due, or to be sent */
    SCP_ANSWER,      /* the other side's byte is due */
    SCP_ANSWER_TEXT, /* and the line behind it */
    SCP_NEXT,        /* source: the next entry is due, once there is room for what is said of it */
};

/* What a source had sent when it waits for an answer. */
enum scp_sent { SCP_SENT_NOTHING, SCP_SENT_TIMES, SCP_SENT_FILE, SCP_SENT_FOLDER, SCP_SENT_CONTENT, SCP_SENT_END };

struct scp_session {
    struct file_session base;
    struct scp_options options;
    char **paths; /* copies */
    size_t next_path;
    int32_t failures;
    enum scp_step step;
    char line[SCP_LINE_MAX];
    size_t line_length;
    unsigned char answer;
    char path[TREE_PATH_LIMIT + 1];
    size_t path_length;
    /* the file at hand */
    void *file;
    uint64_t size, done;
    uint32_t mode;
    bool existed;
    bool read_failed;
    struct scp_times times;
    char problem[SCP_LINE_MAX]; /* told when the file has come; "" when there is none */
    /* sink */
    struct scp_target *targets;
    size_t target_count;
    bool first_record;
    /* source */
    struct scp_folder *folders;
    size_t folder_count;
    enum scp_sent sent;
    bool is_folder;
};

/* Tells the other side of a failure and counts it. */
void scp_complain(struct scp_session *session, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts a name behind the first `length` bytes of the path. False: too long, with the path as it was. */
MUST_USE bool scp_set_name(struct scp_session *session, size_t length, const char *name);

/* Closes the file at hand, if there is one. */
void scp_close_file(struct scp_session *session);

/* Adds to the line; true when it is complete (without its line feed). A line that is too long ends where it is. */
bool scp_take_line(struct scp_session *session, struct span *bytes);

void scp_sink_start(struct scp_session *session);
void scp_sink_record(struct scp_session *session);
void scp_sink_content(struct scp_session *session, struct span *bytes);
void scp_sink_answered(struct scp_session *session);

void scp_source_answered(struct scp_session *session);
void scp_source_content(struct scp_session *session);
void scp_source_next(struct scp_session *session);

#endif
