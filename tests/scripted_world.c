#include "scripted_world.h"

#include <string.h>

#include "testing.h"

static struct scripted_world *scripted_of(struct world *world)
{
    return (struct scripted_world *)world;
}

/* ---- Time and what is due ----------------------------------------------------------------------------------------------- */

static int64_t now_ns(struct world *world)
{
    return scripted_of(world)->now_ns;
}

static struct wall_time wall_now(struct world *world)
{
    return (struct wall_time){INT64_C(1767380000) * NS_PER_S + scripted_of(world)->now_ns};
}

static int64_t timers_now_ns(void *context)
{
    return ((struct scripted_world *)context)->now_ns;
}

static void arm(void *context, struct timer *timer)
{
    struct scripted_world *scripted = context;
    assert_true(scripted->timer_count < SCRIPT_TIMERS_MAX);
    timer->armed = true;
    timer->sequence = ++scripted->armed;
    scripted->timers[scripted->timer_count++] = timer;
}

static void remove_timer(struct scripted_world *scripted, const struct timer *timer)
{
    for (size_t i = 0; i < scripted->timer_count; i++) {
        if (scripted->timers[i] == timer) {
            scripted->timers[i] = scripted->timers[--scripted->timer_count];
            return;
        }
    }
    fail_msg("a timer was disarmed that is not armed");
}

static void disarm(void *context, struct timer *timer)
{
    timer->armed = false;
    remove_timer(context, timer);
}

static struct timer *first_timer(const struct scripted_world *scripted)
{
    struct timer *first = NULL;
    for (size_t i = 0; i < scripted->timer_count; i++) {
        struct timer *timer = scripted->timers[i];
        if (first == NULL || timer->due_ns < first->due_ns ||
            (timer->due_ns == first->due_ns && timer->sequence < first->sequence)) {
            first = timer;
        }
    }
    return first;
}

static size_t first_event(const struct scripted_world *scripted)
{
    size_t first = 0;
    for (size_t i = 1; i < scripted->event_count; i++) {
        first = scripted->events[i].due_ns < scripted->events[first].due_ns ? i : first;
    }
    return first;
}

static void remove_event(struct scripted_world *scripted, size_t place)
{
    memmove(&scripted->events[place], &scripted->events[place + 1],
            (scripted->event_count - place - 1) * sizeof scripted->events[0]);
    scripted->event_count--;
}

static void add_event(struct scripted_world *scripted, int64_t delay_ns, void *operation, void (*happen)(void *))
{
    assert_true(scripted->event_count < SCRIPT_EVENTS_MAX);
    scripted->events[scripted->event_count++] = (struct scripted_event){scripted->now_ns + delay_ns, operation, happen};
}

static void forget_events_of(struct scripted_world *scripted, const void *operation)
{
    for (size_t i = scripted->event_count; i > 0; i--) {
        if (scripted->events[i - 1].operation == operation) {
            remove_event(scripted, i - 1);
        }
    }
}

/* Makes the next thing happen. False when there is none. */
static bool step(struct scripted_world *scripted)
{
    struct timer *timer = first_timer(scripted);
    if (scripted->event_count > 0) {
        size_t place = first_event(scripted);
        struct scripted_event event = scripted->events[place];
        if (timer == NULL || event.due_ns <= timer->due_ns) {
            remove_event(scripted, place);
            scripted->now_ns = event.due_ns;
            event.happen(event.operation);
            return true;
        }
    }
    if (timer == NULL) {
        return false;
    }
    scripted->now_ns = timer->due_ns;
    remove_timer(scripted, timer);
    timer_fire(timer);
    return true;
}

static uint64_t random_bits_of(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index)
{
    (void)purpose;
    (void)entity;
    (void)index;
    return scripted_of(world)->random;
}

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

static void reply_comes(void *operation)
{
    struct http_exchange *exchange = operation;
    exchange->pending = NULL;
    completion_finish(&exchange->done);
}

