#include "events/delivery.h"

#include <string.h>

#include "world/note.h"

static const int64_t first_pause_ns = 10 * NS_PER_S;
static const int64_t longest_pause_ns = NS_PER_HOUR;
static const int64_t claim_ns = 60 * NS_PER_S;

/* Granted to what must still be written when a round is cancelled. */
static const int64_t settle_limit_ns = NS_PER_S;

/* A round under way, shared by its workers. */
struct round {
    struct world *world;
    struct delivery_memory *memory;
    struct delivery_round *public;
    struct store_result *result;
    int64_t due[EVENT_SUBSCRIBERS_MAX];
    size_t due_count;
    size_t next;
};

struct worker {
    struct round *round;
    struct task *task;
    struct completion done;
};

/* ---- Resting receivers -------------------------------------------------------------------------------------------------- */

static struct delivery_rest *rest_of(struct delivery_memory *memory, int64_t webhook_id)
{
    for (size_t i = 0; i < memory->rest_count; i++) {
        if (memory->rests[i].webhook_id == webhook_id) {
            return &memory->rests[i];
        }
    }
    return NULL;
}

static bool is_left_alone(const struct round *round, int64_t webhook_id)
{
    const struct delivery_rest *rest = rest_of(round->memory, webhook_id);
    return rest != NULL && (round->public->in_haste || rest->until_ns > world_now_ns(round->world));
}

/* True when it is the first time. */
static bool let_rest(struct round *round, int64_t webhook_id, int64_t pause_ns)
{
    struct delivery_memory *memory = round->memory;
    int64_t until_ns = saturating_add(world_now_ns(round->world), pause_ns);
    struct delivery_rest *rest = rest_of(memory, webhook_id);
    if (rest != NULL) {
        rest->until_ns = until_ns;
        return false;
    }
    if (memory->rest_count < EVENT_SUBSCRIBERS_MAX) {
        memory->rests[memory->rest_count++] = (struct delivery_rest){webhook_id, until_ns};
    }
    return true;
}

int64_t delivery_rested_ns(struct world *world, const struct delivery_memory *memory)
{
    int64_t now_ns = world_now_ns(world);
    int64_t first_ns = TIME_NEVER_NS;
    for (size_t i = 0; i < memory->rest_count; i++) {
        int64_t until_ns = memory->rests[i].until_ns;
        first_ns = until_ns > now_ns && until_ns < first_ns ? until_ns : first_ns;
    }
    return first_ns;
}

int64_t delivery_pause_ns(int64_t attempt, uint64_t random)
{
    int64_t pause_ns = first_pause_ns;
    for (int64_t i = 1; i < attempt && pause_ns < longest_pause_ns; i++) {
        pause_ns *= 2;
    }
    pause_ns = pause_ns < longest_pause_ns ? pause_ns : longest_pause_ns;
    return pause_ns - (int64_t)(random % (uint64_t)(pause_ns / 2 + 1));
}

/* ---- One delivery ------------------------------------------------------------------------------------------------------- */

/* The delivery that a worker has in hand. */
struct errand {
    int64_t webhook_id;
    struct webhook_message message;
    bool found;
    bool readable;
    bool claimed;
};

/* event_id, kind, payload, attempts, url, secret */
static void take_delivery(void *context, const struct store_value *columns, size_t count)
{
    struct errand *errand = context;
    struct webhook_message *message = &errand->message;
    errand->found = count == 6 && columns[3].kind == STORE_INT &&
                    event_text(&columns[0], message->event_id, sizeof message->event_id);
    if (!errand->found) {
        return;
    }
    message->attempt = columns[3].integer + 1;
    message->secret[0] = '\0';
    errand->readable =
        event_text(&columns[1], message->kind, sizeof message->kind) &&
        event_text(&columns[2], message->payload, sizeof message->payload) &&
        event_text(&columns[4], message->url, sizeof message->url) &&
        (columns[5].kind == STORE_NULL || event_text(&columns[5], message->secret, sizeof message->secret));
}

static void take_claim(void *context, const struct store_value *columns, size_t count)
{
    (void)columns;
    ((struct errand *)context)->claimed = count == 1;
}

/* Asks the store; its first failure ends the round. */
static bool ask(struct round *round, enum store_statement statement, const struct store_value *values, size_t count,
                store_row_function *row, void *context)
{
    struct store_result result;
    if (event_statement(round->world, statement, values, count, row, context, &result) == ERR_OK) {
        return true;
    }
    if (round->result->code == ERR_OK) {
        *round->result = result;
    }
    return false;
}

static int64_t wall_after_ns(struct world *world, int64_t duration_ns)
{
    return saturating_add(world_wall_now(world).unix_ns, duration_ns);
}

static bool find_delivery(struct round *round, struct errand *errand)
{
    const struct store_value values[] = {store_int(errand->webhook_id), store_int(wall_after_ns(round->world, 0))};
    errand->found = false;
    return ask(round, STORE_DELIVERY_NEXT, values, ARRAY_LENGTH(values), take_delivery, errand) && errand->found;
}

