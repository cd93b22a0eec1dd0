/*
 * Regular expressions as a small program that is run with backtracking over an explicit stack. Each pair (instruction,
 * position) is tried once, so time and memory are bounded by their product; a pair beyond REGEX_STATES_LIMIT does not match.
 */
#include <stdint.h>
#include <string.h>

#include "fakes/host/pattern.h"

enum { REGEX_PROGRAM_LIMIT = 512, REGEX_STATES_LIMIT = 1024 * 1024, REGEX_GROUP_DEPTH = 16 };

enum operation { OP_CHAR, OP_ANY, OP_SET, OP_BEGIN, OP_END, OP_WORD_EDGE, OP_SPLIT, OP_JUMP, OP_SAVE, OP_MATCH };

struct instruction {
    enum operation operation;
    char character;
    struct span set;
    int32_t first;  /* OP_SPLIT: tried first; OP_JUMP: target; OP_SAVE: slot */
    int32_t second; /* OP_SPLIT: tried then */
};

struct regex {
    struct instruction program[REGEX_PROGRAM_LIMIT];
    int32_t length;
    int32_t groups;
    bool ignore_case;
};

struct compiler {
    struct regex *regex;
    struct span text;
    size_t at;
    struct regex_flags flags;
    const char *mistake;
    int32_t depth;
};

static int32_t emit(struct compiler *compiler, struct instruction instruction)
{
    struct regex *regex = compiler->regex;
    if (regex->length >= REGEX_PROGRAM_LIMIT - 1) {
        compiler->mistake = "Regular expression too big";
        return 0;
    }
    regex->program[regex->length] = instruction;
    return regex->length++;
}

/* Makes room for one instruction before `start`; jumps into what moves are moved too. */
static void insert(struct compiler *compiler, int32_t start, struct instruction instruction)
{
    (void)emit(compiler, instruction);
    struct regex *regex = compiler->regex;
    for (int32_t i = regex->length - 1; i > start; i--) {
        struct instruction moved = regex->program[i - 1];
        if (moved.operation == OP_SPLIT || moved.operation == OP_JUMP) {
            moved.first += moved.first >= start;
            moved.second += moved.second >= start;
        }
        regex->program[i] = moved;
    }
    regex->program[start] = instruction;
}

static bool at_end(const struct compiler *compiler)
{
    return compiler->at >= compiler->text.length;
}

/* True when the text goes on with the special character c: plain in extended syntax, behind a backslash in basic. */
static bool at_special(const struct compiler *compiler, char c)
{
    const char *text = compiler->text.at + compiler->at;
    size_t left = compiler->text.length - compiler->at;
    if (compiler->flags.fixed) {
        return false;
    }
    return compiler->flags.extended ? left > 0 && text[0] == c : left > 1 && text[0] == '\\' && text[1] == c;
}

static void skip_special(struct compiler *compiler)
{
    compiler->at += compiler->flags.extended ? 1 : 2;
}

static void compile_alternatives(struct compiler *compiler);

static void compile_group(struct compiler *compiler)
{
    skip_special(compiler);
    int32_t group = ++compiler->regex->groups;
    bool saved = group < REGEX_GROUPS;
    if (++compiler->depth > REGEX_GROUP_DEPTH) {
        compiler->mistake = "Regular expression too big";
        return;
    }
    if (saved) {
        emit(compiler, (struct instruction){.operation = OP_SAVE, .first = 2 * group});
    }
    compile_alternatives(compiler);
    if (!at_special(compiler, ')')) {
        compiler->mistake = "Unmatched ( or \\(";
        return;
    }
    skip_special(compiler);
    if (saved) {
        emit(compiler, (struct instruction){.operation = OP_SAVE, .first = 2 * group + 1});
    }
    compiler->depth--;
}

