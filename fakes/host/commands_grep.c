/* grep. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"
#include "fakes/host/pattern.h"

enum { GREP_WORK_PER_BYTE = 32, GREP_PATTERNS_LIMIT = 32 };

struct grep {
    struct call *call;
    struct regex *patterns[GREP_PATTERNS_LIMIT];
    int32_t pattern_count;
    struct regex_flags flags;
    bool inverted;
    bool counts;
    bool lists_files;
    bool quiet;
    bool numbers;
    bool only_matches;
    bool whole_lines;
    bool whole_words;
    bool no_messages;
    bool recursive;
    bool with_names;
    bool without_names;
    int64_t most;
    int64_t context_after;
    int64_t context_before;
    bool found;
    bool failed;
};

static bool is_word_at(struct span line, long at)
{
    if (at < 0 || (size_t)at >= line.length) {
        return false;
    }
    bool matches = false;
    (void)pattern_set(span_of("[_[:alnum:]]"), line.at[at], &matches);
    return matches;
}

/* The first match at or behind `start` that also stands as a word or a line when that is asked for. */
static bool find_match(struct grep *grep, struct span line, size_t start, long *begin, long *end)
{
    struct arena *arena = &grep->call->run->arena;
    bool any = false;
    for (int32_t i = 0; i < grep->pattern_count; i++) {
        long groups[2 * REGEX_GROUPS];
        size_t from = start;
        while (from <= line.length && regex_find(arena, grep->patterns[i], line, from, groups)) {
            bool fits = !(grep->whole_lines && (groups[0] != 0 || (size_t)groups[1] != line.length)) &&
                        !(grep->whole_words && (is_word_at(line, groups[0] - 1) || is_word_at(line, groups[1])));
            if (fits) {
                bool better = !any || groups[0] < *begin || (groups[0] == *begin && groups[1] > *end);
                *begin = better ? groups[0] : *begin;
                *end = better ? groups[1] : *end;
                any = true;
                break;
            }
            from = (size_t)groups[0] + 1;
        }
    }
    return any;
}

static void print_prefix(struct grep *grep, const char *name, uint64_t number, char mark)
{
    struct buffer *out = grep->call->out;
    if (grep->with_names) {
        buffer_printf(out, "%s%c", name, mark);
    }
    if (grep->numbers) {
        buffer_printf(out, "%llu%c", (unsigned long long)number, mark);
    }
}

static void print_line(struct grep *grep, const char *name, uint64_t number, struct span line, char mark)
{
    print_prefix(grep, name, number, mark);
    append_span(grep->call->out, line);
    buffer_append_char(grep->call->out, '\n');
}

static void print_matches(struct grep *grep, const char *name, uint64_t number, struct span line)
{
    size_t at = 0;
    long begin = 0;
    long end = 0;
    while (at <= line.length && find_match(grep, line, at, &begin, &end)) {
        if (end > begin) {
            print_line(grep, name, number, (struct span){line.at + begin, (size_t)(end - begin)}, ':');
        }
        at = (size_t)(end > begin ? end : end + 1);
    }
}

/* Where the search in one text stands. */
struct scan {
    const char *name;
    struct span whole;
    uint64_t line_number;
    uint64_t matches;
    uint64_t printed_to; /* number of the last line printed */
    int64_t after_left;
};

static void print_before(struct grep *grep, struct scan *scan)
{
    uint64_t wanted = (uint64_t)grep->context_before;
    uint64_t first = scan->line_number > wanted ? scan->line_number - wanted : 1;
    first = first <= scan->printed_to ? scan->printed_to + 1 : first;
    bool context = grep->context_before > 0 || grep->context_after > 0;
    if (context && scan->printed_to > 0 && first > scan->printed_to + 1) {
        buffer_append_text(grep->call->out, "--\n");
    }
    struct span rest = scan->whole;
    struct span line;
    for (uint64_t i = 1; wanted > 0 && i < scan->line_number && take_line(&rest, &line, NULL); i++) {
        if (i >= first) {
            print_line(grep, scan->name, i, line, '-');
        }
    }
}

