/*
 * State: what a market knows, and the parts of it that its routes share. Private to fakes/market.
 */
#ifndef FAKES_MARKET_STATE_H
#define FAKES_MARKET_STATE_H

#include "fakes/market/answer.h"
#include "fakes/market/charges.h"
#include "fakes/market/market.h"
#include "fakes/market/offer_book.h"
#include "fakes/market/transitions.h"

enum {
    CREATE_LABEL_MAX = 256, /* characters */
    CONTRACT_LABEL_MAX = 1024,
    CONTRACT_PORTS_MAX = 64,
    SECRET_SIZE = 65,
    RESTART_STEPS = 3, /* most that a restart puts in front of a life */
};

/* What the account wants of a machine, and what it has: intended_status, cur_state, next_state. */
enum intent { INTENT_RUNNING, INTENT_STOPPED, INTENT_QUEUED };

/* Whether a machine holds its GPUs, or waits for them. */
enum claim { CLAIM_NONE, CLAIM_WAITING, CLAIM_HELD };

/* A life in times since its base; room for RESTART_STEPS more of each kind behind the counts. */
struct life {
    int64_t base_ns;
    uint32_t status_count, ssh_count;
    uint32_t next; /* first status step that has not happened */
    struct status_step *statuses;
    struct ssh_step *ssh;
};

/* All contracts with the same label, in order of id; "" also stands for none. */
struct label {
    struct label *next_in_slot;
    struct label *previous, *next; /* in order of first appearance */
    struct contract *first, *last;
    size_t count;
    char text[];
};

/*
 * Invariants: the GPU meter is on exactly while the shown status bills GPU time; the disk meter from creation until destroy unless
 * the status bills no disk; `place` is its place in the queue, from 1.
 */
struct contract {
    int64_t id;
    uint32_t nth;
    uint32_t offer_index;
    const struct offer *offer;
    int64_t ask_id; /* under which it was rented */
    int64_t disk_mgb;
    int64_t created_ns, destroyed_ns;
    int64_t end_ns; /* end_date */
    bool is_bid;
    int64_t bid_nusd;
    /* state */
    enum actual_status status; /* as shown */
    enum actual_status hidden; /* what it would show if its host were not lost */
    enum intent intent;
    enum claim claim;
    bool follows_life, has_run, host_lost, outbid, expired, pulled;
    const char *status_msg; /* of a timeline, a static text, or running_msg */
    struct life life;
    int64_t pull_ns, ssh_lag_ns;            /* of its first boot: loading to running, running to SSH */
    int64_t running_since_ns, run_ended_ns; /* run_ended_ns while its container is not up */
    int64_t rival_ns;                       /* when somebody outbids it, or the rival leaves */
    uint32_t rivals;
    int64_t due_ns; /* when it next changes by itself */
    size_t place;
    struct contract *next_on_machine, *previous_on_machine;
    struct contract *next_of_label, *previous_of_label;
    struct label *label;
    bool has_label;
    struct charges charges;
    int64_t prepaid_nusd;
    uint32_t *key_ids; /* of the account's keys, those that its sshd accepts */
    uint32_t key_count;
    struct market_address address;
    int64_t port_count;
    bool has_direct_ssh;             /* the first direct port leads to 22/tcp */
    const struct template *template; /* NULL for none */
    struct buffer members;           /* of its JSON that never change, without the closing brace */
    struct buffer priced;  /* those that the bid changes, and all that come from offer and disk, the same way */
    struct buffer ports;   /* value of its member `ports` while running */
    struct buffer onstart; /* the script to run at each start; empty: none */
    char *image;
    char *running_msg;
    char texts[]; /* holds the two */
};

/* An offer that a search found. */
struct match {
    int64_t sort_key;
    uint32_t index;
};

/* What a machine of the book is doing. */
struct machine_state {
    struct contract *first; /* all that exist on it, the newest first */
    int64_t held_gpus;
    int64_t disk_rented_mgb;
    int64_t rival_nusd; /* somebody's bid that outbid the account's; 0: nobody's */
};

/* What an offer's listing is now. */
struct listing {
    uint32_t version; /* how often it got another id */
    bool held, held_by_bid;
};

/* The contracts that exist, by id. `contract` is NULL for one that was destroyed. */
struct live_entry {
    int64_t id;
    struct contract *contract;
};

struct ssh_key {
    uint32_t id;
    bool deleted, of_account; /* not of_account: only ever attached to a machine */
    int64_t created_ns;
    char *text;
};

struct rate_entry;
struct result;

/* Immutable once it is there, but for `deleted`. Texts lie in its own memory. */
struct template
{
    int64_t id;
    bool deleted, is_private;
    const char *hash, *name;
    const char *json; /* as the API shows it */
};

struct volume;
struct secret;

/*
 * Invariants: charged is exactly the sum of all charges ever, up to now_ns; rate is the sum of the prices of the meters that are
 * on; live is in order of id, which is order of creation.
 */
