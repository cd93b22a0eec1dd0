/* Buckets: list, create, update, delete. */
#include <string.h>

#include "fakes/bucket/state.h"

static void member_setting(struct json_writer *json, const cJSON *settings, const char *key, const char *otherwise)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(settings, key);
    char *text = value == NULL ? NULL : cJSON_PrintUnformatted(value);
    json_key(json, key);
    json_raw(json, span_of(text == NULL ? otherwise : text));
    cJSON_free(text);
}

static void write_bucket(struct json_writer *json, const struct exchange *exchange, const struct file_bucket *bucket)
{
    cJSON *settings = bucket->settings == NULL ? NULL : cJSON_Parse(bucket->settings);
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    json_member_string(json, "bucketId", bucket->id);
    member_setting(json, settings, "bucketInfo", "{}");
    json_member_string(json, "bucketName", bucket->name);
    json_member_string(json, "bucketType", bucket->is_public ? "allPublic" : "allPrivate");
    member_setting(json, settings, "corsRules", "[]");
    json_key(json, "defaultServerSideEncryption");
    json_raw(json, span_of("{\"isClientAuthorizedToRead\":true,\"value\":{\"algorithm\":null,\"mode\":null}}"));
    json_key(json, "fileLockConfiguration");
    json_raw(json, span_of("{\"isClientAuthorizedToRead\":true,\"value\":{\"defaultRetention\":{\"mode\":null,"
                           "\"period\":null},\"isFileLockEnabled\":false}}"));
    member_setting(json, settings, "lifecycleRules", "[]");
    json_key(json, "options");
    json_raw(json, span_of("[\"s3\"]"));
    json_key(json, "replicationConfiguration");
    json_raw(json, span_of("{\"isClientAuthorizedToRead\":true,\"value\":null}"));
    json_member_int(json, "revision", bucket->revision);
    json_end_object(json);
    cJSON_Delete(settings);
}

static void answer_bucket(struct exchange *exchange, const struct file_bucket *bucket)
{
    struct json_writer json = bucket_answer(exchange);
    write_bucket(&json, exchange, bucket);
}

/* The account is named in each call on buckets. */
static bool is_account(struct exchange *exchange)
{
    char id[64];
    if (!argument_required(exchange, "accountId", id, sizeof id)) {
        return false;
    }
    return strcmp(id, exchange->service->account_id) == 0 || bucket_refuse_request(exchange, "invalid accountId");
}

/* True when `bucketTypes` is absent or asks for the bucket's type, or for all. */
static bool is_of_types(const struct exchange *exchange, const struct file_bucket *bucket)
{
    const cJSON *types = argument_value(exchange, "bucketTypes");
    bool asked = types == NULL;
    for (const cJSON *type = types == NULL ? NULL : types->child; type != NULL; type = type->next) {
        asked = asked || (cJSON_IsString(type) &&
                          (strcmp(type->valuestring, "all") == 0 ||
                           strcmp(type->valuestring, bucket->is_public ? "allPublic" : "allPrivate") == 0));
    }
    return asked;
}

/* A key of one bucket must ask for it, by id or by name. */
static bool asks_within_key(struct exchange *exchange, const char *id, const char *name)
{
    const struct file_bucket *own = bucket_by_id(exchange->service, exchange->key->bucket_id);
    if (exchange->key->bucket_id[0] == '\0') {
        return true;
    }
    bool within = own != NULL && (strcmp(id, own->id) == 0 || strcmp(name, own->name) == 0) &&
                  (id[0] == '\0' || strcmp(id, own->id) == 0) && (name[0] == '\0' || strcmp(name, own->name) == 0);
    return within || bucket_refuse(exchange, 401, "unauthorized", "unauthorized");
}

void call_list_buckets(struct exchange *exchange)
{
    char id[FILE_ID_SIZE] = "";
    char name[FILE_ID_SIZE] = "";
    if (!access_check(exchange, CAN_LIST_BUCKETS) || !is_account(exchange)) {
        return;
    }
    (void)argument_text(exchange, "bucketId", id, sizeof id);
    (void)argument_text(exchange, "bucketName", name, sizeof name);
    if (exchange->open.decided || !asks_within_key(exchange, id, name)) {
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    json_begin_object(&json);
    json_key(&json, "buckets");
    json_begin_array(&json);
    for (size_t i = 0; i < exchange->service->bucket_count; i++) {
        const struct file_bucket *bucket = exchange->service->buckets[i];
        if ((id[0] == '\0' || strcmp(id, bucket->id) == 0) && (name[0] == '\0' || strcmp(name, bucket->name) == 0) &&
            is_of_types(exchange, bucket)) {
            write_bucket(&json, exchange, bucket);
        }
    }
    json_end_array(&json);
    json_end_object(&json);
}

static bool bucket_name_is_good(const char *name)
{
    enum { LEAST = 6 };
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return length >= LEAST && length < BUCKET_NAME_SIZE && strncmp(name, "b2-", 3) != 0;
}

/* bucketType; `is_public` stays as it was when there is none and none is needed. */
static bool read_type(struct exchange *exchange, bool needed, bool *is_public)
{
    char type[32];
    if (!argument_text(exchange, "bucketType", type, sizeof type)) {
        return !exchange->open.decided && (!needed || bucket_refuse_request(exchange, "bucketType is required"));
    }
    *is_public = strcmp(type, "allPublic") == 0;
    return *is_public || strcmp(type, "allPrivate") == 0 || bucket_refuse_request(exchange, "invalid bucketType");
}

/* The old settings with those that the request gives in their place, as text; NULL: refused. */
static char *merge_settings(struct exchange *exchange, const char *old)
{
    static const struct {
        const char *key;
        bool is_list;
    } known[] = {{"bucketInfo", false}, {"corsRules", true}, {"lifecycleRules", true}};
    cJSON *settings = old == NULL ? cJSON_CreateObject() : cJSON_Parse(old);
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        const cJSON *value = argument_value(exchange, known[i].key);
        if (value == NULL) {
            continue;
        }
        if (known[i].is_list ? !cJSON_IsArray(value) : !cJSON_IsObject(value)) {
            (void)bucket_refuse_request(exchange, "invalid %s", known[i].key);
        }
        cJSON_DeleteItemFromObjectCaseSensitive(settings, known[i].key);
        (void)cJSON_AddItemToObject(settings, known[i].key, cJSON_Duplicate(value, true));
    }
    char *printed = exchange->open.decided ? NULL : cJSON_PrintUnformatted(settings);
    bool fits = printed != NULL && strlen(printed) < BUCKET_SETTINGS_MAX;
    char *text = fits ? bucket_keep_text(exchange->service, printed) : NULL;
    if (text == NULL && !exchange->open.decided) {
        (void)bucket_refuse_request(exchange, "the bucket's settings are too large");
    }
    cJSON_free(printed);
    cJSON_Delete(settings);
    return text;
}

