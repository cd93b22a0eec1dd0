#include "world/note.h"

#include <stdarg.h>

enum { LOG_LINE_SIZE = 1024 };

void note_begin(struct note *note)
{
    buffer_init_fixed(&note->ids_buffer, note->ids_storage, sizeof note->ids_storage);
    buffer_init_fixed(&note->data_buffer, note->data_storage, sizeof note->data_storage);
    json_writer_init(&note->ids, &note->ids_buffer, 0);
    json_writer_init(&note->data, &note->data_buffer, 0);
    json_begin_object(&note->ids);
    json_begin_object(&note->data);
}

static struct span finished_object(struct json_writer *writer, const char *when_cut)
{
    json_end_object(writer);
    if (writer->out->failed) {
        return span_of(when_cut);
    }
    return (struct span){writer->out->data, writer->out->length};
}

void note_end(struct world *world, struct note *note, const char *kind)
{
    struct span ids = finished_object(&note->ids, "{}");
    struct span data = finished_object(&note->data, "{\"cut\":true}");
    world_note(world, kind, ids, data);
}

static PRINTF_LIKE(5, 0) void note_text(struct world *world, const char *kind, const char *key, const char *value,
                                        const char *format, va_list arguments)
{
    char text[LOG_LINE_SIZE];
    (void)text_format_list(text, sizeof text, format, arguments);
    struct note note;
    note_begin(&note);
    json_member_string(&note.data, key, value);
    json_member_string(&note.data, "text", text);
    note_end(world, &note, kind);
}

void note_log(struct world *world, const char *level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(world, "log.line", "level", level, format, arguments);
    va_end(arguments);
}

void note_fault(struct world *world, const char *fault, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(world, "fault.seen", "fault", fault, format, arguments);
    va_end(arguments);
}
