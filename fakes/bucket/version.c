/* Versions of files, and the parts that large ones are made of. */
#include <assert.h>
#include <string.h>

#include "fakes/bucket/state.h"

static const char *const action_names[] = {
#define FILE_ACTION_NAME(code, name) name,
    FILE_ACTION_LIST(FILE_ACTION_NAME)
#undef FILE_ACTION_NAME
};

/* ---- Ids ------------------------------------------------------------------------------------------------------------------ */

/* "2026-08-03T10:15:00Z" as "d20260803_m101500" */
static void append_moment(struct buffer *out, int64_t unix_ms)
{
    char storage[64];
    struct buffer text;
    buffer_init_fixed(&text, storage, sizeof storage);
    wall_time_append(&text, (struct wall_time){unix_ms * NS_PER_MS}, 0);
    const char *at = buffer_text(&text);
    buffer_printf(out, "d%.4s%.2s%.2s_m%.2s%.2s%.2s", at, at + 5, at + 8, at + 11, at + 14, at + 17);
}

void version_id(const struct version *version, char id[FILE_ID_SIZE])
{
    struct buffer out;
    buffer_init_fixed(&out, id, FILE_ID_SIZE);
    buffer_printf(&out, "4_z%s_f%c%016llx_", version->bucket->id, version->large ? '2' : '1',
                  (unsigned long long)version->handle);
    append_moment(&out, version->uploaded_ms);
    buffer_printf(&out, "_c000_v%07u_t%04u", 1030 + (unsigned)(version->handle % 3),
                  (unsigned)(version->handle / 3 % 60));
}

