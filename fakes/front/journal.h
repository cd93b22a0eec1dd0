/*
 * Journal: the requests that the cloud's APIs were sent, the newest ones with all that is known of them, all of them counted.
 *
 * Secrets are not kept: where the account's key stood, "[hidden]" stands.
 */
#ifndef FAKES_FRONT_JOURNAL_H
#define FAKES_FRONT_JOURNAL_H

#include "base/fate.h"
#include "base/http.h"
#include "base/json_write.h"
#include "fakes/timing/api_call.h"
#include "fakes/timing/bucket_call.h"

enum { JOURNAL_ENTRIES_MAX = 20000, JOURNAL_BODY_MAX = 8 * 1024, JOURNAL_STATUSES_MAX = 16, JOURNAL_METHOD_SIZE = 12 };

#define JOURNAL_NO_CONTRACT UINT32_MAX

/* A call of the Vast.ai API is its number here; one of the object store is behind those. */
enum { JOURNAL_CALLS = API_CALL_COUNT + BUCKET_CALL_COUNT };

static inline size_t journal_of_bucket(enum bucket_call call)
{
    return API_CALL_COUNT + (size_t)call;
}

/* "create", "b2_upload_file" */
const char *journal_call_name(size_t call);

struct journal_entry {
    uint64_t ordinal; /* 0: unused */
    int64_t sent_ns;
    int64_t answered_ns; /* TIME_NEVER_NS: not, or not yet; of FATE_SILENT: when silence began */
    int64_t left_ns;     /* when whoever had sent it went before an answer had come; TIME_NEVER_NS: did not */
    uint32_t contract;   /* the first that the market made for it, the nth; JOURNAL_NO_CONTRACT: none */
    uint32_t contracts;  /* how many it made, one after the other */
    size_t call;
    enum transport_fate fate;
    int status; /* 0: none */
    char method[JOURNAL_METHOD_SIZE];
    struct buffer text; /* the path with its query, then the body as far as it is kept */
    size_t path_length;
    uint64_t body_bytes; /* as it was sent */
};

/* How often a call was answered so. */
struct journal_outcome {
    enum transport_fate fate;
    int status;
    uint64_t count;
};

struct journal_count {
    uint64_t requests;
    struct journal_outcome outcomes[JOURNAL_STATUSES_MAX];
    size_t outcome_count;
};

struct journal {
    struct heap *heap;
    const char *secret;
    struct journal_entry *entries; /* a ring, by ordinal counted from the last clearing */
    size_t entry_count;            /* allocated */
    uint64_t newest;               /* ordinal */
    uint64_t before;               /* ordinals up to this one were cleared */
    struct journal_count counts[JOURNAL_CALLS];
};

/* `secret` is borrowed. Allocates nothing yet. */
void journal_init(struct journal *journal, struct heap *heap, const char *secret);
void journal_release(struct journal *journal);

/* Forgets all requests and counts; ordinals go on. */
void journal_clear(struct journal *journal);

/* A request was sent, with so many bytes of body. What no memory is there for is counted all the same. */
void journal_add(struct journal *journal, uint64_t ordinal, int64_t now_ns, size_t call, const char *method,
                 const struct http_request *request, uint64_t body_bytes);

/* It was answered, or met another fate. */
void journal_end(struct journal *journal, uint64_t ordinal, int64_t now_ns, size_t call, enum transport_fate fate,
                 int status);

/* It made so many contracts, that one the first. */
void journal_made(struct journal *journal, uint64_t ordinal, uint32_t contract, uint32_t contracts);

/* Whoever had sent it did not wait for the answer. */
void journal_left(struct journal *journal, uint64_t ordinal, int64_t now_ns);

/* What stands at a place, from 0 to `entry_count`, oldest first; NULL: nothing. */
const struct journal_entry *journal_at(const struct journal *journal, size_t place);

/*
 * Which requests are meant; NULL or "": any. A path means itself and what lies below it, with or without the slash at its end; one
 * with a query means exactly that.
 */
struct journal_filter {
    const char *method;
    const char *path;
    const char *body_contains;
};

uint64_t journal_matches(const struct journal *journal, const struct journal_filter *filter);

/* The requests that match, oldest first, as an array. */
void journal_write(const struct journal *journal, const struct journal_filter *filter, struct json_writer *writer);

/* Calls with how often and how they were answered, as an array. */
void journal_write_counts(const struct journal *journal, struct json_writer *writer);

#endif
