#include "journey/status.h"

#include <string.h>

#include "journey/label.h"
#include "vast/retry.h"
#include "world/note.h"

enum { ATTEMPTS = 4, ROWS_FIRST = 32, RETRY_STREAM_LIST = 50, RETRY_STREAM_ACCOUNT = 51 };

static const int64_t reading_limit_ns = 120 * NS_PER_S;

void status_release(struct status_result *result)
{
    heap_release(result->heap, result->machines);
    *result = (struct status_result){.heap = result->heap};
}

/* Room for one more row, or NULL. */
static struct status_machine *new_row(struct status_result *result)
{
    if (result->count == result->capacity) {
        size_t capacity = result->capacity == 0 ? ROWS_FIRST : 2 * result->capacity;
        void *grown = heap_resize(result->heap, result->machines, capacity * sizeof result->machines[0]);
        if (grown == NULL) {
            result->out_of_memory = true;
            return NULL;
        }
        result->machines = grown;
        result->capacity = capacity;
    }
    return &result->machines[result->count++];
}

/* While it is wanted running it bills its whole price, or will; else what it bills now. */
static struct maybe_int64 price_of(const struct vast_instance *instance)
{
    bool is_stopped =
        instance->intended_status.presence == PRESENT && strcmp(instance->intended_status.text, "stopped") == 0;
    bool is_known = instance->billed.nusd_per_hour.presence == PRESENT && instance->billed.nusd_per_hour.value >= 0;
    return is_stopped && is_known ? instance->billed.nusd_per_hour : instance->price_nusd_per_hour;
}

static void take_row(void *context, const struct vast_instance *instance)
{
    struct status_result *result = context;
    struct status_machine *row = new_row(result);
    if (row == NULL) {
        return;
    }
    *row = (struct status_machine){
        .id = instance->id.value,
        .num_gpus = instance->num_gpus,
        .price_nusd_per_hour = price_of(instance),
        .ours = label_is_ours(instance),
    };
    row->actual_status.presence = instance->actual_status.presence;
    row->label.presence = instance->label.presence;
    row->gpu_name.presence = instance->gpu_name.presence;
    memcpy(row->actual_status.text, instance->actual_status.text, sizeof row->actual_status.text);
    memcpy(row->label.text, instance->label.text, sizeof row->label.text);
    memcpy(row->gpu_name.text, instance->gpu_name.text, sizeof row->gpu_name.text);
    result->ours += row->ours ? 1 : 0;
    result->price_nusd_per_hour = saturating_add(result->price_nusd_per_hour, int64_or(row->price_nusd_per_hour, 0));
}

static enum error_code list(struct journey *journey, struct status_result *result, struct error *error)
{
    struct world *world = journey->world;
    struct retry retry =
        retry_begin(world, "list", RETRY_STREAM_LIST, ATTEMPTS, world_deadline_ns(world, reading_limit_ns));
    enum error_code code;
    do {
        status_release(result);
        code = vast_list(&journey->vast, take_row, result, error);
        if (code == ERR_OK && result->out_of_memory) {
            code = error_set(error, ERR_NO_MEMORY, "no memory for so many machines");
        }
    } while (code != ERR_OK && code != ERR_NO_MEMORY && retry_again(&retry, error));
    return code == ERR_OK ? ERR_OK : error->code;
}

/* What cannot be read is unknown, and told as that. */
static enum error_code read_credit(struct journey *journey, struct status_result *result, struct error *error)
{
    struct world *world = journey->world;
    struct vast_account account;
    struct retry retry =
        retry_begin(world, "account", RETRY_STREAM_ACCOUNT, ATTEMPTS, world_deadline_ns(world, reading_limit_ns));
    enum error_code code;
    do {
        code = vast_account_read(&journey->vast, &account, error);
    } while (code != ERR_OK && retry_again(&retry, error));
    if (code == ERR_OK) {
        result->credit_nusd = account.credit_nusd;
    } else if (error->code == ERR_INTERRUPTED) {
        return ERR_INTERRUPTED;
    } else {
        note_log(world, "warning", "%s; the credit is not known", error->message);
    }
    return ERR_OK;
}

static void note_result(struct journey *journey, const struct status_result *result)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.data, "machines", (int64_t)result->count);
    json_member_int(&note.data, "ours", (int64_t)result->ours);
    json_member_int(&note.data, "price_nusd_per_hour", result->price_nusd_per_hour);
    note_end(journey->world, &note, "status.result");
}

enum exit_status status_run(struct world *world, struct vast_access access, struct status_result *result)
{
    struct journey *journey = heap_alloc(world->heap, sizeof *journey);
    *result = (struct status_result){.heap = world->heap};
    if (journey == NULL || journey_open(journey, world, "status", access) != ERR_OK) {
        heap_release(world->heap, journey);
        return journey_without_memory(world);
    }
    journey_note_start(journey);
    struct error error;
    if (list(journey, result, &error) == ERR_OK && read_credit(journey, result, &error) == ERR_OK) {
        note_result(journey, result);
    } else {
        (void)journey_fail(journey, &error);
    }
    enum exit_status status = journey_close(journey);
    heap_release(world->heap, journey);
    return status;
}
