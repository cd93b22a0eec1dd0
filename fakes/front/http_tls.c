#define _GNU_SOURCE /* accept4 */
/* TLS in front of libmicrohttpd: each connection is deciphered into one end of a pair of sockets, whose other end the daemon has. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakes/front/http_state.h"

enum { PIPE_BYTES = 16 * 1024, ACCEPTS_AT_ONCE = 64 };

/* When descriptors run out, nobody is accepted for so long. */
#define ACCEPT_PAUSE_NS (50 * NS_PER_MS)

/* Bytes on their way in one direction. */
struct pipe {
    size_t at, end;
    bool closed; /* nothing more comes in */
    bool told;   /* and the other side knows */
    char bytes[PIPE_BYTES];
};

struct relay {
    struct http_tls *tls;
    struct relay *next, *previous;
    SSL *ssl;
    int daemon_end; /* the daemon's descriptor, -1 until it has one */
    bool shaken;
    bool wants_write; /* TLS does, before it can go on */
    struct reactor_watch client, daemon;
    struct pipe in, out;
};

struct http_tls {
    struct http_front *front;
    SSL_CTX *context;
    struct reactor_watch listener;
    struct reactor_timer pause;
    struct relay *relays;
};

/* ---- Relays ------------------------------------------------------------------------------------------------------------- */

static void free_relay(struct relay *relay)
{
    struct http_tls *tls = relay->tls;
    reactor_unwatch(tls->front->reactor, &relay->client);
    reactor_unwatch(tls->front->reactor, &relay->daemon);
    SSL_free(relay->ssl);
    (void)close(relay->client.descriptor);
    if (relay->daemon.descriptor >= 0) {
        (void)close(relay->daemon.descriptor);
    }
    if (relay->previous != NULL) {
        relay->previous->next = relay->next;
    } else {
        tls->relays = relay->next;
    }
    if (relay->next != NULL) {
        relay->next->previous = relay->previous;
    }
    heap_release(tls->front->heap, relay);
}

/* What TLS says about a call that did not succeed: true when it is only to be called again later. */
static bool is_later(struct relay *relay, int result)
{
    int reason = SSL_get_error(relay->ssl, result);
    relay->wants_write = relay->wants_write || reason == SSL_ERROR_WANT_WRITE;
    return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
}

/* The deciphered side: the daemon gets one end of a pair. */
static bool join_daemon(struct relay *relay)
{
    struct http_front *front = relay->tls->front;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return false;
    }
    relay->daemon.descriptor = pair[0];
    relay->daemon_end = pair[1];
    return MHD_add_connection(front->daemon, pair[1], (struct sockaddr *)&address, sizeof address) == MHD_YES;
}

/* Each step of moving bytes: true when it moved some, false when it can do nothing now; `broken` ends the relay. */
static bool shake(struct relay *relay, bool *broken)
{
    int result = SSL_do_handshake(relay->ssl);
    if (result == 1) {
        relay->shaken = true;
        *broken = !join_daemon(relay);
        return true;
    }
    *broken = !is_later(relay, result);
    return false;
}

static bool read_client(struct relay *relay, bool *broken)
{
    struct pipe *in = &relay->in;
    if (in->closed || in->at < in->end) {
        return false;
    }
    int count = SSL_read(relay->ssl, in->bytes, PIPE_BYTES);
    if (count > 0) {
        in->at = 0;
        in->end = (size_t)count;
        return true;
    }
    if (is_later(relay, count)) {
        return false;
    }
    in->closed = true;
    *broken = SSL_get_error(relay->ssl, count) != SSL_ERROR_ZERO_RETURN;
    return true;
}

static bool write_daemon(struct relay *relay, bool *broken)
{
    struct pipe *in = &relay->in;
    if (in->at == in->end) {
        if (in->closed && !in->told) {
            in->told = true;
            (void)shutdown(relay->daemon.descriptor, SHUT_WR);
        }
        return false;
    }
    ssize_t count = send(relay->daemon.descriptor, in->bytes + in->at, in->end - in->at, MSG_NOSIGNAL);
    if (count < 0) {
        *broken = errno != EAGAIN && errno != EINTR && errno != EPIPE;
        in->at = errno == EPIPE ? in->end : in->at; /* the daemon reads no more; what it sent still goes out */
        return false;
    }
    in->at += (size_t)count;
    return true;
}

