/* Commands that pass text on: cat, head, tail, wc, tee, cmp. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* ---- cat ---- */

int command_cat(struct call *call)
{
    static const struct long_option names[] = {{"number", 'n'}, {NULL, 0}};
    struct option_reader options;
    bool numbers = false;
    if (!options_start(&options, call, "nuAEtv", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        numbers = numbers || letter == 'n';
    }
    if (options.wrong) {
        return 1;
    }
    options_default(&options, "-");
    int status = 0;
    uint32_t number = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct span text;
        enum tree_error error = call_read(call, options.operands[i], INT64_MAX, &text);
        if (error != TREE_OK) {
            status = call_fail_path(call, "", options.operands[i], error);
            continue;
        }
        struct span line;
        bool newline;
        while (numbers && take_line(&text, &line, &newline)) {
            buffer_printf(call->out, "%6u\t", ++number);
            append_span(call->out, line);
            buffer_append_text(call->out, newline ? "\n" : "");
        }
        append_span(call->out, text);
    }
    return status;
}

/* ---- head and tail ---- */

struct part {
    bool is_tail;
    bool bytes;
    bool from_start; /* tail -n +N */
    bool all_but;    /* head -n -N */
    int64_t count;
    bool quiet;
    bool loud;
};

static bool parse_count(struct call *call, struct part *part, const char *text)
{
    const char *digits = text;
    if (part->is_tail) {
        part->from_start = text[0] == '+';
        digits += text[0] == '+' || text[0] == '-';
    } else {
        part->all_but = text[0] == '-';
        digits += text[0] == '-';
    }
    if (digits[0] < '0' || digits[0] > '9' || !number_parse_size(span_of(digits), &part->count)) {
        call_complain(call, "invalid number of %s: '%s'\n", part->bytes ? "bytes" : "lines", text);
        return false;
    }
    return true;
}

/* Where line number `count` (from 0) begins, at most the end. */
static size_t line_start(struct span text, int64_t count)
{
    size_t at = 0;
    for (; count > 0 && at < text.length; count--) {
        const char *end = memchr(text.at + at, '\n', text.length - at);
        at = end == NULL ? text.length : (size_t)(end - text.at) + 1;
    }
    return at;
}

/* Where the last `count` lines begin. */
static size_t last_lines(struct span text, int64_t count)
{
    size_t at = text.length;
    if (count == 0) {
        return at;
    }
    at -= at > 0 && text.at[at - 1] == '\n';
    while (at > 0) {
        if (text.at[at - 1] == '\n' && --count == 0) {
            break;
        }
        at--;
    }
    return at;
}

static void append_part(struct buffer *out, const struct part *part, struct span text)
{
    size_t count = (uint64_t)part->count < text.length ? (size_t)part->count : text.length;
    size_t cut;
    bool keeps_end = part->is_tail;
    if (part->from_start) {
        int64_t skipped = part->count > 0 ? part->count - 1 : 0;
        cut =
            part->bytes ? ((uint64_t)skipped < text.length ? (size_t)skipped : text.length) : line_start(text, skipped);
    } else if (part->is_tail || part->all_but) {
        cut = part->bytes ? text.length - count : last_lines(text, part->count);
    } else {
        cut = part->bytes ? count : line_start(text, part->count);
    }
    append_span(out, keeps_end ? (struct span){text.at + cut, text.length - cut} : (struct span){text.at, cut});
}

/* `head -5` and `tail -5`: the old way to say -n 5. */
static void accept_old_count(struct call *call)
{
    if (call->argc > 1 && call->argv[1][0] == '-' && call->argv[1][1] >= '0' && call->argv[1][1] <= '9') {
        size_t size = strlen(call->argv[1]) + 2;
        char *word = arena_alloc(&call->run->arena, size);
        if (word != NULL) {
            (void)text_format(word, size, "-n%s", call->argv[1] + 1);
            call->argv[1] = word;
        }
    }
}

