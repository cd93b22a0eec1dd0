/*
 * TCP connect: from a host and a port to a connected descriptor, without blocking the loop.
 */
#ifndef WORLD_LIVE_TCP_CONNECT_H
#define WORLD_LIVE_TCP_CONNECT_H

#include "base/fate.h"
#include "world/live/name_lookup.h"

/* Zero-filled: nothing under way. Must not move while it is. */
struct tcp_connect {
    struct reactor *reactor;
    struct name_lookup lookup;
    struct reactor_watch watch;
    int64_t port;
    bool connecting;
    /* Called on the loop's stack. FATE_DELIVERED: `descriptor` is the callee's, non-blocking, sends without delay; else it is -1. */
    void (*done)(void *owner, enum transport_fate fate, int descriptor);
    void *owner;
};

/* Begins; on the loop's stack. `done` may be called before this returns. The address is written out or looked up; the first one counts. */
void tcp_connect_start(struct tcp_connect *connect, struct reactor *reactor, const char *host, int64_t port);

/* Gives up; `done` is not called. Harmless when nothing is under way. */
void tcp_connect_abandon(struct tcp_connect *connect);

#endif
