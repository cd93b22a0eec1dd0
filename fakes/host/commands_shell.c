/* Commands of the shell itself: cd, export, set, exit, eval, read, and those that run others: sh, env, nohup, timeout. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* ---- nothing much ---- */

int command_true(struct call *call)
{
    (void)call;
    return 0;
}

int command_false(struct call *call)
{
    (void)call;
    return 1;
}

/* Background jobs are over when they were started. */
int command_wait(struct call *call)
{
    (void)call;
    return 0;
}

/* ---- folders ---- */

int command_pwd(struct call *call)
{
    buffer_printf(call->out, "%s\n", call->shell->cwd);
    return 0;
}

int command_cd(struct call *call)
{
    struct shell *shell = call->shell;
    bool back = call->argc > 1 && strcmp(call->argv[1], "-") == 0;
    const char *variable = back ? "OLDPWD" : "HOME";
    const char *path = call->argc > 1 && !back ? call->argv[1] : shell_get(shell, span_of(variable));
    if (path == NULL) {
        shell_complain(shell, "cd: %s not set\n", variable);
        return 1;
    }
    struct tree_node *node;
    enum tree_error error = call_find(call, path[0] == '\0' ? "." : path, true, &node);
    if (error == TREE_OK && node->kind != TREE_DIRECTORY) {
        error = TREE_NOT_DIRECTORY;
    }
    if (error != TREE_OK) {
        bool dash = shell->is_dash;
        shell_complain(shell, dash ? "cd: can't cd to %s%s%s\n" : "cd: %s%s%s\n", path, dash ? "" : ": ",
                       dash ? "" : tree_error_text(error));
        return dash ? 2 : 1;
    }
    struct buffer *full = call_scratch(call);
    if (full == NULL) {
        return 1;
    }
    tree_append_path(node, full);
    char *copy = arena_text(&call->run->arena, span_of(buffer_text(full)));
    if (copy == NULL) {
        return 1;
    }
    shell_set(shell, span_of("OLDPWD"), shell->cwd);
    shell_set(shell, span_of("PWD"), copy);
    shell->cwd = copy;
    if (back) {
        buffer_printf(call->out, "%s\n", copy);
    }
    return 0;
}

/* ---- variables ---- */

int command_export(struct call *call)
{
    int status = 0;
    int first = call->argc > 1 && strcmp(call->argv[1], "-p") == 0 ? 2 : 1;
    for (int i = first; i < call->argc; i++) {
        struct span word = span_of(call->argv[i]);
        size_t length = shell_name_length(word);
        struct span name = {word.at, length};
        if (length == 0 || (length < word.length && word.at[length] != '=')) {
            shell_complain(call->shell, "export: `%s': not a valid identifier\n", call->argv[i]);
            status = 1;
            continue;
        }
        if (length < word.length) {
            shell_set(call->shell, name, word.at + length + 1);
        }
        shell_export(call->shell, name, true);
    }
    const struct variable *list = first >= call->argc ? shell_environment(call->shell) : NULL;
    for (; list != NULL; list = list->older) {
        buffer_printf(call->out, "declare -x %s=\"%s\"\n", list->name, list->value);
    }
    return status;
}

int command_unset(struct call *call)
{
    for (int i = 1; i < call->argc; i++) {
        if (call->argv[i][0] != '-') {
            shell_unset(call->shell, span_of(call->argv[i]));
        }
    }
    return 0;
}

static bool set_option(struct shell *shell, char letter, bool on)
{
    struct {
        char letter;
        bool *option;
    } rows[] = {{'e', &shell->exit_on_error}, {'u', &shell->no_unset}, {'x', &shell->trace}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (rows[i].letter == letter) {
            *rows[i].option = on;
            return true;
        }
    }
    return strchr("fhamnbvCBEHT", letter) != NULL;
}

