#include "sim/rehearsal.h"

#include <string.h>

#include "journey/destroy.h"

static const char account_key[] = "rehearsal-key-0123456789abcdef0123456789abcdef";
static const char refused_key[] = "rehearsal-key-that-is-not-the-accounts-own-one";

struct rehearsal {
    const struct scenario *scenario;
    struct check_options check;
    struct virtual_process *process;
    struct heap *stage_heap; /* the offers */
    struct heap *run_heap;   /* cloud, store, world, history of the last run */
    struct offer_book *offers;
    struct history history;
};

/* ---- Stage -------------------------------------------------------------------------------------------------------------- */

enum error_code rehearsal_new(const struct scenario *scenario, struct span offers_text, struct rehearsal **out,
                              struct error *error)
{
    struct heap *heap = heap_new();
    struct rehearsal *rehearsal = heap == NULL ? NULL : heap_alloc(heap, sizeof *rehearsal);
    *out = NULL;
    if (rehearsal == NULL) {
        heap_free(heap);
        return error_set(error, ERR_NO_MEMORY, "no memory for the stage");
    }
    rehearsal->stage_heap = heap;
    rehearsal->scenario = scenario;
    rehearsal->check = scenario->check;
    rehearsal->check.access.api_key = scenario->cloud.key_accepted ? account_key : refused_key;
    rehearsal->check.gpu_name = scenario->gpu;
    rehearsal->check.image = scenario->image;
    rehearsal->check.onstart = scenario->onstart;
    rehearsal->run_heap = heap_new();
    rehearsal->process = virtual_process_new();
    enum error_code code = rehearsal->run_heap == NULL || rehearsal->process == NULL
                               ? error_set(error, ERR_NO_MEMORY, "no memory for the stage")
                               : cloud_scenario_offers(&scenario->cloud, heap, offers_text, &rehearsal->offers, error);
    if (code != ERR_OK) {
        rehearsal_free(rehearsal);
        return code;
    }
    *out = rehearsal;
    return ERR_OK;
}

void rehearsal_free(struct rehearsal *rehearsal)
{
    if (rehearsal != NULL) {
        virtual_process_free(rehearsal->process);
        heap_free(rehearsal->run_heap);
        heap_free(rehearsal->stage_heap);
    }
}

struct span rehearsal_history(const struct rehearsal *rehearsal)
{
    return (struct span){buffer_text(&rehearsal->history.text), rehearsal->history.text.length};
}

/* ---- One run ------------------------------------------------------------------------------------------------------------ */

struct run {
    struct rehearsal *rehearsal;
    struct cloud *cloud;
    struct memory_store *store;
    struct virtual_world *world;
    enum exit_status status;
};

static void client_main(void *argument)
{
    struct run *run = argument;
    const struct scenario *scenario = run->rehearsal->scenario;
    struct world *world = virtual_world_door(run->world);
    struct vast_access access = run->rehearsal->check.access;
    struct destroy_options destroy = {
        .access = access, .instance_id = scenario->instance_id, .consent = scenario->check.consent};
    struct reap_options reap = scenario->reap;
    reap.access = access;
    switch (scenario->journey) {
    case JOURNEY_CHECK:
        run->status = check_run(world, &run->rehearsal->check);
        break;
    case JOURNEY_DESTROY:
        run->status = destroy_run(world, &destroy);
        break;
    case JOURNEY_REAP:
        run->status = reap_run(world, &reap);
        break;
    }
}

static void reap_main(void *argument)
{
    struct run *run = argument;
    struct reap_options options = run->rehearsal->scenario->reap;
    options.access = run->rehearsal->check.access;
    options.access.api_key = account_key;
    options.act = true;
    run->status = reap_run(virtual_world_door(run->world), &options);
}

static bool open_run(struct run *run, const struct rehearsal_variation *variation)
{
    struct rehearsal *rehearsal = run->rehearsal;
    const struct scenario *scenario = rehearsal->scenario;
    struct cloud_options cloud =
        cloud_scenario_options(&scenario->cloud, rehearsal->offers, variation->run, &rehearsal->history);
    cloud.api_key = account_key;
    run->cloud = cloud_new(rehearsal->run_heap, &cloud);
    run->store = memory_store_new(rehearsal->run_heap);
    struct virtual_world_options world = {
        .seed = scenario->cloud.seed,
        .run = variation->run,
        .epoch = scenario->cloud.epoch,
        .description =
            {
                .world = "virtual",
                .scenario = scenario->cloud.name,
                .timing = scenario->cloud.timing_name,
                .boot_from = provenance_name(scenario->cloud.timing.boot_from),
                .ssh_from = provenance_name(scenario->cloud.timing.ssh_from),
                .seed = scenario->cloud.seed,
                .rehearsal = true,
            },
        .declines = scenario->declines,
        .cloud = run->cloud,
        .store = run->store,
        .history = &rehearsal->history,
    };
    run->world = run->cloud == NULL || run->store == NULL
                     ? NULL
                     : virtual_world_new(rehearsal->run_heap, rehearsal->process, &world);
    if (run->world == NULL) {
        return false;
    }
    (void)history_hide(&rehearsal->history, account_key);
    struct store_result migrated = {.code = ERR_OK};
    if (scenario->events_migrated) {
        (void)memory_store_migrate(run->store, STORE_EVENTS, NULL, NULL, &migrated);
        for (int64_t id = 1; id <= scenario->webhooks && migrated.code == ERR_OK; id++) {
            (void)memory_store_subscribe(run->store, id, VIRTUAL_RECEIVER_ORIGIN "/hook", "*",
                                         "a-word-of-the-rehearsal", true, &migrated);
        }
    }
    return migrated.code == ERR_OK;
}

