/* The modelled tree as a file service. */
#include "fakes/host/host_files.h"

#include <string.h>

#include "fakes/host/host_state.h"

#define HOME_FOLDER "/root"

enum { UMASK = 022, FOLDER_LINKS = 2 };

static struct file_tree *files_of(const struct host_files *files)
{
    return &files->host->files;
}

/* What the machine's clock shows. */
static int64_t now_ns(const struct host_files *files)
{
    return saturating_add(files->now.unix_ns, files->host->clock_ahead_ns);
}

static enum tree_error find(const struct host_files *files, const char *path, bool follow, struct tree_node **out)
{
    if (!host_prepare_files(files->host, files->now)) {
        return TREE_NO_MEMORY;
    }
    return tree_find(files_of(files), HOME_FOLDER, path, follow, out);
}

/* ---- facts and changes ---- */

static uint32_t kind_of(const struct tree_node *node)
{
    switch (node->kind) {
    case TREE_DIRECTORY:
        return FILE_KIND_DIRECTORY;
    case TREE_SYMLINK:
        return FILE_KIND_SYMLINK;
    case TREE_DEVICE:
        return FILE_KIND_CHARACTERS;
    case TREE_FILE:
        break;
    }
    return FILE_KIND_REGULAR;
}

static void tell_facts(const struct tree_node *node, struct file_facts *out)
{
    int64_t modified_s = node->modified_ns / NS_PER_S;
    *out = (struct file_facts){
        .size = (uint64_t)tree_size(node),
        .mode = kind_of(node) | node->mode,
        .links = 1,
        .accessed_s = modified_s,
        .modified_s = modified_s,
    };
    if (node->kind == TREE_DIRECTORY) {
        out->links = FOLDER_LINKS;
        for (const struct tree_node *child = node->first_child; child != NULL; child = child->next) {
            out->links += child->kind == TREE_DIRECTORY;
        }
    }
}

static enum tree_error change_node(const struct host_files *files, struct tree_node *node,
                                   const struct file_change *change)
{
    if ((change->what & FILE_CHANGE_SIZE) != 0) {
        if (node->kind != TREE_FILE) {
            return node->kind == TREE_DIRECTORY ? TREE_IS_DIRECTORY : TREE_INVALID;
        }
        if (change->size > INT64_MAX / 2) {
            return TREE_TOO_LARGE;
        }
        enum tree_error error = tree_resize(files_of(files), node, (int64_t)change->size, false, now_ns(files));
        if (error != TREE_OK) {
            return error;
        }
    }
    if ((change->what & FILE_CHANGE_MODE) != 0 && node->kind != TREE_SYMLINK) {
        node->mode = change->mode & FILE_PERMISSION_MASK;
    }
    if ((change->what & FILE_CHANGE_TIMES) != 0) {
        node->modified_ns = scale_rounded(change->modified_s, NS_PER_S, 1);
    }
    return TREE_OK;
}

static enum tree_error service_facts(void *context, const char *path, bool follow, struct file_facts *out)
{
    struct tree_node *node;
    enum tree_error error = find(context, path, follow, &node);
    if (error == TREE_OK) {
        tell_facts(node, out);
    }
    return error;
}

static enum tree_error service_change(void *context, const char *path, bool follow, const struct file_change *change)
{
    struct tree_node *node;
    enum tree_error error = find(context, path, follow, &node);
    return error != TREE_OK ? error : change_node(context, node, change);
}

/* ---- open files ---- */

struct open_file {
    struct tree_node *node;
    unsigned how;
};

static enum tree_error find_or_make(const struct host_files *files, const char *path, unsigned how, uint32_t mode,
                                    struct tree_node **out)
{
    bool must_be_new = (how & FILE_OPEN_CREATE) != 0 && (how & FILE_OPEN_EXCLUSIVE) != 0;
    if (must_be_new && find(files, path, false, out) == TREE_OK) {
        return TREE_EXISTS;
    }
    enum tree_error error = find(files, path, true, out);
    if (error != TREE_NO_ENTRY || (how & FILE_OPEN_CREATE) == 0) {
        return error;
    }
    error = tree_open(files_of(files), HOME_FOLDER, path, now_ns(files), out);
    if (error == TREE_OK) {
        (*out)->mode = mode & FILE_PERMISSION_MASK & ~(uint32_t)UMASK;
    }
    return error;
}

