#include "report/report_reader.h"

#include <string.h>

#include "base/units.h"
#include "report/report_parts.h"

static const char PATH_CREATE[] = "/api/v0/asks/";
static const char PATH_INSTANCE[] = "/api/v0/instances/";

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static int64_t middle(int64_t a, int64_t b)
{
    return a + (b - a) / 2;
}

static struct report_phase *open_phase(struct report *report)
{
    for (size_t i = report->phase_count; i > 0; i--) {
        if (!report->phases[i - 1].finished) {
            return &report->phases[i - 1];
        }
    }
    return NULL;
}

static struct report_machine *machine_by_id(struct report *report, int64_t id)
{
    for (size_t i = 0; i < report->machine_count; i++) {
        if (report->machines[i].id == id) {
            return &report->machines[i];
        }
    }
    return NULL;
}

static void take_start(struct report_reader *reader)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    report_reader_init(reader); /* a history may hold several runs: the last one counts */
    reader->events = 1;
    report->start_us = reader->now_us;
    (void)text_copy(report->journey, sizeof report->journey, facts->journey.text);
    (void)text_copy(report->version, sizeof report->version, facts->version.text);
    (void)text_copy(report->world, sizeof report->world, facts->world.text);
    (void)text_copy(report->scenario, sizeof report->scenario, facts->scenario.text);
    (void)text_copy(report->timing, sizeof report->timing, facts->timing.text);
    clean_copy(report->boot_from, sizeof report->boot_from, facts->timing_from.boot.text);
    clean_copy(report->ssh_from, sizeof report->ssh_from, facts->timing_from.ssh.text);
    report->seed = facts->seed;
    report->speed = facts->speed;
    report->started_unix_us = facts->started_unix_us;
    report->options = facts->options.value;
}

static void take_phase_start(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (report->phase_count == REPORT_PHASES_MAX) {
        report->phases_lost++;
        return;
    }
    struct report_phase *phase = &report->phases[report->phase_count++];
    phase->start_us = reader->now_us;
    phase->extra = bool_or(reader->facts.extra, false);
    clean_copy(phase->name, sizeof phase->name, reader->facts.name.text);
}

