/* A process in a machine: its pipes or terminal, moved as far as they go without waiting. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "fakes/front/sandbox_state.h"

enum { PIPE_SIZE = 256 * 1024 };

/* ---- pipes ---- */

static void close_pipe(struct sandbox_process *process, struct sandbox_pipe *pipe)
{
    reactor_unwatch(process->reactor, &pipe->watch);
    if (pipe->watch.descriptor >= 0) {
        (void)close(pipe->watch.descriptor);
        pipe->watch.descriptor = -1;
    }
}

static size_t unsent(const struct sandbox_pipe *pipe)
{
    return pipe->buffer.length - pipe->sent;
}

static void take_off(struct sandbox_pipe *pipe, size_t size)
{
    pipe->sent += size;
    if (pipe->sent == pipe->buffer.length) {
        pipe->buffer.length = 0;
        pipe->sent = 0;
    } else if (pipe->sent > SANDBOX_BUFFERED / 2) {
        memmove(pipe->buffer.data, pipe->buffer.data + pipe->sent, unsent(pipe));
        pipe->buffer.length -= pipe->sent;
        pipe->sent = 0;
    }
}

/* Reads what fits. At the end, or when memory is gone, the pipe is closed. */
static void read_pipe(struct sandbox_process *process, struct sandbox_pipe *pipe)
{
    struct buffer *buffer = &pipe->buffer;
    bool goes_on = pipe->watch.descriptor >= 0;
    while (goes_on && buffer->length < SANDBOX_BUFFERED) {
        if (!buffer_reserve(buffer, SANDBOX_BUFFERED - buffer->length)) {
            close_pipe(process, pipe);
            return;
        }
        ssize_t got = read(pipe->watch.descriptor, buffer->data + buffer->length, SANDBOX_BUFFERED - buffer->length);
        if (got > 0) {
            buffer->length += (size_t)got;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            goes_on = false;
            if (process->terminal && process->exited) {
                close_pipe(process, pipe); /* whoever is left has lost its terminal */
            }
        } else {
            goes_on = false;
            close_pipe(process, pipe);
        }
    }
    bool wants_more = pipe->watch.descriptor >= 0 && buffer->length < SANDBOX_BUFFERED;
    if (pipe->watch.descriptor >= 0 && !reactor_watch(process->reactor, &pipe->watch, wants_more ? REACTOR_READ : 0U)) {
        close_pipe(process, pipe);
    }
}

/* Writes what the other side takes; closes behind the last byte when no more is to come. */
static void write_pipe(struct sandbox_process *process)
{
    struct sandbox_pipe *pipe = &process->in;
    while (pipe->watch.descriptor >= 0 && unsent(pipe) > 0) {
        ssize_t written = write(pipe->watch.descriptor, pipe->buffer.data + pipe->sent, unsent(pipe));
        if (written > 0) {
            take_off(pipe, (size_t)written);
        } else if (written < 0 && errno == EAGAIN) {
            break;
        } else if (written < 0 && errno != EINTR) {
            close_pipe(process, pipe); /* nobody reads any more: what comes is thrown away */
        }
    }
    bool is_last = unsent(pipe) == 0 && process->input_over && !process->terminal;
    if (pipe->watch.descriptor < 0) {
        take_off(pipe, unsent(pipe));
    } else if (is_last || !reactor_watch(process->reactor, &pipe->watch, unsent(pipe) > 0 ? REACTOR_WRITE : 0U)) {
        close_pipe(process, pipe);
    }
}

/* ---- what happens by itself; telling comes last, as it may end the process ---- */

static void out_ready(void *context, unsigned ready)
{
    struct sandbox_process *process = context;
    (void)ready;
    read_pipe(process, &process->out[SANDBOX_OUT]);
    process->changed(process->context);
}

static void err_ready(void *context, unsigned ready)
{
    struct sandbox_process *process = context;
    (void)ready;
    read_pipe(process, &process->out[SANDBOX_ERR]);
    process->changed(process->context);
}

static void in_ready(void *context, unsigned ready)
{
    struct sandbox_process *process = context;
    (void)ready;
    write_pipe(process);
    process->changed(process->context);
}

