#include "b2/calls.h"

#include <string.h>

#include "b2/calls_state.h"
#include "base/json_write.h"
#include "world/note.h"

enum { RENEWALS_MOST = 3, HEADERS_MOST = 12, PAGE_ROWS = 1000, UNFINISHED_ROWS = 100, PAGES_MAX = 100000 };

static const int64_t call_limit_ns = 60 * NS_PER_S;
static const int64_t stall_limit_ns = 60 * NS_PER_S;
static const int64_t transfer_limit_ns = 24 * NS_PER_HOUR;
static const int64_t first_pause_ns = 500 * NS_PER_MS;
static const int64_t longest_pause_ns = 60 * NS_PER_S;

int64_t b2_call_deadline_ns(const struct b2 *b2)
{
    return world_real_deadline_ns(b2->world, call_limit_ns);
}

/* ---- Asking again -------------------------------------------------------------------------------------------------------- */

/* Catalogue id of the fault that an error of a call or an upload is the sign of, or NULL. */
static const char *fault_behind(enum error_code code)
{
    switch (code) {
    case ERR_TOKEN_EXPIRED:
        return "b2-expired-token";
    case ERR_CAP_EXCEEDED:
        return "b2-cap-exceeded";
    case ERR_CHECKSUM_MISMATCH:
        return "sha1-mismatch";
    case ERR_SERVER_ERROR:
    case ERR_RATE_LIMITED:
    case ERR_UNREACHABLE:
    case ERR_CONNECTION_REFUSED:
    case ERR_CONNECTION_RESET:
    case ERR_CLOSED_EARLY:
    case ERR_REPLY_TRUNCATED:
    case ERR_REPLY_MALFORMED:
    case ERR_TIMED_OUT:
        return "b2-503-busy";
    default:
        return NULL;
    }
}

static const char *fault_behind_download(enum error_code code)
{
    bool bad = code == ERR_REPLY_UNEXPECTED || code == ERR_REPLY_TOO_LARGE || code == ERR_REPLY_TRUNCATED;
    return bad ? "bad-download" : fault_behind(code);
}

static const char *fault_behind_finish(enum error_code code)
{
    return code == ERR_REPLY_UNEXPECTED || fault_behind(code) != NULL ? "unfinished-large-file" : NULL;
}

struct retry b2_retry_begin(struct b2 *b2, const char *operation, bool at_once)
{
    return (struct retry){
        .world = b2->world,
        .operation = operation,
        .fault_behind = fault_behind,
        .stream = ++b2->operations,
        .attempts = B2_ATTEMPTS,
        .pause_ns = at_once ? 0 : first_pause_ns,
        .first_pause_ns = first_pause_ns,
        .longest_pause_ns = longest_pause_ns,
        .deadline_ns = TIME_NEVER_NS,
    };
}

struct retry b2_retry_download(struct b2 *b2, const char *operation)
{
    struct retry retry = b2_retry_begin(b2, operation, false);
    retry.fault_behind = fault_behind_download;
    return retry;
}

struct retry b2_retry_finish(struct b2 *b2)
{
    struct retry retry = b2_retry_begin(b2, "finish", false);
    retry.fault_behind = fault_behind_finish;
    return retry;
}

/* ---- One call ------------------------------------------------------------------------------------------------------------ */

enum error_code b2_exchange(struct b2_call *call, const struct http_request *request, int64_t deadline_ns,
                            struct error *error)
{
    struct http_request sent = *request;
    struct http_header headers[HEADERS_MOST];
    if (call->b2->access.test_mode != NULL && request->header_count < HEADERS_MOST) {
        memcpy(headers, request->headers, request->header_count * sizeof headers[0]);
        headers[sent.header_count++] = (struct http_header){"X-Bz-Test-Mode", call->b2->access.test_mode};
        sent.headers = headers;
    }
    enum error_code code = world_http(call->b2->world, &sent, &call->reply, deadline_ns, NULL);
    if (code == ERR_OK && call->reply.headers.failed) {
        code = ERR_NO_MEMORY;
    }
    const char *trouble = call->reply.file_trouble;
    return code == ERR_OK
               ? code
               : error_set(error, code, "%s%s%s", error_sentence(code), trouble[0] == '\0' ? "" : ": ", trouble);
}

static struct span reply_body(const struct b2_call *call)
{
    return (struct span){buffer_text(&call->reply.body), call->reply.body.length};
}