static void take_phase_end(struct report_reader *reader)
{
    struct report *report = reader->report;
    for (size_t i = report->phase_count; i > 0; i--) {
        struct report_phase *phase = &report->phases[i - 1];
        if (!phase->finished && same(phase->name, reader->facts.name.text)) {
            phase->finished = true;
            phase->duration_us = reader->now_us - phase->start_us;
            clean_copy(phase->outcome, sizeof phase->outcome, reader->facts.outcome.text);
            return;
        }
    }
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The number behind `prefix` in a path; -1 when there is none. */
static int64_t id_in_path(const char *path, const char *prefix)
{
    const char *digits = path + strlen(prefix);
    int64_t id;
    return json_number_int64((struct span){digits, strspn(digits, "0123456789")}, &id) ? id : -1;
}

static void take_request(struct report_reader *reader)
{
    const char *method = reader->facts.method.text;
    const char *path = reader->facts.path.text;
    struct report_request *request = &reader->requests[reader->next_request++ % REPORT_REQUESTS_MAX];
    *request = (struct report_request){
        .waiting = true, .req = int64_or(reader->facts.req, -1), .sent_us = reader->now_us, .instance = -1};
    reader->report->http_requests++;
    if (same(method, "PUT") && begins_with(path, PATH_CREATE)) {
        request->kind = REQUEST_CREATE;
        reader->create.open = true;
        reader->create.known = true;
        reader->create.moment_us = reader->now_us;
    } else if (begins_with(path, PATH_INSTANCE) && (same(method, "GET") || same(method, "DELETE"))) {
        request->kind = same(method, "GET") ? REQUEST_SHOW : REQUEST_DESTROY;
        request->instance = id_in_path(path, PATH_INSTANCE);
    }
}

static void take_create_answer(struct report_reader *reader, const struct report_request *request, int64_t status)
{
    if (status >= 200 && status < 300) {
        reader->create.moment_us = middle(request->sent_us, reader->now_us);
    }
    if (status >= 400 && status < 500) {
        reader->create.open = false;
    }
}

static void take_destroy_answer(struct report_reader *reader, const struct report_request *request, int64_t status)
{
    struct report_machine *machine = machine_by_id(reader->report, request->instance);
    if (machine != NULL && !machine->gone && status >= 200 && status < 300) {
        machine->deleted = true;
        machine->deleted_us = middle(request->sent_us, reader->now_us);
    }
}

static void take_show_answer(struct report_reader *reader, const struct report_request *request, int64_t status)
{
    const struct report_phase *phase = open_phase(reader->report);
    if (status == 200 && phase != NULL && same(phase->name, PHASE_WAIT_RUNNING)) {
        reader->report->status_get_count++;
        reader->report->status_get_total_us =
            saturating_add(reader->report->status_get_total_us, reader->now_us - request->sent_us);
    }
}

static void take_answer(struct report_reader *reader)
{
    int64_t req = int64_or(reader->facts.req, -1);
    int64_t status = int64_or(reader->facts.status, 0);
    bool failed = reader->facts.error.presence == PRESENT || status >= 400;
    reader->report->http_failures += failed ? 1 : 0;
    for (size_t i = 0; i < REPORT_REQUESTS_MAX; i++) {
        struct report_request *request = &reader->requests[i];
        if (!request->waiting || request->req != req) {
            continue;
        }
        request->waiting = false;
        switch (request->kind) {
        case REQUEST_CREATE:
            take_create_answer(reader, request, status);
            break;
        case REQUEST_DESTROY:
            take_destroy_answer(reader, request, status);
            break;
        case REQUEST_SHOW:
            take_show_answer(reader, request, status);
            break;
        case REQUEST_OTHER:
            break;
        }
        return;
    }
}

static void take_search(struct report_reader *reader)
{
    reader->report->offers_found = reader->facts.found;
    reader->report->offers_fitting = reader->facts.fitting;
}

static void take_bound(struct report_reader *reader)
{
    const struct facts *facts = &reader->facts;
    reader->report->budget.known = true;
    reader->report->budget.longest_us = facts->longest_us;
    reader->report->budget.worst_nusd = facts->worst_nusd;
    reader->report->budget.cap_nusd = facts->budget_nusd;
}

static void take_offer(struct report_reader *reader)
{
    const struct facts *facts = &reader->facts;
    struct report_offer *offer = &reader->report->offer;
    *offer = (struct report_offer){
        .known = true,
        .id = facts->offer,
        .machine_id = facts->machine,
        .num_gpus = facts->num_gpus,
        .gpu_ram_mib = facts->gpu_ram_mib,
        .price_nusd_per_hour = facts->price_nusd_per_hour,
        .storage_nusd_per_gb_month = facts->storage_nusd_per_gb_month,
        .reliability_millionths = facts->reliability_millionths,
    };
    clean_copy(offer->gpu_name, sizeof offer->gpu_name, facts->gpu_name.text);
    clean_copy(offer->geolocation, sizeof offer->geolocation, facts->geolocation.text);
    clean_copy(offer->driver_version, sizeof offer->driver_version, facts->driver_version.text);
}

static void take_created(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (reader->facts.instance.presence != PRESENT) {
        return;
    }
    int64_t id = reader->facts.instance.value;
    report->instance.known = true;
    report->instance.id = id;
    report->instance.ssh_port = (struct maybe_int64){.presence = ABSENT};
    report->instance.ssh_host[0] = '\0';
    (void)text_copy(report->instance.label, sizeof report->instance.label, reader->facts.label.text);
    int64_t moment_us = reader->create.known ? reader->create.moment_us : reader->now_us;
    reader->create.open = false;
    reader->create.known = false;
    if (machine_by_id(report, id) != NULL) {
        return;
    }
    if (report->machine_count == REPORT_MACHINES_MAX) {
        report->machines_lost++;
        return;
    }
    struct report_machine *machine = &report->machines[report->machine_count++];
    *machine = (struct report_machine){
        .id = id,
        .price_nusd_per_hour = int64_or(report->offer.price_nusd_per_hour, 0),
        .disk_nusd_per_hour = report_disk_price(report->offer.storage_nusd_per_gb_month, report->options.disk_gb),
        .created_us = moment_us,
        .last_not_running_us = moment_us,
        .last_seen_us = moment_us,
    };
    (void)text_copy(machine->label, sizeof machine->label, reader->facts.label.text);
    (void)text_copy(machine->gpu_name, sizeof machine->gpu_name, report->offer.gpu_name);
}

/* Running began between two observations; the uptime says where, else the middle is taken. */
static void note_running(struct report_reader *reader, struct report_machine *machine)
{
    machine->ran = true;
    machine->running_exact = reader->facts.uptime_us.presence == PRESENT;
    if (!machine->running_exact) {
        machine->running_us = middle(machine->last_not_running_us, reader->now_us);
        return;
    }
    int64_t began_us = saturating_subtract(reader->now_us, reader->facts.uptime_us.value);
    began_us = began_us > reader->now_us ? reader->now_us : began_us;
    machine->running_us = began_us < machine->last_not_running_us ? machine->last_not_running_us : began_us;
}

static void note_status(struct report_reader *reader, struct report_machine *machine)
{
    const struct facts *facts = &reader->facts;
    bool running = facts->actual_status.presence == PRESENT && same(facts->actual_status.text, "running");
    if (running && !machine->ran) {
        note_running(reader, machine);
    } else if (!running && !machine->ran) {
        machine->last_not_running_us = reader->now_us;
    } else if (!running && !machine->stopped && facts->actual_status.presence == PRESENT) {
        machine->stopped = true;
        machine->stopped_us = middle(machine->last_seen_us, reader->now_us);
    }
}

static void note_poll(struct report_reader *reader, bool gone)
{
    struct report *report = reader->report;
    const struct report_phase *phase = open_phase(report);
    if (phase == NULL || !same(phase->name, PHASE_WAIT_RUNNING)) {
        return;
    }
    if (report->poll_count == REPORT_POLLS_MAX) {
        report->polls_lost++;
        return;
    }
    struct report_poll *poll = &report->polls[report->poll_count++];
    poll->phase = (size_t)(phase - report->phases);
    poll->at_us = reader->now_us - phase->start_us;
    poll->gone = gone;
    poll->is_null = !gone && reader->facts.actual_status.presence != PRESENT;
    clean_copy(poll->actual_status, sizeof poll->actual_status, reader->facts.actual_status.text);
}

static void note_sighting(struct report_reader *reader, bool gone)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    if (facts->instance.presence != PRESENT) {
        return;
    }
    size_t at = 0;
    while (at < report->sighting_count && report->sightings[at].id != facts->instance.value) {
        at++;
    }
    if (at == REPORT_SIGHTINGS_MAX) {
        report->sightings_lost++;
        return;
    }
    report->sighting_count += at == report->sighting_count ? 1 : 0;
    struct report_sighting *sighting = &report->sightings[at];
    sighting->id = facts->instance.value;
    sighting->looks++;
    sighting->at_us = reader->now_us;
    sighting->gone = gone;
    sighting->is_null = !gone && facts->actual_status.presence != PRESENT;
    clean_copy(sighting->actual_status, sizeof sighting->actual_status, facts->actual_status.text);
}

