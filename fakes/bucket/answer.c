/* Answers: errors, and files as replies show them. */
#include <string.h>

#include "fakes/bucket/state.h"

enum { MESSAGE_SIZE = 256 };

bool bucket_refuse(struct exchange *exchange, int status, const char *code, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    struct json_writer json;
    struct http_reply *reply = &exchange->open.reply;
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    buffer_clear(&reply->body);
    reply->status = status;
    json_writer_init(&json, &reply->body, 0);
    json_begin_object(&json);
    json_member_int(&json, "status", status);
    json_member_string(&json, "code", code);
    json_member_string(&json, "message", message);
    json_end_object(&json);
    exchange->open.decided = true;
    return false;
}

bool bucket_refuse_request(struct exchange *exchange, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    return bucket_refuse(exchange, 400, "bad_request", "%s", message);
}

bool bucket_refuse_bucket(struct exchange *exchange, const char *id)
{
    return bucket_refuse(exchange, 400, "bad_bucket_id", "Bucket does not exist: %.64s", id);
}

bool bucket_refuse_exhausted(struct exchange *exchange)
{
    return bucket_refuse(exchange, 500, "internal_error", "the fake has no memory or no room on its disk");
}

struct json_writer bucket_answer(struct exchange *exchange)
{
    struct json_writer json;
    exchange->open.reply.status = 200;
    json_writer_init(&json, &exchange->open.reply.body, 0);
    return json;
}

static void write_pair(void *context, const char *name, const char *value)
{
    json_member_string(context, name, value);
}

static const char *action_shown(enum file_action action)
{
    static const char *const names[] = {
#define FILE_ACTION_NAME(code, name) name,
        FILE_ACTION_LIST(FILE_ACTION_NAME)
#undef FILE_ACTION_NAME
    };
    return names[action];
}

static void member_raw(struct json_writer *json, const char *key, const char *value)
{
    json_key(json, key);
    json_raw(json, span_of(value));
}

static void member_name(struct json_writer *json, struct span name)
{
    json_key(json, "fileName");
    json_span(json, name);
}

void write_version(struct json_writer *json, const struct exchange *exchange, const struct version *version,
                   bool listed)
{
    char id[FILE_ID_SIZE];
    char sha1[SHOWN_SHA1_SIZE];
    version_id(version, id);
    version_sha1(version, sha1);
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    json_member_string(json, "action", action_shown(version->action));
    json_member_string(json, "bucketId", version->bucket->id);
    json_member_int(json, "contentLength", version->size);
    json_member_string(json, "contentMd5", version->md5[0] == '\0' ? NULL : version->md5);
    json_member_string(json, "contentSha1", sha1);
    json_member_string(json, "contentType", version->content_type);
    json_member_string(json, "fileId", id);
    json_key(json, "fileInfo");
    json_begin_object(json);
    file_info_each(version->info, write_pair, json);
    json_end_object(json);
    member_name(json, version->name->text);
    member_raw(json, "fileRetention",
               "{\"isClientAuthorizedToRead\":true,\"value\":{\"mode\":null,\"retainUntilTimestamp\":null}}");
    member_raw(json, "legalHold", "{\"isClientAuthorizedToRead\":true,\"value\":null}");
    member_raw(json, "serverSideEncryption", "{\"algorithm\":null,\"mode\":null}");
    json_member_int(json, "uploadTimestamp", version->uploaded_ms);
    if (listed && exchange->version == 1) {
        json_member_int(json, "size", version->size);
    }
    json_end_object(json);
}

void write_folder(struct json_writer *json, const struct exchange *exchange, const struct file_bucket *bucket,
                  struct span name)
{
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    json_member_string(json, "action", "folder");
    json_member_string(json, "bucketId", bucket->id);
    json_member_int(json, "contentLength", 0);
    json_member_null(json, "contentMd5");
    json_member_null(json, "contentSha1");
    json_member_null(json, "contentType");
    json_member_null(json, "fileId");
    member_raw(json, "fileInfo", "{}");
    member_name(json, name);
    json_member_null(json, "fileRetention");
    json_member_null(json, "legalHold");
    json_member_null(json, "serverSideEncryption");
    json_member_int(json, "uploadTimestamp", 0);
    if (exchange->version == 1) {
        json_member_int(json, "size", 0);
    }
    json_end_object(json);
}

void write_part(struct json_writer *json, const struct version *version, const struct part *part)
{
    char id[FILE_ID_SIZE];
    version_id(version, id);
    json_begin_object(json);
    json_member_int(json, "contentLength", part->size);
    json_member_null(json, "contentMd5");
    json_member_string(json, "contentSha1", part->sha1);
    json_member_string(json, "fileId", id);
    json_member_int(json, "partNumber", part->number);
    member_raw(json, "serverSideEncryption", "{\"algorithm\":null,\"mode\":null}");
    json_member_int(json, "uploadTimestamp", part->uploaded_ms);
    json_end_object(json);
}

void write_file_reference(struct json_writer *json, const struct exchange *exchange, const struct version *version,
                          bool whole)
{
    char id[FILE_ID_SIZE];
    version_id(version, id);
    json_begin_object(json);
    if (whole) {
        json_member_string(json, "accountId", exchange->service->account_id);
        json_member_string(json, "bucketId", version->bucket->id);
    }
    json_member_string(json, "fileId", id);
    member_name(json, version->name->text);
    json_end_object(json);
}
