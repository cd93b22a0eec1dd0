#include "sim/disk.h"

#include <string.h>

#include "base/buffer.h"

enum { SECRET_MODE = 0600, FIRST_PAGES = 4 };

/* Some bytes of one or two states of a file. */
struct page {
    int holders;
    char bytes[DISK_PAGE_BYTES];
};

/* What a file holds, or held. */
struct state {
    int64_t size;
    struct page **pages; /* NULL in it: zeros */
    size_t capacity;     /* of `pages` */
};

struct disk_file {
    char *path; /* NULL: it lost its name, and is there for those who have it open */
    struct state now, synced;
    bool was_synced;
    bool taken; /* somebody fills it */
    int opened;
    unsigned mode;
    int64_t modified_unix_ns;
    struct disk_file *next;
};

struct disk_handle {
    struct disk *disk;
    struct disk_file *file;
    bool fills;
    char path[DISK_PATH_SIZE];
    struct disk_handle *next;
};

void disk_init(struct disk *disk, struct heap *heap, int64_t limit_bytes, int64_t (*clock)(void *context),
               void *clock_context)
{
    *disk = (struct disk){.heap = heap, .limit_bytes = limit_bytes, .clock = clock, .clock_context = clock_context};
}

static int64_t now_unix_ns(const struct disk *disk)
{
    return disk->clock(disk->clock_context);
}

/* ---- Pages -------------------------------------------------------------------------------------------------------------- */

static void leave_page(struct disk *disk, struct page *page)
{
    if (page != NULL && --page->holders == 0) {
        disk->used_bytes -= DISK_PAGE_BYTES;
        heap_release(disk->heap, page);
    }
}

static void drop_state(struct disk *disk, struct state *state)
{
    for (size_t i = 0; i < state->capacity; i++) {
        leave_page(disk, state->pages[i]);
    }
    heap_release(disk->heap, state->pages);
    *state = (struct state){.size = 0};
}

/* Room for the names of so many pages. */
static bool reserve_pages(struct disk *disk, struct state *state, size_t count)
{
    size_t capacity = state->capacity == 0 ? FIRST_PAGES : state->capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    if (capacity == state->capacity) {
        return true;
    }
    struct page **pages = heap_resize(disk->heap, state->pages, capacity * sizeof(struct page *));
    if (pages == NULL) {
        return false;
    }
    for (size_t i = state->capacity; i < capacity; i++) {
        pages[i] = NULL;
    }
    state->pages = pages;
    state->capacity = capacity;
    return true;
}

static struct page *page_at(const struct state *state, size_t index)
{
    return index < state->capacity ? state->pages[index] : NULL;
}

/* The page of that place, of this state alone. NULL: the disk is full. */
static struct page *page_to_write(struct disk *disk, struct state *state, size_t index)
{
    if (!reserve_pages(disk, state, index + 1)) {
        return NULL;
    }
    struct page *old = state->pages[index];
    if (old != NULL && old->holders == 1) {
        return old;
    }
    if (disk->used_bytes + DISK_PAGE_BYTES > disk->limit_bytes) {
        return NULL;
    }
    struct page *page = heap_alloc(disk->heap, sizeof *page);
    if (page == NULL) {
        return NULL;
    }
    if (old != NULL) {
        memcpy(page->bytes, old->bytes, sizeof page->bytes);
    }
    page->holders = 1;
    disk->used_bytes += DISK_PAGE_BYTES;
    leave_page(disk, old);
    state->pages[index] = page;
    return page;
}

/* ---- Files -------------------------------------------------------------------------------------------------------------- */

static struct disk_file *find(const struct disk *disk, const char *path)
{
    struct disk_file *file = disk->files;
    while (file != NULL && (file->path == NULL || strcmp(file->path, path) != 0)) {
        file = file->next;
    }
    return file;
}

static char *copy_path(struct disk *disk, const char *path)
{
    size_t size = strlen(path) + 1;
    char *copy = heap_alloc(disk->heap, size);
    return copy == NULL ? NULL : memcpy(copy, path, size);
}

static struct disk_file *make(struct disk *disk, const char *path)
{
    struct disk_file *file = heap_alloc(disk->heap, sizeof *file);
    char *own = copy_path(disk, path);
    if (file == NULL || own == NULL) {
        heap_release(disk->heap, file);
        heap_release(disk->heap, own);
        return NULL;
    }
    *file = (struct disk_file){
        .path = own, .mode = SECRET_MODE, .modified_unix_ns = now_unix_ns(disk), .next = disk->files};
    disk->files = file;
    return file;
}

