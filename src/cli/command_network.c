/* Commands that wait for what delivers webhooks. */
#include "cli/dumont.h"

enum exit_status dumont_events_deliver(void *context, const struct command_line *line)
{
    (void)context;
    struct error error;
    (void)error_set(&error, ERR_NOT_AVAILABLE, "%s needs the network, and this build has no sockets yet",
                    line->command->name);
    error_advise(&error, "`dumont events list` shows what waits");
    return say_error(DUMONT_NAME, &error);
}