static void take_seen(struct report_reader *reader)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    bool gone = bool_or(facts->gone, false);
    note_poll(reader, gone);
    note_sighting(reader, gone);
    if (report->instance.known && report->instance.id == int64_or(facts->instance, -1) && !gone) {
        if (facts->ssh_host.presence == PRESENT) {
            (void)text_copy(report->instance.ssh_host, sizeof report->instance.ssh_host, facts->ssh_host.text);
        }
        report->instance.ssh_port = facts->ssh_port.presence == PRESENT ? facts->ssh_port : report->instance.ssh_port;
    }
    struct report_machine *machine = machine_by_id(report, int64_or(facts->instance, -1));
    if (machine == NULL || machine->gone) {
        return;
    }
    if (gone) {
        machine->gone = true;
        machine->gone_us = reader->now_us;
    } else {
        note_status(reader, machine);
    }
    machine->last_seen_us = reader->now_us;
}

static void take_ssh_open(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (report->session_count == REPORT_SESSIONS_MAX) {
        report->sessions_lost++;
        return;
    }
    const struct report_phase *phase = open_phase(report);
    struct report_session *session = &report->sessions[report->session_count++];
    session->ssh = int64_or(reader->facts.ssh, -1);
    session->phase = phase == NULL ? REPORT_PHASES_MAX : (size_t)(phase - report->phases);
    session->at_us = reader->now_us;
}

