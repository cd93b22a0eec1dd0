/* Uploads in one piece, and what all uploads have in common. */
#include <string.h>

#include "b2/upload_state.h"
#include "world/note.h"

/* ---- Sources ------------------------------------------------------------------------------------------------------------- */

enum error_code upload_unchanged(struct upload *upload, struct error *error)
{
    struct world_file_facts now;
    enum error_code code = world_file_look(upload->b2->world, &upload->file, &now, error);
    if (code == ERR_OK && (now.size != upload->facts.size || now.modified_unix_ns != upload->facts.modified_unix_ns)) {
        (void)error_set(error, ERR_SOURCE_CHANGED, "the file changed while it was uploaded");
        error_advise(error, "upload it again when nobody writes to it");
        return ERR_SOURCE_CHANGED;
    }
    return code;
}

void upload_tell_progress(struct upload *upload, int64_t bytes)
{
    upload->bytes_done += bytes;
    if (upload->options->progress != NULL) {
        upload->options->progress(upload->options->progress_context, upload->bytes_done, upload->facts.size);
    }
}

bool upload_again(struct upload *upload, struct retry *retry, int *resends, struct b2_upload_url *url,
                  struct error *error)
{
    url->origin[0] = '\0';
    upload->result->attempts_lost++;
    struct error why = *error;
    if (error->code == ERR_INPUT_UNREADABLE && upload_unchanged(upload, &why) != ERR_OK) {
        *error = why; /* it was cut off */
        return false;
    }
    if (error->code == ERR_CHECKSUM_MISMATCH) {
        if (++*resends > B2_RESENDS_MOST || upload_unchanged(upload, &why) != ERR_OK) {
            *error = why;
            return false;
        }
    }
    return retry_again(retry, error);
}

static void take_piece(void *context, int64_t index, const char *hex)
{
    struct upload *upload = context;
    if (index < upload->part_count) {
        b2_sha1_copy(upload->part_sha1[index], hex);
    }
}

/* One pass over the file: what every byte of it must be. */
static enum error_code take_digests(struct upload *upload, struct error *error)
{
    char hex[DIGEST_HEX_SIZE];
    const struct world_file_range all = {0, upload->facts.size};
    const struct world_file_pieces pieces = {upload->part_bytes, take_piece, upload};
    enum error_code code = world_file_digest(upload->b2->world, &upload->file, all, DIGEST_SHA1,
                                             upload->part_count > 1 ? &pieces : NULL, hex, error);
    b2_sha1_copy(upload->sha1, code == ERR_OK ? hex : "");
    return code == ERR_OK ? upload_unchanged(upload, error) : code;
}

/* ---- One piece ----------------------------------------------------------------------------------------------------------- */

struct newest {
    const struct upload *upload;
    struct b2_file *file;
    bool found;
};

static bool see_newest(void *context, const struct b2_file *file)
{
    struct newest *newest = context;
    bool same_name = strcmp(file->name, newest->upload->label.name) == 0;
    newest->found = same_name && strcmp(file->mark, newest->upload->mark) == 0 && file->action == B2_UPLOAD &&
                    file->size == newest->upload->facts.size && b2_sha1_equal(file->sha1, newest->upload->sha1);
    if (newest->found) {
        *newest->file = *file;
    }
    return false;
}

/* The answer was lost: perhaps it is there. A list that cannot be had answers nothing, and it is sent again. */
static bool is_there(struct b2_call *call, const struct upload *upload, struct b2_file *file)
{
    struct error ignored;
    struct newest newest = {.upload = upload, .file = file};
    if (b2_allows(upload->b2, "listFiles", &ignored) != ERR_OK) {
        return false;
    }
    enum error_code code = b2_list(call, B2_LIST_NAMES, upload->label.name, see_newest, &newest, &ignored);
    return code == ERR_OK && newest.found;
}

static bool answer_was_lost(enum error_code code)
{
    return code == ERR_CONNECTION_RESET || code == ERR_CLOSED_EARLY || code == ERR_REPLY_TRUNCATED ||
           code == ERR_REPLY_MALFORMED || code == ERR_TIMED_OUT || code == ERR_REPLY_UNEXPECTED;
}

