/* Reads the project's own recordings, as every program that replays one does. */
#ifndef TESTS_TIMING_RECORDINGS_H
#define TESTS_TIMING_RECORDINGS_H

#include <stdio.h>
#include <string.h>

#include "testing.h"

#include "fakes/timing/recording.h"

enum { RECORDING_FILE_MAX = 65536 };

static inline size_t read_recording_file(const char *name, char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/recordings/%s", DUMONT_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(text, 1, RECORDING_FILE_MAX, file);
    assert_true(length > 0 && length < RECORDING_FILE_MAX);
    (void)fclose(file);
    return length;
}

static inline void load_recording(const char *name, struct recording *recording)
{
    static char text[RECORDING_FILE_MAX];
    struct error error = {0};
    size_t length = read_recording_file(name, text);
    enum error_code code = recording_parse((struct span){text, length}, name, recording, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(code, ERR_OK);
}

static const char *const run_recordings[] = {
    "seed-run-2026-01-02.json",           "create-destroy-2026-01-03.json",  "chat-arena-rtx3060-2026-01-03.json",
    "chat-arena-rtx3080-2026-01-03.json", "b2-snapshot-run-2026-01-02.json",
};

#endif
