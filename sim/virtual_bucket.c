/* Requests to the object store: bodies go and come a piece at a time, at the pace that the cloud's options set. */
#include <string.h>

#include "sim/virtual_state.h"

enum { PIECE_BYTES = 16 * 1024 };

static const struct http_body_file *request_file(const struct http_exchange *http)
{
    return http->request->body_file;
}

static int64_t request_size(const struct http_exchange *http)
{
    const struct http_body_file *file = request_file(http);
    return file != NULL ? file->length : (int64_t)http->request->body.length;
}

static int64_t piece_of(int64_t left)
{
    return left < PIECE_BYTES ? left : PIECE_BYTES;
}

static void end_exchange(struct pending *pending)
{
    cloud_bucket_end(pending->world->options.cloud, pending->world->now_ns, pending->bucket);
    virtual_pending_drop(pending);
}

/* Whoever waits for it has it now. */
static void finish(struct pending *pending, enum transport_fate fate)
{
    struct http_exchange *http = pending->http;
    http->fate = fate;
    http->pending = NULL;
    completion_finish(&http->done);
    end_exchange(pending);
}

/* ---- The reply ---------------------------------------------------------------------------------------------------------- */

/* FATE_DELIVERED: they are where they belong. */
static enum transport_fate put_bytes(struct http_exchange *http, const char *bytes, size_t size)
{
    struct http_reply *reply = http->reply;
    const struct http_body_file *file = reply->body_file;
    if (file != NULL && file->status == reply->status) {
        if ((int64_t)size > file->length - reply->file_bytes) {
            return FATE_TOO_LARGE;
        }
        http->file_failed = !disk_write(file->opened, file->offset + reply->file_bytes, bytes, size);
        (void)text_copy(reply->file_trouble, sizeof reply->file_trouble, http->file_failed ? DISK_FULL_WORDS : "");
        reply->file_bytes += (int64_t)size;
        http->moved += (int64_t)size;
        return FATE_DELIVERED;
    }
    if (size > reply->body.limit - reply->body.length) {
        return FATE_TOO_LARGE;
    }
    buffer_append(&reply->body, bytes, size);
    http->out_of_memory = reply->body.failed;
    return FATE_DELIVERED;
}

static void receive_on(struct pending *pending);

static void piece_comes(void *owner)
{
    struct pending *pending = owner;
    struct http_exchange *http = pending->http;
    char bytes[PIECE_BYTES];
    int64_t wanted = piece_of(pending->bucket->reply_size - pending->received);
    size_t came =
        cloud_bucket_read(pending->world->options.cloud, pending->bucket, pending->received, bytes, (size_t)wanted);
    enum transport_fate fate = came == 0 ? FATE_TRUNCATED : put_bytes(http, bytes, came);
    pending->received += (int64_t)came;
    if (fate != FATE_DELIVERED || http->file_failed || http->out_of_memory) {
        finish(pending, fate);
        return;
    }
    receive_on(pending);
}

static void receive_on(struct pending *pending)
{
    int64_t left = pending->bucket->reply_size - pending->received;
    if (left <= 0) {
        finish(pending, FATE_DELIVERED);
        return;
    }
    int64_t way_ns = cloud_bucket_transfer_ns(pending->world->options.cloud, piece_of(left));
    virtual_pending_event(pending, &pending->arrival, pending->world->now_ns + way_ns, EVENT_CLASS_ARRIVAL,
                          piece_comes);
}

static void reply_comes(void *owner)
{
    struct pending *pending = owner;
    struct http_exchange *http = pending->http;
    const struct cloud_bucket_exchange *exchange = pending->bucket;
    if (exchange->fate != FATE_DELIVERED && exchange->fate != FATE_TRUNCATED) {
        finish(pending, exchange->fate);
        return;
    }
    const struct http_reply *reply = exchange->reply;
    http->reply->status = reply->status;
    buffer_append(&http->reply->headers, buffer_text(&reply->headers), reply->headers.length);
    (void)text_copy(http->reply->content_type, sizeof http->reply->content_type, reply->content_type);
    if (http->request->method == HTTP_HEAD) {
        finish(pending, FATE_DELIVERED);
    } else if (exchange->streamed) {
        receive_on(pending);
    } else {
        enum transport_fate fate = put_bytes(http, buffer_text(&reply->body), reply->body.length);
        finish(pending, fate == FATE_DELIVERED ? exchange->fate : fate);
    }
}

