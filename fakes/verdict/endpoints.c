/* The journal by endpoint: how often, with what outcome, how close together, and how failures were followed up. */
#include <string.h>

#include "fakes/verdict/judge.h"

/* Faster than this, again and again, is no pause. */
#define BUSY_PAUSE_NS (200 * NS_PER_MS)
enum { BUSY_PAUSES = 3 };

/* What one walk works with: room for as many numbers as there are requests. */
struct walk {
    struct verdict *verdict;
    struct judge_fact *facts;
    int64_t *pauses;  /* of one group, in order */
    int64_t *scratch; /* to be sorted */
};

static struct verdict_endpoint *endpoint_of(struct verdict *verdict, const struct verdict_request *request)
{
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        if (verdict->endpoints[i].call == request->call) {
            return &verdict->endpoints[i];
        }
    }
    if (verdict->endpoint_count == VERDICT_ENDPOINTS_MAX) {
        return NULL;
    }
    struct verdict_endpoint *endpoint = &verdict->endpoints[verdict->endpoint_count++];
    *endpoint = (struct verdict_endpoint){.call = request->call, .name = request->endpoint};
    if (request->call < API_CALL_COUNT) {
        endpoint->threshold_ns = api_call_threshold_ms((enum api_call)request->call) * NS_PER_MS;
    }
    return endpoint;
}

static void count_outcome(struct verdict_endpoint *endpoint, const struct verdict_request *request)
{
    bool left = request->left_ns != TIME_NEVER_NS && request->fate != FATE_SILENT;
    enum transport_fate fate = left ? FATE_COUNT : request->fate;
    int status = fate == FATE_DELIVERED || fate == FATE_TRUNCATED ? request->status : 0;
    size_t i = 0;
    while (i < endpoint->outcome_count &&
           (endpoint->outcomes[i].fate != fate || endpoint->outcomes[i].status != status)) {
        i++;
    }
    if (i == endpoint->outcome_count && i < VERDICT_OUTCOMES_MAX) {
        endpoint->outcomes[endpoint->outcome_count++] = (struct verdict_outcome){fate, status, 0};
    }
    if (i < endpoint->outcome_count) {
        endpoint->outcomes[i].count++;
    }
}

/* ---- Groups ------------------------------------------------------------------------------------------------------------- */

static int64_t pause_between(const struct verdict_input *input, const struct judge_fact *facts, size_t from, size_t to)
{
    int64_t since_ns = facts[from].over_ns == TIME_NEVER_NS ? input->requests[from].sent_ns : facts[from].over_ns;
    return input->requests[to].sent_ns - since_ns;
}

/* Fills `group` with the failed request at `first` and its repetitions, and walk->pauses with what lies between them. */
static void follow(struct walk *walk, size_t first, struct verdict_group *group)
{
    const struct verdict_input *input = walk->verdict->input;
    struct judge_fact *facts = walk->facts;
    size_t count = 0;
    size_t at = first;
    bool from_over = false;
    *group = (struct verdict_group){
        .first_ordinal = input->requests[first].ordinal,
        .at_ns = input->requests[first].sent_ns,
        .subject = facts[first].subject,
        .attempts = 1,
    };
    facts[first].grouped = true;
    while (facts[at].failed && facts[at].next != JUDGE_NO_REQUEST) {
        size_t next = facts[at].next;
        int64_t pause_ns = pause_between(input, facts, at, next);
        if (pause_ns < 0) {
            break; /* sent before the other was over: no repetition of it */
        }
        group->from_start = group->from_start || facts[at].over_ns == TIME_NEVER_NS;
        from_over = from_over || facts[at].over_ns != TIME_NEVER_NS;
        walk->pauses[count++] = pause_ns;
        group->attempts++;
        facts[next].grouped = true;
        at = next;
    }
    group->answered = !facts[at].failed;
    for (size_t i = 0; i < count && i < VERDICT_GROUP_PAUSES_MAX; i++) {
        group->shown_ns[i] = walk->pauses[i];
    }
    if (!(group->from_start && from_over)) { /* else they do not measure the same thing */
        group->pace = judge_pace(walk->verdict, walk->pauses, count);
        group->jitter = judge_jitter(walk->verdict, walk->pauses, count);
    }
    memcpy(walk->scratch, walk->pauses, count * sizeof *walk->scratch);
    group->pauses = judge_spread(walk->scratch, count);
}

static bool keep_group(struct verdict *verdict, struct verdict_endpoint *endpoint, const struct verdict_group *group)
{
    if (verdict->groups == NULL) {
        verdict->groups = heap_alloc(verdict->heap, VERDICT_GROUPS_MAX * sizeof *verdict->groups);
        if (verdict->groups == NULL) {
            return false;
        }
    }
    if (endpoint->groups == 0) {
        endpoint->first_group = verdict->group_count;
    }
    if (verdict->group_count < VERDICT_GROUPS_MAX) {
        verdict->groups[verdict->group_count++] = *group;
        endpoint->groups++;
    }
    return true;
}

