/* Templates: images with their settings under a hash, those that everybody has and those of the account. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/filter.h"
#include "fakes/market/state.h"

enum {
    TEMPLATES_MAX = 1000,
    FIRST_OWN_ID = 501002,
    JSON_MAX = 65536,
    TEXT_MAX = 16384,
    HASH_SIZE = 33,
    USER_ID = 410777
};

/* What everybody has. */
static const struct template public_templates[] = {
    {.id = 501001,
     .hash = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
     .name = "demo pytorch",
     .json = "{\"id\":501001,\"hash_id\":\"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\",\"creator_id\":62897,\"name\":\"demo "
             "pytorch\",\"image\":\"pytorch/pytorch\",\"tag\":\"2.4.0-cuda12.4-cudnn9-runtime\",\"href\":null,"
             "\"repo\":null,\"env\":\"-p 8000:8000 -e JOB_ID=demo\",\"onstart\":\"touch ~/.no_auto_tmux\","
             "\"jup_direct\":false,\"ssh_direct\":true,\"use_jupyter_lab\":false,\"runtype\":\"ssh\",\"use_ssh\":true,"
             "\"jupyter_dir\":null,\"docker_login_repo\":null,\"extra_filters\":\"{}\",\"desc\":\"\",\"readme\":\"\","
             "\"readme_visible\":false,\"private\":false,\"recommended\":false,\"recommended_disk_space\":20.0,"
             "\"created_at\":1780000000.0,\"count_created\":3}"},
    {.id = 312840,
     .hash = "312840312840312840312840312840aa",
     .name = "CUDA runtime",
     .json = "{\"id\":312840,\"hash_id\":\"312840312840312840312840312840aa\",\"creator_id\":62897,\"name\":\"CUDA "
             "runtime\",\"image\":\"nvidia/cuda\",\"tag\":\"12.1.0-runtime-ubuntu22.04\",\"href\":null,\"repo\":null,"
             "\"env\":\"-p 8080:8080\",\"onstart\":\"touch ~/.no_auto_tmux\",\"jup_direct\":false,\"ssh_direct\":true,"
             "\"use_jupyter_lab\":false,\"runtype\":\"ssh\",\"use_ssh\":true,\"jupyter_dir\":null,"
             "\"docker_login_repo\":null,\"extra_filters\":\"{}\",\"desc\":\"\",\"readme\":\"\","
             "\"readme_visible\":false,\"private\":false,\"recommended\":true,\"recommended_disk_space\":10.0,"
             "\"created_at\":1760000000.0,\"count_created\":41}"},
};

void templates_release(struct market *market)
{
    for (size_t i = 0; i < market->template_count; i++) {
        heap_release(market->heap, market->templates[i]);
    }
    heap_release(market->heap, market->templates);
}

static size_t template_count(const struct market *market)
{
    return ARRAY_LENGTH(public_templates) + market->template_count;
}

static const struct template *template_at(const struct market *market, size_t index)
{
    return index < ARRAY_LENGTH(public_templates) ? &public_templates[index]
                                                  : market->templates[index - ARRAY_LENGTH(public_templates)];
}

const struct template *template_by_hash(const struct market *market, const char *hash)
{
    for (size_t i = 0; i < template_count(market); i++) {
        const struct template *template = template_at(market, i);
        if (!template->deleted && strcmp(template->hash, hash) == 0) {
            return template;
        }
    }
    return NULL;
}

const struct template *template_by_id(const struct market *market, int64_t id)
{
    for (size_t i = 0; i < template_count(market); i++) {
        const struct template *template = template_at(market, i);
        if (!template->deleted && template->id == id) {
            return template;
        }
    }
    return NULL;
}

static struct template *own_by_hash(const struct market *market, const char *hash)
{
    for (size_t i = 0; hash != NULL && i < market->template_count; i++) {
        if (!market->templates[i]->deleted && strcmp(market->templates[i]->hash, hash) == 0) {
            return market->templates[i];
        }
    }
    return NULL;
}

