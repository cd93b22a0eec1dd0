#include "sim/rehearsal.h"

#include <string.h>

#include "fakes/market/offers.h"
#include "journey/destroy.h"

static const char account_key[] = "rehearsal-key-0123456789abcdef0123456789abcdef";
static const char refused_key[] = "rehearsal-key-that-is-not-the-accounts-own-one";

enum { OFFERS_THAT_DO_NOT_FIT = 16 };

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

/*
 * A market in which the recorded search finds what the recorded one found, the recorded offer first. What it has does not depend
 * on what the client of this run asks for.
 */
static struct offer_book *recorded_offers(struct heap *heap, const struct scenario *scenario,
                                          const struct offer_book_options *options,
                                          const struct check_options *recorded)
{
    const struct recording *recording = &scenario->recording;
    const char *gpu = recording->offer.gpu_name[0] == '\0' ? recorded->gpu_name : recording->offer.gpu_name;
    struct offer_wish wish = {
        .id = int64_or(recording->offer.offer_id, 20000001),
        .num_gpus = recorded->num_gpus,
        .gpu_ram_mib = int64_or(recording->offer.gpu_ram_mib, 0),
        .price_nusd_per_hour = int64_or(recording->offer.price_nusd_per_hour, NUSD_PER_USD / 5),
        .reliability_millionths = int64_or(recording->offer.reliability_millionths, 0),
        .max_price_nusd_per_hour = recorded->max_price_nusd_per_hour,
        .min_reliability_millionths = recorded->min_reliability_millionths,
        .min_inet_down_milli = recorded->min_inet_down_mbps * 1000,
        .min_disk_mgb = recorded->disk_gb * 1000,
        .min_direct_ports = 1,
        .found = (size_t)int64_or(recording->offers_found, (int64_t)scenario->offer_count),
        .others = OFFERS_THAT_DO_NOT_FIT,
    };
    (void)text_copy(wish.gpu_name, sizeof wish.gpu_name, gpu);
    (void)text_copy(wish.geolocation, sizeof wish.geolocation, recording->offer.region);
    (void)text_copy(wish.driver_version, sizeof wish.driver_version, recording->offer.driver_version);
    return offer_book_for_wish(heap, options, &wish);
}

static enum error_code make_offers(struct rehearsal *rehearsal, struct span text, struct error *error)
{
    const struct scenario *scenario = rehearsal->scenario;
    struct check_options recorded;
    check_defaults(&recorded);
    recording_habits(&scenario->recording, &recorded);
    bool replayed = scenario->recording_name[0] != '\0';
    struct offer_book_options options = {
        .seed = scenario->seed,
        .listed_at = scenario->epoch,
        .allocated_disk_mgb = (replayed ? recorded.disk_gb : scenario->check.disk_gb) * 1000,
    };
    if (scenario->offers_file[0] != '\0') {
        return offer_book_read(rehearsal->stage_heap, &options, text, scenario->offers_file, &rehearsal->offers, error);
    }
    if (replayed) {
        rehearsal->offers = recorded_offers(rehearsal->stage_heap, scenario, &options, &recorded);
    } else {
        rehearsal->offers = offer_book_generate(rehearsal->stage_heap, &options, scenario->offer_count);
    }
    return rehearsal->offers == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for the offers") : ERR_OK;
}

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
    rehearsal->check.access.api_key = scenario->key_accepted ? account_key : refused_key;
    rehearsal->check.gpu_name = scenario->gpu;
    rehearsal->check.image = scenario->image;
    rehearsal->check.onstart = scenario->onstart;
    rehearsal->run_heap = heap_new();
    rehearsal->process = virtual_process_new();
    enum error_code code = rehearsal->run_heap == NULL || rehearsal->process == NULL
                               ? error_set(error, ERR_NO_MEMORY, "no memory for the stage")
                               : make_offers(rehearsal, offers_text, error);
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
    struct destroy_options destroy = {.access = access, .instance_id = scenario->instance_id};
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
    const struct recording *recording = &scenario->recording;
    bool recorded = scenario->recording_name[0] != '\0';
    struct cloud_options cloud = {
        .seed = scenario->seed,
        .run = variation->run,
        .epoch = scenario->epoch,
        .timing = &scenario->timing,
        .faults = &scenario->faults,
        .offers = rehearsal->offers,
        .api_key = account_key,
        .credit_nusd = scenario->credit_nusd,
        .limit_ignored = recorded && recording->offers_found.presence == PRESENT,
        .first_contract_id = recorded ? int64_or(recording->offer.instance_id, 0) : 0,
        .ssh_host = recorded && recording->offer.ssh_host[0] != '\0' ? recording->offer.ssh_host : NULL,
        .ssh_port = recorded ? int64_or(recording->offer.ssh_port, 0) : 0,
        .history = &rehearsal->history,
    };
    run->cloud = cloud_new(rehearsal->run_heap, &cloud);
    run->store = memory_store_new(rehearsal->run_heap);
    struct virtual_world_options world = {
        .seed = scenario->seed,
        .run = variation->run,
        .epoch = scenario->epoch,
        .description =
            {
                .world = "virtual",
                .scenario = scenario->name,
                .timing = scenario->timing_name,
                .boot_from = provenance_name(scenario->timing.boot_from),
                .ssh_from = provenance_name(scenario->timing.ssh_from),
                .seed = scenario->seed,
            },
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
