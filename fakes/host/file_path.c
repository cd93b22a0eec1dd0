/* Paths: from a text to a node, link by link. */
#include <string.h>

#include "fakes/host/file_tree.h"

/* What is still to be walked: a path, and behind it the rest of the paths whose links were followed on the way. */
struct pending_path {
    struct span part[TREE_LINKS_LIMIT + 2];
    int32_t count;
};

static struct span take_name(struct span *path)
{
    while (path->length > 0 && path->at[0] == '/') {
        path->at++;
        path->length--;
    }
    struct span name = {path->at, 0};
    while (name.length < path->length && name.at[name.length] != '/') {
        name.length++;
    }
    path->at += name.length;
    path->length -= name.length;
    return name;
}

static bool only_slashes(struct span path)
{
    while (path.length > 0 && path.at[0] == '/') {
        path.at++;
        path.length--;
    }
    return path.length == 0;
}

static bool is_last(const struct pending_path *pending)
{
    for (int32_t i = 0; i < pending->count; i++) {
        if (!only_slashes(pending->part[i])) {
            return false;
        }
    }
    return true;
}

/* One step from a directory by a name. */
static enum tree_error step(struct tree_node **at, struct span name)
{
    struct tree_node *node = *at;
    if (node->kind != TREE_DIRECTORY) {
        return TREE_NOT_DIRECTORY;
    }
    if (span_equals(name, ".")) {
        return TREE_OK;
    }
    if (span_equals(name, "..")) {
        *at = node->parent == NULL ? node : node->parent;
        return TREE_OK;
    }
    if (name.length > TREE_NAME_LIMIT) {
        return TREE_NAME_TOO_LONG;
    }
    node = tree_child(node, name);
    if (node == NULL) {
        return TREE_NO_ENTRY;
    }
    *at = node;
    return TREE_OK;
}

/* Puts a link's target before the rest of the path. */
static enum tree_error follow_link(struct file_tree *tree, struct tree_node **at, struct pending_path *pending)
{
    if (pending->count >= TREE_LINKS_LIMIT) {
        return TREE_TOO_MANY_LINKS;
    }
    struct tree_node *link = *at;
    struct span target = {buffer_text(&link->content), link->content.length};
    pending->part[pending->count++] = target;
    *at = target.length > 0 && target.at[0] == '/' ? tree->root : link->parent;
    return TREE_OK;
}

static enum tree_error walk(struct file_tree *tree, struct tree_node *from, struct span path, bool follow,
                            struct tree_node **out)
{
    struct pending_path pending = {.part = {path}, .count = 1};
    struct tree_node *at = from;
    bool must_be_directory = path.length > 0 && path.at[path.length - 1] == '/';
    int32_t links = 0;
    while (pending.count > 0) {
        struct span name = take_name(&pending.part[pending.count - 1]);
        if (name.length == 0) {
            pending.count--;
            continue;
        }
        struct tree_node *directory = at;
        enum tree_error error = step(&at, name);
        if (error == TREE_OK && at->kind == TREE_SYMLINK && at != directory &&
            (follow || must_be_directory || !is_last(&pending))) {
            error = ++links > TREE_LINKS_LIMIT ? TREE_TOO_MANY_LINKS : follow_link(tree, &at, &pending);
        }
        if (error != TREE_OK) {
            return error;
        }
    }
    *out = at;
    return must_be_directory && at->kind != TREE_DIRECTORY ? TREE_NOT_DIRECTORY : TREE_OK;
}

static enum tree_error start_of(struct file_tree *tree, const char *cwd, const char *path, struct tree_node **from)
{
    *from = tree->root;
    if (path[0] == '\0') {
        return TREE_NO_ENTRY;
    }
    if (strlen(path) > TREE_PATH_LIMIT) {
        return TREE_NAME_TOO_LONG;
    }
    return path[0] == '/' ? TREE_OK : walk(tree, tree->root, span_of(cwd), true, from);
}

enum tree_error tree_find(struct file_tree *tree, const char *cwd, const char *path, bool follow,
                          struct tree_node **out)
{
    struct tree_node *from;
    enum tree_error error = start_of(tree, cwd, path, &from);
    return error != TREE_OK ? error : walk(tree, from, span_of(path), follow, out);
}

enum tree_error tree_find_parent(struct file_tree *tree, const char *cwd, const char *path,
                                 struct tree_node **directory, struct span *name)
{
    struct tree_node *from;
    enum tree_error error = start_of(tree, cwd, path, &from);
    if (error != TREE_OK) {
        return error;
    }
    struct span whole = span_of(path);
    while (whole.length > 0 && whole.at[whole.length - 1] == '/') {
        whole.length--;
    }
    size_t start = whole.length;
    while (start > 0 && whole.at[start - 1] != '/') {
        start--;
    }
    *name = (struct span){whole.at + start, whole.length - start};
    error = start == 0 ? TREE_OK : walk(tree, from, (struct span){path, start}, true, &from);
    *directory = from;
    if (error != TREE_OK) {
        return error;
    }
    bool is_no_name = name->length == 0 || span_equals(*name, ".") || span_equals(*name, "..");
    return is_no_name ? TREE_EXISTS : from->kind == TREE_DIRECTORY ? TREE_OK : TREE_NOT_DIRECTORY;
}

enum tree_error tree_open(struct file_tree *tree, const char *cwd, const char *path, int64_t now_ns,
                          struct tree_node **out)
{
    enum tree_error error = tree_find(tree, cwd, path, true, out);
    if (error == TREE_OK) {
        return (*out)->kind == TREE_DIRECTORY ? TREE_IS_DIRECTORY : TREE_OK;
    }
    size_t length = strlen(path);
    if (error != TREE_NO_ENTRY || (length > 0 && path[length - 1] == '/')) {
        return error == TREE_NO_ENTRY && length > 0 ? TREE_IS_DIRECTORY : error;
    }
    struct tree_node *dangling;
    if (tree_find(tree, cwd, path, false, &dangling) == TREE_OK) {
        return TREE_NO_ENTRY;
    }
    return tree_make(tree, cwd, path, TREE_FILE, 0644, now_ns, out);
}
