/* No memory, hostile requests: the market stays whole. */
#include "market/rig.h"

#include "base/random.h"

/* Asks; true when the reply is whole, false when memory failed, which must be said by status 500 and a failed body. */
static bool ask(struct heap *heap, struct market *market, int64_t now_ns, enum http_method method, const char *path,
                const char *body, int status)
{
    struct http_request request = {.method = method, .path = path, .bearer = RIG_KEY, .body = span_of(body)};
    struct http_reply reply = {0};
    buffer_init(&reply.body, heap, RIG_BODY_MAX);
    market_handle(market, now_ns, &request, &reply);
    bool whole = !reply.body.failed;
    assert_int_equal(reply.status, whole ? status : 500);
    buffer_release(&reply.body);
    return whole;
}

/* A whole life; each call is repeated until memory was there for it. False when there never was. */
static bool live(struct rig *rig, struct market *market)
{
    static const char create[] = "{\"image\":\"a:b\",\"label\":\"x\",\"env\":{\"-p 1:1\":\"1\"}}";
    char path[64];
    struct heap *heap = rig->heap;
    bool done = true;
    done &=
        ask(heap, market, 0, HTTP_POST, "/api/v0/bundles/", "{\"num_gpus\":{\"eq\":1},\"allocated_storage\":9}", 200);
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)rig_rentable_offer(rig, 0)->id);
    size_t before = rig->event_count;
    bool created = ask(heap, market, 1, HTTP_PUT, path, create, 200);
    assert_int_equal(market_contract_count(market), created);
    assert_int_equal(rig->event_count - before, created);
    if (!created && !ask(heap, market, 2, HTTP_PUT, path, create, 200)) {
        return false;
    }
    struct contract_view view;
    market_contract(market, 0, &view);
    done &= ask(heap, market, 70 * NS_PER_S, HTTP_GET, rig_instance_path(view.id), "", 200);
    done &= ask(heap, market, 71 * NS_PER_S, HTTP_GET, "/api/v1/instances/?limit=1", "", 200);
    done &= ask(heap, market, 72 * NS_PER_S, HTTP_GET, "/api/v0/users/current/", "", 200);
    bool destroyed = ask(heap, market, 73 * NS_PER_S, HTTP_DELETE, rig_instance_path(view.id), "{}", 200);
    market_contract(market, 0, &view);
    assert_int_equal(view.exists, !destroyed);
    return created && done && destroyed;
}

/* Whichever allocation fails, once or from then on: no crash, no leak, nothing half done. */
static void test_every_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (int persistent = 0; persistent < 2; persistent++) {
        bool clean = false;
        for (uint64_t nth = 1; !clean; nth++) {
            struct rig rig;
            rig_start(&rig, 8);
            struct market_options options = rig_options(&rig);
            size_t blocks = heap_live_blocks(rig.heap);
            heap_fail_at(rig.heap, nth, persistent == 1);
            struct market *market = market_new(rig.heap, &options);
            clean = market != NULL && live(&rig, market) && heap_failures_fired(rig.heap) == 0;
            heap_fail_at(rig.heap, 0, false);
            market_free(market);
            assert_int_equal(heap_live_blocks(rig.heap), blocks);
            rig_end(&rig);
            assert_true(nth < 200);
        }
    }
}

/* The same for books. */
static void test_books_survive_every_failing_allocation(void **state)
{
    (void)state;
    static const char file[] = "{\"rows\":[{\"offer_id\":1,\"gpu_name\":\"A\",\"num_gpus\":1,\"dph_base\":1}]}";
    struct heap *heap = heap_new();
    struct offer_book_options options = rig_book_options(1);
    struct offer_wish wish = {.id = 5, .gpu_name = "A", .num_gpus = 1, .price_nusd_per_hour = NUSD_PER_USD, .found = 2};
    bool clean = false;
    for (uint64_t nth = 1; !clean; nth++) {
        uint64_t fired = heap_failures_fired(heap);
        heap_fail_at(heap, nth, false);
        struct offer_book *books[3] = {offer_book_generate(heap, &options, 70),
                                       offer_book_for_wish(heap, &options, &wish), NULL};
        struct error error;
        enum error_code code = offer_book_read(heap, &options, span_of(file), "f", &books[2], &error);
        assert_int_equal(code, books[2] != NULL ? ERR_OK : ERR_NO_MEMORY);
        clean = heap_failures_fired(heap) == fired;
        assert_int_equal(clean, books[0] != NULL && books[1] != NULL && books[2] != NULL);
        for (size_t i = 0; i < ARRAY_LENGTH(books); i++) {
            offer_book_free(books[i]);
        }
        heap_fail_at(heap, 0, false);
        assert_int_equal(heap_live_blocks(heap), 0);
    }
    heap_free(heap);
}

