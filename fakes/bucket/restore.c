/* Takes up the records of an earlier life. */
#include <string.h>

#include "base/json_decode.h"
#include "fakes/bucket/state.h"

enum { EXTENT_NUMBERS = 4 };

/* All members that records have; each record has some of them. */
struct record {
    struct bucket_service *service;
    MAYBE_TEXT(16) op;
    MAYBE_TEXT(BUCKET_KEY_ID_SIZE) id;
    MAYBE_TEXT(BUCKET_ID_SIZE) bucket;
    MAYBE_TEXT(FILE_NAME_MAX + 1) name;
    MAYBE_TEXT(17) handle;
    MAYBE_TEXT(17) seed;
    MAYBE_TEXT(BUCKET_SHA1_SIZE) sha1;
    MAYBE_TEXT(33) md5;
    MAYBE_TEXT(CONTENT_TYPE_MAX + 1) type;
    MAYBE_TEXT(BUCKET_KEY_SIZE) secret;
    MAYBE_TEXT(ACCESS_PREFIX_SIZE) prefix;
    MAYBE_TEXT(BUCKET_SETTINGS_MAX) settings;
    struct maybe_bool is_public, large;
    struct maybe_int64 revision, action, ms, standing, number, capabilities, expires_ms, life;
    struct info_member {
        struct file_info_draft draft;
    } info;
    struct extents_member {
        struct bucket_service *service;
        struct extents extents;
        bool exhausted;
    } extents;
};

static void read_info(struct json_reader *reader, void *member)
{
    struct info_member *info = member;
    struct span key;
    if (!json_enter_object(reader)) {
        json_reject(reader, "expected an object");
        return;
    }
    while (json_next_member(reader, &key)) {
        char value[FILE_INFO_BYTES_MAX];
        enum json_kind kind;
        struct span raw;
        if (json_read_raw(reader, &kind, &raw) && (kind != JSON_STRING || !json_string_copy(raw, value, sizeof value) ||
                                                   !file_info_draft_add(&info->draft, key, span_of(value)))) {
            json_reject(reader, "expected file information");
        }
    }
}

/* The content of that number, as something that is there; whether it is, bucket_open() finds out. */
static struct blob *known_blob(struct bucket_service *service, uint64_t number, int64_t size)
{
    struct blob *blob = number_index_find(&service->blobs, number);
    if (blob != NULL) {
        return blob;
    }
    blob = heap_alloc(service->heap, sizeof *blob);
    if (blob == NULL || !number_index_add(&service->blobs, number, blob)) {
        heap_release(service->heap, blob);
        return NULL;
    }
    blob->number = number;
    blob->size = size;
    return blob;
}

static void read_extent(struct json_reader *reader, struct extents_member *member)
{
    int64_t numbers[EXTENT_NUMBERS];
    size_t count = 0;
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected an extent");
    }
    while (json_next_element(reader)) {
        enum json_kind kind;
        struct span raw;
        if (json_read_raw(reader, &kind, &raw) &&
            (kind != JSON_NUMBER || count == EXTENT_NUMBERS || !json_number_int64(raw, &numbers[count++]) ||
             numbers[count - 1] < 0)) {
            json_reject(reader, "expected four whole numbers");
        }
    }
    if (reader->mistake != NULL) {
        return;
    }
    if (count != EXTENT_NUMBERS || numbers[2] > numbers[1] || numbers[3] > numbers[1] - numbers[2]) {
        json_reject(reader, "expected an extent within its content");
        return;
    }
    struct extents *extents = &member->extents;
    struct extent *grown = heap_resize(member->service->heap, extents->at, (extents->count + 1) * sizeof *extents->at);
    extents->at = grown != NULL ? grown : extents->at;
    struct blob *blob = grown == NULL ? NULL : known_blob(member->service, (uint64_t)numbers[0], numbers[1]);
    if (blob == NULL) {
        member->exhausted = true;
        return;
    }
    blob->references++;
    extents->at[extents->count++] = (struct extent){blob, numbers[2], numbers[3]};
}

static void read_extents(struct json_reader *reader, void *member)
{
    if (!json_enter_array(reader)) {
        json_reject(reader, "expected extents");
    }
    while (json_next_element(reader)) {
        read_extent(reader, member);
    }
}

