/* What faults do to the object store. */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/units.h"
#include "fakes/fault/effects.h"

static const char json_type[] = "application/json;charset=UTF-8";

/* ---- Refusals ------------------------------------------------------------------------------------------------------------- */

/* An error as the store words it. */
struct refusal {
    const char *as;
    int status;
    const char *code, *message;
    const char *retry_after; /* NULL: none */
};

static void refuse(struct bucket_verdict *verdict, struct http_reply *reply, const struct refusal *refusal)
{
    verdict->http.answered = true;
    reply->status = refusal->status;
    (void)text_copy(reply->content_type, sizeof reply->content_type, json_type);
    buffer_clear(&reply->body);
    buffer_printf(&reply->body, "{\"status\":%d,\"code\":\"%s\",\"message\":\"%s\"}", refusal->status, refusal->code,
                  refusal->message);
    if (refusal->retry_after != NULL) {
        http_reply_add_header(reply, "Retry-After", refusal->retry_after);
    }
}

static const struct refusal busy = {"busy", 503, "service_unavailable", "c000_v0001030_t0012 is too busy", NULL};
static const struct refusal internal = {"500", 500, "internal_error", "incident id 2f1c9d0e-8a77", NULL};

/* Before anything takes effect: no answer, or this way of none. */
static bool lose(struct bucket_verdict *verdict, const char *as)
{
    verdict->http.fate_before = strcmp(as, "reset") == 0     ? FATE_RESET
                                : strcmp(as, "timeout") == 0 ? FATE_SILENT
                                                             : FATE_CLOSED_EARLY;
    return false;
}

bool effect_bucket_busy(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                        struct http_reply *reply)
{
    static const struct refusal others[] = {
        {"tomes", 503, "service_unavailable", "no tomes available", NULL},
        {"vault", 503, "service_unavailable", "No uploads available in vault 0001030", "1"},
        {"408", 408, "request_timeout", "Service timed out reading uploaded data", NULL},
        {"429", 429, "too_many_requests", "too many requests", "3"},
    };
    (void)call;
    const char *as = fault_text(fault, "as");
    if (strcmp(as, "reset") == 0 || strcmp(as, "broken-pipe") == 0) {
        return lose(verdict, as);
    }
    const struct refusal *refusal = strcmp(as, "500") == 0 ? &internal : &busy;
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        refusal = strcmp(as, others[i].as) == 0 ? &others[i] : refusal;
    }
    refuse(verdict, reply, refusal);
    return false;
}

bool effect_expired_token(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                          struct http_reply *reply)
{
    static const struct refusal bad = {"bad", 401, "bad_auth_token", "Invalid authorization token", NULL};
    (void)call;
    if (fault_choice_is(fault, "code", "bad_auth_token")) {
        refuse(verdict, reply, &bad);
        return false;
    }
    verdict->expire_account = !fault_choice_is(fault, "scope", "upload");
    verdict->expire_upload = !fault_choice_is(fault, "scope", "account");
    return false;
}

bool effect_partial_snapshot(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                             struct http_reply *reply)
{
    (void)call;
    if (!fault_choice_is(fault, "as", "503")) {
        return lose(verdict, fault_text(fault, "as"));
    }
    refuse(verdict, reply, &busy);
    return false;
}