static struct json_writer begin_body(struct b2_call *call)
{
    struct json_writer writer;
    buffer_clear(&call->body);
    json_writer_init(&writer, &call->body, 0);
    json_begin_object(&writer);
    return writer;
}

/* What a second request would not leave as it is: the transport is not to send it again by itself. */
static bool is_sent_once(const char *operation)
{
    return strcmp(operation, "b2_start_large_file") == 0 || strcmp(operation, "b2_finish_large_file") == 0;
}

static enum error_code ask_once(struct b2_call *call, const char *operation, struct error *error)
{
    struct b2 *b2 = call->b2;
    char path[80];
    (void)text_format(path, sizeof path, "/b2api/v3/%s", operation);
    const struct http_header headers[] = {{"Authorization", b2->account.token}};
    const struct http_request request = {.method = HTTP_POST,
                                         .origin = b2->account.api_origin,
                                         .path = path,
                                         .body = {buffer_text(&call->body), call->body.length},
                                         .changes_state = is_sent_once(operation),
                                         .headers = headers,
                                         .header_count = ARRAY_LENGTH(headers)};
    if (call->body.failed) {
        return error_set(error, ERR_NO_MEMORY, "no memory for a request");
    }
    enum error_code code = b2_exchange(call, &request, b2_call_deadline_ns(b2), error);
    if (code != ERR_OK) {
        return code;
    }
    return call->reply.status == 200 ? ERR_OK : b2_decode_error(&call->reply, error);
}

/* One request, and once more with a new token as often as it takes, but no more than that. */
static enum error_code ask_with_token(struct b2_call *call, const char *operation, struct error *error)
{
    enum error_code code = ERR_OK;
    for (int renewals = 0; renewals <= RENEWALS_MOST; renewals++) {
        int64_t generation = call->b2->generation;
        code = ask_once(call, operation, error);
        if (code != ERR_TOKEN_EXPIRED) {
            break;
        }
        note_fault(call->b2->world, "b2-expired-token", "%s: %s; authorized anew", operation, error->message);
        code = b2_renew(call, generation, error);
        if (code != ERR_OK) {
            return code;
        }
        code = error_set(error, ERR_NOT_AUTHENTICATED, "new tokens are refused, too");
    }
    return code;
}

static enum error_code ask(struct b2_call *call, struct json_writer *writer, const char *operation, struct error *error)
{
    json_end_object(writer);
    struct retry retry = b2_retry_begin(call->b2, operation, false);
    enum error_code code;
    do {
        code = ask_with_token(call, operation, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code != ERR_OK) {
        error_wrap(error, "%s", operation);
    }
    return code == ERR_OK ? code : error->code;
}

enum error_code b2_find_bucket(struct b2_call *call, struct error *error)
{
    struct b2 *b2 = call->b2;
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "accountId", b2->account.account_id);
    json_member_string(&writer, "bucketName", b2->access.bucket);
    enum error_code code = ask(call, &writer, "b2_list_buckets", error);
    return code == ERR_OK ? b2_decode_bucket(reply_body(call), b2->access.bucket, b2->bucket_id, error) : code;
}

enum error_code b2_get_upload_url(struct b2_call *call, struct b2_upload_url *url, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "bucketId", call->b2->bucket_id);
    enum error_code code = ask(call, &writer, "b2_get_upload_url", error);
    return code == ERR_OK ? b2_decode_upload_url(reply_body(call), call->b2->secure, url, error) : code;
}

enum error_code b2_get_upload_part_url(struct b2_call *call, const char *file_id, struct b2_upload_url *url,
                                       struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "fileId", file_id);
    enum error_code code = ask(call, &writer, "b2_get_upload_part_url", error);
    return code == ERR_OK ? b2_decode_upload_url(reply_body(call), call->b2->secure, url, error) : code;
}

/* ---- Large files --------------------------------------------------------------------------------------------------------- */

