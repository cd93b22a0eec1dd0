#include "base/version.h"
#include "cli/dumont.h"

#define NETWORK_OPTION_ROWS                                                                                            \
    TEXT_OPTION(struct dumont_values, history, "history", "FILE", NULL, "Append the history to FILE as it happens"),   \
        TEXT_OPTION(struct dumont_values, cacert, "cacert", "FILE", NULL,                                              \
                    "Trust the certificates in FILE, not the system's"),                                               \
        FLAG_OPTION(struct dumont_values, live, "live", "Allow the real service, which costs real money"),             \
        DECIMAL_OPTION(struct dumont_values, max_nusd, "max-usd", "X", 9, "dollars", 0, 1000000 * NUSD_PER_USD, NULL,  \
                       "Rent nothing that could cost more, and give it up before it does"),                            \
        FLAG_OPTION(struct dumont_values, yes, "yes",                                                                  \
                    "Do not ask; destroy: also a machine without our label; reap: destroy what it shows"),             \
                                                                                                                       \
        FLAG_OPTION(struct dumont_values, dry_run, "dry-run", "Say what would be done, and do nothing")

#define REPORT_DIR_OPTION                                                                                              \
    TEXT_OPTION(struct dumont_values, report_dir, "report-dir", "DIR", NULL,                                           \
                "Write the report folder: texts, JSON, log, history, plots")

static const struct option program_options[] = {
    FLAG_OPTION(struct dumont_values, json, "json", "JSON on standard output, and nothing else there"),
    FLAG_OPTION(struct dumont_values, quiet, "quiet", "Say nothing but errors"),
};

static const struct option check_options[] = {
    CHECK_OPTION_ROWS(struct dumont_values, check),
    REPORT_DIR_OPTION,
    NETWORK_OPTION_ROWS,
};

static const struct option reap_options[] = {
    SECONDS_OPTION(struct dumont_values, grace_ns, "grace-s", 0, 24 * NS_PER_HOUR, NULL,
                   "Time between the two sightings of a machine that the ledger does not know (120)"),
    FLAG_OPTION(struct dumont_values, known_only, "known-only",
                "Spare machines that the ledger does not know: several computers use the account"),
    NETWORK_OPTION_ROWS,
};

static const struct option network_options[] = {NETWORK_OPTION_ROWS};

static const struct option run_options[] = {
    SECONDS_OPTION(struct dumont_values, limit_ns, "limit-s", NS_PER_MS, INT64_C(366) * 24 * NS_PER_HOUR, "2592000",
                   "End the command after X seconds"),
    NETWORK_OPTION_ROWS,
};

static const struct option copy_options[] = {
    SECONDS_OPTION(struct dumont_values, limit_ns, "limit-s", NS_PER_MS, INT64_C(366) * 24 * NS_PER_HOUR, "86400",
                   "Give up after X seconds"),
    NETWORK_OPTION_ROWS,
};

static const struct option record_options[] = {
    LETTER_TEXT_OPTION(struct dumont_values, output, 'o', "output", "FILE", "Write it to FILE, not to standard output"),
};

static const struct option report_options[] = {
    FLAG_OPTION(struct dumont_values, markdown, "markdown", "Print report.md instead of the text"),
    REPORT_DIR_OPTION,
};

static const struct option list_options[] = {
    INT64_OPTION(struct dumont_values, limit, "limit", "N", 1, 100000, "20", "At most so many"),
};

static const struct option deliver_options[] = {
    INT64_OPTION(struct dumont_values, limit, "limit", "N", 1, 1000000, "10000", "At most so many attempts"),
    TEXT_OPTION(struct dumont_values, cacert, "cacert", "FILE", NULL,
                "Trust the certificates in FILE, not the system's"),
    TEXT_OPTION(struct dumont_values, history, "history", "FILE", NULL, "Append each event of the history to FILE"),
};

#define STORE_OPTION_ROWS                                                                                              \
    TEXT_OPTION(struct dumont_values, bucket, "bucket", "NAME", NULL, "Use this bucket, not DUMONT_B2_BUCKET"),        \
        TEXT_OPTION(struct dumont_values, history, "history", "FILE", NULL,                                            \
                    "Append the history to FILE as it happens"),                                                       \
        TEXT_OPTION(struct dumont_values, cacert, "cacert", "FILE", NULL,                                              \
                    "Trust the certificates in FILE, not the system's"),                                               \
        CHOICE_OPTION(struct dumont_values, test_mode, "test-mode", STORE_TEST_MODES, "off",                           \
                      "Have the store fail now and then, as Backblaze asks of clients' tests (X-Bz-Test-Mode)"),       \
        FLAG_OPTION(struct dumont_values, live, "live", "Allow the real service, which costs real money")

