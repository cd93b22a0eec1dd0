/* The forms in which clients ask for offers: one object by POST, within one by PUT, as text or flat by GET. */
#include <assert.h>
#include <string.h>

#include "fakes/market/search.h"

enum { ALLOCATED_GB_MAX = 1000000 };

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
    {"chunked", NULL},           {"georegion", NULL},
    {"select_cols", NULL},
};

/* Fields that are also switches of the web page: ignored unless their value is a filter. */
static const char *const page_switches[] = {"external", "has_avx"};

const struct offer_field *searchable_field(const char *key)
{
    if (key[0] == 'c' && strcmp(key, "compute_capability") == 0) {
        key = "compute_cap";
    } else if (key[0] == 'c' && strcmp(key, "cuda_vers") == 0) {
        key = "cuda_max_good"; /* as searches for volumes say */
    }
    const struct offer_field *fields = offer_field_at(0);
    size_t count = offer_field_count();
    for (size_t i = 0; i < count; i++) {
        const struct offer_field *field = &fields[i];
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
    const struct offer_field *field = cJSON_IsString(value) ? searchable_field(value->valuestring) : NULL;
    if (field != NULL) {
        search->order[0] = (struct order_level){field, false}; /* a bare name, as some clients send */
        search->order_count = 1;
        return NULL;
    }
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
    static const struct {
        const char *name;
        enum price_kind kind;
    } types[] = {{"on-demand", PRICE_ON_DEMAND},
                 {"ondemand", PRICE_ON_DEMAND},
                 {"reserved", PRICE_ON_DEMAND},
                 {"bid", PRICE_BID},
                 {"interruptible", PRICE_BID}};
    const char *type = cJSON_GetStringValue(value);
    for (size_t i = 0; type != NULL && i < ARRAY_LENGTH(types); i++) {
        if (strcmp(type, types[i].name) == 0) {
            search->kind = types[i].kind;
            return NULL;
        }
    }
    return "must be on-demand, bid or reserved";
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
    for (size_t i = 0; i < ARRAY_LENGTH(page_switches); i++) {
        if (!cJSON_IsObject(member) && strcmp(member->string, page_switches[i]) == 0) {
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
    bool ignored = search->market->options.switches.unknown_keys_ignored != 0;
    return ignored ? NULL : "is not a valid search key";
}

static bool read_query(struct search *search, const cJSON *query, struct http_reply *reply)
{
    for (const cJSON *member = query->child; member != NULL; member = member->next) {
        const char *mistake = read_member(search, member);
        if (mistake != NULL) {
            answer_error(reply, 400, "invalid_args", "error 400/2102: Invalid args: %.100s %s", member->string,
                         mistake);
            return false;
        }
    }
    return true;
}

/*
 * A parameter of its own as the member that it stands for: a filter for equality, but for gpu_ram, which is meant as the least;
 * an option as it is. False when memory is gone.
 */
static bool add_parameter(cJSON *query, const char *key, const char *value)
{
    static const char *const plain[] = {"order", "type", "limit", "allocated_storage"};
    static const char *const others[] = {"q", "api_key", "owner"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        if (strcmp(key, others[i]) == 0) {
            return true;
        }
    }
    cJSON_DeleteItemFromObjectCaseSensitive(query, key);
    for (size_t i = 0; i < ARRAY_LENGTH(plain); i++) {
        if (strcmp(key, plain[i]) == 0) {
            cJSON *list = i == 0 ? parse_json(span_of(value)) : NULL; /* a bare name, or pairs as in q */
            return list != NULL ? cJSON_AddItemToObject(query, key, list) != 0
                                : cJSON_AddStringToObject(query, key, value) != NULL;
        }
    }
    cJSON *condition = cJSON_AddObjectToObject(query, key);
    return condition != NULL &&
           cJSON_AddStringToObject(condition, strcmp(key, "gpu_ram") == 0 ? "gte" : "eq", value) != NULL;
}

/* Reads key and value of the parameter at `at`, decoded. Returns what follows it, or NULL at the end. */
static const char *next_parameter(const char *at, struct buffer *key, struct buffer *value)
{
    size_t length = strcspn(at, "&");
    size_t key_length = strcspn(at, "=&");
    query_decode(key, (struct span){at, key_length});
    size_t value_at = key_length < length ? key_length + 1 : length;
    query_decode(value, (struct span){at + value_at, length - value_at});
    return at[length] == '&' ? at + length + 1 : NULL;
}

/* The forms that search by GET: filters in q, options beside it, or everything flat. NULL after answering. */
static cJSON *query_of_path(const char *path, struct http_reply *reply)
{
    char key_storage[128];
    char value_storage[HTTP_PATH_SIZE];
    struct buffer key;
    struct buffer value;
    buffer_init_fixed(&key, key_storage, sizeof key_storage);
    buffer_init_fixed(&value, value_storage, sizeof value_storage);
    bool has_query = query_parameter(path, "q", &value) && value.length > 0;
    cJSON *query = parse_json(has_query ? (struct span){value_storage, value.length} : span_of("{}"));
    if (!cJSON_IsObject(query)) {
        cJSON_Delete(query);
        answer_error(reply, 400, "invalid_args", "error 400/2101: Invalid args: q is not a JSON object");
        return NULL;
    }
    const char *at = strchr(path, '?');
    at = at == NULL ? NULL : at + 1;
    while (at != NULL && *at != '\0') {
        buffer_clear(&key);
        buffer_clear(&value);
        at = next_parameter(at, &key, &value);
        bool good =
            !key.failed && !value.failed && (key.length == 0 || add_parameter(query, key_storage, buffer_text(&value)));
        if (!good) {
            cJSON_Delete(query);
            answer_error(reply, 400, "invalid_args", "error 400/2101: Invalid args: a parameter is too long");
            return NULL;
        }
    }
    return query;
}

static bool read_select(struct search *search, const cJSON *body, struct http_reply *reply)
{
    const cJSON *names = member_of(body, "select_cols");
    bool good = names == NULL || cJSON_IsNull(names) || cJSON_IsArray(names);
    bool all = !cJSON_IsArray(names);
    for (const cJSON *each = names != NULL && !all ? names->child : NULL; each != NULL; each = each->next) {
        good = good && cJSON_IsString(each);
        all = all || (good && strcmp(each->valuestring, "*") == 0);
    }
    search->select_columns = all ? NULL : names;
    if (!good) {
        answer_error(reply, 400, "invalid_args", "error 400/2101: Invalid args: select_cols must be a list of columns");
    }
    return good;
}

cJSON *search_body(const struct call *call)
{
    return call->request->method == HTTP_GET ? query_of_path(call->request->path, call->reply)
                                             : answer_parse_body(call->request, call->reply);
}

bool search_read(struct search *search, const struct call *call, const cJSON *body)
{
    search->market = call->market;
    search->book = call->market->options.offers;
    search->kind = PRICE_ON_DEMAND;
    search->book_disk_mgb = offer_book_allocated_disk_mgb(search->book);
    search->disk_mgb = DEFAULT_ALLOCATED_DISK_MGB;
    search->limit = 0;
    search->order_count = 0;
    search->filter.condition_count = 0;
    search->filter.value_count = 0;
    bool is_new_form = call->request->method == HTTP_PUT;
    const cJSON *inner = member_of(body, "q");
    const cJSON *query = is_new_form && cJSON_IsObject(inner) ? inner : body;
    if (!read_select(search, body, call->reply) || !read_query(search, query, call->reply)) {
        return false;
    }
    if (search->order_count == 0) {
        const struct offer_field *score = searchable_field("score");
        assert(score != NULL);
        search->order[search->order_count++] = (struct order_level){score, true};
    }
    return true;
}
