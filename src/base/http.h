/*
 * HTTP messages, as much of them as client and fakes need to agree on. No parsing, no sockets.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_HEAD, HTTP_METHOD_COUNT };

enum { HTTP_PATH_SIZE = 4096, HTTP_CONTENT_TYPE_SIZE = 64, HTTP_TROUBLE_SIZE = 64 };

/* One header of a message; both texts without line breaks. */
struct http_header {
    const char *name; /* compared without regard to case */
    const char *value;
};

/* A range of an open file (world/file.h) that a body comes from or goes to, so that nothing large is in memory. */
struct http_body_file {
    void *opened; /* struct world_file.opened; open until the exchange is over */
    int64_t offset;
    int64_t length; /* of a request: exactly so many bytes; of a reply: so many at most */
    int status;     /* of a reply: with this status alone the body goes to the file, with any other to the buffer */
};

/* Texts are borrowed until the exchange is over. */
struct http_request {
    enum http_method method;
    const char *origin;                     /* "https://console.vast.ai" */
    const char *path;                       /* with query: "/api/v0/instances/7/?owner=me" */
    const char *bearer;                     /* API key of the Authorization header "Bearer KEY", NULL for none */
    struct span body;                       /* may be empty */
    const struct http_body_file *body_file; /* instead of `body`; sent once, never again by the transport itself */
    int64_t
        stall_ns; /* 0: none; else TIMED_OUT once no byte of the bodies has moved for so long, whatever the deadline */
    bool changes_state; /* create, destroy: never on a reused connection, which could send it twice */
    bool is_private;    /* its URL is a secret: the history does not tell of the exchange, its caller does */
    /* Headers beside those that the other members stand for; another form of Authorization is one of them. */
    const struct http_header *headers;
    size_t header_count;
};

struct http_reply {
    int status;
    char content_type[HTTP_CONTENT_TYPE_SIZE];
    struct buffer body; /* initialised by its owner before the exchange */
    /*
     * Headers beside Content-Type and Content-Length, each as "Name: value\r\n". Initialised by its owner, or zero-filled: then
     * nobody wants them, and they are dropped (`headers.failed` says so).
     */
    struct buffer headers;
    const struct http_body_file *body_file; /* where the body goes, if not to `body`; NULL: to `body` */
    int64_t file_bytes;                     /* of the body that went to the file */
    char file_trouble[HTTP_TROUBLE_SIZE];   /* why a body's file could not be read or written, "" when it could */
};

const char *http_method_name(enum http_method method);

/* The method of that name, or HTTP_METHOD_COUNT. */
enum http_method http_method_by_name(const char *name);

/* The value of a request's header, or NULL. */
const char *http_request_header(const struct http_request *request, const char *name);

/* Adds a header to a reply; a value with control characters is dropped, and so is the header. */
void http_reply_add_header(struct http_reply *reply, const char *name, const char *value);

/* The value of a reply's header, an empty span (`at` NULL) when there is none. */
struct span http_reply_header(const struct http_reply *reply, const char *name);

#endif