static void http_start(struct world *world, struct http_exchange *exchange)
{
    struct scripted_world *scripted = scripted_of(world);
    const struct http_request *request = exchange->request;
    if (scripted->replies_used == scripted->reply_count) {
        fail_msg("a request beyond the script: %s", request->path);
    }
    const struct scripted_reply *reply = &scripted->replies[scripted->replies_used++];
    scripted->http_started++;
    exchange->ordinal = ++scripted->ordinals;
    exchange->pending = scripted;
    buffer_printf(&scripted->requests, "%s %s%s ", http_method_name(request->method), request->path,
                  request->bearer == NULL ? " (no key)" : "");
    buffer_append(&scripted->requests, request->body.at, request->body.length);
    buffer_append_char(&scripted->requests, '\n');
    buffer_printf(&scripted->headers, "%s %s%s", http_method_name(request->method), request->origin, request->path);
    for (size_t i = 0; i < request->header_count; i++) {
        buffer_printf(&scripted->headers, "|%s: %s", request->headers[i].name, request->headers[i].value);
    }
    buffer_append_char(&scripted->headers, '\n');
    exchange->fate = reply->fate;
    exchange->out_of_memory = reply->out_of_memory;
    if (!reply->never) {
        size_t length = reply->length != 0 || reply->body == NULL ? reply->length : strlen(reply->body);
        exchange->reply->status = reply->status;
        if (reply->retry_after != NULL) {
            http_reply_add_header(exchange->reply, "Retry-After", reply->retry_after);
        }
        if (length > exchange->reply->body.limit) {
            exchange->fate = FATE_TOO_LARGE;
        } else {
            buffer_append(&exchange->reply->body, reply->body, length);
            exchange->out_of_memory = exchange->out_of_memory || exchange->reply->body.failed;
        }
        add_event(scripted, reply->delay_ns, exchange, reply_comes);
    }
}

static void http_abandon(struct world *world, struct http_exchange *exchange)
{
    assert_non_null(exchange->pending);
    exchange->pending = NULL;
    scripted_of(world)->http_abandoned++;
    forget_events_of(scripted_of(world), exchange);
}

/* ---- Shell -------------------------------------------------------------------------------------------------------------- */

/* The world behind a session, and the step under way; one step at a time is enough for a script. */
static void step_ends(void *operation)
{
    struct shell_session *session = operation;
    session->pending = NULL;
    completion_finish(&session->done);
}

static void begin_step(struct scripted_world *scripted, struct shell_session *session, const struct scripted_step *step)
{
    session->pending = scripted;
    session->fate = step->never ? step->silence : step->fate;
    if (!step->never) {
        add_event(scripted, step->delay_ns, session, step_ends);
    }
}

static void shell_open_begin(struct world *world, struct shell_session *session)
{
    struct scripted_world *scripted = scripted_of(world);
    static const struct scripted_step at_once = {.fate = FATE_DELIVERED};
    const struct scripted_step *step =
        scripted->opens_used < scripted->open_count ? &scripted->opens[scripted->opens_used] : &at_once;
    scripted->opens_used++;
    buffer_printf(&scripted->shell, "open %s:%lld\n", session->target->host, (long long)session->target->port);
    begin_step(scripted, session, step);
    if (!step->never && step->fate == FATE_DELIVERED) {
        session->channel = scripted;
        scripted->sessions_open++;
    }
}

static void shell_run_begin(struct world *world, struct shell_session *session)
{
    struct scripted_world *scripted = scripted_of(world);
    assert_non_null(session->channel);
    buffer_append(&scripted->shell, session->command.at, session->command.length);
    buffer_append_char(&scripted->shell, '\n');
    if (scripted->carry_out != NULL) {
        scripted->carry_out(session); /* may set the fate */
        begin_step(scripted, session, &(struct scripted_step){.fate = session->fate});
        return;
    }
    assert_true(scripted->commands_used < scripted->command_count);
    const struct scripted_step *step = &scripted->commands[scripted->commands_used++];
    buffer_append_text(session->out, step->out == NULL ? "" : step->out);
    buffer_append_text(session->err, step->err == NULL ? "" : step->err);
    session->exit_status = step->exit_status;
    begin_step(scripted, session, step);
}

static void shell_close_session(struct world *world, struct shell_session *session)
{
    assert_non_null(session->channel);
    assert_null(session->pending);
    scripted_of(world)->sessions_open--;
}

