/*
 * Content: where the bytes of uploads lie, and the record of what they are, behind one small table of operations: in memory
 * (memory_content.h), or in files that outlive the process (the front's).
 *
 * A content is made, appended to, sealed, and from then on only read, until it is dropped. Nothing of it counts before it is
 * sealed, and sealing is not the commit: that is the record written after it. So after a crash each record that can be read
 * back has its contents whole, and contents that no record names are rubbish.
 *
 * An implementation embeds `struct content_store` as its first member; a content is whatever it makes of one.
 */
#ifndef FAKES_BUCKET_CONTENT_H
#define FAKES_BUCKET_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct content_store {
    const struct content_operations *operations;
    const struct record_operations *records; /* NULL: nothing outlives the process */
};

struct content_operations {
    /* A new content of probably `size` bytes, and its number, which no other content ever had. NULL: no room. */
    void *(*create)(struct content_store *store, int64_t size, uint64_t *number);
    bool (*append)(struct content_store *store, void *content, const void *bytes, size_t size);
    /* No more will be appended; from now on it outlives a crash, where the store can. */
    bool (*seal)(struct content_store *store, void *content);
    /* Reads exactly `size` bytes, which were appended before. False: the store has lost them. */
    bool (*read)(struct content_store *store, void *content, int64_t offset, void *out, size_t size);
    /* It is wanted no more; the bytes may go. */
    void (*drop)(struct content_store *store, void *content);
    /* It is wanted no more by this process; the bytes stay for the next one, where the store can. */
    void (*close)(struct content_store *store, void *content);
};

/* Takes one record. False: it could not. */
typedef bool content_record_function(void *context, struct span record);

/* For a store whose contents outlive the process. */
struct record_operations {
    /* Writes one record, durably before it returns. */
    bool (*write)(struct content_store *store, struct span record);
    /* Hands over every record that was written, in order, until `take` is false; false then, or when one cannot be read. */
    bool (*replay)(struct content_store *store, content_record_function *take, void *context);
    /* What is written from now on replaces all records there are, at once, in commit_anew(). */
    bool (*begin_anew)(struct content_store *store);
    bool (*commit_anew)(struct content_store *store);
    /* The sealed content of that number. NULL when it is not there in that length. */
    void *(*open)(struct content_store *store, uint64_t number, int64_t size);
    /* Takes away what nobody needs: contents that no record names. */
    void (*sweep)(struct content_store *store, bool (*needed)(void *context, uint64_t number), void *context);
};

#endif