bool effect_cap_exceeded(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                         struct http_reply *reply)
{
    static const struct refusal caps[] = {
        {"storage", 403, "storage_cap_exceeded",
         "Cannot upload files, storage cap exceeded. See the Caps & Alerts page to increase your cap.", NULL},
        {"download", 403, "download_cap_exceeded",
         "Bandwidth cap exceeded. See the Caps & Alerts page to increase your cap.", NULL},
        {"transaction", 403, "transaction_cap_exceeded",
         "Transaction cap exceeded. See the Caps & Alerts page to increase your cap.", NULL},
        {"any", 403, "cap_exceeded", "Usage cap exceeded.", NULL},
    };
    const char *cap = fault_text(fault, "cap");
    if (strcmp(cap, "own") == 0) {
        bool downloads = call == BUCKET_DOWNLOAD_BY_NAME || call == BUCKET_DOWNLOAD_BY_ID;
        bool stores = call == BUCKET_UPLOAD_FILE || call == BUCKET_UPLOAD_PART || call == BUCKET_GET_UPLOAD_URL ||
                      call == BUCKET_GET_UPLOAD_PART_URL || call == BUCKET_START_LARGE_FILE ||
                      call == BUCKET_COPY_FILE || call == BUCKET_COPY_PART;
        cap = downloads ? "download" : stores ? "storage" : "transaction";
    }
    for (size_t i = 0; i < ARRAY_LENGTH(caps); i++) {
        if (strcmp(cap, caps[i].as) == 0) {
            refuse(verdict, reply, &caps[i]);
        }
    }
    return false;
}

bool effect_unfinished_large_file(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                                  struct http_reply *reply)
{
    (void)call;
    const char *as = fault_text(fault, "as");
    if (fault_point_of(fault) == POINT_EFFECT) {
        verdict->withheld = true;
    } else if (fault_point_of(fault) == POINT_REPLY) {
        verdict->http.fate_after = strcmp(as, "timeout") == 0 ? FATE_SILENT : FATE_RESET;
    } else if (strcmp(as, "500") == 0 || strcmp(as, "503") == 0) {
        refuse(verdict, reply, strcmp(as, "500") == 0 ? &internal : &busy);
    } else {
        (void)lose(verdict, as);
    }
    return false;
}

bool effect_retry_partial_body(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                               struct http_reply *reply)
{
    (void)call;
    (void)reply;
    verdict->http.fate_before = FATE_RESET;
    verdict->break_after_bytes = fault_nano(fault, "bytes") / NS_PER_S;
    return false;
}

/* ---- Effects that are others ---------------------------------------------------------------------------------------------- */

bool effect_empty_snapshot(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                           struct http_reply *reply)
{
    (void)fault;
    (void)call;
    (void)reply;
    verdict->empty_archive = true;
    return false;
}

bool effect_retention_wrong(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                            struct http_reply *reply)
{
    (void)call;
    (void)reply;
    verdict->withheld = fault_choice_is(fault, "as", "ignored");
    verdict->loses_name = !verdict->withheld;
    return false;
}

bool effect_bad_download(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                         struct http_reply *reply)
{
    int64_t at = fault_nano(fault, "at") / NS_PER_S;
    (void)call;
    (void)reply;
    verdict->whole_for_range = fault_choice_is(fault, "shape", "whole");
    verdict->emptied = fault_choice_is(fault, "shape", "empty");
    if (fault_choice_is(fault, "shape", "bytes")) {
        verdict->flipped_at = at;
    } else if (fault_choice_is(fault, "shape", "short")) {
        verdict->http.fate_after = FATE_TRUNCATED;
        verdict->http.cut_at = at;
    }
    return false;
}

static bool is_download(enum bucket_call call)
{
    return call == BUCKET_DOWNLOAD_BY_NAME || call == BUCKET_DOWNLOAD_BY_ID;
}

bool effect_sha1_mismatch(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                          struct http_reply *reply)
{
    static const struct refusal today = {"checksum", 400, "bad_request", "Checksum did not match data received", NULL};
    static const struct refusal older = {"sha1", 400, "bad_request", "Sha1 did not match data received", NULL};
    if (is_download(call)) {
        return true;
    }
    refuse(verdict, reply, fault_choice_is(fault, "wording", "sha1") ? &older : &today);
    return false;
}

