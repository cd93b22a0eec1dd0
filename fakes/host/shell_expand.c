/*
 * Expansion of words. A field is built as a glob in which every quoted special character and every backslash is escaped, so
 * that one text serves the matching of files and, with the escapes taken out, the plain value.
 */
#include <string.h>

#include "fakes/host/shell.h"
#include "fakes/host/shell_expand.h"

static void add_field(struct expansion *expansion)
{
    struct arena *arena = &expansion->shell->run->arena;
    struct field *field = arena_alloc(arena, sizeof *field);
    char *text = arena_text(arena, (struct span){buffer_text(&expansion->text), expansion->text.length});
    if (field == NULL || text == NULL) {
        return;
    }
    field->pattern = text;
    *expansion->tail = field;
    expansion->tail = &field->next;
    expansion->count++;
    buffer_clear(&expansion->text);
    expansion->present = false;
}

void expansion_break(struct expansion *expansion, bool even_if_empty)
{
    if (expansion->text.length > 0 || expansion->present || even_if_empty) {
        add_field(expansion);
    }
}

void expansion_add_char(struct expansion *expansion, char c, bool quoted)
{
    if (c == '\\' || (quoted && strchr("*?[]!^-", c) != NULL)) {
        buffer_append_char(&expansion->text, '\\');
    }
    buffer_append_char(&expansion->text, c);
}

void expansion_add_value(struct expansion *expansion, const char *value, bool quoted)
{
    bool splits = expansion->splits && !quoted;
    const char *separators = splits ? shell_get(expansion->shell, span_of("IFS")) : NULL;
    if (separators == NULL) {
        separators = " \t\n";
    }
    if (!run_work(expansion->shell->run, strlen(value))) {
        return;
    }
    for (; *value != '\0'; value++) {
        if (splits && strchr(separators, *value) != NULL) {
            expansion_break(expansion, strchr(" \t\n", *value) == NULL);
        } else {
            expansion_add_char(expansion, *value, quoted);
        }
    }
}

/* Command text between back-quotes: \` \\ and \$ lose their backslash. */
static char *unescape_backquoted(struct arena *arena, struct span text)
{
    char *copy = arena_text(arena, text);
    if (copy == NULL) {
        return NULL;
    }
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '\\' && i + 1 < text.length && strchr("`\\$", text.at[i + 1]) != NULL) {
            i++;
        }
        copy[length++] = text.at[i];
    }
    copy[length] = '\0';
    return copy;
}

static void substitute(struct expansion *expansion, struct span command, bool quoted)
{
    char *output = shell_substitute(expansion->shell, command);
    if (output != NULL) {
        expansion_add_value(expansion, output, quoted);
    }
}

static void add_arithmetic(struct expansion *expansion, struct span inside, bool quoted)
{
    struct shell *shell = expansion->shell;
    char *text = shell_expand_text(shell, inside);
    int64_t value;
    if (text == NULL) {
        return;
    }
    if (!shell_arithmetic(shell, text, &value)) {
        expansion_fail(expansion, 1);
        return;
    }
    char digits[24];
    (void)text_format(digits, sizeof digits, "%lld", (long long)value);
    expansion_add_value(expansion, digits, quoted);
}

void expansion_fail(struct expansion *expansion, int32_t status)
{
    expansion->shell->jump = JUMP_EXIT;
    expansion->shell->status = status;
}

static bool expansion_stopped(const struct expansion *expansion)
{
    return expansion->shell->jump != JUMP_NONE || run_is_dead(expansion->shell->run) || expansion->text.failed;
}

