#include "journey/removal.h"

#include "vast/retry.h"
#include "world/note.h"

enum { DESTROY_ATTEMPTS = 1000, RETRY_STREAM_DESTROY = 10, RETRY_STREAM_READ_BACK = 11 };

static const int64_t read_back_pause_ns = 3 * NS_PER_S;

/* Asks for the destruction until the server has accepted it, or says that there is nothing to destroy. */
static enum error_code ask(struct journey *journey, int64_t instance_id, int64_t deadline_ns, struct error *error)
{
    struct retry retry = retry_begin(journey->world, "destroy", RETRY_STREAM_DESTROY, DESTROY_ATTEMPTS, deadline_ns);
    for (;;) {
        enum error_code code = vast_destroy(&journey->vast, instance_id, error);
        if (code == ERR_OK || code == ERR_NO_SUCH_INSTANCE) {
            return error_set(error, ERR_OK, "accepted");
        }
        bool unknown = code == ERR_OUTCOME_UNKNOWN;
        note_fault(journey->world, "destroy-rejected", "instance %lld: %s; %s", (long long)instance_id, error->message,
                   unknown ? "the read-back tells" : "it stays a debt and is asked for again");
        if (unknown) {
            return code;
        }
        if (code == ERR_REQUEST_REJECTED) {
            error->code = ERR_SERVER_ERROR; /* a machine that is just being created refuses for a while */
        }
        if (!retry_again(&retry, error)) {
            return error->code;
        }
    }
}

/* One look: ERR_OK gone; ERR_MACHINE_LEFT still there; another code: not known. */
static enum error_code look(struct journey *journey, int64_t instance_id, struct error *error)
{
    struct vast_instance instance;
    enum error_code code = vast_show(&journey->vast, instance_id, &instance, error);
    if (code != ERR_OK) {
        return code;
    }
    note_instance(journey, instance_id, &instance);
    if (instance.gone) {
        return ERR_OK;
    }
    return error_set(error, ERR_MACHINE_LEFT, "instance %lld was destroyed by the server's word and is still there",
                     (long long)instance_id);
}

/* Reads back until the instance is gone or seen alive; what cannot be read is asked again. */
static enum error_code read_back(struct journey *journey, int64_t instance_id, int64_t deadline_ns, struct error *error)
{
    struct retry retry =
        retry_begin(journey->world, "read back", RETRY_STREAM_READ_BACK, DESTROY_ATTEMPTS, deadline_ns);
    for (;;) {
        enum error_code code = look(journey, instance_id, error);
        if (code == ERR_OK || code == ERR_MACHINE_LEFT) {
            return code;
        }
        if (code == ERR_ENDPOINT_GONE || code == ERR_REQUEST_REJECTED) {
            error->code = ERR_REPLY_UNEXPECTED; /* unreadable is not absent: look again */
        }
        if (!retry_again(&retry, error)) {
            return error->code;
        }
    }
}

static bool out_of_time(struct journey *journey, int64_t deadline_ns)
{
    return world_now_ns(journey->world) >= deadline_ns ||
           world_sleep_until(journey->world, world_deadline_ns(journey->world, read_back_pause_ns)) != ERR_OK ||
           world_now_ns(journey->world) >= deadline_ns;
}

/* Final: nobody who holds this key will be answered otherwise. */
static bool is_hopeless(enum error_code code)
{
    return code == ERR_NOT_AUTHENTICATED || code == ERR_NOT_PERMITTED || code == ERR_TLS_REFUSED;
}

static enum error_code remove_within(struct journey *journey, int64_t instance_id, int64_t deadline_ns,
                                     bool destroy_extra, struct error *error)
{
    for (bool first = true;; first = false) {
        bool extra = destroy_extra || !first;
        phase_begin(journey, PHASE_DESTROY, extra);
        enum error_code code = ask(journey, instance_id, deadline_ns, error);
        phase_end(journey, PHASE_DESTROY, extra, code);
        if (is_hopeless(code)) {
            return code;
        }
        phase_begin(journey, PHASE_VERIFY_DESTROYED, true);
        code = read_back(journey, instance_id, deadline_ns, error);
        phase_end(journey, PHASE_VERIFY_DESTROYED, true, code);
        if (code == ERR_OK || is_hopeless(code)) {
            return code;
        }
        if (code == ERR_MACHINE_LEFT) {
            note_fault(journey->world, "destroy-false-success", "%s; destroying it again", error->message);
        }
        if (out_of_time(journey, deadline_ns)) {
            return code;
        }
    }
}

enum error_code remove_machine(struct journey *journey, int64_t instance_id, int64_t limit_ns, bool destroy_extra,
                               struct error *error)
{
    struct world *world = journey->world;
    int64_t deadline_ns = world_deadline_ns(world, limit_ns);
    struct shield shield = task_shield_begin(world->scheduler, deadline_ns);
    enum error_code code = remove_within(journey, instance_id, deadline_ns, destroy_extra, error);
    task_shield_end(world->scheduler, shield);
    if (code == ERR_OK) {
        events_emit(journey->events, EVENT_INSTANCE_DESTROYED, instance_id);
    }
    return code;
}
