#include <string.h>

#include "cli/report_folder.h"
#include "cli/report_output.h"
#include "sim/cli/sim_cli.h"
#include "system/data_files.h"
#include "system/files.h"

enum { INPUT_SIZE_MAX = 64 * 1024 * 1024 };

static const char program_name[] = "dumont-sim";
static const char default_scenario[] = "seed-run";

/* What a run is made of and gives. */
struct sim_session {
    struct heap *heap;
    const struct sim_values *values;
    struct scenario scenario;
    struct rehearsal *rehearsal;
    struct rehearsal_result result;
    struct report *report;
};

/* ---- Before ------------------------------------------------------------------------------------------------------------- */

static enum error_code read_recording(void *context, const char *name, struct buffer *out, struct error *error)
{
    (void)context;
    return data_file_read("recordings", name, out, error);
}

static enum error_code read_scenario(struct sim_session *session, const char *name, const struct scenario_files *files,
                                     struct error *error)
{
    struct buffer text;
    buffer_init(&text, session->heap, INPUT_SIZE_MAX);
    enum error_code code = data_file_read("scenarios", name, &text, error);
    if (code == ERR_OK) {
        struct span span = {buffer_text(&text), text.length};
        code = scenario_read(span, name, files, &session->scenario, error);
    }
    buffer_release(&text);
    return code;
}

/* The scenario by name, or the recording's replay, with what the command line says over it. */
static enum error_code take_input(struct sim_session *session, const struct command_line *line, struct error *error)
{
    const struct sim_values *values = session->values;
    struct scenario *scenario = &session->scenario;
    struct scenario_files files = {read_recording, NULL, session->heap};
    enum error_code code = ERR_OK;
    if (values->recording != NULL && line->argument_count > 0) {
        return error_set(error, ERR_USAGE, "give a scenario or --recording, not both");
    }
    if (values->recording != NULL) {
        scenario_defaults(scenario);
        (void)text_copy(scenario->cloud.name, sizeof scenario->cloud.name, values->recording);
        code = scenario_use_recording(scenario, values->recording, &files, error);
    } else {
        const char *name = line->argument_count > 0 ? line->arguments[0] : default_scenario;
        code = read_scenario(session, name, &files, error);
    }
    if (code != ERR_OK) {
        return code;
    }
    scenario->cloud.seed = values->seed < 0 ? scenario->cloud.seed : (uint64_t)values->seed;
    if (values->check.gpu != NULL) {
        (void)text_copy(scenario->gpu, sizeof scenario->gpu, values->check.gpu);
    }
    if (values->check.image != NULL) {
        (void)text_copy(scenario->image, sizeof scenario->image, values->check.image);
    }
    check_values_apply(&values->check, &scenario->check);
    scenario->cloud.priced_disk_gb = scenario->check.disk_gb;
    return ERR_OK;
}

static enum error_code set_stage(struct sim_session *session, struct error *error)
{
    struct buffer offers;
    buffer_init(&offers, session->heap, INPUT_SIZE_MAX);
    enum error_code code = ERR_OK;
    if (session->scenario.cloud.offers_file[0] != '\0') {
        code = data_file_read("recordings", session->scenario.cloud.offers_file, &offers, error);
    }
    if (code == ERR_OK) {
        struct span text = {buffer_text(&offers), offers.length};
        code = rehearsal_new(&session->scenario, text, &session->rehearsal, error);
    }
    buffer_release(&offers);
    return code;
}

/* ---- The run ------------------------------------------------------------------------------------------------------------ */

static uint64_t given_or_zero(int64_t value)
{
    return value < 0 ? 0 : (uint64_t)value;
}

static enum error_code play(struct sim_session *session, struct error *error)
{
    const struct sim_values *values = session->values;
    struct rehearsal_variation variation = {
        .run = (uint32_t)values->run,
        .kill_at = given_or_zero(values->kill_at),
        .reap_after_kill = true,
        .interrupt_at = given_or_zero(values->interrupt_at),
        .fail_allocation = given_or_zero(values->fail_allocation),
        .fail_all_later_allocations = values->fail_all_later_allocations,
    };
    enum error_code code = rehearsal_run(session->rehearsal, &variation, &session->result);
    if (code != ERR_OK) {
        return error_set(error, code, "no memory for the run");
    }
    if (session->result.end == RUN_STUCK) {
        return error_set(error, ERR_DEADLINE, "the client waits for something that will never happen: a defect");
    }
    return report_build(session->heap, rehearsal_history(session->rehearsal), &session->report, error);
}

/* ---- After -------------------------------------------------------------------------------------------------------------- */

static enum error_code tell(struct sim_session *session, struct error *error)
{
    const struct sim_values *values = session->values;
    enum error_code code = ERR_OK;
    if (values->history != NULL) {
        code = file_write(values->history, rehearsal_history(session->rehearsal), FILE_PUBLIC, error);
    }
    const struct report_output output = {
        .program_name = program_name, .folder = values->report_dir, .json = values->json, .quiet = values->quiet};
    return code == ERR_OK ? report_output_write(session->heap, &output, session->report,
                                                rehearsal_history(session->rehearsal), error)
                          : code;
}

static enum exit_status finish(struct sim_session *session, struct error *error)
{
    enum exit_status status = session->result.status;
    if (tell(session, error) != ERR_OK) {
        /* What could not be written must not hide what is left. */
        enum exit_status told = say_error(program_name, error);
        status = status == EXIT_MACHINE_LEFT ? status : told;
    } else if (session->values->expect) {
        return expectation_met(&session->scenario.cloud.expect, &session->result, session->report) ? EXIT_DONE
                                                                                                   : EXIT_FAILED;
    }
    report_say_end(program_name, session->report);
    return status;
}

enum exit_status sim_run(void *context, const struct command_line *line)
{
    struct error error;
    struct heap *heap = heap_new();
    struct sim_session *session = heap == NULL ? NULL : heap_alloc(heap, sizeof *session);
    if (session == NULL) {
        heap_free(heap);
        (void)error_set(&error, ERR_NO_MEMORY, "no memory");
        return say_error(program_name, &error);
    }
    session->heap = heap;
    session->values = context;
    enum error_code code = take_input(session, line, &error);
    if (code == ERR_OK && session->values->report_dir != NULL) {
        /* Found out before the run, not after it. */
        code = folder_make(session->values->report_dir, FOLDER_PUBLIC, &error);
    }
    if (code == ERR_OK) {
        code = set_stage(session, &error);
    }
    if (code == ERR_OK) {
        code = play(session, &error);
    }
    enum exit_status status = code == ERR_OK ? finish(session, &error) : say_error(program_name, &error);
    report_release(heap, session->report);
    rehearsal_free(session->rehearsal);
    heap_free(heap);
    return status;
}

enum exit_status sim_plot(void *context, const struct command_line *line)
{
    (void)context;
    struct error error;
    char plots_folder[FILE_PATH_SIZE];
    struct heap *heap = heap_new();
    enum error_code code =
        heap == NULL ? error_set(&error, ERR_NO_MEMORY, "no memory") : data_folder("plots", plots_folder, &error);
    if (code == ERR_OK) {
        code = report_folder_plot(heap, line->arguments[0], plots_folder, &error);
    }
    heap_free(heap);
    return code == ERR_OK ? EXIT_DONE : say_error(program_name, &error);
}
