/* Lists of instances: their order, pages and tokens; and the list as it was before it was retired. */
#include <string.h>

#include "base/base64.h"
#include "base/json_read.h"
#include "fakes/market/list.h"

enum { FILTERS_MAX = 1000, INSTANCE_MAX = 8388608 };

static struct column_value value_of(const struct list *list, const struct column *column,
                                    const struct contract *contract)
{
    struct column_value value = {0};
    column->get(list->market, contract, &value);
    return value;
}

/* ---- Walking -------------------------------------------------------------------------------------------------------------- */

/* Contracts in order of id, either way; only those of one label when only one is wanted. */
struct walk {
    const struct list *list;
    bool backwards;
    size_t place; /* in `live`, one behind when backwards */
    const struct contract *next_of_label;
};

static bool is_by_id(const struct list *list)
{
    return list->level_count == 0 || column_is_id(list->levels[0].column);
}

static bool is_by_id_descending(const struct list *list)
{
    return list->level_count > 0 && column_is_id(list->levels[0].column) && list->levels[0].descending;
}

static struct walk walk_begin(const struct list *list, bool backwards)
{
    struct walk walk = {.list = list, .backwards = backwards};
    bool by_id = is_by_id(list) && list->has_after;
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

/* Nulls stand last either way. */
static int compare_level(const struct list_level *level, const struct column_value *left,
                         const struct column_value *right)
{
    if (left->is_null || right->is_null) {
        return left->is_null - right->is_null;
    }
    int order = level->column->is_text ? strcmp(left->text, right->text)
                                       : (left->nano > right->nano) - (left->nano < right->nano);
    return level->descending ? -order : order;
}

/* A row's place in the order. */
struct place {
    int64_t id;
    struct column_value values[LIST_LEVELS_MAX];
};

static struct place place_of(const struct list *list, const struct contract *contract)
{
    struct place place = {.id = contract->id};
    for (size_t i = 0; i < list->level_count; i++) {
        list->levels[i].column->get(list->market, contract, &place.values[i]);
    }
    return place;
}

/* Ids, which ascend, decide between equals. */
static int compare(const struct list *list, const struct place *left, const struct column_value *right,
                   int64_t right_id)
{
    for (size_t i = 0; i < list->level_count; i++) {
        int order = compare_level(&list->levels[i], &left->values[i], &right[i]);
        if (order != 0) {
            return order;
        }
    }
    return (left->id > right_id) - (left->id < right_id);
}

/* Puts one contract into the page's best so far, which are kept in order; one more than the page shows whether more follow. */
static size_t insert(const struct list *list, const struct contract *best[LIST_PAGE_MAX + 1], size_t count,
                     const struct contract *contract)
{
    struct place place = place_of(list, contract);
    if (list->has_after && compare(list, &place, list->after, list->after_id) <= 0) {
        return count;
    }
    size_t at = count;
    while (at > 0) {
        struct place other = place_of(list, best[at - 1]);
        if (compare(list, &other, place.values, place.id) < 0) {
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
static size_t find_page(const struct list *list, const struct contract *page[LIST_PAGE_MAX + 1])
{
    bool descending = is_by_id_descending(list);
    struct walk walk = walk_begin(list, descending);
    size_t count = 0;
    for (const struct contract *each = walk_next(&walk); each != NULL; each = walk_next(&walk)) {
        if (!is_by_id(list)) {
            count = insert(list, page, count, each);
            continue;
        }
        bool is_after = !list->has_after || (descending ? each->id < list->after_id : each->id > list->after_id);
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
    char text[LIST_TOKEN_SIZE / 2];
    char encoded[LIST_TOKEN_SIZE];
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
    for (size_t i = 0; i < list->level_count; i++) {
        const struct column *column = list->levels[i].column;
        struct column_value value = value_of(list, column, last);
        if (column_is_id(column)) {
            continue;
        }
        json_key(&values, column->key);
        if (value.is_null) {
            json_null(&values);
        } else if (column->is_text) {
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
    const struct contract *page[LIST_PAGE_MAX + 1] = {NULL};
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
    struct list list; /* large: list_read() initialises what must be */
    if (list_read(&list, call->market, call->request->path, call->reply)) {
        answer_list(&list, call->reply);
    }
    list_release(&list);
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

/* The first contract before the nth that offers the same to filter by, or NULL. */
static const struct contract *alike_before(const struct market *market, size_t nth)
{
    const struct contract *contract = market->live[nth].contract;
    for (size_t i = 0; i < nth; i++) {
        const struct contract *other = market->live[i].contract;
        if (other != NULL && contract_is_visible(market, other) && other->status == contract->status &&
            strcmp(other->offer->verification, contract->offer->verification) == 0 &&
            strcmp(other->offer->gpu_name, contract->offer->gpu_name) == 0) {
            return other;
        }
    }
    return NULL;
}

/* What the CLI's table offers to filter by: each combination once, of the first thousand contracts. */
void route_list_filters(const struct call *call)
{
    const struct market *market = call->market;
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "filters");
    json_begin_array(&writer);
    for (size_t i = 0; i < market->live_entries && i < FILTERS_MAX; i++) {
        const struct contract *contract = market->live[i].contract;
        if (contract != NULL && contract_is_visible(market, contract) && alike_before(market, i) == NULL) {
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
