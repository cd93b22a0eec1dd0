/* The person who runs the program: shown things on standard error, asked on the terminal of standard input. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "world/live/live_sides.h"

enum { ANSWER_SIZE = 16 };

/* A question under way. */
struct live_question {
    struct live_world *live;
    struct question *question;
    struct reactor_watch watch;
    char answer[ANSWER_SIZE]; /* cut: what is longer is no yes */
    size_t length;
};

static void write_all(int descriptor, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = write(descriptor, text, left);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return; /* a terminal that is gone must not stop anything */
        }
        text += written;
        left -= (size_t)written;
    }
}

void live_tell(struct world *world, const char *text)
{
    write_all(live_of(world)->options.tell_on_output ? STDOUT_FILENO : STDERR_FILENO, text);
}

static void end_question(struct live_question *asked)
{
    reactor_unwatch(asked->live->reactor, &asked->watch);
    asked->question->pending = NULL;
    heap_release(asked->live->heap, asked);
}

static void answer(struct live_question *asked)
{
    struct question *question = asked->question;
    asked->answer[asked->length] = '\0';
    question->yes = strcasecmp(asked->answer, "y") == 0 || strcasecmp(asked->answer, "yes") == 0;
    end_question(asked);
    completion_finish(&question->done);
}

/* Takes what was typed. True at the end of the line. */
static bool take(struct live_question *asked, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            return true;
        }
        if (asked->length < ANSWER_SIZE - 1) {
            asked->answer[asked->length++] = bytes[i];
        }
    }
    return false;
}

static void input_is_ready(void *context, unsigned ready)
{
    (void)ready;
    struct live_question *asked = context;
    char bytes[256];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (count <= 0) {
        asked->length = 0; /* half a line before the end is no answer */
        write_all(STDERR_FILENO, "\n");
    }
    if (count <= 0 || take(asked, bytes, (size_t)count)) {
        answer(asked);
    }
}

void live_ask_start(struct world *world, struct question *question)
{
    struct live_world *live = live_of(world);
    struct live_question *asked = heap_alloc(live->heap, sizeof *asked);
    if (asked == NULL) {
        completion_finish(&question->done);
        return;
    }
    *asked = (struct live_question){.live = live, .question = question};
    asked->watch = (struct reactor_watch){.descriptor = STDIN_FILENO, .ready = input_is_ready, .context = asked};
    question->pending = asked;
    write_all(STDERR_FILENO, question->text);
    if (!reactor_watch(live->reactor, &asked->watch, REACTOR_READ)) {
        end_question(asked); /* a file or nothing at all: nobody answers there */
        completion_finish(&question->done);
    }
}

void live_ask_abandon(struct world *world, struct question *question)
{
    (void)world;
    write_all(STDERR_FILENO, "\n");
    end_question(question->pending);
}
