#include <string.h>

#include "fakes/host/command.h"

/* In byte order of the names: found by halving. */
static const struct command commands[] = {
#define HOST_COMMAND_ROW(name, function, kind, input) {name, function, COMMAND_##kind, input},
    HOST_COMMAND_LIST(HOST_COMMAND_ROW)
#undef HOST_COMMAND_ROW
};

/* The last part of a path into a folder where programs lie, else NULL. */
static const char *program_of_path(const char *path)
{
    static const char *const folders[] = {"/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/"};
    for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) == 0) {
            return path + length;
        }
    }
    return NULL;
}

const struct command *command_named(const char *name)
{
    bool is_path = strchr(name, '/') != NULL;
    const char *wanted = is_path ? program_of_path(name) : name;
    size_t low = 0;
    size_t high = wanted == NULL ? 0 : ARRAY_LENGTH(commands);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(wanted, commands[middle].name);
        if (order == 0) {
            const struct command *found = &commands[middle];
            return is_path && found->kind == COMMAND_BUILTIN ? NULL : found;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const struct command *command_find(const struct host *host, const char *name)
{
    const struct command *found = command_named(name);
    bool hidden = found != NULL && found->function == command_nvidia_smi && host->gpu_state == HOST_GPU_NO_TOOL;
    return hidden ? NULL : found;
}

const struct command *command_at(int32_t i)
{
    return i >= 0 && (size_t)i < ARRAY_LENGTH(commands) ? &commands[i] : NULL;
}
