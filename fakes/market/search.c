/* Search: which offers fit, in which order, and their rows, copied from the book where they are as the book has them. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/search.h"

enum { ROW_BYTES_USUAL = 2816 };

/* The book's column of the field, or NULL when this search's values are others. */
static const int64_t *column_of(const struct search *search, const struct offer_field *field)
{
    bool by_other_disk = (field->places & OFFER_BY_DISK) != 0 && search->disk_mgb != search->book_disk_mgb;
    bool by_bid = (field->places & OFFER_BY_BID) != 0 && search->kind == PRICE_BID;
    bool is_listing = search->market->listings_changed && (field->offset == offsetof(struct offer, id) ||
                                                           field->offset == offsetof(struct offer, min_bid_nusd) ||
                                                           field->offset == offsetof(struct offer, disk_space_mgb));
    return by_other_disk || by_bid || (is_listing && field->derive == NULL) ? NULL
                                                                            : offer_book_column(search->book, field);
}

/* The offer as this search prices it. */
static const struct offer *priced_offer(const struct search *search, const struct offer_field *field, size_t index,
                                        struct offer *copy)
{
    const struct offer *offer = listing_offer(search->market, index, copy);
    if (search->kind == PRICE_BID && (field->places & OFFER_BY_BID) != 0) {
        if (offer != copy) {
            *copy = *offer;
        }
        copy->dph_base_nusd = copy->min_bid_nusd;
        return copy;
    }
    return offer;
}

/* The value of a number in counts of 10^-9. */
static int64_t number_of(const struct search *search, const struct offer_field *field, size_t index)
{
    const int64_t *column = column_of(search, field);
    struct offer copy;
    return column != NULL ? column[index]
                          : offer_field_nano(field, priced_offer(search, field, index, &copy), search->disk_mgb);
}

