#include <string.h>

#include "base/json_decode.h"
#include "fakes/fault/catalogue.h"
#include "fakes/front/control_state.h"

enum { SPEED_DIGITS = 3 };

/* Ten years: a clock that goes on from there still tells nanoseconds. */
#define ADVANCE_MOST_NS (INT64_C(10) * 365 * 24 * NS_PER_HOUR)

/* Reads the body, an object, by a table; an empty body is {}. False, with the refusal said, when it is no such object. */
static bool read_body(struct control_call *control, const struct json_field *fields, size_t count, void *out)
{
    struct span body = control->http->request.body;
    struct json_reader reader;
    body = body.length == 0 ? span_of("{}") : body;
    json_reader_init(&reader, body.at, body.length);
    (void)json_decode_object(&reader, fields, count, out, JSON_STRICT);
    if (!json_finish(&reader)) {
        control_refuse(control, 400, "line %zu: %s", json_line_of(body.at, body.length, reader.mistake_at),
                       reader.mistake);
        return false;
    }
    return true;
}

static void note(struct control_call *control, const char *what)
{
    struct stage_server *stage = control->front->stage;
    char storage[256];
    struct buffer text;
    struct json_writer writer;
    buffer_init_fixed(&text, storage, sizeof storage);
    json_writer_init(&writer, &text, 0);
    json_begin_object(&writer);
    json_member_string(&writer, "what", what);
    if (control->name[0] != '\0') {
        json_member_string(&writer, "name", control->name);
    }
    json_end_object(&writer);
    history_add(stage->history, stage->now_ns, HISTORY_CLOUD, "control", "control.act", span_of("{}"),
                (struct span){storage, text.length});
}

static void tell_done(struct control_call *control)
{
    json_begin_object(&control->writer);
    json_member_bool(&control->writer, "success", true);
    json_end_object(&control->writer);
}

/* ---- Requests ----------------------------------------------------------------------------------------------------------- */

void control_count_requests(struct control_call *control)
{
    struct given {
        MAYBE_TEXT(JOURNAL_METHOD_SIZE) method;
        MAYBE_TEXT(HTTP_PATH_SIZE) path;
        MAYBE_TEXT(4096) body_contains;
    } given = {.method = {.presence = ABSENT}};
    static const struct json_field fields[] = {
        JSON_TEXT(struct given, method, "method"),
        JSON_TEXT(struct given, path, "path"),
        JSON_TEXT(struct given, body_contains, "body_contains"),
    };
    if (!read_body(control, fields, ARRAY_LENGTH(fields), &given)) {
        return;
    }
    const struct journal_filter filter = {given.method.text, given.path.text, given.body_contains.text};
    json_begin_object(&control->writer);
    json_member_int(&control->writer, "count", (int64_t)journal_matches(control->front->journal, &filter));
    json_end_object(&control->writer);
}

/* ---- Clock -------------------------------------------------------------------------------------------------------------- */

struct clock_wish {
    struct maybe_bool freeze;
    struct maybe_int64 advance_ns, speed_milli;
};

static bool is_possible(struct control_call *control, const struct clock_wish *wish)
{
    int64_t advance_ns = int64_or(wish->advance_ns, 0);
    int64_t speed_milli = int64_or(wish->speed_milli, CLOCK_SPEED_REAL_MILLI);
    if (wish->freeze.presence != PRESENT && wish->advance_ns.presence != PRESENT &&
        wish->speed_milli.presence != PRESENT) {
        control_refuse(control, 400, "expected freeze, advance_s or speed");
    } else if (advance_ns < 0 || advance_ns > ADVANCE_MOST_NS) {
        control_refuse(control, 400, "advance_s: expected seconds from 0 to ten years");
    } else if (speed_milli < 1 || speed_milli > CLOCK_SPEED_MOST_MILLI) {
        control_refuse(control, 400, "speed: expected a number from 0.001 to 1000000");
    }
    return control->status == 200;
}

void control_set_clock(struct control_call *control)
{
    static const struct json_field fields[] = {
        JSON_BOOLEAN(struct clock_wish, freeze, "freeze"),
        JSON_DECIMAL(struct clock_wish, advance_ns, "advance_s", 9),
        JSON_DECIMAL(struct clock_wish, speed_milli, "speed", SPEED_DIGITS),
    };
    struct stage_server *stage = control->front->stage;
    struct clock_wish wish = {.freeze = {ABSENT, false}};
    if (!read_body(control, fields, ARRAY_LENGTH(fields), &wish) || !is_possible(control, &wish)) {
        return;
    }
    if (wish.freeze.presence == PRESENT) {
        clock_page_freeze(stage->clock, wish.freeze.value);
    }
    if (wish.speed_milli.presence == PRESENT) {
        clock_page_set_speed(stage->clock, wish.speed_milli.value);
    }
    if (wish.advance_ns.presence == PRESENT) {
        clock_page_advance(stage->clock, wish.advance_ns.value);
    }
    (void)stage_catch_up(stage);
    note(control, "clock");
    control_tell_clock(control);
}

/* ---- Faults ------------------------------------------------------------------------------------------------------------- */