/* The bucket becomes `changed`, with its settings, and that is recorded. */
static bool change_bucket(struct exchange *exchange, struct file_bucket *bucket, bool is_public, char *settings)
{
    struct file_bucket before = *bucket;
    bucket->is_public = is_public;
    bucket->settings = settings;
    if (!record_bucket(exchange->service, bucket)) {
        bucket->is_public = before.is_public;
        bucket->settings = before.settings;
        heap_release(exchange->service->heap, settings);
        return bucket_refuse_exhausted(exchange);
    }
    heap_release(exchange->service->heap, before.settings);
    return true;
}

void call_create_bucket(struct exchange *exchange)
{
    char name[BUCKET_NAME_SIZE + 1];
    bool is_public = false;
    struct bucket_service *service = exchange->service;
    if (!access_check(exchange, CAN_WRITE_BUCKETS) || !is_account(exchange) ||
        !argument_required(exchange, "bucketName", name, sizeof name) || !read_type(exchange, true, &is_public)) {
        return;
    }
    if (exchange->key->bucket_id[0] != '\0') {
        (void)bucket_refuse(exchange, 401, "unauthorized", "unauthorized");
    } else if (!bucket_name_is_good(name)) {
        (void)bucket_refuse_request(exchange, "Invalid bucketName: %.64s", name);
    } else if (bucket_by_name(service, span_of(name)) != NULL) {
        (void)bucket_refuse(exchange, 400, "duplicate_bucket_name", "Bucket name is already in use.");
    } else if (service->bucket_count == BUCKETS_MAX) {
        (void)bucket_refuse(exchange, 400, "too_many_buckets", "The account has %d buckets, and may have no more.",
                            BUCKETS_MAX);
    }
    char *settings = exchange->open.decided ? NULL : merge_settings(exchange, NULL);
    if (settings == NULL) {
        return;
    }
    struct file_bucket *bucket = bucket_add(service, name, is_public);
    if (bucket == NULL) {
        heap_release(service->heap, settings);
        (void)bucket_refuse_exhausted(exchange);
    } else if (change_bucket(exchange, bucket, is_public, settings)) {
        answer_bucket(exchange, bucket);
    }
}

void call_update_bucket(struct exchange *exchange)
{
    int64_t revision;
    struct file_bucket *bucket = access_check(exchange, CAN_WRITE_BUCKETS) && is_account(exchange)
                                     ? argument_bucket(exchange, "bucketId")
                                     : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket)) {
        return;
    }
    bool is_public = bucket->is_public;
    if (!read_type(exchange, false, &is_public) ||
        !argument_integer(exchange, "ifRevisionIs", 0, INT32_MAX, bucket->revision, &revision)) {
        return;
    }
    if (revision != bucket->revision) {
        (void)bucket_refuse(exchange, 409, "conflict", "simultaneous updates to bucket");
        return;
    }
    char *settings = merge_settings(exchange, bucket->settings);
    if (settings != NULL) {
        bucket->revision++;
        if (change_bucket(exchange, bucket, is_public, settings)) {
            answer_bucket(exchange, bucket);
        } else {
            bucket->revision--;
        }
    }
}

void call_delete_bucket(struct exchange *exchange)
{
    struct file_bucket *bucket = access_check(exchange, CAN_DELETE_BUCKETS) && is_account(exchange)
                                     ? argument_bucket(exchange, "bucketId")
                                     : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket)) {
        return;
    }
    if (bucket->version_count > 0) {
        (void)bucket_refuse(exchange, 400, "cannot_delete_non_empty_bucket", "Cannot delete non-empty bucket");
        return;
    }
    answer_bucket(exchange, bucket);
    if (!exchange->open.reply.body.failed && !bucket_remove(exchange->service, bucket)) {
        (void)bucket_refuse_exhausted(exchange);
    }
}
