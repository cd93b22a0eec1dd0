/* b2_authorize_account, application keys, download authorizations. */
#include <string.h>

#include "base/base64.h"
#include "fakes/bucket/state.h"

#define TOKEN_LIFE_USUAL_NS (24 * NS_PER_HOUR)

enum { KEY_LIFE_MOST_S = 1000 * 86400, SHARE_LIFE_MOST_S = 7 * 86400, KEYS_A_PAGE = 1000 };

/* ---- b2_authorize_account -------------------------------------------------------------------------------------------------- */

/* The key of "Basic base64(id:secret)", or NULL. */
static struct access_key *key_of_header(struct exchange *exchange)
{
    static const char scheme[] = "Basic ";
    char decoded[BUCKET_KEY_ID_SIZE + BUCKET_KEY_SIZE + 8];
    const char *text = authorization_of(exchange);
    if (text == NULL || strncmp(text, scheme, sizeof scheme - 1) != 0) {
        return NULL;
    }
    size_t length = base64_decode(span_of(text + sizeof scheme - 1), decoded, sizeof decoded - 1);
    decoded[length] = '\0';
    char *colon = strchr(decoded, ':');
    if (colon == NULL || strlen(decoded) != length) {
        return NULL;
    }
    *colon = '\0';
    struct access_key *key = bucket_key_by_id(exchange->service, decoded);
    bool expired = key != NULL && key->expires_ms != 0 && key->expires_ms <= bucket_now_ms(exchange->service);
    return key != NULL && !expired && strcmp(key->secret, colon + 1) == 0 ? key : NULL;
}

static void write_capabilities(struct json_writer *json, uint32_t capabilities)
{
    json_key(json, "capabilities");
    json_begin_array(json);
    for (unsigned i = 0; i < CAPABILITY_COUNT; i++) {
        if ((capabilities & UINT32_C(1) << i) != 0) {
            json_string(json, capability_name((enum capability)i));
        }
    }
    json_end_array(json);
}

static const char *null_when_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* The name of the key's bucket; NULL when it has none, or when the bucket is gone. */
static const char *bucket_of_key(struct exchange *exchange, const struct access_key *key)
{
    const struct file_bucket *bucket = bucket_by_id(exchange->service, key->bucket_id);
    return bucket == NULL ? NULL : bucket->name;
}

/* As versions 1 to 3 show it. */
static void write_allowed(struct json_writer *json, struct exchange *exchange, const struct access_key *key)
{
    write_capabilities(json, key->capabilities);
    json_member_string(json, "bucketId", null_when_empty(key->bucket_id));
    json_member_string(json, "bucketName", bucket_of_key(exchange, key));
    json_member_string(json, "namePrefix", null_when_empty(key->prefix));
}

static void write_allowed_v4(struct json_writer *json, struct exchange *exchange, const struct access_key *key)
{
    json_key(json, "allowed");
    json_begin_object(json);
    json_key(json, "buckets");
    if (key->bucket_id[0] == '\0') {
        json_null(json);
    } else {
        json_begin_array(json);
        json_begin_object(json);
        json_member_string(json, "id", key->bucket_id);
        json_member_string(json, "name", bucket_of_key(exchange, key));
        json_end_object(json);
        json_end_array(json);
    }
    write_capabilities(json, key->capabilities);
    json_member_string(json, "namePrefix", null_when_empty(key->prefix));
    json_end_object(json);
}

static void write_storage(struct json_writer *json, const struct exchange *exchange)
{
    const char *origin = exchange->service->origin;
    json_member_int(json, "absoluteMinimumPartSize", exchange->service->options.least_part_bytes);
    json_member_string(json, "apiUrl", origin);
    json_member_string(json, "downloadUrl", origin);
    json_member_int(json, "recommendedPartSize", BUCKET_PART_BYTES_USUAL);
    json_member_string(json, "s3ApiUrl", origin);
}

/* Versions 1 and 2 are flat. */
static void write_flat(struct json_writer *json, struct exchange *exchange, const struct access_key *key,
                       const char *token)
{
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    json_key(json, "allowed");
    json_begin_object(json);
    write_allowed(json, exchange, key);
    json_end_object(json);
    json_member_string(json, "authorizationToken", token);
    write_storage(json, exchange);
    if (exchange->version == 1) {
        json_member_int(json, "minimumPartSize", BUCKET_PART_BYTES_USUAL);
    }
    json_end_object(json);
}

