#include "samples.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct samples_series *find_series(struct samples *samples, const char *key)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (strcmp(samples->series[i].key, key) == 0) {
            return &samples->series[i];
        }
    }
    if (samples->count == SAMPLES_SERIES_MAX) {
        bench_fail("too many series");
    }
    struct samples_series *series = &samples->series[samples->count++];
    series->key = key;
    return series;
}

void samples_add(struct samples *samples, const char *key, double value)
{
    struct samples_series *series = find_series(samples, key);
    if (series->count == SAMPLES_VALUES_MAX) {
        bench_fail("too many values in a series");
    }
    series->values[series->count++] = value;
}

void samples_absent(struct samples *samples, const char *what, const char *reason)
{
    if (samples->absent_count == SAMPLES_ABSENT_MAX) {
        bench_fail("too many are absent");
    }
    samples->absent[samples->absent_count++] = (struct samples_absent){what, reason};
}

void samples_print(const struct samples *samples)
{
    (void)printf("{\"bench\": \"%s\", \"samples\": {", samples->bench);
    for (size_t i = 0; i < samples->count; i++) {
        (void)printf("%s\n  \"%s\": [", i == 0 ? "" : ",", samples->series[i].key);
        for (size_t j = 0; j < samples->series[i].count; j++) {
            (void)printf("%s%.9g", j == 0 ? "" : ", ", samples->series[i].values[j]);
        }
        (void)printf("]");
    }
    (void)printf("}, \"absent\": {");
    for (size_t i = 0; i < samples->absent_count; i++) {
        (void)printf("%s\"%s\": \"%s\"", i == 0 ? "" : ", ", samples->absent[i].what, samples->absent[i].reason);
    }
    (void)printf("}}\n");
    if (fflush(stdout) != 0) {
        bench_fail("standard output cannot be written");
    }
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

int64_t bench_permille(int64_t *values, size_t count, size_t permille)
{
    qsort(values, count, sizeof *values, compare);
    return count == 0 ? 0 : values[count * permille / 1000];
}

int64_t bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double bench_now_s(void)
{
    return (double)bench_now_ns() / 1e9;
}

void bench_fail(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    exit(3);
}

void bench_folder(char path[BENCH_FOLDER_BYTES])
{
    const char *where = getenv("TMPDIR");
    int length = snprintf(path, BENCH_FOLDER_BYTES, "%s/dumont-bench-XXXXXX", where == NULL ? "/var/tmp" : where);
    if (length >= BENCH_FOLDER_BYTES || mkdtemp(path) == NULL) {
        bench_fail("no folder in $TMPDIR");
    }
}

void bench_stop(pid_t pid, int signal_number)
{
    (void)kill(pid, signal_number);
    (void)waitpid(pid, NULL, 0);
}

bool bench_asked(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], word) == 0) {
            return true;
        }
    }
    return false;
}

double bench_cpu_s(pid_t pid)
{
    enum { FIELDS_BEFORE = 11 }; /* between the name in brackets and the user time */
    char path[64];
    char text[1024] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL) {
        bench_fail("a process has no times");
    }
    (void)fclose(file);
    char *at = strrchr(text, ')');
    for (int i = 0; at != NULL && i <= FIELDS_BEFORE; i++) {
        at = strchr(at + 1, ' ');
    }
    double user = at == NULL ? 0 : strtod(at, &at);
    double system = at == NULL ? 0 : strtod(at, NULL);
    return (user + system) / (double)sysconf(_SC_CLK_TCK);
}

double bench_memory_kib(pid_t pid, const char *line)
{
    char path[64];
    char text[256];
    double kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, line, strlen(line)) == 0) {
            kib = strtod(text + strlen(line), NULL);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib;
}
