/* The parser: recursive descent, bounded by SHELL_DEPTH_LIMIT; && || ; chains are lists and do not nest. */
#include <string.h>

#include "fakes/host/shell_syntax.h"

struct parser {
    struct arena *arena;
    struct shell_lexer lexer;
    struct shell_mistake *mistake;
    struct shell_redirection *documents[16]; /* here-documents whose bodies begin after the next newline */
    int32_t document_count;
    int32_t depth;
    bool failed;
};

static bool parse_list(struct parser *parser, struct shell_list **out);
static struct shell_command *parse_command(struct parser *parser);

static void *fail(struct parser *parser, const char *text, size_t length, bool unclosed)
{
    if (!parser->failed) {
        struct shell_mistake *mistake = parser->mistake;
        *mistake = (struct shell_mistake){.line = parser->lexer.line, .unclosed = unclosed};
        size_t kept = length < sizeof mistake->token ? length : sizeof mistake->token - 1;
        memcpy(mistake->token, text, kept);
        mistake->token[kept] = '\0';
    }
    parser->failed = true;
    return NULL;
}

static void *unexpected(struct parser *parser)
{
    const struct shell_lexer *lexer = &parser->lexer;
    if (lexer->token == TOKEN_WORD || lexer->token == TOKEN_NUMBER) {
        return fail(parser, lexer->word.at, lexer->word.length, false);
    }
    const char *text = shell_token_text(lexer->token);
    return fail(parser, text, strlen(text), false);
}

static void *allocate(struct parser *parser, size_t size)
{
    void *block = parser->failed ? NULL : arena_alloc(parser->arena, size);
    parser->failed = block == NULL;
    return block;
}

static void read_documents(struct parser *parser);

static void advance(struct parser *parser)
{
    if (parser->failed) {
        return;
    }
    if (!shell_lexer_next(&parser->lexer)) {
        char quote = parser->lexer.unclosed;
        fail(parser, &quote, 1, true);
        return;
    }
    if (parser->lexer.token == TOKEN_NEWLINE && parser->document_count > 0) {
        read_documents(parser);
    }
}

static bool at_token(const struct parser *parser, enum shell_token token)
{
    return !parser->failed && parser->lexer.token == token;
}

static bool at_word(const struct parser *parser, const char *word)
{
    return at_token(parser, TOKEN_WORD) && span_equals(parser->lexer.word, word);
}

static bool at_any_word(const struct parser *parser, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (at_word(parser, *words)) {
            return true;
        }
    }
    return false;
}

static void expect_word(struct parser *parser, const char *word)
{
    if (!at_word(parser, word)) {
        unexpected(parser);
    }
    advance(parser);
}

static void skip_newlines(struct parser *parser)
{
    while (at_token(parser, TOKEN_NEWLINE)) {
        advance(parser);
    }
}

/* ---- here-documents ---- */

static struct span next_line(struct shell_lexer *lexer)
{
    const char *start = lexer->text.at + lexer->at;
    size_t left = lexer->text.length - lexer->at;
    const char *end = memchr(start, '\n', left);
    size_t length = end == NULL ? left : (size_t)(end - start);
    lexer->at += end == NULL ? length : length + 1;
    lexer->line++;
    return (struct span){start, length};
}

/* True when a line is the end mark, whose quotes do not count. */
static bool is_end_mark(struct span line, struct span mark, bool strip_tabs)
{
    while (strip_tabs && line.length > 0 && line.at[0] == '\t') {
        line.at++;
        line.length--;
    }
    size_t matched = 0;
    for (size_t i = 0; i < mark.length; i++) {
        if (strchr("'\"\\", mark.at[i]) != NULL) {
            continue;
        }
        if (matched >= line.length || line.at[matched] != mark.at[i]) {
            return false;
        }
        matched++;
    }
    return matched == line.length;
}

static void read_documents(struct parser *parser)
{
    struct shell_lexer *lexer = &parser->lexer;
    for (int32_t i = 0; i < parser->document_count; i++) {
        struct shell_redirection *document = parser->documents[i];
        size_t start = lexer->at;
        size_t end = start;
        while (lexer->at < lexer->text.length) {
            if (is_end_mark(next_line(lexer), document->target, document->kind == TOKEN_HERE_DOCUMENT_TABS)) {
                break;
            }
            end = lexer->at;
        }
        document->body = (struct span){lexer->text.at + start, end - start};
    }
    parser->document_count = 0;
}

