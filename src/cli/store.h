/*
 * Store: what every command on the object store does around its work: judges environment and options before anything is sent, opens the
 * live world, authorizes, and says what became of it.
 */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include "b2/transfer.h"
#include "base/history.h"
#include "base/json_write.h"
#include "cli/dumont.h"
#include "cli/vast_url.h"
#include "system/files.h"
#include "world/live/live_world.h"

enum { STORE_KEY_SIZE = 128 };

struct store_command;

/* The work, in a task. The error's code decides the exit status; ERR_OK when all was done. */
typedef enum error_code store_work(struct store_command *command, struct error *error);

/* What is said of it: members of the one object, or lines of text. */
typedef void store_json(const struct store_command *command, struct json_writer *writer);
typedef void store_say(const struct store_command *command, struct buffer *out);

struct store_command {
    const struct dumont_values *values;
    char **arguments;
    size_t argument_count;
    bool acts;           /* deletes: with --live it wants --yes */
    bool text_on_errors; /* the text goes to standard error: standard output carries a file */
    store_work *work;
    store_json *json;
    store_say *text;
    void *result; /* the command's own */
    /* opened by store_run() */
    struct heap *heap;
    struct history history;
    struct live_world *live;
    struct vast_url url;
    struct b2_access access;
    struct b2 b2;
    struct b2_call call;
    struct error error;
    bool shows_progress;
    char key_id[STORE_KEY_SIZE], key[STORE_KEY_SIZE];
    char state_folder[FILE_PATH_SIZE];
};

/* All of it. `command` holds what the caller chose, the rest is zero-filled. */
enum exit_status store_run(struct store_command *command);

/* A b2_progress: one line on standard error, which the next replaces. `context` is the command. */
void store_progress(void *context, int64_t done, int64_t whole);

struct world *store_world(const struct store_command *command);

/* {"name", "id", "size", "sha1", "uploaded_at", "modified_at"} */
void store_write_file(struct json_writer *writer, const struct b2_file *file);

#endif