static bool set_named_option(struct shell *shell, const char *name, bool on)
{
    static const struct {
        const char *name;
        char letter;
    } rows[] = {{"errexit", 'e'}, {"nounset", 'u'}, {"xtrace", 'x'}};
    if (strcmp(name, "pipefail") == 0) {
        shell->pipefail = on;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(name, rows[i].name) == 0) {
            return set_option(shell, rows[i].letter, on);
        }
    }
    return false;
}

/* The options at the front of `set`'s words; returns the index of the first argument, or 0 after a message. */
static int read_set_options(struct call *call, int i)
{
    for (; i < call->argc && (call->argv[i][0] == '-' || call->argv[i][0] == '+'); i++) {
        const char *word = call->argv[i];
        bool on = word[0] == '-';
        if (strcmp(word, "--") == 0) {
            return i + 1;
        }
        for (const char *letter = word + 1; *letter != '\0'; letter++) {
            bool named = *letter == 'o' && i + 1 < call->argc;
            bool known =
                named ? set_named_option(call->shell, call->argv[++i], on) : set_option(call->shell, *letter, on);
            if (!known) {
                shell_complain(call->shell, "set: %s: invalid option%s\n", named ? call->argv[i] : word,
                               named ? " name" : "");
                return 0;
            }
        }
    }
    return i;
}

int command_set(struct call *call)
{
    int first = read_set_options(call, 1);
    if (first == 0) {
        return 2;
    }
    bool replaces = first < call->argc || (first > 1 && strcmp(call->argv[first - 1], "--") == 0);
    if (replaces) {
        call->shell->arguments = call->argv + first;
        call->shell->argument_count = call->argc - first;
    }
    return 0;
}

int command_shift(struct call *call)
{
    int64_t count = 1;
    if (call->argc > 1 && (!number_parse(span_of(call->argv[1]), &count) || count < 0)) {
        shell_complain(call->shell, "shift: %s: numeric argument required\n", call->argv[1]);
        return 1;
    }
    if (count > call->shell->argument_count) {
        return 1;
    }
    call->shell->arguments += count;
    call->shell->argument_count -= (int32_t)count;
    return 0;
}

/* read NAME…: a line is split, the last name takes the rest. Backslashes are plain, as with -r. */
int command_read(struct call *call)
{
    struct option_reader options;
    if (!options_start(&options, call, "rp:t:sn:", NULL)) {
        return 1;
    }
    while (options_next(&options) != 0) {
    }
    struct span line = span_of("");
    bool newline = false;
    bool any = !options.wrong && take_line(&call->in->text, &line, &newline);
    const char *separators = shell_get(call->shell, span_of("IFS"));
    separators = separators == NULL ? " \t\n" : separators;
    options_default(&options, "REPLY");
    char *text = arena_text(&call->run->arena, line);
    if (text == NULL || options.wrong || !run_work(call->run, line.length)) {
        return 1;
    }
    for (int i = 0; i < options.operand_count; i++) {
        text += strspn(text, separators);
        size_t length = i + 1 < options.operand_count ? strcspn(text, separators) : strlen(text);
        while (i + 1 == options.operand_count && length > 0 && strchr(separators, text[length - 1]) != NULL) {
            length--;
        }
        char *value = arena_text(&call->run->arena, (struct span){text, length});
        if (value == NULL) {
            return 1;
        }
        shell_set(call->shell, span_of(options.operands[i]), value);
        text += length;
        text += *text != '\0';
    }
    return any && newline ? 0 : 1;
}

/* ---- leaving ---- */

static int leave(struct call *call, enum shell_jump jump)
{
    int64_t status = call->shell->status;
    if (call->argc > 1 && !number_parse(span_of(call->argv[1]), &status)) {
        shell_complain(call->shell, "%s: %s: numeric argument required\n", call->argv[0], call->argv[1]);
        status = 2;
    }
    call->shell->jump = jump;
    call->shell->status = (int32_t)((uint64_t)status & 0xff);
    return call->shell->status;
}

int command_exit(struct call *call)
{
    return leave(call, JUMP_EXIT);
}

int command_return(struct call *call)
{
    return leave(call, JUMP_RETURN);
}

