/*
 * Injector: the filter between whoever asks and the fakes. It makes faults happen by plan, and nothing else does: no fake
 * knows that faults exist, and with no active fault every byte passes unchanged.
 *
 * A fault is data: an id of the catalogue, where it acts, when, how often. Points: connect (no request arrives), request
 * (refused before any effect), effect (the effect is withheld or altered), reply (the effect stands, the reply is lost),
 * body (the reply arrives changed).
 *
 * The injector draws nothing from a shared stream: probabilities are addressed by (seed, run, place in the plan, nth).
 */
#ifndef FAKES_FAULT_INJECTOR_H
#define FAKES_FAULT_INJECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fate.h"
#include "base/http.h"
#include "fakes/fault/plan.h"
#include "fakes/host/host.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/timeline.h"

struct injector;

/*
 * Called when a fault begins to act and when it has ceased to (for the history). A fault ceases when its count is used up and
 * what it did has an end, or when its window closes; an end that lies between two calls is told at the second.
 */
typedef void injector_notice_function(void *context, int64_t now_ns, const char *fault_id, bool on);

/* NULL when memory is gone. The plan is copied. */
MUST_USE struct injector *injector_new(struct heap *heap, const struct fault_plan *plan, uint64_t seed, uint32_t run,
                                       injector_notice_function *notice, void *context);
void injector_free(struct injector *injector);

/*
 * Puts a fault in the place of all of its id, as if the plan had had it: it acts from now on, its occasions counted anew.
 * False when there are too many faults.
 */
MUST_USE bool injector_put(struct injector *injector, int64_t now_ns, const struct fault *fault);

/* Takes all faults of that id away; how many those were. */
size_t injector_remove(struct injector *injector, int64_t now_ns, const char *id);

/* The nth fault that is in force, and what it has done; NULL behind the last. */
struct fault_deeds {
    int64_t occasions; /* that it could have acted on */
    int64_t acted;
    bool on;
};
const struct fault *injector_fault(const struct injector *injector, size_t nth, struct fault_deeds *deeds);

/* What happens to one HTTP exchange, decided when it starts. All zero: nothing. */
struct http_verdict {
    enum transport_fate fate_before; /* not DELIVERED: the request never arrives */
    bool answered;                   /* the injector's `reply` stands for the fake's; no effect */
    bool pretended;                  /* beside `answered`: the answer claims success */
    enum transport_fate fate_after;  /* not DELIVERED: effect happens, the reply has this fate */
    int64_t cut_at;                  /* FATE_TRUNCATED: bytes of the body that arrive; at least one is missing */
    int64_t drip_ns;                 /* > 0: the reply comes a byte at a time; its fate is that of silence */
    int64_t extra_delay_ns;          /* added to the reply's time */
    uint32_t rewrites;               /* opaque, for injector_rewrite(); 0 = none */
};

/*
 * Tells which id the nth contract has, as soon as it exists: with it, faults of one `machine` know their requests. Contracts
 * beyond INJECTOR_MACHINES_MAX are nobody's.
 */
enum { INJECTOR_MACHINES_MAX = 64 };
void injector_contract(struct injector *injector, uint32_t contract, int64_t id);

/*
 * Decides over a request at the moment it is sent. When it answers itself, `reply` (initialised by the caller) is filled.
 * Occasions are counted here: call exactly once a request, in order of sending. `id` is the path's: the offer of a create, the
 * contract of a show or destroy, -1 when there is none. Every fault counts the request; of those that answer it or decide over
 * its transport the first in the plan acts, and only if none does may faults of the body act.
 */
void injector_http(struct injector *injector, int64_t now_ns, enum api_call call, int64_t id,
                   struct http_verdict *verdict, struct http_reply *reply);

/*
 * Changes a reply's body and status as decided (null-status, nullable-fields, schema-drift, ...). Members that are not touched
 * keep their bytes. Without memory the body's `failed` is set.
 */
void injector_rewrite(struct injector *injector, int64_t now_ns, const struct http_verdict *verdict, enum api_call call,
                      struct http_reply *reply);