/* ---- redirections and simple commands ---- */

static bool at_redirection(const struct parser *parser)
{
    enum shell_token token = parser->lexer.token;
    return !parser->failed &&
           (token == TOKEN_NUMBER || token >= TOKEN_HERE_TEXT || token == TOKEN_BOTH_TO || token == TOKEN_BOTH_APPEND);
}

static bool is_here_document(enum shell_token kind)
{
    return kind == TOKEN_HERE_DOCUMENT || kind == TOKEN_HERE_DOCUMENT_TABS;
}

static void parse_redirection(struct parser *parser, struct shell_redirection ***tail)
{
    struct shell_redirection *redirection = allocate(parser, sizeof *redirection);
    if (redirection == NULL) {
        return;
    }
    redirection->fd = -1;
    if (at_token(parser, TOKEN_NUMBER)) {
        struct span digits = parser->lexer.word;
        redirection->fd = digits.length == 1 ? digits.at[0] - '0' : 99;
        advance(parser);
    }
    redirection->kind = parser->lexer.token;
    advance(parser);
    if (!at_token(parser, TOKEN_WORD) && !at_token(parser, TOKEN_NUMBER)) {
        unexpected(parser);
        return;
    }
    redirection->target = parser->lexer.word;
    if (is_here_document(redirection->kind)) {
        if (parser->document_count >= (int32_t)ARRAY_LENGTH(parser->documents)) {
            unexpected(parser);
            return;
        }
        parser->documents[parser->document_count++] = redirection;
    }
    **tail = redirection;
    *tail = &redirection->next;
    advance(parser);
}

static void append_word(struct parser *parser, struct shell_word ***tail)
{
    struct shell_word *word = allocate(parser, sizeof *word);
    if (word != NULL) {
        word->raw = parser->lexer.word;
        **tail = word;
        *tail = &word->next;
        advance(parser);
    }
}

static bool starts_function(struct parser *parser, struct shell_command *command)
{
    return at_token(parser, TOKEN_OPEN) && command->assignments == NULL && command->redirections == NULL &&
           command->words != NULL && command->words->next == NULL && shell_is_name(command->words->raw);
}

static void parse_function(struct parser *parser, struct shell_command *command)
{
    command->kind = COMMAND_FUNCTION;
    command->name = command->words->raw;
    advance(parser);
    if (!at_token(parser, TOKEN_CLOSE)) {
        unexpected(parser);
    }
    advance(parser);
    skip_newlines(parser);
    if (++parser->depth > SHELL_DEPTH_LIMIT) {
        unexpected(parser);
    }
    command->function_body = parser->failed ? NULL : parse_command(parser);
    parser->depth--;
}

static void parse_simple(struct parser *parser, struct shell_command *command)
{
    struct shell_word **assignments = &command->assignments;
    struct shell_word **words = &command->words;
    struct shell_redirection **redirections = &command->redirections;
    while (!parser->failed) {
        if (at_redirection(parser)) {
            parse_redirection(parser, &redirections);
        } else if (!at_token(parser, TOKEN_WORD)) {
            break;
        } else if (command->words == NULL && shell_assignment_name(parser->lexer.word) > 0) {
            append_word(parser, &assignments);
        } else {
            append_word(parser, &words);
        }
    }
    if (starts_function(parser, command)) {
        parse_function(parser, command);
    } else if (at_token(parser, TOKEN_OPEN)) {
        unexpected(parser);
    }
}

/* ---- compound commands ---- */

static void parse_body(struct parser *parser, struct shell_list **out)
{
    if (!parse_list(parser, out) || *out == NULL) {
        unexpected(parser);
    }
}

