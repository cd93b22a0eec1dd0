/* The cloud's object store, seen from its wire. */
#include <cjson/cJSON.h>
#include <string.h>

#include "fakes/bucket/memory_content.h"
#include "fakes/cloud/state.h"

enum { EMPTY_ARCHIVE_BYTES = 10240 }; /* two blocks of zeros, padded to the record of tar */

static const char sha1_header[] = "X-Bz-Content-Sha1";

/* ---- History -------------------------------------------------------------------------------------------------------------- */

static void note_bill(struct cloud *cloud, const struct bucket_event *event)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_string(&note.data, "component", event->state);
    json_member_int(&note.data, "quantity", event->size);
    json_member_int(&note.data, "byte_hours", event->byte_hours);
    json_member_int(&note.data, "amount_nusd", event->amount_nusd);
    cloud_note_end(cloud, &note, event->at_ns, "bucket", "b2.bill");
}

static void on_bucket_event(void *context, const struct bucket_event *event)
{
    struct cloud *cloud = context;
    struct cloud_note note;
    if (event->kind == BUCKET_BILLED) {
        note_bill(cloud, event);
        return;
    }
    cloud_note_begin(&note);
    json_key(&note.data, "name");
    json_span(&note.data, event->name);
    json_member_string(&note.data, "state", event->state);
    json_member_int(&note.data, "size", event->size);
    json_member_string(&note.data, "sha1", event->sha1);
    cloud_note_end(cloud, &note, event->at_ns, "bucket", event->kind == BUCKET_LARGE ? "b2.large" : "b2.object");
}

static void note_effect(struct cloud *cloud, int64_t now_ns, const struct cloud_bucket_exchange *exchange)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "req", (int64_t)exchange->ordinal);
    json_member_string(&note.data, "call", bucket_call_name(exchange->call));
    json_member_int(&note.data, "status", exchange->reply->status);
    cloud_note_end(cloud, &note, now_ns, "bucket", "cloud.effect");
}

/* ---- The store ------------------------------------------------------------------------------------------------------------ */

