#define _GNU_SOURCE /* accept4 */
/* Loopback addresses and ports of machines. */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/random.h"
#include "fakes/front/ssh_state.h"

enum { ADDRESS_TRIES = 64, PORT_TRIES = 16, PORT_MOST = 65535, BACKLOG = 512 };

/* 127.x.y.z by seed, id and attempt; x and z are never 0 or 255, so it is nobody's usual address and no broadcast. */
static struct in_addr draw_address(uint64_t seed, int64_t id, uint32_t attempt)
{
    struct random_address at = {
        .purpose = RANDOM_ADDRESS, .entity = (uint32_t)id, .index = (uint32_t)(id >> 32) ^ attempt << 24};
    uint64_t bits = random_bits(seed, at);
    uint32_t x = 1 + (uint32_t)(bits & 0xffff) % 254;
    uint32_t y = (uint32_t)(bits >> 16 & 0xff);
    uint32_t z = 1 + (uint32_t)(bits >> 24 & 0xffff) % 254;
    return (struct in_addr){htonl(127U << 24 | x << 16 | y << 8 | z)};
}

/*
 * The address is this machine's alone while a socket of its name is held: fakes that run side by side with one seed would otherwise
 * draw the same one, and which of them a client meets, or whether either may listen, would be chance. The name is an abstract one:
 * of no file, and gone with its process however that ends.
 */
static int claim(const char *address, int descriptors_max)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = 0;
    if (text_format(name.sun_path + 1, sizeof name.sun_path - 1, "dumont-machine-%s", address)) {
        length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name.sun_path + 1);
    }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor >= descriptors_max / 2 ||
        (descriptor >= 0 && bind(descriptor, (struct sockaddr *)&name, (socklen_t)length) != 0)) {
        (void)close(descriptor);
        return -1;
    }
    return descriptor;
}

/*
 * Reuse is for connections of an earlier run that linger; they allow it (see peer_accept()). Of those who listen or are about to,
 * none is a fake's, since the address is claimed.
 */
static int bind_to(struct in_addr address, int64_t number)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr = address};
    static const int on = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 && (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
                            bind(descriptor, (struct sockaddr *)&name, sizeof name) != 0)) {
        int why = errno;
        (void)close(descriptor);
        errno = why;
        return -1;
    }
    return descriptor;
}

/* The port asked for, else one of those behind it, else the kernel's choice. What it is in the end is put into `number`. */
static int bind_near(struct in_addr address, int descriptors_max, int64_t *number)
{
    for (int i = 0; i <= PORT_TRIES; i++) {
        int64_t wanted = i == PORT_TRIES ? 0 : *number + INT64_C(2) * i;
        if (wanted < 0 || wanted > PORT_MOST) {
            continue;
        }
        int descriptor = bind_to(address, wanted);
        if (descriptor >= descriptors_max / 2) {
            (void)close(descriptor);
            break;
        }
        struct sockaddr_in name = {0};
        socklen_t size = sizeof name;
        if (descriptor >= 0 && getsockname(descriptor, (struct sockaddr *)&name, &size) == 0) {
            *number = ntohs(name.sin_port);
            return descriptor;
        }
        if (descriptor >= 0) {
            (void)close(descriptor);
        } else if (errno != EADDRINUSE && errno != EACCES) {
            break;
        }
    }
    return -1;
}

void machine_bind(struct ssh_machine *machine, int64_t id, struct market_address *address)
{
    char text[INET_ADDRSTRLEN] = "";
    int descriptors_max = machine->front->descriptors_max;
    for (uint32_t attempt = 0; machine->claim < 0 && attempt < ADDRESS_TRIES; attempt++) {
        machine->address = draw_address(machine->front->stage->scenario->seed, id, attempt);
        if (inet_ntop(AF_INET, &machine->address, text, sizeof text) != NULL) {
            machine->claim = claim(text, descriptors_max);
        }
    }
    (void)text_copy(address->ssh_host, sizeof address->ssh_host, text);
    (void)text_copy(address->public_ipaddr, sizeof address->public_ipaddr, text);
    int64_t *numbers[] = {[SSH_PORT_PROXY] = &address->ssh_port, [SSH_PORT_DIRECT] = &address->direct_port};
    for (size_t i = 0; i < SSH_PORT_COUNT; i++) {
        struct machine_port *port = &machine->ports[i];
        *port = (struct machine_port){.machine = machine, .which = (enum ssh_port)i, .descriptor = -1, .filler = -1};
        if (machine->claim >= 0) {
            port->descriptor = bind_near(machine->address, descriptors_max, numbers[i]);
        }
        machine->front->stage->deaf_ports += port->descriptor < 0;
    }
}

