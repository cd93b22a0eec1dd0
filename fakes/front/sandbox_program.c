/* Where the guest program lies, and whether it can do its work here. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/front/sandbox.h"

#define PROGRAM_NAME "dumont-guest"

enum { ANSWER_MAX = 256 };

enum error_code sandbox_find_program(char path[SANDBOX_PATH_SIZE], struct error *error)
{
    static const char *const places[] = {"/" PROGRAM_NAME, "/../fakes/" PROGRAM_NAME,
                                         "/../libexec/dumont/" PROGRAM_NAME};
    char self[SANDBOX_PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
        for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
            if (text_format(path, SANDBOX_PATH_SIZE, "%s%s", self, places[i]) && access(path, X_OK) == 0) {
                return ERR_OK;
            }
        }
    }
    (void)error_set(error, ERR_MISSING_TOOL, "the program " PROGRAM_NAME " is missing: sandboxed hosts need it");
    error_advise(error, "build or install all of the project, or use --host modelled");
    return ERR_MISSING_TOOL;
}

static bool spawn_probe(const char *program, int out, pid_t *process)
{
    posix_spawn_file_actions_t actions;
    char *const words[] = {(char *)(uintptr_t)PROGRAM_NAME, (char *)(uintptr_t) "probe", NULL};
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    bool done = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) == 0 &&
                posix_spawn(process, program, &actions, NULL, words, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return done;
}

/* The first line that it says, and its status. */
static int ask_probe(const char *program, char answer[ANSWER_MAX])
{
    int ends[2];
    pid_t process = 0;
    size_t length = 0;
    int status = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    bool spawned = spawn_probe(program, ends[1], &process);
    (void)close(ends[1]);
    ssize_t got = spawned ? 1 : 0;
    while (got > 0 && length < ANSWER_MAX - 1) {
        got = read(ends[0], answer + length, ANSWER_MAX - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    answer[length] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
    (void)close(ends[0]);
    while (spawned && waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

enum error_code sandbox_probe(const char *program, struct error *error)
{
    char answer[ANSWER_MAX];
    int status = ask_probe(program, answer);
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return ERR_OK;
    }
    bool missing = status >= 0 && WIFEXITED(status) && answer[0] == '\0';
    (void)error_set(error, ERR_MISSING_TOOL, "sandboxed hosts cannot run here: %s",
                    missing ? "bubblewrap (bwrap) is not installed or does not start" : answer);
    error_advise(error, "install bubblewrap and allow user namespaces, or use --host modelled");
    return ERR_MISSING_TOOL;
}
