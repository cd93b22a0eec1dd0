/* test and [: POSIX's expressions, and of bash -a, -o, ( ), == and < >. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

enum { TEST_DEPTH_LIMIT = 32, TEST_WRONG = 2 };

struct test {
    struct call *call;
    int at;
    int end;
    int32_t depth;
    bool wrong;
};

static bool fail(struct test *test, const char *word, const char *what)
{
    if (!test->wrong) {
        shell_complain(test->call->shell, "%s: %s%s%s\n", test->call->argv[0], word, word[0] == '\0' ? "" : ": ", what);
    }
    test->wrong = true;
    return false;
}

static const char *word_at(const struct test *test, int offset)
{
    return test->at + offset < test->end ? test->call->argv[test->at + offset] : NULL;
}

static bool test_file(struct test *test, char letter, const char *path)
{
    struct tree_node *node;
    bool follow = letter != 'L' && letter != 'h';
    if (call_find(test->call, path, follow, &node) != TREE_OK) {
        return false;
    }
    switch (letter) {
    case 'f':
        return node->kind == TREE_FILE;
    case 'd':
        return node->kind == TREE_DIRECTORY;
    case 'L':
    case 'h':
        return node->kind == TREE_SYMLINK;
    case 'c':
        return node->kind == TREE_DEVICE;
    case 's':
        return tree_size(node) > 0;
    case 'x':
        return node->kind == TREE_DIRECTORY || (node->mode & 0111) != 0;
    case 'b':
    case 'p':
    case 'S':
        return false;
    default:
        return true; /* -e, and root reads and writes everything */
    }
}

static bool is_program_path(struct test *test, const char *path)
{
    const struct command *command = strchr(path, '/') == NULL ? NULL : command_find(test->call->host, path);
    return command != NULL && command->kind != COMMAND_BUILTIN;
}

static bool test_unary(struct test *test, char letter, const char *operand)
{
    switch (letter) {
    case 'n':
        return operand[0] != '\0';
    case 'z':
        return operand[0] == '\0';
    case 't':
        return false;
    case 'v':
        return shell_get(test->call->shell, span_of(operand)) != NULL;
    default:
        break;
    }
    bool of_program = strchr("efxrs", letter) != NULL && is_program_path(test, operand);
    return of_program || test_file(test, letter, operand);
}

static bool test_numbers(struct test *test, const char *left, const char *operation, const char *right)
{
    int64_t a;
    int64_t b;
    if (!number_parse(span_of(left), &a)) {
        return fail(test, left, "integer expression expected");
    }
    if (!number_parse(span_of(right), &b)) {
        return fail(test, right, "integer expression expected");
    }
    static const struct {
        const char *name;
        bool when_less, when_equal, when_more;
    } rows[] = {
        {"-eq", false, true, false}, {"-ne", true, false, true},  {"-lt", true, false, false},
        {"-le", true, true, false},  {"-gt", false, false, true}, {"-ge", false, true, true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(operation, rows[i].name) == 0) {
            return a < b ? rows[i].when_less : a > b ? rows[i].when_more : rows[i].when_equal;
        }
    }
    return false;
}

static bool test_ages(struct test *test, const char *left, const char *operation, const char *right)
{
    struct tree_node *a = NULL;
    struct tree_node *b = NULL;
    bool has_a = call_find(test->call, left, true, &a) == TREE_OK;
    bool has_b = call_find(test->call, right, true, &b) == TREE_OK;
    if (strcmp(operation, "-ef") == 0) {
        return has_a && has_b && a == b;
    }
    bool newer = strcmp(operation, "-nt") == 0;
    if (!has_a || !has_b) {
        return newer ? has_a && !has_b : has_b && !has_a;
    }
    return newer ? a->modified_ns > b->modified_ns : a->modified_ns < b->modified_ns;
}

enum binary_kind { BINARY_NONE, BINARY_TEXT, BINARY_NUMBERS, BINARY_AGES };

