/* Commands that rearrange lines and characters: sort, uniq, tr, cut. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"

/* Everything the operands hold, one behind the other; standard input when there are none. False after a message. */
static bool read_operands(struct call *call, const struct option_reader *options, const char *prefix, struct span *out)
{
    if (options->operand_count == 0) {
        return call_read_input(call, INT64_MAX, out) == TREE_OK;
    }
    struct buffer *all = options->operand_count > 1 ? call_scratch(call) : NULL;
    for (int i = 0; i < options->operand_count; i++) {
        const char *path = options->operands[i];
        enum tree_error error = call_read(call, path, INT64_MAX, out);
        if (error != TREE_OK) {
            call_complain(call, "%s%s: %s\n", prefix, path, tree_error_text(error));
            call->run->killed = call->run->killed || error == TREE_NO_MEMORY;
            return false;
        }
        if (all != NULL) {
            append_span(all, *out);
        }
    }
    if (all != NULL) {
        *out = (struct span){buffer_text(all), all->length};
    }
    return !run_is_dead(call->run);
}

/* ---- sort ---- */

struct sort_order {
    bool reverse;
    bool numeric;
    bool human;
    bool unique;
    int64_t key;    /* field to sort by, from 1; 0: the line */
    char separator; /* 0: blanks */
};

static struct span field_of(struct span line, const struct sort_order *order)
{
    size_t at = 0;
    for (int64_t skipped = 1; skipped < order->key && at < line.length; skipped++) {
        if (order->separator != 0) {
            const char *end = memchr(line.at + at, order->separator, line.length - at);
            at = end == NULL ? line.length : (size_t)(end - line.at) + 1;
            continue;
        }
        while (at < line.length && (line.at[at] == ' ' || line.at[at] == '\t')) {
            at++;
        }
        while (at < line.length && line.at[at] != ' ' && line.at[at] != '\t') {
            at++;
        }
    }
    return (struct span){line.at + at, line.length - at};
}

/* The number that a text begins with, in millionths; with `human`, a suffix counts. */
static int64_t leading_number(struct span text, bool human)
{
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.length--;
    }
    size_t length = text.length > 0 && text.at[0] == '-';
    while (length < text.length && ((text.at[length] >= '0' && text.at[length] <= '9') || text.at[length] == '.')) {
        length++;
    }
    int64_t value = 0;
    if (!decimal_parse((struct span){text.at, length}, 6, &value)) {
        return 0;
    }
    const char *suffix = human && length < text.length ? strchr("KMGTPE", text.at[length]) : NULL;
    static const char letters[] = "KMGTPE";
    for (const char *step = letters; suffix != NULL && *step != '\0'; step++) {
        value = scale_rounded(value, 1024, 1);
        if (*step == *suffix) {
            break;
        }
    }
    return value;
}

static int compare_bytes(struct span a, struct span b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter == 0 ? 0 : memcmp(a.at, b.at, shorter);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_keys(const struct sort_order *order, struct span a, struct span b)
{
    struct span key_a = field_of(a, order);
    struct span key_b = field_of(b, order);
    int result;
    if (order->numeric || order->human) {
        int64_t number_a = leading_number(key_a, order->human);
        int64_t number_b = leading_number(key_b, order->human);
        result = (number_a > number_b) - (number_a < number_b);
    } else {
        result = compare_bytes(key_a, key_b);
    }
    return result;
}

static int compare_lines(const struct sort_order *order, struct span a, struct span b)
{
    int result = compare_keys(order, a, b);
    if (result == 0 && !order->unique) {
        result = compare_bytes(a, b);
    }
    return order->reverse ? -result : result;
}

/* Merge sort from the bottom up: stable, no recursion. */
static void sort_lines(const struct sort_order *order, struct span *lines, struct span *spare, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t left = start;
            size_t right = middle;
            for (size_t to = start; to < end; to++) {
                bool takes_left =
                    left < middle && (right >= end || compare_lines(order, lines[left], lines[right]) <= 0);
                spare[to] = takes_left ? lines[left++] : lines[right++];
            }
        }
        memcpy(lines, spare, count * sizeof *lines);
    }
}