void sandbox_process_started(struct sandbox_process *process, int terminal)
{
    int copy = fcntl(terminal, F_DUPFD_CLOEXEC, 0);
    (void)fcntl(terminal, F_SETFL, O_NONBLOCK);
    process->in.watch.descriptor = copy;
    process->out[SANDBOX_OUT].watch.descriptor = terminal;
    write_pipe(process);
    read_pipe(process, &process->out[SANDBOX_OUT]);
    process->changed(process->context);
}

void sandbox_process_exited(struct sandbox_process *process, int status, int killed_by)
{
    process->exited = true;
    process->status = status;
    process->killed_by = killed_by;
    for (int i = 0; i < SANDBOX_STREAM_COUNT; i++) {
        read_pipe(process, &process->out[i]);
        if (process->sandbox == NULL) {
            close_pipe(process, &process->out[i]);
        }
    }
    process->changed(process->context);
}

/* ---- start and end ---- */

static void start_pipe(struct sandbox_process *process, struct sandbox_pipe *pipe, reactor_ready_function *ready)
{
    pipe->watch = (struct reactor_watch){.descriptor = -1, .ready = ready, .context = process};
    buffer_init(&pipe->buffer, process->heap, SANDBOX_BUFFERED);
}

/* Pipes for the three streams; ours do not block. `theirs` get the other ends. */
static bool open_pipes(struct sandbox_process *process, int theirs[3])
{
    struct sandbox_pipe *const pipes[] = {&process->in, &process->out[SANDBOX_OUT], &process->out[SANDBOX_ERR]};
    for (int i = 0; i < 3; i++) {
        int ends[2];
        int ours = i == 0 ? 1 : 0;
        if (pipe2(ends, O_CLOEXEC) != 0) {
            return false;
        }
        pipes[i]->watch.descriptor = ends[ours];
        theirs[i] = ends[1 - ours];
        (void)fcntl(ends[ours], F_SETFL, O_NONBLOCK);
        (void)fcntl(ends[ours], F_SETPIPE_SZ, PIPE_SIZE);
    }
    return reactor_watch(process->reactor, &process->out[SANDBOX_OUT].watch, REACTOR_READ) &&
           reactor_watch(process->reactor, &process->out[SANDBOX_ERR].watch, REACTOR_READ);
}

static bool send_exec(struct sandbox_process *process, const struct sandbox_request *request, const int theirs[3])
{
    struct guest_message message = {.kind = GUEST_EXEC,
                                    .id = process->id,
                                    .terminal = request->terminal,
                                    .login = request->login,
                                    .columns = (uint16_t)request->columns,
                                    .rows = (uint16_t)request->rows};
    struct buffer payload;
    buffer_init(&payload, process->heap, GUEST_PAYLOAD_MAX);
    if (!request->login) {
        const char *end =
            request->command.length == 0 ? NULL : memchr(request->command.at, '\0', request->command.length);
        buffer_append(&payload, request->command.at,
                      end != NULL ? (size_t)(end - request->command.at) : request->command.length);
    }
    buffer_append_char(&payload, '\0');
    buffer_append(&payload, request->environment.at, request->environment.length);
    bool sent =
        !payload.failed && guest_send(process->sandbox->init_watch.descriptor, &message,
                                      (struct span){payload.data, payload.length}, theirs, request->terminal ? 0 : 3);
    buffer_release(&payload);
    return sent;
}

struct sandbox_process *sandbox_exec(struct sandbox *sandbox, const struct sandbox_request *request)
{
    bool fits = request->command.length <= GUEST_COMMAND_MAX && request->environment.length <= GUEST_ENVIRONMENT_MAX;
    struct sandbox_process *process =
        fits && sandbox->init_watch.descriptor >= 0 ? heap_alloc(sandbox->heap, sizeof *process) : NULL;
    if (process == NULL) {
        return NULL;
    }
    int theirs[3] = {-1, -1, -1};
    process->sandbox = sandbox;
    process->heap = sandbox->heap;
    process->reactor = sandbox->reactor;
    process->id = ++sandbox->last_id;
    process->terminal = request->terminal;
    process->changed = request->changed;
    process->context = request->context;
    start_pipe(process, &process->in, in_ready);
    start_pipe(process, &process->out[SANDBOX_OUT], out_ready);
    start_pipe(process, &process->out[SANDBOX_ERR], err_ready);
    bool started = (request->terminal || open_pipes(process, theirs)) && send_exec(process, request, theirs);
    for (int i = 0; i < 3; i++) {
        if (theirs[i] >= 0) {
            (void)close(theirs[i]);
        }
    }
    process->next = sandbox->processes;
    sandbox->processes = process;
    if (!started) {
        sandbox_process_close(process);
        return NULL;
    }
    return process;
}

