#include <string.h>

#include "b2/group.h"
#include "b2/transfer.h"
#include "base/json_read.h"
#include "world/note.h"

enum {
    RANGE_BYTES = 32 * 1024 * 1024,
    TEMPORARY_SIZE = 4200,
    RECORD_HEAD_SIZE = 400,
    RANGES_MOST = 1000000,
    WHOLE_ATTEMPTS = 3
};

struct download {
    struct b2 *b2;
    const struct b2_transfer_options *options;
    struct b2_download_result *result;
    const char *name;
    const char *target;
    char temporary[TEMPORARY_SIZE];
    char record_path[TEMPORARY_SIZE];
    struct world_file file;
    struct world_file record;
    int64_t record_size;
    int64_t range_bytes, range_count;
    bool *range_done;
    /* shared by the workers */
    int64_t next_range;
    int64_t bytes_done;
    bool failed;
    struct error error;
};

static int64_t range_size(const struct download *download, int64_t index)
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

/* ---- What is to be fetched ----------------------------------------------------------------------------------------------- */

static enum error_code unexpected(struct error *error, const char *what)
{
    return error_set(error, ERR_REPLY_UNEXPECTED, "the store's download: %s", what);
}

/* A file without a byte has no first one: then all of it must be nothing. */
static enum error_code probe_empty(struct b2_call *call, struct download *download, struct error *error)
{
    static const char empty_sha1[] = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    struct b2_file *file = &download->result->file;
    enum error_code code = b2_fetch(call, NULL, download->name, NULL, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    bool empty = b2_read_download_headers(&call->reply, file) && call->reply.body.length == 0 &&
                 (file->sha1[0] == '\0' || b2_sha1_equal(file->sha1, empty_sha1));
    file->size = 0;
    return empty ? ERR_OK : unexpected(error, "no byte can be had of a file that is not empty");
}

/* Size, id and digest of what the name stands for now; all that follows is asked for by that id. */
static enum error_code probe_once(struct b2_call *call, struct download *download, struct error *error)
{
    struct b2_file *file = &download->result->file;
    enum error_code code = b2_fetch(call, NULL, download->name, "bytes=0-0", NULL, error);
    if (code != ERR_OK && error->http_status == 416) {
        return probe_empty(call, download, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    bool good = b2_read_download_headers(&call->reply, file) && call->reply.body.length == 1 && file->size > 0;
    return good ? ERR_OK : unexpected(error, "a range of one byte is not what was asked for");
}

struct sighting {
    const char *name;
    bool listed;
};

static bool see_name(void *context, const struct b2_file *file)
{
    struct sighting *sighting = context;
    sighting->listed = file->action == B2_UPLOAD && strcmp(file->name, sighting->name) == 0;
    return false;
}

/* A file that is not found and listed all the same is there: whoever takes it for absent would begin anew over it. */
static void doubt_absence(struct b2_call *call, const char *name, struct error *error)
{
    struct error ignored;
    struct sighting sighting = {.name = name};
    if (b2_allows(call->b2, "listFiles", &ignored) != ERR_OK ||
        b2_list(call, B2_LIST_NAMES, name, see_name, &sighting, &ignored) != ERR_OK || !sighting.listed) {
        return;
    }
    note_fault(call->b2->world, "b2-404-reinit", "%.200s: not found, and listed; taken for neither absent nor there",
               name);
    error_wrap(error, "it is listed, and was not found");
    error_advise(error, "it is not absent: try again, and begin nothing anew in its place");
}

static enum error_code probe(struct b2_call *call, struct download *download, struct error *error)
{
    struct retry retry = b2_retry_download(download->b2, "download");
    enum error_code code;
    do {
        code = probe_once(call, download, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code == ERR_OK) {
        (void)text_copy(download->result->file.name, sizeof download->result->file.name, download->name);
        return code;
    }
    if (error->code == ERR_NO_SUCH_FILE) {
        error_wrap(error, "%.120s", download->name);
        error_advise(error, "see what is there with dumont store ls; nothing was changed here or in the store");
        doubt_absence(call, download->name, error);
    }
    return error->code;
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
        tell_progress(download, range_size(download, index));
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

/* Begins with nothing. */
static enum error_code start_anew(struct download *download, struct error *error)
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

static enum error_code take_up(struct download *download, struct error *error)
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
    return download->record_size == 0 ? start_anew(download, error) : ERR_OK;
}

/* ---- Ranges -------------------------------------------------------------------------------------------------------------- */

struct worker {
    struct download *download;
    struct b2_call call;
};

/* What came is that range of that file. */
static bool is_range(const struct worker *worker, int64_t first, int64_t length)
{
    const struct http_reply *reply = &worker->call.reply;
    const struct b2_file *wanted = &worker->download->result->file;
    struct b2_file file;
    int64_t from;
    int64_t to;
    int64_t whole;
    return b2_read_content_range(http_reply_header(reply, "Content-Range"), &from, &to, &whole) && from == first &&
           to == first + length - 1 && whole == wanted->size && reply->file_bytes == length &&
           b2_read_download_headers(reply, &file) && strcmp(file.id, wanted->id) == 0;
}

static enum error_code fetch_once(struct worker *worker, int64_t index, struct error *error)
{
    struct download *download = worker->download;
    char range[64];
    int64_t first = index * download->range_bytes;
    int64_t length = range_size(download, index);
    (void)text_format(range, sizeof range, "bytes=%lld-%lld", (long long)first, (long long)(first + length - 1));
    const struct http_body_file to = {
        .opened = download->file.opened, .offset = first, .length = length, .status = 206};
    enum error_code code = b2_fetch(&worker->call, download->result->file.id, NULL, range, &to, error);
    if (code == ERR_OK && !is_range(worker, first, length)) {
        return unexpected(error, "a range is not the one that was asked for");
    }
    return code;
}

static enum error_code note_range(struct download *download, int64_t index, struct error *error)
{
    char line[32];
    (void)text_format(line, sizeof line, "%lld\n", (long long)index);
    enum error_code code =
        world_file_write(download->b2->world, &download->record, download->record_size, line, strlen(line), error);
    download->record_size += (int64_t)strlen(line);
    return code;
}

static enum error_code fetch(struct worker *worker, int64_t index, struct error *error)
{
    struct download *download = worker->download;
    struct retry retry = b2_retry_download(download->b2, "download of a range");
    enum error_code code;
    do {
        code = fetch_once(worker, index, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code == ERR_NO_SUCH_FILE) {
        note_fault(download->b2->world, "b2-404-reinit", "%.200s: it was there a moment ago, and is not found",
                   download->name);
        error_wrap(error, "%.120s was there a moment ago", download->name);
    }
    if (code != ERR_OK) {
        return error->code;
    }
    download->range_done[index] = true;
    download->result->bytes_fetched += range_size(download, index);
    tell_progress(download, range_size(download, index));
    return note_range(download, index, error);
}

static int64_t take_next(struct download *download)
{
    while (download->next_range < download->range_count && download->range_done[download->next_range]) {
        download->next_range++;
    }
    return download->failed || download->next_range >= download->range_count ? -1 : download->next_range++;
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct download *download = worker->download;
    b2_call_open(&worker->call, download->b2);
    for (int64_t index = take_next(download); index >= 0; index = take_next(download)) {
        struct error error;
        if (fetch(worker, index, &error) != ERR_OK && !download->failed) {
            download->failed = true;
            download->error = error;
        }
    }
    b2_call_close(&worker->call);
}

static enum error_code fetch_ranges(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    int count = download->options->parallel < 1 ? 1 : download->options->parallel;
    count = count > B2_GROUP_MOST ? B2_GROUP_MOST : count;
    count = count > download->range_count ? (int)download->range_count : count;
    if (count == 0) {
        return ERR_OK;
    }
    struct worker *workers = heap_alloc(world->heap, (size_t)count * sizeof *workers);
    for (int i = 0; workers != NULL && i < count; i++) {
        workers[i].download = download;
    }
    bool started = workers != NULL && b2_group_run(world, work, workers, sizeof *workers, count);
    heap_release(world->heap, workers);
    if (!started) {
        return error_set(error, ERR_NO_MEMORY, "no memory to download");
    }
    *error = download->error;
    return download->failed ? error->code : ERR_OK;
}

/* ---- The whole ----------------------------------------------------------------------------------------------------------- */

static enum error_code verify(struct download *download, struct error *error)
{
    const struct b2_file *file = &download->result->file;
    char hex[DIGEST_HEX_SIZE];
    download->result->verified = false;
    if (file->sha1[0] == '\0') {
        note_fault(download->b2->world, "sha1-odd",
                   "%.200s: the store tells no digest of the whole file; lengths were compared", download->name);
        return ERR_OK;
    }
    const struct world_file_range all = {0, file->size};
    enum error_code code = world_file_digest(download->b2->world, &download->file, all, DIGEST_SHA1, NULL, hex, error);
    if (code != ERR_OK) {
        return code;
    }
    if (!b2_sha1_equal(hex, file->sha1)) {
        return error_set(error, ERR_CHECKSUM_MISMATCH, "what came has SHA-1 %s, and the store says %s", hex,
                         file->sha1);
    }
    download->result->verified = true;
    return ERR_OK;
}

/* Bytes that are wrong are fetched anew, all of them: nobody knows which. */
static enum error_code fetch_whole(struct b2_call *call, struct download *download, struct error *error)
{
    struct retry retry = b2_retry_download(download->b2, "download");
    enum error_code code = take_up(download, error);
    for (int attempt = 1; code == ERR_OK; attempt++) {
        code = fetch_ranges(download, error);
        code = code == ERR_OK ? verify(download, error) : code;
        if (code != ERR_CHECKSUM_MISMATCH) {
            break;
        }
        struct error ignored;
        (void)start_anew(download, &ignored);
        if (attempt == WHOLE_ATTEMPTS || !retry_again(&retry, error)) {
            return error->code;
        }
        code = probe(call, download, error); /* the digest told may have been the wrong one */
        int64_t count = (download->result->file.size + download->range_bytes - 1) / download->range_bytes;
        if (code == ERR_OK && count != download->range_count) {
            return unexpected(error, "the file changed while it was fetched");
        }
        code = code == ERR_OK ? start_anew(download, error) : code;
    }
    return code;
}

static enum error_code put_in_place(struct download *download, struct error *error)
{
    struct world *world = download->b2->world;
    enum error_code code = world_file_sync(world, &download->file, error);
    code = code == ERR_OK ? world_file_rename(world, download->temporary, download->target, error) : code;
    if (code == ERR_OK) {
        world_file_remove(world, download->record_path);
    }
    return code;
}

static enum error_code open_files(struct download *download, struct error *error)
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

/* What nobody could take up is taken away; the rest stays for the same command. */
static void leave_files(struct download *download, const struct error *error)
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

static enum error_code run(struct b2_call *call, struct download *download, struct error *error)
{
    enum error_code code = probe(call, download, error);
    if (code != ERR_OK) {
        return code;
    }
    int64_t size = download->result->file.size;
    download->range_bytes = download->options->part_bytes > 0 ? download->options->part_bytes : RANGE_BYTES;
    download->range_count = (size + download->range_bytes - 1) / download->range_bytes;
    if (download->range_count > RANGES_MOST) {
        return error_set(error, ERR_USAGE, "the file is too large for parts of that size");
    }
    download->range_done =
        heap_alloc(download->b2->world->heap, (size_t)download->range_count * sizeof download->range_done[0]);
    if (download->range_done == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the list of ranges");
    }
    code = open_files(download, error);
    code = code == ERR_OK ? fetch_whole(call, download, error) : code;
    code = code == ERR_OK ? put_in_place(download, error) : code;
    if (code != ERR_OK) {
        leave_files(download, error);
    }
    return code;
}

enum error_code b2_download(struct b2 *b2, const char *name, const char *target,
                            const struct b2_transfer_options *options, struct b2_download_result *result,
                            struct error *error)
{
    struct b2_call call;
    const char *mistake = b2_name_mistake(name);
    *result = (struct b2_download_result){.verified = false};
    if (mistake != NULL) {
        return error_set(error, ERR_USAGE, "not a name in the store: %s", mistake);
    }
    enum error_code code = b2_allows(b2, "readFiles", error);
    code = code == ERR_OK ? b2_allows_name(b2, name, error) : code;
    struct download *download = code == ERR_OK ? heap_alloc(b2->world->heap, sizeof *download) : NULL;
    if (download == NULL) {
        return code != ERR_OK ? code : error_set(error, ERR_NO_MEMORY, "no memory to download");
    }
    *download = (struct download){.b2 = b2, .options = options, .result = result, .name = name, .target = target};
    b2_call_open(&call, b2);
    code = run(&call, download, error);
    b2_call_close(&call);
    world_file_close(b2->world, &download->record);
    world_file_close(b2->world, &download->file);
    heap_release(b2->world->heap, download->range_done);
    heap_release(b2->world->heap, download);
    return code;
}
