/*
 * Load: keep-alive connections to a server on loopback, each with one request under way, for the benches of HTTP.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_result {
    int64_t requests;
    int64_t failed; /* connections that broke, replies that were not 200 */
    int64_t elapsed_ns;
    int64_t p99_ns;
};

/*
 * Opens `connections`, lets each ask `requests_each` times with `request` (a whole HTTP/1.1 request), one after the other, and closes
 * them. Bounded by `limit_ns`: what is unanswered then has failed. All connections are open before the first request leaves.
 */
struct load_result load_run(uint16_t port, const char *request, size_t connections, int64_t requests_each,
                            int64_t limit_ns);

#endif
