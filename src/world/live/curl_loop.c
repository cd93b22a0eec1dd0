#include "world/live/curl_loop.h"

#include "base/units.h"

/* A socket that curl wants watched. */
struct curl_socket {
    struct curl_loop *loop;
    struct curl_socket *next;
    struct curl_socket *previous;
    struct reactor_watch watch;
};

struct curl_loop {
    struct heap *heap;
    struct reactor *reactor;
    CURLM *multi;
    struct reactor_timer timer;
    struct curl_socket *sockets;
    curl_ended_function *ended;
};

static void hand_out_what_ended(struct curl_loop *loop)
{
    int left;
    for (CURLMsg *message = curl_multi_info_read(loop->multi, &left); message != NULL;
         message = curl_multi_info_read(loop->multi, &left)) {
        if (message->msg == CURLMSG_DONE) {
            CURL *easy = message->easy_handle;
            CURLcode code = message->data.result;
            char *owner = NULL;
            (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
            (void)curl_multi_remove_handle(loop->multi, easy);
            loop->ended(owner, code);
        }
    }
}

static void act(struct curl_loop *loop, curl_socket_t descriptor, int events)
{
    int running;
    (void)curl_multi_socket_action(loop->multi, descriptor, events, &running);
    hand_out_what_ended(loop);
}

static void socket_is_ready(void *context, unsigned ready)
{
    struct curl_socket *socket = context;
    int events =
        ((ready & REACTOR_READ) != 0 ? CURL_CSELECT_IN : 0) | ((ready & REACTOR_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    act(socket->loop, socket->watch.descriptor, events);
}

static void timer_happens(void *owner)
{
    act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void forget_socket(struct curl_socket *socket)
{
    struct curl_loop *loop = socket->loop;
    reactor_unwatch(loop->reactor, &socket->watch);
    if (socket->previous != NULL) {
        socket->previous->next = socket->next;
    } else {
        loop->sockets = socket->next;
    }
    if (socket->next != NULL) {
        socket->next->previous = socket->previous;
    }
    heap_release(loop->heap, socket);
}

static struct curl_socket *new_socket(struct curl_loop *loop, curl_socket_t descriptor)
{
    struct curl_socket *socket = heap_alloc(loop->heap, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    socket->loop = loop;
    socket->watch = (struct reactor_watch){.descriptor = descriptor, .ready = socket_is_ready, .context = socket};
    socket->next = loop->sockets;
    if (loop->sockets != NULL) {
        loop->sockets->previous = socket;
    }
    loop->sockets = socket;
    (void)curl_multi_assign(loop->multi, descriptor, socket);
    return socket;
}

/* A socket that cannot be watched leaves its transfer to the deadline. */
static int socket_wanted(CURL *easy, curl_socket_t descriptor, int what, void *context, void *socket_context)
{
    (void)easy;
    struct curl_loop *loop = context;
    struct curl_socket *socket = socket_context;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            (void)curl_multi_assign(loop->multi, descriptor, NULL);
            forget_socket(socket);
        }
        return 0;
    }
    if (socket == NULL) {
        socket = new_socket(loop, descriptor);
    }
    unsigned wanted = (what & CURL_POLL_IN) != 0 ? (unsigned)REACTOR_READ : 0U;
    wanted |= (what & CURL_POLL_OUT) != 0 ? (unsigned)REACTOR_WRITE : 0U;
    if (socket != NULL) {
        bool watched = reactor_watch(loop->reactor, &socket->watch, wanted);
        (void)watched;
    }
    return 0;
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct curl_loop *loop = context;
    if (timeout_ms < 0) {
        reactor_disarm(loop->reactor, &loop->timer);
        return 0;
    }
    int64_t due_ns = monotonic_now_ns() + timeout_ms * NS_PER_MS;
    return reactor_arm(loop->reactor, &loop->timer, REACTOR_REAL, due_ns, timer_happens, loop) ? 0 : -1;
}

struct curl_loop *curl_loop_new(struct heap *heap, struct reactor *reactor, curl_ended_function *ended)
{
    struct curl_loop *loop = heap_alloc(heap, sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    loop->heap = heap;
    loop->reactor = reactor;
    loop->ended = ended;
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        heap_release(heap, loop);
        return NULL;
    }
    (void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
    (void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void curl_loop_free(struct curl_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    (void)curl_multi_cleanup(loop->multi);
    while (loop->sockets != NULL) {
        forget_socket(loop->sockets);
    }
    reactor_disarm(loop->reactor, &loop->timer);
    heap_release(loop->heap, loop);
}

bool curl_loop_add(struct curl_loop *loop, CURL *easy)
{
    return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
    (void)curl_multi_remove_handle(loop->multi, easy);
}
