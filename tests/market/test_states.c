/* What is done to machines: stop, start, reboot, bids, slices, hosts that go and come, ends. */
#include "market/rig.h"

enum { START_S = 15, REBOOT_S = 20 };

static cJSON *put(struct rig *rig, int64_t now_ns, const char *path, const char *body, int status)
{
    return rig_json(rig, now_ns, HTTP_PUT, path, body, status);
}

static void set_state(struct rig *rig, int64_t now_ns, int64_t id, const char *state)
{
    char body[64];
    (void)text_format(body, sizeof body, "{\"state\":\"%s\"}", state);
    cJSON *json = put(rig, now_ns, rig_instance_path(id), body, 200);
    cJSON_Delete(json);
}

static void assert_state(struct rig *rig, int64_t now_ns, int64_t id, const char *actual, const char *intended,
                         const char *current)
{
    cJSON *instance = rig_show(rig, now_ns, id);
    const cJSON *status = rig_member(instance, "actual_status");
    if (actual == NULL) {
        assert_true(cJSON_IsNull(status));
    } else {
        assert_string_equal(cJSON_GetStringValue(status), actual);
    }
    assert_string_equal(rig_text(instance, "intended_status"), intended);
    assert_string_equal(rig_text(instance, "cur_state"), current);
    cJSON_Delete(instance);
}

/* The answer to a create with these further members; its contract, 0 for none. */
static int64_t create(struct rig *rig, int64_t now_ns, int64_t ask_id, const char *more, int status)
{
    char path[64];
    char body[512];
    (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)ask_id);
    (void)text_format(body, sizeof body, "{\"image\":\"a/b:1\",\"disk\":10%s%s}", *more == '\0' ? "" : ",", more);
    cJSON *json = put(rig, now_ns, path, body, status);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "new_contract");
    int64_t contract = id == NULL ? 0 : (int64_t)id->valuedouble;
    cJSON_Delete(json);
    return contract;
}

static int64_t bid(struct rig *rig, int64_t now_ns, const struct offer *offer, int64_t above_nusd, int status)
{
    char more[64];
    char storage[32];
    struct buffer price;
    buffer_init_fixed(&price, storage, sizeof storage);
    decimal_append(&price, offer->min_bid_nusd + above_nusd, 9, 1);
    (void)text_format(more, sizeof more, "\"price\":%s", buffer_text(&price));
    return create(rig, now_ns, offer->id, more, status);
}

static void change_bid(struct rig *rig, int64_t now_ns, int64_t id, int64_t nusd)
{
    char path[64];
    char storage[64];
    struct buffer body;
    buffer_init_fixed(&body, storage, sizeof storage);
    buffer_append_text(&body, "{\"price\":");
    decimal_append(&body, nusd, 9, 1);
    buffer_append_text(&body, "}");
    (void)text_format(path, sizeof path, "/api/v0/instances/bid_price/%lld/", (long long)id);
    cJSON_Delete(put(rig, now_ns, path, buffer_text(&body), 200));
}

static struct contract_view view_of(const struct rig *rig, size_t nth)
{
    struct contract_view view;
    market_contract(rig->market, nth, &view);
    return view;
}

/* A stopped machine bills its disk and nothing else; started again, it runs without pulling anew and bills both. */
static void test_a_stopped_machine_bills_its_disk_alone(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    int64_t disk_nusd = offer_disk_nusd_per_hour(offer, 20000);
    assert_state(&rig, 100 * NS_PER_S, id, "running", "running", "running");
    set_state(&rig, 100 * NS_PER_S, id, "stopped");
    assert_state(&rig, 100 * NS_PER_S, id, "exited", "stopped", "stopped");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, disk_nusd);
    int64_t before_nusd = market_charged_nusd(rig.market);
    market_advance(rig.market, 100 * NS_PER_S + NS_PER_HOUR);
    int64_t hour_nusd = market_charged_nusd(rig.market) - before_nusd;
    assert_true(hour_nusd - disk_nusd <= 1 && disk_nusd - hour_nusd <= 1);
    int64_t again_ns = 100 * NS_PER_S + NS_PER_HOUR;
    set_state(&rig, again_ns, id, "running");
    assert_state(&rig, again_ns, id, "loading", "running", "running");
    assert_state(&rig, again_ns + START_S * NS_PER_S - 1, id, "loading", "running", "running");
    assert_state(&rig, again_ns + START_S * NS_PER_S, id, "running", "running", "running");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, disk_nusd + offer->dph_base_nusd);
    rig_end(&rig);
}

