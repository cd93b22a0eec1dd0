/* Large files: start, parts, finish, cancel, and the list of unfinished ones. */
#include <string.h>

#include "fakes/bucket/state.h"

enum { PARTS_A_PAGE_MOST = 1000, UNFINISHED_A_PAGE_MOST = 100 };

struct version *large_file_for(struct exchange *exchange, enum capability capability)
{
    struct version *version;
    if (!access_check(exchange, capability) || !argument_version(exchange, "fileId", &version)) {
        return NULL;
    }
    if (version == NULL || version->action != ACTION_START) {
        (void)bucket_refuse_request(exchange, "No active upload for that fileId");
        return NULL;
    }
    return access_version(exchange, version) ? version : NULL;
}

void call_start_large_file(struct exchange *exchange)
{
    char name[FILE_NAME_MAX + 1];
    char given[CONTENT_TYPE_MAX + 1];
    char type[CONTENT_TYPE_MAX + 1];
    struct file_info_draft info;
    struct file_bucket *bucket = access_check(exchange, CAN_WRITE_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket) || !argument_name(exchange, name) ||
        !argument_required(exchange, "contentType", given, sizeof given) ||
        !content_type_read(exchange, given, name, type) || !argument_info(exchange, &info) ||
        !test_mode_allows_upload(exchange)) {
        return;
    }
    struct version_draft draft = {.bucket = bucket,
                                  .name = span_of(name),
                                  .action = ACTION_START,
                                  .standing = SHA1_NONE,
                                  .sha1 = "",
                                  .md5 = "",
                                  .content_type = type};
    draft.info = file_info_new(exchange->service->heap, &info);
    struct version *version = draft.info == NULL ? NULL : version_add(exchange->service, &draft);
    if (version == NULL) {
        heap_release(exchange->service->heap, draft.info);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_version(&json, exchange, version, false);
}

void call_list_parts(struct exchange *exchange)
{
    int64_t start;
    int64_t most;
    const struct version *version = large_file_for(exchange, CAN_WRITE_FILES);
    if (version == NULL || !argument_integer(exchange, "startPartNumber", 1, PARTS_MAX, 1, &start) ||
        !argument_integer(exchange, "maxPartCount", 1, PARTS_A_PAGE_MOST, 100, &most)) {
        return;
    }
    size_t nth;
    (void)part_find(&version->parts, start, &nth);
    struct json_writer json = bucket_answer(exchange);
    json_begin_object(&json);
    json_key(&json, "parts");
    json_begin_array(&json);
    for (; nth < version->parts.count && most > 0; nth++, most--) {
        write_part(&json, version, version->parts.at[nth]);
    }
    json_end_array(&json);
    json_key(&json, "nextPartNumber");
    if (nth < version->parts.count) {
        json_int(&json, version->parts.at[nth]->number);
    } else {
        json_null(&json);
    }
    json_end_object(&json);
}

/* The parts are those of the array, in its order, from 1 on, and none but the last is too small. */
static bool parts_fit(struct exchange *exchange, const struct version *version, const cJSON *sha1s)
{
    const struct parts *parts = &version->parts;
    size_t nth = 0;
    for (const cJSON *each = sha1s->child; each != NULL; each = each->next, nth++) {
        char sha1[BUCKET_SHA1_SIZE];
        int number = (int)nth + 1;
        if (!cJSON_IsString(each) || !bucket_sha1_read(each->valuestring, sha1)) {
            return bucket_refuse_request(exchange, "partSha1Array holds something that is no SHA-1");
        }
        if (nth >= parts->count || parts->at[nth]->number != number) {
            return bucket_refuse(exchange, 400, "missing_part", "Part number %d has not been uploaded", number);
        }
        if (strcmp(parts->at[nth]->sha1, sha1) != 0) {
            return bucket_refuse(exchange, 400, "part_sha1_mismatch", "Part %d sha1 mismatch", number);
        }
        if (each->next != NULL && parts->at[nth]->size < exchange->service->options.least_part_bytes) {
            return bucket_refuse_request(exchange, "Part number %d is smaller than %lld bytes", number,
                                         (long long)exchange->service->options.least_part_bytes);
        }
    }
    if (nth < parts->count) {
        return bucket_refuse_request(exchange, "Part number %lld is not in partSha1Array",
                                     (long long)parts->at[nth]->number);
    }
    return true;
}

