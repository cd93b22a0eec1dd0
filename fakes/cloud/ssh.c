#include <string.h>

#include "fakes/cloud/state.h"

enum { IMAGE_BYTES = 1200 * 1000 * 1000 }; /* what a CUDA base image takes of the rented disk; assumed */

void cloud_ssh_release(struct cloud *cloud)
{
    for (size_t i = 0; i < cloud->host_count; i++) {
        host_free(cloud->hosts[i].host);
    }
    heap_release(cloud->heap, cloud->hosts);
    while (cloud->free_sessions != NULL) {
        struct cloud_session *session = cloud->free_sessions;
        cloud->free_sessions = session->next_free;
        buffer_release(&session->out);
        buffer_release(&session->err);
        buffer_release(&session->command);
        buffer_release(&session->input);
        heap_release(cloud->heap, session);
    }
}

static struct cloud_session *take_session(struct cloud *cloud)
{
    struct cloud_session *session = cloud->free_sessions;
    if (session != NULL) {
        cloud->free_sessions = session->next_free;
        return session;
    }
    session = heap_alloc(cloud->heap, sizeof *session);
    if (session != NULL) {
        buffer_init(&session->out, cloud->heap, CLOUD_OUTPUT_MAX);
        buffer_init(&session->err, cloud->heap, CLOUD_OUTPUT_MAX);
        buffer_init(&session->command, cloud->heap, CLOUD_REQUEST_MAX);
        buffer_init(&session->input, cloud->heap, CLOUD_OUTPUT_MAX);
    }
    return session;
}

void cloud_ssh_end(struct cloud *cloud, struct cloud_session *session)
{
    session->next_free = cloud->free_sessions;
    cloud->free_sessions = session;
}

/* ---- Hosts -------------------------------------------------------------------------------------------------------------- */

/* The slot of a contract's host; NULL when memory is gone. */
static struct cloud_host *host_slot(struct cloud *cloud, size_t contract)
{
    if (contract >= CLOUD_HOSTS_MAX) {
        return NULL;
    }
    if (contract >= cloud->host_count) {
        size_t count = contract + 1;
        struct cloud_host *hosts = heap_resize(cloud->heap, cloud->hosts, count * sizeof *hosts);
        if (hosts == NULL) {
            return NULL;
        }
        memset(hosts + cloud->host_count, 0, (count - cloud->host_count) * sizeof *hosts);
        cloud->hosts = hosts;
        cloud->host_count = count;
    }
    return &cloud->hosts[contract];
}

static struct host *make_host(struct cloud *cloud, const struct contract_view *view)
{
    struct host_facts facts = {
        .instance_id = view->id,
        .seed = cloud->options.seed ^ (uint64_t)view->id,
        .num_gpus = (int32_t)view->offer->num_gpus,
        .gpu_ram_mib = view->offer->gpu_ram_mib,
        .cpu_cores = (int32_t)view->offer->cpu_cores,
        .ram_mib = view->offer->cpu_ram_mib,
        .disk_bytes = view->disk_mgb * 1000 * 1000,
        .disk_used_bytes = IMAGE_BYTES,
    };
    (void)text_copy(facts.gpu_name, sizeof facts.gpu_name, view->offer->gpu_name);
    (void)text_copy(facts.driver_version, sizeof facts.driver_version, view->offer->driver_version);
    (void)text_format(facts.cuda_version, sizeof facts.cuda_version, "%lld.%lld",
                      (long long)(view->offer->cuda_max_good_milli / 1000),
                      (long long)(view->offer->cuda_max_good_milli / 100 % 10));
    (void)text_copy(facts.image, sizeof facts.image, view->image);
    (void)text_copy(facts.public_ipaddr, sizeof facts.public_ipaddr, view->public_ipaddr);
    return host_new(cloud->heap, &facts);
}

void cloud_ssh_recycle(struct cloud *cloud, size_t contract)
{
    if (contract < cloud->host_count) {
        host_free(cloud->hosts[contract].host);
        cloud->hosts[contract].host = NULL;
    }
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

/* The machine whose proxy or direct port that is; false when nobody's. */
static bool find_machine(const struct cloud *cloud, const char *host, int64_t port, struct contract_view *view)
{
    for (size_t i = market_contract_count(cloud->market); i-- > 0;) {
        market_contract(cloud->market, i, view);
        bool proxy = view->ssh_port == port && strcmp(view->ssh_host, host) == 0;
        bool direct = view->direct_port != 0 && view->direct_port == port && strcmp(view->public_ipaddr, host) == 0;
        if (view->exists && (proxy || direct)) {
            return true;
        }
    }
    return false;
}

/* What its port does now: the timeline rules while the container runs, else nothing listens. */
static enum ssh_stage stage_now(const struct cloud *cloud, int64_t now_ns, const struct contract_view *view)
{
    (void)now_ns;
    return market_ssh_stage(cloud->market, view->contract);
}

static void note_stage(struct cloud *cloud, int64_t now_ns, int64_t instance_id, enum ssh_stage stage)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_string(&note.data, "stage", ssh_stage_name(stage));
    cloud_note_end(cloud, &note, now_ns, "host", "ssh.stage");
}

