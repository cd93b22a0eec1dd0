/* Commands that count or search what lies on the disk: df, du, find. */
#include <string.h>

#include "fakes/host/command.h"
#include "fakes/host/number.h"
#include "fakes/host/pattern.h"

/* ---- df ---- */

enum df_column { DF_SOURCE, DF_TYPE, DF_SIZE, DF_USED, DF_AVAILABLE, DF_PERCENT, DF_TARGET, DF_COLUMNS };

/* What --output=LIST calls the columns, and their titles. */
static const struct {
    const char *name;
    const char *title;
    bool left;
} df_columns[DF_COLUMNS] = {
    [DF_SOURCE] = {"source", "Filesystem", true}, [DF_TYPE] = {"fstype", "Type", true},
    [DF_SIZE] = {"size", "Size", false},          [DF_USED] = {"used", "Used", false},
    [DF_AVAILABLE] = {"avail", "Avail", false},   [DF_PERCENT] = {"pcent", "Use%", false},
    [DF_TARGET] = {"target", "Mounted on", true},
};

struct df {
    struct call *call;
    enum df_column columns[DF_COLUMNS];
    int32_t column_count;
    bool human;
    bool listed; /* --output: titles are those of the columns */
    int64_t block_bytes;
    const char *block_name; /* "1K", "1" */
};

enum { DF_ROWS = 2, DF_CELL_SIZE = 64 };

struct file_system {
    const char *source;
    const char *type;
    const char *target;
    int64_t size;
    int64_t used;
    int64_t available;
};

static void append_bytes(const struct df *df, struct buffer *out, int64_t bytes)
{
    if (df->human) {
        number_append_human(out, bytes);
    } else {
        buffer_printf(out, "%lld", (long long)((bytes + df->block_bytes - 1) / df->block_bytes));
    }
}

/* Whole percents, rounded up. */
static int64_t percent_up(int64_t part, int64_t whole)
{
    int64_t percent = whole <= 0 ? 0 : scale_rounded(part, 100, whole);
    bool rounded_down = whole > 0 && scale_rounded(percent, whole, 100) < part;
    return percent + rounded_down;
}

static void fill_cell(const struct df *df, const struct file_system *system, enum df_column column, char *cell)
{
    struct buffer out;
    buffer_init_fixed(&out, cell, DF_CELL_SIZE);
    switch (column) {
    case DF_SOURCE:
        buffer_append_text(&out, system->source);
        break;
    case DF_TYPE:
        buffer_append_text(&out, system->type);
        break;
    case DF_SIZE:
        append_bytes(df, &out, system->size);
        break;
    case DF_USED:
        append_bytes(df, &out, system->used);
        break;
    case DF_AVAILABLE:
        append_bytes(df, &out, system->available);
        break;
    case DF_PERCENT:
        buffer_printf(&out, "%lld%%", (long long)percent_up(system->used, system->used + system->available));
        break;
    default:
        buffer_append_text(&out, system->target);
    }
}

static void fill_title(const struct df *df, enum df_column column, char *cell)
{
    bool counts = column == DF_SIZE && !df->human;
    if (counts) {
        (void)text_format(cell, DF_CELL_SIZE, "%s-blocks", df->block_name);
    } else {
        bool spelled = column == DF_AVAILABLE && !df->human && !df->listed;
        (void)text_copy(cell, DF_CELL_SIZE, spelled ? "Available" : df_columns[column].title);
    }
}

static void print_table(const struct df *df, const struct file_system *systems, int32_t count)
{
    static const int least_width[DF_COLUMNS] = {
        [DF_SOURCE] = 14, [DF_TYPE] = 4, [DF_SIZE] = 5, [DF_USED] = 5, [DF_AVAILABLE] = 5, [DF_PERCENT] = 4};
    char cells[1 + DF_ROWS][DF_COLUMNS][DF_CELL_SIZE];
    int widths[DF_COLUMNS];
    for (int32_t c = 0; c < df->column_count; c++) {
        enum df_column column = df->columns[c];
        fill_title(df, column, cells[0][c]);
        widths[c] = least_width[column];
        for (int32_t row = 0; row <= count; row++) {
            if (row > 0) {
                fill_cell(df, &systems[row - 1], column, cells[row][c]);
            }
            int length = (int)strlen(cells[row][c]);
            widths[c] = length > widths[c] ? length : widths[c];
        }
    }
    for (int32_t row = 0; row <= count; row++) {
        for (int32_t c = 0; c < df->column_count; c++) {
            bool left = df_columns[df->columns[c]].left;
            bool last = c == df->column_count - 1;
            buffer_append_text(df->call->out, c > 0 ? " " : "");
            append_padded(df->call->out, span_of(cells[row][c]), left && last ? 0 : left ? -widths[c] : widths[c]);
        }
        buffer_append_char(df->call->out, '\n');
    }
}