void call_finish_large_file(struct exchange *exchange)
{
    struct version *version = large_file_for(exchange, CAN_WRITE_FILES);
    if (version == NULL) {
        return;
    }
    const cJSON *sha1s = argument_value(exchange, "partSha1Array");
    if (!cJSON_IsArray(sha1s)) {
        (void)bucket_refuse_request(exchange, "partSha1Array is required");
    } else if (cJSON_GetArraySize(sha1s) < 2) {
        (void)bucket_refuse_request(exchange, "large files must have at least 2 parts");
    } else if (parts_fit(exchange, version, sha1s)) {
        if (!version_finish(exchange->service, version)) {
            (void)bucket_refuse_exhausted(exchange);
            return;
        }
        struct json_writer json = bucket_answer(exchange);
        write_version(&json, exchange, version, false);
    }
}

void call_cancel_large_file(struct exchange *exchange)
{
    struct version *version = large_file_for(exchange, CAN_WRITE_FILES);
    if (version == NULL) {
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_file_reference(&json, exchange, version, true);
    if (!exchange->open.reply.body.failed && !version_remove(exchange->service, version)) {
        (void)bucket_refuse_exhausted(exchange);
    }
}

/* ---- Unfinished ones ------------------------------------------------------------------------------------------------------ */

/* The order of the list: when they were started, then by handle; `a` before `b`. */
static bool starts_before(const struct version *a, const struct version *b)
{
    return a->uploaded_ms != b->uploaded_ms ? a->uploaded_ms < b->uploaded_ms : a->handle < b->handle;
}

/* The first unfinished file of the bucket and prefix that comes after `after` (NULL: of all). */
static const struct version *next_unfinished(const struct file_bucket *bucket, struct span prefix,
                                             const struct version *after)
{
    const struct version *first = NULL;
    for (const struct listed_name *name = name_list_from(&bucket->names, prefix);
         name != NULL && name->text.length >= prefix.length &&
         (prefix.length == 0 || memcmp(name->text.at, prefix.at, prefix.length) == 0);
         name = name_list_next(name)) {
        for (const struct version *each = name->newest; each != NULL; each = each->older) {
            if (each->action == ACTION_START && (after == NULL || starts_before(after, each)) &&
                (first == NULL || starts_before(each, first))) {
                first = each;
            }
        }
    }
    return first;
}

void call_list_unfinished(struct exchange *exchange)
{
    char prefix[FILE_NAME_MAX + 1] = "";
    char start[256] = "";
    int64_t most;
    struct bucket_service *service = exchange->service;
    struct file_bucket *bucket = access_check(exchange, CAN_LIST_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket) ||
        !argument_integer(exchange, "maxFileCount", 0, UNFINISHED_A_PAGE_MOST, 100, &most)) {
        return;
    }
    (void)argument_text(exchange, "namePrefix", prefix, sizeof prefix);
    bool from_start = argument_text(exchange, "startFileId", start, sizeof start);
    if (exchange->open.decided || !access_name(exchange, span_of(prefix))) {
        return;
    }
    const struct version *next =
        from_start ? version_by_id(service, start) : next_unfinished(bucket, span_of(prefix), NULL);
    if (from_start && (next == NULL || next->bucket != bucket || next->action != ACTION_START)) {
        (void)bucket_refuse_request(exchange, "startFileId is no unfinished file of the bucket");
        return;
    }
    char next_id[FILE_ID_SIZE];
    struct json_writer json = bucket_answer(exchange);
    most = most == 0 ? UNFINISHED_A_PAGE_MOST : most;
    json_begin_object(&json);
    json_key(&json, "files");
    json_begin_array(&json);
    for (; next != NULL && most > 0; most--) {
        write_version(&json, exchange, next, false);
        next = next_unfinished(bucket, span_of(prefix), next);
    }
    json_end_array(&json);
    if (next != NULL) {
        version_id(next, next_id);
    }
    json_member_string(&json, "nextFileId", next == NULL ? NULL : next_id);
    json_end_object(&json);
}
