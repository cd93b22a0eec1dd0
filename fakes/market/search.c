/* POST /api/v0/bundles/: filters, order, limit; rows copied from the book. */
#include <assert.h>
#include <string.h>

#include "fakes/market/filter.h"
#include "fakes/market/offer_fields.h"
#include "fakes/market/state.h"

enum { ORDER_LEVELS_MAX = 8, ALLOCATED_GB_MAX = 1000000, ROW_BYTES_USUAL = 2816 };

struct order_level {
    const struct offer_field *field;
    bool descending;
};

struct search {
    const struct offer_book *book;
    int64_t book_disk_mgb; /* that the book was rendered for */
    int64_t disk_mgb;      /* that this search asks for */
    int64_t limit;
    struct order_level order[ORDER_LEVELS_MAX];
    size_t order_count;
    struct filter filter;
};

/* What a key other than a filter does. NULL `read`: it is ignored, as by the real service. */
static const char *read_order(struct search *search, const cJSON *value);
static const char *read_type(struct search *search, const cJSON *value);
static const char *read_limit(struct search *search, const cJSON *value);
static const char *read_allocated_storage(struct search *search, const cJSON *value);

static const struct {
    const char *key;
    const char *(*read)(struct search *search, const cJSON *value);
} options[] = {
    {"order", read_order},       {"type", read_type},
    {"limit", read_limit},       {"allocated_storage", read_allocated_storage},
    {"disable_bundling", NULL},  {"target_reliability", NULL},
    {"extra_ids", NULL},         {"gpu_option", NULL},
    {"show_incompatible", NULL}, {"sort_option", NULL},
    {"template_id", NULL},       {"resource_type", NULL},
};

/* Fields that are also switches of the web page: ignored unless their value is a filter. */
static const char *const switches[] = {"external", "has_avx"};

static const struct offer_field *searchable_field(const char *key)
{
    for (size_t i = 0; i < offer_field_count(); i++) {
        const struct offer_field *field = offer_field_at(i);
        if ((field->places & OFFER_SEARCHABLE) != 0 && key[0] == field->key[0] && strcmp(key, field->key) == 0) {
            return field;
        }
    }
    return NULL;
}

static const char *read_order_level(struct search *search, const cJSON *level)
{
    const char *key = cJSON_GetStringValue(cJSON_GetArrayItem(level, 0));
    const char *direction = cJSON_GetStringValue(cJSON_GetArrayItem(level, 1));
    const struct offer_field *field = key == NULL ? NULL : searchable_field(key);
    bool descending = direction != NULL && strcmp(direction, "desc") == 0;
    if (field == NULL || direction == NULL || (!descending && strcmp(direction, "asc") != 0)) {
        return "needs pairs of a search key and asc or desc";
    }
    if (search->order_count == ORDER_LEVELS_MAX) {
        return "has too many levels";
    }
    search->order[search->order_count++] = (struct order_level){field, descending};
    return NULL;
}

static const char *read_order(struct search *search, const cJSON *value)
{
    if (!cJSON_IsArray(value)) {
        return "needs a list of pairs";
    }
    const char *mistake = NULL;
    for (const cJSON *level = value->child; level != NULL && mistake == NULL; level = level->next) {
        mistake = read_order_level(search, level);
    }
    return mistake;
}

static const char *read_type(struct search *search, const cJSON *value)
{
    (void)search;
    const char *type = cJSON_GetStringValue(value);
    bool is_known = type != NULL && (strcmp(type, "on-demand") == 0 || strcmp(type, "ondemand") == 0);
    return is_known ? NULL : "must be on-demand";
}

/* A number, or a text that is one, in counts of 10^-9. */
static bool read_nano(const cJSON *value, int64_t *nano)
{
    if (cJSON_IsNumber(value)) {
        *nano = nano_of_number(value->valuedouble);
        return true;
    }
    return cJSON_IsString(value) && decimal_parse(span_of(value->valuestring), 9, nano);
}

