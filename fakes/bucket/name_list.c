#include "fakes/bucket/name_list.h"

#include <string.h>

#include "base/random.h"
#include "fakes/bucket/draws.h"

int span_compare(struct span a, struct span b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    if (order != 0) {
        return order;
    }
    return a.length < b.length ? -1 : a.length > b.length;
}

void name_list_init(struct name_list *list, struct heap *heap)
{
    *list = (struct name_list){.heap = heap};
}

void name_list_release(struct name_list *list)
{
    struct listed_name *name = list->first[0];
    while (name != NULL) {
        struct listed_name *next = name->next[0];
        heap_release(list->heap, name);
        name = next;
    }
    name_list_init(list, list->heap);
}

/* For each level, the link that leads to the first name not before `text`. */
static void find_links(struct name_list *list, struct span text, struct listed_name ***links)
{
    struct listed_name **next = list->first;
    for (size_t level = NAME_LEVELS_MAX; level-- > 0;) {
        while (next[level] != NULL && span_compare(next[level]->text, text) < 0) {
            next = next[level]->next;
        }
        links[level] = &next[level];
    }
}

struct listed_name *name_list_from(const struct name_list *list, struct span text)
{
    struct listed_name *const *next = list->first;
    for (size_t level = NAME_LEVELS_MAX; level-- > 0;) {
        while (next[level] != NULL && span_compare(next[level]->text, text) < 0) {
            next = next[level]->next;
        }
    }
    return next[0];
}

struct listed_name *name_list_find(const struct name_list *list, struct span text)
{
    struct listed_name *name = name_list_from(list, text);
    return name != NULL && span_compare(name->text, text) == 0 ? name : NULL;
}

/* A quarter of the names of each level stand on the next one too. */
static size_t draw_levels(struct name_list *list)
{
    struct random_address address = {.purpose = RANDOM_BUCKET, .entity = BUCKET_DRAW_LEVELS, .index = list->drawn++};
    uint64_t bits = random_bits(0, address);
    size_t levels = 1;
    for (; levels < NAME_LEVELS_MAX && (bits & 3) == 0; bits >>= 2) {
        levels++;
    }
    return levels;
}

struct listed_name *name_list_add(struct name_list *list, struct span text)
{
    struct listed_name **links[NAME_LEVELS_MAX];
    find_links(list, text, links);
    if (*links[0] != NULL && span_compare((*links[0])->text, text) == 0) {
        return *links[0];
    }
    size_t levels = draw_levels(list);
    struct listed_name *name = heap_alloc(list->heap, sizeof *name + levels * sizeof name->next[0] + text.length + 1);
    if (name == NULL) {
        return NULL;
    }
    char *copy = (char *)&name->next[levels];
    memcpy(copy, text.at, text.length);
    name->text = (struct span){copy, text.length};
    name->levels = levels;
    for (size_t level = 0; level < levels; level++) {
        name->next[level] = *links[level];
        *links[level] = name;
    }
    list->count++;
    return name;
}

void name_list_remove(struct name_list *list, struct listed_name *name)
{
    struct listed_name **links[NAME_LEVELS_MAX];
    find_links(list, name->text, links);
    for (size_t level = 0; level < name->levels; level++) {
        *links[level] = name->next[level];
    }
    list->count--;
    heap_release(list->heap, name);
}

struct listed_name *name_list_next(const struct listed_name *name)
{
    return name->next[0];
}
