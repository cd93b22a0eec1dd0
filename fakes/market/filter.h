/*
 * Filters: conditions such as {"gpu_name": {"in": ["RTX 4090"]}, "num_gpus": {"gte": "1"}} over things that have fields.
 *
 * Numbers are compared in counts of 10^-9; a number or boolean may come as a text. A field that is null passes only
 * {"eq": null} and an `in` with null.
 */
#ifndef FAKES_MARKET_FILTER_H
#define FAKES_MARKET_FILTER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_CONDITIONS_MAX = 96, FILTER_VALUES_MAX = 256 };

/* What a field is, and what it is compared with. `text` is used for texts, `nano` for numbers and booleans. */
struct filter_value {
    bool is_null;
    int64_t nano;
    const char *text;
};

struct filter_condition {
    const void *field; /* the caller's */
    bool is_text;
    const struct filter_comparison *comparison;
    size_t first, count; /* in values */
};

/* Texts are borrowed from the cJSON tree. Only the counts need to be zero to begin with. */
struct filter {
    size_t condition_count, value_count;
    struct filter_condition conditions[FILTER_CONDITIONS_MAX];
    struct filter_value values[FILTER_VALUES_MAX];
};

/* Adds the conditions in `operations`, such as {"gte": 1, "lt": 4}. NULL when all is well, else what is wrong. */
const char *filter_add(struct filter *filter, const void *field, bool is_text, const cJSON *operations);

/* True when a field that has `actual` meets the condition. */
bool filter_passes(const struct filter *filter, const struct filter_condition *condition,
                   const struct filter_value *actual);

/*
 * A condition on numbers that holds exactly for those from `low` to `high`: true, with both set. Most conditions are such, and
 * a range is quicker to test than filter_passes().
 */
bool filter_range(const struct filter *filter, const struct filter_condition *condition, int64_t *low, int64_t *high);

#endif
