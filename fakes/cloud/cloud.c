#include "fakes/cloud/cloud.h"

#include <string.h>

#include "base/json_write.h"
#include "fakes/cloud/state.h"

/* ---- History ------------------------------------------------------------------------------------------------------------ */

void cloud_note_begin(struct cloud_note *note)
{
    buffer_init_fixed(&note->ids_buffer, note->ids_storage, sizeof note->ids_storage);
    buffer_init_fixed(&note->data_buffer, note->data_storage, sizeof note->data_storage);
    json_writer_init(&note->ids, &note->ids_buffer, 0);
    json_writer_init(&note->data, &note->data_buffer, 0);
    json_begin_object(&note->ids);
    json_begin_object(&note->data);
}

void cloud_note_end(struct cloud *cloud, struct cloud_note *note, int64_t now_ns, const char *actor, const char *kind)
{
    json_end_object(&note->ids);
    json_end_object(&note->data);
    struct span ids = {note->ids_buffer.data, note->ids_buffer.length};
    struct span data = {note->data_buffer.data, note->data_buffer.length};
    if (note->data_buffer.failed) {
        data = span_of("{\"cut\":true}");
    }
    history_add(cloud->options.history, now_ns, HISTORY_CLOUD, actor, kind, ids, data);
}

static void note_fault_notice(void *context, int64_t now_ns, const char *fault_id, bool on)
{
    struct cloud *cloud = context;
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_string(&note.data, "fault", fault_id);
    cloud_note_end(cloud, &note, now_ns, "injector", on ? "fault.on" : "fault.off");
}

static void note_bill(struct cloud *cloud, const struct market_event *event)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "instance", event->contract_id);
    json_member_string(&note.data, "component", event->component);
    bool is_traffic = strcmp(event->component, "download") == 0 || strcmp(event->component, "upload") == 0;
    json_member_int(&note.data, is_traffic ? "quantity_bytes" : "quantity_us",
                    is_traffic ? event->quantity_ns : event->quantity_ns / NS_PER_US);
    json_member_int(&note.data, "amount_nusd", event->amount_nusd);
    json_member_int(&note.data, "credit_nusd", event->credit_nusd);
    cloud_note_end(cloud, &note, event->at_ns, "market", "inst.bill");
}

static void note_state(struct cloud *cloud, const struct market_event *event)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "instance", event->contract_id);
    json_member_string(&note.data, "state",
                       event->kind == MARKET_DESTROYED ? "destroyed" : actual_status_text(event->status));
    if (event->kind == MARKET_CREATED) {
        struct contract_view view;
        market_contract(cloud->market, event->contract, &view);
        json_member_string(&note.data, "label", view.label);
    }
    cloud_note_end(cloud, &note, event->at_ns, "market", "inst.state");
}

static void on_market_event(void *context, const struct market_event *event)
{
    struct cloud *cloud = context;
    if (event->kind == MARKET_CREATED) {
        injector_contract(cloud->injector, event->contract, event->contract_id);
    }
    switch (event->kind) {
    case MARKET_CREATED:
    case MARKET_STATUS:
    case MARKET_DESTROYED:
        note_state(cloud, event);
        break;
    case MARKET_BILLED:
        note_bill(cloud, event);
        break;
    case MARKET_RECYCLED:
        cloud_machine_recycle(cloud, event->contract);
        break;
    case MARKET_CREDIT_OUT:
        return; /* the stops that follow from it are told one by one */
    }
    if (event->kind == MARKET_STATUS && event->status == ACTUAL_REBOOTING) {
        cloud_machine_reboot(cloud, event->at_ns, event->contract);
    }
    if (event->kind != MARKET_BILLED) {
        cloud_ssh_machine_changed(cloud, event->contract, event->kind == MARKET_DESTROYED);
    }
}

static void ask_address(void *context, uint32_t contract, int64_t id, struct market_address *address)
{
    struct cloud *cloud = context;
    cloud->options.address(cloud->options.address_context, contract, id, address);
}

/* ---- Life --------------------------------------------------------------------------------------------------------------- */

static void draw_timeline(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out)
{
    struct cloud *cloud = context;
    timing_timeline(cloud->options.timing, cloud->draw, contract, out);
    injector_timeline(cloud->injector, now_ns, contract, out);
}

