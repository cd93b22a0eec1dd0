/* The bill: what is owed is what was told, and what was told is what the price list says. */
#include "rig.h"

#define DAY_NS (24 * NS_PER_HOUR)
#define APRIL_S INT64_C(1775001600) /* 2026-04-01T00:00:00Z */

static int64_t charged(const struct rig *rig)
{
    struct bucket_totals totals;
    bucket_totals(rig->service, &totals);
    return totals.charged_nusd;
}

static int64_t told(const struct rig *rig, const char *component)
{
    int64_t sum_nusd = 0;
    for (size_t i = 0; i < rig->event_count; i++) {
        const struct bucket_event *event = &rig->events[i];
        sum_nusd += event->kind == BUCKET_BILLED && strcmp(event->state, component) == 0 ? event->amount_nusd : 0;
    }
    return sum_nusd;
}

static void start_at(struct rig *rig, int64_t epoch_s, bool allowances)
{
    rig_prepare(rig);
    struct bucket_options options = rig_options(rig);
    options.epoch.unix_ns = epoch_s * NS_PER_S;
    options.allowances = allowances;
    rig_start_with(rig, options);
}

static void upload_bytes(struct rig *rig, const char *name, size_t size)
{
    struct rig_url url;
    char *bytes = rig_bytes(rig, size, 1);
    rig_upload_url(rig, &url);
    assert_int_equal(rig_upload_with(rig, &url, name, (struct span){bytes, size}, "do_not_verify"), 200);
    heap_release(rig->heap, bytes);
}

static void test_storage_costs_by_the_byte_hour(void **state)
{
    (void)state;
    struct rig rig;
    char id[RIG_TEXT];
    start_at(&rig, RIG_EPOCH_S, false);
    upload_bytes(&rig, "a", 10 * 1000 * 1000);
    rig.now_ns = 15 * DAY_NS;
    bucket_bill(rig.service, rig.now_ns);
    /* 10 MB for half a month of 30 days at $6.95 per TB */
    assert_int_equal(told(&rig, "storage"), 695 * (NUSD_PER_USD / 100) / 100000 / 2);
    rig_authorize(&rig);
    upload_bytes(&rig, "a", 10 * 1000 * 1000); /* the old version costs on */
    rig.now_ns = 30 * DAY_NS;
    bucket_bill(rig.service, rig.now_ns);
    assert_int_equal(told(&rig, "storage"), 695 * (NUSD_PER_USD / 100) / 100000 * 3 / 2);
    rig_authorize(&rig);
    rig_start_large(&rig, "b", id); /* and so do parts */
    char sha1[DIGEST_HEX_SIZE];
    char *bytes = rig_bytes(&rig, 10 * 1000 * 1000, 2);
    rig_part(&rig, id, 1, (struct span){bytes, 10 * 1000 * 1000}, sha1);
    heap_release(rig.heap, bytes);
    rig.now_ns = 60 * DAY_NS;
    bucket_bill(rig.service, rig.now_ns);
    assert_int_equal(told(&rig, "storage"), 695 * (NUSD_PER_USD / 100) / 100000 * 9 / 2);
    rig_authorize(&rig);
    assert_int_equal(rig_call_file(&rig, "b2_cancel_large_file", id, ""), 200);
    rig.now_ns = 90 * DAY_NS;
    bucket_bill(rig.service, rig.now_ns);
    assert_int_equal(told(&rig, "storage"), 695 * (NUSD_PER_USD / 100) / 100000 * 13 / 2);
    assert_int_equal(charged(&rig), rig.billed_nusd);
    rig_end(&rig);
}

