#include <string.h>

#include "cli/dumont.h"
#include "report/record.h"
#include "system/files.h"

enum { HISTORY_SIZE_MAX = 64 * 1024 * 1024, RECORDING_SIZE_MAX = 16 * 1024 * 1024 };

static enum error_code write_recording(const struct dumont_values *values, struct span recording, struct error *error)
{
    if (values->output == NULL || strcmp(values->output, "-") == 0) {
        return print_text(recording, error);
    }
    enum error_code code = file_write(values->output, recording, FILE_PUBLIC, error);
    if (code == ERR_OK && !values->quiet) {
        say(DUMONT_NAME, "the recording lies in %s", values->output);
    }
    return code;
}

static enum error_code record(struct heap *heap, const struct dumont_values *values, const char *path,
                              struct error *error)
{
    struct buffer history;
    struct buffer recording;
    buffer_init(&history, heap, HISTORY_SIZE_MAX);
    buffer_init(&recording, heap, RECORDING_SIZE_MAX);
    enum error_code code = file_read(path, &history, error);
    if (code != ERR_OK) {
        return code;
    }
    code = record_from_history(heap, (struct span){buffer_text(&history), history.length}, &recording, error);
    if (code != ERR_OK) {
        error_wrap(error, "%s", path);
        return code;
    }
    if (recording.failed) {
        return error_set(error, ERR_NO_MEMORY, "no memory for the recording");
    }
    return write_recording(values, (struct span){buffer_text(&recording), recording.length}, error);
}

enum exit_status dumont_record(void *context, const struct command_line *line)
{
    struct error error;
    struct heap *heap = heap_new();
    enum error_code code = heap == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory")
                                        : record(heap, context, line->arguments[0], &error);
    heap_free(heap);
    return code == ERR_OK ? EXIT_DONE : say_error(DUMONT_NAME, &error);
}