static void compile_escape(struct compiler *compiler)
{
    static const struct {
        char letter;
        const char *set;
    } escapes[] = {
        {'w', "[_[:alnum:]]"}, {'W', "[^_[:alnum:]]"}, {'s', "[[:space:]]"}, {'S', "[^[:space:]]"}, {'d', "[0-9]"},
    };
    char letter = compiler->text.at[compiler->at + 1];
    compiler->at += 2;
    for (size_t i = 0; i < ARRAY_LENGTH(escapes); i++) {
        if (letter == escapes[i].letter) {
            emit(compiler, (struct instruction){.operation = OP_SET, .set = span_of(escapes[i].set)});
            return;
        }
    }
    bool edge = letter == 'b' || letter == '<' || letter == '>';
    char plain = letter == 'n' ? '\n' : letter == 't' ? '\t' : letter;
    emit(compiler, (struct instruction){.operation = edge ? OP_WORD_EDGE : OP_CHAR, .character = plain});
}

static void compile_atom(struct compiler *compiler, size_t branch_start)
{
    struct span rest = {compiler->text.at + compiler->at, compiler->text.length - compiler->at};
    char c = rest.at[0];
    bool special = !compiler->flags.fixed;
    bool ignored;
    if (at_special(compiler, '(')) {
        compile_group(compiler);
        return;
    }
    if (special && c == '\\' && rest.length > 1) {
        compile_escape(compiler);
        return;
    }
    if (special && c == '[') {
        size_t length = pattern_set(rest, 'a', &ignored);
        if (length == 0) {
            compiler->mistake = "Unmatched [, [^, [:, [., or [=";
            return;
        }
        emit(compiler, (struct instruction){.operation = OP_SET, .set = {rest.at, length}});
        compiler->at += length;
        return;
    }
    compiler->at++;
    bool is_begin = c == '^' && (compiler->flags.extended || compiler->at - 1 == branch_start);
    bool is_end = c == '$' && (compiler->flags.extended || at_end(compiler) || at_special(compiler, ')') ||
                               at_special(compiler, '|'));
    enum operation operation = !special ? OP_CHAR : is_begin ? OP_BEGIN : is_end ? OP_END : c == '.' ? OP_ANY : OP_CHAR;
    emit(compiler, (struct instruction){.operation = operation, .character = c});
}

enum { NO_BOUND = -1, OPEN_END = -1, MOST_REPEATS = 255 };

/* Appends the code of an atom once more. */
static void emit_copy(struct compiler *compiler, int32_t start, int32_t size)
{
    int32_t moved_by = compiler->regex->length - start;
    for (int32_t i = 0; i < size && compiler->mistake == NULL; i++) {
        struct instruction copy = compiler->regex->program[start + i];
        if (copy.operation == OP_SPLIT || copy.operation == OP_JUMP) {
            copy.first += moved_by;
            copy.second += moved_by;
        }
        emit(compiler, copy);
    }
}

/* The atom at `start` from `least` to `most` times: copies, the later ones behind a way past them. */
static void emit_repeats(struct compiler *compiler, int32_t start, int32_t least, int32_t most)
{
    struct regex *regex = compiler->regex;
    int32_t size = regex->length - start;
    struct instruction way_past = {.operation = OP_SPLIT, .second = OPEN_END};
    if (least == 0) {
        way_past.first = start + 1;
        insert(compiler, start, way_past);
        start++;
    }
    for (int32_t i = 1; i < least; i++) {
        emit_copy(compiler, start, size);
    }
    if (most == NO_BOUND) {
        int32_t last = regex->length - size;
        emit(compiler, (struct instruction){.operation = OP_SPLIT, .first = last, .second = regex->length + 1});
    }
    for (int32_t i = least > 1 ? least : 1; i < most; i++) {
        way_past.first = regex->length + 1;
        emit(compiler, way_past);
        emit_copy(compiler, start, size);
    }
    for (int32_t i = start - (least == 0); i < regex->length; i++) {
        if (regex->program[i].operation == OP_SPLIT && regex->program[i].second == OPEN_END) {
            regex->program[i].second = regex->length;
        }
    }
}

static int32_t take_number(struct compiler *compiler)
{
    int32_t value = NO_BOUND;
    while (!at_end(compiler) && compiler->text.at[compiler->at] >= '0' && compiler->text.at[compiler->at] <= '9') {
        value = (value < 0 ? 0 : value) * 10 + (compiler->text.at[compiler->at++] - '0');
        value = value > MOST_REPEATS ? MOST_REPEATS + 1 : value;
    }
    return value;
}