/* A $ and what belongs to it, `part` long. */
static void expand_dollar(struct expansion *expansion, struct span part, bool quoted)
{
    struct span inside = {part.at + 2, part.length > 3 ? part.length - 3 : 0};
    if (part.length > 1 && part.at[1] == '(') {
        bool arithmetic = part.length >= 6 && part.at[2] == '(' && part.at[part.length - 2] == ')';
        if (arithmetic) {
            add_arithmetic(expansion, (struct span){part.at + 3, part.length - 5}, quoted);
        } else {
            substitute(expansion, inside, quoted);
        }
    } else if (part.length > 1 && part.at[1] == '{') {
        expand_braces(expansion, part, inside, quoted);
    } else if (part.length > 1) {
        expand_parameter(expansion, (struct span){part.at + 1, part.length - 1}, quoted);
    } else {
        expansion_add_char(expansion, '$', quoted);
    }
}

/* How far a $ reaches: to the end of its bracket or name. */
static size_t dollar_length(struct span raw, size_t at)
{
    char unclosed = 0;
    size_t left = raw.length - at;
    if (left < 2) {
        return 1;
    }
    char c = raw.at[at + 1];
    if (c == '(' || c == '{') {
        size_t end = shell_skip_part(raw, at, &unclosed);
        return end == 0 ? 1 : end - at;
    }
    if (strchr("?$!#@*-0123456789", c) != NULL) {
        return 2;
    }
    return 1 + shell_name_length((struct span){raw.at + at + 1, left - 1});
}

/* One step through a raw word; returns how many bytes it took. */
static size_t expand_step(struct expansion *expansion, struct span raw, size_t at, bool *in_quotes)
{
    char c = raw.at[at];
    char following = at + 1 < raw.length ? raw.at[at + 1] : '\0';
    bool plain_quotes = expansion->is_document;
    if (c == '\'' && !*in_quotes && !plain_quotes) {
        const char *end = memchr(raw.at + at + 1, '\'', raw.length - at - 1);
        size_t length = end == NULL ? raw.length - at - 1 : (size_t)(end - raw.at) - at - 1;
        for (size_t i = 0; i < length; i++) {
            expansion_add_char(expansion, raw.at[at + 1 + i], true);
        }
        expansion->present = true;
        return length + 2;
    }
    if (c == '"' && !plain_quotes) {
        *in_quotes = !*in_quotes;
        expansion->present = true;
        return 1;
    }
    bool quoted = *in_quotes || plain_quotes;
    if (c == '\\' && following != '\0') {
        bool escapes = quoted ? strchr(plain_quotes ? "$`\\\n" : "$`\"\\\n", following) != NULL : true;
        if (following == '\n' && escapes) {
            return 2;
        }
        if (escapes) {
            expansion_add_char(expansion, following, true);
            return 2;
        }
    } else if (c == '$') {
        size_t length = dollar_length(raw, at);
        expand_dollar(expansion, (struct span){raw.at + at, length}, quoted);
        return length;
    } else if (c == '`') {
        char unclosed = 0;
        size_t end = shell_skip_part(raw, at, &unclosed);
        if (end > 0) {
            char *command =
                unescape_backquoted(&expansion->shell->run->arena, (struct span){raw.at + at + 1, end - at - 2});
            if (command != NULL) {
                substitute(expansion, span_of(command), quoted);
            }
            return end - at;
        }
    }
    expansion_add_char(expansion, c, quoted);
    return 1;
}

static size_t expand_tilde(struct expansion *expansion, struct span raw)
{
    bool alone = raw.length == 1 || (raw.length > 1 && raw.at[1] == '/');
    const char *home = shell_get(expansion->shell, span_of("HOME"));
    if (raw.length == 0 || raw.at[0] != '~' || !alone || home == NULL || expansion->is_document) {
        return 0;
    }
    for (; *home != '\0'; home++) {
        expansion_add_char(expansion, *home, true);
    }
    return 1;
}

void expansion_add_raw(struct expansion *expansion, struct span raw, bool in_quotes)
{
    if (!run_enter(expansion->shell->run)) {
        expansion->shell->run->killed = true;
        return;
    }
    size_t at = in_quotes ? 0 : expand_tilde(expansion, raw);
    while (at < raw.length && !expansion_stopped(expansion)) {
        at += expand_step(expansion, raw, at, &in_quotes);
    }
    run_leave(expansion->shell->run);
}

/* ---- fields to arguments ---- */