/* ---- The request -------------------------------------------------------------------------------------------------------- */

static void request_takes_effect(void *owner)
{
    struct pending *pending = owner;
    while (cloud_bucket_prepare(pending->world->options.cloud, pending->world->now_ns, pending->bucket)) {
    }
    cloud_bucket_effect(pending->world->options.cloud, pending->world->now_ns, pending->bucket);
    if (pending->http == NULL) {
        end_exchange(pending); /* nobody waits for the reply any more */
        return;
    }
    virtual_pending_event(pending, &pending->arrival, pending->bucket->reply_ns, EVENT_CLASS_ARRIVAL, reply_comes);
}

static void request_is_whole(struct pending *pending)
{
    struct cloud_bucket_exchange *exchange = pending->bucket;
    pending->whole = true;
    cloud_bucket_whole(pending->world->options.cloud, pending->world->now_ns, exchange);
    if (exchange->effect_ns != TIME_NEVER_NS) {
        virtual_pending_event(pending, &pending->effect, exchange->effect_ns, EVENT_CLASS_EFFECT, request_takes_effect);
    } else {
        virtual_pending_event(pending, &pending->arrival, exchange->reply_ns, EVENT_CLASS_ARRIVAL, reply_comes);
    }
}

/* Some of the body, from where the client has it. False: it is not there. */
static bool take_from_client(const struct pending *pending, char *out, size_t size)
{
    const struct http_exchange *http = pending->http;
    const struct http_body_file *file = request_file(http);
    if (file != NULL) {
        return disk_read(file->opened, file->offset + pending->sent, out, size) == size;
    }
    memcpy(out, http->request->body.at + pending->sent, size);
    return true;
}

static void send_on(struct pending *pending);

static void piece_goes(void *owner)
{
    struct pending *pending = owner;
    struct virtual_world *virtual_world = pending->world;
    char bytes[PIECE_BYTES];
    size_t size = (size_t)piece_of(request_size(pending->http) - pending->sent);
    if (!take_from_client(pending, bytes, size)) {
        pending->http->file_failed = true;
        (void)text_copy(pending->http->reply->file_trouble, HTTP_TROUBLE_SIZE, "it is shorter than it was");
        finish(pending, FATE_DELIVERED);
        return;
    }
    pending->sent += (int64_t)size;
    pending->http->moved += request_file(pending->http) != NULL ? (int64_t)size : 0;
    if (!cloud_bucket_take(virtual_world->options.cloud, virtual_world->now_ns, pending->bucket,
                           (struct span){bytes, size})) {
        finish(pending, pending->bucket->fate);
        return;
    }
    send_on(pending);
}

static void send_on(struct pending *pending)
{
    int64_t left = request_size(pending->http) - pending->sent;
    if (left <= 0) {
        request_is_whole(pending);
        return;
    }
    int64_t way_ns = cloud_bucket_transfer_ns(pending->world->options.cloud, piece_of(left));
    virtual_pending_event(pending, &pending->effect, pending->world->now_ns + way_ns, EVENT_CLASS_EFFECT, piece_goes);
}

void virtual_bucket_start(struct pending *pending)
{
    const struct virtual_world *virtual_world = pending->world;
    const struct http_request *request = pending->http->request;
    int64_t size = request->method == HTTP_GET || request->method == HTTP_HEAD ? -1 : request_size(pending->http);
    pending->bucket = virtual_must(
        cloud_bucket_begin(virtual_world->options.cloud, virtual_world->now_ns, request, size, pending->http->ordinal));
    send_on(pending);
}

/* Nothing of a request whose body is on its way has any effect; one that is whole takes effect all the same. */
void virtual_bucket_forget(struct pending *pending)
{
    pending->http = NULL;
    if (!pending->whole || pending->effect.place == 0) {
        end_exchange(pending);
    }
}
