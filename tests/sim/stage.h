/*
 * A scenario of the project, set on its stage, for tests.
 */
#ifndef TESTS_SIM_STAGE_H
#define TESTS_SIM_STAGE_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "sim/rehearsal.h"
#include "testing.h"

struct stage {
    struct heap *heap;
    struct scenario *scenario;
    struct rehearsal *rehearsal;
    struct rehearsal_result result;
};

static inline void stage_read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char bytes[4096];
    for (size_t count = fread(bytes, 1, sizeof bytes, file); count > 0; count = fread(bytes, 1, sizeof bytes, file)) {
        buffer_append(out, bytes, count);
    }
    (void)fclose(file);
    assert_false(out->failed);
}

/* The only recording whose name begins so. */
static inline enum error_code stage_recording(void *context, const char *name, struct buffer *out, struct error *error)
{
    (void)context;
    char pattern[512];
    glob_t found;
    (void)text_format(pattern, sizeof pattern, "%s/recordings/%s*.json", DUMONT_SOURCE_DIR, name);
    if (glob(pattern, 0, NULL, &found) != 0) {
        return error_set(error, ERR_INPUT_UNREADABLE, "%s: no such recording", name);
    }
    stage_read_file(found.gl_pathv[0], out);
    globfree(&found);
    return ERR_OK;
}

static inline struct stage stage_begin(void)
{
    struct stage stage = {.heap = heap_new()};
    assert_non_null(stage.heap);
    stage.scenario = heap_alloc(stage.heap, sizeof *stage.scenario);
    assert_non_null(stage.scenario);
    return stage;
}

/* A scenario given as text. */
static inline enum error_code stage_read(struct stage *stage, const char *text, struct error *error)
{
    struct scenario_files files = {stage_recording, NULL, stage->heap};
    return scenario_read(span_of(text), "test.json", &files, stage->scenario, error);
}

static inline void stage_set(struct stage *stage)
{
    struct error error;
    if (rehearsal_new(stage->scenario, (struct span){"", 0}, &stage->rehearsal, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
}

/* A scenario of the folder scenarios, by name. */
static inline struct stage stage_open(const char *name)
{
    struct stage stage = stage_begin();
    struct error error;
    char path[512];
    struct buffer text;
    buffer_init(&text, stage.heap, 1 << 20);
    (void)text_format(path, sizeof path, "%s/scenarios/%s.json", DUMONT_SOURCE_DIR, name);
    stage_read_file(path, &text);
    if (stage_read(&stage, buffer_text(&text), &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    buffer_release(&text);
    stage_set(&stage);
    return stage;
}

/* A recording, replayed as it is. */
static inline struct stage stage_replay(const char *recording)
{
    struct stage stage = stage_begin();
    struct scenario_files files = {stage_recording, NULL, stage.heap};
    struct error error;
    scenario_defaults(stage.scenario);
    (void)text_copy(stage.scenario->cloud.name, sizeof stage.scenario->cloud.name, recording);
    if (scenario_use_recording(stage.scenario, recording, &files, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    stage_set(&stage);
    return stage;
}

static inline void stage_play(struct stage *stage, struct rehearsal_variation variation)
{
    assert_int_equal(rehearsal_run(stage->rehearsal, &variation, &stage->result), ERR_OK);
}

static inline void stage_close(struct stage *stage)
{
    rehearsal_free(stage->rehearsal);
    heap_free(stage->heap);
}

/* The report of the last run; lives as long as the stage. */
static inline struct report *stage_report(struct stage *stage)
{
    struct report *report;
    struct error error;
    if (report_build(stage->heap, rehearsal_history(stage->rehearsal), &report, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    return report;
}

/* A copy of the last run's history. */
static inline char *stage_history(struct stage *stage)
{
    struct span history = rehearsal_history(stage->rehearsal);
    char *copy = heap_alloc(stage->heap, history.length + 1);
    assert_non_null(copy);
    memcpy(copy, history.at, history.length);
    return copy;
}

#endif
