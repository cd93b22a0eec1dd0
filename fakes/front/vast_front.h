/*
 * Vast front: the Vast.ai API of the cloud behind a socket.
 *
 * A request is the cloud's from the moment at which all of it is here; its effect and its reply come at the moments that the cloud
 * names. A client that goes away does not take back what it has sent.
 */
#ifndef FAKES_FRONT_VAST_FRONT_H
#define FAKES_FRONT_VAST_FRONT_H

#include "fakes/front/http_front.h"
#include "fakes/front/journal.h"
#include "fakes/front/stage_server.h"

struct vast_exchange;

/* Zero-filled but for the first members, which stay. */
struct vast_front {
    int64_t port;                   /* wanted; 0: the kernel's choice */
    const char *tls_cert, *tls_key; /* NULL: plain HTTP */
    struct journal *journal;
    /* its own */
    struct stage_service service;
    struct stage_server *stage;
    struct http_handler handler;
    struct http_front *http;
    struct vast_exchange *exchanges; /* under way */
    struct vast_exchange *spare;
};

/* Makes `service` ready for stage_add_service(). `http` is there once that was done. */
void vast_front_init(struct vast_front *front);

#endif
