/*
 * A request as options of a curl handle: http and https only, peers verified, no redirects, no time limits of curl's own, no second
 * sending of what changes state.
 */
#ifndef WORLD_LIVE_HTTP_SETUP_H
#define WORLD_LIVE_HTTP_SETUP_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/http.h"

/*
 * Sets everything but who receives the reply. The request's body is borrowed until the transfer has ended; `headers` is to be freed by the
 * caller after the handle, also on failure. `cacert` NULL: the system's authorities. False when memory is gone.
 */
MUST_USE bool http_setup(CURL *easy, struct curl_slist **headers, const struct http_request *request,
                         const char *cacert);

#endif
