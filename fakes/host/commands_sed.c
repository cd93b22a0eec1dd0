/* sed, the part that clients use: s, d, p, q, = with line and pattern addresses; -n -E -r -i -e. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"
#include "fakes/host/pattern.h"

enum { SED_STEPS_LIMIT = 32, SED_WORK_PER_BYTE = 32 };

enum address_kind { ADDRESS_NONE, ADDRESS_LINE, ADDRESS_LAST, ADDRESS_PATTERN };

struct address {
    enum address_kind kind;
    int64_t line;
    struct regex *regex;
};

struct step {
    struct address from;
    struct address to;
    bool in_range;
    bool inverted;
    char command;
    struct regex *regex;
    struct span replacement;
    bool global;
    bool prints;
    int64_t occurrence;
};

struct sed {
    struct call *call;
    struct step steps[SED_STEPS_LIMIT];
    int32_t count;
    bool quiet;
    bool extended;
    bool quits;
    int64_t line_number;
};

static bool complain(struct sed *sed, const char *text, size_t at, const char *what)
{
    (void)text;
    call_complain(sed->call, "-e expression #1, char %zu: %s\n", at, what);
    return false;
}

/* Text up to an unescaped delimiter; *text stands behind it. False when it is missing. */
static bool take_delimited(const char **text, char delimiter, struct span *out)
{
    const char *start = *text;
    while (**text != '\0' && **text != delimiter) {
        *text += **text == '\\' && (*text)[1] != '\0' ? 2 : 1;
    }
    *out = (struct span){start, (size_t)(*text - start)};
    if (**text == '\0') {
        return false;
    }
    (*text)++;
    return true;
}

static struct regex *compile(struct sed *sed, struct span text, bool ignore_case)
{
    const char *mistake;
    struct regex_flags flags = {.extended = sed->extended, .ignore_case = ignore_case};
    struct regex *regex = regex_compile(&sed->call->run->arena, text, flags, &mistake);
    if (regex == NULL) {
        call_complain(sed->call, "-e expression #1: %s\n", mistake == NULL ? "memory exhausted" : mistake);
    }
    return regex;
}

static bool parse_address(struct sed *sed, const char **text, struct address *address)
{
    size_t digits = strspn(*text, "0123456789");
    if (digits > 0) {
        address->kind = ADDRESS_LINE;
        bool valid = number_parse((struct span){*text, digits}, &address->line);
        *text += digits;
        return valid;
    }
    if (**text == '$') {
        address->kind = ADDRESS_LAST;
        (*text)++;
    } else if (**text == '/') {
        struct span pattern;
        (*text)++;
        if (!take_delimited(text, '/', &pattern)) {
            return complain(sed, *text, strlen(*text), "unterminated address regex");
        }
        address->kind = ADDRESS_PATTERN;
        address->regex = compile(sed, pattern, false);
        return address->regex != NULL;
    }
    return true;
}

static bool parse_substitution(struct sed *sed, const char *whole, const char **text, struct step *step)
{
    struct span pattern;
    char delimiter = **text;
    if (delimiter == '\0') {
        return complain(sed, whole, strlen(whole), "unterminated `s' command");
    }
    (*text)++;
    if (!take_delimited(text, delimiter, &pattern) || !take_delimited(text, delimiter, &step->replacement)) {
        return complain(sed, whole, strlen(whole), "unterminated `s' command");
    }
    bool ignore_case = false;
    step->occurrence = 1;
    for (; **text != '\0' && strchr("gpIi0123456789", **text) != NULL; (*text)++) {
        step->global = step->global || **text == 'g';
        step->prints = step->prints || **text == 'p';
        ignore_case = ignore_case || **text == 'I' || **text == 'i';
        if (**text >= '1' && **text <= '9') {
            step->occurrence = **text - '0';
        }
    }
    /* A delimiter that is escaped stands for itself. */
    char *plain = arena_text(&sed->call->run->arena, pattern);
    size_t length = 0;
    for (size_t i = 0; plain != NULL && i < pattern.length; i++) {
        if (pattern.at[i] == '\\' && i + 1 < pattern.length && pattern.at[i + 1] == delimiter) {
            i++;
        }
        plain[length++] = pattern.at[i];
    }
    step->regex = plain == NULL ? NULL : compile(sed, (struct span){plain, length}, ignore_case);
    return step->regex != NULL;
}

