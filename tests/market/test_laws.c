/* What holds whatever is done: books that balance, transitions that the table knows, GPUs that nobody has twice. */
#include "market/rig.h"

#include "base/random.h"

enum { OPERATIONS = 1500, OFFERS = 60 };

static uint64_t draw(uint32_t run, uint32_t nth, uint32_t index, uint64_t bound)
{
    return random_below(77, (struct random_address){.run = run, .entity = nth, .index = index}, bound);
}

/* Takes what there is to see while it happens: the rig keeps too few events for so many. */
struct watch {
    struct rig rig;
    int64_t billed_nusd;
    int64_t statuses;
    uint64_t causes;
};

static void on_event(void *context, const struct market_event *event)
{
    struct watch *watch = context;
    if (event->kind == MARKET_BILLED) {
        watch->billed_nusd += event->amount_nusd;
        assert_true(event->amount_nusd >= 0 && event->quantity_ns >= 0);
    }
    if (event->kind == MARKET_STATUS) {
        if (!transition_is_known(event->cause, event->from, event->status) || event->from == event->status) {
            fail_msg("%s leads from %s to %s", status_cause_name(event->cause), actual_status_text(event->from),
                     actual_status_text(event->status));
        }
        assert_int_not_equal(event->cause, CAUSE_SCRIPT);
        watch->statuses++;
        watch->causes |= UINT64_C(1) << event->cause;
    }
}

static void on_timeline(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out)
{
    (void)context;
    (void)now_ns;
    *out = rig_usual_life();
    if (contract % 5 == 4) {
        out->statuses[out->status_count++] = (struct status_step){500 * NS_PER_S, ACTUAL_OFFLINE, NULL};
        out->statuses[out->status_count++] = (struct status_step){900 * NS_PER_S, ACTUAL_RUNNING, NULL};
    }
}

static struct contract_view random_machine(const struct watch *watch, uint32_t run, uint32_t nth)
{
    struct contract_view view = {.id = 1};
    size_t count = market_contract_count(watch->rig.market);
    if (count > 0) {
        size_t back = (size_t)draw(run, nth, 1, count < 12 ? count : 12);
        market_contract(watch->rig.market, count - 1 - back, &view);
    }
    return view;
}

/* Something that a client or fate may do, well-formed. */
static void do_something(struct watch *watch, uint32_t run, uint32_t nth, int64_t now_ns)
{
    struct rig *rig = &watch->rig;
    struct contract_view view = random_machine(watch, run, nth);
    const struct offer *offer = offer_book_at(rig->book, (size_t)draw(run, nth, 2, OFFERS));
    char path[96];
    char body[256];
    enum http_method method = HTTP_PUT;
    const char *state = draw(run, nth, 3, 2) == 0 ? "running" : "stopped";
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/", (long long)view.id);
    (void)text_format(body, sizeof body, "{\"state\":\"%s\"}", state);
    switch (draw(run, nth, 4, 14)) {
    case 0:
    case 1:
    case 2:
    case 3: {
        int64_t version = (int64_t)draw(run, nth, 5, 3) * offer_book_id_stride(rig->book);
        bool is_bid = draw(run, nth, 6, 2) == 0;
        int64_t bid_milli = offer->min_bid_nusd / (NUSD_PER_USD / 1000) + (int64_t)draw(run, nth, 7, 300);
        (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)(offer->id + version));
        (void)text_format(body, sizeof body, "{\"image\":\"a\",\"disk\":9,\"cancel_unavail\":%s,\"price\":%s%lld%s}",
                          draw(run, nth, 8, 2) == 0 ? "true" : "false", is_bid ? "0." : "null",
                          (long long)(is_bid ? 1000 + bid_milli : 0), is_bid ? "" : "");
        if (!is_bid) {
            (void)text_format(body, sizeof body, "{\"image\":\"a\",\"disk\":9,\"cancel_unavail\":false}");
        }
        break;
    }
    case 4:
    case 5:
    case 6:
        break;
    case 7:
        (void)text_format(path, sizeof path, "/api/v0/instances/bid_price/%lld/", (long long)view.id);
        (void)text_format(body, sizeof body, "{\"price\":0.%llu}", (unsigned long long)draw(run, nth, 5, 900) + 1);
        break;
    case 8:
        (void)text_format(path, sizeof path, "/api/v0/instances/re%s/%lld/", nth % 2 == 0 ? "boot" : "cycle",
                          (long long)view.id);
        break;
    case 9:
        (void)market_lose_host(rig->market, now_ns, view.id);
        return;
    case 10:
        (void)market_return_host(rig->market, now_ns, view.id);
        return;
    case 11:
        if (view.exists) {
            market_traffic(rig->market, now_ns, view.contract, (int64_t)draw(run, nth, 5, 4000000000), 12345678);
        }
        return;
    case 12:
        (void)market_rival_bid(rig->market, now_ns, view.id, (int64_t)draw(run, nth, 5, 900) * NUSD_PER_USD / 1000);
        return;
    default:
        method = HTTP_DELETE;
        break;
    }
    int status = rig_ask(rig, now_ns, method, path, RIG_KEY, span_of(body));
    assert_in_range(status, 200, 499);
}

