#include "cli/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/events_store.h"
#include "vast/calls.h"

/* A variable's value, NULL when it is empty, too. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* ---- What goes together ------------------------------------------------------------------------------------------------- */

static enum error_code choose_url(struct network *network, struct error *error)
{
    const char *given = variable("VAST_URL");
    enum error_code code =
        vast_url_parse("VAST_URL", given == NULL ? VAST_DEFAULT_ORIGIN : given, &network->url, error);
    if (code != ERR_OK || network->values->live || network->url.loopback) {
        return code;
    }
    (void)error_set(error, ERR_USAGE, "%s, and --live was not given",
                    given == NULL ? "without VAST_URL this is the real service" : "VAST_URL is not on this machine");
    error_advise(error, "rehearse with dumont-fake -- dumont COMMAND, or allow the real service with --live");
    return ERR_USAGE;
}

static enum error_code judge_live(const struct dumont_values *values, enum network_use use, struct error *error)
{
    if (!values->live) {
        return ERR_OK;
    }
    if (variable("DUMONT_CLOCK") != NULL) {
        (void)error_set(error, ERR_USAGE, "DUMONT_CLOCK is the clock of a rehearsal, and --live was given");
        error_advise(error, "leave out --live, or unset DUMONT_CLOCK");
        return ERR_USAGE;
    }
    if (use == NETWORK_RENTS && !values->dry_run && values->max_nusd < 0) {
        (void)error_set(error, ERR_USAGE, "--live spends real money and needs a limit");
        error_advise(error, "add --max-usd X: nothing is rented that could cost more");
        return ERR_USAGE;
    }
    return ERR_OK;
}

/* What is shown and asked. A question needs somebody who can answer. */
static enum error_code choose_consent(struct network *network, enum network_use use, struct error *error)
{
    const struct dumont_values *values = network->values;
    if (values->dry_run) {
        network->consent = CONSENT_DRY_RUN;
    } else if (!values->live || use == NETWORK_LOOKS || use == NETWORK_REACHES) {
        network->consent = CONSENT_SILENT;
    } else if (values->yes) {
        network->consent = values->quiet ? CONSENT_SILENT : CONSENT_TOLD;
    } else if (isatty(STDIN_FILENO) == 1) {
        network->consent = CONSENT_ASKED;
    } else {
        (void)error_set(error, ERR_USAGE, "--live asks before it acts, and standard input is no terminal");
        error_advise(error, "add --yes to go on without being asked, or --dry-run to see what would be done");
        return ERR_USAGE;
    }
    return ERR_OK;
}

/* ---- What must be there ------------------------------------------------------------------------------------------------- */

/* What the file holds is judged when the world opens: before anything is rented, too. */
static enum error_code judge_ssh_key(struct error *error)
{
    if (variable("DUMONT_SSH_KEY") != NULL) {
        return ERR_OK;
    }
    (void)error_set(error, ERR_SSH_KEY_UNUSABLE, "DUMONT_SSH_KEY is not set");
    error_advise(error, "set it to the path of a private key whose public half the account knows");
    return ERR_SSH_KEY_UNUSABLE;
}

static enum error_code prepare_report_folder(const char *path, struct error *error)
{
    enum error_code code = folder_make(path, FOLDER_PUBLIC, error);
    if (code == ERR_OK && access(path, W_OK | X_OK) != 0) {
        return error_set(error, ERR_CANNOT_WRITE, "cannot write into the report folder %.200s: %s", path,
                         strerror(errno));
    }
    return code;
}

static bool needs_ssh_key(const struct network *network, enum network_use use)
{
    return (use == NETWORK_RENTS || use == NETWORK_REACHES) && network->consent != CONSENT_DRY_RUN;
}

