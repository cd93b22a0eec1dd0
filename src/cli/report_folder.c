#include "cli/report_folder.h"

#include "base/units.h"
#include "system/files.h"
#include "world/live/process.h"

enum { DOCUMENT_SIZE_MAX = 64 * 1024 * 1024, TOOL_ERRORS_SIZE = 4096 };

static const int64_t plot_limit_ns = 60 * NS_PER_S;

static const char *const plots[] = {"timeline", "time_distribution"};
static const char *const formats[] = {"svg", "png"};

static enum error_code join(char path[FILE_PATH_SIZE], const char *folder, const char *name, const char *ending,
                            struct error *error)
{
    if (!text_format(path, FILE_PATH_SIZE, "%s/%s%s", folder, name, ending)) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of %s is too long", name);
    }
    return ERR_OK;
}

static enum error_code write_file(const char *folder, const char *name, struct span content, struct error *error)
{
    char path[FILE_PATH_SIZE];
    enum error_code code = join(path, folder, name, "", error);
    return code == ERR_OK ? file_write(path, content, FILE_PUBLIC, error) : code;
}

static enum error_code write_buffer(const char *folder, const char *name, const struct buffer *content,
                                    struct error *error)
{
    if (content->failed) {
        return error_set(error, ERR_NO_MEMORY, "no memory for %s", name);
    }
    return write_file(folder, name, (struct span){buffer_text(content), content->length}, error);
}

static void write_markdown(const struct report *report, struct buffer *out)
{
    report_write_markdown(report, true, out);
}

static const struct {
    const char *name;
    void (*write)(const struct report *report, struct buffer *out);
} documents[] = {
    {"report.txt", report_write_text},
    {"report.md", write_markdown},
    {"report.json", report_write_json},
    {"timeline.tsv", report_write_timeline_values},
    {"time_distribution.tsv", report_write_distribution_values},
};

static enum error_code write_documents(struct heap *heap, const char *folder, const struct report *report,
                                       struct span history, struct error *error)
{
    struct buffer text;
    buffer_init(&text, heap, DOCUMENT_SIZE_MAX);
    enum error_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LENGTH(documents) && code == ERR_OK; i++) {
        buffer_clear(&text);
        documents[i].write(report, &text);
        code = write_buffer(folder, documents[i].name, &text, error);
    }
    buffer_clear(&text);
    if (code == ERR_OK) {
        code = report_write_log(history, &text, error);
    }
    if (code == ERR_OK) {
        code = write_buffer(folder, "run.log", &text, error);
    }
    buffer_release(&text);
    return code == ERR_OK ? write_file(folder, "history.jsonl", history, error) : code;
}

static enum error_code draw(struct heap *heap, const char *folder, const char *plots_folder, const char *plot,
                            const char *format, struct error *error)
{
    char settings[3 * FILE_PATH_SIZE];
    char script[FILE_PATH_SIZE];
    if (!text_format(settings, sizeof settings, "values='%s/%s.tsv'; output='%s/%s.%s'; format='%s'", folder, plot,
                     folder, plot, format, format) ||
        !text_format(script, sizeof script, "%s/%s.gp", plots_folder, plot)) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of the plot %s is too long", plot);
    }
    const char *const command[] = {"gnuplot", "-e", settings, script, NULL};
    struct buffer errors;
    buffer_init(&errors, heap, TOOL_ERRORS_SIZE);
    int exit_status = 0;
    enum error_code code = process_run(command, plot_limit_ns, &errors, &exit_status, error);
    if (code == ERR_MISSING_TOOL) {
        error_advise(error, "install it (Debian: apt-get install gnuplot-nox), then: dumont-sim plot %s", folder);
    } else if (code == ERR_OK && exit_status != 0) {
        code = error_set(error, ERR_CANNOT_WRITE, "gnuplot could not draw %s: %.200s", plot, buffer_text(&errors));
    }
    buffer_release(&errors);
    return code;
}

/* A quote in a path would end gnuplot's string. */
static bool is_plottable(const char *folder)
{
    for (const char *c = folder; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\' || *c == '\n') {
            return false;
        }
    }
    return true;
}

enum error_code report_folder_plot(struct heap *heap, const char *folder, const char *plots_folder, struct error *error)
{
    if (!is_plottable(folder)) {
        return error_set(error, ERR_CANNOT_WRITE, "%s: gnuplot cannot take a path with a quote or backslash", folder);
    }
    enum error_code code = ERR_OK;
    for (size_t i = 0; i < ARRAY_LENGTH(plots) && code == ERR_OK; i++) {
        char values[FILE_PATH_SIZE];
        struct buffer content;
        buffer_init(&content, heap, DOCUMENT_SIZE_MAX);
        code = join(values, folder, plots[i], ".tsv", error);
        if (code == ERR_OK) {
            code = file_read(values, &content, error);
        }
        buffer_release(&content);
        for (size_t j = 0; j < ARRAY_LENGTH(formats) && code == ERR_OK; j++) {
            code = draw(heap, folder, plots_folder, plots[i], formats[j], error);
        }
    }
    return code;
}

enum error_code report_folder_write(struct heap *heap, const char *folder, const struct report *report,
                                    struct span history, const char *plots_folder, bool *plotted, struct error *error)
{
    *plotted = false;
    enum error_code code = folder_make(folder, FOLDER_PUBLIC, error);
    if (code == ERR_OK) {
        code = write_documents(heap, folder, report, history, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    *plotted = report_folder_plot(heap, folder, plots_folder, error) == ERR_OK;
    return ERR_OK;
}
