/*
 * Every contract of the folder holds, by market_handle(). A contract is what each known client sends, and what it needs in the answer, as data:
 *
 *     { "client": "dstack", "row": "show",
 *       "market": { ... },                          switches that the row needs, other than the defaults
 *       "steps": [ { "advance_s": 2,                before the request
 *                    "request": { "method", "path", "headers", "body", "key": "none|wrong|query" },
 *                    "answer": { "status", "content_type", "has": {pointer: type}, "equals": {pointer: value}, "lacks": [pointer] },
 *                    "until": { "pointer", "value", "every_s", "times" },   asked again until the answer is so
 *                    "save": { name: pointer } } ] }
 *
 * Pointers are those of RFC 6901. A saved value is put where "${name}" stands alone, or ${name} within a text. ${api_key} is known.
 * contract.py runs the same files over sockets.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_read.h"
#include "market/rig.h"

enum { FILE_MAX_BYTES = 65536, VARIABLES_MAX = 16, TEXT_MAX = 4096, OFFERS = 200 };

struct variable {
    char name[32];
    char text[TEXT_MAX];
    bool is_number;
};

struct play {
    struct rig rig;
    const char *name; /* of the file */
    int step;
    int64_t now_ns;
    struct variable variables[VARIABLES_MAX];
    size_t variable_count;
};

static void fail_step(const struct play *play, const char *what, const char *detail)
{
    fail_msg("%s, step %d: %s %s; the answer was %d %s", play->name, play->step, what, detail, play->rig.reply.status,
             buffer_text(&play->rig.reply.body));
}

/* ---- Variables ---------------------------------------------------------------------------------------------------------- */

static const struct variable *find_variable(const struct play *play, const char *name, size_t length)
{
    for (size_t i = play->variable_count; i-- > 0;) {
        const struct variable *variable = &play->variables[i];
        if (strlen(variable->name) == length && strncmp(variable->name, name, length) == 0) {
            return variable;
        }
    }
    fail_step(play, "there is no variable", name);
    return NULL;
}

static void save(struct play *play, const char *name, const cJSON *value)
{
    assert_true(play->variable_count < VARIABLES_MAX);
    struct variable *variable = &play->variables[play->variable_count++];
    char *text = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);
    (void)text_copy(variable->name, sizeof variable->name, name);
    (void)text_copy(variable->text, sizeof variable->text, text == NULL ? value->valuestring : text);
    variable->is_number = cJSON_IsNumber(value);
    cJSON_free(text);
}

/* Replaces ${name}, and "${name}" with its quotes when the value is a number. */
static void substitute(const struct play *play, const char *text, struct buffer *out)
{
    buffer_clear(out);
    while (*text != '\0') {
        bool quoted = strncmp(text, "\"${", 3) == 0;
        if (!quoted && strncmp(text, "${", 2) != 0) {
            buffer_append_char(out, *text++);
            continue;
        }
        const char *name = quoted ? text + 3 : text + 2;
        size_t length = strcspn(name, "}");
        const struct variable *variable = find_variable(play, name, length);
        bool drops_quotes = quoted && variable->is_number && name[length + 1] == '"';
        if (quoted && !drops_quotes) {
            buffer_append_char(out, '"');
        }
        buffer_append_text(out, variable->text);
        text = name + length + (drops_quotes ? 2 : 1);
    }
}

/* ---- Answers ------------------------------------------------------------------------------------------------------------ */

/* The value at a JSON pointer, or NULL. */
static const cJSON *at_pointer(const cJSON *value, const char *pointer)
{
    while (value != NULL && *pointer == '/') {
        char token[128];
        size_t length = 0;
        for (pointer++; *pointer != '\0' && *pointer != '/'; pointer++) {
            bool escaped = *pointer == '~';
            pointer += escaped;
            assert_true(length + 1 < sizeof token);
            token[length++] = (char)(!escaped ? *pointer : *pointer == '1' ? '/' : '~');
        }
        token[length] = '\0';
        int64_t index = -1;
        if (cJSON_IsArray(value) && decimal_parse_exact(span_of(token), 0, &index)) {
            value = cJSON_GetArrayItem(value, (int)index);
        } else {
            value = cJSON_GetObjectItemCaseSensitive(value, token);
        }
    }
    return value;
}

static bool is_of_type(const cJSON *value, const char *type)
{
    return (strstr(type, "number") != NULL && cJSON_IsNumber(value)) ||
           (strstr(type, "text") != NULL && cJSON_IsString(value)) ||
           (strstr(type, "boolean") != NULL && cJSON_IsBool(value)) ||
           (strstr(type, "list") != NULL && cJSON_IsArray(value)) ||
           (strstr(type, "object") != NULL && cJSON_IsObject(value)) ||
           (strstr(type, "null") != NULL && cJSON_IsNull(value));
}

static void check_equals(const struct play *play, const cJSON *answer, const cJSON *wanted, struct buffer *scratch)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, wanted)
    {
        char *text = cJSON_PrintUnformatted(each);
        substitute(play, text, scratch);
        cJSON *value = cJSON_Parse(buffer_text(scratch));
        if (!cJSON_Compare(at_pointer(answer, each->string), value, true)) {
            fail_step(play, each->string, buffer_text(scratch));
        }
        cJSON_Delete(value);
        cJSON_free(text);
    }
}

