/*
 * What libcurl says at the end of a transfer, as one of the fates of base/fate.h. Exactly one for every outcome.
 */
#ifndef WORLD_LIVE_HTTP_FATE_H
#define WORLD_LIVE_HTTP_FATE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/fate.h"

struct http_outcome {
    CURLcode code;
    long os_error;       /* CURLINFO_OS_ERRNO, 0 when none */
    const char *text;    /* CURLOPT_ERRORBUFFER; tells apart what has no code of its own */
    bool status_came;    /* a status line was read */
    bool head_came;      /* and the empty line after the headers */
    bool head_malformed; /* a line was no header */
    bool beyond_limit;   /* head or body */
    bool tunnel_refused; /* a proxy would not connect us */
};

/* CURLE_OUT_OF_MEMORY is for the caller to tell: it is no fate. */
enum transport_fate http_fate(const struct http_outcome *outcome);

#endif
