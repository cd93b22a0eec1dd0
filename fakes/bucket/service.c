/* The service as a whole, and its buckets. */
#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "fakes/bucket/state.h"

uint64_t bucket_draw(struct bucket_service *service, enum bucket_draw purpose)
{
    struct random_address address = {
        .run = service->life, .purpose = RANDOM_BUCKET, .entity = purpose, .index = service->drawn[purpose]++};
    return random_bits(service->options.seed, address);
}

char *bucket_keep_text(struct bucket_service *service, const char *text)
{
    size_t size = strlen(text) + 1;
    char *kept = heap_alloc(service->heap, size);
    return kept == NULL ? NULL : memcpy(kept, text, size);
}

int64_t bucket_now_ms(const struct bucket_service *service)
{
    return saturating_add(service->options.epoch.unix_ns, service->now_ns) / NS_PER_MS;
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

struct bucket_service *bucket_service_new(struct heap *heap, const struct bucket_options *options)
{
    struct bucket_service *service = heap_alloc(heap, sizeof *service);
    if (service == NULL) {
        return NULL;
    }
    service->heap = heap;
    service->options = *options;
    if (options->least_part_bytes == 0) {
        service->options.least_part_bytes = BUCKET_PART_BYTES_LEAST;
    }
    bucket_set_origin(service, options->origin);
    if (options->bucket_name != NULL) {
        (void)text_copy(service->bucket_name, sizeof service->bucket_name, options->bucket_name);
    }
    number_index_init(&service->versions, heap);
    number_index_init(&service->blobs, heap);
    bill_init(service);
    if (!bucket_identify(service, options->seed)) {
        bucket_service_free(service);
        return NULL;
    }
    return service;
}

bool bucket_identify(struct bucket_service *service, uint64_t seed)
{
    service->options.seed = seed;
    service->life = 0;
    memset(service->drawn, 0, sizeof service->drawn);
    access_release(service);
    (void)text_format(service->account_id, sizeof service->account_id, "%012llx",
                      (unsigned long long)bucket_draw(service, BUCKET_DRAW_ACCOUNT) >> 16);
    return access_init(service);
}

/* Closes what the content store keeps for the next life; versions and parts are only forgotten. */
static void free_bucket(struct bucket_service *service, struct file_bucket *bucket)
{
    name_list_release(&bucket->names);
    heap_release(service->heap, bucket->settings);
    heap_release(service->heap, bucket);
}

static void forget_extents(struct bucket_service *service, struct extents *extents)
{
    for (size_t i = 0; i < extents->count; i++) {
        struct blob *blob = extents->at[i].blob;
        if (--blob->references == 0) {
            if (blob->content != NULL) {
                service->options.content->operations->close(service->options.content, blob->content);
            }
            heap_release(service->heap, blob);
        }
    }
    heap_release(service->heap, extents->at);
}

static void forget_version(struct bucket_service *service, struct version *version)
{
    for (size_t i = 0; i < version->parts.count; i++) {
        forget_extents(service, &version->parts.at[i]->extents);
        heap_release(service->heap, version->parts.at[i]);
    }
    heap_release(service->heap, version->parts.at);
    forget_extents(service, &version->extents);
    heap_release(service->heap, version->info);
    heap_release(service->heap, version->content_type);
    heap_release(service->heap, version);
}

void bucket_service_free(struct bucket_service *service)
{
    if (service == NULL) {
        return;
    }
    for (size_t i = 0; i < service->versions.room; i++) {
        if (service->versions.slots[i].value != NULL) {
            forget_version(service, service->versions.slots[i].value);
        }
    }
    for (size_t i = 0; i < service->bucket_count; i++) {
        free_bucket(service, service->buckets[i]);
    }
    number_index_release(&service->versions);
    number_index_release(&service->blobs);
    access_release(service);
    heap_release(service->heap, service);
}

void bucket_set_origin(struct bucket_service *service, const char *origin)
{
    (void)text_copy(service->origin, sizeof service->origin, origin);
}

void bucket_bill(struct bucket_service *service, int64_t now_ns)
{
    service->now_ns = now_ns;
    bill_tell_storage(service);
}

/* ---- What is truly so ------------------------------------------------------------------------------------------------------ */

const char *bucket_key_id(const struct bucket_service *service)
{
    return service->access.keys[0]->id;
}

const char *bucket_key(const struct bucket_service *service)
{
    return service->access.keys[0]->secret;
}

const char *bucket_account_id(const struct bucket_service *service)
{
    return service->account_id;
}

void bucket_totals(const struct bucket_service *service, struct bucket_totals *totals)
{
    *totals = (struct bucket_totals){
        .versions = service->version_count - service->unfinished_count,
        .unfinished = service->unfinished_count,
        .stored_bytes = service->bill.stored_bytes,
        .downloaded_bytes = service->bill.downloaded_bytes,
        .charged_nusd = bill_charged_nusd(&service->bill),
    };
    memcpy(totals->calls, service->bill.calls, sizeof totals->calls);
}

int64_t bucket_name_size(const struct bucket_service *service, const char *bucket_id, struct span name,
                         char sha1[BUCKET_SHA1_SIZE])
{
    sha1[0] = '\0';
    for (size_t i = 0; i < service->bucket_count; i++) {
        const struct file_bucket *bucket = service->buckets[i];
        const struct listed_name *listed =
            strcmp(bucket->id, bucket_id) == 0 ? name_list_find(&bucket->names, name) : NULL;
        const struct version *version = listed == NULL ? NULL : version_newest(listed);
        if (version != NULL && version->action != ACTION_HIDE) {
            (void)text_copy(sha1, BUCKET_SHA1_SIZE, version->sha1);
            return version->size;
        }
    }
    return -1;
}

size_t bucket_lose_name(struct bucket_service *service, int64_t now_ns, const char *bucket_id, struct span name)
{
    struct file_bucket *bucket = bucket_by_id(service, bucket_id);
    size_t lost = 0;
    service->now_ns = now_ns;
    for (struct listed_name *listed = bucket == NULL ? NULL : name_list_find(&bucket->names, name); listed != NULL;
         listed = name_list_find(&bucket->names, name)) {
        if (!version_remove(service, listed->newest)) {
            break;
        }
        lost++;
    }
    return lost;
}

/* ---- Buckets -------------------------------------------------------------------------------------------------------------- */

struct file_bucket *bucket_by_id(struct bucket_service *service, const char *id)
{
    for (size_t i = 0; i < service->bucket_count; i++) {
        if (strcmp(service->buckets[i]->id, id) == 0) {
            return service->buckets[i];
        }
    }
    return NULL;
}

struct file_bucket *bucket_by_name(struct bucket_service *service, struct span name)
{
    for (size_t i = 0; i < service->bucket_count; i++) {
        if (span_equals(name, service->buckets[i]->name)) {
            return service->buckets[i];
        }
    }
    return NULL;
}

struct file_bucket *bucket_add(struct bucket_service *service, const char *name, bool is_public)
{
    if (service->bucket_count == BUCKETS_MAX) {
        return NULL;
    }
    struct file_bucket *bucket = heap_alloc(service->heap, sizeof *bucket);
    if (bucket == NULL) {
        return NULL;
    }
    (void)text_format(bucket->id, sizeof bucket->id, "%016llx%08llx",
                      (unsigned long long)bucket_draw(service, BUCKET_DRAW_BUCKET_ID),
                      (unsigned long long)bucket_draw(service, BUCKET_DRAW_BUCKET_ID) >> 32);
    (void)text_copy(bucket->name, sizeof bucket->name, name);
    bucket->is_public = is_public;
    bucket->revision = 2;
    name_list_init(&bucket->names, service->heap);
    if (!record_bucket(service, bucket)) {
        free_bucket(service, bucket);
        return NULL;
    }
    service->buckets[service->bucket_count++] = bucket;
    return bucket;
}

bool bucket_remove(struct bucket_service *service, struct file_bucket *bucket)
{
    assert(bucket->version_count == 0);
    if (!record_bucket_gone(service, bucket)) {
        return false;
    }
    size_t nth = 0;
    while (service->buckets[nth] != bucket) {
        nth++;
    }
    service->bucket_count--;
    memmove(&service->buckets[nth], &service->buckets[nth + 1],
            (service->bucket_count - nth) * sizeof(struct file_bucket *));
    free_bucket(service, bucket);
    return true;
}
