/*
 * Told files: the ready file and the env file, by which others learn where the stage is. Both hold the account's key: mode 0600.
 */
#ifndef FAKES_CLI_TOLD_FILES_H
#define FAKES_CLI_TOLD_FILES_H

#include "fakes/cli/child.h"

/* What is told. */
struct told {
    const char *vast_url;
    const char *b2_url, *b2_bucket, *b2_key_id, *b2_key;
    const char *control_url;
    const char *api_key;
    const char *ssh_key; /* path */
    const char *clock;   /* path */
};

/* {"pid", "vast_url", "b2_url", "b2_bucket", "b2_key_id", "b2_key", "control_url", "api_key", "ssh_key", "clock"}, written at once. ERR_CANNOT_WRITE, ERR_NO_MEMORY. */
MUST_USE enum error_code ready_file_write(struct heap *heap, const char *path, const struct told *told,
                                          struct error *error);

/* A line "export NAME='value'" for each variable. ERR_CANNOT_WRITE, ERR_NO_MEMORY. */
MUST_USE enum error_code env_file_write(struct heap *heap, const char *path, const struct variables *variables,
                                        struct error *error);

#endif
