/* Uploads in parts, side by side, which a later run can take up. */
#include <string.h>

#include "b2/group.h"
#include "b2/upload_state.h"
#include "world/note.h"

enum { FINISHES_MOST = 6 };

static int64_t part_size(const struct upload *upload, int64_t index)
{
    int64_t left = upload->facts.size - index * upload->part_bytes;
    return left < upload->part_bytes ? left : upload->part_bytes;
}

/* ---- Taking up an earlier one -------------------------------------------------------------------------------------------- */

static bool see_unfinished(void *context, const struct b2_file *file)
{
    struct upload *upload = context;
    bool ours = strcmp(file->name, upload->label.name) == 0 && strcmp(file->mark, upload->mark) == 0 &&
                b2_sha1_equal(file->sha1, upload->sha1);
    if (ours) {
        (void)text_copy(upload->file_id, sizeof upload->file_id, file->id);
    }
    return !ours;
}

static bool see_part(void *context, const struct b2_part *part)
{
    struct upload *upload = context;
    int64_t index = part->number - 1;
    if (index < upload->part_count && !upload->part_done[index] && part->size == part_size(upload, index) &&
        b2_sha1_equal(part->sha1, upload->part_sha1[index])) {
        upload->part_done[index] = true;
        upload->result->parts_resumed++;
        upload_tell_progress(upload, part->size);
    }
    return true;
}

/* Without the right to list there is nothing to take up. */
static enum error_code resume(struct b2_call *call, struct upload *upload, struct error *error)
{
    struct error ignored;
    if (b2_allows(upload->b2, "listFiles", &ignored) != ERR_OK) {
        return ERR_OK;
    }
    enum error_code code = b2_list(call, B2_LIST_UNFINISHED, upload->label.name, see_unfinished, upload, error);
    if (code == ERR_OK && upload->file_id[0] != '\0') {
        code = b2_list_parts(call, upload->file_id, see_part, upload, error);
    }
    return code;
}

/* ---- Parts --------------------------------------------------------------------------------------------------------------- */

/* One of the tasks side by side. */
struct worker {
    struct upload *upload;
    struct b2_call call;
    struct b2_upload_url url;
};

static enum error_code send_part(struct worker *worker, int64_t index, struct error *error)
{
    struct upload *upload = worker->upload;
    char number[24];
    struct b2_part part;
    long long part_number = index + 1;
    (void)text_format(number, sizeof number, "%lld", part_number);
    const struct http_header headers[] = {
        {"Authorization", worker->url.token},
        {"X-Bz-Part-Number", number},
        {"X-Bz-Content-Sha1", upload->part_sha1[index]},
        {"Content-Type", "application/octet-stream"},
    };
    const struct http_body_file body = {
        .opened = upload->file.opened, .offset = index * upload->part_bytes, .length = part_size(upload, index)};
    enum error_code code = b2_send(&worker->call, &worker->url, &body, headers, ARRAY_LENGTH(headers), error);
    struct span reply = {buffer_text(&worker->call.reply.body), worker->call.reply.body.length};
    code = code == ERR_OK ? b2_decode_part(reply, &part, error) : code;
    if (code == ERR_OK && (part.number != index + 1 || part.size != body.length ||
                           (part.sha1[0] != '\0' && !b2_sha1_equal(part.sha1, upload->part_sha1[index])))) {
        return error_set(error, ERR_CHECKSUM_MISMATCH, "what was stored of part %lld is not what was sent",
                         part_number);
    }
    return code;
}

static enum error_code upload_part(struct worker *worker, int64_t index, struct error *error)
{
    struct upload *upload = worker->upload;
    struct retry retry = b2_retry_begin(upload->b2, "upload of a part", true);
    int resends = 0;
    enum error_code code;
    do {
        if (worker->url.origin[0] == '\0') {
            code = b2_get_upload_part_url(&worker->call, upload->file_id, &worker->url, error);
            if (code != ERR_OK) {
                return code;
            }
        }
        code = send_part(worker, index, error);
    } while (code != ERR_OK && upload_again(upload, &retry, &resends, &worker->url, error));
    if (code != ERR_OK) {
        long long part_number = index + 1;
        error_wrap(error, "part %lld of %lld", part_number, (long long)upload->part_count);
        return error->code;
    }
    upload->part_done[index] = true;
    upload_tell_progress(upload, part_size(upload, index));
    return ERR_OK;
}

static int64_t take_next(struct upload *upload)
{
    while (upload->next_part < upload->part_count && upload->part_done[upload->next_part]) {
        upload->next_part++;
    }
    return upload->failed || upload->next_part >= upload->part_count ? -1 : upload->next_part++;
}

