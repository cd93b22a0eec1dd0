#include "base/version.h"
#include "sim/cli/sim_cli.h"

static const struct option program_options[] = {
    FLAG_OPTION(struct sim_values, quiet, "quiet", "Say nothing but errors"),
};

static const struct option run_options[] = {
    TEXT_OPTION(struct sim_values, recording, "recording", "NAME|FILE", NULL,
                "Replay a recording: its times, its offer, its client's habits"),
    INT64_OPTION(struct sim_values, seed, "seed", "N", 0, INT64_MAX, NULL, "Seed of all luck"),
    INT64_OPTION(struct sim_values, run, "run", "N", 0, UINT32_MAX, "0", "Which run of the seed"),
    FLAG_OPTION(struct sim_values, json, "json", "Print report.json instead of the text"),
    TEXT_OPTION(struct sim_values, report_dir, "report-dir", "DIR", NULL,
                "Write the report folder: texts, JSON, log, history, plots"),
    TEXT_OPTION(struct sim_values, history, "history", "FILE", NULL, "Write the history"),
    FLAG_OPTION(struct sim_values, expect, "expect",
                "End with 0 if the scenario's expectations are met, with 1 if not"),
    INT64_OPTION(struct sim_values, kill_at, "kill-at", "STEP", 1, INT64_MAX, NULL,
                 "Kill the client at this step, then run reap"),
    INT64_OPTION(struct sim_values, interrupt_at, "interrupt-at", "STEP", 1, INT64_MAX, NULL,
                 "Let SIGINT come at this step"),
    INT64_OPTION(struct sim_values, fail_allocation, "fail-allocation", "N", 1, INT64_MAX, NULL,
                 "Let the client's Nth allocation fail"),
    FLAG_OPTION(struct sim_values, fail_all_later_allocations, "fail-all-later", "And all after it"),
    CHECK_OPTION_ROWS(struct sim_values, check),
};

static const struct command commands[] = {
    {
        .name = "run",
        .arguments = "[SCENARIO]",
        .arguments_most = 1,
        .summary = "Run a scenario or a recording in virtual time and print its report",
        .options = {run_options, ARRAY_LENGTH(run_options)},
        .run = sim_run,
    },
    {
        .name = "plot",
        .arguments = "FOLDER",
        .arguments_least = 1,
        .arguments_most = 1,
        .summary = "Draw the plots of a report folder again from its values files",
        .run = sim_plot,
    },
};

static const struct help_section sections[] = {EXIT_STATUS_SECTION};

static const struct program program = {
    .name = "dumont-sim",
    .version = DUMONT_VERSION,
    .summary = "rehearse GPU rental on Vast.ai in virtual time",
    .description =
        "Runs the real client against the fake cloud, with a clock that jumps to the next event. A scenario is a "
        "file, or a name of the folder scenarios; without one, run plays the recorded run of 2 January 2026.",
    .options = {program_options, ARRAY_LENGTH(program_options)},
    .commands = commands,
    .command_count = ARRAY_LENGTH(commands),
    .sections = sections,
    .section_count = ARRAY_LENGTH(sections),
};

int main(int argc, char **argv)
{
    struct sim_values values = {
        .seed = -1, .kill_at = -1, .interrupt_at = -1, .fail_allocation = -1, .check = check_values_none()};
    return frame_main(&program, argc, argv, &values, &values);
}