static bool choose_columns(struct df *df, const char *list)
{
    df->column_count = 0;
    df->listed = true;
    while (*list != '\0' && df->column_count < DF_COLUMNS) {
        size_t length = strcspn(list, ",");
        int32_t column = 0;
        while (column < DF_COLUMNS && !span_equals((struct span){list, length}, df_columns[column].name)) {
            column++;
        }
        if (column == DF_COLUMNS) {
            (void)call_usage(df->call, 1, "option --output: field '%.*s' unknown", (int)length, list);
            return false;
        }
        df->columns[df->column_count++] = (enum df_column)column;
        list += length + (list[length] == ',');
    }
    return true;
}

static bool set_block(struct df *df, const char *text)
{
    df->block_name = text;
    if (strcmp(text, "M") == 0 || strcmp(text, "G") == 0 || strcmp(text, "K") == 0) {
        df->block_bytes = text[0] == 'K' ? 1024 : text[0] == 'M' ? 1024 * 1024 : 1024 * 1024 * 1024;
        df->block_name = text[0] == 'K' ? "1K" : text[0] == 'M' ? "1M" : "1G";
        return true;
    }
    if (number_parse_size(span_of(text), &df->block_bytes) && df->block_bytes > 0) {
        df->block_name = df->block_bytes == 1 ? "1B" : text;
        return true;
    }
    call_complain(df->call, "invalid -B argument '%s'\n", text);
    return false;
}

static bool read_df_options(struct df *df, struct option_reader *options, bool *with_type)
{
    for (char letter = options_next(options); letter != 0; letter = options_next(options)) {
        df->human = df->human || letter == 'h';
        *with_type = *with_type || letter == 'T';
        if (letter == 'm' || letter == 'k') {
            (void)set_block(df, letter == 'm' ? "M" : "K");
        } else if ((letter == 'B' && !set_block(df, options->value)) ||
                   (letter == 'o' && !choose_columns(df, options->value))) {
            return false;
        }
    }
    return !options->wrong;
}

int command_df(struct call *call)
{
    static const struct long_option names[] = {
        {"human-readable", 'h'}, {"output", 'o'}, {"block-size", 'B'}, {NULL, 0}};
    struct option_reader options;
    struct df df = {.call = call, .block_bytes = 1024, .block_name = "1K"};
    bool with_type = false;
    if (!options_start(&options, call, "hTkmPaB:o:", names) || !read_df_options(&df, &options, &with_type)) {
        return 1;
    }
    for (int32_t column = 0; !df.listed && column < DF_COLUMNS; column++) {
        if (column != DF_TYPE || with_type) {
            df.columns[df.column_count++] = (enum df_column)column;
        }
    }
    const struct host *host = call->host;
    int64_t memory = scale_rounded(host->facts.ram_mib, INT64_C(1024) * 1024, 2);
    struct file_system systems[DF_ROWS] = {
        {"overlay", "overlay", "/", host->files.disk_bytes, tree_used_bytes(call->files), tree_free_bytes(call->files)},
        {"shm", "tmpfs", "/dev/shm", memory, 0, memory},
    };
    if (options.operand_count == 0) {
        print_table(&df, systems, DF_ROWS);
        return 0;
    }
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *node;
        enum tree_error error = call_find(call, options.operands[i], true, &node);
        if (error != TREE_OK) {
            status = call_fail_path(call, "", options.operands[i], error);
        }
    }
    if (status == 0) {
        print_table(&df, systems, 1);
    }
    return status;
}

/* ---- du ---- */

struct du {
    struct call *call;
    bool human;
    bool all;
    bool apparent;
    int64_t block_bytes;
    int64_t deepest; /* -1: all */
};

