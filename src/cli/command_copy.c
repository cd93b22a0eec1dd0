/* dumont put, dumont get. */
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "cli/network.h"
#include "journey/remote_copy.h"

enum { TEXT_SIZE_MAX = 16 * 1024 * 1024, SHOWN_NAME_SIZE = 128 };

struct copy_command {
    struct network network;
    struct remote_copy_options options;
    struct copy_file *files;
    char local[TRANSFER_PATH_SIZE]; /* get: the file that is made */
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct copy_command *command = argument;
    command->status = remote_copy(network_world(&command->network), &command->options, command->files);
}

/* ---- What is printed --------------------------------------------------------------------------------------------------------- */

static void write_file(struct json_writer *writer, const struct copy_file *file)
{
    const struct transfer *transfer = &file->transfer;
    json_begin_object(writer);
    json_member_string(writer, "local", transfer->local);
    json_member_string(writer, "remote", transfer->remote);
    json_member_bool(writer, "done", file->done);
    json_member_int(writer, "bytes", transfer->size);
    json_member_int(writer, "resumed_from", transfer->resumed_from);
    json_member_int(writer, "transferred_bytes", transfer->sent_bytes);
    json_member_int(writer, "attempts", transfer->attempts);
    json_member_string(writer, "sha256", transfer->sha256[0] == '\0' ? NULL : transfer->sha256);
    json_member_decimal(writer, "seconds", file->duration_ns, 9);
    json_end_object(writer);
}

/* The files that were begun, in their order. */
static void write_json(struct buffer *out, const struct copy_command *command, const struct report *report)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "schema_version", 1);
    json_key(&writer, "files");
    json_begin_array(&writer);
    for (size_t i = 0; i < command->options.source_count && command->files[i].transfer.local != NULL; i++) {
        write_file(&writer, &command->files[i]);
    }
    json_end_array(&writer);
    network_write_error(&writer, report);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static void write_text(struct buffer *out, const struct copy_command *command)
{
    for (size_t i = 0; i < command->options.source_count && command->files[i].done; i++) {
        const struct copy_file *file = &command->files[i];
        char name[SHOWN_NAME_SIZE];
        clean_copy(name, sizeof name,
                   command->options.direction == COPY_PUT ? file->transfer.remote : file->transfer.local);
        buffer_printf(out, "%s: %lld bytes", name, (long long)file->transfer.size);
        if (file->transfer.resumed_from > 0) {
            buffer_printf(out, " (%lld were there)", (long long)file->transfer.resumed_from);
        }
        buffer_append_text(out, ", ");
        decimal_append_rounded(out, file->duration_ns, 9, 1);
        buffer_printf(out, " s, sha256 %s\n", file->transfer.sha256);
    }
}

static enum error_code print(struct copy_command *command, const struct report *report, struct error *error)
{
    const struct dumont_values *values = command->network.values;
    struct buffer text;
    buffer_init(&text, command->network.heap, TEXT_SIZE_MAX);
    if (values->json) {
        write_json(&text, command, report);
    } else if (!values->quiet) {
        write_text(&text, command);
    }
    enum error_code code = text.failed ? error_set(error, ERR_NO_MEMORY, "no memory for so much output")
                                       : print_text((struct span){buffer_text(&text), text.length}, error);
    buffer_release(&text);
    return code;
}

/* ---- The commands ------------------------------------------------------------------------------------------------------------ */

static enum exit_status run(struct copy_command *command)
{
    struct network *network = &command->network;
    struct error error;
    struct report *report;
    command->options.access = network->access;
    command->options.consent = network->consent;
    command->options.limit_ns = network->values->limit_ns;
    enum exit_status status = network_run(network, procedure, command, &command->status);
    if (network->cut) {
        return status;
    }
    enum error_code code = network_report(network, &report, &error);
    code = code == ERR_OK ? print(command, report, &error) : code;
    return network_end(network, status, report, code, &error);
}

static enum exit_status open_and_run(struct copy_command *command, const void *context)
{
    struct error error;
    enum error_code code = network_open(&command->network, context, NETWORK_REACHES, &error);
    if (code == ERR_OK) {
        command->files = heap_alloc(command->network.heap, command->options.source_count * sizeof command->files[0]);
        code = command->files == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory for so many files") : ERR_OK;
    }
    enum exit_status status = code == ERR_OK ? run(command) : say_error(DUMONT_NAME, &error);
    network_close(&command->network);
    return status;
}

static enum error_code no_empty_names(const struct command_line *line, struct error *error)
{
    for (size_t i = 1; i < line->argument_count; i++) {
        if (line->arguments[i][0] == '\0') {
            return error_set(error, ERR_USAGE, "%s: the name of a file is empty", line->command->name);
        }
    }
    return ERR_OK;
}

enum exit_status dumont_put(void *context, const struct command_line *line)
{
    struct copy_command command = {.status = EXIT_FAILED};
    struct error error;
    enum error_code code = network_parse_id(line, &command.options.instance_id, &error);
    code = code == ERR_OK ? no_empty_names(line, &error) : code;
    if (code != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    command.options.direction = COPY_PUT;
    command.options.sources = line->arguments + 1;
    command.options.source_count = line->argument_count - 2;
    command.options.target = line->arguments[line->argument_count - 1];
    return open_and_run(&command, context);
}

/* LOCAL, or in LOCAL when that is a folder, or here: always the name of a file. */
static enum error_code name_local(struct copy_command *command, const char *remote, const char *local,
                                  struct error *error)
{
    struct stat status;
    const char *slash = strrchr(remote, '/');
    const char *name = slash == NULL ? remote : slash + 1;
    bool into = local != NULL && stat(local, &status) == 0 && S_ISDIR(status.st_mode);
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return error_set(error, ERR_USAGE, "get: REMOTE is the name of a file");
    }
    bool fits = into ? text_format(command->local, sizeof command->local, "%s/%s", local, name)
                     : text_copy(command->local, sizeof command->local, local == NULL ? name : local);
    return fits ? ERR_OK : error_set(error, ERR_USAGE, "get: the name is too long");
}

enum exit_status dumont_get(void *context, const struct command_line *line)
{
    struct copy_command command = {.status = EXIT_FAILED};
    struct error error;
    enum error_code code = network_parse_id(line, &command.options.instance_id, &error);
    code = code == ERR_OK ? no_empty_names(line, &error) : code;
    code = code == ERR_OK ? name_local(&command, line->arguments[1], line->arguments[2], &error) : code;
    if (code != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    command.options.direction = COPY_GET;
    command.options.sources = line->arguments + 1;
    command.options.source_count = 1;
    command.options.target = command.local;
    return open_and_run(&command, context);
}