static void write_nested(struct json_writer *json, struct exchange *exchange, const struct access_key *key,
                         const char *token)
{
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    json_key(json, "apiInfo");
    json_begin_object(json);
    json_member_null(json, "groupsApi");
    json_key(json, "storageApi");
    json_begin_object(json);
    write_storage(json, exchange);
    json_member_string(json, "infoType", "storageApi");
    if (exchange->version == 3) {
        write_allowed(json, exchange, key);
    } else {
        write_allowed_v4(json, exchange, key);
    }
    json_end_object(json);
    json_end_object(json);
    json_key(json, "applicationKeyExpirationTimestamp");
    if (key->expires_ms == 0) {
        json_null(json);
    } else {
        json_int(json, key->expires_ms);
    }
    json_member_string(json, "authorizationToken", token);
    json_end_object(json);
}

/* When a token of that key ends: after `life_ns` (0: the usual one), or with the key. */
static int64_t token_end_ns(const struct bucket_service *service, const struct access_key *key, int64_t life_ns)
{
    int64_t usual_ns = service->options.token_life_ns == 0 ? TOKEN_LIFE_USUAL_NS : service->options.token_life_ns;
    life_ns = life_ns == 0 ? usual_ns : life_ns;
    int64_t end_ns = saturating_add(service->now_ns, life_ns);
    if (key->expires_ms == 0) {
        return end_ns;
    }
    int64_t key_end_ns = saturating_add(service->now_ns, (key->expires_ms - bucket_now_ms(service)) * NS_PER_MS);
    return key_end_ns < end_ns ? key_end_ns : end_ns;
}

void call_authorize(struct exchange *exchange)
{
    char token[TOKEN_SIZE];
    const struct access_key *key = key_of_header(exchange);
    if (key == NULL) {
        http_reply_add_header(&exchange->open.reply, "WWW-Authenticate", "BASIC realm=\"authorize_account\"");
        (void)bucket_refuse(exchange, 401, "bad_auth_token", "%s", "");
        return;
    }
    if (token_give(exchange->service, TOKEN_ACCOUNT, key, token_end_ns(exchange->service, key, 0), token) == NULL) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    if (exchange->version <= 2) {
        write_flat(&json, exchange, key, token);
    } else {
        write_nested(&json, exchange, key, token);
    }
}

/* ---- Upload URLs ----------------------------------------------------------------------------------------------------------- */

/* {"authorizationToken", "uploadUrl", and which file or bucket it is for} */
static void answer_upload_url(struct exchange *exchange, const struct file_bucket *bucket, const struct version *large)
{
    char text[TOKEN_SIZE];
    char id[FILE_ID_SIZE];
    struct bucket_service *service = exchange->service;
    struct token *token =
        token_give(service, TOKEN_UPLOAD, exchange->key, token_end_ns(service, exchange->key, 0), text);
    if (token == NULL) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    (void)text_copy(token->bucket_id, sizeof token->bucket_id, bucket->id);
    if (large == NULL) {
        (void)text_copy(id, sizeof id, bucket->id);
    } else {
        token->large_handle = large->handle;
        version_id(large, id);
    }
    char url[BUCKET_ORIGIN_SIZE + FILE_ID_SIZE + 64];
    (void)text_format(url, sizeof url, "%s/b2api/v%d/%s/%s/c000_v0001030_t%04u", service->origin, exchange->version,
                      large == NULL ? "b2_upload_file" : "b2_upload_part", id, (unsigned)(token->serial % 60));
    struct json_writer json = bucket_answer(exchange);
    json_begin_object(&json);
    json_member_string(&json, "authorizationToken", text);
    json_member_string(&json, large == NULL ? "bucketId" : "fileId", id);
    json_member_string(&json, "uploadUrl", url);
    json_end_object(&json);
}

bool test_mode_caps(struct exchange *exchange, const char *code, const char *message)
{
    const char *mode = http_request_header(exchange->head, "X-Bz-Test-Mode");
    return mode == NULL || strcmp(mode, "force_cap_exceeded") != 0 || bucket_refuse(exchange, 403, code, "%s", message);
}

bool test_mode_allows_upload(struct exchange *exchange)
{
    return test_mode_caps(
        exchange, "storage_cap_exceeded",
        "Cannot upload files, storage cap exceeded. See the Caps & Alerts page to increase your cap.");
}