static void test_calls_cost_by_their_class_until_april_2026(void **state)
{
    (void)state;
    struct rig rig;
    char rows[RIG_TEXT];
    start_at(&rig, APRIL_S, false);
    int64_t before_nusd = told(&rig, "class_c"); /* two: authorize and list buckets */
    assert_int_equal(before_nusd, 2 * 4000);
    for (int i = 0; i < 10; i++) {
        rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    }
    assert_int_equal(told(&rig, "class_c"), 12 * 4000);
    rig_list(&rig, "b2_list_file_names", ",\"maxFileCount\":2500", rows, sizeof rows); /* three thousand begun */
    assert_int_equal(told(&rig, "class_c"), 15 * 4000);
    rig_get(&rig, "/file/" RIG_BUCKET "/none", NULL);
    assert_int_equal(told(&rig, "class_b"), 400);
    assert_int_equal(charged(&rig), rig.billed_nusd);
    rig_end(&rig);
}

static void test_calls_are_free_from_may_2026(void **state)
{
    (void)state;
    struct rig rig;
    char rows[RIG_TEXT];
    start_at(&rig, RIG_EPOCH_S, false);
    rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    assert_int_equal(charged(&rig), 0);
    struct bucket_totals totals;
    bucket_totals(rig.service, &totals);
    assert_int_equal(totals.calls[BUCKET_CLASS_C], 3);
    rig_end(&rig);
}

static void test_free_calls_are_counted_by_the_day_of_utc(void **state)
{
    (void)state;
    struct rig rig;
    char rows[RIG_TEXT];
    start_at(&rig, APRIL_S, true);
    for (int i = 0; i < 2498; i++) {
        rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    }
    assert_int_equal(charged(&rig), 0);
    rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    assert_int_equal(charged(&rig), 4000);
    rig.now_ns = DAY_NS - 1;
    rig_list(&rig, "b2_list_file_names", "", rows, sizeof rows);
    assert_int_equal(charged(&rig), 8000);
    rig.now_ns = DAY_NS;
    rig_authorize(&rig);
    assert_int_equal(charged(&rig), 8000);
    rig_end(&rig);
}

static void test_downloads_cost_by_what_was_read(void **state)
{
    (void)state;
    struct rig rig;
    start_at(&rig, RIG_EPOCH_S, false);
    upload_bytes(&rig, "a", 1000000);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    assert_int_equal(told(&rig, "download"), NUSD_PER_USD / 100 / 1000);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", "bytes=0-99999"), 206);
    assert_int_equal(told(&rig, "download"), NUSD_PER_USD / 100 / 1000 * 11 / 10);
    assert_int_equal(charged(&rig), rig.billed_nusd);
    rig_end(&rig);
}

static void test_three_times_what_is_stored_is_downloaded_free_of_charge(void **state)
{
    (void)state;
    struct rig rig;
    start_at(&rig, RIG_EPOCH_S, true);
    upload_bytes(&rig, "a", 1000000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    }
    assert_int_equal(told(&rig, "download"), 0);
    assert_int_equal(rig_get(&rig, "/file/" RIG_BUCKET "/a", NULL), 200);
    assert_int_equal(told(&rig, "download"), NUSD_PER_USD / 100 / 1000);
    rig_end(&rig);
}

static void test_the_price_list_goes_by_the_day(void **state)
{
    (void)state;
    struct wall_time moment = {INT64_C(1777593600) * NS_PER_S - 1};
    assert_int_equal(bucket_prices_at(moment)->storage_nusd_per_tb_month, 6 * NUSD_PER_USD);
    moment.unix_ns++;
    assert_int_equal(bucket_prices_at(moment)->storage_nusd_per_tb_month, 695 * (NUSD_PER_USD / 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storage_costs_by_the_byte_hour),
        cmocka_unit_test(test_calls_cost_by_their_class_until_april_2026),
        cmocka_unit_test(test_calls_are_free_from_may_2026),
        cmocka_unit_test(test_free_calls_are_counted_by_the_day_of_utc),
        cmocka_unit_test(test_downloads_cost_by_what_was_read),
        cmocka_unit_test(test_three_times_what_is_stored_is_downloaded_free_of_charge),
        cmocka_unit_test(test_the_price_list_goes_by_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
