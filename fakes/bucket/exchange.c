/* Requests as they stream in and out. */
#include <assert.h>
#include <string.h>

#include "fakes/bucket/state.h"
#include "fakes/market/answer.h"

enum { HEADERS_MAX = 64 * 1024 };

/* How a call may be asked for. */
enum manner {
    BY_POST = 1,
    BY_GET = 2,       /* its arguments in the query */
    BY_HEAD = 4,      /* the same */
    GET_SINCE_V2 = 8, /* BY_GET, but not in version 1 */
};

static const struct call_row {
    unsigned manners;
    call_function *call; /* NULL: an upload */
} rows[BUCKET_CALL_COUNT] = {
    [BUCKET_AUTHORIZE] = {BY_GET | BY_POST, call_authorize},
    [BUCKET_LIST_BUCKETS] = {BY_POST | GET_SINCE_V2, call_list_buckets},
    [BUCKET_CREATE_BUCKET] = {BY_POST, call_create_bucket},
    [BUCKET_UPDATE_BUCKET] = {BY_POST, call_update_bucket},
    [BUCKET_DELETE_BUCKET] = {BY_POST, call_delete_bucket},
    [BUCKET_GET_UPLOAD_URL] = {BY_POST | GET_SINCE_V2, call_get_upload_url},
    [BUCKET_UPLOAD_FILE] = {BY_POST, NULL},
    [BUCKET_START_LARGE_FILE] = {BY_POST, call_start_large_file},
    [BUCKET_GET_UPLOAD_PART_URL] = {BY_POST | GET_SINCE_V2, call_get_upload_part_url},
    [BUCKET_UPLOAD_PART] = {BY_POST, NULL},
    [BUCKET_LIST_PARTS] = {BY_POST | GET_SINCE_V2, call_list_parts},
    [BUCKET_FINISH_LARGE_FILE] = {BY_POST, call_finish_large_file},
    [BUCKET_CANCEL_LARGE_FILE] = {BY_POST, call_cancel_large_file},
    [BUCKET_LIST_UNFINISHED] = {BY_POST | GET_SINCE_V2, call_list_unfinished},
    [BUCKET_LIST_FILE_NAMES] = {BY_POST | GET_SINCE_V2, call_list_file_names},
    [BUCKET_LIST_FILE_VERSIONS] = {BY_POST | GET_SINCE_V2, call_list_file_versions},
    [BUCKET_GET_FILE_INFO] = {BY_POST | GET_SINCE_V2, call_get_file_info},
    [BUCKET_DOWNLOAD_BY_NAME] = {BY_GET | BY_HEAD, call_download_by_name},
    [BUCKET_DOWNLOAD_BY_ID] = {BY_GET | BY_HEAD | BY_POST, call_download_by_id},
    [BUCKET_HIDE_FILE] = {BY_POST, call_hide_file},
    [BUCKET_DELETE_FILE_VERSION] = {BY_POST, call_delete_file_version},
    [BUCKET_COPY_FILE] = {BY_POST, call_copy_file},
    [BUCKET_COPY_PART] = {BY_POST, call_copy_part},
    [BUCKET_GET_DOWNLOAD_AUTHORIZATION] = {BY_POST | GET_SINCE_V2, call_download_authorization},
    [BUCKET_CREATE_KEY] = {BY_POST, call_create_key},
    [BUCKET_LIST_KEYS] = {BY_POST | GET_SINCE_V2, call_list_keys},
    [BUCKET_DELETE_KEY] = {BY_POST, call_delete_key},
};

static bool method_fits(const struct exchange *exchange)
{
    unsigned manners = rows[exchange->open.call].manners;
    switch (exchange->head->method) {
    case HTTP_POST:
        return (manners & BY_POST) != 0;
    case HTTP_GET:
        return (manners & BY_GET) != 0 || ((manners & GET_SINCE_V2) != 0 && exchange->version > 1);
    case HTTP_HEAD:
        return (manners & BY_HEAD) != 0;
    case HTTP_PUT:
    case HTTP_DELETE:
    case HTTP_METHOD_COUNT:
        break;
    }
    return false;
}

static void check_head(struct exchange *exchange, int64_t size)
{
    if (exchange->open.call == BUCKET_OTHER) {
        (void)bucket_refuse(exchange, 404, "not_found", "There is no such call.");
    } else if (!method_fits(exchange)) {
        (void)bucket_refuse(exchange, 405, "method_not_allowed", "%s does not take that method",
                            bucket_call_name(exchange->open.call));
    } else if (rows[exchange->open.call].call == NULL) {
        bucket_upload_begin(exchange, size);
    } else if (size > BUCKET_REQUEST_MAX) {
        (void)bucket_refuse(exchange, 400, "bad_request", "the request is larger than %d bytes", BUCKET_REQUEST_MAX);
    }
}

