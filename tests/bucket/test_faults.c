/* The faults of the object store, in virtual time: what each does to a request, and that nothing is stored which was not said. */
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
static void play(struct stage *stage, const struct http_request *request)
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
            }
        } else {
            stage->size = exchange->reply->body.length;
            memcpy(stage->body, buffer_text(&exchange->reply->body), stage->size);
        }
        stage->body[stage->size] = '\0';
    }
    cloud_bucket_end(stage->cloud, stage->now_ns, exchange);
}

static int call(struct stage *stage, const char *name, const char *body)
{
    char path[TEXT];
    struct http_header headers[] = {{"Authorization", stage->token}};
    (void)text_format(path, sizeof path, "/b2api/v1/%s", name);
    play(stage, &(struct http_request){
                    .method = HTTP_POST, .path = path, .headers = headers, .header_count = 1, .body = span_of(body)});
    return stage->status;
}

static void text_of(const struct stage *stage, const char *key, char out[TEXT])
{
    cJSON *json = cJSON_Parse(stage->body);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    if (text == NULL) {
        fail_msg("no %s in %s", key, stage->body);
    }
    assert_true(text_copy(out, TEXT, text));
    cJSON_Delete(json);
}

static void authorize(struct stage *stage)
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

static void stage_begin(struct stage *stage, const char *fault)
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

static void stage_end(struct stage *stage)
{
    cloud_free(stage->cloud);
    offer_book_free(stage->offers);
    history_release(&stage->history);
    assert_int_equal(heap_live_blocks(stage->heap), 0);
    heap_free(stage->heap);
}

static void with_bucket(const struct stage *stage, const char *more, char body[TEXT])
{
    (void)text_format(body, TEXT, "{\"bucketId\":\"%s\"%s}", stage->bucket_id, more);
}

/* Uploads to a new URL; the status, 0 when there was none. */
static int upload(struct stage *stage, const char *name, const char *text)
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

static int get(struct stage *stage, enum http_method method, const char *name, const char *range)
{
    char path[TEXT];
    struct http_header headers[] = {{"Authorization", stage->token}, {"Range", range}};
    (void)text_format(path, sizeof path, "/file/" CLOUD_BUCKET_NAME "/%s", name);
    play(stage, &(struct http_request){
                    .method = method, .path = path, .headers = headers, .header_count = range == NULL ? 1 : 2});
    return stage->status;
}

static const char *list(struct stage *stage)
{
    char body[TEXT];
    with_bucket(stage, "", body);
    assert_int_equal(call(stage, "b2_list_file_names", body), 200);
    return stage->body;
}

static struct bucket_totals totals_of(struct stage *stage)
{
    struct bucket_totals totals;
    bucket_totals(cloud_bucket(stage->cloud, stage->now_ns, NULL), &totals);
    return totals;
}

static void expect_code(const struct stage *stage, int status, const char *code)
{
    char text[TEXT];
    assert_int_equal(stage->status, status);
    text_of(stage, "code", text);
    assert_string_equal(text, code);
}

static const char *header(struct stage *stage, const char *name, char out[TEXT])
{
    struct http_reply reply = {.headers = {.data = stage->headers, .length = strlen(stage->headers)}};
    struct span value = http_reply_header(&reply, name);
    (void)text_format(out, TEXT, "%.*s", (int)value.length, value.at == NULL ? "" : value.at);
    return out;
}

/* ---- Laws ----------------------------------------------------------------------------------------------------------------- */