static int64_t weight(const struct du *du, const struct tree_node *node)
{
    if (du->apparent || node->kind != TREE_FILE) {
        return node->kind == TREE_DEVICE || (node->kind == TREE_SYMLINK && !du->apparent) ? 0 : tree_size(node);
    }
    int64_t bytes = (int64_t)node->content.length + (node->hole_reserved ? node->hole_bytes : 0);
    return (bytes + TREE_BLOCK_BYTES - 1) / TREE_BLOCK_BYTES * TREE_BLOCK_BYTES;
}

static void print_usage(const struct du *du, int64_t bytes, const char *path)
{
    if (du->human) {
        number_append_human(du->call->out, bytes);
    } else {
        buffer_printf(du->call->out, "%lld", (long long)((bytes + du->block_bytes - 1) / du->block_bytes));
    }
    buffer_printf(du->call->out, "\t%s\n", path);
}

/* What lies at and below `top`, added up. */
static int64_t total_weight(const struct du *du, const struct tree_node *top)
{
    int64_t total = weight(du, top);
    for (const struct tree_node *node = tree_walk(top, top); node != NULL; node = tree_walk(top, node)) {
        total += weight(du, node);
        if (!run_work(du->call->run, 1)) {
            break;
        }
    }
    return total;
}

/* Children before their parents, as du has it: a walk that looks back when it climbs. */
static void print_below(const struct du *du, struct tree_node *top, const char *path)
{
    struct buffer *name = call_scratch(du->call);
    if (name == NULL) {
        return;
    }
    tree_append_path(top, name);
    size_t skipped = top->parent == NULL ? 0 : name->length;
    struct tree_node *node = top;
    bool entered = false;
    while (!run_is_dead(du->call->run)) {
        if (!entered && node->first_child != NULL) {
            node = node->first_child;
            continue;
        }
        bool listed = node == top || node->kind == TREE_DIRECTORY || du->all;
        if (listed && (du->deepest < 0 || tree_depth(node, top) <= du->deepest)) {
            buffer_clear(name);
            tree_append_path(node, name);
            struct buffer *shown = call_scratch(du->call);
            if (shown == NULL) {
                return;
            }
            buffer_printf(shown, "%s%s", path, node == top ? "" : buffer_text(name) + skipped);
            print_usage(du, total_weight(du, node), buffer_text(shown));
        }
        if (node == top) {
            return;
        }
        entered = node->next == NULL;
        node = entered ? node->parent : node->next;
    }
}

int command_du(struct call *call)
{
    static const struct long_option names[] = {{"human-readable", 'h'}, {"summarize", 's'}, {"max-depth", 'd'},
                                               {"apparent-size", 'A'},  {"bytes", 'b'},     {NULL, 0}};
    struct option_reader options;
    struct du du = {.call = call, .block_bytes = 1024, .deepest = -1};
    if (!options_start(&options, call, "hsabkmAd:xc", names)) {
        return 1;
    }
    for (char letter = options_next(&options); letter != 0; letter = options_next(&options)) {
        du.human = du.human || letter == 'h';
        du.all = du.all || letter == 'a';
        du.apparent = du.apparent || letter == 'A' || letter == 'b';
        du.block_bytes = letter == 'b' ? 1 : letter == 'm' ? INT64_C(1024) * 1024 : du.block_bytes;
        du.deepest = letter == 's' ? 0 : du.deepest;
        if (letter == 'd' && !number_parse(span_of(options.value), &du.deepest)) {
            return call_usage(call, 1, "invalid maximum depth '%s'", options.value);
        }
    }
    if (options.wrong) {
        return 1;
    }
    options_default(&options, ".");
    int status = 0;
    for (int i = 0; i < options.operand_count; i++) {
        struct tree_node *top;
        enum tree_error error = call_find(call, options.operands[i], false, &top);
        if (error != TREE_OK) {
            status = call_fail_path(call, "cannot access ", options.operands[i], error);
        } else {
            print_below(&du, top, options.operands[i]);
        }
    }
    return status;
}

/* ---- find ---- */

