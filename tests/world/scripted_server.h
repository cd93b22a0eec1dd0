/*
 * Scripted server: a real socket on loopback, on a port of the kernel's choice, that plays what a test lays down: byte for byte, with or
 * without TLS, in a thread of its own. One connection after the other, each with its script; further ones are closed at once.
 *
 *     static const struct server_step steps[] = {READ_REQUEST, WRITE("HTTP/1.1 204 No Content\r\n\r\n"), END};
 *     server_script(&server, steps);          once a connection, before server_start()
 *     server_start(&server);
 *     ... server.origin ...
 *     server_stop(&server);                   server.seen has the requests' bytes
 */
#ifndef TESTS_WORLD_SCRIPTED_SERVER_H
#define TESTS_WORLD_SCRIPTED_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum server_step_kind {
    SERVER_END,          /* closes the connection */
    SERVER_READ_REQUEST, /* a head, and the body that its Content-Length tells of */
    SERVER_READ_SOME,    /* whatever comes first */
    SERVER_WRITE,        /* `text`, `count` times (0: once) */
    SERVER_DRIP,         /* `text` again and again, a millisecond apart, until the peer has gone or `count` times */
    SERVER_HANG,         /* nothing, until the peer has gone */
    SERVER_RESET,        /* an RST instead of a farewell; ends the script */
    SERVER_CUT,          /* TLS: closes the socket without the farewell of TLS */
    SERVER_RAW,          /* TLS: skips the handshake; first step only */
};

struct server_step {
    enum server_step_kind kind;
    const char *text;
    size_t count;
};

#define END                                                                                                            \
    {                                                                                                                  \
        .kind = SERVER_END                                                                                             \
    }
#define READ_REQUEST                                                                                                   \
    {                                                                                                                  \
        .kind = SERVER_READ_REQUEST                                                                                    \
    }
#define READ_SOME                                                                                                      \
    {                                                                                                                  \
        .kind = SERVER_READ_SOME                                                                                       \
    }
#define WRITE(what)                                                                                                    \
    {                                                                                                                  \
        .kind = SERVER_WRITE, .text = (what)                                                                           \
    }
#define WRITE_TIMES(what, times)                                                                                       \
    {                                                                                                                  \
        .kind = SERVER_WRITE, .text = (what), .count = (times)                                                         \
    }
#define DRIP(what)                                                                                                     \
    {                                                                                                                  \
        .kind = SERVER_DRIP, .text = (what)                                                                            \
    }
#define HANG                                                                                                           \
    {                                                                                                                  \
        .kind = SERVER_HANG                                                                                            \
    }
#define RESET                                                                                                          \
    {                                                                                                                  \
        .kind = SERVER_RESET                                                                                           \
    }
#define CUT                                                                                                            \
    {                                                                                                                  \
        .kind = SERVER_CUT                                                                                             \
    }
#define RAW                                                                                                            \
    {                                                                                                                  \
        .kind = SERVER_RAW                                                                                             \
    }

enum { SERVER_SCRIPTS_MAX = 64, SERVER_SEEN_SIZE = 65536 };

struct scripted_server {
    const struct server_step *scripts[SERVER_SCRIPTS_MAX];
    size_t script_count;
    const char *certificate; /* PEM files: TLS; NULL: plain */
    const char *key;
    int listener;
    int port;
    char origin[64];
    size_t connections;
    char seen[SERVER_SEEN_SIZE]; /* requests, one after the other, NUL-terminated */
    size_t seen_length;
    pthread_t thread;
    void *tls; /* SSL_CTX */
};

/* Adds the script of the next connection: steps up to END. */
void server_script(struct scripted_server *server, const struct server_step *steps);

/* Listens and serves. */
void server_start(struct scripted_server *server);

/* Ends the thread; what it is playing must have come to its end or hang on the peer's farewell. */
void server_stop(struct scripted_server *server);

/* A port that is taken and does not listen: connections are refused. The descriptor keeps it; close it afterwards. */
int refusing_port(int *descriptor);

#endif
