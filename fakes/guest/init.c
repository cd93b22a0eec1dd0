/* A machine's first process: starts what it is told to, and says how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "fakes/guest/bounds.h"
#include "fakes/guest/guest.h"

enum { CHILDREN_MAX = 1024, ENVIRONMENT_WORDS_MAX = 256, STATUS_CANNOT_RUN = 126 };

struct child {
    pid_t process; /* 0: free */
    uint32_t id;
};

struct init {
    struct guest_bounds bounds;
    int64_t next_look_ms;
    bool is_alone; /* at the last look, and nothing was started since */
    struct guest_incoming incoming;
    struct child children[CHILDREN_MAX];
};

/* ---- in the child ---- */

static void take_terminal(int terminal, const struct guest_message *message)
{
    struct winsize size = {.ws_col = message->columns, .ws_row = message->rows};
    (void)ioctl(terminal, TIOCSWINSZ, &size);
    (void)ioctl(terminal, TIOCSCTTY, 0);
}

/* `payload` is the command, a NUL, and the environment. Never returns. */
static void become_command(const struct init *init, char *payload, size_t length, const int streams[3])
{
    const struct guest_message *message = &init->incoming.message;
    char *environment[ENVIRONMENT_WORDS_MAX + 1];
    size_t count = 0;
    char *end = payload + length;
    for (char *at = payload + strlen(payload) + 1; at < end && count < ENVIRONMENT_WORDS_MAX; at += strlen(at) + 1) {
        environment[count++] = at;
    }
    environment[count] = NULL;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number,
                     SIG_DFL); /* whoever started the fake may have had some of them ignored, as nohup and `&` do */
    }
    (void)setsid();
    if (message->terminal) {
        take_terminal(streams[0], message);
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(streams[i], i) < 0) {
            _exit(STATUS_CANNOT_RUN);
        }
    }
    bounds_hold_process(&init->bounds);
    if (chdir("/root") != 0 && chdir("/") != 0) {
        _exit(STATUS_CANNOT_RUN);
    }
    char *const login[] = {"-bash", NULL};
    char *const command[] = {"bash", "-c", payload, NULL};
    (void)execve("/bin/bash", message->login ? login : command, environment);
    _exit(STATUS_CANNOT_RUN);
}

/* ---- orders ---- */

static void say(uint32_t kind, uint32_t id, int status, int number, const int *descriptor)
{
    struct guest_message message = {.kind = kind, .id = id, .status = status, .signal = number};
    (void)!guest_send(GUEST_SOCKET, &message, span_of(""), descriptor, descriptor != NULL ? 1 : 0);
}

static struct child *find_child(struct init *init, pid_t process)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (init->children[i].process == process) {
            return &init->children[i];
        }
    }
    return NULL;
}

/* A new terminal's two ends, the far one not yet anybody's. False: the system has none left. */
static bool open_terminal(int *master, int *slave)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char *name = *master >= 0 && grantpt(*master) == 0 && unlockpt(*master) == 0 ? ptsname(*master) : NULL;
    *slave = name != NULL ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    return *slave >= 0;
}

static void execute(struct init *init)
{
    struct guest_incoming *order = &init->incoming;
    struct child *child = find_child(init, 0);
    int streams[3] = {-1, -1, -1};
    int master = -1;
    bool ready = child != NULL && order->length > 0 && order->storage[order->length - 1] == '\0';
    if (ready && order->message.terminal) {
        ready = open_terminal(&master, &streams[0]);
        streams[1] = streams[2] = streams[0];
    } else if (ready) {
        ready = order->descriptor_count == 3;
        memcpy(streams, order->descriptors, sizeof streams);
    }
    pid_t process = ready ? fork() : -1;
    if (process == 0) {
        become_command(init, order->storage, order->length, streams);
    }
    if (process > 0) {
        *child = (struct child){process, order->message.id};
        init->is_alone = false;
        say(GUEST_STARTED, order->message.id, 0, 0, master >= 0 ? &master : NULL);
    } else {
        say(GUEST_EXITED, order->message.id, STATUS_CANNOT_RUN, 0, NULL);
    }
    if (order->message.terminal && streams[0] >= 0) {
        (void)close(streams[0]);
    }
    if (master >= 0) {
        (void)close(master);
    }
}

static void send_signal(struct init *init)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (init->children[i].process > 0 && init->children[i].id == init->incoming.message.id) {
            (void)kill(-init->children[i].process, init->incoming.message.signal);
        }
    }
}

/* A new file in the place of the old one, so that nobody reads half of it. */
static void keep_gpu(const struct guest_incoming *order)
{
    int descriptor = open(GUEST_GPU_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor >= 0) {
        bool whole = write(descriptor, order->storage, order->length) == (ssize_t)order->length;
        (void)close(descriptor);
        if (whole) {
            (void)rename(GUEST_GPU_FILE ".new", GUEST_GPU_FILE);
        }
    }
}

/* False: the fake is gone, or has stopped the machine. */
static bool take_orders(struct init *init)
{
    enum guest_received received = guest_receive(GUEST_SOCKET, &init->incoming);
    if (received == GUEST_MESSAGE) {
        switch (init->incoming.message.kind) {
        case GUEST_EXEC:
            execute(init);
            break;
        case GUEST_SIGNAL:
            send_signal(init);
            break;
        case GUEST_GPU:
            keep_gpu(&init->incoming);
            break;
        default:
            break;
        }
        guest_close_descriptors(&init->incoming);
    }
    return received != GUEST_GONE;
}

static void reap(struct init *init)
{
    int status;
    pid_t process;
    while ((process = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = find_child(init, process);
        if (child != NULL) {
            bool killed = WIFSIGNALED(status);
            say(GUEST_EXITED, child->id, killed ? 0 : WEXITSTATUS(status), killed ? WTERMSIG(status) : 0, NULL);
            child->process = 0;
        }
    }
}

/* Looks at what all have of the computer, when the last look is old enough. The milliseconds until the next, -1: none is needed. */
static int look(struct init *init)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
    if (now_ms >= init->next_look_ms) {
        init->is_alone = !bounds_look(&init->bounds);
        init->next_look_ms = now_ms + GUEST_LOOK_MS;
    }
    return init->is_alone ? -1 : (int)(init->next_look_ms - now_ms);
}

int guest_init(struct heap *heap)
{
    struct init *init = heap_alloc(heap, sizeof *init);
    sigset_t children;
    (void)sigemptyset(&children);
    (void)sigaddset(&children, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &children, NULL);
    int ended = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    bool goes_on = init != NULL && ended >= 0 && bounds_read(getenv(GUEST_BOUNDS), &init->bounds) &&
                   fcntl(GUEST_SOCKET, F_SETFD, FD_CLOEXEC) == 0 && fcntl(GUEST_SOCKET, F_SETFL, O_NONBLOCK) == 0;
    (void)umask(022);
    while (goes_on) {
        struct pollfd watched[] = {{GUEST_SOCKET, POLLIN, 0}, {ended, POLLIN, 0}};
        struct signalfd_siginfo information;
        (void)poll(watched, 2, look(init));
        if (watched[1].revents != 0) {
            (void)!read(ended, &information, sizeof information);
            reap(init);
        }
        if (watched[0].revents != 0) {
            goes_on = take_orders(init);
        }
    }
    _exit(0); /* at once; and the kernel ends all others */
}
