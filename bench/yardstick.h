/*
 * Yardsticks: what this machine can do by itself, to hold figures against. Both are MiB per second.
 */
#ifndef BENCH_YARDSTICK_H
#define BENCH_YARDSTICK_H

#include <stdint.h>

/* SHA-1 over bytes that are in the cache, on one core. */
double yardstick_sha1(int64_t bytes);

/* A copy through a TCP connection on loopback, from one process to another, by blocks of 256 KiB. */
double yardstick_loopback(int64_t bytes);

#endif
