#include "fakes/fault/injector.h"
#include "fakes/front/control_state.h"
#include "fakes/front/statement.h"
#include "fakes/market/answer.h"

static void write_clock(struct json_writer *writer, const struct stage_server *stage)
{
    const struct clock_page *clock = stage->clock;
    char storage[48];
    struct buffer wall;
    buffer_init_fixed(&wall, storage, sizeof storage);
    wall_time_append(&wall, clock_page_wall_now(clock), 6);
    json_member_decimal(writer, "now_s", stage->now_ns, 9);
    json_member_string(writer, "wall", storage);
    json_member_decimal(writer, "speed", clock_page_speed_milli(clock), 3);
    json_member_bool(writer, "frozen", clock_page_is_frozen(clock));
}

void control_tell_clock(struct control_call *control)
{
    json_begin_object(&control->writer);
    write_clock(&control->writer, control->front->stage);
    json_end_object(&control->writer);
}

static void write_machine(struct json_writer *writer, const struct contract_view *view)
{
    json_begin_object(writer);
    json_member_int(writer, "id", view->id);
    json_member_int(writer, "machine", (int64_t)view->contract);
    json_member_string(writer, "label", view->label);
    json_member_bool(writer, "exists", view->exists);
    json_member_string(writer, "actual_status", actual_status_text(view->status));
    json_member_decimal(writer, "usd_per_hour", view->exists ? view->intended_nusd_per_hour : 0, 9);
    json_member_decimal(writer, "created_s", view->created_ns, 9);
    if (view->destroyed_ns == TIME_NEVER_NS) {
        json_member_null(writer, "destroyed_s");
    } else {
        json_member_decimal(writer, "destroyed_s", view->destroyed_ns, 9);
    }
    json_member_int(writer, "offer_id", view->offer_id);
    json_member_int(writer, "machine_id", view->machine_id);
    json_member_string(writer, "image", view->image);
    json_member_string(writer, "ssh_host", view->ssh_host);
    json_member_int(writer, "ssh_port", view->ssh_port);
    json_member_string(writer, "public_ipaddr", view->public_ipaddr);
    json_member_int(writer, "direct_port", view->direct_port);
    json_end_object(writer);
}

/* What clients hold at the moment, and how many have come. */
static void write_ssh(struct json_writer *writer, const struct ssh_front *ssh)
{
    json_key(writer, "ssh");
    if (ssh == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_member_int(writer, "connections", (int64_t)ssh_front_peers(ssh));
    json_member_int(writer, "programs", (int64_t)ssh_front_programs(ssh));
    json_member_int(writer, "accepted", (int64_t)ssh_front_accepted(ssh));
    json_end_object(writer);
}

void control_tell_state(struct control_call *control)
{
    const struct stage_server *stage = control->front->stage;
    const struct market *market = cloud_market(stage->cloud);
    struct json_writer *writer = &control->writer;
    json_begin_object(writer);
    json_member_string(writer, "scenario", stage->scenario->name);
    json_member_int(writer, "seed", (int64_t)stage->scenario->seed);
    json_key(writer, "clock");
    json_begin_object(writer);
    write_clock(writer, stage);
    json_end_object(writer);
    json_member_int(writer, "machines_left", (int64_t)statement_machines_left(stage->cloud));
    json_key(writer, "machines");
    json_begin_array(writer);
    for (size_t i = 0; i < market_contract_count(market); i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        write_machine(writer, &view);
    }
    json_end_array(writer);
    json_member_decimal(writer, "charged_usd", market_charged_nusd(market), 9);
    json_member_decimal(writer, "credit_usd", market_credit_nusd(market), 9);
    write_ssh(writer, control->front->ssh);
    json_key(writer, "object_store");
    statement_write_bucket(cloud_bucket(stage->cloud, stage->now_ns, NULL), writer);
    json_key(writer, "requests");
    journal_write_counts(control->front->journal, writer);
    json_end_object(writer);
}

/* As the history file has it since the last reset. */
void control_tell_history(struct control_call *control)
{
    const struct history *history = control->front->stage->history;
    control->content_type = "application/x-ndjson";
    buffer_append(&control->text, buffer_text(&history->text) + history->obsolete,
                  history->text.length - history->obsolete);
}

void control_tell_faults(struct control_call *control)
{
    const struct injector *injector = cloud_injector(control->front->stage->cloud);
    struct json_writer *writer = &control->writer;
    struct fault_deeds deeds;
    json_begin_object(writer);
    json_key(writer, "faults");
    json_begin_array(writer);
    const struct fault *fault = injector_fault(injector, 0, &deeds);
    for (size_t i = 1; fault != NULL; fault = injector_fault(injector, i++, &deeds)) {
        json_begin_object(writer);
        fault_write_members(writer, fault);
        json_member_int(writer, "occasions", deeds.occasions);
        json_member_int(writer, "acted", deeds.acted);
        json_member_bool(writer, "on", deeds.on);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

void control_tell_requests(struct control_call *control)
{
    const char *asked = control->http->request.path;
    char path[HTTP_PATH_SIZE];
    char method[JOURNAL_METHOD_SIZE];
    struct buffer path_text;
    struct buffer method_text;
    buffer_init_fixed(&path_text, path, sizeof path);
    buffer_init_fixed(&method_text, method, sizeof method);
    struct journal_filter filter = {
        .path = query_parameter(asked, "path", &path_text) ? buffer_text(&path_text) : NULL,
        .method = query_parameter(asked, "method", &method_text) ? buffer_text(&method_text) : NULL,
    };
    if (method_text.failed || path_text.failed) {
        control_refuse(control, 400, "path or method are longer than any");
        return;
    }
    json_begin_object(&control->writer);
    json_key(&control->writer, "requests");
    journal_write(control->front->journal, &filter, &control->writer);
    json_end_object(&control->writer);
}
