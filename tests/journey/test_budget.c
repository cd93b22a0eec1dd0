/* Budgets: what a check may cost is known before it rents, and held to while it runs. */
#include <string.h>

#include "journey/budget.h"
#include "scripted_world.h"
#include "testing.h"

static struct scripted_world scripted;

static int set_up(void **state)
{
    (void)state;
    scripted_world_open(&scripted);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scripted_world_close(&scripted);
    return 0;
}

static struct check_options some_options(void)
{
    struct check_options options;
    check_defaults(&options);
    options.access = (struct vast_access){"https://vast.example", "key-of-this-test"};
    return options;
}

/* ---- Before anything is rented ------------------------------------------------------------------------------------------ */

/* 30 s for the create, 645 s to find out what became of it, both limits, 600 s of commands, 900 s of removal. */
static void test_the_worst_case_is_the_price_of_all_limits_and_of_a_full_disk(void **state)
{
    (void)state;
    struct check_options options = some_options();
    struct vast_offer offer = {.price_nusd_per_hour = 3600 * 1000, .inet_down_nusd_per_gb = 5000000};
    struct budget_bound bound = budget_bound_of(&options, &offer);
    assert_int_equal(bound.longest_ns, (30 + 645 + 600 + 300 + 600 + 900) * NS_PER_S);
    assert_int_equal(bound.time_nusd, 3075 * 1000);
    assert_int_equal(bound.traffic_nusd, 20 * 5000000);
    assert_int_equal(bound.worst_nusd, bound.time_nusd + bound.traffic_nusd);
    options.running_limit_ns += 100 * NS_PER_S;
    assert_int_equal(budget_bound_of(&options, &offer).time_nusd, 3175 * 1000);
}

/* A server that pays for traffic, or asks for all the money there is, moves no bound below the price or beyond its range. */
static void test_absurd_prices_do_not_lower_the_worst_case(void **state)
{
    (void)state;
    struct check_options options = some_options();
    struct vast_offer offer = {.price_nusd_per_hour = 1000, .inet_down_nusd_per_gb = -NUSD_PER_USD};
    assert_int_equal(budget_bound_of(&options, &offer).traffic_nusd, 0);
    offer = (struct vast_offer){.price_nusd_per_hour = INT64_MAX, .inet_down_nusd_per_gb = INT64_MAX};
    options.budget_nusd = NUSD_PER_USD;
    struct budget_bound bound = budget_bound_of(&options, &offer);
    assert_true(bound.worst_nusd > NUSD_PER_USD);
    assert_false(budget_allows(&options, &bound));
}

static void test_a_cap_allows_what_costs_exactly_as_much(void **state)
{
    (void)state;
    struct check_options options = some_options();
    struct vast_offer offer = {.price_nusd_per_hour = NUSD_PER_USD / 5};
    struct budget_bound bound = budget_bound_of(&options, &offer);
    assert_true(budget_allows(&options, &bound));
    options.budget_nusd = bound.worst_nusd;
    assert_true(budget_allows(&options, &bound));
    options.budget_nusd--;
    assert_false(budget_allows(&options, &bound));
    struct error error;
    assert_int_equal(budget_refuse(&options, &offer, &error), ERR_BUDGET);
    assert_non_null(strstr(error.message, "$0.1708"));
    assert_non_null(strstr(error.next_step, "--max-usd"));
}

/* What a server sends reaches the terminal without its control characters. */
static void test_a_proposal_says_what_a_person_must_know(void **state)
{
    (void)state;
    struct check_options options = some_options();
    options.budget_nusd = NUSD_PER_USD;
    struct vast_offer offer = {.id = 77,
                               .num_gpus = 2,
                               .price_nusd_per_hour = NUSD_PER_USD / 5,
                               .inet_down_nusd_per_gb = NUSD_PER_USD / 1000,
                               .reliability_millionths = 987654,
                               .gpu_name = "RTX\x1b[31m 4090",
                               .geolocation = "Quebec, CA"};
    char text[512];
    struct buffer out;
    buffer_init_fixed(&out, text, sizeof text);
    budget_append_proposal(&out, &options, &offer);
    assert_string_equal(text,
                        "offer 77: 2 x RTX [31m 4090 at $0.20 per hour, in Quebec, CA, reliability 0.9877\n"
                        "worst case $0.1908: 51 minutes for $0.1708, 20 GB of traffic for $0.02; allowed $1.00\n");
}

/* ---- While a machine lives ---------------------------------------------------------------------------------------------- */

static void watch_the_price(void *argument)
{
    struct guard *guard = argument;
    struct world *world = &scripted.world;
    *guard = (struct guard){.began_ns = world_now_ns(world),
                            .longest_ns = 2000 * NS_PER_S,
                            .removal_ns = 900 * NS_PER_S,
                            .cap_nusd = 3000,
                            .price_nusd_per_hour = 3600};
    struct shield limit = guard_begin(guard, world);
    assert_int_equal(guard->stop_at_ns, guard->began_ns + 2000 * NS_PER_S);
    assert_false(guard->by_cap);
    assert_false(guard_see_price(guard, world, 3600 / 2));
    assert_true(guard_see_price(guard, world, 2 * 3600));
    assert_int_equal(guard->stop_at_ns, guard->began_ns + (1500 - 900) * NS_PER_S);
    assert_true(guard->by_cap);
    assert_false(guard_is_due(guard, world));
    assert_int_equal(world_sleep_until(world, guard->began_ns + 5000 * NS_PER_S), ERR_DEADLINE);
    assert_int_equal(world_now_ns(world), guard->stop_at_ns);
    assert_true(guard_is_due(guard, world));
    task_shield_end(world->scheduler, limit);
}

