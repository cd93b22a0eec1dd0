/*
 * The client's calls against the market, in virtual time: what each changes is truly so, and what became unknown may be.
 */
#include "fakes/stage/cloud_scenario.h"
#include "sim/virtual_world.h"
#include "stage.h"
#include "vast/calls.h"

static const char api_key[] = "calls-key-0123456789abcdef0123456789abcdef01234567";
static const char my_key[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNzKq0dXwH6Z5lQ0y7S2n7s1lX3x6Yb5Zq1cQm2bQ9T me@test";

/* A cloud, a client, and what the client has come to know. */
struct play {
    struct stage stage;
    struct heap *heap;
    struct history history;
    struct cloud *cloud;
    struct virtual_process *process;
    struct virtual_world *world;
    struct world *door;
    struct vast vast;
    struct error error;
    int64_t id; /* of the machine */
    int64_t bid_nusd_per_hour;
    int keys;
    int64_t my_key_id;
    struct vast_instance instance;
};

static void open_play(struct play *play, const char *scenario)
{
    struct offer_book *offers;
    *play = (struct play){.stage = stage_begin(), .heap = heap_new()};
    assert_int_equal(stage_read(&play->stage, scenario, &play->error), ERR_OK);
    const struct cloud_scenario *cloud_scenario = &play->stage.scenario->cloud;
    assert_int_equal(cloud_scenario_offers(cloud_scenario, play->heap, (struct span){"", 0}, &offers, &play->error),
                     ERR_OK);
    history_init(&play->history, play->heap);
    struct cloud_options options = cloud_scenario_options(cloud_scenario, offers, 0, &play->history);
    options.api_key = api_key;
    play->cloud = cloud_new(play->heap, &options);
    play->process = virtual_process_new();
    const struct virtual_world_options world = {
        .seed = 1,
        .epoch = cloud_scenario->epoch,
        .cloud = play->cloud,
        .store = memory_store_new(play->heap),
        .history = &play->history,
    };
    play->world = virtual_world_new(play->heap, play->process, &world);
    assert_non_null(play->world);
    play->door = virtual_world_door(play->world);
}

static void close_play(struct play *play)
{
    virtual_world_free(play->world);
    virtual_process_free(play->process);
    heap_free(play->heap);
    heap_free(play->stage.heap);
}

static void act(struct play *play, task_function *procedure)
{
    assert_true(virtual_world_start(play->world, procedure, play));
    assert_int_equal(virtual_world_run(play->world, 0), RUN_FINISHED);
}

/* What is truly so of the only machine. */
static struct contract_view truth(const struct play *play)
{
    struct contract_view view;
    assert_int_equal(market_contract_count(cloud_market(play->cloud)), 1);
    market_contract(cloud_market(play->cloud), 0, &view);
    return view;
}

static void pause_s(struct play *play, int64_t seconds)
{
    assert_int_equal(world_sleep_until(play->door, world_deadline_ns(play->door, seconds * NS_PER_S)), ERR_OK);
}

static void open_calls(struct play *play)
{
    const struct vast_access access = {VAST_DEFAULT_ORIGIN, api_key};
    assert_int_equal(vast_open(&play->vast, play->door, access, 30 * NS_PER_S), ERR_OK);
}

static void await_status(struct play *play, const char *status)
{
    for (int i = 0; i < 200; i++) {
        assert_int_equal(vast_show(&play->vast, play->id, &play->instance, &play->error), ERR_OK);
        if (strcmp(play->instance.actual_status.text, status) == 0) {
            return;
        }
        pause_s(play, 5);
    }
    fail_msg("never %s, but %s", status, play->instance.actual_status.text);
}

static void rent(struct play *play)
{
    struct vast_offer offer;
    struct vast_offers offers = {.offers = &offer, .capacity = 1};
    const struct vast_wish wish = {.num_gpus = 1, .disk_gb = 20, .limit = 5};
    const struct create_wish create = {"ubuntu:22.04", "first", "", 20, play->bid_nusd_per_hour};
    assert_int_equal(vast_search(&play->vast, &wish, &offers, &play->error), ERR_OK);
    assert_int_equal(offers.count, 1);
    assert_int_equal(vast_create(&play->vast, offer.id, &create, &play->id, &play->error), ERR_OK);
    await_status(play, "running");
}

static void destroy(struct play *play)
{
    assert_int_equal(vast_destroy(&play->vast, play->id, &play->error), ERR_OK);
    assert_int_equal(vast_show(&play->vast, play->id, &play->instance, &play->error), ERR_OK);
    assert_true(play->instance.gone);
    assert_false(truth(play).exists);
}

/* ---- Start, stop, label, logs ------------------------------------------------------------------------------------------- */

static void live_and_stop(void *argument)
{
    struct play *play = argument;
    struct buffer logs;
    const struct vast_logs_wish wish = {.lines = 100, .of_daemon = true};
    bool queued;
    open_calls(play);
    rent(play);
    assert_int_equal(vast_label(&play->vast, play->id, "second <&\"", &play->error), ERR_OK);
    assert_string_equal(truth(play).label, "second <&\"");
    buffer_init(&logs, play->door->heap, 4096);
    assert_int_equal(
        vast_logs(&play->vast, play->id, &wish, world_deadline_ns(play->door, 60 * NS_PER_S), &logs, &play->error),
        ERR_OK);
    assert_non_null(strstr(buffer_text(&logs), "pulling ubuntu:22.04"));
    buffer_release(&logs);
    int64_t running_nusd = truth(play).price_nusd_per_hour;
    assert_int_equal(vast_stop(&play->vast, play->id, &play->error), ERR_OK);
    await_status(play, "exited");
    assert_true(truth(play).price_nusd_per_hour > 0); /* its disk */
    assert_true(truth(play).price_nusd_per_hour < running_nusd);
    assert_int_equal(vast_start(&play->vast, play->id, &queued, &play->error), ERR_OK);
    assert_false(queued);
    await_status(play, "running");
    assert_int_equal(truth(play).price_nusd_per_hour, running_nusd);
    destroy(play);
    assert_int_equal(vast_stop(&play->vast, play->id, &play->error), ERR_NO_SUCH_INSTANCE);
    assert_int_equal(vast_start(&play->vast, play->id, &queued, &play->error), ERR_NO_SUCH_INSTANCE);
    assert_int_equal(vast_label(&play->vast, play->id, "x", &play->error), ERR_NO_SUCH_INSTANCE);
    vast_close(&play->vast);
}

static void test_a_machine_is_labelled_stopped_and_started(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, "{\"name\":\"calls\",\"seed\":7}");
    act(&play, live_and_stop);
    assert_int_equal(heap_live_blocks(virtual_process_heap(play.process)), 0);
    close_play(&play);
}

