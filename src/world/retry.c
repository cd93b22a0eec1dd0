#include "world/retry.h"

#include "world/note.h"

enum { JITTER_DIVISOR = 4 }; /* up to a quarter of the pause is added */

static int64_t next_pause_ns(struct retry *retry, const struct error *error)
{
    int64_t pause_ns = retry->pause_ns > error->retry_after_ns ? retry->pause_ns : error->retry_after_ns;
    uint64_t bits = world_random_bits(retry->world, RANDOM_RETRY_JITTER, retry->stream, (uint32_t)retry->attempt);
    int64_t jitter_ns = (int64_t)(bits >> 1) % (pause_ns / JITTER_DIVISOR + 1);
    retry->pause_ns = retry->pause_ns == 0 ? retry->first_pause_ns : saturating_add(retry->pause_ns, retry->pause_ns);
    if (retry->pause_ns > retry->longest_pause_ns) {
        retry->pause_ns = retry->longest_pause_ns;
    }
    return pause_ns + jitter_ns;
}

bool retry_again(struct retry *retry, struct error *error)
{
    enum retry_class class = error_retry_class(error->code);
    const char *fault = retry->fault_behind(error->code);
    bool again = (class == RETRY_SAFE || class == RETRY_LATER) && ++retry->attempt < retry->attempts;
    int64_t resume_ns = again ? world_deadline_ns(retry->world, next_pause_ns(retry, error)) : 0;
    again = again && resume_ns < retry->deadline_ns;
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
