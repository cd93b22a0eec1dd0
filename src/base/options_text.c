/* What a program says about its own command line: help, man page, completion; all from the tables of options.h. */
#include <string.h>

#include "base/options.h"

enum { PAGE_COLUMNS = 80, TERM_COLUMN = 2, TEXT_COLUMN = 26, TERM_SIZE = 96 };

static const struct option everywhere[] = {
    {.name = "help", .help = "Shows the help of the program, or of the command"},
    {.name = "version", .help = "Shows the version"},
};
static const struct option_list everywhere_list = {everywhere, ARRAY_LENGTH(everywhere)};

/* Appends words so that no line goes beyond the page; `column` is where the text begins, lines that follow begin there too. */
static void append_wrapped(struct buffer *out, const char *text, size_t column)
{
    size_t at = column;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (at > column && at + 1 + length > PAGE_COLUMNS) {
            buffer_append_char(out, '\n');
            buffer_append_repeated(out, " ", column);
            at = column;
        }
        if (at > column) {
            buffer_append_char(out, ' ');
            at++;
        }
        buffer_append(out, text, length);
        at += length;
        text += length;
        text += strspn(text, " ");
    }
    buffer_append_char(out, '\n');
}

/* A term that is wider than the page goes on in the next line, behind a '|'. Returns the column at which it ends. */
static size_t append_term(struct buffer *out, const char *term)
{
    size_t column = TERM_COLUMN;
    buffer_append_repeated(out, " ", TERM_COLUMN);
    while (*term != '\0') {
        const char *bar = strchr(term, '|');
        size_t length = bar == NULL ? strlen(term) : (size_t)(bar - term) + 1;
        if (column + length > PAGE_COLUMNS && column > TERM_COLUMN + 2) {
            buffer_append_char(out, '\n');
            buffer_append_repeated(out, " ", TERM_COLUMN + 2);
            column = TERM_COLUMN + 2;
        }
        buffer_append(out, term, length);
        column += length;
        term += length;
    }
    return column;
}

/* A term with its text beside it, or below when the term is too wide. */
static void append_row(struct buffer *out, const char *term, const char *text)
{
    size_t end = append_term(out, term);
    if (end + 2 > TEXT_COLUMN) {
        buffer_append_char(out, '\n');
        end = 0;
    }
    buffer_append_repeated(out, " ", TEXT_COLUMN - end);
    append_wrapped(out, text, TEXT_COLUMN);
}

/* "--gpu NAME", "-o, --output FILE" */
static const char *option_term(const struct option *option, char out[TERM_SIZE])
{
    const char letter[] = {'-', option->letter, ',', ' ', '\0'};
    text_format(out, TERM_SIZE, "%s--%s%s%s", option->letter == '\0' ? "" : letter, option->name,
                option->argument == NULL ? "" : " ", option->argument == NULL ? "" : option->argument);
    return out;
}

/* "Pause between polls (a number of seconds from 0.1 to 3600; default 10)", or "; repeatable". Appended to `out`. */
static void append_explanation(struct buffer *out, const struct option *option)
{
    bool number = option->kind == OPTION_INT64 || option->kind == OPTION_DECIMAL;
    const char *separator = " (";
    buffer_append_text(out, option->help);
    if (number) {
        buffer_append_text(out, separator);
        option_append_expected(out, option);
        separator = "; ";
    }
    if (option->by_default != NULL) {
        buffer_printf(out, "%sdefault %s", separator, option->by_default);
        separator = "; ";
    }
    if (option->kind == OPTION_TEXTS) {
        buffer_printf(out, "%srepeatable", separator);
        separator = "; ";
    }
    buffer_append_text(out, strcmp(separator, "; ") == 0 ? ")" : "");
}

enum { EXPLANATION_SIZE = 1024 };

static const char *explanation(const struct option *option, char text[EXPLANATION_SIZE])
{
    struct buffer out;
    buffer_init_fixed(&out, text, EXPLANATION_SIZE);
    append_explanation(&out, option);
    return text;
}

