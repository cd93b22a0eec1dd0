/*
 * HTTP messages, as much of them as client and fakes need to agree on. No parsing, no sockets.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>

#include "base/buffer.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE };

enum { HTTP_PATH_SIZE = 1024, HTTP_CONTENT_TYPE_SIZE = 64 };

/* Texts are borrowed until the exchange is over. */
struct http_request {
    enum http_method method;
    const char *origin; /* "https://console.vast.ai" */
    const char *path;   /* with query: "/api/v0/instances/7/?owner=me" */
    const char *bearer; /* API key of the Authorization header, NULL for none */
    struct span body;   /* JSON, may be empty */
    bool changes_state; /* create, destroy: never on a reused connection, which could send it twice */
};

struct http_reply {
    int status;
    char content_type[HTTP_CONTENT_TYPE_SIZE];
    struct buffer body; /* initialised by its owner before the exchange */
};

const char *http_method_name(enum http_method method);

#endif
