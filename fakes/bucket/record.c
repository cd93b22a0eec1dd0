/* Records: what a content store keeps of each change, one JSON object a record. Read back by restore.c. */
#include "fakes/bucket/state.h"

enum { RECORD_MAX = 16 * 1024 * 1024 };

/* A record being put together, and where it goes: to the content store, or to whoever wants a description. */
struct sheet {
    struct buffer text;
    struct json_writer json;
    content_record_function *write;
    void *context;
};

static void begin(struct sheet *sheet, struct heap *heap, const char *op)
{
    buffer_init(&sheet->text, heap, RECORD_MAX);
    json_writer_init(&sheet->json, &sheet->text, 0);
    json_begin_object(&sheet->json);
    json_member_string(&sheet->json, "op", op);
}

static bool end(struct sheet *sheet)
{
    json_end_object(&sheet->json);
    struct span record = {sheet->text.data, sheet->text.length};
    bool good = !sheet->text.failed && sheet->write(sheet->context, record);
    buffer_release(&sheet->text);
    return good;
}

static bool to_store(void *context, struct span record)
{
    struct content_store *store = context;
    return store->records->write(store, record);
}

/* False when there is nobody to write to: then there is nothing to do, and that is well. */
static bool is_recorded(const struct bucket_service *service, struct sheet *sheet)
{
    *sheet = (struct sheet){.write = to_store, .context = service->options.content};
    return !service->restoring && service->options.content->records != NULL;
}

static void member_hex(struct json_writer *json, const char *key, uint64_t value)
{
    char text[17];
    (void)text_format(text, sizeof text, "%016llx", (unsigned long long)value);
    json_member_string(json, key, text);
}

/* Each as [number of the content, its size, offset, size]. */
static void member_extents(struct json_writer *json, const struct extents *extents)
{
    json_key(json, "extents");
    json_begin_array(json);
    for (size_t i = 0; i < extents->count; i++) {
        const struct extent *extent = &extents->at[i];
        json_begin_array(json);
        json_int(json, (int64_t)extent->blob->number);
        json_int(json, extent->blob->size);
        json_int(json, extent->offset);
        json_int(json, extent->size);
        json_end_array(json);
    }
    json_end_array(json);
}

static bool put_bucket(struct sheet *sheet, struct heap *heap, const struct file_bucket *bucket)
{
    begin(sheet, heap, "bucket");
    json_member_string(&sheet->json, "id", bucket->id);
    json_member_string(&sheet->json, "name", bucket->name);
    json_member_bool(&sheet->json, "public", bucket->is_public);
    json_member_int(&sheet->json, "revision", bucket->revision);
    json_member_string(&sheet->json, "settings", bucket->settings);
    return end(sheet);
}

static void put_pair(void *context, const char *name, const char *value)
{
    json_member_string(context, name, value);
}

static bool put_version(struct sheet *sheet, struct heap *heap, const struct version *version)
{
    begin(sheet, heap, "version");
    json_member_string(&sheet->json, "bucket", version->bucket->id);
    json_key(&sheet->json, "name");
    json_span(&sheet->json, version->name->text);
    member_hex(&sheet->json, "handle", version->handle);
    json_member_int(&sheet->json, "action", version->action);
    json_member_bool(&sheet->json, "large", version->large);
    json_member_int(&sheet->json, "ms", version->uploaded_ms);
    json_member_int(&sheet->json, "standing", version->standing);
    json_member_string(&sheet->json, "sha1", version->sha1);
    json_member_string(&sheet->json, "md5", version->md5);
    json_member_string(&sheet->json, "type", version->content_type);
    json_key(&sheet->json, "info");
    json_begin_object(&sheet->json);
    file_info_each(version->info, put_pair, &sheet->json);
    json_end_object(&sheet->json);
    member_extents(&sheet->json, &version->extents);
    return end(sheet);
}

static bool put_part(struct sheet *sheet, struct heap *heap, const struct version *version, const struct part *part)
{
    begin(sheet, heap, "part");
    member_hex(&sheet->json, "handle", version->handle);
    json_member_int(&sheet->json, "number", part->number);
    json_member_int(&sheet->json, "ms", part->uploaded_ms);
    json_member_string(&sheet->json, "sha1", part->sha1);
    member_extents(&sheet->json, &part->extents);
    return end(sheet);
}

