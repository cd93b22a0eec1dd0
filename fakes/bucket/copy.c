/* b2_copy_file and b2_copy_part: a copy shares the bytes of its source. */
#include <assert.h>
#include <string.h>

#include "fakes/bucket/state.h"

enum { HASH_BYTES = 64 * 1024, SLICE_BYTES = 4 * 1024 * 1024 }; /* a slice takes some milliseconds */

/* The bytes of a source that are to be copied. */
struct source {
    const struct version *version;
    int64_t offset, size;
    bool whole;
};

/* sourceFileId and range; the caller may read it. */
static bool read_source(struct exchange *exchange, struct source *source)
{
    char range[64];
    struct version *version;
    if (!argument_version(exchange, "sourceFileId", &version)) {
        return false;
    }
    if (version == NULL || version->action == ACTION_START || version->action == ACTION_HIDE) {
        return bucket_refuse(exchange, 404, "not_found", "File with such id does not exist.");
    }
    bool may_read = version->bucket->is_public || (exchange->key->capabilities & UINT32_C(1) << CAN_READ_FILES) != 0;
    if (!may_read) {
        return bucket_refuse(exchange, 401, "unauthorized", "unauthorized");
    }
    if (!access_version(exchange, version)) {
        return false;
    }
    *source = (struct source){version, 0, version->size, true};
    if (!argument_text(exchange, "range", range, sizeof range)) {
        return !exchange->open.decided;
    }
    source->whole = false;
    return bucket_range_read(range, version->size, &source->offset, &source->size) == RANGE_PART ||
           bucket_refuse(exchange, 416, "range_not_satisfiable", "The requested range is not satisfiable");
}

static bool is_not_too_large(struct exchange *exchange, const struct source *source)
{
    return source->size <= UPLOAD_BYTES_MAX ||
           bucket_refuse(exchange, 400, "source_too_large", "Copy source is too big: %lld", (long long)source->size);
}

/* ---- Digests: what is known of a source, or computed a slice at a time ------------------------------------------------------ */

static bool is_known(const struct source *source)
{
    return source->whole && source->version->standing != SHA1_NONE;
}

static bool begin_digest(struct exchange *exchange, const struct source *source)
{
    struct bucket_service *service = exchange->service;
    struct copy_digest *copy = &exchange->copy;
    extents_release(service, &copy->extents);
    copy->handle = source->version->handle;
    copy->offset = source->offset;
    copy->size = copy->left = source->size;
    copy->sha1[0] = '\0';
    if (!extents_add(service, &copy->extents, &source->version->extents, source->offset, source->size) ||
        !digest_start(&copy->digest, service->heap, DIGEST_SHA1)) {
        return false;
    }
    copy->reader = extents_from(&copy->extents, 0);
    return true;
}

/* At most `most` bytes more. False: memory or bytes are lost. */
static bool digest_on(struct exchange *exchange, int64_t most)
{
    struct bucket_service *service = exchange->service;
    struct copy_digest *copy = &exchange->copy;
    bool lost = false;
    char *bytes = heap_resize(service->heap, NULL, HASH_BYTES);
    while (bytes != NULL && !lost && copy->left > 0 && most > 0) {
        size_t wanted = copy->left < HASH_BYTES ? (size_t)copy->left : HASH_BYTES;
        size_t read = extents_read(service, &copy->reader, bytes, wanted, &lost);
        lost = lost || read == 0;
        digest_add(&copy->digest, bytes, read);
        copy->left -= (int64_t)read;
        most -= (int64_t)read;
    }
    lost = lost || bytes == NULL;
    heap_release(service->heap, bytes);
    return !lost && (copy->left > 0 || digest_finish(&copy->digest, copy->sha1));
}

static bool is_computed(const struct exchange *exchange, const struct source *source)
{
    const struct copy_digest *copy = &exchange->copy;
    return copy->sha1[0] != '\0' && copy->handle == source->version->handle && copy->offset == source->offset &&
           copy->size == source->size;
}

