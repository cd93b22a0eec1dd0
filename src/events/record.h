/*
 * Event record: a lifecycle event in the form in which it is stored, spooled and told.
 *
 * The payload is a JSON object, the same bytes for every subscriber and every attempt:
 *     {"event_id": "…32 hex digits…", "event": "instance.ready", "instance_id": 29434202, "at": "2026-01-02T19:12:18.000Z"}
 * and behind that "rehearsal": true where no real machine stands behind it. Such an event is told to receivers on this machine alone,
 * whoever stores and delivers it.
 */
#ifndef EVENTS_RECORD_H
#define EVENTS_RECORD_H

#include "world/world.h"

enum { EVENT_ID_SIZE = 33, EVENT_KIND_SIZE = 48, EVENT_PAYLOAD_SIZE = 2048, EVENT_SUBSCRIBERS_MAX = 64 };

struct event_record {
    char id[EVENT_ID_SIZE];
    char kind[EVENT_KIND_SIZE];
    int64_t created_unix_ns;
    char payload[EVENT_PAYLOAD_SIZE];
};

/* Fills in the payload from the other members. */
void event_record_write_payload(struct event_record *record, int64_t instance_id, bool rehearsal);

/* Does a payload say that it is of a rehearsal? */
bool event_is_rehearsed(const char *payload);

/* Copies a column's text into `out`; false when it is none, or too long. */
bool event_text(const struct store_value *column, char *out, size_t size);

/* Reads columns event_id, kind, created_unix_ns, payload. False when this version cannot: the record is then not to be used. */
bool event_record_read(struct event_record *record, const struct store_value *columns, size_t count);

struct event_stored {
    size_t subscribers;
    size_t skipped; /* rows of webhook_configs that cannot be read, or are beyond EVENT_SUBSCRIBERS_MAX */
    size_t
        elsewhere; /* subscribers that are not told, because it is a rehearsal's event and they are not on this machine */
};

/*
 * Puts the event, and a pending delivery for each subscriber who wants it, into the events store. May be repeated: what is there
 * already stays as it is. Returns result->code.
 */
enum error_code event_record_store(struct world *world, const struct event_record *record, struct event_stored *stored,
                                   struct store_result *result);

/* A statement of either database, within five seconds. Returns result->code. */
enum error_code event_statement(struct world *world, enum store_statement statement, const struct store_value *values,
                                size_t count, store_row_function *row, void *context, struct store_result *result);

#endif
