#include "cli/dumont.h"
#include "cli/report_output.h"
#include "system/files.h"

enum { HISTORY_SIZE_MAX = 64 * 1024 * 1024 };

static enum error_code make_report(struct heap *heap, const struct dumont_values *values, const char *path,
                                   struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, HISTORY_SIZE_MAX);
    enum error_code code = file_read(path, &text, error);
    if (code != ERR_OK) {
        return code;
    }
    struct span history = {buffer_text(&text), text.length};
    struct report *report;
    code = report_build(heap, history, &report, error);
    if (code == ERR_OK && report->journey[0] == '\0') {
        code = error_set(error, ERR_INPUT_INVALID, "the history holds no run");
    }
    if (code != ERR_OK) {
        error_wrap(error, "%s", path);
        return code;
    }
    const struct report_output output = {.program_name = DUMONT_NAME,
                                         .folder = values->report_dir,
                                         .json = values->json,
                                         .markdown = values->markdown,
                                         .quiet = values->quiet};
    return report_output_write(heap, &output, report, history, error);
}

enum exit_status dumont_report(void *context, const struct command_line *line)
{
    const struct dumont_values *values = context;
    struct error error;
    if (values->json && values->markdown) {
        (void)error_set(&error, ERR_USAGE, "give --json or --markdown, not both");
        return say_error(DUMONT_NAME, &error);
    }
    struct heap *heap = heap_new();
    enum error_code code = heap == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory")
                                        : make_report(heap, values, line->arguments[0], &error);
    heap_free(heap);
    return code == ERR_OK ? EXIT_DONE : say_error(DUMONT_NAME, &error);
}
