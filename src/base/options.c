#include "base/options.h"

#include <assert.h>
#include <string.h>

#include "base/units.h"

enum { NAME_MAX_COMPARED = 40, SHOWN_VALUE_MAX = 40 };

/* Where the parser stands. */
struct parse {
    const struct program *program;
    char **argv;
    size_t argc;
    size_t next;  /* argument to look at */
    size_t kept;  /* arguments kept at the beginning of argv */
    bool literal; /* behind `--` */
    size_t words; /* of the command's name that were read: 0, 1 or 2 */
    const char *first_word;
    const struct option *own_option; /* the last one given of the program's own */
    char *values;
    struct command_line *line;
    struct error *error;
};

/* A value as one may show it on a terminal: bounded, no control characters. */
static const char *shown(const char *value, char out[SHOWN_VALUE_MAX + 1])
{
    bool whole = text_copy(out, SHOWN_VALUE_MAX + 1, value);
    for (char *at = out; *at != '\0'; at++) {
        bool control = (unsigned char)*at < 0x20 || *at == 0x7f;
        *at = control ? '?' : *at;
    }
    if (!whole) {
        memcpy(out + SHOWN_VALUE_MAX - 3, "...", 3);
    }
    return out;
}

/*
 * How many insertions, deletions, changes and swaps of neighbours lead from one name to the other (optimal string alignment).
 * The beginning of a name is one step away from it.
 */
static size_t name_distance(const char *given, const char *known)
{
    size_t rows[3][NAME_MAX_COMPARED + 1];
    size_t given_length = strlen(given);
    size_t known_length = strlen(known);
    if (given_length > NAME_MAX_COMPARED || known_length > NAME_MAX_COMPARED) {
        return NAME_MAX_COMPARED;
    }
    if (given_length > 0 && strncmp(given, known, given_length) == 0) {
        return 1;
    }
    for (size_t j = 0; j <= known_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= given_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= known_length; j++) {
            size_t best = above[j - 1] + (given[i - 1] == known[j - 1] ? 0 : 1);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && given[i - 1] == known[j - 2] && given[i - 2] == known[j - 1]) {
                size_t swapped = rows[(i - 2) % 3][j - 2] + 1;
                best = swapped < best ? swapped : best;
            }
            row[j] = best;
        }
    }
    return rows[given_length % 3][known_length];
}

/* The nearest of the names offered so far, if it is near enough to be what was meant. */
struct nearest {
    const char *given;
    const char *name;
    size_t distance;
};

static struct nearest nearest_to(const char *given)
{
    return (struct nearest){given, NULL, strlen(given) < 6 ? 3 : strlen(given) / 3 + 1};
}

static void offer_name(struct nearest *nearest, const char *name)
{
    size_t distance = name_distance(nearest->given, name);
    if (distance < nearest->distance) {
        nearest->name = name;
        nearest->distance = distance;
    }
}

static const struct {
    const char *name;
    enum command_line_request request;
    bool hidden; /* for the build, not for people */
} requests[] = {
    {"help", REQUEST_HELP, false},
    {"version", REQUEST_VERSION, false},
    {"print-man", REQUEST_MAN, true},
    {"print-completion", REQUEST_COMPLETION, true},
};

static enum error_code refuse_unknown_option(struct parse *parse, const char *argument)
{
    char text[SHOWN_VALUE_MAX + 1];
    const struct program *program = parse->program;
    const struct command *command = parse->line->command;
    (void)shown(argument, text);
    text[strcspn(text, "=")] = '\0';
    struct nearest nearest = nearest_to(text + strspn(text, "-"));
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        if (!requests[i].hidden) {
            offer_name(&nearest, requests[i].name);
        }
    }
    for (size_t i = 0; i < program->options.count; i++) {
        offer_name(&nearest, program->options.rows[i].name);
    }
    const struct option_list *more = command == NULL ? &program->own_options : &command->options;
    for (size_t i = 0; i < more->count; i++) {
        offer_name(&nearest, more->rows[i].name);
    }
    error_set(parse->error, ERR_USAGE, "unknown option %s%s%s", text, command == NULL ? "" : " of ",
              command == NULL ? "" : command->name);
    if (nearest.name != NULL) {
        error_advise(parse->error, "did you mean --%s?", nearest.name);
    } else if (command == NULL && program->command_count > 0 && program->trailing == NULL) {
        error_advise(parse->error, "options of a command stand behind it; see %s --help", program->name);
    } else {
        error_advise(parse->error, "see %s%s%s --help", program->name, command == NULL ? "" : " ",
                     command == NULL ? "" : command->name);
    }
    return parse->error->code;
}

