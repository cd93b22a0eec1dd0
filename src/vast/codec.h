/*
 * Codec: the bytes of Vast.ai's API into structs and back. Pure, allocates nothing.
 *
 * What the server sends is untrusted: any field may be missing, null, or of another type, and each arrives with its presence
 * (base/json_decode.h). The envelope is checked strictly: a reply whose shape is not the known one is ERR_REPLY_UNEXPECTED,
 * never "nothing there". JSON null as a status is not the text "unknown": null means provisioning, "unknown" means that the host
 * has gone quiet.
 *
 * Money is nano-dollars, reliability millionths, memory MiB, time nanoseconds.
 */
#ifndef VAST_CODEC_H
#define VAST_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/http.h"
#include "base/json_decode.h"

enum { VAST_LABEL_SIZE = 257, VAST_TEXT_SIZE = 96, VAST_STATUS_SIZE = 32, VAST_MESSAGE_SIZE = 256 };

/* What somebody wants to rent. Texts are borrowed; a limit of 0 leaves that filter out. */
struct vast_wish {
    const char *gpu_name; /* NULL or "": any */
    int64_t num_gpus;
    int64_t max_price_nusd_per_hour;
    int64_t min_reliability_millionths;
    int64_t min_inet_down_mbps;
    int64_t disk_gb;
    int64_t limit; /* rows asked for */
};

/* An offer, as much of it as a decision needs. Fields that the row lacks are 0 or "". */
struct vast_offer {
    int64_t id;
    int64_t machine_id;
    int64_t num_gpus;
    int64_t gpu_ram_mib;
    int64_t price_nusd_per_hour; /* dph_total: with the disk asked for */
    int64_t storage_nusd_per_gb_month;
    int64_t inet_down_nusd_per_gb;
    int64_t reliability_millionths;
    char gpu_name[VAST_TEXT_SIZE];
    char geolocation[VAST_TEXT_SIZE];
    char driver_version[VAST_TEXT_SIZE];
};

/* The best offers of a reply: those that pass our own check of the wish, cheapest first, equal prices by id. */
struct vast_offers {
    struct vast_offer *offers; /* the caller's storage */
    size_t capacity;
    size_t count;
    size_t found;   /* rows in the reply */
    size_t fitting; /* rows that pass our check, also those beyond the capacity */
};

/* One observation of an instance. */
struct vast_instance {
    bool gone; /* the server says that there is none: all else is empty */
    struct maybe_int64 id, machine_id;
    struct maybe_int64 ssh_port;
    struct maybe_int64 price_nusd_per_hour; /* dph_total: while it runs, with its disk */
    struct vast_billed {
        struct maybe_int64 nusd_per_hour; /* what it bills now: of one that is stopped, its disk */
    } billed;
    struct maybe_int64 uptime_ns; /* since it began to run */
    struct maybe_int64 num_gpus;
    int64_t direct_port; /* host port of 22/tcp, 0 when there is none */
    MAYBE_TEXT(VAST_STATUS_SIZE) actual_status;
    MAYBE_TEXT(VAST_STATUS_SIZE) intended_status;
    MAYBE_TEXT(VAST_MESSAGE_SIZE) status_msg;
    MAYBE_TEXT(VAST_LABEL_SIZE) label;
    MAYBE_TEXT(VAST_TEXT_SIZE) gpu_name;
    MAYBE_TEXT(VAST_TEXT_SIZE) ssh_host;
    MAYBE_TEXT(VAST_TEXT_SIZE) public_ipaddr; /* white space at its ends removed */
};

/* The members that any answer may bear. */
struct vast_answer {
    struct maybe_bool success;
    MAYBE_TEXT(64) error;
    MAYBE_TEXT(VAST_MESSAGE_SIZE) msg, message, detail;
    struct maybe_int64 new_contract; /* may come with an error, and then has to be destroyed */
};

struct vast_account {
    struct maybe_int64 credit_nusd;
    struct maybe_int64 balance_nusd;
};

enum { VAST_TOKEN_SIZE = 256 };

/* What somebody wants created. Texts are borrowed. */
struct create_wish {
    const char *image;
    const char *label;
    const char *onstart;
    int64_t disk_gb;
    int64_t bid_nusd_per_hour; /* 0: on demand */
};

