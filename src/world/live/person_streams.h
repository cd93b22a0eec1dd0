/*
 * Person streams: the program's own standard streams, as input and outputs of a command elsewhere. Nothing here blocks, and no more
 * is held than a queue for each stream: input is read when somebody can take it, output is taken as far as there is room.
 *
 * The descriptors are shared with whoever started the program, so they are never made non-blocking: writes are asked for first, and
 * small enough not to wait. On the loop's stack only.
 */
#ifndef WORLD_LIVE_PERSON_STREAMS_H
#define WORLD_LIVE_PERSON_STREAMS_H

#include "base/buffer.h"
#include "reactor/reactor.h"

enum { PERSON_QUEUE_BYTES = 64 * 1024, PERSON_INPUT_BYTES = 32 * 1024, PERSON_OUTPUTS = 2 };

struct person_output {
    struct reactor_watch watch; /* its descriptor, also while it is not watched */
    size_t begin, length;       /* in `bytes` */
    char bytes[PERSON_QUEUE_BYTES];
};

struct person_streams {
    struct reactor *reactor;
    void (*changed)(void *owner); /* a stream is ready: call person_input() or person_flush() again */
    void *owner;
    bool input_ended;
    bool failed; /* an output takes nothing more: a closed pipe, a full disk */
    struct reactor_watch input_watch;
    size_t input_begin, input_length; /* in `input` */
    char input[PERSON_INPUT_BYTES];
    struct person_output outputs[PERSON_OUTPUTS]; /* standard output, standard error */
};

/* With `reads`, standard input is read, unless it is a terminal; otherwise the input has ended. */
void person_streams_begin(struct person_streams *streams, struct reactor *reactor, bool reads,
                          void (*changed)(void *owner), void *owner);
void person_streams_end(struct person_streams *streams);

/* What was read and not taken yet; empty until something comes, or for ever when `input_ended`. */
struct span person_input(struct person_streams *streams);
void person_input_taken(struct person_streams *streams, size_t size);
void person_input_pause(struct person_streams *streams); /* nobody takes any now: until it is asked for again */

size_t person_room(const struct person_streams *streams, bool is_stderr);

/* Queues as much as there is room for; how much. */
size_t person_take(struct person_streams *streams, bool is_stderr, const void *bytes, size_t size);

/* Writes what the streams take now. True when nothing is queued any more. */
bool person_flush(struct person_streams *streams);

#endif