static void open_by_stage(struct cloud *cloud, int64_t now_ns, enum ssh_stage stage, int64_t connect_ns,
                          struct cloud_session *session)
{
    switch (stage) {
    case SSH_STAGE_REFUSED:
    case SSH_STAGE_COUNT:
        session->fate = FATE_REFUSED;
        session->opened_ns = now_ns + cloud->options.timing->refused_ns;
        break;
    case SSH_STAGE_CLOSES:
        session->fate = FATE_CLOSED_EARLY;
        session->opened_ns = now_ns + cloud->options.timing->refused_ns;
        break;
    case SSH_STAGE_SILENT:
        session->fate = FATE_BANNER_SILENT;
        session->opened_ns = TIME_NEVER_NS;
        break;
    case SSH_STAGE_UNREACHABLE:
        session->fate = FATE_DELIVERED;
        session->opened_ns = TIME_NEVER_NS;
        break;
    case SSH_STAGE_KEY_DENIED:
        session->fate = FATE_KEY_DENIED;
        session->opened_ns = now_ns + connect_ns;
        break;
    case SSH_STAGE_READY:
        session->fate = FATE_DELIVERED;
        session->opened_ns = now_ns + connect_ns;
        break;
    }
}

struct cloud_session *cloud_ssh_open(struct cloud *cloud, int64_t now_ns, const char *host, int64_t port)
{
    struct cloud_session *session = take_session(cloud);
    if (session == NULL) {
        return NULL;
    }
    cloud_advance(cloud, now_ns);
    struct contract_view view;
    if (!find_machine(cloud, host, port, &view)) {
        open_by_stage(cloud, now_ns, SSH_STAGE_REFUSED, 0, session);
        return session;
    }
    struct cloud_host *slot = host_slot(cloud, view.contract);
    if (slot == NULL) {
        cloud_ssh_end(cloud, session);
        return NULL;
    }
    int64_t connect_ns;
    int64_t command_ns;
    timing_ssh_session_ns(cloud->options.timing, cloud->draw, view.contract, slot->commands, &connect_ns, &command_ns);
    enum ssh_stage stage = stage_now(cloud, now_ns, &view);
    session->contract = view.contract;
    note_stage(cloud, now_ns, view.id, stage);
    open_by_stage(cloud, now_ns, stage, connect_ns, session);
    return session;
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------- */

bool cloud_ssh_send(struct cloud *cloud, int64_t now_ns, struct cloud_session *session, struct span command,
                    struct span input)
{
    buffer_clear(&session->command);
    buffer_clear(&session->input);
    buffer_clear(&session->out);
    buffer_clear(&session->err);
    buffer_append(&session->command, command.at, command.length);
    buffer_append(&session->input, input.at, input.length);
    struct cloud_host *slot = host_slot(cloud, session->contract);
    if (slot == NULL || session->command.failed || session->input.failed) {
        return false;
    }
    int64_t connect_ns;
    int64_t command_ns;
    timing_ssh_session_ns(cloud->options.timing, cloud->draw, (uint32_t)session->contract, slot->commands, &connect_ns,
                          &command_ns);
    slot->commands++;
    session->effect_ns = now_ns + scale_rounded(command_ns, cloud->options.timing->effect_permille, 1000);
    session->done_ns = now_ns + command_ns;
    session->command_fate = FATE_DELIVERED;
    return true;
}

static void note_command(struct cloud *cloud, int64_t now_ns, int64_t instance_id, const struct cloud_session *session)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_member_string(&note.data, "command", buffer_text(&session->command));
    json_member_int(&note.data, "exit_status", session->exit_status);
    cloud_note_end(cloud, &note, now_ns, "host", "host.exec");
}

static void run_on_host(struct cloud *cloud, int64_t now_ns, struct cloud_host *slot, struct cloud_session *session,
                        const struct command_verdict *verdict)
{
    struct wall_time wall = {cloud->options.epoch.unix_ns + now_ns};
    if (verdict->disk_used_bytes >= 0) {
        host_set_disk_used(slot->host, verdict->disk_used_bytes);
    }
    session->exit_status =
        host_run(slot->host, wall, (struct span){buffer_text(&session->command), session->command.length},
                 (struct span){buffer_text(&session->input), session->input.length}, &session->out, &session->err);
}

/* The machine vanished or stopped while the command was on its way. */
static void break_command(struct cloud_session *session)
{
    session->command_fate = FATE_DROPPED;
    session->exit_status = -1;
}

void cloud_ssh_effect(struct cloud *cloud, int64_t now_ns, struct cloud_session *session)
{
    cloud_advance(cloud, now_ns);
    struct contract_view view;
    market_contract(cloud->market, session->contract, &view);
    struct cloud_host *slot = &cloud->hosts[session->contract];
    if (!view.exists || stage_now(cloud, now_ns, &view) != SSH_STAGE_READY) {
        break_command(session);
        return;
    }
    if (slot->host == NULL) {
        slot->host = make_host(cloud, &view);
    }
    if (slot->host == NULL) {
        break_command(session);
        return;
    }
    struct command_verdict verdict = {.disk_used_bytes = -1};
    injector_command(cloud->injector, now_ns, view.contract, &verdict);
    run_on_host(cloud, now_ns, slot, session, &verdict);
    note_command(cloud, now_ns, view.id, session);
    if (verdict.dropped) {
        break_command(session);
        if ((uint64_t)verdict.drop_after_bytes < session->out.length) {
            session->out.length = (size_t)verdict.drop_after_bytes;
        }
    }
}
