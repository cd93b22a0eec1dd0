/*
 * History: what happened, one event a line of JSON, in one order.
 *
 *     {"seq":12,"t_us":2850000,"stream":"client","actor":"dumont","kind":"http.req","ids":{"req":3},"data":{...}}
 *
 * Two streams: `client` is what the client did and believed, `cloud` is what was truly so. Reports read the first, invariant
 * checks both. The kinds and their members are documented in docs/history.md. Times are microseconds since the world began.
 *
 * Secrets: history_hide() names values that must never be written; each occurrence becomes "[hidden]".
 *
 * Memory: a history belongs to the world, not to the client: it survives a crash of the client. When memory is gone, events
 * are counted in `lost`, never silently dropped.
 */
#ifndef BASE_HISTORY_H
#define BASE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum history_stream { HISTORY_CLIENT, HISTORY_CLOUD };

enum { HISTORY_SECRETS_MAX = 16, HISTORY_SECRET_SIZE = 128, HISTORY_KIND_SIZE = 32, HISTORY_ACTOR_SIZE = 32 };

/* A value to hide, as it would stand in a JSON string, and how far a search may skip on each byte. */
struct history_secret {
    char text[HISTORY_SECRET_SIZE];
    size_t length; /* 8 to 127, so that a skip fits a byte */
    unsigned char skip[256];
};

struct history {
    struct buffer text; /* the lines so far */
    size_t
        obsolete; /* bytes at its beginning, whole lines, that whoever keeps the text may drop; adding looks at none of it */
    uint64_t next_seq;
    uint64_t lost;
    struct history_secret secrets[HISTORY_SECRETS_MAX];
    size_t secret_count;
};

void history_init(struct history *history, struct heap *heap);
void history_release(struct history *history);

/*
 * From now on `secret` (at least 8 characters, else it is ignored) is not written. False when the list is full or the secret is
 * longer than HISTORY_SECRET_SIZE - 1 bytes as a JSON string: then it is not hidden.
 */
bool history_hide(struct history *history, const char *secret);

/* Appends one event; `ids` and `data` are JSON objects, or empty for {}. */
void history_add(struct history *history, int64_t now_ns, enum history_stream stream, const char *actor,
                 const char *kind, struct span ids, struct span data);

/* One event as read back; the spans point into the text. */
struct history_event {
    uint64_t seq;
    int64_t t_us;
    enum history_stream stream;
    char actor[HISTORY_ACTOR_SIZE];
    char kind[HISTORY_KIND_SIZE];
    struct span ids;  /* JSON object */
    struct span data; /* JSON object */
};

struct history_cursor {
    struct span text;
    size_t at;
    size_t line; /* of the event last returned, from 1 */
};

void history_cursor_init(struct history_cursor *cursor, struct span text);

/*
 * Reads the next event. True with `event` filled; false at the end (error->code ERR_OK) or at a malformed line
 * (ERR_INPUT_INVALID with its line and what was expected). An unfinished last line, as a crash leaves it, is the end.
 */
bool history_next(struct history_cursor *cursor, struct history_event *event, struct error *error);

#endif
