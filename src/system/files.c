#include "system/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK_BYTES = 16384, PROCESS_NUMBER_SIZE = 24 };

static enum error_code refuse(struct error *error, enum error_code code, const char *what, const char *path, int reason)
{
    return error_set(error, code, "cannot %s %s: %s", what, path, strerror(reason));
}

/* Reads to the end of the file. Returns 0 or an errno; EFBIG stands for the buffer's limit, ENOMEM for its heap. */
static int append_all(int descriptor, struct buffer *out)
{
    for (;;) {
        char chunk[READ_CHUNK_BYTES];
        ssize_t count = read(descriptor, chunk, sizeof chunk);
        if (count == 0) {
            return 0;
        }
        if (count < 0 && errno != EINTR) {
            return errno;
        }
        if (count > 0 && (size_t)count > out->limit - out->length) {
            return EFBIG;
        }
        if (count > 0) {
            buffer_append(out, chunk, (size_t)count);
        }
        if (out->failed) {
            return ENOMEM;
        }
    }
}

static enum error_code read_regular(int descriptor, const char *path, struct buffer *out, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0) {
        return refuse(error, ERR_INPUT_UNREADABLE, "read", path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, ERR_INPUT_UNREADABLE, "cannot read %s: it is no regular file", path);
    }
    size_t before = out->length;
    int reason = append_all(descriptor, out);
    if (reason == 0) {
        return ERR_OK;
    }
    if (out->data != NULL) {
        out->length = before;
        out->data[before] = '\0';
    }
    out->failed = false;
    if (reason == EFBIG) {
        return error_set(error, ERR_INPUT_UNREADABLE, "cannot read %s: it is larger than the %zu bytes allowed", path,
                         out->limit);
    }
    return refuse(error, reason == ENOMEM ? ERR_NO_MEMORY : ERR_INPUT_UNREADABLE, "read", path, reason);
}

enum error_code file_read(const char *path, struct buffer *out, struct error *error)
{
    /* Non-blocking, so that opening a pipe that nobody writes to does not wait. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return refuse(error, ERR_INPUT_UNREADABLE, "read", path, errno);
    }
    enum error_code code = read_regular(descriptor, path, out, error);
    (void)close(descriptor);
    return code;
}

static int write_all(int descriptor, struct span content)
{
    while (content.length > 0) {
        ssize_t count = write(descriptor, content.at, content.length);
        if (count < 0 && errno != EINTR) {
            return errno;
        }
        if (count > 0) {
            content.at += count;
            content.length -= (size_t)count;
        }
    }
    return 0;
}

/* A new file of our own; one that a crashed process with our number left behind is taken away first. */
static int create_anew(const char *path, enum file_mode mode)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (descriptor < 0 && errno == EEXIST && unlink(path) == 0) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    }
    return descriptor;
}

static int write_anew(const char *path, struct span content, enum file_mode mode, bool durable)
{
    int descriptor = create_anew(path, mode);
    if (descriptor < 0) {
        return errno;
    }
    int reason = write_all(descriptor, content);
    if (reason == 0 && durable && fsync(descriptor) != 0) {
        reason = errno;
    }
    if (close(descriptor) != 0 && reason == 0) {
        reason = errno;
    }
    return reason;
}

/* What a rename would take away from everybody else: a device, a pipe, a socket. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

static int write_to_special(const char *path, struct span content)
{
    /* Without waiting for a reader of a pipe; but then each write waits until it is read. */
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        return errno;
    }
    int flags = fcntl(descriptor, F_GETFL);
    int reason = flags >= 0 && fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : errno;
    if (reason == 0) {
        reason = write_all(descriptor, content);
    }
    (void)close(descriptor);
    return reason;
}

/* Returns 0 or an errno. */
static int replace(const char *path, struct span content, enum file_mode mode, bool durable)
{
    char temporary[FILE_PATH_SIZE];
    if (!text_format(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid())) {
        return ENAMETOOLONG;
    }
    int reason = write_anew(temporary, content, mode, durable);
    if (reason == 0 && rename(temporary, path) != 0) {
        reason = errno;
    }
    if (reason == 0) {
        return durable ? folder_sync_of(path) : 0;
    }
    (void)unlink(temporary);
    return reason;
}

static enum error_code write_over(const char *path, struct span content, enum file_mode mode, bool durable,
                                  struct error *error)
{
    char followed[PATH_MAX];
    const char *target = realpath(path, followed) == NULL ? path : followed;
    int reason = is_special(target) ? write_to_special(target, content) : replace(target, content, mode, durable);
    return reason == 0 ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "write", path, reason);
}

enum error_code file_write(const char *path, struct span content, enum file_mode mode, struct error *error)
{
    return write_over(path, content, mode, true, error);
}

enum error_code file_write_passing(const char *path, struct span content, enum file_mode mode, struct error *error)
{
    return write_over(path, content, mode, false, error);
}

