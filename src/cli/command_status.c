#include "base/json_write.h"
#include "base/utf8.h"
#include "cli/network.h"
#include "journey/status.h"

enum { TEXT_SIZE_MAX = 16 * 1024 * 1024, USD_DIGITS = 9, CELL_SIZE = 64 };
/* Together a page of 80 columns, with room for a label of ours. */
enum { GPU_WIDTH = 11, STATUS_WIDTH = 8, LABEL_WIDTH = 31 };

struct status_command {
    struct network network;
    struct status_result result;
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct status_command *command = argument;
    command->status = status_run(network_world(&command->network), command->network.access, &command->result);
}

/* ---- Text --------------------------------------------------------------------------------------------------------------- */

/* "$0.1689", "?" when it is not known. */
static void append_usd(struct buffer *out, struct maybe_int64 nusd)
{
    if (nusd.presence != PRESENT) {
        buffer_append_char(out, '?');
        return;
    }
    buffer_append_char(out, '$');
    decimal_append_rounded(out, nusd.value, USD_DIGITS, 4);
}

/* What the server sends, fit for a terminal and cut to a column. */
static const char *cell(char storage[CELL_SIZE], size_t width, enum presence presence, const char *text)
{
    clean_copy(storage, width + 1, presence == PRESENT ? text : presence == IS_NULL ? "null" : "?");
    return storage;
}

static void append_machine(struct buffer *out, const struct status_machine *machine)
{
    char gpu[CELL_SIZE];
    char status[CELL_SIZE];
    char label[CELL_SIZE];
    char price[CELL_SIZE];
    struct buffer price_text;
    buffer_init_fixed(&price_text, price, sizeof price);
    append_usd(&price_text, machine->price_nusd_per_hour);
    buffer_printf(out, "%9lld  %2lld x %-11s  %-8s  %8s  %s\n", (long long)machine->id,
                  (long long)int64_or(machine->num_gpus, 0),
                  cell(gpu, GPU_WIDTH, machine->gpu_name.presence, machine->gpu_name.text),
                  cell(status, STATUS_WIDTH, machine->actual_status.presence, machine->actual_status.text), price,
                  cell(label, LABEL_WIDTH, machine->label.presence, machine->label.text));
}

static void append_sum(struct buffer *out, const struct status_result *result)
{
    struct maybe_int64 price = {PRESENT, result->price_nusd_per_hour};
    buffer_printf(out, "%zu %s, %zu of ours, ", result->count, result->count == 1 ? "machine" : "machines",
                  result->ours);
    append_usd(out, price);
    buffer_append_text(out, " per hour; credit ");
    append_usd(out, result->credit_nusd);
    if (result->credit_nusd.presence == PRESENT && result->price_nusd_per_hour > 0) {
        buffer_append_text(out, ", enough for ");
        decimal_append_rounded(out, scale_rounded(result->credit_nusd.value, 10, result->price_nusd_per_hour), 1, 1);
        buffer_append_text(out, " h");
    }
    buffer_append_char(out, '\n');
}

static void write_text(struct buffer *out, const struct status_result *result)
{
    if (result->count > 0) {
        buffer_printf(out, "%9s  %-16s  %-8s  %8s  %s\n", "machine", "GPU", "status", "per hour", "label");
    }
    for (size_t i = 0; i < result->count; i++) {
        append_machine(out, &result->machines[i]);
    }
    append_sum(out, result);
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------- */

static void member_int(struct json_writer *writer, const char *key, struct maybe_int64 value, int digits)
{
    if (value.presence == PRESENT) {
        json_member_decimal(writer, key, value.value, digits);
    } else {
        json_member_null(writer, key);
    }
}

static void write_machine(struct json_writer *writer, const struct status_machine *machine)
{
    json_begin_object(writer);
    json_member_int(writer, "id", machine->id);
    json_member_string(writer, "label", machine->label.presence == PRESENT ? machine->label.text : NULL);
    json_member_bool(writer, "ours", machine->ours);
    json_member_string(writer, "gpu_name", machine->gpu_name.presence == PRESENT ? machine->gpu_name.text : NULL);
    member_int(writer, "num_gpus", machine->num_gpus, 0);
    json_member_string(writer, "actual_status",
                       machine->actual_status.presence == PRESENT ? machine->actual_status.text : NULL);
    member_int(writer, "usd_per_hour", machine->price_nusd_per_hour, USD_DIGITS);
    json_end_object(writer);
}

/* Without the whole listing there is no inventory: its members are null then, and `error` says why. */
static void write_json(struct buffer *out, const struct status_command *command, const struct report *report)
{
    const struct status_result *result = &command->result;
    bool known = command->status == EXIT_DONE;
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    json_begin_object(&writer);
    json_member_int(&writer, "schema_version", 1);
    json_key(&writer, "machines");
    if (known) {
        json_begin_array(&writer);
        for (size_t i = 0; i < result->count; i++) {
            write_machine(&writer, &result->machines[i]);
        }
        json_end_array(&writer);
        json_member_int(&writer, "ours", (int64_t)result->ours);
        json_member_decimal(&writer, "usd_per_hour", result->price_nusd_per_hour, USD_DIGITS);
    } else {
        json_null(&writer);
        json_member_null(&writer, "ours");
        json_member_null(&writer, "usd_per_hour");
    }
    member_int(&writer, "credit_usd", known ? result->credit_nusd : (struct maybe_int64){ABSENT, 0}, USD_DIGITS);
    network_write_error(&writer, report);
    json_end_object(&writer);
    buffer_append_char(out, '\n');
}

/* ---- The command -------------------------------------------------------------------------------------------------------- */

static enum error_code print(struct status_command *command, const struct report *report, struct error *error)
{
    const struct dumont_values *values = command->network.values;
    struct buffer text;
    buffer_init(&text, command->network.heap, TEXT_SIZE_MAX);
    if (values->json) {
        write_json(&text, command, report);
    } else if (command->status == EXIT_DONE && !values->quiet) {
        write_text(&text, &command->result);
    }
    enum error_code code = text.failed ? error_set(error, ERR_NO_MEMORY, "no memory for so much output")
                                       : print_text((struct span){buffer_text(&text), text.length}, error);
    buffer_release(&text);
    return code;
}

static enum exit_status run(struct status_command *command)
{
    struct network *network = &command->network;
    struct error error;
    struct report *report;
    enum exit_status status = network_run(network, procedure, command, &command->status);
    if (network->cut) {
        return status;
    }
    enum error_code code = network_report(network, &report, &error);
    code = code == ERR_OK ? print(command, report, &error) : code;
    return network_end(network, status, report, code, &error);
}

enum exit_status dumont_status(void *context, const struct command_line *line)
{
    (void)line;
    struct status_command command;
    struct error error;
    enum error_code code = network_open(&command.network, context, NETWORK_LOOKS, &error);
    enum exit_status status = code == ERR_OK ? run(&command) : say_error(DUMONT_NAME, &error);
    network_close(&command.network); /* the machines listed lie on the world's heap */
    return status;
}
