/*
 * The HTTP front's inside, shared by its files: http_front.c (daemon, requests), http_answer.c (what is sent back), http_bytes.c (what
 * HTTP cannot say), http_link.c (connections), http_tls.c.
 */
#ifndef FAKES_FRONT_HTTP_STATE_H
#define FAKES_FRONT_HTTP_STATE_H

#include <microhttpd.h>

#include "fakes/front/http_front.h"

enum {
    HTTP_HEADERS_MAX = 32,
    HTTP_HEADERS_BYTES_MAX = 15 * 1024,
    HTTP_REFUSAL_SIZE = 512,
    HTTP_VALUE_SIZE = 24 * 1024
};

struct http_tls;

/* A connection, whether or not a request is under way on it. */
struct http_link {
    struct http_front *front;
    uint64_t serial;                 /* of the connection; 0: closed */
    struct reactor_watch watch;      /* for a hang-up; while there is a writer, for what that wants */
    struct http_call_inside *writer; /* the call whose answer is written to the socket beside libmicrohttpd */
    bool hung;                       /* the other side will send no more */
    struct http_link *next;          /* spare */
};

struct http_front {
    struct heap *heap;
    struct reactor *reactor;
    const struct http_handler *handler;
    struct MHD_Daemon *daemon;
    struct reactor_watch watch;
    struct reactor_timer again;         /* libmicrohttpd has more to do */
    struct reactor_timer tick;          /* those that are to be resumed, are */
    struct http_call_inside *calls;     /* all that are under way */
    struct http_call_inside *resumable; /* of them, by next_resumable */
    struct http_call_inside *spare;     /* by next */
    struct http_link *spare_links;      /* by next */
    uint64_t links;                     /* opened so far */
    struct http_tls *tls;               /* NULL: plain HTTP */
    size_t suspended;
    int listener;
    int64_t port;
    bool closing;
};

/* What is written beside libmicrohttpd, and how it ends. */
struct http_bytes {
    struct buffer text;
    size_t head_bytes; /* of it, sent at once; the rest drips if the answer says so */
    size_t sent;
    bool reset; /* at the end a reset, else a close */
    struct reactor_timer timer;
};

struct http_call_inside {
    struct http_call call;
    struct http_front *front;
    struct MHD_Connection *connection;
    struct http_link *link;
    struct http_call_inside *next, *previous;
    struct http_call_inside *next_resumable;
    bool begun;    /* the head was read */
    bool told;     /* the handler knows of it, and will be told `gone` */
    bool whole;    /* the whole request is here */
    bool dropping; /* what still comes of the body is not wanted */
    bool answered;
    bool suspended;
    bool resuming;
    bool ended;  /* nothing more is to be sent: libmicrohttpd closes the connection */
    int refused; /* status with which the front itself refuses it */
    struct http_answer answer;
    struct http_bytes bytes;
    struct buffer body;
    char refusal[HTTP_REFUSAL_SIZE];
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    size_t header_bytes;
    char path[HTTP_PATH_SIZE];
};

/* Suspends and resumes a call's connection; a resume takes place on the next tick. */
void http_suspend(struct http_call_inside *inside);
void http_resume(struct http_call_inside *inside);

/* True when the answer needs more than HTTP can say. */
bool http_needs_bytes(const struct http_answer *answer);

/* Begins to write such an answer to the socket of a suspended call; ends with http_resume() and `ended`. */
void http_bytes_start(struct http_call_inside *inside);
void http_bytes_stop(struct http_call_inside *inside);

/* What the writer's link waited for has come. */
void http_bytes_ready(struct http_call_inside *inside, unsigned ready);

/* ---- Links -------------------------------------------------------------------------------------------------------------- */

/* libmicrohttpd's notices of connections. */
void http_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode what);

/* The link of a connection; NULL when there was no memory for it. */
struct http_link *http_link_of(struct MHD_Connection *connection);

/* The writer is done: only a hang-up counts from now on. */
void http_link_rest(struct http_link *link);

/* Ends a connection whose request is not whole, as its answer's fate has it. */
enum MHD_Result http_break_off(struct http_call_inside *inside);

/* Hands libmicrohttpd an answer that it can send. */
enum MHD_Result http_queue(struct http_call_inside *inside);

/* ---- TLS ---------------------------------------------------------------------------------------------------------------- */

/* Takes the certificate and its key. */
MUST_USE enum error_code http_tls_open(struct http_front *front, const char *cert, const char *key,
                                       struct error *error);
void http_tls_close(struct http_tls *tls);

/* Ends the relay behind a descriptor of libmicrohttpd's with a reset towards the client. */
void http_tls_reset(struct http_tls *tls, int descriptor);

/* Runs libmicrohttpd for what is ready. */
void http_pump(struct http_front *front);

#endif