static struct span *split_lines(struct call *call, struct span text, size_t *count)
{
    size_t lines = 1;
    for (size_t i = 0; i < text.length; i++) {
        lines += text.at[i] == '\n';
    }
    struct span *list = arena_alloc(&call->run->arena, lines * sizeof *list);
    *count = 0;
    struct span line;
    while (list != NULL && take_line(&text, &line, NULL)) {
        list[(*count)++] = line;
    }
    return list;
}

static int sort_text(struct call *call, const struct sort_order *order, struct span text, const char *output)
{
    size_t count;
    struct span *lines = split_lines(call, text, &count);
    struct span *spare = arena_alloc(&call->run->arena, (count + 1) * sizeof *spare);
    struct buffer *out = output == NULL ? call->out : call_scratch(call);
    if (lines == NULL || spare == NULL || out == NULL || !run_work(call->run, text.length * 16)) {
        call->run->killed = true;
        return 1;
    }
    sort_lines(order, lines, spare, count);
    for (size_t i = 0; i < count; i++) {
        if (order->unique && i > 0 && compare_keys(order, lines[i - 1], lines[i]) == 0) {
            continue;
        }
        append_span(out, lines[i]);
        buffer_append_char(out, '\n');
    }
    if (output == NULL) {
        return 0;
    }
    enum tree_error error = call_write(call, output, (struct span){buffer_text(out), out->length});
    return error == TREE_OK ? 0 : 2 * call_fail_path(call, "open failed: ", output, error);
}

int command_sort(struct call *call)
{
    static const struct long_option names[] = {{"reverse", 'r'}, {"numeric-sort", 'n'}, {"human-numeric-sort", 'h'},
                                               {"unique", 'u'},  {"key", 'k'},          {NULL, 0}};
    struct option_reader options;
    struct sort_order order = {.key = 0};
    const char *output = NULL;
    if (!options_start(&options, call, "rnhuk:t:o:sV", names)) {
        return 2;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        order.reverse = order.reverse || letter == 'r';
        order.numeric = order.numeric || letter == 'n' || letter == 'V';
        order.human = order.human || letter == 'h';
        order.unique = order.unique || letter == 'u';
        if (letter == 'k') {
            size_t digits = strspn(options.value, "0123456789");
            if (!number_parse((struct span){options.value, digits}, &order.key) || order.key < 1) {
                call_complain(call, "invalid number at field start: invalid count at start of '%s'\n", options.value);
                return 2;
            }
            order.numeric = order.numeric || strchr(options.value, 'n') != NULL;
            order.reverse = order.reverse || strchr(options.value, 'r') != NULL;
        } else if (letter == 't') {
            order.separator = options.value[0];
        } else if (letter == 'o') {
            output = options.value;
        }
    }
    struct span text;
    if (options.wrong || !read_operands(call, &options, "cannot read: ", &text)) {
        return 2;
    }
    return sort_text(call, &order, text, output);
}

/* ---- uniq ---- */