static void look_for_haste(struct verdict *verdict, const struct verdict_endpoint *endpoint,
                           const struct verdict_group *group)
{
    if (group->pauses.count >= BUSY_PAUSES && group->pauses.median_ns < BUSY_PAUSE_NS) {
        judge_find(verdict, FINDING_BUSY_RETRIES, group->subject < 0 ? 0 : group->subject, group->first_ordinal,
                   "%s: %llu attempts from request %llu on, mostly %lld ms apart", endpoint->name,
                   (unsigned long long)group->attempts, (unsigned long long)group->first_ordinal,
                   (long long)(group->pauses.median_ns / NS_PER_MS));
    }
}

/* What all groups of an endpoint say together. The nth pause of one that differs from that of another is jitter. */
static void take_together(const struct verdict *verdict, struct verdict_endpoint *endpoint,
                          const struct verdict_group *group)
{
    if (group->pace != PACE_UNKNOWN) {
        bool agrees = endpoint->pace == PACE_UNKNOWN || endpoint->pace == group->pace;
        endpoint->pace = agrees ? group->pace : PACE_UNEVEN;
    }
    if (group->jitter == JITTER_SEEN || endpoint->jitter == JITTER_UNKNOWN) {
        endpoint->jitter = group->jitter;
    }
    const struct verdict_group *first = endpoint->groups > 0 ? &verdict->groups[endpoint->first_group] : NULL;
    if (first == NULL || first->from_start || group->from_start) {
        return;
    }
    for (size_t i = 0; i < first->pauses.count && i < group->pauses.count && i < VERDICT_GROUP_PAUSES_MAX; i++) {
        int64_t more = first->shown_ns[i] > group->shown_ns[i] ? first->shown_ns[i] : group->shown_ns[i];
        int64_t less = first->shown_ns[i] > group->shown_ns[i] ? group->shown_ns[i] : first->shown_ns[i];
        if (more - less > judge_tolerance_ns(verdict, more)) {
            endpoint->jitter = JITTER_SEEN;
        }
    }
}

static bool judge_groups(struct walk *walk, struct verdict_endpoint *endpoint)
{
    const struct verdict_input *input = walk->verdict->input;
    for (size_t i = 0; i < input->request_count; i++) {
        if (input->requests[i].call != endpoint->call || !walk->facts[i].failed || walk->facts[i].grouped) {
            continue;
        }
        struct verdict_group group;
        follow(walk, i, &group);
        endpoint->group_count++;
        endpoint->attempts_most = group.attempts > endpoint->attempts_most ? group.attempts : endpoint->attempts_most;
        take_together(walk->verdict, endpoint, &group);
        look_for_haste(walk->verdict, endpoint, &group);
        if (!keep_group(walk->verdict, endpoint, &group)) {
            return false;
        }
    }
    return true;
}

/* ---- Endpoints ---------------------------------------------------------------------------------------------------------- */

static void judge_spacing(struct walk *walk, struct verdict_endpoint *endpoint)
{
    const struct verdict_input *input = walk->verdict->input;
    size_t count = 0;
    for (size_t i = 0; i < input->request_count; i++) {
        size_t next = walk->facts[i].next;
        if (input->requests[i].call == endpoint->call && next != JUDGE_NO_REQUEST) {
            walk->scratch[count++] = input->requests[next].sent_ns - input->requests[i].sent_ns;
        }
    }
    endpoint->spacing = judge_spread(walk->scratch, count);
}

bool judge_endpoints(struct verdict *verdict, struct judge_fact *facts)
{
    const struct verdict_input *input = verdict->input;
    size_t size = (input->request_count + 1) * sizeof(int64_t);
    struct walk walk = {verdict, facts, heap_alloc(verdict->heap, size), heap_alloc(verdict->heap, size)};
    bool done = walk.pauses != NULL && walk.scratch != NULL;
    for (size_t i = 0; i < input->request_count; i++) {
        struct verdict_endpoint *endpoint = endpoint_of(verdict, &input->requests[i]);
        if (endpoint != NULL) {
            endpoint->requests++;
            endpoint->failed += facts[i].failed ? 1 : 0;
            count_outcome(endpoint, &input->requests[i]);
        }
    }
    for (size_t i = 0; done && i < verdict->endpoint_count; i++) {
        judge_spacing(&walk, &verdict->endpoints[i]);
        done = judge_groups(&walk, &verdict->endpoints[i]);
    }
    heap_release(verdict->heap, walk.pauses);
    heap_release(verdict->heap, walk.scratch);
    return done;
}
