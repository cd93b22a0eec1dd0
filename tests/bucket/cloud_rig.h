/*
 * Cloud rig: a cloud in virtual time with one fault, and ways to ask its object store things, for the tests of this folder.
 */
#ifndef TESTS_BUCKET_CLOUD_RIG_H
#define TESTS_BUCKET_CLOUD_RIG_H

#include "testing.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/base64.h"
#include "base/digest.h"
#include "fakes/cloud/cloud.h"
#include "fakes/market/offer_book.h"

enum { TEXT = 2048, REPLY = 256 * 1024, CALL_MS = 50 };

#define SHA1_OF_HELLO "f572d396fae9206628714fb2ce00f72e94f2258f" /* "hello\n" */

/* A cloud with one fault, and what it answered last. */
struct stage {
    struct heap *heap;
    struct history history;
    struct timing timing;
    struct fault_plan faults;
    struct offer_book *offers;
    struct cloud *cloud;
    int64_t now_ns;
    uint64_t requests;
    char token[TEXT], bucket_id[64];
    /* the last exchange */
    enum transport_fate fate;
    int status;
    char headers[TEXT], body[REPLY];
    size_t size; /* of the body that came */
    int64_t told_size;
    size_t taken; /* bytes of the request's body that were read before the connection broke */
};

/* One exchange, at the moments that the cloud names. */
static inline void play(struct stage *stage, const struct http_request *request)
{
    struct http_request head = *request;
    head.body = (struct span){"", 0};
    int64_t size = request->method == HTTP_POST ? (int64_t)request->body.length : -1;
    struct cloud_bucket_exchange *exchange =
        cloud_bucket_begin(stage->cloud, stage->now_ns, &head, size, ++stage->requests);
    assert_non_null(exchange);
    stage->status = 0;
    stage->size = stage->taken = 0;
    stage->body[0] = stage->headers[0] = '\0';
    bool broken = false;
    while (stage->taken < request->body.length && !broken) {
        size_t piece = request->body.length - stage->taken < 7 ? request->body.length - stage->taken : 7;
        broken = !cloud_bucket_take(stage->cloud, stage->now_ns, exchange,
                                    (struct span){request->body.at + stage->taken, piece});
        stage->taken += piece;
        stage->now_ns += cloud_bucket_transfer_ns(stage->cloud, (int64_t)piece);
    }
    if (!broken) {
        cloud_bucket_whole(stage->cloud, stage->now_ns, exchange);
    }
    if (!broken && exchange->effect_ns != TIME_NEVER_NS) {
        stage->now_ns = exchange->effect_ns;
        cloud_bucket_effect(stage->cloud, stage->now_ns, exchange);
    }
    stage->fate = exchange->fate;
    if (!broken && exchange->reply_ns != TIME_NEVER_NS) {
        assert_true(exchange->reply_ns >= stage->now_ns);
        stage->now_ns = exchange->reply_ns;
    }
    if (exchange->fate == FATE_DELIVERED || exchange->fate == FATE_TRUNCATED) {
        stage->status = exchange->reply->status;
        stage->told_size = exchange->reply_size;
        assert_true(text_copy(stage->headers, sizeof stage->headers, buffer_text(&exchange->reply->headers)));
        if (exchange->streamed) {
            size_t read;
            while (request->method != HTTP_HEAD &&
                   (read = cloud_bucket_read(stage->cloud, exchange, (int64_t)stage->size, stage->body + stage->size,
                                             5)) > 0) {
                stage->size += read;
                stage->now_ns += cloud_bucket_transfer_ns(stage->cloud, (int64_t)read);
            }
        } else {
            stage->size = exchange->reply->body.length;
            memcpy(stage->body, buffer_text(&exchange->reply->body), stage->size);
        }
        stage->body[stage->size] = '\0';
    }
    cloud_bucket_end(stage->cloud, stage->now_ns, exchange);
}

static inline int call(struct stage *stage, const char *name, const char *body)
{
    char path[TEXT];
    struct http_header headers[] = {{"Authorization", stage->token}};
    (void)text_format(path, sizeof path, "/b2api/v1/%s", name);
    play(stage, &(struct http_request){
                    .method = HTTP_POST, .path = path, .headers = headers, .header_count = 1, .body = span_of(body)});
    return stage->status;
}

static inline void text_of(const struct stage *stage, const char *key, char out[TEXT])
{
    cJSON *json = cJSON_Parse(stage->body);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    if (text == NULL) {
        fail_msg("no %s in %s", key, stage->body);
    }
    assert_true(text_copy(out, TEXT, text));
    cJSON_Delete(json);
}

