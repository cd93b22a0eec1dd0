/* Which program of the modelled host a request is for. */
#include <string.h>

#include "fakes/front/ssh_programs.h"

static bool is_scp(const struct channel_request *request)
{
    return request->text.length > 4 && memcmp(request->text.at, "scp ", 4) == 0;
}

struct channel_program *ssh_modelled_program(void *context, const struct channel_request *request)
{
    struct channel_program *files = NULL;
    (void)context;
    switch (request->kind) {
    case CHANNEL_EXEC:
        files = is_scp(request) ? ssh_files_program(request) : NULL;
        return files != NULL ? files : ssh_command_program(request);
    case CHANNEL_SHELL:
        return ssh_shell_program(request);
    case CHANNEL_SUBSYSTEM:
        return span_equals(request->text, "sftp") ? ssh_files_program(request) : NULL;
    }
    return NULL;
}
