/*
 * Access: application keys, tokens, and what they allow. Private to fakes/bucket.
 *
 * A token is a text that says which of its kind it is, and proves it by digits drawn from the seed. Tokens are kept in rings: the
 * oldest of a kind gives way to the newest, and counts as expired from then on.
 */
#ifndef FAKES_BUCKET_ACCESS_H
#define FAKES_BUCKET_ACCESS_H

#include "fakes/bucket/bucket.h"

struct exchange;
struct file_bucket;
struct version;

enum { TOKEN_SIZE = 96, KEY_NAME_SIZE = 101, ACCESS_PREFIX_SIZE = 1025, KEYS_MAX = 10000 };

/* X(code, name): what a key may do */
#define CAPABILITY_LIST(X)                                                                                             \
    X(LIST_KEYS, "listKeys")                                                                                           \
    X(WRITE_KEYS, "writeKeys")                                                                                         \
    X(DELETE_KEYS, "deleteKeys")                                                                                       \
    X(LIST_ALL_BUCKET_NAMES, "listAllBucketNames")                                                                     \
    X(LIST_BUCKETS, "listBuckets")                                                                                     \
    X(READ_BUCKETS, "readBuckets")                                                                                     \
    X(WRITE_BUCKETS, "writeBuckets")                                                                                   \
    X(DELETE_BUCKETS, "deleteBuckets")                                                                                 \
    X(LIST_FILES, "listFiles")                                                                                         \
    X(READ_FILES, "readFiles")                                                                                         \
    X(SHARE_FILES, "shareFiles")                                                                                       \
    X(WRITE_FILES, "writeFiles")                                                                                       \
    X(DELETE_FILES, "deleteFiles")                                                                                     \
    X(READ_BUCKET_ENCRYPTION, "readBucketEncryption")                                                                  \
    X(WRITE_BUCKET_ENCRYPTION, "writeBucketEncryption")                                                                \
    X(READ_BUCKET_RETENTIONS, "readBucketRetentions")                                                                  \
    X(WRITE_BUCKET_RETENTIONS, "writeBucketRetentions")                                                                \
    X(READ_FILE_RETENTIONS, "readFileRetentions")                                                                      \
    X(WRITE_FILE_RETENTIONS, "writeFileRetentions")                                                                    \
    X(READ_FILE_LEGAL_HOLDS, "readFileLegalHolds")                                                                     \
    X(WRITE_FILE_LEGAL_HOLDS, "writeFileLegalHolds")                                                                   \
    X(READ_BUCKET_REPLICATIONS, "readBucketReplications")                                                              \
    X(WRITE_BUCKET_REPLICATIONS, "writeBucketReplications")                                                            \
    X(READ_BUCKET_NOTIFICATIONS, "readBucketNotifications")                                                            \
    X(WRITE_BUCKET_NOTIFICATIONS, "writeBucketNotifications")                                                          \
    X(READ_BUCKET_LOGGING, "readBucketLogging")                                                                        \
    X(WRITE_BUCKET_LOGGING, "writeBucketLogging")                                                                      \
    X(BYPASS_GOVERNANCE, "bypassGovernance")

enum capability {
#define CAPABILITY_ENUM(code, name) CAN_##code,
    CAPABILITY_LIST(CAPABILITY_ENUM)
#undef CAPABILITY_ENUM
        CAPABILITY_COUNT
};

const char *capability_name(enum capability capability);
enum capability capability_by_name(const char *name); /* CAPABILITY_COUNT when there is none */

/* Capabilities are a set of bits, 1 << enum capability. */
struct access_key {
    uint32_t number; /* from 1; its id is made of it */
    char id[BUCKET_KEY_ID_SIZE];
    char secret[BUCKET_KEY_SIZE];
    char name[KEY_NAME_SIZE];
    uint32_t capabilities;
    char bucket_id[25]; /* "": all buckets */
    char *prefix;       /* of file names; "" for all */
    int64_t expires_ms; /* wall time; 0: never */
};

enum token_kind { TOKEN_ACCOUNT, TOKEN_UPLOAD, TOKEN_DOWNLOAD, TOKEN_KINDS };

struct token {
    uint32_t serial; /* 0: this place was never used */
    uint32_t key_number;
    bool revoked;
    bool busy; /* an upload is under way with it */
    int64_t expires_ns;
    char bucket_id[25];    /* uploads, downloads */
    uint64_t large_handle; /* uploads of parts: of which file; 0: of files */
    char *prefix;          /* downloads; NULL for other kinds */
};

struct token_ring {
    struct token *tokens;
    size_t room;
    uint32_t given;
};

struct access {
    struct access_key **keys;
    size_t key_count, key_room;
    uint32_t key_numbers; /* given out so far */
    struct token_ring rings[TOKEN_KINDS];
};

/* Makes rings and the key that may do everything. */
MUST_USE bool access_init(struct bucket_service *service);
void access_release(struct bucket_service *service);

/* What a new key is to be. */
struct key_draft {
    const char *name;
    uint32_t capabilities;
    const char *bucket_id, *prefix;
    int64_t expires_ms;
};
/* Adds a key with an id and a secret of its own. NULL when memory or room is gone. */
MUST_USE struct access_key *bucket_key_add(struct bucket_service *service, const struct key_draft *draft);
/* Takes up a key of an earlier life. */
MUST_USE bool bucket_key_restore(struct bucket_service *service, const struct access_key *key, const char *prefix);
void bucket_key_remove(struct bucket_service *service, struct access_key *key);
struct access_key *bucket_key_by_id(struct bucket_service *service, const char *id);
struct access_key *bucket_key_by_number(struct bucket_service *service, uint32_t number);

/* Gives out a token and writes it to `text`. NULL when memory is gone (a prefix). */
struct token *token_give(struct bucket_service *service, enum token_kind kind, const struct access_key *key,
                         int64_t expires_ns, char text[TOKEN_SIZE]);

/* The token that the text is, if it is a valid one; else NULL after refusing with 401. */
struct token *token_check(struct exchange *exchange, enum token_kind kind, const char *text);

/* The Authorization header, as it stands, or NULL. */
const char *authorization_of(const struct exchange *exchange);

/*
 * The caller has an account token of a key that can do it; sets exchange->key. Refused with 401 otherwise. `bucket` NULL: asks about
 * no bucket; with one the key must reach into it.
 */
MUST_USE bool access_check(struct exchange *exchange, enum capability capability);
MUST_USE bool access_bucket(struct exchange *exchange, const struct file_bucket *bucket);
/* The key's name prefix holds for that name, or that prefix. */
MUST_USE bool access_name(struct exchange *exchange, struct span name);
/* Both for a version. */
MUST_USE bool access_version(struct exchange *exchange, const struct version *version);

/* True when a file of that bucket and name may be downloaded by this exchange; refused otherwise. */
MUST_USE bool access_download(struct exchange *exchange, const struct file_bucket *bucket, struct span name);

#endif
