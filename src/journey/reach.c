#include "journey/reach.h"

#include <string.h>

#include "vast/retry.h"

enum { ATTEMPTS = 5, RETRY_STREAM_SHOW = 30 };

static const int64_t reach_limit_ns = 120 * NS_PER_S;

enum error_code look_at_machine(struct journey *journey, int64_t instance_id, int attempts, int64_t limit_ns,
                                struct vast_instance *instance, struct error *error)
{
    struct world *world = journey->world;
    struct retry retry = retry_begin(world, "show", RETRY_STREAM_SHOW, attempts, world_deadline_ns(world, limit_ns));
    enum error_code code;
    do {
        code = vast_show(&journey->vast, instance_id, instance, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code != ERR_OK) {
        return error->code;
    }
    note_instance(journey, instance_id, instance);
    return ERR_OK;
}

bool reach_take_address(struct machine *machine, const struct vast_instance *seen)
{
    if (seen->ssh_host.text[0] != '\0' && seen->ssh_port.presence == PRESENT &&
        machine_set_address(machine, seen->ssh_host.text, seen->ssh_port.value)) {
        return true;
    }
    return seen->public_ipaddr.text[0] != '\0' &&
           machine_set_address(machine, seen->public_ipaddr.text, seen->direct_port);
}

/* ERR_OK when it runs. */
static enum error_code judge(int64_t id, const struct vast_instance *seen, struct error *error)
{
    if (seen->gone) {
        (void)error_set(error, ERR_MACHINE_GONE, "machine %lld does not exist (any more)", (long long)id);
        error_advise(error, "see which there are: dumont status");
        return ERR_MACHINE_GONE;
    }
    const char *status = seen->actual_status.presence == PRESENT ? seen->actual_status.text : "null";
    if (strcmp(status, "running") == 0) {
        return ERR_OK;
    }
    bool offline = strcmp(status, "offline") == 0;
    (void)error_set(error, offline ? ERR_MACHINE_OFFLINE : ERR_MACHINE_NOT_RUNNING, "machine %lld is %s (status: %s)",
                    (long long)id, offline ? "offline" : "not running", status);
    error_advise(error,
                 offline ? "nothing reaches it; destroy it if it stays so: dumont destroy %lld"
                         : "wait until it runs, and run it again: dumont status",
                 (long long)id);
    return error->code;
}

enum error_code reach_machine(struct journey *journey, struct machine *machine, struct error *error)
{
    struct vast_instance seen;
    int64_t id = machine->target.instance_id;
    enum error_code code = look_at_machine(journey, id, ATTEMPTS, reach_limit_ns, &seen, error);
    code = code == ERR_OK ? judge(id, &seen, error) : code;
    if (code == ERR_OK && !reach_take_address(machine, &seen)) {
        (void)error_set(error, ERR_SSH_ADDRESS_MISSING,
                        "the API gives no SSH address of machine %lld (ssh_host, ssh_port, ports)", (long long)id);
        error_advise(error, "rent machines with an SSH runtype, or run it again when the machine has its ports");
        return ERR_SSH_ADDRESS_MISSING;
    }
    return code;
}

/* Whether the state of the machine may be behind it. */
static bool is_of_the_connection(enum error_code code)
{
    return code == ERR_SSH_DROPPED || code == ERR_CONNECTION_REFUSED || code == ERR_CONNECTION_RESET ||
           code == ERR_CLOSED_EARLY || code == ERR_UNREACHABLE || code == ERR_TIMED_OUT || code == ERR_SSH_SILENT;
}

enum error_code reach_explain(struct journey *journey, struct machine *machine, struct error *error)
{
    struct vast_instance seen;
    struct error found;
    int64_t id = machine->target.instance_id;
    if (is_of_the_connection(error->code) && look_at_machine(journey, id, 1, reach_limit_ns, &seen, &found) == ERR_OK &&
        judge(id, &seen, &found) != ERR_OK) {
        *error = found;
    }
    return error->code;
}
