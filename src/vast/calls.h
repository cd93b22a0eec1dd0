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

#endif
