/*
 * Rig: one object store in memory, a recorder of its events and ways to ask it things, for the tests of this folder.
 */
#ifndef TESTS_BUCKET_RIG_H
#define TESTS_BUCKET_RIG_H

#include "testing.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "fakes/bucket/bucket.h"
#include "fakes/bucket/memory_content.h"

#define RIG_BUCKET "rehearsal-bucket"
#define RIG_EPOCH_S INT64_C(1785751200)

enum { RIG_EVENTS_MAX = 4096, RIG_HEADERS_MAX = 16, RIG_TEXT = 1024, RIG_PART = BUCKET_PART_BYTES_LEAST };

struct rig {
    struct heap *heap;
    struct content_store *content;
    struct bucket_service *service;
    struct bucket_event events[RIG_EVENTS_MAX];
    size_t event_count;
    int64_t billed_nusd; /* sum of the events of the bill */
    int64_t now_ns;
    int version; /* of the API */
    char account_token[RIG_TEXT];
    char bucket_id[64];
    const char *test_mode;
    void (*between)(struct rig *rig); /* called between the slices of a request's work; NULL: nobody asks for slices */
    int slices;                       /* of the last request */
    /* the last reply */
    int status;
    char headers[16384];
    char *body; /* NUL-terminated; on the heap */
    size_t body_size;
};

static inline void rig_on_event(void *context, const struct bucket_event *event)
{
    struct rig *rig = context;
    assert_true(rig->event_count < RIG_EVENTS_MAX);
    rig->events[rig->event_count++] = *event;
    rig->billed_nusd += event->kind == BUCKET_BILLED ? event->amount_nusd : 0;
}

static inline struct bucket_options rig_options(struct rig *rig)
{
    return (struct bucket_options){.seed = 7,
                                   .epoch = {RIG_EPOCH_S * NS_PER_S},
                                   .content = rig->content,
                                   .origin = "http://127.0.0.1:9",
                                   .bucket_name = RIG_BUCKET,
                                   .event = rig_on_event,
                                   .context = rig};
}

/* A request's body, read from anywhere, in pieces of `piece` bytes (0: in one). */
struct rig_request {
    enum http_method method;
    const char *path;
    const struct http_header *headers;
    size_t header_count;
    struct span body;
    int64_t said_size; /* Content-Length; -1: none, 0: the body's */
    size_t piece;
    bool cut; /* the client goes away before the end of the body */
};

static inline void rig_read_reply(struct rig *rig, struct bucket_exchange *exchange)
{
    rig->status = exchange->reply.status;
    assert_true(text_copy(rig->headers, sizeof rig->headers, buffer_text(&exchange->reply.headers)));
    heap_release(rig->heap, rig->body);
    size_t room = exchange->streamed ? (size_t)exchange->reply_size : exchange->reply.body.length;
    rig->body = heap_alloc(rig->heap, room + 1);
    assert_non_null(rig->body);
    rig->body_size = 0;
    if (!exchange->streamed) {
        memcpy(rig->body, buffer_text(&exchange->reply.body), room);
        rig->body_size = room;
        return;
    }
    size_t read;
    while ((read = bucket_read(exchange, rig->body + rig->body_size, 1000003)) > 0) {
        rig->body_size += read;
        assert_true(rig->body_size <= room);
    }
}

/* Sends a request; the status. The reply is in the rig. */
static inline int rig_send(struct rig *rig, const struct rig_request *request)
{
    struct http_request head = {.method = request->method,
                                .path = request->path,
                                .headers = request->headers,
                                .header_count = request->header_count};
    int64_t size = request->said_size != 0 ? request->said_size : (int64_t)request->body.length;
    struct bucket_exchange *exchange = bucket_begin(rig->service, rig->now_ns, &head, size);
    assert_non_null(exchange);
    size_t piece = request->piece == 0 ? request->body.length : request->piece;
    for (size_t at = 0; at < request->body.length; at += piece) {
        size_t part = request->body.length - at < piece ? request->body.length - at : piece;
        bucket_take(exchange, rig->now_ns, request->body.at + at, part);
    }
    rig->status = 0;
    rig->slices = 0;
    while (rig->between != NULL && bucket_prepare(exchange, rig->now_ns)) {
        rig->slices++;
        rig->between(rig);
    }
    if (!request->cut) {
        bucket_finish(exchange, rig->now_ns);
        rig_read_reply(rig, exchange);
    }
    bucket_end(exchange, rig->now_ns);
    return rig->status;
}

