/* Keys, and what a caller may do. */
#include "fakes/bucket/access.h"

#include <string.h>

#include "base/random.h"
#include "fakes/bucket/state.h"

static const char *const capability_names[] = {
#define CAPABILITY_NAME(code, name) name,
    CAPABILITY_LIST(CAPABILITY_NAME)
#undef CAPABILITY_NAME
};

const char *capability_name(enum capability capability)
{
    return capability_names[capability];
}

enum capability capability_by_name(const char *name)
{
    enum capability capability = CAN_LIST_KEYS;
    while (capability < CAPABILITY_COUNT && strcmp(capability_names[capability], name) != 0) {
        capability++;
    }
    return capability;
}

/* ---- Keys ----------------------------------------------------------------------------------------------------------------- */

static void key_free(struct heap *heap, struct access_key *key)
{
    if (key != NULL) {
        heap_release(heap, key->prefix);
        heap_release(heap, key);
    }
}

/* Takes a copy of the key, with that prefix, into the list. */
static struct access_key *keep_key(struct bucket_service *service, const struct access_key *draft, const char *prefix)
{
    struct access *access = &service->access;
    if (access->key_count == access->key_room) {
        size_t room = access->key_room == 0 ? 4 : 2 * access->key_room;
        struct access_key **keys = heap_resize(service->heap, access->keys, room * sizeof(struct access_key *));
        if (keys == NULL) {
            return NULL;
        }
        access->keys = keys;
        access->key_room = room;
    }
    struct access_key *key = heap_alloc(service->heap, sizeof *key);
    char *kept = bucket_keep_text(service, prefix);
    if (key == NULL || kept == NULL) {
        heap_release(service->heap, key);
        heap_release(service->heap, kept);
        return NULL;
    }
    *key = *draft;
    key->prefix = kept;
    access->keys[access->key_count++] = key;
    return key;
}

