/* $name, special parameters and ${…} with its operators. */
#include <string.h>

#include "fakes/host/pattern.h"
#include "fakes/host/shell_expand.h"

enum { SHELL_PID = 412 };

struct parameter {
    const char *value; /* NULL: unset */
    char digits[24];
};

static void set_number(struct parameter *parameter, int64_t number)
{
    (void)text_format(parameter->digits, sizeof parameter->digits, "%lld", (long long)number);
    parameter->value = parameter->digits;
}

static void option_letters(const struct shell *shell, struct parameter *parameter)
{
    (void)text_format(parameter->digits, sizeof parameter->digits, "%s%s%s%shBc", shell->exit_on_error ? "e" : "",
                      shell->no_unset ? "u" : "", shell->trace ? "x" : "", "");
    parameter->value = parameter->digits;
}

static void look_up_positional(const struct shell *shell, struct span name, struct parameter *parameter)
{
    int64_t index = 0;
    for (size_t i = 0; i < name.length && index < INT32_MAX / 10; i++) {
        index = index * 10 + (name.at[i] - '0');
    }
    if (index == 0) {
        parameter->value = shell->name;
    } else if (index <= shell->argument_count) {
        parameter->value = shell->arguments[index - 1];
    }
}

static void look_up(const struct shell *shell, struct span name, struct parameter *parameter)
{
    parameter->value = NULL;
    if (name.at[0] >= '0' && name.at[0] <= '9') {
        look_up_positional(shell, name, parameter);
    } else if (name.length > 1 || shell_is_name_start(name.at[0])) {
        parameter->value = shell_get(shell, name);
    } else if (name.at[0] == '?') {
        set_number(parameter, shell->status);
    } else if (name.at[0] == '$') {
        set_number(parameter, SHELL_PID);
    } else if (name.at[0] == '#') {
        set_number(parameter, shell->argument_count);
    } else if (name.at[0] == '-') {
        option_letters(shell, parameter);
    } else if (name.at[0] == '!' && shell->background_pid != 0) {
        set_number(parameter, shell->background_pid);
    }
}

/* $@ and $*: a field for each argument, but "$*" is one. */
static void expand_arguments(struct expansion *expansion, bool joined, bool quoted)
{
    const struct shell *shell = expansion->shell;
    for (int32_t i = 0; i < shell->argument_count; i++) {
        if (i > 0 && (joined || !expansion->splits)) {
            expansion_add_char(expansion, ' ', true);
        } else if (i > 0) {
            expansion_break(expansion, quoted);
        }
        expansion_add_value(expansion, shell->arguments[i], quoted);
    }
    if (shell->argument_count == 0 && quoted && !joined) {
        expansion->present = false;
    }
}

static void complain_unset(struct expansion *expansion, struct span name)
{
    shell_complain(expansion->shell, "%.*s: %s\n", (int)name.length, name.at,
                   expansion->shell->is_dash ? "parameter not set" : "unbound variable");
    expansion_fail(expansion, expansion->shell->is_dash ? 2 : 127);
}

void expand_parameter(struct expansion *expansion, struct span name, bool quoted)
{
    if (name.at[0] == '@' || name.at[0] == '*') {
        expand_arguments(expansion, quoted && name.at[0] == '*', quoted);
        return;
    }
    struct parameter parameter;
    look_up(expansion->shell, name, &parameter);
    if (parameter.value != NULL) {
        expansion_add_value(expansion, parameter.value, quoted);
    } else if (expansion->shell->no_unset) {
        complain_unset(expansion, name);
    }
}

/* ---- ${name operator word} ---- */

/* ${name%pattern} and its like: removes the shortest or longest match from an end. */
static void remove_match(struct expansion *expansion, const char *value, struct span raw, bool at_end, bool longest,
                         bool quoted)
{
    char *pattern = shell_expand_pattern(expansion->shell, raw);
    if (pattern == NULL) {
        return;
    }
    size_t length = strlen(value);
    struct span glob = span_of(pattern);
    for (size_t i = 0; i <= length && run_work(expansion->shell->run, length); i++) {
        size_t size = longest ? length - i : i;
        struct span piece = {at_end ? value + length - size : value, size};
        if (glob_matches(glob, piece)) {
            struct span kept = {at_end ? value : value + size, length - size};
            char *rest = arena_text(&expansion->shell->run->arena, kept);
            if (rest != NULL) {
                expansion_add_value(expansion, rest, quoted);
            }
            return;
        }
    }
    expansion_add_value(expansion, value, quoted);
}

