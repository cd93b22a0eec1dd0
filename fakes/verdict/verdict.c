#include "fakes/verdict/verdict.h"

#include <string.h>

#include "fakes/verdict/judge.h"

/* How late a loop, a client's timer and a connection on real time may be together. */
#define LATENESS_NS (10 * NS_PER_MS)

static const char *const paces[] = {
    [PACE_UNKNOWN] = "unknown", [PACE_STEADY] = "steady", [PACE_GROWING] = "growing", [PACE_UNEVEN] = "uneven"};
static const char *const jitters[] = {[JITTER_UNKNOWN] = "unknown", [JITTER_NONE] = "none", [JITTER_SEEN] = "seen"};

static const struct {
    const char *name, *sentence;
} beliefs[] = {
#define BELIEF_ROW(code, name, sentence) {name, sentence},
    VERDICT_BELIEF_LIST(BELIEF_ROW)
#undef BELIEF_ROW
};

static const struct {
    const char *name, *title;
} kinds[] = {
#define FINDING_ROW(code, name, title) {name, title},
    VERDICT_FINDING_LIST(FINDING_ROW)
#undef FINDING_ROW
};

const char *verdict_pace_name(enum verdict_pace pace)
{
    return paces[pace];
}

const char *verdict_jitter_name(enum verdict_jitter jitter)
{
    return jitters[jitter];
}

const char *verdict_belief_name(enum verdict_belief belief)
{
    return beliefs[belief].name;
}

const char *verdict_belief_sentence(enum verdict_belief belief)
{
    return beliefs[belief].sentence;
}

const char *verdict_finding_name(enum verdict_finding_kind kind)
{
    return kinds[kind].name;
}

const char *verdict_finding_title(enum verdict_finding_kind kind)
{
    return kinds[kind].title;
}

void judge_find(struct verdict *verdict, enum verdict_finding_kind kind, int64_t machine_id, uint64_t ordinal,
                const char *format, ...)
{
    if (verdict->found[kind]++ >= VERDICT_FINDINGS_EACH) {
        return;
    }
    /* Behind the last of its kind and of those before it. */
    size_t at = verdict->finding_count;
    while (at > 0 && verdict->findings[at - 1].kind > kind) {
        at--;
    }
    struct verdict_finding *finding = &verdict->findings[at];
    memmove(finding + 1, finding, (verdict->finding_count - at) * sizeof *finding);
    verdict->finding_count++;
    *finding = (struct verdict_finding){.kind = kind, .machine_id = machine_id, .ordinal = ordinal};
    va_list arguments;
    va_start(arguments, format);
    (void)text_format_list(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* ---- Checks ------------------------------------------------------------------------------------------------------------- */

static void add_check(struct verdict *verdict, struct verdict_check check)
{
    check.passed = check.at_most ? check.found <= check.wanted : check.found == check.wanted;
    verdict->checks[verdict->check_count++] = check;
    verdict->passed = verdict->passed && check.passed;
}

/* What the scenario asks for; `usual` (-1: nothing) is asked for when it does not. */
static void check(struct verdict *verdict, const char *name, struct maybe_int64 wanted, int64_t usual, bool at_most,
                  int64_t found)
{
    bool by_scenario = wanted.presence == PRESENT;
    if (by_scenario || usual >= 0) {
        add_check(verdict, (struct verdict_check){.name = name,
                                                  .by_scenario = by_scenario,
                                                  .at_most = at_most,
                                                  .wanted = by_scenario ? wanted.value : usual,
                                                  .found = found});
    }
}

void judge_checks(struct verdict *verdict)
{
    const struct verdict_input *input = verdict->input;
    const struct expectation *expect = input->expect;
    verdict->passed = true;
    if (input->with_command) {
        check(verdict, "exit_status", expect->exit_status, -1, false, input->exit_status);
    }
    check(verdict, "machines_left", expect->machines_left, 0, false, (int64_t)verdict->machines_left);
    check(verdict, "machines_created", expect->machines_created, -1, false, (int64_t)input->machine_count);
    check(verdict, "creates_doubled", expect->creates_doubled, 0, true, (int64_t)verdict->creates_doubled);
    check(verdict, "rate_limits_broken", expect->rate_limits_broken, -1, true, (int64_t)verdict->rate_limits_broken);
    check(verdict, "destroyed_unread", expect->destroyed_unread, -1, true, (int64_t)verdict->destroyed_unread);
    check(verdict, "polls_after_gone", expect->polls_after_gone, -1, true, (int64_t)verdict->polls_after_gone);
    if (expect->max_nusd.presence == PRESENT) {
        add_check(verdict, (struct verdict_check){.name = "max_usd",
                                                  .by_scenario = true,
                                                  .at_most = true,
                                                  .is_money = true,
                                                  .wanted = expect->max_nusd.value,
                                                  .found = input->charged_nusd});
    }
    const struct {
        bool given;
        const char *name;
    } reported[] = {
        {input->with_command ? false : expect->exit_status.presence == PRESENT, "exit_status"},
        {expect->error.presence == PRESENT, "error"},
        {expect->total_us.presence == PRESENT, "total_seconds"},
        {expect->fault_count > 0, "faults_seen"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(reported); i++) {
        if (reported[i].given) {
            verdict->not_judged[verdict->not_judged_count++] = reported[i].name;
        }
    }
}

/* ---- All of it ---------------------------------------------------------------------------------------------------------- */

struct verdict *verdict_judge(struct heap *heap, const struct verdict_input *input)
{
    struct verdict *verdict = heap_alloc(heap, sizeof *verdict);
    struct judge_fact *facts = judge_facts(heap, input);
    if (verdict == NULL || facts == NULL) {
        heap_release(heap, verdict);
        heap_release(heap, facts);
        return NULL;
    }
    verdict->input = input;
    verdict->heap = heap;
    verdict->tolerance_ns = scale_rounded(LATENESS_NS, input->speed_milli < 1000 ? 1000 : input->speed_milli, 1000);
    verdict->findings = heap_alloc(heap, (size_t)FINDING_COUNT * VERDICT_FINDINGS_EACH * sizeof *verdict->findings);
    bool judged = verdict->findings != NULL && judge_machines(verdict, facts) && judge_endpoints(verdict, facts);
    if (judged) {
        judge_creates(verdict, facts);
        judge_rates(verdict);
        judge_checks(verdict);
    }
    heap_release(heap, facts);
    if (!judged) {
        verdict_free(verdict);
        return NULL;
    }
    return verdict;
}

void verdict_free(struct verdict *verdict)
{
    if (verdict != NULL) {
        heap_release(verdict->heap, verdict->findings);
        heap_release(verdict->heap, verdict->machines);
        heap_release(verdict->heap, verdict->groups);
        heap_release(verdict->heap, verdict);
    }
}