static void shell_forget_machine(struct world *world, int64_t instance_id)
{
    buffer_printf(&scripted_of(world)->shell, "forget %lld\n", (long long)instance_id);
}

static void shell_abandon_step(struct world *world, struct shell_session *session)
{
    struct scripted_world *scripted = scripted_of(world);
    assert_non_null(session->pending);
    session->pending = NULL;
    scripted->shell_abandoned++;
    forget_events_of(scripted, session);
    if (session->channel != NULL) {
        scripted->sessions_open--;
        session->channel = NULL;
    }
}

/* ---- Store -------------------------------------------------------------------------------------------------------------- */

static void write_statement(struct buffer *log, const struct store_call *call)
{
    buffer_append_text(log, store_statement_name(call->statement));
    for (size_t i = 0; i < call->value_count; i++) {
        const struct store_value *value = &call->values[i];
        buffer_append_char(log, '|');
        if (value->kind == STORE_TEXT) {
            buffer_append(log, value->text.at, value->text.length);
        } else if (value->kind == STORE_INT) {
            buffer_printf(log, "%lld", (long long)value->integer);
        } else {
            buffer_append_text(log, "null");
        }
    }
    buffer_append_char(log, '\n');
}

static void statement_ends(void *operation)
{
    struct store_call *call = operation;
    const struct scripted_statement *script = call->pending;
    struct scripted_world *scripted = script->scripted;
    if (scripted->store_with != NULL && script->sqlstate == NULL && script->row_count == 0) {
        scripted->store_with(scripted->store_behind, call);
        call->pending = NULL;
        completion_finish(&call->done);
        return;
    }
    size_t columns = script->column_count != 0 ? script->column_count : store_statement_columns(call->statement);
    for (size_t i = 0; i < script->row_count; i++) {
        call->row(call->row_context, script->rows + i * columns, columns);
    }
    const char *sqlstate = script->sqlstate == NULL ? "00000" : script->sqlstate;
    (void)store_result_set(call->result, sqlstate, sqlstate[0] == '0' ? "" : "as the script says");
    call->pending = NULL;
    completion_finish(&call->done);
}

static void store_start(struct world *world, struct store_call *call)
{
    struct scripted_world *scripted = scripted_of(world);
    struct scripted_statement *script = &scripted->statements[call->statement];
    assert_int_equal(call->value_count, store_statement_parameters(call->statement));
    script->calls++;
    script->scripted = scripted;
    write_statement(&scripted->store, call);
    call->pending = script;
    if (!script->never) {
        add_event(scripted, script->delay_ns, call, statement_ends);
    }
}

static void store_abandon(struct world *world, struct store_call *call)
{
    assert_non_null(call->pending);
    call->pending = NULL;
    scripted_of(world)->store_abandoned++;
    forget_events_of(scripted_of(world), call);
}

/* ---- The rest ----------------------------------------------------------------------------------------------------------- */

static bool lock(struct world *world, const char *name)
{
    (void)name;
    return !scripted_of(world)->locked;
}

static void unlock(struct world *world, const char *name)
{
    (void)world;
    (void)name;
}

static void note(struct world *world, const char *kind, struct span ids, struct span data)
{
    struct buffer *notes = &scripted_of(world)->notes;
    buffer_printf(notes, "%s ", kind);
    buffer_append(notes, ids.at, ids.length);
    buffer_append_char(notes, ' ');
    buffer_append(notes, data.at, data.length);
    buffer_append_char(notes, '\n');
}

static void hide(struct world *world, const char *secret)
{
    buffer_printf(&scripted_of(world)->hidden, "%s\n", secret);
}

static void tell(struct world *world, const char *text)
{
    buffer_append_text(&scripted_of(world)->told, text);
}

static void ask_start(struct world *world, struct question *question)
{
    struct scripted_world *scripted = scripted_of(world);
    buffer_printf(&scripted->told, "%s\n", question->text);
    if (scripted->answer != ANSWER_NEVER) {
        question->yes = scripted->answer == ANSWER_YES;
        completion_finish(&question->done);
    }
}

static void ask_abandon(struct world *world, struct question *question)
{
    (void)question;
    scripted_of(world)->questions_abandoned++;
}

