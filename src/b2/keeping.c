#include "b2/keeping.h"

#include <string.h>

#include "world/note.h"

enum { REMOVAL_ROUNDS = 3, BATCH = 64, BYTES_PER_GB = 1000000000 };

const int64_t b2_storage_nusd_per_gb_30_days = 6950000;

/* ---- Removing ------------------------------------------------------------------------------------------------------------ */

struct version {
    char id[B2_ID_SIZE];
    int64_t size;
};

/* Some versions of one name. */
struct batch {
    const char *name;
    struct version *versions;
    size_t count;
};

/* A name that begins with ours comes behind it in the list, and its versions are not ours. */
static bool gather(void *context, const struct b2_file *file)
{
    struct batch *batch = context;
    if (strcmp(file->name, batch->name) != 0 || batch->count == BATCH) {
        return false;
    }
    if (file->action != B2_FOLDER && file->action != B2_START) {
        (void)text_copy(batch->versions[batch->count].id, B2_ID_SIZE, file->id);
        batch->versions[batch->count++].size = file->size;
    }
    return true;
}

static enum error_code delete_batch(struct b2_call *call, const struct batch *batch, struct b2_removal *removal,
                                    struct error *error)
{
    for (size_t i = 0; i < batch->count; i++) {
        enum error_code code = b2_delete_version(call, batch->versions[i].id, batch->name, error);
        if (code != ERR_OK && code != ERR_NO_SUCH_FILE) { /* gone meanwhile is as good */
            return code;
        }
        removal->versions++;
        removal->bytes += batch->versions[i].size;
    }
    return ERR_OK;
}

