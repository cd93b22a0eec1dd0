/*
 * Fuzzer over the object store's routes: whatever is asked for, the store does not crash, does not leak, answers well-formed, and
 * answers nothing of 500 or above of its own accord.
 *
 * An input is a story of requests with a line "==" between them:
 *
 *     POST /b2api/v1/b2_list_file_names
 *     Authorization: @T
 *
 *     {"bucketId":"@B"}
 *
 * where @T is the account's token, @B the first bucket's id, @U and @u the path and token of an upload URL for it, @F and @f the
 * id of the file that was last made and its name, @L the id of the large file last begun, @P and @p path and token for its parts, @A the
 * account's id.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "fakes/bucket/bucket.h"
#include "fakes/bucket/memory_content.h"
#include "fuzz.h"

enum { TEXT = 1024, STORY_MAX = 64 * 1024, HEADERS_MAX = 24, REQUESTS_MAX = 48 };

/* What stands for the letters behind @. */
struct world {
    struct heap *heap;
    struct content_store *content;
    struct bucket_service *service;
    char words[128][TEXT];
    int64_t now_ns;
};

static void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "fuzz_routes: %s: %.2000s\n", what, detail);
    abort();
}

static void remember(struct world *world, char letter, const cJSON *reply, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, key));
    if (text != NULL) {
        const char *path = strstr(text, "/b2api/");
        (void)text_copy(world->words[(int)letter], TEXT, path == NULL ? text : path);
    }
}

/* Learns ids, names and tokens from a reply of success. */
static void learn(struct world *world, const cJSON *reply)
{
    const char *url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "uploadUrl"));
    const char *action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "action"));
    if (url != NULL) {
        bool part = strstr(url, "b2_upload_part") != NULL;
        remember(world, part ? 'P' : 'U', reply, "uploadUrl");
        remember(world, part ? 'p' : 'u', reply, "authorizationToken");
    } else if (action != NULL) {
        remember(world, strcmp(action, "start") == 0 ? 'L' : 'F', reply, "fileId");
        remember(world, 'f', reply, "fileName");
    } else {
        remember(world, 'K', reply, "applicationKeyId");
    }
}

static void check_reply(struct world *world, struct bucket_exchange *exchange)
{
    if (exchange->reply.status < 200 || exchange->reply.status >= 500) {
        fail("a status of its own accord", buffer_text(&exchange->reply.body));
    }
    if (exchange->streamed) {
        char bytes[4096];
        int64_t total = 0;
        for (size_t read = bucket_read(exchange, bytes, sizeof bytes); read > 0;
             read = bucket_read(exchange, bytes, sizeof bytes)) {
            total += (int64_t)read;
        }
        if (total > exchange->reply_size) {
            fail("a longer body than was told", "");
        }
        return;
    }
    cJSON *reply = cJSON_ParseWithLength(buffer_text(&exchange->reply.body), exchange->reply.body.length);
    if (!cJSON_IsObject(reply)) {
        fail("no object", buffer_text(&exchange->reply.body));
    }
    if (exchange->reply.status == 200) {
        learn(world, reply);
    }
    cJSON_Delete(reply);
}

static void ask(struct world *world, const struct http_request *head, struct span body)
{
    struct bucket_exchange *exchange =
        bucket_begin(world->service, world->now_ns, head, head->method == HTTP_POST ? (int64_t)body.length : -1);
    if (exchange == NULL) {
        fail("no exchange", head->path);
    }
    for (size_t at = 0; at < body.length; at += 1000) {
        bucket_take(exchange, world->now_ns, body.at + at, body.length - at < 1000 ? body.length - at : 1000);
    }
    world->now_ns += NS_PER_S;
    while (body.length % 2 == 1 && bucket_prepare(exchange, world->now_ns)) { /* half of them leave it all to the end */
    }
    bucket_finish(exchange, world->now_ns);
    check_reply(world, exchange);
    bucket_end(exchange, world->now_ns);
}