static bool read_handle(const char *id, uint64_t *handle)
{
    enum { HANDLE_AT = 3 + BUCKET_ID_SIZE - 1 + 3, HANDLE_DIGITS = 16 };
    *handle = 0;
    if (strlen(id) < HANDLE_AT + HANDLE_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < HANDLE_DIGITS; i++) {
        char c = id[HANDLE_AT + i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
        *handle = *handle << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

struct version *version_by_id(struct bucket_service *service, const char *id)
{
    uint64_t handle;
    char found[FILE_ID_SIZE];
    struct version *version = read_handle(id, &handle) ? number_index_find(&service->versions, handle) : NULL;
    if (version == NULL) {
        return NULL;
    }
    version_id(version, found);
    return strcmp(id, found) == 0 ? version : NULL;
}

struct version *version_newest(const struct listed_name *name)
{
    struct version *version = name->newest;
    while (version != NULL && version->action == ACTION_START) {
        version = version->older;
    }
    return version;
}

void version_sha1(const struct version *version, char shown[SHOWN_SHA1_SIZE])
{
    (void)text_format(shown, SHOWN_SHA1_SIZE, "%s%s", version->standing == SHA1_UNVERIFIED ? "unverified:" : "",
                      version->standing == SHA1_NONE ? "none" : version->sha1);
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

void bucket_tell(struct bucket_service *service, enum bucket_event_kind kind, const char *state,
                 const struct version *version, int64_t size, const char *sha1)
{
    if (service->options.event != NULL && !service->restoring) {
        struct bucket_event event = {.kind = kind,
                                     .at_ns = service->now_ns,
                                     .state = state,
                                     .name = version->name->text,
                                     .size = size,
                                     .sha1 = sha1};
        service->options.event(service->options.context, &event);
    }
}

static void tell_version(struct bucket_service *service, const struct version *version, const char *state)
{
    char shown[SHOWN_SHA1_SIZE];
    version_sha1(version, shown);
    bucket_tell(service, version->action == ACTION_START ? BUCKET_LARGE : BUCKET_OBJECT, state, version, version->size,
                shown);
}

/* ---- Versions ------------------------------------------------------------------------------------------------------------- */

static int64_t extents_size(const struct extents *extents)
{
    int64_t size = 0;
    for (size_t i = 0; i < extents->count; i++) {
        size += extents->at[i].size;
    }
    return size;
}

static void part_free(struct bucket_service *service, struct part *part)
{
    if (part != NULL) {
        extents_release(service, &part->extents);
        heap_release(service->heap, part);
    }
}

static void free_version(struct bucket_service *service, struct version *version)
{
    for (size_t i = 0; i < version->parts.count; i++) {
        part_free(service, version->parts.at[i]);
    }
    heap_release(service->heap, version->parts.at);
    extents_release(service, &version->extents);
    heap_release(service->heap, version->info);
    heap_release(service->heap, version->content_type);
    heap_release(service->heap, version);
}

/* Takes the version out of its name's list, and the name out of the bucket when it was the last one. */
static void unlink_version(struct bucket_service *service, struct version *version)
{
    struct version **link = &version->name->newest;
    while (*link != version) {
        link = &(*link)->older;
    }
    *link = version->older;
    if (version->name->newest == NULL) {
        name_list_remove(&version->bucket->names, version->name);
    }
    number_index_remove(&service->versions, version->handle);
    version->bucket->version_count--;
    service->version_count--;
    service->unfinished_count -= version->action == ACTION_START;
}

static struct version *make_version(struct bucket_service *service, const struct version_draft *draft)
{
    struct version *version = heap_alloc(service->heap, sizeof *version);
    if (version == NULL) {
        return NULL;
    }
    version->content_type = bucket_keep_text(service, draft->content_type);
    if (version->content_type == NULL) {
        heap_release(service->heap, version);
        return NULL;
    }
    version->bucket = draft->bucket;
    version->action = draft->action;
    version->standing = draft->standing;
    version->size = extents_size(&draft->extents);
    (void)text_copy(version->sha1, sizeof version->sha1, draft->sha1);
    (void)text_copy(version->md5, sizeof version->md5, draft->md5);
    return version;
}

static uint64_t draw_handle(struct bucket_service *service)
{
    uint64_t handle;
    do {
        handle = bucket_draw(service, BUCKET_DRAW_FILE_ID);
    } while (number_index_find(&service->versions, handle) != NULL);
    return handle;
}

/* Puts it at the head of its name. */
static bool link_version(struct bucket_service *service, struct version *version, struct span name)
{
    struct listed_name *listed = name_list_add(&version->bucket->names, name);
    if (listed == NULL) {
        return false;
    }
    if (!number_index_add(&service->versions, version->handle, version)) {
        if (listed->newest == NULL) {
            name_list_remove(&version->bucket->names, listed);
        }
        return false;
    }
    version->name = listed;
    version->older = listed->newest;
    listed->newest = version;
    version->bucket->version_count++;
    service->version_count++;
    service->unfinished_count += version->action == ACTION_START;
    return true;
}

struct version *version_restore(struct bucket_service *service, struct version_draft *draft,
                                const struct version_identity *identity)
{
    struct version *version = make_version(service, draft);
    if (version == NULL) {
        return NULL;
    }
    version->handle = identity->handle;
    version->uploaded_ms = identity->uploaded_ms;
    version->large = identity->large;
    if (!link_version(service, version, draft->name)) {
        free_version(service, version);
        return NULL;
    }
    version->info = draft->info;
    version->extents = draft->extents;
    if (!record_version(service, version)) {
        version->info = NULL;
        version->extents = (struct extents){0};
        unlink_version(service, version);
        free_version(service, version);
        return NULL;
    }
    draft->info = NULL;
    draft->extents = (struct extents){0};
    bill_store(service, version->size);
    tell_version(service, version, action_names[version->action]);
    return version;
}

struct version *version_add(struct bucket_service *service, struct version_draft *draft)
{
    struct version_identity identity = {draw_handle(service), bucket_now_ms(service), draft->action == ACTION_START};
    return version_restore(service, draft, &identity);
}

static int64_t parts_size(const struct parts *parts)
{
    int64_t size = 0;
    for (size_t i = 0; i < parts->count; i++) {
        size += parts->at[i]->size;
    }
    return size;
}

bool version_remove(struct bucket_service *service, struct version *version)
{
    if (!record_version_gone(service, version)) {
        return false;
    }
    tell_version(service, version, version->action == ACTION_START ? "cancel" : "delete");
    bill_store(service, -version->size - parts_size(&version->parts));
    unlink_version(service, version);
    free_version(service, version);
    return true;
}

/* ---- Parts ---------------------------------------------------------------------------------------------------------------- */

struct part *part_find(const struct parts *parts, int64_t number, size_t *place)
{
    size_t low = 0;
    size_t high = parts->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (parts->at[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *place = low;
    return low < parts->count && parts->at[low]->number == number ? parts->at[low] : NULL;
}

static bool make_room(struct heap *heap, struct parts *parts)
{
    if (parts->count < parts->room) {
        return true;
    }
    size_t room = parts->room == 0 ? 8 : 2 * parts->room;
    struct part **at = heap_resize(heap, parts->at, room * sizeof(struct part *));
    if (at == NULL) {
        return false;
    }
    parts->at = at;
    parts->room = room;
    return true;
}

bool part_put(struct bucket_service *service, struct version *version, struct part *draft)
{
    struct parts *parts = &version->parts;
    size_t place;
    struct part *old = part_find(parts, draft->number, &place);
    struct part *part = make_room(service->heap, parts) ? heap_alloc(service->heap, sizeof *part) : NULL;
    if (part == NULL) {
        return false;
    }
    *part = *draft;
    part->uploaded_ms = bucket_now_ms(service);
    part->size = extents_size(&draft->extents);
    if (!record_part(service, version, part)) {
        heap_release(service->heap, part);
        return false;
    }
    *draft = *part;
    bill_store(service, part->size - (old == NULL ? 0 : old->size));
    if (old == NULL) {
        memmove(&parts->at[place + 1], &parts->at[place], (parts->count - place) * sizeof(struct part *));
        parts->count++;
    }
    part_free(service, old);
    parts->at[place] = part;
    bucket_tell(service, BUCKET_LARGE, "part", version, part->size, part->sha1);
    return true;
}

bool version_finish(struct bucket_service *service, struct version *version)
{
    assert(version->action == ACTION_START);
    struct extents whole = {0};
    bool good = true;
    for (size_t i = 0; i < version->parts.count && good; i++) {
        const struct part *part = version->parts.at[i];
        good = extents_add(service, &whole, &part->extents, 0, part->size);
    }
    if (!good || !record_finish(service, version)) {
        extents_release(service, &whole);
        return false;
    }
    for (size_t i = 0; i < version->parts.count; i++) {
        part_free(service, version->parts.at[i]);
    }
    heap_release(service->heap, version->parts.at);
    version->parts = (struct parts){0};
    version->extents = whole;
    version->size = extents_size(&whole);
    version->action = ACTION_UPLOAD;
    service->unfinished_count--;
    bucket_tell(service, BUCKET_LARGE, "finish", version, version->size, "none");
    return true;
}