static void append_option_rows(struct buffer *out, const struct option_list *options)
{
    for (size_t i = 0; i < options->count; i++) {
        char term[TERM_SIZE];
        char text[EXPLANATION_SIZE];
        append_row(out, option_term(&options->rows[i], term), explanation(&options->rows[i], text));
    }
}

/* "dumont destroy [options] ID" */
static void append_usage(struct buffer *out, const struct program *program, const struct command *command)
{
    buffer_append_text(out, program->name);
    if (command != NULL) {
        buffer_printf(out, " %s [options]%s%s", command->name, command->arguments == NULL ? "" : " ",
                      command->arguments == NULL ? "" : command->arguments);
    } else if (program->trailing == NULL && program->command_count > 0) {
        buffer_append_text(out, " COMMAND [options]");
    } else {
        buffer_append_text(out, " [options]");
        if (program->trailing != NULL) {
            buffer_printf(out, " [-- %s]", program->trailing);
        }
    }
}

/* The commands of a program that runs without one as well: their usage is told beside. */
static size_t commands_beside(const struct program *program)
{
    return program->trailing == NULL ? 0 : program->command_count;
}

static const char *command_term(const struct command *command, char out[TERM_SIZE])
{
    text_format(out, TERM_SIZE, "%s%s%s", command->name, command->arguments == NULL ? "" : " ",
                command->arguments == NULL ? "" : command->arguments);
    return out;
}

static void append_help_section(struct buffer *out, const struct help_section *section)
{
    buffer_printf(out, "\n%s:\n", section->title);
    for (size_t i = 0; i < section->count; i++) {
        if (section->rows[i].term != NULL) {
            append_row(out, section->rows[i].term, section->rows[i].text);
        } else {
            buffer_append_repeated(out, " ", TERM_COLUMN);
            append_wrapped(out, section->rows[i].text, TERM_COLUMN);
        }
    }
}

static void append_help(struct buffer *out, const struct program *program, const struct command *command)
{
    buffer_append_text(out, "Usage: ");
    append_usage(out, program, command);
    for (size_t i = 0; command == NULL && i < commands_beside(program); i++) {
        buffer_append_text(out, "\n       ");
        append_usage(out, program, &program->commands[i]);
    }
    buffer_append_text(out, "\n\n");
    if (command != NULL) {
        char summary[EXPLANATION_SIZE];
        text_format(summary, sizeof summary, "%s.", command->summary);
        append_wrapped(out, summary, 0);
    } else {
        append_wrapped(out, program->description, 0);
    }
    if (command == NULL && program->command_count > 0) {
        buffer_append_text(out, "\nCommands:\n");
        for (size_t i = 0; i < program->command_count; i++) {
            char term[TERM_SIZE];
            append_row(out, command_term(&program->commands[i], term), program->commands[i].summary);
        }
    }
    if (command != NULL && command->options.count > 0) {
        buffer_append_text(out, "\nOptions:\n");
        append_option_rows(out, &command->options);
    }
    if (command == NULL && program->own_options.count > 0) {
        buffer_append_text(out, "\nOptions:\n");
        append_option_rows(out, &program->own_options);
    }
    buffer_append_text(out, program->command_count > 0 ? "\nCommon options:\n" : "\nOptions:\n");
    append_option_rows(out, &program->options);
    append_option_rows(out, &everywhere_list);
    for (size_t i = 0; command == NULL && i < program->section_count; i++) {
        append_help_section(out, &program->sections[i]);
    }
}

/* Text for troff: backslashes and dashes are escaped, and no line can be taken for a request. */
static void append_roff(struct buffer *out, const char *text)
{
    buffer_append_text(out, *text == '.' || *text == '\'' ? "\\&" : "");
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            buffer_append_text(out, "\\e");
            break;
        case '-':
            buffer_append_text(out, "\\-");
            break;
        default:
            buffer_append_char(out, *text);
        }
    }
}