static void forget(struct disk *disk, struct disk_file *file)
{
    struct disk_file **link = &disk->files;
    while (*link != file) {
        link = &(*link)->next;
    }
    *link = file->next;
    drop_state(disk, &file->now);
    drop_state(disk, &file->synced);
    heap_release(disk->heap, file->path);
    heap_release(disk->heap, file);
}

static void lose_name(struct disk *disk, struct disk_file *file)
{
    heap_release(disk->heap, file->path);
    file->path = NULL;
    if (file->opened == 0) {
        forget(disk, file);
    }
}

void disk_release(struct disk *disk)
{
    while (disk->handles != NULL) {
        disk_close(disk->handles);
    }
    while (disk->files != NULL) {
        forget(disk, disk->files);
    }
}

bool disk_has(const struct disk *disk, const char *path)
{
    return find(disk, path) != NULL;
}

bool disk_rename(struct disk *disk, const char *from, const char *to)
{
    struct disk_file *file = find(disk, from);
    struct disk_file *former = find(disk, to);
    char *path = file == NULL ? NULL : copy_path(disk, to);
    if (path == NULL) {
        return false;
    }
    if (former != NULL && former != file) {
        lose_name(disk, former);
    }
    heap_release(disk->heap, file->path);
    file->path = path;
    return true;
}

void disk_remove(struct disk *disk, const char *path)
{
    struct disk_file *file = find(disk, path);
    if (file != NULL) {
        lose_name(disk, file);
    }
}

/* ---- Open files --------------------------------------------------------------------------------------------------------- */

enum disk_opening disk_open(struct disk *disk, const char *path, bool fill, struct disk_handle **out)
{
    struct disk_file *file = find(disk, path);
    if (file == NULL && !fill) {
        return DISK_MISSING;
    }
    if (fill && file != NULL && file->taken) {
        return DISK_TAKEN;
    }
    struct disk_handle *handle = heap_alloc(disk->heap, sizeof *handle);
    if (handle == NULL || !text_copy(handle->path, sizeof handle->path, path)) {
        heap_release(disk->heap, handle);
        return DISK_FULL;
    }
    file = file == NULL ? make(disk, path) : file;
    if (file == NULL) {
        heap_release(disk->heap, handle);
        return DISK_FULL;
    }
    handle->disk = disk;
    handle->file = file;
    handle->fills = fill;
    handle->next = disk->handles;
    disk->handles = handle;
    file->opened++;
    file->taken = file->taken || fill;
    *out = handle;
    return DISK_OPENED;
}

void disk_close(struct disk_handle *handle)
{
    struct disk *disk = handle->disk;
    struct disk_file *file = handle->file;
    struct disk_handle **link = &disk->handles;
    while (*link != handle) {
        link = &(*link)->next;
    }
    *link = handle->next;
    file->taken = file->taken && !handle->fills;
    heap_release(disk->heap, handle);
    if (--file->opened == 0 && file->path == NULL) {
        forget(disk, file);
    }
}

const char *disk_path(const struct disk_handle *handle)
{
    return handle->path;
}

int64_t disk_size(const struct disk_handle *handle)
{
    return handle->file->now.size;
}

int64_t disk_modified_unix_ns(const struct disk_handle *handle)
{
    return handle->file->modified_unix_ns;
}

unsigned disk_mode(const struct disk_handle *handle)
{
    return handle->file->mode;
}

void disk_stamp(struct disk_handle *handle, unsigned mode, int64_t modified_unix_ns)
{
    handle->file->mode = mode;
    handle->file->modified_unix_ns = modified_unix_ns;
}

/* The piece of `left` bytes from `offset` on that lies in one page: its length, and where it begins there. */
static size_t within_page(int64_t offset, size_t left, size_t *at)
{
    *at = (size_t)(offset % DISK_PAGE_BYTES);
    size_t room = DISK_PAGE_BYTES - *at;
    return left < room ? left : room;
}

size_t disk_read(const struct disk_handle *handle, int64_t offset, char *out, size_t size)
{
    const struct state *state = &handle->file->now;
    size_t wanted = offset >= state->size                  ? 0
                    : (int64_t)size > state->size - offset ? (size_t)(state->size - offset)
                                                           : size;
    for (size_t got = 0; got < wanted;) {
        size_t at;
        int64_t place = offset + (int64_t)got;
        size_t piece = within_page(place, wanted - got, &at);
        const struct page *page = page_at(state, (size_t)(place / DISK_PAGE_BYTES));
        if (page == NULL) {
            memset(out + got, 0, piece);
        } else {
            memcpy(out + got, page->bytes + at, piece);
        }
        got += piece;
    }
    return wanted;
}