static const struct world_operations operations = {
    .now_ns = now_ns,
    .wall_now = wall_now,
    .random_bits = random_bits_of,
    .http_start = http_start,
    .http_abandon = http_abandon,
    .shell_open = shell_open_begin,
    .shell_run = shell_run_begin,
    .shell_abandon = shell_abandon_step,
    .shell_close = shell_close_session,
    .shell_forget = shell_forget_machine,
    .store_start = store_start,
    .store_abandon = store_abandon,
    .lock = lock,
    .unlock = unlock,
    .note = note,
    .hide = hide,
    .tell = tell,
    .ask_start = ask_start,
    .ask_abandon = ask_abandon,
};

void scripted_world_open(struct scripted_world *scripted)
{
    enum { LOG_MAX = 16 * 1024 * 1024 };
    memset(scripted, 0, sizeof *scripted);
    scripted->own_heap = heap_new();
    assert_non_null(scripted->own_heap);
    scripted->world.operations = &operations;
    scripted->world.heap = heap_new();
    assert_non_null(scripted->world.heap);
    struct timer_source timers = {timers_now_ns, arm, disarm, scripted};
    scripted->world.scheduler = scheduler_new(scripted->world.heap, timers);
    assert_non_null(scripted->world.scheduler);
    scripted->now_ns = NS_PER_S;
    struct buffer *const logs[] = {&scripted->requests, &scripted->headers, &scripted->shell, &scripted->store,
                                   &scripted->notes,    &scripted->hidden,  &scripted->told};
    for (size_t i = 0; i < ARRAY_LENGTH(logs); i++) {
        buffer_init(logs[i], scripted->own_heap, LOG_MAX);
    }
}

void scripted_world_close(struct scripted_world *scripted)
{
    assert_int_equal(scheduler_task_count(scripted->world.scheduler), 0);
    assert_int_equal(scripted->event_count, 0);
    assert_int_equal(scripted->timer_count, 0);
    assert_int_equal(scripted->sessions_open, 0);
    assert_int_equal(heap_live_blocks(scripted->world.heap), 0);
    scheduler_free(scripted->world.scheduler);
    heap_free(scripted->world.heap);
    heap_free(scripted->own_heap);
}

void scripted_reply(struct scripted_world *scripted, struct scripted_reply reply)
{
    assert_true(scripted->reply_count < SCRIPT_MAX);
    scripted->replies[scripted->reply_count++] = reply;
}

void scripted_open(struct scripted_world *scripted, struct scripted_step step_of_script)
{
    assert_true(scripted->open_count < SCRIPT_MAX);
    scripted->opens[scripted->open_count++] = step_of_script;
}

void scripted_command(struct scripted_world *scripted, struct scripted_step step_of_script)
{
    assert_true(scripted->command_count < SCRIPT_MAX);
    scripted->commands[scripted->command_count++] = step_of_script;
}

static void cancel_root(void *operation)
{
    task_cancel(operation);
}

void scripted_world_run(struct scripted_world *scripted, task_function *procedure, void *argument)
{
    struct completion finished = {0};
    struct task *root = task_start(scripted->world.scheduler, procedure, argument, &finished);
    assert_non_null(root);
    if (scripted->cancel_at_ns < 0) {
        task_cancel(root);
    } else if (scripted->cancel_at_ns > 0) {
        add_event(scripted, scripted->cancel_at_ns - scripted->now_ns, root, cancel_root);
    }
    scheduler_run(scripted->world.scheduler);
    while (!finished.finished && step(scripted)) {
        scheduler_run(scripted->world.scheduler);
    }
    assert_true(finished.finished);
    forget_events_of(scripted, root);
}

static bool contains(const char *line, size_t length, const char *text)
{
    size_t text_length = text == NULL ? 0 : strlen(text);
    for (size_t at = 0; at + text_length <= length; at++) {
        if (text_length == 0 || memcmp(line + at, text, text_length) == 0) {
            return true;
        }
    }
    return false;
}

int count_lines(const struct buffer *log, const char *one, const char *other)
{
    int count = 0;
    for (const char *line = buffer_text(log); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        count += contains(line, length, one) && contains(line, length, other) ? 1 : 0;
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return count;
}
