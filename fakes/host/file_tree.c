#include "fakes/host/file_tree.h"

#include <assert.h>
#include <string.h>

const char *tree_error_text(enum tree_error error)
{
    static const char *const texts[] = {
#define TREE_ERROR_TEXT(name, text) [TREE_##name] = text,
        TREE_ERROR_LIST(TREE_ERROR_TEXT)
#undef TREE_ERROR_TEXT
    };
    return texts[error];
}

int64_t tree_used_bytes(const struct file_tree *tree)
{
    return tree->outside_bytes + tree->charged_bytes;
}

int64_t tree_free_bytes(const struct file_tree *tree)
{
    int64_t used = tree_used_bytes(tree);
    return used >= tree->disk_bytes ? 0 : tree->disk_bytes - used;
}

static int64_t whole_blocks(int64_t bytes)
{
    return (bytes + TREE_BLOCK_BYTES - 1) / TREE_BLOCK_BYTES * TREE_BLOCK_BYTES;
}

static void charge(struct file_tree *tree, struct tree_node *node)
{
    if (node->kind != TREE_FILE || tree->part_of_image) {
        return;
    }
    int64_t bytes = (int64_t)node->content.length + (node->hole_reserved ? node->hole_bytes : 0);
    tree->charged_bytes -= node->charged_bytes;
    node->charged_bytes = whole_blocks(bytes);
    tree->charged_bytes += node->charged_bytes;
}

static size_t content_most(const struct file_tree *tree)
{
    return tree->content_limit == 0 ? TREE_CONTENT_LIMIT : tree->content_limit;
}

static void start_node(struct file_tree *tree, struct tree_node *node, enum tree_kind kind, uint32_t mode,
                       int64_t now_ns)
{
    node->kind = kind;
    node->mode = mode;
    node->modified_ns = now_ns;
    node->inode = ++tree->next_inode;
    buffer_init(&node->content, tree->heap, content_most(tree));
    tree->node_count++;
}

static struct tree_node *new_node(struct file_tree *tree, enum tree_kind kind, struct span name, uint32_t mode,
                                  int64_t now_ns)
{
    struct tree_node *node = heap_alloc(tree->heap, sizeof *node + name.length + 1);
    if (node == NULL) {
        return NULL;
    }
    char *copy = (char *)(node + 1);
    memcpy(copy, name.at, name.length);
    node->name = copy;
    start_node(tree, node, kind, mode, now_ns);
    return node;
}

static void free_node(struct file_tree *tree, struct tree_node *node)
{
    tree->node_count--;
    tree->charged_bytes -= node->charged_bytes;
    tree->content_bytes -= node->content.length;
    buffer_release(&node->content);
    if (node->owns_name) {
        heap_release(tree->heap, (void *)(uintptr_t)node->name);
    }
    if (!node->reserved) {
        heap_release(tree->heap, node);
    }
}

enum tree_error tree_init(struct file_tree *tree, struct heap *heap, size_t image_nodes, int64_t now_ns)
{
    tree->heap = heap;
    tree->next_inode = 1048576;
    tree->reserve_used = 0;
    tree->reserve_count = image_nodes;
    tree->reserve = heap_alloc(heap, image_nodes * sizeof *tree->reserve);
    if (tree->reserve != NULL) {
        tree->root = new_node(tree, TREE_DIRECTORY, span_of(""), 0755, now_ns);
    }
    return tree->root == NULL ? TREE_NO_MEMORY : TREE_OK;
}

/* ---- order and links between nodes ---- */

/* The first eight bytes of a name as one number that sorts as they do: most comparisons need no more. */
static uint64_t order_key(struct span name)
{
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof key; i++) {
        key = key << 8 | (i < name.length ? (unsigned char)name.at[i] : 0U);
    }
    return key;
}

static int compare_names(const struct tree_node *node, struct span other, uint64_t other_key)
{
    if (node->order_key != other_key) {
        return node->order_key < other_key ? -1 : 1;
    }
    size_t length = strlen(node->name);
    int order = memcmp(node->name, other.at, length < other.length ? length : other.length);
    if (order != 0 || length == other.length) {
        return order;
    }
    return length < other.length ? -1 : 1;
}

struct tree_node *tree_child(const struct tree_node *directory, struct span name)
{
    uint64_t key = order_key(name);
    for (struct tree_node *child = directory->first_child; child != NULL; child = child->next) {
        int order = compare_names(child, name, key);
        if (order >= 0) {
            return order == 0 ? child : NULL;
        }
    }
    return NULL;
}

static void link_node(struct tree_node *directory, struct tree_node *node)
{
    struct tree_node **place = &directory->first_child;
    struct span name = span_of(node->name);
    node->order_key = order_key(name);
    while (*place != NULL && compare_names(*place, name, node->order_key) < 0) {
        place = &(*place)->next;
    }
    node->next = *place;
    node->parent = directory;
    *place = node;
}

static void unlink_node(struct tree_node *node)
{
    struct tree_node **place = &node->parent->first_child;
    while (*place != node) {
        place = &(*place)->next;
    }
    *place = node->next;
    node->next = NULL;
    node->parent = NULL;
}