static inline void authorize(struct stage *stage)
{
    char pair[128];
    char basic[TEXT];
    struct buffer text;
    struct http_header headers[] = {{"Authorization", basic}};
    const struct bucket_service *bucket = cloud_bucket(stage->cloud, stage->now_ns, NULL);
    assert_non_null(bucket);
    buffer_init_fixed(&text, basic, sizeof basic);
    buffer_append_text(&text, "Basic ");
    (void)text_format(pair, sizeof pair, "%s:%s", bucket_key_id(bucket), bucket_key(bucket));
    base64_append(&text, span_of(pair));
    play(stage,
         &(struct http_request){
             .method = HTTP_GET, .path = "/b2api/v1/b2_authorize_account", .headers = headers, .header_count = 1});
    assert_int_equal(stage->status, 200);
    text_of(stage, "authorizationToken", stage->token);
}

static inline void stage_begin(struct stage *stage, const char *fault)
{
    struct error error;
    memset(stage, 0, sizeof *stage);
    stage->heap = heap_new();
    assert_non_null(stage->heap);
    history_init(&stage->history, stage->heap);
    timing_defaults(&stage->timing);
    if (fault_plan_add(&stage->faults, fault, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    struct offer_book_options book = {.seed = 1};
    stage->offers = offer_book_generate(stage->heap, &book, 1);
    struct cloud_options options = {.seed = 1,
                                    .timing = &stage->timing,
                                    .faults = &stage->faults,
                                    .offers = stage->offers,
                                    .api_key = "key",
                                    .history = &stage->history,
                                    .bucket = {.call_ns = CALL_MS * NS_PER_MS, .bytes_per_s = 1000000}};
    stage->cloud = cloud_new(stage->heap, &options);
    assert_non_null(stage->cloud);
    authorize(stage);
    char body[TEXT];
    (void)text_format(body, sizeof body, "{\"accountId\":\"%s\"}",
                      bucket_account_id(cloud_bucket(stage->cloud, stage->now_ns, NULL)));
    if (call(stage, "b2_list_buckets", body) == 200) {
        cJSON *json = cJSON_Parse(stage->body);
        const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "buckets"), 0);
        assert_true(text_copy(stage->bucket_id, sizeof stage->bucket_id,
                              cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(first, "bucketId"))));
        cJSON_Delete(json);
    }
}

static inline void stage_end(struct stage *stage)
{
    cloud_free(stage->cloud);
    offer_book_free(stage->offers);
    history_release(&stage->history);
    assert_int_equal(heap_live_blocks(stage->heap), 0);
    heap_free(stage->heap);
}

static inline void with_bucket(const struct stage *stage, const char *more, char body[TEXT])
{
    (void)text_format(body, TEXT, "{\"bucketId\":\"%s\"%s}", stage->bucket_id, more);
}

/* Uploads to a new URL; the status, 0 when there was none. */
static inline int upload(struct stage *stage, const char *name, const char *text)
{
    char body[TEXT];
    char url[TEXT];
    char token[TEXT];
    char sha1[DIGEST_HEX_SIZE];
    with_bucket(stage, "", body);
    if (call(stage, "b2_get_upload_url", body) != 200) {
        return stage->status;
    }
    text_of(stage, "uploadUrl", url);
    text_of(stage, "authorizationToken", token);
    assert_true(digest_of(stage->heap, DIGEST_SHA1, text, strlen(text), sha1));
    struct http_header headers[] = {{"Authorization", token},
                                    {"X-Bz-File-Name", name},
                                    {"Content-Type", "text/plain"},
                                    {"X-Bz-Content-Sha1", sha1}};
    play(stage, &(struct http_request){.method = HTTP_POST,
                                       .path = strstr(url, "/b2api"),
                                       .headers = headers,
                                       .header_count = 4,
                                       .body = span_of(text)});
    return stage->status;
}

static inline int get(struct stage *stage, enum http_method method, const char *name, const char *range)
{
    char path[TEXT];
    struct http_header headers[] = {{"Authorization", stage->token}, {"Range", range}};
    (void)text_format(path, sizeof path, "/file/" CLOUD_BUCKET_NAME "/%s", name);
    play(stage, &(struct http_request){
                    .method = method, .path = path, .headers = headers, .header_count = range == NULL ? 1 : 2});
    return stage->status;
}

static inline const char *list(struct stage *stage)
{
    char body[TEXT];
    with_bucket(stage, "", body);
    assert_int_equal(call(stage, "b2_list_file_names", body), 200);
    return stage->body;
}

static inline struct bucket_totals totals_of(struct stage *stage)
{
    struct bucket_totals totals;
    bucket_totals(cloud_bucket(stage->cloud, stage->now_ns, NULL), &totals);
    return totals;
}

static inline void expect_code(const struct stage *stage, int status, const char *code)
{
    char text[TEXT];
    assert_int_equal(stage->status, status);
    text_of(stage, "code", text);
    assert_string_equal(text, code);
}

static inline const char *header(struct stage *stage, const char *name, char out[TEXT])
{
    struct http_reply reply = {.headers = {.data = stage->headers, .length = strlen(stage->headers)}};
    struct span value = http_reply_header(&reply, name);
    (void)text_format(out, TEXT, "%.*s", (int)value.length, value.at == NULL ? "" : value.at);
    return out;
}

#endif