static bool parse_step(struct sed *sed, const char *whole, const char **text)
{
    if (sed->count == SED_STEPS_LIMIT) {
        return complain(sed, whole, (size_t)(*text - whole), "too many commands");
    }
    struct step *step = &sed->steps[sed->count++];
    if (!parse_address(sed, text, &step->from)) {
        return false;
    }
    if (**text == ',') {
        (*text)++;
        if (!parse_address(sed, text, &step->to)) {
            return false;
        }
    }
    *text += strspn(*text, " \t");
    if (**text == '!') {
        step->inverted = true;
        (*text)++;
    }
    step->command = **text;
    if (step->command == '\0') {
        return complain(sed, whole, (size_t)(*text - whole), "missing command");
    }
    (*text)++;
    if (step->command == 's') {
        return parse_substitution(sed, whole, text, step);
    }
    if (strchr("dpq=", step->command) == NULL) {
        char what[64];
        (void)text_format(what, sizeof what, "unknown command: `%c'", step->command);
        return complain(sed, whole, (size_t)(*text - whole), what);
    }
    return true;
}

static bool parse_script(struct sed *sed, const char *script)
{
    const char *text = script;
    while (true) {
        text += strspn(text, " \t\n;");
        if (*text == '\0') {
            return true;
        }
        if (!parse_step(sed, script, &text)) {
            return false;
        }
        text += strspn(text, " \t");
        if (*text != '\0' && *text != ';' && *text != '\n') {
            return complain(sed, script, (size_t)(text - script) + 1, "extra characters after command");
        }
    }
}

/* ---- running ---- */

static bool address_matches(struct sed *sed, const struct address *address, struct span line, bool is_last)
{
    long groups[2 * REGEX_GROUPS];
    switch (address->kind) {
    case ADDRESS_LINE:
        return address->line == sed->line_number;
    case ADDRESS_LAST:
        return is_last;
    case ADDRESS_PATTERN:
        return regex_find(&sed->call->run->arena, address->regex, line, 0, groups);
    case ADDRESS_NONE:
        break;
    }
    return true;
}

static bool step_applies(struct sed *sed, struct step *step, struct span line, bool is_last)
{
    bool applies;
    if (step->to.kind == ADDRESS_NONE) {
        applies = address_matches(sed, &step->from, line, is_last);
    } else if (step->in_range) {
        applies = true;
        bool past = step->to.kind == ADDRESS_LINE && sed->line_number >= step->to.line;
        step->in_range = !past && !address_matches(sed, &step->to, line, is_last);
    } else {
        applies = address_matches(sed, &step->from, line, is_last);
        bool one_line = step->to.kind == ADDRESS_LINE && step->to.line <= sed->line_number;
        step->in_range = applies && !one_line;
    }
    return applies != step->inverted;
}

static void append_replacement(struct buffer *out, const struct step *step, struct span line, const long *groups)
{
    struct span text = step->replacement;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        ptrdiff_t group = c == '&' ? 0 : -1;
        if (c == '\\' && i + 1 < text.length) {
            c = text.at[++i];
            group = c >= '0' && c <= '9' ? c - '0' : -1;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        if (group < 0) {
            buffer_append_char(out, c);
        } else if (groups[2 * group] >= 0 && groups[2 * group + 1] >= 0) {
            buffer_append(out, line.at + groups[2 * group], (size_t)(groups[2 * group + 1] - groups[2 * group]));
        }
    }
}

