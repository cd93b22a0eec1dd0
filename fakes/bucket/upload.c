/* b2_upload_file and b2_upload_part: bodies that stream in. */
#include <assert.h>
#include <string.h>

#include "fakes/bucket/percent.h"
#include "fakes/bucket/state.h"

bool bucket_sha1_read(const char *text, char out[BUCKET_SHA1_SIZE])
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length && i < BUCKET_SHA1_SIZE; i++) {
        char c = text[i];
        bool upper = c >= 'A' && c <= 'F';
        if (!upper && !(c >= 'a' && c <= 'f') && !(c >= '0' && c <= '9')) {
            return false;
        }
        out[i] = upper ? (char)(c - 'A' + 'a') : c;
    }
    if (length != BUCKET_SHA1_SIZE - 1) {
        return false;
    }
    out[length] = '\0';
    return true;
}

/* ---- The head ------------------------------------------------------------------------------------------------------------- */

/* What stands behind "/b2api/vN/b2_upload_xxx/" until the next slash. */
static bool id_in_path(const struct exchange *exchange, char *id, size_t size)
{
    const char *at = exchange->head->path;
    for (int slashes = 0; slashes < 4; slashes++) {
        at = strchr(at, '/');
        if (at == NULL) {
            return false;
        }
        at++;
    }
    size_t length = strcspn(at, "/?");
    if (length >= size) {
        return false;
    }
    memcpy(id, at, length);
    id[length] = '\0';
    return true;
}

/* The token is one for uploads, it is this URL's, and nobody else uses it. */
static bool take_token(struct exchange *exchange)
{
    char id[FILE_ID_SIZE];
    struct bucket_service *service = exchange->service;
    struct upload *upload = exchange->upload;
    const char *text = authorization_of(exchange);
    if (text == NULL) {
        return bucket_refuse(exchange, 401, "missing_auth_token", "Authorization header is missing");
    }
    struct token *token = token_check(exchange, TOKEN_UPLOAD, text);
    if (token == NULL) {
        return false;
    }
    exchange->key = bucket_key_by_number(service, token->key_number);
    const struct version *large =
        token->large_handle == 0 ? NULL : number_index_find(&service->versions, token->large_handle);
    bool fits = id_in_path(exchange, id, sizeof id) &&
                (exchange->open.call == BUCKET_UPLOAD_PART) == (token->large_handle != 0);
    if (fits && token->large_handle == 0) {
        fits = strcmp(id, token->bucket_id) == 0 && bucket_by_id(service, id) != NULL;
    } else if (fits) {
        fits = large != NULL && version_by_id(service, id) == large;
    }
    if (!fits) {
        return bucket_refuse_request(exchange,
                                     "the upload URL and the token do not belong together, or their file is gone");
    }
    if (token->busy) {
        return bucket_refuse(exchange, 400, "auth_token_limit", "more than one upload using auth token");
    }
    (void)text_copy(upload->bucket_id, sizeof upload->bucket_id, token->bucket_id);
    upload->large_handle = token->large_handle;
    upload->token_serial = token->serial;
    token->busy = true;
    return true;
}

/* The upload's token, while it is remembered. */
static struct token *token_of(const struct exchange *exchange)
{
    struct token_ring *ring = &exchange->service->access.rings[TOKEN_UPLOAD];
    struct token *token =
        exchange->upload->token_serial == 0 ? NULL : &ring->tokens[exchange->upload->token_serial % ring->room];
    return token != NULL && token->serial == exchange->upload->token_serial ? token : NULL;
}

