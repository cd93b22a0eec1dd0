#include "base/json_write.h"
#include "fakes/cli/fake_cli.h"
#include "fakes/fault/catalogue.h"

enum { CATALOGUE_SIZE_MAX = 1024 * 1024 };

enum exit_status fake_faults(void *context, const struct command_line *line)
{
    (void)line;
    const struct fake_values *values = context;
    struct heap *heap = heap_new();
    struct buffer text;
    buffer_init(&text, heap, CATALOGUE_SIZE_MAX);
    if (heap == NULL) {
        text.failed = true;
    } else if (values->json) {
        struct json_writer writer;
        json_writer_init(&writer, &text, 2);
        catalogue_write_json(&writer);
        buffer_append_char(&text, '\n');
    } else {
        catalogue_write_text(&text);
    }
    enum exit_status status = fake_print(&text);
    heap_free(heap);
    return status;
}