/* What happens to one request to the object store, decided when its head is there. */
struct bucket_verdict {
    struct http_verdict http;           /* with fate_after TRUNCATED, cut_at counts bytes of a download */
    int64_t break_after_bytes;          /* with fate_before: of its body that are read first; -1: none need be there */
    bool expire_account, expire_upload; /* the tokens that were given out until now, before it takes effect */
    bool withheld;                      /* nothing takes effect, and success is claimed */
    bool loses_name;                    /* a delete takes every version of the name with it */
    bool empty_archive;                 /* an upload stores an empty archive in the place of what it brings */
    bool whole_for_range;               /* a download does not read its Range */
    bool emptied;                       /* a download has no bytes, and says so */
    int64_t flipped_at;                 /* byte of a download that is another one; -1: none is */
};

/*
 * Decides over a request to the object store, once for each, in order of arrival. As injector_http(): when it answers itself,
 * `reply` is filled; every fault counts the request, and the first that acts is the only one. A HEAD is no occasion for faults of
 * a body.
 */
void injector_bucket(struct injector *injector, int64_t now_ns, enum bucket_call call, bool is_head,
                     struct bucket_verdict *verdict, struct http_reply *reply);

/* Changes a reply's body, headers and status as decided. Without memory the body's `failed` is set. */
void injector_bucket_rewrite(struct injector *injector, int64_t now_ns, const struct bucket_verdict *verdict,
                             enum bucket_call call, struct http_reply *reply);

/* Changes the life of a new machine (slow-boot, stuck-loading, host-offline, ssh-refused, ...). `contract` counts from 0. */
void injector_timeline(struct injector *injector, int64_t now_ns, uint32_t contract, struct machine_timeline *timeline);

/* What happens to one remote command. Nothing: all zero but disk_used_bytes, which is -1. Texts are static. */
struct command_verdict {
    bool dropped;             /* the connection breaks while it runs; its effect stands */
    int64_t drop_after_bytes; /* of stdout that still arrive */
    int64_t
        disk_used_bytes; /* >= 0: before it runs, so much of the disk is taken (may exceed the disk); -1: as it was */
    bool vanishes;       /* nothing more ever comes over its connection; its effect stands */
    bool reboots;        /* the machine does, before it has an effect */
    bool gpu_changes;    /* before it runs, the GPUs' state becomes gpu_state */
    enum host_gpu_state gpu_state;
    int64_t bytes_per_s;    /* of its input and output that get through; 0: all at once */
    int64_t clock_ahead_ns; /* not 0: before it runs, the machine's clock is set so far ahead */
    const char *failure;    /* not NULL: said on standard error at its end, and its exit status is failure_status */
    int failure_status;
    bool torn;         /* the second half of its output is from another moment than the first */
    const char *noise; /* not NULL: comes before its output, on standard error or, noise_on_out, on standard output */
    bool noise_on_out;
};

void injector_command(struct injector *injector, int64_t now_ns, uint32_t contract, struct span command,
                      struct command_verdict *verdict);

/* What happens to one connection to an sshd that is up. Nothing: all zero. */
struct connect_verdict {
    bool closes;         /* it accepts and closes */
    bool other_host_key; /* from this connection on */
};

void injector_connect(struct injector *injector, int64_t now_ns, uint32_t contract, struct connect_verdict *verdict);

/* A statement on the events store. */
struct store_request {
    const char *table; /* the first one it names */
    bool writes;
};

/* What happens to it. All zero: nothing. */
struct store_verdict {
    const char *sqlstate; /* it fails with that; NULL: it does not fail */
    const char *words;    /* the database's; NULL: those that the SQLSTATE has for that table */
    bool takes_effect;    /* all the same: only the answer is lost */
    bool silent;          /* it is not carried out, and no answer ever comes */
};

/* What happens to a message to a receiver of webhooks. */
struct receiver_verdict {
    int status;       /* that it answers with; 0: it never answers */
    bool answer_lost; /* it has taken the message, and the connection breaks */
};

/* Decides over a message, once for each. True when something happens to it. */
bool injector_receiver(struct injector *injector, int64_t now_ns, struct receiver_verdict *verdict);

/* Decides over a statement, once for each. True when something happens to it. */
bool injector_store(struct injector *injector, int64_t now_ns, const struct store_request *request,
                    struct store_verdict *verdict);

#endif