static void assign_default(struct expansion *expansion, struct span name, struct span word, bool quoted)
{
    char *value = shell_expand_text(expansion->shell, word);
    if (value != NULL) {
        shell_set(expansion->shell, name, value);
        expansion_add_value(expansion, value, quoted);
    }
}

static void complain_missing(struct expansion *expansion, struct span name, struct span word)
{
    char *text = shell_expand_text(expansion->shell, word);
    if (text != NULL) {
        shell_complain(expansion->shell, "%.*s: %s\n", (int)name.length, name.at,
                       text[0] == '\0' ? "parameter null or not set" : text);
        expansion_fail(expansion, expansion->shell->is_dash ? 2 : 127);
    }
}

/* The operators - = + ?, with or without the colon that makes an empty value count as none. */
static void expand_conditional(struct expansion *expansion, struct span name, char operation, bool is_set,
                               struct span word, bool quoted)
{
    struct parameter parameter;
    look_up(expansion->shell, name, &parameter);
    if (operation == '+') {
        if (is_set) {
            expansion_add_raw(expansion, word, quoted);
        }
    } else if (is_set) {
        expansion_add_value(expansion, parameter.value, quoted);
    } else if (operation == '-') {
        expansion_add_raw(expansion, word, quoted);
    } else if (operation == '=') {
        assign_default(expansion, name, word, quoted);
    } else {
        complain_missing(expansion, name, word);
    }
}

static void bad_substitution(struct expansion *expansion, struct span part)
{
    if (expansion->shell->is_dash) {
        shell_complain(expansion->shell, "Bad substitution\n");
    } else {
        shell_complain(expansion->shell, "%.*s: bad substitution\n", (int)part.length, part.at);
    }
    expansion_fail(expansion, expansion->shell->is_dash ? 2 : 1);
}

static size_t parameter_name_length(struct span inside)
{
    size_t length = 0;
    while (length < inside.length && inside.at[length] >= '0' && inside.at[length] <= '9') {
        length++;
    }
    if (length > 0) {
        return length;
    }
    length = shell_name_length(inside);
    if (length == 0 && inside.length > 0 && strchr("?$!#@*-", inside.at[0]) != NULL) {
        return 1;
    }
    return length;
}

static void expand_length(struct expansion *expansion, struct span name, bool quoted)
{
    struct parameter parameter;
    look_up(expansion->shell, name, &parameter);
    size_t length = parameter.value == NULL ? 0 : strlen(parameter.value);
    set_number(&parameter, (int64_t)length);
    expansion_add_value(expansion, parameter.value, quoted);
}

void expand_braces(struct expansion *expansion, struct span part, struct span inside, bool quoted)
{
    if (inside.length > 1 && inside.at[0] == '#' &&
        parameter_name_length((struct span){inside.at + 1, inside.length - 1}) == inside.length - 1) {
        expand_length(expansion, (struct span){inside.at + 1, inside.length - 1}, quoted);
        return;
    }
    size_t length = parameter_name_length(inside);
    struct span name = {inside.at, length};
    struct span rest = {inside.at + length, inside.length - length};
    if (length == 0) {
        bad_substitution(expansion, part);
        return;
    }
    if (rest.length == 0) {
        expand_parameter(expansion, name, quoted);
        return;
    }
    struct parameter parameter;
    look_up(expansion->shell, name, &parameter);
    bool colon = rest.at[0] == ':';
    char operation = rest.at[colon && rest.length > 1 ? 1 : 0];
    bool doubled = rest.length > 1 && rest.at[1] == operation && !colon;
    if (strchr("-=+?", operation) != NULL) {
        size_t skipped = colon ? 2 : 1;
        bool is_set = parameter.value != NULL && (!colon || parameter.value[0] != '\0');
        expand_conditional(expansion, name, operation, is_set, (struct span){rest.at + skipped, rest.length - skipped},
                           quoted);
    } else if (!colon && (operation == '%' || operation == '#')) {
        size_t skipped = doubled ? 2 : 1;
        remove_match(expansion, parameter.value == NULL ? "" : parameter.value,
                     (struct span){rest.at + skipped, rest.length - skipped}, operation == '%', doubled, quoted);
    } else {
        bad_substitution(expansion, part);
    }
}
