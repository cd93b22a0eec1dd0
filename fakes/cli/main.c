#include <signal.h>

#include "base/units.h"
#include "base/version.h"
#include "fakes/cli/fake_cli.h"
#include "fakes/cli/run.h"
#include "fakes/fault/plan.h"

#define SPEED_DIGITS 3
#define SPEED_MOST INT64_C(1000000000)
#define PORT_OPTION(member, name, help) INT64_OPTION(struct fake_values, member, name, "N", 0, 65535, "0", help)

enum { HELP_SIZE_MAX = 1024 * 1024 };

static const struct option common_options[] = {
    FLAG_OPTION(struct fake_values, json, "json", "JSON on standard output, and nothing else there"),
};

static const struct option own_options[] = {
    TEXT_OPTION(struct fake_values, scenario, "scenario", "FILE", NULL,
                "Offers, account, times and faults as the scenario has them"),
    TEXT_OPTION(struct fake_values, recording, "recording", "NAME|FILE", NULL,
                "Offer and times of a recording; a name without a slash is one of the project's own"),
    INT64_OPTION(struct fake_values, seed, "seed", "N", 0, INT64_MAX, NULL, "Seed of all luck"),
    DECIMAL_OPTION(struct fake_values, speed_milli, "speed", "X", SPEED_DIGITS, NULL, 1, SPEED_MOST, "1",
                   "How many times faster than real time the stage runs"),
    TEXT_OPTION(struct fake_values, offers, "offers", "N|FILE", NULL,
                "How many offers the market has, or a file of them"),
    TEXTS_OPTION(struct fake_values, faults, "fault", "ID[:key=value,...]",
                 "Let a fault happen; `dumont-fake faults` lists them"),
    PORT_OPTION(vast_port, "vast-port", "Port of the Vast.ai API; 0 is the kernel's choice"),
    PORT_OPTION(b2_port, "b2-port", "Port of the object store; 0 is the kernel's choice"),
    PORT_OPTION(control_port, "control-port", "Port of the control API; 0 is the kernel's choice"),
    TEXT_OPTION(struct fake_values, data, "data", "DIR", NULL,
                "Keep the object store, key, client's state and events store there, not in a temporary folder"),
    TEXT_OPTION(struct fake_values, tls_cert, "tls-cert", "FILE", NULL, "Serve HTTPS with this certificate, in PEM"),
    TEXT_OPTION(struct fake_values, tls_key, "tls-key", "FILE", NULL, "Its private key, in PEM"),
    CHOICE_OPTION(struct fake_values, legacy_list, "legacy-list", "on|off", "off",
                  "Whether the retired GET /api/v0/instances/ still answers"),
    CHOICE_OPTION(struct fake_values, rate_limits, "rate-limits", "on|off", "off",
                  "Whether too many requests are refused, as the service does"),
    FLAG_OPTION(struct fake_values, no_ssh, "no-ssh", "Serve no SSH: machines run, and nobody can log in"),
    SECONDS_OPTION(
        struct fake_values, ssh_keepalive_ns, "ssh-keepalive-s", 0, NS_PER_HOUR, "10",
        "Ask silent SSH clients so often, in real time, whether they live; after three of that they are gone; "
        "0 asks nobody"),
    CHOICE_OPTION(struct fake_values, host, "host", "modelled|sandboxed", "modelled",
                  "What runs the commands: a model of a machine, or real tools in a sandbox"),
    TEXT_OPTION(struct fake_values, history, "history", "FILE", NULL, "Write the history"),
    TEXT_OPTION(struct fake_values, ready_file, "ready-file", "FILE", NULL,
                "Write addresses and keys as JSON once everything answers"),
    TEXT_OPTION(struct fake_values, env_file, "env-file", "FILE", NULL, "Write the environment as lines of export"),
    TEXT_OPTION(struct fake_values, report_dir, "report-dir", "DIR", NULL,
                "Write the verdict there: verdict.txt, verdict.json, verdict.xml (JUnit), verdict.html"),
    FLAG_OPTION(struct fake_values, expect, "expect", "End with 0 if the verdict is pass, with 1 if it is not"),
};

static const struct command commands[] = {
    {.name = "faults", .summary = "List the faults and their parameters", .run = fake_faults},
    {.name = "switches", .summary = "List what a scenario's market may say", .run = fake_switches},
};

