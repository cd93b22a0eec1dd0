/*
 * Store client: a plain client of the object store for its bench: it starts a store, sends zeros, counts what comes. Whatever goes wrong
 * ends the bench.
 */
#ifndef BENCH_STORE_CLIENT_H
#define BENCH_STORE_CLIENT_H

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "fake.h"

enum { TEXT = 1024, PART_BYTES = 100000000, BLOCK_BYTES = 1 << 16, MIB_BYTES = 1 << 20 };

/* Made by the bench before anything else. */
extern struct heap *bench_heap;
extern CURL *bench_curl;

/* What came: its text when `text` has a limit, else only how much it was. */
struct reply {
    struct buffer text;
    int64_t bytes;
};

/* A running store, and who asks it. */
struct store {
    struct fake fake;
    char token[TEXT], bucket_id[TEXT];
    struct reply reply;
};

struct upload_url {
    char url[TEXT], token[TEXT];
};

void bench_sha1_of_zeros(int64_t bytes, char hex[DIGEST_HEX_SIZE]);

/* A request: begun, given its options, performed. */
void bench_begin(const char *url, struct curl_slist *headers, struct reply *reply);
void bench_perform(const char *what);
struct curl_slist *bench_header(struct curl_slist *list, const char *name, const char *value);

/* Sends zeros, and a trailer unless it is NULL, as curl -T does; by POST as the store wants it. */
void bench_send_zeros(const char *url, struct curl_slist *headers, bool post, int64_t bytes, const char *trailer,
                      struct reply *reply);

/* MiB per second of a download of exactly so many bytes. */
double bench_download(const char *url, const char *token, int64_t bytes);

void store_start(struct store *store, const char *program, bool on_disk);
void store_stop(struct store *store);

/*
 * MiB per second of whole programs that put a file of zeros and get it back into a file that is then synced: `dumont store`, and `curl`
 * to and from a bare server. `file_make()` makes the file in a store's folder, and reads it once: the disk's speed is not meant.
 */
void file_make(const struct store *store, int64_t bytes);
double file_put_by_dumont(const struct store *store, const char *dumont, int64_t bytes);
double file_get_by_dumont(const struct store *store, const char *dumont, int64_t bytes);
double file_put_by_curl(const struct store *store, uint16_t port, int64_t bytes);
double file_get_by_curl(const struct store *store, uint16_t port, int64_t bytes);

void store_upload_url(struct store *store, const char *name, const char *key, const char *value,
                      struct upload_url *out);
void store_upload_one(struct store *store, const struct upload_url *url, const char *name, int64_t bytes,
                      const char *sha1);

/* MiB per second: as a large file, its digests known before; as one upload; and back. */
double store_upload_in_parts(struct store *store, const char *name, int64_t bytes);
double store_upload_whole(struct store *store, const char *name, int64_t bytes);
double store_download(const struct store *store, const char *name, int64_t bytes);

#endif
