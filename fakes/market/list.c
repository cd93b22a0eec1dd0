/* GET /api/v1/instances/: filters, order, pages and their tokens. */
#include <string.h>

#include "base/base64.h"
#include "fakes/market/filter.h"
#include "fakes/market/state.h"

enum { PAGE_MAX = 25, PAGE_SMALL = 5, TOKEN_TEXT_MAX = 64, TOKEN_SIZE = 96, PARAMETERS = 3 };

struct list {
    bool descending;
    bool has_after;
    int64_t after_id;
    int64_t limit;
    cJSON *trees[PARAMETERS]; /* the filter's texts lie in them */
    struct filter filter;
};

/* Contract columns that can be filtered by. */
enum list_column { COLUMN_ID, COLUMN_LABEL };

static const struct column {
    const char *key;
    enum list_column column;
    bool is_text;
} columns[] = {
    {"id", COLUMN_ID, false},
    {"label", COLUMN_LABEL, true},
};

static bool refuse(struct http_reply *reply, const char *what, const char *problem)
{
    answer_error(reply, 400, "invalid_args", "Error in query parameters: %.100s %s", what, problem);
    return false;
}

static const struct column *find_column(const char *key)
{
    for (size_t i = 0; i < ARRAY_LENGTH(columns); i++) {
        if (strcmp(key, columns[i].key) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}

static bool read_filters(struct list *list, const cJSON *filters, struct http_reply *reply)
{
    if (!cJSON_IsObject(filters)) {
        return refuse(reply, "select_filters", "needs a JSON object");
    }
    for (const cJSON *each = filters->child; each != NULL; each = each->next) {
        const struct column *column = find_column(each->string);
        if (column == NULL) {
            return refuse(reply, each->string, "is not a valid search key");
        }
        const char *mistake = filter_add(&list->filter, column, column->is_text, each);
        if (mistake != NULL) {
            return refuse(reply, each->string, mistake);
        }
    }
    return true;
}

static bool read_order(struct list *list, const cJSON *order, struct http_reply *reply)
{
    const cJSON *first = cJSON_GetArrayItem(order, 0);
    const char *column = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(first, "col"));
    const char *direction = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(first, "dir"));
    if (column == NULL || strcmp(column, "id") != 0 || cJSON_GetArraySize(order) != 1) {
        return refuse(reply, "order_by", "must be by id");
    }
    list->descending = direction != NULL && strcmp(direction, "desc") == 0;
    return true;
}

static bool read_limit(struct list *list, const cJSON *limit, struct http_reply *reply)
{
    if (!cJSON_IsNumber(limit)) {
        return refuse(reply, "limit", "needs a number");
    }
    int64_t asked = nano_of_number(limit->valuedouble) / NUSD_PER_USD;
    list->limit = asked <= 0 ? PAGE_SMALL : asked > PAGE_MAX ? PAGE_MAX : asked;
    return true;
}

static bool read_token(struct list *list, struct span token, struct http_reply *reply)
{
    char decoded[TOKEN_SIZE];
    size_t size = base64_decode(token, decoded, sizeof decoded);
    cJSON *tree = size > 0 ? parse_json((struct span){decoded, size}) : NULL;
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(tree, "values");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(values, "id");
    bool good = cJSON_IsNumber(id);
    if (good) {
        list->has_after = true;
        list->after_id = nano_of_number(id->valuedouble) / NUSD_PER_USD;
    } else {
        answer_error(reply, 400, "invalid_token", "invalid after_token");
    }
    cJSON_Delete(tree);
    return good;
}

