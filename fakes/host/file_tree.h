/*
 * File tree: the files of one host, in memory: directories, regular files, symbolic links, devices; modes, times, sizes.
 *
 * Disk space is counted as a file system does, in blocks of 4 KiB; a write beyond the rented disk stores what fits and says
 * TREE_NO_SPACE. A file is its bytes followed by `hole_bytes` zeros, so that a large empty file costs no memory.
 *
 * Limits: TREE_NODES_LIMIT entries (beyond: TREE_NO_SPACE, as when inodes run out), `content_limit` bytes of contents held
 * (TREE_NO_SPACE), names of 255 bytes, paths of 4095, 40 symbolic links on a path. Nothing recurses on the depth of the tree.
 */
#ifndef FAKES_HOST_FILE_TREE_H
#define FAKES_HOST_FILE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/heap.h"

enum {
    TREE_BLOCK_BYTES = 4096,
    TREE_NODES_LIMIT = 16384,
    TREE_CONTENT_LIMIT = 64 * 1024 * 1024,
    TREE_NAME_LIMIT = 255,
    TREE_PATH_LIMIT = 4095,
    TREE_LINKS_LIMIT = 40,
};

/* X(name, what strerror() says) */
#define TREE_ERROR_LIST(X)                                                                                             \
    X(OK, "Success")                                                                                                   \
    X(NO_ENTRY, "No such file or directory")                                                                           \
    X(NOT_DIRECTORY, "Not a directory")                                                                                \
    X(IS_DIRECTORY, "Is a directory")                                                                                  \
    X(EXISTS, "File exists")                                                                                           \
    X(NOT_EMPTY, "Directory not empty")                                                                                \
    X(NO_SPACE, "No space left on device")                                                                             \
    X(TOO_MANY_LINKS, "Too many levels of symbolic links")                                                             \
    X(NAME_TOO_LONG, "File name too long")                                                                             \
    X(TOO_LARGE, "File too large")                                                                                     \
    X(INVALID, "Invalid argument")                                                                                     \
    X(BUSY, "Device or resource busy")                                                                                 \
    X(NOT_ALLOWED, "Permission denied")                                                                                \
    X(NOT_SUPPORTED, "Operation not supported")                                                                        \
    X(FAULT, "Input/output error")                                                                                     \
    X(NO_MEMORY, "Cannot allocate memory")

enum tree_error {
#define TREE_ERROR_ENUM(name, text) TREE_##name,
    TREE_ERROR_LIST(TREE_ERROR_ENUM)
#undef TREE_ERROR_ENUM
};

enum tree_kind { TREE_FILE, TREE_DIRECTORY, TREE_SYMLINK, TREE_DEVICE };

enum tree_device { DEVICE_NULL, DEVICE_ZERO, DEVICE_FULL, DEVICE_RANDOM, DEVICE_STDIN, DEVICE_STDOUT, DEVICE_STDERR };

struct tree_node {
    enum tree_kind kind;
    enum tree_device device; /* of a TREE_DEVICE */
    uint32_t mode;           /* permission bits, 07777 */
    uint32_t holders;        /* open streams: an unlinked node lives until the last is closed */
    uint64_t inode;
    int64_t modified_ns; /* unix time */
    const char *name;
    uint64_t order_key;       /* of the name, for comparisons */
    bool owns_name;           /* the name is a block of its own */
    bool reserved;            /* lies in the tree's reserve */
    struct tree_node *parent; /* NULL: the root, or unlinked */
    struct tree_node *first_child;
    struct tree_node *next; /* siblings are in byte order of their names */
    struct buffer content;  /* a file's bytes; a symbolic link's target */
    int64_t hole_bytes;     /* zeros behind the content */
    bool hole_reserved;     /* the hole counts as taken */
    int64_t charged_bytes;  /* what it takes of the disk */
};

struct file_tree {
    struct heap *heap;
    struct tree_node *root; /* NULL until tree_init() */
    int64_t disk_bytes;
    int64_t outside_bytes; /* taken by what is not in the tree: the image, and faults */
    int64_t charged_bytes;
    size_t content_bytes;
    size_t content_limit; /* 0: TREE_CONTENT_LIMIT */
    uint32_t node_count;
    uint64_t next_inode;
    struct tree_node *reserve; /* one block for the nodes of the image */
    size_t reserve_count;
    size_t reserve_used;
    bool part_of_image; /* what is stored now is the image's: it lies in outside_bytes, not charged */
};

