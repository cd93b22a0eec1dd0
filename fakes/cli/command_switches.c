#include <string.h>

#include "base/json_write.h"
#include "base/units.h"
#include "fakes/cli/fake_cli.h"
#include "fakes/market/switches.h"

enum { TABLE_SIZE_MAX = 256 * 1024, NANO_DIGITS = 9 };

/* The nth of words with | between. */
static struct span nth_word(const char *words, int64_t nth)
{
    for (; nth > 0; nth--) {
        words += strcspn(words, "|") + 1;
    }
    return (struct span){words, strcspn(words, "|")};
}

static void write_default(struct json_writer *writer, const struct market_switch *row)
{
    json_key(writer, "default");
    switch (row->kind) {
    case SWITCH_TRUTH:
        json_bool(writer, row->usual != 0);
        break;
    case SWITCH_COUNT:
        json_int(writer, row->usual);
        break;
    case SWITCH_SECONDS:
    case SWITCH_USD:
        json_decimal(writer, row->usual, NANO_DIGITS);
        break;
    case SWITCH_CHOICE:
        json_span(writer, nth_word(row->words, row->usual));
        break;
    }
}

static void write_json(struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_key(&writer, "switches");
    json_begin_array(&writer);
    for (size_t i = 0; i < market_switch_count(); i++) {
        const struct market_switch *row = market_switch_at(i);
        json_begin_object(&writer);
        json_member_string(&writer, "name", row->name);
        write_default(&writer, row);
        if (row->words != NULL) {
            json_member_string(&writer, "one_of", row->words);
        }
        json_member_string(&writer, "meaning", row->meaning);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static void write_text(struct buffer *out)
{
    buffer_append_text(
        out, "A scenario's \"market\" sets what is uncertain about Vast.ai, or differs between its versions:\n\n");
    for (size_t i = 0; i < market_switch_count(); i++) {
        const struct market_switch *row = market_switch_at(i);
        char storage[64];
        struct buffer value;
        struct json_writer writer;
        buffer_init_fixed(&value, storage, sizeof storage);
        json_writer_init(&writer, &value, 0);
        json_begin_object(&writer);
        write_default(&writer, row);
        buffer_printf(out, "  %s: %s\n      %s\n", row->name, buffer_text(&value) + strlen("{\"default\":"),
                      row->meaning);
        if (row->words != NULL) {
            buffer_printf(out, "      one of %s\n", row->words);
        }
    }
}

enum exit_status fake_switches(void *context, const struct command_line *line)
{
    (void)line;
    const struct fake_values *values = context;
    struct heap *heap = heap_new();
    struct buffer text;
    buffer_init(&text, heap, TABLE_SIZE_MAX);
    if (heap == NULL) {
        text.failed = true;
    } else if (values->json) {
        write_json(&text);
    } else {
        write_text(&text);
    }
    enum exit_status status = fake_print(&text);
    heap_free(heap);
    return status;
}