static bool read_size_and_sha1(struct exchange *exchange, int64_t size)
{
    struct upload *upload = exchange->upload;
    const char *sha1 = http_request_header(exchange->head, "X-Bz-Content-Sha1");
    if (size < 0) {
        return bucket_refuse_request(exchange, "Content-Length is required");
    }
    if (sha1 == NULL) {
        return bucket_refuse_request(exchange, "Missing header: X-Bz-Content-Sha1");
    }
    upload->size = size;
    upload->standing = SHA1_VERIFIED;
    if (strcmp(sha1, "hex_digits_at_end") == 0) {
        upload->at_end = true;
        upload->size = size - TRAILER_BYTES;
    } else if (strcmp(sha1, "do_not_verify") == 0) {
        upload->standing = SHA1_UNVERIFIED;
    } else if (!bucket_sha1_read(sha1, upload->expected_sha1)) {
        return bucket_refuse_request(exchange, "Invalid X-Bz-Content-Sha1");
    }
    if (upload->size < 0 || upload->size > UPLOAD_BYTES_MAX) {
        return bucket_refuse_request(exchange, "an upload has at most %lld bytes", (long long)UPLOAD_BYTES_MAX);
    }
    return true;
}

/* Headers X-Bz-Info-NAME with percent-encoded values. */
static bool read_info(struct exchange *exchange)
{
    static const char prefix[] = "x-bz-info-";
    char storage[FILE_INFO_BYTES_MAX];
    for (size_t i = 0; i < exchange->head->header_count; i++) {
        const struct http_header *header = &exchange->head->headers[i];
        size_t length = strlen(header->name);
        struct buffer value;
        bool ours = length >= sizeof prefix - 1;
        for (size_t c = 0; ours && c < sizeof prefix - 1; c++) {
            ours = (header->name[c] | 0x20) == prefix[c] || header->name[c] == prefix[c];
        }
        if (!ours) {
            continue;
        }
        struct span name = {header->name + sizeof prefix - 1, length - (sizeof prefix - 1)};
        buffer_init_fixed(&value, storage, sizeof storage);
        if (!bucket_percent_decode(&value, span_of(header->value)) ||
            !file_info_draft_add(&exchange->upload->info, name, (struct span){storage, value.length})) {
            return bucket_refuse_request(exchange, "Invalid header: %.64s, or more than %d of its kind", header->name,
                                         FILE_INFO_PAIRS_MAX);
        }
    }
    return true;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text);
    size_t end = strlen(ending);
    return length >= end && strcmp(text + length - end, ending) == 0;
}

