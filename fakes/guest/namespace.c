/* The keeper's namespaces, and the disk in them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/guest/bounds.h"
#include "fakes/guest/guest.h"

/* As root the machine's users are a range that nobody else has; otherwise its root is the user who runs the fake, and alone. */
enum { FIRST_USER = 1000000, USER_COUNT = 65536, USER_NAMESPACE = 0x10000000, MOUNT_NAMESPACE = 0x00020000 };

static bool write_file(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);
    bool written = descriptor >= 0 && write(descriptor, text, length) == (ssize_t)length;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return written;
}

static bool write_maps(pid_t process, uid_t user, gid_t group, unsigned count)
{
    char path[64];
    char map[64];
    (void)text_format(path, sizeof path, "/proc/%ld/uid_map", (long)process);
    (void)text_format(map, sizeof map, "0 %u %u", (unsigned)user, count);
    if (!write_file(path, map)) {
        return false;
    }
    (void)text_format(path, sizeof path, "/proc/%ld/gid_map", (long)process);
    (void)text_format(map, sizeof map, "0 %u %u", (unsigned)group, count);
    return write_file(path, map);
}

/* A child that waits until this process has left for its namespace, and then writes its maps from outside. */
static pid_t start_mapper(int told)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        char byte;
        bool mapped = read(told, &byte, 1) == 1 && write_maps(parent, FIRST_USER, FIRST_USER, USER_COUNT);
        _exit(mapped ? 0 : 1);
    }
    return child;
}

static bool unshare_as_root(void)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    pid_t mapper = start_mapper(ends[0]);
    bool left = mapper > 0 && unshare(USER_NAMESPACE | MOUNT_NAMESPACE) == 0 && write(ends[1], "", 1) == 1;
    (void)close(ends[0]);
    (void)close(ends[1]);
    int status = 1;
    if (mapper > 0) {
        (void)waitpid(mapper, &status, 0);
    }
    return left && status == 0;
}

static bool unshare_as_user(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    return unshare(USER_NAMESPACE | MOUNT_NAMESPACE) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_maps(getpid(), user, group, 1);
}

/* The disk is in memory: half of the computer's at most, so that one full disk does not stop it. */
static int64_t bounded(int64_t disk_bytes)
{
    int64_t half = bounds_half_memory_bytes();
    return disk_bytes < half ? disk_bytes : half;
}

static bool fail(char why[GUEST_TEXT_MAX], const char *what)
{
    (void)text_format(why, GUEST_TEXT_MAX, "%s: %s", what, strerror(errno));
    return false;
}

int64_t keeper_disk_used(void)
{
    struct statvfs space;
    return statvfs(GUEST_DISK, &space) == 0 ? (int64_t)((space.f_blocks - space.f_bfree) * space.f_frsize) : -1;
}

void keeper_size_disk(int64_t disk_bytes, int64_t taken_bytes, bool may_grow)
{
    char options[64];
    int64_t used = keeper_disk_used();
    int64_t left = may_grow ? bounded(disk_bytes) - taken_bytes : 0;
    if (used >= 0) {
        (void)text_format(options, sizeof options, "size=%lld", (long long)(left > used ? left : used));
        (void)mount("overlay", GUEST_DISK, "tmpfs", MS_REMOUNT | MS_NOSUID | MS_NODEV, options);
    }
}

bool keeper_enter(int64_t disk_bytes, char why[GUEST_TEXT_MAX])
{
    bool is_root = geteuid() == 0;
    char options[64];
    if (!(is_root ? unshare_as_root() : unshare_as_user())) {
        return fail(why, "no namespaces for users and mounts");
    }
    if (is_root && (setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)) {
        return fail(why, "the new namespace's root cannot be taken on");
    }
    /* Dies with the fake; a change of user has cleared that. */
    (void)prctl(PR_SET_PDEATHSIG, 9);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return fail(why, "mounts cannot be made private");
    }
    (void)text_format(options, sizeof options, "mode=0755,size=%lld", (long long)bounded(disk_bytes));
    if (mount("overlay", GUEST_DISK, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) {
        return fail(why, "no disk can be mounted on " GUEST_DISK);
    }
    return true;
}
