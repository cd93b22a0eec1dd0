/*
 * dumont's command line: its values and commands.
 */
#ifndef CLI_DUMONT_H
#define CLI_DUMONT_H

#include "cli/check_options.h"
#include "cli/frame.h"

#define DUMONT_NAME "dumont"

/* Of --test-mode: the first is none, the others are what is sent. */
#define STORE_TEST_MODES "off|fail_some_uploads|expire_some_account_authorization_tokens|force_cap_exceeded"

/* What was given; NULL, -1 or false where nothing was. */
struct dumont_values {
    /* of all commands */
    bool json;
    bool quiet;
    /* of those that use the network */
    const char *history;
    const char *cacert;
    int64_t max_nusd;
    bool live;
    bool yes;
    bool dry_run;
    bool known_only;
    int64_t grace_ns;
    int64_t limit_ns;
    struct check_values check;
    /* of those that work on files */
    const char *report_dir;
    const char *output;
    bool markdown;
    int64_t limit;
    /* of those that use the object store */
    const char *bucket;
    const char *version_id;
    int test_mode;
    int64_t part_bytes;
    int64_t parallel;
    bool versions;
    bool hide;
    int64_t sweep_grace_ns;
};

/* Commands that use the network. */
enum exit_status dumont_check(void *context, const struct command_line *line);
enum exit_status dumont_destroy(void *context, const struct command_line *line);
enum exit_status dumont_reap(void *context, const struct command_line *line);
enum exit_status dumont_run(void *context, const struct command_line *line);
enum exit_status dumont_put(void *context, const struct command_line *line);
enum exit_status dumont_get(void *context, const struct command_line *line);
enum exit_status dumont_status(void *context, const struct command_line *line);
enum exit_status dumont_events_deliver(void *context, const struct command_line *line);

/* Commands on a history. */
enum exit_status dumont_record(void *context, const struct command_line *line);
enum exit_status dumont_report(void *context, const struct command_line *line);

/* Commands on the events store. */
enum exit_status dumont_events_migrate(void *context, const struct command_line *line);
enum exit_status dumont_events_list(void *context, const struct command_line *line);

/* Commands on the object store. */
enum exit_status dumont_store_put(void *context, const struct command_line *line);
enum exit_status dumont_store_get(void *context, const struct command_line *line);
enum exit_status dumont_store_ls(void *context, const struct command_line *line);
enum exit_status dumont_store_rm(void *context, const struct command_line *line);
enum exit_status dumont_store_sweep(void *context, const struct command_line *line);
enum exit_status dumont_store_usage(void *context, const struct command_line *line);

#endif