static void test_a_busy_store_refuses_and_a_new_url_serves(void **state)
{
    static const struct {
        const char *as;
        int status;
        const char *code;
    } cases[] = {{"busy", 503, "service_unavailable"},  {"tomes", 503, "service_unavailable"},
                 {"vault", 503, "service_unavailable"}, {"500", 500, "internal_error"},
                 {"408", 408, "request_timeout"},       {"429", 429, "too_many_requests"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct stage stage;
        char fault[64];
        char text[TEXT];
        (void)text_format(fault, sizeof fault, "b2-503-busy:count=1,as=%s", cases[i].as);
        stage_begin(&stage, fault);
        upload(&stage, "a", "hello\n");
        expect_code(&stage, cases[i].status, cases[i].code);
        assert_string_equal(header(&stage, "Retry-After", text), strcmp(cases[i].as, "429") == 0     ? "3"
                                                                 : strcmp(cases[i].as, "vault") == 0 ? "1"
                                                                                                     : "");
        assert_int_equal(totals_of(&stage).versions, 0);
        assert_int_equal(upload(&stage, "a", "hello\n"), 200);
        stage_end(&stage);
    }
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:count=1,as=broken-pipe");
    upload(&stage, "a", "hello\n");
    assert_int_equal(stage.fate, FATE_CLOSED_EARLY);
    assert_int_equal(totals_of(&stage).versions, 0);
    stage_end(&stage);
}

static void test_an_empty_snapshot_is_stored_and_told_by_its_digest(void **state)
{
    (void)state;
    struct stage stage;
    char text[TEXT];
    stage_begin(&stage, "empty-snapshot");
    assert_int_equal(upload(&stage, "snapshot.tar", "much that matters"), 200);
    text_of(&stage, "contentSha1", text);
    assert_string_equal(text, "34e163be8e43c5631d8b92e9c43ab0bf0fa62b9c");
    assert_int_equal(get(&stage, HTTP_GET, "snapshot.tar", NULL), 200);
    assert_int_equal(stage.size, 10240);
    for (size_t i = 0; i < stage.size; i++) {
        assert_int_equal(stage.body[i], 0);
    }
    assert_int_equal(upload(&stage, "snapshot.tar", "hello\n"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "snapshot.tar", NULL), 200);
    assert_string_equal(stage.body, "hello\n");
    stage_end(&stage);
}

static void test_tokens_expire_for_all_until_they_are_asked_for_again(void **state)
{
    (void)state;
    struct stage stage;
    char body[TEXT];
    stage_begin(&stage, "b2-expired-token:nth=2");
    with_bucket(&stage, "", body);
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "expired_auth_token");
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "expired_auth_token");
    authorize(&stage);
    assert_int_equal(call(&stage, "b2_list_file_names", body), 200);
    stage_end(&stage);
    stage_begin(&stage, "b2-expired-token:nth=2,code=bad_auth_token");
    with_bucket(&stage, "", body);
    call(&stage, "b2_list_file_names", body);
    expect_code(&stage, 401, "bad_auth_token");
    assert_int_equal(call(&stage, "b2_list_file_names", body), 200);
    stage_end(&stage);
}