static bool offer_passes(const struct search *search, const struct filter_condition *condition, size_t index)
{
    struct filter_value actual = {0};
    if (condition->is_text) {
        actual.text = offer_field_text(condition->field, offer_book_at(search->book, index));
        actual.is_null = actual.text == NULL;
    } else {
        actual.nano = number_of(search, condition->field, index);
        actual.is_null = actual.nano == OFFER_NULL;
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
    if (x == OFFER_NULL || y == OFFER_NULL) {
        return (x == OFFER_NULL) - (y == OFFER_NULL);
    }
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
    if (nano == OFFER_NULL) {
        return INT64_MAX;
    }
    return search->order[0].descending ? -nano : nano;
}

/* Filters that the real service was reported not to honour. */
static bool is_loose(const struct search *search, const struct filter_condition *condition)
{
    static const char *const keys[] = {"id", "inet_down", "inet_up"};
    const struct offer_field *field = condition->field;
    for (size_t i = 0; search->market->options.switches.filters_loose != 0 && i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(field->key, keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static size_t find_matches(struct match *matches, const struct search *search)
{
    size_t count = 0;
    for (size_t i = 0; i < offer_book_count(search->book); i++) {
        if (offer_is_listed(search->market, i)) {
            matches[count++].index = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < search->filter.condition_count; i++) {
        if (!is_loose(search, &search->filter.conditions[i])) {
            count = keep_passing(search, &search->filter.conditions[i], matches, count);
        }
    }
    return count;
}

typedef bool before_function(const struct search *search, struct match left, struct match right);

/* Moves matches[at] down to where both below come after it: a heap whose top comes first. */
static void sift_down(const struct search *search, before_function *before, struct match *matches, size_t count,
                      size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t below = 2 * at + 1; below <= 2 * at + 2 && below < count; below++) {
            if (before(search, matches[below], matches[first])) {
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

/* The top of the heap, which goes behind it. */
static struct match take_first(const struct search *search, before_function *before, struct match *matches,
                               size_t *count)
{
    struct match first = matches[0];
    matches[0] = matches[--*count];
    matches[*count] = first;
    sift_down(search, before, matches, *count, 0);
    return first;
}

static void make_heap(const struct search *search, before_function *before, struct match *matches, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift_down(search, before, matches, count, i);
    }
}

static bool is_drawn_before(const struct search *search, struct match left, struct match right)
{
    (void)search;
    return left.sort_key != right.sort_key ? left.sort_key < right.sort_key : left.index < right.index;
}

static uint64_t mixed(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9); /* the finaliser of splitmix64 */
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

/*
 * Where more is found than is shown, the real service shows a sample, which is another one some seconds later. Each offer's place
 * in the draw lasts four periods, and a quarter of them change in each. Returns how many are left, the first of `matches`.
 */
static size_t draw_sample(const struct search *search, struct match *matches, size_t count)
{
    enum { PERIODS = 4 };
    const struct market *market = search->market;
    int64_t period_ns = market->options.switches.sample_period_ns;
    size_t most = (size_t)market->options.switches.row_cap;
    if (period_ns == 0 || count <= most) {
        return count;
    }
    uint64_t keys[PERIODS];
    int64_t period = market->now_ns / period_ns;
    for (uint32_t i = 0; i < PERIODS; i++) {
        struct random_address address = {.run = market->options.run,
                                         .purpose = RANDOM_MARKET,
                                         .entity = MARKET_DRAW_SAMPLE,
                                         .index = (uint32_t)((period + i) / PERIODS) * PERIODS + i};
        keys[i] = random_bits(market->options.seed, address);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t place = mixed(keys[matches[i].index % PERIODS] ^ matches[i].index);
        matches[i].sort_key = (int64_t)(place >> 1);
    }
    make_heap(search, is_drawn_before, matches, count);
    size_t left = count;
    for (size_t i = 0; i < most; i++) {
        (void)take_first(search, is_drawn_before, matches, &left);
    }
    memmove(matches, matches + left, most * sizeof *matches);
    return most;
}

/* A row whose text the book does not have whole. */
static void write_row_anew(struct json_writer *writer, const struct search *search, size_t index)
{
    struct offer copy;
    struct offer priced;
    const struct offer *offer = listing_offer(search->market, index, &copy);
    json_begin_object(writer);
    if (offer == &copy) {
        offer_write_members(writer, offer, search->disk_mgb, OFFER_IN_ROW, OFFER_BY_DISK | OFFER_BY_BID);
    } else {
        json_raw(writer, offer_book_row_members(search->book, index));
    }
    priced = *offer;
    if (search->kind == PRICE_BID) {
        priced.is_bid = 1;
        priced.dph_base_nusd = offer->min_bid_nusd;
    }
    offer_write_members(writer, &priced, search->disk_mgb, OFFER_IN_ROW | OFFER_BY_BID, 0);
    offer_write_members(writer, offer, search->disk_mgb, OFFER_IN_ROW | OFFER_BY_DISK, OFFER_BY_BID);
    json_end_object(writer);
}

/* Only the columns that were asked for; one that there is not is null. */
static void write_selected(struct json_writer *writer, const struct search *search, size_t index)
{
    struct offer copy;
    const struct offer *offer = listing_offer(search->market, index, &copy);
    struct offer priced = *offer;
    if (search->kind == PRICE_BID) {
        priced.is_bid = 1;
        priced.dph_base_nusd = offer->min_bid_nusd;
    }
    json_begin_object(writer);
    for (const cJSON *column = search->select_columns->child; column != NULL; column = column->next) {
        size_t i = 0;
        while (i < offer_field_count() && ((offer_field_at(i)->places & OFFER_IN_ROW) == 0 ||
                                           strcmp(offer_field_at(i)->key, column->valuestring) != 0)) {
            i++;
        }
        if (i == offer_field_count()) {
            json_member_null(writer, column->valuestring);
        } else {
            bool by_bid = (offer_field_at(i)->places & OFFER_BY_BID) != 0;
            offer_write_member(writer, offer_field_at(i), by_bid ? &priced : offer, search->disk_mgb);
        }
    }
    json_end_object(writer);
}

static void write_row(struct json_writer *writer, const struct search *search, size_t index)
{
    if (search->select_columns != NULL) {
        write_selected(writer, search, index);
    } else if (search->disk_mgb == search->book_disk_mgb && search->kind == PRICE_ON_DEMAND &&
               !listing_is_changed(search->market, index)) {
        json_raw(writer, offer_book_row(search->book, index));
    } else {
        write_row_anew(writer, search, index);
    }
}

/* How many rows are shown of those found. */
static size_t row_limit(const struct search *search, size_t count)
{
    const struct market_switches *switches = &search->market->options.switches;
    bool limited = search->limit > 0 && !search->market->options.limit_ignored;
    int64_t rows = limited ? search->limit : switches->usual_rows;
    rows = rows < switches->row_cap ? rows : switches->row_cap;
    return (uint64_t)rows < count ? (size_t)rows : count;
}

static void answer_rows(struct market *market, const struct search *search, struct http_reply *reply)
{
    struct match *matches = market->matches;
    size_t count = draw_sample(search, matches, find_matches(matches, search));
    for (size_t i = 0; i < count; i++) {
        matches[i].sort_key = sort_key(search, matches[i].index);
    }
    make_heap(search, comes_before, matches, count);
    size_t rows = row_limit(search, count);
    (void)buffer_reserve(&reply->body, 16 + rows * ROW_BYTES_USUAL);
    struct json_writer writer = answer_begin(reply, 200);
    json_begin_object(&writer);
    json_key(&writer, "offers");
    json_begin_array(&writer);
    for (size_t row = 0; row < rows; row++) {
        write_row(&writer, search, take_first(search, comes_before, matches, &count).index);
    }
    json_end_array(&writer);
    json_end_object(&writer);
}

void route_search(const struct call *call)
{
    cJSON *body = search_body(call);
    struct search search; /* large: search_read() initialises what must be */
    if (body != NULL && search_read(&search, call, body)) {
        answer_rows(call->market, &search, call->reply);
    }
    cJSON_Delete(body);
}

int64_t search_first(const struct call *call, const cJSON *body)
{
    struct match *matches = call->market->matches;
    struct search search; /* large: search_read() initialises what must be */
    if (!search_read(&search, call, body)) {
        return -1;
    }
    size_t count = find_matches(matches, &search);
    if (count == 0) {
        answer_error(call->reply, 404, "no_such_ask", "No offer fits the query.");
        return -1;
    }
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        matches[i].sort_key = sort_key(&search, matches[i].index);
        first = comes_before(&search, matches[i], matches[first]) ? i : first;
    }
    struct offer copy;
    return listing_offer(call->market, matches[first].index, &copy)->id;
}
