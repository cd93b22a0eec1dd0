#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fakes/front/http_state.h"

enum {
    LISTEN_BACKLOG = 4096,
    CONNECTION_MEMORY_BYTES = 32 * 1024,
    DESCRIPTORS_KEPT = 512,           /* for everything but connections */
    DESCRIPTORS_FOR_CONNECTIONS = 16, /* at least */
    IDLE_LIMIT_S = 300,               /* libmicrohttpd may overlook that a client has gone in the middle of a request */
    CROWD = 64, /* with more connections suspended than this, a resume waits for others to come along */
};

/* libmicrohttpd walks all suspended connections for a resume, so that resumes are collected. */
#define TICK_NS NS_PER_MS

/* Without memory for a timer nothing rings: the next event of the front finds what is to be done. */
static void ring(struct http_front *front, struct reactor_timer *timer, int64_t after_ns, void (*happen)(void *owner))
{
    bool armed = reactor_arm(front->reactor, timer, REACTOR_REAL, monotonic_now_ns() + after_ns, happen, front);
    (void)armed;
}

/* ---- Suspended connections ---------------------------------------------------------------------------------------------- */

void http_suspend(struct http_call_inside *inside)
{
    if (!inside->suspended) {
        inside->suspended = true;
        inside->front->suspended++;
        MHD_suspend_connection(inside->connection);
    }
}

static void resume_now(struct http_call_inside *inside)
{
    inside->suspended = false;
    inside->resuming = false;
    inside->front->suspended--;
    MHD_resume_connection(inside->connection);
}

static void resume_collected(void *owner)
{
    struct http_front *front = owner;
    while (front->resumable != NULL) {
        struct http_call_inside *inside = front->resumable;
        front->resumable = inside->next_resumable;
        resume_now(inside);
    }
    http_pump(front);
}

void http_resume(struct http_call_inside *inside)
{
    struct http_front *front = inside->front;
    if (!inside->suspended || inside->resuming) {
        return;
    }
    inside->resuming = true;
    inside->next_resumable = front->resumable;
    front->resumable = inside;
    int64_t after_ns = front->suspended > CROWD ? TICK_NS : 0;
    if (!reactor_is_armed(&front->tick)) {
        ring(front, &front->tick, after_ns, resume_collected);
    }
}

/* ---- Calls -------------------------------------------------------------------------------------------------------------- */

static struct http_call_inside *take_call(struct http_front *front)
{
    struct http_call_inside *inside = front->spare;
    if (inside != NULL) {
        front->spare = inside->next;
    } else {
        inside = heap_alloc(front->heap, sizeof *inside);
        if (inside == NULL) {
            return NULL;
        }
        buffer_init(&inside->body, front->heap, front->handler->body_max);
        buffer_init(&inside->bytes.text, front->heap, SIZE_MAX / 2);
    }
    inside->front = front;
    inside->call = (struct http_call){.inside = inside, .body_size = -1};
    inside->begun = inside->whole = inside->dropping = inside->answered = false;
    inside->suspended = inside->resuming = inside->ended = inside->told = false;
    inside->refused = 0;
    inside->header_count = 0;
    inside->header_bytes = 0;
    inside->previous = NULL;
    inside->next = front->calls;
    if (front->calls != NULL) {
        front->calls->previous = inside;
    }
    front->calls = inside;
    return inside;
}

static void give_back(struct http_call_inside *inside)
{
    struct http_front *front = inside->front;
    if (inside->previous != NULL) {
        inside->previous->next = inside->next;
    } else {
        front->calls = inside->next;
    }
    if (inside->next != NULL) {
        inside->next->previous = inside->previous;
    }
    buffer_clear(&inside->body);
    inside->next = front->spare;
    front->spare = inside;
}

/* The request line has come: called before anything else of a request. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_call_inside *inside = take_call(context);
    if (inside != NULL) {
        inside->connection = connection;
        inside->link = http_link_of(connection);
        if (inside->link == NULL) {
            inside->refused = MHD_HTTP_SERVICE_UNAVAILABLE;
        } else if (!text_copy(inside->path, sizeof inside->path, uri)) {
            inside->refused = MHD_HTTP_URI_TOO_LONG;
        }
    }
    return inside;
}

/* Members of the request for what has one; the rest stays a header. */
static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    static const char *const known[] = {"Connection", "Content-Length", "Transfer-Encoding", "Expect"};
    static const char bearer[] = "Bearer ";
    struct http_call_inside *inside = context;
    (void)kind;
    if (value == NULL) {
        return MHD_YES;
    }
    if (strcasecmp(name, "Authorization") == 0 && strncasecmp(value, bearer, sizeof bearer - 1) == 0) {
        value += sizeof bearer - 1;
        inside->call.request.bearer = value + strspn(value, " ");
        return MHD_YES;
    }
    if (strcasecmp(name, "Content-Length") == 0 && !decimal_parse_exact(span_of(value), 0, &inside->call.body_size)) {
        inside->call.body_size = -1;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (strcasecmp(name, known[i]) == 0) {
            return MHD_YES;
        }
    }
    inside->header_bytes += strlen(name) + strlen(value) + 2;
    if (inside->header_count == HTTP_HEADERS_MAX || inside->header_bytes > HTTP_HEADERS_BYTES_MAX) {
        inside->refused = MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
        return MHD_NO;
    }
    inside->headers[inside->header_count++] = (struct http_header){name, value};
    return MHD_YES;
}

