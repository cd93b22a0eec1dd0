/* Files of this machine, for world/file.h and for bodies of HTTP. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "system/files.h"
#include "world/live/live_sides.h"

enum { MODE_BITS = 0777 };

struct live_file {
    int descriptor;
    char path[FILE_PATH_SIZE];
};

static struct live_file *file_of(const struct world_file *file)
{
    return file->opened;
}

static enum error_code refuse(struct error *error, enum error_code code, const char *what, const char *path, int reason)
{
    return error_set(error, code, "cannot %s %s: %s", what, path, strerror(reason));
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------ */

static enum error_code open_to_read(struct live_file *file, struct error *error)
{
    struct stat status;
    /* Non-blocking, so that opening a pipe that nobody writes to does not wait. */
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        return refuse(error, ERR_INPUT_UNREADABLE, "read", file->path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERR_INPUT_UNREADABLE, "cannot read %s: it is no regular file", file->path);
    }
    return ERR_OK;
}

static enum error_code open_to_fill(struct live_file *file, struct error *error)
{
    struct stat status;
    file->descriptor = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, (mode_t)FILE_SECRET);
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        return refuse(error, ERR_CANNOT_WRITE, "write", file->path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERR_CANNOT_WRITE, "cannot write %s: it is no regular file", file->path);
    }
    if (flock(file->descriptor, LOCK_EX | LOCK_NB) != 0) {
        return error_set(error, ERR_STATE_LOCKED, "%s is being filled by another process", file->path);
    }
    return ERR_OK;
}

static void drop(struct live_world *live, struct live_file *file)
{
    if (file->descriptor >= 0) {
        (void)close(file->descriptor);
    }
    heap_release(live->heap, file);
}

static enum error_code open_file(struct world *world, const char *path, enum world_file_use use,
                                 struct world_file *opened, struct error *error)
{
    struct live_world *live = live_of(world);
    struct live_file *file = heap_alloc(live->heap, sizeof *file);
    if (file == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    file->descriptor = -1;
    enum error_code code;
    if (!text_copy(file->path, sizeof file->path, path)) {
        code =
            refuse(error, use == WORLD_FILE_READ ? ERR_INPUT_UNREADABLE : ERR_CANNOT_WRITE, "open", path, ENAMETOOLONG);
    } else {
        code = use == WORLD_FILE_READ ? open_to_read(file, error) : open_to_fill(file, error);
    }
    if (code == ERR_OK) {
        opened->opened = file;
    } else {
        drop(live, file);
    }
    return code;
}

static void close_file(struct world *world, struct world_file *file)
{
    drop(live_of(world), file_of(file));
}

/* ---- What is in it ------------------------------------------------------------------------------------------------------ */

static enum error_code look(struct world_file *file, struct world_file_facts *facts, struct error *error)
{
    struct stat status;
    if (fstat(file_of(file)->descriptor, &status) != 0) {
        return refuse(error, ERR_INPUT_UNREADABLE, "look at", file_of(file)->path, errno);
    }
    facts->size = (int64_t)status.st_size;
    facts->modified_unix_ns = (int64_t)status.st_mtim.tv_sec * NS_PER_S + (int64_t)status.st_mtim.tv_nsec;
    facts->mode = (unsigned)status.st_mode & MODE_BITS;
    return ERR_OK;
}

/* Returns the bytes read, less than `size` only at the end; -1 with errno. */
static ssize_t read_at(const struct live_file *file, int64_t offset, char *out, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t count = pread(file->descriptor, out + got, size - got, (off_t)(offset + (int64_t)got));
        if (count == 0) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            return -1;
        }
        got += count > 0 ? (size_t)count : 0;
    }
    return (ssize_t)got;
}

/* Returns 0 or an errno. */
static int write_at(const struct live_file *file, int64_t offset, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = pwrite(file->descriptor, bytes, size, (off_t)offset);
        if (count < 0 && errno != EINTR) {
            return errno;
        }
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
            offset += count;
        }
    }
    return 0;
}

