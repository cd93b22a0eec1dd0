#include "fakes/front/stage_server.h"

/* That the files of one modelled machine may take of our memory: enough for a few large transfers. */
#define FILES_MOST_BYTES ((size_t)4 << 30)

static void ask_address(void *context, uint32_t contract, int64_t id, struct market_address *address)
{
    const struct stage_server *stage = context;
    if (stage->address != NULL) {
        stage->address(stage->machine_context, contract, id, address);
    }
}

static void tell_machine(void *context, uint32_t contract)
{
    struct stage_server *stage = context;
    stage->changed = true;
    if (stage->machine != NULL) {
        stage->machine(stage->machine_context, contract);
    }
}

enum error_code stage_open(struct stage_server *stage, const struct stage_options *options, struct error *error)
{
    struct cloud_options cloud = cloud_scenario_options(options->scenario, options->offers, 0, options->history);
    *stage = (struct stage_server){
        .heap = options->heap,
        .reactor = options->reactor,
        .clock = options->clock,
        .history = options->history,
        .scenario = options->scenario,
        .offers = options->offers,
        .ssh_public_key = options->ssh_public_key,
        .folder = options->folder,
        .alarm_ns = TIME_NEVER_NS,
    };
    (void)text_copy(stage->api_key, sizeof stage->api_key, options->api_key);
    (void)history_hide(options->history, stage->api_key);
    event_queue_init(&stage->events, options->heap);
    cloud.bucket.content = options->objects;
    cloud.content_limit = FILES_MOST_BYTES;
    cloud.api_key = stage->api_key;
    cloud.ssh_public_key = stage->ssh_public_key;
    cloud.address = ask_address;
    cloud.address_context = stage;
    cloud.machine = tell_machine;
    cloud.machine_context = stage;
    stage->cloud = cloud_new(options->heap, &cloud);
    return stage->cloud == NULL ? error_set(error, ERR_NO_MEMORY, "no memory for the cloud") : ERR_OK;
}

bool stage_reset(struct stage_server *stage)
{
    for (struct stage_service *service = stage->services; service != NULL; service = service->next) {
        if (service->reset != NULL) {
            service->reset(service);
        }
    }
    stage->changed = true;
    return cloud_reset(stage->cloud, stage->now_ns);
}

enum error_code stage_add_service(struct stage_server *stage, struct stage_service *service, struct error *error)
{
    enum error_code code = service->open(service, stage, error);
    if (code == ERR_OK) {
        service->next = stage->services;
        stage->services = service;
    }
    return code;
}

void stage_close(struct stage_server *stage)
{
    if (stage->cloud == NULL) {
        return;
    }
    while (stage->services != NULL) {
        struct stage_service *service = stage->services;
        stage->services = service->next;
        service->close(service);
    }
    reactor_disarm(stage->reactor, &stage->alarm);
    event_queue_release(&stage->events);
    cloud_free(stage->cloud);
    stage->cloud = NULL;
}

int64_t stage_now_ns(const struct stage_server *stage)
{
    return stage->now_ns;
}

static void move_to(struct stage_server *stage, int64_t now_ns)
{
    stage->now_ns = now_ns > stage->now_ns ? now_ns : stage->now_ns;
}

/* The next of what happens by itself and what was queued; what happens by itself comes first. False when nothing is due by then. */
static bool happen_next(struct stage_server *stage, int64_t by_ns)
{
    struct event *event = event_queue_next(&stage->events);
    int64_t change_ns = cloud_next_change_ns(stage->cloud);
    if (change_ns <= by_ns && (event == NULL || change_ns <= event->due_ns)) {
        move_to(stage, change_ns);
        cloud_advance(stage->cloud, stage->now_ns);
        stage->changed = true;
        return true;
    }
    if (event == NULL || event->due_ns > by_ns) {
        return false;
    }
    move_to(stage, event->due_ns);
    event_queue_remove(&stage->events, event);
    event->happen(event->owner);
    return true;
}

int64_t stage_catch_up(struct stage_server *stage)
{
    int64_t by_ns = clock_page_now_ns(stage->clock);
    while (happen_next(stage, by_ns)) {
    }
    move_to(stage, by_ns);
    return stage->now_ns;
}

bool stage_at(struct stage_server *stage, struct event *event, int64_t due_ns, enum event_class class,
              void (*happen)(void *owner), void *owner)
{
    if (due_ns == TIME_NEVER_NS) {
        return true;
    }
    *event = (struct event){.due_ns = due_ns, .class = class, .happen = happen, .owner = owner};
    return event_queue_add(&stage->events, event);
}

void stage_cancel(struct stage_server *stage, struct event *event)
{
    event_queue_remove(&stage->events, event);
}

void stage_note_change(struct stage_server *stage)
{
    stage->changed = true;
}

static void alarm_rings(void *owner)
{
    struct stage_server *stage = owner;
    stage->alarm_ns = TIME_NEVER_NS;
    (void)stage_catch_up(stage);
}

static void tell_services(struct stage_server *stage)
{
    stage->changed = false;
    for (struct stage_service *service = stage->services; service != NULL; service = service->next) {
        if (service->changed != NULL) {
            service->changed(service);
        }
    }
}

void stage_prepare(struct stage_server *stage)
{
    if (stage->changed) {
        tell_services(stage);
    }
    const struct event *event = event_queue_next(&stage->events);
    int64_t due_ns = cloud_next_change_ns(stage->cloud);
    if (event != NULL && event->due_ns < due_ns) {
        due_ns = event->due_ns;
    }
    if (due_ns == TIME_NEVER_NS) {
        reactor_disarm(stage->reactor, &stage->alarm);
    } else if (due_ns != stage->alarm_ns &&
               !reactor_arm(stage->reactor, &stage->alarm, REACTOR_STAGE, due_ns, alarm_rings, stage)) {
        due_ns = TIME_NEVER_NS; /* without memory: tried again next time round */
    }
    stage->alarm_ns = due_ns;
}
