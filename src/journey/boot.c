#include "journey/boot.h"

#include <string.h>

#include "journey/reach.h"
#include "vast/retry.h"
#include "world/note.h"

enum { OFFLINE_SIGHTINGS = 2, ABANDONED_SIGHTINGS = 2, FAILURE_SIZE = 120 };

/* After a create the instance may not show at once. */
static const int64_t appear_grace_ns = 30 * NS_PER_S;

/* ---- What one observation means ----------------------------------------------------------------------------------------- */

enum condition { CONDITION_PENDING, CONDITION_RUNNING, CONDITION_ENDED, CONDITION_OFFLINE, CONDITION_ABANDONED };

static const struct {
    const char *status;
    enum condition condition;
} conditions[] = {
    {"created", CONDITION_PENDING},    {"loading", CONDITION_PENDING},    {"running", CONDITION_RUNNING},
    {"exited", CONDITION_ENDED},       {"stopped", CONDITION_ENDED},      {"frozen", CONDITION_ENDED},
    {"offline", CONDITION_OFFLINE},    {"unknown", CONDITION_PENDING},    {"rebooting", CONDITION_PENDING},
    {"restarting", CONDITION_PENDING}, {"scheduling", CONDITION_PENDING},
};

/* What has been seen of a machine while waiting. */
struct watch {
    struct journey *journey;
    int64_t instance_id;
    int64_t started_ns;
    bool ever_seen;
    int offline_sightings;
    int abandoned_sightings;
    bool told_null;
    bool told_unknown_status;
    bool told_odd_field;
    bool told_host_quiet;
    char failure[FAILURE_SIZE]; /* of the last look; "" when it did not fail */
};

static bool intended_to_stop(const struct vast_instance *instance)
{
    return instance->intended_status.presence == PRESENT && strcmp(instance->intended_status.text, "stopped") == 0;
}

/* Tells once what is odd about a status that is waited out. */
static void tell_oddity(struct watch *watch, const struct vast_instance *instance, bool known)
{
    struct world *world = watch->journey->world;
    if (instance->actual_status.presence == IS_NULL) {
        note_fault(world, "null-status", "actual_status is null: still provisioning, waited on");
    } else if (instance->actual_status.presence != PRESENT && !watch->told_odd_field) {
        watch->told_odd_field = true;
        note_fault(world, "nullable-fields", "actual_status is %s: treated as not known, waited on",
                   instance->actual_status.presence == ABSENT ? "missing" : "not a text");
    } else if (instance->actual_status.presence == PRESENT && !known && !watch->told_unknown_status) {
        watch->told_unknown_status = true;
        note_fault(world, "schema-drift", "status \"%s\" is not known to this version: waited on",
                   instance->actual_status.text);
    } else if (strcmp(instance->actual_status.text, "unknown") == 0 && !watch->told_host_quiet) {
        watch->told_host_quiet = true;
        note_fault(world, "host-offline", "status \"unknown\": no heartbeat from the host, waited on");
    }
}

static enum condition condition_of(struct watch *watch, const struct vast_instance *instance)
{
    enum condition condition = CONDITION_PENDING;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LENGTH(conditions) && instance->actual_status.presence == PRESENT; i++) {
        if (strcmp(instance->actual_status.text, conditions[i].status) == 0) {
            condition = conditions[i].condition;
            known = true;
        }
    }
    tell_oddity(watch, instance, known);
    if (condition == CONDITION_PENDING && intended_to_stop(instance)) {
        return CONDITION_ABANDONED;
    }
    return condition;
}

static enum error_code ended(struct watch *watch, enum error_code code, const struct vast_instance *instance,
                             struct error *error)
{
    if (code == ERR_MACHINE_EXITED) {
        events_emit(watch->journey->events, EVENT_INSTANCE_STOPPED, watch->instance_id);
    }
    int words_length = (int)strcspn(instance->status_msg.text, "\r\n");
    (void)error_set(
        error, code, "instance %lld: status \"%s\"%s%.*s", (long long)watch->instance_id, instance->actual_status.text,
        words_length == 0 ? "" : ", message: ", words_length > 160 ? 160 : words_length, instance->status_msg.text);
    error_advise(error, "run it again: another machine will be chosen");
    return code;
}