/* The parameters that are JSON. */
static const struct parameter {
    const char *name;
    bool (*read)(struct list *list, const cJSON *value, struct http_reply *reply);
} parameters[PARAMETERS] = {
    {"select_filters", read_filters},
    {"order_by", read_order},
    {"limit", read_limit},
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

static bool read_request(struct list *list, const char *path, struct http_reply *reply)
{
    for (size_t i = 0; i < PARAMETERS; i++) {
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

static bool is_selected(const struct list *list, const struct contract *contract)
{
    for (size_t i = 0; i < list->filter.condition_count; i++) {
        const struct filter_condition *condition = &list->filter.conditions[i];
        const struct column *column = condition->field;
        struct filter_value actual = {0};
        if (column->column == COLUMN_LABEL) {
            actual.text = contract->label == NULL ? "" : contract->label;
        } else {
            actual.nano = nano_of_number((double)contract->id);
        }
        if (!filter_passes(&list->filter, condition, &actual)) {
            return false;
        }
    }
    return true;
}

/* Counts by label over all that is selected, in order of first appearance. */
static void write_label_counts(struct json_writer *writer, const struct market *market, const struct list *list)
{
    json_key(writer, "label_counts");
    json_begin_object(writer);
    for (size_t i = 0; i < market->live_count; i++) {
        const char *label = market->live[i]->label == NULL ? "" : market->live[i]->label;
        bool is_first = is_selected(list, market->live[i]);
        int64_t count = 0;
        for (size_t j = 0; j < market->live_count && is_first; j++) {
            const char *other = market->live[j]->label == NULL ? "" : market->live[j]->label;
            if (is_selected(list, market->live[j]) && strcmp(label, other) == 0) {
                is_first = j >= i;
                count++;
            }
        }
        if (is_first) {
            json_member_int(writer, label, count);
        }
    }
    json_end_object(writer);
}

static void write_token(struct json_writer *writer, int64_t last_id)
{
    char text[TOKEN_TEXT_MAX];
    char encoded[TOKEN_SIZE];
    struct buffer token;
    buffer_init_fixed(&token, encoded, sizeof encoded);
    (void)text_format(text, sizeof text, "{\"values\": {\"id\": %lld}}", (long long)last_id);
    base64_append(&token, span_of(text));
    json_member_string(writer, "next_token", buffer_text(&token));
}

/* Writes the page; returns how many instances are on it and whether more follow. */
static int64_t write_page(struct json_writer *writer, const struct market *market, const struct list *list,
                          int64_t *last_id, bool *more)
{
    int64_t on_page = 0;
    *more = false;
    for (size_t i = 0; i < market->live_count && !*more; i++) {
        const struct contract *contract = market->live[list->descending ? market->live_count - 1 - i : i];
        bool is_after =
            !list->has_after || (list->descending ? contract->id < list->after_id : contract->id > list->after_id);
        if (!is_after || !is_selected(list, contract)) {
            continue;
        }
        *more = on_page == list->limit;
        if (!*more) {
            instance_write(writer, market, contract);
            *last_id = contract->id;
            on_page++;
        }
    }
    return on_page;
}

static void answer_list(const struct market *market, const struct list *list, struct http_reply *reply)
{
    int64_t total = 0;
    for (size_t i = 0; i < market->live_count; i++) {
        total += is_selected(list, market->live[i]);
    }
    int64_t last_id = 0;
    bool more;
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_key(&writer, "instances");
    json_begin_array(&writer);
    int64_t on_page = write_page(&writer, market, list, &last_id, &more);
    json_end_array(&writer);
    json_member_int(&writer, "instances_found", on_page);
    json_member_int(&writer, "total_instances", total);
    write_label_counts(&writer, market, list);
    if (more) {
        write_token(&writer, last_id);
    } else {
        json_member_null(&writer, "next_token");
    }
    json_end_object(&writer);
}

void route_list(struct market *market, const struct http_request *request, struct http_reply *reply)
{
    struct list list; /* large: only what must be is initialised */
    list.descending = false;
    list.has_after = false;
    list.after_id = 0;
    list.limit = PAGE_MAX;
    list.filter.condition_count = 0;
    list.filter.value_count = 0;
    memset(list.trees, 0, sizeof list.trees);
    if (read_request(&list, request->path, reply)) {
        answer_list(market, &list, reply);
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        cJSON_Delete(list.trees[i]);
    }
}
