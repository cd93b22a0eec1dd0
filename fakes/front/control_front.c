#include "fakes/front/control_front.h"

#include <string.h>
#include <strings.h>

#include "fakes/front/control_state.h"

enum { BODY_MAX = 64 * 1024, ANSWER_MAX = 512 * 1024 * 1024 };

void control_refuse(struct control_call *control, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(control->message, sizeof control->message, format, arguments);
    va_end(arguments);
    control->status = status;
}

/* ---- Who may ask -------------------------------------------------------------------------------------------------------- */

/* "127.0.0.1:8000", "localhost", "[::1]:8000". */
static bool is_loopback(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) == 0 && (host[length] == '\0' || host[length] == ':')) {
            return true;
        }
    }
    return false;
}

/* A web page in a browser on this machine could reach this port; its requests say where they come from. */
static bool is_trusted(const struct http_request *request)
{
    const char *host = http_request_header(request, "Host");
    const char *origin = http_request_header(request, "Origin");
    const char *site = http_request_header(request, "Sec-Fetch-Site");
    bool from_here = origin == NULL || (strncmp(origin, "http://", 7) == 0 && is_loopback(origin + 7)) ||
                     (strncmp(origin, "https://", 8) == 0 && is_loopback(origin + 8));
    bool same_site = site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    return (host == NULL || is_loopback(host)) && from_here && same_site;
}

/* ---- Routes ------------------------------------------------------------------------------------------------------------- */

static const struct route {
    enum http_method method;
    const char *path; /* with a slash at its end: a name follows */
    void (*run)(struct control_call *control);
} routes[] = {
    {HTTP_GET, "/v1/state", control_tell_state},
    {HTTP_GET, "/v1/history", control_tell_history},
    {HTTP_GET, "/v1/clock", control_tell_clock},
    {HTTP_GET, "/v1/faults", control_tell_faults},
    {HTTP_GET, "/v1/requests", control_tell_requests},
    {HTTP_POST, "/v1/requests/count", control_count_requests},
    {HTTP_POST, "/v1/clock", control_set_clock},
    {HTTP_PUT, "/v1/faults/", control_put_fault},
    {HTTP_DELETE, "/v1/faults/", control_remove_fault},
    {HTTP_POST, "/v1/machines/", control_act_on_machine},
    {HTTP_POST, "/v1/reset", control_reset},
};

/* Whether a route is meant; a slash at the end does not count, a name has none. */
static bool is_meant(const struct route *route, const char *path, char name[CONTROL_NAME_SIZE])
{
    size_t length = strcspn(path, "?");
    length -= length > 1 && path[length - 1] == '/' ? 1 : 0;
    size_t route_length = strlen(route->path);
    bool named = route->path[route_length - 1] == '/';
    name[0] = '\0';
    if (!named) {
        return length == route_length && memcmp(path, route->path, length) == 0;
    }
    if (length <= route_length || memcmp(path, route->path, route_length) != 0) {
        return false;
    }
    size_t name_length = length - route_length;
    if (name_length >= CONTROL_NAME_SIZE || memchr(path + route_length, '/', name_length) != NULL) {
        return false;
    }
    memcpy(name, path + route_length, name_length);
    name[name_length] = '\0';
    return true;
}

static void run_route(struct control_call *control)
{
    bool known = false;
    for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
        if (!is_meant(&routes[i], control->http->request.path, control->name)) {
            continue;
        }
        known = true;
        if (routes[i].method == control->http->request.method) {
            routes[i].run(control);
            return;
        }
    }
    if (known) {
        control_refuse(control, 405, "%s is not allowed here", control->http->method);
    } else {
        control_refuse(control, 404, "the control API has no such path");
    }
}

/* ---- Calls -------------------------------------------------------------------------------------------------------------- */

static void answer(struct control_call *control)
{
    if (control->text.failed) {
        control_refuse(control, 503, "out of memory");
    }
    if (control->status != 200) {
        http_call_refuse(control->http, control->status, control->status == 404 ? "not_found" : "invalid_request",
                         control->message);
        return;
    }
    const struct http_answer good = {
        .status = 200,
        .content_type = control->content_type,
        .body = {buffer_text(&control->text), control->text.length},
        .length = control->text.length,
    };
    http_call_answer(control->http, &good);
}

static void on_whole(void *context, struct http_call *call)
{
    struct control_front *front = context;
    struct control_call *control = heap_alloc(front->stage->heap, sizeof *control);
    if (control == NULL) {
        http_call_refuse(call, 503, "unavailable", "out of memory");
        return;
    }
    call->state = control;
    control->front = front;
    control->http = call;
    control->status = 200;
    control->content_type = "application/json";
    buffer_init(&control->text, front->stage->heap, ANSWER_MAX);
    json_writer_init(&control->writer, &control->text, 2);
    (void)stage_catch_up(front->stage);
    if (is_trusted(&call->request)) {
        run_route(control);
    } else {
        control_refuse(control, 403, "the control API answers to this machine only, and to no web page");
    }
    answer(control);
}

static void on_gone(void *context, struct http_call *call)
{
    struct control_front *front = context;
    struct control_call *control = call->state;
    if (control != NULL) {
        buffer_release(&control->text);
        heap_release(front->stage->heap, control);
    }
}

static struct control_front *front_of(struct stage_service *service)
{
    return (struct control_front *)((char *)service - offsetof(struct control_front, service));
}

static enum error_code open_front(struct stage_service *service, struct stage_server *stage, struct error *error)
{
    struct control_front *front = front_of(service);
    front->stage = stage;
    front->handler = (struct http_handler){.context = front, .body_max = BODY_MAX, .whole = on_whole, .gone = on_gone};
    const struct http_front_options options = {
        .heap = stage->heap,
        .reactor = stage->reactor,
        .handler = &front->handler,
        .name = "control API",
        .port = front->port,
    };
    return http_front_open(&options, &front->http, error);
}

static void close_front(struct stage_service *service)
{
    struct control_front *front = front_of(service);
    http_front_close(front->http);
    front->http = NULL;
}

void control_front_init(struct control_front *front)
{
    front->service = (struct stage_service){.name = "control", .open = open_front, .close = close_front};
}
