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
#include "fakes/market/switches.h"
#include "fakes/market/transitions.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/timeline.h"

struct market;

/* Told of everything that truly happens, at its exact time, in order; for the history and for whoever owns the hosts. */
struct market_event {
    enum market_event_kind {
        MARKET_CREATED,  /* contract exists: inst.state */
        MARKET_STATUS,   /* actual_status changed: inst.state */
        MARKET_RECYCLED, /* its container is made anew: nothing but what the image holds is left of its files and keys */
        MARKET_DESTROYED,  /* inst.state "destroyed" */
        MARKET_BILLED,     /* inst.bill: charge of one component, at destroy and by market_bill() */
        MARKET_CREDIT_OUT, /* credit reached zero: everything is stopped */
    } kind;
    int64_t at_ns;
    int64_t contract_id; /* MARKET_BILLED of a volume: the volume's, with component "volume" */
    uint32_t contract;   /* nth contract of this market, from 0; UINT32_MAX of a volume */
    enum actual_status status;
    enum actual_status from; /* MARKET_STATUS */
    enum status_cause cause; /* MARKET_STATUS: each is in the table of transitions.c */
    const char *component;   /* MARKET_BILLED: "gpu", "disk", "download", "upload", "volume" */
    int64_t quantity_ns;     /* MARKET_BILLED: time charged; of traffic bytes */
    int64_t amount_nusd;
    int64_t credit_nusd; /* the account's credit after it */
};
typedef void market_event_function(void *context, const struct market_event *event);

/* Asked for the life of each new machine, from its creation; a later start or reboot takes its pace from it. */
typedef void market_timeline_function(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out);

/*
 * Asked for what a machine would print: its container's log, or with a command what that prints (`ls`, `rm` and `du` only). It may
 * look at the market, not change it.
 */
typedef void market_output_function(void *context, int64_t now_ns, uint32_t contract, const char *command,
                                    struct buffer *out);

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
    bool limit_ignored;              /* search returns row_cap rows whatever limit was asked, as recorded */
    int64_t first_contract_id;       /* id of the first contract; 0: drawn from the seed */
    const char *ssh_host;            /* of the first contract; NULL: derived from the id */
    int64_t ssh_port;                /* of the first contract; 0: derived from the id */
    const char *origin;              /* where result_urls lead: the fake itself; NULL: the origin of the request */
    struct market_switches switches; /* by market_switches_defaults() */
    const struct offer_book *offers; /* borrowed, immutable, may be shared by many markets */
    market_timeline_function *timeline;
    market_address_function *address; /* NULL: the derived places stand */
    market_event_function *event;     /* NULL: nobody is told */
    market_output_function *output;   /* NULL: logs tell the life, commands print nothing */
    void *context;
};

/*
 * A market at time 0. The texts of `options` are copied; `offers` and `context` must outlive it. The two functions must not call
 * back into the market. NULL when memory is gone.
 */
MUST_USE struct market *market_new(struct heap *heap, const struct market_options *options);
void market_free(struct market *market);

/* Brings every contract's status and bill up to `now_ns`, telling each change at its own time. */
void market_advance(struct market *market, int64_t now_ns);

/* Tells MARKET_BILLED for all that existing contracts were charged since their last bill, e.g. at the end of a run. */
void market_bill(struct market *market, int64_t now_ns);

/* Sets options.origin, once a front knows its port. False when memory is gone. */
MUST_USE bool market_set_origin(struct market *market, const char *origin);

/* When something will next change by itself (status, credit), or TIME_NEVER_NS. */
int64_t market_next_change_ns(const struct market *market);

/*
 * Answers one request at the moment of its effect. `reply->body` is initialised by the caller. Advances to now first.
 * When memory is gone or the body's limit too small: status 500, reply->body.failed, and nothing has changed.
 */
void market_handle(struct market *market, int64_t now_ns, const struct http_request *request, struct http_reply *reply);

/*
 * For whoever controls the fake: each false when there is no such machine. A moment before the market's own is its own.
 * Force: the machine shows that status from now on, until its life goes on. Lose: its host has gone; return: it is back, and shows
 * what its machine has become. Rival: somebody bids that much for its GPUs (0: the rival leaves).
 */
bool market_force_status(struct market *market, int64_t now_ns, int64_t id, enum actual_status status);
bool market_lose_host(struct market *market, int64_t now_ns, int64_t id);
bool market_return_host(struct market *market, int64_t now_ns, int64_t id);
bool market_reboot(struct market *market, int64_t now_ns, int64_t id); /* as the account's own call does */
bool market_rival_bid(struct market *market, int64_t now_ns, int64_t id, int64_t price_nusd_per_hour);

/* Charges traffic of the nth contract, in bytes. */
void market_traffic(struct market *market, int64_t now_ns, size_t contract, int64_t down_bytes, int64_t up_bytes);

/* Whether a call, when it succeeds, changes what is so. */
bool market_call_changes(enum api_call call);

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
    int64_t intended_nusd_per_hour;   /* and once it is what the account wants of it: what leaving it there will cost */
    int64_t charged_nusd;             /* what it has cost so far, rounded down */
    const char *ssh_host;
    int64_t ssh_port; /* proxy */
    const char *public_ipaddr;
    int64_t direct_port; /* host port of 22/tcp, 0 while not running */
    const struct offer *offer;
    const char *image;
    int64_t disk_mgb; /* thousandths of a GB */
    bool is_bid;
};
size_t market_contract_count(const struct market *market); /* ever created */
void market_contract(const struct market *market, size_t index, struct contract_view *view);
int64_t market_credit_nusd(const struct market *market);
int64_t market_charged_nusd(const struct market *market); /* sum of all charges so far */

/* What a port of its sshd does by its life and its host, whatever its status shows, and when that changes next. */
enum ssh_stage market_ssh_stage(const struct market *market, int64_t now_ns, size_t index, enum ssh_port port);
int64_t market_ssh_next_stage_ns(const struct market *market, int64_t now_ns, size_t index, enum ssh_port port);

/* The script that its container runs at each start; "" for none. */
const char *market_contract_onstart(const struct market *market, size_t index);

/* The public keys that its sshd accepts. */
size_t market_contract_key_count(const struct market *market, size_t index);
const char *market_contract_key(const struct market *market, size_t index, size_t nth);

#endif
