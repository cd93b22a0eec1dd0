/*
 * Bucket front: the cloud's object store behind a socket; API, uploads and downloads on one port.
 *
 * Bodies stream both ways: an upload's bytes go to the store as they come, a download's come from it as the socket takes them. So
 * memory does not grow with the size of objects: a connection has 512 KiB of libmicrohttpd's, a download 256 KiB beside, and
 * the store at most BUCKET_BODY_MAX for JSON (fakes/bucket/bucket.h). A client that goes away before its body is whole has
 * uploaded nothing; one that goes away later does not take back what it has sent.
 */
#ifndef FAKES_FRONT_BUCKET_FRONT_H
#define FAKES_FRONT_BUCKET_FRONT_H

#include "fakes/front/http_front.h"
#include "fakes/front/journal.h"
#include "fakes/front/stage_server.h"

struct bucket_call_under_way;

/* Zero-filled but for the first members, which stay. */
struct bucket_front {
    int64_t port; /* wanted; 0: the kernel's choice */
    struct journal *journal;
    /* its own */
    struct stage_service service;
    struct stage_server *stage;
    struct http_handler handler;
    struct http_front *http;
    struct bucket_call_under_way *calls;
};

/* Makes `service` ready for stage_add_service(). `http` is there once that was done, and the store is open. */
void bucket_front_init(struct bucket_front *front);

#endif
