#include "fakes/front/vast_front.h"

#include <string.h>

enum { API_BODY_MAX = 1024 * 1024, METHOD_NOT_ALLOWED = 405, TOO_LARGE_BYTES = 100 * 1000 * 1000 };

/* Stands for keys that no key is as long as. */
static const char too_long_to_be_right[] = "-";

/* One request under way. `http` is NULL once nobody waits for its reply. */
struct vast_exchange {
    struct vast_front *front;
    struct http_call *http;
    struct cloud_exchange *cloud;
    struct event effect, arrival;
    bool answered;
    struct vast_exchange *next, *previous;
};

/* ---- Exchanges ---------------------------------------------------------------------------------------------------------- */

static struct vast_exchange *take_exchange(struct vast_front *front)
{
    struct vast_exchange *exchange = front->spare;
    if (exchange != NULL) {
        front->spare = exchange->next;
    } else {
        exchange = heap_alloc(front->stage->heap, sizeof *exchange);
        if (exchange == NULL) {
            return NULL;
        }
    }
    *exchange = (struct vast_exchange){.front = front, .next = front->exchanges};
    if (front->exchanges != NULL) {
        front->exchanges->previous = exchange;
    }
    front->exchanges = exchange;
    return exchange;
}

static void end_exchange(struct vast_exchange *exchange)
{
    struct vast_front *front = exchange->front;
    stage_cancel(front->stage, &exchange->effect);
    stage_cancel(front->stage, &exchange->arrival);
    if (exchange->cloud != NULL) {
        cloud_http_end(front->stage->cloud, exchange->cloud);
    }
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        front->exchanges = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    exchange->next = front->spare;
    front->spare = exchange;
}

static void take_effect(void *owner)
{
    struct vast_exchange *exchange = owner;
    struct stage_server *stage = exchange->front->stage;
    size_t before = market_contract_count(cloud_market(stage->cloud));
    cloud_http_effect(stage->cloud, stage->now_ns, exchange->cloud);
    size_t made = market_contract_count(cloud_market(stage->cloud)) - before;
    if (made > 0) {
        journal_made(exchange->front->journal, exchange->cloud->ordinal, (uint32_t)before, (uint32_t)made);
    }
    stage_note_change(stage);
    if (exchange->http == NULL && exchange->arrival.place == 0) {
        end_exchange(exchange);
    }
}

/* A body that nobody asked for: blanks, which JSON allows. */
static int64_t read_blanks(void *context, uint64_t at, char *out, size_t size)
{
    (void)context;
    (void)at;
    memset(out, ' ', size);
    return (int64_t)size;
}

static void arrive(void *owner)
{
    struct vast_exchange *exchange = owner;
    const struct cloud_exchange *cloud = exchange->cloud;
    exchange->answered = true;
    journal_end(exchange->front->journal, cloud->ordinal, exchange->front->stage->now_ns, cloud->call, cloud->fate,
                cloud->reply.status);
    if (exchange->http == NULL) {
        if (exchange->effect.place == 0) {
            end_exchange(exchange);
        }
        return;
    }
    struct http_answer answer = {
        .fate = cloud->fate,
        .status = cloud->reply.status,
        .content_type = cloud->reply.content_type,
        .headers = {buffer_text(&cloud->reply.headers), cloud->reply.headers.length},
        .body = {buffer_text(&cloud->reply.body), cloud->reply.body.length},
        .length = cloud->reply.body.length,
    };
    if (cloud->drip_ns > 0) {
        answer.fate = FATE_DELIVERED;
        answer.drip_ns = cloud->drip_ns;
    } else if (cloud->fate == FATE_TRUNCATED) {
        answer.length = cloud->whole_bytes > answer.length ? cloud->whole_bytes : answer.length + 1;
    } else if (cloud->fate == FATE_TOO_LARGE) {
        answer.fate = FATE_DELIVERED;
        answer.read = read_blanks;
        answer.length = TOO_LARGE_BYTES;
    }
    http_call_answer(exchange->http, &answer);
}

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

/* Now, when it is due now; else in its time. */
static bool happen_at(struct stage_server *stage, struct event *event, int64_t due_ns, enum event_class class,
                      void (*happen)(void *owner), void *owner)
{
    if (due_ns <= stage->now_ns) {
        happen(owner);
        return true;
    }
    return stage_at(stage, event, due_ns, class, happen, owner);
}

/* The cloud's, or refused because its path is longer than any or memory is gone. NULL: answered. */
static struct vast_exchange *begin(struct vast_front *front, struct http_call *call, uint64_t ordinal)
{
    struct http_request request = call->request;
    struct vast_exchange *exchange = take_exchange(front);
    if (request.bearer != NULL && strlen(request.bearer) >= sizeof exchange->cloud->sent.bearer) {
        request.bearer = too_long_to_be_right;
    }
    if (exchange != NULL) {
        exchange->cloud = cloud_http_begin(front->stage->cloud, front->stage->now_ns, &request, ordinal);
    }
    if (exchange != NULL && exchange->cloud != NULL) {
        exchange->http = call;
        call->state = exchange;
        return exchange;
    }
    if (exchange != NULL) {
        end_exchange(exchange);
    }
    http_call_refuse(call, 503, "unavailable", "Out of memory.");
    return NULL;
}