static const struct json_field fields[] = {
    JSON_TEXT(struct record, op, "op"),
    JSON_TEXT(struct record, id, "id"),
    JSON_TEXT(struct record, bucket, "bucket"),
    JSON_TEXT(struct record, name, "name"),
    JSON_TEXT(struct record, handle, "handle"),
    JSON_TEXT(struct record, seed, "seed"),
    JSON_TEXT(struct record, sha1, "sha1"),
    JSON_TEXT(struct record, md5, "md5"),
    JSON_TEXT(struct record, type, "type"),
    JSON_TEXT(struct record, secret, "secret"),
    JSON_TEXT(struct record, prefix, "prefix"),
    JSON_TEXT(struct record, settings, "settings"),
    JSON_BOOLEAN(struct record, is_public, "public"),
    JSON_BOOLEAN(struct record, large, "large"),
    JSON_INT64(struct record, revision, "revision"),
    JSON_INT64(struct record, action, "action"),
    JSON_INT64(struct record, ms, "ms"),
    JSON_INT64(struct record, standing, "standing"),
    JSON_INT64(struct record, number, "number"),
    JSON_INT64(struct record, capabilities, "capabilities"),
    JSON_INT64(struct record, expires_ms, "expires_ms"),
    JSON_INT64(struct record, life, "life"),
    JSON_CUSTOM(struct record, info, "info", read_info),
    JSON_CUSTOM(struct record, extents, "extents", read_extents),
};

static bool read_hex(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        bool digit = *c >= '0' && *c <= '9';
        if (!digit && !(*c >= 'a' && *c <= 'f')) {
            return false;
        }
        value = value << 4 | (uint64_t)(digit ? *c - '0' : *c - 'a' + 10);
    }
    *out = value;
    return *text != '\0';
}

static struct version *version_of(struct record *record)
{
    uint64_t handle;
    return read_hex(record->handle.text, &handle) ? number_index_find(&record->service->versions, handle) : NULL;
}

/* ---- One function for each kind of record --------------------------------------------------------------------------------- */

/* NULL: well done; else what is wrong. */
typedef const char *restore_function(struct record *record);

static const char *const no_memory = "memory is exhausted";

static const char *restore_life(struct record *record)
{
    struct bucket_service *service = record->service;
    uint64_t seed;
    if (!read_hex(record->seed.text, &seed) || record->life.value < 1) {
        return "no life";
    }
    if (service->life == 0 && !bucket_identify(service, seed)) {
        return no_memory;
    }
    service->life = (uint32_t)record->life.value;
    return NULL;
}

static const char *restore_bucket(struct record *record)
{
    struct bucket_service *service = record->service;
    struct file_bucket *bucket = bucket_by_id(service, record->id.text);
    if (bucket == NULL) {
        if (strlen(record->id.text) != BUCKET_ID_SIZE - 1 ||
            bucket_by_name(service, span_of(record->name.text)) != NULL) {
            return "no new bucket";
        }
        bucket = bucket_add(service, record->name.text, false);
        if (bucket == NULL) {
            return no_memory;
        }
        (void)text_copy(bucket->id, sizeof bucket->id, record->id.text);
    }
    bucket->is_public = record->is_public.value;
    bucket->revision = record->revision.value;
    heap_release(service->heap, bucket->settings);
    bucket->settings = NULL;
    if (record->settings.presence == PRESENT) {
        bucket->settings = bucket_keep_text(service, record->settings.text);
        if (bucket->settings == NULL) {
            return no_memory;
        }
    }
    return NULL;
}

static const char *restore_bucket_gone(struct record *record)
{
    struct file_bucket *bucket = bucket_by_id(record->service, record->id.text);
    if (bucket == NULL || bucket->version_count > 0) {
        return "no empty bucket";
    }
    return bucket_remove(record->service, bucket) ? NULL : no_memory;
}