static int make_one(const char *path, enum file_mode mode)
{
    struct stat status;
    if (mkdir(path, (mode_t)mode) == 0) {
        return 0;
    }
    int reason = errno;
    if (stat(path, &status) != 0) {
        return reason;
    }
    return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

enum error_code folder_make(const char *path, enum file_mode mode, struct error *error)
{
    char part[FILE_PATH_SIZE];
    if (!text_copy(part, sizeof part, path)) {
        return refuse(error, ERR_CANNOT_WRITE, "make folder", path, ENAMETOOLONG);
    }
    int reason = 0;
    for (char *slash = strchr(part, '/'); slash != NULL && reason == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        reason = slash == part ? 0 : make_one(part, mode);
        *slash = '/';
    }
    if (reason == 0) {
        reason = make_one(part, mode);
    }
    return reason == 0 ? ERR_OK : refuse(error, ERR_CANNOT_WRITE, "make folder", path, reason);
}

/* The folder that a file lies in: "." for a bare name, "/" for one in the root. False when the path is too long. */
static bool folder_of(const char *path, char folder[FILE_PATH_SIZE])
{
    if (!text_copy(folder, FILE_PATH_SIZE, path)) {
        return false;
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return text_copy(folder, FILE_PATH_SIZE, ".");
    }
    slash[slash == folder ? 1 : 0] = '\0';
    return true;
}

enum error_code folder_make_for(const char *path, enum file_mode mode, struct error *error)
{
    char folder[FILE_PATH_SIZE];
    if (!folder_of(path, folder)) {
        return refuse(error, ERR_CANNOT_WRITE, "make the folder of", path, ENAMETOOLONG);
    }
    return folder_make(folder, mode, error);
}

int folder_sync_of(const char *path)
{
    char folder[FILE_PATH_SIZE];
    if (!folder_of(path, folder)) {
        return ENAMETOOLONG;
    }
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno;
    }
    int reason = fsync(descriptor) == 0 ? 0 : errno;
    (void)close(descriptor);
    return reason == EINVAL ? 0 : reason; /* this file system has no such operation */
}

enum error_code state_folder_path(char path[FILE_PATH_SIZE], struct error *error)
{
    static const struct {
        const char *variable;
        const char *below;
        bool absolute_only; /* the XDG rule: a relative path is to be ignored */
    } places[] = {
        {"DUMONT_STATE_DIR", "", false},
        {"XDG_STATE_HOME", "/dumont", true},
        {"HOME", "/.local/state/dumont", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
        const char *value = getenv(places[i].variable);
        if (value == NULL || value[0] == '\0' || (places[i].absolute_only && value[0] != '/')) {
            continue;
        }
        if (text_format(path, FILE_PATH_SIZE, "%s%s", value, places[i].below)) {
            return ERR_OK;
        }
        return error_set(error, ERR_USAGE, "%s is too long for a path", places[i].variable);
    }
    error_set(error, ERR_USAGE, "there is no state folder: none of DUMONT_STATE_DIR, XDG_STATE_HOME and HOME is set");
    error_advise(error, "set DUMONT_STATE_DIR to a folder that survives restarts");
    return error->code;
}

static void read_holder(int descriptor, char number[PROCESS_NUMBER_SIZE])
{
    ssize_t count = pread(descriptor, number, PROCESS_NUMBER_SIZE - 1, 0);
    number[count > 0 ? count : 0] = '\0';
    number[strspn(number, "0123456789")] = '\0';
}

static void write_holder(int descriptor)
{
    char number[PROCESS_NUMBER_SIZE];
    (void)text_format(number, sizeof number, "%ld\n", (long)getpid());
    /* The lock holds without the number, which only helps the reader of a message. */
    if (ftruncate(descriptor, 0) == 0) {
        (void)write_all(descriptor, span_of(number));
    }
}

/* Whether the name still means the open file: a holder that goes may have removed it. */
static bool is_still_there(const char *path, int descriptor)
{
    struct stat named;
    struct stat opened;
    return stat(path, &named) == 0 && fstat(descriptor, &opened) == 0 && named.st_ino == opened.st_ino &&
           named.st_dev == opened.st_dev;
}

enum error_code file_lock(const char *path, struct file_lock *lock, struct error *error)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, (mode_t)FILE_SECRET);
    if (descriptor < 0) {
        return refuse(error, ERR_CANNOT_WRITE, "lock", path, errno);
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        if (!is_still_there(path, descriptor)) {
            (void)close(descriptor);
            return error_set(error, ERR_STATE_LOCKED, "%s was just released by another process", path);
        }
        write_holder(descriptor);
        *lock = (struct file_lock){descriptor};
        return ERR_OK;
    }
    int reason = errno;
    char holder[PROCESS_NUMBER_SIZE];
    read_holder(descriptor, holder);
    (void)close(descriptor);
    if (reason != EWOULDBLOCK) {
        return refuse(error, ERR_CANNOT_WRITE, "lock", path, reason);
    }
    error_set(error, ERR_STATE_LOCKED, "%s is locked by process %s", path, holder[0] == '\0' ? "(unknown)" : holder);
    error_advise(error, "wait until that process has ended, or end it");
    return error->code;
}

void file_unlock(struct file_lock *lock)
{
    (void)close(lock->descriptor);
    lock->descriptor = -1;
}
