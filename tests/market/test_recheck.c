/*
 * For any query the fake's rows are exactly those of all offers that pass a plain re-check of its filters, in the order asked for:
 * over every filterable field, every operator, every form in which clients ask, every type of price and several disks, before and
 * after some of the offers were taken. The re-check knows rows as JSON and nothing of how the market keeps them.
 */
#include "market/rig.h"

#include "base/random.h"
#include "fakes/market/offer_fields.h"

enum {
    BOOK_SIZE = 160,
    QUERIES = 300,
    COMPARED = 8,
    /* each so manieth answer's rows are compared whole */ PARTS_MAX = 3,
    FIELDS_MAX = 128,
    TARGET_SIZE = 16384
};

/* ---- What is asked --------------------------------------------------------------------------------------------------------- */

enum form { FORM_POST, FORM_PUT, FORM_QUERY, FORM_MIXED, FORM_FLAT, FORM_COUNT };

static const char *const types[] = {"on-demand", "ondemand", "reserved", "bid", "interruptible"};
static const double disks_gb[] = {8, 5, 37.5};
static const char *const comparisons[] = {"eq", "neq", "gt", "gte", "lt", "lte", "in", "notin"};

struct question {
    uint32_t nth;
    uint32_t next_draw;
    enum form form;
    size_t type, disk;
    cJSON *filters;
    const char *order;
    bool descending;
    bool by_id; /* ids decide between equals: until some offers are listed anew */
};

static size_t draw(struct question *question, size_t bound)
{
    struct random_address address = {.entity = question->nth, .index = question->next_draw++};
    return (size_t)random_below(99, address, bound);
}

/* ---- The plain re-check ---------------------------------------------------------------------------------------------------- */

/* "580.95.05" is searched for as 580095005. */
static cJSON *number_of_version(const char *text)
{
    double number = 0;
    for (int part = 0; part < 3; part++) {
        double value = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            value = value * 10 + (*text - '0');
        }
        number = number * 1000 + value;
        text += *text == '.';
    }
    return cJSON_CreateNumber(number);
}

/* What a row has under a search key: mostly the member of that name. To be given to cJSON_Delete(). */
static cJSON *value_of(const cJSON *row, const char *key)
{
    const cJSON *member = NULL;
    if (strcmp(key, "verified") == 0) {
        return cJSON_CreateBool(strcmp(rig_text(row, "verification"), "verified") == 0);
    }
    if (strcmp(key, "datacenter") == 0) {
        return cJSON_CreateBool(rig_member(row, "hosting_type")->valuedouble == 1);
    }
    if (strcmp(key, "geolocation") == 0) {
        const char *place = cJSON_GetStringValue(rig_member(row, "geolocation"));
        size_t length = place == NULL ? 0 : strlen(place);
        return length < 2 ? cJSON_CreateNull() : cJSON_CreateString(place + length - 2);
    }
    if (strcmp(key, "driver_version") == 0) {
        return number_of_version(rig_text(row, "driver_version"));
    }
    if (strcmp(key, "ubuntu_version") == 0) {
        member = rig_member(row, "os_version");
    } else {
        member = rig_member(row, key);
    }
    return cJSON_Duplicate(member, true);
}

static double number_of(const cJSON *value)
{
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : value->valuedouble;
}

static int compare(const cJSON *left, const cJSON *right)
{
    if (cJSON_IsString(left)) {
        return strcmp(left->valuestring, right->valuestring);
    }
    double a = number_of(left);
    double b = number_of(right);
    return (a > b) - (a < b);
}

static bool is_among(const cJSON *actual, const cJSON *list)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, list)
    {
        if (cJSON_IsNull(actual) ? cJSON_IsNull(each) : !cJSON_IsNull(each) && compare(actual, each) == 0) {
            return true;
        }
    }
    return false;
}

