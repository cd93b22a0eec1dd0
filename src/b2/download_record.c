/* The files of a download, and going on with what an earlier run left. */
#include <string.h>

#include "b2/download_state.h"
#include "base/json_read.h"

enum { RECORD_HEAD_SIZE = 400 };

int64_t download_range_size(const struct download *download, int64_t index)
{
    int64_t left = download->result->file.size - index * download->range_bytes;
    return left < download->range_bytes ? left : download->range_bytes;
}

static void tell_progress(struct download *download, int64_t bytes)
{
    download->bytes_done += bytes;
    if (download->options->progress != NULL) {
        download->options->progress(download->options->progress_context, download->bytes_done,
                                    download->result->file.size);
    }
}

/* ---- Resuming ------------------------------------------------------------------------------------------------------------ */

static void write_record_head(const struct download *download, char head[RECORD_HEAD_SIZE])
{
    const struct b2_file *file = &download->result->file;
    (void)text_format(head, RECORD_HEAD_SIZE, "%s %lld %s %lld\n", file->id, (long long)file->size, file->sha1,
                      (long long)download->range_bytes);
}

/* A number on a line of its own; whatever else stands there is no finished range. */
static void take_recorded(struct download *download, struct span line)
{
    int64_t index;
    if (json_number_int64(line, &index) && index >= 0 && index < download->range_count &&
        !download->range_done[index]) {
        download->range_done[index] = true;
        tell_progress(download, download_range_size(download, index));
    }
}

static void take_record(struct download *download, struct span text)
{
    char head[RECORD_HEAD_SIZE];
    write_record_head(download, head);
    size_t length = strlen(head);
    if (text.length < length || memcmp(text.at, head, length) != 0) {
        return; /* of another file, or another version of it */
    }
    download->record_size = (int64_t)length;
    const char *line = text.at + length;
    const char *end = text.at + text.length;
    for (const char *stop = memchr(line, '\n', (size_t)(end - line)); stop != NULL;
         stop = memchr(line, '\n', (size_t)(end - line))) {
        take_recorded(download, (struct span){line, (size_t)(stop - line)});
        line = stop + 1;
        download->record_size = line - text.at;
    }
}

static enum error_code read_record(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    enum { RECORD_MAX = 4 * 1024 * 1024 };
    struct world_file_facts facts;
    struct buffer text;
    size_t got = 0;
    enum error_code code = world_file_look(world, &download->record, &facts, error);
    if (code != ERR_OK || facts.size <= 0 || facts.size > RECORD_MAX) {
        return code;
    }
    buffer_init(&text, world->heap, RECORD_MAX);
    if (!buffer_reserve(&text, (size_t)facts.size)) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the record of a download");
    }
    code = world_file_read(world, &download->record, 0, text.data, (size_t)facts.size, &got, error);
    take_record(download, (struct span){text.data, got});
    buffer_release(&text);
    return code;
}

enum error_code download_start_anew(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    char head[RECORD_HEAD_SIZE];
    write_record_head(download, head);
    memset(download->range_done, 0, (size_t)download->range_count * sizeof download->range_done[0]);
    download->bytes_done = 0;
    download->next_range = 0;
    enum error_code code = world_file_resize(world, &download->record, 0, error);
    code = code == ERR_OK ? world_file_resize(world, &download->file, 0, error) : code;
    code = code == ERR_OK ? world_file_resize(world, &download->file, download->result->file.size, error) : code;
    code = code == ERR_OK ? world_file_write(world, &download->record, 0, head, strlen(head), error) : code;
    download->record_size = (int64_t)strlen(head);
    return code;
}

enum error_code download_take_up(struct download *download, struct error *error)
{
    struct world_file_facts facts;
    struct world *world = download->b2->world;
    bool has_digest = download->result->file.sha1[0] != '\0';
    enum error_code code = world_file_look(world, &download->file, &facts, error);
    if (code == ERR_OK && has_digest && facts.size == download->result->file.size) {
        code = read_record(download, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    return download->record_size == 0 ? download_start_anew(download, error) : ERR_OK;
}

enum error_code download_note_range(struct download *download, int64_t index, struct error *error)
{
    download->range_done[index] = true;
    download->result->bytes_fetched += download_range_size(download, index);
    tell_progress(download, download_range_size(download, index));
    char line[32];
    (void)text_format(line, sizeof line, "%lld\n", (long long)index);
    enum error_code code =
        world_file_write(download->b2->world, &download->record, download->record_size, line, strlen(line), error);
    download->record_size += (int64_t)strlen(line);
    return code;
}

/* ---- Files ---------------------------------------------------------------------------------------------------------------- */

enum error_code download_open_files(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    bool fits =
        text_format(download->temporary, sizeof download->temporary, "%s.dumont-part", download->target) &&
        text_format(download->record_path, sizeof download->record_path, "%s.dumont-part.ranges", download->target);
    if (!fits) {
        return error_set(error, ERR_CANNOT_WRITE, "the path is too long");
    }
    enum error_code code = world_file_open(world, download->temporary, WORLD_FILE_FILL, &download->file, error);
    return code == ERR_OK ? world_file_open(world, download->record_path, WORLD_FILE_FILL, &download->record, error)
                          : code;
}

void download_leave_files(struct download *download, const struct error *error)
{
    struct world *world = download->b2->world;
    bool any = false;
    for (int64_t i = 0; download->range_done != NULL && i < download->range_count; i++) {
        any = any || download->range_done[i];
    }
    bool ours = download->record.opened != NULL && error->code != ERR_STATE_LOCKED;
    if (ours && (!any || download->result->file.sha1[0] == '\0')) {
        world_file_remove(world, download->temporary);
        world_file_remove(world, download->record_path);
    }
}

/* A target that is there keeps its mode; a new one is as new files are. The time is the one that was put, where the store tells it. */
static void choose_stamp(struct download *download, struct world_file_facts *facts)
{
    struct world *world = download->b2->world;
    struct world_file former;
    struct world_file_facts its = {.mode = WORLD_FILE_MODE_USUAL};
    struct error ignored;
    if (world_file_open(world, download->target, WORLD_FILE_READ, &former, &ignored) == ERR_OK) {
        if (world_file_look(world, &former, &its, &ignored) != ERR_OK) {
            its.mode = WORLD_FILE_MODE_USUAL;
        }
        world_file_close(world, &former);
    }
    int64_t modified_ms = download->result->file.modified_unix_ms;
    bool told = modified_ms >= 0 && modified_ms <= INT64_MAX / NS_PER_MS;
    *facts = (struct world_file_facts){.mode = its.mode,
                                       .modified_unix_ns = told ? modified_ms * NS_PER_MS : WORLD_FILE_TIME_KEPT};
}

enum error_code download_put_in_place(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    struct world_file_facts facts;
    choose_stamp(download, &facts);
    enum error_code code = world_file_stamp(world, &download->file, &facts, error);
    code = code == ERR_OK ? world_file_sync(world, &download->file, error) : code;
    code = code == ERR_OK ? world_file_rename(world, download->temporary, download->target, error) : code;
    if (code == ERR_OK) {
        world_file_remove(world, download->record_path);
    }
    return code;
}