/* What is stopped keeps its disk but not its GPU: somebody else may have that, and then a start waits until it is free again. */
static void test_a_start_waits_for_its_gpu(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    set_state(&rig, 100 * NS_PER_S, id, "stopped");
    int64_t other = rig_rent(&rig, 100 * NS_PER_S, offer, "b");
    rig_expect(&rig, 101 * NS_PER_S, HTTP_PUT, rig_instance_path(id), "{\"state\":\"running\"}", 200, "error",
               "resources_unavailable");
    rig_expect(&rig, 101 * NS_PER_S, HTTP_PUT, rig_instance_path(id), "{\"state\":\"running\"}", 200, "msg",
               "Required resources are currently unavailable, state change queued.");
    assert_state(&rig, 102 * NS_PER_S, id, "exited", "running", "stopped");
    rig_destroy(&rig, 200 * NS_PER_S, other);
    assert_state(&rig, 200 * NS_PER_S, id, "loading", "running", "running");
    assert_state(&rig, (200 + START_S) * NS_PER_S, id, "running", "running", "running");
    rig_end(&rig);
}

/* A queued start is taken back by a stop, and never bills then. */
static void test_a_stop_takes_a_queued_start_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.switches.queued_shows_scheduling = 1;
    rig_restart(&rig, options);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    set_state(&rig, 100 * NS_PER_S, id, "stopped");
    int64_t other = rig_rent(&rig, 100 * NS_PER_S, offer, "b");
    set_state(&rig, 101 * NS_PER_S, id, "running");
    assert_state(&rig, 101 * NS_PER_S, id, "scheduling", "running", "stopped");
    set_state(&rig, 102 * NS_PER_S, id, "stopped");
    rig_destroy(&rig, 200 * NS_PER_S, other);
    assert_state(&rig, 10000 * NS_PER_S, id, "exited", "stopped", "stopped");
    rig_end(&rig);
}

/* cancel_unavail decides what a create of a taken offer does; on demand it is on unless it is said to be off. */
static void test_a_create_of_a_taken_offer_fails_or_waits(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    assert_int_equal(create(&rig, 0, offer->id, "", 410), 0);
    assert_int_equal(create(&rig, 0, offer->id, "\"cancel_unavail\":true", 410), 0);
    int64_t waiting = create(&rig, 0, offer->id, "\"cancel_unavail\":false", 200);
    assert_true(waiting > 0);
    assert_state(&rig, 100 * NS_PER_S, waiting, "stopped", "running", "stopped");
    rig_destroy(&rig, 100 * NS_PER_S, id);
    assert_state(&rig, 160 * NS_PER_S, waiting, "running", "running", "running");
    rig_end(&rig);
}

/* Made to be stopped, it does not run, bills its disk, and boots whole when it is started. */
static void test_a_machine_may_be_made_stopped(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = create(&rig, 0, offer->id, "\"target_state\":\"stopped\"", 200);
    assert_state(&rig, 1000 * NS_PER_S, id, "stopped", "stopped", "stopped");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, offer_disk_nusd_per_hour(offer, 10000));
    set_state(&rig, 1000 * NS_PER_S, id, "running");
    assert_state(&rig, 1003 * NS_PER_S, id, "created", "running", "running");
    assert_state(&rig, 1060 * NS_PER_S, id, "running", "running", "running");
    rig_end(&rig);
}

