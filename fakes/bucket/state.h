/*
 * State: what the object store knows, and the parts of it that its calls share. Private to fakes/bucket.
 */
#ifndef FAKES_BUCKET_STATE_H
#define FAKES_BUCKET_STATE_H

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "base/json_write.h"
#include "fakes/bucket/access.h"
#include "fakes/bucket/bill.h"
#include "fakes/bucket/bucket.h"
#include "fakes/bucket/draws.h"
#include "fakes/bucket/name_list.h"
#include "fakes/bucket/number_index.h"

enum {
    ACCOUNT_ID_SIZE = 13,
    BUCKET_ID_SIZE = 25,
    BUCKET_NAME_SIZE = 64,
    BUCKETS_MAX = 100,
    FILE_ID_SIZE = 96,
    FILE_NAME_MAX = 1024,
    CONTENT_TYPE_MAX = 255,
    PARTS_MAX = 10000,
    BUCKET_SETTINGS_MAX = 16 * 1024,
};

#define UPLOAD_BYTES_MAX INT64_C(5000000000)

/* ---- Contents ------------------------------------------------------------------------------------------------------------- */

/* One upload's bytes, kept once however many versions are made of them. */
struct blob {
    uint64_t number;
    int64_t size;
    size_t references;
    void *content; /* its store's; NULL while records are read back */
};

/* A stretch of a blob. The bytes of a version are its extents, one behind the other. */
struct extent {
    struct blob *blob;
    int64_t offset, size;
};

struct extents {
    struct extent *at;
    size_t count;
};

/* Adds the bytes from `offset` on, `size` of them, of `source` to `extents`; each counts as a reference. */
MUST_USE bool extents_add(struct bucket_service *service, struct extents *extents, const struct extents *source,
                          int64_t offset, int64_t size);
/* Gives the references back; contents that nobody needs any more are dropped. */
void extents_release(struct bucket_service *service, struct extents *extents);

MUST_USE struct blob *blob_new(struct bucket_service *service, int64_t size);
void blob_release(struct bucket_service *service, struct blob *blob);

/* Where a reader stands in extents. */
struct extent_reader {
    const struct extents *extents;
    size_t nth;
    int64_t offset; /* in the nth */
};

struct extent_reader extents_from(const struct extents *extents, int64_t offset);
/* At most `size` bytes; 0 at the end, or when the store has lost them (`lost`). */
size_t extents_read(struct bucket_service *service, struct extent_reader *reader, void *out, size_t size, bool *lost);

/* ---- Files ---------------------------------------------------------------------------------------------------------------- */

/* X(code, name in replies and records) */
#define FILE_ACTION_LIST(X)                                                                                            \
    X(UPLOAD, "upload")                                                                                                \
    X(COPY, "copy")                                                                                                    \
    X(HIDE, "hide")                                                                                                    \
    X(START, "start")

enum file_action {
#define FILE_ACTION_ENUM(code, name) ACTION_##code,
    FILE_ACTION_LIST(FILE_ACTION_ENUM)
#undef FILE_ACTION_ENUM
        ACTION_COUNT
};

/* What the store knows of the digest of a version: nothing (large files), what it computed, or that it was not told to compare. */
enum sha1_standing { SHA1_NONE, SHA1_VERIFIED, SHA1_UNVERIFIED };

struct part {
    int64_t number, size;
    int64_t uploaded_ms;
    char sha1[BUCKET_SHA1_SIZE];
    struct extents extents;
};

/* Parts of an unfinished file, by number. */
struct parts {
    struct part **at;
    size_t count, room;
};

struct version {
    struct version *older; /* of the same name */
    struct listed_name *name;
    struct file_bucket *bucket;
    uint64_t handle; /* unique; its id is made of it */
    enum file_action action;
    bool large;
    int64_t uploaded_ms;
    int64_t size;
    enum sha1_standing standing;
    char sha1[BUCKET_SHA1_SIZE]; /* hex digits, or "" */
    char md5[33];                /* hex digits, or "" */
    char *content_type;
    struct file_info *info;
    struct extents extents;
    struct parts parts; /* while its action is START */
};

/* File information: names in lower case and values, each with its NUL, one behind the other. */
struct file_info {
    size_t count, size;
    char texts[];
};

enum { FILE_INFO_PAIRS_MAX = 10, FILE_INFO_BYTES_MAX = 7000 };