/* ERR_OK with *running set or not; an error when the machine will not come. */
static enum error_code judge(struct watch *watch, const struct vast_instance *instance, bool *running,
                             struct error *error)
{
    struct world *world = watch->journey->world;
    if (instance->gone) {
        bool may_still_appear = !watch->ever_seen && world_now_ns(world) < watch->started_ns + appear_grace_ns;
        return may_still_appear ? ERR_OK
                                : error_set(error, ERR_MACHINE_GONE, "instance %lld no longer exists",
                                            (long long)watch->instance_id);
    }
    watch->ever_seen = true;
    enum condition condition = condition_of(watch, instance);
    watch->offline_sightings = condition == CONDITION_OFFLINE ? watch->offline_sightings + 1 : 0;
    watch->abandoned_sightings = condition == CONDITION_ABANDONED ? watch->abandoned_sightings + 1 : 0;
    *running = condition == CONDITION_RUNNING;
    if (condition == CONDITION_ENDED || watch->abandoned_sightings == ABANDONED_SIGHTINGS) {
        return ended(watch, ERR_MACHINE_EXITED, instance, error);
    }
    if (watch->offline_sightings == OFFLINE_SIGHTINGS) {
        note_fault(world, "host-offline", "instance %lld is offline, seen twice", (long long)watch->instance_id);
        return ended(watch, ERR_MACHINE_OFFLINE, instance, error);
    }
    return ERR_OK;
}

/* An observation that failed: final only when asking again cannot help. */
static bool is_final(enum error_code code)
{
    return code == ERR_NOT_AUTHENTICATED || code == ERR_NOT_PERMITTED || code == ERR_INTERRUPTED ||
           code == ERR_TLS_REFUSED || code == ERR_NO_MEMORY || code == ERR_DEADLINE;
}

/* The server's word on the price counts, not the offer's: a dearer machine is given up earlier. */
static void heed_price(struct journey *journey, int64_t instance_id, const struct vast_instance *seen)
{
    int64_t known_nusd = journey->guard.price_nusd_per_hour;
    if (seen->price_nusd_per_hour.presence != PRESENT || known_nusd <= 0 ||
        seen->price_nusd_per_hour.value <= known_nusd) {
        return;
    }
    bool shortened = guard_see_price(&journey->guard, journey->world, seen->price_nusd_per_hour.value);
    char prices[96];
    struct buffer text;
    buffer_init_fixed(&text, prices, sizeof prices);
    buffer_append_text(&text, "it costs $");
    decimal_append(&text, seen->price_nusd_per_hour.value, 9, 2);
    buffer_append_text(&text, " per hour, not $");
    decimal_append(&text, known_nusd, 9, 2);
    note_fault(journey->world, "price-moves", "instance %lld: %s; %s", (long long)instance_id, prices,
               shortened ? "the cap pays for less time" : "the limits allow it");
    if (shortened) {
        note_decision(journey, instance_id, "", "shorten", prices);
    }
}

/* Looks once and judges. A failed look is ERR_OK with nothing learnt, unless it is final. */
static enum error_code look(struct watch *watch, struct vast_instance *last, bool *running, int64_t *wish_ns,
                            struct error *error)
{
    struct vast_instance seen;
    *running = false;
    *wish_ns = 0;
    enum error_code code = vast_show(&watch->journey->vast, watch->instance_id, &seen, error);
    (void)text_copy(watch->failure, sizeof watch->failure, code == ERR_OK ? "" : error->message);
    if (code == ERR_OK) {
        note_instance(watch->journey, watch->instance_id, &seen);
        if (!seen.gone) {
            *last = seen;
            heed_price(watch->journey, watch->instance_id, &seen);
        }
        return judge(watch, &seen, running, error);
    }
    if (is_final(code)) {
        return code;
    }
    const char *fault = fault_behind(code);
    note_fault(watch->journey->world, fault == NULL ? "poll-error-as-terminal" : fault,
               "%s; nothing is concluded from it, polling goes on", error->message);
    *wish_ns = error->retry_after_ns;
    return ERR_OK;
}