static void take_ssh_exec(struct report_reader *reader)
{
    struct report_phase *phase = open_phase(reader->report);
    if (phase != NULL) {
        phase->ssh_commands++;
    }
}

static void take_ssh_close(struct report_reader *reader)
{
    struct report *report = reader->report;
    for (size_t i = report->session_count; i > 0; i--) {
        struct report_session *session = &report->sessions[i - 1];
        if (!session->finished && session->ssh == int64_or(reader->facts.ssh, -1)) {
            session->finished = true;
            session->duration_us = reader->now_us - session->at_us;
            clean_copy(session->outcome, sizeof session->outcome, reader->facts.outcome.text);
            return;
        }
    }
}

static void take_gpu(struct report_reader *reader)
{
    struct report *report = reader->report;
    report->gpu.known = true;
    report->gpu.memory_total_mib = reader->facts.memory_total_mib;
    clean_copy(report->gpu.name, sizeof report->gpu.name, reader->facts.name.text);
    clean_copy(report->gpu.driver_version, sizeof report->gpu.driver_version, reader->facts.driver_version.text);
}

static void take_validation(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (report->validation_count == REPORT_VALIDATIONS_MAX) {
        report->validations_lost++;
        return;
    }
    size_t at = report->validation_count++;
    report->validations[at].passed = bool_or(reader->facts.passed, false);
    clean_copy(report->validations[at].name, sizeof report->validations[at].name, reader->facts.name.text);
}

static void take_account(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (reader->facts.credit_nusd.presence != PRESENT) {
        return;
    }
    if (report->account.seen++ == 0) {
        report->account.before_nusd = reader->facts.credit_nusd.value;
    }
    report->account.after_nusd = reader->facts.credit_nusd.value;
}

static void take_ledger(struct report_reader *reader)
{
    (void)text_copy(reader->create.label, sizeof reader->create.label, reader->facts.label.text);
}

static void take_decision(struct report_reader *reader)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    if (report->decision_count == REPORT_DECISIONS_MAX) {
        report->decisions_lost++;
        return;
    }
    struct report_decision *decision = &report->decisions[report->decision_count++];
    decision->at_us = reader->now_us;
    decision->instance = facts->instance;
    (void)text_copy(decision->what, sizeof decision->what, facts->what.text);
    (void)text_copy(decision->why, sizeof decision->why, facts->why.text);
    (void)text_copy(decision->label, sizeof decision->label, facts->label.text);
}

static void take_fault(struct report_reader *reader)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    for (size_t i = 0; i < report->fault_count; i++) {
        if (same(report->faults[i].id, facts->fault.text)) {
            report->faults[i].count++;
            return;
        }
    }
    if (report->fault_count == REPORT_FAULTS_MAX) {
        report->faults_lost++;
        return;
    }
    struct report_fault *fault = &report->faults[report->fault_count++];
    fault->count = 1;
    (void)text_copy(fault->id, sizeof fault->id, facts->fault.text);
    (void)text_copy(fault->text, sizeof fault->text, facts->text.text);
}

static void take_emitted(struct report_reader *reader)
{
    reader->report->events_emitted++;
}

static void take_undelivered(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (report->events_undelivered++ == 0) {
        clean_copy(report->undelivered_error, sizeof report->undelivered_error, reader->facts.error.code);
        clean_copy(report->undelivered_sqlstate, sizeof report->undelivered_sqlstate, reader->facts.sqlstate.text);
    }
}

