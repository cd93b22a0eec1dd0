#define _GNU_SOURCE /* execvpe */
#include "fakes/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "reactor/clock_page.h"

/* A signal that comes again within this time is the same one. */
#define SAME_SIGNAL_NS (250 * NS_PER_MS)

void variables_add(struct variables *variables, const char *name, const char *value)
{
    if (value != NULL && variables->count < VARIABLES_MAX) {
        variables->rows[variables->count].name = name;
        variables->rows[variables->count].value = value;
        variables->count++;
    }
}

static bool is_replaced(const struct variables *variables, const char *entry)
{
    for (size_t i = 0; i < variables->count; i++) {
        size_t length = strlen(variables->rows[i].name);
        if (strncmp(entry, variables->rows[i].name, length) == 0 && entry[length] == '=') {
            return true;
        }
    }
    return false;
}

/* NULL when memory is gone. */
static char *entry_of(struct heap *heap, const struct variable *variable)
{
    size_t size = strlen(variable->name) + strlen(variable->value) + 2;
    char *entry = heap_alloc(heap, size);
    if (entry != NULL) {
        (void)text_format(entry, size, "%s=%s", variable->name, variable->value);
    }
    return entry;
}

/* What the command's environment is; lives on the heap until that goes. NULL when memory is gone. */
static char **environment_with(struct heap *heap, const struct variables *variables)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **entries = heap_alloc(heap, (count + variables->count + 1) * sizeof *entries);
    size_t kept = 0;
    for (size_t i = 0; entries != NULL && i < count; i++) {
        if (!is_replaced(variables, environ[i])) {
            entries[kept++] = environ[i];
        }
    }
    for (size_t i = 0; entries != NULL && i < variables->count; i++) {
        entries[kept] = entry_of(heap, &variables->rows[i]);
        if (entries[kept++] == NULL) {
            return NULL;
        }
    }
    return entries;
}

/* ---- Terminal ----------------------------------------------------------------------------------------------------------- */

/* Gives the terminal to a process group, from wherever: who is not in the foreground is not stopped for it here. */
static void give_terminal(int terminal, pid_t group)
{
    sigset_t output;
    sigset_t before;
    (void)sigemptyset(&output);
    (void)sigaddset(&output, SIGTTOU);
    (void)sigprocmask(SIG_BLOCK, &output, &before);
    (void)tcsetpgrp(terminal, group);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The terminal, if we have one and are its foreground; else -1. */
static int open_terminal(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0 && tcgetpgrp(terminal) != getpgrp()) {
        (void)close(terminal);
        return -1;
    }
    return terminal;
}

static void take_terminal_back(struct child *child)
{
    if (child->terminal >= 0) {
        give_terminal(child->terminal, getpgrp());
    }
}

/* ---- Life --------------------------------------------------------------------------------------------------------------- */

/* In the child: never returns. Its parent's death is its end; what went wrong goes down the pipe. */
static void become(char *const argv[], char *const environment[], pid_t parent, const struct child *child, int report)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)setpgid(0, 0);
    if (child->terminal >= 0) {
        give_terminal(child->terminal, getpid());
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (getppid() == parent) {
        (void)execvpe(argv[0], argv, environment);
    } else {
        errno = ECANCELED; /* it died before we asked to be told */
    }
    int reason = errno;
    ssize_t told = write(report, &reason, sizeof reason);
    _exit(told == sizeof reason ? 127 : 126);
}

static enum error_code cannot_start(struct error *error, const char *name, int reason)
{
    (void)error_set(error, reason == ENOMEM ? ERR_NO_MEMORY : ERR_MISSING_TOOL, "cannot start %s: %s", name,
                    strerror(reason));
    error_advise(error, "what follows `--` is a program on PATH or a path, then its arguments");
    return error->code;
}

static void forget(struct child *child)
{
    take_terminal_back(child);
    if (child->terminal >= 0) {
        (void)close(child->terminal);
    }
    child->terminal = -1;
    child->pid = 0;
}

enum error_code child_start(struct heap *heap, char *const argv[], const struct variables *variables,
                            struct child *child, struct error *error)
{
    int report[2];
    char **environment = environment_with(heap, variables);
    if (environment == NULL || pipe2(report, O_CLOEXEC) != 0) {
        return cannot_start(error, argv[0], environment == NULL ? ENOMEM : errno);
    }
    pid_t parent = getpid();
    *child = (struct child){.terminal = open_terminal()};
    child->pid = fork();
    if (child->pid == 0) {
        become(argv, environment, parent, child, report[1]);
    }
    int reason = child->pid < 0 ? errno : 0;
    (void)close(report[1]);
    if (child->pid > 0 && read(report[0], &reason, sizeof reason) == (ssize_t)sizeof reason) {
        (void)waitpid(child->pid, NULL, 0);
    }
    (void)close(report[0]);
    if (reason != 0) {
        forget(child);
        return cannot_start(error, argv[0], reason);
    }
    return ERR_OK;
}

/* As a shell would expect of a job: all of it stops, and all of it goes on. */
static void stop_along(struct child *child)
{
    if (child->terminal < 0) {
        return;
    }
    take_terminal_back(child);
    (void)raise(SIGSTOP);
    if (tcgetpgrp(child->terminal) == getpgrp()) {
        give_terminal(child->terminal, child->pid);
    }
    (void)kill(-child->pid, SIGCONT);
}

bool child_ended(struct child *child)
{
    int how;
    if (child->pid == 0 || waitpid(child->pid, &how, WNOHANG | WUNTRACED) != child->pid) {
        return false;
    }
    if (WIFSTOPPED(how)) {
        stop_along(child);
        return false;
    }
    child->status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    forget(child);
    return true;
}

void child_signal(struct child *child, int signal_number)
{
    int64_t now_ns = monotonic_now_ns();
    bool again = signal_number == child->last_signal && now_ns - child->last_signal_ns < SAME_SIGNAL_NS;
    bool by_terminal =
        signal_number == SIGHUP && child->terminal >= 0; /* it tells the command itself that it is gone */
    if (!again && !by_terminal) {
        child->last_signal = signal_number;
        child->last_signal_ns = now_ns;
        (void)kill(child->pid, signal_number);
    }
}