/* Nobody's GPUs are held twice: what runs or boots on a machine fits into it. */
static void check_gpus(const struct watch *watch)
{
    const struct offer_book *book = watch->rig.book;
    int64_t used[OFFERS] = {0};
    for (size_t i = 0; i < market_contract_count(watch->rig.market); i++) {
        struct contract_view view;
        market_contract(watch->rig.market, i, &view);
        if (view.exists && view.status == ACTUAL_RUNNING) {
            size_t index = (size_t)offer_book_index(book, view.offer->id);
            used[offer_book_machine_of(book, index)] += view.offer->num_gpus;
        }
    }
    for (size_t i = 0; i < offer_book_machine_count(book); i++) {
        assert_true(used[i] <= offer_book_machine(book, i)->gpus);
    }
}

static int64_t sum_of_amounts(const char *text)
{
    int64_t sum_nusd = 0;
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    assert_true(cJSON_IsNull(rig_member(json, "next_token")));
    cJSON_Delete(json);
    /* Exact, so read from the text itself. Rows begin with "start", and so do their items, which are left out. */
    for (const char *at = text; (at = strstr(at, "\"amount\":")) != NULL;) {
        int64_t nusd = 0;
        at += strlen("\"amount\":");
        assert_true(decimal_parse((struct span){at, strcspn(at, ",}")}, 9, &nusd));
        sum_nusd += nusd;
    }
    return sum_nusd;
}

static void check_statements(struct watch *watch, int64_t now_ns)
{
    static const char *const forms[] = {"table", "tree"};
    int64_t charged_nusd = market_charged_nusd(watch->rig.market);
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        char path[256];
        (void)text_format(
            path, sizeof path,
            "/api/v0/charges/"
            "?select_filters=%%7B%%22day%%22:%%7B%%22gte%%22:0,%%22lte%%22:9000000000%%7D%%7D&limit=1000&format=%s",
            forms[i]);
        assert_int_equal(rig_ask(&watch->rig, now_ns, HTTP_GET, path, RIG_KEY, span_of("")), 200);
        /* A tree says each amount twice: in its rows, and in their items. */
        assert_int_equal(sum_of_amounts(buffer_text(&watch->rig.reply.body)), charged_nusd * (int64_t)(i + 1));
    }
    assert_int_equal(rig_ask(&watch->rig, now_ns, HTTP_GET, "/api/v0/users/current/", RIG_KEY, span_of("")), 200);
    const char *credit = strstr(buffer_text(&watch->rig.reply.body), "\"credit\":") + strlen("\"credit\":");
    int64_t nusd = 0;
    assert_true(decimal_parse((struct span){credit, strcspn(credit, ",}")}, 9, &nusd));
    assert_int_equal(nusd, watch->rig.market == NULL ? 0 : 1000 * NUSD_PER_USD - charged_nusd);
}

