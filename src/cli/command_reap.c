#include "cli/network.h"
#include "journey/reap.h"

struct reap_command {
    struct network network;
    struct reap_options options;
    enum exit_status status;
};

static void procedure(void *argument)
{
    struct reap_command *command = argument;
    command->status = reap_run(network_world(&command->network), &command->options);
}

/* Shows, unless it was told to act; the text says what would be done, so it is printed in a dry run too. */
static enum exit_status run(struct reap_command *command, const struct dumont_values *values)
{
    struct network *network = &command->network;
    reap_defaults(&command->options);
    command->options.access = network->access;
    command->options.act = values->yes && !values->dry_run;
    command->options.known_only = values->known_only;
    if (values->grace_ns >= 0) {
        command->options.grace_ns = values->grace_ns;
    }
    enum exit_status status = network_run(network, procedure, command, &command->status);
    struct report_output output = network_output(values);
    output.quiet = values->quiet;
    status = network_tell(network, status, &output);
    if (status == EXIT_DONE && !command->options.act && !values->quiet) {
        say(DUMONT_NAME, "nothing was destroyed: this only shows; to act: dumont reap --yes");
    }
    return status;
}

enum exit_status dumont_reap(void *context, const struct command_line *line)
{
    (void)line;
    const struct dumont_values *values = context;
    struct reap_command command;
    struct error error;
    enum error_code code = network_open(&command.network, values, NETWORK_LOOKS, &error);
    enum exit_status status = code == ERR_OK ? run(&command, values) : say_error(DUMONT_NAME, &error);
    network_close(&command.network);
    return status;
}
