/* Where a command is: command, type, which. */
#include <string.h>

#include "fakes/host/command.h"

static const char *kind_of_name(struct call *call, const char *name, char path[TREE_PATH_LIMIT + 1])
{
    static const char *const keywords[] = {"if", "then", "else", "elif", "fi", "for", "while", "until",
                                           "do", "done", "case", "esac", "!",  "{",   "}"};
    (void)text_copy(path, TREE_PATH_LIMIT + 1, name);
    for (size_t i = 0; i < ARRAY_LENGTH(keywords); i++) {
        if (strcmp(name, keywords[i]) == 0) {
            return "keyword";
        }
    }
    for (const struct shell_function *at = call->shell->functions; at != NULL; at = at->older) {
        if (span_equals(at->name, name)) {
            return "function";
        }
    }
    const struct command *command = command_find(call->host, name);
    if (command != NULL && command->kind != COMMAND_PROGRAM) {
        return "builtin";
    }
    if (command != NULL) {
        (void)text_format(path, TREE_PATH_LIMIT + 1, "%s%s", strchr(name, '/') == NULL ? "/usr/bin/" : "", name);
        return "file";
    }
    struct tree_node *node;
    for (const char *folder = shell_get(call->shell, span_of("PATH")); folder != NULL && *folder != '\0';) {
        size_t length = strcspn(folder, ":");
        bool named = strchr(name, '/') != NULL;
        bool fits = named ? text_copy(path, TREE_PATH_LIMIT + 1, name)
                          : text_format(path, TREE_PATH_LIMIT + 1, "%.*s/%s", (int)length, folder, name);
        if (fits && call_find(call, path, true, &node) == TREE_OK && node->kind == TREE_FILE &&
            (node->mode & 0111) != 0) {
            return "file";
        }
        folder += length + (folder[length] == ':');
    }
    return NULL;
}

int command_command(struct call *call)
{
    char path[TREE_PATH_LIMIT + 1];
    bool asks = call->argc > 1 && (strcmp(call->argv[1], "-v") == 0 || strcmp(call->argv[1], "-V") == 0);
    if (!asks) {
        struct shell_function *functions = call->shell->functions;
        int first = call->argc > 1 && strcmp(call->argv[1], "-p") == 0 ? 2 : 1;
        if (first >= call->argc) {
            return 0;
        }
        call->shell->functions = NULL;
        int status = shell_run_words(call->shell, call->argc - first, call->argv + first);
        call->shell->functions = functions;
        return status;
    }
    int status = call->argc > 2 ? 0 : 1;
    for (int i = 2; i < call->argc; i++) {
        if (kind_of_name(call, call->argv[i], path) == NULL) {
            status = call->shell->is_dash ? 127 : 1;
        } else {
            buffer_printf(call->out, "%s\n", path);
        }
    }
    return status;
}

int command_type(struct call *call)
{
    char path[TREE_PATH_LIMIT + 1];
    int status = 0;
    for (int i = 1; i < call->argc; i++) {
        const char *name = call->argv[i];
        const char *kind = kind_of_name(call, name, path);
        if (kind == NULL) {
            shell_complain(call->shell, "type: %s: not found\n", name);
            status = 1;
        } else if (strcmp(kind, "file") == 0) {
            buffer_printf(call->out, "%s is %s\n", name, path);
        } else {
            buffer_printf(call->out, "%s is a %s%s\n", name, strcmp(kind, "function") == 0 ? "" : "shell ", kind);
        }
    }
    return status;
}

int command_which(struct call *call)
{
    char path[TREE_PATH_LIMIT + 1];
    int status = call->argc > 1 ? 0 : 1;
    for (int i = 1; i < call->argc; i++) {
        const struct command *command = command_find(call->host, call->argv[i]);
        bool is_program = command != NULL && command->kind != COMMAND_BUILTIN;
        if (is_program && strchr(call->argv[i], '/') == NULL) {
            buffer_printf(call->out, "/usr/bin/%s\n", call->argv[i]);
        } else if (is_program ||
                   (command == NULL && kind_of_name(call, call->argv[i], path) != NULL && strchr(path, '/') != NULL)) {
            buffer_printf(call->out, "%s\n", is_program ? call->argv[i] : path);
        } else {
            status = 1;
        }
    }
    return status;
}