static const char *restore_version(struct record *record)
{
    struct bucket_service *service = record->service;
    uint64_t handle;
    struct file_bucket *bucket = bucket_by_id(service, record->bucket.text);
    if (bucket == NULL || !bucket_file_name_is_good(span_of(record->name.text)) ||
        !read_hex(record->handle.text, &handle) || number_index_find(&service->versions, handle) != NULL ||
        record->action.value < 0 || record->action.value >= ACTION_COUNT || record->standing.value < 0 ||
        record->standing.value > SHA1_UNVERIFIED) {
        return "no new version";
    }
    struct version_draft draft = {.bucket = bucket,
                                  .name = span_of(record->name.text),
                                  .action = (enum file_action)record->action.value,
                                  .standing = (enum sha1_standing)record->standing.value,
                                  .sha1 = record->sha1.text,
                                  .md5 = record->md5.text,
                                  .content_type = record->type.text,
                                  .extents = record->extents.extents};
    draft.info = file_info_new(service->heap, &record->info.draft);
    struct version_identity identity = {handle, record->ms.value, record->large.value};
    struct version *version = draft.info == NULL ? NULL : version_restore(service, &draft, &identity);
    if (version == NULL) {
        heap_release(service->heap, draft.info);
        return no_memory;
    }
    record->extents.extents = (struct extents){0};
    return NULL;
}

static const char *restore_version_gone(struct record *record)
{
    struct version *version = version_of(record);
    if (version == NULL) {
        return "no such version";
    }
    return version_remove(record->service, version) ? NULL : no_memory;
}

static const char *restore_part(struct record *record)
{
    struct version *version = version_of(record);
    struct part part = {.number = record->number.value, .extents = record->extents.extents};
    if (version == NULL || version->action != ACTION_START || part.number < 1 || part.number > PARTS_MAX) {
        return "no part of an unfinished file";
    }
    (void)text_copy(part.sha1, sizeof part.sha1, record->sha1.text);
    if (!part_put(record->service, version, &part)) {
        return no_memory;
    }
    size_t place;
    part_find(&version->parts, part.number, &place)->uploaded_ms = record->ms.value;
    record->extents.extents = (struct extents){0};
    return NULL;
}

static const char *restore_finish(struct record *record)
{
    struct version *version = version_of(record);
    if (version == NULL || version->action != ACTION_START) {
        return "no unfinished file";
    }
    return version_finish(record->service, version) ? NULL : no_memory;
}

static const char *restore_key(struct record *record)
{
    struct access_key key = {.number = (uint32_t)record->number.value,
                             .capabilities = (uint32_t)record->capabilities.value,
                             .expires_ms = record->expires_ms.value};
    if (record->number.value < 1 || record->number.value > UINT32_MAX ||
        bucket_key_by_number(record->service, key.number) != NULL) {
        return "no new key";
    }
    (void)text_copy(key.id, sizeof key.id, record->id.text);
    (void)text_copy(key.secret, sizeof key.secret, record->secret.text);
    (void)text_copy(key.name, sizeof key.name, record->name.text);
    (void)text_copy(key.bucket_id, sizeof key.bucket_id, record->bucket.text);
    return bucket_key_restore(record->service, &key, record->prefix.text) ? NULL : no_memory;
}

static const char *restore_key_gone(struct record *record)
{
    struct access_key *key = bucket_key_by_number(record->service, (uint32_t)record->number.value);
    if (key == NULL || key->number == 1) {
        return "no such key";
    }
    bucket_key_remove(record->service, key);
    return NULL;
}

static const struct {
    const char *op;
    restore_function *restore;
} kinds[] = {
    {"life", restore_life},
    {"bucket", restore_bucket},
    {"version", restore_version},
    {"version_gone", restore_version_gone},
    {"part", restore_part},
    {"finish", restore_finish},
    {"key", restore_key},
    {"key_gone", restore_key_gone},
    {"bucket_gone", restore_bucket_gone},
};

static const char *restore(struct record *record)
{
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
        if (strcmp(record->op.text, kinds[i].op) == 0) {
            return record->extents.exhausted ? no_memory : kinds[i].restore(record);
        }
    }
    return "an unknown operation";
}

/* The records as they are read back. */
struct replay {
    struct bucket_service *service;
    struct error *error;
    uint64_t count;
};

