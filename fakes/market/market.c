#include "fakes/market/market.h"

#include <assert.h>
#include <string.h>

#include "base/random.h"
#include "fakes/market/state.h"

/* Copies an option's text behind the others; NULL stays NULL. */
static const char *keep_text(char **at, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    const char *kept = memcpy(*at, text, size);
    *at += size;
    return kept;
}

static size_t size_of_text(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static bool begin(struct market *market)
{
    struct heap *heap = market->heap;
    const struct offer_book *book = market->options.offers;
    size_t offers = offer_book_count(book);
    market->listings = heap_alloc(heap, offers * sizeof *market->listings);
    market->matches = heap_alloc(heap, offers * sizeof *market->matches);
    market->machines = heap_alloc(heap, offer_book_machine_count(book) * sizeof *market->machines);
    if (market->listings == NULL || market->matches == NULL || market->machines == NULL) {
        return false;
    }
    const char *key = market->options.ssh_public_key;
    return key == NULL || *key == '\0' || key_add(market, key, true) != 0;
}

struct market *market_new(struct heap *heap, const struct market_options *options)
{
    assert(options->timeline != NULL && options->offers != NULL && options->api_key != NULL);
    struct market *market =
        heap_alloc(heap, sizeof *market + size_of_text(options->api_key) + size_of_text(options->ssh_public_key) +
                             size_of_text(options->ssh_host));
    if (market == NULL) {
        return NULL;
    }
    market->heap = heap;
    market->options = *options;
    char *at = market->texts;
    market->options.api_key = keep_text(&at, options->api_key);
    market->options.ssh_public_key = keep_text(&at, options->ssh_public_key);
    market->options.ssh_host = keep_text(&at, options->ssh_host);
    market->options.origin = NULL;
    bool good = begin(market) && (options->origin == NULL || market_set_origin(market, options->origin));
    if (!good) {
        market_free(market);
        return NULL;
    }
    return market;
}

bool market_set_origin(struct market *market, const char *origin)
{
    size_t size = strlen(origin) + 1;
    char *kept = heap_resize(market->heap, market->origin, size);
    if (kept == NULL) {
        return false;
    }
    memcpy(kept, origin, size);
    market->origin = kept;
    market->options.origin = kept;
    return true;
}

void market_free(struct market *market)
{
    if (market == NULL) {
        return;
    }
    struct heap *heap = market->heap;
    for (struct label *label = market->first_label; label != NULL;) {
        struct label *next = label->next;
        heap_release(heap, label);
        label = next;
    }
    for (size_t i = 0; i < market->contract_count; i++) {
        contract_free(market, market->contracts[i]);
    }
    keys_release(market);
    results_release(market);
    rates_release(market);
    templates_release(market);
    secrets_release(market);
    volumes_release(market);
    heap_release(heap, market->origin);
    heap_release(heap, market->contracts);
    heap_release(heap, market->live);
    heap_release(heap, market->queue);
    heap_release(heap, market->label_slots);
    heap_release(heap, market->listings);
    heap_release(heap, market->machines);
    heap_release(heap, market->matches);
    heap_release(heap, market);
}

/* ---- What truly is -------------------------------------------------------------------------------------------------------- */

int64_t market_charged_nusd(const struct market *market)
{
    return whole_nusd(market->charged);
}

int64_t market_credit_nusd(const struct market *market)
{
    return saturating_subtract(market->options.credit_nusd, market_charged_nusd(market));
}

size_t market_contract_count(const struct market *market)
{
    return market->contract_count;
}

void market_contract(const struct market *market, size_t index, struct contract_view *view)
{
    assert(index < market->contract_count);
    const struct contract *contract = market->contracts[index];
    bool is_direct = contract->status == ACTUAL_RUNNING && contract_has_ports(market, contract);
    *view = (struct contract_view){
        .id = contract->id,
        .contract = contract->nth,
        .offer_id = contract->ask_id,
        .machine_id = contract->offer->machine_id,
        .label = contract->label == NULL ? "" : contract->label->text,
        .status = contract->status,
        .exists = contract->destroyed_ns == TIME_NEVER_NS,
        .created_ns = contract->created_ns,
        .destroyed_ns = contract->destroyed_ns,
        .price_nusd_per_hour = charges_price_now(&contract->charges),
        .charged_nusd = whole_nusd(charges_total(market, &contract->charges)),
        .intended_nusd_per_hour = contract->intent == INTENT_STOPPED ? charges_price_now(&contract->charges)
                                                                     : charges_price_total(&contract->charges),
        .ssh_host = contract->address.ssh_host,
        .ssh_port = contract->address.ssh_port,
        .public_ipaddr = contract->address.public_ipaddr,
        .direct_port = is_direct && contract->has_direct_ssh ? contract->address.direct_port : 0,
        .offer = contract->offer,
        .image = contract->image,
        .disk_mgb = contract->disk_mgb,
        .is_bid = contract->is_bid,
    };
}

enum ssh_stage market_ssh_stage(const struct market *market, int64_t now_ns, size_t index, enum ssh_port port)
{
    const struct contract *contract = market->contracts[index];
    const struct life *life = &contract->life;
    if (contract->host_lost) {
        return SSH_STAGE_UNREACHABLE;
    }
    bool goes_on = contract->destroyed_ns == TIME_NEVER_NS && contract->follows_life;
    enum ssh_stage stage = SSH_STAGE_REFUSED;
    int64_t age_ns = now_ns - life->base_ns;
    for (uint32_t i = 0; goes_on && i < life->ssh_count && life->ssh[i].after_ns <= age_ns; i++) {
        stage = ssh_step_is_of(&life->ssh[i], port) ? life->ssh[i].stage : stage;
    }
    return stage;
}

int64_t market_ssh_next_stage_ns(const struct market *market, int64_t now_ns, size_t index, enum ssh_port port)
{
    const struct contract *contract = market->contracts[index];
    const struct life *life = &contract->life;
    bool goes_on = contract->destroyed_ns == TIME_NEVER_NS && contract->follows_life;
    int64_t age_ns = now_ns - life->base_ns;
    for (uint32_t i = 0; goes_on && i < life->ssh_count; i++) {
        if (life->ssh[i].after_ns > age_ns && ssh_step_is_of(&life->ssh[i], port)) {
            return saturating_add(life->base_ns, life->ssh[i].after_ns);
        }
    }
    return TIME_NEVER_NS;
}

size_t market_contract_key_count(const struct market *market, size_t index)
{
    return market->contracts[index]->key_count;
}

const char *market_contract_key(const struct market *market, size_t index, size_t nth)
{
    return key_by_id(market, market->contracts[index]->key_ids[nth])->text;
}

const char *market_contract_onstart(const struct market *market, size_t index)
{
    return buffer_text(&market->contracts[index]->onstart);
}

int64_t unix_ms(const struct market *market, int64_t at_ns)
{
    return saturating_add(market->options.epoch.unix_ns, at_ns) / NS_PER_MS;
}

int64_t market_draw(const struct market *market, uint32_t purpose, uint32_t entity, uint32_t index, int64_t low,
                    int64_t high)
{
    struct random_address address = {.run = market->options.run, .purpose = purpose, .entity = entity, .index = index};
    return random_between(market->options.seed, address, low, high);
}