/* A reboot shows rebooting and runs again; a recycle pulls the image anew and tells whoever has the host. */
static void test_reboot_and_recycle(void **state)
{
    (void)state;
    struct rig rig;
    char path[64];
    rig_start(&rig, 40);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    (void)text_format(path, sizeof path, "/api/v0/instances/reboot/%lld/", (long long)id);
    cJSON_Delete(put(&rig, 100 * NS_PER_S, path, "{}", 200));
    assert_state(&rig, 100 * NS_PER_S, id, "rebooting", "running", "running");
    assert_state(&rig, (100 + REBOOT_S) * NS_PER_S, id, "running", "running", "running");
    (void)text_format(path, sizeof path, "/api/v0/instances/recycle/%lld/", (long long)id);
    cJSON_Delete(put(&rig, 200 * NS_PER_S, path, "{}", 200));
    assert_int_equal(rig.events[rig.event_count - 1].kind, MARKET_RECYCLED);
    assert_state(&rig, 200 * NS_PER_S, id, "rebooting", "running", "running");
    assert_state(&rig, 210 * NS_PER_S, id, "loading", "running", "running");
    assert_state(&rig, 270 * NS_PER_S, id, "running", "running", "running");
    set_state(&rig, 300 * NS_PER_S, id, "stopped");
    cJSON_Delete(put(&rig, 300 * NS_PER_S, path, "{}", 400));
    rig_end(&rig);
}

/* sshd is there after each start as long after it as after the first, and not in between. */
static void test_ssh_comes_back_with_the_machine(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    rig.timeline.ssh[rig.timeline.ssh_count++] = (struct ssh_step){72 * NS_PER_S, SSH_STAGE_READY, 0};
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    assert_int_equal(market_ssh_stage(rig.market, 71 * NS_PER_S, 0, SSH_PORT_PROXY), SSH_STAGE_REFUSED);
    assert_int_equal(market_ssh_next_stage_ns(rig.market, 71 * NS_PER_S, 0, SSH_PORT_DIRECT), 72 * NS_PER_S);
    market_advance(rig.market, 80 * NS_PER_S);
    assert_int_equal(market_ssh_stage(rig.market, 80 * NS_PER_S, 0, SSH_PORT_DIRECT), SSH_STAGE_READY);
    set_state(&rig, 100 * NS_PER_S, id, "stopped");
    assert_int_equal(market_ssh_stage(rig.market, 110 * NS_PER_S, 0, SSH_PORT_PROXY), SSH_STAGE_REFUSED);
    assert_int_equal(market_ssh_next_stage_ns(rig.market, 110 * NS_PER_S, 0, SSH_PORT_PROXY), TIME_NEVER_NS);
    set_state(&rig, 200 * NS_PER_S, id, "running");
    int64_t ready_ns = (200 + START_S + 12) * NS_PER_S;
    assert_int_equal(market_ssh_stage(rig.market, ready_ns - 1, 0, SSH_PORT_PROXY), SSH_STAGE_REFUSED);
    assert_int_equal(market_ssh_stage(rig.market, ready_ns, 0, SSH_PORT_PROXY), SSH_STAGE_READY);
    assert_true(market_lose_host(rig.market, ready_ns, id));
    assert_int_equal(market_ssh_stage(rig.market, ready_ns, 0, SSH_PORT_PROXY), SSH_STAGE_UNREACHABLE);
    rig_end(&rig);
}