void call_get_upload_url(struct exchange *exchange)
{
    struct file_bucket *bucket = access_check(exchange, CAN_WRITE_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (bucket != NULL && access_bucket(exchange, bucket) && test_mode_allows_upload(exchange)) {
        answer_upload_url(exchange, bucket, NULL);
    }
}

void call_get_upload_part_url(struct exchange *exchange)
{
    struct version *large = large_file_for(exchange, CAN_WRITE_FILES);
    if (large != NULL && test_mode_allows_upload(exchange)) {
        answer_upload_url(exchange, large->bucket, large);
    }
}

/* ---- Keys ----------------------------------------------------------------------------------------------------------------- */

static void write_key(struct json_writer *json, struct exchange *exchange, const struct access_key *key,
                      bool with_secret)
{
    json_begin_object(json);
    json_member_string(json, "accountId", exchange->service->account_id);
    if (with_secret) {
        json_member_string(json, "applicationKey", key->secret);
    }
    json_member_string(json, "applicationKeyId", key->id);
    if (exchange->version <= 3) {
        json_member_string(json, "bucketId", null_when_empty(key->bucket_id));
    } else {
        json_key(json, "bucketIds");
        if (key->bucket_id[0] == '\0') {
            json_null(json);
        } else {
            json_begin_array(json);
            json_string(json, key->bucket_id);
            json_end_array(json);
        }
    }
    write_capabilities(json, key->capabilities);
    json_key(json, "expirationTimestamp");
    if (key->expires_ms == 0) {
        json_null(json);
    } else {
        json_int(json, key->expires_ms);
    }
    json_member_string(json, "keyName", key->name);
    json_member_string(json, "namePrefix", null_when_empty(key->prefix));
    json_key(json, "options");
    json_raw(json, span_of("[\"s3\"]"));
    json_end_object(json);
}

static bool read_capabilities(struct exchange *exchange, uint32_t *capabilities)
{
    const cJSON *list = argument_value(exchange, "capabilities");
    *capabilities = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        return bucket_refuse_request(exchange, "capabilities is no list of capabilities");
    }
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        enum capability capability = cJSON_IsString(each) ? capability_by_name(each->valuestring) : CAPABILITY_COUNT;
        if (capability == CAPABILITY_COUNT) {
            return bucket_refuse_request(exchange, "capabilities holds something that is none");
        }
        *capabilities |= UINT32_C(1) << capability;
    }
    return true;
}

static bool key_name_is_good(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!letter && *c != '-' && *c != '_') {
            return false;
        }
    }
    return name[0] != '\0';
}

/* `bucketId`, or since version 4 `bucketIds` with one in it. */
static bool read_key_bucket(struct exchange *exchange, char *id, size_t size)
{
    const cJSON *several = argument_value(exchange, "bucketIds");
    if (several != NULL) {
        const cJSON *one = cJSON_GetArrayItem(several, 0);
        if (cJSON_GetArraySize(several) != 1 || !cJSON_IsString(one) || !text_copy(id, size, one->valuestring)) {
            return bucket_refuse_request(exchange, "bucketIds is no list of one bucket");
        }
    } else if (!argument_text(exchange, "bucketId", id, size)) {
        return !exchange->open.decided;
    }
    return bucket_by_id(exchange->service, id) != NULL || bucket_refuse_bucket(exchange, id);
}

/* A key makes keys that may do no more than itself. */
static bool is_within(struct exchange *exchange, const struct key_draft *draft)
{
    const struct access_key *key = exchange->key;
    bool within = (draft->capabilities & ~key->capabilities) == 0 &&
                  (key->bucket_id[0] == '\0' || strcmp(key->bucket_id, draft->bucket_id) == 0) &&
                  strncmp(draft->prefix, key->prefix, strlen(key->prefix)) == 0 &&
                  (key->expires_ms == 0 || (draft->expires_ms != 0 && draft->expires_ms <= key->expires_ms));
    return within || bucket_refuse(exchange, 401, "unauthorized", "unauthorized");
}

