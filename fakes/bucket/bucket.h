/*
 * Bucket service: Backblaze B2 as a pure state machine. Accounts, keys and tokens; buckets, files and their versions; large files
 * and their parts; the bill. It is told `now` and handed requests, and owns no clock, socket, thread or file: contents and records
 * go to a content store (content.h).
 *
 * Bodies stream both ways. A request is
 *
 *     bucket_begin(head)   bucket_take(bytes) any number of times   bucket_prepare() until false   bucket_finish()
 *     bucket_read() until 0   bucket_end()
 *
 * and bucket_end() at any earlier moment is a client that went away: nothing of its upload remains. A request takes effect in
 * bucket_finish(), all at once: an upload is there whole, and recorded, before its reply says so.
 *
 * Memory: beside what the content store holds, an exchange holds at most BUCKET_BODY_MAX bytes of a JSON body or reply, whatever
 * the size of the object that it carries; the service itself holds the list of files.
 *
 * Time is nanoseconds since the world began; wall time is derived from options.epoch. Version 1 to 4 of the API are served.
 */
#ifndef FAKES_BUCKET_BUCKET_H
#define FAKES_BUCKET_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/http.h"
#include "base/units.h"
#include "fakes/bucket/content.h"
#include "fakes/bucket/prices.h"
#include "fakes/timing/bucket_call.h"

/* A page of 10,000 rows with names of 1,024 bytes is the longest reply; a finish with 10,000 digests the longest JSON request. */
enum { BUCKET_BODY_MAX = 32 * 1024 * 1024, BUCKET_REQUEST_MAX = 1024 * 1024 };

enum {
    BUCKET_KEY_ID_SIZE = 26,
    BUCKET_KEY_SIZE = 40,
    BUCKET_ORIGIN_SIZE = 128,
    BUCKET_SHA1_SIZE = 41,
    BUCKET_PART_BYTES_USUAL = 100000000,
    BUCKET_PART_BYTES_LEAST = 5000000,
};

/* Told of everything that truly happens, in order; for the history. Texts live during the call alone. */
struct bucket_event {
    enum bucket_event_kind {
        BUCKET_OBJECT, /* a version came or went: state "upload", "copy", "hide", "delete" */
        BUCKET_LARGE,  /* a large file: state "start", "part", "finish", "cancel" */
        BUCKET_BILLED, /* a charge: state "storage", "download", "class_b", "class_c" */
    } kind;
    int64_t at_ns;
    const char *state;
    struct span name;
    int64_t size;        /* bytes; BUCKET_BILLED: bytes downloaded, or calls */
    const char *sha1;    /* as the API shows it, or "" */
    int64_t byte_hours;  /* BUCKET_BILLED storage, rounded */
    int64_t amount_nusd; /* BUCKET_BILLED */
};
typedef void bucket_event_function(void *context, const struct bucket_event *event);

struct bucket_options {
    uint64_t seed;
    struct wall_time epoch;             /* wall time of now_ns 0 */
    struct content_store *content;      /* outlives the service */
    const char *origin;                 /* of API, uploads and downloads: "http://127.0.0.1:8080" */
    const char *bucket_name;            /* of the bucket that exists from the start; NULL: none does */
    const struct bucket_prices *prices; /* NULL: those of the epoch */
    bool allowances;                    /* the price list's free allowances count */
    int64_t token_life_ns;              /* of account and upload tokens; 0: 24 hours */
    int64_t least_part_bytes;           /* of all parts but the last; 0: BUCKET_PART_BYTES_LEAST */
    bucket_event_function *event;       /* NULL: nobody is told */
    void *context;
};

struct bucket_service;

/* A service at time 0, with one key that may do everything; bucket_open() follows. Texts are copied. NULL when memory is gone. */
MUST_USE struct bucket_service *bucket_service_new(struct heap *heap, const struct bucket_options *options);
void bucket_service_free(struct bucket_service *service);

