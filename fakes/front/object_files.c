#include "fakes/front/object_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/files.h"

enum { NAME_DIGITS = 16, OPEN_FILES = 8, RECORD_MAX = 32 * 1024 * 1024, READ_BYTES = 256 * 1024 };

static const char records_name[] = "records";
static const char new_records_name[] = "records.new";

struct object_file {
    uint64_t number;
    int descriptor; /* -1: not open */
};

struct object_files {
    struct content_store store;
    struct heap *heap;
    int folder, objects; /* descriptors of the two folders */
    int records;
    bool records_broken; /* their end is unknown: nothing more is written */
    bool anew;           /* `records` is the new file, which counts once it is committed */
    uint64_t newest;
    struct object_file *open[OPEN_FILES]; /* for reading; the oldest gives way */
    size_t next_open;
    struct file_lock lock;
};

static struct object_files *own(struct content_store *store)
{
    return (struct object_files *)store;
}

static void name_of(uint64_t number, char name[NAME_DIGITS + 1])
{
    (void)snprintf(name, NAME_DIGITS + 1, "%016" PRIx64, number);
}

static void close_file(int *descriptor)
{
    if (*descriptor >= 0) {
        (void)close(*descriptor);
        *descriptor = -1;
    }
}

static bool write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* ---- Contents ------------------------------------------------------------------------------------------------------------- */

static void *files_create(struct content_store *store, int64_t size, uint64_t *number)
{
    struct object_files *files = own(store);
    char name[NAME_DIGITS + 1];
    struct object_file *file = heap_alloc(files->heap, sizeof *file);
    (void)size;
    if (file == NULL) {
        return NULL;
    }
    file->number = ++files->newest;
    name_of(file->number, name);
    file->descriptor = openat(files->objects, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, FILE_SECRET);
    if (file->descriptor < 0) {
        heap_release(files->heap, file);
        return NULL;
    }
    *number = file->number;
    return file;
}

static bool files_append(struct content_store *store, void *content, const void *bytes, size_t size)
{
    const struct object_file *file = content;
    (void)store;
    return write_all(file->descriptor, bytes, size);
}

/* Remembers an open descriptor for reading; the oldest that is remembered is closed for it. */
static void remember(struct object_files *files, struct object_file *file)
{
    struct object_file **place = &files->open[files->next_open];
    files->next_open = (files->next_open + 1) % OPEN_FILES;
    if (*place != NULL) {
        close_file(&(*place)->descriptor);
    }
    *place = file;
}

static void forget(struct object_files *files, struct object_file *file)
{
    for (size_t i = 0; i < OPEN_FILES; i++) {
        if (files->open[i] == file) {
            files->open[i] = NULL;
        }
    }
    close_file(&file->descriptor);
}

static bool files_seal(struct content_store *store, void *content)
{
    struct object_files *files = own(store);
    struct object_file *file = content;
    if (fdatasync(file->descriptor) != 0 || fsync(files->objects) != 0) {
        return false;
    }
    remember(files, file);
    return true;
}