char *expansion_unescape(struct arena *arena, const char *pattern)
{
    char *text = arena_text(arena, span_of(pattern));
    if (text == NULL) {
        return NULL;
    }
    size_t length = 0;
    for (const char *from = pattern; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
        }
        text[length++] = *from;
    }
    text[length] = '\0';
    return text;
}

static void expansion_begin(struct expansion *expansion, struct shell *shell, bool splits)
{
    *expansion = (struct expansion){.shell = shell, .splits = splits};
    expansion->tail = &expansion->fields;
    buffer_init(&expansion->text, shell->host->heap, SHELL_PIPE_LIMIT);
}

/* Gives the memory back; false when the expansion cannot be used. */
static bool expansion_end(struct expansion *expansion)
{
    struct run *run = expansion->shell->run;
    if (expansion->text.failed) {
        run->killed = true;
    }
    buffer_release(&expansion->text);
    return !run_is_dead(run) && expansion->shell->jump == JUMP_NONE;
}

/* Most words are plain and need none of all this. */
static bool is_plain(struct span raw)
{
    for (size_t i = 0; i < raw.length; i++) {
        if (strchr("\\'\"$`*?[~", raw.at[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static void expand_plain(struct expansion *expansion, struct span raw)
{
    struct arena *arena = &expansion->shell->run->arena;
    struct field *field = arena_alloc(arena, sizeof *field);
    char *text = arena_text(arena, raw);
    if (field != NULL && text != NULL) {
        field->plain = text;
        *expansion->tail = field;
        expansion->tail = &field->next;
        expansion->count++;
    }
}

static char **collect(struct expansion *expansion, int *argc)
{
    struct arena *arena = &expansion->shell->run->arena;
    struct field *fields = expansion->fields;
    size_t count = expansion->count;
    for (struct field **place = &fields; *place != NULL;) {
        struct field *field = *place;
        if (field->plain == NULL && glob_expand(expansion->shell, place, &count)) {
            continue;
        }
        if (field->plain == NULL) {
            field->plain = expansion_unescape(arena, field->pattern);
        }
        place = &field->next;
    }
    char **argv = arena_alloc(arena, (count + 1) * sizeof *argv);
    if (argv == NULL || run_is_dead(expansion->shell->run)) {
        return NULL;
    }
    *argc = 0;
    for (const struct field *field = fields; field != NULL; field = field->next) {
        argv[(*argc)++] = field->plain;
    }
    return argv;
}

char **shell_expand_words(struct shell *shell, const struct shell_word *words, int *argc)
{
    struct expansion expansion;
    expansion_begin(&expansion, shell, true);
    for (; words != NULL && !expansion_stopped(&expansion); words = words->next) {
        if (is_plain(words->raw)) {
            expand_plain(&expansion, words->raw);
            continue;
        }
        expansion_add_raw(&expansion, words->raw, false);
        expansion_break(&expansion, false);
    }
    return expansion_end(&expansion) ? collect(&expansion, argc) : NULL;
}

static char *expand_one(struct shell *shell, struct span raw, bool is_document, bool keeps_escapes)
{
    struct expansion expansion;
    expansion_begin(&expansion, shell, false);
    expansion.is_document = is_document;
    expansion_add_raw(&expansion, raw, false);
    struct arena *arena = &shell->run->arena;
    char *text = NULL;
    if (!expansion_stopped(&expansion)) {
        const char *pattern = buffer_text(&expansion.text);
        text = keeps_escapes ? arena_text(arena, span_of(pattern)) : expansion_unescape(arena, pattern);
    }
    return expansion_end(&expansion) ? text : NULL;
}

char *shell_expand_text(struct shell *shell, struct span raw)
{
    return expand_one(shell, raw, false, false);
}

char *shell_expand_pattern(struct shell *shell, struct span raw)
{
    return expand_one(shell, raw, false, true);
}

char *shell_expand_document(struct shell *shell, struct span body)
{
    return expand_one(shell, body, true, false);
}