/* {2}, {2,} and {2,5}; the brace was seen. */
static void compile_interval(struct compiler *compiler, int32_t start)
{
    skip_special(compiler);
    int32_t least = take_number(compiler);
    int32_t most = least;
    if (!at_end(compiler) && compiler->text.at[compiler->at] == ',') {
        compiler->at++;
        most = take_number(compiler);
        least = least < 0 ? 0 : least;
    }
    bool valid = at_special(compiler, '}') && least >= 0 && least <= MOST_REPEATS && most <= MOST_REPEATS &&
                 most != 0 && (most == NO_BOUND || least <= most);
    if (!valid) {
        compiler->mistake = "Invalid content of \\{\\}";
        return;
    }
    skip_special(compiler);
    emit_repeats(compiler, start, least, most);
}

/* A repetition behind the atom whose code begins at `start`. */
static bool compile_repetition(struct compiler *compiler, int32_t start)
{
    bool star = !compiler->flags.fixed && !at_end(compiler) && compiler->text.at[compiler->at] == '*';
    bool plus = at_special(compiler, '+');
    if (at_special(compiler, '{')) {
        compile_interval(compiler, start);
        return true;
    }
    if (star) {
        compiler->at++;
    } else if (plus || at_special(compiler, '?')) {
        skip_special(compiler);
    } else {
        return false;
    }
    struct regex *regex = compiler->regex;
    if (plus) {
        emit(compiler, (struct instruction){.operation = OP_SPLIT, .first = start, .second = regex->length + 1});
        return true;
    }
    insert(compiler, start, (struct instruction){.operation = OP_SPLIT, .first = start + 1});
    if (star) {
        emit(compiler, (struct instruction){.operation = OP_JUMP, .first = start});
    }
    regex->program[start].second = regex->length;
    return true;
}

static void compile_branch(struct compiler *compiler)
{
    size_t branch_start = compiler->at;
    while (!at_end(compiler) && compiler->mistake == NULL) {
        if (at_special(compiler, '|') || (compiler->depth > 0 && at_special(compiler, ')'))) {
            return;
        }
        int32_t start = compiler->regex->length;
        compile_atom(compiler, branch_start);
        while (compiler->mistake == NULL && compile_repetition(compiler, start)) {
        }
    }
}

/* Recurses once for each |, so not deeper than the program may be long. */
static void compile_alternatives(struct compiler *compiler)
{
    struct regex *regex = compiler->regex;
    int32_t start = regex->length;
    compile_branch(compiler);
    if (compiler->mistake != NULL || !at_special(compiler, '|')) {
        return;
    }
    skip_special(compiler);
    insert(compiler, start, (struct instruction){.operation = OP_SPLIT, .first = start + 1});
    int32_t jump = emit(compiler, (struct instruction){.operation = OP_JUMP});
    regex->program[start].second = regex->length;
    compile_alternatives(compiler);
    regex->program[jump].first = regex->length;
}

struct regex *regex_compile(struct arena *arena, struct span text, struct regex_flags flags, const char **mistake)
{
    struct regex *regex = arena_alloc(arena, sizeof *regex);
    *mistake = NULL;
    if (regex == NULL) {
        return NULL;
    }
    regex->ignore_case = flags.ignore_case;
    struct compiler compiler = {.regex = regex, .text = text, .flags = flags};
    compile_alternatives(&compiler);
    if (compiler.mistake == NULL && compiler.at < text.length) {
        compiler.mistake = "Unmatched ) or \\)";
    }
    regex->program[regex->length++] = (struct instruction){.operation = OP_MATCH};
    *mistake = compiler.mistake;
    return compiler.mistake == NULL ? regex : NULL;
}

/* ---- matching ---- */

struct saved_state {
    int32_t at; /* instruction; -1: put back a group's position */
    int32_t slot;
    long position;
};

