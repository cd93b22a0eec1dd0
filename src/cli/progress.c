#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_decode.h"
#include "base/units.h"
#include "base/utf8.h"

/* What a line of progress is made of. */
struct progress_facts {
    MAYBE_TEXT(64) name, actual_status, level;
    MAYBE_TEXT(256) text;
    MAYBE_TEXT(128) file;
    struct maybe_int64 done_bytes, bytes;
};

struct progress progress_begin(bool quiet)
{
    return (struct progress){.shown = !quiet && isatty(STDERR_FILENO) == 1};
}

static struct progress_facts read_facts(struct span data)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct progress_facts, name, "name"),
        JSON_TEXT(struct progress_facts, actual_status, "actual_status"),
        JSON_TEXT(struct progress_facts, level, "level"),
        JSON_TEXT(struct progress_facts, text, "text"),
        JSON_TEXT(struct progress_facts, file, "file"),
        JSON_INT64(struct progress_facts, done_bytes, "done_bytes"),
        JSON_INT64(struct progress_facts, bytes, "bytes"),
    };
    struct progress_facts facts = {.name = {ABSENT, ""}};
    struct json_reader reader;
    json_reader_init(&reader, data.at, data.length);
    (void)json_decode_object(&reader, fields, ARRAY_LENGTH(fields), &facts, JSON_TOLERANT);
    return facts;
}

static void show(struct progress *progress, const struct history_event *event, const char *what, const char *text)
{
    char clean[256];
    char seconds[32];
    struct buffer elapsed;
    clean_copy(clean, sizeof clean, text);
    buffer_init_fixed(&elapsed, seconds, sizeof seconds);
    decimal_append_rounded(&elapsed, event->t_us, 6, 1);
    (void)fprintf(stderr, "%s%8s s  %s%s\n", progress->line_open ? "\n" : "", seconds, what, clean);
    progress->line_open = false;
}

static void show_status(struct progress *progress, const struct history_event *event,
                        const struct progress_facts *facts)
{
    const char *status = facts->actual_status.presence == IS_NULL ? "null" : facts->actual_status.text;
    if (status[0] != '\0' && strcmp(status, progress->last_status) != 0) {
        (void)text_copy(progress->last_status, sizeof progress->last_status, status);
        show(progress, event, "status ", status);
    }
}

/* One line that is written over again, until the file is whole. */
static void show_transfer(struct progress *progress, const struct progress_facts *facts)
{
    enum { MIB_TENTHS = 1024 * 1024 / 10 };
    char name[64];
    char line[128];
    struct buffer text;
    clean_copy(name, sizeof name, facts->file.text);
    buffer_init_fixed(&text, line, sizeof line);
    decimal_append_rounded(&text, int64_or(facts->done_bytes, 0) / MIB_TENTHS, 1, 1);
    buffer_append_text(&text, " of ");
    decimal_append_rounded(&text, int64_or(facts->bytes, 0) / MIB_TENTHS, 1, 1);
    progress->line_open = int64_or(facts->done_bytes, 0) < int64_or(facts->bytes, 0);
    (void)fprintf(stderr, "\r%s: %s MiB%s", name, line, progress->line_open ? "" : "\n");
}

void progress_note(void *context, const struct history_event *event)
{
    struct progress *progress = context;
    if (!progress->shown) {
        return;
    }
    struct progress_facts facts = read_facts(event->data);
    if (strcmp(event->kind, "transfer.progress") == 0) {
        show_transfer(progress, &facts);
    } else if (strcmp(event->kind, "phase.start") == 0) {
        show(progress, event, "", facts.name.text);
    } else if (strcmp(event->kind, "inst.seen") == 0) {
        show_status(progress, event, &facts);
    } else if (strcmp(event->kind, "fault.seen") == 0) {
        show(progress, event, "", facts.text.text);
    } else if (strcmp(event->kind, "log.line") == 0 && strcmp(facts.level.text, "warning") == 0) {
        show(progress, event, "warning: ", facts.text.text);
    }
}