/*
 * Begins the service's life, before anything else: takes up what the content store kept of an earlier one (its account, key and
 * seed hold, whatever the options say), and makes the bucket of the options unless it is there.
 * ERR_INPUT_INVALID when the records are malformed or name contents that are not there, ERR_CANNOT_WRITE when the store has no room,
 * ERR_NO_MEMORY.
 */
MUST_USE enum error_code bucket_open(struct bucket_service *service, int64_t now_ns, struct error *error);

/* As new: every file, bucket, key and token is gone, and the bucket of the options is there, empty. False when the store's room is gone. */
MUST_USE bool bucket_reset(struct bucket_service *service, int64_t now_ns);

/* Where replies say that the service is, from now on. */
void bucket_set_origin(struct bucket_service *service, const char *origin);

/* ---- Requests ---------------------------------------------------------------------------------------------------------- */

/* One request and its reply. `reply` and what follows it stand from bucket_finish() on. */
struct bucket_exchange {
    struct http_reply reply; /* body: the whole one, unless it is streamed */
    int64_t reply_size;      /* bytes of the body, however it comes; of a HEAD: of the body that does not come */
    bool streamed;           /* the body comes from bucket_read(); of a HEAD it is not sent */
    bool decided;            /* before bucket_finish(): the answer stands, and no more of the body is wanted */
    enum bucket_call call;
};

/*
 * A request's head is there. `size` is its Content-Length, -1 when it has none. The head's texts are borrowed until bucket_end().
 * NULL when memory is gone.
 */
MUST_USE struct bucket_exchange *bucket_begin(struct bucket_service *service, int64_t now_ns,
                                              const struct http_request *head, int64_t size);

/* Some of its body. */
void bucket_take(struct bucket_exchange *exchange, int64_t now_ns, const void *bytes, size_t size);

/*
 * The body is whole: before the request takes effect, a slice of work of bounded length that it needs (a copy's digest). True: there
 * is more of it. Whoever does not ask has bucket_finish() do it all.
 */
bool bucket_prepare(struct bucket_exchange *exchange, int64_t now_ns);

/* The body is whole: the request takes effect. A body shorter than said has no effect and gets no reply that matters. */
void bucket_finish(struct bucket_exchange *exchange, int64_t now_ns);

/* The next bytes of a streamed body, at most `size`; 0 at its end, or when the store has lost them. */
size_t bucket_read(struct bucket_exchange *exchange, void *out, size_t size);

/* Over. What was read of a download is billed now. NULL is allowed. */
void bucket_end(struct bucket_exchange *exchange, int64_t now_ns);

/* ---- What a person, or a fault, does to it -------------------------------------------------------------------------------- */

/* From now on no account token, and no upload token, is valid that was given out until now. */
void bucket_expire_account_tokens(struct bucket_service *service);
void bucket_expire_upload_tokens(struct bucket_service *service);

/* Deletes all versions of a name in a bucket; how many. For faults of retention. */
size_t bucket_lose_name(struct bucket_service *service, int64_t now_ns, const char *bucket_id, struct span name);

/* Tells BUCKET_BILLED for what was stored until now. */
void bucket_bill(struct bucket_service *service, int64_t now_ns);

/* ---- What is truly so ----------------------------------------------------------------------------------------------------- */

const char *bucket_key_id(const struct bucket_service *service);
const char *bucket_key(const struct bucket_service *service);
const char *bucket_account_id(const struct bucket_service *service);

struct bucket_totals {
    size_t versions, unfinished; /* hide markers are versions */
    int64_t stored_bytes;        /* versions and parts; copies count as often as they are */
    int64_t downloaded_bytes;
    int64_t calls[BUCKET_CLASS_COUNT];
    int64_t charged_nusd; /* until the last event of the bill */
};
void bucket_totals(const struct bucket_service *service, struct bucket_totals *totals);

/* Bytes stored under a name: of its newest version that is no hide marker; -1 when there is none. And of which digest. */
int64_t bucket_name_size(const struct bucket_service *service, const char *bucket_id, struct span name,
                         char sha1[BUCKET_SHA1_SIZE]);

#endif
