/*
 * Whether a command reads its standard input, by its text alone.
 *
 * Who runs it over a wire must know before it runs: `echo hi` answers though nobody ever closes its input, `cat > file` waits for the
 * end of it. Words that only running would tell ($1, globs) count as operands; a program that is not known, or a script, reads
 * nothing.
 */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/host.h"
#include "fakes/host/shell_syntax.h"

enum { USE_DEPTH_LIMIT = 24 };

struct use {
    struct arena *arena;
    int depth;
};

static bool list_reads(struct use *use, const struct shell_list *list);

static bool text_reads(struct use *use, struct span text)
{
    struct shell_list *list;
    struct shell_mistake mistake;
    if (use->depth >= USE_DEPTH_LIMIT || !shell_parse(use->arena, text, &list, &mistake)) {
        return false;
    }
    use->depth++;
    bool reads = list_reads(use, list);
    use->depth--;
    return reads;
}

/* ---- words -------------------------------------------------------------------------------------------------------------- */

/* Copies what stands between single quotes; the index behind the closing one. */
static size_t take_single(struct span raw, size_t at, char *out, size_t *length)
{
    while (at < raw.length && raw.at[at] != '\'') {
        out[(*length)++] = raw.at[at++];
    }
    return at + 1;
}

/* The word without its quotes, or NULL when only running it would tell. */
static const char *literal(struct use *use, struct span raw)
{
    char *out = arena_alloc(use->arena, raw.length + 1);
    size_t length = 0;
    bool quoted = false;
    for (size_t i = 0; out != NULL && i < raw.length;) {
        char c = raw.at[i++];
        if (c == '$' || c == '`') {
            return NULL;
        }
        if (c == '"') {
            quoted = !quoted;
        } else if (c == '\'' && !quoted) {
            i = take_single(raw, i, out, &length);
        } else {
            bool escaped = c == '\\' && i < raw.length && (!quoted || strchr("$`\"\\", raw.at[i]) != NULL);
            out[length++] = escaped ? raw.at[i++] : c;
        }
    }
    return out;
}

/* Whether a $(…) or `…` of the word reads. */
static bool word_reads(struct use *use, struct span raw)
{
    bool quoted = false;
    for (size_t i = 0; i < raw.length;) {
        char unclosed;
        struct span rest = {raw.at + i, raw.length - i};
        bool substitution = (rest.at[0] == '`' || (rest.at[0] == '$' && rest.length > 1 && rest.at[1] == '('));
        bool single = rest.at[0] == '\'' && !quoted;
        size_t end = substitution || single ? shell_skip_part(raw, i, &unclosed) : 0;
        size_t opening = rest.at[0] == '`' ? 1 : 2;
        if (substitution && end > i + opening &&
            text_reads(use, (struct span){rest.at + opening, end - i - opening - 1})) {
            return true;
        }
        quoted = quoted != (rest.at[0] == '"');
        i = end > i ? end : i + (rest.at[0] == '\\' ? 2 : 1);
    }
    return false;
}

static bool words_read(struct use *use, const struct shell_word *words)
{
    for (; words != NULL; words = words->next) {
        if (word_reads(use, words->raw)) {
            return true;
        }
    }
    return false;
}

/* ---- simple commands ---------------------------------------------------------------------------------------------------- */

static bool call_reads(struct use *use, const struct shell_word *words);

/* What stands behind the options of a command. */
struct operands {
    const struct shell_word *first;
    size_t count;
    bool has_dash; /* "-" or /dev/stdin */
    bool never;    /* an option forbids it */
    bool given;    /* -e or -f */
};

static bool names_input(const char *text)
{
    return text != NULL &&
           (strcmp(text, "-") == 0 || strcmp(text, "/dev/stdin") == 0 || strcmp(text, "/dev/fd/0") == 0);
}

/* `cp /dev/stdin file`: whoever opens it reads. */
static bool names_device(struct use *use, const struct shell_word *words)
{
    for (; words != NULL; words = words->next) {
        const char *text = literal(use, words->raw);
        if (names_input(text) && text[1] != '\0') {
            return true;
        }
    }
    return false;
}

