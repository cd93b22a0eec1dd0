/*
 * Options: a program's command line as one table, from which it is parsed, explained (--help), documented (man page) and
 * completed (bash).
 *
 *   PROGRAM [options] [COMMAND [WORD]] [options] [arguments] [-- arguments]
 *   PROGRAM [options] [-- another program's command line]
 *
 * Options are long: `--name value` or `--name=value`; a value that begins with two dashes needs the second form. An option may
 * have a letter too: `-o value`. `--` ends the options. Of an option given twice the later one counts, but for texts that are
 * collected. Options of a command stand behind it, those of the program anywhere. Every program has --help, --version and, for
 * its build, --print-man and --print-completion. Values are checked as they are read: kind, range, choice, and no empty text,
 * which mostly is a variable that was not set.
 *
 * A program of the second form runs without a command, and may have commands beside (`dumont-fake faults`). What only the run
 * without a command wants are its own options.
 *
 * Pure: no output, no allocation, no exit. Texts that are read are those of argv, borrowed.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

enum { OPTION_TEXTS_MAX = 32 };

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char * */
    OPTION_TEXTS,   /* struct option_texts: each use adds one */
    OPTION_CHOICE,  /* int: which of the words in `argument`, "on|off" being 0 and 1 */
    OPTION_INT64,   /* int64_t */
    OPTION_DECIMAL, /* int64_t, counts of 10^-digits, rounded */
};

struct option_texts {
    size_t count;
    const char *texts[OPTION_TEXTS_MAX];
};

struct option {
    const char *name;     /* without dashes */
    const char *argument; /* "FILE", "N"; for a choice its words; NULL for a flag */
    const char *help;     /* sentences without the final point */
    enum option_kind kind;
    char letter;            /* 'o': "-o" says the same; 0: none */
    int digits;             /* OPTION_DECIMAL */
    const char *unit;       /* "seconds", or NULL */
    int64_t least;          /* numbers: both bounds are allowed values, in counts as stored */
    int64_t most;           /* INT64_MAX: unbounded */
    const char *by_default; /* as one would write it; NULL: the member keeps what the caller put there */
    size_t offset;          /* of the member in the program's struct of values */
};

/* offsetof() that does not compile when the member is of another type than the option's kind wants. */
#define OPTION_MEMBER(type, member, wanted)                                                                            \
    (offsetof(type, member) + 0 * sizeof(1 ? &((type *)0)->member : (wanted *)0))

#define FLAG_OPTION(type, member, option_name, option_help)                                                            \
    {                                                                                                                  \
        .name = (option_name), .help = (option_help), .kind = OPTION_FLAG, .offset = OPTION_MEMBER(type, member, bool) \
    }
#define TEXT_OPTION(type, member, option_name, placeholder, value_by_default, option_help)                             \
    {                                                                                                                  \
        .name = (option_name), .argument = (placeholder), .help = (option_help), .kind = OPTION_TEXT,                  \
        .by_default = (value_by_default), .offset = OPTION_MEMBER(type, member, const char *)                          \
    }
#define LETTER_TEXT_OPTION(type, member, option_letter, option_name, placeholder, option_help)                         \
    {                                                                                                                  \
        .name = (option_name), .letter = (option_letter), .argument = (placeholder), .help = (option_help),            \
        .kind = OPTION_TEXT, .offset = OPTION_MEMBER(type, member, const char *)                                       \
    }
#define TEXTS_OPTION(type, member, option_name, placeholder, option_help)                                              \
    {                                                                                                                  \
        .name = (option_name), .argument = (placeholder), .help = (option_help), .kind = OPTION_TEXTS,                 \
        .offset = OPTION_MEMBER(type, member, struct option_texts)                                                     \
    }
#define CHOICE_OPTION(type, member, option_name, words, value_by_default, option_help)                                 \
    {                                                                                                                  \
        .name = (option_name), .argument = (words), .help = (option_help), .kind = OPTION_CHOICE,                      \
        .by_default = (value_by_default), .offset = OPTION_MEMBER(type, member, int)                                   \
    }
#define INT64_OPTION(type, member, option_name, placeholder, least_value, most_value, value_by_default, option_help)   \
    {                                                                                                                  \
        .name = (option_name), .argument = (placeholder), .help = (option_help), .kind = OPTION_INT64,                 \
        .least = (least_value), .most = (most_value), .by_default = (value_by_default),                                \
        .offset = OPTION_MEMBER(type, member, int64_t)                                                                 \
    }
#define DECIMAL_OPTION(type, member, option_name, placeholder, decimal_digits, unit_name, least_value, most_value,     \
                       value_by_default, option_help)                                                                  \
    {                                                                                                                  \
        .name = (option_name), .argument = (placeholder), .help = (option_help), .kind = OPTION_DECIMAL,               \
        .digits = (decimal_digits), .unit = (unit_name), .least = (least_value), .most = (most_value),                 \
        .by_default = (value_by_default), .offset = OPTION_MEMBER(type, member, int64_t)                               \
    }
#define SECONDS_OPTION(type, member, option_name, least_ns, most_ns, value_by_default, option_help)                    \
    DECIMAL_OPTION(type, member, option_name, "X", 9, "seconds", least_ns, most_ns, value_by_default, option_help)

struct option_list {
    const struct option *rows;
    size_t count;
};

struct command_line;

struct command {
    const char *name;      /* one word, or two ("events list") */
    const char *arguments; /* "ID", "[SCENARIO]"; NULL when there are none */
    size_t arguments_least;
    size_t arguments_most;
    const char *summary; /* a sentence without the final point */
    struct option_list options;
    enum exit_status (*run)(void *context, const struct command_line *line); /* for the program's own use */
};

/* A section of help and man page: rows of term and text; a row without term is a paragraph. */
struct help_row {
    const char *term;
    const char *text;
};

struct help_section {
    const char *title; /* "Exit status" */
    const struct help_row *rows;
    size_t count;
};

struct program {
    const char *name;
    const char *version;
    const char *summary;     /* "fake Vast.ai cloud on loopback": for the man page's NAME */
    const char *description; /* sentences */
    const char *trailing;    /* "COMMAND [ARG...]": what may follow `--` when no command is given; NULL: one must be */
    struct option_list options;
    struct option_list own_options; /* of the run without a command, in a program that has commands beside */
    const struct command *commands;
    size_t command_count;
    const struct help_section *sections;
    size_t section_count;
};

enum command_line_request { REQUEST_RUN, REQUEST_HELP, REQUEST_VERSION, REQUEST_MAN, REQUEST_COMPLETION };

struct command_line {
    enum command_line_request request;
    const struct command *command; /* NULL: none was given: a request, or the program has none or needs none */
    char **arguments;              /* in argv, in their order, without options and `--`; NULL-terminated */
    size_t argument_count;
};

/*
 * Parses argv (argv[argc] is NULL), which is reordered, into `values`, the program's struct, and `line`. Members of the program's
 * options, own ones included, and the command's get their defaults first.
 * ERR_USAGE with a message that names the option and what was expected, and the nearest known name as next step.
 */
MUST_USE enum error_code options_parse(const struct program *program, int argc, char **argv, void *values,
                                       struct command_line *line, struct error *error);

/* Appends what `line` requests, if not to run: help (of its command, or of the program), version, man page or completion. */
void options_render(const struct program *program, const struct command_line *line, struct buffer *out);

/* Appends "a number of seconds from 0.1 to 3600": what an option wants to be given. */
void option_append_expected(struct buffer *out, const struct option *option);

#endif