/* Null equals null and nothing else; it is neither more nor less, and unlike nothing. */
static bool passes(const cJSON *actual, const char *comparison, const cJSON *value)
{
    if (cJSON_IsArray(value)) {
        bool wants_in = strcmp(comparison, "in") == 0;
        return wants_in ? is_among(actual, value) : !cJSON_IsNull(actual) && !is_among(actual, value);
    }
    if (cJSON_IsNull(actual) || cJSON_IsNull(value)) {
        bool both = cJSON_IsNull(actual) && cJSON_IsNull(value);
        return strcmp(comparison, "eq") == 0 ? both : strcmp(comparison, "neq") == 0 && !cJSON_IsNull(actual);
    }
    int order = compare(actual, value);
    return strcmp(comparison, "eq") == 0    ? order == 0
           : strcmp(comparison, "neq") == 0 ? order != 0
           : strcmp(comparison, "gt") == 0  ? order > 0
           : strcmp(comparison, "gte") == 0 ? order >= 0
           : strcmp(comparison, "lt") == 0  ? order < 0
                                            : order <= 0;
}

static bool row_passes(const cJSON *row, const cJSON *filters)
{
    bool all = true;
    const cJSON *field;
    cJSON_ArrayForEach(field, filters)
    {
        cJSON *actual = value_of(row, field->string);
        const cJSON *operation;
        cJSON_ArrayForEach(operation, field)
        {
            all = all && passes(actual, operation->string, operation);
        }
        cJSON_Delete(actual);
    }
    return all;
}

/* ---- Random questions ------------------------------------------------------------------------------------------------------ */

/* The keys that the market says one may search by. */
static size_t searchable_keys(const char *keys[FIELDS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < offer_field_count(); i++) {
        if ((offer_field_at(i)->places & OFFER_SEARCHABLE) != 0) {
            assert_true(count < FIELDS_MAX);
            keys[count++] = offer_field_at(i)->key;
        }
    }
    return count;
}

static cJSON *draw_value(struct question *question, const cJSON *rows, const char *key)
{
    return value_of(cJSON_GetArrayItem(rows, (int)draw(question, (size_t)cJSON_GetArraySize(rows))), key);
}

/* One operator with values that rows have, so that most are met by some and not by all. */
static void add_operation(struct question *question, cJSON *field, const cJSON *rows)
{
    const char *comparison = comparisons[draw(question, ARRAY_LENGTH(comparisons))];
    bool takes_list = strstr(comparison, "in") != NULL;
    cJSON *value = takes_list ? cJSON_CreateArray() : draw_value(question, rows, field->string);
    for (size_t left = takes_list ? 1 + draw(question, 5) : 0; left > 0; left--) {
        cJSON_AddItemToArray(value, draw_value(question, rows, field->string));
    }
    bool orders_null = cJSON_IsNull(value) && strcmp(comparison, "eq") != 0 && strcmp(comparison, "neq") != 0;
    if (orders_null || cJSON_HasObjectItem(field, comparison)) {
        cJSON_Delete(value);
        return;
    }
    cJSON_AddItemToObject(field, comparison, value);
}

static void add_field(struct question *question, const cJSON *rows, const char *key)
{
    if (cJSON_HasObjectItem(question->filters, key)) {
        return;
    }
    cJSON *field = cJSON_AddObjectToObject(question->filters, key);
    if (question->form != FORM_FLAT) {
        for (size_t left = 1 + draw(question, 2); left > 0; left--) {
            add_operation(question, field, rows);
        }
        return;
    }
    cJSON *value = draw_value(question, rows, key);
    if (cJSON_IsNull(value)) { /* a bare value is never null */
        cJSON_Delete(value);
        cJSON_DeleteItemFromObjectCaseSensitive(question->filters, key);
        return;
    }
    cJSON_AddItemToObject(field, strcmp(key, "gpu_ram") == 0 ? "gte" : "eq", value);
}

static void draw_filters(struct question *question, const cJSON *rows)
{
    const char *keys[FIELDS_MAX];
    size_t count = searchable_keys(keys);
    question->filters = cJSON_CreateObject();
    for (size_t left = 1 + draw(question, PARTS_MAX); left > 0; left--) {
        add_field(question, rows, keys[draw(question, count)]);
    }
    question->order = keys[draw(question, count)];
    question->descending = question->form < FORM_MIXED && draw(question, 2) == 1;
}

/* ---- The forms ------------------------------------------------------------------------------------------------------------- */

/* A value as clients put it in quotes. */
static void put_in_quotes(cJSON *parent, cJSON *value)
{
    if (cJSON_IsNull(value) || cJSON_IsString(value)) {
        return;
    }
    char *text = cJSON_PrintUnformatted(value);
    cJSON *quoted = cJSON_CreateString(text);
    cJSON_free(text);
    if (value->string != NULL) {
        quoted->string = cJSON_malloc(strlen(value->string) + 1);
        assert_non_null(quoted->string);
        memcpy(quoted->string, value->string, strlen(value->string) + 1);
    }
    assert_true(cJSON_ReplaceItemViaPointer(parent, value, quoted));
}

