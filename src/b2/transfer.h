/*
 * Transfer: files into the object store and out of it, whole or not at all.
 *
 * Upload: the file's SHA-1 (and that of each part) is known before the first byte is sent, in one pass over it; what arrives is compared by the
 * service, and its answer by us. A file larger than a part goes in parts, side by side. An unfinished upload of ours of the very same bytes
 * under the same name is taken up where it stands: each part that is there is compared by number, length and digest.
 *
 * Download: ranges side by side into "TARGET.dumont-part" beside the target; status, Content-Range, file id and length of each are checked, and
 * the digest of the whole, wherever the service knows one; then it is synced and takes the target's place. Until then the target is
 * what it was. "TARGET.dumont-part.ranges" lists what is whole, for a resume; without a digest of the whole nothing is resumed. While it
 * is filled nobody else may read it (0600); in place it has the mode of the file it replaces, or that of any new file (the umask's), and
 * the time of the file that was put, where the store tells it.
 *
 * Memory: a fixed amount for each task side by side, whatever the size (libcurl's buffers, 512 KiB), and 41 bytes a part.
 */
#ifndef B2_TRANSFER_H
#define B2_TRANSFER_H

#include "b2/calls.h"

/* A part of a whole is done. `done` counts bytes of `whole`. */
typedef void b2_progress(void *context, int64_t done, int64_t whole);

struct b2_transfer_options {
    int64_t part_bytes;    /* 0: what the service recommends; never less than it allows */
    int parallel;          /* 1 to B2_GROUP_MOST */
    b2_progress *progress; /* NULL: nobody is told */
    void *progress_context;
};

struct b2_upload_result {
    struct b2_file file; /* as it is stored */
    int64_t parts;       /* 0: it was no large file */
    int64_t parts_resumed;
    int64_t attempts_lost; /* uploads that had to be made again */
};

MUST_USE enum error_code b2_upload(struct b2 *b2, const char *path, const char *name,
                                   const struct b2_transfer_options *options, struct b2_upload_result *result,
                                   struct error *error);

struct b2_download_result {
    struct b2_file file;
    int64_t bytes_fetched; /* less than the size after a resume */
    bool verified;         /* by a digest of the whole; false: the service knows none */
};

MUST_USE enum error_code b2_download(struct b2 *b2, const char *name, const char *target,
                                     const struct b2_transfer_options *options, struct b2_download_result *result,
                                     struct error *error);

#endif