static enum tree_error service_open(void *context, const char *path, unsigned how, uint32_t mode, void **file)
{
    const struct host_files *files = context;
    struct tree_node *node;
    enum tree_error error = find_or_make(files, path, how, mode, &node);
    if (error != TREE_OK) {
        return error;
    }
    if (node->kind == TREE_DIRECTORY && (how & (FILE_OPEN_WRITE | FILE_OPEN_APPEND)) != 0) {
        return TREE_IS_DIRECTORY;
    }
    struct open_file *opened = heap_alloc(files->host->heap, sizeof *opened);
    if (opened == NULL) {
        return TREE_NO_MEMORY;
    }
    if (node->kind == TREE_FILE && (how & FILE_OPEN_TRUNCATE) != 0) {
        error = tree_resize(files_of(files), node, 0, false, now_ns(files));
    }
    if (error != TREE_OK) {
        heap_release(files->host->heap, opened);
        return error;
    }
    tree_hold(node);
    *opened = (struct open_file){node, how};
    *file = opened;
    return TREE_OK;
}

static void service_close(void *context, void *file)
{
    const struct host_files *files = context;
    struct open_file *opened = file;
    tree_drop(files_of(files), opened->node);
    heap_release(files->host->heap, opened);
}

static enum tree_error read_device(struct host *host, enum tree_device device, size_t size, struct buffer *out)
{
    bool random = device == DEVICE_RANDOM;
    for (size_t i = 0; i < size && (random || device == DEVICE_ZERO || device == DEVICE_FULL); i++) {
        buffer_append_char(out, random ? (char)(host_random_bits(host, ++host->random_draws) & 0xff) : '\0');
    }
    return out->failed ? TREE_NO_MEMORY : TREE_OK;
}

static enum tree_error service_read(void *context, void *file, uint64_t offset, size_t size, struct buffer *out)
{
    const struct host_files *files = context;
    const struct open_file *opened = file;
    if ((opened->how & FILE_OPEN_READ) == 0) {
        return TREE_NOT_ALLOWED;
    }
    if (opened->node->kind == TREE_DEVICE) {
        return read_device(files->host, opened->node->device, size, out);
    }
    if (opened->node->kind == TREE_DIRECTORY) {
        return TREE_IS_DIRECTORY;
    }
    if (offset < (uint64_t)tree_size(opened->node)) {
        tree_read(opened->node, (int64_t)offset, (int64_t)size, out);
    }
    return out->failed ? TREE_NO_MEMORY : TREE_OK;
}

static enum tree_error service_write(void *context, void *file, uint64_t offset, struct span bytes)
{
    const struct host_files *files = context;
    const struct open_file *opened = file;
    struct tree_node *node = opened->node;
    if ((opened->how & (FILE_OPEN_WRITE | FILE_OPEN_APPEND)) == 0) {
        return TREE_NOT_ALLOWED;
    }
    if (node->kind == TREE_DEVICE) {
        return node->device == DEVICE_FULL ? TREE_NO_SPACE : TREE_OK;
    }
    if ((opened->how & FILE_OPEN_APPEND) != 0) {
        offset = (uint64_t)tree_size(node);
    }
    if (offset > INT64_MAX / 2) {
        return TREE_TOO_LARGE;
    }
    return tree_write(files_of(files), node, (int64_t)offset, bytes, now_ns(files));
}

static enum tree_error service_sync(void *context, void *file)
{
    (void)context;
    (void)file;
    return TREE_OK;
}

static enum tree_error service_facts_of(void *context, void *file, struct file_facts *out)
{
    (void)context;
    const struct open_file *opened = file;
    tell_facts(opened->node, out);
    return TREE_OK;
}

static enum tree_error service_change_file(void *context, void *file, const struct file_change *change)
{
    const struct open_file *opened = file;
    return change_node(context, opened->node, change);
}

/* ---- directories ---- */

/* `last` is the entry given out last, held so that it outlives its removal; its name is looked for when it has moved away. */
struct open_directory {
    struct tree_node *node;
    struct tree_node *last;
    int dots_told;
    char last_name[TREE_NAME_LIMIT + 1];
};

