/*
 * The object store's speed: a large object up and down, small objects, a long list, and the memory that it takes.
 *
 *     bench-store DUMONT_FAKE DUMONT [--quick]
 *
 * A large object goes up in parts of 100 MB and as one upload, and comes down whole, through dumont-fake with its objects in memory and on
 * disk. Beside it the same bytes go, by the same client, to a bare libmicrohttpd server that does nothing but compute their SHA-1,
 * and come from it; `dumont store put` and `get` are held against `curl -T` and `curl -o`. A small object has 1 KiB; one connection, one
 * upload at a time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "samples.h"
#include "store_client.h"
#include "yardstick.h"

enum { SMALL_BYTES = 1024 };

struct plan {
    const char *fake, *dumont;
    int rounds, small_rounds;
    int64_t bytes;
    int names;
};

static const struct plan usual = {.rounds = 3, .small_rounds = 5, .bytes = INT64_C(1) << 30, .names = 100000};
static const struct plan quick = {.rounds = 1, .small_rounds = 2, .bytes = INT64_C(1) << 27, .names = 500};

/* ---- Small ones, and many ------------------------------------------------------------------------------------------------- */

static double upload_small(struct store *store, int from, int count)
{
    char sha1[DIGEST_HEX_SIZE];
    struct upload_url url;
    bench_sha1_of_zeros(SMALL_BYTES, sha1);
    store_upload_url(store, "b2_get_upload_url", "bucketId", store->bucket_id, &url);
    double began_s = bench_now_s();
    for (int i = from; i < from + count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        store_upload_one(store, &url, name, SMALL_BYTES, sha1);
    }
    return count / (bench_now_s() - began_s);
}

static double download_small(struct store *store, int from, int count)
{
    double began_s = bench_now_s();
    for (int i = from; i < from + count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "small/%07d", i);
        (void)store_download(store, name, SMALL_BYTES);
    }
    return count / (bench_now_s() - began_s);
}

/* Uploads of 1 KiB to the bare server, per second. */
static double upload_small_bare(uint16_t port, int count)
{
    char url[64];
    struct reply reply = {.bytes = 0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
    double began_s = bench_now_s();
    for (int i = 0; i < count; i++) {
        struct curl_slist *headers = bench_header(NULL, "Expect", "");
        bench_send_zeros(url, headers, true, SMALL_BYTES, NULL, &reply);
        curl_slist_free_all(headers);
    }
    return count / (bench_now_s() - began_s);
}

/* Downloads of so many bytes from the bare server, per second. */
static double download_bare(uint16_t port, int64_t bytes, int count)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/%lld", (unsigned)port, (long long)bytes);
    double began_s = bench_now_s();
    for (int i = 0; i < count; i++) {
        (void)bench_download(url, NULL, bytes);
    }
    return count / (bench_now_s() - began_s);
}

struct listing {
    double seconds;
    int64_t bytes;
    int pages;
};

/* The whole list in pages of that size. */
static struct listing list_all(struct store *store, int page, int expected)
{
    struct listing listing = {0};
    char body[4 * TEXT];
    char next[TEXT] = "small/";
    int found = 0;
    double began_s = bench_now_s();
    while (next[0] != '\0') {
        char url[2 * TEXT];
        struct curl_slist *headers = bench_header(NULL, "Authorization", store->token);
        (void)snprintf(url, sizeof url, "%s/b2api/v1/b2_list_file_names", fake_ready(&store->fake, "b2_url"));
        (void)snprintf(body, sizeof body,
                       "{\"bucketId\":\"%s\",\"prefix\":\"small/\",\"startFileName\":\"%s\",\"maxFileCount\":%d}",
                       store->bucket_id, next, page);
        bench_begin(url, headers, &store->reply);
        (void)curl_easy_setopt(bench_curl, CURLOPT_POSTFIELDS, body);
        bench_perform("b2_list_file_names");
        curl_slist_free_all(headers);
        listing.bytes += store->reply.bytes;
        listing.pages++;
        /* Parsing is the client's time: rows are only counted. */
        const char *text = buffer_text(&store->reply.text);
        for (const char *row = strstr(text, "\"fileId\""); row != NULL; row = strstr(row + 1, "\"fileId\"")) {
            found++;
        }
        const char *member = strstr(text, "\"nextFileName\":\"");
        next[0] = '\0';
        if (member != NULL) {
            member += strlen("\"nextFileName\":\"");
            (void)snprintf(next, sizeof next, "%.*s", (int)strcspn(member, "\""), member);
        }
    }
    if (found != expected) {
        bench_fail("the list is not whole");
    }
    listing.seconds = bench_now_s() - began_s;
    return listing;
}

/* ---- The run -------------------------------------------------------------------------------------------------------------- */

