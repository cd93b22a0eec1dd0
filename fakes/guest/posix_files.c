#include "fakes/guest/posix_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* ---- errors ---- */

static enum tree_error last_error(void)
{
    static const struct {
        int number;
        enum tree_error error;
    } rows[] = {
        {ENOENT, TREE_NO_ENTRY},      {ENOTDIR, TREE_NOT_DIRECTORY}, {EISDIR, TREE_IS_DIRECTORY},
        {EEXIST, TREE_EXISTS},        {ENOTEMPTY, TREE_NOT_EMPTY},   {ENOSPC, TREE_NO_SPACE},
        {EDQUOT, TREE_NO_SPACE},      {ELOOP, TREE_TOO_MANY_LINKS},  {ENAMETOOLONG, TREE_NAME_TOO_LONG},
        {EFBIG, TREE_TOO_LARGE},      {EINVAL, TREE_INVALID},        {EBUSY, TREE_BUSY},
        {EACCES, TREE_NOT_ALLOWED},   {EPERM, TREE_NOT_ALLOWED},     {EROFS, TREE_NOT_ALLOWED},
        {ENOSYS, TREE_NOT_SUPPORTED}, {ENOMEM, TREE_NO_MEMORY},      {EBADF, TREE_NOT_ALLOWED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].number == errno) {
            return rows[i].error;
        }
    }
    return TREE_FAULT;
}

static enum tree_error result_of(int result)
{
    return result == 0 ? TREE_OK : last_error();
}

/* ---- facts and changes ---- */

static void tell_facts(const struct stat *status, struct file_facts *out)
{
    *out = (struct file_facts){
        .size = (uint64_t)status->st_size,
        .mode = status->st_mode,
        .user = status->st_uid,
        .group = status->st_gid,
        .links = (uint32_t)status->st_nlink,
        .accessed_s = status->st_atim.tv_sec,
        .modified_s = status->st_mtim.tv_sec,
    };
}