/* Calls "b2_NAME" with a JSON body and that token; the status. */
static inline int rig_call_as(struct rig *rig, const char *token, const char *name, const char *body)
{
    char path[RIG_TEXT];
    struct http_header headers[] = {{"Authorization", token}, {"X-Bz-Test-Mode", rig->test_mode}};
    (void)text_format(path, sizeof path, "/b2api/v%d/%s", rig->version, name);
    return rig_send(rig, &(struct rig_request){.method = HTTP_POST,
                                               .path = path,
                                               .headers = headers,
                                               .header_count = rig->test_mode == NULL ? 1 : 2,
                                               .body = span_of(body)});
}

static inline int rig_call(struct rig *rig, const char *name, const char *body)
{
    return rig_call_as(rig, rig->account_token, name, body);
}

/* The last reply as JSON; freed by cJSON_Delete(). */
static inline cJSON *rig_json(const struct rig *rig)
{
    cJSON *json = cJSON_Parse(rig->body);
    if (json == NULL) {
        fail_msg("no JSON: %s", rig->body);
    }
    return json;
}

static inline const cJSON *rig_member(const cJSON *object, const char *key)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (member == NULL) {
        fail_msg("there is no %s", key);
    }
    return member;
}

/* Copies a text of the last reply. */
static inline void rig_text(const struct rig *rig, const char *key, char *out, size_t size)
{
    cJSON *json = rig_json(rig);
    const char *text = cJSON_GetStringValue(rig_member(json, key));
    assert_non_null(text);
    assert_true(text_copy(out, size, text));
    cJSON_Delete(json);
}

/* The last reply is this error. */
static inline void rig_expect_error(const struct rig *rig, int status, const char *code)
{
    cJSON *json = rig_json(rig);
    assert_string_equal(cJSON_GetStringValue(rig_member(json, "code")), code);
    assert_int_equal(rig_member(json, "status")->valueint, status);
    assert_non_null(cJSON_GetStringValue(rig_member(json, "message")));
    assert_int_equal(rig->status, status);
    cJSON_Delete(json);
}

/* Authorizes with a key; the token. */
static inline int rig_authorize_as(struct rig *rig, const char *key_id, const char *key, char *token)
{
    char pair[128];
    char storage[RIG_TEXT];
    char path[64];
    struct buffer basic;
    struct http_header headers[] = {{"authorization", storage}};
    buffer_init_fixed(&basic, storage, sizeof storage);
    buffer_append_text(&basic, "Basic ");
    (void)text_format(pair, sizeof pair, "%s:%s", key_id, key);
    base64_append(&basic, span_of(pair));
    (void)text_format(path, sizeof path, "/b2api/v%d/b2_authorize_account", rig->version);
    int status =
        rig_send(rig, &(struct rig_request){.method = HTTP_GET, .path = path, .headers = headers, .header_count = 1});
    if (status == 200) {
        rig_text(rig, "authorizationToken", token, RIG_TEXT);
    }
    return status;
}

static inline void rig_authorize(struct rig *rig)
{
    assert_int_equal(rig_authorize_as(rig, bucket_key_id(rig->service), bucket_key(rig->service), rig->account_token),
                     200);
}

