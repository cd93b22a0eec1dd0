#include "fakes/front/sandbox_machines.h"

#include <string.h>

#include "fakes/front/sandbox.h"

struct machine {
    int64_t id;          /* of its contract; a number may be another's after a reset */
    uint32_t containers; /* that it has had: recycling makes another disk */
    struct sandbox *sandbox;
    enum host_gpu_state gpu_state;
};

struct sandbox_machines {
    struct stage_service service;
    struct heap *heap;
    struct stage_server *stage;
    struct machine *rows; /* by contract */
    size_t count;
    char program[SANDBOX_PATH_SIZE];
    struct event load_change; /* when some machine's GPUs do something else */
};

enum error_code sandbox_machines_new(struct heap *heap, struct sandbox_machines **out, struct error *error)
{
    struct sandbox_machines *machines = heap_alloc(heap, sizeof *machines);
    if (machines == NULL) {
        return error_set(error, ERR_NO_MEMORY, "no memory for sandboxed hosts");
    }
    machines->heap = heap;
    enum error_code code = sandbox_find_program(machines->program, error);
    code = code == ERR_OK ? sandbox_probe(machines->program, error) : code;
    if (code != ERR_OK) {
        heap_release(heap, machines);
        return code;
    }
    *out = machines;
    return ERR_OK;
}

void sandbox_machines_free(struct sandbox_machines *machines)
{
    if (machines != NULL) {
        heap_release(machines->heap, machines->rows);
        heap_release(machines->heap, machines);
    }
}

/* ---- lives ---- */

static void end_machine(struct machine *machine)
{
    sandbox_free(machine->sandbox);
    *machine = (struct machine){.sandbox = NULL};
}

