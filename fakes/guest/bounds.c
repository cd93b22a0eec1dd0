/* How much of the computer a machine may have: what each process is held to, and what all of them together are watched for. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "fakes/guest/bounds.h"

enum {
    NICENESS = 5,
    STAT_SIZE = 1024,
    SMALL_CPU_S = 1,                /* what still runs when the machine's CPU time is used up */
    SMALL_BYTES = 64 * 1024 * 1024, /* nobody of that size is killed for the computer's sake */
};

/* ---- numbers ---- */

int64_t bounds_half_memory_bytes(void)
{
    struct sysinfo information;
    return sysinfo(&information) == 0 ? (int64_t)(information.totalram / 2) * (int64_t)information.mem_unit : INT64_MAX;
}

/* A small file of /proc. False: it is not there (any more). */
static bool read_file(const char *path, char text[STAT_SIZE])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor >= 0 ? read(descriptor, text, STAT_SIZE - 1) : -1;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

bool bounds_computer_is_short(const struct guest_bounds *bounds)
{
    static const char name[] = "MemAvailable:";
    char text[STAT_SIZE];
    const char *at = read_file("/proc/meminfo", text) ? strstr(text, name) : NULL;
    return at != NULL && strtoll(at + sizeof name - 1, NULL, 10) * 1024 < bounds->reserve_bytes;
}

/* ---- each process ---- */

static void set_limit(__rlimit_resource_t resource, int64_t value)
{
    struct rlimit limit = {(rlim_t)value, (rlim_t)value};
    if (value > 0) {
        (void)setrlimit(resource, &limit);
    }
}

void bounds_hold_process(const struct guest_bounds *bounds)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    set_limit(RLIMIT_AS, bounds->address_space_bytes);
    set_limit(RLIMIT_NPROC, bounds->processes);
    set_limit(RLIMIT_CPU, bounds->cpu_s);
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
}

/* ---- all of them ---- */

/* What one process has, its ended and reaped children's CPU time apart. */
struct process_use {
    pid_t process;
    int64_t bytes; /* of memory that is nobody else's */
    int64_t own_ticks, children_ticks;
};

/* Fields of /proc/PID/stat are counted behind the name, which may hold anything: utime is the 12th there. */
static bool measure(pid_t process, struct process_use *use)
{
    char path[64];
    char text[STAT_SIZE];
    long long ticks[4];
    long long resident;
    long long shared;
    *use = (struct process_use){.process = process};
    (void)text_format(path, sizeof path, "/proc/%d/stat", (int)process);
    char *at = read_file(path, text) ? strrchr(text, ')') : NULL;
    if (at == NULL || sscanf(at + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld %lld %lld", &ticks[0],
                             &ticks[1], &ticks[2], &ticks[3]) != 4) {
        return false;
    }
    use->own_ticks = ticks[0] + ticks[1];
    use->children_ticks = ticks[2] + ticks[3];
    (void)text_format(path, sizeof path, "/proc/%d/statm", (int)process);
    if (!read_file(path, text) || sscanf(text, "%*s %lld %lld", &resident, &shared) != 2) {
        return false;
    }
    use->bytes = (resident - shared) * (int64_t)sysconf(_SC_PAGESIZE);
    return true;
}

/* One that has more than its share of CPU time, when the machine's is used up. */
static void judge_cpu(const struct guest_bounds *bounds, int64_t all_ticks, const struct process_use *busiest)
{
    int64_t a_second = (int64_t)sysconf(_SC_CLK_TCK);
    if (bounds->cpu_s > 0 && all_ticks > bounds->cpu_s * a_second && busiest->own_ticks > SMALL_CPU_S * a_second) {
        (void)kill(busiest->process, SIGKILL);
    }
}

/* As the kernel does where a container's memory has a bound: the largest goes. */
static void judge_memory(const struct guest_bounds *bounds, int64_t all_bytes, const struct process_use *largest)
{
    bool is_over = bounds->memory_bytes > 0 && all_bytes > bounds->memory_bytes;
    if (largest->process > 1 && (is_over || (largest->bytes > SMALL_BYTES && bounds_computer_is_short(bounds)))) {
        (void)kill(largest->process, SIGKILL);
    }
}

bool bounds_look(const struct guest_bounds *bounds)
{
    struct process_use use;
    struct process_use largest = {.bytes = 0};
    struct process_use busiest = {.own_ticks = 0};
    int64_t bytes = 0;
    int64_t ticks = 0;
    int others = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry = folder == NULL ? NULL : readdir(folder); entry != NULL; entry = readdir(folder)) {
        long process = strtol(entry->d_name, NULL, 10);
        if (process <= 0 || !measure((pid_t)process, &use)) {
            continue;
        }
        bytes += use.bytes;
        ticks += use.own_ticks + use.children_ticks;
        if (process > 1) {
            others++;
            largest = use.bytes > largest.bytes ? use : largest;
            busiest = use.own_ticks > busiest.own_ticks ? use : busiest;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    judge_cpu(bounds, ticks, &busiest);
    judge_memory(bounds, bytes, &largest);
    return others > 0;
}

/* ---- handed on ---- */

bool bounds_write(const struct guest_bounds *bounds, char text[GUEST_BOUNDS_SIZE])
{
    return text_format(text, GUEST_BOUNDS_SIZE, "%lld %lld %lld %lld %lld", (long long)bounds->address_space_bytes,
                       (long long)bounds->processes, (long long)bounds->memory_bytes, (long long)bounds->cpu_s,
                       (long long)bounds->reserve_bytes);
}

bool bounds_read(const char *text, struct guest_bounds *bounds)
{
    long long values[5];
    if (text == NULL ||
        sscanf(text, "%lld %lld %lld %lld %lld", &values[0], &values[1], &values[2], &values[3], &values[4]) != 5) {
        return false;
    }
    *bounds = (struct guest_bounds){values[0], values[1], values[2], values[3], values[4]};
    return true;
}