bool effect_not_found(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                      struct http_reply *reply)
{
    static const struct refusal by_name = {"name", 404, "not_found", "File with such name does not exist.", NULL};
    static const struct refusal by_id = {"id", 404, "not_found", "File with such id does not exist.", NULL};
    (void)fault;
    if (call == BUCKET_LIST_FILE_NAMES || call == BUCKET_LIST_FILE_VERSIONS) {
        return true;
    }
    refuse(verdict, reply, call == BUCKET_DOWNLOAD_BY_NAME ? &by_name : &by_id);
    return false;
}

/* ---- Replies that arrive changed ------------------------------------------------------------------------------------------ */

/* Puts another value into a header of the reply. */
static void change_header(struct http_reply *reply, struct heap *heap, const char *name, const char *value)
{
    struct span old = http_reply_header(reply, name);
    struct buffer changed;
    if (old.at == NULL) {
        return;
    }
    size_t before = (size_t)(old.at - reply->headers.data);
    buffer_init(&changed, heap, reply->headers.limit);
    buffer_append(&changed, reply->headers.data, before);
    buffer_append_text(&changed, value);
    buffer_append(&changed, old.at + old.length, reply->headers.length - before - old.length);
    if (!changed.failed) {
        buffer_clear(&reply->headers);
        buffer_append(&reply->headers, changed.data, changed.length);
    }
    reply->body.failed = reply->body.failed || changed.failed || reply->headers.failed;
    buffer_release(&changed);
}

/* The reply as a tree, and back. NULL when it is no successful JSON. */
static cJSON *reply_tree(const struct http_reply *reply)
{
    return reply->status == 200 ? cJSON_ParseWithLength(buffer_text(&reply->body), reply->body.length) : NULL;
}

static void put_tree(struct http_reply *reply, cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);
    buffer_clear(&reply->body);
    if (text == NULL) {
        reply->body.failed = true;
    } else {
        buffer_append_text(&reply->body, text);
    }
    cJSON_free(text);
    cJSON_Delete(tree);
}

void effect_not_found_reply(const struct fault *fault, struct heap *heap, enum bucket_call call,
                            struct http_reply *reply)
{
    (void)fault;
    (void)heap;
    cJSON *tree = reply_tree(reply);
    if (tree == NULL) {
        return;
    }
    (void)cJSON_ReplaceItemInObjectCaseSensitive(tree, "files", cJSON_CreateArray());
    (void)cJSON_ReplaceItemInObjectCaseSensitive(tree, "nextFileName", cJSON_CreateNull());
    if (call == BUCKET_LIST_FILE_VERSIONS) {
        (void)cJSON_ReplaceItemInObjectCaseSensitive(tree, "nextFileId", cJSON_CreateNull());
    }
    put_tree(reply, tree);
}

void effect_sha1_mismatch_reply(const struct fault *fault, struct heap *heap, enum bucket_call call,
                                struct http_reply *reply)
{
    (void)fault;
    (void)call;
    change_header(reply, heap, "x-bz-content-sha1", "0000000000000000000000000000000000000bad");
}

enum { SHA1_HEX = 40, ODD_SIZE = 64 };

/* The digest in the odd form; false when it is none to begin with. */
static bool make_odd(const struct fault *fault, struct span sha1, char odd[ODD_SIZE])
{
    if (sha1.length != SHA1_HEX) {
        return false;
    }
    if (fault_choice_is(fault, "as", "none")) {
        return text_copy(odd, ODD_SIZE, "none");
    }
    if (fault_choice_is(fault, "as", "unverified")) {
        return text_format(odd, ODD_SIZE, "unverified:%.*s", SHA1_HEX, sha1.at);
    }
    for (size_t i = 0; i < SHA1_HEX; i++) {
        char c = sha1.at[i];
        odd[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
    }
    odd[SHA1_HEX] = '\0';
    return true;
}

static void make_member_odd(const struct fault *fault, cJSON *file)
{
    char odd[ODD_SIZE];
    const char *sha1 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "contentSha1"));
    if (sha1 != NULL && make_odd(fault, span_of(sha1), odd)) {
        (void)cJSON_ReplaceItemInObjectCaseSensitive(file, "contentSha1", cJSON_CreateString(odd));
    }
}

