#include "bare.h"

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "samples.h"

/* A reply up to BLOCK_BYTES is one buffer that is there already; a longer one comes by blocks. */
enum { BLOCK_BYTES = 1 << 16, CONNECTIONS = 20000, TICK_NS = 1000000 };

struct call {
    bool digesting, waited;
    struct digest digest;
    struct MHD_Connection *connection;
    int64_t due_ns;
    struct call *next;
};

struct bare {
    struct heap *heap;
    int64_t delay_ns;
    pthread_mutex_t lock;
    struct call *first, **last; /* suspended calls in the order in which they are due */
    char block[BLOCK_BYTES];
};

static void suspend(struct bare *bare, struct call *call)
{
    call->waited = true;
    call->due_ns = bench_now_ns() + bare->delay_ns;
    call->next = NULL;
    MHD_suspend_connection(call->connection);
    (void)pthread_mutex_lock(&bare->lock);
    *bare->last = call;
    bare->last = &call->next;
    (void)pthread_mutex_unlock(&bare->lock);
}

/* A thread: resumes what is due, on a tick as the fake's front does. */
static void *resume_due(void *argument)
{
    struct bare *bare = argument;
    for (;;) {
        (void)nanosleep(&(struct timespec){0, TICK_NS}, NULL);
        int64_t now_ns = bench_now_ns();
        (void)pthread_mutex_lock(&bare->lock);
        while (bare->first != NULL && bare->first->due_ns <= now_ns) {
            struct call *call = bare->first;
            bare->first = call->next;
            MHD_resume_connection(call->connection);
        }
        bare->last = bare->first == NULL ? &bare->first : bare->last;
        (void)pthread_mutex_unlock(&bare->lock);
    }
    return NULL;
}

static ssize_t send_block(void *context, uint64_t at, char *out, size_t size)
{
    const struct bare *bare = context;
    size_t count = size < BLOCK_BYTES ? size : BLOCK_BYTES;
    (void)at;
    memcpy(out, bare->block, count);
    return (ssize_t)count;
}

static struct MHD_Response *make_reply(struct bare *bare, struct call *call, const char *url)
{
    char hex[DIGEST_HEX_SIZE];
    if (call->digesting) {
        call->digesting = false;
        return digest_finish(&call->digest, hex)
                   ? MHD_create_response_from_buffer(strlen(hex), hex, MHD_RESPMEM_MUST_COPY)
                   : NULL;
    }
    uint64_t bytes = strtoull(url + 1, NULL, 10);
    return bytes <= BLOCK_BYTES ? MHD_create_response_from_buffer(bytes, bare->block, MHD_RESPMEM_PERSISTENT)
                                : MHD_create_response_from_callback(bytes, BLOCK_BYTES, send_block, bare, NULL);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_bytes, void **state)
{
    struct bare *bare = context;
    struct call *call = *state;
    (void)method;
    (void)version;
    if (call == NULL) {
        call = calloc(1, sizeof *call); /* a reply in the first call would close the connection */
        *state = call;
        if (call != NULL) {
            call->connection = connection;
        }
        return call == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_bytes > 0) {
        call->digesting = call->digesting || digest_start(&call->digest, bare->heap, DIGEST_SHA1);
        digest_add(&call->digest, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (bare->delay_ns > 0 && !call->waited) {
        suspend(bare, call);
        return MHD_YES;
    }
    struct MHD_Response *response = make_reply(bare, call, url);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void forget(void *context, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode reason)
{
    (void)context;
    (void)connection;
    (void)reason;
    free(*state);
}

static struct MHD_Daemon *start_daemon(struct bare *bare, int64_t delay_ns)
{
    pthread_t resumer;
    bare->heap = heap_new();
    bare->delay_ns = delay_ns;
    bare->last = &bare->first;
    bool ready = bare->heap != NULL && pthread_mutex_init(&bare->lock, NULL) == 0 &&
                 (delay_ns == 0 || pthread_create(&resumer, NULL, resume_due, bare) == 0);
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (delay_ns == 0 ? 0U : (unsigned)MHD_ALLOW_SUSPEND_RESUME);
    return !ready ? NULL
                  : MHD_start_daemon(flags, 0, NULL, NULL, answer, bare, MHD_OPTION_CONNECTION_LIMIT,
                                     (unsigned)CONNECTIONS, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
}

static _Noreturn void serve(int64_t delay_ns, int told)
{
    struct bare *bare = calloc(1, sizeof *bare);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct MHD_Daemon *daemon = bare == NULL ? NULL : start_daemon(bare, delay_ns);
    uint16_t port = daemon == NULL ? 0 : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    (void)!write(told, &port, sizeof port);
    for (;;) {
        (void)pause();
    }
}

pid_t bare_start(int64_t delay_ns, uint16_t *port)
{
    int ends[2];
    if (pipe(ends) != 0) {
        bench_fail("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve(delay_ns, ends[1]);
    }
    if (pid < 0 || read(ends[0], port, sizeof *port) != (ssize_t)sizeof *port || *port == 0) {
        bench_fail("the bare server does not start");
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return pid;
}