/* ---- Bids --------------------------------------------------------------------------------------------------------------- */

static void bid_more(void *argument)
{
    struct play *play = argument;
    open_calls(play);
    rent(play);
    assert_true(truth(play).is_bid);
    int64_t before_nusd = truth(play).price_nusd_per_hour;
    assert_int_equal(vast_bid(&play->vast, play->id, play->bid_nusd_per_hour + NUSD_PER_USD, &play->error), ERR_OK);
    assert_int_equal(truth(play).price_nusd_per_hour, before_nusd + NUSD_PER_USD);
    destroy(play);
    vast_close(&play->vast);
}

static void bid_on_demand(void *argument)
{
    struct play *play = argument;
    open_calls(play);
    rent(play);
    int64_t before_nusd = truth(play).price_nusd_per_hour;
    assert_int_equal(vast_bid(&play->vast, play->id, NUSD_PER_USD, &play->error), ERR_REQUEST_REJECTED);
    assert_int_equal(truth(play).price_nusd_per_hour, before_nusd);
    vast_close(&play->vast);
}

static void test_a_bid_changes_what_is_paid(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, "{\"name\":\"calls\",\"seed\":7,\"account\":{\"credit_usd\":50}}");
    play.bid_nusd_per_hour = 3 * NUSD_PER_USD;
    act(&play, bid_more);
    close_play(&play);
    open_play(&play, "{\"name\":\"calls\",\"seed\":7}");
    act(&play, bid_on_demand);
    close_play(&play);
}

/* ---- Keys and account --------------------------------------------------------------------------------------------------- */

static void take_key(void *context, const struct vast_key *key)
{
    struct play *play = context;
    play->keys++;
    if (key->text.presence == PRESENT && strcmp(key->text.text, my_key) == 0) {
        play->my_key_id = key->id.value;
    }
}

static int attached_keys(struct play *play)
{
    play->keys = 0;
    play->my_key_id = 0;
    assert_int_equal(vast_attached(&play->vast, play->id, take_key, play, &play->error), ERR_OK);
    return play->keys;
}