struct market *cloud_make_market(struct cloud *cloud)
{
    const struct cloud_options *options = &cloud->options;
    struct market_options market = {
        .seed = options->seed,
        .run = options->run,
        .epoch = options->epoch,
        .api_key = options->api_key,
        .ssh_public_key = options->ssh_public_key == NULL ? "" : options->ssh_public_key,
        .credit_nusd = options->credit_nusd,
        .limit_ignored = options->limit_ignored,
        .first_contract_id = options->first_contract_id,
        .ssh_host = options->ssh_host,
        .ssh_port = options->ssh_port,
        .origin = options->origin,
        .offers = options->offers,
        .timeline = draw_timeline,
        .address = options->address == NULL ? NULL : ask_address,
        .event = on_market_event,
        .output = cloud_machine_output,
        .context = cloud,
    };
    market_switches_defaults(&market.switches);
    if (options->switches != NULL) {
        market.switches = *options->switches;
    }
    return market_new(cloud->heap, &market);
}

struct injector *cloud_make_injector(struct cloud *cloud)
{
    const struct cloud_options *options = &cloud->options;
    return injector_new(cloud->heap, options->faults, options->seed, options->run, note_fault_notice, cloud);
}

struct cloud *cloud_new(struct heap *heap, const struct cloud_options *options)
{
    struct cloud *cloud = heap_alloc(heap, sizeof *cloud);
    if (cloud == NULL) {
        return NULL;
    }
    cloud->heap = heap;
    cloud->options = *options;
    cloud->draw = (struct timing_draw){options->seed, options->run};
    cloud->market = cloud_make_market(cloud);
    cloud->injector = cloud_make_injector(cloud);
    if (cloud->market == NULL || cloud->injector == NULL) {
        cloud_free(cloud);
        return NULL;
    }
    return cloud;
}

void cloud_free(struct cloud *cloud)
{
    if (cloud == NULL) {
        return;
    }
    while (cloud->free_exchanges != NULL) {
        struct cloud_exchange *exchange = cloud->free_exchanges;
        cloud->free_exchanges = exchange->next_free;
        buffer_release(&exchange->reply.body);
        buffer_release(&exchange->reply.headers);
        cloud_request_release(&exchange->sent);
        heap_release(cloud->heap, exchange);
    }
    cloud_ssh_release(cloud);
    cloud_bucket_release(cloud);
    injector_free(cloud->injector);
    market_free(cloud->market);
    heap_release(cloud->heap, cloud);
}

const struct market *cloud_market(const struct cloud *cloud)
{
    return cloud->market;
}

int64_t cloud_next_change_ns(const struct cloud *cloud)
{
    return market_next_change_ns(cloud->market);
}

void cloud_advance(struct cloud *cloud, int64_t now_ns)
{
    market_advance(cloud->market, now_ns);
}

void cloud_bill(struct cloud *cloud, int64_t now_ns)
{
    market_bill(cloud->market, now_ns);
    if (cloud->bucket != NULL) {
        bucket_bill(cloud->bucket, now_ns);
    }
}

bool cloud_receiver_fault(struct cloud *cloud, int64_t now_ns, struct receiver_verdict *verdict)
{
    return injector_receiver(cloud->injector, now_ns, verdict);
}

bool cloud_store_fault(struct cloud *cloud, int64_t now_ns, const struct store_request *request,
                       struct store_verdict *verdict)
{
    return injector_store(cloud->injector, now_ns, request, verdict);
}

/* ---- HTTP --------------------------------------------------------------------------------------------------------------- */

void cloud_make_spare(struct buffer *buffer)
{
    buffer_clear(buffer);
    if (buffer->capacity > CLOUD_SPARE_MAX) {
        buffer_release(buffer);
    }
}

static struct cloud_exchange *take_exchange(struct cloud *cloud)
{
    struct cloud_exchange *exchange = cloud->free_exchanges;
    if (exchange != NULL) {
        cloud->free_exchanges = exchange->next_free;
    } else {
        exchange = heap_alloc(cloud->heap, sizeof *exchange);
        if (exchange == NULL) {
            return NULL;
        }
        buffer_init(&exchange->reply.body, cloud->heap, CLOUD_REPLY_MAX);
        buffer_init(&exchange->reply.headers, cloud->heap, CLOUD_HEADERS_MAX);
        cloud_request_init(&exchange->sent, cloud->heap, CLOUD_REQUEST_MAX);
    }
    buffer_clear(&exchange->reply.body);
    buffer_clear(&exchange->reply.headers);
    return exchange;
}

