#include "sim/virtual_state.h"

#include <assert.h>
#include <string.h>

/* ---- What is under way -------------------------------------------------------------------------------------------------- */

void virtual_pending_event(struct pending *pending, struct event *event, int64_t due_ns, enum event_class class,
                           void (*happen)(void *))
{
    *event = (struct event){.due_ns = due_ns, .class = class, .happen = happen, .owner = pending};
    if (due_ns != TIME_NEVER_NS) {
        virtual_queue(pending->world, event);
    }
}

static struct pending *take_pending(struct virtual_world *virtual_world)
{
    struct pending *pending = virtual_world->free_pendings;
    if (pending != NULL) {
        virtual_world->free_pendings = pending->next;
        memset(pending, 0, sizeof *pending);
    } else {
        pending = virtual_must(heap_alloc(virtual_world->heap, sizeof *pending));
    }
    pending->world = virtual_world;
    pending->next = virtual_world->pendings;
    if (virtual_world->pendings != NULL) {
        virtual_world->pendings->previous = pending;
    }
    virtual_world->pendings = pending;
    return pending;
}

void virtual_pending_drop(struct pending *pending)
{
    struct virtual_world *virtual_world = pending->world;
    event_queue_remove(&virtual_world->queue, &pending->effect);
    event_queue_remove(&virtual_world->queue, &pending->arrival);
    if (pending->previous != NULL) {
        pending->previous->next = pending->next;
    } else {
        virtual_world->pendings = pending->next;
    }
    if (pending->next != NULL) {
        pending->next->previous = pending->previous;
    }
    pending->previous = NULL;
    pending->next = virtual_world->free_pendings;
    virtual_world->free_pendings = pending;
}

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

static void end_exchange(struct pending *pending)
{
    cloud_http_end(pending->world->options.cloud, pending->exchange);
    virtual_pending_drop(pending);
}

static void http_takes_effect(void *owner)
{
    struct pending *pending = owner;
    cloud_http_effect(pending->world->options.cloud, pending->world->now_ns, pending->exchange);
    if (pending->http == NULL) {
        end_exchange(pending); /* nobody waits for the reply any more */
    }
}

static void deliver_reply(struct http_exchange *http, const struct cloud_exchange *exchange)
{
    http->fate = exchange->fate;
    bool bytes_came = exchange->fate == FATE_DELIVERED || exchange->fate == FATE_TRUNCATED;
    if (!bytes_came) {
        return;
    }
    const struct buffer *body = &exchange->reply.body;
    const struct buffer *headers = &exchange->reply.headers;
    http->reply->status = exchange->reply.status;
    buffer_append(&http->reply->headers, buffer_text(headers), headers->length);
    (void)text_copy(http->reply->content_type, sizeof http->reply->content_type, exchange->reply.content_type);
    if (body->length > http->reply->body.limit) {
        http->fate = FATE_TOO_LARGE;
        return;
    }
    buffer_append(&http->reply->body, buffer_text(body), body->length);
    http->out_of_memory = http->reply->body.failed;
}

static void http_arrives(void *owner)
{
    struct pending *pending = owner;
    struct http_exchange *http = pending->http;
    if (http != NULL) {
        deliver_reply(http, pending->exchange);
        http->pending = NULL;
        completion_finish(&http->done);
    }
    end_exchange(pending);
}

void virtual_http_start(struct world *world, struct http_exchange *http)
{
    struct virtual_world *virtual_world = virtual_of(world);
    struct pending *pending = take_pending(virtual_world);
    http->ordinal = ++virtual_world->requests;
    pending->http = http;
    http->pending = pending;
    if (cloud_bucket_is_at(virtual_world->options.cloud, http->request->origin)) {
        virtual_bucket_start(pending);
        return;
    }
    if (virtual_receiver_is_at(http->request->origin)) {
        virtual_receiver_start(pending);
        return;
    }
    pending->exchange = virtual_must(
        cloud_http_begin(virtual_world->options.cloud, virtual_world->now_ns, http->request, http->ordinal));
    virtual_pending_event(pending, &pending->effect, pending->exchange->effect_ns, EVENT_CLASS_EFFECT,
                          http_takes_effect);
    virtual_pending_event(pending, &pending->arrival, pending->exchange->reply_ns, EVENT_CLASS_ARRIVAL, http_arrives);
}

/* What was sent may still take effect; only the reply finds nobody. */
static void forget_http(struct pending *pending)
{
    if (pending->bucket != NULL) {
        virtual_bucket_forget(pending);
        return;
    }
    if (pending->at_receiver) {
        virtual_receiver_forget(pending);
        return;
    }
    pending->http = NULL;
    if (pending->effect.place == 0) {
        end_exchange(pending);
    }
}

void virtual_http_abandon(struct world *world, struct http_exchange *http)
{
    (void)world;
    if (http->pending != NULL) {
        forget_http(http->pending);
        http->pending = NULL;
    }
}

/* ---- Shell -------------------------------------------------------------------------------------------------------------- */