/* What b2/x-auto becomes. */
static const char *type_by_name(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".txt", "text/plain"},
        {".html", "text/html"},
        {".json", "application/json"},
        {".css", "text/css"},
        {".csv", "text/csv"},
        {".jpg", "image/jpeg"},
        {".png", "image/png"},
        {".gif", "image/gif"},
        {".pdf", "application/pdf"},
        {".zip", "application/zip"},
        {".tar", "application/x-tar"},
        {".gz", "application/x-gzip"},
        {".js", "application/javascript"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
        if (ends_with(name, types[i].ending)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

bool content_type_read(struct exchange *exchange, const char *given, const char *name, char out[CONTENT_TYPE_MAX + 1])
{
    const char *type = strcmp(given, "b2/x-auto") == 0 ? type_by_name(name) : given;
    for (const char *c = type; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') {
            return bucket_refuse_request(exchange, "Invalid content type");
        }
    }
    return (type[0] != '\0' && text_copy(out, CONTENT_TYPE_MAX + 1, type)) ||
           bucket_refuse_request(exchange, "Invalid content type");
}

static bool read_file_head(struct exchange *exchange)
{
    struct upload *upload = exchange->upload;
    struct buffer name;
    buffer_init_fixed(&name, upload->name, sizeof upload->name);
    const char *encoded = http_request_header(exchange->head, "X-Bz-File-Name");
    const char *type = http_request_header(exchange->head, "Content-Type");
    if (encoded == NULL || !bucket_percent_decode(&name, span_of(encoded)) ||
        !bucket_file_name_is_good((struct span){upload->name, name.length})) {
        return bucket_refuse_request(exchange, "X-Bz-File-Name is missing or no file name");
    }
    if (type == NULL) {
        return bucket_refuse_request(exchange, "Missing header: Content-Type");
    }
    return access_name(exchange, span_of(upload->name)) && read_info(exchange) &&
           content_type_read(exchange, type, upload->name, upload->content_type);
}

static bool read_part_head(struct exchange *exchange)
{
    const char *number = http_request_header(exchange->head, "X-Bz-Part-Number");
    int64_t value = 0;
    if (number == NULL || !decimal_parse_exact(span_of(number), 0, &value) || value < 1 || value > PARTS_MAX) {
        return bucket_refuse_request(exchange, "X-Bz-Part-Number is missing or not from 1 to %d", PARTS_MAX);
    }
    exchange->upload->part_number = value;
    return exchange->upload->size > 0 || bucket_refuse_request(exchange, "a part is not empty");
}

/* In a test of the client's patience, some uploads fail. */
static bool test_mode_lets_through(struct exchange *exchange)
{
    const char *mode = http_request_header(exchange->head, "X-Bz-Test-Mode");
    if (mode != NULL && strcmp(mode, "fail_some_uploads") == 0 &&
        bucket_draw(exchange->service, BUCKET_DRAW_UPLOAD_FAILS) % 4 == 0) {
        return bucket_refuse(exchange, 503, "service_unavailable", "c000_v0001030_t0012 is too busy");
    }
    return test_mode_allows_upload(exchange);
}

static bool open_upload(struct exchange *exchange)
{
    struct bucket_service *service = exchange->service;
    struct upload *upload = exchange->upload;
    upload->wants_md5 = exchange->open.call == BUCKET_UPLOAD_FILE;
    upload->digests_open = true;
    bool good = digest_start(&upload->sha1, service->heap, DIGEST_SHA1);
    good = (!upload->wants_md5 || digest_start(&upload->md5, service->heap, DIGEST_MD5)) && good;
    upload->blob = good ? blob_new(service, upload->size) : NULL;
    return upload->blob != NULL || bucket_refuse_exhausted(exchange);
}

void bucket_upload_begin(struct exchange *exchange, int64_t size)
{
    exchange->upload = heap_alloc(exchange->service->heap, sizeof *exchange->upload);
    if (exchange->upload == NULL) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    (void)(take_token(exchange) && read_size_and_sha1(exchange, size) &&
           (exchange->open.call == BUCKET_UPLOAD_FILE ? read_file_head(exchange) : read_part_head(exchange)) &&
           test_mode_lets_through(exchange) && open_upload(exchange));
}

/* ---- The body ------------------------------------------------------------------------------------------------------------- */

void bucket_upload_take(struct exchange *exchange, const char *bytes, size_t size)
{
    struct upload *upload = exchange->upload;
    const struct content_store *store = exchange->service->options.content;
    int64_t left = upload->size - upload->received;
    size_t data = (int64_t)size < left ? size : (size_t)left;
    if (data > 0) {
        digest_add(&upload->sha1, bytes, data);
        if (upload->wants_md5) {
            digest_add(&upload->md5, bytes, data);
        }
        if (!store->operations->append(exchange->service->options.content, upload->blob->content, bytes, data)) {
            (void)bucket_refuse_exhausted(exchange);
            return;
        }
        upload->received += (int64_t)data;
        upload->blob->size = upload->received;
    }
    size_t rest = size - data;
    if (rest > TRAILER_BYTES - upload->trailer_size) {
        (void)bucket_refuse_request(exchange, "the body is longer than its Content-Length");
        return;
    }
    if (rest > 0) {
        memcpy(upload->trailer + upload->trailer_size, bytes + data, rest);
        upload->trailer_size += rest;
    }
}

/* ---- The end -------------------------------------------------------------------------------------------------------------- */

static bool refuse_checksum(struct exchange *exchange)
{
    return bucket_refuse_request(exchange, "Checksum did not match data received");
}

/* Length and digest are what was said; the digests are in `sha1` and `md5`. */
static bool body_is_good(struct exchange *exchange, char sha1[DIGEST_HEX_SIZE], char md5[DIGEST_HEX_SIZE])
{
    struct upload *upload = exchange->upload;
    bool whole = digest_finish(&upload->sha1, sha1);
    md5[0] = '\0';
    whole = (!upload->wants_md5 || digest_finish(&upload->md5, md5)) && whole;
    upload->digests_open = false;
    if (!whole) {
        return bucket_refuse_exhausted(exchange);
    }
    if (upload->received != upload->size || upload->trailer_size != (upload->at_end ? TRAILER_BYTES : 0)) {
        return bucket_refuse_request(exchange, "the body is shorter than its Content-Length");
    }
    if (upload->at_end &&
        (strlen(upload->trailer) != TRAILER_BYTES || !bucket_sha1_read(upload->trailer, upload->expected_sha1))) {
        return bucket_refuse_request(exchange, "the body does not end with the hex digits of its digest");
    }
    return upload->standing == SHA1_UNVERIFIED || strcmp(sha1, upload->expected_sha1) == 0 || refuse_checksum(exchange);
}

/* The blob as extents; an empty one is of no use to anybody. */
static bool extents_of_blob(struct exchange *exchange, struct extents *extents)
{
    struct bucket_service *service = exchange->service;
    struct blob *blob = exchange->upload->blob;
    if (!service->options.content->operations->seal(service->options.content, blob->content)) {
        return bucket_refuse_exhausted(exchange);
    }
    if (blob->size == 0) {
        return true;
    }
    struct extent whole = {blob, 0, blob->size};
    return extents_add(service, extents, &(struct extents){&whole, 1}, 0, blob->size) ||
           bucket_refuse_exhausted(exchange);
}

static void keep_file(struct exchange *exchange, const char *sha1, const char *md5)
{
    struct bucket_service *service = exchange->service;
    struct upload *upload = exchange->upload;
    struct version_draft draft = {.bucket = bucket_by_id(service, upload->bucket_id),
                                  .name = span_of(upload->name),
                                  .action = ACTION_UPLOAD,
                                  .standing = upload->standing,
                                  .sha1 = sha1,
                                  .md5 = md5,
                                  .content_type = upload->content_type};
    if (draft.bucket == NULL) {
        (void)bucket_refuse_bucket(exchange, upload->bucket_id);
        return;
    }
    if (!extents_of_blob(exchange, &draft.extents)) {
        return;
    }
    draft.info = file_info_new(service->heap, &upload->info);
    struct version *version = draft.info == NULL ? NULL : version_add(service, &draft);
    if (version == NULL) {
        heap_release(service->heap, draft.info);
        extents_release(service, &draft.extents);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_version(&json, exchange, version, false);
}

static void keep_part(struct exchange *exchange, const char *sha1)
{
    struct bucket_service *service = exchange->service;
    const struct upload *upload = exchange->upload;
    struct version *version = number_index_find(&service->versions, upload->large_handle);
    struct part part = {.number = upload->part_number};
    if (version == NULL || version->action != ACTION_START) {
        (void)bucket_refuse_request(exchange, "No active upload for that file");
        return;
    }
    (void)text_copy(part.sha1, sizeof part.sha1, sha1);
    if (!extents_of_blob(exchange, &part.extents)) {
        return;
    }
    if (!part_put(service, version, &part)) {
        extents_release(service, &part.extents);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_part(&json, version, &part);
}

void bucket_upload_finish(struct exchange *exchange)
{
    char sha1[DIGEST_HEX_SIZE];
    char md5[DIGEST_HEX_SIZE];
    if (!body_is_good(exchange, sha1, md5)) {
        return;
    }
    if (exchange->open.call == BUCKET_UPLOAD_FILE) {
        keep_file(exchange, sha1, md5);
    } else {
        keep_part(exchange, sha1);
    }
}

void bucket_upload_end(struct exchange *exchange)
{
    struct upload *upload = exchange->upload;
    struct token *token = token_of(exchange);
    if (token != NULL) {
        token->busy = false;
        /* An upload that was under way and came to nothing takes its token with it. */
        token->revoked = token->revoked || (upload->blob != NULL && exchange->open.reply.status != 200);
    }
    if (upload->digests_open) {
        char unused[DIGEST_HEX_SIZE];
        (void)!digest_finish(&upload->sha1, unused);
        (void)!digest_finish(&upload->md5, unused);
    }
    if (upload->blob != NULL) {
        blob_release(exchange->service, upload->blob);
    }
    heap_release(exchange->service->heap, upload);
    exchange->upload = NULL;
}