static void open_world(struct world *world)
{
    char pair[128];
    char basic[TEXT];
    char body[TEXT];
    struct buffer text;
    struct error error;
    struct http_header header = {"Authorization", basic};
    memset(world, 0, sizeof *world);
    world->heap = heap_new();
    world->content = memory_content_new(world->heap);
    struct bucket_options options = {.seed = 1,
                                     .content = world->content,
                                     .origin = "http://127.0.0.1",
                                     .bucket_name = "fuzzed-bucket",
                                     .least_part_bytes = 4};
    world->service = bucket_service_new(world->heap, &options);
    if (world->service == NULL || bucket_open(world->service, 0, &error) != ERR_OK) {
        fail("no store", "");
    }
    buffer_init_fixed(&text, basic, sizeof basic);
    buffer_append_text(&text, "Basic ");
    (void)text_format(pair, sizeof pair, "%s:%s", bucket_key_id(world->service), bucket_key(world->service));
    base64_append(&text, span_of(pair));
    struct http_request head = {
        .method = HTTP_GET, .path = "/b2api/v1/b2_authorize_account", .headers = &header, .header_count = 1};
    struct bucket_exchange *exchange = bucket_begin(world->service, 0, &head, -1);
    bucket_finish(exchange, 0);
    cJSON *reply = cJSON_Parse(buffer_text(&exchange->reply.body));
    remember(world, 'T', reply, "authorizationToken");
    remember(world, 'A', reply, "accountId");
    cJSON_Delete(reply);
    bucket_end(exchange, 0);
    (void)text_copy(basic, sizeof basic, world->words['T']);
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\"}", world->words['A']);
    head.method = HTTP_POST;
    head.path = "/b2api/v1/b2_list_buckets";
    exchange = bucket_begin(world->service, 0, &head, (int64_t)strlen(body));
    bucket_take(exchange, 0, body, strlen(body));
    bucket_finish(exchange, 0);
    reply = cJSON_Parse(buffer_text(&exchange->reply.body));
    remember(world, 'B', cJSON_GetArrayItem(cJSON_GetObjectItem(reply, "buckets"), 0), "bucketId");
    cJSON_Delete(reply);
    bucket_end(exchange, 0);
}

static void close_world(struct world *world)
{
    bucket_service_free(world->service);
    memory_content_free(world->content);
    if (heap_live_blocks(world->heap) != 0) {
        fail("a leak", "");
    }
    heap_free(world->heap);
}

/* The story's words in place of @ and a letter. */
static void fill(const struct world *world, struct span form, struct buffer *out)
{
    for (size_t i = 0; i < form.length; i++) {
        int letter = form.at[i] == '@' && i + 1 < form.length ? form.at[i + 1] & 127 : 0;
        if (letter != 0 && world->words[letter][0] != '\0') {
            buffer_append_text(out, world->words[letter]);
            i++;
        } else {
            buffer_append_char(out, form.at[i]);
        }
    }
}

/* The next line without its end; what is behind it in `text`. False at the end. */
static bool next_line(char **text, char **line)
{
    if (*text == NULL) {
        return false;
    }
    *line = *text;
    char *end = strchr(*text, '\n');
    *text = end == NULL ? NULL : end + 1;
    if (end != NULL) {
        *end = '\0';
    }
    return true;
}

/* A request line, headers, an empty line, a body. */
static void ask_text(struct world *world, char *text, size_t size)
{
    struct http_header headers[HEADERS_MAX];
    const char *end = text + size;
    char *line;
    struct http_request head = {.headers = headers};
    if (!next_line(&text, &line)) {
        return;
    }
    char *path = strchr(line, ' ');
    if (path == NULL || path[1] != '/') {
        return;
    }
    *path++ = '\0';
    head.method = http_method_by_name(line);
    head.path = path;
    while (next_line(&text, &line) && line[0] != '\0' && head.header_count < HEADERS_MAX) {
        char *colon = strchr(line, ':');
        if (colon != NULL) {
            *colon = '\0';
            headers[head.header_count++] = (struct http_header){line, colon + 1 + strspn(colon + 1, " ")};
        }
    }
    ask(world, &head, (struct span){text == NULL ? end : text, text == NULL ? 0 : (size_t)(end - text)});
}

/* Where the request at `at` ends: before a line "==". */
static size_t end_of_request(struct span story, size_t at)
{
    static const char mark[] = "\n==\n";
    for (size_t i = at; i + sizeof mark - 1 <= story.length; i++) {
        if (memcmp(story.at + i, mark, sizeof mark - 1) == 0) {
            return i;
        }
    }
    return story.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char storage[STORY_MAX];
    struct span story = {(const char *)data, size};
    struct world world;
    open_world(&world);
    size_t at = 0;
    for (int i = 0; i < REQUESTS_MAX && at < size; i++) {
        size_t end = end_of_request(story, at);
        struct buffer text;
        buffer_init_fixed(&text, storage, sizeof storage);
        fill(&world, (struct span){story.at + at, end - at}, &text);
        if (!text.failed) {
            ask_text(&world, storage, text.length);
        }
        at = end + 4;
    }
    close_world(&world);
    return 0;
}

bool fuzz_seed(size_t i, struct buffer *out)
{
    static const char *const stories[] = {"files", "lists", "large", "finished", "keys", "buckets"};
    if (i < ARRAY_LENGTH(stories)) {
        fuzz_read("bucket", stories[i], out);
    }
    return i < ARRAY_LENGTH(stories);
}
