/*
 * What the files of an upload share.
 */
#ifndef B2_UPLOAD_STATE_H
#define B2_UPLOAD_STATE_H

#include "b2/transfer.h"

enum { B2_RESENDS_MOST = 3 }; /* of bytes that did not arrive as they were sent */

struct upload {
    struct b2 *b2;
    const struct b2_transfer_options *options;
    struct b2_upload_result *result;
    struct world_file file;
    struct world_file_facts facts;
    struct b2_label label;
    char sha1[B2_SHA1_SIZE];
    char mark[B2_MARK_SIZE];
    int64_t part_bytes;
    int64_t part_count;
    char (*part_sha1)[B2_SHA1_SIZE];
    bool *part_done;
    char file_id[B2_ID_SIZE];
    /* shared by the workers */
    int64_t next_part;
    int64_t bytes_done;
    bool failed;
    struct error error; /* the first one */
};

/* The file is still what it was when its digest was taken. */
MUST_USE enum error_code upload_unchanged(struct upload *upload, struct error *error);
void upload_tell_progress(struct upload *upload, int64_t bytes);

/*
 * Whether an attempt to send should be made again, with a new URL: transport failures, tokens, 408, 429, 5xx. Bytes that arrived wrong
 * are sent again a few times, after a look whether the source is what it was.
 */
MUST_USE bool upload_again(struct upload *upload, struct retry *retry, int *resends, struct b2_upload_url *url,
                           struct error *error);

MUST_USE enum error_code upload_large(struct b2_call *call, struct upload *upload, struct error *error);

#endif
