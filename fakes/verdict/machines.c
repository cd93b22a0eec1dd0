/* Machines: what the client may believe of each, as far as can be seen from outside, and what is so. */
#include "fakes/verdict/judge.h"

enum { POLLS_AFTER_GONE_ALLOWED = 1 }; /* who asks once more to be sure is careful */

static bool is_destroy(size_t call)
{
    return call == (size_t)API_DESTROY || call == (size_t)API_DESTROY_MANY;
}

static bool is_list(size_t call)
{
    return call == (size_t)API_LIST || call == (size_t)API_LIST_V0;
}

/* What was seen of the client's dealings with one machine. */
struct dealings {
    bool listed;          /* a list was read since it exists */
    bool destroy_done;    /* a destruction was answered with success */
    bool read_back;       /* something was read that shows that it is gone */
    int64_t gone_told_ns; /* when that was in hand */
    uint64_t last_destroy;
};

static void take_show(struct verdict_machine *machine, struct dealings *dealings, const struct verdict_request *request,
                      const struct judge_fact *fact)
{
    if (request->sent_ns < machine->view->destroyed_ns) {
        return;
    }
    if (dealings->read_back && request->sent_ns >= dealings->gone_told_ns) {
        machine->polls_after_gone++;
    }
    if (!dealings->read_back && (fact->success || (!fact->failed && request->status == 404))) {
        dealings->read_back = true;
        dealings->gone_told_ns = request->answered_ns;
    }
}

static void take_list(const struct verdict_machine *machine, struct dealings *dealings,
                      const struct verdict_request *request, const struct judge_fact *fact)
{
    if (!fact->success || request->sent_ns < machine->view->created_ns) {
        return;
    }
    dealings->listed = true;
    if (request->sent_ns >= machine->view->destroyed_ns && !dealings->read_back) {
        dealings->read_back = true;
        dealings->gone_told_ns = request->answered_ns;
    }
}

static void take_request(struct verdict_machine *machine, struct dealings *dealings,
                         const struct verdict_request *request, const struct judge_fact *fact)
{
    if (is_list(request->call)) {
        take_list(machine, dealings, request, fact);
        return;
    }
    if (!judge_names(request, fact, machine->view->id)) {
        return;
    }
    machine->requests++;
    if (is_destroy(request->call)) {
        machine->destroys++;
        dealings->last_destroy = request->ordinal;
        dealings->destroy_done = dealings->destroy_done || fact->success;
    } else if (request->call == (size_t)API_SHOW) {
        take_show(machine, dealings, request, fact);
    }
}

static enum verdict_belief belief_of(const struct verdict_machine *machine, const struct dealings *dealings)
{
    bool aware = machine->told || machine->requests > 0;
    if (aware && dealings->read_back) {
        return BELIEF_GONE;
    }
    if (machine->destroys > 0) {
        return dealings->destroy_done ? BELIEF_DESTROYED : BELIEF_DESTROY_UNSURE;
    }
    if (machine->requests > 0) {
        return BELIEF_ALIVE;
    }
    return machine->told      ? BELIEF_CREATED
           : machine->refused ? BELIEF_REFUSED
           : dealings->listed ? BELIEF_UNNOTICED
                              : BELIEF_UNAWARE;
}

static void tell_left(struct verdict *verdict, const struct verdict_machine *machine)
{
    const struct contract_view *view = machine->view;
    char label[128];
    char price_text[32];
    struct buffer price;
    struct span shown = span_of(view->label);
    (void)text_format(label, sizeof label, "%.*s", (int)(shown.length > 100 ? 100 : shown.length), view->label);
    buffer_init_fixed(&price, price_text, sizeof price_text);
    decimal_append_rounded(&price, view->intended_nusd_per_hour, 9, 4);
    judge_find(verdict, FINDING_MACHINE_LEFT, view->id, machine->create_ordinal,
               "machine %lld%s%s, %s, $%s per hour; the client %s", (long long)view->id, label[0] == '\0' ? "" : " ",
               label, actual_status_text(view->status) == NULL ? "null" : actual_status_text(view->status), price_text,
               verdict_belief_sentence(machine->belief));
}