/* A method that the service does not know. */
static void refuse_method(struct vast_front *front, struct http_call *call, uint64_t ordinal)
{
    int64_t now_ns = front->stage->now_ns;
    journal_add(front->journal, ordinal, now_ns, API_OTHER, call->method, &call->request, call->request.body.length);
    journal_end(front->journal, ordinal, now_ns, API_OTHER, FATE_DELIVERED, METHOD_NOT_ALLOWED);
    http_call_refuse(call, METHOD_NOT_ALLOWED, "method_not_allowed", "The method is not allowed here.");
}

static void on_whole(void *context, struct http_call *call)
{
    struct vast_front *front = context;
    struct stage_server *stage = front->stage;
    int64_t now_ns = stage_catch_up(stage);
    uint64_t ordinal = ++stage->requests;
    if (call->request.method == HTTP_METHOD_COUNT) {
        refuse_method(front, call, ordinal);
        return;
    }
    struct vast_exchange *exchange = begin(front, call, ordinal);
    if (exchange == NULL) {
        return;
    }
    journal_add(front->journal, ordinal, now_ns, exchange->cloud->call, call->method, &call->request,
                call->request.body.length);
    int64_t reply_ns = exchange->cloud->reply_ns;
    if (reply_ns == TIME_NEVER_NS) {
        reply_ns = exchange->cloud->drip_ns > 0 ? exchange->cloud->drip_from_ns : now_ns; /* silence begins at once */
    }
    bool queued =
        happen_at(stage, &exchange->effect, exchange->cloud->effect_ns, EVENT_CLASS_EFFECT, take_effect, exchange) &&
        happen_at(stage, &exchange->arrival, reply_ns, EVENT_CLASS_ARRIVAL, arrive, exchange);
    if (!queued) {
        http_call_refuse(call, 503, "unavailable", "Out of memory.");
    }
}

/* Whoever goes before an answer has come goes without one. */
static void note_left(const struct vast_exchange *exchange)
{
    struct vast_front *front = exchange->front;
    if (!exchange->answered || exchange->cloud->fate == FATE_SILENT) {
        journal_left(front->journal, exchange->cloud->ordinal, clock_page_now_ns(front->stage->clock));
    }
}

static void on_hung(void *context, struct http_call *call)
{
    (void)context;
    if (call->state != NULL) {
        note_left(call->state);
    }
}

/* What was sent still takes effect; only the reply finds nobody. */
static void on_gone(void *context, struct http_call *call)
{
    struct vast_exchange *exchange = call->state;
    (void)context;
    if (exchange == NULL) {
        return;
    }
    note_left(exchange);
    exchange->http = NULL;
    if (exchange->effect.place == 0 && exchange->arrival.place == 0) {
        end_exchange(exchange);
    }
}

/* ---- Service ------------------------------------------------------------------------------------------------------------ */

static struct vast_front *front_of(struct stage_service *service)
{
    return (struct vast_front *)((char *)service - offsetof(struct vast_front, service));
}

static enum error_code open_front(struct stage_service *service, struct stage_server *stage, struct error *error)
{
    struct vast_front *front = front_of(service);
    front->stage = stage;
    front->handler = (struct http_handler){
        .context = front, .body_max = API_BODY_MAX, .whole = on_whole, .hung = on_hung, .gone = on_gone};
    const struct http_front_options options = {
        .heap = stage->heap,
        .reactor = stage->reactor,
        .handler = &front->handler,
        .name = "Vast.ai API",
        .port = front->port,
        .tls_cert = front->tls_cert,
        .tls_key = front->tls_key,
    };
    return http_front_open(&options, &front->http, error);
}

/* Whoever waits is left without an answer; an answer that is on its way still gets there. */
static void reset_front(struct stage_service *service)
{
    const struct http_answer closed = {.fate = FATE_CLOSED_EARLY};
    struct vast_exchange *exchange = front_of(service)->exchanges;
    while (exchange != NULL) {
        struct vast_exchange *next = exchange->next;
        stage_cancel(exchange->front->stage, &exchange->effect);
        if (!exchange->answered) {
            if (exchange->http != NULL) {
                exchange->http->state = NULL;
                http_call_answer(exchange->http, &closed);
            }
            end_exchange(exchange);
        }
        exchange = next;
    }
}

static void close_front(struct stage_service *service)
{
    struct vast_front *front = front_of(service);
    http_front_close(front->http);
    front->http = NULL;
    while (front->exchanges != NULL) {
        end_exchange(front->exchanges);
    }
    while (front->spare != NULL) {
        struct vast_exchange *next = front->spare->next;
        heap_release(front->stage->heap, front->spare);
        front->spare = next;
    }
}

void vast_front_init(struct vast_front *front)
{
    front->service =
        (struct stage_service){.name = "vast", .open = open_front, .reset = reset_front, .close = close_front};
}