static void draw_secret(struct bucket_service *service, char secret[BUCKET_KEY_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum { DIGITS = 27, DIGITS_A_DRAW = 9 };
    memcpy(secret, "K000", 4);
    for (size_t i = 0; i < DIGITS; i += DIGITS_A_DRAW) {
        uint64_t bits = bucket_draw(service, BUCKET_DRAW_KEY);
        for (size_t j = 0; j < DIGITS_A_DRAW; j++, bits >>= 6) {
            secret[4 + i + j] = digits[bits & 63];
        }
    }
    secret[4 + DIGITS] = '\0';
}

struct access_key *bucket_key_add(struct bucket_service *service, const struct key_draft *draft)
{
    struct access_key key = {.number = service->access.key_numbers + 1,
                             .capabilities = draft->capabilities,
                             .expires_ms = draft->expires_ms};
    if (service->access.key_count >= KEYS_MAX) {
        return NULL;
    }
    (void)text_format(key.id, sizeof key.id, "000%s%010u", service->account_id, key.number);
    draw_secret(service, key.secret);
    (void)text_copy(key.name, sizeof key.name, draft->name);
    (void)text_copy(key.bucket_id, sizeof key.bucket_id, draft->bucket_id);
    struct access_key *kept = keep_key(service, &key, draft->prefix);
    if (kept == NULL) {
        return NULL;
    }
    if (!record_key(service, kept)) {
        key_free(service->heap, service->access.keys[--service->access.key_count]);
        return NULL;
    }
    service->access.key_numbers++;
    return kept;
}

bool bucket_key_restore(struct bucket_service *service, const struct access_key *key, const char *prefix)
{
    if (key->number > service->access.key_numbers) {
        service->access.key_numbers = key->number;
    }
    return keep_key(service, key, prefix) != NULL;
}

void bucket_key_remove(struct bucket_service *service, struct access_key *key)
{
    struct access *access = &service->access;
    size_t nth = 0;
    while (access->keys[nth] != key) {
        nth++;
    }
    access->key_count--;
    memmove(&access->keys[nth], &access->keys[nth + 1], (access->key_count - nth) * sizeof(struct access_key *));
    key_free(service->heap, key);
}

struct access_key *bucket_key_by_id(struct bucket_service *service, const char *id)
{
    for (size_t i = 0; i < service->access.key_count; i++) {
        if (strcmp(service->access.keys[i]->id, id) == 0) {
            return service->access.keys[i];
        }
    }
    return NULL;
}

struct access_key *bucket_key_by_number(struct bucket_service *service, uint32_t number)
{
    for (size_t i = 0; i < service->access.key_count; i++) {
        if (service->access.keys[i]->number == number) {
            return service->access.keys[i];
        }
    }
    return NULL;
}

bool access_init(struct bucket_service *service)
{
    struct key_draft everything = {
        .name = "rehearsal", .capabilities = (UINT32_C(1) << CAPABILITY_COUNT) - 1, .bucket_id = "", .prefix = ""};
    bool restoring = service->restoring;
    service->restoring = true; /* the first key follows from the seed: it needs no record */
    bool made = bucket_key_add(service, &everything) != NULL;
    service->restoring = restoring;
    return made;
}

void access_release(struct bucket_service *service)
{
    struct access *access = &service->access;
    for (size_t i = 0; i < access->key_count; i++) {
        key_free(service->heap, access->keys[i]);
    }
    heap_release(service->heap, access->keys);
    for (size_t kind = 0; kind < TOKEN_KINDS; kind++) {
        for (size_t i = 0; i < access->rings[kind].room; i++) {
            heap_release(service->heap, access->rings[kind].tokens[i].prefix);
        }
        heap_release(service->heap, access->rings[kind].tokens);
    }
    *access = (struct access){.keys = NULL};
}

/* ---- Checks --------------------------------------------------------------------------------------------------------------- */

static bool refuse_unauthorized(struct exchange *exchange)
{
    return bucket_refuse(exchange, 401, "unauthorized", "unauthorized");
}

const char *authorization_of(const struct exchange *exchange)
{
    return http_request_header(exchange->head, "Authorization");
}

/* In a test of the client's patience, some account tokens expire. */
static bool expires_by_test_mode(struct exchange *exchange)
{
    const char *mode = http_request_header(exchange->head, "X-Bz-Test-Mode");
    return mode != NULL && strcmp(mode, "expire_some_account_authorization_tokens") == 0 &&
           bucket_draw(exchange->service, BUCKET_DRAW_TOKEN_EXPIRES) % 8 == 0;
}

bool access_check(struct exchange *exchange, enum capability capability)
{
    struct bucket_service *service = exchange->service;
    const char *text = authorization_of(exchange);
    if (text == NULL) {
        return bucket_refuse(exchange, 401, "missing_auth_token", "Authorization header is missing");
    }
    struct token *token = token_check(exchange, TOKEN_ACCOUNT, text);
    if (token == NULL) {
        return false;
    }
    if (expires_by_test_mode(exchange)) {
        token->revoked = true;
        return token_check(exchange, TOKEN_ACCOUNT, text) != NULL;
    }
    exchange->key = bucket_key_by_number(service, token->key_number);
    return (exchange->key->capabilities & UINT32_C(1) << capability) != 0 || refuse_unauthorized(exchange);
}

bool access_bucket(struct exchange *exchange, const struct file_bucket *bucket)
{
    const struct access_key *key = exchange->key;
    return key->bucket_id[0] == '\0' || strcmp(key->bucket_id, bucket->id) == 0 || refuse_unauthorized(exchange);
}

static bool has_prefix(struct span name, const char *prefix)
{
    size_t length = strlen(prefix);
    return name.length >= length && memcmp(name.at, prefix, length) == 0;
}

bool access_name(struct exchange *exchange, struct span name)
{
    return has_prefix(name, exchange->key->prefix) || refuse_unauthorized(exchange);
}

bool access_version(struct exchange *exchange, const struct version *version)
{
    return access_bucket(exchange, version->bucket) && access_name(exchange, version->name->text);
}

/* A download token: of that bucket, and for names with its prefix. */
static bool download_token_reaches(struct exchange *exchange, const char *text, const struct file_bucket *bucket,
                                   struct span name)
{
    const struct token *token = token_check(exchange, TOKEN_DOWNLOAD, text);
    if (token == NULL) {
        return false;
    }
    return (strcmp(token->bucket_id, bucket->id) == 0 && has_prefix(name, token->prefix)) ||
           refuse_unauthorized(exchange);
}

bool access_download(struct exchange *exchange, const struct file_bucket *bucket, struct span name)
{
    char in_query[TOKEN_SIZE];
    const char *text = authorization_of(exchange);
    if (text == NULL && argument_text(exchange, "Authorization", in_query, sizeof in_query)) {
        text = in_query;
    }
    if (exchange->open.decided) {
        return false;
    }
    if (text == NULL) {
        return bucket->is_public || refuse_unauthorized(exchange);
    }
    if (strstr(text, "_dnld_") != NULL) {
        return download_token_reaches(exchange, text, bucket, name);
    }
    const struct token *token = token_check(exchange, TOKEN_ACCOUNT, text);
    if (token == NULL) {
        return false;
    }
    exchange->key = bucket_key_by_number(exchange->service, token->key_number);
    if (bucket->is_public) {
        return true;
    }
    bool may_read = (exchange->key->capabilities & UINT32_C(1) << CAN_READ_FILES) != 0;
    return (may_read || refuse_unauthorized(exchange)) && access_bucket(exchange, bucket) &&
           access_name(exchange, name);
}