/* s///: the new line in *line when something was replaced. */
static bool substitute(struct sed *sed, const struct step *step, struct span *line)
{
    struct arena *arena = &sed->call->run->arena;
    struct buffer out;
    buffer_init(&out, arena->heap, SHELL_PIPE_LIMIT);
    size_t at = 0;
    bool replaced = false;
    long groups[2 * REGEX_GROUPS];
    for (int64_t seen = 1; at <= line->length && regex_find(arena, step->regex, *line, at, groups); seen++) {
        size_t begin = (size_t)groups[0];
        size_t end = (size_t)groups[1];
        bool wanted = seen == step->occurrence || (step->global && seen > step->occurrence);
        buffer_append(&out, line->at + at, begin - at);
        if (wanted) {
            append_replacement(&out, step, *line, groups);
            replaced = true;
        } else {
            buffer_append(&out, line->at + begin, end - begin);
        }
        at = end;
        if (end == begin) {
            if (end < line->length) {
                buffer_append_char(&out, line->at[end]);
            }
            at = end + 1;
        }
        if (wanted && !step->global) {
            break;
        }
    }
    if (replaced) {
        if (at < line->length) {
            buffer_append(&out, line->at + at, line->length - at);
        }
        char *copy = arena_text(arena, (struct span){buffer_text(&out), out.length});
        *line = copy == NULL ? *line : (struct span){copy, out.length};
    }
    sed->call->run->killed = sed->call->run->killed || out.failed;
    buffer_release(&out);
    return replaced;
}

static void print_line(struct buffer *out, struct span line, bool newline)
{
    append_span(out, line);
    buffer_append_text(out, newline ? "\n" : "");
}

static void run_steps(struct sed *sed, struct span line, bool is_last, bool newline, struct buffer *out)
{
    bool deleted = false;
    for (int32_t i = 0; i < sed->count && !deleted && !sed->quits; i++) {
        struct step *step = &sed->steps[i];
        if (!step_applies(sed, step, line, is_last)) {
            continue;
        }
        switch (step->command) {
        case 's':
            if (substitute(sed, step, &line) && step->prints) {
                print_line(out, line, true);
            }
            break;
        case 'p':
            print_line(out, line, true);
            break;
        case '=':
            buffer_printf(out, "%lld\n", (long long)sed->line_number);
            break;
        case 'q':
            sed->quits = true;
            break;
        default:
            deleted = true;
        }
    }
    if (!deleted && !sed->quiet) {
        print_line(out, line, newline);
    }
}

static void run_text(struct sed *sed, struct span text, struct buffer *out)
{
    struct span line;
    bool newline;
    while (!sed->quits && take_line(&text, &line, &newline) &&
           run_work(sed->call->run, (line.length + 1) * SED_WORK_PER_BYTE)) {
        sed->line_number++;
        run_steps(sed, line, text.length == 0, newline, out);
    }
}

static int run_file(struct sed *sed, const char *path, bool in_place)
{
    struct call *call = sed->call;
    struct span text;
    enum tree_error error = call_read(call, path, INT64_MAX, &text);
    if (error != TREE_OK) {
        call_complain(call, "can't read %s: %s\n", path, tree_error_text(error));
        return 2;
    }
    struct buffer *out = in_place ? call_scratch(call) : call->out;
    if (out == NULL) {
        return 4;
    }
    if (in_place) {
        sed->line_number = 0;
        sed->quits = false;
    }
    run_text(sed, text, out);
    if (!in_place) {
        return 0;
    }
    error = call_write(call, path, (struct span){buffer_text(out), out->length});
    return error == TREE_OK ? 0 : 4 * call_fail_path(call, "couldn't write ", path, error);
}

int command_sed(struct call *call)
{
    struct option_reader options;
    struct sed *sed = arena_alloc(&call->run->arena, sizeof *sed);
    bool in_place = false;
    int expressions = 0;
    if (sed == NULL || !options_start(&options, call, "nErie:s", NULL)) {
        return 4;
    }
    sed->call = call;
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        sed->quiet = sed->quiet || letter == 'n';
        sed->extended = sed->extended || letter == 'E' || letter == 'r';
        in_place = in_place || letter == 'i';
        if (letter == 'e') {
            expressions++;
            if (!parse_script(sed, options.value)) {
                return 1;
            }
        }
    }
    int first = expressions == 0;
    if (options.wrong || options.operand_count < first) {
        buffer_append_text(call->err,
                           options.wrong ? ""
                                         : "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n");
        return 1;
    }
    if (first == 1 && !parse_script(sed, options.operands[0])) {
        return 1;
    }
    int status = 0;
    for (int i = first; i < options.operand_count && !run_is_dead(call->run); i++) {
        int one = run_file(sed, options.operands[i], in_place);
        status = one != 0 ? one : status;
    }
    return options.operand_count == first ? run_file(sed, "-", false) : status;
}