static enum tree_error service_open_directory(void *context, const char *path, void **directory)
{
    const struct host_files *files = context;
    struct tree_node *node;
    enum tree_error error = find(files, path, true, &node);
    if (error != TREE_OK || node->kind != TREE_DIRECTORY) {
        return error != TREE_OK ? error : TREE_NOT_DIRECTORY;
    }
    struct open_directory *opened = heap_alloc(files->host->heap, sizeof *opened);
    if (opened == NULL) {
        return TREE_NO_MEMORY;
    }
    tree_hold(node);
    opened->node = node;
    *directory = opened;
    return TREE_OK;
}

static void service_close_directory(void *context, void *directory)
{
    const struct host_files *files = context;
    struct open_directory *opened = directory;
    if (opened->last != NULL) {
        tree_drop(files_of(files), opened->last);
    }
    tree_drop(files_of(files), opened->node);
    heap_release(files->host->heap, opened);
}

static struct tree_node *entry_behind(const struct open_directory *opened)
{
    const struct tree_node *last = opened->last;
    if (last == NULL) {
        return opened->node->first_child;
    }
    if (last->parent == opened->node && strcmp(last->name, opened->last_name) == 0) {
        return last->next;
    }
    struct tree_node *child = opened->node->first_child;
    while (child != NULL && strcmp(child->name, opened->last_name) <= 0) {
        child = child->next;
    }
    return child;
}

static enum tree_error service_next_entry(void *context, void *directory, char name[TREE_NAME_LIMIT + 1],
                                          struct file_facts *out)
{
    static const char *const dots[] = {".", ".."};
    const struct host_files *files = context;
    struct open_directory *opened = directory;
    struct tree_node *node = opened->node;
    name[0] = '\0';
    if (opened->dots_told < 2) {
        bool up = opened->dots_told == 1 && node->parent != NULL;
        (void)text_copy(name, TREE_NAME_LIMIT + 1, dots[opened->dots_told++]);
        tell_facts(up ? node->parent : node, out);
        return TREE_OK;
    }
    struct tree_node *child = entry_behind(opened);
    if (child == NULL) {
        return TREE_OK;
    }
    tree_hold(child);
    if (opened->last != NULL) {
        tree_drop(files_of(files), opened->last);
    }
    opened->last = child;
    (void)text_copy(opened->last_name, sizeof opened->last_name, child->name);
    (void)text_copy(name, TREE_NAME_LIMIT + 1, child->name);
    tell_facts(child, out);
    return TREE_OK;
}

static enum tree_error service_make_directory(void *context, const char *path, uint32_t mode)
{
    const struct host_files *files = context;
    struct tree_node *made;
    if (!host_prepare_files(files->host, files->now)) {
        return TREE_NO_MEMORY;
    }
    return tree_make(files_of(files), HOME_FOLDER, path, TREE_DIRECTORY, mode & FILE_PERMISSION_MASK & ~(uint32_t)UMASK,
                     now_ns(files), &made);
}

/* ---- entries ---- */

static enum tree_error service_remove_directory(void *context, const char *path)
{
    const struct host_files *files = context;
    struct tree_node *node;
    enum tree_error error = find(files, path, false, &node);
    if (error != TREE_OK || node->kind != TREE_DIRECTORY) {
        return error != TREE_OK ? error : TREE_NOT_DIRECTORY;
    }
    return node->first_child != NULL ? TREE_NOT_EMPTY : tree_remove(files_of(files), node, now_ns(files));
}

static enum tree_error service_remove(void *context, const char *path)
{
    const struct host_files *files = context;
    struct tree_node *node;
    enum tree_error error = find(files, path, false, &node);
    if (error != TREE_OK || node->kind == TREE_DIRECTORY) {
        return error != TREE_OK ? error : TREE_IS_DIRECTORY;
    }
    return tree_remove(files_of(files), node, now_ns(files));
}

/* What stands in the way of a move, by the rules of rename(2). */
static enum tree_error make_way(const struct host_files *files, const struct tree_node *node, struct tree_node *there,
                                bool replace)
{
    bool is_directory = node->kind == TREE_DIRECTORY;
    if (!replace) {
        return TREE_EXISTS;
    }
    if (is_directory != (there->kind == TREE_DIRECTORY)) {
        return is_directory ? TREE_NOT_DIRECTORY : TREE_IS_DIRECTORY;
    }
    if (there->first_child != NULL) {
        return TREE_NOT_EMPTY;
    }
    return tree_is_below(node, there) ? TREE_NOT_EMPTY : tree_remove(files_of(files), there, now_ns(files));
}

