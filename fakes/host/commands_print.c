/* Commands that print their arguments: echo, printf, seq, basename, dirname. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

enum { SEQ_LIMIT = 1000000 };

/* ---- backslashes ---- */

/* The value of up to `most` digits of a base at *text, which is moved behind them. */
static char digits_value(const char **text, int base, int most)
{
    int value = 0;
    for (int i = 0; i < most; i++) {
        char c = **text;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : base;
        if (digit >= base) {
            break;
        }
        value = value * base + digit;
        (*text)++;
    }
    return (char)(value & 0xff);
}

/* Appends what a backslash means; *text stands behind it. False: \c, the end of all output. */
static bool append_escape(struct buffer *out, const char **text)
{
    static const char letters[] = "abefnrtv\\";
    static const char values[] = "\a\b\033\f\n\r\t\v\\";
    char c = **text;
    const char *found = c == '\0' ? NULL : strchr(letters, c);
    if (found != NULL) {
        buffer_append_char(out, values[found - letters]);
        (*text)++;
        return true;
    }
    if (c == 'c') {
        return false;
    }
    if (c == 'x') {
        (*text)++;
        buffer_append_char(out, digits_value(text, 16, 2));
    } else if (c >= '0' && c <= '7') {
        buffer_append_char(out, digits_value(text, 8, c == '0' ? 4 : 3));
    } else {
        buffer_append_char(out, '\\');
    }
    return true;
}

static bool append_escaped(struct buffer *out, const char *text)
{
    while (*text != '\0') {
        char c = *text++;
        if (c != '\\') {
            buffer_append_char(out, c);
        } else if (!append_escape(out, &text)) {
            return false;
        }
    }
    return true;
}

/* ---- echo ---- */

int command_echo(struct call *call)
{
    bool newline = true;
    bool escapes = call->shell->is_dash;
    int i = 1;
    for (; i < call->argc; i++) {
        const char *word = call->argv[i];
        size_t letters = word[0] == '-' ? strspn(word + 1, call->shell->is_dash ? "n" : "neE") : 0;
        if (letters == 0 || word[letters + 1] != '\0') {
            break;
        }
        newline = newline && strchr(word, 'n') == NULL;
        escapes = strchr(word, 'e') != NULL || (escapes && strchr(word, 'E') == NULL);
    }
    for (int first = i; i < call->argc; i++) {
        if (i > first) {
            buffer_append_char(call->out, ' ');
        }
        if (!escapes) {
            buffer_append_text(call->out, call->argv[i]);
        } else if (!append_escaped(call->out, call->argv[i])) {
            return 0;
        }
    }
    if (newline) {
        buffer_append_char(call->out, '\n');
    }
    return 0;
}

/* ---- printf ---- */

struct printf_state {
    struct call *call;
    int next; /* argument */
    int status;
    bool stopped; /* \c */
};

struct conversion {
    bool left;
    bool zero;
    bool plus;
    bool blank;
    int64_t width;
    int64_t precision; /* -1: none */
};

static const char *next_argument(struct printf_state *state)
{
    return state->next < state->call->argc ? state->call->argv[state->next++] : NULL;
}

static int64_t number_argument(struct printf_state *state)
{
    const char *text = next_argument(state);
    int64_t value = 0;
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    if (text[0] == '\'' || text[0] == '"') {
        return (unsigned char)text[1];
    }
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        const char *digits = text + 2;
        while (*digits != '\0') {
            const char *before = digits;
            unsigned char digit = (unsigned char)digits_value(&digits, 16, 1);
            if (digits == before) {
                break;
            }
            value = (int64_t)((uint64_t)value << 4 | digit);
        }
        return value;
    }
    size_t digits = strspn(text, "+-0123456789");
    if (!number_parse((struct span){text, digits}, &value) || text[digits] != '\0') {
        shell_complain(state->call->shell, "printf: %s: invalid number\n", text);
        state->status = 1;
    }
    return value;
}

static void append_field(struct buffer *out, const struct conversion *conversion, struct span text)
{
    int64_t width = conversion->width > 65536 ? 65536 : conversion->width;
    append_padded(out, text, (int)(conversion->left ? -width : width));
}