/* A host that goes takes its machine along, unbilled; what became of the machine meanwhile shows when the host is back. */
static void test_a_lost_host_is_offline_until_it_returns(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    assert_true(market_lose_host(rig.market, 10 * NS_PER_S, id));
    assert_state(&rig, 100 * NS_PER_S, id, "offline", "running", "running");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, 0);
    assert_true(market_return_host(rig.market, 100 * NS_PER_S, id));
    assert_state(&rig, 100 * NS_PER_S, id, "running", "running", "running");
    assert_true(market_lose_host(rig.market, 110 * NS_PER_S, id));
    set_state(&rig, 120 * NS_PER_S, id, "stopped");
    assert_state(&rig, 120 * NS_PER_S, id, "offline", "stopped", "stopped");
    assert_true(market_return_host(rig.market, 130 * NS_PER_S, id));
    assert_state(&rig, 130 * NS_PER_S, id, "exited", "stopped", "stopped");
    assert_true(market_force_status(rig.market, 140 * NS_PER_S, id, ACTUAL_FROZEN));
    assert_state(&rig, 140 * NS_PER_S, id, "frozen", "stopped", "stopped");
    assert_false(market_lose_host(rig.market, 150 * NS_PER_S, id + 1));
    rig_end(&rig);
}

/* Past its end_date a machine is stopped and cannot be started; two days later it is gone. */
static void test_a_contract_ends(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.credit_nusd = 10000 * NUSD_PER_USD;
    rig_restart(&rig, options);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = rig_rent(&rig, 0, offer, "a");
    int64_t end_ns = (offer->end_date_s - RIG_EPOCH_S) * NS_PER_S;
    assert_state(&rig, end_ns - 1, id, "running", "running", "running");
    assert_state(&rig, end_ns, id, "exited", "stopped", "stopped");
    cJSON_Delete(put(&rig, end_ns + 1, rig_instance_path(id), "{\"state\":\"running\"}", 400));
    int64_t kept_ns = options.switches.expired_kept_ns;
    assert_state(&rig, end_ns + kept_ns - 1, id, "exited", "stopped", "stopped");
    market_advance(rig.market, end_ns + kept_ns);
    assert_false(view_of(&rig, 0).exists);
    rig_end(&rig);
}

/* A bid pays what it bids; whoever rents on demand displaces it, and when he leaves it may come back by raising its bid. */
static void test_on_demand_displaces_a_bid(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = bid(&rig, 0, offer, 5000000, 200);
    market_advance(rig.market, 70 * NS_PER_S);
    int64_t disk_nusd = offer_disk_nusd_per_hour(offer, 10000);
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, offer->min_bid_nusd + 5000000 + disk_nusd);
    int64_t other = create(&rig, 100 * NS_PER_S, offer->id, "", 200);
    assert_state(&rig, 100 * NS_PER_S, id, "exited", "stopped", "stopped");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, disk_nusd);
    change_bid(&rig, 110 * NS_PER_S, id, NUSD_PER_USD * 9 / 10);
    assert_state(&rig, 110 * NS_PER_S, id, "exited", "stopped", "stopped");
    rig_destroy(&rig, 200 * NS_PER_S, other);
    assert_state(&rig, 300 * NS_PER_S, id, "exited", "stopped", "stopped");
    change_bid(&rig, 310 * NS_PER_S, id, NUSD_PER_USD * 91 / 100);
    assert_state(&rig, 330 * NS_PER_S, id, "running", "running", "running");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, NUSD_PER_USD * 91 / 100 + disk_nusd);
    rig_end(&rig);
}

/* A higher bid displaces a lower one; by the switch the lower one runs again by itself once it is the highest. */
static void test_an_outbid_machine_resumes_by_the_switch(void **state)
{
    (void)state;
    for (int64_t resumes = 0; resumes < 2; resumes++) {
        struct rig rig;
        rig_start(&rig, 40);
        struct market_options options = rig_options(&rig);
        options.switches.outbid_resumes = resumes;
        rig_restart(&rig, options);
        const struct offer *offer = rig_rentable_offer(&rig, 0);
        int64_t low = bid(&rig, 0, offer, 0, 200);
        int64_t high = bid(&rig, 100 * NS_PER_S, offer, 50000000, 200);
        assert_state(&rig, 100 * NS_PER_S, low, "exited", "stopped", "stopped");
        rig_destroy(&rig, 200 * NS_PER_S, high);
        assert_state(&rig, 300 * NS_PER_S, low, resumes == 1 ? "running" : "exited",
                     resumes == 1 ? "running" : "stopped", resumes == 1 ? "running" : "stopped");
        rig_end(&rig);
    }
}

