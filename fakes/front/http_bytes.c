#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakes/front/http_state.h"

enum { MALFORMED_REPEATS = 8 };

bool http_needs_bytes(const struct http_answer *answer)
{
    return answer->fate != FATE_DELIVERED || answer->drip_ns > 0;
}

/* A reset, now: nothing that was sent before counts any more. Disconnecting an open connection sends one and no end before it. */
static void reset(struct http_call_inside *inside)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int descriptor = inside->link->watch.descriptor;
    if (inside->front->tls != NULL) {
        http_tls_reset(inside->front->tls, descriptor);
    } else {
        (void)connect(descriptor, &nobody, sizeof nobody);
    }
}

static void end(struct http_call_inside *inside)
{
    bool resets = inside->bytes.reset;
    http_bytes_stop(inside);
    if (resets) {
        inside->link->hung = true; /* and so it is */
        reset(inside);
    }
    inside->ended = true;
    http_resume(inside);
}

static void write_more(void *owner);

/* How much may be sent now: all, or after the head one byte. */
static size_t portion(const struct http_call_inside *inside)
{
    const struct http_bytes *bytes = &inside->bytes;
    if (inside->answer.drip_ns == 0) {
        return bytes->text.length - bytes->sent;
    }
    return bytes->sent < bytes->head_bytes ? bytes->head_bytes - bytes->sent : 1;
}

/* Goes on when the socket takes more, or the next byte is due. */
static bool wait_for_more(struct http_call_inside *inside, bool full)
{
    struct http_front *front = inside->front;
    struct http_bytes *bytes = &inside->bytes;
    if (full) {
        return reactor_watch(front->reactor, &inside->link->watch, REACTOR_WRITE);
    }
    return reactor_watch(front->reactor, &inside->link->watch, REACTOR_HANGUP) &&
           reactor_arm(front->reactor, &bytes->timer, REACTOR_STAGE,
                       reactor_now_ns(front->reactor) + inside->answer.drip_ns, write_more, inside);
}

static void write_more(void *owner)
{
    struct http_call_inside *inside = owner;
    struct http_bytes *bytes = &inside->bytes;
    while (bytes->sent < bytes->text.length) {
        bool drips = inside->answer.drip_ns > 0 && bytes->sent >= bytes->head_bytes;
        ssize_t count =
            send(inside->link->watch.descriptor, bytes->text.data + bytes->sent, portion(inside), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        bool full = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (count < 0 && !full) {
            break; /* nobody is there any more */
        }
        bytes->sent += full ? 0 : (size_t)count;
        if ((full || drips) && bytes->sent < bytes->text.length) {
            if (!wait_for_more(inside, full)) {
                break;
            }
            return;
        }
    }
    end(inside);
}

void http_bytes_ready(struct http_call_inside *inside, unsigned ready)
{
    if ((ready & REACTOR_HANGUP) != 0) {
        end(inside);
    } else {
        write_more(inside);
    }
}

static void write_head(struct buffer *out, const struct http_answer *answer)
{
    buffer_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, MHD_get_reason_phrase_for((unsigned)answer->status));
    if (answer->content_type != NULL && answer->content_type[0] != '\0') {
        buffer_printf(out, "Content-Type: %s\r\n", answer->content_type);
    }
    buffer_append(out, answer->headers.at, answer->headers.length);
    buffer_printf(out, "Content-Length: %llu\r\nConnection: close\r\n\r\n", (unsigned long long)answer->length);
}

/* What is sent before the connection ends; false when it does not end by itself. */
static bool compose(struct http_call_inside *inside)
{
    const struct http_answer *answer = &inside->answer;
    struct http_bytes *bytes = &inside->bytes;
    struct buffer *out = &bytes->text;
    buffer_clear(out);
    bytes->sent = 0;
    bytes->head_bytes = 0;
    bytes->reset = false;
    switch (answer->fate) {
    case FATE_DELIVERED:
    case FATE_TRUNCATED:
    case FATE_TOO_LARGE:
        write_head(out, answer);
        bytes->head_bytes = out->length;
        if (!inside->call.is_head) {
            buffer_append(out, answer->body.at, answer->body.length);
        }
        return true;
    case FATE_MALFORMED:
        buffer_append_repeated(out, "\x7f\x45not HTTP\r\n", MALFORMED_REPEATS);
        bytes->head_bytes = out->length;
        return true;
    case FATE_SILENT:
    case FATE_BANNER_SILENT:
        return false;
    case FATE_NAME_UNKNOWN:
    case FATE_UNREACHABLE:
    case FATE_REFUSED:
    case FATE_RESET:
    case FATE_DROPPED:
        bytes->reset = true;
        return true;
    case FATE_CLOSED_EARLY:
    case FATE_TLS_REFUSED:
    case FATE_KEY_DENIED:
    case FATE_HOST_KEY_CHANGED:
    case FATE_COUNT:
        return true;
    }
    return true;
}

void http_bytes_start(struct http_call_inside *inside)
{
    inside->link->writer = inside;
    if (compose(inside)) {
        write_more(inside);
    } else if (inside->link->hung || !reactor_watch(inside->front->reactor, &inside->link->watch, REACTOR_HANGUP)) {
        end(inside);
    }
}

enum MHD_Result http_break_off(struct http_call_inside *inside)
{
    if (inside->answer.fate != FATE_CLOSED_EARLY) {
        reset(inside);
    }
    inside->ended = true;
    return MHD_NO;
}

void http_bytes_stop(struct http_call_inside *inside)
{
    reactor_disarm(inside->front->reactor, &inside->bytes.timer);
    buffer_clear(&inside->bytes.text);
    if (inside->link != NULL && inside->link->writer == inside) {
        http_link_rest(inside->link);
    }
}