void control_put_fault(struct control_call *control)
{
    struct stage_server *stage = control->front->stage;
    struct span body = control->http->request.body;
    struct fault_plan plan = {.count = 0};
    struct json_reader reader;
    if (catalogue_find(control->name) == NULL) {
        control_refuse(control, 404, "there is no fault %s; see dumont-fake faults", control->name);
        return;
    }
    body = body.length == 0 ? span_of("{}") : body;
    json_reader_init(&reader, body.at, body.length);
    fault_plan_read_one(&reader, control->name, &plan);
    if (!json_finish(&reader)) {
        control_refuse(control, 400, "%s", reader.mistake);
        return;
    }
    if (!injector_put(cloud_injector(stage->cloud), stage->now_ns, &plan.faults[0])) {
        control_refuse(control, 400, "there are too many faults");
        return;
    }
    note(control, "fault");
    json_begin_object(&control->writer);
    fault_write_members(&control->writer, &plan.faults[0]);
    json_end_object(&control->writer);
}

void control_remove_fault(struct control_call *control)
{
    struct stage_server *stage = control->front->stage;
    if (injector_remove(cloud_injector(stage->cloud), stage->now_ns, control->name) == 0) {
        control_refuse(control, 404, "no fault %s is in force", control->name);
        return;
    }
    note(control, "no-fault");
    tell_done(control);
}

/* ---- Machines ----------------------------------------------------------------------------------------------------------- */

struct machine_wish {
    MAYBE_TEXT(32) actual_status;
    struct maybe_bool kill, back, rotate_host_key;
};

static bool find_contract(const struct cloud *cloud, const char *name, struct contract_view *view)
{
    int64_t id;
    const struct market *market = cloud_market(cloud);
    if (!decimal_parse_exact(span_of(name), 0, &id)) {
        return false;
    }
    for (size_t i = market_contract_count(market); i-- > 0;) {
        market_contract(market, i, view);
        if (view->id == id && view->exists) {
            return true;
        }
    }
    return false;
}

/* How many things are asked for: exactly one must be. */
static int wishes(const struct machine_wish *wish)
{
    return (wish->actual_status.presence == ABSENT ? 0 : 1) + (bool_or(wish->kill, false) ? 1 : 0) +
           (bool_or(wish->back, false) ? 1 : 0) + (bool_or(wish->rotate_host_key, false) ? 1 : 0);
}

/* ACTUAL_COUNT when it is none. */
static enum actual_status wanted_status(const struct machine_wish *wish)
{
    return wish->actual_status.presence == IS_NULL ? ACTUAL_PROVISIONING
                                                   : actual_status_by_text(wish->actual_status.text);
}

static void act(struct control_call *control, const struct machine_wish *wish, const struct contract_view *view)
{
    struct stage_server *stage = control->front->stage;
    bool done = true;
    const char *what = "rotate_host_key";
    if (bool_or(wish->rotate_host_key, false)) {
        done = cloud_ssh_rotate_host_key(stage->cloud, view->contract);
    } else if (wish->actual_status.presence != ABSENT) {
        what = "actual_status";
        if (wanted_status(wish) == ACTUAL_COUNT) {
            control_refuse(control, 400, "%s is no status that Vast.ai documents", wish->actual_status.text);
            return;
        }
        done = cloud_force_status(stage->cloud, view->id, wanted_status(wish));
    } else {
        what = bool_or(wish->kill, false) ? "kill" : "return";
        done = cloud_ssh_lose(stage->cloud, view->contract, bool_or(wish->kill, false));
    }
    if (!done) {
        control_refuse(control, 503, "out of memory");
        return;
    }
    stage_note_change(stage);
    note(control, what);
    tell_done(control);
}

void control_act_on_machine(struct control_call *control)
{
    static const struct json_field fields[] = {
        JSON_TEXT(struct machine_wish, actual_status, "actual_status"),
        JSON_BOOLEAN(struct machine_wish, kill, "kill"),
        JSON_BOOLEAN(struct machine_wish, back, "return"),
        JSON_BOOLEAN(struct machine_wish, rotate_host_key, "rotate_host_key"),
    };
    struct machine_wish wish = {.kill = {ABSENT, false}};
    struct contract_view view;
    if (!read_body(control, fields, ARRAY_LENGTH(fields), &wish)) {
        return;
    }
    if (wishes(&wish) != 1) {
        control_refuse(control, 400, "expected one of actual_status, kill, return, rotate_host_key");
    } else if (!find_contract(control->front->stage->cloud, control->name, &view)) {
        control_refuse(control, 404, "there is no machine %s", control->name);
    } else {
        act(control, &wish, &view);
    }
}

/* ---- Reset -------------------------------------------------------------------------------------------------------------- */

void control_reset(struct control_call *control)
{
    struct stage_server *stage = control->front->stage;
    if (!read_body(control, NULL, 0, NULL)) {
        return;
    }
    if (!stage_reset(stage)) {
        control_refuse(control, 503, "out of memory");
        return;
    }
    journal_clear(control->front->journal);
    stage->history->obsolete = stage->history->text.length;
    note(control, "reset");
    tell_done(control);
}