/* Somebody outbids a running bid at some time, as the switch says, and leaves again. */
static void test_rivals_come_and_go(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.switches.outbid_mean_ns = 1800 * NS_PER_S;
    options.switches.outbid_resumes = 1;
    rig_restart(&rig, options);
    (void)bid(&rig, 0, rig_rentable_offer(&rig, 0), 0, 200);
    market_advance(rig.market, 48 * NS_PER_HOUR);
    size_t outbid = 0;
    size_t resumed = 0;
    for (size_t i = 0; i < rig.event_count; i++) {
        outbid += rig.events[i].kind == MARKET_STATUS && rig.events[i].cause == CAUSE_OUTBID;
        resumed += rig.events[i].kind == MARKET_STATUS && rig.events[i].cause == CAUSE_RESUME;
    }
    assert_in_range(outbid, 20, 120);
    assert_true(resumed + 1 >= outbid);
    rig_end(&rig);
}

/* A bid below the least answers an error, and by the switch makes a contract all the same, stopped and with its disk billed. */
static void test_a_low_bid_is_an_error_that_may_cost(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t id = bid(&rig, 0, offer, -1000000, 400);
    assert_true(id > 0);
    assert_state(&rig, 100 * NS_PER_S, id, "stopped", "stopped", "stopped");
    assert_int_equal(view_of(&rig, 0).price_nusd_per_hour, offer_disk_nusd_per_hour(offer, 10000));
    struct market_options options = rig_options(&rig);
    options.switches.low_bid = LOW_BID_ERROR;
    rig_restart(&rig, options);
    assert_int_equal(bid(&rig, 0, offer, -1000000, 400), 0);
    options.switches.low_bid = LOW_BID_SUCCESS;
    rig_restart(&rig, options);
    id = bid(&rig, 0, offer, -1000000, 200);
    assert_state(&rig, 100 * NS_PER_S, id, "stopped", "stopped", "stopped");
    rig_end(&rig);
}

/* An image that cannot be had keeps its machine loading for ever, with the daemon's own words. */
static void test_bad_images_never_run(void **state)
{
    (void)state;
    static const struct {
        const char *image, *status, *part;
    } cases[] = {
        {"example-org/no-such-image:9.9", "loading",
         "pull access denied for example-org/no-such-image:9.9, repository does not exist or may require 'docker "
         "login'"},
        {"a/b:no-such-tag", "loading", "manifest for a/b:no-such-tag not found: manifest unknown"},
        {"needs-login/c", "loading", "unauthorized"},
        {"breaks-oci", "created", ": OCI runtime create failed:"},
    };
    struct rig rig;
    rig_start(&rig, 60);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char more[128];
        (void)text_format(more, sizeof more, "\"image\":\"%s\"", cases[i].image);
        char path[64];
        (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)rig_rentable_offer(&rig, i)->id);
        char body[160];
        (void)text_format(body, sizeof body, "{%s}", more);
        cJSON *json = put(&rig, 0, path, body, 200);
        int64_t id = (int64_t)rig_member(json, "new_contract")->valuedouble;
        cJSON_Delete(json);
        cJSON *instance = rig_show(&rig, 50000 * NS_PER_S, id);
        assert_string_equal(rig_text(instance, "actual_status"), cases[i].status);
        assert_non_null(strstr(rig_text(instance, "status_msg"), cases[i].part));
        cJSON_Delete(instance);
        rig_destroy(&rig, 50000 * NS_PER_S, id);
        rig_restart(&rig, rig_options(&rig));
    }
    rig_end(&rig);
}