/* The filters as they are sent: half of them with values in quotes. */
static cJSON *filters_to_send(struct question *question)
{
    cJSON *filters = cJSON_Duplicate(question->filters, true);
    for (cJSON *field = filters->child; field != NULL; field = field->next) {
        if (draw(question, 2) == 0) {
            continue;
        }
        for (int i = 0; i < cJSON_GetArraySize(field); i++) {
            cJSON *operation = cJSON_GetArrayItem(field, i);
            for (int j = 0; cJSON_IsArray(operation) && j < cJSON_GetArraySize(operation); j++) {
                put_in_quotes(operation, cJSON_GetArrayItem(operation, j));
            }
            if (!cJSON_IsArray(operation)) {
                put_in_quotes(field, operation);
            }
        }
    }
    return filters;
}

static void add_options(const struct question *question, cJSON *query)
{
    const char *pair[] = {question->order, question->descending ? "desc" : "asc"};
    cJSON_AddItemToArray(cJSON_AddArrayToObject(query, "order"), cJSON_CreateStringArray(pair, 2));
    cJSON_AddStringToObject(query, "type", types[question->type]);
    cJSON_AddNumberToObject(query, "allocated_storage", disks_gb[question->disk]);
}

static void append_encoded(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buffer_printf(out, "%%%02x", (unsigned)(unsigned char)*text);
    }
}

static void append_json(struct buffer *out, const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    append_encoded(out, text);
    cJSON_free(text);
}

static void append_flat(struct buffer *out, const cJSON *filters)
{
    const cJSON *field;
    cJSON_ArrayForEach(field, filters)
    {
        buffer_printf(out, "%s=", field->string);
        if (cJSON_IsString(field->child)) {
            append_encoded(out, field->child->valuestring);
        } else {
            append_json(out, field->child);
        }
        buffer_append_char(out, '&');
    }
}

/* Path and body of the question in its form. */
static enum http_method write_request(struct question *question, struct buffer *path, struct buffer *body)
{
    cJSON *query = filters_to_send(question);
    cJSON *whole = query;
    buffer_append_text(path, question->form == FORM_PUT ? "/api/v0/search/asks/" : "/api/v0/bundles/");
    if (question->form <= FORM_QUERY) {
        add_options(question, query);
    }
    if (question->form == FORM_PUT) {
        const char *all[] = {"*"};
        whole = cJSON_CreateObject();
        cJSON_AddItemToObject(whole, "select_cols", cJSON_CreateStringArray(all, 1));
        cJSON_AddItemToObject(whole, "q", query);
    }
    if (question->form <= FORM_PUT) {
        char *text = cJSON_PrintUnformatted(whole);
        buffer_append_text(body, text);
        cJSON_free(text);
    } else if (question->form == FORM_QUERY) {
        buffer_append_text(path, "?q=");
        append_json(path, whole);
    } else {
        buffer_append_char(path, '?');
        if (question->form == FORM_MIXED) {
            buffer_append_text(path, "q=");
            append_json(path, whole);
            buffer_append_char(path, '&');
        } else {
            append_flat(path, whole);
        }
        buffer_printf(path, "order=%s&type=%s&allocated_storage=%g", question->order, types[question->type],
                      disks_gb[question->disk]);
    }
    cJSON_Delete(whole);
    return question->form == FORM_POST ? HTTP_POST : question->form == FORM_PUT ? HTTP_PUT : HTTP_GET;
}

static cJSON *ask(struct rig *rig, struct question *question)
{
    char path_storage[TARGET_SIZE];
    char body_storage[TARGET_SIZE];
    struct buffer path;
    struct buffer body;
    buffer_init_fixed(&path, path_storage, sizeof path_storage);
    buffer_init_fixed(&body, body_storage, sizeof body_storage);
    enum http_method method = write_request(question, &path, &body);
    if (path.failed || body.failed || path.length >= HTTP_PATH_SIZE) {
        return NULL; /* longer than any client's */
    }
    cJSON *json = rig_json(rig, 0, method, buffer_text(&path), buffer_text(&body), 200);
    cJSON *offers = cJSON_DetachItemFromObjectCaseSensitive(json, "offers");
    cJSON_Delete(json);
    return offers;
}