static enum tree_error service_move(void *context, const char *from, const char *to, bool replace)
{
    const struct host_files *files = context;
    struct tree_node *node;
    struct tree_node *directory;
    struct span name;
    enum tree_error error = find(files, from, false, &node);
    if (error == TREE_OK) {
        error = tree_find_parent(files_of(files), HOME_FOLDER, to, &directory, &name);
    }
    if (error != TREE_OK) {
        return error;
    }
    if (tree_is_below(directory, node)) {
        return TREE_INVALID;
    }
    struct tree_node *there = tree_child(directory, name);
    if (there == node) {
        return replace ? TREE_OK : TREE_EXISTS;
    }
    if (there != NULL) {
        error = make_way(files, node, there, replace);
    }
    return error != TREE_OK ? error : tree_move(files_of(files), node, directory, name, now_ns(files));
}

static enum tree_error service_make_symlink(void *context, const char *target, const char *path)
{
    const struct host_files *files = context;
    struct tree_node *link;
    if (target[0] == '\0') {
        return TREE_NO_ENTRY;
    }
    if (!host_prepare_files(files->host, files->now)) {
        return TREE_NO_MEMORY;
    }
    enum tree_error error = tree_make(files_of(files), HOME_FOLDER, path, TREE_SYMLINK, 0777, now_ns(files), &link);
    return error != TREE_OK ? error : tree_set_target(files_of(files), link, target);
}

static enum tree_error service_read_symlink(void *context, const char *path, struct buffer *out)
{
    struct tree_node *link;
    enum tree_error error = find(context, path, false, &link);
    if (error != TREE_OK || link->kind != TREE_SYMLINK) {
        return error != TREE_OK ? error : TREE_INVALID;
    }
    buffer_append(out, buffer_text(&link->content), link->content.length);
    return out->failed ? TREE_NO_MEMORY : TREE_OK;
}

static enum tree_error service_real_path(void *context, const char *path, struct buffer *out)
{
    const struct host_files *files = context;
    struct tree_node *node;
    struct span name = span_of("");
    enum tree_error error = find(files, path, true, &node);
    if (error == TREE_NO_ENTRY) {
        error = tree_find_parent(files_of(files), HOME_FOLDER, path, &node, &name);
        error = error == TREE_EXISTS ? TREE_NO_ENTRY : error;
    }
    if (error != TREE_OK) {
        return error;
    }
    tree_append_path(node, out);
    if (name.length > 0) {
        buffer_append_text(out, node->parent == NULL ? "" : "/");
        buffer_append(out, name.at, name.length);
    }
    return out->failed ? TREE_NO_MEMORY : TREE_OK;
}

static enum tree_error service_space(void *context, const char *path, struct file_space *out)
{
    const struct host_files *files = context;
    struct tree_node *node;
    enum tree_error error = find(files, path, true, &node);
    const struct file_tree *tree = files_of(files);
    *out = (struct file_space){
        .block_bytes = TREE_BLOCK_BYTES,
        .blocks = (uint64_t)(tree->disk_bytes / TREE_BLOCK_BYTES),
        .blocks_free = (uint64_t)(tree_free_bytes(tree) / TREE_BLOCK_BYTES),
        .files = TREE_NODES_LIMIT,
        .files_free = TREE_NODES_LIMIT - tree->node_count,
        .name_length_limit = TREE_NAME_LIMIT,
    };
    return error;
}

/* ---- people ---- */

static const char *service_name_of(void *context, uint32_t number)
{
    (void)context;
    return number == 0 ? "root" : NULL;
}

static const char *service_home(void *context)
{
    (void)context;
    return HOME_FOLDER;
}

static struct wall_time service_now(void *context)
{
    return (struct wall_time){now_ns(context)};
}

const struct file_service host_file_service = {
    .open = service_open,
    .close = service_close,
    .read = service_read,
    .write = service_write,
    .sync = service_sync,
    .facts_of = service_facts_of,
    .change_file = service_change_file,
    .facts = service_facts,
    .change = service_change,
    .open_directory = service_open_directory,
    .close_directory = service_close_directory,
    .next_entry = service_next_entry,
    .make_directory = service_make_directory,
    .remove_directory = service_remove_directory,
    .remove = service_remove,
    .move = service_move,
    .make_symlink = service_make_symlink,
    .read_symlink = service_read_symlink,
    .real_path = service_real_path,
    .space = service_space,
    .user_name = service_name_of,
    .group_name = service_name_of,
    .home = service_home,
    .now = service_now,
};