void call_create_key(struct exchange *exchange)
{
    char name[KEY_NAME_SIZE];
    char bucket_id[BUCKET_ID_SIZE] = "";
    char prefix[ACCESS_PREFIX_SIZE] = "";
    int64_t life_s;
    struct key_draft draft = {.name = name, .bucket_id = bucket_id, .prefix = prefix};
    if (!access_check(exchange, CAN_WRITE_KEYS) || !argument_required(exchange, "keyName", name, sizeof name) ||
        !read_capabilities(exchange, &draft.capabilities) || !read_key_bucket(exchange, bucket_id, sizeof bucket_id) ||
        !argument_integer(exchange, "validDurationInSeconds", 1, KEY_LIFE_MOST_S, 0, &life_s)) {
        return;
    }
    (void)argument_text(exchange, "namePrefix", prefix, sizeof prefix);
    if (exchange->open.decided) {
        return;
    }
    if (!key_name_is_good(name) || (prefix[0] != '\0' && bucket_id[0] == '\0')) {
        (void)bucket_refuse_request(exchange, "keyName takes letters, digits and -, namePrefix takes a bucketId");
        return;
    }
    draft.expires_ms = life_s == 0 ? 0 : bucket_now_ms(exchange->service) + life_s * 1000;
    if (!is_within(exchange, &draft)) {
        return;
    }
    const struct access_key *key = bucket_key_add(exchange->service, &draft);
    if (key == NULL) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_key(&json, exchange, key, true);
}

void call_list_keys(struct exchange *exchange)
{
    char start[BUCKET_KEY_ID_SIZE] = "";
    int64_t most;
    if (!access_check(exchange, CAN_LIST_KEYS) || !argument_integer(exchange, "maxKeyCount", 1, KEYS_MAX, 100, &most)) {
        return;
    }
    (void)argument_text(exchange, "startApplicationKeyId", start, sizeof start);
    if (exchange->open.decided) {
        return;
    }
    const struct access *access = &exchange->service->access;
    const struct access_key *next = NULL;
    struct json_writer json = bucket_answer(exchange);
    json_begin_object(&json);
    json_key(&json, "keys");
    json_begin_array(&json);
    /* In the order of their ids, which is that of their making. */
    for (size_t i = 0; i < access->key_count && next == NULL; i++) {
        if (strcmp(access->keys[i]->id, start) < 0) {
            continue;
        }
        if (most-- == 0) {
            next = access->keys[i];
        } else {
            write_key(&json, exchange, access->keys[i], false);
        }
    }
    json_end_array(&json);
    json_member_string(&json, "nextApplicationKeyId", next == NULL ? NULL : next->id);
    json_end_object(&json);
}

void call_delete_key(struct exchange *exchange)
{
    char id[BUCKET_KEY_ID_SIZE];
    if (!access_check(exchange, CAN_DELETE_KEYS) || !argument_required(exchange, "applicationKeyId", id, sizeof id)) {
        return;
    }
    struct access_key *key = bucket_key_by_id(exchange->service, id);
    if (key == NULL || key->number == 1) {
        (void)bucket_refuse_request(exchange, "there is no such key, or it is the account's first");
        return;
    }
    if (!record_key_gone(exchange->service, key)) {
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    struct json_writer json = bucket_answer(exchange);
    write_key(&json, exchange, key, false);
    exchange->key = NULL; /* it may have been its own */
    bucket_key_remove(exchange->service, key);
}

/* ---- b2_get_download_authorization ----------------------------------------------------------------------------------------- */

void call_download_authorization(struct exchange *exchange)
{
    char prefix[ACCESS_PREFIX_SIZE];
    char text[TOKEN_SIZE];
    int64_t life_s;
    struct bucket_service *service = exchange->service;
    struct file_bucket *bucket = access_check(exchange, CAN_SHARE_FILES) ? argument_bucket(exchange, "bucketId") : NULL;
    if (bucket == NULL || !access_bucket(exchange, bucket) ||
        !argument_required(exchange, "fileNamePrefix", prefix, sizeof prefix) ||
        !access_name(exchange, span_of(prefix)) ||
        !argument_integer(exchange, "validDurationInSeconds", 1, SHARE_LIFE_MOST_S, 0, &life_s)) {
        return;
    }
    if (life_s == 0) {
        (void)bucket_refuse_request(exchange, "validDurationInSeconds is required");
        return;
    }
    char *kept = bucket_keep_text(service, prefix);
    struct token *token = kept == NULL ? NULL
                                       : token_give(service, TOKEN_DOWNLOAD, exchange->key,
                                                    token_end_ns(service, exchange->key, life_s * NS_PER_S), text);
    if (token == NULL) {
        heap_release(service->heap, kept);
        (void)bucket_refuse_exhausted(exchange);
        return;
    }
    token->prefix = kept;
    (void)text_copy(token->bucket_id, sizeof token->bucket_id, bucket->id);
    struct json_writer json = bucket_answer(exchange);
    json_begin_object(&json);
    json_member_string(&json, "authorizationToken", text);
    json_member_string(&json, "bucketId", bucket->id);
    json_member_string(&json, "fileNamePrefix", prefix);
    json_end_object(&json);
}
