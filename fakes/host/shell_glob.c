/* File name generation: a pattern, one component after the other, over the file tree. */
#include <string.h>

#include "fakes/host/pattern.h"
#include "fakes/host/shell_expand.h"

struct path_list {
    struct field *first;
    struct field **tail;
};

static void add_path(struct shell *shell, struct path_list *list, const char *prefix, struct span name)
{
    struct arena *arena = &shell->run->arena;
    size_t length = strlen(prefix);
    struct field *field = arena_alloc(arena, sizeof *field);
    char *path = arena_alloc(arena, length + name.length + 1);
    if (field == NULL || path == NULL || !run_work(shell->run, length + name.length)) {
        return;
    }
    memcpy(path, prefix, length);
    memcpy(path + length, name.at, name.length);
    field->plain = path;
    *list->tail = field;
    list->tail = &field->next;
}

static void add_matches(struct shell *shell, struct path_list *list, const char *prefix, struct span glob)
{
    struct tree_node *directory;
    const char *path = prefix[0] == '\0' ? "." : prefix;
    if (tree_find(&shell->host->files, shell->cwd, path, true, &directory) != TREE_OK) {
        return;
    }
    for (const struct tree_node *child = directory->first_child; child != NULL; child = child->next) {
        bool hidden = child->name[0] == '.' && glob.at[0] != '.';
        if (!hidden && run_work(shell->run, 1) && glob_matches(glob, span_of(child->name))) {
            add_path(shell, list, prefix, span_of(child->name));
        }
    }
}

/* Every path so far, gone on with one component: a name, a glob, or the slashes between two. */
static struct field *extend(struct shell *shell, const struct field *paths, struct span component)
{
    struct path_list list = {.first = NULL};
    list.tail = &list.first;
    char *glob = arena_text(&shell->run->arena, component);
    char *plain = glob == NULL ? NULL : expansion_unescape(&shell->run->arena, glob);
    if (plain == NULL) {
        return NULL;
    }
    for (; paths != NULL; paths = paths->next) {
        if (glob_has_magic(component)) {
            add_matches(shell, &list, paths->plain, component);
        } else {
            add_path(shell, &list, paths->plain, span_of(plain));
        }
    }
    return list.first;
}

static struct field *find_paths(struct shell *shell, const char *pattern)
{
    char empty[] = "";
    struct field start = {.plain = empty};
    const struct field *paths = &start;
    struct field *found = NULL;
    while (*pattern != '\0') {
        bool slashes = *pattern == '/';
        size_t length = 0;
        while (pattern[length] != '\0' && (pattern[length] == '/') == slashes) {
            length++;
        }
        found = extend(shell, paths, (struct span){pattern, length});
        if (found == NULL) {
            return NULL;
        }
        paths = found;
        pattern += length;
    }
    return found;
}

bool glob_expand(struct shell *shell, struct field **place, size_t *count)
{
    struct field *field = *place;
    if (!glob_has_magic(span_of(field->pattern))) {
        return false;
    }
    struct field *found = find_paths(shell, field->pattern);
    struct field **tail = &found;
    size_t matches = 0;
    while (*tail != NULL) {
        struct tree_node *node;
        if (tree_find(&shell->host->files, shell->cwd, (*tail)->plain, false, &node) == TREE_OK) {
            tail = &(*tail)->next;
            matches++;
        } else {
            *tail = (*tail)->next;
        }
    }
    if (matches == 0) {
        return false;
    }
    *tail = field->next;
    *place = found;
    *count += matches - 1;
    return true;
}