static bool files_read(struct content_store *store, void *content, int64_t offset, void *out, size_t size)
{
    struct object_files *files = own(store);
    struct object_file *file = content;
    char name[NAME_DIGITS + 1];
    char *at = out;
    if (file->descriptor < 0) {
        name_of(file->number, name);
        file->descriptor = openat(files->objects, name, O_RDONLY | O_CLOEXEC);
        if (file->descriptor < 0) {
            return false;
        }
        remember(files, file);
    }
    while (size > 0) {
        ssize_t count = pread(file->descriptor, at, size, offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        at += count;
        offset += count;
        size -= (size_t)count;
    }
    return true;
}

static void files_close(struct content_store *store, void *content)
{
    struct object_files *files = own(store);
    forget(files, content);
    heap_release(files->heap, content);
}

static void files_drop(struct content_store *store, void *content)
{
    struct object_files *files = own(store);
    char name[NAME_DIGITS + 1];
    name_of(((const struct object_file *)content)->number, name);
    (void)unlinkat(files->objects, name, 0); /* one that stays is swept at the next start */
    files_close(store, content);
}

static void *files_open(struct content_store *store, uint64_t number, int64_t size)
{
    struct object_files *files = own(store);
    char name[NAME_DIGITS + 1];
    struct stat status;
    name_of(number, name);
    if (fstatat(files->objects, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size != size) {
        return NULL;
    }
    struct object_file *file = heap_alloc(files->heap, sizeof *file);
    if (file != NULL) {
        *file = (struct object_file){number, -1};
    }
    return file;
}

/* Calls `visit` for the number of each file there. */
static void each_file(struct object_files *files,
                      void (*visit)(struct object_files *files, uint64_t number, const char *name, void *context),
                      void *context)
{
    int copy = openat(files->objects, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (folder == NULL) {
        close_file(&copy);
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *end;
        uint64_t number = strtoull(entry->d_name, &end, 16);
        if (end == entry->d_name + NAME_DIGITS && *end == '\0') {
            visit(files, number, entry->d_name, context);
        }
    }
    (void)closedir(folder);
}

struct sweep {
    bool (*needed)(void *context, uint64_t number);
    void *context;
};

static void sweep_file(struct object_files *files, uint64_t number, const char *name, void *context)
{
    const struct sweep *sweep = context;
    if (!sweep->needed(sweep->context, number)) {
        (void)unlinkat(files->objects, name, 0);
    }
}

static void files_sweep(struct content_store *store, bool (*needed)(void *context, uint64_t number), void *context)
{
    struct sweep sweep = {needed, context};
    each_file(own(store), sweep_file, &sweep);
}

static void see_file(struct object_files *files, uint64_t number, const char *name, void *context)
{
    (void)name;
    (void)context;
    files->newest = number > files->newest ? number : files->newest;
}

/* ---- Records -------------------------------------------------------------------------------------------------------------- */

static bool files_write(struct content_store *store, struct span record)
{
    struct object_files *files = own(store);
    off_t before = files->records_broken ? -1 : lseek(files->records, 0, SEEK_END);
    if (before < 0) {
        return false;
    }
    bool good = write_all(files->records, record.at, record.length) && write_all(files->records, "\n", 1) &&
                (files->anew || fdatasync(files->records) == 0);
    if (!good) { /* what may be there of it must not be read as one */
        files->records_broken = ftruncate(files->records, before) != 0 || fdatasync(files->records) != 0;
    }
    return good;
}

/* Hands over the lines that are whole in `text`, and takes them out of it; `*kept` counts their bytes. */
static bool take_lines(struct buffer *text, content_record_function *take, void *context, off_t *kept)
{
    size_t done = 0;
    const char *end = memchr(text->data, '\n', text->length);
    while (end != NULL) {
        size_t length = (size_t)(end - text->data) - done;
        if (!take(context, (struct span){text->data + done, length})) {
            return false;
        }
        done += length + 1;
        end = memchr(text->data + done, '\n', text->length - done);
    }
    memmove(text->data, text->data + done, text->length - done);
    text->length -= done;
    *kept += (off_t)done;
    return true;
}

static bool files_replay(struct content_store *store, content_record_function *take, void *context)
{
    struct object_files *files = own(store);
    struct buffer text;
    off_t kept = 0;
    ssize_t count = 1;
    bool good = lseek(files->records, 0, SEEK_SET) == 0;
    buffer_init(&text, files->heap, RECORD_MAX);
    while (good && count != 0) {
        good = buffer_reserve(&text, READ_BYTES);
        count = good ? read(files->records, text.data + text.length, READ_BYTES) : 0;
        if (count < 0) {
            good = errno == EINTR;
        } else if (count > 0) {
            text.length += (size_t)count;
            good = take_lines(&text, take, context, &kept);
        }
    }
    bool torn = text.length > 0;
    buffer_release(&text);
    return good && (!torn || (ftruncate(files->records, kept) == 0 && fdatasync(files->records) == 0));
}

static bool files_begin_anew(struct content_store *store)
{
    struct object_files *files = own(store);
    int fresh = openat(files->folder, new_records_name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, FILE_SECRET);
    if (fresh < 0) {
        return false;
    }
    close_file(&files->records);
    files->records = fresh;
    files->anew = true;
    return true;
}

static bool files_commit_anew(struct content_store *store)
{
    struct object_files *files = own(store);
    files->anew = false;
    return fdatasync(files->records) == 0 &&
           renameat(files->folder, new_records_name, files->folder, records_name) == 0 && fsync(files->folder) == 0;
}

/* ---- The folder ------------------------------------------------------------------------------------------------------------ */

static const struct content_operations file_operations = {
    .create = files_create,
    .append = files_append,
    .seal = files_seal,
    .read = files_read,
    .drop = files_drop,
    .close = files_close,
};

static const struct record_operations file_records = {
    .write = files_write,
    .replay = files_replay,
    .begin_anew = files_begin_anew,
    .commit_anew = files_commit_anew,
    .open = files_open,
    .sweep = files_sweep,
};

void object_files_close(struct content_store *store)
{
    struct object_files *files = own(store);
    if (files == NULL) {
        return;
    }
    close_file(&files->records);
    close_file(&files->objects);
    close_file(&files->folder);
    file_unlock(&files->lock);
    heap_release(files->heap, files);
}

static enum error_code open_folders(struct object_files *files, const char *folder, struct error *error)
{
    files->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->folder >= 0 && (mkdirat(files->folder, "objects", FOLDER_SECRET) == 0 || errno == EEXIST)) {
        files->objects = openat(files->folder, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        files->records = openat(files->folder, records_name, O_CREAT | O_RDWR | O_CLOEXEC, FILE_SECRET);
    }
    if (files->objects < 0 || files->records < 0 || fsync(files->folder) != 0) {
        return error_set(error, ERR_CANNOT_WRITE, "%s: %s", folder, strerror(errno));
    }
    (void)unlinkat(files->folder, new_records_name, 0); /* a crash left it before it counted */
    each_file(files, see_file, NULL);
    return ERR_OK;
}

enum error_code object_files_open(struct heap *heap, const char *folder, struct content_store **out,
                                  struct error *error)
{
    char lock[FILE_PATH_SIZE];
    if (!text_format(lock, sizeof lock, "%s/lock", folder)) {
        return error_set(error, ERR_USAGE, "the folder's path is too long");
    }
    struct object_files *files = heap_alloc(heap, sizeof *files);
    if (files == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the object store's files");
    }
    *files = (struct object_files){.store = {&file_operations, &file_records},
                                   .heap = heap,
                                   .folder = -1,
                                   .objects = -1,
                                   .records = -1,
                                   .lock = {-1}};
    enum error_code code = folder_make(folder, FOLDER_SECRET, error);
    code = code == ERR_OK ? file_lock(lock, &files->lock, error) : code;
    code = code == ERR_OK ? open_folders(files, folder, error) : code;
    if (code != ERR_OK) {
        object_files_close(&files->store);
        return code;
    }
    *out = &files->store;
    return ERR_OK;
}