static void close_filler(struct machine_port *port)
{
    if (port->filler >= 0) {
        (void)close(port->filler);
        port->filler = -1;
    }
}

void machine_unbind(struct ssh_machine *machine)
{
    for (size_t i = 0; i < SSH_PORT_COUNT; i++) {
        struct machine_port *port = &machine->ports[i];
        stage_cancel(machine->front->stage, &port->change);
        reactor_unwatch(machine->front->stage->reactor, &port->watch);
        close_filler(port);
        if (port->descriptor >= 0) {
            (void)close(port->descriptor);
            port->descriptor = -1;
        }
    }
    if (machine->claim >= 0) {
        (void)close(machine->claim);
        machine->claim = -1;
    }
}

/* ---- Listening ---------------------------------------------------------------------------------------------------------- */

static void port_ready(void *context, unsigned ready)
{
    enum { ACCEPTS_A_TURN = 64 };
    struct machine_port *port = context;
    (void)ready;
    (void)stage_catch_up(port->machine->front->stage);
    for (int i = 0; i < ACCEPTS_A_TURN && port->watch.wanted != 0 && !port->machine->is_dirty; i++) {
        int descriptor = accept4(port->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            return; /* nobody, or no descriptors left: whoever waits goes on waiting */
        }
        peer_accept(port, descriptor);
    }
}

static void stop_listening(struct machine_port *port)
{
    reactor_unwatch(port->machine->front->stage->reactor, &port->watch);
    close_filler(port);
    if (port->listens) {
        (void)shutdown(port->descriptor, SHUT_RD); /* stays bound; whoever waits to be accepted is reset */
        port->listens = false;
    }
}

/* Before the first listen() nothing may be shut down: what is accepted later would be deaf. */
static bool start_queue(struct machine_port *port, int backlog)
{
    if (!port->listens) {
        port->listens = listen(port->descriptor, backlog) == 0;
        port->machine->front->stage->deaf_ports += !port->listens;
    }
    return port->listens;
}

static void start_listening(struct machine_port *port)
{
    struct reactor *reactor = port->machine->front->stage->reactor;
    port->watch = (struct reactor_watch){.descriptor = port->descriptor, .ready = port_ready, .context = port};
    if (!start_queue(port, BACKLOG) || !reactor_watch(reactor, &port->watch, REACTOR_READ)) {
        stop_listening(port);
    }
}

/* A full queue of connections drops what comes: no answer at all, as from a host that is gone. */
static void be_unreachable(struct machine_port *port)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    port->filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool full = port->filler >= 0 && start_queue(port, 0) &&
                getsockname(port->descriptor, (struct sockaddr *)&name, &size) == 0 &&
                (connect(port->filler, (struct sockaddr *)&name, size) == 0 || errno == EINPROGRESS);
    if (!full) {
        stop_listening(port);
    }
}

void port_apply(struct machine_port *port, enum ssh_stage stage)
{
    if (port->descriptor < 0 || stage == port->stage) {
        port->stage = stage;
        return;
    }
    bool was_open = port->watch.wanted != 0;
    bool is_open = stage != SSH_STAGE_REFUSED && stage != SSH_STAGE_UNREACHABLE;
    port->stage = stage;
    if (was_open && is_open) {
        return;
    }
    stop_listening(port);
    if (stage == SSH_STAGE_UNREACHABLE) {
        be_unreachable(port);
    } else if (is_open) {
        start_listening(port);
    }
}
