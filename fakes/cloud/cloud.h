/*
 * Cloud: market, hosts, timing and faults as one thing, seen from its wire.
 *
 * Pure: it is told the time and says at which moments things happen; whoever owns the clock (the virtual world, later the fronts)
 * calls back at those moments. An exchange begins when its request is sent, takes effect at one moment, and its reply arrives at a
 * later one; what happens between the two is nobody's secret but the client's problem.
 *
 * What truly happens goes to the history's cloud stream, at its exact time.
 */
#ifndef FAKES_CLOUD_CLOUD_H
#define FAKES_CLOUD_CLOUD_H

#include "base/fate.h"
#include "base/history.h"
#include "fakes/bucket/bucket.h"
#include "fakes/fault/injector.h"
#include "fakes/host/gpu_load.h"
#include "fakes/host/host.h"
#include "fakes/host/host_files.h"
#include "fakes/market/market.h"
#include "fakes/timing/timing.h"

/*
 * Told when what a machine's SSH ports do may have changed otherwise than by the plan: it was created, stopped, destroyed, lost
 * or found again, or has another host key. Must not call back into the cloud.
 */
typedef void cloud_machine_function(void *context, uint32_t contract);

/* Borrowed pointers outlive the cloud. */
struct cloud_options {
    uint64_t seed;
    uint32_t run;
    struct wall_time epoch;
    const struct timing *timing;
    const struct fault_plan *faults;
    const struct offer_book *offers;
    const char *api_key;
    int64_t credit_nusd;
    bool limit_ignored;
    int64_t first_contract_id;              /* 0: drawn */
    const char *ssh_host;                   /* of the first contract; NULL: derived */
    int64_t ssh_port;                       /* 0: derived */
    const char *origin;                     /* where result_urls lead; NULL: the origin of the request */
    const struct market_switches *switches; /* copied; NULL: the defaults */
    market_address_function *address;       /* NULL: derived names stand; asked for every new machine */
    void *address_context;
    const char *ssh_public_key;      /* the account's, as a line of authorized_keys; NULL: it has none */
    cloud_machine_function *machine; /* NULL: nobody is told */
    void *machine_context;
    const struct gpu_load_plan *gpu_load; /* NULL: GPUs idle */
    size_t content_limit; /* bytes of files that a modelled host may keep in memory; 0: its own default */
    struct history *history;
    struct cloud_bucket_options {
        struct content_store *content; /* NULL: in memory */
        const char *origin;            /* NULL: CLOUD_BUCKET_ORIGIN; see bucket_set_origin() */
        const char *bucket_name;       /* NULL: CLOUD_BUCKET_NAME */
        bool allowances;               /* the price list's free allowances count */
        int64_t call_ns;               /* how long a call takes, beside the transfer of its body */
        int64_t bytes_per_s;           /* of bodies, both ways, where no socket sets their pace; 0: no time */
        int64_t least_part_bytes;      /* of large files' parts; 0: as the service has it */
    } bucket;
};

struct cloud;

/* NULL when memory is gone. */
MUST_USE struct cloud *cloud_new(struct heap *heap, const struct cloud_options *options);
void cloud_free(struct cloud *cloud);

/* The market behind it, for what is truly so. */
const struct market *cloud_market(const struct cloud *cloud);

/* When something will next change by itself, or TIME_NEVER_NS; and bringing everything up to a moment. */
int64_t cloud_next_change_ns(const struct cloud *cloud);
void cloud_advance(struct cloud *cloud, int64_t now_ns);

/* Tells the bill so far of every machine that still exists: what is owed when a run ends. */
void cloud_bill(struct cloud *cloud, int64_t now_ns);

/* ---- HTTP -------------------------------------------------------------------------------------------------------------- */

enum { CLOUD_REQUEST_HEADERS_MAX = 32 };

/* A request, copied. */
struct cloud_request {
    struct http_request request;
    char path[HTTP_PATH_SIZE];
    char bearer[128];
    struct buffer body;
    struct buffer header_texts;
    struct http_header headers[CLOUD_REQUEST_HEADERS_MAX];
};

