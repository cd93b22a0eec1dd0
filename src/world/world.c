#include "world/world.h"

#include "world/note.h"

int64_t world_now_ns(struct world *world)
{
    return world->operations->now_ns(world);
}

struct wall_time world_wall_now(struct world *world)
{
    return world->operations->wall_now(world);
}

int64_t world_deadline_ns(struct world *world, int64_t duration_ns)
{
    int64_t deadline_ns = saturating_add(world_now_ns(world), duration_ns);
    return deadline_ns == TIME_NEVER_NS ? TIME_NEVER_NS - 1 : deadline_ns;
}

struct wall_time world_real_wall_now(struct world *world)
{
    return world->operations->real_wall_now == NULL ? world_wall_now(world) : world->operations->real_wall_now(world);
}

int64_t world_real_deadline_ns(struct world *world, int64_t duration_ns)
{
    enum { REAL_MILLI = 1000 };
    int64_t speed_milli = world->description.speed_milli;
    bool faster = speed_milli > REAL_MILLI;
    return world_deadline_ns(world, faster ? scale_rounded(duration_ns, speed_milli, REAL_MILLI) : duration_ns);
}

enum error_code world_sleep_until(struct world *world, int64_t moment_ns)
{
    if (task_wait(world->scheduler, NULL, moment_ns) == WAIT_CANCELLED) {
        return ERR_INTERRUPTED;
    }
    return world_now_ns(world) < moment_ns ? ERR_DEADLINE : ERR_OK;
}

/* ERR_OK, or why a call must not even begin. */
static enum error_code may_begin(struct world *world, int64_t deadline_ns)
{
    if (task_is_cancelled(world->scheduler)) {
        return ERR_INTERRUPTED;
    }
    int64_t now_ns = world_now_ns(world);
    if (task_deadline_ns(world->scheduler, INT64_MAX) <= now_ns) {
        return ERR_DEADLINE;
    }
    return deadline_ns > now_ns ? ERR_OK : ERR_TIMED_OUT;
}

uint64_t world_random_bits(struct world *world, enum random_purpose purpose, uint32_t entity, uint32_t index)
{
    return world->operations->random_bits(world, purpose, entity, index);
}

static void note_request(struct world *world, const struct http_exchange *exchange)
{
    const struct http_request *request = exchange->request;
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "req", (int64_t)exchange->ordinal);
    json_member_string(&note.data, "method", http_method_name(request->method));
    json_key(&note.data, "path");
    size_t path_length = 0;
    while (request->path[path_length] != '\0' && request->path[path_length] != '?') {
        path_length++;
    }
    json_span(&note.data, (struct span){request->path, path_length});
    json_member_int(&note.data, "bytes",
                    request->body_file != NULL ? request->body_file->length : (int64_t)request->body.length);
    note_end(world, &note, "http.req");
}

static void note_reply(struct world *world, const struct http_exchange *exchange, enum error_code code)
{
    struct note note;
    note_begin(&note);
    json_member_int(&note.ids, "req", (int64_t)exchange->ordinal);
    if (code == ERR_OK) {
        json_member_int(&note.data, "status", exchange->reply->status);
        json_member_int(&note.data, "bytes", (int64_t)exchange->reply->body.length + exchange->reply->file_bytes);
    } else {
        json_member_string(&note.data, "error", error_name(code));
    }
    note_end(world, &note, "http.resp");
}

static enum error_code exchange_outcome(const struct http_exchange *exchange)
{
    if (exchange->out_of_memory) {
        return ERR_NO_MEMORY;
    }
    if (exchange->file_failed) {
        return exchange->request->body_file != NULL ? ERR_INPUT_UNREADABLE : ERR_CANNOT_WRITE;
    }
    return fate_error(exchange->fate);
}

/* Waits for the end of an exchange, and with a limit on stalls looks every now and then whether anything moves. */
static enum wait_end wait_for_exchange(struct world *world, struct http_exchange *exchange, int64_t deadline_ns)
{
    int64_t stall_ns = exchange->request->stall_ns;
    enum wait_end end;
    int64_t moved;
    bool last;
    do {
        int64_t look_ns = stall_ns > 0 ? world_deadline_ns(world, stall_ns) : deadline_ns;
        moved = exchange->moved;
        last = look_ns >= task_deadline_ns(world->scheduler, deadline_ns);
        end = task_wait(world->scheduler, &exchange->done, last ? deadline_ns : look_ns);
    } while (end == WAIT_DEADLINE && !last && exchange->moved != moved);
    return end;
}

enum error_code world_http(struct world *world, const struct http_request *request, struct http_reply *reply,
                           int64_t deadline_ns, uint64_t *ordinal)
{
    struct http_exchange exchange = {.request = request, .reply = reply};
    reply->status = 0;
    reply->content_type[0] = '\0';
    reply->file_bytes = 0;
    reply->file_trouble[0] = '\0';
    buffer_clear(&reply->body);
    buffer_clear(&reply->headers);
    if (ordinal != NULL) {
        *ordinal = 0;
    }
    enum error_code code = may_begin(world, deadline_ns);
    if (code != ERR_OK) {
        return code;
    }
    world->operations->http_start(world, &exchange);
    if (ordinal != NULL) {
        *ordinal = exchange.ordinal;
    }
    if (!request->is_private) {
        note_request(world, &exchange);
    }
    switch (wait_for_exchange(world, &exchange, deadline_ns)) {
    case WAIT_FINISHED:
        code = exchange_outcome(&exchange);
        break;
    case WAIT_DEADLINE:
        code = ERR_TIMED_OUT;
        break;
    case WAIT_CANCELLED:
        code = ERR_INTERRUPTED;
        break;
    }
    if (!exchange.done.finished) {
        world->operations->http_abandon(world, &exchange);
    }
    if (!request->is_private) {
        note_reply(world, &exchange, code);
    }
    return code;
}

