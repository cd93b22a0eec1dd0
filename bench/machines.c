/*
 * What a live machine costs the fake in memory: resident pages before and after renting many, without SSH.
 *
 *     bench-machines [--json]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fakes/cloud/cloud.h"

enum { WARM_UP = 1000, MACHINES = 100000, OFFERS = 200000 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench-machines: %s\n", what);
    exit(3);
}

static int64_t resident_bytes(void)
{
    long size = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2) {
        fail("cannot read /proc/self/statm");
    }
    (void)fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

static bool rent(struct cloud *cloud, struct history *history, const struct offer *offer, size_t nth)
{
    char path[64];
    char body[160];
    (void)snprintf(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
    (void)snprintf(body, sizeof body,
                   "{\"image\":\"nvidia/cuda:12.1.0-base-ubuntu22.04\",\"disk\":8,\"label\":\"bench-%zu\"}", nth);
    struct http_request request = {
        .method = HTTP_PUT, .origin = "http://127.0.0.1", .path = path, .bearer = "bench", .body = span_of(body)};
    struct cloud_exchange *exchange = cloud_http_begin(cloud, 0, &request, nth + 1);
    if (exchange == NULL) {
        fail("no memory");
    }
    cloud_http_effect(cloud, exchange->effect_ns, exchange);
    bool rented = exchange->reply.status == 200; /* not all offers are to be had */
    cloud_http_end(cloud, exchange);
    buffer_clear(&history->text); /* what a front has written out */
    return rented;
}

/* Rents the offers from `*next` on until there are `wanted` machines more. */
static void rent_more(struct cloud *cloud, struct history *history, const struct offer_book *offers, size_t *next,
                      size_t wanted)
{
    for (size_t rented = 0; rented < wanted; (*next)++) {
        if (*next == offer_book_count(offers)) {
            fail("too few offers");
        }
        rented += rent(cloud, history, offer_book_at(offers, *next), *next) ? 1 : 0;
    }
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    struct heap *heap = heap_new();
    struct timing timing;
    struct fault_plan faults = {0};
    timing_defaults(&timing);
    struct history history;
    struct offer_book_options book = {.seed = 1};
    history_init(&history, heap);
    struct offer_book *offers = heap == NULL ? NULL : offer_book_generate(heap, &book, OFFERS);
    struct cloud_options options = {.seed = 1,
                                    .timing = &timing,
                                    .faults = &faults,
                                    .offers = offers,
                                    .api_key = "bench",
                                    .credit_nusd = 1000000000 * NUSD_PER_USD,
                                    .history = &history};
    struct cloud *cloud = offers == NULL ? NULL : cloud_new(heap, &options);
    if (cloud == NULL) {
        fail("no memory");
    }
    size_t next = 0;
    rent_more(cloud, &history, offers, &next, WARM_UP);
    int64_t before = resident_bytes();
    rent_more(cloud, &history, offers, &next, MACHINES);
    double each = (double)(resident_bytes() - before) / MACHINES;
    if (json) {
        printf("[{\"name\": \"memory per live machine of 100,000\", \"value\": %.1f, \"unit\": \"bytes\", \"aim\": "
               "4096}]\n",
               each);
    } else {
        printf("%-52s %12.1f bytes  (aim 4096)\n", "memory per live machine of 100,000", each);
    }
    cloud_free(cloud);
    heap_free(heap);
    return 0;
}