struct matcher {
    const struct regex *regex;
    struct span line;
    uint8_t *tried; /* a bit for each (instruction, position) */
    struct saved_state *stack;
    size_t depth;
    size_t capacity;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char swap_case(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : lower(c);
}

static bool is_word(struct span line, size_t at)
{
    bool matches = false;
    (void)pattern_set(span_of("[_[:alnum:]]"), at < line.length ? line.at[at] : ' ', &matches);
    return matches;
}

static bool consumes(const struct regex *regex, const struct instruction *instruction, char c)
{
    bool matches = false;
    switch (instruction->operation) {
    case OP_CHAR:
        return c == instruction->character || (regex->ignore_case && lower(c) == lower(instruction->character));
    case OP_SET:
        (void)pattern_set(instruction->set, c, &matches);
        if (!matches && regex->ignore_case) {
            (void)pattern_set(instruction->set, swap_case(c), &matches);
        }
        return matches;
    default:
        return instruction->operation == OP_ANY;
    }
}

static bool is_edge(struct span line, size_t at)
{
    return (at > 0 && is_word(line, at - 1)) != is_word(line, at);
}

static bool first_visit(struct matcher *matcher, int32_t instruction, size_t position)
{
    size_t bit = (size_t)instruction * (matcher->line.length + 1) + position;
    if (bit >= REGEX_STATES_LIMIT || (matcher->tried[bit / 8] >> (bit % 8) & 1) != 0) {
        return false;
    }
    matcher->tried[bit / 8] = (uint8_t)(matcher->tried[bit / 8] | 1U << (bit % 8));
    return true;
}

static void push(struct matcher *matcher, struct saved_state state)
{
    if (matcher->depth < matcher->capacity) {
        matcher->stack[matcher->depth++] = state;
    }
}

/* Follows one thread until it fails or matches. */
static bool run_thread(struct matcher *matcher, int32_t at, size_t position, long *groups)
{
    while (first_visit(matcher, at, position)) {
        const struct instruction *instruction = &matcher->regex->program[at];
        switch (instruction->operation) {
        case OP_MATCH:
            groups[1] = (long)position;
            return true;
        case OP_JUMP:
            at = instruction->first;
            continue;
        case OP_SPLIT:
            push(matcher, (struct saved_state){.at = instruction->second, .position = (long)position});
            at = instruction->first;
            continue;
        case OP_SAVE:
            push(matcher, (struct saved_state){-1, instruction->first, groups[instruction->first]});
            groups[instruction->first] = (long)position;
            break;
        case OP_BEGIN:
        case OP_END:
        case OP_WORD_EDGE: {
            bool holds = instruction->operation == OP_BEGIN ? position == 0
                         : instruction->operation == OP_END ? position == matcher->line.length
                                                            : is_edge(matcher->line, position);
            if (!holds) {
                return false;
            }
            break;
        }
        default:
            if (position >= matcher->line.length ||
                !consumes(matcher->regex, instruction, matcher->line.at[position])) {
                return false;
            }
            position++;
        }
        at++;
    }
    return false;
}

static bool match_at(struct matcher *matcher, size_t start, long *groups)
{
    for (size_t i = 0; i < (size_t)2 * REGEX_GROUPS; i++) {
        groups[i] = REGEX_NO_POSITION;
    }
    groups[0] = (long)start;
    matcher->depth = 0;
    push(matcher, (struct saved_state){.position = (long)start});
    while (matcher->depth > 0) {
        struct saved_state state = matcher->stack[--matcher->depth];
        if (state.at < 0) {
            groups[state.slot] = state.position;
        } else if (run_thread(matcher, state.at, (size_t)state.position, groups)) {
            return true;
        }
    }
    return false;
}

bool regex_find(struct arena *arena, const struct regex *regex, struct span line, size_t start,
                long groups[2 * REGEX_GROUPS])
{
    size_t states = (size_t)regex->length * (line.length + 1);
    if (states > REGEX_STATES_LIMIT) {
        states = REGEX_STATES_LIMIT;
    }
    struct matcher matcher = {.regex = regex, .line = line, .capacity = states + 16};
    struct heap *heap = arena->heap;
    matcher.tried = heap_alloc(heap, states / 8 + 1);
    matcher.stack = heap_alloc(heap, matcher.capacity * sizeof *matcher.stack);
    bool found = false;
    if (matcher.tried == NULL || matcher.stack == NULL) {
        arena->failed = true;
    } else {
        /* A pair that failed from one start fails from a later one too, so `tried` is kept between the starts. */
        for (size_t at = start; at <= line.length && !found; at++) {
            found = match_at(&matcher, at, groups);
        }
    }
    heap_release(heap, matcher.stack);
    heap_release(heap, matcher.tried);
    return found;
}