static void shell_opened(void *owner)
{
    struct pending *pending = owner;
    struct shell_session *shell = pending->shell;
    struct virtual_world *virtual_world = pending->world;
    bool other_key = pending->session->fate == FATE_DELIVERED && pending->session->host_key_changed;
    shell->fate = other_key ? FATE_HOST_KEY_CHANGED : pending->session->fate;
    shell->pending = NULL;
    if (shell->fate == FATE_DELIVERED) {
        shell->channel = pending->session;
    } else {
        cloud_ssh_end(virtual_world->options.cloud, pending->session);
    }
    completion_finish(&shell->done);
    virtual_pending_drop(pending);
}

void virtual_shell_open(struct world *world, struct shell_session *shell)
{
    struct virtual_world *virtual_world = virtual_of(world);
    struct pending *pending = take_pending(virtual_world);
    pending->session = virtual_must(
        cloud_ssh_open(virtual_world->options.cloud, virtual_world->now_ns, shell->target->host, shell->target->port));
    pending->shell = shell;
    shell->pending = pending;
    shell->fate = pending->session->opened_ns == TIME_NEVER_NS ? pending->session->fate : FATE_DELIVERED;
    virtual_pending_event(pending, &pending->arrival, pending->session->opened_ns, EVENT_CLASS_ARRIVAL, shell_opened);
}

static void command_ends(void *owner);

static void command_takes_effect(void *owner)
{
    struct pending *pending = owner;
    cloud_ssh_effect(pending->world->options.cloud, pending->world->now_ns, pending->session);
    if (pending->shell == NULL) {
        cloud_ssh_end(pending->world->options.cloud, pending->session);
        virtual_pending_drop(pending);
    } else if (pending->session->done_ns != pending->arrival.due_ns) { /* it sleeps, or is put off, for ever even */
        pending->shell->fate = pending->session->done_ns == TIME_NEVER_NS ? FATE_SILENT : pending->shell->fate;
        event_queue_remove(&pending->world->queue, &pending->arrival);
        virtual_pending_event(pending, &pending->arrival, pending->session->done_ns, EVENT_CLASS_ARRIVAL, command_ends);
    }
}

/* Output beyond the receiver's limit is lost, what comes before it is not. */
static void append_what_fits(struct buffer *out, const struct buffer *sent)
{
    size_t room = out->limit - out->length;
    bool fits = sent->length <= room;
    buffer_append(out, buffer_text(sent), fits ? sent->length : room);
    out->failed = out->failed || !fits;
}

static void command_ends(void *owner)
{
    struct pending *pending = owner;
    struct shell_session *shell = pending->shell;
    struct cloud_session *session = pending->session;
    cloud_ssh_done(pending->world->options.cloud, pending->world->now_ns, session);
    shell->fate = session->command_fate;
    shell->exit_status = session->exit_status;
    shell->pending = NULL;
    append_what_fits(shell->out, &session->out);
    append_what_fits(shell->err, &session->err);
    completion_finish(&shell->done);
    virtual_pending_drop(pending);
}

void virtual_shell_run(struct world *world, struct shell_session *shell)
{
    struct virtual_world *virtual_world = virtual_of(world);
    struct pending *pending = take_pending(virtual_world);
    pending->session = shell->channel;
    pending->shell = shell;
    shell->pending = pending;
    bool sent = cloud_ssh_send(virtual_world->options.cloud, virtual_world->now_ns, pending->session, shell->command,
                               shell->input);
    assert(sent);
    virtual_pending_event(pending, &pending->effect, pending->session->effect_ns, EVENT_CLASS_EFFECT,
                          command_takes_effect);
    virtual_pending_event(pending, &pending->arrival, pending->session->done_ns, EVENT_CLASS_ARRIVAL, command_ends);
}

static void forget_shell(struct pending *pending)
{
    pending->shell = NULL;
    event_queue_remove(&pending->world->queue, &pending->arrival);
    if (pending->effect.place == 0) {
        cloud_ssh_end(pending->world->options.cloud, pending->session);
        virtual_pending_drop(pending);
    }
}

void virtual_shell_abandon(struct world *world, struct shell_session *shell)
{
    (void)world;
    if (shell->pending != NULL) {
        forget_shell(shell->pending);
        shell->pending = NULL;
        shell->channel = NULL;
    }
}

void virtual_shell_close(struct world *world, struct shell_session *shell)
{
    cloud_ssh_end(virtual_of(world)->options.cloud, shell->channel);
}

/* The cloud itself says when a key has changed: nothing is pinned here. */
void virtual_shell_forget(struct world *world, int64_t instance_id)
{
    (void)world;
    (void)instance_id;
}

/* ---- Store -------------------------------------------------------------------------------------------------------------- */

