#include "fakes/front/bucket_front.h"

/* Pieces of an upload are at most half of it: fewer turns of the loop for a large one. */
enum { CONNECTION_BYTES = 512 * 1024 };

/* One request under way. `http` is NULL once nobody waits for its reply, `cloud` once the store knows nothing of it any more. */
struct bucket_call_under_way {
    struct bucket_front *front;
    struct http_call *http;
    struct http_request head;
    struct buffer body; /* of a call in JSON, as far as the journal keeps it */
    struct cloud_bucket_exchange *cloud;
    struct event effect, arrival;
    struct reactor_timer slice; /* of what it needs before it takes effect */
    bool whole, answered;
    struct bucket_call_under_way *next, *previous;
};

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static struct bucket_call_under_way *take_call(struct bucket_front *front)
{
    struct bucket_call_under_way *call = heap_alloc(front->stage->heap, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    call->front = front;
    buffer_init(&call->body, front->stage->heap, JOURNAL_BODY_MAX);
    call->next = front->calls;
    if (front->calls != NULL) {
        front->calls->previous = call;
    }
    front->calls = call;
    return call;
}

static void end_call(struct bucket_call_under_way *call)
{
    struct bucket_front *front = call->front;
    stage_cancel(front->stage, &call->effect);
    stage_cancel(front->stage, &call->arrival);
    reactor_disarm(front->stage->reactor, &call->slice);
    if (call->cloud != NULL) {
        cloud_bucket_end(front->stage->cloud, front->stage->now_ns, call->cloud);
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        front->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    buffer_release(&call->body);
    heap_release(front->stage->heap, call);
}

/* ---- The reply ------------------------------------------------------------------------------------------------------------ */

static int64_t read_body(void *context, uint64_t at, char *out, size_t size)
{
    const struct bucket_call_under_way *call = context;
    size_t read = cloud_bucket_read(call->front->stage->cloud, call->cloud, (int64_t)at, out, size);
    return read == 0 ? -1 : (int64_t)read;
}

static void arrive(void *owner)
{
    struct bucket_call_under_way *call = owner;
    const struct cloud_bucket_exchange *cloud = call->cloud;
    const struct http_reply *reply = cloud->reply;
    call->answered = true;
    journal_end(call->front->journal, cloud->ordinal, call->front->stage->now_ns, journal_of_bucket(cloud->call),
                cloud->fate, reply->status);
    if (call->http == NULL) {
        end_call(call);
        return;
    }
    struct http_answer answer = {
        .fate = cloud->fate,
        .status = reply->status,
        .content_type = reply->content_type,
        .headers = {buffer_text(&reply->headers), reply->headers.length},
        .body = {buffer_text(&reply->body), reply->body.length},
        .length = (uint64_t)cloud->reply_size,
    };
    if (cloud->streamed) {
        answer.read = read_body;
        answer.read_context = call;
        answer.fate = cloud->fate == FATE_TRUNCATED ? FATE_DELIVERED : cloud->fate; /* the reader breaks off */
    }
    http_call_answer(call->http, &answer);
}

static void take_effect(void *owner);

static void work_on(void *owner)
{
    struct bucket_call_under_way *call = owner;
    (void)stage_catch_up(call->front->stage);
    take_effect(call);
}

/* What takes long is done in slices, with the loop's other work between them. */
static void take_effect(void *owner)
{
    struct bucket_call_under_way *call = owner;
    struct stage_server *stage = call->front->stage;
    while (cloud_bucket_prepare(stage->cloud, stage->now_ns, call->cloud)) {
        if (reactor_arm(stage->reactor, &call->slice, REACTOR_REAL, monotonic_now_ns(), work_on, call)) {
            return;
        }
    }
    cloud_bucket_effect(stage->cloud, stage->now_ns, call->cloud);
    if (call->http == NULL) {
        end_call(call);
        return;
    }
    int64_t reply_ns = call->cloud->reply_ns;
    if (reply_ns == TIME_NEVER_NS || reply_ns <= stage->now_ns) { /* a silence begins at once */
        arrive(call);
    } else if (!stage_at(stage, &call->arrival, reply_ns, EVENT_CLASS_ARRIVAL, arrive, call)) {
        http_call_refuse(call->http, 503, "service_unavailable", "Out of memory.");
    }
}

/* ---- Requests ------------------------------------------------------------------------------------------------------------- */

/* HEAD is a method of the store's own. */
static void on_head(void *context, struct http_call *http)
{
    struct bucket_front *front = context;
    struct stage_server *stage = front->stage;
    int64_t now_ns = stage_catch_up(stage);
    struct bucket_call_under_way *call = take_call(front);
    if (call == NULL) {
        return;
    }
    uint64_t ordinal = ++stage->requests;
    call->head = http->request;
    call->head.method = http->is_head ? HTTP_HEAD : http->request.method;
    call->cloud = cloud_bucket_begin(stage->cloud, now_ns, &call->head, http->body_size, ordinal);
    if (call->cloud == NULL) {
        end_call(call);
        return;
    }
    http->state = call;
    call->http = http;
}

/* The body of an upload is nothing for the journal. */
static void keep_body(struct bucket_call_under_way *call, struct span bytes)
{
    enum bucket_call which = call->cloud->call;
    size_t room = JOURNAL_BODY_MAX - call->body.length;
    if (which != BUCKET_UPLOAD_FILE && which != BUCKET_UPLOAD_PART) {
        buffer_append(&call->body, bytes.at, bytes.length < room ? bytes.length : room);
    }
}

static void journal_whole(struct bucket_call_under_way *call, int64_t now_ns)
{
    const struct cloud_bucket_exchange *cloud = call->cloud;
    call->head.body = (struct span){buffer_text(&call->body), call->body.length};
    journal_add(call->front->journal, cloud->ordinal, now_ns, journal_of_bucket(cloud->call), call->http->method,
                &call->head, (uint64_t)cloud->taken);
}

static bool on_piece(void *context, struct http_call *http, struct span bytes)
{
    static const struct http_answer reset = {.fate = FATE_RESET};
    struct bucket_front *front = context;
    struct bucket_call_under_way *call = http->state;
    if (call == NULL) {
        return false;
    }
    int64_t now_ns = stage_catch_up(front->stage);
    keep_body(call, bytes);
    if (cloud_bucket_take(front->stage->cloud, now_ns, call->cloud, bytes)) {
        return true;
    }
    journal_whole(call, now_ns);
    journal_end(front->journal, call->cloud->ordinal, now_ns, journal_of_bucket(call->cloud->call), FATE_RESET, 0);
    call->answered = true;
    http_call_answer(http, &reset);
    return false;
}

static void on_whole(void *context, struct http_call *http)
{
    struct bucket_front *front = context;
    struct stage_server *stage = front->stage;
    struct bucket_call_under_way *call = http->state;
    int64_t now_ns = stage_catch_up(stage);
    if (call == NULL) {
        http_call_refuse(http, 503, "service_unavailable", "Out of memory.");
        return;
    }
    call->whole = true;
    cloud_bucket_whole(stage->cloud, now_ns, call->cloud);
    journal_whole(call, now_ns);
    bool has_effect = call->cloud->effect_ns != TIME_NEVER_NS;
    int64_t due_ns = has_effect ? call->cloud->effect_ns : call->cloud->reply_ns;
    if (due_ns == TIME_NEVER_NS || due_ns <= stage->now_ns) {
        (has_effect ? take_effect : arrive)(call);
    } else if (!stage_at(stage, has_effect ? &call->effect : &call->arrival, due_ns,
                         has_effect ? EVENT_CLASS_EFFECT : EVENT_CLASS_ARRIVAL, has_effect ? take_effect : arrive,
                         call)) {
        http_call_refuse(http, 503, "service_unavailable", "Out of memory.");
    }
}

/* A request that was whole still takes effect; only its reply finds nobody. */
static void on_gone(void *context, struct http_call *http)
{
    struct bucket_call_under_way *call = http->state;
    (void)context;
    if (call == NULL) {
        return;
    }
    call->http = NULL;
    if (call->effect.place == 0 && !reactor_is_armed(&call->slice)) {
        end_call(call);
    }
}

/* ---- Service -------------------------------------------------------------------------------------------------------------- */

static struct bucket_front *front_of(struct stage_service *service)
{
    return (struct bucket_front *)((char *)service - offsetof(struct bucket_front, service));
}

static enum error_code open_front(struct stage_service *service, struct stage_server *stage, struct error *error)
{
    struct bucket_front *front = front_of(service);
    front->stage = stage;
    front->handler =
        (struct http_handler){.context = front, .head = on_head, .piece = on_piece, .whole = on_whole, .gone = on_gone};
    const struct http_front_options options = {
        .heap = stage->heap,
        .reactor = stage->reactor,
        .handler = &front->handler,
        .name = "object store",
        .port = front->port,
        .connection_bytes = CONNECTION_BYTES,
    };
    struct bucket_service *bucket = cloud_bucket(stage->cloud, stage->now_ns, error);
    if (bucket == NULL) {
        return error->code;
    }
    enum error_code code = http_front_open(&options, &front->http, error);
    if (code == ERR_OK) {
        char origin[HTTP_ORIGIN_SIZE];
        http_front_origin(front->http, origin);
        bucket_set_origin(bucket, origin);
    }
    return code;
}

static void close_front(struct stage_service *service)
{
    struct bucket_front *front = front_of(service);
    http_front_close(front->http);
    front->http = NULL;
    while (front->calls != NULL) {
        end_call(front->calls);
    }
}

void bucket_front_init(struct bucket_front *front)
{
    front->service = (struct stage_service){.name = "b2", .open = open_front, .close = close_front};
}
