/*
 * Links: what the front keeps of each connection. libmicrohttpd waits for edges, and one edge may bring bytes and the end of them:
 * then it reads the bytes and waits for ever. So the front looks for hang-ups itself and lets libmicrohttpd see them.
 */
#include <sys/socket.h>

#include "fakes/front/http_state.h"

/* Whoever waits there for an answer, as it seems, does so no more. */
static void tell_hangup(const struct http_link *link)
{
    const struct http_handler *handler = link->front->handler;
    for (struct http_call_inside *inside = link->front->calls; inside != NULL; inside = inside->next) {
        if (inside->link == link && inside->told && handler->hung != NULL) {
            handler->hung(handler->context, &inside->call);
            return;
        }
    }
}

/* What was sent is read first; then a second edge tells of the end, unless the connection has gone meanwhile. */
static void pass_hangup_on(struct http_link *link)
{
    struct http_front *front = link->front;
    reactor_unwatch(front->reactor, &link->watch);
    link->hung = true;
    tell_hangup(link);
    uint64_t serial = link->serial;
    http_pump(front);
    if (link->serial == serial) {
        (void)shutdown(link->watch.descriptor, SHUT_RD);
    }
}

static void on_ready(void *context, unsigned ready)
{
    struct http_link *link = context;
    if (link->writer != NULL) {
        http_bytes_ready(link->writer, ready);
    } else if ((ready & REACTOR_HANGUP) != 0) {
        pass_hangup_on(link);
    }
}

static void open_link(struct http_front *front, struct MHD_Connection *connection, void **context)
{
    struct http_link *link = front->spare_links;
    if (link != NULL) {
        front->spare_links = link->next;
    } else {
        link = heap_alloc(front->heap, sizeof *link);
    }
    *context = link;
    if (link == NULL) {
        return; /* its requests are refused */
    }
    int descriptor = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *link = (struct http_link){.front = front,
                               .serial = ++front->links,
                               .watch = {.descriptor = descriptor, .ready = on_ready, .context = link}};
    http_link_rest(link);
}

static void close_link(struct http_link *link)
{
    struct http_front *front = link->front;
    reactor_unwatch(front->reactor, &link->watch);
    link->serial = 0;
    link->next = front->spare_links;
    front->spare_links = link;
}

void http_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        open_link(context, connection, socket_context);
    } else if (*socket_context != NULL) {
        close_link(*socket_context);
        *socket_context = NULL;
    }
}

struct http_link *http_link_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void http_link_rest(struct http_link *link)
{
    link->writer = NULL;
    /* Without descriptors for the watch the connection lives until its time limit. */
    bool watched = link->hung || reactor_watch(link->front->reactor, &link->watch, REACTOR_HANGUP);
    (void)watched;
}
