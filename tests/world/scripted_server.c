#include "world/scripted_server.h"

#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One connection while its script is played. */
struct visit {
    struct scripted_server *server;
    int socket;
    SSL *tls;
};

static ssize_t receive(struct visit *visit, char *bytes, size_t size)
{
    return visit->tls != NULL ? SSL_read(visit->tls, bytes, (int)size) : recv(visit->socket, bytes, size, 0);
}

static bool send_all(struct visit *visit, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = visit->tls != NULL ? SSL_write(visit->tls, bytes, (int)size)
                                          : send(visit->socket, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");
    if (end == NULL) {
        return false;
    }
    size_t body = length != NULL && length < end ? strtoul(length + strlen("Content-Length: "), NULL, 10) : 0;
    return strlen(end + 4) >= body;
}

static bool read_request(struct visit *visit)
{
    struct scripted_server *server = visit->server;
    const char *request = server->seen + server->seen_length;
    while (!is_whole(request)) {
        size_t room = sizeof server->seen - 1 - server->seen_length;
        ssize_t count = receive(visit, server->seen + server->seen_length, room);
        if (count <= 0) {
            return false;
        }
        server->seen_length += (size_t)count;
    }
    return true;
}

/* At least one byte, and all that is there: what lies unread would turn a farewell into a reset. */
static bool read_some(struct visit *visit)
{
    char bytes[4096];
    ssize_t count = receive(visit, bytes, sizeof bytes);
    return count > 0;
}

/* Waits at most so long for the peer to go. */
static bool peer_goes(struct visit *visit, int within_ms)
{
    char bytes[512];
    struct pollfd poll_one = {.fd = visit->socket, .events = POLLIN};
    while (poll(&poll_one, 1, within_ms) > 0) {
        if (recv(visit->socket, bytes, sizeof bytes, 0) <= 0) {
            return true;
        }
    }
    return false;
}

static void reset(struct visit *visit)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(visit->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static bool drip(struct visit *visit, const struct server_step *step)
{
    for (size_t i = 0; step->count == 0 || i < step->count; i++) {
        if (!send_all(visit, step->text, strlen(step->text)) || peer_goes(visit, 1)) {
            return false;
        }
    }
    return true;
}

/* False: the script is over. */
static bool play(struct visit *visit, const struct server_step *step)
{
    switch (step->kind) {
    case SERVER_END:
        return false;
    case SERVER_READ_REQUEST:
        return read_request(visit);
    case SERVER_READ_SOME:
        return read_some(visit);
    case SERVER_WRITE:
        for (size_t i = 0; i < (step->count == 0 ? 1 : step->count); i++) {
            if (!send_all(visit, step->text, strlen(step->text))) {
                return false;
            }
        }
        return true;
    case SERVER_DRIP:
        return drip(visit, step);
    case SERVER_HANG:
        (void)peer_goes(visit, -1);
        return false;
    case SERVER_RESET:
        reset(visit);
        return false;
    case SERVER_CUT:
        SSL_set_quiet_shutdown(visit->tls, 1);
        return false;
    case SERVER_RAW:
        return true;
    }
    return false;
}

static void receive_visitor(struct scripted_server *server, int socket, const struct server_step *steps)
{
    struct visit visit = {.server = server, .socket = socket};
    bool raw = steps->kind == SERVER_RAW;
    bool good = true;
    if (server->tls != NULL && !raw) {
        visit.tls = SSL_new(server->tls);
        good = visit.tls != NULL && SSL_set_fd(visit.tls, socket) == 1 && SSL_accept(visit.tls) == 1;
    }
    while (good && play(&visit, steps)) {
        steps++;
    }
    if (visit.tls != NULL) {
        (void)SSL_shutdown(visit.tls);
        SSL_free(visit.tls);
    }
    (void)close(socket);
}

static void *serve(void *context)
{
    struct scripted_server *server = context;
    for (;;) {
        int socket = accept(server->listener, NULL, NULL);
        if (socket < 0) {
            return NULL;
        }
        static const struct server_step nothing = END;
        size_t number = server->connections++;
        receive_visitor(server, socket, number < server->script_count ? server->scripts[number] : &nothing);
    }
}

void server_script(struct scripted_server *server, const struct server_step *steps)
{
    assert_true(server->script_count < SERVER_SCRIPTS_MAX);
    server->scripts[server->script_count++] = steps;
}

static int bound_socket(int *port)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

int refusing_port(int *descriptor)
{
    int port;
    *descriptor = bound_socket(&port);
    return port;
}

void server_start(struct scripted_server *server)
{
    server->listener = bound_socket(&server->port);
    assert_int_equal(listen(server->listener, 16), 0);
    (void)snprintf(server->origin, sizeof server->origin, "%s://127.0.0.1:%d",
                   server->certificate != NULL ? "https" : "http", server->port);
    if (server->certificate != NULL) {
        SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
        assert_non_null(tls);
        assert_int_equal(SSL_CTX_use_certificate_file(tls, server->certificate, SSL_FILETYPE_PEM), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, server->key, SSL_FILETYPE_PEM), 1);
        server->tls = tls;
    }
    /* A peer that has gone is a result, not the end of the test program. */
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void server_stop(struct scripted_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
    SSL_CTX_free(server->tls);
    server->seen[server->seen_length] = '\0';
}