static void begin(struct http_call_inside *inside, const char *method)
{
    struct http_call *call = &inside->call;
    const struct http_handler *handler = inside->front->handler;
    inside->begun = true;
    call->method = method;
    call->is_head = strcmp(method, "HEAD") == 0;
    (void)MHD_get_connection_values(inside->connection, MHD_HEADER_KIND, on_header, inside);
    call->request.method = call->is_head ? HTTP_GET : http_method_by_name(method);
    call->request.path = inside->path;
    call->request.headers = inside->headers;
    call->request.header_count = inside->header_count;
    inside->told = inside->refused == 0;
    if (inside->told && handler->head != NULL) {
        handler->head(handler->context, call);
    }
}

static void take_piece(struct http_call_inside *inside, struct span bytes)
{
    const struct http_handler *handler = inside->front->handler;
    inside->call.body_bytes += bytes.length;
    if (inside->dropping || inside->refused != 0) {
        return;
    }
    if (handler->piece != NULL) {
        inside->dropping = !handler->piece(handler->context, &inside->call, bytes);
        return;
    }
    buffer_append(&inside->body, bytes.at, bytes.length);
    if (inside->body.failed) {
        bool too_long = inside->call.body_bytes > handler->body_max;
        inside->refused = too_long ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_SERVICE_UNAVAILABLE;
    }
}

static void refuse(struct http_call_inside *inside)
{
    static const struct {
        int status;
        const char *error, *message;
    } refusals[] = {
        {MHD_HTTP_URI_TOO_LONG, "invalid_args", "The path is too long."},
        {MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_args", "There are too many headers."},
        {MHD_HTTP_CONTENT_TOO_LARGE, "invalid_args", "The request's body is too long."},
        {MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable", "Out of memory."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        if (refusals[i].status == inside->refused) {
            http_call_refuse(&inside->call, inside->refused, refusals[i].error, refusals[i].message);
        }
    }
}

static void tell_whole(struct http_call_inside *inside)
{
    const struct http_handler *handler = inside->front->handler;
    inside->whole = true;
    inside->call.request.body = (struct span){buffer_text(&inside->body), inside->body.length};
    if (inside->refused != 0) {
        refuse(inside);
    } else {
        handler->whole(handler->context, &inside->call);
    }
}

/* What becomes of a call whose request is here: called again after each resume. */
static enum MHD_Result proceed(struct http_call_inside *inside)
{
    if (inside->ended || inside->front->closing) {
        return MHD_NO;
    }
    if (!inside->answered) {
        http_suspend(inside);
        return MHD_YES;
    }
    if (http_needs_bytes(&inside->answer)) {
        http_suspend(inside);
        http_bytes_start(inside);
        return MHD_YES;
    }
    return http_queue(inside);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_bytes, void **call)
{
    struct http_call_inside *inside = *call;
    (void)context;
    (void)connection;
    (void)url;
    (void)version;
    if (inside == NULL) {
        return MHD_NO; /* no memory for it */
    }
    if (!inside->begun) {
        begin(inside, method); /* answered in a later call: in this one libmicrohttpd would close the connection */
        return inside->answered ? http_break_off(inside) : MHD_YES;
    }
    if (*upload_bytes > 0) {
        take_piece(inside, (struct span){upload, *upload_bytes});
        *upload_bytes = 0;
        return inside->answered ? http_break_off(inside) : MHD_YES;
    }
    if (!inside->whole) {
        tell_whole(inside);
    }
    return proceed(inside);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **call,
                         enum MHD_RequestTerminationCode how)
{
    struct http_call_inside *inside = *call;
    const struct http_front *front = context;
    (void)connection;
    (void)how;
    if (inside == NULL) {
        return;
    }
    *call = NULL;
    http_bytes_stop(inside);
    if (inside->told && front->handler->gone != NULL) {
        front->handler->gone(front->handler->context, &inside->call);
    }
    give_back(inside);
}

/* ---- The daemon --------------------------------------------------------------------------------------------------------- */

static void pump_again(void *owner)
{
    http_pump(owner);
}

void http_pump(struct http_front *front)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(front->daemon);
    if (MHD_get_timeout(front->daemon, &wait_ms) != MHD_YES) {
        return;
    }
    /* A time limit only ever moves on: who is armed for one comes early at worst. */
    if (wait_ms == 0 || !reactor_is_armed(&front->again)) {
        ring(front, &front->again, (int64_t)wait_ms * NS_PER_MS, pump_again);
    }
}

static void on_ready(void *context, unsigned ready)
{
    (void)ready;
    http_pump(context);
}

