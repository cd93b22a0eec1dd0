/*
 * A dumont-fake of a bench's own: started in a folder that goes with it, and what its ready file says.
 */
#ifndef BENCH_FAKE_H
#define BENCH_FAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "samples.h"

struct fake {
    pid_t pid;
    char folder[BENCH_FOLDER_BYTES];
    cJSON *ready;
    int64_t ready_after_ns; /* from before the fork to a ready file that is there */
};

/*
 * Starts `program` without SSH and waits until it is ready: with `scenario`, the text of one, unless that is NULL; with its objects on the
 * disk if `on_disk`. It ends with the bench, whatever befalls that.
 */
void fake_start(struct fake *fake, const char *program, const char *scenario, bool on_disk);

/* A text of the ready file; the bench fails when there is none. */
const char *fake_ready(const struct fake *fake, const char *key);

/* The port of a URL of the ready file. */
uint16_t fake_port(const struct fake *fake, const char *key);

/* Ends it, and removes its folder. */
void fake_stop(struct fake *fake);

/* How long the program takes to load, say its version and end: the floor under every start. */
int64_t fake_version_ns(const char *program);

#endif