void option_append_expected(struct buffer *out, const struct option *option)
{
    if (option->kind == OPTION_CHOICE) {
        for (const char *at = option->argument; *at != '\0'; at++) {
            const char *last = strrchr(option->argument, '|');
            buffer_append(out, *at == '|' ? (at == last ? " or " : ", ") : at, *at == '|' ? (at == last ? 4 : 2) : 1);
        }
        return;
    }
    if (option->kind != OPTION_INT64 && option->kind != OPTION_DECIMAL) {
        buffer_append_text(out, option->argument);
        return;
    }
    buffer_append_text(out, option->kind == OPTION_INT64 ? "a whole number" : "a number");
    if (option->unit != NULL) {
        buffer_printf(out, " of %s", option->unit);
    }
    buffer_append_text(out, option->most == INT64_MAX ? ", at least " : " from ");
    decimal_append(out, option->least, option->digits, 0);
    if (option->most != INT64_MAX) {
        buffer_append_text(out, " to ");
        decimal_append(out, option->most, option->digits, 0);
    }
}

/* The place of a word among those separated by '|', or -1. */
static int choice_of(const char *words, const char *value)
{
    int place = 0;
    size_t length = strlen(value);
    for (const char *at = words; at != NULL; at = strchr(at, '|') == NULL ? NULL : strchr(at, '|') + 1, place++) {
        if (strcspn(at, "|") == length && memcmp(at, value, length) == 0) {
            return place;
        }
    }
    return -1;
}

/* Reads `value` into the member. False when it is not what the option wants. */
static bool store_value(const struct option *option, const char *value, char *values)
{
    void *member = values + option->offset;
    struct option_texts *list = member;
    int64_t number = 0;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)member = true;
        return true;
    case OPTION_TEXT:
        *(const char **)member = value;
        return value[0] != '\0';
    case OPTION_TEXTS:
        if (list->count == OPTION_TEXTS_MAX) {
            return false;
        }
        list->texts[list->count++] = value;
        return value[0] != '\0';
    case OPTION_CHOICE:
        *(int *)member = choice_of(option->argument, value);
        return *(int *)member >= 0;
    case OPTION_INT64:
    case OPTION_DECIMAL:
        break;
    }
    bool whole = option->kind == OPTION_DECIMAL || value[strcspn(value, ".eE")] == '\0';
    if (!whole || !decimal_parse(span_of(value), option->digits, &number) || number < option->least ||
        number > option->most) {
        return false;
    }
    *(int64_t *)member = number;
    return true;
}

static void store_defaults(const struct option_list *options, char *values)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->rows[i];
        bool good = option->by_default == NULL || store_value(option, option->by_default, values);
        assert(good);
        (void)good;
    }
}

static enum error_code refuse_value(struct parse *parse, const struct option *option, const char *value)
{
    char expected[ERROR_MESSAGE_SIZE];
    char text[SHOWN_VALUE_MAX + 1];
    struct buffer out;
    buffer_init_fixed(&out, expected, sizeof expected);
    option_append_expected(&out, option);
    if (value == NULL) {
        return error_set(parse->error, ERR_USAGE, "--%s: expected %s behind it", option->name, expected);
    }
    if (option->kind == OPTION_TEXTS && value[0] != '\0') {
        return error_set(parse->error, ERR_USAGE, "--%s: given more than %d times", option->name, OPTION_TEXTS_MAX);
    }
    bool digits = value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
    if (digits && option->kind == OPTION_INT64 && option->most == INT64_MAX) {
        buffer_printf(&out, " and at most %lld", (long long)INT64_MAX);
    }
    return error_set(parse->error, ERR_USAGE, "--%s: expected %s, not '%s'", option->name, expected,
                     shown(value, text));
}

