#include "world/live/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"

extern char **environ;

enum { PIPE_CHUNK_BYTES = 4096, PIPE_CHUNKS = 16, LONGEST_POLL_MS = 60000 };

struct process {
    pid_t number;
    int errors_pipe; /* reading end, non-blocking */
    int ended;       /* a descriptor that becomes readable when the process has ended */
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int spawn(const char *const argv[], int errors_end, pid_t *number)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason != 0) {
        return reason;
    }
    reason = posix_spawnattr_init(&attributes);
    if (reason != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return reason;
    }
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if ((reason = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
        (reason = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) == 0 &&
        (reason = posix_spawn_file_actions_adddup2(&actions, errors_end, STDERR_FILENO)) == 0) {
        reason = posix_spawnp(number, argv[0], &actions, &attributes, (char *const *)argv, environ);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return reason;
}

/* Kills the process with its whole group and forgets it. */
static void kill_group(struct process *process)
{
    (void)kill(-process->number, SIGKILL);
    while (waitpid(process->number, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void close_all(struct process *process)
{
    (void)close(process->errors_pipe);
    (void)close(process->ended);
}

/* False, with an errno in *reason and nothing to clean up, when the process could not be started. */
static bool start(const char *const argv[], struct process *process, int *reason)
{
    int ends[2];
    if (pipe(ends) != 0) {
        *reason = errno;
        return false;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    process->errors_pipe = ends[0];
    *reason = spawn(argv, ends[1], &process->number);
    (void)close(ends[1]);
    if (*reason != 0) {
        (void)close(ends[0]);
        return false;
    }
    process->ended = pidfd_open(process->number, 0);
    if (process->ended < 0) {
        *reason = errno;
        kill_group(process);
        (void)close(ends[0]);
        return false;
    }
    return true;
}

/*
 * Reads what is there now and keeps what fits; no more than a pipe holds, so that a tool that never stops talking cannot keep us
 * here beyond the deadline. False at the end of the stream.
 */
static bool drain(int descriptor, struct buffer *errors)
{
    for (int i = 0; i < PIPE_CHUNKS; i++) {
        char chunk[PIPE_CHUNK_BYTES];
        ssize_t count = read(descriptor, chunk, sizeof chunk);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return count < 0 && errno == EAGAIN;
        }
        size_t room = errors->limit - errors->length;
        if (count > 0) {
            buffer_append(errors, chunk, (size_t)count < room ? (size_t)count : room);
        }
    }
    return true;
}

/* Waits for the end of the process, reading along so that a full pipe cannot stop it. False when the time has passed. */
static bool wait_for_end(struct process *process, int64_t deadline_ns, struct buffer *errors)
{
    struct pollfd waits[] = {{.fd = process->ended, .events = POLLIN}, {.fd = process->errors_pipe, .events = POLLIN}};
    for (;;) {
        int64_t left_ns = saturating_subtract(deadline_ns, now_ns());
        if (left_ns <= 0) {
            return false;
        }
        int64_t left_ms = left_ns / NS_PER_MS + 1;
        (void)poll(waits, ARRAY_LENGTH(waits), left_ms > LONGEST_POLL_MS ? LONGEST_POLL_MS : (int)left_ms);
        if (waits[1].revents != 0 && !drain(process->errors_pipe, errors)) {
            waits[1] = (struct pollfd){.fd = -1}; /* closed by the tool, which may still run */
        }
        if (waits[0].revents != 0) {
            return true;
        }
    }
}

static int reap(pid_t number)
{
    int status = 0;
    while (waitpid(number, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

enum error_code process_run(const char *const argv[], int64_t time_limit_ns, struct buffer *errors, int *exit_status,
                            struct error *error)
{
    struct process process;
    int64_t deadline_ns = saturating_add(now_ns(), time_limit_ns);
    int reason = 0;
    bool started = start(argv, &process, &reason);
    if (!started && (reason == ENOENT || reason == EACCES)) {
        error_set(error, ERR_MISSING_TOOL, "cannot run %s: %s", argv[0], strerror(reason));
        error_advise(error, "install %s, or put it on the PATH", argv[0]);
        return error->code;
    }
    if (!started) {
        return error_set(error, ERR_NO_MEMORY, "cannot start %s: %s", argv[0], strerror(reason));
    }
    bool ended = wait_for_end(&process, deadline_ns, errors);
    if (ended) {
        (void)drain(process.errors_pipe, errors);
        *exit_status = reap(process.number);
    } else {
        kill_group(&process);
    }
    close_all(&process);
    if (ended) {
        return ERR_OK;
    }
    char seconds[32];
    struct buffer text;
    buffer_init_fixed(&text, seconds, sizeof seconds);
    decimal_append(&text, time_limit_ns, 9, 0);
    return error_set(error, ERR_TIMED_OUT, "%s did not end within %s s and was killed", argv[0], seconds);
}
