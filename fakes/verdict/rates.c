/* Rate limits: requests that came sooner than documented, whether or not the market minded. */
#include "fakes/verdict/judge.h"

/* The last request to each endpoint, and of searches the minute that is counted, as the market counts it. */
struct rate {
    bool any;
    int64_t last_ns;
    int64_t minute_from_ns;
    int64_t in_minute;
};

static bool is_too_soon(const struct verdict_endpoint *endpoint, struct rate *rate, int64_t at_ns)
{
    bool is_first = !rate->any;
    rate->any = true;
    if (endpoint->call == (size_t)API_SEARCH) {
        if (is_first || at_ns - rate->minute_from_ns >= 60 * NS_PER_S) {
            rate->minute_from_ns = at_ns;
            rate->in_minute = 0;
        }
        return ++rate->in_minute > VERDICT_SEARCHES_PER_MINUTE;
    }
    return !is_first && at_ns - rate->last_ns < endpoint->threshold_ns;
}

static void judge_endpoint(struct verdict *verdict, struct verdict_endpoint *endpoint)
{
    const struct verdict_input *input = verdict->input;
    struct rate rate = {0};
    uint64_t first_ordinal = 0;
    endpoint->tightest_ns = TIME_NEVER_NS;
    for (size_t i = 0; endpoint->threshold_ns > 0 && i < input->request_count; i++) {
        const struct verdict_request *request = &input->requests[i];
        if (request->call != endpoint->call) {
            continue;
        }
        int64_t gap_ns = request->sent_ns - rate.last_ns;
        if (is_too_soon(endpoint, &rate, request->sent_ns)) {
            first_ordinal = endpoint->broken == 0 ? request->ordinal : first_ordinal;
            endpoint->broken++;
            endpoint->tightest_ns = gap_ns < endpoint->tightest_ns ? gap_ns : endpoint->tightest_ns;
        }
        rate.last_ns = request->sent_ns;
    }
    if (endpoint->broken == 0) {
        endpoint->tightest_ns = 0;
        return;
    }
    verdict->rate_limits_broken += endpoint->broken;
    bool is_search = endpoint->call == (size_t)API_SEARCH;
    judge_find(verdict, FINDING_RATE_LIMIT_BROKEN, 0, first_ordinal,
               "%s: %llu of %llu requests too soon, the closest two %lld ms apart; %s %lld%s", endpoint->name,
               (unsigned long long)endpoint->broken, (unsigned long long)endpoint->requests,
               (long long)(endpoint->tightest_ns / NS_PER_MS),
               is_search ? "documented are" : "documented is a pause of",
               is_search ? (long long)VERDICT_SEARCHES_PER_MINUTE : (long long)(endpoint->threshold_ns / NS_PER_MS),
               is_search ? " in a minute" : " ms");
}

void judge_rates(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->endpoint_count; i++) {
        judge_endpoint(verdict, &verdict->endpoints[i]);
    }
}
