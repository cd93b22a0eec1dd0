/* The state folder's locks: one file each, locked while held, removed afterwards. */
#include <string.h>
#include <unistd.h>

#include "system/files.h"
#include "world/live/live_sides.h"

enum { LOCK_NAME_SIZE = 64 };

struct held_lock {
    struct held_lock *next;
    char name[LOCK_NAME_SIZE];
    struct file_lock lock;
};

struct live_locks {
    struct held_lock *held;
};

static bool lock_path(const struct live_world *live, const char *name, char path[FILE_PATH_SIZE])
{
    return text_format(path, FILE_PATH_SIZE, "%s/run-%s.lock", live->options.state_folder, name);
}

/* Where the link to the lock of that name stands: at its place in the list, or at the list's end. */
static struct held_lock **find(struct live_world *live, const char *name)
{
    struct held_lock **link = &live->locks->held;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

bool live_lock(struct world *world, const char *name)
{
    struct live_world *live = live_of(world);
    struct held_lock **link = find(live, name);
    if (*link != NULL) {
        return true; /* our own */
    }
    char path[FILE_PATH_SIZE];
    struct error ignored;
    struct held_lock *held = heap_alloc(live->heap, sizeof *held);
    bool taken = held != NULL && strchr(name, '/') == NULL && text_copy(held->name, sizeof held->name, name) &&
                 lock_path(live, name, path) && file_lock(path, &held->lock, &ignored) == ERR_OK;
    if (!taken) {
        heap_release(live->heap, held);
        return false;
    }
    *link = held;
    return true;
}

/* The name goes before the lock does: whoever opened the file meanwhile sees that it is no longer the one that counts. */
static void give_back(struct live_world *live, struct held_lock *held)
{
    char path[FILE_PATH_SIZE];
    if (lock_path(live, held->name, path)) {
        (void)unlink(path);
    }
    file_unlock(&held->lock);
    heap_release(live->heap, held);
}

void live_unlock(struct world *world, const char *name)
{
    struct live_world *live = live_of(world);
    struct held_lock **link = find(live, name);
    if (*link != NULL) {
        struct held_lock *held = *link;
        *link = held->next;
        give_back(live, held);
    }
}

enum error_code live_locks_open(struct live_world *live, struct error *error)
{
    live->locks = heap_alloc(live->heap, sizeof *live->locks);
    return live->locks == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for locks") : ERR_OK;
}

void live_locks_close(struct live_world *live)
{
    while (live->locks != NULL && live->locks->held != NULL) {
        struct held_lock *held = live->locks->held;
        live->locks->held = held->next;
        give_back(live, held);
    }
    heap_release(live->heap, live->locks);
    live->locks = NULL;
}