struct tree_node *tree_walk(const struct tree_node *top, const struct tree_node *node)
{
    if (node->first_child != NULL) {
        return node->first_child;
    }
    while (node != top && node->next == NULL) {
        node = node->parent;
    }
    return node == top ? NULL : node->next;
}

bool tree_is_below(const struct tree_node *node, const struct tree_node *top)
{
    while (node != NULL && node != top) {
        node = node->parent;
    }
    return node == top;
}

int32_t tree_depth(const struct tree_node *node, const struct tree_node *top)
{
    int32_t depth = 0;
    while (node != top && node->parent != NULL) {
        node = node->parent;
        depth++;
    }
    return depth;
}

void tree_append_path(const struct tree_node *node, struct buffer *out)
{
    if (node->parent == NULL) {
        buffer_append_char(out, '/');
        return;
    }
    size_t length = 0;
    for (const struct tree_node *at = node; at->parent != NULL; at = at->parent) {
        length += strlen(at->name) + 1;
    }
    if (!buffer_reserve(out, length)) {
        return;
    }
    char *end = out->data + out->length + length;
    *end = '\0';
    out->length += length;
    for (const struct tree_node *at = node; at->parent != NULL; at = at->parent) {
        size_t size = strlen(at->name);
        end -= size;
        memcpy(end, at->name, size);
        *--end = '/';
    }
}

/* ---- entries ---- */

enum tree_error tree_add(struct file_tree *tree, struct tree_node *directory, struct span name, enum tree_kind kind,
                         uint32_t mode, int64_t now_ns, struct tree_node **out)
{
    if (directory->kind != TREE_DIRECTORY) {
        return TREE_NOT_DIRECTORY;
    }
    if (name.length > TREE_NAME_LIMIT) {
        return TREE_NAME_TOO_LONG;
    }
    if (tree_child(directory, name) != NULL) {
        return TREE_EXISTS;
    }
    if (tree->node_count >= TREE_NODES_LIMIT) {
        return TREE_NO_SPACE;
    }
    struct tree_node *node = new_node(tree, kind, name, mode, now_ns);
    if (node == NULL) {
        return TREE_NO_MEMORY;
    }
    link_node(directory, node);
    directory->modified_ns = now_ns;
    *out = node;
    return TREE_OK;
}

struct tree_node *tree_add_image(struct file_tree *tree, struct tree_node *directory, const char *name,
                                 enum tree_kind kind, uint32_t mode, int64_t now_ns)
{
    assert(tree->reserve_used < tree->reserve_count);
    struct tree_node *node = &tree->reserve[tree->reserve_used++];
    node->name = name;
    node->reserved = true;
    start_node(tree, node, kind, mode, now_ns);
    link_node(directory, node);
    return node;
}

enum tree_error tree_make(struct file_tree *tree, const char *cwd, const char *path, enum tree_kind kind, uint32_t mode,
                          int64_t now_ns, struct tree_node **out)
{
    struct tree_node *directory;
    struct span name;
    enum tree_error error = tree_find_parent(tree, cwd, path, &directory, &name);
    return error != TREE_OK ? error : tree_add(tree, directory, name, kind, mode, now_ns, out);
}

/* Frees a node that is in no directory any more, or leaves it to the last stream that holds it. */
static void retire_node(struct file_tree *tree, struct tree_node *node)
{
    if (node->holders == 0) {
        free_node(tree, node);
    }
}

/* Takes apart a sub-tree that is unlinked already, from its leaves. */
static void free_below(struct file_tree *tree, struct tree_node *top)
{
    struct tree_node *node = top;
    while (true) {
        if (node->first_child != NULL) {
            node = node->first_child;
            continue;
        }
        if (node == top) {
            return;
        }
        struct tree_node *directory = node->parent;
        unlink_node(node);
        retire_node(tree, node);
        node = directory;
    }
}

void tree_free(struct file_tree *tree)
{
    if (tree->root != NULL) {
        free_below(tree, tree->root);
        free_node(tree, tree->root);
        tree->root = NULL;
    }
    if (tree->reserve != NULL) {
        heap_release(tree->heap, tree->reserve);
        tree->reserve = NULL;
    }
}

enum tree_error tree_remove(struct file_tree *tree, struct tree_node *node, int64_t now_ns)
{
    if (node->parent == NULL) {
        return TREE_BUSY;
    }
    node->parent->modified_ns = now_ns;
    unlink_node(node);
    free_below(tree, node);
    retire_node(tree, node);
    return TREE_OK;
}

enum tree_error tree_move(struct file_tree *tree, struct tree_node *node, struct tree_node *directory, struct span name,
                          int64_t now_ns)
{
    if (node->parent == NULL) {
        return TREE_BUSY;
    }
    if (tree_is_below(directory, node)) {
        return TREE_INVALID;
    }
    if (name.length > TREE_NAME_LIMIT) {
        return TREE_NAME_TOO_LONG;
    }
    char *copy = heap_alloc(tree->heap, name.length + 1);
    if (copy == NULL) {
        return TREE_NO_MEMORY;
    }
    memcpy(copy, name.at, name.length);
    node->parent->modified_ns = now_ns;
    unlink_node(node);
    if (node->owns_name) {
        heap_release(tree->heap, (void *)(uintptr_t)node->name);
    }
    node->name = copy;
    node->owns_name = true;
    link_node(directory, node);
    directory->modified_ns = now_ns;
    return TREE_OK;
}