/* The first table that a statement on the events store names, and whether it changes anything there. */
static struct store_request request_of(enum store_statement statement)
{
    switch (statement) {
    case STORE_SUBSCRIBERS:
        return (struct store_request){"webhook_configs", false};
    case STORE_SUBSCRIBER_DISABLE:
        return (struct store_request){"webhook_configs", true};
    case STORE_EVENT_ADD:
        return (struct store_request){"lifecycle_events", true};
    case STORE_EVENTS_LIST:
        return (struct store_request){"lifecycle_events", false};
    case STORE_DELIVERY_ADD:
    case STORE_DELIVERY_CLAIM:
    case STORE_DELIVERY_SET:
    case STORE_DELIVERIES_BURY:
        return (struct store_request){"webhook_deliveries", true};
    default:
        return (struct store_request){"webhook_deliveries", false};
    }
}

static void lose_row(void *context, const struct store_value *columns, size_t count)
{
    (void)context;
    (void)columns;
    (void)count;
}

static void run_statement(struct memory_store *store, struct store_call *call)
{
    (void)memory_store_run(store, call->statement, call->values, call->value_count, call->row, call->row_context,
                           call->result);
}

/* What a fault does instead. */
static void fail_statement(struct memory_store *store, struct store_call *call, const struct store_request *request,
                           const struct store_verdict *verdict)
{
    if (verdict->words == NULL) {
        (void)memory_store_fail_table(store, request->table, verdict->sqlstate);
        run_statement(store, call);
        (void)memory_store_fail_table(store, request->table, NULL);
        return;
    }
    if (verdict->takes_effect) {
        (void)memory_store_run(store, call->statement, call->values, call->value_count, lose_row, NULL, call->result);
    }
    (void)store_result_set(call->result, verdict->sqlstate, verdict->words);
}

/* The statement is carried out; its change is in the machine's memory, not yet on its disk. */
static void statement_takes_effect(void *owner)
{
    struct pending *pending = owner;
    struct virtual_world *virtual_world = pending->world;
    struct store_call *call = pending->store;
    struct store_verdict verdict;
    if (call == NULL) {
        return;
    }
    struct store_request request = request_of(call->statement);
    bool for_ledger = store_statement_database(call->statement) == STORE_LEDGER; /* which no fault meets */
    if (for_ledger || !cloud_store_fault(virtual_world->options.cloud, virtual_world->now_ns, &request, &verdict)) {
        run_statement(virtual_world->options.store, call);
    } else if (verdict.silent) {
        pending->silent = true;
        event_queue_remove(&virtual_world->queue, &pending->arrival);
    } else {
        fail_statement(virtual_world->options.store, call, &request, &verdict);
    }
}

/* The disk has it. */
static void statement_ends(void *owner)
{
    struct pending *pending = owner;
    memory_store_sync(pending->world->options.store);
    if (pending->store != NULL) {
        pending->store->pending = NULL;
        completion_finish(&pending->store->done);
    }
    virtual_pending_drop(pending);
}

void virtual_store_start(struct world *world, struct store_call *call)
{
    struct virtual_world *virtual_world = virtual_of(world);
    struct pending *pending = take_pending(virtual_world);
    int64_t half_ns = virtual_world->options.store_latency_ns / 2;
    pending->store = call;
    call->pending = pending;
    virtual_pending_event(pending, &pending->effect, virtual_world->now_ns + half_ns, EVENT_CLASS_EFFECT,
                          statement_takes_effect);
    virtual_pending_event(pending, &pending->arrival, virtual_world->now_ns + virtual_world->options.store_latency_ns,
                          EVENT_CLASS_ARRIVAL, statement_ends);
}

/* A statement that was not yet carried out is withdrawn; one that was, is synced all the same. */
void virtual_store_abandon(struct world *world, struct store_call *call)
{
    (void)world;
    struct pending *pending = call->pending;
    if (pending != NULL) {
        pending->store = NULL;
        call->pending = NULL;
        if (pending->silent) {
            virtual_pending_drop(pending);
        }
    }
}

/* ---- The client is gone -------------------------------------------------------------------------------------------------- */

void virtual_wire_forget_client(struct virtual_world *virtual_world)
{
    struct pending *pending = virtual_world->pendings;
    while (pending != NULL) {
        struct pending *next = pending->next;
        if (pending->http != NULL) {
            forget_http(pending);
        } else if (pending->shell != NULL) {
            forget_shell(pending);
        } else if (pending->store != NULL) {
            virtual_pending_drop(pending);
        }
        pending = next;
    }
}

void virtual_wire_release(struct virtual_world *virtual_world)
{
    virtual_wire_forget_client(virtual_world);
    while (virtual_world->pendings != NULL) {
        struct pending *pending = virtual_world->pendings;
        if (pending->exchange != NULL) {
            cloud_http_end(virtual_world->options.cloud, pending->exchange);
        }
        if (pending->bucket != NULL) {
            cloud_bucket_end(virtual_world->options.cloud, virtual_world->now_ns, pending->bucket);
        }
        if (pending->session != NULL) {
            cloud_ssh_end(virtual_world->options.cloud, pending->session);
        }
        virtual_pending_drop(pending);
    }
    while (virtual_world->free_pendings != NULL) {
        struct pending *next = virtual_world->free_pendings->next;
        heap_release(virtual_world->heap, virtual_world->free_pendings);
        virtual_world->free_pendings = next;
    }
}
