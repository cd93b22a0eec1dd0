/* Downloads, by name and by id, whole or in part. */
#include <string.h>

#include "fakes/bucket/percent.h"
#include "fakes/bucket/state.h"

/* Reads digits; false when there are none or the number is too large. */
static bool read_number(const char **at, int64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (*out > (INT64_MAX - 9) / 10) {
            return false;
        }
        *out = *out * 10 + (**at - '0');
    }
    return *at != from;
}

enum range_kind bucket_range_read(const char *text, int64_t size, int64_t *offset, int64_t *length)
{
    static const char unit[] = "bytes=";
    int64_t first;
    int64_t last = INT64_MAX;
    *offset = 0;
    *length = size;
    if (strncmp(text, unit, sizeof unit - 1) != 0) {
        return RANGE_WHOLE;
    }
    const char *at = text + sizeof unit - 1;
    if (*at == '-') { /* the last so many bytes */
        at++;
        if (!read_number(&at, &last) || *at != '\0') {
            return RANGE_WHOLE;
        }
        *length = last < size ? last : size;
        *offset = size - *length;
        return *length > 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
    }
    if (!read_number(&at, &first) || *at++ != '-' || (*at != '\0' && !read_number(&at, &last)) || *at != '\0' ||
        last < first) {
        return RANGE_WHOLE;
    }
    if (first >= size) {
        return RANGE_UNSATISFIABLE;
    }
    *offset = first;
    *length = last < size - 1 ? last - first + 1 : size - first;
    return RANGE_PART;
}

static void add_encoded(struct http_reply *reply, const char *name, struct span value)
{
    buffer_printf(&reply->headers, "%s: ", name);
    bucket_percent_append(&reply->headers, value);
    buffer_append_text(&reply->headers, "\r\n");
}

static void add_info(void *context, const char *name, const char *value)
{
    /* Information that stands for a header of HTTP too. */
    static const struct {
        const char *name, *header;
    } standing[] = {
        {"b2-content-disposition", "Content-Disposition"},
        {"b2-content-language", "Content-Language"},
        {"b2-expires", "Expires"},
        {"b2-content-encoding", "Content-Encoding"},
    };
    struct http_reply *reply = context;
    char header[FILE_INFO_BYTES_MAX + 16];
    (void)text_format(header, sizeof header, "x-bz-info-%s", name);
    add_encoded(reply, header, span_of(value));
    for (size_t i = 0; i < ARRAY_LENGTH(standing); i++) {
        if (strcmp(name, standing[i].name) == 0) {
            http_reply_add_header(reply, standing[i].header, value);
        }
    }
}

static void add_headers(struct exchange *exchange, const struct version *version)
{
    char text[SHOWN_SHA1_SIZE];
    char id[FILE_ID_SIZE];
    struct http_reply *reply = &exchange->open.reply;
    (void)text_copy(reply->content_type, sizeof reply->content_type, version->content_type);
    http_reply_add_header(reply, "Accept-Ranges", "bytes");
    version_sha1(version, text);
    http_reply_add_header(reply, "x-bz-content-sha1", text);
    version_id(version, id);
    http_reply_add_header(reply, "x-bz-file-id", id);
    add_encoded(reply, "x-bz-file-name", version->name->text);
    (void)text_format(text, sizeof text, "%lld", (long long)version->uploaded_ms);
    http_reply_add_header(reply, "X-Bz-Upload-Timestamp", text);
    file_info_each(version->info, add_info, reply);
}

/* Starts the download of the version, or of the range that the request asks for. */
static void start_download(struct exchange *exchange, const struct version *version)
{
    char text[96];
    int64_t offset = 0;
    int64_t size = version->size;
    struct download *download = &exchange->download;
    const char *range = http_request_header(exchange->head, "Range");
    enum range_kind kind = range == NULL ? RANGE_WHOLE : bucket_range_read(range, version->size, &offset, &size);
    if (!test_mode_caps(exchange, "download_cap_exceeded",
                        "Bandwidth cap exceeded. See the Caps & Alerts page to increase your cap.")) {
        return;
    }
    if (kind == RANGE_UNSATISFIABLE) {
        (void)text_format(text, sizeof text, "bytes */%lld", (long long)version->size);
        http_reply_add_header(&exchange->open.reply, "Content-Range", text);
        (void)bucket_refuse(exchange, 416, "range_not_satisfiable", "The requested range is not satisfiable");
        return;
    }
    if (!extents_add(exchange->service, &download->extents, &version->extents, 0, version->size)) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    add_headers(exchange, version);
    exchange->open.reply.status = kind == RANGE_PART ? 206 : 200;
    if (kind == RANGE_PART) {
        (void)text_format(text, sizeof text, "bytes %lld-%lld/%lld", (long long)offset, (long long)(offset + size - 1),
                          (long long)version->size);
        http_reply_add_header(&exchange->open.reply, "Content-Range", text);
    }
    exchange->open.streamed = true;
    exchange->open.reply_size = size;
    download->reader = extents_from(&download->extents, offset);
    download->left = exchange->head->method == HTTP_HEAD ? 0 : size;
    if (exchange->open.reply.headers.failed) {
        exchange->open.streamed = false;
        (void)bucket_refuse_exhausted(exchange);
    }
}

static bool refuse_missing(struct exchange *exchange, const char *what)
{
    return bucket_refuse(exchange, 404, "not_found", "File with such %s does not exist.", what);
}

void call_download_by_name(struct exchange *exchange)
{
    static const char prefix[] = "/file/";
    char storage[FILE_NAME_MAX + BUCKET_NAME_SIZE + 2];
    struct buffer decoded;
    const char *path = exchange->head->path + sizeof prefix - 1;
    buffer_init_fixed(&decoded, storage, sizeof storage);
    if (!bucket_percent_decode(&decoded, (struct span){path, strcspn(path, "?")})) {
        (void)bucket_refuse_request(exchange, "the path is too long, or badly encoded");
        return;
    }
    size_t length = 0;
    while (length < decoded.length && storage[length] != '/') {
        length++;
    }
    struct file_bucket *bucket = bucket_by_name(exchange->service, (struct span){storage, length});
    if (bucket == NULL || length == decoded.length) {
        (void)refuse_missing(exchange, "name");
        return;
    }
    struct span name = {storage + length + 1, decoded.length - length - 1};
    if (!access_download(exchange, bucket, name)) {
        return;
    }
    const struct listed_name *listed = name_list_find(&bucket->names, name);
    const struct version *newest = listed == NULL ? NULL : version_newest(listed);
    if (newest == NULL || newest->action == ACTION_HIDE) {
        (void)refuse_missing(exchange, "name");
        return;
    }
    start_download(exchange, newest);
}

void call_download_by_id(struct exchange *exchange)
{
    struct version *version;
    if (!argument_version(exchange, "fileId", &version)) {
        return;
    }
    if (version == NULL || version->action == ACTION_START) {
        (void)refuse_missing(exchange, "id");
        return;
    }
    if (access_download(exchange, version->bucket, version->name->text)) {
        if (version->action == ACTION_HIDE) {
            (void)refuse_missing(exchange, "id");
            return;
        }
        start_download(exchange, version);
    }
}