static enum error_code prepare(struct network *network, enum network_use use, struct error *error)
{
    const struct dumont_values *values = network->values;
    enum error_code code = judge_live(values, use, error);
    code = code == ERR_OK ? choose_url(network, error) : code;
    code = code == ERR_OK ? choose_consent(network, use, error) : code;
    code = code == ERR_OK ? api_key_find(network->heap, network->api_key, error) : code;
    if (code == ERR_OK && needs_ssh_key(network, use)) {
        code = judge_ssh_key(error);
    }
    if (code == ERR_OK && use == NETWORK_RENTS) {
        code = events_store_judge(error); /* what destroys is not kept from it by a mistake elsewhere: it only warns */
    }
    if (code == ERR_OK && values->report_dir != NULL) {
        code = prepare_report_folder(values->report_dir, error);
    }
    return code == ERR_OK ? state_folder_path(network->state_folder, error) : code;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------ */

static enum error_code open_world(struct network *network, enum network_use use, struct error *error)
{
    const struct dumont_values *values = network->values;
    const struct live_world_options options = {
        .description = {.world = network->url.loopback ? "sockets" : "live",
                        .scenario = "",
                        .timing = "",
                        .rehearsal = network->url.loopback},
        .clock_page_path = variable("DUMONT_CLOCK"),
        .cacert = values->cacert,
        .ssh_key_path = needs_ssh_key(network, use) ? variable("DUMONT_SSH_KEY") : NULL,
        .state_folder = network->state_folder,
        .events_url = events_store_url(),
        .tell_on_output = values->dry_run && !values->json,
        .history = &network->history,
        .history_path = values->history,
        .noted = progress_note,
        .noted_context = &network->progress,
    };
    return live_world_open(&options, &network->live, error);
}

enum error_code network_open(struct network *network, const struct dumont_values *values, enum network_use use,
                             struct error *error)
{
    frame_allow_no_core();
    *network = (struct network){.heap = heap_new(), .values = values, .progress = progress_begin(values->quiet)};
    if (network->heap == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory");
    }
    history_init(&network->history, network->heap);
    enum error_code code = prepare(network, use, error);
    if (code != ERR_OK) {
        return code;
    }
    network->access = (struct vast_access){.origin = network->url.origin, .api_key = network->api_key};
    return open_world(network, use, error);
}

void network_close(struct network *network)
{
    live_world_close(network->live);
    heap_free(network->heap);
}

struct world *network_world(const struct network *network)
{
    return live_world_door(network->live);
}

enum exit_status network_run(struct network *network, task_function *run, void *argument,
                             const enum exit_status *status)
{
    enum exit_status cut = live_world_run(network->live, run, argument);
    if (cut == EXIT_ENVIRONMENT) {
        say(DUMONT_NAME, "no memory to begin: nothing was done");
    }
    network->cut = cut != EXIT_DONE;
    return network->cut ? cut : *status;
}

/* ---- What became of it -------------------------------------------------------------------------------------------------- */

struct report_output network_output(const struct dumont_values *values)
{
    return (struct report_output){.program_name = DUMONT_NAME,
                                  .folder = values->report_dir,
                                  .json = values->json,
                                  .quiet = values->quiet || values->dry_run};
}

enum error_code network_parse_id(const struct command_line *line, int64_t *id, struct error *error)
{
    const char *text = line->arguments[0];
    bool whole = text[strspn(text, "0123456789")] == '\0' && decimal_parse(span_of(text), 0, id);
    return whole && *id != 0 ? ERR_OK
                             : error_set(error, ERR_USAGE, "%s: ID is the number of a machine", line->command->name);
}

static struct span network_history(const struct network *network)
{
    return (struct span){buffer_text(&network->history.text), network->history.text.length};
}

/* A run that was interrupted, or left a machine, ends with that status, whatever else could not be written. */
static enum exit_status status_unwritten(enum exit_status status, enum exit_status unwritten)
{
    bool overriding = status == EXIT_MACHINE_LEFT || status == EXIT_INTERRUPTED || status == EXIT_TERMINATED;
    return overriding ? status : unwritten;
}

enum error_code network_report(struct network *network, struct report **report, struct error *error)
{
    return report_build(network->heap, network_history(network), report, error);
}

enum exit_status network_end(struct network *network, enum exit_status status, struct report *report,
                             enum error_code written, const struct error *error)
{
    if (written != ERR_OK) {
        status = status_unwritten(status, say_error(DUMONT_NAME, error));
    } else if (live_world_history_cut(network->live)) {
        status = status_unwritten(status, EXIT_ENVIRONMENT);
    }
    if (report != NULL) {
        report_say_end(DUMONT_NAME, report);
    } else if (status == EXIT_MACHINE_LEFT) {
        say(DUMONT_NAME, "a machine may be left; see what is there and remove it: dumont status, dumont reap --yes");
    }
    report_release(network->heap, report);
    return status;
}

void network_write_error(struct json_writer *writer, const struct report *report)
{
    json_key(writer, "error");
    if (report == NULL || !report->error.known) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_string(writer, "code", report->error.code);
    json_member_string(writer, "message", report->error.message);
    json_member_string(writer, "next_step", report->error.next_step);
    json_end_object(writer);
}

enum exit_status network_tell(struct network *network, enum exit_status status, const struct report_output *output)
{
    struct error error;
    struct report *report;
    if (network->cut) {
        return status;
    }
    enum error_code code = network_report(network, &report, &error);
    if (code == ERR_OK) {
        code = report_output_write(network->heap, output, report, network_history(network), &error);
    }
    return network_end(network, status, report, code, &error);
}