/* Of tar's archive of nothing: two blocks of zeros in a record of 10,240 bytes. */
static const char empty_archive_sha1[] = "34e163be8e43c5631d8b92e9c43ab0bf0fa62b9c";

/* What the service says that it has must be what was sent; else it is taken away again, so that nobody finds it. */
static enum error_code judge(struct b2_call *call, const struct upload *upload, const struct b2_file *file,
                             struct error *error)
{
    /* Some answers tell no digest, although the service compared it: then the length is what is left to compare. */
    struct world *world = upload->b2->world;
    bool told = file->sha1[0] != '\0';
    if (file->size == upload->facts.size && (!told || b2_sha1_equal(file->sha1, upload->sha1))) {
        if (!told) {
            note_fault(world, "sha1-odd", "%.200s: the store tells no digest of what it took; lengths were compared",
                       upload->label.name);
        }
        return ERR_OK;
    }
    if (b2_sha1_equal(file->sha1, empty_archive_sha1)) {
        note_fault(world, "empty-snapshot", "%.200s: an archive with nothing in it was stored; it is deleted",
                   upload->label.name);
    }
    struct error ignored;
    enum error_code taken = b2_delete_version(call, file->id, upload->label.name, &ignored);
    return error_set(error, ERR_CHECKSUM_MISMATCH, "what was stored is not what was sent: %lld bytes, SHA-1 %s%s",
                     (long long)file->size, told ? file->sha1 : "unknown",
                     taken == ERR_OK ? "; it was deleted again" : "; it could not be deleted again");
}

static enum error_code send_whole(struct b2_call *call, const struct upload *upload, const struct b2_upload_url *url,
                                  struct b2_file *file, struct error *error)
{
    char millis[24];
    char name[B2_PATH_NAME_SIZE];
    struct buffer encoded;
    buffer_init_fixed(&encoded, name, sizeof name);
    b2_append_encoded(&encoded, upload->label.name);
    (void)text_format(millis, sizeof millis, "%lld", (long long)upload->label.modified_unix_ms);
    const struct http_header headers[] = {
        {"Authorization", url->token},
        {"X-Bz-File-Name", name},
        {"Content-Type", "b2/x-auto"},
        {"X-Bz-Content-Sha1", upload->sha1},
        {"X-Bz-Info-src_last_modified_millis", millis},
        {"X-Bz-Info-dumont", upload->mark},
    };
    const struct http_body_file body = {.opened = upload->file.opened, .length = upload->facts.size};
    enum error_code code = b2_send(call, url, &body, headers, ARRAY_LENGTH(headers), error);
    struct span reply = {buffer_text(&call->reply.body), call->reply.body.length};
    return code == ERR_OK ? b2_decode_file(reply, file, error) : code;
}

/* A source that changed meanwhile is refused, as one in parts is: its version goes again. */
static enum error_code judge_source(struct b2_call *call, struct upload *upload, struct error *error)
{
    enum error_code code = upload_unchanged(upload, error);
    struct error ignored;
    if (code != ERR_OK && b2_delete_version(call, upload->result->file.id, upload->label.name, &ignored) != ERR_OK) {
        error_advise(error, "it was stored as it was before, and could not be deleted again: upload it once more");
    }
    return code;
}

static enum error_code upload_whole(struct b2_call *call, struct upload *upload, struct error *error)
{
    struct b2_upload_url url = {.origin = ""};
    struct b2_file *file = &upload->result->file;
    struct retry retry = b2_retry_begin(upload->b2, "upload", true);
    int resends = 0;
    enum error_code code;
    do {
        code = b2_get_upload_url(call, &url, error);
        if (code != ERR_OK) {
            return code; /* it was asked for as often as it may be */
        }
        code = send_whole(call, upload, &url, file, error);
        if (answer_was_lost(code) && is_there(call, upload, file)) {
            code = ERR_OK;
        }
        code = code == ERR_OK ? judge(call, upload, file, error) : code;
    } while (code != ERR_OK && upload_again(upload, &retry, &resends, &url, error));
    code = code == ERR_OK ? judge_source(call, upload, error) : code;
    if (code == ERR_OK) {
        upload_tell_progress(upload, upload->facts.size);
        return ERR_OK;
    }
    error_wrap(error, "upload");
    return error->code;
}

