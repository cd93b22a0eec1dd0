/*
 * What a live machine costs the fake in memory: resident pages before and after renting many, without SSH.
 *
 *     bench-machines [--quick]
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fakes/cloud/cloud.h"
#include "samples.h"

enum { WARM_UP = 1000, MACHINES = 100000, QUICK_MACHINES = 20000 };

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
        bench_fail("no memory");
    }
    cloud_http_effect(cloud, exchange->effect_ns, exchange);
    bool rented = exchange->reply.status == 200; /* not all offers are to be had */
    cloud_http_end(cloud, exchange);
    buffer_clear(&history->text); /* what a front has written out */
    return rented;
}

/* Bytes of the reply that shows one machine: what has to be known of it. */
static size_t show_bytes(struct cloud *cloud, uint64_t ordinal)
{
    struct contract_view view;
    char path[64];
    market_contract(cloud_market(cloud), 0, &view);
    (void)snprintf(path, sizeof path, "/api/v0/instances/%lld/", (long long)view.id);
    struct http_request request = {.method = HTTP_GET, .origin = "http://127.0.0.1", .path = path, .bearer = "bench"};
    struct cloud_exchange *exchange = cloud_http_begin(cloud, 0, &request, ordinal);
    if (exchange == NULL) {
        bench_fail("no memory");
    }
    cloud_http_effect(cloud, exchange->effect_ns, exchange);
    size_t bytes = exchange->reply.body.length;
    cloud_http_end(cloud, exchange);
    return bytes;
}

/* Rents the offers from `*next` on until there are `wanted` machines more. */
static void rent_more(struct cloud *cloud, struct history *history, const struct offer_book *offers, size_t *next,
                      size_t wanted)
{
    for (size_t rented = 0; rented < wanted; (*next)++) {
        if (*next == offer_book_count(offers)) {
            bench_fail("too few offers");
        }
        rented += rent(cloud, history, offer_book_at(offers, *next), *next) ? 1 : 0;
    }
}

int main(int argc, char **argv)
{
    struct samples samples = {.bench = "machines"};
    size_t machines = bench_asked(argc, argv, "--quick") ? QUICK_MACHINES : MACHINES;
    struct heap *heap = heap_new();
    struct timing timing;
    struct fault_plan faults = {0};
    timing_defaults(&timing);
    struct history history;
    struct offer_book_options book = {.seed = 1};
    history_init(&history, heap);
    struct offer_book *offers = heap == NULL ? NULL : offer_book_generate(heap, &book, 2 * machines);
    struct cloud_options options = {.seed = 1,
                                    .timing = &timing,
                                    .faults = &faults,
                                    .offers = offers,
                                    .api_key = "bench",
                                    .credit_nusd = 1000000000 * NUSD_PER_USD,
                                    .history = &history};
    struct cloud *cloud = offers == NULL ? NULL : cloud_new(heap, &options);
    if (cloud == NULL) {
        bench_fail("no memory");
    }
    size_t next = 0;
    rent_more(cloud, &history, offers, &next, WARM_UP);
    double before_kib = bench_memory_kib(getpid(), "VmRSS:");
    rent_more(cloud, &history, offers, &next, machines);
    double each_kib = (bench_memory_kib(getpid(), "VmRSS:") - before_kib) / (double)machines;
    samples_add(&samples, "machine_bytes", each_kib * 1024);
    samples_add(&samples, "show_bytes", (double)show_bytes(cloud, next + 1));
    samples_print(&samples);
    cloud_free(cloud);
    heap_free(heap);
    return 0;
}