static void measure_bare(const struct plan *plan, struct samples *samples)
{
    uint16_t port;
    char url[64];
    struct reply reply = {.bytes = 0};
    pid_t bare = bare_start(0, &port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/%lld", (unsigned)port, (long long)plan->bytes);
    struct curl_slist *headers = bench_header(NULL, "Expect", "");
    double began_s = bench_now_s();
    bench_send_zeros(url, headers, false, plan->bytes, NULL, &reply);
    samples_add(samples, "bare_up", (double)plan->bytes / MIB_BYTES / (bench_now_s() - began_s));
    curl_slist_free_all(headers);
    samples_add(samples, "bare_down", bench_download(url, NULL, plan->bytes));
    bench_stop(bare, SIGKILL);
}

/* One round of everything large: one after the other, so that what else the machine does disturbs all of it alike. */
static void measure_large(const struct plan *plan, struct samples *samples)
{
    struct store store;
    samples_add(samples, "sha1", yardstick_sha1(plan->bytes));
    samples_add(samples, "loopback", yardstick_loopback(plan->bytes));
    measure_bare(plan, samples);
    store_start(&store, plan->fake, false);
    samples_add(samples, "idle_mib", bench_memory_kib(store.fake.pid, "VmRSS:") / 1024);
    samples_add(samples, "parts_up", store_upload_in_parts(&store, "large", plan->bytes));
    samples_add(samples, "down", store_download(&store, "large", plan->bytes));
    store_stop(&store);
    store_start(&store, plan->fake, false);
    samples_add(samples, "whole_up", store_upload_whole(&store, "large", plan->bytes));
    store_stop(&store);
    store_start(&store, plan->fake, true);
    samples_add(samples, "disk_up", store_upload_in_parts(&store, "large", plan->bytes));
    samples_add(samples, "disk_down", store_download(&store, "large", plan->bytes));
    samples_add(samples, "disk_peak_mib", bench_memory_kib(store.fake.pid, "VmHWM:") / 1024);
    store_stop(&store);
}

/* Whole programs, from a file and into a file. */
static void measure_programs(const struct plan *plan, struct samples *samples)
{
    struct store store;
    uint16_t port;
    pid_t bare = bare_start(0, &port);
    store_start(&store, plan->fake, false);
    file_make(&store, plan->bytes);
    samples_add(samples, "curl_put", file_put_by_curl(&store, port, plan->bytes));
    samples_add(samples, "dumont_put", file_put_by_dumont(&store, plan->dumont, plan->bytes));
    samples_add(samples, "curl_get", file_get_by_curl(&store, port, plan->bytes));
    samples_add(samples, "dumont_get", file_get_by_dumont(&store, plan->dumont, plan->bytes));
    store_stop(&store);
    bench_stop(bare, SIGKILL);
}

static void measure_lists(const struct plan *plan, struct store *store, uint16_t port, struct samples *samples)
{
    struct listing small = list_all(store, 1000, plan->names);
    struct listing large = list_all(store, 10000, plan->names);
    samples_add(samples, "list_1000_s", small.seconds);
    samples_add(samples, "list_bare_1000_s", small.pages / download_bare(port, small.bytes / small.pages, small.pages));
    samples_add(samples, "list_10000_s", large.seconds);
    samples_add(samples, "list_bare_10000_s",
                large.pages / download_bare(port, large.bytes / large.pages, large.pages));
    samples_add(samples, "row_bytes", (double)small.bytes / plan->names);
}

static void measure_small(const struct plan *plan, struct samples *samples)
{
    struct store store;
    struct store on_disk;
    uint16_t port;
    int each = plan->names / plan->small_rounds;
    pid_t bare = bare_start(0, &port);
    store_start(&store, plan->fake, false);
    store_start(&on_disk, plan->fake, true);
    double idle_kib = bench_memory_kib(store.fake.pid, "VmRSS:");
    for (int i = 0; i < plan->small_rounds; i++) {
        samples_add(samples, "small_bare_up_per_s", upload_small_bare(port, each / 10));
        samples_add(samples, "small_up_per_s", upload_small(&store, i * each, each));
        samples_add(samples, "small_disk_up_per_s", upload_small(&on_disk, i * each, each / 100));
        samples_add(samples, "small_bare_down_per_s", download_bare(port, SMALL_BYTES, each / 10));
        samples_add(samples, "small_down_per_s", download_small(&store, i * each, each / 10));
    }
    double full_kib = bench_memory_kib(store.fake.pid, "VmRSS:");
    samples_add(samples, "object_bytes", (full_kib - idle_kib) * 1024 / plan->names);
    for (int i = 0; i < plan->small_rounds; i++) {
        measure_lists(plan, &store, port, samples);
    }
    store_stop(&on_disk);
    store_stop(&store);
    bench_stop(bare, SIGKILL);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench-store DUMONT_FAKE DUMONT [--quick]\n");
        return 2;
    }
    struct samples samples = {.bench = "store"};
    struct plan plan = bench_asked(argc, argv, "--quick") ? quick : usual;
    plan.fake = argv[1];
    plan.dumont = argv[2];
    bench_heap = heap_new();
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    bench_curl = curl_easy_init();
    if (bench_heap == NULL || bench_curl == NULL) {
        bench_fail("no memory");
    }
    for (int i = 0; i < plan.rounds; i++) {
        measure_large(&plan, &samples);
        measure_programs(&plan, &samples);
    }
    measure_small(&plan, &samples);
    samples_print(&samples);
    curl_easy_cleanup(bench_curl);
    heap_free(bench_heap);
    return 0;
}
