/* The door's files, on the virtual world's disk. */
#include "sim/virtual_state.h"

enum { USUAL_MODE = 0644 }; /* of a umask of 022 */

static struct disk_handle *handle_of(const struct world_file *file)
{
    return file->opened;
}

static enum error_code disk_is_full(const char *path, struct error *error)
{
    return error_set(error, ERR_CANNOT_WRITE, "cannot write %s: " DISK_FULL_WORDS, path);
}

static enum error_code open_file(struct world *world, const char *path, enum world_file_use use,
                                 struct world_file *file, struct error *error)
{
    struct disk_handle *handle = NULL;
    bool fill = use == WORLD_FILE_FILL;
    switch (disk_open(&virtual_of(world)->disk, path, fill, &handle)) {
    case DISK_OPENED:
        file->opened = handle;
        return ERR_OK;
    case DISK_MISSING:
        return error_set(error, ERR_INPUT_UNREADABLE, "cannot read %s: there is no such file", path);
    case DISK_TAKEN:
        return error_set(error, ERR_STATE_LOCKED, "%s is being filled by another process", path);
    case DISK_FULL:
        break;
    }
    return disk_is_full(path, error);
}

static void close_file(struct world *world, struct world_file *file)
{
    (void)world;
    disk_close(handle_of(file));
}

static enum error_code look(struct world_file *file, struct world_file_facts *facts, struct error *error)
{
    const struct disk_handle *handle = handle_of(file);
    (void)error;
    *facts = (struct world_file_facts){
        .size = disk_size(handle), .modified_unix_ns = disk_modified_unix_ns(handle), .mode = disk_mode(handle)};
    return ERR_OK;
}

static enum error_code read_file(struct world_file *file, int64_t offset, void *out, size_t size, size_t *got,
                                 struct error *error)
{
    (void)error;
    *got = disk_read(handle_of(file), offset, out, size);
    return ERR_OK;
}

static enum error_code done(const struct world_file *file, bool good, struct error *error)
{
    return good ? ERR_OK : disk_is_full(disk_path(handle_of(file)), error);
}

static enum error_code write_file(struct world_file *file, int64_t offset, const void *bytes, size_t size,
                                  struct error *error)
{
    return done(file, disk_write(handle_of(file), offset, bytes, size), error);
}

static enum error_code resize(struct world_file *file, int64_t size, struct error *error)
{
    return done(file, disk_resize(handle_of(file), size), error);
}

static enum error_code stamp(struct world_file *file, const struct world_file_facts *facts, struct error *error)
{
    struct disk_handle *handle = handle_of(file);
    (void)error;
    disk_stamp(handle, facts->mode == WORLD_FILE_MODE_USUAL ? USUAL_MODE : facts->mode,
               facts->modified_unix_ns == WORLD_FILE_TIME_KEPT ? disk_modified_unix_ns(handle)
                                                               : facts->modified_unix_ns);
    return ERR_OK;
}

static enum error_code sync_file(struct world_file *file, struct error *error)
{
    return done(file, disk_sync(handle_of(file)), error);
}

static enum error_code rename_file(struct world *world, const char *from, const char *to, struct error *error)
{
    bool renamed = disk_rename(&virtual_of(world)->disk, from, to);
    return renamed ? ERR_OK : error_set(error, ERR_CANNOT_WRITE, "cannot write %s: there is no %s", to, from);
}

static void remove_file(struct world *world, const char *path)
{
    disk_remove(&virtual_of(world)->disk, path);
}

const struct world_file_operations virtual_file_operations = {
    .open = open_file,
    .look = look,
    .read = read_file,
    .write = write_file,
    .resize = resize,
    .stamp = stamp,
    .sync = sync_file,
    .close = close_file,
    .rename = rename_file,
    .remove = remove_file,
};
