/*
 * Codec: the bytes of Backblaze B2's native API into structs and back. Pure, allocates nothing.
 *
 * What the server sends is untrusted: strictly read, bounded, and a reply whose shape is not the known one is
 * ERR_REPLY_UNEXPECTED, never "nothing there". Digests are compared in lower case; "none" and what is no SHA-1 is "" here: the
 * service knows none, which is not a mismatch. "unverified:" before one is dropped.
 */
#ifndef B2_CODEC_H
#define B2_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/http.h"
#include "base/units.h"

enum {
    B2_NAME_MAX = 1024, /* bytes of a file's name */
    B2_NAME_SIZE = B2_NAME_MAX + 1,
    B2_PATH_NAME_SIZE = 3 * B2_NAME_MAX + 1, /* percent-encoded */
    B2_ID_SIZE = 256,
    B2_TOKEN_SIZE = 512,
    B2_ORIGIN_SIZE = 256,
    B2_URL_PATH_SIZE = 1024,
    B2_SHA1_SIZE = 41,
    B2_MARK_SIZE = 33,
    B2_PARTS_MAX = 10000,
};

struct b2_account {
    char account_id[B2_ID_SIZE];
    char token[B2_TOKEN_SIZE];
    char api_origin[B2_ORIGIN_SIZE];
    char download_origin[B2_ORIGIN_SIZE];
    char bucket_id[B2_ID_SIZE];      /* of the one bucket that the key is for, or "" */
    char bucket_name[B2_ID_SIZE];    /* its name, or "" */
    char name_prefix[B2_NAME_SIZE];  /* that names must have, or "" */
    char capabilities[B2_NAME_SIZE]; /* " listFiles readFiles ": each between blanks */
    int64_t recommended_part_bytes;
    int64_t least_part_bytes;
};

enum b2_action { B2_UPLOAD, B2_START, B2_HIDE, B2_FOLDER, B2_OTHER };

/* A file, or a version of one. */
struct b2_file {
    enum b2_action action;
    int64_t size;
    int64_t uploaded_unix_ms;
    int64_t modified_unix_ms; /* src_last_modified_millis, -1 when it is not told */
    char id[B2_ID_SIZE];
    char name[B2_NAME_SIZE];
    char sha1[B2_SHA1_SIZE]; /* of the whole: contentSha1, else large_file_sha1; "" when the service knows none */
    char mark[B2_MARK_SIZE]; /* ours (info "dumont"), "" when it is not of ours */
};

struct b2_upload_url {
    char origin[B2_ORIGIN_SIZE]; /* "" when there is none */
    char path[B2_URL_PATH_SIZE];
    char token[B2_TOKEN_SIZE];
};

struct b2_part {
    int64_t number, size;
    char sha1[B2_SHA1_SIZE];
};

/* What a page of a listing ends with: where the next begins; "" when it was the last. */
struct b2_next {
    char name[B2_NAME_SIZE + 8];
    char id[B2_ID_SIZE];
    int64_t part;
};

/* Called for each row of a page, in order. False ends the page. */
typedef bool b2_file_visitor(void *context, const struct b2_file *file);
typedef bool b2_part_visitor(void *context, const struct b2_part *part);

/* ---- Replies ------------------------------------------------------------------------------------------------------------- */

/*
 * What a status other than success means. The server's code and words, bounded, stand in the message; Retry-After is read.
 * 401 is ERR_TOKEN_EXPIRED unless the key lacks a capability (ERR_NOT_PERMITTED); caps are ERR_CAP_EXCEEDED and final.
 */
enum error_code b2_decode_error(const struct http_reply *reply, struct error *error);

/* Both shapes of the answer: flat (v1, v2) and nested (v3, v4). `secure`: only https URLs are believed. */
enum error_code b2_decode_authorize(struct span body, bool secure, struct b2_account *account, struct error *error);
enum error_code b2_decode_bucket(struct span body, const char *name, char id[B2_ID_SIZE], struct error *error);
enum error_code b2_decode_upload_url(struct span body, bool secure, struct b2_upload_url *url, struct error *error);
enum error_code b2_decode_file(struct span body, struct b2_file *file, struct error *error);
enum error_code b2_decode_files(struct span body, b2_file_visitor *visit, void *context, struct b2_next *next,
                                struct error *error);
enum error_code b2_decode_part(struct span body, struct b2_part *part, struct error *error);
enum error_code b2_decode_parts(struct span body, b2_part_visitor *visit, void *context, struct b2_next *next,
                                struct error *error);

/* What a download's headers say of the file. Of a range, `size` is the whole's. False when they do not say it. */
bool b2_read_download_headers(const struct http_reply *reply, struct b2_file *file);

/* "bytes 0-2/6". False when it is no such text. */
bool b2_read_content_range(struct span text, int64_t *first, int64_t *last, int64_t *size);

/* "Mon, 03 Aug 2026 10:20:00 GMT". False when it is no such text. */
bool b2_read_date(struct span text, struct wall_time *out);

/* ---- Requests ------------------------------------------------------------------------------------------------------------ */

/* What is wrong with a name, or NULL. */
const char *b2_name_mistake(const char *name);

/* Appends `text` percent-encoded; slashes stay. */
void b2_append_encoded(struct buffer *out, const char *text);

/* Two digests, whichever case and prefix they come in. "" equals nothing. */
bool b2_sha1_equal(const char *one, const char *other);

/* Copies a digest as servers show it in the one form used here, "" when it is none. */
void b2_sha1_copy(char out[B2_SHA1_SIZE], const char *text);

#endif
