/* Lists of instances: filters, order, columns, pages and their tokens; and the list as it was before it was retired. */
#include <string.h>

#include "base/base64.h"
#include "base/json_read.h"
#include "fakes/market/filter.h"
#include "fakes/market/list_columns.h"

enum { FILTERS_MAX = 1000, PAGE_MAX = 25, PAGE_SMALL = 5, TOKEN_SIZE = 8192, PARAMETERS = 4, INSTANCE_MAX = 8388608 };

struct list {
    const struct market *market;
    const struct column *order;
    bool descending;
    bool has_after;
    int64_t after_id;
    struct column_value after; /* of the order's column */
    int64_t limit;
    const cJSON *select_columns; /* NULL: all */
    cJSON *trees[PARAMETERS];    /* the filter's texts lie in them */
    cJSON *token;
    struct filter filter;
    const struct label *label; /* when only one is wanted */
    bool by_label;
};

static struct column_value value_of(const struct list *list, const struct column *column,
                                    const struct contract *contract)
{
    struct column_value value = {0};
    column->get(list->market, contract, &value);
    return value;
}

/* ---- The request ---------------------------------------------------------------------------------------------------------- */

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
        const char *mistake = filter_add(&list->filter, column, column->is_text, each);
        if (mistake != NULL) {
            return refuse(reply, each->string, mistake);
        }
        note_label(list, column, each);
    }
    return true;
}

