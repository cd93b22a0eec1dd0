#include "world/live/person_streams.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void is_ready(void *context, unsigned ready)
{
    (void)ready;
    struct person_streams *streams = context;
    streams->changed(streams->owner);
}

void person_streams_begin(struct person_streams *streams, struct reactor *reactor, bool reads,
                          void (*changed)(void *owner), void *owner)
{
    static const int descriptors[PERSON_OUTPUTS] = {STDOUT_FILENO, STDERR_FILENO};
    streams->reactor = reactor;
    streams->changed = changed;
    streams->owner = owner;
    streams->input_ended = !reads || isatty(STDIN_FILENO) == 1;
    streams->failed = false;
    streams->input_begin = 0;
    streams->input_length = 0;
    streams->input_watch = (struct reactor_watch){.descriptor = STDIN_FILENO, .ready = is_ready, .context = streams};
    for (size_t i = 0; i < PERSON_OUTPUTS; i++) {
        struct person_output *output = &streams->outputs[i];
        output->watch = (struct reactor_watch){.descriptor = descriptors[i], .ready = is_ready, .context = streams};
        output->begin = 0;
        output->length = 0;
    }
}

void person_streams_end(struct person_streams *streams)
{
    reactor_unwatch(streams->reactor, &streams->input_watch);
    for (size_t i = 0; i < PERSON_OUTPUTS; i++) {
        reactor_unwatch(streams->reactor, &streams->outputs[i].watch);
    }
}

/* Whether a read or a write of a few bytes would go through at once: always so for files. */
static bool is_possible(int descriptor, short what)
{
    struct pollfd asked = {.fd = descriptor, .events = what};
    return poll(&asked, 1, 0) > 0;
}

/* Waits for the descriptor. One that cannot be watched is a file, which was possible, or is gone. */
static bool wait_for(struct person_streams *streams, struct reactor_watch *watch, unsigned wanted)
{
    return watch->wanted == wanted || reactor_watch(streams->reactor, watch, wanted);
}

/* ---- Input -------------------------------------------------------------------------------------------------------------- */

struct span person_input(struct person_streams *streams)
{
    while (streams->input_length == 0 && !streams->input_ended) {
        if (!is_possible(STDIN_FILENO, POLLIN)) {
            streams->input_ended = !wait_for(streams, &streams->input_watch, REACTOR_READ);
            break;
        }
        ssize_t count = read(STDIN_FILENO, streams->input, sizeof streams->input);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        streams->input_begin = 0;
        streams->input_length = count > 0 ? (size_t)count : 0;
        streams->input_ended = count <= 0;
    }
    if (streams->input_length > 0 || streams->input_ended) {
        reactor_unwatch(streams->reactor, &streams->input_watch);
    }
    return (struct span){streams->input + streams->input_begin, streams->input_length};
}

void person_input_taken(struct person_streams *streams, size_t size)
{
    streams->input_begin += size;
    streams->input_length -= size;
}

void person_input_pause(struct person_streams *streams)
{
    reactor_unwatch(streams->reactor, &streams->input_watch);
}

/* ---- Outputs ------------------------------------------------------------------------------------------------------------ */

size_t person_room(const struct person_streams *streams, bool is_stderr)
{
    const struct person_output *output = &streams->outputs[is_stderr ? 1 : 0];
    return sizeof output->bytes - output->length;
}

size_t person_take(struct person_streams *streams, bool is_stderr, const void *bytes, size_t size)
{
    struct person_output *output = &streams->outputs[is_stderr ? 1 : 0];
    if (output->begin > 0) {
        memmove(output->bytes, output->bytes + output->begin, output->length);
        output->begin = 0;
    }
    size_t room = person_room(streams, is_stderr);
    size_t taken = size < room ? size : room;
    memcpy(output->bytes + output->length, bytes, taken);
    output->length += taken;
    return taken;
}

/* A pipe that says that it takes something takes PIPE_BUF bytes. */
static void write_some(struct person_streams *streams, struct person_output *output)
{
    size_t size = output->length < PIPE_BUF ? output->length : PIPE_BUF;
    ssize_t written = write(output->watch.descriptor, output->bytes + output->begin, size);
    if (written > 0) {
        output->begin += (size_t)written;
        output->length -= (size_t)written;
    } else if (written == 0 || (errno != EINTR && errno != EAGAIN)) {
        streams->failed = true;
    }
}

bool person_flush(struct person_streams *streams)
{
    bool empty = true;
    for (size_t i = 0; i < PERSON_OUTPUTS; i++) {
        struct person_output *output = &streams->outputs[i];
        while (output->length > 0 && !streams->failed && is_possible(output->watch.descriptor, POLLOUT)) {
            write_some(streams, output);
        }
        if (output->length == 0) {
            reactor_unwatch(streams->reactor, &output->watch);
        } else if (!streams->failed && !wait_for(streams, &output->watch, REACTOR_WRITE)) {
            streams->failed = true;
        }
        empty = empty && output->length == 0;
    }
    return empty;
}
