#include "front/ssh_stage.h"

#include <string.h>

#include "fakes/stage/cloud_scenario.h"

static const char api_key[] = "the-key-of-the-account";

void ssh_stage_defaults(struct ssh_rig *stage)
{
    memset(stage, 0, sizeof *stage);
    struct cloud_scenario *scenario = &stage->scenario;
    cloud_scenario_defaults(scenario);
    struct timing *timing = &scenario->timing;
    timing->ssh_session_count = 1;
    timing->ssh_session_ns[0] = 0;
    timing->refused_ns = 0;
    timing->timeline.status_count = 1;
    timing->timeline.statuses[0] = (struct status_step){.after_ns = 0, .status = ACTUAL_RUNNING};
    timing->timeline.ssh_count = 1;
    timing->timeline.ssh[0] = (struct ssh_step){.after_ns = 0, .stage = SSH_STAGE_READY};
    scenario->offer_count = 256;
    scenario->credit_nusd = 100000 * NUSD_PER_USD;
}

bool ssh_stage_open(struct ssh_rig *stage, const char *clock_path, int64_t speed_milli, const char *public_key)
{
    struct error error;
    stage->heap = heap_new();
    if (stage->heap == NULL ||
        cloud_scenario_offers(&stage->scenario, stage->heap, (struct span){"", 0}, &stage->offers, &error) != ERR_OK ||
        clock_page_create(stage->heap, clock_path, stage->scenario.epoch, speed_milli, &stage->clock, &error) !=
            ERR_OK) {
        return false;
    }
    history_init(&stage->history, stage->heap);
    stage->reactor = reactor_new(stage->heap, stage->clock);
    struct ssh_front_options front = {.heap = stage->heap, .keepalive_ns = stage->keepalive_ns};
    stage->front = ssh_front_new(&front);
    struct stage_options options = {
        .heap = stage->heap,
        .reactor = stage->reactor,
        .clock = stage->clock,
        .history = &stage->history,
        .scenario = &stage->scenario,
        .offers = stage->offers,
        .api_key = api_key,
        .ssh_public_key = public_key,
    };
    return stage->reactor != NULL && stage->front != NULL && stage_open(&stage->stage, &options, &error) == ERR_OK &&
           stage_add_service(&stage->stage, ssh_front_service(stage->front), &error) == ERR_OK;
}

bool ssh_stage_close(struct ssh_rig *stage)
{
    stage_close(&stage->stage);
    ssh_front_free(stage->front);
    reactor_free(stage->reactor);
    clock_page_close(stage->clock);
    offer_book_free(stage->offers);
    history_release(&stage->history);
    bool clean = heap_live_blocks(stage->heap) == 0;
    heap_free(stage->heap);
    return clean;
}

void ssh_stage_turn(struct ssh_rig *stage, bool may_wait)
{
    stage_prepare(&stage->stage);
    reactor_turn(stage->reactor, may_wait);
}

static bool ask(struct ssh_rig *stage, enum http_method method, const char *path, const char *body)
{
    struct cloud *cloud = stage->stage.cloud;
    struct http_request request = {.method = method, .path = path, .bearer = api_key, .body = span_of(body)};
    int64_t now_ns = stage_catch_up(&stage->stage);
    struct cloud_exchange *exchange = cloud_http_begin(cloud, now_ns, &request, ++stage->requests);
    if (exchange == NULL) {
        return false;
    }
    cloud_http_effect(cloud, now_ns, exchange);
    bool good = exchange->reply.status == 200;
    cloud_http_end(cloud, exchange);
    ssh_stage_turn(stage, false);
    return good;
}

int64_t ssh_stage_rent(struct ssh_rig *stage)
{
    char path[64];
    for (size_t i = 0; i < offer_book_count(stage->offers); i++) {
        const struct offer *offer = offer_book_at(stage->offers, i);
        (void)text_format(path, sizeof path, "/api/v0/asks/%lld/", (long long)offer->id);
        if (ask(stage, HTTP_PUT, path, "{\"image\":\"i\",\"disk\":10,\"runtype\":\"ssh_direct\"}")) {
            return (int64_t)market_contract_count(cloud_market(stage->stage.cloud)) - 1;
        }
    }
    return -1;
}

bool ssh_stage_destroy(struct ssh_rig *stage, uint32_t contract)
{
    char path[64];
    struct contract_view view;
    market_contract(cloud_market(stage->stage.cloud), contract, &view);
    (void)text_format(path, sizeof path, "/api/v0/instances/%lld/", (long long)view.id);
    return ask(stage, HTTP_DELETE, path, "");
}
