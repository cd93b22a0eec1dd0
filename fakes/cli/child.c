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

extern char **environ;

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

/* In the child: never returns. Its parent's death is its end; what went wrong goes down the pipe. */
static void become(char *const argv[], char *const environment[], pid_t parent, int report)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_DFL);
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

enum error_code child_start(struct heap *heap, char *const argv[], const struct variables *variables, pid_t *pid,
                            struct error *error)
{
    int report[2];
    int reason = 0;
    char **environment = environment_with(heap, variables);
    if (environment == NULL || pipe2(report, O_CLOEXEC) != 0) {
        return cannot_start(error, argv[0], environment == NULL ? ENOMEM : errno);
    }
    pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0) {
        become(argv, environment, parent, report[1]);
    }
    reason = *pid < 0 ? errno : 0;
    (void)close(report[1]);
    if (*pid > 0 && read(report[0], &reason, sizeof reason) == (ssize_t)sizeof reason) {
        (void)waitpid(*pid, NULL, 0);
    }
    (void)close(report[0]);
    return reason == 0 ? ERR_OK : cannot_start(error, argv[0], reason);
}

bool child_ended(pid_t pid, int *status)
{
    int how;
    if (waitpid(pid, &how, WNOHANG) != pid) {
        return false;
    }
    *status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    return true;
}