static void check_answer(const struct play *play, const cJSON *wanted, const cJSON *answer, struct buffer *scratch)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(wanted, "content_type");
    const char *wanted_type = type == NULL ? "application/json" : type->valuestring;
    if (play->rig.reply.status != rig_member(wanted, "status")->valueint) {
        fail_step(play, "status", "is another");
    }
    if (answer != NULL || type != NULL) {
        assert_string_equal(play->rig.reply.content_type, wanted_type);
    }
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(wanted, "has"))
    {
        if (!is_of_type(at_pointer(answer, each->string), each->valuestring)) {
            fail_step(play, each->string, each->valuestring);
        }
    }
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(wanted, "lacks"))
    {
        if (at_pointer(answer, each->valuestring) != NULL) {
            fail_step(play, each->valuestring, "is there");
        }
    }
    check_equals(play, answer, cJSON_GetObjectItemCaseSensitive(wanted, "equals"), scratch);
}

/* ---- Requests ------------------------------------------------------------------------------------------------------------- */

/* A result_url is followed by its path. */
static const char *path_of(const char *target)
{
    const char *host = strstr(target, "://");
    return host == NULL ? target : strchr(host + 3, '/');
}

static cJSON *ask(struct play *play, const cJSON *wanted, struct buffer *path, struct buffer *body)
{
    struct http_header headers[8];
    size_t header_count = 0;
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(wanted, "headers"))
    {
        headers[header_count++] = (struct http_header){each->string, each->valuestring};
    }
    const char *key = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(wanted, "key"));
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(wanted, "body");
    char *text = content == NULL ? NULL : cJSON_PrintUnformatted(content);
    substitute(play, rig_text(wanted, "path"), path);
    substitute(play, text == NULL ? "" : text, body);
    cJSON_free(text);
    struct http_request request = {
        .method = http_method_by_name(rig_text(wanted, "method")),
        .path = path_of(buffer_text(path)),
        .bearer = key == NULL                 ? RIG_KEY
                  : strcmp(key, "wrong") == 0 ? "guess"
                                              : NULL,
        .body = {buffer_text(body), body->length},
        .headers = headers,
        .header_count = header_count,
    };
    buffer_clear(&play->rig.reply.body);
    market_handle(play->rig.market, play->now_ns, &request, &play->rig.reply);
    play->now_ns += NS_PER_S / 2;
    return cJSON_Parse(buffer_text(&play->rig.reply.body));
}

static int64_t seconds(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return value == NULL ? 0 : (int64_t)value->valueint * NS_PER_S;
}

static void run_step(struct play *play, const cJSON *step, struct buffer *path, struct buffer *body)
{
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(step, "until");
    const cJSON *request = rig_member(step, "request");
    play->now_ns += seconds(step, "advance_s");
    cJSON *answer = ask(play, request, path, body);
    for (int i = 0; until != NULL; i++) {
        const cJSON *value = at_pointer(answer, rig_text(until, "pointer"));
        if (cJSON_Compare(value, rig_member(until, "value"), true)) {
            break;
        }
        if (i == rig_member(until, "times")->valueint) {
            fail_step(play, "waited in vain for", rig_text(until, "pointer"));
        }
        cJSON_Delete(answer);
        play->now_ns += seconds(until, "every_s");
        answer = ask(play, request, path, body);
    }
    check_answer(play, rig_member(step, "answer"), answer, body);
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(step, "save"))
    {
        const cJSON *value = at_pointer(answer, each->valuestring);
        if (value == NULL) {
            fail_step(play, "there is no", each->valuestring);
        }
        save(play, each->string, value);
    }
    cJSON_Delete(answer);
}

static void set_switches(struct market_options *options, const cJSON *market)
{
    struct json_reader reader;
    char *text = market == NULL ? NULL : cJSON_PrintUnformatted(market);
    if (text != NULL) {
        json_reader_init(&reader, text, strlen(text));
        market_switches_read(&reader, &options->switches);
        assert_true(json_finish(&reader));
    }
    cJSON_free(text);
}

static void contract_run(const char *name, const cJSON *contract)
{
    struct play *play = calloc(1, sizeof *play);
    assert_non_null(play);
    rig_start(&play->rig, OFFERS);
    struct market_options options = rig_options(&play->rig);
    market_switches_defaults(&options.switches);
    set_switches(&options, cJSON_GetObjectItemCaseSensitive(contract, "market"));
    rig_restart(&play->rig, options);
    play->name = name;
    save(play, "api_key", &(cJSON){.type = cJSON_String, .valuestring = (char *)(uintptr_t)RIG_KEY});
    struct buffer path;
    struct buffer body;
    buffer_init(&path, play->rig.heap, TEXT_MAX);
    buffer_init(&body, play->rig.heap, FILE_MAX_BYTES);
    const cJSON *step;
    cJSON_ArrayForEach(step, rig_member(contract, "steps"))
    {
        play->step++;
        run_step(play, step, &path, &body);
    }
    buffer_release(&path);
    buffer_release(&body);
    rig_end(&play->rig);
    free(play);
}

/* ---- Files -------------------------------------------------------------------------------------------------------------- */

static cJSON *read_file(const char *name)
{
    static char text[FILE_MAX_BYTES];
    char path[512];
    (void)text_format(path, sizeof path, "%s/tests/market/contract/%s", DUMONT_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    assert_true(length < sizeof text - 1);
    text[length] = '\0';
    cJSON *contract = cJSON_Parse(text);
    assert_non_null(contract);
    return contract;
}

static bool is_contract(const char *name)
{
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* What each known client sends is answered with what it needs. */
static void test_every_client_gets_what_it_needs(void **state)
{
    (void)state;
    DIR *folder = opendir(DUMONT_SOURCE_DIR "/tests/market/contract");
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (is_contract(entry->d_name)) {
            cJSON *contract = read_file(entry->d_name);
            (void)rig_text(contract, "client");
            (void)rig_text(contract, "row");
            contract_run(entry->d_name, contract);
            cJSON_Delete(contract);
            count++;
        }
    }
    (void)closedir(folder);
    assert_true(count >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_client_gets_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
