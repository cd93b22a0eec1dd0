#include "world/live/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the thread owns. From the system, not from a heap: heaps belong to one thread. */
struct errand {
    int answer;
    char host[NAME_SIZE];
};

bool name_is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static void *run_errand(void *argument)
{
    struct errand *errand = argument;
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    char address[ADDRESS_SIZE] = "";
    if (getaddrinfo(errand->host, NULL, &wanted, &found) == 0 && found != NULL) {
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) != 0) {
            address[0] = '\0';
        }
        freeaddrinfo(found);
    }
    /* Short enough for the pair's buffer; nobody may be there to hear it. */
    (void)send(errand->answer, address, strlen(address), MSG_NOSIGNAL);
    (void)close(errand->answer);
    free(errand);
    return NULL;
}

/* A detached thread that no signal is delivered to. */
static bool start_thread(struct errand *errand)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t former;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &former);
    bool started = pthread_create(&thread, &attributes, run_errand, errand) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &former, NULL);
    (void)pthread_attr_destroy(&attributes);
    return started;
}

static void answer_comes(void *context, unsigned ready)
{
    (void)ready;
    struct name_lookup *lookup = context;
    ssize_t length = recv(lookup->watch.descriptor, lookup->address, sizeof lookup->address - 1, 0);
    lookup->address[length > 0 ? (size_t)length : 0] = '\0';
    name_lookup_abandon(lookup);
    lookup->done(lookup->owner);
}

bool name_lookup_start(struct name_lookup *lookup, struct reactor *reactor, const char *host, void (*done)(void *owner),
                       void *owner)
{
    int ends[2];
    if (strlen(host) >= NAME_SIZE || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    struct errand *errand = calloc(1, sizeof *errand);
    *lookup = (struct name_lookup){
        .reactor = reactor,
        .watch = {.descriptor = ends[0], .ready = answer_comes, .context = lookup},
        .done = done,
        .owner = owner,
    };
    if (errand != NULL) {
        errand->answer = ends[1];
        memcpy(errand->host, host, strlen(host));
    }
    if (errand == NULL || !reactor_watch(reactor, &lookup->watch, REACTOR_READ) || !start_thread(errand)) {
        reactor_unwatch(reactor, &lookup->watch);
        (void)close(ends[0]);
        (void)close(ends[1]);
        free(errand);
        return false;
    }
    lookup->under_way = true;
    return true;
}

void name_lookup_abandon(struct name_lookup *lookup)
{
    if (lookup->under_way) {
        lookup->under_way = false;
        reactor_unwatch(lookup->reactor, &lookup->watch);
        (void)close(lookup->watch.descriptor);
    }
}