static void append_roff_line(struct buffer *out, const char *request, const char *text)
{
    buffer_append_text(out, request);
    append_roff(out, text);
    buffer_append_char(out, '\n');
}

static void append_roff_row(struct buffer *out, const char *term, const char *text)
{
    buffer_append_text(out, ".TP\n\\fB");
    append_roff(out, term);
    buffer_append_text(out, "\\fR\n");
    append_roff_line(out, "", text);
}

static void append_roff_options(struct buffer *out, const struct option_list *options)
{
    for (size_t i = 0; i < options->count; i++) {
        char term[TERM_SIZE];
        char text[EXPLANATION_SIZE];
        append_roff_row(out, option_term(&options->rows[i], term), explanation(&options->rows[i], text));
    }
}

static void append_upper_case(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buffer_append_char(out, *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
    }
}

static void append_roff_commands(struct buffer *out, const struct program *program)
{
    buffer_append_text(out, program->command_count > 0 ? ".SH COMMANDS\n" : "");
    for (size_t i = 0; i < program->command_count; i++) {
        const struct command *command = &program->commands[i];
        char term[TERM_SIZE];
        append_roff_line(out, ".SS ", command_term(command, term));
        append_roff_line(out, "", command->summary);
        append_roff_options(out, &command->options);
    }
}

/* A page for man(7). No date, so that the same source gives the same bytes. */
static void append_man_page(struct buffer *out, const struct program *program)
{
    buffer_append_text(out, ".TH ");
    append_upper_case(out, program->name);
    buffer_printf(out, " 1 \"\" \"%s %s\" \"Dumont\"\n.SH NAME\n", program->name, program->version);
    append_roff(out, program->name);
    append_roff_line(out, " \\- ", program->summary);
    char usage[TERM_SIZE];
    struct buffer line;
    buffer_init_fixed(&line, usage, sizeof usage);
    append_usage(&line, program, NULL);
    append_roff_line(out, ".SH SYNOPSIS\n.B ", usage);
    for (size_t i = 0; i < commands_beside(program); i++) {
        buffer_clear(&line);
        append_usage(&line, program, &program->commands[i]);
        append_roff_line(out, ".br\n.B ", usage);
    }
    append_roff_line(out, ".SH DESCRIPTION\n", program->description);
    append_roff_commands(out, program);
    buffer_append_text(out, ".SH OPTIONS\n");
    append_roff_options(out, &program->own_options);
    append_roff_options(out, &program->options);
    append_roff_options(out, &everywhere_list);
    for (size_t i = 0; i < program->section_count; i++) {
        buffer_append_text(out, ".SH ");
        append_upper_case(out, program->sections[i].title);
        buffer_append_char(out, '\n');
        for (size_t j = 0; j < program->sections[i].count; j++) {
            const struct help_row *row = &program->sections[i].rows[j];
            if (row->term != NULL) {
                append_roff_row(out, row->term, row->text);
            } else {
                append_roff_line(out, ".PP\n", row->text);
            }
        }
    }
}

/* What may stand as the value of an option: its words, a file (bash's own completion), or nothing that we know. */
static void append_value_cases(struct buffer *out, const struct option_list *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->rows[i];
        const char letter[] = {'-', option->letter, '|', '\0'};
        if (option->kind != OPTION_FLAG) {
            buffer_printf(out, "    %s--%s) ", option->letter == '\0' ? "" : letter, option->name);
        }
        if (option->kind == OPTION_CHOICE) {
            buffer_append_text(out, "COMPREPLY=($(compgen -W '");
            for (const char *at = option->argument; *at != '\0'; at++) {
                buffer_append_char(out, *at == '|' ? ' ' : *at);
            }
            buffer_append_text(out, "' -- \"$word\")); return ;;\n");
        } else if (option->kind != OPTION_FLAG) {
            bool file = strstr(option->argument, "FILE") != NULL || strstr(option->argument, "DIR") != NULL;
            buffer_printf(out, "%sreturn ;;\n", file ? "" : "compopt +o default; ");
        }
    }
}

