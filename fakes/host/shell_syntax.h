/*
 * Shell syntax: from the text of a command to its tree.
 *
 * The grammar is POSIX sh's: simple commands, pipelines, `&&` `||` `;` `&` and newlines, `( )` and `{ }` groups, if, while,
 * until, for, case, functions, redirections, here-documents; of bash, `&>`, `&>>` and `<<<`. Words keep their raw text: quotes
 * and `$` are looked at when a word is expanded.
 *
 * All memory is the arena's; spans point into the text, which must outlive the tree. Nesting is bounded by SHELL_DEPTH_LIMIT.
 */
#ifndef FAKES_HOST_SHELL_SYNTAX_H
#define FAKES_HOST_SHELL_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "fakes/host/arena.h"

enum { SHELL_DEPTH_LIMIT = 64, SHELL_MESSAGE_SIZE = 512 };

/* X(name, its text) */
#define SHELL_TOKEN_LIST(X)                                                                                            \
    X(END, "end of file")                                                                                              \
    X(NEWLINE, "newline")                                                                                              \
    X(WORD, "word")                                                                                                    \
    X(NUMBER, "number")                                                                                                \
    X(AND_IF, "&&")                                                                                                    \
    X(OR_IF, "||")                                                                                                     \
    X(CASE_END, ";;")                                                                                                  \
    X(SEMICOLON, ";")                                                                                                  \
    X(BOTH_APPEND, "&>>")                                                                                              \
    X(BOTH_TO, "&>")                                                                                                   \
    X(AMPERSAND, "&")                                                                                                  \
    X(PIPE, "|")                                                                                                       \
    X(OPEN, "(")                                                                                                       \
    X(CLOSE, ")")                                                                                                      \
    X(HERE_TEXT, "<<<")                                                                                                \
    X(HERE_DOCUMENT_TABS, "<<-")                                                                                       \
    X(HERE_DOCUMENT, "<<")                                                                                             \
    X(FROM_COPY, "<&")                                                                                                 \
    X(FROM_AND_TO, "<>")                                                                                               \
    X(FROM, "<")                                                                                                       \
    X(APPEND, ">>")                                                                                                    \
    X(TO_COPY, ">&")                                                                                                   \
    X(CLOBBER, ">|")                                                                                                   \
    X(TO, ">")

enum shell_token {
#define SHELL_TOKEN_ENUM(name, text) TOKEN_##name,
    SHELL_TOKEN_LIST(SHELL_TOKEN_ENUM)
#undef SHELL_TOKEN_ENUM
};

struct shell_word {
    struct span raw;
    struct shell_word *next;
};

struct shell_redirection {
    enum shell_token kind;
    int fd;             /* -1: the kind's usual one */
    struct span target; /* a file, a number, "-", a here-text; a here-document's end mark */
    struct span body;   /* of a here-document */
    struct shell_redirection *next;
};

enum shell_command_kind {
    COMMAND_SIMPLE,
    COMMAND_GROUP,
    COMMAND_SUBSHELL,
    COMMAND_IF,
    COMMAND_WHILE,
    COMMAND_UNTIL,
    COMMAND_FOR,
    COMMAND_CASE,
    COMMAND_FUNCTION,
};

struct shell_list;

struct shell_case_item {
    struct shell_word *patterns;
    struct shell_list *body;
    struct shell_case_item *next;
};

struct shell_command {
    enum shell_command_kind kind;
    uint32_t line;
    struct shell_word *assignments; /* COMMAND_SIMPLE */
    struct shell_word *words;       /* COMMAND_SIMPLE; values of COMMAND_FOR; subject of COMMAND_CASE */
    bool has_values;                /* COMMAND_FOR with `in` */
    struct span name;               /* variable of COMMAND_FOR; COMMAND_FUNCTION */
    struct shell_list *condition;
    struct shell_list *body;
    struct shell_list *otherwise;
    struct shell_case_item *items;
    struct shell_command *function_body;
    struct shell_redirection *redirections;
    struct shell_command *next; /* in the pipeline */
};

enum shell_connector { CONNECT_FIRST, CONNECT_AND, CONNECT_OR };

struct shell_pipeline {
    enum shell_connector connector;
    bool negated;
    struct shell_command *commands;
    struct shell_pipeline *next;
};

/* One entry of a list: pipelines joined by && and ||. */
struct shell_list {
    struct shell_pipeline *pipelines;
    bool background;
    struct shell_list *next;
};

/* A mistake in the text: where, and which token was not expected (or, `unclosed`, which quote or bracket has no end). */
struct shell_mistake {
    uint32_t line;
    char token[64];
    bool unclosed;
};

/*
 * Parses a whole text. True with the list (NULL when there is nothing to run), else false: out of memory when arena->failed,
 * a mistake in `mistake` otherwise.
 */
MUST_USE bool shell_parse(struct arena *arena, struct span text, struct shell_list **out,
                          struct shell_mistake *mistake);

/* ---- the lexer, for the parser and for the expansion of words ---- */

struct shell_lexer {
    struct span text;
    size_t at;
    uint32_t line;
    enum shell_token token;
    struct span word; /* raw text of the current token */
    char unclosed;    /* the quote or bracket whose end is missing, or 0 */
};

/* Moves to the next token. False when a quote or bracket has no end. */
MUST_USE bool shell_lexer_next(struct shell_lexer *lexer);

const char *shell_token_text(enum shell_token token);

/*
 * The index behind the quoted text or $-construct that begins at `at` ('…', "…", `…`, \c, $(…), $((…)), ${…}, $x), or behind
 * one plain character. 0 when its end is missing, which is then named in *unclosed.
 */
size_t shell_skip_part(struct span text, size_t at, char *unclosed);

bool shell_is_name_start(char c);
bool shell_is_name(struct span text);

/* How long the NAME is with which a text begins; 0: none. */
size_t shell_name_length(struct span text);

/* Length of the NAME in a raw assignment word NAME=value, else 0. */
size_t shell_assignment_name(struct span word);

#endif