static inline void rig_find_bucket(struct rig *rig)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\",\"bucketName\":\"" RIG_BUCKET "\"}",
                      bucket_account_id(rig->service));
    assert_int_equal(rig_call(rig, "b2_list_buckets", body), 200);
    cJSON *json = rig_json(rig);
    const cJSON *bucket = cJSON_GetArrayItem(rig_member(json, "buckets"), 0);
    assert_true(text_copy(rig->bucket_id, sizeof rig->bucket_id, cJSON_GetStringValue(rig_member(bucket, "bucketId"))));
    cJSON_Delete(json);
}

static inline void rig_start_with(struct rig *rig, struct bucket_options options)
{
    struct error error;
    rig->service = bucket_service_new(rig->heap, &options);
    assert_non_null(rig->service);
    assert_int_equal(bucket_open(rig->service, 0, &error), ERR_OK);
    rig_authorize(rig);
    rig_find_bucket(rig);
}

static inline void rig_prepare(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->version = 1;
    rig->heap = heap_new();
    assert_non_null(rig->heap);
    rig->content = memory_content_new(rig->heap);
    assert_non_null(rig->content);
}

static inline void rig_start(struct rig *rig)
{
    rig_prepare(rig);
    rig_start_with(rig, rig_options(rig));
}

static inline void rig_end(struct rig *rig)
{
    bucket_service_free(rig->service);
    memory_content_free(rig->content);
    heap_release(rig->heap, rig->body);
    assert_int_equal(heap_live_blocks(rig->heap), 0);
    heap_free(rig->heap);
}

/* ---- Uploads -------------------------------------------------------------------------------------------------------------- */

struct rig_url {
    char path[RIG_TEXT]; /* of the upload URL */
    char token[RIG_TEXT];
};

static inline void rig_read_url(const struct rig *rig, struct rig_url *url)
{
    static const char origin[] = "http://127.0.0.1:9";
    char whole[RIG_TEXT];
    rig_text(rig, "uploadUrl", whole, sizeof whole);
    assert_memory_equal(whole, origin, sizeof origin - 1);
    assert_true(text_copy(url->path, sizeof url->path, whole + sizeof origin - 1));
    rig_text(rig, "authorizationToken", url->token, sizeof url->token);
}

static inline void rig_upload_url(struct rig *rig, struct rig_url *url)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"}", rig->bucket_id);
    assert_int_equal(rig_call(rig, "b2_get_upload_url", body), 200);
    rig_read_url(rig, url);
}

static inline void rig_sha1(const struct rig *rig, struct span bytes, char sha1[DIGEST_HEX_SIZE])
{
    assert_true(digest_of(rig->heap, DIGEST_SHA1, bytes.at, bytes.length, sha1));
}

/* Uploads with that X-Bz-Content-Sha1; the status. `name` is percent-encoded. */
static inline int rig_upload_with(struct rig *rig, const struct rig_url *url, const char *name, struct span body,
                                  const char *sha1)
{
    struct http_header headers[] = {{"Authorization", url->token},
                                    {"X-Bz-File-Name", name},
                                    {"Content-Type", "text/plain"},
                                    {"X-Bz-Content-Sha1", sha1},
                                    {"X-Bz-Info-Src_last_modified_millis", "1785751200412"},
                                    {"X-Bz-Test-Mode", rig->test_mode}};
    return rig_send(rig, &(struct rig_request){.method = HTTP_POST,
                                               .path = url->path,
                                               .headers = headers,
                                               .header_count = rig->test_mode == NULL ? 5 : 6,
                                               .body = body,
                                               .piece = 4099});
}

/* Uploads a text; its file id. */
static inline void rig_upload(struct rig *rig, const char *name, const char *text, char *file_id)
{
    struct rig_url url;
    char sha1[DIGEST_HEX_SIZE];
    rig_upload_url(rig, &url);
    rig_sha1(rig, span_of(text), sha1);
    assert_int_equal(rig_upload_with(rig, &url, name, span_of(text), sha1), 200);
    if (file_id != NULL) {
        rig_text(rig, "fileId", file_id, RIG_TEXT);
    }
}

