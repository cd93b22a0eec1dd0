/* What a list of instances is asked for: filters, order, columns, limit, token. */
#include <string.h>

#include "base/base64.h"
#include "fakes/market/list.h"

enum { PAGE_SMALL = 5 };

static bool refuse(struct http_reply *reply, const char *what, const char *problem)
{
    answer_error(reply, 400, "invalid_args", "Error in query parameters: %.100s %s", what, problem);
    return false;
}

/* One label alone is looked up instead of compared. */
static void note_label(struct list *list, const struct column *column, const cJSON *operations)
{
    const char *text = text_member(operations, "eq");
    if (column_is_label(column) && text != NULL && !list->by_label) {
        list->by_label = true;
        list->label = label_by_text(list->market, text);
    }
}

static bool read_filters(struct list *list, const cJSON *filters, struct http_reply *reply)
{
    if (!cJSON_IsObject(filters)) {
        return refuse(reply, "select_filters", "needs a JSON object");
    }
    for (const cJSON *each = filters->child; each != NULL; each = each->next) {
        const struct column *column = list_column(each->string);
        if (column == NULL) {
            return refuse(reply, each->string, "is not a valid search key");
        }
        size_t first = list->filter.value_count;
        const char *mistake = filter_add(&list->filter, column, column->is_text, each);
        if (mistake != NULL) {
            return refuse(reply, each->string, mistake);
        }
        for (size_t i = first; column_is_label(column) && i < list->filter.value_count; i++) {
            struct filter_value *value = &list->filter.values[i];
            *value = value->is_null ? (struct filter_value){.text = ""} : *value; /* no label: null or "" */
        }
        note_label(list, column, each);
    }
    return true;
}

/* What stands behind the id decides nothing. */
static bool read_order(struct list *list, const cJSON *order, struct http_reply *reply)
{
    bool good = cJSON_IsArray(order) && cJSON_GetArraySize(order) <= LIST_LEVELS_MAX;
    bool by_id = false;
    list->level_count = 0;
    for (const cJSON *each = good ? order->child : NULL; each != NULL && good && !by_id; each = each->next) {
        const char *direction = text_member(each, "dir");
        const struct column *column = list_column(text_member(each, "col"));
        good = column != NULL;
        by_id = good && column_is_id(column);
        list->levels[list->level_count++] =
            (struct list_level){column, direction != NULL && strcmp(direction, "desc") == 0};
    }
    return good || refuse(reply, "order_by", "needs a column of contracts");
}

static bool read_limit(struct list *list, const cJSON *limit, struct http_reply *reply)
{
    if (!cJSON_IsNumber(limit)) {
        return refuse(reply, "limit", "needs a number");
    }
    int64_t asked = nano_of_number(limit->valuedouble) / NUSD_PER_USD;
    list->limit = asked <= 0 ? PAGE_SMALL : asked > LIST_PAGE_MAX ? LIST_PAGE_MAX : asked;
    return true;
}

static bool read_columns(struct list *list, const cJSON *names, struct http_reply *reply)
{
    bool good = cJSON_IsArray(names);
    bool all = false;
    for (const cJSON *each = good ? names->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsString(each);
        all = all || (good && strcmp(each->valuestring, "*") == 0);
    }
    list->select_columns = all ? NULL : names;
    return good || refuse(reply, "select_cols", "needs a list of columns");
}

/* One value of a token, of the kind that the column has. */
static bool read_place(const struct column *column, const cJSON *given, struct column_value *value)
{
    value->is_null = cJSON_IsNull(given);
    value->text = cJSON_GetStringValue(given);
    value->nano = cJSON_IsNumber(given) ? nano_of_number(given->valuedouble) : 0;
    return value->is_null || (column->is_text ? cJSON_IsString(given) : cJSON_IsNumber(given));
}

/* The place behind which the page begins: the last row's id, and its values in the order's columns. */
static bool read_token(struct list *list, struct span token, struct http_reply *reply)
{
    char decoded[LIST_TOKEN_SIZE];
    size_t size = base64_decode(token, decoded, sizeof decoded);
    list->token = size > 0 ? parse_json((struct span){decoded, size}) : NULL;
    const cJSON *values = member_of(list->token, "values");
    const cJSON *id = member_of(values, "id");
    bool good = cJSON_IsNumber(id);
    for (size_t i = 0; good && i < list->level_count; i++) {
        const struct column *column = list->levels[i].column;
        good = read_place(column, member_of(values, column->key), &list->after[i]);
    }
    list->has_after = good;
    list->after_id = good ? nano_of_number(id->valuedouble) / NUSD_PER_USD : 0;
    if (!good) {
        answer_error(reply, 400, "invalid_token", "invalid after_token");
    }
    return good;
}

/* The parameters that are JSON. */
static const struct parameter {
    const char *name;
    bool (*read)(struct list *list, const cJSON *value, struct http_reply *reply);
} parameters[LIST_PARAMETERS] = {
    {"select_filters", read_filters},
    {"order_by", read_order},
    {"limit", read_limit},
    {"select_cols", read_columns},
};

/* Reads a parameter into the list, which keeps its tree; missing or empty leaves things as they are. */
static bool read_parameter(struct list *list, size_t which, const char *path, struct http_reply *reply)
{
    const struct parameter *parameter = &parameters[which];
    char storage[HTTP_PATH_SIZE];
    struct buffer value;
    buffer_init_fixed(&value, storage, sizeof storage);
    if (!query_parameter(path, parameter->name, &value) || value.length == 0) {
        return true;
    }
    list->trees[which] = parse_json((struct span){storage, value.length});
    return list->trees[which] == NULL ? refuse(reply, parameter->name, "is not JSON")
                                      : parameter->read(list, list->trees[which], reply);
}

bool list_read(struct list *list, const struct market *market, const char *path, struct http_reply *reply)
{
    list->market = market;
    list->level_count = 0;
    list->has_after = false;
    list->after_id = 0;
    list->limit = LIST_PAGE_MAX;
    list->select_columns = NULL;
    list->filter.condition_count = 0;
    list->filter.value_count = 0;
    list->label = NULL;
    list->by_label = false;
    list->token = NULL;
    memset(list->trees, 0, sizeof list->trees);
    for (size_t i = 0; i < LIST_PARAMETERS; i++) {
        if (!read_parameter(list, i, path, reply)) {
            return false;
        }
    }
    char storage[HTTP_PATH_SIZE];
    struct buffer token;
    buffer_init_fixed(&token, storage, sizeof storage);
    return !query_parameter(path, "after_token", &token) || token.length == 0 ||
           read_token(list, (struct span){storage, token.length}, reply);
}

void list_release(struct list *list)
{
    for (size_t i = 0; i < LIST_PARAMETERS; i++) {
        cJSON_Delete(list->trees[i]);
    }
    cJSON_Delete(list->token);
}
