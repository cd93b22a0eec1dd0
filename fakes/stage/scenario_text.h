/*
 * Scenario text: what all readers of a scenario file share: how a mistake in it is told, and numbers that the schema bounds.
 */
#ifndef FAKES_STAGE_SCENARIO_TEXT_H
#define FAKES_STAGE_SCENARIO_TEXT_H

#include "base/error.h"
#include "base/json_decode.h"

/* The contents of a file, and the name by which mistakes call it. */
struct scenario_text {
    struct span text;
    const char *file;
};

/* ERR_INPUT_INVALID with "FILE:LINE: what", for the reader's mistake, or for one found later in the member `key` (NULL: line 1). */
enum error_code scenario_mistake(const struct json_reader *reader, const char *file, struct error *error);
enum error_code scenario_member_mistake(const struct scenario_text *text, const char *key, const char *what,
                                        struct error *error);

/* A number of the file and where it goes; `digits` as for decimals. */
struct scenario_number {
    const char *name;
    struct maybe_int64 given;
    int digits;
    int64_t least;
    int64_t most;
    int64_t *target;
};

/* Takes what was given; ERR_INPUT_INVALID at the first that is out of its range. */
MUST_USE enum error_code scenario_take_numbers(const struct scenario_text *text, const struct scenario_number *rows,
                                               size_t count, struct error *error);

#endif