enum error_code b2_start_large_file(struct b2_call *call, const struct b2_label *label, char id[B2_ID_SIZE],
                                    struct error *error)
{
    char millis[24];
    struct b2_file file;
    struct json_writer writer = begin_body(call);
    (void)text_format(millis, sizeof millis, "%lld", (long long)label->modified_unix_ms);
    json_member_string(&writer, "bucketId", call->b2->bucket_id);
    json_member_string(&writer, "fileName", label->name);
    json_member_string(&writer, "contentType", "b2/x-auto");
    json_key(&writer, "fileInfo");
    json_begin_object(&writer);
    json_member_string(&writer, "src_last_modified_millis", millis);
    json_member_string(&writer, "large_file_sha1", label->sha1);
    json_member_string(&writer, "dumont", label->mark);
    json_end_object(&writer);
    enum error_code code = ask(call, &writer, "b2_start_large_file", error);
    code = code == ERR_OK ? b2_decode_file(reply_body(call), &file, error) : code;
    (void)text_copy(id, B2_ID_SIZE, code == ERR_OK ? file.id : "");
    return code;
}

enum error_code b2_finish_large_file(struct b2_call *call, const char *id, const char (*sha1)[B2_SHA1_SIZE],
                                     int64_t count, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "fileId", id);
    json_key(&writer, "partSha1Array");
    json_begin_array(&writer);
    for (int64_t i = 0; i < count; i++) {
        json_string(&writer, sha1[i]);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    enum error_code code = ask_with_token(call, "b2_finish_large_file", error);
    if (code != ERR_OK) {
        error_wrap(error, "b2_finish_large_file");
    }
    return code;
}

enum error_code b2_cancel_large_file(struct b2_call *call, const char *id, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "fileId", id);
    return ask(call, &writer, "b2_cancel_large_file", error);
}

enum error_code b2_get_file_info(struct b2_call *call, const char *id, struct b2_file *file, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "fileId", id);
    enum error_code code = ask(call, &writer, "b2_get_file_info", error);
    return code == ERR_OK ? b2_decode_file(reply_body(call), file, error) : code;
}

enum error_code b2_hide_file(struct b2_call *call, const char *name, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "bucketId", call->b2->bucket_id);
    json_member_string(&writer, "fileName", name);
    return ask(call, &writer, "b2_hide_file", error);
}

enum error_code b2_delete_version(struct b2_call *call, const char *id, const char *name, struct error *error)
{
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "fileId", id);
    json_member_string(&writer, "fileName", name);
    return ask(call, &writer, "b2_delete_file_version", error);
}

/* ---- Lists --------------------------------------------------------------------------------------------------------------- */

/* A visitor that remembers that it had enough. */
struct listing {
    b2_file_visitor *visit;
    void *context;
    bool enough;
};

static bool pass_on(void *context, const struct b2_file *file)
{
    struct listing *listing = context;
    listing->enough = !listing->visit(listing->context, file);
    return !listing->enough;
}

static enum error_code ask_for_page(struct b2_call *call, enum b2_list what, const char *prefix,
                                    const struct b2_next *next, struct error *error)
{
    static const char *const operations[] = {"b2_list_file_names", "b2_list_file_versions",
                                             "b2_list_unfinished_large_files"};
    struct json_writer writer = begin_body(call);
    json_member_string(&writer, "bucketId", call->b2->bucket_id);
    json_member_int(&writer, "maxFileCount", what == B2_LIST_UNFINISHED ? UNFINISHED_ROWS : PAGE_ROWS);
    if (prefix[0] != '\0') {
        json_member_string(&writer, what == B2_LIST_UNFINISHED ? "namePrefix" : "prefix", prefix);
    }
    if (next->name[0] != '\0') {
        json_member_string(&writer, "startFileName", next->name);
    }
    if (next->id[0] != '\0') {
        json_member_string(&writer, "startFileId", next->id);
    }
    return ask(call, &writer, operations[what], error);
}

/* A server that gives the same place twice would never end. */
static bool goes_on(const struct b2_next *before, const struct b2_next *next)
{
    return strcmp(before->name, next->name) != 0 || strcmp(before->id, next->id) != 0;
}

enum error_code b2_list(struct b2_call *call, enum b2_list what, const char *prefix, b2_file_visitor *visit,
                        void *context, struct error *error)
{
    struct listing listing = {.visit = visit, .context = context};
    struct b2_next next = {.part = 0};
    for (int page = 0; page < PAGES_MAX; page++) {
        struct b2_next before = next;
        enum error_code code = ask_for_page(call, what, prefix, &before, error);
        code = code == ERR_OK ? b2_decode_files(reply_body(call), pass_on, &listing, &next, error) : code;
        if (code != ERR_OK) {
            return code;
        }
        if (listing.enough || (next.name[0] == '\0' && next.id[0] == '\0')) {
            return ERR_OK;
        }
        if (!goes_on(&before, &next)) {
            break;
        }
    }
    return error_set(error, ERR_REPLY_UNEXPECTED, "a list that does not end");
}

