#include <string.h>

#include "fakes/cloud/state.h"

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
        session->life = cloud->life;
        return session;
    }
    session = heap_alloc(cloud->heap, sizeof *session);
    if (session != NULL) {
        session->life = cloud->life;
        buffer_init(&session->out, cloud->heap, CLOUD_OUTPUT_MAX);
        buffer_init(&session->err, cloud->heap, CLOUD_OUTPUT_MAX);
        buffer_init(&session->command, cloud->heap, CLOUD_REQUEST_MAX);
        buffer_init(&session->input, cloud->heap, CLOUD_OUTPUT_MAX);
    }
    return session;
}

void cloud_ssh_end(struct cloud *cloud, struct cloud_session *session)
{
    cloud_make_spare(&session->out);
    cloud_make_spare(&session->err);
    cloud_make_spare(&session->command);
    cloud_make_spare(&session->input);
    session->next_free = cloud->free_sessions;
    cloud->free_sessions = session;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------ */

/* The machine whose proxy or direct port that is; false when nobody's. */
static bool find_machine(const struct cloud *cloud, const char *host, int64_t port, uint32_t *contract,
                         enum ssh_port *way)
{
    for (size_t i = market_contract_count(cloud->market); i-- > 0;) {
        struct contract_view view;
        market_contract(cloud->market, i, &view);
        bool proxy = view.ssh_port == port && strcmp(view.ssh_host, host) == 0;
        bool direct = view.direct_port != 0 && view.direct_port == port && strcmp(view.public_ipaddr, host) == 0;
        if (view.exists && (proxy || direct)) {
            *contract = view.contract;
            *way = proxy ? SSH_PORT_PROXY : SSH_PORT_DIRECT;
            return true;
        }
    }
    return false;
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
    case SSH_STAGE_RESETS:
        session->fate = FATE_RESET;
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

/* An sshd is up: what befalls a connection to it, and whether its key is that of the last one. */
static void meet_sshd(struct cloud *cloud, int64_t now_ns, struct cloud_host *slot, struct cloud_session *session)
{
    struct connect_verdict verdict;
    injector_connect(cloud->injector, now_ns, (uint32_t)session->contract, &verdict);
    if (verdict.other_host_key) {
        slot->rotations++;
        cloud_ssh_machine_changed(cloud, (uint32_t)session->contract, false);
    }
    session->host_key_changed = slot->was_met && slot->met_rotations != slot->rotations;
    if (verdict.closes) {
        session->fate = FATE_CLOSED_EARLY;
        session->opened_ns = now_ns + cloud->options.timing->refused_ns;
    } else if (!slot->was_met) {
        slot->was_met = true; /* a careful client stays with the key that it saw first */
        slot->met_rotations = slot->rotations;
    }
}

struct cloud_session *cloud_ssh_open(struct cloud *cloud, int64_t now_ns, const char *host, int64_t port)
{
    uint32_t contract;
    enum ssh_port way;
    cloud_advance(cloud, now_ns);
    if (find_machine(cloud, host, port, &contract, &way)) {
        return cloud_ssh_connect(cloud, now_ns, contract, way);
    }
    struct cloud_session *session = take_session(cloud);
    if (session != NULL) {
        open_by_stage(cloud, now_ns, SSH_STAGE_REFUSED, 0, session);
    }
    return session;
}

struct cloud_session *cloud_ssh_connect(struct cloud *cloud, int64_t now_ns, uint32_t contract, enum ssh_port port)
{
    struct cloud_host *slot = cloud_machine_slot(cloud, contract);
    struct cloud_session *session = slot == NULL ? NULL : take_session(cloud);
    if (session == NULL) {
        return NULL;
    }
    cloud_advance(cloud, now_ns);
    struct contract_view view;
    market_contract(cloud->market, contract, &view);
    int64_t connect_ns;
    int64_t command_ns;
    timing_ssh_session_ns(cloud->options.timing, cloud->draw, view.contract, slot->commands, &connect_ns, &command_ns);
    enum ssh_stage stage = cloud_machine_stage(cloud, now_ns, &view, port);
    session->contract = view.contract;
    session->port = port;
    session->host_key_changed = false;
    note_stage(cloud, now_ns, view.id, stage);
    open_by_stage(cloud, now_ns, stage, connect_ns, session);
    if (stage == SSH_STAGE_READY || stage == SSH_STAGE_KEY_DENIED) {
        meet_sshd(cloud, now_ns, slot, session);
    }
    return session;
}

struct cloud_session *cloud_ssh_beside(struct cloud *cloud, const struct cloud_session *session)
{
    struct cloud_session *beside = take_session(cloud);
    if (beside != NULL) {
        beside->contract = session->contract;
        beside->port = session->port;
        beside->life = session->life;
        beside->opened_ns = session->opened_ns;
        beside->fate = session->fate;
    }
    return beside;
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------- */

bool cloud_ssh_reads_input(const struct cloud *cloud, struct span command)
{
    return host_reads_input(cloud->heap, command);
}

bool cloud_ssh_send(struct cloud *cloud, int64_t now_ns, struct cloud_session *session, struct span command,
                    struct span input)
{
    buffer_clear(&session->command);
    buffer_clear(&session->input);
    buffer_clear(&session->out);
    buffer_clear(&session->err);
    buffer_append(&session->command, command.at, command.length);
    buffer_append(&session->input, input.at, input.length);
    struct cloud_host *slot = cloud_machine_slot(cloud, session->contract);
    if (slot == NULL || session->life != cloud->life || session->command.failed || session->input.failed) {
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
    session->vanishes = false;
    return true;
}

static void note_command(struct cloud *cloud, int64_t now_ns, int64_t instance_id, struct span command, int exit_status)
{
    struct cloud_note note;
    cloud_note_begin(&note);
    json_member_int(&note.ids, "instance", instance_id);
    json_key(&note.data, "command");
    json_span(&note.data, command);
    json_member_int(&note.data, "exit_status", exit_status);
    cloud_note_end(cloud, &note, now_ns, "host", "host.exec");
}

/* What befalls the machine before the command runs. */
static void befall(struct cloud *cloud, int64_t now_ns, int64_t id, struct host *host,
                   const struct command_verdict *verdict)
{
    if (verdict->disk_used_bytes >= 0) {
        host_set_disk_used(host, verdict->disk_used_bytes);
    }
    if (verdict->gpu_changes) {
        host_set_gpu_state(host, verdict->gpu_state);
    }
    if (verdict->clock_ahead_ns != 0) {
        host_set_clock_ahead(host, verdict->clock_ahead_ns);
    }
    if (verdict->reboots) {
        (void)market_reboot(cloud->market, now_ns, id);
    }
}

/* The second half of what a command wrote is from another moment. */
static void tear(struct buffer *out)
{
    for (size_t i = out->length / 2; i < out->length; i++) {
        out->data[i] = (char)(out->data[i] ^ 1);
    }
}

static void run_on_host(struct cloud *cloud, int64_t now_ns, struct host *host, struct cloud_session *session,
                        const struct command_verdict *verdict)
{
    struct wall_time wall = {cloud->options.epoch.unix_ns + now_ns};
    struct host_gpu_load load;
    cloud_machine_gpu_load(cloud, now_ns, (uint32_t)session->contract, &load);
    host_set_gpu_load(host, &load);
    if (verdict->noise != NULL) {
        buffer_append_text(verdict->noise_on_out ? &session->out : &session->err, verdict->noise);
    }
    session->exit_status =
        host_run(host, wall, (struct span){buffer_text(&session->command), session->command.length},
                 (struct span){buffer_text(&session->input), session->input.length}, &session->out, &session->err);
    if (verdict->torn) {
        tear(&session->out);
    }
    if (verdict->failure != NULL) {
        buffer_append_text(&session->err, verdict->failure);
        session->exit_status = verdict->failure_status;
    }
}

/* When its end arrives, if that is later than planned. */
static void put_off(struct cloud_session *session, int64_t now_ns, const struct host *host,
                    const struct command_verdict *verdict)
{
    session->vanishes = verdict->vanishes;
    session->done_ns = saturating_add(session->done_ns, host_slept_ns(host));
    if (verdict->vanishes || host_hangs(host)) {
        session->done_ns = TIME_NEVER_NS;
    } else if (verdict->bytes_per_s > 0) {
        int64_t bytes = (int64_t)(session->input.length + session->out.length + session->err.length);
        int64_t arrived_ns = saturating_add(now_ns, scale_rounded(bytes, NS_PER_S, verdict->bytes_per_s));
        session->done_ns = arrived_ns > session->done_ns ? arrived_ns : session->done_ns;
    }
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
    if (session->life != cloud->life) {
        break_command(session);
        return;
    }
    struct contract_view view;
    market_contract(cloud->market, session->contract, &view);
    if (cloud_machine_stage(cloud, now_ns, &view, session->port) != SSH_STAGE_READY) {
        break_command(session);
        return;
    }
    struct host *host = cloud_machine_host(cloud, &view);
    if (host == NULL) {
        break_command(session);
        return;
    }
    struct command_verdict verdict;
    injector_command(cloud->injector, now_ns, view.contract,
                     (struct span){buffer_text(&session->command), session->command.length}, &verdict);
    befall(cloud, now_ns, view.id, host, &verdict);
    if (verdict.reboots) {
        break_command(session);
        return;
    }
    run_on_host(cloud, now_ns, host, session, &verdict);
    put_off(session, now_ns, host, &verdict);
    note_command(cloud, now_ns, view.id, (struct span){buffer_text(&session->command), session->command.length},
                 session->exit_status);
    if (verdict.dropped) {
        break_command(session);
        if ((uint64_t)verdict.drop_after_bytes < session->out.length) {
            session->out.length = (size_t)verdict.drop_after_bytes;
        }
    }
}

/* The machine's inside, while it can be reached. */
static struct host *reach(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session)
{
    if (session->life != cloud->life) {
        return NULL;
    }
    cloud_advance(cloud, now_ns);
    struct contract_view view;
    market_contract(cloud->market, session->contract, &view);
    bool reached = cloud_machine_stage(cloud, now_ns, &view, session->port) == SSH_STAGE_READY;
    return reached ? cloud_machine_host(cloud, &view) : NULL;
}

/* ---- For whoever runs commands himself ------------------------------------------------------------------------------------- */

bool cloud_ssh_files(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session, struct host_files *out)
{
    struct host *host = reach(cloud, now_ns, session);
    if (host == NULL) {
        return false;
    }
    host_hold(host);
    *out = (struct host_files){host, {cloud->options.epoch.unix_ns + now_ns}};
    return true;
}

bool cloud_ssh_verdict(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session, struct span command,
                       struct command_verdict *verdict)
{
    struct host *host = reach(cloud, now_ns, session);
    if (host == NULL) {
        return false;
    }
    struct contract_view view;
    market_contract(cloud->market, session->contract, &view);
    injector_command(cloud->injector, now_ns, view.contract, command, verdict);
    befall(cloud, now_ns, view.id, host, verdict);
    return true;
}

void cloud_ssh_ran(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session, struct span command,
                   int exit_status)
{
    if (session->life == cloud->life) {
        struct contract_view view;
        market_contract(cloud->market, session->contract, &view);
        note_command(cloud, now_ns, view.id, command, exit_status);
    }
}

void cloud_ssh_done(struct cloud *cloud, int64_t now_ns, struct cloud_session *session)
{
    if (session->command_fate == FATE_DELIVERED && reach(cloud, now_ns, session) == NULL) {
        break_command(session);
        buffer_clear(&session->out);
        buffer_clear(&session->err);
    }
}

/* ---- Shells ------------------------------------------------------------------------------------------------------------- */

bool cloud_ssh_line(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                    struct host_session *shell, struct span line, struct buffer *out, struct buffer *err)
{
    struct host *host = reach(cloud, now_ns, session);
    if (host == NULL) {
        return false;
    }
    struct wall_time wall = {cloud->options.epoch.unix_ns + now_ns};
    struct host_gpu_load load;
    cloud_machine_gpu_load(cloud, now_ns, (uint32_t)session->contract, &load);
    host_set_gpu_load(host, &load);
    (void)host_run_line(host, wall, shell, line, out, err);
    return true;
}

void cloud_ssh_prompt(struct cloud *cloud, int64_t now_ns, const struct cloud_session *session,
                      const struct host_session *shell, struct buffer *out)
{
    const struct host *host = reach(cloud, now_ns, session);
    if (host != NULL) {
        host_write_prompt(host, shell, out);
    }
}