/* One exchange. `effect_ns` and `reply_ns` are TIME_NEVER_NS when there will be none. */
struct cloud_exchange {
    int64_t effect_ns;
    int64_t reply_ns;
    enum transport_fate fate; /* of the reply */
    struct http_reply reply;  /* as it is sent; with FATE_TRUNCATED already cut */
    size_t whole_bytes;       /* of its body, were it not cut */
    int64_t drip_ns; /* > 0: from `drip_from_ns` on its head comes, then a byte each time; else its fate is silence */
    int64_t drip_from_ns;
    /* the cloud's own */
    struct cloud_exchange *next_free;
    struct http_verdict verdict;
    enum api_call call;
    uint64_t ordinal;
    struct cloud_request sent;
};

/*
 * A request is sent now. The request is copied. NULL when memory is gone, or it has a longer path or key, or more headers, than any
 * known one.
 */
MUST_USE struct cloud_exchange *cloud_http_begin(struct cloud *cloud, int64_t now_ns,
                                                 const struct http_request *request, uint64_t ordinal);

/* Its effect: call at `effect_ns`. */
void cloud_http_effect(struct cloud *cloud, int64_t now_ns, struct cloud_exchange *exchange);

/* Gives it back, at or after its reply, or when nobody wants the reply and there is no effect to come. */
void cloud_http_end(struct cloud *cloud, struct cloud_exchange *exchange);

/* ---- SSH --------------------------------------------------------------------------------------------------------------- */

/*
 * What a port of the nth contract does now; and when the plan changes that next, TIME_NEVER_NS when it does not. A machine that
 * is destroyed or whose container is stopped refuses; the direct port does so until the container runs. When its host is gone the direct
 * port is unreachable, and the proxy, which stands elsewhere, accepts and closes.
 */
enum ssh_stage cloud_ssh_stage(struct cloud *cloud, int64_t now_ns, uint32_t contract, enum ssh_port port);
int64_t cloud_ssh_next_stage_ns(const struct cloud *cloud, int64_t now_ns, uint32_t contract, enum ssh_port port);

/* The nth (from 0) key that may log in to a machine, as a line of authorized_keys; NULL behind the last. */
const char *cloud_ssh_key(const struct cloud *cloud, uint32_t contract, size_t nth);

/* A machine's Ed25519 host key (its private half, 32 bytes): drawn from the seed, another one after each rotation. */
enum { CLOUD_HOST_KEY_BYTES = 32 };
void cloud_ssh_host_key(const struct cloud *cloud, uint32_t contract, unsigned char key[CLOUD_HOST_KEY_BYTES]);
MUST_USE bool cloud_ssh_rotate_host_key(struct cloud *cloud, uint32_t contract); /* false: no memory */

/* A machine's host vanishes from the network, or is back; the API shows it offline meanwhile. False when it does not exist. */
MUST_USE bool cloud_ssh_lose(struct cloud *cloud, uint32_t contract, bool lost);

/* One session of a client with a machine; also the command that runs on it. */
struct cloud_session {
    size_t contract;          /* which machine, when `fate` is DELIVERED */
    enum ssh_port port;       /* and by which way */
    int64_t opened_ns;        /* when the opening ends; TIME_NEVER_NS: it stays silent */
    enum transport_fate fate; /* of the opening; when silent, what the silence means (DELIVERED: no answer at all) */
    /* the command */
    int64_t effect_ns;
    int64_t done_ns;
    enum transport_fate command_fate;
    int exit_status;
    bool vanishes;         /* nothing more comes over its connection: done_ns is then TIME_NEVER_NS */
    bool host_key_changed; /* since the last connection to that machine */
    struct buffer out;
    struct buffer err;
    struct buffer command;
    struct buffer input;
    uint32_t life; /* of the cloud */
    struct cloud_session *next_free;
};

