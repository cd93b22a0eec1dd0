/*
 * awk, the part that clients use: rules of the forms  [condition] { print expression, … }  with $N, $NF, NR, NF, numbers,
 * strings, + - * / %, comparisons and /pattern/ as conditions; -F and -v. Numbers are decimals of six places.
 * Anything else is refused with a clear line and status 2.
 */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/pattern.h"

enum {
    AWK_DECIMALS = 6,
    AWK_ONE = 1000000,
    AWK_DEPTH_LIMIT = 32,
    AWK_WORK_PER_BYTE = 32,
    AWK_VARIABLES_LIMIT = 8,
    AWK_REGEXES_LIMIT = 16
};

struct awk {
    struct call *call;
    const char *at; /* in the program */
    struct span line;
    int64_t line_number;
    struct span separator;
    int32_t depth;
    bool evaluates; /* false: only the form is checked */
    bool unknown;
    int32_t regex_count;
    struct {
        const char *at; /* where the pattern stands in the program */
        struct regex *regex;
    } regexes[AWK_REGEXES_LIMIT];
    int32_t variable_count;
    struct span names[AWK_VARIABLES_LIMIT];
    struct span values[AWK_VARIABLES_LIMIT];
};

struct value {
    struct span text;
    int64_t number; /* in millionths */
    bool is_number;
};

/* ---- fields ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Takes the next field off `rest`; false at the end. */
static bool take_field(const struct awk *awk, struct span *rest, struct span *field)
{
    if (awk->separator.length > 0) {
        if (rest->at == NULL) {
            return false;
        }
        const char *end = rest->length == 0 ? NULL : memchr(rest->at, awk->separator.at[0], rest->length);
        *field = (struct span){rest->at, end == NULL ? rest->length : (size_t)(end - rest->at)};
        rest->length -= end == NULL ? rest->length : field->length + 1;
        rest->at = end == NULL ? NULL : end + 1;
        return true;
    }
    while (rest->length > 0 && is_blank(rest->at[0])) {
        rest->at++;
        rest->length--;
    }
    *field = (struct span){rest->at, 0};
    while (rest->length > 0 && !is_blank(rest->at[0])) {
        rest->at++;
        rest->length--;
        field->length++;
    }
    return field->length > 0;
}

static int64_t count_fields(const struct awk *awk)
{
    struct span rest = awk->line;
    struct span field;
    int64_t count = 0;
    while (rest.length + (awk->separator.length > 0 && rest.at != NULL && awk->line.length > 0) > 0 &&
           take_field(awk, &rest, &field)) {
        count++;
    }
    return count;
}

static struct span field_text(const struct awk *awk, int64_t index)
{
    struct span rest = awk->line;
    struct span field;
    if (index == 0) {
        return awk->line;
    }
    while (take_field(awk, &rest, &field)) {
        if (--index == 0) {
            return field;
        }
    }
    return span_of("");
}

/* ---- values ---- */

/* The number that a text begins with, as awk takes it; `whole`: the text is nothing else. */
static int64_t to_number(struct span text, bool *whole)
{
    while (text.length > 0 && is_blank(text.at[0])) {
        text.at++;
        text.length--;
    }
    size_t length = text.length > 0 && text.at[0] == '-';
    bool point = false;
    while (length < text.length &&
           ((text.at[length] >= '0' && text.at[length] <= '9') || (text.at[length] == '.' && !point))) {
        point = point || text.at[length] == '.';
        length++;
    }
    int64_t number = 0;
    bool valid = decimal_parse((struct span){text.at, length}, AWK_DECIMALS, &number);
    *whole = valid && length == text.length;
    return valid ? number : 0;
}

static struct value text_value(struct span text)
{
    struct value value = {.text = text};
    value.number = to_number(text, &value.is_number);
    return value;
}

static struct value number_value(struct awk *awk, int64_t number)
{
    char digits[48];
    struct buffer out;
    buffer_init_fixed(&out, digits, sizeof digits);
    decimal_append(&out, number, AWK_DECIMALS, 0);
    char *text = arena_text(&awk->call->run->arena, span_of(buffer_text(&out)));
    return (struct value){.text = span_of(text == NULL ? "" : text), .number = number, .is_number = true};
}