static bool take_record(void *context, struct span text)
{
    struct replay *replay = context;
    struct bucket_service *service = replay->service;
    struct record *record = heap_alloc(service->heap, sizeof *record);
    if (record == NULL) {
        (void)error_set(replay->error, ERR_NO_MEMORY, "no memory for a record of the object store");
        return false;
    }
    record->service = record->extents.service = service;
    struct json_reader reader;
    json_reader_init(&reader, text.at, text.length);
    bool read = json_decode_object(&reader, fields, ARRAY_LENGTH(fields), record, JSON_TOLERANT);
    read = json_finish(&reader) && read;
    const char *wrong = read ? restore(record) : reader.mistake != NULL ? reader.mistake : "no object";
    extents_release(service, &record->extents.extents);
    heap_release(service->heap, record);
    replay->count++;
    if (wrong != NULL) {
        (void)error_set(replay->error, wrong == no_memory ? ERR_NO_MEMORY : ERR_INPUT_INVALID,
                        "record %llu of the object store: %s", (unsigned long long)replay->count, wrong);
    }
    return wrong == NULL;
}

/* ---- Opening -------------------------------------------------------------------------------------------------------------- */

static bool open_contents(struct bucket_service *service)
{
    struct content_store *store = service->options.content;
    for (size_t i = 0; i < service->blobs.room; i++) {
        struct blob *blob = service->blobs.slots[i].value;
        if (blob != NULL && blob->content == NULL) {
            blob->content = store->records->open(store, blob->number, blob->size);
            if (blob->content == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool is_needed(void *context, uint64_t number)
{
    const struct bucket_service *service = context;
    return number_index_find(&service->blobs, number) != NULL;
}

/* Many records of what is gone again: they are written anew. */
static bool renew_records(struct bucket_service *service, uint64_t count)
{
    enum { RECORDS_FEW = 1000 };
    struct content_store *store = service->options.content;
    uint64_t needed = service->version_count + service->bucket_count + service->access.key_count;
    return count < 2 * needed + RECORDS_FEW ||
           (store->records->begin_anew(store) && record_all(service) && store->records->commit_anew(store));
}

/* What an earlier life left. */
static enum error_code take_up(struct bucket_service *service, struct error *error)
{
    struct content_store *store = service->options.content;
    struct replay replay = {.service = service, .error = error};
    (void)error_set(error, ERR_INPUT_UNREADABLE, "the records of the object store cannot be read");
    service->restoring = true;
    bool good = store->records->replay(store, take_record, &replay);
    service->restoring = false;
    if (!good) {
        return error->code;
    }
    if (!open_contents(service)) {
        return error_set(error, ERR_INPUT_INVALID, "the object store's records name a content that is not there whole");
    }
    store->records->sweep(store, is_needed, service);
    return renew_records(service, replay.count)
               ? ERR_OK
               : error_set(error, ERR_CANNOT_WRITE, "the records of the object store cannot be written anew");
}

static bool make_first_bucket(struct bucket_service *service)
{
    const char *name = service->bucket_name;
    return name[0] == '\0' || bucket_by_name(service, span_of(name)) != NULL ||
           bucket_add(service, name, false) != NULL;
}

enum error_code bucket_open(struct bucket_service *service, int64_t now_ns, struct error *error)
{
    service->now_ns = service->bill.since_ns = now_ns;
    enum error_code code = service->options.content->records == NULL ? ERR_OK : take_up(service, error);
    if (code != ERR_OK) {
        return code;
    }
    service->life++;
    memset(service->drawn, 0, sizeof service->drawn);
    return record_life(service) && make_first_bucket(service)
               ? ERR_OK
               : error_set(error, ERR_CANNOT_WRITE, "the object store has no room for its first bucket");
}

bool bucket_reset(struct bucket_service *service, int64_t now_ns)
{
    service->now_ns = now_ns;
    bool good = true;
    while (service->bucket_count > 0 && good) {
        struct file_bucket *bucket = service->buckets[service->bucket_count - 1];
        while (bucket->names.first[0] != NULL && good) {
            good = version_remove(service, bucket->names.first[0]->newest);
        }
        good = good && bucket_remove(service, bucket);
    }
    while (service->access.key_count > 1 && good) {
        struct access_key *key = service->access.keys[service->access.key_count - 1];
        good = record_key_gone(service, key);
        if (good) {
            bucket_key_remove(service, key);
        }
    }
    bucket_expire_account_tokens(service);
    bucket_expire_upload_tokens(service);
    bill_init(service);
    return good && make_first_bucket(service);
}
