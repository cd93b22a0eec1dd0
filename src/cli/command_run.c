#include "cli/network.h"
#include "journey/remote_run.h"
#include "machine/quote.h"

enum { COMMAND_SIZE_MAX = 1024 * 1024, OUTPUT_SIZE_MAX = 16 * 1024 * 1024, TEXT_SIZE_MAX = 256 * 1024 * 1024 };

struct run_command {
    struct network network;
    struct remote_run_options options;
    struct remote_run_result result;
    struct buffer text; /* of the command */
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct run_command *command = argument;
    command->status = remote_run(network_world(&command->network), &command->options, &command->result);
}

/* ---- What is printed --------------------------------------------------------------------------------------------------------- */

static void write_output(struct json_writer *writer, const char *key, const char *cut_key, const struct buffer *output)
{
    json_key(writer, key);
    json_span(writer, (struct span){buffer_text(output), output->length});
    json_member_bool(writer, cut_key, output->failed);
}

static void write_json(struct buffer *out, const struct run_command *command, const struct report *report)
{
    const struct remote_run_result *result = &command->result;
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "schema_version", 1);
    json_key(&writer, "exit_status");
    if (result->ran) {
        json_int(&writer, result->exit_status);
        json_member_decimal(&writer, "seconds", result->duration_ns, 9);
    } else {
        json_null(&writer);
        json_member_null(&writer, "seconds");
    }
    write_output(&writer, "stdout", "stdout_cut", &result->out);
    write_output(&writer, "stderr", "stderr_cut", &result->err);
    network_write_error(&writer, report);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

static enum error_code print(struct run_command *command, const struct report *report, struct error *error)
{
    if (!command->network.values->json) {
        return ERR_OK;
    }
    struct buffer text;
    buffer_init(&text, command->network.heap, TEXT_SIZE_MAX);
    write_json(&text, command, report);
    enum error_code code = text.failed ? error_set(error, ERR_NO_MEMORY, "no memory for so much output")
                                       : print_text((struct span){buffer_text(&text), text.length}, error);
    buffer_release(&text);
    return code;
}

/* ---- The command ------------------------------------------------------------------------------------------------------------- */

static enum exit_status run(struct run_command *command, int64_t instance_id)
{
    struct network *network = &command->network;
    const struct dumont_values *values = network->values;
    struct error error;
    struct report *report;
    command->options = (struct remote_run_options){
        .access = network->access,
        .consent = network->consent,
        .instance_id = instance_id,
        .command = {buffer_text(&command->text), command->text.length},
        .limit_ns = values->limit_ns,
        .streams = values->json ? STREAM_INPUT : STREAM_INPUT | STREAM_OUTPUTS,
    };
    enum exit_status status = network_run(network, procedure, command, &command->status);
    if (network->cut) {
        return status;
    }
    enum error_code code = network_report(network, &report, &error);
    code = code == ERR_OK ? print(command, report, &error) : code;
    return network_end(network, status, report, code, &error);
}

/* The command's text, and room for its outputs. */
static enum error_code prepare(struct run_command *command, const struct command_line *line, struct error *error)
{
    struct heap *heap = command->network.heap;
    buffer_init(&command->text, heap, COMMAND_SIZE_MAX);
    buffer_init(&command->result.out, heap, OUTPUT_SIZE_MAX);
    buffer_init(&command->result.err, heap, OUTPUT_SIZE_MAX);
    quote_append_command(&command->text, line->arguments + 1, line->argument_count - 1);
    if (command->text.failed) {
        return error_set(error, ERR_USAGE, "run: the command is longer than %d bytes", COMMAND_SIZE_MAX);
    }
    return command->text.length > 0 ? ERR_OK : error_set(error, ERR_USAGE, "run: the command is empty");
}

enum exit_status dumont_run(void *context, const struct command_line *line)
{
    struct run_command command = {.status = EXIT_FAILED};
    struct error error;
    int64_t instance_id = 0;
    if (network_parse_id(line, &instance_id, &error) != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    enum error_code code = network_open(&command.network, context, NETWORK_REACHES, &error);
    command.network.progress.shown = false; /* standard error is the command's */
    code = code == ERR_OK ? prepare(&command, line, &error) : code;
    enum exit_status status = code == ERR_OK ? run(&command, instance_id) : say_error(DUMONT_NAME, &error);
    network_close(&command.network);
    return status;
}
