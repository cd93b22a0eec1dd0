#include "journey/check.h"

#include <string.h>

#include "journey/boot.h"
#include "journey/budget.h"
#include "journey/removal.h"
#include "journey/rent.h"
#include "machine/machine.h"
#include "vast/retry.h"
#include "world/note.h"

enum { ACCOUNT_ATTEMPTS = 4, RETRY_STREAM_ACCOUNT = 3 };

static const int64_t command_limit_ns = 60 * NS_PER_S;
static const int64_t account_limit_ns = 60 * NS_PER_S;

static const char check_file[] = "/workspace/dumont-check.txt";

/* All that a check needs, taken at once and before anything is rented. */
struct check {
    struct journey journey;
    const struct check_options *options;
    struct renting renting;
    struct rental rental;
    struct vast_instance last;
    struct machine machine;
    struct vast_offer offers[CHECK_OFFERS_MAX];
};

void check_defaults(struct check_options *options)
{
    *options = (struct check_options){
        .access = {.origin = VAST_DEFAULT_ORIGIN},
        .gpu_name = "RTX 4090",
        .num_gpus = 1,
        .max_price_nusd_per_hour = NUSD_PER_USD / 2,
        .min_reliability_millionths = 900000,
        .min_inet_down_mbps = 500,
        .disk_gb = 20,
        .image = "nvidia/cuda:12.1.0-base-ubuntu22.04",
        .onstart = "apt-get update",
        .limit = 20,
        .status_poll_ns = 10 * NS_PER_S,
        .ssh_retry_ns = 10 * NS_PER_S,
        .ssh_attempt_ns = 5 * NS_PER_S,
        .running_limit_ns = 600 * NS_PER_S,
        .ssh_limit_ns = 300 * NS_PER_S,
        .budget_nusd = BUDGET_NO_CAP,
    };
}

static void write_options(struct json_writer *writer, const struct check_options *options)
{
    json_key(writer, "options");
    json_begin_object(writer);
    json_member_string(writer, "gpu", options->gpu_name);
    json_member_int(writer, "num_gpus", options->num_gpus);
    json_member_int(writer, "max_price_nusd_per_hour", options->max_price_nusd_per_hour);
    json_member_int(writer, "min_reliability_millionths", options->min_reliability_millionths);
    json_member_int(writer, "min_inet_down_mbps", options->min_inet_down_mbps);
    json_member_int(writer, "disk_gb", options->disk_gb);
    json_member_string(writer, "image", options->image);
    json_member_string(writer, "onstart", options->onstart);
    json_member_int(writer, "limit", options->limit);
    json_member_int(writer, "status_poll_us", options->status_poll_ns / NS_PER_US);
    json_member_int(writer, "ssh_retry_us", options->ssh_retry_ns / NS_PER_US);
    json_member_int(writer, "ssh_attempt_us", options->ssh_attempt_ns / NS_PER_US);
    json_member_int(writer, "running_limit_us", options->running_limit_ns / NS_PER_US);
    json_member_int(writer, "ssh_limit_us", options->ssh_limit_ns / NS_PER_US);
    json_member_bool(writer, "ssh_reuse", options->ssh_reuse);
    if (options->budget_nusd != BUDGET_NO_CAP) {
        json_member_int(writer, "budget_nusd", options->budget_nusd);
    }
    json_end_object(writer);
}

static void note_validation(struct check *check, const char *name, bool passed)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.data, "name", name);
    json_member_bool(&note.data, "passed", passed);
    note_end(check->journey.world, &note, "validation");
}

/* ---- Account ------------------------------------------------------------------------------------------------------------ */