static void refuse(struct awk *awk)
{
    awk->unknown = true;
}

static void skip_spaces(struct awk *awk)
{
    awk->at += strspn(awk->at, " \t\n");
}

static bool accept(struct awk *awk, const char *token)
{
    skip_spaces(awk);
    size_t length = strlen(token);
    if (strncmp(awk->at, token, length) != 0) {
        return false;
    }
    awk->at += length;
    return true;
}

static struct value parse_sum(struct awk *awk);

static struct value parse_string(struct awk *awk)
{
    struct run *run = awk->call->run;
    size_t left = strlen(awk->at);
    char *copy = arena_alloc(&run->arena, left + 1);
    size_t length = 0;
    while (*awk->at != '"' && *awk->at != '\0') {
        char c = *awk->at++;
        if (c == '\\' && *awk->at != '\0') {
            c = *awk->at++;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        if (copy != NULL) {
            copy[length++] = c;
        }
    }
    if (!accept(awk, "\"")) {
        refuse(awk);
    }
    return (struct value){.text = {copy == NULL ? "" : copy, copy == NULL ? 0 : length}};
}

static struct value parse_field(struct awk *awk);

static struct value parse_name(struct awk *awk)
{
    struct span name = {awk->at, shell_name_length(span_of(awk->at))};
    awk->at += name.length;
    if (span_equals(name, "NR")) {
        return number_value(awk, awk->line_number * AWK_ONE);
    }
    if (span_equals(name, "NF")) {
        return number_value(awk, count_fields(awk) * AWK_ONE);
    }
    for (int32_t i = 0; i < awk->variable_count; i++) {
        if (awk->names[i].length == name.length && memcmp(awk->names[i].at, name.at, name.length) == 0) {
            return text_value(awk->values[i]);
        }
    }
    refuse(awk);
    return number_value(awk, 0);
}

static struct value parse_primary(struct awk *awk)
{
    skip_spaces(awk);
    struct value value = {.text = span_of("")};
    if (awk->depth >= AWK_DEPTH_LIMIT || awk->unknown) {
        refuse(awk);
        return value;
    }
    awk->depth++;
    char c = *awk->at;
    if (accept(awk, "$")) {
        value = parse_field(awk);
    } else if (accept(awk, "\"")) {
        value = parse_string(awk);
    } else if (accept(awk, "(")) {
        value = parse_sum(awk);
        if (!accept(awk, ")")) {
            refuse(awk);
        }
    } else if (accept(awk, "-")) {
        value = number_value(awk, -parse_primary(awk).number);
    } else if (c >= '0' && c <= '9') {
        size_t length = strspn(awk->at, "0123456789.");
        value = number_value(awk, text_value((struct span){awk->at, length}).number);
        awk->at += length;
    } else if (shell_is_name_start(c)) {
        value = parse_name(awk);
    } else {
        refuse(awk);
    }
    awk->depth--;
    return value;
}

static struct value parse_field(struct awk *awk)
{
    struct value index = parse_primary(awk);
    int64_t number = index.number / AWK_ONE;
    if (number < 0) {
        refuse(awk);
        return index;
    }
    return awk->evaluates ? text_value(field_text(awk, number)) : index;
}

static struct value parse_product(struct awk *awk)
{
    struct value left = parse_primary(awk);
    while (!awk->unknown) {
        skip_spaces(awk);
        char operation = *awk->at;
        if (operation != '*' && operation != '/' && operation != '%') {
            break;
        }
        awk->at++;
        int64_t right = parse_primary(awk).number;
        if (operation == '*') {
            left = number_value(awk, scale_rounded(left.number, right, AWK_ONE));
        } else if (right == 0) {
            if (awk->evaluates) {
                call_complain(awk->call, "division by zero\n");
            }
            awk->unknown = awk->evaluates;
        } else {
            int64_t magnitude = right < 0 ? -right : right;
            int64_t signed_left = right < 0 ? -left.number : left.number;
            left = number_value(awk, operation == '/' ? scale_rounded(signed_left, AWK_ONE, magnitude)
                                                      : left.number % magnitude);
        }
    }
    return left;
}

static struct value parse_sum(struct awk *awk)
{
    struct value left = parse_product(awk);
    while (!awk->unknown) {
        skip_spaces(awk);
        char operation = *awk->at;
        if (operation != '+' && operation != '-') {
            break;
        }
        awk->at++;
        int64_t right = parse_product(awk).number;
        left = number_value(awk, operation == '+' ? saturating_add(left.number, right)
                                                  : saturating_subtract(left.number, right));
    }
    return left;
}

/* Values that stand side by side are joined. */
static struct value parse_joined(struct awk *awk)
{
    struct value left = parse_sum(awk);
    while (!awk->unknown) {
        skip_spaces(awk);
        bool more = *awk->at == '$' || *awk->at == '"' || *awk->at == '(' || shell_is_name_start(*awk->at) ||
                    (*awk->at >= '0' && *awk->at <= '9');
        if (!more) {
            break;
        }
        struct value right = parse_sum(awk);
        char *joined = arena_alloc(&awk->call->run->arena, left.text.length + right.text.length + 1);
        if (joined == NULL) {
            break;
        }
        memcpy(joined, left.text.at, left.text.length);
        memcpy(joined + left.text.length, right.text.at, right.text.length);
        left = (struct value){.text = {joined, left.text.length + right.text.length}};
    }
    return left;
}

/* ---- rules ---- */

static int compare(struct value left, struct value right)
{
    if (left.is_number && right.is_number) {
        return (left.number > right.number) - (left.number < right.number);
    }
    size_t shorter = left.text.length < right.text.length ? left.text.length : right.text.length;
    int order = shorter == 0 ? 0 : memcmp(left.text.at, right.text.at, shorter);
    return order != 0 ? order : (left.text.length > right.text.length) - (left.text.length < right.text.length);
}

/* Each pattern of the program is compiled once. NULL: not a regular expression, or there are too many. */
static struct regex *find_regex(struct awk *awk, struct span pattern)
{
    const char *mistake;
    for (int32_t i = 0; i < awk->regex_count; i++) {
        if (awk->regexes[i].at == pattern.at) {
            return awk->regexes[i].regex;
        }
    }
    if (awk->regex_count == AWK_REGEXES_LIMIT) {
        return NULL;
    }
    struct regex *regex =
        regex_compile(&awk->call->run->arena, pattern, (struct regex_flags){.extended = true}, &mistake);
    awk->regexes[awk->regex_count].at = pattern.at;
    awk->regexes[awk->regex_count++].regex = regex;
    return regex;
}

static bool parse_match(struct awk *awk, struct span subject)
{
    const char *start = awk->at;
    while (*awk->at != '/' && *awk->at != '\0') {
        awk->at += *awk->at == '\\' && awk->at[1] != '\0' ? 2 : 1;
    }
    struct span pattern = {start, (size_t)(awk->at - start)};
    long groups[2 * REGEX_GROUPS];
    if (!accept(awk, "/")) {
        refuse(awk);
        return false;
    }
    struct regex *regex = find_regex(awk, pattern);
    if (regex == NULL) {
        refuse(awk);
        return false;
    }
    return awk->evaluates && regex_find(&awk->call->run->arena, regex, subject, 0, groups);
}

static bool parse_condition(struct awk *awk)
{
    static const struct {
        const char *text;
        bool when_less, when_equal, when_more;
    } comparisons[] = {
        {"==", false, true, false}, {"!=", true, false, true}, {"<=", true, true, false},
        {">=", false, true, true},  {"<", true, false, false}, {">", false, false, true},
    };
    bool inverted = accept(awk, "!");
    if (accept(awk, "/")) {
        return parse_match(awk, awk->line) != inverted;
    }
    struct value left = parse_joined(awk);
    if (accept(awk, "~ /") || accept(awk, "~/")) {
        return parse_match(awk, left.text) != inverted;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(comparisons); i++) {
        if (accept(awk, comparisons[i].text)) {
            int order = compare(left, parse_joined(awk));
            bool holds = order < 0   ? comparisons[i].when_less
                         : order > 0 ? comparisons[i].when_more
                                     : comparisons[i].when_equal;
            return holds != inverted;
        }
    }
    return (left.is_number ? left.number != 0 : left.text.length > 0) != inverted;
}

static void parse_print(struct awk *awk, bool runs)
{
    struct buffer *out = awk->call->out;
    skip_spaces(awk);
    bool whole = *awk->at == '}' || *awk->at == ';';
    if (whole && runs) {
        append_span(out, awk->line);
    }
    for (bool first = true; !whole && !awk->unknown; first = false) {
        struct value value = parse_joined(awk);
        if (runs && !awk->unknown) {
            buffer_append_text(out, first ? "" : " ");
            append_span(out, value.text);
        }
        if (!accept(awk, ",")) {
            break;
        }
    }
    if (runs && !awk->unknown) {
        buffer_append_char(out, '\n');
    }
}

/* Every rule of the program on the line at hand. */
static void run_program(struct awk *awk, const char *program)
{
    awk->at = program;
    skip_spaces(awk);
    while (*awk->at != '\0' && !awk->unknown) {
        bool holds = *awk->at == '{' ? true : parse_condition(awk);
        bool runs = holds && awk->evaluates;
        if (!accept(awk, "{")) {
            if (runs && !awk->unknown) {
                append_span(awk->call->out, awk->line);
                buffer_append_char(awk->call->out, '\n');
            }
            (void)(accept(awk, ";") || *awk->at == '\0' || (refuse(awk), true));
            skip_spaces(awk);
            continue;
        }
        while (!awk->unknown && !accept(awk, "}")) {
            if (accept(awk, "print")) {
                parse_print(awk, runs);
            } else if (!accept(awk, ";")) {
                refuse(awk);
            }
        }
        skip_spaces(awk);
    }
}

static void run_text(struct awk *awk, const char *program, struct span text)
{
    struct span line;
    while (!awk->unknown && take_line(&text, &line, NULL) &&
           run_work(awk->call->run, (line.length + strlen(program)) * AWK_WORK_PER_BYTE)) {
        awk->line = line;
        awk->line_number++;
        run_program(awk, program);
    }
}

static bool add_variable(struct awk *awk, const char *text)
{
    size_t length = shell_assignment_name(span_of(text));
    if (length == 0 || awk->variable_count == AWK_VARIABLES_LIMIT) {
        return false;
    }
    awk->names[awk->variable_count] = (struct span){text, length};
    awk->values[awk->variable_count++] = span_of(text + length + 1);
    return true;
}

int command_awk(struct call *call)
{
    struct option_reader options;
    struct awk awk = {.call = call, .line = {"", 0}};
    if (!options_start(&options, call, "+F:v:", NULL)) {
        return 2;
    }
    bool valid = true;
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        if (letter == 'F') {
            awk.separator = strcmp(options.value, "\\t") == 0 ? span_of("\t") : span_of(options.value);
            valid = valid && awk.separator.length == 1;
            awk.separator.length = span_equals(awk.separator, " ") ? 0 : awk.separator.length;
        } else {
            valid = valid && add_variable(&awk, options.value);
        }
    }
    if (options.wrong || options.operand_count == 0) {
        buffer_append_text(call->err,
                           options.wrong ? "" : "Usage: awk [-F value] [-v var=value] 'program' [file ...]\n");
        return 2;
    }
    const char *program = options.operands[0];
    if (valid) {
        run_program(&awk, program);
    }
    if (!valid || awk.unknown) {
        call_complain(call, "the modelled host cannot run this program: %s\n", program);
        return 2;
    }
    awk.evaluates = true;
    int status = 0;
    int count = options.operand_count == 1 ? 1 : options.operand_count - 1;
    for (int i = 0; i < count; i++) {
        const char *path = options.operand_count == 1 ? "-" : options.operands[i + 1];
        struct span text;
        enum tree_error error = call_read(call, path, INT64_MAX, &text);
        if (error != TREE_OK) {
            call_complain(call, "cannot open \"%s\" (%s)\n", path, tree_error_text(error));
            status = 2;
            continue;
        }
        run_text(&awk, program, text);
    }
    return awk.unknown ? 2 : status;
}
