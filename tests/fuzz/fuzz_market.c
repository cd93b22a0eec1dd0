/*
 * Whatever is sent, the market answers, never with a 5xx of its own accord, keeps its books balanced, makes no transition that its
 * table lacks, and gives all memory back.
 *
 * An input is lines: a method's first letter (D, G, P for POST, U for PUT), a path and a body with blanks between; or T and
 * milliseconds that pass. @3 stands for the id of the fourth offer, ! for that of the newest contract.
 */
#include <assert.h>
#include <cjson/cJSON.h>
#include <string.h>

#include "fakes/market/market.h"
#include "fuzz.h"

enum { OFFERS = 10, REQUESTS_MAX = 64, REPLY_MAX = 1 << 24, PATH_MAX_BYTES = HTTP_PATH_SIZE - 1, BODY_MAX = 1 << 20 };

static const char key[] = "key";
static uint64_t requests, accepted, refused; /* of all inputs */

struct fuzzed {
    struct market *market;
    struct offer_book *book;
    int64_t now_ns;
    int64_t billed_nusd;
    struct buffer path, body;
    struct http_reply reply;
};

static void on_timeline(void *context, int64_t now_ns, uint32_t contract, struct machine_timeline *out)
{
    (void)context;
    (void)now_ns;
    (void)contract;
    *out = (struct machine_timeline){.statuses = {{2 * NS_PER_S, ACTUAL_CREATED, NULL},
                                                  {5 * NS_PER_S, ACTUAL_LOADING, NULL},
                                                  {60 * NS_PER_S, ACTUAL_RUNNING, NULL}},
                                     .status_count = 3,
                                     .ssh = {{70 * NS_PER_S, SSH_STAGE_READY, 0}},
                                     .ssh_count = 1};
}

static void on_event(void *context, const struct market_event *event)
{
    struct fuzzed *fuzzed = context;
    if (event->kind == MARKET_BILLED) {
        fuzzed->billed_nusd += event->amount_nusd;
    }
    if (event->kind == MARKET_STATUS) {
        assert(transition_is_known(event->cause, event->from, event->status));
    }
}

static void expand(const struct fuzzed *fuzzed, struct span text, struct buffer *out)
{
    struct contract_view newest = {.id = 1};
    if (market_contract_count(fuzzed->market) > 0) {
        market_contract(fuzzed->market, market_contract_count(fuzzed->market) - 1, &newest);
    }
    for (size_t i = 0; i < text.length && !out->failed; i++) {
        bool is_offer = text.at[i] == '@' && i + 1 < text.length && text.at[i + 1] >= '0' && text.at[i + 1] <= '9';
        if (is_offer) {
            const struct offer *offer = offer_book_at(fuzzed->book, (size_t)(text.at[++i] - '0'));
            buffer_printf(out, "%lld", (long long)offer->id);
        } else if (text.at[i] == '!') {
            buffer_printf(out, "%lld", (long long)newest.id);
        } else if (text.at[i] != '\0') {
            buffer_append_char(out, text.at[i]);
        }
    }
}

static void ask(struct fuzzed *fuzzed, enum http_method method, struct span path, struct span body)
{
    buffer_clear(&fuzzed->path);
    buffer_clear(&fuzzed->body);
    expand(fuzzed, path, &fuzzed->path);
    expand(fuzzed, body, &fuzzed->body);
    struct http_request request = {.method = method,
                                   .path = buffer_text(&fuzzed->path),
                                   .bearer = key,
                                   .body = {buffer_text(&fuzzed->body), fuzzed->body.length}};
    buffer_clear(&fuzzed->reply.body);
    market_handle(fuzzed->market, fuzzed->now_ns, &request, &fuzzed->reply);
    assert(fuzzed->reply.status >= 200 && fuzzed->reply.status < 500);
    requests++;
    accepted += fuzzed->reply.status < 300;
    refused += fuzzed->reply.status >= 400;
    if (strcmp(fuzzed->reply.content_type, "application/json") == 0) {
        cJSON *json = cJSON_ParseWithLength(buffer_text(&fuzzed->reply.body), fuzzed->reply.body.length);
        assert(json != NULL);
        cJSON_Delete(json);
    }
    assert(market_credit_nusd(fuzzed->market) == 5 * NUSD_PER_USD - market_charged_nusd(fuzzed->market));
}