static bool make_room(struct sandbox_machines *machines, size_t count)
{
    if (count <= machines->count) {
        return true;
    }
    struct machine *rows = heap_resize(machines->heap, machines->rows, count * sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    memset(rows + machines->count, 0, (count - machines->count) * sizeof *rows);
    machines->rows = rows;
    machines->count = count;
    return true;
}

/* Whether its processes run: the container is up, and so is the host that it is on. */
static bool is_up(struct sandbox_machines *machines, const struct contract_view *view)
{
    struct stage_server *stage = machines->stage;
    enum ssh_stage port = cloud_ssh_stage(stage->cloud, stage_now_ns(stage), view->contract, SSH_PORT_DIRECT);
    bool container = view->status == ACTUAL_RUNNING || view->status == ACTUAL_FROZEN ||
                     view->status == ACTUAL_UNKNOWN || view->status == ACTUAL_OFFLINE;
    return container && port != SSH_STAGE_UNREACHABLE;
}

static struct sandbox *make_sandbox(struct sandbox_machines *machines, const struct contract_view *view)
{
    const struct cloud *cloud = machines->stage->cloud;
    const char *onstart = market_contract_onstart(cloud_market(cloud), view->contract);
    struct sandbox_options options = {.heap = machines->heap,
                                      .reactor = machines->stage->reactor,
                                      .program = machines->program,
                                      .onstart = onstart[0] == '\0' ? NULL : onstart};
    cloud_machine_facts(cloud, view->contract, &options.machine.facts);
    sandbox_bounds_defaults(&options.machine);
    return sandbox_new(&options);
}

static void tell_load(struct sandbox_machines *machines, uint32_t contract)
{
    const struct stage_server *stage = machines->stage;
    struct host_gpu_load load;
    cloud_machine_gpu_load(stage->cloud, stage_now_ns(stage), contract, &load);
    if (machines->rows[contract].sandbox != NULL) {
        sandbox_set_gpu(machines->rows[contract].sandbox, &load, machines->rows[contract].gpu_state);
    }
}

static void load_changes(void *owner);

/* The next moment at which the GPUs of some machine do something else. */
static void wait_for_load(struct sandbox_machines *machines)
{
    struct stage_server *stage = machines->stage;
    int64_t next_ns = TIME_NEVER_NS;
    for (size_t i = 0; i < machines->count; i++) {
        if (machines->rows[i].sandbox != NULL) {
            int64_t change_ns = cloud_machine_next_gpu_load_ns(stage->cloud, stage_now_ns(stage), (uint32_t)i);
            next_ns = change_ns < next_ns ? change_ns : next_ns;
        }
    }
    stage_cancel(stage, &machines->load_change);
    (void)!stage_at(stage, &machines->load_change, next_ns, EVENT_CLASS_EFFECT, load_changes, machines);
}

static void load_changes(void *owner)
{
    struct sandbox_machines *machines = owner;
    for (size_t i = 0; i < machines->count; i++) {
        tell_load(machines, (uint32_t)i);
    }
    wait_for_load(machines);
}

static void settle(struct sandbox_machines *machines, const struct contract_view *view)
{
    struct machine *machine = &machines->rows[view->contract];
    uint32_t containers = cloud_machine_containers(machines->stage->cloud, view->contract);
    if (machine->sandbox != NULL && (machine->id != view->id || !view->exists || machine->containers != containers)) {
        end_machine(machine);
    }
    bool up = view->exists && is_up(machines, view);
    if (up && machine->sandbox == NULL && view->status == ACTUAL_RUNNING) {
        *machine = (struct machine){view->id, containers, make_sandbox(machines, view),
                                    view->offer->num_gpus > 0 ? HOST_GPU_READY : HOST_GPU_NONE};
        tell_load(machines, view->contract);
    }
    if (machine->sandbox == NULL) {
        return;
    }
    if (!up && view->status == ACTUAL_REBOOTING) {
        sandbox_reboot(machine->sandbox);
    } else if (!up) {
        sandbox_stop(machine->sandbox);
    } else if (view->status == ACTUAL_RUNNING) {
        (void)!sandbox_start(machine->sandbox); /* without descriptors it is tried again at the next change */
    }
}

void sandbox_machines_set_gpu_state(struct sandbox_machines *machines, uint32_t contract, enum host_gpu_state state)
{
    if (contract < machines->count && machines->rows[contract].sandbox != NULL) {
        machines->rows[contract].gpu_state = state;
        tell_load(machines, contract);
    }
}

struct sandbox *sandbox_machines_running(struct sandbox_machines *machines, uint32_t contract)
{
    struct sandbox *sandbox = contract < machines->count ? machines->rows[contract].sandbox : NULL;
    return sandbox != NULL && sandbox_is_running(sandbox) ? sandbox : NULL;
}

/* ---- the service ---- */

static struct sandbox_machines *machines_of(struct stage_service *service)
{
    return (struct sandbox_machines *)service;
}

static enum error_code on_open(struct stage_service *service, struct stage_server *stage, struct error *error)
{
    (void)error;
    machines_of(service)->stage = stage;
    return ERR_OK;
}

static void on_changed(struct stage_service *service)
{
    struct sandbox_machines *machines = machines_of(service);
    const struct market *market = cloud_market(machines->stage->cloud);
    size_t count = market_contract_count(market);
    for (size_t i = count; i < machines->count; i++) {
        end_machine(&machines->rows[i]); /* the cloud was reset */
    }
    if (!make_room(machines, count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct contract_view view;
        market_contract(market, i, &view);
        if (view.exists || machines->rows[i].sandbox != NULL) {
            settle(machines, &view);
        }
    }
    wait_for_load(machines);
}

static void on_close(struct stage_service *service)
{
    struct sandbox_machines *machines = machines_of(service);
    for (size_t i = 0; i < machines->count; i++) {
        end_machine(&machines->rows[i]);
    }
    stage_cancel(machines->stage, &machines->load_change);
    machines->stage = NULL;
}

struct stage_service *sandbox_machines_service(struct sandbox_machines *machines)
{
    machines->service =
        (struct stage_service){.name = "sandbox", .open = on_open, .changed = on_changed, .close = on_close};
    return &machines->service;
}