static void format_integer(struct printf_state *state, const struct conversion *conversion, char letter)
{
    char digits[32];
    size_t length = 0;
    int64_t value = number_argument(state);
    bool is_signed = letter == 'd' || letter == 'i';
    uint64_t rest = is_signed && value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t base = letter == 'o' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;
    const char *alphabet = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        digits[sizeof digits - ++length] = alphabet[rest % base];
        rest /= base;
    } while (rest > 0);
    struct buffer *scratch = call_scratch(state->call);
    if (scratch == NULL) {
        return;
    }
    const char *sign = is_signed && value < 0 ? "-" : conversion->plus ? "+" : conversion->blank ? " " : "";
    int64_t least = conversion->precision;
    if (least < 0 && conversion->zero && !conversion->left) {
        least = conversion->width - (int64_t)strlen(sign);
    }
    least = least > 4096 ? 4096 : least;
    buffer_append_text(scratch, sign);
    buffer_append_repeated(scratch, "0", least > (int64_t)length ? (size_t)(least - (int64_t)length) : 0);
    buffer_append(scratch, digits + sizeof digits - length, length);
    append_field(state->call->out, conversion, (struct span){buffer_text(scratch), scratch->length});
}

/* %f of a decimal argument, by exact decimal rounding. */
static void format_fixed(struct printf_state *state, const struct conversion *conversion)
{
    const char *text = next_argument(state);
    int64_t value = 0;
    int decimals = conversion->precision < 0 ? 6 : conversion->precision > 9 ? 9 : (int)conversion->precision;
    if (text != NULL && text[0] != '\0' && !decimal_parse(span_of(text), 9, &value)) {
        shell_complain(state->call->shell, "printf: %s: invalid number\n", text);
        state->status = 1;
    }
    struct buffer *scratch = call_scratch(state->call);
    if (scratch != NULL) {
        decimal_append_rounded(scratch, value, 9, decimals);
        append_field(state->call->out, conversion, (struct span){buffer_text(scratch), scratch->length});
    }
}

static void format_text(struct printf_state *state, const struct conversion *conversion, char letter)
{
    const char *text = next_argument(state);
    struct span shown = span_of(text == NULL ? "" : text);
    if (letter == 'c' && shown.length > 1) {
        shown.length = 1;
    }
    struct buffer *scratch = letter == 'b' ? call_scratch(state->call) : NULL;
    if (scratch != NULL) {
        state->stopped = !append_escaped(scratch, shown.at);
        shown = (struct span){buffer_text(scratch), scratch->length};
    }
    if (conversion->precision >= 0 && (uint64_t)conversion->precision < shown.length) {
        shown.length = (size_t)conversion->precision;
    }
    append_field(state->call->out, conversion, shown);
}

static int64_t read_size(struct printf_state *state, const char **format)
{
    int64_t value = 0;
    if (**format == '*') {
        (*format)++;
        return number_argument(state);
    }
    size_t digits = strspn(*format, "0123456789");
    if (digits > 0) {
        (void)number_parse((struct span){*format, digits > 6 ? 6 : digits}, &value);
        *format += digits;
    }
    return value;
}

/* One conversion; *format stands behind the %. */
static void format_one(struct printf_state *state, const char **format)
{
    struct conversion conversion = {.precision = -1};
    for (; **format != '\0' && strchr("-0+ #", **format) != NULL; (*format)++) {
        conversion.left = conversion.left || **format == '-';
        conversion.zero = conversion.zero || **format == '0';
        conversion.plus = conversion.plus || **format == '+';
        conversion.blank = conversion.blank || **format == ' ';
    }
    conversion.width = read_size(state, format);
    if (conversion.width < 0) {
        conversion.left = true;
        conversion.width = conversion.width < -65536 ? 65536 : -conversion.width;
    }
    if (**format == '.') {
        (*format)++;
        conversion.precision = read_size(state, format);
    }
    char letter = **format;
    if (letter != '\0') {
        (*format)++;
    }
    if (letter == '%') {
        buffer_append_char(state->call->out, '%');
    } else if (letter != '\0' && strchr("diouxX", letter) != NULL) {
        format_integer(state, &conversion, letter);
    } else if (letter == 'f') {
        format_fixed(state, &conversion);
    } else if (letter != '\0' && strchr("sbc", letter) != NULL) {
        format_text(state, &conversion, letter);
    } else {
        char shown[2] = {letter, '\0'};
        shell_complain(state->call->shell, "printf: `%s': invalid format character\n", shown);
        state->status = 1;
        state->stopped = true;
    }
}