/* True when the value of the last option in a cluster is the next word. */
static bool take_options(const char *cluster, const char *letters, struct operands *operands)
{
    size_t values = strcspn(letters, "!");
    for (const char *at = cluster; *at != '\0'; at++) {
        const char *known = strchr(letters, *at);
        operands->given = operands->given || *at == 'e' || *at == 'f';
        operands->never = operands->never || (known != NULL && (size_t)(known - letters) > values);
        if (known != NULL && (size_t)(known - letters) < values) {
            return at[1] == '\0';
        }
    }
    return false;
}

/* `stops`: options end at the first operand. */
static struct operands find_operands(struct use *use, const struct shell_word *words, const char *letters, bool stops)
{
    struct operands operands = {0};
    bool options = true;
    for (const struct shell_word *word = words; word != NULL; word = word->next) {
        const char *text = literal(use, word->raw);
        bool is_option = options && text != NULL && text[0] == '-' && text[1] != '\0';
        if (is_option && text[1] == '-') {
            options = text[2] != '\0';
        } else if (is_option) {
            if (take_options(text + 1, letters, &operands) && word->next != NULL) {
                word = word->next;
            }
        } else {
            operands.first = operands.count++ == 0 ? word : operands.first;
            operands.has_dash = operands.has_dash || names_input(text);
            options = options && !stops;
        }
    }
    return operands;
}

/* awk '{…}' with BEGIN alone ends before it reads. */
static bool is_only_begin(struct use *use, const struct shell_word *program)
{
    const char *text = program == NULL ? NULL : literal(use, program->raw);
    if (text == NULL || strncmp(text + strspn(text, " \t\n"), "BEGIN", 5) != 0) {
        return false;
    }
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += *text == '{';
        if (*text == '}' && --depth == 0) {
            return text[1 + strspn(text + 1, " \t\n;")] == '\0';
        }
    }
    return false;
}

static bool program_reads(struct use *use, const struct shell_word *words, const char *spec)
{
    struct operands operands = find_operands(use, words, spec + 2, true);
    const struct shell_word *program = operands.first;
    for (int skipped = spec[1] - '0'; program != NULL && skipped > 0; skipped--) {
        program = program->next;
    }
    while (program != NULL && shell_assignment_name(program->raw) > 0) {
        program = program->next; /* env NAME=value program */
    }
    return program != NULL && !operands.never && call_reads(use, program);
}

/* sh reads its commands from there, unless they are given; then those count. */
static bool shell_reads(struct use *use, const struct shell_word *words)
{
    for (; words != NULL; words = words->next) {
        const char *text = literal(use, words->raw);
        if (text == NULL || (text[0] != '-' && text[0] != '+')) {
            return names_input(text);
        }
        if (text[0] == '-' && text[1] != '-' && strchr(text, 'c') != NULL) {
            const char *given = words->next == NULL ? NULL : literal(use, words->next->raw);
            return given != NULL && text_reads(use, span_of(given));
        }
        if (text[0] == '-' && strchr(text, 'o') != NULL && text[1] != '-' && words->next != NULL) {
            words = words->next;
        }
    }
    return true;
}

static bool dd_reads(struct use *use, const struct shell_word *words)
{
    for (; words != NULL; words = words->next) {
        const char *text = literal(use, words->raw);
        if (strncmp(words->raw.at, "if=", words->raw.length < 3 ? words->raw.length : 3) == 0) {
            return text != NULL && names_input(text + 3);
        }
    }
    return true;
}

static bool eval_reads(struct use *use, const struct shell_word *words)
{
    struct buffer text;
    buffer_init(&text, use->arena->heap, HOST_COMMAND_BYTES);
    for (; words != NULL; words = words->next) {
        const char *part = literal(use, words->raw);
        buffer_append_text(&text, part == NULL ? ":" : part);
        buffer_append_char(&text, ' ');
    }
    char *whole = arena_text(use->arena, (struct span){buffer_text(&text), text.length});
    buffer_release(&text);
    return whole != NULL && text_reads(use, span_of(whole));
}