static enum error_code read_account(struct check *check, struct vast_account *account, struct error *error)
{
    struct world *world = check->journey.world;
    struct retry retry = retry_begin(world, "account", RETRY_STREAM_ACCOUNT, ACCOUNT_ATTEMPTS,
                                     world_deadline_ns(world, account_limit_ns));
    enum error_code code;
    do {
        code = vast_account_read(&check->journey.vast, account, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code != ERR_OK) {
        return error->code;
    }
    struct note note;
    note_begin(&note);
    json_member_int(&note.data, "credit_nusd", account->credit_nusd.value);
    note_end(world, &note, "account.seen");
    return ERR_OK;
}

static bool is_about_the_key(enum error_code code)
{
    return code == ERR_NOT_AUTHENTICATED || code == ERR_NOT_PERMITTED;
}

/* Proves the key before anything is rented. An account that cannot be read for another reason is no reason to stop. */
static enum error_code check_account(struct check *check, struct error *error)
{
    struct vast_account account;
    phase_begin(&check->journey, "account_check", true);
    enum error_code code = read_account(check, &account, error);
    phase_end(&check->journey, "account_check", true, code);
    if (is_about_the_key(code)) {
        error_advise(error, "set VAST_API_KEY, or write the key to ~/.config/vastai/vast_api_key");
    }
    if (code == ERR_OK || is_about_the_key(code) || code == ERR_INTERRUPTED) {
        return code;
    }
    note_log(check->journey.world, "warning", "%s; going on without knowing the credit", error->message);
    check->renting.hasty = code == ERR_CONNECTION_REFUSED || code == ERR_UNREACHABLE || code == ERR_NAME_UNKNOWN;
    return ERR_OK;
}

static void read_account_after(struct check *check)
{
    struct world *world = check->journey.world;
    struct vast_account account;
    struct error error;
    struct shield shield = task_shield_begin(world->scheduler, world_deadline_ns(world, account_limit_ns));
    phase_begin(&check->journey, "account_after", true);
    enum error_code code = read_account(check, &account, &error);
    phase_end(&check->journey, "account_after", true, code);
    task_shield_end(world->scheduler, shield);
}

/* Where it failed: on which machine, and at which step. */
static void name_step(const struct check *check, const char *step, enum error_code code, struct error *error)
{
    if (code != ERR_OK) {
        error_wrap(error, "instance %lld, %s", (long long)check->rental.instance_id, step);
    }
}

/* ---- On the machine ----------------------------------------------------------------------------------------------------- */

static enum error_code create_file(struct check *check, const char *text, struct error *error)
{
    phase_begin(&check->journey, "create_file", false);
    enum error_code code = machine_create_file(&check->machine, check_file, text, error);
    name_step(check, "create_file", code, error);
    phase_end(&check->journey, "create_file", false, code);
    note_validation(check, "file_written", code == ERR_OK);
    if (code == ERR_DISK_FULL) {
        note_fault(check->journey.world, "disk-full", "%s; the machine is given up", error->message);
        error_advise(error, "ask for more with --disk-gb, or run it again: another machine will be chosen");
    }
    return code;
}

static enum error_code verify_file(struct check *check, const char *text, struct error *error)
{
    phase_begin(&check->journey, "verify_file", false);
    enum error_code code = machine_verify_file(&check->machine, check_file, text, error);
    name_step(check, "verify_file", code, error);
    phase_end(&check->journey, "verify_file", false, code);
    note_validation(check, "file_read_back_identical", code == ERR_OK);
    return code;
}

static enum error_code collect_gpu_info(struct check *check, struct error *error)
{
    struct gpu_info info;
    phase_begin(&check->journey, "collect_gpu_info", false);
    enum error_code code = machine_gpu_info(&check->machine, &info, error);
    name_step(check, "collect_gpu_info", code, error);
    phase_end(&check->journey, "collect_gpu_info", false, code);
    note_validation(check, "gpu_answers", code == ERR_OK);
    if (code != ERR_OK) {
        return code;
    }
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "instance", check->rental.instance_id);
    json_member_string(&note.data, "name", info.name);
    json_member_int(&note.data, "memory_total_mib", info.memory_total_mib);
    json_member_string(&note.data, "driver_version", info.driver_version);
    note_end(check->journey.world, &note, "gpu.info");
    note_validation(check, "gpu_is_the_one_rented", strstr(info.name, check->rental.offer.gpu_name) != NULL);
    return ERR_OK;
}