static bool holds(const struct batch *batch, const char *id)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (strcmp(batch->versions[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static enum error_code remove_all(struct b2_call *call, struct batch *batch, struct b2_removal *removal,
                                  struct error *error)
{
    char last[B2_ID_SIZE] = "";
    for (int stuck = 0; stuck < REMOVAL_ROUNDS;) {
        batch->count = 0;
        enum error_code code = b2_list(call, B2_LIST_VERSIONS, batch->name, gather, batch, error);
        if (code != ERR_OK) {
            return code;
        }
        if (batch->count == 0) {
            return removal->versions > 0 ? ERR_OK
                                         : error_set(error, ERR_NO_SUCH_FILE, "%.150s: %s", batch->name,
                                                     error_sentence(ERR_NO_SUCH_FILE));
        }
        if (holds(batch, last)) {
            stuck++;
            removal->versions -= 1; /* it was counted, and is there still */
            note_fault(call->b2->world, "retention-wrong", "a version that was deleted is still listed; deleted again");
        }
        (void)text_copy(last, sizeof last, batch->versions[0].id);
        code = delete_batch(call, batch, removal, error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return error_set(error, ERR_OUTCOME_UNKNOWN, "%.150s: deletes are acknowledged, and versions are still listed",
                     batch->name);
}

enum error_code b2_remove(struct b2_call *call, const char *name, struct b2_removal *removal, struct error *error)
{
    struct heap *heap = call->b2->world->heap;
    struct batch batch = {.name = name, .versions = heap_alloc(heap, BATCH * sizeof batch.versions[0])};
    *removal = (struct b2_removal){0};
    if (batch.versions == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    enum error_code code = remove_all(call, &batch, removal, error);
    heap_release(heap, batch.versions);
    return code;
}

/* Versions of a name, seen in a list: the one of an id, and how many others. */
struct census {
    const char *name, *id;
    bool found;
    int64_t size, others;
};

static bool count_version(void *context, const struct b2_file *file)
{
    struct census *census = context;
    if (strcmp(file->name, census->name) != 0) {
        return false;
    }
    if (strcmp(file->id, census->id) == 0) {
        census->found = true;
        census->size = file->size;
    } else {
        census->others += file->action == B2_START ? 0 : 1;
    }
    return true;
}

static enum error_code take_census(struct b2_call *call, const char *name, const char *id, struct census *census,
                                   struct error *error)
{
    *census = (struct census){.name = name, .id = id};
    return b2_list(call, B2_LIST_VERSIONS, name, count_version, census, error);
}

enum error_code b2_remove_version(struct b2_call *call, const char *name, const char *id, struct b2_removal *removal,
                                  struct error *error)
{
    struct census before;
    struct census after = {.found = true};
    *removal = (struct b2_removal){0};
    enum error_code code = take_census(call, name, id, &before, error);
    if (code == ERR_OK && !before.found) {
        return error_set(error, ERR_NO_SUCH_FILE, "%.150s has no such version", name);
    }
    for (int round = 0; code == ERR_OK && after.found && round < REMOVAL_ROUNDS; round++) {
        if (round > 0) {
            note_fault(call->b2->world, "retention-wrong", "a version that was deleted is still listed; deleted again");
        }
        code = b2_delete_version(call, id, name, error);
        code = code == ERR_NO_SUCH_FILE ? ERR_OK : code; /* gone meanwhile is as good */
        code = code == ERR_OK ? take_census(call, name, id, &after, error) : code;
    }
    if (code != ERR_OK) {
        return code;
    }
    if (after.found) {
        return error_set(error, ERR_OUTCOME_UNKNOWN,
                         "%.150s: deletes are acknowledged, and the version is still listed", name);
    }
    *removal = (struct b2_removal){.versions = 1, .bytes = before.size};
    if (after.others < before.others) {
        note_fault(call->b2->world, "retention-wrong", "%lld other versions went with the one that was deleted",
                   (long long)(before.others - after.others));
        (void)error_set(error, ERR_OUTCOME_UNKNOWN, "%.150s: %lld other versions are gone as well", name,
                        (long long)(before.others - after.others));
        error_advise(error, "delete nothing more, and see what is left with dumont store ls --versions");
        return ERR_OUTCOME_UNKNOWN;
    }
    return ERR_OK;
}

/* ---- Sweeping ------------------------------------------------------------------------------------------------------------ */

/* Unfinished files of a page, held until the page is read: cancelling needs the call that it lies in. */
struct unfinished {
    struct b2_call *call;
    struct b2_sweep *sweep;
    struct b2_file *files;
    size_t count, capacity;
    bool no_memory;
};

static bool is_ours(const struct b2_file *file)
{
    return strncmp(file->mark, "parts-", strlen("parts-")) == 0;
}

static bool gather_unfinished(void *context, const struct b2_file *file)
{
    enum { FIRST_CAPACITY = 16 };
    struct unfinished *list = context;
    struct b2_sweep *sweep = list->sweep;
    int64_t age_ms = b2_server_unix_ms(list->call->b2) - file->uploaded_unix_ms;
    if (!is_ours(file)) {
        sweep->foreign++;
        return true;
    }
    /* Without a grace age does not count: the server tells its time in whole seconds, and an age could come out negative. */
    if (sweep->grace_ns > 0 && age_ms < sweep->grace_ns / NS_PER_MS) {
        sweep->too_young++;
        return true;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? FIRST_CAPACITY : 2 * list->capacity;
        struct b2_file *files = heap_resize(list->call->b2->world->heap, list->files, capacity * sizeof *files);
        list->no_memory = files == NULL;
        list->files = files == NULL ? list->files : files;
        list->capacity = files == NULL ? list->capacity : capacity;
    }
    if (!list->no_memory) {
        list->files[list->count++] = *file;
    }
    return !list->no_memory;
}

static enum error_code cancel_all(struct unfinished *list, struct error *error)
{
    struct b2_sweep *sweep = list->sweep;
    for (size_t i = 0; i < list->count; i++) {
        const struct b2_file *file = &list->files[i];
        enum error_code code = sweep->dry_run ? ERR_OK : b2_cancel_large_file(list->call, file->id, error);
        /* Finished or cancelled since it was listed: it is not unfinished any more. */
        bool gone = code == ERR_REQUEST_REJECTED || code == ERR_NO_SUCH_FILE;
        if (code != ERR_OK && !gone) {
            return code;
        }
        sweep->cancelled += gone ? 0 : 1;
        if (!gone && sweep->visit != NULL) {
            (void)sweep->visit(sweep->context, file);
        }
    }
    return ERR_OK;
}

enum error_code b2_sweep_unfinished(struct b2_call *call, const char *prefix, struct b2_sweep *sweep,
                                    struct error *error)
{
    struct unfinished list = {.call = call, .sweep = sweep};
    enum error_code code = b2_list(call, B2_LIST_UNFINISHED, prefix, gather_unfinished, &list, error);
    if (code == ERR_OK && list.no_memory) {
        code = error_set(error, ERR_NO_MEMORY, "no memory for the list of unfinished files");
    }
    code = code == ERR_OK ? cancel_all(&list, error) : code;
    heap_release(call->b2->world->heap, list.files);
    return code;
}

/* ---- Adding up ----------------------------------------------------------------------------------------------------------- */

struct adding {
    struct b2_usage *usage;
    char name[B2_NAME_SIZE]; /* the last one: versions of a name come newest first */
};

static bool add_version(void *context, const struct b2_file *file)
{
    struct adding *adding = context;
    struct b2_usage *usage = adding->usage;
    bool newest = strcmp(adding->name, file->name) != 0;
    if (file->action == B2_START || file->action == B2_FOLDER) {
        return true;
    }
    (void)text_copy(adding->name, sizeof adding->name, file->name);
    if (file->action == B2_HIDE) {
        usage->hide_markers++;
    } else if (newest) {
        usage->files++;
        usage->bytes = saturating_add(usage->bytes, file->size);
    } else {
        usage->old_versions++;
        usage->old_bytes = saturating_add(usage->old_bytes, file->size);
    }
    return true;
}

static bool add_part(void *context, const struct b2_part *part)
{
    struct b2_usage *usage = context;
    usage->unfinished_bytes = saturating_add(usage->unfinished_bytes, part->size);
    return true;
}

/* Of everybody's unfinished files: they cost, whoever began them. */
static bool always(void *context, const struct b2_file *file)
{
    struct unfinished *list = context;
    struct b2_file ours = *file;
    (void)text_copy(ours.mark, sizeof ours.mark, "parts-");
    ours.uploaded_unix_ms = 0;
    return gather_unfinished(list, &ours);
}

static enum error_code add_unfinished(struct b2_call *call, const char *prefix, struct b2_usage *usage,
                                      struct error *error)
{
    struct b2_sweep nothing = {.dry_run = true};
    struct unfinished list = {.call = call, .sweep = &nothing};
    enum error_code code = b2_list(call, B2_LIST_UNFINISHED, prefix, always, &list, error);
    usage->unfinished = (int64_t)list.count;
    for (size_t i = 0; i < list.count && code == ERR_OK; i++) {
        code = b2_list_parts(call, list.files[i].id, add_part, usage, error);
    }
    heap_release(call->b2->world->heap, list.files);
    return code;
}

static int64_t price(const struct b2_usage *usage)
{
    int64_t bytes = saturating_add(saturating_add(usage->bytes, usage->old_bytes), usage->unfinished_bytes);
    int64_t billed = bytes - (int64_t)B2_FREE_BYTES_GB * BYTES_PER_GB;
    return billed <= 0 ? 0 : scale_rounded(billed, b2_storage_nusd_per_gb_30_days, BYTES_PER_GB);
}

enum error_code b2_measure(struct b2_call *call, const char *prefix, struct b2_usage *usage, struct error *error)
{
    struct adding adding = {.usage = usage};
    *usage = (struct b2_usage){0};
    enum error_code code = b2_list(call, B2_LIST_VERSIONS, prefix, add_version, &adding, error);
    code = code == ERR_OK ? add_unfinished(call, prefix, usage, error) : code;
    usage->nusd_per_30_days = price(usage);
    return code;
}