/* SHA-1 of the source's bytes. */
static bool digest_source(struct exchange *exchange, const struct source *source, char sha1[DIGEST_HEX_SIZE])
{
    if (is_known(source)) {
        return text_copy(sha1, DIGEST_HEX_SIZE, source->version->sha1);
    }
    bool good = is_computed(exchange, source);
    if (!good) {
        copy_release(exchange);
        good = begin_digest(exchange, source) && digest_on(exchange, source->size);
    }
    return (good && text_copy(sha1, DIGEST_HEX_SIZE, exchange->copy.sha1)) || bucket_refuse_exhausted(exchange);
}

void copy_release(struct exchange *exchange)
{
    struct copy_digest *copy = &exchange->copy;
    char unused[DIGEST_HEX_SIZE];
    if (copy->digest.context != NULL) {
        (void)!digest_finish(&copy->digest, unused);
    }
    extents_release(exchange->service, &copy->extents);
}

/* A source that is refused here is refused, and one that changes until the copy takes effect is looked at again then. */
static bool begin_copy(struct exchange *exchange)
{
    struct source source = {0};
    bool whole_file = exchange->open.call == BUCKET_COPY_FILE;
    if (!bucket_read_arguments(exchange) || !access_check(exchange, CAN_WRITE_FILES) ||
        !read_source(exchange, &source)) {
        return false;
    }
    assert(source.version != NULL);
    bool wanted = !is_known(&source) && !(whole_file && source.whole) && source.size <= UPLOAD_BYTES_MAX;
    return wanted && begin_digest(exchange, &source);
}

bool copy_prepare(struct exchange *exchange)
{
    struct copy_digest *copy = &exchange->copy;
    if (copy->stage == COPY_NOT_LOOKED_AT) {
        copy->stage = begin_copy(exchange) ? COPY_UNDER_WAY : COPY_LOOKED_AT;
    }
    bool more = copy->stage == COPY_UNDER_WAY && digest_on(exchange, SLICE_BYTES) && copy->left > 0;
    copy->stage = more ? COPY_UNDER_WAY : COPY_LOOKED_AT;
    return more;
}

/* What the copy says of itself: its source's words, or those of the request. */
static bool read_directive(struct exchange *exchange, const struct version *source, const char *name,
                           char type[CONTENT_TYPE_MAX + 1], struct file_info_draft *info, bool *replaces)
{
    char directive[16];
    char given[CONTENT_TYPE_MAX + 1] = "";
    if (!argument_text(exchange, "metadataDirective", directive, sizeof directive)) {
        (void)text_copy(directive, sizeof directive, "COPY");
    }
    bool has_type = argument_text(exchange, "contentType", given, sizeof given);
    if (exchange->open.decided || !argument_info(exchange, info)) {
        return false;
    }
    *replaces = strcmp(directive, "REPLACE") == 0;
    if (!*replaces && strcmp(directive, "COPY") != 0) {
        return bucket_refuse_request(exchange, "metadataDirective is COPY or REPLACE");
    }
    if (*replaces != has_type || (!*replaces && argument_value(exchange, "fileInfo") != NULL)) {
        return bucket_refuse_request(exchange, "contentType comes with REPLACE, and nothing with COPY");
    }
    return content_type_read(exchange, *replaces ? given : source->content_type, name, type);
}

static void add_pair(void *context, const char *name, const char *value)
{
    struct file_info_draft *draft = context;
    (void)!file_info_draft_add(draft, span_of(name), span_of(value)); /* it fitted once */
}

