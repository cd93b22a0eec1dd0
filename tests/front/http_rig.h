/*
 * An HTTP front with a scripted handler, and raw clients of it, in one reactor: a test says bytes and sees bytes.
 */
#ifndef TESTS_FRONT_HTTP_RIG_H
#define TESTS_FRONT_HTTP_RIG_H

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakes/front/http_front.h"
#include "testing.h"

enum { RIG_BODY_MAX = 1024 * 1024, RIG_SEEN_MAX = 64 * 1024 * 1024 };

/* Nothing here takes longer, even where everything is slow. */
#define RIG_PATIENCE_NS (60 * NS_PER_S)

struct rig {
    struct heap *heap;
    struct clock_page *clock;
    struct reactor *reactor;
    struct http_handler handler;
    struct http_front *front;
    size_t heads, whole, gone; /* how often told */
    struct http_call *kept;    /* the last call that waits for its answer */
    struct http_answer answer; /* what "/answer" gets */
    uint64_t streamed;
    uint64_t digest; /* of the bytes of a body, in order */
    struct reactor_timer timers[1200];
    size_t timer_count;
};

/* What one client has seen. */
struct client {
    struct rig *rig;
    struct reactor_watch watch;
    struct buffer seen;
    bool ended, was_reset;
};

static inline unsigned char rig_byte(uint64_t at)
{
    return (unsigned char)('a' + at % 23);
}

static inline int64_t rig_read(void *context, uint64_t at, char *out, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)rig_byte(at + i);
    }
    return (int64_t)size;
}

static inline void rig_answer_text(struct http_call *call, const char *text)
{
    const struct http_answer answer = {
        .status = 200, .content_type = "application/json", .body = span_of(text), .length = strlen(text)};
    http_call_answer(call, &answer);
}

static inline void rig_answer_late(void *owner)
{
    rig_answer_text(owner, "late");
}

/* "/text": at once · "/late": after 50 ms · "/wait": when the test says · "/echo": the body · "/answer": what the test wants */
static inline void rig_whole(void *context, struct http_call *call)
{
    struct rig *rig = context;
    const char *path = call->request.path;
    rig->whole++;
    if (strncmp(path, "/text", 5) == 0) {
        rig_answer_text(call, path + 5);
    } else if (strcmp(path, "/late") == 0) {
        assert_true(rig->timer_count < ARRAY_LENGTH(rig->timers));
        assert_true(reactor_arm(rig->reactor, &rig->timers[rig->timer_count++], REACTOR_REAL,
                                monotonic_now_ns() + 50 * NS_PER_MS, rig_answer_late, call));
    } else if (strcmp(path, "/echo") == 0) {
        const struct http_answer answer = {
            .status = 201, .body = call->request.body, .length = call->request.body.length};
        http_call_answer(call, &answer);
    } else if (strcmp(path, "/wait") == 0) {
        rig->kept = call;
    } else {
        http_call_answer(call, &rig->answer);
    }
}

static inline void rig_head(void *context, struct http_call *call)
{
    struct rig *rig = context;
    (void)call;
    rig->heads++;
}

static inline void rig_gone(void *context, struct http_call *call)
{
    struct rig *rig = context;
    (void)call;
    rig->gone++;
}

static inline struct rig *rig_open(const char *tls_cert, const char *tls_key)
{
    struct heap *heap = heap_new();
    struct error error;
    assert_non_null(heap);
    struct rig *rig = heap_alloc(heap, sizeof *rig);
    assert_non_null(rig);
    rig->heap = heap;
    rig->clock = clock_page_real(heap);
    rig->reactor = reactor_new(heap, rig->clock);
    assert_non_null(rig->reactor);
    rig->handler = (struct http_handler){
        .context = rig, .body_max = RIG_BODY_MAX, .head = rig_head, .whole = rig_whole, .gone = rig_gone};
    const struct http_front_options options = {.heap = heap,
                                               .reactor = rig->reactor,
                                               .handler = &rig->handler,
                                               .name = "test",
                                               .tls_cert = tls_cert,
                                               .tls_key = tls_key};
    if (http_front_open(&options, &rig->front, &error) != ERR_OK) {
        fail_msg("%s", error.message);
    }
    return rig;
}