/* Waits for the step of a session that was just begun. */
static enum error_code shell_step(struct world *world, struct shell_session *session, int64_t deadline_ns)
{
    switch (task_wait(world->scheduler, &session->done, deadline_ns)) {
    case WAIT_FINISHED:
        return fate_error(session->fate);
    case WAIT_DEADLINE:
        world->operations->shell_abandon(world, session);
        return session->fate == FATE_DELIVERED ? ERR_TIMED_OUT : fate_error(session->fate);
    case WAIT_CANCELLED:
        break;
    }
    world->operations->shell_abandon(world, session);
    return ERR_INTERRUPTED;
}

enum error_code shell_open(struct world *world, struct shell_session *session, const struct shell_target *target,
                           int64_t deadline_ns)
{
    *session = (struct shell_session){.target = target};
    enum error_code code = may_begin(world, deadline_ns);
    if (code != ERR_OK) {
        return code;
    }
    world->operations->shell_open(world, session);
    return shell_step(world, session, deadline_ns);
}

/* Runs the command that the session holds. */
static enum error_code run_step(struct world *world, struct shell_session *session, int64_t deadline_ns)
{
    session->done = (struct completion){0};
    session->fate = FATE_DELIVERED;
    session->output_lost = false;
    enum error_code code = may_begin(world, deadline_ns);
    if (code == ERR_OK) {
        world->operations->shell_run(world, session);
        code = shell_step(world, session, deadline_ns);
        code = session->output_lost ? ERR_CANNOT_WRITE : code;
    }
    if (code != ERR_OK) {
        shell_close(world, session);
    }
    return code;
}

enum error_code shell_run(struct world *world, struct shell_session *session, struct span command, struct span input,
                          struct buffer *out, struct buffer *err, int64_t deadline_ns)
{
    session->command = command;
    session->input = input;
    session->out = out;
    session->err = err;
    session->streams = STREAMS_NONE;
    return run_step(world, session, deadline_ns);
}

enum error_code shell_run_attached(struct world *world, struct shell_session *session, struct span command,
                                   unsigned streams, struct buffer *out, struct buffer *err, int64_t deadline_ns)
{
    session->command = command;
    session->input = (struct span){"", 0};
    session->out = out;
    session->err = err;
    session->streams = streams;
    return run_step(world, session, deadline_ns);
}

void shell_close(struct world *world, struct shell_session *session)
{
    if (session->channel != NULL) {
        world->operations->shell_close(world, session);
        session->channel = NULL;
    }
}

void shell_forget(struct world *world, int64_t instance_id)
{
    world->operations->shell_forget(world, instance_id);
}

enum error_code world_store(struct world *world, enum store_statement statement, const struct store_value *values,
                            size_t value_count, store_row_function *row, void *row_context, struct store_result *result,
                            int64_t deadline_ns)
{
    *result = (struct store_result){.code = ERR_STORE_UNAVAILABLE, .message = "no answer in time"};
    (void)text_copy(result->sqlstate, sizeof result->sqlstate, "08000");
    struct store_call call = {
        .statement = statement,
        .values = values,
        .value_count = value_count,
        .row = row,
        .row_context = row_context,
        .result = result,
    };
    if (task_is_cancelled(world->scheduler)) {
        return result->code = ERR_INTERRUPTED;
    }
    world->operations->store_start(world, &call);
    switch (task_wait(world->scheduler, &call.done, deadline_ns)) {
    case WAIT_FINISHED:
        return result->code;
    case WAIT_DEADLINE:
        break;
    case WAIT_CANCELLED:
        result->code = ERR_INTERRUPTED;
        break;
    }
    world->operations->store_abandon(world, &call);
    return result->code;
}

bool world_lock(struct world *world, const char *name)
{
    return world->operations->lock(world, name);
}

void world_unlock(struct world *world, const char *name)
{
    world->operations->unlock(world, name);
}

void world_note(struct world *world, const char *kind, struct span ids, struct span data)
{
    world->operations->note(world, kind, ids, data);
}

void world_hide(struct world *world, const char *secret)
{
    world->operations->hide(world, secret);
}

void world_tell(struct world *world, const char *text)
{
    world->operations->tell(world, text);
}

enum error_code world_ask(struct world *world, const char *text, int64_t deadline_ns)
{
    struct question question = {.text = text};
    enum error_code code = may_begin(world, deadline_ns);
    if (code != ERR_OK) {
        return code == ERR_INTERRUPTED ? code : ERR_DECLINED;
    }
    world->operations->ask_start(world, &question);
    enum wait_end end = task_wait(world->scheduler, &question.done, deadline_ns);
    if (end == WAIT_FINISHED) {
        return question.yes ? ERR_OK : ERR_DECLINED;
    }
    world->operations->ask_abandon(world, &question);
    return end == WAIT_CANCELLED ? ERR_INTERRUPTED : ERR_DECLINED;
}