struct bucket_exchange *bucket_begin(struct bucket_service *service, int64_t now_ns, const struct http_request *head,
                                     int64_t size)
{
    struct exchange *exchange = heap_alloc(service->heap, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    service->now_ns = now_ns;
    exchange->service = service;
    exchange->head = head;
    exchange->open.call = bucket_call_of(head->path, &exchange->version);
    buffer_init(&exchange->open.reply.body, service->heap, BUCKET_BODY_MAX);
    buffer_init(&exchange->open.reply.headers, service->heap, HEADERS_MAX);
    buffer_init(&exchange->body, service->heap, BUCKET_REQUEST_MAX);
    (void)text_copy(exchange->open.reply.content_type, sizeof exchange->open.reply.content_type,
                    "application/json;charset=UTF-8");
    check_head(exchange, size);
    return &exchange->open;
}

void bucket_take(struct bucket_exchange *exchange, int64_t now_ns, const void *bytes, size_t size)
{
    struct exchange *own = (struct exchange *)exchange;
    assert(!own->finished);
    own->service->now_ns = now_ns;
    if (own->open.decided) {
        return;
    }
    if (own->upload != NULL) {
        bucket_upload_take(own, bytes, size);
        return;
    }
    buffer_append(&own->body, bytes, size);
    if (own->body.failed) {
        (void)bucket_refuse(own, 400, "bad_request", "the request is larger than %d bytes", BUCKET_REQUEST_MAX);
    }
}

bool bucket_read_arguments(struct exchange *exchange)
{
    if (exchange->arguments != NULL || exchange->head->method != HTTP_POST || exchange->body.length == 0) {
        return true;
    }
    exchange->arguments = parse_json((struct span){exchange->body.data, exchange->body.length});
    return cJSON_IsObject(exchange->arguments) ||
           bucket_refuse(exchange, 400, "bad_json", "the body is not a JSON object");
}

/* "Mon, 03 Aug 2026 10:20:00 GMT" */
static void add_date(struct exchange *exchange)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* from 1 January 1970 */
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char storage[64];
    char date[64];
    struct buffer text;
    int64_t seconds = bucket_now_ms(exchange->service) / 1000;
    buffer_init_fixed(&text, storage, sizeof storage);
    wall_time_append(&text, (struct wall_time){seconds * NS_PER_S}, 0);
    size_t month = (size_t)((storage[5] - '0') * 10 + storage[6] - '0');
    if (text.failed || seconds < 0 || month < 1 || month > ARRAY_LENGTH(months)) {
        return;
    }
    (void)text_format(date, sizeof date, "%s, %.2s %s %.4s %.8s GMT", days[seconds / 86400 % 7], storage + 8,
                      months[month - 1], storage, storage + 11);
    http_reply_add_header(&exchange->open.reply, "Date", date);
}

bool bucket_prepare(struct bucket_exchange *exchange, int64_t now_ns)
{
    struct exchange *own = (struct exchange *)exchange;
    bool copies = exchange->call == BUCKET_COPY_FILE || exchange->call == BUCKET_COPY_PART;
    own->service->now_ns = now_ns;
    return copies && !exchange->decided && copy_prepare(own);
}

void bucket_finish(struct bucket_exchange *exchange, int64_t now_ns)
{
    struct exchange *own = (struct exchange *)exchange;
    assert(!own->finished);
    own->finished = true;
    own->service->now_ns = now_ns;
    if (exchange->call != BUCKET_OTHER) {
        bill_call(own->service, exchange->call);
    }
    if (!exchange->decided) {
        if (own->upload != NULL) {
            bucket_upload_finish(own);
        } else if (bucket_read_arguments(own)) {
            rows[exchange->call].call(own);
        }
    }
    if (exchange->reply.body.failed) {
        (void)bucket_refuse_exhausted(own);
    }
    if (!exchange->streamed) {
        exchange->reply_size = (int64_t)exchange->reply.body.length;
    }
    http_reply_add_header(&exchange->reply, "Cache-Control", "max-age=0, no-cache, no-store");
    add_date(own);
    exchange->decided = true;
}

size_t bucket_read(struct bucket_exchange *exchange, void *out, size_t size)
{
    struct exchange *own = (struct exchange *)exchange;
    struct download *download = &own->download;
    bool lost = false;
    if ((int64_t)size > download->left) {
        size = (size_t)download->left;
    }
    size_t read = extents_read(own->service, &download->reader, out, size, &lost);
    download->left -= (int64_t)read;
    download->sent += (int64_t)read;
    return read;
}

void bucket_end(struct bucket_exchange *exchange, int64_t now_ns)
{
    struct exchange *own = (struct exchange *)exchange;
    if (own == NULL) {
        return;
    }
    struct bucket_service *service = own->service;
    service->now_ns = now_ns;
    if (own->upload != NULL) {
        bucket_upload_end(own);
    }
    if (own->download.sent > 0) {
        bill_download(service, own->download.sent);
    }
    extents_release(service, &own->download.extents);
    copy_release(own);
    cJSON_Delete(own->arguments);
    buffer_release(&own->body);
    buffer_release(&exchange->reply.body);
    buffer_release(&exchange->reply.headers);
    heap_release(service->heap, own);
}
