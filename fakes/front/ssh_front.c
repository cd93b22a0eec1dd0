/* Machines: made when the market asks where they are reached, moved along by the plan and by what happens to them. */
#include "fakes/front/ssh_front.h"

#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "fakes/front/ssh_state.h"

struct ssh_front *ssh_front_new(const struct ssh_front_options *options)
{
    struct ssh_front *front = heap_alloc(options->heap, sizeof *front);
    if (front == NULL) {
        return NULL;
    }
    front->heap = options->heap;
    front->program = options->program == NULL ? ssh_modelled_program : options->program;
    front->program_context = options->program_context;
    front->keepalive_ns = options->keepalive_ns;
    return front;
}

void ssh_front_free(struct ssh_front *front)
{
    if (front != NULL) {
        heap_release(front->heap, front->machines);
        heap_release(front->heap, front);
    }
}

size_t ssh_front_peers(const struct ssh_front *front)
{
    return front->peer_count;
}

size_t ssh_front_programs(const struct ssh_front *front)
{
    return front->program_count;
}

uint64_t ssh_front_accepted(const struct ssh_front *front)
{
    return front->accepted;
}

/* ---- Machines ----------------------------------------------------------------------------------------------------------- */

static void forget_dirty(struct ssh_machine *machine)
{
    struct ssh_machine **place = &machine->front->dirty;
    while (*place != NULL && *place != machine) {
        place = &(*place)->next_dirty;
    }
    if (*place != NULL) {
        *place = machine->next_dirty;
    }
}

static void machine_free(struct ssh_machine *machine)
{
    struct ssh_front *front = machine->front;
    forget_dirty(machine);
    while (machine->peers != NULL) {
        peer_cut(machine->peers);
    }
    machine_unbind(machine);
    ssh_bind_free(machine->bind);
    front->machines[machine->contract] = NULL;
    heap_release(front->heap, machine);
}

static bool make_room(struct ssh_front *front, uint32_t contract)
{
    if (contract < front->machine_count) {
        return true;
    }
    size_t count = (size_t)contract + 1 + contract / 2;
    struct ssh_machine **machines = heap_resize(front->heap, front->machines, count * sizeof(struct ssh_machine *));
    if (machines == NULL) {
        return false;
    }
    for (size_t i = front->machine_count; i < count; i++) {
        machines[i] = NULL;
    }
    front->machines = machines;
    front->machine_count = count;
    return true;
}

/* A new machine is asked for its place. One of the same number is what is left of a create that failed. */
static void on_address(void *context, uint32_t contract, int64_t id, struct market_address *address)
{
    struct ssh_front *front = context;
    if (!make_room(front, contract)) {
        return; /* the derived place stands, and nobody is there */
    }
    if (front->machines[contract] != NULL) {
        machine_free(front->machines[contract]);
    }
    struct ssh_machine *machine = heap_alloc(front->heap, sizeof *machine);
    if (machine != NULL) {
        machine->front = front;
        machine->contract = contract;
        machine->claim = -1;
        front->machines[contract] = machine;
        machine_bind(machine, id, address);
    }
}

/* ---- What happens to them ----------------------------------------------------------------------------------------------- */

static void on_machine(void *context, uint32_t contract)
{
    struct ssh_front *front = context;
    struct ssh_machine *machine = contract < front->machine_count ? front->machines[contract] : NULL;
    if (machine != NULL && !machine->is_dirty) {
        machine->is_dirty = true;
        machine->next_dirty = front->dirty;
        front->dirty = machine;
    }
}

bool peer_may_stay(const struct peer *peer)
{
    enum ssh_stage stage = peer->machine->ports[peer->port].stage;
    return stage == SSH_STAGE_READY || stage == SSH_STAGE_KEY_DENIED;
}

static void cut_sessions(struct ssh_machine *machine)
{
    for (struct peer *peer = machine->peers, *next = NULL; peer != NULL; peer = next) {
        next = peer->next;
        if (peer->phase == PEER_OPEN && !peer_may_stay(peer)) {
            peer_cut(peer);
        }
    }
}

static void port_changes(void *owner);

static void follow_stage(struct machine_port *port)
{
    struct stage_server *stage = port->machine->front->stage;
    uint32_t contract = port->machine->contract;
    int64_t now_ns = stage_now_ns(stage);
    port_apply(port, cloud_ssh_stage(stage->cloud, now_ns, contract, port->which));
    stage_cancel(stage, &port->change);
    int64_t next_ns = cloud_ssh_next_stage_ns(stage->cloud, now_ns, contract, port->which);
    if (!stage_at(stage, &port->change, next_ns, EVENT_CLASS_EFFECT, port_changes, port)) {
        port_apply(port, SSH_STAGE_REFUSED); /* nobody would move it along */
    }
}

static void port_changes(void *owner)
{
    struct machine_port *port = owner;
    if (!port->machine->is_dirty) {
        follow_stage(port);
        cut_sessions(port->machine);
    }
}

static void settle(struct ssh_machine *machine)
{
    const struct market *market = cloud_market(machine->front->stage->cloud);
    struct contract_view view = {.exists = false};
    if (machine->contract < market_contract_count(market)) {
        market_contract(market, machine->contract, &view);
    }
    if (!view.exists) {
        machine_free(machine); /* destroyed, or of a cloud that was reset */
        return;
    }
    machine_forget_host_key(machine);
    for (size_t i = 0; i < SSH_PORT_COUNT; i++) {
        follow_stage(&machine->ports[i]);
    }
    cut_sessions(machine);
}

/* ---- The service -------------------------------------------------------------------------------------------------------- */

static struct ssh_front *front_of(struct stage_service *service)
{
    return (struct ssh_front *)service;
}

static enum error_code on_open(struct stage_service *service, struct stage_server *stage, struct error *error)
{
    struct ssh_front *front = front_of(service);
    (void)error;
    struct rlimit limit;
    bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX;
    front->descriptors_max = known ? (int)limit.rlim_cur : INT_MAX;
    front->stage = stage;
    stage->address = on_address;
    stage->machine = on_machine;
    stage->machine_context = front;
    return ERR_OK;
}

static void on_changed(struct stage_service *service)
{
    struct ssh_front *front = front_of(service);
    while (front->dirty != NULL) {
        struct ssh_machine *machine = front->dirty;
        front->dirty = machine->next_dirty;
        machine->is_dirty = false;
        settle(machine);
    }
}

static void on_close(struct stage_service *service)
{
    struct ssh_front *front = front_of(service);
    front->stage->address = NULL;
    front->stage->machine = NULL;
    front->dirty = NULL;
    for (size_t i = 0; i < front->machine_count; i++) {
        if (front->machines[i] != NULL) {
            machine_free(front->machines[i]);
        }
    }
    while (front->leaving != NULL) {
        peer_free(front->leaving);
    }
    front->stage = NULL;
}

struct stage_service *ssh_front_service(struct ssh_front *front)
{
    front->service = (struct stage_service){.name = "ssh", .open = on_open, .changed = on_changed, .close = on_close};
    return &front->service;
}
