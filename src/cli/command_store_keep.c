/* dumont store ls, rm, sweep and usage. */
#include <string.h>

#include "b2/keeping.h"
#include "base/utf8.h"
#include "cli/store.h"

enum { ROWS_SIZE_MAX = 192 * 1024 * 1024, USD_DIGITS = 9 };

/* Rows as they come, as JSON or as text. */
struct rows {
    struct store_command *command;
    struct buffer text;
    struct json_writer writer;
    int64_t count, bytes;
};

/* All that the key may see, unless less is asked for. */
static const char *prefix_of(const struct store_command *command)
{
    return command->argument_count == 0 ? command->b2.account.name_prefix : command->arguments[0];
}

static enum error_code may_list(const struct store_command *command, struct error *error)
{
    enum error_code code = b2_allows(&command->b2, "listFiles", error);
    return code == ERR_OK ? b2_allows_name(&command->b2, prefix_of(command), error) : code;
}

static const char *action_name(enum b2_action action)
{
    static const char *const names[] = {"upload", "start", "hide", "folder", "other"};
    return names[action];
}

static void add_text(struct buffer *out, const struct b2_file *file, bool with_action)
{
    char name[B2_NAME_SIZE];
    clean_copy(name, sizeof name, file->name);
    if (with_action) {
        buffer_printf(out, "%-6s  ", action_name(file->action));
    }
    buffer_printf(out, "%14lld  ", (long long)file->size);
    wall_time_append(out, (struct wall_time){scale_rounded(file->uploaded_unix_ms, NS_PER_MS, 1)}, 0);
    buffer_printf(out, "  %s\n", name);
}

static bool add_row(void *context, const struct b2_file *file)
{
    struct rows *rows = context;
    const struct dumont_values *values = rows->command->values;
    if (values->json) {
        json_begin_object(&rows->writer);
        json_member_string(&rows->writer, "action", action_name(file->action));
        store_write_file(&rows->writer, file);
        json_end_object(&rows->writer);
    } else {
        add_text(&rows->text, file, values->versions);
    }
    rows->count++;
    rows->bytes = saturating_add(rows->bytes, file->size);
    return !rows->text.failed;
}

static void begin_rows(struct rows *rows, struct store_command *command)
{
    rows->command = command;
    buffer_init(&rows->text, command->heap, ROWS_SIZE_MAX);
    json_writer_init(&rows->writer, &rows->text, 0);
    if (command->values->json) {
        json_begin_array(&rows->writer);
    }
}

static enum error_code end_rows(struct rows *rows, enum error_code code, struct error *error)
{
    if (rows->command->values->json) {
        json_end_array(&rows->writer);
    }
    return code == ERR_OK && rows->text.failed ? error_set(error, ERR_NO_MEMORY, "no memory for so long a list") : code;
}

static void write_rows(const struct store_command *command, struct json_writer *writer, const struct rows *rows)
{
    json_key(writer, "files");
    if (command->error.code == ERR_OK && rows->text.length > 0) {
        json_raw(writer, (struct span){buffer_text(&rows->text), rows->text.length});
    } else {
        json_null(writer);
    }
}

/* ---- ls ------------------------------------------------------------------------------------------------------------------ */

static enum error_code ls(struct store_command *command, struct error *error)
{
    struct rows *rows = command->result;
    enum error_code code = may_list(command, error);
    begin_rows(rows, command);
    if (code == ERR_OK) {
        code = b2_list(&command->call, command->values->versions ? B2_LIST_VERSIONS : B2_LIST_NAMES, prefix_of(command),
                       add_row, rows, error);
    }
    return end_rows(rows, code, error);
}

static void write_ls_json(const struct store_command *command, struct json_writer *writer)
{
    const struct rows *rows = command->result;
    write_rows(command, writer, rows);
    json_member_int(writer, "count", rows->count);
    json_member_int(writer, "bytes", rows->bytes);
}

static void write_ls_text(const struct store_command *command, struct buffer *out)
{
    const struct rows *rows = command->result;
    buffer_append(out, buffer_text(&rows->text), rows->text.length);
}

enum exit_status dumont_store_ls(void *context, const struct command_line *line)
{
    struct rows rows = {.count = 0};
    struct store_command command = {.values = context,
                                    .arguments = line->arguments,
                                    .argument_count = line->argument_count,
                                    .work = ls,
                                    .json = write_ls_json,
                                    .text = write_ls_text,
                                    .result = &rows};
    return store_run(&command);
}

/* ---- rm ------------------------------------------------------------------------------------------------------------------ */

struct removals {
    int64_t names, versions, bytes;
};

static bool count_one(void *context, const struct b2_file *file)
{
    struct removals *removals = context;
    removals->versions++;
    removals->bytes = saturating_add(removals->bytes, file->size);
    return true;
}

/* Versions of the very name: others may begin with it. */
struct counting {
    const char *name;
    struct removals *removals;
};

