/* Rate limits: a call that follows another too fast is answered with 429, for each endpoint and identity. Off by default. */
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

enum { ENTRIES_MAX = 512, SEARCHES_PER_MINUTE = 10 };

/* One endpoint as one identity uses it. Refused calls count: who keeps asking too fast keeps being refused. */
struct rate_entry {
    uint64_t identity; /* 0: unused */
    enum api_call call;
    int64_t last_ns;
    int64_t refused_until_ns;
    int64_t window_ns; /* of searches: when the minute began, and how many there were */
    int64_t in_window;
};

void rates_release(struct market *market)
{
    heap_release(market->heap, market->rates);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Key in the header, key in the query, and where the request comes from when a front says so. */
static uint64_t identity_of(const struct http_request *request)
{
    char storage[HTTP_PATH_SIZE];
    struct buffer key;
    buffer_init_fixed(&key, storage, sizeof storage);
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), request->bearer);
    if (query_parameter(request->path, "api_key", &key)) {
        hash = hash_text(hash ^ 1, buffer_text(&key));
    }
    hash = hash_text(hash ^ 2, http_request_header(request, "X-Forwarded-For"));
    return hash == 0 ? 1 : hash;
}

/* The entry of that endpoint and identity; the one that was longest unused gives way when there are too many. */
static struct rate_entry *entry_of(struct market *market, uint64_t identity, enum api_call call)
{
    struct rate_entry *oldest = &market->rates[0];
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct rate_entry *entry = &market->rates[i];
        if (entry->identity == identity && entry->call == call) {
            return entry;
        }
        bool is_older = entry->identity == 0 || entry->last_ns < oldest->last_ns;
        if (oldest->identity != 0 && is_older) {
            oldest = entry;
        }
    }
    *oldest = (struct rate_entry){.identity = identity, .call = call, .last_ns = -1, .window_ns = -1};
    return oldest;
}

/* Searches are counted by the minute, all others by the pause between two. */
static bool is_too_fast(const struct market *market, struct rate_entry *entry)
{
    int64_t now_ns = market->now_ns;
    if (entry->call == API_SEARCH) {
        if (entry->window_ns < 0 || now_ns - entry->window_ns >= 60 * NS_PER_S) {
            entry->window_ns = now_ns;
            entry->in_window = 0;
        }
        return ++entry->in_window > SEARCHES_PER_MINUTE;
    }
    int64_t threshold_ns = api_call_threshold_ms(entry->call) * NS_PER_MS;
    bool too_fast = (entry->last_ns >= 0 && now_ns - entry->last_ns < threshold_ns) || now_ns < entry->refused_until_ns;
    if (too_fast && entry->call == API_CREATE) {
        entry->refused_until_ns = saturating_add(now_ns, market->options.switches.create_penalty_ns);
    }
    return too_fast;
}

static void answer_429(const struct call *call)
{
    static const struct {
        const char *type, *before, *after;
        bool threshold;
    } bodies[] = {
        [RATE_LIMIT_TEXT] = {"text/plain", "API requests too frequent", "", false},
        [RATE_LIMIT_THRESHOLD] = {"text/plain", "API requests too frequent: endpoint threshold=", "", true},
        [RATE_LIMIT_DETAIL] = {"application/json", "{\"detail\":\"API requests too frequent endpoint threshold=", "\"}",
                               true},
        [RATE_LIMIT_STANDARD] = {"application/json",
                                 "{\"success\":false,\"error\":\"rate_limit_exceeded\",\"msg\":\"API requests too "
                                 "frequent endpoint threshold=",
                                 "\"}", true},
    };
    struct market *market = call->market;
    int64_t body = market->options.switches.rate_limit_body;
    if (body == RATE_LIMIT_ANY) {
        body = market_draw(market, RANDOM_MARKET, MARKET_DRAW_RATE_BODY, market->refusals, RATE_LIMIT_TEXT,
                           RATE_LIMIT_STANDARD);
    }
    market->refusals++;
    call->reply->status = 429;
    (void)text_copy(call->reply->content_type, sizeof call->reply->content_type, bodies[body].type);
    buffer_append_text(&call->reply->body, bodies[body].before);
    if (bodies[body].threshold) {
        decimal_append(&call->reply->body, api_call_threshold_ms(call->call), 3, 1);
    }
    buffer_append_text(&call->reply->body, bodies[body].after);
}

bool rate_limit_refuses(const struct call *call)
{
    struct market *market = call->market;
    if (market->options.switches.rate_limits == 0 || api_call_threshold_ms(call->call) == 0) {
        return false;
    }
    if (market->rates == NULL) {
        market->rates = heap_alloc(market->heap, ENTRIES_MAX * sizeof *market->rates);
        if (market->rates == NULL) {
            call->reply->body.failed = true;
            return true;
        }
    }
    struct rate_entry *entry = entry_of(market, identity_of(call->request), call->call);
    bool refuses = is_too_fast(market, entry);
    entry->last_ns = market->now_ns;
    if (refuses) {
        answer_429(call);
    }
    return refuses;
}
