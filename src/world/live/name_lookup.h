/*
 * Name look-up: getaddrinfo() without blocking the loop.
 *
 * The system's resolver blocks, for many seconds when its servers are silent, so each look-up is a thread of its own that reports
 * through a socket pair. The thread owns what it works on: a look-up that is given up ends by itself, unheard.
 */
#ifndef WORLD_LIVE_NAME_LOOKUP_H
#define WORLD_LIVE_NAME_LOOKUP_H

#include <stdbool.h>

#include "reactor/reactor.h"

enum { NAME_SIZE = 256, ADDRESS_SIZE = 64 };

/* Zero-filled: nothing under way. Must not move while it is. */
struct name_lookup {
    struct reactor *reactor;
    struct reactor_watch watch;
    bool under_way;
    char address[ADDRESS_SIZE]; /* "127.0.0.1", "::1": the first that was found; "" when there is none */
    void (*done)(void *owner);
    void *owner;
};

/* True when `host` is written as an IPv4 or IPv6 address. */
bool name_is_address(const char *host);

/*
 * Looks `host` up; then, on the loop's stack and never before this has returned, `done(owner)` is called with the result in
 * `address`. False when the system has no thread or descriptor left, or the name is too long: nothing is under way.
 */
MUST_USE bool name_lookup_start(struct name_lookup *lookup, struct reactor *reactor, const char *host,
                                void (*done)(void *owner), void *owner);

/* Gives up; `done` is not called. Harmless when nothing is under way. */
void name_lookup_abandon(struct name_lookup *lookup);

#endif