/*
 * After any operations at any times: all bills together, all rows of the statement and the credit gone are one number; every
 * change of status has its row in the table; no GPU is held twice.
 */
static void test_random_operations_keep_books_states_and_gpus(void **state)
{
    (void)state;
    enum { RUNS = 6 };
    static struct watch watch;
    uint64_t causes = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
        memset(&watch, 0, sizeof watch);
        rig_start(&watch.rig, OFFERS);
        struct market_options options = rig_options(&watch.rig);
        options.credit_nusd = 1000 * NUSD_PER_USD;
        options.timeline = on_timeline;
        options.event = on_event;
        options.context = &watch;
        options.switches.outbid_resumes = run % 2;
        options.switches.outbid_mean_ns = run % 3 == 0 ? 300 * NS_PER_S : 0;
        options.switches.queued_shows_scheduling = run / 2 % 2;
        options.switches.stopped_shows_stopped = run / 3 % 2;
        options.switches.image_pull_mb = run * 1000;
        options.switches.row_cap = 7;
        rig_restart(&watch.rig, options);
        int64_t now_ns = 0;
        for (uint32_t nth = 0; nth < OPERATIONS; nth++) {
            now_ns += (int64_t)draw(run, nth, 0, 400) * NS_PER_S * 2 + (int64_t)draw(run, nth, 9, NS_PER_S);
            do_something(&watch, run, nth, now_ns);
            check_gpus(&watch);
        }
        check_statements(&watch, now_ns);
        market_bill(watch.rig.market, now_ns);
        assert_int_equal(watch.billed_nusd, market_charged_nusd(watch.rig.market));
        assert_true(watch.billed_nusd > NUSD_PER_USD && watch.statuses > OPERATIONS / 6);
        causes |= watch.causes;
        rig_end(&watch.rig);
    }
    static const enum status_cause met[] = {CAUSE_LIFE,      CAUSE_STOP,     CAUSE_START,  CAUSE_QUEUE,
                                            CAUSE_REBOOT,    CAUSE_RECYCLE,  CAUSE_OUTBID, CAUSE_RESUME,
                                            CAUSE_HOST_LOST, CAUSE_HOST_BACK};
    for (size_t i = 0; i < ARRAY_LENGTH(met); i++) {
        if ((causes & UINT64_C(1) << met[i]) == 0) {
            fail_msg("nothing was changed by %s", status_cause_name(met[i]));
        }
    }
}

/* The table has no way out of nothing: what waits for a person does not run by itself, and nothing turns into null. */
static void test_the_table_lacks_what_the_documents_rule_out(void **state)
{
    (void)state;
    for (int from = 0; from < ACTUAL_COUNT; from++) {
        for (int cause = 0; cause < CAUSE_COUNT; cause++) {
            bool free = cause == CAUSE_SCRIPT || cause == CAUSE_FORCED || cause == CAUSE_HOST_BACK;
            assert_true(free ||
                        !transition_is_known((enum status_cause)cause, (enum actual_status)from, ACTUAL_PROVISIONING));
        }
        assert_false(transition_is_known(CAUSE_STOP, (enum actual_status)from, ACTUAL_RUNNING));
        assert_false(transition_is_known(CAUSE_OUTBID, (enum actual_status)from, ACTUAL_RUNNING));
        assert_false(transition_is_known(CAUSE_START, (enum actual_status)from, ACTUAL_RUNNING));
    }
    assert_false(transition_is_known(CAUSE_LIFE, ACTUAL_RUNNING, ACTUAL_CREATED));
    assert_false(transition_is_known(CAUSE_LIFE, ACTUAL_FROZEN, ACTUAL_LOADING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations_keep_books_states_and_gpus),
        cmocka_unit_test(test_the_table_lacks_what_the_documents_rule_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
