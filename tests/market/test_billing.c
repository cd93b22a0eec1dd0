/* What machines cost, to the nano-dollar. */
#include "market/rig.h"

static int64_t billed(const struct rig *rig, const char *component)
{
    int64_t sum = 0;
    for (size_t i = 0; i < rig->event_count; i++) {
        const struct market_event *event = &rig->events[i];
        if (event->kind == MARKET_BILLED && (component == NULL || strcmp(component, event->component) == 0)) {
            sum += event->amount_nusd;
        }
    }
    return sum;
}

static void assert_near(int64_t left, int64_t right)
{
    assert_true(left - right <= 1 && right - left <= 1);
}

/* The disk is charged from creation, the GPU from the moment of running, and nothing else is. */
static void test_disk_bills_from_creation_and_gpu_from_running(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 10 * NS_PER_S, offer, "a");
    int64_t disk_nusd = offer_disk_nusd_per_hour(offer, 20000);
    market_advance(rig.market, 70 * NS_PER_S);
    assert_near(market_charged_nusd(rig.market), cost_nusd(disk_nusd, 60 * NS_PER_S));
    rig_destroy(&rig, 100 * NS_PER_S, id);
    assert_near(billed(&rig, "disk"), cost_nusd(disk_nusd, 90 * NS_PER_S));
    assert_near(billed(&rig, "gpu"), cost_nusd(offer->dph_base_nusd, 30 * NS_PER_S));
    rig_end(&rig);
}

/* Once a machine is destroyed, time costs nothing more. */
static void test_a_destroyed_machine_stops_billing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    rig_destroy(&rig, 100 * NS_PER_S, id);
    int64_t credit_nusd = market_credit_nusd(rig.market);
    assert_true(credit_nusd < 10 * NUSD_PER_USD);
    market_advance(rig.market, 1000 * NS_PER_HOUR);
    assert_int_equal(market_credit_nusd(rig.market), credit_nusd);
    assert_int_equal(market_next_change_ns(rig.market), TIME_NEVER_NS);
    rig_end(&rig);
}

/* All bills together are exactly the credit that is gone, whatever was rented for however long. */
static void test_the_sum_of_all_bills_is_the_credit_gone(void **state)
{
    (void)state;
    enum { MACHINES = 7 };
    struct rig rig;
    rig_start(&rig, 60);
    int64_t ids[MACHINES];
    for (int i = 0; i < MACHINES; i++) {
        ids[i] = rig_rent(&rig, INT64_C(7777777) * i + 1, rig_rentable_offer(&rig, (size_t)i), "a");
    }
    market_bill(rig.market, 61 * NS_PER_S + 13);
    assert_int_equal(billed(&rig, NULL), market_charged_nusd(rig.market));
    for (int i = 0; i < MACHINES; i++) {
        rig_destroy(&rig, (70 + 13 * (int64_t)i) * NS_PER_S + INT64_C(333333333) * i + 1, ids[i]);
    }
    assert_true(billed(&rig, NULL) > 0);
    assert_int_equal(billed(&rig, NULL), 10 * NUSD_PER_USD - market_credit_nusd(rig.market));
    assert_int_equal(billed(&rig, NULL), market_charged_nusd(rig.market));
    rig_end(&rig);
}

/* How often the market is asked does not change what it charges. */
static void test_charges_do_not_drift_with_many_small_steps(void **state)
{
    (void)state;
    struct rig often;
    struct rig seldom;
    rig_start(&often, 20);
    rig_start(&seldom, 20);
    (void)rig_rent(&often, 0, rig_rentable_offer(&often, 0), "a");
    (void)rig_rent(&seldom, 0, rig_rentable_offer(&seldom, 0), "a");
    for (int64_t at = 0; at < 200000; at++) {
        market_advance(often.market, at * 1000003);
    }
    market_advance(seldom.market, 199999 * INT64_C(1000003));
    assert_int_equal(market_charged_nusd(often.market), market_charged_nusd(seldom.market));
    rig_end(&often);
    rig_end(&seldom);
}

/* A machine whose host is offline bills nothing, or by the switch its disk; when it is back, both. */
static void test_an_offline_host_bills_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    rig.timeline = (struct machine_timeline){
        .statuses = {{0, ACTUAL_RUNNING, NULL},
                     {100 * NS_PER_S, ACTUAL_OFFLINE, NULL},
                     {300 * NS_PER_S, ACTUAL_RUNNING, NULL}},
        .status_count = 3,
    };
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    rig_destroy(&rig, 350 * NS_PER_S, id);
    assert_near(billed(&rig, "gpu"), cost_nusd(offer->dph_base_nusd, 150 * NS_PER_S));
    assert_near(billed(&rig, "disk"), cost_nusd(offer_disk_nusd_per_hour(offer, 20000), 150 * NS_PER_S));
    struct market_options options = rig_options(&rig);
    options.switches.offline_bills_disk = 1;
    rig_restart(&rig, options);
    rig_destroy(&rig, 350 * NS_PER_S, rig_rent(&rig, 0, offer, "a"));
    assert_near(billed(&rig, "disk"), cost_nusd(offer_disk_nusd_per_hour(offer, 20000), 350 * NS_PER_S));
    rig_end(&rig);
}

