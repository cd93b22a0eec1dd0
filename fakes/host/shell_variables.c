/*
 * Variables: a list, newest first. An environment changes its own entries in place and shadows those of the environment it was
 * copied from, so a copy costs nothing.
 */
#include <string.h>

#include "fakes/host/shell.h"

static struct variable *find(const struct shell *shell, struct span name)
{
    for (struct variable *variable = shell->variables; variable != NULL; variable = variable->older) {
        if (span_equals(name, variable->name)) {
            return variable;
        }
    }
    return NULL;
}

/* The variable as this environment may change it, or NULL: out of memory. */
static struct variable *own(struct shell *shell, struct span name)
{
    struct variable *inherited = find(shell, name);
    if (inherited != NULL && inherited->scope == shell->scope) {
        return inherited;
    }
    struct variable *variable = arena_alloc(&shell->run->arena, sizeof *variable);
    char *copy = arena_text(&shell->run->arena, name);
    if (variable == NULL || copy == NULL || ++shell->name_count > SHELL_NAMES_LIMIT) {
        shell->run->killed = true;
        return NULL;
    }
    if (inherited != NULL) {
        *variable = *inherited;
    }
    variable->name = copy;
    variable->scope = shell->scope;
    variable->older = shell->variables;
    shell->variables = variable;
    return variable;
}

const char *shell_get(const struct shell *shell, struct span name)
{
    const struct variable *variable = find(shell, name);
    return variable == NULL ? NULL : variable->value;
}

void shell_set(struct shell *shell, struct span name, const char *value)
{
    struct variable *variable = own(shell, name);
    char *copy = arena_text(&shell->run->arena, span_of(value));
    if (variable != NULL && copy != NULL) {
        variable->value = copy;
    }
}

void shell_export(struct shell *shell, struct span name, bool exported)
{
    struct variable *variable = own(shell, name);
    if (variable != NULL) {
        variable->exported = exported;
    }
}

void shell_unset(struct shell *shell, struct span name)
{
    if (find(shell, name) == NULL) {
        return;
    }
    struct variable *variable = own(shell, name);
    if (variable != NULL) {
        variable->value = NULL;
        variable->exported = false;
    }
}

static bool is_listed(const struct variable *list, const char *name)
{
    while (list != NULL && strcmp(list->name, name) != 0) {
        list = list->older;
    }
    return list != NULL;
}

struct variable *shell_environment(struct shell *shell)
{
    struct variable *list = NULL;
    struct variable *hidden = NULL;
    for (const struct variable *variable = shell->variables; variable != NULL; variable = variable->older) {
        if (is_listed(list, variable->name) || is_listed(hidden, variable->name)) {
            continue;
        }
        struct variable *copy = arena_alloc(&shell->run->arena, sizeof *copy);
        if (copy == NULL) {
            return NULL;
        }
        bool shown = variable->exported && variable->value != NULL;
        struct variable **place = shown ? &list : &hidden;
        *copy = *variable;
        copy->older = *place;
        *place = copy;
    }
    return list;
}

bool shell_start(struct shell *shell, struct run *run, struct streams streams)
{
    static const struct {
        const char *name;
        const char *value;
    } login[] = {
        {"HOME", "/root"},
        {"LOGNAME", "root"},
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"PWD", "/root"},
        {"SHELL", "/bin/bash"},
        {"USER", "root"},
    };
    *shell = (struct shell){
        .run = run, .host = run->host, .streams = streams, .name = "bash", .line = 1, .substitution_status = -1};
    struct variable *variables = arena_alloc(&run->arena, ARRAY_LENGTH(login) * sizeof *variables);
    shell->cwd = arena_text(&run->arena, span_of("/root"));
    for (size_t i = 0; i < ARRAY_LENGTH(login) && variables != NULL; i++) {
        variables[i] = (struct variable){.exported = true, .older = shell->variables};
        variables[i].name = arena_text(&run->arena, span_of(login[i].name));
        variables[i].value = arena_text(&run->arena, span_of(login[i].value));
        shell->variables = &variables[i];
    }
    return !run_is_dead(run);
}

struct shell shell_copy(struct shell *shell)
{
    struct shell copy = *shell;
    copy.scope++;
    copy.jump = JUMP_NONE;
    copy.loops = 0;
    return copy;
}
