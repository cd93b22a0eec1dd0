#include "fakes/fault/injector.h"

#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "fakes/fault/catalogue.h"

enum { MILLION = 1000000 };

/* What a fault has done so far. */
struct fault_state {
    const struct fault_row *row;
    int64_t occasions; /* that it could have acted on, in its window */
    int64_t acted;
    int64_t until_ns; /* what it did so far lasts until then */
    int64_t ends_ns;  /* while `on`: when it ceases */
    bool on;
    bool removed; /* while the run went on */
};

struct injector {
    struct heap *heap;
    struct fault_plan plan;
    struct fault_state states[FAULT_PLAN_MAX];
    uint64_t seed;
    uint32_t run;
    injector_notice_function *notice;
    void *context;
    int64_t contract_ids[INJECTOR_MACHINES_MAX];
    size_t contract_count;
};

struct injector *injector_new(struct heap *heap, const struct fault_plan *plan, uint64_t seed, uint32_t run,
                              injector_notice_function *notice, void *context)
{
    struct injector *injector = heap_alloc(heap, sizeof *injector);
    if (injector == NULL) {
        return NULL;
    }
    injector->heap = heap;
    injector->plan = *plan;
    injector->seed = seed;
    injector->run = run;
    injector->notice = notice;
    injector->context = context;
    for (size_t i = 0; i < plan->count; i++) {
        injector->states[i].row = catalogue_find(plan->faults[i].id);
    }
    for (size_t i = 0; i < INJECTOR_MACHINES_MAX; i++) {
        injector->contract_ids[i] = -1;
    }
    return injector;
}

void injector_free(struct injector *injector)
{
    if (injector != NULL) {
        heap_release(injector->heap, injector);
    }
}

void injector_contract(struct injector *injector, uint32_t contract, int64_t id)
{
    if (contract < INJECTOR_MACHINES_MAX) {
        injector->contract_ids[contract] = id;
    }
    if (contract >= injector->contract_count) {
        injector->contract_count = (size_t)contract + 1;
    }
}

static void notify(struct injector *injector, int64_t now_ns, size_t index, bool on)
{
    injector->states[index].on = on;
    if (injector->notice != NULL) {
        injector->notice(injector->context, now_ns, injector->plan.faults[index].id, on);
    }
}

/* Tells of the faults that have ceased by now. */
static void tell_ends(struct injector *injector, int64_t now_ns)
{
    for (size_t i = 0; i < injector->plan.count; i++) {
        if (injector->states[i].on && injector->states[i].ends_ns <= now_ns) {
            notify(injector, now_ns, i, false);
        }
    }
}

/* A place keeps its fault's kind for ever: exchanges under way remember what is to be rewritten by place. */
size_t injector_remove(struct injector *injector, int64_t now_ns, const char *id)
{
    size_t removed = 0;
    for (size_t i = 0; i < injector->plan.count; i++) {
        struct fault_state *state = &injector->states[i];
        if (strcmp(injector->plan.faults[i].id, id) != 0 || state->removed) {
            continue;
        }
        if (state->on) {
            notify(injector, now_ns, i, false);
        }
        state->removed = true;
        injector->plan.faults[i].active = false;
        removed++;
    }
    return removed;
}

bool injector_put(struct injector *injector, int64_t now_ns, const struct fault *fault)
{
    size_t place = 0;
    while (place < injector->plan.count && strcmp(injector->plan.faults[place].id, fault->id) != 0) {
        place++;
    }
    if (place == FAULT_PLAN_MAX) {
        return false;
    }
    (void)injector_remove(injector, now_ns, fault->id);
    injector->plan.count += place == injector->plan.count ? 1 : 0;
    injector->plan.faults[place] = *fault;
    injector->states[place] = (struct fault_state){.row = catalogue_find(fault->id)};
    return true;
}

const struct fault *injector_fault(const struct injector *injector, size_t nth, struct fault_deeds *deeds)
{
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault_state *state = &injector->states[i];
        if (!state->removed && nth-- == 0) {
            *deeds = (struct fault_deeds){state->occasions, state->acted, state->on};
            return &injector->plan.faults[i];
        }
    }
    return NULL;
}