static void tell(struct verdict *verdict, const struct verdict_machine *machine, const struct dealings *dealings)
{
    const struct contract_view *view = machine->view;
    long long id = (long long)view->id;
    if (view->exists) {
        tell_left(verdict, machine);
    }
    if (view->exists && machine->belief == BELIEF_DESTROY_UNSURE) {
        judge_find(verdict, FINDING_DESTROY_UNSURE, view->id, dealings->last_destroy,
                   "machine %lld: %llu destruction%s asked for, none confirmed", id,
                   (unsigned long long)machine->destroys, machine->destroys == 1 ? "" : "s");
    }
    if (view->exists && machine->belief == BELIEF_DESTROYED) {
        judge_find(verdict, FINDING_BELIEF_WRONG, view->id, dealings->last_destroy,
                   "machine %lld: its destruction was answered with success, and it exists", id);
    }
    if (machine->destroyed_unread) {
        judge_find(verdict, FINDING_DESTROYED_UNREAD, view->id, dealings->last_destroy,
                   "machine %lld: neither it nor a list was read after its destruction", id);
    }
    if (machine->polls_after_gone > POLLS_AFTER_GONE_ALLOWED) {
        judge_find(verdict, FINDING_POLLED_AFTER_GONE, view->id, 0,
                   "machine %lld: shown %llu times more after the client knew", id,
                   (unsigned long long)machine->polls_after_gone);
    }
}

static void judge_machine(struct verdict *verdict, const struct judge_fact *facts, struct verdict_machine *machine)
{
    const struct verdict_input *input = verdict->input;
    struct dealings dealings = {.gone_told_ns = TIME_NEVER_NS};
    for (size_t i = 0; i < input->request_count; i++) {
        if (input->requests[i].sent_ns >= machine->view->created_ns || facts[i].subject == machine->view->id) {
            take_request(machine, &dealings, &input->requests[i], &facts[i]);
        }
    }
    machine->belief = belief_of(machine, &dealings);
    machine->destroyed_unread = !machine->view->exists && machine->destroys > 0 && !dealings.read_back;
    bool thinks_it_exists = machine->belief == BELIEF_CREATED || machine->belief == BELIEF_ALIVE;
    machine->is_so = thinks_it_exists == machine->view->exists;
    verdict->destroyed_unread += machine->destroyed_unread ? 1 : 0;
    verdict->polls_after_gone += machine->polls_after_gone;
    if (machine->view->exists) {
        verdict->machines_left++;
        verdict->left_nusd_per_hour =
            saturating_add(verdict->left_nusd_per_hour, machine->view->intended_nusd_per_hour);
    }
    tell(verdict, machine, &dealings);
}

/* Requests about machines that were never made. */
static void look_for_strangers(struct verdict *verdict, const struct judge_fact *facts)
{
    const struct verdict_input *input = verdict->input;
    uint64_t count = 0;
    size_t first = 0;
    for (size_t i = 0; i < input->request_count; i++) {
        bool known = facts[i].subject < 0;
        for (size_t j = 0; !known && j < input->machine_count; j++) {
            known = input->machines[j].id == facts[i].subject;
        }
        first = !known && count == 0 ? i : first;
        count += known ? 0 : 1;
    }
    if (count > 0) {
        judge_find(verdict, FINDING_NO_SUCH_MACHINE, facts[first].subject, input->requests[first].ordinal,
                   "%llu request%s about machines that never were, the first is request %llu about %lld",
                   (unsigned long long)count, count == 1 ? "" : "s", (unsigned long long)input->requests[first].ordinal,
                   (long long)facts[first].subject);
    }
}

/* A bid that is too low may be refused in an answer that names the machine which it made all the same. */
static void take_create(struct verdict *verdict, const struct verdict_request *request, const struct judge_fact *fact,
                        size_t machine)
{
    if (machine < verdict->input->machine_count) {
        verdict->machines[machine].create_ordinal = request->ordinal;
        verdict->machines[machine].told = fact->success;
        verdict->machines[machine].refused = !fact->failed && request->status >= 400;
    }
}

bool judge_machines(struct verdict *verdict, const struct judge_fact *facts)
{
    const struct verdict_input *input = verdict->input;
    verdict->machines = heap_alloc(verdict->heap, (input->machine_count + 1) * sizeof *verdict->machines);
    if (verdict->machines == NULL) {
        return false;
    }
    for (size_t i = 0; i < input->machine_count; i++) {
        verdict->machines[i].view = &input->machines[i];
    }
    for (size_t i = 0; i < input->request_count; i++) {
        const struct verdict_request *request = &input->requests[i];
        for (uint32_t nth = 0; nth < request->contracts; nth++) {
            take_create(verdict, request, &facts[i], (size_t)request->contract + nth);
        }
    }
    for (size_t i = 0; i < input->machine_count; i++) {
        judge_machine(verdict, facts, &verdict->machines[i]);
    }
    look_for_strangers(verdict, facts);
    if (input->with_command && input->exit_status == 0 && verdict->machines_left > 0) {
        judge_find(verdict, FINDING_LEFT_UNSAID, 0, 0,
                   "the command ended with 0, as if all were well, and %zu machine%s left", verdict->machines_left,
                   verdict->machines_left == 1 ? " is" : "s are");
    }
    return true;
}