static bool read_order(struct list *list, const cJSON *order, struct http_reply *reply)
{
    const cJSON *first = cJSON_GetArrayItem(order, 0);
    const char *direction = text_member(first, "dir");
    if (cJSON_IsArray(order) && cJSON_GetArraySize(order) == 0) {
        return true;
    }
    list->order = list_column(text_member(first, "col"));
    if (list->order == NULL) {
        return refuse(reply, "order_by", "needs a column of contracts");
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

/* The place behind which the page begins: the last row's id, and its value in the order's column. */
static bool read_token(struct list *list, struct span token, struct http_reply *reply)
{
    char decoded[TOKEN_SIZE];
    size_t size = base64_decode(token, decoded, sizeof decoded);
    list->token = size > 0 ? parse_json((struct span){decoded, size}) : NULL;
    const cJSON *values = member_of(list->token, "values");
    const cJSON *id = member_of(values, "id");
    const cJSON *value = member_of(values, list->order->key);
    bool good = cJSON_IsNumber(id) && value != NULL;
    if (good) {
        list->has_after = true;
        list->after_id = nano_of_number(id->valuedouble) / NUSD_PER_USD;
        list->after.is_null = cJSON_IsNull(value);
        list->after.text = cJSON_GetStringValue(value);
        list->after.nano = cJSON_IsNumber(value) ? nano_of_number(value->valuedouble) : 0;
        good = list->after.is_null || (list->order->is_text ? cJSON_IsString(value) : cJSON_IsNumber(value));
    }
    if (!good) {
        answer_error(reply, 400, "invalid_token", "invalid after_token");
    }
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

/* ---- Walking -------------------------------------------------------------------------------------------------------------- */

/* Contracts in order of id, either way; only those of one label when only one is wanted. */
struct walk {
    const struct list *list;
    bool backwards;
    size_t place; /* in `live`, one behind when backwards */
    const struct contract *next_of_label;
};

static struct walk walk_begin(const struct list *list, bool backwards)
{
    struct walk walk = {.list = list, .backwards = backwards};
    bool by_id = column_is_id(list->order) && list->has_after;
    walk.place = backwards ? list->market->live_entries : 0;
    if (by_id) {
        walk.place = live_index(list->market, backwards ? list->after_id : saturating_add(list->after_id, 1));
    }
    if (list->label != NULL) {
        walk.next_of_label = backwards ? list->label->last : list->label->first;
    }
    return walk;
}

static const struct contract *walk_any(struct walk *walk)
{
    const struct market *market = walk->list->market;
    if (walk->list->by_label) {
        const struct contract *at = walk->next_of_label;
        if (at != NULL) {
            walk->next_of_label = walk->backwards ? at->previous_of_label : at->next_of_label;
        }
        return at;
    }
    while (walk->backwards ? walk->place > 0 : walk->place < market->live_entries) {
        const struct live_entry *entry = &market->live[walk->backwards ? walk->place - 1 : walk->place];
        walk->place = walk->backwards ? walk->place - 1 : walk->place + 1;
        if (entry->contract != NULL) {
            return entry->contract;
        }
    }
    return NULL;
}

static bool is_selected(const struct list *list, const struct contract *contract)
{
    if (!contract_is_visible(list->market, contract)) {
        return false;
    }
    for (size_t i = 0; i < list->filter.condition_count; i++) {
        const struct filter_condition *condition = &list->filter.conditions[i];
        struct column_value value = value_of(list, condition->field, contract);
        struct filter_value actual = {.is_null = value.is_null, .nano = value.nano, .text = value.text};
        if (!filter_passes(&list->filter, condition, &actual)) {
            return false;
        }
    }
    return true;
}

static const struct contract *walk_next(struct walk *walk)
{
    const struct contract *contract = walk_any(walk);
    while (contract != NULL && !is_selected(walk->list, contract)) {
        contract = walk_any(walk);
    }
    return contract;
}

/* ---- Pages ---------------------------------------------------------------------------------------------------------------- */

/* Nulls stand last; ids, which ascend either way, decide between equals. */
static int compare(const struct list *list, const struct column_value *left, int64_t left_id,
                   const struct column_value *right, int64_t right_id)
{
    int order;
    if (left->is_null || right->is_null) {
        order = left->is_null - right->is_null;
    } else if (list->order->is_text) {
        order = strcmp(left->text, right->text);
    } else {
        order = (left->nano > right->nano) - (left->nano < right->nano);
    }
    if (list->descending && !left->is_null && !right->is_null) {
        order = -order;
    }
    return order != 0 ? order : (left_id > right_id) - (left_id < right_id);
}

/* Puts one contract into the page's best so far, which are kept in order; one more than the page shows whether more follow. */
static size_t insert(const struct list *list, const struct contract *best[PAGE_MAX + 1], size_t count,
                     const struct contract *contract)
{
    struct column_value value = value_of(list, list->order, contract);
    if (list->has_after && compare(list, &value, contract->id, &list->after, list->after_id) <= 0) {
        return count;
    }
    size_t at = count;
    while (at > 0) {
        struct column_value other = value_of(list, list->order, best[at - 1]);
        if (compare(list, &other, best[at - 1]->id, &value, contract->id) < 0) {
            break;
        }
        at--;
    }
    size_t most = (size_t)list->limit + 1;
    if (at == most) {
        return count;
    }
    size_t moved = (count < most ? count : most - 1) - at;
    memmove(&best[at + 1], &best[at], moved * sizeof(const struct contract *));
    best[at] = contract;
    return count < most ? count + 1 : most;
}

/* The rows of the page, and one more if more follow. By id only the page itself is walked. */
static size_t find_page(const struct list *list, const struct contract *page[PAGE_MAX + 1])
{
    bool by_id = column_is_id(list->order);
    struct walk walk = walk_begin(list, by_id && list->descending);
    size_t count = 0;
    for (const struct contract *each = walk_next(&walk); each != NULL; each = walk_next(&walk)) {
        if (!by_id) {
            count = insert(list, page, count, each);
            continue;
        }
        bool is_after = !list->has_after || (list->descending ? each->id < list->after_id : each->id > list->after_id);
        if (is_after) {
            page[count++] = each;
        }
        if (count == (size_t)list->limit + 1) {
            break;
        }
    }
    return count;
}

/* ---- Answers -------------------------------------------------------------------------------------------------------------- */

/* One row's members that were asked for, out of the whole row; what there is not is null. */
static void write_selected(struct json_writer *writer, const struct list *list, struct buffer *whole_row)
{
    json_begin_object(writer);
    for (const cJSON *column = list->select_columns->child; column != NULL; column = column->next) {
        struct json_reader reader;
        struct span key;
        bool found = false;
        json_reader_init(&reader, buffer_text(whole_row), whole_row->length);
        json_key(writer, column->valuestring);
        (void)json_enter_object(&reader);
        while (!found && json_next_member(&reader, &key)) {
            found = json_string_is(key, column->valuestring);
            size_t from = reader.at;
            json_skip(&reader);
            if (found) {
                const char *value = buffer_text(whole_row) + from;
                size_t colon = strspn(value, ": ");
                json_raw(writer, (struct span){value + colon, reader.at - from - colon});
            }
        }
        if (!found) {
            json_null(writer);
        }
    }
    json_end_object(writer);
}

static void write_row(struct json_writer *writer, const struct list *list, const struct contract *contract,
                      struct buffer *scratch)
{
    if (list->select_columns == NULL) {
        instance_write(writer, list->market, contract);
        return;
    }
    struct json_writer row;
    buffer_clear(scratch);
    json_writer_init(&row, scratch, 0);
    instance_write(&row, list->market, contract);
    write_selected(writer, list, scratch);
}

static bool is_unfiltered(const struct list *list)
{
    return list->filter.condition_count == 0 && list->market->options.switches.visible_after_ns == 0;
}

static int64_t count_selected(const struct list *list)
{
    if (is_unfiltered(list)) {
        return (int64_t)list->market->live_count;
    }
    struct walk walk = walk_begin(list, false);
    walk.place = 0;
    int64_t count = 0;
    while (walk_next(&walk) != NULL) {
        count++;
    }
    return count;
}

/* Counts by label over all that is selected, in order of first appearance. */
static void write_label_counts(struct json_writer *writer, const struct list *list)
{
    int64_t left = list->market->options.switches.label_counts_max;
    json_key(writer, "label_counts");
    json_begin_object(writer);
    const struct label *label = list->by_label ? list->label : list->market->first_label;
    for (; label != NULL && left > 0; label = list->by_label ? NULL : label->next) {
        int64_t count = is_unfiltered(list) ? (int64_t)label->count : 0;
        const struct contract *each = is_unfiltered(list) ? NULL : label->first;
        for (; each != NULL; each = each->next_of_label) {
            count += is_selected(list, each);
        }
        if (count > 0) {
            json_member_int(writer, label->text, count);
            left--;
        }
    }
    json_end_object(writer);
}

static void write_token(struct json_writer *writer, const struct list *list, const struct contract *last)
{
    char text[TOKEN_SIZE / 2];
    char encoded[TOKEN_SIZE];
    struct buffer inner;
    struct buffer token;
    struct json_writer values;
    buffer_init_fixed(&inner, text, sizeof text);
    buffer_init_fixed(&token, encoded, sizeof encoded);
    json_writer_init(&values, &inner, 0);
    json_begin_object(&values);
    json_key(&values, "values");
    json_begin_object(&values);
    json_member_int(&values, "id", last->id);
    if (!column_is_id(list->order)) {
        struct column_value value = value_of(list, list->order, last);
        json_key(&values, list->order->key);
        if (value.is_null) {
            json_null(&values);
        } else if (list->order->is_text) {
            json_string(&values, value.text);
        } else {
            json_decimal(&values, value.nano, 9);
        }
    }
    json_end_object(&values);
    json_end_object(&values);
    base64_append(&token, (struct span){buffer_text(&inner), inner.length});
    json_member_string(writer, "next_token", inner.failed || token.failed ? NULL : buffer_text(&token));
}

static void answer_list(const struct list *list, struct http_reply *reply)
{
    const struct contract *page[PAGE_MAX + 1] = {NULL};
    size_t count = find_page(list, page);
    bool more = count == (size_t)list->limit + 1;
    count -= more;
    struct buffer scratch;
    buffer_init(&scratch, list->market->heap, INSTANCE_MAX);
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_int(&writer, "instances_found", (int64_t)count);
    json_member_int(&writer, "total_instances", count_selected(list));
    write_label_counts(&writer, list);
    const struct contract *last = count > 0 ? page[count - 1] : NULL;
    if (more && last != NULL) {
        write_token(&writer, list, last);
    } else {
        json_member_null(&writer, "next_token");
    }
    json_key(&writer, "instances");
    json_begin_array(&writer);
    for (size_t i = 0; i < count; i++) {
        write_row(&writer, list, page[i], &scratch);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    reply->body.failed = reply->body.failed || scratch.failed;
    buffer_release(&scratch);
}

void route_list(const struct call *call)
{
    struct list list; /* large: only what must be is initialised */
    list.market = call->market;
    list.order = list_column("id");
    list.descending = false;
    list.has_after = false;
    list.after_id = 0;
    list.after = (struct column_value){0};
    list.limit = PAGE_MAX;
    list.select_columns = NULL;
    list.filter.condition_count = 0;
    list.filter.value_count = 0;
    list.label = NULL;
    list.by_label = false;
    list.token = NULL;
    memset(list.trees, 0, sizeof list.trees);
    if (read_request(&list, call->request->path, call->reply)) {
        answer_list(&list, call->reply);
    }
    for (size_t i = 0; i < PARAMETERS; i++) {
        cJSON_Delete(list.trees[i]);
    }
    cJSON_Delete(list.token);
}

/* All at once, as before it was retired; or one of the ways in which it was. */
void route_list_v0(const struct call *call)
{
    const struct market *market = call->market;
    int64_t kind = market->options.switches.v0_list;
    if (kind == V0_LIST_RETIRED || kind == V0_LIST_RETIRED_AS_200) {
        answer_error(call->reply, kind == V0_LIST_RETIRED ? 410 : 200, "deprecated_endpoint",
                     "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.");
        return;
    }
    int64_t found = 0;
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "instances");
    json_begin_array(&writer);
    for (size_t i = 0; i < market->live_entries && kind == V0_LIST_LEGACY; i++) {
        const struct contract *contract = market->live[i].contract;
        if (contract != NULL && contract_is_visible(market, contract)) {
            instance_write(&writer, market, contract);
            found++;
        }
    }
    json_end_array(&writer);
    json_member_int(&writer, "instances_found", found);
    json_end_object(&writer);
}

/* What the CLI's table offers to filter by. */
void route_list_filters(const struct call *call)
{
    int64_t left = FILTERS_MAX;
    const struct market *market = call->market;
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "filters");
    json_begin_array(&writer);
    for (size_t i = 0; i < market->live_entries; i++) {
        const struct contract *contract = market->live[i].contract;
        if (contract != NULL && left-- > 0) {
            json_begin_object(&writer);
            json_member_string(&writer, "actual_status", actual_status_text(contract->status));
            json_member_string(&writer, "verification", contract->offer->verification);
            json_member_string(&writer, "gpu_name", contract->offer->gpu_name);
            json_end_object(&writer);
        }
    }
    json_end_array(&writer);
    json_end_object(&writer);
}