static const struct help_row environment_rows[] = {
    {NULL, "COMMAND gets these, beside its own:"},
    {"VAST_URL", "base URL of the fake Vast.ai API"},
    {"VAST_API_KEY", "a key that it accepts"},
    {"DUMONT_SSH_KEY", "path of a private key whose public half the account knows"},
    {"DUMONT_CLOCK", "clock page, so that both run at the same speed"},
    {"DUMONT_STATE_DIR", "folder of ledger and state"},
    {"DUMONT_DATABASE", "events store, with its tables"},
    {"DUMONT_CONTROL_URL", "base URL of the control API"},
    {"DUMONT_B2_URL, DUMONT_B2_BUCKET", "the object store, and a bucket that is there"},
    {"B2_APPLICATION_KEY_ID, B2_APPLICATION_KEY", "a key that may do everything there"},
    {"RCLONE_B2_ACCOUNT, RCLONE_B2_KEY, RCLONE_B2_ENDPOINT", "the same for rclone"},
    {"VASTAI_NO_UPDATE_CHECK", "1: the vastai command asks nobody else whether it is the newest"},
};

static const struct help_row exit_status_rows[] = {
    {"0", "done"},
    {"2", "usage, or an input file that cannot be read"},
    {"3", "environment: cannot write, cannot listen, a tool is missing"},
    {"9", "the command ended with 0 and left machines"},
    {"1", "with --expect: the verdict is fail"},
    {"other", "what the command ended with"},
};

static const struct help_section sections[] = {
    {"Environment", environment_rows, ARRAY_LENGTH(environment_rows)},
    {"Exit status", exit_status_rows, ARRAY_LENGTH(exit_status_rows)},
};

static const struct program program = {
    .name = FAKE_NAME,
    .version = DUMONT_VERSION,
    .summary = "a fake Vast.ai cloud on loopback",
    .description =
        "Runs a command against a fake cloud: a market of GPU machines, their hosts, and faults on demand; then says "
        "what it saw, what is left, what it cost, and its verdict on the command, on standard error. Without a command "
        "it stays up until SIGINT or "
        "SIGTERM. It listens on 127.0.0.1 and nowhere else. With --json the statement is JSON: on standard output "
        "without a command, on standard error with one.",
    .trailing = "COMMAND [ARG...]",
    .options = {common_options, ARRAY_LENGTH(common_options)},
    .own_options = {own_options, ARRAY_LENGTH(own_options)},
    .commands = commands,
    .command_count = ARRAY_LENGTH(commands),
    .sections = sections,
    .section_count = ARRAY_LENGTH(sections),
};

/* What the table of options cannot say: which go together, and what a fault may be. */
static enum error_code check_values(const struct fake_values *values, struct error *error)
{
    struct fault_plan plan = {0};
    if (values->scenario != NULL && values->recording != NULL) {
        return error_set(error, ERR_USAGE, "give --scenario or --recording, not both");
    }
    if ((values->tls_cert == NULL) != (values->tls_key == NULL)) {
        return error_set(error, ERR_USAGE, "--tls-cert and --tls-key go together");
    }
    for (size_t i = 0; i < values->faults.count; i++) {
        if (fault_plan_add(&plan, values->faults.texts[i], error) != ERR_OK) {
            error_advise(error, "see " FAKE_NAME " faults");
            return ERR_USAGE;
        }
    }
    return ERR_OK;
}

/* The stage itself, with a command or without. */
static enum exit_status run_stage(const struct fake_values *values, const struct command_line *line)
{
    struct error error;
    return check_values(values, &error) == ERR_OK ? fake_run(values, line->arguments) : fake_say(&error);
}

static enum exit_status answer(const struct command_line *line)
{
    struct heap *heap = heap_new();
    struct buffer text;
    buffer_init(&text, heap, HELP_SIZE_MAX);
    text.failed = heap == NULL;
    options_render(&program, line, &text);
    enum exit_status status = fake_print(&text);
    heap_free(heap);
    return status;
}

int main(int argc, char **argv)
{
    struct fake_values values = {.seed = -1};
    struct command_line line;
    struct error error;
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error to report, */
    (void)signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
    if (options_parse(&program, argc, argv, &values, &line, &error) != ERR_OK) {
        return (int)fake_say(&error);
    }
    if (line.request != REQUEST_RUN) {
        return (int)answer(&line);
    }
    return (int)(line.command == NULL ? run_stage(&values, &line) : line.command->run(&values, &line));
}