/* Behind `if` or `elif`, up to and with `fi`. */
static void parse_if(struct parser *parser, struct shell_command *command)
{
    command->kind = COMMAND_IF;
    if (++parser->depth > SHELL_DEPTH_LIMIT) {
        unexpected(parser);
    }
    parse_body(parser, &command->condition);
    expect_word(parser, "then");
    parse_body(parser, &command->body);
    if (at_word(parser, "elif")) {
        struct shell_command *inner = allocate(parser, sizeof *inner);
        struct shell_pipeline *pipeline = allocate(parser, sizeof *pipeline);
        command->otherwise = allocate(parser, sizeof *command->otherwise);
        advance(parser);
        if (!parser->failed) {
            pipeline->commands = inner;
            command->otherwise->pipelines = pipeline;
            parse_if(parser, inner);
        }
    } else {
        if (at_word(parser, "else")) {
            advance(parser);
            parse_body(parser, &command->otherwise);
        }
        expect_word(parser, "fi");
    }
    parser->depth--;
}

static void parse_do_group(struct parser *parser, struct shell_command *command)
{
    expect_word(parser, "do");
    parse_body(parser, &command->body);
    expect_word(parser, "done");
}

static void parse_while(struct parser *parser, struct shell_command *command)
{
    parse_body(parser, &command->condition);
    parse_do_group(parser, command);
}

static void parse_for(struct parser *parser, struct shell_command *command)
{
    if (!at_token(parser, TOKEN_WORD) || !shell_is_name(parser->lexer.word)) {
        unexpected(parser);
        return;
    }
    command->name = parser->lexer.word;
    advance(parser);
    skip_newlines(parser);
    if (at_word(parser, "in")) {
        command->has_values = true;
        struct shell_word **tail = &command->words;
        advance(parser);
        while (at_token(parser, TOKEN_WORD)) {
            append_word(parser, &tail);
        }
    }
    if (at_token(parser, TOKEN_SEMICOLON)) {
        advance(parser);
    }
    skip_newlines(parser);
    parse_do_group(parser, command);
}

static void parse_case_item(struct parser *parser, struct shell_case_item *item)
{
    if (at_token(parser, TOKEN_OPEN)) {
        advance(parser);
    }
    struct shell_word **tail = &item->patterns;
    while (at_token(parser, TOKEN_WORD)) {
        append_word(parser, &tail);
        if (!at_token(parser, TOKEN_PIPE)) {
            break;
        }
        advance(parser);
    }
    if (item->patterns == NULL || !at_token(parser, TOKEN_CLOSE)) {
        unexpected(parser);
        return;
    }
    advance(parser);
    (void)parse_list(parser, &item->body);
    if (at_token(parser, TOKEN_CASE_END)) {
        advance(parser);
    } else if (!at_word(parser, "esac")) {
        unexpected(parser);
    }
    skip_newlines(parser);
}

static void parse_case(struct parser *parser, struct shell_command *command)
{
    struct shell_word **subject = &command->words;
    if (!at_token(parser, TOKEN_WORD)) {
        unexpected(parser);
        return;
    }
    append_word(parser, &subject);
    skip_newlines(parser);
    expect_word(parser, "in");
    skip_newlines(parser);
    struct shell_case_item **tail = &command->items;
    while (!parser->failed && !at_word(parser, "esac")) {
        struct shell_case_item *item = allocate(parser, sizeof *item);
        if (item != NULL) {
            *tail = item;
            tail = &item->next;
            parse_case_item(parser, item);
        }
    }
    expect_word(parser, "esac");
}

static void parse_group(struct parser *parser, struct shell_command *command)
{
    parse_body(parser, &command->body);
    expect_word(parser, "}");
}

static void parse_subshell(struct parser *parser, struct shell_command *command)
{
    parse_body(parser, &command->body);
    if (!at_token(parser, TOKEN_CLOSE)) {
        unexpected(parser);
    }
    advance(parser);
}

static const struct compound {
    const char *opener;
    enum shell_command_kind kind;
    void (*parse)(struct parser *parser, struct shell_command *command);
} compounds[] = {
    {"{", COMMAND_GROUP, parse_group},     {"(", COMMAND_SUBSHELL, parse_subshell}, {"if", COMMAND_IF, parse_if},
    {"while", COMMAND_WHILE, parse_while}, {"until", COMMAND_UNTIL, parse_while},   {"for", COMMAND_FOR, parse_for},
    {"case", COMMAND_CASE, parse_case},
};