/* Whether `argument`, "--name", "--name=value" or "-o", names the option. */
static bool names_option(const char *argument, const struct option *option)
{
    if (argument[1] != '-') {
        return option->letter != '\0' && argument[1] == option->letter && argument[2] == '\0';
    }
    size_t length = strcspn(argument + 2, "=");
    return strlen(option->name) == length && memcmp(option->name, argument + 2, length) == 0;
}

static const struct option *find_option(const struct option_list *options, const char *argument)
{
    for (size_t i = 0; i < options->count; i++) {
        if (names_option(argument, &options->rows[i])) {
            return &options->rows[i];
        }
    }
    return NULL;
}

static enum error_code parse_option(struct parse *parse, const char *argument)
{
    const struct command *command = parse->line->command;
    const struct option *option = find_option(&parse->program->options, argument);
    if (option == NULL) {
        option = find_option(command == NULL ? &parse->program->own_options : &command->options, argument);
        parse->own_option = command == NULL ? option : parse->own_option;
    }
    if (option == NULL) {
        return refuse_unknown_option(parse, argument);
    }
    const char *value = strchr(argument, '=');
    value = value == NULL ? NULL : value + 1;
    if (option->kind == OPTION_FLAG && value != NULL) {
        return error_set(parse->error, ERR_USAGE, "--%s: takes no value", option->name);
    }
    if (option->kind != OPTION_FLAG && value == NULL) {
        const char *following = parse->argv[parse->next];
        if (following == NULL || strncmp(following, "--", 2) == 0) {
            return refuse_value(parse, option, NULL);
        }
        value = following;
        parse->next++;
    }
    return store_value(option, value, parse->values) ? ERR_OK : refuse_value(parse, option, value);
}

static bool is_first_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    return strncmp(name, word, length) == 0 && name[length] == ' ';
}

static bool begins_a_command(const struct program *program, const char *word)
{
    bool begins = false;
    for (size_t i = 0; i < program->command_count && !begins; i++) {
        begins = is_first_word(program->commands[i].name, word);
    }
    return begins;
}

static void advise_dashes(struct parse *parse, const char *shown_word)
{
    error_advise(parse->error, "put -- before the command: %s -- %s ...", parse->program->name, shown_word);
}

static enum error_code refuse_command(struct parse *parse, const char *word)
{
    char text[SHOWN_VALUE_MAX + 1];
    struct nearest nearest = nearest_to(word);
    for (size_t i = 0; i < parse->program->command_count; i++) {
        const char *name = parse->program->commands[i].name;
        bool inner = parse->first_word != NULL && is_first_word(name, parse->first_word);
        if (parse->first_word == NULL || inner) {
            offer_name(&nearest, inner ? strchr(name, ' ') + 1 : name);
        }
    }
    error_set(parse->error, ERR_USAGE, "unknown command '%s%s%s'", parse->first_word == NULL ? "" : parse->first_word,
              parse->first_word == NULL ? "" : " ", shown(word, text));
    bool asks_help = strcmp(word, "help") == 0; /* whatever command has a name like it */
    if (nearest.name != NULL && !asks_help) {
        error_advise(parse->error, "did you mean %s?", nearest.name);
    } else if (!asks_help && parse->program->trailing != NULL) {
        advise_dashes(parse, text);
    } else {
        error_advise(parse->error, "see %s --help", parse->program->name);
    }
    return parse->error->code;
}