/* Counts an occasion for an active fault; true when the fault is to act on it. */
static bool is_due(struct injector *injector, size_t index, int64_t now_ns)
{
    const struct fault *fault = &injector->plan.faults[index];
    struct fault_state *state = &injector->states[index];
    if (now_ns < fault->from_ns || now_ns >= fault->to_ns) {
        return false;
    }
    state->occasions++;
    if (state->occasions < fault->nth || (fault->count >= 0 && state->acted >= fault->count)) {
        return false;
    }
    struct random_address address = {
        .run = injector->run, .purpose = RANDOM_FAULT, .entity = (uint32_t)index, .index = (uint32_t)state->occasions};
    return fault->probability_millionths >= MILLION ||
           (int64_t)random_below(injector->seed, address, MILLION) < fault->probability_millionths;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Notes that a fault has acted, and that what it did now lasts until `until_ns`. */
static void note_action(struct injector *injector, size_t index, int64_t now_ns, int64_t until_ns)
{
    const struct fault *fault = &injector->plan.faults[index];
    struct fault_state *state = &injector->states[index];
    state->acted++;
    if (!state->on) {
        notify(injector, now_ns, index, true);
    }
    bool last = fault->count >= 0 && state->acted >= fault->count;
    state->until_ns = later(state->until_ns, until_ns);
    state->ends_ns = last ? state->until_ns : later(state->until_ns, fault->to_ns);
    tell_ends(injector, now_ns);
}

/* Whether a request is one of the nth machine's: of its contract, its create, or a list, of which its row is meant. */
static bool is_of_machine(const struct injector *injector, int64_t machine, enum api_call call, int64_t id)
{
    if (machine < 0 || call == API_LIST) {
        return true;
    }
    if (call == API_CREATE) {
        return (size_t)machine == injector->contract_count;
    }
    return id >= 0 && injector->contract_ids[machine] == id;
}

static bool concerns_request(const struct injector *injector, size_t index, enum api_call call, int64_t id)
{
    const struct fault *fault = &injector->plan.faults[index];
    const struct fault_row *row = injector->states[index].row;
    enum api_call endpoint = fault->endpoint == API_CALL_COUNT ? row->endpoint : fault->endpoint;
    bool here = fault->any_endpoint ? (row->endpoints & UINT64_C(1) << call) != 0 : call == endpoint;
    return fault->active && row->endpoints != 0 && here && is_of_machine(injector, fault->machine, call, id);
}

static bool is_decided(const struct http_verdict *verdict)
{
    return verdict->answered || verdict->rewrites != 0 || verdict->fate_before != FATE_DELIVERED ||
           verdict->fate_after != FATE_DELIVERED;
}

void injector_http(struct injector *injector, int64_t now_ns, enum api_call call, int64_t id,
                   struct http_verdict *verdict, struct http_reply *reply)
{
    *verdict = (struct http_verdict){.fate_before = FATE_DELIVERED, .fate_after = FATE_DELIVERED};
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault_row *row = injector->states[i].row;
        if (row->http != NULL && concerns_request(injector, i, call, id) && is_due(injector, i, now_ns) &&
            !is_decided(verdict)) {
            bool rewritten = row->http(&injector->plan.faults[i], call, id, verdict, reply);
            verdict->rewrites |= rewritten ? 1U << i : 0;
            note_action(injector, i, now_ns, now_ns);
        }
    }
    bool decided = is_decided(verdict);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault_row *row = injector->states[i].row;
        if (row->http == NULL && concerns_request(injector, i, call, id) && is_due(injector, i, now_ns) && !decided) {
            verdict->rewrites |= 1U << i;
            note_action(injector, i, now_ns, now_ns);
        }
    }
}

void injector_rewrite(struct injector *injector, int64_t now_ns, const struct http_verdict *verdict, enum api_call call,
                      struct http_reply *reply)
{
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count && !reply->body.failed; i++) {
        if ((verdict->rewrites & 1U << i) != 0) {
            int64_t machine = injector->plan.faults[i].machine;
            struct rewrite rewrite = {.heap = injector->heap,
                                      .call = call,
                                      .one_contract = machine >= 0,
                                      .contract_id = machine < 0 ? -1 : injector->contract_ids[machine]};
            injector->states[i].row->rewrite(&injector->plan.faults[i], &rewrite, reply);
        }
    }
}

static bool concerns_bucket(const struct injector *injector, size_t index, enum bucket_call call, bool is_head)
{
    const struct fault *fault = &injector->plan.faults[index];
    const struct fault_row *row = injector->states[index].row;
    uint32_t calls = row->bucket_usual;
    if (fault->any_endpoint) {
        calls = row->bucket_calls;
    } else if (fault->bucket_call != BUCKET_CALL_COUNT) {
        calls = UINT32_C(1) << fault->bucket_call;
    }
    return fault->active && (calls & UINT32_C(1) << call) != 0 && !(is_head && row->needs_body);
}