/* Where contents go: where the options say, or into memory. */
static struct content_store *content_of(struct cloud *cloud)
{
    if (cloud->options.bucket.content != NULL) {
        return cloud->options.bucket.content;
    }
    if (cloud->memory_content == NULL) {
        cloud->memory_content = memory_content_new(cloud->heap);
    }
    return cloud->memory_content;
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

bool cloud_bucket_is_at(const struct cloud *cloud, const char *origin)
{
    return origin != NULL && strcmp(origin, text_or(cloud->options.bucket.origin, CLOUD_BUCKET_ORIGIN)) == 0;
}

struct bucket_service *cloud_bucket(struct cloud *cloud, int64_t now_ns, struct error *error)
{
    struct error unused;
    error = error == NULL ? &unused : error;
    if (cloud->bucket != NULL) {
        return cloud->bucket;
    }
    const struct cloud_bucket_options *wanted = &cloud->options.bucket;
    struct bucket_options options = {
        .seed = cloud->options.seed,
        .epoch = cloud->options.epoch,
        .content = content_of(cloud),
        .origin = text_or(wanted->origin, CLOUD_BUCKET_ORIGIN),
        .bucket_name = text_or(wanted->bucket_name, CLOUD_BUCKET_NAME),
        .allowances = wanted->allowances,
        .least_part_bytes = wanted->least_part_bytes,
        .event = on_bucket_event,
        .context = cloud,
    };
    struct bucket_service *bucket = options.content == NULL ? NULL : bucket_service_new(cloud->heap, &options);
    if (bucket == NULL) {
        (void)error_set(error, ERR_NO_MEMORY, "no memory for the object store");
        return NULL;
    }
    if (bucket_open(bucket, now_ns, error) != ERR_OK) {
        bucket_service_free(bucket);
        return NULL;
    }
    (void)history_hide(cloud->options.history, bucket_key(bucket));
    cloud->bucket = bucket;
    return bucket;
}

void cloud_bucket_release(struct cloud *cloud)
{
    bucket_service_free(cloud->bucket);
    memory_content_free(cloud->memory_content);
}

/* ---- Begin ---------------------------------------------------------------------------------------------------------------- */

static void release(struct cloud *cloud, struct cloud_bucket_exchange *exchange)
{
    cloud_request_release(&exchange->sent);
    buffer_release(&exchange->own.body);
    buffer_release(&exchange->own.headers);
    heap_release(cloud->heap, exchange);
}

static struct cloud_bucket_exchange *take_exchange(struct cloud *cloud, const struct http_request *head)
{
    struct cloud_bucket_exchange *exchange = heap_alloc(cloud->heap, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    cloud_request_init(&exchange->sent, cloud->heap, 0);
    buffer_init(&exchange->own.body, cloud->heap, CLOUD_REPLY_MAX);
    buffer_init(&exchange->own.headers, cloud->heap, CLOUD_HEADERS_MAX);
    struct http_request without_body = *head;
    without_body.origin = NULL; /* its owner may be gone before the exchange is */
    without_body.body = (struct span){"", 0};
    without_body.body_file = NULL;
    if (!cloud_request_copy(&exchange->sent, &without_body)) {
        release(cloud, exchange);
        return NULL;
    }
    exchange->reply = &exchange->own;
    return exchange;
}

static bool is_header(const struct http_header *header, const char *name)
{
    struct http_request one = {.headers = header, .header_count = 1};
    return http_request_header(&one, name) != NULL;
}

static void replace_header(struct cloud_request *sent, const char *name, const char *value)
{
    for (size_t i = 0; i < sent->request.header_count; i++) {
        if (is_header(&sent->headers[i], name)) {
            sent->headers[i].value = value;
        }
    }
}

/* The request as the store is to see it, when a fault makes it another one; its size. */
static int64_t change_request(struct cloud_bucket_exchange *exchange, int64_t size)
{
    const struct bucket_verdict *verdict = &exchange->verdict;
    struct cloud_request *sent = &exchange->sent;
    if (verdict->whole_for_range) {
        replace_header(sent, "Range", "");
    }
    if (verdict->empty_archive) {
        replace_header(sent, sha1_header, "34e163be8e43c5631d8b92e9c43ab0bf0fa62b9c");
        return EMPTY_ARCHIVE_BYTES;
    }
    if (verdict->withheld) { /* a call that changes nothing, and whose answer has what the other's would have */
        int version;
        (void)bucket_call_of(sent->path, &version);
        (void)text_format(sent->path, sizeof sent->path, "/b2api/v%d/b2_get_file_info", version);
    }
    return size;
}

struct cloud_bucket_exchange *cloud_bucket_begin(struct cloud *cloud, int64_t now_ns, const struct http_request *head,
                                                 int64_t size, uint64_t ordinal)
{
    struct bucket_service *bucket = cloud_bucket(cloud, now_ns, NULL);
    struct cloud_bucket_exchange *exchange = bucket == NULL ? NULL : take_exchange(cloud, head);
    if (exchange == NULL) {
        return NULL;
    }
    int version;
    struct bucket_verdict *verdict = &exchange->verdict;
    exchange->ordinal = ordinal;
    exchange->effect_ns = exchange->reply_ns = TIME_NEVER_NS;
    exchange->call = bucket_call_of(head->path, &version);
    injector_bucket(cloud->injector, now_ns, exchange->call, head->method == HTTP_HEAD, verdict, &exchange->own);
    exchange->fate = verdict->http.fate_before != FATE_DELIVERED ? verdict->http.fate_before : verdict->http.fate_after;
    if (verdict->http.fate_before != FATE_DELIVERED || verdict->http.answered) {
        return exchange;
    }
    if (verdict->expire_account) {
        bucket_expire_account_tokens(bucket);
    }
    if (verdict->expire_upload) {
        bucket_expire_upload_tokens(bucket);
    }
    size = change_request(exchange, size);
    exchange->inside = bucket_begin(bucket, now_ns, &exchange->sent.request, size);
    if (exchange->inside == NULL) {
        release(cloud, exchange);
        return NULL;
    }
    return exchange;
}

/* ---- The body, and its end ------------------------------------------------------------------------------------------------ */

bool cloud_bucket_take(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange, struct span bytes)
{
    const struct bucket_verdict *verdict = &exchange->verdict;
    (void)cloud;
    exchange->taken += (int64_t)bytes.length;
    if (exchange->inside != NULL && !verdict->empty_archive) {
        bucket_take(exchange->inside, now_ns, bytes.at, bytes.length);
    }
    return verdict->break_after_bytes < 0 || exchange->taken < verdict->break_after_bytes;
}

int64_t cloud_bucket_transfer_ns(const struct cloud *cloud, int64_t bytes)
{
    int64_t pace = cloud->options.bucket.bytes_per_s;
    return pace == 0 ? 0 : scale_rounded(bytes, NS_PER_S, pace);
}

void cloud_bucket_whole(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange)
{
    const struct http_verdict *verdict = &exchange->verdict.http;
    int64_t call_ns = cloud->options.bucket.call_ns;
    exchange->effect_ns = exchange->inside == NULL ? TIME_NEVER_NS : now_ns + call_ns / 2;
    exchange->reply_ns = exchange->fate == FATE_SILENT ? TIME_NEVER_NS : now_ns + call_ns + verdict->extra_delay_ns;
    exchange->reply_size = (int64_t)exchange->own.body.length;
}

/* ---- The effect ----------------------------------------------------------------------------------------------------------- */

/* What is answered for a call that was withheld: the members that its own answer would have. */
static void pretend(struct cloud_bucket_exchange *exchange)
{
    static const char *const members[] = {"accountId", "bucketId", "fileId", "fileName"};
    struct http_reply *reply = exchange->reply;
    cJSON *tree = reply->status == 200 ? cJSON_ParseWithLength(buffer_text(&reply->body), reply->body.length) : NULL;
    cJSON *claimed = cJSON_CreateObject();
    if (tree == NULL || claimed == NULL) {
        cJSON_Delete(tree);
        cJSON_Delete(claimed);
        return;
    }
    if (exchange->call == BUCKET_FINISH_LARGE_FILE) {
        (void)cJSON_ReplaceItemInObjectCaseSensitive(tree, "action", cJSON_CreateString("upload"));
        cJSON_Delete(claimed);
        claimed = tree;
        tree = NULL;
    }
    size_t first = exchange->call == BUCKET_DELETE_FILE_VERSION ? 2 : 0;
    for (size_t i = first; tree != NULL && i < ARRAY_LENGTH(members); i++) {
        (void)cJSON_AddItemToObject(claimed, members[i], cJSON_DetachItemFromObjectCaseSensitive(tree, members[i]));
    }
    char *text = cJSON_PrintUnformatted(claimed);
    buffer_clear(&reply->body);
    buffer_append_text(&reply->body, text_or(text, ""));
    cJSON_free(text);
    cJSON_Delete(claimed);
    cJSON_Delete(tree);
}

/* The name that was deleted from goes with all its versions: its answer names it, and its id names the bucket. */
static void lose_name(struct cloud *cloud, int64_t now_ns, const struct cloud_bucket_exchange *exchange)
{
    enum { BUCKET_ID_AT = 3, BUCKET_ID_DIGITS = 24 };
    char bucket_id[BUCKET_ID_DIGITS + 1];
    const struct http_reply *reply = exchange->reply;
    cJSON *tree = reply->status == 200 ? cJSON_ParseWithLength(buffer_text(&reply->body), reply->body.length) : NULL;
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "fileId"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "fileName"));
    if (id != NULL && name != NULL && strlen(id) > BUCKET_ID_AT + BUCKET_ID_DIGITS) {
        memcpy(bucket_id, id + BUCKET_ID_AT, BUCKET_ID_DIGITS);
        bucket_id[BUCKET_ID_DIGITS] = '\0';
        (void)bucket_lose_name(cloud->bucket, now_ns, bucket_id, span_of(name));
    }
    cJSON_Delete(tree);
}

