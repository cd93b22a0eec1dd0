#include "cli/network.h"
#include "journey/check.h"

struct check_command {
    struct network network;
    struct check_options options;
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct check_command *command = argument;
    command->status = check_run(network_world(&command->network), &command->options);
}

static enum exit_status run(struct check_command *command, const struct dumont_values *values)
{
    struct network *network = &command->network;
    check_defaults(&command->options);
    check_values_apply(&values->check, &command->options);
    command->options.access = network->access;
    command->options.consent = network->consent;
    command->options.budget_nusd = values->max_nusd < 0 ? BUDGET_NO_CAP : values->max_nusd;
    enum exit_status status = network_run(network, procedure, command, &command->status);
    const struct report_output output = network_output(values);
    return network_tell(network, status, &output);
}

enum exit_status dumont_check(void *context, const struct command_line *line)
{
    (void)line;
    const struct dumont_values *values = context;
    struct check_command command;
    struct error error;
    enum error_code code = network_open(&command.network, values, NETWORK_RENTS, &error);
    enum exit_status status = code == ERR_OK ? run(&command, values) : say_error(DUMONT_NAME, &error);
    network_close(&command.network);
    return status;
}
