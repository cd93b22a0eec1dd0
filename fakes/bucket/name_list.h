/*
 * Name list: the file names of one bucket in the order of their bytes. A skip list (Pugh 1990), so that a hundred thousand names
 * are added, found and paged through without moving any.
 */
#ifndef FAKES_BUCKET_NAME_LIST_H
#define FAKES_BUCKET_NAME_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"

enum { NAME_LEVELS_MAX = 16 };

struct version;

struct listed_name {
    struct span text;
    struct version *newest; /* the owner's */
    size_t levels;
    struct listed_name *next[]; /* by level; the text follows */
};

struct name_list {
    struct heap *heap;
    size_t count;
    uint32_t drawn;
    struct listed_name *first[NAME_LEVELS_MAX];
};

void name_list_init(struct name_list *list, struct heap *heap);
void name_list_release(struct name_list *list);

/* The first name that is not before `text`, or NULL. */
struct listed_name *name_list_from(const struct name_list *list, struct span text);

/* The name, or NULL. */
struct listed_name *name_list_find(const struct name_list *list, struct span text);

/* The name, added when it is new (with no version). NULL when memory is gone. */
MUST_USE struct listed_name *name_list_add(struct name_list *list, struct span text);

void name_list_remove(struct name_list *list, struct listed_name *name);

/* The one after it, or NULL. */
struct listed_name *name_list_next(const struct listed_name *name);

/* As memcmp(): the order of names. */
int span_compare(struct span a, struct span b);

#endif
