/* Tokens, and the extent of quoted parts. */
#include <string.h>

#include "fakes/host/shell_syntax.h"

static const char *const token_texts[] = {
#define SHELL_TOKEN_TEXT(name, text) [TOKEN_##name] = text,
    SHELL_TOKEN_LIST(SHELL_TOKEN_TEXT)
#undef SHELL_TOKEN_TEXT
};

const char *shell_token_text(enum shell_token token)
{
    return token_texts[token];
}

bool shell_is_name_start(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t shell_name_length(struct span text)
{
    size_t length = 0;
    while (length < text.length &&
           (shell_is_name_start(text.at[length]) || (length > 0 && is_digit(text.at[length])))) {
        length++;
    }
    return length;
}

bool shell_is_name(struct span text)
{
    return text.length > 0 && shell_name_length(text) == text.length;
}

size_t shell_assignment_name(struct span word)
{
    size_t length = shell_name_length(word);
    return length > 0 && length < word.length && word.at[length] == '=' ? length : 0;
}

/* ---- quoted parts ---- */

/*
 * Nested quotes and brackets are walked with a stack of their closing characters instead of recursion. Inside double quotes
 * only ", `, \ and $ mean something; inside single quotes only '.
 */
struct part_walk {
    char closer[SHELL_DEPTH_LIMIT];
    int32_t depth;
    bool too_deep;
};

static void open_part(struct part_walk *walk, char closer)
{
    if (walk->depth >= SHELL_DEPTH_LIMIT) {
        walk->too_deep = true;
        return;
    }
    walk->closer[walk->depth++] = closer;
}

static bool in_double_quotes(const struct part_walk *walk)
{
    return walk->depth > 0 && walk->closer[walk->depth - 1] == '"';
}

/* Looks at one character that is not a closer; returns how many it stands for. */
static size_t open_at(struct part_walk *walk, struct span text, size_t at)
{
    char c = text.at[at];
    char following = at + 1 < text.length ? text.at[at + 1] : '\0';
    if (c == '\\') {
        return following == '\0' ? 1 : 2;
    }
    if (c == '$' && (following == '(' || following == '{')) {
        open_part(walk, following == '(' ? ')' : '}');
        return 2;
    }
    if (c == '"' || c == '`') {
        open_part(walk, c);
    } else if (c == '\'' && !in_double_quotes(walk)) {
        const char *end = memchr(text.at + at + 1, '\'', text.length - at - 1);
        if (end == NULL) {
            open_part(walk, '\'');
            return text.length - at;
        }
        return (size_t)(end - text.at) - at + 1;
    } else if (c == '(' && walk->depth > 0 && walk->closer[walk->depth - 1] == ')') {
        open_part(walk, ')');
    }
    return 1;
}

size_t shell_skip_part(struct span text, size_t at, char *unclosed)
{
    struct part_walk walk = {.depth = 0};
    do {
        if (walk.depth > 0 && text.at[at] == walk.closer[walk.depth - 1]) {
            walk.depth--;
            at++;
        } else if (walk.depth > 0 && walk.closer[walk.depth - 1] == '`') {
            at += text.at[at] == '\\' && at + 1 < text.length ? 2 : 1; /* back-quotes nest only when escaped */
        } else {
            at += open_at(&walk, text, at);
        }
    } while (walk.depth > 0 && !walk.too_deep && at < text.length);
    if (walk.depth > 0) {
        *unclosed = walk.closer[walk.depth - 1];
        return 0;
    }
    return at;
}

/* ---- tokens ---- */

static bool ends_word(char c)
{
    return c != '\0' && strchr(" \t\n;&|<>()", c) != NULL;
}

static bool take_operator(struct shell_lexer *lexer)
{
    struct span rest = {lexer->text.at + lexer->at, lexer->text.length - lexer->at};
    for (int token = TOKEN_AND_IF; token <= TOKEN_TO; token++) {
        size_t length = strlen(token_texts[token]);
        if (length <= rest.length && memcmp(rest.at, token_texts[token], length) == 0) {
            lexer->token = (enum shell_token)token;
            lexer->word = (struct span){rest.at, length};
            lexer->at += length;
            return true;
        }
    }
    return false;
}

static void skip_blanks(struct shell_lexer *lexer)
{
    struct span text = lexer->text;
    while (lexer->at < text.length) {
        char c = text.at[lexer->at];
        if (c == '\\' && lexer->at + 1 < text.length && text.at[lexer->at + 1] == '\n') {
            lexer->at += 2;
            lexer->line++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else if (c == '#') {
            while (lexer->at < text.length && text.at[lexer->at] != '\n') {
                lexer->at++;
            }
        } else {
            return;
        }
    }
}

static bool take_word(struct shell_lexer *lexer)
{
    struct span text = lexer->text;
    size_t start = lexer->at;
    bool digits = true;
    while (lexer->at < text.length && !ends_word(text.at[lexer->at])) {
        digits = digits && is_digit(text.at[lexer->at]);
        size_t end = shell_skip_part(text, lexer->at, &lexer->unclosed);
        if (end == 0) {
            return false;
        }
        for (size_t i = lexer->at; i < end; i++) {
            lexer->line += text.at[i] == '\n';
        }
        lexer->at = end;
    }
    lexer->word = (struct span){text.at + start, lexer->at - start};
    bool before_redirection = lexer->at < text.length && (text.at[lexer->at] == '<' || text.at[lexer->at] == '>');
    lexer->token = digits && before_redirection ? TOKEN_NUMBER : TOKEN_WORD;
    return true;
}

bool shell_lexer_next(struct shell_lexer *lexer)
{
    skip_blanks(lexer);
    if (lexer->at >= lexer->text.length) {
        lexer->token = TOKEN_END;
        lexer->word = span_of("");
        return true;
    }
    if (lexer->text.at[lexer->at] == '\n') {
        lexer->token = TOKEN_NEWLINE;
        lexer->word = (struct span){lexer->text.at + lexer->at, 1};
        lexer->at++;
        lexer->line++;
        return true;
    }
    return ends_word(lexer->text.at[lexer->at]) ? take_operator(lexer) : take_word(lexer);
}
