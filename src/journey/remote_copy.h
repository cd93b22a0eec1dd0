/*
 * Remote copy: files of a person's to a machine that is rented already, or one from it. What a transfer is: machine/transfer.h.
 */
#ifndef JOURNEY_REMOTE_COPY_H
#define JOURNEY_REMOTE_COPY_H

#include "journey/consent.h"
#include "machine/transfer.h"

enum copy_direction { COPY_PUT, COPY_GET };

struct copy_file {
    struct transfer transfer; /* its texts lie here, or are those of the options */
    bool done;
    int64_t duration_ns;
    char target[TRANSFER_PATH_SIZE];
};

/* Texts are borrowed. */
struct remote_copy_options {
    struct vast_access access;
    enum consent consent;
    int64_t instance_id;
    enum copy_direction direction;
    char *const *sources;
    size_t source_count; /* 1 from a machine */
    const char *target;  /* to a machine: a folder, unless there is one source only; from one: the name of a file */
    int64_t limit_ns;    /* of all together */
};

/* `files`: the caller's, one for each source, zero-filled. The first that fails ends it. */
enum exit_status remote_copy(struct world *world, const struct remote_copy_options *options, struct copy_file *files);

#endif
