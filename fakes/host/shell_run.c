/* The evaluator: lists, pipelines, compound commands. */
#include <string.h>

#include "fakes/host/pattern.h"
#include "fakes/host/shell.h"
#include "fakes/host/shell_run.h"

void shell_complain(struct shell *shell, const char *format, ...)
{
    struct buffer *err = stream_buffer(shell->streams.err);
    char text[SHELL_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    if (!text_format_list(text, sizeof text, format, arguments)) {
        text[sizeof text - 2] = '\n';
    }
    va_end(arguments);
    buffer_printf(err, shell->is_dash ? "%s: %u: " : "%s: line %u: ", shell->name, shell->line);
    buffer_append_text(err, text);
    (void)stream_flush(shell->run, shell->streams.err);
}

bool shell_is_leaving(const struct shell *shell)
{
    return shell->jump != JUMP_NONE || run_is_dead(shell->run);
}

/* ---- compound commands ---- */

static int run_condition(struct shell *shell, const struct shell_list *list)
{
    shell->conditions++;
    int status = shell_run_list(shell, list);
    shell->conditions--;
    return status;
}

static int run_if(struct shell *shell, const struct shell_command *command)
{
    int status = run_condition(shell, command->condition);
    if (shell_is_leaving(shell)) {
        return status;
    }
    const struct shell_list *chosen = status == 0 ? command->body : command->otherwise;
    return chosen == NULL ? 0 : shell_run_list(shell, chosen);
}

/* Takes a break or continue that is meant for the loop at hand; true when the loop ends. */
static bool loop_ends(struct shell *shell)
{
    if (shell->jump == JUMP_BREAK || shell->jump == JUMP_CONTINUE) {
        bool is_break = shell->jump == JUMP_BREAK;
        if (--shell->jump_levels > 0) {
            return true;
        }
        shell->jump = JUMP_NONE;
        return is_break;
    }
    return shell_is_leaving(shell);
}

static int run_while(struct shell *shell, const struct shell_command *command)
{
    bool wanted = command->kind == COMMAND_WHILE;
    int status = 0;
    shell->loops++;
    while (run_work(shell->run, SHELL_WORK_PER_COMMAND)) {
        bool holds = run_condition(shell, command->condition) == 0;
        if (loop_ends(shell) || holds != wanted) {
            break;
        }
        status = shell_run_list(shell, command->body);
        if (loop_ends(shell)) {
            break;
        }
    }
    shell->loops--;
    return status;
}

static int run_for(struct shell *shell, const struct shell_command *command)
{
    int count = shell->argument_count;
    char **values = shell->arguments;
    if (command->has_values) {
        values = shell_expand_words(shell, command->words, &count);
        if (values == NULL) {
            return shell->status;
        }
    }
    int status = 0;
    shell->loops++;
    for (int i = 0; i < count && run_work(shell->run, SHELL_WORK_PER_COMMAND); i++) {
        shell_set(shell, command->name, values[i]);
        status = shell_run_list(shell, command->body);
        if (loop_ends(shell)) {
            break;
        }
    }
    shell->loops--;
    return status;
}

static bool item_matches(struct shell *shell, const struct shell_case_item *item, const char *subject)
{
    for (const struct shell_word *word = item->patterns; word != NULL; word = word->next) {
        const char *pattern = shell_expand_pattern(shell, word->raw);
        if (pattern == NULL) {
            return false;
        }
        if (glob_matches(span_of(pattern), span_of(subject))) {
            return true;
        }
    }
    return false;
}

static int run_case(struct shell *shell, const struct shell_command *command)
{
    const char *subject = shell_expand_text(shell, command->words->raw);
    if (subject == NULL) {
        return shell->status;
    }
    for (const struct shell_case_item *item = command->items; item != NULL; item = item->next) {
        if (item_matches(shell, item, subject)) {
            return item->body == NULL ? 0 : shell_run_list(shell, item->body);
        }
    }
    return 0;
}

static int run_subshell(struct shell *shell, const struct shell_command *command)
{
    struct shell copy = shell_copy(shell);
    return shell_run_list(&copy, command->body);
}

static int define_function(struct shell *shell, const struct shell_command *command)
{
    struct shell_function *function = arena_alloc(&shell->run->arena, sizeof *function);
    if (function == NULL || ++shell->name_count > SHELL_NAMES_LIMIT) {
        shell->run->killed = true;
        return HOST_EXIT_KILLED;
    }
    *function = (struct shell_function){command->name, command->function_body, shell->functions};
    shell->functions = function;
    return 0;
}

static int run_compound(struct shell *shell, const struct shell_command *command)
{
    switch (command->kind) {
    case COMMAND_IF:
        return run_if(shell, command);
    case COMMAND_WHILE:
    case COMMAND_UNTIL:
        return run_while(shell, command);
    case COMMAND_FOR:
        return run_for(shell, command);
    case COMMAND_CASE:
        return run_case(shell, command);
    case COMMAND_SUBSHELL:
        return run_subshell(shell, command);
    case COMMAND_FUNCTION:
        return define_function(shell, command);
    case COMMAND_GROUP:
    case COMMAND_SIMPLE:
        break;
    }
    return shell_run_list(shell, command->body);
}

int shell_run_command(struct shell *shell, const struct shell_command *command)
{
    shell->line = command->line;
    if (command->kind == COMMAND_SIMPLE) {
        return shell_run_simple(shell, command);
    }
    if (!run_enter(shell->run)) {
        shell->run->killed = true;
        return HOST_EXIT_KILLED;
    }
    struct streams before = shell->streams;
    struct stream *mark = shell->run->open;
    int status = 1;
    if (shell_redirect(shell, command->redirections)) {
        status = run_compound(shell, command);
    }
    shell->streams = before;
    run_close_streams(shell->run, mark);
    run_leave(shell->run);
    return status;
}

/* ---- pipelines ---- */

/* Stage by stage: each has all its input before it starts. */
static int run_stages(struct shell *shell, const struct shell_command *stage)
{
    struct run *run = shell->run;
    struct stream *mark = run->open;
    struct stream *input = shell->streams.in;
    int status = 0;
    int failure = 0;
    for (int count = 0; stage != NULL && !run_is_dead(run); stage = stage->next, count++) {
        struct shell copy = shell_copy(shell);
        struct stream *pipe = NULL;
        copy.streams.in = input;
        if (stage->next != NULL) {
            pipe = run_open_stream(run, STREAM_BUFFER);
            if (pipe == NULL || count >= SHELL_STAGES_LIMIT) {
                run->killed = true;
                break;
            }
            pipe->buffer = &pipe->own;
            copy.streams.out = pipe;
        }
        status = shell_run_command(&copy, stage);
        failure = status != 0 ? status : failure;
        if (pipe != NULL) {
            run->killed = run->killed || pipe->own.failed;
            pipe->text = (struct span){buffer_text(&pipe->own), pipe->own.length};
            pipe->kind = STREAM_TEXT;
        }
        if (input != shell->streams.in) {
            buffer_release(&input->own);
        }
        input = pipe;
    }
    run_close_streams(run, mark);
    return shell->pipefail ? failure : status;
}

static int run_pipeline(struct shell *shell, const struct shell_pipeline *pipeline)
{
    bool guarded = pipeline->negated || (pipeline->next != NULL);
    shell->conditions += guarded;
    int status = pipeline->commands->next == NULL ? shell_run_command(shell, pipeline->commands)
                                                  : run_stages(shell, pipeline->commands);
    shell->conditions -= guarded;
    if (shell->jump == JUMP_EXIT || shell->jump == JUMP_RETURN) {
        return shell->status; /* what exit or return said, however deep in the pipeline it stood */
    }
    if (pipeline->negated) {
        status = status == 0;
    }
    shell->status = run_is_dead(shell->run) ? HOST_EXIT_KILLED : status;
    if (status != 0 && shell->exit_on_error && shell->conditions == 0 && !guarded) {
        shell->jump = JUMP_EXIT;
    }
    return shell->status;
}

/* ---- lists ---- */

static int run_and_or(struct shell *shell, const struct shell_list *entry)
{
    int status = 0;
    for (const struct shell_pipeline *pipeline = entry->pipelines; pipeline != NULL; pipeline = pipeline->next) {
        bool skipped =
            (pipeline->connector == CONNECT_AND && status != 0) || (pipeline->connector == CONNECT_OR && status == 0);
        if (skipped) {
            continue;
        }
        status = run_pipeline(shell, pipeline);
        if (shell_is_leaving(shell)) {
            break;
        }
    }
    return status;
}

/* A background job runs at once and to its end, and nobody waits for what it sleeps. */
static int run_background(struct shell *shell, const struct shell_list *entry)
{
    struct shell copy = shell_copy(shell);
    copy.streams.in = run_open_stream(shell->run, STREAM_TEXT);
    if (copy.streams.in == NULL) {
        return HOST_EXIT_KILLED;
    }
    struct wall_time before = shell->run->now;
    (void)run_and_or(&copy, entry);
    shell->run->now = before;
    shell->background_pid = shell->host->next_pid++;
    shell->status = 0;
    return 0;
}

int shell_run_list(struct shell *shell, const struct shell_list *list)
{
    int status = 0;
    for (; list != NULL && !shell_is_leaving(shell); list = list->next) {
        status = list->background ? run_background(shell, list) : run_and_or(shell, list);
    }
    if (shell->jump == JUMP_EXIT || shell->jump == JUMP_RETURN) {
        status = shell->status;
    }
    return run_is_dead(shell->run) ? HOST_EXIT_KILLED : status;
}

/* ---- texts ---- */

/* The line of the text in which the mistake is, as bash shows it again. */
static struct span line_of(struct span text, uint32_t line)
{
    while (line > 1) {
        const char *end = memchr(text.at, '\n', text.length);
        if (end == NULL) {
            break;
        }
        text.length -= (size_t)(end + 1 - text.at);
        text.at = end + 1;
        line--;
    }
    const char *end = memchr(text.at, '\n', text.length);
    return (struct span){text.at, end == NULL ? text.length : (size_t)(end - text.at)};
}

static void complain_dash(struct shell *shell, const struct shell_mistake *mistake)
{
    struct buffer *err = stream_buffer(shell->streams.err);
    bool is_end = strcmp(mistake->token, shell_token_text(TOKEN_END)) == 0;
    buffer_printf(err, "%s: %u: Syntax error: ", shell->name, mistake->line);
    if (mistake->unclosed) {
        bool is_quote = strchr("'\"`", mistake->token[0]) != NULL;
        buffer_append_text(err, is_quote ? "Unterminated quoted string\n" : "end of file unexpected\n");
    } else if (is_end) {
        buffer_append_text(err, "end of file unexpected\n");
    } else {
        buffer_printf(err, "\"%s\" unexpected\n", mistake->token);
    }
}

static void complain_bash(struct shell *shell, const struct shell_mistake *mistake, struct span text)
{
    struct buffer *err = stream_buffer(shell->streams.err);
    bool at_end = !mistake->unclosed && strcmp(mistake->token, shell_token_text(TOKEN_END)) == 0;
    bool in_a_line = text.length > 0 && text.at[text.length - 1] != '\n';
    /* To bash, the end lies in a line of its own. */
    buffer_printf(err, "%s: -c: line %u: ", shell->name, mistake->line + (at_end && in_a_line ? 1U : 0U));
    if (mistake->unclosed) {
        buffer_printf(err, "unexpected EOF while looking for matching `%s'\n", mistake->token);
        return;
    }
    if (at_end) {
        buffer_append_text(err, "syntax error: unexpected end of file\n");
        return;
    }
    struct span line = line_of(text, mistake->line);
    buffer_printf(err, "syntax error near unexpected token `%s'\n", mistake->token);
    buffer_printf(err, "%s: -c: line %u: `%.*s'\n", shell->name, mistake->line, (int)line.length, line.at);
}

int shell_run_text(struct shell *shell, struct span text)
{
    struct shell_list *list;
    struct shell_mistake mistake;
    if (!run_enter(shell->run)) {
        shell->run->killed = true;
        return HOST_EXIT_KILLED;
    }
    int status = 2;
    if (shell_parse(&shell->run->arena, text, &list, &mistake)) {
        status = shell_run_list(shell, list);
    } else if (shell->run->arena.failed) {
        status = HOST_EXIT_KILLED;
    } else if (shell->is_dash) {
        complain_dash(shell, &mistake);
    } else {
        complain_bash(shell, &mistake, text);
    }
    (void)stream_flush(shell->run, shell->streams.err);
    run_leave(shell->run);
    return status;
}

char *shell_substitute(struct shell *shell, struct span text)
{
    struct run *run = shell->run;
    struct stream *mark = run->open;
    struct stream *output = run_open_stream(run, STREAM_BUFFER);
    char *result = NULL;
    if (output != NULL) {
        output->buffer = &output->own;
        struct shell copy = shell_copy(shell);
        copy.streams.out = output;
        shell->substitution_status = shell_run_text(&copy, text);
        shell->status = shell->substitution_status;
        run->killed = run->killed || output->own.failed;
        size_t length = output->own.length;
        const char *bytes = buffer_text(&output->own);
        while (length > 0 && bytes[length - 1] == '\n') {
            length--;
        }
        result = arena_text(&run->arena, (struct span){bytes, length});
    }
    run_close_streams(run, mark);
    return run_is_dead(run) ? NULL : result;
}
