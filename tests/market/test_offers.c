/* Books of offers: from a seed, from a file, for a wish. */
#include "market/rig.h"

static struct offer_book *generate(struct heap *heap, uint64_t seed, size_t count)
{
    struct offer_book_options options = rig_book_options(seed);
    struct offer_book *book = offer_book_generate(heap, &options, count);
    assert_non_null(book);
    return book;
}

static bool same_books(const struct offer_book *left, const struct offer_book *right)
{
    bool same = offer_book_count(left) == offer_book_count(right);
    for (size_t i = 0; same && i < offer_book_count(left); i++) {
        same = memcmp(offer_book_at(left, i), offer_book_at(right, i), sizeof(struct offer)) == 0;
    }
    return same;
}

/* A seed is a book; another seed is another one. */
static void test_a_seed_always_gives_the_same_book(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct offer_book *one = generate(heap, 1, 200);
    struct offer_book *again = generate(heap, 1, 200);
    struct offer_book *other = generate(heap, 2, 200);
    assert_true(same_books(one, again));
    assert_false(same_books(one, other));
    offer_book_free(one);
    offer_book_free(again);
    offer_book_free(other);
    assert_int_equal(heap_live_blocks(heap), 0);
    heap_free(heap);
}

/* A larger book begins with the machines of a smaller one. */
static void test_one_more_offer_leaves_the_others_as_they_are(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct offer_book *small = generate(heap, 1, 50);
    struct offer_book *large = generate(heap, 1, 51);
    for (size_t i = 0; i < 50; i++) {
        assert_memory_equal(offer_book_at(small, i), offer_book_at(large, i), sizeof(struct offer));
    }
    offer_book_free(small);
    offer_book_free(large);
    heap_free(heap);
}

/* Every offer is found by its id, in order, and no other id is found. */
static void test_offers_are_found_by_id(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct offer_book *book = generate(heap, 3, 300);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(offer_book_index(book, offer_book_at(book, i)->id), i);
        if (i > 0) {
            assert_true(offer_book_at(book, i - 1)->id < offer_book_at(book, i)->id);
        }
    }
    assert_int_equal(offer_book_index(book, 0), -1);
    assert_int_equal(offer_book_index(book, INT64_MAX), -1);
    offer_book_free(book);
    heap_free(heap);
}

/* Generated prices and reliabilities lie where recorded ones do. */
static void test_generated_machines_are_like_recorded_ones(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct offer_book *book = generate(heap, 4, 1000);
    size_t rtx_3060 = 0;
    for (size_t i = 0; i < 1000; i++) {
        const struct offer *offer = offer_book_at(book, i);
        assert_in_range(offer->reliability_millionths, 977397, 998289);
        if (strcmp(offer->gpu_name, "RTX 3060") == 0) {
            rtx_3060++;
            assert_in_range(offer->dph_base_nusd / offer->num_gpus, 29630000, 49630000);
            assert_int_equal(offer->gpu_ram_mib, 12288);
        }
    }
    assert_in_range(rtx_3060, 320, 520); /* 13 of 31 recorded rows */
    offer_book_free(book);
    heap_free(heap);
}

static struct offer_wish seed_run_wish(void)
{
    return (struct offer_wish){
        .id = 29292839,
        .gpu_name = "RTX 4090",
        .num_gpus = 1,
        .gpu_ram_mib = 24564,
        .price_nusd_per_hour = 168900000,
        .reliability_millionths = 994000,
        .geolocation = "British Columbia, CA",
        .driver_version = "580.95.05",
        .max_price_nusd_per_hour = 500000000,
        .min_reliability_millionths = 900000,
        .min_inet_down_milli = 500000,
        .min_disk_mgb = 20000,
        .min_direct_ports = 1,
        .found = 64,
        .others = 40,
    };
}

static const char seed_run_search[] =
    "{\"gpu_name\":{\"eq\":\"RTX "
    "4090\"},\"num_gpus\":{\"eq\":1},\"dph_total\":{\"lte\":0.5},\"reliability\":{\"gte\":0.9},"
    "\"inet_down\":{\"gte\":500},\"disk_space\":{\"gte\":20},\"direct_port_count\":{\"gte\":1},\"static_ip\":{\"eq\":"
    "true},"
    "\"verified\":{\"eq\":true},\"rentable\":{\"eq\":true},\"order\":[[\"dph_total\",\"asc\"]],"
    "\"allocated_storage\":20,\"limit\":1000}";