/* Could the machine itself be the reason, rather than the command? */
static bool is_about_the_connection(enum error_code code)
{
    return code == ERR_CONNECTION_REFUSED || code == ERR_CONNECTION_RESET || code == ERR_CLOSED_EARLY ||
           code == ERR_SSH_DROPPED || code == ERR_TIMED_OUT || code == ERR_UNREACHABLE || code == ERR_MACHINE_EXITED ||
           code == ERR_SSH_DEADLINE;
}

/* A lost connection may have a reason that the API knows: the machine stopped, or the credit is gone. */
static enum error_code explain(struct check *check, struct error *error)
{
    if (!is_about_the_connection(error->code)) {
        return error->code;
    }
    (void)explain_loss(&check->journey, &check->rental, &check->last, error);
    struct vast_account account;
    struct error unread;
    if (error->code == ERR_MACHINE_EXITED && read_account(check, &account, &unread) == ERR_OK &&
        account.credit_nusd.value <= 0) {
        (void)error_set(error, ERR_NO_CREDIT, "the account's credit is used up, and instance %lld was stopped",
                        (long long)check->rental.instance_id);
        error_advise(error, "add credit to the account, or destroy what it pays for: dumont status");
    }
    return error->code;
}

/* From running to the last command. */
static enum error_code prove_machine(struct check *check, struct error *error)
{
    struct journey *journey = &check->journey;
    machine_init(&check->machine, journey->world, check->rental.instance_id, check->options->ssh_reuse,
                 command_limit_ns);
    enum error_code code = wait_ssh(journey, check->options, &check->rental, &check->machine, &check->last, error);
    note_validation(check, "ssh_answers", code == ERR_OK);
    char text[128];
    (void)text_format(text, sizeof text, "written by %s for instance %lld", check->rental.intent.label,
                      (long long)check->rental.instance_id);
    if (code == ERR_OK) {
        code = create_file(check, text, error);
    }
    if (code == ERR_OK) {
        code = verify_file(check, text, error);
    }
    if (code == ERR_OK) {
        code = collect_gpu_info(check, error);
    }
    machine_close(&check->machine);
    return code == ERR_OK ? ERR_OK : explain(check, error);
}

/* A machine that does not do what was asked of it is no reason to think so of all others. */
static enum error_code advise_another(enum error_code code, struct error *error)
{
    if (error->next_step[0] == '\0' && error_exit_status(code) == EXIT_FAILED) {
        error_advise(error, "run it again: another machine will be chosen");
    }
    return code;
}

/* ---- From the first request to the last --------------------------------------------------------------------------------- */

static enum error_code use_machine(struct check *check, struct error *error)
{
    struct journey *journey = &check->journey;
    enum error_code code = wait_running(journey, check->options, &check->rental, &check->last, error);
    note_validation(check, "machine_runs", code == ERR_OK);
    code = code == ERR_OK ? prove_machine(check, error) : code;
    return code == ERR_OK ? ERR_OK : advise_another(code, error);
}

/* The guard cut the use short, wherever it stood. */
static enum error_code stopped_by_guard(struct check *check, struct error *error)
{
    struct journey *journey = &check->journey;
    const struct guard *guard = &journey->guard;
    int64_t after_s = (world_now_ns(journey->world) - guard->began_ns) / NS_PER_S;
    (void)error_set(error, guard->by_cap ? ERR_BUDGET : ERR_DEADLINE, "instance %lld is given up after %lld s: %s",
                    (long long)check->rental.instance_id, (long long)after_s,
                    guard->by_cap ? "--max-usd pays for no more but its removal"
                                  : "all limits together allow no more but its removal");
    error_advise(error, guard->by_cap ? "raise --max-usd, or choose a cheaper machine with --max-price"
                                      : "run it again: another machine will be chosen");
    return error->code;
}

