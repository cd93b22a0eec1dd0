/* Which program of the modelled host a request is for. */
#include "fakes/front/ssh_programs.h"

struct channel_program *ssh_modelled_program(void *context, const struct channel_request *request)
{
    (void)context;
    switch (request->kind) {
    case CHANNEL_EXEC:
        return ssh_command_program(request);
    case CHANNEL_SHELL:
        return ssh_shell_program(request);
    case CHANNEL_SUBSYSTEM:
        break; /* none yet: "subsystem request failed on channel 0" */
    }
    return NULL;
}