static void report_line(struct grep *grep, struct scan *scan, struct span line, bool matches)
{
    bool prints = !grep->quiet && !grep->counts && !grep->lists_files;
    if (matches && prints && grep->only_matches) {
        print_matches(grep, scan->name, scan->line_number, line);
    } else if (matches && prints) {
        print_before(grep, scan);
        print_line(grep, scan->name, scan->line_number, line, ':');
        scan->printed_to = scan->line_number;
        scan->after_left = grep->context_after;
    } else if (prints && scan->after_left > 0) {
        scan->after_left--;
        print_line(grep, scan->name, scan->line_number, line, '-');
        scan->printed_to = scan->line_number;
    }
}

static void search(struct grep *grep, const char *name, struct span text)
{
    struct scan scan = {.name = name, .whole = text};
    struct span line;
    while (take_line(&text, &line, NULL) && run_work(grep->call->run, (line.length + 1) * GREP_WORK_PER_BYTE)) {
        long begin = 0;
        long end = 0;
        scan.line_number++;
        bool open = grep->most < 0 || (int64_t)scan.matches < grep->most;
        bool matches = open && find_match(grep, line, 0, &begin, &end) != grep->inverted;
        scan.matches += matches;
        report_line(grep, &scan, line, matches);
        bool enough = scan.matches > 0 && (grep->quiet || grep->lists_files);
        if (enough || (!open && scan.after_left == 0)) {
            break;
        }
    }
    grep->found = grep->found || scan.matches > 0;
    if (grep->counts && !grep->quiet) {
        bool numbers = grep->numbers;
        grep->numbers = false;
        print_prefix(grep, name, 0, ':');
        grep->numbers = numbers;
        buffer_printf(grep->call->out, "%llu\n", (unsigned long long)scan.matches);
    } else if (grep->lists_files && scan.matches > 0 && !grep->quiet) {
        buffer_printf(grep->call->out, "%s\n", name);
    }
}

static void search_path(struct grep *grep, const char *path)
{
    struct span text;
    const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
    enum tree_error error = call_read(grep->call, path, INT64_MAX, &text);
    if (error == TREE_OK) {
        search(grep, name, text);
        return;
    }
    grep->failed = true;
    if (!grep->no_messages) {
        (void)call_fail_path(grep->call, "", path, error);
    }
}

static void search_below(struct grep *grep, const char *path)
{
    struct tree_node *top;
    struct call *call = grep->call;
    if (call_find(call, path, true, &top) != TREE_OK || top->kind != TREE_DIRECTORY) {
        search_path(grep, path);
        return;
    }
    size_t skipped = 0;
    struct buffer *scratch = call_scratch(call);
    if (scratch == NULL) {
        return;
    }
    tree_append_path(top, scratch);
    skipped = top->parent == NULL ? 0 : scratch->length;
    for (struct tree_node *node = top; node != NULL && !run_is_dead(call->run); node = tree_walk(top, node)) {
        if (node->kind != TREE_FILE) {
            continue;
        }
        buffer_clear(scratch);
        tree_append_path(node, scratch);
        struct buffer *name = call_scratch(call);
        struct span text;
        if (name == NULL || call_read(call, buffer_text(scratch), INT64_MAX, &text) != TREE_OK) {
            continue;
        }
        buffer_printf(name, "%s%s", path, buffer_text(scratch) + skipped);
        search(grep, buffer_text(name), text);
    }
}

static bool add_pattern(struct grep *grep, const char *text)
{
    struct span rest = span_of(text);
    struct span line = span_of("");
    (void)take_line(&rest, &line, NULL);
    do {
        const char *mistake;
        if (grep->pattern_count == GREP_PATTERNS_LIMIT) {
            call_complain(grep->call, "too many patterns\n");
            return false;
        }
        struct regex *regex = regex_compile(&grep->call->run->arena, line, grep->flags, &mistake);
        if (regex == NULL) {
            call_complain(grep->call, "%s\n", mistake == NULL ? "memory exhausted" : mistake);
            return false;
        }
        grep->patterns[grep->pattern_count++] = regex;
    } while (take_line(&rest, &line, NULL));
    return true;
}