static int leave_loops(struct call *call, enum shell_jump jump)
{
    int64_t levels = 1;
    if (call->argc > 1 && (!number_parse(span_of(call->argv[1]), &levels) || levels < 1)) {
        shell_complain(call->shell, "%s: %s: loop count out of range\n", call->argv[0], call->argv[1]);
        return 1;
    }
    if (call->shell->loops == 0) {
        return 0;
    }
    call->shell->jump = jump;
    call->shell->jump_levels = levels < call->shell->loops ? (int32_t)levels : call->shell->loops;
    return 0;
}

int command_break(struct call *call)
{
    return leave_loops(call, JUMP_BREAK);
}

int command_continue(struct call *call)
{
    return leave_loops(call, JUMP_CONTINUE);
}

/* ---- running texts ---- */

int command_eval(struct call *call)
{
    struct buffer *text = call_scratch(call);
    if (text == NULL) {
        return 1;
    }
    for (int i = 1; i < call->argc; i++) {
        buffer_append_text(text, i > 1 ? " " : "");
        buffer_append_text(text, call->argv[i]);
    }
    /* The words must outlive this command: a function may be defined in them. */
    char *copy = arena_text(&call->run->arena, (struct span){buffer_text(text), text->length});
    return copy == NULL ? 1 : shell_run_text(call->shell, span_of(copy));
}

int command_source(struct call *call)
{
    struct span text;
    if (call->argc < 2) {
        shell_complain(call->shell, "%s: filename argument required\n", call->argv[0]);
        return 2;
    }
    enum tree_error error = call_read(call, call->argv[1], SHELL_COMMAND_LIMIT, &text);
    if (error != TREE_OK) {
        shell_complain(call->shell, "%s: %s\n", call->argv[1], tree_error_text(error));
        return 1;
    }
    char *copy = arena_text(&call->run->arena, text);
    int status = copy == NULL ? 1 : shell_run_text(call->shell, span_of(copy));
    if (call->shell->jump == JUMP_RETURN) {
        call->shell->jump = JUMP_NONE;
    }
    return status;
}

/* `sh -c TEXT [NAME [ARGUMENT…]]`, `sh FILE`, and sh with its commands on standard input. */
static int run_shell(struct call *call, bool is_dash)
{
    struct shell inner = shell_copy(call->shell);
    const char *text = NULL;
    int i = 1;
    inner.variables = shell_environment(call->shell);
    inner.functions = NULL;
    inner.name = call->argv[0];
    inner.is_dash = is_dash;
    inner.line = 1;
    inner.exit_on_error = inner.no_unset = inner.pipefail = inner.trace = false;
    inner.conditions = 0;
    inner.status = 0;
    inner.arguments = NULL;
    inner.argument_count = 0;
    for (; i < call->argc && call->argv[i][0] == '-' && call->argv[i][1] != '\0'; i++) {
        bool takes_text = strchr(call->argv[i], 'c') != NULL && call->argv[i][1] != '-';
        for (const char *letter = call->argv[i] + 1; *letter != '\0' && call->argv[i][1] != '-'; letter++) {
            if (strchr("eux", *letter) != NULL) {
                (void)set_option(&inner, *letter, true);
            } else if (*letter == 'o' && i + 1 < call->argc) {
                (void)set_named_option(&inner, call->argv[++i], true);
                break;
            }
        }
        if (takes_text && i + 1 >= call->argc) {
            call_complain(call, "-c: option requires an argument\n");
            return 2;
        }
        text = takes_text ? call->argv[++i] : text;
    }
    if (text != NULL) {
        if (i < call->argc) {
            inner.name = call->argv[i];
            inner.arguments = call->argv + i + 1;
            inner.argument_count = call->argc - i - 1;
        }
        return shell_run_text(&inner, span_of(text));
    }
    if (i < call->argc && strcmp(call->argv[i], "-s") != 0) {
        return shell_run_script(&inner, call->argv[i], call->argc - i, call->argv + i, is_dash);
    }
    struct span commands;
    char *copy = NULL;
    if (call_read_input(call, SHELL_COMMAND_LIMIT, &commands) == TREE_OK) {
        copy = arena_text(&call->run->arena, commands);
    }
    return copy == NULL ? 1 : shell_run_text(&inner, span_of(copy));
}