static void work(void *argument)
{
    struct worker *worker = argument;
    struct upload *upload = worker->upload;
    b2_call_open(&worker->call, upload->b2);
    for (int64_t index = take_next(upload); index >= 0; index = take_next(upload)) {
        struct error error;
        enum error_code code = upload_part(worker, index, &error);
        if (code != ERR_OK && !upload->failed) {
            upload->failed = true;
            upload->error = error;
        }
    }
    b2_call_close(&worker->call);
}

static enum error_code send_parts(struct upload *upload, struct error *error)
{
    struct world *world = upload->b2->world;
    int count = upload->options->parallel < 1 ? 1 : upload->options->parallel;
    count = count > B2_GROUP_MOST ? B2_GROUP_MOST : count;
    struct worker *workers = heap_alloc(world->heap, (size_t)count * sizeof *workers);
    bool started = workers != NULL;
    for (int i = 0; started && i < count; i++) {
        workers[i].upload = upload;
    }
    started = started && b2_group_run(world, work, workers, sizeof *workers, count);
    heap_release(world->heap, workers);
    if (!started) {
        return error_set(error, ERR_NO_MEMORY, "no memory to upload parts");
    }
    if (upload->failed) {
        *error = upload->error;
        return error->code;
    }
    return ERR_OK;
}

/* ---- The end ------------------------------------------------------------------------------------------------------------- */

/* Whether the file is finished, as the service has it. An answer that cannot be had is its error. */
static enum error_code ask_whether_finished(struct b2_call *call, struct upload *upload, bool *finished,
                                            struct error *error)
{
    struct b2_file *file = &upload->result->file;
    enum error_code code = b2_get_file_info(call, upload->file_id, file, error);
    *finished = code == ERR_OK && file->action == B2_UPLOAD;
    if (code == ERR_NO_SUCH_FILE) { /* some services do not tell of an unfinished file */
        return ERR_OK;
    }
    if (*finished && file->size != upload->facts.size) {
        return error_set(error, ERR_CHECKSUM_MISMATCH, "what was stored has %lld bytes, not %lld",
                         (long long)file->size, (long long)upload->facts.size);
    }
    return code;
}

static bool may_be_finished_again(enum error_code code)
{
    /* 400 is what a second finish says after the first one took effect, too: the question below settles it. */
    return code == ERR_OK || code == ERR_REQUEST_REJECTED || error_retry_class(code) == RETRY_SAFE ||
           error_retry_class(code) == RETRY_LATER;
}

/* Finishing is not to be repeated blindly, and its word is not taken for it: each attempt is followed by a question. */
static enum error_code finish(struct b2_call *call, struct upload *upload, struct error *error)
{
    struct retry retry = b2_retry_finish(upload->b2);
    for (int i = 0; i < FINISHES_MOST; i++) {
        bool finished = false;
        struct error first;
        const char(*digests)[B2_SHA1_SIZE] = (const char(*)[B2_SHA1_SIZE])upload->part_sha1;
        enum error_code code = b2_finish_large_file(call, upload->file_id, digests, upload->part_count, &first);
        if (!may_be_finished_again(code)) {
            *error = first;
            return code;
        }
        enum error_code asked = ask_whether_finished(call, upload, &finished, error);
        if (asked != ERR_OK || finished) {
            return asked;
        }
        if (code == ERR_REQUEST_REJECTED) {
            *error = first;
            return code;
        }
        *error = first;
        if (code == ERR_OK) {
            (void)error_set(error, ERR_REPLY_UNEXPECTED, "the finish was acknowledged, and the file is not finished");
        }
        if (!retry_again(&retry, error)) {
            return error->code;
        }
    }
    return error->code;
}

/* What is kept for a later run costs until then, so it is said. */
static void tell_of_what_is_kept(const struct upload *upload, struct error *error)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < upload->part_count; i++) {
        kept += upload->part_done[i] ? 1 : 0;
    }
    if (error->next_step[0] == '\0') {
        error_advise(error, "%lld of %lld parts are kept: the same put goes on there, dumont store sweep removes them",
                     (long long)kept, (long long)upload->part_count);
    }
}

static enum error_code give_up(struct b2_call *call, struct upload *upload, struct error *error)
{
    struct error ignored;
    if (error->code == ERR_SOURCE_CHANGED && b2_cancel_large_file(call, upload->file_id, &ignored) == ERR_OK) {
        return error->code; /* nobody will ever go on with it */
    }
    tell_of_what_is_kept(upload, error);
    return error->code;
}

enum error_code upload_large(struct b2_call *call, struct upload *upload, struct error *error)
{
    enum error_code code = resume(call, upload, error);
    if (code == ERR_OK && upload->file_id[0] == '\0') {
        code = b2_start_large_file(call, &upload->label, upload->file_id, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    code = send_parts(upload, error);
    code = code == ERR_OK ? upload_unchanged(upload, error) : code;
    code = code == ERR_OK ? finish(call, upload, error) : code;
    return code == ERR_OK ? code : give_up(call, upload, error);
}