static bool claim_delivery(struct round *round, struct errand *errand)
{
    int64_t real_ns = world_real_deadline_ns(round->world, claim_ns) - world_now_ns(round->world);
    const struct store_value values[] = {store_text(errand->message.event_id), store_int(errand->webhook_id),
                                         store_int(errand->message.attempt - 1),
                                         store_int(wall_after_ns(round->world, real_ns))};
    errand->claimed = false;
    return ask(round, STORE_DELIVERY_CLAIM, values, ARRAY_LENGTH(values), take_claim, errand);
}

static void set_delivery(struct round *round, const struct errand *errand, const char *state, struct store_value next,
                         const char *reason)
{
    const struct store_value values[] = {store_text(errand->message.event_id), store_int(errand->webhook_id),
                                         store_text(state), next, store_text(reason)};
    (void)ask(round, STORE_DELIVERY_SET, values, ARRAY_LENGTH(values), NULL, NULL);
}

static void note_attempt(struct round *round, const struct errand *errand, const char *outcome, const char *reason)
{
    struct note note;
    note_begin(&note);
    json_member_string(&note.ids, "event", errand->message.event_id);
    json_member_int(&note.ids, "webhook", errand->webhook_id);
    json_member_int(&note.data, "attempt", errand->message.attempt);
    json_member_string(&note.data, "outcome", outcome);
    json_member_string(&note.data, "reason", reason);
    note_end(round->world, &note, "webhook.sent");
}

/* `wish_ns`: the receiver asked for so long a pause. It gets it, up to the longest of ours. */
static void postpone(struct round *round, const struct errand *errand, const struct webhook_answer *answer)
{
    const char *reason = answer->reason;
    uint32_t entity = 0;
    for (size_t i = 0; i < 8 && errand->message.event_id[i] != '\0'; i++) {
        entity = entity << 4 ^ (uint32_t)(unsigned char)errand->message.event_id[i];
    }
    uint64_t random = world_random_bits(round->world, RANDOM_WEBHOOK_PAUSE, entity, (uint32_t)errand->message.attempt);
    int64_t pause_ns = delivery_pause_ns(errand->message.attempt, random);
    int64_t wish_ns = answer->wish_ns < longest_pause_ns ? answer->wish_ns : longest_pause_ns;
    pause_ns = pause_ns < wish_ns ? wish_ns : pause_ns;
    bool last = errand->message.attempt >= DELIVERY_ATTEMPTS_MAX;
    if (last) {
        round->public->died++;
        set_delivery(round, errand, "dead", store_null(), reason);
    } else {
        round->public->postponed++;
        set_delivery(round, errand, "pending", store_int(wall_after_ns(round->world, pause_ns)), reason);
    }
    note_attempt(round, errand, last ? "dead" : "later", reason);
    if (let_rest(round, errand->webhook_id, pause_ns)) {
        note_fault(round->world, "webhook-slow", "webhook %lld: %s; its events wait and are tried again",
                   (long long)errand->webhook_id, reason);
    }
}

static void give_up(struct round *round, const struct errand *errand, const char *reason)
{
    round->public->died++;
    set_delivery(round, errand, "dead", store_null(), reason);
    note_attempt(round, errand, "dead", reason);
    note_log(round->world, "warning", "webhook %lld: %s; the event is not told to it", (long long)errand->webhook_id,
             reason);
}

static void disable(struct round *round, const struct errand *errand, const char *reason)
{
    const struct store_value values[] = {store_int(errand->webhook_id), store_text(reason)};
    round->public->died++;
    if (ask(round, STORE_SUBSCRIBER_DISABLE, values, 1, NULL, NULL)) {
        (void)ask(round, STORE_DELIVERIES_BURY, values, ARRAY_LENGTH(values), NULL, NULL);
    }
    note_attempt(round, errand, "dead", reason);
    note_log(round->world, "warning", "webhook %lld: %s; it is disabled", (long long)errand->webhook_id, reason);
}

/* Writes down what came of an attempt, also when the round is cancelled meanwhile. True when the receiver can take another. */
static bool settle(struct round *round, const struct errand *errand, enum webhook_outcome outcome,
                   const struct webhook_answer *answer)
{
    struct world *world = round->world;
    const char *reason = answer->reason;
    struct shield shield = task_shield_begin(world->scheduler, world_real_deadline_ns(world, settle_limit_ns));
    switch (outcome) {
    case WEBHOOK_TAKEN:
        round->public->delivered++;
        set_delivery(round, errand, "delivered", store_null(), NULL);
        note_attempt(round, errand, "delivered", reason);
        break;
    case WEBHOOK_LATER:
        postpone(round, errand, answer);
        break;
    case WEBHOOK_REFUSED:
        give_up(round, errand, reason);
        break;
    case WEBHOOK_GONE:
        disable(round, errand, reason);
        break;
    case WEBHOOK_CUT: /* the claim runs out by itself */
        break;
    }
    task_shield_end(world->scheduler, shield);
    return outcome == WEBHOOK_TAKEN || outcome == WEBHOOK_REFUSED;
}

/* ---- Workers ------------------------------------------------------------------------------------------------------------ */

static bool goes_on(const struct round *round)
{
    return round->result->code == ERR_OK && round->public->limit > 0 && !task_is_cancelled(round->world->scheduler);
}