static int show_parts(struct call *call, const struct part *part, int count, const char **paths)
{
    int status = 0;
    /* Of an endless device only what is wanted is read. */
    bool bounded = !part->is_tail && part->bytes && !part->all_but;
    bool titled = part->loud || (count > 1 && !part->quiet);
    for (int i = 0, shown = 0; i < count; i++) {
        struct span text;
        enum tree_error error = call_read(call, paths[i], bounded ? part->count : INT64_MAX, &text);
        if (error == TREE_IS_DIRECTORY) {
            call_complain(call, "error reading '%s': Is a directory\n", paths[i]);
            status = 1;
        } else if (error != TREE_OK) {
            call_complain(call, "cannot open '%s' for reading: %s\n", paths[i], tree_error_text(error));
            status = 1;
        } else {
            const char *title = strcmp(paths[i], "-") == 0 ? "standard input" : paths[i];
            if (titled) {
                buffer_printf(call->out, "%s==> %s <==\n", shown++ > 0 ? "\n" : "", title);
            }
            append_part(call->out, part, text);
        }
    }
    return status;
}

static int show_part(struct call *call, bool is_tail)
{
    static const struct long_option names[] = {{"lines", 'n'},   {"bytes", 'c'},  {"quiet", 'q'},
                                               {"verbose", 'v'}, {"follow", 'f'}, {NULL, 0}};
    struct option_reader options;
    struct part part = {.is_tail = is_tail, .count = 10};
    accept_old_count(call);
    if (!options_start(&options, call, is_tail ? "n:c:qvfF" : "n:c:qv", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        if (letter == 'n' || letter == 'c') {
            part.bytes = letter == 'c';
            if (!parse_count(call, &part, options.value)) {
                return 1;
            }
        }
        part.quiet = part.quiet || letter == 'q';
        part.loud = part.loud || letter == 'v';
    }
    if (options.wrong) {
        return 1;
    }
    options_default(&options, "-");
    return show_parts(call, &part, options.operand_count, options.operands);
}

int command_head(struct call *call)
{
    return show_part(call, false);
}

int command_tail(struct call *call)
{
    return show_part(call, true);
}

/* ---- wc ---- */

enum { WC_LINES, WC_WORDS, WC_CHARACTERS, WC_BYTES, WC_LONGEST, WC_COUNTS };

struct word_counts {
    uint64_t value[WC_COUNTS];
};

static void count_text(struct span text, struct word_counts *counts)
{
    bool in_word = false;
    uint64_t column = 0;
    uint64_t longest = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool blank = c == ' ' || (c >= '\t' && c <= '\r');
        counts->value[WC_LINES] += c == '\n';
        counts->value[WC_WORDS] += !blank && !in_word;
        in_word = !blank;
        column = c == '\n' ? 0 : column + 1;
        longest = column > longest ? column : longest;
    }
    counts->value[WC_CHARACTERS] += text.length;
    counts->value[WC_BYTES] += text.length;
    if (longest > counts->value[WC_LONGEST]) {
        counts->value[WC_LONGEST] = longest;
    }
}