void sandbox_process_close(struct sandbox_process *process)
{
    if (process->sandbox != NULL) {
        struct sandbox_process **place = &process->sandbox->processes;
        while (*place != process) {
            place = &(*place)->next;
        }
        *place = process->next;
    }
    struct sandbox_pipe *const pipes[] = {&process->in, &process->out[SANDBOX_OUT], &process->out[SANDBOX_ERR]};
    for (size_t i = 0; i < ARRAY_LENGTH(pipes); i++) {
        close_pipe(process, pipes[i]);
        buffer_release(&pipes[i]->buffer);
    }
    heap_release(process->heap, process);
}

/* ---- what its owner does ---- */

size_t sandbox_process_room(const struct sandbox_process *process)
{
    return process->input_over ? 0 : SANDBOX_BUFFERED - process->in.buffer.length;
}

void sandbox_process_input(struct sandbox_process *process, struct span bytes)
{
    buffer_append(&process->in.buffer, bytes.at, bytes.length);
    if (process->in.buffer.failed) {
        close_pipe(process, &process->in);
        return;
    }
    bool awaits_terminal = process->terminal && process->in.watch.descriptor < 0 && !process->exited;
    if (!awaits_terminal) {
        write_pipe(process);
    }
}

/* A terminal has no end of input: the client's is told to it as the key that means it. */
void sandbox_process_input_end(struct sandbox_process *process)
{
    if (process->terminal && !process->input_over && sandbox_process_room(process) > 0) {
        sandbox_process_input(process, (struct span){"\004", 1});
    }
    process->input_over = true;
    if (!process->terminal) {
        write_pipe(process);
    }
}

struct span sandbox_process_output(const struct sandbox_process *process, enum sandbox_stream stream)
{
    const struct sandbox_pipe *pipe = &process->out[stream];
    struct span all = {buffer_text(&pipe->buffer), pipe->buffer.length};
    return (struct span){all.at + pipe->sent, all.length - pipe->sent};
}

void sandbox_process_sent(struct sandbox_process *process, enum sandbox_stream stream, size_t size)
{
    struct sandbox_pipe *pipe = &process->out[stream];
    take_off(pipe, size);
    if (pipe->watch.descriptor >= 0 && pipe->watch.wanted == 0) {
        read_pipe(process, pipe);
    }
}

void sandbox_process_say(struct sandbox_process *process, enum sandbox_stream stream, const char *text)
{
    buffer_append_text(&process->out[process->terminal ? SANDBOX_OUT : stream].buffer, text);
    process->out[stream].buffer.failed = false;
}

void sandbox_process_resize(struct sandbox_process *process, int columns, int rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    if (process->terminal && process->out[SANDBOX_OUT].watch.descriptor >= 0) {
        (void)ioctl(process->out[SANDBOX_OUT].watch.descriptor, TIOCSWINSZ, &size);
    }
}

void sandbox_process_signal(struct sandbox_process *process, int number)
{
    struct guest_message message = {.kind = GUEST_SIGNAL, .id = process->id, .signal = number};
    if (process->sandbox != NULL && process->sandbox->init_watch.descriptor >= 0) {
        (void)!guest_send(process->sandbox->init_watch.descriptor, &message, span_of(""), NULL, 0);
    }
}

bool sandbox_process_has_ended(const struct sandbox_process *process)
{
    return process->exited && process->out[SANDBOX_OUT].watch.descriptor < 0 &&
           process->out[SANDBOX_ERR].watch.descriptor < 0;
}

int sandbox_process_status(const struct sandbox_process *process)
{
    return process->status;
}

int sandbox_process_killed_by(const struct sandbox_process *process)
{
    return process->killed_by;
}