/* At the first nanosecond without credit every machine stops; disks go on billing below zero; nothing can be rented. */
static void test_zero_credit_stops_everything_at_that_moment(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct market_options options = rig_options(&rig);
    options.credit_nusd = NUSD_PER_USD / 50;
    rig_restart(&rig, options);
    int64_t ids[2];
    for (size_t i = 0; i < 2; i++) {
        ids[i] = rig_rent(&rig, 0, rig_rentable_offer(&rig, i), "a");
    }
    market_advance(rig.market, 60 * NS_PER_S);
    int64_t out_ns = market_next_change_ns(rig.market);
    assert_true(out_ns < TIME_NEVER_NS);
    market_advance(rig.market, out_ns - 1);
    assert_true(market_credit_nusd(rig.market) > 0);
    size_t before = rig.event_count;
    market_advance(rig.market, 4 * NS_PER_HOUR);
    assert_int_equal(rig.event_count - before, 3);
    assert_int_equal(rig.events[before].kind, MARKET_CREDIT_OUT);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rig.events[before + i].at_ns, out_ns);
        assert_int_equal(rig.events[before + i].credit_nusd, 0);
        assert_int_equal(rig.events[before + i].status, ACTUAL_EXITED);
    }
    assert_true(market_credit_nusd(rig.market) < 0);
    cJSON *instance = rig_show(&rig, 4 * NS_PER_HOUR, ids[1]);
    assert_string_equal(rig_text(instance, "actual_status"), "exited");
    assert_string_equal(rig_text(instance, "intended_status"), "stopped");
    cJSON_Delete(instance);
    char path[64];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)rig_rentable_offer(&rig, 3)->id);
    rig_expect(&rig, 4 * NS_PER_HOUR, HTTP_PUT, path, "{\"image\":\"a\"}", 400, "error", "insufficient_credit");
    rig_end(&rig);
}

/* A machine that has not begun to run by then never does. */
static void test_zero_credit_ends_a_boot(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    struct market_options options = rig_options(&rig);
    options.credit_nusd = 20;
    rig_restart(&rig, options);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    market_advance(rig.market, NS_PER_HOUR);
    struct contract_view view;
    market_contract(rig.market, 0, &view);
    assert_int_equal(view.status, ACTUAL_EXITED);
    rig_end(&rig);
}

/* Events come in the order of their times, and at those of the timeline. */
static void test_events_come_in_order_at_their_own_times(void **state)
{
    (void)state;
    static const int64_t expected_s[] = {10, 11, 12, 13, 15, 16, 70, 71};
    struct rig rig;
    rig_start(&rig, 20);
    (void)rig_rent(&rig, 10 * NS_PER_S, rig_rentable_offer(&rig, 0), "a");
    (void)rig_rent(&rig, 11 * NS_PER_S, rig_rentable_offer(&rig, 1), "b");
    assert_int_equal(market_next_change_ns(rig.market), 12 * NS_PER_S);
    market_advance(rig.market, NS_PER_HOUR);
    assert_int_equal(rig.event_count, ARRAY_LENGTH(expected_s));
    for (size_t i = 0; i < rig.event_count; i++) {
        assert_int_equal(rig.events[i].at_ns, expected_s[i] * NS_PER_S);
        assert_int_equal(rig.events[i].kind, i < 2 ? MARKET_CREATED : MARKET_STATUS);
        assert_int_equal(rig.events[i].contract, i % 2);
    }
    rig_end(&rig);
}

/* The account's number is the market's own, exactly. */
static void test_the_account_shows_the_credit_to_the_nano_dollar(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 20);
    (void)rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    cJSON_Delete(rig_json(&rig, 1234567891, HTTP_GET, "/api/v0/users/current", "", 200));
    const char *credit = strstr(buffer_text(&rig.reply.body), "\"credit\":");
    assert_non_null(credit);
    credit += strlen("\"credit\":");
    int64_t nusd = 0;
    assert_true(decimal_parse((struct span){credit, strcspn(credit, ",}")}, 9, &nusd));
    assert_int_equal(nusd, market_credit_nusd(rig.market));
    assert_true(nusd < 10 * NUSD_PER_USD);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_bills_from_creation_and_gpu_from_running),
        cmocka_unit_test(test_a_destroyed_machine_stops_billing),
        cmocka_unit_test(test_the_sum_of_all_bills_is_the_credit_gone),
        cmocka_unit_test(test_charges_do_not_drift_with_many_small_steps),
        cmocka_unit_test(test_an_offline_host_bills_nothing),
        cmocka_unit_test(test_zero_credit_stops_everything_at_that_moment),
        cmocka_unit_test(test_zero_credit_ends_a_boot),
        cmocka_unit_test(test_events_come_in_order_at_their_own_times),
        cmocka_unit_test(test_the_account_shows_the_credit_to_the_nano_dollar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
