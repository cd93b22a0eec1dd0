#include "fakes/front/verdict_report.h"

#include "fakes/verdict/write.h"
#include "system/files.h"

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static struct verdict_request request_of(const struct journal_entry *entry)
{
    const char *text = buffer_text(&entry->text);
    return (struct verdict_request){
        .ordinal = entry->ordinal,
        .sent_ns = entry->sent_ns,
        .answered_ns = entry->answered_ns,
        .left_ns = entry->left_ns,
        .call = entry->call,
        .endpoint = journal_call_name(entry->call),
        .fate = entry->fate,
        .status = entry->status,
        .method = entry->method,
        .path = {text, entry->path_length},
        .body = {text + entry->path_length, entry->text.length - entry->path_length},
        .contract = entry->contract == JOURNAL_NO_CONTRACT ? VERDICT_NO_CONTRACT : entry->contract,
        .contracts = entry->contracts,
    };
}

static void collect_requests(struct verdict_report *report, const struct journal *journal)
{
    uint64_t counted = 0;
    size_t count = 0;
    for (size_t i = 0; i < JOURNAL_CALLS; i++) {
        counted += journal->counts[i].requests;
    }
    for (size_t i = 0; i < journal->entry_count; i++) {
        const struct journal_entry *entry = journal_at(journal, i);
        if (entry != NULL) {
            report->requests[count++] = request_of(entry);
        }
    }
    report->input.requests = report->requests;
    report->input.request_count = count;
    report->input.forgotten = counted > count ? counted - count : 0;
}

static void collect_machines(struct verdict_report *report, const struct market *market)
{
    report->input.machines = report->machines;
    report->input.machine_count = market_contract_count(market);
    for (size_t i = 0; i < report->input.machine_count; i++) {
        market_contract(market, i, &report->machines[i]);
    }
}

enum error_code verdict_report_make(struct verdict_report *report, const struct stage_server *stage,
                                    const struct journal *journal, const struct verdict_end *end, struct error *error)
{
    const struct market *market = cloud_market(stage->cloud);
    *report = (struct verdict_report){
        .heap = stage->heap,
        .input = {.scenario = stage->scenario->name,
                  .command = end->command == NULL ? "" : end->command,
                  .with_command = end->command != NULL,
                  .exit_status = end->exit_status,
                  .now_ns = stage->now_ns,
                  .speed_milli = clock_page_speed_milli(stage->clock),
                  .charged_nusd = market_charged_nusd(market),
                  .credit_nusd = market_credit_nusd(market),
                  .expect = &stage->scenario->expect},
        .requests = heap_alloc(stage->heap, (journal->entry_count + 1) * sizeof *report->requests),
        .machines = heap_alloc(stage->heap, (market_contract_count(market) + 1) * sizeof *report->machines),
    };
    if (report->requests != NULL && report->machines != NULL) {
        collect_requests(report, journal);
        collect_machines(report, market);
        report->verdict = verdict_judge(report->heap, &report->input);
    }
    return report->verdict == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for the verdict") : ERR_OK;
}

void verdict_report_release(struct verdict_report *report)
{
    verdict_free(report->verdict);
    heap_release(report->heap, report->requests);
    heap_release(report->heap, report->machines);
    *report = (struct verdict_report){.heap = report->heap};
}

static void write_json(const struct verdict *verdict, struct buffer *out)
{
    struct json_writer writer;
    json_writer_init(&writer, out, 2);
    verdict_write_json(verdict, &writer);
    buffer_append_char(out, '\n');
}

static enum error_code write_file(const struct verdict_report *report, const char *folder, const char *name,
                                  void (*form)(const struct verdict *verdict, struct buffer *out), struct error *error)
{
    char path[FILE_PATH_SIZE];
    struct buffer text;
    if (!text_format(path, sizeof path, "%s/%s", folder, name)) {
        return error_set(error, ERR_CANNOT_WRITE, "the path of the report folder is too long");
    }
    buffer_init(&text, report->heap, FILE_SIZE_MAX);
    form(report->verdict, &text);
    enum error_code code = text.failed
                               ? error_set(error, ERR_NO_MEMORY, "no memory for %s", path)
                               : file_write(path, (struct span){buffer_text(&text), text.length}, FILE_PUBLIC, error);
    buffer_release(&text);
    return code;
}

enum error_code verdict_report_write(const struct verdict_report *report, const char *folder, struct error *error)
{
    static const struct {
        const char *name;
        void (*form)(const struct verdict *verdict, struct buffer *out);
    } files[] = {
        {"verdict.txt", verdict_write_text},
        {"verdict.json", write_json},
        {"verdict.xml", verdict_write_junit},
        {"verdict.html", verdict_write_html},
    };
    enum error_code code = folder_make(folder, FOLDER_PUBLIC, error);
    for (size_t i = 0; code == ERR_OK && i < ARRAY_LENGTH(files); i++) {
        code = write_file(report, folder, files[i].name, files[i].form, error);
    }
    return code;
}
