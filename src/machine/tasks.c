#include <string.h>

#include "base/json_read.h"
#include "machine/machine.h"
#include "machine/quote.h"

enum { COMMAND_SIZE = 2048 };

static enum error_code run_built(struct machine *machine, const struct buffer *command, struct error *error)
{
    if (command->failed) {
        return error_set(error, ERR_USAGE, "the command is longer than %d bytes", COMMAND_SIZE - 1);
    }
    return machine_run(machine, command->data, error);
}

/* "mkdir -p FOLDER && printf %s TEXT > FILE" */
static void build_write(struct buffer *command, const char *path, const char *text)
{
    const char *slash = strrchr(path, '/');
    char folder[COMMAND_SIZE];
    (void)text_format(folder, sizeof folder, "%.*s", (int)(slash == NULL ? 0 : slash - path), path);
    if (folder[0] != '\0') {
        buffer_append_text(command, "mkdir -p ");
        quote_append(command, folder);
        buffer_append_text(command, " && ");
    }
    buffer_append_text(command, "printf %s ");
    quote_append(command, text);
    buffer_append_text(command, " > ");
    quote_append(command, path);
}

enum error_code machine_create_file(struct machine *machine, const char *path, const char *text, struct error *error)
{
    char storage[COMMAND_SIZE];
    struct buffer command;
    buffer_init_fixed(&command, storage, sizeof storage);
    build_write(&command, path, text);
    enum error_code code = run_built(machine, &command, error);
    if (code != ERR_OK) {
        return code;
    }
    buffer_clear(&command);
    buffer_append_text(&command, "stat -c %s ");
    quote_append(&command, path);
    code = run_built(machine, &command, error);
    if (code != ERR_OK) {
        return code;
    }
    char expected[32];
    (void)text_format(expected, sizeof expected, "%zu\n", strlen(text));
    if (strcmp(buffer_text(&machine->out), expected) != 0) {
        return error_set(error, ERR_FILE_DIFFERS, "%s has another size than the %zu bytes written", path, strlen(text));
    }
    return ERR_OK;
}

enum error_code machine_verify_file(struct machine *machine, const char *path, const char *text, struct error *error)
{
    char storage[COMMAND_SIZE];
    struct buffer command;
    buffer_init_fixed(&command, storage, sizeof storage);
    buffer_append_text(&command, "cat ");
    quote_append(&command, path);
    enum error_code code = run_built(machine, &command, error);
    if (code == ERR_OK && !span_equals((struct span){machine->out.data, machine->out.length}, text)) {
        return error_set(error, ERR_FILE_DIFFERS, "%s does not hold what was written", path);
    }
    return code;
}

/* Cuts the next field of a CSV line with ", " between fields. False when there is none. */
static bool next_field(const char **at, char *out, size_t size)
{
    size_t length = strcspn(*at, ",\n");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(out, *at, length);
    out[length] = '\0';
    *at += length;
    *at += **at == ',' ? 1 : 0;
    *at += strspn(*at, " ");
    return true;
}

/* "NVIDIA GeForce RTX 4090, 24564 MiB, 580.95.05" */
static bool parse_gpu_line(const char *line, struct gpu_info *info)
{
    char memory[32];
    if (!next_field(&line, info->name, sizeof info->name) || !next_field(&line, memory, sizeof memory) ||
        !next_field(&line, info->driver_version, sizeof info->driver_version)) {
        return false;
    }
    char *unit = strstr(memory, " MiB");
    if (unit == NULL || strcmp(unit, " MiB") != 0) {
        return false;
    }
    *unit = '\0';
    return json_number_int64(span_of(memory), &info->memory_total_mib) && info->memory_total_mib > 0;
}

enum error_code machine_gpu_info(struct machine *machine, struct gpu_info *info, struct error *error)
{
    *info = (struct gpu_info){.memory_total_mib = 0};
    enum error_code code =
        machine_run(machine, "nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader", error);
    if (code != ERR_OK) {
        return code;
    }
    if (!parse_gpu_line(buffer_text(&machine->out), info)) {
        return error_set(error, ERR_OUTPUT_UNEXPECTED, "nvidia-smi printed no line of name, memory and driver");
    }
    return machine_run(machine, "df -h /", error);
}