#define TRANSFER_OPTION_ROWS                                                                                           \
    INT64_OPTION(struct dumont_values, part_bytes, "part-bytes", "N", 5000000, 1000000000, NULL,                       \
                 "Size of a part (put: what the service recommends, get: 33554432)"),                                  \
        INT64_OPTION(struct dumont_values, parallel, "parallel", "N", 1, 16, "4", "Parts side by side"),               \
        STORE_OPTION_ROWS

#define YES_OPTION FLAG_OPTION(struct dumont_values, yes, "yes", "With --live: do it, without being asked")
#define DRY_RUN_OPTION FLAG_OPTION(struct dumont_values, dry_run, "dry-run", "Say what would be done, and do nothing")

static const struct option transfer_options[] = {TRANSFER_OPTION_ROWS};

static const struct option ls_options[] = {
    FLAG_OPTION(struct dumont_values, versions, "versions",
                "Every version, hide markers too, not the newest files alone"),
    STORE_OPTION_ROWS,
};

static const struct option rm_options[] = {
    FLAG_OPTION(struct dumont_values, hide, "hide", "Hide the name and keep its versions, which cost on"),
    TEXT_OPTION(struct dumont_values, version_id, "version-id", "ID", NULL,
                "Delete that version of the one NAME alone (ls --versions --json tells ids)"),
    YES_OPTION,
    DRY_RUN_OPTION,
    STORE_OPTION_ROWS,
};

static const struct option sweep_options[] = {
    SECONDS_OPTION(struct dumont_values, sweep_grace_ns, "grace-s", 0, INT64_C(365) * 24 * NS_PER_HOUR, "86400",
                   "Spare what was begun so short a time ago: it may be under way"),
    YES_OPTION,
    DRY_RUN_OPTION,
    STORE_OPTION_ROWS,
};

static const struct option store_options[] = {STORE_OPTION_ROWS};

static const struct command commands[] = {
    {
        .name = "check",
        .summary = "Rent the cheapest machine that fits, prove that it works, destroy it, prove that it is gone",
        .options = {check_options, ARRAY_LENGTH(check_options)},
        .run = dumont_check,
    },
    {
        .name = "destroy",
        .arguments = "ID",
        .arguments_least = 1,
        .arguments_most = 1,
        .summary = "Destroy a machine and prove that it is gone",
        .options = {network_options, ARRAY_LENGTH(network_options)},
        .run = dumont_destroy,
    },
    {
        .name = "reap",
        .summary = "Show every machine that an earlier run may have left; with --yes destroy them",
        .options = {reap_options, ARRAY_LENGTH(reap_options)},
        .run = dumont_reap,
    },
    {
        .name = "status",
        .summary = "Show the account's machines, what they cost, and the credit",
        .options = {network_options, ARRAY_LENGTH(network_options)},
        .run = dumont_status,
    },
    {
        .name = "run",
        .arguments = "ID -- COMMAND [ARG...]",
        .arguments_least = 2,
        .arguments_most = SIZE_MAX,
        .summary = "Run a command on a machine and end with its exit status; one word is a line for its shell",
        .options = {run_options, ARRAY_LENGTH(run_options)},
        .run = dumont_run,
    },
    {
        .name = "put",
        .arguments = "ID FILE... REMOTE",
        .arguments_least = 3,
        .arguments_most = SIZE_MAX,
        .summary = "Copy files to a machine, going on from what is there, and prove by digest that they are the same",
        .options = {copy_options, ARRAY_LENGTH(copy_options)},
        .run = dumont_put,
    },
    {
        .name = "get",
        .arguments = "ID REMOTE [LOCAL]",
        .arguments_least = 2,
        .arguments_most = 3,
        .summary = "Copy a file from a machine, going on from what is there, and prove by digest that it is the same",
        .options = {copy_options, ARRAY_LENGTH(copy_options)},
        .run = dumont_get,
    },
    {
        .name = "record",
        .arguments = "HISTORY",
        .arguments_least = 1,
        .arguments_most = 1,
        .summary = "Turn the last run of a history into a recording that can be replayed",
        .options = {record_options, ARRAY_LENGTH(record_options)},
        .run = dumont_record,
    },
    {
        .name = "report",
        .arguments = "HISTORY",
        .arguments_least = 1,
        .arguments_most = 1,
        .summary = "Report the last run of a history; the exit status tells of the report, not of that run",
        .options = {report_options, ARRAY_LENGTH(report_options)},
        .run = dumont_report,
    },
    {
        .name = "events migrate",
        .summary = "Make the tables that the events store lacks",
        .run = dumont_events_migrate,
    },
    {
        .name = "events list",
        .summary = "List lifecycle events, the newest first",
        .options = {list_options, ARRAY_LENGTH(list_options)},
        .run = dumont_events_list,
    },
    {
        .name = "events deliver",
        .summary = "Store the events that waited in the state folder, and tell the subscribers what is due",
        .options = {deliver_options, ARRAY_LENGTH(deliver_options)},
        .run = dumont_events_deliver,
    },
    {
        .name = "store put",
        .arguments = "FILE [NAME]",
        .arguments_least = 1,
        .arguments_most = 2,
        .summary =
            "Put a file (- is standard input) into the object store, whole or not at all; the same command resumes it",
        .options = {transfer_options, ARRAY_LENGTH(transfer_options)},
        .run = dumont_store_put,
    },
    {
        .name = "store get",
        .arguments = "NAME [FILE]",
        .arguments_least = 1,
        .arguments_most = 2,
        .summary = "Get a file (- is standard output) from the object store, verified; the same command resumes it",
        .options = {transfer_options, ARRAY_LENGTH(transfer_options)},
        .run = dumont_store_get,
    },
    {
        .name = "store ls",
        .arguments = "[PREFIX]",
        .arguments_most = 1,
        .summary = "List the files in the object store",
        .options = {ls_options, ARRAY_LENGTH(ls_options)},
        .run = dumont_store_ls,
    },
    {
        .name = "store rm",
        .arguments = "NAME...",
        .arguments_least = 1,
        .arguments_most = 1000,
        .summary = "Delete files from the object store for good, every version of them",
        .options = {rm_options, ARRAY_LENGTH(rm_options)},
        .run = dumont_store_rm,
    },
    {
        .name = "store sweep",
        .arguments = "[PREFIX]",
        .arguments_most = 1,
        .summary = "Cancel large files that put began and never finished: their parts cost",
        .options = {sweep_options, ARRAY_LENGTH(sweep_options)},
        .run = dumont_store_sweep,
    },
    {
        .name = "store usage",
        .arguments = "[PREFIX]",
        .arguments_most = 1,
        .summary = "Add up what lies in the object store, and what it costs in 30 days",
        .options = {store_options, ARRAY_LENGTH(store_options)},
        .run = dumont_store_usage,
    },
};

