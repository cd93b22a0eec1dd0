/*
 * State: what a market knows, and the parts of it that its routes share. Private to fakes/market.
 */
#ifndef FAKES_MARKET_STATE_H
#define FAKES_MARKET_STATE_H

#include "fakes/market/answer.h"
#include "fakes/market/market.h"
#include "fakes/market/offer_book.h"

__extension__ typedef __int128 exact_charge; /* nano-dollars per hour x nanoseconds */

enum {
    CONTRACT_LABEL_MAX = 256, /* characters */
    CONTRACT_PORTS_MAX = 64,
    SECRET_SIZE = 65,
};

/* What is charged for, each with a meter of its own; `name` is MARKET_BILLED's component. */
enum component { COMPONENT_GPU, COMPONENT_DISK, COMPONENT_COUNT };

struct meter {
    int64_t price_nusd_per_hour;
    bool on;
    int64_t since_ns;  /* while on */
    int64_t time_ns;   /* of the spells that are over */
    int64_t billed_ns; /* part of all that bills were told for */
};

/* What the account wants of a machine: intended_status, cur_state, next_state. */
enum intent { INTENT_RUNNING, INTENT_STOPPED };

/*
 * Invariants: the GPU meter is on exactly while the status bills GPU time; the disk meter from creation until destroy;
 * `next_step` is the first step of the timeline that has not happened.
 */
struct contract {
    int64_t id;
    uint32_t nth;
    size_t offer_index;
    const struct offer *offer;
    int64_t disk_mgb;
    int64_t created_ns, destroyed_ns;
    enum actual_status status;
    enum intent intent;
    const char *status_msg; /* of the timeline, a static text, or running_msg */
    struct machine_timeline timeline;
    size_t next_step;
    bool follows_timeline;
    bool has_run;
    int64_t running_since_ns, run_ended_ns; /* run_ended_ns while its container is not up */
    struct meter meters[COMPONENT_COUNT];
    struct market_address address;
    int64_t port_count;
    struct buffer members; /* of its JSON that never change, without braces */
    struct buffer ports;   /* value of its member `ports` while running */
    char *label;           /* NULL for none */
    char *image;
    char *running_msg;
    char texts[]; /* holds the three */
};

/* An offer that a search found. */
struct match {
    int64_t sort_key;
    uint32_t index;
};

/*
 * Invariants: charged is exactly the sum of price x time of all meters ever, up to now_ns; rate is the sum of the prices of
 * the meters that are on; live[0..live_count) are the contracts that exist, in order of creation, which is order of id.
 */
struct market {
    struct heap *heap;
    struct market_options options; /* texts point into `texts` */
    int64_t now_ns;
    struct contract **contracts;
    size_t contract_count, contract_capacity;
    struct contract **live;
    size_t live_count;
    bool *taken;           /* by offer's index */
    struct match *matches; /* scratch of searches; as many as offers */
    exact_charge charged, billed;
    int64_t rate_nusd_per_hour;
    bool credit_out;
    char texts[];
};

/* How a status shows and bills. */
struct status_traits {
    bool bills_gpu;
    bool container_up;  /* uptime goes on */
    bool has_address;   /* local_ipaddrs and public_ipaddr are known */
    bool has_telemetry; /* use of memory, disk and network is known, once it has run */
    bool has_ports;
    bool gpu_idle;         /* GPU use is 0, not measured */
    const char *usual_msg; /* when the timeline has none; NULL leaves what was there */
};

const struct status_traits *status_traits(enum actual_status status);

/* Time that a meter has run. */
int64_t meter_time_ns(const struct meter *meter, int64_t now_ns);

/* Starts a contract's life at market->now_ns: it exists, bills disk, its offer is taken. Room in the lists must be there. */
void contract_begin(struct market *market, struct contract *contract);

/* Ends it: it bills no more and its offer is free. */
void contract_end(struct market *market, struct contract *contract);

void contract_free(struct heap *heap, struct contract *contract);

/* The existing contract with that id, or NULL. */
struct contract *market_find(const struct market *market, int64_t id);

/* Writes the object of an instance, as show and list give it. */
void instance_write(struct json_writer *writer, const struct market *market, const struct contract *contract);

/* Renders what never changes into contract->members and contract->ports; `request` is the create's body. */
void instance_prepare(struct contract *contract, const struct market *market, const cJSON *request);

/* 64 hexadecimal digits that belong to the nth contract; `which` tells its secrets apart. */
void contract_secret(const struct market *market, uint32_t nth, uint32_t which, char out[SECRET_SIZE]);

/* The routes. Each answers with a whole reply; a body that did not fit leaves the market as it was. */
void route_search(struct market *market, const struct http_request *request, struct http_reply *reply);
void route_create(struct market *market, int64_t offer_id, const struct http_request *request,
                  struct http_reply *reply);
void route_list(struct market *market, const struct http_request *request, struct http_reply *reply);

#endif