static enum binary_kind binary_kind(const char *word)
{
    static const struct {
        const char *name;
        enum binary_kind kind;
    } rows[] = {
        {"=", BINARY_TEXT},      {"==", BINARY_TEXT},     {"!=", BINARY_TEXT},     {"<", BINARY_TEXT},
        {">", BINARY_TEXT},      {"-eq", BINARY_NUMBERS}, {"-ne", BINARY_NUMBERS}, {"-lt", BINARY_NUMBERS},
        {"-le", BINARY_NUMBERS}, {"-gt", BINARY_NUMBERS}, {"-ge", BINARY_NUMBERS}, {"-nt", BINARY_AGES},
        {"-ot", BINARY_AGES},    {"-ef", BINARY_AGES},
    };
    for (size_t i = 0; word != NULL && i < ARRAY_LENGTH(rows); i++) {
        if (strcmp(word, rows[i].name) == 0) {
            return rows[i].kind;
        }
    }
    return BINARY_NONE;
}

static bool test_binary(struct test *test, enum binary_kind kind)
{
    const char *left = word_at(test, 0);
    const char *operation = word_at(test, 1);
    const char *right = word_at(test, 2);
    test->at += 3;
    if (kind == BINARY_NUMBERS) {
        return test_numbers(test, left, operation, right);
    }
    if (kind == BINARY_AGES) {
        return test_ages(test, left, operation, right);
    }
    int order = strcmp(left, right);
    return operation[0] == '<' ? order < 0 : operation[0] == '>' ? order > 0 : (order == 0) == (operation[0] == '=');
}

static bool is_unary(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && word[2] == '\0' && strchr("nzefdLhcsxrwtbpSvugkOG", word[1]) != NULL;
}

static bool evaluate(struct test *test);

static bool test_primary(struct test *test)
{
    const char *word = word_at(test, 0);
    if (word == NULL || ++test->depth > TEST_DEPTH_LIMIT) {
        return fail(test, "", "argument expected");
    }
    bool result;
    enum binary_kind kind = word_at(test, 2) == NULL ? BINARY_NONE : binary_kind(word_at(test, 1));
    if (kind != BINARY_NONE) {
        result = test_binary(test, kind);
    } else if (strcmp(word, "!") == 0 && word_at(test, 1) != NULL) {
        test->at++;
        result = !test_primary(test);
    } else if (strcmp(word, "(") == 0 && word_at(test, 1) != NULL) {
        test->at++;
        result = evaluate(test);
        if (word_at(test, 0) == NULL || strcmp(word_at(test, 0), ")") != 0) {
            result = fail(test, "", "`)' expected");
        }
        test->at++;
    } else if (is_unary(word) && word_at(test, 1) != NULL) {
        result = test_unary(test, word[1], word_at(test, 1));
        test->at += 2;
    } else {
        test->at++;
        result = word[0] != '\0';
    }
    test->depth--;
    return result;
}

static bool accepts(struct test *test, const char *word)
{
    bool found = word_at(test, 0) != NULL && strcmp(word_at(test, 0), word) == 0;
    test->at += found;
    return found;
}

static bool evaluate(struct test *test)
{
    bool any = false;
    do {
        bool all = test_primary(test);
        while (!test->wrong && accepts(test, "-a")) {
            all = test_primary(test) && all;
        }
        any = any || all;
    } while (!test->wrong && accepts(test, "-o"));
    return any;
}

int command_test(struct call *call)
{
    struct test test = {.call = call, .at = 1, .end = call->argc};
    if (strcmp(call->argv[0], "[") == 0) {
        if (strcmp(call->argv[call->argc - 1], "]") != 0) {
            (void)fail(&test, "", "missing `]'");
            return TEST_WRONG;
        }
        test.end--;
    }
    if (test.at >= test.end) {
        return 1;
    }
    bool result = evaluate(&test);
    if (!test.wrong && test.at < test.end) {
        const char *word = word_at(&test, 0);
        bool one_operator = test.end - test.at == 1;
        (void)fail(&test, one_operator ? word : "", one_operator ? "unary operator expected" : "too many arguments");
    }
    return test.wrong ? TEST_WRONG : !result;
}