/* ---- The comparison -------------------------------------------------------------------------------------------------------- */

/* Nulls stand last. */
static void check_order(const cJSON *found, const struct question *question)
{
    cJSON *before = NULL;
    const cJSON *row_before = NULL;
    const cJSON *row;
    cJSON_ArrayForEach(row, found)
    {
        cJSON *value = value_of(row, question->order);
        if (before != NULL) {
            bool has_null = cJSON_IsNull(before) || cJSON_IsNull(value);
            int order = has_null ? cJSON_IsNull(before) - cJSON_IsNull(value) : compare(before, value);
            order = question->descending && !has_null ? -order : order;
            bool in_order = !question->by_id || compare(rig_member(row_before, "id"), rig_member(row, "id")) < 0;
            assert_true(order < 0 || (order == 0 && in_order));
        }
        cJSON_Delete(before);
        before = value;
        row_before = row;
    }
    cJSON_Delete(before);
}

static const cJSON *row_of(const cJSON *rows, double id)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        if (rig_member(row, "id")->valuedouble == id) {
            return row;
        }
    }
    return NULL;
}

/* Every row of `all` is found exactly when it passes, as it is there. */
static void check_rows(const struct question *question, const cJSON *all, const cJSON *found)
{
    int passing = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, all)
    {
        const cJSON *there = row_of(found, rig_member(row, "id")->valuedouble);
        bool should = row_passes(row, question->filters);
        if (should != (there != NULL)) {
            char *text = cJSON_PrintUnformatted(question->filters);
            fail_msg("%s by form %d as %s: offer %.0f is %s", text, question->form, types[question->type],
                     rig_member(row, "id")->valuedouble, should ? "missing" : "there");
        }
        assert_true(there == NULL || question->nth % COMPARED != 0 || cJSON_Compare(there, row, true));
        passing += should;
    }
    assert_int_equal(cJSON_GetArraySize(found), passing);
}

/* All that can be rented, as one type and disk price it: from the book, a bid's price instead of the list price. */
static cJSON *all_rows(struct rig *rig, size_t type, size_t disk)
{
    struct question question = {.form = FORM_POST, .type = type, .disk = disk, .order = "id"};
    question.filters = cJSON_CreateObject();
    cJSON *rows = ask(rig, &question);
    cJSON_Delete(question.filters);
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        double base = rig_member(row, "dph_base")->valuedouble;
        double total = rig_member(row, "dph_total")->valuedouble;
        double disk_price = rig_member(row, "storage_cost")->valuedouble * disks_gb[disk] / 720;
        assert_true(total - base - disk_price < 2e-9 && base + disk_price - total < 2e-9);
        assert_true(cJSON_IsTrue(rig_member(row, "is_bid")) == (type >= 3));
        assert_true(type < 3 || base == rig_member(row, "min_bid")->valuedouble);
    }
    return rows;
}

