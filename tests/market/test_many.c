/* Many contracts: what each takes of memory, and that finding, listing and waiting do not go through all of them. */
#include "market/rig.h"

enum { CONTRACTS = 20000, OFFERS = 500, BYTES_EACH_MAX = 4096, WORD = 16 };

static int64_t rent_and_stop(struct rig *rig, size_t nth)
{
    char path[64];
    char body[160];
    const struct offer *offer = rig_rentable_offer(rig, nth % 100);
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
    (void)text_format(body, sizeof body,
                      "{\"image\":\"pytorch/pytorch:2.4.0\",\"disk\":8,\"label\":\"dumont-%zu-0123456789abcdef\","
                      "\"onstart\":\"touch ~/.no_auto_tmux\",\"env\":{\"-p 8000:8000\":\"1\"}}",
                      nth);
    int64_t now_ns = (int64_t)nth * 1000;
    assert_int_equal(rig_ask(rig, now_ns, HTTP_PUT, path, RIG_KEY, span_of(body)), 200);
    struct contract_view view;
    market_contract(rig->market, nth, &view);
    assert_int_equal(
        rig_ask(rig, now_ns, HTTP_PUT, rig_instance_path(view.id), RIG_KEY, span_of("{\"state\":\"stopped\"}")), 200);
    return view.id;
}

/* A rich machine's disk for all of them. */
static void use_large_disks(struct rig *rig)
{
    struct offer_book *usual = rig->book;
    struct buffer text;
    struct error error;
    struct offer_book_options options = rig_book_options(7);
    buffer_init(&text, rig->heap, 1 << 20);
    buffer_append_text(&text, "{\"offers\":[");
    for (int i = 0; i < OFFERS; i++) {
        buffer_printf(&text,
                      "%s{\"id\":%d,\"machine_id\":%d,\"gpu_name\":\"A\",\"num_gpus\":1,\"dph_base\":0.1,"
                      "\"disk_space\":100000}",
                      i == 0 ? "" : ",", 1000 + i, 5000 + i);
    }
    buffer_append_text(&text, "]}");
    assert_int_equal(
        offer_book_read(rig->heap, &options, (struct span){buffer_text(&text), text.length}, "t", &rig->book, &error),
        ERR_OK);
    buffer_release(&text);
    struct market_options market = rig_options(rig);
    market.event = NULL;
    market.credit_nusd = 1000000 * NUSD_PER_USD;
    rig_restart(rig, market);
    offer_book_free(usual);
}

/* Each of many contracts takes less than 4 KiB, with everything that the market keeps for it. */
static void test_a_contract_is_small_and_found_among_many(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 10);
    use_large_disks(&rig);
    (void)rent_and_stop(&rig, 0);
    size_t before = heap_peak_bytes(rig.heap);
    int64_t last_id = 0;
    for (size_t i = 1; i < CONTRACTS; i++) {
        last_id = rent_and_stop(&rig, i);
    }
    size_t each = (heap_peak_bytes(rig.heap) - before) / (CONTRACTS - 1);
    print_message("%zu bytes a contract\n", each);
    assert_true(each < BYTES_EACH_MAX);
    int64_t now_ns = (int64_t)CONTRACTS * 1000;
    cJSON *instance = rig_show(&rig, now_ns, last_id);
    assert_string_equal(rig_text(instance, "actual_status"), "exited");
    cJSON_Delete(instance);
    char path[256];
    (void)text_format(
        path, sizeof path,
        "/api/v1/instances/?select_filters=%%7B%%22label%%22:%%7B%%22eq%%22:%%22dumont-%d-0123456789abcdef"
        "%%22%%7D%%7D",
        CONTRACTS / 2);
    cJSON *list = rig_json(&rig, now_ns, HTTP_GET, path, "", 200);
    assert_int_equal(rig_member(list, "total_instances")->valueint, 1);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "label_counts")), 1);
    cJSON_Delete(list);
    list = rig_json(&rig, now_ns, HTTP_GET, "/api/v1/instances/?limit=3", "", 200);
    assert_int_equal(rig_member(list, "total_instances")->valueint, CONTRACTS);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "instances")), 3);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "label_counts")), 1000); /* no more than the switch says */
    cJSON_Delete(list);
    rig_end(&rig);
}

/* Destroyed ones leave no holes behind that cost: lists and finding go on as before, and most of their memory is given back. */
static void test_destroyed_contracts_leave_little_behind(void **state)
{
    (void)state;
    enum { ROUNDS = 5000 };
    struct rig rig;
    rig_start(&rig, 10);
    use_large_disks(&rig);
    int64_t ids[2] = {rent_and_stop(&rig, 0), rent_and_stop(&rig, 1)};
    for (size_t i = 2; i < ROUNDS; i++) {
        rig_destroy(&rig, (int64_t)i * 1000, ids[0]);
        ids[0] = ids[1];
        ids[1] = rent_and_stop(&rig, i);
    }
    cJSON *list = rig_json(&rig, ROUNDS * INT64_C(1000), HTTP_GET, "/api/v1/instances/", "", 200);
    assert_int_equal(rig_member(list, "total_instances")->valueint, 2);
    assert_int_equal(rig_member(cJSON_GetArrayItem(rig_member(list, "instances"), 1), "id")->valuedouble, ids[1]);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "label_counts")), 2);
    cJSON_Delete(list);
    assert_true(heap_peak_bytes(rig.heap) < (size_t)16 * 1024 * 1024);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_contract_is_small_and_found_among_many),
        cmocka_unit_test(test_destroyed_contracts_leave_little_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
