/* How pauses between repeated requests went on: the same each time, longer and longer, by a rule or with jitter. */
#include "fakes/verdict/judge.h"

enum { TOLERANCE_DIVISOR = 50, PAUSES_FOR_PACE = 2, PAUSES_FOR_JITTER = 3, TIMES_MORE_OFTEN = 3 };

int64_t judge_tolerance_ns(const struct verdict *verdict, int64_t pause_ns)
{
    return saturating_add(verdict->tolerance_ns, pause_ns / TOLERANCE_DIVISOR);
}

static bool is_same(const struct verdict *verdict, int64_t a, int64_t b)
{
    int64_t more = a > b ? a : b;
    int64_t less = a > b ? b : a;
    return more - less <= judge_tolerance_ns(verdict, more);
}

static bool all_same(const struct verdict *verdict, const int64_t *pauses, size_t count)
{
    int64_t least = pauses[0];
    int64_t most = pauses[0];
    for (size_t i = 1; i < count; i++) {
        least = pauses[i] < least ? pauses[i] : least;
        most = pauses[i] > most ? pauses[i] : most;
    }
    return is_same(verdict, least, most);
}

enum verdict_pace judge_pace(const struct verdict *verdict, const int64_t *pauses, size_t count)
{
    uint64_t up = 0;
    uint64_t down = 0;
    if (count < PAUSES_FOR_PACE) {
        return PACE_UNKNOWN;
    }
    if (all_same(verdict, pauses, count)) {
        return PACE_STEADY;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (!is_same(verdict, pauses[i], pauses[j])) {
                up += pauses[j] > pauses[i] ? 1 : 0;
                down += pauses[j] < pauses[i] ? 1 : 0;
            }
        }
    }
    bool ends_longer = pauses[count - 1] > pauses[0] && !is_same(verdict, pauses[0], pauses[count - 1]);
    return ends_longer && up >= TIMES_MORE_OFTEN * down ? PACE_GROWING : PACE_UNEVEN;
}

/* What a constant factor makes of the two pauses before the nth, and what a constant step does. */
static int64_t by_factor(const int64_t *pauses, size_t nth)
{
    int64_t before = pauses[nth - 2];
    return before > 0 ? scale_rounded(pauses[nth - 1], pauses[nth - 1], before) : 0;
}

static int64_t by_step(const int64_t *pauses, size_t nth)
{
    return saturating_add(pauses[nth - 1], pauses[nth - 1] - pauses[nth - 2]);
}

/* Not shorter than the one before, and shorter than by the rule: perhaps the longest that there is. */
static bool may_be_the_longest(const struct verdict *verdict, const int64_t *pauses, size_t nth)
{
    bool holds = pauses[nth] >= pauses[nth - 1] || is_same(verdict, pauses[nth], pauses[nth - 1]);
    return holds && (pauses[nth] < by_factor(pauses, nth) || pauses[nth] < by_step(pauses, nth));
}

enum verdict_jitter judge_jitter(const struct verdict *verdict, const int64_t *pauses, size_t count)
{
    if (count < PAUSES_FOR_JITTER) {
        return JITTER_UNKNOWN;
    }
    for (size_t i = 2; i < count; i++) {
        bool follows =
            is_same(verdict, pauses[i], by_factor(pauses, i)) || is_same(verdict, pauses[i], by_step(pauses, i));
        if (follows) {
            continue;
        }
        if (!may_be_the_longest(verdict, pauses, i)) {
            return JITTER_SEEN;
        }
        /* If it is, all that follow are as long. */
        bool is_last = i + 1 == count;
        return is_last ? JITTER_UNKNOWN : all_same(verdict, pauses + i, count - i) ? JITTER_NONE : JITTER_SEEN;
    }
    return JITTER_NONE;
}
