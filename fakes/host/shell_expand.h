/*
 * The parts of word expansion: shell_expand.c walks the words, shell_parameter.c knows $name and ${…}, shell_glob.c finds
 * files. Nobody else includes this.
 */
#ifndef FAKES_HOST_SHELL_EXPAND_H
#define FAKES_HOST_SHELL_EXPAND_H

#include "fakes/host/shell.h"

struct field {
    const char *pattern; /* a glob: quoted characters are escaped */
    char *plain;         /* the finished argument, when known */
    struct field *next;
};

struct expansion {
    struct shell *shell;
    struct buffer text; /* of the field at hand */
    bool present;       /* the field exists though it be empty: it had quotes */
    bool splits;
    bool is_document; /* quotes are plain characters */
    struct field *fields;
    struct field **tail;
    size_t count;
};

void expansion_add_char(struct expansion *expansion, char c, bool quoted);
void expansion_add_value(struct expansion *expansion, const char *value, bool quoted);
void expansion_add_raw(struct expansion *expansion, struct span raw, bool in_quotes);

/* Ends the field at hand. */
void expansion_break(struct expansion *expansion, bool even_if_empty);

/* After a complaint: the shell exits with `status`. */
void expansion_fail(struct expansion *expansion, int32_t status);

/* Takes the backslashes of a pattern out; NULL: dead. */
char *expansion_unescape(struct arena *arena, const char *pattern);

/* $name, $1, $?, …; `name` without the $. */
void expand_parameter(struct expansion *expansion, struct span name, bool quoted);

/* ${inside}; `part` is the whole, for the complaint. */
void expand_braces(struct expansion *expansion, struct span part, struct span inside, bool quoted);

/* Puts the files that match in the place of a field, in order. False: no magic, or no file. */
bool glob_expand(struct shell *shell, struct field **place, size_t *count);

#endif
