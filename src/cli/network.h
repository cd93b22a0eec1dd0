/*
 * Network: what every command that uses the network does around its journey: judges the environment and the options before
 * anything is sent, opens the live world, runs the journey in it, and ends with the documented status.
 *
 *     struct network network;
 *     if (network_open(&network, values, NETWORK_RENTS, &error) == ERR_OK) {
 *         status = network_run(&network, procedure, &argument, &argument.status);
 *         status = network_tell(&network, status, &output);
 *     }
 *     network_close(&network);
 *
 * Without --live only a service on this machine is spoken to: a fake. With --live the clock is the real one. A service on this
 * machine may be spoken to with --live too: that rehearses live mode, all of it but for the fake's clock.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "base/history.h"
#include "base/json_write.h"
#include "cli/api_key.h"
#include "cli/dumont.h"
#include "cli/progress.h"
#include "cli/report_output.h"
#include "cli/vast_url.h"
#include "journey/consent.h"
#include "system/files.h"
#include "world/live/live_world.h"

enum network_use {
    NETWORK_RENTS,    /* spends money: --live needs --max-usd, and the SSH key must be there */
    NETWORK_DESTROYS, /* asks with --live */
    NETWORK_REACHES,  /* works on a machine that is rented: the SSH key must be there; never asks */
    NETWORK_LOOKS,    /* never asks: looks, or acts on --yes alone */
};

/* Zero-filled until it is opened. */
struct network {
    struct heap *heap;
    const struct dumont_values *values;
    struct history history;
    struct progress progress;
    struct vast_url url;
    struct vast_access access; /* what the journeys need */
    enum consent consent;
    bool cut; /* by a second signal: everything has been said */
    struct live_world *live;
    char api_key[API_KEY_SIZE];
    char state_folder[FILE_PATH_SIZE];
};

/*
 * Sends nothing. ERR_USAGE for what does not go together, ERR_NOT_AUTHENTICATED without a key, ERR_SSH_KEY_UNUSABLE,
 * ERR_CANNOT_WRITE for state folder, history or report folder, and what live_world_open() says.
 */
MUST_USE enum error_code network_open(struct network *network, const struct dumont_values *values, enum network_use use,
                                      struct error *error);

/* NULL members are allowed: closes what was opened. */
void network_close(struct network *network);

struct world *network_world(const struct network *network);

/* Runs a journey, which leaves its status in `status`; what the process should end with. */
enum exit_status network_run(struct network *network, task_function *run, void *argument,
                             const enum exit_status *status);

/* Reports the run, and says on standard error what went wrong and what is left. What cannot be written makes the status 3. */
enum exit_status network_tell(struct network *network, enum exit_status status, const struct report_output *output);

/* The two halves of it, for a command that prints something else: the run's report, and what is said after printing. */
MUST_USE enum error_code network_report(struct network *network, struct report **report, struct error *error);
enum exit_status network_end(struct network *network, enum exit_status status, struct report *report,
                             enum error_code written, const struct error *error);

/* The member `error` of what a command prints: what the report says of it, null when all went well. */
void network_write_error(struct json_writer *writer, const struct report *report);

/* The first argument as the number of a machine. ERR_USAGE. */
MUST_USE enum error_code network_parse_id(const struct command_line *line, int64_t *id, struct error *error);

/* What this command line asks of the report. */
struct report_output network_output(const struct dumont_values *values);

#endif