void injector_bucket(struct injector *injector, int64_t now_ns, enum bucket_call call, bool is_head,
                     struct bucket_verdict *verdict, struct http_reply *reply)
{
    bool decided = false;
    *verdict = (struct bucket_verdict){.http = {.fate_before = FATE_DELIVERED, .fate_after = FATE_DELIVERED},
                                       .break_after_bytes = -1,
                                       .flipped_at = -1};
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault_row *row = injector->states[i].row;
        if (concerns_bucket(injector, i, call, is_head) && is_due(injector, i, now_ns) && !decided) {
            bool rewritten = row->bucket == NULL || row->bucket(&injector->plan.faults[i], call, verdict, reply);
            verdict->http.rewrites |= rewritten ? 1U << i : 0;
            note_action(injector, i, now_ns, now_ns);
            decided = true;
        }
    }
}

void injector_bucket_rewrite(struct injector *injector, int64_t now_ns, const struct bucket_verdict *verdict,
                             enum bucket_call call, struct http_reply *reply)
{
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count && !reply->body.failed; i++) {
        if ((verdict->http.rewrites & 1U << i) != 0) {
            injector->states[i].row->bucket_rewrite(&injector->plan.faults[i], injector->heap, call, reply);
        }
    }
}

static bool concerns_contract(const struct fault *fault, uint32_t contract)
{
    return fault->active && (fault->machine < 0 || fault->machine == (int64_t)contract);
}

void injector_timeline(struct injector *injector, int64_t now_ns, uint32_t contract, struct machine_timeline *timeline)
{
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault *fault = &injector->plan.faults[i];
        const struct fault_row *row = injector->states[i].row;
        if (row->timeline != NULL && concerns_contract(fault, contract) && is_due(injector, i, now_ns)) {
            note_action(injector, i, now_ns, saturating_add(now_ns, row->timeline(fault, timeline)));
        }
    }
}

void injector_command(struct injector *injector, int64_t now_ns, uint32_t contract, struct span command,
                      struct command_verdict *verdict)
{
    *verdict = (struct command_verdict){.disk_used_bytes = -1};
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault *fault = &injector->plan.faults[i];
        const struct fault_row *row = injector->states[i].row;
        bool concerned = row->command != NULL && concerns_contract(fault, contract) &&
                         (row->concerns == NULL || row->concerns(fault, command));
        if (concerned && is_due(injector, i, now_ns)) {
            row->command(fault, verdict);
            note_action(injector, i, now_ns, now_ns);
        }
    }
}

void injector_connect(struct injector *injector, int64_t now_ns, uint32_t contract, struct connect_verdict *verdict)
{
    *verdict = (struct connect_verdict){.closes = false};
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault *fault = &injector->plan.faults[i];
        const struct fault_row *row = injector->states[i].row;
        if (row->connect != NULL && concerns_contract(fault, contract) && is_due(injector, i, now_ns)) {
            row->connect(fault, verdict);
            note_action(injector, i, now_ns, now_ns);
        }
    }
}

bool injector_store(struct injector *injector, int64_t now_ns, const struct store_request *request,
                    struct store_verdict *verdict)
{
    *verdict = (struct store_verdict){.sqlstate = NULL};
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault *fault = &injector->plan.faults[i];
        const struct fault_row *row = injector->states[i].row;
        struct store_verdict would_be = {.sqlstate = NULL};
        bool concerned = fault->active && row->store != NULL && row->store(fault, request, &would_be);
        if (concerned && is_due(injector, i, now_ns)) {
            note_action(injector, i, now_ns, now_ns);
            *verdict = would_be;
            return true;
        }
    }
    return false;
}

bool injector_receiver(struct injector *injector, int64_t now_ns, struct receiver_verdict *verdict)
{
    tell_ends(injector, now_ns);
    for (size_t i = 0; i < injector->plan.count; i++) {
        const struct fault *fault = &injector->plan.faults[i];
        const struct fault_row *row = injector->states[i].row;
        if (fault->active && row->receiver != NULL && is_due(injector, i, now_ns)) {
            note_action(injector, i, now_ns, now_ns);
            row->receiver(fault, verdict);
            return true;
        }
    }
    return false;
}