/* ---- Uploads ------------------------------------------------------------------------------------------------------------- */

static int64_t choose_part_bytes(const struct upload *upload)
{
    const struct b2_account *account = &upload->b2->account;
    int64_t wanted = upload->options->part_bytes > 0 ? upload->options->part_bytes : account->recommended_part_bytes;
    int64_t least = (upload->facts.size + B2_PARTS_MAX - 1) / B2_PARTS_MAX;
    wanted = wanted < account->least_part_bytes ? account->least_part_bytes : wanted;
    return wanted < least ? least : wanted;
}

static enum error_code prepare(struct upload *upload, struct error *error)
{
    struct heap *heap = upload->b2->world->heap;
    enum error_code code = world_file_look(upload->b2->world, &upload->file, &upload->facts, error);
    if (code != ERR_OK) {
        return code;
    }
    upload->part_bytes = choose_part_bytes(upload);
    upload->part_count = (upload->facts.size + upload->part_bytes - 1) / upload->part_bytes;
    if (upload->part_count > 1) {
        size_t count = (size_t)upload->part_count;
        upload->part_sha1 = heap_alloc(heap, count * sizeof upload->part_sha1[0]);
        upload->part_done = heap_alloc(heap, count * sizeof upload->part_done[0]);
        if (upload->part_sha1 == NULL || upload->part_done == NULL) {
            return error_set(error, ERR_NO_MEMORY, "no memory for the list of parts");
        }
    }
    upload->label.sha1 = upload->sha1;
    upload->label.mark = upload->mark;
    upload->label.modified_unix_ms = upload->facts.modified_unix_ns / NS_PER_MS;
    /* Of large files the mark is how they were cut, so that a later run finds them; of others who sent them. */
    uint64_t bits = world_random_bits(upload->b2->world, RANDOM_STORE_PUT, 0, upload->b2->operations);
    (void)text_format(upload->mark, sizeof upload->mark, upload->part_count > 1 ? "parts-%llu" : "put-%016llx",
                      (unsigned long long)(upload->part_count > 1 ? (uint64_t)upload->part_bytes : bits));
    return take_digests(upload, error);
}

static enum error_code run(struct upload *upload, struct error *error)
{
    struct b2_call call;
    enum error_code code = prepare(upload, error);
    if (code != ERR_OK) {
        return code;
    }
    b2_call_open(&call, upload->b2);
    upload->result->parts = upload->part_count > 1 ? upload->part_count : 0;
    code = upload->part_count > 1 ? upload_large(&call, upload, error) : upload_whole(&call, upload, error);
    b2_call_close(&call);
    return code;
}

enum error_code b2_upload(struct b2 *b2, const char *path, const char *name, const struct b2_transfer_options *options,
                          struct b2_upload_result *result, struct error *error)
{
    struct upload upload = {.b2 = b2, .options = options, .result = result, .label = {.name = name}};
    const char *mistake = b2_name_mistake(name);
    *result = (struct b2_upload_result){.parts = 0};
    if (mistake != NULL) {
        return error_set(error, ERR_USAGE, "not a name in the store: %s", mistake);
    }
    enum error_code code = b2_allows(b2, "writeFiles", error);
    code = code == ERR_OK ? b2_allows_name(b2, name, error) : code;
    code = code == ERR_OK ? world_file_open(b2->world, path, WORLD_FILE_READ, &upload.file, error) : code;
    code = code == ERR_OK ? run(&upload, error) : code;
    heap_release(b2->world->heap, upload.part_sha1);
    heap_release(b2->world->heap, upload.part_done);
    world_file_close(b2->world, &upload.file);
    return code;
}