struct market {
    struct heap *heap;
    struct market_options options; /* texts point into `texts` */
    int64_t now_ns;
    struct contract **contracts;
    size_t contract_count, contract_capacity;
    int64_t last_id;
    struct live_entry *live;
    size_t live_entries, live_count; /* with and without those that were destroyed */
    struct contract **queue;         /* binary heap by due_ns */
    size_t queue_count;
    struct label **label_slots;
    size_t label_slot_count, label_count;
    struct label *first_label, *last_label;
    struct listing *listings; /* by offer */
    bool listings_changed;    /* some offer is not as the book has it */
    struct machine_state *machines;
    struct match *matches; /* scratch of searches; as many as offers */
    exact_charge charged, billed;
    int64_t rate_nusd_per_hour;
    bool credit_out;
    struct ssh_key *keys;
    size_t key_count, key_capacity;
    struct rate_entry *rates;
    uint32_t refusals;
    struct result *results;
    uint32_t result_count; /* ever */
    struct template **templates;
    size_t template_count, template_capacity;
    int64_t last_template_id;
    struct volume **volumes;
    size_t volume_count, volume_capacity;
    int64_t last_volume_id;
    struct secret *secrets; /* a list, in order of their names */
    char *origin;           /* what options.origin points to */
    char texts[];
};

/* One request on its way through the routes. */
struct call {
    struct market *market;
    enum api_call call;
    int64_t id; /* in the path; -1: none */
    const struct http_request *request;
    struct http_reply *reply;
};

/* ---- contracts.c: which there are ----------------------------------------------------------------------------------------- */

/* Room for one more contract in all lists. False when memory is gone. */
MUST_USE bool contracts_reserve(struct market *market);

/* Puts it into all lists, and takes it out of those of what exists. Room must be there. */
void contracts_add(struct market *market, struct contract *contract);
void contracts_remove(struct market *market, struct contract *contract);

/* The existing contract with that id, or NULL. With `visible`, only if show and list know it already. */
struct contract *market_find(const struct market *market, int64_t id);
bool contract_is_visible(const struct market *market, const struct contract *contract);

/* The first entry of `live` with an id of at least that. */
size_t live_index(const struct market *market, int64_t id);

/* Call after anything that changes when the contract is due. */
void queue_update(struct market *market, struct contract *contract);

/* The label of that text: found, or made. NULL when memory is gone. */
struct label *label_get(struct market *market, const char *text);
struct label *label_by_text(const struct market *market, const char *text);

/* Gives the contract another label; releases one that nobody has. */
void label_move(struct market *market, struct contract *contract, struct label *label, bool has_label);
void label_release_unused(struct market *market, struct label *label);

/* Gives back what only a contract that exists needs; and all of it. */
void contract_release_parts(struct market *market, struct contract *contract);
void contract_free(struct market *market, struct contract *contract);

/* ---- life.c: what it does ------------------------------------------------------------------------------------------------- */

/* Starts a contract's life at market->now_ns: it exists and bills disk. `timeline` is in times since its start. */
void contract_begin(struct market *market, struct contract *contract);

/* Ends it: it bills no more and its offer is free. */
void contract_end(struct market *market, struct contract *contract);

/* Copies a timeline into contract->life. False when memory is gone. */
MUST_USE bool life_take(struct market *market, struct contract *contract, const struct machine_timeline *timeline);

void contract_show_status(struct market *market, struct contract *contract, enum actual_status status, const char *msg,
                          enum status_cause cause);

/* Begins to run with GPUs it holds: a whole boot the first time, a restart later. */
void contract_run(struct market *market, struct contract *contract, enum status_cause cause);

void contract_stop(struct market *market, struct contract *contract, enum status_cause cause);
void contract_reboot(struct market *market, struct contract *contract, bool recycle);

/* Somebody with that bid has displaced it. */
void contract_outbid(struct market *market, struct contract *contract);

/* When it next changes by itself, and that change. */
int64_t contract_due_ns(const struct market *market, const struct contract *contract);

void market_tell(struct market *market, const struct market_event *event);

/* Tells what a contract was charged since its last bill. */
void contract_bill(struct market *market, struct contract *contract);

/* ---- claims.c: who has the GPUs ------------------------------------------------------------------------------------------- */

/* Takes the GPUs, displacing bids that are lower. False, and nothing changed, when they cannot be had. */
bool claim_take(struct market *market, struct contract *contract);

/* Whether claim_take() would succeed. */
bool claim_can_have(const struct market *market, const struct contract *contract);

/* Gives them back; who waits may have them. With `quietly`, nobody is served. */
void claim_release(struct market *market, struct contract *contract, bool quietly);

/* The machine's GPUs or disk changed hands: its other slices are listed anew. */
void machine_relist(struct market *market, size_t machine);

/* Lets who waits for the machine's GPUs have what can be had. */
void claims_serve(struct market *market, size_t machine);

/* The least bid for an offer now: what the market wants, and what it takes besides to beat the account's own. */
int64_t market_floor_nusd(const struct market *market, size_t index);
int64_t offer_floor_nusd(const struct market *market, size_t index);

/* Whether somebody may rent it now, on demand or with a bid high enough. */
bool offer_is_listed(const struct market *market, size_t index);

