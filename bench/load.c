#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "samples.h"

enum { BATCH = 512, HEAD_MAX = 4096 };

struct connection {
    int socket;
    int64_t sent_ns;
    int64_t left;      /* requests still to be sent, the one under way not counted */
    int64_t body_left; /* bytes of the reply still to come; -1 while its head is incomplete */
    size_t head_length;
    char head[HEAD_MAX];
    bool good;
};

struct load {
    int epoll;
    const char *request;
    struct connection *connections;
    size_t open;
    int64_t *latencies;
    int64_t answered;
    int64_t failed;
};

static bool connect_one(struct load *load, struct connection *connection, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int one = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connection->socket >= 0 &&
           connect(connection->socket, (const struct sockaddr *)&address, sizeof address) == 0 &&
           setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           fcntl(connection->socket, F_SETFL, O_NONBLOCK) == 0 &&
           epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->socket, &event) == 0;
}

static void end_connection(struct load *load, struct connection *connection, bool failed)
{
    (void)close(connection->socket);
    connection->socket = -1;
    load->failed += failed ? 1 + connection->left : 0;
    load->open--;
}

static void ask(struct load *load, struct connection *connection)
{
    connection->head_length = 0;
    connection->body_left = -1;
    connection->sent_ns = bench_now_ns();
    size_t length = strlen(load->request);
    if (send(connection->socket, load->request, length, MSG_NOSIGNAL) != (ssize_t)length) {
        end_connection(load, connection, true);
    }
}

/* Takes bytes of a reply; true once it is whole. */
static bool take(struct connection *connection, const char *bytes, size_t count)
{
    if (connection->body_left >= 0) {
        connection->body_left -= (int64_t)count;
        return connection->body_left <= 0;
    }
    size_t room = HEAD_MAX - 1 - connection->head_length;
    memcpy(connection->head + connection->head_length, bytes, count < room ? count : room);
    connection->head_length += count < room ? count : room;
    connection->head[connection->head_length] = '\0';
    const char *end = strstr(connection->head, "\r\n\r\n");
    const char *length = strcasestr(connection->head, "content-length:");
    if (end == NULL) {
        return false;
    }
    connection->good = strncmp(connection->head, "HTTP/1.1 200", 12) == 0;
    int64_t body = length == NULL ? 0 : strtoll(length + strlen("content-length:"), NULL, 10);
    /* What did not fit into `head` has been counted all the same: `count` bytes came after what was there before. */
    int64_t of_body =
        (int64_t)connection->head_length - (end + 4 - connection->head) + (int64_t)(count > room ? count - room : 0);
    connection->body_left = body - of_body;
    return connection->body_left <= 0;
}

static void read_reply(struct load *load, struct connection *connection)
{
    char bytes[65536];
    ssize_t count = recv(connection->socket, bytes, sizeof bytes, 0);
    if (count < 0 && errno == EAGAIN) {
        return;
    }
    if (count <= 0) {
        end_connection(load, connection, true);
        return;
    }
    if (!take(connection, bytes, (size_t)count)) {
        return;
    }
    load->latencies[load->answered++] = bench_now_ns() - connection->sent_ns;
    load->failed += connection->good ? 0 : 1;
    if (connection->left == 0) {
        end_connection(load, connection, false);
        return;
    }
    connection->left--;
    ask(load, connection);
}

static void drive(struct load *load, int64_t until_ns)
{
    struct epoll_event events[BATCH];
    while (load->open > 0 && bench_now_ns() < until_ns) {
        int count = epoll_wait(load->epoll, events, BATCH, 100);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection->socket >= 0) {
                read_reply(load, connection);
            }
        }
    }
}

struct load_result load_run(uint16_t port, const char *request, size_t connections, int64_t requests_each,
                            int64_t limit_ns)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC), .request = request};
    load.connections = calloc(connections, sizeof *load.connections);
    load.latencies = calloc(connections * (size_t)requests_each, sizeof *load.latencies);
    struct load_result result = {.failed = (int64_t)connections * requests_each};
    if (load.epoll < 0 || load.connections == NULL || load.latencies == NULL) {
        abort();
    }
    for (size_t i = 0; i < connections; i++) {
        load.connections[i].left = requests_each - 1;
        load.open++;
        if (!connect_one(&load, &load.connections[i], port)) {
            end_connection(&load, &load.connections[i], true);
        }
    }
    int64_t began_ns = bench_now_ns();
    for (size_t i = 0; i < connections; i++) {
        if (load.connections[i].socket >= 0) {
            ask(&load, &load.connections[i]);
        }
    }
    drive(&load, began_ns + limit_ns);
    result.elapsed_ns = bench_now_ns() - began_ns;
    for (size_t i = 0; i < connections; i++) {
        if (load.connections[i].socket >= 0) {
            end_connection(&load, &load.connections[i], true);
        }
    }
    result.requests = load.answered;
    result.failed = load.failed;
    result.p99_ns = bench_permille(load.latencies, (size_t)load.answered, 990);
    (void)close(load.epoll);
    free(load.connections);
    free(load.latencies);
    return result;
}
