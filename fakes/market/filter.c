#include "fakes/market/filter.h"

#include <string.h>

#include "base/attributes.h"
#include "fakes/market/answer.h"

enum order_bits { LESS = 1, EQUAL = 2, GREATER = 4 };

/* Passes when the field stands in one of the `accepted` orders to any value, or with `to_all` to all of them. */
static const struct filter_comparison {
    const char *name;
    unsigned accepted;
    bool orders, takes_list, to_all;
} comparisons[] = {
    {"eq", EQUAL, false, false, false},  {"neq", LESS | GREATER, false, false, false},
    {"gt", GREATER, true, false, false}, {"gte", GREATER | EQUAL, true, false, false},
    {"lt", LESS, true, false, false},    {"lte", LESS | EQUAL, true, false, false},
    {"in", EQUAL, false, true, false},   {"notin", LESS | GREATER, false, true, true},
};

static const struct filter_comparison *find_comparison(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(comparisons); i++) {
        if (strcmp(name, comparisons[i].name) == 0) {
            return &comparisons[i];
        }
    }
    return NULL;
}

static bool number_of_text(const char *text, int64_t *nano)
{
    static const struct {
        const char *text;
        int64_t nano;
    } words[] = {{"true", 1000000000}, {"True", 1000000000}, {"false", 0}, {"False", 0}};
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (strcmp(text, words[i].text) == 0) {
            *nano = words[i].nano;
            return true;
        }
    }
    /* By the same parser as a number without quotes, so that both mean the same. */
    cJSON *number = parse_json(span_of(text));
    bool is_number = cJSON_IsNumber(number);
    if (is_number) {
        *nano = nano_of_number(number->valuedouble);
    }
    cJSON_Delete(number);
    return is_number;
}

static bool read_value(const cJSON *json, bool is_text, struct filter_value *value)
{
    *value = (struct filter_value){.is_null = cJSON_IsNull(json)};
    if (value->is_null) {
        return true;
    }
    if (is_text) {
        value->text = cJSON_GetStringValue(json);
        return value->text != NULL;
    }
    if (cJSON_IsString(json)) {
        return number_of_text(json->valuestring, &value->nano);
    }
    value->nano = cJSON_IsTrue(json) ? 1000000000 : cJSON_IsNumber(json) ? nano_of_number(json->valuedouble) : 0;
    return cJSON_IsNumber(json) || cJSON_IsBool(json);
}

static const char *add_value(struct filter *filter, struct filter_condition *condition, const cJSON *json)
{
    if (filter->value_count == FILTER_VALUES_MAX) {
        return "has too many values";
    }
    if (!read_value(json, condition->is_text, &filter->values[filter->value_count])) {
        return condition->is_text ? "needs a text as value" : "needs a number as value";
    }
    if (filter->values[filter->value_count].is_null && condition->comparison->orders) {
        return "cannot be compared with null";
    }
    filter->value_count++;
    condition->count++;
    return NULL;
}

static const char *add_condition(struct filter *filter, struct filter_condition condition, const cJSON *operation)
{
    condition.comparison = find_comparison(operation->string);
    if (condition.comparison == NULL) {
        return "has an unknown operator";
    }
    if (filter->condition_count == FILTER_CONDITIONS_MAX) {
        return "is one condition too many";
    }
    condition.first = filter->value_count;
    const char *mistake = NULL;
    if (condition.comparison->takes_list && cJSON_IsArray(operation)) {
        for (const cJSON *each = operation->child; each != NULL && mistake == NULL; each = each->next) {
            mistake = add_value(filter, &condition, each);
        }
    } else {
        mistake = add_value(filter, &condition, operation);
    }
    filter->conditions[filter->condition_count++] = condition;
    return mistake;
}

const char *filter_add(struct filter *filter, const void *field, bool is_text, const cJSON *operations)
{
    if (!cJSON_IsObject(operations)) {
        return "needs an operator, such as {\"eq\": 1}";
    }
    struct filter_condition condition = {.field = field, .is_text = is_text};
    const char *mistake = NULL;
    for (const cJSON *each = operations->child; each != NULL && mistake == NULL; each = each->next) {
        mistake = add_condition(filter, condition, each);
    }
    return mistake;
}

/* How the field stands to the value; 0 when nothing can be said. */
static unsigned order_of(bool is_text, const struct filter_value *actual, const struct filter_value *value)
{
    if (actual->is_null || value->is_null) {
        return actual->is_null && value->is_null ? EQUAL : value->is_null ? LESS : 0;
    }
    if (is_text) {
        int order = strcmp(actual->text, value->text);
        return order < 0 ? LESS : order > 0 ? GREATER : EQUAL;
    }
    return actual->nano < value->nano ? LESS : actual->nano > value->nano ? GREATER : EQUAL;
}

bool filter_passes(const struct filter *filter, const struct filter_condition *condition,
                   const struct filter_value *actual)
{
    const struct filter_comparison *comparison = condition->comparison;
    for (size_t i = 0; i < condition->count; i++) {
        const struct filter_value *value = &filter->values[condition->first + i];
        bool accepted = (order_of(condition->is_text, actual, value) & comparison->accepted) != 0;
        if (accepted != comparison->to_all) {
            return accepted;
        }
    }
    return comparison->to_all && !actual->is_null;
}

bool filter_range(const struct filter *filter, const struct filter_condition *condition, int64_t *low, int64_t *high)
{
    unsigned accepted = condition->comparison->accepted;
    if (condition->is_text || condition->count != 1 || accepted == (LESS | GREATER)) {
        return false;
    }
    const struct filter_value *value = &filter->values[condition->first];
    if (value->is_null) {
        return false;
    }
    int64_t bound = value->nano;
    bool is_empty = (accepted == LESS && bound == INT64_MIN) || (accepted == GREATER && bound == INT64_MAX);
    /* INT64_MIN stands for null, which no condition on numbers holds for. */
    *low = is_empty ? 1 : (accepted & LESS) != 0 ? INT64_MIN + 1 : accepted == GREATER ? bound + 1 : bound;
    *high = is_empty ? 0 : (accepted & GREATER) != 0 ? INT64_MAX : accepted == LESS ? bound - 1 : bound;
    return true;
}