static void use_keys(void *argument)
{
    struct play *play = argument;
    struct vast_account account;
    int64_t key_id;
    open_calls(play);
    rent(play);
    int before = attached_keys(play);
    assert_int_equal(vast_attach(&play->vast, play->id, my_key, &play->error), ERR_OK);
    assert_int_equal(vast_attach(&play->vast, play->id, my_key, &play->error),
                     ERR_OK); /* again, as after a lost reply */
    assert_int_equal(attached_keys(play), before + 1);
    assert_true(play->my_key_id > 0);
    assert_string_equal(market_contract_key(cloud_market(play->cloud), 0, (size_t)before), my_key);
    assert_int_equal(vast_detach(&play->vast, play->id, play->my_key_id, &play->error), ERR_OK);
    assert_int_equal(attached_keys(play), before);
    assert_int_equal(vast_detach(&play->vast, play->id, 999999, &play->error), ERR_REQUEST_REJECTED);
    assert_int_equal(vast_key_create(&play->vast, my_key, &key_id, &play->error), ERR_OK);
    play->my_key_id = 0;
    assert_int_equal(vast_keys(&play->vast, take_key, play, &play->error), ERR_OK);
    assert_int_equal(play->my_key_id, key_id);
    assert_int_equal(vast_key_create(&play->vast, my_key, &key_id, &play->error), ERR_OK);
    assert_int_equal(key_id, 0);
    assert_int_equal(vast_account_read(&play->vast, &account, &play->error), ERR_OK);
    assert_int_equal(account.credit_nusd.presence, PRESENT);
    assert_true(account.credit_nusd.value < 5 * NUSD_PER_USD);
    destroy(play);
    assert_int_equal(vast_attach(&play->vast, play->id, my_key, &play->error), ERR_NO_SUCH_INSTANCE);
    vast_close(&play->vast);
}

static void test_keys_come_and_go(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, "{\"name\":\"calls\",\"seed\":7}");
    act(&play, use_keys);
    assert_int_equal(heap_live_blocks(virtual_process_heap(play.process)), 0);
    close_play(&play);
}

/* ---- Replies that are lost ---------------------------------------------------------------------------------------------- */

static void change_and_lose(void *argument)
{
    struct play *play = argument;
    bool queued;
    int64_t key_id;
    open_calls(play);
    rent(play);
    assert_int_equal(vast_label(&play->vast, play->id, "lost", &play->error), ERR_OUTCOME_UNKNOWN);
    assert_string_equal(truth(play).label, "lost");
    assert_int_equal(vast_stop(&play->vast, play->id, &play->error), ERR_OUTCOME_UNKNOWN);
    await_status(play, "exited");
    assert_int_equal(vast_start(&play->vast, play->id, &queued, &play->error), ERR_OUTCOME_UNKNOWN);
    await_status(play, "running");
    int before = attached_keys(play);
    assert_int_equal(vast_attach(&play->vast, play->id, my_key, &play->error), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(vast_attach(&play->vast, play->id, my_key, &play->error), ERR_OK);
    assert_int_equal(attached_keys(play), before + 1);
    assert_int_equal(vast_detach(&play->vast, play->id, play->my_key_id, &play->error), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(attached_keys(play), before);
    assert_int_equal(vast_key_create(&play->vast, my_key, &key_id, &play->error), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(vast_key_create(&play->vast, my_key, &key_id, &play->error), ERR_OK);
    int64_t before_nusd = truth(play).price_nusd_per_hour;
    assert_int_equal(vast_bid(&play->vast, play->id, 4 * NUSD_PER_USD, &play->error), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(truth(play).price_nusd_per_hour, before_nusd + NUSD_PER_USD);
    destroy(play);
    vast_close(&play->vast);
}

/* Each change takes effect behind a gateway that says 502: it is called unknown, and looking shows what is so. */
static void test_a_change_whose_reply_is_lost_is_unknown(void **state)
{
    struct play play;
    (void)state;
    open_play(&play, "{\"name\":\"calls\",\"seed\":7,\"account\":{\"credit_usd\":50},\"faults\":["
                     "{\"id\":\"api-5xx\",\"endpoint\":\"state\",\"point\":\"reply\",\"count\":3},"
                     "{\"id\":\"api-5xx\",\"endpoint\":\"attach\",\"point\":\"reply\",\"count\":1},"
                     "{\"id\":\"api-5xx\",\"endpoint\":\"detach\",\"point\":\"reply\",\"count\":1},"
                     "{\"id\":\"api-5xx\",\"endpoint\":\"key_create\",\"point\":\"reply\",\"count\":1},"
                     "{\"id\":\"api-5xx\",\"endpoint\":\"bid\",\"point\":\"reply\",\"count\":1}]}");
    play.bid_nusd_per_hour = 3 * NUSD_PER_USD;
    act(&play, change_and_lose);
    close_play(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_machine_is_labelled_stopped_and_started),
        cmocka_unit_test(test_a_bid_changes_what_is_paid),
        cmocka_unit_test(test_keys_come_and_go),
        cmocka_unit_test(test_a_change_whose_reply_is_lost_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