static void use_wish(struct rig *rig, const struct offer_wish *wish, uint64_t seed)
{
    struct offer_book *before = rig->book;
    struct offer_book_options options = rig_book_options(seed);
    options.allocated_disk_mgb = 20000;
    rig->book = offer_book_for_wish(rig->heap, &options, wish);
    assert_non_null(rig->book);
    struct market_options market = rig_options(rig);
    market.switches.row_cap = OFFERS_MAX;
    market.switches.usual_rows = OFFERS_MAX;
    rig_restart(rig, market);
    offer_book_free(before);
}

/* The wished offer is the cheapest, at exactly its price, of exactly so many, whatever the seed. */
static void test_a_wish_is_the_cheapest_of_exactly_so_many(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 1);
    struct offer_wish wish = seed_run_wish();
    for (uint64_t seed = 0; seed < 30; seed++) {
        use_wish(&rig, &wish, seed);
        assert_int_equal(offer_book_count(rig.book), 104);
        cJSON *json = rig_json(&rig, 0, HTTP_POST, "/api/v0/bundles/", seed_run_search, 200);
        const cJSON *offers = rig_member(json, "offers");
        assert_int_equal(cJSON_GetArraySize(offers), 64);
        const cJSON *first = cJSON_GetArrayItem(offers, 0);
        assert_int_equal(rig_member(first, "id")->valueint, 29292839);
        assert_string_equal(rig_text(first, "geolocation"), "British Columbia, CA");
        assert_string_equal(rig_text(first, "driver_version"), "580.95.05");
        assert_non_null(strstr(buffer_text(&rig.reply.body), "\"dph_total\":0.1689,"));
        assert_true(rig_member(cJSON_GetArrayItem(offers, 1), "dph_total")->valuedouble > 0.1689);
        cJSON_Delete(json);
    }
    rig_end(&rig);
}

/* A machine cheaper than its disk at the usual tariff still has the wished price. */
static void test_a_wish_cheaper_than_its_disk_keeps_its_price(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 1);
    struct offer_wish wish = seed_run_wish();
    wish.price_nusd_per_hour = 2000000;
    wish.max_price_nusd_per_hour = 2000000;
    wish.found = 3;
    use_wish(&rig, &wish, 1);
    const struct offer *offer = offer_book_at(rig.book, (size_t)offer_book_index(rig.book, wish.id));
    assert_int_equal(offer_total_nusd_per_hour(offer, 20000), 2000000);
    assert_true(offer->dph_base_nusd > 0);
    rig_end(&rig);
}

static const char recorded_rows[] =
    "{\n"
    "  \"kind\": \"series\", // a comment\n"
    "  \"rows\": [\n"
    "    {\"offer_id\": 28650914, \"gpu_name\": \"A100 PCIE\", \"num_gpus\": 1, \"gpu_ram_mib\": 40960.0,\n"
    "     \"cpu_cores\": 48, \"cpu_ram_mib\": 96559.0, \"disk_gb\": 52.25, \"inet_down_mbps\": 6064.4,\n"
    "     \"inet_up_mbps\": 2844.6, \"price_usd_per_hour\": 0.133481, \"region\": \"Italy, IT\",\n"
    "     \"reliability\": 0.9894863, \"cuda_version\": \"13.0\", \"verified\": false, \"static_ip\": true,\n"
    "     \"times_seen\": 1},\n"
    "    {\"offer_id\": 7, \"gpu_name\": \"H900\", \"num_gpus\": 4, \"price_usd_per_hour\": 2}\n"
    "  ]\n"
    "}\n";

static enum error_code read_book(struct heap *heap, const char *text, struct offer_book **book, struct error *error)
{
    struct offer_book_options options = rig_book_options(1);
    *book = NULL;
    return offer_book_read(heap, &options, span_of(text), "market.json", book, error);
}