/* Within what the cap and the limits pay for. */
static enum error_code use_within_budget(struct check *check, struct error *error)
{
    struct journey *journey = &check->journey;
    journey->guard = budget_guard(check->options, &check->rental.offer, check->rental.began_ns);
    struct shield limit = guard_begin(&journey->guard, journey->world);
    enum error_code code = use_machine(check, error);
    task_shield_end(journey->world->scheduler, limit);
    bool cut = code != ERR_OK && code != ERR_INTERRUPTED && guard_is_due(&journey->guard, journey->world);
    return cut ? stopped_by_guard(check, error) : code;
}

static enum error_code rent_and_use(struct check *check, struct error *error)
{
    struct journey *journey = &check->journey;
    enum error_code code = check_account(check, error);
    if (code == ERR_OK) {
        code = find_offers(journey, &check->renting, error);
        note_validation(check, "offers_found", code == ERR_OK);
    }
    if (code != ERR_OK) {
        return code;
    }
    enum consent_answer answer = propose_offer(journey, &check->renting, &check->rental, error);
    if (answer != CONSENT_YES) {
        return answer == CONSENT_STOP ? ERR_OK : error->code;
    }
    code = create_machine(journey, &check->renting, &check->rental, error);
    note_validation(check, "machine_created", code == ERR_OK);
    return code == ERR_OK ? use_within_budget(check, error) : code;
}

/* Whatever happened before: what was rented goes, and its going is seen. */
static void give_back(struct check *check)
{
    struct journey *journey = &check->journey;
    struct rental *rental = &check->rental;
    struct world *world = journey->world;
    struct shield shield = task_shield_begin(world->scheduler, world_deadline_ns(world, 2 * BUDGET_REMOVAL_NS));
    note_decision(journey, rental->instance_id, rental->intent.label, "destroy",
                  journey->error.code == ERR_OK ? "the check is done" : error_sentence(journey->error.code));
    journey_set_intent(journey, &rental->intent, INTENT_DESTROYING, rental->instance_id);
    struct error error;
    enum error_code code = remove_machine(journey, rental->instance_id, BUDGET_REMOVAL_NS, false, &error);
    note_validation(check, "destroyed_and_read_back", code == ERR_OK);
    if (code == ERR_OK) {
        journey_set_intent(journey, &rental->intent, INTENT_CLOSED, rental->instance_id);
    } else {
        (void)journey_fail(journey, &error);
        journey_leave_machine(journey, rental->instance_id, rental->intent.label, rental->offer.price_nusd_per_hour);
    }
    task_shield_end(world->scheduler, shield);
    if (code == ERR_OK) {
        read_account_after(check);
    }
}

static void note_start(struct check *check)
{
    const struct journey *journey = &check->journey;
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "run", journey->run_id);
    journey_describe(journey, &note.data);
    write_options(&note.data, check->options);
    note_end(journey->world, &note, "client.start");
}

enum exit_status check_run(struct world *world, const struct check_options *options)
{
    struct check *check = heap_alloc(world->heap, sizeof *check);
    if (check == NULL || journey_open(&check->journey, world, "check", options->access) != ERR_OK) {
        heap_release(world->heap, check);
        return journey_without_memory(world);
    }
    check->options = options;
    renting_init(&check->renting, options, check->offers);
    note_start(check);
    struct error error;
    bool locked = world_lock(world, check->journey.run_id);
    if (!locked) {
        (void)error_set(&error, ERR_STATE_LOCKED, "the lock of run %s cannot be taken", check->journey.run_id);
    }
    /* Without its lock another process would take this run for dead, and reap its machine. */
    if (!locked || rent_and_use(check, &error) != ERR_OK) {
        (void)journey_fail(&check->journey, &error);
    }
    if (check->rental.instance_id != 0) {
        give_back(check);
    }
    if (locked) {
        world_unlock(world, check->journey.run_id);
    }
    enum exit_status status = journey_close(&check->journey);
    heap_release(world->heap, check);
    return status;
}
