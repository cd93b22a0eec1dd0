/* Simple commands: words, assignments, and where the command is found. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/shell_run.h"

enum { STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

/* ---- assignments ---- */

static bool assign(struct shell *shell, struct span word, bool exported)
{
    size_t length = shell_assignment_name(word);
    struct span name = {word.at, length};
    const char *value = shell_expand_text(shell, (struct span){word.at + length + 1, word.length - length - 1});
    if (value == NULL) {
        return false;
    }
    shell_set(shell, name, value);
    if (exported) {
        shell_export(shell, name, true);
    }
    return !run_is_dead(shell->run);
}

/* What variables were before `NAME=value command`; they are so again behind it. */
struct remembered {
    struct span name;
    const char *value;
    bool exported;
    struct remembered *older;
};

static bool assign_for_command(struct shell *shell, const struct shell_word *words, struct remembered **list)
{
    for (; words != NULL; words = words->next) {
        struct remembered *entry = arena_alloc(&shell->run->arena, sizeof *entry);
        if (entry == NULL) {
            return false;
        }
        entry->name = (struct span){words->raw.at, shell_assignment_name(words->raw)};
        entry->older = *list;
        for (const struct variable *at = shell->variables; at != NULL; at = at->older) {
            if (span_equals(entry->name, at->name)) {
                entry->value = at->value;
                entry->exported = at->exported;
                break;
            }
        }
        *list = entry;
        if (!assign(shell, words->raw, true)) {
            return false;
        }
    }
    return true;
}

static void restore_variables(struct shell *shell, const struct remembered *list)
{
    for (; list != NULL; list = list->older) {
        if (list->value == NULL) {
            shell_unset(shell, list->name);
        } else {
            shell_set(shell, list->name, list->value);
            shell_export(shell, list->name, list->exported);
        }
    }
}

/* ---- finding and calling ---- */

static int run_function(struct shell *shell, const struct shell_function *function, int argc, char **argv)
{
    char **arguments = shell->arguments;
    int32_t count = shell->argument_count;
    shell->arguments = argv + 1;
    shell->argument_count = argc - 1;
    int status = shell_run_command(shell, function->body);
    if (shell->jump == JUMP_RETURN) {
        shell->jump = JUMP_NONE;
        status = shell->status;
    }
    shell->arguments = arguments;
    shell->argument_count = count;
    return status;
}

/* A write that the disk refuses shows when the command's output is stored. */
static int flush_output(struct shell *shell, const struct command *command, int status)
{
    enum tree_error error = stream_flush(shell->run, shell->streams.out);
    if (error != TREE_OK) {
        if (command->kind == COMMAND_PROGRAM) {
            buffer_printf(stream_buffer(shell->streams.err), "%s: write error: %s\n", command->name,
                          tree_error_text(error));
        } else {
            shell_complain(shell, "%s: write error: %s\n", command->name, tree_error_text(error));
        }
        status = status == 0 ? 1 : status;
    }
    (void)stream_flush(shell->run, shell->streams.err);
    return status;
}

static int call_command(struct shell *shell, const struct command *command, int argc, char **argv)
{
    struct call call = {
        .shell = shell,
        .run = shell->run,
        .host = shell->host,
        .files = &shell->host->files,
        .argc = argc,
        .argv = argv,
        .in = shell->streams.in,
        .out = stream_buffer(shell->streams.out),
        .err = stream_buffer(shell->streams.err),
    };
    struct stream *mark = shell->run->open;
    int status = command->function(&call);
    status = flush_output(shell, command, status);
    run_close_streams(shell->run, mark);
    return status;
}

static int not_found(struct shell *shell, const char *name)
{
    shell_complain(shell, shell->is_dash ? "%s: not found\n" : "%s: command not found\n", name);
    return STATUS_NOT_FOUND;
}

/* A path: a script of the file tree. */
static int run_path(struct shell *shell, const char *path, int argc, char **argv)
{
    struct tree_node *file;
    enum tree_error error = tree_find(&shell->host->files, shell->cwd, path, true, &file);
    if (error != TREE_OK) {
        if (shell->is_dash) {
            return not_found(shell, path);
        }
        shell_complain(shell, "%s: %s\n", path, tree_error_text(error));
        return error == TREE_NO_ENTRY ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
    }
    if (file->kind == TREE_DIRECTORY || (file->mode & 0111) == 0) {
        bool is_directory = file->kind == TREE_DIRECTORY && !shell->is_dash;
        shell_complain(shell, "%s: %s\n", path, is_directory ? "Is a directory" : "Permission denied");
        return STATUS_NOT_EXECUTABLE;
    }
    return shell_run_script(shell, path, argc, argv, false);
}

