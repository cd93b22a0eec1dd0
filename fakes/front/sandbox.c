/* A machine's life: its keeper and its init. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes/front/sandbox_state.h"
#include "fakes/guest/bounds.h"

extern char **environ;

#define MIB_BYTES (INT64_C(1) << 20)
#define RESERVE_MOST_BYTES (INT64_C(1) << 30)

enum { SOCKET_BUFFER = 212992 };

/* ---- sockets ---- */

/* A pair that keeps messages apart: ours does not block. */
static bool make_sockets(int *ours, int *theirs)
{
    int ends[2];
    int size = SOCKET_BUFFER;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 2; i++) {
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    *ours = ends[0];
    *theirs = ends[1];
    return true;
}

static void close_watch(struct reactor *reactor, struct reactor_watch *watch)
{
    reactor_unwatch(reactor, watch);
    if (watch->descriptor >= 0) {
        (void)close(watch->descriptor);
        watch->descriptor = -1;
    }
}

/* ---- the init ---- */

static struct sandbox_process *find_process(struct sandbox *sandbox, uint32_t id)
{
    struct sandbox_process *process = sandbox->processes;
    while (process != NULL && process->id != id) {
        process = process->next;
    }
    return process;
}

/* All that ran in it is gone. Telling a process may close it. */
static void lose_processes(struct sandbox *sandbox)
{
    while (sandbox->processes != NULL) {
        struct sandbox_process *process = sandbox->processes;
        sandbox->processes = process->next;
        process->sandbox = NULL;
        sandbox_process_exited(process, 0, SIGKILL);
    }
}

static void lose_init(struct sandbox *sandbox)
{
    close_watch(sandbox->reactor, &sandbox->init_watch);
    lose_processes(sandbox);
}

static void hear_init(void *context, unsigned ready)
{
    struct sandbox *sandbox = context;
    struct guest_incoming *incoming = &sandbox->incoming;
    (void)ready;
    enum guest_received received = guest_receive(sandbox->init_watch.descriptor, incoming);
    if (received == GUEST_GONE) {
        lose_init(sandbox);
        return;
    }
    if (received == GUEST_NOTHING_YET) {
        return;
    }
    struct sandbox_process *process = find_process(sandbox, incoming->message.id);
    if (process != NULL && incoming->message.kind == GUEST_STARTED && incoming->descriptor_count == 1) {
        incoming->descriptor_count = 0;
        sandbox_process_started(process, incoming->descriptors[0]);
    } else if (process != NULL && incoming->message.kind == GUEST_EXITED) {
        sandbox_process_exited(process, incoming->message.status, incoming->message.signal);
    }
    guest_close_descriptors(incoming);
}

/* ---- the keeper ---- */

static void hear_keeper(void *context, unsigned ready)
{
    struct sandbox *sandbox = context;
    (void)ready;
    enum guest_received received = guest_receive(sandbox->keeper_watch.descriptor, &sandbox->incoming);
    if (received == GUEST_GONE) {
        close_watch(sandbox->reactor, &sandbox->keeper_watch);
    } else if (received == GUEST_MESSAGE && sandbox->incoming.message.kind == GUEST_FAILED) {
        (void)text_format(sandbox->failure, sizeof sandbox->failure, "%.*s", (int)sandbox->incoming.length,
                          sandbox->incoming.storage);
    }
    if (received == GUEST_MESSAGE) {
        guest_close_descriptors(&sandbox->incoming);
    }
}

/* Every descriptor of ours is closed on exec, so it has its socket and nothing else. */
static bool spawn_keeper(struct sandbox *sandbox, const char *program, int socket)
{
    char bytes[24];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    (void)text_format(bytes, sizeof bytes, "%lld", (long long)sandbox->machine.facts.disk_bytes);
    char *const words[] = {(char *)(uintptr_t) "dumont-guest", (char *)(uintptr_t) "keep", bytes, NULL};
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return false;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    /* A group of its own: Ctrl-C is for the fake, which ends its machines itself. */
    bool done = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0 &&
                posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO) == 0 &&
                posix_spawn_file_actions_adddup2(&actions, socket, GUEST_SOCKET) == 0 &&
                posix_spawn(&sandbox->keeper, program, &actions, &attributes, words, environ) == 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return done;
}

void sandbox_bounds_defaults(struct guest_machine *machine)
{
    int64_t half = bounds_half_memory_bytes();
    int64_t own = machine->facts.ram_mib > 0 ? machine->facts.ram_mib * MIB_BYTES : half;
    machine->bounds = (struct guest_bounds){
        .address_space_bytes = SANDBOX_ADDRESS_SPACE_BYTES,
        .processes = SANDBOX_PROCESSES_DEFAULT,
        .memory_bytes = own < half ? own : half,
        .cpu_s = SANDBOX_CPU_S_DEFAULT,
        .reserve_bytes = half / 8 < RESERVE_MOST_BYTES ? half / 8 : RESERVE_MOST_BYTES,
    };
}

