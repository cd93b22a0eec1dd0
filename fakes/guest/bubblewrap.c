/* How a machine is started: bubblewrap's arguments. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/guest/bounds.h"
#include "fakes/guest/guest.h"
#include "fakes/host/host_files.h"

enum { ARGUMENTS_MAX = 192, PROGRAM_DESCRIPTOR = 4, ENVIRONMENT_MAX = 4096 };

struct arguments {
    const char *words[ARGUMENTS_MAX + 1];
    size_t count;
};

static void add(struct arguments *arguments, const char *word)
{
    if (arguments->count < ARGUMENTS_MAX) {
        arguments->words[arguments->count++] = word;
    }
}

static void add_all(struct arguments *arguments, const char *const *words)
{
    for (; *words != NULL; words++) {
        add(arguments, *words);
    }
}

/* A folder of the system that is no link: /lib where /usr is not merged. */
static void add_system_folders(struct arguments *arguments)
{
    static const char *const folders[] = {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
    struct stat status;
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        if (lstat(folders[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            add_all(arguments, (const char *const[]){"--ro-bind", folders[i], folders[i], NULL});
        }
    }
}

/* "NAME=value" after "NAME=value", each with its NUL: NAME and value become words of their own. */
static void add_environment(struct arguments *arguments, struct buffer *environment)
{
    char *end = environment->data + environment->length;
    for (char *at = environment->data; at < end;) {
        size_t length = strlen(at);
        char *value = strchr(at, '=');
        if (value != NULL) {
            *value = '\0';
            add_all(arguments, (const char *const[]){"--setenv", at, value + 1, NULL});
        }
        at += length + 1;
    }
}

/* A small file of the modelled host. */
static bool read_modelled(struct host_files *files, const char *path, struct buffer *out)
{
    void *file;
    if (host_file_service.open(files, path, FILE_OPEN_READ, 0, &file) != TREE_OK) {
        return false;
    }
    bool good = host_file_service.read(files, file, 0, ENVIRONMENT_MAX, out) == TREE_OK;
    host_file_service.close(files, file);
    return good && !out->failed;
}

static void add_walls(struct arguments *arguments)
{
    static const char *const before[] = {
        "bwrap", "--die-with-parent", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
        "--unshare-cgroup-try", "--as-pid-1", "--clearenv",
        /* what root may do in a container, and no more: not mount, not trace others' memory, not load modules */
        "--cap-drop", "ALL", "--cap-add", "CAP_CHOWN", "--cap-add", "CAP_DAC_OVERRIDE", "--cap-add", "CAP_FOWNER",
        "--cap-add", "CAP_FSETID", "--cap-add", "CAP_KILL", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETUID",
        "--cap-add", "CAP_SYS_CHROOT", "--bind", GUEST_DISK, "/", "--ro-bind", "/usr", "/usr", "--bind",
        GUEST_DISK_LOCAL, "/usr/local", NULL};
    static const char *const behind[] = {"--ro-bind-try",
                                         "/etc/alternatives",
                                         "/etc/alternatives",
                                         "--proc",
                                         "/proc",
                                         "--dev",
                                         "/dev",
                                         "--size",
                                         "67108864",
                                         "--tmpfs",
                                         "/dev/shm",
                                         "--remount-ro",
                                         "/dev",
                                         "--size",
                                         "16777216",
                                         "--tmpfs",
                                         "/run",
                                         "--perms",
                                         "0555",
                                         "--ro-bind-data",
                                         "4",
                                         GUEST_PROGRAM,
                                         "--chdir",
                                         "/root",
                                         NULL};
    add_all(arguments, before);
    add_system_folders(arguments);
    add_all(arguments, behind);
}

static void become_bubblewrap(struct arguments *arguments, int program, int socket)
{
    /* Copies above those that they go to, so that neither is lost. */
    int program_copy = fcntl(program, F_DUPFD, 10);
    int socket_copy = fcntl(socket, F_DUPFD, 10);
    if (program_copy < 0 || socket_copy < 0 || dup2(program_copy, PROGRAM_DESCRIPTOR) < 0 ||
        dup2(socket_copy, GUEST_SOCKET) < 0 || lseek(PROGRAM_DESCRIPTOR, 0, SEEK_SET) != 0) {
        _exit(1);
    }
    (void)close(program_copy);
    (void)close(socket_copy);
    (void)prctl(PR_SET_PDEATHSIG, 9);
    (void)execvp("bwrap", (char *const *)(uintptr_t)arguments->words);
    _exit(127);
}

int keeper_start(struct heap *heap, const struct guest_machine *machine, int program, int socket,
                 const char *const *command)
{
    struct arguments arguments = {.count = 0};
    struct buffer environment;
    struct buffer hostname;
    char bounds[GUEST_BOUNDS_SIZE];
    struct host_files files = {.host = host_new(heap, &machine->facts)};
    buffer_init(&environment, heap, ENVIRONMENT_MAX);
    buffer_init(&hostname, heap, ENVIRONMENT_MAX);
    pid_t child = -1;
    if (files.host != NULL && read_modelled(&files, "/proc/1/environ", &environment) &&
        read_modelled(&files, "/etc/hostname", &hostname)) {
        hostname.data[strcspn(hostname.data, "\n")] = '\0';
        add_walls(&arguments);
        add_all(&arguments,
                (const char *const[]){"--hostname", hostname.data, "--setenv", "HOME", "/root", "--setenv", "PATH",
                                      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL});
        (void)bounds_write(&machine->bounds, bounds);
        add_all(&arguments, (const char *const[]){"--setenv", GUEST_BOUNDS, bounds, NULL});
        add_environment(&arguments, &environment);
        add(&arguments, "--");
        add_all(&arguments, command);
        child = arguments.count < ARGUMENTS_MAX ? fork() : -1;
        if (child == 0) {
            become_bubblewrap(&arguments, program, socket);
        }
    }
    host_free(files.host);
    buffer_release(&environment);
    buffer_release(&hostname);
    return child;
}