/* The path stays as it was sent. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* As many descriptors as the system grants; how many of them connections may have. */
static unsigned raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return DESCRIPTORS_FOR_CONNECTIONS;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit more = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
            limit = more;
        }
    }
    rlim_t many = limit.rlim_cur > INT32_MAX ? INT32_MAX : limit.rlim_cur;
    return (unsigned)(many < (rlim_t)DESCRIPTORS_KEPT * 2 ? many / 2 : many - DESCRIPTORS_KEPT);
}

static enum error_code listen_on_loopback(struct http_front *front, const struct http_front_options *options,
                                          struct error *error)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)options->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int yes = 1;
    front->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = front->listener >= 0 && setsockopt(front->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                setsockopt(front->listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 && /* inherited */
                bind(front->listener, (struct sockaddr *)&address, length) == 0 &&
                listen(front->listener, LISTEN_BACKLOG) == 0 &&
                getsockname(front->listener, (struct sockaddr *)&address, &length) == 0;
    front->port = ntohs(address.sin_port);
    if (good) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_CANNOT_LISTEN, "the %s cannot listen on 127.0.0.1:%lld: %s", options->name,
                    (long long)options->port, strerror(errno));
    error_advise(error, "give another port, or 0 for one that is free");
    return ERR_CANNOT_LISTEN;
}

static enum error_code start(struct http_front *front, const struct http_front_options *options, struct error *error)
{
    enum error_code code = listen_on_loopback(front, options, error);
    if (code == ERR_OK && options->tls_cert != NULL) {
        code = http_tls_open(front, options->tls_cert, options->tls_key, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (front->tls == NULL ? 0 : MHD_USE_NO_LISTEN_SOCKET);
    front->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, front, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, front,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, front, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, front,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->connection_bytes == 0 ? (size_t)CONNECTION_MEMORY_BYTES : options->connection_bytes,
        MHD_OPTION_CONNECTION_LIMIT,
        raise_descriptors() / (front->tls == NULL ? 1U : 3U), /* TLS: one to the client, two between relay and daemon */
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_LIMIT_S,
        front->tls == NULL ? MHD_OPTION_LISTEN_SOCKET : MHD_OPTION_END, front->listener, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        front->daemon == NULL ? NULL : MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        return error_set(error, ERR_NO_MEMORY, "the %s cannot be started: no memory, or no descriptors", options->name);
    }
    front->watch = (struct reactor_watch){.descriptor = info->epoll_fd, .ready = on_ready, .context = front};
    if (!reactor_watch(front->reactor, &front->watch, REACTOR_READ)) {
        return error_set(error, ERR_NO_MEMORY, "the %s cannot be watched: no descriptors", options->name);
    }
    return ERR_OK;
}

enum error_code http_front_open(const struct http_front_options *options, struct http_front **out, struct error *error)
{
    struct http_front *front = heap_alloc(options->heap, sizeof *front);
    if (front == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the %s", options->name);
    }
    front->heap = options->heap;
    front->reactor = options->reactor;
    front->handler = options->handler;
    front->listener = -1;
    enum error_code code = start(front, options, error);
    if (code != ERR_OK) {
        http_front_close(front);
        return code;
    }
    *out = front;
    return ERR_OK;
}

/* libmicrohttpd may not be stopped with connections suspended. */
static void stop_daemon(struct http_front *front)
{
    front->closing = true;
    for (struct http_call_inside *inside = front->calls; inside != NULL; inside = inside->next) {
        http_bytes_stop(inside);
        if (inside->suspended) {
            resume_now(inside);
        }
    }
    front->resumable = NULL;
    (void)MHD_run(front->daemon);
    MHD_stop_daemon(front->daemon);
}

void http_front_close(struct http_front *front)
{
    if (front == NULL) {
        return;
    }
    reactor_unwatch(front->reactor, &front->watch);
    reactor_disarm(front->reactor, &front->tick);
    reactor_disarm(front->reactor, &front->again);
    bool listener_is_daemons = front->daemon != NULL && front->tls == NULL;
    if (front->daemon != NULL) {
        stop_daemon(front);
    }
    reactor_disarm(front->reactor, &front->tick);
    http_tls_close(front->tls);
    if (front->listener >= 0 && !listener_is_daemons) {
        (void)close(front->listener);
    }
    while (front->spare != NULL) {
        struct http_call_inside *inside = front->spare;
        front->spare = inside->next;
        buffer_release(&inside->body);
        buffer_release(&inside->bytes.text);
        heap_release(front->heap, inside);
    }
    while (front->spare_links != NULL) {
        struct http_link *link = front->spare_links;
        front->spare_links = link->next;
        heap_release(front->heap, link);
    }
    heap_release(front->heap, front);
}

int64_t http_front_port(const struct http_front *front)
{
    return front->port;
}

void http_front_origin(const struct http_front *front, char origin[HTTP_ORIGIN_SIZE])
{
    (void)text_format(origin, HTTP_ORIGIN_SIZE, "http%s://127.0.0.1:%lld", front->tls == NULL ? "" : "s",
                      (long long)front->port);
}