int command_uniq(struct call *call)
{
    struct option_reader options;
    bool counts = false;
    bool only_repeated = false;
    bool only_single = false;
    if (!options_start(&options, call, "cdu", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        counts = counts || letter == 'c';
        only_repeated = only_repeated || letter == 'd';
        only_single = only_single || letter == 'u';
    }
    struct span text;
    if (options.wrong || !read_operands(call, &options, "", &text)) {
        return 1;
    }
    struct span line;
    bool more = take_line(&text, &line, NULL);
    while (more) {
        struct span first = line;
        uint64_t repeats = 0;
        do {
            repeats++;
            more = take_line(&text, &line, NULL);
        } while (more && compare_bytes(first, line) == 0);
        if ((only_repeated && repeats == 1) || (only_single && repeats > 1)) {
            continue;
        }
        if (counts) {
            buffer_printf(call->out, "%7llu ", (unsigned long long)repeats);
        }
        append_span(call->out, first);
        buffer_append_char(call->out, '\n');
    }
    return 0;
}

/* ---- tr ---- */

enum { TR_SET_LIMIT = 1024 };

struct character_set {
    unsigned char list[TR_SET_LIMIT];
    size_t length;
};

static void add_character(struct character_set *set, int c)
{
    if (set->length < TR_SET_LIMIT) {
        set->list[set->length++] = (unsigned char)c;
    }
}

static bool add_class(struct character_set *set, const char **text)
{
    static const struct {
        const char *name;
        const char *characters;
    } classes[] = {
        {"[:upper:]", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"[:lower:]", "abcdefghijklmnopqrstuvwxyz"},
        {"[:digit:]", "0123456789"},
        {"[:alpha:]", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
        {"[:alnum:]", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"},
        {"[:space:]", "\t\n\v\f\r "},
        {"[:blank:]", "\t "},
        {"[:punct:]", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++) {
        size_t length = strlen(classes[i].name);
        if (strncmp(*text, classes[i].name, length) == 0) {
            for (const char *c = classes[i].characters; *c != '\0'; c++) {
                add_character(set, *c);
            }
            *text += length;
            return true;
        }
    }
    return false;
}

static int take_character(const char **text)
{
    static const char letters[] = "abfnrtv\\";
    static const char values[] = "\a\b\f\n\r\t\v\\";
    char c = *(*text)++;
    if (c != '\\' || **text == '\0') {
        return (unsigned char)c;
    }
    size_t digits = strspn(*text, "01234567");
    if (digits > 0) {
        uint32_t value = 0;
        (void)number_parse_octal((struct span){*text, digits > 3 ? 3 : digits}, &value);
        *text += digits > 3 ? 3 : digits;
        return (int)(value & 0xff);
    }
    c = *(*text)++;
    const char *found = strchr(letters, c);
    return found == NULL ? (unsigned char)c : values[found - letters];
}

static void parse_set(struct character_set *set, const char *text)
{
    set->length = 0;
    while (*text != '\0') {
        if (add_class(set, &text)) {
            continue;
        }
        int first = take_character(&text);
        int last = first;
        if (text[0] == '-' && text[1] != '\0') {
            text++;
            last = take_character(&text);
        }
        for (int c = first; c <= last; c++) {
            add_character(set, c);
        }
    }
}

static void complement(struct character_set *set)
{
    bool present[256] = {false};
    for (size_t i = 0; i < set->length; i++) {
        present[set->list[i]] = true;
    }
    set->length = 0;
    for (int c = 0; c < 256; c++) {
        if (!present[c]) {
            add_character(set, c);
        }
    }
}

struct translation {
    bool deletes[256];
    bool squeezes[256];
    unsigned char to[256];
};

static void translate(struct call *call, const struct translation *translation, struct span text)
{
    int last = -1;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (translation->deletes[c]) {
            continue;
        }
        c = translation->to[c];
        if (!(translation->squeezes[c] && c == last)) {
            buffer_append_char(call->out, (char)c);
        }
        last = c;
    }
}

static void fill_translation(struct translation *translation, const struct character_set *first,
                             const struct character_set *second, bool deletes, bool squeezes)
{
    const struct character_set *squeezed = second->length > 0 ? second : first;
    for (size_t i = 0; squeezes && i < squeezed->length; i++) {
        translation->squeezes[squeezed->list[i]] = true;
    }
    for (size_t i = 0; i < first->length; i++) {
        translation->deletes[first->list[i]] = deletes;
        if (!deletes && second->length > 0) {
            translation->to[first->list[i]] = second->list[i < second->length ? i : second->length - 1];
        }
    }
}

int command_tr(struct call *call)
{
    struct option_reader options;
    bool deletes = false;
    bool squeezes = false;
    bool complements = false;
    if (!options_start(&options, call, "+dscC", NULL)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        deletes = deletes || letter == 'd';
        squeezes = squeezes || letter == 's';
        complements = complements || letter == 'c' || letter == 'C';
    }
    if (options.wrong || options.operand_count == 0) {
        return options.wrong ? 1 : call_usage(call, 1, "missing operand");
    }
    if (options.operand_count == 1 && !deletes && !squeezes) {
        return call_usage(call, 1, "missing operand after '%s'\nTwo strings must be given when translating.",
                          options.operands[0]);
    }
    struct character_set first;
    struct character_set second = {.length = 0};
    parse_set(&first, options.operands[0]);
    if (complements) {
        complement(&first);
    }
    if (options.operand_count > 1) {
        parse_set(&second, options.operands[1]);
    }
    struct translation translation = {.deletes = {false}};
    for (int c = 0; c < 256; c++) {
        translation.to[c] = (unsigned char)c;
    }
    fill_translation(&translation, &first, &second, deletes, squeezes);
    struct span text;
    if (call_read_input(call, INT64_MAX, &text) != TREE_OK) {
        call->run->killed = true;
        return 1;
    }
    translate(call, &translation, text);
    return 0;
}

/* ---- cut ---- */

enum { CUT_RANGES_LIMIT = 64 };

struct cut_list {
    int64_t first[CUT_RANGES_LIMIT];
    int64_t last[CUT_RANGES_LIMIT];
    int32_t count;
    bool fields;
    char delimiter;
    bool only_delimited;
};

static bool parse_ranges(struct cut_list *list, const char *text)
{
    for (list->count = 0; list->count < CUT_RANGES_LIMIT;) {
        size_t length = strcspn(text, ",");
        struct span range = {text, length};
        const char *dash = length == 0 ? NULL : memchr(text, '-', length);
        struct span low = {text, dash == NULL ? length : (size_t)(dash - text)};
        struct span high = dash == NULL ? low : (struct span){dash + 1, length - low.length - 1};
        int64_t *first = &list->first[list->count];
        int64_t *last = &list->last[list->count++];
        *first = 1;
        *last = INT64_MAX;
        if (range.length == 0 || (low.length > 0 && (!number_parse(low, first) || *first < 1)) ||
            (high.length > 0 && !number_parse(high, last)) || (low.length == 0 && high.length == 0)) {
            return false;
        }
        if (text[length] == '\0') {
            return true;
        }
        text += length + 1;
    }
    return false;
}

static bool is_selected(const struct cut_list *list, int64_t position)
{
    for (int32_t i = 0; i < list->count; i++) {
        if (list->first[i] <= position && position <= list->last[i]) {
            return true;
        }
    }
    return false;
}

static void cut_line(struct call *call, const struct cut_list *list, struct span line)
{
    if (!list->fields) {
        for (size_t i = 0; i < line.length; i++) {
            if (is_selected(list, (int64_t)i + 1)) {
                buffer_append_char(call->out, line.at[i]);
            }
        }
    } else if (line.length == 0 || memchr(line.at, list->delimiter, line.length) == NULL) {
        if (list->only_delimited) {
            return;
        }
        append_span(call->out, line);
    } else {
        bool any = false;
        for (int64_t field = 1;; field++) {
            const char *end = line.length == 0 ? NULL : memchr(line.at, list->delimiter, line.length);
            size_t length = end == NULL ? line.length : (size_t)(end - line.at);
            if (is_selected(list, field)) {
                buffer_append(call->out, &list->delimiter, any);
                append_span(call->out, (struct span){line.at, length});
                any = true;
            }
            if (end == NULL) {
                break;
            }
            line.at = end + 1;
            line.length -= length + 1;
        }
    }
    buffer_append_char(call->out, '\n');
}

int command_cut(struct call *call)
{
    struct option_reader options;
    struct cut_list list = {.delimiter = '\t'};
    static const struct long_option names[] = {{"delimiter", 'd'}, {"fields", 'f'}, {"characters", 'c'}, {NULL, 0}};
    if (!options_start(&options, call, "d:f:c:b:s", names)) {
        return 1;
    }
    bool valid = true;
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        if (letter == 'd') {
            list.delimiter = options.value[0];
        } else if (letter == 's') {
            list.only_delimited = true;
        } else {
            list.fields = letter == 'f';
            valid = valid && parse_ranges(&list, options.value);
        }
    }
    if (options.wrong) {
        return 1;
    }
    if (!valid) {
        return call_usage(call, 1, "invalid %s range", list.fields ? "field" : "byte or character");
    }
    if (list.count == 0) {
        return call_usage(call, 1, "you must specify a list of bytes, characters, or fields");
    }
    struct span text;
    if (!read_operands(call, &options, "", &text)) {
        return 1;
    }
    struct span line;
    while (take_line(&text, &line, NULL)) {
        cut_line(call, &list, line);
    }
    return 0;
}