/* Calls it for each pair, in order. */
typedef void file_info_function(void *context, const char *name, const char *value);
void file_info_each(const struct file_info *info, file_info_function *each, void *context);

/* Puts pairs together, e.g. from headers. */
struct file_info_draft {
    size_t count, size;
    char texts[FILE_INFO_BYTES_MAX];
};
/* False: a name that is none, one too many, or too long. */
MUST_USE bool file_info_draft_add(struct file_info_draft *draft, struct span name, struct span value);
/* NULL when memory is gone. */
MUST_USE struct file_info *file_info_new(struct heap *heap, const struct file_info_draft *draft);

struct file_bucket {
    char id[BUCKET_ID_SIZE];
    char name[BUCKET_NAME_SIZE];
    bool is_public;
    int64_t revision;
    char *settings; /* JSON object with bucketInfo, corsRules, lifecycleRules, as they were given; NULL: none */
    struct name_list names;
    size_t version_count;
};

/* ---- The service ---------------------------------------------------------------------------------------------------------- */

struct bucket_service {
    struct heap *heap;
    struct bucket_options options;
    char origin[BUCKET_ORIGIN_SIZE];
    char bucket_name[BUCKET_NAME_SIZE];
    char account_id[ACCOUNT_ID_SIZE];
    uint32_t life; /* which one of its records' lives this is, from 1 */
    bool restoring;
    int64_t now_ns;
    uint32_t drawn[BUCKET_DRAW_TOKEN_EXPIRES + 1];
    struct file_bucket *buckets[BUCKETS_MAX];
    size_t bucket_count;
    struct number_index versions; /* by handle */
    struct number_index blobs;    /* by number */
    size_t version_count, unfinished_count;
    struct access access;
    struct bill bill;
};

/* A copy of the text on the service's heap; NULL when memory is gone. */
MUST_USE char *bucket_keep_text(struct bucket_service *service, const char *text);

/* The next draw for that purpose. */
uint64_t bucket_draw(struct bucket_service *service, enum bucket_draw purpose);

/* Draws the account and its first key anew, from that seed. False when memory is gone. */
MUST_USE bool bucket_identify(struct bucket_service *service, uint64_t seed);

/* Wall time of the service's present, in milliseconds. */
int64_t bucket_now_ms(const struct bucket_service *service);

struct file_bucket *bucket_by_id(struct bucket_service *service, const char *id);
struct file_bucket *bucket_by_name(struct bucket_service *service, struct span name);

/* Adds a bucket and records it. NULL when memory or the store's room is gone. */
MUST_USE struct file_bucket *bucket_add(struct bucket_service *service, const char *name, bool is_public);
/* Removes an empty one. False: not recorded, so it is still there. */
MUST_USE bool bucket_remove(struct bucket_service *service, struct file_bucket *bucket);

/* What a new version is to be. Extents are moved into it. */
struct version_draft {
    struct file_bucket *bucket;
    struct span name;
    enum file_action action;
    enum sha1_standing standing;
    const char *sha1, *md5; /* hex, or "" */
    const char *content_type;
    struct file_info *info; /* moved too; NULL: none */
    struct extents extents;
};

/* Adds the newest version of its name, and records it. NULL when memory or the store's room is gone: then nothing is moved. */
MUST_USE struct version *version_add(struct bucket_service *service, struct version_draft *draft);
/* The same with an identity of its own, e.g. that of an earlier life. */
struct version_identity {
    uint64_t handle;
    int64_t uploaded_ms;
    bool large;
};
MUST_USE struct version *version_restore(struct bucket_service *service, struct version_draft *draft,
                                         const struct version_identity *identity);
/* Removes it and records that. False: not recorded, so it is still there. */
MUST_USE bool version_remove(struct bucket_service *service, struct version *version);
/* The version with that id (any action), or NULL. */
struct version *version_by_id(struct bucket_service *service, const char *id);
/* Writes its id. */
void version_id(const struct version *version, char id[FILE_ID_SIZE]);
/* The newest version of a name that is not an unfinished large file, or NULL. */
struct version *version_newest(const struct listed_name *name);
/* Its contentSha1: "none", the digest, or "unverified:" and the digest. */
enum { SHOWN_SHA1_SIZE = BUCKET_SHA1_SIZE + 12 };
void version_sha1(const struct version *version, char shown[SHOWN_SHA1_SIZE]);