static bool read_context(struct grep *grep, char letter, const char *value)
{
    int64_t count;
    if (!number_parse(span_of(value), &count) || count < 0) {
        call_complain(grep->call, "%s: invalid context length argument\n", value);
        return false;
    }
    if (letter == 'm') {
        grep->most = count;
    }
    grep->context_after = letter == 'A' || letter == 'C' ? count : grep->context_after;
    grep->context_before = letter == 'B' || letter == 'C' ? count : grep->context_before;
    return true;
}

static bool read_option(struct grep *grep, char letter, const char *value)
{
    struct {
        char letter;
        bool *flag;
    } flags[] = {
        {'E', &grep->flags.extended}, {'F', &grep->flags.fixed},    {'i', &grep->flags.ignore_case},
        {'v', &grep->inverted},       {'c', &grep->counts},         {'l', &grep->lists_files},
        {'q', &grep->quiet},          {'n', &grep->numbers},        {'o', &grep->only_matches},
        {'x', &grep->whole_lines},    {'w', &grep->whole_words},    {'s', &grep->no_messages},
        {'r', &grep->recursive},      {'R', &grep->recursive},      {'H', &grep->with_names},
        {'h', &grep->without_names},  {'P', &grep->flags.extended},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        if (flags[i].letter == letter) {
            *flags[i].flag = true;
            return true;
        }
    }
    return strchr("ABCm", letter) == NULL || read_context(grep, letter, value);
}

int command_grep(struct call *call)
{
    static const struct long_option names[] = {{"extended-regexp", 'E'},
                                               {"fixed-strings", 'F'},
                                               {"ignore-case", 'i'},
                                               {"invert-match", 'v'},
                                               {"count", 'c'},
                                               {"quiet", 'q'},
                                               {"silent", 'q'},
                                               {"line-number", 'n'},
                                               {"only-matching", 'o'},
                                               {"color", 'a'},
                                               {"files-with-matches", 'l'},
                                               {"regexp", 'e'},
                                               {"max-count", 'm'},
                                               {NULL, 0}};
    struct option_reader options;
    struct grep grep = {.call = call, .most = -1};
    const char *expressions[GREP_PATTERNS_LIMIT];
    int expression_count = 0;
    if (!options_start(&options, call, "EFGPivclqnoxwsrRHhae:A:B:C:m:", names)) {
        return 2;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        if (letter == 'e' && expression_count < GREP_PATTERNS_LIMIT) {
            expressions[expression_count++] = options.value;
        } else if (!read_option(&grep, letter, options.value)) {
            return 2;
        }
    }
    int first = expression_count == 0;
    if (options.wrong || options.operand_count < first) {
        buffer_append_text(call->err, options.wrong ? "" : "Usage: grep [OPTION]... PATTERNS [FILE]...\n");
        return 2;
    }
    if (first == 1) {
        expressions[expression_count++] = options.operands[0];
    }
    for (int i = 0; i < expression_count; i++) {
        if (!add_pattern(&grep, expressions[i])) {
            return 2;
        }
    }
    int files = options.operand_count - first;
    grep.with_names = (grep.with_names || files > 1 || grep.recursive) && !grep.without_names;
    for (int i = first; i < options.operand_count && !run_is_dead(call->run); i++) {
        grep.recursive ? search_below(&grep, options.operands[i]) : search_path(&grep, options.operands[i]);
    }
    if (files == 0) {
        grep.recursive ? search_below(&grep, ".") : search_path(&grep, "-");
    }
    return grep.found && (grep.quiet || !grep.failed) ? 0 : grep.failed ? 2 : 1;
}
