/*
 * Files: this machine's files as the client uses them: sources that are read, and files that are filled and then take the place of
 * another. Bodies of HTTP come from them and go to them (struct http_body_file), so that nothing large is in memory.
 *
 * Each call but world_file_digest() is one short operation of the system and does not wait. Messages name the path and the reason.
 * Paths are those that a person gives, relative ones from the working folder.
 */
#ifndef WORLD_FILE_H
#define WORLD_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/digest.h"
#include "base/error.h"

struct world;

enum world_file_use {
    WORLD_FILE_READ, /* a regular file that is there */
    WORLD_FILE_FILL, /* made if it is missing (0600), kept as it is if not; read and written; one process at a time */
};

/* For world_file_stamp(): the mode that a new file of this person has (the umask's), and the time that the file has already. */
enum { WORLD_FILE_MODE_USUAL = 01000 };
#define WORLD_FILE_TIME_KEPT INT64_MIN

/* An open file. Zero-filled: none. */
struct world_file {
    void *opened; /* the world's own */
};

struct world_file_facts {
    int64_t size;
    int64_t modified_unix_ns;
    unsigned mode; /* the lowest nine bits: who may do what */
};

struct world_file_operations {
    enum error_code (*open)(struct world *world, const char *path, enum world_file_use use, struct world_file *file,
                            struct error *error);
    enum error_code (*look)(struct world_file *file, struct world_file_facts *facts, struct error *error);
    enum error_code (*read)(struct world_file *file, int64_t offset, void *out, size_t size, size_t *got,
                            struct error *error);
    enum error_code (*write)(struct world_file *file, int64_t offset, const void *bytes, size_t size,
                             struct error *error);
    enum error_code (*resize)(struct world_file *file, int64_t size, struct error *error);
    enum error_code (*stamp)(struct world_file *file, const struct world_file_facts *facts, struct error *error);
    enum error_code (*sync)(struct world_file *file, struct error *error);
    void (*close)(struct world *world, struct world_file *file);
    enum error_code (*rename)(struct world *world, const char *from, const char *to, struct error *error);
    void (*remove)(struct world *world, const char *path);
};

/* ERR_INPUT_UNREADABLE (READ), ERR_CANNOT_WRITE, ERR_STATE_LOCKED (FILL, by another process), ERR_NO_MEMORY, ERR_NOT_AVAILABLE. */
MUST_USE enum error_code world_file_open(struct world *world, const char *path, enum world_file_use use,
                                         struct world_file *file, struct error *error);

/* Harmless when it is not open. */
void world_file_close(struct world *world, struct world_file *file);

MUST_USE enum error_code world_file_look(struct world *world, struct world_file *file, struct world_file_facts *facts,
                                         struct error *error);

/* Up to `size` bytes; `got` is less only at the end of the file. */
MUST_USE enum error_code world_file_read(struct world *world, struct world_file *file, int64_t offset, void *out,
                                         size_t size, size_t *got, struct error *error);

MUST_USE enum error_code world_file_write(struct world *world, struct world_file *file, int64_t offset,
                                          const void *bytes, size_t size, struct error *error);

/* Beyond what the disk has room for it does not grow: ERR_CANNOT_WRITE. */
MUST_USE enum error_code world_file_resize(struct world *world, struct world_file *file, int64_t size,
                                           struct error *error);

/* Gives it the mode and the time of `facts`. */
MUST_USE enum error_code world_file_stamp(struct world *world, struct world_file *file,
                                          const struct world_file_facts *facts, struct error *error);

/* What was written is there after a crash of the machine. */
MUST_USE enum error_code world_file_sync(struct world *world, struct world_file *file, struct error *error);

/* At once, in place of what bore the name; durable when it returns. */
MUST_USE enum error_code world_file_rename(struct world *world, const char *from, const char *to, struct error *error);

/* Harmless when there is no such file. */
void world_file_remove(struct world *world, const char *path);

/* A part of a file. */
struct world_file_range {
    int64_t offset, length;
};

/* Who wants to know the digest of each piece of so many bytes as well; the last piece may be shorter. They are told in order. */
struct world_file_pieces {
    int64_t bytes;
    void (*tell)(void *context, int64_t index, const char *hex);
    void *context;
};

/*
 * The digest of a range, and in the same pass that of each piece of it (`pieces` NULL: nobody wants those). Other tasks run between its
 * steps. Beside what reading says: ERR_INPUT_UNREADABLE when the file ends before the range does, ERR_NO_MEMORY, ERR_INTERRUPTED.
 */
MUST_USE enum error_code world_file_digest(struct world *world, struct world_file *file, struct world_file_range range,
                                           enum digest_kind kind, const struct world_file_pieces *pieces,
                                           char hex[DIGEST_HEX_SIZE], struct error *error);

#endif
