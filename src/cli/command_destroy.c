#include "cli/network.h"
#include "journey/destroy.h"

struct destroy_command {
    struct network network;
    struct destroy_options options;
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct destroy_command *command = argument;
    command->status = destroy_run(network_world(&command->network), &command->options);
}

static enum exit_status run(struct destroy_command *command, const struct dumont_values *values, int64_t instance_id)
{
    struct network *network = &command->network;
    command->options = (struct destroy_options){
        .access = network->access,
        .instance_id = instance_id,
        .foreign = values->yes,
        .consent = network->consent,
    };
    enum exit_status status = network_run(network, procedure, command, &command->status);
    const struct report_output output = network_output(values);
    return network_tell(network, status, &output);
}

enum exit_status dumont_destroy(void *context, const struct command_line *line)
{
    const struct dumont_values *values = context;
    struct destroy_command command;
    struct error error;
    int64_t instance_id = 0;
    if (network_parse_id(line, &instance_id, &error) != ERR_OK) {
        return say_error(DUMONT_NAME, &error);
    }
    enum error_code code = network_open(&command.network, values, NETWORK_DESTROYS, &error);
    enum exit_status status = code == ERR_OK ? run(&command, values, instance_id) : say_error(DUMONT_NAME, &error);
    network_close(&command.network);
    return status;
}