static void format_once(struct printf_state *state, const char *format)
{
    while (*format != '\0' && !state->stopped) {
        char c = *format++;
        if (c == '%') {
            format_one(state, &format);
        } else if (c == '\\') {
            state->stopped = !append_escape(state->call->out, &format);
        } else {
            buffer_append_char(state->call->out, c);
        }
    }
}

int command_printf(struct call *call)
{
    int first = call->argc > 1 && strcmp(call->argv[1], "--") == 0 ? 2 : 1;
    if (call->argc <= first) {
        shell_complain(call->shell, "printf: usage: printf [-v var] format [arguments]\n");
        return 2;
    }
    struct printf_state state = {.call = call, .next = first + 1};
    int before;
    do {
        before = state.next;
        format_once(&state, call->argv[first]);
    } while (!state.stopped && state.next > before && state.next < call->argc && run_work(call->run, 64));
    return state.status;
}

/* ---- seq, basename, dirname ---- */

int command_seq(struct call *call)
{
    int64_t bounds[3] = {1, 1, 1}; /* first, step, last */
    if (call->argc < 2) {
        return call_usage(call, 1, "missing operand");
    }
    if (call->argc > 4) {
        return call_usage(call, 1, "extra operand '%s'", call->argv[4]);
    }
    static const int places[3][3] = {{2}, {0, 2}, {0, 1, 2}};
    for (int i = 1; i < call->argc; i++) {
        int place = places[call->argc - 2][i - 1];
        if (!number_parse(span_of(call->argv[i]), &bounds[place])) {
            return call_usage(call, 1, "invalid floating point argument: '%s'", call->argv[i]);
        }
    }
    if (bounds[1] == 0) {
        return call_usage(call, 1, "invalid Zero increment value: '%s'", call->argv[2]);
    }
    bool up = bounds[1] > 0;
    int64_t value = bounds[0];
    for (int count = 0; (up ? value <= bounds[2] : value >= bounds[2]) && run_work(call->run, 8); count++) {
        if (count >= SEQ_LIMIT) {
            call->run->killed = true;
            break;
        }
        buffer_printf(call->out, "%lld\n", (long long)value);
        value = saturating_add(value, bounds[1]);
    }
    return 0;
}

static struct span without_slashes(struct span path)
{
    while (path.length > 1 && path.at[path.length - 1] == '/') {
        path.length--;
    }
    return path;
}

/* Where the last name of a path begins. */
static size_t last_name(struct span path)
{
    size_t start = path.length;
    while (start > 0 && path.at[start - 1] != '/') {
        start--;
    }
    return start;
}

int command_basename(struct call *call)
{
    if (call->argc < 2) {
        return call_usage(call, 1, "missing operand");
    }
    struct span name = without_slashes(span_of(call->argv[1]));
    size_t start = name.length == 1 ? 0 : last_name(name);
    name = (struct span){name.at + start, name.length - start};
    if (call->argc > 2) {
        size_t suffix = strlen(call->argv[2]);
        if (suffix < name.length && memcmp(name.at + name.length - suffix, call->argv[2], suffix) == 0) {
            name.length -= suffix;
        }
    }
    append_span(call->out, name);
    buffer_append_char(call->out, '\n');
    return 0;
}

int command_dirname(struct call *call)
{
    if (call->argc < 2) {
        return call_usage(call, 1, "missing operand");
    }
    for (int i = 1; i < call->argc; i++) {
        struct span path = without_slashes(span_of(call->argv[i]));
        path.length = path.length == 1 && path.at[0] == '/' ? 1 : last_name(path);
        append_span(call->out, path.length == 0 ? span_of(".") : without_slashes(path));
        buffer_append_char(call->out, '\n');
    }
    return 0;
}