static struct watch watch_begin(struct journey *journey, int64_t instance_id)
{
    return (struct watch){.journey = journey, .instance_id = instance_id, .started_ns = world_now_ns(journey->world)};
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Until it runs ------------------------------------------------------------------------------------------------------ */

/* "600", "0.5" */
static void seconds_text(char *out, size_t size, int64_t duration_ns)
{
    struct buffer text;
    buffer_init_fixed(&text, out, size);
    decimal_append(&text, duration_ns, 9, 0);
}

static enum error_code boot_deadline(struct watch *watch, const struct check_options *options,
                                     const struct vast_instance *last, struct error *error)
{
    char limit_s[32];
    seconds_text(limit_s, sizeof limit_s, options->running_limit_ns);
    const char *status = last->actual_status.presence == PRESENT   ? last->actual_status.text
                         : last->actual_status.presence == IS_NULL ? "null"
                                                                   : "none could be read";
    note_fault(watch->journey->world, "stuck-loading", "not running after %s s, last status %s", limit_s, status);
    int words_length = (int)strcspn(last->status_msg.text, "\r\n");
    (void)error_set(error, ERR_BOOT_DEADLINE, "instance %lld was not running after %s s (last status: %s%s%.*s%s%s)",
                    (long long)watch->instance_id, limit_s, status,
                    words_length == 0 ? "" : ", message: ", words_length > 120 ? 120 : words_length,
                    last->status_msg.text, watch->failure[0] == '\0' ? "" : "; last answer: ", watch->failure);
    error_advise(error, "run it again: another machine will be chosen; --running-limit-s waits longer");
    return ERR_BOOT_DEADLINE;
}

static enum error_code poll_until_running(struct watch *watch, const struct check_options *options,
                                          struct vast_instance *last, struct error *error)
{
    struct world *world = watch->journey->world;
    int64_t deadline_ns = world_deadline_ns(world, options->running_limit_ns);
    for (;;) {
        bool running;
        int64_t wish_ns;
        enum error_code code = look(watch, last, &running, &wish_ns, error);
        if (code != ERR_OK || running) {
            return code;
        }
        if (world_now_ns(world) >= deadline_ns) {
            return boot_deadline(watch, options, last, error);
        }
        /* The last look is at the limit itself. */
        int64_t next_ns = world_deadline_ns(world, larger(options->status_poll_ns, wish_ns));
        code = world_sleep_until(world, smaller(next_ns, deadline_ns));
        if (code != ERR_OK) {
            return error_set(error, code, "%s while instance %lld was starting", error_sentence(code),
                             (long long)watch->instance_id);
        }
    }
}

enum error_code wait_running(struct journey *journey, const struct check_options *options, const struct rental *rental,
                             struct vast_instance *last, struct error *error)
{
    struct watch watch = watch_begin(journey, rental->instance_id);
    *last = (struct vast_instance){0};
    phase_begin(journey, "wait_running", false);
    enum error_code code = poll_until_running(&watch, options, last, error);
    phase_end(journey, "wait_running", false, code);
    if (code == ERR_OK) {
        events_emit(journey->events, EVENT_INSTANCE_STARTED, rental->instance_id);
    }
    return code;
}

/* ---- Until SSH answers -------------------------------------------------------------------------------------------------- */

static const struct {
    enum error_code code;
    const char *fault;
} ssh_faults[] = {
    {ERR_CONNECTION_REFUSED, "ssh-refused"},   {ERR_SSH_SILENT, "ssh-banner-stall"},
    {ERR_TIMED_OUT, "host-offline"},           {ERR_SSH_KEY_DENIED, "ssh-key-not-synced"},
    {ERR_SSH_DROPPED, "ssh-drop-mid-command"}, {ERR_CLOSED_EARLY, "ssh-maxstartups"},
    {ERR_UNREACHABLE, "host-offline"},
};

static void tell_ssh_fault(struct journey *journey, const struct error *error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(ssh_faults); i++) {
        if (ssh_faults[i].code == error->code) {
            note_fault(journey->world, ssh_faults[i].fault, "%s; tried again", error->message);
        }
    }
}