static void append_option_words(struct buffer *out, const struct option_list *options)
{
    for (size_t i = 0; i < options->count; i++) {
        buffer_printf(out, " --%s", options->rows[i].name);
    }
}

/* The parts of the completion that are the same for all programs. `command` is as much of a command's name as was typed. */
static const char COMPLETION_COMMAND[] =
    "    COMPREPLY=()\n"
    "    [[ $word == = ]] && word='' && COMP_WORDS[COMP_CWORD]=''\n"
    "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        if [[ ${COMP_WORDS[i]} == -- ]] && declare -F _command_offset >/dev/null; then\n"
    "            _command_offset $((i + 1))\n"
    "            return\n"
    "        fi\n"
    "        next=\"$command${command:+ }${COMP_WORDS[i]}\"\n"
    "        for candidate in \"${commands[@]}\"; do\n"
    "            if [[ $candidate == \"$next\" || $candidate == \"$next \"* ]]; then\n"
    "                command=$next\n"
    "                break\n"
    "            fi\n"
    "        done\n"
    "    done\n"
    "    case \"$before\" in\n";
static const char COMPLETION_WORDS[] = "    esac\n"
                                       "    next=\"$command${command:+ }\"\n"
                                       "    for candidate in \"${commands[@]}\"; do\n"
                                       "        if [[ $candidate == \"$next\"* ]]; then\n"
                                       "            candidate=${candidate#\"$next\"}\n"
                                       "            words+=\" ${candidate%% *}\"\n"
                                       "        fi\n"
                                       "    done\n"
                                       "    case \"$command\" in\n";

static void append_function_name(struct buffer *out, const char *program_name)
{
    buffer_append_char(out, '_');
    for (; *program_name != '\0'; program_name++) {
        buffer_append_char(out, *program_name == '-' ? '_' : *program_name);
    }
}

static void append_completion(struct buffer *out, const struct program *program)
{
    append_function_name(out, program->name);
    buffer_append_text(out, "()\n{\n"
                            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                            "    local command='' words='' next candidate i\n"
                            "    local commands=(");
    for (size_t i = 0; i < program->command_count; i++) {
        buffer_printf(out, "%s'%s'", i == 0 ? "" : " ", program->commands[i].name);
    }
    buffer_append_text(out, ")\n");
    buffer_append_text(out, COMPLETION_COMMAND);
    append_value_cases(out, &program->options);
    append_value_cases(out, &program->own_options);
    for (size_t i = 0; i < program->command_count; i++) {
        append_value_cases(out, &program->commands[i].options);
    }
    buffer_append_text(out, COMPLETION_WORDS);
    if (program->own_options.count > 0) {
        buffer_append_text(out, "    '') words+='");
        append_option_words(out, &program->own_options);
        buffer_append_text(out, "' ;;\n");
    }
    for (size_t i = 0; i < program->command_count; i++) {
        buffer_printf(out, "    '%s') words+='", program->commands[i].name);
        append_option_words(out, &program->commands[i].options);
        buffer_append_text(out, "' ;;\n");
    }
    buffer_append_text(out, "    esac\n    words+='");
    append_option_words(out, &program->options);
    append_option_words(out, &everywhere_list);
    buffer_append_text(out, "'\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o default -F ");
    append_function_name(out, program->name);
    buffer_printf(out, " %s\n", program->name);
}

void options_render(const struct program *program, const struct command_line *line, struct buffer *out)
{
    switch (line->request) {
    case REQUEST_HELP:
        append_help(out, program, line->command);
        break;
    case REQUEST_VERSION:
        buffer_printf(out, "%s %s\n", program->name, program->version);
        break;
    case REQUEST_MAN:
        append_man_page(out, program);
        break;
    case REQUEST_COMPLETION:
        append_completion(out, program);
        break;
    case REQUEST_RUN:
        break;
    }
}