/* A new instance may be missing for a while, as a switch says; it is there all the same, and can be destroyed. */
static void test_reads_may_lag_behind_a_create(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    struct market_options options = rig_options(&rig);
    options.switches.visible_after_ns = 5 * NS_PER_S;
    rig_restart(&rig, options);
    int64_t id = rig_rent(&rig, 0, rig_rentable_offer(&rig, 0), "a");
    cJSON_Delete(rig_json(&rig, 4 * NS_PER_S, HTTP_GET, rig_instance_path(id), "", 200));
    assert_string_equal(buffer_text(&rig.reply.body), "{\"instances\":null}");
    cJSON *list = rig_json(&rig, 4 * NS_PER_S, HTTP_GET, "/api/v1/instances/", "", 200);
    assert_int_equal(rig_member(list, "total_instances")->valueint, 0);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "instances")), 0);
    assert_int_equal(cJSON_GetArraySize(rig_member(list, "label_counts")), 0);
    cJSON_Delete(list);
    cJSON_Delete(rig_show(&rig, 5 * NS_PER_S, id));
    rig_end(&rig);
}

/* What a search for bids asks for an offer is what wins it: with a bid on it, more than that bid. */
static void test_the_shown_bid_wins_and_one_below_loses(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, 40);
    const struct offer *offer = rig_rentable_offer(&rig, 0);
    int64_t above_nusd = 5 * NUSD_PER_USD / 100;
    assert_int_not_equal(bid(&rig, 0, offer, above_nusd, 200), 0);
    char query[128];
    (void)text_format(query, sizeof query, "{\"type\":\"bid\",\"id\":{\"eq\":%lld}}", (long long)offer->id);
    cJSON *json = rig_json(&rig, NS_PER_S, HTTP_POST, "/api/v0/bundles/", query, 200);
    const cJSON *row = cJSON_GetArrayItem(rig_member(json, "offers"), 0);
    assert_non_null(row);
    int64_t shown_nusd = (int64_t)(rig_member(row, "min_bid")->valuedouble * (double)NUSD_PER_USD + 0.5);
    assert_true(shown_nusd > offer->min_bid_nusd + above_nusd);
    assert_true(rig_member(row, "dph_base")->valuedouble == rig_member(row, "min_bid")->valuedouble);
    cJSON_Delete(json);
    assert_int_not_equal(bid(&rig, 100 * NS_PER_S, offer, shown_nusd - offer->min_bid_nusd - 1000000, 400), 0);
    assert_int_equal(view_of(&rig, 0).status, ACTUAL_RUNNING);
    assert_int_not_equal(bid(&rig, 200 * NS_PER_S, offer, shown_nusd - offer->min_bid_nusd, 200), 0);
    assert_int_equal(view_of(&rig, 0).status, ACTUAL_EXITED);
    assert_int_equal(view_of(&rig, 0).intended_nusd_per_hour, view_of(&rig, 0).price_nusd_per_hour);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stopped_machine_bills_its_disk_alone),
        cmocka_unit_test(test_a_start_waits_for_its_gpu),
        cmocka_unit_test(test_a_stop_takes_a_queued_start_back),
        cmocka_unit_test(test_a_create_of_a_taken_offer_fails_or_waits),
        cmocka_unit_test(test_a_machine_may_be_made_stopped),
        cmocka_unit_test(test_reboot_and_recycle),
        cmocka_unit_test(test_ssh_comes_back_with_the_machine),
        cmocka_unit_test(test_a_lost_host_is_offline_until_it_returns),
        cmocka_unit_test(test_a_contract_ends),
        cmocka_unit_test(test_on_demand_displaces_a_bid),
        cmocka_unit_test(test_an_outbid_machine_resumes_by_the_switch),
        cmocka_unit_test(test_rivals_come_and_go),
        cmocka_unit_test(test_a_low_bid_is_an_error_that_may_cost),
        cmocka_unit_test(test_the_shown_bid_wins_and_one_below_loses),
        cmocka_unit_test(test_bad_images_never_run),
        cmocka_unit_test(test_reads_may_lag_behind_a_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