void effect_sha1_odd(const struct fault *fault, struct heap *heap, enum bucket_call call, struct http_reply *reply)
{
    char odd[ODD_SIZE];
    if (is_download(call)) {
        if (make_odd(fault, http_reply_header(reply, "x-bz-content-sha1"), odd)) {
            change_header(reply, heap, "x-bz-content-sha1", odd);
        }
        return;
    }
    cJSON *tree = reply_tree(reply);
    if (tree == NULL) {
        return;
    }
    make_member_odd(fault, tree);
    cJSON *files = cJSON_GetObjectItemCaseSensitive(tree, "files");
    for (cJSON *file = files == NULL ? NULL : files->child; file != NULL; file = file->next) {
        make_member_odd(fault, file);
    }
    put_tree(reply, tree);
}

/* ---- Lists that mislead --------------------------------------------------------------------------------------------------- */

static double time_of(const cJSON *file)
{
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(file, "uploadTimestamp");
    return cJSON_IsNumber(time) ? time->valuedouble : 0;
}

/* The uploaded file with the latest (or the earliest) time, or NULL. */
static cJSON *outermost(const cJSON *files, bool latest)
{
    cJSON *found = NULL;
    for (cJSON *file = files->child; file != NULL; file = file->next) {
        const char *action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "action"));
        bool real = action != NULL && (strcmp(action, "upload") == 0 || strcmp(action, "copy") == 0);
        if (real && (found == NULL || (latest ? time_of(file) >= time_of(found) : time_of(file) < time_of(found)))) {
            found = file;
        }
    }
    return found;
}

static void set_time(cJSON *file, double unix_ms)
{
    (void)cJSON_ReplaceItemInObjectCaseSensitive(file, "uploadTimestamp", cJSON_CreateNumber(unix_ms));
}

/* The same file again, under another host's name and a second newer; in its place in the order of names. */
static void add_foreign(cJSON *files, const cJSON *newest)
{
    enum { NAME_MAX = 1100 };
    char name[NAME_MAX];
    const char *own = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(newest, "fileName"));
    const char *slash = own == NULL ? NULL : strrchr(own, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - own) + 1;
    cJSON *foreign = own == NULL ? NULL : cJSON_Duplicate(newest, true);
    if (foreign == NULL) {
        return;
    }
    (void)text_format(name, sizeof name, "%.*sanother-host-%s", (int)folder, own, own + folder);
    (void)cJSON_ReplaceItemInObjectCaseSensitive(foreign, "fileName", cJSON_CreateString(name));
    set_time(foreign, time_of(newest) + 1000);
    int place = 0;
    for (const cJSON *file = files->child; file != NULL; file = file->next) {
        const char *other = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "fileName"));
        place += other != NULL && strcmp(other, name) < 0;
    }
    (void)cJSON_InsertItemInArray(files, place, foreign);
}

void effect_wrong_snapshot(const struct fault *fault, struct heap *heap, enum bucket_call call,
                           struct http_reply *reply)
{
    (void)heap;
    (void)call;
    cJSON *tree = reply_tree(reply);
    cJSON *files = cJSON_GetObjectItemCaseSensitive(tree, "files");
    cJSON *newest = files == NULL ? NULL : outermost(files, true);
    if (newest == NULL) {
        cJSON_Delete(tree);
        return;
    }
    if (fault_choice_is(fault, "shape", "stale")) {
        cJSON_Delete(cJSON_DetachItemViaPointer(files, newest));
    } else if (fault_choice_is(fault, "shape", "foreign")) {
        add_foreign(files, newest);
    } else {
        cJSON *oldest = outermost(files, false);
        double time = time_of(newest);
        set_time(newest, time_of(oldest));
        set_time(oldest, time);
    }
    put_tree(reply, tree);
}
