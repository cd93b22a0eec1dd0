#include "vast/retry.h"

#include "world/note.h"

enum { JITTER_DIVISOR = 4 }; /* up to a quarter of the pause is added */

static const int64_t first_pause_ns = 3 * NS_PER_S;
static const int64_t longest_pause_ns = 60 * NS_PER_S;

struct retry retry_begin(struct world *world, const char *operation, uint32_t stream, int attempts, int64_t deadline_ns)
{
    return (struct retry){
        .world = world,
        .operation = operation,
        .stream = stream,
        .attempts = attempts,
        .pause_ns = first_pause_ns,
        .longest_pause_ns = longest_pause_ns,
        .deadline_ns = deadline_ns,
    };
}

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

static int64_t next_pause_ns(struct retry *retry, const struct error *error)
{
    int64_t pause_ns = retry->pause_ns > error->retry_after_ns ? retry->pause_ns : error->retry_after_ns;
    uint64_t bits = world_random_bits(retry->world, RANDOM_RETRY_JITTER, retry->stream, (uint32_t)retry->attempt);
    int64_t jitter_ns = (int64_t)(bits >> 1) % (pause_ns / JITTER_DIVISOR + 1);
    retry->pause_ns = saturating_add(retry->pause_ns, retry->pause_ns);
    if (retry->pause_ns > retry->longest_pause_ns) {
        retry->pause_ns = retry->longest_pause_ns;
    }
    return pause_ns + jitter_ns;
}

bool retry_again(struct retry *retry, struct error *error)
{
    enum retry_class class = error_retry_class(error->code);
    const char *fault = fault_behind(error->code);
    bool again = class == RETRY_SAFE || class == RETRY_LATER;
    retry->attempt++;
    int64_t pause_ns = again && retry->attempt < retry->attempts ? next_pause_ns(retry, error) : 0;
    int64_t resume_ns = world_deadline_ns(retry->world, pause_ns);
    again = pause_ns > 0 && resume_ns < retry->deadline_ns;
    if (fault != NULL) {
        note_fault(retry->world, fault, "%s: %s; %s", retry->operation, error->message,
                   again ? "waited and asked again" : "gave up");
    }
    if (!again) {
        return false;
    }
    enum error_code slept = world_sleep_until(retry->world, resume_ns);
    if (slept == ERR_INTERRUPTED) {
        (void)error_set(error, ERR_INTERRUPTED, "%s: interrupted while waiting to ask again", retry->operation);
    }
    return slept == ERR_OK;
}
