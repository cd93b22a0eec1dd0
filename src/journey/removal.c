#include "journey/removal.h"

#include "vast/retry.h"
#include "world/note.h"

enum { DESTROY_ATTEMPTS = 1000, RETRY_STREAM_DESTROY = 10, RETRY_STREAM_READ_BACK = 11 };

static const int64_t first_pause_ns = 3 * NS_PER_S;
static const int64_t longest_pause_ns = 60 * NS_PER_S;

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
    return error_set(error, ERR_MACHINE_LEFT, "the server said that instance %lld is destroyed, and it is still there",
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

/* Sleeps before the next round, a little longer each time. True when there will be no next one. */
static bool out_of_time(struct journey *journey, int64_t *pause_ns, int64_t deadline_ns)
{
    int64_t next_ns = world_deadline_ns(journey->world, *pause_ns);
    *pause_ns = *pause_ns * 2 > longest_pause_ns ? longest_pause_ns : *pause_ns * 2;
    return next_ns >= deadline_ns || world_sleep_until(journey->world, next_ns) != ERR_OK;
}

/* Final: nobody who holds this key will be answered otherwise. */
static bool is_hopeless(enum error_code code)
{
    return code == ERR_NOT_AUTHENTICATED || code == ERR_NOT_PERMITTED || code == ERR_TLS_REFUSED;
}

/* What the attempts came to: the server's refusal when it refused, else what the read-back showed. */
static enum error_code conclude(struct journey *journey, int64_t instance_id, int rounds, int64_t limit_ns,
                                const struct error *asked, struct error *error)
{
    if (asked->code != ERR_OK) {
        *error = *asked;
    }
    char words[ERROR_MESSAGE_SIZE];
    (void)text_copy(words, sizeof words, error->message);
    (void)error_set(error, ERR_MACHINE_LEFT, "instance %lld is not destroyed after %lld s and %d rounds: %.200s",
                    (long long)instance_id, (long long)(limit_ns / NS_PER_S), rounds, words);
    note_decision(journey, instance_id, "", "give-up", error->message);
    return error->code;
}

static enum error_code remove_within(struct journey *journey, int64_t instance_id, int64_t limit_ns, bool destroy_extra,
                                     struct error *error)
{
    int64_t deadline_ns = world_deadline_ns(journey->world, limit_ns);
    int64_t pause_ns = first_pause_ns;
    struct error asked;
    int rounds = 0;
    do {
        bool extra = destroy_extra || rounds > 0;
        rounds++;
        phase_begin(journey, PHASE_DESTROY, extra);
        enum error_code code = ask(journey, instance_id, deadline_ns, &asked);
        phase_end(journey, PHASE_DESTROY, extra, code);
        if (is_hopeless(code)) {
            *error = asked;
            return code;
        }
        phase_begin(journey, PHASE_VERIFY_DESTROYED, true);
        code = read_back(journey, instance_id, deadline_ns, error);
        phase_end(journey, PHASE_VERIFY_DESTROYED, true, code);
        if (code == ERR_OK || is_hopeless(code)) {
            return code;
        }
        if (code == ERR_MACHINE_LEFT && asked.code == ERR_OK) {
            note_fault(journey->world, "destroy-false-success", "%s; destroying it again", error->message);
        }
    } while (!out_of_time(journey, &pause_ns, deadline_ns));
    return conclude(journey, instance_id, rounds, limit_ns, &asked, error);
}

enum error_code remove_machine(struct journey *journey, int64_t instance_id, int64_t limit_ns, bool destroy_extra,
                               struct error *error)
{
    struct world *world = journey->world;
    struct shield shield = task_shield_begin(world->scheduler, world_deadline_ns(world, limit_ns));
    enum error_code code = remove_within(journey, instance_id, limit_ns, destroy_extra, error);
    task_shield_end(world->scheduler, shield);
    if (code == ERR_OK) {
        shell_forget(world, instance_id);
        events_emit(journey->events, EVENT_INSTANCE_DESTROYED, instance_id);
    }
    return code;
}
