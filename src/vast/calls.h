/*
 * Calls: Vast.ai's API, one function a call, each one request and its answer. No retries here (vast/retry.h), no decisions.
 *
 * Each returns ERR_OK or an error that says what the server said; a call that changes something returns ERR_OUTCOME_UNKNOWN
 * when the request may have taken effect although no usable answer came.
 *
 * Memory: vast_open() takes what every call but a large search needs, so that a machine can be destroyed and the destruction
 * read back when memory is gone. A handle serves one task at a time.
 */
#ifndef VAST_CALLS_H
#define VAST_CALLS_H

#include "vast/codec.h"
#include "world/world.h"

#define VAST_DEFAULT_ORIGIN "https://console.vast.ai"

enum { VAST_BODY_SIZE = 8192, VAST_REPLY_FIRST_SIZE = 64 * 1024, VAST_REPLY_MAX = 16 * 1024 * 1024 };

/* Who we are. Texts outlive the handle. */
struct vast_access {
    const char *origin;
    const char *api_key; /* NULL or "": none */
};

struct vast {
    struct world *world;
    struct vast_access access;
    int64_t request_limit_ns; /* deadline of each request from its start */
    uint64_t ordinal;         /* of the last request, 0 when it was not even sent */
    struct http_reply reply;
    char path[HTTP_PATH_SIZE];
    char body[VAST_BODY_SIZE];
};

/* ERR_OK or ERR_NO_MEMORY. The key is kept out of the history. Close with vast_close(). */
MUST_USE enum error_code vast_open(struct vast *vast, struct world *world, struct vast_access access,
                                   int64_t request_limit_ns);
void vast_close(struct vast *vast);

/* Offers that satisfy `wish`; our own check of every row included. An empty list is ERR_OK. */
MUST_USE enum error_code vast_search(struct vast *vast, const struct vast_wish *wish, struct vast_offers *list,
                                     struct error *error);

/*
 * Rents an offer. `instance_id` is set whenever the answer names a contract, also beside an error: then the contract exists and
 * has to be destroyed; 0 otherwise.
 */
MUST_USE enum error_code vast_create(struct vast *vast, int64_t offer_id, const struct create_wish *wish,
                                     int64_t *instance_id, struct error *error);

/* instance->gone when the server says that there is none. */
MUST_USE enum error_code vast_show(struct vast *vast, int64_t instance_id, struct vast_instance *instance,
                                   struct error *error);

/* Every instance of the account, over all pages. After an error the rows seen so far are no inventory. */
MUST_USE enum error_code vast_list(struct vast *vast, instance_visitor *visit, void *context, struct error *error);

/* ERR_OK means that the server accepted it, no more: read back with vast_show(). ERR_NO_SUCH_INSTANCE: it was gone already. */
MUST_USE enum error_code vast_destroy(struct vast *vast, int64_t instance_id, struct error *error);

MUST_USE enum error_code vast_account_read(struct vast *vast, struct vast_account *account, struct error *error);

/* ---- What is done with an instance that exists. ERR_NO_SUCH_INSTANCE when the server says that there is none. ------------------- */

/* Stops it; its disk goes on billing. ERR_OK means accepted: vast_show() tells when it has stopped. */
MUST_USE enum error_code vast_stop(struct vast *vast, int64_t instance_id, struct error *error);

/*
 * Starts it. `queued`: its GPUs are taken now, and the start stays armed: it may begin to run, and to bill, at any later moment,
 * unless it is called off with vast_stop().
 */
MUST_USE enum error_code vast_start(struct vast *vast, int64_t instance_id, bool *queued, struct error *error);

MUST_USE enum error_code vast_label(struct vast *vast, int64_t instance_id, const char *label, struct error *error);

/* What an instance that was rented by a bid bids from now on. ERR_USAGE for a price of 0 or below. */
MUST_USE enum error_code vast_bid(struct vast *vast, int64_t instance_id, int64_t price_nusd_per_hour,
                                  struct error *error);

/*
 * Appends what its container, or its host's daemon, has printed to `out`: of more than fits into its limit, the end. The API only says
 * where the text will lie; it is fetched from there (https, or the API's own origin; without our key) as soon as it is there.
 * ERR_TIMED_OUT when it is not by `deadline_ns`, as with a host that is offline. Changes nothing.
 */
MUST_USE enum error_code vast_logs(struct vast *vast, int64_t instance_id, const struct vast_logs_wish *wish,
                                   int64_t deadline_ns, struct buffer *out, struct error *error);

/* ---- SSH keys ------------------------------------------------------------------------------------------------------------ */

/* Every public key of the account. After an error the keys seen so far are not all. */
MUST_USE enum error_code vast_keys(struct vast *vast, vast_key_visitor *visit, void *context, struct error *error);

/* Gives the account a public key; machines rented from now on accept it. `key_id` is 0 when the account had it already. */
MUST_USE enum error_code vast_key_create(struct vast *vast, const char *public_key, int64_t *key_id,
                                         struct error *error);

/* The same of one machine: which keys it accepts; one more, also when it had it already; one less. */
MUST_USE enum error_code vast_attached(struct vast *vast, int64_t instance_id, vast_key_visitor *visit, void *context,
                                       struct error *error);
MUST_USE enum error_code vast_attach(struct vast *vast, int64_t instance_id, const char *public_key,
                                     struct error *error);
MUST_USE enum error_code vast_detach(struct vast *vast, int64_t instance_id, int64_t key_id, struct error *error);

#endif
