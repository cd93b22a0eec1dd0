/* Logs: asked for at the API, fetched from where its answer points. */
#include "vast/exchange.h"

static const int64_t look_again_ns = NS_PER_S;

static enum error_code request_logs(struct vast *vast, int64_t instance_id, const struct vast_logs_wish *wish,
                                    struct vast_result_url *url, struct error *error)
{
    struct buffer body;
    buffer_init_fixed(&body, vast->body, sizeof vast->body);
    encode_logs(&body, wish);
    if (body.failed) {
        return error_set(error, ERR_USAGE, "logs: the filter is too long");
    }
    (void)text_format(vast->path, sizeof vast->path, "/api/v0/instances/request_logs/%lld/", (long long)instance_id);
    enum error_code code = vast_exchange(vast, HTTP_PUT, (struct span){body.data, body.length}, false, NULL, error);
    if (code == ERR_OK) {
        code = decode_result_url(vast_reply_body(vast), vast->access.origin, url, error);
    }
    if (code != ERR_OK) {
        error_wrap(error, "request logs of instance %lld", (long long)instance_id);
    }
    return code;
}

/* What lies there, without our key. A result is not there until the machine's host has brought it: 403 or 404 until then. */
static enum error_code fetch(struct vast *vast, const struct vast_result_url *url, bool *not_yet, struct error *error)
{
    struct http_request request = {
        .method = HTTP_GET,
        .origin = url->origin,
        .path = url->path,
        .is_private = true, /* whoever knows where it lies may read it */
    };
    int64_t deadline_ns = world_deadline_ns(vast->world, vast->request_limit_ns);
    enum error_code code = world_http(vast->world, &request, &vast->reply, deadline_ns, &vast->ordinal);
    int status = code == ERR_OK ? vast->reply.status : 0;
    *not_yet = status == 403 || status == 404;
    if (code != ERR_OK) {
        return error_set(error, code, "%s", error_sentence(code));
    }
    if (status != 200) {
        enum error_code refusal = status >= 500 ? ERR_SERVER_ERROR : ERR_REPLY_UNEXPECTED;
        (void)error_set(error, refusal, "HTTP %d where the result should lie", status);
        error->http_status = status;
        return refusal;
    }
    return ERR_OK;
}

static enum error_code await(struct vast *vast, const struct vast_result_url *url, int64_t deadline_ns,
                             struct error *error)
{
    for (;;) {
        bool not_yet;
        enum error_code code = fetch(vast, url, &not_yet, error);
        if (!not_yet) {
            return code;
        }
        int64_t next_ns = saturating_add(world_now_ns(vast->world), look_again_ns);
        if (next_ns > deadline_ns) {
            return error_set(error, ERR_TIMED_OUT, "the machine's host did not bring the result in time");
        }
        code = world_sleep_until(vast->world, next_ns);
        if (code != ERR_OK) {
            return error_set(error, code, "%s", error_sentence(code));
        }
    }
}

enum error_code vast_logs(struct vast *vast, int64_t instance_id, const struct vast_logs_wish *wish,
                          int64_t deadline_ns, struct buffer *out, struct error *error)
{
    struct vast_result_url *url = heap_alloc(vast->world->heap, sizeof *url);
    if (url == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the logs");
    }
    enum error_code code = request_logs(vast, instance_id, wish, url, error);
    if (code == ERR_OK) {
        code = await(vast, url, deadline_ns, error);
        if (code != ERR_OK) {
            error_wrap(error, "fetch logs of instance %lld", (long long)instance_id);
        }
    }
    heap_release(vast->world->heap, url);
    if (code != ERR_OK) {
        return code;
    }
    struct span text = vast_reply_body(vast);
    size_t room = out->limit - out->length;
    size_t skipped = text.length > room ? text.length - room : 0; /* the end is what is read a log for */
    buffer_append(out, text.at + skipped, text.length - skipped);
    return out->failed ? error_set(error, ERR_NO_MEMORY, "no memory for the logs") : ERR_OK;
}