static bool count_version(void *context, const struct b2_file *file)
{
    struct counting *counting = context;
    return strcmp(file->name, counting->name) == 0 && count_one(counting->removals, file);
}

static enum error_code rm_one(struct store_command *command, const char *name, struct error *error)
{
    struct removals *removals = command->result;
    struct b2_removal removal = {0};
    enum error_code code;
    if (command->values->dry_run) {
        int64_t before = removals->versions;
        struct counting counting = {name, removals};
        code = b2_list(&command->call, B2_LIST_VERSIONS, name, count_version, &counting, error);
        bool none = code == ERR_OK && removals->versions == before;
        return none ? error_set(error, ERR_NO_SUCH_FILE, "%.150s: %s", name, error_sentence(ERR_NO_SUCH_FILE)) : code;
    }
    if (command->values->hide) {
        return b2_hide_file(&command->call, name, error);
    }
    const char *id = command->values->version_id;
    code = id == NULL ? b2_remove(&command->call, name, &removal, error)
                      : b2_remove_version(&command->call, name, id, &removal, error);
    removals->versions += removal.versions;
    removals->bytes += removal.bytes;
    return code;
}

static enum error_code check_name(struct store_command *command, const char *name, struct error *error)
{
    const char *mistake = b2_name_mistake(name);
    return mistake == NULL ? b2_allows_name(&command->b2, name, error)
                           : error_set(error, ERR_USAGE, "not a name in the store: %s", mistake);
}

static enum error_code rm(struct store_command *command, struct error *error)
{
    struct removals *removals = command->result;
    bool hide = command->values->hide;
    enum error_code code = b2_allows(&command->b2, hide ? "writeFiles" : "deleteFiles", error);
    code = code == ERR_OK && !hide ? b2_allows(&command->b2, "listFiles", error) : code;
    for (size_t i = 0; i < command->argument_count && code == ERR_OK; i++) {
        code = check_name(command, command->arguments[i], error);
    }
    struct error missing = {
        .code = ERR_OK}; /* the first of the names that are not there: the others are removed all the same */
    for (size_t i = 0; i < command->argument_count && code == ERR_OK; i++) {
        code = rm_one(command, command->arguments[i], error);
        removals->names += code == ERR_OK ? 1 : 0;
        if (code == ERR_NO_SUCH_FILE) {
            missing = missing.code == ERR_OK ? *error : missing;
            code = ERR_OK;
        }
    }
    if (code == ERR_OK && missing.code != ERR_OK) {
        *error = missing;
        code = missing.code;
    }
    if (code != ERR_OK && command->argument_count > 1 && error->next_step[0] == '\0') {
        error_advise(error, "%lld of %zu names were %s", (long long)removals->names, command->argument_count,
                     command->values->dry_run ? "found"
                     : hide                   ? "hidden"
                                              : "deleted");
    }
    return code;
}