/* An empty tree with room for `image_nodes` calls of tree_add_image(). On failure tree_free() is still right. */
MUST_USE enum tree_error tree_init(struct file_tree *tree, struct heap *heap, size_t image_nodes, int64_t now_ns);
void tree_free(struct file_tree *tree);

const char *tree_error_text(enum tree_error error);

/* The node at `path`, which is taken from `cwd` (an absolute path) unless it is absolute. `follow`: a link at the end too. */
MUST_USE enum tree_error tree_find(struct file_tree *tree, const char *cwd, const char *path, bool follow,
                                   struct tree_node **out);

/* The directory and the last name of a path whose last part need not exist. TREE_EXISTS for "/", "." and "..". */
MUST_USE enum tree_error tree_find_parent(struct file_tree *tree, const char *cwd, const char *path,
                                          struct tree_node **directory, struct span *name);

/* The entry of that name, or NULL. */
struct tree_node *tree_child(const struct tree_node *directory, struct span name);

/* Adds an entry; TREE_EXISTS when the name is taken. */
MUST_USE enum tree_error tree_add(struct file_tree *tree, struct tree_node *directory, struct span name,
                                  enum tree_kind kind, uint32_t mode, int64_t now_ns, struct tree_node **out);

/* An entry of the image, out of the reserve: never fails. The name is not copied and must be new in its directory. */
struct tree_node *tree_add_image(struct file_tree *tree, struct tree_node *directory, const char *name,
                                 enum tree_kind kind, uint32_t mode, int64_t now_ns);

/* tree_find_parent() and tree_add(). */
MUST_USE enum tree_error tree_make(struct file_tree *tree, const char *cwd, const char *path, enum tree_kind kind,
                                   uint32_t mode, int64_t now_ns, struct tree_node **out);

/* The file to write to, made (mode 0644) when missing; links are followed. Devices are given out as they are. */
MUST_USE enum tree_error tree_open(struct file_tree *tree, const char *cwd, const char *path, int64_t now_ns,
                                   struct tree_node **out);

/* Stores bytes at an offset, a hole between the old end and it. On TREE_NO_SPACE what fits was stored. */
MUST_USE enum tree_error tree_write(struct file_tree *tree, struct tree_node *file, int64_t offset, struct span bytes,
                                    int64_t now_ns);

/* Cuts or lengthens with a hole; `reserve` charges the hole to the disk (fallocate), else it is free (truncate). */
MUST_USE enum tree_error tree_resize(struct file_tree *tree, struct tree_node *file, int64_t size, bool reserve,
                                     int64_t now_ns);

/* Makes a new symbolic link lead to `target`. When memory is gone the link is removed again. */
MUST_USE enum tree_error tree_set_target(struct file_tree *tree, struct tree_node *link, const char *target);

/* Appends up to `size` bytes from `offset` on, holes as zeros. */
void tree_read(const struct tree_node *file, int64_t offset, int64_t size, struct buffer *out);

/* Bytes of a file or of a link's target; TREE_BLOCK_BYTES for a directory; 0 for a device. */
int64_t tree_size(const struct tree_node *node);

/* Takes an entry out with all that is below it. The root stays (TREE_BUSY). */
enum tree_error tree_remove(struct file_tree *tree, struct tree_node *node, int64_t now_ns);

/* Moves an entry to another directory and name, which must be free. TREE_INVALID: into itself. */
MUST_USE enum tree_error tree_move(struct file_tree *tree, struct tree_node *node, struct tree_node *directory,
                                   struct span name, int64_t now_ns);

/* An open stream keeps a node alive. */
void tree_hold(struct tree_node *node);
void tree_drop(struct file_tree *tree, struct tree_node *node);

/* The next node of a walk over `top` and all below it, parents first, names in order; NULL at the end. */
struct tree_node *tree_walk(const struct tree_node *top, const struct tree_node *node);

/* True when `node` is `top` or below it. */
bool tree_is_below(const struct tree_node *node, const struct tree_node *top);

/* How many directories lie between `top` and `node`. */
int32_t tree_depth(const struct tree_node *node, const struct tree_node *top);

/* Appends the absolute path. */
void tree_append_path(const struct tree_node *node, struct buffer *out);

int64_t tree_free_bytes(const struct file_tree *tree);
int64_t tree_used_bytes(const struct file_tree *tree);

#endif