/* Adds or replaces a part and records it. False: nothing has changed, and the extents are still the caller's. */
MUST_USE bool part_put(struct bucket_service *service, struct version *version, struct part *draft);
/* The part of that number, or the place (in `*place`) where it would go and NULL. */
struct part *part_find(const struct parts *parts, int64_t number, size_t *place);
/* An unfinished file becomes a version that is listed, made of its parts. False: not recorded. */
MUST_USE bool version_finish(struct bucket_service *service, struct version *version);

/* Tells an event of an object or of a large file. */
void bucket_tell(struct bucket_service *service, enum bucket_event_kind kind, const char *state,
                 const struct version *version, int64_t size, const char *sha1);

bool bucket_file_name_is_good(struct span name);

/* ---- Records (record.c) --------------------------------------------------------------------------------------------------- */

MUST_USE bool record_bucket(struct bucket_service *service, const struct file_bucket *bucket);
MUST_USE bool record_bucket_gone(struct bucket_service *service, const struct file_bucket *bucket);
MUST_USE bool record_version(struct bucket_service *service, const struct version *version);
MUST_USE bool record_version_gone(struct bucket_service *service, const struct version *version);
MUST_USE bool record_part(struct bucket_service *service, const struct version *version, const struct part *part);
MUST_USE bool record_finish(struct bucket_service *service, const struct version *version);
MUST_USE bool record_key(struct bucket_service *service, const struct access_key *key);
MUST_USE bool record_key_gone(struct bucket_service *service, const struct access_key *key);
MUST_USE bool record_life(struct bucket_service *service);
/* The fewest records from which the service as it is can be restored. */
MUST_USE bool record_all(struct bucket_service *service);

/* ---- Exchanges ------------------------------------------------------------------------------------------------------------ */

enum { TRAILER_BYTES = 40 }; /* hex_digits_at_end */

/* An upload of a file or of a part under way. */
struct upload {
    struct blob *blob;
    struct digest sha1, md5;
    bool wants_md5, digests_open;
    int64_t size; /* of the data, without the trailer */
    int64_t received;
    enum sha1_standing standing;
    char expected_sha1[BUCKET_SHA1_SIZE]; /* "" when it follows, or is not known */
    bool at_end;
    char trailer[TRAILER_BYTES + 1];
    size_t trailer_size;
    uint32_t token_serial; /* 0: it holds none */
    struct file_info_draft info;
    char name[FILE_NAME_MAX + 1];
    char content_type[CONTENT_TYPE_MAX + 1];
    int64_t part_number;
    uint64_t large_handle;
    char bucket_id[BUCKET_ID_SIZE];
};

/* A download under way. */
struct download {
    struct extents extents; /* references of its own: a version may be deleted meanwhile */
    struct extent_reader reader;
    int64_t left, sent;
};

/* A digest that a copy needs and nobody knows, as far as it has been computed. */
struct copy_digest {
    enum { COPY_NOT_LOOKED_AT, COPY_UNDER_WAY, COPY_LOOKED_AT } stage;
    uint64_t handle; /* of the source */
    int64_t offset, size;
    struct extents extents; /* references of its own: the source may be deleted meanwhile */
    struct extent_reader reader;
    int64_t left;
    struct digest digest;
    char sha1[DIGEST_HEX_SIZE]; /* "" until it is whole */
};

struct exchange {
    struct bucket_exchange open; /* first: what the caller sees */
    struct bucket_service *service;
    const struct http_request *head;
    int version;
    struct buffer body; /* JSON */
    cJSON *arguments;   /* NULL: in the query */
    const struct access_key *key;
    struct upload *upload;
    struct download download;
    struct copy_digest copy;
    bool finished;
};

/* Members of the body are the arguments; GET, HEAD and an empty body leave the query. False: refused. */
bool bucket_read_arguments(struct exchange *exchange);

/* ---- Copies (copy.c) ------------------------------------------------------------------------------------------------------ */

/* A slice of what a copy has to compute before it takes effect. True: there is more. */
bool copy_prepare(struct exchange *exchange);
void copy_release(struct exchange *exchange);

/* ---- Answers (answer.c) --------------------------------------------------------------------------------------------------- */