static void write_rm_json(const struct store_command *command, struct json_writer *writer)
{
    const struct removals *removals = command->result;
    json_member_bool(writer, "dry_run", command->values->dry_run);
    json_member_bool(writer, "hidden", command->values->hide);
    json_member_int(writer, "names", removals->names);
    json_member_int(writer, "versions", removals->versions);
    json_member_int(writer, "bytes", removals->bytes);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void write_rm_text(const struct store_command *command, struct buffer *out)
{
    const struct removals *removals = command->result;
    if (command->values->hide) {
        buffer_printf(out, "hidden: %lld name%s; the versions stay and cost\n", (long long)removals->names,
                      plural(removals->names));
        return;
    }
    buffer_printf(out, "%s %lld name%s: %lld version%s, %lld bytes\n",
                  command->values->dry_run ? "would delete" : "deleted", (long long)removals->names,
                  plural(removals->names), (long long)removals->versions, plural(removals->versions),
                  (long long)removals->bytes);
}

enum exit_status dumont_store_rm(void *context, const struct command_line *line)
{
    struct removals removals = {0};
    struct error error;
    const struct dumont_values *values = context;
    if (values->version_id != NULL && (line->argument_count != 1 || values->hide || values->dry_run)) {
        (void)error_set(&error, ERR_USAGE, "--version-id goes with one NAME, and not with --hide or --dry-run");
        return say_error(DUMONT_NAME, &error);
    }
    struct store_command command = {.values = context,
                                    .arguments = line->arguments,
                                    .argument_count = line->argument_count,
                                    .acts = true,
                                    .work = rm,
                                    .json = write_rm_json,
                                    .text = write_rm_text,
                                    .result = &removals};
    return store_run(&command);
}

/* ---- sweep --------------------------------------------------------------------------------------------------------------- */

struct sweeping {
    struct b2_sweep sweep;
    struct rows rows;
};

static enum error_code sweep(struct store_command *command, struct error *error)
{
    struct sweeping *sweeping = command->result;
    begin_rows(&sweeping->rows, command);
    sweeping->sweep = (struct b2_sweep){.grace_ns = command->values->sweep_grace_ns,
                                        .dry_run = command->values->dry_run,
                                        .visit = add_row,
                                        .context = &sweeping->rows};
    enum error_code code = may_list(command, error);
    code = code == ERR_OK ? b2_allows(&command->b2, "writeFiles", error) : code;
    code = code == ERR_OK ? b2_sweep_unfinished(&command->call, prefix_of(command), &sweeping->sweep, error) : code;
    return end_rows(&sweeping->rows, code, error);
}

static void write_sweep_json(const struct store_command *command, struct json_writer *writer)
{
    const struct sweeping *sweeping = command->result;
    json_member_bool(writer, "dry_run", command->values->dry_run);
    write_rows(command, writer, &sweeping->rows);
    json_member_int(writer, "cancelled", sweeping->sweep.cancelled);
    json_member_int(writer, "spared_as_young", sweeping->sweep.too_young);
    json_member_int(writer, "not_ours", sweeping->sweep.foreign);
}

static void write_sweep_text(const struct store_command *command, struct buffer *out)
{
    const struct sweeping *sweeping = command->result;
    buffer_append(out, buffer_text(&sweeping->rows.text), sweeping->rows.text.length);
    buffer_printf(out, "%s %lld unfinished files; %lld are younger than the grace, %lld are not of ours\n",
                  command->values->dry_run ? "would cancel" : "cancelled", (long long)sweeping->sweep.cancelled,
                  (long long)sweeping->sweep.too_young, (long long)sweeping->sweep.foreign);
}

enum exit_status dumont_store_sweep(void *context, const struct command_line *line)
{
    struct sweeping sweeping = {.sweep = {.grace_ns = 0}};
    struct store_command command = {.values = context,
                                    .arguments = line->arguments,
                                    .argument_count = line->argument_count,
                                    .acts = true,
                                    .work = sweep,
                                    .json = write_sweep_json,
                                    .text = write_sweep_text,
                                    .result = &sweeping};
    return store_run(&command);
}

/* ---- usage --------------------------------------------------------------------------------------------------------------- */

static enum error_code usage(struct store_command *command, struct error *error)
{
    enum error_code code = may_list(command, error);
    return code == ERR_OK ? b2_measure(&command->call, prefix_of(command), command->result, error) : code;
}

static void write_usage_json(const struct store_command *command, struct json_writer *writer)
{
    const struct b2_usage *used = command->result;
    json_key(writer, "usage");
    if (command->error.code != ERR_OK) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_int(writer, "files", used->files);
    json_member_int(writer, "bytes", used->bytes);
    json_member_int(writer, "old_versions", used->old_versions);
    json_member_int(writer, "old_bytes", used->old_bytes);
    json_member_int(writer, "hide_markers", used->hide_markers);
    json_member_int(writer, "unfinished", used->unfinished);
    json_member_int(writer, "unfinished_bytes", used->unfinished_bytes);
    json_member_decimal(writer, "usd_per_30_days", used->nusd_per_30_days, USD_DIGITS);
    json_end_object(writer);
    json_key(writer, "price");
    json_begin_object(writer);
    json_member_decimal(writer, "usd_per_gb_30_days", b2_storage_nusd_per_gb_30_days, USD_DIGITS);
    json_member_int(writer, "free_gb", B2_FREE_BYTES_GB);
    json_member_string(writer, "from", B2_PRICES_FROM);
    json_end_object(writer);
}

static void write_usage_text(const struct store_command *command, struct buffer *out)
{
    const struct b2_usage *used = command->result;
    buffer_printf(out, "files        %12lld  %18lld bytes\n", (long long)used->files, (long long)used->bytes);
    buffer_printf(out, "old versions %12lld  %18lld bytes\n", (long long)used->old_versions,
                  (long long)used->old_bytes);
    buffer_printf(out, "unfinished   %12lld  %18lld bytes\n", (long long)used->unfinished,
                  (long long)used->unfinished_bytes);
    buffer_append_text(out, "$");
    decimal_append_rounded(out, used->nusd_per_30_days, USD_DIGITS, 4);
    buffer_append_text(out, " in 30 days at $");
    decimal_append(out, b2_storage_nusd_per_gb_30_days, USD_DIGITS, 2);
    buffer_printf(out, " per GB, the first %d GB free (" B2_PRICES_FROM ")\n", (int)B2_FREE_BYTES_GB);
}

enum exit_status dumont_store_usage(void *context, const struct command_line *line)
{
    struct b2_usage used = {0};
    struct store_command command = {.values = context,
                                    .arguments = line->arguments,
                                    .argument_count = line->argument_count,
                                    .work = usage,
                                    .json = write_usage_json,
                                    .text = write_usage_text,
                                    .result = &used};
    return store_run(&command);
}
