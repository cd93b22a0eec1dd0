/*
 * Note: one event of the client's history, built on the stack. Allocates nothing, so it works when memory is gone.
 *
 *     struct note note;
 *     note_begin(&note);
 *     json_member_int(&note.ids, "instance", id);
 *     json_member_string(&note.data, "what", "destroy");
 *     note_end(world, &note, "client.decide");
 *
 * An event that does not fit keeps its ids and says {"cut":true}.
 */
#ifndef WORLD_NOTE_H
#define WORLD_NOTE_H

#include "base/json_write.h"
#include "world/world.h"

enum { NOTE_IDS_SIZE = 256, NOTE_DATA_SIZE = 3072 };

struct note {
    struct json_writer ids;
    struct json_writer data;
    struct buffer ids_buffer;
    struct buffer data_buffer;
    char ids_storage[NOTE_IDS_SIZE];
    char data_storage[NOTE_DATA_SIZE];
};

/* Opens both objects. */
void note_begin(struct note *note);

/* Closes both objects and writes the event. */
void note_end(struct world *world, struct note *note, const char *kind);

/* A log line: level "info", "warning" or "error". */
void note_log(struct world *world, const char *level, const char *format, ...) PRINTF_LIKE(3, 4);

/* A fault that the client noticed: its id in the catalogue and what was done about it. */
void note_fault(struct world *world, const char *fault, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