static const struct compound *find_compound(const struct parser *parser)
{
    enum shell_token token = parser->lexer.token;
    if (token != TOKEN_WORD && token != TOKEN_OPEN) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(compounds); i++) {
        if (span_equals(parser->lexer.word, compounds[i].opener)) {
            return &compounds[i];
        }
    }
    return NULL;
}

/* Words that end a list; they mean so only where a command would begin. */
static const char *const closing_words[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}", NULL};

static struct shell_command *parse_command(struct parser *parser)
{
    struct shell_command *command = allocate(parser, sizeof *command);
    if (command == NULL) {
        return NULL;
    }
    command->line = parser->lexer.line;
    const struct compound *compound = find_compound(parser);
    if (compound == NULL) {
        if (at_any_word(parser, closing_words) || !(at_token(parser, TOKEN_WORD) || at_redirection(parser))) {
            return unexpected(parser);
        }
        parse_simple(parser, command);
        return command;
    }
    if (++parser->depth > SHELL_DEPTH_LIMIT) {
        return unexpected(parser);
    }
    command->kind = compound->kind;
    advance(parser);
    compound->parse(parser, command);
    parser->depth--;
    struct shell_redirection **tail = &command->redirections;
    while (at_redirection(parser)) {
        parse_redirection(parser, &tail);
    }
    if (at_token(parser, TOKEN_WORD) && !at_any_word(parser, closing_words)) {
        return unexpected(parser);
    }
    return command;
}

/* ---- pipelines and lists ---- */

static struct shell_pipeline *parse_pipeline(struct parser *parser)
{
    struct shell_pipeline *pipeline = allocate(parser, sizeof *pipeline);
    if (pipeline == NULL) {
        return NULL;
    }
    while (at_word(parser, "!")) {
        pipeline->negated = !pipeline->negated;
        advance(parser);
    }
    struct shell_command **tail = &pipeline->commands;
    while (!parser->failed) {
        *tail = parse_command(parser);
        if (!at_token(parser, TOKEN_PIPE)) {
            break;
        }
        tail = &(*tail)->next;
        advance(parser);
        skip_newlines(parser);
    }
    return pipeline;
}

static struct shell_list *parse_and_or(struct parser *parser)
{
    struct shell_list *entry = allocate(parser, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    struct shell_pipeline **tail = &entry->pipelines;
    enum shell_connector connector = CONNECT_FIRST;
    while (!parser->failed) {
        struct shell_pipeline *pipeline = parse_pipeline(parser);
        if (parser->failed) {
            return NULL;
        }
        pipeline->connector = connector;
        *tail = pipeline;
        tail = &pipeline->next;
        if (!at_token(parser, TOKEN_AND_IF) && !at_token(parser, TOKEN_OR_IF)) {
            break;
        }
        connector = at_token(parser, TOKEN_AND_IF) ? CONNECT_AND : CONNECT_OR;
        advance(parser);
        skip_newlines(parser);
    }
    return entry;
}

static bool ends_list(const struct parser *parser)
{
    return parser->failed || at_token(parser, TOKEN_END) || at_token(parser, TOKEN_CLOSE) ||
           at_token(parser, TOKEN_CASE_END) || at_any_word(parser, closing_words);
}

static bool parse_list(struct parser *parser, struct shell_list **out)
{
    struct shell_list **tail = out;
    skip_newlines(parser);
    while (!ends_list(parser)) {
        struct shell_list *entry = parse_and_or(parser);
        if (entry == NULL || parser->failed) {
            return false;
        }
        *tail = entry;
        tail = &entry->next;
        entry->background = at_token(parser, TOKEN_AMPERSAND);
        bool separated = entry->background || at_token(parser, TOKEN_SEMICOLON) || at_token(parser, TOKEN_NEWLINE);
        if (!separated) {
            break;
        }
        advance(parser);
        skip_newlines(parser);
    }
    return !parser->failed;
}

bool shell_parse(struct arena *arena, struct span text, struct shell_list **out, struct shell_mistake *mistake)
{
    struct parser parser = {.arena = arena, .mistake = mistake, .lexer = {.text = text, .line = 1}};
    *out = NULL;
    advance(&parser);
    (void)parse_list(&parser, out);
    if (!parser.failed && !at_token(&parser, TOKEN_END)) {
        unexpected(&parser);
    }
    return !parser.failed;
}
