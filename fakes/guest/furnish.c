/* What a machine's disk begins with: the modelled host's files, so that both kinds of host have the same. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/guest/guest.h"
#include "fakes/host/host_files.h"

enum { DEPTH_MAX = 8, FILE_MAX = 64 * 1024 };

/* Folders that are mounted from elsewhere: only their places are made. */
static bool is_a_mount(const char *path)
{
    static const char *const mounts[] = {"/dev", "/proc", "/usr/bin", "/bin", "/sbin"};
    for (size_t i = 0; i < ARRAY_LENGTH(mounts); i++) {
        if (strcmp(path, mounts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool copy_file(struct host_files *files, struct heap *heap, const char *path, const char *there,
                      const struct file_facts *facts)
{
    struct buffer content;
    void *file;
    buffer_init(&content, heap, FILE_MAX);
    bool good = host_file_service.open(files, path, FILE_OPEN_READ, 0, &file) == TREE_OK;
    if (good) {
        good = host_file_service.read(files, file, 0, (size_t)facts->size, &content) == TREE_OK;
        host_file_service.close(files, file);
    }
    int descriptor = good ? open(there, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    good = descriptor >= 0 && write(descriptor, buffer_text(&content), content.length) == (ssize_t)content.length &&
           fchmod(descriptor, facts->mode & FILE_PERMISSION_MASK) == 0;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    buffer_release(&content);
    return good;
}

static bool copy_folder(struct host_files *files, struct heap *heap, const char *path, int depth);

static bool copy_entry(struct host_files *files, struct heap *heap, const char *path, const struct file_facts *facts,
                       int depth)
{
    char there[TREE_PATH_LIMIT + 1];
    (void)text_format(there, sizeof there, "%s%s", GUEST_DISK, path);
    switch (facts->mode & FILE_KIND_MASK) {
    case FILE_KIND_DIRECTORY:
        if (mkdir(there, 0755) != 0 && errno != EEXIST) {
            return false;
        }
        return (is_a_mount(path) || copy_folder(files, heap, path, depth + 1)) &&
               chmod(there, facts->mode & FILE_PERMISSION_MASK) == 0;
    case FILE_KIND_REGULAR:
        return copy_file(files, heap, path, there, facts);
    default:
        return true; /* links and devices are the system's */
    }
}

/* The image is shallow: `depth` is bounded. */
static bool copy_folder(struct host_files *files, struct heap *heap, const char *path, int depth)
{
    char name[TREE_NAME_LIMIT + 1];
    char entry[TREE_PATH_LIMIT + 1];
    struct file_facts facts;
    void *folder;
    if (depth > DEPTH_MAX || host_file_service.open_directory(files, path, &folder) != TREE_OK) {
        return false;
    }
    bool good = true;
    while (good && host_file_service.next_entry(files, folder, name, &facts) == TREE_OK && name[0] != '\0') {
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            good = text_format(entry, sizeof entry, "%s/%s", strcmp(path, "/") == 0 ? "" : path, name) &&
                   copy_entry(files, heap, entry, &facts, depth);
        }
    }
    host_file_service.close_directory(files, folder);
    return good;
}

static bool put_text(const char *path, const char *text, mode_t mode)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    size_t length = strlen(text);
    bool good = descriptor >= 0 && write(descriptor, text, length) == (ssize_t)length;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return good;
}

/* What a real system needs beside it. Links into /usr, as the system outside has them. */
static bool add_system(const struct host_facts *facts)
{
    static const char *const links[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
    char path[64];
    char target[256];
    char prompt[256];
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
        (void)text_format(path, sizeof path, "/%s", links[i]);
        ssize_t length = readlink(path, target, sizeof target - 1);
        (void)text_format(path, sizeof path, GUEST_DISK "/%s", links[i]);
        if (length > 0) {
            target[length] = '\0';
            if (symlink(target, path) != 0) {
                return false;
            }
        } else if (errno == EINVAL && mkdir(path, 0755) != 0) { /* a folder: mounted from outside */
            return false;
        }
    }
    (void)text_format(prompt, sizeof prompt, "[ -z \"$PS1\" ] || PS1='root@C.%lld:\\w$ '\n",
                      (long long)facts->instance_id);
    return symlink(GUEST_PROGRAM, GUEST_DISK_LOCAL "/bin/nvidia-smi") == 0 &&
           put_text(GUEST_DISK "/etc/passwd",
                    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
                    0644) &&
           put_text(GUEST_DISK "/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n", 0644) &&
           put_text(GUEST_DISK "/etc/hosts", "127.0.0.1 localhost\n", 0644) &&
           put_text(GUEST_DISK "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n", 0644) &&
           put_text(GUEST_DISK "/root/.bashrc", prompt, 0644) &&
           put_text(GUEST_DISK "/root/.profile", "[ -f ~/.bashrc ] && . ~/.bashrc\n", 0644) &&
           mkdir(GUEST_DISK "/run", 0755) == 0 && mkdir(GUEST_DISK "/etc/alternatives", 0755) == 0;
}

/* Behind the first line, which the modelled host has too. */
static bool add_onstart(struct span onstart)
{
    int descriptor = open(GUEST_DISK "/root/onstart.sh", O_WRONLY | O_APPEND | O_CLOEXEC);
    bool good = descriptor >= 0 && write(descriptor, onstart.at, onstart.length) == (ssize_t)onstart.length &&
                write(descriptor, "\n", 1) == 1;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return good;
}

bool keeper_furnish(struct heap *heap, const struct host_facts *facts, struct span onstart)
{
    struct host_files files = {.host = host_new(heap, facts)};
    if (files.host == NULL) {
        return false;
    }
    bool good = copy_folder(&files, heap, "/", 0) && add_system(facts) && (onstart.length == 0 || add_onstart(onstart));
    host_free(files.host);
    return good;
}