/* Somebody connects now: to host:port, or to a port of the nth contract. NULL when memory is gone. */
MUST_USE struct cloud_session *cloud_ssh_open(struct cloud *cloud, int64_t now_ns, const char *host, int64_t port);
MUST_USE struct cloud_session *cloud_ssh_connect(struct cloud *cloud, int64_t now_ns, uint32_t contract,
                                                 enum ssh_port port);

/* Another session on the machine of an open one, for a command beside the first one. NULL when memory is gone. */
MUST_USE struct cloud_session *cloud_ssh_beside(struct cloud *cloud, const struct cloud_session *session);

enum { CLOUD_SSH_INPUT_MAX = 64 * 1024 * 1024 };

/* Whether a command reads its standard input, so that all of it is needed before the command is sent. */
bool cloud_ssh_reads_input(const struct cloud *cloud, struct span command);

/* A command is sent on an open session: sets effect_ns, done_ns. False when memory is gone. */
MUST_USE bool cloud_ssh_send(struct cloud *cloud, int64_t now_ns, struct cloud_session *session, struct span command,
                             struct span input);

/*
 * Runs it: call at `effect_ns`. Sets exit status, outputs and command_fate; `done_ns` is later by what the command slept and by what
 * befell it, even TIME_NEVER_NS.
 */
void cloud_ssh_effect(struct cloud *cloud, int64_t now_ns, struct cloud_session *session);

/* Its answer is due: call at `done_ns`. A machine that can no longer be reached by then takes the answer with it: FATE_DROPPED. */
void cloud_ssh_done(struct cloud *cloud, int64_t now_ns, struct cloud_session *session);

/*
 * A line of an interactive shell runs at once on the machine of a session: appends its output. `shell` keeps what the shell
 * remembers. False when the machine is gone.
 */
MUST_USE bool cloud_ssh_line(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                             struct host_session *shell, struct span line, struct buffer *out, struct buffer *err);

/* Appends the shell's prompt; nothing when the machine is gone. */
void cloud_ssh_prompt(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                      const struct host_session *shell, struct buffer *out);

void cloud_ssh_end(struct cloud *cloud, struct cloud_session *session);

/*
 * What somebody else needs who runs the commands of a session by himself (files, sandboxes): the machine's modelled files, held for
 * him until host_free(); what befalls a command that begins now; and the note in the history of one that has ended. False: the
 * machine cannot be reached (any more), or memory is gone.
 */
MUST_USE bool cloud_ssh_files(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                              struct host_files *out);
MUST_USE bool cloud_ssh_verdict(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                                struct span command, struct command_verdict *verdict);
void cloud_ssh_ran(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session, struct span command,
                   int exit_status);

/* What a machine of the nth contract is; and how many containers it had before the one of now (recycling makes another). */
void cloud_machine_facts(const struct cloud *cloud, uint32_t contract, struct host_facts *out);
/* What its GPUs do now; and when that changes next. */
void cloud_machine_gpu_load(const struct cloud *cloud, int64_t now_ns, uint32_t contract, struct host_gpu_load *out);
int64_t cloud_machine_next_gpu_load_ns(const struct cloud *cloud, int64_t now_ns, uint32_t contract);
uint32_t cloud_machine_containers(const struct cloud *cloud, uint32_t contract);

/* ---- Object store ------------------------------------------------------------------------------------------------------ */

#define CLOUD_BUCKET_NAME "dumont-rehearsal"
#define CLOUD_BUCKET_ORIGIN "https://api.backblazeb2.com" /* for whoever has no sockets */

/* Whether requests to `origin` are the object store's, as the options have it. */
bool cloud_bucket_is_at(const struct cloud *cloud, const char *origin);

/*
 * The object store, made and opened when it is first asked for. NULL with an error (bucket_open()'s, or no memory) when it cannot
 * be; `error` may be NULL.
 */
struct bucket_service *cloud_bucket(struct cloud *cloud, int64_t now_ns, struct error *error);