/* Takes every fifth offer of the first sixty, which changes and removes others. */
static void take_some(struct rig *rig)
{
    for (size_t i = 0; i < 60; i += 5) {
        const struct offer *offer = offer_book_at(rig->book, i);
        char path[64];
        (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
        (void)rig_ask(rig, 0, HTTP_PUT, path, RIG_KEY, span_of("{\"image\":\"a\",\"disk\":10}"));
    }
    assert_true(market_contract_count(rig->market) > 4);
}

static void start_uncapped(struct rig *rig)
{
    rig_start(rig, BOOK_SIZE);
    struct market_options options = rig_options(rig);
    options.switches.row_cap = BOOK_SIZE;
    options.switches.usual_rows = BOOK_SIZE;
    rig_restart(rig, options);
}

static void check_questions(struct rig *rig, uint32_t first)
{
    cJSON *all[ARRAY_LENGTH(types)][ARRAY_LENGTH(disks_gb)];
    int64_t found_rows = 0;
    int64_t all_of_them = 0;
    int asked[FORM_COUNT] = {0};
    for (size_t type = 0; type < ARRAY_LENGTH(types); type++) {
        for (size_t disk = 0; disk < ARRAY_LENGTH(disks_gb); disk++) {
            all[type][disk] = all_rows(rig, type, disk);
        }
    }
    for (uint32_t nth = first; nth < first + QUERIES; nth++) {
        struct question question = {.nth = nth, .by_id = first == 0};
        question.form = (enum form)draw(&question, FORM_COUNT);
        question.type = draw(&question, ARRAY_LENGTH(types));
        question.disk = draw(&question, ARRAY_LENGTH(disks_gb));
        const cJSON *rows = all[question.type][question.disk];
        draw_filters(&question, rows);
        cJSON *found = ask(rig, &question);
        if (found != NULL) {
            check_rows(&question, rows, found);
            check_order(found, &question);
            asked[question.form]++;
            found_rows += cJSON_GetArraySize(found);
            all_of_them += cJSON_GetArraySize(rows);
        }
        cJSON_Delete(found);
        cJSON_Delete(question.filters);
    }
    for (size_t form = 0; form < FORM_COUNT; form++) {
        assert_true(asked[form] > QUERIES / 8);
    }
    assert_true(found_rows > all_of_them / 10 && found_rows < all_of_them * 9 / 10); /* else they would say little */
    for (size_t type = 0; type < ARRAY_LENGTH(types); type++) {
        for (size_t disk = 0; disk < ARRAY_LENGTH(disks_gb); disk++) {
            cJSON_Delete(all[type][disk]);
        }
    }
}

static void test_rows_equal_a_plain_recheck_over_all_offers(void **state)
{
    (void)state;
    struct rig rig;
    start_uncapped(&rig);
    int rentable = 0;
    for (size_t i = 0; i < BOOK_SIZE; i++) {
        rentable += offer_book_at(rig.book, i)->rentable != 0;
    }
    cJSON *rows = all_rows(&rig, 0, 0);
    assert_int_equal(cJSON_GetArraySize(rows), rentable);
    cJSON_Delete(rows);
    check_questions(&rig, 0);
    rig_end(&rig);
}

static void test_rows_equal_a_recheck_after_some_were_taken(void **state)
{
    (void)state;
    struct rig rig;
    start_uncapped(&rig);
    take_some(&rig);
    check_questions(&rig, QUERIES);
    rig_end(&rig);
}

/* The book anew from its own rows, with null in many places, and every tenth machine without a GPU. */
static void take_values_away(struct rig *rig)
{
    static const char *const nullable[] = {"cpu_cores", "dlperf", "geolocation", "os_version", "external"};
    struct question luck = {.nth = 1000000};
    cJSON *book = cJSON_CreateObject();
    cJSON *rows = all_rows(rig, 0, 0);
    cJSON_AddItemToObject(book, "offers", rows);
    int nth = 0;
    cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t i = 0; i < ARRAY_LENGTH(nullable); i++) {
            if (draw(&luck, 3) == 0) {
                assert_true(cJSON_ReplaceItemInObjectCaseSensitive(row, nullable[i], cJSON_CreateNull()));
            }
        }
        if (nth++ % 10 == 0) {
            assert_true(cJSON_ReplaceItemInObjectCaseSensitive(row, "gpu_name", cJSON_CreateNull()));
            assert_true(cJSON_ReplaceItemInObjectCaseSensitive(row, "num_gpus", cJSON_CreateNumber(0)));
        }
    }
    char *text = cJSON_PrintUnformatted(book);
    cJSON_Delete(book);
    struct error error;
    struct offer_book_options options = rig_book_options(7);
    struct offer_book *usual = rig->book;
    assert_int_equal(offer_book_read(rig->heap, &options, span_of(text), "rows", &rig->book, &error), ERR_OK);
    cJSON_free(text);
    struct market_options market = rig_options(rig);
    market.switches.row_cap = BOOK_SIZE;
    market.switches.usual_rows = BOOK_SIZE;
    rig_restart(rig, market);
    offer_book_free(usual);
}

static void test_rows_equal_a_recheck_where_much_is_null(void **state)
{
    (void)state;
    struct rig rig;
    start_uncapped(&rig);
    take_values_away(&rig);
    check_questions(&rig, 2 * QUERIES);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_equal_a_plain_recheck_over_all_offers),
        cmocka_unit_test(test_rows_equal_a_recheck_after_some_were_taken),
        cmocka_unit_test(test_rows_equal_a_recheck_where_much_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
