/* Integer arithmetic of $((…)): precedence climbing over one table of operators. */
#include <string.h>

#include "fakes/host/number.h"
#include "fakes/host/shell.h"

struct arithmetic {
    struct shell *shell;
    const char *whole;
    const char *at;
    int32_t depth;
    bool failed;
};

enum operator_id {
    OR,
    AND,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    EQUAL,
    UNEQUAL,
    SHIFT_LEFT,
    SHIFT_RIGHT,
    AT_MOST,
    AT_LEAST,
    LESS,
    MORE,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    REMAINDER
};

/* Longer texts stand before those that they begin with. */
static const struct operator_row {
    const char *text;
    enum operator_id id;
    int32_t precedence;
} operators[] = {
    {"||", OR, 1},          {"&&", AND, 2},     {"==", EQUAL, 6},     {"!=", UNEQUAL, 6}, {"<<", SHIFT_LEFT, 8},
    {">>", SHIFT_RIGHT, 8}, {"<=", AT_MOST, 7}, {">=", AT_LEAST, 7},  {"<", LESS, 7},     {">", MORE, 7},
    {"|", BIT_OR, 3},       {"^", BIT_XOR, 4},  {"&", BIT_AND, 5},    {"+", ADD, 9},      {"-", SUBTRACT, 9},
    {"*", MULTIPLY, 10},    {"/", DIVIDE, 10},  {"%", REMAINDER, 10},
};

static void fail(struct arithmetic *sum, const char *why)
{
    if (!sum->failed) {
        shell_complain(sum->shell, "%s: %s (error token is \"%s\")\n", sum->whole, why, sum->at);
    }
    sum->failed = true;
}

static void skip_spaces(struct arithmetic *sum)
{
    sum->at += strspn(sum->at, " \t\n");
}

static int64_t evaluate(struct arithmetic *sum, int32_t least_precedence);

static int64_t variable_value(struct arithmetic *sum)
{
    size_t length = shell_name_length(span_of(sum->at));
    const char *value = shell_get(sum->shell, (struct span){sum->at, length});
    sum->at += length;
    int64_t number = 0;
    if (value != NULL && value[0] != '\0' && !number_parse(span_of(value), &number)) {
        fail(sum, "syntax error: operand expected");
    }
    return number;
}

static int64_t operand(struct arithmetic *sum)
{
    skip_spaces(sum);
    char c = *sum->at;
    if (c == '(' || c == '-' || c == '+' || c == '!' || c == '~') {
        if (++sum->depth > SHELL_DEPTH_LIMIT) {
            fail(sum, "expression recursion level exceeded");
            return 0;
        }
        sum->at++;
        int64_t value = c == '(' ? evaluate(sum, 1) : operand(sum);
        sum->depth--;
        if (c == '(') {
            skip_spaces(sum);
            if (*sum->at != ')') {
                fail(sum, "missing `)'");
                return 0;
            }
            sum->at++;
        }
        return c == '-' ? (int64_t)(0 - (uint64_t)value) : c == '!' ? value == 0 : c == '~' ? ~value : value;
    }
    size_t digits = strspn(sum->at, "0123456789");
    int64_t value = 0;
    if (digits > 0) {
        (void)number_parse((struct span){sum->at, digits}, &value);
        sum->at += digits;
        return value;
    }
    if (shell_is_name_start(c)) {
        return variable_value(sum);
    }
    fail(sum, "syntax error: operand expected");
    return 0;
}

/* Two's complement, wrapping, as bash does. */
static int64_t apply(struct arithmetic *sum, enum operator_id id, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a;
    uint64_t y = (uint64_t)b;
    switch (id) {
    case OR:
        return a != 0 || b != 0;
    case AND:
        return a != 0 && b != 0;
    case BIT_OR:
        return a | b;
    case BIT_XOR:
        return a ^ b;
    case BIT_AND:
        return a & b;
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return a != b;
    case SHIFT_LEFT:
        return (int64_t)(x << (y & 63));
    case SHIFT_RIGHT:
        return a >> (y & 63);
    case AT_MOST:
        return a <= b;
    case AT_LEAST:
        return a >= b;
    case LESS:
        return a < b;
    case MORE:
        return a > b;
    case ADD:
        return (int64_t)(x + y);
    case SUBTRACT:
        return (int64_t)(x - y);
    case MULTIPLY:
        return (int64_t)(x * y);
    case DIVIDE:
    case REMAINDER:
        break;
    }
    if (b == 0) {
        fail(sum, "division by 0");
        return 0;
    }
    if (b == -1) {
        return id == DIVIDE ? (int64_t)(0 - x) : 0;
    }
    return id == DIVIDE ? a / b : a % b;
}

static const struct operator_row *find_operator(struct arithmetic *sum)
{
    skip_spaces(sum);
    for (size_t i = 0; i < ARRAY_LENGTH(operators); i++) {
        if (strncmp(sum->at, operators[i].text, strlen(operators[i].text)) == 0) {
            return &operators[i];
        }
    }
    return NULL;
}

static int64_t evaluate(struct arithmetic *sum, int32_t least_precedence)
{
    int64_t value = operand(sum);
    const struct operator_row *found = find_operator(sum);
    while (!sum->failed && found != NULL && found->precedence >= least_precedence) {
        const char *place = sum->at;
        sum->at += strlen(found->text);
        skip_spaces(sum);
        const char *right_place = sum->at;
        int64_t right = evaluate(sum, found->precedence + 1);
        const char *end = sum->at;
        sum->at = right_place;
        value = sum->failed ? 0 : apply(sum, found->id, value, right);
        sum->at = sum->failed ? place : end;
        found = find_operator(sum);
    }
    return value;
}

bool shell_arithmetic(struct shell *shell, const char *text, int64_t *out)
{
    struct arithmetic sum = {.shell = shell, .whole = text, .at = text};
    skip_spaces(&sum);
    *out = *sum.at == '\0' ? 0 : evaluate(&sum, 1);
    skip_spaces(&sum);
    if (*sum.at != '\0') {
        fail(&sum, "syntax error in expression");
    }
    return !sum.failed;
}