/*
 * One request to it, whose body streams in and whose reply's body may stream out:
 *
 *     begin, take any number of times, whole; at `effect_ns` prepare until false, and effect; at `reply_ns` the reply or its fate, read until 0; end
 *
 * How long the bytes of bodies are on their way is the affair of whoever moves them: cloud_bucket_transfer_ns() says it where that is
 * no socket.
 *
 * `effect_ns` and `reply_ns` stand from cloud_bucket_whole() on and are TIME_NEVER_NS when there will be none; status, reply and what
 * follows it from the effect on, or from `whole` on when there is none.
 */
struct cloud_bucket_exchange {
    int64_t effect_ns, reply_ns;
    enum transport_fate fate;
    enum bucket_call call;
    uint64_t ordinal;
    int64_t taken; /* bytes of the request's body */
    struct http_reply *reply;
    int64_t reply_size; /* of its body */
    bool streamed;      /* the body comes from cloud_bucket_read(), else it is in `reply` */
    int64_t cut_at;     /* FATE_TRUNCATED: bytes of a streamed body that arrive */
    /* the cloud's own */
    struct cloud_request sent;
    struct bucket_verdict verdict;
    struct bucket_exchange *inside; /* NULL: the store never sees it */
    struct http_reply own;          /* the injector's */
};

/*
 * A request's head is sent now; `size` is its body's, -1 when it has none. It is copied. NULL when memory is gone, or the object store
 * cannot be made, or the request has more headers than any known one.
 */
MUST_USE struct cloud_bucket_exchange *cloud_bucket_begin(struct cloud *cloud, int64_t now_ns,
                                                          const struct http_request *head, int64_t size,
                                                          uint64_t ordinal);

/* Bytes of its body. False: the connection meets `fate` now, and cloud_bucket_end() follows. */
MUST_USE bool cloud_bucket_take(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange,
                                struct span bytes);

/* All of it was sent. */
void cloud_bucket_whole(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange);

/* At `effect_ns`, as often as it says true: a slice of what the request needs before it takes effect. */
bool cloud_bucket_prepare(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange);

/* Its effect: call at `effect_ns`. */
void cloud_bucket_effect(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange);

/* The next bytes of a streamed body, which begin at byte `at` of it; 0 at its end. */
size_t cloud_bucket_read(struct cloud *cloud, struct cloud_bucket_exchange *exchange, int64_t at, char *out,
                         size_t size);

/* How long so many bytes of a body are on their way. */
int64_t cloud_bucket_transfer_ns(const struct cloud *cloud, int64_t bytes);

/* Gives it back, whatever has become of it; what has not taken effect never will. */
void cloud_bucket_end(struct cloud *cloud, int64_t now_ns, struct cloud_bucket_exchange *exchange);

/* ---- Control ----------------------------------------------------------------------------------------------------------- */

/*
 * An existing machine shows that status until its life goes on. The cloud has been advanced. False when there is no such machine.
 */
bool cloud_force_status(struct cloud *cloud, int64_t id, enum actual_status status);

/* Where result_urls lead from now on. False when memory is gone. */
MUST_USE bool cloud_set_origin(struct cloud *cloud, const char *origin);

/* The faults in force: to look at and, from now on, to change (fakes/fault/injector.h). */
struct injector *cloud_injector(struct cloud *cloud);

/*
 * As new, but at `now_ns`: every machine is destroyed (and told so), then no contract was ever made, all credit is there, the object
 * store has nothing but its first bucket, empty, and the faults are those of the options, with nothing done. Exchanges and sessions under way may still be ended, and nothing else.
 * False, with nothing changed, when memory is gone.
 */
MUST_USE bool cloud_reset(struct cloud *cloud, int64_t now_ns);

/* ---- Store ------------------------------------------------------------------------------------------------------------- */

/* What happens to a message to a receiver of webhooks now. True when anything does. */
bool cloud_receiver_fault(struct cloud *cloud, int64_t now_ns, struct receiver_verdict *verdict);

/* What happens to a statement on the events store now. True when anything does. */
bool cloud_store_fault(struct cloud *cloud, int64_t now_ns, const struct store_request *request,
                       struct store_verdict *verdict);

#endif