int command_sh(struct call *call)
{
    return run_shell(call, true);
}

int command_bash(struct call *call)
{
    return run_shell(call, false);
}

int command_exec(struct call *call)
{
    if (call->argc == 1) {
        return 0; /* its redirections stay, see shell_simple.c */
    }
    int status = shell_run_words(call->shell, call->argc - 1, call->argv + 1);
    call->shell->jump = JUMP_EXIT;
    call->shell->status = status;
    return status;
}

/* ---- running programs ---- */

static void print_environment(struct call *call, struct shell *shell)
{
    for (const struct variable *list = shell_environment(shell); list != NULL; list = list->older) {
        buffer_printf(call->out, "%s=%s\n", list->name, list->value);
    }
}

int command_env(struct call *call)
{
    struct shell inner = shell_copy(call->shell);
    int i = 1;
    for (; i < call->argc && call->argv[i][0] == '-'; i++) {
        if (strcmp(call->argv[i], "-u") == 0 && i + 1 < call->argc) {
            shell_unset(&inner, span_of(call->argv[++i]));
        } else if (strcmp(call->argv[i], "-i") == 0 || strcmp(call->argv[i], "-") == 0) {
            inner.variables = NULL;
        } else {
            return call_usage(call, 125, "invalid option -- '%s'", call->argv[i] + 1);
        }
    }
    for (; i < call->argc && strchr(call->argv[i], '=') != NULL && call->argv[i][0] != '='; i++) {
        struct span name = {call->argv[i], strcspn(call->argv[i], "=")};
        shell_set(&inner, name, call->argv[i] + name.length + 1);
        shell_export(&inner, name, true);
    }
    if (i == call->argc) {
        print_environment(call, &inner);
        return 0;
    }
    struct call program = *call;
    program.shell = &inner;
    return call_program(&program, i, "");
}

int command_printenv(struct call *call)
{
    if (call->argc == 1) {
        print_environment(call, call->shell);
        return 0;
    }
    int status = 0;
    for (int i = 1; i < call->argc; i++) {
        const struct variable *list = shell_environment(call->shell);
        while (list != NULL && strcmp(list->name, call->argv[i]) != 0) {
            list = list->older;
        }
        if (list == NULL) {
            status = 1;
        } else {
            buffer_printf(call->out, "%s\n", list->value);
        }
    }
    return status;
}

int command_nohup(struct call *call)
{
    return call->argc < 2 ? call_usage(call, 125, "missing operand") : call_program(call, 1, "failed to run command ");
}

int command_setsid(struct call *call)
{
    int first = 1;
    while (first < call->argc && call->argv[first][0] == '-') {
        first++;
    }
    return first == call->argc ? call_usage(call, 1, "no command specified")
                               : call_program(call, first, "failed to execute ");
}

/* No command takes time here, so none is ever cut. */
int command_timeout(struct call *call)
{
    struct option_reader options;
    if (!options_start(&options, call, "+s:k:v", NULL)) {
        return 125;
    }
    while (options_next(&options) != 0) {
    }
    if (options.wrong || options.operand_count < 2) {
        return options.wrong ? 125 : call_usage(call, 125, "missing operand");
    }
    int64_t limit_ns;
    if (!number_parse_duration(options.operands[0], &limit_ns)) {
        return call_usage(call, 125, "invalid time interval '%s'", options.operands[0]);
    }
    struct run *run = call->run;
    int64_t latest_ns = limit_ns == 0 ? INT64_MAX : saturating_add(run->now.unix_ns, limit_ns); /* 0: no limit */
    int status = call_program(call, call->argc - options.operand_count + 1, "failed to run command ");
    if (run->now.unix_ns <= latest_ns) {
        return status;
    }
    run->now.unix_ns = latest_ns;
    return 124;
}
