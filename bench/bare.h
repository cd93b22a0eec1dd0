/*
 * Bare: the least that a libmicrohttpd server can do, in a process of its own, to measure the fake's fronts against. GET /N answers with N
 * bytes from memory; whatever is sent is digested with SHA-1, and answered with the digest.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts it on a port of the kernel's choice. With a delay, each request is suspended for so long before it is answered. It ends with the
 * bench, or by bench_stop(pid, SIGKILL).
 */
pid_t bare_start(int64_t delay_ns, uint16_t *port);

#endif
