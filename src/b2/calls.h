/*
 * Calls: the object store's API, one function a call, through the door. Each asks again by itself what may be asked again: a bounded
 * number of times, with pauses that double, jitter above them, and never shorter than the server's Retry-After; caps are final.
 *
 * One account for all tasks: whoever meets an expired token first authorizes anew, and the others wait for that one answer.
 * Uploads are not asked again here: upload.h does, with a new URL each time.
 *
 * A struct b2_call belongs to one task at a time; a struct b2 to all of one world.
 */
#ifndef B2_CALLS_H
#define B2_CALLS_H

#include "b2/codec.h"
#include "world/retry.h"

#define B2_DEFAULT_ORIGIN "https://api.backblazeb2.com"

/* Who we are, and where. Texts outlive the handle. */
struct b2_access {
    const char *origin;
    const char *key_id;
    const char *key;
    const char *bucket;
    const char *test_mode; /* sent with every request as X-Bz-Test-Mode; NULL: none */
};

struct b2_waiter;

struct b2 {
    struct world *world;
    struct b2_access access;
    bool secure; /* reached by https: no other URL is believed */
    struct b2_account account;
    char bucket_id[B2_ID_SIZE];
    int64_t generation; /* of the token: 0 before the first */
    bool authorizing;
    struct b2_waiter *waiters;
    uint32_t operations;   /* begun so far: addresses of jitter */
    int64_t clock_skew_ns; /* the server's clock ahead of ours, at the last authorization */
    bool clock_warned;
};

struct b2_call {
    struct b2 *b2;
    struct http_reply reply;
    struct buffer body;
    char path[HTTP_PATH_SIZE];
};

/* Finds the account and the bucket. With what b2_authorize() and the list of buckets say. */
MUST_USE enum error_code b2_open(struct b2 *b2, struct world *world, struct b2_access access, struct error *error);

void b2_call_open(struct b2_call *call, struct b2 *b2);
void b2_call_close(struct b2_call *call);

/* The key may do `capability` ("writeFiles"): ERR_OK or ERR_NOT_PERMITTED. And with this name: its prefix is looked at. */
MUST_USE enum error_code b2_allows(const struct b2 *b2, const char *capability, struct error *error);
MUST_USE enum error_code b2_allows_name(const struct b2 *b2, const char *name, struct error *error);

/* The server's time, by its last Date. */
int64_t b2_server_unix_ms(const struct b2 *b2);

/* A new token, unless somebody has one that is newer than `generation` already. */
MUST_USE enum error_code b2_renew(struct b2_call *call, int64_t generation, struct error *error);

/* The pauses between attempts at an operation: half a second doubling to a minute, the first none at all with `at_once`. */
enum { B2_ATTEMPTS = 10 };
struct retry b2_retry_begin(struct b2 *b2, const char *operation, bool at_once);
struct retry b2_retry_download(struct b2 *b2, const char *operation); /* the same; errors are signs of other faults */
struct retry b2_retry_finish(struct b2 *b2);

MUST_USE enum error_code b2_get_upload_url(struct b2_call *call, struct b2_upload_url *url, struct error *error);
MUST_USE enum error_code b2_get_upload_part_url(struct b2_call *call, const char *file_id, struct b2_upload_url *url,
                                                struct error *error);

/* What is said of a file beside its bytes. */
struct b2_label {
    const char *name;
    const char *sha1;
    const char *mark;
    int64_t modified_unix_ms;
};
MUST_USE enum error_code b2_start_large_file(struct b2_call *call, const struct b2_label *label, char id[B2_ID_SIZE],
                                             struct error *error);
/* One attempt: ERR_OK, or what happened to it; ERR_REPLY_*, ERR_SERVER_ERROR and the like leave open what it did. */
MUST_USE enum error_code b2_finish_large_file(struct b2_call *call, const char *id, const char (*sha1)[B2_SHA1_SIZE],
                                              int64_t count, struct error *error);
MUST_USE enum error_code b2_cancel_large_file(struct b2_call *call, const char *id, struct error *error);
MUST_USE enum error_code b2_get_file_info(struct b2_call *call, const char *id, struct b2_file *file,
                                          struct error *error);
MUST_USE enum error_code b2_hide_file(struct b2_call *call, const char *name, struct error *error);
MUST_USE enum error_code b2_delete_version(struct b2_call *call, const char *id, const char *name, struct error *error);

/* Lists, over all pages, in order, until `visit` says false. */
enum b2_list { B2_LIST_NAMES, B2_LIST_VERSIONS, B2_LIST_UNFINISHED };
MUST_USE enum error_code b2_list(struct b2_call *call, enum b2_list what, const char *prefix, b2_file_visitor *visit,
                                 void *context, struct error *error);
MUST_USE enum error_code b2_list_parts(struct b2_call *call, const char *id, b2_part_visitor *visit, void *context,
                                       struct error *error);

/* A body of `body_file` to an upload URL; one attempt, whose reply lies in call->reply. */
MUST_USE enum error_code b2_send(struct b2_call *call, const struct b2_upload_url *url,
                                 const struct http_body_file *body_file, const struct http_header *headers,
                                 size_t header_count, struct error *error);

/* A range of a file into `to`, or into the call's buffer when `to` is NULL. By its id where that is known (`id` not NULL), else by its name. `range` NULL: all. */
MUST_USE enum error_code b2_fetch(struct b2_call *call, const char *id, const char *name, const char *range,
                                  const struct http_body_file *to, struct error *error);

#endif