/* Which log, and how much of it. */
struct vast_logs_wish {
    int64_t lines;      /* the last ones; 0: as many as the server likes */
    const char *filter; /* only lines that hold it; NULL or "": all */
    bool of_daemon;     /* what the host's daemon says of the container, instead of what that prints */
};

enum { VAST_RESULT_ORIGIN_SIZE = 256, VAST_KEY_SIZE = 4096 };

/* Where a result will lie. */
struct vast_result_url {
    char origin[VAST_RESULT_ORIGIN_SIZE];
    char path[HTTP_PATH_SIZE]; /* with query */
};

/* A public SSH key. `text` is PRESENT only when it is whole. */
struct vast_key {
    struct maybe_int64 id;
    MAYBE_TEXT(VAST_KEY_SIZE) text;
};
typedef void vast_key_visitor(void *context, const struct vast_key *key);

/* ---- Requests: append a body to `out`; what does not fit sets out->failed ---------------------------------------------- */

void encode_search(struct buffer *out, const struct vast_wish *wish);
void encode_create(struct buffer *out, const struct create_wish *wish);
void encode_label(struct buffer *out, const char *label);
void encode_bid(struct buffer *out, int64_t price_nusd_per_hour);
void encode_logs(struct buffer *out, const struct vast_logs_wish *wish);
void encode_key(struct buffer *out, const char *public_key);

/* ---- Replies ----------------------------------------------------------------------------------------------------------- */

/*
 * What a reply's status means. A success is ERR_OK without a look at its body: the decoders below read it, once, and find a
 * `"success": false` in it. Any other status is the error that it and the body's words stand for, with the server's own words
 * (bounded) in the message; `answer` holds what the body says then.
 */
enum error_code decode_status(const struct http_reply *reply, struct vast_answer *answer, struct error *error);

/* A success that needs no more than to be one. */
enum error_code decode_done(struct span body, struct error *error);

enum error_code decode_offers(struct span body, const struct vast_wish *wish, struct vast_offers *list,
                              struct error *error);
/* `instance_id` is set, also beside an error, when the answer names a contract; else 0. */
enum error_code decode_create(struct span body, int64_t *instance_id, char *api_key, size_t api_key_size,
                              struct error *error);
enum error_code decode_instance(struct span body, int64_t wanted_id, struct vast_instance *instance,
                                struct error *error);

/* Called once a row of a listing, in order. */
typedef void instance_visitor(void *context, const struct vast_instance *instance);

/*
 * One page of GET /api/v1/instances/. `next_token` is "" on the last page. A row without an id makes the whole page
 * ERR_REPLY_UNEXPECTED: an inventory that cannot be read whole is unknown.
 */
enum error_code decode_instance_page(struct span body, instance_visitor *visit, void *context,
                                     char next_token[VAST_TOKEN_SIZE], struct error *error);
enum error_code decode_account(struct span body, struct vast_account *account, struct error *error);

/* The answer to a start: done, or accepted and waiting for a GPU, which calls itself no success and is none of its failures. */
enum error_code decode_started(struct span body, bool *queued, struct error *error);

/*
 * The place of a result: https, or `own_origin` whatever its scheme. Any other is ERR_REPLY_UNEXPECTED: a server does not send us to
 * plain text or into our own network.
 */
enum error_code decode_result_url(struct span body, const char *own_origin, struct vast_result_url *url,
                                  struct error *error);

/* The account's keys, a bare list; those that were deleted are left out. A row without an id makes all of it ERR_REPLY_UNEXPECTED. */
enum error_code decode_keys(struct span body, vast_key_visitor *visit, void *context, struct error *error);
enum error_code decode_key_created(struct span body, int64_t *key_id, struct error *error);

/* A machine's keys: a list, or, as the service sends it, a text that holds one. `inner` is for that text. */
enum error_code decode_attached(struct span body, struct buffer *inner, vast_key_visitor *visit, void *context,
                                struct error *error);

/* Does the offer satisfy the wish? Servers do not always filter as asked. */
bool offer_fits(const struct vast_offer *offer, const struct vast_wish *wish);

#endif
