#include "fake.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 128, ARGUMENTS_MAX = 12 };

#define LIMIT_NS (INT64_C(60) * 1000000000)

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        bench_fail("the scenario cannot be written");
    }
}

static cJSON *read_json(const char *path)
{
    char text[8192];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return cJSON_Parse(text);
}

static pid_t run(const char *program, const char *const *command)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        (void)execv(program, (char *const *)command);
        _exit(127);
    }
    if (pid < 0) {
        bench_fail("no process for dumont-fake");
    }
    return pid;
}

void fake_start(struct fake *fake, const char *program, const char *scenario, bool on_disk)
{
    char story[PATH_BYTES];
    char ready[PATH_BYTES];
    char data[PATH_BYTES];
    bench_folder(fake->folder);
    fake->ready = NULL;
    (void)snprintf(ready, sizeof ready, "%s/ready", fake->folder);
    (void)snprintf(story, sizeof story, "%s/scenario", fake->folder);
    (void)snprintf(data, sizeof data, "%s/data", fake->folder);
    const char *command[ARGUMENTS_MAX] = {program, "--no-ssh", "--ready-file", ready};
    size_t count = 4;
    if (scenario != NULL) {
        write_text(story, scenario);
        command[count++] = "--scenario";
        command[count++] = story;
    }
    if (on_disk) {
        command[count++] = "--data";
        command[count++] = data;
    }
    int64_t began_ns = bench_now_ns();
    fake->pid = run(program, command);
    while ((fake->ready = read_json(ready)) == NULL) {
        (void)nanosleep(&(struct timespec){0, 100000}, NULL);
        if (bench_now_ns() - began_ns > LIMIT_NS || waitpid(fake->pid, NULL, WNOHANG) != 0) {
            bench_fail("dumont-fake does not get ready");
        }
    }
    fake->ready_after_ns = bench_now_ns() - began_ns;
}

const char *fake_ready(const struct fake *fake, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fake->ready, key));
    if (text == NULL) {
        bench_fail("the ready file lacks a member");
    }
    return text;
}

uint16_t fake_port(const struct fake *fake, const char *key)
{
    const char *colon = strrchr(fake_ready(fake, key), ':');
    return colon == NULL ? 0 : (uint16_t)strtol(colon + 1, NULL, 10);
}

void fake_stop(struct fake *fake)
{
    char command[PATH_BYTES];
    bench_stop(fake->pid, SIGTERM);
    cJSON_Delete(fake->ready);
    (void)snprintf(command, sizeof command, "rm -rf %s", fake->folder);
    if (system(command) != 0) { // NOLINT(cert-env33-c): a folder of our own making
        bench_fail("the fake's folder stays");
    }
}

int64_t fake_version_ns(const char *program)
{
    const char *const command[] = {program, "--version", NULL};
    int status = 0;
    int64_t began_ns = bench_now_ns();
    if (waitpid(run(program, command), &status, 0) < 0 || status != 0) {
        bench_fail("dumont-fake does not say its version");
    }
    return bench_now_ns() - began_ns;
}
