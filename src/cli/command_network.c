/* Commands that need the network. Their command lines are complete; the sockets come with the next version. */
#include <string.h>

#include "cli/dumont.h"

/* Says that the command is not available, and what serves meanwhile. */
static enum exit_status say_no_sockets(const struct command_line *line, const char *instead)
{
    struct error error;
    (void)error_set(&error, ERR_NOT_AVAILABLE, "%s needs the network, and this build has no sockets yet",
                    line->command->name);
    error_advise(&error, "%s", instead);
    return say_error(DUMONT_NAME, &error);
}

enum exit_status dumont_check(void *context, const struct command_line *line)
{
    (void)context;
    return say_no_sockets(line, "`dumont-sim run` rehearses the same check in virtual time");
}

enum exit_status dumont_destroy(void *context, const struct command_line *line)
{
    (void)context;
    const char *id = line->arguments[0];
    int64_t number = 0;
    bool whole = id[strspn(id, "0123456789")] == '\0' && decimal_parse(span_of(id), 0, &number);
    if (!whole || number == 0) {
        struct error error;
        (void)error_set(&error, ERR_USAGE, "destroy: ID is the number of a machine");
        return say_error(DUMONT_NAME, &error);
    }
    return say_no_sockets(line, "`dumont-sim run` rehearses it in virtual time, as the last phase of a check");
}

enum exit_status dumont_reap(void *context, const struct command_line *line)
{
    (void)context;
    return say_no_sockets(line, "`dumont-sim run --kill-at 100` rehearses it in virtual time, after a crash");
}

enum exit_status dumont_status(void *context, const struct command_line *line)
{
    (void)context;
    return say_no_sockets(line, "`dumont report HISTORY` shows what a run has left");
}

enum exit_status dumont_events_deliver(void *context, const struct command_line *line)
{
    (void)context;
    return say_no_sockets(line, "`dumont events list` shows what waits");
}