/* Whether the listing differs from the book's; and the offer as it is listed now, in `copy` when it does. */
bool listing_is_changed(const struct market *market, size_t index);
const struct offer *listing_offer(const struct market *market, size_t index, struct offer *copy);

/* The offer that is, or once was, listed under an id: its index and whether it still is; -1 when none ever was. */
int64_t listing_by_id(const struct market *market, int64_t id, bool *is_current);

/* ---- instance.c: how it looks --------------------------------------------------------------------------------------------- */

/* Writes the object of an instance, as show and list give it. */
void instance_write(struct json_writer *writer, const struct market *market, const struct contract *contract);

/* Whether `ports` is shown. */
bool contract_has_ports(const struct market *market, const struct contract *contract);

/* Renders what never changes into contract->members and contract->ports; `request` is the create's body. */
void instance_prepare(struct contract *contract, const struct market *market, const cJSON *request);

/* Renders what comes from the offer, the disk and the bid. */
void instance_price(struct contract *contract);

/* 64 hexadecimal digits that belong to the nth contract; `which` tells its secrets apart. */
void contract_secret(const struct market *market, uint32_t nth, uint32_t which, char out[SECRET_SIZE]);

/* ---- Answers -------------------------------------------------------------------------------------------------------------- */

/* The instance that the call is about, or NULL after answering 404. */
struct contract *call_contract(const struct call *call);

const char *text_member(const cJSON *object, const char *key);
const cJSON *member_of(const cJSON *object, const char *key);

/* Characters of a UTF-8 text. */
size_t text_characters(const char *text);

/* Seconds since 1970 of a moment of the market, in milliseconds. */
int64_t unix_ms(const struct market *market, int64_t at_ns);

/* Draws of RANDOM_MARKET, by entity. Numbered for ever. */
enum market_draw { MARKET_DRAW_SAMPLE, MARKET_DRAW_RATE_BODY, MARKET_DRAW_RESULT, MARKET_DRAW_TEMPLATE };

/* An addressed draw of the market's own. */
int64_t market_draw(const struct market *market, uint32_t purpose, uint32_t entity, uint32_t index, int64_t low,
                    int64_t high);

/* ---- The routes. Each answers with a whole reply; a body that did not fit leaves the market as it was. ---------------------- */

typedef void route_function(const struct call *call);

route_function route_search, route_create, route_show, route_list, route_list_v0, route_list_filters;
route_function route_state, route_state_many, route_destroy, route_destroy_many, route_bid, route_reboot, route_recycle;
route_function route_prepay, route_deposit, route_set_template, route_execute, route_logs, route_result;
route_function route_keys, route_key_create, route_key_change, route_key_delete, route_attached, route_attach,
    route_detach;
route_function route_account, route_gpu_names, route_secrets, route_invoices, route_invoices_v1, route_charges;
route_function route_volumes, route_volume_search, route_volume_create, route_volume_delete;
route_function route_templates, route_template_create, route_template_change, route_template_delete;
route_function route_create_many, route_launch, route_secret_set, route_secret_delete, route_contracts, route_extras;

/* ---- Parts of one file each ----------------------------------------------------------------------------------------------- */

/* Rents the offer as the create's body says, into which a template may go, and answers. */
void rent_offer(const struct call *call, cJSON *body, int64_t ask_id);

/* The ids that a body lists under `key`, at most 1,000; NULL after answering 400. */
const cJSON *body_ids(const struct call *call, const cJSON *body, const char *key);

/* The id of the first offer that the search in `body` finds, or -1 after answering. */
int64_t search_first(const struct call *call, const cJSON *body);

/* True when the call comes too soon; it is then answered. */
bool rate_limit_refuses(const struct call *call);
void rates_release(struct market *market);

void results_release(struct market *market);

/* Adds a key, or finds it; 0 when memory is gone or there are too many. */
uint32_t key_add(struct market *market, const char *text, bool of_account);
/* Gives a new contract the account's keys. False when memory is gone. */
MUST_USE bool keys_give(struct market *market, struct contract *contract);
size_t keys_of_account(const struct market *market);
const struct ssh_key *key_by_id(const struct market *market, uint32_t id);
void keys_release(struct market *market);

/* A template that everybody has or that the account made, or NULL. */
const struct template *template_by_hash(const struct market *market, const char *hash);
const struct template *template_by_id(const struct market *market, int64_t id);
void templates_release(struct market *market);

void secrets_release(struct market *market);

/* Makes or attaches the volume that a create asks for (NULL: none). False when that cannot be, or memory is gone. */
MUST_USE bool volume_of_create(struct market *market, const struct contract *contract, const cJSON *info);
/* Lets go of the contract's volumes; writes the member volume_info; bills all volumes. */
void volumes_detach(struct market *market, int64_t contract_id);
void volumes_write(struct json_writer *writer, const struct market *market, int64_t contract_id);
/* The charges of the nth volume ever, and its id. */
struct charges *volume_charges(const struct market *market, size_t index, int64_t *id);
void volumes_bill(struct market *market);
void volumes_release(struct market *market);

#endif
