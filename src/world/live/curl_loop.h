/*
 * curl's multi handle on the reactor: its sockets are watched, its timer is armed (in real time: it only paces curl's own steps), and
 * what has ended is handed out. All of it on the loop's stack.
 */
#ifndef WORLD_LIVE_CURL_LOOP_H
#define WORLD_LIVE_CURL_LOOP_H

#include <curl/curl.h>

#include "reactor/reactor.h"

struct curl_loop;

/* A transfer has ended; `easy` is no longer in the loop, and the callee's to clean up. `owner` is its CURLOPT_PRIVATE. */
typedef void curl_ended_function(void *owner, CURLcode code);

/* NULL when memory is gone. curl must have been initialised. */
MUST_USE struct curl_loop *curl_loop_new(struct heap *heap, struct reactor *reactor, curl_ended_function *ended);

/* All transfers must have been removed; connections that were kept are closed. NULL is allowed. */
void curl_loop_free(struct curl_loop *loop);

MUST_USE bool curl_loop_add(struct curl_loop *loop, CURL *easy);
void curl_loop_remove(struct curl_loop *loop, CURL *easy);

#endif