static bool read_daemon(struct relay *relay)
{
    struct pipe *out = &relay->out;
    if (out->closed || out->at < out->end) {
        return false;
    }
    ssize_t count = recv(relay->daemon.descriptor, out->bytes, PIPE_BYTES, 0);
    if (count > 0) {
        out->at = 0;
        out->end = (size_t)count;
        return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    out->closed = true; /* an error is an end too: what came before it still goes out */
    return true;
}

static bool write_client(struct relay *relay, bool *broken)
{
    struct pipe *out = &relay->out;
    if (out->at == out->end) {
        if (out->closed) {
            (void)SSL_shutdown(relay->ssl);
            (void)shutdown(relay->client.descriptor, SHUT_WR);
            *broken = true; /* all is said */
        }
        return false;
    }
    int count = SSL_write(relay->ssl, out->bytes + out->at, (int)(out->end - out->at));
    if (count <= 0) {
        *broken = !is_later(relay, count);
        return false;
    }
    out->at += (size_t)count;
    return true;
}

static bool watch_both(struct relay *relay)
{
    struct reactor *reactor = relay->tls->front->reactor;
    bool out_waits = relay->out.at < relay->out.end;
    bool in_waits = relay->in.at < relay->in.end;
    unsigned client = (relay->wants_write || out_waits ? (unsigned)REACTOR_WRITE : 0U) |
                      (in_waits || relay->in.closed ? 0U : (unsigned)REACTOR_READ);
    unsigned daemon =
        (in_waits ? (unsigned)REACTOR_WRITE : 0U) | (out_waits || relay->out.closed ? 0U : (unsigned)REACTOR_READ);
    return reactor_watch(reactor, &relay->client, client) &&
           (relay->daemon.descriptor < 0 || reactor_watch(reactor, &relay->daemon, daemon));
}

static void go_on(struct relay *relay)
{
    bool broken = false;
    bool moved = true;
    ERR_clear_error();
    relay->wants_write = false;
    while (moved && !broken) {
        if (!relay->shaken) {
            moved = shake(relay, &broken);
            continue;
        }
        moved = read_client(relay, &broken);
        moved = (!broken && write_daemon(relay, &broken)) || moved;
        moved = (!broken && read_daemon(relay)) || moved;
        moved = (!broken && write_client(relay, &broken)) || moved;
    }
    if (broken || !watch_both(relay)) {
        free_relay(relay);
    }
}

static void on_ready(void *context, unsigned ready)
{
    (void)ready;
    go_on(context);
}

/* ---- Accepting ---------------------------------------------------------------------------------------------------------- */

static bool begin_relay(struct http_tls *tls, int client)
{
    struct relay *relay = heap_alloc(tls->front->heap, sizeof *relay);
    SSL *ssl = relay == NULL ? NULL : SSL_new(tls->context);
    if (ssl == NULL || SSL_set_fd(ssl, client) != 1) {
        SSL_free(ssl);
        heap_release(tls->front->heap, relay);
        return false;
    }
    SSL_set_accept_state(ssl);
    relay->tls = tls;
    relay->ssl = ssl;
    relay->daemon_end = -1;
    relay->client = (struct reactor_watch){.descriptor = client, .ready = on_ready, .context = relay};
    relay->daemon = (struct reactor_watch){.descriptor = -1, .ready = on_ready, .context = relay};
    relay->next = tls->relays;
    if (tls->relays != NULL) {
        tls->relays->previous = relay;
    }
    tls->relays = relay;
    go_on(relay);
    return true;
}

static void accept_again(void *owner)
{
    struct http_tls *tls = owner;
    bool watched = reactor_watch(tls->front->reactor, &tls->listener, REACTOR_READ);
    (void)watched; /* it was before */
}

static void on_connection(void *context, unsigned ready)
{
    struct http_tls *tls = context;
    struct reactor *reactor = tls->front->reactor;
    (void)ready;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int client = accept4(tls->listener.descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client < 0) {
            bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
            if (exhausted && reactor_arm(reactor, &tls->pause, REACTOR_REAL, monotonic_now_ns() + ACCEPT_PAUSE_NS,
                                         accept_again, tls)) {
                reactor_unwatch(reactor, &tls->listener);
            }
            return;
        }
        if (!begin_relay(tls, client)) {
            (void)close(client);
        }
    }
}

/* ---- Life --------------------------------------------------------------------------------------------------------------- */

static enum error_code take_files(SSL_CTX *context, const char *cert, const char *key, struct error *error)
{
    const char *const paths[] = {cert, key};
    for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        if (access(paths[i], R_OK) != 0) {
            return error_set(error, ERR_INPUT_UNREADABLE, "cannot read %s: %s", paths[i], strerror(errno));
        }
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return error_set(error, ERR_INPUT_INVALID, "%s holds no certificate in PEM", cert);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        return error_set(error, ERR_INPUT_INVALID, "%s holds no private key in PEM that fits the certificate", key);
    }
    return ERR_OK;
}

enum error_code http_tls_open(struct http_front *front, const char *cert, const char *key, struct error *error)
{
    struct http_tls *tls = heap_alloc(front->heap, sizeof *tls);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || context == NULL) {
        SSL_CTX_free(context);
        heap_release(front->heap, tls);
        return error_set(error, ERR_NO_MEMORY, "no memory for TLS");
    }
    front->tls = tls;
    tls->front = front;
    tls->context = context;
    tls->listener = (struct reactor_watch){.descriptor = front->listener, .ready = on_connection, .context = tls};
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    enum error_code code = take_files(context, cert, key, error);
    if (code == ERR_OK && !reactor_watch(front->reactor, &tls->listener, REACTOR_READ)) {
        code = error_set(error, ERR_NO_MEMORY, "the listening port cannot be watched");
    }
    return code;
}

void http_tls_close(struct http_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    reactor_unwatch(tls->front->reactor, &tls->listener);
    reactor_disarm(tls->front->reactor, &tls->pause);
    while (tls->relays != NULL) {
        free_relay(tls->relays);
    }
    SSL_CTX_free(tls->context);
    heap_release(tls->front->heap, tls);
}

void http_tls_reset(struct http_tls *tls, int descriptor)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};
    for (struct relay *relay = tls->relays; relay != NULL; relay = relay->next) {
        if (relay->daemon_end == descriptor) {
            (void)setsockopt(relay->client.descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
            free_relay(relay);
            return;
        }
    }
}