static const struct help_row environment_rows[] = {
    {"VAST_URL", "base URL of the Vast.ai API (default https://console.vast.ai)"},
    {"VAST_API_KEY", "its key; else the file ~/.config/vastai/vast_api_key, then ~/.vast_api_key"},
    {"DUMONT_CLOCK", "clock page of a running fake; refused with --live"},
    {"DUMONT_SSH_KEY", "path of a private key whose public half the account knows"},
    {"DUMONT_STATE_DIR", "folder of ledger and state (default $XDG_STATE_HOME/dumont or ~/.local/state/dumont)"},
    {"DUMONT_DATABASE", "events store: sqlite:PATH (default the file events.sqlite of the state folder) or "
                        "postgresql://USER:PASSWORD@HOST:PORT/NAME"},
    {"DUMONT_B2_URL", "base URL of the object store's API (default https://api.backblazeb2.com)"},
    {"DUMONT_B2_BUCKET", "its bucket"},
    {"B2_APPLICATION_KEY_ID", "its application key's id"},
    {"B2_APPLICATION_KEY", "the key itself"},
};

static const struct help_section sections[] = {
    EXIT_STATUS_SECTION,
    {"Environment", environment_rows, ARRAY_LENGTH(environment_rows)},
};

static const struct program program = {
    .name = DUMONT_NAME,
    .version = DUMONT_VERSION,
    .summary = "rent, check and account for GPU machines on Vast.ai",
    .description =
        "Rents GPU machines on Vast.ai, proves that they work, and never leaves one behind unsaid. Without --live it "
        "speaks to a fake on this machine only: dumont-fake -- dumont check. With --live it speaks to the real "
        "service: "
        "check needs --max-usd then, shows the offer and what it may cost in the worst case, and asks.",
    .options = {program_options, ARRAY_LENGTH(program_options)},
    .commands = commands,
    .command_count = ARRAY_LENGTH(commands),
    .sections = sections,
    .section_count = ARRAY_LENGTH(sections),
};

int main(int argc, char **argv)
{
    struct dumont_values values = {.max_nusd = -1, .grace_ns = -1, .check = check_values_none()};
    return frame_main(&program, argc, argv, &values, &values);
}