static enum error_code ssh_deadline(const struct check_options *options, const struct rental *rental,
                                    struct error *error)
{
    bool denied = error->code == ERR_SSH_KEY_DENIED;
    char limit_s[32];
    seconds_text(limit_s, sizeof limit_s, options->ssh_limit_ns);
    char last[ERROR_MESSAGE_SIZE];
    (void)text_copy(last, sizeof last, error->message);
    (void)error_set(error, denied ? ERR_SSH_KEY_DENIED : ERR_SSH_DEADLINE,
                    "instance %lld did not answer SSH within %s s (last: %.200s)", (long long)rental->instance_id,
                    limit_s, last);
    error_advise(error, denied ? "check that the account has the public half of DUMONT_SSH_KEY"
                               : "run it again: another machine will be chosen; --ssh-limit-s waits longer");
    return error->code;
}

/* One attempt; without an address it fails like one. */
static enum error_code attempt_ssh(struct machine *machine, const struct vast_instance *last, int64_t attempt_limit_ns,
                                   struct error *error)
{
    if (!reach_take_address(machine, last)) {
        return error_set(error, ERR_REPLY_UNEXPECTED, "the API gives no SSH address (ssh_host, ssh_port, ports)");
    }
    return machine_probe(machine, world_deadline_ns(machine->world, attempt_limit_ns), error);
}

static bool is_worth_waiting(enum error_code code)
{
    return code != ERR_INTERRUPTED && code != ERR_DEADLINE && code != ERR_SSH_HOST_KEY_CHANGED && code != ERR_NO_MEMORY;
}

static enum error_code attempt_until_ssh(struct watch *watch, const struct check_options *options,
                                         const struct rental *rental, struct machine *machine,
                                         struct vast_instance *last, struct error *error)
{
    struct world *world = watch->journey->world;
    int64_t deadline_ns = world_deadline_ns(world, options->ssh_limit_ns);
    for (int failed = 1;; failed++) {
        enum error_code code = attempt_ssh(machine, last, options->ssh_attempt_ns, error);
        if (code == ERR_OK || !is_worth_waiting(code)) {
            return code;
        }
        tell_ssh_fault(watch->journey, error);
        if (world_now_ns(world) >= deadline_ns) {
            return ssh_deadline(options, rental, error);
        }
        int64_t next_ns = smaller(world_deadline_ns(world, options->ssh_retry_ns), deadline_ns);
        /* From the second failure on, ask within the pause whether the machine still lives, and where. */
        if (failed > 1 || code == ERR_REPLY_UNEXPECTED) {
            bool running;
            int64_t wish_ns;
            struct error seen;
            code = look(watch, last, &running, &wish_ns, &seen);
            if (code != ERR_OK) {
                *error = seen;
                return code;
            }
        }
        code = world_sleep_until(world, next_ns);
        if (code != ERR_OK) {
            return error_set(error, code, "%s while waiting for SSH of instance %lld", error_sentence(code),
                             (long long)rental->instance_id);
        }
    }
}

enum error_code explain_loss(struct journey *journey, const struct rental *rental, struct vast_instance *last,
                             struct error *error)
{
    struct watch watch = watch_begin(journey, rental->instance_id);
    watch.ever_seen = true;
    watch.offline_sightings = OFFLINE_SIGHTINGS - 1; /* a lost connection is the first */
    bool running;
    int64_t wish_ns;
    struct error seen;
    if (look(&watch, last, &running, &wish_ns, &seen) != ERR_OK && seen.code != ERR_INTERRUPTED) {
        *error = seen;
    }
    return error->code;
}

enum error_code wait_ssh(struct journey *journey, const struct check_options *options, const struct rental *rental,
                         struct machine *machine, struct vast_instance *last, struct error *error)
{
    struct watch watch = watch_begin(journey, rental->instance_id);
    watch.ever_seen = true;
    phase_begin(journey, "wait_ssh", false);
    enum error_code code = attempt_until_ssh(&watch, options, rental, machine, last, error);
    phase_end(journey, "wait_ssh", false, code);
    if (code == ERR_OK) {
        events_emit(journey->events, EVENT_INSTANCE_READY, rental->instance_id);
    }
    return code;
}