enum error_code b2_list_parts(struct b2_call *call, const char *id, b2_part_visitor *visit, void *context,
                              struct error *error)
{
    struct b2_next next = {.part = 1};
    for (int page = 0; next.part > 0 && page < B2_PARTS_MAX; page++) {
        struct json_writer writer = begin_body(call);
        json_member_string(&writer, "fileId", id);
        json_member_int(&writer, "startPartNumber", next.part);
        json_member_int(&writer, "maxPartCount", PAGE_ROWS);
        enum error_code code = ask(call, &writer, "b2_list_parts", error);
        code = code == ERR_OK ? b2_decode_parts(reply_body(call), visit, context, &next, error) : code;
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* ---- Bodies -------------------------------------------------------------------------------------------------------------- */

enum error_code b2_send(struct b2_call *call, const struct b2_upload_url *url, const struct http_body_file *body_file,
                        const struct http_header *headers, size_t header_count, struct error *error)
{
    struct world *world = call->b2->world;
    const struct http_request request = {.method = HTTP_POST,
                                         .origin = url->origin,
                                         .path = url->path,
                                         .body_file = body_file->length > 0 ? body_file : NULL,
                                         .stall_ns =
                                             world_real_deadline_ns(world, stall_limit_ns) - world_now_ns(world),
                                         .changes_state = true,
                                         .headers = headers,
                                         .header_count = header_count};
    int64_t deadline_ns = world_deadline_ns(world, transfer_limit_ns);
    enum error_code code = b2_exchange(call, &request, deadline_ns, error);
    if (code != ERR_OK) {
        return code;
    }
    return call->reply.status == 200 ? ERR_OK : b2_decode_error(&call->reply, error);
}

static enum error_code fetch_once(struct b2_call *call, const char *range, const struct http_body_file *to,
                                  struct error *error)
{
    struct b2 *b2 = call->b2;
    struct world *world = b2->world;
    const struct http_header headers[] = {{"Authorization", b2->account.token}, {"Range", range}};
    const struct http_request request = {.method = HTTP_GET,
                                         .origin = b2->account.download_origin,
                                         .path = call->path,
                                         .stall_ns =
                                             world_real_deadline_ns(world, stall_limit_ns) - world_now_ns(world),
                                         .headers = headers,
                                         .header_count = range == NULL ? 1 : 2};
    call->reply.body_file = to;
    int64_t deadline_ns = world_deadline_ns(world, transfer_limit_ns);
    enum error_code code = b2_exchange(call, &request, deadline_ns, error);
    call->reply.body_file = NULL;
    bool ignored = range != NULL && call->reply.status == 200;
    if (ignored && (code == ERR_OK || code == ERR_REPLY_TOO_LARGE || code == ERR_REPLY_TRUNCATED)) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "the whole file came for a range of it");
    }
    if (code != ERR_OK) {
        return code;
    }
    return call->reply.status == (range == NULL ? 200 : 206) ? ERR_OK : b2_decode_error(&call->reply, error);
}

enum error_code b2_fetch(struct b2_call *call, const char *id, const char *name, const char *range,
                         const struct http_body_file *to, struct error *error)
{
    struct buffer path;
    buffer_init_fixed(&path, call->path, sizeof call->path);
    if (id != NULL) {
        buffer_append_text(&path, "/b2api/v3/b2_download_file_by_id?fileId=");
        b2_append_encoded(&path, id);
    } else {
        buffer_printf(&path, "/file/%s/", call->b2->access.bucket);
        b2_append_encoded(&path, name);
    }
    if (path.failed) {
        return error_set(error, ERR_USAGE, "the name is too long");
    }
    enum error_code code = ERR_OK;
    for (int renewals = 0; renewals <= RENEWALS_MOST; renewals++) {
        int64_t generation = call->b2->generation;
        code = fetch_once(call, range, to, error);
        if (code != ERR_TOKEN_EXPIRED) {
            break;
        }
        note_fault(call->b2->world, "b2-expired-token", "download: %s; authorized anew", error->message);
        code = b2_renew(call, generation, error);
        if (code != ERR_OK) {
            return code;
        }
        code = error_set(error, ERR_NOT_AUTHENTICATED, "new tokens are refused, too");
    }
    return code;
}
