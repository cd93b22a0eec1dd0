#include <stdlib.h>
#include <string.h>

#include "sim/cli/sim_cli.h"

enum { TOTAL_TOLERANCE_US = 20000 };

/* One number that was asked for. */
static bool number_met(const char *what, struct maybe_int64 expected, int64_t found, int64_t tolerance)
{
    if (expected.presence != PRESENT || llabs(expected.value - found) <= tolerance) {
        return true;
    }
    say("dumont-sim", "expected %s %lld, found %lld", what, (long long)expected.value, (long long)found);
    return false;
}

static bool error_met(const struct expectation *expect, const struct report *report)
{
    const char *found = report->error.known ? report->error.code : "none";
    if (expect->error.presence != PRESENT || strcmp(expect->error.text, found) == 0) {
        return true;
    }
    say("dumont-sim", "expected error %s, found %s", expect->error.text, found);
    return false;
}

static bool fault_seen(const struct report *report, const char *fault)
{
    for (size_t i = 0; i < report->fault_count; i++) {
        if (strcmp(report->faults[i].id, fault) == 0) {
            return true;
        }
    }
    return false;
}

static bool faults_met(const struct expectation *expect, const struct report *report)
{
    bool met = true;
    for (size_t i = 0; i < expect->fault_count; i++) {
        if (!fault_seen(report, expect->faults_seen[i])) {
            say("dumont-sim", "expected the client to notice %s", expect->faults_seen[i]);
            met = false;
        }
    }
    return met;
}

bool expectation_met(const struct expectation *expect, const struct rehearsal_result *result,
                     const struct report *report)
{
    bool met = number_met("exit status", expect->exit_status, (int64_t)result->status, 0);
    met = number_met("machines left", expect->machines_left, (int64_t)result->machines_left, 0) && met;
    met = number_met("machines created", expect->machines_created, (int64_t)result->machines_created, 0) && met;
    if (expect->max_nusd.presence == PRESENT && result->charged_nusd > expect->max_nusd.value) {
        say("dumont-sim", "expected at most %lld nano-dollars charged, found %lld", (long long)expect->max_nusd.value,
            (long long)result->charged_nusd);
        met = false;
    }
    met = number_met("total time in us", expect->total_us, report->total_us, TOTAL_TOLERANCE_US) && met;
    met = error_met(expect, report) && met;
    return faults_met(expect, report) && met;
}