/* Writes {"status","code","message"}; returns false, so that a check can end with it. */
bool bucket_refuse(struct exchange *exchange, int status, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);
bool bucket_refuse_request(struct exchange *exchange, const char *format, ...) PRINTF_LIKE(2, 3); /* 400 bad_request */
bool bucket_refuse_bucket(struct exchange *exchange, const char *id);
bool bucket_refuse_exhausted(struct exchange *exchange); /* memory or room is gone: 500 */

/* Begins an answer of status 200. */
struct json_writer bucket_answer(struct exchange *exchange);

/* An object: the file as replies show it. In lists of version 1 it has a `size` beside. */
void write_version(struct json_writer *json, const struct exchange *exchange, const struct version *version,
                   bool listed);
void write_folder(struct json_writer *json, const struct exchange *exchange, const struct file_bucket *bucket,
                  struct span name);
void write_part(struct json_writer *json, const struct version *version, const struct part *part);
/* {"fileId":..., "fileName":...} and, with `whole`, account and bucket. */
void write_file_reference(struct json_writer *json, const struct exchange *exchange, const struct version *version,
                          bool whole);

/* ---- Arguments (argument.c): of the JSON body, or of the query ------------------------------------------------------------- */

/* A text argument into `out`. False when it is missing; refused (and false) when it is no text or too long. */
bool argument_text(struct exchange *exchange, const char *name, char *out, size_t size);
/* The same, but it must be there. */
bool argument_required(struct exchange *exchange, const char *name, char *out, size_t size);
/* A whole number from low to high; `usual` when it is missing. False: refused. */
bool argument_integer(struct exchange *exchange, const char *name, int64_t low, int64_t high, int64_t usual,
                      int64_t *out);
/* A value of the body as it stands, or NULL; null counts as missing. */
const cJSON *argument_value(const struct exchange *exchange, const char *name);
/* The bucket that `name` gives the id of; refused when there is none. */
struct file_bucket *argument_bucket(struct exchange *exchange, const char *name);
/* The version that `name` gives the id of; NULL, without a refusal, when there is none but the id is given. */
bool argument_version(struct exchange *exchange, const char *name, struct version **out);
/* fileName: a good one, which the caller's key reaches. */
bool argument_name(struct exchange *exchange, char name[FILE_NAME_MAX + 1]);
/* fileInfo as a draft. */
bool argument_info(struct exchange *exchange, struct file_info_draft *draft);

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

typedef void call_function(struct exchange *exchange);
call_function call_authorize, call_create_key, call_list_keys, call_delete_key, call_download_authorization;
call_function call_list_buckets, call_create_bucket, call_update_bucket, call_delete_bucket;
call_function call_get_upload_url, call_get_upload_part_url;
call_function call_start_large_file, call_list_parts, call_finish_large_file, call_cancel_large_file,
    call_list_unfinished;
call_function call_list_file_names, call_list_file_versions;
call_function call_get_file_info, call_hide_file, call_delete_file_version;
call_function call_copy_file, call_copy_part;
call_function call_download_by_name, call_download_by_id;

/* X-Bz-Test-Mode: force_cap_exceeded: refused with 403 and that code. */
bool test_mode_caps(struct exchange *exchange, const char *code, const char *message);
bool test_mode_allows_upload(struct exchange *exchange);

/* The unfinished large file that `fileId` names, which the caller may reach; NULL after refusing. */
struct version *large_file_for(struct exchange *exchange, enum capability capability);

/* Uploads: the head is checked when it comes, the effect is at the end. */
void bucket_upload_begin(struct exchange *exchange, int64_t size);
void bucket_upload_take(struct exchange *exchange, const char *bytes, size_t size);
void bucket_upload_finish(struct exchange *exchange);
void bucket_upload_end(struct exchange *exchange);

/* A content type, b2/x-auto guessed by the name's ending; refused when it is none. */
bool content_type_read(struct exchange *exchange, const char *given, const char *name, char out[CONTENT_TYPE_MAX + 1]);

/* Hex digits of a SHA-1 in any case, as lower case. */
MUST_USE bool bucket_sha1_read(const char *text, char out[BUCKET_SHA1_SIZE]);

/* "bytes=FIRST-LAST" and its kin of an object of `size` bytes. */
enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };
enum range_kind bucket_range_read(const char *text, int64_t size, int64_t *offset, int64_t *length);

#endif
