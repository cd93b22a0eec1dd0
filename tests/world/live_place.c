#include "world/live_place.h"

#include "testing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

void live_place_make(struct live_place *place)
{
    *place = (struct live_place){.heap = heap_new(), .descriptors = count_descriptors()};
    assert_non_null(place->heap);
    history_init(&place->history, place->heap);
    (void)text_copy(place->folder, sizeof place->folder, "/tmp/dumont-live-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->options = (struct live_world_options){
        .description = {.world = "sockets", .scenario = "", .timing = "", .speed_milli = 1000},
        .state_folder = place->folder,
        .history = &place->history,
    };
}

void live_place_open(struct live_place *place)
{
    enum error_code code = live_world_open(&place->options, &place->live, &place->error);
    if (code != ERR_OK) {
        fail_msg("%s: %s", error_name(code), place->error.message);
    }
    place->world = live_world_door(place->live);
}

void live_place_run(struct live_place *place, task_function *run, void *argument)
{
    assert_int_equal(live_world_run(place->live, run, argument), EXIT_DONE);
    assert_int_equal(heap_live_blocks(place->world->heap), 0);
}

void live_place_close(struct live_place *place)
{
    live_world_close(place->live);
    place->live = NULL;
}

static void remove_tree(const char *path)
{
    struct stat facts;
    assert_int_equal(lstat(path, &facts), 0);
    DIR *folder = S_ISDIR(facts.st_mode) ? opendir(path) : NULL;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char inner[512];
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            assert_true(text_format(inner, sizeof inner, "%s/%s", path, entry->d_name));
            remove_tree(inner);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    assert_int_equal(remove(path), 0);
}

void live_place_remove(struct live_place *place)
{
    live_place_close(place);
    assert_int_equal(count_descriptors(), place->descriptors);
    remove_tree(place->folder);
    history_release(&place->history);
    assert_int_equal(heap_live_blocks(place->heap), 0);
    heap_free(place->heap);
}

const char *live_place_path(const struct live_place *place, char *path, size_t size, const char *name)
{
    assert_true(text_format(path, size, "%s/%s", place->folder, name));
    return path;
}