bool disk_write(struct disk_handle *handle, int64_t offset, const char *bytes, size_t size)
{
    struct disk *disk = handle->disk;
    struct state *state = &handle->file->now;
    if (offset > disk->limit_bytes || (int64_t)size > disk->limit_bytes - offset) {
        return false;
    }
    handle->file->modified_unix_ns = now_unix_ns(handle->disk);
    for (size_t done = 0; done < size;) {
        size_t at;
        int64_t place = offset + (int64_t)done;
        size_t piece = within_page(place, size - done, &at);
        struct page *page = page_to_write(disk, state, (size_t)(place / DISK_PAGE_BYTES));
        if (page == NULL) {
            return false;
        }
        memcpy(page->bytes + at, bytes + done, piece);
        done += piece;
        state->size = place + (int64_t)piece > state->size ? place + (int64_t)piece : state->size;
    }
    return true;
}

/* What lies behind a file's end is zeros when it grows again. */
static bool cut(struct disk *disk, struct state *state, int64_t size)
{
    size_t at;
    size_t kept = (size_t)((size + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES);
    size_t rest = within_page(size, DISK_PAGE_BYTES, &at);
    if (at > 0 && page_at(state, kept - 1) != NULL) {
        struct page *page = page_to_write(disk, state, kept - 1);
        if (page == NULL) {
            return false;
        }
        memset(page->bytes + at, 0, rest);
    }
    for (size_t i = kept; i < state->capacity; i++) {
        leave_page(disk, state->pages[i]);
        state->pages[i] = NULL;
    }
    return true;
}

bool disk_resize(struct disk_handle *handle, int64_t size)
{
    struct state *state = &handle->file->now;
    if (size > handle->disk->limit_bytes || (size < state->size && !cut(handle->disk, state, size))) {
        return false;
    }
    state->size = size;
    handle->file->modified_unix_ns = now_unix_ns(handle->disk);
    return true;
}

/* What it holds is what it held when it was last synced: now. */
static bool keep(struct disk *disk, struct disk_file *file)
{
    struct state kept = {.size = file->now.size};
    if (!reserve_pages(disk, &kept, file->now.capacity)) {
        return false;
    }
    for (size_t i = 0; i < file->now.capacity; i++) {
        kept.pages[i] = file->now.pages[i];
        if (kept.pages[i] != NULL) {
            kept.pages[i]->holders++;
        }
    }
    drop_state(disk, &file->synced);
    file->synced = kept;
    file->was_synced = true;
    return true;
}

bool disk_sync(struct disk_handle *handle)
{
    return keep(handle->disk, handle->file);
}

/* ---- Crashes ------------------------------------------------------------------------------------------------------------ */

/* One throw of the coin after the other. */
static bool luck_says(uint64_t *luck)
{
    *luck += UINT64_C(0x9E3779B97F4A7C15); /* the steps of SplitMix64, and its mixing */
    uint64_t mixed = (*luck ^ *luck >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return ((mixed ^ mixed >> 31) & 1) != 0;
}

static void lose_what_luck_takes(struct disk *disk, struct disk_file *file, uint64_t *luck)
{
    for (size_t i = 0; i < file->now.capacity; i++) {
        struct page *before = page_at(&file->synced, i);
        if (file->now.pages[i] == before || luck_says(luck)) {
            continue;
        }
        leave_page(disk, file->now.pages[i]);
        file->now.pages[i] = before;
        if (before != NULL) {
            before->holders++;
        }
    }
    file->now.size = luck_says(luck) ? file->now.size : file->synced.size;
    (void)cut(disk, &file->now, file->now.size);
}

void disk_crash(struct disk *disk, uint64_t luck, bool machine_survives)
{
    while (disk->handles != NULL) {
        disk_close(disk->handles);
    }
    struct disk_file *next;
    for (struct disk_file *file = disk->files; file != NULL && !machine_survives; file = next) {
        next = file->next;
        if (!file->was_synced && !luck_says(&luck)) {
            forget(disk, file);
            continue;
        }
        lose_what_luck_takes(disk, file, &luck);
        (void)keep(disk, file); /* what has survived is on the disk */
    }
}