/* Starts a life of the client and lets it run; a life that cannot start has nothing to clean up. */
static enum run_end live(struct run *run, task_function *main, uint64_t kill_at)
{
    run->status = EXIT_ENVIRONMENT;
    if (!virtual_world_start(run->world, main, run)) {
        run->status = journey_without_memory(virtual_world_door(run->world));
        return RUN_FINISHED;
    }
    return virtual_world_run(run->world, kill_at);
}

static enum run_end play(struct run *run, const struct rehearsal_variation *variation, struct rehearsal_result *result)
{
    struct heap *client_heap = virtual_process_heap(run->rehearsal->process);
    if (run->rehearsal->scenario->interrupt_ns != TIME_NEVER_NS &&
        !virtual_world_interrupt_at(run->world, run->rehearsal->scenario->interrupt_ns, EXIT_INTERRUPTED)) {
        return RUN_STUCK;
    }
    virtual_world_interrupt_at_step(run->world, variation->interrupt_at, EXIT_INTERRUPTED);
    heap_fail_at(client_heap, variation->fail_allocation, variation->fail_all_later_allocations);
    enum run_end end = live(run, client_main, variation->kill_at);
    result->allocations = heap_requests(client_heap);
    result->refused_allocations = heap_failures_fired(client_heap);
    result->client_peak_bytes = heap_peak_bytes(client_heap);
    heap_fail_at(client_heap, 0, false);
    if (end == RUN_KILLED && variation->reap_after_kill) {
        end = live(run, reap_main, variation->kill_again_at);
        if (end == RUN_KILLED) {
            end = live(run, reap_main, 0);
        }
    }
    return end;
}

/* Most machines that existed at one moment: looked for at each moment of creation. */
static size_t machines_at_once(const struct market *market)
{
    size_t most = 0;
    size_t count = market_contract_count(market);
    for (size_t i = 0; i < count; i++) {
        struct contract_view created;
        market_contract(market, i, &created);
        size_t there = 0;
        for (size_t j = 0; j < count; j++) {
            struct contract_view other;
            market_contract(market, j, &other);
            there += other.created_ns <= created.created_ns && other.destroyed_ns > created.created_ns ? 1 : 0;
        }
        most = there > most ? there : most;
    }
    return most;
}

static void take_truth(const struct run *run, struct rehearsal_result *result)
{
    const struct market *market = cloud_market(run->cloud);
    result->status = run->status;
    result->steps = virtual_world_steps(run->world);
    result->simulated_ns = virtual_world_now_ns(run->world);
    result->machines_created = market_contract_count(market);
    for (size_t i = 0; i < result->machines_created; i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        result->machines_left += view.exists ? 1 : 0;
    }
    result->machines_at_once = machines_at_once(market);
    result->charged_nusd = market_charged_nusd(market);
    result->credit_nusd = market_credit_nusd(market);
    result->leaked_blocks = heap_live_blocks(virtual_process_heap(run->rehearsal->process));
}

enum error_code rehearsal_run(struct rehearsal *rehearsal, const struct rehearsal_variation *variation,
                              struct rehearsal_result *result)
{
    heap_drop(rehearsal->run_heap);
    heap_drop(virtual_process_heap(rehearsal->process));
    history_init(&rehearsal->history, rehearsal->run_heap);
    *result = (struct rehearsal_result){.end = RUN_STUCK};
    struct run run = {.rehearsal = rehearsal};
    bool opened = open_run(&run, variation);
    if (opened) {
        result->end = play(&run, variation, result);
        cloud_bill(run.cloud, virtual_world_now_ns(run.world));
        take_truth(&run, result);
    }
    virtual_world_free(run.world);
    memory_store_free(run.store);
    cloud_free(run.cloud);
    return opened && rehearsal->history.lost == 0 ? ERR_OK : ERR_NO_MEMORY;
}