/* Members of a template that a request may set. */
static const struct {
    const char *key;
    enum { MEMBER_TEXT, MEMBER_TRUTH, MEMBER_NUMBER } kind;
} members[] = {
    {"name", MEMBER_TEXT},
    {"image", MEMBER_TEXT},
    {"tag", MEMBER_TEXT},
    {"href", MEMBER_TEXT},
    {"repo", MEMBER_TEXT},
    {"env", MEMBER_TEXT},
    {"onstart", MEMBER_TEXT},
    {"jup_direct", MEMBER_TRUTH},
    {"ssh_direct", MEMBER_TRUTH},
    {"use_jupyter_lab", MEMBER_TRUTH},
    {"runtype", MEMBER_TEXT},
    {"use_ssh", MEMBER_TRUTH},
    {"jupyter_dir", MEMBER_TEXT},
    {"docker_login_repo", MEMBER_TEXT},
    {"desc", MEMBER_TEXT},
    {"readme", MEMBER_TEXT},
    {"readme_visible", MEMBER_TRUTH},
    {"private", MEMBER_TRUTH},
    {"recommended_disk_space", MEMBER_NUMBER},
};

/* A number, or a text that is one, as the CLI sends it, in counts of 10^-9. */
static int64_t read_number(const cJSON *value)
{
    int64_t nano = 0;
    if (cJSON_IsNumber(value)) {
        return nano_of_number(value->valuedouble);
    }
    return cJSON_IsString(value) && decimal_parse(span_of(value->valuestring), 9, &nano) ? nano : 0;
}

static void write_members(struct json_writer *writer, const cJSON *request)
{
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        const cJSON *value = member_of(request, members[i].key);
        switch (members[i].kind) {
        case MEMBER_TEXT:
            json_member_string(writer, members[i].key, cJSON_GetStringValue(value));
            break;
        case MEMBER_TRUTH:
            json_member_bool(writer, members[i].key, cJSON_IsTrue(value));
            break;
        case MEMBER_NUMBER:
            json_member_decimal(writer, members[i].key, read_number(value), 9);
            break;
        }
    }
}

static bool request_is_good(const struct call *call, const cJSON *request)
{
    bool good = text_member(request, "name") != NULL && text_member(request, "image") != NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
        const char *text = text_member(request, members[i].key);
        good = good && (text == NULL || strlen(text) <= TEXT_MAX);
    }
    if (!good) {
        answer_error(call->reply, 400, "invalid_args", "error 400/3471: Invalid args: a template needs name and image");
    }
    return good;
}

static void make_hash(const struct market *market, int64_t id, char hash[HASH_SIZE])
{
    for (uint32_t half = 0; half < 2; half++) {
        struct random_address address = {.run = market->options.run,
                                         .purpose = RANDOM_MARKET,
                                         .entity = MARKET_DRAW_TEMPLATE,
                                         .index = (uint32_t)id * 2 + half};
        size_t at = (size_t)half * 16;
        (void)text_format(hash + at, HASH_SIZE - at, "%016llx",
                          (unsigned long long)random_bits(market->options.seed, address));
    }
}

/* A template of the account with copies of its texts; NULL when memory is gone. */
static struct template *make(struct market *market, int64_t id, const char *hash, const cJSON *request)
{
    struct buffer json;
    struct json_writer writer;
    buffer_init(&json, market->heap, JSON_MAX);
    json_writer_init(&writer, &json, 0);
    json_begin_object(&writer);
    json_member_int(&writer, "id", id);
    json_member_string(&writer, "hash_id", hash);
    json_member_int(&writer, "creator_id", USER_ID);
    write_members(&writer, request);
    json_member_string(&writer, "extra_filters", "{}");
    json_member_bool(&writer, "recommended", false);
    json_member_decimal(&writer, "created_at", unix_ms(market, market->now_ns), 3);
    json_member_int(&writer, "count_created", 0);
    json_end_object(&writer);
    const char *name = text_member(request, "name");
    size_t name_size = strlen(name) + 1;
    struct template *template =
        json.failed ? NULL : heap_alloc(market->heap, sizeof *template + HASH_SIZE + name_size + json.length + 1);
    if (template != NULL) {
        char *at = (char *)(template + 1); /* room for the texts was allocated with it */
        template->id = id;
        template->is_private = cJSON_IsTrue(member_of(request, "private"));
        template->hash = memcpy(at, hash, HASH_SIZE);
        template->name = memcpy(at + HASH_SIZE, name, name_size);
        template->json = memcpy(at + HASH_SIZE + name_size, buffer_text(&json), json.length + 1);
    }
    buffer_release(&json);
    return template;
}

