/*
 * Files: the few things that programs here do with the file system, each bounded, durable where it says so, and with an error
 * that names the path and the reason.
 *
 * Paths are NUL-terminated, at most FILE_PATH_SIZE - 1 bytes, relative ones from the working folder. Modes are those of open(2),
 * further reduced by the umask.
 */
#ifndef SYSTEM_FILES_H
#define SYSTEM_FILES_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

enum { FILE_PATH_SIZE = 4096 };

enum file_mode { FILE_SECRET = 0600, FILE_PUBLIC = 0644, FOLDER_SECRET = 0700, FOLDER_PUBLIC = 0755 };

/*
 * Appends a whole regular file to `out`, which grows to its limit at most; on failure `out` is what it was before.
 * ERR_INPUT_UNREADABLE (absent, forbidden, no regular file, larger than the limit) or ERR_NO_MEMORY.
 */
MUST_USE enum error_code file_read(const char *path, struct buffer *out, struct error *error);

/*
 * Replaces a file at once: after a crash at any moment, `path` holds the former content or all of the new one, and once this
 * has returned ERR_OK, the new one. Otherwise ERR_CANNOT_WRITE, with the former content (or, when only the folder could not be
 * synced at the end, the new one). A link is
 * followed; a device or pipe (/dev/stdout, /dev/null) is not replaced but written to.
 */
MUST_USE enum error_code file_write(const char *path, struct span content, enum file_mode mode, struct error *error);

/*
 * The same for what is worth nothing once this process has gone, such as a port: at once, too, whoever reads it finds all of it, but
 * not durable, and so without the wait for a disk.
 */
MUST_USE enum error_code file_write_passing(const char *path, struct span content, enum file_mode mode,
                                            struct error *error);

/* Makes a folder and those above it that are missing. One that exists keeps its mode. ERR_CANNOT_WRITE. */
MUST_USE enum error_code folder_make(const char *path, enum file_mode mode, struct error *error);

/* folder_make() for the folder that `path`, the name of a file, lies in. */
MUST_USE enum error_code folder_make_for(const char *path, enum file_mode mode, struct error *error);

/* Makes names that were added to the folder of `path` durable. Returns 0 or an errno. */
MUST_USE int folder_sync_of(const char *path);

/*
 * The state folder: DUMONT_STATE_DIR, else XDG_STATE_HOME/dumont, else HOME/.local/state/dumont; the first of these variables
 * that is not empty (the XDG one: and absolute) decides. Makes nothing. ERR_USAGE when none is set or the path is too long.
 */
MUST_USE enum error_code state_folder_path(char path[FILE_PATH_SIZE], struct error *error);

/* A lock on a file, held by this process until it is released or the process ends, however it ends. */
struct file_lock {
    int descriptor;
};

/*
 * Takes the lock without waiting; makes the file if need be and writes this process's number into it.
 * ERR_STATE_LOCKED, with the holder's number in the message, or ERR_CANNOT_WRITE. Release with file_unlock().
 */
MUST_USE enum error_code file_lock(const char *path, struct file_lock *lock, struct error *error);
void file_unlock(struct file_lock *lock);

#endif