static void test_a_digest_that_does_not_fit_is_told_on_either_way(void **state)
{
    (void)state;
    struct stage stage;
    char text[TEXT];
    stage_begin(&stage, "sha1-mismatch:wording=sha1");
    upload(&stage, "a", "hello\n");
    expect_code(&stage, 400, "bad_request");
    assert_non_null(strstr(stage.body, "Sha1 did not match data received"));
    assert_int_equal(totals_of(&stage).versions, 0);
    stage_end(&stage);
    stage_begin(&stage, "sha1-mismatch:endpoint=b2_download_file_by_name");
    assert_int_equal(upload(&stage, "a", "hello\n"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "hello\n");
    assert_string_not_equal(header(&stage, "x-bz-content-sha1", text), SHA1_OF_HELLO);
    assert_int_equal(strlen(text), 40);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(header(&stage, "x-bz-content-sha1", text), SHA1_OF_HELLO);
    stage_end(&stage);
}

static void test_an_odd_digest_is_odd_everywhere(void **state)
{
    static const struct {
        const char *as, *shown;
    } cases[] = {{"none", "none"},
                 {"unverified", "unverified:" SHA1_OF_HELLO},
                 {"upper", "F572D396FAE9206628714FB2CE00F72E94F2258F"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct stage stage;
        char text[TEXT];
        char fault[64];
        (void)text_format(fault, sizeof fault, "sha1-odd:as=%s", cases[i].as);
        stage_begin(&stage, fault);
        assert_int_equal(upload(&stage, "a", "hello\n"), 200);
        text_of(&stage, "contentSha1", text);
        assert_string_equal(text, cases[i].shown);
        assert_non_null(strstr(list(&stage), cases[i].shown));
        assert_int_equal(get(&stage, HTTP_HEAD, "a", NULL), 200);
        assert_string_equal(header(&stage, "x-bz-content-sha1", text), cases[i].shown);
        assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
        assert_string_equal(stage.body, "hello\n");
        stage_end(&stage);
    }
}

static void test_a_partial_snapshot_is_visible(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "partial-snapshot-visible");
    assert_int_equal(upload(&stage, "s/1", "1"), 200);
    assert_int_equal(upload(&stage, "s/2", "2"), 200);
    upload(&stage, "s/3", "3");
    assert_int_equal(stage.fate, FATE_RESET);
    upload(&stage, "s/4", "4");
    assert_int_equal(stage.fate, FATE_RESET);
    assert_non_null(strstr(list(&stage), "s/2"));
    assert_null(strstr(stage.body, "s/3"));
    assert_int_equal(totals_of(&stage).versions, 2);
    stage_end(&stage);
}

static void test_a_bad_download_is_bad_in_its_own_way(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "bad-download:shape=short,at=4");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    assert_int_equal(stage.fate, FATE_TRUNCATED);
    assert_int_equal(stage.told_size, 10);
    assert_string_equal(stage.body, "0123");
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "0123456789");
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=whole");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", "bytes=2-3"), 200);
    assert_string_equal(stage.body, "0123456789");
    assert_int_equal(get(&stage, HTTP_GET, "a", "bytes=2-3"), 206);
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=bytes,at=3");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_HEAD, "a", NULL), 200); /* no occasion */
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "0122456789");
    stage_end(&stage);
    stage_begin(&stage, "bad-download:shape=empty");
    assert_int_equal(upload(&stage, "a", "0123456789"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_int_equal(stage.told_size, 0);
    assert_int_equal(stage.size, 0);
    stage_end(&stage);
}

static void test_a_wrong_snapshot_is_the_newest_of_its_list(void **state)
{
    (void)state;
    struct stage stage;
    for (size_t shape = 0; shape < 3; shape++) {
        static const char *const faults[] = {"wrong-snapshot", "wrong-snapshot:shape=foreign",
                                             "wrong-snapshot:shape=swapped"};
        stage_begin(&stage, faults[shape]);
        assert_int_equal(upload(&stage, "s/old", "1"), 200);
        stage.now_ns += NS_PER_S;
        assert_int_equal(upload(&stage, "s/young", "2"), 200);
        cJSON *json = cJSON_Parse(list(&stage));
        const cJSON *files = cJSON_GetObjectItemCaseSensitive(json, "files");
        const char *newest = "";
        double time = 0;
        const cJSON *file;
        cJSON_ArrayForEach(file, files)
        {
            double own = cJSON_GetObjectItemCaseSensitive(file, "uploadTimestamp")->valuedouble;
            newest = own > time ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "fileName")) : newest;
            time = own > time ? own : time;
        }
        static const char *const expected[] = {"s/old", "s/another-host-young", "s/old"};
        static const int counts[] = {1, 3, 2};
        assert_string_equal(newest, expected[shape]);
        assert_int_equal(cJSON_GetArraySize(files), counts[shape]);
        cJSON_Delete(json);
        stage_end(&stage);
    }
}