struct find {
    struct call *call;
    const char *name;
    bool ignore_case;
    char type;
    int64_t deepest;
    int64_t least;
    bool deletes;
    char terminator;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool name_matches(const struct find *find, const char *name)
{
    if (!find->ignore_case) {
        return glob_matches(span_of(find->name), span_of(name));
    }
    char folded[2][TREE_NAME_LIMIT + 1];
    const char *texts[2] = {find->name, name};
    for (int i = 0; i < 2; i++) {
        (void)text_copy(folded[i], sizeof folded[i], texts[i]);
        for (char *c = folded[i]; *c != '\0'; c++) {
            *c = lower(*c);
        }
    }
    return glob_matches(span_of(folded[0]), span_of(folded[1]));
}

static bool fits(const struct find *find, const struct tree_node *node, const char *shown_name, int32_t depth)
{
    static const char letters[] = {
        [TREE_FILE] = 'f', [TREE_DIRECTORY] = 'd', [TREE_SYMLINK] = 'l', [TREE_DEVICE] = 'c'};
    return (find->type == '\0' || find->type == letters[node->kind]) && depth >= find->least &&
           (find->name == NULL || name_matches(find, shown_name));
}

static void find_below(const struct find *find, const char *path, struct tree_node *top)
{
    struct call *call = find->call;
    struct buffer *name = call_scratch(call);
    if (name == NULL) {
        return;
    }
    tree_append_path(top, name);
    size_t skipped = top->parent == NULL ? 0 : name->length;
    struct span given = span_of(path);
    while (given.length > 0 && given.at[given.length - 1] == '/') {
        given.length--;
    }
    struct tree_node *node = top;
    while (node != NULL && run_work(call->run, 64)) {
        int32_t depth = tree_depth(node, top);
        struct tree_node *next = tree_walk(top, node);
        bool too_deep = find->deepest >= 0 && depth > find->deepest;
        if (!too_deep &&
            fits(find, node, node == top ? (node->parent == NULL ? "/" : node->name) : node->name, depth)) {
            if (find->deletes && node->first_child == NULL && node != top) {
                (void)tree_remove(call->files, node, call->run->now.unix_ns);
            } else if (!find->deletes && node == top) {
                buffer_append_text(call->out, path);
                buffer_append_char(call->out, find->terminator);
            } else if (!find->deletes) {
                buffer_clear(name);
                tree_append_path(node, name);
                append_span(call->out, given);
                buffer_append_text(call->out, buffer_text(name) + skipped);
                buffer_append_char(call->out, find->terminator);
            }
        }
        node = next;
    }
}

/* One test of the expression; returns how many words it took, 0 after a message. */
static int read_test(struct find *find, char **words)
{
    struct call *call = find->call;
    const char *word = words[0];
    static const char *const with_value[] = {"-name", "-iname", "-type", "-maxdepth", "-mindepth"};
    size_t which = 0;
    while (which < ARRAY_LENGTH(with_value) && strcmp(word, with_value[which]) != 0) {
        which++;
    }
    if (which < ARRAY_LENGTH(with_value) && words[1] == NULL) {
        call_complain(call, "missing argument to `%s'\n", word);
        return 0;
    }
    bool valid = true;
    if (which <= 1) {
        find->name = words[1];
        find->ignore_case = which == 1;
    } else if (which == 2) {
        find->type = words[1][0];
    } else if (which <= 4) {
        valid = number_parse(span_of(words[1]), which == 3 ? &find->deepest : &find->least);
    } else if (strcmp(word, "-delete") == 0) {
        find->deletes = true;
    } else if (strcmp(word, "-print0") == 0) {
        find->terminator = '\0';
    } else if (strcmp(word, "-print") != 0) {
        call_complain(call, "unknown predicate `%s'\n", word);
        return 0;
    }
    if (!valid) {
        call_complain(call, "Expected a positive decimal integer argument to %s, but got '%s'\n", word, words[1]);
        return 0;
    }
    return which < ARRAY_LENGTH(with_value) ? 2 : 1;
}

int command_find_files(struct call *call)
{
    struct find find = {.call = call, .deepest = -1, .terminator = '\n'};
    int paths = 1;
    while (paths < call->argc && call->argv[paths][0] != '-') {
        paths++;
    }
    for (int i = paths; i < call->argc;) {
        int taken = read_test(&find, &call->argv[i]);
        if (taken == 0) {
            return 1;
        }
        i += taken;
    }
    int status = 0;
    for (int i = 1; i < paths || (i == 1 && paths == 1); i++) {
        const char *path = paths == 1 ? "." : call->argv[i];
        struct tree_node *top;
        enum tree_error error = call_find(call, path, false, &top);
        if (error != TREE_OK) {
            call_complain(call, "'%s': %s\n", path, tree_error_text(error));
            status = 1;
        } else {
            find_below(&find, path, top);
        }
    }
    return status;
}