/* A machine that is dearer than its offer is given up while the cap still pays for its removal; a cheaper one gains nothing. */
static void test_a_dearer_machine_shortens_its_own_life(void **state)
{
    (void)state;
    struct guard guard;
    scripted_world_run(&scripted, watch_the_price, &guard);
}

static const char offers[] =
    "{\"offers\":[{\"id\":5,\"machine_id\":7,\"num_gpus\":1,\"gpu_name\":\"RTX 4090\",\"dph_total\":0.2,"
    "\"reliability2\":0.99,\"inet_down\":900,\"disk_space\":100,\"rentable\":true}]}";
static const char dear_machine[] =
    "{\"instances\":{\"id\":9,\"machine_id\":7,\"actual_status\":\"loading\",\"dph_total\":2.0}}";

static void reply(const char *body)
{
    scripted_reply(&scripted, (struct scripted_reply){.status = 200, .body = body, .delay_ns = NS_PER_S / 2});
}

struct run {
    struct check_options options;
    enum exit_status status;
};

static void check(void *argument)
{
    struct run *run = argument;
    run->status = check_run(&scripted.world, &run->options);
}

/* $0.30 pays for 540 s at $2 per hour, less than the removal may need: one look, and it is destroyed. */
static void test_a_machine_that_may_cost_more_than_the_cap_is_destroyed(void **state)
{
    (void)state;
    struct run run = {.options = some_options()};
    run.options.budget_nusd = 3 * NUSD_PER_USD / 10;
    reply("{\"credit\":5.0}");
    reply(offers);
    reply("{\"success\":true,\"new_contract\":9}");
    reply(dear_machine);
    reply("{\"success\":true}");
    reply("{\"instances\":null}");
    reply("{\"credit\":4.9}");
    scripted_world_run(&scripted, check, &run);
    assert_int_equal(run.status, EXIT_BUDGET);
    assert_int_equal(scripted.replies_used, 7);
    assert_int_equal(count_lines(&scripted.requests, "DELETE /api/v0/instances/9/", NULL), 1);
    assert_int_equal(count_lines(&scripted.notes, "client.decide", "it costs $2.00 per hour, not $0.20"), 1);
    assert_int_equal(count_lines(&scripted.notes, "fault.seen", "price-moves"), 1);
    assert_int_equal(count_lines(&scripted.notes, "client.report", "--max-usd pays for no more"), 1);
}

/* An offer that may cost too much is passed over for one that may not: traffic is dearer on the first. */
static void test_the_next_offer_serves_when_the_cheapest_may_cost_too_much(void **state)
{
    (void)state;
    struct run run = {.options = some_options()};
    run.options.budget_nusd = NUSD_PER_USD / 4;
    run.options.consent = CONSENT_DRY_RUN;
    reply("{\"credit\":5.0}");
    reply("{\"offers\":[{\"id\":5,\"num_gpus\":1,\"gpu_name\":\"RTX 4090\",\"dph_total\":0.2,\"inet_down_cost\":0.02,"
          "\"reliability2\":0.99,\"inet_down\":900},{\"id\":6,\"num_gpus\":1,\"gpu_name\":\"RTX 4090\","
          "\"dph_total\":0.25,\"inet_down_cost\":0.001,\"reliability2\":0.99,\"inet_down\":900}]}");
    scripted_world_run(&scripted, check, &run);
    assert_int_equal(run.status, EXIT_DONE);
    assert_int_equal(count_lines(&scripted.told, "offer 6: ", NULL), 1);
    assert_int_equal(count_lines(&scripted.told, "offer 5: ", NULL), 0);
    assert_int_equal(count_lines(&scripted.requests, "PUT ", NULL), 0);
}

/* Nobody waits minutes to learn that there is no way to the API; an account that cannot be read for another reason is no such sign. */
static void test_an_api_that_cannot_be_reached_is_not_waited_for_twice(void **state)
{
    (void)state;
    struct run run = {.options = some_options()};
    for (int i = 0; i < 5; i++) {
        scripted_reply(&scripted, (struct scripted_reply){.fate = FATE_REFUSED});
    }
    scripted_world_run(&scripted, check, &run);
    assert_int_equal(run.status, EXIT_FAILED);
    assert_int_equal(scripted.replies_used, 5);
    run.options.consent = CONSENT_DRY_RUN;
    for (int i = 0; i < 5; i++) {
        scripted_reply(&scripted, (struct scripted_reply){.status = 500});
    }
    reply(offers);
    scripted_world_run(&scripted, check, &run);
    assert_int_equal(run.status, EXIT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        LAW(test_the_worst_case_is_the_price_of_all_limits_and_of_a_full_disk),
        LAW(test_absurd_prices_do_not_lower_the_worst_case),
        LAW(test_a_cap_allows_what_costs_exactly_as_much),
        LAW(test_a_proposal_says_what_a_person_must_know),
        LAW(test_a_dearer_machine_shortens_its_own_life),
        LAW(test_a_machine_that_may_cost_more_than_the_cap_is_destroyed),
        LAW(test_an_api_that_cannot_be_reached_is_not_waited_for_twice),
        LAW(test_the_next_offer_serves_when_the_cheapest_may_cost_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