/* GET of a path with the account's token, and a Range when it is not NULL. */
static inline int rig_get(struct rig *rig, const char *path, const char *range)
{
    struct http_header headers[] = {{"Authorization", rig->account_token}, {"range", range}};
    return rig_send(rig,
                    &(struct rig_request){
                        .method = HTTP_GET, .path = path, .headers = headers, .header_count = range == NULL ? 1 : 2});
}

/* A header of the last reply, as text; "" when it has none. */
static inline const char *rig_header(struct rig *rig, const char *name, char *out, size_t size)
{
    struct http_reply reply = {.headers = {.data = rig->headers, .length = strlen(rig->headers)}};
    struct span value = http_reply_header(&reply, name);
    (void)text_format(out, size, "%.*s", (int)value.length, value.at == NULL ? "" : value.at);
    return out;
}

/* Calls a list with the bucket and `more` (",\"prefix\":..."), and joins action:name of its rows by spaces. */
static inline const char *rig_list(struct rig *rig, const char *call, const char *more, char *out, size_t size)
{
    char body[RIG_TEXT];
    struct buffer rows;
    buffer_init_fixed(&rows, out, size);
    out[0] = '\0';
    (void)text_format(body, sizeof body, "{\"bucketId\":\"%s\"%s}", rig->bucket_id, more);
    assert_int_equal(rig_call(rig, call, body), 200);
    cJSON *json = rig_json(rig);
    const cJSON *row;
    cJSON_ArrayForEach(row, rig_member(json, "files"))
    {
        const char *action = cJSON_GetStringValue(rig_member(row, "action"));
        buffer_printf(&rows, "%s%s:%s", rows.length == 0 ? "" : " ", action,
                      cJSON_GetStringValue(rig_member(row, "fileName")));
    }
    cJSON_Delete(json);
    assert_false(rows.failed);
    return out;
}

/* ---- Large files ---------------------------------------------------------------------------------------------------------- */

static inline void rig_start_large(struct rig *rig, const char *name, char *file_id)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body,
                      "{\"bucketId\":\"%s\",\"fileName\":\"%s\",\"contentType\":\"application/octet-stream\","
                      "\"fileInfo\":{\"src_last_modified_millis\":\"1\"}}",
                      rig->bucket_id, name);
    assert_int_equal(rig_call(rig, "b2_start_large_file", body), 200);
    rig_text(rig, "fileId", file_id, RIG_TEXT);
}

static inline int rig_call_file(struct rig *rig, const char *call, const char *file_id, const char *more)
{
    char body[RIG_TEXT];
    (void)text_format(body, sizeof body, "{\"fileId\":\"%s\"%s}", file_id, more);
    return rig_call(rig, call, body);
}

/* `size` bytes of a pattern that depends on `salt`; released by the caller. */
static inline char *rig_bytes(struct rig *rig, size_t size, unsigned salt)
{
    char *bytes = heap_resize(rig->heap, NULL, size);
    assert_non_null(bytes);
    uint32_t state = salt * 2654435761U + 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (char)(state >> 24);
    }
    return bytes;
}

static inline int rig_send_part(struct rig *rig, const struct rig_url *url, int number, struct span body,
                                const char *sha1)
{
    char text[16];
    (void)text_format(text, sizeof text, "%d", number);
    struct http_header headers[] = {
        {"Authorization", url->token}, {"X-Bz-Part-Number", text}, {"X-Bz-Content-Sha1", sha1}};
    return rig_send(rig, &(struct rig_request){.method = HTTP_POST,
                                               .path = url->path,
                                               .headers = headers,
                                               .header_count = 3,
                                               .body = body,
                                               .piece = 65536});
}

/* Uploads a part; its digest. */
static inline void rig_part(struct rig *rig, const char *file_id, int number, struct span body, char *sha1)
{
    struct rig_url url;
    assert_int_equal(rig_call_file(rig, "b2_get_upload_part_url", file_id, ""), 200);
    rig_read_url(rig, &url);
    rig_sha1(rig, body, sha1);
    assert_int_equal(rig_send_part(rig, &url, number, body, sha1), 200);
}

#endif