/* Where the copy goes: destinationBucketId, or the source's bucket. */
static struct file_bucket *read_destination(struct exchange *exchange, const struct version *source)
{
    char id[FILE_ID_SIZE];
    struct file_bucket *bucket = source->bucket;
    if (argument_text(exchange, "destinationBucketId", id, sizeof id)) {
        bucket = bucket_by_id(exchange->service, id);
        if (bucket == NULL) {
            (void)bucket_refuse_bucket(exchange, id);
            return NULL;
        }
    }
    return !exchange->open.decided && access_bucket(exchange, bucket) ? bucket : NULL;
}

static void keep_copy(struct exchange *exchange, struct version_draft *draft, const struct source *source,
                      const struct file_info_draft *info)
{
    struct bucket_service *service = exchange->service;
    bool good = extents_add(service, &draft->extents, &source->version->extents, source->offset, source->size);
    draft->info = good ? file_info_new(service->heap, info) : NULL;
    const struct version *version = draft->info == NULL ? NULL : version_add(service, draft);
    if (version == NULL) {
        heap_release(service->heap, draft->info);
        extents_release(service, &draft->extents);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_version(&json, exchange, version, false);
}

void call_copy_file(struct exchange *exchange)
{
    char name[FILE_NAME_MAX + 1];
    char type[CONTENT_TYPE_MAX + 1];
    char sha1[DIGEST_HEX_SIZE];
    struct file_info_draft info;
    struct source source = {0};
    bool replaces;
    if (!access_check(exchange, CAN_WRITE_FILES) || !read_source(exchange, &source)) {
        return;
    }
    assert(source.version != NULL);
    if (!is_not_too_large(exchange, &source) || !argument_name(exchange, name) ||
        !read_directive(exchange, source.version, name, type, &info, &replaces)) {
        return;
    }
    struct file_bucket *bucket = read_destination(exchange, source.version);
    if (bucket == NULL) {
        return;
    }
    bool same = source.whole && source.version->standing == SHA1_NONE;
    if (!same && !digest_source(exchange, &source, sha1)) {
        return;
    }
    if (!replaces) {
        file_info_each(source.version->info, add_pair, &info);
    }
    /* A copy of a whole file is known as well as its source is. */
    struct version_draft draft = {.bucket = bucket,
                                  .name = span_of(name),
                                  .action = ACTION_COPY,
                                  .standing = source.whole ? source.version->standing : SHA1_VERIFIED,
                                  .sha1 = same ? "" : sha1,
                                  .md5 = source.whole ? source.version->md5 : "",
                                  .content_type = type};
    keep_copy(exchange, &draft, &source, &info);
}

/* largeFileId: an unfinished file that the caller may write. */
static struct version *read_large(struct exchange *exchange)
{
    struct version *large;
    if (!argument_version(exchange, "largeFileId", &large)) {
        return NULL;
    }
    if (large == NULL || large->action != ACTION_START) {
        (void)bucket_refuse_request(exchange, "No active upload for that largeFileId");
        return NULL;
    }
    return access_version(exchange, large) ? large : NULL;
}

void call_copy_part(struct exchange *exchange)
{
    char sha1[DIGEST_HEX_SIZE];
    struct source source = {0};
    struct part part = {.number = 0};
    struct bucket_service *service = exchange->service;
    struct version *large = access_check(exchange, CAN_WRITE_FILES) ? read_large(exchange) : NULL;
    if (large == NULL || !argument_integer(exchange, "partNumber", 1, PARTS_MAX, 0, &part.number) ||
        !read_source(exchange, &source) || !is_not_too_large(exchange, &source)) {
        return;
    }
    if (part.number == 0 || source.size == 0) {
        (void)bucket_refuse_request(exchange, "partNumber is required, and a source that is not empty");
        return;
    }
    if (!digest_source(exchange, &source, sha1)) {
        return;
    }
    (void)text_copy(part.sha1, sizeof part.sha1, sha1);
    if (!extents_add(service, &part.extents, &source.version->extents, source.offset, source.size) ||
        !part_put(service, large, &part)) {
        extents_release(service, &part.extents);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_part(&json, large, &part);
}
