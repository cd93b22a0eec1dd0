#include "world/live/tcp_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

static enum transport_fate fate_of(int reason)
{
    switch (reason) {
    case ECONNREFUSED:
        return FATE_REFUSED;
    case ECONNRESET:
        return FATE_RESET;
    case ETIMEDOUT:
        return FATE_SILENT;
    default:
        return FATE_UNREACHABLE;
    }
}

/* The size of the address; 0 when it is none. */
static socklen_t read_address(const char *text, int64_t port, union socket_address *address)
{
    *address = (union socket_address){0};
    if (port < 1 || port > 65535) {
        return 0;
    }
    if (inet_pton(AF_INET, text, &address->ip4.sin_addr) == 1) {
        address->ip4.sin_family = AF_INET;
        address->ip4.sin_port = htons((uint16_t)port);
        return sizeof address->ip4;
    }
    if (inet_pton(AF_INET6, text, &address->ip6.sin6_addr) == 1) {
        address->ip6.sin6_family = AF_INET6;
        address->ip6.sin6_port = htons((uint16_t)port);
        return sizeof address->ip6;
    }
    return 0;
}

/* The end of a connect, good or bad; `reason` is an errno or 0. */
static void finish(struct tcp_connect *connect, int reason)
{
    int descriptor = connect->watch.descriptor;
    reactor_unwatch(connect->reactor, &connect->watch);
    connect->connecting = false;
    if (reason != 0) {
        (void)close(descriptor);
        connect->done(connect->owner, fate_of(reason), -1);
        return;
    }
    connect->done(connect->owner, FATE_DELIVERED, descriptor);
}

static void is_ready(void *context, unsigned ready)
{
    (void)ready;
    struct tcp_connect *connect = context;
    int reason = 0;
    socklen_t size = sizeof reason;
    if (getsockopt(connect->watch.descriptor, SOL_SOCKET, SO_ERROR, &reason, &size) != 0) {
        reason = errno;
    }
    finish(connect, reason);
}

static void connect_to(struct tcp_connect *connecting, const char *text)
{
    union socket_address address;
    socklen_t size = read_address(text, connecting->port, &address);
    if (size == 0) {
        connecting->done(connecting->owner, FATE_UNREACHABLE, -1);
        return;
    }
    int descriptor = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        connecting->done(connecting->owner, FATE_UNREACHABLE, -1);
        return;
    }
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connecting->watch = (struct reactor_watch){.descriptor = descriptor, .ready = is_ready, .context = connecting};
    connecting->connecting = true;
    int reason = connect(descriptor, &address.any, size) == 0 ? 0 : errno;
    if (reason != EINPROGRESS) {
        finish(connecting, reason);
    } else if (!reactor_watch(connecting->reactor, &connecting->watch, REACTOR_WRITE)) {
        finish(connecting, ENOMEM);
    }
}

static void name_is_known(void *owner)
{
    struct tcp_connect *connect = owner;
    if (connect->lookup.address[0] == '\0') {
        connect->done(connect->owner, FATE_NAME_UNKNOWN, -1);
    } else {
        connect_to(connect, connect->lookup.address);
    }
}

void tcp_connect_start(struct tcp_connect *connect, struct reactor *reactor, const char *host, int64_t port)
{
    connect->reactor = reactor;
    connect->port = port;
    if (name_is_address(host)) {
        connect_to(connect, host);
    } else if (!name_lookup_start(&connect->lookup, reactor, host, name_is_known, connect)) {
        connect->done(connect->owner, FATE_NAME_UNKNOWN, -1);
    }
}

void tcp_connect_abandon(struct tcp_connect *connect)
{
    name_lookup_abandon(&connect->lookup);
    if (connect->connecting) {
        reactor_unwatch(connect->reactor, &connect->watch);
        (void)close(connect->watch.descriptor);
        connect->connecting = false;
    }
}