/* A recorded row is read exactly; what it does not say is filled in. */
static void test_recorded_rows_are_read_exactly(void **state)
{
    (void)state;
    struct heap *heap = heap_new();
    struct offer_book *book;
    struct error error;
    assert_int_equal(read_book(heap, recorded_rows, &book, &error), ERR_OK);
    assert_int_equal(offer_book_count(book), 2);
    const struct offer *offer = offer_book_at(book, 1);
    assert_int_equal(offer->id, 28650914);
    assert_string_equal(offer->gpu_name, "A100 PCIE");
    assert_int_equal(offer->gpu_ram_mib, 40960);
    assert_int_equal(offer->disk_space_mgb, 52250);
    assert_int_equal(offer->inet_down_milli, 6064400);
    assert_int_equal(offer->inet_up_milli, 2844600);
    assert_int_equal(offer_total_nusd_per_hour(offer, DEFAULT_ALLOCATED_DISK_MGB), 133481000);
    assert_string_equal(offer->geolocation, "Italy, IT");
    assert_int_equal(offer->reliability_millionths, 989486);
    assert_int_equal(offer->cuda_max_good_milli, 13000);
    assert_string_equal(offer->verification, "unverified");
    assert_int_equal(offer->static_ip, 1);
    assert_int_equal(offer_book_at(book, 0)->num_gpus, 4);
    assert_true(offer_book_at(book, 0)->cpu_cores > 0);
    offer_book_free(book);
    assert_int_equal(heap_live_blocks(heap), 0);
    heap_free(heap);
}

/* What a search answers is itself a file that gives the same offers again. */
static void test_a_search_answer_reads_back_as_the_same_offers(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 60);
    assert_int_equal(rig_ask(&rig, 0, HTTP_POST, "/api/v0/bundles/", NULL, span_of("{}")), 200);
    struct offer_book *book;
    struct error error;
    assert_int_equal(read_book(rig.heap, buffer_text(&rig.reply.body), &book, &error), ERR_OK);
    assert_true(offer_book_count(book) > 50);
    for (size_t i = 0; i < offer_book_count(book); i++) {
        const struct offer *offer = offer_book_at(book, i);
        const struct offer *source = offer_book_at(rig.book, (size_t)offer_book_index(rig.book, offer->id));
        assert_memory_equal(offer, source, sizeof *offer);
    }
    offer_book_free(book);
    rig_end(&rig);
}

/* A mistake is reported with file, line and what was expected, and nothing is left behind. */
static void test_mistakes_in_a_file_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{", "market.json:1: "},
        {"[]", "market.json:1: expected an object with offers or rows"},
        {"{\"machines\":[]}", "market.json:1: expected at least one offer under offers or rows"},
        {"{\"offers\":[]}", "market.json:1: expected at least one offer under offers or rows"},
        {"{\"offers\":\n7}", "market.json:2: expected an array of offers"},
        {"{\"offers\":[\n7]}", "market.json:2: expected an offer in braces"},
        {"{\"offers\":[\n{\"id\":1,\n\"num_gpus\":\"many\"}]}", "market.json:3: expected a number"},
        {"{\"offers\":[\n{\"id\":1,\n\"num_gpus\":-1}]}", "market.json:3: this number is out of range"},
        {"{\"offers\":[{\"id\":1,\n\"dph_base\":5000}]}", "market.json:2: this number is out of range"},
        {"{\"offers\":[{\"id\":1,\n\"gpu_name\":7}]}", "market.json:2: expected a text in quotes"},
        {"{\"rows\":[{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1}]}",
         "market.json:1: expected id, gpu_name, num_gpus and a price in this offer"},
        {"{\"rows\":[{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1,\"price_usd_per_hour\":0.0001}]}",
         "market.json:1: expected a price of at least what the disk costs"},
        {"{\"rows\":[{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1,\"dph_base\":1},\n"
         "{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1,\"dph_base\":1}]}",
         "market.json:2: expected an id that no other offer has"},
        {"{\"rows\":[{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1,\"dph_base\":1}]} x", "market.json:1: "},
    };
    struct heap *heap = heap_new();
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct offer_book *book;
        struct error error;
        assert_int_equal(read_book(heap, cases[i].text, &book, &error), ERR_INPUT_INVALID);
        if (strncmp(error.message, cases[i].message, strlen(cases[i].message)) != 0) {
            fail_msg("%s: %s", cases[i].text, error.message);
        }
        assert_int_equal(heap_live_blocks(heap), 0);
    }
    heap_free(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_always_gives_the_same_book),
        cmocka_unit_test(test_one_more_offer_leaves_the_others_as_they_are),
        cmocka_unit_test(test_offers_are_found_by_id),
        cmocka_unit_test(test_generated_machines_are_like_recorded_ones),
        cmocka_unit_test(test_a_wish_is_the_cheapest_of_exactly_so_many),
        cmocka_unit_test(test_a_wish_cheaper_than_its_disk_keeps_its_price),
        cmocka_unit_test(test_recorded_rows_are_read_exactly),
        cmocka_unit_test(test_a_search_answer_reads_back_as_the_same_offers),
        cmocka_unit_test(test_mistakes_in_a_file_name_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