static void take_reply(struct cloud_bucket_exchange *exchange)
{
    const struct bucket_verdict *verdict = &exchange->verdict;
    exchange->reply = &exchange->inside->reply;
    exchange->streamed = exchange->inside->streamed;
    exchange->reply_size = exchange->streamed && !verdict->emptied ? exchange->inside->reply_size : 0;
    exchange->cut_at = verdict->http.cut_at < exchange->reply_size ? verdict->http.cut_at : exchange->reply_size / 2;
    if (exchange->fate == FATE_TRUNCATED && !exchange->streamed) {
        exchange->fate = FATE_DELIVERED; /* there is no download to cut */
    }
}

bool cloud_bucket_prepare(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange)
{
    (void)cloud;
    return bucket_prepare(exchange->inside, now_ns);
}

void cloud_bucket_effect(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange)
{
    static const char zeros[EMPTY_ARCHIVE_BYTES];
    const struct bucket_verdict *verdict = &exchange->verdict;
    if (verdict->empty_archive) {
        bucket_take(exchange->inside, now_ns, zeros, sizeof zeros);
    }
    bucket_finish(exchange->inside, now_ns);
    take_reply(exchange);
    if (verdict->withheld) {
        pretend(exchange);
    }
    if (verdict->loses_name) {
        lose_name(cloud, now_ns, exchange);
    }
    note_effect(cloud, now_ns, exchange);
    if (verdict->http.rewrites != 0) {
        injector_bucket_rewrite(cloud->injector, now_ns, verdict, exchange->call, exchange->reply);
    }
    if (!exchange->streamed) {
        exchange->reply_size = (int64_t)exchange->reply->body.length;
    }
}

/* ---- The reply ------------------------------------------------------------------------------------------------------------ */

size_t cloud_bucket_read(struct cloud *cloud, struct cloud_bucket_exchange *exchange, int64_t at, char *out,
                         size_t size)
{
    int64_t end = exchange->fate == FATE_TRUNCATED ? exchange->cut_at : exchange->reply_size;
    int64_t flipped_at = exchange->verdict.flipped_at;
    (void)cloud;
    if ((int64_t)size > end - at) {
        size = end > at ? (size_t)(end - at) : 0;
    }
    size_t read = size == 0 ? 0 : bucket_read(exchange->inside, out, size);
    if (flipped_at >= exchange->reply_size) {
        flipped_at = exchange->reply_size / 2;
    }
    if (exchange->verdict.flipped_at >= 0 && flipped_at >= at && flipped_at < at + (int64_t)read) {
        out[flipped_at - at] = (char)(out[flipped_at - at] ^ 1);
    }
    return read;
}

void cloud_bucket_end(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange)
{
    if (exchange->inside != NULL) {
        bucket_end(exchange->inside, now_ns);
    }
    release(cloud, exchange);
}
