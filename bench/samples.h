/*
 * Samples: what a bench program has measured, printed as one JSON object on standard output; and the few things that every bench
 * program needs. A program measures and judges nothing: ratios, aims and tables are made by bench/run.py.
 *
 *     {"bench": "http", "samples": {"start_ms": [15.2, 14.9], ...}, "absent": {"sshd": "not run as root"}}
 *
 * A series has one value for each round; the values of one round were measured next to each other, in the order in which they were
 * added, and series of one comparison are equally long.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SAMPLES_SERIES_MAX = 48, SAMPLES_VALUES_MAX = 32, SAMPLES_ABSENT_MAX = 4, BENCH_FOLDER_BYTES = 96 };

struct samples {
    const char *bench;
    struct samples_series {
        const char *key;
        size_t count;
        double values[SAMPLES_VALUES_MAX];
    } series[SAMPLES_SERIES_MAX];
    size_t count;
    struct samples_absent {
        const char *what, *reason;
    } absent[SAMPLES_ABSENT_MAX];
    size_t absent_count;
};

/* Adds a value to the series `key`; keys and reasons are literals, and not copied. */
void samples_add(struct samples *samples, const char *key, double value);

/* Says that a contestant takes no part, and why. */
void samples_absent(struct samples *samples, const char *what, const char *reason);

/* Prints all of it. */
void samples_print(const struct samples *samples);

/* The p-th permille of the values, which it sorts. */
int64_t bench_permille(int64_t *values, size_t count, size_t permille);

/* The monotonic clock. */
int64_t bench_now_ns(void);
double bench_now_s(void);

/* Says on standard error what went wrong, and ends the program with status 3: a bench has no other way to go on. */
_Noreturn void bench_fail(const char *what);

/* Makes a folder of the bench's own in $TMPDIR, or /var/tmp, and writes its path. */
void bench_folder(char path[BENCH_FOLDER_BYTES]);

/* Ends a child process and waits for it. */
void bench_stop(pid_t pid, int signal_number);

/* True when `word` is among the arguments. */
bool bench_asked(int argc, char **argv, const char *word);

/* Processor time that a process has had so far, user and system, of all its threads; in steps of 10 ms. */
double bench_cpu_s(pid_t pid);

/* A line of /proc/PID/status, such as "VmRSS:", in KiB. */
double bench_memory_kib(pid_t pid, const char *line);

#endif