static bool put_key(struct sheet *sheet, struct heap *heap, const struct access_key *key)
{
    begin(sheet, heap, "key");
    json_member_int(&sheet->json, "number", key->number);
    json_member_string(&sheet->json, "id", key->id);
    json_member_string(&sheet->json, "secret", key->secret);
    json_member_string(&sheet->json, "name", key->name);
    json_member_int(&sheet->json, "capabilities", key->capabilities);
    json_member_string(&sheet->json, "bucket", key->bucket_id);
    json_member_string(&sheet->json, "prefix", key->prefix);
    json_member_int(&sheet->json, "expires_ms", key->expires_ms);
    return end(sheet);
}

static bool put_life(struct sheet *sheet, struct heap *heap, const struct bucket_service *service)
{
    begin(sheet, heap, "life");
    json_member_int(&sheet->json, "life", service->life);
    member_hex(&sheet->json, "seed", service->options.seed);
    return end(sheet);
}

bool record_life(struct bucket_service *service)
{
    struct sheet sheet;
    return !is_recorded(service, &sheet) || put_life(&sheet, service->heap, service);
}

bool record_bucket(struct bucket_service *service, const struct file_bucket *bucket)
{
    struct sheet sheet;
    return !is_recorded(service, &sheet) || put_bucket(&sheet, service->heap, bucket);
}

bool record_bucket_gone(struct bucket_service *service, const struct file_bucket *bucket)
{
    struct sheet sheet;
    if (!is_recorded(service, &sheet)) {
        return true;
    }
    begin(&sheet, service->heap, "bucket_gone");
    json_member_string(&sheet.json, "id", bucket->id);
    return end(&sheet);
}

bool record_version(struct bucket_service *service, const struct version *version)
{
    struct sheet sheet;
    return !is_recorded(service, &sheet) || put_version(&sheet, service->heap, version);
}

static bool put_handle(struct bucket_service *service, const char *op, const struct version *version)
{
    struct sheet sheet;
    if (!is_recorded(service, &sheet)) {
        return true;
    }
    begin(&sheet, service->heap, op);
    member_hex(&sheet.json, "handle", version->handle);
    return end(&sheet);
}

bool record_version_gone(struct bucket_service *service, const struct version *version)
{
    return put_handle(service, "version_gone", version);
}

bool record_finish(struct bucket_service *service, const struct version *version)
{
    return put_handle(service, "finish", version);
}

bool record_part(struct bucket_service *service, const struct version *version, const struct part *part)
{
    struct sheet sheet;
    return !is_recorded(service, &sheet) || put_part(&sheet, service->heap, version, part);
}

bool record_key(struct bucket_service *service, const struct access_key *key)
{
    struct sheet sheet;
    return !is_recorded(service, &sheet) || put_key(&sheet, service->heap, key);
}

bool record_key_gone(struct bucket_service *service, const struct access_key *key)
{
    struct sheet sheet;
    if (!is_recorded(service, &sheet)) {
        return true;
    }
    begin(&sheet, service->heap, "key_gone");
    json_member_int(&sheet.json, "number", key->number);
    return end(&sheet);
}

/* ---- Description ---------------------------------------------------------------------------------------------------------- */

/* The versions of a name from the oldest to the newest, as they must be restored; unfinished ones with their parts. */
static bool describe_name(struct sheet *sheet, struct heap *heap, const struct listed_name *name)
{
    size_t count = 0;
    for (const struct version *version = name->newest; version != NULL; version = version->older) {
        count++;
    }
    bool good = true;
    while (count-- > 0 && good) {
        const struct version *version = name->newest;
        for (size_t i = 0; i < count; i++) {
            version = version->older;
        }
        good = put_version(sheet, heap, version);
        for (size_t i = 0; i < version->parts.count && good; i++) {
            good = put_part(sheet, heap, version, version->parts.at[i]);
        }
    }
    return good;
}

bool record_all(struct bucket_service *service)
{
    struct sheet sheet = {.write = to_store, .context = service->options.content};
    bool good = put_life(&sheet, service->heap, service);
    for (size_t i = 1; i < service->access.key_count && good; i++) {
        good = put_key(&sheet, service->heap, service->access.keys[i]);
    }
    for (size_t i = 0; i < service->bucket_count && good; i++) {
        good = put_bucket(&sheet, service->heap, service->buckets[i]);
        const struct listed_name *name = service->buckets[i]->names.first[0];
        for (; name != NULL && good; name = name_list_next(name)) {
            good = describe_name(&sheet, service->heap, name);
        }
    }
    return good;
}