static void take_line(struct fuzzed *fuzzed, struct span line)
{
    static const char letters[] = "GPUD";
    static const enum http_method methods[] = {HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE};
    if (line.length < 2) {
        return;
    }
    struct span rest = {line.at + 2, line.length - 2};
    const char *letter = line.at[0] == '\0' ? NULL : strchr(letters, line.at[0]);
    if (line.at[0] == 'T') {
        int64_t ms = 0;
        if (decimal_parse(rest, 0, &ms) && ms > 0 && ms < INT64_C(10000000000)) {
            fuzzed->now_ns += ms * NS_PER_MS;
        }
    } else if (letter != NULL) {
        const char *blank = memchr(rest.at, ' ', rest.length);
        size_t length = blank == NULL ? rest.length : (size_t)(blank - rest.at);
        size_t body_at = blank == NULL ? length : length + 1;
        ask(fuzzed, methods[letter - letters], (struct span){rest.at, length},
            (struct span){rest.at + body_at, rest.length - body_at});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap *heap = heap_new();
    struct offer_book_options book = {.seed = 5, .listed_at = {INT64_C(1767381138) * NS_PER_S}};
    struct fuzzed fuzzed = {.book = offer_book_generate(heap, &book, OFFERS)};
    struct market_options options = {.seed = 5,
                                     .epoch = book.listed_at,
                                     .api_key = key,
                                     .ssh_public_key = "ssh-ed25519 AAAA someone",
                                     .credit_nusd = 5 * NUSD_PER_USD,
                                     .offers = fuzzed.book,
                                     .timeline = on_timeline,
                                     .event = on_event,
                                     .context = &fuzzed};
    market_switches_defaults(&options.switches);
    options.switches.outbid_resumes = size > 0 && data[0] % 2 == 0;
    options.switches.outbid_mean_ns = 3600 * NS_PER_S;
    options.switches.v0_list = V0_LIST_LEGACY;
    fuzzed.market = market_new(heap, &options);
    assert(fuzzed.market != NULL);
    buffer_init(&fuzzed.path, heap, PATH_MAX_BYTES);
    buffer_init(&fuzzed.body, heap, BODY_MAX);
    buffer_init(&fuzzed.reply.body, heap, REPLY_MAX);
    const char *at = (const char *)data;
    const char *end = at + size;
    for (int i = 0; i < REQUESTS_MAX && at < end; i++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = feed == NULL ? end : feed;
        take_line(&fuzzed, (struct span){at, (size_t)(line_end - at)});
        at = feed == NULL ? end : feed + 1;
    }
    market_bill(fuzzed.market, fuzzed.now_ns);
    assert(fuzzed.billed_nusd == market_charged_nusd(fuzzed.market));
    buffer_release(&fuzzed.path);
    buffer_release(&fuzzed.body);
    buffer_release(&fuzzed.reply.body);
    market_free(fuzzed.market);
    offer_book_free(fuzzed.book);
    assert(heap_live_blocks(heap) == 0);
    heap_free(heap);
    return 0;
}

bool fuzz_seed(size_t i, struct buffer *out)
{
    static const char *const names[] = {"search",   "life",      "bids", "lists", "keys",
                                        "commands", "templates", "many", "money"};
    if (i < ARRAY_LENGTH(names)) {
        fuzz_read("market", names[i], out);
    }
    return i < ARRAY_LENGTH(names);
}

uint64_t fuzz_units(void)
{
    return requests;
}

/* Inputs that are all refused would say little. */
bool fuzz_was_worth_it(void)
{
    return accepted > requests / 4 && refused > requests / 4;
}