/* A word of the command's name: the first decides, unless it is the beginning of commands with two. */
static enum error_code parse_command_word(struct parse *parse, const char *word)
{
    for (size_t i = 0; i < parse->program->command_count; i++) {
        const struct command *command = &parse->program->commands[i];
        bool inner = parse->first_word != NULL && is_first_word(command->name, parse->first_word);
        const char *wanted = inner ? strchr(command->name, ' ') + 1 : command->name;
        if ((parse->first_word == NULL || inner) && strcmp(wanted, word) == 0) {
            if (parse->own_option != NULL) {
                return error_set(parse->error, ERR_USAGE, "--%s is no option of %s", parse->own_option->name, word);
            }
            parse->line->command = command;
            store_defaults(&command->options, parse->values);
            return ERR_OK;
        }
    }
    if (parse->first_word == NULL && begins_a_command(parse->program, word)) {
        parse->first_word = word;
        return ERR_OK;
    }
    return refuse_command(parse, word);
}

static enum error_code parse_word(struct parse *parse, char *word)
{
    char text[SHOWN_VALUE_MAX + 1];
    bool trails = parse->literal && parse->program->trailing != NULL && parse->first_word == NULL;
    if (parse->program->command_count > 0 && parse->line->command == NULL && !trails) {
        return parse_command_word(parse, word);
    }
    if (parse->program->command_count == 0 && !parse->literal) {
        error_set(parse->error, ERR_USAGE, "unexpected argument '%s'", shown(word, text));
        if (parse->program->trailing != NULL) {
            advise_dashes(parse, text);
        }
        return parse->error->code;
    }
    parse->argv[parse->kept++] = word;
    return ERR_OK;
}

/* True when `argument` is one of the requests that every program answers; later arguments then do not matter. */
static bool parse_request(struct parse *parse, const char *argument)
{
    for (size_t i = 0; i < ARRAY_LENGTH(requests); i++) {
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, requests[i].name) == 0) {
            parse->line->request = requests[i].request;
            return true;
        }
    }
    return false;
}

static enum error_code check_arguments(const struct parse *parse)
{
    const struct command *command = parse->line->command;
    size_t count = parse->kept;
    bool needs_command = parse->program->trailing == NULL || parse->first_word != NULL;
    if (parse->program->command_count > 0 && command == NULL && needs_command) {
        error_set(parse->error, ERR_USAGE, "which command%s%s?", parse->first_word == NULL ? "" : " of ",
                  parse->first_word == NULL ? "" : parse->first_word);
        error_advise(parse->error, "see %s --help", parse->program->name);
        return parse->error->code;
    }
    if (command == NULL && count > 0 && parse->program->trailing == NULL) {
        return error_set(parse->error, ERR_USAGE, "unexpected argument behind --");
    }
    if (command == NULL || (count >= command->arguments_least && count <= command->arguments_most)) {
        return ERR_OK;
    }
    error_set(parse->error, ERR_USAGE, "%s: too %s arguments", command->name,
              count < command->arguments_least ? "few" : "many");
    error_advise(parse->error, "usage: %s %s [options]%s%s", parse->program->name, command->name,
                 command->arguments == NULL ? "" : " ", command->arguments == NULL ? "" : command->arguments);
    return parse->error->code;
}

enum error_code options_parse(const struct program *program, int argc, char **argv, void *values,
                              struct command_line *line, struct error *error)
{
    struct parse parse = {.program = program,
                          .argv = argv,
                          .argc = (size_t)argc,
                          .next = 1,
                          .values = values,
                          .line = line,
                          .error = error};
    *line = (struct command_line){.request = REQUEST_RUN, .arguments = argv};
    store_defaults(&program->options, values);
    store_defaults(&program->own_options, values);
    while (parse.next < parse.argc) {
        char *argument = argv[parse.next++];
        enum error_code code = ERR_OK;
        if (!parse.literal && strcmp(argument, "--") == 0) {
            parse.literal = true;
        } else if (parse.literal || argument[0] != '-' || argument[1] == '\0') {
            code = parse_word(&parse, argument);
        } else if (parse_request(&parse, argument)) {
            return ERR_OK;
        } else {
            code = parse_option(&parse, argument);
        }
        if (code != ERR_OK) {
            return code;
        }
    }
    line->argument_count = parse.kept;
    if (argc > 0) {
        argv[parse.kept] = NULL;
    }
    return check_arguments(&parse);
}