static const char *read_limit(struct search *search, const cJSON *value)
{
    int64_t nano;
    if (cJSON_IsNull(value)) {
        return NULL;
    }
    if (!read_nano(value, &nano)) {
        return "needs a number";
    }
    search->limit = nano / NUSD_PER_USD;
    return NULL;
}

static const char *read_allocated_storage(struct search *search, const cJSON *value)
{
    int64_t nano;
    if (!read_nano(value, &nano) || nano < 0 || nano > ALLOCATED_GB_MAX * INT64_C(1000000000)) {
        return "needs a number of GB";
    }
    search->disk_mgb = scale_rounded(nano, 1, 1000000);
    return NULL;
}

static bool is_switch(const cJSON *member)
{
    for (size_t i = 0; i < ARRAY_LENGTH(switches); i++) {
        if (!cJSON_IsObject(member) && strcmp(member->string, switches[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *read_member(struct search *search, const cJSON *member)
{
    if (is_switch(member)) {
        return NULL;
    }
    const struct offer_field *field = searchable_field(member->string);
    if (field != NULL) {
        return filter_add(&search->filter, field, field->kind == OFFER_TEXT, member);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
        if (strcmp(member->string, options[i].key) == 0) {
            return options[i].read == NULL ? NULL : options[i].read(search, member);
        }
    }
    return "is not a valid search key";
}

/* The book's column of the field, or NULL when the values for this search's disk are others. */
static const int64_t *column_of(const struct search *search, const struct offer_field *field)
{
    bool by_other_disk = (field->places & OFFER_BY_DISK) != 0 && search->disk_mgb != search->book_disk_mgb;
    return by_other_disk ? NULL : offer_book_column(search->book, field);
}

/* The value of a number in counts of 10^-9. */
static int64_t number_of(const struct search *search, const struct offer_field *field, size_t index)
{
    const int64_t *column = column_of(search, field);
    return column != NULL ? column[index]
                          : offer_field_nano(field, offer_book_at(search->book, index), search->disk_mgb);
}

static bool offer_passes(const struct search *search, const struct filter_condition *condition, size_t index)
{
    struct filter_value actual = {0};
    if (condition->is_text) {
        actual.text = offer_field_text(condition->field, offer_book_at(search->book, index));
        actual.is_null = actual.text == NULL;
    } else {
        actual.nano = number_of(search, condition->field, index);
    }
    return filter_passes(&search->filter, condition, &actual);
}

/* Keeps those of `count` matches that meet the condition; returns how many. */
static size_t keep_passing(const struct search *search, const struct filter_condition *condition, struct match *matches,
                           size_t count)
{
    int64_t low = 0;
    int64_t high = 0;
    const int64_t *column = condition->is_text ? NULL : column_of(search, condition->field);
    bool by_range = column != NULL && filter_range(&search->filter, condition, &low, &high);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = matches[i].index;
        bool passes = by_range ? column[index] >= low && column[index] <= high : offer_passes(search, condition, index);
        matches[kept].index = index;
        kept += passes;
    }
    return kept;
}

/* Nulls stand last whatever the direction. */
static int compare_texts(const char *left, const char *right, bool descending)
{
    if (left == NULL || right == NULL) {
        return (left == NULL) - (right == NULL);
    }
    int order = strcmp(left, right);
    return descending ? -order : order;
}

static int compare_level(const struct search *search, const struct order_level *level, uint32_t left, uint32_t right)
{
    if (level->field->kind == OFFER_TEXT) {
        return compare_texts(offer_field_text(level->field, offer_book_at(search->book, left)),
                             offer_field_text(level->field, offer_book_at(search->book, right)), level->descending);
    }
    int64_t x = number_of(search, level->field, left);
    int64_t y = number_of(search, level->field, right);
    int order = (x > y) - (x < y);
    return level->descending ? -order : order;
}

/* The order of the answer; ids, which are the order of the book, decide between equals. */
static bool comes_before(const struct search *search, struct match left, struct match right)
{
    if (left.sort_key != right.sort_key) {
        return left.sort_key < right.sort_key;
    }
    for (size_t i = 0; i < search->order_count; i++) {
        int order = compare_level(search, &search->order[i], left.index, right.index);
        if (order != 0) {
            return order < 0;
        }
    }
    return left.index < right.index;
}

/* The first level of the order as a number that ascends: most comparisons need no more. */
static int64_t sort_key(const struct search *search, size_t index)
{
    if (search->order[0].field->kind == OFFER_TEXT) {
        return 0;
    }
    int64_t nano = number_of(search, search->order[0].field, index);
    return search->order[0].descending ? -nano : nano;
}

static size_t find_matches(const struct market *market, const struct search *search)
{
    struct match *matches = market->matches;
    size_t count = 0;
    for (size_t i = 0; i < offer_book_count(search->book); i++) {
        if (!market->taken[i] && offer_book_at(search->book, i)->rentable != 0) {
            matches[count++].index = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < search->filter.condition_count; i++) {
        count = keep_passing(search, &search->filter.conditions[i], matches, count);
    }
    for (size_t i = 0; i < count; i++) {
        matches[i].sort_key = sort_key(search, matches[i].index);
    }
    return count;
}

/* Moves matches[at] down to where both below come after it: a heap whose top comes first. */
static void sift_down(const struct search *search, struct match *matches, size_t count, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t below = 2 * at + 1; below <= 2 * at + 2 && below < count; below++) {
            if (comes_before(search, matches[below], matches[first])) {
                first = below;
            }
        }
        if (first == at) {
            return;
        }
        struct match moved = matches[at];
        matches[at] = matches[first];
        matches[first] = moved;
        at = first;
    }
}

static void write_row(struct json_writer *writer, const struct search *search, size_t index)
{
    if (search->disk_mgb == search->book_disk_mgb) {
        json_raw(writer, offer_book_row(search->book, index));
        return;
    }
    json_begin_object(writer);
    json_raw(writer, offer_book_row_members(search->book, index));
    offer_write_members(writer, offer_book_at(search->book, index), search->disk_mgb, OFFER_IN_ROW | OFFER_BY_DISK, 0);
    json_end_object(writer);
}

static void answer_rows(const struct market *market, const struct search *search, struct http_reply *reply)
{
    size_t count = find_matches(market, search);
    struct match *matches = market->matches;
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(search, matches, count, i);
    }
    bool limited = search->limit > 0 && !market->options.limit_ignored;
    size_t rows =
        limited && (uint64_t)search->limit < market->options.row_cap ? (size_t)search->limit : market->options.row_cap;
    rows = rows < count ? rows : count;
    (void)buffer_reserve(&reply->body, 16 + rows * ROW_BYTES_USUAL);
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "offers");
    json_begin_array(&writer);
    for (size_t row = 0; row < rows; row++) {
        write_row(&writer, search, matches[0].index);
        matches[0] = matches[--count];
        sift_down(search, matches, count, 0);
    }
    json_end_array(&writer);
    json_end_object(&writer);
}

void route_search(struct market *market, const struct http_request *request, struct http_reply *reply)
{
    cJSON *body = answer_parse_body(request, reply);
    if (body == NULL) {
        return;
    }
    struct search search; /* large: only what must be is initialised */
    search.book = market->options.offers;
    search.book_disk_mgb = offer_book_allocated_disk_mgb(search.book);
    search.disk_mgb = DEFAULT_ALLOCATED_DISK_MGB;
    search.limit = 0;
    search.order_count = 0;
    search.filter.condition_count = 0;
    search.filter.value_count = 0;
    const char *mistake = NULL;
    for (const cJSON *member = body->child; member != NULL && mistake == NULL; member = member->next) {
        mistake = read_member(&search, member);
        if (mistake != NULL) {
            answer_error(reply, 400, "invalid_args", "error 400/2102: Invalid args: %.100s %s", member->string,
                         mistake);
        }
    }
    if (mistake == NULL) {
        if (search.order_count == 0) {
            const struct offer_field *score = searchable_field("score");
            assert(score != NULL);
            search.order[search.order_count++] = (struct order_level){score, true};
        }
        answer_rows(market, &search, reply);
    }
    cJSON_Delete(body);
}
