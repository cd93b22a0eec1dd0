#include <string.h>

#include "b2/download_state.h"
#include "b2/group.h"
#include "world/note.h"

enum { RANGE_BYTES = 32 * 1024 * 1024, RANGES_MOST = 1000000, WHOLE_ATTEMPTS = 3 };

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
    int64_t length = download_range_size(download, index);
    (void)text_format(range, sizeof range, "bytes=%lld-%lld", (long long)first, (long long)(first + length - 1));
    const struct http_body_file to = {
        .opened = download->file.opened, .offset = first, .length = length, .status = 206};
    enum error_code code = b2_fetch(&worker->call, download->result->file.id, download->name, range, &to, error);
    if (code == ERR_CANNOT_WRITE) {
        return error_set(error, code, "cannot write %.200s: %s", download->temporary, worker->call.reply.file_trouble);
    }
    if (code == ERR_OK && !is_range(worker, first, length)) {
        return unexpected(error, "a range is not the one that was asked for");
    }
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
    return download_note_range(download, index, error);
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
    enum error_code code = download_take_up(download, error);
    for (int attempt = 1; code == ERR_OK; attempt++) {
        code = fetch_ranges(download, error);
        code = code == ERR_OK ? verify(download, error) : code;
        if (code != ERR_CHECKSUM_MISMATCH) {
            break;
        }
        struct error ignored;
        (void)download_start_anew(download, &ignored);
        if (attempt == WHOLE_ATTEMPTS || !retry_again(&retry, error)) {
            return error->code;
        }
        code = probe(call, download, error); /* the digest told may have been the wrong one */
        int64_t count = (download->result->file.size + download->range_bytes - 1) / download->range_bytes;
        if (code == ERR_OK && count != download->range_count) {
            return unexpected(error, "the file changed while it was fetched");
        }
        code = code == ERR_OK ? download_start_anew(download, error) : code;
    }
    return code;
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
    code = download_open_files(download, error);
    code = code == ERR_OK ? fetch_whole(call, download, error) : code;
    code = code == ERR_OK ? download_put_in_place(download, error) : code;
    if (code != ERR_OK) {
        download_leave_files(download, error);
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