/* words[0] is the command's name. */
static bool call_reads(struct use *use, const struct shell_word *words)
{
    const char *name = literal(use, words->raw);
    const struct command *command = name == NULL ? NULL : command_named(name);
    const char *spec = command == NULL ? NULL : command->input;
    if (spec == NULL) {
        return command != NULL && names_device(use, words->next);
    }
    switch (spec[0]) {
    case '*':
        return true;
    case '>':
        return program_reads(use, words->next, spec);
    case 's':
        return shell_reads(use, words->next);
    case 'd':
        return dd_reads(use, words->next);
    case 'e':
        return eval_reads(use, words->next);
    default:
        break;
    }
    struct operands operands = find_operands(use, words->next, spec + 1, false);
    size_t most = operands.given && spec[0] == '1' ? 0 : (size_t)(spec[0] - '0');
    if (operands.never || (strcmp(name, "awk") == 0 && is_only_begin(use, operands.first))) {
        return false;
    }
    return operands.has_dash || operands.count <= most;
}

/* ---- commands ----------------------------------------------------------------------------------------------------------- */

/* Whether the redirections put something else in the place of standard input. */
static bool replaces_input(struct use *use, const struct shell_redirection *redirections)
{
    for (; redirections != NULL; redirections = redirections->next) {
        enum shell_token kind = redirections->kind;
        bool is_input = kind == TOKEN_FROM || kind == TOKEN_FROM_COPY || kind == TOKEN_FROM_AND_TO ||
                        kind == TOKEN_HERE_TEXT || kind == TOKEN_HERE_DOCUMENT || kind == TOKEN_HERE_DOCUMENT_TABS;
        if (!is_input || redirections->fd > 0) {
            continue;
        }
        const char *target = literal(use, redirections->target);
        bool same = (kind == TOKEN_FROM && names_input(target)) ||
                    (kind == TOKEN_FROM_COPY && target != NULL && strcmp(target, "0") == 0);
        if (!same) {
            return true;
        }
    }
    return false;
}

static bool targets_read(struct use *use, const struct shell_redirection *redirections)
{
    for (; redirections != NULL; redirections = redirections->next) {
        if (word_reads(use, redirections->target)) {
            return true;
        }
    }
    return false;
}

static bool parts_read(struct use *use, const struct shell_command *command)
{
    for (const struct shell_case_item *item = command->items; item != NULL; item = item->next) {
        if (list_reads(use, item->body)) {
            return true;
        }
    }
    return list_reads(use, command->condition) || list_reads(use, command->body) || list_reads(use, command->otherwise);
}

static bool command_reads(struct use *use, const struct shell_command *command)
{
    if (words_read(use, command->assignments) || words_read(use, command->words) ||
        targets_read(use, command->redirections)) {
        return true;
    }
    if (replaces_input(use, command->redirections)) {
        return false;
    }
    if (command->kind == COMMAND_SIMPLE) {
        return command->words != NULL && call_reads(use, command->words);
    }
    if (command->kind == COMMAND_FUNCTION) {
        return command_reads(use, command->function_body); /* as if it were called */
    }
    return parts_read(use, command);
}

/* The first stage has the standard input; of the others only what their words substitute is left out here. */
static bool list_reads(struct use *use, const struct shell_list *list)
{
    for (; list != NULL; list = list->next) {
        for (const struct shell_pipeline *pipeline = list->pipelines; pipeline != NULL && !list->background;
             pipeline = pipeline->next) {
            if (command_reads(use, pipeline->commands)) {
                return true;
            }
        }
    }
    return false;
}

bool host_reads_input(struct heap *heap, struct span command)
{
    struct arena arena;
    if (command.length > HOST_COMMAND_BYTES) {
        return false;
    }
    arena_init(&arena, heap, 64 * (size_t)HOST_COMMAND_BYTES);
    struct use use = {.arena = &arena};
    bool reads = text_reads(&use, command);
    arena_release(&arena);
    return reads;
}
