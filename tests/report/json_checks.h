/*
 * Looks at a report.json by the paths of its members.
 */
#ifndef TESTS_REPORT_JSON_CHECKS_H
#define TESTS_REPORT_JSON_CHECKS_H

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "example_histories.h"

/* Builds the report of the example's history. The caller deletes the JSON. */
static inline cJSON *json_of(struct example *example)
{
    example_build(example);
    report_write_json(example->report, &example->out);
    assert_false(example->out.failed);
    cJSON *json = cJSON_Parse(buffer_text(&example->out));
    assert_non_null(json);
    return json;
}

/* The member at a path such as "cost.items.0.usd". */
static inline const cJSON *at(const cJSON *json, const char *path)
{
    while (*path != '\0') {
        char name[64];
        size_t length = strcspn(path, ".");
        assert_true(length < sizeof name);
        memcpy(name, path, length);
        name[length] = '\0';
        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, name[0] - '0')
                                   : cJSON_GetObjectItemCaseSensitive(json, name);
        assert_non_null(json);
        path += length + (path[length] == '.' ? 1 : 0);
    }
    return json;
}

static inline void assert_number(const cJSON *json, const char *path, double expected)
{
    const cJSON *member = at(json, path);
    assert_true(cJSON_IsNumber(member));
    assert_true(fabs(member->valuedouble - expected) < 1e-12);
}

static inline void assert_text(const cJSON *json, const char *path, const char *expected)
{
    const cJSON *member = at(json, path);
    assert_true(cJSON_IsString(member));
    assert_string_equal(member->valuestring, expected);
}

#endif