static const char *const seeds[] = {
    "{\"num_gpus\":{\"eq\":\"1\"},\"gpu_name\":{\"in\":[\"RTX 4090\",\"RTX "
    "3060\"]},\"order\":[[\"dph_total\",\"asc\"]],\"limit\":3}",
    "{\"client_id\":\"me\",\"image\":\"a/b:1\",\"disk\":20.5,\"label\":\"\\u00e9\",\"env\":{\"-p "
    "80:80\":\"1\"},\"price\":null}",
    "[[[[[[[[{\"a\":[1e99,-0.5,null,true]}]]]]]]]]",
};

static const char *const paths[] = {
    "/api/v0/bundles/",
    "/api/v0/asks/",
    "/api/v0/instances/",
    "/api/v0/users/current/?api_key=%41",
    "/api/v1/instances/?limit=2&select_filters=%7B%22label%22:%7B%22eq%22:%22x%22%7D%7D&after_token=",
};

static uint64_t draw(uint32_t nth, uint32_t index, uint64_t bound)
{
    return random_below(5, (struct random_address){.entity = nth, .index = index}, bound);
}

/* Changes, cuts and doubles bytes of a text. */
static void mutate(struct buffer *text, uint32_t nth)
{
    static const char bytes[] = "{}[]\":,\\01e-.%&=/ \x80\xff";
    for (uint32_t i = 0; i < draw(nth, 10, 6) && text->length > 0; i++) {
        size_t at = (size_t)draw(nth, 11 + i * 3, text->length);
        switch (draw(nth, 12 + i * 3, 3)) {
        case 0:
            text->data[at] = bytes[draw(nth, 13 + i * 3, sizeof bytes - 1)];
            break;
        case 1:
            text->length = at;
            text->data[at] = '\0';
            break;
        default:
            buffer_append(text, seeds[0], (size_t)draw(nth, 13 + i * 3, 20));
            break;
        }
    }
}

/* One request that is nearly right: a call with an id that exists, and then some bytes are not what they were. */
static enum http_method hostile_request(const struct rig *rig, uint32_t nth, struct buffer *path, struct buffer *body)
{
    static const enum http_method usual[] = {HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_GET, HTTP_GET};
    struct contract_view view = {.id = 1};
    if (market_contract_count(rig->market) > 0) {
        market_contract(rig->market, (size_t)draw(nth, 0, market_contract_count(rig->market)), &view);
    }
    size_t route = (size_t)draw(nth, 2, ARRAY_LENGTH(paths));
    buffer_clear(path);
    buffer_append_text(path, paths[route]);
    if (usual[route] == HTTP_PUT || usual[route] == HTTP_DELETE) {
        int64_t id = usual[route] == HTTP_PUT ? rig_rentable_offer(rig, (size_t)draw(nth, 1, 20))->id : view.id;
        buffer_printf(path, "%lld/", (long long)id);
    }
    buffer_clear(body);
    buffer_append_text(body, seeds[draw(nth, 5, 4) == 0 ? draw(nth, 6, ARRAY_LENGTH(seeds)) : route == 1]);
    if (draw(nth, 7, 3) > 0) {
        mutate(draw(nth, 8, 3) == 0 ? path : body, nth);
    }
    return draw(nth, 3, 4) == 0 ? (enum http_method)draw(nth, 4, 4) : usual[route];
}

/* Whatever is sent, the answer is JSON, never a 5xx, and the account's books stay balanced. */
static void test_hostile_requests_get_json_and_never_a_5xx(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 80);
    struct market_options options = rig_options(&rig);
    options.event = NULL;
    rig_restart(&rig, options);
    struct buffer path;
    struct buffer body;
    buffer_init(&path, rig.heap, HTTP_PATH_SIZE - 1);
    buffer_init(&body, rig.heap, 65536);
    int good = 0;
    for (uint32_t nth = 0; nth < 20000; nth++) {
        enum http_method method = hostile_request(&rig, nth, &path, &body);
        struct span bytes = {buffer_text(&body), body.length};
        int status = rig_ask(&rig, (int64_t)nth * NS_PER_MS, method, buffer_text(&path), RIG_KEY, bytes);
        assert_in_range(status, 200, 499);
        good += status == 200;
        cJSON *json = cJSON_Parse(buffer_text(&rig.reply.body));
        assert_true(cJSON_IsObject(json));
        cJSON_Delete(json);
    }
    assert_true(good > 2000);
    assert_true(market_contract_count(rig.market) > 100);
    assert_int_equal(market_credit_nusd(rig.market), 10 * NUSD_PER_USD - market_charged_nusd(rig.market));
    buffer_release(&path);
    buffer_release(&body);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_books_survive_every_failing_allocation),
        cmocka_unit_test(test_hostile_requests_get_json_and_never_a_5xx),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