static enum error_code read_file(struct world_file *file, int64_t offset, void *out, size_t size, size_t *got,
                                 struct error *error)
{
    ssize_t count = read_at(file_of(file), offset, out, size);
    *got = count < 0 ? 0 : (size_t)count;
    return count < 0 ? refuse(error, ERR_INPUT_UNREADABLE, "read", file_of(file)->path, errno) : ERR_OK;
}

static enum error_code write_file(struct world_file *file, int64_t offset, const void *bytes, size_t size,
                                  struct error *error)
{
    int reason = write_at(file_of(file), offset, bytes, size);
    return reason == 0 ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "write", file_of(file)->path, reason);
}

/* A file may be as large as that and full of holes; what is to be filled is better refused before its bytes are fetched. */
static bool has_room(int descriptor, int64_t size)
{
    enum { STAT_BLOCK_BYTES = 512 };
    struct stat status;
    struct statvfs room;
    if (fstat(descriptor, &status) != 0 || size <= (int64_t)status.st_size || fstatvfs(descriptor, &room) != 0 ||
        room.f_blocks == 0) {
        return true; /* or nobody can tell */
    }
    int64_t wanted = size - (int64_t)status.st_blocks * STAT_BLOCK_BYTES;
    int64_t free_bytes;
    bool fits = !__builtin_mul_overflow((int64_t)room.f_bfree, (int64_t)room.f_frsize, &free_bytes);
    return !fits || wanted <= free_bytes;
}

static enum error_code resize(struct world_file *file, int64_t size, struct error *error)
{
    int descriptor = file_of(file)->descriptor;
    int reason = !has_room(descriptor, size) ? ENOSPC : ftruncate(descriptor, (off_t)size) == 0 ? 0 : errno;
    return reason == 0 ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "write", file_of(file)->path, reason);
}

/* There is no way to ask for it but to set it. Another thread makes no files. */
static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return (mode_t)(S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH) & ~mask;
}

static enum error_code stamp(struct world_file *file, const struct world_file_facts *facts, struct error *error)
{
    struct timespec modified = {.tv_sec = (time_t)(facts->modified_unix_ns / NS_PER_S),
                                .tv_nsec = (long)(facts->modified_unix_ns % NS_PER_S)};
    if (facts->modified_unix_ns == WORLD_FILE_TIME_KEPT) {
        modified.tv_nsec = UTIME_OMIT;
    }
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, modified};
    int descriptor = file_of(file)->descriptor;
    mode_t mode = facts->mode == WORLD_FILE_MODE_USUAL ? usual_mode() : (mode_t)(facts->mode & MODE_BITS);
    bool done = fchmod(descriptor, mode) == 0 && futimens(descriptor, times) == 0;
    return done ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "set mode and time of", file_of(file)->path, errno);
}

static enum error_code sync_file(struct world_file *file, struct error *error)
{
    bool done = fsync(file_of(file)->descriptor) == 0;
    return done ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "write", file_of(file)->path, errno);
}

/* ---- Names -------------------------------------------------------------------------------------------------------------- */

static enum error_code rename_file(struct world *world, const char *from, const char *to, struct error *error)
{
    (void)world;
    int reason = rename(from, to) == 0 ? folder_sync_of(to) : errno;
    return reason == 0 ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "write", to, reason);
}

static void remove_file(struct world *world, const char *path)
{
    (void)world;
    (void)unlink(path);
}

/* ---- For bodies of HTTP ------------------------------------------------------------------------------------------------- */

bool live_file_put(void *opened, int64_t offset, const char *bytes, size_t size, char *trouble)
{
    int reason = write_at(opened, offset, bytes, size);
    if (reason != 0) {
        (void)text_copy(trouble, HTTP_TROUBLE_SIZE, strerror(reason));
    }
    return reason == 0;
}

size_t live_file_get(void *opened, int64_t offset, char *out, size_t size, char *trouble)
{
    ssize_t count = read_at(opened, offset, out, size);
    if (count <= 0) {
        (void)text_copy(trouble, HTTP_TROUBLE_SIZE, count == 0 ? "it is shorter than it was" : strerror(errno));
    }
    return count < 0 ? 0 : (size_t)count;
}

const struct world_file_operations live_file_operations = {
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