static int digits_of(uint64_t value)
{
    int digits = 1;
    for (; value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

static void print_counts(struct call *call, const struct word_counts *counts, const bool *wanted, int width,
                         const char *name)
{
    const char *separator = "";
    for (int i = 0; i < WC_COUNTS; i++) {
        if (wanted[i]) {
            buffer_printf(call->out, "%s%*llu", separator, width, (unsigned long long)counts->value[i]);
            separator = " ";
        }
    }
    buffer_printf(call->out, "%s%s\n", name == NULL ? "" : " ", name == NULL ? "" : name);
}

/* The widest number of all, as wc lines them up; 7 for input whose size cannot be known before. */
static int counts_width(struct call *call, const struct option_reader *options, int wanted_count)
{
    if (options->operand_count == 0) {
        return wanted_count == 1 ? 1 : 7;
    }
    int64_t total = 0;
    for (int i = 0; i < options->operand_count; i++) {
        struct tree_node *file;
        if (strcmp(options->operands[i], "-") == 0) {
            return 7;
        }
        if (call_find(call, options->operands[i], true, &file) == TREE_OK && file->kind == TREE_FILE) {
            total = saturating_add(total, tree_size(file));
        }
    }
    return options->operand_count == 1 && wanted_count == 1 ? 1 : digits_of((uint64_t)total);
}

static int count_operands(struct call *call, const struct option_reader *options, const bool *wanted, int width)
{
    struct word_counts total = {{0}};
    int status = 0;
    for (int i = 0; i < options->operand_count; i++) {
        struct span text;
        enum tree_error error = call_read(call, options->operands[i], INT64_MAX, &text);
        struct word_counts counts = {{0}};
        if (error != TREE_OK) {
            status = call_fail_path(call, "", options->operands[i], error);
            if (error != TREE_IS_DIRECTORY) {
                continue;
            }
        }
        count_text(text, &counts);
        count_text(text, &total);
        print_counts(call, &counts, wanted, width, options->operands[i]);
    }
    if (options->operand_count > 1) {
        print_counts(call, &total, wanted, width, "total");
    }
    return status;
}

int command_wc(struct call *call)
{
    static const struct long_option names[] = {
        {"lines", 'l'}, {"words", 'w'}, {"bytes", 'c'}, {"chars", 'm'}, {NULL, 0}};
    static const char letters[] = "lwmcL";
    struct option_reader options;
    bool wanted[WC_COUNTS] = {false};
    int wanted_count = 0;
    if (!options_start(&options, call, letters, names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        bool *place = &wanted[strchr(letters, letter) - letters];
        wanted_count += !*place;
        *place = true;
    }
    if (options.wrong) {
        return 1;
    }
    if (wanted_count == 0) {
        wanted[WC_LINES] = wanted[WC_WORDS] = wanted[WC_BYTES] = true;
        wanted_count = 3;
    }
    int width = counts_width(call, &options, wanted_count);
    if (options.operand_count > 0) {
        return count_operands(call, &options, wanted, width);
    }
    struct span text;
    struct word_counts counts = {{0}};
    if (call_read_input(call, INT64_MAX, &text) != TREE_OK) {
        call->run->killed = true;
        return 1;
    }
    count_text(text, &counts);
    print_counts(call, &counts, wanted, width, NULL);
    return 0;
}

/* ---- tee and cmp ---- */

int command_tee(struct call *call)
{
    static const struct long_option names[] = {{"append", 'a'}, {NULL, 0}};
    struct option_reader options;
    bool append = false;
    if (!options_start(&options, call, "ai", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        append = append || letter == 'a';
    }
    struct span text;
    if (options.wrong || call_read_input(call, INT64_MAX, &text) != TREE_OK) {
        return 1;
    }
    append_span(call->out, text);
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *file;
        int64_t now_ns = call->run->now.unix_ns;
        const char *path = options.operands[i];
        enum tree_error error = tree_open(call->files, call->shell->cwd, path, now_ns, &file);
        if (error == TREE_OK && append && file->kind == TREE_FILE) {
            error = tree_write(call->files, file, tree_size(file), text, now_ns);
        } else if (error == TREE_OK) {
            error = call_write(call, path, text);
        }
        if (error != TREE_OK) {
            status = call_fail_path(call, "", path, error);
        }
    }
    return status;
}

int command_cmp(struct call *call)
{
    struct option_reader options;
    bool silent = false;
    struct span texts[2];
    if (!options_start(&options, call, "s", NULL)) {
        return 2;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        silent = silent || letter == 's';
    }
    if (options.wrong || options.operand_count != 2) {
        return options.wrong ? 2 : call_usage(call, 2, "missing operand after '%s'", call->argv[call->argc - 1]);
    }
    for (int i = 0; i < 2; i++) {
        enum tree_error error = call_read(call, options.operands[i], INT64_MAX, &texts[i]);
        if (error != TREE_OK) {
            (void)call_fail_path(call, "", options.operands[i], error);
            return 2;
        }
    }
    size_t shorter = texts[0].length < texts[1].length ? texts[0].length : texts[1].length;
    size_t at = 0;
    size_t line = 1;
    while (at < shorter && texts[0].at[at] == texts[1].at[at]) {
        line += texts[0].at[at++] == '\n';
    }
    if (at == texts[0].length && at == texts[1].length) {
        return 0;
    }
    if (!silent && at < shorter) {
        buffer_printf(call->out, "%s %s differ: byte %zu, line %zu\n", options.operands[0], options.operands[1], at + 1,
                      line);
    } else if (!silent) {
        call_complain(call, "EOF on %s after byte %zu, line %zu\n",
                      options.operands[texts[0].length < texts[1].length ? 0 : 1], at, line);
    }
    return 1;
}