void tree_hold(struct tree_node *node)
{
    node->holders++;
}

void tree_drop(struct file_tree *tree, struct tree_node *node)
{
    node->holders--;
    if (node->parent == NULL && node != tree->root) {
        retire_node(tree, node);
    }
}

/* ---- contents ---- */

int64_t tree_size(const struct tree_node *node)
{
    switch (node->kind) {
    case TREE_DIRECTORY:
        return TREE_BLOCK_BYTES;
    case TREE_DEVICE:
        return 0;
    case TREE_FILE:
    case TREE_SYMLINK:
        break;
    }
    return (int64_t)node->content.length + node->hole_bytes;
}

/* The most bytes that the file's content may reach before the disk or the memory for contents is full. */
static int64_t content_limit(const struct file_tree *tree, const struct tree_node *file)
{
    int64_t by_memory = (int64_t)file->content.length + (int64_t)content_most(tree) - (int64_t)tree->content_bytes;
    if (tree->part_of_image) {
        return by_memory;
    }
    int64_t by_disk = (tree_free_bytes(tree) + file->charged_bytes) / TREE_BLOCK_BYTES * TREE_BLOCK_BYTES;
    return by_disk < by_memory ? by_disk : by_memory;
}

static bool grow_content(struct tree_node *file, size_t length)
{
    size_t old = file->content.length;
    if (length <= old) {
        return true;
    }
    if (!buffer_reserve(&file->content, length - old)) {
        file->content.failed = false;
        return false;
    }
    memset(file->content.data + old, 0, length - old + 1);
    file->content.length = length;
    return true;
}

enum tree_error tree_write(struct file_tree *tree, struct tree_node *file, int64_t offset, struct span bytes,
                           int64_t now_ns)
{
    if (bytes.length == 0) {
        return TREE_OK;
    }
    int64_t limit = content_limit(tree, file);
    int64_t stored = (int64_t)bytes.length;
    bool whole = offset <= limit && stored <= limit - offset;
    if (!whole) {
        stored = offset < limit ? limit - offset : 0;
        bool overwrites = offset + stored <= (int64_t)file->content.length;
        if (stored == 0 || overwrites) {
            return TREE_NO_SPACE;
        }
    }
    int64_t old_size = tree_size(file);
    size_t old_length = file->content.length;
    size_t end = (size_t)(offset + stored);
    if (!grow_content(file, end)) {
        return TREE_NO_MEMORY;
    }
    memcpy(file->content.data + offset, bytes.at, (size_t)stored);
    tree->content_bytes += file->content.length - old_length;
    int64_t left_over = old_size - (int64_t)file->content.length;
    file->hole_bytes = left_over > 0 ? left_over : 0;
    file->modified_ns = now_ns;
    charge(tree, file);
    return whole ? TREE_OK : TREE_NO_SPACE;
}

enum tree_error tree_resize(struct file_tree *tree, struct tree_node *file, int64_t size, bool reserve, int64_t now_ns)
{
    int64_t length = (int64_t)file->content.length;
    if (size > tree->disk_bytes && reserve) {
        return TREE_NO_SPACE;
    }
    if (reserve && whole_blocks(size) - file->charged_bytes > tree_free_bytes(tree)) {
        return TREE_NO_SPACE;
    }
    if (size < length) {
        tree->content_bytes -= (size_t)(length - size);
        file->content.length = (size_t)size;
        file->content.data[size] = '\0';
        length = size;
    }
    if (size == 0) {
        buffer_release(&file->content);
    }
    file->hole_bytes = size - length;
    file->hole_reserved = reserve;
    file->modified_ns = now_ns;
    charge(tree, file);
    return TREE_OK;
}

enum tree_error tree_set_target(struct file_tree *tree, struct tree_node *link, const char *target)
{
    buffer_append_text(&link->content, target);
    tree->content_bytes += link->content.length;
    if (link->content.failed) {
        (void)tree_remove(tree, link, link->modified_ns);
        return TREE_NO_MEMORY;
    }
    return TREE_OK;
}

void tree_read(const struct tree_node *file, int64_t offset, int64_t size, struct buffer *out)
{
    int64_t left = tree_size(file) - offset;
    if (size < left) {
        left = size;
    }
    int64_t length = (int64_t)file->content.length;
    if (left > 0 && offset < length) {
        int64_t piece = length - offset < left ? length - offset : left;
        buffer_append(out, file->content.data + offset, (size_t)piece);
        left -= piece;
    }
    if (left > 0 && buffer_reserve(out, (size_t)left)) {
        memset(out->data + out->length, 0, (size_t)left + 1);
        out->length += (size_t)left;
    }
}