static void test_a_cap_is_met_by_what_it_caps(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-cap-exceeded");
    upload(&stage, "a", "x");
    expect_code(&stage, 403, "storage_cap_exceeded");
    assert_non_null(list(&stage));
    stage_end(&stage);
    stage_begin(&stage, "b2-cap-exceeded:endpoint=b2_download_file_by_name");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    expect_code(&stage, 403, "download_cap_exceeded");
    stage_end(&stage);
    stage_begin(&stage, "b2-cap-exceeded:cap=any");
    upload(&stage, "a", "x");
    expect_code(&stage, 403, "cap_exceeded");
    stage_end(&stage);
}

/* Starts a large file; its id. */
static void start_large(struct stage *stage, char id[TEXT])
{
    char body[TEXT];
    with_bucket(stage, ",\"fileName\":\"big\",\"contentType\":\"b2/x-auto\"", body);
    assert_int_equal(call(stage, "b2_start_large_file", body), 200);
    text_of(stage, "fileId", id);
}

static int on_file(struct stage *stage, const char *name, const char *id, const char *more)
{
    char body[TEXT];
    (void)text_format(body, sizeof body, "{\"fileId\":\"%s\"%s}", id, more);
    return call(stage, name, body);
}

static void test_a_large_file_stays_unfinished(void **state)
{
    (void)state;
    struct stage stage;
    char id[TEXT];
    stage_begin(&stage, "unfinished-large-file");
    start_large(&stage, id);
    on_file(&stage, "b2_finish_large_file", id, ",\"partSha1Array\":[]");
    expect_code(&stage, 500, "internal_error");
    on_file(&stage, "b2_finish_large_file", id, ",\"partSha1Array\":[]");
    expect_code(&stage, 400, "bad_request");
    assert_int_equal(totals_of(&stage).unfinished, 1);
    stage_end(&stage);
    stage_begin(&stage, "unfinished-large-file:endpoint=b2_cancel_large_file,point=effect");
    start_large(&stage, id);
    assert_int_equal(on_file(&stage, "b2_cancel_large_file", id, ""), 200);
    assert_non_null(strstr(stage.body, id));
    assert_null(strstr(stage.body, "action"));
    assert_int_equal(totals_of(&stage).unfinished, 1);
    assert_int_equal(on_file(&stage, "b2_cancel_large_file", id, ""), 200);
    assert_int_equal(totals_of(&stage).unfinished, 0);
    stage_end(&stage);
    stage_begin(&stage, "unfinished-large-file:endpoint=b2_cancel_large_file,point=reply,as=timeout");
    start_large(&stage, id);
    on_file(&stage, "b2_cancel_large_file", id, "");
    assert_int_equal(stage.fate, FATE_SILENT);
    assert_int_equal(totals_of(&stage).unfinished, 0);
    stage_end(&stage);
}

static void test_a_body_that_is_broken_off_leaves_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "retry-partial-body:bytes=10");
    upload(&stage, "a", "a text of some length");
    assert_int_equal(stage.fate, FATE_RESET);
    assert_in_range(stage.taken, 10, 20);
    assert_int_equal(totals_of(&stage).versions, 0);
    assert_int_equal(upload(&stage, "a", "a text of some length"), 200);
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_string_equal(stage.body, "a text of some length");
    stage_end(&stage);
}

static void test_a_file_that_is_there_is_not_found_once(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-404-reinit");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    get(&stage, HTTP_GET, "a", NULL);
    expect_code(&stage, 404, "not_found");
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    stage_end(&stage);
    stage_begin(&stage, "b2-404-reinit:endpoint=b2_list_file_names");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    assert_string_equal(list(&stage), "{\"files\":[],\"nextFileName\":null}");
    assert_non_null(strstr(list(&stage), "\"a\""));
    stage_end(&stage);
}