struct sandbox *sandbox_new(const struct sandbox_options *options)
{
    int ours;
    int theirs;
    struct sandbox *sandbox = heap_alloc(options->heap, sizeof *sandbox);
    if (sandbox == NULL) {
        return NULL;
    }
    sandbox->heap = options->heap;
    sandbox->reactor = options->reactor;
    sandbox->machine = options->machine;
    sandbox->onstart = options->onstart;
    sandbox->gpu.facts = options->machine.facts;
    sandbox->init_watch.descriptor = -1;
    if (!make_sockets(&ours, &theirs)) {
        heap_release(options->heap, sandbox);
        return NULL;
    }
    if (theirs == GUEST_SOCKET) { /* dup2() onto itself would leave it closed on exec */
        theirs = fcntl(theirs, F_DUPFD_CLOEXEC, GUEST_SOCKET + 1);
        (void)close(GUEST_SOCKET);
    }
    sandbox->keeper_watch = (struct reactor_watch){.descriptor = ours, .ready = hear_keeper, .context = sandbox};
    bool spawned = theirs >= 0 && spawn_keeper(sandbox, options->program, theirs);
    if (theirs >= 0) {
        (void)close(theirs);
    }
    if (!spawned || !reactor_watch(options->reactor, &sandbox->keeper_watch, REACTOR_READ)) {
        sandbox_free(sandbox);
        return NULL;
    }
    return sandbox;
}

void sandbox_free(struct sandbox *sandbox)
{
    if (sandbox == NULL) {
        return;
    }
    lose_init(sandbox);
    close_watch(sandbox->reactor, &sandbox->keeper_watch);
    if (sandbox->keeper > 0) {
        (void)kill(sandbox->keeper, SIGKILL); /* bubblewrap dies with it, and the machine with that */
        while (waitpid(sandbox->keeper, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    heap_release(sandbox->heap, sandbox);
}

/* ---- start and stop ---- */

static void tell_gpu(struct sandbox *sandbox)
{
    struct guest_message message = {.kind = GUEST_GPU};
    if (sandbox->init_watch.descriptor >= 0) {
        (void)!guest_send(sandbox->init_watch.descriptor, &message,
                          (struct span){(const char *)&sandbox->gpu, sizeof sandbox->gpu}, NULL, 0);
    }
}

/* In the background, as a container's entry point does; what onstart says goes to a file. */
static void run_entry_point(struct sandbox *sandbox)
{
    static const char environment[] = "HOME=/root\0USER=root\0"
                                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char order[512];
    struct buffer text;
    struct guest_message message = {.kind = GUEST_EXEC};
    buffer_init_fixed(&text, order, sizeof order);
    buffer_printf(&text, "%s%s%c", sandbox->empties_tmp ? "find /tmp -mindepth 1 -delete; " : "",
                  sandbox->onstart != NULL ? "exec bash /root/onstart.sh >/var/log/onstart.log 2>&1" : "", '\0');
    buffer_append(&text, environment, sizeof environment);
    sandbox->empties_tmp = false;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int streams[] = {nothing, nothing, nothing};
    if (nothing >= 0) {
        (void)!guest_send(sandbox->init_watch.descriptor, &message, (struct span){order, text.length}, streams, 3);
        (void)close(nothing);
    }
}

/* The machine and behind it the text of its onstart. */
static bool send_start(struct sandbox *sandbox, int socket)
{
    struct guest_message message = {.kind = GUEST_START};
    struct buffer payload;
    buffer_init(&payload, sandbox->heap, GUEST_PAYLOAD_MAX);
    buffer_append(&payload, &sandbox->machine, sizeof sandbox->machine);
    buffer_append_text(&payload, sandbox->onstart != NULL ? sandbox->onstart : "");
    bool sent =
        !payload.failed && sandbox->keeper_watch.descriptor >= 0 &&
        guest_send(sandbox->keeper_watch.descriptor, &message, (struct span){payload.data, payload.length}, &socket, 1);
    buffer_release(&payload);
    return sent;
}

bool sandbox_start(struct sandbox *sandbox)
{
    int ours;
    int theirs;
    if (sandbox->init_watch.descriptor >= 0) {
        return true;
    }
    if (!make_sockets(&ours, &theirs)) {
        return false;
    }
    sandbox->failure[0] = '\0';
    sandbox->init_watch = (struct reactor_watch){.descriptor = ours, .ready = hear_init, .context = sandbox};
    bool sent = send_start(sandbox, theirs) && reactor_watch(sandbox->reactor, &sandbox->init_watch, REACTOR_READ);
    (void)close(theirs);
    if (!sent) {
        close_watch(sandbox->reactor, &sandbox->init_watch);
        return false;
    }
    tell_gpu(sandbox);
    if (sandbox->onstart != NULL || sandbox->empties_tmp) {
        run_entry_point(sandbox);
    }
    return true;
}

void sandbox_stop(struct sandbox *sandbox)
{
    struct guest_message message = {.kind = GUEST_STOP};
    if (sandbox->init_watch.descriptor < 0) {
        return;
    }
    if (sandbox->keeper_watch.descriptor >= 0) {
        (void)!guest_send(sandbox->keeper_watch.descriptor, &message, span_of(""), NULL, 0);
    }
    lose_init(sandbox); /* which ends it too: its socket is closed */
}

void sandbox_reboot(struct sandbox *sandbox)
{
    sandbox_stop(sandbox);
    sandbox->empties_tmp = true;
}

bool sandbox_is_running(const struct sandbox *sandbox)
{
    return sandbox->init_watch.descriptor >= 0;
}

const char *sandbox_failure(const struct sandbox *sandbox)
{
    return sandbox->failure;
}

void sandbox_set_disk_used(struct sandbox *sandbox, int64_t bytes)
{
    struct guest_message message = {.kind = GUEST_DISK_USED};
    if (sandbox->keeper_watch.descriptor >= 0) {
        (void)!guest_send(sandbox->keeper_watch.descriptor, &message, (struct span){(const char *)&bytes, sizeof bytes},
                          NULL, 0);
    }
}

void sandbox_set_gpu(struct sandbox *sandbox, const struct host_gpu_load *load, enum host_gpu_state state)
{
    sandbox->gpu.load = *load;
    sandbox->gpu.state = state;
    tell_gpu(sandbox);
}