static enum tree_error service_facts(void *context, const char *path, bool follow, struct file_facts *out)
{
    (void)context;
    struct stat status;
    if (fstatat(AT_FDCWD, path, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        return last_error();
    }
    tell_facts(&status, out);
    return TREE_OK;
}

static void fill_times(const struct file_change *change, struct timespec times[2])
{
    times[0] = (struct timespec){.tv_sec = (time_t)change->accessed_s};
    times[1] = (struct timespec){.tv_sec = (time_t)change->modified_s};
}

/* A symbolic link has no mode of its own. */
static enum tree_error service_change(void *context, const char *path, bool follow, const struct file_change *change)
{
    (void)context;
    int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    struct timespec times[2];
    int failed = 0;
    if ((change->what & FILE_CHANGE_SIZE) != 0) {
        failed |= truncate(path, (off_t)change->size);
    }
    if ((change->what & FILE_CHANGE_MODE) != 0) {
        failed |= fchmodat(AT_FDCWD, path, change->mode & FILE_PERMISSION_MASK, flags);
    }
    if ((change->what & FILE_CHANGE_TIMES) != 0) {
        fill_times(change, times);
        failed |= utimensat(AT_FDCWD, path, times, flags);
    }
    if ((change->what & FILE_CHANGE_OWNER) != 0) {
        failed |= fchownat(AT_FDCWD, path, change->user, change->group, flags);
    }
    return result_of(failed);
}

/* ---- open files ---- */

struct open_file {
    int descriptor;
    bool appends;
};

static enum tree_error service_open(void *context, const char *path, unsigned how, uint32_t mode, void **file)
{
    const struct posix_files *files = context;
    bool reads = (how & FILE_OPEN_READ) != 0;
    bool writes = (how & FILE_OPEN_WRITE) != 0;
    int flags = O_CLOEXEC | O_NOCTTY | (reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY);
    flags |= (how & FILE_OPEN_APPEND) != 0 ? O_APPEND : 0;
    flags |= (how & FILE_OPEN_CREATE) != 0 ? O_CREAT : 0;
    flags |= (how & FILE_OPEN_TRUNCATE) != 0 ? O_TRUNC : 0;
    flags |= (how & FILE_OPEN_EXCLUSIVE) != 0 ? O_EXCL : 0;
    struct open_file *opened = heap_alloc(files->heap, sizeof *opened);
    if (opened == NULL) {
        return TREE_NO_MEMORY;
    }
    opened->descriptor = open(path, flags, (mode_t)(mode & FILE_PERMISSION_MASK));
    opened->appends = (how & FILE_OPEN_APPEND) != 0;
    if (opened->descriptor < 0) {
        enum tree_error error = last_error();
        heap_release(files->heap, opened);
        return error;
    }
    *file = opened;
    return TREE_OK;
}

static void service_close(void *context, void *file)
{
    const struct posix_files *files = context;
    struct open_file *opened = file;
    (void)close(opened->descriptor);
    heap_release(files->heap, opened);
}

static enum tree_error service_read(void *context, void *file, uint64_t offset, size_t size, struct buffer *out)
{
    (void)context;
    const struct open_file *opened = file;
    if (!buffer_reserve(out, size)) {
        return TREE_NO_MEMORY;
    }
    ssize_t got;
    do {
        got = pread(opened->descriptor, out->data + out->length, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == ESPIPE) {
        got = read(opened->descriptor, out->data + out->length, size);
    }
    if (got < 0) {
        return last_error();
    }
    out->length += (size_t)got;
    out->data[out->length] = '\0';
    return TREE_OK;
}

static enum tree_error service_write(void *context, void *file, uint64_t offset, struct span bytes)
{
    (void)context;
    const struct open_file *opened = file;
    size_t done = 0;
    while (done < bytes.length) {
        ssize_t written =
            opened->appends ? write(opened->descriptor, bytes.at + done, bytes.length - done)
                            : pwrite(opened->descriptor, bytes.at + done, bytes.length - done, (off_t)(offset + done));
        if (written < 0 && errno == ESPIPE) {
            written = write(opened->descriptor, bytes.at + done, bytes.length - done);
        }
        if (written < 0 && errno != EINTR) {
            return last_error();
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return TREE_OK;
}

static enum tree_error service_sync(void *context, void *file)
{
    (void)context;
    const struct open_file *opened = file;
    return result_of(fsync(opened->descriptor));
}

static enum tree_error service_facts_of(void *context, void *file, struct file_facts *out)
{
    (void)context;
    const struct open_file *opened = file;
    struct stat status;
    if (fstat(opened->descriptor, &status) != 0) {
        return last_error();
    }
    tell_facts(&status, out);
    return TREE_OK;
}

static enum tree_error service_change_file(void *context, void *file, const struct file_change *change)
{
    (void)context;
    const struct open_file *opened = file;
    struct timespec times[2];
    int failed = 0;
    if ((change->what & FILE_CHANGE_SIZE) != 0) {
        failed |= ftruncate(opened->descriptor, (off_t)change->size);
    }
    if ((change->what & FILE_CHANGE_MODE) != 0) {
        failed |= fchmod(opened->descriptor, change->mode & FILE_PERMISSION_MASK);
    }
    if ((change->what & FILE_CHANGE_TIMES) != 0) {
        fill_times(change, times);
        failed |= futimens(opened->descriptor, times);
    }
    if ((change->what & FILE_CHANGE_OWNER) != 0) {
        failed |= fchown(opened->descriptor, change->user, change->group);
    }
    return result_of(failed);
}

/* ---- directories ---- */

static enum tree_error service_open_directory(void *context, const char *path, void **directory)
{
    (void)context;
    DIR *opened = opendir(path);
    *directory = opened;
    return opened != NULL ? TREE_OK : last_error();
}

static void service_close_directory(void *context, void *directory)
{
    (void)context;
    (void)closedir(directory);
}

static enum tree_error service_next_entry(void *context, void *directory, char name[TREE_NAME_LIMIT + 1],
                                          struct file_facts *out)
{
    (void)context;
    DIR *opened = directory;
    const struct dirent *entry;
    name[0] = '\0';
    while ((entry = readdir(opened)) != NULL) {
        struct stat status;
        if (fstatat(dirfd(opened), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            tell_facts(&status, out);
            (void)text_copy(name, TREE_NAME_LIMIT + 1, entry->d_name);
            break;
        }
    }
    return TREE_OK;
}

static enum tree_error service_make_directory(void *context, const char *path, uint32_t mode)
{
    (void)context;
    return result_of(mkdir(path, mode & FILE_PERMISSION_MASK));
}

static enum tree_error service_remove_directory(void *context, const char *path)
{
    (void)context;
    return result_of(rmdir(path));
}

/* ---- entries ---- */

static enum tree_error service_remove(void *context, const char *path)
{
    (void)context;
    return result_of(unlink(path));
}

/* Without `replace`: a hard link first, which fails where something stands, as sftp-server does; directories cannot have one. */
static enum tree_error move_to_free_name(const char *from, const char *to)
{
    struct stat status;
    if (lstat(from, &status) != 0) {
        return last_error();
    }
    if (!S_ISDIR(status.st_mode) && link(from, to) == 0) {
        return result_of(unlink(from));
    }
    struct stat there;
    if (lstat(to, &there) == 0) {
        return TREE_EXISTS;
    }
    return result_of(rename(from, to));
}

static enum tree_error service_move(void *context, const char *from, const char *to, bool replace)
{
    (void)context;
    return replace ? result_of(rename(from, to)) : move_to_free_name(from, to);
}

static enum tree_error service_link(void *context, const char *from, const char *to)
{
    (void)context;
    return result_of(link(from, to));
}

static enum tree_error service_make_symlink(void *context, const char *target, const char *path)
{
    (void)context;
    return result_of(symlink(target, path));
}

static enum tree_error service_read_symlink(void *context, const char *path, struct buffer *out)
{
    (void)context;
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target);
    if (length < 0) {
        return last_error();
    }
    buffer_append(out, target, (size_t)length);
    return TREE_OK;
}

static enum tree_error service_real_path(void *context, const char *path, struct buffer *out)
{
    (void)context;
    char copy[TREE_PATH_LIMIT + 1];
    char resolved[PATH_MAX];
    if (realpath(path, resolved) != NULL) {
        buffer_append_text(out, resolved);
        return TREE_OK;
    }
    if (errno != ENOENT || !text_copy(copy, sizeof copy, path)) {
        return last_error();
    }
    /* The last part need not exist, but what it lies in must. */
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/') {
        copy[--length] = '\0';
    }
    char *slash = strrchr(copy, '/');
    const char *name = slash == NULL ? copy : slash + 1;
    const char *folder = slash == NULL ? "." : slash == copy ? "/" : copy;
    if (slash != NULL) {
        *slash = '\0';
    }
    if (name[0] == '\0' || realpath(folder[0] == '\0' ? "/" : folder, resolved) == NULL) {
        return TREE_NO_ENTRY;
    }
    buffer_printf(out, "%s%s%s", resolved, strcmp(resolved, "/") == 0 ? "" : "/", name);
    return TREE_OK;
}

static enum tree_error service_space(void *context, const char *path, struct file_space *out)
{
    (void)context;
    struct statvfs space;
    if (statvfs(path, &space) != 0) {
        return last_error();
    }
    *out = (struct file_space){
        .block_bytes = space.f_frsize,
        .blocks = space.f_blocks,
        .blocks_free = space.f_bavail,
        .files = space.f_files,
        .files_free = space.f_favail,
        .name_length_limit = space.f_namemax,
    };
    return TREE_OK;
}

/* ---- people ---- */

static const char *service_user_name(void *context, uint32_t user)
{
    (void)context;
    const struct passwd *entry = getpwuid(user);
    return entry == NULL ? NULL : entry->pw_name;
}

static const char *service_group_name(void *context, uint32_t group)
{
    (void)context;
    const struct group *entry = getgrgid(group);
    return entry == NULL ? NULL : entry->gr_name;
}

static const char *service_home(void *context)
{
    const struct posix_files *files = context;
    return files->home;
}

static struct wall_time service_now(void *context)
{
    (void)context;
    return (struct wall_time){(int64_t)time(NULL) * NS_PER_S};
}

const struct file_service posix_file_service = {
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
    .link = service_link,
    .make_symlink = service_make_symlink,
    .read_symlink = service_read_symlink,
    .real_path = service_real_path,
    .space = service_space,
    .user_name = service_user_name,
    .group_name = service_group_name,
    .home = service_home,
    .now = service_now,
};
