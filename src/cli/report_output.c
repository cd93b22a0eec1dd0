#include "cli/report_output.h"

#include "base/units.h"
#include "cli/frame.h"
#include "cli/report_folder.h"
#include "system/data_files.h"

enum { PRINTED_SIZE_MAX = 64 * 1024 * 1024 };

static enum error_code print_report(struct heap *heap, const struct report_output *output, const struct report *report,
                                    struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, PRINTED_SIZE_MAX);
    if (output->json) {
        report_write_json(report, &text);
    } else if (output->markdown) {
        report_write_markdown(report, false, &text);
    } else if (!output->quiet) {
        report_write_text(report, &text);
    }
    enum error_code code = text.failed ? error_set(error, ERR_NO_MEMORY, "no memory for the report")
                                       : print_text((struct span){buffer_text(&text), text.length}, error);
    buffer_release(&text);
    return code;
}

static enum error_code write_folder(struct heap *heap, const struct report_output *output, const struct report *report,
                                    struct span history, struct error *error)
{
    char plots_folder[FILE_PATH_SIZE];
    bool plotted;
    enum error_code code = data_folder("plots", plots_folder, error);
    if (code == ERR_OK) {
        code = report_folder_write(heap, output->folder, report, history, plots_folder, &plotted, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    if (!plotted) {
        (void)say_error(output->program_name, error);
    }
    if (!output->quiet) {
        say(output->program_name, "the report lies in %s", output->folder);
    }
    return ERR_OK;
}

enum error_code report_output_write(struct heap *heap, const struct report_output *output, const struct report *report,
                                    struct span history, struct error *error)
{
    enum error_code code = ERR_OK;
    if (output->folder != NULL) {
        code = write_folder(heap, output, report, history, error);
    }
    struct error print_error;
    enum error_code printed = print_report(heap, output, report, &print_error);
    if (code == ERR_OK && printed != ERR_OK) {
        *error = print_error;
        return printed;
    }
    return code;
}

static void say_left(const char *program_name, const struct report_left *left)
{
    char price[32];
    struct buffer text;
    buffer_init_fixed(&text, price, sizeof price);
    decimal_append_rounded(&text, left->price_nusd_per_hour, 9, 4);
    if (left->id_known) {
        say(program_name, "a machine is left: %lld at $%s per hour; remove it: %s", (long long)left->id, price,
            left->command);
    } else {
        say(program_name, "a machine may be left, label %s, at $%s per hour; remove it: %s",
            left->label[0] == '\0' ? "unknown" : left->label, price, left->command);
    }
}

void report_say_end(const char *program_name, const struct report *report)
{
    if (report->error.known) {
        struct error error = {.code = error_by_name(report->error.code)};
        (void)text_copy(error.message, sizeof error.message, report->error.message);
        (void)text_copy(error.next_step, sizeof error.next_step, report->error.next_step);
        (void)say_error(program_name, &error);
    }
    for (size_t i = 0; i < report->left_count; i++) {
        say_left(program_name, &report->left[i]);
    }
}