static bool reserve(struct market *market)
{
    if (market->template_count < market->template_capacity) {
        return true;
    }
    size_t capacity = market->template_capacity == 0 ? 4 : market->template_capacity * 2;
    struct template **grown = heap_resize(market->heap, market->templates, capacity * sizeof(struct template *));
    if (grown == NULL) {
        return false;
    }
    market->templates = grown;
    market->template_capacity = capacity;
    return true;
}

/* Keeps a new template, in the place of `old` if there is one, and answers with it. */
static void keep(const struct call *call, struct template *old, const cJSON *request)
{
    struct market *market = call->market;
    int64_t id = market->last_template_id == 0 ? FIRST_OWN_ID : market->last_template_id + 1;
    char hash[HASH_SIZE];
    make_hash(market, id, hash);
    if (market->template_count == TEMPLATES_MAX) {
        answer_error(call->reply, 400, "invalid_args", "You have too many templates.");
        return;
    }
    struct template *template = reserve(market) ? make(market, old == NULL ? id : old->id, hash, request) : NULL;
    struct json_writer writer = answer_begin(call->reply, 200);
    json_begin_object(&writer);
    json_member_bool(&writer, "success", true);
    json_member_string(&writer, "msg", "Template saved.");
    json_key(&writer, "template");
    json_raw(&writer, span_of(template == NULL ? "null" : template->json));
    json_end_object(&writer);
    if (template == NULL || call->reply->body.failed) {
        heap_release(market->heap, template);
        call->reply->body.failed = true;
        return;
    }
    if (old != NULL) {
        old->deleted = true; /* machines made from it still name it */
    }
    market->last_template_id = id;
    market->templates[market->template_count++] = template;
}

/* What filters may name. Each is a member of the template's JSON, or null. */
static const struct search_key {
    const char *key;
    bool is_text;
} search_keys[] = {
    {"id", false},
    {"hash_id", true},
    {"creator_id", false},
    {"name", true},
    {"image", true},
    {"tag", true},
    {"default_tag", true},
    {"docker_login_repo", true},
    {"created_at", false},
    {"recent_create_date", false},
    {"count_created", false},
    {"recommended_disk_space", false},
    {"recommended", false},
    {"private", false},
    {"jup_direct", false},
    {"ssh_direct", false},
    {"use_ssh", false},
};

static const struct search_key *find_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(search_keys); i++) {
        if (strcmp(name, search_keys[i].key) == 0) {
            return &search_keys[i];
        }
    }
    return NULL;
}

/* Reads the filters of the query, whose tree must outlive them. False after answering. */
static bool read_filters(const struct call *call, cJSON **tree, struct filter *filter)
{
    char storage[HTTP_PATH_SIZE];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    bool given = query_parameter(call->request->path, "select_filters", &text) && text.length > 0;
    *tree = parse_json(given ? (struct span){storage, text.length} : span_of("{}"));
    const char *mistake = cJSON_IsObject(*tree) ? NULL : "needs a JSON object";
    const char *what = "select_filters";
    for (const cJSON *each = mistake == NULL ? (*tree)->child : NULL; each != NULL && mistake == NULL;
         each = each->next) {
        const struct search_key *key = find_key(each->string);
        what = each->string;
        mistake = key == NULL ? "is not a valid search key" : filter_add(filter, key, key->is_text, each);
    }
    if (mistake != NULL) {
        answer_error(call->reply, 400, "invalid_args", "Error in query parameters: %.100s %s", what, mistake);
    }
    return mistake == NULL;
}

static bool passes(const struct filter *filter, const struct template *template)
{
    cJSON *json = parse_json(span_of(template->json));
    bool passes = json != NULL;
    for (size_t i = 0; i < filter->condition_count && passes; i++) {
        const struct search_key *key = filter->conditions[i].field;
        const cJSON *member = member_of(json, key->key);
        struct filter_value actual = {.text = cJSON_GetStringValue(member),
                                      .nano = cJSON_IsTrue(member)     ? NUSD_PER_USD
                                              : cJSON_IsNumber(member) ? nano_of_number(member->valuedouble)
                                                                       : 0};
        actual.is_null = member == NULL || cJSON_IsNull(member);
        passes = filter_passes(filter, &filter->conditions[i], &actual);
    }
    cJSON_Delete(json);
    return passes;
}