/* A rehearsal calls nobody who is not on this machine; what waits for him stays for somebody who is no rehearsal. */
static bool is_out_of_reach(struct round *round, const struct errand *errand)
{
    if (!round->world->description.rehearsal || !errand->readable || webhook_is_local(errand->message.url)) {
        return false;
    }
    (void)let_rest(round, errand->webhook_id, longest_pause_ns);
    if (!round->memory->warned_of_elsewhere) {
        round->memory->warned_of_elsewhere = true;
        note_log(round->world, "warning",
                 "webhook %lld is not on this machine, and this is a rehearsal: what waits for it is not told now",
                 (long long)errand->webhook_id);
    }
    return true;
}

static enum webhook_outcome attempt(struct round *round, const struct errand *errand, struct webhook_answer *answer)
{
    const struct webhook_message *message = &errand->message;
    *answer = (struct webhook_answer){.reason = "its row in the events store is not understood"};
    if (errand->readable && event_is_rehearsed(message->payload) && !webhook_is_local(message->url)) {
        (void)text_copy(answer->reason, sizeof answer->reason,
                        "it is not on this machine, and the event is a rehearsal's");
        return WEBHOOK_REFUSED;
    }
    return errand->readable ? webhook_send(round->world, message, answer) : WEBHOOK_REFUSED;
}

static void serve(struct round *round, struct errand *errand)
{
    bool takes_more = true;
    while (takes_more && goes_on(round) && find_delivery(round, errand) && !is_out_of_reach(round, errand) &&
           claim_delivery(round, errand)) {
        if (!errand->claimed) {
            continue; /* somebody else has it */
        }
        struct webhook_answer answer;
        round->public->limit--;
        enum webhook_outcome outcome = attempt(round, errand, &answer);
        takes_more = settle(round, errand, outcome, &answer);
    }
}

static void work(void *argument)
{
    struct round *round = ((struct worker *)argument)->round;
    struct errand *errand = heap_alloc(round->world->heap, sizeof *errand);
    while (errand != NULL && goes_on(round) && round->next < round->due_count) {
        errand->webhook_id = round->due[round->next++];
        serve(round, errand);
    }
    if (errand != NULL) {
        memset(errand, 0, sizeof *errand); /* secrets lie in it */
    }
    heap_release(round->world->heap, errand);
}

static void take_due(void *context, const struct store_value *columns, size_t count)
{
    struct round *round = context;
    bool usable = count == 1 && columns[0].kind == STORE_INT && !is_left_alone(round, columns[0].integer);
    if (usable && round->due_count < EVENT_SUBSCRIBERS_MAX) {
        round->due[round->due_count++] = columns[0].integer;
    }
}

/* The workers beside the caller, who is one too. */
static void work_together(struct round *round)
{
    struct worker workers[DELIVERY_WORKERS_MAX] = {{.round = round}};
    struct scheduler *scheduler = round->world->scheduler;
    size_t wanted = round->due_count < DELIVERY_WORKERS_MAX ? round->due_count : DELIVERY_WORKERS_MAX;
    for (size_t i = 1; i < wanted; i++) {
        workers[i].round = round;
        workers[i].task = task_start(scheduler, work, &workers[i], &workers[i].done);
    }
    work(&workers[0]);
    for (size_t i = 1; i < wanted; i++) {
        while (workers[i].task != NULL && !workers[i].done.finished) {
            if (task_wait(scheduler, &workers[i].done, world_deadline_ns(round->world, NS_PER_HOUR)) ==
                WAIT_CANCELLED) {
                task_cancel(workers[i].task);
                struct shield shield = task_shield_begin(scheduler, TIME_NEVER_NS - 1);
                (void)task_wait(scheduler, &workers[i].done, world_real_deadline_ns(round->world, 4 * settle_limit_ns));
                task_shield_end(scheduler, shield);
            }
        }
    }
}

enum error_code delivery_run(struct world *world, struct delivery_memory *memory, struct delivery_round *round,
                             struct store_result *result)
{
    struct round shared = {.world = world, .memory = memory, .public = round, .result = result};
    (void)store_result_set(result, "00000", "");
    const struct store_value now = store_int(wall_after_ns(world, 0));
    if (ask(&shared, STORE_SUBSCRIBERS_DUE, &now, 1, take_due, &shared) && shared.due_count > 0) {
        work_together(&shared);
    }
    return result->code;
}

static void take_counts(void *context, const struct store_value *columns, size_t count)
{
    struct delivery_counts *counts = context;
    if (count == 4) {
        counts->pending = columns[0].integer;
        counts->delivered = columns[1].integer;
        counts->dead = columns[2].integer;
        counts->next_unix_ns = columns[3].kind == STORE_INT ? columns[3].integer : INT64_MAX;
    }
}

enum error_code delivery_count(struct world *world, struct delivery_counts *counts, struct store_result *result)
{
    *counts = (struct delivery_counts){.next_unix_ns = INT64_MAX};
    return event_statement(world, STORE_DELIVERIES_COUNT, NULL, 0, take_counts, counts, result);
}
