/*
 * Fault catalogue: every fault that the injector can make happen, one row each. A new fault is one row and the function that
 * carries it out.
 */
#ifndef FAKES_FAULT_CATALOGUE_H
#define FAKES_FAULT_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fakes/fault/injector.h"

enum fault_parameter_kind {
    PARAMETER_CHOICE, /* one of `words` */
    PARAMETER_NUMBER, /* from least to most; -1 as well when `or_minus_one` */
    PARAMETER_NAMES,  /* one name of [a-z0-9_], or several with commas between when `several` */
};

/* A parameter of one fault alone. A row's list ends with a NULL key. */
struct fault_parameter {
    const char *key;
    enum fault_parameter_kind kind;
    const char *usual; /* the default, as text; "" when the parameter is optional */
    const char *words; /* PARAMETER_CHOICE: "text, threshold, detail" */
    int64_t least, most;
    bool or_minus_one, several;
    const char *meaning;
};

/* What a fault of a body works on. */
struct rewrite {
    struct heap *heap;
    enum api_call call;
    bool one_contract; /* only the row of `contract_id`, which is -1 while the contract does not exist */
    int64_t contract_id;
};

/* Decides over a request; true when the reply is to be handed to `rewrite`. */
typedef bool fault_http_function(const struct fault *fault, enum api_call call, int64_t id,
                                 struct http_verdict *verdict, struct http_reply *reply);
typedef void fault_rewrite_function(const struct fault *fault, const struct rewrite *rewrite, struct http_reply *reply);
/* Changes a machine's life; returns the machine's age at which the fault has ceased, TIME_NEVER_NS for never. */
typedef int64_t fault_timeline_function(const struct fault *fault, struct machine_timeline *timeline);
typedef void fault_command_function(const struct fault *fault, struct command_verdict *verdict);
typedef void fault_connect_function(const struct fault *fault, struct connect_verdict *verdict);
/* Whether a command is one that the fault is about. */
typedef bool fault_concerns_function(const struct fault *fault, struct span command);
/* The same for a request to the object store. */
typedef bool fault_bucket_function(const struct fault *fault, enum bucket_call call, struct bucket_verdict *verdict,
                                   struct http_reply *reply);
typedef void fault_bucket_rewrite_function(const struct fault *fault, struct heap *heap, enum bucket_call call,
                                           struct http_reply *reply);
/* The same for a statement on the events store. */
typedef bool fault_store_function(const struct fault *fault, const struct store_request *request,
                                  struct store_verdict *verdict);

typedef void fault_receiver_function(const struct fault *fault, struct receiver_verdict *verdict);

struct fault_row {
    const char *id;
    const char *layer; /* vast-api, market, host, ssh, b2, postgres */
    const char *description;
    uint64_t endpoints;     /* calls it can act on: 1 << enum api_call; 0: it does not act on API calls */
    enum api_call endpoint; /* where it acts when nothing is said */
    uint32_t bucket_calls;  /* the same for calls of the object store: 1 << enum bucket_call */
    uint32_t bucket_usual;  /* of them, where it acts when nothing is said */
    bool needs_body;        /* a HEAD is no occasion */
    unsigned points;        /* 1 << enum fault_point */
    enum fault_point point;
    int64_t nth, count;
    const struct fault_parameter *parameters;
    fault_http_function *http;
    fault_rewrite_function *rewrite;
    fault_timeline_function *timeline;
    fault_command_function *command;
    fault_concerns_function *concerns; /* of `command`; NULL: every command is */
    fault_connect_function *connect;
    fault_store_function *store;
    fault_receiver_function *receiver;
    fault_bucket_function *bucket;
    fault_bucket_rewrite_function *bucket_rewrite;
};

/* Parameters that every fault has, or every one of a kind. */
enum common_parameter {
    COMMON_NTH,
    COMMON_COUNT,
    COMMON_PROBABILITY,
    COMMON_MACHINE, /* faults of API calls and machines */
    COMMON_FROM,
    COMMON_TO,
    COMMON_ACTIVE,
    COMMON_ENDPOINT, /* faults of API calls and of the object store */
    COMMON_POINT,    /* the same */
    COMMON_PARAMETERS
};

const char *common_parameter_key(enum common_parameter parameter);
const char *common_parameter_meaning(enum common_parameter parameter);
bool fault_has_common(const struct fault_row *row, enum common_parameter parameter);

size_t catalogue_count(void);
const struct fault_row *catalogue_row(size_t index);
const struct fault_row *catalogue_find(const char *id); /* NULL when there is none */

/* The row's parameter of that key, or NULL. */
const struct fault_parameter *catalogue_parameter(const struct fault_row *row, const char *key);

/* "connect", "request", "effect", "reply", "body"; and back (POINT_DEFAULT when none is). */
const char *fault_point_name(enum fault_point point);
enum fault_point fault_point_by_name(const char *name);

/* Where the fault acts: its own point, or the row's. */
enum fault_point fault_point_of(const struct fault *fault);

/* A fault's own parameter, as given or by default. `key` is one of its row. */
const char *fault_text(const struct fault *fault, const char *key);
int64_t fault_nano(const struct fault *fault, const char *key); /* in billionths; seconds are ns */
bool fault_choice_is(const struct fault *fault, const char *key,
                     const char *word); /* a choice, or one of several names */
bool fault_given(const struct fault *fault, const char *key);

/*
 * The catalogue for `dumont-fake faults`: as text in 80 columns, and as JSON:
 *
 *     {"common": [{"key", "meaning"}], "faults": [{"id", "layer", "description", "endpoints", "endpoint", "points", "point",
 *      "usual", "nth", "count", "common": [keys], "parameters": [{"key", "meaning", "default", "one_of" | "least", "most",
 *      "minus_one" | "several"}]}]}
 */
void catalogue_write_json(struct json_writer *writer);
void catalogue_write_text(struct buffer *out);

#endif
