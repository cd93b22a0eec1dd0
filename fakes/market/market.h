/*
 * Market: Vast.ai as a pure state machine. It is given `now` and a request and answers with a reply; it owns no clock, socket
 * or thread. Offers, contracts, statuses as time passes, credit that drains by the second.
 *
 * Time is nanoseconds since the world began; wall time (start_date, end_date) is derived from options.epoch.
 */
#ifndef FAKES_MARKET_MARKET_H
#define FAKES_MARKET_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http.h"
#include "base/units.h"
#include "fakes/market/offers.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/timeline.h"

struct market;

/* Told of everything that truly happens, at its exact time, in order; for the history and for whoever owns the hosts. */
struct market_event {
    enum market_event_kind {
        MARKET_CREATED,   /* contract exists: inst.state */
        MARKET_STATUS,    /* actual_status changed by itself: inst.state */
        MARKET_DESTROYED, /* inst.state "destroyed" */
        MARKET_BILLED,    /* inst.bill: charge of one component, at destroy and by market_bill() */
        MARKET_CREDIT_OUT /* credit reached zero: everything is stopped */
    } kind;
    int64_t at_ns;
    int64_t contract_id;
    uint32_t contract; /* nth contract of this market, from 0 */
    enum actual_status status;
    const char *component; /* MARKET_BILLED: "gpu", "disk" */
    int64_t quantity_ns;   /* MARKET_BILLED: time charged */
    int64_t amount_nusd;
    int64_t credit_nusd; /* the account's credit after it */
};
typedef void market_event_function(void *context, const struct market_event *event);

/* Asked for the life of each new machine. */
typedef void market_timeline_function(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out);

/* Where a machine is reached: through the proxy, and at its own address. */
enum { MARKET_HOST_SIZE = 64 };

struct market_address {
    char ssh_host[MARKET_HOST_SIZE];
    int64_t ssh_port;
    char public_ipaddr[MARKET_HOST_SIZE];
    int64_t direct_port; /* of 22/tcp; ports that the renter publishes follow it */
};

/*
 * Asked where each new machine is reached; `address` comes with the derived place, any of it may be changed. The create may fail
 * after it: then the next machine is asked for with the same `contract`.
 */
typedef void market_address_function(void *context, uint32_t contract, int64_t id, struct market_address *address);

struct market_options {
    uint64_t seed;
    uint32_t run;
    struct wall_time epoch; /* wall time of now_ns 0 */
    const char *api_key;    /* the account's key */
    const char *ssh_public_key;
    int64_t credit_nusd;
    size_t row_cap;                  /* most rows of a search, 64 as observed */
    bool limit_ignored;              /* search returns row_cap rows whatever limit was asked, as recorded */
    int64_t first_contract_id;       /* id of the first contract; 0: drawn from the seed */
    const char *ssh_host;            /* of the first contract; NULL: derived from the id */
    int64_t ssh_port;                /* of the first contract; 0: derived from the id */
    const struct offer_book *offers; /* borrowed, immutable, may be shared by many markets */
    market_timeline_function *timeline;
    market_address_function *address; /* NULL: the derived places stand */
    market_event_function *event;     /* NULL: nobody is told */
    void *context;
};

/*
 * A market at time 0. The texts of `options` are copied; `offers` and `context` must outlive it. The functions must not call
 * back into the market. NULL when memory is gone.
 */
MUST_USE struct market *market_new(struct heap *heap, const struct market_options *options);
void market_free(struct market *market);

/* Brings every contract's status and bill up to `now_ns`, telling each change at its own time. */
void market_advance(struct market *market, int64_t now_ns);

/* Tells MARKET_BILLED for all that existing contracts were charged since their last bill, e.g. at the end of a run. */
void market_bill(struct market *market, int64_t now_ns);

/* When something will next change by itself (status, credit), or TIME_NEVER_NS. */
int64_t market_next_change_ns(const struct market *market);

/*
 * Answers one request at the moment of its effect. `reply->body` is initialised by the caller. Advances to now first.
 * When memory is gone or the body's limit too small: status 500, reply->body.failed, and nothing has changed.
 */
void market_handle(struct market *market, int64_t now_ns, const struct http_request *request, struct http_reply *reply);

/* What truly is: for the cloud, the closing statement and the tests. */
struct contract_view {
    int64_t id;
    uint32_t contract; /* nth, from 0 */
    int64_t offer_id, machine_id;
    const char *label; /* "" when none */
    enum actual_status status;
    bool exists;                      /* false once destroyed */
    int64_t created_ns, destroyed_ns; /* destroyed_ns TIME_NEVER_NS while it exists */
    int64_t price_nusd_per_hour;      /* what it bills now, GPU and disk */
    const char *ssh_host;
    int64_t ssh_port; /* proxy */
    const char *public_ipaddr;
    int64_t direct_port; /* host port of 22/tcp, 0 while not running */
    const struct offer *offer;
    const char *image;
    int64_t disk_mgb; /* thousandths of a GB */
};
size_t market_contract_count(const struct market *market); /* ever created */
void market_contract(const struct market *market, size_t index, struct contract_view *view);
int64_t market_credit_nusd(const struct market *market);
int64_t market_charged_nusd(const struct market *market); /* sum of all charges so far */
const struct machine_timeline *market_contract_timeline(const struct market *market, size_t index);

#endif
