#include "fakes/cli/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT_BYTES_MAX = 64 * 1024 * 1024, PUBLIC_FILE = 0644 };

/* How often what is new is written. */
#define WRITE_EVERY_NS (100 * NS_PER_MS)

static void write_new(struct history_file *file)
{
    const struct buffer *text = &file->history->text;
    while (file->path != NULL && !file->failed && file->written < text->length) {
        ssize_t count = write(file->descriptor, text->data + file->written, text->length - file->written);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            file->failed = true;
        } else {
            file->written += (size_t)count;
        }
    }
}

/* What to drop of the text: what is obsolete, or the older half, at a line's end, of what has grown too long. */
static size_t bytes_to_drop(const struct history *history)
{
    const struct buffer *text = &history->text;
    if (text->length - history->obsolete <= KEPT_BYTES_MAX) {
        return history->obsolete;
    }
    const char *end = memchr(text->data + text->length / 2, '\n', text->length - text->length / 2);
    return end == NULL ? text->length : (size_t)(end - text->data) + 1;
}

/* Called with all of the text written, or nowhere to write it. */
static void bound_memory(struct history_file *file)
{
    struct buffer *text = &file->history->text;
    size_t dropped = bytes_to_drop(file->history);
    if (dropped == text->length) {
        buffer_release(text);
    } else if (dropped > 0) {
        memmove(text->data, text->data + dropped, text->length - dropped);
        text->length -= dropped;
        text->data[text->length] = '\0';
    }
    file->history->obsolete -= file->history->obsolete < dropped ? file->history->obsolete : dropped;
    file->written -= file->written < dropped ? file->written : dropped;
}

static void time_has_come(void *owner)
{
    struct history_file *file = owner;
    write_new(file);
    bound_memory(file);
    /* Without memory for a timer the rest is written at the end. */
    bool armed = reactor_arm(file->reactor, &file->timer, REACTOR_REAL, monotonic_now_ns() + WRITE_EVERY_NS,
                             time_has_come, file);
    (void)armed;
}

enum error_code history_file_open(struct history_file *file, struct reactor *reactor, struct history *history,
                                  const char *path, struct error *error)
{
    *file = (struct history_file){.reactor = reactor, .history = history, .path = path, .descriptor = -1};
    if (path != NULL) {
        file->descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, PUBLIC_FILE);
        if (file->descriptor < 0) {
            return error_set(error, ERR_CANNOT_WRITE, "cannot write the history %s: %s", path, strerror(errno));
        }
    }
    time_has_come(file);
    return ERR_OK;
}

enum error_code history_file_close(struct history_file *file, struct error *error)
{
    if (file->reactor == NULL) {
        return ERR_OK;
    }
    write_new(file);
    reactor_disarm(file->reactor, &file->timer);
    if (file->descriptor >= 0) {
        (void)close(file->descriptor);
    }
    return file->failed ? error_set(error, ERR_CANNOT_WRITE, "cannot write the history %s", file->path) : ERR_OK;
}
