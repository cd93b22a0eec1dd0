#include "vast/retry.h"

static const int64_t first_pause_ns = 3 * NS_PER_S;
static const int64_t longest_pause_ns = 60 * NS_PER_S;

const char *fault_behind(enum error_code code)
{
    switch (code) {
    case ERR_RATE_LIMITED:
        return "rate-limit-429";
    case ERR_REPLY_UNEXPECTED:
        return "schema-drift";
    case ERR_ENDPOINT_GONE:
        return "endpoint-deprecated";
    case ERR_OFFER_TAKEN:
        return "offer-taken";
    case ERR_SERVER_ERROR:
    case ERR_UNREACHABLE:
    case ERR_CONNECTION_REFUSED:
    case ERR_CONNECTION_RESET:
    case ERR_CLOSED_EARLY:
    case ERR_REPLY_TRUNCATED:
    case ERR_REPLY_MALFORMED:
    case ERR_TIMED_OUT:
        return "api-5xx";
    default:
        return NULL;
    }
}

struct retry retry_begin(struct world *world, const char *operation, uint32_t stream, int attempts, int64_t deadline_ns)
{
    return (struct retry){
        .world = world,
        .operation = operation,
        .fault_behind = fault_behind,
        .stream = stream,
        .attempts = attempts,
        .pause_ns = first_pause_ns,
        .first_pause_ns = first_pause_ns,
        .longest_pause_ns = longest_pause_ns,
        .deadline_ns = deadline_ns,
    };
}