static void take_spooled(struct report_reader *reader)
{
    take_undelivered(reader);
    reader->report->events_spooled++;
}

/* One that had waited in the spool is no longer undelivered. */
static void take_stored(struct report_reader *reader)
{
    struct report *report = reader->report;
    if (reader->facts.waited.presence == PRESENT && reader->facts.waited.value && report->events_spooled > 0) {
        report->events_undelivered--;
        report->events_spooled--;
    }
}

static void take_log(struct report_reader *reader)
{
    const char *level = reader->facts.level.text;
    if (same(level, "warning") || same(level, "error")) {
        report_add_issue(reader->report, reader->facts.text.text, 1);
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void take_report(struct report_reader *reader)
{
    struct report *report = reader->report;
    const struct facts *facts = &reader->facts;
    report->outcome = same(facts->outcome.text, "done") ? "done" : "failed";
    report->exit_status = int64_or(facts->exit_status, report->exit_status);
    report->error.known = facts->error.presence == PRESENT;
    if (report->error.known) {
        (void)text_copy(report->error.code, sizeof report->error.code, facts->error.code);
        (void)text_copy(report->error.retry_class, sizeof report->error.retry_class, facts->error.retry_class);
        (void)text_copy(report->error.message, sizeof report->error.message, facts->error.message);
        (void)text_copy(report->error.next_step, sizeof report->error.next_step, facts->error.next_step);
    }
    report->events_emitted = larger(report->events_emitted, int64_or(facts->events_emitted, 0));
    report->events_undelivered = int64_or(facts->events_undelivered, report->events_undelivered);
    report->events_spooled = int64_or(facts->events_spooled, report->events_spooled);
    report->left_count = facts->machines_left.count;
    report->left_lost = facts->machines_left.lost;
    memcpy(report->left, facts->machines_left.rows, sizeof report->left);
}

static void take_exit(struct report_reader *reader)
{
    reader->report->exit_status = int64_or(reader->facts.exit_status, reader->report->exit_status);
}

static void take_kill(struct report_reader *reader)
{
    reader->killed = true;
}

static const struct {
    const char *kind;
    void (*take)(struct report_reader *reader);
} KINDS[] = {
    {"client.start", take_start},     {"phase.start", take_phase_start},
    {"phase.end", take_phase_end},    {"http.req", take_request},
    {"http.resp", take_answer},       {"search.result", take_search},
    {"offer.chosen", take_offer},     {"inst.created", take_created},
    {"inst.seen", take_seen},         {"ssh.open", take_ssh_open},
    {"ssh.exec", take_ssh_exec},      {"ssh.close", take_ssh_close},
    {"gpu.info", take_gpu},           {"validation", take_validation},
    {"account.seen", take_account},   {"ledger.write", take_ledger},
    {"client.decide", take_decision}, {"fault.seen", take_fault},
    {"event.emitted", take_emitted},  {"event.undelivered", take_undelivered},
    {"event.spooled", take_spooled},  {"event.stored", take_stored},
    {"log.line", take_log},           {"client.report", take_report},
    {"client.exit", take_exit},       {"client.kill", take_kill},
    {"offer.bound", take_bound},
};

void report_reader_init(struct report_reader *reader)
{
    memset(reader->report, 0, sizeof *reader->report); /* too large for a literal on a task's stack */
    reader->report->exit_status = -1;
    reader->events = 0;
    reader->killed = false;
    memset(reader->requests, 0, sizeof reader->requests);
    memset(&reader->create, 0, sizeof reader->create);
}

void report_reader_take(struct report_reader *reader, const struct history_event *event)
{
    if (reader->events++ == 0) {
        reader->report->start_us = event->t_us;
    }
    /* A history is in order; should it not be, time stands still rather than running backwards. */
    reader->now_us = larger(reader->now_us, event->t_us);
    for (size_t i = 0; i < ARRAY_LENGTH(KINDS); i++) {
        if (same(event->kind, KINDS[i].kind)) {
            facts_read(event, &reader->facts);
            KINDS[i].take(reader);
            break;
        }
    }
    reader->report->end_us = reader->now_us;
}