static void test_a_delete_deletes_nothing_or_too_much(void **state)
{
    (void)state;
    struct stage stage;
    char id[TEXT];
    stage_begin(&stage, "retention-wrong");
    assert_int_equal(upload(&stage, "a", "x"), 200);
    text_of(&stage, "fileId", id);
    assert_int_equal(on_file(&stage, "b2_delete_file_version", id, ",\"fileName\":\"a\""), 200);
    char expected[TEXT];
    (void)text_format(expected, sizeof expected, "{\"fileId\":\"%s\",\"fileName\":\"a\"}", id);
    assert_string_equal(stage.body, expected);
    assert_int_equal(totals_of(&stage).versions, 1);
    stage_end(&stage);
    stage_begin(&stage, "retention-wrong:as=every-version");
    assert_int_equal(upload(&stage, "a", "old"), 200);
    text_of(&stage, "fileId", id);
    assert_int_equal(upload(&stage, "a", "good"), 200);
    assert_int_equal(upload(&stage, "b", "x"), 200);
    assert_int_equal(on_file(&stage, "b2_delete_file_version", id, ",\"fileName\":\"a\""), 200);
    assert_int_equal(totals_of(&stage).versions, 1);
    stage_end(&stage);
}

static void test_a_call_takes_its_time_and_so_do_its_bytes(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:active=false");
    int64_t before_ns = stage.now_ns;
    list(&stage);
    assert_true(stage.now_ns - before_ns >= CALL_MS * NS_PER_MS);
    char long_text[1001];
    memset(long_text, 'x', 1000);
    long_text[1000] = '\0';
    assert_int_equal(upload(&stage, "a", long_text), 200);
    before_ns = stage.now_ns;
    assert_int_equal(get(&stage, HTTP_GET, "a", NULL), 200);
    assert_int_equal(stage.now_ns - before_ns, CALL_MS * NS_PER_MS + NS_PER_MS); /* 1000 bytes at 1 MB/s */
    stage_end(&stage);
}

static void test_what_happens_stands_in_the_history(void **state)
{
    (void)state;
    struct stage stage;
    stage_begin(&stage, "b2-503-busy:count=1");
    upload(&stage, "a", "x");
    upload(&stage, "a", "x");
    const char *text = buffer_text(&stage.history.text);
    assert_non_null(strstr(text, "\"fault.on\""));
    assert_non_null(
        strstr(text, "\"kind\":\"b2.object\",\"ids\":{},\"data\":{\"name\":\"a\",\"state\":\"upload\",\"size\":1"));
    assert_non_null(strstr(text, "\"call\":\"b2_upload_file\",\"status\":200"));
    assert_null(strstr(text, bucket_key(cloud_bucket(stage.cloud, stage.now_ns, NULL))));
    stage_end(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_busy_store_refuses_and_a_new_url_serves),
        cmocka_unit_test(test_an_empty_snapshot_is_stored_and_told_by_its_digest),
        cmocka_unit_test(test_tokens_expire_for_all_until_they_are_asked_for_again),
        cmocka_unit_test(test_a_digest_that_does_not_fit_is_told_on_either_way),
        cmocka_unit_test(test_an_odd_digest_is_odd_everywhere),
        cmocka_unit_test(test_a_partial_snapshot_is_visible),
        cmocka_unit_test(test_a_bad_download_is_bad_in_its_own_way),
        cmocka_unit_test(test_a_wrong_snapshot_is_the_newest_of_its_list),
        cmocka_unit_test(test_a_cap_is_met_by_what_it_caps),
        cmocka_unit_test(test_a_large_file_stays_unfinished),
        cmocka_unit_test(test_a_body_that_is_broken_off_leaves_nothing),
        cmocka_unit_test(test_a_file_that_is_there_is_not_found_once),
        cmocka_unit_test(test_a_delete_deletes_nothing_or_too_much),
        cmocka_unit_test(test_a_call_takes_its_time_and_so_do_its_bytes),
        cmocka_unit_test(test_what_happens_stands_in_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
