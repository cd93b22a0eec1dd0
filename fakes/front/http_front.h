/*
 * HTTP front: an HTTP/1.1 server on loopback, on libmicrohttpd inside the reactor, for the Vast.ai API, the control API and whatever
 * else the stage serves.
 *
 * A handler is told of each request in four steps, always in this order: `head` (request line and headers), `piece` (bytes of the
 * body as they come), `whole` (all is here), `gone` (the exchange is over, however it ended; its memory goes). From `whole` on it
 * answers once with http_call_answer(), at once or any time later; until then the connection is suspended and costs no thread. A handler
 * that has no `piece` gets the whole body in `request.body`, up to `body_max`; a longer one is answered 413 for it, without `whole`.
 *
 * A handler may answer before `whole`, from `head` or `piece`, with the fates RESET and CLOSED_EARLY alone: the connection ends there.
 *
 * An answer has a fate (base/fate.h): what HTTP cannot say (a connection reset, a reply cut at a byte, bytes that are no HTTP, a byte
 * at a time) is written to the socket beside libmicrohttpd while it sleeps. A connection that was refused is the one exception: whoever has sent
 * a request was not refused, so REFUSED, UNREACHABLE and NAME_UNKNOWN are told by a reset, before anything is answered.
 *
 * Bounds: 32 headers of 15 KiB in all, a path of HTTP_PATH_SIZE - 1 bytes, as many connections as there are descriptors; beyond
 * that, connections wait to be accepted.
 */
#ifndef FAKES_FRONT_HTTP_FRONT_H
#define FAKES_FRONT_HTTP_FRONT_H

#include "base/error.h"
#include "base/fate.h"
#include "base/http.h"
#include "reactor/reactor.h"

struct http_front;
struct http_call_inside;

/* One request and its answer. */
struct http_call {
    struct http_request request; /* HEAD comes as GET; a method that is none of ours is HTTP_METHOD_COUNT */
    const char *method;          /* as it was sent */
    bool is_head;
    int64_t body_size;   /* as its head announces it (Content-Length), -1: it does not */
    uint64_t body_bytes; /* received so far */
    void *state;         /* the handler's own */
    struct http_call_inside *inside;
};

struct http_handler {
    void *context;
    size_t body_max;
    void (*head)(void *context, struct http_call *call); /* NULL: not of interest */
    /* False refuses the rest of the body, which is read and dropped; `whole` follows all the same. */
    bool (*piece)(void *context, struct http_call *call, struct span bytes);
    void (*whole)(void *context, struct http_call *call);
    /* Between `head` and `gone`: the client will send no more; as a rule it has gone. What is answered is still sent. NULL: not of interest. */
    void (*hung)(void *context, struct http_call *call);
    void (*gone)(void *context, struct http_call *call); /* NULL: not of interest */
};

/* Puts at most `size` bytes of the body from `at` on into `out`; returns how many, at least 1, or -1 to break off. */
typedef int64_t http_body_function(void *context, uint64_t at, char *out, size_t size);

/* Texts and bytes are borrowed until `gone`. */
struct http_answer {
    enum transport_fate fate;
    int status;
    const char *content_type; /* NULL or "": none */
    struct span headers;      /* further ones, each "Name: value\r\n" */
    struct span body;         /* what is sent; with FATE_TRUNCATED less than `length` */
    uint64_t length;          /* of the body, as the head announces it */
    http_body_function *read; /* not NULL: the body comes from here, `length` bytes */
    void *read_context;
    int64_t drip_ns; /* > 0: stage time between two bytes of the body */
};

struct http_front_options {
    struct heap *heap;
    struct reactor *reactor;
    const struct http_handler *handler; /* borrowed */
    const char *name;                   /* "Vast.ai API": for messages */
    int64_t port;                       /* 0: the kernel's choice */
    const char *tls_cert, *tls_key;     /* PEM files; NULL: plain HTTP */
    size_t
        connection_bytes; /* of memory that a connection may have, for its head and what is read at once; 0: 32 KiB */
};

/* Listens on 127.0.0.1. ERR_CANNOT_LISTEN (port in use, ...), ERR_INPUT_UNREADABLE or ERR_INPUT_INVALID (certificate, key), ERR_NO_MEMORY. */
MUST_USE enum error_code http_front_open(const struct http_front_options *options, struct http_front **out,
                                         struct error *error);

/* Ends all connections, answered or not, and tells `gone` of each call. NULL is allowed. */
void http_front_close(struct http_front *front);

int64_t http_front_port(const struct http_front *front);

/* "http://127.0.0.1:PORT" */
enum { HTTP_ORIGIN_SIZE = 40 };
void http_front_origin(const struct http_front *front, char origin[HTTP_ORIGIN_SIZE]);

/* Answers, once. */
void http_call_answer(struct http_call *call, const struct http_answer *answer);

/* Answers with a JSON object that lives until `gone`: {"success":false,"error":…,"msg":…}. */
void http_call_refuse(struct http_call *call, int status, const char *error, const char *message);

#endif
