/*
 * File service: what a file protocol (SFTP, scp) asks of a machine's files. The modelled tree answers it (host_files.h), and so
 * does POSIX inside a sandbox.
 *
 * Calls answer at once. Paths are NUL-terminated; a relative one starts at the home directory. What a service cannot do at all
 * is NULL where the member says so; everything else must be there.
 */
#ifndef FAKES_HOST_FILE_SERVICE_H
#define FAKES_HOST_FILE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/units.h"
#include "fakes/host/file_tree.h"

/* The kind of a file, in its mode: the numbers of the wire, which are those of <sys/stat.h>. */
enum {
    FILE_KIND_MASK = 0170000,
    FILE_KIND_REGULAR = 0100000,
    FILE_KIND_DIRECTORY = 0040000,
    FILE_KIND_SYMLINK = 0120000,
    FILE_KIND_CHARACTERS = 0020000,
    FILE_PERMISSION_MASK = 07777,
};

struct file_facts {
    uint64_t size;
    uint32_t mode; /* kind and permissions */
    uint32_t user, group;
    uint32_t links;
    int64_t accessed_s, modified_s; /* unix time */
};

/* Which of the members below are meant. */
enum { FILE_CHANGE_SIZE = 1, FILE_CHANGE_OWNER = 2, FILE_CHANGE_MODE = 4, FILE_CHANGE_TIMES = 8 };

struct file_change {
    unsigned what;
    uint64_t size;
    uint32_t user, group;
    uint32_t mode; /* permissions */
    int64_t accessed_s, modified_s;
};

struct file_space {
    uint64_t block_bytes;
    uint64_t blocks, blocks_free;
    uint64_t files, files_free;
    uint64_t name_length_limit;
};

/* How a file is opened. */
enum {
    FILE_OPEN_READ = 1,
    FILE_OPEN_WRITE = 2,
    FILE_OPEN_APPEND = 4,
    FILE_OPEN_CREATE = 8,
    FILE_OPEN_TRUNCATE = 16,
    FILE_OPEN_EXCLUSIVE = 32,
};

struct file_service {
    /* `mode` before the umask, for a file that is made. A handle that was opened must be closed. */
    enum tree_error (*open)(void *context, const char *path, unsigned how, uint32_t mode, void **file);
    void (*close)(void *context, void *file);
    /* Appends up to `size` bytes (which `out` has room for); none: the end. */
    enum tree_error (*read)(void *context, void *file, uint64_t offset, size_t size, struct buffer *out);
    /* All or an error. A file opened to append ignores the offset. */
    enum tree_error (*write)(void *context, void *file, uint64_t offset, struct span bytes);
    enum tree_error (*sync)(void *context, void *file);
    enum tree_error (*facts_of)(void *context, void *file, struct file_facts *out);
    enum tree_error (*change_file)(void *context, void *file, const struct file_change *change);

    enum tree_error (*facts)(void *context, const char *path, bool follow, struct file_facts *out);
    enum tree_error (*change)(void *context, const char *path, bool follow, const struct file_change *change);

    enum tree_error (*open_directory)(void *context, const char *path, void **directory);
    void (*close_directory)(void *context, void *directory);
    /* The next entry, "." and ".." among them, links not followed. `name` is empty behind the last. */
    enum tree_error (*next_entry)(void *context, void *directory, char name[TREE_NAME_LIMIT + 1],
                                  struct file_facts *out);

    enum tree_error (*make_directory)(void *context, const char *path, uint32_t mode);
    enum tree_error (*remove_directory)(void *context, const char *path);
    enum tree_error (*remove)(void *context, const char *path);
    /* `replace`: as rename(2) does, else TREE_EXISTS where something stands. */
    enum tree_error (*move)(void *context, const char *from, const char *to, bool replace);
    enum tree_error (*link)(void *context, const char *from, const char *to); /* NULL: no hard links */
    enum tree_error (*make_symlink)(void *context, const char *target, const char *path);
    enum tree_error (*read_symlink)(void *context, const char *path, struct buffer *out);
    /* The path without links, "." and ".."; its last part need not exist. */
    enum tree_error (*real_path)(void *context, const char *path, struct buffer *out);
    enum tree_error (*space)(void *context, const char *path, struct file_space *out);

    /* NULL: nobody has that number. */
    const char *(*user_name)(void *context, uint32_t user);
    const char *(*group_name)(void *context, uint32_t group);
    const char *(*home)(void *context);
    struct wall_time (*now)(void *context);
};

#endif