void route_templates(const struct call *call)
{
    cJSON *tree = NULL;
    struct filter filter; /* large: only the counts need to be zero */
    filter.condition_count = 0;
    filter.value_count = 0;
    if (read_filters(call, &tree, &filter)) {
        struct json_writer writer = answer_begin(call->reply, 200);
        int64_t found = 0;
        json_begin_object(&writer);
        json_member_bool(&writer, "success", true);
        json_key(&writer, "templates");
        json_begin_array(&writer);
        for (size_t i = 0; i < template_count(call->market); i++) {
            const struct template *template = template_at(call->market, i);
            if (!template->deleted && passes(&filter, template)) {
                json_raw(&writer, span_of(template->json));
                found++;
            }
        }
        json_end_array(&writer);
        json_member_int(&writer, "templates_found", found);
        json_end_object(&writer);
    }
    cJSON_Delete(tree);
}

void route_template_create(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    if (body != NULL && request_is_good(call, body)) {
        keep(call, NULL, body);
    }
    cJSON_Delete(body);
}

void route_template_change(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    if (body != NULL && request_is_good(call, body)) {
        struct template *old = own_by_hash(call->market, text_member(body, "hash_id"));
        if (old == NULL) {
            answer_error(call->reply, 404, "not_found", "There is no such template of yours.");
        } else {
            keep(call, old, body);
        }
    }
    cJSON_Delete(body);
}

void route_template_delete(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    if (body != NULL) {
        struct template *template = own_by_hash(call->market, text_member(body, "hash_id"));
        const cJSON *id = member_of(body, "template_id");
        int64_t number = cJSON_IsNumber(id) ? nano_of_number(id->valuedouble) / NUSD_PER_USD : -1;
        for (size_t i = 0; template == NULL && i < call->market->template_count; i++) {
            bool is_it = !call->market->templates[i]->deleted && call->market->templates[i]->id == number;
            template = is_it ? call->market->templates[i] : NULL;
        }
        if (template == NULL) {
            answer_error(call->reply, 404, "not_found", "There is no such template of yours.");
        } else {
            answer_success(call->reply);
            template->deleted = !call->reply->body.failed;
        }
    }
    cJSON_Delete(body);
}

/* The template that the body names; `before` when it names none. NULL when there is no such one. */
static const struct template *named_template(const struct call *call, const cJSON *body, const struct template *before,
                                             bool *is_named)
{
    const char *hash = text_member(body, "template_hash_id");
    const cJSON *id = member_of(body, "template_id");
    *is_named = hash != NULL || cJSON_IsNumber(id);
    return hash != NULL         ? template_by_hash(call->market, hash)
           : cJSON_IsNumber(id) ? template_by_id(call->market, nano_of_number(id->valuedouble) / NUSD_PER_USD)
                                : before;
}

/*
 * Names the template that the instance is of from now on. What runs in it, with that or with an image, arguments, variables and
 * script of its own, changes with its next recycle, which the fake leaves out.
 */
void route_set_template(const struct call *call)
{
    cJSON *body = answer_parse_body(call->request, call->reply);
    struct contract *contract = body == NULL ? NULL : call_contract(call);
    if (contract != NULL) {
        bool is_named = false;
        const struct template *before = contract->template;
        const struct template *template = named_template(call, body, before, &is_named);
        if (is_named && template == NULL) {
            answer_error(call->reply, 404, "not_found", "There is no such template.");
        } else {
            contract->template = template;
            struct json_writer writer = answer_begin(call->reply, 200);
            json_begin_object(&writer);
            json_member_bool(&writer, "success", true);
            json_key(&writer, "updated_instance");
            instance_write(&writer, call->market, contract);
            json_end_object(&writer);
            contract->template = call->reply->body.failed ? before : template;
        }
    }
    cJSON_Delete(body);
}