void cloud_http_end(struct cloud *cloud, struct cloud_exchange *exchange)
{
    cloud_make_spare(&exchange->reply.body);
    cloud_make_spare(&exchange->sent.body);
    exchange->next_free = cloud->free_exchanges;
    cloud->free_exchanges = exchange;
}

/* Puts the moments and the fate into the exchange, by the latency and the verdict. */
static void schedule(struct cloud_exchange *exchange, int64_t now_ns, int64_t latency_ns, int64_t effect_after_ns,
                     int64_t refused_ns)
{
    const struct http_verdict *verdict = &exchange->verdict;
    exchange->effect_ns = now_ns + effect_after_ns;
    exchange->reply_ns = now_ns + latency_ns + verdict->extra_delay_ns;
    exchange->fate = verdict->fate_after;
    exchange->drip_ns = verdict->drip_ns;
    exchange->drip_from_ns = exchange->reply_ns;
    if (verdict->fate_before != FATE_DELIVERED) {
        exchange->fate = verdict->fate_before;
        exchange->reply_ns = now_ns + refused_ns;
    }
    if (verdict->fate_before != FATE_DELIVERED || verdict->answered || verdict->pretended) {
        exchange->effect_ns = TIME_NEVER_NS;
    }
    if (exchange->fate == FATE_SILENT) {
        exchange->reply_ns = TIME_NEVER_NS;
    }
}

struct cloud_exchange *cloud_http_begin(struct cloud *cloud, int64_t now_ns, const struct http_request *request,
                                        uint64_t ordinal)
{
    struct cloud_exchange *exchange = take_exchange(cloud);
    if (exchange == NULL) {
        return NULL;
    }
    if (!cloud_request_copy(&exchange->sent, request)) {
        cloud_http_end(cloud, exchange);
        return NULL;
    }
    int64_t id;
    exchange->ordinal = ordinal;
    exchange->call = api_call_of(request->method, request->path, &id);
    exchange->verdict = (struct http_verdict){0};
    exchange->reply.status = 0;
    exchange->reply.content_type[0] = '\0';
    injector_http(cloud->injector, now_ns, exchange->call, id, &exchange->verdict, &exchange->reply);
    int64_t effect_after_ns;
    int64_t latency_ns = timing_latency_ns(cloud->options.timing, cloud->draw, exchange->call,
                                           cloud->calls[exchange->call]++, &effect_after_ns);
    schedule(exchange, now_ns, latency_ns, effect_after_ns, cloud->options.timing->refused_ns);
    return exchange;
}

/* A create may be refused and make a contract all the same. */
static void note_effect(struct cloud *cloud, int64_t now_ns, const struct cloud_exchange *exchange, bool created)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "req", (int64_t)exchange->ordinal);
    json_member_string(&note.data, "call", api_call_name(exchange->call));
    json_member_int(&note.data, "status", exchange->reply.status);
    json_member_bool(&note.data, "committed",
                     created || (market_call_changes(exchange->call) && exchange->reply.status == 200));
    cloud_note_end(cloud, &note, now_ns, "market", "cloud.effect");
}

/* At least one byte is missing, if there is one. */
static void cut(struct buffer *body, int64_t at)
{
    if (body->length > 0) {
        size_t most = body->length - 1;
        body->length = at >= 0 && (size_t)at < most ? (size_t)at : most;
        body->data[body->length] = '\0';
    }
}

void cloud_http_effect(struct cloud *cloud, int64_t now_ns, struct cloud_exchange *exchange)
{
    size_t contracts = market_contract_count(cloud->market);
    market_handle(cloud->market, now_ns, &exchange->sent.request, &exchange->reply);
    note_effect(cloud, now_ns, exchange, market_contract_count(cloud->market) > contracts);
    if (exchange->verdict.rewrites != 0) {
        injector_rewrite(cloud->injector, now_ns, &exchange->verdict, exchange->call, &exchange->reply);
    }
    exchange->whole_bytes = exchange->reply.body.length;
    if (exchange->fate == FATE_TRUNCATED) {
        cut(&exchange->reply.body, exchange->verdict.cut_at);
    }
}