/* An executable file of that name in one of PATH's folders, or NULL. */
static const char *find_on_path(struct shell *shell, const char *name)
{
    const char *path = shell_get(shell, span_of("PATH"));
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char full[TREE_PATH_LIMIT + 1];
        struct tree_node *file;
        if (text_format(full, sizeof full, "%.*s/%s", (int)length, path, name) &&
            tree_find(&shell->host->files, shell->cwd, full, true, &file) == TREE_OK && file->kind == TREE_FILE &&
            (file->mode & 0111) != 0) {
            return arena_text(&shell->run->arena, span_of(full));
        }
        path += path[length] == ':' ? length + 1 : length;
    }
    return NULL;
}

static int run_named(struct shell *shell, int argc, char **argv)
{
    const char *name = argv[0];
    for (const struct shell_function *at = shell->functions; at != NULL; at = at->older) {
        if (span_equals(at->name, name)) {
            return run_function(shell, at, argc, argv);
        }
    }
    const struct command *command = command_find(shell->host, name);
    if (command != NULL) {
        return call_command(shell, command, argc, argv);
    }
    if (strchr(name, '/') != NULL) {
        return run_path(shell, name, argc, argv);
    }
    const char *path = name[0] == '\0' ? NULL : find_on_path(shell, name);
    return path == NULL ? not_found(shell, name) : run_path(shell, path, argc, argv);
}

int shell_run_words(struct shell *shell, int argc, char **argv)
{
    if (!run_enter(shell->run) || !run_work(shell->run, SHELL_WORK_PER_COMMAND)) {
        shell->run->killed = true;
        return HOST_EXIT_KILLED;
    }
    int status = run_named(shell, argc, argv);
    run_leave(shell->run);
    return run_is_dead(shell->run) ? HOST_EXIT_KILLED : status;
}

static void trace(struct shell *shell, int argc, char **argv)
{
    struct buffer *err = stream_buffer(shell->streams.err);
    buffer_append_char(err, '+');
    for (int i = 0; i < argc; i++) {
        buffer_printf(err, " %s", argv[i]);
    }
    buffer_append_char(err, '\n');
    (void)stream_flush(shell->run, shell->streams.err);
}

static int run_assignments(struct shell *shell, const struct shell_word *words)
{
    for (; words != NULL; words = words->next) {
        if (!assign(shell, words->raw, false)) {
            return shell->status;
        }
    }
    return shell->substitution_status < 0 ? 0 : shell->substitution_status;
}

int shell_run_simple(struct shell *shell, const struct shell_command *command)
{
    int argc = 0;
    shell->substitution_status = -1;
    char **argv = shell_expand_words(shell, command->words, &argc);
    if (argv == NULL) {
        return shell->status;
    }
    struct streams before = shell->streams;
    struct stream *mark = shell->run->open;
    struct remembered *remembered = NULL;
    int status = 1;
    if (!shell_redirect(shell, command->redirections)) {
        status = shell->jump == JUMP_EXIT ? shell->status : shell->is_dash ? 2 : 1;
    } else if (argc == 0) {
        status = run_assignments(shell, command->assignments);
    } else if (assign_for_command(shell, command->assignments, &remembered)) {
        if (shell->trace) {
            trace(shell, argc, argv);
        }
        status = shell_run_words(shell, argc, argv);
        restore_variables(shell, remembered);
    }
    bool keeps_streams = argc == 1 && strcmp(argv[0], "exec") == 0;
    if (!keeps_streams) {
        shell->streams = before;
        run_close_streams(shell->run, mark);
    }
    return status;
}

int shell_run_script(struct shell *shell, const char *path, int argc, char **argv, bool is_dash)
{
    struct tree_node *file;
    enum tree_error error = tree_find(&shell->host->files, shell->cwd, path, true, &file);
    if (error != TREE_OK || file->kind == TREE_DIRECTORY) {
        shell_complain(shell, "%s: %s\n", path, tree_error_text(error != TREE_OK ? error : TREE_IS_DIRECTORY));
        return error == TREE_NO_ENTRY ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
    }
    /* The text must outlive the tree even when the script changes its own file. */
    char *text = arena_text(&shell->run->arena, (struct span){buffer_text(&file->content), file->content.length});
    if (text == NULL) {
        return HOST_EXIT_KILLED;
    }
    struct shell inner = shell_copy(shell);
    inner.variables = shell_environment(shell);
    inner.functions = NULL;
    inner.name = path;
    inner.line = 1;
    inner.is_dash = is_dash;
    inner.exit_on_error = inner.no_unset = inner.pipefail = inner.trace = false;
    inner.conditions = 0;
    inner.arguments = argv + 1;
    inner.argument_count = argc - 1;
    return shell_run_text(&inner, span_of(text));
}