/* Everything that was told of has gone, and no memory with it. */
static inline void rig_close(struct rig *rig)
{
    http_front_close(rig->front);
    assert_int_equal(rig->heads, rig->gone);
    reactor_free(rig->reactor);
    clock_page_close(rig->clock);
    heap_free(rig->heap);
}

static inline void client_ready(void *context, unsigned ready)
{
    struct client *client = context;
    char bytes[65536];
    (void)ready;
    ssize_t count = recv(client->watch.descriptor, bytes, sizeof bytes, 0);
    if (count > 0) {
        buffer_append(&client->seen, bytes, (size_t)count);
    } else if (count == 0 || errno != EAGAIN) {
        client->ended = true;
        client->was_reset = count < 0 && errno == ECONNRESET;
        reactor_unwatch(client->rig->reactor, &client->watch);
    }
}

static inline void client_open(struct client *client, struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_front_port(rig->front)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    *client =
        (struct client){.rig = rig, .watch = {.descriptor = descriptor, .ready = client_ready, .context = client}};
    buffer_init(&client->seen, rig->heap, RIG_SEEN_MAX);
    assert_true(reactor_watch(rig->reactor, &client->watch, REACTOR_READ));
}

static inline void client_close(struct client *client)
{
    reactor_unwatch(client->rig->reactor, &client->watch);
    (void)close(client->watch.descriptor);
    buffer_release(&client->seen);
}

/* Sends all, turning the loop while the other side does not take it. */
static inline void client_send(struct client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(client->watch.descriptor, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) {
            assert_true(errno == EAGAIN);
            reactor_turn(client->rig->reactor, false);
            continue;
        }
        bytes += count;
        length -= (size_t)count;
    }
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, text, strlen(text));
}

typedef bool rig_condition(const struct client *client, const void *argument);

static inline void rig_fail_late(void *owner)
{
    (void)owner;
    fail_msg("nothing came in time");
}

/* Turns the loop until the client has seen it. */
static inline void client_await(struct client *client, rig_condition *condition, const void *argument)
{
    struct reactor_timer patience = {.event = {.place = 0}};
    assert_true(reactor_arm(client->rig->reactor, &patience, REACTOR_REAL, monotonic_now_ns() + RIG_PATIENCE_NS,
                            rig_fail_late, NULL));
    while (!condition(client, argument)) {
        reactor_turn(client->rig->reactor, true);
    }
    reactor_disarm(client->rig->reactor, &patience);
}

static inline bool has_ended(const struct client *client, const void *argument)
{
    (void)argument;
    return client->ended;
}

static inline bool has_seen(const struct client *client, const void *text)
{
    return strstr(buffer_text(&client->seen), text) != NULL;
}

/* The number of complete replies with a Content-Length. */
static inline size_t replies_of(const struct client *client)
{
    const char *at = buffer_text(&client->seen);
    const char *end = at + client->seen.length;
    size_t count = 0;
    for (;;) {
        const char *body = strstr(at, "\r\n\r\n");
        const char *length = strstr(at, "Content-Length: ");
        if (body == NULL || length == NULL || length > body) {
            return count;
        }
        at = body + 4 + strtoul(length + 16, NULL, 10);
        if (at > end) {
            return count;
        }
        count++;
    }
}

static inline bool has_replies(const struct client *client, const void *count)
{
    return replies_of(client) >= *(const size_t *)count;
}

/* One reply to what is said, its whole text. */
static inline const char *client_ask(struct client *client, const char *request)
{
    const size_t one = 1;
    buffer_clear(&client->seen);
    client_say(client, request);
    client_await(client, has_replies, &one);
    return buffer_text(&client->seen);
}

#endif
