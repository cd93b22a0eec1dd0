/* The keeper: from a machine's creation to its end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/guest/bounds.h"
#include "fakes/guest/guest.h"

#define PROBE_DISK_BYTES (INT64_C(16) << 20)

struct keeper {
    struct heap *heap;
    int program; /* our own file, for each start */
    int64_t disk_bytes;
    pid_t machine;
    bool furnished;
    struct guest_bounds bounds;
    int64_t taken_bytes, used_bytes; /* of the disk: by whatever, and at the last look */
    bool may_grow;
};

static void stop(struct keeper *keeper)
{
    if (keeper->machine > 0) {
        (void)kill(keeper->machine, SIGKILL); /* and with it, all that runs in the machine */
        while (waitpid(keeper->machine, NULL, 0) < 0 && errno == EINTR) {
        }
        keeper->machine = 0;
    }
}

static void say_failed(const char *why)
{
    struct guest_message message = {.kind = GUEST_FAILED};
    (void)!guest_send(GUEST_SOCKET, &message, span_of(why), NULL, 0);
}

static void start(struct keeper *keeper, struct guest_incoming *incoming)
{
    static const char *const command[] = {GUEST_PROGRAM, "init", NULL};
    struct guest_machine machine;
    if (incoming->length < sizeof machine || incoming->descriptor_count != 1) {
        say_failed("the order is not understood");
        return;
    }
    memcpy(&machine, incoming->storage, sizeof machine);
    keeper->bounds = machine.bounds;
    struct span onstart = {incoming->storage + sizeof machine, incoming->length - sizeof machine};
    stop(keeper);
    if (!keeper->furnished && !keeper_furnish(keeper->heap, &machine.facts, onstart)) {
        say_failed("the machine's files do not fit on its disk");
        return;
    }
    keeper->furnished = true;
    keeper->machine = keeper_start(keeper->heap, &machine, keeper->program, incoming->descriptors[0], command);
    if (keeper->machine < 0) {
        keeper->machine = 0;
        say_failed("bubblewrap cannot be started");
    }
}

/* Whoever runs in it may fill the disk faster than the computer has memory: then it is full before its time. */
static void look_at_disk(struct keeper *keeper)
{
    bool may_grow = !bounds_computer_is_short(&keeper->bounds);
    if (may_grow != keeper->may_grow) {
        keeper->may_grow = may_grow;
        keeper_size_disk(keeper->disk_bytes, keeper->taken_bytes, may_grow);
    }
}

static void wait_for_orders(struct keeper *keeper)
{
    struct pollfd socket = {GUEST_SOCKET, POLLIN, 0};
    int patience_ms = -1;
    do {
        if (keeper->machine > 0) {
            int64_t used_bytes = keeper_disk_used();
            patience_ms = used_bytes == keeper->used_bytes ? GUEST_LOOK_AT_REST_MS : GUEST_LOOK_MS;
            keeper->used_bytes = used_bytes;
            look_at_disk(keeper);
        }
    } while (poll(&socket, 1, patience_ms) == 0);
}

/* Without the fake there is nobody whom the machine is for. */
static void serve(struct keeper *keeper, struct guest_incoming *incoming)
{
    while (wait_for_orders(keeper), guest_receive(GUEST_SOCKET, incoming) == GUEST_MESSAGE) {
        if (incoming->message.kind == GUEST_START) {
            start(keeper, incoming);
        } else if (incoming->message.kind == GUEST_STOP) {
            struct guest_message message = {.kind = GUEST_STOPPED};
            stop(keeper);
            (void)!guest_send(GUEST_SOCKET, &message, span_of(""), NULL, 0);
        } else if (incoming->message.kind == GUEST_DISK_USED && incoming->length == sizeof(int64_t)) {
            memcpy(&keeper->taken_bytes, incoming->storage, sizeof keeper->taken_bytes);
            keeper_size_disk(keeper->disk_bytes, keeper->taken_bytes, keeper->may_grow);
        }
        guest_close_descriptors(incoming);
    }
    stop(keeper);
}

int guest_keep(struct heap *heap, int64_t disk_bytes)
{
    char why[GUEST_TEXT_MAX];
    struct keeper keeper = {.heap = heap,
                            .disk_bytes = disk_bytes,
                            .may_grow = true,
                            .program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    struct guest_incoming *incoming = heap_alloc(heap, sizeof *incoming);
    if (incoming == NULL || keeper.program < 0) {
        return 1;
    }
    if (!keeper_enter(disk_bytes, why)) {
        say_failed(why);
        return 1;
    }
    serve(&keeper, incoming);
    return 0;
}

/* A whole machine, for a moment: what fails here would fail at every start. */
int guest_probe(struct heap *heap)
{
    static const char *const command[] = {GUEST_PROGRAM, "nothing", NULL};
    struct guest_machine machine = {.facts = {.instance_id = 1, .disk_bytes = PROBE_DISK_BYTES}};
    char why[GUEST_TEXT_MAX];
    int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (!keeper_enter(PROBE_DISK_BYTES, why)) {
        (void)printf("%s\n", why);
        return 1;
    }
    if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0 || !keeper_furnish(heap, &machine.facts, span_of(""))) {
        (void)printf("a machine's files cannot be written: %s\n", strerror(errno));
        return 1;
    }
    pid_t child = keeper_start(heap, &machine, program, STDOUT_FILENO, command);
    int status = 1;
    if (child <= 0 || waitpid(child, &status, 0) != child) {
        (void)printf("bubblewrap cannot be started: %s\n", strerror(errno));
        return 1;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}
